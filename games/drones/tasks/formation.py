"""Formation: the drones take the corners of a regular polygon at a given place; who takes which is free.

The polygon is horizontal, its neighbouring corners 0.7 m apart; centre and turn are drawn anew in each episode. With P
the drones' positions and V the corners, H is their Hausdorff distance, the larger of max_v min_p |p - v| and
max_p min_v |p - v|, and d_v = min_p |p - v| is how far corner v is from its nearest drone. With f(x) =
1/(1 + (1.6 x)²), as in OmniDrones (Xu et al., 2024), all drones get the same reward in each step::

    (f(H) + mean_v f(d_v)) / 2 * min(1, s / 0.35)

where s is the distance of the two drones nearest to each other. H alone, which is the error, would make the reward
depend on the worst placed drone only, and an improvement of any other go unseen.

Each drone is offered a corner as its goal, so that like drones with like policies can part; another will do as well.
Its observation has as extras the other corners as seen from the drone, in x and y, clipped to 2 m, in the order of the
circle from its own: their height is that of its goal. If drones are lost, the polygon is one of as many corners as
there are drones left. The global state has as world's numbers the centre, and cosine and sine of the turn.
"""

from __future__ import annotations

from math import cos, sin, sqrt
from typing import Any

import numpy as np

from marlgt.games.drones.airframes import airframe
from marlgt.games.drones.experts import Policy, pilot, wanted_velocities
from marlgt.games.drones.kernels.draws import between, uniform
from marlgt.games.drones.kernels.lanes import WIDTH, clip, least, most, where
from marlgt.games.drones.kernels.layout import ACTIVE, E0, ERROR, GX, GY, GZ, K0, REWARD, SPX, SPY, X, Y, Z
from marlgt.games.drones.scene import Scene
from marlgt.games.drones.task import TASK_DRAWS, Task
from marlgt.games.drones.tasks._choices import AXES
from marlgt.games.drones.tasks._spacing import kept_apart
from marlgt.games.drones.tasks._spans import half_speed, trimmed_rotors
from marlgt.games.drones.views import View
from marlgt.kernels import lane_kernel

__all__ = ["polygon_formation"]

TURN = 6.283185307179586
SIDE = 0.7
"""Distance of neighbouring corners, metres."""
START = 1.0
"""About how far apart neighbouring drones start, metres."""
SAFE = 0.35
"""Distance of two drones from which their nearness costs reward, metres."""
FAR = 1e6
"""Square of a distance, m², to a drone that is not there."""

CENTRE_X, CENTRE_Y, CENTRE_Z, COSINE, SINE = K0, K0 + WIDTH, K0 + 2 * WIDTH, K0 + 3 * WIDTH, K0 + 4 * WIDTH


@lane_kernel
def circumradius(corners: Any) -> Any:
    """Return the radius of the circle through the corners of a regular polygon, metres; 0 for one corner."""
    several = most(corners, 2.0)
    return where(corners > 1.5, 0.5 * SIDE / sin(0.5 * TURN / several), 0.0)


@lane_kernel
def drones_left(drones: Any, n: int, e: int) -> Any:
    """Return how many drones take part, at least 1."""
    left = 0.0
    for i in range(n):
        left = left + drones[i, ACTIVE + e]
    return most(left, 1.0)


@lane_kernel
def offer_corners(drones: Any, w: Any, n: int, e: int) -> None:
    """Set as goals of the drones that take part, in their order, the corners of the polygon, in theirs."""
    left = drones_left(drones, n, e)
    radius, step = circumradius(left), TURN / left
    c, s = cos(step), sin(step)
    x, y = radius * w[COSINE + e], radius * w[SINE + e]
    for i in range(n):
        drones[i, GX + e], drones[i, GY + e] = w[CENTRE_X + e] + x, w[CENTRE_Y + e] + y
        drones[i, GZ + e] = w[CENTRE_Z + e]
        active = drones[i, ACTIVE + e]
        x, y = x + active * (c * x - s * y - x), y + active * (s * x + c * y - y)


@lane_kernel
def gap(drones: Any, i: int, j: int, e: int) -> Any:
    """Return the squared distance from drone ``i`` to the goal of drone ``j``, or ``FAR`` if either is lost."""
    dx, dy = drones[i, X + e] - drones[j, GX + e], drones[i, Y + e] - drones[j, GY + e]
    dz = drones[i, Z + e] - drones[j, GZ + e]
    there = drones[i, ACTIVE + e] * drones[j, ACTIVE + e]
    return where(there > 0.5, least(dx * dx + dy * dy + dz * dz, FAR), FAR)


@lane_kernel
def separation(drones: Any, n: int, e: int) -> Any:
    """Return the distance of the two drones nearest to each other among those that take part, metres."""
    nearest = FAR + 0.0 * drones[0, X + e]
    for i in range(n):
        for j in range(i):
            dx, dy = drones[i, X + e] - drones[j, X + e], drones[i, Y + e] - drones[j, Y + e]
            dz = drones[i, Z + e] - drones[j, Z + e]
            there = drones[i, ACTIVE + e] * drones[j, ACTIVE + e]
            nearest = least(nearest, where(there > 0.5, dx * dx + dy * dy + dz * dz, FAR))
    return sqrt(nearest)


@lane_kernel
def spawn_scattered(drones: Any, w: Any, c: Any, p: Any, q: Any, n: int, e: int) -> None:
    """Draw the polygon, and start the drones about the middle of the arena, each towards the corner it is offered."""
    w[CENTRE_X + e] = between(-0.5, 0.5, c, TASK_DRAWS, e)
    w[CENTRE_Y + e] = between(-0.5, 0.5, c, TASK_DRAWS + 1, e)
    w[CENTRE_Z + e] = between(0.9, 1.3, c, TASK_DRAWS + 2, e)
    angle = TURN * uniform(c, TASK_DRAWS + 3, e)
    w[COSINE + e], w[SINE + e] = cos(angle), sin(angle)
    offer_corners(drones, w, n, e)
    # Half a side more or less, so that the nearest corner need not be the one that is offered.
    start = angle + (0.5 * TURN / n) * between(-1.0, 1.0, c, TASK_DRAWS + 4, e)
    radius = q[0]
    for i in range(n):
        k = TASK_DRAWS + 8 * (i + 1)
        drones[i, X + e] = radius * cos(start + TURN * i / n) + between(-0.24, 0.24, c, k, e)
        drones[i, Y + e] = radius * sin(start + TURN * i / n) + between(-0.24, 0.24, c, k + 1, e)
        drones[i, Z + e] = 1.0 + between(-0.3, 0.3, c, k + 2, e)


@lane_kernel
def closeness(square: Any) -> Any:
    """Return 1/(1 + (1.6 x)²) of the square of x."""
    return 1.0 / (1.0 + 2.56 * square)


@lane_kernel
def score_formation(drones: Any, w: Any, c: Any, p: Any, q: Any, n: int, e: int) -> None:
    """Reward all drones by how well they cover the corners, see the module; the error is the Hausdorff distance."""
    offer_corners(drones, w, n, e)
    left = drones_left(drones, n, e)
    worst, worth = 0.0, 0.0
    for i in range(n):
        active = drones[i, ACTIVE + e]
        from_corner, from_drone = FAR, FAR
        for j in range(n):
            from_corner, from_drone = least(gap(drones, j, i, e), from_corner), least(gap(drones, i, j, e), from_drone)
        worst = most(active * most(from_corner, from_drone), worst)
        worth = worth + active * closeness(from_corner)
    shared = 0.5 * (closeness(worst) + worth / left) * least(separation(drones, n, e) / SAFE, 1.0)
    for i in range(n):
        drones[i, REWARD + e] = shared
    w[ERROR + e] = sqrt(worst)


@lane_kernel
def note_corners(drones: Any, w: Any, c: Any, p: Any, q: Any, n: int, e: int) -> None:
    """Show each drone the other corners, in the order of the circle from its own."""
    step = TURN / drones_left(drones, n, e)
    turn_x, turn_y = cos(step), sin(step)
    for i in range(n):
        x, y = drones[i, GX + e] - w[CENTRE_X + e], drones[i, GY + e] - w[CENTRE_Y + e]
        own_x, own_y = drones[i, X + e] + drones[i, SPX + e], drones[i, Y + e] + drones[i, SPY + e]
        for k in range(n - 1):
            x, y = turn_x * x - turn_y * y, turn_y * x + turn_x * y
            drones[i, E0 + 2 * k * WIDTH + e] = clip(w[CENTRE_X + e] + x - own_x, -2.0, 2.0)
            drones[i, E0 + (2 * k + 1) * WIDTH + e] = clip(w[CENTRE_Y + e] + y - own_y, -2.0, 2.0)


def take_corners(task: Task) -> Policy:
    """Fly each drone to the corner that it is offered, out of the way of the others."""
    fly, gain = pilot(task), 2.0 if task.choices is None else 6.5

    def policy(view: View) -> np.ndarray:
        return fly(view, kept_apart(view, wanted_velocities(view, view.goals, gain=gain), fastest=1.0))

    return policy


def polygon_formation(n_drones: int, actions: str) -> Task:
    """Three to eight drones take the corners of a polygon."""
    return Task(
        name="formation",
        summary="the drones take the corners of a regular polygon at a given place, whoever takes which",
        n_drones=n_drones,
        control="motors" if actions == "motors" else "velocity",
        choices=AXES if actions == "discrete" else None,
        n_inputs=4 if actions == "motors" else 3,
        span=trimmed_rotors if actions == "motors" else half_speed,
        rate=30,
        seconds=8.0,
        airframe=airframe("cf2x"),
        scene=Scene((-2.5, -2.5, -0.1), (2.5, 2.5, 2.5)),
        spawn=spawn_scattered,
        score=score_formation,
        note=note_corners,
        settings=(0.5 * START / sin(0.5 * TURN / n_drones),),
        n_extras=2 * (n_drones - 1),
        n_world=5,
        neighbours=min(n_drones - 1, 3),
        figure="Hausdorff distance to the shape, m",
        solved=0.15,
        expert=take_corners,
    )
