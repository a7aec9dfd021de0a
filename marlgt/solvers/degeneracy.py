"""Degeneracy of two-player games.

A two-player game is nondegenerate if no mixed strategy with a support of size k has more than k pure
best replies (von Stengel 2007, definition 3.2). It is degenerate exactly when a vertex of one of its
best-response polytopes has more labels than the dimension, for the labels of any point are among
those of a vertex of the face that it lies on.

References
----------
von Stengel, B. (2007). Equilibrium computation for two-player games in strategic and extensive form.
In: Algorithmic Game Theory, Cambridge University Press, ch. 3.
"""

from __future__ import annotations

import numpy as np

from marlgt.errors import NotConverged
from marlgt.games._doors import require_game
from marlgt.games.normal_form import NormalFormGame
from marlgt.solvers._polytope_pair import PolytopePair
from marlgt.solvers.vertices import DEFAULT_BUDGET, check_budget

__all__ = ["is_degenerate"]


def is_degenerate(game: NormalFormGame, *, budget: float | None = DEFAULT_BUDGET) -> bool:
    """Tell whether some mixed strategy of a two-player game has more pure best replies than actions played.

    Decided exactly in an exact game; what counts as a tie in a game of floats is as in
    :func:`~marlgt.solvers.vertices.vertex_enumeration`. A nondegenerate game has finitely many
    equilibria, and an odd number.

    Parameters
    ----------
    game : NormalFormGame
        Two players.
    budget : float, optional
        As in :func:`~marlgt.solvers.vertices.vertex_enumeration`.

    Raises
    ------
    UnsupportedGame
        If the game does not have two players.
    BudgetExceeded
        If the polytopes may have more vertices than the budget.
    NotConverged
        If Ctrl-C ended the search before it could tell.

    Examples
    --------
    >>> import marlgt as gt
    >>> is_degenerate(gt.NormalFormGame.bimatrix([[3, 0], [0, 2]], [[2, 0], [0, 3]]))
    False
    >>> is_degenerate(gt.NormalFormGame.bimatrix([[3, 0], [3, 2]], [[2, 0], [0, 3]]))
    True
    """
    require_game(game)
    if game.n_players == 2 and _pure_tie(game):
        return True
    check_budget(game, budget, "the degeneracy test")
    pair = PolytopePair(game)
    found = pair.visit(until_degenerate=True)
    if pair.stopped and not found:
        raise NotConverged("the degeneracy test was interrupted before it could tell: give it more time")
    return found


def _pure_tie(game: NormalFormGame) -> bool:
    """Tell whether a pure strategy has two best replies, the commonest case of degeneracy."""
    payoffs = game.integer_payoffs[0] if game.is_exact else game.payoffs
    for player in (0, 1):
        matrix = payoffs[player] if player == 0 else payoffs[player].T
        if (np.count_nonzero(matrix == matrix.max(axis=0), axis=0) > 1).any():
            return True
    return False
