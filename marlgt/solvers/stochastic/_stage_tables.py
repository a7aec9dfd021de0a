"""Stage games of all states at once, and their derivatives, as arrays over the states that are not terminal.

With the values V of what follows, the profile a in state s is worth ``q_i(s, a) = r_i(s, a) + discount sum_t
T(t | s, a) V_i(t)`` to player i. Against the others' stationary policies x her action a is then worth

    d_i(s, a) = sum_{a_-i} x_-i(s, a_-i) q_i(s, a, a_-i),

whose derivatives are ``J_ij(s, a, b)``, what a earns when j plays b and the rest play x, with respect to x_j(s, b),
and ``discount P_i(t | s, a)``, with P_i the chances of the next state against x_-i, with respect to V_i(t).

The actions of all players in a state stand in one row, player i's at ``offsets[i]:offsets[i + 1]``.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from marlgt.games.stochastic import StationaryProfile, StochasticGame

__all__ = ["StageTables", "stage_tables"]

_DENSE_CELLS = 4_000_000
"""Entries of the array of chances, states x profiles x states, up to which it is kept whole."""

Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class StageTables:
    """A stochastic game over its m states that are not terminal, in units of its payoffs.

    Attributes
    ----------
    game : StochasticGame
    live : ndarray of int, shape (m,)
        The states of the game that stand here.
    scale : ndarray, shape (n,)
        Payoffs of the game per unit here.
    rewards : ndarray, shape (n, m, A_1, ..., A_n)
    successors : ndarray of int, shape (m, A_1, ..., A_n, k)
        Positions in ``live``; m stands for every terminal state.
    probabilities : ndarray, shape (m, A_1, ..., A_n, k)
    dense : ndarray, shape (m, A_1, ..., A_n, m), or None
        The chances of every next state, where that is not too large.
    offsets : ndarray of int, shape (n + 1,)
    legal : ndarray of bool, shape (m, K)
        K is the number of actions of all players.
    """

    game: StochasticGame
    live: NDArray[np.intp]
    scale: Floats
    rewards: Floats
    successors: NDArray[np.intp]
    probabilities: Floats
    dense: Floats | None
    offsets: NDArray[np.intp]
    legal: NDArray[np.bool_]

    @property
    def n_players(self) -> int:
        """The number of players."""
        return int(self.rewards.shape[0])

    @property
    def n_states(self) -> int:
        """The number of states that are not terminal."""
        return len(self.live)

    @property
    def size(self) -> int:
        """The number of actions of all players in one state."""
        return int(self.offsets[-1])

    def block(self, player: int) -> slice:
        """Where a player's actions stand in a row."""
        return slice(int(self.offsets[player]), int(self.offsets[player + 1]))

    def uniform(self) -> Floats:
        """Return the policies in which every player chooses among her legal actions alike, shape (m, K)."""
        return np.hstack([policy[self.live] for policy in self.game.uniform_profile()])

    def packed(self, profile: StationaryProfile) -> Floats:
        """Return policies of shapes (S, A_i) as one array of shape (m, K)."""
        return np.hstack([policy[self.live] for policy in profile])

    def profile(self, x: Floats) -> StationaryProfile:
        """Return an array of shape (m, K) as policies of shapes (S, A_i), each row made a distribution."""
        policies = []
        for i, even in enumerate(self.game.uniform_profile()):
            part = np.maximum(x[:, self.block(i)], 0.0)
            policy = even.copy()
            policy[self.live] = part / part.sum(axis=1, keepdims=True)
            policies.append(policy)
        return tuple(policies)

    def chances(self, x: Floats, player: int) -> Floats:
        """Return the chances of the next state of each of a player's actions against x, shape (m, A_player, m)."""
        m, shape = self.n_states, self.rewards.shape[2:]
        others = [l for l in range(self.n_players) if l != player]
        weight = np.ones((m, 1))
        for l in others:
            weight = (weight[:, :, None] * x[:, None, self.block(l)]).reshape(m, -1)
        order = (0, *(1 + l for l in others), 1 + player)
        if self.dense is not None:
            table = self.dense.transpose(*order, -1).reshape(m, weight.shape[1], -1)
            return np.asarray((weight[:, None, :] @ table).reshape(m, shape[player], m))
        entries = self.probabilities.transpose(*order, -1).reshape(m, weight.shape[1], -1) * weight[:, :, None]
        rows = np.arange(m * shape[player]).reshape(m, 1, shape[player], 1)
        nexts = self.successors.transpose(*order, -1).reshape(m, weight.shape[1], shape[player], -1)
        places = (rows * (m + 1) + nexts).reshape(-1)
        summed = np.bincount(places, entries.reshape(-1), m * shape[player] * (m + 1))
        return np.asarray(summed.reshape(m, shape[player], m + 1)[:, :, :m], dtype=np.float64)

    def worths(self, values: Floats) -> Floats:
        """Return ``q_i(s, a)`` for values of shape (n, m), shape (n, m, A_1, ..., A_n)."""
        if self.dense is not None:
            ahead = values @ self.dense.reshape(-1, self.n_states).T
            return np.asarray(self.rewards + self.game.discount * ahead.reshape(self.rewards.shape))
        padded = np.hstack([values, np.zeros((self.n_players, 1))])
        ahead = np.einsum("i...k,...k->i...", padded[:, self.successors], self.probabilities)
        return np.asarray(self.rewards + self.game.discount * ahead)

    def pairwise(self, x: Floats, worths: Floats) -> tuple[Floats, Floats]:
        """Return ``J_ij`` as blocks of an array (m, K, K), zero on the diagonal, and ``d_i`` as an array (m, K)."""
        m, n = self.n_states, self.n_players
        jacobian = np.zeros((m, self.size, self.size))
        earned = np.zeros((m, self.size))
        for i in range(n):
            rows = self.block(i)
            for j in range(n):
                if j == i:
                    continue
                table = worths[i]
                for l in range(n - 1, -1, -1):
                    if l not in (i, j):
                        table = _contracted(table, x[:, self.block(l)], 1 + l)
                jacobian[:, rows, self.block(j)] = table if i < j else table.swapaxes(1, 2)
            if n == 1:
                earned[:, rows] = worths[0]
            else:
                other = self.block(1 if i == 0 else 0)
                earned[:, rows] = (jacobian[:, rows, other] @ x[:, other, None])[:, :, 0]
        return jacobian, earned

    def averages(self, x: Floats, earned: Floats) -> Floats:
        """Return the sum over each player's actions of ``x * earned``, shape (n, m)."""
        return np.add.reduceat(x * earned, self.offsets[:-1], axis=1).T

    def gains(self, earned: Floats, values: Floats) -> Floats:
        """Return how much more than the values the best legal action of one step earns, shape (n, m)."""
        best = np.maximum.reduceat(np.where(self.legal, earned, -np.inf), self.offsets[:-1], axis=1)
        return np.asarray(best.T - values)

    def largest_gain(self, x: Floats, values: Floats) -> float:
        """Return the largest gain of one better action in one step, from policies x worth these values."""
        _, earned = self.pairwise(x, self.worths(values))
        return float(self.gains(earned, values).max())

    def swap_gain(self, joint: Floats, worths: Floats) -> float:
        """Return the largest gain in one step of a player who answers each advice as well as she can.

        Parameters
        ----------
        joint : ndarray, shape (m, A_1, ..., A_n)
        worths : ndarray, shape (n, m, A_1, ..., A_n)
        """
        m, largest = self.n_states, -np.inf
        for i in range(self.n_players):
            count = joint.shape[1 + i]
            told = np.moveaxis(joint, 1 + i, 1).reshape(m, count, -1)
            # earned[s, a, b] is what playing b when told a earns, weighted by how often a is told.
            earned = told @ np.moveaxis(worths[i], 1 + i, 1).reshape(m, count, -1).transpose(0, 2, 1)
            obeyed = np.diagonal(earned, axis1=1, axis2=2).sum(axis=1)
            best = np.where(self.legal[:, None, self.block(i)], earned, -np.inf).max(axis=2).sum(axis=1)
            largest = max(largest, float((best - obeyed).max()))
        return largest

    def pure(self, chosen: NDArray[np.intp]) -> Floats:
        """Return the policies that play one profile of actions in each state, given as flat indices of shape (m,)."""
        x = np.zeros((self.n_states, self.size))
        for i, action in enumerate(np.unravel_index(chosen, self.rewards.shape[2:])):
            x[np.arange(self.n_states), self.offsets[i] + action] = 1.0
        return x

    def evaluate(self, x: Floats) -> Floats:
        """Return what each state is worth to each player under policies x, shape (n, m)."""
        chances = self.chances(x, 0)
        step = (x[:, None, self.block(0)] @ chances)[:, 0]
        _, paid = self.pairwise(x, self.rewards)
        system = np.eye(self.n_states) - self.game.discount * step
        return np.asarray(np.linalg.solve(system, self.averages(x, paid).T).T, dtype=np.float64)


def stage_tables(game: StochasticGame, *, common_scale: bool = False) -> StageTables:
    """Return a game's tables, each player's rewards divided by their range, or by the largest of all.

    Parameters
    ----------
    common_scale : bool
        As quantal response asks for.
    """
    live = np.flatnonzero(~game.terminal)
    m, counts = len(live), game.n_actions
    place = np.full(game.n_states, m, dtype=np.intp)
    place[live] = np.arange(m)
    paid = game.rewards[:, live]
    flat = np.where(game.played[live], paid, 0.0).reshape(game.n_players, -1)
    scale = np.ptp(flat, axis=1) if flat.shape[1] else np.ones(game.n_players)
    if common_scale:
        scale[:] = scale.max()
    scale[scale <= 0.0] = 1.0
    successors = place[game.successors[live]]
    probabilities = game.probabilities[live]
    dense = None
    cells = paid[0].size * m
    if cells <= _DENSE_CELLS:
        width = probabilities.shape[-1]
        rows = np.repeat(np.arange(paid[0].size), width)
        summed = np.bincount(rows * (m + 1) + successors.reshape(-1), probabilities.reshape(-1), paid[0].size * (m + 1))
        dense = np.ascontiguousarray(summed.reshape(*paid.shape[1:], m + 1)[..., :m], dtype=np.float64)
    return StageTables(
        game=game,
        live=live,
        scale=scale,
        rewards=paid / scale.reshape((-1,) + (1,) * (paid.ndim - 1)),
        successors=successors,
        probabilities=probabilities,
        dense=dense,
        offsets=np.cumsum([0, *counts]),
        legal=np.hstack([own[live] for own in game.legal]),
    )


def _contracted(table: Floats, weights: Floats, axis: int) -> Floats:
    """Return the table with one axis averaged by weights of shape (m, A)."""
    moved = np.moveaxis(table, axis, -1)
    shape = moved.shape[:-1]
    flat = moved.reshape(shape[0], -1, moved.shape[-1]) @ weights[:, :, None]
    return np.asarray(flat.reshape(shape))
