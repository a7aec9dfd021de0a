"""Following the logit correspondence of a stochastic game by predictor and corrector.

The unknowns are the log-probabilities xi, the values V and lambda. With r the likeliest action of player i in
state s, p the log-probabilities at lambda = 0 and d of :mod:`marlgt.solvers.stochastic._stage_tables`::

    xi_i(s, a) - xi_i(s, r) - lambda (d_i(s, a) - d_i(s, r)) - (p_i(s, a) - p_i(s, r)) = 0   for a != r,
    sum_a exp(xi_i(s, a)) - 1 = 0,
    V_i(s) - sum_a exp(xi_i(s, a)) d_i(s, a) = 0.

Given V and lambda, the first two are equations of one state alone. Their derivatives are one small block per state,
which is eliminated first; what is left is a system of the size of V and lambda, with the condition that a correction
is orthogonal to the path in (xi, lambda) as its last row.
"""

from __future__ import annotations

import numpy as np

from marlgt.solvers.stochastic._stage_tables import Floats, StageTables

__all__ = ["CROSSED", "FULL", "SETTLED", "STALLED", "QuantalTrace"]

FULL, CROSSED, SETTLED, STALLED = 0, 1, 2, 3
"""Why a trace returned: no more systems, at the target, at the gain asked for, or no step possible."""

Point = tuple[Floats, Floats, float]
"""Log-probabilities (m, K), values (n, m) and lambda, or a direction in their space."""

LARGEST_RATIONALITY = 1e13
"""Beyond it rounding of payoffs alone decides the probabilities."""

_CORRECTIONS = 6
_MOST_GROWTH = 3.0
_LARGEST_MOVE = 1e3
_LEAST_COSINE = 1.0 / 1.2
_ABSURD = 1e3
"""A probability from which a prediction is not worth correcting."""
_FAILURES = 5
_NEGLIGIBLE = -30.0
"""Log-probability below which a prediction's error does not count: the equations are linear there."""


class QuantalTrace:
    """A path in progress: where it stands, and how to follow it further.

    Parameters
    ----------
    tables : StageTables
    start : ndarray, shape (m, K)
        The policies at lambda = 0, positive on all legal actions; even ones give the principal branch.
    aim : float
        The first correction to aim at, in log-probability: small ones keep the path from jumping to another branch.
    accept : float
        The largest last correction of a point; its error is about the square.

    Attributes
    ----------
    xi : ndarray, shape (m, K)
    values : ndarray, shape (n, m)
    rationality : float
    systems : int
        Linear systems solved so far.
    gain : float
        The largest gain from a better action in one step, at the point where the path stands.
    points : list of tuple
        Rationality, policies, values and gain of each accepted point, if they are kept.
    """

    def __init__(
        self, tables: StageTables, start: Floats, *, aim: float = 0.01, accept: float = 1e-3, keep: bool = False
    ) -> None:
        self.tables = tables
        self._prior = np.log(np.where(tables.legal, start, 1.0))
        self.xi = self._prior.copy()
        self.values = tables.evaluate(start)
        self.rationality = 0.0
        self.systems = 0
        self.gain = np.inf
        self.points: list[tuple[float, Floats, Floats, float]] = []
        self._keep = keep
        self._aim, self._accept = aim, accept
        self._length = 0.05
        self._tangent: Point | None = None
        self._bend = self._straight()

    @property
    def x(self) -> Floats:
        """The policies where the path stands, shape (m, K)."""
        return np.asarray(np.exp(self.xi) * self.tables.legal)

    def follow(self, *, target: float = np.inf, stop_gain: float = -1.0, systems: int = 200) -> int:
        """Go on for at most this many linear systems; return why it stopped."""
        ended = self.systems + systems
        if self._tangent is None:
            zero = np.zeros_like(self.xi)
            self._tangent = (zero, np.zeros_like(self.values), 1.0)
            _, direction, gain = self._correction(self.xi, self.values, self.rationality, self._tangent)
            if direction is None:
                return STALLED
            self._tangent = _unit(direction)
            self.gain = gain
        failures = 0
        while self.systems < ended:
            old = self._tangent
            rate = old[2]
            length = self._length
            if rate > 0.0 and self.rationality + length * rate > target:
                length = (target - self.rationality) / rate
            bend = 0.5 * length * length
            xi = self.xi + length * old[0] + bend * self._bend[0]
            values = self.values + length * old[1] + bend * self._bend[1]
            rationality = self.rationality + length * old[2] + bend * self._bend[2]
            largest = max(1.0, float(np.abs(xi).max()), abs(rationality))
            if length <= 1e-11 * largest or self.rationality > LARGEST_RATIONALITY:
                return STALLED
            point = self._corrected(xi, values, rationality)
            if point is None:
                self._length = 0.5 * length
                failures += 1
                if failures % _FAILURES == 0:
                    self._refresh()
                continue
            failures = 0
            self.xi, self.values, self.rationality, new, self.gain, first = point
            self._bend = (new[0] - old[0]) / length, (new[1] - old[1]) / length, (new[2] - old[2]) / length
            self._tangent = new
            growth = min(_MOST_GROWTH, max(0.5, np.cbrt(self._aim / first))) if first > 0.0 else _MOST_GROWTH
            self._length = length * float(growth)
            if self._keep:
                self.points.append((self.rationality, self.x, self.values, self.gain))
            if self.rationality >= target * (1.0 - 1e-9):
                return CROSSED
            if self.rationality < 0.0:
                # Only a jump to another branch leads there: the principal one starts at 0 and does not come back.
                return STALLED
            if self.gain <= stop_gain:
                return SETTLED
        return FULL

    def _refresh(self) -> None:
        """Compute the tangent where the path stands anew, and forget how it bent."""
        step, direction, _ = self._correction(self.xi, self.values, self.rationality, self._tangent)
        self._bend = self._straight()
        if step is not None and direction is not None and float(np.abs(step[0]).max()) <= self._aim:
            self.xi, self.values = self.xi + step[0], self.values + step[1]
            self.rationality += step[2]
            self._tangent = _unit(direction)

    def _straight(self) -> Point:
        return np.zeros_like(self.xi), np.zeros_like(self.values), 0.0

    def _corrected(
        self, xi: Floats, values: Floats, rationality: float
    ) -> tuple[Floats, Floats, float, Point, float, float] | None:
        """Return the point of the curve near a prediction with its tangent and gain, or None to step less far."""
        first = previous = 0.0
        tangent = self._tangent
        for k in range(_CORRECTIONS):
            step, direction, gain = self._correction(xi, values, rationality, tangent)
            if step is None or direction is None:
                return None
            counted = np.maximum(xi, xi + step[0]) > _NEGLIGIBLE
            moved = max(float(np.abs(step[0][counted]).max()), abs(step[2]) / max(1.0, abs(rationality)))
            if not moved < _LARGEST_MOVE:
                return None
            if k == 0:
                first = moved
                if moved > 5.0 * self._aim:
                    return None
            elif moved > self._accept and moved > 0.4 * previous:
                return None
            previous = moved
            xi, values, rationality = xi + step[0], values + step[1], rationality + step[2]
            if moved <= self._accept:
                # The direction's product with the old unit tangent is 1, so that 1 / norm is the cosine between them.
                if not 1.0 / _norm(direction) > _LEAST_COSINE:
                    return None
                return xi, values, rationality, _unit(direction), gain, first
        return None

    def land(self, rationality: float) -> bool:
        """Move to exactly this lambda nearby; False, and no move, where the equations there are not regular."""
        xi, values = self.xi, self.values
        across = (np.zeros_like(xi), np.zeros_like(values), 1.0)
        previous = np.inf
        for _ in range(30):
            step, _, gain = self._correction(xi, values, rationality, across)
            if step is None:
                return False
            moved = float(np.abs(step[0]).max())
            if not moved < _LARGEST_MOVE:
                return False
            xi, values = xi + step[0], values + step[1]
            if moved <= 1e-9 and (moved <= 1e-14 or moved >= 0.5 * previous):
                self.xi, self.values, self.rationality, self.gain = xi, values, rationality, gain
                return True
            previous = moved
        return False

    def _correction(
        self, xi: Floats, values: Floats, rationality: float, tangent: Point | None
    ) -> tuple[Point | None, Point | None, float]:
        """Return Newton's step across the tangent, the direction of the curve, and the largest gain, at one point."""
        tables = self.tables
        n, m, size = tables.n_players, tables.n_states, tables.size
        discount = tables.game.discount
        self.systems += 1
        with np.errstate(over="ignore"):
            x = np.exp(xi) * tables.legal
        if tangent is None or not x.max() < _ABSURD or not np.abs(values).max() < np.inf:
            return None, None, np.inf
        jacobian, earned = tables.pairwise(x, tables.worths(values))
        gain = float(tables.gains(earned, values).max())
        # The columns: each player's values in turn, then lambda, then what is left of the equations.
        known = np.zeros((m, size, n * m + 2))
        block = -rationality * jacobian * x[:, None, :]
        block[:, np.arange(size), np.arange(size)] += 1.0
        outside = np.zeros((m, n, size))
        likelihood = np.where(tables.legal, xi, -np.inf)
        for i in range(n):
            rows = tables.block(i)
            best = likelihood[:, rows].argmax(axis=1)
            every = np.arange(m)
            ahead = tables.chances(x, i)
            known[:, rows, i * m : (i + 1) * m] = -rationality * discount * ahead
            known[:, rows, n * m] = -earned[:, rows]
            known[:, rows, n * m + 1] = xi[:, rows] - self._prior[:, rows] - rationality * earned[:, rows]
            for array in (known, block):
                array[:, rows] -= array[every, rows.start + best][:, None, :]
            likeliest = every, rows.start + best
            known[likeliest] = 0.0
            known[(*likeliest, n * m + 1)] = x[:, rows].sum(axis=1) - 1.0
            block[likeliest] = 0.0
            block[:, rows, :][every, best, rows] = x[:, rows]
            outside[:, i] = -x * (x[:, None, rows] @ jacobian[:, rows, :])[:, 0]
            outside[:, i, rows] = -x[:, rows] * earned[:, rows]
            if i == 0:
                step_chances = (x[:, None, rows] @ ahead)[:, 0]
        barred = ~tables.legal
        if barred.any():
            block[barred] = 0.0
            known[barred] = 0.0
            at = np.nonzero(barred)
            block[at[0], at[1], at[1]] = 1.0
        try:
            solved = np.linalg.solve(block, known)
        except np.linalg.LinAlgError:
            return None, None, np.inf
        coupled = outside @ solved
        inner = n * m
        matrix = np.zeros((inner + 1, inner + 1))
        right = np.zeros((inner + 1, 2))
        evaluation = np.eye(m) - discount * step_chances
        for i in range(n):
            part = slice(i * m, (i + 1) * m)
            matrix[part, :] = -coupled[:, i, : inner + 1]
            matrix[part, part] += evaluation
            right[part, 0] = coupled[:, i, inner + 1]
        right[:inner, 0] -= (values - tables.averages(x, earned)).reshape(-1)
        crossing = tangent[0].reshape(-1) @ solved.reshape(m * size, -1)
        matrix[inner] = -crossing[: inner + 1]
        matrix[inner, inner] += tangent[2]
        right[inner] = crossing[inner + 1], 1.0
        try:
            moves = np.linalg.solve(matrix, right)
        except np.linalg.LinAlgError:
            return None, None, np.inf
        changes = -(solved[:, :, : inner + 1] @ moves)
        along = changes[:, :, 0] - solved[:, :, inner + 1]
        step: Point = np.asarray(along, np.float64), np.asarray(moves[:inner, 0].reshape(n, m)), float(moves[inner, 0])
        worth_along = np.asarray(moves[:inner, 1].reshape(n, m), np.float64)
        direction: Point = np.asarray(changes[:, :, 1], np.float64), worth_along, float(moves[inner, 1])
        return step, direction, gain


def _norm(direction: Point) -> float:
    return float(np.sqrt((direction[0] ** 2).sum() + direction[2] ** 2))


def _unit(direction: Point) -> Point:
    norm = _norm(direction)
    return direction[0] / norm, direction[1] / norm, direction[2] / norm
