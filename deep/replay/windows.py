"""Windows read from the rows of a replay store: single steps, sequences, and n-step transitions."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

from marlgt.deep.replay.rows import Place, RowLayout, RowViews

__all__ = ["Batch", "WindowReader"]


class Batch(NamedTuple):
    """Windows of L steps, R for each of S seeds; n agents, D numbers seen, A actions, Z of the state, H of memory.

    Attributes
    ----------
    observations : Tensor, shape (S, L, R, n, D)
    actions : Tensor of int64, shape (S, L, R, n)
    rewards : Tensor, shape (S, L, R, n)
        Of one step, or the discounted sums of n-step transitions.
    discounts : Tensor, shape (S, L, R)
        What the value of ``reached`` counts: ``discount^k``, 0 where the episode terminated.
    reached : Tensor, shape (S, L, R, n, D)
        What the step, or the last of the k steps, led to; at an end the last observation of that episode.
    starts, ends : Tensor of bool, shape (S, L, R)
        Whether an episode begins with this step; whether it terminates or is truncated by it.
    allowed, reached_allowed : Tensor of bool, shape (S, L, R, n, A), or None
    states, reached_states : Tensor, shape (S, L, R, Z), or None
    memory : Tensor, shape (S, R, n, H), or None
        The recurrent state before the first step.
    weights : Tensor, shape (S, R)
        Importance weights, 1 where windows were drawn uniformly.
    indices : Tensor of int64, shape (S, R)
        Where the windows begin in the seed's store, for :meth:`marlgt.deep.replay.Replay.prioritise`.
    """

    observations: Tensor
    actions: Tensor
    rewards: Tensor
    discounts: Tensor
    reached: Tensor
    starts: Tensor
    ends: Tensor
    allowed: Tensor | None
    reached_allowed: Tensor | None
    states: Tensor | None
    reached_states: Tensor | None
    memory: Tensor | None
    weights: Tensor
    indices: Tensor


class WindowReader:
    """Reads windows that begin at given steps; which steps those are is drawn elsewhere.

    Parameters
    ----------
    rows : Tensor, shape (S, T, B, width)
        The ring of rows of every seed, contiguous.
    layout : RowLayout
    """

    def __init__(self, rows: Tensor, layout: RowLayout) -> None:
        self._layout = layout
        self._n_seeds, n_rows, self._n_envs, width = rows.shape
        self._size = n_rows * self._n_envs
        self._flat = rows.view(-1, width)
        self._offsets = (torch.arange(self._n_seeds, device=rows.device) * self._size).unsqueeze(1)
        self._zero = torch.zeros((), device=rows.device)
        self._tables: dict[tuple[int, float], tuple[Tensor, Tensor]] = {}
        self._views: dict[tuple[int, int, int], RowViews] = {}

    def sequences(self, indices: Tensor, weights: Tensor, length: int, discount: float) -> Batch:
        """Return windows of single steps: all their rows are fetched at once.

        Parameters
        ----------
        indices : Tensor of int64, shape (S, R)
            Row times ``n_envs`` plus copy of the step at which each window begins.
        weights : Tensor, shape (S, R)
        length : int
        discount : float

        Returns
        -------
        Batch
        """
        steps, powers = self._table(length, discount)
        places = self._flat_places(indices, steps if length > 1 else None)
        views = self._fetched(length, indices.shape[1], self._layout.width)
        rows = self._flat.index_select(0, places.view(-1))
        bits = rows.view(torch.bool)
        discounts = torch.where(bits.as_strided(*views.terminated), self._zero, powers[0])
        return self._batch(rows, rows, views, rows.as_strided(*views.rewards), discounts, weights, indices)

    def transitions(self, indices: Tensor, weights: Tensor, n_steps: int, discount: float) -> Batch:
        """Return windows folded into one step: they begin in one row and end in another.

        Parameters
        ----------
        indices : Tensor of int64, shape (S, R)
            Row times ``n_envs`` plus copy of the step at which each window begins.
        weights : Tensor, shape (S, R)
        n_steps : int
            At least 2.
        discount : float

        Returns
        -------
        Batch
        """
        steps, powers = self._table(n_steps, discount)
        places = self._flat_places(indices, steps)
        outcomes = self._flat[:, : self._layout.outcome].index_select(0, places.view(-1))
        views = self._fetched(n_steps, indices.shape[1], self._layout.outcome)
        rewards = outcomes.as_strided(*views.rewards)
        # Whether step i + 1 is still of the episode: no step before it ended it.
        goes_on = outcomes.view(torch.bool).as_strided(*views.ends)[:, :-1].logical_not().cumprod(1)
        later = (goes_on * powers[:-1].unsqueeze(1)).unsqueeze(3)
        total = rewards[:, 0]
        for step in range(n_steps - 1):
            total = torch.addcmul(total, later[:, step], rewards[:, step + 1])
        extra = goes_on.sum(1, keepdim=True)
        first = self._flat.index_select(0, places[:, 0].reshape(-1))
        last = self._flat.index_select(0, places.gather(1, extra).view(-1))
        views = self._fetched(1, indices.shape[1], self._layout.width)
        terminated = last.view(torch.bool).as_strided(*views.terminated)
        discounts = torch.where(terminated, self._zero, powers.index_select(0, extra.view(-1)).view_as(extra))
        return self._batch(first, last, views, total.unsqueeze(1), discounts, weights, indices)

    def _flat_places(self, indices: Tensor, steps: Tensor | None = None) -> Tensor:
        """Return where the rows of windows lie among those of all seeds, shape (S, L, R) or (S, R) for one step."""
        if steps is None:
            return indices if self._n_seeds == 1 else indices + self._offsets
        places = (indices.unsqueeze(1) + steps).remainder_(self._size)
        return places if self._n_seeds == 1 else places.add_(self._offsets.unsqueeze(2))

    def _table(self, length: int, discount: float) -> tuple[Tensor, Tensor]:
        """Return the distances (length, 1) of a window's steps and the powers 1 to length of the discount."""
        table = self._tables.get((length, discount))
        if table is None:
            steps = (torch.arange(length, device=self._flat.device) * self._n_envs).unsqueeze(1)
            powers = torch.tensor([discount ** (k + 1) for k in range(length)], device=self._flat.device)
            table = self._tables[length, discount] = (steps, powers)
        return table

    def _fetched(self, length: int, n_windows: int, width: int) -> RowViews:
        """Return where the fields lie in fetched rows."""
        views = self._views.get((length, n_windows, width))
        if views is None:
            views = self._layout.views(self._n_seeds, length, n_windows, width=width)
            self._views[length, n_windows, width] = views
        return views

    def _batch(
        self,
        first: Tensor,
        last: Tensor,
        views: RowViews,
        rewards: Tensor,
        discounts: Tensor,
        weights: Tensor,
        indices: Tensor,
    ) -> Batch:
        """Return the batch whose windows begin in the rows ``first`` and end in the rows ``last``."""
        first_bits, last_bits = first.view(torch.bool), last.view(torch.bool)
        memory = _optional(first, views.memory)
        return Batch(
            first.as_strided(*views.observations),
            first.view(torch.int64).as_strided(*views.actions),
            rewards,
            discounts,
            last.as_strided(*views.reached),
            first_bits.as_strided(*views.starts),
            last_bits.as_strided(*views.ends),
            _optional(first_bits, views.allowed),
            _optional(last_bits, views.reached_allowed),
            _optional(first, views.states),
            _optional(last, views.reached_states),
            None if memory is None else memory[:, 0],
            weights,
            indices,
        )


def _optional(rows: Tensor, place: Place | None) -> Tensor | None:
    return None if place is None else rows.as_strided(*place)
