"""Two-player zero-sum games: large ones against HiGHS and QuantEcon, batches against both and scipy."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

import marlgt as gt
from benchmarks.harness import Row, compare
from marlgt.kernels import compiled
from marlgt.solvers import minimax, minimax_batch
from marlgt.solvers._condensed_tableau import open_game, run_pivots, solve_games

BATCH = 2000


def run() -> list[Row]:
    for function in (open_game, run_pivots, solve_games):
        compiled(function)
    rows = [single(3, rounds=9), single(10, rounds=9), single(100, rounds=9, goal={"quantecon": 1 / 1.5})]
    rows.append(single(500, rounds=5, goal={"highs": 5.0}))
    rows.append(single(1000, rounds=3, goal={"highs": 6.0}))
    rows += [batch(size) for size in (2, 3, 5, 10)]
    return rows


def single(n: int, *, rounds: int, goal: dict[str, float] | None = None) -> Row:
    """Time one Gaussian n x n game, from the game object to the certified answer."""
    from quantecon.optimize import minmax

    matrix = np.random.default_rng(n).normal(size=(n, n))
    game = gt.NormalFormGame.zero_sum(matrix)
    peers: dict[str, Callable[[], object]] = {}
    if n < 1000:
        peers["quantecon"] = lambda: minmax(matrix)
    method = "ipm" if cpu_of(lambda: highs(matrix, "ipm")) < cpu_of(lambda: highs(matrix, "simplex")) else "simplex"
    peers["highs"] = lambda: highs(matrix, method)
    answer = minimax(game)
    gap = float(answer.regrets.sum()) / float(game.payoff_range[0])
    return compare(
        "zero-sum",
        f"n = {n}",
        lambda: minimax(game),
        peers,
        goal=goal,
        rounds=rounds,
        note=f"{answer.method}; HiGHS {method}; relative gap {gap:.0e}",
    )


def batch(size: int) -> Row:
    """Time a batch of small games as one call against one call of a peer per game."""
    from quantecon.optimize import minmax

    matrices = np.random.default_rng(size).normal(size=(BATCH, size, size))
    # Too few games would let the processor learn each branch by heart; scipy is beyond such effects.
    of_quantecon, of_scipy = matrices, matrices[:5]

    def all_quantecon() -> None:
        for matrix in of_quantecon:
            minmax(matrix)

    def all_scipy() -> None:
        for matrix in of_scipy:
            scipy_linprog(matrix)

    solved = minimax_batch(matrices)
    gap = float((solved.gaps / np.ptp(matrices, axis=(1, 2))).max())
    raw = compare(
        "zero-sum",
        f"batch of {size} x {size}",
        lambda: minimax_batch(matrices),
        {"quantecon": all_quantecon, "scipy": all_scipy},
        note=f"per game, {BATCH} games; worst relative gap {gap:.0e}",
    )
    shares = {"quantecon": BATCH / len(of_quantecon), "scipy": BATCH / len(of_scipy)}
    return Row(
        area=raw.area,
        case=raw.case,
        ours=raw.ours / BATCH,
        peers={name: ratio * shares[name] for name, ratio in raw.peers.items()},
        goal={"quantecon": 3.0, "scipy": 500.0},
        note=raw.note,
    )


def cpu_of(call: Callable[[], object]) -> float:
    import time

    started = time.process_time()
    call()
    return time.process_time() - started


def highs(matrix: np.ndarray, method: str) -> float:
    """Solve max v s.t. A'x >= v, 1'x = 1 with HiGHS at its default tolerances, the model passed whole."""
    import highspy

    m, n = matrix.shape
    program = highspy.HighsLp()
    program.num_col_, program.num_row_ = m + 1, n + 1
    program.col_cost_ = np.append(np.zeros(m), 1.0)
    program.col_lower_ = np.append(np.zeros(m), -np.inf)
    program.col_upper_ = np.full(m + 1, np.inf)
    program.row_lower_ = np.append(np.zeros(n), 1.0)
    program.row_upper_ = np.append(np.full(n, np.inf), 1.0)
    constraints = np.zeros((n + 1, m + 1))
    constraints[:n, :m], constraints[:n, m], constraints[n, :m] = matrix.T, -1.0, 1.0
    nonzero = constraints != 0.0
    program.a_matrix_.format_ = highspy.MatrixFormat.kRowwise
    program.a_matrix_.start_ = np.concatenate([[0], np.cumsum(nonzero.sum(axis=1))]).astype(np.int32)
    program.a_matrix_.index_ = np.nonzero(nonzero)[1].astype(np.int32)
    program.a_matrix_.value_ = constraints[nonzero]
    program.sense_ = highspy.ObjSense.kMaximize
    solver = highspy.Highs()
    solver.setOptionValue("output_flag", False)
    solver.setOptionValue("threads", 1)
    solver.setOptionValue("solver", method)
    solver.passModel(program)
    solver.run()
    return float(solver.getInfo().objective_function_value)


def scipy_linprog(matrix: np.ndarray) -> float:
    from scipy.optimize import linprog

    m, n = matrix.shape
    solved = linprog(
        np.append(np.zeros(m), -1.0),
        A_ub=np.hstack([-matrix.T, np.ones((n, 1))]),
        b_ub=np.zeros(n),
        A_eq=np.append(np.ones(m), 0.0)[None],
        b_eq=[1.0],
        bounds=[(0, None)] * m + [(None, None)],
    )
    return -float(solved.fun)
