"""The condensed simplex method: both gears, interruption points, degenerate and cycling games."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from marlgt.solvers._condensed_tableau import OPTIMAL, RUNNING, open_game, run_pivots
from marlgt.solvers._simplex import simplex


def relative_gap(matrix, x, y) -> float:
    shifted = matrix - matrix.min()
    return ((shifted @ y).max() - (x @ shifted).min()) / max(np.ptp(matrix), np.finfo(float).tiny)


def small_integer_matrices():
    return st.tuples(st.integers(1, 9), st.integers(1, 9), st.integers(1, 3), st.integers(0, 2**32 - 1)).map(
        lambda args: np.random.default_rng(args[3]).integers(-args[2], args[2] + 1, size=args[:2]).astype(float)
    )


@settings(max_examples=200, deadline=None)
@given(small_integer_matrices())
def test_degenerate_games_are_solved_to_rounding(matrix):
    found = simplex(matrix)
    assert found.converged
    assert relative_gap(matrix, found.x, found.y) <= 1e-13


@settings(max_examples=100, deadline=None)
@given(small_integer_matrices())
def test_the_basis_is_square_and_carries_both_strategies(matrix):
    found = simplex(matrix)
    assert len(found.rows) == len(found.columns)
    assert set(np.flatnonzero(found.x)) <= set(found.rows)
    assert set(np.flatnonzero(found.y)) <= set(found.columns)


def test_both_gears_make_the_same_pivots(monkeypatch):
    rng = np.random.default_rng(1)
    for shape in [(2, 2), (3, 5), (8, 4), (12, 12), (9, 30)]:
        matrix = rng.normal(size=shape)
        monkeypatch.setenv("MARLGT_GEAR", "plain")
        plain = simplex(matrix)
        monkeypatch.setenv("MARLGT_GEAR", "compiled")
        compiled = simplex(matrix)
        assert compiled.pivots == plain.pivots
        assert compiled.rows == plain.rows
        np.testing.assert_allclose(compiled.x, plain.x, atol=1e-14)
        np.testing.assert_allclose(compiled.y, plain.y, atol=1e-14)


def test_a_search_in_many_calls_ends_where_one_call_ends():
    matrix = np.random.default_rng(2).normal(size=(1, 9, 7))
    results = []
    for budget in (1, 10**6):
        tableau, rows, columns = np.empty((10, 8)), np.empty(9, dtype=np.int64), np.empty(7, dtype=np.int64)
        x, y, scratch = np.empty((1, 9)), np.empty((1, 7)), np.ones((2, 10))
        assert open_game(matrix, tableau, rows, columns, x, y, np.empty(2), scratch, 0) == RUNNING
        status, pivots = RUNNING, 0
        while status == RUNNING:
            status, pivots = run_pivots(tableau, rows, columns, scratch, pivots, budget)
        assert status == OPTIMAL
        results.append((pivots, tableau))
    assert results[0][0] == results[1][0]
    np.testing.assert_array_equal(results[0][1], results[1][1])


def test_ctrl_c_between_calls_stops_the_search(monkeypatch):
    import marlgt.solvers._simplex as module

    def interrupted(*args):
        raise KeyboardInterrupt

    monkeypatch.setattr(module, "_some_pivots", interrupted)
    with pytest.raises(KeyboardInterrupt):
        simplex(np.random.default_rng(0).normal(size=(5, 5)))


def test_saddle_points_need_no_pivot():
    found = simplex(np.array([[4.0, 1.0, 2.0], [5.0, 3.0, 3.0], [0.0, 2.0, 9.0]]))
    assert found.pivots == 0
    assert found.rows == (1,)
    assert found.columns == (1,)


@settings(max_examples=200, deadline=None)
@given(st.lists(st.sampled_from([-2.0, -1.0, 0.0, 1.0, 2.0, 1e-12, 1e12]), min_size=4, max_size=4))
def test_two_by_two_games_are_read_off(entries):
    matrix = np.array(entries).reshape(2, 2)
    found = simplex(matrix)
    assert found.pivots == 0
    assert relative_gap(matrix, found.x, found.y) <= 1e-15
