"""Assertions about answers that explain a failure: who gains how much, by playing what, against what.

Tolerances are relative to each player's payoff range, so that an assertion means the same in cents and in
millions. Fractions in an exact game are judged in rational arithmetic: with ``tolerance=0`` they must be right.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from fractions import Fraction
from typing import Any

import numpy as np
from numpy.typing import NDArray

from marlgt.certificates import TOLERANCE
from marlgt.concepts.deviations import deviation_gains
from marlgt.equilibria import Equilibrium
from marlgt.errors import ProfileError
from marlgt.games._doors import require_game
from marlgt.games._profiles import checked_joint, checked_profile, deviation_payoffs, exact_profile
from marlgt.games.normal_form import NormalFormGame

__all__ = [
    "assert_coarse_correlated",
    "assert_correlated",
    "assert_epsilon_nash",
    "assert_nash",
]


def assert_nash(game: NormalFormGame, answer: Any, *, tolerance: float = TOLERANCE) -> None:
    """Raise unless no player gains more than ``tolerance`` times their payoff range by deviating.

    Parameters
    ----------
    game : NormalFormGame
    answer : Equilibrium, or profile of n array_like
    tolerance : float
        0 asks of an exact answer to an exact game that it be proven. In floats the rounding of the check itself
        is allowed on top.

    Raises
    ------
    AssertionError
        With the gain, the action and the whole table of deviation payoffs; or, where the answer is no profile
        of distributions at all, with what is wrong with it.

    Examples
    --------
    >>> from marlgt.games import NormalFormGame
    >>> game = NormalFormGame.bimatrix([[3, 0], [5, 1]], [[3, 5], [0, 1]], title="Dilemma")
    >>> assert_nash(game, ([0, 1], [0, 1]), tolerance=0)
    >>> assert_nash(game, ([1, 0], [0, 1]))
    Traceback (most recent call last):
    AssertionError: not a Nash equilibrium of <NormalFormGame 'Dilemma': 2 x 2, exact>: player 0 gains 1 by playing \
action 1 instead of earning 0 (tolerance 5e-09)
    player 0 plays (1, 0) and earns 0
        action  probability  payoff  gain
             0            1       0     0
             1            0       1    +1  <- best
    player 1 plays (0, 1) and earns 5
        action  probability  payoff  gain
             0            0       3    -2
             1            1       5     0  <- best
    """
    _check_profile(game, answer, lambda exact: _slack(game, tolerance, exact), "a Nash equilibrium")


def assert_epsilon_nash(game: NormalFormGame, answer: Any, epsilon: float) -> None:
    """Raise unless no player gains more than ``epsilon``, in units of payoff, by deviating.

    Examples
    --------
    >>> from marlgt.games import NormalFormGame
    >>> game = NormalFormGame.zero_sum([[1, -1], [-1, 1]])
    >>> assert_epsilon_nash(game, ([0.5, 0.5], [0.75, 0.25]), 0.5)
    """
    allowed = [epsilon] * game.n_players
    _check_profile(game, answer, lambda _: allowed, f"an epsilon-equilibrium for epsilon = {epsilon:g}")


def assert_correlated(game: NormalFormGame, answer: Any, *, tolerance: float = TOLERANCE) -> None:
    """Raise unless obeying every recommendation of a joint distribution is a best reply.

    Parameters
    ----------
    game : NormalFormGame
    answer : Equilibrium, or array_like of shape (A_1, ..., A_n)
    tolerance : float
        Largest gain from one swap of actions, as a share of the player's payoff range.

    Raises
    ------
    AssertionError
        With the recommendation, the better action and what it gains; or with why it is no distribution.

    Examples
    --------
    >>> from marlgt.games import NormalFormGame
    >>> game = NormalFormGame.bimatrix([[6, 2], [7, 0]], [[6, 7], [2, 0]])
    >>> assert_correlated(game, [[0, 0.5], [0.5, 0]])
    """
    joint = _joint(game, answer, "correlated")
    for player, gains, slack in _gains(game, joint, tolerance):
        worst = np.unravel_index(int(np.argmax(gains)), gains.shape)
        if gains[worst] > slack:
            told, better = (int(a) for a in worst)
            weight = np.moveaxis(joint, player, 0).reshape(len(gains), -1)[told].sum()
            rows = [
                (str(b), _number(gain), "<- best" if b == better else "")
                for b, gain in enumerate(gains[told])
                if b != told
            ]
            raise AssertionError(
                f"not a correlated equilibrium of {game!r}: player {player}, told to play "
                f"{_action(game, player, told)}, which happens with probability {_number(weight)}, gains "
                f"{_number(gains[worst])} in expectation by playing {_action(game, player, better)} "
                f"(tolerance {slack:g})\n" + _table(("instead", "gain"), rows)
            )


def assert_coarse_correlated(game: NormalFormGame, answer: Any, *, tolerance: float = TOLERANCE) -> None:
    """Raise unless no player gains by ignoring a joint distribution and playing one action throughout.

    Parameters
    ----------
    game : NormalFormGame
    answer : Equilibrium, or array_like of shape (A_1, ..., A_n)
    tolerance : float
        Largest gain, as a share of the player's payoff range.

    Raises
    ------
    AssertionError
        With the action and what it gains; or with why it is no distribution.
    """
    joint = _joint(game, answer, "coarse correlated")
    for player, gains, slack in _gains(game, joint, tolerance):
        totals = gains.sum(axis=0)
        best = int(np.argmax(totals))
        if totals[best] > slack:
            rows = [(str(b), _number(gain), "<- best" if b == best else "") for b, gain in enumerate(totals)]
            raise AssertionError(
                f"not a coarse correlated equilibrium of {game!r}: player {player} gains {_number(totals[best])} "
                f"by always playing {_action(game, player, best)} (tolerance {slack:g})\n"
                + _table(("always", "gain"), rows)
            )


def _slack(game: NormalFormGame, tolerance: float, exact: bool) -> list[float]:
    """Return the largest regret allowed each player; in floats never less than the rounding of the check itself."""
    spread = [tolerance * float(r) for r in game.payoff_range]
    if exact:
        return spread
    largest = np.abs(game.payoffs.reshape(game.n_players, -1)).max(axis=1)
    rounding = 4 * sum(game.n_actions) * np.finfo(np.float64).eps
    return [max(s, rounding * float(m)) for s, m in zip(spread, largest)]


def _check_profile(game: NormalFormGame, answer: Any, slack: Callable[[bool], Sequence[float]], what: str) -> None:
    payoffs, profile = _profile(game, answer, what)
    allowed = slack(payoffs.dtype == object)
    deviations = [deviation_payoffs(payoffs[i], profile, i) for i in range(game.n_players)]
    earned = [p @ d for p, d in zip(profile, deviations)]
    gains = [d.max() - v for d, v in zip(deviations, earned)]
    failing = [i for i in range(game.n_players) if not gains[i] <= allowed[i]]
    if not failing:
        return
    worst = max(failing, key=lambda i: gains[i] - allowed[i])
    best = int(np.argmax(deviations[worst]))
    head = (
        f"not {what} of {game!r}: player {worst} gains {_number(gains[worst])} by playing "
        f"{_action(game, worst, best)} instead of earning {_number(earned[worst])} (tolerance {allowed[worst]:g})"
    )
    raise AssertionError("\n".join([head, *_tables(game, profile, deviations, earned)]))


def _tables(game: NormalFormGame, profile: Any, deviations: Any, earned: Any) -> list[str]:
    lines = []
    for i, (strategy, payoffs, value) in enumerate(zip(profile, deviations, earned)):
        played = ", ".join(_number(x) for x in strategy)
        lines.append(f"player {i} plays ({played}) and earns {_number(value)}")
        best = payoffs.max()
        rows = [
            (label, _number(x), _number(u), _signed(u - value), "<- best" if u == best else "")
            for label, x, u in zip(game.actions[i], strategy, payoffs)
        ]
        lines.append(_table(("action", "probability", "payoff", "gain"), rows))
    return lines


def _profile(game: NormalFormGame, answer: Any, what: str) -> tuple[NDArray[Any], Sequence[NDArray[Any]]]:
    """Return payoffs and profile in the same arithmetic: exact if both are."""
    require_game(game)
    if isinstance(answer, Equilibrium):
        if answer.profile is None:
            raise AssertionError(f"not {what}: a {answer.concept} answer is a joint distribution, not a profile")
        answer = answer.exact_profile or answer.profile
    try:
        checked = checked_profile(game, answer)
        exact = exact_profile(answer) if game.is_exact else None
    except ProfileError as error:
        raise AssertionError(f"not {what}: {error}") from error
    if exact is None:
        return game.payoffs, checked
    for i, strategy in enumerate(exact):
        if strategy.sum() != 1 or strategy.min() < 0:
            raise AssertionError(f"not {what}: the fractions of profile[{i}] sum to {strategy.sum()}, not to 1")
    return game.fractions, exact


def _joint(game: NormalFormGame, answer: Any, what: str) -> NDArray[Any]:
    require_game(game)
    if isinstance(answer, Equilibrium):
        answer = answer.joint if answer.profile is None else _product(answer.exact_profile or answer.profile)
    try:
        floats = checked_joint(game, answer)
    except ProfileError as error:
        raise AssertionError(f"not a {what} equilibrium: {error}") from error
    given = np.asarray(answer)
    if not game.is_exact or given.dtype != object or not all(isinstance(x, (int, Fraction)) for x in given.flat):
        return floats
    if given.sum() != 1 or given.min() < 0:
        raise AssertionError(f"not a {what} equilibrium: the fractions sum to {given.sum()}, not to 1")
    return given


def _product(profile: Sequence[NDArray[Any]]) -> NDArray[Any]:
    joint = np.ones((), dtype=profile[0].dtype)
    for strategy in profile:
        joint = np.multiply.outer(joint, strategy)
    return np.asarray(joint)


def _gains(game: NormalFormGame, joint: NDArray[Any], tolerance: float) -> list[tuple[int, NDArray[Any], float]]:
    payoffs = game.fractions if joint.dtype == object else game.payoffs
    slack = _slack(game, tolerance, joint.dtype == object)
    return [(i, deviation_gains(payoffs, joint, i), slack[i]) for i in range(game.n_players)]


def _action(game: NormalFormGame, player: int, action: int) -> str:
    label = game.actions[player][action]
    return f"action {action}" if label == str(action) else f"action {action} ({label!r})"


def _number(x: Any) -> str:
    return str(x) if isinstance(x, (int, Fraction)) else f"{float(x):.6g}"


def _signed(x: Any) -> str:
    return f"+{_number(x)}" if x > 0 else _number(x)


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Return right-aligned columns under their names; a last cell beyond the names is a remark."""
    widths = [max(len(head[k]), *(len(row[k]) for row in rows)) for k in range(len(head))] if rows else []
    lines = ["  ".join(name.rjust(width) for name, width in zip(head, widths))]
    for row in rows:
        cells = "  ".join(cell.rjust(width) for cell, width in zip(row, widths))
        lines.append(f"{cells}  {row[len(head)]}".rstrip())
    return "\n".join("    " + line for line in lines)
