"""Random streams: uniform, independent of one another, the same bits in both gears."""

import numpy as np
import pytest

from marlgt.kernels import compiled, kernel
from marlgt.randomness import drawn_from, streams, uniform, uniform_below


@kernel
def fill(stream, out):
    for i in range(out.shape[0]):
        out[i] = uniform(stream)


@kernel
def fill_drawn(stream, weights, out):
    for i in range(out.shape[0]):
        out[i] = drawn_from(stream, weights)


def drawn(seed, count):
    out = np.empty(count)
    compiled(fill)(streams([seed])[0], out)
    return out


def test_both_gears_give_the_same_bits():
    plain, fast = streams([5])[0], streams([5])[0]
    a, b = np.empty(500), np.empty(500)
    fill(plain, a)
    compiled(fill)(fast, b)
    assert np.array_equal(a, b)
    assert np.array_equal(plain, fast)


def test_a_stream_does_not_depend_on_the_others():
    assert np.array_equal(streams([0, 1, 2, 99])[3], streams([99])[0])


def test_pairs_of_numbers_fill_the_square_evenly():
    x = drawn(0, 4_000_000)
    cells = (x * 64).astype(int)
    counts = np.bincount(cells[1:] * 64 + cells[:-1], minlength=4096)
    expected = len(x) / 4096
    chi_square = ((counts - expected) ** 2 / expected).sum()
    # 4,095 degrees of freedom: five standard deviations either way.
    assert abs(chi_square - 4095) < 5 * np.sqrt(2 * 4095)
    assert x.min() >= 0.0
    assert x.max() < 1.0


def test_streams_of_neighbouring_seeds_are_not_correlated():
    first = np.array([drawn(seed, 3) for seed in range(2000)])
    correlations = np.corrcoef(first.T) - np.eye(3)
    assert np.abs(correlations).max() < 5 / np.sqrt(2000)
    assert np.abs(first.mean(axis=0) - 0.5).max() < 5 * np.sqrt(1 / 12 / 2000)


def test_draws_follow_their_weights_and_never_give_what_has_none():
    out = np.empty(100_000, dtype=np.int64)
    compiled(fill_drawn)(streams([3])[0], np.array([1.0, 0.0, 3.0, 0.0]), out)
    shares = np.bincount(out, minlength=4) / len(out)
    assert shares[1] == shares[3] == 0.0
    assert shares[2] == pytest.approx(0.75, abs=0.01)


def test_whole_numbers_stay_below_their_bound():
    stream = streams([1])[0]
    assert {uniform_below(stream, 3) for _ in range(200)} == {0, 1, 2}
