"""The last layer of an actor: logits, or means with free standard deviations beside them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn

from marlgt.deep.networks.layers import Linear
from marlgt.deep.policies.law import Law
from marlgt.errors import GameError

__all__ = ["LOG_SCALES", "PolicyHead"]

LOG_SCALES = (-5.0, 2.0)
"""Between which log σ is kept."""


class _Bounded(torch.autograd.Function):
    """Numbers brought within bounds; a gradient that would lead further out ends there, one that leads back passes."""

    @staticmethod
    def forward(ctx: Any, numbers: Tensor, least: float, most: float) -> Tensor:
        ctx.bounds = least, most
        ctx.save_for_backward(numbers)
        return numbers.clamp(least, most)

    @staticmethod
    def backward(ctx: Any, gradients: Tensor) -> tuple[Tensor, None, None]:
        (numbers,) = ctx.saved_tensors
        least, most = ctx.bounds
        return _inward(numbers, gradients, least, most), None, None


def _inward(numbers: Tensor, gradients: Tensor, least: float, most: float) -> Tensor:
    outward = ((numbers < least) & (gradients > 0)) | ((numbers > most) & (gradients < 0))
    return gradients.masked_fill(outward, 0.0)


class PolicyHead(nn.Module):
    """A stacked affine map whose first weights are small, so that all actions are nearly equally likely at first.

    For laws with standard deviations they are parameters of their own, the same in all observations (Schulman et al.
    2015), one for each network and number; they stand behind the means in the outputs, and are kept within
    :data:`LOG_SCALES`.

    Parameters
    ----------
    n_networks, n_features : int
        N and F.
    law : Law
    gain : float
        Of the orthogonal first weights.
    log_scale : float
        log σ at first.

    References
    ----------
    J. Schulman et al. (2015), *Trust region policy optimization*, ICML, appendix D: free standard deviations.
    M. Andrychowicz et al. (2021), *What matters for on-policy deep actor-critic methods?*, ICLR, section 3.2: a last
    layer of a hundredth of the usual size.
    """

    def __init__(
        self, n_networks: int, n_features: int, law: Law, gain: float = 0.01, *, log_scale: float = 0.0
    ) -> None:
        super().__init__()
        least, most = LOG_SCALES
        if not least <= log_scale <= most:
            raise GameError(f"log_scale is log σ at first, from {least} to {most}, got {log_scale}: choose it in there")
        if not gain > 0:
            raise GameError(f"gain must be a number above 0, got {gain}: 0.01 makes all actions nearly equally likely")
        self.log_scale = log_scale
        self.linear = Linear(n_networks, n_features, law.n_outputs - law.n_scales, orthogonal=gain)
        self.log_scales = nn.Parameter(torch.zeros(n_networks, 1, law.n_scales)) if law.n_scales else None

    def draw(self, generators: Sequence[torch.Generator]) -> None:
        """Set log σ to its first value; the affine map draws its own weights."""
        if self.log_scales is not None:
            self.log_scales.detach().fill_(self.log_scale)

    def forward(self, features: Tensor) -> Tensor:
        """Map features, shape (N, rows, F), to outputs, shape (N, rows, O)."""
        outputs = self.linear.forward(features)
        if self.log_scales is None:
            return outputs
        return torch.cat((outputs, self.bounded_log_scales().expand(-1, outputs.shape[1], -1)), dim=-1)

    def bounded_log_scales(self) -> Tensor:
        """Return log σ, shape (N, 1, d), within its bounds."""
        bounded: Tensor = _Bounded.apply(self.log_scales, *LOG_SCALES)  # type: ignore[no-untyped-call]
        return bounded

    def pull_back_log_scales(self, gradients: Tensor) -> None:
        """Add to the gradient of log σ what arrives, shape (N, 1, d), but for what would lead out of its bounds."""
        if self.log_scales is not None and self.log_scales.grad is not None:
            self.log_scales.grad.add_(_inward(self.log_scales.detach(), gradients, *LOG_SCALES))
