"""Alpha-rank: how much time evolution spends at each profile of strategies.

Each player is a population of m individuals that all play alike. Now and then one of them mutates: player i's
strategy a becomes b, the others' staying as they are, and b takes the population over with the probability that
a Moran process with Fermi selection of strength alpha gives to a gain ``D = u_i(b, a_-i) - u_i(a, a_-i)``::

    rho(D) = (1 - exp(-alpha D)) / (1 - exp(-alpha m D)),   1 / m where D = 0.

With each of the ``sum_i (|A_i| - 1)`` mutations equally likely this is a Markov chain over pure profiles; its
stationary distribution ranks them (Omidshafiei et al. 2019). One population that plays a symmetric game of two
against itself gives a chain over strategies, with ``D = u(b, a) - u(a, b)``. As alpha grows the chain comes to follow
better replies only; the limit keeps worse ones with a small probability (Rowland et al. 2019).

References
----------
Omidshafiei, S. et al. (2019). alpha-Rank: multi-agent evaluation by evolution. Scientific Reports 9, 9937.
Rowland, M. et al. (2019). Multiagent evaluation under incomplete information. NeurIPS 32.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from marlgt.errors import BudgetExceeded, GameError, UnsupportedGame
from marlgt.games._arrays import exact_and_float, short
from marlgt.games._doors import require_game, require_whole
from marlgt.games.normal_form import NormalFormGame
from marlgt.solvers.empirical._markov import stationary_distribution

__all__ = ["AlphaRank", "alpha_rank"]

MOST_STATES = 4096
"""Most pure profiles that alpha-rank takes: its matrix then has 134 megabytes, and it takes minutes."""

_NO_GAIN = 1e-14


@dataclass(frozen=True)
class AlphaRank:
    """A ranking of pure profiles, or of the strategies of one population, by evolution.

    Attributes
    ----------
    distribution : ndarray, shape (A_1, ..., A_n), or (A,) for one population
        The share of time that evolution spends at each.
    marginals : tuple of ndarray
        The share of each strategy of each player.
    alpha : float
        The strength of selection, inf for the limit.
    population_size : int
    """

    distribution: NDArray[np.float64]
    marginals: tuple[NDArray[np.float64], ...]
    alpha: float
    population_size: int

    @property
    def ranking(self) -> tuple[tuple[tuple[int, ...], float], ...]:
        """The pure profiles with their shares, the largest first."""
        order = np.argsort(-self.distribution.reshape(-1), kind="stable")
        places = np.stack(np.unravel_index(order, self.distribution.shape), axis=1)
        shares = self.distribution.reshape(-1)[order]
        return tuple((tuple(place), share) for place, share in zip(places.tolist(), shares.tolist()))


def alpha_rank(
    game: NormalFormGame,
    *,
    alpha: float = 100.0,
    population_size: int = 50,
    single_population: bool = False,
    perturbation: float = 0.01,
) -> AlphaRank:
    """Return the stationary distribution of evolution over the pure profiles of a game.

    It is no equilibrium: it says where the better-reply dynamics of finite populations go.

    Parameters
    ----------
    game : NormalFormGame
    alpha : float
        The strength of selection, per unit of payoff; ``float("inf")`` for the limit.
    population_size : int
        The number m of individuals of each population.
    single_population : bool
        For a symmetric game of two players: one population that plays against itself, ranked by strategies.
    perturbation : float
        In the limit only: a mutation takes over with probability ``1 - perturbation`` if it gains,
        ``perturbation`` if it loses, 1/2 if neither. It may be as small as 1e-300.

    Raises
    ------
    GameError
        For parameters out of range.
    UnsupportedGame
        If one population is asked for and the game is not a symmetric one of two players.
    BudgetExceeded
        If there are more than 4096 pure profiles.

    Examples
    --------
    >>> import marlgt as gt
    >>> rps = gt.NormalFormGame.zero_sum([[0, -1, 1], [1, 0, -1], [-1, 1, 0]])
    >>> alpha_rank(rps, single_population=True).distribution.round(6).tolist()
    [0.333333, 0.333333, 0.333333]
    """
    require_game(game)
    require_whole(population_size, "population_size", least=2)
    strength = _strength(alpha)
    worse, _ = exact_and_float(perturbation, "perturbation")
    if worse.shape != () or not 0.0 < worse < 0.5:
        raise GameError(f"perturbation is {short(perturbation)}: give a number between 0 and 1/2")
    gains = _mutations(game, single=single_population)
    if strength == np.inf:
        log_rates = _log_limit(gains, float(worse))
    else:
        log_rates = _log_fixation(strength * gains, population_size)
    shape = game.n_actions[:1] if single_population else game.n_actions
    distribution = stationary_distribution(log_rates).reshape(shape)
    axes = range(len(shape))
    marginals = tuple(np.asarray(distribution.sum(axis=tuple(j for j in axes if j != i))) for i in axes)
    for array in (distribution, *marginals):
        array.flags.writeable = False
    return AlphaRank(distribution, marginals, strength, population_size)


def _strength(alpha: Any) -> float:
    if isinstance(alpha, (float, np.floating)) and alpha == np.inf:
        return float(np.inf)
    value, _ = exact_and_float(alpha, "alpha")
    if value.shape != () or value < 0:
        raise GameError(f"alpha is {short(alpha)}: give a number that is not negative, or float('inf')")
    return float(value)


def _mutations(game: NormalFormGame, *, single: bool) -> NDArray[np.float64]:
    """Return the gain of every mutation, shape (S, S), nan where there is none."""
    if single:
        if game.n_players != 2 or game.n_actions[0] != game.n_actions[1]:
            raise UnsupportedGame("one population plays a game of two players with the same actions")
        own, other = game.payoffs[0], game.payoffs[1].T
        scale = max(float(np.abs(game.payoffs).max()), np.finfo(float).tiny)
        if np.abs(own - other).max() > 1e-12 * scale:
            raise UnsupportedGame("one population plays a symmetric game, with payoffs[1] the transpose of payoffs[0]")
        # From the resident a to the mutant b: u(b, a) - u(a, b).
        gains = np.array(own.T - own)
        np.fill_diagonal(gains, np.nan)
        return gains
    size = game.n_profiles
    if size > MOST_STATES:
        raise BudgetExceeded(
            f"the game has {size:,} pure profiles, and alpha-rank takes up to {MOST_STATES:,}: leave strategies out",
            estimate=size,
            limit=MOST_STATES,
        )
    gains = np.full((size, size), np.nan)
    index = np.arange(size).reshape(game.n_actions)
    for i, count in enumerate(game.n_actions):
        lines = np.moveaxis(index, i, -1).reshape(-1, count)
        payoffs = np.moveaxis(game.payoffs[i], i, -1).reshape(-1, count)
        gains[lines[:, :, None], lines[:, None, :]] = payoffs[:, None, :] - payoffs[:, :, None]
    np.fill_diagonal(gains, np.nan)
    return gains


def _log_fixation(gains: NDArray[np.float64], size: int) -> NDArray[np.float64]:
    """Return the logarithm of the probability that a mutant takes over, for its gain times alpha."""
    up = np.where(np.isnan(gains), 1.0, np.abs(gains))
    neutral = up <= _NO_GAIN
    up = np.where(neutral, 1.0, up)
    logs = np.log(-np.expm1(-up)) - np.log(-np.expm1(-size * up))
    # rho(-D) = rho(D) exp(-(m - 1) alpha D).
    logs = np.where(gains < 0.0, logs - (size - 1) * up, logs)
    logs = np.where(neutral, -np.log(size), logs)
    return np.where(np.isnan(gains), -np.inf, logs)


def _log_limit(gains: NDArray[np.float64], perturbation: float) -> NDArray[np.float64]:
    logs = np.full(gains.shape, np.log(perturbation))
    logs[gains > 0.0] = np.log1p(-perturbation)
    logs[np.abs(gains) <= _NO_GAIN] = np.log(0.5)
    logs[np.isnan(gains)] = -np.inf
    return logs
