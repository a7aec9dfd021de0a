"""Exact arrays: fractions of what was given exactly, and integers over common denominators."""

from __future__ import annotations

import math
from collections.abc import Iterable
from fractions import Fraction
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["as_fractions", "exact_unit", "nearest_fractions", "over_common_denominators"]


def as_fractions(exact: NDArray[Any]) -> NDArray[Any]:
    """Return a read-only object array of Fraction with the values of an integer or object array."""
    flat = exact.reshape(-1).tolist()
    # A tree has few different probabilities at many nodes, which share the objects that hold them.
    distinct = {id(x): x for x in flat}
    fractions = {key: Fraction(x) for key, x in distinct.items()}
    return _filled(exact.shape, (fractions[id(x)] for x in flat))


def nearest_fractions(floats: NDArray[np.float64], max_denominator: int) -> NDArray[Any]:
    """Return the fractions of bounded denominator that are nearest to floats."""
    return _filled(floats.shape, (Fraction(x).limit_denominator(max_denominator) for x in floats.reshape(-1).tolist()))


def exact_unit(count: int, action: int) -> NDArray[Any]:
    """Return the pure strategy that plays one of ``count`` actions, in fractions."""
    return _filled((count,), (Fraction(int(a == action)) for a in range(count)))


def over_common_denominators(exact: NDArray[Any]) -> tuple[NDArray[Any], tuple[int, ...]]:
    """Write each slice along the first axis as integers over its least common denominator.

    Returns
    -------
    numerators : object ndarray of int
    denominators : tuple of int, one per slice
    """
    if exact.dtype != object:
        return exact.astype(object), (1,) * len(exact)
    numerators = np.empty(exact.shape, dtype=object)
    denominators = []
    for i, part in enumerate(exact):
        flat = [Fraction(x) for x in part.reshape(-1).tolist()]
        common = math.lcm(*(x.denominator for x in flat))
        numerators[i].reshape(-1)[:] = [x.numerator * (common // x.denominator) for x in flat]
        denominators.append(common)
    return numerators, tuple(denominators)


def _filled(shape: tuple[int, ...], entries: Iterable[Any]) -> NDArray[Any]:
    array = np.empty(shape, dtype=object)
    array.reshape(-1)[:] = list(entries)
    array.flags.writeable = False
    return array
