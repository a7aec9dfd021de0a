"""What a box can say about the solutions of a polynomial system inside it.

Write the system in the unknowns t of a box, x = c + r t with t in [-1, 1]^d. Each row is multilinear in t,
so its absolute coefficients bound it. With Y the inverse of the Jacobian at c, every solution in the box obeys

    t = -Y F(c) - N(t),     N(t) = the nonlinear terms of Y F,

and the absolute coefficients of N bound N, for each monomial is at most 1 in magnitude. So a box is
refused when some -Y F(c) misses [-1, 1] by more than the bound, and shrinks to the bound's reach
otherwise; where the coefficients of N, each times its degree, sum to less than 1, the right side is a
contraction and there is at most one solution (Krawczyk 1969; Moore 1977). The probability of each base
action and the rows that are inequalities are bounded in the same way at t = -Y F(c) - N(t), where what
they have of first order in t cancels. The bounds hold up to rounding, for which every test leaves a margin.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from marlgt.kernels import kernel
from marlgt.solvers._support_systems import System

__all__ = [
    "ROUNDING",
    "Search",
    "contract",
    "contraction_rate",
    "precondition",
    "screen",
    "shrink",
    "trim_to_simplices",
]

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

ROUNDING = 1e-12
HOPELESS = 8.0
"""A bound of N in every unknown from which the whole of N is not worth computing."""


class Search(NamedTuple):
    """The boxes still to be examined, what was found, and scratch, in arrays made once per game.

    Attributes
    ----------
    counters : int ndarray, shape (9,)
        Boxes on the stack, known regions, roots and suspects held, boxes and supports examined,
        boxes and suspects of this support, and whether a box is in hand.
    stack_low, stack_high : ndarray, shape (DEPTH, d)
    known_low, known_high : ndarray, shape (CAPACITY, d)
        Regions of this support proven to hold one solution, which is known.
    roots, suspects : ndarray, shape (CAPACITY, d)
    root_masks, suspect_masks : int ndarray, shape (CAPACITY, n)
    low, high, centre, radius, point : ndarray, shape (d,)
    values : ndarray, shape (rows, longest)
    jacobian, inverse : ndarray, shape (d, d)
    combined : ndarray, shape (d, monomials)
        The coefficients of N.
    step, spread, slack, score, lower, upper : ndarray, shape (d,)
    bend : ndarray, shape (d,)
        Sum of the absolute nonlinear coefficients of each equation.
    """

    counters: Ints
    stack_low: Floats
    stack_high: Floats
    known_low: Floats
    known_high: Floats
    roots: Floats
    suspects: Floats
    root_masks: Ints
    suspect_masks: Ints
    low: Floats
    high: Floats
    centre: Floats
    radius: Floats
    point: Floats
    values: Floats
    jacobian: Floats
    inverse: Floats
    combined: Floats
    step: Floats
    spread: Floats
    slack: Floats
    score: Floats
    lower: Floats
    upper: Floats
    bend: Floats


@kernel
def trim_to_simplices(s: System, w: Search) -> bool:
    """Cut off what lies beyond probabilities that sum to 1; tell whether anything is left."""
    for j in range(s.sizes.shape[0]):
        total = 0.0
        for k in range(s.offset[j], s.offset[j + 1]):
            total += w.low[k]
        if total > 1.0 + ROUNDING:
            return False
        for k in range(s.offset[j], s.offset[j + 1]):
            w.high[k] = max(min(w.high[k], 1.0 - total + w.low[k]), w.low[k])
    return True


@kernel
def screen(s: System, w: Search, d: int) -> bool:
    """Refuse the box by one row alone, else narrow the unknowns by each row and weigh them.

    In unknown k a row is A + B t_k with A and B of known range: B t_k = -A bounds t_k where B keeps its sign.
    """
    n = s.sizes.shape[0]
    for k in range(d):
        w.lower[k] = -1.0
        w.upper[k] = 1.0
        w.score[k] = 0.0
    for i in range(n):
        for e in range(s.first_row[i], s.first_row[i + 1]):
            equation = e - s.first_row[i] < s.sizes[i] - 1
            total = 0.0
            for k in range(d):
                w.step[k] = 0.0
                w.spread[k] = 0.0
            for q in range(1, s.length[i]):
                size = abs(w.values[e, q])
                total += size
                degree = 0
                last = 0
                for j in range(n):
                    k = s.unknown[i, q, j]
                    if k >= 0:
                        w.spread[k] += size
                        degree += 1
                        last = k
                if degree == 1:
                    w.step[last] = w.values[e, q]
            if equation:
                bend = total
                for k in range(d):
                    bend -= abs(w.step[k])
                w.bend[s.offset[i] + e - s.first_row[i]] = bend
            constant = w.values[e, 0]
            if constant - total > ROUNDING or (equation and constant + total < -ROUNDING):
                return False
            if not equation and constant + total <= 0.0:
                continue
            for k in range(d):
                if w.spread[k] <= ROUNDING:
                    continue
                w.score[k] += (1.0 if equation else 0.5) * (w.spread[k] - 0.7 * abs(w.step[k])) / (total + ROUNDING)
                slope = w.step[k]
                bend = w.spread[k] - abs(slope)
                if abs(slope) <= bend + ROUNDING:
                    continue
                rest = total - w.spread[k] + ROUNDING
                steep, flat = abs(slope) + bend, abs(slope) - bend
                # The row needs  B t_k <= rest - constant,  and as an equation  B t_k >= -rest - constant.
                most = rest - constant
                most = most / flat if most > 0.0 else most / steep
                least = -rest - constant
                least = least / flat if least < 0.0 else least / steep
                if slope > 0.0:
                    w.upper[k] = min(w.upper[k], most)
                    if equation:
                        w.lower[k] = max(w.lower[k], least)
                else:
                    w.lower[k] = max(w.lower[k], -most)
                    if equation:
                        w.upper[k] = min(w.upper[k], -least)
    possible = True
    for k in range(d):
        possible = possible and w.lower[k] <= w.upper[k] + 1e-9
    return possible


@kernel
def shrink(w: Search, d: int) -> bool:
    """Narrow the box to ``lower <= t <= upper``; tell whether that repays another look before halving."""
    kept = 1.0
    for k in range(d):
        part = max(0.5 * (w.upper[k] - w.lower[k]), 0.0)
        if part < 0.999:
            kept *= max(part, 1e-3)
            middle = 0.5 * (w.lower[k] + w.upper[k])
            margin = part + 1e-9
            low = w.centre[k] + w.radius[k] * (middle - margin)
            high = w.centre[k] + w.radius[k] * (middle + margin)
            w.low[k] = min(max(w.low[k], low), w.high[k])
            w.high[k] = max(min(w.high[k], high), w.low[k])
            if part < 0.02 and w.radius[k] > 1e-3:
                kept *= 0.1
    return kept < 0.4


@kernel
def precondition(s: System, w: Search, d: int) -> bool:
    """Compute Y, -Y F(c) and the coefficients of N, unless Y does not exist or N is sure to be of no use."""
    n = s.sizes.shape[0]
    for i in range(n):
        for e in range(s.sizes[i] - 1):
            for k in range(d):
                w.jacobian[s.offset[i] + e, k] = 0.0
            for j in range(n):
                if j != i:
                    for k in range(s.offset[j], s.offset[j + 1]):
                        place = (k - s.offset[j] + 1) * s.stride[i, j]
                        w.jacobian[s.offset[i] + e, k] = w.values[s.first_row[i] + e, place]
    if not invert(w.jacobian, w.inverse, d):
        return False
    least = 1e300
    for k in range(d):
        total = 0.0
        for e in range(d):
            total += abs(w.inverse[k, e]) * w.bend[e]
        least = min(least, total)
    if least > HOPELESS:
        return False
    for k in range(d):
        total = 0.0
        size = 0.0
        for i in range(n):
            for e in range(s.sizes[i] - 1):
                y = w.inverse[k, s.offset[i] + e]
                total -= y * w.values[s.first_row[i] + e, 0]
                size += abs(y)
        w.step[k] = total
        w.slack[k] = 1e-9 + 1e-14 * size
        spread = 0.0
        for q in range(s.n_monomials[0]):
            total = 0.0
            for i in range(n):
                place = s.place[q, i]
                if place >= 0:
                    for e in range(s.sizes[i] - 1):
                        total += w.inverse[k, s.offset[i] + e] * w.values[s.first_row[i] + e, place]
            w.combined[k, q] = total
            spread += abs(total)
        w.spread[k] = spread
    return True


@kernel
def contract(s: System, w: Search, d: int) -> bool:
    """Bound the solutions by the preconditioned system; tell whether any is possible in the box."""
    n = s.sizes.shape[0]
    widest = 0.0
    for k in range(d):
        reach = w.spread[k] + w.slack[k]
        widest = max(widest, reach)
        if abs(w.step[k]) - reach > 1.0:
            return False
        w.lower[k] = max(-1.0, w.step[k] - reach)
        w.upper[k] = min(1.0, w.step[k] + reach)
    if widest > 30.0:
        return True
    for j in range(n):
        # The base action's probability, 1 - sum of the others, at t = step - N(t).
        if s.sizes[j] < 2:
            continue
        base = 1.0 + ROUNDING
        for k in range(s.offset[j], s.offset[j + 1]):
            base -= w.centre[k] + w.radius[k] * (w.step[k] - w.slack[k])
        for q in range(s.n_monomials[0]):
            total = 0.0
            for k in range(s.offset[j], s.offset[j + 1]):
                total += w.radius[k] * w.combined[k, q]
            base += abs(total)
        if base < 0.0:
            return False
    for i in range(n):
        for e in range(s.first_row[i] + s.sizes[i] - 1, s.first_row[i + 1]):
            # An inequality row at t = step - N(t): constant + gradient . step, and terms combined alike.
            least = w.values[e, 0] - ROUNDING
            for j in range(n):
                if j != i:
                    for k in range(s.offset[j], s.offset[j + 1]):
                        slope = w.values[e, (k - s.offset[j] + 1) * s.stride[i, j]]
                        least += slope * w.step[k] - abs(slope) * w.slack[k]
            if least <= 0.0:
                continue
            for q in range(s.n_monomials[0]):
                place = s.place[q, i]
                total = w.values[e, place] if place >= 0 else 0.0
                for j in range(n):
                    if j != i:
                        for k in range(s.offset[j], s.offset[j + 1]):
                            total -= w.values[e, (k - s.offset[j] + 1) * s.stride[i, j]] * w.combined[k, q]
                least -= abs(total)
            if least > 0.0:
                return False
    return True


@kernel
def contraction_rate(s: System, w: Search, d: int) -> float:
    """Return a Lipschitz constant of N on the box, in the maximum norm of t."""
    worst = 0.0
    for k in range(d):
        total = 0.0
        for q in range(s.n_monomials[0]):
            total += s.degree[q] * abs(w.combined[k, q])
        worst = max(worst, total)
    return worst


@kernel
def invert(matrix: Floats, inverse: Floats, d: int) -> bool:
    """Invert by elimination with row pivots, destroying the matrix; tell whether it was regular."""
    largest = 0.0
    for i in range(d):
        for j in range(d):
            inverse[i, j] = 1.0 if i == j else 0.0
            largest = max(largest, abs(matrix[i, j]))
    for p in range(d):
        row = p
        for i in range(p + 1, d):
            if abs(matrix[i, p]) > abs(matrix[row, p]):
                row = i
        pivot = matrix[row, p]
        if not abs(pivot) > 1e-13 * largest:
            return False
        for j in range(d):
            a = matrix[row, j]
            matrix[row, j] = matrix[p, j]
            matrix[p, j] = a / pivot
            a = inverse[row, j]
            inverse[row, j] = inverse[p, j]
            inverse[p, j] = a / pivot
        for i in range(d):
            factor = matrix[i, p]
            if i != p and factor != 0.0:
                for j in range(d):
                    matrix[i, j] -= factor * matrix[p, j]
                    inverse[i, j] -= factor * inverse[p, j]
    return True
