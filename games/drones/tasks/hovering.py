"""Hovering: each drone shall reach a point of its own and stay there.

``hover1d`` moves all rotors of one drone together, ``hover`` each on its own (or what another control asks of them),
and ``multihover`` sends up to eight drones to points near one another.

Reward of a step: the mean over the drones of exp(-2 d) (1 - c), d the distance to the goal in metres, and c how close
the drone is to the nearest other: 0 from 0.3 m on, and 1 where they would touch at 0.12 m.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from math import cos, exp, sin, sqrt
from typing import Any

import numpy as np

from marlgt.games.drones.airframes import RADIUS, Airframe, airframe
from marlgt.games.drones.experts import Policy, rotor_flight, steady_flight, stepping_flight, tilting_flight
from marlgt.games.drones.kernels.controllers import limits
from marlgt.games.drones.kernels.draws import between, uniform
from marlgt.games.drones.kernels.lanes import least, most, where
from marlgt.games.drones.kernels.layout import ACTIVE, ERROR, GX, GY, GZ, QW, QX, QY, REWARD, VX, VY, VZ, X, Y, Z
from marlgt.games.drones.scene import Scene
from marlgt.games.drones.task import TASK_DRAWS, Control, Task
from marlgt.games.drones.tasks._choices import CORNERS
from marlgt.games.drones.tasks._spans import half_speed, trimmed_rotors
from marlgt.kernels import lane_kernel

__all__ = ["closeness", "distance_to_goal", "hover", "hover1d", "multihover", "score_by_distance"]

KEEP_AWAY = 0.3
"""Distance, metres, from which drones do not disturb one another."""

FLIGHTS: dict[Control, tuple[Callable[[Airframe], tuple[np.ndarray, np.ndarray]], Callable[[Task], Policy]]] = {
    "motors": (trimmed_rotors, rotor_flight),
    "rates": (functools.partial(limits, "rates"), tilting_flight),
    "attitude": (functools.partial(limits, "attitude"), tilting_flight),
    "velocity": (half_speed, steady_flight),
    "position": (functools.partial(limits, "position"), stepping_flight),
}
"""How far actions reach, and who flies to a goal with them, by control."""


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
def closeness(drones: Any, n: int, i: int, near: Any, touching: Any, e: int) -> Any:
    """Return how close a drone is to the nearest other, from 0 at a distance of ``near`` to 1 at ``touching``."""
    nearest = near * near + 0.0 * drones[i, X + e]
    for j in range(n):
        if j != i:
            dx, dy = drones[j, X + e] - drones[i, X + e], drones[j, Y + e] - drones[i, Y + e]
            dz = drones[j, Z + e] - drones[i, Z + e]
            square = dx * dx + dy * dy + dz * dz
            nearest = where(drones[j, ACTIVE + e] > 0.0, least(square, nearest), nearest)
    return least((near - sqrt(nearest)) / (near - touching), 1.0)


@lane_kernel
def score_by_distance(drones: Any, w: Any, c: Any, p: Any, q: Any, n: int, e: int) -> None:
    """Reward all drones by the mean of exp(-2 d) (1 - c); the error is the mean distance. Lost drones do not count."""
    worth, far, count = 0.0, 0.0, 0.0
    for i in range(n):
        d, active = distance_to_goal(drones, i, e), drones[i, ACTIVE + e]
        worth = worth + active * exp(-2.0 * d) * (1.0 - closeness(drones, n, i, KEEP_AWAY, 2.0 * p[RADIUS], e))
        far = far + active * d
        count = count + active
    # Where all are lost, the sums are 0 anyway.
    count = most(count, 1.0)
    for i in range(n):
        drones[i, REWARD + e] = worth / count
    w[ERROR + e] = far / count


@lane_kernel
def spawn_hover(drones: Any, w: Any, c: Any, p: Any, q: Any, n: int, e: int) -> None:
    """Start one drone near its goal, displaced, tilted and moving.

    ``q``: largest displacement sideways, and upwards, m; the same of velocity, m/s; sine of half the largest tilt.
    """
    drones[0, X + e] = between(-q[0], q[0], c, TASK_DRAWS, e)
    drones[0, Y + e] = between(-q[0], q[0], c, TASK_DRAWS + 1, e)
    drones[0, Z + e] = 1.0 + between(-q[1], q[1], c, TASK_DRAWS + 2, e)
    drones[0, VX + e] = between(-q[2], q[2], c, TASK_DRAWS + 3, e)
    drones[0, VY + e] = between(-q[2], q[2], c, TASK_DRAWS + 4, e)
    drones[0, VZ + e] = between(-q[3], q[3], c, TASK_DRAWS + 5, e)
    sine = q[4] * uniform(c, TASK_DRAWS + 6, e)
    angle = 6.283185307179586 * uniform(c, TASK_DRAWS + 7, e)
    drones[0, QX + e], drones[0, QY + e] = sine * cos(angle), sine * sin(angle)
    drones[0, QW + e] = sqrt(1.0 - sine * sine)
    drones[0, GX + e], drones[0, GY + e], drones[0, GZ + e] = 0.0, 0.0, 1.0


@lane_kernel
def spawn_apart(drones: Any, w: Any, c: Any, p: Any, q: Any, n: int, e: int) -> None:
    """Start drones on a circle about the middle and send each to a point of the circle, all turned, and shifted."""
    # Neighbours on the circle are q[0] apart; a single drone's circle is that of two.
    sector = 3.141592653589793 / max(n, 2)
    radius = 0.5 * q[0] / sin(sector)
    turn = 6.283185307179586 * uniform(c, TASK_DRAWS, e)
    # All by the same, at most half the way to the neighbour's place, so that straight ways keep apart.
    onward = between(-sector, sector, c, TASK_DRAWS + 1, e)
    for i in range(n):
        k = TASK_DRAWS + 8 * (i + 1)
        angle = turn + 6.283185307179586 * i / n
        drones[i, X + e] = radius * cos(angle) + between(-0.1, 0.1, c, k, e)
        drones[i, Y + e] = radius * sin(angle) + between(-0.1, 0.1, c, k + 1, e)
        drones[i, Z + e] = 1.0 + between(-0.2, 0.2, c, k + 2, e)
        angle = angle + onward
        drones[i, GX + e] = radius * cos(angle) + between(-0.1, 0.1, c, k + 3, e)
        drones[i, GY + e] = radius * sin(angle) + between(-0.1, 0.1, c, k + 4, e)
        drones[i, GZ + e] = 1.0 + between(-0.3, 0.3, c, k + 5, e)


def hover1d(n_drones: int, actions: str) -> Task:
    """One drone rises or sinks to a point and stays there, by its four rotors together."""
    return Task(
        name="hover1d",
        summary="one drone reaches a height and stays there, its four rotors moved together",
        n_drones=1,
        control="motors",
        n_inputs=1,
        span=trimmed_rotors,
        rate=30,
        seconds=8.0,
        airframe=airframe("cf2x"),
        scene=Scene((-1.5, -1.5, -0.1), (1.5, 1.5, 2.5)),
        spawn=spawn_hover,
        score=score_by_distance,
        settings=(0.0, 0.8, 0.0, 0.6, 0.0),
        figure="distance to the goal, m",
        solved=0.05,
        expert=rotor_flight,
    )


def hover(n_drones: int, actions: str) -> Task:
    """One drone, displaced, tilted and moving at first, reaches a point and stays there."""
    control: Control = next((mode for mode in FLIGHTS if mode == actions), "velocity")
    span, expert = FLIGHTS[control]
    return Task(
        name="hover",
        summary="one drone reaches a point in the air and stays there",
        n_drones=1,
        control=control,
        choices=CORNERS if actions == "discrete" else None,
        span=span,
        rate=30,
        seconds=8.0,
        airframe=airframe("cf2x"),
        scene=Scene((-1.5, -1.5, -0.1), (1.5, 1.5, 2.5)),
        spawn=spawn_hover,
        score=score_by_distance,
        settings=(0.5, 0.5, 0.3, 0.3, 0.1),
        figure="distance to the goal, m",
        solved=0.1,
        expert=expert,
    )


def multihover(n_drones: int, actions: str) -> Task:
    """Up to eight drones hover near one another, each at its own point."""
    control: Control = "motors" if actions == "motors" else "velocity"
    span, expert = FLIGHTS[control]
    return Task(
        name="multihover",
        summary="each drone reaches its own point, near the others, and stays there",
        n_drones=n_drones,
        control=control,
        choices=CORNERS if actions == "discrete" else None,
        n_inputs=4 if control == "motors" else 3,
        span=span,
        rate=30,
        seconds=8.0,
        airframe=airframe("cf2x"),
        scene=Scene((-2.5, -2.5, -0.1), (2.5, 2.5, 2.5)),
        spawn=spawn_apart,
        score=score_by_distance,
        settings=(0.7,),
        neighbours=min(n_drones - 1, 3),
        figure="mean distance to the goals, m",
        solved=0.1,
        expert=expert,
    )
