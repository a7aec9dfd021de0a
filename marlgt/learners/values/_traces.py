"""Kernels of temporal differences over entries of a table: with eligibility traces, and over a window of n steps.

An entry is a state, or a state with an action; both kinds of learners keep all they need in tables of the memory,
whose places the kernels are given.
"""

from __future__ import annotations

from typing import Any

from marlgt.kernels import inlined_kernel, lean_kernel
from marlgt.learners.layout import PER_VISIT, RATE, STEPS
from marlgt.learners.schedules import scheduled

__all__ = ["ACCUMULATING", "DUTCH", "REPLACING", "TRACES", "forget_traces", "rate_of", "traced_update", "window_update"]

TRACES = ("accumulating", "replacing", "dutch")
ACCUMULATING, REPLACING, DUTCH = 0, 1, 2

# A trace this small changes no bit of a value that a larger one has changed.
_GONE = 1e-30


@inlined_kernel
def rate_of(memory: Any, numbers: Any, updates: int, entry: int) -> float:
    """Return the learning rate for an entry, by the observations made or by the updates of the entry."""
    time = memory[STEPS]
    if numbers[PER_VISIT] == 1.0:
        time = memory[updates + entry]
    return float(scheduled(numbers, RATE, time))


@lean_kernel
def traced_update(
    memory: Any,
    values: int,
    into: int,
    traces: int,
    active: int,
    scalars: int,
    kind: int,
    entry: int,
    reward: float,
    discount: float,
    ahead: float,
    fade: float,
    rate: float,
) -> None:
    """Move all entries in proportion to their traces, after a step from ``entry`` to something worth ``ahead``.

    ``active`` lists the entries whose trace is not 0, ``scalars`` holds their number and, for dutch traces, what the
    present entry was worth when the last step led to it. Changes are added to the table ``into``.
    """
    current = memory[values + entry]
    error = reward + discount * ahead - current
    before = memory[scalars + 1]
    count = int(memory[scalars])
    k = 0
    while k < count:
        place = int(memory[active + k])
        left = memory[traces + place] * fade
        if left < _GONE:
            left = 0.0
            count -= 1
            memory[active + k] = memory[active + count]
        else:
            k += 1
        memory[traces + place] = left
    was = memory[traces + entry]
    if was == 0.0:
        memory[active + count] = entry
        count += 1
    step = rate * error
    if kind == ACCUMULATING:
        memory[traces + entry] = was + 1.0
    elif kind == REPLACING:
        memory[traces + entry] = 1.0
    else:
        # True online TD: the rate stands inside of the trace, e <- e + rate (1 - e x) x.
        memory[traces + entry] = was + rate * (1.0 - was)
        step = error + current - before
    for k in range(count):
        place = int(memory[active + k])
        memory[into + place] += step * memory[traces + place]
    if kind == DUTCH:
        memory[into + entry] -= rate * (current - before)
        memory[scalars + 1] = ahead
    memory[scalars] = count


@lean_kernel
def forget_traces(memory: Any, traces: int, active: int, scalars: int) -> None:
    """Set all traces to 0: an episode is over."""
    for k in range(int(memory[scalars])):
        memory[traces + int(memory[active + k])] = 0.0
    memory[scalars] = 0.0
    memory[scalars + 1] = 0.0


@lean_kernel
def window_update(
    memory: Any,
    numbers: Any,
    values: int,
    updates: int,
    places: int,
    paid: int,
    window: int,
    n: int,
    entry: int,
    reward: float,
    discount: float,
    ahead: float,
    over: bool,
) -> None:
    """Take a step into the window of the last n, and move the entry that it now has n rewards for.

    ``window`` holds how many steps the window has and where it begins in the rings ``places`` and ``paid``. When the
    episode is over, the entries left move to returns of fewer steps; all end in the same ``ahead``.
    """
    count = int(memory[window])
    first = int(memory[window + 1])
    slot = (first + count) % n
    memory[places + slot] = entry
    memory[paid + slot] = reward
    count += 1
    while count == n or (over and count > 0):
        total = 0.0
        weight = 1.0
        for k in range(count):
            total += weight * memory[paid + (first + k) % n]
            weight *= discount
        total += weight * ahead
        place = int(memory[places + first])
        memory[values + place] += rate_of(memory, numbers, updates, place) * (total - memory[values + place])
        memory[updates + place] += 1.0
        first = (first + 1) % n
        count -= 1
    memory[window] = count
    memory[window + 1] = first
