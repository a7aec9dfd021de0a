"""Newton's method on the equations of a stationary equilibrium with given supports, in all states at once.

With the supports fixed, every action played earns what the state is worth, which contains Bellman's equations::

    d_i(s, a) - V_i(s) = 0  for a in the support of i in s,     sum_a x_i(s, a) = 1,

as many equations as unknowns x and V. Near an isolated solution each step doubles the digits. Where a probability
comes out negative the action leaves the support, and where an action outside earns more than the state is worth it
joins, one action of each player in each state at a time.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from marlgt.solvers.stochastic._stage_tables import Floats, StageTables

__all__ = ["LARGEST_SYSTEM", "is_balanced", "refined", "supports_above"]

_STEPS = 25
_RESIDUAL = 1e-12
_NEGATIVE = 1e-11
_GAIN = 1e-11
LARGEST_SYSTEM = 2500
"""Unknowns above which nothing is tried."""
_FAR = 1e8
"""A step, in probabilities and units of reward, after which Newton's method does not come back."""
_RUNAWAY = 1e9
"""Growth of a solution over its right side from which the equations are taken for dependent."""


def supports_above(tables: StageTables, x: Floats, share: float) -> NDArray[np.bool_]:
    """Return which actions have more than ``share`` of probability, shape (m, K); never an empty support."""
    support = np.zeros(x.shape, dtype=bool)
    for i in range(tables.n_players):
        part = x[:, tables.block(i)]
        support[:, tables.block(i)] = part > np.minimum(share, 0.5 * part.max(axis=1, keepdims=True))
    return support


def is_balanced(tables: StageTables, support: NDArray[np.bool_]) -> bool:
    """Tell whether no player mixes over more actions, in any state, than the others' mixtures can make equal.

    In an equilibrium of almost every game none does: the number of her equations, one less than her actions, is not
    above the number of the others' probabilities that are free.
    """
    free = np.add.reduceat(support, tables.offsets[:-1], axis=1) - 1
    return bool((2 * free <= free.sum(axis=1, keepdims=True)).all())


def refined(
    tables: StageTables,
    x: Floats,
    values: Floats,
    support: NDArray[np.bool_],
    *,
    support_changes: int = 6,
    dependent: bool = True,
) -> Floats | None:
    """Return the stationary equilibrium that Newton's method reaches from a guess, shape (m, K), or None.

    The equations hold to about 1e-12 of the values; the certificate is for the caller to compute.

    Parameters
    ----------
    dependent : bool
        Go on where the equations depend on one another, which takes fifty times as long for a step.
    """
    support = support.copy()
    seen = set()
    for _ in range(support_changes + 1):
        key = support.tobytes()
        if key in seen:
            return None
        seen.add(key)
        found = _on_supports(tables, _onto(tables, x, support), values, support, dependent)
        if found is None:
            return None
        x, values, earned = found
        left = _leaving(tables, x, support)
        if not left:
            x = np.maximum(x, 0.0)
            if not _joining(tables, earned, values, support):
                return x
    return None


def _onto(tables: StageTables, x: Floats, support: NDArray[np.bool_]) -> Floats:
    """Return policies with a positive part on every action of the supports and none elsewhere."""
    result = np.where(support, np.maximum(x, 0.0), 0.0)
    for i in range(tables.n_players):
        block = tables.block(i)
        totals = result[:, block].sum(axis=1, keepdims=True)
        part = np.where(totals > 1e-9, result[:, block], support[:, block])
        result[:, block] = part / part.sum(axis=1, keepdims=True)
    return result


def _leaving(tables: StageTables, x: Floats, support: NDArray[np.bool_]) -> bool:
    """Take the most negative probability of each player and state out of the supports; whether there was one."""
    found = False
    every = np.arange(tables.n_states)
    for i in range(tables.n_players):
        block = tables.block(i)
        worst = x[:, block].argmin(axis=1) + block.start
        out = x[every, worst] < -_NEGATIVE
        support[every[out], worst[out]] = False
        found = found or bool(out.any())
    return found


def _joining(tables: StageTables, earned: Floats, values: Floats, support: NDArray[np.bool_]) -> bool:
    """Let the best action outside each support join where it earns more; whether there was one."""
    found = False
    every = np.arange(tables.n_states)
    threshold = _GAIN * max(1.0, float(np.abs(values).max()))
    for i in range(tables.n_players):
        block = tables.block(i)
        outside = np.where(support[:, block] | ~tables.legal[:, block], -np.inf, earned[:, block])
        best = outside.argmax(axis=1)
        joins = outside[every, best] - values[i] > threshold
        support[every[joins], block.start + best[joins]] = True
        found = found or bool(joins.any())
    return found


def _on_supports(
    tables: StageTables, x: Floats, values: Floats, support: NDArray[np.bool_], dependent: bool
) -> tuple[Floats, Floats, Floats] | None:
    """Solve the equations from x and values; return them with what each action earns, or None."""
    n, m = values.shape
    states, actions = np.nonzero(support)
    owner = np.searchsorted(tables.offsets, actions, side="right") - 1
    played = len(states)
    numbers = np.full(support.shape, -1)
    numbers[states, actions] = np.arange(played)
    size = played + n * m
    if size > LARGEST_SYSTEM:
        return None
    previous = np.inf
    for step in range(_STEPS + 1):
        jacobian, earned = tables.pairwise(x, tables.worths(values))
        right = np.empty(size)
        right[:played] = values[owner, states] - earned[states, actions]
        totals = np.add.reduceat(x * support, tables.offsets[:-1], axis=1).T
        right[played:] = (1.0 - totals).reshape(-1)
        residual = float(np.abs(right).max()) / max(1.0, float(np.abs(values).max()))
        if not residual < 1e6:
            return None
        if residual <= 1e-15 or step == _STEPS or (residual <= _RESIDUAL and residual >= 0.5 * previous):
            return (x, values, earned) if residual <= _RESIDUAL else None
        if step >= 8 and residual > 0.5 * previous:
            return None
        previous = residual
        matrix = np.zeros((size, size))
        rows, columns = np.nonzero(support[states])
        matrix[rows, numbers[states[rows], columns]] = jacobian[states[rows], actions[rows], columns]
        for i in range(n):
            own = np.flatnonzero(owner == i)
            ahead = tables.chances(x, i)[states[own], actions[own] - tables.offsets[i]]
            worths = slice(played + i * m, played + (i + 1) * m)
            matrix[own, worths] = tables.game.discount * ahead
        matrix[np.arange(played), played + owner * m + states] -= 1.0
        matrix[played + owner * m + states, np.arange(played)] = 1.0
        solved = _solution(matrix, right, dependent)
        if solved is None or not np.abs(solved).max() < _FAR:
            return None
        x = x.copy()
        x[states, actions] += solved[:played]
        values = values + solved[played:].reshape(n, m)
    return None


def _solution(matrix: Floats, right: Floats, dependent: bool) -> Floats | None:
    """Solve a square system; where the equations depend on one another the shortest solution, or None."""
    if not np.isfinite(matrix).all():
        return None
    try:
        solved = np.linalg.solve(matrix, right)
        if np.abs(solved).max() <= _RUNAWAY * max(1.0, float(np.abs(right).max())):
            return np.asarray(solved)
    except np.linalg.LinAlgError:
        pass
    if not dependent:
        return None
    return np.asarray(np.linalg.lstsq(matrix, right, rcond=1e-12)[0])
