"""Run somebody's solver in a process of its own: a hang is cut off, a crash of the interpreter is seen.

Python cannot stop a thread, and a loop in compiled code does not listen to signals, so a time limit needs a
process. One process serves game after game and is replaced when it has hung or died. On Linux it is forked, so
that any callable will do; elsewhere it is spawned, and the solver must be a function at the top of a module.
"""

from __future__ import annotations

import multiprocessing
import pickle
import signal
import sys
import time
import traceback
import warnings
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from itertools import islice
from multiprocessing.connection import Connection
from types import TracebackType
from typing import Any, Self

import numpy as np

from marlgt.equilibria import Equilibrium
from marlgt.errors import GameError, UnsupportedGame
from marlgt.games.extensive import ExtensiveGame
from marlgt.games.normal_form import NormalFormGame
from marlgt.games.stochastic import StochasticGame

__all__ = ["AnyGame", "InputChanged", "Run", "Sandbox", "from_matrices", "listed", "run_here"]

AnyGame = NormalFormGame | ExtensiveGame | StochasticGame
"""What a solver on trial may be given."""

MOST_ANSWERS = 10_000
"""An endless generator of answers is cut here."""

_START = 5
_SHORTEST = 0.05


@dataclass(frozen=True)
class Run:
    """What one call of a solver came to.

    Attributes
    ----------
    outcome : str
        ``"answered"``, ``"refused"``, ``"raised"``, ``"hung"`` or ``"died"``.
    answers : tuple of profiles
        Each a list with one list of numbers per player, in games with turns or states a list of rows; or text, for
        what cannot be read as a profile.
    detail : str
        The traceback, the refusal, or how the process ended.
    mutated : bool
        Whether the call changed the game or the matrices that it was given.
    seconds : float
    """

    outcome: str
    answers: tuple[Any, ...] = ()
    detail: str = ""
    mutated: bool = False
    seconds: float = 0.0


class Sandbox:
    """A process that runs one solver on one game at a time; use it as a context manager.

    Parameters
    ----------
    solver : callable of a game
    refusals : tuple of exception types
        Raised by the solver for games that it does not cover.
    first_game : game, optional
        An easy one, solved first with five times the limit, since the first call of many solvers imports or compiles.
    time_limit : float or None
        Seconds for one game; with None it runs in this process, with no limit. After a few hangs the limit falls
        to twenty times the longest call that finished, so that the search for the smallest game that hangs is
        not spent waiting.
    """

    def __init__(
        self,
        solver: Callable[[Any], Any],
        *,
        refusals: tuple[type[Exception], ...],
        time_limit: float | None,
        first_game: AnyGame | None = None,
    ) -> None:
        self._solver = solver
        self._first_game = _FIRST_GAME if first_game is None else first_game
        self._refusals = refusals
        self._time_limit = time_limit
        self._slowest = 0.0
        self._hangs = 0
        self._warm_up = True
        self._process: multiprocessing.process.BaseProcess | None = None
        self._pipe: Connection | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, where: TracebackType | None
    ) -> None:
        self.close()

    def run(self, game: AnyGame, *, patient: bool = False) -> Run:
        """Run the solver on one game; ``patient`` gives it the whole time limit whatever happened before."""
        if self._time_limit is None:
            return run_here(self._solver, game, refusals=self._refusals)
        limit = self._time_limit
        if self._hangs >= 3 and not patient:
            limit = min(limit, max(_SHORTEST, 20 * self._slowest))
        if self._process is None and self._warm_up:
            self._warm_up = self._ask(self._first_game, _START * self._time_limit).outcome not in ("hung", "died")
        run = self._ask(game, limit)
        if run.outcome == "hung":
            self._hangs += 1
        self._slowest = max(self._slowest, run.seconds if run.outcome != "hung" else 0.0)
        return run

    def close(self) -> None:
        """End the process."""
        if self._process is not None:
            self._process.kill()
            self._process.join()
            self._process.close()
        if self._pipe is not None:
            self._pipe.close()
        self._process = self._pipe = None

    def _ask(self, game: AnyGame, limit: float) -> Run:
        pipe = self._pipe or self._start()
        try:
            pipe.send(game)
            if not pipe.poll(limit):
                self.close()
                return Run("hung", detail=f"no answer within {limit:.3g} s", seconds=limit)
            run: Run = pipe.recv()
        except (EOFError, BrokenPipeError, ConnectionResetError):
            code = self._exit_code()
            self.close()
            return Run("died", detail=f"the process ended with exit code {code}")
        return run

    def _start(self) -> Connection:
        context: Any = multiprocessing.get_context("fork" if sys.platform == "linux" else "spawn")
        ours, theirs = context.Pipe()
        process = context.Process(target=_serve, args=(theirs, ours, self._solver, self._refusals), daemon=True)
        try:
            with warnings.catch_warnings():
                # Python 3.12 warns of forking beside threads; this child only computes and is killed after.
                warnings.simplefilter("ignore", DeprecationWarning)
                process.start()
        except (pickle.PicklingError, AttributeError, TypeError) as error:
            raise GameError(
                f"the solver {self._solver!r} cannot be sent to another process: define it as a function at the "
                "top of a module, or pass time_limit=None to run it in this one"
            ) from error
        theirs.close()
        self._process, self._pipe = process, ours
        return self._pipe

    def _exit_code(self) -> int | None:
        if self._process is None:
            return None
        self._process.join(timeout=5)
        return self._process.exitcode


def run_here(solver: Callable[[Any], Any], game: AnyGame, *, refusals: tuple[type[Exception], ...]) -> Run:
    """Run the solver in this process, with no limit of time."""
    given = _copied(game)
    mutated = False
    started = time.perf_counter()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            try:
                result = solver(given)
            except InputChanged as change:
                mutated, result = True, change.result
            answers = tuple(_plain(answer) for answer in listed(result, game.n_players, axes=_axes(game)))
    except refusals as error:
        return Run("refused", detail=f"{type(error).__name__}: {error}")
    except Exception as error:
        return Run("raised", detail=_traceback(error), seconds=time.perf_counter() - started)
    mutated = mutated or _differ(game, given)
    return Run("answered", answers, mutated=mutated, seconds=time.perf_counter() - started)


def _copied(game: AnyGame) -> AnyGame:
    if not isinstance(game, NormalFormGame):
        copied: AnyGame = pickle.loads(pickle.dumps(game))
        return copied
    return NormalFormGame(
        game.payoffs if game._exact is None else game._exact, players=game.players, actions=game.actions
    )


def _differ(game: AnyGame, other: AnyGame) -> bool:
    if isinstance(game, NormalFormGame) and isinstance(other, NormalFormGame):
        return not np.array_equal(game.payoffs, other.payoffs)
    return game != other


def _axes(game: AnyGame) -> int:
    """Return how many axes a player's part of a profile has."""
    return 1 if isinstance(game, NormalFormGame) else 2


def _traceback(error: Exception) -> str:
    """Return the traceback from the solver's own code on."""
    frames = error.__traceback__
    while frames is not None and frames.tb_frame.f_code.co_filename == __file__ and frames.tb_next is not None:
        frames = frames.tb_next
    return "".join(traceback.format_exception(type(error), error, frames, limit=-4))


class InputChanged(Exception):
    """A solver wrote into the matrices that it was given; carries what it returned."""

    def __init__(self, result: Any) -> None:
        super().__init__("the solver changed its input")
        self.result = result


def from_matrices(solve: Callable[[Any, Any], Any]) -> Callable[[NormalFormGame], Any]:
    """Return a solver of games made from one that takes two payoff matrices.

    The matrices are copies that it may write into (and is caught at it): int64 where all payoffs are integers,
    float64 otherwise.

    Examples
    --------
    >>> from marlgt.games import NormalFormGame
    >>> first = from_matrices(lambda A, B: ([1, 0], [1, 0]))
    >>> first(NormalFormGame.bimatrix([[1, 0], [0, 1]], [[1, 0], [0, 1]]))
    ([1, 0], [1, 0])
    """

    def solver(game: NormalFormGame) -> Any:
        if game.n_players != 2:
            raise UnsupportedGame(f"two matrices make a two-player game, this one has {game.n_players} players")
        source = game.payoffs
        if game._exact is not None and game._exact.dtype == np.int64:
            source = game._exact
        A, B = source.copy()
        before = A.copy(), B.copy()
        result = solve(A, B)
        if isinstance(result, Iterator):
            result = list(islice(result, MOST_ANSWERS))
        if not (np.array_equal(A, before[0]) and np.array_equal(B, before[1])):
            raise InputChanged(result)
        return result

    solver.__qualname__ = getattr(solve, "__qualname__", solver.__qualname__)
    return solver


def listed(result: Any, n_players: int, *, axes: int = 1) -> list[Any]:
    """Return the answers in what a solver returned: one profile, one result, or any iterable of either.

    A profile has one array for each player: with one axis a distribution, with two a policy.
    """
    if result is None:
        return []
    if isinstance(result, Equilibrium) or _is_profile(result, n_players, axes):
        return [result]
    if isinstance(result, Iterable) and not isinstance(result, (str, bytes, dict)):
        return list(islice(result, MOST_ANSWERS))
    return [result]


def _is_profile(result: Any, n_players: int, axes: int) -> bool:
    if not isinstance(result, (tuple, list, np.ndarray)) or len(result) != n_players:
        return False
    return all(_has_axes(strategy, axes) for strategy in result)


def _has_axes(value: Any, axes: int) -> bool:
    try:
        array = np.asarray(value)
    except ValueError:
        return False
    if array.size == 0:
        return array.ndim <= axes
    if array.dtype == object and any(isinstance(x, (list, tuple, np.ndarray)) for x in array.reshape(-1)):
        return False
    return array.ndim == axes


def _plain(answer: Any) -> list[list[Any]] | str:
    """Return a profile as lists of Python numbers, or text where it is none."""
    if isinstance(answer, Equilibrium):
        answer = answer.exact_profile or answer.profile
    try:
        profile = [np.asarray(strategy).tolist() for strategy in answer]
    except (TypeError, ValueError):
        return repr(answer)
    readable = all(
        isinstance(strategy, list) and all(isinstance(x, (int, float, Fraction)) for x in _flat(strategy))
        for strategy in profile
    )
    return profile if readable else repr(answer)


def _flat(nested: list[Any]) -> Iterator[Any]:
    for entry in nested:
        if isinstance(entry, list):
            yield from _flat(entry)
        else:
            yield entry


def _serve(pipe: Connection, parents_end: Connection, solver: Any, refusals: tuple[type[Exception], ...]) -> None:
    # The parent decides when a Ctrl-C ends this process, and its closing of the pipe must be seen here.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    parents_end.close()
    while True:
        try:
            game = pipe.recv()
        except EOFError:
            return
        pipe.send(run_here(solver, game, refusals=refusals))


_FIRST_GAME = NormalFormGame.bimatrix([[2, 0], [0, 1]], [[1, 0], [0, 2]])
