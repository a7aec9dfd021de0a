"""Many small matrix games at once: one array in, arrays of values and strategies out."""

from __future__ import annotations

from dataclasses import dataclass
from math import sqrt
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from marlgt.errors import GameError, NotConverged
from marlgt.games._arrays import LARGEST, exact_and_float
from marlgt.games.normal_form import NormalFormGame
from marlgt.kernels import gear
from marlgt.progress import progress
from marlgt.solvers._condensed_tableau import solve_games
from marlgt.solvers.matrix_game import minimax

__all__ = ["MatrixGameBatch", "minimax_batch"]

_STEPS_PER_CALL = 2e7
"""Predicted inner-loop steps between two returns to Python: well under a second compiled."""


@dataclass(frozen=True)
class MatrixGameBatch:
    """The solutions of a batch of B zero-sum matrix games, each with its certificate.

    Attributes
    ----------
    values : ndarray, shape (B,)
        What the row player wins in each game, ``x'Ay``.
    rows : ndarray, shape (B, m)
        Optimal strategies of the row players.
    columns : ndarray, shape (B, n)
        Optimal strategies of the column players.
    gaps : ndarray, shape (B,)
        ``max(A y) - min(x A)``: how far each pair is from proven optimal, in payoff.
    """

    values: NDArray[np.float64]
    rows: NDArray[np.float64]
    columns: NDArray[np.float64]
    gaps: NDArray[np.float64]

    def __len__(self) -> int:
        return len(self.values)


def minimax_batch(matrices: ArrayLike, *, tolerance: float = 1e-11) -> MatrixGameBatch:
    """Solve many zero-sum games of one size, given by the row player's payoffs.

    It is made for games of up to some tens of actions; the payoffs are read as floats.

    Parameters
    ----------
    matrices : array_like, shape (B, m, n)
    tolerance : float
        Gap, as a share of a game's payoff range, above which that game is solved again with more care.

    Returns
    -------
    MatrixGameBatch

    Raises
    ------
    GameError
        If the matrices are not B finite matrices of one size.
    NotConverged
        If a game cannot be solved to within 1e-9 of its payoff range.

    Examples
    --------
    >>> batch = minimax_batch([[[1, -1], [-1, 1]], [[3, -1], [-2, 1]]])
    >>> batch.values.round(6).tolist()
    [0.0, 0.142857]
    """
    given = matrices if isinstance(matrices, np.ndarray) else None
    payoffs = given if given is not None and given.dtype == np.float64 else exact_and_float(matrices, "matrices")[0]
    if payoffs.ndim != 3 or 0 in payoffs.shape[1:]:
        raise GameError(
            f"matrices must have shape (B, m, n) with at least one action a side, got {payoffs.shape}: "
            "for one matrix use minimax(NormalFormGame.zero_sum(A))"
        )
    count, m, n = payoffs.shape
    # About as many pivots as the smaller side has actions, and three passes to open and close.
    work_each = (min(m, n) + 3.0) * (m + 1) * (n + 1)
    solver: Any = gear(solve_games, count * work_each)
    if solver is solve_games:
        payoffs, _ = exact_and_float(payoffs, "matrices")
    rows, columns = np.empty((count, m)), np.empty((count, n))
    values, gaps, ranges = np.empty(count), np.empty(count), np.empty(count)
    arrays: Any = (
        np.ascontiguousarray(payoffs),
        np.empty((m + 1, n + 1)),
        np.empty(m, dtype=np.int64),
        np.empty(n, dtype=np.int64),
        np.empty(2),
        np.ones((2, max(m, n) + 1)),
        rows,
        columns,
        values,
        gaps,
        ranges,
    )
    if solver is solve_games:
        # Plain Python reads and writes a memoryview of an array twice as fast as the array.
        arrays = tuple(map(memoryview, arrays))
    chunk = max(1, int(_STEPS_PER_CALL / work_each))
    with progress("matrix games", total=count) as report:
        for start in range(0, count, chunk):
            stop = min(start + chunk, count)
            solver(*arrays, start, stop)
            report(stop, f"{stop} of {count}")
    # A payoff that is not finite or too large shows in its game's value or range, which are fewer to look at.
    if not (np.all(np.abs(values) <= LARGEST) and np.all(ranges <= 2.0 * LARGEST)):
        exact_and_float(payoffs, "matrices")
    batch = MatrixGameBatch(values, rows, columns, gaps)
    # A sum of n terms of the size of the payoffs is itself rounded.
    rounding = 4.0 * np.finfo(np.float64).eps * sqrt(m + n) * ranges
    for k in np.flatnonzero(~(gaps <= tolerance * ranges + rounding)):
        _solve_again(payoffs[k], batch, int(k))
    for array in (values, rows, columns, gaps):
        array.flags.writeable = False
    return batch


def _solve_again(matrix: NDArray[np.float64], batch: MatrixGameBatch, k: int) -> None:
    """Solve one game of the batch by the methods for single games, and keep the better pair."""
    try:
        found = minimax(NormalFormGame.zero_sum(matrix))
    except NotConverged as failure:
        raise NotConverged(f"game {k} of the batch: {failure}", best=failure.best) from failure
    if found.profile is None:
        return
    x, y = found.profile
    shifted = matrix - matrix.min()
    gap = float((shifted @ y).max() - (x @ shifted).min())
    if not gap >= batch.gaps[k]:
        batch.rows[k], batch.columns[k], batch.gaps[k] = x, y, gap
        batch.values[k] = float(x @ shifted @ y) + matrix.min()
