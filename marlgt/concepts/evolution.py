"""Evolutionarily stable strategies of symmetric two-player games.

A strategy x is evolutionarily stable when it is a best reply to itself and, for every other best reply
y to x, earns more against y than y earns against itself (Maynard Smith and Price 1973). With A the row
player's payoffs and B the pure best replies to x, the second condition says that ``-(y-x)' A (y-x)`` is
positive. Eliminating one action m of the support, it is the form::

    D_ij = -(a_ij - a_im - a_mj + a_mm), made symmetric,  i, j in B without m

positive for coordinates that are free on the support and nonnegative on the rest of B: D must be
positive definite on the support, and the Schur complement on the rest strictly copositive (Haigh 1975;
Abakuks 1980). A symmetric matrix fails to be strictly copositive exactly when some principal submatrix
M has a positive vector v with ``M v = c 1`` and ``c <= 0``, and the smallest such M is found by solving
``M w = 1``. All of that is decided in rational arithmetic.

References
----------
Maynard Smith, J. and Price, G. R. (1973). The logic of animal conflict. Nature 246, 15-18.
Haigh, J. (1975). Game theory and evolution. Advances in Applied Probability 7, 8-11.
Abakuks, A. (1980). Conditions for evolutionarily stable strategies. Journal of Applied Probability 17,
559-562.
"""

from __future__ import annotations

from fractions import Fraction
from itertools import combinations
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from marlgt.errors import UnsupportedGame
from marlgt.exact_programs import common_integers
from marlgt.games._doors import require_game
from marlgt.games._profiles import checked_profile, exact_profile
from marlgt.games.normal_form import NormalFormGame
from marlgt.games.structure import is_symmetric
from marlgt.rational import bareiss_nullspace, bareiss_solve

__all__ = ["is_evolutionarily_stable", "is_strictly_copositive"]


def is_evolutionarily_stable(game: NormalFormGame, strategy: ArrayLike, *, tolerance: float = 1e-9) -> bool:
    """Tell whether a strategy of a symmetric two-player game is evolutionarily stable.

    Parameters
    ----------
    game : NormalFormGame
    strategy : array_like, shape (A,)
        Integers and fractions in an exact game are decided exactly.
    tolerance : float
        For floats: the share of the payoff range within which payoffs count as equal, and by which a
        gain must exceed zero.

    Raises
    ------
    UnsupportedGame
        If the game is not symmetric with two players.

    Examples
    --------
    Hawks and doves fighting over 2 at a cost of 4 (the mixture is stable, neither pure strategy is):

    >>> import marlgt as gt
    >>> from fractions import Fraction
    >>> g = gt.NormalFormGame.bimatrix([[-1, 2], [0, 1]], [[-1, 0], [2, 1]])
    >>> is_evolutionarily_stable(g, [Fraction(1, 2), Fraction(1, 2)]), is_evolutionarily_stable(g, [1, 0])
    (True, False)
    """
    require_game(game)
    matrix = symmetric_matrix(game)
    (floats, _) = checked_profile(game, (strategy, strategy))
    exact = exact_profile((strategy,)) if game.is_exact else None
    if exact is not None and (sum(exact[0]) != 1 or min(exact[0]) < 0):
        return False
    x = floats if exact is None else exact[0]
    slack = tolerance if exact is None else 0.0
    payoffs = (game.payoffs[0] if exact is None else matrix) @ x
    spread = float(game.payoff_range[0]) or 1.0
    best = [i for i, u in enumerate(payoffs) if u >= max(payoffs) - (slack * spread if slack else 0)]
    support = [i for i, p in enumerate(x) if p > slack]
    if not set(support) <= set(best):
        return False
    return is_stable_on(matrix, support, best, margin=Fraction(slack) * Fraction(spread))


def symmetric_matrix(game: NormalFormGame) -> NDArray[Any]:
    """Return the row player's payoffs as fractions, of a symmetric two-player game.

    Raises
    ------
    UnsupportedGame
        If the game is not symmetric with two players.
    """
    if game.n_players != 2 or not is_symmetric(game):
        raise UnsupportedGame(
            "evolutionary stability is defined for one population, a symmetric two-player game: give matrices A and "
            "A.T, or ask for strict Nash equilibria, which are the stable ones of an asymmetric contest"
        )
    if game.is_exact:
        return np.asarray(game.fractions[0])
    return np.array([[Fraction(u) for u in row] for row in game.payoffs[0].tolist()], dtype=object)


def is_stable_on(matrix: NDArray[Any], support: list[int], best: list[int], *, margin: Fraction) -> bool:
    """Decide the second condition of stability for a strategy with given support and pure best replies.

    Parameters
    ----------
    matrix : object ndarray of Fraction, shape (A, A)
        The row player's payoffs.
    support, best : list of int
        The support lies within the best replies.
    margin : Fraction
        How much the diagonal of the form is lowered first, for a test with tolerance.
    """
    form, _ = comparison_form(matrix, support, best)
    form = form - margin * np.eye(len(form), dtype=int)
    for t in range(len(support) - 1):
        # Symmetric elimination: positive pivots mean positive definite, what is left is the Schur complement.
        if form[t, t] <= 0:
            return False
        row = form[t].copy()
        form = form - np.multiply.outer(row, row) / row[t]
    rest = len(support) - 1
    return is_strictly_copositive(form[rest:, rest:])


def comparison_form(matrix: NDArray[Any], support: list[int], best: list[int]) -> tuple[NDArray[Any], list[int]]:
    """Return twice the form D of the module's docstring, and the actions of its rows, the support's first."""
    m, *others = support
    actions = [*others, *(i for i in best if i not in support)]
    inner = matrix[np.ix_(actions, actions)] - matrix[np.ix_(actions, [m])] - matrix[np.ix_([m], actions)]
    form = -(inner + matrix[m, m])
    return form + form.T, actions


def is_strictly_copositive(matrix: NDArray[Any]) -> bool:
    """Tell whether ``v' M v > 0`` for every nonnegative v but zero, exactly.

    Parameters
    ----------
    matrix : object ndarray of Fraction or int, shape (n, n)
        Symmetric. The work doubles with every row that has a negative entry.

    Examples
    --------
    >>> is_strictly_copositive(np.array([[1, 5], [5, 1]], dtype=object))
    True
    >>> is_strictly_copositive(np.array([[1, -1], [-1, 1]], dtype=object))
    False
    """
    if any(matrix[i, i] <= 0 for i in range(len(matrix))):
        return False
    kept = list(range(len(matrix)))
    while True:
        # A row without negative entries only adds to the form: it can be left out.
        mixed = [i for i in kept if any(matrix[i, j] < 0 for j in kept)]
        if len(mixed) == len(kept):
            break
        kept = mixed
    whole = common_integers(matrix[np.ix_(kept, kept)]).tolist() if kept else []
    for size in range(2, len(kept) + 1):
        for chosen in combinations(range(len(kept)), size):
            part = [[whole[i][j] for j in chosen] for i in chosen]
            solution = bareiss_solve(part, [1] * size)
            if solution is None:
                kernel = bareiss_nullspace(part, size)
                if len(kernel) == 1 and (min(kernel[0]) > 0 or max(kernel[0]) < 0):
                    return False
            elif max(solution) < 0:
                return False
    return True
