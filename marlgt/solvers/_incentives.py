"""Linear programs over the correlated and coarse correlated equilibria of a game, by row generation.

The variables are the probabilities q of the action profiles; the rows are the incentive constraints::

    correlated, for i and a != b:  sum_{a_-i} q(a, a_-i) [u_i(b, a_-i) - u_i(a, a_-i)] <= 0
    coarse, for i and b:           sum_a q(a) [u_i(b, a_-i) - u_i(a)] <= 0

Rows of small gains are scaled, by powers of two, until their largest entries are about 1: in a game of near ties a
tolerance in units of the payoff range would leave these incentives out. There are many rows and few bind. A small
program is passed whole. A large one begins with the rows that the best pure profile violates and adds those that each
optimum violates, the simplex method going on from its last basis. Where that takes more than ``MAX_ROUNDS`` rounds, or
degeneracy holds the simplex method up, all rows go to the interior-point method.
"""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import numpy as np
from numpy.typing import NDArray

from marlgt.errors import NotConverged
from marlgt.exact_programs import EXACT_CELLS, common_integers, maximize_exactly
from marlgt.linear_programs import run_interruptibly

__all__ = ["FEASIBILITY", "IncentiveProgram"]

FEASIBILITY = 1e-10
"""Largest gain from a deviation, in units of the payoff range, that a linear program leaves."""

MAX_ROUNDS = 15
_WHOLE_BELOW = 60_000
_ROWS_A_ROUND = 400
_SIMPLEX_ITERATIONS = 1_500

_NEGLIGIBLE = 5e-10
"""Entries left out of a scaled row, and rows left empty: HiGHS fails on smaller ones."""

_LARGE = 0.05
"""Rows with larger entries are left as they are, which costs fewer iterations than scaling all."""

_ROUNDING = 1e-13
"""Largest violation of a scaled row that is taken for rounding."""

Floats = NDArray[np.float64]
Rows = tuple[NDArray[np.int32], NDArray[np.int32], Floats]


class IncentiveProgram:
    """Maximise linear functions over the (coarse) correlated equilibria of one game.

    Parameters
    ----------
    payoffs : ndarray, shape (n, A_1, ..., A_n)
        Each player's payoffs within [0, 1].
    coarse : bool
    floor : ndarray, shape (n, A_1, ..., A_n), optional
        With it the objective is the smallest, over the players, of the expectations of these payoffs.
    unrounded : ndarray, shape (n, A_1, ..., A_n), optional
        The payoffs on any scale, as floats or fractions; exact arithmetic takes these.

    Attributes
    ----------
    work : dict of str to int
        Rows passed, rounds and simplex iterations so far.
    """

    def __init__(
        self, payoffs: Floats, *, coarse: bool, floor: Floats | None = None, unrounded: NDArray[Any] | None = None
    ) -> None:
        counts = payoffs.shape[1:]
        index = np.arange(payoffs[0].size, dtype=np.int32).reshape(counts)
        self.work = {"rows": 0, "rounds": 0, "iterations": 0}
        self._coarse = coarse
        self._floor = None if floor is None else floor.reshape(len(floor), -1)
        self._size = int(index.size)
        self._unrounded = payoffs if unrounded is None else unrounded
        self._utilities = _by_own_action(payoffs)
        self._columns = [np.moveaxis(index, i, 0).reshape(count, -1) for i, count in enumerate(counts)]
        self._offsets = np.cumsum([0, *(count if coarse else count * count for count in counts)])
        self._row_names = np.concatenate(
            [np.ones(c, bool) if coarse else ~np.eye(c, dtype=bool).ravel() for c in counts]
        )
        self._small = sum((c - 1) * self._size for c in counts) <= _WHOLE_BELOW
        self._passed = np.zeros(len(self._row_names), dtype=bool)
        self._solver: Any = None

    def gains(self, joint: Floats) -> Floats:
        """Return the gain of every deviation of a flat joint distribution, one entry per row."""
        parts = []
        for utilities, columns in zip(self._utilities, self._columns):
            products = joint[columns] @ utilities.T
            swaps = products - products.diagonal()[:, None]
            parts.append(swaps.sum(axis=0) if self._coarse else swaps.reshape(-1))
        return np.concatenate(parts)

    def maximize(self, objective: Floats) -> Floats:
        """Return a flat joint distribution that maximises the objective (the floor, where there is one).

        Parameters
        ----------
        objective : ndarray, shape (A_1 * ... * A_n,)

        Raises
        ------
        NotConverged
            If HiGHS cannot solve the program.
        """
        best = np.zeros(self._size)
        best[int(np.argmax(objective))] = 1.0
        if self._floor is None and self.gains(best).max() <= FEASIBILITY:
            return best
        violated = self._violated(best)
        if self._small:
            return self._solve_whole(objective)
        for _ in range(MAX_ROUNDS):
            self._pass(objective, violated, method="simplex")
            self.work["rounds"] += 1
            if not self._run():
                break
            joint = self._joint()
            violated = self._violated(joint)
            if not violated.size:
                return joint
        return self._solve_by_interior_point(objective)

    def _violated(self, joint: Floats) -> NDArray[np.intp]:
        """Return the rows not passed yet that a joint distribution violates, the worst only if many."""
        gains = np.where(self._passed, 0.0, self.gains(joint))
        rows = np.flatnonzero(gains > FEASIBILITY)
        if len(rows) <= _ROWS_A_ROUND:
            return rows
        return rows[np.argpartition(-gains[rows], _ROWS_A_ROUND)[:_ROWS_A_ROUND]]

    def _solve_whole(self, objective: Floats) -> Floats:
        self._pass(objective, np.flatnonzero(self._row_names & ~self._passed), method="simplex")
        self.work["rounds"] += 1
        return self._joint() if self._run() else self._solve_by_interior_point(objective)

    def _solve_by_interior_point(self, objective: Floats) -> Floats:
        self._solver = None
        self._passed[:] = False
        self._pass(objective, np.flatnonzero(self._row_names), method="ipm")
        self.work["rounds"] += 1
        if self._run():
            return self._joint()
        if not self.is_exactly_solvable:
            raise NotConverged("HiGHS found no optimum of the linear program of correlated equilibria")
        return self.maximize_exactly(objective)

    @property
    def is_exactly_solvable(self) -> bool:
        """Whether the program is so small that exact arithmetic costs milliseconds."""
        cells = (np.count_nonzero(self._row_names) + 3) * (self._size + 2)
        return bool(self._small and cells <= EXACT_CELLS)

    def is_doubtful(self, objective: Floats, joint: Floats) -> bool:
        """Tell of the last answer of a whole program whether it is not an equilibrium, or not the best, up to rounding.

        The multipliers y of HiGHS bound the objective by the largest entry of ``objective - y @ rows``. Both what HiGHS
        calls feasible and what it calls optimal can be far from it where rows nearly depend on each other.
        """
        if self._is_violated(joint):
            return True
        reached = objective @ joint if self._floor is None else (self._floor @ joint).min()
        bound = objective.max() if self._floor is None else self._floor.max(axis=1).min()
        if self._solver is not None and reached < bound - FEASIBILITY:
            names = np.flatnonzero(self._row_names)
            multipliers = np.abs(np.array(self._solver.getSolution().row_dual))[1:]
            floors = len(multipliers) - len(names)
            if self._floor is not None:
                objective = multipliers[:floors] / max(multipliers[:floors].sum(), FEASIBILITY) @ self._floor
            rows = self.dense_rows(names)
            scales = _scales(np.abs(rows).max(axis=1, initial=0.0))
            bound = min(bound, (objective - (multipliers[floors:] * scales) @ rows).max())
        return bool(reached < bound - 10 * FEASIBILITY)

    def _is_violated(self, joint: Floats) -> bool:
        """Tell whether a joint distribution violates an incentive by more than rounding, in units of its row."""
        gains = self.gains(joint)
        names = np.flatnonzero(gains > _ROUNDING * _NEGLIGIBLE)
        largest = np.abs(self.dense_rows(names)).max(axis=1, initial=0.0)
        return bool(((gains[names] > _ROUNDING * largest) & (largest > _NEGLIGIBLE)).any())

    def maximize_exactly(self, objective: Floats) -> Floats:
        """Solve a small program in exact arithmetic, the payoffs taken for the binary fractions that they are.

        The payoffs are subtracted exactly too: rounded differences need not be those of any game, and then there
        may be no distribution without a gain.
        """
        size, names = self._size, np.flatnonzero(self._row_names)
        self.work["exact"] = self.work.get("exact", 0) + 1
        utilities = _by_own_action(_integers(self._unrounded))
        incentives = np.zeros((len(names), size + 1), dtype=object)
        starts, columns, entries = self._rows(names, utilities)
        incentives[np.repeat(np.arange(len(names)), np.diff(starts)), columns] = entries
        rows = np.zeros((0, size + 1))
        total = np.append(np.ones(size), 0.0)
        # Objectives of one or more use up sum(q) <= 1.
        goal = np.append(objective - objective.min() + 1.0, 0.0)
        if self._floor is not None:
            goal = 1.0 - total
            rows = np.hstack([-(self._floor + 1.0), np.ones((len(self._floor), 1))])
        matrix = np.vstack([incentives, _integers(rows), _integers(total)])
        bounds = np.zeros(len(matrix), dtype=object)
        bounds[-1] = 1
        return maximize_exactly(_integers(goal), matrix, bounds)[:size].astype(np.float64)

    def _pass(self, objective: Floats, names: NDArray[np.intp], *, method: str) -> None:
        """Give HiGHS the objective and more rows, making the model on the first call."""
        rows = _scaled(*self._rows(names))
        self._passed[names] = True
        self.work["rows"] += len(names)
        if self._solver is None:
            self._solver = self._new_solver(objective, rows, method)
            return
        starts, columns, entries = rows
        if len(names):
            above, below = np.full(len(names), -np.inf), np.zeros(len(names))
            self._solver.addRows(len(names), above, below, len(entries), starts[:-1], columns, entries)
        if self._floor is None:
            self._solver.changeColsCost(self._size, np.arange(self._size, dtype=np.int32), objective)

    def _run(self) -> bool:
        import highspy

        run_interruptibly(self._solver, int(self._solver.getNumNz()))
        self.work["iterations"] += max(int(self._solver.getInfo().simplex_iteration_count), 0)
        return bool(self._solver.getModelStatus() == highspy.HighsModelStatus.kOptimal)

    def _joint(self) -> Floats:
        return np.array(self._solver.getSolution().col_value, dtype=np.float64)[: self._size]

    def _rows(self, names: NDArray[np.intp], all_utilities: list[NDArray[Any]] | None = None) -> Rows:
        """Return incentive constraints in compressed rows: starts, columns, entries."""
        all_utilities = self._utilities if all_utilities is None else all_utilities
        lengths, columns, entries = [], [], []
        owners = np.searchsorted(self._offsets, names, side="right") - 1
        for player, (utilities, own) in enumerate(zip(all_utilities, self._columns)):
            chosen = names[owners == player] - self._offsets[player]
            if not chosen.size:
                continue
            count = len(utilities)
            if self._coarse:
                others = ~np.eye(count, dtype=bool)[chosen]
                values = (utilities[chosen][:, None, :] - utilities[None, :, :])[others]
                places = np.broadcast_to(own, (len(chosen), *own.shape))[others]
            else:
                told, played = np.divmod(chosen, count)
                values, places = utilities[played] - utilities[told], own[told]
            entries.append(values.reshape(-1))
            columns.append(places.reshape(-1))
            lengths.append(np.full(len(chosen), values.size // len(chosen)))
        starts = np.concatenate([[0], *lengths]).cumsum().astype(np.int32)
        if not entries:
            return starts, np.zeros(0, dtype=np.int32), np.zeros(0)
        return starts, np.concatenate(columns).astype(np.int32), np.concatenate(entries)

    def dense_rows(self, names: NDArray[np.intp]) -> Floats:
        """Return incentive constraints as a matrix, one row per name; a swap a -> a is a row of zeros."""
        starts, columns, entries = self._rows(names)
        matrix = np.zeros((len(names), self._size))
        matrix[np.repeat(np.arange(len(names)), np.diff(starts)), columns] = entries
        return matrix

    def _new_solver(self, objective: Floats, rows: Rows, method: str) -> Any:
        import highspy

        starts, columns, entries = rows
        n_rows, size = len(starts) - 1, self._size
        floors = 0 if self._floor is None else len(self._floor)
        extra_starts, extra_columns, extra_entries = self._fixed_rows()
        lp = highspy.HighsLp()
        lp.num_col_ = size + (floors > 0)
        lp.num_row_ = n_rows + floors + 1
        lp.col_cost_ = objective if not floors else np.append(np.zeros(size), 1.0)
        lp.col_lower_ = np.append(np.zeros(size), [-1.0] * (floors > 0))
        lp.col_upper_ = np.append(np.ones(size), [2.0] * (floors > 0))
        lp.row_lower_ = np.concatenate([[1.0], np.full(floors + n_rows, -np.inf)])
        lp.row_upper_ = np.concatenate([[1.0], np.zeros(floors + n_rows)])
        lp.a_matrix_.format_ = highspy.MatrixFormat.kRowwise
        lp.a_matrix_.start_ = np.concatenate([extra_starts[:-1], extra_starts[-1] + starts])
        lp.a_matrix_.index_ = np.concatenate([extra_columns, columns])
        lp.a_matrix_.value_ = np.concatenate([extra_entries, entries])
        lp.sense_ = highspy.ObjSense.kMaximize
        solver: Any = highspy.Highs()  # type: ignore[no-untyped-call]
        options = {
            "output_flag": False,
            "threads": 1,
            "solver": method,
            "primal_feasibility_tolerance": FEASIBILITY,
            "dual_feasibility_tolerance": FEASIBILITY,
            "small_matrix_value": _NEGLIGIBLE,
        }
        if method == "simplex":
            options |= {"presolve": "off", "simplex_iteration_limit": _SIMPLEX_ITERATIONS}
        for name, value in options.items():
            solver.setOptionValue(name, value)
        solver.passModel(lp)
        return solver

    def _fixed_rows(self) -> Rows:
        """Return the row sum(q) and, for a floor, the rows t - sum(q f_i)."""
        size = self._size
        every = np.arange(size, dtype=np.int32)
        if self._floor is None:
            return np.array([0, size], dtype=np.int32), every, np.ones(size)
        n = len(self._floor)
        starts = np.concatenate([[0], size + (size + 1) * np.arange(n + 1)]).astype(np.int32)
        places = np.append(every, np.int32(size))
        entries = np.hstack([-self._floor, np.ones((n, 1))])
        return starts, np.concatenate([every, np.tile(places, n)]), np.concatenate([np.ones(size), entries.reshape(-1)])


def _by_own_action(payoffs: NDArray[Any]) -> list[NDArray[Any]]:
    return [np.moveaxis(own, i, 0).reshape(own.shape[i], -1) for i, own in enumerate(payoffs)]


def _scaled(starts: NDArray[np.int32], columns: NDArray[np.int32], entries: Floats) -> Rows:
    """Return rows with small ones scaled by powers of two to largest entries from 1/2 to 1, negligible ones empty."""
    owners = np.repeat(np.arange(len(starts) - 1), np.diff(starts))
    largest = np.zeros(len(starts) - 1)
    np.maximum.at(largest, owners, np.abs(entries))
    return starts, columns, entries * _scales(largest)[owners]


def _scales(largest: Floats) -> Floats:
    scales = np.where(largest > _LARGE, 1.0, np.ldexp(1.0, -np.frexp(largest)[1]))
    return np.where(largest > _NEGLIGIBLE, scales, 0.0)


def _integers(numbers: NDArray[Any]) -> NDArray[Any]:
    fractions = np.array([Fraction(x) for x in numbers.reshape(-1).tolist()], dtype=object)
    return common_integers(fractions.reshape(numbers.shape))
