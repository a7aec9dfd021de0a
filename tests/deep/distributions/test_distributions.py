"""Gaussian mixtures on the line: metric axioms, scaling laws, quantiles, Diracs, both kinds of arrays, and SciPy."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from marlgt.deep.distributions import (
    GaussianMixture,
    Particles,
    cdf,
    cramer_distance,
    cross_entropy,
    energy_distance,
    expected_distance,
    kl_divergence,
    log_density,
    mean,
    mode,
    quantile,
    sample,
    survival,
    variance,
    wasserstein_1,
    wasserstein_2,
)
from marlgt.errors import GameError

DISTANCES = (energy_distance, cramer_distance, wasserstein_1, wasserstein_2)


def mixture(*components):
    return GaussianMixture(*(np.array(part, dtype=float) for part in zip(*components)))


@st.composite
def mixtures(draw, least_scale=0.0):
    """Draw one to three components; a scale may be 0, means may coincide, and a weight may be 0."""
    size = draw(st.integers(1, 3))
    weights = draw(st.lists(st.sampled_from([0.0, 0.1, 0.5, 1.0]), min_size=size, max_size=size).filter(any))
    means = draw(st.lists(st.sampled_from([-3.0, -1.0, 0.0, 0.25, 2.0, 5.0]), min_size=size, max_size=size))
    scales = [s for s in (0.0, 0.05, 0.5, 2.0) if s >= least_scale]
    widths = draw(st.lists(st.sampled_from(scales), min_size=size, max_size=size))
    return GaussianMixture(np.array(weights) / sum(weights), np.array(means), np.array(widths))


FEW = settings(max_examples=12)


@FEW
@given(mixtures(), mixtures(), mixtures())
def test_distances_are_metrics_or_their_squares(first, second, third):
    for distance in DISTANCES:
        root = np.sqrt if distance in (energy_distance, cramer_distance) else np.asarray
        ab, bc, ac = (root(distance(*pair)) for pair in ((first, second), (second, third), (first, third)))
        assert root(distance(first, first)) <= 1e-7
        assert ab == pytest.approx(root(distance(second, first)), abs=1e-7)
        assert ac <= ab + bc + 1e-7


@FEW
@given(mixtures(), mixtures(), st.sampled_from([-4.0, 0.5, 3.0]), st.sampled_from([0.1, 0.9, 2.0]))
def test_shifting_changes_no_distance_and_scaling_scales_it(first, second, shift, factor):
    moved = first.shifted(shift, factor), second.shifted(shift, factor)
    for distance in DISTANCES:
        assert distance(*moved) == pytest.approx(factor * distance(first, second), abs=1e-9)


@FEW
@given(mixtures(least_scale=0.05), mixtures(least_scale=0.05))
def test_divergences_are_no_distances_but_never_negative_and_bellman_leaves_them(first, second):
    divergence = kl_divergence(first, second)
    assert divergence >= -1e-10
    assert cross_entropy(first, second) - cross_entropy(first, first) == pytest.approx(divergence, rel=1e-8, abs=1e-8)
    again = kl_divergence(first.shifted(1.5, 0.9), second.shifted(1.5, 0.9))
    assert again == pytest.approx(divergence, rel=1e-8, abs=1e-9)


@FEW
@given(mixtures(), mixtures())
def test_the_energy_distance_is_twice_the_squared_cramer_distance_and_wasserstein_distances_are_in_order(u, v):
    assert energy_distance(u, v) == pytest.approx(2 * cramer_distance(u, v), abs=1e-12)
    assert wasserstein_1(u, v) <= wasserstein_2(u, v) + 1e-9
    assert abs(mean(u) - mean(v)) <= wasserstein_1(u, v) + 1e-9
    grid = np.linspace(-25, 25, 20_001)
    gaps = cdf(u, grid) - cdf(v, grid)
    assert np.sum(gaps**2) * (grid[1] - grid[0]) == pytest.approx(cramer_distance(u, v), abs=1e-2)
    assert np.sum(np.abs(gaps)) * (grid[1] - grid[0]) == pytest.approx(wasserstein_1(u, v), abs=1e-2)


@given(mixtures(), st.floats(1e-6, 1 - 1e-6))
def test_the_quantile_inverts_the_distribution_function(law, u):
    x = quantile(law, u)
    assert cdf(law, x) >= u - 1e-12
    assert cdf(law, np.nextafter(x - 1e-12 * max(1, abs(x)), -np.inf)) <= u + 1e-10
    if (law.scales > 0).all():
        assert cdf(law, x) == pytest.approx(u, abs=1e-12)


def test_tails_keep_their_digits():
    law = mixture((0.5, -2, 0.5), (0.5, 2, 0.5))
    assert survival(law, 7.0) == pytest.approx(0.5 * math.erfc(10 / math.sqrt(2)) / 2, rel=1e-12)
    deep = quantile(law, 1e-30)
    assert cdf(law, deep) == pytest.approx(1e-30, rel=1e-10)
    assert quantile(law, np.array([0.0, 1.0])).tolist() == [-math.inf, math.inf]
    assert quantile(mixture((0.5, -2, 0), (0.5, 2, 0)), np.array([0.0, 0.5, 0.6, 1.0])).tolist() == [-2, -2, 2, 2]


@FEW
@given(mixtures(), mixtures())
def test_numpy_and_torch_give_the_same_numbers(u, v):
    ours, theirs = (GaussianMixture(*map(torch.from_numpy, law)) for law in (u, v))
    for function in (expected_distance, *DISTANCES, kl_divergence):
        found = function(ours, theirs)
        assert isinstance(found, torch.Tensor)
        expected = function(u, v)
        assert isinstance(expected, np.ndarray)
        np.testing.assert_array_equal(found.numpy(), expected)
    for function in (mean, variance, mode):
        np.testing.assert_array_equal(function(ours).numpy(), function(u))


def test_laws_agree_with_scipy():
    from scipy import stats

    rng = np.random.default_rng(0)
    x, y = rng.normal(size=12), rng.normal(1, 2, size=9)
    first, second = (GaussianMixture(np.full(len(z), 1 / len(z)), z, np.zeros(len(z))) for z in (x, y))
    assert energy_distance(first, second) == pytest.approx(stats.energy_distance(x, y) ** 2, abs=1e-12)
    assert wasserstein_1(first, second) == pytest.approx(stats.wasserstein_distance(x, y), abs=1e-12)
    y = y.repeat(2)[:12]
    second = GaussianMixture(np.full(12, 1 / 12), y, np.zeros(12))
    paired = math.sqrt(np.mean((np.sort(x) - np.sort(y)) ** 2))
    assert wasserstein_2(first, second) == pytest.approx(paired, abs=1e-9)
    law, points = mixture((0.3, -1, 0.5), (0.7, 2, 1.5)), np.linspace(-5, 8, 14)
    density = 0.3 * stats.norm.pdf(points, -1, 0.5) + 0.7 * stats.norm.pdf(points, 2, 1.5)
    np.testing.assert_allclose(log_density(law, points), np.log(density), rtol=1e-12)
    below = 0.3 * stats.norm.cdf(points, -1, 0.5) + 0.7 * stats.norm.cdf(points, 2, 1.5)
    np.testing.assert_allclose(cdf(law, points), below, rtol=1e-10)


def test_samples_follow_the_law_from_either_generator():
    from scipy import stats

    law = mixture((0.3, -1, 0.5), (0.5, 2, 0.0), (0.2, 4, 0.1))
    for generator in (np.random.default_rng(0), torch.Generator().manual_seed(0)):
        found = sample(law, 20_000, generator)
        assert (found == 2).mean() == pytest.approx(0.5, abs=0.02)
        rest = found[found != 2]
        exact = GaussianMixture(np.array([0.6, 0.4]), law.means[[0, 2]], law.scales[[0, 2]])
        assert stats.kstest(rest, lambda x, exact=exact: cdf(exact, x)).pvalue > 0.01


def test_diracs_are_exact():
    one, other = mixture((1, 0.3, 0)), mixture((1, -1.2, 0))
    for distance in (expected_distance, wasserstein_1):
        assert distance(one, other) == pytest.approx(1.5, abs=1e-15)
    assert wasserstein_2(one, other) == pytest.approx(1.5, abs=1e-12)
    assert energy_distance(one, other) == pytest.approx(3.0, abs=1e-15)
    assert expected_distance(one, one) == 0
    assert log_density(one, 0.3) == math.inf
    assert log_density(one, 0.4) == -math.inf
    assert kl_divergence(one, other) == math.inf
    assert kl_divergence(one, one) == 0
    assert kl_divergence(mixture((0.5, 0, 0), (0.5, 1, 0)), mixture((0.2, 0, 0), (0.8, 1, 0))) == pytest.approx(
        0.5 * math.log(2.5) + 0.5 * math.log(0.625)
    )
    assert mode(mixture((0.3, 0, 0), (0.6, 1, 0), (0.1, 2, 0.1))) == 1


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_gradients_are_finite_where_scales_vanish_and_components_meet(dtype):
    means = torch.tensor([0.0, 1.0, 1.0], dtype=dtype, requires_grad=True)
    scales = torch.tensor([0.0, 0.0, 0.5], dtype=dtype, requires_grad=True)
    weights = torch.tensor([0.25, 0.25, 0.5], dtype=dtype, requires_grad=True)
    law = GaussianMixture(weights, means, scales)
    target = GaussianMixture(*(torch.tensor(x, dtype=dtype) for x in ([0.5, 0.5], [0.0, 2.0], [0.0, 0.1])))
    for function in (expected_distance, *DISTANCES):
        for other in (target, law):
            found = torch.autograd.grad(function(law, other), law, allow_unused=True)
            assert all(part is None or part.isfinite().all() for part in found), function
    tiny = torch.tensor([1e-30], dtype=dtype, requires_grad=True)
    normal = GaussianMixture(torch.ones(1, dtype=dtype), torch.tensor([3.0], dtype=dtype, requires_grad=True), tiny)
    origin = GaussianMixture(*(torch.tensor([x], dtype=dtype) for x in (1.0, 0.0, 0.0)))
    distance = expected_distance(normal, origin)
    assert distance.item() == 3
    assert torch.autograd.grad(distance, (normal.means, tiny))[0].item() == 1


def test_gradients_are_those_of_finite_differences():
    generator = torch.Generator().manual_seed(0)
    raw = torch.rand(3, 3, generator=generator, dtype=torch.float64)
    target = GaussianMixture(*(torch.tensor(x, dtype=torch.float64) for x in ([0.5, 0.5], [0.0, 2.0], [0.3, 0.5])))
    for function in (*DISTANCES, expected_distance, kl_divergence, cross_entropy):

        def value(w, m, s, function=function):
            return function(GaussianMixture(w.softmax(-1), 3 * m, 0.2 + s), target)

        leaves = [part.clone().requires_grad_() for part in raw]
        assert torch.autograd.gradcheck(value, leaves, atol=1e-5, rtol=1e-4), function
    points = torch.tensor([0.1, 0.5, 0.97], dtype=torch.float64)
    leaves = [part.clone().requires_grad_() for part in raw]
    assert torch.autograd.gradcheck(
        lambda w, m, s: quantile(GaussianMixture(w.softmax(-1), 3 * m, 0.2 + s), points), leaves, atol=1e-6
    )


def test_leading_axes_are_separate_mixtures():
    rng = np.random.default_rng(1)
    laws = GaussianMixture(rng.dirichlet([1, 1], (2, 3)), rng.normal(size=(2, 3, 2)), rng.uniform(size=(2, 3, 2)))
    other = mixture((0.5, 0, 1), (0.5, 1, 0))
    for function in (*DISTANCES, expected_distance, cross_entropy):
        together = function(laws, other)
        assert together.shape == (2, 3)
        for i in np.ndindex(2, 3):
            alone = function(GaussianMixture(*(part[i] for part in laws)), other)
            assert alone == pytest.approx(together[i], rel=1e-10, abs=1e-12)


def test_the_mode_is_where_the_density_is_largest():
    law = mixture((0.7, 0, 1.5), (0.3, 4, 0.25))
    grid = np.linspace(3.9, 4.1, 20_001)
    assert mode(law) == pytest.approx(grid[np.argmax(log_density(law, grid))], abs=1e-5)
    assert mean(law) == pytest.approx(1.2)


def test_particles_are_an_equal_mixture():
    law = Particles(torch.tensor([1.0, 3.0]), torch.tensor([0.0, 1.0])).mixture()
    assert mean(law).item() == 2
    assert variance(law).item() == 1.5


def test_what_is_no_mixture_is_refused():
    with pytest.raises(GameError, match="one of each for every component, got"):
        mean(GaussianMixture(np.ones(2), np.ones(3), np.ones(3)))
    with pytest.raises(GameError, match="a fraction from 0 to 1"):
        quantile(mixture((1, 0, 1)), 1.5)
    with pytest.raises(GameError, match="got n_samples = 0: give n_samples >= 1"):
        sample(mixture((1, 0, 1)), 0, np.random.default_rng(0))
