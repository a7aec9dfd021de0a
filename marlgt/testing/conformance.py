"""The conformance suite: run it on a solver of your own with one line.

>>> from marlgt.testing import check_solver, from_matrices
>>> def first_actions(A, B):
...     return [1] + [0] * (len(A) - 1), [1] + [0] * (len(A[0]) - 1)
>>> report = check_solver(from_matrices(first_actions), max_examples=50)
>>> report.passed, [r.name for r in report.failures]
(False, ['returns equilibria', 'order of actions'])
>>> print(report.failures[0].code)
from marlgt.games import NormalFormGame
game = NormalFormGame.bimatrix([[0, 0]], [[0, 1]])

A solver is a function of a :class:`~marlgt.games.NormalFormGame` that returns a profile, an ``Equilibrium``, or
any iterable of these. It runs in a process of its own, so that a hang or a crash is a finding and not the end.
Hypothesis draws the games with a fixed seed and shrinks those that fail; nothing is stored between calls.
"""

from __future__ import annotations

import textwrap
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from random import Random
from typing import Any

from hypothesis import HealthCheck, Phase, find, settings
from hypothesis import strategies as st
from hypothesis.errors import NoSuchExample, Unsatisfiable

from marlgt.errors import BudgetExceeded, GameError, UnsupportedGame
from marlgt.games.normal_form import NormalFormGame
from marlgt.games.structure import is_common_interest, is_constant_sum, is_symmetric, is_zero_sum
from marlgt.testing._draws import Actions, Count, Games
from marlgt.testing.properties import ALWAYS, WHEN_COMPLETE, NotApplicable, Property, Trial
from marlgt.testing.sandbox import AnyGame, Sandbox
from marlgt.testing.strategies import KINDS, as_code

__all__ = ["Conformance", "PropertyResult", "check_properties", "check_solver"]

_MOST_HANGS = 30
"""How many hangs are sat through to shrink a game that hangs."""


@dataclass(frozen=True)
class PropertyResult:
    """How one property fared.

    Attributes
    ----------
    name, statement : str
    games : int
        On how many different games it was checked; 0 if it applied to none.
    counterexample : game or None
        The smallest game found on which it fails.
    why : str
        What went wrong there: a deviation that gains, a traceback, a missing equilibrium.
    """

    name: str
    statement: str
    games: int
    counterexample: Any = None
    why: str = ""

    @property
    def failed(self) -> bool:
        """Whether there is a counterexample."""
        return self.counterexample is not None

    @property
    def code(self) -> str:
        """The counterexample as Python to paste, or nothing."""
        return "" if self.counterexample is None else as_code(self.counterexample)

    def __str__(self) -> str:
        word = "fails" if self.failed else "holds" if self.games else "untested"
        line = f"{word:<8}  {self.name:<21}  {self.games:>4} games  {self.statement}"
        if not self.failed:
            return line
        return f"{line}\n{textwrap.indent(self.why.rstrip(), ' ' * 10)}\n{textwrap.indent(self.code, ' ' * 10)}"


@dataclass(frozen=True)
class Conformance:
    """What the suite found out about a solver; print it.

    Attributes
    ----------
    solver : str
    results : tuple of PropertyResult
    seconds : float
    """

    solver: str
    results: tuple[PropertyResult, ...]
    seconds: float

    @property
    def failures(self) -> tuple[PropertyResult, ...]:
        """The properties that fail."""
        return tuple(r for r in self.results if r.failed)

    @property
    def passed(self) -> bool:
        """Whether no property fails and at least one game was solved."""
        return not self.failures and any(r.games for r in self.results)

    def assert_passed(self) -> None:
        """Raise an AssertionError that shows the report unless every property holds; for use in tests."""
        if not self.passed:
            raise AssertionError(str(self))

    def __str__(self) -> str:
        count = len(self.failures)
        head = f"{self.solver}: {count} of {len(self.results)} properties fail ({self.seconds:.1f} s)"
        return "\n".join([head, *map(str, self.results)])


def check_solver(
    solver: Callable[[NormalFormGame], Any],
    *,
    kinds: Sequence[Callable[..., Games]] | None = None,
    n_players: Count = 2,
    n_actions: Actions = None,
    only: Callable[[NormalFormGame], bool] | None = None,
    complete: bool = False,
    max_examples: int = 100,
    time_limit: float | None = 5.0,
    tolerance: float = 1e-7,
    refusals: tuple[type[Exception], ...] = (UnsupportedGame, BudgetExceeded),
    seed: int = 0,
) -> Conformance:
    """Check a solver of Nash equilibria on games of every kind, and shrink every failure.

    Parameters
    ----------
    solver : callable of a NormalFormGame
        Returns a profile, an Equilibrium, or an iterable of these. For a function of two payoff matrices pass
        ``from_matrices(function)``.
    kinds : sequence of functions such as ``zero_sum_games``, optional
        Draw only games of these kinds.
    n_players, n_actions
        As for :func:`~marlgt.testing.normal_form_games`.
    only : callable of a NormalFormGame, optional
        Draw only games that it accepts, such as :func:`~marlgt.testing.is_nondegenerate`.
    complete : bool
        Ask besides for all extreme equilibria of each game with two players and up to about 6x6 actions, found
        by exact brute force, and for an odd number where the game is nondegenerate. Games with payoffs nearer
        to each other than 1e-6 of their range are spared, since floats may merge their equilibria.
    max_examples : int
        Games for each property; all properties see the same games, and the solver runs once on each.
    time_limit : float or None
        Seconds for one game, in a process of its own; None runs the solver in this process without a limit.
    tolerance : float
        Largest regret, as a share of the payoff range, and largest error of a probability.
    refusals : tuple of exception types
        Raised by the solver for games that it does not cover; such games are passed over.
    seed : int

    Returns
    -------
    Conformance

    Raises
    ------
    GameError
        If the solver or ``only`` is not callable, the kinds are not strategies of games, or ``max_examples`` is
        not positive.
    """
    return check_properties(
        solver,
        _games(kinds, n_players, n_actions),
        (*ALWAYS, *(WHEN_COMPLETE if complete else ())),
        takes="a NormalFormGame that returns a profile",
        only=only,
        simplify=_with_fewer_actions,
        max_examples=max_examples,
        time_limit=time_limit,
        tolerance=tolerance,
        refusals=refusals,
        seed=seed,
    )


def check_properties(
    solver: Callable[[Any], Any],
    games: st.SearchStrategy[Any],
    properties: Sequence[Property],
    *,
    takes: str,
    only: Callable[[Any], bool] | None,
    max_examples: int,
    time_limit: float | None,
    tolerance: float,
    refusals: tuple[type[Exception], ...],
    seed: int,
    simplify: Callable[[Any, Callable[[Any], bool]], Any] | None = None,
    first_game: AnyGame | None = None,
) -> Conformance:
    """Check each property of a solver on games of any type; what every suite does.

    Parameters
    ----------
    games : strategy for games
    properties : sequence of Property
    takes : str
        What the solver is a function of, for an error.
    simplify : callable of a game and a predicate, optional
        Makes a counterexample smaller while the predicate holds, after Hypothesis has.
    first_game : game, optional
        An easy one to warm up on.
    only, max_examples, time_limit, tolerance, refusals, seed
        As for :func:`check_solver`.
    """
    if not callable(solver):
        raise GameError(f"solver is {solver!r}: give a function of {takes}")
    if not isinstance(max_examples, int) or max_examples < 1:
        raise GameError(f"max_examples is {max_examples!r}: give how many games to try, at least 1")
    if only is not None and not callable(only):
        raise GameError(f"only is {only!r}: give a function that tells whether a game is to be tried")
    started = time.perf_counter()
    if only is not None:
        games = games.filter(only)
    with Sandbox(solver, refusals=refusals, time_limit=time_limit, first_game=first_game) as sandbox:
        trial = Trial(sandbox, tolerance)
        results = tuple(
            _check(prop, trial, games, only, simplify, max_examples=max_examples, seed=seed) for prop in properties
        )
    name = getattr(solver, "__qualname__", None) or repr(solver)
    return Conformance(name, results, time.perf_counter() - started)


def _games(kinds: Sequence[Callable[..., Games]] | None, n_players: Count, n_actions: Actions) -> Games:
    chosen = list(KINDS.values()) if kinds is None else list(kinds)
    if not chosen or not all(callable(kind) for kind in chosen):
        raise GameError(f"kinds is {kinds!r}: list functions such as marlgt.testing.zero_sum_games")
    return st.one_of([kind(n_players=n_players, n_actions=n_actions) for kind in chosen])


def _check(
    prop: Property,
    trial: Trial,
    games: st.SearchStrategy[Any],
    only: Callable[[Any], bool] | None,
    simplify: Callable[[Any, Callable[[Any], bool]], Any] | None,
    *,
    max_examples: int,
    seed: int,
) -> PropertyResult:
    seen: set[AnyGame] = set()
    failing: dict[AnyGame, str] = {}

    def fails(game: AnyGame) -> bool:
        if game in failing:
            return True
        if prop.name == "finishes" and len(failing) >= _MOST_HANGS:
            return False
        try:
            why = prop.failure(trial, game)
        except NotApplicable:
            return False
        seen.add(game)
        if why is not None:
            failing[game] = why
        return why is not None

    try:
        found = find(games, fails, settings=_settings(max_examples), random=Random(seed))
    except (NoSuchExample, Unsatisfiable):
        return PropertyResult(prop.name, prop.statement, len(seen))
    smallest = found
    if simplify is not None:
        smallest = simplify(found, lambda game: (only is None or only(game)) and fails(game))
    if prop.name != "finishes":
        return PropertyResult(prop.name, prop.statement, len(seen), smallest, failing[smallest])
    for game in (smallest, *list(failing)[:3]):
        run = trial.sandbox.run(game, patient=True)
        if run.outcome == "hung":
            return PropertyResult(prop.name, prop.statement, len(seen), game, run.detail)
    return PropertyResult(prop.name, prop.statement, len(seen))


def _settings(max_examples: int) -> settings:
    return settings(
        max_examples=max_examples,
        deadline=None,
        database=None,
        phases=(Phase.generate, Phase.shrink),
        suppress_health_check=list(HealthCheck),
    )


def _with_fewer_actions(game: NormalFormGame, fails: Callable[[NormalFormGame], bool]) -> NormalFormGame:
    """Drop actions, of one player or the same of all, while the game keeps failing and keeps its structure."""
    facts = _facts(game)
    smaller = True
    while smaller:
        smaller = False
        for kept in _droppings(game.n_actions):
            candidate = game.restrict(kept)
            candidate = NormalFormGame(candidate.payoffs if candidate._exact is None else candidate._exact)
            if all(fact(candidate) for fact in facts) and fails(candidate):
                game, smaller = candidate, True
                break
    return game


def _droppings(counts: tuple[int, ...]) -> list[list[list[int]]]:
    everything = [list(range(count)) for count in counts]
    result = []
    if len(set(counts)) == 1 and counts[0] > 1:
        result += [[[b for b in actions if b != a] for actions in everything] for a in range(counts[0])]
    for i, count in enumerate(counts):
        for a in range(count if count > 1 else 0):
            result.append([[b for b in actions if j != i or b != a] for j, actions in enumerate(everything)])
    return result


def _facts(game: NormalFormGame) -> list[Callable[[NormalFormGame], bool]]:
    known = (is_zero_sum, is_constant_sum, is_common_interest, is_symmetric)
    return [fact for fact in known if fact(game)]
