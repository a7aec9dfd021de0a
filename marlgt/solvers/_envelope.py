"""The vertices of the best-response polytope of a player with two actions: an upper envelope of lines.

Against the mixture ``(1 - p, p)`` each action of the opponent earns a payoff linear in p. The vertices
of the polytope other than the origin are the ends ``p = 0`` and ``p = 1`` and the kinks of the largest
of these lines in between, which a sweep from left to right finds without a tableau.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from marlgt.solvers._polytopes import EXHAUSTED, RUNNING, TIED

__all__ = ["EnvelopeWalk"]


class EnvelopeWalk:
    """The vertices of ``{z >= 0 : M z <= 1}`` for a matrix of two columns, found in one sweep.

    Parameters
    ----------
    columns : sequence of two sequences of numbers
        The matrix M by columns, all int (exactly) or all float.
    row_labels, column_labels : sequence of int
        The label of each inequality of ``M z <= 1`` and of ``z >= 0``.
    tolerance : float
        Differences of payoffs that count as ties; 0 for integers.
    strict : bool
        Whether to give up, with the status TIED, at the first tie.

    Attributes
    ----------
    status : int
    bases : int
        The number of vertices found.
    """

    def __init__(
        self,
        columns: Sequence[Sequence[Any]],
        row_labels: Sequence[int],
        column_labels: Sequence[int],
        *,
        tolerance: float = 0.0,
        strict: bool = False,
    ) -> None:
        self.status = RUNNING
        self._strict = strict
        self._lines = list(zip(*columns))
        self._bits = [1 << label for label in row_labels]
        self._ends = (1 << column_labels[0], 1 << column_labels[1])
        # An integer zero keeps integers of any size exact, a float zero would round them.
        self._tolerance: Any = tolerance or 0
        self._weights: dict[int, list[Any]] = {}

    @property
    def bases(self) -> int:
        """The number of vertices found so far."""
        return len(self._weights)

    def advance(self, steps: int) -> bool:
        """Find every vertex, whatever ``steps`` says, and return True."""
        lines, tolerance = self._lines, self._tolerance
        one = 1.0 if tolerance else 1
        self._record(one, 0 * one, self._ends[1])
        left, right = max(lines)
        while True:
            # Of the lines that rise faster, the one that meets the current line first, the steepest if several.
            slope = right - left
            best, best_gap, best_rise = None, one, one
            for line in lines:
                rise = line[1] - line[0] - slope
                if rise > tolerance and line[1] > right + tolerance:
                    gap = left - line[0]
                    order = gap * best_rise - best_gap * rise
                    if best is None or order < 0 or (order == 0 and rise > best_rise):
                        best, best_gap, best_rise = line, gap, rise
            if best is None:
                break
            if best_gap > tolerance:
                self._record(best_rise - best_gap, best_gap, 0)
            left, right = best
        self._record(0 * one, one, self._ends[0])
        tied = self._strict and any(mask.bit_count() > 2 for mask in self._weights)
        self.status = TIED if tied else EXHAUSTED
        return True

    def masks(self) -> list[int]:
        """Return the labels of every vertex found, as bit masks, each once."""
        return list(self._weights)

    def weights(self, mask: int) -> list[Any]:
        """Return the two coordinates of a vertex, up to scale."""
        return self._weights[mask]

    def _record(self, first: Any, second: Any, mask: int) -> None:
        heights = [first * line[0] + second * line[1] for line in self._lines]
        least = max(heights) - self._tolerance * (first + second)
        for height, bit in zip(heights, self._bits):
            if height >= least:
                mask |= bit
        self._weights.setdefault(mask, [first, second])
