"""Pictures of dynamics: phase portraits, paths in the square and in the triangle, and gaps over time.

A portrait shows a dynamic's velocity at every profile as streamlines, some paths over them, and the equilibria that
the solver finds: in a 2x2 game the square of both players' probabilities of action 0, in a symmetric game of three
actions the triangle of one population's states.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from marlgt.dynamics.trajectory import Trajectories, Trajectory, many
from marlgt.equilibria import Equilibrium
from marlgt.errors import GameError, UnsupportedGame
from marlgt.games._arrays import short
from marlgt.games._doors import require_game
from marlgt.games.normal_form import NormalFormGame, Profile
from marlgt.games.structure import is_symmetric
from marlgt.pictures.diagrams import CORNERS, PLAYER_COLOURS, player_name

__all__ = ["draw_gap_curves", "draw_phase_portrait", "draw_simplex_trajectory", "draw_square_trajectory"]

Floats = NDArray[np.float64]

GAPS = {
    "nash_conv": "NashConv of the averages",
    "nash_conv_current": "NashConv of the strategies",
    "cce_gap": "CCE gap (largest regret)",
    "ce_gap": "CE gap",
}
"""The gaps that can be drawn, and what they are called."""

_FIELD_COLOUR = "#b4c0c8"
_PATH_COLOUR = "#0b6fa4"
_INSTANT = 1e-4
_GRID = 25


def draw_phase_portrait(
    axes: Any,
    game: NormalFormGame,
    dynamic: Callable[..., Trajectory],
    *,
    starts: Iterable[Profile] | None = None,
    equilibria: Iterable[Equilibrium] | None = None,
    **settings: Any,
) -> None:
    """Draw the streamlines of a dynamic, its paths from some starts, and the equilibria of the game.

    Parameters
    ----------
    axes : matplotlib.axes.Axes
    game : NormalFormGame
        Two players with two actions each, or a symmetric game of three actions, drawn for one population.
    dynamic : callable
        A function of :mod:`marlgt.dynamics` that moves strategies, such as
        :func:`~marlgt.dynamics.replicator_dynamics`.
    starts : iterable of profiles, optional
        Where the paths begin; by default at points that are spread over the picture.
    equilibria : iterable of Equilibrium, optional
        What to mark; by default what :func:`marlgt.solve` finds.
    **settings
        Settings of the dynamic, for the paths and the streamlines alike.

    Raises
    ------
    UnsupportedGame
        For a game of another size, and for three actions where the dynamic knows no single population.
    """
    require_game(game)
    known = inspect.signature(dynamic).parameters
    square = game.n_actions == (2, 2) and not settings.get("one_population", False)
    if not square:
        if game.n_actions != (3, 3) or not is_symmetric(game):
            raise UnsupportedGame(
                "portraits are drawn of 2 x 2 games and of symmetric games of three actions, this one is "
                f"{game.n_actions}: draw one player's path with draw_simplex_trajectory"
            )
        if "one_population" not in known:
            raise UnsupportedGame(
                f"{getattr(dynamic, '__name__', 'the dynamic')} knows no single population: give a dynamic with the "
                "setting one_population, such as replicator_dynamics"
            )
        settings["one_population"] = True
    if "joint" in known:
        settings.setdefault("joint", False)
    if "record" in known:
        settings.setdefault("record", 400)
    x, y, points = _square_grid() if square else _triangle_grid()
    moved = _velocities(game, dynamic, points, known, settings)
    if square:
        flow = np.stack([moved[0][:, 0], moved[1][:, 0]])
    else:
        flow = (moved[0] @ CORNERS).T
    _streamlines(axes, x, y, flow.reshape(2, len(y), len(x)), square)
    profiles = list(starts) if starts is not None else _spread(square)
    for run in many(dynamic, game, starts=profiles, **settings):
        place = _square_places(run.strategies) if square else run.strategies[0] @ CORNERS
        axes.plot(place[:, 0], place[:, 1], color=_PATH_COLOUR, linewidth=1.3, zorder=3)
        axes.plot(*place[0], "o", color=_PATH_COLOUR, markersize=3, zorder=3, clip_on=False)
    if equilibria is None:
        from marlgt.solvers import solve

        equilibria = solve(game)
    marked = [e.profile for e in equilibria if e.profile is not None]
    if square:
        _mark(axes, [(p[0][0], p[1][0]) for p in marked])
        _frame_square(axes, game)
    else:
        # One population cannot hold an asymmetric equilibrium.
        alike = [p for p in marked if np.abs(p[0] - p[1]).max() < 1e-9]
        _mark(axes, [tuple(p[0] @ CORNERS) for p in alike])
        _frame_triangle(axes, game, 0)


def draw_simplex_trajectory(axes: Any, runs: Any, *, player: int = 0, average: bool = False) -> None:
    """Draw paths of a player's strategies in the triangle of her three actions, time as colour.

    Parameters
    ----------
    axes : matplotlib.axes.Axes
    runs : Trajectory, or iterable of them
    player : int
        With three actions.
    average : bool
        The averages of play rather than the strategies held.

    Raises
    ------
    GameError
        For what is no trajectory, and for a player that the game does not have.
    UnsupportedGame
        If the player has not three actions.
    """
    drawn = _trajectories(runs)
    paths = [run.path(player, average=average) for run in drawn]
    if any(path.shape[1] != 3 for path in paths):
        raise UnsupportedGame(
            f"a triangle is for three actions, player {player} has {paths[0].shape[1]}: use draw_square_trajectory for "
            "two, or draw_gap_curves"
        )
    _coloured_paths(axes, drawn, [path @ CORNERS for path in paths])
    _frame_triangle(axes, drawn[0].game, player)
    what = "average play" if average else "strategies"
    axes.set_title(f"{what} of {player_name(drawn[0].game, player)}: {drawn[0].rule.replace('_', ' ')}", fontsize=9)


def draw_square_trajectory(axes: Any, runs: Any, *, players: tuple[int, int] = (0, 1), average: bool = False) -> None:
    """Draw paths of two players' probabilities of action 0 in the unit square, time as colour.

    Parameters
    ----------
    axes : matplotlib.axes.Axes
    runs : Trajectory, or iterable of them
    players : pair of int
        Two players with two actions each.
    average : bool
        The averages of play rather than the strategies held.

    Raises
    ------
    GameError
        For what is no trajectory, and for players that the game does not have.
    UnsupportedGame
        If one of the players has not two actions.
    """
    drawn = _trajectories(runs)
    pairs = [[run.path(i, average=average) for i in players] for run in drawn]
    if any(path.shape[1] != 2 for pair in pairs for path in pair):
        raise UnsupportedGame(
            f"a square is for two actions each, players {tuple(players)} have "
            f"{tuple(path.shape[1] for path in pairs[0])}: use draw_simplex_trajectory for three"
        )
    _coloured_paths(axes, drawn, [_square_places(pair) for pair in pairs])
    _frame_square(axes, drawn[0].game, players)
    axes.set_title(f"{'average play' if average else 'strategies'}: {drawn[0].rule.replace('_', ' ')}", fontsize=9)


def draw_gap_curves(axes: Any, runs: Any, *, gaps: Sequence[str] | None = None) -> None:
    """Draw how far runs were from equilibrium over time, on logarithmic axes.

    Of a batch the median is drawn, and the middle half as a band. One run or batch has a colour for each gap; of
    several, each has a colour of its own and each gap a style. Gaps that are not positive, such as negative regrets,
    are left out.

    Parameters
    ----------
    axes : matplotlib.axes.Axes
    runs : Trajectory or Trajectories, or sequence of these
    gaps : sequence of str, optional
        Of ``"nash_conv"``, ``"nash_conv_current"``, ``"cce_gap"`` and ``"ce_gap"``; by default all, the last only where
        the joint distribution was kept, and for several runs the first alone.

    Raises
    ------
    GameError
        For what is no trajectory, and for a gap of another name.
    """
    batches = _batches(runs)
    alone = len(batches) == 1
    if gaps is None:
        kept = all(run.joint is not None for run in batches[0])
        gaps = [g for g in GAPS if g != "ce_gap" or kept] if alone else ["nash_conv"]
    elif isinstance(gaps, str) or not gaps or any(g not in GAPS for g in gaps):
        raise GameError(f"gaps is {short(gaps)}: list some of {', '.join(GAPS)}")
    for b, batch in enumerate(batches):
        for g, gap in enumerate(gaps):
            values = np.array([getattr(run, gap) for run in batch])
            values = np.where(values > 0.0, values, np.nan)
            after = np.isfinite(values).any(axis=0) & (batch[0].times > 0)
            if not after.any():
                continue
            low, middle, high = np.nanquantile(values[:, after], (0.25, 0.5, 0.75), axis=0)
            colour = PLAYER_COLOURS[(g if alone else b) % len(PLAYER_COLOURS)]
            style = "-" if alone else ("-", "--", ":", "-.")[g % 4]
            rule = batch[0].rule.replace("_", " ")
            label = GAPS[gap] if alone else rule if len(gaps) == 1 else f"{rule}: {GAPS[gap]}"
            times = batch[0].times[after]
            axes.plot(times, middle, style, color=colour, linewidth=1.6, label=label)
            if len(batch) > 1:
                axes.fill_between(times, low, high, color=colour, alpha=0.18, linewidth=0)
    axes.set_xlabel("time")
    axes.set_ylabel(GAPS[gaps[0]] if len(gaps) == 1 else "gap")
    axes.grid(alpha=0.3)
    if not axes.lines:
        axes.text(0.5, 0.5, "no gap is ever above 0", transform=axes.transAxes, ha="center", va="center")
        return
    axes.set_xscale("log")
    axes.set_yscale("log")
    axes.legend(frameon=False, fontsize=8)


def _trajectories(runs: Any) -> list[Trajectory]:
    """Return what was given as a list of trajectories."""
    listed = [runs] if isinstance(runs, Trajectory) else list(runs) if isinstance(runs, Iterable) else []
    if not listed or not all(isinstance(run, Trajectory) for run in listed):
        raise GameError(f"runs is {short(runs)}: give a trajectory of marlgt.dynamics, or several")
    return listed


def _batches(runs: Any) -> list[list[Trajectory]]:
    """Return what was given as lists of trajectories, a batch each."""
    if isinstance(runs, Trajectory | Trajectories):
        return [_trajectories(runs)]
    if not isinstance(runs, Iterable):
        return [_trajectories(runs)]
    batches = [_trajectories(batch) for batch in runs]
    return batches or [_trajectories(())]


def _square_grid() -> tuple[Floats, Floats, list[Profile]]:
    side = np.linspace(0.0, 1.0, _GRID)
    q, p = np.meshgrid(side, side, indexing="ij")
    points: list[Profile] = [(np.array([a, 1.0 - a]), np.array([b, 1.0 - b])) for a, b in zip(p.flat, q.flat)]
    return side, side, points


def _triangle_grid() -> tuple[Floats, Floats, list[Profile]]:
    """Return a grid over the triangle's box; points outside stand for the nearest ones inside.

    Streamlines are cut at the edge afterwards, so that they run smoothly up to it.
    """
    x, y = np.linspace(0.0, 1.0, _GRID), np.linspace(0.0, float(CORNERS[2, 1]), _GRID)
    v, u = np.meshgrid(y, x, indexing="ij")
    third = v.ravel() / CORNERS[2, 1]
    second = u.ravel() - 0.5 * third
    weights = np.maximum(np.stack([1.0 - second - third, second, third], axis=1), 0.0)
    weights /= weights.sum(axis=1, keepdims=True)
    return x, y, [(w, w) for w in weights]


def _velocities(
    game: NormalFormGame,
    dynamic: Callable[..., Trajectory],
    points: list[Profile],
    known: Any,
    settings: dict[str, Any],
) -> list[Floats]:
    """Return how each player's strategy moves at each point, by a very short run or one step from there."""
    if "duration" in known:
        instant = _INSTANT / max(float(game.payoff_range.max()), 1.0)
        short_run = {**settings, "duration": instant, "dt": instant, "record": 1}
    else:
        short_run = {**settings, "steps": 1, "record": 1}
    runs = many(dynamic, game, starts=points, **short_run)
    return [np.array([run.strategies[i][-1] - run.strategies[i][0] for run in runs]) for i in range(2)]


def _streamlines(axes: Any, x: Floats, y: Floats, flow: Floats, square: bool) -> None:
    from matplotlib.patches import Polygon

    if not flow.any():
        return
    outline = np.array([[0.0, 0.0], [1.0, 0.0], [1.0, 1.0], [0.0, 1.0]]) if square else CORNERS
    clip = Polygon(outline, closed=True, transform=axes.transData)
    before = set(axes.patches)
    lines = axes.streamplot(
        x, y, flow[0], flow[1], color=_FIELD_COLOUR, linewidth=0.7, arrowsize=0.8, density=1.1, zorder=1
    )
    lines.lines.set_clip_path(clip)
    for arrow in set(axes.patches) - before:
        arrow.set_clip_path(clip)


def _spread(square: bool) -> list[Profile]:
    """Return starts spread over the picture, off its lines of symmetry."""
    if square:
        places = [(0.08, 0.55), (0.93, 0.47), (0.46, 0.07), (0.57, 0.94), (0.12, 0.14), (0.88, 0.9), (0.33, 0.62)]
        return [(np.array([p, 1 - p]), np.array([q, 1 - q])) for p, q in places]
    states = [(0.9, 0.06, 0.04), (0.05, 0.9, 0.05), (0.04, 0.06, 0.9), (0.47, 0.48, 0.05), (0.05, 0.5, 0.45)]
    states += [(0.48, 0.05, 0.47), (0.38, 0.28, 0.34)]
    return [(np.array(s), np.array(s)) for s in states]


def _square_places(strategies: Sequence[Floats]) -> Floats:
    return np.stack([strategies[0][:, 0], strategies[1][:, 0]], axis=1)


def _coloured_paths(axes: Any, runs: list[Trajectory], places: list[Floats]) -> None:
    from matplotlib import colormaps
    from matplotlib.collections import LineCollection
    from matplotlib.colors import ListedColormap, Normalize

    # The palest end of the map cannot be told from white.
    colours = ListedColormap(colormaps["viridis"](np.linspace(0.0, 0.9, 256)))
    scale = Normalize(0.0, max(float(run.times[-1]) for run in runs))
    drawn = None
    for run, place in zip(runs, places):
        segments = np.stack([place[:-1], place[1:]], axis=1)
        drawn = LineCollection(list(segments), cmap=colours, norm=scale, linewidth=1.4, zorder=3)
        drawn.set_array(0.5 * (run.times[:-1] + run.times[1:]))
        axes.add_collection(drawn)
        axes.plot(*place[0], "s", color=colours(0.0), markersize=4, zorder=4, clip_on=False)
        axes.plot(*place[-1], "o", color=colours(1.0), markeredgecolor="#222222", markersize=6, zorder=4, clip_on=False)
    axes.figure.colorbar(drawn, ax=axes, label="time", shrink=0.7, pad=0.04)


def _mark(axes: Any, places: list[tuple[Any, ...]]) -> None:
    if places:
        x, y = zip(*places)
        axes.scatter(
            x, y, s=60, facecolor="#ffcc33", edgecolor="#222222", zorder=5, clip_on=False, label="Nash equilibria"
        )


def _frame_square(axes: Any, game: NormalFormGame, players: tuple[int, int] = (0, 1)) -> None:
    row, column = players
    axes.set_xlabel(f"probability that {player_name(game, row)} plays {game.actions[row][0]}")
    axes.set_ylabel(f"probability that {player_name(game, column)} plays {game.actions[column][0]}")
    axes.set_xlim(0.0, 1.0)
    axes.set_ylim(0.0, 1.0)
    axes.set_aspect("equal")


def _frame_triangle(axes: Any, game: NormalFormGame, player: int) -> None:
    outline = CORNERS[[0, 1, 2, 0]]
    axes.plot(outline[:, 0], outline[:, 1], color="#333333", linewidth=1, zorder=2)
    for corner, label, shift in zip(CORNERS, game.actions[player], (-0.05, -0.05, 0.04)):
        axes.text(corner[0], corner[1] + shift, label, ha="center", va="center", fontsize=9)
    axes.set_xlim(-0.06, 1.06)
    axes.set_ylim(-0.1, float(CORNERS[2, 1]) + 0.09)
    axes.set_aspect("equal")
    axes.axis("off")
