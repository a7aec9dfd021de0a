"""What kind of game a normal form is: zero-sum, symmetric, a potential game.

A function P on pure profiles is an exact potential when every unilateral deviation changes it by what
it changes the deviator's payoff, a weighted potential when that holds up to a positive factor per
player, and an ordinal potential when the two changes have the same sign (Monderer and Shapley 1996).
With an exact potential ``u_i - P`` does not depend on player i's action, which both finds P and checks
it. An ordinal potential exists exactly when no cycle of unilateral deviations, none of them a loss for
its deviator, holds a gain (Voorneveld and Norde 1997); the finite improvement property asks only that
no cycle consists of gains. Either way a pure Nash equilibrium exists.

Exact games are judged exactly, others within a tolerance relative to the payoff range.

References
----------
Monderer, D. and Shapley, L. S. (1996). Potential games. Games and Economic Behavior 14, 124-143.
Voorneveld, M. and Norde, H. (1997). A characterization of ordinal potential games. Games and Economic
Behavior 19, 235-242.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from marlgt.games._comparable import comparable_payoffs, slack_of
from marlgt.games._doors import require_game
from marlgt.games.normal_form import NormalFormGame

__all__ = [
    "has_finite_improvement_property",
    "is_common_interest",
    "is_constant_sum",
    "is_ordinal_potential",
    "is_potential",
    "is_symmetric",
    "is_zero_sum",
    "potential",
    "weighted_potential",
]


def is_zero_sum(game: NormalFormGame, *, tolerance: float = 1e-9) -> bool:
    """Tell whether the players' payoffs sum to zero in every pure profile.

    Examples
    --------
    >>> import marlgt as gt
    >>> is_zero_sum(gt.NormalFormGame.zero_sum([[1, -1], [-1, 1]]))
    True
    """
    require_game(game)
    totals = comparable_payoffs(game).sum(axis=0)
    return bool(np.abs(totals).max() <= slack_of(game, tolerance))


def is_constant_sum(game: NormalFormGame, *, tolerance: float = 1e-9) -> bool:
    """Tell whether the players' payoffs have the same sum in every pure profile."""
    require_game(game)
    totals = comparable_payoffs(game).sum(axis=0)
    return bool(totals.max() - totals.min() <= slack_of(game, tolerance))


def is_common_interest(game: NormalFormGame, *, tolerance: float = 1e-9) -> bool:
    """Tell whether all players get the same payoff in every pure profile."""
    require_game(game)
    payoffs = comparable_payoffs(game)
    return bool(np.abs(payoffs - payoffs[:1]).max() <= slack_of(game, tolerance))


def is_symmetric(game: NormalFormGame, *, tolerance: float = 1e-9) -> bool:
    """Tell whether every permutation of the players leaves the game as it is.

    Every player then has the same actions, in the same order, and what an action earns depends only
    on how many of the others choose each action.

    Examples
    --------
    >>> import marlgt as gt
    >>> is_symmetric(gt.NormalFormGame.bimatrix([[3, 0], [5, 1]], [[3, 5], [0, 1]]))
    True
    """
    require_game(game)
    n = game.n_players
    if len(set(game.n_actions)) > 1:
        return False
    payoffs, slack = comparable_payoffs(game), slack_of(game, tolerance)
    for i in range(n - 1):
        # Swaps of neighbours generate all permutations.
        order = list(range(n))
        order[i], order[i + 1] = i + 1, i
        swapped = np.transpose(payoffs, (0, *(j + 1 for j in order)))[order]
        if np.abs(payoffs - swapped).max() > slack:
            return False
    return True


def potential(game: NormalFormGame, *, tolerance: float = 1e-9) -> NDArray[np.float64] | None:
    """Return the exact potential that is 0 in the first profile, or None where there is none.

    Returns
    -------
    ndarray, shape (A_1, ..., A_n), or None

    Examples
    --------
    >>> import marlgt as gt
    >>> potential(gt.NormalFormGame.bimatrix([[-1, -5], [0, -3]], [[-1, 0], [-5, -3]]))
    array([[0., 1.],
           [1., 3.]])
    """
    require_game(game)
    payoffs = comparable_payoffs(game)
    steps = _steps_from_first(payoffs)
    if _depends_on_own_action(payoffs, steps.sum(axis=0), slack_of(game, tolerance)):
        return None
    return np.asarray(steps.sum(axis=0), dtype=np.float64)


def is_potential(game: NormalFormGame, *, tolerance: float = 1e-9) -> bool:
    """Tell whether the game has an exact potential."""
    require_game(game)
    return potential(game, tolerance=tolerance) is not None


def weighted_potential(
    game: NormalFormGame, *, tolerance: float = 1e-9
) -> tuple[NDArray[np.float64], NDArray[np.float64]] | None:
    """Return a potential P and weights w > 0 with ``w_i`` times the change of P as i's change of payoff.

    The decision is made in floats, with the tolerance, in exact games too.

    Returns
    -------
    P : ndarray, shape (A_1, ..., A_n)
        0 in the first profile.
    weights : ndarray, shape (n,)
        Their geometric mean is 1.
    None
        Where there is no such pair.
    """
    require_game(game)
    n = game.n_players
    scale = np.where(game.payoff_range > 0, game.payoff_range, 1.0)
    shape = (n, *(1,) * n)
    payoffs = game.payoffs / scale.reshape(shape)
    steps = _steps_from_first(payoffs)
    # Unknowns are v_i = 1 / w_i; the equations say that sum_j v_j steps_j - v_i u_i ignores a_i.
    equations = []
    for i in range(n):
        terms = steps.copy()
        terms[i] -= payoffs[i]
        equations.append((terms - terms.take([0], axis=i + 1)).reshape(n, -1).T)
    _, singular, basis = np.linalg.svd(np.linalg.qr(np.concatenate(equations), mode="r"))
    singular = np.pad(singular, (0, n - len(singular)))
    kernel = basis[singular <= tolerance * max(1.0, float(singular[0]))]
    inverse = _positive_combination(kernel)
    if inverse is None:
        return None
    function = np.tensordot(inverse, steps, axes=1)
    if _depends_on_own_action(payoffs * inverse.reshape(shape), function, n * tolerance * float(inverse.max())):
        return None
    weights = scale / inverse
    mean = float(np.exp(np.log(weights).mean()))
    return function * mean, weights / mean


def is_ordinal_potential(game: NormalFormGame, *, tolerance: float = 1e-9) -> bool:
    """Tell whether some function of the profile moves, in every deviation, as the deviator's payoff does."""
    require_game(game)
    payoffs, slacks = comparable_payoffs(game), _own_slacks(game, tolerance)
    return _gains_are_acyclic(payoffs, slacks, _tie_classes(payoffs, slacks))


def has_finite_improvement_property(game: NormalFormGame, *, tolerance: float = 1e-9) -> bool:
    """Tell whether every sequence of unilateral gains ends, as it then must in a pure Nash equilibrium."""
    require_game(game)
    payoffs, slacks = comparable_payoffs(game), _own_slacks(game, tolerance)
    return _gains_are_acyclic(payoffs, slacks, np.arange(game.n_profiles).reshape(game.n_actions))


def _own_slacks(game: NormalFormGame, tolerance: float) -> list[float]:
    return [slack_of(game, tolerance, player=i) for i in range(game.n_players)]


def _steps_from_first(payoffs: NDArray[Any]) -> NDArray[Any]:
    """Return each player's gain on the path from the first profile that moves players 0, 1, ... in turn."""
    steps = np.empty_like(payoffs)
    for i in range(len(payoffs)):
        others_wait = payoffs[i][(..., *(slice(0, 1),) * (len(payoffs) - 1 - i))]
        steps[i] = others_wait - others_wait.take([0], axis=i)
    return steps


def _depends_on_own_action(payoffs: NDArray[Any], function: NDArray[Any], slack: float) -> bool:
    for i, own in enumerate(payoffs):
        rest = own - function
        if np.max(rest.max(axis=i) - rest.min(axis=i)) > slack:
            return True
    return False


def _positive_combination(kernel: NDArray[np.float64]) -> NDArray[np.float64] | None:
    """Return a vector of the row space of ``kernel`` with all entries positive, or None."""
    if len(kernel) == 0:
        return None
    if len(kernel) == 1:
        candidate = kernel[0] * np.sign(kernel[0].sum())
    else:
        from marlgt.linear_programs import solve_linear_program

        # max t  s.t.  (c @ kernel)_i >= t for every i,  |c| <= 1
        matrix = np.hstack([kernel.T, -np.ones((kernel.shape[1], 1))])
        program = solve_linear_program(
            np.append(np.zeros(len(kernel)), 1.0),
            matrix=matrix,
            row_lower=np.zeros(len(matrix)),
            row_upper=np.full(len(matrix), np.inf),
            lower=np.append(np.full(len(kernel), -1.0), 0.0),
            upper=1.0,
            maximize=True,
        )
        candidate = program.x[:-1] @ kernel
    return candidate if candidate.min() > 1e-9 * candidate.max() else None


def _tie_classes(payoffs: NDArray[Any], slacks: list[float]) -> NDArray[np.intp]:
    """Number the profiles so that two share a number exactly when deviations that change nothing join them."""
    shape = payoffs.shape[1:]
    parent = list(range(int(np.prod(shape))))

    def root(x: int) -> int:
        while parent[x] != x:
            parent[x] = parent[parent[x]]
            x = parent[x]
        return x

    number = np.arange(len(parent)).reshape(shape)
    for i, (own, slack) in enumerate(zip(payoffs, slacks)):
        # Along a line of one player's deviations equal payoffs stand together once sorted.
        order = np.argsort(own, axis=i, kind="stable")
        ordered = np.take_along_axis(own, order, axis=i)
        names = np.take_along_axis(number, order, axis=i)
        tied = np.asarray(np.diff(ordered, axis=i) <= slack, dtype=bool)
        last = shape[i] - 1
        left, right = names.take(range(last), axis=i)[tied], names.take(range(1, last + 1), axis=i)[tied]
        for a, b in zip(left.tolist(), right.tolist()):
            parent[root(a)] = root(b)
    return np.array([root(x) for x in range(len(parent))]).reshape(shape)


def _gains_are_acyclic(payoffs: NDArray[Any], slacks: list[float], classes: NDArray[np.intp]) -> bool:
    """Tell whether strict gains, taken between classes of profiles, form no cycle: peel off the sinks."""
    alive = np.ones(classes.shape, dtype=bool)
    count = classes.size
    while True:
        leaves = np.zeros(classes.shape, dtype=bool)
        for i, (own, slack) in enumerate(zip(payoffs, slacks)):
            best = np.where(alive, own, payoffs[i].min()).max(axis=i, keepdims=True)
            leaves |= np.asarray(best - own > slack, dtype=bool)
        moving = np.bincount(classes[alive & leaves], minlength=count) > 0
        remaining = alive & moving[classes]
        if not remaining.any():
            return True
        if (remaining == alive).all():
            return False
        alive = remaining
