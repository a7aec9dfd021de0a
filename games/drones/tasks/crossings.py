"""Crossing: drones on a circle each fly to the opposite side, so that all straight ways meet in the middle.

Each drone is paid for itself, so that every drone wants to go first: the game is of general sum, and whoever gives way
pays for the safety of all. With d_i the distance of drone i to its goal, metres, its reward in each step is::

    exp(-2 d_i)

A collision ends the episode for everyone, and nobody earns anything more: what an early arrival gains by haste, it may
lose with all the rest. Drones above others push them down (downwash). The error is the largest d_i, so that an episode
succeeds if at its end all drones have arrived.

The start circle has a radius of 1 m and a turn drawn anew in each episode. A drone that is lost earns nothing and does
not count.
"""

from __future__ import annotations

from math import cos, exp, sin, sqrt
from typing import Any

import numpy as np

from marlgt.games.drones.airframes import airframe
from marlgt.games.drones.experts import Policy, pilot, wanted_velocities
from marlgt.games.drones.kernels.draws import between, uniform
from marlgt.games.drones.kernels.lanes import most
from marlgt.games.drones.kernels.layout import ACTIVE, ERROR, GX, GY, GZ, REWARD, X, Y, Z
from marlgt.games.drones.scene import Scene
from marlgt.games.drones.task import TASK_DRAWS, Task
from marlgt.games.drones.tasks._choices import AXES
from marlgt.games.drones.tasks._spacing import kept_apart
from marlgt.games.drones.tasks._spans import half_speed, trimmed_rotors
from marlgt.games.drones.views import View
from marlgt.kernels import lane_kernel

__all__ = ["crossing"]

TURN = 6.283185307179586
RADIUS = 1.0
"""Of the circle of starts and goals, metres."""


@lane_kernel
def spawn_on_circle(drones: Any, w: Any, c: Any, p: Any, q: Any, n: int, e: int) -> None:
    """Start the drones about evenly on a circle, each with its goal on the opposite side."""
    turn = TURN * uniform(c, TASK_DRAWS, e)
    for i in range(n):
        k = TASK_DRAWS + 8 * (i + 1)
        angle = turn + TURN * i / n
        x, y = RADIUS * cos(angle), RADIUS * sin(angle)
        drones[i, X + e], drones[i, Y + e] = x + between(-0.1, 0.1, c, k, e), y + between(-0.1, 0.1, c, k + 1, e)
        drones[i, Z + e] = 1.0 + between(-0.1, 0.1, c, k + 2, e)
        drones[i, GX + e], drones[i, GY + e] = -x, -y
        drones[i, GZ + e] = 1.0 + between(-0.1, 0.1, c, k + 3, e)


@lane_kernel
def score_arrival(drones: Any, w: Any, c: Any, p: Any, q: Any, n: int, e: int) -> None:
    """Reward each drone by exp(-2 d) of its own distance; the error is the largest distance."""
    farthest = 0.0
    for i in range(n):
        dx, dy = drones[i, GX + e] - drones[i, X + e], drones[i, GY + e] - drones[i, Y + e]
        dz, active = drones[i, GZ + e] - drones[i, Z + e], drones[i, ACTIVE + e]
        d = sqrt(dx * dx + dy * dy + dz * dz)
        drones[i, REWARD + e] = active * exp(-2.0 * d)
        farthest = most(active * d, farthest)
    w[ERROR + e] = farthest


def roundabout(task: Task) -> Policy:
    """Fly all drones along the circle, counterclockwise and equally fast, and each off to its goal once it is near."""
    fly = pilot(task)
    speed, gain = (0.45, 2.0) if task.choices is None else (0.35, 6.5)

    def policy(view: View) -> np.ndarray:
        x, y = view.positions[..., 0], view.positions[..., 1]
        reach = np.maximum(np.hypot(x, y), 0.2)
        here, there = np.arctan2(y, x), np.arctan2(view.goals[..., 1], view.goals[..., 0])
        # The angle to the goal, a full turn less where the drone has gone a little too far.
        ahead = np.mod(there - here, TURN)
        ahead = np.where(ahead > 0.75 * TURN, ahead - TURN, ahead)
        outward = gain * (RADIUS - reach)
        wanted = np.stack(
            [
                (-speed * y + outward * x) / reach,
                (speed * x + outward * y) / reach,
                gain * (view.goals[..., 2] - view.positions[..., 2]),
            ],
            axis=2,
        )
        straight = wanted_velocities(view, view.goals, gain=gain, fastest=speed if task.choices is None else 1.0)
        return fly(view, kept_apart(view, np.where((ahead > 0.4)[..., None], wanted, straight), fastest=1.0))

    return policy


def crossing(n_drones: int, actions: str) -> Task:
    """Four to eight drones swap places across a circle, each for itself."""
    return Task(
        name="crossing",
        summary="the drones on a circle each fly to the opposite side, each paid for itself",
        n_drones=n_drones,
        control="motors" if actions == "motors" else "velocity",
        choices=AXES if actions == "discrete" else None,
        n_inputs=4 if actions == "motors" else 3,
        span=trimmed_rotors if actions == "motors" else half_speed,
        rate=30,
        seconds=15.0,
        airframe=airframe("cf2x"),
        scene=Scene((-2.5, -2.5, -0.1), (2.5, 2.5, 2.5)),
        spawn=spawn_on_circle,
        score=score_arrival,
        neighbours=min(n_drones - 1, 3),
        payoff="general_sum",
        figure="largest distance to a goal, m",
        solved=0.15,
        expert=roundabout,
    )
