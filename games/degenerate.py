"""Two-player games that solvers stumble over: continua of equilibria, ties, and hard or crowded cases."""

from __future__ import annotations

from fractions import Fraction

from marlgt.games._catalogue import catalogued, check_count, two_players
from marlgt.games.normal_form import NormalFormGame

__all__ = [
    "constant_game",
    "sandholm_gilpin_conitzer_2005",
    "shapley_1974_figure_2",
    "shapley_1974_figure_3",
    "von_stengel_2007",
    "von_stengel_2007_degenerate",
    "winkels_1979",
    "yamamoto_1993",
]


@catalogued(equilibria=[(0, 0), (0, 1), (1, 0), (1, 1)], complete=True)
def constant_game(*, n_actions: int = 2) -> NormalFormGame:
    """Return the game in which nothing matters: every payoff is 0 and every profile an equilibrium.

    Parameters
    ----------
    n_actions : int
        Of each of the two players, from 1 to 1000.

    References
    ----------
    The extreme case of degeneracy; von Stengel (2002), Computing equilibria for two-person games,
    Handbook of Game Theory 3.
    """
    check_count(n_actions, "n_actions", 1, 1000)
    zeros = [[0] * n_actions for _ in range(n_actions)]
    return two_players(zeros, zeros, title="Constant game")


@catalogued(equilibria=["1 0 0 | 1 0", "4/5 1/5 0 | 2/3 1/3", "0 1/3 2/3 | 1/3 2/3"], complete=True)
def von_stengel_2007() -> NormalFormGame:
    """Return the 3 x 2 game on which the theory of bimatrix equilibria is taught; it has three.

    References
    ----------
    von Stengel (2007), Equilibrium computation for two-player games in strategic and extensive form,
    in Nisan, Roughgarden, Tardos and Vazirani (eds.), Algorithmic Game Theory, chapter 3.
    """
    return two_players([[3, 3], [2, 5], [0, 6]], [[3, 2], [2, 6], [3, 1]], title="von Stengel's 3 x 2 game")


@catalogued(equilibria=["1 0 0 | 1 0", "1 0 0 | 2/3 1/3", "0 1/3 2/3 | 1/3 2/3"], complete=True)
def von_stengel_2007_degenerate() -> NormalFormGame:
    """Return the degenerate sister of that 3 x 2 game, with a segment of equilibria.

    Enumeration of supports of equal size misses one end of the segment.

    References
    ----------
    von Stengel (2007), Equilibrium computation for two-player games in strategic and extensive form,
    in Nisan, Roughgarden, Tardos and Vazirani (eds.), Algorithmic Game Theory, chapter 3.
    """
    return two_players([[3, 3], [2, 5], [0, 6]], [[3, 3], [2, 6], [3, 1]], title="von Stengel's degenerate 3 x 2 game")


@catalogued(
    equilibria=[
        "1 0 0 0 0 0 | 0 1",
        "7/8 0 0 0 0 1/8 | 1/4 3/4",
        "1/2 1/2 0 0 0 0 | 1/4 3/4",
        "1/2 1/2 0 0 0 0 | 0 1",
        "0 7/8 0 0 1/8 0 | 1/4 3/4",
        "0 0 7/11 0 0 4/11 | 3/4 1/4",
        "0 0 5/9 4/9 0 0 | 1 0",
        "0 0 5/9 4/9 0 0 | 3/4 1/4",
        "0 0 0 1 0 0 | 1 0",
        "0 0 0 7/12 5/12 0 | 3/4 1/4",
        "0 0 0 0 1/2 1/2 | 3/4 1/4",
        "0 0 0 0 1/2 1/2 | 1/4 3/4",
    ],
    complete=True,
)
def winkels_1979() -> NormalFormGame:
    """Return a 6 x 2 game with twelve extreme equilibria in connected sets.

    References
    ----------
    Winkels (1979), An algorithm to determine all equilibrium points of a bimatrix game, in Moeschlin
    and Pallaschke (eds.), Game Theory and Related Topics.
    """
    middle = [Fraction(5, 2), Fraction(5, 2)]
    return two_players(
        [[1, 3], [1, 3], [3, 1], [3, 1], middle, middle],
        [[1, 2], [0, -1], [-2, 2], [4, -1], [-1, 6], [6, -1]],
        title="Winkels's game",
    )


@catalogued(equilibria=[(0, 0), (1, 1)], complete=True)
def yamamoto_1993() -> NormalFormGame:
    """Return a 3 x 3 game on which a path to a proper equilibrium is followed.

    References
    ----------
    Yamamoto (1993), A path-following procedure to find a proper equilibrium of finite games,
    International Journal of Game Theory 22.
    """
    return two_players(
        [[1, 0, -9], [0, 0, -7], [-9, -7, -7]], [[1, 0, -9], [0, 0, -7], [-9, -6, -7]], title="Yamamoto's game"
    )


@catalogued(equilibria=["0 1 0 | 0 1 0", "0 1/2 1/2 | 0 1/4 3/4", "0 0 1 | 0 0 1"], complete=True)
def shapley_1974_figure_2() -> NormalFormGame:
    """Return a 3 x 3 game of Shapley's study of the Lemke-Howson algorithm, with three equilibria.

    References
    ----------
    Shapley (1974), A note on the Lemke-Howson algorithm, Mathematical Programming Study 1, figure 2.
    """
    return two_players([[2, 2, 0], [0, 3, 0], [3, 0, 1]], [[3, 0, 2], [0, 3, 2], [0, 0, 1]], title="Shapley's figure 2")


@catalogued(equilibria=["1/3 2/3 0 | 1/3 2/3 0", "1/6 1/3 1/2 | 1/6 1/3 1/2", "0 0 1 | 0 0 1"], complete=True)
def shapley_1974_figure_3() -> NormalFormGame:
    """Return a symmetric 3 x 3 game of Shapley's study of the Lemke-Howson algorithm, with three equilibria.

    References
    ----------
    Shapley (1974), A note on the Lemke-Howson algorithm, Mathematical Programming Study 1, figure 3.
    """
    return two_players([[0, 3, 0], [2, 2, 0], [3, 0, 1]], [[0, 2, 3], [3, 2, 0], [0, 0, 1]], title="Shapley's figure 3")


@catalogued(equilibria=["1/3 1/3 1/3 0 0 0 0 | 1/3 1/3 1/3 0 0 0 0"], complete=True)
def sandholm_gilpin_conitzer_2005(*, size: int = 2) -> NormalFormGame:
    """Return a game whose only equilibrium mixes about half of the actions, hard for support enumeration.

    Each player has ``4 * size - 1`` actions and mixes the first ``2 * size - 1`` evenly.

    Parameters
    ----------
    size : int
        From 1 to 100.

    References
    ----------
    Sandholm, Gilpin and Conitzer (2005), Mixed-integer programming methods for finding Nash equilibria,
    AAAI.
    """
    check_count(size, "size", 1, 100)
    cycle, n = 2 * size - 1, 4 * size - 1
    A = [[2 if a < cycle else 0 for _ in range(n)] for a in range(n)]
    for a in range(cycle):
        for b in range(cycle):
            A[a][b] = 3
        if size > 1:
            A[a][(a + 1) % cycle] = 2
            A[a][(a - 1) % cycle] = 4
    B = [list(column) for column in zip(*A)]
    for k in range(cycle, n):
        A[k][k] = 3
        # The column player chases a partner one aside, so that no pair of these actions is stable.
        B[cycle + ((k - cycle) ^ 1)][k] = 3
    return two_players(A, B, title="Sandholm, Gilpin and Conitzer's game")
