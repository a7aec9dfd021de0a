"""Mixed strategy profiles: checked at the door, and the payoffs they earn."""

from __future__ import annotations

import math
from collections.abc import Sequence
from fractions import Fraction
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from marlgt.errors import ProfileError

if TYPE_CHECKING:
    from marlgt.games.normal_form import NormalFormGame, Profile

__all__ = ["checked_joint", "checked_profile", "deviation_payoffs", "exact_profile", "integer_profile"]

SUM_TOLERANCE = 1e-9
"""How far from one the probabilities of a distribution may sum."""


def checked_profile(game: NormalFormGame, profile: Sequence[ArrayLike]) -> Profile:
    """Return the profile as float64 arrays.

    Raises
    ------
    ProfileError
        If it has not one distribution per player, each nonnegative and summing to one within 1e-9.
    """
    if isinstance(profile, (str, bytes)) or not hasattr(profile, "__len__"):
        raise ProfileError(f"a profile is one distribution per player, got {profile!r}")
    if len(profile) != game.n_players:
        raise ProfileError(f"the game has {game.n_players} players but the profile has {len(profile)} distributions")
    result = []
    for i, (given, count) in enumerate(zip(profile, game.n_actions)):
        try:
            x = np.asarray(given, dtype=np.float64)
        except (TypeError, ValueError) as error:
            raise ProfileError(f"profile[{i}] is {given!r}: it must be a list of {count} numbers") from error
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
    try:
        q = np.asarray(joint, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise ProfileError("a joint distribution is an array of numbers of shape (A_1, ..., A_n)") from error
    if q.shape != game.n_actions:
        raise ProfileError(f"the joint distribution has shape {q.shape} but the game has actions {game.n_actions}")
    _check_distribution(q, "joint")
    return q


def _check_distribution(x: NDArray[np.float64], name: str) -> None:
    total = float(x.sum())
    if abs(total - 1.0) <= SUM_TOLERANCE and float(x.min()) >= -SUM_TOLERANCE:
        return
    if not np.isfinite(x).all():
        raise ProfileError(f"{name} is {x.tolist()}: probabilities must be finite")
    if x.min() < -SUM_TOLERANCE:
        raise ProfileError(f"{name} is {x.tolist()}: probabilities must not be negative")
    raise ProfileError(f"{name} sums to {total:.12g}: probabilities must sum to 1; divide by their sum")


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
            shown = ", ".join(map(str, row))
            raise ProfileError(f"profile[{i}] is ({shown}): fractions must be nonnegative and sum to exactly 1")
        result.append((weights, scale))
    return result


def _rational_rows(profile: Sequence[Any]) -> list[list[Fraction]] | None:
    if not hasattr(profile, "__len__"):
        return None
    rows = []
    for given in profile:
        entries = given.tolist() if isinstance(given, np.ndarray) else given
        if not isinstance(entries, (list, tuple)):
            return None
        if not all(type(x) is Fraction for x in entries):
            if not all(isinstance(x, (int, Fraction)) for x in entries):
                return None
            entries = [Fraction(x) for x in entries]
        rows.append(list(entries))
    return rows
