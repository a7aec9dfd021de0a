"""Batches of matrix games: the same answers as one by one, certified, for any shape."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import marlgt as gt
from marlgt.solvers import minimax, minimax_batch


@settings(max_examples=60, deadline=None)
@given(
    shape=st.tuples(st.integers(1, 6), st.integers(1, 7), st.integers(1, 7)),
    levels=st.integers(1, 4),
    scale=st.sampled_from([1.0, 1e-9, 1e9]),
    seed=st.integers(0, 2**32 - 1),
)
def test_a_batch_agrees_with_its_games_one_by_one(shape, levels, scale, seed):
    matrices = scale * np.random.default_rng(seed).integers(-levels, levels + 1, size=shape)
    batch = minimax_batch(matrices)
    for k, matrix in enumerate(matrices):
        single = minimax(gt.NormalFormGame.zero_sum(matrix))
        assert batch.values[k] == pytest.approx(single.values[0], rel=1e-12, abs=1e-12 * scale)
        gap = (matrix @ batch.columns[k]).max() - (batch.rows[k] @ matrix).min()
        assert batch.gaps[k] == pytest.approx(gap, abs=1e-13 * scale)
        assert batch.gaps[k] <= 1e-12 * max(np.ptp(matrix), 1e-300)


@pytest.mark.parametrize("gear", ["plain", "compiled"])
@pytest.mark.parametrize("size", [2, 3, 5, 10])
def test_random_games_have_gaps_of_rounding_in_both_gears(gear, size, monkeypatch):
    monkeypatch.setenv("MARLGT_GEAR", gear)
    matrices = np.random.default_rng(size).normal(size=(200 if gear == "plain" else 20_000, size, size))
    batch = minimax_batch(matrices)
    assert len(batch) == len(matrices)
    assert (batch.gaps / np.ptp(matrices, axis=(1, 2))).max() <= 1e-12
    np.testing.assert_allclose(batch.rows.sum(axis=1), 1.0, atol=1e-12)
    np.testing.assert_allclose(batch.columns.sum(axis=1), 1.0, atol=1e-12)
    assert batch.rows.min() >= 0.0


def test_an_offset_leaves_the_gap_small():
    matrices = np.random.default_rng(0).normal(size=(50, 4, 4)) + 1e8
    assert minimax_batch(matrices).gaps.max() <= 1e-12


def test_constant_and_extreme_games_are_solved():
    batch = minimax_batch([np.full((2, 3), 7.0), [[1e140, 0, 0], [0, 1e140, 0]], [[0, 0, 0], [1e-300, 0, 0]]])
    assert batch.values.tolist() == [7.0, 0.0, 0.0]
    assert batch.gaps.max() == 0.0


def test_a_game_that_the_kernel_leaves_open_is_solved_again(monkeypatch):
    import marlgt.solvers.matrix_game_batch as module

    def careless(*arguments):
        rows, columns, values, gaps, ranges = arguments[-7:-2]
        rows[...], columns[...], values[...], gaps[...], ranges[...] = 0.5, 0.5, 0.0, np.nan, 1.0

    monkeypatch.setattr(module, "gear", lambda function, work: careless)
    batch = minimax_batch([[[3, -1], [-2, 1]]] * 2)
    assert batch.values == pytest.approx([1 / 7, 1 / 7])
    assert batch.gaps.max() <= 1e-15


def test_an_empty_batch_has_empty_answers():
    batch = minimax_batch(np.empty((0, 3, 2)))
    assert batch.values.shape == (0,)
    assert batch.rows.shape == (0, 3)
    assert batch.columns.shape == (0, 2)


@pytest.mark.parametrize("matrices", [[[1, 2], [3, 4]], np.zeros((2, 0, 3)), 5.0])
def test_another_shape_is_refused_with_a_way_out(matrices):
    with pytest.raises(gt.GameError, match=r"shape \(B, m, n\).*minimax\(NormalFormGame\.zero_sum\(A\)\)"):
        minimax_batch(matrices)


@pytest.mark.parametrize("gear", ["plain", "compiled"])
@pytest.mark.parametrize(
    ("bad", "words"), [(np.nan, "is nan"), (np.inf, "is inf"), (-np.inf, "is -inf"), (3e200, "is 3e\\+200")]
)
def test_bad_numbers_are_refused_by_place(bad, words, gear, monkeypatch):
    monkeypatch.setenv("MARLGT_GEAR", gear)
    for size in (2, 3):
        matrices = np.random.default_rng(0).normal(size=(40, size, size))
        matrices[31, 1, 0] = bad
        with pytest.raises(gt.GameError, match=rf"matrices\[31, 1, 0\] {words}"):
            minimax_batch(matrices)


def test_the_callers_array_stays_as_it_was():
    matrices = np.random.default_rng(0).normal(size=(3, 4, 5))
    kept = matrices.copy()
    minimax_batch(matrices)
    np.testing.assert_array_equal(matrices, kept)
    np.testing.assert_array_equal(minimax_batch(matrices[:, ::-1]).gaps <= 1e-14, True)


def test_answers_are_read_only():
    with pytest.raises(ValueError, match="read-only"):
        minimax_batch([[[1, 2], [3, 4]]]).values[0] = 3
