"""Iterating until a number of iterations, a gap or a time is reached, with a record of the gap on the way."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from marlgt.games._doors import nonnegative, require_whole
from marlgt.progress import progress, stopwatch

__all__ = ["checked_limits", "iterate"]

CHUNK_STEPS = 3e7
"""Inner-loop steps in one call of a kernel: a small part of a second, so that Ctrl-C and time limits are heard."""


def checked_limits(iterations: Any, gap: Any, time_limit: Any) -> tuple[int, float | None, float | None]:
    """Return the limits of a run, checked.

    Raises
    ------
    GameError
        If the iterations are no whole number from 1, or the gap or the time is negative.
    """
    require_whole(iterations, "iterations", least=1)
    return (
        int(iterations),
        None if gap is None else nonnegative(gap, "gap"),
        None if time_limit is None else nonnegative(time_limit, "time_limit"),
    )


def iterate(
    advance: Callable[[int], None],
    measure: Callable[[], float],
    *,
    limits: tuple[int, float | None, float | None],
    steps: float,
    name: str,
) -> NDArray[np.float64]:
    """Run iterations until a limit is reached, and return the gaps measured on the way, shape (k, 2).

    Parameters
    ----------
    advance : callable
        Runs a number of iterations.
    measure : callable
        Returns the exploitability now.
    limits : tuple
        As :func:`checked_limits` gives them. At least one iteration is run.
    steps : float
        Inner-loop steps of one iteration.
    name : str
        For the line of progress.
    """
    iterations, gap, time_limit = limits
    clock = stopwatch()
    # Measuring costs about as much as two iterations; more often only where it can end the run.
    growth = 1.5 if gap is None else 1.1
    chunk = max(1, int(CHUNK_STEPS / max(steps, 1.0)))
    done, check = 0, 1
    trace: list[tuple[int, float]] = []
    with progress(name, total=iterations) as report:
        while done < iterations:
            count = min(chunk, check - done)
            advance(count)
            done += count
            late = time_limit is not None and clock() >= time_limit
            if done == check or late:
                trace.append((done, measure()))
                report(done, f"exploitability {trace[-1][1]:.1e}")
                if late or (gap is not None and trace[-1][1] <= gap):
                    break
                check = min(iterations, max(done + 1, int(done * growth)))
            else:
                report(done, "")
    return np.array(trace, dtype=np.float64)
