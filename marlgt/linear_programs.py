"""Linear programs through HiGHS, passed whole and solved to tolerances of 1e-10."""

from __future__ import annotations

import signal
import threading
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

__all__ = ["CompressedRows", "LinearProgramResult", "compressed_rows", "run_interruptibly", "solve_linear_program"]

_INTERRUPTIBLE_ABOVE = 20_000
_TOLERANCE = 1e-10
"""The least that HiGHS accepts."""


@dataclass(frozen=True)
class LinearProgramResult:
    """The outcome of a linear program.

    Attributes
    ----------
    status : {"optimal", "infeasible", "unbounded", "failed"}
    objective : float
        Meaningful only when optimal.
    x : ndarray
    row_duals : ndarray
    basic_columns, basic_rows : ndarray of bool
        Which variables and which rows' slacks are in the last basis; empty unless asked for.
    """

    status: str
    objective: float
    x: NDArray[np.float64]
    row_duals: NDArray[np.float64]
    basic_columns: NDArray[np.bool_]
    basic_rows: NDArray[np.bool_]


class CompressedRows(NamedTuple):
    """A sparse matrix by rows, as scipy's ``csr_array`` stores one, without importing scipy.

    Attributes
    ----------
    indptr : ndarray of int, shape (m + 1,)
    indices : ndarray of int
    data : ndarray of float64
    """

    indptr: NDArray[Any]
    indices: NDArray[Any]
    data: NDArray[np.float64]

    def tocsr(self) -> CompressedRows:
        """Return itself."""
        return self


def compressed_rows(
    rows: NDArray[Any], columns: NDArray[Any], entries: NDArray[np.float64], n_rows: int
) -> CompressedRows:
    """Return the matrix of entries in any order, no two in one place."""
    order = np.lexsort((columns, rows))
    starts = np.concatenate([[0], np.cumsum(np.bincount(rows, minlength=n_rows))])
    return CompressedRows(starts, columns[order], entries[order])


def solve_linear_program(
    objective: ArrayLike,
    *,
    matrix: Any,
    row_lower: ArrayLike,
    row_upper: ArrayLike,
    lower: ArrayLike | float = 0.0,
    upper: ArrayLike | float = np.inf,
    maximize: bool = False,
    basis: bool = False,
) -> LinearProgramResult:
    """Optimise ``objective @ x`` within ``row_lower <= matrix @ x <= row_upper`` and ``lower <= x <= upper``.

    Parameters
    ----------
    objective : array_like, shape (n,)
    matrix : array_like, shape (m, n), dense or scipy.sparse
    row_lower, row_upper : array_like, shape (m,)
    lower, upper : float or array_like, shape (n,)
    maximize : bool
    basis : bool
        Whether to tell the last basis.
    """
    import highspy

    cost = np.asarray(objective, dtype=np.float64)
    n = cost.size
    if hasattr(matrix, "tocsr"):
        rows = matrix.tocsr()
        starts, columns, entries = rows.indptr, rows.indices, rows.data
    else:
        dense = np.atleast_2d(np.asarray(matrix, dtype=np.float64))
        mask = dense != 0.0
        starts = np.concatenate([[0], np.cumsum(mask.sum(axis=1))])
        columns = np.nonzero(mask)[1]
        entries = dense[mask]
    m = len(starts) - 1
    lp = highspy.HighsLp()
    lp.num_col_ = n
    lp.num_row_ = m
    lp.col_cost_ = cost
    lp.col_lower_ = np.broadcast_to(np.asarray(lower, dtype=np.float64), (n,)).copy()
    lp.col_upper_ = np.broadcast_to(np.asarray(upper, dtype=np.float64), (n,)).copy()
    lp.row_lower_ = np.broadcast_to(np.asarray(row_lower, dtype=np.float64), (m,)).copy()
    lp.row_upper_ = np.broadcast_to(np.asarray(row_upper, dtype=np.float64), (m,)).copy()
    lp.a_matrix_.format_ = highspy.MatrixFormat.kRowwise
    lp.a_matrix_.start_ = np.asarray(starts, dtype=np.int32)
    lp.a_matrix_.index_ = np.asarray(columns, dtype=np.int32)
    lp.a_matrix_.value_ = np.asarray(entries, dtype=np.float64)
    if maximize:
        lp.sense_ = highspy.ObjSense.kMaximize
    solver: Any = highspy.Highs()  # type: ignore[no-untyped-call]
    solver.setOptionValue("output_flag", False)
    solver.setOptionValue("solver", "simplex")
    solver.setOptionValue("threads", 1)
    solver.setOptionValue("primal_feasibility_tolerance", _TOLERANCE)
    solver.setOptionValue("dual_feasibility_tolerance", _TOLERANCE)
    solver.passModel(lp)
    run_interruptibly(solver, len(entries))
    kinds = highspy.HighsModelStatus
    status = {
        kinds.kOptimal: "optimal",
        kinds.kInfeasible: "infeasible",
        kinds.kUnbounded: "unbounded",
        kinds.kUnboundedOrInfeasible: "infeasible",
    }.get(solver.getModelStatus(), "failed")
    solution = solver.getSolution()
    last = solver.getBasis() if basis else None
    marks = ([], []) if last is None else (last.col_status, last.row_status)
    basic_columns, basic_rows = (
        np.array([m == highspy.HighsBasisStatus.kBasic for m in own], dtype=bool) for own in marks
    )
    return LinearProgramResult(
        status=status,
        objective=float(solver.getInfo().objective_function_value),
        x=np.array(solution.col_value, dtype=np.float64),
        row_duals=np.array(solution.row_dual, dtype=np.float64),
        basic_columns=basic_columns,
        basic_rows=basic_rows,
    )


def run_interruptibly(solver: Any, n_entries: int) -> None:
    """Run a HiGHS model so that Ctrl-C stops it, where it is large enough to take a while.

    Parameters
    ----------
    solver : highspy.Highs
        With its model passed.
    n_entries : int
        Nonzeros of the model; a small one is simply run.

    Raises
    ------
    KeyboardInterrupt
        On Ctrl-C, after HiGHS has stopped.
    """
    in_main_thread = threading.current_thread() is threading.main_thread()
    if n_entries < _INTERRUPTIBLE_ABOVE or not in_main_thread or signal.getsignal(signal.SIGINT) is None:
        solver.run()
        return
    received: list[tuple[int, Any]] = []
    previous = signal.signal(signal.SIGINT, lambda number, frame: received.append((number, frame)))

    # HiGHS calls this between iterations, which is when Python notices a signal.
    def stop_if_asked(event: Any) -> None:
        if received:
            event.interrupt()

    callbacks = (solver.cbSimplexInterrupt, solver.cbIpmInterrupt)
    for callback in callbacks:
        callback.subscribe(stop_if_asked)
    try:
        solver.run()
    finally:
        for callback in callbacks:
            callback.unsubscribe(stop_if_asked)
        signal.signal(signal.SIGINT, previous)
    if received and callable(previous):
        previous(*received[0])
