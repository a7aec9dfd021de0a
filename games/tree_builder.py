"""A builder of trees: add nodes one by one, from the root down, then build the extensive game."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from typing import Any

import numpy as np

from marlgt.errors import BudgetExceeded, GameError
from marlgt.games._arrays import short
from marlgt.games._doors import require_sequence
from marlgt.games.extensive import CHANCE, MAX_NODES, TERMINAL, ExtensiveGame, Infosets

__all__ = ["TreeBuilder"]


class TreeBuilder:
    """Builds an :class:`~marlgt.games.ExtensiveGame` node by node.

    Every method that adds a node takes its parent (None for the root) and returns the new node's number. The
    children of a node are added in the order of its actions; nodes may otherwise come in any order.

    Parameters
    ----------
    players : sequence of str
    title, comment : str
    max_nodes : int
        Most nodes before :class:`~marlgt.BudgetExceeded` is raised.

    Examples
    --------
    >>> tree = TreeBuilder(["Ann", "Bob"], title="Take it or leave it")
    >>> root = tree.decision(None, 0, "start", ["take", "leave"])
    >>> _ = tree.terminal(root, [2, 0])
    >>> after = tree.decision(root, 1, "left", ["take", "leave"])
    >>> _ = tree.terminal(after, [0, 2])
    >>> _ = tree.terminal(after, [1, 1])
    >>> tree.build()
    <ExtensiveGame 'Take it or leave it': 5 nodes, 1 + 1 information sets, exact>
    """

    def __init__(
        self, players: Sequence[str], *, title: str = "", comment: str = "", max_nodes: int = MAX_NODES
    ) -> None:
        require_sequence(players, "players", "names, one per player")
        self.players = list(players)
        self.title, self.comment, self.max_nodes = title, comment, max_nodes
        self._parent: list[int] = []
        self._action: list[int] = []
        self._player: list[int] = []
        self._infoset: list[int] = []
        self._outcome: list[int] = []
        self._probability: list[Any] = []
        self._labels: list[str] = []
        self._used: list[int] = []
        self._moves: list[Sequence[Any]] = []
        self._keys: list[dict[Hashable, int]] = [{} for _ in range(len(self.players) + 1)]
        self._set_labels: list[list[str]] = [[] for _ in self._keys]
        self._set_actions: list[list[tuple[str, ...]]] = [[] for _ in self._keys]
        self._outcomes: list[tuple[Any, ...]] = []
        self._outcome_labels: list[str] = []
        self._outcome_of: dict[Hashable, int] = {}

    @property
    def n_nodes(self) -> int:
        """The number of nodes added so far."""
        return len(self._parent)

    def decision(
        self,
        parent: int | None,
        player: int,
        infoset: Hashable,
        actions: Sequence[str],
        *,
        label: str = "",
        infoset_label: str | None = None,
        outcome: int = -1,
    ) -> int:
        """Add a node where a player moves.

        Parameters
        ----------
        parent : int or None
        player : int
        infoset : hashable
            What names the information set among those of the player; None makes one of its own.
        actions : sequence of str
            The same for every node of the information set.
        label, infoset_label : str
            The information set's label is by default its name, if that is text.
        outcome : int
            An outcome paid here, as :meth:`outcome` numbers them.

        Raises
        ------
        GameError
            If there is no such player, no action, or the information set has other actions.
        """
        if not (isinstance(player, int | np.integer) and 0 <= player < len(self.players)):
            raise GameError(f"player is {short(player)}: players are numbered from 0 to {len(self.players) - 1}")
        named = infoset_label if infoset_label is not None else infoset if isinstance(infoset, str) else ""
        return self._inner(parent, int(player), infoset, tuple(map(str, actions)), named, None, label, outcome)

    def chance(
        self,
        parent: int | None,
        moves: Sequence[tuple[str, Any]],
        *,
        infoset: Hashable = None,
        label: str = "",
        infoset_label: str = "",
        outcome: int = -1,
    ) -> int:
        """Add a node where chance moves; ``moves`` holds the label and the probability of each move."""
        labels = tuple(str(name) for name, _ in moves)
        probabilities = [p for _, p in moves]
        return self._inner(parent, CHANCE, infoset, labels, infoset_label, probabilities, label, outcome)

    def terminal(
        self, parent: int | None, payoffs: Sequence[Any] | None = None, *, outcome: int = -1, label: str = ""
    ) -> int:
        """Add a node where the game ends, with payoffs or with an outcome made by :meth:`outcome`."""
        if payoffs is not None:
            outcome = self._same_outcome(tuple(payoffs))
        return self._add(parent, TERMINAL, -1, label, outcome, ())

    def outcome(self, payoffs: Sequence[Any], label: str = "") -> int:
        """Add an outcome: what every player gets at the nodes that bear its number."""
        if len(payoffs) != len(self.players):
            raise GameError(f"payoffs are {short(payoffs)}: give one number for each of {len(self.players)} players")
        self._outcomes.append(tuple(payoffs))
        self._outcome_labels.append(label)
        return len(self._outcomes) - 1

    def build(self) -> ExtensiveGame:
        """Return the game, checked.

        Raises
        ------
        GameError
            If a node lacks children, or as :class:`~marlgt.games.ExtensiveGame` says.
        """
        for v, (used, moves) in enumerate(zip(self._used, self._moves)):
            if used != len(moves):
                raise GameError(f"node {v} has {len(moves)} actions but {used} children: add one child for each action")
        n = len(self.players)
        outcomes = np.empty((n, len(self._outcomes)), dtype=object)
        for k, payoffs in enumerate(self._outcomes):
            outcomes[:, k] = payoffs
        if not self._outcomes:
            outcomes = np.zeros((n, 0), dtype=np.int64)
        probability = np.empty(self.n_nodes, dtype=object)
        probability[:] = self._probability
        tables = [self._table(i) for i in range(n + 1)]
        return ExtensiveGame(
            np.array(self._parent, dtype=np.int64),
            np.array(self._action, dtype=np.int64),
            np.array(self._player, dtype=np.int64),
            np.array(self._infoset, dtype=np.int64),
            np.array(self._outcome, dtype=np.int64),
            outcomes,
            probability=probability,
            players=self.players,
            infosets=tables[:-1],
            chance=tables[-1],
            node_labels=self._labels if any(self._labels) else (),
            outcome_labels=self._outcome_labels if any(self._outcome_labels) else (),
            title=self.title,
            comment=self.comment,
        )

    def _table(self, place: int) -> Infosets:
        labels, actions = self._set_labels[place], self._set_actions[place]
        counts = np.array([len(a) for a in actions], dtype=np.int32)
        return Infosets(counts, tuple(labels) if any(labels) else (), tuple(actions))

    def _inner(
        self,
        parent: int | None,
        mover: int,
        infoset: Hashable,
        actions: tuple[str, ...],
        named: str,
        probabilities: list[Any] | None,
        label: str,
        outcome: int,
    ) -> int:
        if not actions:
            raise GameError(f"node {self.n_nodes} has no actions: a node where nobody can move is terminal")
        keys, tables = self._keys[mover], self._set_actions[mover]
        number = keys.get(infoset) if infoset is not None else None
        if number is None:
            number = len(tables)
            keys[infoset if infoset is not None else ("own", number)] = number
            tables.append(actions)
            self._set_labels[mover].append(named)
        elif tables[number] != actions:
            raise GameError(
                f"node {self.n_nodes} has the actions {short(actions)} but its information set {short(infoset)} has "
                f"{short(tables[number])}: whoever cannot tell two nodes apart must have the same actions at both"
            )
        return self._add(parent, mover, number, label, outcome, actions if probabilities is None else probabilities)

    def _add(self, parent: int | None, mover: int, infoset: int, label: str, outcome: int, moves: Sequence[Any]) -> int:
        node = len(self._parent)
        if node >= self.max_nodes:
            raise BudgetExceeded(
                f"the tree has more than {self.max_nodes} nodes: raise max_nodes, or give a smaller game",
                estimate=float(node + 1),
                limit=float(self.max_nodes),
            )
        probability: Any = 1
        if parent is None:
            action, above = -1, -1
            if node:
                raise GameError("the tree has a root already: give the number of the new node's parent")
        else:
            if not 0 <= parent < node:
                raise GameError(f"parent is {short(parent)}: there are nodes 0 to {node - 1}")
            action, above = self._used[parent], int(parent)
            moves_above = self._moves[parent]
            if action >= len(moves_above):
                raise GameError(f"node {parent} has {len(moves_above)} actions and as many children already")
            self._used[parent] += 1
            if self._player[parent] == CHANCE:
                probability = moves_above[action]
        self._parent.append(above)
        self._action.append(action)
        self._player.append(mover)
        self._infoset.append(infoset)
        self._outcome.append(outcome)
        self._probability.append(probability)
        self._labels.append(label)
        self._used.append(0)
        self._moves.append(moves)
        return node

    def _same_outcome(self, payoffs: tuple[Any, ...]) -> int:
        key = tuple((type(x), x) for x in payoffs)
        number = self._outcome_of.get(key)
        if number is None:
            number = self._outcome_of[key] = self.outcome(payoffs)
        return number
