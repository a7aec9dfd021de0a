"""Friend-or-foe Q-learning: count on the friends, brace against the foes (Littman 2001).

A player learns her own values of what all players do together, and moves them towards her reward and the value of what
follows, in which she and her friends F choose together and the others choose against them::

    Q(s, a) <- (1 - alpha) Q(s, a) + alpha [ r + discount V(s') ]
    V(s)     = max over mixtures x of A_F   min over a_foes   sum_aF x(a_F) Q(s, a_F, a_foes)

The operator is a contraction, so that Q converges if all is tried for ever and the rates are those of stochastic
approximation. With friends alone the limit is an equilibrium where the players' best outcomes coincide and are reached
in one way, with foes alone where there is an adversarial equilibrium, as in zero-sum games.

References
----------
Littman, M. L. (2001). Friend-or-foe Q-learning in general-sum games. ICML 18, 322-328.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from marlgt.errors import GameError, UnsupportedGame
from marlgt.games._arrays import short
from marlgt.learners.exploration import Exploration, as_exploration
from marlgt.learners.joint._coalition_stages import Coalitions, act, observe
from marlgt.learners.schedules import Schedule
from marlgt.learners.settings import Setting, checked_player, is_finite_number, setting_of
from marlgt.learners.tables import Floats, TableLearner

__all__ = ["FriendOrFoeQ"]

LARGEST_STAGE = 4096
"""Most joint actions of a stage game that is solved by linear programming."""


class FriendOrFoeQ(TableLearner):
    """Friend-or-foe Q-learning of one player.

    Parameters
    ----------
    game : NormalFormGame, StochasticGame or observed environment
        Of any number of players; the rewards of the others are not read.
    player : int or str
    friends : sequence of int or str, or "all"
        The other players that she counts on; all who are not named are foes. By default there are none: foe-Q.
    learning_rate : float or Schedule
        Alpha, from 0 to 1.
    exploration : float or Schedule
        The probability of a random action, at t observations; else she plays her own part of the coalition's mixture.
    initial : float
        The first value of every joint action.

    Raises
    ------
    GameError
        For rates out of range, an exploration that is never above 0, or friends who are none.
    UnsupportedGame
        If there are foes and a stage game has more than 4096 joint actions.

    Examples
    --------
    >>> import marlgt as gt
    >>> game = gt.NormalFormGame.common_interest([[1, 0], [0, 2]])
    >>> pair = [FriendOrFoeQ(game, player=i, friends="all") for i in range(2)]
    >>> run = gt.learners.play(game, pair, steps=2000, seed=0)
    >>> [learner.policy().tolist() for learner in pair]
    [[0.0, 1.0], [0.0, 1.0]]
    """

    act_kernel = staticmethod(act)
    observe_kernel = staticmethod(observe)

    def __init__(
        self,
        game: Any,
        player: int | str = 0,
        *,
        friends: Sequence[int | str] | str = (),
        learning_rate: float | Schedule = 0.1,
        exploration: float | Schedule = 0.2,
        initial: float = 0.0,
    ) -> None:
        setting = setting_of(game)
        who = checked_player(setting, player)
        own = checked_friends(setting, who, friends)
        given = friends if isinstance(friends, str) else [j for j in own if j != who]
        self._prepare(
            setting,
            who,
            own,
            {
                "friends": given,
                "learning_rate": learning_rate,
                "exploration": exploration,
                "initial": initial,
            },
        )

    def _prepare(self, setting: Setting, player: int, own: Sequence[int], settings: dict[str, Any]) -> None:
        sides = self.sides = Coalitions.of(setting, own)
        if sides.columns > 1 and sides.rows * sides.columns > LARGEST_STAGE:
            raise UnsupportedGame(
                f"a stage game has {sides.rows} x {sides.columns} joint actions, more than {LARGEST_STAGE} for a "
                'linear program each step: use friends="all", or an independent learner such as QLearning'
            )
        require_exploration(settings["exploration"])
        require_finite(settings["initial"])
        super().__init__(
            setting,
            player,
            tables=sides.tables(setting.n_states),
            settings=settings,
            learning_rate=settings["learning_rate"],
            exploration=as_exploration(settings["exploration"]),
            extra=sides.extra(setting),
        )
        self.step_work = 100.0 + 20.0 * sides.rows * sides.columns
        self.table("values")[:] = settings["initial"]
        self.table("state_values")[:] = settings["initial"]
        # Where all is worth the same, every mixture is optimal.
        for name, legal in zip(("mixtures", "foe_mixtures"), sides.legal(setting)):
            self.table(name)[:] = legal / legal.sum(axis=1, keepdims=True)

    def policy(self) -> Floats:
        """Return the own part of the coalition's mixtures, shape (S, A_player), one-shot (A_player,)."""
        return self._shaped(self._part(self.table("mixtures"), self.sides.own, self.player))

    def profile(self) -> tuple[Floats, ...]:
        """Return the policies of all players, in player order, as the learner expects them: each one's own part."""
        parts = []
        for j in range(self.setting.n_players):
            own = j in self.sides.own
            mixtures = self.table("mixtures" if own else "foe_mixtures")
            parts.append(self._shaped(self._part(mixtures, self.sides.own if own else self.sides.foes, j)))
        return tuple(parts)

    def _part(self, mixtures: Floats, side: Sequence[int], player: int) -> Floats:
        counts = [self.setting.n_actions[j] for j in side]
        others = tuple(1 + k for k, j in enumerate(side) if j != player)
        return np.asarray(mixtures.reshape(-1, *counts).sum(axis=others))

    @property
    def values(self) -> Floats:
        """The learned values of what all players do together, shape (S, A_1, ..., A_n)."""
        order = (*self.sides.own, *self.sides.foes)
        counts = [self.setting.n_actions[j] for j in order]
        axes = [1 + order.index(j) for j in range(self.setting.n_players)]
        return np.asarray(self.table("values").reshape(-1, *counts).transpose(0, *axes))

    @property
    def state_values(self) -> Floats:
        """The learned values of the states, shape (S,)."""
        return np.asarray(self.table("state_values"))


def require_exploration(exploration: Any) -> None:
    """Raise unless it is a probability of random actions: mixed policies have no other rule of exploration."""
    if isinstance(exploration, Exploration):
        raise GameError(
            f"exploration is {short(exploration)}: a learner that draws from mixtures explores with a probability, "
            "give a number or a schedule such as linear(1, 0.05, steps=10**5)"
        )


def require_finite(initial: Any) -> None:
    """Raise unless the first value is a finite number."""
    if not is_finite_number(initial):
        raise GameError(f"initial is {short(initial)}: give a finite number, the first value of every joint action")


def checked_friends(setting: Setting, player: int, friends: Any) -> tuple[int, ...]:
    """Return a player and her friends, in rising order."""
    if isinstance(friends, str) and friends == "all":
        return tuple(range(setting.n_players))
    if isinstance(friends, str) or not isinstance(friends, Sequence):
        raise GameError(f'friends is {short(friends)}: list players, or give "all"; () for none')
    own = {player}
    for friend in friends:
        j = checked_player(setting, friend)
        if j == player:
            raise GameError(f"friends names player {player} herself: list other players")
        own.add(j)
    return tuple(sorted(own))
