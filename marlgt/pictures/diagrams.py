"""Diagrams of small games: best replies, simplices, outcomes and logit paths, each on given axes."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
from numpy.typing import NDArray

from marlgt.errors import UnsupportedGame
from marlgt.games._doors import require_game
from marlgt.games.normal_form import NormalFormGame

if TYPE_CHECKING:
    from marlgt.dynamics.trajectory import Trajectory
    from marlgt.equilibria import Equilibrium
    from marlgt.solvers.homotopy import LogitPath

__all__ = ["draw_best_replies", "draw_logit_path", "draw_outcomes", "draw_simplex"]

PLAYER_COLOURS = ("#0b6fa4", "#c8553d", "#3c7a3b", "#7b5ea7", "#a67c00")
REGION_COLOURS = ("#cfe3ef", "#f6ddd5", "#dcebd8")
CORNERS = np.array([[0.0, 0.0], [1.0, 0.0], [0.5, np.sqrt(0.75)]])


class HasNamedPlayers(Protocol):
    """A game of any kind."""

    @property
    def players(self) -> tuple[str, ...]:
        """The names of the players."""
        ...


def player_name(game: HasNamedPlayers, player: int) -> str:
    """Return what to call a player in a caption: ``player 1`` where the name is only a number."""
    name = game.players[player]
    return f"player {name}" if name.isdigit() else name


def draw_best_replies(
    axes: Any, game: NormalFormGame, equilibria: Iterable[Equilibrium], *, run: Trajectory | None = None
) -> None:
    """Draw both best-reply correspondences of a 2x2 game; they cross at the equilibria.

    Parameters
    ----------
    axes : matplotlib.axes.Axes
    game : NormalFormGame
        Two players with two actions each.
    equilibria : iterable of Equilibrium
    run : Trajectory, optional
        A learning path to draw beneath.

    Raises
    ------
    UnsupportedGame
        For a game of another size.
    """
    require_game(game)
    if game.n_actions != (2, 2):
        raise UnsupportedGame(f"best replies are drawn for 2 x 2 games, this one is {game.n_actions}: use draw_simplex")
    if run is not None:
        _path(axes, run.path(0)[:, 0], run.path(1)[:, 0])
    A, B = game.payoffs
    # The row player's gain from action 0, at either pure column, decides her reply at every mixture.
    for player, gain in ((0, A[0] - A[1]), (1, B[:, 0] - B[:, 1])):
        segments = _correspondence(gain)
        first, second = segments[:, 0], segments[:, 1]
        x, y = (second, first) if player == 0 else (first, second)
        axes.plot(x, y, color=PLAYER_COLOURS[player], linewidth=3, label=f"best replies of {player_name(game, player)}")
        if not gain.any():
            axes.fill_between([0, 1], 0, 1, color=PLAYER_COLOURS[player], alpha=0.12)
    _marks(axes, [(e.profile[0][0], e.profile[1][0]) for e in equilibria if e.profile is not None])
    axes.set_xlabel(f"probability that {player_name(game, 0)} plays {game.actions[0][0]}")
    axes.set_ylabel(f"probability that {player_name(game, 1)} plays {game.actions[1][0]}")
    axes.set_xlim(-0.05, 1.05)
    axes.set_ylim(-0.05, 1.05)
    axes.set_aspect("equal")
    axes.legend(loc="upper center", bbox_to_anchor=(0.5, -0.14), frameon=False, fontsize=8)


def _correspondence(gain: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the polyline (opponent's probability of action 0, own best probability of action 0).

    ``gain[k]`` is what own action 0 earns above action 1 when the opponent plays k for sure.
    """
    at_one, at_zero = float(gain[0]), float(gain[1])
    start, end = _best(at_zero), _best(at_one)
    if at_zero * at_one < 0:
        indifferent = at_zero / (at_zero - at_one)
        return np.array([[0, start], [indifferent, start], [indifferent, end], [1, end]])
    if at_zero == 0 and at_one != 0:
        return np.array([[0, 1 - end], [0, end], [1, end]])
    if at_one == 0 and at_zero != 0:
        return np.array([[0, start], [1, start], [1, 1 - start]])
    return np.array([[0, start], [1, end]])


def _best(gain: float) -> float:
    return 1.0 if gain > 0 else 0.0


def draw_simplex(
    axes: Any,
    game: NormalFormGame,
    player: int,
    equilibria: Iterable[Equilibrium],
    *,
    run: Trajectory | None = None,
) -> None:
    """Draw the strategies of a player with three actions, coloured by the other player's best reply.

    Parameters
    ----------
    axes : matplotlib.axes.Axes
    game : NormalFormGame
        Two players; ``player`` has three actions.
    player : int
    equilibria : iterable of Equilibrium
    run : Trajectory, optional
        A learning path to draw.

    Raises
    ------
    UnsupportedGame
        If the game has not two players or the player not three actions.
    """
    require_game(game)
    if game.n_players != 2 or game.n_actions[player] != 3:
        raise UnsupportedGame(
            f"a simplex is drawn for a player with three actions in a two-player game, not for player {player} of a "
            f"game of size {game.n_actions}"
        )
    other = 1 - player
    grid = _simplex_grid(120)
    matrix = game.payoffs[other] if player == 0 else game.payoffs[other].T
    replies = np.argmax(grid @ matrix, axis=1)
    points = grid @ CORNERS
    count = game.n_actions[other]
    palette = _palette(count)
    triangles = axes.tripcolor(points[:, 0], points[:, 1], replies, cmap=palette, vmin=-0.5, vmax=count - 0.5)
    triangles.set_rasterized(True)
    for reply in range(count):
        if (replies == reply).any():
            x, y = points[replies == reply].mean(axis=0)
            axes.text(x, y, game.actions[other][reply], ha="center", va="center", fontsize=8, color="#555555")
    if run is not None:
        path = run.path(player) @ CORNERS
        _path(axes, path[:, 0], path[:, 1])
    outline = CORNERS[[0, 1, 2, 0]]
    axes.plot(outline[:, 0], outline[:, 1], color="#333333", linewidth=1)
    places = [e.profile[player] @ CORNERS for e in equilibria if e.profile is not None]
    _marks(axes, [(float(x), float(y)) for x, y in places])
    for corner, label, shift in zip(CORNERS, game.actions[player], ((0, -0.06), (0, -0.06), (0, 0.03))):
        axes.text(corner[0] + shift[0], corner[1] + shift[1], label, ha="center", va="center", fontsize=9)
    axes.set_title(
        f"strategies of {player_name(game, player)}, coloured by {player_name(game, other)}'s best reply", fontsize=9
    )
    axes.set_aspect("equal")
    axes.axis("off")


def _simplex_grid(steps: int) -> NDArray[np.float64]:
    i, j = np.meshgrid(np.arange(steps + 1), np.arange(steps + 1), indexing="ij")
    inside = i + j <= steps
    first, second = i[inside] / steps, j[inside] / steps
    return np.stack([first, second, 1.0 - first - second], axis=1)


def _palette(count: int) -> Any:
    from matplotlib import colormaps
    from matplotlib.colors import ListedColormap

    if count <= len(REGION_COLOURS):
        return ListedColormap(REGION_COLOURS[:count])
    return colormaps["Pastel1"].resampled(count)


def draw_outcomes(axes: Any, game: NormalFormGame, equilibria: Iterable[Equilibrium]) -> None:
    """Draw a two-player game's payoffs: every outcome, their convex hull, and the equilibria.

    Raises
    ------
    UnsupportedGame
        For a game with another number of players.
    """
    require_game(game)
    if game.n_players != 2:
        raise UnsupportedGame(f"outcomes are drawn in the plane of two payoffs, this game has {game.n_players} players")
    points = game.payoffs.reshape(2, -1).T
    hull = _hull(points)
    axes.fill(hull[:, 0], hull[:, 1], color="#e8eef2", zorder=0)
    axes.plot(*np.vstack([hull, hull[:1]]).T, color="#9fb3bf", linewidth=1, zorder=1)
    axes.scatter(points[:, 0], points[:, 1], s=22, color="#5b7383", zorder=2, label="pure outcomes")
    _marks(axes, [(float(e.values[0]), float(e.values[1])) for e in equilibria])
    axes.set_xlabel(f"payoff of {player_name(game, 0)}")
    axes.set_ylabel(f"payoff of {player_name(game, 1)}")
    axes.margins(0.08)


def _hull(points: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the convex hull of points in the plane, counter-clockwise (Andrew's monotone chain)."""
    ordered = sorted(set(map(tuple, points.tolist())))
    if len(ordered) <= 2:
        return np.array(ordered)

    def chain(sequence: Iterable[tuple[float, ...]]) -> list[tuple[float, ...]]:
        kept: list[tuple[float, ...]] = []
        for p in sequence:
            while len(kept) >= 2 and _turn(kept[-2], kept[-1], p) <= 0:
                kept.pop()
            kept.append(p)
        return kept[:-1]

    return np.array(chain(ordered) + chain(reversed(ordered)))


def _turn(o: tuple[float, ...], a: tuple[float, ...], b: tuple[float, ...]) -> float:
    return (a[0] - o[0]) * (b[1] - o[1]) - (a[1] - o[1]) * (b[0] - o[0])


def draw_logit_path(axes: Any, game: NormalFormGame, path: LogitPath) -> None:
    """Draw every probability along the principal branch of the logit quantal response correspondence."""
    require_game(game)
    precision = np.asarray(path.rationality, dtype=np.float64)
    for i, probabilities in enumerate(path.profiles):
        colour = PLAYER_COLOURS[i % len(PLAYER_COLOURS)]
        for a in range(probabilities.shape[1]):
            name = f"{player_name(game, i)}: {game.actions[i][a]}"
            style = ("-", "--", ":", "-.")[a % 4]
            axes.plot(precision, probabilities[:, a], style, color=colour, linewidth=1.5, label=name)
    axes.set_xscale("symlog", linthresh=0.1)
    axes.set_xlim(left=0.0)
    axes.set_xlabel("rationality (lambda of the logit response)")
    axes.set_ylabel("probability")
    axes.set_ylim(-0.02, 1.02)
    axes.legend(loc="upper center", bbox_to_anchor=(0.5, -0.16), ncols=2, frameon=False, fontsize=8)


def _marks(axes: Any, places: list[tuple[float, float]]) -> None:
    if places:
        x, y = zip(*places)
        axes.scatter(
            x,
            y,
            s=70,
            marker="o",
            facecolor="#ffcc33",
            edgecolor="#222222",
            zorder=5,
            clip_on=False,
            label="equilibria",
        )


def _path(axes: Any, x: NDArray[np.float64], y: NDArray[np.float64]) -> None:
    axes.plot(x, y, color="#777777", linewidth=0.9, zorder=3, label="fictitious play")
    axes.plot(x[:1], y[:1], "s", color="#777777", markersize=4, zorder=3)
