"""The vertex walk of :mod:`marlgt.solvers._polytopes` as a kernel over float arrays, for large games.

The same depth-first walk with the same lexicographic rule, in two arithmetics over one float64 tableau:

* rounded: pivots divide, differences up to a tolerance are ties, and the tableau is recomputed from the
  matrix after many pivots or after one on a small element;
* integral: pivots are fraction-free, so that a tableau of integers stays one. As long as no entry
  exceeds 2^26, every product and difference is below 2^53 and float64 computes it without error: the
  walk is then exact. It stops where an entry grows beyond.

Each edge is examined once. When the walk meets a basis that it knows, that basis is an ancestor on the
current path, and is told that the edge is done; on the way back, ancestors without open edges are
passed over, and the tableau of the first with one is computed afresh if it is far.

Labels are bits of one int64, which limits a game to 62 actions in all.
:class:`~marlgt.solvers._array_walk.ArrayWalk` keeps the state of a walk between calls.
"""

from __future__ import annotations

from marlgt.kernels import kernel
from marlgt.solvers._polytopes import EXHAUSTED, FULL, INEXACT, RUNNING, TIED

__all__ = [
    "BASES",
    "DRIFT",
    "LARGEST_INTEGER",
    "points",
    "rehash",
    "slot_of",
    "walk",
]

LARGEST_INTEGER = 2.0**26
SMALL_PIVOT = 1e-4
PIVOTS_BETWEEN_REBUILDS = 150
STEPS_BACK = 5

# Places in the integer state of a walk, and in its numbers.
BASES, DEPTH, PIVOTS = 0, 1, 2
MARGIN, DENOMINATOR, DRIFT, LARGEST = 0, 1, 2, 3


@kernel
def pivot(tableau, row_labels, column_labels, numbers, row, column, integral):  # type: ignore[no-untyped-def]
    """Exchange a row and a column of the tableau and their labels."""
    n_rows = tableau.shape[1]
    element = tableau[column, row]
    if integral:
        denominator = numbers[DENOMINATOR]
        largest = element
        for j in range(tableau.shape[0]):
            if j != column:
                factor = tableau[j, row]
                for i in range(n_rows):
                    value = (tableau[j, i] * element - factor * tableau[column, i]) / denominator
                    tableau[j, i] = value
                    largest = max(largest, abs(value))
                tableau[j, row] = factor
                largest = max(largest, abs(factor))
        for i in range(n_rows):
            tableau[column, i] = -tableau[column, i]
        tableau[column, row] = denominator
        numbers[DENOMINATOR] = element
        numbers[LARGEST] = max(numbers[LARGEST], largest)
    else:
        inverse = 1.0 / element
        for j in range(tableau.shape[0]):
            if j != column:
                factor = tableau[j, row] * inverse
                for i in range(n_rows):
                    tableau[j, i] -= factor * tableau[column, i]
                tableau[j, row] = factor
        for i in range(n_rows):
            tableau[column, i] *= -inverse
        tableau[column, row] = inverse
    label = row_labels[row]
    row_labels[row] = column_labels[column]
    column_labels[column] = label


@kernel
def rebuild(tableau, matrix, labels, row_labels, column_labels, numbers, basis):  # type: ignore[no-untyped-def]
    """Compute the tableau of a basis from the matrix, rounded; return whether it worked.

    ``labels`` holds those of the rows, then those of the columns, as in the matrix.
    """
    n_columns = tableau.shape[0] - 1
    n_rows = tableau.shape[1]
    for j in range(n_columns + 1):
        for i in range(n_rows):
            tableau[j, i] = matrix[j, i]
    for i in range(n_rows):
        row_labels[i] = labels[i]
    for j in range(n_columns):
        column_labels[j] = labels[n_rows + j]
    for j in range(n_columns):
        if (basis >> column_labels[j]) & 1:
            continue
        best = -1
        size = 0.0
        for i in range(n_rows):
            if (basis >> row_labels[i]) & 1 and abs(tableau[j, i]) > size:
                best = i
                size = abs(tableau[j, i])
        if best < 0:
            return False
        pivot(tableau, row_labels, column_labels, numbers, best, j, False)
    return True


@kernel
def step_back(tableau, row_labels, column_labels, numbers, there, integral):  # type: ignore[no-untyped-def]
    """Pivot to the neighbour whose nonbasic labels are the bits of ``there``."""
    row = 0
    while not (there >> row_labels[row]) & 1:
        row += 1
    column = 0
    while (there >> column_labels[column]) & 1:
        column += 1
    pivot(tableau, row_labels, column_labels, numbers, row, column, integral)


@kernel
def tied_row(tableau, labels, row_labels, column_labels, numbers, column, tolerance, ties):  # type: ignore[no-untyped-def]
    """Return the row of least ratio, ties broken lexicographically, or -1 if no entry is positive.

    Ratios are compared by cross products, which are exact for integers. ``ties`` is room to work in.
    ``numbers[MARGIN]`` becomes the difference between the least ratio and the next, 0 for a tie.
    """
    n_columns = tableau.shape[0] - 1
    n_rows = tableau.shape[1]
    denominator = numbers[DENOMINATOR]
    least_entry = tolerance * denominator
    best = -1
    for i in range(n_rows):
        entry = tableau[column, i]
        if entry > least_entry and (
            best < 0 or tableau[n_columns, i] * tableau[column, best] < tableau[n_columns, best] * entry
        ):
            best = i
    if best < 0:
        return best
    count = 0
    for i in range(n_rows):
        entry = tableau[column, i]
        if entry > least_entry:
            scale = entry * tableau[column, best]
            difference = tableau[n_columns, i] * tableau[column, best] - tableau[n_columns, best] * entry
            if difference <= tolerance * scale:
                ties[count] = i
                count += 1
            else:
                numbers[MARGIN] = min(numbers[MARGIN], difference / scale)
    if count == 1:
        return best
    numbers[MARGIN] = 0.0
    for k in range(n_rows):
        # The coefficients of the k-th power of the perturbation: the column of the k-th slack.
        place = 0
        while place < n_columns and column_labels[place] != labels[k]:
            place += 1
        kept = 1
        for t in range(1, count):
            row = ties[t]
            first = ties[0]
            if place < n_columns:
                difference = tableau[place, row] * tableau[column, first] - tableau[place, first] * tableau[column, row]
            elif row_labels[row] == labels[k]:
                difference = denominator * tableau[column, first]
            elif row_labels[first] == labels[k]:
                difference = -denominator * tableau[column, row]
            else:
                difference = 0.0
            slack = tolerance * tableau[column, row] * tableau[column, first]
            if difference < -slack:
                ties[0] = row
                kept = 1
            elif difference <= slack:
                ties[kept] = row
                kept += 1
        count = kept
        if count == 1:
            break
    return ties[0]


@kernel
def slot_of(table, basis):  # type: ignore[no-untyped-def]
    """Return where a basis stands in the hash table, or the free place where it belongs."""
    mask = table.shape[0] - 1
    low = basis & 0x7FFFFFFF
    high = basis >> 31
    slot = (((low * 1640531527) >> 13) ^ ((high * 1220703125) >> 17)) & mask
    while table[slot, 0] >= 0 and table[slot, 0] != basis:
        slot = (slot + 1) & mask
    return slot


@kernel
def walk(  # type: ignore[no-untyped-def]
    tableau,
    matrix,
    labels,
    row_labels,
    column_labels,
    inverses,
    ties,
    table,
    masks,
    path,
    state,
    numbers,
    tolerance,
    margin,
    integral,
    steps,
):
    """Visit up to ``steps`` more bases, recording the labels of each, and say why it stopped.

    Parameters
    ----------
    tableau, matrix : ndarray of float64, shape (n_columns + 1, n_rows)
        By columns, the right side last.
    labels, row_labels, column_labels : ndarray of int64
        As in the matrix, rows first; and as in the tableau.
    inverses : ndarray of float64, shape (n_rows,)
        Room for the inverses of the right sides.
    ties : ndarray of int64, shape (n_rows,)
    table : ndarray of int64, shape (a power of two, 2)
        Hash table of bases, -1 where free; and the labels of each whose edges are done.
    masks, path : ndarray of int64, the same size
        The labels of each basis visited, and the bases on the current path.
    state : ndarray of int64, shape (3,)
        The number of bases visited, the depth of the path, the pivots since the last rebuild.
    numbers : ndarray of float64, shape (4,)
        The smallest margin of a decision, the denominator, the largest drift seen by a rebuild, and
        the largest entry since the start.
    tolerance, margin : float
        A decision closer than ``margin`` stops the walk with TIED; 0 lets it go on.
    integral : bool
    steps : int
    """
    n_columns = tableau.shape[0] - 1
    n_rows = tableau.shape[1]
    while True:
        if state[BASES] >= masks.size:
            return FULL
        if steps <= 0:
            return RUNNING
        depth = state[DEPTH]
        here = path[depth]
        slot = slot_of(table, here)
        todo = here & ~table[slot, 1]
        if todo == 0:
            back = depth - 1
            while back >= 0 and path[back] & ~table[slot_of(table, path[back]), 1] == 0:
                back -= 1
            if back < 0:
                return EXHAUSTED
            if integral or depth - back <= STEPS_BACK:
                for d in range(depth, back, -1):
                    step_back(tableau, row_labels, column_labels, numbers, path[d - 1], integral)
                    state[PIVOTS] += 1
            else:
                if not rebuild(tableau, matrix, labels, row_labels, column_labels, numbers, path[back]):
                    return INEXACT
                state[PIVOTS] = 0
            state[DEPTH] = back
            continue
        degenerate = False
        for i in range(n_rows):
            if tableau[n_columns, i] <= tolerance * numbers[DENOMINATOR]:
                degenerate = True
            else:
                inverses[i] = 1.0 / tableau[n_columns, i]
        for column in range(n_columns):
            entering = column_labels[column]
            if not (todo >> entering) & 1:
                continue
            row = -1
            if not degenerate:
                # The inverse ratio is largest where the ratio is least; rows close to it are looked at exactly.
                largest = 0.0
                for i in range(n_rows):
                    value = tableau[column, i] * inverses[i]
                    if value > largest:
                        largest = value
                        row = i
                close = largest - 1e-6 * largest * max(largest, 1.0)
                count = 0
                for i in range(n_rows):
                    count += tableau[column, i] * inverses[i] >= close
                if count > 1:
                    row = -1
            if row < 0:
                row = tied_row(tableau, labels, row_labels, column_labels, numbers, column, tolerance, ties)
                if numbers[MARGIN] < margin:
                    return TIED
            table[slot, 1] |= 1 << entering
            if row < 0:
                continue
            leaving = row_labels[row]
            there = here ^ (1 << entering) ^ (1 << leaving)
            place = slot_of(table, there)
            if table[place, 0] >= 0:
                table[place, 1] |= 1 << leaving
                continue
            element = tableau[column, row]
            pivot(tableau, row_labels, column_labels, numbers, row, column, integral)
            if integral:
                if numbers[LARGEST] > LARGEST_INTEGER:
                    return INEXACT
            else:
                state[PIVOTS] += 1
                if state[PIVOTS] >= PIVOTS_BETWEEN_REBUILDS or element < SMALL_PIVOT:
                    before = 0.0
                    for i in range(n_rows):
                        before += tableau[n_columns, i] * (1 + row_labels[i])
                    if not rebuild(tableau, matrix, labels, row_labels, column_labels, numbers, there):
                        return INEXACT
                    after = 0.0
                    for i in range(n_rows):
                        after += tableau[n_columns, i] * (1 + row_labels[i])
                    numbers[DRIFT] = max(numbers[DRIFT], abs(after - before))
                    state[PIVOTS] = 0
            vertex = there
            for i in range(n_rows):
                if tableau[n_columns, i] <= tolerance * numbers[DENOMINATOR]:
                    vertex |= 1 << row_labels[i]
                elif tableau[n_columns, i] < margin:
                    return TIED
            table[place, 0] = there
            table[place, 1] = 1 << leaving
            path[depth + 1] = there
            state[DEPTH] = depth + 1
            masks[state[BASES]] = vertex
            state[BASES] += 1
            steps -= 1
            break


@kernel
def points(tableau, matrix, labels, row_labels, column_labels, numbers, bases, coordinates):  # type: ignore[no-untyped-def]
    """Compute the coordinates of bases afresh from the matrix, one line per basis; return whether it worked.

    The tableau of the walk is overwritten.
    """
    n_columns = tableau.shape[0] - 1
    n_rows = tableau.shape[1]
    for k in range(bases.size):
        if not rebuild(tableau, matrix, labels, row_labels, column_labels, numbers, bases[k]):
            return False
        for j in range(n_columns):
            coordinates[k, j] = 0.0
        for i in range(n_rows):
            for j in range(n_columns):
                if row_labels[i] == labels[n_rows + j]:
                    coordinates[k, j] = tableau[n_columns, i]
    return True


@kernel
def rehash(old, table):  # type: ignore[no-untyped-def]
    """Move the contents of one hash table into a larger one."""
    for k in range(old.shape[0]):
        if old[k, 0] >= 0:
            slot = slot_of(table, old[k, 0])
            table[slot, 0] = old[k, 0]
            table[slot, 1] = old[k, 1]
