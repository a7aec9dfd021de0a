"""Subgame-perfect payoffs of two-player repeated games with perfect monitoring (Abreu and Sannikov 2014).

A game is played again and again, payoffs are averaged with discount factor delta, and a public random draw before each
period makes the set V of pure subgame-perfect equilibrium payoffs convex. An action profile a with payoffs g(a) is
enforced by a continuation payoff w when nobody gains from deviating and then being held to the worst payoff v_i of V::

    w_i  >=  v_i + (1 - delta) / delta * h_i(a),      h_i(a) = max_b g_i(b, a_-i) - g_i(a).

Abreu and Sannikov show that each extreme point of V is g(a) itself, where g(a) meets that bound, or
(1 - delta) g(a) + delta w for an extreme point w of the enforcing continuations at which the bound binds for some
player: at most four for each a. From the hull of the stage payoffs their operator shrinks to V.

References
----------
Abreu, D. and Sannikov, Y. (2014). An algorithm for two-player repeated games with perfect monitoring.
Theoretical Economics 9, 313-338.
Abreu, D., Pearce, D. and Stacchetti, E. (1990). Toward a theory of discounted repeated games with imperfect
monitoring. Econometrica 58, 1041-1063.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from marlgt.errors import GameError, NotConverged, UnsupportedGame
from marlgt.games._arrays import short
from marlgt.games._doors import nonnegative, require_game, require_whole
from marlgt.games.normal_form import NormalFormGame

__all__ = ["RepeatedGamePayoffs", "repeated_game_payoffs"]

Points = NDArray[np.float64]

_SAME = 1e-12
"""Distance, as a share of the payoff range, below which two points are one."""


@dataclass(frozen=True, eq=False)
class RepeatedGamePayoffs:
    """The set of payoffs of pure subgame-perfect equilibria of a repeated game.

    Attributes
    ----------
    vertices : ndarray, shape (K, 2)
        Its extreme points, counter-clockwise from the lowest of the leftmost; none if there is no such equilibrium.
    threats : ndarray, shape (2,)
        The worst payoff of each player in it.
    iterations : int
    """

    vertices: Points
    threats: Points
    iterations: int


def repeated_game_payoffs(
    game: NormalFormGame, *, discount: float, tolerance: float = 1e-12, max_iterations: int = 10_000
) -> RepeatedGamePayoffs:
    """Return the average discounted payoffs that pure subgame-perfect equilibria with public randomisation can give.

    Parameters
    ----------
    game : NormalFormGame
        Two players.
    discount : float
        Above 0 and below 1.
    tolerance : float
        How far, as a share of the payoff range, the last two iterates may lie apart.
    max_iterations : int

    Raises
    ------
    UnsupportedGame
        If the players are not two.
    NotConverged
        If the iterates still move after ``max_iterations``.

    Examples
    --------
    >>> import marlgt as gt
    >>> pd = gt.NormalFormGame.bimatrix([[9, 1], [10, 3]], [[9, 10], [1, 3]])
    >>> repeated_game_payoffs(pd, discount=0.9).vertices.round(9).tolist()
    [[3.0, 3.0], [9.75, 3.0], [9.0, 9.0], [3.0, 9.75]]
    """
    require_game(game)
    if game.n_players != 2:
        raise UnsupportedGame(
            f"the game has {game.n_players} players: this algorithm works in the plane of two payoffs"
        )
    if not isinstance(discount, int | float | np.integer | np.floating) or not 0.0 < discount < 1.0:
        raise GameError(f"discount is {short(discount)}: give a number above 0 and below 1")
    tolerance = nonnegative(tolerance, "tolerance")
    require_whole(max_iterations, "max_iterations", least=1)
    payoffs = game.payoffs.reshape(2, -1).T
    gains = np.stack([game.payoffs[i].max(axis=i, keepdims=True) - game.payoffs[i] for i in range(2)]).reshape(2, -1)
    bonuses = (1.0 - discount) / discount * gains.T
    scale = max(float(game.payoff_range.max()), np.finfo(float).tiny)
    # Nobody can be held below her pure minmax.
    threats = np.array([game.payoffs[i].max(axis=i).min() for i in range(2)])
    hull = convex_hull(payoffs, _SAME * scale)
    for k in range(1, max_iterations + 1):
        points = [
            point
            for stage, bonus in zip(payoffs, bonuses)
            for point in _extreme(hull, stage, threats + bonus, discount, _SAME * scale)
        ]
        if not points:
            return RepeatedGamePayoffs(np.empty((0, 2)), threats, k)
        smaller = convex_hull(np.array(points), _SAME * scale)
        lower = np.maximum(threats, smaller.min(axis=0))
        moved = float(np.abs(lower - threats).max())
        if len(smaller) == len(hull):
            moved = max(moved, float(np.abs(smaller - hull).max()))
        else:
            moved = np.inf
        hull, threats = smaller, lower
        if moved <= tolerance * scale:
            return RepeatedGamePayoffs(hull, threats, k)
    raise NotConverged(
        f"the payoff set still moves by {moved:.1e} after {max_iterations} iterations: raise max_iterations "
        "or tolerance"
    )


def _extreme(hull: Points, stage: Points, bounds: Points, discount: float, slack: float) -> list[Points]:
    """Return what an action profile can give at extreme points of the enforcing continuations."""
    if (stage >= bounds - slack).all():
        return [stage]
    points = []
    for i in range(2):
        # The segment of the hull on which player i's bound binds, cut where the other's bound begins.
        ends = _crossings(hull, i, float(bounds[i]), slack)
        if ends is None or ends[1] < bounds[1 - i] - slack:
            continue
        for other in (max(ends[0], float(bounds[1 - i])), ends[1]):
            w = np.empty(2)
            w[i], w[1 - i] = bounds[i], other
            points.append((1.0 - discount) * stage + discount * w)
    return points


def _crossings(hull: Points, axis: int, level: float, slack: float) -> tuple[float, float] | None:
    """Return the ends, on the other axis, of the part of a convex polygon where one coordinate equals a level."""
    own, other = hull[:, axis], hull[:, 1 - axis]
    if level < own.min() - slack or level > own.max() + slack:
        return None
    level = min(max(level, float(own.min())), float(own.max()))
    found = []
    for k in range(len(hull)):
        a, b = k, (k + 1) % len(hull)
        low, high = sorted((own[a], own[b]))
        if low <= level <= high:
            if high > low:
                share = (level - own[a]) / (own[b] - own[a])
                found.append(float(other[a] + share * (other[b] - other[a])))
            else:
                found += [float(other[a]), float(other[b])]
    return min(found), max(found)


def convex_hull(points: Points, slack: float) -> Points:
    """Return the extreme points of the hull of points in the plane, counter-clockwise (Andrew's monotone chain).

    Points nearer than ``slack`` to the one before, or to the line between their neighbours, are left out, but only
    after the chain has been built: deciding on the way would lose corners of edges that rounding has tilted.
    """
    ordered = [p for p in points[np.lexsort((points[:, 1], points[:, 0]))]]

    def chain(sequence: list[Points]) -> list[Points]:
        kept: list[Points] = []
        for p in sequence:
            while len(kept) >= 2 and _turn(kept[-2], kept[-1], p) <= 0.0:
                kept.pop()
            kept.append(p)
        return kept[:-1]

    corners = chain(ordered) + chain(ordered[::-1]) or ordered[:1]
    apart = [p for k, p in enumerate(corners) if k == 0 or np.abs(p - corners[k - 1]).max() > slack]
    if len(apart) > 1 and np.abs(apart[-1] - apart[0]).max() <= slack:
        apart.pop()
    k = 0
    while len(apart) > 2 and k < len(apart):
        before, after = apart[k - 1], apart[(k + 1) % len(apart)]
        if abs(_turn(before, apart[k], after)) <= slack * float(np.abs(after - before).max()):
            apart.pop(k)
        else:
            k += 1
    return np.array(apart)


def _turn(o: Points, a: Points, b: Points) -> float:
    return float((a[0] - o[0]) * (b[1] - o[1]) - (a[1] - o[1]) * (b[0] - o[0]))
