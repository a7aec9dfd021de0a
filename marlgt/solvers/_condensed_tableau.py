"""The kernels of the condensed simplex method for matrix games.

Payoffs are first mapped to [1, 2], so that the value v of the mapped matrix P is positive. The pair

    max 1'q  s.t.  P q <= 1, q >= 0        and        min 1'p  s.t.  P'p >= 1, p >= 0

then has the common optimum 1/v, with optimal strategies y = v q and x = v p (Dantzig 1951), and q = 0 is
a first vertex, so there is no phase 1. The tableau is Tucker's condensed one: m + 1 rows and n + 1
columns, in which a pivot exchanges one basic and one nonbasic variable in place and slack columns are
never stored. Variables 0..n-1 are q, variables n..n+m-1 the slacks of the rows, whose reduced costs are p.

Entering columns follow Dantzig's rule in small games. From 24 columns on they follow the steepest-edge rule,
which nearly halves the pivots and whose edge lengths a condensed tableau yields in the pass of the pivot
itself. After 8 (m + n) pivots Bland's rule ends any cycle.

References
----------
Dantzig, G. B. (1951). A proof of the equivalence of the programming problem and the game problem. In
Koopmans (ed.), Activity Analysis of Production and Allocation, chapter 20.
Goldfarb, D. and Reid, J. K. (1977). A practicable steepest-edge simplex algorithm. Mathematical
Programming 12, 361-371.
Harris, P. M. J. (1973). Pivot selection methods of the Devex LP code. Mathematical Programming 5, 1-28.
Bland, R. G. (1977). New finite pivoting rules for the simplex method. Mathematics of Operations
Research 2, 103-107.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from marlgt.kernels import kernel

__all__ = ["FAILED", "OPTIMAL", "RUNNING", "open_game", "read_strategies", "run_pivots", "solve_games"]

OPTIMAL = 1
RUNNING = 0
FAILED = -1


@kernel
def open_game(
    payoffs: Any,
    tableau: Any,
    rows: Any,
    columns: Any,
    strategies_x: Any,
    strategies_y: Any,
    bounds: Any,
    scratch: Any,
    k: int,
) -> int:
    """Solve game ``k`` of a batch if it has a saddle point or is 2 x 2; otherwise set up its tableau.

    ``bounds`` receives the smallest payoff and the payoff range. Return 1 if the game is solved, else 0.
    """
    m = payoffs.shape[1]
    n = payoffs.shape[2]
    # Conditional expressions compile to minima without branches, which the data would mispredict.
    low = payoffs[k, 0, 0]
    maximin = low
    best_row = -1
    for j in range(n):
        scratch[0, j] = payoffs[k, 0, j]
    for i in range(m):
        least = payoffs[k, i, 0]
        for j in range(n):
            entry = payoffs[k, i, j]
            least = entry if entry < least else least
            scratch[0, j] = entry if entry > scratch[0, j] else scratch[0, j]
        low = least if least < low else low
        if best_row < 0 or least > maximin:
            maximin = least
            best_row = i
    high = scratch[0, 0]
    minimax = high
    best_column = 0
    for j in range(n):
        most = scratch[0, j]
        high = most if most > high else high
        if most < minimax:
            minimax = most
            best_column = j
    spread = high - low
    bounds[0] = low
    bounds[1] = spread
    for i in range(m):
        strategies_x[k, i] = 0.0
    for j in range(n):
        strategies_y[k, j] = 0.0
    if maximin == minimax:
        strategies_x[k, best_row] = 1.0
        strategies_y[k, best_column] = 1.0
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
    # A reciprocal, which a subnormal range would overflow.
    lift = 1.0 if spread > 1e-290 else 1e290
    inverse = 1.0 / (spread * lift)
    for i in range(m):
        for j in range(n):
            tableau[i, j] = (payoffs[k, i, j] - low) * lift * inverse + 1.0
        tableau[i, n] = 1.0
        rows[i] = n + i
    for j in range(n):
        tableau[m, j] = -1.0
        columns[j] = j
    tableau[m, n] = 0.0
    # All reduced costs are equal now and the first column enters: let it be the best pure reply.
    columns[0] = best_column
    columns[best_column] = 0
    for i in range(m):
        entry = tableau[i, 0]
        tableau[i, 0] = tableau[i, best_column]
        tableau[i, best_column] = entry
    return 0


@kernel
def pivot_on(tableau: Any, m: int, n: int, row: int, column: int) -> None:
    """Exchange the basic variable of a row with the nonbasic variable of a column, in place."""
    inverse = 1.0 / tableau[row, column]
    tableau[row, column] = 1.0
    for j in range(n + 1):
        tableau[row, j] *= inverse
    for i in range(m + 1):
        factor = 0.0 if i == row else tableau[i, column]
        tableau[i, column] = inverse if i == row else 0.0
        for j in range(n + 1):
            tableau[i, j] -= factor * tableau[row, j]


@kernel
def pivot_and_measure(tableau: Any, m: int, n: int, row: int, column: int, scratch: Any) -> None:
    """Pivot as :func:`pivot_on` does, and recompute in the same pass the squared lengths of all edges."""
    inverse = 1.0 / tableau[row, column]
    tableau[row, column] = 1.0
    for j in range(n + 1):
        entry = tableau[row, j] * inverse
        tableau[row, j] = entry
        # A copy of the row lets the compiler see that it does not overlap the rows written below.
        scratch[0, j] = entry
        scratch[1, j] = 1.0 + entry * entry
    for i in range(m):
        if i != row:
            factor = tableau[i, column]
            tableau[i, column] = 0.0
            for j in range(n + 1):
                entry = tableau[i, j] - factor * scratch[0, j]
                tableau[i, j] = entry
                scratch[1, j] += entry * entry
    factor = tableau[m, column]
    tableau[m, column] = 0.0
    for j in range(n + 1):
        tableau[m, j] -= factor * scratch[0, j]


@kernel
def is_last(tableau: Any, m: int, n: int, row: int, column: int) -> bool:
    """Tell whether a pivot would leave no reduced cost to improve."""
    factor = tableau[m, column] / tableau[row, column]
    least = 0.0
    for j in range(n):
        cost = tableau[m, j] - factor * tableau[row, j]
        least = cost if cost < least else least
    return least >= -1e-12


@kernel
def last_pivot(tableau: Any, m: int, n: int, row: int, column: int) -> None:
    """Pivot, but rewrite only the right side and the reduced costs, which are all that is read from then on."""
    inverse = 1.0 / tableau[row, column]
    factor = tableau[m, column]
    for j in range(n + 1):
        tableau[m, j] -= factor * inverse * tableau[row, j]
    tableau[m, column] = -factor * inverse
    level = tableau[row, n] * inverse
    for i in range(m):
        tableau[i, n] -= tableau[i, column] * level
    tableau[row, n] = level


@kernel
def entering_column(tableau: Any, m: int, n: int, steep: bool, scratch: Any) -> int:
    """Return the column to enter by Dantzig's or the steepest-edge rule, -1 at an optimum."""
    # Conditional expressions compile without branches, which the data would mispredict at every turn.
    best = 0.0
    entering = -1
    for j in range(n):
        cost = tableau[m, j]
        cost = cost if cost < -1e-12 else 0.0
        gain = cost * cost / scratch[1, j] if steep else -cost
        entering = j if gain > best else entering
        best = gain if gain > best else best
    return entering


@kernel
def leaving_row(tableau: Any, m: int, n: int, entering: int) -> int:
    """Return the row of the largest pivot among those of least ratio within rounding (Harris 1973), or -1."""
    least = np.inf
    for i in range(m):
        entry = tableau[i, entering]
        entry = entry if entry > 1e-200 else 1e-200
        ratio = (tableau[i, n] + 1e-13) / entry
        least = ratio if ratio < least else least
    largest = 1e-11
    leaving = -1
    for i in range(m):
        entry = tableau[i, entering]
        entry = entry if tableau[i, n] <= least * entry else 0.0
        leaving = i if entry > largest else leaving
        largest = entry if entry > largest else largest
    return leaving


@kernel
def bland_column(tableau: Any, columns: Any, m: int, n: int) -> int:
    """Return the column to enter by Bland's rule: of those that improve the one of smallest name."""
    entering = -1
    for j in range(n):
        if tableau[m, j] < -1e-12 and (entering < 0 or columns[j] < columns[entering]):
            entering = j
    return entering


@kernel
def bland_row(tableau: Any, rows: Any, m: int, n: int, entering: int) -> int:
    """Return the row to leave by Bland's rule: of those of least ratio the one of smallest name."""
    leaving = -1
    least = 0.0
    for i in range(m):
        entry = tableau[i, entering]
        if entry > 1e-11:
            ratio = max(tableau[i, n], 0.0) / entry
            tied = abs(ratio - least) <= 1e-13
            if leaving < 0 or (rows[i] < rows[leaving] if tied else ratio < least):
                leaving = i
                least = ratio
    return leaving


@kernel
def run_pivots(tableau: Any, rows: Any, columns: Any, scratch: Any, done: int, budget: int) -> tuple[int, int]:
    """Pivot until optimal, at most ``budget`` times; return the status and the pivots made since the start.

    The tableau and the scratch array carry the search from one call to the next.
    """
    m = rows.shape[0]
    n = columns.shape[0]
    steep = n >= 24
    if steep and done == 0:
        for j in range(n):
            total = 1.0
            for i in range(m):
                total += tableau[i, j] * tableau[i, j]
            scratch[1, j] = total
    bland_after = 8 * (m + n)
    give_up_after = 32 * (m + n)
    stop = done + budget
    while done < stop:
        bland = done >= bland_after
        entering = bland_column(tableau, columns, m, n) if bland else entering_column(tableau, m, n, steep, scratch)
        if entering < 0:
            return 1, done
        leaving = bland_row(tableau, rows, m, n, entering) if bland else leaving_row(tableau, m, n, entering)
        if leaving < 0 or done >= give_up_after:
            return -1, done
        name = rows[leaving]
        rows[leaving] = columns[entering]
        columns[entering] = name
        done += 1
        if is_last(tableau, m, n, leaving, entering):
            last_pivot(tableau, m, n, leaving, entering)
            return 1, done
        if steep:
            pivot_and_measure(tableau, m, n, leaving, entering, scratch)
        else:
            pivot_on(tableau, m, n, leaving, entering)
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
def value_and_gap(payoffs: Any, k: int, low: float, strategies_x: Any, strategies_y: Any, scratch: Any) -> Any:
    """Return x'Ay and max(Ay) - min(x'A), summed relative to the smallest payoff so that an offset costs no digits."""
    m = payoffs.shape[1]
    n = payoffs.shape[2]
    for j in range(n):
        scratch[0, j] = 0.0
    value = 0.0
    most = 0.0
    for i in range(m):
        weight = strategies_x[k, i]
        total = 0.0
        for j in range(n):
            entry = payoffs[k, i, j] - low
            total += entry * strategies_y[k, j]
            scratch[0, j] += weight * entry
        value += weight * total
        if total > most:
            most = total
    least = scratch[0, 0]
    for j in range(1, n):
        if scratch[0, j] < least:
            least = scratch[0, j]
    return low + value, most - least


@kernel
def solve_games(
    payoffs: Any,
    tableau: Any,
    rows: Any,
    columns: Any,
    bounds: Any,
    scratch: Any,
    strategies_x: Any,
    strategies_y: Any,
    values: Any,
    gaps: Any,
    ranges: Any,
    start: int,
    stop: int,
) -> int:
    """Solve games ``start`` to ``stop - 1`` of a batch with one shared tableau; return the pivots made."""
    pivots = 0
    for k in range(start, stop):
        if open_game(payoffs, tableau, rows, columns, strategies_x, strategies_y, bounds, scratch, k) == 0:
            _, made = run_pivots(tableau, rows, columns, scratch, 0, 1 << 62)
            read_strategies(tableau, rows, columns, k, strategies_x, strategies_y)
            pivots += made
        ranges[k] = bounds[1]
        values[k], gaps[k] = value_and_gap(payoffs, k, bounds[0], strategies_x, strategies_y, scratch)
    return pivots
