"""The state of a vertex walk by the compiled kernel, between one call of a second at most and the next."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from marlgt.kernels import compiled
from marlgt.solvers._polytope_kernel import BASES, DRIFT, points, rehash, slot_of, walk
from marlgt.solvers._polytopes import FULL, RUNNING

__all__ = ["MOST_BASES", "MOST_LABELS", "ArrayWalk"]

MOST_LABELS = 62
"""Actions of both players together: labels are bits of one int64."""

MOST_BASES = 1 << 23
"""Bases kept: half a gigabyte."""


class ArrayWalk:
    """A walk over the vertices of ``{z >= 0 : M z <= 1}`` by the kernel, chunk by chunk.

    Parameters
    ----------
    columns : ndarray of float64, shape (n_columns, n_rows)
        The matrix M by columns; entries of order one, or integers where ``integral``.
    row_labels, column_labels : sequence of int
        The label of each inequality of ``M z <= 1`` and of ``z >= 0``, all below 62.
    tolerance : float
        Differences that count as ties; 0 where ``integral``.
    margin : float
        The walk ends with :data:`TIED` at the first decision closer than this; 0 never.
    integral : bool
        Whether to pivot without division, exactly, as long as entries stay below 2^26.
    capacity : int
        The number of bases to make room for at first.

    Attributes
    ----------
    status : int
        Why the last call of :meth:`advance` ended: EXHAUSTED, RUNNING, INEXACT, TIED, or FULL when more
        bases were found than 8 million, which is as many as are kept.
    """

    def __init__(
        self,
        columns: NDArray[np.float64],
        row_labels: Sequence[int],
        column_labels: Sequence[int],
        *,
        tolerance: float,
        margin: float,
        integral: bool,
        capacity: int,
    ) -> None:
        n_columns, n_rows = columns.shape
        self._matrix = np.ones((n_columns + 1, n_rows))
        self._matrix[:-1] = columns
        self._tableau = self._matrix.copy()
        self._labels = np.array([*row_labels, *column_labels], dtype=np.int64)
        self._row_labels = self._labels[:n_rows].copy()
        self._column_labels = self._labels[n_rows:].copy()
        self._inverses = np.empty(n_rows)
        self._ties = np.empty(n_rows, dtype=np.int64)
        size = 1 << max(4, capacity.bit_length())
        self._table = np.full((2 * size, 2), -1, dtype=np.int64)
        self._masks = np.empty(size, dtype=np.int64)
        self._path = np.empty(size, dtype=np.int64)
        basis = sum(1 << label for label in column_labels)
        self._masks[0] = self._path[0] = basis
        self._table[slot_of(self._table, basis)] = basis, 0
        self._state = np.array([1, 0, 0], dtype=np.int64)
        self._numbers = np.array([np.inf, 1.0, 0.0, 0.0])
        self._settings = (tolerance, margin, integral)
        self.status = RUNNING

    @property
    def bases(self) -> int:
        """The number of bases visited so far."""
        return int(self._state[BASES])

    @property
    def drift(self) -> float:
        """The largest rounding error that a rebuild of the tableau has removed."""
        return float(self._numbers[DRIFT])

    def advance(self, steps: int) -> bool:
        """Visit up to ``steps`` more bases; return whether the walk has ended, well or not."""
        run = compiled(walk)
        goal = self.bases + steps
        while True:
            self.status = run(
                self._tableau,
                self._matrix,
                self._labels,
                self._row_labels,
                self._column_labels,
                self._inverses,
                self._ties,
                self._table,
                self._masks,
                self._path,
                self._state,
                self._numbers,
                *self._settings,
                goal - self.bases,
            )
            if self.status == FULL and self._masks.size < MOST_BASES:
                self._grow()
            else:
                return self.status != RUNNING

    def masks(self) -> NDArray[np.int64]:
        """Return the labels of every vertex found, as bit masks in increasing order, each once."""
        found = np.sort(self._masks[: self.bases])
        first = np.ones(found.size, dtype=np.bool_)
        np.not_equal(found[1:], found[:-1], out=first[1:])
        return np.compress(first, found)

    def points(self, bases: Sequence[int]) -> NDArray[np.float64] | None:
        """Return the coordinates of vertices that have no label to spare, one a line; this ends the walk."""
        coordinates = np.empty((len(bases), self._column_labels.size))
        worked = compiled(points)(
            self._tableau,
            self._matrix,
            self._labels,
            self._row_labels,
            self._column_labels,
            self._numbers,
            np.array(bases, dtype=np.int64),
            coordinates,
        )
        return coordinates if worked else None

    def _grow(self) -> None:
        table = np.full((2 * self._table.shape[0], 2), -1, dtype=np.int64)
        compiled(rehash)(self._table, table)
        self._table = table
        self._masks = np.concatenate([self._masks, np.empty_like(self._masks)])
        self._path = np.concatenate([self._path, np.empty_like(self._path)])
