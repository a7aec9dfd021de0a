"""Exact linear algebra over the integers: fraction-free elimination, then one division per unknown.

Bareiss's elimination replaces the entry ``a_ij`` in step k by ``(a_kk a_ij - a_ik a_kj) / p``, where p
is the pivot of the step before. Every entry that arises is a minor of the given matrix, so each
division is exact and no entry is longer than Hadamard's bound. By Cramer's rule the solution times the
last pivot is integral too, which keeps the back substitution in integers.

References
----------
Bareiss, E. H. (1968). Sylvester's identity and multistep integer-preserving Gaussian elimination.
Mathematics of Computation 22, 565-578.
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from math import gcd

from marlgt.errors import GameError

__all__ = ["bareiss_nullspace", "bareiss_solve", "solve_unique"]


def bareiss_solve(matrix: Sequence[Sequence[int]], rhs: Sequence[int]) -> list[Fraction] | None:
    """Solve a square integer system exactly.

    Parameters
    ----------
    matrix : sequence of n sequences of n int
    rhs : sequence of n int

    Returns
    -------
    list of n Fraction, or None
        The solution; None if the matrix is singular.

    Raises
    ------
    GameError
        If the matrix is not square or does not fit the right side.

    Examples
    --------
    >>> bareiss_solve([[2, 1], [1, 3]], [1, 0])
    [Fraction(3, 5), Fraction(-1, 5)]
    >>> bareiss_solve([[1, 2], [2, 4]], [1, 2]) is None
    True
    """
    n = len(matrix)
    if len(rhs) != n or any(len(row) != n for row in matrix):
        raise GameError(
            f"bareiss_solve needs n rows of n integers and n right sides, got rows of {[len(r) for r in matrix]} "
            f"and {len(rhs)} right sides: use solve_unique for systems of another shape"
        )
    rows = _primitive_rows([[*row, b] for row, b in zip(matrix, rhs)])
    if len(_eliminate(rows, n, stop_at_gap=True)) < n:
        return None
    return _back_substitute(rows, n)


def solve_unique(matrix: Sequence[Sequence[int]], rhs: Sequence[int], n_unknowns: int) -> list[Fraction] | None:
    """Solve an integer system of any shape exactly, if it has one solution and no more.

    Parameters
    ----------
    matrix : sequence of m sequences of n int
        More equations than unknowns are welcome as long as they agree.
    rhs : sequence of m int
    n_unknowns : int
        The number n of unknowns, which an empty matrix does not tell.

    Returns
    -------
    list of n Fraction, or None
        None if no vector, or more than one, satisfies every equation.

    Examples
    --------
    >>> solve_unique([[1, 1], [1, -1], [3, 1]], [1, 0, 2], 2)
    [Fraction(1, 2), Fraction(1, 2)]
    >>> solve_unique([[1, 1]], [1], 2) is None
    True
    """
    rows = _primitive_rows([[*row, b] for row, b in zip(matrix, rhs, strict=True)])
    # A pivot in the last column is an equation 0 = b: the rank test rejects it along with free unknowns.
    if _eliminate(rows, n_unknowns + 1) != list(range(n_unknowns)):
        return None
    return _back_substitute(rows[:n_unknowns], n_unknowns)


def bareiss_nullspace(matrix: Sequence[Sequence[int]], n_columns: int) -> list[list[int]]:
    """Return a basis of the integer vectors z with ``matrix @ z == 0``.

    Parameters
    ----------
    matrix : sequence of m sequences of n int
    n_columns : int
        The number n of columns, which an empty matrix does not tell.

    Returns
    -------
    list of lists of n int
        One vector per free column, its entries without a common factor; empty for full column rank.

    Examples
    --------
    >>> bareiss_nullspace([[1, 2, 3]], 3)
    [[-2, 1, 0], [-3, 0, 1]]
    """
    rows = _primitive_rows([list(row) for row in matrix])
    pivots = _eliminate(rows, n_columns)
    scale = rows[len(pivots) - 1][pivots[-1]] if pivots else 1
    basis = []
    for free in sorted(set(range(n_columns)) - set(pivots)):
        vector = [0] * n_columns
        vector[free] = scale
        for r in reversed(range(len(pivots))):
            row, column = rows[r], pivots[r]
            if column > free:
                continue
            vector[column] = -sum(row[j] * vector[j] for j in range(column + 1, n_columns)) // row[column]
        common = gcd(*vector) * (1 if scale > 0 else -1)
        basis.append([v // common for v in vector])
    return basis


def _primitive_rows(rows: list[list[int]]) -> list[list[int]]:
    """Divide every row by the greatest common divisor of its entries: the same equations, shorter numbers."""
    for i, row in enumerate(rows):
        common = gcd(*row)
        if common > 1:
            rows[i] = [x // common for x in row]
    return rows


def _eliminate(rows: list[list[int]], n_columns: int, *, stop_at_gap: bool = False) -> list[int]:
    """Bring rows to fraction-free echelon form in place and return the pivot columns.

    Only the first ``n_columns`` columns may hold pivots; the others are carried along. Entries left of
    a pivot are not written, and are to be read as zeros. With ``stop_at_gap`` the first column without
    a pivot ends the elimination.
    """
    pivots: list[int] = []
    previous = 1
    top = 0
    n_rows = len(rows)
    for column in range(n_columns):
        if top == n_rows:
            break
        found = next((r for r in range(top, n_rows) if rows[r][column]), n_rows)
        if found == n_rows:
            if stop_at_gap:
                break
            continue
        rows[top], rows[found] = rows[found], rows[top]
        pivot = rows[top][column]
        source = rows[top][column + 1 :]
        for r in range(top + 1, n_rows):
            row = rows[r]
            factor = row[column]
            if factor:
                tail = [(pivot * a - factor * b) // previous for a, b in zip(row[column + 1 :], source)]
            elif pivot == previous:
                continue
            else:
                tail = [pivot * a // previous for a in row[column + 1 :]]
            row[column + 1 :] = tail
        pivots.append(column)
        previous = pivot
        top += 1
    return pivots


def _back_substitute(rows: list[list[int]], n: int) -> list[Fraction]:
    """Solve a nonsingular upper triangular system that :func:`_eliminate` left, its right side in column n."""
    if n == 0:
        return []
    scale = rows[n - 1][n - 1]
    numerators = [0] * n
    for i in reversed(range(n)):
        row = rows[i]
        total = scale * row[n] - sum(row[j] * numerators[j] for j in range(i + 1, n))
        numerators[i] = total // row[i]
    return [Fraction(v, scale) for v in numerators]
