"""A critic whose distribution of returns lives on fixed atoms: C51 for state values.

Particles are brought to the atoms by the Cramér projection. For a normal distribution it is exact too: with
``C(z) = E(z - X)_+ = (z - μ) Φ((z - μ)/σ) + σ φ((z - μ)/σ)`` the probability of atoms 0 to i together is
``(C(z_{i+1}) - C(z_i)) / Δ``, and of all of them 1 (Rowland et al. 2018, proposition 2, whose hat functions these are).
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor, nn

from marlgt.deep.distributions.mixtures import GaussianMixture, Particles, is_spread
from marlgt.deep.losses.categorical import cross_entropy, expected_values, return_support
from marlgt.deep.losses.sample_replacement import systematic_components
from marlgt.deep.networks.layers import Linear

__all__ = ["CategoricalCritic", "project_particles"]


class CategoricalCritic(nn.Module):
    """Distributions of returns on evenly spaced atoms.

    Parameters
    ----------
    n_networks, n_features : int
        N and F.
    v_min, v_max : float
        The support's ends, in units of discounted return; beyond them returns are cut.
    n_atoms : int
    gain : float, optional
        Of the orthogonal first weights; None for PyTorch's law.
    """

    distributional = True
    support: Tensor

    def __init__(
        self,
        n_networks: int,
        n_features: int,
        *,
        v_min: float = -10.0,
        v_max: float = 10.0,
        n_atoms: int = 51,
        gain: float | None = 1.0,
    ) -> None:
        super().__init__()
        self.register_buffer("support", return_support(v_min, v_max, n_atoms), persistent=False)
        self.layer = Linear(n_networks, n_features, n_atoms, orthogonal=gain)
        self.n_outputs = n_atoms

    def forward(self, features: Tensor) -> Tensor:
        """Give logits (N, rows, n_atoms)."""
        return self.layer.forward(features)

    def mean(self, outputs: Tensor) -> Tensor:
        """Give expected returns, shape (...)."""
        return expected_values(outputs.softmax(-1), self.support)

    def mixture(self, outputs: Tensor) -> GaussianMixture[Tensor]:
        """Give Diracs at the atoms, shape (..., n_atoms)."""
        return GaussianMixture(outputs.softmax(-1), self.support.expand_as(outputs), torch.zeros_like(outputs))

    def losses(self, outputs: Tensor, targets: Particles) -> Tensor:
        """Give cross-entropies with the particles' projection on the atoms, shape (...)."""
        return cross_entropy(outputs, project_particles(targets, self.support))

    @torch.no_grad()
    def particles(self, outputs: Tensor, n_samples: int, generators: Sequence[torch.Generator]) -> Particles:
        """Draw m atoms, systematically: Diracs (S, ..., m)."""
        locations = self.support[systematic_components(outputs.softmax(-1), n_samples, generators)]
        return Particles(locations, torch.zeros_like(locations))


@torch.no_grad()
def project_particles(targets: Particles, support: Tensor) -> Tensor:
    """Give the particles' probabilities on evenly spaced atoms, shape (..., n_atoms), by the Cramér projection.

    Its mean is that of the particles, where none reaches beyond the support.
    """
    locations, scales = targets
    n_atoms = support.shape[0]
    if bool(is_spread(scales).any()) or locations.is_cuda:
        held = _expected_excess(support[:, None] - locations.unsqueeze(-2), scales.unsqueeze(-2)).mean(-1)
        spacing = (support[-1] - support[0]) / (n_atoms - 1)
        risen = torch.nn.functional.pad(held.diff(dim=-1) / spacing, (1, 1))
        risen[..., -1] = 1.0
        return risen.diff(dim=-1).clamp_(min=0)
    places = ((locations - support[0]) * ((n_atoms - 1) / (support[-1] - support[0]))).clamp(0, n_atoms - 1)
    left = places.floor().clamp_(max=n_atoms - 2)
    share = (places - left) / locations.shape[-1]
    index = left.long()
    projected = locations.new_zeros(*locations.shape[:-1], n_atoms)
    projected.scatter_add_(-1, index, 1 / locations.shape[-1] - share)
    return projected.scatter_add_(-1, index + 1, share)


def _expected_excess(gaps: Tensor, scales: Tensor) -> Tensor:
    """Give E(z - X)_+ for z - μ and σ."""
    spread = is_spread(scales)
    z = gaps / torch.where(spread, scales, 1.0)
    density = torch.exp(-0.5 * z.square()) / math.sqrt(2 * math.pi)
    return torch.where(spread, gaps * torch.special.ndtr(z) + scales * density, gaps.clamp(min=0))
