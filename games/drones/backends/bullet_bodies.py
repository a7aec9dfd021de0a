"""What stands and flies in a Bullet world: its ground, obstacles and drones, with their shapes and pictures."""

from __future__ import annotations

import importlib
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

from marlgt.errors import MissingDependency
from marlgt.games.drones.airframes import Airframe
from marlgt.games.drones.scene import Box, Pillar, Scene

__all__ = ["MARGIN", "add_drone", "add_ground", "add_obstacle", "bullet_library"]

MARGIN = 0.001
"""Bullet keeps shapes apart by this, metres."""

_COLOURS = ((0.12, 0.47, 0.71), (1.0, 0.5, 0.05), (0.17, 0.63, 0.17), (0.84, 0.15, 0.16), (0.58, 0.4, 0.74))
_STONE, _SAND = (0.55, 0.55, 0.6, 1.0), (0.85, 0.82, 0.75, 1.0)
_CORNERS = ((1.0, -1.0), (-1.0, -1.0), (-1.0, 1.0), (1.0, 1.0))


def bullet_library() -> Any:
    """Return the pybullet module, or say how to get it."""
    try:
        with _silent_start():
            return importlib.import_module("pybullet")
    except ImportError as problem:
        raise MissingDependency(
            "the bullet backend, which exists for Python below 3.12 while numba and torch fly without it,",
            package="pybullet",
            extra="drones",
        ) from problem


@contextmanager
def _silent_start() -> Iterator[None]:
    """Keep what the library itself writes when it is first loaded, when it was built, from the standard error."""
    if "pybullet" in sys.modules:
        yield
        return
    if sys.stderr is not None:
        sys.stderr.flush()
    try:
        kept, nowhere = os.dup(2), os.open(os.devnull, os.O_WRONLY)
    except OSError:
        # There is no standard error to keep silent.
        yield
        return
    try:
        os.dup2(nowhere, 2)
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)
        os.close(nowhere)


def add_drone(bullet: Any, airframe: Airframe, number: int, client: dict[str, int]) -> int:
    """Add a drone, in the colour of its number, and return its body."""
    height = 2.0 * max(airframe.height - MARGIN, 0.1 * airframe.radius)
    # A cylinder, as the hull of 32 points above and below: what Bullet makes of a cylinder in a URDF file.
    angles = 2.0 * np.pi / 32 * np.arange(32)
    rim = [airframe.radius * np.sin(angles), airframe.radius * np.cos(angles)]
    points = np.concatenate([np.stack([*rim, np.full(32, z)], axis=1) for z in (height / 2, -height / 2)])
    shape = bullet.createCollisionShape(bullet.GEOM_MESH, vertices=points.tolist(), **client)
    places = [(0.0, 0.0, 0.0), *((x * airframe.arm, y * airframe.arm, 0.5 * height) for x, y in _CORNERS)]
    colour = _COLOURS[number % len(_COLOURS)]
    picture = bullet.createVisualShapeArray(
        shapeTypes=[bullet.GEOM_BOX] + [bullet.GEOM_CYLINDER] * 4,
        halfExtents=[[0.5 * airframe.arm, 0.5 * airframe.arm, 0.4 * height]] + [[0.0] * 3] * 4,
        radii=[0.0] + [airframe.propeller] * 4,
        lengths=[0.0] + [0.2 * height] * 4,
        rgbaColors=[[*colour, 1.0], *([0.25, 0.25, 0.25, 1.0] if x < 0 else [*colour, 1.0] for x, _ in _CORNERS)],
        visualFramePositions=places,
        **client,
    )
    body: int = bullet.createMultiBody(airframe.mass, shape, picture, (float(number), 0.0, 1.0), **client)
    # As a single, which is what Bullet's own default is.
    damping = float(np.float32(airframe.damping))
    bullet.changeDynamics(body, -1, linearDamping=damping, angularDamping=damping, **client)
    return body


def add_obstacle(bullet: Any, thing: Box | Pillar, client: dict[str, int]) -> int:
    """Add an obstacle, and return its body."""
    if isinstance(thing, Pillar):
        size = {"radius": thing.radius}
        shape = bullet.createCollisionShape(bullet.GEOM_CYLINDER, height=2.0 * thing.half_height, **size, **client)
        picture = bullet.createVisualShape(
            bullet.GEOM_CYLINDER, length=2.0 * thing.half_height, rgbaColor=_STONE, **size, **client
        )
        angle = 0.0
    else:
        extents = {"halfExtents": thing.extents}
        shape = bullet.createCollisionShape(bullet.GEOM_BOX, **extents, **client)
        picture = bullet.createVisualShape(bullet.GEOM_BOX, rgbaColor=_STONE, **extents, **client)
        angle = thing.angle
    turned = bullet.getQuaternionFromEuler((0.0, 0.0, angle))
    body: int = bullet.createMultiBody(0.0, shape, picture, thing.centre, turned, **client)
    return body


def add_ground(bullet: Any, scene: Scene, client: dict[str, int]) -> int:
    """Add the ground, drawn as far as the arena reaches, and return its body."""
    (x0, y0, _), (x1, y1, _) = scene.low, scene.high
    # A block and not a plane: it is what gym-pybullet-drones has, and Bullet need not look at it while all are above.
    shape = bullet.createCollisionShape(bullet.GEOM_BOX, halfExtents=(100.0, 100.0, 5.0), **client)
    picture = bullet.createVisualShape(
        bullet.GEOM_BOX,
        halfExtents=((x1 - x0) / 2, (y1 - y0) / 2, 0.005),
        visualFramePosition=((x0 + x1) / 2, (y0 + y1) / 2, 4.995),
        rgbaColor=_SAND,
        **client,
    )
    body: int = bullet.createMultiBody(0.0, shape, picture, (0.0, 0.0, -5.0), **client)
    bullet.changeDynamics(body, -1, lateralFriction=1.0, **client)
    return body
