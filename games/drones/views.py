"""What scripted policies know: the true state of every environment of a batch, as plain arrays."""

from __future__ import annotations

import dataclasses

import numpy as np

from marlgt.games.drones.kernels import layout
from marlgt.games.drones.kernels.lanes import WIDTH

__all__ = ["View", "view_of"]


@dataclasses.dataclass(frozen=True)
class View:
    """The true state of B environments with n drones each; changing it changes nothing.

    Attributes
    ----------
    positions, velocities, rates : ndarray, shape (B, n, 3)
        In world axes: metres, metres per second, and angular velocity, radians per second.
    rotations : ndarray, shape (B, n, 3, 3)
        From body to world axes.
    quaternions : ndarray, shape (B, n, 4)
        The same as x, y, z, w.
    rotors : ndarray, shape (B, n, 4)
        Rotor speeds, revolutions per minute.
    goals, goal_velocities : ndarray, shape (B, n, 3)
    active : ndarray of bool, shape (B, n)
        Which drones take part.
    memory : ndarray, shape (B, n, 4)
        The task's own numbers for each drone.
    world : ndarray, shape (B, TASK_FIELDS)
        The task's own numbers for the world.
    loads, load_velocities, winds : ndarray, shape (B, 3)
    errors : ndarray, shape (B,)
        The error of the last step.
    ticks : ndarray of int, shape (B,)
        Control steps since the episode began.
    crashed : ndarray of bool, shape (B,)
        Whether the last step was a crash.
    """

    positions: np.ndarray
    velocities: np.ndarray
    rates: np.ndarray
    rotations: np.ndarray
    quaternions: np.ndarray
    rotors: np.ndarray
    goals: np.ndarray
    goal_velocities: np.ndarray
    active: np.ndarray
    memory: np.ndarray
    world: np.ndarray
    loads: np.ndarray
    load_velocities: np.ndarray
    winds: np.ndarray
    errors: np.ndarray
    ticks: np.ndarray
    crashed: np.ndarray


def view_of(drones: np.ndarray, world: np.ndarray, clock: np.ndarray, n_envs: int) -> View:
    """Return the view of a table of blocks.

    Parameters
    ----------
    drones : ndarray, shape (blocks, n, DRONE_FIELDS * WIDTH)
    world : ndarray, shape (blocks, WORLD_FIELDS * WIDTH)
    clock : ndarray of int64, shape (blocks, CLOCK_FIELDS * WIDTH)
    n_envs : int
        How many lanes, in order, are environments.
    """
    blocks, n = drones.shape[:2]
    lanes = np.moveaxis(drones.reshape(blocks, n, -1, WIDTH), 3, 1).reshape(blocks * WIDTH, n, -1)[:n_envs]
    worlds = np.moveaxis(world.reshape(blocks, -1, WIDTH), 2, 1).reshape(blocks * WIDTH, -1)[:n_envs]
    clocks = np.moveaxis(clock.reshape(blocks, -1, WIDTH), 2, 1).reshape(blocks * WIDTH, -1)[:n_envs]

    def drone(field: int, count: int) -> np.ndarray:
        first = field // WIDTH
        return np.array(lanes[:, :, first : first + count], dtype=np.float64)

    def worldly(field: int, count: int) -> np.ndarray:
        first = field // WIDTH
        return np.array(worlds[:, first : first + count], dtype=np.float64)

    quaternions = drone(layout.QX, 4)
    return View(
        positions=drone(layout.X, 3),
        velocities=drone(layout.VX, 3),
        rates=drone(layout.WX, 3),
        rotations=rotations_of(quaternions),
        quaternions=quaternions,
        rotors=drone(layout.N0, 4),
        goals=drone(layout.GX, 3),
        goal_velocities=drone(layout.GVX, 3),
        active=drone(layout.ACTIVE, 1)[:, :, 0] > 0,
        memory=drone(layout.M0, 4),
        world=worldly(layout.K0, layout.TASK_FIELDS),
        loads=worldly(layout.LX, 3),
        load_velocities=worldly(layout.LVX, 3),
        winds=worldly(layout.WIND_X, 3),
        errors=worldly(layout.ERROR, 1)[:, 0],
        ticks=clocks[:, layout.TICK // WIDTH].copy(),
        crashed=worldly(layout.CRASHED, 1)[:, 0] > 0,
    )


def rotations_of(quaternions: np.ndarray) -> np.ndarray:
    """Return rotation matrices, shape (..., 3, 3), of unit quaternions x, y, z, w, shape (..., 4)."""
    x, y, z, w = np.moveaxis(quaternions, -1, 0)
    rows = [
        [1 - 2 * (y * y + z * z), 2 * (x * y - z * w), 2 * (x * z + y * w)],
        [2 * (x * y + z * w), 1 - 2 * (x * x + z * z), 2 * (y * z - x * w)],
        [2 * (x * z - y * w), 2 * (y * z + x * w), 1 - 2 * (x * x + y * y)],
    ]
    return np.stack([np.stack(row, axis=-1) for row in rows], axis=-2)
