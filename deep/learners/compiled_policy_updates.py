"""Proximal updates of plain perceptrons as compiled loops: to choose, and to learn from a rollout.

They work on the arrays of the learner itself: parameters, their gradients and Adam's moments. A rollout's rows lie
network by network, as :meth:`marlgt.deep.networks.sharing.Sharing.spread` lays them; a mini-batch is told by the
numbers of its windows, and its rows are read where they lie, in blocks that go through a network there and back. Seeds
and networks are taken one after another, so that nothing depends on how many there are.

Arrays are those of :mod:`marlgt.deep.learners.compiled_policy_losses`, and

actions : ndarray of float32, shape (S K, rows, 1 or d)
"""

from __future__ import annotations

from math import exp, isfinite, log
from typing import Any

from marlgt.deep.learners.compiled_policy_losses import (
    ACTION_SIZE,
    ADVANTAGE,
    BENT,
    BLOCK,
    GROUP,
    LEAVES,
    LOSS,
    MEAN,
    MOVED,
    MOVES,
    N_NETWORKS,
    N_PARTS,
    N_SEEDS,
    N_WINDOWS,
    RATE,
    close_scales,
    policy_slopes,
    survey,
    tell,
    value_slopes,
)
from marlgt.deep.learners.compiled_updates import ROOT, SHARE, STEP, adam
from marlgt.deep.networks.compiled_perceptrons import forward, pull_back
from marlgt.kernels import kernel, lane_loop

__all__ = ["choose", "judge", "learn"]


@kernel
def pass_through(parameters: Any, layout: Any, rows: Any, begin: int, n_rows: int, room: Any, bent: int) -> None:
    """Fill the room with some of the rows (rows, inputs) that a network sees, and with what it makes of them."""
    n_inputs = rows.shape[1]
    for i in range(n_rows):
        for j in range(n_inputs):
            room[0, i * n_inputs + j] = rows[begin + i, j]
    forward(parameters, layout, room, n_rows, bent)


@kernel
def choose(
    parameters: Any,
    layout: Any,
    sizes: Any,
    settings: Any,
    members: Any,
    rows: Any,
    allowed: Any,
    draws: Any,
    room: Any,
    outputs: Any,
    choices: Any,
    numbers: Any,
) -> None:
    """Draw the actions of all agents.

    Parameters
    ----------
    parameters : ndarray, shape (S K, numbers of a network)
    layout, sizes, settings
        See the module.
    members : ndarray of int64, shape (K g,)
        Agents, network by network.
    rows : ndarray, shape (S K, B g, inputs)
        What the policies see.
    allowed : ndarray of bytes, shape (S, B, n, A)
    draws : ndarray, shape (S, B, n, A or d)
        Uniform numbers for choices, normal ones for numbers.
    room : ndarray
        See :mod:`marlgt.deep.networks.compiled_perceptrons`.
    outputs, choices, numbers : ndarray, shapes (S, B, n, O), (S, B, n) and (S, B, n, d)
        What is told of the laws, and what is drawn from them.
    """
    n_networks, group, size, block = sizes[N_NETWORKS], sizes[GROUP], sizes[ACTION_SIZE], sizes[BLOCK]
    n_layers, n_rows, width = layout.shape[0], rows.shape[1], layout[layout.shape[0] - 1, 1]
    for network in range(rows.shape[0]):
        s, k = network // n_networks, network % n_networks
        for begin in range(0, n_rows, block):
            n = min(block, n_rows - begin)
            pass_through(parameters[network], layout, rows[network], begin, n, room, sizes[BENT])
            for i in range(n):
                b, agent = (begin + i) // group, members[k * group + (begin + i) % group]
                law, draw = outputs[s, b, agent], draws[s, b, agent]
                tell(parameters[network], sizes, settings, room[n_layers], i * width, allowed[s, b, agent], law)
                if size:
                    for j in range(size):
                        numbers[s, b, agent, j] = law[j] + exp(law[size + j]) * draw[j]
                else:
                    best, most = 0, law[0] - log(-log(draw[0]))
                    for a in range(1, width):
                        score = law[a] - log(-log(draw[a]))
                        if score > most:
                            best, most = a, score
                    choices[s, b, agent] = best


@kernel
def judge(parameters: Any, layout: Any, sizes: Any, rows: Any, room: Any, values: Any) -> None:
    """Set the values, shape (S K, rows), of what critics see, shape (S K, rows, inputs)."""
    block, n_rows = sizes[BLOCK], rows.shape[1]
    for network in range(rows.shape[0]):
        for begin in range(0, n_rows, block):
            n = min(block, n_rows - begin)
            pass_through(parameters[network], layout, rows[network], begin, n, room, sizes[BENT])
            for i in range(n):
                values[network, begin + i] = room[layout.shape[0], i]


@lane_loop
def gather(order: Any, first: int, n_rows: int, group: int, rows: Any, facts: Any, rooms: Any, outcome: Any) -> None:
    """Lay what a block of a mini-batch sees side by side, with what is known of it and where it was found."""
    seen, judged = rows
    room, other, _, _, picked, _, fact = rooms
    n_seen, n_judged = seen.shape[1], judged.shape[1]
    for i in range(n_rows):
        place = order[(first + i) // group] * group + (first + i) % group
        picked[i] = place
        for j in range(n_seen):
            room[0, i * n_seen + j] = seen[place, j]
        for j in range(n_judged):
            other[0, i * n_judged + j] = judged[place, j]
        for j in range(4):
            fact[i, j] = facts[place, j]
        fact[i, ADVANTAGE] = (facts[place, ADVANTAGE] - outcome[MEAN]) * outcome[RATE]


@kernel
def descent(
    parameters: Any,
    gradients: Any,
    layouts: Any,
    sizes: Any,
    settings: Any,
    order: Any,
    begin: int,
    end: int,
    rows: Any,
    actions: Any,
    facts: Any,
    allowed: Any,
    rooms: Any,
    outcome: Any,
) -> None:
    """Add the gradients of a network's part of a mini-batch to its own, and its loss to the outcome."""
    group, block, bent = sizes[GROUP], sizes[BLOCK], sizes[BENT]
    actor, critic = layouts
    room, other, arriving, spare = rooms[0], rooms[1], rooms[2], rooms[3]
    width = actor[actor.shape[0] - 1, 1]
    for first in range(begin * group, end * group, block):
        n = min(block, end * group - first)
        gather(order, first, n, group, rows, facts, rooms, outcome)
        forward(parameters, actor, room, n, bent)
        logits = room[actor.shape[0]]
        policy_slopes(parameters, gradients, sizes, settings, logits, n, width, actions, allowed, rooms, outcome)
        pull_back(parameters, gradients, actor, room, arriving, spare, n, bent)
        forward(parameters, critic, other, n, bent)
        value_slopes(settings, other[critic.shape[0]], n, rooms, outcome)
        pull_back(parameters, gradients, critic, other, arriving, spare, n, bent)
    close_scales(parameters, gradients, sizes, settings)


@kernel
def learn(
    parameters: Any,
    gradients: Any,
    first: Any,
    second: Any,
    layouts: Any,
    sizes: Any,
    settings: Any,
    schedule: Any,
    order: Any,
    moving: Any,
    rows: Any,
    actions: Any,
    facts: Any,
    allowed: Any,
    rooms: Any,
    outcome: Any,
    losses: Any,
    moved: Any,
) -> bool:
    """Take the updates of an epoch, until a loss is not finite, and return whether all were taken.

    Parameters
    ----------
    parameters, gradients, first, second : ndarray, shape (S K, numbers of a network)
    layouts : tuple of two ndarrays
        Of policies and of critics.
    sizes, settings, actions, facts, outcome
        See the module.
    schedule : ndarray of float32, shape (S, parts, 2)
        Size and root of Adam's steps.
    order : ndarray of int64, shape (S, windows)
        The windows of the rollout, dealt out part by part.
    moving : ndarray of int64, shape (S,)
        What each seed does.
    rows : tuple of two ndarrays, shapes (S K, rows, inputs)
        What policies and critics see.
    allowed : ndarray of bytes, shape (S K, rows, A)
    rooms : tuple of ndarrays
        Room for both networks, for the way back and a block's rows.
    losses, moved : ndarray of float32, shape (S,)
        Sums of the losses of all parts; how far policies have moved at the last of them.
    """
    n_networks, n_windows, n_parts = sizes[N_NETWORKS], sizes[N_WINDOWS], sizes[N_PARTS]
    seen, judged = rows
    for s in range(sizes[N_SEEDS]):
        if moving[s] == LEAVES:
            continue
        end = 0
        for part in range(n_parts):
            begin = end
            end = begin + n_windows // n_parts + (1 if part < n_windows % n_parts else 0)
            survey(facts, order[s], begin, end, sizes, s * n_networks, outcome)
            outcome[LOSS], outcome[MOVED], settings[SHARE] = 0.0, 0.0, 1.0 / (end - begin)
            for network in range(s * n_networks, (s + 1) * n_networks):
                gradients[network, :] = 0.0
                descent(
                    parameters[network],
                    gradients[network],
                    layouts,
                    sizes,
                    settings,
                    order[s],
                    begin,
                    end,
                    (seen[network], judged[network]),
                    actions[network],
                    facts[network],
                    allowed[network],
                    rooms,
                    outcome,
                )
            losses[s] += outcome[LOSS] / (end - begin)
            if not isfinite(losses[s]):
                return False
            moved[s] = outcome[MOVED] / ((end - begin) * sizes[GROUP] * n_networks)
            if moving[s] == MOVES:
                settings[STEP], settings[ROOT] = schedule[s, part, 0], schedule[s, part, 1]
                low, high = s * n_networks, (s + 1) * n_networks
                adam(parameters[low:high], gradients[low:high], first[low:high], second[low:high], settings)
    return True
