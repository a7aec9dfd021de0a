"""One choice from A actions, by the softmax of A logits."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from marlgt.deep.policies.noise import gumbels
from marlgt.errors import GameError

__all__ = ["FORBIDDEN", "Categorical", "forbidden_where"]

FORBIDDEN = -1e30
"""Logit of what is not allowed: its probability is exactly 0, and so is 0 times its logarithm, which is not -inf."""


def forbidden_where(outputs: Tensor, allowed: Tensor | None) -> Tensor:
    """Return logits, shape (..., O), with what is not allowed at :data:`FORBIDDEN`.

    Parameters
    ----------
    outputs : Tensor, shape (..., O)
    allowed : Tensor of bool, shape (..., O), or None
        None, or an empty last axis, allows everything.
    """
    if allowed is None or not allowed.shape[-1]:
        return outputs
    if allowed.shape[-1] != outputs.shape[-1]:
        raise GameError(
            f"a mask must have an entry for each of the {outputs.shape[-1]} outputs, got {allowed.shape[-1]}: give "
            "what the environment allows"
        )
    return outputs.masked_fill(~allowed, FORBIDDEN)


class Categorical:
    """``π(a) = e^{x_a} / Σ_b e^{x_b}`` for logits x.

    Parameters
    ----------
    n_actions : int
        A, which is also the number of outputs.

    Examples
    --------
    >>> law = Categorical(3)
    >>> outputs = law.masked(torch.zeros(3), torch.tensor([True, False, True]))
    >>> law.entropy(outputs).item(), law.mode(outputs).item()
    (0.6931471824645996, 0)
    """

    n_scales = 0
    action_shape: tuple[int, ...] = ()
    action_dtype: torch.dtype = torch.int64

    def __init__(self, n_actions: int) -> None:
        if n_actions < 1:
            raise GameError(f"a choice needs at least one action, got {n_actions}: give n_actions >= 1")
        self.n_actions = self.n_outputs = int(n_actions)

    def probabilities(self, outputs: Tensor) -> Tensor:
        """Return π, shape (..., A)."""
        return outputs.softmax(-1)

    def log_probability(self, outputs: Tensor, actions: Tensor) -> Tensor:
        """Return log π(a), shape (...), of actions, shape (...)."""
        return outputs.log_softmax(-1).gather(-1, actions.unsqueeze(-1)).squeeze(-1)

    def entropy(self, outputs: Tensor) -> Tensor:
        """Return ``-Σ π log π``, shape (...)."""
        logarithms = outputs.log_softmax(-1)
        return -(logarithms.exp() * logarithms).sum(-1)

    def sample(self, outputs: Tensor, generators: Sequence[torch.Generator]) -> Tensor:
        """Return actions, shape (S, ...), by the largest of the logits and a Gumbel number each."""
        return (outputs - gumbels(outputs, outputs.shape[1:], generators)).argmax(-1)

    def mode(self, outputs: Tensor) -> Tensor:
        """Return the most probable actions, shape (...), the first of several."""
        return outputs.argmax(-1)

    def divergence(self, old: Tensor, new: Tensor) -> Tensor:
        """Return ``Σ π_old log(π_old / π_new)``, shape (...), for outputs under the same mask."""
        logarithms = old.log_softmax(-1)
        return (logarithms.exp() * (logarithms - new.log_softmax(-1))).sum(-1)

    def masked(self, outputs: Tensor, allowed: Tensor | None) -> Tensor:
        """Return logits in which what is not allowed, shape (..., A), has probability 0."""
        return forbidden_where(outputs, allowed)
