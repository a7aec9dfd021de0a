"""Leader and followers: the first drone tracks a moving target, the others keep their places about it.

The target moves along an ellipse or a figure of eight, drawn anew in each episode, at less than 0.45 m/s::

    x = x_0 + a cos(phase),   y = y_0 + b sin(phase) or y_0 + b sin(2 phase)/2,   z = z_0 + 0.1 sin(phase)

with phase = phase_0 ± omega t. Drone 0, the leader, has the target as its goal; each follower has as its goal its place
on a circle about where the leader *is*, so that followers suffer from the leader's errors and only the leader knows
where the target goes. With e_i the distance of drone i to its goal, metres, all drones get the same reward::

    mean_i exp(-2 e_i)

and the error is the mean of e_i. Each observation has as extras the velocity of what the goal moves with, in 2 m/s:
that of the target for the leader, that of the leader for the followers (3 numbers). Were the leader lost, the target
itself would take its place. The global state has as world's numbers the target's velocity, m/s.
"""

from __future__ import annotations

from math import cos, exp, sin, sqrt
from typing import Any

import numpy as np

from marlgt.games.drones.airframes import airframe
from marlgt.games.drones.experts import Policy, pilot, wanted_velocities
from marlgt.games.drones.kernels.draws import between, uniform
from marlgt.games.drones.kernels.lanes import WIDTH, most, where
from marlgt.games.drones.kernels.layout import (
    ACTIVE,
    E0,
    ERROR,
    GVX,
    GVY,
    GVZ,
    GX,
    GY,
    GZ,
    K0,
    M0,
    M1,
    REWARD,
    TICK,
    VX,
    VY,
    VZ,
    X,
    Y,
    Z,
)
from marlgt.games.drones.scene import Scene
from marlgt.games.drones.task import TASK_DRAWS, Task
from marlgt.games.drones.tasks._choices import AXES
from marlgt.games.drones.tasks._spacing import kept_apart
from marlgt.games.drones.tasks._spans import half_speed
from marlgt.games.drones.views import View
from marlgt.kernels import lane_kernel

__all__ = ["leaderfollow"]

TURN = 6.283185307179586
CIRCLE = 0.6
"""Radius of the circle of followers, metres."""
WAVE = 0.1
"""How far the target rises and sinks, metres."""

# The world's numbers: the target's velocity; its phase at the start and phase speed; the path's sizes, and 1 for an
# ellipse or 2 for a figure of eight; its middle.
SPEED_X, SPEED_Y, SPEED_Z = K0, K0 + WIDTH, K0 + 2 * WIDTH
PHASE, OMEGA, LENGTH, BREADTH, LOOPS = (K0 + k * WIDTH for k in range(3, 8))
MIDDLE_X, MIDDLE_Y, MIDDLE_Z = K0 + 8 * WIDTH, K0 + 9 * WIDTH, K0 + 10 * WIDTH


@lane_kernel
def lead(drones: Any, w: Any, c: Any, q: Any, e: int) -> None:
    """Move the target, the goal of drone 0, to where it is in this control step."""
    omega, loops = w[OMEGA + e], w[LOOPS + e]
    phase = w[PHASE + e] + omega * (q[-1] * c[TICK + e])
    breadth = w[BREADTH + e] / loops
    drones[0, GX + e] = w[MIDDLE_X + e] + w[LENGTH + e] * cos(phase)
    drones[0, GY + e] = w[MIDDLE_Y + e] + breadth * sin(loops * phase)
    drones[0, GZ + e] = w[MIDDLE_Z + e] + WAVE * sin(phase)
    w[SPEED_X + e] = -omega * w[LENGTH + e] * sin(phase)
    w[SPEED_Y + e] = omega * w[BREADTH + e] * cos(loops * phase)
    w[SPEED_Z + e] = omega * WAVE * cos(phase)
    drones[0, GVX + e], drones[0, GVY + e], drones[0, GVZ + e] = w[SPEED_X + e], w[SPEED_Y + e], w[SPEED_Z + e]


@lane_kernel
def follow(drones: Any, w: Any, n: int, e: int) -> None:
    """Set the followers' goals about the leader, or about the target if the leader is lost."""
    there = drones[0, ACTIVE + e] > 0.5
    x, y = where(there, drones[0, X + e], drones[0, GX + e]), where(there, drones[0, Y + e], drones[0, GY + e])
    z = where(there, drones[0, Z + e], drones[0, GZ + e])
    vx, vy = where(there, drones[0, VX + e], w[SPEED_X + e]), where(there, drones[0, VY + e], w[SPEED_Y + e])
    vz = where(there, drones[0, VZ + e], w[SPEED_Z + e])
    for i in range(1, n):
        drones[i, GX + e], drones[i, GY + e] = x + drones[i, M0 + e], y + drones[i, M1 + e]
        drones[i, GZ + e] = z
        drones[i, GVX + e], drones[i, GVY + e], drones[i, GVZ + e] = vx, vy, vz


@lane_kernel
def spawn_in_company(drones: Any, w: Any, c: Any, p: Any, q: Any, n: int, e: int) -> None:
    """Draw the path and the followers' places, and start all drones near their goals."""
    w[PHASE + e] = TURN * uniform(c, TASK_DRAWS, e)
    sense_of_turn = where(uniform(c, TASK_DRAWS + 1, e) < 0.5, -1.0, 1.0)
    w[OMEGA + e] = sense_of_turn * between(0.35, 0.5, c, TASK_DRAWS + 2, e)
    w[LENGTH + e], w[BREADTH + e] = between(0.4, 0.6, c, TASK_DRAWS + 3, e), between(0.4, 0.6, c, TASK_DRAWS + 4, e)
    w[LOOPS + e] = where(uniform(c, TASK_DRAWS + 5, e) < 0.5, 1.0, 2.0)
    w[MIDDLE_X + e] = between(-0.3, 0.3, c, TASK_DRAWS + 6, e)
    w[MIDDLE_Y + e] = between(-0.3, 0.3, c, TASK_DRAWS + 7, e)
    w[MIDDLE_Z + e] = between(0.9, 1.3, c, TASK_DRAWS + 8, e)
    lead(drones, w, c, q, e)
    drones[0, X + e] = drones[0, GX + e] + between(-0.3, 0.3, c, TASK_DRAWS + 9, e)
    drones[0, Y + e] = drones[0, GY + e] + between(-0.3, 0.3, c, TASK_DRAWS + 10, e)
    drones[0, Z + e] = drones[0, GZ + e] + between(-0.2, 0.2, c, TASK_DRAWS + 11, e)
    angle = TURN * uniform(c, TASK_DRAWS + 12, e)
    for i in range(1, n):
        k = TASK_DRAWS + 8 * (i + 1)
        place = angle + TURN * i / (n - 1)
        drones[i, M0 + e], drones[i, M1 + e] = CIRCLE * cos(place), CIRCLE * sin(place)
        drones[i, X + e] = drones[0, X + e] + drones[i, M0 + e] + between(-0.1, 0.1, c, k, e)
        drones[i, Y + e] = drones[0, Y + e] + drones[i, M1 + e] + between(-0.1, 0.1, c, k + 1, e)
        drones[i, Z + e] = drones[0, Z + e] + between(-0.1, 0.1, c, k + 2, e)
    follow(drones, w, n, e)


@lane_kernel
def score_following(drones: Any, w: Any, c: Any, p: Any, q: Any, n: int, e: int) -> None:
    """Move the goals, then reward all drones by the mean of exp(-2 d) over those that take part."""
    lead(drones, w, c, q, e)
    follow(drones, w, n, e)
    worth, far, count = 0.0, 0.0, 0.0
    for i in range(n):
        dx, dy = drones[i, GX + e] - drones[i, X + e], drones[i, GY + e] - drones[i, Y + e]
        dz = drones[i, GZ + e] - drones[i, Z + e]
        d, active = sqrt(dx * dx + dy * dy + dz * dz), drones[i, ACTIVE + e]
        worth = worth + active * exp(-2.0 * d)
        far = far + active * d
        count = count + active
    count = most(count, 1.0)
    for i in range(n):
        drones[i, REWARD + e] = worth / count
    w[ERROR + e] = far / count


@lane_kernel
def note_goal_velocity(drones: Any, w: Any, c: Any, p: Any, q: Any, n: int, e: int) -> None:
    """Show each drone how fast its goal moves."""
    for i in range(n):
        drones[i, E0 + e] = 0.5 * drones[i, GVX + e]
        drones[i, E0 + WIDTH + e] = 0.5 * drones[i, GVY + e]
        drones[i, E0 + 2 * WIDTH + e] = 0.5 * drones[i, GVZ + e]


def keep_company(task: Task) -> Policy:
    """Fly each drone after its goal, with the goal's velocity, out of the way of the others."""
    fly, gain = pilot(task), 2.5 if task.choices is None else 6.5

    def policy(view: View) -> np.ndarray:
        wanted = wanted_velocities(view, view.goals, gain=gain) + view.goal_velocities
        return fly(view, kept_apart(view, wanted, fastest=1.0))

    return policy


def leaderfollow(n_drones: int, actions: str) -> Task:
    """A leader tracks a moving target, and one to five followers keep their places about it."""
    return Task(
        name="leaderfollow",
        summary="the first drone tracks a moving target that only it sees, the others keep their places about it",
        n_drones=n_drones,
        control="velocity",
        choices=AXES if actions == "discrete" else None,
        n_inputs=3,
        span=half_speed,
        rate=30,
        seconds=12.0,
        airframe=airframe("cf2x"),
        scene=Scene((-2.5, -2.5, -0.1), (2.5, 2.5, 2.5)),
        spawn=spawn_in_company,
        score=score_following,
        note=note_goal_velocity,
        n_extras=3,
        n_world=3,
        neighbours=min(n_drones - 1, 3),
        figure="mean distance to the goals, m",
        solved=0.15,
        window=6.0,
        expert=keep_company,
    )
