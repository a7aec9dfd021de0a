"""Schedules: how a learning rate, an exploration rate or a temperature changes with time.

A schedule is a function of t, the number of observations that a learner has made, or, per visit, the number of times
that the entry at hand was updated before. Convergence theorems of stochastic approximation ask for rates that add up to
infinity while their squares do not (Robbins and Monro 1951): ``power`` schedules with an exponent above 1/2 and at most
1, per visit, are such.

References
----------
Robbins, H. and Monro, S. (1951). A stochastic approximation method. Annals of Mathematical Statistics 22, 400-407.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from marlgt.errors import GameError
from marlgt.games._arrays import short
from marlgt.kernels import inlined_kernel

__all__ = ["SCHEDULE_WIDTH", "Schedule", "as_schedule", "geometric", "linear", "power", "scheduled"]

SCHEDULE_WIDTH = 6
"""Numbers that a schedule takes in the row that kernels read."""

_SHAPES = ("constant", "linear", "geometric", "power")


@dataclass(frozen=True)
class Schedule:
    """A number that changes with time; made by :func:`linear`, :func:`geometric` or :func:`power`, or constant.

    Attributes
    ----------
    shape : {"constant", "linear", "geometric", "power"}
    first : float
        The value at time 0.
    last : float
        The value at the end of a linear schedule, the floor of the others.
    parameter : float
        Steps of a linear schedule, factor a step of a geometric one, time scale of a power one.
    exponent : float
        Of a power schedule.
    per_visit : bool
        Whether time is counted by the visits of the entry at hand.
    """

    shape: str
    first: float
    last: float = 0.0
    parameter: float = 1.0
    exponent: float = 1.0
    per_visit: bool = False

    def row(self) -> NDArray[np.float64]:
        """Return the schedule as kernels read it, shape (SCHEDULE_WIDTH,)."""
        parameter = math.log(self.parameter) if self.shape == "geometric" else self.parameter
        number = float(_SHAPES.index(self.shape))
        return np.array([number, self.first, self.last, parameter, self.exponent, float(self.per_visit)])

    def __call__(self, t: float) -> float:
        """Return the value at time t."""
        return float(scheduled(self.row(), 0, t))

    def most(self) -> float:
        """Return the largest value it ever takes."""
        return max(self.first, self.last)


def linear(first: float, last: float, *, steps: int) -> Schedule:
    """Return the schedule that goes in a straight line from first to last in so many steps, and stays there.

    Examples
    --------
    >>> epsilon = linear(1.0, 0.05, steps=80_000)
    >>> epsilon(0), epsilon(40_000), epsilon(10**6)
    (1.0, 0.525, 0.05)
    """
    return _checked(Schedule("linear", first, last, steps))


def geometric(first: float, factor: float, *, floor: float = 0.0, per_visit: bool = False) -> Schedule:
    """Return the schedule ``max(floor, first factor^t)``.

    Examples
    --------
    Littman's (1994) learning rate falls from 1 to 0.01 in a million steps:

    >>> alpha = geometric(1.0, 10 ** (-2 / 1e6))
    >>> round(alpha(1_000_000), 6)
    0.01
    """
    return _checked(Schedule("geometric", first, floor, factor, per_visit=per_visit))


def power(
    first: float, *, exponent: float = 1.0, scale: float = 1.0, floor: float = 0.0, per_visit: bool = False
) -> Schedule:
    """Return the schedule ``max(floor, first / (1 + t / scale)^exponent)``.

    Examples
    --------
    >>> average = power(1.0, per_visit=True)      # the sample mean: 1, 1/2, 1/3, ...
    >>> average(0), average(1), average(3)
    (1.0, 0.5, 0.25)
    """
    return _checked(Schedule("power", first, floor, scale, exponent, per_visit))


def as_schedule(value: Any, name: str, *, most: float = 1.0, positive: bool = False) -> Schedule:
    """Return a number or a schedule as a schedule whose values are from 0 to ``most``.

    Parameters
    ----------
    value : float or Schedule
    name : str
    most : float
    positive : bool
        Whether it must be above 0 at the start.

    Raises
    ------
    GameError
        For values out of range and what is no number.
    """
    schedule: Schedule = value
    if not isinstance(value, Schedule):
        if isinstance(value, bool) or not isinstance(value, (int, float, np.integer, np.floating)):
            hint = "give a number, or a schedule such as linear(1, 0.05, steps=10**5)"
            raise GameError(f"{name} is {short(value)}: {hint}")
        number = _as_float(value)
        schedule = Schedule("constant", number, number)
    low = min(schedule.first, schedule.last)
    high = schedule.most()
    if not (low >= 0.0 and high <= most and math.isfinite(high)) or (positive and not schedule.first > 0.0):
        bounded = math.isfinite(most)
        rule = f"from 0 to {most:g}" if bounded else "finite and not negative"
        if positive:
            rule = f"above 0 and {f'at most {most:g}' if bounded else 'finite'}"
        raise GameError(f"{name} runs from {schedule.first:g} to {schedule.last:g}: every value must be {rule}")
    return schedule


def _as_float(number: Any) -> float:
    """Return a number as a float, infinity where it is beyond all floats."""
    try:
        return float(number)
    except OverflowError:
        return math.inf


def _checked(schedule: Schedule) -> Schedule:
    numbers = (schedule.first, schedule.last, schedule.parameter, schedule.exponent)
    if not all(isinstance(x, (int, float, np.integer, np.floating)) and math.isfinite(_as_float(x)) for x in numbers):
        raise GameError(f"the {schedule.shape} schedule has the settings {short(numbers)}: give finite numbers")
    if schedule.parameter <= 0 or schedule.exponent < 0:
        what = {"linear": "steps", "geometric": "factor", "power": "scale"}[schedule.shape]
        raise GameError(
            f"the {schedule.shape} schedule has {what} {schedule.parameter:g} and exponent {schedule.exponent:g}: "
            f"give a positive {what} and an exponent that is not negative"
        )
    if schedule.shape == "geometric" and schedule.parameter > 1:
        raise GameError(f"factor is {schedule.parameter:g}: a geometric schedule falls, give a factor of at most 1")
    return schedule


@inlined_kernel
def scheduled(numbers: Any, at: int, t: float) -> float:
    """Return the value at time t of the schedule whose row begins at place ``at``."""
    if numbers[at] == 0.0:
        return float(numbers[at + 1])
    if numbers[at] == 1.0:
        if t >= numbers[at + 3]:
            return float(numbers[at + 2])
        return float(numbers[at + 1] + (numbers[at + 2] - numbers[at + 1]) * (t / numbers[at + 3]))
    if numbers[at] == 2.0:
        return float(max(numbers[at + 2], numbers[at + 1] * math.exp(numbers[at + 3] * t)))
    if numbers[at + 4] == 1.0:
        return float(max(numbers[at + 2], numbers[at + 1] / (1.0 + t / numbers[at + 3])))
    return float(max(numbers[at + 2], numbers[at + 1] / (1.0 + t / numbers[at + 3]) ** numbers[at + 4]))
