"""The index of an equilibrium, and how many totally mixed equilibria a game can have.

Let x be a regular equilibrium: every best reply is played, and the system of the differences
``u_i(a, x_-i) - u_i(base_i, x_-i)`` over the actions of the supports, in the unknowns x_i(a), a other
than base_i, has an invertible Jacobian J there. Its index is ``sign det(-J)``, +1 where the supports
are pure. In a game all of whose equilibria are regular the indices sum to +1, so that there is an odd
number of them (Shapley 1974 for two players; Ritzberger 1994, Govindan and Wilson 1997): a list whose
indices sum to anything else is not complete.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from math import comb
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from marlgt.errors import GameError
from marlgt.games._doors import require_game
from marlgt.games._profiles import checked_profile
from marlgt.games.normal_form import NormalFormGame

__all__ = ["equilibrium_index", "maximal_totally_mixed"]

_TIE = 1e-9
_SINGULAR = 1e-9


def equilibrium_index(game: NormalFormGame, equilibrium: Any) -> int:
    """Return the index of a regular Nash equilibrium, +1 or -1.

    Parameters
    ----------
    game : NormalFormGame
    equilibrium : Equilibrium, or sequence of n array_like
        An answer of a solver, or one distribution per player.

    Raises
    ------
    GameError
        If the profile is no equilibrium, or not a regular one: an action that is not played is a best
        reply too, or the equations of its supports are singular there.
    ProfileError
        If the profile does not fit the game.

    Examples
    --------
    >>> import marlgt as gt
    >>> g = gt.NormalFormGame.bimatrix([[2, 0], [0, 1]], [[1, 0], [0, 2]])
    >>> [equilibrium_index(g, e) for e in ([[1, 0], [1, 0]], [[0, 1], [0, 1]], [[2 / 3, 1 / 3], [1 / 3, 2 / 3]])]
    [1, 1, -1]

    References
    ----------
    L. S. Shapley (1974). A note on the Lemke-Howson algorithm. Mathematical Programming Study 1, 175-189.
    S. Govindan and R. Wilson (1997). Equivalence and invariance of the index and degree of Nash equilibria.
    Games and Economic Behavior 21, 56-61.
    """
    require_game(game)
    profile = checked_profile(game, getattr(equilibrium, "profile", equilibrium))
    scale = np.where(game.payoff_range > 0, game.payoff_range, 1.0)
    payoffs = game.payoffs / scale.reshape(-1, *([1] * game.n_players))
    supports = [np.flatnonzero(x > _TIE) for x in profile]
    first = np.cumsum([0, *(len(s) - 1 for s in supports)])
    jacobian = np.zeros((first[-1], first[-1]))
    for i, support in enumerate(supports):
        deviations = _contracted(payoffs[i], profile, (i,))
        best = deviations.max()
        ties = np.flatnonzero(deviations >= best - _TIE)
        if not np.isin(support, ties).all():
            raise GameError(
                f"the profile is no equilibrium: player {i} plays action {int(support[~np.isin(support, ties)][0])}, "
                "which is no best reply; certify it first"
            )
        if len(ties) > len(support):
            unplayed = int(ties[~np.isin(ties, support)][0])
            raise GameError(
                f"the equilibrium is not regular: player {i} does not play action {unplayed}, which is a best reply "
                "too; only components of equilibria have an index in such a game"
            )
        for j, other in enumerate(supports):
            if i == j or len(support) == 1 or len(other) == 1:
                continue
            slopes = _contracted(payoffs[i], profile, (i, j))
            slopes = slopes[np.ix_(support, other)] if i < j else slopes.T[np.ix_(support, other)]
            differences = slopes[1:] - slopes[0]
            jacobian[first[i] : first[i + 1], first[j] : first[j + 1]] = differences[:, 1:] - differences[:, :1]
    if not len(jacobian):
        return 1
    singular = np.linalg.svd(jacobian, compute_uv=False)
    if not singular[-1] > _SINGULAR * singular[0]:
        raise GameError(
            "the equilibrium is not regular: the equations of its supports are singular there; "
            "only components of equilibria have an index in such a game"
        )
    return round(float(np.linalg.slogdet(-jacobian)[0]))


def _contracted(payoffs: NDArray[np.float64], profile: Sequence[ArrayLike], kept: tuple[int, ...]) -> NDArray[Any]:
    """Return one player's payoffs averaged over all strategies but those of the players kept."""
    tensor = payoffs
    for j in reversed(range(len(profile))):
        if j not in kept:
            tensor = np.tensordot(tensor, np.asarray(profile[j]), axes=(j, 0))
    return tensor


def maximal_totally_mixed(n_actions: Sequence[int]) -> int:
    """Return the largest number of regular totally mixed equilibria that a game of this size can have.

    It counts the ways to give every unknown to an equation of another player: the multihomogeneous
    Bezout number of the system, the coefficient of ``prod_j z_j^(A_j - 1)`` in
    ``prod_i (sum_{j != i} z_j)^(A_i - 1)``; zero means that all totally mixed equilibria are singular.

    Parameters
    ----------
    n_actions : sequence of int

    Raises
    ------
    GameError
        If a number of actions is not positive.

    Examples
    --------
    >>> maximal_totally_mixed((2, 2, 2)), maximal_totally_mixed((3, 3, 3)), maximal_totally_mixed((3, 2))
    (2, 10, 0)

    References
    ----------
    R. D. McKelvey and A. McLennan (1997). The maximal number of regular totally mixed Nash equilibria.
    Journal of Economic Theory 72, 411-425.
    """
    if not len(n_actions) or min(n_actions) < 1:
        raise GameError(f"n_actions must be one positive number per player, got {tuple(n_actions)}")
    return _assignments(tuple(sorted(int(a) - 1 for a in n_actions if a > 1)))


@lru_cache(maxsize=4096)
def _assignments(degrees: tuple[int, ...]) -> int:
    """Return the coefficient of prod z_j^degrees[j] in prod_i (sum_{j != i} z_j)^degrees[i]."""
    total = sum(degrees)
    if any(2 * d > total for d in degrees):
        return 0
    counts = {degrees: 1}
    for i, power in enumerate(degrees):
        following: dict[tuple[int, ...], int] = {}
        for left, ways in counts.items():
            for rest, choices in _spread(left, i, power):
                following[rest] = following.get(rest, 0) + ways * choices
        counts = following
    return counts.get((0,) * len(degrees), 0)


def _spread(left: tuple[int, ...], owner: int, power: int) -> list[tuple[tuple[int, ...], int]]:
    """Return what is left after ``power`` equations of one player took unknowns of others, with multiplicities."""
    partial: list[tuple[tuple[int, ...], int, int]] = [((), power, 1)]
    for j, available in enumerate(left):
        if j == owner:
            partial = [((*rest, available), open_, ways) for rest, open_, ways in partial]
            continue
        partial = [
            ((*rest, available - taken), open_ - taken, ways * comb(open_, taken))
            for rest, open_, ways in partial
            for taken in range(min(open_, available) + 1)
        ]
    return [(rest, ways) for rest, open_, ways in partial if open_ == 0]
