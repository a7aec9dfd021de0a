"""Other rewards for the same game: what a player added to the team's reward, and hints that change no equilibrium.

With R(s, a) the reward of the team and a_i' another action of player i::

    difference rewards      D_i(s, a) = R(s, a) - R(s, (d_i, a_-i)),              d_i a default action
    aristocrat utility      A_i(s, a) = R(s, a) - sum_a' pi_i(a' | s) R(s, (a', a_-i))
    potential-based         r_i'(s, a, s') = r_i(s, a, s') + discount Phi_i(s') - Phi_i(s),   Phi_i = 0 at the end

What is subtracted in the first two does not depend on what player i does, so that in each state every change of hers
changes D_i and A_i exactly as R: they are factored (Wolpert and Tumer 2002), and a normal-form game has the equilibria
of the team game. They differ in how little of what the others do a player is paid for; the mean of A_i under pi_i is
0. In a game of many states it is the rewards that are aligned, not the returns: a player is not paid for the states
that her actions lead to. Potential-based shaping subtracts Phi_i(s) from every value, of whatever policies, and so
leaves all best replies and equilibria what they are (Ng, Harada and Russell 1999; Devlin and Kudenko 2011).

References
----------
Wolpert, D. H. and Tumer, K. (2002). Optimal payoff functions for members of collectives. Modeling Complexity in
Economic and Social Systems, 355-369.
Ng, A. Y., Harada, D. and Russell, S. (1999). Policy invariance under reward transformations. ICML, theorem 1.
Devlin, S. and Kudenko, D. (2011). Theoretical considerations of potential-based reward shaping for multi-agent
systems. AAMAS, 225-232.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, overload

import numpy as np
from numpy.typing import ArrayLike, NDArray

from marlgt.errors import GameError
from marlgt.games._arrays import exact_and_float, short
from marlgt.games._doors import require_stochastic_game
from marlgt.games._profiles import checked_profile
from marlgt.games.normal_form import NormalFormGame
from marlgt.games.stochastic import StochasticGame, checked_stationary

__all__ = ["aristocrat_utilities", "difference_rewards", "potential_shaping", "team_rewards"]

Floats = NDArray[np.float64]


@overload
def team_rewards(game: NormalFormGame) -> NormalFormGame: ...
@overload
def team_rewards(game: StochasticGame) -> StochasticGame: ...
def team_rewards(game: NormalFormGame | StochasticGame) -> NormalFormGame | StochasticGame:
    """Return the game in which everybody gets the sum of all rewards: a team that cares for welfare.

    Parameters
    ----------
    game : NormalFormGame or StochasticGame

    Returns
    -------
    NormalFormGame or StochasticGame
        Of common interest.

    Examples
    --------
    >>> import marlgt as gt
    >>> team_rewards(gt.games.prisoners_dilemma()).payoffs.tolist()[0]
    [[6.0, 5.0], [5.0, 2.0]]
    """
    paid = _paid(game)
    return _with(game, np.broadcast_to(paid.sum(axis=0), paid.shape))


@overload
def difference_rewards(game: NormalFormGame, default_actions: ArrayLike) -> NormalFormGame: ...
@overload
def difference_rewards(game: StochasticGame, default_actions: ArrayLike) -> StochasticGame: ...
def difference_rewards(
    game: NormalFormGame | StochasticGame, default_actions: ArrayLike
) -> NormalFormGame | StochasticGame:
    """Return the game of a team in which each player gets what she adds by not playing her default action.

    Parameters
    ----------
    game : NormalFormGame or StochasticGame
        Of common interest; :func:`team_rewards` makes one of any game.
    default_actions : array_like of int, shape (n,) or (n, S)
        The action of each player that stands for her absence, everywhere or in each state.

    Returns
    -------
    NormalFormGame or StochasticGame
        With expected rewards, where those of the game depend on the successor.

    Raises
    ------
    GameError
        For a game that is not of common interest, and default actions that there are not, or are not legal.

    Examples
    --------
    >>> import marlgt as gt
    >>> team = gt.NormalFormGame.common_interest([[10, 4], [6, 0]])
    >>> difference_rewards(team, [0, 0]).payoffs.tolist()
    [[[0.0, 0.0], [-4.0, -4.0]], [[0.0, -6.0], [0.0, -6.0]]]
    """
    reward = _team_reward(game)
    defaults = _checked_defaults(game, default_actions)

    def without(i: int) -> Floats:
        chosen = defaults[i].reshape(-1, *[1] * (reward.ndim - 1))
        return np.take_along_axis(reward, np.broadcast_to(chosen, _kept(reward, i)), axis=1 + i)

    return _compared(game, reward, without)


@overload
def aristocrat_utilities(game: NormalFormGame, profile: Any) -> NormalFormGame: ...
@overload
def aristocrat_utilities(game: StochasticGame, profile: Any) -> StochasticGame: ...
def aristocrat_utilities(game: NormalFormGame | StochasticGame, profile: Any) -> NormalFormGame | StochasticGame:
    """Return the game of a team in which each player gets what her action adds to the mean of her policy's actions.

    Parameters
    ----------
    game : NormalFormGame or StochasticGame
        Of common interest; :func:`team_rewards` makes one of any game.
    profile : sequence of n array_like, shapes (A_i,) or (S, A_i)
        The policies that the means are taken over.

    Returns
    -------
    NormalFormGame or StochasticGame
        With expected rewards, where those of the game depend on the successor.

    Raises
    ------
    GameError
        For a game that is not of common interest.
    ProfileError
        For policies that do not fit the game.

    Examples
    --------
    >>> import marlgt as gt
    >>> team = gt.NormalFormGame.common_interest([[10, 4], [6, 0]])
    >>> aristocrat_utilities(team, [[0.5, 0.5], [0.5, 0.5]]).payoffs.tolist()
    [[[2.0, 2.0], [-2.0, -2.0]], [[3.0, -3.0], [3.0, -3.0]]]
    """
    reward = _team_reward(game)
    if isinstance(game, NormalFormGame):
        policies = [np.asarray(own)[None] for own in checked_profile(game, profile)]
    else:
        policies = list(checked_stationary(game, profile))

    def mean(i: int) -> Floats:
        weights = policies[i].reshape(len(reward), *(-1 if axis == i else 1 for axis in range(reward.ndim - 1)))
        return np.asarray((reward * weights).sum(axis=1 + i, keepdims=True))

    return _compared(game, reward, mean)


def potential_shaping(game: StochasticGame, potential: ArrayLike) -> StochasticGame:
    """Return the game in which each step also pays ``discount potential(s') - potential(s)``.

    Every value is lower by the potential of its state, so that policies are as good beside each other as before, and
    equilibria stay equilibria; a learner may find them sooner.

    Parameters
    ----------
    game : StochasticGame
    potential : array_like, shape (S,) or (n, S)
        What each state is thought to be worth, to all players or to each; 0 in terminal states.

    Returns
    -------
    StochasticGame

    Raises
    ------
    GameError
        For a potential of another shape, that is not finite, or not 0 where the game is over: ends of different
        potential would pay for the way in which the game ends.

    Examples
    --------
    >>> import marlgt as gt
    >>> game = gt.games.soccer()
    >>> shaped = potential_shaping(game, 0.1 * ~game.terminal)
    >>> round(float(shaped.rewards[0, 0, 4, 4]), 3)
    -0.01
    """
    require_stochastic_game(game)
    values, _ = exact_and_float(potential, "potential")
    n, size = game.n_players, game.n_states
    if values.shape not in ((size,), (n, size)):
        raise GameError(f"potential has shape {values.shape}: give {(size,)}, or {(n, size)} for each player her own")
    worth = np.broadcast_to(values, (n, size))
    if worth[:, game.terminal].any():
        bad = int(np.flatnonzero(game.terminal & (worth != 0).any(axis=0))[0])
        raise GameError(
            f"the potential of state {bad}, where the game is over, is {short(worth[:, bad])}: it must be 0"
        )
    before = worth.reshape(n, size, *[1] * game.n_players)
    if game.successor_rewards is None:
        ahead = np.einsum("i...k,...k->i...", worth[:, game.successors], game.probabilities)
        return game.with_rewards(game.rewards + game.discount * ahead - before)
    return game.with_rewards(game.successor_rewards + game.discount * worth[:, game.successors] - before[..., None])


def _paid(game: Any) -> Floats:
    """Return the expected rewards of a game, shape (n, ...)."""
    if isinstance(game, NormalFormGame):
        return game.payoffs
    require_stochastic_game(game)
    return np.asarray(game.rewards)


def _team_reward(game: Any) -> Floats:
    """Return the common reward, shape (S, A_1, ..., A_n)."""
    paid = _paid(game)
    if np.abs(paid - paid[:1]).max() > 1e-12 * max(float(np.abs(paid).max()), np.finfo(float).tiny):
        raise GameError(
            "the players are paid differently, so that no reward is the team's: team_rewards(game) pays each the sum"
        )
    return np.asarray(paid[0][None] if isinstance(game, NormalFormGame) else paid[0])


def _compared(
    game: NormalFormGame | StochasticGame, reward: Floats, baseline: Callable[[int], Floats]
) -> NormalFormGame | StochasticGame:
    """Return the game that pays player i the team's reward less ``baseline(i)``."""
    n = reward.ndim - 1
    paid = np.stack([reward - baseline(i) for i in range(n)])
    return _with(game, paid[:, 0] if isinstance(game, NormalFormGame) else paid)


def _with(game: NormalFormGame | StochasticGame, paid: Floats) -> NormalFormGame | StochasticGame:
    if isinstance(game, NormalFormGame):
        return NormalFormGame(paid, players=game.players, actions=game.actions, title=game.title)
    return game.with_rewards(paid)


def _kept(reward: Floats, i: int) -> tuple[int, ...]:
    """Return the shape of a table over states and profiles in which player i has one action only."""
    return (*reward.shape[: 1 + i], 1, *reward.shape[2 + i :])


def _checked_defaults(game: Any, default_actions: Any) -> NDArray[np.int64]:
    """Return the default action of each player in each state, shape (n, S)."""
    one_shot = isinstance(game, NormalFormGame)
    n, size = game.n_players, 1 if one_shot else game.n_states
    given = np.asarray(default_actions)
    if given.shape not in ((n,), (n, size)) or given.dtype.kind not in "iu":
        shapes = f"({n},)" if one_shot else f"({n},), or {(n, size)} for each state"
        raise GameError(
            f"default_actions is {short(default_actions)}: give the number of an action of each player, {shapes}"
        )
    chosen = np.broadcast_to(given.reshape(n, -1), (n, size)).astype(np.int64)
    for i, count in enumerate(game.n_actions):
        if chosen[i].min() < 0 or chosen[i].max() >= count:
            raise GameError(
                f"default_actions[{i}] is {short(given[i].tolist())}: player {i} has actions 0 to {count - 1}"
            )
        if one_shot:
            continue
        bad = np.flatnonzero(~game.legal[i][np.arange(size), chosen[i]] & ~game.terminal)
        if len(bad):
            raise GameError(
                f"the default action {chosen[i, bad[0]]} of player {i} is not legal in state {bad[0]}: give default "
                f"actions of shape {(n, size)}, one for each state"
            )
    return chosen
