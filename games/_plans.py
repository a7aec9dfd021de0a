"""Which sequences and nodes each of a list of pure strategies leaves possible."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from marlgt.errors import BudgetExceeded, GameError
from marlgt.games._arrays import short
from marlgt.games._doors import require_extensive_game
from marlgt.games.extensive import ExtensiveGame
from marlgt.games.sequence_form import PlayerSequences

__all__ = [
    "MAX_CHOICES",
    "checked_player",
    "played_nodes",
    "played_sequences",
    "recalls",
    "sequences",
    "size",
]

MAX_CHOICES = 50_000_000
"""Pure strategies times information sets that a list of strategies may have by default."""


def checked_player(game: Any, player: Any) -> int:
    require_extensive_game(game)
    if not isinstance(player, (int, np.integer)) or isinstance(player, bool) or not 0 <= player < game.n_players:
        raise GameError(f"player is {short(player)}: players are numbered from 0 to {game.n_players - 1}")
    return int(player)


def size(count: int) -> str:
    return f"{count:.3g}" if count < 10**300 else "more than 1e300"


def recalls(game: ExtensiveGame, player: int) -> bool:
    nodes = np.flatnonzero(game.player == player)
    before = game.last_sequence[player, nodes]
    known = np.empty(len(game.infosets[player]), dtype=np.int64)
    known[game.infoset[nodes]] = before
    return bool((known[game.infoset[nodes]] == before).all())


def sequences(game: ExtensiveGame, player: int) -> PlayerSequences:
    nodes = np.flatnonzero(game.player == player)
    sets = game.infosets[player]
    parents = np.zeros(len(sets), dtype=np.int32)
    parents[game.infoset[nodes]] = game.last_sequence[player, nodes]
    first = game.first_sequence[game.infoset_offset[player] : game.infoset_offset[player + 1]]
    return PlayerSequences(sets.n_actions, first, parents)


def played_sequences(own: PlayerSequences, strategies: NDArray[np.int32]) -> NDArray[np.bool_]:
    """Return which sequences each strategy plays, shape (K, n_sequences)."""
    played = np.ones((own.n_sequences, len(strategies)), dtype=bool)
    for j, count in enumerate(own.n_actions.tolist()):
        for a in range(count):
            played[own.first_sequence[j] + a] = played[own.parent_sequence[j]] & (strategies[:, j] == a)
    return played.T


def played_nodes(game: ExtensiveGame, player: int, strategies: NDArray[np.int32]) -> NDArray[np.bool_]:
    """Return which nodes each strategy leaves possible, with or without recall, shape (K, N)."""
    if game.n_nodes * len(strategies) > 10 * MAX_CHOICES:
        raise BudgetExceeded(
            f"player {player} forgets, and her {len(strategies)} pure strategies at {game.n_nodes} nodes are too many "
            "to tell which play alike: ask for the normal form with reduced=False, or give a smaller game",
            estimate=float(game.n_nodes * len(strategies)),
            limit=float(10 * MAX_CHOICES),
        )
    played = np.ones((game.n_nodes, len(strategies)), dtype=bool)
    for v in range(1, game.n_nodes):
        above = game.parent[v]
        played[v] = played[above]
        if game.player[above] == player:
            played[v] &= strategies[:, game.infoset[above]] == game.action[v]
    return played.T
