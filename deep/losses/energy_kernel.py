"""The energy distance of mixtures from particles and its gradient, in one pass over the pairs of components.

For every row, with K components (w, μ, s) and m particles (y, t), and e(d, v) = E|N(d, v)|::

    energy = 2/m Σ_k Σ_j w_k e(μ_k - y_j, s_k² + t_j²) - Σ_k Σ_l w_k w_l e(μ_k - μ_l, s_k² + s_l²)

    ∂e/∂d = erf(d / √(2 v)),     ∂e/∂s = √(2/π) exp(-d² / 2 v) s / √v

A pair needs one exponential, since erf is taken from it (Abramowitz & Stegun 7.1.26, wrong by 1.5e-7 at most). Both
are polynomials, without a branch, so that the loop over particles runs on eight numbers at once; whatever is divided
by is kept from 0, and what then is wrong is multiplied by 0.

A critic's head, softmax and softplus, is part of the same pass: on tensors so small it would take PyTorch as long as
all pairs take here.

It is compiled apart from `marlgt.kernels`, since sums must be allowed to run in several parts: their order depends on
the numbers of particles and components alone, so that a row gets the same bits wherever it stands.
"""

from __future__ import annotations

import functools
from typing import Any

import numpy as np
import torch
from torch import Tensor

__all__ = ["energy_and_slopes", "head_energy_and_slopes"]

_ROOT_2_PI, _2_ROOT_PI = np.float32(0.7978845608028654), np.float32(1.1283791670955126)
_ROOT_HALF = np.float32(0.7071067811865476)
_SMALL, _STEEP = np.float32(1e-30), np.float32(86.0)
_ZERO, _HALF, _ONE, _TWO = np.float32(0), np.float32(0.5), np.float32(1), np.float32(2)
_LOG2_E, _LN2_HIGH, _LN2_LOW = np.float32(1.4426950408889634), np.float32(0.693359375), np.float32(-2.12194440e-4)
# exp(r) on ±ln 2 / 2: Cephes' coefficients of (exp(r) - 1 - r) / r².
_E0, _E1, _E2 = np.float32(1.9875691500e-4), np.float32(1.3981999507e-3), np.float32(8.3334519073e-3)
_E3, _E4, _E5 = np.float32(4.1665795894e-2), np.float32(1.6666665459e-1), np.float32(5.0000001201e-1)
_P = np.float32(0.3275911)
_A1, _A2, _A3 = np.float32(0.254829592), np.float32(-0.284496736), np.float32(1.421413741)
_A4, _A5 = np.float32(-1.453152027), np.float32(1.061405429)
# log(1 + u) = 2 artanh(s), s = u / (2 + u) <= 1/3.
_L3, _L5, _L7 = np.float32(2 / 3), np.float32(2 / 5), np.float32(2 / 7)
_L9, _L11, _L13 = np.float32(2 / 9), np.float32(2 / 11), np.float32(2 / 13)
_LANES = 8


@functools.cache
def _compiled() -> Any:
    import numba

    def inner(function: Any) -> Any:
        return numba.njit(inline="always")(function)

    def outer(function: Any) -> Any:
        arithmetic = {"contract", "arcp", "nsz", "reassoc"}
        return numba.njit(cache=True, error_model="numpy", fastmath=arithmetic, nogil=True)(function)

    @inner
    def decaying(q: Any) -> Any:
        """Give exp(-q) for q >= 0."""
        q = min(q, _STEEP)
        n = np.floor(_HALF - q * _LOG2_E)
        r = -q - n * _LN2_HIGH - n * _LN2_LOW
        power = ((((_E0 * r + _E1) * r + _E2) * r + _E3) * r + _E4) * r + _E5
        return (power * r * r + r + _ONE) * np.int32((np.int32(n) + np.int32(127)) << np.int32(23)).view(np.float32)

    @inner
    def pair(d: Any, v: Any) -> Any:
        """Give E|N(d, v)|, its slope in d, and that in a standard deviation s divided by s."""
        v = max(v, _SMALL)
        inverse = _ONE / np.sqrt(v)
        z = abs(d) * inverse
        e = decaying(_HALF * z * z)
        t = _ONE / (_ONE + _P * _ROOT_HALF * z)
        erf = _ONE - t * (_A1 + t * (_A2 + t * (_A3 + t * (_A4 + t * _A5)))) * e
        density = _ROOT_2_PI * e
        return density * v * inverse + abs(d) * erf, np.copysign(erf, d), density * inverse

    @outer
    def rows(w: Any, mu: Any, s: Any, y: Any, t: Any, losses: Any, to_w: Any, to_mu: Any, to_s: Any) -> None:
        n_rows, n_components = w.shape
        n_particles = y.shape[1]
        share = _TWO / np.float32(n_particles)
        n_pairs = n_components * (n_components - 1) // 2
        padded = (n_pairs + _LANES - 1) // _LANES * _LANES
        gaps, squares = np.zeros(padded, np.float32), np.ones(padded, np.float32)
        ones, twos, threes = np.empty(padded, np.float32), np.empty(padded, np.float32), np.empty(padded, np.float32)
        for i in range(n_rows):
            total = _ZERO
            yi, ti = y[i], t[i]
            place = 0
            for k in range(n_components):
                centre, width, weight = mu[i, k], s[i, k], w[i, k]
                square = width * width
                distance, slope, spread = _ZERO, _ZERO, _ZERO
                for j in range(n_particles):
                    one, two, three = pair(centre - yi[j], square + ti[j] * ti[j])
                    distance += one
                    slope += two
                    spread += three
                # With its own copy: E|N(0, 2 s²)| = 2 s / √π.
                to_w[i, k] = share * distance - _TWO * weight * _2_ROOT_PI * width
                to_mu[i, k] = share * weight * slope
                to_s[i, k] = share * weight * width * spread - weight * weight * _2_ROOT_PI
                if width == _ZERO:
                    to_s[i, k] = _ZERO
                total += weight * (share * distance - weight * _2_ROOT_PI * width)
                for l in range(k + 1, n_components):
                    gaps[place] = centre - mu[i, l]
                    squares[place] = square + s[i, l] * s[i, l]
                    place += 1
            for j in range(padded):
                ones[j], twos[j], threes[j] = pair(gaps[j], squares[j])
            place = 0
            for k in range(n_components):
                for l in range(k + 1, n_components):
                    both = _TWO * w[i, k] * w[i, l]
                    total -= both * ones[place]
                    to_w[i, k] -= _TWO * w[i, l] * ones[place]
                    to_w[i, l] -= _TWO * w[i, k] * ones[place]
                    to_mu[i, k] -= both * twos[place]
                    to_mu[i, l] += both * twos[place]
                    to_s[i, k] -= both * s[i, k] * threes[place]
                    to_s[i, l] -= both * s[i, l] * threes[place]
                    place += 1
            losses[i] = total

    @outer
    def opened(x: Any, powers: Any, softened: Any, w: Any, mu: Any, s: Any, rooted: Any, c: Any, least: Any) -> None:
        """Give the mixtures that outputs x (rows, 3 K) stand for; powers keeps exp(-|x|) for their gradient."""
        n_rows, n_components = w.shape
        for i in range(n_rows):
            largest = x[i, 0]
            for k in range(1, n_components):
                largest = max(largest, x[i, k])
            for k in range(n_components):
                powers[i, k] = largest - x[i, k]
                powers[i, n_components + k] = _ZERO
                powers[i, 2 * n_components + k] = abs(x[i, 2 * n_components + k])
        flat, logs = powers.reshape(powers.size), softened.reshape(softened.size)
        for j in range(flat.size):
            u = decaying(flat[j])
            flat[j] = u
            a = u / (_TWO + u)
            b = a * a
            logs[j] = a * (_TWO + b * (_L3 + b * (_L5 + b * (_L7 + b * (_L9 + b * (_L11 + b * _L13))))))
        for i in range(n_rows):
            total = _ZERO
            for k in range(n_components):
                total += powers[i, k]
            for k in range(n_components):
                w[i, k] = powers[i, k] / total
                mu[i, k] = x[i, n_components + k]
                bent = softened[i, 2 * n_components + k] + max(x[i, 2 * n_components + k], _ZERO)
                s[i, k] = np.sqrt(c * bent + least) if rooted else c * bent + least

    @outer
    def closed(
        x: Any, powers: Any, w: Any, s: Any, rooted: Any, c: Any, to_w: Any, to_mu: Any, to_s: Any, to_x: Any
    ) -> None:
        """Give the gradient in the outputs, shape (rows, 3 K)."""
        n_rows, n_components = w.shape
        for i in range(n_rows):
            average = _ZERO
            for k in range(n_components):
                average += w[i, k] * to_w[i, k]
            for k in range(n_components):
                to_x[i, k] = w[i, k] * (to_w[i, k] - average)
                to_x[i, n_components + k] = to_mu[i, k]
                u = powers[i, 2 * n_components + k]
                sigmoid = (_ONE if x[i, 2 * n_components + k] >= _ZERO else u) / (_ONE + u)
                slope = c * sigmoid * to_s[i, k]
                to_x[i, 2 * n_components + k] = slope / (_TWO * s[i, k]) if rooted else slope

    return rows, opened, closed


def energy_and_slopes(
    weights: Tensor, means: Tensor, scales: Tensor, locations: Tensor, widths: Tensor
) -> tuple[Tensor, tuple[Tensor, Tensor, Tensor]]:
    """Give energy distances without the particles' own term, and their gradients.

    Parameters
    ----------
    weights, means, scales : Tensor of float32 on the CPU, shape (rows, K)
    locations, widths : Tensor of float32 on the CPU, shape (rows, m)

    Returns
    -------
    losses : Tensor, shape (rows,)
    slopes : tuple of three Tensors, shape (rows, K)
        In weights, means and scales.
    """
    arrays = [_array(x) for x in (weights, means, scales, locations, widths)]
    losses, slopes = np.empty(len(arrays[0]), np.float32), np.empty((3, *arrays[0].shape), np.float32)
    _compiled()[0](*arrays, losses, *slopes)
    in_weights, in_means, in_scales = torch.from_numpy(slopes).unbind(0)
    return torch.from_numpy(losses), (in_weights, in_means, in_scales)


def head_energy_and_slopes(
    outputs: Tensor, locations: Tensor, widths: Tensor, *, rooted: bool, factor: float, least: float
) -> tuple[Tensor, Tensor]:
    """Give energy distances of the mixtures that outputs stand for, and their gradients in the outputs.

    Parameters
    ----------
    outputs : Tensor of float32 on the CPU, shape (rows, 3 K)
        Logits, means, and x of scales ``factor softplus(x) + least``, or the root of that.
    locations, widths : Tensor of float32 on the CPU, shape (rows, m)
    rooted : bool
    factor, least : float

    Returns
    -------
    losses : Tensor, shape (rows,)
    slopes : Tensor, shape (rows, 3 K)
    """
    rows, opened, closed = _compiled()
    x, y, t = (_array(part) for part in (outputs, locations, widths))
    shape = len(x), x.shape[1] // 3
    losses, slopes = np.empty(shape[0], np.float32), np.empty_like(x)
    powers, softened = np.empty_like(x), np.empty_like(x)
    mixture, inner = np.empty((3, *shape), np.float32), np.empty((3, *shape), np.float32)
    c = np.float32(factor)
    opened(x, powers, softened, *mixture, rooted, c, np.float32(least))
    rows(*mixture, y, t, losses, *inner)
    closed(x, powers, mixture[0], mixture[2], rooted, c, *inner, slopes)
    return torch.from_numpy(losses), torch.from_numpy(slopes)


def _array(tensor: Tensor) -> Any:
    return tensor.detach().contiguous().numpy()
