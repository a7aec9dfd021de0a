"""What double oracle and policy-space response oracles return: populations, the games among them, and the answer."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from marlgt.equilibria import Equilibrium
from marlgt.games.normal_form import NormalFormGame

__all__ = ["EmpiricalGame"]


@dataclass(frozen=True)
class EmpiricalGame:
    """Populations of strategies that grew by best replies, and the game that they play.

    Attributes
    ----------
    populations : tuple of n tuples
        Each player's strategies in the order in which they joined: numbers of actions from double oracle, from
        :func:`psro` and :func:`jpsro` strategies of the full game (a distribution, shape (A_i,), or a policy, shape
        (I_i, A_i) or (S, A_i)).
    meta_game : NormalFormGame
        The last one, with one action for each strategy of the populations that it was made of.
    meta_strategies : tuple of K Equilibrium
        The answer of the meta-solver at each iteration, over the populations of that iteration.
    sizes : ndarray of int, shape (K, n)
        How many strategies each population had at each iteration.
    gaps : ndarray, shape (K,)
        What the players gain in all, in the full game, by their best replies to each iteration's answer: NashConv
        for mixed strategies, the sum of the largest gains from deviating from recommendations for joint ones.
    equilibrium : Equilibrium
        The best answer, that of the smallest gap, certified in the full game.
    converged : bool
        Whether the last gap is within the tolerance.
    """

    populations: tuple[tuple[Any, ...], ...]
    meta_game: NormalFormGame
    meta_strategies: tuple[Equilibrium, ...]
    sizes: NDArray[np.int64]
    gaps: NDArray[np.float64]
    equilibrium: Equilibrium
    converged: bool

    @property
    def iterations(self) -> int:
        """How many meta-games were solved."""
        return len(self.gaps)

    def restricted(self, iteration: int) -> tuple[tuple[Any, ...], ...]:
        """Return the populations as they stood at an iteration, counted from 0."""
        return tuple(own[:size] for own, size in zip(self.populations, self.sizes[iteration].tolist()))
