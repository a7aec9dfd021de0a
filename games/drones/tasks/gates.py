"""Gate: the drones pass a wall through one narrow gate, one at a time, each to its own place behind it.

The wall stands across the whole arena at x = 0; its one opening, 0.4 m wide and high about (0, 0, 1), has the frame of
a gate, and is too narrow for two drones to pass side by side in safety. With L_i the way of drone i that is left, the
distance to the middle of the gate and from there to its goal, or to its goal once it has passed, and L_i0 that way
after the first step, metres, all drones get the same reward in each step::

    mean_i (max(0, 1 - L_i / L_i0) + passed_i) / 2

where passed_i is 1 behind the wall, which is the same as having come through the gate, else 0. The error is the share
of drones that have not passed, or are farther than 0.3 m from their goals.

Each observation has as extras the middle of the gate as seen from the drone, clipped to 2 m (3 numbers), and whether
the drone has passed.
"""

from __future__ import annotations

from math import sqrt
from typing import Any

import numpy as np

from marlgt.games.drones.airframes import airframe
from marlgt.games.drones.experts import Policy, pilot, wanted_velocities
from marlgt.games.drones.kernels.draws import between, uniform
from marlgt.games.drones.kernels.lanes import WIDTH, clip, most, where
from marlgt.games.drones.kernels.layout import ACTIVE, E0, ERROR, GX, GY, GZ, M0, REWARD, SPX, SPY, SPZ, X, Y, Z
from marlgt.games.drones.scene import Box, Scene, gate
from marlgt.games.drones.task import TASK_DRAWS, Task
from marlgt.games.drones.tasks._choices import AXES
from marlgt.games.drones.tasks._spacing import kept_apart
from marlgt.games.drones.tasks._spans import half_speed, trimmed_rotors
from marlgt.games.drones.views import View
from marlgt.kernels import lane_kernel

__all__ = ["gate_passage"]

OPENING, BAR = 0.4, 0.05
"""Of the gate: width and height of its opening, and thickness of its frame, metres."""
HEIGHT = 1.0
"""Of the middle of the gate, metres."""
AT_GOAL = 0.3
"""Distance from its goal within which a drone has arrived, metres."""
SLOT = 0.5
"""About how far apart drones start, and goals lie, metres."""
LOW, HIGH = (-2.0, -1.5, -0.1), (2.0, 1.5, 2.2)


def gate_in_wall() -> Scene:
    """Return the arena: a wall of four boxes across it, with a gate in its middle."""
    half = OPENING / 2 + BAR
    thin, top, side = BAR / 2, HIGH[2], HIGH[1]
    beside, across = (side - half) / 2, (side + half) / 2
    return Scene(
        LOW,
        HIGH,
        (
            *gate((0.0, 0.0, HEIGHT), width=OPENING, height=OPENING, bar=BAR),
            Box((0.0, across, top / 2), (thin, beside, top / 2)),
            Box((0.0, -across, top / 2), (thin, beside, top / 2)),
            Box((0.0, 0.0, (HEIGHT - half) / 2), (thin, half, (HEIGHT - half) / 2)),
            Box((0.0, 0.0, (HEIGHT + half + top) / 2), (thin, half, (top - HEIGHT - half) / 2)),
        ),
    )


@lane_kernel
def way_left(drones: Any, i: int, e: int) -> tuple[Any, Any]:
    """Return the way through the gate to its goal that a drone has left, metres, and whether it has passed."""
    x, y, z = drones[i, X + e], drones[i, Y + e], drones[i, Z + e]
    gx, gy, gz = drones[i, GX + e], drones[i, GY + e], drones[i, GZ + e]
    passed = where(x > 0.0, 1.0, 0.0)
    to_gate = sqrt(x * x + y * y + (z - HEIGHT) * (z - HEIGHT))
    beyond = sqrt(gx * gx + gy * gy + (gz - HEIGHT) * (gz - HEIGHT))
    to_goal = sqrt((gx - x) * (gx - x) + (gy - y) * (gy - y) + (gz - z) * (gz - z))
    return where(x > 0.0, to_goal, to_gate + beyond), passed


@lane_kernel
def spawn_before_gate(drones: Any, w: Any, c: Any, p: Any, q: Any, n: int, e: int) -> None:
    """Start the drones side by side before the wall, in either order, and lay their goals likewise behind it."""
    before = where(uniform(c, TASK_DRAWS, e) < 0.5, -SLOT, SLOT)
    behind = where(uniform(c, TASK_DRAWS + 1, e) < 0.5, -SLOT, SLOT)
    for i in range(n):
        k = TASK_DRAWS + 8 * (i + 1)
        place = i - 0.5 * (n - 1)
        drones[i, X + e] = between(-1.4, -1.0, c, k, e)
        drones[i, Y + e] = before * place + between(-0.1, 0.1, c, k + 1, e)
        drones[i, Z + e] = HEIGHT + between(-0.2, 0.2, c, k + 2, e)
        drones[i, GX + e] = between(1.0, 1.4, c, k + 3, e)
        drones[i, GY + e] = behind * place + between(-0.1, 0.1, c, k + 4, e)
        drones[i, GZ + e] = HEIGHT + between(-0.2, 0.2, c, k + 5, e)


@lane_kernel
def score_passage(drones: Any, w: Any, c: Any, p: Any, q: Any, n: int, e: int) -> None:
    """Reward all drones by their progress and passages, see the module; the error is the share not yet arrived."""
    worth, away, count = 0.0, 0.0, 0.0
    for i in range(n):
        active = drones[i, ACTIVE + e]
        way, passed = way_left(drones, i, e)
        # The first step tells where the drone began.
        whole = where(drones[i, M0 + e] > 0.0, drones[i, M0 + e], most(way, AT_GOAL))
        drones[i, M0 + e] = whole
        worth = worth + active * 0.5 * (most(1.0 - way / whole, 0.0) + passed)
        away = away + active * (1.0 - passed * where(way < AT_GOAL, 1.0, 0.0))
        count = count + active
    count = most(count, 1.0)
    for i in range(n):
        drones[i, REWARD + e] = worth / count
    w[ERROR + e] = away / count


@lane_kernel
def note_gate(drones: Any, w: Any, c: Any, p: Any, q: Any, n: int, e: int) -> None:
    """Show each drone the way to the middle of the gate, and whether it has passed."""
    for i in range(n):
        drones[i, E0 + e] = clip(-drones[i, X + e] - drones[i, SPX + e], -2.0, 2.0)
        drones[i, E0 + WIDTH + e] = clip(-drones[i, Y + e] - drones[i, SPY + e], -2.0, 2.0)
        drones[i, E0 + 2 * WIDTH + e] = clip(HEIGHT - drones[i, Z + e] - drones[i, SPZ + e], -2.0, 2.0)
        drones[i, E0 + 3 * WIDTH + e] = where(drones[i, X + e] > 0.0, 1.0, 0.0)


def queue_at_gate(task: Task) -> Policy:
    """Queue before the gate in the drones' order, and fly through it along its axis, one after another."""
    fly, gain = pilot(task), 2.0 if task.choices is None else 6.5
    # Fixed speeds cannot be held to the centimetre; the forward one wins while the drone is within 0.05 m of the axis.
    forward, precise = (0.4, 0.05) if task.choices is None else (0.3, 0.08)
    entry, clear, spacing = -0.35, 0.3, 0.45
    middle = np.array([0.0, 0.0, HEIGHT])

    def policy(view: View) -> np.ndarray:
        x = view.positions[..., 0]
        off_axis = np.linalg.norm((view.positions - middle)[..., 1:], axis=2)
        waiting = view.active & (x <= 0.05)
        ahead: np.ndarray = np.cumsum(waiting, axis=1) - waiting
        first: np.ndarray = ahead == 0
        before = x <= clear
        # The nearer the wall, the nearer the axis a drone must be to go on.
        aligned = off_axis < precise + 0.3 * np.maximum(entry - x, 0.0)
        inside = before & first & (x > entry - 0.1) & (off_axis < 0.12)
        goals = np.where(before[..., None], middle, view.goals)
        goals[..., 0] = np.where(before, np.where(first & aligned, clear + 0.2, entry - spacing * ahead), goals[..., 0])
        wanted = kept_apart(view, wanted_velocities(view, goals, gain=gain), distance=0.35, fastest=1.0)
        through = gain * (middle - view.positions)
        through[..., 0] = forward
        return fly(view, np.where(inside[..., None], through, wanted))

    return policy


def gate_passage(n_drones: int, actions: str) -> Task:
    """Two to four drones pass a gate, one at a time."""
    return Task(
        name="gate",
        summary="the drones pass a wall through one narrow gate, one at a time, each to its own place behind it",
        n_drones=n_drones,
        control="motors" if actions == "motors" else "velocity",
        choices=AXES if actions == "discrete" else None,
        n_inputs=4 if actions == "motors" else 3,
        span=trimmed_rotors if actions == "motors" else half_speed,
        rate=30,
        seconds=18.0,
        airframe=airframe("cf2x"),
        scene=gate_in_wall(),
        spawn=spawn_before_gate,
        score=score_passage,
        note=note_gate,
        n_extras=4,
        neighbours=n_drones - 1,
        figure="share of drones that have not passed the gate and reached their places",
        solved=0.1,
        expert=queue_at_gate,
    )
