"""Settings that change over the steps of a run: exploration rates, learning rates, weights.

The learners of tables have schedules of their own (:mod:`marlgt.learners.schedules`), which kernels read and which also
count visits.
"""

from __future__ import annotations

from dataclasses import dataclass

from marlgt.errors import GameError

__all__ = ["Linear", "towards"]


@dataclass(frozen=True)
class Linear:
    """A straight line from ``first`` at step 0 to ``last`` at step ``steps``, and ``last`` from there on.

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
        if not all(0.0 <= value <= 1.0 for value in (self.first, self.last)):
            raise GameError(f"the schedule goes from {self.first:g} to {self.last:g}: both must be from 0 to 1")
        if self.steps < 0:
            raise GameError(f"the schedule has {self.steps} steps: give 0 or more")

    def value(self, step: int) -> float:
        """Return the value at a step."""
        if step >= self.steps:
            return self.last
        return self.first + (self.last - self.first) * (max(step, 0) / self.steps)


def towards(first: float, last: float | None, progress: float) -> float:
    """Return what a setting is that goes linearly from first to last, after a share of the run; None keeps the first.

    Examples
    --------
    >>> towards(0.5, 0.0, 0.25), towards(0.5, None, 0.25)
    (0.375, 0.5)
    """
    return first if last is None else first + (last - first) * progress
