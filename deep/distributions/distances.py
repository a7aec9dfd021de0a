"""Distances between Gaussian mixtures in closed form: expected distance, energy and Cramér.

The difference of two normals is normal, so the mean distance of two mixtures is a double sum of (Leone et al. 1961)::

    E|N(m, s²)| = s √(2/π) exp(-m² / 2 s²) + m erf(m / s √2),      |m| for s = 0

With X' and Y' independent copies of X and Y, the *energy* distance (Székely & Rizzo 2013) is::

    2 E|X - Y| - E|X - X'| - E|Y - Y'| = 2 ∫ (F - G)² dx

The integral is the square of the *Cramér* distance. Scaling both laws by γ scales both numbers by γ: Bellman's
operator is a √γ-contraction in the Cramér distance (Bellemare et al. 2017).

References
----------
Leone, F. C., Nelson, L. S. and Nottingham, R. B. (1961). *The folded normal distribution*. Technometrics 3.
Székely, G. J. and Rizzo, M. L. (2013). *Energy statistics*. J. Statistical Planning and Inference 143.
Bellemare, M. G. et al. (2017). *The Cramer distance as a solution to biased Wasserstein gradients*. arXiv:1705.10743.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

from marlgt.deep.distributions.mixtures import A, GaussianMixture, is_spread, opened

__all__ = ["cramer_distance", "energy_distance", "expected_distance"]


def expected_distance(first: GaussianMixture[A], second: GaussianMixture[A]) -> A:
    """Give E|X - Y| of independent X and Y, shape (...).

    Gradients are finite everywhere, 0 where two Diracs meet.
    """
    (one, other), _, back = opened((first, second))
    return back(mean_distance(one, other))


def energy_distance(first: GaussianMixture[A], second: GaussianMixture[A]) -> A:
    """Give the energy distance, shape (...): twice the squared Cramér distance. No root is taken, as SciPy does."""
    (one, other), _, back = opened((first, second))
    energy = 2 * mean_distance(one, other) - mean_distance(one, one) - mean_distance(other, other)
    return back(energy.clamp(min=0))


def cramer_distance(first: GaussianMixture[A], second: GaussianMixture[A]) -> A:
    """Give the *squared* Cramér distance ``∫ (F - G)² dx``, shape (...): half the energy distance."""
    (one, other), _, back = opened((first, second))
    energy = 2 * mean_distance(one, other) - mean_distance(one, one) - mean_distance(other, other)
    return back(0.5 * energy.clamp(min=0))


def mean_distance(first: GaussianMixture[Tensor], second: GaussianMixture[Tensor]) -> Tensor:
    """Give E|X - Y| of tensors."""
    gaps = first.means.unsqueeze(-1) - second.means.unsqueeze(-2)
    variances = first.scales.square().unsqueeze(-1) + second.scales.square().unsqueeze(-2)
    distances = folded_mean(gaps, variances)
    return (first.weights.unsqueeze(-1) * second.weights.unsqueeze(-2) * distances).sum((-2, -1))


def folded_mean(means: Tensor, variances: Tensor) -> Tensor:
    """Give E|N(m, v)| for means m and variances v of any one shape."""
    spread = is_spread(variances)
    scales = torch.where(spread, variances, 1.0).sqrt()
    z = means / scales
    found = scales * (math.sqrt(2 / math.pi) * torch.exp(-0.5 * z.square())) + means * torch.erf(z * math.sqrt(0.5))
    return torch.where(spread, found, means.abs())
