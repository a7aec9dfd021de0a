"""The peers' answers pass through our certificate, and what does not pass is never returned."""

from __future__ import annotations

import itertools
import sys
import time

import numpy as np
import pytest
from hypothesis import given, settings

import marlgt as gt
from marlgt.certificates import TOLERANCE, relative_epsilon
from marlgt.errors import MissingDependency
from marlgt.solvers import backends
from marlgt.testing import assert_nash, bimatrix_games, normal_form_games, zero_sum_games

QUICK = settings(max_examples=25, deadline=None, database=None, derandomize=True)
SEXES = gt.NormalFormGame.bimatrix([[3, 0], [0, 2]], [[2, 0], [0, 3]])
PENNIES = gt.NormalFormGame.zero_sum([[1, -1], [-1, 1]])


@pytest.mark.parametrize("enumerate_", [backends.nashpy_support_enumeration, backends.nashpy_vertex_enumeration])
def test_enumerations_return_the_known_equilibria_exactly(enumerate_):
    found = enumerate_(SEXES)
    assert len(found) == 3
    assert all(e.exact and e.epsilon == 0 for e in found)
    assert not found.complete
    assert found[0].work == {"answers": 3, "rejected": 0, "repeated": 0}


@pytest.mark.parametrize("label", range(4))
def test_lemke_howson_returns_a_certified_equilibrium_for_every_label(label):
    assert_nash(SEXES, backends.nashpy_lemke_howson(SEXES, label=label), tolerance=0)


@pytest.mark.parametrize("solve", [backends.nashpy_linear_program, backends.openspiel_cfr_plus])
def test_zero_sum_backends_solve_matching_pennies(solve):
    answer = solve(PENNIES)
    np.testing.assert_allclose(np.stack(answer.profile), 0.5, atol=1e-4)
    assert relative_epsilon(PENNIES, answer) <= 1e-4


@pytest.mark.parametrize("name", ["nashpy.support_enumeration", "nashpy.vertex_enumeration", "nashpy.lemke_howson"])
@QUICK
@given(game=bimatrix_games(rows=range(1, 4), columns=range(1, 4)))
def test_whatever_the_game_an_answer_is_an_equilibrium_or_an_error_says_why(name, game):
    options = {"time_limit": 0.2} if name == "nashpy.lemke_howson" else {}
    try:
        result = backends.BACKENDS[name](game, **options)
    except gt.NotConverged as error:
        found, message = [], str(error)
    else:
        found, message = list(result) if isinstance(result, gt.Equilibria) else [result], f"{name}: use it"
    assert name in message
    assert " use " in message
    for e in found:
        assert relative_epsilon(game, e) <= TOLERANCE
    for a, b in itertools.combinations(found, 2):
        assert max(np.abs(x - y).max() for x, y in zip(a.profile, b.profile)) > 1e-9


@QUICK
@given(game=zero_sum_games(n_actions=range(1, 4)))
def test_openspiel_approaches_the_value(game):
    there = backends.openspiel_cfr_plus(game).values[0]
    assert abs(gt.solvers.minimax(game).values[0] - there) <= 1e-3 * float(game.payoff_range[0]) + 1e-12


def test_a_loop_without_end_is_stopped_at_the_time_limit():
    started = time.perf_counter()
    game = gt.NormalFormGame.zero_sum([[0]])
    with pytest.raises(gt.NotConverged, match=r"no answer within 0\.3 s; use lemke_howson\(game\)"):
        backends.nashpy_lemke_howson(game, time_limit=0.3)
    assert time.perf_counter() - started < 10


def test_a_crash_of_the_peer_becomes_a_sentence():
    with pytest.raises(gt.NotConverged, match=r"raised TypeError: .*use vertex_enumeration"):
        backends.nashpy_vertex_enumeration(gt.NormalFormGame.zero_sum([[0]]))


def test_an_inaccurate_answer_is_carried_by_the_error():
    game = gt.NormalFormGame.zero_sum([[0, 2, -1], [-1, 0, 1], [3, -1, 0]])
    with pytest.raises(gt.NotConverged, match=r"a regret of .* of the payoff range") as failure:
        backends.openspiel_cfr_plus(game, iterations=5, tolerance=1e-9)
    assert relative_epsilon(game, failure.value.best) > 1e-9


def test_an_enumeration_out_of_time_returns_what_it_found():
    rng = np.random.default_rng(0)
    game = gt.NormalFormGame(rng.integers(0, 50, (2, 8, 8)))
    found = backends.nashpy_support_enumeration(game, time_limit=0.5)
    assert found.stopped == "budget"
    assert not found.complete


@pytest.mark.parametrize("solve", [backends.nashpy_linear_program, backends.openspiel_cfr_plus])
def test_zero_sum_backends_refuse_games_of_general_sum(solve):
    with pytest.raises(gt.UnsupportedGame, match="sum to a constant"):
        solve(SEXES)


@settings(QUICK, max_examples=5)
@given(normal_form_games(n_players=3, n_actions=2))
def test_three_players_are_refused(game):
    for solve in backends.BACKENDS.values():
        with pytest.raises(gt.UnsupportedGame):
            solve(game)


@pytest.mark.parametrize("label", [-1, 4, 1.5, True])
def test_a_label_that_is_none_is_refused(label):
    with pytest.raises(gt.GameError, match="labels of this game run from 0 to 3"):
        backends.nashpy_lemke_howson(SEXES, label=label)


@pytest.mark.parametrize(("name", "module"), [("nashpy.lemke_howson", "nashpy"), ("openspiel.cfr_plus", "pyspiel")])
def test_a_missing_package_is_named(name, module, monkeypatch):
    monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(MissingDependency, match="pip install"):
        backends.BACKENDS[name](PENNIES)
