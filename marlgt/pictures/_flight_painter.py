"""One frame of an animated flight, drawn with Pillow at twice its size and halved, which smooths the lines.

The order of drawing is the painter's, and exact for points among convex solids: what may be hidden by a solid is drawn
before the first such solid.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from marlgt.games.drones.flights import Flight
from marlgt.pictures._flight_geometry import (
    ROTOR_PLACES,
    Camera,
    colours,
    drawn_arm,
    focus,
    has_goals,
    hidden,
    outcome,
    planes,
    point_camera,
    round_step,
    shaded,
    solid_faces,
)

__all__ = ["Painter"]

Floats = NDArray[np.float64]
Colour = tuple[int, ...]
Layers = list[list[tuple[float, Callable[[], Any]]]]

_BACKGROUND = (255, 255, 255)
_GRID = (222, 226, 231)
_ARENA = (176, 183, 191)
_INK = (40, 44, 52)
_OBSTACLE = (0.62, 0.67, 0.72)
_FINER = 2
_CIRCLE = np.stack([np.cos(np.arange(18) * np.pi / 9), np.sin(np.arange(18) * np.pi / 9), np.zeros(18)], axis=1)


class Painter:
    """A camera, the solids in the order of drawing, and the picture of the ground that all frames share."""

    def __init__(self, flight: Flight, size: tuple[int, int]) -> None:
        import PIL.ImageFont

        self.flight = flight
        self.size = (size[0] * _FINER, size[1] * _FINER)
        self.low, self.high = focus(flight)
        self.arm = drawn_arm(flight)
        self.colours = [_rgb(colour) for colour in colours(flight.positions.shape[1])]
        self.width = max(1.0, min(self.size) / 480)
        self.small = PIL.ImageFont.load_default(size=13 * self.width)
        self.font = PIL.ImageFont.load_default(size=15 * self.width)
        self.solids = [(faces, *planes(faces)) for faces in map(solid_faces, flight.scene.obstacles)]
        self.goals = has_goals(flight)

    def stand(self, azimuth: float, elevation: float) -> None:
        """Put the camera, order the solids from back to front, and draw the ground."""
        import PIL.Image

        self.camera = point_camera(self.low, self.high, self.size, azimuth=azimuth, elevation=elevation)
        # A wall of the arena may stand between it and a camera that looks at a corner of it.
        kept = [solid for solid in self.solids if self.camera.project(np.concatenate(solid[0]))[1].min() > 0.05]
        self.ordered = _back_to_front(kept, self.camera)
        self.ground = PIL.Image.new("RGB", self.size, _BACKGROUND)
        self._draw_ground()

    def frame(
        self,
        instant: float,
        positions: Floats,
        attitudes: Floats,
        goals: Floats,
        trail: Floats,
        load: Floats | None,
    ) -> Any:
        """Return the picture of one instant."""
        import PIL.ImageDraw

        image = self.ground.copy()
        draw = PIL.ImageDraw.Draw(image, "RGBA")
        layers: Layers = [[] for _ in range(len(self.ordered) + 1)]

        def place(point: Floats, order: float, paint: Callable[..., Any], *given: Any) -> None:
            layers[int(self._layers(point[None])[0])].append((order, partial(paint, draw, *given)))

        for i, colour in enumerate(self.colours):
            if not np.isfinite(positions[i]).all():
                continue
            self._add_trail(draw, layers, trail[:, i], colour)
            below = np.array([*positions[i, :2], max(self.low[2], 0.0)])
            place(below, -2.0, self._draw_shadow, below)
            if self.goals and np.isfinite(goals[i]).all():
                place(goals[i], 0.0, self._draw_goal, goals[i], colour)
            nearness = 1.0 / (1.0 + max(float(self.camera.project(positions[i])[1]), 0.0))
            place(positions[i], 1.0 + nearness, self._draw_drone, i, positions[i], attitudes[i], colour)
        if load is not None and np.isfinite(load).all():
            place(load, 0.5, self._draw_load, load, positions)
        for k, layer in enumerate(layers):
            for _, paint in sorted(layer, key=lambda pair: pair[0]):
                paint()
            if k < len(self.ordered):
                self._draw_solid(draw, *self.ordered[k])
        self._write(draw, instant)
        return image.reduce(_FINER)

    def _layers(self, points: Floats) -> NDArray[np.int64]:
        """Return the first solid in the order of drawing that may hide each point; their number if none does."""
        first = np.full(len(points), len(self.ordered))
        for k in range(len(self.ordered) - 1, -1, -1):
            _, normals, offsets = self.ordered[k]
            first[hidden(points, self.camera.eye, normals, offsets, margin=2 * self.arm)] = k
        return first

    def _add_trail(self, draw: Any, layers: Layers, points: Floats, colour: Colour) -> None:
        """Cut a trail where it passes behind a solid, and into pieces that fade with age."""
        if len(points) < 2:
            return
        pixels, depth = self.camera.project(points)
        where = self._layers((points[1:] + points[:-1]) / 2)
        fade = (4 * np.arange(len(where)) // len(where)) + 1
        start = 0
        for k in range(1, len(where) + 1):
            if k == len(where) or where[k] != where[start] or fade[k] != fade[start]:
                if np.isfinite(pixels[start : k + 1]).all() and depth[start : k + 1].min() > 0.05:
                    tint = _mixed(colour, 0.2 + 0.2 * fade[start])
                    line, width = [tuple(p) for p in pixels[start : k + 1]], round(2.2 * self.width)
                    paint = partial(draw.line, line, fill=tint, width=width, joint="curve")
                    layers[where[start]].append((-1.0, paint))
                start = k

    def _draw_ground(self) -> None:
        import PIL.ImageDraw

        draw = PIL.ImageDraw.Draw(self.ground)
        low, high = self.low, self.high
        step = round_step(float((high - low)[:2].max()) / 8)
        level = max(low[2], 0.0)
        for axis in range(2):
            for value in np.arange(math.ceil(low[axis] / step), math.floor(high[axis] / step) + 1) * step:
                ends = np.array([[low[0], low[1], level], [high[0], high[1], level]])
                ends[:, axis] = value
                self._line(draw, ends, _GRID, 1.2)
        corners = np.array([[(low, high)[k >> axis & 1][axis] for axis in range(3)] for k in range(8)])
        for a in range(8):
            for axis in range(3):
                if not a >> axis & 1:
                    self._line(draw, corners[[a, a | 1 << axis]], _ARENA, 1.0)

    def _line(self, draw: Any, ends: Floats, colour: Colour, width: float) -> None:
        pixels, depth = self.camera.project(ends)
        if depth.min() > 0.05:
            draw.line([tuple(p) for p in pixels], fill=colour, width=max(1, round(width * self.width)))

    def _draw_solid(self, draw: Any, faces: list[Floats], normals: Floats, offsets: Floats) -> None:
        tints = 255 * shaded(_OBSTACLE, normals)
        for face, tint, towards in zip(faces, tints, normals @ self.camera.eye > offsets):
            if towards:
                pixels = [tuple(p) for p in self.camera.project(face)[0]]
                edge = (90, 100, 112) if len(faces) == 6 else None
                draw.polygon(pixels, fill=(*(int(v) for v in tint), 215), outline=edge, width=1)

    def _draw_shadow(self, draw: Any, below: Floats) -> None:
        outline = below + 1.4 * self.arm * _CIRCLE
        draw.polygon([tuple(p) for p in self.camera.project(outline)[0]], fill=(60, 66, 75, 70))

    def _draw_goal(self, draw: Any, goal: Floats, colour: Colour) -> None:
        (x, y), _ = self.camera.project(goal)
        r, w = 7 * self.width, round(2 * self.width)
        draw.line([(x - r, y - r), (x + r, y + r)], fill=colour, width=w)
        draw.line([(x - r, y + r), (x + r, y - r)], fill=colour, width=w)

    def _draw_load(self, draw: Any, load: Floats, positions: Floats) -> None:
        for position in positions[np.isfinite(positions).all(axis=1)]:
            self._line(draw, np.stack([position, load]), _ARENA, 1.0)
        (x, y), _ = self.camera.project(load)
        r = 6 * self.width
        draw.rectangle([x - r, y - r, x + r, y + r], fill=(85, 85, 85))

    def _draw_drone(self, draw: Any, index: int, position: Floats, attitude: Floats, colour: Colour) -> None:
        hubs = position + self.arm * np.array([(x, y, 0.25) for x, y in ROTOR_PLACES]) @ attitude.T
        arms = [tuple(p) for p in self.camera.project(hubs)[0]]
        nose = position + self.arm * np.array([[0.75, 0.0, 0.1], [0.1, 0.3, 0.1], [0.1, -0.3, 0.1]]) @ attitude.T
        discs = [hub + 0.75 * self.arm * _CIRCLE @ attitude.T for hub in hubs]
        from_above = float(attitude[:, 2] @ (self.camera.eye - position)) > 0
        order = np.argsort(-self.camera.project(hubs)[1])

        def draw_discs() -> None:
            for k in order:
                pixels = [tuple(p) for p in self.camera.project(discs[k])[0]]
                draw.polygon(pixels, fill=(*colour, 110))
                draw.line([*pixels, pixels[0]], fill=colour, width=max(1, round(self.width)))

        if not from_above:
            draw_discs()
        dark = _mixed(colour, 0.75, _INK)
        for a, b in ((0, 2), (1, 3)):
            draw.line([arms[a], arms[b]], fill=dark, width=max(2, round(2.6 * self.width)))
        draw.polygon([tuple(p) for p in self.camera.project(nose)[0]], fill=dark)
        if from_above:
            draw_discs()
        (x, y), _ = self.camera.project(position + np.array([0.0, 0.0, 2.1 * self.arm]))
        draw.text((x, y), str(index), fill=_INK, font=self.small, anchor="ms")

    def _write(self, draw: Any, instant: float) -> None:
        flight, edge = self.flight, 10 * self.width
        title = f"{flight.task}: {flight.policy} on {flight.backend}"
        draw.text((edge, edge), title, fill=_INK, font=self.font)
        draw.text((self.size[0] - edge, edge), f"{instant:.1f} s", fill=_INK, font=self.font, anchor="ra")
        text = f"score {flight.score:.3f}, {outcome(flight)}"
        draw.text((edge, self.size[1] - edge), text, fill=_INK, font=self.small, anchor="ls")


def _back_to_front(solids: list[Any], camera: Camera) -> list[Any]:
    """Return disjoint convex solids so that none is drawn before one that it may hide."""
    corners = [np.concatenate(solid[0]) for solid in solids]

    def parted(a: int, b: int, *, facing: bool) -> bool:
        _, normals, offsets = solids[a]
        looks = (normals @ camera.eye > offsets) == facing
        return bool((corners[b] @ normals[looks].T >= offsets[looks] - 1e-9).all(axis=0).any())

    def may_hide(a: int, b: int) -> bool:
        return not parted(a, b, facing=True) and not parted(b, a, facing=False)

    left = sorted(range(len(solids)), key=lambda k: -float(np.linalg.norm(corners[k].mean(axis=0) - camera.eye)))
    after = {a: {b for b in left if b != a and may_hide(a, b) and not may_hide(b, a)} for a in left}
    ordered = []
    while left:
        # Three solids can hide one another in a ring: then the farthest goes first.
        following = next((a for a in left if not after[a] & set(left)), left[0])
        left.remove(following)
        ordered.append(solids[following])
    return ordered


def _rgb(colour: str) -> Colour:
    return tuple(int(colour[k : k + 2], 16) for k in (1, 3, 5))


def _mixed(colour: Colour, share: float, other: Colour = _BACKGROUND) -> Colour:
    return tuple(round(share * a + (1 - share) * b) for a, b in zip(colour, other))
