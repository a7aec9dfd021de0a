"""Fixation: the probability that a mutant takes a population over, and where rare mutations leave it.

For a process that replaces one individual at a time, the number m of mutants among N goes up with probability T+(m) and
down with T-(m). With ``g(m) = T-(m) / T+(m)`` a mutant that begins alone takes over with probability (Nowak et al.
2004)::

    rho = 1 / (1 + sum_{k=1}^{N-1} g(1) g(2) ... g(k))

where g is ``f_resident / f_mutant`` in the Moran process and ``exp(-w (u_mutant - u_resident))`` in pairwise
comparison, all at m mutants; a neutral mutant has 1/N. Weak selection favours a mutant of two strategies with large N,
``rho > 1/N``, if and only if ``a + 2 b > c + 2 d`` for payoffs ``[[a, b], [c, d]]``, its own first: the one-third law
of Nowak et al. (2004).

As mutations become rare the population is nearly always of one strategy, and moves from i to j at a rate proportional
to the fixation probability of j in i: the embedded Markov chain of Fudenberg and Imhof (2006).

References
----------
Nowak, M. A., Sasaki, A., Taylor, C. and Fudenberg, D. (2004). Emergence of cooperation and evolutionary stability in
finite populations. Nature 428, 646-650.
Fudenberg, D. and Imhof, L. A. (2006). Imitation processes with small mutations. Journal of Economic Theory 131,
251-262.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from marlgt.dynamics.populations._populations import population_settings, symmetric_payoffs
from marlgt.dynamics.populations.finite_populations import moran_process, pairwise_comparison, wright_fisher_process
from marlgt.errors import BudgetExceeded, GameError
from marlgt.games._arrays import short
from marlgt.games._doors import require_whole
from marlgt.games.normal_form import NormalFormGame
from marlgt.solvers.empirical._markov import stationary_distribution

__all__ = ["fixation_probability", "log_binomials", "offspring_logits", "small_mutation_limit"]

Floats = NDArray[np.float64]

MOST_GENERATIONS = 2000
MOST_INDIVIDUALS = 10**7
"""Largest population for which the Wright-Fisher process is solved: a dense system of this size."""


def fixation_probability(
    game: NormalFormGame,
    *,
    population: int = 100,
    mutant: int = 0,
    resident: int = 1,
    n_mutants: int = 1,
    process: Callable[..., Any] = moran_process,
    selection: float = 1.0,
    exponential: bool = True,
) -> float:
    """Return the probability that mutants take over a population of residents, without further mutation.

    Parameters
    ----------
    game : NormalFormGame
        Symmetric, of two players.
    population : int
        The number N of individuals, at least 2.
    mutant, resident : int
        Two strategies.
    n_mutants : int
        The number of mutants at first, from 1 to ``population - 1``.
    process : callable
        :func:`~marlgt.dynamics.moran_process`, :func:`~marlgt.dynamics.pairwise_comparison`, both by the formula, or
        :func:`~marlgt.dynamics.wright_fisher_process`, by a linear system.
    selection, exponential
        As in the process.

    Raises
    ------
    UnsupportedGame
        If the game is not symmetric with two players.
    GameError
        For strategies that are not two of the game, other processes, and settings out of range.
    BudgetExceeded
        For a Wright-Fisher population above 2000.

    Examples
    --------
    >>> import marlgt as gt
    >>> dilemma = gt.NormalFormGame.bimatrix([[3, 0], [5, 1]], [[3, 5], [0, 1]])
    >>> round(fixation_probability(dilemma, population=20, mutant=1, resident=0, selection=0.1), 4)
    0.1811
    >>> round(fixation_probability(dilemma, population=20, selection=0), 4)
    0.05
    """
    matrix = symmetric_payoffs(game)
    for name, strategy in (("mutant", mutant), ("resident", resident)):
        if not isinstance(strategy, (int, np.integer)) or isinstance(strategy, bool) or not 0 <= strategy < len(matrix):
            raise GameError(f"{name} is {short(strategy)}: the game has the strategies 0 to {len(matrix) - 1}")
    if mutant == resident:
        raise GameError(f"mutant and resident are both {mutant}: give two strategies")
    settings = population_settings(matrix, population, selection=selection, exponential=exponential)
    require_whole(n_mutants, "n_mutants", least=1)
    if n_mutants >= population:
        raise GameError(f"n_mutants is {n_mutants}: give a number below the population of {population}")
    pair = matrix[np.ix_([mutant, resident], [mutant, resident])]
    return float(np.exp(_log_fixation(pair, int(population), int(n_mutants), process, settings)))


def small_mutation_limit(
    game: NormalFormGame,
    *,
    population: int = 100,
    process: Callable[..., Any] = moran_process,
    selection: float = 1.0,
    exponential: bool = True,
) -> Floats:
    """Return the share of time that a population spends at each strategy as mutations become rare, shape (A,).

    Parameters
    ----------
    game, population, process, selection, exponential
        As in :func:`fixation_probability`.

    Raises
    ------
    UnsupportedGame
        If the game is not symmetric with two players.
    GameError
        For other processes, and settings out of range.

    Examples
    --------
    >>> import marlgt as gt
    >>> rps = gt.NormalFormGame.zero_sum([[0, -1, 1], [1, 0, -1], [-1, 1, 0]])
    >>> small_mutation_limit(rps).round(6).tolist()
    [0.333333, 0.333333, 0.333333]
    """
    matrix = symmetric_payoffs(game)
    settings = population_settings(matrix, population, selection=selection, exponential=exponential)
    k = len(matrix)
    rates = np.full((k, k), -np.inf)
    for resident in range(k):
        for mutant in range(k):
            if mutant != resident:
                pair = matrix[np.ix_([mutant, resident], [mutant, resident])]
                rates[resident, mutant] = _log_fixation(pair, int(population), 1, process, settings)
    return stationary_distribution(rates)


def _log_fixation(pair: Floats, size: int, start: int, process: Callable[..., Any], settings: Floats) -> float:
    """Return the logarithm of the fixation probability of the first of two strategies."""
    if process is wright_fisher_process:
        return float(np.log(_generations(pair, size, settings)[start - 1]))
    if size > MOST_INDIVIDUALS:
        raise BudgetExceeded(
            f"the chain of {short(size)} individuals has as many states, and {MOST_INDIVIDUALS:,} is the limit: take a "
            "smaller population",
            estimate=size,
            limit=MOST_INDIVIDUALS,
        )
    gains = _payoff_gaps(pair, size)
    strength, exponential = settings[0], settings[1] > 0.0
    if process is pairwise_comparison or (process is moran_process and exponential):
        logs = -strength * (gains[0] - gains[1])
    elif process is moran_process:
        fitness = 1.0 - strength + strength * gains
        logs = np.log(fitness[1]) - np.log(fitness[0])
    else:
        raise GameError(
            f"process is {short(process)}: give moran_process, pairwise_comparison or wright_fisher_process, under "
            "which every mutant may take over"
        )
    products = np.concatenate([[0.0], np.cumsum(logs)])
    top = float(products.max())
    # Sums of products, relative to the largest: no float holds exp(1000).
    weights = np.exp(products - top)
    head = products[:start]
    part = float(np.exp(head - head.max()).sum())
    return float(head.max() + np.log(part) - top - np.log(weights.sum()))


def _payoff_gaps(pair: Floats, size: int) -> Floats:
    """Return what mutants and residents earn at 1 to N - 1 mutants, shape (2, N - 1)."""
    m = np.arange(1, size)
    mutants = (pair[0, 0] * (m - 1) + pair[0, 1] * (size - m)) / (size - 1)
    residents = (pair[1, 0] * m + pair[1, 1] * (size - m - 1)) / (size - 1)
    return np.array([mutants, residents])


def offspring_logits(pair: Floats, size: int, settings: Floats) -> Floats:
    """Return the log odds that a child is of the first strategy, with 1 to N - 1 of it about, shape (N - 1,)."""
    earned = _payoff_gaps(pair, size)
    m = np.arange(1, size)
    if settings[1] > 0.0:
        apart = settings[0] * (earned[0] - earned[1])
    else:
        fitness = 1.0 - settings[0] + settings[0] * earned
        apart = np.log(fitness[0]) - np.log(fitness[1])
    return np.asarray(np.log(m) - np.log(size - m) + apart)


def log_binomials(size: int, logits: Floats) -> Floats:
    """Return the logarithms of the binomial probabilities of 0 to N successes, shape (len(logits), N + 1)."""
    from scipy.special import gammaln

    m = np.arange(size + 1)
    ways = gammaln(size + 1.0) - gammaln(m + 1.0) - gammaln(size - m + 1.0)
    yes, no = -np.logaddexp(0.0, -logits), -np.logaddexp(0.0, logits)
    return np.asarray(ways + m * yes[:, None] + (size - m) * no[:, None])


def _generations(pair: Floats, size: int, settings: Floats) -> Floats:
    """Return the fixation probabilities of 1 to N - 1 mutants in the Wright-Fisher process."""
    if size > MOST_GENERATIONS:
        raise BudgetExceeded(
            f"a Wright-Fisher population of {size:,} needs a dense system of that size, and {MOST_GENERATIONS:,} is "
            "the limit: take a smaller population, or pairwise_comparison",
            estimate=size,
            limit=MOST_GENERATIONS,
        )
    chain = np.exp(log_binomials(size, offspring_logits(pair, size, settings)))
    inner = np.eye(size - 1) - chain[:, 1:-1]
    return np.asarray(np.linalg.solve(inner, chain[:, -1]))
