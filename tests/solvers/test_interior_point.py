"""The interior-point method: accuracy at size, degenerate optima, both orientations."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import marlgt as gt
from marlgt.solvers import minimax
from marlgt.solvers._saddle_points import duality_gap, normalized
from marlgt.solvers.interior_point import _cholesky_solver, interior_point


@pytest.mark.parametrize("shape", [(70, 70), (150, 150), (20, 400), (400, 20), (129, 64)])
def test_gaussian_games_reach_rounding(shape):
    matrix = normalized(np.random.default_rng(7).normal(size=shape))
    found = interior_point(matrix)
    assert found.gap == pytest.approx(duality_gap(matrix, found.x, found.y), abs=1e-15)
    assert found.gap <= 1e-13
    assert found.iterations <= 25


def test_games_above_the_switch_use_it_and_agree_with_the_simplex():
    game = gt.NormalFormGame.zero_sum(np.random.default_rng(8).normal(size=(210, 200)))
    e = minimax(game)
    assert e.method == "zero_sum_interior_point"
    assert e.epsilon <= 1e-12
    assert e.values[0] == pytest.approx(gt.solvers.zero_sum_simplex(game).values[0], abs=1e-12)


@pytest.mark.parametrize("levels", [2, 3, 10])
def test_degenerate_games_reach_rounding(levels):
    matrix = normalized(np.random.default_rng(9).integers(0, levels, size=(110, 130)).astype(float))
    assert interior_point(matrix).gap <= 1e-12


@settings(max_examples=60, deadline=None)
@given(
    shape=st.tuples(st.integers(1, 8), st.integers(1, 8)),
    levels=st.integers(1, 4),
    seed=st.integers(0, 2**32 - 1),
)
def test_small_games_with_ties_are_solved_too(shape, levels, seed):
    matrix = normalized(np.random.default_rng(seed).integers(0, levels, size=shape).astype(float))
    found = interior_point(matrix)
    assert found.gap <= 1e-12
    assert found.x.min() >= 0.0
    assert found.x.sum() == pytest.approx(1.0)


def test_an_offset_costs_no_more_than_the_digits_it_hides():
    matrix = np.random.default_rng(10).normal(size=(80, 80))
    plain = interior_point(normalized(matrix))
    moved = interior_point(normalized(matrix + 2.0**20))
    np.testing.assert_allclose(moved.x, plain.x, atol=1e-7)


def test_many_optimal_pairs_give_one_inside_their_set():
    found = interior_point(normalized(np.kron(np.array([[1.0, -1.0], [-1.0, 1.0]]), np.ones((20, 20)))))
    assert found.gap <= 1e-14
    assert found.x.min() > 0.01


@pytest.mark.parametrize("size", [1, 5, 64, 65, 200])
def test_the_blocked_solver_solves(size):
    rng = np.random.default_rng(size)
    root = rng.normal(size=(size, size + 3))
    matrix = root @ root.T
    expected = rng.normal(size=size)
    solve = _cholesky_solver(matrix.copy(), 1.0)
    np.testing.assert_allclose(solve(matrix @ expected), expected, rtol=1e-5, atol=1e-6)


def test_a_singular_matrix_is_solved_on_its_range():
    matrix = np.ones((6, 6))
    solve = _cholesky_solver(matrix.copy(), 1.0)
    np.testing.assert_allclose(matrix @ solve(np.full(6, 6.0)), 6.0, rtol=1e-8)
