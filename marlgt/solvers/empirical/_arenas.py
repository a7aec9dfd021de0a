"""The three types of game as populations see them: strategies as vectors, payoffs, mixtures and best replies.

In normal form a strategy is a distribution over actions, in extensive form a realization plan; payoffs are
multilinear in both, so that a mixture of strategies is the weighted sum of their vectors, and what a player's vector
earns against the others' is an inner product with what her pure parts earn. A mixture of stationary policies has no
such vector: what it plays depends on the past. It is replaced by the policy that averages them state by state.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from marlgt.certificates import certified
from marlgt.concepts.behavior import sequence_worths
from marlgt.concepts.stationary import best_stationary, stationary_values
from marlgt.equilibria import Equilibrium
from marlgt.games._doors import require_any_game
from marlgt.games._profiles import checked_profile, deviation_payoffs
from marlgt.games._sequence_kernels import best_reply_pass, pass_over
from marlgt.games.extensive import ExtensiveGame
from marlgt.games.normal_form import NormalFormGame
from marlgt.games.sequence_form import checked_behavior
from marlgt.games.stochastic import StochasticGame, checked_stationary
from marlgt.policy_certificates import certified_policies

__all__ = ["Arena", "ExtensiveArena", "NormalArena", "StochasticArena", "arena_of"]

Vector = NDArray[np.float64]


class NormalArena:
    """Distributions over actions."""

    def __init__(self, game: NormalFormGame) -> None:
        self.game = game

    def uniform(self) -> tuple[Vector, ...]:
        """Return the strategies that choose everything alike."""
        return tuple(np.full(count, 1.0 / count) for count in self.game.n_actions)

    def checked(self, profile: Any) -> tuple[Vector, ...]:
        """Return strategies, one per player, as checked arrays."""
        return tuple(checked_profile(self.game, profile))

    def encoded(self, player: int, strategy: Vector) -> Vector:
        """Return the vector of a strategy."""
        return strategy

    def decoded(self, player: int, vector: Vector) -> Vector:
        """Return the strategy of a vector."""
        return np.asarray(vector / vector.sum())

    def payoffs(self, vectors: Sequence[Vector]) -> Vector:
        """Return what each player gets, shape (n,)."""
        tensor = self.game.payoffs
        for vector in reversed(vectors):
            tensor = tensor @ vector
        return np.asarray(tensor)

    def worths(self, vectors: Sequence[Vector], player: int) -> Vector:
        """Return what the parts of a player's vector earn against the others'; linear in each of these."""
        return deviation_payoffs(self.game.payoffs[player], tuple(vectors), player)

    def best(self, player: int, worths: Vector) -> tuple[float, Vector]:
        """Return the most that a strategy earns with these worths of its parts, and the first such strategy."""
        action = int(worths.argmax())
        reply = np.zeros(len(worths))
        reply[action] = 1.0
        return float(worths[action]), reply

    def certified(self, vectors: Sequence[Vector], **facts: Any) -> Equilibrium:
        """Return a profile with its certificate in the full game."""
        return certified(self.game, [self.decoded(i, v) for i, v in enumerate(vectors)], **facts)


class ExtensiveArena:
    """Realization plans; strategies are behaviour policies."""

    def __init__(self, game: ExtensiveGame) -> None:
        self.game = game
        self._form = game.sequence_form

    def uniform(self) -> tuple[Vector, ...]:
        """Return the strategies that choose everything alike."""
        return tuple(self.game.uniform_profile())

    def checked(self, profile: Any) -> tuple[Vector, ...]:
        """Return strategies, one per player, as checked arrays."""
        return tuple(checked_behavior(self.game, profile))

    def encoded(self, player: int, strategy: Vector) -> Vector:
        """Return the vector of a strategy."""
        return self._form.players[player].realization_plan(strategy)

    def decoded(self, player: int, vector: Vector) -> Vector:
        """Return the strategy of a vector."""
        return self._form.players[player].behavior(vector)

    def payoffs(self, vectors: Sequence[Vector]) -> Vector:
        """Return what each player gets, shape (n,)."""
        return self._form.values(vectors)

    def worths(self, vectors: Sequence[Vector], player: int) -> Vector:
        """Return what the parts of a player's vector earn against the others'; linear in each of these."""
        return sequence_worths(self._form, vectors, player)

    def best(self, player: int, worths: Vector) -> tuple[float, Vector]:
        """Return the most that a strategy earns with these worths of its parts, and the first such strategy."""
        own = self._form.players[player]
        sums = worths.copy()
        choice = np.empty(own.n_infosets, dtype=np.int64)
        pass_over(best_reply_pass, own, sums, choice)
        policy = np.zeros((own.n_infosets, int(own.n_actions.max()) if own.n_infosets else 0))
        policy[np.arange(own.n_infosets), choice] = 1.0
        return float(sums[0]), policy

    def certified(self, vectors: Sequence[Vector], **facts: Any) -> Equilibrium:
        """Return a profile with its certificate in the full game."""
        return certified_policies(self.game, [self.decoded(i, v) for i, v in enumerate(vectors)], **facts)


class StochasticArena:
    """Stationary policies, mixed state by state; replies are to policies, not linear in worths."""

    def __init__(self, game: StochasticGame) -> None:
        self.game = game

    def uniform(self) -> tuple[Vector, ...]:
        """Return the strategies that choose everything alike."""
        return tuple(self.game.uniform_profile())

    def checked(self, profile: Any) -> tuple[Vector, ...]:
        """Return strategies, one per player, as checked arrays."""
        return tuple(checked_stationary(self.game, profile))

    def encoded(self, player: int, strategy: Vector) -> Vector:
        """Return the vector of a strategy."""
        return strategy

    def decoded(self, player: int, vector: Vector) -> Vector:
        """Return the strategy of a vector."""
        return np.asarray(vector / np.maximum(vector.sum(axis=1, keepdims=True), np.finfo(float).tiny))

    def payoffs(self, vectors: Sequence[Vector]) -> Vector:
        """Return what each player gets, shape (n,)."""
        return np.asarray(stationary_values(self.game, self._policies(vectors)) @ self.game.start)

    def reply(self, vectors: Sequence[Vector], player: int) -> tuple[float, Vector]:
        """Return the value of the best stationary reply from the start, and the reply."""
        values, policy = best_stationary(self.game, self._policies(vectors), player)
        return float(values @ self.game.start), policy

    def certified(self, vectors: Sequence[Vector], **facts: Any) -> Equilibrium:
        """Return a profile with its certificate in the full game."""
        return certified_policies(self.game, self._policies(vectors), **facts)

    def _policies(self, vectors: Sequence[Vector]) -> tuple[Vector, ...]:
        return tuple(self.decoded(i, v) for i, v in enumerate(vectors))


Arena = NormalArena | ExtensiveArena | StochasticArena


def arena_of(game: Any) -> Arena:
    """Return the arena of a game.

    Raises
    ------
    GameError
        If it is no game.
    UnsupportedGame
        If a player of an extensive game forgets.
    """
    require_any_game(game)
    if isinstance(game, NormalFormGame):
        return NormalArena(game)
    return ExtensiveArena(game) if isinstance(game, ExtensiveGame) else StochasticArena(game)
