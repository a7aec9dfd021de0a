"""Affine maps of stacked networks that give a network the same bits alone or among others.

N networks are multiplied by one ``baddbmm``. For a seed to be bit-equal alone and among others, the product of a
network may depend neither on N nor on where its rows happen to lie in memory. MKL promises the second only when asked:
its fastest kernels depend on the alignment of their arguments. ``MKL_CBWR=AUTO`` (conditional numerical
reproducibility) keeps the fastest instruction set and drops that dependence, at no cost that we could measure. MKL
reads it once, at its first product, so this module sets it when it is imported, unless the user chose otherwise: a
program that multiplied matrices before that keeps its bits from run to run, but not from a seed alone to many.

The number N mattered in two cases, where PyTorch sends a lone product to a matrix-vector kernel: a result, or a
gradient, of a single column. Those are sums of elementwise products here, for every N.
"""

from __future__ import annotations

import os

import torch
from torch import Tensor

__all__ = ["affine", "times_transposed"]

os.environ.setdefault("MKL_CBWR", "AUTO")


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
