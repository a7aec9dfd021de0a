"""The linear complementarity problem of a two-player extensive game, with the free variables eliminated.

With realization plans x, y and dual values p, q an equilibrium is (Koller, Megiddo and von Stengel 1996)

    E x = e,   F y = f,   r = E'p - A y >= 0,   s = F'q - B'x >= 0,   x'r = y's = 0,   x, y >= 0.

A covering vector made of prior plans s, t (von Stengel, van den Elzen and Talman 2002) replaces x by ``x + s z0`` and
y by ``y + t z0``: at z0 = 1 everybody replies to the prior, at z0 = 0 to each other. Let S hold the empty sequence and,
at each information set, the best reply to the prior, and T the other sequences. Then ``x = P x_T + u (1 - z0)``, where
u is the best reply and P is the identity on T and ``-D'`` on S, and since ``E P = 0`` the values p drop out:

    x_S = u_S (1 - z0) - D' x_T,         r_T = D r_S - P'A (y + t z0).

All entries of D and P are integers. What is left is a standard problem ``w = b + M z + d z0``, in which the
variable of each sequence that is not in z is in w.

References
----------
Koller, D., Megiddo, N. and von Stengel, B. (1996). Efficient computation of equilibria for extensive two-person
games. Games and Economic Behavior 14, 247-259.
von Stengel, B., van den Elzen, A. and Talman, D. (2002). Computing normal form perfect equilibria for extensive
two-person games. Econometrica 70, 693-715.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from marlgt.games.sequence_form import PlayerSequences

__all__ = ["Complementarity", "PlayerBasis", "complementarity", "player_basis", "reply_choices"]


@dataclass(frozen=True, eq=False)
class PlayerBasis:
    """How a player's plans depend on the sequences outside the best reply to the prior.

    Attributes
    ----------
    chosen, others : ndarray of int64
        The sequences of S and T.
    spread : ndarray, shape (n_sequences, |T|)
        The matrix P.
    pure : ndarray, shape (n_sequences,)
        The plan u of the best reply.
    """

    chosen: NDArray[np.int64]
    others: NDArray[np.int64]
    spread: NDArray[Any]
    pure: NDArray[Any]


@dataclass(frozen=True, eq=False)
class Complementarity:
    """The problem ``w = b + M z + d z0`` of a game and a prior; its order is S, T of player 0, then of player 1.

    Attributes
    ----------
    matrix : ndarray, shape (N, N)
    right, cover : ndarray, shape (N,)
    players : tuple of two PlayerBasis
    """

    matrix: NDArray[Any]
    right: NDArray[Any]
    cover: NDArray[Any]
    players: tuple[PlayerBasis, PlayerBasis]

    def plans(self, in_w: NDArray[Any], in_z: NDArray[Any]) -> tuple[NDArray[Any], NDArray[Any]]:
        """Return both realization plans from the values of w and z."""
        result, at = [], 0
        for player in self.players:
            s, t = len(player.chosen), len(player.others)
            plan = np.empty(s + t, dtype=in_w.dtype)
            plan[player.chosen] = in_w[at : at + s]
            plan[player.others] = in_z[at + s : at + s + t]
            result.append(plan)
            at += s + t
        return result[0], result[1]

    def played(self, in_z: NDArray[np.bool_]) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
        """Return which sequences' plans, rather than slacks, are basic, given which variables of z are."""
        return self.plans(~in_z, in_z)


def reply_choices(own: PlayerSequences, worths: NDArray[Any]) -> NDArray[np.int64]:
    """Return the sequence chosen at each information set by a best reply; ``worths`` is changed."""
    starts, counts, parents = (a.tolist() for a in (own.first_sequence, own.n_actions, own.parent_sequence))
    chosen = np.empty(own.n_infosets, dtype=np.int64)
    for j in range(own.n_infosets - 1, -1, -1):
        best = max(range(starts[j], starts[j] + counts[j]), key=lambda sequence: worths[sequence])
        chosen[j] = best
        worths[parents[j]] += worths[best]
    return chosen


def player_basis(own: PlayerSequences, chosen: NDArray[np.int64], dtype: Any) -> PlayerBasis:
    """Return a player's plans as functions of the sequences that are not chosen."""
    in_s = np.zeros(own.n_sequences, dtype=bool)
    in_s[0] = True
    in_s[chosen] = True
    others = np.flatnonzero(~in_s)
    spread = np.zeros((own.n_sequences, len(others)), dtype=dtype)
    spread[others, np.arange(len(others))] = 1
    pure = np.zeros(own.n_sequences, dtype=dtype)
    pure[0] = 1
    for j in range(own.n_infosets):
        start, best, parent = int(own.first_sequence[j]), int(chosen[j]), int(own.parent_sequence[j])
        pure[best] = pure[parent]
        spread[best] = spread[parent]
        for sequence in range(start, start + int(own.n_actions[j])):
            if sequence != best:
                spread[best] = spread[best] - spread[sequence]
    return PlayerBasis(np.flatnonzero(in_s), others, spread, pure)


def complementarity(
    payoffs: tuple[NDArray[Any], NDArray[Any]],
    priors: Sequence[NDArray[Any]],
    players: tuple[PlayerBasis, PlayerBasis],
    scale: int = 1,
) -> Complementarity:
    """Return the problem of two payoff matrices over sequences.

    Parameters
    ----------
    payoffs : tuple of two ndarrays, shapes (S_0, S_1) and (S_1, S_0)
        Each player's payoffs, her own sequences first.
    priors : sequence of two ndarrays
        Realization plans of the prior, times ``scale``.
    players : tuple of two PlayerBasis
    scale : int
        What the covering vector is multiplied by, so that it is integral.
    """
    sizes = [len(player.pure) for player in players]
    n = sum(sizes)
    dtype = payoffs[0].dtype
    matrix, right, cover = np.zeros((n, n), dtype=dtype), np.zeros(n, dtype=dtype), np.zeros(n, dtype=dtype)
    for i, (own, other) in enumerate(zip(players, players[::-1])):
        at, at_other = (0, sizes[0]) if i == 0 else (sizes[0], 0)
        s, s_other = len(own.chosen), len(other.chosen)
        in_s, in_t = slice(at, at + s), slice(at + s, at + sizes[i])
        other_t = slice(at_other + s_other, at_other + sizes[1 - i])
        ties = own.spread[own.chosen]
        matrix[in_s, in_t] = ties
        matrix[in_t, in_s] = -ties.T
        worth = own.spread.T @ payoffs[i]
        matrix[in_t, other_t] = -(worth @ other.spread)
        right[in_s], right[in_t] = own.pure[own.chosen], -(worth @ other.pure)
        cover[in_s] = -scale * own.pure[own.chosen]
        cover[in_t] = -(worth @ (priors[1 - i] - scale * other.pure))
    return Complementarity(matrix, right, cover, players)
