"""What a learner has to know of a game before it plays: who plays, how many states and actions, what is legal.

A learner never reads rewards or transitions from the game: those it learns from what it observes. A normal-form game is
played again and again in one state, and what follows a round is worth nothing (discount 0) unless it is repeated by
:meth:`marlgt.games.stochastic.StochasticGame.repeated` with a discount of its own.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import isfinite
from typing import Any

import numpy as np
from numpy.typing import NDArray

from marlgt.errors import GameError
from marlgt.games._arrays import short
from marlgt.games._doors import require_whole
from marlgt.games.normal_form import NormalFormGame
from marlgt.games.stochastic import StochasticGame

__all__ = ["Setting", "checked_player", "is_finite_number", "setting_of"]


@dataclass(frozen=True, eq=False)
class Setting:
    """What a learner knows of a game.

    Attributes
    ----------
    players : tuple of str
    n_states : int
        States, or different observations of a player.
    n_actions : tuple of int
    discount : float
    legal : tuple of n ndarrays of bool, shapes (S, A_i)
    title : str
    game : StochasticGame or None
        The game itself where there is one: learners read its structure (zero-sum or not), never its numbers.
    one_shot : bool
        Whether policies are given without the axis of states, as normal-form games take them.
    numbering : Numbering or None
        What numbers the observations of an environment; what is legal becomes known to it while it is played.
    """

    players: tuple[str, ...]
    n_states: int
    n_actions: tuple[int, ...]
    discount: float
    legal: tuple[NDArray[np.bool_], ...]
    title: str
    game: StochasticGame | None = None
    one_shot: bool = False
    numbering: Any = None

    @property
    def n_players(self) -> int:
        """The number of players."""
        return len(self.n_actions)

    @property
    def n_profiles(self) -> int:
        """The number of profiles of actions in a state."""
        return int(np.prod(self.n_actions))

    def strides(self) -> NDArray[np.int64]:
        """Return the numbers by which a profile of actions has the number ``sum_i a_i strides[i]``, shape (n,)."""
        return np.append(np.cumprod(self.n_actions[:0:-1])[::-1], 1).astype(np.int64)

    def all_legal(self) -> bool:
        """Tell whether every action is legal everywhere."""
        return self.numbering is None and all(bool(own.all()) for own in self.legal)

    def flat_legal(self) -> tuple[NDArray[np.bool_], NDArray[np.int64]]:
        """Return what is legal as kernels read it, and where each player's part begins.

        Player i may play action a in state s if ``flat[begins[i] + s A_i + a]``.
        """
        sizes = [own.size for own in self.legal]
        begins = np.concatenate([[0], np.cumsum(sizes)[:-1]]).astype(np.int64)
        if self.numbering is not None:
            # The very array in which the environment marks what is illegal when it is met.
            return self.numbering.flat_legal, begins
        return np.concatenate([own.reshape(-1) for own in self.legal]), begins

    def signature(self) -> dict[str, Any]:
        """Return the facts that a saved learner must share with the game that it is loaded for."""
        return {"n_states": self.n_states, "n_actions": list(self.n_actions), "discount": self.discount}


def setting_of(game: Any) -> Setting:
    """Return what learners know of a game.

    Parameters
    ----------
    game : NormalFormGame, StochasticGame, or an object with a ``setting``
        Such as what :func:`marlgt.learners.observed` makes of a PettingZoo environment.

    Raises
    ------
    GameError
        For anything else.
    """
    if isinstance(game, Setting):
        return game
    one_shot = isinstance(game, NormalFormGame)
    if isinstance(game, NormalFormGame):
        game = StochasticGame.repeated(game, discount=0.0)
    if isinstance(game, StochasticGame):
        # Nobody acts in terminal states; to call all actions legal there keeps legality simple elsewhere.
        legal = tuple(own | game.terminal[:, None] for own in game.legal)
        counts = (game.players, game.n_states, game.n_actions, game.discount)
        return Setting(*counts, legal, game.title, game, one_shot)
    setting = getattr(game, "setting", None)
    if not isinstance(setting, Setting):
        raise GameError(
            f"game is {short(game)}: learners play a NormalFormGame, a StochasticGame, or what "
            "marlgt.learners.observed(environment, ...) makes of a PettingZoo environment"
        )
    return setting


def is_finite_number(value: Any) -> bool:
    """Tell whether a value is one finite number, and not true or false."""
    if isinstance(value, bool) or not isinstance(value, (int, float, np.integer, np.floating)):
        return False
    try:
        return isfinite(value)
    except OverflowError:
        return False


def checked_player(setting: Setting, player: Any) -> int:
    """Return the number of a player, given as a number or a name.

    Raises
    ------
    GameError
        If there is no such player.
    """
    if isinstance(player, str) and player in setting.players:
        return setting.players.index(player)
    if isinstance(player, str):
        raise GameError(f"player is {player!r}: the players are {', '.join(setting.players)}")
    require_whole(player, "player", least=0)
    if player >= setting.n_players:
        raise GameError(f"player is {player}: the game has players 0 to {setting.n_players - 1}")
    return int(player)
