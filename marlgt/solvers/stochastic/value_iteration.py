"""Zero-sum stochastic games by iterating Shapley's operator, alone or with sweeps of fixed policies in between.

Shapley's operator T, whose value in a state is that of the stage game with the present values ahead, is a contraction
by the discount in the largest difference, so that iterating it converges to the value of the game from anywhere
(Shapley 1953). Most of a sweep is spent on solving stage games. Modified policy iteration follows each sweep by
sweeps in which both players' policies are held fixed, which cost a thirtieth each (van der Wal 1978, for one player's
policy). Its convergence is proven for starting values from one side only, and it can go round in circles. So when the
residual has not come below its least value for ten sweeps, the iteration returns to where that was reached and halves
the number of evaluations. Without evaluations a sweep is Shapley's, which lowers the residual by the discount at
least, so that the iteration converges in every game.

References
----------
Shapley, L. S. (1953). Stochastic games. Proceedings of the National Academy of Sciences 39, 1095-1100.
van der Wal, J. (1978). Discounted Markov games: generalized policy iteration method. Journal of Optimization Theory
and Applications 25, 125-138.
"""

from __future__ import annotations

from math import log

import numpy as np

from marlgt.certificates import TOLERANCE
from marlgt.equilibria import Equilibrium
from marlgt.games._doors import require_flag, require_stochastic_game, require_whole
from marlgt.games.stochastic import StochasticGame
from marlgt.progress import progress
from marlgt.solvers.stochastic._damped_newton import along_discounts
from marlgt.solvers.stochastic._iterations import Iteration, finished, open_iteration
from marlgt.solvers.stochastic._stages import evaluate, exact_values

__all__ = ["modified_policy_iteration", "shapley_value_iteration"]

_FEWEST_EVALUATIONS = 25
_MOST_EVALUATIONS = 100
_EXACT_FROM = 200.0
"""Steps of a play from which solving the policies' linear equations beats sweeps."""
_FEW_STATES = 96
"""States up to which the equations are solved by dense elimination, faster than sweeps at any discount."""
_NEWTON_FROM = 50.0
_SWIFT = 0.1
_PATIENCE = 10
_PATIENCE_EXACTLY = 3


def shapley_value_iteration(
    game: StochasticGame, *, tolerance: float = TOLERANCE, max_sweeps: int = 100_000, in_place: bool = True
) -> Equilibrium:
    """Return optimal stationary policies of a two-player zero-sum stochastic game, by Shapley's value iteration.

    The number of sweeps grows as one over one minus the discount: for discounts near 1 the other methods are faster.

    Parameters
    ----------
    game : StochasticGame
        Two players whose rewards sum to zero; a discount below 1, or a game that surely ends.
    tolerance : float
        Largest regret to accept, as a share of what is at stake, ``concepts.stationary.value_units``.
    max_sweeps : int
    in_place : bool
        Whether a sweep reads the values that it has just written (Gauss-Seidel), or works on the values before it
        (Jacobi).

    Returns
    -------
    Equilibrium
        ``state_values[0]`` is the value of the game from each state, ``error_bound`` how far it can be from the true
        one, and ``trace`` holds the largest change of a value in each sweep.

    Raises
    ------
    UnsupportedGame
        If the game is not of two players and zero-sum, or is not discounted and need not end.
    NotConverged
        If the sweeps ran out; it carries the policies reached.

    References
    ----------
    Shapley (1953), Stochastic games.

    Examples
    --------
    >>> import marlgt as gt
    >>> pennies = gt.NormalFormGame.zero_sum([[2, 0], [0, 2]])
    >>> game = gt.games.StochasticGame.repeated(pennies, discount=0.5)
    >>> print(shapley_value_iteration(game))
    nash 1 x 2 + 1 x 2 policies  values (2, -2)  epsilon 0  [shapley_value_iteration]
    """
    method = "shapley_value_iteration"
    require_stochastic_game(game)
    require_flag(in_place, "in_place")
    # Each sweep shrinks the error by the discount.
    typical = 30.0 if game_discount(game) in (0.0, 1.0) else log(1e-12) / log(game_discount(game))
    run = open_iteration(game, method=method, tolerance=tolerance, max_sweeps=max_sweeps, typical_sweeps=typical)
    after = None if in_place else np.zeros(game.n_states)
    with progress("value iteration") as report:
        while True:
            run.sweep(after)
            if after is not None:
                run.values, after = after, run.values
            report(run.sweeps, f"residual {run.residual:.1e}")
            if run.settled or run.exhausted:
                return finished(run, method=method)


def modified_policy_iteration(
    game: StochasticGame,
    *,
    tolerance: float = TOLERANCE,
    max_sweeps: int = 100_000,
    evaluation_sweeps: int | None = None,
) -> Equilibrium:
    """Return optimal stationary policies of a two-player zero-sum stochastic game, by modified policy iteration.

    It is the method to take by default: on soccer three to five times faster than value iteration.

    Parameters
    ----------
    game, tolerance, max_sweeps
        As for :func:`shapley_value_iteration`; only sweeps that solve stage games are counted.
    evaluation_sweeps : int, optional
        Sweeps with both policies fixed after each sweep that solves stage games. By default one over one minus the
        discount, from 25 to 100; for discounts of 0.995 and more the policies' linear equations are solved instead,
        as long as that brings the residual down.

    Returns
    -------
    Equilibrium
        As of :func:`shapley_value_iteration`.

    Raises
    ------
    UnsupportedGame
        If the game is not of two players and zero-sum, or is not discounted and need not end.
    NotConverged
        If the sweeps ran out; it carries the policies reached.

    References
    ----------
    van der Wal (1978), Discounted Markov games: generalized policy iteration method.

    Examples
    --------
    >>> import marlgt as gt
    >>> pennies = gt.NormalFormGame.zero_sum([[2, 0], [0, 2]])
    >>> modified_policy_iteration(gt.games.StochasticGame.repeated(pennies, discount=0.9)).values.round(9)
    array([ 10., -10.])
    """
    method = "modified_policy_iteration"
    run = open_iteration(game, method=method, tolerance=tolerance, max_sweeps=max_sweeps, typical_sweeps=30.0)
    automatic = evaluation_sweeps is None
    exactly = automatic and (run.horizon >= _EXACT_FROM or len(run.stages.order) <= _FEW_STATES)
    by_discounts = automatic and run.horizon >= _EXACT_FROM
    if evaluation_sweeps is None:
        evaluation_sweeps = min(max(_FEWEST_EVALUATIONS, round(run.horizon)), _MOST_EVALUATIONS)
    require_whole(evaluation_sweeps, "evaluation_sweeps", least=0)
    allowed, best, saved, stale, before = float(evaluation_sweeps), np.inf, run.values, 0, np.inf
    with progress("modified policy iteration") as report:
        while True:
            run.sweep()
            report(run.sweeps, f"residual {run.residual:.1e}")
            if run.settled or run.exhausted:
                return finished(run, method=method)
            if run.residual < best:
                best, saved, stale = run.residual, run.values.copy(), 0
                allowed = min(max(allowed, 1.0) * 1.1, float(evaluation_sweeps))
            else:
                stale += 1
            # Where the residual falls so fast the policies have all but settled, and Newton's method ends it.
            swift = automatic and run.horizon >= _NEWTON_FROM and run.residual <= _SWIFT * before
            before = run.residual
            if stale > (_PATIENCE_EXACTLY if exactly else _PATIENCE):
                run.values[:], stale = saved, 0
                if exactly and by_discounts:
                    by_discounts = False
                    if along_discounts(run, report) or hopeless(run):
                        return finished(run, method=method)
                    best, saved = np.inf, run.values
                allowed, exactly = (allowed if exactly else allowed // 2), False
            if exactly or swift:
                exact_values(run.stages, run.values)
            else:
                # Fewer while the residual is up: a cycle of equal steps would go on for ever.
                evaluate(run.stages, run.values, int(allowed / (1 + stale)), run.expected)


def hopeless(run: Iteration) -> bool:
    """Whether even the sweeps that are left, each of which lowers the residual by the discount, cannot settle it."""
    largest = max(float(np.abs(run.values).max()), run.spread)
    needed = max(0.25 * run.tolerance * largest / run.horizon, 8.0 * np.finfo(np.float64).eps * largest)
    return run.horizon * log(max(1.0, run.residual / needed)) > run.max_sweeps - run.sweeps


def game_discount(game: object) -> float:
    """Return the discount of what may not be a game yet."""
    return game.discount if isinstance(game, StochasticGame) else 0.0
