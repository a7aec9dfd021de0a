"""Trees and nested lists seen as rules, so that one engine searches all of them."""

from __future__ import annotations

import numbers
from collections.abc import Sequence
from functools import cached_property
from typing import Any

import numpy as np

from marlgt.errors import GameError
from marlgt.games._arrays import short
from marlgt.games.extensive import CHANCE, TERMINAL, ExtensiveGame

__all__ = ["ListRules", "TreeRules", "moves_of", "searchable"]

_METHODS = ("initial_state", "current_player", "legal_actions", "chance_outcomes", "next_state", "returns")

Node = tuple[Any, int]


class ListRules:
    """A game of two given as nested lists: numbers are what player 0 gets from player 1, who move in turn."""

    players = ("1", "2")

    def __init__(self, tree: Sequence[Any]) -> None:
        self.tree = tree

    def initial_state(self) -> Node:
        """Return the outermost list, where player 0 moves."""
        return self.tree, 0

    def current_player(self, state: Node) -> int:
        """Return the player by the parity of the depth."""
        return state[1] % 2 if isinstance(state[0], (list, tuple)) else TERMINAL

    def legal_actions(self, state: Node) -> range:
        """Return the places in the list."""
        if not len(state[0]):
            raise GameError("the tree holds an empty list: give every inner node a child")
        return range(len(state[0]))

    def chance_outcomes(self, state: Node) -> list[Any]:
        """Return nothing: chance does not move."""
        return []

    def next_state(self, state: Node, action: int) -> Node:
        """Return a child."""
        return state[0][action], state[1] + 1

    def information_state(self, state: Node) -> None:
        """Return None: every position is known."""

    def returns(self, state: Node) -> tuple[Any, Any]:
        """Return the number and its negative."""
        value = state[0]
        if isinstance(value, bool) or not isinstance(value, (numbers.Real, np.number)):
            raise GameError(f"the tree holds {short(value)}: its leaves must be numbers, its inner nodes lists")
        return value, -value


class TreeRules:
    """An extensive game whose states are the numbers of its nodes and whose actions are numbered."""

    def __init__(self, game: ExtensiveGame) -> None:
        self.players = game.players
        self.game = game

    @cached_property
    def _player(self) -> list[int]:
        return list(self.game.player.tolist())

    @cached_property
    def _first(self) -> list[int]:
        return list(self.game.first_child.tolist())

    @cached_property
    def _children(self) -> list[int]:
        return list(self.game.children.tolist())

    @cached_property
    def _payoff(self) -> dict[int, list[float]]:
        return dict(zip(self.game.terminals.tolist(), self.game.terminal_payoffs.T.tolist()))

    def initial_state(self) -> int:
        """Return the root."""
        return 0

    def current_player(self, state: int) -> int:
        """Return who moves at a node."""
        return self._player[state]

    def legal_actions(self, state: int) -> range:
        """Return the numbers of the actions."""
        return range(self._first[state + 1] - self._first[state])

    def chance_outcomes(self, state: int) -> list[tuple[int, float]]:
        """Return the numbers of the moves of chance, each with its probability."""
        children = self._children[self._first[state] : self._first[state + 1]]
        return [(k, float(self.game.probability[child])) for k, child in enumerate(children)]

    def next_state(self, state: int, action: int) -> int:
        """Return a child."""
        return self._children[self._first[state] + action]

    def information_state(self, state: int) -> int:
        """Return the number of the information set among those of its player."""
        return int(self.game.infoset[state])

    def returns(self, state: int) -> list[float]:
        """Return what the players have got at a terminal node."""
        return self._payoff[state]


def searchable(game: Any, state: Any) -> tuple[Any, Any]:
    """Return rules and the state to search from.

    Parameters
    ----------
    game : Rules, ExtensiveGame or nested lists of numbers
    state : optional
        By default where the game begins.

    Raises
    ------
    GameError
        For anything else, a node that the tree has not, and a starting state in which no player moves.
    """
    rules = game
    if isinstance(game, ExtensiveGame):
        if state is not None and not (isinstance(state, (int, np.integer)) and 0 <= state < game.n_nodes):
            raise GameError(f"state is {short(state)}: give a node of the tree, from 0 to {game.n_nodes - 1}")
        rules, state = TreeRules(game), None if state is None else int(state)
    elif isinstance(game, (np.ndarray, list, tuple)):
        if state is not None and not (
            isinstance(state, tuple)
            and len(state) == 2
            and isinstance(state[0], (list, tuple))
            and isinstance(state[1], int)
        ):
            raise GameError(f"state is {short(state)}: give a part of the nested lists and its depth, as a pair")
        rules = ListRules(game.tolist() if isinstance(game, np.ndarray) else game)
    elif not all(callable(getattr(game, name, None)) for name in _METHODS):
        raise GameError(
            f"game is {short(game)}: give rules (marlgt.games.Rules), an ExtensiveGame, or nested lists of numbers"
        )
    return rules, rules.initial_state() if state is None else state


def moves_of(rules: Any, state: Any, mover: int) -> tuple[list[Any], list[float]]:
    """Return the actions at a state, and their probabilities where chance moves."""
    if mover == CHANCE:
        outcomes = rules.chance_outcomes(state)
        return [action for action, _ in outcomes], [float(p) for _, p in outcomes]
    actions = list(rules.legal_actions(state))
    if not actions:
        raise GameError(f"player {mover} has no legal action in the state {short(state)}: call such states terminal")
    return actions, []
