"""Pictures of drones by Bullet's renderer, which needs no screen: of an environment now, or of a recorded flight."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from marlgt.games.drones.airframes import Airframe, airframe
from marlgt.games.drones.backends.bullet_world import BulletWorld
from marlgt.games.drones.flights import Flight
from marlgt.games.drones.kernels import layout
from marlgt.games.drones.kernels.lanes import WIDTH
from marlgt.games.drones.scene import Scene

__all__ = ["bullet_frames", "picture_of"]


def picture_of(batch: Any, *, width: int = 320, height: int = 240) -> np.ndarray:
    """Return a picture of the first environment of a batch of any backend, shape (height, width, 3) of uint8.

    Raises
    ------
    MissingDependency
        Without pybullet.
    """
    view, task = batch.view(), batch.task
    with BulletWorld(task.airframe, task.scene, task.n_drones) as world:
        _stage(world, view.positions[0], view.quaternions[0])
        return world.render(width, height, **_camera(task.scene, view.positions[0][None]))


def bullet_frames(
    flight: Flight, *, fps: float = 24, size: tuple[int, int] = (320, 240), frame: Airframe | None = None
) -> Iterator[np.ndarray]:
    """Yield pictures of a recorded flight, in real time, each of shape (height, width, 3) of uint8.

    Parameters
    ----------
    flight : Flight
    fps : int
        Pictures a second.
    size : tuple of int
        Width and height, pixels.
    frame : Airframe, optional
        What the drones look like; ``cf2x`` by default.

    Raises
    ------
    MissingDependency
        Without pybullet.
    """
    camera = _camera(flight.scene, flight.positions)
    count = int(np.floor(flight.times[-1] * fps)) + 1
    moments = np.searchsorted(flight.times, np.arange(count) / fps + 1e-9, side="right") - 1
    with BulletWorld(frame or airframe("cf2x"), flight.scene, flight.positions.shape[1]) as world:
        for moment in moments:
            _stage(world, flight.positions[moment], flight.orientations[moment])
            yield world.render(*size, **camera)


def _stage(world: BulletWorld, positions: np.ndarray, quaternions: np.ndarray) -> None:
    """Put the drones of a world where they shall be seen."""
    drones = np.zeros((len(positions), layout.DRONE_FIELDS * WIDTH))
    drones[:, [layout.X, layout.Y, layout.Z]] = positions
    drones[:, [layout.QX, layout.QY, layout.QZ, layout.QW]] = quaternions
    drones[:, layout.MASS], drones[:, layout.INERTIA] = world.airframe.mass, 1.0
    world.place(drones, 0)


def _camera(scene: Scene, positions: np.ndarray) -> dict[str, Any]:
    """Return where the camera stands so that all paths are in its picture."""
    low, high = positions.reshape(-1, 3).min(axis=0), positions.reshape(-1, 3).max(axis=0)
    for thing in scene.obstacles:
        # A long wall need not be seen whole.
        centre = np.array(thing.centre)
        low, high = np.minimum(low, centre - 0.3), np.maximum(high, centre + 0.3)
    middle = (low + high) / 2
    reach = float(np.linalg.norm(high - low))
    return {"target": tuple(middle.tolist()), "distance": max(1.0, 0.9 * reach + 0.3), "yaw": 40.0, "pitch": -20.0}
