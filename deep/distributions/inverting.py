"""Quantiles and modes of Gaussian mixtures.

The quantile at u is ``inf {x: F(x) >= u}``. It is sought in the normal variable t = Φ⁻¹(u), and for t > 0 from the
survival function, which keeps its digits where F is 1 but for rounding. It lies between the least and the largest
``μ_k + σ_k t``, the components' own quantiles; means narrow that bracket, and Diracs inside it are either the answer or
a new end, so that in the end F is smooth there, and Newton's method, kept in the bracket by bisection, converges.

Gradients are implicit: ``F(x; θ) = u`` gives ``∂x/∂θ = -(∂F/∂θ) / f(x)``; where f(x) is 0 they are 0.

A mode is a fixed point of ``x = Σ r_k μ_k / σ_k² / Σ r_k / σ_k²``, r_k the components' shares of the density at x
(Carreira-Perpiñán 2000); the search starts at every mean.

References
----------
M. Á. Carreira-Perpiñán (2000), *Mode-finding for mixtures of Gaussian distributions*, IEEE PAMI 22.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

from marlgt.deep.distributions.mixtures import A, GaussianMixture, below, is_spread, logarithmic_density, opened
from marlgt.errors import GameError

__all__ = ["mode", "quantile"]

_ROUNDS = 120
_MODE_ROUNDS = 300


def quantile(mixture: GaussianMixture[A], fractions: A | float) -> A:
    """Give the values below which given fractions of the probability lie.

    Parameters
    ----------
    mixture : GaussianMixture, arrays of shape (..., K)
    fractions : array, shape (...)
        From 0 to 1, whose quantiles are the ends of the support.

    Returns
    -------
    array, shape (...)
    """
    (own,), (u,), back = opened((mixture,), fractions)
    if not bool(((u >= 0) & (u <= 1)).all()):
        raise GameError("a quantile belongs to a fraction from 0 to 1, got others: give probabilities")
    inside = (u > 0) & (u < 1)
    found = standing_at(own, torch.special.ndtri(torch.where(inside, u, 0.5)))
    if bool(inside.all()):
        return back(found)
    reach = torch.where(is_spread(own.scales), math.inf, 0.0)
    used = own.weights > 0
    least = torch.where(used, own.means - reach, math.inf).amin(-1)
    most = torch.where(used, own.means + reach, -math.inf).amax(-1)
    return back(torch.where(inside, found, torch.where(u > 0.5, most, least)))


def mode(mixture: GaussianMixture[A]) -> A:
    """Give where the density is largest, shape (...); the heaviest Dirac where there are any. Without gradient."""
    (own,), _, back = opened((mixture,))
    own = GaussianMixture(*(part.detach() for part in own))
    weights, means, scales = (part.unsqueeze(-2) for part in own)
    spread = is_spread(scales)
    width = torch.where(spread, scales, 1.0)
    used = spread & (weights > 0)
    places = own.means
    for _ in range(_MODE_ROUNDS):
        logs = -0.5 * ((places.unsqueeze(-1) - means) / width).square() - 3 * width.log() + weights.log()
        # Shares of r_k / σ_k² in their sum.
        pulls = torch.where(used, logs, -math.inf).softmax(-1)
        places = torch.where(used.any(-1), (pulls * means).sum(-1), places)
    smooth = GaussianMixture(torch.where(used, weights, 0.0), means, width)
    best = places.gather(-1, logarithmic_density(smooth, places).argmax(-1, keepdim=True))
    diracs = torch.where(is_spread(own.scales), 0.0, own.weights)
    heaviest = own.means.gather(-1, diracs.argmax(-1, keepdim=True))
    return back(torch.where(diracs.amax(-1, keepdim=True) > 0, heaviest, best).squeeze(-1))


def standing_at(mixture: GaussianMixture[Tensor], t: Tensor) -> Tensor:
    """Give the quantiles at Φ(t), with implicit gradients in the mixture."""
    with torch.no_grad():
        found, at_dirac = _solved(GaussianMixture(*(part.detach() for part in mixture)), t)
    if not any(part.requires_grad for part in mixture):
        return found
    beneath = below(mixture, found, 1.0)
    with torch.no_grad():
        density = logarithmic_density(mixture, found).exp()
        floor = torch.finfo(found.dtype).tiny ** 0.5
        slope = torch.where((density > floor) & (density < math.inf), 1 / density, 0.0)
    moved = found - (beneath - beneath.detach()) * torch.where(at_dirac, 0.0, slope)
    # A quantile at a Dirac moves with it.
    there = ~is_spread(mixture.scales) & (mixture.means == found.unsqueeze(-1)) & at_dirac.unsqueeze(-1)
    shares = there / there.sum(-1, keepdim=True).clamp(min=1)
    return moved + (shares * (mixture.means - mixture.means.detach())).sum(-1)


def _solved(mixture: GaussianMixture[Tensor], t: Tensor) -> tuple[Tensor, Tensor]:
    """Give quantiles at Φ(t), and which of them are at a Dirac."""
    weights, means, scales = mixture
    side = torch.where(t <= 0, 1.0, -1.0).to(t.dtype)
    mass = torch.special.ndtr(-t.abs())
    own = means + scales * t.unsqueeze(-1)
    low, high = own.amin(-1), own.amax(-1)

    def excess(x: Tensor, strictly: bool = False) -> Tensor:
        """Give F(x) - u, or u' - S(x) above the median."""
        gap: Tensor = side * (below(mixture, x, side, strictly=strictly) - mass)
        return gap

    dirac = ~is_spread(scales)
    at_dirac = torch.zeros_like(low, dtype=torch.bool)
    found = torch.zeros_like(low)
    for k in range(means.shape[-1]):
        place = means[..., k].expand_as(low)
        enough, enough_before = excess(place) >= 0, excess(place, strictly=True) >= 0
        hit = dirac[..., k] & (weights[..., k] > 0) & enough & ~enough_before
        found, at_dirac = torch.where(hit, place, found), at_dirac | hit
        inside = (place > low) & (place < high)
        high = torch.where(inside & enough_before, place, high)
        low = torch.where(inside & ~enough, place, low)
    x = torch.where(at_dirac, found, 0.5 * (low + high)).contiguous()
    _search(mixture, x, low, high, side, mass, ~at_dirac & (low < high))
    return x, at_dirac


def _search(
    mixture: GaussianMixture[Tensor], x: Tensor, low: Tensor, high: Tensor, side: Tensor, mass: Tensor, sought: Tensor
) -> None:
    """Find where F is what it should be, inside brackets without Diracs; in place."""
    places = sought.flatten().nonzero().squeeze(-1)
    laws = [part.expand(*x.shape, -1).reshape(-1, part.shape[-1])[places] for part in mixture]
    state = [part.expand(x.shape).flatten()[places] for part in (x, low, high, side, mass)]
    for number in range(_ROUNDS):
        if not places.numel():
            return
        law = GaussianMixture(*laws)
        now, low, high, side, mass = state
        gap = side * (below(law, now, side) - mass)
        high, low = torch.where(gap >= 0, now, high), torch.where(gap < 0, now, low)
        step = now - gap * torch.exp(-logarithmic_density(law, now))
        middle = low + 0.5 * (high - low)
        resolution = 2 * torch.finfo(now.dtype).eps * torch.maximum(now.abs(), (high - low).abs())
        close = (gap == 0) | ((step - now).abs() <= resolution)
        inside = (step > low) & (step < high)
        # Every fourth round halves the bracket, whatever Newton's steps do.
        follows = torch.where(inside & (close | (number % 4 < 3)), step, torch.where(close, now, middle))
        now = torch.where(gap == 0, now, follows)
        x.view(-1)[places] = now
        open_ = ~(close | (middle == low) | (middle == high))
        places, laws = places[open_], [part[open_] for part in laws]
        state = [part[open_] for part in (now, low, high, side, mass)]
