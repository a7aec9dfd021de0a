"""Dominated actions, with the strategy that dominates each as a certificate.

An action a of player i is strictly dominated by a mixed strategy s when s earns more than a against
every choice of the others, weakly dominated when it never earns less and somewhere earns more. Both
are decided by a linear program over the gains ``D[b, c] = u_i(b, c) - u_i(a, c)``, c running over the
others' joint choices::

    strict:  max v             s.t.  sum_b s_b D[b, c] >= v,  sum_b s_b <= 1,  s, v >= 0
    weak:    max sum_bc s_b D[b, c]  s.t.  sum_b s_b D[b, c] >= 0,  sum_b s_b <= 1,  s >= 0

and a is dominated exactly when the optimum is positive. An action that is a best reply to some choice
of the others is never strictly dominated, and one that is the only best reply never weakly, which
spares most of the programs.

Exact games are decided in exact arithmetic; in larger ones (more than ``EXACT_CELLS`` numbers in a
program) a mixture found in floats counts once exact arithmetic has confirmed it. In games of floats two
payoffs within ``tolerance`` times the player's payoff range count as equal.

References
----------
Gale, D., Kuhn, H. W. and Tucker, A. W. (1951). Linear programming and the theory of games. In Activity
Analysis of Production and Allocation, ed. T. C. Koopmans.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np
from numpy.typing import NDArray

from marlgt.errors import GameError
from marlgt.exact_programs import EXACT_CELLS, common_integers, maximize_exactly
from marlgt.games._comparable import checked_player, comparable_payoffs
from marlgt.games._doors import require_game
from marlgt.games._exact import exact_unit
from marlgt.games.normal_form import NormalFormGame

__all__ = ["Domination", "dominated_by", "dominating_strategy", "strictly_dominated", "weakly_dominated"]


@dataclass(frozen=True)
class Domination:
    """A mixed strategy that dominates an action.

    Attributes
    ----------
    player, action : int
        The dominated action.
    strategy : ndarray, shape (A_player,)
        The strategy that dominates it.
    exact_strategy : object ndarray of Fraction, or None
        The same strategy exactly, in an exact game.
    gain : float
        The least that the strategy earns above the action, over all choices of the others: positive
        for strict dominance, zero or more for weak.
    strict : bool
    """

    player: int
    action: int
    strategy: NDArray[np.float64]
    exact_strategy: NDArray[Any] | None
    gain: float
    strict: bool

    @property
    def is_pure(self) -> bool:
        """Whether one action dominates the other."""
        return bool(self.strategy.max() == 1.0)


def strictly_dominated(
    game: NormalFormGame, player: int, *, by_mixed: bool = True, tolerance: float = 1e-9
) -> tuple[int, ...]:
    """Return the strictly dominated actions of a player, in one round.

    Parameters
    ----------
    game : NormalFormGame
    player : int
    by_mixed : bool
        Whether mixed strategies may dominate, not only actions.
    tolerance : float
        In games of floats, the share of the payoff range within which payoffs count as equal.

    Examples
    --------
    Half the first and half the second action dominate the third, which neither does alone.

    >>> import marlgt as gt
    >>> g = gt.NormalFormGame.bimatrix([[4, 0], [0, 4], [1, 1]], [[0, 0], [0, 0], [0, 0]])
    >>> strictly_dominated(g, 0), strictly_dominated(g, 0, by_mixed=False)
    ((2,), ())
    """
    require_game(game)
    return _dominated(game, player, strict=True, by_mixed=by_mixed, tolerance=tolerance)


def weakly_dominated(
    game: NormalFormGame, player: int, *, by_mixed: bool = True, tolerance: float = 1e-9
) -> tuple[int, ...]:
    """Return the weakly dominated actions of a player, strictly dominated ones included.

    Of two actions that always earn the same neither dominates the other.

    Parameters
    ----------
    game, player, by_mixed, tolerance
        As in :func:`strictly_dominated`.
    """
    require_game(game)
    return _dominated(game, player, strict=False, by_mixed=by_mixed, tolerance=tolerance)


def _dominated(game: NormalFormGame, player: int, *, strict: bool, by_mixed: bool, tolerance: float) -> tuple[int, ...]:
    player = checked_player(game, player)
    return tuple(
        a
        for a in range(game.n_actions[player])
        if dominating_strategy(game, player, a, strict=strict, by_mixed=by_mixed, tolerance=tolerance) is not None
    )


def dominating_strategy(
    game: NormalFormGame,
    player: int,
    action: int,
    *,
    strict: bool = True,
    by_mixed: bool = True,
    tolerance: float = 1e-9,
) -> Domination | None:
    """Return a strategy that dominates an action, pure where one is, or None where none dominates it.

    Parameters
    ----------
    game : NormalFormGame
    player, action : int
    strict, by_mixed : bool
    tolerance : float

    Raises
    ------
    GameError
        If there is no such player or action.

    Examples
    --------
    >>> import marlgt as gt
    >>> g = gt.NormalFormGame.bimatrix([[4, 0], [0, 4], [1, 1]], [[0, 0], [0, 0], [0, 0]])
    >>> dominating_strategy(g, 0, 2).strategy
    array([0.5, 0.5, 0. ])
    """
    require_game(game)
    player = checked_player(game, player)
    count = game.n_actions[player]
    if not 0 <= action < count:
        raise GameError(f"action is {action!r}: player {player} has the actions 0 to {count - 1}")
    utilities = np.moveaxis(comparable_payoffs(game)[player], player, 0).reshape(count, -1)
    slack = 0.0 if game.is_exact else tolerance * float(game.payoff_range[player])
    gains = utilities - utilities[action]
    pure = _dominating_action(gains, action, slack, strict=strict)
    if pure is not None:
        return _domination(player, action, gains, exact_unit(count, pure), strict=strict)
    if not by_mixed or count < 3 or _is_needed(gains, action, slack, strict=strict):
        return None
    weights = _dominating_mixture(gains, action, slack, strict=strict)
    return None if weights is None else _domination(player, action, gains, weights, strict=strict)


def dominated_by(
    game: NormalFormGame, player: int, action: int, strategy: Any, *, strict: bool = True, tolerance: float = 1e-9
) -> bool:
    """Check that a given mixed strategy dominates an action.

    Parameters
    ----------
    game : NormalFormGame
    player, action : int
    strategy : array_like, shape (A_player,)
        Fractions are judged exactly in an exact game.
    strict : bool
    tolerance : float
    """
    require_game(game)
    player = checked_player(game, player)
    utilities = np.moveaxis(comparable_payoffs(game)[player], player, 0).reshape(game.n_actions[player], -1)
    weights = np.asarray(strategy)
    exact = game.is_exact and weights.dtype == object
    slack = 0.0 if exact else tolerance * float(game.payoff_range[player])
    return _dominates((weights @ (utilities - utilities[action])), slack, strict=strict)


def _dominates(margins: NDArray[Any], slack: float, *, strict: bool) -> bool:
    if strict:
        return bool(margins.min() > slack)
    return bool(margins.min() >= -slack and margins.max() > slack)


def _dominating_action(gains: NDArray[Any], action: int, slack: float, *, strict: bool) -> int | None:
    least = gains.min(axis=1)
    if strict:
        found = np.flatnonzero(least > slack)
    else:
        found = np.flatnonzero((least >= -slack) & (gains.max(axis=1) > slack))
    return max((int(b) for b in found if b != action), key=lambda b: least[b], default=None)


def _is_needed(gains: NDArray[Any], action: int, slack: float, *, strict: bool) -> bool:
    """Tell whether the action is a best reply (the only one, for weak dominance) to some pure choice."""
    others = np.delete(gains, action, axis=0).max(axis=0)
    return bool((others <= 0 if strict else others < -slack).any())


def _dominating_mixture(gains: NDArray[Any], action: int, slack: float, *, strict: bool) -> NDArray[Any] | None:
    """Return the optimal weights of the program in the module's docstring, unchecked; None for optimum 0."""
    count, choices = gains.shape
    exact = gains.dtype != np.float64
    rivals = [b for b in range(count) if b != action]
    if exact and (choices + 2) * (count + 1) <= EXACT_CELLS:
        rows = common_integers(gains[rivals].astype(object)).T
        solve = _exact_optimum
    else:
        floats = gains[rivals].astype(np.float64)
        rows = (floats / max(float(np.abs(floats).max()), np.finfo(float).tiny)).T
        solve = _float_optimum
    if strict:
        matrix = np.hstack([-rows, np.ones((choices, 1), dtype=rows.dtype)])
        objective = np.zeros(count, dtype=rows.dtype)
        objective[-1] = 1
    else:
        matrix, objective = -rows, rows.sum(axis=0)
    found = solve(objective, matrix, len(rivals))[: len(rivals)]
    total = found.sum()
    if total <= 0:
        return None
    weights = np.zeros(count, dtype=object if exact else np.float64)
    weights[rivals] = found / total
    if exact and found.dtype != object:
        rounded = [Fraction(float(w)).limit_denominator(10**6) for w in weights]
        weights[:] = [w / sum(rounded) for w in rounded]
    return weights if _dominates(weights @ gains, slack, strict=strict) else None


def _exact_optimum(objective: NDArray[Any], matrix: NDArray[Any], n_weights: int) -> NDArray[Any]:
    budget = np.zeros((1, len(objective)), dtype=object)
    budget[0, :n_weights] = 1
    bounds = np.zeros(len(matrix) + 1, dtype=object)
    bounds[-1] = 1
    return maximize_exactly(objective, np.vstack([matrix, budget]), bounds)


def _float_optimum(objective: NDArray[np.float64], matrix: NDArray[np.float64], n_weights: int) -> NDArray[np.float64]:
    from marlgt.linear_programs import solve_linear_program

    budget = np.zeros((1, len(objective)))
    budget[0, :n_weights] = 1.0
    program = solve_linear_program(
        objective,
        matrix=np.vstack([matrix, budget]),
        row_lower=-np.inf,
        row_upper=np.append(np.zeros(len(matrix)), 1.0),
        maximize=True,
    )
    if program.status != "optimal":
        return np.zeros(len(objective))
    return np.maximum(program.x, 0.0)


def _domination(player: int, action: int, gains: NDArray[Any], weights: NDArray[Any], *, strict: bool) -> Domination:
    exact = gains.dtype != np.float64
    strategy = weights.astype(np.float64)
    least = (weights @ gains).min() if exact else (strategy @ gains).min()
    strategy.flags.writeable = False
    return Domination(player, action, strategy, weights if exact else None, float(max(least, 0)), strict)
