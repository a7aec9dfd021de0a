"""A recorded flight filmed in PyBullet, as GIF or MP4, drawn without a screen."""

from __future__ import annotations

from pathlib import Path

from marlgt.errors import MissingDependency
from marlgt.games.drones.flights import Flight
from marlgt.games.drones.snapshots import bullet_frames
from marlgt.pictures._flight_geometry import checked, writable
from marlgt.pictures.flight_animation import check_settings, write_gif, write_mp4
from marlgt.progress import progress

__all__ = ["film_flight"]


def film_flight(flight: Flight, path: str | Path, *, fps: int = 24, size: tuple[int, int] = (320, 240)) -> Path:
    """Write a film of a flight by PyBullet's own renderer, in real time, as GIF or MP4 by the ending of the name.

    It draws about ten pictures a second at 640 by 480 pixels, thirty at 320 by 240.

    Parameters
    ----------
    flight : Flight
    path : str or Path
        Ends in ``.gif`` or ``.mp4``.
    fps : int
        Pictures a second; a GIF counts time in hundredths of a second.
    size : tuple of int
        Width and height, pixels.

    Returns
    -------
    Path
        The file.

    Raises
    ------
    GameError
        For another ending, a folder that is not there, or a rate or size out of bounds.
    MissingDependency
        Without pybullet or Pillow, or for MP4 without imageio's ffmpeg.
    """
    flight = checked(flight)
    target = writable(path, (".gif", ".mp4"))
    moving = target.suffix.lower() == ".mp4"
    check_settings(fps, size, (0.0, 0.0, 0.0), moving)
    try:
        from PIL import Image
    except ImportError as error:
        raise MissingDependency("a film", package="pillow", extra="drones") from error
    rate = float(fps) if moving else 100 / round(100 / fps)
    frames = [Image.fromarray(frame) for frame in bullet_frames(flight, fps=rate, size=size)]
    with progress(f"filming {flight.task}", total=len(frames)) as report:
        if moving:
            write_mp4(iter(frames), target, fps, report)
        else:
            write_gif(iter(frames), frames[-1], target, len(frames), round(1000 / rate), report)
    return target
