"""The conformance suite for dynamics: run it on a rule of play of your own with one line.

>>> from marlgt.dynamics import hedge
>>> from marlgt.testing import check_dynamic
>>> report = check_dynamic(hedge, settings={"steps": 12}, symmetric=True, shift_invariant=True, max_examples=3)
>>> report.passed, len(report.results)
(True, 9)

A dynamic is a function of a game and of settings that returns a :class:`~marlgt.dynamics.Trajectory`. Hypothesis draws
games with ties, dominated and single actions with a fixed seed and shrinks those on which a property fails.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from random import Random
from typing import Any

from hypothesis import HealthCheck, Phase, find, settings
from hypothesis import strategies as st
from hypothesis.errors import NoSuchExample, Unsatisfiable

from marlgt.errors import GameError
from marlgt.games._doors import require_flag
from marlgt.games.normal_form import NormalFormGame
from marlgt.testing.conformance import Conformance, PropertyResult
from marlgt.testing.dynamic_properties import CLAIMS, OF_DYNAMICS, Bound, Dynamic, Entry, Suspect
from marlgt.testing.properties import NotApplicable
from marlgt.testing.strategies import generic_games, normal_form_games

__all__ = ["check_dynamic"]

_WITHOUT_TIES = ("symmetric", "shift_invariant")
"""Claims for games in which no tie is broken by the order of actions or by rounding."""


def check_dynamic(
    dynamic: Dynamic,
    *,
    settings: Mapping[str, Any] | None = None,
    games: st.SearchStrategy[NormalFormGame] | None = None,
    averages: bool = False,
    batches: bool = False,
    symmetric: bool = False,
    shift_invariant: bool = False,
    scale_free: bool = False,
    potential: bool = False,
    no_regret: Bound | None = None,
    max_examples: int = 20,
    seed: int = 0,
) -> Conformance:
    """Check that a dynamic keeps its books on games of every kind, and what is claimed of it besides.

    Parameters
    ----------
    dynamic : callable of a NormalFormGame and of settings by keyword
        Returns a Trajectory; games for which it raises a GameError, such as UnsupportedGame, are passed over. The
        suite sets ``seed``, ``record``, ``joint`` and ``keep_actions`` where the dynamic takes them.
    settings : mapping, optional
        Passed to each run, such as ``{"steps": 20}``; with few steps the suite is fast.
    games : strategy for games, optional
        By default two or three players of one to three actions; those of the claims of symmetry and of shifts have no
        ties, for there a tie may be broken by the order of actions or by rounding.
    averages : bool
        Claim that each player's averages are her part of the joint distribution of play.
    batches : bool
        Claim that :func:`~marlgt.dynamics.many` runs it, with the same results as alone.
    symmetric : bool
        Claim that permuted players and actions permute the run; passed over where runs depend on the seed.
    shift_invariant : bool
        Claim that a constant added to the payoffs of a player changes nothing.
    scale_free : bool
        Claim that a positive factor of the payoffs of a player changes nothing.
    potential : bool
        Claim that in games of common interest what all are paid never falls.
    no_regret : callable of a game and times, optional
        Claim that the largest average regret is at most what this returns, one number for each time.
    max_examples : int
        Games for each property.
    seed : int

    Returns
    -------
    Conformance

    Raises
    ------
    GameError
        If ``dynamic`` or ``no_regret`` is not callable, or ``max_examples`` not positive.
    """
    if not callable(dynamic):
        raise GameError(f"dynamic is {dynamic!r}: give a function of a game that returns a trajectory")
    if no_regret is not None and not callable(no_regret):
        raise GameError(f"no_regret is {no_regret!r}: give a function of a game and of times that returns bounds")
    if not isinstance(max_examples, int) or max_examples < 1:
        raise GameError(f"max_examples is {max_examples!r}: give how many games to try, at least 1")
    claims = {
        "averages": averages,
        "batches": batches,
        "symmetric": symmetric,
        "shift_invariant": shift_invariant,
        "scale_free": scale_free,
        "potential": potential,
    }
    for name, flag in claims.items():
        require_flag(flag, name)
    claims["no_regret"] = no_regret is not None
    started = time.perf_counter()
    suspect = Suspect(dynamic, dict(settings or {}), no_regret)
    any_games = normal_form_games(n_players=range(2, 4), n_actions=range(1, 4)) if games is None else games
    untied = generic_games(n_players=range(2, 4), n_actions=range(1, 4)) if games is None else games
    results = [_check(entry, suspect, any_games, max_examples, seed) for entry in OF_DYNAMICS]
    for name, claimed in claims.items():
        if claimed:
            drawn = untied if name in _WITHOUT_TIES else any_games
            results.append(_check(CLAIMS[name], suspect, drawn, max_examples, seed))
    name = getattr(dynamic, "__qualname__", None) or repr(dynamic)
    return Conformance(name, tuple(results), time.perf_counter() - started)


def _check(
    entry: Entry, suspect: Suspect, games: st.SearchStrategy[NormalFormGame], max_examples: int, seed: int
) -> PropertyResult:
    name, statement, failure = entry
    covered = 0
    reasons: dict[NormalFormGame, str] = {}

    def fails(game: NormalFormGame) -> bool:
        nonlocal covered
        try:
            why = failure(suspect, game)
        except NotApplicable:
            return False
        except Exception as error:
            why = f"it raised {type(error).__name__}: {error}"
        covered += 1
        if why is not None:
            reasons[game] = why
        return why is not None

    options = settings(
        max_examples=max_examples,
        deadline=None,
        database=None,
        phases=(Phase.generate, Phase.shrink),
        suppress_health_check=list(HealthCheck),
    )
    try:
        found = find(games, fails, settings=options, random=Random(seed))
    except (NoSuchExample, Unsatisfiable):
        return PropertyResult(name, statement, covered)
    return PropertyResult(name, statement, covered, found, reasons[found])
