"""Replays: a flight as one HTML file that any browser opens, without a network or a library.

The page's markup is in ``flight_replay.html``; its program is what ``flight_projection.js``, ``flight_scene.js`` and
``flight_replay.js`` hold, one after the other.
The flights are embedded as JSON: each series of a drone is one flat list, rounded to 0.0001, of at most 60 steps a
second; a series that never changes is stored once, and what is not a number as null.
"""

from __future__ import annotations

import html
import json
from collections.abc import Iterable
from importlib.resources import files
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from marlgt.errors import GameError
from marlgt.games._arrays import short
from marlgt.games.drones.flights import Flight
from marlgt.pictures._flight_geometry import (
    checked,
    colours,
    drawn_arm,
    focus,
    has_goals,
    has_load,
    outcome,
    round_step,
    solid_faces,
    writable,
)

__all__ = ["write_flight_replay"]

_STEPS_A_SECOND = 60


def write_flight_replay(flights: Flight | Iterable[Flight], path: str | Path) -> Path:
    """Write a page that plays flights: go round them with the mouse, slow them down, follow a drone.

    The file needs nothing beside itself. Opened with ``#t=2.5`` after its name it stands still at that second, and
    with ``#flight=2`` it begins with the second flight.

    Parameters
    ----------
    flights : Flight, or iterable of Flight
        One flight, or several to choose from.
    path : str or Path
        Ends in ``.html``.

    Returns
    -------
    Path
        The file.

    Raises
    ------
    GameError
        For what is no flight, for none at all, for another ending, or for a folder that is not there.
    """
    if not isinstance(flights, Flight) and not isinstance(flights, Iterable):
        raise GameError(f"flights is {short(flights)}: give a Flight or several")
    several = [checked(flight) for flight in ([flights] if isinstance(flights, Flight) else flights)]
    if not several:
        raise GameError("flights is empty: give at least one Flight")
    target = writable(path, (".html", ".htm"))
    data = json.dumps({"flights": [_described(flight) for flight in several]}, separators=(",", ":"), allow_nan=False)
    # In a script element only "<" can end or nest it; JSON may escape it anywhere that it can occur.
    data = data.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")
    here = files("marlgt.pictures")
    page = here.joinpath("flight_replay.html").read_text(encoding="utf-8")
    names = ("flight_projection.js", "flight_scene.js", "flight_replay.js")
    script = "\n".join(here.joinpath(name).read_text(encoding="utf-8") for name in names)
    title = several[0].task if len(several) == 1 else f"{several[0].task} and {len(several) - 1} more"
    # The data come last: nothing that they hold is then taken for a place to fill.
    head, tail = page.replace("{{script}}", script.strip()).split("{{data}}")
    target.write_text(head.replace("{{title}}", html.escape(f"Flight: {title}")) + data + tail, encoding="utf-8")
    return target


def _described(flight: Flight) -> dict[str, Any]:
    """Return what the page needs of a flight, ready for JSON."""
    steps = _kept_steps(flight)
    low, high = focus(flight)
    arena = np.array([flight.scene.low, flight.scene.high], dtype=float)
    ground = np.array([np.minimum(low, arena[0]), np.maximum(high, arena[1])])
    drawn = colours(flight.positions.shape[1])
    goals = has_goals(flight)
    return {
        "task": str(flight.task),
        "policy": str(flight.policy),
        "backend": str(flight.backend),
        "outcome": outcome(flight),
        "score": _number(flight.score),
        "times": _numbers(flight.times[steps]),
        "drones": [
            {
                "colour": drawn[i],
                "positions": _numbers(flight.positions[steps, i]),
                "velocities": _numbers(flight.velocities[steps, i]),
                "orientations": _numbers(flight.orientations[steps, i]),
                "rotors": _numbers(flight.rotors[steps, i], digits=0),
                "goals": _numbers(flight.goals[steps, i]) if goals else None,
            }
            for i in range(len(drawn))
        ],
        "loads": _numbers(flight.loads[steps]) if has_load(flight) else None,
        "rewards": _rewards(flight, steps),
        "solids": [_prism(thing) for thing in flight.scene.obstacles],
        "focus": [_numbers(low), _numbers(high)],
        "arena": [_numbers(arena[0]), _numbers(arena[1])],
        "ground": [_numbers(ground[0]), _numbers(ground[1])],
        "grid": round_step(float((ground[1] - ground[0])[:2].max()) / 8),
        "arm": _number(drawn_arm(flight)),
        "rpm": _number(max(float(np.nanmax(np.nan_to_num(flight.rotors))), 1.0)),
    }


def _kept_steps(flight: Flight) -> NDArray[np.int64]:
    """Return the steps to embed: all, or every k-th and the last where there are more than a screen shows."""
    n_steps = len(flight.times)
    seconds = float(flight.times[-1] - flight.times[0])
    every = max(1, round((n_steps - 1) / (_STEPS_A_SECOND * seconds))) if seconds > 0 else 1
    steps = np.arange(0, n_steps, every)
    return steps if steps[-1] == n_steps - 1 else np.append(steps, n_steps - 1)


def _rewards(flight: Flight, steps: NDArray[np.int64]) -> list[list[float | int | None]]:
    """Return the mean reward of a step between kept steps: one series if all agents earn the same, else one each."""
    means = [flight.rewards[a:b].mean(axis=0) for a, b in pairwise(steps)]
    series = np.array(means).reshape(-1, flight.rewards.shape[1])
    if series.size and np.ptp(series, axis=1).max() < 1e-12:
        series = series[:, :1]
    return [_numbers(agent) for agent in series.T]


def _prism(thing: Any) -> dict[str, Any]:
    """Return an obstacle as an outline, counterclockwise, between two heights."""
    *_, top, bottom = solid_faces(thing)
    return {"outline": _numbers(top[:, :2]), "low": _number(bottom[0, 2]), "high": _number(top[0, 2])}


def _number(value: Any) -> float | None:
    return round(float(value), 4) + 0.0 if np.isfinite(value) else None


def _numbers(values: NDArray[Any], *, digits: int = 4) -> list[float | int | None]:
    """Return rounded numbers in one list; the first row alone where all rows are the same."""
    rounded = np.round(np.asarray(values, dtype=np.float64), digits) + 0.0
    if rounded.ndim > 1 and rounded.shape[1] > 2 and (rounded == rounded[0]).all():
        rounded = rounded[0]
    flat = rounded.ravel()
    if not np.isfinite(flat).all():
        return [None if not np.isfinite(v) else v if digits else int(v) for v in flat.tolist()]
    return list(flat.tolist() if digits else flat.astype(np.int64).tolist())
