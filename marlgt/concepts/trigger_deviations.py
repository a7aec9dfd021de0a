"""Correlation in extensive form: what a player gains by ignoring recommendations that arrive move by move.

A mediator draws a pure strategy for every player from a joint distribution and tells each of them, at every
information set that she reaches, what her strategy says there. A player who ignores one recommendation is told nothing
more, and plays on as she likes. In an extensive-form correlated equilibrium (EFCE) no player gains by doing so after
hearing a recommendation c at an information set h (von Stengel and Forges 2008, section 2.1); in a coarse one
(EFCCE) no player gains by doing so on arrival at h, before she hears it (Farina, Bianchi and Sandholm 2020). The sets
nest: correlated equilibria of the normal form, EFCE, EFCCE, coarse correlated equilibria of the normal form.

A trigger (h, c) leaves the others to what they are told, given that h and c were part of the player's own strategy. Her
best way to go on from h is found by one pass over her information sets.

References
----------
von Stengel, B. and Forges, F. (2008). Extensive-form correlated equilibrium: definition and computational
complexity. Mathematics of Operations Research 33, 1002-1022.
Farina, G., Bianchi, T. and Sandholm, T. (2020). Coarse correlation in extensive-form games. Proceedings of the
34th AAAI Conference on Artificial Intelligence, 1934-1941.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from marlgt.errors import ProfileError
from marlgt.games._doors import require_extensive_game
from marlgt.games._plans import played_sequences
from marlgt.games._profiles import policy_numbers
from marlgt.games.extensive import ExtensiveGame
from marlgt.games.plans import pure_strategies
from marlgt.games.sequence_form import SUM_TOLERANCE, PlayerSequences

__all__ = ["efcce_gap", "efce_gap", "reply_worths", "trigger_regrets"]

Floats = NDArray[np.float64]


def efce_gap(game: ExtensiveGame, joint: ArrayLike) -> float:
    """Return the largest gain from ignoring one recommendation; zero exactly at an EFCE.

    Parameters
    ----------
    game : ExtensiveGame
        With perfect recall.
    joint : array_like, shape (K_1, ..., K_n)
        A distribution over the players' reduced pure strategies, in the order of
        :func:`~marlgt.games.pure_strategies`.

    Raises
    ------
    UnsupportedGame
        If a player forgets.
    ProfileError
        If ``joint`` is no distribution or does not fit the game.

    Examples
    --------
    >>> from marlgt.games import ExtensiveGame, NormalFormGame
    >>> chicken = NormalFormGame.bimatrix([[6, 2], [7, 0]], [[6, 7], [2, 0]])
    >>> tree = ExtensiveGame.from_normal_form(chicken)
    >>> efce_gap(tree, [[0.5, 0.25], [0.25, 0.0]]), efce_gap(tree, [[1, 0], [0, 0]])
    (0.0, 1.0)
    """
    return float(trigger_regrets(game, joint, coarse=False)[1].max())


def efcce_gap(game: ExtensiveGame, joint: ArrayLike) -> float:
    """Return the largest gain from ignoring all recommendations from some information set on; zero at an EFCCE.

    Parameters
    ----------
    game, joint
        As for :func:`efce_gap`.
    """
    return float(trigger_regrets(game, joint, coarse=True)[1].max())


def trigger_regrets(game: ExtensiveGame, joint: ArrayLike, *, coarse: bool) -> tuple[Floats, Floats]:
    """Return each player's expected payoff and largest gain from a trigger, never below zero, shapes (n,)."""
    require_extensive_game(game)
    form = game.sequence_form
    strategies = [pure_strategies(game, i) for i in range(game.n_players)]
    weights = _checked_joint(joint, tuple(map(len, strategies)))
    plays = [played_sequences(own, listed) for own, listed in zip(form.players, strategies)]
    values, regrets = np.empty(game.n_players), np.zeros(game.n_players)
    for i, own in enumerate(form.players):
        mine = np.moveaxis(weights, i, 0).reshape(len(strategies[i]), -1)
        # Row: how the others play where a sequence is part of the own strategy. Column: what own sequences then earn.
        earned = (plays[i].T.astype(np.float64) @ mine) @ reply_worths(game, i, plays).T
        followed = earned.diagonal().copy()
        for j, sequences in _last_first(own):
            followed[own.parent_sequence[j]] += followed[sequences].sum()
        values[i] = followed[0]
        best = _best_from_infosets(own, earned)
        for j, sequences in _last_first(own):
            if coarse:
                gain = best[own.parent_sequence[j], j] - followed[sequences].sum()
            else:
                gain = (best[sequences, j] - followed[sequences]).max()
            regrets[i] = max(regrets[i], gain)
    return values, regrets


def reply_worths(game: ExtensiveGame, player: int, plays: list[NDArray[np.bool_]]) -> Floats:
    """Return what each of a player's sequences earns at once against each profile of the others' strategies.

    Parameters
    ----------
    plays : list of n ndarrays of bool, shapes (K_i, S_i)
        Which sequences each of the listed strategies plays.

    Returns
    -------
    ndarray, shape (S_player, product of the others' K)
    """
    form = game.sequence_form
    others = [plays[j] for j in range(game.n_players) if j != player]
    ends = [form.sequences[j] for j in range(game.n_players) if j != player]
    worths = np.zeros((form.players[player].n_sequences, int(np.prod([len(p) for p in others]))))
    for t, payoff in enumerate(form.payoffs[player].tolist()):
        reached = np.full(1, payoff)
        for listed, last in zip(others, ends):
            reached = np.multiply.outer(reached, listed[:, last[t]]).reshape(-1)
        worths[form.sequences[player, t]] += reached
    return worths


def _best_from_infosets(own: PlayerSequences, earned: Floats) -> Floats:
    """Return, for each row of what sequences earn, what the best continuation from each information set earns."""
    worths = earned.copy()
    best = np.empty((len(earned), own.n_infosets))
    for j, sequences in _last_first(own):
        best[:, j] = worths[:, sequences].max(axis=1)
        worths[:, own.parent_sequence[j]] += best[:, j]
    return best


def _last_first(own: PlayerSequences) -> Iterator[tuple[int, slice]]:
    """Go through the information sets from the last, each with the slice of its sequences."""
    for j in range(own.n_infosets - 1, -1, -1):
        start = int(own.first_sequence[j])
        yield j, slice(start, start + int(own.n_actions[j]))


def _checked_joint(joint: Any, shape: tuple[int, ...]) -> Floats:
    weights = policy_numbers(joint, "joint")
    if weights.shape != shape:
        raise ProfileError(
            f"joint has shape {weights.shape} but the players have {shape} reduced pure strategies: give the "
            "probability of each profile of marlgt.games.pure_strategies"
        )
    if weights.min() < 0 or abs(float(weights.sum()) - 1.0) > SUM_TOLERANCE:
        raise ProfileError(
            f"joint sums to {weights.sum():.9g}, its least entry is {weights.min():.3g}: give "
            "probabilities that sum to 1"
        )
    return weights
