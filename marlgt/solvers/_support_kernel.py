"""The search over pairs of supports of one size, as a kernel over float arrays."""

from __future__ import annotations

from marlgt.kernels import kernel

__all__ = ["EXHAUSTED", "search"]

EXHAUSTED, RUNNING = 0, 1

# Places in the state of a search.
STARTED, N_AVAILABLE, FOUND, VISITED = 0, 1, 2, 3

SINGULAR = 1e-13


@kernel
def next_subset(subset, count):  # type: ignore[no-untyped-def]
    """Replace an increasing list of indices below ``count`` by the next; return False after the last."""
    size = subset.size
    i = size - 1
    while i >= 0 and subset[i] == count - size + i:
        i -= 1
    if i < 0:
        return False
    subset[i] += 1
    for j in range(i + 1, size):
        subset[j] = subset[j - 1] + 1
    return True


@kernel
def undominated_columns(b, rows, available):  # type: ignore[no-untyped-def]
    """List the columns that no other beats against every one of the rows; return how many."""
    count = 0
    for j in range(b.shape[1]):
        dominated = False
        for other in range(b.shape[1]):
            i = 0
            while i < rows.size and b[rows[i], other] > b[rows[i], j]:
                i += 1
            if i == rows.size:
                dominated = True
                break
        if not dominated:
            available[count] = j
            count += 1
    return count


@kernel
def has_dominated_row(a, rows, columns, available):  # type: ignore[no-untyped-def]
    """Tell whether some row beats one of the rows against every one of the columns."""
    for k in range(rows.size):
        for other in range(a.shape[0]):
            j = 0
            while j < columns.size and a[other, available[columns[j]]] > a[rows[k], available[columns[j]]]:
                j += 1
            if j == columns.size:
                return True
    return False


@kernel
def solve(workspace):  # type: ignore[no-untyped-def]
    """Solve a square system in place, its right side in the last column; return False if it is singular."""
    size = workspace.shape[0]
    for c in range(size):
        best = c
        for r in range(c + 1, size):
            if abs(workspace[r, c]) > abs(workspace[best, c]):
                best = r
        if abs(workspace[best, c]) < SINGULAR:
            return False
        if best != c:
            for j in range(c, size + 1):
                swap = workspace[c, j]
                workspace[c, j] = workspace[best, j]
                workspace[best, j] = swap
        for r in range(c + 1, size):
            factor = workspace[r, c] / workspace[c, c]
            if factor != 0.0:
                for j in range(c + 1, size + 1):
                    workspace[r, j] -= factor * workspace[c, j]
    for r in range(size - 1, -1, -1):
        value = workspace[r, size]
        for j in range(r + 1, size):
            value -= workspace[r, j] * workspace[j, size]
        workspace[r, size] = value / workspace[r, r]
    return True


@kernel
def column_strategy_fits(a, rows, columns, available, workspace, positive):  # type: ignore[no-untyped-def]
    """Tell whether a positive mixture of the columns makes the rows equally good and no row better.

    The mixture solves ``A y = 1`` on the supports, so that every row's payoff is at most one.
    """
    size = rows.size
    for r in range(size):
        for c in range(size):
            workspace[r, c] = a[rows[r], available[columns[c]]]
        workspace[r, size] = 1.0
    if not solve(workspace):
        return False
    total = 0.0
    for c in range(size):
        total += workspace[c, size]
    for c in range(size):
        if workspace[c, size] < positive * total or total <= 0.0:
            return False
    slack = 1.0 + abs(positive)
    for i in range(a.shape[0]):
        payoff = 0.0
        for c in range(size):
            payoff += a[i, available[columns[c]]] * workspace[c, size]
        if payoff > slack:
            return False
    return True


@kernel
def row_strategy_fits(b, rows, columns, available, workspace, positive):  # type: ignore[no-untyped-def]
    """Tell whether a positive mixture of the rows makes the columns equally good and no column better."""
    size = rows.size
    for c in range(size):
        for r in range(size):
            workspace[c, r] = b[rows[r], available[columns[c]]]
        workspace[c, size] = 1.0
    if not solve(workspace):
        return False
    total = 0.0
    for r in range(size):
        total += workspace[r, size]
    for r in range(size):
        if workspace[r, size] < positive * total or total <= 0.0:
            return False
    slack = 1.0 + abs(positive)
    for j in range(b.shape[1]):
        payoff = 0.0
        for r in range(size):
            payoff += b[rows[r], j] * workspace[r, size]
        if payoff > slack:
            return False
    return True


@kernel
def search(a, b, rows, columns, available, state, workspace, supports, positive, steps):  # type: ignore[no-untyped-def]
    """Visit up to ``steps`` pairs of supports and record those that fit; return EXHAUSTED after the last.

    Parameters
    ----------
    a, b : ndarray of float64, shape (m, n)
        Payoffs between one and two.
    rows, columns : ndarray of int64, shape (size,)
        The current supports; columns are places in ``available``.
    available : ndarray of int64, shape (n,)
        The columns not dominated against the current rows.
    state : ndarray of int64, shape (4,)
        Whether the current rows have begun, the number of available columns, the number of pairs
        recorded (the caller takes them and sets it to zero), and the number of pairs visited.
    workspace : ndarray of float64, shape (size, size + 1)
    supports : ndarray of int64, shape (room, 2, size)
        The pairs that fit.
    positive : float
        Least probability of an action of a support; its magnitude is also the slack of a payoff.
    steps : int
    """
    size = rows.size
    while steps > 0:
        if state[STARTED] == 0:
            state[N_AVAILABLE] = undominated_columns(b, rows, available)
            state[STARTED] = 1
            steps -= 1
            for j in range(size):
                columns[j] = j
            if state[N_AVAILABLE] < size:
                state[STARTED] = 0
                if not next_subset(rows, a.shape[0]):
                    return EXHAUSTED
                continue
        if state[FOUND] == supports.shape[0]:
            return RUNNING
        steps -= 1
        state[VISITED] += 1
        if (
            not has_dominated_row(a, rows, columns, available)
            and column_strategy_fits(a, rows, columns, available, workspace, positive)
            and row_strategy_fits(b, rows, columns, available, workspace, positive)
        ):
            place = state[FOUND]
            for k in range(size):
                supports[place, 0, k] = rows[k]
                supports[place, 1, k] = available[columns[k]]
            state[FOUND] = place + 1
        if not next_subset(columns, state[N_AVAILABLE]):
            state[STARTED] = 0
            if not next_subset(rows, a.shape[0]):
                return EXHAUSTED
    return RUNNING
