"""Scores of moves and AlphaZero's loss, against the formulas."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from marlgt.errors import GameError
from marlgt.solvers.search.tree_policies import alphazero_loss, puct_scores, ucb1_scores, visit_policy

moves = st.lists(st.tuples(st.floats(-1, 1), st.integers(0, 50), st.floats(0.01, 1.0)), min_size=1, max_size=6)


@given(moves, st.floats(0, 5))
def test_scores_follow_the_formulas(given_moves, c):
    values, visits, prior = map(list, zip(*given_moves))
    total = sum(visits)
    for score, q, n in zip(ucb1_scores(values, visits, exploration=c), values, visits):
        assert score == (math.inf if n == 0 else pytest.approx(q + c * math.sqrt(math.log(total) / n)))
    for score, q, n, p in zip(puct_scores(values, visits, prior, exploration=c), values, visits, prior):
        assert score == pytest.approx(q + c * p * math.sqrt(total) / (1 + n))


def test_untried_moves_come_first_by_ucb1_and_by_the_prior_in_puct():
    assert ucb1_scores([0.9, math.nan], [3, 0]).argmax() == 1
    assert ucb1_scores([0.0], [2], exploration=1.0, total=8)[0] == pytest.approx(math.sqrt(math.log(8) / 2))
    assert puct_scores([0, 0, 0], [1, 0, 0], [0.2, 0.3, 0.5]).argmax() == 2


@given(st.lists(st.integers(0, 1000), min_size=1, max_size=6).filter(any), st.floats(0.05, 20.0))
def test_the_policy_is_in_proportion_to_powers_of_visits(visits, temperature):
    policy = visit_policy(visits, temperature=temperature)
    assert policy.sum() == pytest.approx(1.0)
    weights = np.array(visits) / max(visits)
    assert np.allclose(policy, weights ** (1 / temperature) / (weights ** (1 / temperature)).sum())


def test_temperature_zero_leaves_the_most_visited():
    assert visit_policy([3, 7, 7], temperature=0).tolist() == [0, 0.5, 0.5]


def test_the_loss_is_the_square_plus_the_cross_entropy_plus_the_penalty():
    by_hand = 0.7**2 - (0.1 * math.log(0.2) + 0.8 * math.log(0.5) + 0.1 * math.log(0.3))
    assert alphazero_loss(1, 0.3, [0.1, 0.8, 0.1], [0.2, 0.5, 0.3]) == pytest.approx(by_hand, abs=1e-12)
    decayed = alphazero_loss(1, 0.3, [0.1, 0.8, 0.1], [0.2, 0.5, 0.3], weight_decay=0.1, parameters=[3, 4])
    assert decayed == pytest.approx(by_hand + 2.5)
    batch = alphazero_loss([1, -1], [0.3, 0.0], [[1, 0], [0.5, 0.5]], [[1, 0], [0.5, 0.5]])
    assert batch == pytest.approx((0.49 + 1.0 + math.log(2)) / 2)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: ucb1_scores([1, 2], [1]), "one of each per move"),
        (lambda: ucb1_scores([1], [-1]), "not negative"),
        (lambda: ucb1_scores([1], [1], exploration=-1), "exploration is -1"),
        (lambda: puct_scores([1], [1], [0.5, 0.5]), "probability for each of 1 moves"),
        (lambda: visit_policy([0, 0]), "search first"),
        (lambda: alphazero_loss(1, 0, [1, 0], [0, 1]), "positive wherever policy is"),
        (lambda: alphazero_loss([1, 0], 0, [1, 0], [0, 1]), "give scalars with"),
    ],
)
def test_bad_input_is_explained(call, message):
    with pytest.raises(GameError, match=message):
        call()
