"""Pictures of small game trees: who moves where, what she cannot tell apart, and how a profile plays."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
from numpy.typing import NDArray

from marlgt.errors import UnsupportedGame
from marlgt.games._doors import require_extensive_game
from marlgt.games.extensive import CHANCE, TERMINAL, ExtensiveGame
from marlgt.games.sequence_form import checked_behavior
from marlgt.pictures.diagrams import PLAYER_COLOURS, player_name

__all__ = ["LARGEST_TREE", "draw_tree"]

LARGEST_TREE = 160
"""Most nodes of a tree that a picture can show legibly."""

_CHANCE_COLOUR = "#777777"


def draw_tree(axes: Any, game: ExtensiveGame, profile: Any = None) -> None:
    """Draw a small game tree from the top down; dashed lines join the nodes of an information set.

    Parameters
    ----------
    axes : matplotlib.axes.Axes
    game : ExtensiveGame
        At most :data:`LARGEST_TREE` nodes.
    profile : behaviour profile, optional
        Moves are drawn the thicker, the more probable they are, and bear their probability.

    Raises
    ------
    UnsupportedGame
        For a larger tree.
    """
    require_extensive_game(game)
    if game.n_nodes > LARGEST_TREE:
        raise UnsupportedGame(
            f"a tree of {game.n_nodes} nodes cannot be drawn legibly, {LARGEST_TREE} are the most: draw a smaller game"
        )
    x, y = _places(game)
    chances = _move_probabilities(game, profile)
    many = len(game.terminals) > 24
    for v in range(1, game.n_nodes):
        above = int(game.parent[v])
        mover = int(game.player[above])
        colour = _CHANCE_COLOUR if mover == CHANCE else PLAYER_COLOURS[mover % len(PLAYER_COLOURS)]
        known = mover == CHANCE or profile is not None
        width = 0.6 + 2.4 * chances[v] if known else 1.2
        faded = known and chances[v] < 1e-9
        axes.plot(
            [x[above], x[v]], [y[above], y[v]], color=colour, linewidth=width, alpha=0.25 if faded else 0.9, zorder=1
        )
        axes.annotate(
            _move_label(game, above, v, chances[v] if known else None),
            ((x[above] + 2 * x[v]) / 3, (y[above] + 2 * y[v]) / 3),
            fontsize=5.5 if many else 7.5,
            color=colour,
            ha="center",
            va="center",
            rotation=90 if many else 0,
            bbox={"boxstyle": "round,pad=0.1", "facecolor": "white", "edgecolor": "none", "alpha": 0.85},
            zorder=2,
        )
    for mover in (CHANCE, *range(game.n_players)):
        nodes = np.flatnonzero(game.player == mover)
        colour = _CHANCE_COLOUR if mover == CHANCE else PLAYER_COLOURS[mover % len(PLAYER_COLOURS)]
        name = "chance" if mover == CHANCE else player_name(game, mover)
        if len(nodes):
            marker = "D" if mover == CHANCE else "o"
            axes.scatter(x[nodes], y[nodes], s=30, color=colour, marker=marker, label=name, zorder=3)
        if mover != CHANCE:
            _join_infosets(axes, game, mover, x, y, colour)
    for column, v in enumerate(game.terminals.tolist()):
        payoffs = "\n".join(f"{payoff:.4g}" for payoff in game.terminal_payoffs[:, column])
        axes.annotate(
            payoffs,
            (x[v], y[v]),
            xytext=(0, -2),
            textcoords="offset points",
            fontsize=6 if many else 8,
            ha="center",
            va="top",
            color="#222222",
        )
    deepest = float(y.min())
    axes.set_ylim(deepest - 0.35 - 0.12 * game.n_players, 0.3)
    axes.margins(x=0.04)
    axes.axis("off")
    # A tree of one node has nobody to name.
    if axes.get_legend_handles_labels()[0]:
        axes.legend(loc="lower center", bbox_to_anchor=(0.5, 1.0), ncols=game.n_players + 1, frameon=False, fontsize=8)


def _places(game: ExtensiveGame) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Put the leaves side by side and every other node above the middle of its children."""
    x = np.zeros(game.n_nodes)
    x[game.terminals] = np.arange(len(game.terminals))
    for v in range(game.n_nodes - 1, -1, -1):
        if game.player[v] != TERMINAL:
            below = x[game.children[game.first_child[v] : game.first_child[v + 1]]]
            x[v] = 0.5 * (below.min() + below.max())
    return x, -game.depth.astype(np.float64)


def _move_probabilities(game: ExtensiveGame, profile: Any) -> NDArray[np.float64]:
    chances = game.probability.copy()
    if profile is not None:
        policies = checked_behavior(game, profile)
        for v in range(1, game.n_nodes):
            above = game.parent[v]
            mover = game.player[above]
            if mover >= 0:
                chances[v] = policies[mover][game.infoset[above], game.action[v]]
    return chances


def _move_label(game: ExtensiveGame, above: int, v: int, probability: float | None) -> str:
    mover = int(game.player[above])
    sets = game.chance if mover == CHANCE else game.infosets[mover]
    label = sets.action_labels(int(game.infoset[above]))[int(game.action[v])]
    return label if probability is None else f"{label} {probability:.3g}"


def _join_infosets(
    axes: Any, game: ExtensiveGame, player: int, x: NDArray[np.float64], y: NDArray[np.float64], colour: str
) -> None:
    lanes: dict[float, int] = {}
    for j in range(game.n_infosets[player]):
        nodes = np.flatnonzero((game.player == player) & (game.infoset == j))
        if len(nodes) < 2:
            continue
        order = nodes[np.argsort(x[nodes])]
        level = float(y[order].max())
        # Sets at one height get lanes of their own, else their lines hide each other.
        lanes[level] = lane = lanes.get(level, 0) + 1
        for u, v in itertools.pairwise(order.tolist()):
            middle = max(y[u], y[v]) + 0.075 * lane
            reach = 0.15 * (x[v] - x[u])
            axes.plot(
                [x[u], x[u] + reach, x[v] - reach, x[v]],
                [y[u], middle, middle, y[v]],
                linestyle=(0, (3, 2)),
                color=colour,
                linewidth=0.9,
                alpha=0.75,
                zorder=2,
            )
