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
    low, high = vectors[0], vectors[1]
    for player in range(2):
        # Column by column first: a running minimum of one number would wait for itself at every step.
        for j in range(n):
            low[j] = payoffs[player, 0, j]
            high[j] = low[j]
        for i in range(1, m):
            for j in range(n):
                value = payoffs[player, i, j]
                low[j] = value if value < low[j] else low[j]
                high[j] = value if value > high[j] else high[j]
        least, most = low[0], high[0]
        for j in range(1, n):
            least = low[j] if low[j] < least else least
            most = high[j] if high[j] > most else most
        spread = most - least
        if spread == 0:
            spread = spread + 1
        if player == 0:
            for i in range(m):
                for j in range(n):
                    rows[i, j] = (payoffs[0, i, j] - least) / spread + 1
        else:
            for j in range(n):
                for i in range(m):
                    columns[j, i] = (payoffs[1, i, j] - least) / spread + 1
    for i in range(m):
        rows[i, n] = 1
    for j in range(n):
        columns[j, m] = 1
    key = 1
    for label in range(m + n):
        beyond = label - n if label >= n else label + m
        registers[LABELS, label] = label
        registers[WHERE, label] = label
        registers[LABELS + 1, label] = beyond
        registers[WHERE + 1, beyond] = label
        for side in range(2):
            # A linear congruential generator, twice: 62 bits, and no product beyond int64.
            first = (key * 1103515245 + 12345) & 2147483647
            key = (first * 1103515245 + 12345) & 2147483647
            registers[KEYS + side, label] = first * 2147483648 + key


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
    least = math.inf
    for r in range(n_rows):
        # Without a branch to mispredict: the compiler divides in any case and selects.
        ratio = tableau[r, last] / tableau[r, column] if tableau[r, column] > pivot_tolerance else math.inf
        ratios[r] = ratio
        least = ratio if ratio < least else least
    if least == math.inf:
        return -1
    bound = least + ratio_tolerance * (1 + abs(least))
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
        if i != row and factor != 0:
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
        state[HASH] ^= keys[side, entering] ^ keys[side, leaving]
        entering = leaving
        side = 1 - side
        if leaving == state[DROPPED]:
            state[STATUS] = ENDED
            break
        # Brent's test: a basis met again at twice the distance, which only rounding can bring about.
        if state[HASH] == state[MARK]:
            state[STATUS] = CYCLING
            break
        if state[PIVOTS] >= state[MARK_AT]:
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
