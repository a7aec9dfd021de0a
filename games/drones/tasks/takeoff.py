"""Taking off with motors that know two speeds: one drone rises to a point and stays there.

In ``takeoff-onoff`` a motor is off or at full speed, 48 times a second, and lags by 0.15 s; in ``takeoff-2level`` its
speed is that of hovering less or more 20 %, 30 times a second, and it lags by 0.05 s. Actions ``four`` make an agent of
each motor, with two actions each: what one motor must do depends on what the other three do, and no motor alone can do
good. Actions ``joint`` make one agent of the drone, with the 16 combinations.

Reward of a step: exp(-2 d) (1 + up / 2) / 1.5, with d the distance to the goal in metres and ``up`` the vertical
component of the drone's axis, at least 0. Half of the episodes begin on the ground and half in the air, displaced,
tilted and moving: on the ground alone, all motors on and all motors off would be enough.
"""

from __future__ import annotations

from math import cos, exp, sin, sqrt
from typing import Any

import numpy as np

from marlgt.games.drones.airframes import HEIGHT, airframe
from marlgt.games.drones.experts import Policy
from marlgt.games.drones.kernels.draws import between, uniform
from marlgt.games.drones.kernels.lanes import most, where
from marlgt.games.drones.kernels.layout import ACTIVE, ERROR, GX, GY, GZ, QW, QX, QY, REWARD, VX, VY, VZ, X, Y, Z
from marlgt.games.drones.regulators import Regulator
from marlgt.games.drones.scene import Scene
from marlgt.games.drones.task import TASK_DRAWS, Task
from marlgt.games.drones.tasks._choices import LEVELS, MOTOR
from marlgt.games.drones.tasks._spans import on_and_off, two_levels
from marlgt.games.drones.tasks.hovering import distance_to_goal
from marlgt.games.drones.views import View
from marlgt.kernels import lane_kernel

__all__ = ["takeoff_2level", "takeoff_onoff"]


@lane_kernel
def spawn_takeoff(drones: Any, w: Any, c: Any, p: Any, q: Any, n: int, e: int) -> None:
    """Start the drone on the ground near the middle or, in half of the episodes, in the air: displaced and disturbed.

    ``q``: largest displacement along each axis in the air, m; largest velocity, m/s; sine of half the largest tilt.
    """
    flying = where(uniform(c, TASK_DRAWS, e) < 0.5, 1.0, 0.0)
    drones[0, X + e] = between(-q[0], q[0], c, TASK_DRAWS + 1, e)
    drones[0, Y + e] = between(-q[0], q[0], c, TASK_DRAWS + 2, e)
    high = 1.0 + between(-q[0], q[0], c, TASK_DRAWS + 3, e)
    drones[0, Z + e] = flying * high + (1.0 - flying) * p[HEIGHT]
    drones[0, VX + e] = flying * between(-q[1], q[1], c, TASK_DRAWS + 4, e)
    drones[0, VY + e] = flying * between(-q[1], q[1], c, TASK_DRAWS + 5, e)
    drones[0, VZ + e] = flying * between(-q[1], q[1], c, TASK_DRAWS + 6, e)
    sine = flying * q[2] * uniform(c, TASK_DRAWS + 7, e)
    angle = 6.283185307179586 * uniform(c, TASK_DRAWS + 8, e)
    drones[0, QX + e], drones[0, QY + e] = sine * cos(angle), sine * sin(angle)
    drones[0, QW + e] = sqrt(1.0 - sine * sine)
    drones[0, GX + e], drones[0, GY + e], drones[0, GZ + e] = 0.0, 0.0, 1.0


@lane_kernel
def score_upright(drones: Any, w: Any, c: Any, p: Any, q: Any, n: int, e: int) -> None:
    """Reward closeness to the goal, and half as much again an upright drone; the error is the distance."""
    d, qx, qy = distance_to_goal(drones, 0, e), drones[0, QX + e], drones[0, QY + e]
    up = most(1.0 - 2.0 * (qx * qx + qy * qy), 0.0)
    active = drones[0, ACTIVE + e]
    drones[0, REWARD + e] = active * exp(-2.0 * d) * (1.0 + 0.5 * up) / 1.5
    w[ERROR + e] = active * d


def takeoff_expert(task: Task) -> Policy:
    """Choose the motors' levels whose simulated step leads to the least cost, by the value of the best regulator."""
    regulator = Regulator(task, reach=0.3)
    offset, scale = task.span(task.airframe)
    candidates = offset + scale * LEVELS

    def policy(view: View) -> np.ndarray:
        best = regulator.costs(view, candidates)[:, 0].argmin(axis=1)
        return np.asarray(best[:, None] >> np.arange(4) & 1 if task.seats == "motors" else best[:, None])

    return policy


def _takeoff(actions: str, **special: Any) -> Task:
    four = actions == "four"
    return Task(
        n_drones=1,
        control="motors",
        seats="motors" if four else "drones",
        choices=MOTOR if four else LEVELS,
        seconds=6.0,
        scene=Scene((-2.0, -2.0, -0.1), (2.0, 2.0, 2.5)),
        spawn=spawn_takeoff,
        score=score_upright,
        settings=(0.5, 0.5, 0.15),
        figure="distance to the goal, m",
        expert=takeoff_expert,
        **special,
    )


def takeoff_onoff(n_drones: int, actions: str) -> Task:
    """One drone whose motors are on or off rises a metre and stays there."""
    return _takeoff(
        actions,
        name="takeoff-onoff",
        summary="motors that are on or off bring one drone to a point in the air and hold it there",
        span=on_and_off,
        rate=48,
        airframe=airframe("cf2x").replace(motor_lag=0.15),
        solved=0.15,
    )


def takeoff_2level(n_drones: int, actions: str) -> Task:
    """One drone whose motors turn a fifth slower or faster than in hover rises a metre and stays there."""
    return _takeoff(
        actions,
        name="takeoff-2level",
        summary="motors that are slow or fast bring one drone to a point in the air and hold it there",
        span=two_levels,
        rate=30,
        airframe=airframe("cf2x").replace(motor_lag=0.05),
        solved=0.1,
    )
