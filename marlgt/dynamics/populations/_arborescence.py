"""Shortest trees into a root: the algorithm of Chu and Liu (1965) and Edmonds (1967) on a dense matrix of lengths.

Every node but the root takes its cheapest way out. Ways that close a cycle are contracted to one node, where leaving
the cycle costs what it adds to the way that it replaces, until there is no cycle.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

__all__ = ["shortest_tree"]

Floats = NDArray[np.float64]


def shortest_tree(lengths: Floats, root: int) -> float:
    """Return the least sum of lengths of a tree in which every node has a path to the root.

    Parameters
    ----------
    lengths : ndarray, shape (S, S)
        From the row to the column, inf where there is no way; the diagonal is not read.
    root : int

    Returns
    -------
    float
        inf where some node has no path to the root.
    """
    costs = np.array(lengths, dtype=np.float64)
    np.fill_diagonal(costs, np.inf)
    total = 0.0
    while True:
        costs[root] = np.inf
        others = [s for s in range(len(costs)) if s != root]
        ways = costs.argmin(axis=1)
        cheapest = costs.min(axis=1)
        if any(cheapest[s] == np.inf for s in others):
            return float(np.inf)
        total += float(cheapest[others].sum())
        cycle = _cycle(ways, root)
        if not cycle:
            return total
        # What is paid already is taken off, so that a way out of the cycle costs only what it adds.
        costs[others] -= cheapest[others, None]
        costs, root = _contracted(costs, cycle, root)


def _cycle(ways: NDArray[np.intp], root: int) -> list[int]:
    """Return a cycle of the ways, or nothing."""
    seen = np.full(len(ways), -1)
    seen[root] = len(ways)
    for first in range(len(ways)):
        node, path = first, []
        while seen[node] < 0:
            seen[node] = first
            path.append(node)
            node = int(ways[node])
        if seen[node] == first and node in path:
            return path[path.index(node) :]
    return []


def _contracted(costs: Floats, cycle: list[int], root: int) -> tuple[Floats, int]:
    """Return the costs with a cycle made one node, the last one, and the root's new place."""
    rest = [s for s in range(len(costs)) if s not in set(cycle)]
    smaller = np.full((len(rest) + 1, len(rest) + 1), np.inf)
    smaller[:-1, :-1] = costs[np.ix_(rest, rest)]
    smaller[:-1, -1] = costs[np.ix_(rest, cycle)].min(axis=1)
    smaller[-1, :-1] = costs[np.ix_(cycle, rest)].min(axis=0)
    return smaller, rest.index(root)
