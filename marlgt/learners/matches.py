"""Play: learners against learners, on a tabulated game in one fused kernel or on anything else through Python.

A match holds the players, the state of the game and the random streams of each seed; to play is to advance it. The
result of a seed depends on that seed alone, whatever other seeds are played beside it and however the steps are cut
into calls.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

import numpy as np
from numpy.typing import ArrayLike, NDArray

from marlgt.errors import GameError, LearningStopped, UnsupportedGame
from marlgt.games._arrays import short
from marlgt.games._doors import require_seed, require_whole
from marlgt.games.stochastic import StochasticGame
from marlgt.kernels import gear
from marlgt.learners._fused import LEARNERS, Tally, arena_of, fused_loop, seated
from marlgt.learners._layout import EVERYBODY
from marlgt.learners._stops import Failed, Leave, diverged, interrupts_held
from marlgt.learners.records import Floats, Run, profile_of
from marlgt.learners.settings import Setting, setting_of
from marlgt.learners.tables import TableLearner, Transition
from marlgt.progress import progress, stopwatch
from marlgt.randomness import streams

__all__ = ["Learner", "Match", "play", "play_seeds"]

_CHUNK_STEPS = 400_000
_PLAIN_CHUNK_STEPS = 10_000
_COUNTED_CELLS = 10_000
_STEP_WORK = 60.0


@runtime_checkable
class Learner(Protocol):
    """Whoever can play: acts on an observation, learns from what follows, and can say what it has learned."""

    def act(self, observation: int, rng: np.random.Generator) -> int:
        """Return an action for an observation."""
        ...

    def observe(self, transition: Transition) -> None:
        """Learn from one step."""
        ...

    def policy(self) -> Any:
        """Return the policy learned so far, shape (S, A_player)."""
        ...


def play(
    game: Any,
    learners: Sequence[Any],
    *,
    steps: int,
    seed: int = 0,
    horizon: int | None = None,
    record: int | Sequence[int] = 100,
    judge: Callable[[Any, tuple[Floats, ...]], float] | None = None,
    views: ArrayLike | None = None,
    moves: ArrayLike | None = None,
) -> Run:
    """Let learners play a game and learn; the learners given are those that learn.

    Parameters
    ----------
    game : NormalFormGame, StochasticGame or observed environment
    learners : sequence of n learners, in player order
        Or one learner that controls everybody. The same learner in two places is self-play with one memory.
    steps : int
    seed : int
    horizon : int, optional
        Steps after which an episode is truncated; by default never.
    record : int or sequence of int
        At how many evenly spaced times, or after which numbers of steps, records are made.
    judge : callable, optional
        ``judge(game, profile)`` gives a number for the policies learned so far at each record, such as
        :func:`marlgt.concepts.nash_conv`.
    views : array_like of int, shape (n, S), optional
        What each player sees in place of each state, for players who observe only a part, or see themselves first.
    moves : array_like of int, shape (n, most actions), optional
        The action of the game that each player's own numbering of actions means; for learners that read only their own.

    Returns
    -------
    Run
        Its arrays have a first axis of one seed.

    Raises
    ------
    GameError
        For learners that do not fit the game, and settings that are none.
    UnsupportedGame
        For a game of discount 1 that may go on for ever, without a horizon.

    Examples
    --------
    >>> import marlgt as gt
    >>> game = gt.games.matching_pennies()
    >>> pair = [gt.learners.QLearning(game, player=i) for i in range(2)]
    >>> run = gt.learners.play(game, pair, steps=1000, seed=0, record=4)
    >>> run.times, run.rewards.shape
    (array([ 250,  500,  750, 1000]), (1, 4, 2))
    """
    match = Match(game, learners, seeds=(seed,), horizon=horizon, views=views, moves=moves, copies=False)
    return match.advance(steps, record=record, judge=judge)


def play_seeds(
    game: Any,
    learners: Sequence[Any],
    *,
    steps: int,
    seeds: Iterable[int] = range(100),
    horizon: int | None = None,
    record: int | Sequence[int] = 100,
    judge: Callable[[Any, tuple[Floats, ...]], float] | None = None,
    views: ArrayLike | None = None,
    moves: ArrayLike | None = None,
) -> Run:
    """Let copies of learners play a game once for each seed; the learners given stay as they are.

    Parameters
    ----------
    seeds : iterable of int
        All different. Each seed gives the same bits as alone.
    game, learners, steps, horizon, record, judge, views, moves
        As in :func:`play`.

    Returns
    -------
    Run
    """
    match = Match(game, learners, seeds=tuple(seeds), horizon=horizon, views=views, moves=moves)
    return match.advance(steps, record=record, judge=judge)


class Match:
    """Learners in the middle of a game, for each of some seeds.

    Parameters
    ----------
    game, learners, horizon, views, moves
        As in :func:`play`.
    seeds : sequence of int
    copies : bool
        Whether each seed plays with copies of the learners; else the learners given play, for one seed.

    Attributes
    ----------
    learners : tuple of lists
        The learners of each seed, up to date after each :meth:`advance`, also after one that was interrupted.
    horizon, views, moves
        As given, checked.
    """

    def __init__(
        self,
        game: Any,
        learners: Sequence[Any],
        *,
        seeds: Sequence[int] = (0,),
        horizon: int | None = None,
        views: ArrayLike | None = None,
        moves: ArrayLike | None = None,
        copies: bool = True,
    ) -> None:
        self.game = game
        self.setting = setting_of(game)
        self.seeds = tuple(seeds)
        for seed in self.seeds:
            require_seed(seed)
        if not self.seeds or len(set(self.seeds)) < len(self.seeds):
            raise GameError(f"seeds is {short(self.seeds)}: give at least one, all different")
        if horizon is not None:
            require_whole(horizon, "horizon", least=1)
        self.horizon = horizon
        given = list(learners)
        _check_learners(self.setting, given)
        _check_ends(self.setting, horizon)
        self.learners = tuple(_copied(given) if copies else given for _ in self.seeds)
        checked = _checked_views(self.setting, views), _checked_moves(self.setting, moves)
        self.views, self.moves = checked
        # Infinity may be a mark of a learner's own; only what was finite can diverge.
        self._finite = [bool(np.isfinite(x.memory).all()) if isinstance(x, TableLearner) else False for x in given]
        fused = isinstance(self.setting.game, StochasticGame) and all(isinstance(x, TableLearner) for x in given)
        if fused and len(given) <= LEARNERS:
            self._engine: Any = _Fused(self.setting, self.learners, self.seeds, horizon, *checked)
        else:
            from marlgt.learners._stepwise import Stepwise

            self._engine = Stepwise(game, self.setting, self.learners, self.seeds, horizon, *checked)

    @property
    def steps(self) -> int:
        """Steps that every seed has played."""
        return int(self._engine.played.min())

    def advance(
        self,
        steps: int,
        *,
        record: int | Sequence[int] = 100,
        judge: Callable[[Any, tuple[Floats, ...]], float] | None = None,
    ) -> Run:
        """Play on, and return what happened since the last call.

        Parameters
        ----------
        steps : int
        record, judge
            As in :func:`play`; times count from the beginning of the match.

        Raises
        ------
        LearningStopped
            If a reward or a value is not finite, or the environment or a learner raises an exception. The records
            until then are in its ``run``, and the match can be advanced again: that seed begins a new episode.
        """
        require_whole(steps, "steps", least=1)
        clock = stopwatch()
        begun, times = self.steps, _record_times(record, self.steps, steps)
        made: list[int] = []
        rows: list[tuple[Any, ...]] = []
        gaps: list[list[float]] = []

        def note_down(time: int) -> None:
            made.append(time)
            rows.append(self._engine.harvest())
            if judge is not None:
                gaps.append([float(judge(self.game, profile_of(own, self.views, self.moves))) for own in self.learners])

        self._engine.prepare(steps)
        why: Failed | Leave | str | None = None
        with progress("playing", total=float(steps * len(self.seeds))) as report:
            for time in times:
                done = float((self.steps - begun) * len(self.seeds))
                try:
                    self._engine.advance(int(time), lambda more, before=done: report(before + more, ""))
                except (Failed, Leave) as stop:
                    why = stop
                else:
                    note_down(int(time))
                    why = self._divergence()
                if why is not None:
                    break
        if isinstance(why, (Failed, Leave)) and self._engine.played.max() > (made[-1] if made else begun):
            note_down(int(self._engine.played.max()))
        run = self._run(made, rows, gaps if judge is not None else None, clock(), str(why or ""))
        if why is not None and not isinstance(why, Leave):
            raise LearningStopped(self._reason(why), run=run) from (why.__cause__ if isinstance(why, Failed) else None)
        return run

    def _run(
        self,
        times: list[int],
        rows: list[tuple[Any, ...]],
        gaps: list[list[float]] | None,
        seconds: float,
        note: str,
    ) -> Run:
        n, count = self.setting.n_players, len(self.seeds)
        columns = [np.stack(column, axis=1) for column in zip(*rows)]
        if not rows:
            columns = [np.zeros((count, 0, n))] * 4 + [np.zeros((count, 0))] * 2
        rewards, returns, discounted, wins, episodes, lengths = columns
        return Run(
            self.setting.players,
            self.seeds,
            np.array(times, dtype=np.int64),
            self.learners,
            rewards,
            returns,
            discounted,
            wins,
            episodes.astype(np.int64),
            lengths,
            None if gaps is None else np.array(gaps).reshape(-1, count).T,
            self._engine.plays(),
            seconds,
            note,
            self.views,
            self.moves,
        )

    def _divergence(self) -> str | None:
        """Return which seed's learner has numbers that are not finite, if any has."""
        for seed, own in zip(self.seeds, self.learners):
            what = diverged(own, self._finite)
            if what is not None:
                return f"{what} after {self.steps} steps of seed {seed}: lower the learning rate or the rewards"
        return None

    def _reason(self, why: Failed | str) -> str:
        if isinstance(why, str):
            return f"{why}; what was learned is in .run and in the learners"
        cause = why.__cause__
        what = str(cause) if isinstance(cause, GameError) else f"{type(cause).__name__}: {cause}"
        return (
            f"step {why.step} of seed {self.seeds[why.seed]} could not be made: {what}; the records until then are in "
            ".run, and the learners keep all that they learned before"
        )

    def save(self, path: str | Path) -> None:
        """Write the match to a ``.npz`` file without pickled objects; :meth:`load` goes on from there bit for bit.

        Parameters
        ----------
        path : str or Path

        Raises
        ------
        GameError
            If somebody plays who is no table learner.
        """
        from marlgt.learners.saving import save_match

        save_match(self, path)

    @classmethod
    def load(cls, path: str | Path, game: Any, *, classes: Sequence[type] = ()) -> Match:
        """Return the match that was saved.

        Parameters
        ----------
        path : str or Path
        game : NormalFormGame, StochasticGame or observed environment
            The game that was played, made anew; an environment must repeat itself after ``reset(seed=...)``.
        classes : sequence of types
            Classes of learners that are not of marlgt.

        Raises
        ------
        GameError
            For a file that holds no match, or another game's.

        Examples
        --------
        >>> import os, tempfile
        >>> import marlgt as gt
        >>> game = gt.games.matching_pennies()
        >>> match = Match(game, [gt.learners.QLearning(game, player=i) for i in range(2)], seeds=[0, 1])
        >>> run = match.advance(400)
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     path = os.path.join(folder, "match.npz")
        ...     match.save(path)
        ...     again = Match.load(path, game)
        >>> bool((again.advance(600).rewards == match.advance(600).rewards).all())
        True
        """
        from marlgt.learners.saving import load_match

        loaded: Match = load_match(cls, path, game, classes)
        return loaded


class _Fused:
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
        self._loop, self._learners = fused_loop(pairs), len(first)
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
        self._tally = Tally(place, np.zeros((count, 2, n)), np.zeros((count, 4, n)), ended, plays)
        self.played = np.zeros(count, dtype=np.int64)
        self._booked = np.zeros(count, dtype=np.int64)

    def prepare(self, steps: int) -> None:
        """Have the loop compiled where so many steps of every seed repay that."""
        gear(self._loop, float(steps * len(self._streams)) * _STEP_WORK * self._learners)

    def advance(self, until: int, report: Callable[[float], None]) -> None:
        """Play every seed until it has made so many steps in all; Ctrl-C takes effect between chunks."""
        left = until - self.played
        loop = gear(self._loop, 0.0)
        most = _CHUNK_STEPS if loop is not self._loop else _PLAIN_CHUNK_STEPS
        done = 0
        # Seeds that have as much to do are played together, as many as make a chunk.
        for first, last in _runs(left, most):
            while self.played[first] < until:
                span = min(until - int(self.played[first]), most)
                with interrupts_held():
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


def _copied(learners: Sequence[Any]) -> list[Any]:
    """Return copies of learners; one that stands in two places stays one."""
    import copy

    made: dict[int, Any] = {}
    for learner in learners:
        if id(learner) not in made:
            made[id(learner)] = learner.copy() if isinstance(learner, TableLearner) else copy.deepcopy(learner)
    return [made[id(learner)] for learner in learners]


def _check_learners(setting: Setting, learners: Sequence[Any]) -> None:
    central = [x for x in learners if isinstance(x, TableLearner) and x.player == EVERYBODY]
    if central:
        if len(learners) > 1:
            raise GameError("a learner that controls everybody plays alone: give a list of that one learner")
        if setting.numbering is not None and not setting.numbering.joint:
            raise GameError(
                "a learner that controls everybody must see what everybody sees: make the environment with "
                'observed(..., shared="joint")'
            )
    elif len(learners) != setting.n_players:
        raise GameError(f"there are {len(learners)} learners: give one for each of {setting.n_players} players")
    for i, learner in enumerate(learners):
        if not isinstance(learner, Learner):
            raise GameError(f"learners[{i}] is {short(learner)}: give an object with act, observe and policy")
        if not isinstance(learner, TableLearner):
            continue
        if learner.player not in (i, EVERYBODY) and learners.count(learner) == 1:
            raise GameError(
                f"learners[{i}] is a learner of player {learner.player}: give the learners in player order, or make "
                f"this one with player={i}"
            )
        if learner.setting.numbering is not setting.numbering:
            raise GameError(
                f"learners[{i}] was made for another numbering of observations: make it with the same observed(...) "
                "object that is played"
            )
        if learner.setting.signature() != setting.signature():
            raise GameError(
                f"learners[{i}] was made for a game with {learner.setting.signature()}, this one has "
                f"{setting.signature()}: make it for the game that it plays"
            )


def _check_ends(setting: Setting, horizon: int | None) -> None:
    game = setting.game
    if game is None:
        return
    if game.start[game.terminal].any():
        raise UnsupportedGame("the game may begin in a terminal state: give it a start from which it can be played")
    if game.discount == 1.0 and horizon is None and not game.surely_ends:
        raise UnsupportedGame(
            "the discount is 1 and the game may go on for ever, so that values may be infinite: give a horizon, or "
            "game.with_discount(0.99)"
        )


def _checked_views(setting: Setting, views: ArrayLike | None) -> NDArray[np.int64] | None:
    if views is None:
        return None
    table = np.ascontiguousarray(views)
    shape = (setting.n_players, setting.n_states)
    if table.shape != shape or table.dtype.kind not in "iu" or table.min() < 0 or table.max() >= setting.n_states:
        raise GameError(f"views must be numbers of states, of shape {shape}, got {short(views)}")
    return table.astype(np.int64)


def _checked_moves(setting: Setting, moves: ArrayLike | None) -> NDArray[np.int64] | None:
    if moves is None:
        return None
    table = np.ascontiguousarray(moves)
    shape = (setting.n_players, max(setting.n_actions))
    fits = table.shape == shape and table.dtype.kind in "iu"
    if not fits or any(sorted(row[:k]) != list(range(k)) for row, k in zip(table.tolist(), setting.n_actions)):
        raise GameError(f"moves must hold each player's actions in some order, shape {shape}; got {short(moves)}")
    return table.astype(np.int64)


def _record_times(record: Any, begun: int, steps: int) -> NDArray[np.int64]:
    if isinstance(record, (int, np.integer)) and not isinstance(record, bool):
        require_whole(record, "record", least=1)
        count = min(int(record), steps)
        return begun + np.unique(np.linspace(0, steps, count + 1).round().astype(np.int64)[1:])
    try:
        times = np.array(list(record), dtype=np.float64)
    except (TypeError, ValueError):
        raise GameError(f"record is {short(record)}: give how many times to record, or numbers of steps") from None
    whole = times.astype(np.int64)
    inside = len(times) > 0 and (times == whole).all() and whole.min() > begun and whole.max() <= begun + steps
    if not inside or (np.diff(whole) <= 0).any():
        raise GameError(
            f"record is {short(record)}: give numbers of steps that rise, above {begun} and at most {begun + steps}"
        )
    return np.unique(np.append(whole, begun + steps))
