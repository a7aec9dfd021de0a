"""Regrets: what a player could gain by deviating, the measure behind every certificate.

For a mixed profile x, player i's regret is ``max_a u_i(a, x_-i) - u_i(x)``; it is a Nash equilibrium
exactly when every regret is zero. For a joint distribution q, the gain of playing b whenever a is
recommended is ``G_i(a, b) = sum_{a_-i} q(a, a_-i) [u_i(b, a_-i) - u_i(a, a_-i)]``; q is a correlated
equilibrium when no ``G_i(a, b)`` is positive (Aumann 1974), and a coarse correlated equilibrium when
no column sum ``sum_a G_i(a, b)`` is (Moulin and Vial 1978).

All functions work in floats, and in fractions when the arrays hold them.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from marlgt.games._comparable import checked_player
from marlgt.games._doors import require_any_game, require_game
from marlgt.games._profiles import SUM_TOLERANCE, checked_joint, checked_profile, deviation_payoffs
from marlgt.games.extensive import ExtensiveGame
from marlgt.games.normal_form import NormalFormGame
from marlgt.games.stochastic import StochasticGame
from marlgt.kernels import kernel

__all__ = [
    "cce_gap",
    "ce_gap",
    "deviation_gains",
    "exploitability",
    "nash_conv",
    "regrets",
    "swap_gains",
]

AnyGame = NormalFormGame | ExtensiveGame | StochasticGame
"""What a profile can be a profile of."""


def regrets(game: AnyGame, profile: Sequence[ArrayLike]) -> NDArray[np.float64]:
    """Return the largest gain of each player from deviating alone, shape (n,).

    Parameters
    ----------
    game : NormalFormGame, ExtensiveGame or StochasticGame
    profile : sequence of n array_like
        One distribution per player; in games with turns or states one policy per player, of shape (I_i, A_i) or
        (S, A_i). The regret of a stationary policy is the largest over the states that can be reached.

    Raises
    ------
    ProfileError
        If the profile does not fit the game.

    Examples
    --------
    >>> import marlgt as gt
    >>> g = gt.NormalFormGame.bimatrix([[-1, -5], [0, -3]], [[-1, 0], [-5, -3]])
    >>> regrets(g, ([1, 0], [1, 0]))
    array([1., 1.])
    """
    require_any_game(game)
    if not isinstance(game, NormalFormGame):
        from marlgt.concepts.policies import policy_worth

        return policy_worth(game, profile)[1]
    return values_and_regrets(game.payoffs, checked_profile(game, profile))[1]


def values_and_regrets(payoffs: NDArray[Any], profile: Sequence[NDArray[Any]]) -> tuple[NDArray[Any], NDArray[Any]]:
    """Return every player's value and regret, unchecked, in the arithmetic of the arrays.

    Parameters
    ----------
    payoffs : ndarray, shape (n, A_1, ..., A_n)
    profile : sequence of n ndarrays

    Returns
    -------
    values, regrets : ndarray, shape (n,)
    """
    n = len(profile)
    values = np.empty(n, dtype=payoffs.dtype)
    gains = np.empty(n, dtype=payoffs.dtype)
    if n == 2:
        x, y = profile
        rows, columns = payoffs[0] @ y, x @ payoffs[1]
        values[0], values[1] = x @ rows, columns @ y
        gains[0], gains[1] = rows.max() - values[0], columns.max() - values[1]
        return values, gains
    for i in range(n):
        deviations = deviation_payoffs(payoffs[i], profile, i)
        values[i] = profile[i] @ deviations
        gains[i] = deviations.max() - values[i]
    return values, gains


@kernel
def write_worth(payoffs: NDArray[np.float64], point: NDArray[np.float64]) -> float:
    """Write values and regrets behind a point's two strategies, and return the largest regret.

    Parameters
    ----------
    payoffs : ndarray, shape (2, A_1, A_2)
    point : ndarray, shape (A_1 + A_2 + 4,)
        The strategies of both players, then room for their values and regrets.

    Returns
    -------
    float
        The regret as a share of the player's payoff range, or infinity if a strategy is no distribution.
    """
    m, n = payoffs.shape[1], payoffs.shape[2]
    end = m + n
    columns = np.zeros(n)
    row_total = column_total = lowest = row_value = column_value = 0.0
    best_row = best_column = highest_0 = highest_1 = -math.inf
    lowest_0 = lowest_1 = math.inf
    for j in range(n):
        column_total += point[m + j]
        lowest = min(lowest, point[m + j])
    for i in range(m):
        weight, row = point[i], 0.0
        row_total += weight
        lowest = min(lowest, weight)
        for j in range(n):
            payoff = payoffs[0, i, j]
            row += payoff * point[m + j]
            lowest_0 = payoff if payoff < lowest_0 else lowest_0
            highest_0 = payoff if payoff > highest_0 else highest_0
        for j in range(n):
            payoff = payoffs[1, i, j]
            columns[j] += weight * payoff
            lowest_1 = payoff if payoff < lowest_1 else lowest_1
            highest_1 = payoff if payoff > highest_1 else highest_1
        row_value += weight * row
        best_row = max(best_row, row)
    for j in range(n):
        column_value += columns[j] * point[m + j]
        best_column = max(best_column, columns[j])
    point[end], point[end + 1] = row_value, column_value
    point[end + 2], point[end + 3] = max(best_row - row_value, 0.0), max(best_column - column_value, 0.0)
    near = abs(row_total - 1.0) <= SUM_TOLERANCE and abs(column_total - 1.0) <= SUM_TOLERANCE
    if not near or lowest < -SUM_TOLERANCE:
        return math.inf
    row_share = point[end + 2] / (highest_0 - lowest_0) if highest_0 > lowest_0 else 0.0
    column_share = point[end + 3] / (highest_1 - lowest_1) if highest_1 > lowest_1 else 0.0
    return float(max(row_share, column_share))


def nash_conv(game: AnyGame, profile: Sequence[ArrayLike]) -> float:
    """Return the sum of the players' regrets, zero exactly at a Nash equilibrium."""
    return float(regrets(game, profile).sum())


def exploitability(game: AnyGame, profile: Sequence[ArrayLike]) -> float:
    """Return NashConv divided by the number of players.

    In a two-player zero-sum game it is the mean amount that best-responding opponents win above the value.
    """
    return nash_conv(game, profile) / game.n_players


def swap_gains(game: NormalFormGame, joint: ArrayLike, player: int) -> NDArray[np.float64]:
    """Return what a player gains by playing b whenever a is recommended.

    Parameters
    ----------
    joint : array_like, shape (A_1, ..., A_n)
        A distribution over action profiles.
    player : int

    Returns
    -------
    ndarray, shape (A_player, A_player)
        Entry ``[a, b]``, weighted by the probability that a is recommended; the diagonal is zero.
    """
    require_game(game)
    return deviation_gains(game.payoffs, checked_joint(game, joint), checked_player(game, player))


def deviation_gains(payoffs: NDArray[Any], joint: NDArray[Any], player: int) -> NDArray[Any]:
    """Return the swap gains, unchecked, in the arithmetic of the arrays."""
    count = joint.shape[player]
    weights = np.moveaxis(joint, player, 0).reshape(count, -1)
    utilities = np.moveaxis(payoffs[player], player, 0).reshape(count, -1)
    products = weights @ utilities.T
    return np.asarray(products - products.diagonal()[:, None])


def ce_gap(game: NormalFormGame, joint: ArrayLike) -> float:
    """Return the largest gain from one swap a -> b, a != b; not positive exactly at a correlated equilibrium.

    A player with one action cannot swap and does not count; with no such player the gap is 0.
    """
    require_game(game)
    q = checked_joint(game, joint)
    gaps = [_largest_swap(deviation_gains(game.payoffs, q, i)) for i in range(game.n_players)]
    return float(max((g for g in gaps if g is not None), default=0.0))


def cce_gap(game: NormalFormGame, joint: ArrayLike) -> float:
    """Return the largest gain from one fixed action instead of the recommendations.

    It is not positive exactly at a coarse correlated equilibrium, and may be negative there.
    """
    require_game(game)
    q = checked_joint(game, joint)
    return float(max(deviation_gains(game.payoffs, q, i).sum(axis=0).max() for i in range(game.n_players)))


def _largest_swap(gains: NDArray[Any]) -> Any:
    count = len(gains)
    if count == 1:
        return None
    return max(gains[a, b] for a in range(count) for b in range(count) if a != b)
