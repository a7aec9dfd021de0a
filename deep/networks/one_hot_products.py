"""Affine maps of one-hot vectors, by adding up the rows of the weights that they pick.

Of J whole numbers that enter a network as one-hot vectors of C columns each, the product with weights of J C rows is
the sum of J of them::

    x W + b = b + Σ_j W[C j + x_j],     ∂/∂W[r] = sum of the gradients g of all inputs that picked row r

which takes C times fewer multiplications, and needs no vectors. Each network is a call of its own, and each sum has an
order of its own, by rows and numbers: the bits of a seed do not depend on the others.

Compiled for processors, apart from `marlgt.kernels`, which play games; other devices have products that are quick.
"""

from __future__ import annotations

import functools
from typing import Any

import numpy as np
import torch
from torch import Tensor

__all__ = ["add_picked_gradient", "picked_rows", "picked_sums"]


@functools.cache
def _compiled() -> Any:
    import numba

    def outer(function: Any) -> Any:
        return numba.njit(cache=True, error_model="numpy", nogil=True)(function)

    @outer
    def picks(numbers: Any, least: Any, n_columns: int, n_agents: int, rows: Any) -> None:
        n_told = numbers.shape[1]
        for i in range(len(numbers)):
            for j in range(n_told):
                column = numbers[i, j] - least
                # What is no number fails the first comparison.
                if column >= 0 and column < n_columns and column == int(column):
                    rows[i, j] = n_columns * j + int(column)
                else:
                    rows[i, j] = -1
            if rows.shape[1] > n_told:
                rows[i, n_told] = n_columns * n_told + i % n_agents

    @numba.njit(inline="always")
    def add(total: Any, weight: Any, row: Any) -> None:
        if row >= 0:
            # Numbers without a sign need no care for places that are counted from the end.
            place = np.uint32(row)
            for h in range(len(total)):
                total[h] += weight[place, h]

    @outer
    def sums(rows: Any, weight: Any, bias: Any, totals: Any) -> None:
        n_picks, width = rows.shape[1], weight.shape[1]
        for i in range(len(rows)):
            total = totals[i]
            for h in range(width):
                total[h] = bias[h]
            for first in range(0, n_picks - 3, 4):
                least = min(min(rows[i, first], rows[i, first + 1]), min(rows[i, first + 2], rows[i, first + 3]))
                if least >= 0:
                    a, b = np.uint32(rows[i, first]), np.uint32(rows[i, first + 1])
                    c, d = np.uint32(rows[i, first + 2]), np.uint32(rows[i, first + 3])
                    for h in range(width):
                        total[h] += (weight[a, h] + weight[b, h]) + (weight[c, h] + weight[d, h])
                else:
                    for j in range(first, first + 4):
                        add(total, weight, rows[i, j])
            for j in range(n_picks - n_picks % 4, n_picks):
                add(total, weight, rows[i, j])

    @outer
    def gradients(rows: Any, arriving: Any, totals: Any) -> None:
        width = arriving.shape[1]
        for i in range(len(rows)):
            for j in range(rows.shape[1]):
                if rows[i, j] >= 0:
                    place = np.uint32(rows[i, j])
                    for h in range(width):
                        totals[place, h] += arriving[i, h]

    return picks, sums, gradients


def picked_rows(observations: Tensor, numbers: Tensor, *, told: bool) -> Tensor:
    """Return which rows of the weights observations pick, -1 for a number that has no column.

    Parameters
    ----------
    observations : Tensor, shape (S, R, n, D)
    numbers : Tensor, shape (C,)
        Consecutive whole numbers that have columns.
    told : bool
        Whether who an agent is enters the networks behind her observation, one-hot too.

    Returns
    -------
    Tensor of int32, shape (S, R, n, D), or (S, R, n, D + 1)
    """
    *sizes, width = observations.shape
    rows = torch.empty((*sizes, width + told), dtype=torch.int32)
    flat = rows.view(-1, width + told).numpy()
    seen = observations.contiguous().view(-1, width).numpy()
    _compiled()[0](seen, numbers[0].item(), len(numbers), sizes[-1], flat)
    return rows


@torch.no_grad()
def picked_sums(rows: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
    """Return the affine maps of what picked rows stand for, shape (N, R, out).

    Parameters
    ----------
    rows : Tensor of int32, shape (N, R, J)
        Of `picked_rows`, by network.
    weight : Tensor, shape (N, in, out)
    bias : Tensor, shape (N, 1, out)
    """
    totals = torch.empty((*rows.shape[:2], weight.shape[2]))
    picked = rows.contiguous()
    for network, total in enumerate(totals):
        _compiled()[1](
            picked[network].numpy(),
            weight[network].numpy(),
            bias[network, 0].numpy(),
            total.numpy(),
        )
    return totals


@torch.no_grad()
def add_picked_gradient(total: Tensor, rows: Tensor, gradient: Tensor) -> None:
    """Add to the gradients of weights, shape (N, in, out), those of maps whose outputs have the given gradient.

    Parameters
    ----------
    total : Tensor, shape (N, in, out)
    rows : Tensor of int32, shape (N, R, J)
    gradient : Tensor, shape (N, R, out)
    """
    picked, arriving = rows.contiguous(), gradient.contiguous()
    for network, own in enumerate(total):
        _compiled()[2](picked[network].numpy(), arriving[network].numpy(), own.numpy())
