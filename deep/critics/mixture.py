"""The critic of GMAC: a Gaussian mixture of returns.

Of 3 K outputs the first K are logits of the weights (softmax), the next K the means themselves, and the last K the
scales by one of two heads, x being the output::

    softplus_variance   σ = √(c softplus(x) + c) (Nam et al. 2021, their code: c = 0.05²)
    initial_scale       σ = σ₀ softplus(x) / softplus(0) + σ_min     (Shahriari et al. 2022, in Acme)

Before their last commit the authors' variance was softplus(x) + c, σ(0) = 0.83 rather than 0.065: that is
``initial_scale=0.83`` of the second head, nearly. Their loss, called Cramér, is the energy distance: twice the
squared Cramér distance; with their value coefficient of 1/2, the squared Cramér distance itself.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import torch
from torch import Tensor, nn

from marlgt.deep.distributions.inverting import mode
from marlgt.deep.distributions.mixtures import GaussianMixture, Particles
from marlgt.deep.losses.mixture_losses import (
    ScaleHead,
    cross_entropy_loss,
    head_energy_loss,
    mixture_of,
    transport_loss,
)
from marlgt.deep.losses.sample_replacement import systematic_components
from marlgt.deep.networks.initialising import orthogonal_rows
from marlgt.deep.networks.layers import Linear
from marlgt.errors import GameError

__all__ = ["MixtureCritic"]

_LOSSES: dict[str, Callable[[Tensor, Particles, ScaleHead], Tensor]] = {
    "cramer": head_energy_loss,
    "cross_entropy": lambda outputs, targets, head: cross_entropy_loss(mixture_of(outputs, head), targets),
    "wasserstein": lambda outputs, targets, head: transport_loss(mixture_of(outputs, head), targets),
}
_HEADS = ("softplus_variance", "initial_scale")


class MixtureCritic(nn.Module):
    """Mixtures of K normal distributions of returns.

    Parameters
    ----------
    n_networks, n_features : int
        N and F.
    n_components : int
        K.
    loss : {"cramer", "cross_entropy", "wasserstein"}
        Energy distance (twice the squared Cramér distance), Shahriari's cross-entropy, or squared 2-Wasserstein.
    scale_head : {"softplus_variance", "initial_scale"}
    least_scale : float
        √c of the first head, σ_min of the second; in units of return, as all scales.
    initial_scale : float
        σ₀ of the second head: the scale at x = 0.
    location_gain : float
        Of the orthogonal first weights of the means; small numbers let them start at the origin.
    gain : float
        Of those of weights and scales. Unlike means of components that start alike, and stay so, tell them apart.
    """

    distributional = True

    def __init__(
        self,
        n_networks: int,
        n_features: int,
        *,
        n_components: int = 5,
        loss: str = "cramer",
        scale_head: str = "softplus_variance",
        least_scale: float = 0.05,
        initial_scale: float = 1.0,
        location_gain: float = 1.0,
        gain: float = 1.0,
    ) -> None:
        super().__init__()
        if n_components < 1:
            raise GameError(f"a mixture has at least one component, got {n_components}: give n_components >= 1")
        if loss not in _LOSSES:
            raise GameError(f"loss must be one of {', '.join(_LOSSES)}, got {loss!r}: choose one of these")
        if scale_head not in _HEADS:
            raise GameError(f"scale_head must be one of {', '.join(_HEADS)}, got {scale_head!r}: choose one of these")
        if not (least_scale > 0 and initial_scale > 0):
            raise GameError(
                f"scales are positive, got least_scale = {least_scale:g} and initial_scale = {initial_scale:g}: "
                "give numbers > 0, in units of return"
            )
        self.n_components, self.loss, self.scale_head = n_components, loss, scale_head
        rooted = scale_head == "softplus_variance"
        factor, least = (least_scale**2,) * 2 if rooted else (initial_scale / math.log(2.0), least_scale)
        self.head = ScaleHead(rooted, factor, least)
        self.n_outputs = 3 * n_components
        self.layer = _Blocks(n_networks, n_features, n_components, (gain, location_gain, gain))

    def forward(self, features: Tensor) -> Tensor:
        """Give outputs (N, rows, 3 K)."""
        return self.layer.forward(features)

    def mixture(self, outputs: Tensor) -> GaussianMixture[Tensor]:
        """Give the mixtures, Tensors of shape (..., K), that outputs (..., 3 K) stand for."""
        return mixture_of(outputs, self.head)

    def mean(self, outputs: Tensor) -> Tensor:
        """Give expected returns, shape (...)."""
        logits, means, _ = outputs.chunk(3, -1)
        return (logits.softmax(-1) * means).sum(-1)

    def mode(self, outputs: Tensor) -> Tensor:
        """Give the likeliest returns, shape (...), without gradient: biased as a value, for comparison."""
        return mode(self.mixture(outputs))

    def losses(self, outputs: Tensor, targets: Particles) -> Tensor:
        """Give the loss chosen, shape (...), against particles (..., m)."""
        return _LOSSES[self.loss](outputs, targets, self.head)

    @torch.no_grad()
    def particles(self, outputs: Tensor, n_samples: int, generators: Sequence[torch.Generator]) -> Particles:
        """Draw m components, systematically: their means and scales, shape (S, ..., m)."""
        mixture = self.mixture(outputs)
        chosen = systematic_components(mixture.weights, n_samples, generators)
        return Particles(mixture.means.gather(-1, chosen), mixture.scales.gather(-1, chosen))


class _Blocks(Linear):
    """An affine map whose blocks of K outputs have first weights of their own gains."""

    def __init__(self, n_networks: int, n_inputs: int, size: int, gains: tuple[float, ...]) -> None:
        super().__init__(n_networks, n_inputs, size * len(gains))
        self.gains = gains

    def draw(self, generators: Sequence[torch.Generator]) -> None:
        """Draw the first weights, seed by seed and block by block; biases are 0."""
        blocks = self.weight.detach().chunk(len(self.gains), -1)
        for block, gain in zip(blocks, self.gains):
            orthogonal_rows(block, gain, generators)
        self.bias.detach().zero_()
