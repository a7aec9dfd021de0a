"""What the pictures of flights share: colours, the part of the arena to show, attitudes, solids and a camera.

A body axis is turned into world axes by the quaternion q = (x, y, z, w) as R(q) v. The camera looks at the middle of
a box from outside; a world point has image coordinates f (right · (p - eye)) / (forward · (p - eye)), and likewise up.
Solids are upright convex prisms, which settles what hides what: a point is hidden only if it lies on the inner side of
every face that looks towards the camera, and of two disjoint solids a face of one parts them, on one side of which the
camera stands.
"""

from __future__ import annotations

import colorsys
import dataclasses
import math
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from marlgt.errors import GameError
from marlgt.games._arrays import short
from marlgt.games.drones.flights import Flight
from marlgt.games.drones.scene import Box, Pillar
from marlgt.pictures.learning import COLOURS

__all__ = [
    "ROTOR_PLACES",
    "Camera",
    "checked",
    "colours",
    "drawn_arm",
    "focus",
    "has_goals",
    "has_load",
    "hidden",
    "outcome",
    "planes",
    "point_camera",
    "rotations",
    "round_step",
    "shaded",
    "solid_faces",
    "writable",
]

Floats = NDArray[np.float64]

ROTOR_PLACES = ((1.0, -1.0), (-1.0, -1.0), (-1.0, 1.0), (1.0, 1.0))
"""Rotors 0 to 3 in body axes, forward and left, in arms."""

_PILLAR_SIDES = 20
_REAL_ARM = 0.04


def checked(flight: Any) -> Flight:
    """Return the flight, once it is sure that it is one with at least one drone and matching times."""
    if not isinstance(flight, Flight):
        raise GameError(f"flight is {short(flight)}: give a Flight, what marlgt.games.drones records of an episode")
    steps, drones = flight.positions.shape[:2] if flight.positions.ndim == 3 else (0, 0)
    shapes = {
        "times": (steps,),
        "positions": (steps, drones, 3),
        "velocities": (steps, drones, 3),
        "orientations": (steps, drones, 4),
        "rotors": (steps, drones, 4),
        "goals": (steps, drones, 3),
    }
    wrong = [name for name, shape in shapes.items() if getattr(flight, name).shape != shape]
    if wrong or not steps or not drones or flight.rewards.ndim != 2 or len(flight.rewards) != steps - 1:
        name = wrong[0] if wrong else "positions" if not steps * drones else "rewards"
        raise GameError(
            f"the flight's {name} have shape {getattr(flight, name).shape}, but its {steps} times of {drones} drones "
            "must match, and its rewards be one step fewer: record it from one episode"
        )
    return flight


def writable(path: Any, endings: tuple[str, ...]) -> Path:
    """Return the path, once it is sure that its ending is known and its folder exists."""
    if not isinstance(path, str | Path) or "\0" in str(path):
        raise GameError(f"path is {short(path)}: give the name of a file")
    target = Path(path)
    if target.suffix.lower() not in endings:
        raise GameError(f"path is {short(str(path))}: end the name in {' or '.join(endings)}")
    if not target.parent.is_dir():
        raise GameError(f"{target} cannot be written: there is no folder {str(target.parent)!r}, make it first")
    return target


def colours(n: int) -> list[str]:
    """Return a colour for each of n drones: Okabe and Ito's, or a ramp where these do not suffice."""
    if n <= len(COLOURS):
        return list(COLOURS[:n])
    ramp = (colorsys.hls_to_rgb(0.83 * i / (n - 1), 0.36 + 0.14 * (i % 2), 0.8) for i in range(n))
    return ["#" + "".join(f"{round(255 * part):02x}" for part in colour) for colour in ramp]


def outcome(flight: Flight) -> str:
    """Return how the flight ended, in a word."""
    return "success" if flight.success else "crashed" if flight.crashed else "no success"


def has_goals(flight: Flight) -> bool:
    """Return whether the drones have goals: a task without them leaves every goal at the world's origin."""
    return bool(np.isfinite(flight.goals).any() and np.nan_to_num(flight.goals).any())


def has_load(flight: Flight) -> bool:
    """Return whether the drones carry a load."""
    return len(flight.loads) == len(flight.times)


def focus(flight: Flight) -> tuple[Floats, Floats]:
    """Return the corners of the box worth looking at: the flight, its goals and obstacles, and the ground below."""
    low, high = np.array(flight.scene.low, dtype=float), np.array(flight.scene.high, dtype=float)
    seen = [flight.positions.reshape(-1, 3)]
    if has_goals(flight):
        seen.append(flight.goals.reshape(-1, 3))
    if has_load(flight):
        seen.append(flight.loads)
    for thing in flight.scene.obstacles:
        seen.append(np.clip(np.concatenate(solid_faces(thing)), low, high))
    points = np.concatenate(seen)
    points = points[np.isfinite(points).all(axis=1)]
    if not len(points):
        points = np.zeros((1, 3))
    least, most = points.min(axis=0), points.max(axis=0)
    margin = 0.06 * (most - least).max() + 0.1
    # As wide as high, so that a hover is not shown in a shaft.
    width = max(1.0, most[2] + margin)
    short_of = np.maximum(np.array([width, width, 0.0]) - (most - least + 2 * margin), 0.0) / 2
    # What is seen may lie outside the arena, where a drone was lost; the margin stays inside.
    least = np.minimum(least, np.maximum(least - margin - short_of, low))
    most = np.maximum(most, np.minimum(most + margin + short_of, high))
    least[2] = min(least[2], 0.0) if least[2] < -0.15 else 0.0
    most[2] = max(most[2], least[2] + 0.5)
    return least, most


def drawn_arm(flight: Flight) -> float:
    """Return the arm with which to draw a drone, metres: larger than life, but apart from its neighbours."""
    low, high = focus(flight)
    arm = 0.025 * float(np.linalg.norm(high - low))
    if flight.positions.shape[1] > 1:
        some = flight.positions[:: max(1, len(flight.times) // 50)]
        gaps = np.linalg.norm(some[:, :, None] - some[:, None, :], axis=-1)
        gaps += np.where(np.eye(gaps.shape[1], dtype=bool), np.inf, 0.0)
        nearest = np.nanmedian(np.nan_to_num(gaps, nan=np.inf).min(axis=-1))
        if np.isfinite(nearest):
            arm = min(arm, 0.3 * float(nearest))
    return max(arm, _REAL_ARM)


def rotations(quaternions: Floats) -> Floats:
    """Return the rotation matrices of quaternions x, y, z, w: shape (..., 4) to (..., 3, 3)."""
    norm = np.linalg.norm(quaternions, axis=-1, keepdims=True)
    x, y, z, w = np.moveaxis(quaternions / np.where(norm > 0, norm, 1.0), -1, 0)
    rows = [
        [1 - 2 * (y * y + z * z), 2 * (x * y - z * w), 2 * (x * z + y * w)],
        [2 * (x * y + z * w), 1 - 2 * (x * x + z * z), 2 * (y * z - x * w)],
        [2 * (x * z - y * w), 2 * (y * z + x * w), 1 - 2 * (x * x + y * y)],
    ]
    return np.stack([np.stack(row, axis=-1) for row in rows], axis=-2)


def solid_faces(thing: Box | Pillar) -> list[Floats]:
    """Return the faces of an obstacle as polygons, counterclockwise from outside, each of shape (k, 3)."""
    centre = np.array(thing.centre, dtype=float)
    if isinstance(thing, Pillar):
        angles = 2 * np.pi * np.arange(_PILLAR_SIDES) / _PILLAR_SIDES
        outline = thing.radius * np.stack([np.cos(angles), np.sin(angles)], axis=1)
        half = thing.half_height
    else:
        c, s = math.cos(thing.angle), math.sin(thing.angle)
        corners = np.array([[1, 1], [-1, 1], [-1, -1], [1, -1]]) * np.array(thing.extents[:2])
        outline = corners @ np.array([[c, s], [-s, c]])
        half = thing.extents[2]
    top = np.column_stack([outline, np.full(len(outline), half)]) + centre
    bottom = top - np.array([0.0, 0.0, 2 * half])
    following = np.roll(np.arange(len(outline)), -1)
    sides = [np.stack([bottom[i], bottom[j], top[j], top[i]]) for i, j in enumerate(following)]
    return [*sides, top, bottom[::-1]]


def planes(faces: list[Floats]) -> tuple[Floats, Floats]:
    """Return the outer normals, shape (faces, 3), and offsets of polygons: outside is normal · p > offset."""
    normals = np.array([np.cross(face[1] - face[0], face[2] - face[1]) for face in faces])
    normals /= np.linalg.norm(normals, axis=1, keepdims=True)
    return normals, np.array([normal @ face[0] for normal, face in zip(normals, faces)])


def shaded(colour: tuple[float, float, float], normals: Floats) -> Floats:
    """Return the colours of faces, shape (faces, 3), in a light from above, the south and a little from the east."""
    light = np.array([0.3, -0.5, 0.81])
    return np.asarray(np.clip((0.8 + 0.25 * normals @ light)[:, None] * np.array(colour), 0.0, 1.0))


def hidden(points: Floats, eye: Floats, normals: Floats, offsets: Floats, *, margin: float = 0.0) -> NDArray[np.bool_]:
    """Return which points, shape (m, 3), a convex solid hides from the eye, or all but: it is grown by a margin."""
    facing = normals @ eye > offsets
    behind = (points @ normals[facing].T <= offsets[facing] + 1e-9).all(axis=1)
    # The line of sight eye + t (p - eye) enters and leaves the half space of each face.
    room, rate = offsets + margin - normals @ eye, (points - eye) @ normals.T
    with np.errstate(divide="ignore", invalid="ignore"):
        t = room / rate
    enter = np.where(rate < 0, t, np.where((rate == 0) & (room < 0), np.inf, 0.0)).max(axis=1, initial=0.0)
    leave = np.where(rate > 0, t, 1.0).min(axis=1, initial=1.0)
    return np.asarray(behind & (enter <= leave))


@dataclasses.dataclass(frozen=True)
class Camera:
    """Where the picture is taken from.

    Attributes
    ----------
    eye : ndarray, shape (3,)
        Metres.
    axes : ndarray, shape (3, 3)
        Unit vectors to the right, up and forward, in rows.
    focal : float
        Pixels.
    middle : tuple of float
        Of the picture, pixels.
    """

    eye: Floats
    axes: Floats
    focal: float
    middle: tuple[float, float]

    def project(self, points: Floats) -> tuple[Floats, Floats]:
        """Return pixels, shape (..., 2), and distances along the line of sight, shape (...)."""
        seen = (points - self.eye) @ self.axes.T
        depth = seen[..., 2]
        scale = self.focal / np.maximum(depth, 1e-3)
        return np.stack([self.middle[0] + scale * seen[..., 0], self.middle[1] - scale * seen[..., 1]], axis=-1), depth


def point_camera(
    low: Floats, high: Floats, size: tuple[int, int], *, azimuth: float, elevation: float, margin: float = 0.06
) -> Camera:
    """Return the camera that looks down on a box at two angles, degrees, from as near as shows all of it.

    The margin is the share of the picture that stays free along each side.
    """
    a, e = math.radians(azimuth), math.radians(elevation)
    back = np.array([math.cos(e) * math.cos(a), math.cos(e) * math.sin(a), math.sin(e)])
    right = np.array([-math.sin(a), math.cos(a), 0.0])
    axes = np.stack([right, np.cross(back, right), -back])
    corners = np.array([[(low, high)[k >> axis & 1][axis] for axis in range(3)] for k in range(8)])
    seen = (corners - (low + high) / 2) @ axes.T
    focal = 1.4 * min(size)
    half = [(0.5 - margin) * side for side in size]
    distance = max(float((np.abs(seen[:, k]) * focal / half[k] - seen[:, 2]).max()) for k in range(2))
    return Camera((low + high) / 2 + distance * back, axes, focal, (size[0] / 2, size[1] / 2))


def round_step(step: float) -> float:
    """Return the next 1, 2 or 5 times a power of ten."""
    power = 10.0 ** math.floor(math.log10(step))
    return power * next(m for m in (1, 2, 5, 10) if m * power >= 0.999 * step)
