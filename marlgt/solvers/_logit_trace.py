"""Following the logit correspondence: kernels of a predictor-corrector method in log-probabilities.

The unknowns are ``u = (xi, lambda)`` with ``x = exp(xi)``. With r_i the likeliest action of player i,
the equations, as many as actions, are

    xi(a) - xi(r_i) - lambda (v_i(a) - v_i(r_i)) - (p(a) - p(r_i)) = 0    for a != r_i,
    sum_a exp(xi(a)) - 1 = 0,

with p the log-probabilities at lambda = 0. They leave a curve. A step goes along its tangent and comes
back in the hyperplane across it, so that turning points of lambda are ordinary points.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from marlgt.kernels import kernel
from marlgt.solvers._tensors import eliminate, payoff_jacobian

__all__ = ["CROSSED", "FULL", "PREDICTOR_ERROR", "SETTLED", "STALLED", "fixed_rationality", "logit_system", "trace"]

FULL, CROSSED, SETTLED, STALLED = 0, 1, 2, 3
"""Why a trace returned: no more room, past the target, at the regret asked for, or no step possible."""

LARGEST_RATIONALITY = 1e14
"""Times the payoff range; beyond it rounding of payoffs alone decides the probabilities."""

PREDICTOR_ERROR = 0.01
"""The first correction to aim at. At 0.02 one of 1,440 random games jumped to another branch, here none."""


@kernel
def logit_system(
    payoffs: NDArray[np.float64],
    counts: NDArray[np.int64],
    offsets: NDArray[np.int64],
    log_prior: NDArray[np.float64],
    u: NDArray[np.float64],
    matrix: NDArray[np.float64],
    right: NDArray[np.float64],
    x: NDArray[np.float64],
    jacobian: NDArray[np.float64],
    values: NDArray[np.float64],
) -> None:
    """Fill all rows but the last of ``matrix`` with derivatives and column 0 of ``right`` with minus the equations."""
    n = counts.shape[0]
    size = x.shape[0]
    rationality = u[size]
    for a in range(size):
        x[a] = math.exp(u[a])
    payoff_jacobian(payoffs, counts, offsets, x, jacobian, values)
    for i in range(n):
        best = offsets[i]
        total = -1.0
        for a in range(offsets[i], offsets[i + 1]):
            total += x[a]
            if u[a] > u[best]:
                best = a
        for a in range(offsets[i], offsets[i + 1]):
            if a == best:
                for c in range(size + 1):
                    matrix[a, c] = 0.0
                for c in range(offsets[i], offsets[i + 1]):
                    matrix[a, c] = x[c]
                right[a, 0] = -total
                continue
            for c in range(size):
                matrix[a, c] = -rationality * (jacobian[a, c] - jacobian[best, c]) * x[c]
            matrix[a, a] = 1.0
            matrix[a, best] = -1.0
            gain = values[a] - values[best]
            matrix[a, size] = -gain
            right[a, 0] = rationality * gain + (log_prior[a] - log_prior[best]) - (u[a] - u[best])


@kernel
def regret_on_curve(
    offsets: NDArray[np.int64],
    spread: NDArray[np.float64],
    log_prior: NDArray[np.float64],
    u: NDArray[np.float64],
) -> float:
    """Return the largest regret of a point on the curve, as a share of its player's payoff spread.

    There ``lambda (v_i(a) - v_i(b))`` is a difference of log-probabilities, so that no payoff is needed.
    """
    size = u.shape[0] - 1
    worst = 0.0
    for i in range(spread.shape[0]):
        best = -1.0e300
        mean = 0.0
        for a in range(offsets[i], offsets[i + 1]):
            value = u[a] - log_prior[a]
            mean += math.exp(u[a]) * value
            if value > best:
                best = value
        regret = (best - mean) / (max(u[size], 1.0e-12) * spread[i])
        if regret > worst:
            worst = regret
    return worst


@kernel
def trace(
    payoffs: NDArray[np.float64],
    counts: NDArray[np.int64],
    offsets: NDArray[np.int64],
    spread: NDArray[np.float64],
    log_prior: NDArray[np.float64],
    u: NDArray[np.float64],
    tangent: NDArray[np.float64],
    control: NDArray[np.float64],
    points: NDArray[np.float64],
    counters: NDArray[np.int64],
    target: float,
    stop_regret: float,
    accept: float,
    max_systems: int,
) -> int:
    """Follow the curve from u, in place.

    Parameters
    ----------
    u, tangent : ndarray, shape (N + 1,)
        Where the path stands and the unit vector along it; an all-zero tangent starts towards larger lambda.
    control : ndarray, shape (3,)
        The next step's length, the regret at u, and the first correction to aim at.
    points : ndarray, shape (K, N + 2)
        Takes the accepted points with their regrets, from row 0 on.
    counters : ndarray of int64, shape (2,)
        The points stored by this call, and the linear systems solved by all calls.
    target : float
        Stop at the first point whose lambda is not below it.
    stop_regret : float
        Stop at the first point with no larger regret.
    accept : float
        The largest correction after which a point counts as on the curve.

    Returns
    -------
    int
        ``FULL``, ``CROSSED``, ``SETTLED`` or ``STALLED``.
    """
    size = u.shape[0] - 1
    matrix = np.empty((size + 1, size + 1))
    right = np.empty((size + 1, 2))
    jacobian = np.empty((size, size))
    values = np.empty(size)
    x = np.empty(size)
    trial = np.empty(size + 1)
    counters[0] = 0
    systems = 0
    starting = True
    for c in range(size + 1):
        if tangent[c] != 0.0:
            starting = False
    if starting:
        tangent[size] = 1.0
    while systems < max_systems and counters[0] < points.shape[0]:
        length = 0.0 if starting else control[0]
        if tangent[size] > 0.0 and u[size] + length * tangent[size] > target:
            length = (target - u[size]) / tangent[size]
        magnitude = 1.0
        for c in range(size + 1):
            trial[c] = u[c] + length * tangent[c]
            if abs(trial[c]) > magnitude:
                magnitude = abs(trial[c])
        if not starting and (length <= 1.0e-11 * magnitude or u[size] > LARGEST_RATIONALITY):
            return STALLED
        first = 0.0
        previous = 0.0
        good = False
        for correction in range(6):
            logit_system(payoffs, counts, offsets, log_prior, trial, matrix, right, x, jacobian, values)
            for c in range(size + 1):
                matrix[size, c] = tangent[c]
                right[c, 1] = 0.0
            right[size, 0] = 0.0
            right[size, 1] = 1.0
            pivot = eliminate(matrix, right)
            systems += 1
            counters[1] += 1
            if not pivot > 0.0:
                break
            moved = 0.0
            for c in range(size + 1):
                if not abs(right[c, 0]) <= moved:
                    moved = abs(right[c, 0])
            if not moved < 1.0e3:
                break
            if correction == 0:
                first = moved
                if moved > 5.0 * control[2]:
                    break
            elif moved > accept and moved > 0.4 * previous:
                break
            previous = moved
            for c in range(size + 1):
                trial[c] += right[c, 0]
            if moved <= accept:
                good = True
                break
        norm = 0.0
        if good:
            for c in range(size + 1):
                norm += right[c, 1] * right[c, 1]
            norm = math.sqrt(norm)
            # The new direction times the old one is one, so that 1 / norm is the cosine of their angle.
            if not norm < 1.2 and not starting:
                good = False
        if not good:
            if starting:
                return STALLED
            control[0] = 0.5 * length
            continue
        for c in range(size + 1):
            u[c] = trial[c]
            tangent[c] = right[c, 1] / norm
        if starting:
            starting = False
            continue
        factor = 3.0
        if first > 0.0:
            factor = min(3.0, max(0.5, math.sqrt(control[2] / first)))
        control[0] = length * factor
        control[1] = regret_on_curve(offsets, spread, log_prior, u)
        stored = counters[0]
        for c in range(size + 1):
            points[stored, c] = u[c]
        points[stored, size + 1] = control[1]
        counters[0] = stored + 1
        if u[size] >= target * (1.0 - 1.0e-9):
            return CROSSED
        if control[1] <= stop_regret:
            return SETTLED
    return FULL


@kernel
def fixed_rationality(
    payoffs: NDArray[np.float64],
    counts: NDArray[np.int64],
    offsets: NDArray[np.int64],
    log_prior: NDArray[np.float64],
    u: NDArray[np.float64],
    max_steps: int,
) -> float:
    """Correct u at its own lambda, in place; returns the last correction, infinity where the steps ran away."""
    size = u.shape[0] - 1
    matrix = np.empty((size + 1, size + 1))
    right = np.empty((size + 1, 2))
    jacobian = np.empty((size, size))
    values = np.empty(size)
    x = np.empty(size)
    moved = np.inf
    for _ in range(max_steps):
        logit_system(payoffs, counts, offsets, log_prior, u, matrix, right, x, jacobian, values)
        for c in range(size + 1):
            matrix[size, c] = 0.0
            right[c, 1] = 0.0
        matrix[size, size] = 1.0
        right[size, 0] = 0.0
        pivot = eliminate(matrix, right)
        if not pivot > 0.0:
            return np.inf
        previous = moved
        moved = 0.0
        for c in range(size):
            if not abs(right[c, 0]) <= moved:
                moved = abs(right[c, 0])
            u[c] += right[c, 0]
        if not moved < 1.0e3:
            return np.inf
        if moved <= 1.0e-9 and (moved <= 1.0e-14 or moved >= 0.5 * previous):
            break
    return moved
