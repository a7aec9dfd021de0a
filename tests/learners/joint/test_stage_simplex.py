"""The simplex method inside a learner's memory, against the solvers of matrix games and of linear programs."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import marlgt as gt
from marlgt.kernels import compiled
from marlgt.learners.joint._stage_simplex import game_space, maximise, program_space, read_basic, zero_sum_stage


def solved(payoffs, stage=zero_sum_stage):
    rows, columns = payoffs.shape
    memory = np.zeros(payoffs.size + game_space(rows, columns) + rows + columns)
    memory[: payoffs.size] = payoffs.reshape(-1)
    x = payoffs.size + game_space(rows, columns)
    value = stage(memory, 0, rows, columns, payoffs.size, x, x + rows)
    return value, memory[x : x + rows], memory[x + rows :]


matrices = st.tuples(st.integers(1, 5), st.integers(1, 5), st.integers(0, 10**6), st.sampled_from([1, 2, 5, None])).map(
    lambda drawn: (
        np.random.default_rng(drawn[2]).normal(size=drawn[:2])
        if drawn[3] is None
        else np.random.default_rng(drawn[2]).integers(-drawn[3], drawn[3] + 1, size=drawn[:2]).astype(float)
    )
)


@given(matrices)
def test_a_stage_game_has_the_value_of_the_matrix_game_and_strategies_that_guarantee_it(payoffs):
    value, x, y = solved(payoffs)
    scale = max(1.0, np.abs(payoffs).max())
    assert value == pytest.approx(float(gt.solvers.minimax(gt.NormalFormGame.zero_sum(payoffs)).values[0]), abs=1e-12)
    assert (x @ payoffs).min() >= value - 1e-12 * scale
    assert (payoffs @ y).max() <= value + 1e-12 * scale
    assert x.min() >= 0.0
    assert y.min() >= 0.0
    assert x.sum() == pytest.approx(1.0, abs=1e-14)
    assert y.sum() == pytest.approx(1.0, abs=1e-14)


def test_both_gears_give_the_same_bits():
    twin = compiled(zero_sum_stage)
    for seed in range(20):
        payoffs = np.random.default_rng(seed).normal(size=(4, 5))
        for plain, fast in zip(solved(payoffs), solved(payoffs, twin)):
            np.testing.assert_array_equal(plain, fast)


@pytest.mark.parametrize("seed", range(8))
def test_later_objectives_are_best_among_the_optima_of_earlier_ones(seed):
    from scipy.optimize import linprog

    rng = np.random.default_rng(seed)
    rows, columns = 5, 6
    # Whole numbers of a small range, a zero right side in part, and a budget, so that optima tie and vertices too.
    constraints = np.vstack([rng.integers(-2, 3, size=(rows - 1, columns)), np.ones(columns)]).astype(float)
    right = np.append(rng.integers(0, 2, size=rows - 1), 1.0).astype(float)
    goals = rng.integers(0, 2, size=(3, columns)).astype(float)
    memory = np.zeros(program_space(rows, columns, 3) + columns)
    tableau = memory[: (rows + 3) * (columns + 1)].reshape(rows + 3, columns + 1)
    tableau[:rows, :-1], tableau[:rows, -1], tableau[rows:, :-1] = constraints, right, -goals
    assert maximise(memory, 0, rows, columns, 3, -1) >= 0
    read_basic(memory, 0, rows, columns, 3, columns, len(memory) - columns)
    found = memory[-columns:]
    equal = np.zeros((0, columns))
    for k, goal in enumerate(goals):
        best = linprog(-goal, constraints, right, equal if k else None, goals[:k] @ found if k else None)
        assert goal @ found == pytest.approx(-best.fun, abs=1e-8)
        equal = np.vstack([equal, goal])
    assert (constraints @ found <= right + 1e-10).all()


def test_an_unbounded_program_ends_without_an_optimum():
    memory = np.zeros(program_space(1, 2, 1))
    memory[:6] = [1.0, -1.0, 1.0, 0.0, -1.0, 0.0]
    assert maximise(memory, 0, 1, 2, 1, -1) == -1
