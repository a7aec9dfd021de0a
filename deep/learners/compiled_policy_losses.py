"""What rows of a mini-batch give to PPO's loss, and its slopes in what networks gave, as compiled loops.

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
outcome : ndarray of float64, shape (4,)
    Sums of the loss and of the divergence; mean and rate of the advantages. In double: they run over all rows.
"""

from __future__ import annotations

from math import exp, log, sqrt
from typing import Any, Final

from marlgt.deep.learners.compiled_updates import HUBER, SHARE
from marlgt.kernels import lane_loop

__all__ = ["close_scales", "policy_slopes", "survey", "tell", "value_slopes"]

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


@lane_loop
def policy_slopes(
    parameters: Any,
    gradients: Any,
    sizes: Any,
    settings: Any,
    logits: Any,
    n_rows: int,
    width: int,
    actions: Any,
    allowed: Any,
    rooms: Any,
    outcome: Any,
) -> None:
    """Set the slopes of a block's losses in what the policies gave."""
    _, _, arriving, _, picked, law, fact = rooms
    size, begin = sizes[ACTION_SIZE], sizes[LOG_SCALES]
    for i in range(n_rows):
        mask, action = allowed[picked[i] if sizes[MASKED] else 0], actions[picked[i]]
        tell(parameters, sizes, settings, logits, i * width, mask, law)
        slopes = arriving[0, i * width : (i + 1) * width]
        if size:
            scales = gradients[begin : begin + size]
            slopes_of_numbers(law, action, size, fact[i], settings, outcome, slopes, scales)
        else:
            slopes_of_choices(law, int(action[0]), width, fact[i], settings, outcome, slopes)


@lane_loop
def value_slopes(settings: Any, values: Any, n_rows: int, rooms: Any, outcome: Any) -> None:
    """Set the slopes of a block's losses in what the critics gave."""
    _, _, arriving, _, _, _, fact = rooms
    for i in range(n_rows):
        arriving[0, i] = settings[SHARE] * slope_of_value(values[i], fact[i], settings, outcome)
