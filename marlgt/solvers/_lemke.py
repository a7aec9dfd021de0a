"""Lemke's method with lexicographic ties, for the linear complementarity problem of a polymatrix game.

Find w = q + M z with w, z >= 0 and w'z = 0. With the covering vector d the path runs through
``w = q + M z + d t`` from large t to t = 0; the lexicographic ratio test makes every step of it
unique, so that no degenerate problem makes it cycle.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from marlgt.kernels import kernel

__all__ = ["FOUND", "RAY", "UNFINISHED", "lemke", "lemke_tableau"]

FOUND, RAY, UNFINISHED = 1, 2, 0


@kernel
def pivot_tableau(tableau: NDArray[np.float64], row: int, column: int) -> None:
    """Make ``column`` the unit vector of ``row``."""
    # Whole rows at once: half the speed of a loop when compiled, ten times a loop's when interpreted.
    tableau[row] *= 1.0 / tableau[row, column]
    tableau[row, column] = 1.0
    for r in range(tableau.shape[0]):
        factor = tableau[r, column]
        if r != row and factor != 0.0:
            tableau[r] -= factor * tableau[row]
            tableau[r, column] = 0.0


@kernel
def lexicographic_row(tableau: NDArray[np.float64], column: int, prefer: int) -> int:
    """Return the leaving row: the lexicographically least of (right side, inverse basis) / entry, or -1."""
    m, width = tableau.shape
    last = width - 1
    best = -1
    for r in range(m):
        entry = tableau[r, column]
        if entry <= 1.0e-10:
            continue
        if best < 0:
            best = r
            continue
        rival = tableau[best, column]
        difference = tableau[r, last] / entry - tableau[best, last] / rival
        if abs(difference) > 1.0e-12:
            if difference < 0.0:
                best = r
            continue
        if r == prefer:
            best = r
            continue
        if best == prefer:
            continue
        for c in range(m):
            difference = tableau[r, c] / entry - tableau[best, c] / rival
            if abs(difference) > 1.0e-12:
                if difference < 0.0:
                    best = r
                break
    return best


@kernel
def lemke(tableau: NDArray[np.float64], basis: NDArray[np.int64], state: NDArray[np.int64], max_pivots: int) -> int:
    """Pivot until t leaves the basis. Columns: w (m), z (m), t, right side.

    Parameters
    ----------
    tableau : ndarray, shape (m, 2 m + 2)
    basis : ndarray of int64, shape (m,)
        The column that is basic in each row.
    state : ndarray of int64, shape (2,)
        The entering column, and the pivots done; kept between calls.

    Returns
    -------
    int
        ``FOUND``, ``RAY`` or ``UNFINISHED``.
    """
    m = tableau.shape[0]
    artificial = 2 * m
    for _ in range(max_pivots):
        entering = state[0]
        at = -1
        for r in range(m):
            if basis[r] == artificial:
                at = r
        row = lexicographic_row(tableau, entering, at)
        if row < 0:
            return RAY
        pivot_tableau(tableau, row, entering)
        leaving = basis[row]
        basis[row] = entering
        state[1] += 1
        if leaving == artificial:
            return FOUND
        state[0] = leaving + m if leaving < m else leaving - m
    return UNFINISHED


@kernel
def lemke_tableau(
    matrix: NDArray[np.float64],
    right: NDArray[np.float64],
    cover: NDArray[np.float64],
    tableau: NDArray[np.float64],
    basis: NDArray[np.int64],
    state: NDArray[np.int64],
) -> None:
    """Lay out ``w - M z - d t = q`` and let t enter where the right side turns nonnegative."""
    m = matrix.shape[0]
    for r in range(m):
        for c in range(m):
            tableau[r, c] = 1.0 if r == c else 0.0
            tableau[r, m + c] = -matrix[r, c]
        tableau[r, 2 * m] = -cover[r]
        tableau[r, 2 * m + 1] = right[r]
        basis[r] = r
    row = -1
    for r in range(m):
        if cover[r] <= 0.0:
            continue
        if row < 0:
            row = r
            continue
        difference = right[r] / cover[r] - right[row] / cover[row]
        # A tie goes to the last row: (q, I) / d is least, lexicographically, where the unit stands last.
        if difference <= 1.0e-12:
            row = r
    pivot_tableau(tableau, row, 2 * m)
    basis[row] = 2 * m
    state[0] = m + row
    state[1] = 1
