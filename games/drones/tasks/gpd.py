"""The hover tasks of gym-pybullet-drones, score for score: to compare learners with results that are published there.

``hover1d-gpd`` is its ``HoverAviary`` with ``ONE_D_RPM``, ``hover-gpd`` that with ``RPM``: one drone starts at rest
11.25 cm above the ground and is to hover at (0, 0, 1) for 8 s, with rotors within 5 % of hover, 30 times a second, and
no drag, ground effect or downwash. Observations are its 12 numbers and its last 15 actions.

A step earns max(0, 2 - d⁴), d the distance in metres, up to 2 and not 1 as in our other tasks. An episode has 242
steps, since the clock is read before it advances, and ends before when d < 0.1 mm, or once |x| or |y| exceeds 1.5 m,
z 2 m, or roll or pitch 0.4 rad. What is called truncation there is a crash here, of which no value remains to be
learnt; only the clock truncates. Meeting the ground is no crash.

Rotors that move together earn the same return there to 1e-6. Where they differ, gym-pybullet-drones turns the thrust
with the drone one substep late, which costs a policy that steers 2e-4 of 471 points; and it remembers the last actions
of the episode before, where we begin with zeros.

Its own thresholds for the end of training are 474 and 467. A drone that climbs with all its 10 % of spare thrust and
stops in time earns 474.2, so that the first of them is the optimum in all but name. Success here is a return of 465
and of 450.

References
----------
J. Panerati, H. Zheng, S. Zhou, J. Xu, A. Prorok and A. P. Schoellig, "Learning to fly: a gym environment with PyBullet
physics for reinforcement learning of multi-agent quadcopter control", IROS 2021; ``envs/HoverAviary.py`` and
``envs/BaseRLAviary.py`` at commit 90b178a.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from marlgt.games.drones.airframes import airframe
from marlgt.games.drones.experts import Policy, trimmed
from marlgt.games.drones.kernels.lanes import absolute, most, where
from marlgt.games.drones.kernels.layout import (
    CRASHED,
    ENDED,
    ERROR,
    GX,
    GY,
    GZ,
    K0,
    QW,
    QX,
    QY,
    QZ,
    REWARD,
    RUNAWAY,
    X,
    Y,
    Z,
)
from marlgt.games.drones.regulators import Regulator
from marlgt.games.drones.scene import Scene
from marlgt.games.drones.task import Task
from marlgt.games.drones.tasks._spans import trimmed_rotors
from marlgt.games.drones.tasks.hovering import distance_to_goal
from marlgt.games.drones.views import View
from marlgt.kernels import lane_kernel

__all__ = ["hover1d_gpd", "hover_gpd"]

STEPS = 242
ARRIVED = 1e-4
SIDEWAYS, CEILING = 1.5, 2.0
TAN_TILT, SIN_TILT = 0.4227932187381618, 0.3894183423086505
"""Tangent and sine of 0.4 rad."""


@lane_kernel
def spawn_gpd(drones: Any, w: Any, c: Any, p: Any, q: Any, n: int, e: int) -> None:
    """Start the drone at rest where gym-pybullet-drones does."""
    drones[0, Z + e] = 0.1125 + 0.0 * drones[0, Z + e]
    drones[0, GX + e], drones[0, GY + e] = 0.0 * drones[0, X + e], 0.0 * drones[0, Y + e]
    drones[0, GZ + e] = 1.0 + 0.0 * drones[0, GZ + e]


@lane_kernel
def score_gpd(drones: Any, w: Any, c: Any, p: Any, q: Any, n: int, e: int) -> None:
    """Earn max(0, 2 - d⁴); the error is what is short of 2, so that its mean tells the return.

    The return so far is kept in K0. Who arrives before time is charged 2 for each step that is no longer played.
    """
    d = distance_to_goal(drones, 0, e)
    reward = most(2.0 - d * d * d * d, 0.0)
    qx, qy, qz, qw = drones[0, QX + e], drones[0, QY + e], drones[0, QZ + e], drones[0, QW + e]
    r20, r21, r22 = 2.0 * (qx * qz - qy * qw), 2.0 * (qy * qz + qx * qw), 1.0 - 2.0 * (qx * qx + qy * qy)
    # Roll is the angle of (R22, R21), and the sine of pitch is -R20.
    rolled = (r22 <= 0.0) | (absolute(r21) > TAN_TILT * r22)
    outside = (absolute(drones[0, X + e]) > SIDEWAYS) | (absolute(drones[0, Y + e]) > SIDEWAYS)
    outside = outside | (drones[0, Z + e] > CEILING) | rolled | (absolute(r20) > SIN_TILT)
    w[CRASHED + e] = most(where(outside, 1.0, 0.0), w[RUNAWAY + e])
    arrived = where(d < ARRIVED, 1.0, 0.0)
    w[K0 + e] = w[K0 + e] + reward
    w[ENDED + e] = arrived
    w[ERROR + e] = where(arrived > 0.0, 2.0 - w[K0 + e] / STEPS, 2.0 - reward)
    drones[0, REWARD + e] = reward


def climber(task: Task) -> Policy:
    """Climb at full thrust, brake in time and stay 2 cm below the goal, where the score is full and never ends."""
    regulator = Regulator(task)
    offset, scale = task.span(task.airframe)

    def policy(view: View) -> np.ndarray:
        # Gains by search over the returns: to within 0.01 of the best.
        lift = np.clip(37.0 * (0.98 - view.positions[..., 2]) - 14.2 * view.velocities[..., 2], -1.0, 1.0)
        if task.n_inputs == 1:
            return np.asarray(lift[..., None])
        turn = (regulator.commands(view) - offset) / scale
        return trimmed(turn - turn.mean(axis=2, keepdims=True) + lift[..., None])

    return policy


def _hover(name: str, n_inputs: int, wanted: float) -> Task:
    return Task(
        name=name,
        summary="the hover task of gym-pybullet-drones, by its own score",
        n_drones=1,
        control="motors",
        n_inputs=n_inputs,
        span=trimmed_rotors,
        rate=30,
        seconds=STEPS / 30,
        airframe=airframe("cf2x").replace(drag=(0.0, 0.0, 0.0), ground_effect=0.0, downwash=0.0),
        scene=Scene((-SIDEWAYS, -SIDEWAYS, -0.1), (SIDEWAYS, SIDEWAYS, CEILING)),
        spawn=spawn_gpd,
        score=score_gpd,
        layout="gpd",
        figure="points short of 2 in a step",
        solved=2.0 - wanted / STEPS,
        window=STEPS / 30,
        tilt=-1.0,
        expert=climber,
    )


def hover1d_gpd(n_drones: int, actions: str) -> Task:
    """One drone hovers by its four rotors together, by the score of gym-pybullet-drones."""
    return _hover("hover1d-gpd", 1, 465.0)


def hover_gpd(n_drones: int, actions: str) -> Task:
    """One drone hovers by its four rotors, by the score of gym-pybullet-drones."""
    return _hover("hover-gpd", 4, 450.0)
