"""How far the compiled physics is from Bullet's: in free flight to the last digits, on the ground to millimetres.

Free flight has no chaos for a few seconds, so that two programs which follow the same recipe stay together, and a
difference shows a difference in the recipe. Contact is another matter: Bullet lets a body sink in and pushes it out,
where :func:`marlgt.games.drones.kernels.dynamics.settle` just stops it; there only what a task can notice should agree.
"""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np

from marlgt.errors import GameError
from marlgt.games.drones.airframes import Airframe
from marlgt.games.drones.backends.bullet_world import HARD, BulletWorld
from marlgt.games.drones.kernels.dynamics import advance, air, settle_all, spin
from marlgt.games.drones.kernels.lanes import WIDTH
from marlgt.games.drones.kernels.layout import (
    C0,
    C1,
    C2,
    C3,
    DRONE_FIELDS,
    H0,
    H3,
    HIT,
    INERTIA,
    MASS,
    N0,
    QW,
    QX,
    VX,
    WORLD_FIELDS,
    WZ,
    X,
    Z,
)
from marlgt.games.drones.scene import Scene
from marlgt.kernels import compiled, lane_loop

__all__ = [
    "REGIMES",
    "TRIALS",
    "GroundDeviation",
    "Trial",
    "fly_freely",
    "free_flight_deviation",
    "ground_deviation",
]

SUBSTEP, HELD = 1 / 240, 8
"""Seconds of a substep, and substeps for which a command is held (30 Hz)."""

REGIMES = {"2 % of hover": 0.02, "5 % of hover": 0.05, "50 % of hover": 0.5, "on and off": np.inf}
"""How far a random command of a rotor is from the speed of hovering; on and off is all or nothing."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Trial:
    """How one drone meets the ground.

    Attributes
    ----------
    height : float
        Of its centre at the start, metres.
    tilt : float
        About its x axis, radians.
    velocity : tuple of float
        Metres per second.
    turning : float
        About the vertical, radians per second.
    throttle : tuple of (float, float)
        For how many seconds its rotors run at which share of the speed of hovering, one after another.
    """

    height: float
    tilt: float = 0.0
    velocity: tuple[float, float, float] = (0.0, 0.0, 0.0)
    turning: float = 0.0
    throttle: tuple[tuple[float, float], ...] = ((2.0, 0.0),)


TRIALS = {
    "rest": Trial(height=0.02),
    "take-off after 2 s of rest": Trial(height=0.0135, throttle=((2.0, 0.0), (2.0, 1.05))),
    "take-off after 0.5 s of rest": Trial(height=0.0135, throttle=((0.5, 0.0), (2.0, 1.05))),
    "take-off at 1.2 of hover": Trial(height=0.0135, throttle=((2.0, 0.0), (1.0, 1.2))),
    "drop from 0.3 m": Trial(height=0.3),
    "drop from 0.3 m, tilted": Trial(height=0.3, tilt=0.3),
    "sink and rise again": Trial(height=0.3, velocity=(0.0, 0.0, -0.5), throttle=((2.0, 0.97),)),
    "slide at 1 m/s": Trial(height=0.0135, velocity=(1.0, 0.0, 0.0)),
    "slide at 0.3 m/s, light": Trial(height=0.0135, velocity=(0.3, 0.0, 0.0), throttle=((2.0, 0.7),)),
    "turn at 5 rad/s": Trial(height=0.0135, turning=5.0),
    "hard landing at 2 m/s": Trial(height=0.5, velocity=(0.0, 0.0, -2.0), throttle=((2.0, 1.0),)),
}
"""Ways to meet the ground, by name."""


@dataclasses.dataclass(frozen=True)
class GroundDeviation:
    """How our ground differs from Bullet's in one trial.

    Attributes
    ----------
    height, sideways : float
        Difference at the end, metres.
    highest : float
        Greatest difference in height on the way, metres.
    heights, tilts : tuple of float
        At the end, ours and Bullet's, metres and radians.
    hits : tuple of bool
        Whether it counts as a hard landing, by ours and by Bullet.
    """

    height: float
    sideways: float
    highest: float
    heights: tuple[float, float]
    tilts: tuple[float, float]
    hits: tuple[bool, bool]


_HIGH = 50.0
_STATE = slice(X // WIDTH, WZ // WIDTH + 1)


@lane_loop
def fly_freely(drones: Any, w: Any, p: Any, commands: Any, held: int, grounded: int) -> None:
    """Fly the drones of a block through a sequence of commands, shape (periods, n_drones, 4 * WIDTH).

    With ``grounded`` there is a ground.
    """
    for k in range(commands.shape[0]):
        for i in range(drones.shape[0]):
            d, wanted = drones[i], commands[k, i]
            for e in range(WIDTH):
                d[C0 + e], d[C1 + e] = wanted[e], wanted[WIDTH + e]
                d[C2 + e], d[C3 + e] = wanted[2 * WIDTH + e], wanted[3 * WIDTH + e]
            for _ in range(held):
                for e in range(WIDTH):
                    spin(d, p, e)
                    air(d, w, p, e)
                for e in range(WIDTH):
                    advance(d, p, e)
                if grounded:
                    settle_all(d, p)


@lane_loop
def breathe(drones: Any, w: Any, p: Any, e: int) -> None:
    """Bring rotors and air of the drones of one lane up to the present substep."""
    for i in range(drones.shape[0]):
        spin(drones[i], p, e)
        air(drones[i], w, p, e)


def free_flight_deviation(
    airframe: Airframe, regime: str, *, single: bool = False, seconds: float = 2.0, blocks: int = 4, seed: int = 0
) -> tuple[float, float]:
    """Fly random drones in our physics and in Bullet's, and return how far apart they get.

    Parameters
    ----------
    airframe : Airframe
        With its motor lag and its drag. There is no ground in free flight, so its ground effect plays no part.
    regime : str
        One of ``REGIMES``.
    single : bool, default False
        Whether our physics uses float32; Bullet uses float64 always.
    seconds : float, default 2.0
    blocks : int, default 4
        Times ``WIDTH`` drones fly.
    seed : int, default 0

    Returns
    -------
    tuple of float
        Greatest distance, metres, and greatest angle between attitudes, radians, at the end of a command.
    """
    if regime not in REGIMES:
        raise GameError(f"there is no regime {regime!r}: choose from {', '.join(map(repr, REGIMES))}")
    frame = airframe.replace(ground_effect=0.0)
    rng = np.random.default_rng(seed)
    periods = round(seconds / (SUBSTEP * HELD))
    drones = _random_block(frame, blocks, rng)
    commands = _random_commands(frame, regime, (periods, blocks, 4 * WIDTH), rng)
    states = _bullet_flights(frame, drones, commands)
    kind = np.float32 if single else np.float64
    ours, still = drones.astype(kind), np.zeros(WORLD_FIELDS * WIDTH, dtype=kind)
    parameters, wanted = frame.parameters(SUBSTEP).astype(kind), commands.astype(kind)
    fly = compiled(fly_freely, single=single)
    far, turned = 0.0, 0.0
    for k in range(periods):
        fly(ours, still, parameters, wanted[k : k + 1], HELD, 0)
        state = ours.astype(float).reshape(blocks, DRONE_FIELDS, WIDTH)[:, _STATE]
        far = max(far, float(np.sqrt(((state[:, :3] - states[k, :, :3]) ** 2).sum(axis=1)).max()))
        turned = max(turned, float(_angles(state[:, 3:7], states[k, :, 3:7]).max()))
    return far, turned


def ground_deviation(airframe: Airframe, trial: Trial) -> GroundDeviation:
    """Let a drone meet our ground and Bullet's, and return how they differ."""
    start = _block(airframe, 1)
    lane = start[0, ::WIDTH]
    lane[Z // WIDTH], lane[WZ // WIDTH] = trial.height, trial.turning
    lane[QX // WIDTH], lane[QW // WIDTH] = np.sin(trial.tilt / 2), np.cos(trial.tilt / 2)
    lane[VX // WIDTH : VX // WIDTH + 3] = trial.velocity
    speeds = np.concatenate(
        [np.full(round(time / SUBSTEP), share * airframe.hover_rpm) for time, share in trial.throttle]
    )
    commands = np.repeat(speeds, 4 * WIDTH).reshape(-1, 1, 4 * WIDTH)
    start[:, N0 : C3 + WIDTH] = speeds[0]
    still, parameters = np.zeros(WORLD_FIELDS * WIDTH), airframe.parameters(SUBSTEP)
    ours, theirs = start.copy(), start.copy()
    paths = np.empty((2, len(speeds), 13))
    hard = False
    with BulletWorld(airframe, Scene(), 1, step=SUBSTEP) as world:
        world.place(theirs, 0)
        for k, speed in enumerate(speeds):
            compiled(fly_freely)(ours, still, parameters, commands[k : k + 1], 1, 1)
            theirs[0, C0 : C3 + WIDTH] = speed
            compiled(breathe)(theirs, still, parameters, 0)
            world.substep(theirs, 0)
            paths[0, k], paths[1, k] = ours[0, ::WIDTH][_STATE], theirs[0, ::WIDTH][_STATE]
            hard = hard or bool(world.contacts()[0, HARD])
    apart = paths[0] - paths[1]
    tilts = np.arccos(np.clip(1.0 - 2.0 * (paths[:, -1, 3] ** 2 + paths[:, -1, 4] ** 2), -1.0, 1.0))
    return GroundDeviation(
        height=float(abs(apart[-1, 2])),
        sideways=float(np.hypot(*apart[-1, :2])),
        highest=float(abs(apart[:, 2]).max()),
        heights=(float(paths[0, -1, 2]), float(paths[1, -1, 2])),
        tilts=(float(tilts[0]), float(tilts[1])),
        hits=(bool(ours[0, HIT]), hard),
    )


def _random_block(frame: Airframe, blocks: int, rng: np.random.Generator) -> np.ndarray:
    drones = _block(frame, blocks)
    table = drones.reshape(blocks, DRONE_FIELDS, WIDTH)
    shape = (blocks, 3, WIDTH)
    tilt = 0.5 * rng.uniform(-1.0, 1.0, shape)
    size = np.sqrt((tilt**2).sum(axis=1, keepdims=True))
    table[:, QX // WIDTH : QW // WIDTH] = np.sin(size) * tilt / size
    table[:, QW // WIDTH] = np.cos(size[:, 0])
    table[:, X // WIDTH : Z // WIDTH + 1] = rng.uniform(-1.0, 1.0, shape)
    table[:, VX // WIDTH : VX // WIDTH + 3] = rng.uniform(-1.0, 1.0, shape)
    table[:, WZ // WIDTH - 2 : WZ // WIDTH + 1] = rng.uniform(-3.0, 3.0, shape)
    return drones


def _random_commands(frame: Airframe, regime: str, shape: tuple[int, ...], rng: np.random.Generator) -> np.ndarray:
    share = REGIMES[regime]
    if share == np.inf:
        speeds = frame.max_rpm * rng.integers(0, 2, shape)
    else:
        speeds = np.minimum(frame.hover_rpm * (1.0 + share * rng.uniform(-1.0, 1.0, shape)), frame.max_rpm)
    # Both precisions fly the same commands.
    return np.asarray(speeds, dtype=np.float32).astype(float)


def _block(frame: Airframe, n_drones: int) -> np.ndarray:
    """Return drones at rest at the origin, with their rotors at hover speed."""
    drones = np.zeros((n_drones, DRONE_FIELDS * WIDTH))
    table = drones.reshape(n_drones, DRONE_FIELDS, WIDTH)
    table[:, [QW // WIDTH, INERTIA // WIDTH]] = 1.0
    table[:, H0 // WIDTH : H3 // WIDTH + 1] = 1.0
    table[:, MASS // WIDTH] = frame.mass
    table[:, N0 // WIDTH : C3 // WIDTH + 1] = frame.hover_rpm
    return drones


def _bullet_flights(frame: Airframe, drones: np.ndarray, commands: np.ndarray) -> np.ndarray:
    """Return the states after each command in Bullet, shape (periods, blocks, 13, WIDTH), of one drone at a time."""
    periods, blocks, _ = commands.shape
    states = np.empty((periods, blocks, 13, WIDTH))
    wanted = commands.reshape(periods, blocks, 4, WIDTH)
    still, parameters = np.zeros(WORLD_FIELDS * WIDTH), frame.parameters(SUBSTEP)
    ready = compiled(breathe)
    with BulletWorld(frame, Scene(), 1, step=SUBSTEP) as world:
        for i in range(blocks):
            row = drones[i : i + 1].copy()
            # The ground is out of the way.
            row[:, Z : Z + WIDTH] += _HIGH
            for e in range(WIDTH):
                world.place(row, e)
                lane = row[0, e::WIDTH]
                for k in range(periods):
                    lane[C0 // WIDTH : C3 // WIDTH + 1] = wanted[k, i, :, e]
                    for _ in range(HELD):
                        ready(row, still, parameters, e)
                        world.substep(row, e)
                    states[k, i, :, e] = lane[_STATE]
    states[:, :, 2] -= _HIGH
    return states


def _angles(one: np.ndarray, other: np.ndarray) -> np.ndarray:
    """Return the angles between attitudes, quaternions along axis 1; a quaternion and its negative are one attitude."""
    apart = np.minimum(((one - other) ** 2).sum(axis=1), ((one + other) ** 2).sum(axis=1))
    angles: np.ndarray = 4.0 * np.arcsin(np.minimum(np.sqrt(apart) / 2.0, 1.0))
    return angles
