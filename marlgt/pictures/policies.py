"""Pictures of policies: a row for each information set or state, a column for each action."""

from __future__ import annotations

from typing import Any

import numpy as np

from marlgt.errors import UnsupportedGame
from marlgt.games._comparable import checked_player
from marlgt.games._doors import require_policy_game
from marlgt.games.extensive import ExtensiveGame
from marlgt.games.sequence_form import checked_behavior
from marlgt.games.stochastic import StochasticGame, checked_stationary

__all__ = ["MOST_ROWS", "draw_policy"]

MOST_ROWS = 40
"""Rows of a policy that a picture shows."""


def draw_policy(axes: Any, game: ExtensiveGame | StochasticGame, profile: Any, player: int) -> None:
    """Draw one player's policy as a table of shades, the probabilities written in.

    Of more than 40 rows the first 40 are drawn; states in which there is no choice are left out.

    Parameters
    ----------
    axes : matplotlib.axes.Axes
    game : ExtensiveGame or StochasticGame
    profile : behaviour or stationary profile
    player : int

    Raises
    ------
    UnsupportedGame
        If the player never has a choice.
    """
    require_policy_game(game)
    player = checked_player(game, player)
    if isinstance(game, ExtensiveGame):
        policy = checked_behavior(game, profile)[player]
        rows = np.arange(len(policy))
        sets = game.infosets[player]
        names = [sets.label(int(j)) for j in rows]
        columns = sets.action_labels(0) if len({sets.action_labels(int(j)) for j in rows}) == 1 else None
    else:
        policy = checked_stationary(game, profile)[player]
        rows = np.flatnonzero(~game.terminal & (game.legal[player].sum(axis=1) > 1))
        names = [game.states[s] for s in rows]
        columns = game.actions[player]
    if not len(rows) or policy.shape[1] < 1:
        raise UnsupportedGame(f"player {player} never has a choice: draw another player's policy")
    shown = policy[rows[:MOST_ROWS]]
    axes.imshow(shown, cmap="Blues", vmin=0.0, vmax=1.3, aspect="auto")
    for (r, c), p in np.ndenumerate(shown):
        if p > 5e-4:
            axes.text(c, r, f"{p:.3g}", ha="center", va="center", fontsize=7)
    axes.set_yticks(range(len(shown)), [_short(name) for name in names[:MOST_ROWS]], fontsize=7)
    axes.set_xticks(range(policy.shape[1]), columns or [f"action {a}" for a in range(policy.shape[1])], fontsize=8)
    axes.tick_params(length=0)
    more = f" (first {MOST_ROWS} of {len(rows)} rows)" if len(rows) > MOST_ROWS else ""
    axes.set_title(f"policy of {game.players[player]}{more}", fontsize=9)


def _short(label: str) -> str:
    text = " ".join(label.split())
    return text if len(text) <= 28 else f"{text[:27]}…"
