"""The engine of a match of table learners on a tabulated game: the fused loop, in chunks between which it may stop."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from marlgt.errors import GameError
from marlgt.kernels import gear
from marlgt.learners._fused import LEARNERS, Tally, arena_of, fused_loop, seated
from marlgt.learners._stops import interrupts_held
from marlgt.learners.settings import Setting
from marlgt.randomness import streams

__all__ = ["Fused"]

# Compiled and interpreted work of at most about half a second, after which Ctrl-C takes effect.
_CHUNK_WORK, _PLAIN_CHUNK_WORK = 5e7, 1e6
_COUNTED_CELLS = 10_000


class Fused:
    """The engine of a match between table learners on a tabulated game."""

    def __init__(
        self,
        setting: Setting,
        learners: tuple[list[Any], ...],
        seeds: tuple[int, ...],
        horizon: int | None,
        views: NDArray[np.int64] | None,
        moves: NDArray[np.int64] | None,
    ) -> None:
        game = setting.game
        if game is None:
            raise GameError("only a tabulated game is played in one kernel")
        self._shape = (game.n_states, *game.n_actions)
        self._arena = arena_of(game, horizon, views, moves)
        self._legal = setting.flat_legal()[0]
        first = learners[0]
        pairs = [(type(x).act_kernel, type(x).observe_kernel) for x in first]
        self._loop, self._step_work = fused_loop(pairs), sum(x.step_work for x in first)
        # A learner in two places has one memory.
        owners = list({id(x): x for x in first}.values())
        ends = np.cumsum([len(x.memory) for x in owners])
        self._spans = {id(x): (int(end) - len(x.memory), int(end)) for x, end in zip(owners, ends)}
        self._begins = _padded([np.array(self._spans[id(x)]) for x in first], np.int64)
        self._forms = _padded([seated(x.form, i) for i, x in enumerate(first)], np.int64)
        self._numbers = _padded([x.numbers for x in first], np.float64)
        self._memories = np.empty((len(seeds), int(ends[-1])))
        for row, own in zip(self._memories, learners):
            for learner, (begin, end) in zip(own, self._begins):
                row[begin:end] = learner.memory
                # From now on the learner reads what the loop writes.
                learner.memory = row[begin:end]
        self._streams = streams(seeds)
        self._scratch = np.zeros(setting.n_players, dtype=np.int64), np.zeros(setting.n_players)
        n, count = setting.n_players, len(seeds)
        cells = int(np.prod(self._shape))
        place = np.zeros((count, 2), dtype=np.int64)
        place[:, 0] = -1
        plays = np.zeros((count, cells if cells * count <= 100 * _COUNTED_CELLS else 0), dtype=np.int64)
        ended = np.zeros((count, 2), dtype=np.int64)
        self._tally = Tally(place, np.zeros((count, 3, n)), np.zeros((count, 4, n)), ended, plays)
        self.played = np.zeros(count, dtype=np.int64)
        self._booked = np.zeros(count, dtype=np.int64)

    def prepare(self, steps: int) -> None:
        """Have the loop compiled where so many steps of every seed repay that, with those that were made before."""
        made = float(steps * len(self._streams) + int(self.played.sum()))
        gear(self._loop, made * self._step_work)

    def advance(self, until: int, report: Callable[[float], None]) -> None:
        """Play every seed until it has made so many steps in all; Ctrl-C takes effect between chunks."""
        left = until - self.played
        loop = gear(self._loop, 0.0)
        most = max(1, int((_CHUNK_WORK if loop is not self._loop else _PLAIN_CHUNK_WORK) / self._step_work))
        done = 0
        # Seeds that have as much to do are played together, as many as make a chunk.
        for first, last in _runs(left, most):
            while self.played[first] < until:
                span = min(until - int(self.played[first]), most)
                # Compiled code says nothing of overflow either; what is not finite in the end stops the match.
                with interrupts_held(), np.errstate(all="ignore"):
                    loop(
                        tuple(self._arena),
                        self._legal,
                        self._begins,
                        self._forms,
                        self._numbers,
                        self._memories,
                        self._streams,
                        tuple(self._tally),
                        *self._scratch,
                        first,
                        last,
                        span,
                    )
                    self.played[first:last] += span
                done += span * (last - first)
                report(float(done))

    def all_finite(self) -> bool:
        """Tell whether all memories are surely finite; one sum tells of all numbers at once."""
        with np.errstate(over="ignore", invalid="ignore"):
            return bool(np.isfinite(self._memories.sum()))

    def harvest(self) -> tuple[NDArray[Any], ...]:
        """Return the records since the last call, and begin new ones."""
        sums, ended = self._tally.sums, self._tally.ended
        episodes = np.where(ended[:, 0] > 0, ended[:, 0], np.nan)
        spans = self.played - self._booked
        rows = (
            sums[:, 0] / np.where(spans > 0, spans, np.nan)[:, None],
            sums[:, 1] / episodes[:, None],
            sums[:, 2] / episodes[:, None],
            sums[:, 3].copy(),
            ended[:, 0].copy(),
            ended[:, 1] / episodes,
        )
        sums[:], ended[:] = 0.0, 0
        self._booked = self.played.copy()
        return rows

    def plays(self) -> NDArray[np.int64] | None:
        if not self._tally.plays.shape[1]:
            return None
        return self._tally.plays.reshape(-1, *self._shape).copy()

    def state(self) -> tuple[dict[str, NDArray[Any]], dict[str, Any]]:
        """Return the arrays that make what follows the same bit for bit; there is nothing else."""
        return {"streams": self._streams, "played": self.played, "booked": self._booked, **self._tally._asdict()}, {}

    def resume(self, arrays: Mapping[str, NDArray[Any]], rest: Mapping[str, Any]) -> None:
        """Come back to where a match was."""
        for name, own in self.state()[0].items():
            if arrays[name].shape != own.shape or arrays[name].dtype != own.dtype:
                raise GameError(f"the match has {name} of shape {arrays[name].shape} where {own.shape} is needed")
        # Compiled code reads and writes wherever it is told that the game is.
        states = arrays["place"][:, 0]
        if (states < -1).any() or (states >= self._shape[0]).any() or (arrays["played"] < 0).any():
            raise GameError("the match is in a state that the game does not have")
        for name, own in self.state()[0].items():
            own[...] = arrays[name]


def _runs(left: NDArray[np.int64], most: int) -> Iterator[tuple[int, int]]:
    """Yield ranges of neighbouring seeds with equally many steps left, of at most so many steps together."""
    first = 0
    while first < len(left):
        last = first + 1
        while last < len(left) and left[last] == left[first] and (last + 1 - first) * left[first] <= most:
            last += 1
        if left[first] > 0:
            yield first, last
        first = last


def _padded(rows: Sequence[NDArray[Any]], dtype: Any) -> NDArray[Any]:
    """Return the rows in a table, zeros behind them, with empty rows for the seats that are not taken."""
    table = np.zeros((LEARNERS, max(map(len, rows))), dtype=dtype)
    for own, row in zip(table, rows):
        own[: len(row)] = row
    return table
