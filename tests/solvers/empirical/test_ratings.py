"""Elo ratings and weights of opponents: optimality, recovery of ratings, and refusals."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from marlgt.errors import GameError
from marlgt.solvers.empirical.ratings import (
    elo_expected,
    elo_ratings,
    elo_update,
    prioritized_fictitious_self_play_weights,
)


@given(st.lists(st.floats(-800, 800), min_size=2, max_size=6), st.floats(0.1, 50))
@settings(max_examples=60)
def test_ratings_that_explain_all_results_are_found(ratings, games):
    true = np.array(ratings)
    scores = games * elo_expected(true[:, None], true[None, :])
    found = elo_ratings(scores, mean=1500)
    assert np.allclose(found, true - true.mean() + 1500, atol=1e-4)


@given(st.integers(0, 5000), st.integers(2, 7))
@settings(max_examples=50)
def test_at_the_best_ratings_everyone_scores_what_was_expected(seed, count):
    scores = np.random.default_rng(seed).integers(0, 4, (count, count)) + 0.5
    found = elo_ratings(scores)
    games = scores + scores.T
    expected = games * elo_expected(found[:, None], found[None, :])
    off = ~np.eye(count, dtype=bool)
    # The gradient of the likelihood: points made minus points expected.
    assert np.allclose((scores * off).sum(axis=1), (expected * off).sum(axis=1), rtol=1e-9)
    assert abs(found.mean()) <= 1e-9


def test_400_points_are_odds_of_ten_to_one():
    assert float(elo_expected(400, 0)) == pytest.approx(10 / 11)
    assert float(elo_expected(1e6, 0)) == 1.0
    assert elo_ratings([[0, 10], [1, 0]]).tolist() == pytest.approx([200, -200])


def test_updates_move_both_by_the_surprise():
    # Elo (1978): K (score - expected).
    one, other = elo_update(1613, 1609, 0.5, step=32)
    assert one - 1613 == pytest.approx(32 * (0.5 - 1 / (1 + 10 ** (-4 / 400))))
    assert one + other == pytest.approx(1613 + 1609)
    assert elo_update(0, 0, 0.5) == (0.0, 0.0)


def test_opponents_are_weighed_by_how_hard_or_how_even_they_are():
    rates = [0.1, 0.5, 0.9]
    hard = prioritized_fictitious_self_play_weights(rates)
    assert hard.tolist() == pytest.approx(np.array([0.81, 0.25, 0.01]) / 1.07)
    even = prioritized_fictitious_self_play_weights(rates, even=True)
    assert even.tolist() == pytest.approx(np.array([0.09, 0.25, 0.09]) / 0.43)
    assert prioritized_fictitious_self_play_weights(rates, power=0).tolist() == pytest.approx([1 / 3] * 3)
    assert prioritized_fictitious_self_play_weights([1, 1]).tolist() == [0.5, 0.5]


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: elo_ratings([[0, 1], [0, 0]]), "players \\[0, 1\\] lost no point|players \\[0\\] lost no point"),
        (lambda: elo_ratings([[0, 0, 0], [1, 0, 1], [1, 1, 0]]), "made no point against"),
        (lambda: elo_ratings([[0, -1], [1, 0]]), "none negative"),
        (lambda: elo_ratings([[0, 1, 2], [1, 0, 2]]), "square matrix"),
        (lambda: elo_ratings([[0, 1], [1, 0]], mean=[1, 2]), "mean is"),
        (lambda: elo_update(0, 0, 2), "score is 2"),
        (lambda: elo_update(0, 0, 1, step=-1), "step is -1"),
        (lambda: prioritized_fictitious_self_play_weights([1.5]), "from 0 to 1"),
        (lambda: prioritized_fictitious_self_play_weights([]), "win_rates"),
        (lambda: prioritized_fictitious_self_play_weights([0.5], power=-1), "power is -1"),
        (lambda: elo_expected(math.nan, 0), "rating"),
    ],
)
def test_bad_input_is_explained(call, message):
    with pytest.raises(GameError, match=message):
        call()
