"""Regret of a history of play: what other actions would have earned against the same opponents.

With ``a^1, ..., a^T`` the action profiles played, the external regret of player i for action b swaps
every past action for b, and the internal regret for (a, b) only those episodes in which a was played::

    external[b]     = sum_t  u_i(b, a_-i^t) - u_i(a^t)
    internal[a, b]  = sum over t with a_i^t = a of  u_i(b, a_-i^t) - u_i(a, a_-i^t)

so external is the column sum of internal. Play has no regret when the positive parts, divided by T,
vanish as T grows; the empirical distribution then approaches the coarse correlated equilibria, or,
for internal regret, the correlated equilibria (Hart and Mas-Colell 2000).

References
----------
Hart, S. and Mas-Colell, A. (2000). A simple adaptive procedure leading to correlated equilibrium.
Econometrica 68, 1127-1150.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from marlgt.concepts.deviations import deviation_gains
from marlgt.errors import GameError
from marlgt.games._comparable import checked_player
from marlgt.games._doors import require_game
from marlgt.games.normal_form import NormalFormGame

__all__ = ["empirical_distribution", "external_regret", "internal_regret"]


def empirical_distribution(game: NormalFormGame, history: ArrayLike) -> NDArray[np.float64]:
    """Return how often each action profile was played, shape (A_1, ..., A_n), summing to one.

    Parameters
    ----------
    game : NormalFormGame
    history : array_like of int, shape (T, n)
        The action profile of each episode.

    Raises
    ------
    GameError
        If the history is empty, of another shape, or names an action that does not exist.
    """
    require_game(game)
    counts = _profile_counts(game, history)
    return np.asarray(counts / counts.sum())


def external_regret(game: NormalFormGame, history: ArrayLike, player: int) -> NDArray[np.float64]:
    """Return what each fixed action would have earned above the actions played, shape (A_player,).

    Parameters
    ----------
    game : NormalFormGame
    history : array_like of int, shape (T, n)
    player : int

    Returns
    -------
    ndarray, shape (A_player,)
        Summed over the episodes, not averaged. Also called unconditional regret.

    Examples
    --------
    >>> import marlgt as gt
    >>> g = gt.NormalFormGame.zero_sum([[1, -1], [-1, 1]])
    >>> external_regret(g, [[0, 0], [0, 1], [0, 1]], 0)
    array([0., 2.])
    """
    require_game(game)
    return np.asarray(internal_regret(game, history, player).sum(axis=0))


def internal_regret(game: NormalFormGame, history: ArrayLike, player: int) -> NDArray[np.float64]:
    """Return what swapping one action for another would have earned, shape (A_player, A_player).

    Parameters
    ----------
    game : NormalFormGame
    history : array_like of int, shape (T, n)
    player : int

    Returns
    -------
    ndarray, shape (A_player, A_player)
        Entry ``[a, b]``: play b in every episode in which a was played. Summed over the episodes,
        not averaged; the diagonal is zero. Also called conditional regret.
    """
    require_game(game)
    player = checked_player(game, player)
    return np.asarray(deviation_gains(game.payoffs, _profile_counts(game, history), player))


def _profile_counts(game: NormalFormGame, history: ArrayLike) -> NDArray[np.float64]:
    played = np.asarray(history)
    if played.ndim != 2 or played.shape[1] != game.n_players or len(played) == 0 or played.dtype.kind not in "iu":
        raise GameError(
            f"history must be integers of shape (T, {game.n_players}), one action profile per episode, "
            f"got {played.dtype} of shape {played.shape}"
        )
    for i, count in enumerate(game.n_actions):
        outside = (played[:, i] < 0) | (played[:, i] >= count)
        if outside.any():
            t = int(np.argmax(outside))
            raise GameError(f"history[{t}, {i}] is {int(played[t, i])}: player {i} has the actions 0 to {count - 1}")
    flat = np.ravel_multi_index(tuple(played.T), game.n_actions)
    return np.bincount(flat, minlength=game.n_profiles).reshape(game.n_actions).astype(np.float64)
