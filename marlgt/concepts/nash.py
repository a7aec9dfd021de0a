"""Nash equilibrium: no player gains by deviating alone (Nash 1950)."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike

from marlgt.concepts.deviations import regrets, values_and_regrets
from marlgt.errors import GameError
from marlgt.games._doors import require_game
from marlgt.games._profiles import checked_profile, exact_profile
from marlgt.games.normal_form import NormalFormGame

__all__ = ["is_epsilon_nash", "is_nash"]


def is_nash(game: NormalFormGame, profile: Sequence[ArrayLike], *, tolerance: float = 1e-9) -> bool:
    """Tell whether a profile is a Nash equilibrium.

    Parameters
    ----------
    game : NormalFormGame
    profile : sequence of n array_like
        One distribution per player. Integers and fractions in an exact game are decided exactly, and
        the tolerance is not used.
    tolerance : float
        Largest regret, as a share of the player's payoff range.

    Examples
    --------
    >>> import marlgt as gt
    >>> g = gt.NormalFormGame.bimatrix([[-1, -5], [0, -3]], [[-1, 0], [-5, -3]])
    >>> is_nash(g, ([0, 1], [0, 1])), is_nash(g, ([1, 0], [1, 0]))
    (True, False)
    """
    require_game(game)
    checked = checked_profile(game, profile)
    exact = exact_profile(profile) if game.is_exact else None
    if exact is not None:
        fair = all(sum(p) == 1 and min(p) >= 0 for p in exact)
        return bool(fair and values_and_regrets(game.fractions, exact)[1].max() <= 0)
    return bool((values_and_regrets(game.payoffs, checked)[1] <= tolerance * game.payoff_range).all())


def is_epsilon_nash(game: NormalFormGame, profile: Sequence[ArrayLike], epsilon: float) -> bool:
    """Tell whether no player gains more than ``epsilon``, in units of payoff, by deviating alone.

    An epsilon-equilibrium need not lie near any Nash equilibrium, in strategies or in payoffs.

    Raises
    ------
    GameError
        If epsilon is negative or not a number.
    """
    require_game(game)
    if not epsilon >= 0:
        raise GameError(f"epsilon is {epsilon!r}: give a number from 0 up, in units of payoff")
    return bool(np.max(regrets(game, profile)) <= epsilon)
