"""Animations of a flight as GIF or MP4: drones with tilting rotors, trails, goals and obstacles, in perspective.

What happens between two steps of control is drawn on the straight line between them.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from marlgt.errors import GameError, MissingDependency
from marlgt.games._arrays import short
from marlgt.games.drones.flights import Flight
from marlgt.pictures._flight_geometry import checked, has_load, rotations, writable
from marlgt.pictures._flight_painter import Painter
from marlgt.progress import progress

__all__ = ["animate_flight"]

Floats = NDArray[np.float64]

_TRAIL_SECONDS = 3.0
_GIF_FASTEST = 50
_HOLD_SECONDS = 1.0


def animate_flight(
    flight: Flight,
    path: str | Path,
    *,
    fps: int = 24,
    size: tuple[int, int] = (640, 480),
    azimuth: float = -58.0,
    elevation: float = 24.0,
    turn: float = 0.0,
) -> Path:
    """Write an animation of a flight, in real time, as GIF or MP4 by the ending of the file's name.

    Drones are drawn larger than life, so that their attitude shows. A GIF counts time in hundredths of a second: its
    frames are taken at the nearest such interval, and it rests on its last one for a second before it starts again.

    Parameters
    ----------
    flight : Flight
    path : str or Path
        Ends in ``.gif`` or ``.mp4``.
    fps : int
        Frames a second, at most 50 in a GIF.
    size : tuple of int
        Width and height, pixels, each from 64 to 4096 and, for MP4, even.
    azimuth, elevation : float
        Where the camera stands, seen from the middle: degrees from x to y, and above the horizon.
    turn : float
        How fast the camera goes round, degrees a second.

    Returns
    -------
    Path
        The file.

    Raises
    ------
    GameError
        For another ending, a folder that is not there, or a rate, size or angle out of bounds.
    MissingDependency
        Without Pillow, or for MP4 without imageio's ffmpeg.
    """
    flight = checked(flight)
    target = writable(path, (".gif", ".mp4"))
    moving = target.suffix.lower() == ".mp4"
    check_settings(fps, size, (azimuth, elevation, turn), moving)
    try:
        import_module("PIL.Image")
    except ImportError as error:
        raise MissingDependency("an animation", package="pillow", extra="drones") from error
    interval = 1 / fps if moving else round(100 / fps) / 100
    length = float(flight.times[-1] - flight.times[0])
    n_frames = max(1, round(length / interval)) + (length > 0)
    instants = flight.times[0] + np.minimum(np.arange(n_frames) * interval, length)
    angles = (azimuth, elevation, turn)
    frames = _frames(flight, instants, size, angles)
    with progress(f"animating {flight.task}", total=n_frames) as report:
        if moving:
            write_mp4(frames, target, fps, report)
        else:
            last = next(_frames(flight, instants[-1:], size, angles))
            write_gif(frames, last, target, n_frames, round(1000 * interval), report)
    return target


def check_settings(fps: Any, size: Any, angles: tuple[Any, ...], moving: bool) -> None:
    """Refuse a rate, a size or angles that no animation can have; MP4 needs an even size."""
    fastest = 240 if moving else _GIF_FASTEST
    if isinstance(fps, bool) or not isinstance(fps, int | np.integer) or not 1 <= fps <= fastest:
        raise GameError(f"fps is {short(fps)}: give an integer from 1 to {fastest} for {'MP4' if moving else 'GIF'}")
    sides = size if isinstance(size, tuple | list) and len(size) == 2 else (0, 0)
    if not all(isinstance(side, int | np.integer) and 64 <= side <= 4096 for side in sides):
        raise GameError(f"size is {short(size)}: give width and height, two integers from 64 to 4096 pixels")
    if moving and any(side % 2 for side in sides):
        raise GameError(f"size is {short(size)}: MP4 needs an even width and height, such as (640, 480)")
    if not all(isinstance(angle, int | float) and math.isfinite(angle) for angle in angles) or abs(angles[1]) > 89:
        raise GameError(f"the camera's angles are {angles}: give finite degrees, the elevation between -89 and 89")


def write_gif(frames: Iterator[Any], last: Any, target: Path, n_frames: int, milliseconds: int, report: Any) -> None:
    """Write frames as a GIF that rests on its last picture, which also gives the palette."""
    import PIL.Image

    # One palette for all frames keeps what stands still from flickering; the last frame has all the colours.
    palette = last.quantize(256, method=PIL.Image.Quantize.MEDIANCUT, dither=PIL.Image.Dither.NONE)
    few = (image.quantize(palette=palette, dither=PIL.Image.Dither.NONE) for image in _reported(frames, report))
    durations = [milliseconds] * (n_frames - 1) + [milliseconds + round(1000 * _HOLD_SECONDS)]
    first = next(few)
    first.save(
        target, format="GIF", save_all=True, append_images=few, duration=durations, loop=0, disposal=1, optimize=False
    )


def write_mp4(frames: Iterator[Any], target: Path, fps: int, report: Any) -> None:
    """Write frames as an MP4 that any player shows."""
    try:
        imageio: Any = import_module("imageio.v2")
        import_module("imageio_ffmpeg")
    except ImportError as error:
        raise MissingDependency("an MP4 animation", package="imageio-ffmpeg", extra="drones") from error
    with imageio.get_writer(
        target, format="FFMPEG", mode="I", fps=fps, codec="libx264", macro_block_size=2, ffmpeg_log_level="error"
    ) as writer:
        for image in _reported(frames, report):
            writer.append_data(np.asarray(image))


def _reported(frames: Iterator[Any], report: Any) -> Iterator[Any]:
    for done, image in enumerate(frames, start=1):
        report(done, "")
        yield image


def _at(instants: Floats, times: Floats, values: Floats) -> Floats:
    """Return values, shape (T, ...), between the times on straight lines."""
    later = np.clip(np.searchsorted(times, instants, side="right"), 1, max(len(times) - 1, 1))
    if len(times) == 1:
        return np.repeat(values, len(instants), axis=0)
    before, after = times[later - 1], times[later]
    share = ((instants - before) / (after - before)).reshape(-1, *[1] * (values.ndim - 1))
    start, end = values[later - 1], values[later]
    if values.shape[-1] == 4:
        # q and -q are one attitude: take the nearer.
        end = np.where((start * end).sum(axis=-1, keepdims=True) < 0, -end, end)
    return np.asarray((1 - share) * start + share * end)


def _frames(
    flight: Flight, instants: Floats, size: tuple[int, int], angles: tuple[float, float, float]
) -> Iterator[Any]:
    """Yield one picture an instant."""
    painter = Painter(flight, size)
    positions = _at(instants, flight.times, flight.positions)
    attitudes = rotations(_at(instants, flight.times, flight.orientations))
    goals = _at(instants, flight.times, flight.goals)
    loads = _at(instants, flight.times, flight.loads) if has_load(flight) else None
    azimuth, elevation, turn = angles
    for k, instant in enumerate(instants):
        if k == 0 or turn:
            painter.stand(azimuth + turn * float(instant - instants[0]), elevation)
        past = (flight.times > instant - _TRAIL_SECONDS) & (flight.times < instant)
        trail = np.concatenate([flight.positions[past], positions[k : k + 1]])
        yield painter.frame(
            float(instant), positions[k], attitudes[k], goals[k], trail, None if loads is None else loads[k]
        )
