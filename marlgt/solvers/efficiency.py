"""Efficient and fair outcomes, by enumeration of the pure action profiles.

Outcomes are compared exactly where payoffs are exact, and every profile that attains the optimum is
returned. The ``regrets`` of these answers are no gains from deviating but shortfalls from the optimum,
recomputed in :mod:`marlgt.concepts.efficiency`: for Pareto optimality what each player gains in the
outcomes that hurt nobody; for the others the welfare, worst-off payoff or geometric mean of gains that
is missing, in units of payoff and the same for every player.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from marlgt.concepts.efficiency import (
    fairness_shortfall,
    max_min_shortfall,
    nash_gains,
    pareto_frontier_pure,
    pareto_shortfall,
    welfare_shortfall,
)
from marlgt.equilibria import Equilibria, Equilibrium
from marlgt.games._comparable import comparable_payoffs, slack_of
from marlgt.games._doors import require_game
from marlgt.games._exact import exact_unit
from marlgt.games.normal_form import NormalFormGame
from marlgt.progress import stopwatch

__all__ = ["fairness_optimal", "maxmin_fair", "pareto_optimal", "welfare_optimal"]


def pareto_optimal(game: NormalFormGame) -> Equilibria:
    """Return every pure action profile that no other pure profile Pareto-dominates.

    Examples
    --------
    >>> import marlgt as gt
    >>> g = gt.NormalFormGame.bimatrix([[-1, -5], [0, -3]], [[-1, 0], [-5, -3]])
    >>> [e.supports for e in pareto_optimal(g)]
    [((0,), (0,)), ((0,), (1,)), ((1,), (0,))]
    """
    require_game(game)
    clock = stopwatch()
    return _answers(
        game, "pareto", pareto_frontier_pure(game), lambda a: pareto_shortfall(game, a), clock, method="pareto_optimal"
    )


def welfare_optimal(game: NormalFormGame) -> Equilibria:
    """Return the pure action profiles with the greatest sum of payoffs, which no mixture exceeds.

    Examples
    --------
    >>> import marlgt as gt
    >>> g = gt.NormalFormGame.bimatrix([[-1, -5], [0, -3]], [[-1, 0], [-5, -3]])
    >>> print(welfare_optimal(g)[0])
    welfare (1, 0) (1, 0)  values (-1, -1)  epsilon 0 (exact)  [welfare_optimal]
    """
    require_game(game)
    clock = stopwatch()
    totals = comparable_payoffs(game).sum(axis=0)
    best = _profiles_where(totals >= totals.max() - slack_of(game, 0.0))
    return _answers(game, "welfare", best, lambda a: welfare_shortfall(game, a), clock, method="welfare_optimal")


def fairness_optimal(game: NormalFormGame, *, disagreement: ArrayLike | None = None) -> Equilibria:
    """Return the pure action profiles with the greatest product of payoffs (the Nash product).

    Parameters
    ----------
    game : NormalFormGame
    disagreement : array_like, shape (n,), optional
        What the players get if they do not agree. With it the product is of the gains above this
        point, over the outcomes in which everybody gains (Nash 1950); without it, of the payoffs.

    Raises
    ------
    UnsupportedGame
        If no disagreement point is given and a payoff is negative, or if no outcome gives every player
        a positive gain: the product is then undefined.

    Examples
    --------
    >>> import marlgt as gt
    >>> g = gt.NormalFormGame.bimatrix([[4, 0], [3, 2]], [[4, 3], [0, 2]])
    >>> [e.supports for e in fairness_optimal(g)]
    [((0,), (0,))]
    """
    require_game(game)
    clock = stopwatch()
    gains = nash_gains(game, disagreement)
    if gains.dtype.kind == "f":
        # Logarithms, because a product of payoffs may overflow.
        scores = np.log(gains, out=np.full(gains.shape, -np.inf), where=gains > 0).sum(axis=0)
        slack = 1e-13 * game.n_players * max(1.0, float(np.abs(scores[np.isfinite(scores)]).max()))
        best = _profiles_where(scores >= scores.max() - slack)
    else:
        products = gains.astype(object).prod(axis=0)
        best = _profiles_where(products == products.max())
    return _answers(
        game,
        "fairness",
        best,
        lambda a: fairness_shortfall(game, a, disagreement=disagreement),
        clock,
        method="fairness_optimal",
    )


def maxmin_fair(game: NormalFormGame) -> Equilibria:
    """Return the pure action profiles whose worst-off player does best.

    Examples
    --------
    >>> import marlgt as gt
    >>> g = gt.NormalFormGame.bimatrix([[4, 0], [3, 2]], [[4, 3], [0, 2]])
    >>> maxmin_fair(g)[0].values
    array([4., 4.])
    """
    require_game(game)
    clock = stopwatch()
    worst = comparable_payoffs(game).min(axis=0)
    best = _profiles_where(worst == worst.max())
    return _answers(game, "fairness", best, lambda a: max_min_shortfall(game, a), clock, method="maxmin_fair")


def _profiles_where(chosen: Any) -> list[tuple[int, ...]]:
    return [tuple(int(a) for a in profile) for profile in np.argwhere(np.asarray(chosen, dtype=bool))]


def _answers(
    game: NormalFormGame,
    concept: str,
    profiles: Iterable[Sequence[int]],
    shortfall: Callable[[Sequence[int]], Any],
    clock: Callable[[], float],
    *,
    method: str,
) -> Equilibria:
    found = []
    for actions in profiles:
        units = [np.eye(count)[a] for a, count in zip(actions, game.n_actions)]
        exact = tuple(exact_unit(count, a) for a, count in zip(actions, game.n_actions)) if game.is_exact else None
        for unit in units:
            unit.flags.writeable = False
        found.append(
            Equilibrium(
                concept=concept,
                profile=tuple(units),
                joint=None,
                values=np.array([own[tuple(actions)] for own in game.payoffs]),
                regrets=np.full(game.n_players, shortfall(actions), dtype=np.float64),
                exact=game.is_exact,
                method=method,
                exact_profile=exact,
                work={"profiles": game.n_profiles},
                seconds=clock(),
                complete=True,
            )
        )
    return Equilibria(found, concept=concept, method=method, complete=True)
