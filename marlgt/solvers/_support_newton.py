"""Newton's method on the indifference equations of one support.

On supports S_i with reference actions r_i the equations are ``v_i(a) = v_i(r_i)`` for a in S_i other
than r_i, with ``x_i(r_i) = 1 - sum_{a != r_i} x_i(a)``: as many as unknowns. Where they are dependent
(duplicate actions, supports of unequal sizes, a continuum of solutions) the elimination pivots on
the largest entry left and leaves the unknowns beyond the rank where they stand.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from marlgt.kernels import kernel
from marlgt.solvers._tensors import payoff_jacobian

__all__ = ["eliminate_completely", "newton_on_support"]


@kernel
def eliminate_completely(matrix: NDArray[np.float64], right: NDArray[np.float64], tolerance: float) -> int:
    """Solve in place with complete pivoting; unknowns beyond the rank get zero. Returns the rank."""
    m = int(matrix.shape[0])
    order = np.empty(m, dtype=np.int64)
    for c in range(m):
        order[c] = c
    rank = m
    largest = 0.0
    for p in range(m):
        best = 0.0
        row = p
        column = p
        for r in range(p, m):
            for c in range(p, m):
                entry = abs(matrix[r, c])
                if entry > best:
                    best = entry
                    row = r
                    column = c
        if p == 0:
            largest = best
        if not best > tolerance * largest:
            rank = p
            break
        if row != p:
            for c in range(m):
                held = matrix[p, c]
                matrix[p, c] = matrix[row, c]
                matrix[row, c] = held
            held = right[p]
            right[p] = right[row]
            right[row] = held
        if column != p:
            for r in range(m):
                held = matrix[r, p]
                matrix[r, p] = matrix[r, column]
                matrix[r, column] = held
            swapped = order[p]
            order[p] = order[column]
            order[column] = swapped
        for r in range(p + 1, m):
            factor = matrix[r, p] / matrix[p, p]
            if factor != 0.0:
                for c in range(p + 1, m):
                    matrix[r, c] -= factor * matrix[p, c]
                right[r] -= factor * right[p]
    solution = np.zeros(m)
    for p in range(rank - 1, -1, -1):
        total = right[p]
        for c in range(p + 1, rank):
            total -= matrix[p, c] * solution[order[c]]
        solution[order[p]] = total / matrix[p, p]
    for r in range(m):
        right[r] = solution[r]
    return rank


@kernel
def newton_on_support(
    payoffs: NDArray[np.float64],
    counts: NDArray[np.int64],
    offsets: NDArray[np.int64],
    support: NDArray[np.bool_],
    x: NDArray[np.float64],
    jacobian: NDArray[np.float64],
    values: NDArray[np.float64],
    max_steps: int,
) -> float:
    """Solve the indifference equations from x, in place.

    Returns
    -------
    float
        The largest difference of payoffs left within a support; infinity where the steps ran away.
        ``jacobian`` and ``values`` hold those of the final x.
    """
    n = counts.shape[0]
    unknowns = 0
    reference = np.empty(n, dtype=np.int64)
    for i in range(n):
        best = -1
        for a in range(offsets[i], offsets[i + 1]):
            if support[a]:
                unknowns += 1
                if best < 0 or x[a] > x[best]:
                    best = a
            else:
                x[a] = 0.0
        reference[i] = best
        unknowns -= 1
    place = np.empty(unknowns, dtype=np.int64)
    owner = np.empty(unknowns, dtype=np.int64)
    k = 0
    for i in range(n):
        for a in range(offsets[i], offsets[i + 1]):
            if support[a] and a != reference[i]:
                place[k] = a
                owner[k] = i
                k += 1
    matrix = np.empty((unknowns, unknowns))
    right = np.empty(unknowns)
    previous = np.inf
    for step in range(max_steps + 1):
        payoff_jacobian(payoffs, counts, offsets, x, jacobian, values)
        residual = 0.0
        for r in range(unknowns):
            right[r] = values[reference[owner[r]]] - values[place[r]]
            if abs(right[r]) > residual:
                residual = abs(right[r])
        if not residual < 1.0e6:
            return np.inf
        if residual <= 1.0e-16 or step == max_steps or (residual <= 1.0e-13 and residual >= 0.5 * previous):
            return residual
        previous = residual
        for r in range(unknowns):
            a = place[r]
            b = reference[owner[r]]
            for c in range(unknowns):
                d = place[c]
                e = reference[owner[c]]
                matrix[r, c] = jacobian[a, d] - jacobian[a, e] - jacobian[b, d] + jacobian[b, e]
        eliminate_completely(matrix, right, 1.0e-13)
        for r in range(unknowns):
            x[place[r]] += right[r]
        for i in range(n):
            total = 0.0
            for a in range(offsets[i], offsets[i + 1]):
                if a != reference[i]:
                    total += x[a]
            x[reference[i]] = 1.0 - total
    return previous
