"""Games of three and four players on which solvers for n players are tested."""

from __future__ import annotations

import math

from marlgt.games._catalogue import catalogued
from marlgt.games.normal_form import NormalFormGame

__all__ = ["mckelvey_mclennan_1997", "nau_2004", "van_der_laan_1987_four", "van_der_laan_1987_three"]


def _nau() -> tuple[tuple[float, ...], ...]:
    # 2 r^2 + 23 r - 9 = 0 makes the third player indifferent; the others follow from r.
    r = (math.sqrt(601) - 23) / 4
    return ((p := (3 - 2 * r) / (4 - r), 1 - p), (q := (2 - r) / (3 + r), 1 - q), (r, 1 - r))


@catalogued(equilibria=[_nau()], complete=True)
def nau_2004() -> NormalFormGame:
    """Return a three-player game with rational payoffs whose only equilibrium is irrational.

    The third player's first action has probability (sqrt(601) - 23) / 4.

    References
    ----------
    Nau, Gomez Canovas and Hansen (2004), On the geometry of Nash equilibria and correlated equilibria,
    International Journal of Game Theory 32.
    """
    cells = [
        [[(3, 0, 2), (1, 0, 0)], [(0, 2, 0), (0, 1, 0)]],
        [[(0, 1, 0), (0, 3, 0)], [(1, 0, 0), (2, 0, 3)]],
    ]
    payoffs = [[[[cells[a][b][c][i] for c in range(2)] for b in range(2)] for a in range(2)] for i in range(3)]
    return NormalFormGame(payoffs, title="Nau, Gomez Canovas and Hansen's game")


@catalogued(
    equilibria=[
        (0, 0, 0),
        (0, 1, 1),
        (1, 0, 1),
        (1, 1, 0),
        "0 1 | 1/4 3/4 | 1/3 2/3",
        "1/3 2/3 | 1 0 | 1/4 3/4",
        "1/2 1/2 | 1/2 1/2 | 1 0",
        "2/5 3/5 | 1/2 1/2 | 1/3 2/3",
        "1/2 1/2 | 2/5 3/5 | 1/4 3/4",
    ],
    complete=True,
)
def mckelvey_mclennan_1997() -> NormalFormGame:
    """Return the 2 x 2 x 2 game with nine equilibria, the most that such a generic game can have.

    Two of the nine are totally mixed.

    References
    ----------
    McKelvey and McLennan (1997), The maximal number of regular totally mixed Nash equilibria, Journal
    of Economic Theory 72.
    """
    payoffs = [
        [[[9, 0], [0, 3]], [[0, 3], [9, 0]]],
        [[[8, 0], [0, 4]], [[0, 4], [8, 0]]],
        [[[12, 0], [0, 6]], [[0, 6], [2, 0]]],
    ]
    return NormalFormGame(payoffs, title="McKelvey and McLennan's game")


@catalogued(equilibria=["1/5 4/5 | 3/7 4/7 | 2/3 1/3"], complete=True)
def van_der_laan_1987_three() -> NormalFormGame:
    """Return a three-player test game of simplicial algorithms, with one equilibrium, totally mixed.

    References
    ----------
    van der Laan, Talman and van der Heyden (1987), Simplicial variable dimension algorithms for
    solving the nonlinear complementarity problem on a product of unit simplices using a general
    labelling, Mathematics of Operations Research 12.
    """
    payoffs = [
        [[[-1, -2], [-8, -5]], [[-8, -8], [-2, -2]]],
        [[[-4, -2], [-2, -6]], [[-2, -1], [-1, -3]]],
        [[[-4, -8], [-1, -8]], [[-4, -2], [-2, -1]]],
    ]
    return NormalFormGame(payoffs, title="van der Laan, Talman and van der Heyden's three-player game")


@catalogued(
    equilibria=[
        "1 0 | 1 0 | 3/7 4/7 | 4/5 1/5",
        "1/5 4/5 | 1 0 | 1 0 | 2/3 1/3",
        (
            (1.0, 0.0),
            (0.564312603118008, 0.435687396881992),
            (0.531842598515577, 0.468157401484423),
            (0.425474078812461, 0.574525921187538),
        ),
        (
            (0.631750398471178, 0.368249601528822),
            (1.0, 0.0),
            (0.633815096117468, 0.366184903882532),
            (0.587161173095516, 0.412838826904484),
        ),
        (
            (0.71111375383735, 0.28888624616265),
            (0.693791350622311, 0.306208649377689),
            (0.62011891328448, 0.37988108671552),
            (0.364556030758082, 0.635443969241918),
        ),
    ],
    complete=True,
)
def van_der_laan_1987_four() -> NormalFormGame:
    """Return a four-player test game of simplicial algorithms, with five equilibria, none of them pure.

    References
    ----------
    van der Laan, Talman and van der Heyden (1987), Simplicial variable dimension algorithms for
    solving the nonlinear complementarity problem on a product of unit simplices using a general
    labelling, Mathematics of Operations Research 12.
    """
    payoffs = [
        [[[[-3, -3], [-4, -2]], [[-3, -3], [-4, -1]]], [[[-4, -1], [-4, -3]], [[-1, -1], [-6, -8]]]],
        [[[[-4, -6], [-2, -4]], [[-5, -2], [-7, -4]]], [[[-5, -3], [-3, -6]], [[-8, -6], [-3, -5]]]],
        [[[[-1, -6], [-2, -2]], [[-3, -3], [-6, -5]]], [[[-3, -3], [-4, -6]], [[-3, -2], [-1, -5]]]],
        [[[[-6, -2], [-3, -6]], [[-5, -5], [-1, -3]]], [[[-3, -4], [-2, -7]], [[-3, -1], [-2, -5]]]],
    ]
    return NormalFormGame(payoffs, title="van der Laan, Talman and van der Heyden's four-player game")
