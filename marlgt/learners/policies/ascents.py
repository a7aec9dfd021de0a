"""Runs of gradient ascent in the preferences of two players, all starts at once."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from marlgt.errors import GameError
from marlgt.games._arrays import short
from marlgt.games._doors import nonnegative, positive, require_seed, require_whole
from marlgt.games.stochastic import StochasticGame
from marlgt.learners.policies._value_derivatives import Floats, SmallGame, small_game
from marlgt.progress import progress

__all__ = ["AscentRun", "climb"]

Move = Callable[[SmallGame, Floats], Floats]


@dataclass(frozen=True, eq=False, repr=False)
class AscentRun:
    """How two players climbed, from each of some starts.

    Attributes
    ----------
    seeds : tuple of int
    times : ndarray of int64, shape (T,)
        Steps made; the first is 0.
    values : ndarray, shape (seeds, T, 2)
        What the start of the game is worth to each player; times ``1 - discount``, a mean reward.
    preferences : tuple of 2 ndarrays, shapes (seeds, S, A_i)
        At the end.
    policies : tuple of 2 ndarrays, shapes (seeds, S, A_i)
        At the end.
    """

    seeds: tuple[int, ...]
    times: NDArray[np.int64]
    values: Floats
    preferences: tuple[Floats, Floats]
    policies: tuple[Floats, Floats]

    def __repr__(self) -> str:
        return f"<AscentRun of {len(self.seeds)} starts, {int(self.times[-1])} steps each>"


def climb(
    what: str,
    move: Move,
    game: StochasticGame,
    step: float,
    steps: int,
    seeds: Iterable[int],
    spread: float,
    start: Iterable[ArrayLike] | None,
    record: int,
) -> AscentRun:
    """Climb by ``step`` times what ``move`` gives at the preferences of all starts."""
    size = positive(step, "step")
    require_whole(steps, "steps", least=1)
    require_whole(record, "record", least=1)
    listed = tuple(seeds)
    for seed in listed:
        require_seed(seed)
    if not listed:
        raise GameError("seeds is empty: give at least one")
    own = small_game(game)
    theta = _begun(own, listed, nonnegative(spread, "spread"), start)
    times = np.unique(np.linspace(0, steps, min(record, steps) + 1).round().astype(np.int64))
    values = [own.values(theta)]
    with progress(what, total=float(steps)) as report:
        for t in range(1, steps + 1):
            theta = theta + size * move(own, theta)
            if t == times[len(values)]:
                values.append(own.values(theta))
                report(float(t), "")
    preferences, policies = own.split(theta), own.policies(theta)
    return AscentRun(listed, times, np.stack(values, axis=1), preferences, policies)


def _begun(own: SmallGame, seeds: tuple[int, ...], spread: float, start: Iterable[ArrayLike] | None) -> Floats:
    sizes = [part.stop - part.start for part in own.parts]
    if start is None:
        return np.asarray(
            spread * np.stack([np.random.default_rng(seed).standard_normal(sum(sizes)) for seed in seeds])
        )
    rows = [np.asarray(part, dtype=np.float64) for part in start]
    shapes = [(own.n_states, count) for count in own.n_actions]
    if [row.shape for row in rows] != shapes or not all(np.isfinite(row).all() for row in rows):
        got = short([row.shape for row in rows])
        raise GameError(f"start must hold finite preferences of shapes {shapes[0]} and {shapes[1]}, got {got}")
    return np.tile(np.concatenate([row.reshape(-1) for row in rows]), (len(seeds), 1))
