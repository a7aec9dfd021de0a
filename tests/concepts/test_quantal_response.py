"""Quantal response as a definition: the logit answer, its fixed points and their checker."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from marlgt.concepts import is_quantal_response, logit_residual, logit_response
from marlgt.errors import GameError, ProfileError
from marlgt.games import NormalFormGame
from marlgt.testing import normal_form_games


@settings(max_examples=60, deadline=None)
@given(normal_form_games(n_players=range(1, 5)))
def test_at_zero_everyone_mixes_evenly_whatever_the_payoffs(game):
    uniform = [np.full(count, 1 / count) for count in game.n_actions]
    pure = [np.eye(count)[0] for count in game.n_actions]
    for answer, even in zip(logit_response(game, pure, 0), uniform):
        np.testing.assert_allclose(answer, even, rtol=1e-15)
    assert is_quantal_response(game, uniform, 0, tolerance=1e-15)


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 2**32), st.floats(0.01, 30))
def test_log_odds_are_lambda_times_the_payoff_differences(seed, rationality):
    rng = np.random.default_rng(seed)
    game = NormalFormGame(rng.random((3, 2, 3, 2)))
    profile = [rng.dirichlet(np.ones(count)) for count in game.n_actions]
    for i, answer in enumerate(logit_response(game, profile, rationality)):
        payoffs = game.deviation_payoffs(profile, i)
        np.testing.assert_allclose(
            np.log(answer[1:] / answer[0]), rationality * (payoffs[1:] - payoffs[0]), rtol=1e-9, atol=1e-12
        )


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 2**32), st.floats(0.01, 10), st.sampled_from([0.25, 8.0, 2.0**40]))
def test_scaling_the_payoffs_up_scales_lambda_down_and_shifting_them_does_nothing(seed, rationality, scale):
    rng = np.random.default_rng(seed)
    game = NormalFormGame(rng.random((2, 3, 3)))
    profile = [rng.dirichlet(np.ones(3)) for _ in range(2)]
    other = game.affine(scale=scale, shift=scale)
    for p, q in zip(logit_response(game, profile, rationality), logit_response(other, profile, rationality / scale)):
        np.testing.assert_allclose(p, q, rtol=1e-9)


def test_the_residual_is_the_distance_from_the_answer():
    game = NormalFormGame.bimatrix([[9, 0], [0, 1]], [[0, 1], [1, 0]])
    profile = ([0.9, 0.1], [0.3, 0.7])
    answer = logit_response(game, profile, 1.0)
    expected = [np.abs(np.array(x) - y).max() for x, y in zip(profile, answer)]
    np.testing.assert_allclose(logit_residual(game, profile, 1.0), expected, rtol=1e-15)
    assert not is_quantal_response(game, profile, 1.0)
    assert is_quantal_response(game, profile, 1.0, tolerance=1.0)


def test_large_precision_does_not_overflow():
    game = NormalFormGame.bimatrix([[1e100, 0]], [[0, 1e100]])
    assert logit_response(game, ([1], [0.5, 0.5]), 1e200)[1].tolist() == [0.0, 1.0]


@pytest.mark.parametrize("rationality", [-1, float("nan"), float("inf"), "1", None])
def test_a_rationality_that_is_no_precision_is_refused(rationality):
    game = NormalFormGame.zero_sum([[1, -1], [-1, 1]])
    with pytest.raises(GameError, match="rationality is"):
        logit_response(game, ([0.5, 0.5], [0.5, 0.5]), rationality)


def test_a_profile_that_does_not_fit_is_refused():
    with pytest.raises(ProfileError, match="players"):
        logit_residual(NormalFormGame.zero_sum([[1, -1], [-1, 1]]), ([0.5, 0.5],), 1)
