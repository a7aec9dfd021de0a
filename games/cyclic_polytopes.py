"""Games from dual cyclic polytopes: the hardest for Lemke-Howson, and those with the most equilibria.

The equilibria of a d x d game are the pairs of vertices, one of each of two polytopes with 2d facets,
that together lie on a facet of every label (von Stengel 2002). A cyclic polytope has the most facets
of all polytopes with as many vertices; on its dual, a set of d facets meets in a vertex exactly when
Gale's evenness condition holds, and only the labels of the facets are left to choose.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from fractions import Fraction

from marlgt.errors import GameError
from marlgt.games._catalogue import catalogued, check_count, two_players
from marlgt.games.normal_form import NormalFormGame

__all__ = ["savani_von_stengel_2006", "von_stengel_1999"]


@catalogued(
    equilibria=["2071/18284 7071/18284 7071/18284 2071/18284 | 7071/18284 2071/18284 2071/18284 7071/18284"],
    complete=True,
)
def savani_von_stengel_2006(*, n_actions: int = 4) -> NormalFormGame:
    """Return a square game with one equilibrium, to which every Lemke-Howson path is exponentially long.

    From the first label it takes 4, 20, 88, 376, 1596 and 6764 pivots with 2, 4, ..., 12 actions.

    Parameters
    ----------
    n_actions : int
        Of each player: even, from 2 to 12.

    References
    ----------
    Savani and von Stengel (2006), Hard-to-solve bimatrix games, Econometrica 74.
    """
    check_count(n_actions, "n_actions", 2, 12)
    if n_actions % 2:
        raise GameError(f"n_actions must be even, got {n_actions}")
    labels = [_swapped(k, n_actions) - 1 for k in range(1, 2 * n_actions + 1)]
    return _game(labels, range(n_actions), title=f"Savani and von Stengel's {n_actions} x {n_actions} game")


def _swapped(k: int, d: int) -> int:
    # l(1) = 1, l(d) = d, l(k) = k + (-1)^k between, l(k) = k - (-1)^k beyond d
    return k if k in (1, d) else k + (-1) ** k if k < d else k - (-1) ** k


@catalogued(equilibria=[(0, 5), (3, 0)], count=75)
def von_stengel_1999() -> NormalFormGame:
    """Return a 6 x 6 game with 75 equilibria, more than the 63 of coordination.

    It refuted the conjecture that coordination has the most equilibria of all nondegenerate games.

    References
    ----------
    von Stengel (1999), New maximal numbers of equilibria in bimatrix games, Discrete and Computational
    Geometry 21.
    """
    labels = (5, 8, 7, 10, 9, 0, 11, 2, 1, 4, 3, 6)
    return _game(labels, (0, 1, 2, 3, 4, 11), title="von Stengel's 6 x 6 game with 75 equilibria")


def _game(second: Sequence[int], origin: Sequence[int], *, title: str) -> NormalFormGame:
    """Return the game of two dual cyclic polytopes.

    Parameters
    ----------
    second : sequence of 2d int
        The label of each facet of the second polytope; the first has its facets labelled in order.
    origin : sequence of d int
        Labels that meet in a vertex of the first polytope, and the others in one of the second: the
        pair of vertices that becomes the origin, which is no equilibrium.
    """
    own = list(origin)
    others = [label for label in range(len(second)) if label not in own]
    place = {label: facet for facet, label in enumerate(second)}
    # First polytope: x_i = 0 has label i and the column player's reply j label d + j; second: the reverse.
    B = _payoffs(own, others)
    A = _payoffs([place[label] for label in others], [place[label] for label in own])
    return two_players(A, [list(row) for row in zip(*B)], title=title)


def _payoffs(zero: Sequence[int], tight: Sequence[int]) -> list[list[int]]:
    """Return the integer matrix M with {x >= 0, M x <= 1} a dual cyclic polytope.

    Parameters
    ----------
    zero : sequence of d int
        The facets that meet in the origin, in the order of the coordinates of x.
    tight : sequence of d int
        The facets that become the rows of M.
    """
    d = len(zero)
    points = [_on_the_curve(math.tan(math.pi * (2 * k + 1 - 2 * d) / (4 * d)), d) for k in range(2 * d)]
    centre = [sum(column) / (2 * d) for column in zip(*points)]
    normals = [[x - c for x, c in zip(point, centre)] for point in points]
    # The dual is {z : normal_k . z <= 1}. With x the slacks of the facets `zero`, z = inverse (1 - x),
    # and the slack of facet k is 1 - w . (1 - x), where w solves  w (normals of zero) = normal_k.
    base = [normals[k] for k in zero]
    rows = []
    for k in tight:
        weights = _solve([list(column) for column in zip(*base)], normals[k])
        at_origin = 1 - sum(weights)
        rows.append([-w / at_origin for w in weights])
    # A coordinate of x may be measured in any unit: take the one that makes its column integers. The
    # polytope is simple, so that its vertices survive the rounding; a digit per dimension is enough.
    units = [10**d / max(map(abs, column)) for column in zip(*rows)]
    return [[round(x * unit) for x, unit in zip(row, units)] for row in rows]


def _on_the_curve(half_angle_tangent: float, d: int) -> list[Fraction]:
    """Return the point (cos t, sin t, cos 2t, sin 2t, ...) of the trigonometric moment curve, exactly on it."""
    u = Fraction(half_angle_tangent).limit_denominator(1000)
    cosine, sine = (1 - u * u) / (1 + u * u), 2 * u / (1 + u * u)
    point = [cosine, sine]
    for _ in range(d // 2 - 1):
        c, s = point[-2:]
        point += [c * cosine - s * sine, s * cosine + c * sine]
    return point


def _solve(matrix: list[list[Fraction]], right: Sequence[Fraction]) -> list[Fraction]:
    """Return the solution of a regular square system, by Gauss-Jordan elimination."""
    rows = [[*row, value] for row, value in zip(matrix, right)]
    for column in range(len(rows)):
        pivot = next(r for r in range(column, len(rows)) if rows[r][column])
        rows[column], rows[pivot] = rows[pivot], rows[column]
        rows[column] = [x / rows[column][column] for x in rows[column]]
        for r, other in enumerate(rows):
            if r != column and other[column]:
                factor = other[column]
                rows[r] = [x - factor * y for x, y in zip(other, rows[column])]
    return [row[-1] for row in rows]
