"""What a match refuses: learners, games and settings that do not fit one another."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from marlgt.errors import GameError, UnsupportedGame
from marlgt.games._arrays import short
from marlgt.learners._layout import EVERYBODY
from marlgt.learners.settings import Setting
from marlgt.learners.tables import Learner, TableLearner

__all__ = [
    "check_ends",
    "check_learners",
    "checked_moves",
    "checked_views",
]


def check_learners(setting: Setting, learners: Sequence[Any]) -> None:
    """Refuse learners that do not fit a game or one another."""
    central = [x for x in learners if isinstance(x, TableLearner) and x.player == EVERYBODY]
    if central:
        if len(learners) > 1:
            raise GameError("a learner that controls everybody plays alone: give a list of that one learner")
        if setting.numbering is not None and not setting.numbering.joint:
            raise GameError(
                "a learner that controls everybody must see what everybody sees: make the environment with "
                'observed(..., shared="joint")'
            )
    elif len(learners) != setting.n_players:
        raise GameError(f"there are {len(learners)} learners: give one for each of {setting.n_players} players")
    for i, learner in enumerate(learners):
        if not isinstance(learner, Learner):
            raise GameError(f"learners[{i}] is {short(learner)}: give an object with act, observe and policy")
        if not isinstance(learner, TableLearner):
            continue
        if learner.player not in (i, EVERYBODY) and learners.count(learner) == 1:
            raise GameError(
                f"learners[{i}] is a learner of player {learner.player}: give the learners in player order, or make "
                f"this one with player={i}"
            )
        if learner.setting.numbering is not setting.numbering:
            raise GameError(
                f"learners[{i}] was made for another numbering of observations: make it with the same observed(...) "
                "object that is played"
            )
        if learner.setting.signature() != setting.signature():
            raise GameError(
                f"learners[{i}] was made for a game with {learner.setting.signature()}, this one has "
                f"{setting.signature()}: make it for the game that it plays"
            )


def check_ends(setting: Setting, horizon: int | None) -> None:
    """Refuse a game that begins at its end, or need not end where values may be infinite."""
    game = setting.game
    if game is None:
        return
    if game.start[game.terminal].any():
        raise UnsupportedGame("the game may begin in a terminal state: give it a start from which it can be played")
    if game.discount == 1.0 and horizon is None and not game.surely_ends:
        raise UnsupportedGame(
            "the discount is 1 and the game may go on for ever, so that values may be infinite: give a horizon, or "
            "game.with_discount(0.99)"
        )


def checked_views(setting: Setting, views: ArrayLike | None) -> NDArray[np.int64] | None:
    """Return what each player sees in place of each state, as an array."""
    if views is None:
        return None
    table = np.ascontiguousarray(views)
    shape = (setting.n_players, setting.n_states)
    if table.shape != shape or table.dtype.kind not in "iu" or table.min() < 0 or table.max() >= setting.n_states:
        raise GameError(f"views must be numbers of states, of shape {shape}, got {short(views)}")
    return table.astype(np.int64)


def checked_moves(setting: Setting, moves: ArrayLike | None) -> NDArray[np.int64] | None:
    """Return the action that each player's own numbering means, as an array."""
    if moves is None:
        return None
    table = np.ascontiguousarray(moves)
    shape = (setting.n_players, max(setting.n_actions))
    fits = table.shape == shape and table.dtype.kind in "iu"
    if not fits or any(sorted(row[:k]) != list(range(k)) for row, k in zip(table.tolist(), setting.n_actions)):
        raise GameError(f"moves must hold each player's actions in some order, shape {shape}; got {short(moves)}")
    return table.astype(np.int64)
