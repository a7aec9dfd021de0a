"""Lemke's method in integers, with lexicographic ties: it ends on every problem, however degenerate.

The condensed tableau holds, for ``w - M z - d z0 = b``, the columns of the variables that are not in the basis, as
integers over one common denominator, the last pivot (Edmonds 1967). Ties of the ratio test are broken by the
rows of the inverse basis, which are the columns of w.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from marlgt.exact_programs import exchange

__all__ = ["integer_lemke"]


def integer_lemke(
    matrix: NDArray[Any], right: NDArray[Any], cover: NDArray[Any], *, max_pivots: int
) -> tuple[NDArray[np.bool_], int] | None:
    """Follow the path from large z0 down to z0 = 0.

    Parameters
    ----------
    matrix : object ndarray of int, shape (N, N)
    right, cover : object ndarray of int, shape (N,)

    Returns
    -------
    in_z : ndarray of bool, shape (N,)
        Which variables of z are basic at the end; those of w are the others.
    pivots : int

    None stands for a ray, or more pivots than allowed.
    """
    n = len(right)
    if min(right, default=0) >= 0:
        return np.zeros(n, dtype=bool), 0
    # Variables are numbered: w from 0, z from n, z0 is 2 n; the last column is the right side.
    tableau = np.empty((n, n + 2), dtype=object)
    tableau[:, :n], tableau[:, n], tableau[:, n + 1] = -matrix, -cover, right
    rows, columns = list(range(n)), list(range(n, 2 * n + 1))
    scale, pivots = 1, 0
    row = _first_row(right, cover)
    entering = 2 * n
    while row is not None and pivots < max_pivots:
        column = columns.index(entering)
        scale = exchange(tableau, row, column, scale)
        leaving = rows[row]
        rows[row], columns[column] = entering, leaving
        pivots += 1
        if leaving == 2 * n:
            in_z = np.zeros(n, dtype=bool)
            in_z[[v - n for v in rows if v >= n]] = True
            return in_z, pivots
        entering = leaving + n if leaving < n else leaving - n
        row = _leaving_row(tableau, columns.index(entering), rows, columns, scale)
    return None


def _first_row(right: NDArray[Any], cover: NDArray[Any]) -> int | None:
    """Return the row that needs the largest z0; of ties the last, whose unit comes last."""
    best = None
    for r, (b, d) in enumerate(zip(right.tolist(), cover.tolist())):
        if d > 0 and (best is None or b * cover[best] <= right[best] * d):
            best = r
    return best


def _leaving_row(tableau: NDArray[Any], column: int, rows: list[int], columns: list[int], scale: int) -> int | None:
    """Return the lexicographically least row, the one of z0 if its ratio is among the least, or None for a ray."""
    n = len(rows)
    entries = tableau[:, column]
    tied = _least([(r, tableau[r, n + 1]) for r in range(n) if entries[r] > 0], entries)
    for r in tied:
        if rows[r] == 2 * n:
            return r
    position = {v: j for j, v in enumerate(columns)}
    held = {v: r for r, v in enumerate(rows)}
    for w in range(n):
        if len(tied) < 2:
            break
        at = position.get(w)
        tied = _least([(r, tableau[r, at] if at is not None else scale * (held[w] == r)) for r in tied], entries)
    return tied[0] if tied else None


def _least(candidates: list[tuple[int, Any]], entries: NDArray[Any]) -> list[int]:
    """Return the rows of least ``value / entry``."""
    best: list[int] = []
    value: Any = 0
    for r, own in candidates:
        difference = own * entries[best[0]] - value * entries[r] if best else -1
        if difference < 0:
            best, value = [r], own
        elif difference == 0:
            best.append(r)
    return best
