"""Duelling: two drones, each trying to get behind the other; a symmetric zero-sum game.

A drone's heading is its body's x axis. It has the other in its sights while the other is within a metre, within 45
degrees of its own heading, and shows its back: the drone is within 60 degrees of straight behind the other. Both cannot
have the other in their sights at once. In each control step a drone earns::

    1/S, and the other -1/S   while it has the other in its sights
    1, and the other -1       where the other has crashed and it has not

and 0 otherwise. Whoever has had the other in its sights for S = 60 control steps in all, two seconds, has won, and the
duel is over. So a return lies in [-1, 1] unless somebody crashes, and who crashes alone loses at least as much as in
any other way from then on. A collision with each other ends the duel as it stands, and so does the loss of a drone. By
symmetry the value of the game is 0.

The task's success is that of drone 0: it wins, or is ahead by three quarters of S when the clock runs out.
"""

from __future__ import annotations

from math import cos, sin, sqrt
from typing import Any

import numpy as np

from marlgt.games.drones.airframes import Airframe, airframe
from marlgt.games.drones.experts import Policy, nearest_choices
from marlgt.games.drones.kernels.controllers import limits
from marlgt.games.drones.kernels.draws import between, uniform
from marlgt.games.drones.kernels.lanes import WIDTH, most, where
from marlgt.games.drones.kernels.layout import (
    ACTIVE,
    CRASHED,
    E0,
    ENDED,
    ERROR,
    GVX,
    GVY,
    GVZ,
    GX,
    GY,
    GZ,
    HIT,
    K0,
    QW,
    QZ,
    REWARD,
    SPX,
    SPY,
    SPZ,
    VX,
    VY,
    VZ,
    X,
    Y,
    Z,
)
from marlgt.games.drones.kernels.observations import rotation
from marlgt.games.drones.scene import Scene
from marlgt.games.drones.task import TASK_DRAWS, Task
from marlgt.games.drones.tasks._choices import AXES
from marlgt.games.drones.views import View
from marlgt.kernels import lane_kernel

__all__ = ["chase_tail", "duel"]

RANGE, SIGHTS, BACK = 1.0, 0.7071067811865476, 0.5
"""How far a drone can aim, m, and the cosines of half the angles of its sights and of the other's back."""
ARENA = Scene((-2.0, -2.0, -0.1), (2.0, 2.0, 2.5))

TO_WIN = 0
"""Where the task's settings have S, the control steps in the sights that win."""

TURNS = np.concatenate([AXES, [[0.0, 0.0, 0.0, 1.0], [0.0, 0.0, 0.0, -1.0]]])
"""Hold, fly along one of the six directions of the axes, turn left, turn right."""
TURNS.setflags(write=False)


def agile(airframe: Airframe) -> tuple[np.ndarray, np.ndarray]:
    """Return velocities up to 1 m/s along each axis, and yaw rates up to 1.5 rad/s."""
    offset, scale = limits("velocity", airframe)
    return offset, scale * np.array([1.0, 1.0, 1.0, 1.5])


@lane_kernel
def in_sights(drones: Any, i: int, j: int, e: int) -> Any:
    """Return 1 where drone ``i`` has drone ``j`` in its sights, else 0."""
    a, b = rotation(drones, i, e), rotation(drones, j, e)
    dx, dy, dz = (
        drones[j, X + e] - drones[i, X + e],
        drones[j, Y + e] - drones[i, Y + e],
        drones[j, Z + e] - drones[i, Z + e],
    )
    d = sqrt(dx * dx + dy * dy + dz * dz)
    aimed = a[0] * dx + a[3] * dy + a[6] * dz
    behind = b[0] * dx + b[3] * dy + b[6] * dz
    return where((d <= RANGE) & (aimed >= SIGHTS * d) & (behind >= BACK * d), 1.0, 0.0)


@lane_kernel
def face_each_other(drones: Any, e: int) -> None:
    """Make of each drone the other's goal."""
    for i in range(2):
        j = 1 - i
        drones[i, GX + e], drones[i, GY + e], drones[i, GZ + e] = (
            drones[j, X + e] + 0.0,
            drones[j, Y + e] + 0.0,
            drones[j, Z + e] + 0.0,
        )
        drones[i, GVX + e], drones[i, GVY + e], drones[i, GVZ + e] = (
            drones[j, VX + e] + 0.0,
            drones[j, VY + e] + 0.0,
            drones[j, VZ + e] + 0.0,
        )


@lane_kernel
def spawn_duel(drones: Any, w: Any, c: Any, p: Any, q: Any, n: int, e: int) -> None:
    """Start the drones 1.3 to 1.7 m apart about the middle, each with a heading of its own."""
    turn = 6.283185307179586 * uniform(c, TASK_DRAWS, e)
    half = between(0.65, 0.85, c, TASK_DRAWS + 1, e)
    for i in range(2):
        k = TASK_DRAWS + 8 * (i + 1)
        side = 1.0 - 2.0 * i
        drones[i, X + e], drones[i, Y + e] = side * half * cos(turn), side * half * sin(turn)
        drones[i, Z + e] = between(1.0, 1.4, c, k, e)
        heading = 3.141592653589793 * uniform(c, k + 1, e)
        drones[i, QZ + e], drones[i, QW + e] = sin(heading), cos(heading)
    face_each_other(drones, e)


@lane_kernel
def score_duel(drones: Any, w: Any, c: Any, p: Any, q: Any, n: int, e: int) -> None:
    """Reward each drone for having the other in its sights; the error is 1 less the lead of drone 0."""
    first, second = in_sights(drones, 0, 1, e), in_sights(drones, 1, 0, e)
    both = drones[0, ACTIVE + e] * drones[1, ACTIVE + e]
    down, other_down = drones[0, HIT + e], drones[1, HIT + e]
    crashed = most(down, other_down)
    lead = where(crashed > 0.0, other_down - down, (first - second) / q[TO_WIN]) * both
    flying = both * (1.0 - crashed)
    w[K0 + e] = w[K0 + e] + flying * first / q[TO_WIN]
    w[K0 + WIDTH + e] = w[K0 + WIDTH + e] + flying * second / q[TO_WIN]
    drones[0, REWARD + e] = lead
    drones[1, REWARD + e] = -lead
    # Half a step less, since sums of 1/S may fall short of 1.
    won = where(most(w[K0 + e], w[K0 + WIDTH + e]) >= 1.0 - 0.5 / q[TO_WIN], 1.0, 0.0)
    victory = both * other_down * (1.0 - down)
    w[ENDED + e] = most(most(won, 1.0 - both), victory)
    # The other's crash is a victory, and no crash of this task.
    w[CRASHED + e] = where(victory > 0.0, 0.0, w[CRASHED + e])
    w[ERROR + e] = where(victory > 0.0, 0.0, 1.0 - w[K0 + e] + w[K0 + WIDTH + e])
    face_each_other(drones, e)


@lane_kernel
def note_duel(drones: Any, w: Any, c: Any, p: Any, q: Any, n: int, e: int) -> None:
    """Show each drone the other in its own axes, itself in the other's, and how near each is to winning."""
    for i in range(2):
        j = 1 - i
        a, b = rotation(drones, i, e), rotation(drones, j, e)
        dx, dy, dz = (
            drones[j, X + e] - drones[i, X + e] - drones[i, SPX + e],
            drones[j, Y + e] - drones[i, Y + e] - drones[i, SPY + e],
            drones[j, Z + e] - drones[i, Z + e] - drones[i, SPZ + e],
        )
        for k in range(3):
            drones[i, E0 + k * WIDTH + e] = a[k] * dx + a[k + 3] * dy + a[k + 6] * dz
            drones[i, E0 + (k + 3) * WIDTH + e] = -(b[k] * dx + b[k + 3] * dy + b[k + 6] * dz)
        drones[i, E0 + 6 * WIDTH + e] = w[K0 + i * WIDTH + e] + 0.0
        drones[i, E0 + 7 * WIDTH + e] = w[K0 + j * WIDTH + e] + 0.0


def chase_tail(view: View, *, distance: float = 0.6, gain: float = 3.0, scene: Scene = ARENA) -> np.ndarray:
    """Return velocities and yaw rates of both drones, shape (B, 2, 4), that bring each behind the other, facing it.

    Parameters
    ----------
    distance : float
        Metres behind the other.
    gain : float
        Metres per second for each metre.
    scene : Scene
        The arena, whose walls they keep off.
    """
    mine, its = view.positions, view.positions[:, ::-1]
    heading, other = (np.arctan2(r[..., 1, 0], r[..., 0, 0]) for r in (view.rotations, view.rotations[:, ::-1]))
    offset = mine - its
    bearing = np.arctan2(offset[..., 1], offset[..., 0])
    # The angle round the other to its back, of which a leg of the way goes at most 1 rad.
    left = _wrapped(other + np.pi - bearing)
    there = bearing + np.clip(left, -1.0, 1.0)
    goals = its + distance * np.stack([np.cos(there), np.sin(there), 0.0 * there], axis=-1)
    velocities = gain * (goals - mine) + view.velocities[:, ::-1]
    speed = np.linalg.norm(velocities, axis=2, keepdims=True)
    velocities = velocities / np.maximum(speed, 1.0)
    turn = 4.0 * _wrapped(bearing + np.pi - heading)
    low, high = np.array([*scene.low[:2], 0.2]) + 0.15, np.array(scene.high) - 0.15
    ahead = mine + 0.35 * view.velocities
    velocities = np.where(ahead < low, np.maximum(velocities, 0.5), velocities)
    velocities = np.where(ahead > high, np.minimum(velocities, -0.5), velocities)
    return np.concatenate([velocities, turn[..., None]], axis=2)


def _wrapped(angles: np.ndarray) -> np.ndarray:
    return np.asarray((angles + np.pi) % (2 * np.pi) - np.pi)


def duellists(task: Task) -> Policy:
    """Let each drone chase the other's tail."""
    scale = task.span(task.airframe)[1]

    def policy(view: View) -> np.ndarray:
        return nearest_choices(task, np.clip(chase_tail(view, scene=task.scene) / scale, -1.0, 1.0))

    return policy


def duel(n_drones: int, actions: str) -> Task:
    """Two drones try to get behind each other."""
    return Task(
        name="duel",
        summary="each drone gets behind the other and keeps it in its sights for two seconds in all",
        n_drones=n_drones,
        control="velocity",
        choices=TURNS if actions == "discrete" else None,
        n_inputs=4,
        span=agile,
        rate=30,
        seconds=12.0,
        airframe=airframe("cf2x"),
        scene=ARENA,
        spawn=spawn_duel,
        score=score_duel,
        note=note_duel,
        settings=(60.0,),
        n_extras=8,
        n_world=2,
        neighbours=1,
        payoff="zero_sum",
        figure="1 less the lead of drone 0 by the time in its sights that wins",
        solved=0.25,
        expert=duellists,
        teams=(0, 1),
    )
