import numpy as np
import pytest
import torch

from marlgt.deep.standardising import RunningMoments
from marlgt.errors import GameError


def batches(n_seeds=2, n_columns=3):
    generator = torch.Generator().manual_seed(0)
    sizes = [(1,), (7, 4), (30,), (2, 3, 5)]
    return [torch.randn(3, *size, n_columns, generator=generator)[:n_seeds] * 5 + 1000 for size in sizes]


def test_moments_are_those_of_all_numbers_together():
    """Against numpy on the concatenated numbers, far from 0, where a difference of sums would lose digits."""
    moments = RunningMoments(2, n_columns=3)
    for batch in batches():
        moments.update(batch)
    together = np.concatenate([batch.double().numpy().reshape(2, -1, 3) for batch in batches()], axis=1)
    assert moments.count.item() == together.shape[1]
    np.testing.assert_allclose(moments.mean.numpy(), together.mean(axis=1), rtol=1e-14)
    np.testing.assert_allclose(moments.deviation.numpy(), together.std(axis=1), rtol=1e-12)


def test_standardised_numbers_have_mean_0_and_deviation_1():
    moments, (*_, batch) = RunningMoments(2, n_columns=3), batches()
    moments.update(batch)
    standardised = moments.standardised(batch)
    assert standardised.dtype == torch.float32
    flat = standardised.double().reshape(2, -1, 3)
    torch.testing.assert_close(flat.mean(1), torch.zeros(2, 3, dtype=torch.float64), atol=1e-4, rtol=0)
    torch.testing.assert_close(flat.std(1, correction=0), torch.ones(2, 3, dtype=torch.float64), atol=1e-4, rtol=0)


def test_numbers_that_are_only_scaled_keep_their_sign():
    moments, (*_, batch) = RunningMoments(2, n_columns=3), batches()
    moments.update(batch)
    scaled = moments.standardised(batch, centred=False)
    assert (scaled > 0).all()
    torch.testing.assert_close(scaled[1, ..., 2], (batch[1, ..., 2] / moments.deviation[1, 2]).float())


def test_numbers_that_are_all_alike_become_0():
    moments = RunningMoments(1)
    moments.update(torch.full((1, 5, 1), 3.0))
    assert torch.equal(moments.standardised(torch.full((1, 2, 1), 3.0)), torch.zeros(1, 2, 1))


def test_a_seed_has_the_bits_that_it_has_alone():
    together, alone = RunningMoments(3, n_columns=2), RunningMoments(1, n_columns=2)
    for batch in batches(3, 2):
        together.update(batch)
        alone.update(batch[:1])
    assert torch.equal(together.mean[:1], alone.mean)
    assert torch.equal(together.squares[:1], alone.squares)


def test_moments_loaded_from_a_state_go_on_bit_for_bit():
    first, second = RunningMoments(2, n_columns=3), RunningMoments(2, n_columns=3)
    *early, late = batches()
    for batch in early:
        first.update(batch)
    second.load(first.state())
    for moments in (first, second):
        moments.update(late)
    assert torch.equal(first.mean, second.mean)
    assert torch.equal(first.squares, second.squares)


def test_other_sizes_are_refused():
    moments = RunningMoments(2, n_columns=3)
    with pytest.raises(GameError, match=r"numbers have shape \(2, 4\): give \(2, ..., 3\), not empty"):
        moments.update(torch.zeros(2, 4))
    with pytest.raises(GameError, match="not empty"):
        moments.update(torch.zeros(2, 0, 3))
    with pytest.raises(GameError, match="load it into moments of the same sizes"):
        moments.load(RunningMoments(1, n_columns=3).state())
    with pytest.raises(GameError, match="0 seeds and 1 columns: moments need at least 1 of each"):
        RunningMoments(0)
