"""The inner loops of flows and maps: payoffs of actions, Runge-Kutta steps, averages along the way.

A profile is one array x of all players' probabilities, player i's from ``offsets[i]`` to ``offsets[i + 1]``; v holds
what each action earns against the others in the same places. :func:`run_flows` is the loop over runs and steps; a
dynamic binds ``advance`` to one of the three steps below, and the step's ``field`` or ``update`` to its own rule.
"""

from __future__ import annotations

import math
from typing import Any

from marlgt.dynamics.projections import write_projection
from marlgt.kernels import kernel

__all__ = [
    "exponential_step",
    "map_step",
    "observing_step",
    "projected",
    "run_flows",
    "runge_kutta_step",
]

MOST_PIECES = 100
"""How many changes of the best replies one step looks for."""


@kernel
def action_payoffs(
    payoffs: Any, offsets: Any, x: Any, v: Any, digits: Any, products: Any, one_population: bool
) -> None:
    """Write what every action earns against the others' strategies; ``payoffs`` has shape (n, profiles)."""
    n = offsets.shape[0] - 1
    for k in range(v.shape[0]):
        v[k] = 0.0
    if n == 2:
        rows = offsets[1]
        columns = offsets[2] - rows
        at = 0
        for a in range(rows):
            total = 0.0
            for b in range(columns):
                total += payoffs[0, at + b] * x[rows + b]
            v[a] = total
            if not one_population:
                for b in range(columns):
                    v[rows + b] += payoffs[1, at + b] * x[a]
            at += columns
        if one_population:
            # The same numbers for both, so that rounding cannot part them where the diagonal is unstable.
            for a in range(rows):
                v[rows + a] = v[a]
        return
    for i in range(n):
        digits[i] = 0
    for p in range(payoffs.shape[1]):
        # products[i] = probability that the players after i play their part of the profile.
        after = 1.0
        for i in range(n - 1, -1, -1):
            products[i] = after
            after *= x[offsets[i] + digits[i]]
        before = 1.0
        for i in range(n):
            at = offsets[i] + digits[i]
            v[at] += payoffs[i, p] * before * products[i]
            before *= x[at]
        next_profile(offsets, digits)


@kernel
def next_profile(offsets: Any, digits: Any) -> None:
    """Count the action profile one on, the last player's action first."""
    for i in range(digits.shape[0] - 1, -1, -1):
        digits[i] += 1
        if digits[i] < offsets[i + 1] - offsets[i]:
            break
        digits[i] = 0


@kernel
def accumulate(offsets: Any, x: Any, v: Any, sums: Any, joint: Any, digits: Any, weight: float) -> None:
    """Add a stage to the integrals: of x, of v, of every player's payoff, and of the product distribution."""
    n = offsets.shape[0] - 1
    count = x.shape[0]
    for k in range(count):
        sums[k] += weight * x[k]
        sums[count + k] += weight * v[k]
    for i in range(n):
        earned = 0.0
        for k in range(offsets[i], offsets[i + 1]):
            earned += x[k] * v[k]
        sums[2 * count + i] += weight * earned
    if joint.shape[0] == 0:
        return
    for i in range(n):
        digits[i] = 0
    for p in range(joint.shape[0]):
        share = weight
        for i in range(n):
            share *= x[offsets[i] + digits[i]]
        joint[p] += share
        next_profile(offsets, digits)


@kernel
def clipped(offsets: Any, x: Any) -> float:
    """Set what rounding or a long step left below 0 to 0 and let each player's sum be 1; return the largest cut."""
    cut = 0.0
    for i in range(offsets.shape[0] - 1):
        total = 0.0
        for k in range(offsets[i], offsets[i + 1]):
            if x[k] < 0.0:
                cut = max(cut, -x[k])
                x[k] = 0.0
            total += x[k]
        if total > 0.0:
            for k in range(offsets[i], offsets[i + 1]):
                x[k] /= total
    return cut


@kernel
def projected(offsets: Any, x: Any) -> float:
    """Replace every player's part by the nearest distribution; nothing is cut that should have stayed."""
    for i in range(offsets.shape[0] - 1):
        write_projection(x[offsets[i] : offsets[i + 1]])
    return 0.0


@kernel
def field(offsets: Any, x: Any, v: Any, rates: Any, dx: Any) -> None:
    """Write the velocity of every probability: what a flow is."""
    for k in range(x.shape[0]):
        dx[k] = 0.0


@kernel
def settle(offsets: Any, x: Any) -> float:
    """Bring the end of a step back to distributions; return how far below 0 it was."""
    return clipped(offsets, x)


@kernel
def runge_kutta_step(
    payoffs: Any,
    offsets: Any,
    x: Any,
    sums: Any,
    joint: Any,
    memory: Any,
    rates: Any,
    work: Any,
    digits: Any,
    dt: float,
    one_population: bool,
) -> float:
    """Move x by the classical Runge-Kutta step of fourth order, and the integrals of its path by the same weights."""
    count = x.shape[0]
    v, stage, slope, move = work[0], work[1], work[2], work[3]
    products = work[4]
    for k in range(count):
        move[k] = 0.0
        stage[k] = x[k]
    for part in range(4):
        weight = dt / 6.0 if part == 0 or part == 3 else dt / 3.0
        action_payoffs(payoffs, offsets, stage, v, digits, products, one_population)
        accumulate(offsets, stage, v, sums, joint, digits, weight)
        field(offsets, stage, v, rates, slope)
        reach = dt if part == 2 else 0.5 * dt
        for k in range(count):
            move[k] += weight * slope[k]
            stage[k] = x[k] + reach * slope[k]
    for k in range(count):
        x[k] += move[k]
    return settle(offsets, x)


@kernel
def exponential_step(
    payoffs: Any,
    offsets: Any,
    x: Any,
    sums: Any,
    joint: Any,
    memory: Any,
    rates: Any,
    work: Any,
    digits: Any,
    dt: float,
    one_population: bool,
) -> float:
    """Move x along ``dx = target - x``, exactly between two changes of the targets that ``field`` writes.

    The path ``target + exp(-s) (x - target)`` enters the integrals by Simpson's rule. With two players payoffs move
    along a straight line, so the moment of the next change is known; ``rates[0]`` is the slack within which payoffs
    tie. The last piece takes what is left of the step, and with more players the only one is the whole step.
    """
    v, target, stage, later = work[0], work[1], work[2], work[3]
    products = work[4]
    left = dt
    for piece in range(MOST_PIECES):
        action_payoffs(payoffs, offsets, x, v, digits, products, one_population)
        field(offsets, x, v, rates, target)
        length = left
        if offsets.shape[0] == 3 and piece < MOST_PIECES - 1:
            action_payoffs(payoffs, offsets, target, later, digits, products, one_population)
            length = min(left, time_to_change(offsets, v, later, rates[0]))
        accumulate(offsets, x, v, sums, joint, digits, length / 6.0)
        for part in range(1, 3):
            kept = math.exp(-0.5 * part * length)
            for k in range(x.shape[0]):
                stage[k] = target[k] + kept * (x[k] - target[k])
            action_payoffs(payoffs, offsets, stage, v, digits, products, one_population)
            accumulate(offsets, stage, v, sums, joint, digits, length / 6.0 if part == 2 else 4.0 * length / 6.0)
        for k in range(x.shape[0]):
            x[k] = stage[k]
        left -= length
        if left <= 0.0:
            break
    return settle(offsets, x)


@kernel
def time_to_change(offsets: Any, v: Any, later: Any, slack: float) -> float:
    """Return when the set of best actions changes, if payoffs move by ``later + exp(-s) (v - later)``.

    A change is put where the difference has passed the slack once more, so that it is clear which action is best.
    """
    kept = 0.0
    for i in range(offsets.shape[0] - 1):
        best = offsets[i]
        for k in range(offsets[i], offsets[i + 1]):
            if v[k] > v[best]:
                best = k
        for k in range(offsets[i], offsets[i + 1]):
            behind = v[best] - v[k]
            behind_later = later[best] - later[k]
            if behind_later < -2.0 * slack:
                kept = max(kept, (behind_later + 2.0 * slack) / (behind_later - behind))
            elif behind <= slack and behind_later > 2.0 * slack:
                kept = max(kept, (behind_later - 2.0 * slack) / (behind_later - behind))
    return -math.log(kept) if kept > 0.0 else math.inf


@kernel
def update(payoffs: Any, offsets: Any, x: Any, v: Any, memory: Any, rates: Any, work: Any, digits: Any) -> None:
    """Replace x by the next profile: what a map is. ``work[1:4]`` and ``work[5:]`` are free."""
    memory[0] += 1.0


@kernel
def map_step(
    payoffs: Any,
    offsets: Any,
    x: Any,
    sums: Any,
    joint: Any,
    memory: Any,
    rates: Any,
    work: Any,
    digits: Any,
    dt: float,
    one_population: bool,
) -> float:
    """Count x as one step of play, then replace it by the next profile."""
    action_payoffs(payoffs, offsets, x, work[0], digits, work[4], one_population)
    accumulate(offsets, x, work[0], sums, joint, digits, dt)
    update(payoffs, offsets, x, work[0], memory, rates, work, digits)
    return settle(offsets, x)


@kernel
def observing_step(
    payoffs: Any,
    offsets: Any,
    x: Any,
    sums: Any,
    joint: Any,
    memory: Any,
    rates: Any,
    work: Any,
    digits: Any,
    dt: float,
    one_population: bool,
) -> float:
    """Count x as one step of play and leave it where it is."""
    action_payoffs(payoffs, offsets, x, work[0], digits, work[4], one_population)
    accumulate(offsets, x, work[0], sums, joint, digits, dt)
    return 0.0


@kernel
def advance(
    payoffs: Any,
    offsets: Any,
    x: Any,
    sums: Any,
    joint: Any,
    memory: Any,
    rates: Any,
    work: Any,
    digits: Any,
    dt: float,
    one_population: bool,
) -> float:
    """Move one run by one step; return how far below 0 a probability was cut."""
    return settle(offsets, x)


@kernel
def run_flows(
    payoffs: Any,
    offsets: Any,
    x: Any,
    sums: Any,
    joint: Any,
    memory: Any,
    rates: Any,
    cuts: Any,
    work: Any,
    digits: Any,
    dt: Any,
    steps: Any,
    done: int,
    most: int,
    one_population: bool,
) -> None:
    """Move every run, a row of each array, from its step ``done`` by at most ``most`` of its ``steps``, in place."""
    for r in range(x.shape[0]):
        # Rows are cut once: a view costs about as much as a small step.
        game, state, total, mean = payoffs[r], x[r], sums[r], joint[r]
        kept, numbers, length = memory[r], rates[r], dt[r]
        cut = cuts[r]
        for _ in range(done, min(steps[r], done + most)):
            below = advance(game, offsets, state, total, mean, kept, numbers, work, digits, length, one_population)
            cut = max(cut, below)
        cuts[r] = cut
