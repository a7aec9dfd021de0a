"""Exact equilibria of two-player games from their supports, in integer arithmetic.

A profile (x, y) with supports (I, J) is an equilibrium exactly when every action in I is a best reply
to y and every action in J is a best reply to x. So y solves ``(A y)_i = (A y)_k`` for i, k in I and
``sum(y) = 1``, and x likewise; where these equations have one solution, what remains is to check signs
and the actions outside. In a degenerate game more actions than those in the support are best replies
at a vertex of the best-response polytope, and their equations are needed to pin it down.
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from math import lcm
from typing import Any

import numpy as np
from numpy.typing import NDArray

from marlgt.errors import GameError, UnsupportedGame
from marlgt.games._doors import require_game
from marlgt.games.normal_form import NormalFormGame
from marlgt.rational import bareiss_solve, solve_unique

__all__ = ["exact_equilibrium"]

Actions = tuple[Sequence[int], Sequence[int]]


def exact_equilibrium(
    game: NormalFormGame, supports: Actions, *, best_replies: Actions | None = None
) -> tuple[NDArray[Any], NDArray[Any]] | None:
    """Return the equilibrium with given supports as fractions, proven, or None if there is no single one.

    It does not search: it decides one pair of supports.

    Parameters
    ----------
    game : NormalFormGame
        Two players, payoffs given as integers or fractions.
    supports : pair of sequences of int
        The actions that each player may play; a probability may come out as zero.
    best_replies : pair of sequences of int, optional
        Actions of each player that tie for best at the equilibrium, a superset of the supports. More
        ties give more equations: with supports of unequal size, or in degenerate games, they are what
        makes a vertex the only solution. By default the supports themselves.

    Returns
    -------
    pair of object ndarrays of Fraction, or None
        None if the equations have no solution or several, or if their solution is no equilibrium.

    Raises
    ------
    UnsupportedGame
        If the game has not two players.
    ExactnessError
        If the payoffs are floats.
    GameError
        If a support is empty or names an action that the game has not.

    Examples
    --------
    >>> import marlgt as gt
    >>> g = gt.NormalFormGame.bimatrix([[3, 3], [2, 5], [0, 6]], [[3, 3], [2, 6], [3, 1]])
    >>> x, y = exact_equilibrium(g, ([0], [0, 1]), best_replies=([0, 1], [0, 1]))
    >>> [str(p) for p in x], [str(p) for p in y]
    (['1', '0', '0'], ['2/3', '1/3'])
    >>> exact_equilibrium(g, ([0, 2], [0, 1])) is None
    True
    """
    require_game(game)
    if game.n_players != 2:
        raise UnsupportedGame(
            f"exact_equilibrium solves linear equations, which {game.n_players} players do not give: use marlgt.solve"
        )
    ties = supports if best_replies is None else best_replies
    for name, sets in (("supports", supports), ("best_replies", ties)):
        _check_actions(game, sets, name)
    numerators = game.integer_payoffs[0]
    rows, columns = numerators[0], numerators[1].T
    y = _tied_strategy(rows, ties[0], supports[1])
    if y is None or not _replies_are_best(rows, supports[0], supports[1], y):
        return None
    x = _tied_strategy(columns, ties[1], supports[0])
    if x is None or not _replies_are_best(columns, supports[1], supports[0], x):
        return None
    return _spread(x, supports[0], game.n_actions[0]), _spread(y, supports[1], game.n_actions[1])


def _tied_strategy(payoffs: NDArray[Any], ties: Sequence[int], support: Sequence[int]) -> list[Fraction] | None:
    """Return the only nonnegative mixture of ``support`` against which the rows ``ties`` earn the same."""
    reference, *others = payoffs[np.ix_(ties, support)].tolist()
    equations = [[a - b for a, b in zip(row, reference)] for row in others]
    equations.append([1] * len(support))
    rhs = [0] * len(others) + [1]
    n = len(support)
    solution = bareiss_solve(equations, rhs) if len(ties) == n else solve_unique(equations, rhs, n)
    return None if solution is None or any(p < 0 for p in solution) else solution


def _replies_are_best(
    payoffs: NDArray[Any], replies: Sequence[int], support: Sequence[int], mixture: list[Fraction]
) -> bool:
    """Tell whether every row in ``replies`` earns the most of all rows against the mixture."""
    common = lcm(*(p.denominator for p in mixture))
    weights = np.empty(len(mixture), dtype=object)
    weights[:] = [p.numerator * (common // p.denominator) for p in mixture]
    earned = (payoffs[:, list(support)] @ weights).tolist()
    most = max(earned)
    return all(earned[i] == most for i in replies)


def _spread(mixture: list[Fraction], support: Sequence[int], n_actions: int) -> NDArray[Any]:
    strategy = np.empty(n_actions, dtype=object)
    strategy[:] = [Fraction(0)] * n_actions
    for action, probability in zip(support, mixture):
        strategy[action] = probability
    return strategy


def _check_actions(game: NormalFormGame, sets: Actions, name: str) -> None:
    if len(sets) != 2:
        raise GameError(f"{name} must be a pair, one collection of actions per player, got {len(sets)}")
    for i, (actions, count) in enumerate(zip(sets, game.n_actions)):
        if len(actions) == 0 or len(set(actions)) < len(actions) or not all(0 <= a < count for a in actions):
            raise GameError(
                f"{name}[{i}] is {list(actions)}: name at least one action, each once, from 0 to {count - 1}"
            )
