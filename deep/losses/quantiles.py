"""Returns by their quantiles: quantile regression (QR-DQN) and implicit quantile networks (IQN).

With ``u_ij = y_j - θ_i`` the errors between samples y of a target and estimates θ of its quantiles at the
fractions τ, the loss

    Σ_i mean_j |τ_i - 1{u_ij < 0}| L_κ(u_ij) / κ

(Dabney et al. 2018a, eq. 10; 2018b, eq. 3), L_κ Huber's loss, has for κ -> 0 its minimum where θ_i is the
τ_i-quantile of y. At the midpoints ``(2 i + 1) / 2 N`` these are the N atoms closest to y in W₁.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor

from marlgt.deep.networks.initialising import seed_rows
from marlgt.errors import GameError

__all__ = ["cosine_features", "midpoints", "quantile_huber_loss", "require_kappa", "sample_fractions"]

# On a CPU a few temporaries of this size stay in its cache and in the allocator's hands: larger ones are returned to
# the system and fetched anew, page by page, at each call (256 rows of 51 x 51 pairs: 11 ms at once, 4 in pieces).
_PAIRS_AT_ONCE = 2**16


def midpoints(n_quantiles: int, *, dtype: torch.dtype | None = None, device: torch.device | None = None) -> Tensor:
    """Give the fractions ``(2 i + 1) / (2 n_quantiles)``, shape (n_quantiles,).

    Examples
    --------
    >>> midpoints(2)
    tensor([0.2500, 0.7500])
    """
    if n_quantiles < 1:
        raise GameError(f"a distribution has at least one quantile, got {n_quantiles}: give n_quantiles >= 1")
    return (torch.arange(n_quantiles, dtype=dtype or torch.get_default_dtype(), device=device) + 0.5) / n_quantiles


def sample_fractions(
    generators: Sequence[torch.Generator], n_networks: int, shape: Sequence[int], *, device: torch.device | None = None
) -> Tensor:
    """Draw fractions uniformly from [0, 1), each seed's from its own generator.

    Parameters
    ----------
    generators : sequence of torch.Generator
        One a seed; their number S divides ``n_networks``.
    n_networks : int
        S·K; rows s·K to (s + 1)·K belong to seed s.
    shape : sequence of int

    Returns
    -------
    Tensor, shape (n_networks, *shape)
    """
    fractions = torch.empty((n_networks, *shape), device=device)
    for rows, generator in seed_rows(fractions, generators):
        rows.copy_(torch.rand(rows.shape, generator=generator, device=generator.device))
    return fractions


def cosine_features(fractions: Tensor, n_cosines: int = 64, *, first: int = 0) -> Tensor:
    """Give ``cos(π i τ)`` for i = first, ..., first + n_cosines - 1.

    Parameters
    ----------
    fractions : Tensor, shape (...)
    n_cosines : int
    first : int
        0 in the paper, so that the first feature is the constant 1; 1 in GMAC's published code.

    Returns
    -------
    Tensor, shape (..., n_cosines)

    References
    ----------
    Dabney et al. (2018b), Implicit quantile networks, eq. 4.
    """
    frequencies = math.pi * torch.arange(first, first + n_cosines, dtype=fractions.dtype, device=fractions.device)
    return torch.cos(fractions.unsqueeze(-1) * frequencies)


def quantile_huber_loss(quantiles: Tensor, targets: Tensor, fractions: Tensor, kappa: float = 1.0) -> Tensor:
    """Give the loss of estimated quantiles against samples, summed over the former, averaged over the latter.

    It is the loss of QR-DQN with fixed fractions, and that of IQN with fractions drawn anew for every row.

    Parameters
    ----------
    quantiles : Tensor, shape (..., n_quantiles)
    targets : Tensor, shape (..., n_targets)
        Equally likely samples, or quantiles at evenly spread fractions, of ``r + d Z``; taken as constants.
    fractions : Tensor, shape (n_quantiles,) or (..., n_quantiles)
    kappa : float
        Where Huber's parabola ends, in units of return; 0 leaves the pinball loss ``|τ - 1{u < 0}| |u|``.

    Returns
    -------
    Tensor, shape (...)
        With a gradient, once differentiable, in the quantiles alone.
    """
    require_kappa(kappa)
    n_quantiles, n_targets = quantiles.shape[-1], targets.shape[-1]
    theta, y = quantiles.detach().reshape(-1, n_quantiles), targets.detach().reshape(-1, n_targets)
    tau = fractions.expand_as(quantiles).reshape(theta.shape)
    n_rows = theta.shape[0]
    step = max(1, n_rows if theta.is_cuda else _PAIRS_AT_ONCE // (n_quantiles * n_targets))
    pieces = [slice(first, first + step) for first in range(0, max(1, n_rows), step)]
    found = [_losses_and_slopes(theta[rows], y[rows], tau[rows], kappa) for rows in pieces]
    losses, slopes = (torch.cat(parts) for parts in zip(*found))
    # Recording the double sum would keep and walk back through n_quantiles x n_targets numbers a row some ten times;
    # its gradient is known. What is added is 0, and has it.
    unmoved = (slopes.view(quantiles.shape) * (quantiles - quantiles.detach())).sum(dim=-1)
    return losses.view(unmoved.shape) + unmoved


def _losses_and_slopes(quantiles: Tensor, targets: Tensor, fractions: Tensor, kappa: float) -> tuple[Tensor, Tensor]:
    """Give losses (rows,) and their gradient in the quantiles (rows, n_quantiles)."""
    errors = targets.unsqueeze(-2) - quantiles.unsqueeze(-1)
    # With c = clip(u / κ, -1, 1): L_κ(u) / κ = c (u - κ c / 2), and its slope in u is c.
    slopes = (errors / kappa).clamp_(-1, 1) if kappa > 0 else errors.sign()
    fractions = fractions.unsqueeze(-1)
    # |τ - 1{c < 0}| c, without comparing: τ c for the positive part, (1 - τ) c for the negative one.
    sided = (fractions * slopes).addcmul_(1 - 2 * fractions, slopes.clamp(max=0))
    losses = errors.sub_(slopes, alpha=0.5 * kappa).mul_(sided).mean(dim=-1).sum(dim=-1)
    return losses, -sided.mean(dim=-1)


def require_kappa(kappa: float) -> None:
    """Refuse a number where no parabola can end.

    Raises
    ------
    GameError
        If it is negative or not finite.
    """
    if not 0 <= kappa < math.inf:
        raise GameError(f"kappa is where a parabola ends, got {kappa}: give a number >= 0, 0 for the pinball loss")
