"""Figures of a flight: its paths in space, and height, distance to the goal, speed, tilt and reward over time."""

from __future__ import annotations

from collections.abc import Sequence
from importlib import import_module
from typing import Any

import numpy as np
from numpy.typing import NDArray

from marlgt.errors import GameError, MissingDependency
from marlgt.games._arrays import short
from marlgt.games._doors import is_number
from marlgt.games.drones.flights import Flight
from marlgt.pictures._flight_geometry import (
    checked,
    colours,
    focus,
    has_goals,
    has_load,
    outcome,
    planes,
    rotations,
    shaded,
    solid_faces,
)

__all__ = ["draw_flight", "draw_flight_over_time"]

Floats = NDArray[np.float64]

_MOST_NAMED = 12
_OBSTACLE = (0.62, 0.67, 0.72)
_GOAL_LINE: dict[str, Any] = {"linestyle": (0, (4, 2)), "linewidth": 1.0, "alpha": 0.7}


def draw_flight(flight: Flight, *, size: tuple[float, float] = (12.0, 6.8)) -> Any:
    """Return a figure of a flight: the paths in space, and beside them its course over time.

    In space there are each drone's path, a ring where it began and a disc where it ended, crosses at the goals (and
    their dotted paths where they move), the obstacles, and the paths' shadows on the ground. Nothing is shown on the
    screen, and no open figure is kept.

    Parameters
    ----------
    flight : Flight
    size : tuple of float
        Width and height, inches.

    Returns
    -------
    matplotlib.figure.Figure
        Save it with its ``savefig``.

    Raises
    ------
    GameError
        For what is no flight.
    MissingDependency
        Without matplotlib.
    """
    flight = checked(flight)
    figure = _new_figure(size)
    # The layout does not see the labels of axes in space, which reach into the column between.
    grid = figure.add_gridspec(4, 3, width_ratios=(1.45, 0.1, 1.0))
    space = figure.add_subplot(grid[:, 0], projection="3d")
    _draw_space(space, flight)
    beside = [figure.add_subplot(grid[row, 2]) for row in range(4)]
    for axes in beside[1:]:
        axes.sharex(beside[0])
    _draw_height(beside[0], flight)
    if has_goals(flight):
        _draw_distance(beside[1], flight)
    else:
        _draw_tilt(beside[1], flight)
    _draw_speed(beside[2], flight)
    _draw_rewards(beside[3], flight)
    for axes in beside[:-1]:
        axes.tick_params(labelbottom=False)
    _finish(figure, flight, beside, [beside[-1]])
    return figure


def draw_flight_over_time(flight: Flight, *, size: tuple[float, float] = (11.0, 8.0)) -> Any:
    """Return a figure of a flight over time: positions, distance to the goal, speed, tilt, rotors and reward.

    Parameters
    ----------
    flight : Flight
    size : tuple of float
        Width and height, inches.

    Returns
    -------
    matplotlib.figure.Figure

    Raises
    ------
    GameError
        For what is no flight.
    MissingDependency
        Without matplotlib.
    """
    flight = checked(flight)
    figure = _new_figure(size)
    axes = figure.subplots(4, 2, sharex=True)
    for row, name in enumerate("xy"):
        _draw_coordinate(axes[row, 0], flight, row, f"{name} (m)")
    _draw_height(axes[2, 0], flight)
    _draw_rewards(axes[3, 0], flight)
    if has_goals(flight):
        _draw_distance(axes[0, 1], flight)
    else:
        _draw_climb(axes[0, 1], flight)
    _draw_speed(axes[1, 1], flight)
    _draw_tilt(axes[2, 1], flight)
    _lines(axes[3, 1], flight, flight.rotors.mean(axis=2) / 1000)
    axes[3, 1].set_ylabel("mean rotor\nspeed (1000 rpm)")
    _finish(figure, flight, list(axes.flat), list(axes[3]))
    return figure


def _new_figure(size: tuple[float, float]) -> Any:
    try:
        from matplotlib.figure import Figure
    except ImportError as error:
        raise MissingDependency("the figure of a flight", package="matplotlib", extra="drones") from error
    sides = tuple(size) if isinstance(size, Sequence | np.ndarray) else ()
    if len(sides) != 2 or not all(is_number(side, largest=100.0) and side >= 1.0 for side in sides):
        raise GameError(f"size is {short(size)}: give width and height, two numbers from 1 to 100 inches")
    return Figure(figsize=sides, layout="constrained")


def _draw_space(axes: Any, flight: Flight) -> None:
    low, high = focus(flight)
    ground = max(low[2], 0.0)
    axes.computed_zorder = False
    for solid in flight.scene.obstacles:
        _draw_solid(axes, solid, low, high)
    goals = flight.goals if has_goals(flight) else None
    for i, colour in enumerate(colours(flight.positions.shape[1])):
        x, y, z = flight.positions[:, i].T
        axes.plot(x, y, np.full_like(z, ground), color=colour, linewidth=0.8, alpha=0.25, zorder=1)
        axes.plot(x, y, z, color=colour, linewidth=1.6, zorder=3)
        axes.plot(x[:1], y[:1], z[:1], "o", markersize=6, markerfacecolor="white", color=colour, zorder=4)
        axes.plot(x[-1:], y[-1:], z[-1:], "o", markersize=6, color=colour, zorder=4)
        if goals is not None:
            gx, gy, gz = goals[:, i].T
            if np.ptp(goals[:, i], axis=0).max() > 1e-6:
                axes.plot(gx, gy, gz, color=colour, linestyle=":", linewidth=1.0, zorder=2)
            axes.plot(gx[-1:], gy[-1:], gz[-1:], "x", markersize=8, markeredgewidth=2, color=colour, zorder=5)
    if has_load(flight):
        axes.plot(*flight.loads.T, color="#555555", linewidth=1.2, zorder=3)
        axes.plot(*flight.loads[-1:].T, "s", color="#555555", markersize=7, zorder=4)
    axes.set_xlim(low[0], high[0])
    axes.set_ylim(low[1], high[1])
    axes.set_zlim(low[2], high[2])
    axes.set_box_aspect(high - low, zoom=1.0)
    axes.view_init(elev=24, azim=-58)
    axes.locator_params(nbins=5)
    for name, label in zip("xyz", ("x (m)", "y (m)", "height (m)")):
        getattr(axes, f"set_{name}label")(label)
    axes.tick_params(labelsize=8, pad=1)


def _draw_solid(axes: Any, solid: Any, low: Floats, high: Floats) -> None:
    # By name, because the package has no types.
    art3d: Any = import_module("mpl_toolkits.mplot3d.art3d")
    faces = solid_faces(solid)
    tints = shaded(_OBSTACLE, planes(faces)[0])
    # Many sides of a pillar would be a bundle of edges; the shading of the faces tells its shape.
    edges = "#5b6673" if len(faces) == 6 else "none"
    clipped = [np.clip(face, low, high) for face in faces]
    axes.add_collection3d(
        art3d.Poly3DCollection(clipped, facecolors=tints, edgecolors=edges, linewidths=0.4, alpha=0.5, zorder=2)
    )


def _lines(axes: Any, flight: Flight, series: Floats, *, dashed: bool = False) -> None:
    style: dict[str, Any] = dict(_GOAL_LINE) if dashed else {"linewidth": 1.4}
    for i, colour in enumerate(colours(flight.positions.shape[1])):
        axes.plot(flight.times, series[:, i], color=colour, **style)


def _draw_coordinate(axes: Any, flight: Flight, axis: int, label: str) -> None:
    if has_goals(flight):
        _lines(axes, flight, flight.goals[:, :, axis], dashed=True)
    _lines(axes, flight, flight.positions[:, :, axis])
    axes.set_ylabel(label)


def _draw_height(axes: Any, flight: Flight) -> None:
    _draw_coordinate(axes, flight, 2, "height (m)")
    axes.set_ylim(bottom=min(0.0, axes.get_ylim()[0]))


def _draw_distance(axes: Any, flight: Flight) -> None:
    _lines(axes, flight, np.linalg.norm(flight.positions - flight.goals, axis=2))
    axes.set_ylabel("distance to\ngoal (m)")
    axes.set_ylim(bottom=0.0)


def _draw_speed(axes: Any, flight: Flight) -> None:
    _lines(axes, flight, np.linalg.norm(flight.velocities, axis=2))
    axes.set_ylabel("speed (m/s)")
    axes.set_ylim(bottom=0.0)


def _draw_climb(axes: Any, flight: Flight) -> None:
    _lines(axes, flight, flight.velocities[:, :, 2])
    axes.set_ylabel("climb (m/s)")


def _draw_tilt(axes: Any, flight: Flight) -> None:
    upright = rotations(flight.orientations)[..., 2, 2]
    _lines(axes, flight, np.degrees(np.arccos(np.clip(upright, -1.0, 1.0))))
    axes.set_ylabel("tilt (°)")
    axes.set_ylim(bottom=0.0)


def _draw_rewards(axes: Any, flight: Flight) -> None:
    """Draw one line where all agents earn the same, else one for each, in the drones' colours if there are as many."""
    rewards = flight.rewards
    axes.set_ylabel("reward\nof a step")
    if not rewards.size:
        return
    n_drones = flight.positions.shape[1]
    if np.ptp(rewards, axis=1).max() < 1e-12:
        axes.set_ylabel("reward of a\nstep (shared)" if rewards.shape[1] > 1 else "reward\nof a step")
        rewards, drawn = rewards[:, :1], ["#444444"]
    else:
        drawn = colours(n_drones) if rewards.shape[1] == n_drones else ["#444444"] * rewards.shape[1]
    for series, colour in zip(rewards.T, drawn):
        axes.stairs(series, flight.times, baseline=None, color=colour, linewidth=1.4)


def _finish(figure: Any, flight: Flight, timed: list[Any], lowest: list[Any]) -> None:
    from matplotlib.lines import Line2D

    for axes in timed:
        axes.grid(alpha=0.3)
        axes.margins(x=0.01)
        axes.yaxis.label.set_size(9)
        axes.tick_params(labelsize=8)
        axes.spines[["top", "right"]].set_visible(False)
    for axes in lowest:
        axes.set_xlabel("time (s)")
    figure.align_ylabels(timed)
    n_drones = flight.positions.shape[1]
    drawn = colours(n_drones)
    named = range(n_drones) if n_drones <= _MOST_NAMED else (0, n_drones - 1)
    handles = [Line2D([], [], color=drawn[i], linewidth=2, label=f"drone {i}") for i in named]
    if n_drones > _MOST_NAMED:
        handles.insert(1, Line2D([], [], color=drawn[n_drones // 2], linewidth=2, label="…"))
    grey = "#444444"
    spatial = any(axes.name == "3d" for axes in figure.axes)
    if spatial:
        handles += [
            Line2D([], [], linestyle="", marker="o", markerfacecolor="white", color=grey, label="start"),
            Line2D([], [], linestyle="", marker="o", color=grey, label="end"),
        ]
    if has_goals(flight):
        if spatial:
            handles.append(Line2D([], [], linestyle="", marker="x", markeredgewidth=2, color=grey, label="goal"))
        handles.append(Line2D([], [], color=grey, label="goal over time", **_GOAL_LINE))
    if has_load(flight):
        handles.append(Line2D([], [], marker="s", color="#555555", linewidth=1.2, label="load"))
    figure.legend(handles=handles, loc="outside lower center", ncols=min(len(handles), 9), frameon=False, fontsize=9)
    figure.suptitle(
        f"{flight.task}: {flight.policy} on {flight.backend}, score {flight.score:.3f}, {outcome(flight)}", fontsize=11
    )
