"""What policies are worth and what deviating from them gains, in games with turns and in games with states.

In an extensive game the best reply is found by one pass over the sequence form, in a stochastic game by policy
iteration on the player's Markov decision process. The regret of a stationary profile is the largest over the
states that can be reached from the start, so that it holds wherever the game goes.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from marlgt.concepts.behavior import behavior_regrets
from marlgt.concepts.stationary import stationary_regrets
from marlgt.games.extensive import ExtensiveGame
from marlgt.games.stochastic import StochasticGame

__all__ = ["policy_worth"]


def policy_worth(
    game: ExtensiveGame | StochasticGame, profile: Any
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64] | None]:
    """Return values and regrets of a profile of policies, shapes (n,), and in a stochastic game of each state.

    Returns
    -------
    values : ndarray, shape (n,)
        Expected payoffs; in a stochastic game from the starting distribution.
    regrets : ndarray, shape (n,)
    state_values : ndarray, shape (n, S), or None

    Raises
    ------
    ProfileError
        If the profile does not fit the game.
    UnsupportedGame
        If a player of an extensive game forgets, or a stochastic game is neither discounted nor sure to end.
    """
    if isinstance(game, ExtensiveGame):
        values, regrets = behavior_regrets(game, profile)
        return values, np.maximum(regrets, 0.0), None
    by_state, gains = stationary_regrets(game, profile)
    counted = game.reachable & ~game.terminal
    regrets = gains[:, counted].max(axis=1) if counted.any() else np.zeros(game.n_players)
    return by_state @ game.start, np.maximum(regrets, 0.0), by_state
