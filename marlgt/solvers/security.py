"""Security levels: what each player can guarantee whatever the others do.

Player i's security level is ``max_x min_{a_-i} sum_a x(a) u_i(a, a_-i)``, the value of the zero-sum game
against the others acting as one, the maximin value (von Neumann and Morgenstern 1944). With
more than two players the others may correlate, which can only lower it.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np
from numpy.typing import NDArray

from marlgt.games._doors import require_game
from marlgt.games.normal_form import NormalFormGame, Profile
from marlgt.solvers.matrix_game import minimax

__all__ = ["SecurityLevels", "security_levels"]


@dataclass(frozen=True)
class SecurityLevels:
    """What each player can guarantee, and how.

    Attributes
    ----------
    values : ndarray, shape (n,)
        The payoff that each player's strategy guarantees.
    strategies : tuple of n ndarrays
        A maximin strategy of each player.
    gaps : ndarray, shape (n,)
        How much more than ``values`` the player could at most guarantee; zero is a proof.
    exact : bool
        Whether all of it was computed in rational arithmetic.
    exact_values : tuple of n Fraction, or None
    exact_strategies : tuple of n object ndarrays of Fraction, or None
    """

    values: NDArray[np.float64]
    strategies: Profile
    gaps: NDArray[np.float64]
    exact: bool
    exact_values: tuple[Fraction, ...] | None = None
    exact_strategies: tuple[NDArray[Any], ...] | None = None


def security_levels(game: NormalFormGame) -> SecurityLevels:
    """Return the maximin value and strategy of every player of a game with any number of players.

    Parameters
    ----------
    game : NormalFormGame

    Returns
    -------
    SecurityLevels

    Raises
    ------
    NotConverged
        If a player's maximin program was not solved to within 1e-9 of the payoff range.

    Examples
    --------
    >>> from marlgt.games import NormalFormGame
    >>> levels = security_levels(NormalFormGame.bimatrix([[2, 0], [0, 1]], [[1, 0], [0, 2]]))
    >>> [str(v) for v in levels.exact_values]
    ['2/3', '2/3']
    >>> levels.strategies[0].round(3).tolist()
    [0.333, 0.667]
    """
    require_game(game)
    answers = [minimax(_against_the_others(game, i)) for i in range(game.n_players)]
    gaps = np.array([float(e.regrets.sum()) for e in answers])
    strategies: Profile = tuple(e.profile[0] for e in answers if e.profile is not None)
    exact_strategies = tuple(e.exact_profile[0] for e in answers if e.exact_profile is not None)
    if len(exact_strategies) < game.n_players:
        guaranteed = np.array([float(e.values[0]) - float(e.regrets[1]) for e in answers])
        return SecurityLevels(guaranteed, strategies, gaps, False)
    guarantees = tuple(min((x @ _matrix_of(game.fractions, i)).tolist()) for i, x in enumerate(exact_strategies))
    values = np.array([float(v) for v in guarantees])
    return SecurityLevels(values, strategies, gaps, True, guarantees, exact_strategies)


def _matrix_of(payoffs: NDArray[Any], player: int) -> NDArray[Any]:
    """Return one player's payoffs with a row per own action and a column per profile of the others."""
    own = np.moveaxis(payoffs[player], player, 0)
    return np.asarray(own.reshape(own.shape[0], -1))


def _against_the_others(game: NormalFormGame, player: int) -> NormalFormGame:
    return NormalFormGame.zero_sum(_matrix_of(game.fractions if game.is_exact else game.payoffs, player))
