"""Recipes of drone tasks, by patterns of their names; the first that fits counts."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from marlgt.deep.recipes.naming import Recipe

__all__ = ["RECIPES"]

_FLYING: Mapping[str, Any] = {
    "hidden": (128, 128),
    "discount": 0.98,
    "reward_scale": 0.2,
    "n_steps": 5,
    "n_envs": 64,
    "update_every": 64,
    "batch_size": 128,
    "buffer_size": 200_000,
    "learning_starts": 10_000,
    "lr": 5e-4,
    "lr_end": 5e-5,
    "adam_epsilon": 1e-5,
    "clip": 10.0,
    "huber": 1.0,
    "target_rate": 0.01,
    "averaged_policy": True,
    "epsilon_steps": 100_000,
}

_MOTORS: Mapping[str, Any] = {**_FLYING, "discount": 0.97, "reward_scale": 0.3, "agent_ids": False}

_QTRAN: Mapping[str, Any] = {"QTRAN": {"huber": None}}

RECIPES: dict[str, Recipe] = {
    "takeoff-(2level|onoff)": Recipe(
        steps=1_000_000, settings=_MOTORS, by_algorithm=_QTRAN, success_threshold=0.98, episodes=128
    ),
    "multihover": Recipe(steps=800_000, settings=_FLYING, by_algorithm=_QTRAN, success_threshold=0.98, episodes=128),
    "formation|coverage|leaderfollow|gate|crossing|payload": Recipe(
        steps=1_000_000, settings=_FLYING, by_algorithm=_QTRAN, success_threshold=0.98, episodes=128
    ),
}
