"""The door of extensive games: arrays that should be a tree are checked and put into preorder, once."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from marlgt.errors import GameError
from marlgt.games._arrays import exact_and_float, labels_or_default, short
from marlgt.games._tree_kernels import add_along_paths, cycle_above, depths_in_preorder, preorder
from marlgt.games.infosets import CHANCE, TERMINAL, Infosets
from marlgt.kernels import gear

__all__ = ["checked_tree", "path_sums"]

_SUM_TOLERANCE = 1e-9


def checked_tree(
    parent: ArrayLike,
    action: ArrayLike,
    player: ArrayLike,
    infoset: ArrayLike,
    outcome: ArrayLike,
    outcomes: ArrayLike,
    probability: ArrayLike | None,
    infosets: Sequence[Infosets] | None,
    chance: Infosets | None,
    node_labels: Sequence[str],
) -> dict[str, Any]:
    """Return the fields of an extensive game, its nodes in preorder and its information sets in order of appearance.

    Raises
    ------
    GameError
        As :class:`~marlgt.games.ExtensiveGame` says.
    """
    parent = _integers(parent, "parent", None)
    n_nodes = len(parent)
    if n_nodes == 0:
        raise GameError("parent is empty: a tree has at least a root, whose parent is -1")
    nodes = {
        "action": _integers(action, "action", n_nodes),
        "player": _integers(player, "player", n_nodes),
        "infoset": _integers(infoset, "infoset", n_nodes),
        "outcome": _integers(outcome, "outcome", n_nodes),
    }
    floats, exact_outcomes = exact_and_float(outcomes, "outcomes")
    if floats.ndim != 2 or floats.shape[0] == 0:
        raise GameError(
            f"outcomes must have shape (n, K), one row per player and one column per outcome, got {floats.shape}"
        )
    chances, exact_chances = _probabilities(probability, n_nodes)
    labels = labels_or_default(node_labels, n_nodes, "node_labels", first=0) if node_labels else ()
    order, depth, first_child, children = _preordered(parent, nodes["action"])
    if order is not None:
        place = np.empty(n_nodes, dtype=np.int32)
        place[order] = np.arange(n_nodes, dtype=np.int32)
        parent = np.where(parent[order] >= 0, place[parent[order]], -1).astype(np.int32)
        nodes = {name: array[order] for name, array in nodes.items()}
        chances = chances[order]
        exact_chances = None if exact_chances is None else exact_chances[order]
        labels = tuple(labels[v] for v in order) if labels else ()
    nodes["action"][0] = -1
    given = np.arange(n_nodes) if order is None else order
    _check_movers(nodes, floats.shape, first_child, given)
    sets, chance_sets = _appearing(nodes, floats.shape[0], infosets, chance, np.diff(first_child), given)
    by_chance = np.zeros(n_nodes, dtype=bool)
    by_chance[1:] = nodes["player"][parent[1:]] == CHANCE
    if exact_chances is None and not by_chance.any():
        exact_chances = np.ones(n_nodes, dtype=object)
    chances[~by_chance] = 1.0
    if exact_chances is not None:
        exact_chances = exact_chances.astype(object)
        exact_chances[~by_chance] = 1
    _check_chances(nodes["player"], chances, exact_chances, first_child, children, given)
    return {
        "parent": parent,
        **nodes,
        "probability": chances,
        "outcomes": floats,
        "depth": depth,
        "first_child": first_child,
        "children": children,
        "infosets": sets,
        "chance": chance_sets,
        "node_labels": labels,
        "_exact_outcomes": exact_outcomes,
        "_exact_probability": exact_chances,
    }


def path_sums(
    parent: NDArray[np.int32], outcome: NDArray[np.int32], outcomes: NDArray[Any], terminals: NDArray[np.int64]
) -> NDArray[Any]:
    """Return what the outcomes on the path to each terminal node add up to, shape (n, T)."""
    n = len(outcomes)
    padded = np.concatenate([outcomes, np.zeros((n, 1), dtype=outcomes.dtype)], axis=1)
    inner = outcome.copy()
    inner[terminals] = -1
    sums: NDArray[Any]
    if (inner < 0).all():
        sums = padded[:, outcome[terminals]]
    else:
        gains = padded[:, outcome]
        walk = add_along_paths if outcomes.dtype == object else gear(add_along_paths, 4.0 * n * len(parent))
        walk(parent, gains)
        sums = np.ascontiguousarray(gains[:, terminals])
    sums.flags.writeable = False
    return sums


def _integers(values: ArrayLike, name: str, length: int | None) -> NDArray[np.int32]:
    floats, exact = exact_and_float(values, name)
    if floats.size == 0 and floats.ndim == 1 and length in (None, 0):
        return np.empty(0, dtype=np.int32)
    if exact is None or exact.dtype != np.int64 or floats.ndim != 1:
        raise GameError(f"{name} is {short(values)}: give one whole number per node")
    if length is not None and len(exact) != length:
        raise GameError(f"{name} has {len(exact)} entries but parent has {length}: give one per node")
    if np.abs(exact).max() > np.iinfo(np.int32).max:
        raise GameError(f"{name} holds {int(np.abs(exact).max())}: nodes are counted in 32 bits")
    return exact.astype(np.int32)


def _probabilities(given: ArrayLike | None, n_nodes: int) -> tuple[NDArray[np.float64], NDArray[Any] | None]:
    if given is None:
        return np.ones(n_nodes), np.ones(n_nodes, dtype=np.int64)
    if isinstance(given, np.ndarray) and given.dtype == object and given.ndim == 1 and len(given):
        floats, exact = _exact_and_float_of_few(given)
    else:
        floats, exact = exact_and_float(given, "probability")
    if floats.shape != (n_nodes,):
        raise GameError(f"probability has shape {floats.shape} but there are {n_nodes} nodes: give one per node")
    return floats, exact


def _exact_and_float_of_few(given: NDArray[Any]) -> tuple[NDArray[np.float64], NDArray[Any] | None]:
    """Return what ``exact_and_float`` does, converting each object once: a tree has few different probabilities."""
    flat = given.tolist()
    place = {id(x): v for v, x in enumerate(flat)}
    if 2 * len(place) > len(flat):
        return exact_and_float(given, "probability")
    distinct = list(place.values())
    rank = dict(zip(place, range(len(distinct))))
    number = np.array([rank[id(x)] for x in flat])
    try:
        floats, exact = exact_and_float(given[distinct], "probability")
    except GameError:  # tell its place among all
        return exact_and_float(given, "probability")
    return floats[number], None if exact is None else exact[number]


def _preordered(
    parent: NDArray[np.int32], action: NDArray[np.int32]
) -> tuple[NDArray[np.int64] | None, NDArray[np.int32], NDArray[np.int64], NDArray[np.int32]]:
    """Return the preorder (None if the nodes stand in it), depths, and the children of each node in that order."""
    n_nodes = len(parent)
    roots = np.flatnonzero(parent == -1)
    if len(roots) != 1:
        raise GameError(f"{len(roots)} nodes have the parent -1: a tree has exactly one root")
    if parent.min() < -1 or parent.max() >= n_nodes:
        v = int(np.flatnonzero((parent < -1) | (parent >= n_nodes))[0])
        raise GameError(f"parent[{v}] is {parent[v]}: nodes are numbered from 0 to {n_nodes - 1}")
    action = action.copy()
    action[roots[0]] = -1
    first_child, children = _children(parent, action)
    expected = np.arange(n_nodes - 1) - first_child[parent[children]]
    wrong = np.flatnonzero(action[children] != expected)
    if len(wrong):
        v = int(children[wrong[0]])
        raise GameError(
            f"node {v} is reached by action {action[v]} of node {parent[v]}, where action {expected[wrong[0]]} was "
            "expected: the children of a node must be reached by actions 0, 1, 2, ..., each once"
        )
    depth = np.empty(n_nodes, dtype=np.int32)
    in_order = roots[0] == 0 and gear(depths_in_preorder, 4.0 * n_nodes)(parent, depth) < 0
    if in_order and bool((np.diff(children)[np.diff(parent[children]) == 0] > 0).all()):
        return None, depth, first_child, children
    order = np.empty(n_nodes, dtype=np.int64)
    stack = np.empty(n_nodes + 1, dtype=np.int64)
    reached = gear(preorder, 8.0 * n_nodes)(int(roots[0]), first_child, children, order, stack)
    if reached < n_nodes:
        lost = np.ones(n_nodes, dtype=bool)
        lost[order[:reached]] = False
        cycle = cycle_above(parent, int(np.flatnonzero(lost)[0]))
        shown = " -> ".join(map(str, [*cycle[:6], cycle[0] if len(cycle) <= 6 else "..."]))
        raise GameError(f"the nodes {shown} are each other's ancestors: a tree has no cycles, so mend their parents")
    place = np.empty(n_nodes, dtype=np.int32)
    place[order] = np.arange(n_nodes, dtype=np.int32)
    moved = np.where(parent[order] >= 0, place[parent[order]], -1).astype(np.int32)
    gear(depths_in_preorder, 4.0 * n_nodes)(moved, depth)
    return (order, depth, *_children(moved, action[order]))


def _children(parent: NDArray[np.int32], action: NDArray[np.int32]) -> tuple[NDArray[np.int64], NDArray[np.int32]]:
    children = np.lexsort((action, parent))[1:]
    first_child = np.searchsorted(parent[children], np.arange(len(parent) + 1)).astype(np.int64)
    return first_child, children.astype(np.int32)


def _check_movers(
    nodes: dict[str, NDArray[np.int32]],
    shape: tuple[int, ...],
    first_child: NDArray[np.int64],
    given: NDArray[np.int64],
) -> None:
    """Raise for what is no mover, outcome or information set; ``given[v]`` is the caller's number of node v."""
    player, outcome, infoset = nodes["player"], nodes["outcome"], nodes["infoset"]
    n, n_outcomes = shape
    bad = np.flatnonzero((player < TERMINAL) | (player >= n))
    if len(bad):
        v = bad[np.argmin(given[bad])]
        raise GameError(
            f"player[{given[v]}] is {player[v]}: the movers are 0 to {n - 1}, {CHANCE} for chance and {TERMINAL} "
            "for a terminal node"
        )
    bad = np.flatnonzero((outcome < -1) | (outcome >= n_outcomes))
    if len(bad):
        v = bad[np.argmin(given[bad])]
        raise GameError(f"outcome[{given[v]}] is {outcome[v]}: there are {n_outcomes} outcomes, and -1 is for none")
    leaf = np.diff(first_child) == 0
    bad = np.flatnonzero(leaf != (player == TERMINAL))
    if len(bad):
        v = bad[np.argmin(given[bad])]
        says = "has no children but a mover" if leaf[v] else "has children but is marked terminal"
        raise GameError(f"node {given[v]} {says}: exactly the nodes without children are terminal")
    bad = np.flatnonzero((infoset < 0) & ~leaf)
    if len(bad):
        v = bad[np.argmin(given[bad])]
        raise GameError(f"infoset[{given[v]}] is {infoset[v]}: information sets are numbered from 0")


def _appearing(
    nodes: dict[str, NDArray[np.int32]],
    n_players: int,
    infosets: Sequence[Infosets] | None,
    chance: Infosets | None,
    n_children: NDArray[np.int64],
    given_numbers: NDArray[np.int64],
) -> tuple[tuple[Infosets, ...], Infosets]:
    """Number each mover's information sets in order of appearance, in place, and return their tables."""
    if infosets is not None and len(infosets) != n_players:
        raise GameError(f"infosets must hold one table per player ({n_players}), got {len(infosets)}")
    tables = []
    for mover in (*range(n_players), CHANCE):
        given = chance if mover == CHANCE else None if infosets is None else infosets[mover]
        tables.append(_renumbered(nodes, mover, given, n_children, given_numbers))
    nodes["infoset"][nodes["player"] == TERMINAL] = -1
    return tuple(tables[:-1]), tables[-1]


def _renumbered(
    nodes: dict[str, NDArray[np.int32]],
    mover: int,
    given: Infosets | None,
    n_children: NDArray[np.int64],
    given_numbers: NDArray[np.int64],
) -> Infosets:
    who = "chance" if mover == CHANCE else f"player {mover}"
    own = np.flatnonzero(nodes["player"] == mover)
    numbers, first, inverse = np.unique(nodes["infoset"][own], return_index=True, return_inverse=True)
    rank = np.empty(len(numbers), dtype=np.int32)
    by_appearance = np.argsort(first)
    rank[by_appearance] = np.arange(len(numbers), dtype=np.int32)
    nodes["infoset"][own] = rank[inverse]
    counts = n_children[own[first]]
    bad = np.flatnonzero(n_children[own] != counts[inverse])
    if len(bad):
        v, u = int(own[bad[0]]), int(own[first[inverse[bad[0]]]])
        raise GameError(
            f"nodes {given_numbers[u]} and {given_numbers[v]} of {who} have {n_children[u]} and {n_children[v]} "
            "actions but share an information set: whoever cannot tell two nodes apart must have the same actions "
            "at both"
        )
    n_actions = counts[by_appearance].astype(np.int32)
    n_actions.flags.writeable = False
    if given is None or not (given.labels or given.actions):
        return Infosets(n_actions)
    sources = numbers[by_appearance].tolist()
    return Infosets(
        n_actions,
        _chosen_labels(given.labels, sources, who),
        _chosen_actions(given.actions, sources, n_actions, who),
    )


def _chosen_labels(labels: tuple[str, ...], sources: list[int], who: str) -> tuple[str, ...]:
    if not labels:
        return ()
    if sources and max(sources) >= len(labels):
        raise GameError(f"{who} has an information set {max(sources)} but only {len(labels)} labels: give one for each")
    return tuple(labels[k] for k in sources)


def _chosen_actions(
    actions: tuple[tuple[str, ...], ...], sources: list[int], n_actions: NDArray[np.int32], who: str
) -> tuple[tuple[str, ...], ...]:
    if not actions:
        return ()
    if sources and max(sources) >= len(actions):
        raise GameError(
            f"{who} has an information set {max(sources)} but actions of only {len(actions)}: give them all"
        )
    for k, count in zip(sources, n_actions.tolist()):
        if len(actions[k]) != count:
            raise GameError(
                f"information set {k} of {who} has {count} actions in the tree but {len(actions[k])} labels: "
                "give one each"
            )
    return tuple(actions[k] for k in sources)


def _check_chances(
    player: NDArray[np.int32],
    chances: NDArray[np.float64],
    exact: NDArray[Any] | None,
    first_child: NDArray[np.int64],
    children: NDArray[np.int32],
    given: NDArray[np.int64],
) -> None:
    if chances.min() < 0:
        v = int(np.argmin(chances))
        raise GameError(
            f"the chance move to node {given[v]} has probability {chances[v]}: probabilities are not negative"
        )
    movers = np.flatnonzero(player == CHANCE)
    if not len(movers):
        return
    counts = np.diff(first_child)[movers]
    below = np.repeat(player == CHANCE, np.diff(first_child))
    sums = np.add.reduceat(chances[children[below]], np.cumsum(counts) - counts)
    numbers: NDArray[Any] = chances if exact is None else exact
    wrong = np.abs(sums - 1.0) > (_SUM_TOLERANCE if exact is None else 1e-6)
    for v in movers[wrong] if exact is None or wrong.any() else movers:
        total = sum(numbers[children[first_child[v] : first_child[v + 1]]].tolist())
        if exact is None or total != 1:
            _refuse_sum(int(given[v]), total)


def _refuse_sum(node: int, total: Any) -> None:
    raise GameError(
        f"the probabilities of the moves of chance node {node} sum to {short(total, quoted=False)}: they must "
        "sum to 1; give fractions.Fraction(1, 3) for an exact third"
    )
