"""Games on action graphs: action-graph games and Bayesian action-graph games.

In an action-graph game every player chooses an action node of her set. In a Bayesian one she first learns her type,
drawn independently of the others', which tells her action set.

References
----------
Jiang, A. X., Leyton-Brown, K. and Bhat, N. A. R. (2011). Action-graph games. Games and Economic Behavior 71, 141-173.
Jiang, A. X. and Leyton-Brown, K. (2010). Bayesian action-graph games. NIPS 23.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from marlgt.errors import BudgetExceeded, GameError
from marlgt.games._action_graph import check_action_set
from marlgt.games._arrays import exact_and_float, labels_or_default, short
from marlgt.games._exact import as_fractions
from marlgt.games.action_graph import ActionGraph, FunctionNode, Payoffs
from marlgt.games.extensive import ExtensiveGame
from marlgt.games.normal_form import NormalFormGame

__all__ = ["ActionGraphGame", "BayesianActionGraphGame"]

MAX_PAYOFFS = 1_000_000
"""Players times profiles of a normal form, and nodes of a tree, that a conversion may ask for by default."""


@dataclass(frozen=True, repr=False)
class ActionGraphGame:
    """An action-graph game; :meth:`normal_form` gives the game that solvers take.

    Attributes
    ----------
    graph : ActionGraph
    players : tuple of str

    Examples
    --------
    Two players choose among two places; being alone pays 2, together 1.

    >>> game = ActionGraphGame.of([[0, 1], [0, 1]], [[0], [1]], [], [[2, 1], [2, 1]])
    >>> game.normal_form().payoffs[0].tolist()
    [[1.0, 2.0], [2.0, 1.0]]
    """

    graph: ActionGraph
    players: tuple[str, ...]

    @classmethod
    def of(
        cls,
        action_sets: Sequence[Sequence[int]],
        neighbors: Sequence[Sequence[int]],
        functions: Sequence[FunctionNode],
        payoffs: Sequence[Payoffs] | Callable[[int, NDArray[np.int64]], Payoffs],
        *,
        players: Sequence[str] | None = None,
    ) -> ActionGraphGame:
        """Return the game of the arguments that :class:`ActionGraph` describes."""
        graph = ActionGraph(action_sets, neighbors, functions, payoffs)
        return cls(graph, labels_or_default(players, len(graph.action_sets), "players", first=1))

    @property
    def n_players(self) -> int:
        """The number of players."""
        return len(self.players)

    @property
    def n_actions(self) -> tuple[int, ...]:
        """The number of actions of each player."""
        return tuple(map(len, self.graph.action_sets))

    @property
    def is_exact(self) -> bool:
        """Whether payoffs were given as integers or fractions."""
        return self.graph.is_exact

    def normal_form(self, *, max_payoffs: int = MAX_PAYOFFS) -> NormalFormGame:
        """Return the game with all payoffs written out; actions are labelled by their nodes.

        Raises
        ------
        BudgetExceeded
            If players times profiles exceed ``max_payoffs``.
        """
        _check_size("the normal form", self.n_players * math.prod(self.n_actions), max_payoffs)
        actions = [tuple(map(str, own)) for own in self.graph.action_sets]
        return NormalFormGame(self.graph.tensor(), players=self.players, actions=actions)

    def __repr__(self) -> str:
        counts = " x ".join(map(str, self.n_actions))
        functions = len(self.graph.functions)
        return f"<ActionGraphGame: {counts}, {self.graph.n_nodes} action nodes, {functions} function nodes>"


@dataclass(frozen=True, repr=False)
class BayesianActionGraphGame:
    """A Bayesian action-graph game: types are drawn independently, then actions are chosen at once.

    Attributes
    ----------
    graph : ActionGraph
        Its action sets hold what the player may choose as any type.
    type_sets : tuple of n tuples of tuples of int
        The action nodes of each type of each player, in ascending order.
    type_probabilities : tuple of n tuples of int, Fraction or float
    players : tuple of str
    """

    graph: ActionGraph
    type_sets: tuple[tuple[tuple[int, ...], ...], ...]
    type_probabilities: tuple[tuple[Any, ...], ...]
    players: tuple[str, ...]

    @classmethod
    def of(
        cls,
        type_sets: Sequence[Sequence[Sequence[int]]],
        type_probabilities: Sequence[Sequence[Any]],
        neighbors: Sequence[Sequence[int]],
        functions: Sequence[FunctionNode],
        payoffs: Sequence[Payoffs] | Callable[[int, NDArray[np.int64]], Payoffs],
        *,
        players: Sequence[str] | None = None,
    ) -> BayesianActionGraphGame:
        """Return the game of type sets, their probabilities, and a graph as :class:`ActionGraph` describes.

        Raises
        ------
        GameError
            As there; and for type probabilities that are negative or do not sum to 1, exactly if they are exact.
        """
        sets = tuple(tuple(tuple(map(int, own)) for own in types) for types in type_sets)
        n_nodes = len(neighbors) - len(functions)
        chances = tuple(_distribution(i, types, type_probabilities) for i, types in enumerate(sets))
        for i, types in enumerate(sets):
            for t, own in enumerate(types):
                check_action_set(own, n_nodes, f"player {i} as type {t}")
        union = [sorted(set().union(*types)) for types in sets]
        graph = ActionGraph(union, neighbors, functions, payoffs)
        return cls(graph, sets, chances, labels_or_default(players, len(sets), "players", first=1))

    @property
    def n_players(self) -> int:
        """The number of players."""
        return len(self.players)

    @property
    def n_types(self) -> tuple[int, ...]:
        """The number of types of each player."""
        return tuple(map(len, self.type_sets))

    @property
    def n_actions(self) -> tuple[tuple[int, ...], ...]:
        """The number of actions of each type of each player."""
        return tuple(tuple(map(len, types)) for types in self.type_sets)

    @property
    def is_exact(self) -> bool:
        """Whether payoffs and probabilities were given as integers or fractions."""
        return self.graph.is_exact and not any(isinstance(p, float) for own in self.type_probabilities for p in own)

    def normal_form(self, *, max_payoffs: int = MAX_PAYOFFS) -> NormalFormGame:
        """Return the game before types are drawn, in which a strategy chooses an action for every type.

        Raises
        ------
        BudgetExceeded
            If players times strategy profiles times type profiles exceed ``max_payoffs``.
        """
        n, counts = self.n_players, [math.prod(own) for own in self.n_actions]
        _check_size("the normal form", n * math.prod(counts) * math.prod(self.n_types), max_payoffs)
        ex_post = self._ex_post(max_payoffs)
        plans = [list(itertools.product(*types)) for types in self.type_sets]
        columns = [
            np.array([[own.index(s) for s in plan] for plan in listed])
            for own, listed in zip(self.graph.action_sets, plans)
        ]
        total: NDArray[Any] = np.zeros((n, *counts), dtype=object if self.is_exact else np.float64)
        for types in itertools.product(*map(range, self.n_types)):
            chance = math.prod(self.type_probabilities[i][t] for i, t in enumerate(types))
            if chance:
                total = total + chance * ex_post[np.ix_(np.arange(n), *(columns[i][:, t] for i, t in enumerate(types)))]
        actions = [[" ".join(map(str, plan)) for plan in listed] for listed in plans]
        return NormalFormGame(total, players=self.players, actions=actions)

    def extensive_form(self, *, max_nodes: int = MAX_PAYOFFS) -> ExtensiveGame:
        """Return the tree in which chance draws the types, then the players choose in order, unseen.

        Raises
        ------
        BudgetExceeded
            If the tree has more than ``max_nodes`` nodes.
        """
        from marlgt.games.tree_builder import TreeBuilder

        ex_post = self._ex_post(max_nodes)
        tree = TreeBuilder(self.players, max_nodes=max_nodes)
        n, sets = self.n_players, self.graph.action_sets
        pending: list[tuple[int | None, tuple[int, ...], tuple[int, ...]]] = [(None, (), ())]
        while pending:
            parent, types, chosen = pending.pop()
            if len(types) < n:
                moves = [(str(t), p) for t, p in enumerate(self.type_probabilities[len(types)])]
                node = tree.chance(parent, moves)
                # The last to be pushed is the next to be added, so that children come in order.
                pending.extend((node, (*types, t), chosen) for t in reversed(range(len(moves))))
            elif len(chosen) < n:
                player = len(chosen)
                own = self.type_sets[player][types[player]]
                node = tree.decision(parent, player, types[player], list(map(str, own)))
                pending.extend((node, types, (*chosen, sets[player].index(s))) for s in reversed(own))
            else:
                place: tuple[Any, ...] = (slice(None), *chosen)
                tree.terminal(parent, ex_post[place].tolist())
        return tree.build()

    def _ex_post(self, limit: int) -> NDArray[Any]:
        counts = tuple(map(len, self.graph.action_sets))
        _check_size("the game of known types", self.n_players * math.prod(counts), limit)
        tensor = self.graph.tensor()
        return tensor.astype(np.float64) if not self.is_exact else as_fractions(tensor)

    def __repr__(self) -> str:
        types = " x ".join(map(str, self.n_types))
        return f"<BayesianActionGraphGame: {types} types, {self.graph.n_nodes} action nodes>"


def _distribution(player: int, types: tuple[Any, ...], given: Sequence[Sequence[Any]]) -> tuple[Any, ...]:
    if player >= len(given) or len(given[player]) != len(types) or not types:
        raise GameError(f"type_probabilities must hold one number for each type of player {player} ({len(types)})")
    floats, exact = exact_and_float(list(given[player]), f"type_probabilities[{player}]")
    total = floats.sum() if exact is None else sum(exact.tolist())
    if floats.min() < 0 or (abs(total - 1) > 1e-9 if exact is None else total != 1):
        raise GameError(
            f"the type probabilities of player {player} are {short(list(given[player]))}: they must not be negative "
            "and must sum to 1"
        )
    return tuple((floats if exact is None else exact).tolist())


def _check_size(what: str, asked: int, limit: int) -> None:
    if asked > limit:
        raise BudgetExceeded(
            f"{what} has {float(min(asked, 10**300)):.3g} payoffs to work out, more than the limit of {limit}: "
            "raise it, or give a smaller game",
            estimate=float(min(asked, 10**300)),
            limit=float(limit),
        )
