"""Critics that tell a distribution of returns by its quantiles: at fixed fractions (QR), or at any (IQN).

Their distribution is that of equally likely Diracs at the quantiles. The loss is that of quantile regression with
Huber's parabola, averaged over quantiles and particles. Nam et al. (2021) compare such a critic, IQAC, with theirs.

Departures
----------
1. Learners of policies ask the implicit critic at the midpoints of equal intervals, in updates too, where the paper
   draws fractions anew for every row: what it would say at others is not learnt there.

References
----------
W. Dabney et al. (2018a), *Distributional reinforcement learning with quantile regression*, AAAI, equation 10.
W. Dabney et al. (2018b), *Implicit quantile networks for distributional reinforcement learning*, ICML, equation 4.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from marlgt.deep.distributions.mixtures import GaussianMixture, Particles
from marlgt.deep.losses.mixture_losses import particle_values
from marlgt.deep.losses.quantiles import (
    cosine_features,
    midpoints,
    quantile_huber_loss,
    require_kappa,
    sample_fractions,
)
from marlgt.deep.losses.sample_replacement import systematic_positions
from marlgt.deep.networks.layers import Linear
from marlgt.errors import GameError

__all__ = ["ImplicitQuantileCritic", "QuantileCritic"]


class QuantileCritic(nn.Module):
    """Quantiles at the midpoints ``(2 i + 1) / 2 n_quantiles``.

    Parameters
    ----------
    n_networks, n_features : int
        N and F.
    n_quantiles : int
    kappa : float
        Where Huber's parabola ends, in units of return; 0 for the pinball loss. With a parabola the quantiles of laws
        narrower than it are drawn to the mean, as expectiles are.
    gain : float, optional
        Of the orthogonal first weights; None for PyTorch's law.
    """

    distributional = True
    fractions: Tensor

    def __init__(
        self,
        n_networks: int,
        n_features: int,
        *,
        n_quantiles: int = 32,
        kappa: float = 1.0,
        gain: float | None = 1.0,
    ) -> None:
        super().__init__()
        require_kappa(kappa)
        self.kappa = kappa
        self.register_buffer("fractions", midpoints(n_quantiles), persistent=False)
        self.layer = Linear(n_networks, n_features, n_quantiles, orthogonal=gain)
        self.n_outputs = n_quantiles

    def forward(self, features: Tensor) -> Tensor:
        """Give quantiles (N, rows, n_quantiles)."""
        return self.layer.forward(features)

    def mean(self, outputs: Tensor) -> Tensor:
        """Give the means of the quantiles, shape (...)."""
        return outputs.mean(-1)

    def mixture(self, outputs: Tensor) -> GaussianMixture[Tensor]:
        """Give equal Diracs at the quantiles, shape (..., n_quantiles)."""
        return Particles(outputs, torch.zeros_like(outputs)).mixture()

    def losses(self, outputs: Tensor, targets: Particles) -> Tensor:
        """Give quantile Huber losses against one value of each particle, shape (...)."""
        losses = quantile_huber_loss(outputs, particle_values(targets), self.fractions.to(outputs.dtype), self.kappa)
        return losses / outputs.shape[-1]

    @torch.no_grad()
    def particles(self, outputs: Tensor, n_samples: int, generators: Sequence[torch.Generator]) -> Particles:
        """Draw m of the quantiles, systematically: Diracs (S, ..., m)."""
        return _drawn(outputs, n_samples, generators)


class ImplicitQuantileCritic(nn.Module):
    """Quantiles at fractions, drawn or evenly spread, that enter the network by cosines.

    Parameters
    ----------
    n_networks, n_features : int
        N and F.
    n_quantiles : int
        Fractions at once.
    n_cosines : int
    kappa : float
    gain : float, optional
        Of the last layer's orthogonal first weights; None for PyTorch's law.

    Notes
    -----
    Outputs hold the quantiles and, behind them, the fractions that they belong to: O = 2 n_quantiles.
    """

    distributional = True

    def __init__(
        self,
        n_networks: int,
        n_features: int,
        *,
        n_quantiles: int = 32,
        n_cosines: int = 64,
        kappa: float = 1.0,
        gain: float | None = 1.0,
    ) -> None:
        super().__init__()
        require_kappa(kappa)
        if n_cosines < 1:
            raise GameError(f"a fraction is embedded by at least one cosine, got {n_cosines}: give n_cosines >= 1")
        midpoints(n_quantiles)
        self.n_quantiles, self.n_cosines, self.kappa = n_quantiles, n_cosines, kappa
        self.n_outputs = 2 * n_quantiles
        self.embedding = Linear(n_networks, n_cosines, n_features)
        self.layer = Linear(n_networks, n_features, 1, orthogonal=gain)

    def forward(self, features: Tensor, generators: Sequence[torch.Generator] | None = None) -> Tensor:
        """Give quantiles and their fractions (N, rows, 2 n_quantiles).

        Parameters
        ----------
        features : Tensor, shape (N, rows, F)
        generators : sequence of torch.Generator, optional
            One a seed, from which fractions are drawn, anew for every row; without them every row has the midpoints.
        """
        n_networks, n_rows, n_features = features.shape
        shape = (n_networks, n_rows, self.n_quantiles)
        if generators is None:
            fractions = midpoints(self.n_quantiles, dtype=features.dtype, device=features.device).expand(shape)
        else:
            fractions = sample_fractions(generators, n_networks, shape[1:], device=features.device).to(features.dtype)
        embedded = self.embedding.forward(cosine_features(fractions, self.n_cosines).flatten(1, 2)).relu()
        modulated = features.unsqueeze(2) * embedded.view(*shape, n_features)
        quantiles = self.layer.forward(modulated.flatten(1, 2)).view(shape)
        return torch.cat((quantiles, fractions), -1)

    def mean(self, outputs: Tensor) -> Tensor:
        """Give the means of the quantiles, shape (...)."""
        return outputs[..., : self.n_quantiles].mean(-1)

    def mixture(self, outputs: Tensor) -> GaussianMixture[Tensor]:
        """Give equal Diracs at the quantiles, shape (..., n_quantiles), whichever fractions they belong to."""
        quantiles = outputs[..., : self.n_quantiles]
        return Particles(quantiles, torch.zeros_like(quantiles)).mixture()

    def losses(self, outputs: Tensor, targets: Particles) -> Tensor:
        """Give quantile Huber losses against one value of each particle, shape (...)."""
        quantiles, fractions = outputs.chunk(2, -1)
        losses = quantile_huber_loss(quantiles, particle_values(targets), fractions.detach(), self.kappa)
        return losses / self.n_quantiles

    @torch.no_grad()
    def particles(self, outputs: Tensor, n_samples: int, generators: Sequence[torch.Generator]) -> Particles:
        """Draw m of the quantiles, systematically: Diracs (S, ..., m)."""
        return _drawn(outputs[..., : self.n_quantiles], n_samples, generators)


def _drawn(quantiles: Tensor, n_samples: int, generators: Sequence[torch.Generator]) -> Particles:
    positions = systematic_positions(quantiles.shape[:-1], n_samples, generators, device=quantiles.device)
    locations = quantiles.gather(-1, (positions * quantiles.shape[-1]).long())
    return Particles(locations, torch.zeros_like(locations))
