"""Small linear programs in exact arithmetic, by the simplex method with integer pivoting.

It solves ``maximise c @ x  subject to  A x <= b, x >= 0`` for integer data and ``b >= 0``, so that the
origin is a first vertex. The condensed tableau holds integers over one common denominator, the last
pivot; every entry that arises is a minor of the given data (Edmonds 1967; Bareiss 1968), so each
division in a pivot is exact.
"""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import numpy as np
from numpy.typing import NDArray

from marlgt.errors import GameError

__all__ = ["EXACT_CELLS", "common_integers", "exchange", "maximize_exactly"]

EXACT_CELLS = 2_000
"""Tableau size up to which an exact solution costs milliseconds, not seconds."""


def common_integers(numbers: NDArray[Any]) -> NDArray[Any]:
    """Return fractions times their least common denominator, as Python integers in an object array."""
    flat = numbers.reshape(-1).tolist()
    scale = int(np.lcm.reduce([x.denominator for x in flat], dtype=object)) if flat else 1
    integers = np.empty(numbers.shape, dtype=object)
    integers.reshape(-1)[:] = [int(x * scale) for x in flat]
    return integers


def maximize_exactly(objective: NDArray[Any], matrix: NDArray[Any], bounds: NDArray[Any]) -> NDArray[Any]:
    """Return an optimal vertex of ``max objective @ x  s.t.  matrix @ x <= bounds, x >= 0``, exactly.

    Parameters
    ----------
    objective : object ndarray of int, shape (n,)
    matrix : object ndarray of int, shape (m, n)
    bounds : object ndarray of int, shape (m,)
        Nonnegative.

    Returns
    -------
    object ndarray of Fraction, shape (n,)

    Raises
    ------
    GameError
        If a bound is negative or the program is unbounded.

    Examples
    --------
    >>> ints = lambda x: np.array(x, dtype=object)
    >>> maximize_exactly(ints([3, 2]), ints([[2, 1], [1, 3]]), ints([4, 6])).tolist()
    [Fraction(6, 5), Fraction(8, 5)]
    """
    m, n = matrix.shape
    if m and min(bounds) < 0:
        raise GameError("maximize_exactly starts at the origin, which needs bounds >= 0: shift the variables first")
    tableau = np.zeros((m + 1, n + 1), dtype=object)
    tableau[:m, :n], tableau[:m, n] = matrix, bounds
    tableau[m, :n] = [-c for c in objective]
    rows, columns = list(range(n, n + m)), list(range(n))
    scale, stalled = 1, 0
    while True:
        column = _entering(tableau[m, :n], columns, smallest_name=stalled > m + n)
        if column is None:
            break
        row = _leaving(tableau[:m], column, rows)
        if row is None:
            raise GameError("the linear program is unbounded: bound the sum of its variables")
        stalled = stalled + 1 if tableau[row, n] == 0 else 0
        scale = exchange(tableau, row, column, scale)
        rows[row], columns[column] = columns[column], rows[row]
    x = np.full(n, Fraction(0), dtype=object)
    for row, name in enumerate(rows):
        if name < n:
            x[name] = Fraction(tableau[row, n], scale)
    return x


def _entering(costs: NDArray[Any], columns: list[int], *, smallest_name: bool) -> int | None:
    """Return the column of the steepest cost, or by Bland's rule the negative one of smallest name."""
    negative = [j for j, c in enumerate(costs) if c < 0]
    if not negative:
        return None
    return min(negative, key=lambda j: columns[j] if smallest_name else (costs[j], columns[j]))


def _leaving(tableau: NDArray[Any], column: int, rows: list[int]) -> int | None:
    """Return the row of the least ratio, ties by name, or None where the column is a free direction."""
    best: tuple[Fraction, int] | None = None
    chosen = None
    for i, entry in enumerate(tableau[:, column]):
        if entry > 0:
            key = (Fraction(tableau[i, -1], entry), rows[i])
            if best is None or key < best:
                best, chosen = key, i
    return chosen


def exchange(tableau: NDArray[Any], row: int, column: int, scale: int) -> int:
    """Exchange a basic and a nonbasic variable in place; return the new common denominator, which is positive.

    Parameters
    ----------
    tableau : object ndarray of int
        Condensed, over the common denominator ``scale``.
    """
    pivot = int(tableau[row, column])
    source, target = tableau[row].copy(), tableau[:, column].copy()
    tableau *= pivot
    tableau -= np.multiply.outer(target, source)
    tableau //= scale
    tableau[row] = source
    tableau[:, column] = -target
    tableau[row, column] = scale
    if pivot < 0:
        np.negative(tableau, out=tableau)
    return abs(pivot)
