"""Walks down sampled plays of the tree, with random numbers drawn beforehand, so that both gears agree.

An arc is an action at an information set of a player, numbered as the sequence it ends, or after all of these a
move at a node of chance. A walk stops before it could run out of random numbers, and is called again.
"""

from __future__ import annotations

from typing import Any

from marlgt.kernels import kernel

__all__ = ["sample_externally", "sample_outcomes"]


@kernel
def match_regrets(regrets: Any, policy: Any, start: int, count: int) -> None:
    """Write the policy in proportion to the positive regrets of one information set, uniform where there are none."""
    total = 0.0
    for s in range(start, start + count):
        total += max(regrets[s], 0.0)
    for s in range(start, start + count):
        policy[s] = max(regrets[s], 0.0) / total if total > 0.0 else 1.0 / count


@kernel
def drawn(policy: Any, start: int, count: int, draw: float) -> int:
    """Return the action that a number from 0 to 1 draws from the policy; never one of probability zero."""
    chosen = 0
    below = 0.0
    for a in range(count):
        if policy[start + a] > 0.0:
            chosen = a
            below += policy[start + a]
            if draw < below:
                break
    return chosen


@kernel
def sample_externally(
    player: Any,
    first_arc: Any,
    first_child: Any,
    children: Any,
    payoffs: Any,
    draws: Any,
    longest: int,
    begun: int,
    walks: int,
    n_players: int,
    regrets: Any,
    policy: Any,
    average: Any,
    worths: Any,
    nodes: Any,
    cursors: Any,
    weights: Any,
) -> int:
    """Walk the tree of each player in turn, trying all her actions and sampling the others'; return the walks done.

    Walk k is that of player i = ``k % n_players`` and averages the policies of the player after i, where they are
    played as often as her own plan says: ``weight`` is one over the chance of the sampled actions of all others. A
    player who is alone averages her own, ``weight`` being her own reach.
    """
    used = 0
    for k in range(begun, walks):
        if used + longest > draws.shape[0]:
            return k
        i = k % n_players
        averaged = (i + 1) % n_players
        node = 0
        depth = 0
        weight = 1.0
        walking = True
        while walking:
            while player[node] > -2:
                start = first_arc[node]
                low = first_child[node]
                count = first_child[node + 1] - low
                if player[node] >= 0:
                    match_regrets(regrets, policy, start, count)
                if player[node] == averaged:
                    for s in range(start, start + count):
                        average[s] += weight * policy[s]
                if player[node] == i:
                    nodes[depth] = node
                    cursors[depth] = 0
                    weights[depth] = weight
                    depth += 1
                    if averaged == i:
                        weight *= policy[start]
                    node = children[low]
                else:
                    a = drawn(policy, start, count, draws[used])
                    used += 1
                    if player[node] >= 0 and player[node] != averaged:
                        weight /= policy[start + a]
                    node = children[low + a]
            value = payoffs[i, node]
            walking = False
            while depth > 0:
                above = nodes[depth - 1]
                start = first_arc[above]
                count = first_child[above + 1] - first_child[above]
                worths[start + cursors[depth - 1]] = value
                cursors[depth - 1] += 1
                if cursors[depth - 1] < count:
                    node = children[first_child[above] + cursors[depth - 1]]
                    weight = weights[depth - 1]
                    if averaged == i:
                        weight *= policy[start + cursors[depth - 1]]
                    walking = True
                    break
                value = 0.0
                for s in range(start, start + count):
                    value += policy[s] * worths[s]
                for s in range(start, start + count):
                    regrets[s] += worths[s] - value
                depth -= 1
    return walks


@kernel
def sample_outcomes(
    player: Any,
    first_arc: Any,
    first_child: Any,
    children: Any,
    payoffs: Any,
    draws: Any,
    longest: int,
    begun: int,
    walks: int,
    n_players: int,
    exploration: float,
    learning_rate: float,
    regrets: Any,
    policy: Any,
    average: Any,
    baselines: Any,
    nodes: Any,
    cursors: Any,
    chances: Any,
    reaches: Any,
) -> int:
    """Sample one play for each walk and learn from it; return the walks done. Walk k is that of ``k % n_players``.

    ``chances`` are those with which the actions on the play were sampled; ``reaches[d]`` is the player's own
    sampling reach of node d. Baselines of rate 0 stay 0.
    """
    used = 0
    for k in range(begun, walks):
        if used + longest > draws.shape[0]:
            return k
        i = k % n_players
        node = 0
        depth = 0
        own = 1.0
        own_sampled = 1.0
        sampled = 1.0
        while player[node] > -2:
            start = first_arc[node]
            low = first_child[node]
            count = first_child[node + 1] - low
            if player[node] >= 0:
                match_regrets(regrets, policy, start, count)
            nodes[depth] = node
            reaches[depth] = own_sampled
            draw = draws[used]
            used += 1
            if player[node] == i:
                for s in range(start, start + count):
                    average[s] += own / sampled * policy[s]
                if draw < exploration:
                    a = min(int(draw / exploration * count), count - 1)
                else:
                    a = drawn(policy, start, count, (draw - exploration) / (1.0 - exploration))
                chance = exploration / count + (1.0 - exploration) * policy[start + a]
                own *= policy[start + a]
                own_sampled *= chance
            else:
                a = drawn(policy, start, count, draw)
                chance = policy[start + a]
            sampled *= chance
            cursors[depth] = a
            chances[depth] = chance
            depth += 1
            node = children[low + a]
        value = payoffs[i, node]
        for d in range(depth - 1, -1, -1):
            node = nodes[d]
            start = first_arc[node]
            stop = start + first_child[node + 1] - first_child[node]
            taken = start + cursors[d]
            # u(h, a) = b(a) + [a was sampled] (u(h a) - b(a)) / chance of a
            corrected = baselines[i, taken] + (value - baselines[i, taken]) / chances[d]
            below = 0.0
            for s in range(start, stop):
                below += policy[s] * (corrected if s == taken else baselines[i, s])
            if player[node] == i:
                for s in range(start, stop):
                    regrets[s] += ((corrected if s == taken else baselines[i, s]) - below) / reaches[d]
            baselines[i, taken] += learning_rate * (value - baselines[i, taken])
            value = below
    return walks
