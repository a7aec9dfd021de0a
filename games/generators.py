"""Random games without structure between actions: from independent payoffs to a chosen rank.

The families follow GAMUT (Nudelman, Wortman, Shoham and Leyton-Brown 2004) and the literature on hard
instances. The same seed gives the same game on every machine with the same NumPy. Those whose payoffs
are integers are exact.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from marlgt.errors import GameError
from marlgt.games._arrays import short
from marlgt.games._catalogue import check_numbers
from marlgt.games.normal_form import NormalFormGame

__all__ = [
    "checked_counts",
    "generator",
    "random_covariant",
    "random_gaussian",
    "random_integers",
    "random_ordinal",
    "random_rank",
    "random_sparse",
    "random_uniform",
    "random_unit_vector",
    "random_win_lose",
    "random_zero_sum",
]

LARGEST_TABLE = 10_000_000
"""Players times profiles of a random game."""


def generator(seed: int) -> np.random.Generator:
    """Return the source of randomness for a seed, refusing what is no seed."""
    if not isinstance(seed, (int, np.integer)) or isinstance(seed, bool) or seed < 0:
        raise GameError(f"seed must be a whole number from 0, got {short(seed)}")
    return np.random.default_rng(int(seed))


def checked_counts(n_actions: Sequence[int], *, players: int | None = None) -> tuple[int, ...]:
    """Return the numbers of actions as a tuple, refusing what is no size of a game."""
    listed: object = n_actions
    is_array = isinstance(listed, np.ndarray) and listed.ndim == 1
    if not is_array and (isinstance(listed, (str, bytes)) or not isinstance(listed, Sequence)):
        raise GameError(f"n_actions must list the number of actions of each player, got {short(n_actions)}")
    counts = tuple(n_actions)
    if players is not None and len(counts) != players:
        raise GameError(f"n_actions must hold {players} numbers, one per player, got {short(counts)}")
    if not counts or any(not isinstance(k, (int, np.integer)) or isinstance(k, bool) or k < 1 for k in counts):
        raise GameError(f"n_actions must hold a whole number from 1 for each player, got {short(counts)}")
    if len(counts) > 63:
        raise GameError(f"n_actions names {len(counts)} players, more than the 63 that an array can hold")
    asked = len(counts) * math.prod(map(int, counts))
    if asked > LARGEST_TABLE:
        raise GameError(f"n_actions {short(counts)} asks for {short(asked)} payoffs, more than {LARGEST_TABLE}")
    return tuple(int(k) for k in counts)


def checked_share(value: float, name: str) -> float:
    """Return a number between 0 and 1, refusing any other."""
    check_numbers(**{name: value})
    if not 0 <= value <= 1:
        raise GameError(f"{name} must lie between 0 and 1, got {short(value)}")
    return value


def _check_bounds(low: int, high: int) -> None:
    check_numbers(low=low, high=high)
    if not -(2**62) <= low <= high <= 2**62:
        raise GameError(
            f"low must not exceed high, both at most 2**62 in magnitude, got {short(low)} and {short(high)}"
        )


def random_uniform(n_actions: Sequence[int], *, low: float = 0.0, high: float = 1.0, seed: int) -> NormalFormGame:
    """Return a game whose payoffs are drawn independently and uniformly.

    Parameters
    ----------
    n_actions : sequence of int
        The number of actions of each player.
    low, high : float
        Bounds of the payoffs.
    seed : int

    Examples
    --------
    >>> random_uniform((2, 3), seed=0).n_actions
    (2, 3)
    """
    rng = generator(seed)
    counts = checked_counts(n_actions)
    check_numbers(low=low, high=high)
    if not -1e150 <= low < high <= 1e150:
        raise GameError(f"low must be below high, both at most 1e150 in magnitude, got {short(low)} and {short(high)}")
    return NormalFormGame(rng.uniform(low, high, (len(counts), *counts)), title="Random uniform game")


def random_gaussian(n_actions: Sequence[int], *, seed: int) -> NormalFormGame:
    """Return a game whose payoffs are drawn independently from the standard normal distribution.

    Parameters
    ----------
    n_actions : sequence of int
    seed : int
    """
    rng = generator(seed)
    counts = checked_counts(n_actions)
    return NormalFormGame(rng.standard_normal((len(counts), *counts)), title="Random Gaussian game")


def random_integers(n_actions: Sequence[int], *, low: int = -9, high: int = 9, seed: int) -> NormalFormGame:
    """Return an exact game whose payoffs are drawn independently and uniformly from whole numbers.

    Parameters
    ----------
    n_actions : sequence of int
    low, high : int
        The least and the greatest payoff, both included. A narrow range makes ties common.
    seed : int
    """
    rng = generator(seed)
    counts = checked_counts(n_actions)
    _check_bounds(low, high)
    payoffs = rng.integers(low, high, (len(counts), *counts), endpoint=True)
    return NormalFormGame(payoffs, title="Random game of integers")


def random_covariant(n_actions: Sequence[int], *, rho: float, seed: int) -> NormalFormGame:
    """Return a game in which the payoffs of each cell are normal with correlation ``rho`` between players.

    Negative ``rho`` makes conflict, with two players and -1 a zero-sum game; 1 makes common interest.

    Parameters
    ----------
    n_actions : sequence of int
    rho : float
        From ``-1 / (n - 1)`` to 1.
    seed : int

    References
    ----------
    Nudelman, Wortman, Shoham and Leyton-Brown (2004), Run the GAMUT, AAMAS; Rinott and Scarsini (2000),
    On the number of pure strategy Nash equilibria in random games, Games and Economic Behavior 33.
    """
    rng = generator(seed)
    counts = checked_counts(n_actions)
    n = len(counts)
    least = -1.0 / (n - 1) if n > 1 else -1.0
    check_numbers(rho=rho)
    if not least - 1e-12 <= rho <= 1:
        raise GameError(f"rho must lie between -1 / (n - 1) = {least:.6g} and 1, got {short(rho)}")
    draws = rng.standard_normal((n, *counts))
    # u_i = a z_i + b mean(z) has variance 1 and correlation rho for these a and b.
    own = math.sqrt(max(1.0 - rho, 0.0))
    common = math.sqrt(max(1.0 + (n - 1) * rho, 0.0)) - own
    return NormalFormGame(own * draws + common * draws.mean(axis=0), title="Random covariant game")


def random_zero_sum(n_actions: Sequence[int], *, low: int = -9, high: int = 9, seed: int) -> NormalFormGame:
    """Return an exact two-player zero-sum game of independent whole numbers.

    Parameters
    ----------
    n_actions : sequence of 2 int
    low, high : int
        The least and the greatest payoff of the row player.
    seed : int
    """
    rng = generator(seed)
    counts = checked_counts(n_actions, players=2)
    _check_bounds(low, high)
    return NormalFormGame.zero_sum(rng.integers(low, high, counts, endpoint=True), title="Random zero-sum game")


def random_rank(n_actions: Sequence[int], *, rank: int, seed: int) -> NormalFormGame:
    """Return an exact two-player game (A, B) in which A + B has a chosen rank.

    Rank 0 is zero-sum; games of small rank have fast approximations and, of rank 1, a fast exact method.

    Parameters
    ----------
    n_actions : sequence of 2 int
    rank : int
        From 0 to the smaller number of actions.
    seed : int

    References
    ----------
    Kannan and Theobald (2010), Games of fixed rank: a hierarchy of bimatrix games, Economic Theory 42.
    """
    rng = generator(seed)
    m, n = checked_counts(n_actions, players=2)
    if not isinstance(rank, int) or isinstance(rank, bool) or not 0 <= rank <= min(m, n):
        raise GameError(f"rank must be a whole number from 0 to {min(m, n)}, got {short(rank)}")
    A = rng.integers(-9, 9, (m, n), endpoint=True)
    # A unit lower triangle and a unit upper one keep the rank at exactly `rank`.
    left = np.tril(rng.integers(-3, 3, (m, rank), endpoint=True), -1) + np.eye(m, rank, dtype=np.int64)
    right = np.triu(rng.integers(-3, 3, (rank, n), endpoint=True), 1) + np.eye(rank, n, dtype=np.int64)
    common = (left @ right)[rng.permutation(m)][:, rng.permutation(n)]
    return NormalFormGame.bimatrix(A, common - A, title=f"Random game of rank {rank}")


def random_win_lose(n_actions: Sequence[int], *, density: float = 0.5, seed: int) -> NormalFormGame:
    """Return an exact game whose payoffs are all 0 or 1, each 1 with a given probability.

    Parameters
    ----------
    n_actions : sequence of int
    density : float
        The probability of a 1.
    seed : int

    References
    ----------
    Abbott, Kane and Valiant (2005), On the complexity of two-player win-lose games, FOCS.
    """
    rng = generator(seed)
    counts = checked_counts(n_actions)
    wins = rng.random((len(counts), *counts)) < checked_share(density, "density")
    return NormalFormGame(wins.astype(np.int64), title="Random win-lose game")


def random_ordinal(n_actions: Sequence[int], *, seed: int) -> NormalFormGame:
    """Return an exact game in which each player ranks all profiles from 1, without ties.

    Parameters
    ----------
    n_actions : sequence of int
    seed : int
    """
    rng = generator(seed)
    counts = checked_counts(n_actions)
    ranks = [rng.permutation(math.prod(counts)).reshape(counts) + 1 for _ in counts]
    return NormalFormGame(np.stack(ranks), title="Random ordinal game")


def random_sparse(n_actions: Sequence[int], *, density: float = 0.2, seed: int) -> NormalFormGame:
    """Return an exact game whose payoffs are mostly 0, the others whole numbers from 1 to 99.

    Parameters
    ----------
    n_actions : sequence of int
    density : float
        The probability that a payoff is not 0.
    seed : int
    """
    rng = generator(seed)
    counts = checked_counts(n_actions)
    shape = (len(counts), *counts)
    present = rng.random(shape) < checked_share(density, "density")
    return NormalFormGame(rng.integers(1, 100, shape) * present, title="Random sparse game")


def random_unit_vector(n_actions: Sequence[int], *, seed: int) -> NormalFormGame:
    """Return a two-player game in which each column pays the row player 1 in one row and 0 elsewhere.

    The column player's payoffs are uniform on [0, 1]. Such games contain all the difficulty of bimatrix
    games, and Lemke-Howson paths on them are paths on one polytope.

    Parameters
    ----------
    n_actions : sequence of 2 int
    seed : int

    References
    ----------
    Savani and von Stengel (2016), Unit vector games, International Journal of Economic Theory 12.
    """
    rng = generator(seed)
    m, n = checked_counts(n_actions, players=2)
    A: NDArray[Any] = np.zeros((m, n))
    A[rng.integers(m, size=n), np.arange(n)] = 1
    return NormalFormGame.bimatrix(A, rng.random((m, n)), title="Random unit vector game")
