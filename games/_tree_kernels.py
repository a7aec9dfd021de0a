"""The passes over the nodes of a tree that every extensive game needs, without recursion: order, sequences, sums."""

from __future__ import annotations

from typing import Any

import numpy as np

from marlgt.kernels import kernel

__all__ = ["add_along_paths", "depths_in_preorder", "last_sequences", "preorder"]


@kernel
def depths_in_preorder(parent: Any, depth: Any) -> int:
    """Write the depth of each node if the nodes stand in preorder; return the first node that does not, or -1."""
    depth[0] = 0
    for v in range(1, parent.shape[0]):
        above = parent[v]
        if above < 0 or above >= v:
            return v
        ancestor = v - 1
        while ancestor > above:
            ancestor = parent[ancestor]
        if ancestor != above:
            return v
        depth[v] = depth[above] + 1
    return -1


@kernel
def preorder(root: int, first_child: Any, children: Any, order: Any, stack: Any) -> int:
    """Write the nodes below the root in preorder, siblings in the order of ``children``; return their number."""
    count = 0
    top = 0
    stack[0] = root
    while top >= 0:
        v = stack[top]
        top -= 1
        order[count] = v
        count += 1
        for k in range(first_child[v + 1] - 1, first_child[v] - 1, -1):
            top += 1
            stack[top] = children[k]
    return count


@kernel
def last_sequences(
    parent: Any,
    action: Any,
    player: Any,
    infoset: Any,
    probability: Any,
    offset: Any,
    first_sequence: Any,
    sequence: Any,
    reach: Any,
) -> None:
    """Write each player's last sequence at each node, shape (n, N), and the probability that chance lets it be reached.

    ``offset[i] + infoset[v]`` is the row of ``first_sequence`` that holds the first sequence of an information set.
    """
    for i in range(sequence.shape[0]):
        sequence[i, 0] = 0
    reach[0] = 1.0
    for v in range(1, parent.shape[0]):
        above = parent[v]
        for i in range(sequence.shape[0]):
            sequence[i, v] = sequence[i, above]
        mover = player[above]
        if mover >= 0:
            sequence[mover, v] = first_sequence[offset[mover] + infoset[above]] + action[v]
        reach[v] = reach[above] * probability[v]


@kernel
def add_along_paths(parent: Any, gains: Any) -> None:
    """Add to each node what its ancestors hold, in place; ``gains`` has shape (n, N)."""
    for v in range(1, parent.shape[0]):
        for i in range(gains.shape[0]):
            gains[i, v] += gains[i, parent[v]]


def cycle_above(parent: Any, node: int) -> list[int]:
    """Return the nodes of the cycle that the ancestors of a node run into."""
    seen: dict[int, int] = {}
    v = int(node)
    while v not in seen:
        seen[v] = len(seen)
        v = int(parent[v])
    path = np.array(list(seen))
    return [int(u) for u in path[seen[v] :]]
