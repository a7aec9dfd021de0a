"""Affine maps of stacked networks that give a network the same bits alone or among others.

N networks are multiplied by one ``baddbmm``. For a seed to be bit-equal alone and among others, the product of a
network may depend neither on N nor on where its rows happen to lie in memory. MKL promises the second only when asked:
its fastest kernels depend on the alignment of their arguments. ``MKL_CBWR=AUTO`` (conditional numerical
reproducibility) keeps the fastest instruction set and drops that dependence, at no cost that we could measure. MKL
reads it once, at its first product, so this module sets it when it is imported, unless the user chose otherwise: a
program that multiplied matrices before that keeps its bits from run to run, but not from a seed alone to many.

The number N mattered in two cases, where PyTorch sends a lone product to a matrix-vector kernel: a result, or a
gradient, of a single column. Those are sums of elementwise products here, for every N.

PyTorch's σ and ELU treat what is left of a tensor after blocks of 16 numbers by another formula than the blocks, so
that a number's bits depend on its place. `sigmoid_` and `elu` take a formula without that fault where a network's
share is no multiple of 16.
"""

from __future__ import annotations

import os

import torch
from torch import Tensor

__all__ = ["affine", "elu", "sigmoid_", "times_transposed"]

os.environ.setdefault("MKL_CBWR", "AUTO")

_LANES = 16


def affine(inputs: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
    """Give ``inputs @ weight + bias``, network by network.

    Parameters
    ----------
    inputs : Tensor, shape (N, rows, in)
    weight : Tensor, shape (N, in, out)
    bias : Tensor, shape (N, 1, out)

    Returns
    -------
    Tensor, shape (N, rows, out)
    """
    if weight.shape[2] == 1:
        return (inputs * weight.mT).sum(-1, keepdim=True) + bias
    if weight.shape[1] == 1:
        return torch.addcmul(bias, inputs, weight)
    return torch.baddbmm(bias, inputs, weight)


def times_transposed(gradient: Tensor, weight: Tensor) -> Tensor:
    """Give ``gradient @ weightᵀ``, shape (N, rows, in): the gradient of an affine map's inputs.

    Parameters
    ----------
    gradient : Tensor, shape (N, rows, out)
        Of the outputs.
    weight : Tensor, shape (N, in, out)
    """
    if weight.shape[1] == 1:
        return (gradient * weight).sum(-1, keepdim=True)
    return torch.bmm(gradient, weight.mT)


def sigmoid_(values: Tensor) -> Tensor:
    """Replace each number x by σ(x) in a tensor of shape (N, rows, features); not meant for autograd."""
    if values[0].numel() % _LANES == 0:
        return values.sigmoid_()
    # σ(x) = (1 + tanh(x / 2)) / 2
    return values.mul_(0.5).tanh_().add_(1.0).mul_(0.5)


def elu(values: Tensor) -> Tensor:
    """Give max(x, 0) + min(e^x - 1, 0) for each number of a tensor of shape (N, rows, features)."""
    if values[0].numel() % _LANES == 0:
        return torch.nn.functional.elu(values)
    return torch.where(values > 0, values, torch.expm1(values.clamp(max=0.0)))
