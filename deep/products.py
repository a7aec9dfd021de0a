"""Products of stacked matrices that give a network the same bits alone or among others.

A stack of N networks is multiplied by one ``baddbmm``. For a seed to be bit-equal alone and among others, the product
of a network may depend neither on N nor on where its rows happen to lie in memory. MKL promises the second only when
asked: its fastest kernels depend on the alignment of their arguments. ``MKL_CBWR=AUTO`` (conditional numerical
reproducibility) keeps the fastest instruction set and drops that dependence, at no measurable cost; MKL reads it once,
at its first product, so this module sets it when it is imported, unless the user chose otherwise. The first fails in
one case: PyTorch sends a single product with one column to a matrix-vector kernel. Such a product runs as a pair.

MKL is slow on results with a handful of columns, such as the values of a few actions, and several times faster on
their transposes: `affine_product` and `weight_gradient` then ask for those.
"""

from __future__ import annotations

import os

import torch
from torch import Tensor

__all__ = ["affine_product", "input_gradient", "weight_gradient"]

os.environ.setdefault("MKL_CBWR", "AUTO")

_NARROW = 8
_LONG = 48


def _pair(stacked: Tensor) -> Tensor:
    return stacked.expand(2, -1, -1)


def affine_product(inputs: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
    """Give ``inputs @ weight + bias``, network by network; not meant for autograd.

    Parameters
    ----------
    inputs : Tensor, shape (N, rows, in)
    weight : Tensor, shape (N, in, out)
    bias : Tensor, shape (N, 1, out)

    Returns
    -------
    Tensor, shape (N, rows, out)
    """
    n_networks, rows, n_outputs = inputs.shape[0], inputs.shape[1], weight.shape[2]
    alone = n_networks == 1 and n_outputs == 1
    if alone:
        inputs, weight, bias = _pair(inputs), _pair(weight), _pair(bias)
    if n_outputs <= _NARROW and rows >= _LONG:
        product = torch.baddbmm(bias.mT, weight.mT, inputs.mT).mT.contiguous()
    else:
        product = torch.baddbmm(bias, inputs, weight)
    return product[:1] if alone else product


def weight_gradient(inputs: Tensor, gradient: Tensor) -> Tensor:
    """Give ``inputsᵀ @ gradient``, shape (N, in, out): the gradient of an affine map's weight.

    Parameters
    ----------
    inputs : Tensor, shape (N, rows, in)
    gradient : Tensor, shape (N, rows, out)
        Of the outputs.
    """
    if gradient.shape[2] > _NARROW:
        return torch.bmm(inputs.mT, gradient)
    if gradient.shape[0] == 1 and inputs.shape[2] == 1:
        return torch.bmm(_pair(gradient).mT, _pair(inputs))[:1].mT
    return torch.bmm(gradient.mT, inputs).mT


def input_gradient(gradient: Tensor, weight: Tensor) -> Tensor:
    """Give ``gradient @ weightᵀ``, shape (N, rows, in): the gradient of an affine map's inputs.

    Parameters
    ----------
    gradient : Tensor, shape (N, rows, out)
        Of the outputs.
    weight : Tensor, shape (N, in, out)
    """
    if gradient.shape[0] == 1 and weight.shape[1] == 1:
        return torch.bmm(_pair(gradient), _pair(weight).mT)[:1]
    return torch.bmm(gradient, weight.mT)
