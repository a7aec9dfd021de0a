"""Many small matrix games at once: one array in, arrays of values and strategies out."""

from __future__ import annotations

from dataclasses import dataclass
from math import sqrt

import numpy as np
from numpy.typing import ArrayLike, NDArray

from marlgt.errors import GameError, NotConverged
from marlgt.games._arrays import exact_and_float
from marlgt.games.normal_form import NormalFormGame
from marlgt.kernels import gear
from marlgt.progress import progress
from marlgt.solvers.matrix_game import minimax
from marlgt.solvers.simplex import solve_games

__all__ = ["MatrixGameBatch", "minimax_batch"]

_STEPS_PER_CALL = 2e7
"""Predicted inner-loop steps between two returns to Python: about 0.1 s compiled."""


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
    payoffs, _ = exact_and_float(matrices, "matrices")
    if payoffs.ndim != 3 or 0 in payoffs.shape[1:]:
        raise GameError(
            f"matrices must have shape (B, m, n) with at least one action a side, got {payoffs.shape}: "
            "for one matrix use minimax(NormalFormGame.zero_sum(A))"
        )
    count, m, n = payoffs.shape
    rows, columns = np.empty((count, m)), np.empty((count, n))
    values, gaps, ranges = np.empty(count), np.empty(count), np.empty(count)
    shared = (
        np.empty((m + 1, n + 1)),
        np.empty(m, dtype=np.int64),
        np.empty(n, dtype=np.int64),
        np.empty(2),
        np.empty(n),
    )
    # About as many pivots as the smaller side has actions, and three passes to open and close.
    work_each = (min(m, n) + 3.0) * (m + 1) * (n + 1)
    solver = gear(solve_games, count * work_each)
    chunk = max(1, int(_STEPS_PER_CALL / work_each))
    with progress("matrix games", total=count) as report:
        for start in range(0, count, chunk):
            stop = min(start + chunk, count)
            solver(payoffs, start, stop, *shared, rows, columns, values, gaps, ranges)
            report(stop, f"{stop} of {count}")
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
