"""Efficiency and fairness of outcomes: Pareto optimality, welfare, the Nash product, the worst-off player.

An outcome is Pareto-optimal when no other is at least as good for every player and better for one. It
maximises welfare when the sum of the payoffs is greatest, and is fairness-optimal when their product
is (the Nash welfare of Albrecht, Christianos and Schäfer 2024, section 4.9); the max-min outcome has
the best worst-off player. The product says nothing sensible about losses: it is defined where every
payoff compared is nonnegative and some outcome gives every player a positive one. Payoffs below zero
call for a disagreement point, from which gains are counted (Nash 1950). Pareto optimality implies none
of the others; maximal welfare implies it.

Pure outcomes are compared with pure outcomes, exactly where payoffs are exact. A mixed profile or a
joint distribution is compared, by a linear program, with all joint distributions, of which the mixed
profiles are some.

References
----------
Albrecht, S. V., Christianos, F. and Schäfer, L. (2024). Multi-Agent Reinforcement Learning. MIT Press.
Nash, J. F. (1950). The bargaining problem. Econometrica 18, 155-162.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from marlgt.errors import GameError, NotConverged, UnsupportedGame
from marlgt.games._comparable import comparable_payoffs
from marlgt.games._doors import require_game
from marlgt.games._profiles import checked_joint
from marlgt.games.normal_form import NormalFormGame

__all__ = [
    "fairness_shortfall",
    "is_pareto_optimal",
    "is_pareto_optimal_pure",
    "max_min_shortfall",
    "nash_product",
    "pareto_frontier_pure",
    "pareto_gain",
    "pareto_shortfall",
    "welfare",
    "welfare_shortfall",
]

_NEGLIGIBLE = 2e-9
"""Entries that HiGHS would leave out of a program, which must still admit the answer."""


def pareto_frontier_pure(game: NormalFormGame) -> tuple[tuple[int, ...], ...]:
    """Return the Pareto-optimal pure action profiles, in lexicographic order.

    Examples
    --------
    >>> import marlgt as gt
    >>> pareto_frontier_pure(gt.NormalFormGame.bimatrix([[-1, -5], [0, -3]], [[-1, 0], [-5, -3]]))
    ((0, 0), (0, 1), (1, 0))
    """
    require_game(game)
    n = game.n_players
    points = comparable_payoffs(game).reshape(n, -1).T
    # In lexicographic order, best first, only an earlier point can dominate a later one.
    order = np.lexsort(tuple(-points[:, i] for i in reversed(range(n))))
    frontier = np.empty_like(points)
    found: list[int] = []
    for index in order:
        point = points[index]
        known = frontier[: len(found)]
        at_least = (known >= point).all(axis=1)
        if not (at_least & (known > point).any(axis=1)).any():
            frontier[len(found)] = point
            found.append(int(index))
    return tuple(tuple(int(a) for a in np.unravel_index(k, game.n_actions)) for k in sorted(found))


def is_pareto_optimal_pure(game: NormalFormGame, actions: Sequence[int]) -> bool:
    """Tell whether no other pure action profile is as good for all players and better for one."""
    require_game(game)
    return bool(pareto_shortfall(game, actions).max() <= 0)


def pareto_shortfall(game: NormalFormGame, actions: Sequence[int]) -> NDArray[Any]:
    """Return the most that each player gains in pure outcomes that are no worse for anybody, shape (n,).

    It is zero for every player exactly where the pure profile is Pareto-optimal among pure profiles.
    """
    require_game(game)
    payoffs = comparable_payoffs(game)
    chosen = int(np.ravel_multi_index(_checked_actions(game, actions), game.n_actions))
    flat = payoffs.reshape(game.n_players, -1)
    gains = flat - flat[:, chosen, None]
    return np.asarray(gains[:, (gains >= 0).all(axis=0)].max(axis=1))


def pareto_gain(game: NormalFormGame, answer: Any) -> float:
    """Return how far a mixed outcome is from Pareto optimality among all joint distributions.

    Parameters
    ----------
    game : NormalFormGame
    answer : profile or joint distribution
        A sequence of one distribution per player, or one ndarray of shape (A_1, ..., A_n).

    Returns
    -------
    float
        The largest sum of gains, each in units of the player's payoff range, over the joint
        distributions that leave no player worse off; zero exactly where the answer is Pareto-optimal.

    Raises
    ------
    ProfileError
        If the answer is no distribution or does not fit the game.
    NotConverged
        If the linear program cannot be solved.

    Examples
    --------
    >>> import marlgt as gt
    >>> g = gt.NormalFormGame.bimatrix([[2, 0], [0, 1]], [[1, 0], [0, 2]])
    >>> round(pareto_gain(g, ([0.5, 0.5], [0.5, 0.5])), 9)
    0.75
    """
    require_game(game)
    from marlgt.linear_programs import solve_linear_program

    n = game.n_players
    spread = np.where(game.payoff_range > 0, game.payoff_range, 1.0)
    flat = game.payoffs.reshape(n, -1)
    unit = (flat - flat.min(axis=1, keepdims=True)) / spread[:, None]
    joint = _as_joint(game, answer).reshape(-1)
    gains = unit - (unit @ joint)[:, None]
    gains[np.abs(gains) < _NEGLIGIBLE] = 0.0
    # max sum_i s_i  s.t.  sum_a q(a) gains_i(a) - s_i >= what the answer reaches,  sum_a q(a) = 1,  q, s >= 0
    matrix = np.vstack([np.hstack([gains, -np.eye(n)]), np.append(np.ones(gains.shape[1]), np.zeros(n))])
    program = solve_linear_program(
        np.append(np.zeros(unit.shape[1]), np.ones(n)),
        matrix=matrix,
        row_lower=np.append(gains @ joint, 1.0),
        row_upper=np.append(np.full(n, np.inf), 1.0),
        maximize=True,
    )
    if program.status != "optimal":
        raise NotConverged(f"the linear program that compares the outcome with all others ended {program.status}")
    return max(program.objective, 0.0)


def is_pareto_optimal(game: NormalFormGame, answer: Any, *, tolerance: float = 1e-9) -> bool:
    """Tell whether no joint distribution is as good for all players as the answer and better for one.

    Parameters
    ----------
    game : NormalFormGame
    answer : profile or joint distribution
    tolerance : float
        Largest sum of gains that counts as none, in units of the payoff ranges.
    """
    require_game(game)
    return pareto_gain(game, answer) <= max(tolerance, 0.0)


def welfare(game: NormalFormGame, answer: Any) -> float:
    """Return the sum of the players' expected payoffs under a profile or a joint distribution."""
    require_game(game)
    return float(_values(game, answer).sum())


def nash_product(values: ArrayLike, *, disagreement: ArrayLike = 0) -> float | None:
    """Return the product of the players' gains over a disagreement point, or None where one is not positive.

    Examples
    --------
    >>> nash_product([10, 7])
    70.0
    >>> nash_product([-1, -1]) is None
    True
    """
    gains = np.asarray(values, dtype=np.float64) - np.asarray(disagreement, dtype=np.float64)
    return float(gains.prod()) if (gains > 0).all() else None


def welfare_shortfall(game: NormalFormGame, actions: Sequence[int]) -> float:
    """Return how much less than the greatest sum of payoffs a pure profile gives."""
    require_game(game)
    totals = comparable_payoffs(game).sum(axis=0)
    return float(totals.max() - totals[_checked_actions(game, actions)])


def max_min_shortfall(game: NormalFormGame, actions: Sequence[int]) -> float:
    """Return how much better the worst-off player could be in another pure profile."""
    require_game(game)
    worst = comparable_payoffs(game).min(axis=0)
    return float(worst.max() - worst[_checked_actions(game, actions)])


def fairness_shortfall(game: NormalFormGame, actions: Sequence[int], *, disagreement: ArrayLike | None = None) -> float:
    """Return how much less than the greatest geometric mean of gains a pure profile gives, in payoff units.

    Raises
    ------
    UnsupportedGame
        As :func:`nash_gains`.
    """
    require_game(game)
    chosen = _checked_actions(game, actions)
    gains = nash_gains(game, disagreement)
    if gains.dtype.kind != "f":
        products = gains.astype(object).prod(axis=0)
        if products[chosen] == products.max():
            return 0.0
    floats = gains.astype(np.float64)
    logarithms = np.log(floats, out=np.full(floats.shape, -np.inf), where=floats > 0)
    means = np.exp(logarithms.mean(axis=0))
    return float(means.max() - means[chosen])


def nash_gains(game: NormalFormGame, disagreement: ArrayLike | None) -> NDArray[Any]:
    """Return the gains whose product fairness maximises, zero for all where one would lose.

    Parameters
    ----------
    disagreement : array_like, shape (n,), optional
        What the players get if they do not agree. Without it payoffs themselves are gains.

    Raises
    ------
    UnsupportedGame
        If no disagreement point is given and a payoff is negative, or no outcome gives all players a
        positive gain.
    """
    payoffs = comparable_payoffs(game)
    shape = (game.n_players, *(1,) * game.n_players)
    if disagreement is None:
        if payoffs.min() < 0:
            raise UnsupportedGame(
                f"the product of payoffs is no measure of fairness where one is negative ({float(payoffs.min()):g} "
                "here): it needs positive gains; give disagreement=, the payoffs from which gains are counted"
            )
        gains = payoffs
    else:
        point = np.asarray(disagreement)
        if point.shape not in ((), (game.n_players,)) or point.dtype.kind not in "iufO":
            raise GameError(f"disagreement must be one number per player ({game.n_players}), got {disagreement!r}")
        gains = payoffs - np.broadcast_to(point, (game.n_players,)).reshape(shape)
    gains = np.where((gains > 0).all(axis=0), gains, 0 * gains)
    if not (gains > 0).any():
        raise UnsupportedGame(
            "no outcome gives every player a positive gain, so that the product of gains is undefined: "
            "lower the disagreement point, or ask for the max-min outcome"
        )
    return gains


def _checked_actions(game: NormalFormGame, actions: Sequence[int]) -> tuple[int, ...]:
    chosen = tuple(int(a) for a in actions)
    if len(chosen) != game.n_players or any(not 0 <= a < count for a, count in zip(chosen, game.n_actions)):
        raise GameError(f"actions are {chosen}: name one action per player, within {game.n_actions}")
    return chosen


def _as_joint(game: NormalFormGame, answer: Any) -> NDArray[np.float64]:
    from marlgt.concepts.correlated import joint_distribution

    if isinstance(answer, np.ndarray) and answer.shape == game.n_actions:
        return checked_joint(game, answer)
    return joint_distribution(game, answer)


def _values(game: NormalFormGame, answer: Any) -> NDArray[np.float64]:
    return np.asarray(game.payoffs.reshape(game.n_players, -1) @ _as_joint(game, answer).reshape(-1))
