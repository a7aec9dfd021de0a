"""What stands in the arena: boxes, walls, pillars and gates, as simple geometry that every backend knows.

An obstacle is a box (upright, turned about the vertical) or a pillar (an upright cylinder). A wall is a box, and a
gate is a frame of four boxes. Geometry reaches the kernels as an array of shape (n_obstacles, 9): kind, centre, half
extents (of a pillar: radius, radius, half height), cosine and sine of the angle about the vertical.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from marlgt.errors import GameError
from marlgt.games._arrays import short
from marlgt.games._doors import is_number

__all__ = ["BOX", "PILLAR", "Box", "Pillar", "Scene", "gate", "wall"]

BOX, PILLAR = 0.0, 1.0

Point = tuple[float, float, float]


@dataclasses.dataclass(frozen=True)
class Box:
    """A box: its centre and half extents, metres, and its angle about the vertical, radians."""

    centre: Point
    extents: Point
    angle: float = 0.0

    def __post_init__(self) -> None:
        _set(self, "centre", _check(self.centre, 3, "the centre of a box"))
        _set(self, "extents", _check(self.extents, 3, "the half extents of a box", positive=True))
        _set(self, "angle", *_check((self.angle,), 1, "the angle of a box"))


@dataclasses.dataclass(frozen=True)
class Pillar:
    """An upright cylinder: its centre, radius and half height, metres."""

    centre: Point
    radius: float
    half_height: float

    def __post_init__(self) -> None:
        _set(self, "centre", _check(self.centre, 3, "the centre of a pillar"))
        sizes = _check((self.radius, self.half_height), 2, "radius and half height of a pillar", positive=True)
        _set(self, "radius", sizes[0])
        _set(self, "half_height", sizes[1])


def wall(start: tuple[float, float], end: tuple[float, float], *, height: float = 2.0, thickness: float = 0.05) -> Box:
    """Return a wall that stands on the ground from one point of the plane to another.

    Parameters
    ----------
    start, end : tuple of float
        Where the middle of the wall begins and ends, x and y, metres.
    height, thickness : float
        Metres.

    Raises
    ------
    GameError
        If the points are the same, or a size is not positive.

    Examples
    --------
    >>> wall((0, 0), (2, 0), height=1.0).extents
    (1.0, 0.025, 0.5)
    """
    begun, ended = _check(start, 2, "the start of a wall"), _check(end, 2, "the end of a wall")
    _check((height, thickness), 2, "height and thickness of a wall", positive=True)
    length = math.dist(begun, ended)
    if length == 0:
        raise GameError(f"a wall needs two different end points, got {start} twice")
    middle = ((begun[0] + ended[0]) / 2, (begun[1] + ended[1]) / 2, height / 2)
    angle = math.atan2(ended[1] - begun[1], ended[0] - begun[0])
    return Box(middle, (length / 2, thickness / 2, height / 2), angle)


def gate(
    centre: Point,
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

    Raises
    ------
    GameError
        If a number is not finite, or a size is not positive.

    Examples
    --------
    >>> left, right, top, bottom = gate((1.0, 0.0, 1.0), width=0.5, height=0.5, bar=0.1)
    >>> left.centre, top.centre
    ((1.0, 0.3, 1.0), (1.0, 0.0, 1.3))
    >>> len(Scene(obstacles=(*gate((1.0, 0.0, 1.0)), wall((0, 1), (1, 1)))).obstacles)
    5
    """
    x, y, z = _check(centre, 3, "the centre of a gate")
    _check((width, height, bar), 3, "width, height and bar of a gate", positive=True)
    _check((angle,), 1, "the angle of a gate")
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
        What stands in it; each may reach beyond the arena, but not stand wholly outside.

    Raises
    ------
    GameError
        If the corners are not three finite numbers each, the lower below the upper and the upper above the ground; or
        if an obstacle is neither a box nor a pillar, or stands outside the arena.

    Examples
    --------
    >>> Scene(obstacles=(Pillar((0.0, 0.0, 1.0), 0.1, 1.0), *gate((1.0, 0.0, 1.0)))).geometry().shape
    (5, 9)
    """

    low: Point = (-2.0, -2.0, -0.1)
    high: Point = (2.0, 2.0, 2.5)
    obstacles: tuple[Box | Pillar, ...] = ()

    def __post_init__(self) -> None:
        _set(self, "low", _check(self.low, 3, "the lower corner of an arena"))
        _set(self, "high", _check(self.high, 3, "the upper corner of an arena"))
        if not all(a < b for a, b in zip(self.low, self.high, strict=True)):
            raise GameError(f"an arena needs low below high along every axis, got {self.low} and {self.high}")
        if self.high[2] <= 0:
            raise GameError(f"an arena must reach above the ground at z = 0, got the upper corner {self.high}")
        given: Any = self.obstacles
        if isinstance(given, str | np.ndarray) or not isinstance(given, Iterable):
            raise GameError(f"obstacles must be a tuple of boxes and pillars, got {short(given)}")
        _set(self, "obstacles", tuple(given))
        for thing in self.obstacles:
            if not isinstance(thing, Box | Pillar):
                raise GameError(
                    f"an obstacle must be a Box or a Pillar, got {short(thing)}: "
                    "unpack a gate, as in (*gate(...), wall(...))"
                )
            low, high = _bounds(thing)
            if not all(a < d and c < b for a, b, c, d in zip(low, high, self.low, self.high, strict=True)):
                raise GameError(
                    f"{short(thing)} stands outside the arena from {self.low} to {self.high}: widen the arena"
                )

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


def _check(values: Any, count: int, what: str, *, positive: bool = False) -> tuple[Any, ...]:
    """Return so many finite numbers as floats, or raise."""
    listed = isinstance(values, Sequence) or (isinstance(values, np.ndarray) and values.ndim == 1)
    numbers = tuple(values) if listed else ()
    if len(numbers) != count or not all(is_number(v, largest=FARTHEST) for v in numbers):
        raise GameError(f"{what} must be {_COUNTS[count]}, got {short(values)}: the largest is {FARTHEST:g}")
    if positive and min(numbers) <= 0:
        raise GameError(f"{what} must be positive, in metres, got {short(values)}")
    return tuple(map(float, numbers))


FARTHEST = 1e6
"""Metres, and radians: the largest number of a scene."""

_COUNTS = {1: "a finite number", 2: "two finite numbers", 3: "three finite numbers"}


def _set(thing: Any, name: str, value: Any) -> None:
    """Set what a frozen dataclass was given to what it means, once it is made."""
    object.__setattr__(thing, name, value)


def _bounds(thing: Box | Pillar) -> tuple[Point, Point]:
    """Return the corners of the smallest box along the axes that holds an obstacle."""
    if isinstance(thing, Box):
        cosine, sine = abs(math.cos(thing.angle)), abs(math.sin(thing.angle))
        a, b, c = thing.extents
        reach = (cosine * a + sine * b, sine * a + cosine * b, c)
    else:
        reach = (thing.radius, thing.radius, thing.half_height)
    x, y, z = thing.centre
    return (x - reach[0], y - reach[1], z - reach[2]), (x + reach[0], y + reach[1], z + reach[2])
