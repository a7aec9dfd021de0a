"""Perceptrons of policies and critics as compiled loops: outputs, and gradients of the weights, block by block.

A rollout has thousands of rows. They go through a network in blocks so small that all that lies between its layers
stays in the processor's nearest memory; products of blocks are those of the library that NumPy and SciPy bring, loops
add biases and bend sums in the same pass. With layers ``z_k = h_k W_k + b_k``, ``h_{k+1} = f(z_k)``, the last one bare,
and g_k the gradient of z_k::

    ∂/∂W_k = h_kᵀ g_k,    ∂/∂b_k = sum of the rows of g_k,    g_{k-1} = (g_k W_kᵀ) f'(z_{k-1})

with ``f' = 1 - h²`` of the hyperbolic tangent, and ``h > 0`` of relu. The hyperbolic tangent is ``x P(x²) / Q(x²)``,
polynomials of degree 4 that were fitted to it from 0 to 9 with equal ripples of 2e-8; in single precision it is true to
3e-7.

Arrays
------
parameters, gradients : ndarray, shape (numbers of a network,)
    A row of :class:`marlgt.deep.optimisers.FlatParameters`.
layout : ndarray of int64, shape (layers, 4)
    Inputs, outputs, and where weight and bias begin in the row.
room : ndarray, shape (layers + 1, block widest)
    What enters each layer, and last the outputs: as many rows as there are, close to one another.
"""

from __future__ import annotations

from math import prod
from typing import Any, Final

import numpy as np

from marlgt.errors import GameError
from marlgt.kernels import kernel, lane_loop

__all__ = ["BIAS", "INPUTS", "OUTPUTS", "WEIGHT", "block_of", "forward", "pull_back"]

INPUTS, OUTPUTS, WEIGHT, BIAS = 0, 1, 2, 3
"""Columns of a layout."""

LARGEST, FEWEST, MOST = 262_144, 16, 64
"""Multiplications of a product, above which its library would share it out to other threads; rows of a block."""

BOUND: Final = 9.0
P0, P1, P2 = 9.9999990563e-1, 1.33732029e-1, 3.48658784e-3
P3, P4 = 2.04719205e-5, 1.31843347e-8
Q1, Q2 = 4.67064998e-1, 2.58420023e-2
Q3, Q4 = 3.27139476e-4, 7.70271174e-7


def block_of(layout: Any) -> int:
    """Return how many rows go through networks of these layers at once.

    Raises
    ------
    GameError
        Where so few would that whole mini-batches are faster.
    """
    n_inputs, n_outputs = max(((int(row[INPUTS]), int(row[OUTPUTS])) for row in layout), key=prod)
    block = min(MOST, LARGEST // (n_inputs * n_outputs))
    if block < FEWEST:
        raise GameError(
            f"compiled=True is for layers of at most {LARGEST // FEWEST:,} weights, got one of {n_inputs} by "
            f"{n_outputs}: leave compiled False"
        )
    return block


@lane_loop
def bend(values: Any, biases: Any, n_rows: int, width: int, bent: int) -> None:
    """Add biases to the rows, and put the hyperbolic tangent (1) or relu (2) of the sums in their place, or not (0)."""
    for r in range(n_rows):
        y = values[r]
        if bent == 1:
            for j in range(width):
                x = y[j] + biases[j]
                # Comparisons that leave what is no number as it is.
                x = -BOUND if x < -BOUND else x
                x = BOUND if x > BOUND else x
                q = x * x
                above = (((P4 * q + P3) * q + P2) * q + P1) * q + P0
                y[j] = x * above / ((((Q4 * q + Q3) * q + Q2) * q + Q1) * q + 1.0)
        elif bent == 2:
            for j in range(width):
                x = y[j] + biases[j]
                y[j] = 0.0 if x < 0.0 else x
        else:
            for j in range(width):
                y[j] += biases[j]


@lane_loop
def unbend(slopes: Any, after: Any, n: int, bent: int) -> None:
    """Multiply gradients by the slope of the activation, given what it gave."""
    if bent == 1:
        for i in range(n):
            slopes[i] *= 1.0 - after[i] * after[i]
    else:
        for i in range(n):
            slopes[i] = slopes[i] if after[i] > 0.0 else 0.0


@lane_loop
def add_up(rows: Any, sums: Any, n_rows: int, width: int) -> None:
    """Add each row to the sums."""
    for r in range(n_rows):
        row = rows[r]
        for j in range(width):
            sums[j] += row[j]


@kernel
def forward(parameters: Any, layout: Any, room: Any, n_rows: int, bent: int) -> None:
    """Fill ``room[1:]`` from the rows in ``room[0]``; the last are the outputs."""
    n_layers = layout.shape[0]
    for k in range(n_layers):
        n_inputs, n_outputs, weight, bias = layout[k, INPUTS], layout[k, OUTPUTS], layout[k, WEIGHT], layout[k, BIAS]
        entering = room[k][: n_rows * n_inputs].reshape(n_rows, n_inputs)
        leaving = room[k + 1][: n_rows * n_outputs].reshape(n_rows, n_outputs)
        np.dot(entering, parameters[weight : weight + n_inputs * n_outputs].reshape(n_inputs, n_outputs), leaving)
        bend(leaving, parameters[bias : bias + n_outputs], n_rows, n_outputs, bent if k < n_layers - 1 else 0)


@kernel
def pull_back(
    parameters: Any, gradients: Any, layout: Any, room: Any, arriving: Any, spare: Any, n_rows: int, bent: int
) -> None:
    """Add the gradients of a block to those of all weights, given that of its outputs in ``arriving[0]``.

    Parameters
    ----------
    parameters, gradients, layout, room
        See the module; ``room`` as :func:`forward` left it.
    arriving : ndarray, shape (2, block widest)
        Used up.
    spare : ndarray, shape (largest weight,)
        Room for the gradient of one.
    n_rows, bent : int
    """
    n_layers, side = layout.shape[0], 0
    for back in range(n_layers):
        k = n_layers - 1 - back
        n_inputs, n_outputs, weight, bias = layout[k, INPUTS], layout[k, OUTPUTS], layout[k, WEIGHT], layout[k, BIAS]
        size = n_inputs * n_outputs
        slopes = arriving[side][: n_rows * n_outputs].reshape(n_rows, n_outputs)
        entered = room[k][: n_rows * n_inputs].reshape(n_rows, n_inputs)
        np.dot(entered.T, slopes, spare[:size].reshape(n_inputs, n_outputs))
        add_up(spare[:size].reshape(1, size), gradients[weight : weight + size], 1, size)
        add_up(slopes, gradients[bias : bias + n_outputs], n_rows, n_outputs)
        if k:
            side = 1 - side
            before = arriving[side][: n_rows * n_inputs].reshape(n_rows, n_inputs)
            np.dot(slopes, parameters[weight : weight + size].reshape(n_inputs, n_outputs).T, before)
            unbend(arriving[side], room[k], n_rows * n_inputs, bent)
