"""Best-response polytopes of a two-player game, and a walk over all their vertices in Python numbers.

With payoffs shifted to be positive, the mixed strategies of a two-player game (A, B) are, up to scale,
the points of two polytopes (von Stengel 2002)::

    P = {x >= 0 : x B <= 1}        Q = {y >= 0 : A y <= 1}

Every inequality has a label: ``x_i >= 0`` and ``(A y)_i <= 1`` have the label i, ``(x B)_j <= 1`` and
``y_j >= 0`` have the label m + j. A point has the labels of the inequalities that it meets with
equality. A pair (x, y) other than (0, 0) is an equilibrium, once each is divided by its sum, exactly
when the two have all m + n labels between them; the extreme equilibria are the pairs of vertices.

The walk goes from vertex to vertex by pivoting on a tableau that has one row per inequality of the
second kind and one column per variable, depth first, and remembers every basis that it has seen.
Where more inequalities meet than the dimension asks for, several bases share a vertex. Ties are then
broken as if the right sides were ``1 + e, 1 + e^2, ...`` for a vanishing e > 0 (the lexicographic
rule); the polytope with these right sides is simple, each of its bases has one neighbour per column,
and each vertex of the true polytope is the limit of at least one of them. So the walk is complete
whatever the degeneracy.

Pivots are fraction-free (Edmonds 1967): the tableau is kept as numerators over one denominator, the
last pivot, so that integers stay integers and every division is exact.

References
----------
von Stengel, B. (2002). Computing equilibria for two-person games. Handbook of Game Theory 3, ch. 45.
Avis, D., Rosenberg, G. D., Savani, R. and von Stengel, B. (2010). Enumeration of Nash equilibria for
two-player games. Economic Theory 42, 9-37.
Edmonds, J. (1967). Systems of distinct representatives and linear algebra. J. Res. Nat. Bureau of
Standards 71B, 241-245.
McMullen, P. (1970). The maximum numbers of faces of a convex polytope. Mathematika 17, 179-184.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import comb
from typing import Any

__all__ = ["EXHAUSTED", "FULL", "INEXACT", "RUNNING", "TIED", "NumberWalk", "most_vertices"]

EXHAUSTED, RUNNING, FULL, INEXACT, TIED = 0, 1, 2, 3, 4
"""Why a walk returned: every vertex is found, it may go on, or it gave up for want of room, because
integers grew beyond exact floats, or because a decision was too close."""

MOST_KEPT_ENTRIES = 3_000_000
"""Tableau entries that the walk's path may hold; beyond, it steps back by pivoting instead."""

DEPTH_BETWEEN_REBUILDS = 100
"""After this many steps in floats the tableau is computed afresh from the matrix."""


def most_vertices(dimension: int, n_inequalities: int) -> int:
    """Return the most vertices that a polytope can have: McMullen's upper bound.

    Parameters
    ----------
    dimension : int
    n_inequalities : int

    Examples
    --------
    >>> most_vertices(3, 6), most_vertices(15, 30)
    (8, 341088)
    """
    half = dimension // 2
    if dimension % 2:
        return 2 * comb(n_inequalities - half - 1, half)
    return n_inequalities * comb(n_inequalities - half, half) // (n_inequalities - half)


class NumberWalk:
    """A walk over the vertices of ``{z >= 0 : M z <= 1}``, M positive, in integers or in floats.

    Integers may be of any size, and every decision is then exact. In floats, differences of
    ``tolerance`` count as ties.

    Parameters
    ----------
    columns : sequence of sequences of numbers
        The matrix M by columns, all int (exactly) or all float (entries of order one).
    row_labels, column_labels : sequence of int
        The label of each inequality of ``M z <= 1`` and of ``z >= 0``.
    tolerance : float
        0 for integers.
    strict : bool
        Whether to give up, with the status TIED, at the first tie.

    Attributes
    ----------
    status : int
    vertices : dict
        For each vertex found, by the bit mask of its labels: the basic labels, their values, and the
        denominator of these.
    bases : int
        The number of bases visited, at least the number of vertices.
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
        self._exact = tolerance == 0.0
        # An integer zero keeps integers of any size exact, a float zero would round them.
        self._tolerance: Any = tolerance or 0
        self._n_rows = len(row_labels)
        self._n_columns = len(column_labels)
        self._slack_bits = row_bits = [1 << label for label in row_labels]
        self._variable_bits = column_bits = [1 << label for label in column_labels]
        one = 1 if self._exact else 1.0
        self._start = tableau = [*map(list, columns), [one] * self._n_rows]
        basis = sum(column_bits)
        self._done = {basis: 0}
        self.vertices: dict[int, tuple[list[int], Sequence[Any], Any]] = {}
        self._record(basis, tableau[-1], row_bits, one)
        # One entry per step of the current path: tableau, denominator, labels of rows and columns,
        # basis, the column to try next, and the row and column of the pivot that led here.
        self._path: list[list[Any]] = [[tableau, one, row_bits, column_bits, basis, 0, -1, -1]]
        self._kept = max(64, MOST_KEPT_ENTRIES // ((self._n_rows + 1) * (self._n_columns + 1)))

    @property
    def bases(self) -> int:
        """The number of bases visited so far."""
        return len(self._done)

    def advance(self, steps: int) -> bool:
        """Visit up to ``steps`` more bases; return whether the walk has ended."""
        path, done = self._path, self._done
        while path and self.status == RUNNING:
            tableau, denominator, row_bits, column_bits, basis, first, _, _ = path[-1]
            for column in range(first, self._n_columns):
                if done[basis] & column_bits[column]:
                    continue
                row = self._leaving_row(path[-1], column)
                if row < 0:
                    continue
                key = basis ^ column_bits[column] ^ row_bits[row]
                if key not in done:
                    break
                # The neighbour is an ancestor on the path: it need not look along this edge again.
                done[key] |= row_bits[row]
            else:
                self._step_back()
                continue
            path[-1][5] = column
            if steps <= 0:
                return False
            steps -= 1
            row_bits, column_bits = list(row_bits), list(column_bits)
            row_bits[row], column_bits[column] = column_bits[column], row_bits[row]
            pivot = tableau[column][row]
            tableau = self._pivoted(tableau, denominator, row, column)
            if not self._exact and len(path) % DEPTH_BETWEEN_REBUILDS == 0:
                tableau, pivot = self._rebuilt(row_bits, column_bits), 1.0
            self._record(key, tableau[-1], row_bits, pivot)
            done[basis] |= row_bits[row]
            path.append([tableau, pivot, row_bits, column_bits, key, 0, row, column])
            if len(path) > self._kept:
                path[-self._kept][0] = None
            done[key] = column_bits[column]
        if self.status == RUNNING:
            self.status = EXHAUSTED
        return True

    def masks(self) -> list[int]:
        """Return the labels of every vertex found, as bit masks, each once."""
        return list(self.vertices)

    def weights(self, mask: int) -> list[Any]:
        """Return the coordinates of a vertex, up to scale."""
        row_bits, values, _ = self.vertices[mask]
        place = {bit: i for i, bit in enumerate(row_bits)}
        return [0 if bit & mask else values[place[bit]] for bit in self._variable_bits]

    def _step_back(self) -> None:
        tableau, denominator, _, _, _, _, row, column = self._path.pop()
        if self._path and self._path[-1][0] is None:
            # A second pivot at the same place undoes the first.
            self._path[-1][0] = self._pivoted(tableau, denominator, row, column)
            self._path[-1][1] = tableau[column][row]

    def _rebuilt(self, row_bits: list[int], column_bits: list[int]) -> list[Any]:
        """Compute the tableau of a basis from the matrix, in floats, over the denominator one."""
        tableau, denominator = self._start, 1.0
        rows, columns = list(self._slack_bits), list(self._variable_bits)
        nonbasic = set(column_bits)
        for column, bit in enumerate(self._variable_bits):
            if bit not in nonbasic:
                free = [row for row in range(self._n_rows) if rows[row] in nonbasic]
                entries = tableau[column]
                row = max(free, key=lambda r: abs(entries[r]))
                tableau = self._pivoted(tableau, denominator, row, column)
                denominator = entries[row]
                rows[row], columns[column] = columns[column], rows[row]
        order = [rows.index(bit) for bit in row_bits]
        kept = [*(columns.index(bit) for bit in column_bits), self._n_columns]
        return [[tableau[column][row] / denominator for row in order] for column in kept]

    def _record(self, basis: int, values: Sequence[Any], row_bits: list[int], denominator: Any) -> None:
        labels = basis
        slack = self._tolerance * denominator
        for value, bit in zip(values, row_bits):
            if value <= slack:
                labels |= bit
                self._note_tie()
        if labels not in self.vertices:
            self.vertices[labels] = (row_bits, values, denominator)

    def _leaving_row(self, state: list[Any], column: int) -> int:
        """Return the row that limits the entering variable first, or -1 in floats if none is above rounding."""
        entries, right = state[0][column], state[0][-1]
        slack = self._tolerance
        least_entry = slack * state[1]
        best, best_entry, best_right = -1, state[1], state[1]
        ties: list[int] = []
        for row, entry in enumerate(entries):
            if entry > least_entry:
                if best >= 0:
                    difference = right[row] * best_entry - best_right * entry
                    if slack:
                        margin = slack * entry * best_entry
                        difference = 0 if -margin <= difference <= margin else difference
                    if difference > 0:
                        continue
                    if difference == 0:
                        if not ties:
                            ties = [best]
                        ties.append(row)
                        continue
                    if ties:
                        ties = []
                best, best_entry, best_right = row, entry, right[row]
        if ties:
            self._note_tie()
            return self._lexicographic_least(state, entries, ties)
        return best

    def _note_tie(self) -> None:
        if self._strict:
            self.status = TIED

    def _lexicographic_least(self, state: list[Any], entries: list[Any], ties: list[int]) -> int:
        """Return the tied row whose perturbed ratio is least.

        The coefficient of ``e^(k+1)`` in the perturbed right side is the column of slack k in the inverse
        of the basis: a column of the tableau where the slack is nonbasic, else a unit vector.
        """
        tableau, denominator, row_bits, column_bits = state[:4]
        slack = self._tolerance
        unit = [0] * self._n_rows
        for bit in self._slack_bits:
            if bit in column_bits:
                coefficients = tableau[column_bits.index(bit)]
            else:
                coefficients = unit.copy()
                coefficients[row_bits.index(bit)] = denominator
            kept = ties[:1]
            for row in ties[1:]:
                first = kept[0]
                difference = coefficients[row] * entries[first] - coefficients[first] * entries[row]
                if slack and abs(difference) <= slack * entries[row] * entries[first]:
                    difference = 0
                if difference < 0:
                    kept = [row]
                elif difference == 0:
                    kept.append(row)
            ties = kept
            if len(ties) == 1:
                break
        return ties[0]

    def _pivoted(self, tableau: list[Any], denominator: Any, row: int, column: int) -> list[Any]:
        """Return the tableau after exchanging the labels of a row and a column; the argument is unchanged."""
        source = tableau[column]
        pivot = source[row]
        result = []
        for entries in tableau:
            factor = entries[row]
            if self._exact:
                if factor:
                    fresh = [(a * pivot - factor * b) // denominator for a, b in zip(entries, source)]
                elif pivot == denominator:
                    fresh = entries
                else:
                    fresh = [a * pivot // denominator for a in entries]
            else:
                fresh = [(a * pivot - factor * b) / denominator for a, b in zip(entries, source)]
            fresh[row] = factor
            result.append(fresh)
        result[column] = [-a for a in source]
        result[column][row] = denominator
        return result
