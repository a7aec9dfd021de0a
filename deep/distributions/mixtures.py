"""Gaussian mixtures on the line: what they are, and what of them is known in closed form.

A mixture has the density ``f(x) = Σ_k w_k N(x; μ_k, σ_k²)``. A scale of 0 is allowed: that component is a Dirac at its
mean. Then, with Φ and φ the standard normal's distribution function and density and ``z_k = (x - μ_k) / σ_k``::

    F(x) = Σ w_k Φ(z_k)     mean = Σ w_k μ_k     variance = Σ w_k (σ_k² + (μ_k - mean)²)

All functions of this package take torch tensors, through which gradients flow, or numpy arrays, and give back the
same kind. Arrays of several mixtures, shape (..., K), broadcast with one another and with points x of shape (...).

References
----------
G. McLachlan and D. Peel (2000), *Finite mixture models*, Wiley, chapter 1.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any, Generic, NamedTuple, TypeVar, cast

import numpy as np
import torch
from torch import Tensor

from marlgt.errors import GameError

__all__ = [
    "GaussianMixture",
    "Particles",
    "cdf",
    "log_density",
    "mean",
    "sample",
    "survival",
    "variance",
]

A = TypeVar("A")


class GaussianMixture(NamedTuple, Generic[A]):
    """Mixtures of K normal distributions each.

    Attributes
    ----------
    weights : array, shape (..., K)
        Non-negative, of sum 1; not checked.
    means : array, shape (..., K)
    scales : array, shape (..., K)
        Standard deviations; 0 is a Dirac.
    """

    weights: A
    means: A
    scales: A

    def shifted(self, shift: Any, factor: Any) -> GaussianMixture[A]:
        """Return the law of ``shift + factor X`` for numbers or arrays of shape (...): Bellman's shift."""
        means, scales = cast(Any, self.means), cast(Any, self.scales)
        if isinstance(means, Tensor | np.ndarray):
            shift, factor = _beside(shift), _beside(factor)
        return GaussianMixture(self.weights, shift + factor * means, abs(factor) * scales)


class Particles(NamedTuple):
    """Equal mixtures of m normal distributions: what distributional critics are trained on.

    Attributes
    ----------
    locations, scales : Tensor, shape (..., m)
        Means and standard deviations; a scale of 0 is a Dirac.
    """

    locations: Tensor
    scales: Tensor

    def mixture(self) -> GaussianMixture[Tensor]:
        """Return them as a mixture with the weights 1 / m."""
        weights = torch.full_like(self.locations, 1.0 / self.locations.shape[-1])
        return GaussianMixture(weights, self.locations, self.scales)


def cdf(mixture: GaussianMixture[A], x: A | float) -> A:
    """Give P(X <= x), shape (...)."""
    (own,), (points,), back = opened((mixture,), x)
    return back(below(own, points, 1.0))


def survival(mixture: GaussianMixture[A], x: A | float) -> A:
    """Give P(X > x), shape (...), with all its digits where it is small."""
    (own,), (points,), back = opened((mixture,), x)
    return back(below(own, points, -1.0))


def log_density(mixture: GaussianMixture[A], x: A | float) -> A:
    """Give ``log f(x)``, shape (...): infinite at a Dirac, and -infinity where there are only Diracs elsewhere."""
    (own,), (points,), back = opened((mixture,), x)
    return back(logarithmic_density(own, points))


def mean(mixture: GaussianMixture[A]) -> A:
    """Give the expected values, shape (...)."""
    (own,), _, back = opened((mixture,))
    return back((own.weights * own.means).sum(-1))


def variance(mixture: GaussianMixture[A]) -> A:
    """Give the variances, shape (...)."""
    (own,), _, back = opened((mixture,))
    centre = (own.weights * own.means).sum(-1, keepdim=True)
    return back((own.weights * (own.scales.square() + (own.means - centre).square())).sum(-1))


def sample(mixture: GaussianMixture[A], n_samples: int, generator: torch.Generator | np.random.Generator) -> A:
    """Draw independent values, each of a component drawn first.

    Parameters
    ----------
    mixture : GaussianMixture, arrays of shape (..., K)
    n_samples : int
    generator : torch.Generator or numpy.random.Generator
        Either serves either kind of arrays.

    Returns
    -------
    array, shape (..., n_samples)
        Without gradient.
    """
    if n_samples < 1:
        raise GameError(f"a sample has at least one value, got n_samples = {n_samples}: give n_samples >= 1")
    (own,), _, back = opened((mixture,))
    own = GaussianMixture(*(part.detach() for part in cast(Any, torch).broadcast_tensors(*own)))
    shape = (*own.means.shape[:-1], n_samples)
    if isinstance(generator, torch.Generator):
        kind = {"generator": generator, "device": generator.device, "dtype": own.means.dtype}
        uniform, normal = torch.rand(shape, **cast(Any, kind)), torch.randn(shape, **cast(Any, kind))
    else:
        uniform, normal = (torch.from_numpy(draw(shape)) for draw in (generator.random, generator.standard_normal))
    uniform, normal = uniform.to(own.means), normal.to(own.means)
    chosen = component_at(own.weights, uniform)
    return back(own.means.gather(-1, chosen) + own.scales.gather(-1, chosen) * normal)


def component_at(weights: Tensor, positions: Tensor) -> Tensor:
    """Give the component, shape (..., m), in which positions from 0 to 1 along the cumulative weights fall."""
    cumulative = weights.cumsum(-1)
    # Rounding may leave the sum of weights below a position, and the last components without weight.
    last = (weights > 0).to(torch.uint8).mul(torch.arange(weights.shape[-1], device=weights.device)).amax(-1, True)
    found = torch.searchsorted(cumulative.contiguous(), (positions * cumulative[..., -1:]).contiguous(), right=True)
    return torch.minimum(found, last)


def opened(
    mixtures: Sequence[GaussianMixture[A]], *others: Any
) -> tuple[list[GaussianMixture[Tensor]], list[Tensor], Callable[[Tensor], A]]:
    """Turn arrays into tensors of one kind, and give what turns a tensor back into the callers' kind of array."""
    given = [part for mixture in mixtures for part in mixture]
    model = next((part for part in (*given, *others) if isinstance(part, Tensor)), None)
    if model is None:
        arrays = [np.asarray(part) for part in given]
        kind = np.result_type(*arrays)
        model = torch.from_numpy(np.zeros(0, kind if kind in (np.float32, np.float64) else np.float64))
        back = cast(Callable[[Tensor], A], _as_numpy)
    else:
        back = cast(Callable[[Tensor], A], _as_it_is)
    tensors = [torch.as_tensor(part, dtype=model.dtype, device=model.device) for part in given]
    for k in range(0, len(tensors), 3):
        _require_components(*tensors[k : k + 3])
    own = [GaussianMixture(*tensors[k : k + 3]) for k in range(0, len(tensors), 3)]
    return own, [torch.as_tensor(part, dtype=model.dtype, device=model.device) for part in others], back


def below(mixture: GaussianMixture[Tensor], x: Tensor, side: Any, *, strictly: bool = False) -> Tensor:
    """Give P(X <= x) for the side 1 and P(X > x) for -1, with all digits of either.

    With ``strictly`` a Dirac at x is left out below, and counted above.
    """
    weights, means, scales = mixture
    side = side.unsqueeze(-1) if isinstance(side, Tensor) else side
    standing = x.unsqueeze(-1)
    spread = is_spread(scales)
    z = (standing - means) / torch.where(spread, scales, 1.0)
    over = standing > means if strictly else standing >= means
    steps = torch.where(over, 0.5 + 0.5 * side, 0.5 - 0.5 * side).to(means.dtype)
    return (weights * torch.where(spread, torch.special.ndtr(side * z), steps)).sum(-1)


def logarithmic_density(mixture: GaussianMixture[Tensor], x: Tensor) -> Tensor:
    """Give log f(x) of tensors."""
    weights, means, scales = mixture
    standing = x.unsqueeze(-1)
    spread = is_spread(scales)
    width = torch.where(spread, scales, 1.0)
    logs = -0.5 * ((standing - means) / width).square() - width.log() - 0.5 * math.log(2 * math.pi)
    infinite = torch.where(standing == means, math.inf, -math.inf).to(logs.dtype)
    used = weights > 0
    # -infinity - (-infinity) is what logsumexp's gradient would meet: components without weight take a finite number.
    least = torch.finfo(logs.dtype).min / 4
    terms = torch.where(
        spread, logs.clamp(min=least) + torch.where(used, weights, 1.0).log(), infinite.clamp(min=least)
    )
    total = torch.logsumexp(torch.where(used, terms, least), -1)
    return torch.where(total <= least / 2, -math.inf, total)


def is_spread(scales: Tensor) -> Tensor:
    """Tell which scales are not zero: smaller ones than this would overflow when divided by, squared."""
    least: float = torch.finfo(scales.dtype).tiny ** (1 / 3)
    return scales > least


def _require_components(weights: Tensor, means: Tensor, scales: Tensor) -> None:
    shapes = [tuple(part.shape) for part in (weights, means, scales)]
    if not all(shapes) or len({shape[-1] for shape in shapes}) != 1 or shapes[0][-1] == 0:
        raise GameError(
            f"weights, means and scales must have shape (..., K), one of each for every component, got "
            f"{shapes[0]}, {shapes[1]} and {shapes[2]}: give arrays with the same last axis"
        )


def _beside(value: Any) -> Any:
    return value[..., None] if isinstance(value, Tensor | np.ndarray) and value.ndim else value


def _as_numpy(tensor: Tensor) -> Any:
    return tensor.numpy()


def _as_it_is(tensor: Tensor) -> Tensor:
    return tensor
