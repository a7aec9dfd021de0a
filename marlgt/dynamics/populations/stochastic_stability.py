"""Stochastic stability: which states survive as mistakes become rare.

Perturb a process so that some moves, the mistakes, have probabilities of the order ``e^r`` with a resistance r > 0, the
others 0. As e falls to 0 the stationary distribution concentrates on the recurrent classes of the process without
mistakes whose stochastic potential is least (Young 1993): the least sum of resistances of a tree in which
every other class has a path to it, where the resistance from one class to another is that of the cheapest path. The
radius of a class is the least resistance out of it, its coradius the largest resistance from another class to it; a
class with a radius above its coradius is the only one (Ellison 2000).

Two processes. In a population of N that plays a symmetric game one individual at a time takes a best reply to what the
others play, any of them among ties, and a mistake is any other strategy, of resistance 1: in coordination games with
large N the risk-dominant equilibrium is stable (Kandori, Mailath and Rob 1993). In logit revision one player at a time
takes a best reply to the others' actions, and a mistake has the resistance of the payoff that it forgoes: in a game
with an exact potential its maxima are stable (Blume 1993; Alos-Ferrer and Netzer 2010).

References
----------
Young, H. P. (1993). The evolution of conventions. Econometrica 61, 57-84.
Kandori, M., Mailath, G. and Rob, R. (1993). Learning, mutation, and long run equilibria in games. Econometrica 61,
29-56.
Ellison, G. (2000). Basins of attraction, long-run stochastic stability, and the speed of step-by-step evolution.
Review of Economic Studies 67, 17-45.
Alos-Ferrer, C. and Netzer, N. (2010). The logit-response dynamics. Games and Economic Behavior 68, 413-427.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from marlgt.dynamics.populations._arborescence import shortest_tree
from marlgt.dynamics.populations._populations import symmetric_payoffs
from marlgt.dynamics.populations.composition_chains import compositions
from marlgt.errors import BudgetExceeded
from marlgt.games._doors import require_game, require_whole
from marlgt.games.normal_form import NormalFormGame

__all__ = ["StochasticStability", "logit_stable_profiles", "stochastically_stable"]

Floats = NDArray[np.float64]
Whole = NDArray[np.int64]

MOST_STATES = 3000
"""Most states of a perturbed process."""

_TIE = 1e-9


@dataclass(frozen=True)
class StochasticStability:
    """The recurrent classes of a process without mistakes, and how mistakes weigh them.

    Attributes
    ----------
    classes : tuple of ndarray of int, shapes (states, width)
        The states of each class: compositions of a population, or action profiles.
    resistances : ndarray, shape (C, C)
        The resistance of the cheapest path from the row's class to the column's.
    potentials : ndarray, shape (C,)
        The stochastic potential of each class.
    stable : tuple of int
        The classes of least potential.
    """

    classes: tuple[Whole, ...]
    resistances: Floats
    potentials: Floats
    stable: tuple[int, ...]

    @property
    def states(self) -> Whole:
        """The stochastically stable states, one a row."""
        return np.concatenate([self.classes[c] for c in self.stable])

    @property
    def radii(self) -> Floats:
        """The radius of each class, inf for a single one."""
        apart = np.where(np.eye(len(self.classes), dtype=bool), np.inf, self.resistances)
        return np.asarray(apart.min(axis=1))

    @property
    def coradii(self) -> Floats:
        """The coradius of each class, without Ellison's modification; 0 for a single one."""
        return np.asarray(self.resistances.max(axis=0))


def stochastically_stable(game: NormalFormGame, *, population: int = 20) -> StochasticStability:
    """Return the stable compositions of a population that takes best replies and makes mistakes of equal resistance.

    Parameters
    ----------
    game : NormalFormGame
        Symmetric, of two players.
    population : int
        At least 2. Every individual plays against all others.

    Returns
    -------
    StochasticStability

    Raises
    ------
    UnsupportedGame
        If the game is not symmetric with two players.
    BudgetExceeded
        If there are more than 3000 compositions.

    Examples
    --------
    Hunting the stag pays more, but the hare is risk-dominant:

    >>> import marlgt as gt
    >>> stag_hunt = gt.NormalFormGame.bimatrix([[4, 0], [3, 3]], [[4, 3], [0, 3]])
    >>> stochastically_stable(stag_hunt, population=20).states.tolist()
    [[0, 20]]
    """
    matrix = symmetric_payoffs(game)
    require_whole(population, "population", least=2)
    states = compositions(int(population), len(matrix))
    place = {tuple(state): index for index, state in enumerate(states.tolist())}
    slack = _TIE * max(float(np.ptp(matrix)), np.finfo(float).tiny)
    k = len(matrix)
    costs = np.full((len(states), len(states)), np.inf)
    np.fill_diagonal(costs, 0.0)
    for index, state in enumerate(states):
        for i in np.flatnonzero(state):
            # One of i looks at the others: against each of them j would earn what j earns, had she been one of j.
            seen = state.copy()
            seen[i] -= 1
            earned = matrix @ seen / (population - 1)
            best = earned >= earned.max() - slack
            for j in range(k):
                after = seen.copy()
                after[j] += 1
                target = place[tuple(after.tolist())]
                costs[index, target] = min(costs[index, target], 0.0 if best[j] else 1.0)
    return _weighed(states, costs)


def logit_stable_profiles(game: NormalFormGame) -> StochasticStability:
    """Return the action profiles that logit revision, one player at a time, keeps as its temperature falls to 0.

    Parameters
    ----------
    game : NormalFormGame
        With at most 3000 action profiles.

    Returns
    -------
    StochasticStability
        Its classes are sets of action profiles.

    Raises
    ------
    BudgetExceeded
        If there are more than 3000 profiles.

    Examples
    --------
    >>> import marlgt as gt
    >>> stag_hunt = gt.NormalFormGame.bimatrix([[4, 0], [3, 3]], [[4, 3], [0, 3]])
    >>> logit_stable_profiles(stag_hunt).states.tolist()
    [[1, 1]]
    """
    require_game(game)
    size = game.n_profiles
    if size > MOST_STATES:
        raise BudgetExceeded(
            f"the game has {size:,} pure profiles, and {MOST_STATES:,} is the limit: leave actions out, or simulate "
            "log_linear_learning",
            estimate=size,
            limit=MOST_STATES,
        )
    index = np.arange(size).reshape(game.n_actions)
    costs = np.full((size, size), np.inf)
    for i, count in enumerate(game.n_actions):
        lines = np.moveaxis(index, i, -1).reshape(-1, count)
        payoffs = np.moveaxis(game.payoffs[i], i, -1).reshape(-1, count)
        forgone = payoffs.max(axis=1, keepdims=True) - payoffs
        forgone[forgone <= _TIE * max(float(game.payoff_range[i]), np.finfo(float).tiny)] = 0.0
        costs[lines[:, :, None], lines[:, None, :]] = np.minimum(
            costs[lines[:, :, None], lines[:, None, :]], forgone[:, None, :]
        )
    np.fill_diagonal(costs, 0.0)
    return _weighed(np.stack(np.unravel_index(np.arange(size), game.n_actions), axis=1), costs)


def _weighed(states: Any, costs: Floats) -> StochasticStability:
    """Return the classes, resistances and potentials of a process with these resistances of single moves."""
    classes = _recurrent_classes(costs)
    paths = [_cheapest(costs, a) for a in classes]
    resistances = np.array([[path[b].min() for b in classes] for path in paths])
    potentials = np.array([shortest_tree(resistances, c) for c in range(len(classes))])
    slack = _TIE * float(potentials.max())
    stable = tuple(int(c) for c in np.flatnonzero(potentials <= potentials.min() + slack))
    return StochasticStability(tuple(states[c].astype(np.int64) for c in classes), resistances, potentials, stable)


def _recurrent_classes(costs: Floats) -> list[Whole]:
    """Return the sets of states that moves without resistance do not leave, each connected."""
    from scipy.sparse import csr_matrix
    from scipy.sparse.csgraph import connected_components

    free = costs == 0.0
    count, labels = connected_components(csr_matrix(free), directed=True, connection="strong")
    left = np.zeros(count, dtype=bool)
    sources, targets = np.nonzero(free)
    left[labels[sources][labels[sources] != labels[targets]]] = True
    return [np.flatnonzero(labels == c) for c in range(count) if not left[c]]


def _cheapest(costs: Floats, sources: Whole) -> Floats:
    """Return the resistance of the cheapest path from a set of states to each state (Dijkstra on the dense matrix)."""
    reached = np.full(len(costs), np.inf)
    reached[sources] = 0.0
    left = np.ones(len(costs), dtype=bool)
    for _ in range(len(costs)):
        open_costs = np.where(left, reached, np.inf)
        node = int(open_costs.argmin())
        if open_costs[node] == np.inf:
            break
        left[node] = False
        reached = np.minimum(reached, reached[node] + costs[node])
    return reached
