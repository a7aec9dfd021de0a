"""Play step by step through Python: learners of any kind, on tabulated games and on environments."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from marlgt.errors import GameError
from marlgt.games._arrays import short
from marlgt.games.stochastic import StochasticGame
from marlgt.kernels import gear
from marlgt.learners._fused import first_above
from marlgt.learners._stops import Failed, Interrupts, Leave, interrupts_held
from marlgt.learners.layout import EVERYBODY, PENDING
from marlgt.learners.settings import Setting
from marlgt.learners.tables import TableLearner, Transition

__all__ = ["GameSeat", "Stepwise"]

Numbers = tuple[int, ...]
Flags = tuple[bool, ...]

_REPORT_EVERY = 1000


class GameSeat:
    """A tabulated game played one step at a time; every player sees the state.

    A seat is what a match plays without a kernel: it begins an episode, makes a step, and can say how to come back to
    where it is.

    Parameters
    ----------
    game : StochasticGame
    """

    def __init__(self, game: StochasticGame) -> None:
        from marlgt.games._transition_tables import TransitionTables

        self.game = game
        self._tables = TransitionTables(game)
        self.state = -1

    def reset(self, rng: np.random.Generator) -> Numbers:
        """Begin anew and return what each player observes."""
        self.state = int(self._tables.starts(rng.random(1))[0])
        return (self.state,) * self.game.n_players

    def step(self, actions: Numbers, rng: np.random.Generator) -> tuple[Numbers, Any, Flags, Flags]:
        """Return what each player observes and is paid, and for whom the game was ended, and for whom cut."""
        tables, n = self._tables, self.game.n_players
        cell = self.state * tables.profiles + int(np.dot(actions, tables.strides))
        place = 0 if tables.width == 1 else first_above(tables.cumulative[cell], rng.random())
        rewards = tables.rewards[cell * tables.width + place if tables.by_successor else cell]
        self.state = int(tables.successors[cell, place])
        return (self.state,) * n, rewards, (bool(self.game.terminal[self.state]),) * n, (False,) * n

    def saved(self) -> dict[str, Any]:
        """Return what :meth:`resume` needs, in terms of JSON."""
        return {"state": self.state}

    def resume(self, saved: dict[str, Any]) -> Numbers:
        """Come back to where a seat was, and return what each player observes."""
        self.state = int(saved["state"])
        return (self.state,) * self.game.n_players


class Stepwise:
    """The engine of a match that no kernel can play: every step calls the learners' own methods.

    Parameters
    ----------
    game : NormalFormGame, StochasticGame or observed environment
        An environment has ``seat()``, which returns an object with the methods of :class:`GameSeat`.
    setting, learners, seeds, horizon, views, moves
        As the match has checked them.

    Attributes
    ----------
    played : ndarray of int64, shape (seeds,)
        Steps that each seed has played.
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
        first = learners[0][0]
        self._central = isinstance(first, TableLearner) and first.player == EVERYBODY
        # One learner on several seats is told what she did and got there as what she did in her own seat.
        self._exchanges = [
            [isinstance(x, TableLearner) and x.player not in (i, EVERYBODY) for i, x in enumerate(own)]
            for own in learners
        ]
        n, count = setting.n_players, len(seeds)
        self._seen: list[Numbers | None] = [None] * count
        self._over: list[Flags] = [(False,) * n] * count
        self._lengths = np.zeros(count, dtype=np.int64)
        self._fading = np.ones(count)
        self._ongoing = np.zeros((count, 2, n))
        self._sums = np.zeros((count, 4, n))
        self._ended = np.zeros((count, 2), dtype=np.int64)
        self.played = np.zeros(count, dtype=np.int64)
        self._booked = np.zeros(count, dtype=np.int64)
        # The books of the seed that is played: its steps, the discount so far, and by player rewards since the last
        # record, return and discounted return. A list is written to in a tenth of the time that an array takes.
        self._length, self._fade = 0, 1.0
        self._paid, self._returns, self._discounted = ([0.0] * n for _ in range(3))

    def advance(self, until: int, report: Callable[[float], None]) -> None:
        """Play every seed until it has made so many steps in all.

        Raises
        ------
        Failed
            If a step cannot be finished; that seed begins its next step with a new episode.
        Leave
            If a person ends the match.
        """
        before = int(self.played.sum())
        for k in range(len(self._seats)):
            self._open(k)
            try:
                while self.played[k] < until:
                    with interrupts_held() as held:
                        for _ in range(min(until - int(self.played[k]), _REPORT_EVERY)):
                            self._try(k, held)
                            held.release()
                    report(float(int(self.played.sum()) - before))
            finally:
                self._shut(k)

    def _open(self, k: int) -> None:
        """Take the books of a seed out of the arrays."""
        self._length, self._fade = int(self._lengths[k]), float(self._fading[k])
        self._paid = self._sums[k, 0].tolist()
        self._returns, self._discounted = self._ongoing[k].tolist()

    def _shut(self, k: int) -> None:
        """Put the books of a seed back into the arrays."""
        self._lengths[k], self._fading[k] = self._length, self._fade
        self._sums[k, 0], self._ongoing[k] = self._paid, (self._returns, self._discounted)

    def prepare(self, steps: int) -> None:
        """Have the kernels of the learners compiled where so many steps of every seed repay that."""
        for learner in self._learners[0]:
            if isinstance(learner, TableLearner):
                work = float(steps * len(self._seats)) * learner.step_work
                gear(type(learner).act_kernel, work)
                gear(type(learner).observe_kernel, work)

    def _try(self, k: int, held: Interrupts) -> None:
        try:
            self._step(k, held)
        except Leave:
            raise
        except Exception as error:
            self._abandon(k)
            raise Failed(k, int(self.played[k])) from error
        except KeyboardInterrupt:
            self._abandon(k)
            raise

    def _step(self, k: int, held: Interrupts) -> None:
        seat, rng, own = self._seats[k], self._rngs[k], self._learners[k]
        seen = self._seen[k]
        if seen is None:
            seen = self._seen[k] = self._viewed(seat.reset(rng))
            self._over[k] = (False,) * len(seen)
            self._length, self._fade = 0, 1.0
        over = self._over[k]
        chosen = [0 if gone else self._asked(who, view, rng, held) for who, view, gone in zip(own, seen, over)]
        actions = self._actions(chosen, over)
        if self._setting.numbering is not None and self._moves is None:
            actions = self._allowed(actions, seen, over, rng)
        reached, paid, terminated, truncated = seat.step(actions, rng)
        rewards = tuple(map(float, paid))
        if not all(map(math.isfinite, rewards)):
            bad = next(i for i, x in enumerate(rewards) if not math.isfinite(x))
            raise GameError(
                f"the environment paid player {bad} {rewards[bad]} for the actions {actions} in observation "
                f"{seen[bad]}: rewards must be finite numbers"
            )
        following = self._viewed(reached)
        self._length += 1
        if self._length == self._horizon:
            truncated = (True,) * len(seen)
        self._tell(k, chosen, actions, rewards, following, terminated, truncated)
        self._book(rewards)
        self._seen[k] = following
        self.played[k] += 1
        if any(terminated) or any(truncated):
            self._over[k] = tuple(map(any, zip(over, terminated, truncated)))
            if all(self._over[k]):
                self._close(k)

    def _asked(self, learner: Any, seen: int, rng: np.random.Generator, held: Interrupts) -> int:
        if not getattr(learner, "asks", False):
            return int(learner.act(seen, rng))
        # A person may think for minutes: an interrupt need not wait for the answer.
        held.free = True
        action = learner.act(seen, rng)
        held.free = False
        return int(action)

    def _tell(
        self,
        k: int,
        chosen: list[int],
        actions: Numbers,
        rewards: tuple[float, ...],
        following: Numbers,
        terminated: Flags,
        truncated: Flags,
    ) -> None:
        """Tell every player who was still there what happened."""
        seen, over = self._seen[k] or following, self._over[k]
        if self._central:
            cut = all(map(any, zip(over, terminated, truncated)))
            ended = cut and not any(truncated[i] and not terminated[i] and not over[i] for i in range(len(over)))
            self._learners[k][0].observe(Transition(seen[0], actions, rewards, following[0], ended, cut and not ended))
            return
        # Those who number their actions in an order of their own are told of that order.
        played = actions if self._moves is None else tuple(chosen)
        for i, learner in enumerate(self._learners[k]):
            if not over[i]:
                cut = truncated[i] and not terminated[i]
                own, paid = played, rewards
                if self._exchanges[k][i]:
                    own, paid = (_exchanged(x, learner.player, i) for x in (played, rewards))
                learner.observe(Transition(seen[i], own, paid, following[i], terminated[i], cut))

    def _viewed(self, seen: Numbers) -> Numbers:
        if self._views is None:
            return seen
        return tuple(int(row[s]) for row, s in zip(self._views, seen))

    def _actions(self, chosen: list[int], over: Flags) -> Numbers:
        counts = self._setting.n_actions
        if self._central:
            profile = np.unravel_index(chosen[0], counts)
            return tuple(0 if gone else int(a) for a, gone in zip(profile, over))
        for i, (action, count) in enumerate(zip(chosen, counts)):
            if not 0 <= action < count:
                raise GameError(f"learners[{i}] played {short(action)}: player {i} has actions 0 to {count - 1}")
        if self._moves is not None:
            return tuple(int(row[a]) for row, a in zip(self._moves, chosen))
        return tuple(chosen)

    def _allowed(self, actions: Numbers, seen: Numbers, over: Flags, rng: np.random.Generator) -> Numbers:
        """Draw anew, from the legal actions, what is not legal.

        A mixed policy was made before it was known what is legal in states that are met for the first time.
        """
        legal = self._setting.legal
        for own, s, a, gone in zip(legal, seen, actions, over):
            if not gone and not own[s, a]:
                break
        else:
            return actions
        return tuple(
            a if gone or own[s, a] else int(rng.choice(np.flatnonzero(own[s])))
            for own, s, a, gone in zip(legal, seen, actions, over)
        )

    def _book(self, rewards: tuple[float, ...]) -> None:
        for i, reward in enumerate(rewards):
            if reward != 0.0:
                self._paid[i] += reward
                self._returns[i] += reward
                self._discounted[i] += self._fade * reward
        self._fade *= self._setting.discount

    def _close(self, k: int) -> None:
        self._sums[k, 1] += self._returns
        self._sums[k, 2] += self._discounted
        best = max(self._returns)
        if self._returns.count(best) == 1:
            self._sums[k, 3, self._returns.index(best)] += 1.0
        self._ended[k] += (1, self._length)
        self._forget(k)

    def _forget(self, k: int) -> None:
        n = len(self._returns)
        self._returns, self._discounted = [0.0] * n, [0.0] * n
        self._seen[k] = None

    def _abandon(self, k: int) -> None:
        """Give up an episode that cannot go on."""
        self._forget(k)
        for learner in self._learners[k]:
            if isinstance(learner, TableLearner):
                # An action chosen in advance was chosen for a state of that episode.
                learner.memory[PENDING] = -1.0

    def all_finite(self) -> bool:
        """Leave it to be found out learner by learner whether their numbers are finite."""
        return False

    def harvest(self) -> tuple[NDArray[Any], ...]:
        """Return the records since the last call, and begin new ones."""
        episodes = np.where(self._ended[:, 0] > 0, self._ended[:, 0], np.nan)
        spans = self.played - self._booked
        sums, ended = self._sums.copy(), self._ended.copy()
        self._sums[:], self._ended[:] = 0.0, 0
        self._booked = self.played.copy()
        means = sums[:, 1] / episodes[:, None], sums[:, 2] / episodes[:, None]
        rewards = sums[:, 0] / np.where(spans > 0, spans, np.nan)[:, None]
        return rewards, *means, sums[:, 3], ended[:, 0], ended[:, 1] / episodes

    def plays(self) -> NDArray[np.int64] | None:
        """Return nothing: plays are counted in the fused loop only."""
        return None

    def state(self) -> tuple[dict[str, NDArray[Any]], dict[str, Any]]:
        """Return the arrays, and the rest in terms of JSON, that make what follows the same bit for bit."""
        rest = {
            "generators": [rng.bit_generator.state for rng in self._rngs],
            "seen": [None if seen is None else list(seen) for seen in self._seen],
            "over": [list(over) for over in self._over],
            "seats": [None if seen is None else seat.saved() for seat, seen in zip(self._seats, self._seen)],
        }
        return self._arrays(), rest

    def resume(self, arrays: Mapping[str, NDArray[Any]], rest: Mapping[str, Any]) -> None:
        """Come back to where a match was.

        Raises
        ------
        GameError
            If an environment does not do again what it did.
        """
        for name, own in self._arrays().items():
            own[...] = arrays[name]
        for k, (rng, seat) in enumerate(zip(self._rngs, self._seats)):
            rng.bit_generator.state = rest["generators"][k]
            self._over[k] = tuple(map(bool, rest["over"][k]))
            seen = rest["seen"][k]
            self._seen[k] = None if seen is None else tuple(map(int, seen))
            if seen is not None and self._viewed(seat.resume(rest["seats"][k])) != self._seen[k]:
                raise GameError(
                    "the environment does not repeat itself after reset(seed=...), so that no match can be resumed in "
                    "the middle of an episode: load the learners by themselves, with marlgt.learners.load"
                )

    def _arrays(self) -> dict[str, NDArray[Any]]:
        names = ("lengths", "ongoing", "sums", "ended", "booked", "fading")
        return {"played": self.played, **{name: getattr(self, f"_{name}") for name in names}}


def _exchanged(values: tuple[Any, ...], i: int, j: int) -> tuple[Any, ...]:
    """Return a tuple with two of its entries exchanged."""
    listed = list(values)
    listed[i], listed[j] = listed[j], listed[i]
    return tuple(listed)
