"""Recipes of drone tasks, by patterns of their names; the first that fits counts.

What was found. The number of updates decides, not their batch: 8,000 to 12,000 of them, one for each step of 64
copies. Rewards are scaled so that values stay below 10, where a Huber loss of width 1 and Adam work. Returns of 5 steps
and a target that follows by 1 % bring values up in two thirds of the updates that 3 steps and 0.5 % need. Greedy
policies jump from update to update; the target network, an average of the late ones, is the steadier policy. The rate
must fall, or a solved takeoff is lost again. Motors are told apart by what they observe, and need no names.

Policies need observations and values on one scale. In single trials of PPO on ``hover1d-gpd``, two seeds had come to
444 and 414 after 250,000 steps without either, and to 473 and 234 with values alone; with both, five seeds of five
pass 460 within 130,000 steps. Policies learn to climb within 10,000 steps, crash into the ceiling, and must then learn
to brake. Small rollouts, a trace of 0.97 and a rate of 2e-3 shorten that: three seeds of three passed 469 in 36,000
steps. A first deviation of 0.22 rather than 0.6 kept three of three at the ceiling for 120,000 steps, and it hardly
changes as they learn. Some policies of that task fall back from 473 to 470 as they learn on. Why was not measured; who
comes within 0.1 mm of the goal ends the episode and loses the rest, which may keep policies that act with noise off
the goal.

By four motors (``hover-gpd``) noise tilts the drone, and a drone that stays near the ground earns 334 in safety. There
a first deviation of 0.22 is the better one: in trials of three seeds of PPO, training episodes had come to 393 to 440
by it after 400,000 steps, and to 359 to 394 by 0.37. A trace of 0.95 with a rate of 1.5e-3 left all three at 317 to
351. With 32 copies and 0.37, four final policies of PPO of five earned 450 after 600,000 steps, and its slowest seed
turned about its own axis and did not learn to steer; the five of GMAC earned 465.7 to 468.0, but over 1,000,000 steps,
with a rate that falls as much more slowly, two of them ended at 439 and 445. With 64 copies and 0.22 all five of PPO
earned 460.6 to 464.9 after 1,000,000, and the five of GMAC 466.4 to 467.4. Longer runs were worse again: after
2,000,000 steps, at two thirds of the rate, three of GMAC's five ended at 455.5 to 461.1, and their deviations had
shrunk to 0.03, where those that had passed 467 had 0.08. A bonus for entropy of 0.005, which falls to nothing, keeps
noise for as long as it helps: over 1,000,000 steps all five of GMAC pass 467, after at most 720,000. PPO does not have
it: with it one of its five seeds passed 467, three ended at 463.5 to 466.6, and one at 360. Nor does it help by one
motor command, where one of PPO's five ended at 219.

Where drones meet, a discount of 0.98 and a rate that ends at 2e-4 rather than 1e-5 are better: before, one seed of
formation hovered 10 to 15 cm beside its corners, where rewards are nearly flat. Gate and crossing end at the first
touch, and need the surer steps of larger rollouts: returns of two seeds of GMACIPPO in training were 270 and 191 after
400,000 steps of 64 copies with 32 steps each, and 270 and 252 after 500,000 with 128 copies and 64 steps, where both
rose alike. Scalar critics had come to 34 and 50 after 300,000 steps by which mixtures had come to 156 and 169. Policies
that had passed the gate then stood still behind it, and had to learn to go on to their places. A rate that ended at
2e-4 left the share of episodes that a seed solves at the gate going up and down by up to 0.2 between evaluations, even
after two million steps.

At the gate policies learn to go there, each with its own haste. What fails in the end are pairs that arrive at the same
time and collide, and drones that stay a few centimetres farther from their places than is allowed: they hover at much
the same point wherever in its 0.4 m their place lies. A collision costs all that follows, which at a discount of 0.98
is about 50 steps of 540, while haste pays at once: with 0.98 and a rate that ends at 3e-5 five seeds solved 92 to 98 %
after 2,500,000 steps, after 4,000,000 85 to 98 %. By 0.99 throughout drones are too slow to learn to go on to their
places (two seeds, 67 and 95 %). So the discount rises over the run, and an average of the networks is judged, which
goes up and down less; the average alone did nothing for two seeds, nor did a discount that rises to 0.995 without it
(86 to 99.5 %; with 128 units 78 to 99 %).

How far the discount rises and how much noise there is go together. What a drone earns by its last 0.2 m is small beside
what a far horizon adds to all returns. With the average and a first deviation of 0.6, five seeds solved 94 to 99 %
after 3,500,000 steps by a discount that rises to 0.997 (after 5,000,000 86 to 98 %), 94 to 99.5 % by 0.995, and by 0.99
90 to 98 % (after 2,500,000 84 to 99 %). A first deviation of 0.37 is as good over 3,500,000 steps (94 to 99 %, by
0.997); over 5,000,000 with a rate that ends at 5e-5 four of five seeds had solved 66 to 97 % when it was stopped after
4,000,000. By 1, and a discount that rises to 0.99, all five solve 96 to 99 %; policies then keep a deviation of about
0.65. By 1 and 0.997 three seeds solved 76 to 93 % after 2,000,000 steps, and nearly all that failed of two of them were
too far from their places. A rate that ends at 3e-4, with an average of a fiftieth, brought four of the five to 97 to
99.6 %, and one to 88 %, by collisions.

Networks of their own are worse (two seeds, 64 and 81 %), and so is a bonus for entropy that falls to nothing (76 and 96
%). Scalar critics place drones less well: two seeds of IPPO by a discount of 0.985 left drones 0.3 to 0.45 m beside
their places, and solved 23 and 66 %.

At the crossing the discount rises to 0.995. The average added little there: five seeds of GMACIPPO solved 90 to 99 %
with it and 88 to 99 % without, over as many steps and by the same rates.
"""

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

_BY_POLICIES: Mapping[str, Any] = {
    "hidden": (64, 64),
    "discount": 0.99,
    "n_envs": 64,
    "rollout_steps": 32,
    "lr": 1e-3,
    "lr_end": 1e-5,
    "normalise_observations": True,
    "initial_log_scale": -0.5,
}


_NEAR_OTHERS: Mapping[str, Any] = {**_BY_POLICIES, "discount": 0.98, "lr_end": 2e-4}
_THROUGH_CROWDS: Mapping[str, Any] = {**_NEAR_OTHERS, "lr_end": 3e-5, "n_envs": 128, "rollout_steps": 64}


def _proximal(**changes: Any) -> Mapping[str, Mapping[str, Any]]:
    """Return what PPO's family has beside the settings of all policies."""
    own = {"epochs": 6, "minibatches": 4, "normalise_values": True, **changes}
    return dict.fromkeys(("PPO", "IPPO", "MAPPO", "GMAC", "GMACIPPO", "GMACMAPPO"), own)


_CLIMBING = _proximal(minibatches=8, trace=0.98, ratio_clip=0.3)

RECIPES: dict[str, Recipe] = {
    "hover1d-gpd": Recipe(
        steps=400_000,
        settings=_FLYING,
        policy_steps=360_000,
        policy_settings={**_BY_POLICIES, "discount": 0.98, "n_envs": 128, "lr": 2e-3, "lr_end": 1e-4},
        by_algorithm=_proximal(epochs=8, trace=0.97),
        return_threshold=474.0,
        episodes=1,
    ),
    "hover-gpd": Recipe(
        steps=1_000_000,
        settings=_FLYING,
        policy_steps=1_000_000,
        policy_settings={**_BY_POLICIES, "rollout_steps": 64, "lr_end": 1e-4, "initial_log_scale": -1.5},
        by_algorithm={**_CLIMBING, "GMAC": {**_CLIMBING["GMAC"], "entropy_weight": 0.005, "entropy_weight_end": 0.0}},
        return_threshold=467.0,
        episodes=1,
    ),
    "takeoff-(2level|onoff)": Recipe(steps=1_000_000, settings=_MOTORS, success_threshold=0.98, episodes=128),
    "multihover": Recipe(
        steps=800_000,
        settings=_FLYING,
        policy_steps=400_000,
        policy_settings=_BY_POLICIES,
        by_algorithm=_proximal(),
        success_threshold=0.98,
        episodes=128,
    ),
    "formation|coverage|leaderfollow|payload": Recipe(
        steps=1_000_000,
        settings=_FLYING,
        policy_steps=600_000,
        policy_settings=_NEAR_OTHERS,
        by_algorithm=_proximal(),
        success_threshold=0.98,
        episodes=128,
    ),
    "gate": Recipe(
        steps=1_000_000,
        settings=_FLYING,
        policy_steps=3_500_000,
        policy_settings={
            **_THROUGH_CROWDS,
            "discount_end": 0.99,
            "lr_end": 1e-4,
            "average_rate": 0.05,
            "initial_log_scale": 0.0,
        },
        by_algorithm=_proximal(minibatches=8),
        success_threshold=0.98,
        episodes=128,
    ),
    "crossing": Recipe(
        steps=1_000_000,
        settings=_FLYING,
        policy_steps=1_500_000,
        policy_settings={**_THROUGH_CROWDS, "discount_end": 0.995},
        by_algorithm=_proximal(minibatches=8),
        success_threshold=0.98,
        episodes=128,
    ),
}
