"""Action graphs: payoffs of simultaneous games that depend on few counts (Jiang, Leyton-Brown and Bhat 2011).

Every player chooses one *action node* of her action set; sets of players may overlap. The payoff of whoever chooses
node s is a function of the *configuration* of s: the number that each neighbour of s in the action graph shows. An
action node shows how many players chose it; a *function node* shows a function of what its own neighbours show.
The games on such graphs stand in :mod:`marlgt.games.action_graph_games`.

References
----------
Jiang, A. X., Leyton-Brown, K. and Bhat, N. A. R. (2011). Action-graph games. Games and Economic Behavior 71, 141-173.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from marlgt.errors import GameError
from marlgt.games._action_graph import (
    Atoms,
    atoms_of,
    check_graph,
    combined,
    configurations,
    reachable_configurations,
)
from marlgt.games._arrays import exact_and_float

__all__ = ["ActionGraph", "FunctionNode"]

MAX_WORK = 10**7
"""Rows of configurations, of all nodes together, that are worked out at most."""


Payoffs = Mapping[tuple[int, ...], Any] | Sequence[Any]
"""Of an action node: from configurations, or in their order."""


@dataclass(frozen=True)
class FunctionNode:
    """What a function node shows.

    Attributes
    ----------
    kind : int
        0: how many players chose a neighbour. 1: whether any did. 2 and 3: the highest and the lowest neighbour
        that was chosen, the number of all nodes if there is none. 10: ``default`` plus the weight of its choice for
        every player who chose a neighbour. 11: whether that is positive. 12 and 13: the weight of the highest and
        of the lowest neighbour that was chosen, ``default`` if there is none.
    default : int
        0 for the kinds 0 to 3.
    weights : tuple of int
        One for every action node for the kinds 10 to 13, else empty; not negative for kind 11.
    """

    kind: int
    default: int = 0
    weights: tuple[int, ...] = ()


@dataclass(frozen=True, eq=False, repr=False, init=False)
class ActionGraph:
    """The graph of an action-graph game, with the payoffs of its action nodes.

    Parameters
    ----------
    action_sets : sequence of sequences of int
        The action nodes that each player may choose, of any type, in ascending order.
    neighbors : sequence of S + P sequences of int
        The neighbours of each action node, then of each function node; function nodes are numbered after the S
        action nodes and form no cycle.
    functions : sequence of P FunctionNode
    payoffs : sequence of S mappings or sequences, or callable
        For every action node the payoff of each configuration that can arise: a mapping from tuples, of which
        others are left out, or the payoffs alone in the lexicographic order of the configurations. A callable
        gives either for a node and the array of its configurations.

    Attributes
    ----------
    configurations : tuple of S ndarrays of int64, shapes (C_s, neighbours of s)
        In lexicographic order.
    payoffs : tuple of S ndarrays of float64, shapes (C_s,)

    Raises
    ------
    GameError
        For sets, neighbours or functions that fit no graph, and payoffs that are missing or not finite.
    BudgetExceeded
        If the configurations of all nodes take more than ``max_work`` rows to work out.
    """

    action_sets: tuple[tuple[int, ...], ...]
    neighbors: tuple[tuple[int, ...], ...]
    functions: tuple[FunctionNode, ...]
    configurations: tuple[NDArray[np.int64], ...]
    payoffs: tuple[NDArray[np.float64], ...]
    _exact: tuple[NDArray[Any], ...] | None
    _atoms: tuple[Atoms, ...]

    def __init__(
        self,
        action_sets: Sequence[Sequence[int]],
        neighbors: Sequence[Sequence[int]],
        functions: Sequence[FunctionNode],
        payoffs: Sequence[Payoffs] | Callable[[int, NDArray[np.int64]], Payoffs],
        *,
        max_work: int = MAX_WORK,
    ) -> None:
        rows = tuple(tuple(map(int, own)) for own in neighbors)
        sets = tuple(tuple(map(int, own)) for own in action_sets)
        functions = tuple(functions)
        n_nodes = len(rows) - len(functions)
        check_graph(sets, rows, functions)
        if not callable(payoffs) and len(payoffs) != n_nodes:
            raise GameError(f"payoffs must hold one table for each of {n_nodes} action nodes, got {len(payoffs)}")
        atoms = tuple(atoms_of(s, n_nodes, rows, functions) for s in range(n_nodes))
        tables, listed = [], []
        for s in range(n_nodes):
            table, work = reachable_configurations(s, atoms[s], sets, rows, functions, budget=max_work)
            max_work -= work
            tables.append(table)
            given = payoffs(s, tables[s]) if callable(payoffs) else payoffs[s]
            listed.append(_in_order(s, tables[s], given))
        floats, exact = exact_and_float([x for own in listed for x in own] or np.empty(0, np.int64), "payoffs")
        ends = np.cumsum([len(own) for own in listed])[:-1]
        for array in (floats, *tables):
            array.flags.writeable = False
        fields = {
            "action_sets": sets,
            "neighbors": rows,
            "functions": functions,
            "configurations": tuple(tables),
            "payoffs": tuple(np.split(floats, ends)),
            "_exact": None if exact is None else tuple(np.split(exact, ends)),
            "_atoms": atoms,
        }
        for name, value in fields.items():
            object.__setattr__(self, name, value)

    @property
    def n_nodes(self) -> int:
        """The number S of action nodes."""
        return len(self.payoffs)

    @property
    def is_exact(self) -> bool:
        """Whether payoffs were given as integers or fractions."""
        return self._exact is not None

    def tensor(self) -> NDArray[Any]:
        """Return every player's payoff for every choice of action nodes, shape (n, A_1, ..., A_n)."""
        n, counts = len(self.action_sets), tuple(map(len, self.action_sets))
        exact = self._exact
        whole = exact is not None and all(table.dtype != object for table in exact)
        result = np.empty((n, *counts), dtype=np.float64 if exact is None else np.int64 if whole else object)
        for player, own in enumerate(self.action_sets):
            for a, s in enumerate(own):
                atoms = self._atoms[s]
                states = atoms.contributions[[s]].reshape((1,) * n + (-1,))
                for other, choices in enumerate(self.action_sets):
                    if other != player:
                        shape = tuple(len(choices) if j == other else 1 for j in range(n))
                        states = combined(atoms, states, atoms.contributions[list(choices)].reshape((*shape, -1)))
                grid = configurations(s, states, self.n_nodes, self.neighbors, self.functions)
                place = _rows_in(self.configurations[s], grid)
                table = self.payoffs[s] if exact is None else exact[s]
                chosen = tuple(slice(a, a + 1) if j == player else slice(None) for j in range(n))
                result[(player, *chosen)] = table[place].reshape(grid.shape[:-1])
        return result

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, ActionGraph):
            return NotImplemented
        same = (self.action_sets, self.neighbors, self.functions) == (
            other.action_sets,
            other.neighbors,
            other.functions,
        )
        tables = zip(self.payoffs, other.payoffs)
        if self._exact is not None and other._exact is not None:
            tables = zip(self._exact, other._exact)
        return same and all(np.array_equal(a, b) for a, b in tables)

    def __hash__(self) -> int:
        return hash((self.action_sets, self.neighbors, self.functions, *(p.tobytes() for p in self.payoffs)))


def _in_order(node: int, table: NDArray[np.int64], given: Any) -> list[Any]:
    """Return the payoffs of a node in the order of its configurations."""
    if not isinstance(given, Mapping):
        if len(given) != len(table):
            raise GameError(
                f"action node {node} has {len(given)} payoffs: give one for each of the {len(table)} configurations "
                "that can arise when it is chosen"
            )
        return list(given)
    rows = list(map(tuple, table.tolist()))
    missing = next((row for row in rows if row not in given), None)
    if missing is not None:
        raise GameError(f"action node {node} has no payoff for the configuration {list(missing)}, which can arise")
    return [given[row] for row in rows]


def _rows_in(table: NDArray[np.int64], rows: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the position of every row in a table of distinct rows in lexicographic order that holds them all."""
    if not table.shape[1]:
        return np.zeros(math.prod(rows.shape[:-1]), dtype=np.int64)
    rows = rows.reshape(-1, table.shape[1])
    _, inverse = np.unique(np.concatenate([table, rows]), axis=0, return_inverse=True)
    return np.asarray(inverse.reshape(-1)[len(table) :], dtype=np.int64)
