r"""Numbers between -1 and 1: the hyperbolic tangent of a normal law.

With ``a = tanh(u)`` and u normal, the density of a is that of u less the logarithm of the slope,

    log(1 - tanh²u) = 2 (log 2 - |u| - log(1 + e^{-2|u|})),

in a form that neither overflows nor cancels. An action is kept as the number between -1 and 1 that was played, and
``u = ½ log((1 + a) / (1 - a))`` is had back from it; numbers nearer to ±1 than a 32-bit number can tell (|u| > 8.6)
count as the last one that is told apart, for the old and the new law alike, so that ratios of probabilities stay
right.

References
----------
T. Haarnoja et al. (2018), *Soft actor-critic: off-policy maximum entropy deep reinforcement learning with a stochastic
actor*, ICML, appendix C.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import cache

import numpy as np
import torch
from torch import Tensor

from marlgt.deep.policies.diagonal_gaussian import DiagonalGaussian

__all__ = ["SquashedGaussian", "log_slope", "pre_image"]

N_NODES = 16
"""Of the entropy's quadrature: its error is below 2e-5 nats a number for σ up to 1, 0.02 at σ = e, and 0.25 at e²."""

LARGEST = 1.0 - 2.0**-24
"""The last 32-bit number below 1."""


def log_slope(pre_images: Tensor) -> Tensor:
    """Return log(1 - tanh²u) for every number u."""
    magnitudes = pre_images.abs()
    return 2.0 * (math.log(2.0) - magnitudes - torch.log1p(torch.exp(-2.0 * magnitudes)))


def pre_image(actions: Tensor) -> Tensor:
    """Return the u of which tanh gives the actions, finite also for -1 and 1."""
    inside = actions.clamp(-LARGEST, LARGEST)
    # By log1p, for which a number's bits do not depend on its place in a tensor, as those of atanh do.
    return 0.5 * (torch.log1p(inside) - torch.log1p(-inside))


@cache
def _nodes(dtype: torch.dtype, device: torch.device) -> tuple[Tensor, Tensor]:
    nodes, weights = np.polynomial.hermite_e.hermegauss(N_NODES)
    return (
        torch.tensor(nodes, dtype=dtype, device=device),
        torch.tensor(weights / weights.sum(), dtype=dtype, device=device),
    )


class SquashedGaussian(DiagonalGaussian):
    """``a = tanh(u)``, ``u ~ N(μ, diag σ²)``, with the outputs μ and log σ side by side, O = 2 d.

    The entropy has no closed form: it is the normal law's, which is exact, and the mean of log(1 - tanh²u), by
    Gauss-Hermite quadrature of 16 points for each number. That is deterministic, and its gradient is that of the
    estimate. The Kullback-Leibler divergence is that of the normal laws, since tanh is one to one.

    Parameters
    ----------
    action_size : int
        d.

    Examples
    --------
    >>> law = SquashedGaussian(1)
    >>> round(law.entropy(torch.tensor([0.0, -0.1])).item(), 3)
    0.683
    """

    def log_probability(self, outputs: Tensor, actions: Tensor) -> Tensor:
        """Return the log-density, shape (...), of actions from -1 to 1, shape (..., d)."""
        inner = pre_image(actions)
        return super().log_probability(outputs, inner) - log_slope(inner).sum(-1)

    def entropy(self, outputs: Tensor) -> Tensor:
        """Return the entropy, shape (...), of which the part that tanh adds is an estimate by quadrature."""
        means, log_scales = outputs.chunk(2, dim=-1)
        nodes, weights = _nodes(outputs.dtype, outputs.device)
        points = torch.addcmul(means.unsqueeze(-1), log_scales.exp().unsqueeze(-1), nodes)
        return super().entropy(outputs) + (log_slope(points) * weights).sum((-2, -1))

    def sample(self, outputs: Tensor, generators: Sequence[torch.Generator]) -> Tensor:
        """Return actions from -1 to 1, shape (S, ..., d)."""
        return super().sample(outputs, generators).tanh_()

    def mode(self, outputs: Tensor) -> Tensor:
        """Return ``tanh μ``, shape (..., d): the median of the law, number by number."""
        return super().mode(outputs).tanh()
