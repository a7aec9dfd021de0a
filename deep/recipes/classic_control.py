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

Policies: sixteen copies or more, rates some times the usual ones that fall to a tenth and below, and eight or ten
epochs on each rollout. What single trials of one or two seeds found (`benchmarks/results/deep_policies_single.md` has
what came of it): critics that begin at 0 and have to tell values of -60 fill the gradient, which is clipped together
with the policy's. With values in units of their running deviation PPO comes to -90 on Acrobot in 18,000 steps, where
it needed 66,000, and A2C (also at a third of the rate) in 30,000, where one of two seeds had come to -90 and fallen
back, and the other had stayed below -200.

On Pendulum PPO with a discount of 0.9 and 128 rows a mini-batch came to -170 within 40,000 steps and fell back with
some seeds; by twice the copies, a rate that ends at 1e-5 and a discount of 0.95 two such seeds came to -155 and -160
in 60,000.

TRPO needs rollouts of whole episodes there. All copies begin together, and their 200 steps end together, so that a
rollout of 64 steps holds one part of episodes only; what is learnt from holding poles up may undo how they are swung
up. By 16 copies of 64 steps two seeds came to -210 in 20,000 steps and went back to -640; by 8 of 200 they came to -180
in 30,000 and stayed. A2C takes one step for each rollout, and needs thousands. Several mini-batches of a rollout led
either seed to -1600, below chance, at a rate of 1e-3, likely since what its gradient says of an action holds for the
policy that took it. More passes of the critic than of the policy did not help enough (-950 in 120,000 steps); 8 copies
of 8 steps, with observations in units of their deviation, came to -380 to -730 in 1,000,000 steps by a first deviation
of 0.6. What it wants is noise: of two seeds each, three times the rate ended at -302 and -718, a first deviation of 1.6
at -277 and -190, and that with twice the rate and an average of the networks, which is what is judged, at -185 and
-174; by 2.7 one of two learnt nothing. By 1, a rate that begins at 1e-3 and a discount that rises from 0.9 to 0.95 all
five end at -156 to -165 after 1,500,000 steps.

LunarLander wants a horizon of some 200 steps: at a discount of 0.99 and a trace of 0.95 two seeds of PPO ended at 124
and 11 after 150,000 steps; at 0.999 and 0.98, with rollouts of 128 steps and some entropy, at 258 and 213 after
200,000. At 0.995 and 0.98, with rollouts of 256 steps and half the rate, all pass 255. By numbers the likeliest actions
of some policies earn far less than drawn ones, and what they earn goes up and down from rollout to rollout; an average
of the networks is judged in their place. TRPO lands by the same rollouts; by 2 copies of 1,024 steps, as the RL Zoo has
it, it came to 250 to 270 within 160,000 steps, but went back as it learnt on, since drawn actions earned 100 to 150
there.

A2C wants few copies and long rollouts, with observations in units of their deviation. By 16 copies of 5 steps it learnt
to land, and then to stay in the air, where nothing is paid and nothing crashes; so it did by 8 copies of 5 and a
discount of 0.995, after up to 175 in training. By 4 copies of 256 steps, 16 mini-batches of a rollout and a discount of
0.99 one of two seeds landed for 235, and one stayed in the air; with 0.995 and some entropy four of four came to 195 to
226 after 400,000 steps. By numbers that led below chance, and a third of the rate without entropy is what learns.
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

_COPIES: Mapping[str, Any] = {"n_envs": 16, "lr_end": 1e-4}


def _policies(
    proximal: Mapping[str, Any],
    actor_critic: Mapping[str, Any],
    trust_region: Mapping[str, Any],
    *,
    normalise_values: bool = False,
) -> Mapping[str, Mapping[str, Any]]:
    """Return what PPO's family, A2C's and TRPO have beside the settings of all policies."""
    made: dict[str, Mapping[str, Any]] = {
        **dict.fromkeys(("PPO", "IPPO", "MAPPO", "GMAC", "GMACIPPO", "GMACMAPPO"), proximal),
        **{key: {"normalise_advantages": True, **actor_critic} for key in ("A2C", "IA2C")},
        "TRPO": {"lr": 3e-3, "minibatches": 4, "kl_radius": 0.02, **trust_region},
    }
    return {key: {**own, "normalise_values": True} for key, own in made.items()} if normalise_values else made


_NOISY: Mapping[str, Any] = {"epsilon_start": 0.0, "epsilon_end": 0.0}
_FROM_0_TO_100: Mapping[str, Any] = {"v_min": 0.0, "v_max": 100.0}
_FROM_MINUS_100_TO_0: Mapping[str, Any] = {"v_min": -100.0, "v_max": 0.0}
_LANDING: Mapping[str, Any] = {"v_min": -300.0, "v_max": 300.0}
_LANDER: Mapping[str, Any] = {**_COPIES, "discount": 0.995}


def _landers(
    proximal: Mapping[str, Any], actor_critic: Mapping[str, Any], trust_region: Mapping[str, Any]
) -> Mapping[str, Mapping[str, Any]]:
    """Return what policies have that land on the moon, and what PPO's family, A2C's and TRPO have beside."""
    both = {"rollout_steps": 256, "trace": 0.98}
    many = {**both, "lr": 5e-4, "minibatches": 32, "average_rate": 0.1}
    few = {**both, "n_envs": 4, "minibatches": 16, "average_rate": 0.2, "normalise_observations": True}
    return _policies(
        {**many, "epochs": 8, **proximal},
        {**few, "initial_log_scale": 0.0, **actor_critic},
        {**many, "value_epochs": 8, **trust_region},
        normalise_values=True,
    )


RECIPES: dict[str, Recipe] = {
    "CartPole-v1": Recipe(
        steps=50_000,
        settings=_CONTROL,
        policy_steps=60_000,
        policy_settings=_COPIES,
        by_algorithm={
            **_policies(
                {"lr": 2e-3, "rollout_steps": 64, "trace": 0.9, "epochs": 8, "minibatches": 4},
                {"lr": 3e-3, "rollout_steps": 16, "trace": 0.95},
                {"rollout_steps": 64, "trace": 0.9, "value_epochs": 8},
            ),
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
        policy_steps=120_000,
        policy_settings=_COPIES,
        by_algorithm={
            **_policies(
                {"lr": 2e-3, "epochs": 4, "minibatches": 4},
                {"lr": 1e-3, "rollout_steps": 16, "trace": 0.95},
                {"value_epochs": 8},
                normalise_values=True,
            ),
            "NoisyDQN": _NOISY,
            "C51": _FROM_MINUS_100_TO_0,
            "Rainbow": {**_NOISY, **_FROM_MINUS_100_TO_0},
        },
        return_threshold=-84.0,
        episodes=30,
    ),
    "Pendulum-v1": Recipe(
        steps=100_000,
        settings=_CONTROL,
        policy_steps=200_000,
        policy_settings={"n_envs": 32, "lr_end": 1e-5, "discount": 0.95, "initial_log_scale": -0.5},
        by_algorithm={
            **_policies(
                {"lr": 1e-3, "epochs": 10, "minibatches": 32},
                {
                    "n_envs": 8,
                    "discount": 0.9,
                    "discount_end": 0.95,
                    "lr": 1e-3,
                    "lr_end": 5e-5,
                    "rollout_steps": 8,
                    "trace": 0.95,
                    "average_rate": 0.001,
                    "normalise_advantages": False,
                    "normalise_observations": True,
                    "initial_log_scale": 0.0,
                },
                {"n_envs": 8, "discount": 0.9, "rollout_steps": 200, "trace": 0.9, "value_epochs": 10},
                normalise_values=True,
            ),
            "NoisyDQN": _NOISY,
            "Rainbow": _NOISY,
        },
        return_threshold=-160.0,
        episodes=100,
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
        policy_steps=300_000,
        policy_settings=_LANDER,
        by_algorithm={
            **_landers(
                {"entropy_weight": 0.01},
                {"lr": 1e-3, "entropy_weight": 0.01},
                {
                    "lr": 1e-3,
                    "rollout_steps": 128,
                    "minibatches": 16,
                    "discount": 0.999,
                    "value_epochs": 10,
                    "kl_radius": 0.03,
                    "initial_log_scale": -0.5,
                },
            ),
            "NoisyDQN": _NOISY,
            "C51": _LANDING,
            "Rainbow": {**_NOISY, **_LANDING, "update_every": 8},
        },
        return_threshold=235.0,
        episodes=20,
    ),
    "LunarLanderContinuous-v3": Recipe(
        steps=250_000,
        policy_steps=400_000,
        policy_settings={**_LANDER, "initial_log_scale": -0.5},
        by_algorithm=_landers({"lr_end": 2e-5, "average_rate": 0.03}, {"lr": 3e-4}, {}),
        return_threshold=240.0,
        episodes=50,
    ),
}
