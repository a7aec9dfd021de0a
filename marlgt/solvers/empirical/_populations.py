"""Populations of strategies and the table of what they get from each other, which grows with them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from marlgt.errors import BudgetExceeded, GameError
from marlgt.games._arrays import short
from marlgt.games.normal_form import NormalFormGame
from marlgt.solvers.empirical._arenas import Arena, Vector

__all__ = ["Populations"]

MOST_CELLS = 10_000_000
"""Most profiles of a meta-game."""


class Populations:
    """The strategies of each player, and the payoffs of all their profiles.

    Attributes
    ----------
    strategies : list of n lists of ndarray
    vectors : list of n lists of ndarray
        The same, encoded.
    """

    def __init__(self, arena: Arena, start: Any) -> None:
        self.arena = arena
        first = arena.uniform() if start is None else arena.checked(start)
        self.strategies: list[list[Vector]] = [[] for _ in first]
        self.vectors: list[list[Vector]] = [[] for _ in first]
        self._table = np.zeros((len(first), *[0] * len(first)))
        self.add([[strategy] for strategy in first], duplicates=True)

    @property
    def sizes(self) -> list[int]:
        """How many strategies each player has."""
        return [len(own) for own in self.strategies]

    def meta_game(self) -> NormalFormGame:
        """Return the game among the strategies."""
        return NormalFormGame(self._table, title="empirical game")

    def snapshot(self) -> tuple[tuple[Any, ...], ...]:
        """Return the strategies as tuples, read-only."""
        for own in self.strategies:
            for strategy in own:
                strategy.flags.writeable = False
        return tuple(map(tuple, self.strategies))

    def mixture(self, weights: Sequence[NDArray[np.float64]]) -> list[Vector]:
        """Return the vector of each player's mixture."""
        return [
            np.asarray(sum(w * vector for w, vector in zip(own, vectors) if w > 0.0))
            for own, vectors in zip(weights, self.vectors)
        ]

    def add(self, fresh: Sequence[Sequence[Vector]], *, duplicates: bool) -> bool:
        """Add strategies of each player, as a rule only those that she has not; tell whether any was added."""
        before = self.sizes
        for i, new in enumerate(fresh):
            for strategy in new:
                if duplicates or not any(np.array_equal(strategy, old) for old in self.strategies[i]):
                    self.strategies[i].append(strategy)
                    self.vectors[i].append(self.arena.encoded(i, strategy))
        after = self.sizes
        if after == before:
            return False
        if np.prod([float(size) for size in after]) > MOST_CELLS:
            raise BudgetExceeded(
                f"populations of {after} strategies have more than {MOST_CELLS:,} profiles: allow fewer iterations",
                estimate=float(np.prod([float(size) for size in after])),
                limit=MOST_CELLS,
            )
        table = np.zeros((len(after), *after))
        table[(slice(None), *(slice(size) for size in before))] = self._table
        for cell in np.ndindex(*after):
            if any(k >= size for k, size in zip(cell, before)):
                table[(slice(None), *cell)] = self.arena.payoffs([own[k] for own, k in zip(self.vectors, cell)])
        self._table = table
        return True

    def checked_reply(self, player: int, strategy: Any) -> Vector:
        """Return what an oracle gave, checked as a strategy of the player."""
        first = [own[0] for own in self.strategies]
        shape = first[player].shape
        if np.shape(strategy) != shape:
            raise GameError(
                f"the oracle of player {player} gave {short(strategy)}: give a strategy of the full game, shape {shape}"
            )
        first[player] = strategy
        return np.array(self.arena.checked(first)[player])
