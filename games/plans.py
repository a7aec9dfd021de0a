"""Pure strategies of extensive games, and mixtures of them.

A pure strategy of a player names one action for each of her information sets. Strategies that differ only at
information sets which their own earlier choices rule out play alike against everybody; the reduced ones are one of
each such class. With perfect recall every mixture of pure strategies has a behaviour policy that leads to every end
of the game with the same probability, whatever the others do, and conversely (Kuhn 1953).

References
----------
Kuhn, H. W. (1953). Extensive games and the problem of information. In Contributions to the Theory of
Games II, 193-216.
Osborne, M. J. and Rubinstein, A. (1994). A Course in Game Theory, chapters 6 and 11.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from marlgt.errors import BudgetExceeded, ProfileError, UnsupportedGame
from marlgt.games._arrays import exact_and_float, short
from marlgt.games._doors import require_extensive_game
from marlgt.games._plans import (
    MAX_CHOICES,
    checked_player,
    played_nodes,
    played_sequences,
    recalls,
    sequences,
    size,
)
from marlgt.games.extensive import BehaviorProfile, ExtensiveGame
from marlgt.games.normal_form import Profile
from marlgt.games.sequence_form import SUM_TOLERANCE, checked_behavior

__all__ = ["behavior_to_mixed", "mixed_to_behavior", "n_pure_strategies", "pure_strategies"]


def n_pure_strategies(game: ExtensiveGame, player: int, *, reduced: bool = True) -> int:
    """Return how many pure strategies a player has, as a Python integer of any size.

    The reduced count takes perfect recall: at an information set it is the sum, over the actions, of the product
    of the counts of the information sets that come next. A forgetful player's is that of all her strategies.
    """
    player = checked_player(game, player)
    counts = game.infosets[player].n_actions.tolist()
    if not reduced or not recalls(game, player):
        return math.prod(counts)
    own = sequences(game, player)
    below = [1] * own.n_sequences
    for j in range(own.n_infosets - 1, -1, -1):
        first = int(own.first_sequence[j])
        below[own.parent_sequence[j]] *= sum(below[first : first + counts[j]])
    return below[0]


def pure_strategies(
    game: ExtensiveGame, player: int, *, reduced: bool = True, max_choices: int = MAX_CHOICES
) -> NDArray[np.int32]:
    """Return the pure strategies of a player, one a row, in lexicographic order.

    Parameters
    ----------
    game : ExtensiveGame
    player : int
    reduced : bool
        Whether to keep one of each class of strategies that differ only where the player's own moves never lead.
    max_choices : int
        Most strategies times information sets.

    Returns
    -------
    ndarray of int32, shape (K, I)
        The action at each information set, -1 where the player's own earlier choices rule it out (if reduced).

    Raises
    ------
    BudgetExceeded
        If the list would be longer than ``max_choices``; nothing is built before.

    Examples
    --------
    >>> from marlgt.games import TreeBuilder, pure_strategies
    >>> tree = TreeBuilder(["Ann"])
    >>> root = tree.decision(None, 0, "first", ["stop", "go"])
    >>> _ = tree.terminal(root, [1])
    >>> later = tree.decision(root, 0, "second", ["left", "right"])
    >>> _ = tree.terminal(later, [0]), tree.terminal(later, [2])
    >>> pure_strategies(tree.build(), 0).tolist()
    [[0, -1], [1, 0], [1, 1]]
    """
    player = checked_player(game, player)
    counts = game.infosets[player].n_actions
    asked = n_pure_strategies(game, player, reduced=reduced) * max(len(counts), 1)
    if asked > max_choices:
        raise BudgetExceeded(
            f"player {player} has {size(asked // max(len(counts), 1))} pure strategies at {len(counts)} information "
            f"sets, more than max_choices={max_choices}: raise it, or use the sequence form, which stays small",
            estimate=float(min(asked, 10**300)),
            limit=float(max_choices),
        )
    if reduced and not recalls(game, player):
        return _reduced_by_walking(game, player, max_choices)
    strategies = np.zeros((1, 0), dtype=np.int32)
    own = sequences(game, player) if reduced else None
    for j, count in enumerate(counts.tolist()):
        # A strategy branches at j if it plays the sequence that leads there.
        plays = np.ones(len(strategies), dtype=bool)
        if own is not None and own.parent_sequence[j] > 0:
            sequence = own.parent_sequence[j]
            before = own.infoset_of_sequence[sequence]
            plays = strategies[:, before] == sequence - own.first_sequence[before]
        times = np.where(plays, count, 1)
        starts = np.cumsum(times) - times
        choice = (np.arange(int(times.sum())) - np.repeat(starts, times)).astype(np.int32)
        choice[~np.repeat(plays, times)] = -1
        strategies = np.column_stack([np.repeat(strategies, times, axis=0), choice])
    return strategies


def mixed_to_behavior(game: ExtensiveGame, mixed: Sequence[ArrayLike], *, reduced: bool = True) -> BehaviorProfile:
    """Return the behaviour profile that plays like mixtures of pure strategies (Kuhn 1953).

    Parameters
    ----------
    game : ExtensiveGame
        With perfect recall.
    mixed : sequence of n array_like, shapes (K_i,)
        A distribution over each player's :func:`pure_strategies`.
    reduced : bool
        Whether these are the reduced ones.

    Returns
    -------
    tuple of ndarray, shapes (I_i, A_i)
        Uniform at information sets that the mixture never plays to.

    Raises
    ------
    UnsupportedGame
        If a player forgets.
    ProfileError
        If the mixtures do not fit the game.

    Examples
    --------
    >>> from marlgt.games import mixed_to_behavior, myerson_poker_tree
    >>> fred, alice = mixed_to_behavior(myerson_poker_tree(), ([0.25, 0.75, 0, 0], [1, 0]))
    >>> fred.tolist()
    [[1.0, 0.0], [0.25, 0.75]]
    """
    require_extensive_game(game)
    form = game.sequence_form
    if not isinstance(mixed, Sequence) or isinstance(mixed, (str, bytes)):
        raise ProfileError(f"mixed is {short(mixed)}: give one distribution for each of {game.n_players} players")
    if len(mixed) != game.n_players:
        raise ProfileError(f"mixed holds {len(mixed)} distributions: give one for each of {game.n_players} players")
    profile = []
    for i, own in enumerate(form.players):
        strategies = pure_strategies(game, i, reduced=reduced)
        weights = exact_and_float(mixed[i], f"mixed[{i}]")[0]
        if weights.shape != (len(strategies),):
            raise ProfileError(
                f"mixed[{i}] has shape {weights.shape} but player {i} has {len(strategies)} pure strategies: give the "
                "probability of each, in the order of pure_strategies"
            )
        if (weights < 0).any() or abs(float(weights.sum()) - 1.0) > SUM_TOLERANCE:
            raise ProfileError(f"mixed[{i}] is {short(weights.tolist())}: give probabilities that sum to 1")
        plan = np.array([weights[played].sum() for played in played_sequences(own, strategies).T])
        profile.append(own.behavior(plan))
    return tuple(profile)


def behavior_to_mixed(game: ExtensiveGame, profile: Any, *, reduced: bool = True) -> Profile:
    """Return the mixtures of pure strategies that play like a behaviour profile.

    The choices at different information sets are drawn independently: a strategy has the product of the
    probabilities of its actions.

    Parameters
    ----------
    game : ExtensiveGame
        With perfect recall.
    profile : sequence of n array_like, shapes (I_i, A_i)
    reduced : bool
        Whether to mix the reduced pure strategies.

    Returns
    -------
    tuple of ndarray, shapes (K_i,)

    Raises
    ------
    UnsupportedGame
        If a player forgets: independent choices at one information set visited twice are no mixture.

    Examples
    --------
    >>> from marlgt.games import behavior_to_mixed, myerson_poker_tree
    >>> fred, alice = behavior_to_mixed(myerson_poker_tree(), ([[1, 0], [0.25, 0.75]], [[1, 0]]))
    >>> fred.tolist()
    [0.25, 0.75, 0.0, 0.0]
    """
    require_extensive_game(game)
    if not game.has_perfect_recall:
        raise UnsupportedGame(
            "a player forgets, so her behaviour policy may be no mixture of pure strategies: give a game with perfect "
            "recall, as game.has_perfect_recall says"
        )
    mixtures = []
    for i, policy in enumerate(checked_behavior(game, profile)):
        strategies = pure_strategies(game, i, reduced=reduced)
        weights = np.ones(len(strategies))
        for j, choice in enumerate(strategies.T):
            weights *= np.where(choice >= 0, policy[j, np.maximum(choice, 0)], 1.0)
        mixtures.append(weights)
    return tuple(mixtures)


def _reduced_by_walking(game: ExtensiveGame, player: int, max_choices: int) -> NDArray[np.int32]:
    strategies = pure_strategies(game, player, reduced=False, max_choices=max_choices)
    played = played_nodes(game, player, strategies)
    own = np.flatnonzero(game.player == player)
    seen = np.zeros(strategies.shape, dtype=bool)
    for v in own:
        seen[:, game.infoset[v]] |= played[:, v]
    cut = np.where(seen, strategies, -1)
    _, first = np.unique(cut, axis=0, return_index=True)
    return np.asarray(cut[np.sort(first)])
