"""Stationary policies at the door of stochastic games: one distribution over legal actions for each state."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from marlgt.errors import ProfileError
from marlgt.games._profiles import policy_numbers

if TYPE_CHECKING:
    from marlgt.games.stochastic import StochasticGame

__all__ = ["StationaryProfile", "checked_stationary"]

SUM_TOLERANCE = 1e-6
"""How far the probabilities of a state may be from summing to 1."""

StationaryProfile = tuple[NDArray[np.float64], ...]
"""One stationary policy per player, in player order, of shapes (S, A_i)."""


def checked_stationary(game: StochasticGame, profile: Any) -> StationaryProfile:
    """Return a stationary profile as float arrays of shapes (S, A_i), each row a distribution over legal actions.

    Raises
    ------
    ProfileError
        If it does not fit the game or a row of a state that is not terminal is no distribution over legal actions.
    """
    if not isinstance(profile, Sequence) or len(profile) != game.n_players:
        raise ProfileError(f"the profile must hold one policy for each of {game.n_players} players, of shape (S, A_i)")
    result = []
    for i, given in enumerate(profile):
        policy = policy_numbers(given, f"the policy of player {i}")
        shape = (game.n_states, game.n_actions[i])
        if policy.shape != shape:
            raise ProfileError(
                f"the policy of player {i} has shape {policy.shape}: it must be {shape}, a row per state"
            )
        off = ~(np.abs(policy.sum(axis=1) - 1.0) <= SUM_TOLERANCE)
        if not (off & ~game.terminal).any() and policy.min(initial=0.0) >= 0.0 and not policy[~game.legal[i]].any():
            policy.flags.writeable = False
            result.append(policy)
            continue
        wrong = (policy < 0).any(axis=1) | ((policy != 0) & ~game.legal[i]).any(axis=1)
        bad = np.flatnonzero((wrong | off) & ~game.terminal)
        if len(bad):
            raise ProfileError(
                f"the policy of player {i} in state {bad[0]} ({game.states[bad[0]]!r}) is {policy[bad[0]].tolist()}: "
                "give a distribution over the legal actions"
            )
        policy.flags.writeable = False
        result.append(policy)
    return tuple(result)
