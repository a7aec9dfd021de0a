"""Drawing what follows: a stochastic game as rows of one cell each, with cumulative probabilities."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from marlgt.errors import GameError
from marlgt.games.stochastic import StochasticGame

__all__ = ["TransitionTables"]


class TransitionTables:
    """The rows of the cells of states and profiles of actions, and the draws from them for many copies at once."""

    def __init__(self, game: StochasticGame) -> None:
        width = game.successors.shape[-1]
        self.game, self.width = game, width
        self.successors = game.successors.reshape(-1, width)
        self.cumulative = _cumulative(game.probabilities.reshape(-1, width))
        paid = game.rewards if game.successor_rewards is None else game.successor_rewards
        self.by_successor = game.successor_rewards is not None
        self.rewards = np.ascontiguousarray(paid.reshape(game.n_players, -1).T)
        self.start = _cumulative(game.start[None])
        self.strides = np.append(np.cumprod(game.n_actions[:0:-1])[::-1], 1).astype(np.int64)
        self.profiles = int(np.prod(game.n_actions))

    def starts(self, uniform: NDArray[np.float64]) -> NDArray[np.int32]:
        """Return a first state for each uniform number."""
        return _drawn(self.start, np.zeros(len(uniform), dtype=np.int64), uniform).astype(np.int32)

    def follow(
        self, states: NDArray[np.int32], actions: NDArray[Any], rng: np.random.Generator
    ) -> tuple[NDArray[np.int32], NDArray[np.float64]]:
        """Return the next states and the rewards, shapes (B,) and (B, n)."""
        for i, (count, legal) in enumerate(zip(self.game.n_actions, self.game.legal)):
            own = actions[:, i]
            if own.min() < 0 or own.max() >= count:
                bad = int(np.flatnonzero((own < 0) | (own >= count))[0])
                raise GameError(f"actions[{bad}, {i}] is {own[bad]}: player {i} has actions 0 to {count - 1}")
            if not self.game.all_legal:
                illegal = np.flatnonzero(~legal[states, own])
                if len(illegal):
                    bad = int(illegal[0])
                    raise GameError(
                        f"actions[{bad}, {i}] is {own[bad]}, which is not legal in state {states[bad]} "
                        f"({self.game.states[states[bad]]!r}): choose among game.legal[{i}][{states[bad]}]"
                    )
        cells: NDArray[np.int64] = states * self.profiles + np.asarray(actions, dtype=np.int64) @ self.strides
        if self.width == 1:
            return self.successors[cells, 0], self.rewards[cells]
        places = _drawn(self.cumulative, cells, rng.random(len(cells)))
        paid = self.rewards[cells * self.width + places if self.by_successor else cells]
        return self.successors[cells, places], paid


def _cumulative(chances: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return sums of probabilities such that the first one above a number from 0 to 1 has positive probability."""
    sums = np.cumsum(chances, axis=1)
    # From the last positive probability on nothing may be left over to rounding.
    last = chances.shape[1] - 1 - np.argmax(chances[:, ::-1] > 0, axis=1)
    sums[np.arange(chances.shape[1]) >= last[:, None]] = 2.0
    return sums


def _drawn(cumulative: NDArray[np.float64], rows: NDArray[np.int64], uniform: NDArray[np.float64]) -> NDArray[np.int64]:
    """Return, by bisection in all rows at once, the first place whose sum is above the uniform number."""
    low = np.zeros(len(rows), dtype=np.int64)
    high = np.full(len(rows), cumulative.shape[1] - 1)
    for _ in range(int(cumulative.shape[1] - 1).bit_length()):
        middle = (low + high) // 2
        above = cumulative[rows, middle] > uniform
        high = np.where(above, middle, high)
        low = np.where(above, low, np.minimum(middle + 1, high))
    return high
