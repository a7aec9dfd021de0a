"""Pictures of grid games: where the players stand in a state, and the moves that their policies make there."""

from __future__ import annotations

import re
from typing import Any

import numpy as np

from marlgt.errors import GameError, UnsupportedGame
from marlgt.games._arrays import short
from marlgt.games._doors import require_stochastic_game
from marlgt.games.stochastic import StochasticGame, checked_stationary
from marlgt.pictures.diagrams import PLAYER_COLOURS

__all__ = ["draw_grid"]

_CELL = re.compile(r"\((\d+), ?(\d+)\)")
_STEPS = {
    "n": (-1, 0),
    "north": (-1, 0),
    "up": (-1, 0),
    "s": (1, 0),
    "south": (1, 0),
    "down": (1, 0),
    "w": (0, -1),
    "west": (0, -1),
    "left": (0, -1),
    "e": (0, 1),
    "east": (0, 1),
    "right": (0, 1),
}


def draw_grid(axes: Any, game: StochasticGame, *, state: int | None = None, profile: Any = None) -> None:
    """Draw the grid of a game whose states are labelled with the players' cells, such as ``"A (1, 3), B (2, 1)"``.

    Rows count from the top. An arrow is a move of a policy, the longer, the more probable; what is no step in a
    direction, such as staying, is written beside the player.

    Parameters
    ----------
    axes : matplotlib.axes.Axes
    game : StochasticGame
        Its state labels name one cell ``(row, column)`` for each player, in player order.
    state : int, optional
        By default the likeliest state at the start.
    profile : stationary profile, optional

    Raises
    ------
    UnsupportedGame
        If the labels name no cells.
    GameError
        If there is no such state.
    """
    require_stochastic_game(game)
    cells = [[(int(r), int(c)) for r, c in _CELL.findall(label)] for label in game.states]
    if state is None:
        state = int(np.argmax(game.start))
    if not isinstance(state, (int, np.integer)) or isinstance(state, bool) or not 0 <= state < game.n_states:
        raise GameError(f"state is {short(state)}: states are numbered from 0 to {game.n_states - 1}")
    if len(cells[state]) < game.n_players:
        raise UnsupportedGame(
            f"state {state} is labelled {game.states[state]!r}, which names no cell (row, column) for each of "
            f"{game.n_players} players: draw its policies with draw_policy"
        )
    rows = 1 + max(r for named in cells for r, _ in named)
    columns = 1 + max(c for named in cells for _, c in named)
    for r in range(rows + 1):
        axes.plot([0, columns], [r, r], color="#bbbbbb", linewidth=0.8, zorder=0)
    for c in range(columns + 1):
        axes.plot([c, c], [0, rows], color="#bbbbbb", linewidth=0.8, zorder=0)
    policies = None if profile is None else checked_stationary(game, profile)
    for i, (row, column) in enumerate(cells[state][: game.n_players]):
        colour = PLAYER_COLOURS[i % len(PLAYER_COLOURS)]
        # Players in one cell stand side by side.
        shared = [j for j, cell in enumerate(cells[state][: game.n_players]) if cell == (row, column)]
        x = column + (shared.index(i) + 1) / (len(shared) + 1)
        y = row + 0.5
        axes.scatter([x], [y], s=420, color=colour, zorder=3, label=game.players[i])
        axes.text(
            x,
            y,
            "".join(word[0] for word in game.players[i].split())[:3],
            color="white",
            ha="center",
            va="center",
            fontsize=9,
            zorder=4,
        )
        if policies is not None:
            _arrows(axes, game, i, policies[i][state], x, y, colour)
    axes.set_xlim(-0.1, columns + 0.1)
    axes.set_ylim(rows + 0.1, -0.1)
    axes.set_aspect("equal")
    axes.axis("off")
    axes.set_title(game.states[state], fontsize=9)
    axes.legend(loc="upper center", bbox_to_anchor=(0.5, 0.0), ncols=game.n_players, frameon=False, fontsize=8)
    for handle in axes.get_legend().legend_handles:
        handle.set_sizes([40])


def _arrows(axes: Any, game: StochasticGame, player: int, policy: Any, x: float, y: float, colour: str) -> None:
    still = []
    for label, p in zip(game.actions[player], policy):
        if p < 5e-4:
            continue
        step = _STEPS.get(label.lower())
        if step is None:
            still.append(f"{label} {p:.2g}")
            continue
        down, right = step
        tip = (x + right * (0.24 + 0.5 * p), y + down * (0.24 + 0.5 * p))
        arrow = {"arrowstyle": "-|>", "color": colour, "linewidth": 1.0 + 1.8 * p, "shrinkA": 0, "shrinkB": 0}
        axes.annotate("", tip, (x + 0.2 * right, y + 0.2 * down), arrowprops=arrow, zorder=2, annotation_clip=False)
        axes.text(tip[0] + 0.1 * abs(down), tip[1] - 0.1 * abs(right), f"{p:.2g}", fontsize=7, color=colour, zorder=5)
    if still:
        axes.text(x, y - 0.36, ", ".join(still), fontsize=7, color=colour, ha="center", va="center", zorder=5)
