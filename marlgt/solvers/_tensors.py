"""The payoff tensor as solvers use it, and its pairwise derivatives.

Write ``v_i(a)`` for what action a of player i earns against the others' mixed strategies x. The payoff
is linear in each opponent's strategy, so that everything a first-order method needs is the matrix of
``J[(i, a), (j, b)]``: what i earns with a when j plays b and the rest play x. Then for every j != i

    v_i(a) = sum_b J[(i, a), (j, b)] x_j(b)    and    dv_i(a) / dx_j(b) = J[(i, a), (j, b)].

The axes are contracted one by one, the leading ones once for all the opponents that follow.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from marlgt.concepts.deviations import values_and_regrets
from marlgt.errors import GameError
from marlgt.games._comparable import comparable_payoffs
from marlgt.games.normal_form import NormalFormGame
from marlgt.kernels import kernel

__all__ = [
    "INTERPRETED",
    "Tensor",
    "check_positive",
    "contract",
    "eliminate",
    "payoff_jacobian",
    "regret_of",
    "split",
    "stack",
    "tensor_of",
]

INTERPRETED = 4.0
"""What one inner-loop step of these kernels costs interpreted, in the unit of :func:`marlgt.kernels.gear`."""


@dataclass(frozen=True)
class Tensor:
    """A game's payoffs, shifted and scaled, with each player's flat.

    Attributes
    ----------
    payoffs : ndarray, shape (n, P)
        In [0, 1]; P is the number of pure profiles.
    counts : ndarray of int64, shape (n,)
    offsets : ndarray of int64, shape (n + 1,)
        Player i's actions stand at ``offsets[i]:offsets[i + 1]`` of a stacked vector.
    scale : ndarray, shape (n,)
        Payoffs of the game per unit here.
    """

    payoffs: NDArray[np.float64]
    counts: NDArray[np.int64]
    offsets: NDArray[np.int64]
    scale: NDArray[np.float64]

    @property
    def n_players(self) -> int:
        """The number of players."""
        return int(self.counts.size)

    @property
    def size(self) -> int:
        """The number of actions of all players together."""
        return int(self.offsets[-1])

    @property
    def jacobian_work(self) -> float:
        """Inner-loop steps of one :func:`payoff_jacobian`."""
        return 3.0 * self.payoffs.size + float(self.size) ** 2

    def uniform(self) -> NDArray[np.float64]:
        """The stacked profile in which every player mixes evenly."""
        return np.repeat(1.0 / self.counts, self.counts)


def tensor_of(game: NormalFormGame, *, common_scale: bool = False) -> Tensor:
    """Return the payoffs shifted to start at 0 and divided by their range.

    Parameters
    ----------
    common_scale : bool
        Divide every player's payoffs by the largest range of all, as quantal response asks for,
        rather than by each one's own; a range of zero counts as one.
    """
    n = game.n_players
    flat = comparable_payoffs(game).reshape(n, -1)
    shifted = np.asarray(flat - flat.min(axis=1, keepdims=True), dtype=np.float64)
    scale = np.array(game.payoff_range, dtype=np.float64)
    if common_scale:
        scale[:] = scale.max()
    scale[scale <= 0.0] = 1.0
    payoffs = np.ascontiguousarray(shifted / scale[:, None])
    counts = np.array(game.n_actions, dtype=np.int64)
    offsets = np.concatenate([np.zeros(1, dtype=np.int64), np.cumsum(counts)])
    return Tensor(payoffs, counts, offsets, scale)


def split(stacked: NDArray[np.float64], offsets: NDArray[np.int64]) -> tuple[NDArray[np.float64], ...]:
    """Return one array per player from a stacked vector, each made a distribution."""
    parts = []
    for i in range(len(offsets) - 1):
        part = np.maximum(stacked[offsets[i] : offsets[i + 1]], 0.0)
        parts.append(part / part.sum())
    return tuple(parts)


def stack(profile: Sequence[NDArray[np.float64]]) -> NDArray[np.float64]:
    """Return the profile's distributions end to end."""
    return np.concatenate(profile).astype(np.float64)


def regret_of(tensor: Tensor, stacked: NDArray[np.float64]) -> float:
    """Return the largest regret of a stacked profile, as a share of the player's scale."""
    profile = split(stacked, tensor.offsets)
    shaped = tensor.payoffs.reshape(-1, *(int(c) for c in tensor.counts))
    return float(values_and_regrets(shaped, profile)[1].max())


def check_positive(**arguments: float | None) -> None:
    """Raise for a limit that is given and no number above zero."""
    for name, value in arguments.items():
        if value is not None and not (
            isinstance(value, (int, float, np.integer, np.floating)) and value is not True and value > 0
        ):
            raise GameError(f"{name} is {value!r}: it must be positive")


@kernel
def contract(
    source: NDArray[np.float64],
    target: NDArray[np.float64],
    outer: int,
    count: int,
    inner: int,
    weights: NDArray[np.float64],
    start: int,
) -> None:
    """Write ``target[l, r] = sum_a weights[start + a] source[l, a, r]``; actions without weight cost nothing."""
    if inner == 1:
        for l in range(outer):
            total = 0.0
            base = l * count
            for a in range(count):
                total += weights[start + a] * source[base + a]
            target[l] = total
        return
    for l in range(outer):
        into = l * inner
        first = True
        for a in range(count):
            weight = weights[start + a]
            if weight == 0.0:
                continue
            base = (l * count + a) * inner
            if first:
                first = False
                for r in range(inner):
                    target[into + r] = weight * source[base + r]
            else:
                for r in range(inner):
                    target[into + r] += weight * source[base + r]
        if first:
            for r in range(inner):
                target[into + r] = 0.0


@kernel
def payoff_jacobian(
    payoffs: NDArray[np.float64],
    counts: NDArray[np.int64],
    offsets: NDArray[np.int64],
    x: NDArray[np.float64],
    jacobian: NDArray[np.float64],
    values: NDArray[np.float64],
) -> None:
    """Fill the pairwise payoffs (N, N) and the deviation payoffs (N,) at the stacked profile x (N,)."""
    n = counts.shape[0]
    size = payoffs.shape[1]
    head = np.empty(size)
    spare = np.empty(size)
    tail = np.empty(size)
    other = np.empty(size)
    for i in range(n):
        own = counts[i]
        for a in range(own):
            for b in range(own):
                jacobian[offsets[i] + a, offsets[i] + b] = 0.0
        head[:] = payoffs[i]
        left = size
        kept = 1
        for j in range(n):
            if j == i:
                kept = own
                continue
            remaining = left
            inner = 1
            fresh = True
            for l in range(n - 1, j, -1):
                if l == i:
                    inner = own
                    continue
                outer = remaining // (counts[l] * inner)
                if fresh:
                    contract(head, tail, outer, counts[l], inner, x, offsets[l])
                    fresh = False
                else:
                    contract(tail, other, outer, counts[l], inner, x, offsets[l])
                    tail, other = other, tail
                remaining = remaining // counts[l]
            if fresh:
                tail[:left] = head[:left]
            for a in range(own):
                for b in range(counts[j]):
                    if j < i:
                        entry = tail[b * own + a]
                    else:
                        entry = tail[a * counts[j] + b]
                    jacobian[offsets[i] + a, offsets[j] + b] = entry
            if j == n - 1 or (j == n - 2 and i == n - 1):
                for a in range(own):
                    total = 0.0
                    for b in range(counts[j]):
                        total += jacobian[offsets[i] + a, offsets[j] + b] * x[offsets[j] + b]
                    values[offsets[i] + a] = total
            else:
                contract(head, spare, kept, counts[j], left // (kept * counts[j]), x, offsets[j])
                head, spare = spare, head
                left = left // counts[j]
        if n == 1:
            for a in range(own):
                values[a] = payoffs[0, a]


@kernel
def eliminate(matrix: NDArray[np.float64], right: NDArray[np.float64]) -> float:
    """Solve in place by Gaussian elimination with scaled rows and partial pivoting.

    Returns
    -------
    float
        The smallest pivot in magnitude, of rows scaled to one; zero means singular, and ``right`` is spoilt.
    """
    m = matrix.shape[0]
    k = right.shape[1]
    for r in range(m):
        largest = 0.0
        for c in range(m):
            entry = abs(matrix[r, c])
            if entry > largest:
                largest = entry
        if largest > 0.0:
            factor = 1.0 / largest
            for c in range(m):
                matrix[r, c] *= factor
            for c in range(k):
                right[r, c] *= factor
    smallest = 1.0e300
    for p in range(m):
        best = p
        for r in range(p + 1, m):
            if abs(matrix[r, p]) > abs(matrix[best, p]):
                best = r
        pivot = matrix[best, p]
        if not abs(pivot) > 0.0:
            return 0.0
        if abs(pivot) < smallest:
            smallest = abs(pivot)
        if best != p:
            for c in range(p, m):
                held = matrix[p, c]
                matrix[p, c] = matrix[best, c]
                matrix[best, c] = held
            for c in range(k):
                held = right[p, c]
                right[p, c] = right[best, c]
                right[best, c] = held
        inverse = 1.0 / pivot
        for r in range(p + 1, m):
            factor = matrix[r, p] * inverse
            if factor != 0.0:
                for c in range(p + 1, m):
                    matrix[r, c] -= factor * matrix[p, c]
                for c in range(k):
                    right[r, c] -= factor * right[p, c]
    for p in range(m - 1, -1, -1):
        inverse = 1.0 / matrix[p, p]
        for c in range(k):
            total = right[p, c]
            for q in range(p + 1, m):
                total -= matrix[p, q] * right[q, c]
            right[p, c] = total * inverse
    return smallest
