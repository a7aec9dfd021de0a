"""Correlated and coarse correlated equilibrium of a joint distribution.

A distribution q over action profiles is a correlated equilibrium when a player who is told her own
action never gains by playing another (Aumann 1974), and a coarse correlated equilibrium when she never
gains by committing to one action before she is told (Moulin and Vial 1978). Every Nash equilibrium,
as a product distribution, is the first; every correlated equilibrium is the second.

References
----------
Aumann, R. J. (1974). Subjectivity and correlation in randomized strategies. Journal of Mathematical
Economics 1, 67-96.
Moulin, H. and Vial, J.-P. (1978). Strategically zero-sum games. International Journal of Game Theory
7, 201-221.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from marlgt.concepts.deviations import deviation_gains
from marlgt.games._doors import require_game
from marlgt.games._profiles import checked_joint, checked_profile
from marlgt.games.normal_form import NormalFormGame

__all__ = ["is_coarse_correlated", "is_correlated", "joint_distribution"]


def is_correlated(game: NormalFormGame, joint: ArrayLike, *, tolerance: float = 1e-9) -> bool:
    """Tell whether a joint distribution is a correlated equilibrium.

    Parameters
    ----------
    game : NormalFormGame
    joint : array_like, shape (A_1, ..., A_n)
    tolerance : float
        Largest gain from one swap of actions, as a share of the player's payoff range.

    Examples
    --------
    The traffic light of Aumann's game of chicken:

    >>> import marlgt as gt
    >>> g = gt.NormalFormGame.bimatrix([[6, 2], [7, 0]], [[6, 7], [2, 0]])
    >>> is_correlated(g, [[1/3, 1/3], [1/3, 0]])
    True
    """
    require_game(game)
    q = checked_joint(game, joint)
    worst = np.array([deviation_gains(game.payoffs, q, i).max() for i in range(game.n_players)])
    return bool((worst <= tolerance * game.payoff_range).all())


def is_coarse_correlated(game: NormalFormGame, joint: ArrayLike, *, tolerance: float = 1e-9) -> bool:
    """Tell whether a joint distribution is a coarse correlated equilibrium.

    Parameters
    ----------
    game, joint, tolerance
        As in :func:`is_correlated`; the gain is that of one fixed action.
    """
    require_game(game)
    q = checked_joint(game, joint)
    worst = np.array([deviation_gains(game.payoffs, q, i).sum(axis=0).max() for i in range(game.n_players)])
    return bool((worst <= tolerance * game.payoff_range).all())


def joint_distribution(game: NormalFormGame, profile: Sequence[ArrayLike]) -> NDArray[np.float64]:
    """Return the product distribution of independent strategies, shape (A_1, ..., A_n)."""
    require_game(game)
    joint: NDArray[np.float64] = np.ones(())
    for strategy in checked_profile(game, profile):
        joint = np.multiply.outer(joint, strategy)
    return joint
