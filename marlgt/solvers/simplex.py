"""The condensed simplex method for matrix games, for one game and for batches of small ones.

Payoffs are first mapped to [1, 2], so that the value v of the mapped matrix P is positive. The pair

    max 1'q  s.t.  P q <= 1, q >= 0        and        min 1'p  s.t.  P'p >= 1, p >= 0

then has the common optimum 1/v, with optimal strategies y = v q and x = v p (Dantzig 1951), and q = 0 is
a first vertex, so there is no phase 1. The tableau is Tucker's condensed one: m + 1 rows and n + 1
columns, in which a pivot exchanges one basic and one nonbasic variable in place and slack columns are
never stored. Variables 0..n-1 are q, variables n..n+m-1 the slacks of the rows, whose reduced costs are p.

Entering columns follow Dantzig's rule, and Bland's after 8 (m + n) pivots, which ends any cycle.

References
----------
Dantzig, G. B. (1951). A proof of the equivalence of the programming problem and the game problem. In
Koopmans (ed.), Activity Analysis of Production and Allocation, chapter 20.
Bland, R. G. (1977). New finite pivoting rules for the simplex method. Mathematics of Operations
Research 2, 103-107.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from marlgt.kernels import gear, kernel
from marlgt.progress import progress

__all__ = ["SimplexSolution", "simplex", "solve_games"]

OPTIMAL = 1
RUNNING = 0
FAILED = -1

_PLAIN_STEPS = 1e6
_COMPILED_STEPS = 2e8
"""Inner-loop steps between two returns to the caller, about 0.1 s in either gear."""


@kernel
def open_game(
    payoffs: Any, tableau: Any, rows: Any, columns: Any, strategies_x: Any, strategies_y: Any, bounds: Any, k: int
) -> int:
    """Solve game ``k`` of a batch if it has a saddle point or is 2 x 2; otherwise set up its tableau.

    ``bounds`` receives the smallest payoff and the payoff range. Return 1 if the game is solved, else 0.
    """
    m = payoffs.shape[1]
    n = payoffs.shape[2]
    low = payoffs[k, 0, 0]
    high = low
    maximin = low
    best_row = 0
    for i in range(m):
        least = payoffs[k, i, 0]
        most = least
        for j in range(1, n):
            entry = payoffs[k, i, j]
            if entry < least:
                least = entry
            elif entry > most:
                most = entry
        if i == 0 or least > maximin:
            maximin = least
            best_row = i
        if least < low:
            low = least
        if most > high:
            high = most
    bounds[0] = low
    bounds[1] = high - low
    saddle_column = -1
    for j in range(n):
        # Only a column where the best row has its minimum can hold a saddle point.
        if payoffs[k, best_row, j] == maximin:
            saddle_column = j
            for i in range(m):
                if payoffs[k, i, j] > maximin:
                    saddle_column = -1
                    break
            if saddle_column >= 0:
                break
    for i in range(m):
        strategies_x[k, i] = 0.0
    for j in range(n):
        strategies_y[k, j] = 0.0
    if saddle_column >= 0:
        strategies_x[k, best_row] = 1.0
        strategies_y[k, saddle_column] = 1.0
        return 1
    if m == 2 and n == 2:
        # Without a saddle point the two differences of each fraction have the same sign.
        first = payoffs[k, 0, 0] - payoffs[k, 0, 1]
        second = payoffs[k, 1, 1] - payoffs[k, 1, 0]
        strategies_x[k, 0] = second / (first + second)
        strategies_x[k, 1] = first / (first + second)
        first = payoffs[k, 0, 0] - payoffs[k, 1, 0]
        second = payoffs[k, 1, 1] - payoffs[k, 0, 1]
        strategies_y[k, 0] = second / (first + second)
        strategies_y[k, 1] = first / (first + second)
        return 1
    spread = high - low
    for i in range(m):
        for j in range(n):
            tableau[i, j] = (payoffs[k, i, j] - low) / spread + 1.0
        tableau[i, n] = 1.0
        rows[i] = n + i
    for j in range(n):
        tableau[m, j] = -1.0
        columns[j] = j
    tableau[m, n] = 0.0
    return 0


@kernel
def pivot_on(tableau: Any, m: int, n: int, row: int, column: int) -> None:
    """Exchange the basic variable of a row with the nonbasic variable of a column, in place."""
    inverse = 1.0 / tableau[row, column]
    tableau[row, column] = 1.0
    for j in range(n + 1):
        tableau[row, j] *= inverse
    for i in range(m + 1):
        factor = tableau[i, column]
        if i != row and factor != 0.0:
            tableau[i, column] = 0.0
            for j in range(n + 1):
                tableau[i, j] -= factor * tableau[row, j]


@kernel
def run_pivots(tableau: Any, rows: Any, columns: Any, done: int, budget: int) -> tuple[int, int]:
    """Pivot until optimal, at most ``budget`` times; return the status and the pivots made since the start."""
    m = rows.shape[0]
    n = columns.shape[0]
    bland_after = 8 * (m + n)
    give_up_after = 32 * (m + n)
    stop = done + budget
    while done < stop:
        entering = -1
        if done < bland_after:
            steepest = -1e-12
            for j in range(n):
                if tableau[m, j] < steepest:
                    steepest = tableau[m, j]
                    entering = j
        else:
            for j in range(n):
                if tableau[m, j] < -1e-12 and (entering < 0 or columns[j] < columns[entering]):
                    entering = j
        if entering < 0:
            return 1, done
        leaving = -1
        least = 0.0
        for i in range(m):
            entry = tableau[i, entering]
            if entry > 1e-11:
                ratio = max(tableau[i, n], 0.0) / entry
                if leaving < 0 or ratio < least - 1e-13:
                    leaving = i
                    least = ratio
                elif ratio <= least + 1e-13:
                    # Of tied rows the largest pivot is the most accurate; Bland's rule wants the smallest name.
                    if done < bland_after:
                        better = entry > tableau[leaving, entering]
                    else:
                        better = rows[i] < rows[leaving]
                    if better:
                        leaving = i
                        least = min(least, ratio)
        if leaving < 0 or done >= give_up_after:
            return -1, done
        pivot_on(tableau, m, n, leaving, entering)
        name = rows[leaving]
        rows[leaving] = columns[entering]
        columns[entering] = name
        done += 1
    return 0, done


@kernel
def read_strategies(tableau: Any, rows: Any, columns: Any, k: int, strategies_x: Any, strategies_y: Any) -> None:
    """Write both players' optimal strategies of game ``k`` from a final tableau."""
    m = rows.shape[0]
    n = columns.shape[0]
    total = 0.0
    for i in range(m):
        if rows[i] < n:
            weight = max(tableau[i, n], 0.0)
            strategies_y[k, rows[i]] = weight
            total += weight
    for j in range(n):
        strategies_y[k, j] /= total
    total = 0.0
    for j in range(n):
        if columns[j] >= n:
            weight = max(tableau[m, j], 0.0)
            strategies_x[k, columns[j] - n] = weight
            total += weight
    for i in range(m):
        strategies_x[k, i] /= total


@kernel
def value_and_gap(payoffs: Any, k: int, low: float, strategies_x: Any, strategies_y: Any, column_sums: Any) -> Any:
    """Return x'Ay and max(Ay) - min(x'A), summed relative to the smallest payoff so that an offset costs no digits."""
    m = payoffs.shape[1]
    n = payoffs.shape[2]
    for j in range(n):
        column_sums[j] = 0.0
    value = 0.0
    most = 0.0
    for i in range(m):
        weight = strategies_x[k, i]
        total = 0.0
        for j in range(n):
            entry = payoffs[k, i, j] - low
            total += entry * strategies_y[k, j]
            column_sums[j] += weight * entry
        value += weight * total
        if total > most:
            most = total
    least = column_sums[0]
    for j in range(1, n):
        if column_sums[j] < least:
            least = column_sums[j]
    return low + value, most - least


@kernel
def solve_games(
    payoffs: Any,
    start: int,
    stop: int,
    tableau: Any,
    rows: Any,
    columns: Any,
    bounds: Any,
    column_sums: Any,
    strategies_x: Any,
    strategies_y: Any,
    values: Any,
    gaps: Any,
    ranges: Any,
) -> int:
    """Solve games ``start`` to ``stop - 1`` of a batch with one shared tableau; return the pivots made."""
    pivots = 0
    for k in range(start, stop):
        if open_game(payoffs, tableau, rows, columns, strategies_x, strategies_y, bounds, k) == 0:
            _, made = run_pivots(tableau, rows, columns, 0, 1 << 62)
            read_strategies(tableau, rows, columns, k, strategies_x, strategies_y)
            pivots += made
        ranges[k] = bounds[1]
        values[k], gaps[k] = value_and_gap(payoffs, k, bounds[0], strategies_x, strategies_y, column_sums)
    return pivots


@dataclass(frozen=True)
class SimplexSolution:
    """What the simplex method found in one matrix.

    Attributes
    ----------
    x, y : ndarray
        Strategies of the row and the column player.
    rows, columns : tuple of int
        Actions of the final basis: a square subgame in which each player makes the other indifferent.
    pivots : int
    converged : bool
        False where rounding or the limit of pivots ended the search.
    """

    x: NDArray[np.float64]
    y: NDArray[np.float64]
    rows: tuple[int, ...]
    columns: tuple[int, ...]
    pivots: int
    converged: bool


def simplex(matrix: NDArray[np.float64]) -> SimplexSolution:
    """Solve one matrix game, returning to Python often enough for Ctrl-C.

    Parameters
    ----------
    matrix : ndarray, shape (m, n)
        Payoffs of the row player.
    """
    m, n = matrix.shape
    cells = (m + 1) * (n + 1)
    x, y = np.empty((1, m)), np.empty((1, n))
    rows, columns = np.empty(m, dtype=np.int64), np.empty(n, dtype=np.int64)
    arrays: Any = (np.ascontiguousarray(matrix)[None], np.empty((m + 1, n + 1)), rows, columns, x, y, np.empty(2))
    # Plain Python reads and writes a memoryview of an array twice as fast as the array.
    views: Any = tuple(map(memoryview, arrays))
    work = 1.5 * cells * min(m, n)
    opening: Any = gear(open_game, work)
    if opening(*(views if opening is open_game else arrays), 0) == OPTIMAL:
        return SimplexSolution(x[0], y[0], _support(x[0]), _support(y[0]), 0, True)
    status, pivots = _some_pivots(views, arrays, 0, work)
    if status == RUNNING:
        with progress("simplex method") as report:
            while status == RUNNING:
                status, pivots = _some_pivots(views, arrays, pivots, max(work, 2.0 * cells * pivots))
                report(pivots, f"{pivots} pivots")
    _, tableau, basic, nonbasic, px, py, _ = views
    read_strategies(tableau, basic, nonbasic, 0, px, py)
    return SimplexSolution(
        x[0],
        y[0],
        tuple(sorted(name - n for name in columns.tolist() if name >= n)),
        tuple(sorted(name for name in rows.tolist() if name < n)),
        pivots,
        status == OPTIMAL,
    )


def _some_pivots(views: Any, arrays: Any, pivots: int, work: float) -> tuple[int, int]:
    """Pivot on for about a tenth of a second or less, in the gear that the predicted work asks for."""
    cells = arrays[1].size
    pivot: Any = gear(run_pivots, work)
    state, steps = (views, _PLAIN_STEPS) if pivot is run_pivots else (arrays, _COMPILED_STEPS)
    status, pivots = pivot(*state[1:4], pivots, 1 + int(steps / cells))
    return status, pivots


def _support(strategy: NDArray[np.float64]) -> tuple[int, ...]:
    return tuple(strategy.nonzero()[0].tolist())
