"""Play: learners against learners, on a tabulated game in one fused kernel or on anything else through Python.

A match holds the players, the state of the game and the random streams of each seed; to play is to advance it. The
result of a seed depends on that seed alone, whatever other seeds are played beside it and however the steps are cut
into calls.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from marlgt.dynamics._record_times import recorded_times
from marlgt.errors import GameError, LearningStopped
from marlgt.games._arrays import short
from marlgt.games._doors import bounded_list, require_seed, require_whole
from marlgt.games.stochastic import StochasticGame
from marlgt.learners._fused import LEARNERS
from marlgt.learners._fused_match import Fused
from marlgt.learners._match_checks import (
    MOST_SEEDS,
    check_ends,
    check_horizon,
    check_learners,
    check_records,
    check_room,
    checked_moves,
    checked_views,
)
from marlgt.learners._stops import Failed, Leave, diverged
from marlgt.learners.records import Floats, Run, profile_of
from marlgt.learners.settings import setting_of
from marlgt.learners.tables import TableLearner
from marlgt.progress import progress, stopwatch

__all__ = ["Match", "play", "play_seeds"]


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
        Ctrl-C ends it at the last record, with the note "interrupted"; before the first record it is raised.
    """
    match = Match(game, learners, seeds=seeds, horizon=horizon, views=views, moves=moves)
    try:
        return match.advance(steps, record=record, judge=judge)
    except KeyboardInterrupt:
        # The copies are nobody else's: what they learned would be lost.
        if match.interrupted is None:
            raise
        return match.interrupted


class Match:
    """Learners in the middle of a game, for each of some seeds.

    Parameters
    ----------
    game, learners, horizon, views, moves
        As in :func:`play`.
    seeds : iterable of int
    copies : bool
        Whether each seed plays with copies of the learners; else the learners given play, for one seed.

    Attributes
    ----------
    learners : tuple of lists
        The learners of each seed, up to date after each :meth:`advance`, also after one that was interrupted.
    interrupted : Run or None
        The records of the last advance that Ctrl-C ended after its first record.
    horizon, views, moves
        As given, checked.
    """

    def __init__(
        self,
        game: Any,
        learners: Sequence[Any],
        *,
        seeds: Iterable[int] = (0,),
        horizon: int | None = None,
        views: ArrayLike | None = None,
        moves: ArrayLike | None = None,
        copies: bool = True,
    ) -> None:
        self.game = game
        self.setting = setting_of(game)
        self.seeds = tuple(bounded_list(seeds, "seeds", "whole numbers from 0", most=MOST_SEEDS))
        for seed in self.seeds:
            require_seed(seed)
        if not self.seeds or len(set(self.seeds)) < len(self.seeds):
            raise GameError(f"seeds is {short(self.seeds)}: give at least one, all different")
        check_horizon(horizon)
        self.horizon = horizon
        self.interrupted: Run | None = None
        given = bounded_list(learners, "learners", "learners, one for each player", most=MOST_SEEDS)
        check_learners(self.setting, given)
        check_room(given, len(self.seeds))
        check_ends(self.setting, horizon)
        self.learners = tuple(_copied(given) if copies else given for _ in self.seeds)
        checked = checked_views(self.setting, views), checked_moves(self.setting, moves)
        self.views, self.moves = checked
        # Infinity may be a mark of a learner's own; only what was finite can diverge.
        self._finite = [bool(np.isfinite(x.memory).all()) if isinstance(x, TableLearner) else False for x in given]
        fused = isinstance(self.setting.game, StochasticGame) and all(isinstance(x, TableLearner) for x in given)
        if fused and len(given) <= LEARNERS:
            self._engine: Any = Fused(self.setting, self.learners, self.seeds, horizon, *checked)
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
            If a reward or a value is not finite, or the environment, a learner or the judge raises an exception. The
            records until then are in its ``run``, and the match can be advanced again: a seed that could not make its
            step begins a new episode.
        """
        require_whole(steps, "steps", least=1)
        clock = stopwatch()
        begun, times = self.steps, recorded_times(record, steps, begun=self.steps)
        check_records(self.setting, len(self.seeds), len(times))
        made: list[int] = []
        rows: list[tuple[Any, ...]] = []
        gaps: list[list[float]] = []

        def note_down(time: int) -> Exception | None:
            made.append(time)
            rows.append(self._engine.harvest())
            try:
                gaps.append([self._judged(judge, own) for own in self.learners])
            except Exception as error:
                gaps.append([np.nan] * len(self.seeds))
                return error
            return None

        if judge is not None and not callable(judge):
            raise GameError(f"judge is {short(judge)}: give a function of a game and a profile, such as nash_conv")
        self._engine.prepare(steps)
        why: Failed | Leave | str | None = None
        cause: BaseException | None = None
        with progress("playing", total=float(steps * len(self.seeds))) as report:
            for time in times:
                done = float((self.steps - begun) * len(self.seeds))
                try:
                    self._engine.advance(int(time), lambda more, before=done: report(before + more, ""))
                    cause = note_down(int(time))
                except (Failed, Leave) as stop:
                    why, cause = stop, stop.__cause__
                except KeyboardInterrupt:
                    kept = len(gaps)
                    if kept:
                        judged = gaps if judge is not None else None
                        self.interrupted = self._run(made[:kept], rows[:kept], judged, clock(), "interrupted")
                    raise
                else:
                    what = f"judge failed after {self.steps} steps ({type(cause).__name__}: {cause})"
                    why = self._divergence() if cause is None else what
                if why is not None:
                    break
        if isinstance(why, (Failed, Leave)) and self._engine.played.max() > (made[-1] if made else begun):
            note_down(int(self._engine.played.max()))
        run = self._run(made, rows, gaps if judge is not None else None, clock(), str(why or ""))
        if why is not None and not isinstance(why, Leave):
            raise LearningStopped(self._reason(why), run=run) from cause
        return run

    def _judged(self, judge: Callable[[Any, tuple[Floats, ...]], float] | None, own: Sequence[Any]) -> float:
        """Return what a judge says of the policies of one seed's learners."""
        return np.nan if judge is None else float(judge(self.game, profile_of(own, self.views, self.moves)))

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
        if self._engine.all_finite():
            return None
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


def _copied(learners: Sequence[Any]) -> list[Any]:
    """Return copies of learners; one that stands in two places stays one."""
    import copy

    made: dict[int, Any] = {}
    for learner in learners:
        if id(learner) not in made:
            made[id(learner)] = learner.copy() if isinstance(learner, TableLearner) else copy.deepcopy(learner)
    return [made[id(learner)] for learner in learners]
