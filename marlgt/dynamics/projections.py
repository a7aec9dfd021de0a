"""Projection onto the simplex: the distribution nearest to a vector.

The projection of v is ``[v - theta]+`` with the one threshold at which it adds up to 1. Michelot's rounds find it:
take the threshold at which all entries left would add up to 1, drop those not above it, until none is dropped.

References
----------
Michelot, C. (1986). A finite algorithm for finding the projection of a point onto the canonical simplex of R^n.
Journal of Optimization Theory and Applications 50, 195-200.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from marlgt.errors import GameError
from marlgt.games._arrays import exact_and_float
from marlgt.kernels import kernel

__all__ = ["project_to_simplex"]


@kernel
def write_projection(point: Any) -> None:
    """Replace a vector by the nearest distribution."""
    count = point.shape[0]
    highest = point[0]
    for a in range(1, count):
        highest = max(highest, point[a])
    # A common constant changes nothing: with the largest entry at 0 no digits are lost to it.
    for a in range(count):
        point[a] -= highest
    threshold = -1.0
    left = 0
    while True:
        total = 0.0
        kept = 0
        for a in range(count):
            if point[a] > threshold:
                total += point[a]
                kept += 1
        # What is kept only ever shrinks; an entry that rounding takes back in would go on and off for ever.
        if left > 0 and kept >= left:
            break
        left = kept
        threshold = (total - 1.0) / kept
    for a in range(count):
        point[a] = max(point[a] - threshold, 0.0)


def project_to_simplex(v: ArrayLike) -> NDArray[np.float64]:
    """Return the distribution nearest to a vector in Euclidean distance.

    Parameters
    ----------
    v : array_like, shape (A,)

    Returns
    -------
    ndarray, shape (A,)

    Raises
    ------
    GameError
        For anything but a list of finite numbers.

    Examples
    --------
    >>> project_to_simplex([0.5, 0.75, -0.25]).tolist()
    [0.375, 0.625, 0.0]
    """
    point, _ = exact_and_float(v, "v")
    if point.ndim != 1 or not point.size:
        raise GameError(f"v has shape {point.shape}: give one number for each action")
    write_projection(point)
    return point
