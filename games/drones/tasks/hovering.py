"""Hovering: each drone shall reach a point of its own and stay there.

``hover1d`` moves all rotors together, ``hover`` each on its own, and ``multihover`` sends two to eight drones to points
near one another. Reward of a step: the mean over the drones of exp(-2 d), d the distance to the goal in metres.
"""

from __future__ import annotations

from math import cos, exp, sin, sqrt
from typing import Any

from marlgt.games.drones._draws import between, uniform
from marlgt.games.drones._lanes import most
from marlgt.games.drones.airframe import airframe
from marlgt.games.drones.experts import steady_flight
from marlgt.games.drones.layout import ACTIVE, ERROR, GX, GY, GZ, QW, QX, QY, REWARD, X, Y, Z
from marlgt.games.drones.scene import Scene
from marlgt.games.drones.task import TASK_DRAWS, Control, Task
from marlgt.games.drones.tasks._choices import CORNERS
from marlgt.games.drones.tasks._spans import half_speed, trimmed_rotors
from marlgt.kernels import lane_kernel

__all__ = ["multihover"]


@lane_kernel
def distance_to_goal(drones: Any, i: int, e: int) -> Any:
    """Return how far a drone is from its goal, metres."""
    dx, dy, dz = (
        drones[i, GX + e] - drones[i, X + e],
        drones[i, GY + e] - drones[i, Y + e],
        drones[i, GZ + e] - drones[i, Z + e],
    )
    return sqrt(dx * dx + dy * dy + dz * dz)


@lane_kernel
def score_by_distance(drones: Any, w: Any, c: Any, p: Any, q: Any, n: int, e: int) -> None:
    """Reward all drones by the mean of exp(-2 d); the error is the mean distance of the drones that take part."""
    worth, far, count = 0.0, 0.0, 0.0
    for i in range(n):
        d, active = distance_to_goal(drones, i, e), drones[i, ACTIVE + e]
        worth = worth + active * exp(-2.0 * d)
        far = far + active * d
        count = count + active
    # Where all are lost, the sums are 0 anyway.
    count = most(count, 1.0)
    for i in range(n):
        drones[i, REWARD + e] = worth / count
    w[ERROR + e] = far / count


@lane_kernel
def spawn_hover(drones: Any, w: Any, c: Any, p: Any, q: Any, n: int, e: int) -> None:
    """Start one drone up to ``q[0]`` metres from a point above the middle, along each axis, ``q[1]`` tells which."""
    size = q[0]
    drones[0, X + e] = q[1] * between(-size, size, c, TASK_DRAWS, e)
    drones[0, Y + e] = q[1] * between(-size, size, c, TASK_DRAWS + 1, e)
    drones[0, Z + e] = 1.0 + between(-size, size, c, TASK_DRAWS + 2, e)
    # A small tilt about a horizontal axis; its half angle is small enough for its sine to be itself.
    tilt = q[1] * 0.1 * uniform(c, TASK_DRAWS + 3, e)
    angle = 6.283185307179586 * uniform(c, TASK_DRAWS + 4, e)
    drones[0, QX + e], drones[0, QY + e] = tilt * cos(angle), tilt * sin(angle)
    drones[0, QW + e] = sqrt(1.0 - tilt * tilt)
    drones[0, GX + e], drones[0, GY + e], drones[0, GZ + e] = 0.0, 0.0, 1.0


@lane_kernel
def spawn_apart(drones: Any, w: Any, c: Any, p: Any, q: Any, n: int, e: int) -> None:
    """Start drones on a circle about the middle and send each to a point of another circle, turned and shifted."""
    # Neighbours on the circle are q[0] apart.
    radius = 0.5 * q[0] / sin(3.141592653589793 / n)
    turn = 6.283185307179586 * uniform(c, TASK_DRAWS, e)
    for i in range(n):
        k = TASK_DRAWS + 8 * (i + 1)
        angle = turn + 6.283185307179586 * i / n
        drones[i, X + e] = radius * cos(angle) + between(-0.1, 0.1, c, k, e)
        drones[i, Y + e] = radius * sin(angle) + between(-0.1, 0.1, c, k + 1, e)
        drones[i, Z + e] = 1.0 + between(-0.2, 0.2, c, k + 2, e)
        drones[i, GX + e] = radius * cos(angle) + between(-0.15, 0.15, c, k + 3, e)
        drones[i, GY + e] = radius * sin(angle) + between(-0.15, 0.15, c, k + 4, e)
        drones[i, GZ + e] = 1.0 + between(-0.3, 0.3, c, k + 5, e)


def multihover(n_drones: int, actions: str) -> Task:
    """Two to eight drones hover near one another, each at its own point."""
    frame = airframe("cf2x")
    control: Control = "motors" if actions == "motors" else "velocity"
    return Task(
        name="multihover",
        summary="each drone reaches its own point, near the others, and stays there",
        n_drones=n_drones,
        control=control,
        choices=CORNERS if actions == "discrete" else None,
        n_inputs=4 if control == "motors" else 3,
        span=trimmed_rotors if control == "motors" else half_speed,
        rate=30,
        seconds=8.0,
        airframe=frame,
        scene=Scene((-2.5, -2.5, -0.1), (2.5, 2.5, 2.5)),
        spawn=spawn_apart,
        score=score_by_distance,
        settings=(0.7,),
        neighbours=min(n_drones - 1, 3),
        figure="mean distance to the goals, m",
        solved=0.1,
        expert=steady_flight,
    )
