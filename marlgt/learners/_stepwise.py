"""Play step by step through Python: learners of any kind, on tabulated games and on environments."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from marlgt.errors import GameError
from marlgt.games._arrays import short
from marlgt.games.stochastic import StochasticGame
from marlgt.learners._fused import first_above
from marlgt.learners._layout import EVERYBODY
from marlgt.learners.settings import Setting
from marlgt.learners.tables import TableLearner, Transition

__all__ = ["GameSeat", "Stepwise"]

_REPORT_EVERY = 1000


class GameSeat:
    """A tabulated game played one step at a time; every player sees the state.

    Parameters
    ----------
    game : StochasticGame
    """

    def __init__(self, game: StochasticGame) -> None:
        from marlgt.games._transition_tables import TransitionTables

        self.game = game
        self._tables = TransitionTables(game)
        self.state = -1

    def reset(self, rng: np.random.Generator) -> tuple[int, ...]:
        """Begin anew and return what each player observes."""
        self.state = int(self._tables.starts(rng.random(1))[0])
        return (self.state,) * self.game.n_players

    def step(self, actions: tuple[int, ...], rng: np.random.Generator) -> tuple[tuple[int, ...], Any, bool, bool]:
        """Return what each player observes, the rewards, and whether the game was ended or cut."""
        tables = self._tables
        cell = self.state * tables.profiles + int(np.dot(actions, tables.strides))
        place = 0 if tables.width == 1 else first_above(tables.cumulative[cell], rng.random())
        rewards = tables.rewards[cell * tables.width + place if tables.by_successor else cell]
        self.state = int(tables.successors[cell, place])
        seen = (self.state,) * self.game.n_players
        return seen, rewards, bool(self.game.terminal[self.state]), False


class Stepwise:
    """The engine of a match that no kernel can play: every step calls the learners' own methods.

    Parameters
    ----------
    game : NormalFormGame, StochasticGame or observed environment
        An environment has ``seat()``, which returns an object with the methods of :class:`GameSeat`.
    setting, learners, seeds, horizon, views, moves
        As the match has checked them.
    """

    def __init__(
        self,
        game: Any,
        setting: Setting,
        learners: tuple[list[Any], ...],
        seeds: tuple[int, ...],
        horizon: int | None,
        views: NDArray[np.int64] | None,
        moves: NDArray[np.int64] | None,
    ) -> None:
        self._setting, self._learners, self._horizon = setting, learners, horizon
        self._views, self._moves = views, moves
        if setting.game is None and not hasattr(game, "seat"):
            raise GameError(f"game is {short(game)}: an environment needs a seat() to be played")
        self._seats = [GameSeat(setting.game) if setting.game is not None else game.seat() for _ in seeds]
        self._rngs = [np.random.default_rng(seed) for seed in seeds]
        n, count = setting.n_players, len(seeds)
        self._seen: list[tuple[int, ...] | None] = [None] * count
        self._lengths = np.zeros(count, dtype=np.int64)
        self._ongoing = np.zeros((count, 2, n))
        self._sums = np.zeros((count, 4, n))
        self._ended = np.zeros((count, 2), dtype=np.int64)

    def advance(self, steps: int, report: Callable[[float], None]) -> None:
        """Play so many steps of every seed."""
        for k in range(len(self._seats)):
            for t in range(steps):
                self._step(k)
                if t % _REPORT_EVERY == 0:
                    report(float(k * steps + t))

    def _step(self, k: int) -> None:
        seat, rng, n = self._seats[k], self._rngs[k], self._setting.n_players
        seen = self._seen[k]
        if seen is None:
            seen = self._viewed(seat.reset(rng))
            self._lengths[k] = 0
        chosen = [learner.act(seen[i], rng) for i, learner in enumerate(self._learners[k])]
        actions = self._actions(self._learners[k], chosen)
        reached, paid, terminated, truncated = seat.step(actions, rng)
        rewards = np.asarray(paid, dtype=np.float64)
        if not np.isfinite(rewards).all():
            bad = int(np.flatnonzero(~np.isfinite(rewards))[0])
            raise GameError(
                f"the environment paid player {bad} {rewards[bad]} for the actions {actions} in observation "
                f"{seen[bad]}: rewards must be finite numbers; the learners keep all that they learned before this step"
            )
        following = self._viewed(reached)
        self._lengths[k] += 1
        truncated = not terminated and (truncated or self._lengths[k] == self._horizon)
        own = tuple(actions) if self._moves is None else tuple(chosen)
        for i, learner in enumerate(self._learners[k]):
            learner.observe(Transition(seen[i], own, tuple(rewards.tolist()), following[i], terminated, truncated))
        self._book(k, rewards, n)
        self._seen[k] = following
        if terminated or truncated:
            self._close(k)

    def _viewed(self, seen: tuple[int, ...]) -> tuple[int, ...]:
        if self._views is None:
            return seen
        return tuple(int(row[s]) for row, s in zip(self._views, seen))

    def _actions(self, learners: list[Any], chosen: list[int]) -> tuple[int, ...]:
        counts = self._setting.n_actions
        first = learners[0]
        if isinstance(first, TableLearner) and first.player == EVERYBODY:
            return tuple(int(a) for a in np.unravel_index(chosen[0], counts))
        for i, (action, count) in enumerate(zip(chosen, counts)):
            if not 0 <= action < count:
                raise GameError(f"learners[{i}] played {short(action)}: player {i} has actions 0 to {count - 1}")
        if self._moves is not None:
            return tuple(int(row[a]) for row, a in zip(self._moves, chosen))
        return tuple(int(a) for a in chosen)

    def _book(self, k: int, rewards: NDArray[np.float64], n: int) -> None:
        self._sums[k, 0] += rewards
        self._ongoing[k, 0] += rewards
        self._ongoing[k, 1] += self._setting.discount ** (self._lengths[k] - 1) * rewards

    def _close(self, k: int) -> None:
        returns = self._ongoing[k, 0]
        self._sums[k, 1] += returns
        self._sums[k, 2] += self._ongoing[k, 1]
        best = returns == returns.max()
        if best.sum() == 1:
            self._sums[k, 3] += best
        self._ended[k] += (1, self._lengths[k])
        self._ongoing[k] = 0.0
        self._seen[k] = None

    def harvest(self, span: int) -> tuple[NDArray[Any], ...]:
        """Return the records since the last call, and begin new ones."""
        episodes = np.where(self._ended[:, 0] > 0, self._ended[:, 0], np.nan)
        sums, ended = self._sums.copy(), self._ended.copy()
        self._sums[:], self._ended[:] = 0.0, 0
        means = sums[:, 1] / episodes[:, None], sums[:, 2] / episodes[:, None]
        return sums[:, 0] / span, *means, sums[:, 3], ended[:, 0], ended[:, 1] / episodes

    def plays(self) -> NDArray[np.int64] | None:
        """Return nothing: plays are counted in the fused loop only."""
        return None
