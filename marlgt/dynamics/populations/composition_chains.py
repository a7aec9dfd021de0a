"""The exact Markov chain of a finite population: its transitions, and where it spends its time.

The states are the ``C(N + k - 1, k - 1)`` compositions of N individuals with k strategies. With mutation the chain is
irreducible, and has one stationary distribution. With two strategies and one replacement at a time it is a birth-death
chain, whose distribution is ``pi(m) ~ prod_{l < m} T+(l) / T-(l + 1)``; in general states are eliminated one by one
without a subtraction, so that small probabilities are as accurate as large ones.

References
----------
Fudenberg, D., Imhof, L. A., Nowak, M. A. and Taylor, C. (2006). Evolutionary game dynamics in finite populations with
strong selection and weak mutation. Theoretical Population Biology 70, 352-363.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from itertools import combinations
from typing import Any

import numpy as np
from numpy.typing import NDArray

from marlgt.dynamics.populations._populations import population_settings, symmetric_payoffs
from marlgt.dynamics.populations.finite_populations import (
    MORAN,
    PAIRWISE,
    moran_process,
    pairwise_comparison,
    wright_fisher_process,
    write_offspring,
)
from marlgt.dynamics.populations.imitation import (
    BEST,
    BETTER,
    PROPORTIONAL,
    imitate_if_better,
    imitate_the_best,
    proportional_imitation,
)
from marlgt.errors import BudgetExceeded, GameError
from marlgt.games._arrays import short
from marlgt.games.normal_form import NormalFormGame
from marlgt.solvers.empirical._markov import stationary_distribution

__all__ = ["CompositionChain", "composition_chain", "compositions"]

Floats = NDArray[np.float64]
Whole = NDArray[np.int64]

MOST_COMPOSITIONS = 3000
"""Most states of a chain: its matrix then has 72 megabytes, and its elimination takes about 20 seconds."""

_PROCESSES = {
    moran_process: MORAN,
    pairwise_comparison: PAIRWISE,
    imitate_if_better: BETTER,
    proportional_imitation: PROPORTIONAL,
    imitate_the_best: BEST,
}


@dataclass(frozen=True)
class CompositionChain:
    """The Markov chain of a population over its compositions.

    Attributes
    ----------
    states : ndarray of int, shape (S, A)
        The number of individuals of each strategy.
    transitions : ndarray, shape (S, S)
        The probability of going from the row to the column in one step.
    """

    states: Whole
    transitions: Floats

    def stationary(self) -> Floats:
        """Return the stationary distribution, shape (S,).

        Raises
        ------
        GameError
            If the chain can be caught in part of its states, as without mutation.
        """
        away = self.transitions > 0.0
        for reached in (_reachable(away, 0), _reachable(away.T, 0)):
            if not reached.all():
                raise GameError(
                    "the chain does not go from every composition to every other, and has no single stationary "
                    "distribution: give a mutation above 0, or ask for fixation_probability"
                )
        with np.errstate(divide="ignore"):
            logs = np.log(self.transitions)
        if self.states.shape[1] == 2 and not np.triu(away, 2).any() and not np.tril(away, -2).any():
            up, down = np.diagonal(logs, 1), np.diagonal(logs, -1)
            weights = np.concatenate([[0.0], np.cumsum(up - down)])
            shares = np.exp(weights - weights.max())
            return np.asarray(shares / shares.sum())
        return stationary_distribution(logs)

    def mean(self) -> Floats:
        """Return the average share of each strategy under the stationary distribution, shape (A,)."""
        return np.asarray(self.stationary() @ self.states / self.states[0].sum())

    def absorption(self) -> Floats:
        """Return the probability of ending in each composition that is never left, shape (S, S); zero for the others.

        Raises
        ------
        GameError
            If some compositions lead to none that is never left.
        """
        ends = np.diagonal(self.transitions) == 1.0
        away = self.transitions > 0.0
        led = np.zeros(len(ends), dtype=bool)
        for end in np.flatnonzero(ends):
            led |= _reachable(away.T, int(end))
        if not led.all():
            raise GameError(
                "some compositions lead to none that is never left: without mutation ask a process that fixates, with "
                "mutation ask for the stationary distribution"
            )
        result = np.zeros_like(self.transitions)
        result[ends, ends] = 1.0
        inner = self.transitions[np.ix_(~ends, ~ends)]
        solved = np.linalg.solve(np.eye(len(inner)) - inner, self.transitions[np.ix_(~ends, ends)])
        result[np.ix_(~ends, ends)] = solved
        return result


def composition_chain(
    game: NormalFormGame,
    *,
    population: int = 20,
    process: Callable[..., Any] = moran_process,
    selection: float = 1.0,
    exponential: bool = True,
    mutation: float = 0.0,
) -> CompositionChain:
    """Return the exact chain of a population process.

    Parameters
    ----------
    game : NormalFormGame
        Symmetric, of two players.
    population : int
    process : callable
        The function of :mod:`marlgt.dynamics` that simulates it: moran_process, wright_fisher_process,
        pairwise_comparison, imitate_if_better, imitate_the_best or proportional_imitation.
    selection, exponential, mutation
        As in the process; imitation reads the mutation only.

    Raises
    ------
    UnsupportedGame
        If the game is not symmetric with two players.
    GameError
        For other processes, and settings out of range.
    BudgetExceeded
        If there are more than 3000 compositions.

    Examples
    --------
    >>> import marlgt as gt
    >>> stag_hunt = gt.NormalFormGame.bimatrix([[4, 0], [3, 3]], [[4, 3], [0, 3]])
    >>> chain = composition_chain(stag_hunt, population=20, mutation=0.001)
    >>> chain.mean().round(3).tolist()
    [0.001, 0.999]
    """
    matrix = symmetric_payoffs(game)
    settings = population_settings(matrix, population, selection=selection, exponential=exponential, mutation=mutation)
    if not callable(process) or (process is not wright_fisher_process and process not in _PROCESSES):
        raise GameError(
            f"process is {short(process)}: give moran_process, wright_fisher_process, pairwise_comparison, "
            "imitate_if_better, imitate_the_best or proportional_imitation"
        )
    states = compositions(int(population), len(matrix))
    if process is wright_fisher_process:
        return CompositionChain(states, _generation_rows(matrix, states, settings))
    moves_of = _PROCESSES[process].moves
    if moves_of is None:
        raise GameError(f"{short(process)} does not replace one individual at a time")
    k = len(matrix)
    place = {tuple(state): index for index, state in enumerate(states.tolist())}
    transitions = np.zeros((len(states), len(states)))
    moves = np.zeros((k, k))
    for index, state in enumerate(states):
        moves_of(matrix, state, settings, moves)
        for i in range(k):
            for j in range(k):
                if i != j and moves[i, j] > 0.0:
                    after = state.tolist()
                    after[i] -= 1
                    after[j] += 1
                    transitions[index, place[tuple(after)]] = moves[i, j]
        transitions[index, index] = max(0.0, 1.0 - transitions[index].sum())
    return CompositionChain(states, transitions)


def compositions(size: int, k: int) -> Whole:
    """Return the ways to split N individuals among k strategies, shape (S, k), those with few of the first first.

    Raises
    ------
    BudgetExceeded
        If there are more than 3000.
    """
    count = math.comb(size + k - 1, k - 1)
    if count > MOST_COMPOSITIONS:
        raise BudgetExceeded(
            f"{size} individuals with {k} strategies have {count:,} compositions, and {MOST_COMPOSITIONS:,} is the "
            "limit: take a smaller population, or simulate",
            estimate=count,
            limit=MOST_COMPOSITIONS,
        )
    bars = np.array(list(combinations(range(size + k - 1), k - 1)), dtype=np.int64).reshape(count, k - 1)
    edges = np.hstack([np.full((count, 1), -1), bars, np.full((count, 1), size + k - 1)])
    return np.asarray(np.diff(edges, axis=1) - 1, dtype=np.int64)


def _generation_rows(matrix: Floats, states: Whole, settings: Floats) -> Floats:
    """Return the multinomial transitions of the Wright-Fisher process."""
    from scipy.special import gammaln, xlogy

    size = int(states[0].sum())
    ways = gammaln(size + 1.0) - gammaln(states + 1.0).sum(axis=1)
    weights = np.zeros(len(matrix))
    rows = np.zeros((len(states), len(states)))
    for index, state in enumerate(states):
        write_offspring(matrix, state, settings, weights)
        rows[index] = np.exp(ways + xlogy(states, weights).sum(axis=1))
    return rows


def _reachable(away: NDArray[np.bool_], first: int) -> NDArray[np.bool_]:
    """Return which states a chain can come to from one."""
    reached = np.zeros(len(away), dtype=bool)
    reached[first] = True
    pending = [first]
    while pending:
        fresh = np.flatnonzero(away[pending.pop()] & ~reached)
        reached[fresh] = True
        pending.extend(fresh.tolist())
    return reached
