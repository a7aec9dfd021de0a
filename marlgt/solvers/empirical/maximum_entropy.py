"""Correlated and coarse correlated equilibria of greatest entropy or Gini impurity, which are unique.

They assume nothing that the game does not ask for: players and strategies that are alike are treated alike, and the
one of greatest entropy gives every action profile that some equilibrium plays a positive probability. Joint
policy-space response oracles choose them as the joint play of a population (Marris et al. 2021); the Gini impurity
1 - sum p^2 is the quadratic approximation of the entropy.

References
----------
Ortiz, L. E., Schapire, R. E. and Kakade, S. M. (2007). Maximum entropy correlated equilibria. AISTATS, 347-354.
Marris, L., Muller, P., Lanctot, M., Tuyls, K. and Graepel, T. (2021). Multi-agent training beyond zero-sum with
correlated equilibrium meta-solvers. ICML, 7480-7491.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from marlgt.certificates import TOLERANCE, certify, relative_epsilon
from marlgt.equilibria import Equilibrium
from marlgt.errors import BudgetExceeded, NotConverged
from marlgt.games._doors import require_game
from marlgt.games.normal_form import NormalFormGame
from marlgt.progress import stopwatch
from marlgt.solvers._incentives import IncentiveProgram
from marlgt.solvers.empirical._entropy import least_norm, maximum_entropy

__all__ = [
    "maximum_entropy_coarse_correlated_equilibrium",
    "maximum_entropy_correlated_equilibrium",
    "maximum_gini_coarse_correlated_equilibrium",
    "maximum_gini_correlated_equilibrium",
]

Method = Callable[[NDArray[np.float64]], tuple[NDArray[np.float64], dict[str, int], bool]]

MOST_ENTRIES = 20_000_000
"""Most entries of the matrix of incentive constraints: 160 megabytes."""


def maximum_entropy_correlated_equilibrium(game: NormalFormGame) -> Equilibrium:
    """Return the correlated equilibrium of greatest entropy.

    Parameters
    ----------
    game : NormalFormGame

    Raises
    ------
    BudgetExceeded
        If the incentive constraints have more than 20 million entries.
    NotConverged
        If the tolerance of certificates was not reached.

    Examples
    --------
    >>> import marlgt as gt
    >>> chicken = gt.NormalFormGame.bimatrix([[6, 2], [7, 0]], [[6, 7], [2, 0]])
    >>> maximum_entropy_correlated_equilibrium(chicken).joint.round(4).tolist()
    [[0.2583, 0.2967], [0.2967, 0.1483]]
    """
    return _greatest(game, maximum_entropy, "maximum_entropy", coarse=False)


def maximum_entropy_coarse_correlated_equilibrium(game: NormalFormGame) -> Equilibrium:
    """Return the coarse correlated equilibrium of greatest entropy.

    Parameters
    ----------
    game : NormalFormGame

    Raises
    ------
    BudgetExceeded
        If the incentive constraints have more than 20 million entries.
    NotConverged
        If the tolerance of certificates was not reached.
    """
    return _greatest(game, maximum_entropy, "maximum_entropy", coarse=True)


def maximum_gini_correlated_equilibrium(game: NormalFormGame) -> Equilibrium:
    """Return the correlated equilibrium of greatest Gini impurity, the nearest to uniform play.

    Parameters
    ----------
    game : NormalFormGame

    Raises
    ------
    BudgetExceeded
        If the incentive constraints have more than 20 million entries.
    NotConverged
        If the tolerance of certificates was not reached.
    """
    return _greatest(game, least_norm, "maximum_gini", coarse=False)


def maximum_gini_coarse_correlated_equilibrium(game: NormalFormGame) -> Equilibrium:
    """Return the coarse correlated equilibrium of greatest Gini impurity, the nearest to uniform play.

    Parameters
    ----------
    game : NormalFormGame

    Raises
    ------
    BudgetExceeded
        If the incentive constraints have more than 20 million entries.
    NotConverged
        If the tolerance of certificates was not reached.
    """
    return _greatest(game, least_norm, "maximum_gini", coarse=True)


def _greatest(game: NormalFormGame, find: Method, name: str, *, coarse: bool) -> Equilibrium:
    clock = stopwatch()
    require_game(game)
    concept = "coarse_correlated" if coarse else "correlated"
    counts = game.n_actions
    entries = game.n_profiles * sum(c if coarse else c * (c - 1) for c in counts)
    if entries > MOST_ENTRIES:
        raise BudgetExceeded(
            f"the incentive constraints have {entries:,} entries, and the method takes up to {MOST_ENTRIES:,}: use "
            f"{concept}_equilibrium, or leave actions out",
            estimate=entries,
            limit=MOST_ENTRIES,
        )
    spread = np.where(game.payoff_range > 0, game.payoff_range, 1.0).reshape(-1, *[1] * game.n_players)
    lowest = game.payoffs.reshape(game.n_players, -1).min(axis=1).reshape(-1, *[1] * game.n_players)
    program = IncentiveProgram((game.payoffs - lowest) / spread, coarse=coarse)
    names = np.arange(sum(c if coarse else c * c for c in counts))
    joint, work, converged = find(program.dense_rows(names))
    shaped = joint.reshape(counts)
    certificate = certify(game, shaped, concept=concept)
    shaped.flags.writeable = False
    answer = Equilibrium(
        concept=concept,
        profile=None,
        joint=shaped,
        values=certificate.values,
        regrets=certificate.regrets,
        exact=False,
        method=f"{name}_{concept}_equilibrium",
        work=work,
        seconds=clock(),
    )
    if not converged or relative_epsilon(game, answer) > TOLERANCE:
        raise NotConverged(
            f"{name.replace('_', ' ')} stopped before its optimum, with a gain of {answer.epsilon:.1e} from deviating: "
            f"use the answer in .best, or {concept}_equilibrium",
            best=answer,
        )
    return answer
