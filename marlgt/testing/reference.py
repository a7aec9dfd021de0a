"""All extreme equilibria of a small two-player game, exactly and by brute force: what a solver is held against.

A mixed strategy x of the row player with payoff v for the column player's best reply is a vertex of
``{(x, v): x >= 0, sum(x) = 1, (x B)_j <= v for every column j}`` when as many of the inequalities hold with
equality, independently, as x has entries. A pair of vertices, one of each player's polyhedron, is an equilibrium
when every action is unplayed or a best reply, and every extreme equilibrium is such a pair (Mangasarian 1964).
Every set of inequalities is tried, so the work is binomial and nothing is clever enough to be wrong.
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from functools import lru_cache
from itertools import combinations
from math import comb, lcm
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from marlgt.errors import BudgetExceeded, UnsupportedGame
from marlgt.games.normal_form import NormalFormGame
from marlgt.rational import solve_unique

__all__ = ["LIMIT", "Reference", "extreme_equilibria", "is_nondegenerate", "reference_work"]

LIMIT = 1000
"""Most systems of equations that :func:`extreme_equilibria` solves for one player."""


class Reference(NamedTuple):
    """What brute force finds.

    Attributes
    ----------
    equilibria : tuple of pairs of object ndarray of Fraction
        Every extreme equilibrium once, read-only.
    nondegenerate : bool
        Whether no mixed strategy has more pure best replies than actions that it plays. The equilibria are
        then finitely many, all extreme, and odd in number.
    """

    equilibria: tuple[tuple[NDArray[np.object_], NDArray[np.object_]], ...]
    nondegenerate: bool


class _Vertex(NamedTuple):
    strategy: tuple[Fraction, ...]
    played: frozenset[int]
    replies: frozenset[int]


def reference_work(game: NormalFormGame) -> int:
    """Return the number of systems of equations that the reference solves for one player."""
    return comb(sum(game.n_actions), game.n_actions[0])


def extreme_equilibria(game: NormalFormGame) -> Reference:
    """Return every extreme equilibrium of a two-player game, in fractions; floats count as what they are in binary.

    Raises
    ------
    UnsupportedGame
        For another number of players.
    BudgetExceeded
        For more than 1000 systems of equations: about 6x6.

    Examples
    --------
    >>> from marlgt.games import NormalFormGame
    >>> found = extreme_equilibria(NormalFormGame.bimatrix([[3, 0], [0, 2]], [[2, 0], [0, 3]]))
    >>> len(found.equilibria), found.nondegenerate
    (3, True)
    """
    if game.n_players != 2:
        raise UnsupportedGame(f"the reference covers two players, the game has {game.n_players}: use another oracle")
    work = reference_work(game)
    if work > LIMIT:
        raise BudgetExceeded(
            f"the reference would solve {work} systems of equations, more than {LIMIT}: draw fewer actions",
            estimate=work,
            limit=LIMIT,
        )
    return _solved(game)


@lru_cache(maxsize=4096)
def _solved(game: NormalFormGame) -> Reference:
    A, B = (_integers(game, i) for i in range(2))
    rows = _vertices(B)
    columns = _vertices([list(line) for line in zip(*A)])
    found = tuple(
        (_array(x.strategy), _array(y.strategy))
        for x in rows
        for y in columns
        if x.played <= y.replies and y.played <= x.replies
    )
    return Reference(found, all(len(v.replies) <= len(v.played) for v in (*rows, *columns)))


def is_nondegenerate(game: NormalFormGame) -> bool:
    """Return whether a two-player game, small enough for brute force, is nondegenerate; False for larger ones.

    Give it to ``check_solver(..., only=is_nondegenerate)`` for solvers that promise no more.
    """
    return game.n_players == 2 and reference_work(game) <= LIMIT and extreme_equilibria(game).nondegenerate


def _integers(game: NormalFormGame, player: int) -> list[list[int]]:
    """Return a player's payoffs times their common denominator: the same best replies."""
    source = game.fractions[player] if game.is_exact else game.payoffs[player]
    fractions = [[Fraction(x) for x in line] for line in source.tolist()]
    scale = lcm(*(x.denominator for line in fractions for x in line))
    return [[int(x * scale) for x in line] for line in fractions]


def _vertices(payoffs: Sequence[Sequence[int]]) -> list[_Vertex]:
    """Return the vertices of one player's polyhedron.

    Parameters
    ----------
    payoffs : sequence of m sequences of n int
        What the opponent gets: own actions in rows, the opponent's in columns.
    """
    m, n = len(payoffs), len(payoffs[0])
    found: dict[tuple[Fraction, ...], _Vertex] = {}
    for size in range(1, min(m, n) + 1):
        for support in combinations(range(m), size):
            for tight in combinations(range(n), size):
                equations = [[*(payoffs[i][j] for i in support), -1] for j in tight]
                solution = solve_unique([*equations, [1] * size + [0]], [0] * size + [1], size + 1)
                if solution is None or min(solution[:-1]) < 0:
                    continue
                strategy = [Fraction(0)] * m
                for i, weight in zip(support, solution):
                    strategy[i] = weight
                best = solution[-1]
                slack = [best - sum(strategy[i] * payoffs[i][j] for i in support) for j in range(n)]
                if min(slack) >= 0:
                    played = frozenset(i for i, weight in enumerate(strategy) if weight)
                    key = tuple(strategy)
                    found[key] = _Vertex(key, played, frozenset(j for j, s in enumerate(slack) if s == 0))
    return list(found.values())


def _array(strategy: Sequence[Fraction]) -> NDArray[np.object_]:
    result = np.empty(len(strategy), dtype=object)
    result[:] = strategy
    result.flags.writeable = False
    return result
