"""Stationary policies in stochastic games: what they earn in each state, the best reply, and what deviating gains.

Against fixed stationary policies of the others, a player faces a Markov decision process, and some stationary
policy of hers is best from every state (Blackwell 1962). It is found by policy iteration (Howard 1960), whose
evaluations are exact solutions of sparse linear equations, so that the gain from deviating is exact up to rounding.

References
----------
Howard, R. A. (1960). Dynamic Programming and Markov Processes. MIT Press.
Blackwell, D. (1962). Discrete dynamic programming. Annals of Mathematical Statistics 33, 719-726.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from marlgt.errors import UnsupportedGame
from marlgt.games._comparable import checked_player
from marlgt.games.stochastic import StochasticGame, checked_stationary

__all__ = [
    "best_stationary",
    "decision_process",
    "require_discounting",
    "stationary_regrets",
    "stationary_values",
]

_MOST_ROUNDS = 1000


def stationary_values(game: StochasticGame, profile: Any) -> NDArray[np.float64]:
    """Return what each state is worth to each player under a stationary profile, shape (n, S).

    Raises
    ------
    UnsupportedGame
        If the discount is 1 and the game may go on for ever.
    ProfileError
        If the profile does not fit the game.
    """
    require_discounting(game)
    policies = checked_stationary(game, profile)
    weight = np.ones(game.rewards.shape[1:])
    for i, policy in enumerate(policies):
        weight = weight * _along(policy, i, game.n_players)
    rewards = (game.rewards * weight).reshape(game.n_players, game.n_states, -1).sum(axis=2)
    chances = (game.probabilities * weight[..., None]).reshape(game.n_states, -1)
    return _solved(game, game.successors.reshape(game.n_states, -1), chances, rewards.T).T


def best_stationary(game: StochasticGame, profile: Any, player: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return what each state is worth to a player who replies best, and a best stationary policy, which is pure.

    Parameters
    ----------
    game : StochasticGame
    profile : sequence of n array_like, shapes (S, A_i)
        The player's own policy is where the search begins.
    player : int

    Returns
    -------
    values : ndarray, shape (S,)
    policy : ndarray, shape (S, A_player)

    Raises
    ------
    UnsupportedGame
        If the discount is 1 and the game may go on for ever.
    ProfileError
        If the profile does not fit the game.
    """
    require_discounting(game)
    policies = checked_stationary(game, profile)
    player = checked_player(game, player)  # type: ignore[arg-type]
    rewards, successors, chances = decision_process(game, policies, player)
    states = np.arange(game.n_states)
    choice = np.where(game.legal[player], policies[player], -1.0).argmax(axis=1)
    values = np.zeros(game.n_states)
    for _ in range(_MOST_ROUNDS):
        values = _solved(game, successors[states, choice], chances[states, choice], rewards[states, choice])
        worths = rewards + game.discount * (values[successors] * chances).sum(axis=2)
        worths[~game.legal[player]] = -np.inf
        better = worths.argmax(axis=1)
        scale = np.abs(worths[states, choice]) + np.abs(rewards).max()
        # Below rounding an improvement is none, and taking it could go round in circles.
        gains = worths[states, better] > worths[states, choice] + 1e-14 * scale
        if not gains[~game.terminal].any():
            break
        choice = np.where(gains, better, choice)
    policy = np.zeros_like(policies[player])
    policy[states, choice] = 1.0
    return values, policy


def stationary_regrets(game: StochasticGame, profile: Any) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the value of each state to each player and the gain of her best reply there, shapes (n, S).

    Raises
    ------
    UnsupportedGame
        If the discount is 1 and the game may go on for ever.
    ProfileError
        If the profile does not fit the game.
    """
    values = stationary_values(game, profile)
    best = np.stack([best_stationary(game, profile, i)[0] for i in range(game.n_players)])
    return values, best - values


def decision_process(
    game: StochasticGame, policies: Sequence[NDArray[np.float64]], player: int
) -> tuple[NDArray[np.float64], NDArray[np.int32], NDArray[np.float64]]:
    """Return the Markov decision process of one player against the others' policies, unchecked.

    Returns
    -------
    rewards : ndarray, shape (S, A_player)
    successors : ndarray of int32, shape (S, A_player, K)
    probabilities : ndarray, shape (S, A_player, K)
    """
    weight = np.ones(game.rewards.shape[1:])
    for i, policy in enumerate(policies):
        if i != player:
            weight = weight * _along(policy, i, game.n_players)
    shape = (game.n_states, game.n_actions[player])
    rewards = np.moveaxis(game.rewards[player] * weight, 1 + player, 1).reshape(*shape, -1).sum(axis=2)
    chances = np.moveaxis(game.probabilities * weight[..., None], 1 + player, 1).reshape(*shape, -1)
    successors = np.moveaxis(game.successors, 1 + player, 1).reshape(*shape, -1)
    return rewards, successors, chances


def require_discounting(game: StochasticGame) -> None:
    """Raise UnsupportedGame for a game that is not discounted and may go on for ever."""
    if game.discount == 1.0 and not game.surely_ends:
        raise UnsupportedGame(
            "the discount is 1 and the players can keep the game from ending, so its value need not exist: give a "
            "discount below 1, for example game.with_discount(0.99)"
        )


def _along(policy: NDArray[np.float64], axis: int, n: int) -> NDArray[np.float64]:
    shape = [policy.shape[0]] + [1] * n
    shape[1 + axis] = policy.shape[1]
    return policy.reshape(shape)


def _solved(
    game: StochasticGame, successors: NDArray[np.int32], chances: NDArray[np.float64], rewards: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Solve V = r + discount P V with V = 0 in terminal states; ``rewards`` has shape (S,) or (S, n)."""
    from scipy.sparse import csc_array, identity
    from scipy.sparse.linalg import splu

    s, width = successors.shape
    chances = np.where(game.terminal[:, None] | game.terminal[successors], 0.0, chances)
    rows = np.repeat(np.arange(s), width)
    kept = chances.reshape(-1) > 0.0
    entries = (chances.reshape(-1)[kept], (rows[kept], successors.reshape(-1)[kept]))
    system = identity(s, format="csc") - game.discount * csc_array(entries, shape=(s, s))
    paid = np.where(game.terminal.reshape((s,) + (1,) * (rewards.ndim - 1)), 0.0, rewards)
    return np.asarray(splu(csc_array(system)).solve(paid))
