"""Coverage: as many targets as drones lie scattered, and each shall have a drone near; who takes which is free.

With d_k the distance from target k to the nearest drone, metres, all drones get the same reward in each step::

    mean_k exp(-2 d_k)

The error is the share of targets farther than 0.2 m from every drone; a drone that is lost excuses one target.

Each drone has as its goal the target nearest to it, which may be that of another drone too. Its observation has as
extras, for each target in the same order for all drones, its place as seen from the drone, clipped to 2 m, and the
distance from the target to the nearest *other* drone, at most 2 m (4 numbers a target). The global state has as
world's numbers the targets' positions.
"""

from __future__ import annotations

from math import cos, exp, sin, sqrt
from typing import Any

import numpy as np

from marlgt.games.drones.airframes import airframe
from marlgt.games.drones.experts import Policy, pilot, wanted_velocities
from marlgt.games.drones.kernels.draws import between, uniform
from marlgt.games.drones.kernels.lanes import WIDTH, clip, least, most, where
from marlgt.games.drones.kernels.layout import ACTIVE, E0, ERROR, GX, GY, GZ, K0, REWARD, SPX, SPY, SPZ, X, Y, Z
from marlgt.games.drones.scene import Scene
from marlgt.games.drones.task import TASK_DRAWS, Task
from marlgt.games.drones.tasks._choices import AXES
from marlgt.games.drones.tasks._spacing import kept_apart
from marlgt.games.drones.tasks._spans import half_speed
from marlgt.games.drones.views import View
from marlgt.kernels import lane_kernel

__all__ = ["coverage"]

TURN = 6.283185307179586
START = 0.45
"""About how far apart the drones start, metres."""
NEAR = 0.2
"""Distance within which a drone covers a target, metres."""
FAR = 1e6
"""Square of a distance, m², to a drone that is not there."""


@lane_kernel
def square(drones: Any, w: Any, i: int, k: int, e: int) -> Any:
    """Return the squared distance from drone ``i`` to target ``k``, m²."""
    at = K0 + 3 * k * WIDTH + e
    dx, dy, dz = w[at] - drones[i, X + e], w[at + WIDTH] - drones[i, Y + e], w[at + 2 * WIDTH] - drones[i, Z + e]
    return dx * dx + dy * dy + dz * dz


@lane_kernel
def aim_at_nearest(drones: Any, w: Any, n: int, e: int) -> None:
    """Make the nearest target each drone's goal."""
    for i in range(n):
        nearest, x, y, z = square(drones, w, i, 0, e), w[K0 + e], w[K0 + WIDTH + e], w[K0 + 2 * WIDTH + e]
        for k in range(1, n):
            at, there = K0 + 3 * k * WIDTH + e, square(drones, w, i, k, e)
            nearer = there < nearest
            x, y, z = where(nearer, w[at], x), where(nearer, w[at + WIDTH], y), where(nearer, w[at + 2 * WIDTH], z)
            nearest = least(there, nearest)
        drones[i, GX + e], drones[i, GY + e], drones[i, GZ + e] = x, y, z


@lane_kernel
def spawn_for_targets(drones: Any, w: Any, c: Any, p: Any, q: Any, n: int, e: int) -> None:
    """Start the drones in the middle, and lay one target in each sector of a ring around."""
    turn, start, radius = TURN * uniform(c, TASK_DRAWS, e), TURN * uniform(c, TASK_DRAWS + 1, e), q[0]
    for i in range(n):
        k = TASK_DRAWS + 8 * (i + 1)
        at = K0 + 3 * i * WIDTH + e
        angle, reach = turn + TURN / n * (i + between(-0.16, 0.16, c, k, e)), between(0.7, 1.3, c, k + 1, e)
        w[at], w[at + WIDTH] = reach * cos(angle), reach * sin(angle)
        w[at + 2 * WIDTH] = between(0.7, 1.4, c, k + 2, e)
        angle = start + TURN * i / n
        drones[i, X + e] = radius * cos(angle) + between(-0.05, 0.05, c, k + 3, e)
        drones[i, Y + e] = radius * sin(angle) + between(-0.05, 0.05, c, k + 4, e)
        drones[i, Z + e] = 1.0 + between(-0.2, 0.2, c, k + 5, e)
    aim_at_nearest(drones, w, n, e)


@lane_kernel
def score_coverage(drones: Any, w: Any, c: Any, p: Any, q: Any, n: int, e: int) -> None:
    """Reward all drones by the mean of exp(-2 d) over the targets; the error is the share of targets uncovered."""
    worth, bare, share = 0.0, 0.0, q[1]
    for k in range(n):
        nearest = FAR
        for i in range(n):
            nearest = least(where(drones[i, ACTIVE + e] > 0.5, square(drones, w, i, k, e), FAR), nearest)
        worth = worth + exp(-2.0 * sqrt(nearest))
        # Each target left bare counts, and each drone that is lost excuses one.
        bare = bare + where(nearest > NEAR * NEAR, drones[k, ACTIVE + e], drones[k, ACTIVE + e] - 1.0)
    for i in range(n):
        drones[i, REWARD + e] = share * worth
    w[ERROR + e] = share * most(bare, 0.0)
    aim_at_nearest(drones, w, n, e)


@lane_kernel
def note_targets(drones: Any, w: Any, c: Any, p: Any, q: Any, n: int, e: int) -> None:
    """Show each drone all targets, and how near to each another drone is."""
    for i in range(n):
        x, y, z = drones[i, X + e] + drones[i, SPX + e], drones[i, Y + e] + drones[i, SPY + e], drones[i, Z + e]
        z = z + drones[i, SPZ + e]
        for k in range(n):
            at, extra = K0 + 3 * k * WIDTH + e, E0 + 4 * k * WIDTH + e
            drones[i, extra] = clip(w[at] - x, -2.0, 2.0)
            drones[i, extra + WIDTH] = clip(w[at + WIDTH] - y, -2.0, 2.0)
            drones[i, extra + 2 * WIDTH] = clip(w[at + 2 * WIDTH] - z, -2.0, 2.0)
            nearest = 4.0
            for j in range(n):
                if j != i:
                    nearest = least(where(drones[j, ACTIVE + e] > 0.5, square(drones, w, j, k, e), 4.0), nearest)
            drones[i, extra + 3 * WIDTH] = sqrt(nearest)


def assigned_targets(view: View) -> np.ndarray:
    """Return where each drone shall fly so that the sum of squared distances is least, shape (B, n, 3), metres.

    Straight ways of such an assignment do not meet in the same moment. A drone that is lost is sent nowhere.
    """
    from scipy.optimize import linear_sum_assignment

    n = view.positions.shape[1]
    targets = view.world[:, : 3 * n].reshape(-1, n, 3)
    squares = ((view.positions[:, :, None] - targets[:, None]) ** 2).sum(axis=3)
    goals = view.positions.copy()
    for b, costs in enumerate(squares):
        flying = np.flatnonzero(view.active[b])
        rows, columns = linear_sum_assignment(costs[flying])
        goals[b, flying[rows]] = targets[b, columns]
    return goals


def share_targets(task: Task) -> Policy:
    """Send each drone to a target of its own by the Hungarian method, out of the way of the others."""
    fly, gain = pilot(task), 2.0 if task.choices is None else 6.5

    def policy(view: View) -> np.ndarray:
        wanted = wanted_velocities(view, assigned_targets(view), gain=gain)
        return fly(view, kept_apart(view, wanted, fastest=1.0))

    return policy


def coverage(n_drones: int, actions: str) -> Task:
    """Three to six drones cover as many targets."""
    return Task(
        name="coverage",
        summary="each of as many targets as drones has a drone near, whoever takes which",
        n_drones=n_drones,
        control="velocity",
        choices=AXES if actions == "discrete" else None,
        n_inputs=3,
        span=half_speed,
        rate=30,
        seconds=8.0,
        airframe=airframe("cf2x"),
        scene=Scene((-2.5, -2.5, -0.1), (2.5, 2.5, 2.5)),
        spawn=spawn_for_targets,
        score=score_coverage,
        note=note_targets,
        settings=(0.5 * START / sin(0.5 * TURN / n_drones), 1.0 / n_drones),
        n_extras=4 * n_drones,
        n_world=3 * n_drones,
        neighbours=min(n_drones - 1, 3),
        figure="share of targets without a drone within 0.2 m",
        solved=0.1,
        expert=share_targets,
    )
