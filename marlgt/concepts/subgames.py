"""Subgames of an extensive game, and whether a profile is an equilibrium in every one of them (Selten 1965).

A node is the root of a subgame if no information set has nodes both below it and elsewhere. With perfect
information every node is; the whole game always is one. A profile is a subgame-perfect equilibrium if no player gains
by deviating in any subgame, reached or not.

A player's best reply in a subgame does not depend on what surrounds it. So the subgames are worked off from the
innermost ones, each a leaf of the next larger one, and all of them together take one pass over the tree.

References
----------
Selten, R. (1965). Spieltheoretische Behandlung eines Oligopolmodells mit Nachfragetraegheit. Zeitschrift fuer die
gesamte Staatswissenschaft 121, 301-324, 667-689.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from marlgt.games._doors import nonnegative, require_extensive_game
from marlgt.games.extensive import CHANCE, ExtensiveGame
from marlgt.games.sequence_form import checked_behavior
from marlgt.kernels import gear, kernel

__all__ = [
    "is_subgame_perfect",
    "move_probabilities",
    "node_values",
    "subgame_regrets",
    "subgame_roots",
    "subgame_worth",
]


def subgame_roots(game: ExtensiveGame) -> NDArray[np.int64]:
    """Return the nodes with which a subgame begins, in preorder; terminal nodes do not count.

    Examples
    --------
    >>> from marlgt.games import TreeBuilder
    >>> tree = TreeBuilder(["Ann", "Bob"])
    >>> root = tree.decision(None, 0, "in or out", ["out", "in"])
    >>> _ = tree.terminal(root, [2, 2])
    >>> inside = tree.decision(root, 0, "row", ["up", "down"])
    >>> for payoffs in ([3, 1], [0, 0]), ([0, 0], [1, 3]):
    ...     hidden = tree.decision(inside, 1, "column", ["left", "right"])
    ...     _ = [tree.terminal(hidden, p) for p in payoffs]
    >>> subgame_roots(tree.build()).tolist()
    [0, 2]
    """
    require_extensive_game(game)
    movers = np.flatnonzero(game.player >= 0)
    sets = game.infoset_offset[game.player[movers]] + game.infoset[movers]
    count = int(game.infoset_offset[-1])
    first, last = np.full(count, game.n_nodes), np.full(count, -1)
    np.minimum.at(first, sets, movers)
    np.maximum.at(last, sets, movers)
    lowest, highest = np.arange(game.n_nodes), np.arange(game.n_nodes)
    lowest[movers], highest[movers] = first[sets], last[sets]
    end = np.arange(game.n_nodes)
    gear(_spans, 14.0 * game.n_nodes)(game.parent, lowest, highest, end)
    nodes = np.arange(game.n_nodes)
    closed = (lowest >= nodes) & (highest <= end) & (np.diff(game.first_child) > 0)
    # A game of a single node is a subgame of itself.
    closed[0] = True
    return np.flatnonzero(closed)


def subgame_regrets(game: ExtensiveGame, profile: Any) -> NDArray[np.float64]:
    """Return what each player gains by deviating in each subgame, given that play is there, shape (n, R).

    Parameters
    ----------
    game : ExtensiveGame
        With perfect recall.
    profile : sequence of n array_like, shapes (I_i, A_i)

    Returns
    -------
    ndarray, shape (n, R)
        The subgames stand in the order of :func:`subgame_roots`; the first is the whole game.

    Raises
    ------
    UnsupportedGame
        If a player forgets.
    ProfileError
        If the profile does not fit the game.
    """
    require_extensive_game(game)
    policies = checked_behavior(game, profile)
    moves = move_probabilities(game, policies, game.probability)
    roots, values, best = subgame_worth(game, moves, game.terminal_payoffs, exact=False)
    return np.asarray(np.maximum(best - values[:, roots], 0.0))


def is_subgame_perfect(game: ExtensiveGame, profile: Any, *, tolerance: float = 1e-9) -> bool:
    """Return whether no player gains, in any subgame, more than a share of her payoff range.

    Parameters
    ----------
    game : ExtensiveGame
        With perfect recall.
    profile : sequence of n array_like, shapes (I_i, A_i)
    tolerance : float
        Share of each player's payoff range.

    Raises
    ------
    UnsupportedGame
        If a player forgets.
    ProfileError
        If the profile does not fit the game.

    Examples
    --------
    >>> from marlgt.games import TreeBuilder
    >>> tree = TreeBuilder(["entrant", "incumbent"])
    >>> root = tree.decision(None, 0, "entry", ["out", "in"])
    >>> _ = tree.terminal(root, [0, 2])
    >>> reply = tree.decision(root, 1, "reply", ["fight", "share"])
    >>> _ = tree.terminal(reply, [-1, -1]), tree.terminal(reply, [1, 1])
    >>> game = tree.build()
    >>> is_subgame_perfect(game, ([[0, 1]], [[0, 1]])), is_subgame_perfect(game, ([[1, 0]], [[1, 0]]))
    (True, False)
    """
    allowed = nonnegative(tolerance, "tolerance")
    regrets = subgame_regrets(game, profile)
    # A float payoff of magnitude M is itself known only to about eps M.
    rounding = 8.0 * float(np.finfo(np.float64).eps) * float(np.abs(game.terminal_payoffs).max())
    return bool((regrets <= allowed * game.payoff_range[:, None] + rounding).all())


def subgame_worth(
    game: ExtensiveGame, moves: NDArray[Any], payoffs: NDArray[Any], *, exact: bool
) -> tuple[NDArray[np.int64], NDArray[Any], NDArray[Any]]:
    """Return the subgames' roots, what every node is worth, and what each player's best reply earns in each subgame.

    Parameters
    ----------
    moves : ndarray, shape (N,)
        The probability of the move that leads to each node, under the profile and chance.
    payoffs : ndarray, shape (n, T)
    exact : bool
        Whether the arrays hold fractions, on which the kernels run interpreted.

    Returns
    -------
    roots : ndarray of int64, shape (R,)
    values : ndarray, shape (n, N)
    best : ndarray, shape (n, R)
    """
    form = game.sequence_form
    roots = subgame_roots(game)
    values = node_values(game, moves, payoffs, exact=exact)
    if game.n_nodes == 1:
        return roots, values, payoffs.copy()
    belongs = np.full(game.n_nodes, -1, dtype=np.int64)
    belongs[roots] = np.arange(len(roots))
    within = belongs.copy()
    gear(_innermost, 5.0 * game.n_nodes)(game.parent, within)
    best = np.empty((game.n_players, len(roots)), dtype=values.dtype)
    for i, own in enumerate(form.players):
        nodes = np.flatnonzero(game.player == i)
        home = np.empty(own.n_infosets, dtype=np.int64)
        home[game.infoset[nodes]] = within[nodes]
        by_home = np.argsort(home, kind="stable")
        starts = np.searchsorted(home[by_home], np.arange(len(roots) + 1))
        weight = np.zeros(game.n_nodes, dtype=values.dtype)
        worth = np.zeros(own.n_sequences, dtype=values.dtype)
        at_root = np.zeros(len(roots), dtype=values.dtype)
        walk = _weights if exact else gear(_weights, 8.0 * game.n_nodes)
        walk(game.parent, game.player, i, moves, belongs, weight)
        # Leaves of a subgame: ends of the play, and the roots of the subgames just inside it.
        leaves = np.flatnonzero((belongs >= 0) | (np.diff(game.first_child) == 0))
        outside = np.where(leaves > 0, within[game.parent[leaves]], 0)
        by_outside = np.argsort(outside, kind="stable")
        leaves = leaves[by_outside]
        leaf_starts = np.searchsorted(outside[by_outside], np.arange(len(roots) + 1))
        reply = _best_replies if exact else gear(_best_replies, 15.0 * (game.n_nodes + own.n_sequences))
        reply(
            leaves,
            leaf_starts,
            belongs,
            weight,
            values[i],
            game.last_sequence[i],
            by_home.astype(np.int64),
            starts,
            home,
            own.infoset_of_sequence,
            own.n_actions,
            own.first_sequence,
            own.parent_sequence,
            worth,
            at_root,
        )
        best[i] = at_root
    return roots, values, best


def node_values(game: ExtensiveGame, moves: NDArray[Any], payoffs: NDArray[Any], *, exact: bool) -> NDArray[Any]:
    """Return each player's expected payoff from every node on, outcomes before it included, shape (n, N)."""
    values = np.zeros((game.n_players, game.n_nodes), dtype=payoffs.dtype)
    values[:, game.terminals] = payoffs
    walk = _expectations if exact else gear(_expectations, 6.0 * game.n_players * game.n_nodes)
    walk(game.parent, moves, values)
    return values


def move_probabilities(game: ExtensiveGame, policies: Sequence[NDArray[Any]], chances: NDArray[Any]) -> NDArray[Any]:
    """Return the probability of the move that leads to each node, 1 at the root, shape (N,)."""
    moves = chances.copy()
    mover = np.full(game.n_nodes, CHANCE)
    mover[1:] = game.player[game.parent[1:]]
    for i, policy in enumerate(policies):
        below = np.flatnonzero(mover == i)
        moves[below] = policy[game.infoset[game.parent[below]], game.action[below]]
    return moves


@kernel
def _spans(parent: Any, lowest: Any, highest: Any, end: Any) -> None:
    """Pass up to each node the last node below it, and the first and last node of the information sets below it."""
    for v in range(parent.shape[0] - 1, 0, -1):
        above = parent[v]
        lowest[above] = min(lowest[above], lowest[v])
        highest[above] = max(highest[above], highest[v])
        end[above] = max(end[above], end[v])


@kernel
def _innermost(parent: Any, within: Any) -> None:
    """Pass down to each node the innermost subgame that holds it; roots hold their own, others -1."""
    for v in range(1, parent.shape[0]):
        if within[v] < 0:
            within[v] = within[parent[v]]


@kernel
def _expectations(parent: Any, moves: Any, values: Any) -> None:
    """Add to each node what its children are worth, in place; ends hold their payoffs."""
    for v in range(parent.shape[0] - 1, 0, -1):
        chance = moves[v]
        if chance != 0:
            above = parent[v]
            for i in range(values.shape[0]):
                values[i, above] += chance * values[i, v]


@kernel
def _weights(parent: Any, player: Any, own: int, moves: Any, belongs: Any, weight: Any) -> None:
    """Write the probability that all but a player let each node be reached from the root of the subgame outside it."""
    weight[0] = moves[0]
    for v in range(1, parent.shape[0]):
        above = parent[v]
        # A root is reached for sure, from itself.
        before = weight[0] if belongs[above] >= 0 else weight[above]
        weight[v] = before if player[above] == own else before * moves[v]


@kernel
def _best_replies(
    leaves: Any,
    leaf_starts: Any,
    belongs: Any,
    weight: Any,
    values: Any,
    last_sequence: Any,
    infosets: Any,
    infoset_starts: Any,
    home: Any,
    infoset_of_sequence: Any,
    n_actions: Any,
    first_sequence: Any,
    parent_sequence: Any,
    worth: Any,
    at_root: Any,
) -> None:
    """Write what the player's best reply earns in each subgame, the innermost first."""
    for k in range(at_root.shape[0] - 1, -1, -1):
        for at in range(leaf_starts[k], leaf_starts[k + 1]):
            v = leaves[at]
            inner = belongs[v]
            if inner == k:
                continue
            gain = weight[v] * (values[v] if inner < 0 else at_root[inner])
            sequence = last_sequence[v]
            if sequence > 0 and home[infoset_of_sequence[sequence]] == k:
                worth[sequence] += gain
            else:
                at_root[k] += gain
        for at in range(infoset_starts[k + 1] - 1, infoset_starts[k] - 1, -1):
            j = infosets[at]
            best = worth[first_sequence[j]]
            for a in range(1, n_actions[j]):
                best = max(best, worth[first_sequence[j] + a])
            sequence = parent_sequence[j]
            if sequence > 0 and home[infoset_of_sequence[sequence]] == k:
                worth[sequence] += best
            else:
                at_root[k] += best
