"""What the settings of a dynamic stand for: the times to record, rates and weights by step, and first strategies."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from marlgt.errors import GameError
from marlgt.games._arrays import short
from marlgt.games._doors import nonnegative
from marlgt.games._profiles import checked_profile
from marlgt.games.normal_form import NormalFormGame, Profile

__all__ = [
    "Schedule",
    "first_strategies",
    "payoff_ranges",
    "power_weights",
    "pure_profile",
    "scheduled",
]

Floats = NDArray[np.float64]
_MOST_TIMES = 2**24
Schedule = float | Callable[[Floats], Any]
"""A number for every step, or a function of an array of steps, counted from 1."""


def scheduled(values: Schedule, name: str, *, most: float = np.inf, shift: int = 0) -> Callable[[Floats], Floats]:
    """Return a function from steps to the numbers scheduled for them, which must be positive and at most ``most``.

    Parameters
    ----------
    values : float, or callable
    name : str
        What to call the setting in an error.
    most : float
    shift : int
        How many steps earlier the number of a step is read, at step 1 at the earliest.
    """
    if not callable(values):
        number = nonnegative(values, name)
        _check(np.array([number]), name, most)
        return lambda steps: np.full(len(steps), number)
    given = values

    def numbers(steps: Floats) -> Floats:
        try:
            result = np.broadcast_to(np.asarray(given(np.maximum(steps - shift, 1.0)), dtype=np.float64), steps.shape)
        except (TypeError, ValueError) as error:
            raise GameError(
                f"{name} is a function that fails or gives no numbers ({type(error).__name__}: {error}): give one from "
                "an array of steps to as many numbers"
            ) from error
        _check(result, f"{name} of a step", most)
        return result

    numbers(np.ones(1))
    return numbers


def _check(numbers: Floats, name: str, most: float) -> None:
    bad = ~(np.isfinite(numbers) & (numbers > 0.0) & (numbers <= most))
    if bad.any():
        limit = "" if most == np.inf else f" and at most {most:g}"
        raise GameError(f"{name} is {float(numbers[bad][0]):g}: give positive finite numbers{limit}")


def power_weights(power: float) -> Callable[[Floats], Floats]:
    """Return the averaging in which step t weighs ``t ** power``."""
    exponent = nonnegative(power, "averaging")
    if exponent > 20:
        raise GameError(f"averaging is {exponent:g}: step t weighs t ** averaging, with a power of at most 20")
    return lambda steps: np.asarray(steps**exponent)


def first_strategies(game: NormalFormGame, start: Any) -> Profile:
    """Return the given profile, checked, or the one in which everybody mixes all actions alike."""
    if start is None:
        return tuple(np.full(count, 1.0 / count) for count in game.n_actions)
    return checked_profile(game, start)


def pure_profile(game: NormalFormGame, first_actions: Any) -> Profile:
    """Return the given actions as strategies; action 0 for everybody if None."""
    first = (0,) * game.n_players if first_actions is None else first_actions
    try:
        actions = tuple(int(a) for a in first)
    except (TypeError, ValueError) as error:
        raise GameError(
            f"first_actions is {short(first)}: give one action of each player ({type(error).__name__}: {error})"
        ) from error
    if len(actions) != game.n_players or not all(0 <= a < k for a, k in zip(actions, game.n_actions)):
        raise GameError(
            f"first_actions is {actions}: give one action of each player, counted from 0, of {game.n_actions}"
        )
    return tuple(np.eye(k)[a] for a, k in zip(actions, game.n_actions))


def payoff_ranges(game: NormalFormGame) -> Floats:
    """Return the difference between the largest and the smallest payoff of each player, shape (n,)."""
    flat = game.payoffs.reshape(game.n_players, -1)
    return np.asarray(flat.max(axis=1) - flat.min(axis=1))
