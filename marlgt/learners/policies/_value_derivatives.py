"""Exact first and second derivatives of what a small stochastic game of two players is worth, in softmax preferences.

With transitions P and rewards r of a profile x = (x_1, x_2) of policies, ``M = (1 - discount P)^-1``, V = M r, and d
the row ``start M``, a change of one probability x_i(s, a) has ``dV = M e_s q_i(s, a)``, q_i(s, a) being the reward of a
in s and the discounted value of what follows. Another change of x_j(s', b) makes of it::

    d2 V(start) = [s = s'] d(s) q(s, a, b)                                        (only where i and j differ)
                + discount d(s) (P_i(s, a) M)(s') q_j(s', b)
                + discount d(s') (P_j(s', b) M)(s) q_i(s, a)

with P_i(s, a) the distribution after a, and q(s, a, b) the same for a pair of actions. The chain rule through softmax,
``dx(a) / dtheta(c) = x(a) ([a = c] - x(c))``, makes derivatives in preferences of them.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from marlgt.concepts.stationary import require_discounting
from marlgt.errors import UnsupportedGame
from marlgt.games._doors import require_stochastic_game
from marlgt.games.stochastic import StochasticGame

__all__ = ["Derivatives", "Floats", "SmallGame", "small_game"]

Floats = NDArray[np.float64]

LARGEST = 200_000
"""States times states times profiles of a game whose second derivatives are taken."""


@dataclass(frozen=True, eq=False)
class Derivatives:
    """Derivatives in the D preferences of both players, those of the first before those of the second.

    Attributes
    ----------
    parts : pair of slice
        Which preferences are whose.
    gradients : ndarray, shape (2, B, D)
        Of each player's value.
    hessians : ndarray, shape (2, B, D, D)
        Zeros where only first derivatives were asked for.
    """

    parts: tuple[slice, slice]
    gradients: Floats
    hessians: Floats

    @property
    def simultaneous(self) -> Floats:
        """The gradient of each player's value in her own preferences, shape (B, D)."""
        return np.concatenate([self.gradients[i][:, part] for i, part in enumerate(self.parts)], axis=1)

    @property
    def jacobian(self) -> Floats:
        """The derivatives of the simultaneous gradient, shape (B, D, D)."""
        return np.concatenate([self.hessians[i][:, part] for i, part in enumerate(self.parts)], axis=1)

    @property
    def lookahead(self) -> Floats:
        """How the own gradients change along the opponents' gradients, shape (B, D)."""
        return self._across(0)

    @property
    def shaping(self) -> Floats:
        """What each gains from changing the opponent's gradient, shape (B, D)."""
        return self._across(1)

    def _across(self, turned: int) -> Floats:
        """Return (D_12 V_k) D_2 V_l for player 1 with k her own and l the opponent, or the reverse if turned."""
        moved = []
        for i, part in enumerate(self.parts):
            other = self.parts[1 - i]
            curved, climbed = (1 - i, i) if turned else (i, 1 - i)
            cross = self.hessians[curved][:, part, other]
            moved.append(np.einsum("bij,bj->bi", cross, self.gradients[climbed][:, other]))
        return np.concatenate(moved, axis=1)


@dataclass(frozen=True, eq=False)
class SmallGame:
    """A game of two players with rows of transitions over all states, for batches of preferences.

    Attributes
    ----------
    n_states : int
    n_actions : pair of int
    discount : float
    start : ndarray, shape (S,)
    rewards : ndarray, shape (2, S, A_1, A_2)
    transitions : ndarray, shape (S, A_1, A_2, S)
        Zeros from and to terminal states, which are worth nothing.
    legal : pair of ndarrays of bool, shapes (S, A_i)
    """

    n_states: int
    n_actions: tuple[int, int]
    discount: float
    start: Floats
    rewards: Floats
    transitions: Floats
    legal: tuple[NDArray[np.bool_], NDArray[np.bool_]]

    @property
    def parts(self) -> tuple[slice, slice]:
        """Which of the D preferences are whose."""
        first, second = (self.n_states * count for count in self.n_actions)
        return slice(0, first), slice(first, first + second)

    def split(self, theta: Floats) -> tuple[Floats, Floats]:
        """Return the preferences of each player, shapes (B, S, A_i), of rows of shape (B, D)."""
        one, two = (theta[:, part].reshape(len(theta), self.n_states, -1) for part in self.parts)
        return one, two

    def policies(self, theta: Floats) -> tuple[Floats, Floats]:
        """Return the policies, shapes (B, S, A_i)."""
        one, two = (_softmax(own, legal) for own, legal in zip(self.split(theta), self.legal))
        return one, two

    def values(self, theta: Floats) -> Floats:
        """Return what the start is worth to each player, shape (B, 2)."""
        paid, inverse = self._chain(*self.policies(theta))
        return np.asarray(np.einsum("s,bst,ibt->bi", self.start, inverse, paid))

    def _chain(self, one: Floats, two: Floats) -> tuple[Floats, Floats]:
        """Return the rewards of the states, shape (2, B, S), and the inverse of one minus the discounted chain."""
        paid = np.einsum("bsx,bsy,isxy->ibs", one, two, self.rewards, optimize=True)
        chain = np.einsum("bsx,bsy,sxyt->bst", one, two, self.transitions, optimize=True)
        return paid, np.linalg.inv(np.eye(self.n_states) - self.discount * chain)

    def derivatives(self, theta: Floats, *, order: int) -> Derivatives:
        """Return the derivatives at rows of preferences, up to the first or second order."""
        policies = self.policies(theta)
        paid, inverse = self._chain(*policies)
        visits = np.einsum("s,bst->bt", self.start, inverse)
        values = np.einsum("bst,ibt->ibs", inverse, paid)
        ahead = np.einsum("sxyt,ibt->ibsxy", self.transitions, values, optimize=True)
        profiles = self.rewards[:, None] + self.discount * ahead
        # q_i(s, a) of both players' values for either player's action, and where that action leads.
        worth = np.einsum("ibsxy,bsy->ibsx", profiles, policies[1]), np.einsum("ibsxy,bsx->ibsy", profiles, policies[0])
        count = len(theta)
        flat = [own.reshape(2, count, -1) for own in worth]
        softmax = [_softmax_jacobian(own) for own in policies]
        slopes = [np.repeat(visits, n, axis=1) * own for n, own in zip(self.n_actions, flat)]
        gradients = np.concatenate(
            [np.einsum("bac,iba->ibc", turn, slope) for turn, slope in zip(softmax, slopes)], axis=2
        )
        size = gradients.shape[2]
        hessians = np.zeros((2, count, size, size))
        if order == 2:
            leads = (
                np.einsum("sxyt,bsy->bsxt", self.transitions, policies[1]),
                np.einsum("sxyt,bsx->bsyt", self.transitions, policies[0]),
            )
            reach = [np.einsum("bsxt,btu->bsxu", own, inverse).reshape(count, -1, self.n_states) for own in leads]
            for i in range(2):
                for j in range(2):
                    second = self._second(i, j, visits, reach, flat)
                    if i != j:
                        second += self._same_state(i, visits, profiles)
                    turned = np.einsum("bac,kbae,bef->kbcf", softmax[i], second, softmax[j], optimize=True)
                    if i == j:
                        turned += _curved(policies[i], slopes[i])
                    hessians[:, :, self.parts[i], self.parts[j]] = turned
        return Derivatives(self.parts, gradients, hessians)

    def _second(self, i: int, j: int, visits: Floats, reach: list[Floats], flat: list[Floats]) -> Floats:
        """Return the terms of second derivatives that go through what follows, shape (2, B, S A_i, S A_j)."""
        stated = [np.repeat(np.arange(self.n_states), n) for n in self.n_actions]
        onwards = visits[:, stated[i], None] * reach[i][:, :, stated[j]] * flat[j][:, :, None, :]
        back = visits[:, stated[j], None] * reach[j][:, :, stated[i]] * flat[i][:, :, None, :]
        return np.asarray(self.discount * (onwards + back.transpose(0, 1, 3, 2)))

    def _same_state(self, i: int, visits: Floats, profiles: Floats) -> Floats:
        """Return the terms of second derivatives within a state, shape (2, B, S A_i, S A_j)."""
        weighed = visits[:, :, None, None] * profiles
        if i == 1:
            weighed = weighed.transpose(0, 1, 2, 4, 3)
        two, count, states, rows, columns = weighed.shape
        blocks = np.zeros((two, count, states, rows, states, columns))
        inside = np.arange(states)
        blocks[:, :, inside, :, inside, :] = weighed.transpose(2, 0, 1, 3, 4)
        return blocks.reshape(two, count, states * rows, states * columns)


def small_game(game: StochasticGame) -> SmallGame:
    """Return a game in the form whose derivatives are taken.

    Raises
    ------
    UnsupportedGame
        For more or fewer than two players, a game too large, and values that may be infinite.
    """
    require_stochastic_game(game)
    if game.n_players != 2:
        raise UnsupportedGame(f"two players look ahead at each other's steps, this game has {game.n_players} players")
    require_discounting(game)
    rows, columns = game.n_actions
    states = game.n_states
    if states * states * rows * columns > LARGEST:
        raise UnsupportedGame(
            f"exact derivatives of {states} states with {rows * columns} profiles of actions take too much room: give "
            f"a game with at most {LARGEST:,} for states times states times profiles"
        )
    dense = np.zeros((states, rows, columns, states))
    cells = np.arange(states * rows * columns)[:, None]
    width = game.successors.shape[-1]
    np.add.at(
        dense.reshape(-1, states), (cells, game.successors.reshape(-1, width)), game.probabilities.reshape(-1, width)
    )
    dense[game.terminal] = 0.0
    dense[..., game.terminal] = 0.0
    legal = (game.legal[0] | game.terminal[:, None], game.legal[1] | game.terminal[:, None])
    return SmallGame(states, (rows, columns), game.discount, game.start, game.rewards, dense, legal)


def _softmax(preferences: Floats, legal: NDArray[np.bool_]) -> Floats:
    masked = np.where(legal, preferences, -np.inf)
    weights = np.exp(masked - masked.max(axis=2, keepdims=True))
    return np.asarray(weights / weights.sum(axis=2, keepdims=True))


def _softmax_jacobian(policy: Floats) -> Floats:
    """Return the derivatives of probabilities in preferences, shape (B, S A, S A), zero between states."""
    count, states, actions = policy.shape
    inside = policy[:, :, :, None] * (np.eye(actions) - policy[:, :, None, :])
    blocks = np.zeros((count, states, actions, states, actions))
    places = np.arange(states)
    blocks[:, places, :, places, :] = inside.transpose(1, 0, 2, 3)
    return blocks.reshape(count, states * actions, states * actions)


def _curved(policy: Floats, slopes: Floats) -> Floats:
    """Return what the curvature of softmax adds: sum_a slope(a) d2 x(a) / dtheta(c) dtheta(e), (2, B, S A, S A)."""
    count, states, actions = policy.shape
    slope = slopes.reshape(2, count, states, actions)
    gain = slope - np.einsum("bsa,ibsa->ibs", policy, slope)[..., None]
    weighed = policy * gain
    # d2 x(a) = x(a) [ ([a=c] - x(c)) ([a=e] - x(e)) - x(c) ([c=e] - x(e)) ], summed with the slopes.
    inside = weighed[..., None] * np.eye(actions)
    inside = inside - weighed[..., :, None] * policy[:, :, None, :] - policy[:, :, :, None] * weighed[..., None, :]
    blocks = np.zeros((2, count, states, actions, states, actions))
    places = np.arange(states)
    blocks[:, :, places, :, places, :] = inside.transpose(2, 0, 1, 3, 4)
    return blocks.reshape(2, count, states * actions, states * actions)
