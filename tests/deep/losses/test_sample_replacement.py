"""SR(λ): the law of its particles, their mean, ends of episodes, and seeds apart."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from marlgt.deep.critics import MixtureCritic
from marlgt.deep.distributions import GaussianMixture, energy_distance, mean, variance
from marlgt.deep.losses.returns import generalised_advantages, lambda_returns
from marlgt.deep.losses.sample_replacement import lambda_mixtures, sample_replacement, systematic_components
from marlgt.errors import GameError


def generators(*seeds):
    return [torch.Generator().manual_seed(seed) for seed in seeds]


def normal(seed, *shape):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def window(seed, shape=(2, 6, 3, 2), n_components=3):
    """Draw rewards, discounts and ends with both kinds of ends, and the outputs of a critic."""
    ends = torch.rand(shape[:3], generator=torch.Generator().manual_seed(seed)) < 0.3
    terminated = ends & (torch.rand(shape[:3], generator=torch.Generator().manual_seed(seed + 1)) < 0.5)
    return (
        normal(seed, *shape),
        0.9 * terminated.logical_not().double(),
        ends,
        normal(seed + 1, *shape, 3 * n_components),
    )


def critic(n_components=3):
    return MixtureCritic(1, 4, n_components=n_components)


@given(st.integers(0, 2**31), st.floats(0, 1))
def test_the_mean_of_the_target_is_the_lambda_return_and_the_advantage_plus_the_value(seed, lambda_):
    rewards, discounts, ends, outputs = window(seed)
    targets = lambda_mixtures(rewards, discounts, ends, critic().mixture(outputs), lambda_)
    following = critic().mean(outputs)
    torch.testing.assert_close(mean(targets), lambda_returns(rewards, discounts, ends, following, lambda_))
    values = normal(seed + 2, *rewards.shape)
    # Inside an episode the value of what a step led to is that of the step behind it.
    goes_on = ends[:, :-1].logical_not().unsqueeze(-1)
    values[:, 1:] = torch.where(goes_on, following[:, :-1], values[:, 1:])
    advantages = generalised_advantages(rewards, discounts, ends, values, following, lambda_)
    torch.testing.assert_close(mean(targets), advantages + values)
    torch.testing.assert_close(targets.weights.sum(-1), torch.ones_like(rewards))


@settings(max_examples=20)
@given(st.integers(0, 2**31), st.sampled_from([0.0, 0.5, 0.95, 1.0]))
def test_the_particles_of_many_draws_follow_the_law_of_the_target(seed, lambda_):
    rewards, discounts, ends, outputs = window(seed, (1, 4, 1, 1))
    many = 400
    wide = [x.expand(1, 4, many, *x.shape[3:]) for x in (rewards, discounts, ends, outputs)]
    found = sample_replacement(*wide, critic().particles, lambda_=lambda_, n_samples=7, generators=generators(seed))
    targets = lambda_mixtures(rewards, discounts, ends, critic().mixture(outputs), lambda_)
    locations, scales = (part.transpose(2, 4).flatten(3) for part in found)
    equal = GaussianMixture(torch.full_like(locations, 1 / (7 * many)), locations, scales)
    for t in range(4):
        ours, exact = (GaussianMixture(*(part[0, t].flatten() for part in law)) for law in (equal, targets))
        spread = variance(exact).sqrt()
        assert abs(mean(ours) - mean(exact)) < 0.15 * spread + 1e-6
        assert abs(variance(ours) - variance(exact)) < 0.25 * variance(exact) + 1e-6


def test_the_distribution_of_particles_and_not_only_its_moments_is_the_targets():
    rewards, discounts, ends, outputs = window(3, (1, 5, 1, 1))
    ends[:] = False
    discounts = torch.full_like(discounts, 0.9)
    exact = lambda_mixtures(rewards, discounts, ends, critic().mixture(outputs), 0.7)
    errors = {}
    for n_samples in (30, 1000):
        found = sample_replacement(
            rewards, discounts, ends, outputs, critic().particles, lambda_=0.7, n_samples=n_samples,
            generators=generators(1),
        )  # fmt: skip
        errors[n_samples] = energy_distance(found.mixture(), exact).max().item()
    assert errors[1000] < 5e-3
    assert errors[1000] < 0.2 * errors[30]


def test_one_step_ahead_targets_are_the_shifted_draws_and_far_ones_those_of_the_end():
    rewards, discounts, ends, outputs = window(5, (1, 4, 2, 1))
    ends[:] = False
    drawn = critic().particles(outputs, 6, generators(8))
    options = {"n_samples": 6, "generators": generators(8)}
    near = sample_replacement(rewards, discounts, ends, outputs, critic().particles, lambda_=0.0, **options)
    factors = discounts[..., None, None]
    torch.testing.assert_close(near.locations, rewards.unsqueeze(-1) + factors * drawn.locations)
    torch.testing.assert_close(near.scales, factors * drawn.scales)
    options["generators"] = generators(8)
    far = sample_replacement(rewards, discounts, ends, outputs, critic().particles, lambda_=1.0, **options)
    locations, scales = drawn.locations[:, -1], drawn.scales[:, -1]
    for t in range(3, -1, -1):
        factor = discounts[:, t, :, None, None]
        locations, scales = rewards[:, t].unsqueeze(-1) + factor * locations, factor * scales
        torch.testing.assert_close(far.locations[:, t], locations)
        torch.testing.assert_close(far.scales[:, t], scales)


def test_a_terminated_step_has_a_dirac_at_its_reward_and_a_truncated_one_asks_the_critic():
    rewards, _, _, outputs = window(6, (1, 3, 2, 1))
    discounts, ends = torch.full((1, 3, 2), 0.9, dtype=torch.float64), torch.zeros(1, 3, 2, dtype=torch.bool)
    ends[0, 1] = True
    discounts[0, 1, 0] = 0.0
    options = {"lambda_": 1.0, "n_samples": 8}
    found = sample_replacement(
        rewards, discounts, ends, outputs, critic().particles, generators=generators(2), **options
    )
    assert torch.equal(found.locations[0, 1, 0], rewards[0, 1, 0].unsqueeze(-1).expand(1, 8))
    assert torch.equal(found.scales[0, 1, 0], torch.zeros(1, 8, dtype=torch.float64))
    own = critic().particles(outputs, 8, generators(2))
    torch.testing.assert_close(found.locations[0, 1, 1], rewards[0, 1, 1].unsqueeze(-1) + 0.9 * own.locations[0, 1, 1])
    # What stands behind an end never reaches the steps before it.
    moved = rewards.clone()
    moved[:, 2] += 100
    again = sample_replacement(moved, discounts, ends, outputs, critic().particles, generators=generators(2), **options)
    assert torch.equal(again.locations[:, :2], found.locations[:, :2])


def test_components_are_drawn_as_often_as_their_weights_say():
    weights = torch.tensor([0.5, 0.3, 0.2, 0.0]).expand(1, 500, 4)
    counts = torch.nn.functional.one_hot(systematic_components(weights, 10, generators(0)), 4).sum(-2)
    assert ((counts - 10 * weights).abs() <= 1.001).all()
    assert counts[..., 3].max() == 0
    odd = torch.tensor([0.25, 0.75]).expand(1, 4000, 2)
    firsts = (systematic_components(odd, 3, generators(1)) == 0).sum(-1).float()
    assert firsts.mean().item() == pytest.approx(0.75, abs=0.03)


def test_a_seed_has_the_bits_that_it_has_alone():
    rewards, discounts, ends, outputs = (x.float() if x.is_floating_point() else x for x in window(9, (3, 5, 2, 2)))
    options = {"lambda_": 0.8, "n_samples": 16}
    together = sample_replacement(
        rewards, discounts, ends, outputs, critic().particles, generators=generators(4, 5, 6), **options
    )
    for s in range(3):
        own = slice(s, s + 1)
        alone = sample_replacement(
            rewards[own], discounts[own], ends[own], outputs[own], critic().particles, generators=generators(4 + s),
            **options,
        )  # fmt: skip
        assert torch.equal(alone.locations, together.locations[own])
        assert torch.equal(alone.scales, together.scales[own])


def test_what_does_not_fit_is_refused():
    rewards, discounts, ends, outputs = window(1)
    options = {"lambda_": 0.5, "n_samples": 4, "generators": generators(0, 1)}
    draw = critic().particles
    with pytest.raises(GameError, match="lambda is 2: it lies between 0"):
        sample_replacement(rewards, discounts, ends, outputs, draw, **{**options, "lambda_": 2.0})
    with pytest.raises(GameError, match="one more axis for the critic's outputs"):
        sample_replacement(rewards[0], discounts, ends, outputs, draw, **options)
    with pytest.raises(GameError, match="both must have"):
        sample_replacement(rewards, discounts[:1], ends, outputs, draw, **options)
    with pytest.raises(GameError, match="got 1 for 2 seeds: give one each"):
        sample_replacement(rewards, discounts, ends, outputs, draw, **{**options, "generators": generators(0)})
    with pytest.raises(GameError, match="got 0: give n_samples >= 1"):
        sample_replacement(rewards, discounts, ends, outputs, draw, **{**options, "n_samples": 0})
