"""How the equilibria of a two-player game hang together: maximal Nash subsets and components.

Draw a graph with the extreme equilibrium strategies of each player as its two sides, and an edge for
each extreme equilibrium. If every x in a set X is joined to every y in a set Y, then all of
``conv(X) x conv(Y)`` are equilibria; the maximal such X, Y are the maximal Nash subsets, and every
equilibrium lies in one of them (Winkels 1979; Jansen 1981). The topologically connected components of
the set of equilibria are those of the graph (Avis et al. 2010).

References
----------
Winkels, H.-M. (1979). An algorithm to determine all equilibrium points of a bimatrix game. In: Game
Theory and Related Topics, North-Holland, 137-148.
Jansen, M. J. M. (1981). Maximal Nash subsets for bimatrix games. Naval Research Logistics Quarterly
28, 147-152.
Avis, D., Rosenberg, G. D., Savani, R. and von Stengel, B. (2010). Enumeration of Nash equilibria for
two-player games. Economic Theory 42, 9-37.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from marlgt.equilibria import Equilibria, Equilibrium
from marlgt.errors import GameError, UnsupportedGame

__all__ = ["NashSubset", "linked_components", "nash_subsets"]


@dataclass(frozen=True)
class NashSubset:
    """A maximal set ``conv(X) x conv(Y)`` of which every member is an equilibrium.

    Attributes
    ----------
    vertices : tuple of two ndarrays, shapes (k, m) and (l, n)
        The extreme strategies X of player 0 and Y of player 1, one a line.
    equilibria : tuple of int
        The indices of the k * l extreme equilibria that they form.
    """

    vertices: tuple[NDArray[np.float64], NDArray[np.float64]]
    equilibria: tuple[int, ...]


def linked_components(links: Sequence[tuple[Hashable, Hashable]]) -> tuple[tuple[int, ...], ...]:
    """Return the connected components of a bipartite graph, as indices of its edges.

    Parameters
    ----------
    links : sequence of pairs
        The two ends of each edge; ends of different sides differ even where they are equal.

    Examples
    --------
    >>> linked_components([(0, 0), (1, 1), (0, 2), (2, 1)])
    ((0, 2), (1, 3))
    """
    if len({i for i, _ in links}) == len({j for _, j in links}) == len(links):
        return tuple((edge,) for edge in range(len(links)))
    parent = list(range(len(links)))

    def root(edge: int) -> int:
        while parent[edge] != edge:
            parent[edge] = parent[parent[edge]]
            edge = parent[edge]
        return edge

    for side in (0, 1):
        first: dict[Hashable, int] = {}
        for edge, link in enumerate(links):
            a, b = root(first.setdefault(link[side], edge)), root(edge)
            parent[max(a, b)] = min(a, b)
    groups: dict[int, list[int]] = {}
    for edge in range(len(links)):
        groups.setdefault(root(edge), []).append(edge)
    return tuple(map(tuple, groups.values()))


def nash_subsets(equilibria: Equilibria | Sequence[Equilibrium]) -> tuple[NashSubset, ...]:
    """Return the maximal Nash subsets spanned by extreme equilibria of a two-player game.

    Given all extreme equilibria, as :func:`~marlgt.solvers.vertices.vertex_enumeration` finds them,
    the union of the subsets is the set of all equilibria. A subset of one equilibrium is an isolated
    one unless it meets no other.

    Parameters
    ----------
    equilibria : Equilibria or sequence of Equilibrium

    Raises
    ------
    UnsupportedGame
        If an answer is not a profile of two players.

    Examples
    --------
    >>> import marlgt as gt
    >>> g = gt.NormalFormGame.bimatrix([[1, 1], [1, 0]], [[0, 0], [0, 0]])
    >>> found = gt.solvers.vertex_enumeration(g)
    >>> [subset.equilibria for subset in nash_subsets(found)]
    [(0, 2), (1, 2)]
    """
    keys: list[tuple[Hashable, Hashable]] = []
    strategies: tuple[dict[Hashable, NDArray[np.float64]], dict[Hashable, NDArray[np.float64]]] = ({}, {})
    for answer in equilibria:
        if answer.profile is None or len(answer.profile) != 2:
            raise UnsupportedGame("nash_subsets needs equilibria of a two-player game: use vertex_enumeration's")
        exact = answer.exact_profile
        ends: list[Hashable] = []
        for side in (0, 1):
            p = answer.profile[side]
            key: Hashable = tuple(np.round(p, 9).tolist()) if exact is None else tuple(exact[side].tolist())
            strategies[side].setdefault(key, p)
            ends.append(key)
        keys.append((ends[0], ends[1]))
    edges = {key: k for k, key in enumerate(keys)}
    if len(edges) != len(keys):
        raise GameError("nash_subsets got the same equilibrium twice: give each once")
    partners: dict[Hashable, frozenset[Hashable]] = {
        x: frozenset(y for other, y in keys if other == x) for x in strategies[0]
    }
    # The right sides of maximal bicliques are exactly the intersections of neighbourhoods.
    closed: set[frozenset[Hashable]] = set()
    for neighbours in partners.values():
        closed |= {neighbours & other for other in closed} | {neighbours}
    subsets = []
    for common in closed:
        if common:
            left = [x for x in strategies[0] if partners[x] >= common]
            right = [y for y in strategies[1] if y in common]
            subsets.append(
                NashSubset(
                    vertices=(np.array([strategies[0][x] for x in left]), np.array([strategies[1][y] for y in right])),
                    equilibria=tuple(sorted(edges[x, y] for x in left for y in right)),
                )
            )
    return tuple(sorted(subsets, key=lambda subset: subset.equilibria))
