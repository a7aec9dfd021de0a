"""Perceptrons as compiled loops: values, and gradients of the weights, of one network at a time.

A network of a few thousand weights multiplies in some ten microseconds what takes PyTorch a hundred calls of five to
fifteen each. Here its layers are loops over plain arrays whose innermost one runs along the outputs, which lie side by
side, so that a processor takes several at once. Sums over inputs and over rows go four at a time, always in the same
order: a network has the same bits wherever it lies and whatever is computed beside it.

With layers ``z_k = h_k W_k + b_k``, ``h_{k+1} = relu(n_k(z_k))``, the last one bare, and g_k the gradient of z_k::

    ∂/∂W_k = h_kᵀ g_k,    ∂/∂b_k = sum of the rows of g_k,    g_{k-1} = (n_{k-1})'ᵀ((g_k W_kᵀ) where h_k > 0)

where ``n(z) = s ẑ + t`` with ``ẑ = (z - mean z) / √(var z + 1e-5)`` is layer normalisation, or nothing. Its gradient is
``n'ᵀ(g) = (s g - mean(s g) - ẑ mean(s g ẑ)) / √(var z + 1e-5)`` (Ba, Kiros and Hinton 2016).

Arrays
------
parameters, gradients : ndarray, shape (numbers of a network,)
    A row of :class:`marlgt.deep.optimisers.FlatParameters`.
layout : ndarray of int64, shape (layers, 6)
    Inputs, outputs, and where weight, bias, scale and shift begin in the row; -1 without normalisation.
layers : ndarray, shape (layers + 1, rows, widest)
    What enters each layer, and last the values.
normal, spreads : ndarray, shapes (layers, rows, widest) and (layers, rows)
    ẑ, and 1 / √(var z + 1e-5).
room : tuple of ndarrays
    ``layers, normal, spreads``, and a row of ones, shape (widest,).
"""

from __future__ import annotations

from math import sqrt
from typing import Any, Final

from marlgt.kernels import lane_loop

__all__ = ["BIAS", "INPUTS", "OUTPUTS", "SCALE", "SHIFT", "WEIGHT", "forward", "pull_back", "sum_of_products"]

INPUTS, OUTPUTS, WEIGHT, BIAS, SCALE, SHIFT = 0, 1, 2, 3, 4, 5
"""Columns of a layout."""

NARROW: Final = 8
"""Fewer outputs than this are too few to run along."""
SMALL: Final = 1e-5


@lane_loop
def affine(inputs: Any, weights: Any, biases: Any, outputs: Any, n_rows: int, n_inputs: int, n_outputs: int) -> None:
    """Set each row of outputs to ``x W + b``, running along the outputs."""
    blocks = n_inputs - n_inputs % 4
    for r in range(n_rows):
        x, y = inputs[r], outputs[r]
        for j in range(n_outputs):
            y[j] = biases[j]
        for i in range(0, blocks, 4):
            a, b, c, d = x[i], x[i + 1], x[i + 2], x[i + 3]
            one = weights[i * n_outputs : (i + 1) * n_outputs]
            two = weights[(i + 1) * n_outputs : (i + 2) * n_outputs]
            three = weights[(i + 2) * n_outputs : (i + 3) * n_outputs]
            four = weights[(i + 3) * n_outputs : (i + 4) * n_outputs]
            for j in range(n_outputs):
                y[j] += a * one[j] + b * two[j] + c * three[j] + d * four[j]
        for i in range(blocks, n_inputs):
            a = x[i]
            if a != 0.0:
                one = weights[i * n_outputs : (i + 1) * n_outputs]
                for j in range(n_outputs):
                    y[j] += a * one[j]


@lane_loop
def narrow_affine(
    inputs: Any, weights: Any, biases: Any, outputs: Any, n_rows: int, n_inputs: int, n_outputs: int
) -> None:
    """Set each row of outputs to ``x W + b``, output by output."""
    blocks = n_inputs - n_inputs % 4
    for r in range(n_rows):
        x, y = inputs[r], outputs[r]
        for j in range(n_outputs):
            a, b, c, d = biases[j], 0.0, 0.0, 0.0
            for i in range(0, blocks, 4):
                a += x[i] * weights[i * n_outputs + j]
                b += x[i + 1] * weights[(i + 1) * n_outputs + j]
                c += x[i + 2] * weights[(i + 2) * n_outputs + j]
                d += x[i + 3] * weights[(i + 3) * n_outputs + j]
            for i in range(blocks, n_inputs):
                a += x[i] * weights[i * n_outputs + j]
            y[j] = (a + b) + (c + d)


@lane_loop
def weight_gradient(inputs: Any, arriving: Any, gradient: Any, n_rows: int, n_inputs: int, n_outputs: int) -> None:
    """Set a gradient to ``xᵀ g``, summed over rows."""
    for i in range(n_inputs * n_outputs):
        gradient[i] = 0.0
    if n_outputs < NARROW:
        for r in range(n_rows):
            x = inputs[r]
            for j in range(n_outputs):
                a = arriving[r, j]
                if a != 0.0:
                    for i in range(n_inputs):
                        gradient[i * n_outputs + j] += a * x[i]
        return
    blocks = n_rows - n_rows % 4
    for r in range(0, blocks, 4):
        one, two, three, four = arriving[r], arriving[r + 1], arriving[r + 2], arriving[r + 3]
        for i in range(n_inputs):
            a, b, c, d = inputs[r, i], inputs[r + 1, i], inputs[r + 2, i], inputs[r + 3, i]
            y = gradient[i * n_outputs : (i + 1) * n_outputs]
            for j in range(n_outputs):
                y[j] += a * one[j] + b * two[j] + c * three[j] + d * four[j]
    for r in range(blocks, n_rows):
        one = arriving[r]
        for i in range(n_inputs):
            a = inputs[r, i]
            y = gradient[i * n_outputs : (i + 1) * n_outputs]
            for j in range(n_outputs):
                y[j] += a * one[j]


@lane_loop
def sum_of_products(x: Any, y: Any, n: int) -> Any:
    """Return the sum of ``x y``, in eight sums that run side by side."""
    s0, s1, s2, s3, s4, s5, s6, s7 = 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0
    blocks = n - n % 8
    for i in range(0, blocks, 8):
        s0 += x[i] * y[i]
        s1 += x[i + 1] * y[i + 1]
        s2 += x[i + 2] * y[i + 2]
        s3 += x[i + 3] * y[i + 3]
        s4 += x[i + 4] * y[i + 4]
        s5 += x[i + 5] * y[i + 5]
        s6 += x[i + 6] * y[i + 6]
        s7 += x[i + 7] * y[i + 7]
    total = ((s0 + s4) + (s2 + s6)) + ((s1 + s5) + (s3 + s7))
    for i in range(blocks, n):
        total += x[i] * y[i]
    return total


@lane_loop
def normalise(
    values: Any, scale: Any, shift: Any, normal: Any, spreads: Any, ones: Any, n_rows: int, width: int
) -> None:
    """Replace each row by its layer normalisation, and keep what the way back needs."""
    # By a float32: divided by a whole number it would be a float64.
    share = 1.0 / sum_of_products(ones, ones, width)
    for r in range(n_rows):
        y, n = values[r], normal[r]
        mean = sum_of_products(y, ones, width) * share
        for j in range(width):
            n[j] = y[j] - mean
        spread = 1.0 / sqrt(sum_of_products(n, n, width) * share + SMALL)
        spreads[r] = spread
        for j in range(width):
            n[j] *= spread
            y[j] = shift[j] + n[j] * scale[j]


@lane_loop
def pull_back_normal(
    arriving: Any,
    normal: Any,
    spreads: Any,
    scale: Any,
    scale_gradient: Any,
    shift_gradient: Any,
    ones: Any,
    n_rows: int,
    width: int,
) -> None:
    """Replace the gradient of a layer normalisation's results by that of its inputs, and set those of its weights."""
    share = 1.0 / sum_of_products(ones, ones, width)
    for j in range(width):
        scale_gradient[j] = 0.0
        shift_gradient[j] = 0.0
    for r in range(n_rows):
        g, n, spread = arriving[r], normal[r], spreads[r]
        for j in range(width):
            scale_gradient[j] += g[j] * n[j]
            shift_gradient[j] += g[j]
            g[j] *= scale[j]
        level = sum_of_products(g, ones, width) * share
        slope = sum_of_products(g, n, width) * share
        for j in range(width):
            g[j] = (g[j] - level - n[j] * slope) * spread


@lane_loop
def forward(parameters: Any, layout: Any, room: Any, n_rows: int) -> None:
    """Fill ``layers[1:]`` from ``layers[0]``; the last is what the network values."""
    layers, normal, spreads, ones = room
    n_layers = layout.shape[0]
    for k in range(n_layers):
        n_inputs, n_outputs = layout[k, INPUTS], layout[k, OUTPUTS]
        weights, biases = parameters[layout[k, WEIGHT] :], parameters[layout[k, BIAS] :]
        outputs = layers[k + 1]
        if n_outputs < NARROW:
            narrow_affine(layers[k], weights, biases, outputs, n_rows, n_inputs, n_outputs)
        else:
            affine(layers[k], weights, biases, outputs, n_rows, n_inputs, n_outputs)
        if k == n_layers - 1:
            return
        if layout[k, SCALE] >= 0:
            scale, shift = parameters[layout[k, SCALE] :], parameters[layout[k, SHIFT] :]
            normalise(outputs, scale, shift, normal[k], spreads[k], ones, n_rows, n_outputs)
        for r in range(n_rows):
            y = outputs[r]
            for j in range(n_outputs):
                y[j] = 0.0 if y[j] < 0.0 else y[j]


@lane_loop
def pull_back(parameters: Any, gradients: Any, layout: Any, room: Any, arriving: Any, turned: Any, n_rows: int) -> None:
    """Set the gradients of all weights, given that of the values in ``arriving[0]``, which is used up.

    Parameters
    ----------
    parameters, gradients, layout, room
        See the module; ``room`` as :func:`forward` left it.
    arriving : ndarray, shape (2, rows, widest)
    turned : ndarray, shape (widest * widest + widest,)
        Room for a transposed weight, behind zeros.
    n_rows : int
    """
    layers, normal, spreads, ones = room
    n_layers = layout.shape[0]
    widest = ones.shape[0]
    zeros, transposed = turned[:widest], turned[widest:]
    side = 0
    for back in range(n_layers):
        k = n_layers - 1 - back
        n_inputs, n_outputs = layout[k, INPUTS], layout[k, OUTPUTS]
        g = arriving[side]
        if back:
            for r in range(n_rows):
                gate, slopes = layers[k + 1, r], g[r]
                for j in range(n_outputs):
                    slopes[j] = slopes[j] if gate[j] > 0.0 else 0.0
            if layout[k, SCALE] >= 0:
                pull_back_normal(
                    g,
                    normal[k],
                    spreads[k],
                    parameters[layout[k, SCALE] :],
                    gradients[layout[k, SCALE] :],
                    gradients[layout[k, SHIFT] :],
                    ones,
                    n_rows,
                    n_outputs,
                )
        weight_gradient(layers[k], g, gradients[layout[k, WEIGHT] :], n_rows, n_inputs, n_outputs)
        biases = gradients[layout[k, BIAS] :]
        for j in range(n_outputs):
            biases[j] = 0.0
        for r in range(n_rows):
            slopes = g[r]
            for j in range(n_outputs):
                biases[j] += slopes[j]
        if k:
            weights = parameters[layout[k, WEIGHT] :]
            for i in range(n_inputs):
                for j in range(n_outputs):
                    transposed[j * n_inputs + i] = weights[i * n_outputs + j]
            side = 1 - side
            affine(g, transposed, zeros, arriving[side], n_rows, n_outputs, n_inputs)
