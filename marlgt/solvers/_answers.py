"""From a solver's stacked vector to a certified answer, exact where a proof is at hand.

A float profile close to fractions of small denominators may be those fractions. The guess costs
nothing in rigour: the exact certificate accepts it only if every regret is exactly zero.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fractions import Fraction
from typing import Any

import numpy as np
from numpy.typing import NDArray

from marlgt.certificates import TOLERANCE, certified, relative_epsilon
from marlgt.equilibria import Equilibrium
from marlgt.games._comparable import comparable_payoffs
from marlgt.games.normal_form import NormalFormGame
from marlgt.solvers._tensors import split
from marlgt.solvers.pure import certified_pure

__all__ = ["certified_answer"]

_EXACT_ENTRIES = 3000
_LARGEST_DENOMINATOR = 10_000
_ROUNDING = 1e-11


def certified_answer(
    game: NormalFormGame,
    offsets: NDArray[np.int64],
    stacked: NDArray[np.float64],
    *,
    method: str,
    work: Mapping[str, int],
    seconds: float,
) -> Equilibrium | None:
    """Return the stacked profile as a Nash equilibrium with its certificate, or None if that fails."""
    profile = split(stacked, offsets)
    if all(np.count_nonzero(x) == 1 for x in profile):
        actions = tuple(int(x.argmax()) for x in profile)
        pure = certified_pure(game, actions, method=method, work=work, seconds=seconds)
        return pure if relative_epsilon(game, pure) <= TOLERANCE else None
    if game.is_exact and game.payoffs.size <= _EXACT_ENTRIES:
        fractions = _nearby_fractions(profile)
        if fractions is not None:
            exact = certified(game, fractions, method=method, work=work, seconds=seconds)
            if exact.epsilon == 0.0:
                return exact
    answer = certified(game, _checkable(game, profile), method=method, work=work, seconds=seconds)
    return answer if relative_epsilon(game, answer) <= TOLERANCE else None


def _nearby_fractions(profile: tuple[NDArray[np.float64], ...]) -> list[NDArray[Any]] | None:
    result = []
    for x in profile:
        guess = np.empty(x.size, dtype=object)
        guess[:] = [Fraction(p).limit_denominator(_LARGEST_DENOMINATOR) for p in x.tolist()]
        if sum(guess) != 1 or np.abs(guess.astype(np.float64) - x).max() > _ROUNDING:
            return None
        result.append(guess)
    return result


def _checkable(game: NormalFormGame, profile: tuple[NDArray[np.float64], ...]) -> Sequence[NDArray[Any]]:
    """Return the profile as fractions where the game's payoffs as floats would not show its regrets."""
    if comparable_payoffs(game).dtype != object:
        return profile
    exact = []
    for x in profile:
        fractions = np.empty(x.size, dtype=object)
        fractions[:] = [Fraction(p) for p in x.tolist()]
        exact.append(fractions / sum(fractions))
    return exact
