"""The conformance suite for learners: run it on a learner of your own with one line.

>>> from marlgt.learners import QLearning
>>> from marlgt.testing import check_learner
>>> report = check_learner(QLearning, max_examples=3)
>>> report.passed, len(report.results)
(True, 11)

A learner is made by a function of a game and a player; a class will do. It plays small games with ties, illegal actions
and states that end, against players who play anything. Hypothesis draws the games with a fixed seed and shrinks those
on which a property fails. What a learner learns is judged elsewhere, by the certificates of what it converges to.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from random import Random
from typing import Any

import numpy as np
from hypothesis import HealthCheck, Phase, find, settings
from hypothesis import strategies as st
from hypothesis.errors import NoSuchExample, Unsatisfiable

from marlgt.errors import GameError
from marlgt.games.stochastic import StochasticGame
from marlgt.learners import Schedule, Transition, geometric, linear, power
from marlgt.learners.settings import setting_of
from marlgt.testing._draws import Draw
from marlgt.testing.conformance import Conformance, PropertyResult
from marlgt.testing.learner_properties import OF_LEARNERS, Maker, transition_of
from marlgt.testing.properties import NotApplicable
from marlgt.testing.stochastic import (
    common_interest_stochastic_games,
    ending_stochastic_games,
    stochastic_games,
    zero_sum_stochastic_games,
)

__all__ = ["check_learner", "schedules", "transitions"]


def check_learner(
    make: Maker,
    *,
    games: st.SearchStrategy[StochasticGame] | None = None,
    max_examples: int = 20,
    seed: int = 0,
) -> Conformance:
    """Check that a learner keeps the protocol on games of every kind, and shrink every failure.

    Parameters
    ----------
    make : callable of a game and a player
        Returns a learner; games for which it raises a GameError, such as UnsupportedGame, are passed over.
    games : strategy for stochastic games, optional
        By default small games of two players: zero-sum, of common interest, of any interests, with and without end.
        Games that may begin in a terminal state are left out.
    max_examples : int
        Games for each property.
    seed : int

    Returns
    -------
    Conformance

    Raises
    ------
    GameError
        If ``make`` is not callable or ``max_examples`` not positive.
    """
    if not callable(make):
        raise GameError(f"make is {make!r}: give a function of a game and a player that returns a learner")
    if not isinstance(max_examples, int) or max_examples < 1:
        raise GameError(f"max_examples is {max_examples!r}: give how many games to try, at least 1")
    started = time.perf_counter()
    drawn = (_games() if games is None else games).filter(lambda game: not game.start[game.terminal].any())
    results = tuple(_check(*entry, make, drawn, max_examples, seed) for entry in OF_LEARNERS)
    name = getattr(make, "__qualname__", None) or repr(make)
    return Conformance(name, results, time.perf_counter() - started)


def transitions(game: Any) -> st.SearchStrategy[Transition]:
    """Draw transitions that can happen in a game, with legal actions; some are truncated.

    Parameters
    ----------
    game : NormalFormGame or StochasticGame
        With a state that is not terminal.

    Examples
    --------
    >>> from hypothesis import find
    >>> from marlgt.games import prisoners_dilemma
    >>> find(transitions(prisoners_dilemma()), lambda step: step.rewards[0] == 5).actions
    (1, 0)
    """
    table = setting_of(game).game
    if table is None or table.terminal.all():
        raise GameError("transitions need a tabulated game with a state that is not terminal")
    inner = np.flatnonzero(~table.terminal).tolist()

    @st.composite
    def build(draw: Draw) -> Transition:
        state = draw(st.sampled_from(inner))
        actions = tuple(draw(st.sampled_from(np.flatnonzero(own[state]).tolist())) for own in table.legal)
        cell = (state, *actions)
        place = draw(st.sampled_from(np.flatnonzero(table.probabilities[cell] > 0).tolist()))
        terminated = bool(table.terminal[table.successors[(*cell, place)]])
        truncated = not terminated and draw(st.booleans())
        return transition_of(table, cell, place, truncated=truncated)

    return build()


def schedules() -> st.SearchStrategy[float | Schedule]:
    """Draw learning rates: numbers from 0 to 1, and schedules of every shape.

    Examples
    --------
    >>> from hypothesis import find
    >>> find(schedules(), lambda rate: isinstance(rate, Schedule) and rate.shape == "linear")(0)
    0.0
    """
    share = st.floats(0, 1)
    steps = st.integers(1, 1000)
    per_visit = st.booleans()
    return st.one_of(
        share,
        st.builds(lambda first, last, n: linear(first, last, steps=n), share, share, steps),
        st.builds(lambda x, f, v: geometric(x, f, per_visit=v), share, st.floats(0.5, 1), per_visit),
        st.builds(
            lambda x, e, n, v: power(x, exponent=e, scale=n, per_visit=v), share, st.floats(0, 2), steps, per_visit
        ),
    )


def _games() -> st.SearchStrategy[StochasticGame]:
    kinds = (
        zero_sum_stochastic_games,
        common_interest_stochastic_games,
        stochastic_games,
        ending_stochastic_games,
    )
    return st.one_of([kind() for kind in kinds])


def _check(
    name: str,
    statement: str,
    failure: Callable[[Maker, StochasticGame, int], str | None],
    make: Maker,
    games: st.SearchStrategy[StochasticGame],
    max_examples: int,
    seed: int,
) -> PropertyResult:

    def made(game: Any, player: int) -> Any:
        try:
            return make(game, player)
        except GameError as error:
            raise NotApplicable from error

    covered = 0
    reasons: dict[StochasticGame, str] = {}

    def fails(game: StochasticGame) -> bool:
        nonlocal covered
        for player in range(game.n_players):
            try:
                why = failure(made, game, player)
            except NotApplicable:
                return False
            except Exception as error:
                why = f"it raised {type(error).__name__}: {error}"
            if why is not None:
                reasons[game] = f"as player {player}: {why}"
                return True
        covered += 1
        return False

    phases = (Phase.generate, Phase.shrink)
    options = settings(
        max_examples=max_examples, deadline=None, database=None, phases=phases, suppress_health_check=list(HealthCheck)
    )
    try:
        found = find(games, fails, settings=options, random=Random(seed))
    except (NoSuchExample, Unsatisfiable):
        return PropertyResult(name, statement, covered)
    return PropertyResult(name, statement, covered + 1, found, reasons[found])
