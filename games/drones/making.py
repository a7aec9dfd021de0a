"""The catalogue of drone tasks, and how a task is made of it."""

from __future__ import annotations

import dataclasses
import difflib
from collections.abc import Callable
from importlib import import_module
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from marlgt.errors import GameError
from marlgt.games._arrays import short
from marlgt.games._doors import is_number, require_whole
from marlgt.games.drones.airframes import Airframe
from marlgt.games.drones.airframes import airframe as preset
from marlgt.games.drones.disturbances import Disturbances
from marlgt.games.drones.kernels.contacts import distance
from marlgt.games.drones.task import Task

__all__ = ["TASKS", "TaskEntry", "make_task"]


@dataclasses.dataclass(frozen=True)
class TaskEntry:
    """A task of the catalogue.

    Attributes
    ----------
    module : str
        Module of :mod:`marlgt.games.drones.tasks` with the function that builds it.
    builder : str
        Name of that function: of a number of drones and a kind of actions.
    drones : tuple of three ints
        Fewest, usual and most drones.
    actions : tuple of str
        Kinds of actions that it knows, the usual one first.
    """

    module: str
    builder: str
    drones: tuple[int, int, int]
    actions: tuple[str, ...]

    def build(self, n_drones: int, actions: str) -> Task:
        """Return the task."""
        module = import_module(f"marlgt.games.drones.tasks.{self.module}")
        builder: Callable[[int, str], Task] = getattr(module, self.builder)
        return builder(n_drones, actions)


TASKS: dict[str, TaskEntry] = {
    "hover1d": TaskEntry("hovering", "hover1d", (1, 1, 1), ("motors",)),
    "hover": TaskEntry(
        "hovering", "hover", (1, 1, 1), ("motors", "rates", "attitude", "velocity", "position", "discrete")
    ),
    "multihover": TaskEntry("hovering", "multihover", (1, 2, 8), ("discrete", "velocity", "motors")),
    "takeoff-2level": TaskEntry("takeoff", "takeoff_2level", (1, 1, 1), ("four", "joint")),
    "takeoff-onoff": TaskEntry("takeoff", "takeoff_onoff", (1, 1, 1), ("four", "joint")),
    "formation": TaskEntry("formation", "polygon_formation", (3, 3, 8), ("discrete", "velocity", "motors")),
    "leaderfollow": TaskEntry("leader_follower", "leaderfollow", (2, 3, 6), ("discrete", "velocity")),
    "coverage": TaskEntry("covering", "coverage", (3, 3, 6), ("discrete", "velocity")),
    "gate": TaskEntry("gates", "gate_passage", (2, 2, 4), ("velocity", "discrete", "motors")),
    "crossing": TaskEntry("crossings", "crossing", (4, 4, 8), ("velocity", "discrete", "motors")),
    "payload": TaskEntry("payloads", "payload", (2, 2, 4), ("discrete", "velocity", "motors")),
    "pursuit": TaskEntry("pursuits", "pursuit", (2, 4, 4), ("discrete", "velocity")),
    "duel": TaskEntry("duels", "duel", (2, 2, 2), ("discrete", "velocity")),
    "hover1d-gpd": TaskEntry("gpd", "hover1d_gpd", (1, 1, 1), ("motors",)),
    "hover-gpd": TaskEntry("gpd", "hover_gpd", (1, 1, 1), ("motors",)),
}
"""The drone tasks by name."""


def make_task(
    name: str,
    *,
    n_drones: int | None = None,
    actions: str | None = None,
    airframe: Airframe | str | None = None,
    disturbances: Disturbances | None = None,
    neighbours: int | None = None,
    history: int | None = None,
    rate: int | None = None,
    seconds: float | None = None,
    starts: ArrayLike | None = None,
) -> Task:
    """Return a task of the catalogue, with what is given in place of what is usual.

    Parameters
    ----------
    name : str
        One of ``TASKS``.
    n_drones : int, optional
        How many drones.
    actions : str, optional
        The kind of actions: ``discrete``, or what continuous numbers mean: ``velocity``, ``motors``, … (see the task).
    airframe : Airframe or str, optional
        The drones' parameters, or the name of a preset.
    disturbances : Disturbances, optional
        Random airframes, wind, noise, failures.
    neighbours, history : int, optional
        Nearest drones, and earlier actions, in each observation.
    rate : int, optional
        Control steps per second: a divisor of 240.
    seconds : float, optional
        Length of an episode.
    starts : array_like, shape (n_drones, 3), optional
        Where the drones start in every episode, metres.

    Raises
    ------
    GameError
        For a name, a number or an option that does not fit the task.
    """
    if not isinstance(name, str):
        raise GameError(f"task is {short(name)}: give the name of one, such as 'multihover'")
    if name not in TASKS:
        close = difflib.get_close_matches(name, TASKS, n=1)
        hint = f"did you mean {close[0]!r}? There are" if close else "choose from"
        raise GameError(f"there is no drone task {short(name)}: {hint} {', '.join(TASKS)}")
    entry = TASKS[name]
    least, usual, most = entry.drones
    count = usual if n_drones is None else n_drones
    require_whole(count, "n_drones", least=1)
    if not least <= count <= most:
        drones = str(least) if least == most else f"{least} to {most}"
        raise GameError(f"{name} is for {drones} drone{'s' if most > 1 else ''}, got n_drones={short(count)}")
    kind = entry.actions[0] if actions is None else actions
    if not isinstance(kind, str) or kind not in entry.actions:
        raise GameError(f"{name} knows the actions {', '.join(entry.actions)}, got {short(actions)}")
    task = entry.build(int(count), kind)
    changes: dict[str, Any] = {}
    if airframe is not None:
        changes["airframe"] = preset(airframe) if isinstance(airframe, str) else airframe
        if not isinstance(changes["airframe"], Airframe):
            raise GameError(f"airframe must be an Airframe or the name of a preset, got {type(airframe).__name__}")
    if disturbances is not None:
        if not isinstance(disturbances, Disturbances):
            raise GameError(f"disturbances must be a Disturbances, got {type(disturbances).__name__}")
        changes["disturbances"] = disturbances
    for key, number in (("neighbours", neighbours), ("history", history), ("rate", rate)):
        if number is not None:
            require_whole(number, key, least=1 if key == "rate" else 0)
            changes[key] = int(number)
    if seconds is not None:
        changes["seconds"] = float(seconds) if is_number(seconds, largest=1e5) else seconds
    if starts is not None:
        frame = changes.get("airframe", task.airframe)
        changes["starts"] = _checked_starts(dataclasses.replace(task, airframe=frame), starts)
    return dataclasses.replace(task, **changes)


def _checked_starts(task: Task, starts: ArrayLike) -> np.ndarray:
    try:
        array = np.array(starts, dtype=float)
    except (TypeError, ValueError, OverflowError) as error:
        raise GameError(f"starts must be numbers of shape ({task.n_drones}, 3), metres") from error
    if array.shape != (task.n_drones, 3) or not np.isfinite(array).all():
        raise GameError(f"starts must be finite and of shape ({task.n_drones}, 3), metres, got shape {array.shape}")
    low, high = np.array(task.scene.low), np.array(task.scene.high)
    frame = task.airframe
    if (array < np.maximum(low, [-np.inf, -np.inf, frame.height])).any() or (array > high).any():
        raise GameError(
            f"starts must lie in the arena from {task.scene.low} to {task.scene.high}, and above the ground"
        )
    gaps = np.linalg.norm(array[:, None] - array[None], axis=2) + 1e9 * np.eye(len(array))
    if (gaps < 2 * frame.radius).any():
        i, j = sorted(np.unravel_index(gaps.argmin(), gaps.shape))
        raise GameError(
            f"drones {i} and {j} start {gaps.min():.3g} m apart, inside each other: keep {2 * frame.radius} m"
        )
    geometry = task.scene.geometry()
    for k in range(len(geometry)):
        for i, (x, y, z) in enumerate(array.tolist()):
            if distance(x, y, z, geometry, k) < frame.radius:
                raise GameError(
                    f"drone {i} starts in an obstacle, {short(task.scene.obstacles[k])}: keep {frame.radius} m from it"
                )
    return array
