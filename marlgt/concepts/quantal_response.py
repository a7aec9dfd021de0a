"""Logit quantal response: players choose better actions more often, but not always the best.

At rationality lambda a profile x is a logit quantal response equilibrium when every player plays

    x_i(a) = exp(lambda v_i(a)) / sum_b exp(lambda v_i(b)),

where ``v_i(a)`` is what a earns against the others' strategies (McKelvey and Palfrey 1995). At 0 all
mix evenly; as lambda grows every limit point is a Nash equilibrium. Lambda has the unit of one over
a payoff: doubling all payoffs halves it.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from marlgt.errors import GameError
from marlgt.games._doors import require_game
from marlgt.games._profiles import checked_profile, deviation_payoffs
from marlgt.games.normal_form import NormalFormGame, Profile

__all__ = ["checked_rationality", "is_quantal_response", "logit_residual", "logit_response"]


def logit_response(game: NormalFormGame, profile: Sequence[ArrayLike], rationality: float) -> Profile:
    """Return how every player answers a profile by the logit rule: the map whose fixed points are the equilibria.

    Parameters
    ----------
    game : NormalFormGame
    profile : sequence of n array_like
    rationality : float
        The precision lambda, at least 0.

    Raises
    ------
    GameError
        If the rationality is negative or not finite.

    Examples
    --------
    >>> import marlgt as gt
    >>> g = gt.NormalFormGame.zero_sum([[1, -1], [-1, 1]])
    >>> logit_response(g, ([0.5, 0.5], [0.5, 0.5]), 3.0)
    (array([0.5, 0.5]), array([0.5, 0.5]))
    """
    require_game(game)
    checked_rationality(rationality)
    checked = checked_profile(game, profile)
    answers = []
    for i in range(game.n_players):
        # Payoffs of 1e12 and something leave no digits for their differences once they are weighed.
        payoffs = deviation_payoffs(game.payoffs[i] - game.payoffs[i].min(), checked, i)
        weights = np.exp(rationality * (payoffs - payoffs.max()))
        answers.append(weights / weights.sum())
    return tuple(answers)


def logit_residual(game: NormalFormGame, profile: Sequence[ArrayLike], rationality: float) -> NDArray[np.float64]:
    """Return each player's largest distance from the logit answer, in probability, shape (n,).

    Zero for every player exactly at a quantal response equilibrium.
    """
    require_game(game)
    checked = checked_profile(game, profile)
    answers = logit_response(game, checked, rationality)
    return np.array([np.abs(x - y).max() for x, y in zip(checked, answers)])


def is_quantal_response(
    game: NormalFormGame, profile: Sequence[ArrayLike], rationality: float, *, tolerance: float = 1e-9
) -> bool:
    """Tell whether no probability is further than ``tolerance`` from the logit answer to the profile."""
    require_game(game)
    return bool(logit_residual(game, profile, rationality).max() <= tolerance)


def checked_rationality(rationality: float) -> float:
    """Return the precision lambda as a float.

    Raises
    ------
    GameError
        If it is negative, infinite or no number.
    """
    if not (isinstance(rationality, (int, float, np.integer, np.floating)) and 0 <= rationality < float("inf")):
        raise GameError(
            f"rationality is {rationality!r}: it must be a finite number of at least 0 "
            "(for the limit of perfect rationality use marlgt.solvers.logit)"
        )
    return float(rationality)
