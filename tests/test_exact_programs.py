"""Exact linear programs: feasible, optimal by an independent solver, terminating on degenerate ones."""

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from marlgt.errors import GameError
from marlgt.exact_programs import common_integers, maximize_exactly


@st.composite
def programs(draw):
    m, n = draw(st.integers(0, 5)), draw(st.integers(1, 5))
    matrix = draw(arrays(np.int64, (m, n), elements=st.integers(-4, 4)))
    bounds = draw(arrays(np.int64, m, elements=st.integers(0, 3)))
    objective = draw(arrays(np.int64, n, elements=st.integers(-4, 4)))
    return objective, np.vstack([matrix, np.ones((1, n), dtype=np.int64)]), np.append(bounds, 3)


@settings(max_examples=150, deadline=None)
@given(programs())
def test_the_vertex_is_feasible_and_as_good_as_the_optimum_of_scipy(program):
    from scipy.optimize import linprog

    objective, matrix, bounds = program
    x = maximize_exactly(objective.astype(object), matrix.astype(object), bounds.astype(object))
    assert min(x) >= 0
    assert all(matrix.astype(object) @ x <= bounds)
    assert float(objective @ x) == pytest.approx(-linprog(-objective, A_ub=matrix, b_ub=bounds).fun, abs=1e-9)


def test_beales_cycling_example_terminates():
    # Beale (1955): the steepest-cost rule with naive ties cycles here.
    quarter = Fraction(1, 4)
    objective = common_integers(np.array([3 * quarter, Fraction(-150), Fraction(1, 50), Fraction(-6)], dtype=object))
    rows = np.array(
        [
            [quarter, Fraction(-60), Fraction(-1, 25), Fraction(9)],
            [2 * quarter, Fraction(-90), Fraction(-1, 50), Fraction(3)],
            [Fraction(0), Fraction(0), Fraction(1), Fraction(0)],
        ],
        dtype=object,
    )
    x = maximize_exactly(objective, common_integers(rows), np.array([0, 0, 100], dtype=object))
    assert x.tolist() == [Fraction(1, 25), 0, 1, 0]


def test_an_unbounded_program_and_a_negative_bound_are_refused():
    one = np.array([1], dtype=object)
    with pytest.raises(GameError, match="unbounded"):
        maximize_exactly(one, np.array([[-1]], dtype=object), one)
    with pytest.raises(GameError, match="bounds >= 0"):
        maximize_exactly(one, np.array([[1]], dtype=object), -one)
