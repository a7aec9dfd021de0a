"""Wasserstein distances between Gaussian mixtures on the line.

With F and G the distribution functions (Vallender 1974; Villani 2009, section 2.1)::

    W₁ = ∫ |F(x) - G(x)| dx        W₂² = ∫₀¹ (F⁻¹(u) - G⁻¹(u))² du

For W₁ nothing is integrated numerically: ``C(x) = E(x - X)_+ = Σ w_k [(x - μ_k) Φ(z_k) + σ_k φ(z_k)]`` is the integral
of F, and only the places where F and G cross are sought, between points that no feature of either can pass between.

For W₂ there is no closed form beyond single normals. In the normal variable t = Φ⁻¹(u) the integrand is smooth but for
the valleys between components, where quantiles run fast, and the jumps between Diracs. An even grid loses five digits
there; here Gauss's rule runs from break point to break point, which are the images of places around every component.

References
----------
S. S. Vallender (1974), *Calculation of the Wasserstein distance between probability distributions on the line*, Theory
of Probability and its Applications 18. C. Villani (2009), *Optimal transport: old and new*, Springer.
"""

from __future__ import annotations

import functools
import math
from typing import Any, cast

import numpy as np
import torch
from torch import Tensor

from marlgt.deep.distributions.inverting import standing_at
from marlgt.deep.distributions.mixtures import A, GaussianMixture, below, is_spread, opened

__all__ = ["wasserstein_1", "wasserstein_2"]

_BISECTIONS = 60
_NODES = 12
_EVERY_SCALE = tuple(0.5 * c for c in range(-18, 19))
_FARTHEST = 12.0


def wasserstein_1(first: GaussianMixture[A], second: GaussianMixture[A]) -> A:
    """Give the 1-Wasserstein distance, shape (...)."""
    (one, other), _, back = opened((first, second))
    with torch.no_grad():
        still = [GaussianMixture(*(part.detach() for part in law)) for law in (one, other)]
        points = _with_crossings(
            still[0], still[1], torch.cat(_aligned([places(law) for law in still]), -1).sort(-1).values
        )
    gaps = _integral(_beside(one), points) - _integral(_beside(other), points)
    ends = (one.weights * one.means).sum(-1) - (other.weights * other.means).sum(-1)
    # ∫ (F - G) over the whole line is the difference of the means.
    last = -ends - gaps[..., -1]
    return back(gaps.diff(dim=-1).abs().sum(-1) + gaps[..., 0].abs() + last.abs())


def wasserstein_2(first: GaussianMixture[A], second: GaussianMixture[A]) -> A:
    """Give the 2-Wasserstein distance, shape (...): the root of the squared one; its gradient is 0 at distance 0."""
    (one, other), _, back = opened((first, second))
    with torch.no_grad():
        still = [GaussianMixture(*(part.detach() for part in law)) for law in (one, other)]
        breaks = torch.cat(_aligned([_normal_images(law) for law in still]), -1)
        grid = torch.arange(-_FARTHEST, _FARTHEST + 1).to(breaks)
        breaks = torch.cat((breaks, grid.expand(*breaks.shape[:-1], -1)), -1).clamp(-_FARTHEST, _FARTHEST)
        t, lengths = gauss_nodes(breaks.sort(-1).values, _NODES)
        lengths = lengths * torch.exp(-0.5 * t.square()) / math.sqrt(2 * math.pi)
    gaps = standing_at(_beside(one), t) - standing_at(_beside(other), t)
    squared = (lengths * gaps.square()).sum(-1)
    apart = squared > 0
    return back(torch.where(apart, torch.where(apart, squared, 1.0).sqrt(), 0.0))


def gauss_nodes(breaks: Tensor, n_nodes: int) -> tuple[Tensor, Tensor]:
    """Give the nodes and weights, shape (..., (P - 1) n_nodes), of Gauss's rule between sorted points (..., P)."""
    nodes, weights = (torch.as_tensor(part).to(breaks) for part in _gauss_rule(n_nodes))
    starts, halves = breaks[..., :-1, None], 0.5 * breaks.diff(dim=-1).unsqueeze(-1)
    return (starts + halves * (1 + nodes)).flatten(-2), (halves * weights).flatten(-2)


def places(mixture: GaussianMixture[Tensor], multiples: tuple[float, ...] = _EVERY_SCALE) -> Tensor:
    """Give points around every component, its mean and multiples of its scale from it, shape (..., P)."""
    steps = torch.tensor(multiples, dtype=mixture.means.dtype, device=mixture.means.device)
    means, scales = cast(Any, torch).broadcast_tensors(mixture.means, mixture.scales)
    around: Tensor = means.unsqueeze(-1) + scales.unsqueeze(-1) * steps
    return around.flatten(-2)


@functools.cache
def _gauss_rule(n_nodes: int) -> tuple[np.ndarray, np.ndarray]:
    nodes, weights = np.polynomial.legendre.leggauss(n_nodes)
    return nodes, weights


def _normal_images(mixture: GaussianMixture[Tensor]) -> Tensor:
    """Give Φ⁻¹(F) at places around every component, on both sides of Diracs."""
    points = places(mixture)
    beside = _beside(mixture)
    images = []
    for strictly in (False, True):
        under = below(beside, points, 1.0, strictly=strictly)
        above = below(beside, points, -1.0, strictly=strictly)
        t = torch.where(under <= 0.5, torch.special.ndtri(under.clamp(0, 1)), -torch.special.ndtri(above.clamp(0, 1)))
        images.append(t.clamp(-_FARTHEST, _FARTHEST))
    return torch.cat(images, -1)


def _with_crossings(one: GaussianMixture[Tensor], other: GaussianMixture[Tensor], points: Tensor) -> Tensor:
    """Add to sorted points those between them where F and G cross."""
    laws = _beside(one), _beside(other)
    low, high = points[..., :-1], points[..., 1:]
    rising = _gap(*laws, low) < 0
    crosses = rising != (_gap(*laws, high, strictly=True) < 0)
    found = low.clone()
    one, other = (GaussianMixture(*(part.expand(*low.shape, -1)[crosses] for part in law)) for law in laws)
    low, high, rising = low[crosses], high[crosses], rising[crosses]
    for _ in range(_BISECTIONS):
        middle = low + 0.5 * (high - low)
        ahead = (_gap(one, other, middle) < 0) == rising
        low, high = torch.where(ahead, middle, low), torch.where(ahead, high, middle)
    found[crosses] = high
    return torch.cat((points, found), -1).sort(-1).values


def _gap(one: GaussianMixture[Tensor], other: GaussianMixture[Tensor], x: Tensor, *, strictly: bool = False) -> Tensor:
    return below(one, x, 1.0, strictly=strictly) - below(other, x, 1.0, strictly=strictly)


def _integral(mixture: GaussianMixture[Tensor], x: Tensor) -> Tensor:
    """Give E(x - X)_+, the integral of the distribution function up to x."""
    weights, means, scales = mixture
    gaps = x.unsqueeze(-1) - means
    spread = is_spread(scales)
    z = gaps / torch.where(spread, scales, 1.0)
    density = torch.exp(-0.5 * z.square()) / math.sqrt(2 * math.pi)
    parts = torch.where(spread, gaps * torch.special.ndtr(z) + scales * density, gaps.clamp(min=0))
    return (weights * parts).sum(-1)


def _beside(mixture: GaussianMixture[Tensor]) -> GaussianMixture[Tensor]:
    return GaussianMixture(*(part.unsqueeze(-2) for part in mixture))


def _aligned(parts: list[Tensor]) -> list[Tensor]:
    """Expand the leading axes of tensors to a common shape."""
    shape = cast(Any, torch).broadcast_shapes(*(part.shape[:-1] for part in parts))
    return [part.expand(*shape, part.shape[-1]) for part in parts]
