"""Quantile regression: its loss by loops, its minimisers, the cosines and the fractions of every seed."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from marlgt.deep.losses.quantiles import (
    _PAIRS_AT_ONCE,
    cosine_features,
    midpoints,
    quantile_huber_loss,
    sample_fractions,
)
from marlgt.errors import GameError


def doubles(seed, *shape):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def loss_by_loops(quantiles, targets, fractions, kappa):
    total = 0.0
    for theta, tau in zip(quantiles, fractions):
        for y in targets:
            u = y - theta
            size = 0.5 * u * u / kappa if abs(u) < kappa else abs(u) - 0.5 * kappa
            total += abs(tau - (u < 0)) * size / len(targets)
    return total


@given(st.integers(0, 2**32 - 1), st.sampled_from([0.0, 0.5, 1.0, 3.0]), st.booleans())
def test_the_loss_is_the_double_sum(seed, kappa, one_set_of_fractions):
    quantiles, targets = 2 * doubles(seed, 2, 3, 4), 2 * doubles(seed + 1, 2, 3, 5)
    fractions = midpoints(4, dtype=torch.float64) if one_set_of_fractions else doubles(seed + 2, 2, 3, 4).sigmoid()
    found = quantile_huber_loss(quantiles, targets, fractions, kappa)
    assert found.shape == (2, 3)
    own = fractions.expand(2, 3, 4)
    for i in range(2):
        for j in range(3):
            expected = loss_by_loops(quantiles[i, j].tolist(), targets[i, j].tolist(), own[i, j].tolist(), kappa)
            assert found[i, j].item() == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize("kappa", [0.0, 0.7])
def test_the_gradient_is_that_of_finite_differences(kappa):
    quantiles, targets = doubles(0, 2, 3).requires_grad_(), doubles(1, 2, 4)
    fractions = midpoints(3, dtype=torch.float64)
    assert torch.autograd.gradcheck(lambda q: quantile_huber_loss(q, targets, fractions, kappa), quantiles)


@given(st.lists(st.integers(-9, 9), min_size=1, max_size=9), st.floats(0.02, 0.98))
def test_the_sample_quantile_minimises_the_pinball_loss(samples, tau):
    targets = torch.tensor(samples, dtype=torch.float64)
    # The loss is piecewise linear with its kinks at the samples, so one of them is a minimiser.
    candidates = targets.unique()
    fractions = torch.tensor([tau], dtype=torch.float64)
    losses = quantile_huber_loss(candidates[:, None], targets.expand(len(candidates), -1), fractions, 0.0)
    quantile = np.quantile(samples, tau, method="inverted_cdf")
    assert losses[candidates == quantile].item() <= losses.min().item() + 1e-12


def test_the_midpoints_cut_unit_mass_into_equal_pieces():
    assert midpoints(4, dtype=torch.float64).tolist() == [0.125, 0.375, 0.625, 0.875]
    # EQUATIONS' W1 projection of the standard normal on two atoms: its quartiles, Φ^-1(1/4) = -0.67448975.
    assert torch.special.ndtri(midpoints(2, dtype=torch.float64)).tolist() == pytest.approx([-0.67448975, 0.67448975])


def test_cosines_count_from_the_paper_or_from_one():
    fractions = torch.tensor([[0.0, 0.3], [0.5, 1.0]], dtype=torch.float64)
    paper, code = cosine_features(fractions, 4), cosine_features(fractions, 4, first=1)
    assert paper.shape == (2, 2, 4)
    for first, found in ((0, paper), (1, code)):
        for k in range(4):
            torch.testing.assert_close(found[..., k], (math.pi * (first + k) * fractions).cos())
    assert torch.equal(paper[..., 0], torch.ones(2, 2, dtype=torch.float64))


def test_a_seed_draws_its_own_fractions_whoever_is_beside_it():
    def generators(*seeds):
        return [torch.Generator().manual_seed(seed) for seed in seeds]

    together = sample_fractions(generators(5, 6, 7), 6, (3, 4))
    assert together.shape == (6, 3, 4)
    assert ((together >= 0) & (together < 1)).all()
    for s, seed in enumerate((5, 6, 7)):
        assert torch.equal(sample_fractions(generators(seed), 2, (3, 4)), together[2 * s : 2 * s + 2])
    assert together.unique().numel() > 60


def test_bad_numbers_are_refused():
    with pytest.raises(GameError, match="at least one quantile, got 0: give n_quantiles >= 1"):
        midpoints(0)
    with pytest.raises(GameError, match="got -1: give a number >= 0, 0 for the pinball loss"):
        quantile_huber_loss(torch.zeros(1), torch.zeros(1), torch.zeros(1), -1)
    with pytest.raises(GameError, match="got 2 generators for 3 networks: give one generator per seed"):
        sample_fractions([torch.Generator(), torch.Generator()], 3, (1,))


def test_many_rows_give_the_bits_that_each_gives_alone():
    quantiles, targets = doubles(0, 70, 40).float(), doubles(1, 70, 40).float()
    fractions = doubles(2, 70, 40).sigmoid().float()
    assert quantiles.shape[0] * 40 * 40 > _PAIRS_AT_ONCE
    together = quantile_huber_loss(quantiles, targets, fractions)
    for k in range(70):
        assert torch.equal(quantile_huber_loss(quantiles[k], targets[k], fractions[k]), together[k])
    assert quantile_huber_loss(quantiles[:0], targets[:0], fractions[:0]).shape == (0,)
