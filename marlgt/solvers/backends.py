"""Other packages' solvers by name, their answers under this package's certificate.

An answer of nashpy or OpenSpiel is returned only if it is a profile of distributions whose regret, recomputed
here, is within tolerance; enumerations drop what is not and say how much they dropped, and where nothing is
left NotConverged is raised with the reason. Their loops may not end (nashpy's Lemke-Howson cycles on a game of
one action each), so they run in a thread that is told to stop when the time limit has passed: that ends any
loop in Python, and it leaves Ctrl-C to the caller.
"""

from __future__ import annotations

import ctypes
import threading
import time
import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from marlgt.certificates import TOLERANCE, certified, relative_epsilon
from marlgt.equilibria import Equilibria, Equilibrium
from marlgt.errors import GameError, MissingDependency, NotConverged, UnsupportedGame
from marlgt.games._doors import require_game
from marlgt.games.nashpy_bridge import to_nashpy
from marlgt.games.normal_form import NormalFormGame
from marlgt.games.structure import is_constant_sum
from marlgt.solvers._answers import certified_answer
from marlgt.solvers._tensors import check_positive

__all__ = [
    "BACKENDS",
    "nashpy_lemke_howson",
    "nashpy_linear_program",
    "nashpy_support_enumeration",
    "nashpy_vertex_enumeration",
    "openspiel_cfr_plus",
]

_SAME = 1e-9
_CFR_CHUNK = 1000
_ROUNDING = 1e-6


def nashpy_support_enumeration(game: NormalFormGame, *, time_limit: float = 60.0) -> Equilibria:
    """Return the equilibria that nashpy's support enumeration finds, certified; not known to be all.

    Parameters
    ----------
    game : NormalFormGame
        Two players.
    time_limit : float
        Seconds after which what was found is returned, marked ``stopped="budget"``.

    Raises
    ------
    UnsupportedGame
        If the players are not two.
    NotConverged
        If nashpy fails, or none of its answers passes the certificate.
    MissingDependency
        If nashpy is not installed.

    Examples
    --------
    >>> import marlgt as gt
    >>> game = gt.NormalFormGame.bimatrix([[3, 0], [0, 2]], [[2, 0], [0, 3]])
    >>> len(nashpy_support_enumeration(game))
    3
    """
    require_game(game)
    theirs = to_nashpy(game)
    return _enumerated(game, "nashpy.support_enumeration", theirs.support_enumeration, time_limit)


def nashpy_vertex_enumeration(game: NormalFormGame, *, time_limit: float = 60.0) -> Equilibria:
    """Return the equilibria that nashpy's vertex enumeration finds, certified; not known to be all.

    Parameters and errors are those of :func:`nashpy_support_enumeration`.
    """
    require_game(game)
    theirs = to_nashpy(game)
    return _enumerated(game, "nashpy.vertex_enumeration", theirs.vertex_enumeration, time_limit)


def nashpy_lemke_howson(game: NormalFormGame, *, label: int = 0, time_limit: float = 10.0) -> Equilibrium:
    """Return the equilibrium to which nashpy's Lemke-Howson leads from a label, certified.

    Parameters
    ----------
    game : NormalFormGame
        Two players.
    label : int
        The label that is dropped first: a row, or the number of rows plus a column.
    time_limit : float
        Seconds. On many games nashpy's pivoting never ends.

    Raises
    ------
    GameError
        If there is no such label.
    NotConverged
        If it does not end, fails, or ends at something that is no equilibrium.
    """
    require_game(game)
    theirs = to_nashpy(game)
    count = sum(game.n_actions)
    if isinstance(label, bool) or not isinstance(label, (int, np.integer)) or not 0 <= label < count:
        raise GameError(f"label is {label!r}: labels of this game run from 0 to {count - 1}")
    return _one(
        game,
        "nashpy.lemke_howson",
        lambda: [theirs.lemke_howson(initial_dropped_label=int(label))],
        time_limit=time_limit,
        instead="lemke_howson(game)",
    )


def nashpy_linear_program(game: NormalFormGame, *, time_limit: float = 60.0) -> Equilibrium:
    """Return nashpy's minimax strategies of a zero-sum or constant-sum game, certified.

    Raises
    ------
    UnsupportedGame
        If the payoffs do not sum to a constant.
    NotConverged
        If nashpy fails, or its answer does not pass the certificate.
    """
    require_game(game)
    _require_constant_sum(game, "nashpy.linear_program")
    theirs = type(to_nashpy(game))(game.payoffs[0].copy())
    return _one(
        game, "nashpy.linear_program", lambda: [theirs.linear_program()], time_limit=time_limit, instead="minimax(game)"
    )


def openspiel_cfr_plus(
    game: NormalFormGame, *, iterations: int = 100_000, tolerance: float = 1e-4, time_limit: float = 60.0
) -> Equilibrium:
    """Return what OpenSpiel's CFR+ approaches in a zero-sum or constant-sum game, certified.

    Its average strategies after each thousand iterations are certified, until a certificate passes.
    OpenSpiel's linear programs are no backend: they load a solver under the GPL.

    Parameters
    ----------
    game : NormalFormGame
    iterations : int
        The most iterations.
    tolerance : float
        Largest regret, as a share of the payoff range. CFR+ converges slowly: the 1e-9 asked of other
        solvers is out of its reach in most games.
    time_limit : float
        Seconds.

    Raises
    ------
    UnsupportedGame
        If the payoffs do not sum to a constant.
    NotConverged
        If the certificate still fails after the last iteration; it carries the best profile.
    MissingDependency
        If open_spiel is not installed.

    References
    ----------
    Tammelin, O. (2014). Solving large imperfect information games using CFR+. arXiv:1407.5042.
    """
    require_game(game)
    check_positive(iterations=iterations, tolerance=tolerance)
    _require_constant_sum(game, "openspiel.cfr_plus")
    try:
        import pyspiel
    except ImportError as error:
        raise MissingDependency("openspiel.cfr_plus", package="open_spiel", extra="games") from error
    # The strategies do not depend on the unit and the origin of the payoffs.
    A = (game.payoffs[0] - game.payoffs[0].min()) / max(float(game.payoff_range[0]), float(np.finfo(np.float64).tiny))

    def solve() -> Iterator[Any]:
        theirs = pyspiel.convert_to_turn_based(pyspiel.create_matrix_game(A.tolist(), (-A).tolist()))
        first = theirs.new_initial_state()
        states = (first, first.child(0))
        solver = pyspiel.CFRPlusSolver(theirs)
        done = 0
        while done < iterations:
            for _ in range(min(_CFR_CHUNK, iterations - done)):
                solver.evaluate_and_update_policy()
            done += _CFR_CHUNK
            average = solver.average_policy()
            profile = tuple(np.array([p for _, p in sorted(average.action_probabilities(s).items())]) for s in states)
            if _judged(game, profile, "openspiel.cfr_plus", tolerance)[0] is not None or done >= iterations:
                yield profile
                return

    return _one(
        game,
        "openspiel.cfr_plus",
        solve,
        time_limit=time_limit,
        instead="minimax(game)",
        tolerance=tolerance,
    )


BACKENDS: Mapping[str, Callable[..., Equilibrium | Equilibria]] = {
    "nashpy.lemke_howson": nashpy_lemke_howson,
    "nashpy.linear_program": nashpy_linear_program,
    "nashpy.support_enumeration": nashpy_support_enumeration,
    "nashpy.vertex_enumeration": nashpy_vertex_enumeration,
    "openspiel.cfr_plus": openspiel_cfr_plus,
}
"""Every backend by the name that ``solve(game, method=...)`` takes."""


@dataclass
class _Call:
    """What a call of a backend came to."""

    answers: list[Any] = field(default_factory=list)
    error: Exception | None = None
    stopped: str = ""
    seconds: float = 0.0


class _Stop(BaseException):
    """Raised inside a backend's thread when its time is up."""


def _call(answers: Callable[[], Iterable[Any]], time_limit: float) -> _Call:
    """Collect the answers that come within the time limit, or before Ctrl-C."""
    check_positive(time_limit=time_limit)
    call = _Call()
    ended = threading.Event()

    def work() -> None:
        try:
            with np.errstate(all="ignore"):
                for answer in answers():
                    call.answers.append(answer)
        except _Stop:
            pass
        except Exception as error:
            call.error = error
        finally:
            ended.set()

    started = time.perf_counter()
    thread = threading.Thread(target=work, daemon=True)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        thread.start()
        try:
            if not ended.wait(time_limit):
                call.stopped = "budget"
        except KeyboardInterrupt:
            call.stopped = "interrupted"
        if call.stopped and thread.ident is not None:
            ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(thread.ident), ctypes.py_object(_Stop))
            ended.wait(1.0)
    call.seconds = time.perf_counter() - started
    return call


def _enumerated(
    game: NormalFormGame, method: str, answers: Callable[[], Iterable[Any]], time_limit: float
) -> Equilibria:
    call = _call(answers, time_limit)
    found: list[Equilibrium] = []
    rejected = repeated = 0
    for given in list(call.answers):
        answer, _ = _judged(game, given, method, TOLERANCE)
        if answer is None:
            rejected += 1
        elif any(_distance(answer, other) <= _SAME for other in found):
            repeated += 1
        else:
            found.append(answer)
    why = f"{method} gave {len(call.answers)} answers: {rejected} failed the certificate, {repeated} were repetitions"
    if call.error is not None:
        why += f", and then it raised {type(call.error).__name__}: {call.error}"
    if not found and call.stopped != "interrupted":
        ended = f" within {time_limit:g} s" if call.stopped else ""
        raise NotConverged(
            f"{why}; no equilibrium is left{ended}, yet every game has one: use vertex_enumeration(game)"
        ) from call.error
    work = {"answers": len(call.answers), "rejected": rejected, "repeated": repeated}
    found = [replace(e, work=work, seconds=call.seconds) for e in found]
    return Equilibria(found, concept="nash", method=method, stopped=call.stopped, why=why)


def _one(
    game: NormalFormGame,
    method: str,
    answers: Callable[[], Iterable[Any]],
    *,
    time_limit: float,
    instead: str,
    tolerance: float = TOLERANCE,
) -> Equilibrium:
    call = _call(answers, time_limit)
    if call.stopped == "interrupted":
        raise KeyboardInterrupt
    if call.error is not None:
        raise NotConverged(f"{method} raised {type(call.error).__name__}: {call.error}; use {instead}") from call.error
    if not call.answers:
        raise NotConverged(f"{method} gave no answer within {time_limit:g} s; use {instead}")
    answer, best = _judged(game, call.answers[0], method, tolerance)
    if answer is not None:
        return replace(answer, work={"answers": 1}, seconds=call.seconds)
    if best is None:
        raise NotConverged(f"{method} returned {call.answers[0]!r}, which is no profile of this game; use {instead}")
    raise NotConverged(
        f"{method} returned a profile with a regret of {relative_epsilon(game, best):.1e} of the payoff range, more "
        f"than {tolerance:g}; use {instead}",
        best=best,
    )


def _judged(
    game: NormalFormGame, given: Any, method: str, tolerance: float
) -> tuple[Equilibrium | None, Equilibrium | None]:
    """Return the answer if it passes the certificate, and beside it the answer if it is a profile at all."""
    profile = _profile(game, given)
    if profile is None:
        return None, None
    offsets = np.concatenate([[0], np.cumsum(game.n_actions)]).astype(np.int64)
    answer = certified_answer(game, offsets, np.concatenate(profile), method=method, work={}, seconds=0.0)
    if answer is not None:
        return answer, answer
    best = certified(game, profile, method=method)
    return (best if relative_epsilon(game, best) <= tolerance else None), best


def _profile(game: NormalFormGame, given: Any) -> tuple[NDArray[np.float64], ...] | None:
    """Return the answer as distributions, cleared of rounding, or None if it is something else."""
    if not isinstance(given, Sequence) or len(given) != game.n_players:
        return None
    result = []
    for strategy, count in zip(given, game.n_actions):
        try:
            x = np.ravel(np.asarray(strategy, dtype=np.float64))
        except (TypeError, ValueError):
            return None
        if x.size != count or not np.isfinite(x).all() or x.min() < -_ROUNDING or abs(x.sum() - 1) > _ROUNDING:
            return None
        x = np.maximum(x, 0.0)
        result.append(x / x.sum())
    return tuple(result)


def _distance(a: Equilibrium, b: Equilibrium) -> float:
    return max(float(np.abs(x - y).max()) for x, y in zip(a.profile or (), b.profile or ()))


def _require_constant_sum(game: NormalFormGame, method: str) -> None:
    if game.n_players != 2 or not is_constant_sum(game):
        raise UnsupportedGame(
            f"{method} covers two players whose payoffs sum to a constant: use nashpy_vertex_enumeration(game) or "
            "another solver of general games"
        )
