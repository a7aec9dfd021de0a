"""Configurations of action graphs: what the neighbours of a node show, for many choices of the players at once.

Whatever a node shows is a sum, a maximum or a minimum over the players of what their choices contribute, so that a
configuration is built up player by player, in a state of one number for every neighbour. A function node may have
function nodes of its own type as neighbours: then it counts their neighbours too, once for every path.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from marlgt.errors import BudgetExceeded, GameError
from marlgt.games._arrays import short

if TYPE_CHECKING:
    from marlgt.games.action_graph import FunctionNode

__all__ = [
    "KINDS",
    "MAX_WEIGHT",
    "Atoms",
    "atoms_of",
    "check_action_set",
    "check_graph",
    "check_neighbors",
    "combined",
    "configurations",
    "reachable_configurations",
]

KINDS = (0, 1, 2, 3, 10, 11, 12, 13)
"""The types of function nodes."""

MAX_WEIGHT = 2**31
"""Largest weight or default of a function node in magnitude, so that sums stay integers of 64 bits."""

_ADD, _MAX, _MIN = 0, 1, 2
_OPERATORS = (_ADD, _MAX, _MAX, _MIN)
_LEAST_WORK = 100
"""Rows whose work is as much as that of one step of few rows."""


@dataclass(frozen=True)
class Atoms:
    """What has to be counted to know the configuration of one node: one number for each neighbour.

    Attributes
    ----------
    operator : ndarray of int, shape (m,)
        How the contributions of players combine: 0 sum, 1 maximum, 2 minimum.
    contributions : ndarray of int64, shape (S, m)
        What a player who chooses an action adds to every atom.
    """

    operator: NDArray[np.int64]
    contributions: NDArray[np.int64]


def atoms_of(node: int, n_nodes: int, neighbors: Sequence[Sequence[int]], functions: Sequence[FunctionNode]) -> Atoms:
    """Return the atoms of the configuration of a node: its neighbours."""
    own = neighbors[node]
    operator = [_OPERATORS[functions[v - n_nodes].kind % 10] if v >= n_nodes else _ADD for v in own]
    contributions = np.zeros((n_nodes, len(own)), dtype=np.int64)
    known: dict[int, NDArray[np.int64]] = {}
    for column, v in enumerate(own):
        contributions[:, column] = _contribution(v, n_nodes, neighbors, functions, known)
    return Atoms(np.array(operator, dtype=np.int64), contributions)


def _contribution(
    node: int,
    n_nodes: int,
    neighbors: Sequence[Sequence[int]],
    functions: Sequence[FunctionNode],
    known: dict[int, NDArray[np.int64]],
) -> NDArray[np.int64]:
    """Return what the choice of every action node adds to a node, remembering what is worked out."""
    pending = [node]
    while pending:
        v = pending[-1]
        missing = [u for u in neighbors[v] if u >= n_nodes and u not in known] if v >= n_nodes else []
        if missing and v not in known:
            pending.extend(missing)
            continue
        pending.pop()
        if v not in known:
            known[v] = _one_contribution(v, n_nodes, neighbors, functions, known)
    return known[node]


def _one_contribution(
    node: int,
    n_nodes: int,
    neighbors: Sequence[Sequence[int]],
    functions: Sequence[FunctionNode],
    known: dict[int, NDArray[np.int64]],
) -> NDArray[np.int64]:
    alone = np.zeros(n_nodes, dtype=np.int64)
    if node < n_nodes:
        alone[node] = 1
        return alone
    function = functions[node - n_nodes]
    kind = function.kind % 10
    combine = (np.add, np.maximum, np.maximum, np.minimum)[kind]
    alone[:] = (0, 0, -1, len(neighbors))[kind]
    for u in neighbors[node]:
        if u >= n_nodes:
            alone = combine(alone, known[u])
        elif kind >= 2:
            alone[u] = u
        else:
            weight = function.weights[u] if function.kind >= 10 else 1
            alone[u] += int(weight > 0) if kind == 1 else weight
    return np.minimum(alone, 1) if kind == 1 else alone


def combined(atoms: Atoms, left: NDArray[np.int64], right: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the states of two groups of players together, by broadcasting over all but the last axis."""
    result = left + right
    for operator, combine in ((_MAX, np.maximum), (_MIN, np.minimum)):
        chosen = atoms.operator == operator
        if chosen.any():
            result[..., chosen] = combine(left[..., chosen], right[..., chosen])
    return result


def configurations(
    node: int,
    states: NDArray[np.int64],
    n_nodes: int,
    neighbors: Sequence[Sequence[int]],
    functions: Sequence[FunctionNode],
) -> NDArray[np.int64]:
    """Return the configurations of a node that states of its atoms make, of the same shape."""
    result = states.copy()
    for column, v in enumerate(neighbors[node]):
        if v >= n_nodes:
            result[..., column] = _shown(functions[v - n_nodes], states[..., column], len(neighbors))
    return result


def _shown(function: FunctionNode, state: NDArray[np.int64], n_all: int) -> NDArray[np.int64]:
    """Return what a function node shows, from what the players have contributed."""
    if function.kind == 10:
        return state + function.default
    if function.kind == 11:
        return np.maximum(state, int(function.default > 0))
    if function.kind == 2:
        return np.where(state < 0, n_all, state)
    if function.kind in (12, 13):
        none = (state < 0) | (state >= n_all)
        weights = np.array(function.weights, dtype=np.int64)
        return np.where(none, function.default, weights[np.where(none, 0, state)])
    return state


def reachable_configurations(
    node: int,
    atoms: Atoms,
    action_sets: Sequence[Sequence[int]],
    neighbors: Sequence[Sequence[int]],
    functions: Sequence[FunctionNode],
    *,
    budget: int,
) -> tuple[NDArray[np.int64], int]:
    """Return the configurations that can arise when a node is chosen, and how many rows it took to find them.

    Returns
    -------
    configurations : ndarray of int64, shape (C, neighbours)
        In lexicographic order.
    work : int

    Raises
    ------
    BudgetExceeded
        If it takes more rows than ``budget``.
    """
    n_nodes = len(atoms.contributions)
    found, work, done = [], 0, set()
    for owner, own in enumerate(action_sets):
        # Players with the same actions leave the same to the others.
        if node not in own or tuple(own) in done:
            continue
        done.add(tuple(own))
        states = atoms.contributions[[node]]
        for player, choices in enumerate(action_sets if len(atoms.operator) else ()):
            if player == owner:
                continue
            work += max(len(states) * len(choices), _LEAST_WORK)
            if work > budget:
                raise BudgetExceeded(
                    f"the configurations of action node {node} take more than {budget} rows to work out: give a "
                    "smaller game",
                    estimate=float(work),
                    limit=float(budget),
                )
            moved = combined(atoms, states[:, None], atoms.contributions[None, list(choices)])
            states = _unique_rows(moved.reshape(len(states) * len(choices), -1))
        found.append(_unique_rows(configurations(node, states, n_nodes, neighbors, functions)))
    if not found:
        return np.empty((0, len(neighbors[node])), dtype=np.int64), work
    return _unique_rows(np.concatenate(found)), work


def _unique_rows(rows: NDArray[np.int64]) -> NDArray[np.int64]:
    return np.unique(rows, axis=0) if rows.shape[1] else rows[:1]


def check_graph(
    sets: tuple[tuple[int, ...], ...], rows: tuple[tuple[int, ...], ...], functions: tuple[FunctionNode, ...]
) -> None:
    """Raise GameError unless action sets, neighbour lists and functions make an action graph."""
    n_nodes, n_all = len(rows) - len(functions), len(rows)
    if n_nodes < 1:
        raise GameError(f"there are {n_all} neighbour lists for {len(functions)} function nodes: list action nodes too")
    if not sets:
        raise GameError("action_sets is empty: a game has at least one player")
    for i, own in enumerate(sets):
        check_action_set(own, n_nodes, f"player {i}")
    for v, own in enumerate(rows):
        check_neighbors(v, own, n_all)
    for p, function in enumerate(functions):
        _check_function(p + n_nodes, function, rows[p + n_nodes], functions, n_nodes)
    _check_acyclic(rows, n_nodes)


def check_neighbors(node: int, own: tuple[int, ...], n_all: int) -> None:
    """Raise GameError unless these are different nodes."""
    bad = [u for u in own if not 0 <= u < n_all]
    if bad or len(set(own)) < len(own):
        wrong = f"there is no node {bad[0]}" if bad else "a node stands twice"
        raise GameError(f"the neighbours of node {node} are {short(own)}: {wrong}; list nodes 0 to {n_all - 1} once")


def _check_function(
    node: int, function: FunctionNode, own: tuple[int, ...], functions: tuple[FunctionNode, ...], n_nodes: int
) -> None:
    """Raise GameError unless the function node is one."""
    if function.kind not in KINDS:
        raise GameError(f"function node {node} has type {function.kind}: the types are {', '.join(map(str, KINDS))}")
    other = next((u for u in own if u >= n_nodes and functions[u - n_nodes].kind != function.kind), None)
    if other is not None:
        raise GameError(
            f"function node {node} of type {function.kind} has function node {other} of type "
            f"{functions[other - n_nodes].kind} as neighbour: a neighbour must be an action node, or of the same type"
        )
    if function.kind < 10:
        return
    if len(function.weights) != n_nodes:
        raise GameError(
            f"function node {node} has {len(function.weights)} weights: give one per action node, {n_nodes}"
        )
    if any(u >= n_nodes for u in own):
        raise GameError(
            f"function node {node} of type {function.kind} has a function node as neighbour, which has no weight: "
            "give it action nodes only"
        )
    if max(map(abs, (function.default, *function.weights))) > MAX_WEIGHT:
        raise GameError(f"function node {node} has a weight or default beyond {MAX_WEIGHT}: give smaller ones")
    if function.kind == 11 and min(function.default, *function.weights) < 0:
        raise GameError(f"function node {node} of type 11 has a negative weight or default: they must not be negative")


def check_action_set(own: tuple[int, ...], n_nodes: int, who: str) -> None:
    """Raise GameError unless these are action nodes in ascending order."""
    if not own:
        raise GameError(f"{who} has no actions: list at least one action node")
    if list(own) != sorted(set(own)) or own[0] < 0 or own[-1] >= n_nodes:
        raise GameError(f"{who} has the actions {short(own)}: list action nodes 0 to {n_nodes - 1} in ascending order")


def _check_acyclic(rows: tuple[tuple[int, ...], ...], n_nodes: int) -> None:
    waiting = {v: {u for u in rows[v] if u >= n_nodes} for v in range(n_nodes, len(rows))}
    above: dict[int, list[int]] = {v: [] for v in waiting}
    for v, below in waiting.items():
        for u in below:
            above[u].append(v)
    ready = [v for v, below in waiting.items() if not below]
    done = 0
    while ready:
        done += 1
        v = ready.pop()
        for u in above[v]:
            waiting[u].discard(v)
            if not waiting[u]:
                ready.append(u)
    if done < len(waiting):
        v = next(v for v, below in waiting.items() if below)
        raise GameError(f"function node {v} depends on itself through its neighbours: function nodes form no cycle")
