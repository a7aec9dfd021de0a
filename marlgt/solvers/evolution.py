"""Evolutionarily stable strategies of symmetric two-player games, by enumeration of supports.

On the support of a stable strategy the form of :mod:`marlgt.concepts.evolution` is positive definite,
so that the strategy is the only one with that support that makes its actions earn the same. A form that
is not positive definite stays so on every larger support, which cuts the enumeration; and no stable
strategy lives within the best replies to another (Bishop and Cannings 1976).

References
----------
Haigh, J. (1975). Game theory and evolution. Advances in Applied Probability 7, 8-11.
Bishop, D. T. and Cannings, C. (1976). Models of animal conflict. Advances in Applied Probability 8,
616-621.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from marlgt.certificates import TOLERANCE, certified
from marlgt.concepts.evolution import comparison_form, is_evolutionarily_stable, symmetric_matrix
from marlgt.equilibria import Equilibria, Equilibrium
from marlgt.errors import BudgetExceeded
from marlgt.exact_programs import common_integers
from marlgt.games._doors import require_budget, require_game
from marlgt.games.normal_form import NormalFormGame
from marlgt.progress import stopwatch
from marlgt.rational import solve_unique

__all__ = ["evolutionarily_stable_strategies"]


def evolutionarily_stable_strategies(game: NormalFormGame, *, budget: float | None = 2.0**16) -> Equilibria:
    """Return every evolutionarily stable strategy of a symmetric two-player game.

    Parameters
    ----------
    game : NormalFormGame
    budget : float or None
        The most supports to look at, in the worst case; None sets no limit.

    Returns
    -------
    Equilibria
        Symmetric profiles, their regrets those of the Nash equilibrium. There may be none.

    Raises
    ------
    UnsupportedGame
        If the game is not symmetric with two players.
    BudgetExceeded
        If there are more supports than the budget allows.

    Examples
    --------
    >>> import marlgt as gt
    >>> hawk_dove = gt.NormalFormGame.bimatrix([[-1, 2], [0, 1]], [[-1, 0], [2, 1]])
    >>> for e in evolutionarily_stable_strategies(hawk_dove):
    ...     print(e.profile[0], e.values, e.epsilon)
    [0.5 0.5] [0.5 0.5] 0.0
    >>> rock_paper_scissors = gt.NormalFormGame.zero_sum([[0, -1, 1], [1, 0, -1], [-1, 1, 0]])
    >>> len(evolutionarily_stable_strategies(rock_paper_scissors))
    0
    """
    require_game(game)
    matrix = symmetric_matrix(game)
    count = len(matrix)
    require_budget(budget, "supports")
    if budget is not None and 2.0**count > budget:
        raise BudgetExceeded(
            f"{count} actions have 2^{count} supports, more than the budget of {budget:.3g}: remove dominated actions "
            "with marlgt.concepts.iterated_elimination, or give budget=None",
            estimate=2.0**count,
            limit=budget,
        )
    answers = Equilibria(
        concept="evolutionarily_stable", method="evolutionarily_stable_strategies", stream=_search(game, matrix)
    )
    if budget is not None:
        len(answers)  # a search within its budget is finished here, one without streams
    return answers


def _search(game: NormalFormGame, matrix: NDArray[Any]) -> Iterator[Equilibrium]:
    clock = stopwatch()
    integers = common_integers(matrix).tolist() if game.is_exact else []
    spread = float(game.payoff_range[0]) or 1.0
    unit = game.payoffs[0] / spread
    barred: list[set[int]] = []
    looked_at = 0
    for support in _supports(unit):
        looked_at += 1
        if any(best.issuperset(support) for best in barred):
            continue
        x = _equalizer(integers, support) if game.is_exact else _float_equalizer(unit, support)
        if x is None or not is_evolutionarily_stable(game, x):
            continue
        payoffs = matrix @ x if game.is_exact else unit @ x
        slack = 0 if game.is_exact else TOLERANCE
        barred.append({i for i, u in enumerate(payoffs) if u >= max(payoffs) - slack})
        yield certified(
            game,
            (x, x),
            method="evolutionarily_stable_strategies",
            work={"supports": looked_at},
            seconds=clock(),
            concept="evolutionarily_stable",
        )


def _supports(unit: NDArray[np.float64]) -> Iterator[list[int]]:
    """Yield the supports, depth first, on which the form may be positive definite."""
    pending = [[m] for m in reversed(range(len(unit)))]
    while pending:
        support = pending.pop()
        if len(support) > 1:
            form, _ = comparison_form(unit, support, support)
            if np.linalg.eigvalsh(form)[0] < -TOLERANCE:
                continue
        yield support
        pending.extend([*support, i] for i in reversed(range(support[-1] + 1, len(unit))))


def _equalizer(matrix: list[list[int]], support: list[int]) -> NDArray[Any] | None:
    """Return the strategy on a support that makes its actions earn the same, if there is just one."""
    first = matrix[support[0]]
    rows = [[matrix[i][j] - first[j] for j in support] for i in support[1:]]
    solution = solve_unique([*rows, [1] * len(support)], [0] * len(rows) + [1], len(support))
    if solution is None or min(solution) <= 0:
        return None
    x = np.full(len(matrix), solution[0] * 0, dtype=object)
    x[support] = solution
    return x


def _float_equalizer(unit: NDArray[np.float64], support: list[int]) -> NDArray[Any] | None:
    rows = unit[np.ix_(support, support)]
    system = np.vstack([rows[1:] - rows[0], np.ones(len(support))])
    right = np.append(np.zeros(len(support) - 1), 1.0)
    try:
        solution = np.linalg.solve(system, right)
    except np.linalg.LinAlgError:
        return None
    if not (solution > TOLERANCE).all():
        return None
    x = np.zeros(len(unit))
    x[support] = solution / solution.sum()
    return x
