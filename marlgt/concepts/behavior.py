"""Behaviour policies in extensive games: what they earn, the best reply to them, and what deviating gains.

Against fixed policies of the others, a player with perfect recall solves a decision tree: passing once over her
information sets from the last to the first, each is worth its best action, whose worth is what its sequence earns
at once plus the worth of the information sets that follow it (von Stengel 1996). One pass over the
sequence form gives the exact best reply.

References
----------
von Stengel, B. (1996). Efficient computation of behavior strategies. Games and Economic Behavior 14, 220-246.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from marlgt.concepts._flat_plans import FEW_SEQUENCES, MOST_SEQUENCES, flat_values_and_regrets
from marlgt.games._comparable import checked_player
from marlgt.games._doors import require_extensive_game
from marlgt.games._sequence_kernels import best_reply_pass, pass_over
from marlgt.games.extensive import ExtensiveGame
from marlgt.games.sequence_form import PlayerSequences, SequenceForm, checked_behavior
from marlgt.kernels import is_compiled

__all__ = ["behavior_regrets", "best_behavior", "plan_values_and_regrets", "sequence_worths"]


def best_behavior(game: ExtensiveGame, profile: Any, player: int) -> tuple[float, NDArray[np.float64]]:
    """Return what a player's best reply earns, and the reply itself, the first best action at each information set.

    Parameters
    ----------
    game : ExtensiveGame
        With perfect recall.
    profile : sequence of n array_like, shapes (I_i, A_i)
        The player's own policy is not used.
    player : int

    Returns
    -------
    value : float
    policy : ndarray, shape (I_player, A_player)

    Raises
    ------
    UnsupportedGame
        If a player forgets.
    ProfileError
        If the profile does not fit the game.
    """
    require_extensive_game(game)
    player = checked_player(game, player)
    form = game.sequence_form
    plans = form.realization_plans(checked_behavior(game, profile))
    worths = sequence_worths(form, plans, player)
    own = form.players[player]
    choice = _best_pass(own, worths)
    policy = np.zeros((own.n_infosets, int(own.n_actions.max()) if own.n_infosets else 0))
    policy[np.arange(own.n_infosets), choice] = 1.0
    return float(worths[0]), policy


def behavior_regrets(game: ExtensiveGame, profile: Any) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return each player's expected payoff and regret under a behaviour profile, shapes (n,).

    Raises
    ------
    UnsupportedGame
        If a player forgets.
    ProfileError
        If the profile does not fit the game.
    """
    form = game.sequence_form
    most = FEW_SEQUENCES if is_compiled(best_reply_pass) else MOST_SEQUENCES
    if form.n_sequences <= most and isinstance(profile, Sequence) and len(profile) == form.n_players:
        found = flat_values_and_regrets(form, profile)
        if found is not None:
            return found
    return plan_values_and_regrets(form, form.realization_plans(checked_behavior(game, profile)))


def plan_values_and_regrets(
    form: SequenceForm, plans: Sequence[NDArray[np.float64]]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the values and regrets of realization plans, unchecked, shapes (n,)."""
    values, best = np.empty(form.n_players), np.empty(form.n_players)
    for i, own in enumerate(form.players):
        worths = sequence_worths(form, plans, i)
        # Not a dot product, for which BLAS may start threads that cost more than the sum.
        values[i] = (plans[i] * worths).sum()
        _best_pass(own, worths)
        best[i] = worths[0]
    return values, best - values


def sequence_worths(form: SequenceForm, plans: Sequence[NDArray[np.float64]], player: int) -> NDArray[np.float64]:
    """Return what each of a player's sequences earns where it ends a play, against the others' plans, shape (S,)."""
    weight = form.payoffs[player]
    for i, (plan, last) in enumerate(zip(plans, form.sequences)):
        if i != player:
            weight = weight * plan[last]
    sums = np.bincount(form.sequences[player], weight, minlength=form.players[player].n_sequences)
    return sums.astype(np.float64, copy=False)


def _best_pass(own: PlayerSequences, worths: NDArray[np.float64]) -> NDArray[np.int64]:
    """Return the best action at each information set, and add up ``worths`` so that the first is the best value."""
    choice = np.empty(own.n_infosets, dtype=np.int64)
    pass_over(best_reply_pass, own, worths, choice)
    return choice
