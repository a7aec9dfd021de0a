"""The simplex method inside a learner's memory: small linear programs whose origin is feasible.

A program ``max c'z  s.t.  G z <= h, z >= 0`` with ``h >= 0`` lies in Tucker's condensed tableau, ``rows + objectives``
rows of ``columns + 1`` numbers: a pivot exchanges a basic and a nonbasic variable in place, and there is no phase 1.
Below the constraints stand one or more objectives in order of rank, negated. A later objective is improved only over
the optima of those before it: columns whose reduced cost in an earlier objective is not zero stay out. So ties between
optima are broken by rule, and not by the path of the pivots.

A zero-sum stage game is such a program (Dantzig 1951): with payoffs mapped to [1, 2], ``max 1'q  s.t.  P q <= 1`` has
the optimum 1/v, the minimiser's strategy is v q and the maximiser's strategy are the reduced costs of the slacks.

References
----------
Dantzig, G. B. (1951). A proof of the equivalence of the programming problem and the game problem. In Koopmans (ed.),
Activity Analysis of Production and Allocation, chapter 20.
Harris, P. M. J. (1973). Pivot selection methods of the Devex LP code. Mathematical Programming 5, 1-28.
Bland, R. G. (1977). New finite pivoting rules for the simplex method. Mathematics of Operations Research 2, 103-107.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from marlgt.kernels import lean_kernel

__all__ = ["game_space", "maximise", "program_space", "read_basic", "zero_sum_stage"]

_ZERO = 1e-11
"""Reduced costs up to this count as zero; programs are scaled so that their largest entries are about 1."""

_PIVOT = 1e-9
_SLACK = 1e-13
"""How far below zero a basic variable may fall for the sake of a larger pivot (Harris 1973)."""


def program_space(rows: int, columns: int, objectives: int) -> int:
    """Return how many numbers a program takes: its tableau, and the names of basic and nonbasic variables."""
    return (rows + objectives) * (columns + 1) + rows + columns


def game_space(rows: int, columns: int) -> int:
    """Return how many numbers :func:`zero_sum_stage` takes beside the payoffs and the strategies."""
    return program_space(rows, columns, 1)


@lean_kernel
def exchange(memory: Any, at: int, height: int, width: int, row: int, column: int) -> None:
    """Exchange the basic variable of a row with the nonbasic variable of a column, in place."""
    own = at + row * width
    inverse = 1.0 / memory[own + column]
    memory[own + column] = 1.0
    for j in range(width):
        memory[own + j] *= inverse
    for i in range(height):
        place = at + i * width
        if i != row:
            factor = memory[place + column]
            memory[place + column] = 0.0
            for j in range(width):
                memory[place + j] -= factor * memory[own + j]


@lean_kernel
def entering(memory: Any, at: int, rows: int, columns: int, objectives: int, names: int, bland: bool) -> int:
    """Return the column that improves the first objective that can be improved without loss to those before, or -1."""
    width = columns + 1
    for o in range(objectives):
        own = at + (rows + o) * width
        best = -1
        for j in range(columns):
            cost = memory[own + j]
            if cost < -_ZERO:
                better = best < 0
                if not better and bland:
                    better = memory[names + j] < memory[names + best]
                elif not better:
                    better = cost < memory[own + best]
                if better:
                    free = True
                    for earlier in range(o):
                        if memory[at + (rows + earlier) * width + j] > _ZERO:
                            free = False
                    if free:
                        best = j
        if best >= 0:
            return best
    return -1


@lean_kernel
def leaving(memory: Any, at: int, rows: int, columns: int, column: int, names: int, bland: bool) -> int:
    """Return the row of least ratio, or -1; of near ties that of the largest pivot, or by Bland of least name."""
    width = columns + 1
    least = np.inf
    for i in range(rows):
        entry = memory[at + i * width + column]
        level = memory[at + i * width + columns]
        # What rounding made negative is zero.
        level = level if level > 0.0 else 0.0
        ratio = (level + _SLACK) / entry if entry > _PIVOT else np.inf
        least = ratio if ratio < least else least
    best = -1
    largest = 0.0
    for i in range(rows):
        entry = memory[at + i * width + column]
        level = memory[at + i * width + columns]
        entry = entry if entry > _PIVOT and level <= least * entry else 0.0
        if bland:
            if entry > 0.0 and (best < 0 or memory[names + i] < memory[names + best]):
                best = i
        else:
            best = i if entry > largest else best
            largest = entry if entry > largest else largest
    return best


@lean_kernel
def cheapest_column(memory: Any, costs: int, columns: int) -> int:
    """Return the column of the most negative reduced cost of one objective, or -1."""
    # Conditional expressions compile without branches, which the data would mispredict at every turn.
    best = -1
    least = -_ZERO
    for j in range(columns):
        cost = memory[costs + j]
        best = j if cost < least else best
        least = cost if cost < least else least
    return best


@lean_kernel
def is_last(memory: Any, at: int, rows: int, columns: int, row: int, column: int) -> bool:
    """Tell whether a pivot would leave nothing to improve in the one objective."""
    costs = at + rows * (columns + 1)
    own = at + row * (columns + 1)
    factor = memory[costs + column] / memory[own + column]
    least = 0.0
    for j in range(columns):
        cost = memory[costs + j] - factor * memory[own + j]
        least = cost if cost < least else least
    return bool(least >= -_ZERO)


@lean_kernel
def last_exchange(memory: Any, at: int, rows: int, columns: int, row: int, column: int) -> None:
    """Pivot, but rewrite only the right side and the one objective, which are all that is read from then on."""
    width = columns + 1
    costs = at + rows * width
    own = at + row * width
    inverse = 1.0 / memory[own + column]
    factor = memory[costs + column] * inverse
    for j in range(width):
        memory[costs + j] -= factor * memory[own + j]
    memory[costs + column] = -factor
    level = memory[own + columns] * inverse
    for i in range(rows):
        memory[at + i * width + columns] -= memory[at + i * width + column] * level
    memory[own + columns] = level


@lean_kernel
def maximise(memory: Any, at: int, rows: int, columns: int, objectives: int, first: int) -> int:
    """Pivot until every objective is at its best in turn; return the pivots made, or -1 if they do not end.

    The tableau begins at ``memory[at]``. Behind it the names of the basic variables are written, one for each row, and
    then of the nonbasic ones, one for each column; the program's variables have the names 0 to ``columns - 1``. At the
    end the right side and the last objective are those of the optimum. Column ``first`` enters first, unless it is
    negative. After ``4 (rows + columns)`` pivots Bland's rule ends any cycle.
    """
    width = columns + 1
    height = rows + objectives
    basic = at + height * width
    nonbasic = basic + rows
    for i in range(rows):
        memory[basic + i] = columns + i
    for j in range(columns):
        memory[nonbasic + j] = j
    bland_after = 4 * (rows + columns)
    for done in range(32 * (rows + columns) + 32):
        bland = done >= bland_after
        if done == 0 and first >= 0:
            column = first
        elif objectives == 1 and not bland:
            column = cheapest_column(memory, at + rows * width, columns)
        else:
            column = entering(memory, at, rows, columns, objectives, nonbasic, bland)
        if column < 0:
            return done
        row = leaving(memory, at, rows, columns, column, basic, bland)
        if row < 0:
            return -1
        name = memory[basic + row]
        memory[basic + row] = memory[nonbasic + column]
        memory[nonbasic + column] = name
        if objectives == 1 and is_last(memory, at, rows, columns, row, column):
            last_exchange(memory, at, rows, columns, row, column)
            return done + 1
        exchange(memory, at, height, width, row, column)
    return -1


@lean_kernel
def read_basic(memory: Any, at: int, rows: int, columns: int, objectives: int, count: int, to: int) -> float:
    """Write the optimal values of the first ``count`` variables to ``memory[to + z]``, and return their sum."""
    width = columns + 1
    basic = at + (rows + objectives) * width
    for z in range(count):
        memory[to + z] = 0.0
    total = 0.0
    for i in range(rows):
        name = int(memory[basic + i])
        if name < count:
            memory[to + name] = max(memory[at + i * width + columns], 0.0)
            total += memory[to + name]
    return total


@lean_kernel
def zero_sum_stage(memory: Any, payoffs: int, rows: int, columns: int, work: int, x: int, y: int) -> float:
    """Return the value of the matrix game at ``memory[payoffs]``, and write optimal strategies to x and y.

    A saddle point is taken where there is one, that of the first best row and column.
    """
    low = memory[payoffs]
    high = low
    maximin = -np.inf
    best_row = 0
    for i in range(rows):
        least = np.inf
        for j in range(columns):
            entry = memory[payoffs + i * columns + j]
            least = entry if entry < least else least
            high = entry if entry > high else high
        low = least if least < low else low
        if least > maximin:
            maximin = least
            best_row = i
    minimax = np.inf
    best_column = 0
    for j in range(columns):
        most = -np.inf
        for i in range(rows):
            entry = memory[payoffs + i * columns + j]
            most = entry if entry > most else most
        if most < minimax:
            minimax = most
            best_column = j
    if maximin >= minimax:
        for i in range(rows):
            memory[x + i] = 0.0
        for j in range(columns):
            memory[y + j] = 0.0
        memory[x + best_row] = 1.0
        memory[y + best_column] = 1.0
        return float(maximin)
    width = columns + 1
    scale = 1.0 / (high - low)
    for i in range(rows):
        for j in range(columns):
            memory[work + i * width + j] = (memory[payoffs + i * columns + j] - low) * scale + 1.0
        memory[work + i * width + columns] = 1.0
    costs = work + rows * width
    for j in range(columns):
        memory[costs + j] = -1.0
    memory[costs + columns] = 0.0
    # All reduced costs are equal at first: the column that is the best pure reply enters.
    maximise(memory, work, rows, columns, 1, best_column)
    total = read_basic(memory, work, rows, columns, 1, columns, y)
    for j in range(columns):
        memory[y + j] /= total
    for i in range(rows):
        memory[x + i] = 0.0
    names = costs + width + rows
    total = 0.0
    for j in range(columns):
        name = int(memory[names + j])
        if name >= columns:
            memory[x + name - columns] = max(memory[costs + j], 0.0)
            total += memory[x + name - columns]
    value = 0.0
    for i in range(rows):
        memory[x + i] /= total
        if memory[x + i] > 0.0:
            for j in range(columns):
                value += memory[x + i] * memory[y + j] * (memory[payoffs + i * columns + j] - low)
    return float(low + value)
