"""What stands in the arena: boxes, walls, pillars and gates, as simple geometry that every backend knows.

An obstacle is a box (upright, turned about the vertical) or a pillar (an upright cylinder). A wall is a box, and a
gate is a frame of four boxes. Geometry reaches the kernels as an array of shape (n_obstacles, 9): kind, centre, half
extents (of a pillar: radius, radius, half height), cosine and sine of the angle about the vertical.
"""

from __future__ import annotations

import dataclasses
import math

import numpy as np

from marlgt.errors import GameError

__all__ = ["BOX", "PILLAR", "Box", "Pillar", "Scene", "gate", "wall"]

BOX, PILLAR = 0.0, 1.0


@dataclasses.dataclass(frozen=True)
class Box:
    """A box: its centre and half extents, metres, and its angle about the vertical, radians."""

    centre: tuple[float, float, float]
    extents: tuple[float, float, float]
    angle: float = 0.0

    def __post_init__(self) -> None:
        if not all(math.isfinite(v) for v in (*self.centre, *self.extents, self.angle)) or min(self.extents) <= 0:
            raise GameError(f"a box needs a finite centre and angle and positive half extents, got {self}")


@dataclasses.dataclass(frozen=True)
class Pillar:
    """An upright cylinder: its centre, radius and half height, metres."""

    centre: tuple[float, float, float]
    radius: float
    half_height: float

    def __post_init__(self) -> None:
        finite = all(math.isfinite(v) for v in (*self.centre, self.radius, self.half_height))
        if not finite or min(self.radius, self.half_height) <= 0:
            raise GameError(f"a pillar needs a finite centre and a positive radius and half height, got {self}")


def wall(start: tuple[float, float], end: tuple[float, float], *, height: float = 2.0, thickness: float = 0.05) -> Box:
    """Return a wall that stands on the ground from one point of the plane to another.

    Examples
    --------
    >>> wall((0, 0), (2, 0), height=1.0).extents
    (1.0, 0.025, 0.5)
    """
    length = math.dist(start, end)
    if length == 0:
        raise GameError(f"a wall needs two different end points, got {start} twice")
    middle = ((start[0] + end[0]) / 2, (start[1] + end[1]) / 2, height / 2)
    return Box(middle, (length / 2, thickness / 2, height / 2), math.atan2(end[1] - start[1], end[0] - start[0]))


def gate(
    centre: tuple[float, float, float],
    *,
    width: float = 0.6,
    height: float = 0.6,
    bar: float = 0.05,
    angle: float = 0.0,
) -> tuple[Box, ...]:
    """Return the four bars of a gate: an upright frame, passed along x when ``angle`` is 0.

    Parameters
    ----------
    centre : tuple of float
        Middle of the opening, metres.
    width, height : float
        Of the opening, metres.
    bar : float
        Thickness of the bars, metres.
    angle : float
        About the vertical, radians.
    """
    x, y, z = centre
    shift = (width + bar) / 2
    across = (-math.sin(angle) * shift, math.cos(angle) * shift)
    post = (bar / 2, bar / 2, height / 2 + bar)
    beam = (bar / 2, width / 2, bar / 2)
    return (
        Box((x + across[0], y + across[1], z), post, angle),
        Box((x - across[0], y - across[1], z), post, angle),
        Box((x, y, z + (height + bar) / 2), beam, angle),
        Box((x, y, z - (height + bar) / 2), beam, angle),
    )


@dataclasses.dataclass(frozen=True)
class Scene:
    """The arena, a box that drones may not leave, and the obstacles in it.

    Attributes
    ----------
    low, high : tuple of float
        Corners of the arena, metres. Where ``low`` is below 0 in z, the ground still is at 0.
    obstacles : tuple of Box or Pillar
        What stands in it.
    """

    low: tuple[float, float, float] = (-2.0, -2.0, -0.1)
    high: tuple[float, float, float] = (2.0, 2.0, 2.5)
    obstacles: tuple[Box | Pillar, ...] = ()

    def __post_init__(self) -> None:
        if not all(a < b for a, b in zip(self.low, self.high, strict=True)):
            raise GameError(f"an arena needs low below high along every axis, got {self.low} and {self.high}")

    def geometry(self) -> np.ndarray:
        """Return the obstacles as the kernels read them, shape (n_obstacles, 9)."""
        rows = [
            (BOX, *thing.centre, *thing.extents, math.cos(thing.angle), math.sin(thing.angle))
            if isinstance(thing, Box)
            else (PILLAR, *thing.centre, thing.radius, thing.radius, thing.half_height, 1.0, 0.0)
            for thing in self.obstacles
        ]
        return np.array(rows, dtype=float).reshape(-1, 9)

    def arena(self) -> np.ndarray:
        """Return the corners of the arena as the kernels read them: low x, y, z, high x, y, z."""
        return np.array((*self.low, *self.high), dtype=float)
