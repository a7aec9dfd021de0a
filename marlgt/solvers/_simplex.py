"""The condensed simplex method for one matrix game; :mod:`~marlgt.solvers._condensed_tableau` has the theory."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from marlgt.kernels import gear
from marlgt.progress import progress
from marlgt.solvers._condensed_tableau import OPTIMAL, RUNNING, open_game, read_strategies, run_pivots

__all__ = ["SimplexSolution", "simplex"]

_PLAIN_STEPS = 1e6
_COMPILED_STEPS = 2e8
"""Inner-loop steps between two returns to the caller, about 0.1 s in either gear."""


@dataclass(frozen=True)
class SimplexSolution:
    """What the simplex method found in one matrix.

    Attributes
    ----------
    x, y : ndarray
        Strategies of the row and the column player.
    rows, columns : tuple of int
        Actions of the final basis: a square subgame in which each player makes the other indifferent.
    pivots : int
    converged : bool
        False where rounding or the limit of pivots ended the search.
    """

    x: NDArray[np.float64]
    y: NDArray[np.float64]
    rows: tuple[int, ...]
    columns: tuple[int, ...]
    pivots: int
    converged: bool


def simplex(matrix: NDArray[np.float64]) -> SimplexSolution:
    """Solve one matrix game, returning to Python often enough for Ctrl-C.

    Parameters
    ----------
    matrix : ndarray, shape (m, n)
        Payoffs of the row player.
    """
    m, n = matrix.shape
    cells = (m + 1) * (n + 1)
    x, y = np.empty((1, m)), np.empty((1, n))
    rows, columns = np.empty(m, dtype=np.int64), np.empty(n, dtype=np.int64)
    tableau, scratch = np.empty((m + 1, n + 1)), np.ones((2, max(m, n) + 1))
    arrays: Any = (np.ascontiguousarray(matrix)[None], tableau, rows, columns, x, y, np.empty(2), scratch)
    # Plain Python reads and writes a memoryview of an array twice as fast as the array.
    views: Any = tuple(map(memoryview, arrays))
    work = 1.5 * cells * min(m, n)
    plain = gear(run_pivots, work) is run_pivots
    given = views if plain else arrays
    opening: Any = open_game if plain else gear(open_game, np.inf)
    reading: Any = read_strategies if plain else gear(read_strategies, np.inf)
    if opening(*given, 0) == OPTIMAL:
        return SimplexSolution(x[0], y[0], _support(x[0]), _support(y[0]), 0, True)
    status, pivots = _some_pivots(views, arrays, 0, work)
    if status == RUNNING:
        with progress("simplex method") as report:
            while status == RUNNING:
                status, pivots = _some_pivots(views, arrays, pivots, max(work, 2.0 * cells * pivots))
                report(pivots, f"{pivots} pivots")
    reading(*given[1:4], 0, *given[4:6])
    return SimplexSolution(
        x[0],
        y[0],
        tuple(sorted(name - n for name in columns.tolist() if name >= n)),
        tuple(sorted(name for name in rows.tolist() if name < n)),
        pivots,
        status == OPTIMAL,
    )


def _some_pivots(views: Any, arrays: Any, pivots: int, work: float) -> tuple[int, int]:
    """Pivot on for about a tenth of a second or less, in the gear that the predicted work asks for."""
    cells = arrays[1].size
    pivot: Any = gear(run_pivots, work)
    state, steps = (views, _PLAIN_STEPS) if pivot is run_pivots else (arrays, _COMPILED_STEPS)
    status, pivots = pivot(*state[1:4], state[7], pivots, 1 + int(steps / cells))
    return status, pivots


def _support(strategy: NDArray[np.float64]) -> tuple[int, ...]:
    return tuple(strategy.nonzero()[0].tolist())
