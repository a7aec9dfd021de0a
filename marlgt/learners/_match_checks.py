"""What a match refuses: learners, games and settings that do not fit one another."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from marlgt.errors import BudgetExceeded, GameError, UnsupportedGame
from marlgt.games._arrays import short
from marlgt.games._doors import require_whole
from marlgt.learners.layout import EVERYBODY
from marlgt.learners.settings import Setting
from marlgt.learners.tables import MOST_NUMBERS, Learner, TableLearner

__all__ = [
    "MOST_SEEDS",
    "check_ends",
    "check_horizon",
    "check_learners",
    "check_records",
    "check_room",
    "checked_moves",
    "checked_views",
]

MOST_SEEDS = 10**6
"""Seeds of a match."""

_LONGEST_EPISODE = 10**15

_OVERHEAD = 100
"""What the copy of a learner takes in memory beside what it remembers, in numbers."""


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


def check_room(learners: Sequence[Any], seeds: int) -> None:
    """Refuse more copies of learners than memory holds."""
    own = {id(x): len(x.memory) if isinstance(x, TableLearner) else 0 for x in learners}
    numbers = float(seeds * (sum(own.values()) + _OVERHEAD * len(own)))
    if numbers > MOST_NUMBERS and seeds > 1:
        raise BudgetExceeded(
            f"{seeds:,} seeds with copies of the learners need memory for {numbers:.1e} numbers, above the limit of "
            f"{MOST_NUMBERS:.1e}: play {max(1, int(MOST_NUMBERS * seeds / numbers)):,} seeds at a time",
            estimate=numbers,
            limit=float(MOST_NUMBERS),
        )


def check_records(setting: Setting, seeds: int, times: int) -> None:
    """Refuse more records than memory holds."""
    numbers = float(seeds * times * (4 * setting.n_players + 2))
    if numbers > MOST_NUMBERS:
        raise BudgetExceeded(
            f"{seeds:,} seeds recorded at {times:,} times make {numbers:.1e} numbers, above the limit of "
            f"{MOST_NUMBERS:.1e}: give a smaller record, or fewer seeds",
            estimate=numbers,
            limit=float(MOST_NUMBERS),
        )


def check_horizon(horizon: Any) -> None:
    """Refuse what is no number of steps."""
    if horizon is None:
        return
    require_whole(horizon, "horizon", least=1)
    if horizon > _LONGEST_EPISODE:
        raise GameError(
            f"horizon is {short(horizon)}: give at most {_LONGEST_EPISODE:.0e} steps, or None for episodes that end "
            "by themselves"
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
    table = _as_table(views)
    shape = (setting.n_players, setting.n_states)
    if table.shape != shape or table.dtype.kind not in "iu" or table.min() < 0 or table.max() >= setting.n_states:
        raise GameError(f"views must be numbers of states, of shape {shape}, got {short(views)}")
    return table.astype(np.int64)


def checked_moves(setting: Setting, moves: ArrayLike | None) -> NDArray[np.int64] | None:
    """Return the action that each player's own numbering means, as an array."""
    if moves is None:
        return None
    table = _as_table(moves)
    shape = (setting.n_players, max(setting.n_actions))
    fits = table.shape == shape and table.dtype.kind in "iu"
    if not fits or any(sorted(row[:k]) != list(range(k)) for row, k in zip(table.tolist(), setting.n_actions)):
        raise GameError(f"moves must hold each player's actions in some order, shape {shape}; got {short(moves)}")
    return table.astype(np.int64)


def _as_table(rows: ArrayLike) -> NDArray[Any]:
    """Return rows as an array, an empty one where they do not make one."""
    try:
        return np.ascontiguousarray(rows)
    except (TypeError, ValueError, MemoryError):
        return np.zeros(0)
