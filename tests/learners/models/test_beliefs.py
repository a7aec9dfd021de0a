"""Dirichlet beliefs against their definition, by quadrature and by sampling."""

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from marlgt.errors import GameError
from marlgt.learners import dirichlet_beliefs

observations = st.lists(st.integers(0, 2), max_size=12)


def test_the_mean_has_the_number_of_observations_below():
    # Fictitious play and JAL-AM, eq. 6.14: count(a) over the number of observations, which a prior of 1 smooths.
    seen = [0, 0, 2, 0]
    assert dirichlet_beliefs(3, prior=0.0).observed(seen).mean.tolist() == [0.75, 0.0, 0.25]
    assert dirichlet_beliefs(3, prior=1.0).observed(seen).mean.tolist() == pytest.approx([4 / 7, 1 / 7, 2 / 7])
    assert dirichlet_beliefs(4, prior=0.0).mean.tolist() == [0.25] * 4


@given(observations)
def test_the_order_of_observations_does_not_matter(seen):
    one = dirichlet_beliefs(3, prior=[0.5, 1.0, 2.0]).observed(seen)
    other = dirichlet_beliefs(3, prior=[0.5, 1.0, 2.0]).observed(sorted(seen))
    assert one.mean.tolist() == other.mean.tolist()
    assert one.variance.tolist() == other.variance.tolist()


@given(observations, st.floats(0.1, 5.0))
def test_the_evidence_is_the_product_of_the_predictions(seen, prior):
    beliefs = dirichlet_beliefs(3, prior=prior)
    total = 0.0
    for action in seen:
        total += np.log(beliefs.mean[action])
        beliefs = beliefs.observed(action)
    assert beliefs.log_evidence == pytest.approx(total, abs=1e-9)


def test_the_evidence_of_all_sequences_sums_to_one():
    prior = dirichlet_beliefs(3, prior=[0.3, 1.0, 2.5])
    total = sum(np.exp(prior.observed(seen).log_evidence) for seen in itertools.product(range(3), repeat=4))
    assert total == pytest.approx(1.0, abs=1e-12)


@given(observations)
def test_the_next_mean_is_on_average_the_present_one(seen):
    beliefs = dirichlet_beliefs(3).observed(seen)
    ahead = sum(beliefs.mean[a] * beliefs.observed(a).mean for a in range(3))
    assert ahead == pytest.approx(beliefs.mean, abs=1e-12)


def test_mean_and_variance_are_those_of_samples():
    beliefs = dirichlet_beliefs(3, prior=[1.0, 0.5, 2.0]).observed([0, 2, 2, 1])
    rng = np.random.default_rng(0)
    drawn = np.array([beliefs.sampled(rng) for _ in range(20_000)])
    assert np.abs(drawn.mean(axis=0) - beliefs.mean).max() < 0.006
    assert np.abs(drawn.var(axis=0) / beliefs.variance - 1).max() < 0.06


def test_beliefs_concentrate_on_the_strategy_that_is_played():
    strategy = np.array([0.2, 0.5, 0.3])
    errors = []
    for seed in range(40):
        seen = np.random.default_rng(seed).choice(3, p=strategy, size=900)
        beliefs = dirichlet_beliefs(3).observed(seen.tolist())
        errors.append((beliefs.mean - strategy) / np.sqrt(beliefs.variance))
    # The standardised errors have unit variance, 120 of them to within a fifth.
    assert 0.75 < np.mean(np.square(errors)) < 1.3


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: dirichlet_beliefs(0), "whole number from 1"),
        (lambda: dirichlet_beliefs(2, prior=-1.0), "not negative"),
        (lambda: dirichlet_beliefs(2, prior=[1.0, -1.0]), "not negative"),
        (lambda: dirichlet_beliefs(2, prior=[1.0]), "give one number, or 2"),
        (lambda: dirichlet_beliefs(2).observed(2), "actions 0 to 1"),
        (lambda: dirichlet_beliefs(2, prior=0.0).variance, "positive prior weight"),
        (lambda: dirichlet_beliefs(2, prior=0.0).log_evidence, "positive weight"),
    ],
    ids=["no actions", "negative", "one negative", "too few", "no such action", "variance", "evidence"],
)
def test_bad_input_is_refused(call, message):
    with pytest.raises(GameError, match=message):
        call()
