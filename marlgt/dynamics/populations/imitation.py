"""Imitation in finite populations: individuals see what others earn and copy those who earn more.

At each step one individual, drawn at random, may change her strategy; with u her payoff against the others and v that
of the one she looks at::

    imitate_if_better        copies another, drawn at random, if v > u
    proportional_imitation   copies another, drawn at random, with probability (v - u)+ / range of the payoffs
    imitate_the_best         copies the strategy that earns most in the population, if it earns more than hers

Proportional imitation is the best of the rules that never lower expected payoffs, whatever the payoffs are; for large
populations it follows the replicator dynamics exactly (Schlag 1998). A strategy that dies out comes back by mutation
only, so that all three can end where a strategy nobody plays would earn more.

References
----------
Schlag, K. H. (1998). Why imitate, and if so, how? A boundedly rational approach to multi-armed bandits. Journal of
Economic Theory 78, 130-156.
Vega-Redondo, F. (1997). The evolution of Walrasian behavior. Econometrica 65, 375-384.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from marlgt.dynamics.populations._populations import Process, evolve, mean_payoff, one_at_a_time, population_settings
from marlgt.dynamics.populations.finite_populations import pairwise_moves
from marlgt.dynamics.trajectory import Trajectory
from marlgt.games.normal_form import NormalFormGame
from marlgt.kernels import kernel, specialised

__all__ = ["BEST", "BETTER", "PROPORTIONAL", "imitate_if_better", "imitate_the_best", "proportional_imitation"]

Floats = NDArray[np.float64]
Whole = NDArray[np.int64]


@kernel
def accept_better(gain: float, settings: Floats) -> float:
    """Return 1 for a gain above rounding, 0 otherwise."""
    return 1.0 if gain > 1e-12 * settings[3] else 0.0


@kernel
def accept_share(gain: float, settings: Floats) -> float:
    """Return the gain as a share of the range of the payoffs, 0 for a loss."""
    return float(max(gain, 0.0) / settings[3])


@kernel
def best_moves(matrix: Floats, counts: Whole, settings: Floats, moves: Floats) -> None:
    """Write the probabilities that one of i takes on the strategy that earns most, the first among ties."""
    k = counts.shape[0]
    size = 0
    best = -1
    for s in range(k):
        size += counts[s]
        moves[s, s] = mean_payoff(matrix, counts, s)
        if counts[s] > 0 and (best < 0 or moves[s, s] > moves[best, best] + 1e-12 * settings[3]):
            best = s
    for i in range(k):
        for j in range(k):
            if j != i:
                better = j == best and moves[j, j] > moves[i, i] + 1e-12 * settings[3]
                copied = 1.0 if better else 0.0
                moves[i, j] = ((1.0 - settings[2]) * copied + settings[2] / (k - 1)) * counts[i] / size


_ENDS = (
    "Without mutation it rests in one strategy, or in a mixture where all that are left earn the same, if the numbers "
    "allow one; else it can go to and fro about a mixture for ever. Strategies that died out are not tried again, so "
    "that a state of rest need not be an equilibrium."
)
_BETTER_MOVES = specialised(pairwise_moves, accept=accept_better)
_SHARE_MOVES = specialised(pairwise_moves, accept=accept_share)
BETTER = Process("imitate_if_better", _ENDS, one_at_a_time(_BETTER_MOVES), _BETTER_MOVES)
PROPORTIONAL = Process(
    "proportional_imitation",
    "Large populations follow the replicator dynamics, over bounded times. " + _ENDS,
    one_at_a_time(_SHARE_MOVES),
    _SHARE_MOVES,
)
BEST = Process("imitate_the_best", _ENDS, one_at_a_time(best_moves), best_moves)


def imitate_if_better(
    game: NormalFormGame,
    *,
    population: int = 100,
    steps: int = 10_000,
    record: int | Sequence[int] = 100,
    seed: int = 0,
    mutation: float = 0.0,
    start: ArrayLike | None = None,
) -> Trajectory:
    """Let one individual a step copy another one, drawn at random, who earns more.

    Parameters
    ----------
    game, population, record, seed, mutation, start
        As in :func:`~marlgt.dynamics.moran_process`.
    steps : int
        A comparison each.

    Returns
    -------
    Trajectory

    Raises
    ------
    UnsupportedGame
        If the game is not symmetric with two players.
    GameError
        For settings out of range.
    """
    return _imitate(game, BETTER, population, steps, record, seed, mutation, start)


def proportional_imitation(
    game: NormalFormGame,
    *,
    population: int = 100,
    steps: int = 10_000,
    record: int | Sequence[int] = 100,
    seed: int = 0,
    mutation: float = 0.0,
    start: ArrayLike | None = None,
) -> Trajectory:
    """Let one individual a step copy another one with a probability proportional to what she would gain.

    Parameters
    ----------
    game, population, record, seed, mutation, start
        As in :func:`~marlgt.dynamics.moran_process`.
    steps : int
        A comparison each.

    Returns
    -------
    Trajectory

    Raises
    ------
    UnsupportedGame
        If the game is not symmetric with two players.
    GameError
        For settings out of range.

    Examples
    --------
    >>> import marlgt as gt
    >>> hawk_dove = gt.NormalFormGame.bimatrix([[-1, 2], [0, 1]], [[-1, 0], [2, 1]])
    >>> run = proportional_imitation(hawk_dove, population=1000, steps=50_000)
    >>> bool(abs(run.averages[0][-1, 0] - 0.5) < 0.05)
    True
    """
    return _imitate(game, PROPORTIONAL, population, steps, record, seed, mutation, start)


def imitate_the_best(
    game: NormalFormGame,
    *,
    population: int = 100,
    steps: int = 10_000,
    record: int | Sequence[int] = 100,
    seed: int = 0,
    mutation: float = 0.0,
    start: ArrayLike | None = None,
) -> Trajectory:
    """Let one individual a step take on the strategy that earns most in the population.

    Parameters
    ----------
    game, population, record, seed, mutation, start
        As in :func:`~marlgt.dynamics.moran_process`.
    steps : int
        A revision each.

    Returns
    -------
    Trajectory

    Raises
    ------
    UnsupportedGame
        If the game is not symmetric with two players.
    GameError
        For settings out of range.
    """
    return _imitate(game, BEST, population, steps, record, seed, mutation, start)


def _imitate(
    game: NormalFormGame,
    process: Process,
    population: int,
    steps: int,
    record: int | Sequence[int],
    seed: int,
    mutation: float,
    start: ArrayLike | None,
) -> Trajectory:
    return evolve(
        game, process, lambda A: population_settings(A, population, mutation=mutation),
        population=population, steps=steps, record=record, seed=seed, start=start,
    )  # fmt: skip
