"""Losses of a Gaussian mixture against particles: energy, cross-entropy, and squared 2-Wasserstein distance.

Particles are a target's components, equally weighted, as `marlgt.deep.losses.sample_replacement` makes them; no
gradient flows into them. With X of the mixture and Y of the particles::

    energy          2 E|X - Y| - E|X - X'|                    (Nam et al. 2021), in closed form
    cross-entropy   -E log q(Y), q the mixture's density      (Shahriari et al. 2022), on values of Y
    transport       min over couplings of E(X - Y)²,          on m values of Y, exactly

The energy lacks -E|Y - Y'|, which has no gradient and most of the pairs; with it, it is twice the squared Cramér
distance. Both latter losses take one value of each particle, ``y_k + t_k Φ⁻¹(u_k)``, u the van der Corput sequence:
neighbouring particles, which systematic draws make alike, get values spread over their law, without chance.

Of equally likely values in order, y_1 < ... < y_m, the i-th receives the mixture's mass between its quantiles
x_{i-1} and x_i at (i - 1)/m and i/m, so the transport's cost is a sum of moments of cut normals. Its gradient is that
of ``∫ ψ(x) q(x) dx`` for the continuous Kantorovich potential ``ψ(x) = (x - y_i)² + c_i`` of the cell, held fixed
(Villani 2009, theorem 5.10; Peyré & Cuturi 2019, section 5.2): nothing is divided by a density.

References
----------
D. W. Nam, Y. Kim, C. Y. Park (2021), *GMAC: a distributional perspective on actor-critic framework*, ICML.
B. Shahriari et al. (2022), *Revisiting Gaussian mixture critics in off-policy reinforcement learning: a sample-based
approach*, arXiv:2204.10256.
C. Villani (2009), *Optimal transport: old and new*. G. Peyré, M. Cuturi (2019), *Computational optimal transport*.
"""

from __future__ import annotations

import functools
import math
from typing import Any, NamedTuple, cast

import torch
from torch import Tensor

from marlgt.deep.distributions.distances import mean_distance
from marlgt.deep.distributions.inverting import standing_at
from marlgt.deep.distributions.mixtures import GaussianMixture, Particles, is_spread, logarithmic_density
from marlgt.deep.losses.energy_kernel import energy_and_slopes, head_energy_and_slopes
from marlgt.errors import GameError

__all__ = [
    "ScaleHead",
    "cross_entropy_loss",
    "energy_loss",
    "head_energy_loss",
    "mixture_of",
    "particle_values",
    "transport_loss",
]


class ScaleHead(NamedTuple):
    """How scales come from outputs x: ``factor softplus(x) + least``, or the root of that where it is ``rooted``."""

    rooted: bool
    factor: float
    least: float


def mixture_of(outputs: Tensor, head: ScaleHead) -> GaussianMixture[Tensor]:
    """Give the mixtures, shape (..., K), that outputs (..., 3 K) stand for: logits of weights, means, and scales."""
    if outputs.shape[-1] % 3:
        raise GameError(f"a mixture of K components has 3 K outputs, got {outputs.shape[-1]}: give a multiple of 3")
    logits, means, raw = outputs.chunk(3, -1)
    scales = torch.nn.functional.softplus(raw) * head.factor + head.least
    return GaussianMixture(logits.softmax(-1), means, scales.sqrt() if head.rooted else scales)


def head_energy_loss(outputs: Tensor, targets: Particles, head: ScaleHead) -> Tensor:
    """Give the energy loss, shape (...), of the mixtures that outputs (..., 3 K) stand for: one compiled pass."""
    if not _compiled_serves(outputs):
        return energy_loss(mixture_of(outputs, head), targets)
    _require_rows(outputs, targets)
    particles = [part.reshape(-1, part.shape[-1]) for part in targets]
    losses = cast(Any, _HeadEnergy).apply(outputs.reshape(-1, outputs.shape[-1]), *particles, head)
    return cast(Tensor, losses).view(outputs.shape[:-1])


def energy_loss(mixture: GaussianMixture[Tensor], targets: Particles, *, whole: bool = False) -> Tensor:
    """Give the energy distance from particles: twice the squared Cramér distance.

    Parameters
    ----------
    mixture : GaussianMixture, Tensors of shape (..., K)
    targets : Particles, shape (..., m)
    whole : bool
        Whether the particles' own term, without gradient and m² pairs a row, is counted: for a record.

    Returns
    -------
    Tensor, shape (...)
        On the CPU and in single precision from one compiled pass over all pairs, once differentiable.
    """
    _require_rows(mixture.means, targets)
    if _compiled_serves(mixture.means):
        shape, size = mixture.means.shape[:-1], mixture.means.shape[-1]
        rows = [part.reshape(-1, size) for part in mixture]
        particles = [part.reshape(-1, part.shape[-1]) for part in targets]
        losses = cast(Tensor, cast(Any, _Energy).apply(*rows, *particles)).view(shape)
    else:
        constant = Particles(*(part.detach() for part in targets)).mixture()
        losses = 2 * mean_distance(mixture, constant) - mean_distance(mixture, mixture)
    if whole:
        with torch.no_grad():
            return losses - mean_distance(targets.mixture(), targets.mixture())
    return losses


def cross_entropy_loss(mixture: GaussianMixture[Tensor], targets: Particles) -> Tensor:
    """Give the mean of -log q over one value of each particle, shape (...)."""
    _require_rows(mixture.means, targets)
    beside = GaussianMixture(*(part.unsqueeze(-2) for part in mixture))
    return -logarithmic_density(beside, particle_values(targets)).mean(-1)


def transport_loss(mixture: GaussianMixture[Tensor], targets: Particles) -> Tensor:
    """Give the squared 2-Wasserstein distance to one value of each particle, shape (...)."""
    _require_rows(mixture.means, targets)
    values = particle_values(targets).sort(-1).values
    n_values = values.shape[-1]
    with torch.no_grad():
        fractions = torch.arange(1, n_values, dtype=values.dtype, device=values.device) / n_values
        still = GaussianMixture(*(part.detach().unsqueeze(-2) for part in mixture))
        cuts = standing_at(still, torch.special.ndtri(fractions).expand(*values.shape[:-1], n_values - 1))
        # ψ is continuous at the cut between two cells.
        rises = (cuts - values[..., :-1]).square() - (cuts - values[..., 1:]).square()
        constants = torch.nn.functional.pad(rises.cumsum(-1), (1, 0))
    means, scales = mixture.means.unsqueeze(-1), mixture.scales.unsqueeze(-1)
    mass, first, second = _cut_moments(means, scales, cuts.unsqueeze(-2))
    gaps = means - values.unsqueeze(-2)
    costs = (second + 2 * gaps * first + gaps.square() * mass).sum(-1)
    potential = (constants.unsqueeze(-2) * mass).sum(-1)
    # The constants change the gradient alone: with them no mass gains by moving to another cell.
    return (mixture.weights * costs).sum(-1) + _unvalued((mixture.weights * potential).sum(-1))


def particle_values(targets: Particles) -> Tensor:
    """Give one value of each particle, shape (..., m): its own quantile, spread evenly over all particles."""
    locations, scales = targets.locations.detach(), targets.scales.detach()
    return torch.addcmul(locations, scales, _offsets(locations.shape[-1]).to(locations))


@functools.cache
def _offsets(n_particles: int) -> Tensor:
    """Give Φ⁻¹ of the ranks of the van der Corput sequence, shape (m,): symmetric and of unit variance."""
    bits = max(1, (n_particles - 1).bit_length())
    mirrored = torch.tensor([int(f"{k:0{bits}b}"[::-1], 2) for k in range(n_particles)])
    ranks = mirrored.argsort().argsort().double()
    offsets: Tensor = torch.special.ndtri((ranks + 0.5) / n_particles)
    return offsets / offsets.square().mean().sqrt() if n_particles > 1 else offsets


def _cut_moments(means: Tensor, scales: Tensor, cuts: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Give mass and two moments about the mean of normals (..., K, 1) in the cells between cuts (..., m - 1)."""
    spread = is_spread(scales)
    widths = torch.where(spread, scales, 1.0)
    z = (cuts - means) / widths
    density = torch.exp(-0.5 * z.square()) / math.sqrt(2 * math.pi)
    below = torch.where(spread, torch.special.ndtr(z), (cuts >= means).to(z.dtype))
    ends, column = ((0.0, 1.0), (0.0, 0.0), (0.0, 0.0)), (*below.shape[:-1], 1)
    mass, first, second = (
        torch.cat((part.new_full(column, low), part, part.new_full(column, high)), -1).diff(dim=-1)
        for part, (low, high) in zip((below, density, z * density), ends)
    )
    return mass, -scales * first, scales.square() * (mass - second)


def _unvalued(term: Tensor) -> Tensor:
    return term - term.detach()


def _compiled_serves(means: Tensor) -> bool:
    return means.device.type == "cpu" and means.dtype == torch.float32


def _require_rows(components: Tensor, targets: Particles) -> None:
    rows, given = tuple(components.shape[:-1]), tuple(targets.locations.shape[:-1])
    if rows != given or targets.scales.shape != targets.locations.shape:
        raise GameError(
            f"a mixture needs particles of its own, got {rows} mixtures, and locations and scales of shapes "
            f"{tuple(targets.locations.shape)} and {tuple(targets.scales.shape)}: give both the shape {(*rows, 'm')}"
        )


class _Energy(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, weights: Tensor, means: Tensor, scales: Tensor, locations: Tensor, widths: Tensor) -> Tensor:
        losses, slopes = energy_and_slopes(weights, means, scales, locations, widths)
        ctx.save_for_backward(*slopes)
        return losses

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, ...]:
        rows = gradient.unsqueeze(-1)
        return *(rows * slopes for slopes in ctx.saved_tensors), None, None


class _HeadEnergy(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, outputs: Tensor, locations: Tensor, widths: Tensor, head: ScaleHead) -> Tensor:
        losses, slopes = head_energy_and_slopes(outputs, locations, widths, **head._asdict())
        ctx.save_for_backward(slopes)
        return losses

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, ...]:
        (slopes,) = ctx.saved_tensors
        return gradient.unsqueeze(-1) * slopes, None, None, None
