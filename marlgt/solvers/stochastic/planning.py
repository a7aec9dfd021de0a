"""Planning in stochastic games in which all players always get the same reward.

Such a game is one Markov decision process whose actions are the profiles of actions, and a best policy of it is pure,
so that each player can play her part of it by herself (Boutilier 1996). No other profile is worth more to anyone from
any state, which is more than that nobody gains by deviating alone: a stationary equilibrium need not be the best one.

References
----------
Boutilier, C. (1996). Planning, learning and coordination in multiagent decision processes. Proceedings of the 6th
Conference on Theoretical Aspects of Rationality and Knowledge, 195-210.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from marlgt.certificates import TOLERANCE
from marlgt.concepts._decision_processes import action_worths, best_values
from marlgt.concepts.stationary import joint_process, longest_play, value_units
from marlgt.equilibria import Equilibrium
from marlgt.errors import NotConverged, UnsupportedGame
from marlgt.games._doors import nonnegative, require_stochastic_game
from marlgt.games.stochastic import StochasticGame
from marlgt.policy_certificates import certified_policies
from marlgt.progress import stopwatch

__all__ = ["plan_common_interest"]

_FIRST_BACKUPS = 30
_TIE = 1e-12


def plan_common_interest(game: StochasticGame, *, tolerance: float = TOLERANCE) -> Equilibrium:
    """Return the best pure policies of a stochastic game in which all players always get the same reward.

    Where several profiles of actions are best in a state, to within 1e-12 of their size, all players take part in the
    first of them, the last player's action counted fastest: a convention that they can all follow.

    Parameters
    ----------
    game : StochasticGame
        Any number of players with equal rewards; a discount below 1, or a game that surely ends.
    tolerance : float
        Largest distance to the best values to accept, as a share of what is at stake,
        ``concepts.stationary.value_units``.

    Returns
    -------
    Equilibrium
        ``regrets`` certify that nobody gains by deviating alone, and ``error_bound`` that no profile of policies is
        worth more by more than that, from any state.

    Raises
    ------
    UnsupportedGame
        If the players' rewards differ, or the game is not discounted and need not end.
    NotConverged
        If rounding stands between the policies found and the tolerance; it carries them.

    References
    ----------
    Boutilier (1996), Planning, learning and coordination in multiagent decision processes.

    Examples
    --------
    >>> import marlgt as gt
    >>> climbing = gt.NormalFormGame.common_interest([[11, -30, 0], [-30, 7, 6], [0, 0, 5]])
    >>> answer = plan_common_interest(gt.games.StochasticGame.repeated(climbing, discount=0.9))
    >>> answer.values.round(9), answer.profile[0].tolist()
    (array([110., 110.]), [[1.0, 0.0, 0.0]])
    """
    watch = stopwatch()
    require_stochastic_game(game)
    tolerance = nonnegative(tolerance, "tolerance")
    if not game.is_common_interest:
        way = "modified_policy_iteration(game) solves" if game.is_zero_sum else "marlgt.solve(game) picks a method for"
        raise UnsupportedGame(
            "plan_common_interest plans games in which all players always get the same reward, and here they do not: "
            f"{way} this one"
        )
    horizon = longest_play(game)
    process = joint_process(game, game.rewards[0])
    values = np.zeros(game.n_states)
    for _ in range(_FIRST_BACKUPS):
        # A few steps ahead are seen at little cost before the first policy is evaluated.
        values = action_worths(process, values).max(axis=1)
    values, _, evaluations = best_values(process, values)
    worths = action_worths(process, values)
    best = worths.max(axis=1, keepdims=True)
    size = np.abs(best) + float(game.reward_range[0])
    choice = np.unravel_index((worths >= best - _TIE * size).argmax(axis=1), game.n_actions)
    policies = tuple(np.eye(count)[actions] for count, actions in zip(game.n_actions, choice))
    answer = certified_policies(
        game, policies, method="plan_common_interest", work={"evaluations": evaluations}, complete=False
    )
    worth = np.asarray(answer.state_values)
    # What one better step would gain, gained again at every step of a play.
    ahead = float((action_worths(process, worth[0]).max(axis=1) - worth[0]).max())
    answer = replace(answer, error_bound=max(ahead, 0.0) * horizon, seconds=watch())
    stakes = float(value_units(game, worth)[0])
    if not max(answer.error_bound or 0.0, answer.epsilon) <= max(tolerance, 1e-12) * stakes:
        raise NotConverged(
            f"plan_common_interest proves its policies best only to within {answer.error_bound:.1e}, at stakes of "
            f"{stakes:.3g}: give a larger tolerance than {tolerance:.1e}",
            best=answer,
        )
    return answer
