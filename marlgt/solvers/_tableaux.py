"""Complementary pivoting on the two best-response polytopes of a bimatrix game.

With payoffs shifted and scaled into [1, 2], the polytopes are ``{y >= 0 : A y <= 1}`` and
``{x >= 0 : B' x <= 1}``. Row i carries label i and column j label m + j, in both: in tableau 0 label i
is the slack of row i and label m + j the variable y_j; in tableau 1 label i is the variable x_i and
label m + j the slack of column j. A tableau is kept condensed: an entry for each basic (row) and
nonbasic (column) variable, and the right side last, so a pivot touches half of what the full tableau
holds. The basic variables satisfy ``basic_r + sum_c T[r, c] nonbasic_c = T[r, last]``.

Ties in the ratio test are broken as if the right sides were 1 + (e, e^2, ..., e^k) for a small e > 0.
The coefficient of e^k in a row is that of the k-th slack variable, which the condensed tableau still
shows: it is a column if the slack is nonbasic, and a unit vector if it is basic. The perturbed polytopes
are simple, so no path meets a basis twice, in a degenerate game as in any other.

The kernels run on float64 arrays, and interpreted on object arrays of Fraction with tolerance zero.

References
----------
Lemke, C. E. and Howson, J. T. (1964). Equilibrium points of bimatrix games. Journal of the Society
for Industrial and Applied Mathematics 12, 413-423.
von Stengel, B. (2007). Equilibrium computation for two-player games in strategic and extensive form.
In Algorithmic Game Theory, chapter 3.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from marlgt.kernels import kernel

__all__ = [
    "CYCLING",
    "DROPPED",
    "ENDED",
    "FILLED",
    "LABELS",
    "LOST",
    "NEW",
    "N_REGISTERS",
    "PIVOTS",
    "STATE",
    "STATUS",
    "WALKING",
    "walk",
    "whole_path",
]

NEW, FILLED, WALKING, ENDED, LOST, CYCLING = 0, 1, 2, 3, 4, 5
"""The status of a path: empty, at its beginning, under way, at its end, without a row to pivot on, in a circle."""

STATUS, DROPPED, ENTERING, SIDE, PIVOTS, HASH, MARK, MARK_AT = 0, 1, 2, 3, 4, 5, 6, 7
"""Where the state of a path keeps what."""

LABELS, WHERE, KEYS, TIES, STATE = 0, 2, 4, 6, 7
"""The first register row of each array of integers; labels, places and hash keys have one row per tableau."""

N_REGISTERS = 8


@kernel
def fill_tableaux(
    payoffs: NDArray[Any],
    rows: NDArray[Any],
    columns: NDArray[Any],
    vectors: NDArray[Any],
    registers: NDArray[Any],
) -> None:
    """Write the tableaux of the artificial equilibrium, in which every slack is basic."""
    m, n = payoffs.shape[1], payoffs.shape[2]
    line = vectors[0]
    for player in range(2):
        # Four at a time: a running minimum of one number would wait for itself at every step.
        low_0 = low_1 = low_2 = low_3 = payoffs[player, 0, 0]
        high_0 = high_1 = high_2 = high_3 = low_0
        for i in range(m):
            for j in range(0, n - 3, 4):
                a, b = payoffs[player, i, j], payoffs[player, i, j + 1]
                c, d = payoffs[player, i, j + 2], payoffs[player, i, j + 3]
                low_0 = a if a < low_0 else low_0
                low_1 = b if b < low_1 else low_1
                low_2 = c if c < low_2 else low_2
                low_3 = d if d < low_3 else low_3
                high_0 = a if a > high_0 else high_0
                high_1 = b if b > high_1 else high_1
                high_2 = c if c > high_2 else high_2
                high_3 = d if d > high_3 else high_3
            for j in range(n // 4 * 4, n):
                a = payoffs[player, i, j]
                low_0 = a if a < low_0 else low_0
                high_0 = a if a > high_0 else high_0
        least = min(min(low_0, low_1), min(low_2, low_3))
        spread = max(max(high_0, high_1), max(high_2, high_3)) - least
        if spread == 0:
            spread = spread + 1
        if player == 0:
            for i in range(m):
                for j in range(n):
                    rows[i, j] = (payoffs[0, i, j] - least) / spread + 1
        else:
            # Into a row first, which is divided several entries at a time.
            for i in range(m):
                for j in range(n):
                    line[j] = (payoffs[1, i, j] - least) / spread + 1
                for j in range(n):
                    columns[j, i] = line[j]
    for i in range(m):
        rows[i, n] = 1
    for j in range(n):
        columns[j, m] = 1
    for label in range(m + n):
        beyond = label - n if label >= n else label + m
        registers[LABELS, label] = label
        registers[WHERE, label] = label
        registers[LABELS + 1, label] = beyond
        registers[WHERE + 1, beyond] = label


@kernel
def write_keys(keys: NDArray[Any], n_labels: int) -> None:
    """Write a pseudorandom number for each label in each tableau; those of a basis add up to its hash."""
    key = 1
    for label in range(n_labels):
        for side in range(2):
            # A linear congruential generator, twice: 62 bits, and no product beyond int64.
            first = (key * 1103515245 + 12345) & 2147483647
            key = (first * 1103515245 + 12345) & 2147483647
            keys[side, label] = first * 2147483648 + key


@kernel
def leaving_row(
    tableau: NDArray[Any],
    column: int,
    last: int,
    where: NDArray[Any],
    side: int,
    first_slack: int,
    ties: NDArray[Any],
    ratios: NDArray[Any],
    ratio_tolerance: float,
    pivot_tolerance: float,
) -> int:
    """Return the lexicographically least row of the ratio test, or -1 if the column has no positive entry."""
    n_rows = tableau.shape[0]
    least = second = math.inf
    first = 0
    for r in range(n_rows):
        ratio = tableau[r, last] / tableau[r, column] if tableau[r, column] > pivot_tolerance else math.inf
        ratios[r] = ratio
        # Selections, not branches: which row is the least cannot be predicted.
        other = least if ratio < least else ratio
        second = other if other < second else second
        first = r if ratio < least else first
        least = ratio if ratio < least else least
    if least == math.inf:
        return -1
    bound = least + ratio_tolerance * (1 + abs(least))
    if second > bound:
        return first
    count = 0
    for r in range(n_rows):
        if ratios[r] <= bound:
            ties[count] = r
            count += 1
    for k in range(n_rows):
        if count < 2:
            break
        place = where[side, first_slack + k]
        kept = 0
        if place < n_rows:
            # The slack is basic: its own row gains e^k, so any other tied row comes before it.
            for t in range(count):
                if ties[t] != place:
                    ties[kept] = ties[t]
                    kept += 1
            count = kept
        elif place - n_rows != column:
            c = place - n_rows
            least = tableau[ties[0], c] / tableau[ties[0], column]
            for t in range(1, count):
                ratio = tableau[ties[t], c] / tableau[ties[t], column]
                if ratio < least:
                    least = ratio
            bound = least + ratio_tolerance * (1 + abs(least))
            for t in range(count):
                r = ties[t]
                if tableau[r, c] <= bound * tableau[r, column]:
                    ties[kept] = r
                    kept += 1
            count = kept
    return int(ties[0])


@kernel
def exchange(tableau: NDArray[Any], row: int, column: int, last: int, buffer: NDArray[Any], tolerance: float) -> None:
    """Exchange the basic variable of ``row`` and the nonbasic variable of ``column``, in place."""
    n_rows, width = tableau.shape[0], tableau.shape[1]
    inverse = 1 / tableau[row, column]
    for j in range(width):
        buffer[j] = tableau[row, j] * inverse
        tableau[row, j] = buffer[j]
    for i in range(n_rows):
        factor = tableau[i, column]
        if i != row:
            for j in range(width):
                tableau[i, j] -= factor * buffer[j]
            tableau[i, column] = -factor * inverse
            if abs(tableau[i, last]) <= tolerance:
                tableau[i, last] = 0
    tableau[row, column] = inverse


@kernel
def walk(
    payoffs: NDArray[Any],
    rows: NDArray[Any],
    columns: NDArray[Any],
    vectors: NDArray[Any],
    registers: NDArray[Any],
    budget: int,
    ratio_tolerance: float,
    pivot_tolerance: float,
) -> int:
    """Follow the path of the dropped label for at most ``budget`` pivots, write x and y, and return the status."""
    m, n = rows.shape[0], columns.shape[0]
    labels, where = registers[LABELS : LABELS + 2], registers[WHERE : WHERE + 2]
    keys, ties, state = registers[KEYS : KEYS + 2], registers[TIES], registers[STATE]
    if state[STATUS] == NEW:
        fill_tableaux(payoffs, rows, columns, vectors, registers)
        state[STATUS] = FILLED
    if state[STATUS] == FILLED and budget > 0:
        state[ENTERING] = state[DROPPED]
        state[SIDE] = 1 if state[DROPPED] < m else 0
        state[STATUS] = WALKING
    ratios, buffer = vectors[0], vectors[2]
    entering, side = state[ENTERING], state[SIDE]
    for _ in range(budget):
        tableau = rows if side == 0 else columns
        n_rows = tableau.shape[0]
        place = where[side, entering]
        first_slack = 0 if side == 0 else m
        last = n if side == 0 else m
        row = leaving_row(
            tableau, place - n_rows, last, where, side, first_slack, ties, ratios, ratio_tolerance, pivot_tolerance
        )
        if row < 0:
            state[STATUS] = LOST
            break
        exchange(tableau, row, place - n_rows, last, buffer, ratio_tolerance)
        leaving = labels[side, row]
        labels[side, row] = entering
        labels[side, place] = leaving
        where[side, entering] = row
        where[side, leaving] = place
        state[PIVOTS] += 1
        if state[PIVOTS] > m + n:
            state[HASH] ^= keys[side, entering] ^ keys[side, leaving]
        entering = leaving
        side = 1 - side
        if leaving == state[DROPPED]:
            state[STATUS] = ENDED
            break
        # Brent's test: a basis met again at twice the distance, which only rounding can bring about. The
        # many paths that are short end before it begins; the hash is that of the change since then.
        if state[PIVOTS] == m + n:
            write_keys(keys, m + n)
        elif state[PIVOTS] > m + n and state[HASH] == state[MARK]:
            state[STATUS] = CYCLING
            break
        if state[PIVOTS] >= m + n and state[PIVOTS] >= state[MARK_AT]:
            state[MARK] = state[HASH]
            state[MARK_AT] = 2 * state[PIVOTS]
    state[ENTERING] = entering
    state[SIDE] = side
    write_strategy(columns[:, m], labels[1], 0, vectors[0, :m])
    write_strategy(rows[:, n], labels[0], m, vectors[1, :n])
    return int(state[STATUS])


@kernel
def write_strategy(values: NDArray[Any], labels: NDArray[Any], first: int, strategy: NDArray[Any]) -> None:
    """Write the point of a tableau as a distribution; at the artificial equilibrium it is zero and stays so."""
    count = strategy.shape[0]
    for a in range(count):
        strategy[a] = 0
    total = values[0] * 0
    for r in range(values.shape[0]):
        a = labels[r] - first
        if 0 <= a < count and values[r] > 0:
            strategy[a] = values[r]
            total += values[r]
    for a in range(count):
        if strategy[a] > 0:
            strategy[a] = strategy[a] / total


@kernel
def whole_path(
    payoffs: NDArray[Any],
    label: int,
    budget: int,
    ratio_tolerance: float,
    pivot_tolerance: float,
    point: NDArray[Any],
) -> int:
    """Follow a path in room of its own, write x and then y of its end, and return its pivots, or -1 if it is longer.

    Allocating and passing the arrays of :func:`walk` from Python takes longer than the path in a small game.
    """
    m, n = payoffs.shape[1], payoffs.shape[2]
    rows, columns = np.zeros((m, padded(n + 1))), np.zeros((n, padded(m + 1)))
    vectors = np.zeros((3, padded(max(m, n) + 1)))
    registers = np.zeros((N_REGISTERS, m + n + 8), np.int64)
    registers[STATE, DROPPED] = label
    status = walk(payoffs, rows, columns, vectors, registers, budget, ratio_tolerance, pivot_tolerance)
    for i in range(m):
        point[i] = vectors[0, i]
    for j in range(n):
        point[m + j] = vectors[1, j]
    return int(registers[STATE, PIVOTS]) if status == ENDED else -1


@kernel
def padded(width: int) -> int:
    """Return a row length that keeps rows on cache lines."""
    return (width + 7) // 8 * 8
