"""Recipes of catalogue games, by patterns of their names; the first that fits counts.

One-shot team games and the two-step game: actions are random throughout (epsilon 1), so that what is learnt does not
depend on what is found first, and fixed points are those of uniform data. The rate falls to a thirtieth, which brings
values to rest. QTRAN has a table for Q_jt: so all of 20 seeds of both variants are optimal after 800 updates, where the
network of the paper, at a steady rate of 1e-3, needed 1,000 to 2,000 (climbing), or left 3 of 20 short after 2,000
(QTRAN-base, penalty -100). The values of the two-step game's first state come from its second, and take twice as long.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from marlgt.deep.recipes.naming import Recipe

__all__ = ["RECIPES"]

_UNIFORM: Mapping[str, Any] = {
    "lr": 3e-3,
    "lr_end": 1e-4,
    "hidden": (32,),
    "n_envs": 16,
    "batch_size": 32,
    "update_every": 8,
    "buffer_size": 6_400,
    "learning_starts": 64,
    "target_period": 100,
    "epsilon_start": 1.0,
    "epsilon_end": 1.0,
}

RECIPES: dict[str, Recipe] = {
    r"(climbing|penalty)(_game)?(:.*)?|qtran_matrix(:.*)?": Recipe(
        steps=6_400, settings=_UNIFORM, by_algorithm={"QTRAN": {"joint": "table"}}, episodes=1
    ),
    r"two_step(_game)?(:.*)?": Recipe(
        steps=12_800,
        settings={**_UNIFORM, "buffer_size": 12_800, "target_period": 50},
        by_algorithm={"QTRAN": {"joint": "table"}},
        episodes=1,
    ),
}
