"""Sparse exact systems: the solution solves them, and agrees with dense elimination."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from marlgt.rational import bareiss_solve
from marlgt.sparse_rational import solve_sparse

entries = st.integers(-3, 3).map(lambda x: x if abs(x) > 1 else 0)


@st.composite
def systems(draw):
    n = draw(st.integers(1, 6))
    matrix = [draw(st.lists(entries, min_size=n, max_size=n)) for _ in range(n)]
    return matrix, draw(st.lists(st.integers(-5, 5), min_size=n, max_size=n))


@settings(max_examples=200)
@given(systems())
def test_it_agrees_with_fraction_free_dense_elimination(system):
    matrix, right = system
    rows = [dict(enumerate(row)) for row in matrix]
    assert solve_sparse(rows, right) == bareiss_solve(matrix, right)


def test_a_large_band_system_is_solved_exactly():
    n = 300
    rows = [{c: 1 + (r + 2 * c) % 5 for c in (r - 1, r, r + 1) if 0 <= c < n} for r in range(n)]
    solution = solve_sparse(rows, [1] * n)
    assert all(sum(v * solution[c] for c, v in row.items()) == 1 for row in rows)
    dense = np.zeros((n, n))
    for r, row in enumerate(rows):
        for c, v in row.items():
            dense[r, c] = v
    np.testing.assert_allclose(np.linalg.solve(dense, np.ones(n)), [float(x) for x in solution], atol=1e-9)


def test_it_gives_up_after_the_steps_allowed():
    rows = [{c: 1 + (r * c) % 7 for c in range(12)} for r in range(12)]
    assert solve_sparse(rows, [1] * 12, max_steps=20) is None


def test_no_equations_have_the_empty_solution():
    assert solve_sparse([], []) == []
    assert solve_sparse([{0: 4}], [2]) == [Fraction(1, 2)]
