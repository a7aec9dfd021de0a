"""What the states of a Markov chain with rewards are worth: V = r + P V, solved to rounding.

The entries of P are discounted and leave out terminal states, so that I - P is an M-matrix and the solution unique.
Small chains are solved by dense elimination. In large ones elimination fills the matrix, and a Krylov method is
several times faster: stabilized biconjugate gradients (van der Vorst 1992), preconditioned on the left by one
Gauss-Seidel sweep. With P = L + U split at the diagonal, the preconditioned operator (I - L)^-1 (I - L - U) takes v
to v minus one sweep from v without rewards, so that an application costs one pass over the entries. The residual
of the answer is computed anew and corrected; a chain on which the method stalls goes to a sparse factorization.

References
----------
van der Vorst, H. A. (1992). Bi-CGSTAB: a fast and smoothly converging variant of Bi-CG for the solution of
nonsymmetric linear systems. SIAM Journal on Scientific and Statistical Computing 13, 631-644.
"""

from __future__ import annotations

import sys
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from marlgt.kernels import gear, kernel

__all__ = ["Chain", "chain_of", "chain_values", "conjugate_steps", "sweep"]

_DENSE_STATES = 96
_ENTRIES_TO_MERGE = 16
_STEPS_PER_CALL = 2e7
_EXPECTED_ITERATIONS = 60
_MOST_ITERATIONS = 600
_CORRECTIONS = 4
_ONCE_STARTED = 10.0


class Chain(NamedTuple):
    """The entries of P row by row, without its diagonal, by which the rows have been divided.

    Attributes
    ----------
    first : ndarray of int64, shape (S + 1,)
        Where the entries of each row begin.
    targets : ndarray of int64, shape (E,)
    weights : ndarray, shape (E,)
    stays : ndarray, shape (S,)
        One minus the diagonal of P.
    """

    first: NDArray[np.int64]
    targets: NDArray[np.int64]
    weights: NDArray[np.float64]
    stays: NDArray[np.float64]


def chain_of(
    n_states: int, states: NDArray[np.int64], targets: NDArray[np.int64], weights: NDArray[np.float64]
) -> Chain:
    """Return the chain of entries sorted by state; several entries for one pair of states add up."""
    looping = states == targets
    stays = np.asarray(1.0 - np.bincount(states[looping], weights[looping], minlength=n_states), dtype=np.float64)
    moving = ~looping
    states, targets, weights = states[moving], targets[moving], weights[moving]
    if len(states) > _ENTRIES_TO_MERGE * n_states:
        # A policy that mixes widely goes the same way by many profiles of actions.
        ways, place = np.unique(states * n_states + targets, return_inverse=True)
        states, targets = ways // n_states, ways % n_states
        weights = np.asarray(np.bincount(place, weights), dtype=np.float64)
    first = np.zeros(n_states + 1, dtype=np.int64)
    np.cumsum(np.bincount(states, minlength=n_states), out=first[1:])
    return Chain(first, targets, np.asarray(weights / stays[states], dtype=np.float64), stays)


def chain_values(chain: Chain, rewards: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return what each state is worth for each row of rewards, shape (n, S) for rewards of shape (n, S)."""
    paid = rewards / chain.stays
    n_states = len(chain.stays)
    if n_states <= _DENSE_STATES:
        return np.asarray(np.linalg.solve(_dense(chain), paid.T).T)
    work = 2.0 * _EXPECTED_ITERATIONS * len(paid) * (len(chain.targets) + 5 * n_states)
    # Most of what compiling has to repay is numba's own start.
    steps: Any = gear(conjugate_steps, _ONCE_STARTED * work if "numba" in sys.modules else work)
    if steps is conjugate_steps:
        return _by_factors(chain, paid)
    found = np.empty_like(paid)
    for row, own in zip(found, paid):
        if not _by_conjugate_steps(chain, own, row, steps):
            return _by_factors(chain, paid)
    return found


def _by_conjugate_steps(chain: Chain, paid: NDArray[np.float64], values: NDArray[np.float64], steps: Any) -> bool:
    """Write the values of one row of rewards; return whether the residual fell to the level of rounding."""
    n_states = len(paid)
    values[:] = 0.0
    work, scalars = np.empty((6, n_states)), np.empty(6)
    budget = max(1, int(_STEPS_PER_CALL / (2 * len(chain.targets) + 12 * n_states + 1)))
    left = np.inf
    for _ in range(_CORRECTIONS):
        # Later rounds correct the values by the residual of what stands, as iterative refinement does.
        done, scalars[5] = 0, np.inf
        while done < _MOST_ITERATIONS:
            made = steps(chain.first, chain.targets, chain.weights, paid, values, work, scalars, done, budget)
            done += budget
            if made < budget:
                break
        before, left = left, scalars[5]
        if not left < np.inf:
            return False
        if left <= 4.0 * np.finfo(np.float64).eps * (np.abs(values).max() + np.abs(paid).max()):
            return True
        if left > 0.5 * before:
            return False
    return False


def _by_factors(chain: Chain, paid: NDArray[np.float64]) -> NDArray[np.float64]:
    from scipy.sparse import csr_array, identity
    from scipy.sparse.linalg import splu

    n_states = len(chain.stays)
    moves = csr_array((chain.weights, chain.targets, chain.first), shape=(n_states, n_states))
    return np.asarray(splu((identity(n_states, format="csr") - moves).tocsc()).solve(paid.T).T)


def _dense(chain: Chain) -> NDArray[np.float64]:
    n_states = len(chain.stays)
    states = np.repeat(np.arange(n_states), np.diff(chain.first))
    moves = np.bincount(states * n_states + chain.targets, chain.weights, minlength=n_states * n_states)
    return np.eye(n_states) - moves.reshape(n_states, n_states)


@kernel
def sweep(first: Any, targets: Any, weights: Any, source: Any, result: Any) -> None:
    """Write v - y, where y is one Gauss-Seidel sweep from v without rewards: the preconditioned operator."""
    n = source.shape[0]
    for s in range(n):
        result[s] = source[s]
    for s in range(n):
        total = 0.0
        for e in range(first[s], first[s + 1]):
            total += weights[e] * result[targets[e]]
        result[s] = total
    for s in range(n):
        result[s] = source[s] - result[s]


@kernel
def conjugate_steps(
    first: Any, targets: Any, weights: Any, paid: Any, values: Any, work: Any, scalars: Any, done: int, budget: int
) -> int:
    """Make up to ``budget`` steps of stabilized biconjugate gradients for the correction of ``values``.

    The rows of ``work`` are the residual, its shadow, the direction, their images, and the correction; ``scalars``
    carries the recurrences from call to call. When the residual is a millionth of what it was, or the recurrence
    breaks down, the correction is added. Return the steps made; ``scalars[5]`` is the largest entry of the residual
    of ``values`` in V = r + P V.
    """
    n = paid.shape[0]
    residual, shadow, direction, image, second, correction = work
    if done == 0:
        for s in range(n):
            total = paid[s] - values[s]
            for e in range(first[s], first[s + 1]):
                total += weights[e] * values[targets[e]]
            residual[s] = total
        for s in range(n):
            total = residual[s]
            for e in range(first[s], first[s + 1]):
                # Entries before s hold the preconditioned residual already; the others do not count.
                total += weights[e] * residual[targets[e]] if targets[e] < s else 0.0
            residual[s] = total
        norm = 0.0
        for s in range(n):
            shadow[s] = residual[s]
            direction[s] = residual[s]
            correction[s] = 0.0
            norm += residual[s] * residual[s]
        scalars[0] = norm
        scalars[1] = norm
    rho = scalars[0]
    made = 0
    while made < budget:
        sweep(first, targets, weights, direction, image)
        along = 0.0
        for s in range(n):
            along += shadow[s] * image[s]
        if along == 0.0 or rho == 0.0:
            break
        alpha = rho / along
        for s in range(n):
            residual[s] -= alpha * image[s]
        sweep(first, targets, weights, residual, second)
        above = 0.0
        below = 0.0
        for s in range(n):
            above += second[s] * residual[s]
            below += second[s] * second[s]
        omega = above / below if below > 0.0 else 0.0
        norm = 0.0
        upcoming = 0.0
        for s in range(n):
            correction[s] += alpha * direction[s] + omega * residual[s]
            residual[s] -= omega * second[s]
            norm += residual[s] * residual[s]
            upcoming += shadow[s] * residual[s]
        made += 1
        if norm <= 1e-12 * scalars[1] or omega == 0.0:
            break
        beta = upcoming / rho * (alpha / omega)
        rho = upcoming
        for s in range(n):
            direction[s] = residual[s] + beta * (direction[s] - omega * image[s])
    scalars[0] = rho
    if made < budget:
        for s in range(n):
            values[s] += correction[s]
        scalars[5] = 0.0
        for s in range(n):
            total = paid[s] - values[s]
            for e in range(first[s], first[s + 1]):
                total += weights[e] * values[targets[e]]
            scalars[5] = max(scalars[5], abs(total))
    return made
