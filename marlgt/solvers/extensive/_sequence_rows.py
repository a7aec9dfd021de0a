"""The sequence form laid out for passes: all players' sequences in one row of numbers, payoffs by sequence.

A player's payoff from a profile of realization plans is multilinear, so what her sequence s earns at once is

    worth[s]  =  sum over the combinations c that end in s of  payoff[c] * product of the others' plans at c,

a sparse matrix times the opponent's plan in a game of two. The rows of all sequences of all players stand in one
compressed array, so that every player reads her own payoffs from front to back.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from marlgt.games.sequence_form import SequenceForm
from marlgt.kernels import gear
from marlgt.solvers.extensive._regret_kernels import set_masses

__all__ = ["SequenceRows", "sequence_rows"]

TIE = 2.0**-48
"""What counts as a tie among regrets, as a share of all that the information set can earn or lose."""


@dataclass(frozen=True, eq=False)
class SequenceRows:
    """All players' sequences and information sets, numbered through.

    Attributes
    ----------
    form : SequenceForm
    set_offset, sequence_offset : ndarray of int64, shape (n + 1,)
        Where each player's information sets and sequences begin.
    n_actions, first, parent : ndarray of int64, shape (I,)
        The number of actions, the first sequence and the sequence that leads there, of each information set.
    slack : ndarray of float64, shape (I,)
        Positive regrets that sum to no more than this are rounding noise.
    row_start : ndarray of uint64, shape (S + 1,)
        The entries of sequence s are those from ``row_start[s]`` to ``row_start[s + 1]``.
    columns : ndarray of uint32, shape (n - 1, E)
        The sequences of the others in each entry.
    entries : ndarray of float64, shape (E,)
        Payoffs weighted by chance and divided by the player's scale, those of zero left out.
    scale : ndarray of float64, shape (n,)
        Of each player's payoffs, a power of two, so that regrets cannot overflow and nothing is rounded.
    """

    form: SequenceForm
    set_offset: NDArray[np.int64]
    sequence_offset: NDArray[np.int64]
    n_actions: NDArray[np.int32]
    first: NDArray[np.int32]
    parent: NDArray[np.int32]
    slack: NDArray[np.float64]
    row_start: NDArray[np.uint64]
    columns: NDArray[np.uint32]
    entries: NDArray[np.float64]
    scale: NDArray[np.float64]

    @property
    def n_players(self) -> int:
        """The number of players."""
        return len(self.set_offset) - 1

    @property
    def n_sequences(self) -> int:
        """The number of sequences of all players."""
        return int(self.sequence_offset[-1])

    @property
    def steps(self) -> float:
        """The inner-loop steps of one pass of all players."""
        return float(self.entries.size * max(1, self.n_players - 1) + 6 * self.n_sequences + 3 * self.n_actions.size)

    @property
    def sets(self) -> tuple[Any, Any, Any, Any, Any]:
        """The arrays that say where information sets stand, in the order in which the kernels take them."""
        return self.set_offset, self.sequence_offset, self.n_actions, self.first, self.parent

    @property
    def payoffs(self) -> tuple[Any, Any, Any]:
        """The arrays of the payoffs, in the order in which the kernels take them."""
        return self.row_start, self.columns, self.entries

    def uniform_policy(self) -> NDArray[np.float64]:
        """Return, for each sequence, the chance of its last action if all are chosen alike; 1 for empty sequences."""
        policy = np.ones(self.n_sequences)
        # In the numbering of all players the sequences stand as their information sets do, but for the empty ones.
        own = np.ones(self.n_sequences, dtype=bool)
        own[self.sequence_offset[:-1]] = False
        policy[own] = np.repeat(1.0 / self.n_actions, self.n_actions)
        return policy

    def flat(self, profile: tuple[NDArray[np.float64], ...]) -> NDArray[np.float64]:
        """Return a behaviour profile as one number for each sequence."""
        policy = np.ones(self.n_sequences)
        for i, (own, rows) in enumerate(zip(self.form.players, profile)):
            filled = np.arange(rows.shape[1])[None, :] < own.n_actions[:, None]
            policy[self.sequence_offset[i] + 1 : self.sequence_offset[i + 1]] = rows[filled]
        return policy

    def exploitability(self, values: NDArray[np.float64], best: NDArray[np.float64]) -> float:
        """Return NashConv over the number of players, from what they get and could get in units of their scales."""
        gains = np.maximum(best - values, 0.0) * self.scale
        return float(gains.sum() / self.n_players)

    def behavior(self, weights: NDArray[np.float64]) -> tuple[NDArray[np.float64], ...]:
        """Return the behaviour policies in proportion to weights of the sequences, uniform where all are zero."""
        cuts = self.sequence_offset
        return tuple(own.behavior(weights[cuts[i] : cuts[i + 1]]) for i, own in enumerate(self.form.players))


def sequence_rows(form: SequenceForm) -> SequenceRows:
    """Return a sequence form laid out for passes."""
    n = form.n_players
    set_offset = np.concatenate([[0], np.cumsum([own.n_infosets for own in form.players])]).astype(np.int64)
    sequence_offset = np.concatenate([[0], np.cumsum([own.n_sequences for own in form.players])]).astype(np.int64)
    shifted = (form.sequences + sequence_offset[:-1, None]).astype(np.uint32)
    largest = np.abs(form.payoffs).max(axis=1)
    scale = np.where(largest > 0.0, np.ldexp(1.0, np.frexp(largest)[1] - 1), 1.0)
    counts, columns, entries = [], [], []
    for i in range(n):
        paid = np.flatnonzero(form.payoffs[i])
        order = paid[np.argsort(shifted[i, paid], kind="stable")]
        low = sequence_offset[i]
        counts.append(np.bincount(shifted[i, order] - low, minlength=form.players[i].n_sequences))
        columns.append(np.delete(shifted[:, order], i, axis=0))
        entries.append(form.payoffs[i, order] / scale[i])
    # Unsigned, so that compiled loops over rows need not ask whether an index counts from the end.
    row_start = np.concatenate([[0], np.cumsum(np.concatenate(counts))]).astype(np.uint64)
    n_actions = np.concatenate([own.n_actions for own in form.players]).astype(np.int32)
    first = np.concatenate([own.first_sequence + low for own, low in zip(form.players, sequence_offset)])
    parent = np.concatenate([own.parent_sequence + low for own, low in zip(form.players, sequence_offset)])
    first, parent = first.astype(np.int32), parent.astype(np.int32)
    flat = np.concatenate(entries)
    mass = np.diff(np.concatenate([[0.0], np.cumsum(np.abs(flat))])[row_start])
    slack = np.empty(len(n_actions))
    gear(set_masses, float(len(mass)))(n_actions, first, parent, mass, slack)
    return SequenceRows(
        form,
        set_offset,
        sequence_offset,
        n_actions,
        first,
        parent,
        TIE * slack,
        row_start,
        np.ascontiguousarray(np.concatenate(columns, axis=1)),
        flat,
        scale,
    )
