"""Zero-sum stochastic games by iterating over policies whose values are computed exactly.

Hoffman and Karp (1966) fix the first player's policy, optimal in the stage games of the present values, and take for
new values what the second player's best reply leaves her: a Markov decision process, solved exactly. The values rise
from step to step to those of the game. Pollatschek and Avi-Itzhak (1969) fix both policies and solve one system of
linear equations: Newton's method for ``T V = V``, Shapley's equation, quadratic near its solution but without a
guarantee far from it. It may go round in circles, so here a step is taken only if it lowers the residual, and Shapley's
step, which always converges, is taken otherwise.

References
----------
Hoffman, A. J. and Karp, R. M. (1966). On nonterminating stochastic games. Management Science 12, 359-370.
Pollatschek, M. A. and Avi-Itzhak, B. (1969). Algorithms for stochastic games with geometrical interpretation.
Management Science 15, 399-415.
"""

from __future__ import annotations

import numpy as np

from marlgt.certificates import TOLERANCE
from marlgt.concepts._decision_processes import best_values
from marlgt.concepts.stationary import decision_process
from marlgt.equilibria import Equilibrium
from marlgt.games.stochastic import StochasticGame
from marlgt.progress import progress
from marlgt.solvers.stochastic._iterations import finished, open_iteration
from marlgt.solvers.stochastic._stages import exact_values, policies_of

__all__ = ["hoffman_karp", "pollatschek_avi_itzhak"]


def hoffman_karp(game: StochasticGame, *, tolerance: float = TOLERANCE, max_sweeps: int = 10_000) -> Equilibrium:
    """Return optimal stationary policies of a two-player zero-sum stochastic game, by policy iteration for one player.

    Its number of steps hardly depends on the discount. Each costs a decision process, so that for moderate discounts
    :func:`~marlgt.solvers.modified_policy_iteration` is faster.

    Parameters
    ----------
    game : StochasticGame
        Two players whose rewards sum to zero; a discount below 1, or a game that surely ends.
    tolerance : float
        Largest regret to accept, as a share of what is at stake, ``concepts.stationary.value_units``.
    max_sweeps : int
        Most steps, each with one sweep that solves all stage games.

    Returns
    -------
    Equilibrium
        As of :func:`~marlgt.solvers.shapley_value_iteration`.

    Raises
    ------
    UnsupportedGame
        If the game is not of two players and zero-sum, or is not discounted and need not end.
    NotConverged
        If the steps ran out; it carries the policies reached.

    References
    ----------
    Hoffman and Karp (1966), On nonterminating stochastic games.

    Examples
    --------
    >>> import marlgt as gt
    >>> pennies = gt.NormalFormGame.zero_sum([[2, 0], [0, 2]])
    >>> answer = hoffman_karp(gt.games.StochasticGame.repeated(pennies, discount=0.9))
    >>> answer.values.round(9), answer.work["sweeps"]
    (array([ 10., -10.]), 2)
    """
    method = "hoffman_karp"
    run = open_iteration(game, method=method, tolerance=tolerance, max_sweeps=max_sweeps, typical_sweeps=30.0)
    after = np.zeros(game.n_states)
    with progress("policy iteration") as report:
        while True:
            run.sweep(after)
            report(run.sweeps, f"residual {run.residual:.1e}")
            if run.settled or run.exhausted:
                run.values = after
                return finished(run, method=method)
            process = decision_process(game, policies_of(game, run.stages), 1)
            run.values = -best_values(process, -after)[0]


def pollatschek_avi_itzhak(
    game: StochasticGame, *, tolerance: float = TOLERANCE, max_sweeps: int = 10_000
) -> Equilibrium:
    """Return optimal stationary policies of a two-player zero-sum stochastic game, by Newton's method with a guard.

    Parameters
    ----------
    game : StochasticGame
        Two players whose rewards sum to zero; a discount below 1, or a game that surely ends.
    tolerance : float
        Largest regret to accept, as a share of what is at stake, ``concepts.stationary.value_units``.
    max_sweeps : int
        Most sweeps that solve all stage games: one a step, and one more for each step refused.

    Returns
    -------
    Equilibrium
        As of :func:`~marlgt.solvers.shapley_value_iteration`; ``work["refused"]`` counts the steps of Newton that did
        not lower the residual.

    Raises
    ------
    UnsupportedGame
        If the game is not of two players and zero-sum, or is not discounted and need not end.
    NotConverged
        If the sweeps ran out; it carries the policies reached.

    References
    ----------
    Pollatschek and Avi-Itzhak (1969), Algorithms for stochastic games with geometrical interpretation.

    Examples
    --------
    >>> import marlgt as gt
    >>> pennies = gt.NormalFormGame.zero_sum([[2, 0], [0, 2]])
    >>> pollatschek_avi_itzhak(gt.games.StochasticGame.repeated(pennies, discount=0.9)).values.round(9)
    array([ 10., -10.])
    """
    method = "pollatschek_avi_itzhak"
    run = open_iteration(game, method=method, tolerance=tolerance, max_sweeps=max_sweeps, typical_sweeps=30.0)
    after = np.zeros(game.n_states)
    refused = 0
    with progress("Newton's method") as report:
        run.sweep(after)
        while True:
            report(run.sweeps, f"residual {run.residual:.1e}")
            if run.settled or run.exhausted:
                run.values = after
                return finished(run, method=method, work={"refused": refused})
            # One step of Shapley stands by while Newton's is tried.
            before, shapley, after = run.residual, after, np.zeros(game.n_states)
            run.values = shapley.copy()
            exact_values(run.stages, run.values)
            run.sweep(after)
            if run.residual >= before and not run.exhausted:
                refused += 1
                run.values = shapley
                run.sweep(after)
