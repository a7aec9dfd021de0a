"""Linear programs through HiGHS: every outcome has a word, and Ctrl-C ends a long one."""

import _thread
import signal
import threading

import numpy as np
import pytest

import marlgt as gt
from marlgt.linear_programs import solve_linear_program


def test_an_optimum_comes_with_its_duals():
    result = solve_linear_program([1, 1], matrix=[[1, 2], [3, 1]], row_lower=-np.inf, row_upper=[4, 6], maximize=True)
    assert result.status == "optimal"
    assert result.objective == pytest.approx(2.8)
    assert result.x == pytest.approx([1.6, 1.2])
    assert result.row_duals @ [4, 6] == pytest.approx(2.8)


def test_infeasible_and_unbounded_programs_are_told_apart():
    assert solve_linear_program([1], matrix=[[1]], row_lower=2, row_upper=1).status == "infeasible"
    assert solve_linear_program([-1], matrix=[[-1]], row_lower=-np.inf, row_upper=1).status in (
        "unbounded",
        "infeasible",
    )


def test_the_interior_point_method_and_sparse_matrices_give_the_same_optimum():
    from scipy.sparse import csr_matrix

    rng = np.random.default_rng(1)
    matrix = rng.random((6, 9)) * (rng.random((6, 9)) < 0.7)
    whole = solve_linear_program(np.ones(9), matrix=matrix, row_lower=1, row_upper=np.inf)
    sparse = solve_linear_program(np.ones(9), matrix=csr_matrix(matrix), row_lower=1, row_upper=np.inf)
    assert sparse.objective == pytest.approx(whole.objective, abs=1e-9)


def test_ctrl_c_ends_a_long_program_and_leaves_the_handler_as_it_was():
    rng = np.random.default_rng(0)
    rows = rng.random((45, 45))
    game = gt.NormalFormGame([rows, 0.1 * rng.random((45, 45)) - 0.9 * rows])
    before = signal.getsignal(signal.SIGINT)
    timer = threading.Timer(0.3, _thread.interrupt_main)
    timer.start()
    with pytest.raises(KeyboardInterrupt):
        gt.solvers.correlated_equilibrium(game)
    timer.join()
    assert signal.getsignal(signal.SIGINT) is before
