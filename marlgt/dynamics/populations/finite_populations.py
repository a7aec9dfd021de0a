"""Finite populations under selection: the Moran, Wright-Fisher and pairwise comparison processes.

N individuals play a symmetric game of two players against one another. With u(s) what strategy s earns on average, see
the payoffs below, and w the strength of selection, its fitness is ``f = 1 - w + w u``, or ``f = exp(w u)``::

    u(s) = (sum_j A(s, j) n(j) - A(s, s)) / (N - 1)

    Moran                 a parent drawn in proportion to f has a child, and one of the N dies at random
    Wright-Fisher         all N of the next generation draw parents in proportion to f
    pairwise comparison   of two individuals drawn at random, the first takes on the strategy of the second with
                          probability 1 / (1 + exp(-w (u(second) - u(first))))

A child, or one who revises, mutates with probability ``mutation`` to one of the other strategies, each equally likely.
Without mutation the population ends in one strategy; a neutral mutant takes over with probability 1/N. For large N,
with N steps as the unit of time, the Moran process follows ``x_i' = x_i (f_i - f) / f`` with f the mean fitness, the
adjusted replicator dynamics (Traulsen, Claussen and Hauert 2005), and the pairwise comparison process
``x_i' = x_i sum_j x_j tanh(w (u_i - u_j) / 2)`` (Traulsen, Nowak and Pacheco 2006).

References
----------
Moran, P. A. P. (1958). Random processes in genetics. Proceedings of the Cambridge Philosophical Society 54, 60-71.
Nowak, M. A., Sasaki, A., Taylor, C. and Fudenberg, D. (2004). Emergence of cooperation and evolutionary stability in
finite populations. Nature 428, 646-650.
Imhof, L. A. and Nowak, M. A. (2006). Evolutionary game dynamics in a Wright-Fisher process. Journal of Mathematical
Biology 52, 667-681.
Traulsen, A., Claussen, J. C. and Hauert, C. (2005). Coevolutionary dynamics: from finite to infinite populations.
Physical Review Letters 95, 238701.
Traulsen, A., Nowak, M. A. and Pacheco, J. M. (2006). Stochastic dynamics of invasion and fixation. Physical Review E
74, 011909.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from marlgt.dynamics.populations._populations import Process, evolve, mean_payoff, one_at_a_time, population_settings
from marlgt.dynamics.trajectory import Trajectory
from marlgt.games._doors import require_whole
from marlgt.games.normal_form import NormalFormGame
from marlgt.kernels import kernel, specialised
from marlgt.randomness import drawn_from

__all__ = [
    "MORAN",
    "PAIRWISE",
    "WRIGHT_FISHER",
    "moran_process",
    "pairwise_comparison",
    "pairwise_moves",
    "wright_fisher_process",
    "write_offspring",
]

Floats = NDArray[np.float64]
Whole = NDArray[np.int64]


@kernel
def write_offspring(matrix: Floats, counts: Whole, settings: Floats, weights: Floats) -> None:
    """Write the probability that a child has each strategy, mutation included."""
    k = counts.shape[0]
    best = -math.inf
    for s in range(k):
        weights[s] = mean_payoff(matrix, counts, s)
        if counts[s] > 0:
            best = max(best, weights[s])
    total = 0.0
    for s in range(k):
        if counts[s] == 0:
            weights[s] = 0.0
        elif settings[1] > 0.0:
            weights[s] = counts[s] * math.exp(settings[0] * (weights[s] - best))
        else:
            weights[s] = counts[s] * (1.0 - settings[0] + settings[0] * weights[s])
        total += weights[s]
    for s in range(k):
        kept = weights[s] / total
        weights[s] = (1.0 - settings[2]) * kept + settings[2] * (1.0 - kept) / max(k - 1, 1)


@kernel
def moran_moves(matrix: Floats, counts: Whole, settings: Floats, moves: Floats) -> None:
    """Write the probabilities that one of i dies and the child is of j."""
    k = counts.shape[0]
    size = 0
    for s in range(k):
        size += counts[s]
    # The first row holds the offspring until it is written itself, last of all.
    write_offspring(matrix, counts, settings, moves[0])
    for i in range(k - 1, -1, -1):
        for j in range(k):
            moves[i, j] = moves[0, j] * counts[i] / size


@kernel
def accept(gain: float, settings: Floats) -> float:
    """Return the probability of taking on a strategy that earns so much more: Fermi's function."""
    weight = math.exp(-settings[0] * abs(gain))
    return 1.0 / (1.0 + weight) if gain >= 0.0 else weight / (1.0 + weight)


@kernel
def pairwise_moves(matrix: Floats, counts: Whole, settings: Floats, moves: Floats) -> None:
    """Write the probabilities that one of i is drawn and takes on j, from a model or by mutation."""
    k = counts.shape[0]
    size = 0
    for s in range(k):
        size += counts[s]
        moves[s, s] = mean_payoff(matrix, counts, s)
    for i in range(k):
        for j in range(k):
            if j != i:
                copied = accept(moves[j, j] - moves[i, i], settings) * counts[j] / (size - 1)
                mutated = settings[2] / (k - 1)
                moves[i, j] = ((1.0 - settings[2]) * copied + mutated) * counts[i] / size


@kernel
def next_generation(
    changed: bool, matrix: Floats, counts: Whole, stream: Whole, settings: Floats, moves: Floats, weights: Floats
) -> bool:
    """Draw the strategies of a whole generation."""
    size = 0
    for s in range(counts.shape[0]):
        size += counts[s]
    write_offspring(matrix, counts, settings, weights)
    for s in range(counts.shape[0]):
        counts[s] = 0
    for _ in range(size):
        counts[drawn_from(stream, weights)] += 1
    return True


_LIMITS = (
    "Without mutation one strategy takes over in the end, a neutral mutant with probability 1/N; with mutation there "
    "is one stationary distribution. Large populations follow {flow} over bounded times."
)
MORAN = Process(
    "moran_process",
    _LIMITS.format(flow="the adjusted replicator dynamics x_i' = x_i (f_i - mean f) / mean f"),
    one_at_a_time(moran_moves),
    moran_moves,
)
PAIRWISE = Process(
    "pairwise_comparison",
    _LIMITS.format(flow="x_i' = x_i sum_j x_j tanh(w (u_i - u_j) / 2)"),
    one_at_a_time(pairwise_moves),
    pairwise_moves,
)
WRIGHT_FISHER = Process(
    "wright_fisher_process",
    _LIMITS.format(flow="the discrete replicator dynamics x_i f_i / mean f"),
    specialised(next_generation, write_offspring=write_offspring),
)


def moran_process(
    game: NormalFormGame,
    *,
    population: int = 100,
    steps: int = 10_000,
    record: int | Sequence[int] = 100,
    seed: int = 0,
    selection: float = 1.0,
    exponential: bool = True,
    mutation: float = 0.0,
    start: ArrayLike | None = None,
) -> Trajectory:
    """Let a population evolve by births in proportion to fitness and deaths at random.

    Parameters
    ----------
    game : NormalFormGame
        Symmetric, of two players.
    population : int
        The number N of individuals, at least 2.
    steps : int
        A birth and a death each; N of them are a generation.
    record : int or sequence of int
        A number of evenly spaced times to record, or the steps themselves; the last step is always among them.
    seed : int
    selection : float
        The strength w; at most 1 for linear fitness.
    exponential : bool
        Whether fitness is ``exp(w u)``, which no payoffs make negative, or ``1 - w + w u``.
    mutation : float
        From 0 to 1. Simulations do not see probabilities below ``2^-32``.
    start : array_like of int, shape (A,), or profile, optional
        The number of individuals of each strategy, or a profile whose first strategy they come nearest to; evenly
        split if not given.

    Returns
    -------
    Trajectory
        The composition, for both players the same, after each recorded step; ``joint`` is the average distribution of
        the strategies of two different individuals.

    Raises
    ------
    UnsupportedGame
        If the game is not symmetric with two players.
    GameError
        For settings out of range, and a linear fitness that is not positive.

    Examples
    --------
    Defectors take over from cooperators:

    >>> import marlgt as gt
    >>> dilemma = gt.NormalFormGame.bimatrix([[3, 0], [5, 1]], [[3, 5], [0, 1]])
    >>> moran_process(dilemma, population=50, steps=5_000).strategies[0][-1].tolist()
    [0.0, 1.0]
    """
    return evolve(
        game, MORAN,
        lambda A: population_settings(
            A, population, selection=selection, exponential=exponential, mutation=mutation
        ),
        population=population, steps=steps, record=record, seed=seed, start=start,
    )  # fmt: skip


def wright_fisher_process(
    game: NormalFormGame,
    *,
    population: int = 100,
    steps: int = 1000,
    record: int | Sequence[int] = 100,
    seed: int = 0,
    selection: float = 1.0,
    exponential: bool = True,
    mutation: float = 0.0,
    start: ArrayLike | None = None,
) -> Trajectory:
    """Let a population evolve by generations that do not overlap.

    Parameters
    ----------
    game, population, record, seed, selection, exponential, mutation, start
        As in :func:`moran_process`.
    steps : int
        The number of generations.

    Returns
    -------
    Trajectory

    Raises
    ------
    UnsupportedGame
        If the game is not symmetric with two players.
    GameError
        For settings out of range, and a linear fitness that is not positive.

    Examples
    --------
    >>> import marlgt as gt
    >>> hawk_dove = gt.NormalFormGame.bimatrix([[-1, 2], [0, 1]], [[-1, 0], [2, 1]])
    >>> run = wright_fisher_process(hawk_dove, population=1000, selection=0.5)
    >>> bool(abs(run.averages[0][-1, 0] - 0.5) < 0.02)
    True
    """
    require_whole(population, "population", least=2)
    return evolve(
        game, WRIGHT_FISHER,
        lambda A: population_settings(
            A, population, selection=selection, exponential=exponential, mutation=mutation
        ),
        population=population, steps=steps, record=record, seed=seed, start=start, cost=40.0 * population,
    )  # fmt: skip


def pairwise_comparison(
    game: NormalFormGame,
    *,
    population: int = 100,
    steps: int = 10_000,
    record: int | Sequence[int] = 100,
    seed: int = 0,
    selection: float = 1.0,
    mutation: float = 0.0,
    start: ArrayLike | None = None,
) -> Trajectory:
    """Let individuals compare themselves in pairs and imitate with Fermi's probability.

    Parameters
    ----------
    game, population, record, seed, mutation, start
        As in :func:`moran_process`.
    steps : int
        A comparison each.
    selection : float
        The strength w; at large ones the better of two is always imitated.

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
    return evolve(
        game, PAIRWISE, lambda A: population_settings(A, population, selection=selection, mutation=mutation),
        population=population, steps=steps, record=record, seed=seed, start=start,
    )  # fmt: skip
