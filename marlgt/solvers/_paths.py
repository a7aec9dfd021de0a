"""Lemke-Howson paths that can be left and taken up again, checked against drift, and polished at their end."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from marlgt.kernels import gear
from marlgt.solvers._tableaux import (
    CYCLING,
    DROPPED,
    ENDED,
    FILLED,
    LABELS,
    LOST,
    N_REGISTERS,
    NEW,
    PIVOTS,
    STATE,
    STATUS,
    WALKING,
    padded,
    walk,
)

__all__ = ["Path"]

RATIO_TOLERANCE = 1e-12
"""Ratios this close tie: the variables that they bound lie between 0 and 1."""

PIVOT_TOLERANCE = 1e-10

DRIFT_TOLERANCE = 1e-9
"""Error of the right sides above which the tableaux are computed anew from their bases."""

PIVOTS_PER_CHECK = 500
"""Pivots between two looks at the drift, each of which costs about as much as a few pivots."""

CELLS_PER_CALL = {"compiled": 200_000_000, "plain": 1_000_000, "exact": 10_000}
"""Tableau entries that one call touches at most, well under a second's work in each gear."""


class Path:
    """One path from the artificial equilibrium, resumable after any number of pivots.

    Parameters
    ----------
    payoffs : ndarray, shape (2, m, n)
        float64, C-contiguous; or objects holding Fractions, for a path without rounding.
    label : int
        The label that is dropped: an action of the row player, or m + an action of the column player.

    Attributes
    ----------
    label : int
    pivots : int
        Pivots done so far.
    n_labels : int
        Actions of both players together.
    cells : int
        Tableau entries that one pivot touches, the unit of work.
    """

    __slots__ = (
        "_checked_at",
        "_columns",
        "_payoffs",
        "_registers",
        "_repaired_at",
        "_rows",
        "_status",
        "_vectors",
        "cells",
        "label",
        "n_labels",
        "pivots",
    )

    def __init__(self, payoffs: NDArray[Any], label: int) -> None:
        _, m, n = payoffs.shape
        kind = payoffs.dtype
        self._payoffs = payoffs
        self._rows = np.zeros((m, padded(n + 1)), kind)
        self._columns = np.zeros((n, padded(m + 1)), kind)
        self._vectors = np.zeros((3, padded(max(m, n) + 1)), kind)
        self._registers = np.zeros((N_REGISTERS, m + n + 8), np.int64)
        self._registers[STATE, DROPPED] = label
        self._status = NEW
        self._checked_at = 0
        self._repaired_at = -1
        self.label = label
        self.pivots = 0
        self.n_labels = m + n
        self.cells = m * n + max(m, n)

    def restart(self, beginning: Path, label: int) -> None:
        """Go back to the artificial equilibrium for another label, without scaling the payoffs again.

        Parameters
        ----------
        beginning : Path
            A path in the same game that has been advanced by no pivot.
        label : int
        """
        np.copyto(self._rows, beginning._rows)
        np.copyto(self._columns, beginning._columns)
        np.copyto(self._registers, beginning._registers)
        self._registers[STATE, DROPPED] = self.label = label
        self._set_status(FILLED)
        self._checked_at = self.pivots = 0
        self._repaired_at = -1

    @property
    def ended(self) -> bool:
        """Whether the path has come to an equilibrium."""
        return self._status == ENDED

    @property
    def lost(self) -> bool:
        """Whether rounding has left no way to go on."""
        return self._status in (LOST, CYCLING)

    def advance(self, until: int, work: float = 0.0) -> None:
        """Pivot until the path ends or has done ``until`` pivots in all, for well under a second.

        Parameters
        ----------
        until : int
        work : float
            Predicted cells of the whole search, which choose the gear.
        """
        ratio_tolerance, pivot_tolerance = RATIO_TOLERANCE, PIVOT_TOLERANCE
        if self._payoffs.dtype == object:
            function, speed = walk, "exact"
            ratio_tolerance = pivot_tolerance = 0
        else:
            function = gear(walk, work)
            speed = "plain" if function is walk else "compiled"
        budget = min(until - self.pivots, 1 + CELLS_PER_CALL[speed] // self.cells)
        self._status = function(
            self._payoffs,
            self._rows,
            self._columns,
            self._vectors,
            self._registers,
            budget,
            ratio_tolerance,
            pivot_tolerance,
        )
        self.pivots = int(self._registers[STATE, PIVOTS])

    def repair(self) -> None:
        """Rebuild tableaux that have drifted or lost the way; a path lost twice at one place stays lost."""
        if self._status == CYCLING or self._payoffs.dtype == object:
            return
        if not self.lost:
            if self.pivots < self._checked_at + PIVOTS_PER_CHECK:
                return
            self._checked_at = self.pivots
            if self.drift() <= DRIFT_TOLERANCE:
                return
        if self.pivots > self._repaired_at:
            self._repaired_at = self.pivots
            self._set_status(WALKING if self._rebuilt() else LOST)
        else:
            self._set_status(LOST)

    def point(self) -> tuple[NDArray[Any], NDArray[Any]]:
        """Return where the path stands, as two distributions: an equilibrium once it has ended."""
        x = self._vectors[0, : len(self._rows)].copy()
        y = self._vectors[1, : len(self._columns)].copy()
        if self.ended:
            return x, y
        # At the artificial equilibrium both are zero, and one pivot later one of them still is.
        return _distribution(x), _distribution(y)

    def basis(self) -> tuple[list[int], list[int]]:
        """Return the rows and the columns whose probabilities are basic, equally many of each at an equilibrium.

        At an equilibrium they hold the supports, and actions of probability zero in degenerate games.
        """
        m, n = len(self._rows), len(self._columns)
        rows = sorted(a for a in self._registers[LABELS + 1, :n].tolist() if a < m)
        columns = sorted(a - m for a in self._registers[LABELS, :m].tolist() if a >= m)
        return rows, columns

    def polished(self) -> tuple[NDArray[np.float64], NDArray[np.float64]] | None:
        """Solve the equations of the basis afresh, free of the rounding of the pivots; None if they are singular."""
        rows, columns = self.basis()
        A, B = self._scaled()
        y = _tied(A[np.ix_(rows, columns)], columns, len(self._columns))
        x = _tied(B[np.ix_(rows, columns)].T, rows, len(self._rows))
        return None if x is None or y is None else (x, y)

    def drift(self) -> float:
        """Return by how much the right sides miss the equations that they should solve."""
        A, B = self._scaled()
        m, n = A.shape
        values = np.zeros((2, m + n))
        values[0, self._registers[LABELS, :m]] = self._rows[:, n]
        values[1, self._registers[LABELS + 1, :n]] = self._columns[:, m]
        rows = A @ values[0, m:] + values[0, :m] - 1.0
        columns = values[1, :m] @ B + values[1, m:] - 1.0
        return float(max(np.abs(rows).max(), np.abs(columns).max()))

    def _rebuilt(self) -> bool:
        """Recompute both tableaux from their bases; False if a basis is singular or infeasible."""
        A, B = self._scaled()
        m, n = A.shape
        by_label = (np.hstack([np.eye(m), A]), np.hstack([B.T, np.eye(n)]))
        for side, (system, tableau) in enumerate(zip(by_label, (self._rows, self._columns))):
            count = len(system)
            basic, nonbasic = np.split(self._registers[LABELS + side, : m + n], [count])
            known = np.hstack([system[:, nonbasic], np.ones((count, 1))])
            try:
                tableau[:, : known.shape[1]] = np.linalg.solve(system[:, basic], known)
            except np.linalg.LinAlgError:
                return False
            if tableau[:, known.shape[1] - 1].min() < -DRIFT_TOLERANCE:
                return False
        return True

    def _set_status(self, status: int) -> None:
        self._registers[STATE, STATUS] = self._status = status

    def _scaled(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return the payoffs of both players in [1, 2], as the tableaux have them."""
        A, B = ((p - p.min()) / ((p.max() - p.min()) or 1.0) + 1.0 for p in self._payoffs)
        return A, B


def _tied(matrix: NDArray[np.float64], support: list[int], n_actions: int) -> NDArray[np.float64] | None:
    """Return the mixture of ``support`` against which every row of the matrix earns the same."""
    try:
        weights = np.maximum(np.linalg.solve(matrix, np.ones(len(support))), 0.0)
    except np.linalg.LinAlgError:
        return None
    strategy = np.zeros(n_actions)
    strategy[support] = weights
    return _distribution(strategy)


def _distribution(weights: NDArray[Any]) -> NDArray[np.float64]:
    """Divide by the sum; uniform if there is nothing to divide."""
    weights = weights.astype(np.float64)
    total = weights.sum()
    return weights / total if total > 0 else np.full(len(weights), 1.0 / len(weights))
