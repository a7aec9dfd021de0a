"""Two-player constant-sum games: one door that picks a method, and each method by its own name.

A constant added to a player's payoffs changes no equilibrium, so a constant-sum game has the equilibria
of the zero-sum game of its matrix A: by the minimax theorem exactly the pairs (x, y) with
``max(A y) = min(x A)``. Such a pair is found by linear programming, and its duality gap, recomputed from
the payoffs, certifies it.
"""

from __future__ import annotations

import numpy as np

from marlgt.certificates import TOLERANCE
from marlgt.equilibria import Equilibrium
from marlgt.errors import NotConverged
from marlgt.games._doors import require_game
from marlgt.games.normal_form import NormalFormGame
from marlgt.progress import stopwatch
from marlgt.solvers._saddle_points import answer, normalized, rational_saddle_point, row_payoffs
from marlgt.solvers._simplex import simplex
from marlgt.solvers.interior_point import zero_sum_interior_point

__all__ = ["minimax", "zero_sum_linear_program", "zero_sum_simplex"]

_INTERIOR_FROM = 200
"""Fewest actions on the smaller side from which the interior-point method is faster than the simplex."""


def minimax(game: NormalFormGame, *, tolerance: float = TOLERANCE) -> Equilibrium:
    """Return a minimax pair of a two-player constant-sum game, which is a Nash equilibrium.

    The condensed simplex method solves games up to some hundred actions a side, an interior-point method
    larger ones, HiGHS what they leave uncertified, and small games that defeat floating-point numbers are
    solved in rational arithmetic. A game of integers or fractions gets
    an exact answer where the optimal subgame has at most 60 actions a side. It finds one pair, not all.

    Parameters
    ----------
    game : NormalFormGame
        Two players; the sum of payoffs constant, exactly in an exact game, else up to rounding.
    tolerance : float
        Largest regret to accept, as a share of the payoff range.

    Returns
    -------
    Equilibrium
        ``values[0]`` is the value of the game.

    Raises
    ------
    UnsupportedGame
        If the game has not two players or is not constant-sum.
    NotConverged
        If no method reached the tolerance; it carries the best pair.

    References
    ----------
    von Neumann (1928), Zur Theorie der Gesellschaftsspiele; Dantzig (1951), A proof of the equivalence of
    the programming problem and the game problem.

    Examples
    --------
    >>> import marlgt as gt
    >>> print(gt.solvers.minimax(gt.NormalFormGame.zero_sum([[3, -1], [-2, 1]])))
    nash (3/7, 4/7) (2/7, 5/7)  values (0.142857, -0.142857)  epsilon 0 (exact)  [zero_sum_simplex]
    """
    require_game(game)
    watch = stopwatch()
    methods = [zero_sum_simplex, zero_sum_interior_point, zero_sum_linear_program]
    if min(game.n_actions) >= _INTERIOR_FROM:
        methods = [zero_sum_interior_point, zero_sum_linear_program]
    failures = []
    for method in methods:
        try:
            return method(game, tolerance=tolerance)
        except NotConverged as failure:
            failures.append(failure)
    pair = rational_saddle_point(row_payoffs(game))
    if pair is None:
        raise min(failures, key=lambda failure: float(failure.best.epsilon))
    return answer(
        game,
        *pair,
        rows=tuple(np.flatnonzero(pair[0]).tolist()),
        columns=tuple(np.flatnonzero(pair[1]).tolist()),
        method="minimax/integer_simplex",
        work={},
        watch=watch,
        tolerance=tolerance,
    )


def zero_sum_simplex(game: NormalFormGame, *, tolerance: float = TOLERANCE) -> Equilibrium:
    """Return a minimax pair of a two-player constant-sum game by the condensed simplex method.

    The pair is a vertex of the optimal sets. Saddle points and 2 x 2 games are read off without pivoting.

    Parameters
    ----------
    game : NormalFormGame
        Two players, constant sum.
    tolerance : float
        Largest regret to accept, as a share of the payoff range.

    Raises
    ------
    UnsupportedGame
        If the game is not two-player constant-sum.
    NotConverged
        If the tolerance was not reached.
    """
    require_game(game)
    watch = stopwatch()
    found = simplex(row_payoffs(game))
    return answer(
        game,
        found.x,
        found.y,
        rows=found.rows,
        columns=found.columns,
        method="zero_sum_simplex",
        work={"pivots": found.pivots},
        watch=watch,
        tolerance=tolerance,
    )


def zero_sum_linear_program(game: NormalFormGame, *, tolerance: float = TOLERANCE) -> Equilibrium:
    """Return a minimax pair of a two-player constant-sum game by linear programming with HiGHS.

    Parameters
    ----------
    game : NormalFormGame
        Two players, constant sum.
    tolerance : float
        Largest regret to accept, as a share of the payoff range.

    Raises
    ------
    UnsupportedGame
        If the game is not two-player constant-sum.
    NotConverged
        If HiGHS failed or the tolerance was not reached.
    """
    require_game(game)
    from marlgt.linear_programs import solve_linear_program

    watch = stopwatch()
    matrix = normalized(row_payoffs(game))
    m, n = matrix.shape
    # max v  s.t.  (x A)_j - v >= 0 for every column j,  sum x = 1
    constraints = np.zeros((n + 1, m + 1))
    constraints[:n, :m], constraints[:n, m], constraints[n, :m] = matrix.T, -1.0, 1.0
    program = solve_linear_program(
        np.append(np.zeros(m), 1.0),
        matrix=constraints,
        row_lower=np.append(np.zeros(n), 1.0),
        row_upper=np.append(np.full(n, np.inf), 1.0),
        maximize=True,
    )
    x, y = _distribution(program.x[:m], m), _distribution(np.abs(program.row_duals[:n]), n)
    return answer(
        game,
        x,
        y,
        rows=tuple(np.flatnonzero(x).tolist()),
        columns=tuple(np.flatnonzero(y).tolist()),
        method="zero_sum_linear_program",
        work={},
        watch=watch,
        tolerance=tolerance,
    )


def _distribution(weights: np.ndarray, count: int) -> np.ndarray:
    """Return the weights as probabilities: uniform where a failed program left none."""
    clipped = np.where(weights > 1e-12, weights, 0.0)
    total = clipped.sum()
    if clipped.size != count or not total > 0.0:
        return np.full(count, 1.0 / count)
    return np.asarray(clipped / total)
