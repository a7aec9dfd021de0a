"""The steps of a deep Q-network as compiled loops: to choose, to remember, and to learn from what is remembered.

They work on the arrays of the learner itself, which are views of its tensors: parameters, Adam's moments, and the rows
of the replay, of which :mod:`marlgt.deep.replay.rows` tells what lies where. Rows are read as they lie in the store: no
batch is made. Seeds and networks are taken one after another, so that nothing depends on how many there are.

Arrays
------
sizes : ndarray of int64
    What is counted, and where fields begin in a row; its places are named here.
groups : tuple of two ndarrays of int64, shapes (n,) and (K + 1,)
    Agents, network by network, and where those of each network begin.
store : tuple of three ndarrays, shape (rows of all seeds, ...)
    What is remembered, as float32 (words), as bytes (bits), and as int64 (longs).
room : tuple of ndarrays
    Room for a network, see :mod:`marlgt.deep.networks.compiled_networks`.
"""

from __future__ import annotations

from math import isfinite, sqrt
from typing import Any, Final

from marlgt.deep.networks.compiled_networks import forward, pull_back, sum_of_products
from marlgt.kernels import lane_loop

__all__ = ["choose", "learn", "remember"]

N_SEEDS, N_NETWORKS, N_AGENTS, N_ACTIONS, N_SEEN = 0, 1, 2, 3, 4
N_STORED, N_STEPS, ONE_HOT, LEAST, TOLD, MASKED = 5, 6, 7, 8, 9, 10
"""Sizes; steps stored for a seed, one-hot numbers and the least of them, whether ids are told and masks kept."""
REWARDS, BEFORE, AFTER, ENDING, ALLOWED, REACHED_ALLOWED, N_COPIES, DOUBLE = 11, 12, 13, 14, 15, 16, 17, 18
"""Words and bytes at which the fields of a row begin; copies of the environment; whether to choose by the network."""
N_SIZES: Final = 19

HUBER, CLIP, SHARE, STEP, ROOT, EPSILON, FIRST, SECOND, FIRST_REST, SECOND_REST, PER_AGENT = range(11)
"""Numbers of an update: Huber's bend and the clip (0 for none), one over the windows, and those of Adam."""
N_SETTINGS: Final = 11


@lane_loop
def see(row: Any, begin: int, agent: int, sizes: Any, inputs: Any) -> None:
    """Write what an agent's network sees of the numbers that begin somewhere in a row."""
    n_seen, n_values = sizes[N_SEEN], sizes[ONE_HOT]
    start = begin + agent * n_seen
    if n_values:
        for i in range(n_seen):
            for v in range(n_values):
                inputs[i * n_values + v] = 1.0 if row[start + i] == sizes[LEAST] + v else 0.0
        start_of_ids = n_seen * n_values
    else:
        for i in range(n_seen):
            inputs[i] = row[start + i]
        start_of_ids = n_seen
    if sizes[TOLD]:
        for i in range(sizes[N_AGENTS]):
            inputs[start_of_ids + i] = 1.0 if i == agent else 0.0


@lane_loop
def best_of(values: Any, n_actions: int, masked: int, allowed: Any, begin: int) -> int:
    """Return the allowed action of the largest value, the first of several; 0 where none is allowed."""
    best, found = 0, False
    for a in range(n_actions):
        if (not masked or allowed[begin + a]) and (not found or values[a] > values[best]):
            best, found = a, True
    return best


@lane_loop
def choose(
    parameters: Any,
    layout: Any,
    sizes: Any,
    groups: Any,
    seen: Any,
    allowed: Any,
    draws: Any,
    epsilon: float,
    room: Any,
    actions: Any,
) -> None:
    """Set the actions of all agents, greedy but for a share that is drawn.

    Parameters
    ----------
    parameters : ndarray, shape (S K, numbers of a network)
    layout, sizes, groups, room
        See the module.
    seen, allowed : ndarray, shape (S B, n D) and, of bytes, (S B, n A)
    draws : ndarray, shape (S B, n, A + 1)
        Chances of each action, and last whether to follow them, as in :func:`marlgt.deep.exploration.epsilon_greedy`.
    epsilon : float32
    actions : ndarray of int64, shape (S B, n)
    """
    n_copies, n_networks, n_actions, masked = sizes[N_COPIES], sizes[N_NETWORKS], sizes[N_ACTIONS], sizes[MASKED]
    members, firsts = groups
    layers = room[0]
    for s in range(sizes[N_SEEDS]):
        for k in range(n_networks):
            group = firsts[k + 1] - firsts[k]
            for b in range(n_copies):
                for m in range(group):
                    see(seen[s * n_copies + b], 0, members[firsts[k] + m], sizes, layers[0, b * group + m])
            forward(parameters[s * n_networks + k], layout, room, n_copies * group)
            values = layers[layout.shape[0]]
            for b in range(n_copies):
                row = s * n_copies + b
                for m in range(group):
                    agent = members[firsts[k] + m]
                    ranked = values[b * group + m]
                    if draws[row, agent, n_actions] < epsilon:
                        ranked = draws[row, agent]
                    actions[row, agent] = best_of(ranked, n_actions, masked, allowed[row], agent * n_actions)


@lane_loop
def remember(
    store: Any,
    head: int,
    sizes: Any,
    seen: Any,
    actions: Any,
    rewards: Any,
    scale: float,
    terminated: Any,
    truncated: Any,
    reached: Any,
    starts: Any,
    allowed: Any,
    reached_allowed: Any,
) -> bool:
    """Write a step of all copies into the rows at the head, and return whether its numbers are finite.

    Parameters
    ----------
    store, sizes
        See the module.
    head : int
        Of the ring, in steps of a seed.
    seen, reached : ndarray, shape (S B, n D)
    actions, rewards : ndarray, shape (S B, n)
    scale : float32
        What rewards are multiplied by.
    terminated, truncated, starts : ndarray of bytes, shape (S B,)
    allowed, reached_allowed : ndarray of bytes, shape (S B, n A)
    """
    words, bits, longs = store
    n_agents, n_copies = sizes[N_AGENTS], sizes[N_COPIES]
    numbers, choices = n_agents * sizes[N_SEEN], n_agents * sizes[N_ACTIONS]
    for row in range(seen.shape[0]):
        for i in range(n_agents):
            if not isfinite(rewards[row, i]):
                return False
        for i in range(numbers):
            if not isfinite(reached[row, i]):
                return False
    for row in range(seen.shape[0]):
        place = row // n_copies * sizes[N_STORED] + head + row % n_copies
        for i in range(n_agents):
            longs[place, i] = actions[row, i]
            words[place, sizes[REWARDS] + i] = rewards[row, i] * scale
        for i in range(numbers):
            words[place, sizes[BEFORE] + i] = seen[row, i]
            words[place, sizes[AFTER] + i] = reached[row, i]
        ending = sizes[ENDING]
        bits[place, ending] = terminated[row]
        bits[place, ending + 1] = terminated[row] | truncated[row]
        bits[place, ending + 2] = starts[row]
        bits[place, ending + 3] = starts[row]
        if sizes[MASKED]:
            for i in range(choices):
                bits[place, sizes[ALLOWED] + i] = allowed[row, i]
                bits[place, sizes[REACHED_ALLOWED] + i] = reached_allowed[row, i]
    return True


@lane_loop
def follow(
    words: Any, bits: Any, sizes: Any, base: int, place: int, agent: int, powers: Any, outcome: Any, position: int
) -> int:
    """Add up the rewards from a step on, until the last step asked for or the end, and return where that lies."""
    total, step = words[base + place, sizes[REWARDS] + agent], 0
    while step < sizes[N_STEPS] - 1 and not bits[base + place, sizes[ENDING] + 1]:
        place = (place + sizes[N_COPIES]) % sizes[N_STORED]
        total += powers[step] * words[base + place, sizes[REWARDS] + agent]
        step += 1
    outcome[0, position] = total
    outcome[1, position] = 0.0 if bits[base + place, sizes[ENDING]] else powers[step]
    return base + place


@lane_loop
def descent(
    parameters: Any,
    targets: Any,
    gradients: Any,
    layout: Any,
    sizes: Any,
    group: Any,
    store: Any,
    base: int,
    drawn: Any,
    powers: Any,
    settings: Any,
    room: Any,
    way_back: Any,
    errors: Any,
) -> Any:
    """Set the gradients of one network, add the sizes of its errors to ``errors``, and return its loss."""
    words, bits, longs = store
    indices, weights = drawn
    layers = room[0]
    arriving, turned, outcome, last = way_back
    n_members, n_actions, masked, n_layers = group.shape[0], sizes[N_ACTIONS], sizes[MASKED], layout.shape[0]
    n_rows = indices.shape[0] * n_members
    values, wanted = layers[n_layers], arriving[1]
    for p in range(n_rows):
        agent = group[p % n_members]
        last[p] = follow(words, bits, sizes, base, indices[p // n_members], agent, powers, outcome, p)
        see(words[last[p]], sizes[AFTER], agent, sizes, layers[0, p])
    forward(targets, layout, room, n_rows)
    if sizes[DOUBLE]:
        for p in range(n_rows):
            for a in range(n_actions):
                wanted[p, a] = values[p, a]
        forward(parameters, layout, room, n_rows)
    else:
        wanted = values
    for p in range(n_rows):
        place, begin = last[p], sizes[REACHED_ALLOWED] + group[p % n_members] * n_actions
        best = best_of(values[p], n_actions, masked, bits[place], begin)
        outcome[0, p] += outcome[1, p] * wanted[p, best]
    for p in range(n_rows):
        see(words[base + indices[p // n_members]], sizes[BEFORE], group[p % n_members], sizes, layers[0, p])
    forward(parameters, layout, room, n_rows)
    loss, bend, start = 0.0, settings[HUBER], arriving[0]
    for p in range(n_rows):
        window = p // n_members
        action = longs[base + indices[window], group[p % n_members]]
        error = outcome[0, p] - values[p, action]
        size = abs(error)
        if bend > 0.0:
            near = bend if size > bend else size
            element, slope = 0.5 * near * near + bend * (size - near), -near if error > 0.0 else near
        else:
            element, slope = error * error, -2.0 * error
        share = weights[window] * settings[SHARE]
        loss += element * share
        errors[window] += size * settings[PER_AGENT]
        for a in range(n_actions):
            start[p, a] = 0.0
        start[p, action] = slope * share
    pull_back(parameters, gradients, layout, room, arriving, turned, n_rows)
    return loss


@lane_loop
def adam(values: Any, gradients: Any, first: Any, second: Any, settings: Any) -> None:
    """Clip a seed's gradient and take Adam's step (Kingma and Ba 2015, algorithm 1)."""
    clip, factor = settings[CLIP], 1.0
    if clip > 0.0:
        total = 0.0
        for k in range(values.shape[0]):
            total += sum_of_products(gradients[k], gradients[k], values.shape[1])
        factor = min(1.0, clip / (sqrt(total) + 1e-6))
    for k in range(values.shape[0]):
        x, g, m, v = values[k], gradients[k], first[k], second[k]
        for i in range(values.shape[1]):
            g[i] *= factor
            m[i] += settings[FIRST_REST] * (g[i] - m[i])
            v[i] = settings[SECOND] * v[i] + settings[SECOND_REST] * (g[i] * g[i])
            x[i] -= settings[STEP] * m[i] / (sqrt(v[i]) * settings[ROOT] + settings[EPSILON])


@lane_loop
def learn(
    parameters: Any,
    targets: Any,
    gradients: Any,
    first: Any,
    second: Any,
    layout: Any,
    sizes: Any,
    groups: Any,
    store: Any,
    indices: Any,
    weights: Any,
    powers: Any,
    settings: Any,
    room: Any,
    way_back: Any,
    losses: Any,
    errors: Any,
) -> bool:
    """Take an update of all seeds, unless a loss is not finite, and return whether it was taken.

    Parameters
    ----------
    parameters, targets, gradients, first, second : ndarray, shape (S K, numbers of a network)
    layout, sizes, groups, store, room
        See the module.
    indices, weights : ndarray, shape (S, R)
        Where windows begin, and how much they count.
    powers : ndarray, shape (steps,)
        1 to steps of the discount.
    settings : ndarray
        See the names of its places.
    way_back : tuple of ndarrays
        Room for gradients and a transposed weight (``arriving, turned``), for targets and where they were found
        (``outcome, last``).
    losses, errors : ndarray, shapes (S,) and (S, R)
        The loss of each seed, and the mean size of the errors of each window.
    """
    members, firsts = groups
    n_networks, total = sizes[N_NETWORKS], 0.0
    for s in range(sizes[N_SEEDS]):
        loss = 0.0
        for r in range(errors.shape[1]):
            errors[s, r] = 0.0
        for k in range(n_networks):
            row = s * n_networks + k
            group = members[firsts[k] : firsts[k + 1]]
            drawn = (indices[s], weights[s])
            loss += descent(
                parameters[row],
                targets[row],
                gradients[row],
                layout,
                sizes,
                group,
                store,
                s * sizes[N_STORED],
                drawn,
                powers,
                settings,
                room,
                way_back,
                errors[s],
            )
        losses[s] = loss
        total += loss
    if not isfinite(total):
        return False
    for s in range(sizes[N_SEEDS]):
        begin, end = s * n_networks, (s + 1) * n_networks
        adam(parameters[begin:end], gradients[begin:end], first[begin:end], second[begin:end], settings)
    return True
