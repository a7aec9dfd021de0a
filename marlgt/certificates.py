"""Certificates: the proof that comes with every answer, computed apart from the solver.

A certificate recomputes, from the game and the answer alone, the values and the largest gain that
any player has from deviating. Where the payoffs and the probabilities are both exact it does so in
rational arithmetic, and a zero is then a proof.
"""

from __future__ import annotations

import math
import operator
from collections.abc import Mapping, Sequence
from fractions import Fraction
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from marlgt.concepts.deviations import deviation_gains, values_and_regrets, write_worth
from marlgt.equilibria import Certificate, Equilibrium
from marlgt.errors import GameError, ProfileError
from marlgt.games._doors import require_any_game
from marlgt.games._profiles import SUM_TOLERANCE, checked_joint, checked_profile, deviation_payoffs, integer_profile
from marlgt.games.extensive import ExtensiveGame
from marlgt.games.normal_form import NormalFormGame
from marlgt.games.stochastic import StochasticGame
from marlgt.kernels import gear

__all__ = [
    "TOLERANCE",
    "Certificate",
    "certified",
    "certified_pairs",
    "certified_point",
    "certify",
    "relative_epsilon",
]

TOLERANCE = 1e-9
"""Default largest regret of an answer, as a share of the player's payoff range."""

_ZERO, _ONE = Fraction(0), Fraction(1)

Strategy = NDArray[Any] | list[int]

PRODUCTS_IN_PYTHON = 64
"""Work below which certifying in Python's numbers is faster than in arrays."""


def certify(
    game: NormalFormGame | ExtensiveGame | StochasticGame, answer: Any, *, concept: str = "nash"
) -> Certificate:
    """Compute what an answer is worth and what deviating from it gains, from the game alone.

    Parameters
    ----------
    game : NormalFormGame, ExtensiveGame or StochasticGame
    answer : Equilibrium, profile or joint distribution
        For ``concept="nash"`` one distribution per player, or in games with turns or states one policy per
        player; for the correlated concepts an array of shape (A_1, ..., A_n). Fractions and integers in an exact
        game give an exact certificate; in a tree it takes object arrays of fractions.
    concept : {"nash", "correlated", "coarse_correlated"}
        In an extensive game ``"nash"``, ``"subgame_perfect"``, ``"extensive_form_correlated"`` or
        ``"extensive_form_coarse_correlated"``, the last two with a distribution over reduced pure strategies.

    Raises
    ------
    ProfileError
        If the answer is no distribution or does not fit the game.

    Examples
    --------
    >>> import marlgt as gt
    >>> g = gt.NormalFormGame.zero_sum([[1, -1], [-1, 1]])
    >>> gt.certify(g, ([0.5, 0.5], [0.75, 0.25])).epsilon
    0.5
    """
    if isinstance(answer, Equilibrium):
        answer = answer.joint if answer.profile is None else (answer.exact_profile or answer.profile)
    require_any_game(game)
    if not isinstance(game, NormalFormGame):
        from marlgt.policy_certificates import certify_policies

        return certify_policies(game, answer, concept)
    if concept == "nash":
        return _certify_profile(game, answer)
    if concept in ("correlated", "coarse_correlated"):
        return _certify_joint(game, answer, concept)
    raise GameError(f"concept {concept!r} has no certificate here: use nash, correlated or coarse_correlated")


def _certify_profile(game: NormalFormGame, profile: Sequence[ArrayLike]) -> Certificate:
    if game.is_exact:
        rational = integer_profile(game, profile)
        if rational is not None:
            return _certify_exactly(game, rational)
    values, gains = values_and_regrets(game.payoffs, checked_profile(game, profile))
    return Certificate("nash", values, np.maximum(gains, 0.0), False)


def _certify_exactly(game: NormalFormGame, profile: Sequence[tuple[list[int], int]]) -> Certificate:
    """Compute values and regrets in integers from each player's integer weights and their sum."""
    weights = [w for w, _ in profile]
    scales = [scale for _, scale in profile]
    payoffs, denominators = game.integer_payoffs
    total = math.prod(scales)
    values, gains = [], []
    for i, (own, scale, denominator) in enumerate(zip(weights, scales, denominators)):
        earned = _integer_deviation_payoffs(payoffs[i], weights, i)
        value = sum(map(operator.mul, own, earned))
        # Python divides integers of any size with one correct rounding.
        values.append(value / (total * denominator))
        gains.append((max(earned) * scale - value) / (total * denominator))
    return Certificate("nash", np.array(values), np.array(gains), True)


def _integer_deviation_payoffs(payoffs: NDArray[Any], weights: Sequence[list[int]], player: int) -> list[int]:
    """Return each action's payoff against integer weights of the others, in exact integers."""
    if payoffs.ndim == 2:
        rows = (payoffs if player == 0 else payoffs.T).tolist()
        other = weights[1 - player]
        return [sum(map(operator.mul, row, other)) for row in rows]
    arrays = [np.array(w, dtype=object) for w in weights]
    return list(deviation_payoffs(payoffs, arrays, player).tolist())


def _certify_joint(game: NormalFormGame, joint: ArrayLike, concept: str) -> Certificate:
    q = checked_joint(game, joint)
    gains = [deviation_gains(game.payoffs, q, i) for i in range(game.n_players)]
    worst = [g.max() if concept == "correlated" else g.sum(axis=0).max() for g in gains]
    values = game.payoffs.reshape(game.n_players, -1) @ q.reshape(-1)
    return Certificate(concept, values, np.maximum(np.array(worst, dtype=np.float64), 0.0), False)


def certified(
    game: NormalFormGame,
    profile: Sequence[NDArray[Any]],
    *,
    method: str,
    work: Mapping[str, int] | None = None,
    seconds: float = 0.0,
    complete: bool = False,
    concept: str = "nash",
) -> Equilibrium:
    """Return a solver's profile as a result, its certificate computed here.

    Parameters
    ----------
    profile : sequence of n ndarrays
        Floats; or Fractions, for an exact answer in an exact game.
    """
    certificate = _certify_profile(game, profile)
    exact = tuple(np.array(p, dtype=object) for p in profile) if certificate.exact else None
    return Equilibrium(
        concept=concept,
        profile=tuple(_read_only(np.asarray(p, dtype=np.float64)) for p in profile),
        joint=None,
        values=certificate.values,
        regrets=certificate.regrets,
        exact=certificate.exact,
        method=method,
        exact_profile=exact,
        work=work or {},
        seconds=seconds,
        complete=complete,
    )


def certified_point(
    game: NormalFormGame, point: NDArray[np.float64], method: str, work: Mapping[str, int], seconds: float
) -> tuple[Equilibrium, float]:
    """Return a profile of a two-player game of floats as a result, and its regret as a share of the payoff range.

    The same as :func:`certified` and :func:`relative_epsilon`, for small games and the compiled gear.

    Parameters
    ----------
    point : ndarray of float64, shape (A_1 + A_2 + 4,)
        The strategies of both players, then room for their values and regrets.
    """
    _, m, n = game.payoffs.shape
    end = m + n
    share = gear(write_worth, 0.0)(game.payoffs, point)
    if share == math.inf:
        checked_profile(game, (point[:m], point[m:end]))
        raise ProfileError(f"probabilities must sum to 1 and not be negative, got {point[:end].tolist()}")
    point.setflags(write=False)
    profile, values, regrets = (point[:m], point[m:end]), point[end : end + 2], point[end + 2 :]
    return Equilibrium("nash", profile, None, values, regrets, False, method, None, work, seconds), share


def certified_pairs(
    game: NormalFormGame,
    pairs: Sequence[tuple[Strategy, Strategy]],
    *,
    method: str,
    work: Mapping[str, int] | None = None,
    seconds: float = 0.0,
    complete: bool = False,
) -> list[Equilibrium]:
    """Return many profiles of a two-player game as results, each with its own certificate.

    The same as :func:`certified` for each, at a fraction of the cost.

    Parameters
    ----------
    pairs : sequence of pairs of ndarrays, shapes (A_1,) and (A_2,), or of lists of int
        All arrays of float64; or, in an exact game, all arrays of Fractions, or all lists of integers
        proportional to the probabilities.
    """
    if not pairs:
        return []
    rest: Mapping[str, Any] = {"method": method, "work": work or {}, "seconds": seconds, "complete": complete}
    if isinstance(pairs[0][0], list) or pairs[0][0].dtype == object:
        payoffs, denominators = game.integer_payoffs
        matrices = payoffs[0].tolist(), payoffs[1].T.tolist()
        return [_certified_pair(game, pair, matrices, denominators, rest) for pair in pairs]
    if len(pairs) * game.n_profiles <= PRODUCTS_IN_PYTHON:
        matrices = game.payoffs[0].tolist(), game.payoffs[1].T.tolist()
        return [_certified_pair(game, pair, matrices, None, rest) for pair in pairs]
    x, y = (np.array([pair[i] for pair in pairs], dtype=np.float64) for i in (0, 1))
    for p in (x, y):
        totals = p.sum(axis=1).tolist()
        if not (p.min() >= 0.0 and all(abs(total - 1.0) <= SUM_TOLERANCE for total in totals)):
            for pair in pairs:
                checked_profile(game, pair)
    # u_1 of every row against y, and u_2 of every column against x, one line per pair.
    rows, columns = y @ game.payoffs[0].T, x @ game.payoffs[1]
    values, regrets = np.empty((len(pairs), 2)), np.empty((len(pairs), 2))
    np.vecdot(x, rows, out=values[:, 0])
    np.vecdot(y, columns, out=values[:, 1])
    rows.max(axis=1, out=regrets[:, 0])
    columns.max(axis=1, out=regrets[:, 1])
    regrets -= values
    np.maximum(regrets, 0.0, out=regrets)
    return [
        Equilibrium(
            concept="nash",
            profile=(_read_only(x[k]), _read_only(y[k])),
            joint=None,
            values=values[k],
            regrets=regrets[k],
            exact=False,
            **rest,
        )
        for k in range(len(pairs))
    ]


def _certified_pair(
    game: NormalFormGame,
    pair: tuple[Strategy, Strategy],
    matrices: tuple[list[list[Any]], list[list[Any]]],
    denominators: tuple[int, ...] | None,
    rest: Mapping[str, Any],
) -> Equilibrium:
    """Certify one pair in Python's numbers: of Fractions in integers, of floats in floats.

    Parameters
    ----------
    matrices : lists of lists of numbers
        The payoffs of each player, a row per action of that player; for Fractions their numerators.
    denominators : tuple of int, or None
        The denominators of each player's payoffs; None for floats.
    """
    exact = None
    if denominators is None:
        first, second = (np.asarray(p) for p in pair)
        x, y = first.tolist(), second.tolist()
        x_scale = y_scale = row_total = column_total = 1.0
        if min(x) < 0.0 or min(y) < 0.0 or max(abs(sum(x) - 1.0), abs(sum(y) - 1.0)) > SUM_TOLERANCE:
            checked_profile(game, (first, second))
    else:
        x, x_scale, first, exact_first = _over_common_denominator(pair[0])
        y, y_scale, second, exact_second = _over_common_denominator(pair[1])
        exact = exact_first, exact_second
        row_total, column_total = (x_scale * y_scale * d for d in denominators)
    rows = [sum(map(operator.mul, line, y)) for line in matrices[0]]
    columns = [sum(map(operator.mul, line, x)) for line in matrices[1]]
    u, v = sum(map(operator.mul, x, rows)), sum(map(operator.mul, y, columns))
    gains = (max(rows) * x_scale - u) / row_total, (max(columns) * y_scale - v) / column_total
    numbers = np.array(((u / row_total, v / column_total), (max(gains[0], 0.0), max(gains[1], 0.0))))
    return Equilibrium(
        concept="nash",
        profile=(_read_only(first), _read_only(second)),
        joint=None,
        values=numbers[0],
        regrets=numbers[1],
        exact=exact is not None,
        exact_profile=exact,
        **rest,
    )


def _over_common_denominator(strategy: Strategy) -> tuple[list[int], int, NDArray[np.float64], NDArray[Any]]:
    """Return an exact strategy as integers over one denominator, as floats and as Fractions."""
    if isinstance(strategy, list):
        common = math.gcd(*strategy)
        weights = [w // common for w in strategy] if common > 1 else strategy
        scale = sum(weights)
        fractions = np.empty(len(weights), dtype=object)
        fractions[:] = [Fraction(w, scale) if w and w != scale else _ONE if w else _ZERO for w in weights]
    else:
        parts = [f.as_integer_ratio() for f in strategy.tolist()]
        scale = math.lcm(*[d for _, d in parts])
        weights = [n * (scale // d) for n, d in parts]
        fractions = strategy
    if min(weights) < 0 or sum(weights) != scale:
        raise ProfileError("the fractions of a distribution must be nonnegative and sum to exactly 1")
    return weights, scale, np.array([w / scale for w in weights]), fractions


def relative_epsilon(game: NormalFormGame, answer: Equilibrium | Certificate) -> float:
    """Return the largest regret as a share of that player's payoff range (0 where all payoffs are equal)."""
    pairs = zip(answer.regrets.tolist(), game.payoff_range.tolist())
    shares = [regret / spread if spread > 0 else 0.0 for regret, spread in pairs]
    # What is not a number passes a comparison, but not a sum.
    return float(max(shares)) if sum(shares) < math.inf else math.inf


def _read_only(array: NDArray[np.float64]) -> NDArray[np.float64]:
    array.flags.writeable = False
    return array
