"""Minimax-Q: Q-learning for two players with opposite interests (Littman 1994).

The learner keeps a value of every pair of her own action a and the other's action o, and in every state the mixture
that is best against the worst::

    Q(s, a, o) <- (1 - alpha) Q(s, a, o) + alpha [ r + discount V(s') ]
    V(s)        = max over mixtures x   min over o   sum_a x(a) Q(s, a, o)

With every pair tried for ever in every state and the rates of stochastic approximation, Q converges to Shapley's values
whatever the other plays (Littman and Szepesvari 1996). The policy is safe and not clever: it plays for the value of the
game also against those who could be beaten by more.

References
----------
Littman, M. L. (1994). Markov games as a framework for multi-agent reinforcement learning. ICML 11, 157-163.
Littman, M. L. and Szepesvari, C. (1996). A generalized reinforcement-learning model: convergence and applications.
ICML 13, 310-318.
"""

from __future__ import annotations

from typing import Any

from marlgt.errors import UnsupportedGame
from marlgt.learners.joint.friends_and_foes import FriendOrFoeQ
from marlgt.learners.schedules import Schedule, geometric
from marlgt.learners.settings import Setting, checked_player, setting_of

__all__ = ["MinimaxQ"]

LITTMAN_RATE = geometric(1.0, 10 ** (-2 / 1e6))
"""From 1 to 0.01 in a million steps."""


class MinimaxQ(FriendOrFoeQ):
    """Minimax-Q-learning of one player of a two-player zero-sum game.

    Parameters
    ----------
    game : NormalFormGame, StochasticGame or observed environment
    player : int or str
    learning_rate : float or Schedule
        Alpha, from 0 to 1; by default that of the paper, which falls from 1 to 0.01 in a million observations.
    exploration : float or Schedule
        The probability of a random action; in the paper 0.2.
    initial : float
        The first value of every pair of actions; in the paper 1, above what can be earned in soccer.

    Raises
    ------
    GameError
        For rates out of range or an exploration that is never above 0.
    UnsupportedGame
        If the game has not two players, is known not to be zero-sum, or has stage games of more than 4096 pairs.

    Examples
    --------
    >>> import marlgt as gt
    >>> game = gt.NormalFormGame.zero_sum([[3, -1], [-2, 1]])
    >>> pair = [MinimaxQ(game, player=i) for i in range(2)]
    >>> run = gt.learners.play(game, pair, steps=200, seed=0)
    >>> pair[0].policy().round(6).tolist(), float(pair[0].state_values[0].round(6))
    ([0.428571, 0.571429], 0.142857)
    """

    def __init__(
        self,
        game: Any,
        player: int | str = 0,
        *,
        learning_rate: float | Schedule = LITTMAN_RATE,
        exploration: float | Schedule = 0.2,
        initial: float = 1.0,
    ) -> None:
        setting = setting_of(game)
        who = checked_player(setting, player)
        require_opposed(setting)
        settings = {"learning_rate": learning_rate, "exploration": exploration, "initial": initial}
        self._prepare(setting, who, (who,), settings)


def require_opposed(setting: Setting) -> None:
    """Raise unless there are two players, whose rewards, where they are known, sum to a constant."""
    if setting.n_players != 2:
        raise UnsupportedGame(
            f"MinimaxQ plays against one opponent, this game has {setting.n_players} players: use FriendOrFoeQ, which "
            "takes the others for one coalition of foes"
        )
    if setting.game is not None and not setting.game.is_zero_sum:
        raise UnsupportedGame(
            "MinimaxQ takes the opponent's reward for the negative of its own, and the rewards of this game do not sum "
            "to zero: use FriendOrFoeQ for its security level, or NashQ or CorrelatedQ"
        )
