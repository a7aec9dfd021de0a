"""Mixed strategy profiles: checked at the door, and the payoffs they earn."""

from __future__ import annotations

import math
import numbers
from collections.abc import Sequence
from decimal import Decimal
from fractions import Fraction
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from marlgt.errors import GameError, ProfileError
from marlgt.games._arrays import exact_and_float, short

if TYPE_CHECKING:
    from marlgt.games.normal_form import NormalFormGame, Profile

__all__ = [
    "checked_joint",
    "checked_profile",
    "deviation_payoffs",
    "exact_profile",
    "integer_profile",
    "policy_numbers",
]

SUM_TOLERANCE = 1e-9
"""How far from one the probabilities of a distribution may sum."""


def checked_profile(game: NormalFormGame, profile: Sequence[ArrayLike]) -> Profile:
    """Return the profile as float64 arrays.

    Raises
    ------
    ProfileError
        If it has not one distribution per player, each nonnegative and summing to one within 1e-9.
    """
    _check_container(game, profile)
    result = []
    for i, (given, count) in enumerate(zip(profile, game.n_actions)):
        x = _numbers(given, f"profile[{i}]", f"a list of {count} numbers")
        if x.shape != (count,):
            raise ProfileError(
                f"profile[{i}] has shape {x.shape} but player {i} has {count} actions: give {count} probabilities"
            )
        _check_distribution(x, f"profile[{i}]")
        result.append(x)
    return tuple(result)


def checked_joint(game: NormalFormGame, joint: ArrayLike) -> NDArray[np.float64]:
    """Return a joint distribution over action profiles as a float64 array of shape (A_1, ..., A_n).

    Raises
    ------
    ProfileError
        If the shape is another, or the entries are not nonnegative and summing to one within 1e-9.
    """
    if isinstance(joint, np.ndarray) and joint.shape != game.n_actions:
        raise ProfileError(f"the joint distribution has shape {joint.shape} but the game has actions {game.n_actions}")
    q = _numbers(joint, "joint", f"an array of numbers of shape {game.n_actions}")
    if q.shape != game.n_actions:
        raise ProfileError(f"the joint distribution has shape {q.shape} but the game has actions {game.n_actions}")
    _check_distribution(q, "joint")
    return q


def policy_numbers(given: Any, name: str) -> NDArray[np.float64]:
    """Return what was given as a policy or a distribution as a new float64 array of finite numbers.

    Raises
    ------
    ProfileError
        For anything else; what it is worth as a policy is not looked at.
    """
    try:
        return exact_and_float(given, name)[0]
    except GameError as error:
        raise ProfileError(str(error)) from error


def _check_container(game: NormalFormGame, profile: Any) -> None:
    if isinstance(profile, (tuple, list)) or (isinstance(profile, np.ndarray) and profile.ndim):
        if len(profile) == game.n_players:
            return
        raise ProfileError(f"the game has {game.n_players} players but the profile has {len(profile)} distributions")
    if hasattr(profile, "profile"):
        raise ProfileError("a profile is one distribution per player, got a result: give its .profile")
    raise ProfileError(f"a profile is a list of one distribution per player, got {short(profile)}")


def _numbers(given: Any, name: str, what: str) -> NDArray[np.float64]:
    """Return what was given as float64, if it consists of real numbers."""
    if type(given) is np.ndarray and given.dtype == np.float64:
        return given
    try:
        array = np.asarray(given)
        if array.dtype.kind in "iub" or array.dtype == np.float64:
            floats = array.astype(np.float64)
        elif array.dtype.kind == "f" or (
            array.dtype.kind == "O" and all(isinstance(x, (numbers.Real, Decimal)) for x in array.reshape(-1))
        ):
            with np.errstate(over="ignore"):  # a long double above the range of float64
                floats = array.astype(np.float64)
        else:
            floats = None
        if isinstance(given, np.ma.MaskedArray) and np.ma.getmaskarray(given).any():
            floats = None
    except Exception as error:  # whatever the object's own conversion raises
        raise ProfileError(f"{name} is {short(given)}: it must be {what} ({type(error).__name__}: {error})") from error
    if floats is None:
        raise ProfileError(f"{name} is {short(given)}: it must be {what}, real and none of them masked")
    return floats


def _check_distribution(x: NDArray[np.float64], name: str) -> None:
    low, high = float(x.min()), float(x.max())
    if low >= -SUM_TOLERANCE and high <= 1.0 + SUM_TOLERANCE:
        total = float(x.sum())
        if abs(total - 1.0) <= SUM_TOLERANCE:
            return
        raise ProfileError(f"{name} sums to {total:.12g}: probabilities must sum to 1; divide by their sum")
    if not np.isfinite(x).all():
        raise ProfileError(f"{name} is {short(x.tolist())}: probabilities must be finite")
    if low < -SUM_TOLERANCE:
        raise ProfileError(f"{name} is {short(x.tolist())}: probabilities must not be negative")
    raise ProfileError(f"{name} is {short(x.tolist())}: probabilities must sum to 1; divide by their sum")


def deviation_payoffs(payoffs: NDArray[Any], profile: Sequence[NDArray[Any]], player: int) -> NDArray[Any]:
    """Return the payoff of each action of ``player`` against the others' strategies, unchecked.

    Parameters
    ----------
    payoffs : ndarray, shape (A_1, ..., A_n)
        That player's own payoff tensor; float, or objects for exact arithmetic.
    profile : sequence of n ndarrays
    player : int
    """
    tensor = payoffs
    for j in reversed(range(player + 1, len(profile))):
        tensor = tensor @ profile[j]
    for j in range(player):
        rest = tensor.shape[1:]
        tensor = (profile[j] @ tensor.reshape(tensor.shape[0], -1)).reshape(rest)
    return tensor


def exact_profile(profile: Sequence[Any]) -> tuple[NDArray[Any], ...] | None:
    """Return the profile as object arrays of Fraction if every entry is an integer or a Fraction, else None."""
    rows = _rational_rows(profile)
    if rows is None:
        return None
    result = []
    for row in rows:
        x = np.empty(len(row), dtype=object)
        x[:] = row
        result.append(x)
    return tuple(result)


def integer_profile(game: NormalFormGame, profile: Sequence[Any]) -> list[tuple[list[int], int]] | None:
    """Return each distribution of a rational profile as integer weights and their sum, None if it is not rational.

    Raises
    ------
    ProfileError
        If it is rational but no profile of the game.
    """
    rows = _rational_rows(profile)
    if rows is None:
        return None
    if tuple(map(len, rows)) != game.n_actions:
        checked_profile(game, profile)
    result = []
    for i, row in enumerate(rows):
        scale = math.lcm(*[x.denominator for x in row])
        weights = [x.numerator * (scale // x.denominator) for x in row]
        if min(weights) < 0 or sum(weights) != scale:
            shown = short("(" + ", ".join(map(str, row)) + ")", quoted=False)
            raise ProfileError(f"profile[{i}] is {shown}: fractions must be nonnegative and sum to exactly 1")
        result.append((weights, scale))
    return result


def _rational_rows(profile: Any) -> list[list[Fraction]] | None:
    if not isinstance(profile, (tuple, list)) and not (isinstance(profile, np.ndarray) and profile.ndim):
        return None
    rows = []
    for given in profile:
        entries = given.tolist() if type(given) is np.ndarray else given
        if not isinstance(entries, (list, tuple)):
            return None
        if not all(type(x) is Fraction for x in entries):
            if not all(isinstance(x, (numbers.Rational, Decimal)) for x in entries):
                return None
            if any(isinstance(x, Decimal) and not x.is_finite() for x in entries):
                return None
            entries = [Fraction(x) for x in entries]
        rows.append(list(entries))
    return rows
