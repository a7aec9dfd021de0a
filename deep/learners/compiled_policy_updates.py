"""Proximal updates of plain perceptrons as compiled loops: to choose, and to learn from a rollout.

They work on the arrays of the learner itself: parameters, their gradients and Adam's moments. A rollout's rows lie
network by network, as :meth:`marlgt.deep.networks.sharing.Sharing.spread` lays them; a mini-batch is told by the
numbers of its windows, and its rows are read where they lie, in blocks that go through a network there and back. Seeds
and networks are taken one after another, so that nothing depends on how many there are.

For logits x with π their softmax, A an advantage and ρ the ratio of probabilities, where it is not clipped::

    ∂/∂x_b  -A ρ = -A ρ (1[a = b] - π_b),      ∂/∂x_b  H = -π_b (log π_b + H)

and for a mean μ with log σ beside it, z = (a - μ) / σ::

    ∂/∂μ  -A ρ = -A ρ z / σ,      ∂/∂log σ  -A ρ = -A ρ (z² - 1),      ∂/∂log σ  H = 1

Arrays
------
sizes, settings : ndarray of int64 and of float32
    Their places are named here; those of Adam are those of :mod:`marlgt.deep.learners.compiled_updates`.
facts : ndarray, shape (S K, rows, 4)
    Log-probability of the action when it was taken, advantage, the critic's value then, and what it should be.
actions : ndarray of float32, shape (S K, rows, 1 or d)
outcome : ndarray of float64, shape (4,)
    Sums of the loss and of the divergence; mean and rate of the advantages. In double: they run over all rows.
"""

from __future__ import annotations

from math import exp, isfinite, log, sqrt
from typing import Any, Final

from marlgt.deep.learners.compiled_updates import HUBER, ROOT, SHARE, STEP, adam
from marlgt.deep.networks.compiled_perceptrons import forward, pull_back
from marlgt.kernels import kernel, lane_loop

__all__ = ["choose", "judge", "learn"]

N_SEEDS, N_NETWORKS, GROUP, N_WINDOWS, N_PARTS, N_ACTIONS, ACTION_SIZE = 0, 1, 2, 3, 4, 5, 6
MASKED, BENT, LOG_SCALES, BLOCK, STANDARDISED = 7, 8, 9, 10, 11
"""Sizes; where log σ is in a row of parameters; whether masks are kept, and advantages standardised."""
N_SIZES: Final = 12

RATIO_CLIP, VALUE_CLIP, VALUE_WEIGHT, ENTROPY_WEIGHT, LEAST_SCALE, MOST_SCALE = 11, 12, 13, 14, 15, 16
"""Settings behind those of Adam; a clip of 0 is none; bounds of log σ."""
N_SETTINGS: Final = 17

BEFORE, ADVANTAGE, VALUE, TARGET = 0, 1, 2, 3
LOSS, MOVED, MEAN, RATE = 0, 1, 2, 3
LEAVES, MOVES, RESTS = 0, 1, 2
"""What a seed does: it takes no part, it learns, or its losses are told and it stays as it is."""

FORBIDDEN: Final = -1e30
HALF_LOG_TWO_PI: Final = 0.9189385332046727


@lane_loop
def tell(parameters: Any, sizes: Any, settings: Any, logits: Any, begin: int, allowed: Any, outputs: Any) -> None:
    """Write what the law of actions is told: logits as far as they are allowed, or means and log σ."""
    n_actions, size = sizes[N_ACTIONS], sizes[ACTION_SIZE]
    for a in range(n_actions):
        outputs[a] = logits[begin + a] if sizes[MASKED] == 0 or allowed[a] else FORBIDDEN
    for i in range(size):
        outputs[i] = logits[begin + i]
        scale = parameters[sizes[LOG_SCALES] + i]
        outputs[size + i] = min(max(scale, settings[LEAST_SCALE]), settings[MOST_SCALE])


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
    n_layers, n_inputs, n_rows, width = layout.shape[0], rows.shape[2], rows.shape[1], layout[layout.shape[0] - 1, 1]
    for network in range(rows.shape[0]):
        s, k = network // n_networks, network % n_networks
        for begin in range(0, n_rows, block):
            n = min(block, n_rows - begin)
            for i in range(n):
                for j in range(n_inputs):
                    room[0, i * n_inputs + j] = rows[network, begin + i, j]
            forward(parameters[network], layout, room, n, sizes[BENT])
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
    block, n_rows, n_inputs = sizes[BLOCK], rows.shape[1], rows.shape[2]
    for network in range(rows.shape[0]):
        for begin in range(0, n_rows, block):
            n = min(block, n_rows - begin)
            for i in range(n):
                for j in range(n_inputs):
                    room[0, i * n_inputs + j] = rows[network, begin + i, j]
            forward(parameters[network], layout, room, n, sizes[BENT])
            for i in range(n):
                values[network, begin + i] = room[layout.shape[0], i]


@lane_loop
def surrogate(now: Any, fact: Any, settings: Any, outcome: Any) -> Any:
    """Add an action's loss, and how far its probability has moved; return the loss's slope in log π."""
    gap, clip = now - fact[BEFORE], settings[RATIO_CLIP]
    ratio = exp(gap)
    clipped = min(max(ratio, 1.0 - clip), 1.0 + clip)
    advantage = fact[ADVANTAGE]
    free, kept = -advantage * ratio, -advantage * clipped
    outcome[MOVED] += ratio - 1.0 - gap
    outcome[LOSS] += kept if kept > free else free
    return 0.0 if kept > free else free


@lane_loop
def slopes_of_choices(
    law: Any, action: Any, n_actions: int, fact: Any, settings: Any, outcome: Any, slopes: Any
) -> None:
    """Set the slopes of a row's loss in the logits, which are replaced by log π."""
    largest, total = law[0], 0.0
    for a in range(1, n_actions):
        largest = law[a] if law[a] > largest else largest
    for a in range(n_actions):
        law[a] -= largest
        slopes[a] = exp(law[a])
        total += slopes[a]
    level, weight, entropy, share = log(total), settings[ENTROPY_WEIGHT], 0.0, settings[SHARE]
    for a in range(n_actions):
        law[a] -= level
        slopes[a] /= total
        entropy -= slopes[a] * law[a]
    slope = surrogate(law[action], fact, settings, outcome)
    outcome[LOSS] -= weight * entropy
    for a in range(n_actions):
        chance = slopes[a]
        slopes[a] = share * chance * (weight * (law[a] + entropy) - slope)
    slopes[action] += share * slope


@lane_loop
def slopes_of_numbers(
    law: Any, action: Any, size: int, fact: Any, settings: Any, outcome: Any, slopes: Any, scales: Any
) -> None:
    """Set the slopes of a row's loss in the means, and add those in log σ."""
    now, weight, share = 0.0, settings[ENTROPY_WEIGHT], settings[SHARE]
    for i in range(size):
        rate = exp(-law[size + i])
        standard = (action[i] - law[i]) * rate
        slopes[i] = rate * standard
        now -= 0.5 * standard * standard + law[size + i] + HALF_LOG_TWO_PI
        outcome[LOSS] -= weight * (law[size + i] + 0.5 + HALF_LOG_TWO_PI)
    slope = surrogate(now, fact, settings, outcome) * share
    for i in range(size):
        standard = (action[i] - law[i]) * exp(-law[size + i])
        slopes[i] *= slope
        scales[i] += slope * (standard * standard - 1.0) - weight * share


@lane_loop
def error(value: Any, target: Any, bend: Any) -> tuple[Any, Any]:
    """Return the loss of a value, squared or Huber's, and its slope."""
    gap = value - target
    size = abs(gap)
    if bend > 0.0:
        near = bend if size > bend else size
        return 0.5 * near * near + bend * (size - near), near if gap > 0.0 else -near
    return gap * gap, 2.0 * gap


@lane_loop
def slope_of_value(value: Any, fact: Any, settings: Any, outcome: Any) -> Any:
    """Add a value's loss, and return its slope."""
    loss, slope = error(value, fact[TARGET], settings[HUBER])
    clip, before = settings[VALUE_CLIP], fact[VALUE]
    if clip > 0.0:
        near = before + min(max(value - before, -clip), clip)
        clipped, _ = error(near, fact[TARGET], settings[HUBER])
        if clipped > loss:
            loss = clipped
            # Within the interval both are one, but for how they are rounded.
            slope = slope if abs(value - before) <= clip else 0.0
    outcome[LOSS] += settings[VALUE_WEIGHT] * loss
    return settings[VALUE_WEIGHT] * slope


@lane_loop
def survey(facts: Any, order: Any, begin: int, end: int, sizes: Any, first: int, outcome: Any) -> None:
    """Set mean and rate of the advantages of a seed's mini-batch, of all its agents."""
    group, n_networks = sizes[GROUP], sizes[N_NETWORKS]
    count = (end - begin) * group * n_networks
    outcome[MEAN], outcome[RATE] = 0.0, 1.0
    if sizes[STANDARDISED] == 0 or count < 2:
        return
    for network in range(first, first + n_networks):
        for w in range(begin, end):
            for m in range(group):
                outcome[MEAN] += facts[network, order[w] * group + m, ADVANTAGE]
    outcome[MEAN] /= count
    outcome[RATE] = 0.0
    for network in range(first, first + n_networks):
        for w in range(begin, end):
            for m in range(group):
                gap = facts[network, order[w] * group + m, ADVANTAGE] - outcome[MEAN]
                outcome[RATE] += gap * gap
    outcome[RATE] = 1.0 / (sqrt(outcome[RATE] / (count - 1)) + 1e-8)


@lane_loop
def close_scales(parameters: Any, gradients: Any, sizes: Any, settings: Any) -> None:
    """Let no gradient lead log σ further out of its bounds."""
    for i in range(sizes[ACTION_SIZE]):
        place = sizes[LOG_SCALES] + i
        x, g = parameters[place], gradients[place]
        if (x < settings[LEAST_SCALE] and g > 0.0) or (x > settings[MOST_SCALE] and g < 0.0):
            gradients[place] = 0.0


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
    group, size, block, bent = sizes[GROUP], sizes[ACTION_SIZE], sizes[BLOCK], sizes[BENT]
    actor, critic = layouts
    seen, judged = rows
    room, other, arriving, spare, picked, law, fact = rooms
    width, n_seen, n_judged = actor[actor.shape[0] - 1, 1], seen.shape[1], judged.shape[1]
    for first in range(begin * group, end * group, block):
        n = min(block, end * group - first)
        for i in range(n):
            place = order[(first + i) // group] * group + (first + i) % group
            picked[i] = place
            for j in range(n_seen):
                room[0, i * n_seen + j] = seen[place, j]
            for j in range(n_judged):
                other[0, i * n_judged + j] = judged[place, j]
            for j in range(4):
                fact[i, j] = facts[place, j]
            fact[i, ADVANTAGE] = (facts[place, ADVANTAGE] - outcome[MEAN]) * outcome[RATE]
        forward(parameters, actor, room, n, bent)
        for i in range(n):
            mask = allowed[picked[i] if sizes[MASKED] else 0]
            tell(parameters, sizes, settings, room[actor.shape[0]], i * width, mask, law)
            slopes = arriving[0, i * width : (i + 1) * width]
            action = actions[picked[i]]
            if size:
                scales = gradients[sizes[LOG_SCALES] : sizes[LOG_SCALES] + size]
                slopes_of_numbers(law, action, size, fact[i], settings, outcome, slopes, scales)
            else:
                slopes_of_choices(law, int(action[0]), width, fact[i], settings, outcome, slopes)
        pull_back(parameters, gradients, actor, room, arriving, spare, n, bent)
        forward(parameters, critic, other, n, bent)
        for i in range(n):
            arriving[0, i] = settings[SHARE] * slope_of_value(other[critic.shape[0], i], fact[i], settings, outcome)
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
