"""Saddle points of a matrix: the common door and the common last steps of the zero-sum solvers.

A pair (x, y) is a saddle point of the matrix A when ``max_i (A y)_i = min_j (x A)_j``; both sides then
equal the value of the game (von Neumann 1928). The difference of the two sides is the duality gap, and
in a constant-sum game it is the sum of the two players' regrets.

Every solver finds an approximate pair and the actions that carry it. Here the pair is refined by solving
the equations of indifference on those actions (Shapley and Snow 1950: some square subgame determines an
extreme pair); in an exact game they are solved in integers, and the gap is then proven to be zero.

References
----------
von Neumann, J. (1928). Zur Theorie der Gesellschaftsspiele. Mathematische Annalen 100, 295-320.
Shapley, L. S. and Snow, R. N. (1950). Basic solutions of discrete games. In Contributions to the
Theory of Games I, 27-35.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from fractions import Fraction
from math import gcd, lcm
from operator import mul
from typing import Any

import numpy as np
from numpy.typing import NDArray

from marlgt.certificates import certified
from marlgt.equilibria import Equilibrium
from marlgt.errors import NotConverged, UnsupportedGame
from marlgt.exact_programs import EXACT_CELLS, common_integers, maximize_exactly
from marlgt.games.normal_form import NormalFormGame
from marlgt.games.structure import is_constant_sum
from marlgt.rational import bareiss_solve

__all__ = [
    "answer",
    "duality_gap",
    "exact_saddle_point",
    "normalized",
    "rational_saddle_point",
    "refined",
    "row_payoffs",
]

Strategies = tuple[NDArray[np.float64], NDArray[np.float64]]
Actions = Sequence[int] | NDArray[np.intp]

_EXACT_SUPPORT = 60
"""Largest subgame that is solved in integers: about a tenth of a second for payoffs of three digits."""

_RATIONAL_CELLS = 1000
"""Largest float matrix that is solved in rational arithmetic: its 53-bit entries cost up to a second."""

_GOOD_ENOUGH = 2e-14
"""Relative regret below which refining changes only the rounding."""


def row_payoffs(game: NormalFormGame) -> NDArray[np.float64]:
    """Return the matrix of the two-player zero-sum game that a constant-sum game is equivalent to.

    Raises
    ------
    UnsupportedGame
        If there are not two players or the sum of their payoffs varies.
    """
    if game.n_players != 2:
        raise UnsupportedGame(
            f"the game has {game.n_players} player{'' if game.n_players == 1 else 's'} but minimax covers two: use "
            "marlgt.solve(game), or marlgt.solvers.security_levels(game) for what each player can guarantee"
        )
    if not is_constant_sum(game):
        raise UnsupportedGame(
            "the sum of the two players' payoffs is not constant, so minimax does not apply: use marlgt.solve(game), "
            "or marlgt.solvers.security_levels(game) for what each player can guarantee"
        )
    if game.is_exact:
        return np.asarray(game.payoffs[0])
    # Rounding in the sum is shared between the players rather than charged to one.
    return np.asarray(0.5 * (game.payoffs[0] - game.payoffs[1]))


def normalized(matrix: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the matrix mapped to [0, 1], or zeros where all entries are equal."""
    low = matrix.min()
    spread = matrix.max() - low
    if spread == 0.0:
        return np.zeros_like(matrix)
    return np.asarray((matrix - low) / spread)


def duality_gap(matrix: NDArray[np.float64], x: NDArray[np.float64], y: NDArray[np.float64]) -> float:
    """Return ``max(A y) - min(x A)``: zero exactly at a saddle point."""
    return float((matrix @ y).max() - (x @ matrix).min())


def refined(
    matrix: NDArray[np.float64], x: NDArray[np.float64], y: NDArray[np.float64], rows: Actions, columns: Actions
) -> Strategies:
    """Return the pair carried by the given actions, corrected least so that each side is indifferent.

    Parameters
    ----------
    matrix : ndarray, shape (m, n)
        Entries in [0, 1].
    rows, columns : sequence of int
        The actions that carry x and y.
    """
    chosen, answers = np.asarray(rows, dtype=np.intp), np.asarray(columns, dtype=np.intp)
    subgame = matrix[np.ix_(chosen, answers)]
    better_x, better_y = np.zeros_like(x), np.zeros_like(y)
    better_x[chosen] = _indifferent(subgame, x[chosen])
    better_y[answers] = _indifferent(subgame.T, y[answers])
    return better_x, better_y


def _indifferent(subgame: NDArray[np.float64], weights: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the strategy nearest to ``weights`` that earns the same against every column of the subgame."""
    own, other = subgame.shape
    system = np.zeros((other + 1, own + 1))
    system[:other, :own], system[:other, own], system[other, :own] = subgame.T, -1.0, 1.0
    earned = weights @ subgame
    value = earned.mean()
    residual = np.append(value - earned, 1.0 - weights.sum())
    correction: NDArray[np.float64] | None = None
    if own == other:
        try:
            correction = np.linalg.solve(system, residual)
        except np.linalg.LinAlgError:
            correction = None
    if correction is None:
        correction = np.linalg.lstsq(system, residual, rcond=1e-13)[0]
    result = np.maximum(weights + correction[:own], 0.0)
    total = result.sum()
    # A subgame that does not carry the solution corrects wildly: leave the weights, the gap decides.
    return result / total if np.isfinite(total) and total > 0.0 else weights


def exact_saddle_point(
    payoffs: NDArray[Any], rows: Sequence[int], columns: Sequence[int]
) -> tuple[NDArray[Any], NDArray[Any]] | None:
    """Return the saddle point carried by a square subgame, proven in integers, or None if there is none.

    Parameters
    ----------
    payoffs : object ndarray of int, shape (m, n)
    rows, columns : sequence of int
        Equally many actions of each player.

    Returns
    -------
    tuple of two object ndarrays of Fraction, or None

    Examples
    --------
    >>> x, y = exact_saddle_point(np.array([[3, -1], [-2, 1]], dtype=object), (0, 1), (0, 1))
    >>> x.tolist()
    [Fraction(3, 7), Fraction(4, 7)]
    """
    if len(rows) != len(columns):
        return None
    entries = payoffs.tolist()
    low = min(map(min, entries))
    common = gcd(*(entry - low for row in entries for entry in row)) or 1
    # Positive entries make the value positive, so that M q = 1 has the solution y / v.
    subgame = [[(entries[i][j] - low) // common + 1 for j in columns] for i in rows]
    ones = [1] * len(rows)
    p = _integer_weights(bareiss_solve(list(map(list, zip(*subgame))), ones))
    q = _integer_weights(bareiss_solve(subgame, ones))
    if p is None or q is None:
        return None
    m, n = payoffs.shape
    x, y = _spread(p, rows, m), _spread(q, columns, n)
    highest = max(sum(map(mul, row, y)) for row in entries)
    lowest = min(sum(map(mul, column, x)) for column in zip(*entries))
    sum_x, sum_y = sum(p), sum(q)
    if highest * sum_x != lowest * sum_y:
        return None
    return _fractions(x, sum_x), _fractions(y, sum_y)


def _integer_weights(solution: list[Fraction] | None) -> list[int] | None:
    """Return a nonnegative solution times its least common denominator, or None."""
    if solution is None or min(solution) < 0:
        return None
    scale = lcm(*(f.denominator for f in solution))
    return [f.numerator * (scale // f.denominator) for f in solution]


def _spread(weights: list[int], actions: Sequence[int], count: int) -> list[int]:
    result = [0] * count
    for action, weight in zip(actions, weights):
        result[action] = weight
    return result


def _fractions(weights: list[int], total: int) -> NDArray[Any]:
    result = np.empty(len(weights), dtype=object)
    result[:] = [Fraction(w, total) for w in weights]
    return result


def rational_saddle_point(matrix: NDArray[np.float64]) -> Strategies | None:
    """Return a saddle point of the very numbers that a small float matrix holds, or None if it is not small.

    It is slow, up to a second, and right where the data are too nearly degenerate for floats.
    """
    if matrix.size > _RATIONAL_CELLS:
        return None
    fractions = np.empty(matrix.shape, dtype=object)
    fractions.reshape(-1)[:] = [Fraction(x) for x in matrix.reshape(-1).tolist()]
    x, y = _by_integer_pivoting(common_integers(fractions))
    return x.astype(np.float64), y.astype(np.float64)


def _by_integer_pivoting(payoffs: NDArray[Any]) -> tuple[NDArray[Any], NDArray[Any]]:
    """Return a saddle point by the simplex method in integers."""
    m, n = payoffs.shape
    positive = payoffs - payoffs.min() + 1
    ones_m, ones_n = np.ones(m, dtype=object), np.ones(n, dtype=object)
    # max 1'q  s.t.  P q <= 1 gives y; the row player's side is the same program of the reversed game.
    q = maximize_exactly(ones_n, positive, ones_m)
    reversed_game = -payoffs.T + payoffs.max() + 1
    p = maximize_exactly(ones_m, reversed_game, ones_n)
    return p / p.sum(), q / q.sum()


def answer(
    game: NormalFormGame,
    x: NDArray[np.float64],
    y: NDArray[np.float64],
    *,
    rows: Sequence[int],
    columns: Sequence[int],
    method: str,
    work: Mapping[str, int],
    watch: Callable[[], float],
    tolerance: float,
) -> Equilibrium:
    """Return a pair as a certified answer: exact where the game is and its size allows, else refined.

    Parameters
    ----------
    rows, columns : sequence of int
        The actions that carry x and y.

    Raises
    ------
    NotConverged
        If a regret exceeds the tolerance; it carries the pair.
    """
    if game.is_exact and len(rows) <= _EXACT_SUPPORT:
        integers = game.integer_payoffs[0][0]
        exact = exact_saddle_point(integers, rows, columns)
        if exact is None and integers.size <= EXACT_CELLS:
            exact = _by_integer_pivoting(integers)
            work = {**work, "integer_simplex": 1}
        if exact is not None:
            return certified(game, exact, method=method, work=work, seconds=watch())
    best = certified(game, (x, y), method=method, work=work, seconds=watch())
    spread = float(game.payoff_range.max())
    if best.epsilon > _GOOD_ENOUGH * spread:
        pair = refined(normalized(row_payoffs(game)), x, y, rows, columns)
        again = certified(game, pair, method=method, work=work, seconds=watch())
        best = min(best, again, key=lambda e: e.epsilon)
    # A float payoff of magnitude M is itself known only to about eps M.
    rounding = 8.0 * float(np.finfo(np.float64).eps) * float(np.abs(game.payoffs).max())
    if best.epsilon > tolerance * spread + rounding:
        raise NotConverged(
            f"{method} stopped at a regret of {best.epsilon:.1e}, above {tolerance:.0e} of the payoff range: "
            "use marlgt.solvers.minimax, which tries other methods, or a larger tolerance",
            best=best,
        )
    return best
