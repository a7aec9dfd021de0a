"""Carrying: two to four drones bring a load, which hangs by cables from all of them, to a goal.

The load is a point; a cable has no mass and pulls only while it is stretched. With x the load's position, y a drone's,
s = |y - x| - L the stretch and u the unit vector from the load to the drone, the cable pulls the load with::

    T u,   T = max(0, k s + c ds/dt)  where s > 0,  else 0

and the drone with -T u. The load is moved as Bullet moves a body: semi-implicit Euler, gravity, and the airframe's
damping; it rests on the ground. Wind does not move it. A drone that is lost lets go of its cable.

Actions ``motors`` are rotor speeds about those that hover with the load's share, and span 10 % to either side.

Reward of a step: exp(-2 d), d the load's distance to its goal in metres.
"""

from __future__ import annotations

import functools
from math import cos, exp, sin, sqrt
from typing import Any

import numpy as np

from marlgt.games.drones.airframes import DAMPING, GRAVITY, STEP, Airframe, airframe
from marlgt.games.drones.experts import Policy, pilot, wanted_velocities
from marlgt.games.drones.kernels.controllers import limits
from marlgt.games.drones.kernels.draws import between, uniform
from marlgt.games.drones.kernels.lanes import WIDTH, most, where
from marlgt.games.drones.kernels.layout import (
    ACTIVE,
    E0,
    ERROR,
    FX,
    FY,
    FZ,
    GX,
    GY,
    GZ,
    K0,
    LVX,
    LVY,
    LVZ,
    LX,
    LY,
    LZ,
    M0,
    M1,
    M2,
    REWARD,
    SPX,
    SPY,
    SPZ,
    SVX,
    SVY,
    SVZ,
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
from marlgt.games.drones.tasks._spans import half_speed
from marlgt.games.drones.views import View
from marlgt.kernels import lane_kernel

__all__ = ["carry", "payload"]

# Where the task's settings lie: kg, m, N/m, N s/m, and the horizontal distance of the drones from the load at the
# start, m.
LOAD, CABLE, STIFFNESS, DAMPER, SPREAD = 0, 1, 2, 3, 4

LOAD_MASS = 0.012
"""Of the load, kg."""
SIZE = 0.02
"""Height of the load's centre above the ground at rest, metres."""


@lane_kernel
def carry(drones: Any, w: Any, p: Any, q: Any, n: int, e: int) -> None:
    """Add the cables' forces to those on the drones, and move the load by a substep."""
    x, y, z = w[LX + e], w[LY + e], w[LZ + e]
    vx, vy, vz = w[LVX + e], w[LVY + e], w[LVZ + e]
    h, light = p[STEP], 1.0 / q[LOAD]
    slowing = p[DAMPING] * (1.0 + sqrt(vx * vx + vy * vy + vz * vz))
    ax, ay, az = -slowing * vx, -slowing * vy, -slowing * vz - p[GRAVITY]
    for i in range(n):
        dx, dy, dz = drones[i, X + e] - x, drones[i, Y + e] - y, drones[i, Z + e] - z
        length = sqrt(dx * dx + dy * dy + dz * dz + 1e-30)
        ux, uy, uz = dx / length, dy / length, dz / length
        rate = (drones[i, VX + e] - vx) * ux + (drones[i, VY + e] - vy) * uy + (drones[i, VZ + e] - vz) * uz
        stretch = length - q[CABLE]
        pull = where(stretch > 0.0, most(q[STIFFNESS] * stretch + q[DAMPER] * rate, 0.0), 0.0) * drones[i, ACTIVE + e]
        drones[i, FX + e] = drones[i, FX + e] - pull * ux
        drones[i, FY + e] = drones[i, FY + e] - pull * uy
        drones[i, FZ + e] = drones[i, FZ + e] - pull * uz
        ax, ay, az = ax + light * pull * ux, ay + light * pull * uy, az + light * pull * uz
    vx, vy, vz = vx + h * ax, vy + h * ay, vz + h * az
    z = z + h * vz
    under = z < SIZE
    kept = where(under, 0.8, 1.0)
    w[LVX + e], w[LVY + e] = kept * vx, kept * vy
    w[LVZ + e] = where(under, most(vz, 0.0), vz)
    w[LX + e], w[LY + e] = x + h * vx, y + h * vy
    w[LZ + e] = most(z, SIZE)


@lane_kernel
def spawn_laden(drones: Any, w: Any, c: Any, p: Any, q: Any, n: int, e: int) -> None:
    """Start the drones on a circle with the load at rest below its middle, its cables stretched by its weight."""
    turn = 6.283185307179586 * uniform(c, TASK_DRAWS, e)
    x, y = between(-0.3, 0.3, c, TASK_DRAWS + 1, e), between(-0.3, 0.3, c, TASK_DRAWS + 2, e)
    z = between(0.6, 1.0, c, TASK_DRAWS + 3, e)
    # With horizontal spread a, the cable of length l has height sqrt(l^2 - a^2) and bears m g / n by its height: a few
    # steps of this fixed point l = L + m g l / (n k height) are exact to the last digit.
    spread = q[SPREAD]
    share = q[LOAD] * p[GRAVITY] / (n * q[STIFFNESS])
    length = q[CABLE]
    for _ in range(12):
        length = q[CABLE] + share * length / sqrt(length * length - spread * spread)
    height = sqrt(length * length - spread * spread)
    for i in range(n):
        angle = turn + 6.283185307179586 * i / n
        drones[i, M0 + e], drones[i, M1 + e], drones[i, M2 + e] = spread * cos(angle), spread * sin(angle), height
        drones[i, X + e] = x + spread * cos(angle)
        drones[i, Y + e] = y + spread * sin(angle)
        drones[i, Z + e] = z + height
    w[LX + e], w[LY + e], w[LZ + e] = x, y, z
    way, course = between(0.5, 1.0, c, TASK_DRAWS + 4, e), 6.283185307179586 * uniform(c, TASK_DRAWS + 5, e)
    gx, gy = x + way * cos(course), y + way * sin(course)
    gz = between(0.5, 1.2, c, TASK_DRAWS + 6, e)
    for i in range(n):
        drones[i, GX + e], drones[i, GY + e], drones[i, GZ + e] = gx, gy, gz


@lane_kernel
def score_load(drones: Any, w: Any, c: Any, p: Any, q: Any, n: int, e: int) -> None:
    """Reward all drones by exp(-2 d); the error is d, the load's distance to its goal."""
    dx, dy, dz = drones[0, GX + e] - w[LX + e], drones[0, GY + e] - w[LY + e], drones[0, GZ + e] - w[LZ + e]
    d = sqrt(dx * dx + dy * dy + dz * dz)
    w[ERROR + e] = d
    for i in range(n):
        drones[i, REWARD + e] = exp(-2.0 * d)


@lane_kernel
def note_load(drones: Any, w: Any, c: Any, p: Any, q: Any, n: int, e: int) -> None:
    """Show each drone where the load is and how it moves, seen from the drone, and where its goal is, from the load."""
    gx, gy, gz = drones[0, GX + e] - w[LX + e], drones[0, GY + e] - w[LY + e], drones[0, GZ + e] - w[LZ + e]
    for i in range(n):
        drones[i, E0 + e] = w[LX + e] - drones[i, X + e] - drones[i, SPX + e]
        drones[i, E0 + WIDTH + e] = w[LY + e] - drones[i, Y + e] - drones[i, SPY + e]
        drones[i, E0 + 2 * WIDTH + e] = w[LZ + e] - drones[i, Z + e] - drones[i, SPZ + e]
        drones[i, E0 + 3 * WIDTH + e] = 0.5 * (w[LVX + e] - drones[i, VX + e] - drones[i, SVX + e])
        drones[i, E0 + 4 * WIDTH + e] = 0.5 * (w[LVY + e] - drones[i, VY + e] - drones[i, SVY + e])
        drones[i, E0 + 5 * WIDTH + e] = 0.5 * (w[LVZ + e] - drones[i, VZ + e] - drones[i, SVZ + e])
        drones[i, E0 + 6 * WIDTH + e] = gx
        drones[i, E0 + 7 * WIDTH + e] = gy
        drones[i, E0 + 8 * WIDTH + e] = gz
    # The global state has the load too.
    w[K0 + e], w[K0 + WIDTH + e], w[K0 + 2 * WIDTH + e] = w[LX + e], w[LY + e], w[LZ + e]
    w[K0 + 3 * WIDTH + e] = 0.5 * w[LVX + e]
    w[K0 + 4 * WIDTH + e] = 0.5 * w[LVY + e]
    w[K0 + 5 * WIDTH + e] = 0.5 * w[LVZ + e]


def laden_rotors(airframe: Airframe, *, mass: float) -> tuple[np.ndarray, np.ndarray]:
    """Return rotor speeds within 10 % of those of a drone that hovers with a mass hanging from it, kg.

    With 5 %, a drone that is left alone could not lift the load that was shared by two.
    """
    return limits("motors", airframe.replace(mass=airframe.mass + mass), share=0.1)


def steady_carriers(task: Task) -> Policy:
    """Fly the drones in their starting formation to where the load hangs at its goal."""
    pull = task.settings[LOAD] / task.airframe.mass * task.airframe.gravity

    def held_up(view: View) -> np.ndarray:
        """Return the accelerations of drones that hold the load up, each its share, by cables that hang as they do."""
        cables = view.positions - view.loads[:, None]
        shares = view.active / np.maximum(view.active.sum(axis=1, keepdims=True), 1)
        return np.asarray(pull * (shares / np.maximum(cables[..., 2], 0.2))[..., None] * cables)

    fly = pilot(task, accelerations=held_up)
    # Steps of a fixed speed are too coarse to damp a swing: they would feed it.
    gain, swing = (1.5, 0.4) if task.choices is None else (4.0, 0.0)

    def policy(view: View) -> np.ndarray:
        places = view.goals + view.memory[..., :3]
        velocities = wanted_velocities(view, places, gain=gain, fastest=0.5)
        # Drones that follow the load's swing take its energy.
        loose = view.load_velocities[:, None, :2] - view.velocities.mean(axis=1, keepdims=True)[..., :2]
        velocities[..., :2] += swing * loose
        return fly(view, velocities)

    return policy


def payload(n_drones: int, actions: str) -> Task:
    """Two to four drones carry a load of 12 g on cables of half a metre to a goal."""
    return Task(
        name="payload",
        summary="the drones carry a load, hanging from all of them by cables, to its goal and keep it there",
        n_drones=n_drones,
        control="motors" if actions == "motors" else "velocity",
        choices=AXES if actions == "discrete" else None,
        n_inputs=4 if actions == "motors" else 3,
        span=functools.partial(laden_rotors, mass=LOAD_MASS / n_drones) if actions == "motors" else half_speed,
        rate=30,
        seconds=10.0,
        airframe=airframe("cf2x"),
        scene=Scene((-2.5, -2.5, -0.1), (2.5, 2.5, 2.5)),
        spawn=spawn_laden,
        score=score_load,
        note=note_load,
        burden=carry,
        settings=(LOAD_MASS, 0.5, 30.0, 0.25, 0.3),
        n_extras=9,
        n_world=6,
        neighbours=n_drones - 1,
        figure="distance of the load to its goal, m",
        solved=0.15,
        expert=steady_carriers,
    )
