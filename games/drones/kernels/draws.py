"""Random numbers without a state: each is a hash of a key, the episode, the control step and its own number.

So the same environment draws the same numbers in every backend, in every batch and in whichever order, and a step can
be repeated. Integers are 64 bits wide and hold 32: multipliers below 2**31 keep every product below 2**63, so that
the same code serves compiled loops, NumPy and PyTorch arrays and Python's own integers, and gives the same bits.

The mixer is that of Wellons' *hash prospector*, ``x ^= x >> 16; x *= 0x21f0aaad; x ^= x >> 15; x *= 0x735a2d97;
x ^= x >> 15``: a bijection of 32 bits whose bias (how far from one half any output bit flips with any input bit) is
0.11 in units of the best possible. Key and time are two words of 32 bits each, so that the numbers of two environments
never run in parallel.

A gaussian is the inverse of the normal distribution function at one uniform number, by a rational function fitted to
it: within 0.0015 up to four standard deviations and ending at 5.4. It is arithmetic alone, so that a loop over lanes
stays a loop over vectors, which logarithm and cosine (Box and Muller) would break, and equal in every backend.
"""

from __future__ import annotations

import operator
from typing import Any

import numpy as np

from marlgt.errors import GameError
from marlgt.games.drones.kernels.layout import EPISODE, KEY, TICK
from marlgt.kernels import lane_kernel

__all__ = [
    "between",
    "between_now",
    "draw",
    "draw_gaussian",
    "fraction",
    "gaussian",
    "gaussian_now",
    "keys",
    "now",
    "start",
    "uniform",
    "uniform_now",
]

WORD = 0xFFFFFFFF
GOLDEN = 0x1E3779B9
"""Added before mixing, since the mixer leaves 0 alone."""
NUMBER = 0x5851F42D
"""Tells what is mixed as a draw's number from what is mixed as its time."""


@lane_kernel
def mix(x: Any) -> Any:
    """Return a bijection of the 32-bit words in which every bit depends on all bits."""
    x = (x + GOLDEN) & WORD
    x = ((x ^ (x >> 16)) * 0x21F0AAAD) & WORD
    x = ((x ^ (x >> 15)) * 0x735A2D97) & WORD
    return x ^ (x >> 15)


@lane_kernel
def fraction(word: Any) -> Any:
    """Return the upper 24 bits of a word as a number in [0, 1), exact in single precision too."""
    return (word >> 8) * 5.9604644775390625e-08


@lane_kernel
def draw(key: Any, time: Any, k: int) -> Any:
    """Return number ``k`` of a key at a time, uniform in [0, 1), for those who draw often and keep key and time.

    Parameters
    ----------
    key : array of int or int
        In [0, 2**32).
    time : array of int or int
        From :func:`start` or :func:`now`.
    k : int
        Which number: the same for all lanes.
    """
    # Unlike time, or number k of episode i would be number i of episode k.
    return fraction(mix(key ^ mix(time + mix(mix(k & WORD) ^ NUMBER))))


@lane_kernel
def start(c: Any, e: int) -> Any:
    """Return the time of this episode's first numbers, as a word."""
    return mix(c[EPISODE + e] & WORD)


@lane_kernel
def now(c: Any, e: int) -> Any:
    """Return the time of this control step's numbers, as a word."""
    return mix(mix(c[EPISODE + e] & WORD) ^ (c[TICK + e] & WORD))


@lane_kernel
def uniform(c: Any, k: int, e: int) -> Any:
    """Return number ``k`` of this episode, uniform in [0, 1).

    Parameters
    ----------
    c : array
        The clock's row: integers.
    k : int
        Which number: the same for all lanes.
    e : int
        The lane.
    """
    return draw(c[KEY + e], start(c, e), k)


@lane_kernel
def uniform_now(c: Any, k: int, e: int) -> Any:
    """Return number ``k`` of this control step, uniform in [0, 1) and independent of those of the episode."""
    return draw(c[KEY + e], now(c, e), k)


@lane_kernel
def between(low: Any, high: Any, c: Any, k: int, e: int) -> Any:
    """Return number ``k`` of this episode, uniform between two bounds."""
    return low + (high - low) * uniform(c, k, e)


@lane_kernel
def between_now(low: Any, high: Any, c: Any, k: int, e: int) -> Any:
    """Return number ``k`` of this control step, uniform between two bounds."""
    return low + (high - low) * uniform_now(c, k, e)


@lane_kernel
def normal_quantile(u: Any) -> Any:
    """Return the standard normal number below which a share ``u`` in [0, 1) lies."""
    w = 4.0 * u * (1.0 - u)
    above = 1.5785506 * w + 2.5351005
    above = ((above * w + 0.17934349) * w + 0.00094106676) * w + 3.7770728e-07
    above = (above * w + 9.9038503e-12) * w + 1.0690753e-17
    below = w + 0.6742145
    below = ((below * w + 0.032754094) * w + 0.0001362641) * w + 4.6169043e-08
    below = (below * w + 1.0510507e-12) * w + 9.8676916e-19
    return (u - 0.5) * above / below


@lane_kernel
def draw_gaussian(key: Any, time: Any, k: int) -> Any:
    """Return number ``k`` of a key at a time, standard normal, for those who draw often and keep key and time."""
    return normal_quantile(draw(key, time, k))


@lane_kernel
def gaussian(c: Any, k: int, e: int) -> Any:
    """Return number ``k`` of this episode, standard normal; it shares its randomness with uniform number ``k``."""
    return normal_quantile(uniform(c, k, e))


@lane_kernel
def gaussian_now(c: Any, k: int, e: int) -> Any:
    """Return number ``k`` of this control step, standard normal; it shares its randomness with uniform number ``k``."""
    return normal_quantile(uniform_now(c, k, e))


def keys(seed: int, n: int, *, first: int = 0) -> np.ndarray:
    """Return the keys of environments of a seed, all different.

    Parameters
    ----------
    seed : int
        At least 0, of any size.
    n : int
        Number of environments. The key of an environment does not depend on how many there are.
    first : int
        The number of the first of them.

    Returns
    -------
    ndarray of int64, shape (n,)
        Each in [0, 2**32).

    Raises
    ------
    GameError
        If the seed is not a whole number of at least 0, or there are not so many keys.

    Examples
    --------
    >>> bool((keys(7, 8) == keys(7, 64)[:8]).all())
    True
    """
    try:
        number = operator.index(seed)
    except TypeError:
        number = -1
    if number < 0 or isinstance(seed, bool):
        raise GameError(f"a seed must be a whole number of at least 0, got {seed!r}")
    if first + n > WORD + 1:
        raise GameError(
            f"environments are numbered from 0 to {WORD:,}: begin with first={max(WORD + 1 - n, 0)} at most"
        )
    words = [int(word) for word in np.random.SeedSequence(number).generate_state(3)]
    places = np.arange(first, first + n, dtype=np.int64)
    # Bijections, one after another: different places have different keys.
    for word in words:
        places = mix(places ^ word)
    return places
