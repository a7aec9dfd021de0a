"""The sequence form: what a player's choices are worth depends only on her sequence of them (Koller et al. 1994).

With perfect recall each information set of player i is reached, as far as she is concerned, by one sequence of
her own actions. Numbering the empty sequence 0 and then the actions of her information sets in order, a
realization plan x gives each sequence the product of her probabilities along it: x[0] = 1, and at each
information set j the actions share the plan of the sequence that leads there,

    x[first_sequence[j]] + ... + x[first_sequence[j] + n_actions[j] - 1]  =  x[parent_sequence[j]].

Expected payoffs are multilinear in the plans, with one coefficient per combination of sequences that ends a play.
It takes memory in proportion to the tree, where the normal form takes exponentially more.

References
----------
Koller, D., Megiddo, N. and von Stengel, B. (1994). Fast algorithms for finding randomized strategies in game
trees. Proceedings of the 26th ACM Symposium on Theory of Computing, 750-759.
von Stengel, B. (1996). Efficient computation of behavior strategies. Games and Economic Behavior 14, 220-246.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from marlgt.errors import ProfileError, UnsupportedGame
from marlgt.games._comparable import checked_player
from marlgt.games._profiles import policy_numbers
from marlgt.games._sequence_kernels import pass_over, realize

if TYPE_CHECKING:
    from marlgt.games.extensive import BehaviorProfile, ExtensiveGame

__all__ = ["PlayerSequences", "SequenceForm", "checked_behavior", "sequence_form"]

SUM_TOLERANCE = 1e-6
"""How far the probabilities of an information set may be from summing to 1."""


@dataclass(frozen=True, eq=False)
class PlayerSequences:
    """The sequences of one player; information sets stand after those that lead to them.

    Attributes
    ----------
    n_actions : ndarray of int32, shape (I,)
    first_sequence : ndarray of int32, shape (I,)
        The sequence that ends in the first action of each information set; the others follow it.
    parent_sequence : ndarray of int32, shape (I,)
        The sequence that leads to each information set.
    """

    n_actions: NDArray[np.int32]
    first_sequence: NDArray[np.int32]
    parent_sequence: NDArray[np.int32]

    @property
    def n_infosets(self) -> int:
        """The number of information sets."""
        return len(self.n_actions)

    @cached_property
    def n_sequences(self) -> int:
        """The number of sequences, the empty one included."""
        return 1 + int(self.n_actions.sum())

    @cached_property
    def infoset_of_sequence(self) -> NDArray[np.int32]:
        """The information set in which each sequence ends, -1 for the empty one, shape (n_sequences,)."""
        sets = np.repeat(np.arange(self.n_infosets, dtype=np.int32), self.n_actions)
        return np.concatenate([np.array([-1], dtype=np.int32), sets])

    @cached_property
    def is_action(self) -> NDArray[np.bool_]:
        """Whether an entry of a policy is an action or fills up its row, shape (I, A)."""
        width = int(self.n_actions.max()) if self.n_infosets else 0
        return np.arange(width)[None, :] < self.n_actions[:, None]

    def realization_plan(self, policy: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the realization plan of a behaviour policy, shape (n_sequences,)."""
        plan = np.ones(self.n_sequences)
        plan[1:] = policy[self.is_action]
        pass_over(realize, self, plan)
        return plan

    def behavior(self, plan: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return a behaviour policy of a realization plan, uniform where the plan never arrives, shape (I, A)."""
        width = int(self.n_actions.max()) if self.n_infosets else 0
        policy = np.zeros((self.n_infosets, width))
        policy[self.is_action] = np.maximum(plan[1:], 0.0)
        totals = policy.sum(axis=1)
        unreached = ~(totals > 0.0)
        policy[~unreached] /= totals[~unreached, None]
        policy[unreached] = self.is_action[unreached] / self.n_actions[unreached, None]
        return policy

    def constraint_entries(self) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float64]]:
        """Return the rows, columns and values of the entries of :meth:`constraints`."""
        rows = np.concatenate([[0], 1 + self.infoset_of_sequence[1:], 1 + np.arange(self.n_infosets)])
        columns = np.concatenate([[0], np.arange(1, self.n_sequences), self.parent_sequence])
        return rows, columns, np.concatenate([np.ones(self.n_sequences), -np.ones(self.n_infosets)])

    def constraints(self) -> Any:
        """Return the sparse matrix E and vector e of the plans: E x = e, x >= 0, shape (1 + I, n_sequences)."""
        from scipy.sparse import csr_array

        rows, columns, entries = self.constraint_entries()
        return csr_array((entries, (rows, columns)), shape=(1 + self.n_infosets, self.n_sequences))


@dataclass(frozen=True, eq=False)
class SequenceForm:
    """An extensive game as a sparse tensor over the players' sequences.

    Attributes
    ----------
    players : tuple of PlayerSequences
    sequences : ndarray of int32, shape (n, T)
        Each player's last sequence in each combination that ends a play, without repetitions.
    payoffs : ndarray of float64, shape (n, T)
        The payoffs of all plays with these sequences, weighted by the probability of the chance moves.
    reach : ndarray of float64, shape (T,)
        That probability.
    """

    players: tuple[PlayerSequences, ...]
    sequences: NDArray[np.int32]
    payoffs: NDArray[np.float64]
    reach: NDArray[np.float64]

    @property
    def n_players(self) -> int:
        """The number of players."""
        return len(self.players)

    @cached_property
    def n_sequences(self) -> int:
        """The number of sequences of all players."""
        return sum(own.n_sequences for own in self.players)

    def payoff_matrix(self, player: int) -> Any:
        """Return one player's payoffs in a game of two as a sparse matrix over both players' sequences.

        Raises
        ------
        UnsupportedGame
            If the players are not two.
        GameError
            If the player is none of them.
        """
        from scipy.sparse import csr_array

        player = checked_player(self, player)
        if self.n_players != 2:
            raise UnsupportedGame(f"the game has {self.n_players} players: a payoff matrix over sequences takes two")
        shape = (self.players[0].n_sequences, self.players[1].n_sequences)
        return csr_array((self.payoffs[player], (self.sequences[0], self.sequences[1])), shape=shape)

    def realization_plans(self, profile: Sequence[NDArray[np.float64]]) -> tuple[NDArray[np.float64], ...]:
        """Return the realization plan of each player's behaviour policy; that they are policies is not checked."""
        return tuple(own.realization_plan(policy) for own, policy in zip(self.players, profile))

    def behavior_profile(self, plans: Sequence[NDArray[np.float64]]) -> BehaviorProfile:
        """Return a behaviour policy of each player's realization plan."""
        return tuple(own.behavior(plan) for own, plan in zip(self.players, plans))

    def values(self, plans: Sequence[NDArray[np.float64]]) -> NDArray[np.float64]:
        """Return each player's expected payoff under realization plans, shape (n,)."""
        weight = np.ones(self.sequences.shape[1])
        for plan, last in zip(plans, self.sequences):
            weight *= plan[last]
        return np.asarray(self.payoffs @ weight)


def sequence_form(game: ExtensiveGame) -> SequenceForm:
    """Return the sequence form of a game with perfect recall.

    Raises
    ------
    UnsupportedGame
        If a player forgets what she did or knew; the message names the information set.
    """
    forgetful = game.forgetful_infoset
    if forgetful is not None:
        player, j = forgetful
        label = game.infosets[player].label(j)
        raise UnsupportedGame(
            f"player {player} forgets at information set {j} ({label!r}): its nodes lie behind different moves of "
            "hers, so the game has no sequence form; split the set, or use game.normal_form()"
        )
    players = []
    for i, sets in enumerate(game.infosets):
        nodes = np.flatnonzero(game.player == i)
        parents = np.zeros(len(sets), dtype=np.int32)
        parents[game.infoset[nodes]] = game.last_sequence[i, nodes]
        first = game.first_sequence[game.infoset_offset[i] : game.infoset_offset[i + 1]]
        players.append(PlayerSequences(sets.n_actions, first, parents))
    ends = game.last_sequence[:, game.terminals]
    reach = game.chance_reach[game.terminals]
    merged, place = np.unique(_keys(ends, [p.n_sequences for p in players]), return_inverse=True, axis=-1)
    count = merged.shape[-1]
    sequences = np.empty((game.n_players, count), dtype=np.int32)
    sequences[:, place] = ends
    payoffs = np.stack([_sums(place, reach * own, count) for own in game.terminal_payoffs])
    return SequenceForm(tuple(players), sequences, payoffs, _sums(place, reach, count))


def _sums(places: NDArray[Any], weights: NDArray[np.float64], count: int) -> NDArray[np.float64]:
    return np.bincount(places, weights, minlength=count).astype(np.float64, copy=False)


def _keys(ends: NDArray[np.int32], sizes: list[int]) -> NDArray[np.int64]:
    """Return one integer for each combination of sequences, or the combinations where an integer is too small."""
    if np.prod([float(size) for size in sizes]) > 2.0**62:
        return ends.astype(np.int64)
    key = np.zeros(ends.shape[1], dtype=np.int64)
    for last, size in zip(ends, sizes):
        key = key * size + last
    return key


def checked_behavior(game: ExtensiveGame, profile: Any) -> BehaviorProfile:
    """Return a behaviour profile as float arrays of shapes (I_i, A_i), each row a distribution.

    Raises
    ------
    ProfileError
        If it does not fit the game or a row is no distribution.
    """
    if not isinstance(profile, Sequence) or len(profile) != game.n_players:
        raise ProfileError(
            f"the profile must hold one policy for each of {game.n_players} players, of shape (I_i, A_i)"
        )
    result = []
    for i, (given, sets) in enumerate(zip(profile, game.infosets)):
        shape = (len(sets), sets.most_actions)
        if type(given) is np.ndarray and given.dtype == np.float64:
            policy = given
        else:
            policy = np.zeros(shape) if 0 in shape else policy_numbers(given, f"the policy of player {i}")
        if policy.shape != shape:
            raise ProfileError(
                f"the policy of player {i} has shape {policy.shape}: it must be {shape}, a row for each of her "
                "information sets, padded with zeros"
            )
        # Numbers that are none fail this too.
        if not (np.abs(policy.sum(axis=1) - 1.0) <= SUM_TOLERANCE).all() or _strays(policy, sets.is_action):
            sums = np.abs(policy.sum(axis=1) - 1.0) <= SUM_TOLERANCE
            j = int(np.flatnonzero((policy < 0).any(axis=1) | (~sets.is_action & (policy != 0)).any(axis=1) | ~sums)[0])
            raise ProfileError(
                f"the policy of player {i} at information set {j} ({sets.label(j)!r}) is "
                f"{policy[j].tolist()}: give a distribution over its {sets.n_actions[j]} actions"
            )
        policy = policy.copy()
        policy.flags.writeable = False
        result.append(policy)
    return tuple(result)


def _strays(policy: NDArray[np.float64], is_action: NDArray[np.bool_]) -> bool:
    """Whether a policy holds a negative number, or a positive one that belongs to no action."""
    return bool(policy.size) and bool(policy.min() < 0 or np.count_nonzero(policy[~is_action]))
