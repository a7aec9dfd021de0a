"""Recipes of level-based foraging, by patterns of their names; the first that fits counts.

What was found (``benchmarks/results/deep_foraging.md``). Places must be told relative to the agent and as one-hot
vectors: from raw observations next to nothing is learnt in as many steps. Then count, in this order, masks of actions
that do nothing; a discount of 0.95, as with 0.99 a wasted step costs a hundredth of what is to come, less than the
errors of the values, and greedy agents walk in circles; rewards that stand out from the noise of the first values; and
lambda-returns. Memory is not needed where everything is seen: returns of 5 steps without it do nearly as well, at half
the CPU time.

Policies (``benchmarks/results/deep_policies_foraging.md``) learn from the same observations and masks, without memory.
A bonus for entropy that falls to nothing and a last rate of 1e-5 helped IPPO, and COMA's critic must see one-hot
numbers, too. IA2C, which learns once from each rollout, is the fastest of them. On 10x10 a discount of 0.95 ends ahead
of 0.97 by IPPO, IA2C and MAPPO (0.98 and 0.97 after as many steps). They are stochastic and should be played so:
likeliest actions stand still for ever where both want the same field or each waits by another food, and an agent that
draws where nothing has changed earns nearly as much as one that always draws.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from marlgt.deep.recipes.naming import Recipe

__all__ = ["RECIPES"]

_FORAGING: Mapping[str, Any] = {
    "hidden": (64,),
    "normalised": True,
    "recurrent": True,
    "sequence_length": 16,
    "trace": 0.8,
    "stream": 64,
    "discount": 0.95,
    "double": False,
    "n_envs": 64,
    "update_every": 128,
    "batch_size": 16,
    "reward_scale": 5.0,
    "buffer_size": 100_000,
    "learning_starts": 1_024,
    "lr": 1e-3,
    "lr_end": 1e-4,
    "adam_epsilon": 1e-5,
    "target_rate": 0.02,
    "averaged_policy": True,
    "epsilon_steps": 100_000,
}

_POLICIES: Mapping[str, Any] = {
    "hidden": (128,),
    "activation": "relu",
    "n_envs": 32,
    "rollout_steps": 64,
    "discount": 0.97,
    "lr": 1e-3,
    "lr_end": 1e-5,
    "entropy_weight_end": 0.0,
    "normalise_rewards": True,
}
_PROXIMAL: Mapping[str, Any] = {"entropy_weight": 0.005, "epochs": 4, "minibatches": 4}
_ONCE: Mapping[str, Any] = {"rollout_steps": 16, "lr": 2e-3, "entropy_weight": 0.01}
_BY_ALGORITHM: Mapping[str, Mapping[str, Any]] = {
    "QMIX": {"hypernetwork_layers": 2},
    **dict.fromkeys(("PPO", "IPPO", "MAPPO", "GMAC", "GMACIPPO", "GMACMAPPO"), _PROXIMAL),
    **{key: {**_ONCE, "normalise_advantages": True, "trace": 0.95} for key in ("A2C", "IA2C", "MAA2C")},
    # Their critics are told others' actions, which with observations are all that the state tells.
    **{key: {**_ONCE, "critic_sees": "observation"} for key in ("COMA", "CentralCritic")},
}

_RELATIVE = r"(?=.*observation=relative)Foraging-(\ds-)?"


def _page(steps: int, policy_steps: int, policies: Mapping[str, Any] | None = None, **settings: Any) -> Recipe:
    return Recipe(
        steps=steps,
        settings={**_FORAGING, **settings},
        policy_steps=policy_steps,
        policy_settings={**_POLICIES, **(policies or {}), **settings},
        by_algorithm=_BY_ALGORITHM,
        return_threshold=0.98,
        episodes=128,
    )


RECIPES: dict[str, Recipe] = {
    _RELATIVE + r"[3-8]x.*": _page(300_000, 400_000, one_hot=(-7, 8)),
    _RELATIVE + r"(9|10)x.*": _page(500_000, 2_400_000, {"discount": 0.95}, one_hot=(-9, 10)),
    _RELATIVE + r"1[1-6]x.*": _page(1_000_000, 2_000_000, one_hot=(-15, 16)),
    r"Foraging-.*": _page(1_000_000, 1_000_000),
}
