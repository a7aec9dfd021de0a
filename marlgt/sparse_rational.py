"""Exact solution of sparse square systems: elimination over the integers in an order that keeps rows short.

A pivot is taken from a column with the fewest entries, in its shortest row (a form of Markowitz's rule), so that the
systems of extensive games, which are nearly triangular, fill in little. Every row is kept free of common factors.

References
----------
Markowitz, H. M. (1957). The elimination form of the inverse and its application to linear programming. Management
Science 3, 255-269.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fractions import Fraction
from math import gcd

__all__ = ["solve_sparse"]

_RIGHT = -1
"""The key of the right side in a row."""


def solve_sparse(
    rows: Sequence[Mapping[int, int]], right: Sequence[int], *, max_steps: int | None = None
) -> list[Fraction] | None:
    """Solve a square integer system exactly.

    Parameters
    ----------
    rows : sequence of n mappings from column to int
        The entries that are not zero; columns are numbered from 0 to n - 1.
    right : sequence of n int
    max_steps : int, optional
        Entries to be changed before giving up.

    Returns
    -------
    list of n Fraction, or None
        None if the matrix is singular, or takes more steps.

    Examples
    --------
    >>> solve_sparse([{0: 2, 1: 1}, {1: 3}], [1, 1])
    [Fraction(1, 3), Fraction(1, 3)]
    >>> solve_sparse([{0: 1}, {0: 2}], [1, 2]) is None
    True
    """
    n = len(rows)
    work = [{c: v for c, v in row.items() if v} for row in rows]
    where: list[set[int]] = [set() for _ in range(n)]
    for r, row in enumerate(work):
        for c in row:
            where[c].add(r)
        if right[r]:
            row[_RIGHT] = right[r]
    pivots: list[tuple[int, dict[int, int]]] = []
    left = set(range(n))
    steps = 0
    while left:
        column = min(left, key=lambda c: len(where[c]))
        if not where[column]:
            return None
        chosen = min(where[column], key=lambda r: (len(work[r]), r))
        source = work[chosen]
        for c in source:
            if c != _RIGHT:
                where[c].discard(chosen)
        steps += len(source) * len(where[column])
        if max_steps is not None and steps > max_steps:
            return None
        for r in list(where[column]):
            _eliminate(work, where, r, source, column)
        pivots.append((column, source))
        left.remove(column)
    return _back_substituted(pivots, n)


def _eliminate(work: list[dict[int, int]], where: list[set[int]], r: int, source: dict[int, int], column: int) -> None:
    """Subtract from row r the multiple of the source row that clears a column."""
    row = work[r]
    common = gcd(source[column], row[column])
    keep, take = source[column] // common, row[column] // common
    if keep != 1:
        row = {c: keep * v for c, v in row.items()}
    for c, v in source.items():
        before = row.get(c, 0)
        after = before - take * v
        if after:
            row[c] = after
            if not before and c != _RIGHT:
                where[c].add(r)
        elif before:
            del row[c]
            if c != _RIGHT:
                where[c].discard(r)
    shared = gcd(*row.values())
    work[r] = {c: v // shared for c, v in row.items()} if shared > 1 else row


def _back_substituted(pivots: list[tuple[int, dict[int, int]]], n: int) -> list[Fraction]:
    solution = [Fraction(0)] * n
    for column, row in reversed(pivots):
        total = Fraction(row.get(_RIGHT, 0))
        for c, v in row.items():
            if c not in (column, _RIGHT) and solution[c]:
                total -= v * solution[c]
        solution[column] = total / row[column]
    return solution
