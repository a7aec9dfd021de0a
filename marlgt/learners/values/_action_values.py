"""What learners share that hold one value for each action of each state, and act greedily on it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from marlgt.learners.exploration import as_exploration
from marlgt.learners.settings import checked_player, setting_of
from marlgt.learners.tables import Floats, TableLearner

__all__ = ["ValueLearner"]


class ValueLearner(TableLearner):
    """What learners with one table of action values share."""

    def __init__(
        self,
        game: Any,
        player: Any,
        tables: Mapping[str, tuple[int, ...]],
        initial: float,
        settings: Mapping[str, Any],
        extra: Sequence[float] = (),
    ) -> None:
        setting = setting_of(game)
        who = checked_player(setting, player)
        shape = (setting.n_states, setting.n_actions[who])
        # A table of the shape (0, 0) has an entry for each action of each state.
        sized = {name: shape if size == (0, 0) else size for name, size in tables.items()}
        super().__init__(
            setting,
            who,
            tables={"values": shape, "visits": shape, **sized},
            settings={**settings, "initial": initial},
            learning_rate=settings["learning_rate"],
            exploration=as_exploration(settings["exploration"]),
            extra=extra,
        )
        self.table("values")[:] = initial

    def policy(self) -> Floats:
        """Return the greedy policy, ties shared, shape (S, A_player), or (A_player,) in a normal-form game."""
        return self._greedy(self.table("values"), self.player)

    @property
    def values(self) -> Floats:
        """The learned values, shape (S, A_player)."""
        return np.asarray(self.table("values"))
