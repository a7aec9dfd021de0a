"""What a team loses when its joint action values are made up of one utility per agent.

Joint values Q(u), an array of shape (A_1, ..., A_n), say what the joint action u is worth to the team;
utilities q_i(u_i) are what each agent can maximise alone. Individual global max (IGM; Son et al. 2019,
equation 1) asks that the agents' own best actions together are a best joint action. Where actions tie,
the arguments of the maxima are sets: IGM *holds* here when every combination of individually best actions
is jointly best, so that agents who break ties apart from each other lose nothing, and it is *equal* when,
beyond this, no other joint action is best (Albrecht et al. 2024, equation 9.25).

QTRAN's conditions look at D(u) = Σ_i q_i(u_i) - Q(u) + V. If D is 0 at the greedy joint action and
nowhere negative, then IGM holds (theorem 1), since Q(u) <= Σ_i q_i(u_i) + V <= Σ_i q_i(ū_i) + V = Q(ū).

The projections are the best that a class of functions can do with least squares: sums of utilities, as
in VDN, and functions that do not fall when a utility rises, as in QMIX. The second class depends on the
utilities only by the order in which they put each agent's actions: given the orders, the best fit is an
isotonic regression, and all orders are tried. What gradient descent reaches may be worse.

References
----------
Albrecht, S. V., Christianos, F. and Schäfer, L. (2024). Multi-Agent Reinforcement Learning. MIT Press.
Rashid, T. et al. (2018). QMIX: monotonic value function factorisation. ICML.
Son, K. et al. (2019). QTRAN: learning to factorize with transformation. ICML.
Sunehag, P. et al. (2018). Value-decomposition networks for cooperative multi-agent learning. AAMAS.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from math import factorial, prod

import numpy as np
from numpy.typing import ArrayLike, NDArray

from marlgt.concepts._isotonic import isotonic_fits, upper_set_bound
from marlgt.concepts._joint_values import (
    checked_action,
    checked_number,
    checked_utilities,
    checked_values,
    checked_weights,
)
from marlgt.errors import BudgetExceeded
from marlgt.games._doors import require_budget

__all__ = [
    "IndividualGlobalMax",
    "Projection",
    "QtranConditions",
    "additive_projection",
    "individual_global_max",
    "monotone_projection",
    "qtran_conditions",
    "qtran_residual",
]

_TIED = 1e-9
"""Difference, in units of the range of the joint values, within which round-off may have decided."""

_CHUNK = 2_000_000
"""Numbers per table while many orders are tried at once; bounds the memory."""


@dataclass(frozen=True)
class IndividualGlobalMax:
    """Whether greedy agents find the best joint action.

    Attributes
    ----------
    holds : bool
        Whether every combination of individually best actions is jointly best.
    equal : bool
        Whether these combinations are all the best joint actions.
    greedy, optimal : tuple of tuples of int
        Joint actions that are best by the utilities, and by the joint values, in lexicographic order.
    loss : float
        What the worst of the greedy joint actions is worth less than the best joint action.
    """

    holds: bool
    equal: bool
    greedy: tuple[tuple[int, ...], ...]
    optimal: tuple[tuple[int, ...], ...]
    loss: float


@dataclass(frozen=True)
class QtranConditions:
    """Whether utilities meet the conditions of QTRAN, each of which implies individual global max.

    Attributes
    ----------
    holds : bool
        Whether the residual is 0 at every greedy joint action and nowhere negative.
    alternative_holds : bool
        Whether it is 0 there and its least over each agent's actions is 0, whatever the others do; stronger.
    residual : ndarray, shape (A_1, ..., A_n)
    value : float
        The V of the residual.
    """

    holds: bool
    alternative_holds: bool
    residual: NDArray[np.float64]
    value: float


@dataclass(frozen=True)
class Projection:
    """The member of a class of functions that is nearest to joint values.

    Attributes
    ----------
    fit : ndarray, shape (A_1, ..., A_n)
    utilities : tuple of n ndarrays, shape (A_i,)
        Utilities whose sum the fit is; of a monotone fit, the rank of each action from 0, the worst.
    orders : tuple of n tuples of int
        Each agent's actions from the worst to the best.
    squared_error : float
        Sum of the (weighted) squared differences, over all joint actions.
    greedy : tuple of int
        The last actions of the orders: what greedy agents play.
    greedy_value : float
        What that is worth by the joint values.
    """

    fit: NDArray[np.float64]
    utilities: tuple[NDArray[np.float64], ...]
    orders: tuple[tuple[int, ...], ...]
    squared_error: float
    greedy: tuple[int, ...]
    greedy_value: float


def individual_global_max(
    joint_values: ArrayLike, utilities: Sequence[ArrayLike], *, tolerance: float = 1e-9
) -> IndividualGlobalMax:
    """Tell whether the agents' own best actions together are best for the team.

    Parameters
    ----------
    joint_values : array_like, shape (A_1, ..., A_n)
    utilities : sequence of n array_like, shape (A_i,)
    tolerance : float
        What a best action may fall short of the maximum, in the units of its values.

    Raises
    ------
    GameError
        If shapes do not fit each other, a number is not finite, or the tolerance is negative.

    Examples
    --------
    >>> matrix = [[8, -12, -12], [-12, 0, 0], [-12, 0, 0]]
    >>> individual_global_max(matrix, [[4, 2, 2], [4, 2, 2]]).holds
    True
    >>> individual_global_max(matrix, additive_projection(matrix).utilities).loss
    8.0
    """
    values, parts = checked_utilities(joint_values, utilities, tolerance)
    greedy = _greedy_combinations(parts, tolerance)
    top = float(values.max())
    optimal = tuple(tuple(int(a) for a in u) for u in np.argwhere(values >= top - tolerance))
    return IndividualGlobalMax(
        holds=set(greedy) <= set(optimal),
        equal=set(greedy) == set(optimal),
        greedy=greedy,
        optimal=optimal,
        loss=top - min(float(values[u]) for u in greedy),
    )


def qtran_residual(joint_values: ArrayLike, utilities: Sequence[ArrayLike], value: float) -> NDArray[np.float64]:
    """Return Σ_i q_i(u_i) - Q(u) + V for every joint action u, shape (A_1, ..., A_n).

    Raises
    ------
    GameError
        If shapes do not fit each other or a number is not finite.
    """
    values, parts = checked_utilities(joint_values, utilities, 0.0)
    return _total(parts) - values + checked_number(value, "value")


def qtran_conditions(
    joint_values: ArrayLike, utilities: Sequence[ArrayLike], *, value: float | None = None, tolerance: float = 1e-9
) -> QtranConditions:
    """Tell whether utilities meet the conditions under which QTRAN's greedy agents are optimal.

    Where utilities tie, every combination of individually best actions counts as greedy.

    Parameters
    ----------
    joint_values : array_like, shape (A_1, ..., A_n)
    utilities : sequence of n array_like, shape (A_i,)
    value : float, optional
        V; by default max Q - Σ_i max q_i, as in theorem 1.
    tolerance : float
        What a residual may differ from 0, and a best action fall short of the maximum.

    Raises
    ------
    GameError
        If shapes do not fit each other, a number is not finite, or the tolerance is negative.

    Examples
    --------
    >>> found = qtran_conditions([[8, -12, -12], [-12, 0, 0], [-12, 0, 0]], [[4, 2, 2], [4, 2, 2]])
    >>> found.holds, found.alternative_holds
    (True, False)

    References
    ----------
    Son et al. (2019), theorems 1 and 2.
    """
    values, parts = checked_utilities(joint_values, utilities, tolerance)
    constant = float(values.max() - sum(q.max() for q in parts)) if value is None else checked_number(value, "value")
    residual = qtran_residual(values, parts, constant)
    tight = all(abs(residual[u]) <= tolerance for u in _greedy_combinations(parts, tolerance))
    least = [residual.min(axis=i) for i in range(values.ndim)]
    return QtranConditions(
        holds=bool(tight and residual.min() >= -tolerance),
        alternative_holds=bool(tight and all((np.abs(low) <= tolerance).all() for low in least)),
        residual=residual,
        value=constant,
    )


def additive_projection(joint_values: ArrayLike, *, weights: ArrayLike | None = None) -> Projection:
    """Return the sum of utilities that is nearest to joint values: the best that VDN can represent.

    Parameters
    ----------
    joint_values : array_like, shape (A_1, ..., A_n)
    weights : array_like, shape (A_1, ..., A_n), optional
        How much each joint action counts, such as how often it was played; by default all count 1. Where
        weights of 0 leave the utilities open, the shortest are returned.

    Raises
    ------
    GameError
        If a number is not finite, or the weights do not fit, are negative or all 0.

    Examples
    --------
    >>> additive_projection([[0, 1], [1, 8]]).fit.tolist()
    [[-1.5, 2.5], [2.5, 6.5]]
    """
    values = checked_values(joint_values)
    if weights is None:
        kept = np.ones(values.shape)
        n, mean = values.ndim, values.mean()
        # The mean of Q over the others' actions, less each agent's share of the n - 1 means counted too often.
        parts = [values.mean(axis=tuple(j for j in range(n) if j != i)) - mean * (n - 1) / n for i in range(n)]
    else:
        kept = checked_weights(weights, values.shape)
        parts = _weighted_utilities(values, kept)
    fit = _total(parts)
    orders = tuple(_order(q, _TIED * float(np.ptp(values))) for q in parts)
    return _projection(values, fit, parts, orders, float((kept * (values - fit) ** 2).sum()))


def monotone_projection(
    joint_values: ArrayLike, *, greedy: Sequence[int] | None = None, budget: float | None = 5e9
) -> Projection:
    """Return the nearest function that never falls when a utility rises: the best that QMIX can represent.

    The least squares are global: all orders of the agents' actions are tried, with an exact isotonic
    regression for each. Among equally good orders the lexicographically first is returned.

    Parameters
    ----------
    joint_values : array_like, shape (A_1, ..., A_n)
    greedy : sequence of n int, optional
        Only orders in which these actions are the best ones are tried.
    budget : float, optional
        Allowed work, about one floating-point operation a unit; None allows any.

    Raises
    ------
    GameError
        If a number is not finite or ``greedy`` is no joint action.
    BudgetExceeded
        If the orders, counted before the work begins, are too many: (A_1)! ··· (A_n)! of them.

    Examples
    --------
    >>> found = monotone_projection([[8, -12, -12], [-12, 0, 0], [-12, 0, 0]])
    >>> found.greedy, round(found.squared_error, 6)
    ((0, 0), 288.0)
    """
    values = checked_values(joint_values)
    tops = None if greedy is None else checked_action(greedy, values.shape)
    _require_budget(values.shape, tops is not None, budget)
    choices = [
        [order for order in itertools.permutations(range(a)) if tops is None or order[-1] == tops[i]]
        for i, a in enumerate(values.shape)
    ]
    spread = float(np.ptp(values)) or 1.0
    scaled = (values - values.mean()) / spread
    # The last axis has the layers of the regression, which are cheapest when they are many.
    moved = [i for i in range(values.ndim) if i != np.argmax(values.shape)] + [int(np.argmax(values.shape))]
    best_error, best_fit = np.inf, scaled
    best_orders: tuple[tuple[int, ...], ...] = ()
    every = itertools.product(*choices)
    while chunk := list(itertools.islice(every, max(1, _CHUNK // (values.size * 8)))):
        sorted_values = np.stack([scaled[np.ix_(*orders)] for orders in chunk])
        targets = sorted_values.transpose(0, *(i + 1 for i in moved))
        fits = isotonic_fits(np.ascontiguousarray(targets))
        errors = ((fits - targets) ** 2).reshape(len(chunk), -1).sum(axis=1)
        first = int(np.argmax(errors <= errors.min() + _TIED))
        if errors[first] < best_error - _TIED:
            best_error, best_orders = float(errors[first]), chunk[first]
            best_fit = fits[first].transpose(np.argsort(moved))
    fit = np.empty(values.shape)
    fit[np.ix_(*best_orders)] = best_fit * spread + values.mean()
    ranks = [np.argsort(order).astype(float) for order in best_orders]
    return _projection(values, fit, ranks, best_orders, float(((values - fit) ** 2).sum()))


def _projection(
    values: NDArray[np.float64],
    fit: NDArray[np.float64],
    parts: Sequence[NDArray[np.float64]],
    orders: tuple[tuple[int, ...], ...],
    error: float,
) -> Projection:
    greedy = tuple(order[-1] for order in orders)
    return Projection(fit, tuple(parts), orders, error, greedy, float(values[greedy]))


def _total(parts: Sequence[NDArray[np.float64]]) -> NDArray[np.float64]:
    total = np.zeros(())
    for q in parts:
        total = np.add.outer(total, q)
    return np.asarray(total)


def _greedy_combinations(parts: Sequence[NDArray[np.float64]], tolerance: float) -> tuple[tuple[int, ...], ...]:
    best = [[int(a) for a in np.flatnonzero(q >= q.max() - tolerance)] for q in parts]
    return tuple(itertools.product(*best))


def _order(utility: NDArray[np.float64], tied: float) -> tuple[int, ...]:
    """Return actions from the worst to the best, of which the best is the first within round-off."""
    top = int(np.argmax(utility >= utility.max() - tied))
    return (*(int(a) for a in np.argsort(utility, kind="stable") if a != top), top)


def _weighted_utilities(values: NDArray[np.float64], weights: NDArray[np.float64]) -> list[NDArray[np.float64]]:
    indices = np.indices(values.shape).reshape(values.ndim, -1)
    design = np.hstack([np.eye(a)[own] for a, own in zip(values.shape, indices)])
    root = np.sqrt(weights / weights.max()).ravel()
    solution = np.linalg.lstsq(design * root[:, None], values.ravel() * root, rcond=None)[0]
    return np.split(solution, np.cumsum(values.shape)[:-1])


def _require_budget(shape: tuple[int, ...], restricted: bool, budget: float | None) -> None:
    require_budget(budget, "operations")
    n_orders = prod(factorial(a - 1 if restricted else a) for a in shape)
    cells, layers = prod(shape), sorted(shape)[:-1]
    estimate = float(n_orders * cells * cells * upper_set_bound(tuple(layers)))
    if budget is not None and estimate > budget:
        raise BudgetExceeded(
            f"monotone_projection of joint values of shape {shape} tries {n_orders:.1e} orders with about "
            f"{estimate:.1e} operations, above the budget of {budget:.1e}: give fewer actions, name the greedy "
            "joint action with greedy=, or pass budget=None to wait",
            estimate=estimate,
            limit=float(budget),
        )
