"""Random streams inside kernels: one small state per stream, so that no stream depends on what runs beside it.

A stream is a multiply-with-carry generator of lag two in base ``2^32`` (Marsaglia 2003), with its two newest words
exclusive-or-ed as the output (Thomas 2011). The step ``t = a x_{n-2} + c, x_n = t mod 2^32, c = t div 2^32`` never
leaves 63 bits, so that the interpreted and the compiled gear give the same bits. ``a 2^64 - 1`` is a safe prime, which
makes the period about ``2^94``; each seed begins at a place of its own, hashed by numpy's SeedSequence.

References
----------
Marsaglia, G. (2003). Random number generators. Journal of Modern Applied Statistical Methods 2, 2-13.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from marlgt.kernels import inlined_kernel, lean_kernel

__all__ = ["drawn_from", "streams", "uniform", "uniform_below"]

_MULTIPLIER = 2147473998
_WORD = 4294967295
_SHARE = 1.0 / 4294967296.0


def streams(seeds: Sequence[int]) -> NDArray[np.int64]:
    """Return one stream for each seed, shape (len(seeds), 3); a seed's stream is the same whatever the others are.

    Parameters
    ----------
    seeds : sequence of int
        Not negative.
    """
    states = np.empty((len(seeds), 3), dtype=np.int64)
    for row, seed in zip(states, seeds):
        words = np.random.SeedSequence(int(seed)).generate_state(3)
        row[:2] = words[:2]
        # The carry stays below the multiplier, and is not 0, so that no stream is stuck at zero.
        row[2] = 1 + int(words[2]) % (_MULTIPLIER - 2)
    return states


@inlined_kernel
def uniform(stream: Any) -> float:
    """Return a number from 0 to 1, 1 excluded, a multiple of 2^-32, and move the stream one step on."""
    t = _MULTIPLIER * stream[0] + stream[2]
    stream[0] = stream[1]
    stream[1] = t & _WORD
    stream[2] = t >> 32
    return float((stream[1] ^ stream[0]) * _SHARE)


@inlined_kernel
def uniform_below(stream: Any, count: int) -> int:
    """Return a whole number from 0 to ``count - 1``."""
    return int(uniform(stream) * count)


@lean_kernel
def drawn_from(stream: Any, weights: Any) -> int:
    """Return an index drawn in proportion to weights that are not negative; the last positive one closes the sum."""
    total = 0.0
    for w in weights:
        total += w
    left = uniform(stream) * total
    chosen = 0
    for i in range(weights.shape[0]):
        if weights[i] > 0.0:
            chosen = i
            left -= weights[i]
            if left < 0.0:
                break
    return chosen
