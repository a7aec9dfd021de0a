"""Schedules over the steps of a run: exploration rates, and exponents of prioritised replay.

A schedule is a frozen dataclass among the settings of an algorithm, so that a run's record tells it. Both kinds go from
``first`` at step 0 to ``last`` at step ``steps`` and stay there; the learners of tables have schedules of their own
(:mod:`marlgt.learners.schedules`), which kernels read and which also count visits.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from marlgt.errors import GameError

__all__ = ["Exponential", "Linear"]


@dataclass(frozen=True)
class Linear:
    """A straight line from ``first`` to ``last`` in ``steps`` steps.

    Attributes
    ----------
    first, last : float
        From 0 to 1.
    steps : int
        0 gives ``last`` from the beginning.

    Raises
    ------
    GameError
        For values outside 0 to 1 and a negative number of steps.

    Examples
    --------
    >>> epsilon = Linear(1.0, 0.05, 10_000)
    >>> epsilon.value(0), epsilon.value(5_000), epsilon.value(10**6)
    (1.0, 0.525, 0.05)
    """

    first: float
    last: float
    steps: int

    def __post_init__(self) -> None:
        _check(self.first, self.last, self.steps, lowest=0.0)

    def value(self, step: int) -> float:
        """Return the value at a step."""
        if step >= self.steps:
            return self.last
        return self.first + (self.last - self.first) * (max(step, 0) / self.steps)


@dataclass(frozen=True)
class Exponential:
    """Equal ratios from ``first`` to ``last`` in ``steps`` steps: ``first (last / first)^(step / steps)``.

    Attributes
    ----------
    first, last : float
        Above 0, up to 1.
    steps : int
        0 gives ``last`` from the beginning.

    Raises
    ------
    GameError
        For values that are not above 0 and at most 1, and a negative number of steps.

    Examples
    --------
    >>> epsilon = Exponential(1.0, 0.01, 10_000)
    >>> epsilon.value(0), round(epsilon.value(5_000), 12), epsilon.value(10**6)
    (1.0, 0.1, 0.01)
    """

    first: float
    last: float
    steps: int

    def __post_init__(self) -> None:
        _check(self.first, self.last, self.steps, lowest=math.ulp(0.0))

    def value(self, step: int) -> float:
        """Return the value at a step."""
        if step >= self.steps:
            return self.last
        return self.first * float((self.last / self.first) ** (max(step, 0) / self.steps))


def _check(first: float, last: float, steps: int, *, lowest: float) -> None:
    if not all(lowest <= value <= 1.0 for value in (first, last)):
        rule = "above 0 and at most 1" if lowest else "from 0 to 1"
        raise GameError(f"the schedule goes from {first:g} to {last:g}: both must be {rule}")
    if steps < 0:
        raise GameError(f"the schedule has {steps} steps: give 0 or more")
