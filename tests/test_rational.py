"""Exact elimination against its definitions, in rational arithmetic and against LAPACK."""

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from marlgt.errors import GameError
from marlgt.rational import bareiss_nullspace, bareiss_solve, solve_unique

ENTRIES = st.sampled_from([1, 2, 9, 10**12, 2**70]).flatmap(lambda size: st.integers(-size, size))


@st.composite
def matrices(draw, *, square=False):
    m = draw(st.integers(1 if square else 0, 6))
    n = m if square else draw(st.integers(1, 6))
    entry = draw(st.sampled_from([st.integers(-1, 1), st.integers(-9, 9), ENTRIES]))
    rows = draw(st.lists(st.lists(entry, min_size=n, max_size=n), min_size=m, max_size=m))
    if m > 1 and draw(st.booleans()):
        rows[0] = [3 * x for x in rows[-1]]
    return rows, n


def times(rows, vector):
    return [sum(a * x for a, x in zip(row, vector)) for row in rows]


def rank_by_fractions(rows):
    rows, rank = [[Fraction(x) for x in row] for row in rows], 0
    for column in range(len(rows[0]) if rows else 0):
        pivot = next((r for r in range(rank, len(rows)) if rows[r][column]), None)
        if pivot is None:
            continue
        rows[rank], rows[pivot] = rows[pivot], rows[rank]
        for r in range(rank + 1, len(rows)):
            factor = rows[r][column] / rows[rank][column]
            rows[r] = [a - factor * b for a, b in zip(rows[r], rows[rank])]
        rank += 1
    return rank


@settings(max_examples=200, deadline=None)
@given(matrices(square=True), st.data())
def test_a_square_system_is_solved_exactly_or_is_singular(case, data):
    matrix, n = case
    rhs = data.draw(st.lists(ENTRIES, min_size=n, max_size=n))
    solution = bareiss_solve(matrix, rhs)
    if solution is None:
        assert rank_by_fractions(matrix) < n
    else:
        assert times(matrix, solution) == rhs


@settings(max_examples=200, deadline=None)
@given(matrices())
@example(([[0, 0, 5], [0, 0, 7]], 3))
@example(([], 2))
def test_rank_and_nullspace_add_up_to_the_number_of_columns(case):
    matrix, n = case
    rank = rank_by_fractions(matrix)
    basis = bareiss_nullspace(matrix, n)
    assert rank + len(basis) == n
    assert all(times(matrix, z) == [0] * len(matrix) for z in basis)
    assert all(np.gcd.reduce(np.array(z, dtype=object)) == 1 for z in basis)
    assert not basis or rank_by_fractions(basis) == len(basis)


@settings(max_examples=200, deadline=None)
@given(matrices(), st.data())
def test_a_system_of_any_shape_gives_its_only_solution_or_none(case, data):
    matrix, n = case
    hidden = data.draw(st.lists(st.integers(-9, 9), min_size=n, max_size=n))
    rhs = times(matrix, hidden)
    assert solve_unique(matrix, rhs, n) == (hidden if rank_by_fractions(matrix) == n else None)


@settings(max_examples=50, deadline=None)
@given(matrices(square=True))
def test_contradicting_equations_have_no_solution(case):
    matrix, n = case
    assert solve_unique([*matrix, matrix[0]], [*([1] * n), 2], n) is None


def test_elimination_agrees_with_lapack_on_a_well_conditioned_system():
    rng = np.random.default_rng(3)
    matrix = rng.integers(-99, 100, (20, 20)) + 200 * np.eye(20, dtype=int)
    rhs = rng.integers(-99, 100, 20)
    exact = bareiss_solve(matrix.tolist(), rhs.tolist())
    np.testing.assert_allclose(np.array(exact, dtype=float), np.linalg.solve(matrix, rhs), rtol=1e-12)


def test_the_hilbert_system_that_defeats_floats_is_solved_exactly():
    n, scale = 12, 232792560  # the least common multiple of 1..22, enough for 1/1 ... 1/23 but for the prime 23
    hilbert = [[23 * scale // (i + j + 1) for j in range(n)] for i in range(n)]
    rhs = times(hilbert, [1] * n)
    assert bareiss_solve(hilbert, rhs) == [1] * n


def test_arguments_are_left_as_they_were():
    matrix, rhs = [[2, 4], [4, 2]], [6, 6]
    assert bareiss_solve(matrix, rhs) == [1, 1]
    assert (matrix, rhs) == ([[2, 4], [4, 2]], [6, 6])


def test_a_system_that_is_not_square_is_refused_with_the_way_out():
    with pytest.raises(GameError, match="use solve_unique"):
        bareiss_solve([[1, 2]], [1])
