"""What is derived from a tree as a whole: sequences and reach, perfect recall, sameness."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from marlgt.games._tree_kernels import last_sequences
from marlgt.kernels import gear

if TYPE_CHECKING:
    from marlgt.games.extensive import ExtensiveGame
    from marlgt.games.infosets import Infosets

__all__ = ["forgetful_infoset", "same_tree", "sequences_and_reach"]


def sequences_and_reach(game: ExtensiveGame) -> tuple[NDArray[np.int32], NDArray[np.float64]]:
    """Return each player's last sequence at each node, shape (n, N), and the probability that chance lets it be."""
    sequence = np.empty((game.n_players, game.n_nodes), dtype=np.int32)
    reach = np.empty(game.n_nodes)
    walk = gear(last_sequences, 5.0 * game.n_nodes * (game.n_players + 2))
    tree = (game.parent, game.action, game.player, game.infoset, game.probability)
    walk(*tree, game.infoset_offset, game.first_sequence, sequence, reach)
    return sequence, reach


def forgetful_infoset(game: ExtensiveGame) -> tuple[int, int] | None:
    """Return the first information set whose nodes lie behind different sequences of its player's own, or None."""
    movers = np.flatnonzero(game.player >= 0)
    sets = game.infoset_offset[game.player[movers]] + game.infoset[movers]
    own = game.last_sequence[game.player[movers], movers]
    _, first = np.unique(sets, return_index=True)
    bad = np.flatnonzero(own != own[first][sets])
    if not len(bad):
        return None
    v = movers[bad[0]]
    return int(game.player[v]), int(game.infoset[v])


def same_tree(game: ExtensiveGame, other: ExtensiveGame) -> bool:
    """Return whether two games have the same tree, numbers and words, exactly where both are exact."""
    arrays = ("parent", "action", "player", "infoset", "outcomes", "outcome", "probability")
    if any(not np.array_equal(getattr(game, name), getattr(other, name)) for name in arrays):
        return False
    if game.is_exact and other.is_exact:
        exact = ("exact_probability", "exact_terminal_payoffs")
        if any(not np.array_equal(getattr(game, name), getattr(other, name)) for name in exact):
            return False
    return _words(game) == _words(other)


def _words(game: ExtensiveGame) -> tuple[Any, ...]:
    tables = [_told(sets) for sets in (*game.infosets, game.chance)]
    return game.players, tables, game.node_labels, game.outcome_labels


def _told(sets: Infosets) -> tuple[Any, ...]:
    """Return what labels tell beyond numbers, so that numbers written as labels equal numbers."""
    numbered = tuple(map(str, range(len(sets))))
    labels = () if sets.labels == numbered else sets.labels
    counted = sets.actions and tuple(tuple(map(str, range(count))) for count in sets.n_actions.tolist())
    return sets.n_actions.tolist(), labels, () if sets.actions == counted else sets.actions
