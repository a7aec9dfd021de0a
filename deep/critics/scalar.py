"""The critic of plain actor-critic methods: the expected return, one number, by least squares.

Every critic is a stacked head of N = S K networks with one interface, so that an algorithm does not ask which it has::

    critic(features (N, rows, F))                        -> outputs (N, rows, O)
    critic.mean(outputs (..., O))                        -> expected returns (...)
    critic.losses(outputs (..., O), targets)             -> what to descend on (...)
    critic.particles(outputs (S, ..., O), m, generators) -> Particles (S, ..., m): components drawn of the distribution
    critic.mixture(outputs (..., O))                     -> GaussianMixture (..., K): the distribution told
    critic.distributional                                -> whether targets are Particles (..., m), or numbers (...)

``critic.draw(generators)`` and that of its layers draw first weights, as `marlgt.deep.networks.initialising` asks.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from marlgt.deep.distributions.mixtures import GaussianMixture, Particles
from marlgt.deep.networks.layers import Linear

__all__ = ["ScalarCritic"]


class ScalarCritic(nn.Module):
    """Expected returns, one number a row.

    Parameters
    ----------
    n_networks, n_features : int
        N and F.
    gain : float, optional
        Of the orthogonal first weights; None for PyTorch's law.
    """

    distributional = False

    def __init__(self, n_networks: int, n_features: int, *, gain: float | None = 1.0) -> None:
        super().__init__()
        self.layer = Linear(n_networks, n_features, 1, orthogonal=gain)
        self.n_outputs = 1

    def forward(self, features: Tensor) -> Tensor:
        """Give values (N, rows, 1)."""
        return self.layer.forward(features)

    def mean(self, outputs: Tensor) -> Tensor:
        """Give the values, shape (...)."""
        return outputs.squeeze(-1)

    def mixture(self, outputs: Tensor) -> GaussianMixture[Tensor]:
        """Give Diracs at the values, shape (..., 1)."""
        return GaussianMixture(torch.ones_like(outputs), outputs, torch.zeros_like(outputs))

    def losses(self, outputs: Tensor, targets: Tensor) -> Tensor:
        """Give squared errors (not halved), shape (...), from targets (...) taken as constants."""
        return (targets.detach() - outputs.squeeze(-1)).square()

    def particles(self, outputs: Tensor, n_samples: int, generators: Sequence[torch.Generator]) -> Particles:
        """Give the value m times, without chance: the Dirac that this critic's distribution is."""
        locations = outputs.detach().expand(*outputs.shape[:-1], n_samples)
        return Particles(locations, torch.zeros_like(locations))
