"""Random numbers in lane code: independent in every coordinate, and the same bits wherever they are drawn."""

import numpy as np
import pytest
from scipy import special, stats

from marlgt.errors import GameError
from marlgt.games.drones.kernels.draws import (
    between,
    between_now,
    draw,
    draw_gaussian,
    gaussian,
    gaussian_now,
    keys,
    normal_quantile,
    now,
    start,
    uniform,
    uniform_now,
)
from marlgt.games.drones.kernels.lanes import WIDTH, Columns
from marlgt.games.drones.kernels.layout import CLOCK_FIELDS, EPISODE, KEY, TICK
from marlgt.kernels import compiled, lane_loop

SIDE = 48
"""Keys, episodes, steps and numbers of the cubes of draws: each runs over 0, 1, 2, …"""


@lane_loop
def fill(out, c, k):
    """Four kinds of draw for each lane of a block."""
    for e in range(WIDTH):
        out[0 * WIDTH + e] = uniform(c, k, e)
        out[1 * WIDTH + e] = uniform_now(c, k, e)
        out[2 * WIDTH + e] = gaussian(c, k, e)
        out[3 * WIDTH + e] = gaussian_now(c, k, e)


def clock(key, episode=0, tick=0):
    """Return a clock on whole arrays."""
    key, episode, tick = np.broadcast_arrays(*(np.asarray(v, dtype=np.int64) for v in (key, episode, tick)))
    return Columns({KEY: key, EPISODE: episode, TICK: tick})


def cube():
    """Return uniform numbers by key, episode, step and number, and the gaussians beside them."""
    n = np.arange(SIDE)
    grid = clock(n[:, None, None], n[None, :, None], n[None, None, :])
    return np.stack([uniform_now(grid, k, 0) for k in range(SIDE)], axis=-1)


@pytest.fixture(scope="module")
def numbers():
    return cube()


@pytest.fixture(scope="module")
def starts():
    n = np.arange(170)
    return np.stack([uniform(clock(n[:, None], n[None, :]), k, 0) for k in range(170)], axis=-1)


def within(value, expected, deviation):
    """Tell whether a statistic is within four and a half standard deviations of what it should be."""
    return abs(value - expected) < 4.5 * deviation


@pytest.mark.parametrize("which", ["numbers", "starts"])
def test_moments_are_those_of_uniform_numbers(which, request):
    x = request.getfixturevalue(which)
    assert x.min() >= 0.0
    assert x.max() < 1.0
    for power in (1, 2, 3, 4):
        spread = np.sqrt((1 / (2 * power + 1) - 1 / (power + 1) ** 2) / x.size)
        assert within((x**power).mean(), 1 / (power + 1), spread)


@pytest.mark.parametrize("which", ["numbers", "starts"])
@pytest.mark.parametrize("shift", [0, 4, 8])
def test_bins_are_equally_full_by_upper_and_by_lower_bits(which, shift, request):
    bins = (request.getfixturevalue(which) * 2.0 ** (8 + 2 * shift)).astype(np.int64) % 256
    counts = np.bincount(bins.ravel(), minlength=256)
    assert 1e-5 < stats.chisquare(counts).pvalue < 1 - 1e-5


@pytest.mark.parametrize("which", ["numbers", "starts"])
@pytest.mark.parametrize("lag", [1, 2, 3, 4, 8, 16, 32])
def test_neighbours_along_every_coordinate_are_uncorrelated(which, lag, request):
    x = request.getfixturevalue(which)
    x = x - 0.5
    for axis in range(x.ndim):
        first = np.take(x, range(x.shape[axis] - lag), axis=axis)
        second = np.take(x, range(lag, x.shape[axis]), axis=axis)
        assert within(12 * (first * second).mean(), 0.0, 1 / np.sqrt(first.size)), (axis, lag)


@pytest.mark.parametrize("which", ["numbers", "starts"])
def test_pairs_of_neighbours_fill_the_square_evenly(which, request):
    x = request.getfixturevalue(which)
    for axis in range(x.ndim):
        first = np.take(x, range(0, x.shape[axis] - 1, 2), axis=axis)
        second = np.take(x, range(1, x.shape[axis], 2), axis=axis)
        bins = (first * 16).astype(np.int64) * 16 + (second * 16).astype(np.int64)
        assert 1e-5 < stats.chisquare(np.bincount(bins.ravel(), minlength=256)).pvalue < 1 - 1e-5


@pytest.mark.parametrize("which", ["numbers", "starts"])
def test_exchanged_coordinates_give_unrelated_numbers(which, request):
    x = request.getfixturevalue(which) - 0.5
    for first in range(x.ndim):
        for second in range(first):
            swapped = np.swapaxes(x, first, second)
            # A number on the diagonal meets itself.
            apart = np.moveaxis(x * swapped, (first, second), (0, 1))[np.triu_indices(x.shape[0], 1)]
            assert within(12 * apart.mean(), 0.0, 1 / np.sqrt(apart.size)), (first, second)


def test_averages_over_any_three_coordinates_scatter_as_independent_numbers_do(numbers):
    for axis in range(4):
        rest = tuple(a for a in range(4) if a != axis)
        means = (numbers.mean(axis=rest) - 0.5) * np.sqrt(12 * SIDE**3)
        assert stats.kstest(means, "norm").pvalue > 1e-4


def test_an_episodes_first_numbers_are_unlike_those_of_its_steps(numbers):
    n = np.arange(SIDE)
    first = np.stack([uniform(clock(n[:, None], n[None, :]), k, 0) for k in range(SIDE)], axis=-1) - 0.5
    for tick in range(SIDE):
        together = 12 * (first * (numbers[:, :, tick] - 0.5)).mean()
        assert within(together, 0.0, 1 / np.sqrt(first.size))


def test_gaussians_have_the_moments_and_the_distribution_of_the_normal_law():
    grid = clock(np.arange(1000)[:, None], np.arange(200)[None, :], 5)
    for kind in (gaussian, gaussian_now):
        x = np.stack([kind(grid, k, 0) for k in range(3)]).ravel()
        n = x.size
        assert within(x.mean(), 0.0, 1 / np.sqrt(n))
        assert within(x.var(), 1.0, np.sqrt(2 / n))
        assert within((x**3).mean(), 0.0, np.sqrt(15 / n))
        assert within((x**4).mean(), 3.0, np.sqrt(96 / n))
        assert stats.kstest(x, "norm").pvalue > 1e-4
        assert 4.0 < np.abs(x).max() < 5.5


def test_the_normal_quantile_is_as_close_as_its_module_says():
    u = np.concatenate([np.arange(1, 4096), np.arange(4096, 2**24, 997)]) * 2.0**-24
    error = np.abs(normal_quantile(u) - special.ndtri(u))
    assert error[np.abs(special.ndtri(u)) < 4].max() < 0.0015
    assert error.max() < 0.03
    assert np.abs(special.ndtr(normal_quantile(u)) - u).max() < 3e-4
    assert -5.5 < normal_quantile(0.0) < -5.0
    single = normal_quantile(u.astype(np.float32))
    assert single.dtype == np.float32
    np.testing.assert_allclose(single, normal_quantile(u), rtol=2e-5, atol=1e-7)


def test_the_same_bits_come_from_every_gear():
    rng = np.random.default_rng(0)
    row = np.zeros(CLOCK_FIELDS * WIDTH, dtype=np.int64)
    row[KEY : KEY + WIDTH] = rng.integers(0, 2**32, WIDTH)
    row[EPISODE : EPISODE + WIDTH] = rng.integers(0, 2**40, WIDTH)
    row[TICK : TICK + WIDTH] = rng.integers(0, 1000, WIDTH)
    arrays = clock(*(row[field : field + WIDTH] for field in (KEY, EPISODE, TICK)))
    integers = row.tolist()
    for k in (0, 1, 77, 2**31 + 5, 2**40):
        swift, plain, single = np.zeros(4 * WIDTH), np.zeros(4 * WIDTH), np.zeros(4 * WIDTH, dtype=np.float32)
        compiled(fill)(swift, row, k)
        fill(plain, row, k)
        compiled(fill, single=True)(single, row, k)
        by_hand = [kind(integers, k, e) for kind in (uniform, uniform_now) for e in range(WIDTH)]
        columns = np.concatenate([kind(arrays, k, 0) for kind in (uniform, uniform_now, gaussian, gaussian_now)])
        half = 2 * WIDTH
        for other in (plain[:half], single[:half], by_hand, columns[:half]):
            assert np.array_equal(swift[:half], other)
        np.testing.assert_allclose(swift[half:], plain[half:], rtol=1e-12)
        np.testing.assert_allclose(swift[half:], columns[half:], rtol=1e-12)
        np.testing.assert_allclose(swift[half:], single[half:], rtol=1e-4)


def test_key_and_time_kept_by_the_caller_give_the_same_numbers():
    grid = clock(np.arange(30), np.arange(30) % 4, np.arange(30) % 7)
    for when, flat, normal in ((start, uniform, gaussian), (now, uniform_now, gaussian_now)):
        key, time = grid[KEY], when(grid, 0)
        assert np.array_equal(draw(key, time, 9), flat(grid, 9, 0))
        assert np.array_equal(draw_gaussian(key, time, 9), normal(grid, 9, 0))


def test_torch_draws_the_same_bits():
    torch = pytest.importorskip("torch")
    arrays = clock(np.arange(50), np.arange(50) % 7, np.arange(50) % 11)
    tensors = Columns({field: torch.from_numpy(array.copy()) for field, array in arrays.arrays.items()})
    for kind in (uniform, uniform_now):
        assert np.array_equal(kind(tensors, 3, 0).numpy(), kind(arrays, 3, 0))
    for kind in (gaussian, gaussian_now):
        np.testing.assert_allclose(kind(tensors, 3, 0).numpy(), kind(arrays, 3, 0), rtol=2e-5)


def test_numbers_between_bounds_stay_there_and_fill_the_range():
    grid = clock(np.arange(1000))
    for kind in (between, between_now):
        x = kind(-2.0, 3.0, grid, 4, 0)
        assert x.min() >= -2.0
        assert x.max() < 3.0
        assert within(x.mean(), 0.5, 5 / np.sqrt(12 * x.size))
        assert np.ptp(x) > 4.9


def test_the_key_of_an_environment_does_not_depend_on_how_many_there_are():
    for seed in (0, 1, 12345, 2**70):
        many = keys(seed, 64)
        assert many.dtype == np.int64
        assert np.array_equal(keys(seed, 8), many[:8])
        assert many.min() >= 0
        assert many.max() < 2**32


def test_keys_of_one_seed_are_all_different_and_evenly_spread():
    many = keys(3, 200_000)
    assert len(np.unique(many)) == len(many)
    assert 1e-5 < stats.chisquare(np.bincount(many >> 24, minlength=256)).pvalue < 1 - 1e-5


def test_seeds_give_different_keys():
    table = np.array([keys(seed, 100) for seed in range(100)])
    assert len(np.unique(table)) > 9_990
    centred = table / 2.0**32 - 0.5
    assert within(12 * (centred[1:] * centred[:-1]).mean(), 0.0, 1 / np.sqrt(9_900))


@pytest.mark.parametrize("seed", [-1, 1.5, "0", True, None])
def test_a_seed_must_be_a_whole_number_of_at_least_0(seed):
    with pytest.raises(GameError, match="a seed must be a whole number of at least 0"):
        keys(seed, 2)
