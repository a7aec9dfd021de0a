"""The kernel that enumerates the equilibria of a two-player stage game by supports of equal size.

Pairs of supports come from small to large and each in lexicographic order; a pair (I, J) gives an equilibrium if
``A y = v`` on I for a mixture y of J, ``x B = w`` on J for a mixture x of I, and no action outside pays more. Weights
of a support may be zero, so that ties hide no game's every equilibrium: the complementary basis at which a
lexicographic Lemke-Howson path ends is such a pair, of non-singular systems (von Stengel 2007, section 3.6). A game
without ties has no other equilibria.

References
----------
Dickhaut, J. and Kaplan, T. (1991). A program for finding Nash equilibria. The Mathematica Journal 1, 87-93.
von Stengel, B. (2007). Equilibrium computation for two-player games in strategic and extensive form. In Nisan et al.
(eds.), Algorithmic Game Theory, chapter 3.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from marlgt.kernels import lean_kernel
from marlgt.learners.exploration import is_legal
from marlgt.learners.joint._joint_stages import CHOSEN, STATE_VALUES, VALUES, WORK
from marlgt.learners.layout import COUNTS, EXTRA, PLAYER, PROFILES

__all__ = ["FIRST", "LARGEST_SIDE", "OWN", "SECOND", "WELFARE", "nash_work", "solve"]

FIRST, SECOND, WELFARE, OWN = 0, 1, 2, 3
SELECTION = EXTRA
LARGEST_SIDE = 6
"""Most actions of a player: with 6 each there are 923 pairs of supports."""

_SLACK = 1e-11
_SINGULAR = 1e-11


def nash_work(rows: int, columns: int) -> int:
    """Return how many numbers of scratch space :func:`solve` takes."""
    # Two payoff matrices, the legal actions, two candidates, two answers, a linear system.
    return 2 * rows * columns + 3 * (rows + columns) + LARGEST_SIDE * (LARGEST_SIDE + 1)


@lean_kernel
def size_of(mask: int) -> int:
    """Return the number of actions in a support."""
    count = 0
    while mask > 0:
        count += mask & 1
        mask >>= 1
    return count


@lean_kernel
def solve_system(memory: Any, at: int, size: int) -> bool:
    """Solve a square system in place, its right side in the last column; return False if it is singular."""
    width = size + 1
    for c in range(size):
        best = c
        for r in range(c + 1, size):
            if abs(memory[at + r * width + c]) > abs(memory[at + best * width + c]):
                best = r
        if abs(memory[at + best * width + c]) < _SINGULAR:
            return False
        if best != c:
            for j in range(c, width):
                swap = memory[at + c * width + j]
                memory[at + c * width + j] = memory[at + best * width + j]
                memory[at + best * width + j] = swap
        for r in range(c + 1, size):
            factor = memory[at + r * width + c] / memory[at + c * width + c]
            for j in range(c, width):
                memory[at + r * width + j] -= factor * memory[at + c * width + j]
    for c in range(size - 1, -1, -1):
        total = memory[at + c * width + size]
        for j in range(c + 1, size):
            total -= memory[at + c * width + j] * memory[at + j * width + size]
        memory[at + c * width + size] = total / memory[at + c * width + c]
    return True


@lean_kernel
def mixture_fits(
    memory: Any,
    payoffs: int,
    step: int,
    skip: int,
    m: int,
    k: int,
    rows: int,
    columns: int,
    size: int,
    at: int,
    to: int,
) -> bool:
    """Tell whether a mixture of the columns makes the rows equally good and none better, and write it to ``to``.

    The payoff of row i and column j is ``memory[payoffs + i step + j skip]``, from 1 to 2. Action a of m is in a
    support if bit ``m - 1 - a`` is set, so that falling masks of one size are supports in lexicographic order.
    """
    width = size + 1
    r = 0
    for i in range(m):
        if (rows >> (m - 1 - i)) & 1 == 1:
            c = 0
            for j in range(k):
                if (columns >> (k - 1 - j)) & 1 == 1:
                    memory[at + r * width + c] = memory[payoffs + i * step + j * skip]
                    c += 1
            memory[at + r * width + size] = 1.0
            r += 1
    if not solve_system(memory, at, size):
        return False
    total = 0.0
    for c in range(size):
        total += memory[at + c * width + size]
    if not total > 0.0:
        return False
    for c in range(size):
        if memory[at + c * width + size] < -_SLACK * total:
            return False
    c = 0
    left = 0.0
    for j in range(k):
        memory[to + j] = 0.0
        if (columns >> (k - 1 - j)) & 1 == 1:
            memory[to + j] = max(memory[at + c * width + size], 0.0)
            left += memory[to + j]
            c += 1
    for j in range(k):
        memory[to + j] /= left
    for i in range(m):
        payoff = 0.0
        for j in range(k):
            payoff += memory[payoffs + i * step + j * skip] * memory[to + j]
        if payoff * total > 1.0 + 2.0 * _SLACK:
            return False
    return True


@lean_kernel
def pure_fits(memory: Any, a: int, b: int, m: int, k: int, row: int, column: int, x: int, y: int) -> bool:
    """Tell whether a pair of actions is an equilibrium, and write it if so."""
    for i in range(m):
        if memory[a + i * k + column] > memory[a + row * k + column] + _SLACK:
            return False
    for j in range(k):
        if memory[b + row * k + j] > memory[b + row * k + column] + _SLACK:
            return False
    for i in range(m):
        memory[x + i] = 0.0
    for j in range(k):
        memory[y + j] = 0.0
    memory[x + row] = 1.0
    memory[y + column] = 1.0
    return True


@lean_kernel
def expected(memory: Any, payoffs: int, m: int, k: int, x: int, y: int) -> float:
    """Return ``x' P y``."""
    total = 0.0
    for i in range(m):
        if memory[x + i] > 0.0:
            for j in range(k):
                total += memory[x + i] * memory[payoffs + i * k + j] * memory[y + j]
    return total


@lean_kernel
def enumerate_supports(
    memory: Any,
    a: int,
    b: int,
    m: int,
    k: int,
    ranges_a: float,
    ranges_b: float,
    selection: int,
    player: int,
    work: int,
) -> int:
    """Write the selected equilibrium behind the candidates, and return how many were looked at that fit.

    ``work`` begins with candidates x and y, then the answers x and y, then the system.
    """
    x = work
    y = x + m
    best_x = y + k
    best_y = best_x + m
    system = best_y + k
    found = 0
    highest = -np.inf
    for size in range(1, min(m, k) + 1):
        for rows in range((1 << m) - 1, 0, -1):
            if size_of(rows) != size:
                continue
            for columns in range((1 << k) - 1, 0, -1):
                if size_of(columns) != size:
                    continue
                fits = False
                if size == 1:
                    row = 0
                    while (rows >> (m - 1 - row)) & 1 == 0:
                        row += 1
                    column = 0
                    while (columns >> (k - 1 - column)) & 1 == 0:
                        column += 1
                    fits = pure_fits(memory, a, b, m, k, row, column, x, y)
                else:
                    fits = mixture_fits(memory, a, k, 1, m, k, rows, columns, size, system, y)
                    fits = fits and mixture_fits(memory, b, 1, k, k, m, columns, rows, size, system, x)
                if not fits:
                    continue
                score = 0.0
                if selection == WELFARE:
                    score = ranges_a * expected(memory, a, m, k, x, y) + ranges_b * expected(memory, b, m, k, x, y)
                elif selection == OWN:
                    score = expected(memory, a if player == 0 else b, m, k, x, y)
                elif selection == SECOND and found > 0:
                    # The same mixture of other supports is no second equilibrium.
                    for i in range(m + k):
                        score = max(score, abs(memory[x + i] - memory[best_x + i]))
                    score = 1.0 if score > 1e-9 else 0.0
                if found == 0 or score > highest + _SLACK * (1.0 + abs(highest)):
                    for i in range(m + k):
                        memory[best_x + i] = memory[x + i]
                    highest = score
                found += 1
                if selection == FIRST or (selection == SECOND and highest > 0.0):
                    return found
    return found


@lean_kernel
def on_unit_scale(
    memory: Any, source: int, to: int, rows: int, columns: int, m: int, k: int, by_row: int, by_column: int
) -> float:
    """Copy the legal part of a payoff matrix, mapped to [1, 2], and return its range."""
    low = np.inf
    high = -np.inf
    for i in range(m):
        for j in range(k):
            entry = memory[source + int(memory[rows + i]) * by_row + int(memory[columns + j]) * by_column]
            memory[to + i * k + j] = entry
            low = min(low, entry)
            high = max(high, entry)
    unit = 1.0 / (high - low) if high > low else 0.0
    for cell in range(m * k):
        memory[to + cell] = (memory[to + cell] - low) * unit + 1.0
    return high - low


@lean_kernel
def solve(memory: Any, form: Any, numbers: Any, legal: Any, state: int) -> None:
    """Choose the equilibrium of the stage game of a state, and write both mixtures and both values."""
    most_rows = int(form[COUNTS])
    most_columns = int(form[COUNTS + 1])
    a = form[WORK]
    b = a + most_rows * most_columns
    rows = b + most_rows * most_columns
    columns = rows + most_rows
    work = columns + most_columns
    m = 0
    for i in range(most_rows):
        if is_legal(form, legal, 0, state, i):
            memory[rows + m] = i
            m += 1
    k = 0
    for j in range(most_columns):
        if is_legal(form, legal, 1, state, j):
            memory[columns + k] = j
            k += 1
    source = form[VALUES] + state * 2 * form[PROFILES]
    range_a = on_unit_scale(memory, source, a, rows, columns, m, k, most_columns, 1)
    range_b = on_unit_scale(memory, source + form[PROFILES], b, rows, columns, m, k, most_columns, 1)
    selection = int(numbers[SELECTION])
    player = form[PLAYER]
    chosen = form[CHOSEN] + state * (most_rows + most_columns)
    best = work + m + k
    # Should rounding hide every equilibrium, what was chosen before stays.
    for i in range(m):
        memory[best + i] = memory[chosen + int(memory[rows + i])]
    for j in range(k):
        memory[best + m + j] = memory[chosen + most_rows + int(memory[columns + j])]
    enumerate_supports(memory, a, b, m, k, range_a, range_b, selection, player, work)
    for i in range(most_rows + most_columns):
        memory[chosen + i] = 0.0
    for i in range(m):
        memory[chosen + int(memory[rows + i])] = memory[best + i]
    for j in range(k):
        memory[chosen + most_rows + int(memory[columns + j])] = memory[best + m + j]
    for p in range(2):
        total = 0.0
        for i in range(m):
            x = memory[best + i]
            if x > 0.0:
                place = source + p * form[PROFILES] + int(memory[rows + i]) * most_columns
                for j in range(k):
                    total += x * memory[best + m + j] * memory[place + int(memory[columns + j])]
        memory[form[STATE_VALUES] + state * 2 + p] = total
