"""Recipes of catalogue games, by patterns of their names; the first that fits counts.

One-shot team games and the two-step game: actions are random throughout (epsilon 1), so that what is learnt does not
depend on what is found first, and fixed points are those of uniform data. The rate falls to a thirtieth, which brings
values to rest. QTRAN has a table for Q_jt: so all of 20 seeds of both variants are optimal after 800 updates, where the
network of the paper, at a steady rate of 1e-3, needed 1,000 to 2,000 (climbing), or left 3 of 20 short after 2,000
(QTRAN-base, penalty -100). The values of the two-step game's first state come from its second, and take twice as long.

Policies learn from what they play themselves, and climb to what is good beside the others' first, nearly random,
actions. What they climb to depends on the bonus for entropy (``benchmarks/results/deep_policies_matrix.md``): with the
usual small one to the safe equilibrium of penalty games; with one as large as payoffs, that falls over the run, to the
best one. In climbing it stays 7 with all that was tried.
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

_POLICIES: Mapping[str, Any] = {"lr": 3e-3, "lr_end": 3e-4, "hidden": (32,), "n_envs": 16, "rollout_steps": 8}
_MIXING: Mapping[str, Any] = {"entropy_weight": 4.0, "entropy_weight_end": 0.05}
_BY_ALGORITHM: Mapping[str, Mapping[str, Any]] = {
    "QTRAN": {"joint": "table"},
    # The bonus for entropy is counted in payoffs, so that advantages must be, too.
    **{
        name: {"epochs": 4, "minibatches": 1, "normalise_advantages": False, **_MIXING}
        for name in ("PPO", "IPPO", "MAPPO")
    },
    **dict.fromkeys(("A2C", "IA2C", "MAA2C"), _MIXING),
    **{name: {"entropy_weight": 1.5, "entropy_weight_end": 0.1} for name in ("CentralCritic", "COMA")},
}

RECIPES: dict[str, Recipe] = {
    r"(climbing|penalty)(_game)?(:.*)?|qtran_matrix(:.*)?": Recipe(
        steps=6_400,
        settings=_UNIFORM,
        policy_steps=81_920,
        policy_settings=_POLICIES,
        by_algorithm=_BY_ALGORITHM,
        episodes=1,
    ),
    r"two_step(_game)?(:.*)?": Recipe(
        steps=12_800,
        settings={**_UNIFORM, "buffer_size": 12_800, "target_period": 50},
        policy_steps=40_960,
        policy_settings=_POLICIES,
        by_algorithm=_BY_ALGORITHM,
        episodes=1,
    ),
}
