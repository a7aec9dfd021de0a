"""Pursuit: one to three drones hunt another, which is faster; a zero-sum game of two teams.

The last drone is the evader, and flies at 1.2 times the pursuers' speeds. It is caught once an active pursuer is within
0.2 m. With d the distance of the nearest active pursuer before and after a control step, the pursuers' team earns::

    1                                       where the evader is caught, or has crashed while no pursuer has
    -1                                      where a pursuer has crashed and the evader has not
    clip(0.25 (d_before - d_after), ±0.1)   otherwise

and the evader the negative; each of m active pursuers has a share of 1/m. So the rewards of a step sum to 0, the
distance that counts is what is left of it at the end, and nobody gains by crashing: flying out of the arena, into the
ground or into a team mate loses the game for one's side. What is caught ends the episode; the clock is the evader's
success. A drone that is lost neither hunts nor counts, and a side without drones ends the game with nothing earned.
"""

from __future__ import annotations

import itertools
from math import cos, sin, sqrt
from typing import Any

import numpy as np

from marlgt.games.drones.airframes import airframe
from marlgt.games.drones.experts import Policy, nearest_choices
from marlgt.games.drones.kernels.draws import between, uniform
from marlgt.games.drones.kernels.lanes import WIDTH, clip, least, most, where
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
    REWARD,
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
from marlgt.games.drones.tasks._spans import full_speed
from marlgt.games.drones.views import View
from marlgt.kernels import lane_kernel

__all__ = ["EVADER_PACE", "flee", "pursue", "pursuit"]

EVADER_PACE = 1.2
"""Speed of the evader by that of a pursuer."""

CAUGHT, CLOSING, MOST_CLOSING = 0.2, 0.25, 0.1
"""Distance, m, at which the evader is caught; reward per metre gained, and the most of it in a step."""

FAR = 100.0
"""Distance, m, to a pursuer that does not take part."""

ARENA = Scene((-2.0, -2.0, -0.1), (2.0, 2.0, 2.5))

DIRECTIONS = np.array([d for d in itertools.product((-1.0, 0.0, 1.0), repeat=3) if any(d)])
DIRECTIONS /= np.linalg.norm(DIRECTIONS, axis=1, keepdims=True)


@lane_kernel
def distance_to_evader(drones: Any, i: int, n: int, e: int) -> Any:
    """Return how far a pursuer is from the evader, metres; very far if it does not take part."""
    j = n - 1
    dx, dy, dz = (
        drones[i, X + e] - drones[j, X + e],
        drones[i, Y + e] - drones[j, Y + e],
        drones[i, Z + e] - drones[j, Z + e],
    )
    return where(drones[i, ACTIVE + e] > 0.0, sqrt(dx * dx + dy * dy + dz * dz), FAR)


@lane_kernel
def face_opponents(drones: Any, n: int, e: int) -> None:
    """Make of the evader each pursuer's goal, and of the nearest pursuer the evader's."""
    j = n - 1
    best = 2.0 * FAR + 0.0 * drones[j, X + e]
    for i in range(n - 1):
        drones[i, GX + e], drones[i, GY + e] = drones[j, X + e], drones[j, Y + e]
        drones[i, GZ + e], drones[i, GVX + e] = drones[j, Z + e], drones[j, VX + e]
        drones[i, GVY + e], drones[i, GVZ + e] = drones[j, VY + e], drones[j, VZ + e]
        d = distance_to_evader(drones, i, n, e)
        nearer = d < best
        best = least(d, best)
        drones[j, GX + e] = where(nearer, drones[i, X + e], drones[j, GX + e])
        drones[j, GY + e] = where(nearer, drones[i, Y + e], drones[j, GY + e])
        drones[j, GZ + e] = where(nearer, drones[i, Z + e], drones[j, GZ + e])
        drones[j, GVX + e] = where(nearer, drones[i, VX + e], drones[j, GVX + e])
        drones[j, GVY + e] = where(nearer, drones[i, VY + e], drones[j, GVY + e])
        drones[j, GVZ + e] = where(nearer, drones[i, VZ + e], drones[j, GVZ + e])


@lane_kernel
def spawn_pursuit(drones: Any, w: Any, c: Any, p: Any, q: Any, n: int, e: int) -> None:
    """Start the evader near the middle, and the pursuers on one side of it, side by side, 1.2 to 1.5 m away."""
    j = n - 1
    x, y = between(-0.3, 0.3, c, TASK_DRAWS, e), between(-0.3, 0.3, c, TASK_DRAWS + 1, e)
    drones[j, X + e], drones[j, Y + e], drones[j, Z + e] = x, y, between(0.8, 1.6, c, TASK_DRAWS + 2, e)
    turn = 6.283185307179586 * uniform(c, TASK_DRAWS + 3, e)
    for i in range(n - 1):
        k = TASK_DRAWS + 8 * (i + 1)
        # At least 1.2 m from the evader, neighbours are 0.6 rad and so 0.7 m apart.
        angle = turn + 0.6 * i
        way = between(1.2, 1.5, c, k, e)
        drones[i, X + e], drones[i, Y + e] = x + way * cos(angle), y + way * sin(angle)
        drones[i, Z + e] = between(0.8, 1.6, c, k + 1, e)
    nearest = FAR + 0.0 * x
    for i in range(n - 1):
        nearest = least(nearest, distance_to_evader(drones, i, n, e))
    w[K0 + e] = nearest
    face_opponents(drones, n, e)


@lane_kernel
def score_pursuit(drones: Any, w: Any, c: Any, p: Any, q: Any, n: int, e: int) -> None:
    """Reward the pursuers by what they come nearer and by a capture, and the evader by the negative.

    The error is 0 once the evader is caught, and before that the distance of the nearest pursuer.
    """
    j = n - 1
    evading = drones[j, ACTIVE + e]
    nearest, hunters, blunder = FAR + 0.0 * evading, 0.0 * evading, 0.0 * evading
    for i in range(n - 1):
        nearest = least(nearest, distance_to_evader(drones, i, n, e))
        hunters = hunters + drones[i, ACTIVE + e]
        blunder = most(blunder, drones[i, HIT + e] * drones[i, ACTIVE + e])
    caught = where(nearest <= CAUGHT, evading, 0.0)
    fallen = drones[j, HIT + e] * evading
    alone = most(1.0 - evading, where(hunters > 0.0, 0.0, 1.0))
    closing = clip(CLOSING * (w[K0 + e] - nearest), -MOST_CLOSING, MOST_CLOSING)
    gain = where(blunder + fallen > 0.0, fallen - blunder, closing)
    gain = where(caught > 0.0, 1.0, gain) * (1.0 - alone)
    w[K0 + e] = nearest
    w[ERROR + e] = where(caught > 0.0, 0.0, nearest)
    w[ENDED + e] = most(caught, alone)
    # To touch the evader is to catch it.
    w[CRASHED + e] = where(caught > 0.0, 0.0, w[CRASHED + e])
    share = gain / most(hunters, 1.0)
    for i in range(n - 1):
        drones[i, REWARD + e] = share * drones[i, ACTIVE + e]
    drones[j, REWARD + e] = -gain
    face_opponents(drones, n, e)


@lane_kernel
def note_pursuit(drones: Any, w: Any, c: Any, p: Any, q: Any, n: int, e: int) -> None:
    """Tell each drone its side, 1 for a pursuer and -1 for the evader, and how its nearest opponent moves."""
    for i in range(n):
        drones[i, E0 + e] = (1.0 if i < n - 1 else -1.0) + 0.0 * drones[i, X + e]
        drones[i, E0 + WIDTH + e] = 0.5 * (drones[i, GVX + e] - drones[i, VX + e] - drones[i, SVX + e])
        drones[i, E0 + 2 * WIDTH + e] = 0.5 * (drones[i, GVY + e] - drones[i, VY + e] - drones[i, SVY + e])
        drones[i, E0 + 3 * WIDTH + e] = 0.5 * (drones[i, GVZ + e] - drones[i, VZ + e] - drones[i, SVZ + e])


def pursue(view: View, *, lead: float = 0.9, scene: Scene = ARENA) -> np.ndarray:
    """Return unit velocities of the pursuers, shape (B, n - 1, 3), towards where the evader will be.

    Pursuers keep 0.6 m from one another, unless the evader is nearer than that, and keep off the walls.

    Parameters
    ----------
    lead : float
        Share of the time to the evader, but at most 0.8 s, for which its velocity is believed to last; 0: pure pursuit.
    scene : Scene
        The arena.
    """
    hunters = view.positions[:, :-1]
    offset = view.positions[:, -1:] - hunters
    gap = np.linalg.norm(offset, axis=2, keepdims=True)
    aim = offset + np.minimum(lead * gap, 0.8) * view.velocities[:, -1:]
    wanted = aim / np.maximum(np.linalg.norm(aim, axis=2, keepdims=True), 1e-9)
    apart = hunters[:, :, None] - hunters[:, None]
    distances = np.linalg.norm(apart, axis=3, keepdims=True)
    near = np.clip(1.0 - distances / 0.6, 0.0, 1.0) * view.active[:, None, :-1, None]
    wanted = wanted + (2.0 * near * apart / np.maximum(distances, 1e-9)).sum(axis=2)
    return _within(scene, hunters, view.velocities[:, :-1], _unit(wanted))


def flee(view: View, *, room: float = 0.05, scene: Scene = ARENA) -> np.ndarray:
    """Return the unit velocity of the evader, shape (B, 3): of 26 directions, that in which it stays furthest ahead.

    In each direction it is foreseen where the evader gets, within the walls, and how much farther from there a pursuer
    is than it can fly meanwhile; what counts is the least of it.

    Parameters
    ----------
    room : float
        How much a metre from a wall counts beside a metre from a pursuer.
    scene : Scene
        The arena.
    """
    me, velocity = view.positions[:, -1, None], view.velocities[:, -1, None]
    low, high = np.array([*scene.low[:2], 0.0]) + 0.2, np.array(scene.high) - 0.2
    worth = np.full((len(me), len(DIRECTIONS)), np.inf)
    for seconds in (0.25, 0.5, 0.9, 1.4):
        # Its velocity turns within some 0.2 s.
        late = 0.2 * (1.0 - np.exp(-seconds / 0.2))
        there = np.clip(me + late * velocity + EVADER_PACE * (seconds - late) * DIRECTIONS, low, high)
        gaps = np.linalg.norm(there[:, :, None] - view.positions[:, None, :-1], axis=3) - seconds
        worth = np.minimum(worth, np.where(view.active[:, None, :-1], gaps, FAR).min(axis=2))
    worth += room * np.minimum(np.minimum(there - low, high - there), 0.8).sum(axis=2)
    return _within(scene, me[:, 0], velocity[:, 0], DIRECTIONS[worth.argmax(axis=1)])


def _unit(vectors: np.ndarray) -> np.ndarray:
    return np.asarray(vectors / np.maximum(np.linalg.norm(vectors, axis=-1, keepdims=True), 1e-9))


def _within(scene: Scene, positions: np.ndarray, velocities: np.ndarray, wanted: np.ndarray) -> np.ndarray:
    """Turn unit velocities away from walls that are a third of a second ahead."""
    low = np.array([*scene.low[:2], 0.0]) + 0.15
    high = np.array(scene.high) - 0.15
    ahead = positions + 0.35 * velocities
    kept = np.where(ahead < low, np.maximum(wanted, 0.5), wanted)
    return np.asarray(np.where(ahead > high, np.minimum(kept, -0.5), kept))


def hunt_and_flee(task: Task) -> Policy:
    """Let the pursuers head off the evader, and the evader fly to where they come last."""
    scale = task.span(task.airframe)[1][:3]

    def policy(view: View) -> np.ndarray:
        units = np.zeros((*view.positions.shape[:2], 4))
        units[:, :-1, :3] = pursue(view, scene=task.scene) / scale
        units[:, -1, :3] = flee(view, scene=task.scene) / scale
        return nearest_choices(task, units)

    return policy


def pursuit(n_drones: int, actions: str) -> Task:
    """One to three pursuers hunt a faster evader, the last drone."""
    return Task(
        name="pursuit",
        summary="the pursuers catch the last drone, which is faster, before the clock runs out",
        n_drones=n_drones,
        control="velocity",
        choices=AXES if actions == "discrete" else None,
        n_inputs=3,
        span=full_speed,
        rate=30,
        seconds=10.0,
        airframe=airframe("cf2x"),
        scene=ARENA,
        spawn=spawn_pursuit,
        score=score_pursuit,
        note=note_pursuit,
        n_extras=4,
        n_world=1,
        neighbours=n_drones - 1,
        payoff="zero_sum",
        figure="distance of the nearest pursuer to the evader, m, 0 once it is caught",
        solved=CAUGHT,
        expert=hunt_and_flee,
        paces=(1.0,) * (n_drones - 1) + (EVADER_PACE,),
        teams=(0,) * (n_drones - 1) + (1,),
    )
