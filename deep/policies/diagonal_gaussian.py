"""Numbers drawn from a normal law each, independently: the usual law of continuous actions."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor

from marlgt.deep.policies.noise import normals
from marlgt.errors import GameError

__all__ = ["DiagonalGaussian"]

_HALF_LOG_TWO_PI = 0.5 * math.log(2.0 * math.pi)


class DiagonalGaussian:
    """``a ~ N(μ, diag σ²)``, with the outputs μ and log σ side by side, O = 2 d.

    Actions are not bounded here: environments clip what lies beyond -1 and 1, and log-probabilities are of what was
    drawn, before it is clipped.

    Parameters
    ----------
    action_size : int
        d.

    Examples
    --------
    >>> law = DiagonalGaussian(1)
    >>> round(law.log_probability(torch.tensor([0.5, 0.0]), torch.tensor([0.5])).item(), 4)
    -0.9189
    """

    action_dtype: torch.dtype = torch.float32

    def __init__(self, action_size: int) -> None:
        if action_size < 1:
            raise GameError(f"an action needs at least one number, got {action_size}: give action_size >= 1")
        self.action_size = self.n_scales = int(action_size)
        self.n_outputs = 2 * self.action_size
        self.action_shape: tuple[int, ...] = (self.action_size,)

    def log_probability(self, outputs: Tensor, actions: Tensor) -> Tensor:
        """Return ``-Σ (½ ((a - μ) / σ)² + log σ + ½ log 2π)``, shape (...), of actions, shape (..., d)."""
        means, log_scales = outputs.chunk(2, dim=-1)
        standard = (actions - means) * (-log_scales).exp()
        return (standard.square() * -0.5 - log_scales).sum(-1) - self.action_size * _HALF_LOG_TWO_PI

    def entropy(self, outputs: Tensor) -> Tensor:
        """Return ``Σ log σ + ½ d (1 + log 2π)``, shape (...)."""
        return outputs[..., self.action_size :].sum(-1) + self.action_size * (0.5 + _HALF_LOG_TWO_PI)

    def sample(self, outputs: Tensor, generators: Sequence[torch.Generator]) -> Tensor:
        """Return ``μ + σ ε``, shape (S, ..., d)."""
        means, log_scales = outputs.chunk(2, dim=-1)
        return torch.addcmul(means, log_scales.exp(), normals(means, means.shape[1:], generators))

    def mode(self, outputs: Tensor) -> Tensor:
        """Return the means, shape (..., d)."""
        return outputs[..., : self.action_size]

    def divergence(self, old: Tensor, new: Tensor) -> Tensor:
        """Return ``Σ (log(σ' / σ) + (σ² + (μ - μ')²) / 2 σ'² - ½)``, shape (...), primes being of the new law."""
        means, log_scales = old.chunk(2, dim=-1)
        new_means, new_log_scales = new.chunk(2, dim=-1)
        change = log_scales - new_log_scales
        shift = (means - new_means) * (-new_log_scales).exp()
        # ½ (e^{2c} - 1) - c, which loses no digits where the laws are nearly the same.
        return (0.5 * (torch.expm1(2.0 * change) + shift.square()) - change).sum(-1)

    def masked(self, outputs: Tensor, allowed: Tensor | None) -> Tensor:
        """Return the outputs: numbers have no masks."""
        return outputs
