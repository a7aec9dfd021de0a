"""Behaviour policies in fractions: what they earn and what deviating from them gains, without rounding.

The pass over the sequence form is that of :mod:`marlgt.concepts.behavior`; a regret of exactly zero for every player
proves an equilibrium.
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from typing import Any

import numpy as np
from numpy.typing import NDArray

from marlgt.games._sequence_kernels import best_reply_pass
from marlgt.games.extensive import ExtensiveGame
from marlgt.games.sequence_form import PlayerSequences
from marlgt.games.strategic_form import exact_reach

__all__ = ["exact_behavior", "exact_behavior_regrets", "exact_plan"]


def exact_behavior_regrets(game: ExtensiveGame, profile: Sequence[NDArray[Any]]) -> tuple[NDArray[Any], NDArray[Any]]:
    """Return each player's expected payoff and regret under a profile of fractions, object arrays of shape (n,).

    Parameters
    ----------
    game : ExtensiveGame
        Exact, with perfect recall.
    profile : sequence of n object ndarray of Fraction, shapes (I_i, A_i)

    Raises
    ------
    ExactnessError
        If payoffs or chance probabilities are floats.
    UnsupportedGame
        If a player forgets.
    """
    form = game.sequence_form
    plans = [exact_plan(own, policy) for own, policy in zip(form.players, profile)]
    ends = game.last_sequence[:, game.terminals]
    weights = exact_reach(game)
    payoffs = game.exact_terminal_payoffs
    values, regrets = np.empty(game.n_players, dtype=object), np.empty(game.n_players, dtype=object)
    for i, own in enumerate(form.players):
        reached = weights * payoffs[i]
        for j, plan in enumerate(plans):
            if j != i:
                reached = reached * plan[ends[j]]
        worths = np.full(own.n_sequences, Fraction(0), dtype=object)
        np.add.at(worths, ends[i], reached)
        values[i] = sum(plans[i] * worths)
        choice = np.empty(own.n_infosets, dtype=np.int64)
        best_reply_pass(own.n_actions, own.first_sequence, own.parent_sequence, worths, choice)
        regrets[i] = worths[0] - values[i]
    return values, regrets


def exact_plan(own: PlayerSequences, policy: NDArray[Any]) -> NDArray[Any]:
    """Return the realization plan of a behaviour policy in fractions, an object array of shape (n_sequences,)."""
    plan = np.full(own.n_sequences, Fraction(1), dtype=object)
    starts, counts, parents = (a.tolist() for a in (own.first_sequence, own.n_actions, own.parent_sequence))
    for j, (start, count, parent) in enumerate(zip(starts, counts, parents)):
        plan[start : start + count] = plan[parent] * policy[j, :count]
    return plan


def exact_behavior(own: PlayerSequences, plan: Sequence[Any]) -> NDArray[Any]:
    """Return a behaviour policy, in fractions, of a realization plan: uniform where the plan never arrives."""
    width = int(own.n_actions.max()) if own.n_infosets else 0
    policy = np.full((own.n_infosets, width), Fraction(0), dtype=object)
    starts, counts, parents = (a.tolist() for a in (own.first_sequence, own.n_actions, own.parent_sequence))
    for j, (start, count, parent) in enumerate(zip(starts, counts, parents)):
        arrives = plan[parent]
        for a in range(count):
            policy[j, a] = Fraction(plan[start + a]) / arrives if arrives else Fraction(1, count)
    return policy
