"""Recipes of tasks of one agent, by patterns of their names; the first that fits counts.

What made the difference on CartPole, over six seeds of DQN: with a target that follows every 5 updates and layer
normalisation, all reach 490 of 500 within 22,000 steps; every 25 updates some seeds stay at 150 to 360, where the pole
is held and the cart drifts away. At a discount of 0.99 each copy of the network to its target carries values one step
further, so that a few hundred copies are too few. Layer normalisation is what keeps such a quick target steady.

On Acrobot that was too quick: policies fell back to -500 again and again until the rate was low, and one of five seeds
ended at -104. With half the rate and a target that is an average, which is also the policy, five seeds end between -88
and -77.

Returns of several steps take over what the network that played did later in the window. On CartPole three steps with a
replay of 50,000 left one of five seeds above 475. Over 30,000 steps, a target that follows every 25 updates changed
nothing (one of five), and neither did an end of random actions (none); a replay of 5,000, which holds what late
networks did, brought all five to 490 within 20,000 steps.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from marlgt.deep.recipes.naming import Recipe

__all__ = ["RECIPES"]

_CONTROL: Mapping[str, Any] = {
    "lr": 2e-3,
    "lr_end": 1e-4,
    "normalised": True,
    "n_envs": 16,
    "batch_size": 64,
    "update_every": 4,
    "target_period": 5,
    "learning_starts": 1_000,
    "buffer_size": 50_000,
    "epsilon_end": 0.04,
    "epsilon_steps": 6_000,
    "clip": 10.0,
}

_NOISY: Mapping[str, Any] = {"epsilon_start": 0.0, "epsilon_end": 0.0}
_FROM_0_TO_100: Mapping[str, Any] = {"v_min": 0.0, "v_max": 100.0}
_FROM_MINUS_100_TO_0: Mapping[str, Any] = {"v_min": -100.0, "v_max": 0.0}
_LANDING: Mapping[str, Any] = {"v_min": -300.0, "v_max": 300.0}

RECIPES: dict[str, Recipe] = {
    "CartPole-v1": Recipe(
        steps=50_000,
        settings=_CONTROL,
        by_algorithm={
            "NStepDQN": {"buffer_size": 5_000},
            "NoisyDQN": _NOISY,
            "C51": _FROM_0_TO_100,
            "Rainbow": {**_NOISY, **_FROM_0_TO_100},
        },
        return_threshold=490.0,
        episodes=20,
    ),
    "Acrobot-v1": Recipe(
        steps=50_000,
        settings={**_CONTROL, "lr": 1e-3, "target_rate": 0.02, "averaged_policy": True, "epsilon_steps": 10_000},
        by_algorithm={
            "NoisyDQN": _NOISY,
            "C51": _FROM_MINUS_100_TO_0,
            "Rainbow": {**_NOISY, **_FROM_MINUS_100_TO_0},
        },
        return_threshold=-84.0,
        episodes=30,
    ),
    "LunarLander-v[0-9]": Recipe(
        steps=250_000,
        settings={
            **_CONTROL,
            "lr": 1e-3,
            "hidden": (128, 128),
            "buffer_size": 100_000,
            "learning_starts": 5_000,
            "epsilon_steps": 50_000,
            "epsilon_end": 0.02,
            "target_rate": 0.01,
            "averaged_policy": True,
        },
        by_algorithm={
            "NoisyDQN": _NOISY,
            "C51": _LANDING,
            "Rainbow": {**_NOISY, **_LANDING, "update_every": 8},
        },
        return_threshold=235.0,
        episodes=20,
    ),
}
