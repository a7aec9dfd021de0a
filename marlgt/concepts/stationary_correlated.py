"""Stationary correlated policies in stochastic games: what they earn and what the best disobedience gains.

In each state s a profile of actions is drawn from ``joint[s]`` and every player is told her own part of it, and nothing
else. A player who disobeys faces a Markov decision process whose states are pairs of a state and what she is told: told
a in s, playing b is worth::

    sum_{a_-i} joint(a_-i | s, a) [r_i(s, b, a_-i) + discount sum_t T(t | s, b, a_-i) W(t)],

where W(t) is the expectation, over what she will be told in t, of the best of these. The joint policies are a
stationary correlated equilibrium where no W exceeds the value of obeying, which holds exactly when no single swap of
one action for another gains in one step (the one-shot deviation principle).

References
----------
Aumann, R. J. (1974). Subjectivity and correlation in randomized strategies. Journal of Mathematical Economics 1, 67-96.
Greenwald, A. and Hall, K. (2003). Correlated Q-learning. Proceedings of the 20th International Conference on Machine
Learning, 242-249.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from marlgt.concepts._chains import chain_of, chain_values
from marlgt.concepts.stationary import require_discounting
from marlgt.errors import NotConverged, ProfileError
from marlgt.games._doors import require_stochastic_game
from marlgt.games._profiles import policy_numbers
from marlgt.games.stochastic import StochasticGame

__all__ = ["checked_stationary_joint", "correlated_worth", "stationary_correlated_regrets", "stationary_joint_values"]

_TOLERANCE = 1e-6
_MOST_ROUNDS = 1000
_ROUNDING = 1e-14

Floats = NDArray[np.float64]


def stationary_joint_values(game: StochasticGame, joint: ArrayLike) -> Floats:
    """Return what each state is worth to each player who obeys, shape (n, S).

    Parameters
    ----------
    game : StochasticGame
    joint : array_like, shape (S, A_1, ..., A_n)
        In each state that is not terminal a distribution over profiles of legal actions.

    Raises
    ------
    UnsupportedGame
        If the discount is 1 and the game may go on for ever.
    ProfileError
        If the joint policies do not fit the game.

    Examples
    --------
    >>> import marlgt as gt
    >>> chicken = gt.NormalFormGame.bimatrix([[6, 2], [7, 0]], [[6, 7], [2, 0]])
    >>> game = gt.games.StochasticGame.repeated(chicken, discount=0.5)
    >>> stationary_joint_values(game, [[[1/3, 1/3], [1/3, 0]]]).round(6).tolist()
    [[10.0], [10.0]]
    """
    require_stochastic_game(game)
    require_discounting(game)
    return _values(game, checked_stationary_joint(game, joint))


def stationary_correlated_regrets(game: StochasticGame, joint: ArrayLike) -> tuple[Floats, Floats]:
    """Return what each state is worth to each player who obeys, and the most she gains by disobeying, shapes (n, S).

    Parameters
    ----------
    game, joint
        As in :func:`stationary_joint_values`.

    Raises
    ------
    UnsupportedGame, ProfileError
        As there.

    Examples
    --------
    Told to give way, a player of chicken who was told nothing else would not gain by daring; from an even draw of the
    four profiles she would gain a half in each step when told to give way or to dare alike.

    >>> import marlgt as gt
    >>> chicken = gt.NormalFormGame.bimatrix([[6, 2], [7, 0]], [[6, 7], [2, 0]])
    >>> game = gt.games.StochasticGame.repeated(chicken, discount=0.5)
    >>> stationary_correlated_regrets(game, [[[1/3, 1/3], [1/3, 0]]])[1].round(6).tolist()
    [[0.0], [0.0]]
    >>> stationary_correlated_regrets(game, [[[1/4, 1/4], [1/4, 1/4]]])[1].round(6).tolist()
    [[0.5], [0.5]]
    """
    require_stochastic_game(game)
    require_discounting(game)
    q = checked_stationary_joint(game, joint)
    values = _values(game, q)
    return values, np.stack([_best(game, q, i, values[i]) - values[i] for i in range(game.n_players)])


def correlated_worth(game: StochasticGame, joint: ArrayLike) -> tuple[Floats, Floats, Floats]:
    """Return values from the start and regrets, shapes (n,), and the values of every state to each player, (n, S).

    A regret is the largest gain of disobedience over the states that can be reached.
    """
    by_state, gains = stationary_correlated_regrets(game, joint)
    counted = game.reachable & ~game.terminal
    regrets = gains[:, counted].max(axis=1) if counted.any() else np.zeros(game.n_players)
    return by_state @ game.start, np.maximum(regrets, 0.0), by_state


def checked_stationary_joint(game: StochasticGame, joint: ArrayLike) -> Floats:
    """Return joint policies as floats of shape (S, A_1, ..., A_n) that sum to 1 in each state not terminal.

    Raises
    ------
    ProfileError
        If they do not fit the game or are no distributions over profiles of legal actions.
    """
    q = policy_numbers(joint, "joint")
    shape = (game.n_states, *game.n_actions)
    if q.shape != shape:
        raise ProfileError(f"joint has shape {q.shape}: it must be {shape}, a distribution over profiles per state")
    flat = q.reshape(game.n_states, -1)
    allowed = game.played.reshape(game.n_states, -1)
    totals = np.where(allowed, flat, 0.0).sum(axis=1)
    wrong = (flat < 0).any(axis=1) | ((flat != 0) & ~allowed).any(axis=1) | (np.abs(totals - 1.0) > _TOLERANCE)
    bad = np.flatnonzero(wrong & ~game.terminal)
    if len(bad):
        raise ProfileError(
            f"joint[{bad[0]}] (state {game.states[bad[0]]!r}) is no distribution over the profiles of legal actions: "
            "give probabilities that sum to 1"
        )
    kept = np.where(allowed, flat, 0.0)
    return np.asarray((kept / np.where(game.terminal, 1.0, totals)[:, None]).reshape(shape))


def _values(game: StochasticGame, q: Floats) -> Floats:
    paid = (game.rewards * q).reshape(game.n_players, game.n_states, -1).sum(axis=2)
    return _on_chain(game, q[..., None] * game.probabilities, paid)


def _on_chain(game: StochasticGame, chances: Floats, paid: Floats) -> Floats:
    """Return the values of rewards (n, S) on the chain of weights (S, A_1, ..., A_n, k) of the successors."""
    live = chances.reshape(-1) > 0.0
    targets = game.successors.reshape(-1)[live]
    sources = np.repeat(np.arange(game.n_states), chances[0].size)[live]
    kept = ~game.terminal[targets] & ~game.terminal[sources]
    weights = game.discount * chances.reshape(-1)[live][kept]
    return chain_values(chain_of(game.n_states, sources[kept], targets[kept].astype(np.int64), weights), paid)


def _best(game: StochasticGame, q: Floats, player: int, own: Floats) -> Floats:
    """Return the value of each state to a player who disobeys as well as she can, by policy iteration."""
    s, count = game.n_states, game.n_actions[player]
    told = np.moveaxis(q, 1 + player, 1).reshape(s, count, -1)
    values = own
    level = float(np.abs(game.rewards[player]).max())
    for _ in range(_MOST_ROUNDS):
        table = game.rewards[player] + game.discount * (values[game.successors] * game.probabilities).sum(axis=-1)
        table = np.where(game.played | game.terminal.reshape((s,) + (1,) * game.n_players), table, 0.0)
        # worth[s, a, b] is what playing b when told a adds, weighted by how often a is told.
        worth = told @ np.moveaxis(table, 1 + player, 1).reshape(s, count, -1).transpose(0, 2, 1)
        worth = np.where(game.legal[player][:, None, :], worth, -np.inf)
        worth[game.terminal] = 0.0
        choice = worth.argmax(axis=2)
        obtained = np.take_along_axis(worth, choice[:, :, None], axis=2)[:, :, 0].sum(axis=1)
        if ((obtained - values)[~game.terminal] <= _ROUNDING * (np.abs(values).max() + level)).all():
            return values
        values = _disobeying(game, told, choice, player)
    raise NotConverged("the best disobedience was not found by policy iteration: the game's numbers are too far apart")


def _disobeying(game: StochasticGame, told: Floats, choice: NDArray[np.intp], player: int) -> Floats:
    """Return the value of each state to a player who plays ``choice[s, a]`` in s when told a."""
    s, count = choice.shape
    # What is then played: the others as told, the player what she chose.
    played = np.zeros_like(told)
    for a in range(count):
        np.add.at(played, (np.arange(s), choice[:, a]), told[:, a])
    others = [c for j, c in enumerate(game.n_actions) if j != player]
    q = np.moveaxis(played.reshape(s, count, *others), 1, 1 + player)
    paid = (game.rewards[player] * q).reshape(s, -1).sum(axis=1)
    return np.asarray(_on_chain(game, q[..., None] * game.probabilities, paid[None])[0])
