"""Returns as a categorical distribution on fixed atoms: C51.

A distribution of returns is a probability vector on the support ``z_0 < ... < z_{n-1}``, evenly spaced by Δ.
Its Bellman image has the atoms ``r + d z_j``, off the support; it is brought back by the projection

    m_i = Σ_j p_j [1 - |clip(r + d z_j, z_0, z_{n-1}) - z_i| / Δ]_+

(Bellemare, Dabney & Munos 2017, eq. 7), the closest distribution on the support in the Cramér distance
(Rowland et al. 2018, proposition 2). It conserves mass, and the mean too unless an atom is clipped.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

from marlgt.errors import GameError

__all__ = ["cross_entropy", "expected_values", "project", "return_support"]


def return_support(
    v_min: float, v_max: float, n_atoms: int, *, dtype: torch.dtype | None = None, device: torch.device | None = None
) -> Tensor:
    """Give the evenly spaced atoms from ``v_min`` to ``v_max``, shape (n_atoms,), in units of return.

    Raises
    ------
    GameError
        If there are fewer than two atoms, or the bounds are not finite and in order.

    Examples
    --------
    >>> return_support(-1.0, 1.0, 3)
    tensor([-1.,  0.,  1.])
    """
    if n_atoms < 2:
        raise GameError(f"a support needs at least two atoms, got {n_atoms}: give n_atoms >= 2")
    if not (math.isfinite(v_min) and math.isfinite(v_max) and v_min < v_max):
        raise GameError(
            f"a support needs finite bounds v_min < v_max, got {v_min} and {v_max}: "
            "give the least and the greatest discounted return that can occur"
        )
    return torch.linspace(v_min, v_max, n_atoms, dtype=dtype, device=device)


def expected_values(probabilities: Tensor, support: Tensor) -> Tensor:
    """Give the means of distributions, shape (...), from probabilities (..., n_atoms) on the support."""
    # Not a matrix product: its blocking depends on the number of rows, and a seed's bits must not.
    return (probabilities * support).sum(dim=-1)


def cross_entropy(logits: Tensor, target: Tensor) -> Tensor:
    """Give ``-Σ_i m_i log p_i`` with p the softmax of the logits.

    Parameters
    ----------
    logits, target : Tensor, shape (..., n_atoms)
        The target is a probability vector, and is usually detached.

    Returns
    -------
    Tensor, shape (...)
        Its gradient in the logits is ``p - m``.
    """
    return -(target * logits.log_softmax(dim=-1)).sum(dim=-1)


def project(probabilities: Tensor, rewards: Tensor, discounts: Tensor, support: Tensor) -> Tensor:
    """Bring the distributions of ``r + d Z`` back to the support.

    Parameters
    ----------
    probabilities : Tensor, shape (..., n_atoms)
        The distributions of Z.
    rewards, discounts : Tensor, shape (...)
        Discounts are γ^k (1 - terminated): at a terminal step the answer is the reward's own projection.
    support : Tensor, shape (n_atoms,)
        Evenly spaced.

    Returns
    -------
    Tensor, shape (..., n_atoms)

    Examples
    --------
    >>> atoms = return_support(-1.0, 1.0, 3)
    >>> project(torch.tensor([0.0, 0.5, 0.5]), torch.tensor(0.25), torch.tensor(0.5), atoms)
    tensor([0.0000, 0.5000, 0.5000])

    Notes
    -----
    On a CPU each atom's mass is added to its two neighbours, n_atoms additions a row. On a GPU such additions
    are atomic and their order, so the result's last bits, changes from run to run: there the formula above is
    evaluated as it stands, n_atoms² terms a row, whose sums have a fixed order.
    """
    shifted = rewards.unsqueeze(-1) + discounts.unsqueeze(-1) * support
    positions = _positions(shifted, support)
    if positions.is_cuda:
        return _project_by_kernel(probabilities, positions)
    return _project_by_neighbours(probabilities, positions)


def _positions(returns: Tensor, support: Tensor) -> Tensor:
    """Give the places of returns on the support, clipped, in units of its spacing from 0 to n_atoms - 1."""
    last = support.shape[0] - 1
    return ((returns - support[0]) * (last / (support[-1] - support[0]))).clamp(0, last)


def _project_by_neighbours(probabilities: Tensor, positions: Tensor) -> Tensor:
    # The last atom's left neighbour is the last but one, with all mass to the right: no case apart where a
    # position is a whole number.
    left = positions.floor().clamp(max=positions.shape[-1] - 2)
    to_right = probabilities * (positions - left)
    index = left.long()
    projected = torch.zeros_like(to_right)
    projected.scatter_add_(-1, index, probabilities - to_right)
    return projected.scatter_add_(-1, index + 1, to_right)


def _project_by_kernel(probabilities: Tensor, positions: Tensor) -> Tensor:
    atoms = torch.arange(positions.shape[-1], dtype=positions.dtype, device=positions.device)
    weights = (1 - (positions.unsqueeze(-2) - atoms.unsqueeze(-1)).abs()).clamp(min=0)
    return (weights * probabilities.unsqueeze(-2)).sum(dim=-1)
