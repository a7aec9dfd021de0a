"""Cross-entropy and Kullback-Leibler divergence between Gaussian mixtures, by quadrature with break points.

``CE(P, Q) = -∫ p log q`` and ``KL(P || Q) = ∫ p log(p / q)`` have no closed form for mixtures. Gauss's rule runs
between points around every component of both, and around the places where two components of a mixture are equally
dense: there log q bends, the more sharply the steeper both are.

Cross-entropy is no distance: CE(P, P) is P's entropy. Neither is changed by scaling both laws, so Bellman's operator is
no contraction in them.

Diracs: they count in full where P has them; those of Q matter only at P's. KL is infinite where P has a Dirac and Q has
none at the same place, and compares their weights where it has one.
"""

from __future__ import annotations

import math
from typing import Any, cast

import torch
from torch import Tensor

from marlgt.deep.distributions.mixtures import A, GaussianMixture, is_spread, logarithmic_density, opened
from marlgt.deep.distributions.transport import gauss_nodes, places

__all__ = ["cross_entropy", "kl_divergence"]

_NODES = 16
_MULTIPLES = tuple(float(c) for c in range(-12, 13))
_WIDTHS = (-40.0, -8.0, -2.0, 0.0, 2.0, 8.0, 40.0)


def cross_entropy(first: GaussianMixture[A], second: GaussianMixture[A]) -> A:
    """Give ``-E log q(X)`` for X of the first mixture and q the second's density, shape (...), in nats."""
    (one, other), _, back = opened((first, second))
    x, lengths = _nodes(one, other)
    total = -_integrated(lengths, _smooth_density(one, x), logarithmic_density(_beside(other), x))
    diracs = torch.where(is_spread(one.scales), 0.0, one.weights)
    at_diracs = logarithmic_density(_beside(other), one.means)
    return back(total - torch.where(diracs > 0, diracs * torch.where(diracs > 0, at_diracs, 0.0), 0.0).sum(-1))


def kl_divergence(first: GaussianMixture[A], second: GaussianMixture[A]) -> A:
    """Give ``E log(p(X) / q(X))`` for X of the first mixture, shape (...), in nats."""
    (one, other), _, back = opened((first, second))
    x, lengths = _nodes(one, other)
    own = _smooth_density(one, x)
    smooth = _integrated(lengths, own, own - _smooth_density(other, x))
    diracs, theirs = (torch.where(is_spread(law.scales), 0.0, law.weights) for law in (one, other))
    here = one.means.unsqueeze(-1)
    mass = (diracs.unsqueeze(-2) * (here == one.means.unsqueeze(-2))).sum(-1)
    others = (theirs.unsqueeze(-2) * (here == other.means.unsqueeze(-2))).sum(-1)
    used, met = diracs > 0, others > 0
    logs = torch.where(used, mass, 1.0).log() - torch.where(met, others, 1.0).log()
    return back(smooth + torch.where(used, torch.where(met, diracs * logs, math.inf), 0.0).sum(-1))


def _integrated(lengths: Tensor, log_density: Tensor, values: Tensor) -> Tensor:
    """Give ∫ p v, where 0 times infinity is 0."""
    density = log_density.exp()
    # Far from all of its mass a density is 0 in this arithmetic, and so is what it weighs.
    used = (density > 0) & (lengths > 0)
    return (lengths * torch.where(used, density * torch.where(used, values, 0.0), 0.0)).sum(-1)


def _smooth_density(mixture: GaussianMixture[Tensor], x: Tensor) -> Tensor:
    """Give the logarithm of the density that is left without Diracs."""
    spread = is_spread(mixture.scales)
    weights = torch.where(spread, mixture.weights, 0.0)
    return logarithmic_density(
        _beside(GaussianMixture(weights, mixture.means, torch.where(spread, mixture.scales, 1.0))), x
    )


@torch.no_grad()
def _nodes(one: GaussianMixture[Tensor], other: GaussianMixture[Tensor]) -> tuple[Tensor, Tensor]:
    """Give points and weights with which to integrate over the first mixture's mass."""
    own = places(one, _MULTIPLES)
    parts = [own, places(other, _MULTIPLES), _crossings(one), _crossings(other)]
    shape = cast(Any, torch).broadcast_shapes(*(part.shape[:-1] for part in parts))
    breaks = torch.cat([part.expand(*shape, part.shape[-1]) for part in parts], -1)
    breaks = torch.minimum(torch.maximum(breaks, own.amin(-1, keepdim=True)), own.amax(-1, keepdim=True))
    return gauss_nodes(breaks.sort(-1).values, _NODES)


def _crossings(mixture: GaussianMixture[Tensor]) -> Tensor:
    """Give points around those where two components are equally dense; the first mean where they never are."""
    weights, means, scales = cast(Any, torch).broadcast_tensors(*mixture)
    size = means.shape[-1]
    i, j = torch.triu_indices(size, size, 1, device=means.device)
    spread = is_spread(scales)
    width = torch.where(spread, scales, 1.0)
    logs = torch.where(weights > 0, weights, 1.0).log() - width.log()
    gap, precision = means[..., j] - means[..., i], width.square().reciprocal()
    # a y² + b y + c = 0 for y = x - μ_i is where both logarithms of w N are the same.
    a = 0.5 * (precision[..., j] - precision[..., i])
    b = -gap * precision[..., j]
    c = 0.5 * gap.square() * precision[..., j] + logs[..., i] - logs[..., j]
    root = (b.square() - 4 * a * c).clamp(min=0).sqrt()
    q = -0.5 * (b + torch.where(b >= 0, root, -root))
    roots = torch.stack((q / a, c / q), -1)
    slopes = (2 * a.unsqueeze(-1) * roots + b.unsqueeze(-1)).abs()
    steps = torch.tensor(_WIDTHS, dtype=means.dtype, device=means.device)
    points = means[..., i, None, None] + roots.unsqueeze(-1) + steps / slopes.unsqueeze(-1)
    points = torch.where(points.isfinite(), points, means[..., i, None, None])
    return torch.cat((points.flatten(-3), means[..., :1]), -1)


def _beside(mixture: GaussianMixture[Tensor]) -> GaussianMixture[Tensor]:
    return GaussianMixture(*(part.unsqueeze(-2) for part in mixture))
