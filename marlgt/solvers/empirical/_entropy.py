"""The distribution of greatest entropy, or least norm, under linear inequalities, by Newton's method on the dual.

Of the distributions p with G p <= 0, the one that maximises -sum p log p is, where some p > 0 is feasible and
multipliers a >= 0 exist (Jaynes 1957; for correlated equilibria Ortiz, Schapire and Kakade 2007),

    p  proportional to  exp(-G' a),    a minimising  log sum exp(-G' a)  over  a >= 0,

a smooth convex problem in as many variables as there are constraints. Entries that every feasible p leaves at zero,
and constraints that every feasible p meets with equality, would send a to infinity. One linear program finds both:
over the cone G x + s <= 0, 0 <= t <= x, t, s <= 1 the sum of all t and s is greatest where t and s are 1 wherever
they can be positive at all. The entries left are then all positive somewhere, the equalities get multipliers of
either sign, and the minimum exists.

References
----------
Jaynes, E. T. (1957). Information theory and statistical mechanics. Physical Review 106, 620-630.
Ortiz, L. E., Schapire, R. E. and Kakade, S. M. (2007). Maximum entropy correlated equilibria. AISTATS, 347-354.
Bertsekas, D. P. (1982). Projected Newton methods for optimization problems with simple constraints. SIAM Journal on
Control and Optimization 20, 221-246.
Lawson, C. L. and Hanson, R. J. (1974). Solving Least Squares Problems. Prentice-Hall.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["least_norm", "maximum_entropy"]

Floats = NDArray[np.float64]
Potential = Callable[[Floats], tuple[float, Floats, Floats]]

_NEWTON_STEPS = 200
_HALVINGS = 60
_TOLERANCE = 1e-13
_NEARLY = 1e-10
"""Distance from the conditions of an optimum at which a method that can go no further has still found it."""
_FACE = 1e-7
"""What a face must leave of an entry or a slack, of 1, to count as positive."""


def maximum_entropy(constraints: Floats) -> tuple[Floats, dict[str, int], bool]:
    """Return the distribution p of greatest entropy with ``constraints @ p <= 0``, the work done, and if it converged.

    Parameters
    ----------
    constraints : ndarray, shape (K, N)
        Rows with entries of magnitude 1 or less; some p must be feasible.

    Returns
    -------
    p : ndarray, shape (N,)
        Feasible up to rounding where the method converged: the caller measures how far it did.
    work : dict of str to int
    converged : bool
        Whether p meets the conditions of an optimum, not only the constraints.
    """
    rows = constraints[np.abs(constraints).max(axis=1, initial=0.0) > 0.0]
    p, steps, converged = _dual(rows, np.zeros(len(rows), dtype=bool), _exponential)
    work = {"newton_steps": steps, "linear_programs": 0}
    if converged:
        return p, work, True
    columns, equal = _face(rows)
    if not columns.size:
        return p, work, False
    inner, more, converged = _dual(rows[:, columns], equal, _exponential)
    whole = np.zeros(rows.shape[1])
    whole[columns] = inner
    work = {"newton_steps": steps + more, "linear_programs": 1}
    return whole, work, converged or _violation(rows, whole) <= _NEARLY


def least_norm(constraints: Floats) -> tuple[Floats, dict[str, int], bool]:
    """Return the distribution p of least Euclidean norm with ``constraints @ p <= 0``, of greatest Gini impurity.

    It is the shortest x with -G x >= 0, x >= 0 and sum(x) >= 1, which nonnegative least squares find in its dual: with
    all these rows A x >= h, u >= 0 minimising |A' u|^2 + (h u - 1)^2 and r the residual, x is r[:-1] / -r[-1] (Lawson
    and Hanson 1974, chapter 23, algorithm LDP). Where that stops at no optimum, which the signs of its gradient tell,
    Newton's method takes its place, with the projection onto the simplex instead of the exponential: p is the
    distribution nearest to -G' a.

    Parameters
    ----------
    constraints : ndarray, shape (K, N)
        As for :func:`maximum_entropy`.
    """
    from scipy.optimize import nnls

    rows = constraints[np.abs(constraints).max(axis=1, initial=0.0) > 0.0]
    size = rows.shape[1]
    matrix = np.ones((size + 1, len(rows) + size + 1))
    matrix[:size, : len(rows)] = -rows.T
    matrix[:size, len(rows) : -1] = np.eye(size)
    matrix[size, :-1] = 0.0
    target = np.append(np.zeros(size), 1.0)
    try:
        multipliers, _ = nnls(matrix, target, maxiter=10 * matrix.shape[1])
    except RuntimeError:  # too many iterations
        multipliers = np.zeros(matrix.shape[1])
    residual = matrix @ multipliers - target
    p = np.maximum(residual[:-1] / max(-residual[-1], 1e-300), 0.0)
    gradient = matrix.T @ residual
    if p.sum() > 0.0 and gradient.min() >= -_NEARLY and np.abs(gradient * multipliers).max() <= _NEARLY:
        p /= p.sum()
        if _violation(rows, p) <= _TOLERANCE:
            return p, {"newton_steps": 0, "least_squares": 1}, True
    p, steps, converged = _dual(rows, np.zeros(len(rows), dtype=bool), _quadratic)
    return p, {"newton_steps": steps, "least_squares": 1}, converged


def _violation(rows: Floats, p: Floats) -> float:
    return float((rows @ p).max(initial=0.0))


def _dual(rows: Floats, free: NDArray[np.bool_], potential: Potential) -> tuple[Floats, int, bool]:
    """Minimise the dual by projected Newton steps; multipliers of ``free`` rows may be negative.

    The last item tells whether the constraints with multipliers hold with equality and the others hold, which makes
    the point the optimum.
    """
    multipliers = np.zeros(len(rows))
    value, p, spread = potential(-(multipliers @ rows))
    for step in range(_NEWTON_STEPS):
        slack = rows @ p
        held = ~free & (multipliers <= 0.0) & (slack <= 0.0)
        if np.abs(slack[~held]).max(initial=0.0) <= _TOLERANCE:
            return p, step, True
        active = np.flatnonzero(~held)
        # The derivative of p is diag(w) - w w' / sum(w).
        centred = (rows[active] - (rows[active] @ spread / spread.sum())[:, None]) * np.sqrt(spread)
        hessian = centred @ centred.T
        for solve in (_damped, _truncated, _gradient):
            trial = _descended(rows, free, active, multipliers, value, slack, solve(hessian, slack[active]), potential)
            if trial is not None:
                break
        else:
            return p, step, bool(np.abs(slack[~held]).max(initial=0.0) <= _NEARLY)
        multipliers, value, p, spread = trial
    return p, _NEWTON_STEPS, False


def _descended(
    rows: Floats,
    free: NDArray[np.bool_],
    active: NDArray[np.intp],
    multipliers: Floats,
    value: float,
    slack: Floats,
    direction: Floats,
    potential: Potential,
) -> tuple[Floats, float, Floats, Floats] | None:
    """Go along a direction, back to the bounds where it leaves them, as far as the dual falls; None if it does not."""
    worst = np.abs(slack[active]).max()
    length = 1.0
    for _ in range(_HALVINGS):
        trial = multipliers.copy()
        trial[active] += length * direction
        trial = np.where(free, trial, np.maximum(trial, 0.0))
        new_value, new_p, spread = potential(-(trial @ rows))
        change = float(slack @ (multipliers - trial))
        # Near the minimum the dual's changes drown in rounding, while the constraints still tell better from worse.
        nearer = abs(change) <= 1e-11 and np.abs((rows @ new_p)[active]).max() < 0.9 * worst
        if (change < 0.0 and new_value < value + 1e-4 * change) or nearer:
            return trial, new_value, new_p, spread
        length /= 2.0
    return None


def _exponential(logits: Floats) -> tuple[float, Floats, Floats]:
    """Return log sum exp, its gradient, and the weights of that one's derivative."""
    top = float(logits.max())
    weights = np.exp(logits - top)
    total = float(weights.sum())
    p = weights / total
    return top + float(np.log(total)), p, p


def _quadratic(point: Floats) -> tuple[float, Floats, Floats]:
    """Return the maximum of point @ p - |p|^2 / 2, where it is attained, and the weights of that one's derivative."""
    ordered = np.sort(point)[::-1]
    levels = (np.cumsum(ordered) - 1.0) / np.arange(1, len(point) + 1)
    level = levels[np.flatnonzero(ordered > levels)[-1]]
    p = np.maximum(point - level, 0.0)
    return float(point @ p - 0.5 * (p @ p)), p, (p > 0.0).astype(np.float64)


def _damped(hessian: Floats, right: Floats) -> Floats:
    """Return a Newton direction, the dependent constraints held by a slight damping."""
    scale = float(np.trace(hessian)) / max(len(hessian), 1)
    try:
        return np.asarray(np.linalg.solve(hessian + (1e-13 * scale + 1e-300) * np.eye(len(hessian)), right))
    except np.linalg.LinAlgError:
        return np.zeros_like(right)


def _truncated(hessian: Floats, right: Floats) -> Floats:
    """Return the shortest Newton direction, which no dependence among the constraints disturbs."""
    weights, vectors = np.linalg.eigh(hessian)
    kept = weights > 1e-13 * max(float(weights[-1]), 1e-300)
    return np.asarray(vectors[:, kept] @ ((vectors[:, kept].T @ right) / weights[kept]))


def _gradient(hessian: Floats, right: Floats) -> Floats:
    """Return the direction of steepest descent, for where the derivative of p jumps."""
    scale = float(np.trace(hessian))
    return right / scale if scale > 0.0 else right


def _face(rows: Floats) -> tuple[NDArray[np.intp], NDArray[np.bool_]]:
    """Return the entries that can be positive, and which constraints always hold with equality."""
    from scipy.sparse import csr_array, eye_array, hstack, vstack

    from marlgt.linear_programs import solve_linear_program

    count, size = rows.shape
    # max 1't + 1's   s.t.   G x + s <= 0,  t <= x,  0 <= t, s <= 1,  x >= 0
    matrix: Any = vstack(
        [
            hstack([csr_array(rows), csr_array((count, size)), eye_array(count)]),
            hstack([-eye_array(size), eye_array(size), csr_array((size, count))]),
        ]
    ).tocsr()
    program = solve_linear_program(
        np.concatenate([np.zeros(size), np.ones(size + count)]),
        matrix=matrix,
        row_lower=np.full(count + size, -np.inf),
        row_upper=np.zeros(count + size),
        upper=np.concatenate([np.full(size, np.inf), np.ones(size + count)]),
        maximize=True,
    )
    if program.status != "optimal":
        return np.arange(size), np.zeros(count, dtype=bool)
    columns = np.flatnonzero(program.x[size : 2 * size] > _FACE)
    return columns, program.x[2 * size :] <= _FACE
