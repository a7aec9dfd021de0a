"""Products of stacked matrices that give a network the same bits alone or among others.

A stack of N networks is multiplied by one ``baddbmm``. For a seed to be bit-equal alone and among others, the product
of a network may depend neither on N nor on where its rows happen to lie in memory. MKL promises the second only when
asked: its fastest kernels depend on the alignment of their arguments. ``MKL_CBWR=AUTO`` (conditional numerical
reproducibility) keeps the fastest instruction set and drops that dependence, at no measurable cost; MKL reads it once,
at its first product, so this module sets it when it is imported, unless the user chose otherwise. The first fails in
one case: PyTorch sends a single product with one output column to a matrix-vector kernel; `affine` pads it.
"""

from __future__ import annotations

import os

import torch
from torch import Tensor

__all__ = ["affine"]

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
    return torch.baddbmm(bias, inputs, weight)
