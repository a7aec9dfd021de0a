"""Several choices at once, each by a softmax of its own: the law of multi-discrete actions."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from marlgt.deep.policies.categorical import FORBIDDEN, Categorical, forbidden_where
from marlgt.deep.policies.noise import gumbels
from marlgt.errors import GameError

__all__ = ["MultiCategorical"]


class MultiCategorical:
    """``π(a) = Π_j π_j(a_j)``: the choices are independent, given the outputs.

    The logits of the choices stand side by side. Choices of different sizes are laid out as a table with
    :data:`~.categorical.FORBIDDEN` where a choice has no such action, so that one softmax serves them all.

    Parameters
    ----------
    choices : sequence of int
        The sizes of the m choices; O is their sum.

    Examples
    --------
    >>> law = MultiCategorical((2, 3))
    >>> law.mode(torch.tensor([0.0, 1.0, 5.0, 0.0, 0.0])).tolist()
    [1, 0]
    """

    n_scales = 0
    action_dtype: torch.dtype = torch.int64

    def __init__(self, choices: Sequence[int]) -> None:
        self.choices = tuple(int(size) for size in choices)
        if not self.choices or min(self.choices) < 1:
            raise GameError(f"choices must be sizes of at least 1, got {tuple(choices)}: give one for each choice")
        self.n_outputs = sum(self.choices)
        self.action_shape: tuple[int, ...] = (len(self.choices),)
        self._width = max(self.choices)
        self._even = min(self.choices) == self._width
        self._one = Categorical(self._width)
        self._layouts: dict[torch.device, tuple[Tensor, Tensor]] = {}

    def _layout(self, device: torch.device) -> tuple[Tensor, Tensor]:
        if device not in self._layouts:
            sizes = torch.tensor(self.choices)
            within = torch.arange(self._width).expand(len(sizes), -1)
            beyond = within >= sizes.unsqueeze(1)
            places = (sizes.cumsum(0) - sizes).unsqueeze(1) + within.masked_fill(beyond, 0)
            self._layouts[device] = places.flatten().to(device), beyond.to(device)
        return self._layouts[device]

    def table(self, outputs: Tensor) -> Tensor:
        """Return the logits of each choice, shape (..., m, most), of outputs, shape (..., O)."""
        if self._even:
            return outputs.view(*outputs.shape[:-1], len(self.choices), self._width)
        places, beyond = self._layout(outputs.device)
        rows = outputs.index_select(-1, places).view(*outputs.shape[:-1], len(self.choices), self._width)
        return rows.masked_fill(beyond, FORBIDDEN)

    def log_probability(self, outputs: Tensor, actions: Tensor) -> Tensor:
        """Return ``Σ_j log π_j(a_j)``, shape (...), of actions, shape (..., m)."""
        return self._one.log_probability(self.table(outputs), actions).sum(-1)

    def entropy(self, outputs: Tensor) -> Tensor:
        """Return the sum of the choices' entropies, shape (...)."""
        return self._one.entropy(self.table(outputs)).sum(-1)

    def sample(self, outputs: Tensor, generators: Sequence[torch.Generator]) -> Tensor:
        """Return actions, shape (S, ..., m)."""
        table = self.table(outputs)
        return (table - gumbels(table, table.shape[1:], generators)).argmax(-1)

    def mode(self, outputs: Tensor) -> Tensor:
        """Return the most probable actions, shape (..., m)."""
        return self.table(outputs).argmax(-1)

    def divergence(self, old: Tensor, new: Tensor) -> Tensor:
        """Return the sum of the choices' divergences KL(old || new), shape (...)."""
        return self._one.divergence(self.table(old), self.table(new)).sum(-1)

    def masked(self, outputs: Tensor, allowed: Tensor | None) -> Tensor:
        """Return logits in which what is not allowed, shape (..., O) side by side, has probability 0."""
        return forbidden_where(outputs, allowed)
