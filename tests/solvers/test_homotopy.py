"""The logit path: published points, the definition at every lambda, and its limit."""

import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from marlgt.certificates import relative_epsilon
from marlgt.concepts import is_quantal_response, logit_residual
from marlgt.errors import GameError, NotConverged
from marlgt.games import NormalFormGame
from marlgt.solvers import logit, logit_path, quantal_response
from marlgt.testing import assert_nash, degenerate_games, duplicate_games, symmetric_games

DATA = json.loads((Path(__file__).parents[1] / "data" / "known_answers.json").read_text(encoding="utf-8"))
POINTS = [case for case in DATA if case["kind"] == "logit_qre"]
GAMES = [case for case in DATA if case["kind"] == "normal_form"]
PENNIES = NormalFormGame.bimatrix([[9, 0], [0, 1]], [[0, 1], [1, 0]])


@pytest.mark.parametrize("case", POINTS, ids=[case["name"] for case in POINTS])
def test_published_points_are_met(case):
    answer = quantal_response(NormalFormGame(case["payoffs"]), case["lam"])
    for p, q in zip(answer.profile, case["profile"]):
        np.testing.assert_allclose(p, q, atol=case["tolerance"])
    assert answer.concept == "qre"


@settings(max_examples=30, deadline=None)
@given(
    st.lists(st.integers(1, 3), min_size=1, max_size=4), st.integers(0, 2**32), st.floats(0, 1e4), st.integers(-6, 6)
)
def test_every_player_plays_the_logit_answer_at_any_lambda(counts, seed, rationality, exponent):
    unit = 10.0**exponent
    game = NormalFormGame(np.random.default_rng(seed).random((len(counts), *counts)) * unit)
    answer = quantal_response(game, rationality / unit)
    assert logit_residual(game, answer.profile, rationality / unit).max() <= 1e-10
    np.testing.assert_array_equal(answer.regrets, logit_residual(game, answer.profile, rationality / unit))


@settings(max_examples=25, deadline=None)
@given(degenerate_games(n_players=range(2, 4)), st.floats(0, 100))
def test_ties_do_not_stop_the_path(game, rationality):
    answer = quantal_response(game, rationality)
    assert is_quantal_response(game, answer.profile, rationality, tolerance=1e-9)


@settings(max_examples=25, deadline=None)
@given(duplicate_games(n_players=range(2, 4)))
def test_equal_actions_are_played_equally_often(game):
    rationality = 3.0 / max(1.0, float(game.payoff_range.max()))
    answer = quantal_response(game, rationality)
    for i, x in enumerate(answer.profile):
        lines = np.moveaxis(game.payoffs[i], i, 0).reshape(x.size, -1)
        for a in range(x.size):
            for b in range(a):
                if np.array_equal(lines[a], lines[b]):
                    assert abs(x[a] - x[b]) <= 1e-9


@settings(max_examples=25, deadline=None)
@given(symmetric_games(n_players=range(2, 4)), st.floats(0, 50))
def test_the_principal_branch_of_a_symmetric_game_is_symmetric(game, rationality):
    unit = max(1.0, float(game.payoff_range.max()))
    try:
        answer = quantal_response(game, rationality / unit)
    except NotConverged as failure:
        answer = failure.best
    for p in answer.profile[1:]:
        np.testing.assert_allclose(p, answer.profile[0], atol=1e-7)


def test_at_zero_all_mix_evenly():
    assert [p.tolist() for p in quantal_response(PENNIES, 0).profile] == [[0.5, 0.5], [0.5, 0.5]]


def test_a_pitchfork_exactly_at_the_lambda_asked_for_is_passed():
    # Pure coordination bifurcates at lambda = 2: the branch through even mixing goes straight on.
    game = NormalFormGame.common_interest([[1, 0], [0, 1]])
    for rationality in (1.999999, 2.0, 2.000001, 7.5):
        answer = quantal_response(game, rationality)
        np.testing.assert_allclose(answer.profile[0], [0.5, 0.5], atol=1e-9)


@pytest.mark.parametrize("case", GAMES, ids=[case["name"] for case in GAMES])
def test_the_path_of_a_known_game_ends_at_an_equilibrium(case):
    # On McKelvey and McLennan's game a published program returns a profile with a regret of 0.213.
    game = NormalFormGame(case["payoffs"])
    answer = logit(game)
    assert relative_epsilon(game, answer) <= 1e-14
    nearest = min(
        max(np.abs(p - np.array(q)).max() for p, q in zip(answer.profile, equilibrium))
        for equilibrium in case["equilibria"]
    )
    assert nearest <= 1e-9


@settings(max_examples=15, deadline=None)
@given(degenerate_games(n_players=range(1, 4)))
def test_the_limit_is_a_certified_equilibrium_or_refused_with_the_best_profile(game):
    try:
        answer = logit(game)
    except NotConverged as failure:
        answer = failure.best
        assert relative_epsilon(game, answer) <= 0.05
        return
    assert_nash(game, answer)


@settings(max_examples=10, deadline=None)
@given(st.integers(0, 2**32), st.sampled_from([2.0**-20, 2.0**30]))
def test_the_limit_does_not_depend_on_the_unit_of_the_payoffs(seed, scale):
    game = NormalFormGame(np.random.default_rng(seed).random((3, 2, 2, 2)))
    one, other = logit(game), logit(game.affine(scale=scale, shift=[0, scale, -scale]))
    for p, q in zip(one.profile, other.profile):
        np.testing.assert_allclose(p, q, atol=1e-6)


@settings(max_examples=10, deadline=None)
@given(st.integers(0, 2**32))
def test_every_point_of_the_path_satisfies_the_definition(seed):
    game = NormalFormGame(np.random.default_rng(seed).random((3, 3, 2, 2)))
    path = logit_path(game, regret=1e-4)
    assert path.complete
    assert path.rationality[0] == 0
    assert path.regrets[-1].max() <= 1.01e-4 * game.payoff_range.max()
    for k in range(len(path)):
        profile = [p[k] for p in path.profiles]
        if path.rationality[k] >= 0:
            assert logit_residual(game, profile, float(path.rationality[k])).max() <= 1e-7
        np.testing.assert_allclose(path.values[k], game.values(profile), atol=1e-12)


def test_a_path_that_turns_back_in_lambda_is_followed_around():
    game = NormalFormGame(np.random.default_rng(33).random((2, 3, 3)))
    path = logit_path(game)
    steps = np.diff(path.rationality)
    assert (steps < 0).any()
    assert steps[-1] > 0
    assert path.regrets[-1].max() <= 1e-6
    # The lambda is passed three times, and the first passing is the one that is returned.
    turn = int(np.argmax(steps < 0))
    low = float(path.rationality[turn:][:20].min())
    target = 0.5 * (low + float(path.rationality[turn]))
    answer = quantal_response(game, target)
    before = int(np.argmax(path.rationality > target))
    for p, q in zip(answer.profile, path.profiles):
        assert min(np.abs(p - q[before - 1]).max(), np.abs(p - q[before]).max()) <= 0.05


def test_a_path_to_a_given_lambda_ends_there():
    path = logit_path(PENNIES, until=5.0)
    assert path.complete
    assert path.rationality[-1] == 5.0
    answer = quantal_response(PENNIES, 5.0)
    np.testing.assert_allclose(path.profiles[1][-1], answer.profile[1], atol=1e-12)


def test_the_limit_of_asymmetric_matching_pennies_is_proven():
    answer = logit(PENNIES)
    assert answer.exact
    assert [str(p) for p in answer.exact_profile[1]] == ["1/10", "9/10"]


def test_payoff_units_too_far_apart_are_refused_with_the_best_profile():
    payoffs = np.random.default_rng(1).random((2, 4, 4)) * np.array([1e-6, 1e6])[:, None, None]
    with pytest.raises(NotConverged, match="logit path stopped") as caught:
        logit(NormalFormGame(payoffs), time_limit=1.0)
    assert caught.value.best is not None


@pytest.mark.parametrize("rationality", [-0.5, float("nan"), float("inf")])
def test_a_rationality_that_is_no_precision_is_refused(rationality):
    with pytest.raises(GameError, match="rationality is"):
        quantal_response(PENNIES, rationality)


def test_limits_must_be_positive():
    with pytest.raises(GameError, match="tolerance is 0"):
        logit(PENNIES, tolerance=0)
    with pytest.raises(GameError, match="until is -1"):
        logit_path(PENNIES, until=-1)
