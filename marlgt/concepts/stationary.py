"""Stationary policies in stochastic games: what they earn in each state, the best reply, and what deviating gains.

Against fixed stationary policies of the others, a player faces a Markov decision process, and some stationary
policy of hers is best from every state (Blackwell 1962). It is found by policy iteration, whose evaluations solve
linear equations to rounding, so that the gain from deviating is exact up to rounding.

A regret is small or large beside :func:`value_units`: what is at stake for a player, by her rewards and by the
values of the states.

References
----------
Blackwell, D. (1962). Discrete dynamic programming. Annals of Mathematical Statistics 33, 719-726.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from marlgt.concepts._chains import chain_values
from marlgt.concepts._decision_processes import (
    DecisionProcess,
    best_values,
    mixed_chain,
    process_of,
)
from marlgt.errors import GameError, UnsupportedGame
from marlgt.games._arrays import exact_and_float
from marlgt.games._comparable import checked_player
from marlgt.games._doors import require_stochastic_game
from marlgt.games.stochastic import StationaryProfile, StochasticGame, checked_stationary

__all__ = [
    "best_stationary",
    "decision_process",
    "joint_process",
    "longest_play",
    "require_discounting",
    "start_regrets",
    "stationary_regrets",
    "stationary_values",
    "value_units",
]


def stationary_values(game: StochasticGame, profile: Any) -> NDArray[np.float64]:
    """Return what each state is worth to each player under a stationary profile, shape (n, S).

    Raises
    ------
    UnsupportedGame
        If the discount is 1 and the game may go on for ever.
    ProfileError
        If the profile does not fit the game.
    """
    require_stochastic_game(game)
    require_discounting(game)
    policies = _distributions(game, profile)
    return _values(game, policies, decision_process(game, policies, 0))


def best_stationary(game: StochasticGame, profile: Any, player: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return what each state is worth to a player who replies best, and a best stationary policy, which is pure.

    Parameters
    ----------
    game : StochasticGame
    profile : sequence of n array_like, shapes (S, A_i)
        The search begins from the value of the player's own policy.
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
    require_stochastic_game(game)
    require_discounting(game)
    policies = _distributions(game, profile)
    player = checked_player(game, player)
    process = decision_process(game, policies, player)
    own = chain_values(mixed_chain(process, policies[player]), _earned(process, policies[player])[None])[0]
    values, choice, _ = best_values(process, own)
    policy = np.zeros_like(policies[player])
    policy[np.arange(game.n_states), choice] = 1.0
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
    require_stochastic_game(game)
    require_discounting(game)
    policies = _distributions(game, profile)
    process = decision_process(game, policies, 0)
    values = _values(game, policies, process)
    best = np.empty_like(values)
    for i in range(game.n_players):
        process = process if i == 0 else decision_process(game, policies, i)
        best[i] = best_values(process, values[i])[0]
    return values, best - values


def start_regrets(game: StochasticGame, profile: Any) -> NDArray[np.float64]:
    """Return what each player's best reply gains from the start, shape (n,): not in each state, as an equilibrium asks.

    It judges what was learned by playing, which says little of states that are hardly ever met: the gain of each
    state's best reply is averaged over the distribution of the first state.

    Raises
    ------
    UnsupportedGame
        If the discount is 1 and the game may go on for ever.
    ProfileError
        If the profile does not fit the game.

    Examples
    --------
    >>> import marlgt as gt
    >>> game = gt.games.soccer()
    >>> start_regrets(game, game.uniform_profile()).round(2)
    array([0.55, 0.55])
    """
    return np.asarray(stationary_regrets(game, profile)[1] @ game.start)


def value_units(game: StochasticGame, state_values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return what is at stake for each player, the unit in which a regret or an error is small, shape (n,).

    It is the larger of the range of her rewards and of the largest value of a state to her, in absolute terms, and 1
    where both are 0. It never exceeds the range of rewards, 0 included, over one minus the discount.

    Parameters
    ----------
    game : StochasticGame
    state_values : ndarray, shape (n, S)

    Raises
    ------
    GameError
        If the values have another shape or are not finite.
    """
    require_stochastic_game(game)
    worth = state_values
    if type(worth) is not np.ndarray or worth.dtype != np.float64 or not np.isfinite(worth).all():
        worth, _ = exact_and_float(state_values, "state_values")
    if worth.shape != (game.n_players, game.n_states):
        raise GameError(
            f"state_values has shape {worth.shape}: give {(game.n_players, game.n_states)}, the value of each state to "
            "each player"
        )
    stakes = np.maximum(game.reward_range, np.abs(worth).max(axis=1))
    return np.where(stakes > 0.0, stakes, 1.0)


def decision_process(game: StochasticGame, policies: StationaryProfile, player: int) -> DecisionProcess:
    """Return the Markov decision process of one player against the others' policies, unchecked."""
    n, s, own = game.n_players, game.n_states, game.n_actions[player]
    weight = np.ones((s, 1))
    for i, policy in enumerate(policies):
        if i != player:
            weight = (weight[:, :, None] * policy[:, None, :]).reshape(s, -1)
    rewards = np.moveaxis(game.rewards[player], 1 + player, 1).reshape(s, own, -1)
    paid = np.einsum("sao,so->sa", rewards, weight)
    # Others seldom mix over all their actions: only what they play is looked up.
    places, profiles = np.nonzero(weight)
    lead = (0, 1 + player, *(1 + j for j in range(n) if j != player), n + 1)
    width = game.successors.shape[-1]
    successors = game.successors.transpose(lead).reshape(s, own, -1, width)[places, :, profiles]
    chances = game.probabilities.transpose(lead).reshape(s, own, -1, width)[places, :, profiles]
    chances = chances * (game.discount * weight[places, profiles])[:, None, None]
    return process_of(paid, game.legal[player], game.terminal, places, successors, chances)


def joint_process(game: StochasticGame, rewards: NDArray[np.float64]) -> DecisionProcess:
    """Return the decision process of all players together, for rewards of shape (S, A_1, ..., A_n).

    Its actions are the profiles of actions, the last player's action running fastest.
    """
    s, width = game.n_states, game.successors.shape[-1]
    return process_of(
        rewards.reshape(s, -1),
        game.played.reshape(s, -1) | game.terminal[:, None],
        game.terminal,
        np.arange(s),
        game.successors.reshape(s, -1, width),
        game.discount * game.probabilities.reshape(s, -1, width),
    )


def longest_play(game: StochasticGame) -> float:
    """Return the most steps, each discounted, that a play can be expected to take from any state on.

    It bounds how far errors of one step add up: values V with ``|T V - V| <= e`` in every state, where T is Shapley's
    operator, are within e times it of the true ones. With a discount below 1 it is 1 / (1 - discount) at most, which
    is what is returned; else the game surely ends, and it is the value of a decision process with reward 1.

    Raises
    ------
    UnsupportedGame
        If the discount is 1 and the game may go on for ever.
    """
    require_discounting(game)
    if game.discount < 1.0:
        return 1.0 / (1.0 - game.discount)
    process = joint_process(game, game.played.astype(np.float64))
    return float(max(1.0, best_values(process, np.zeros(game.n_states))[0].max()))


def require_discounting(game: StochasticGame) -> None:
    """Raise UnsupportedGame for a game that is not discounted and may go on for ever."""
    if game.discount == 1.0 and not game.surely_ends:
        raise UnsupportedGame(
            "the discount is 1 and the players can keep the game from ending, so its value need not exist: give a "
            "discount below 1, for example game.with_discount(0.99)"
        )


def _distributions(game: StochasticGame, profile: Any) -> StationaryProfile:
    """Return the policies with rows that sum to 1 as nearly as floats can, so that no error adds up over a play."""
    policies = checked_stationary(game, profile)
    result = []
    for policy in policies:
        totals = policy.sum(axis=1, keepdims=True)
        result.append(policy / np.where(game.terminal[:, None] | (totals == 0.0), 1.0, totals))
    return tuple(result)


def _values(game: StochasticGame, policies: StationaryProfile, process: DecisionProcess) -> NDArray[np.float64]:
    """Return the value of each state to each player, by the chain of the first player's decision process."""
    weight = np.ones((game.n_states, 1))
    for policy in policies:
        weight = (weight[:, :, None] * policy[:, None, :]).reshape(game.n_states, -1)
    paid = np.einsum("isj,sj->is", game.rewards.reshape(game.n_players, game.n_states, -1), weight)
    paid[:, game.terminal] = 0.0
    chain = mixed_chain(process, policies[0])
    if len(paid) == 2 and np.array_equal(paid[1], -paid[0]):
        worth = chain_values(chain, paid[:1])
        return np.concatenate([worth, -worth])
    return chain_values(chain, paid)


def _earned(process: DecisionProcess, policy: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.asarray((np.where(policy > 0.0, process.rewards, 0.0) * policy).sum(axis=1))
