"""Random numbers of many copies in array operations, each copy with a stream of its own.

The streams are those of :mod:`marlgt.randomness`: the same seed gives the same numbers there and here.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from marlgt.randomness import streams

__all__ = ["CopyStreams", "copy_seeds"]

_MULTIPLIER = 2147473998
_WORD = 4294967295
_SHARE = 1.0 / 4294967296.0


def copy_seeds(seed: int, first: int, count: int) -> list[int]:
    """Return a seed of 32 bits for each of ``count`` copies from number ``first`` on."""
    return [int(np.random.SeedSequence((int(seed) << 32) + first + k).generate_state(1)[0]) for k in range(count)]


class CopyStreams:
    """One random stream for each copy: a copy's numbers depend on nothing but the seed and its own number.

    Parameters
    ----------
    seed : int
    first, count : int
        The copies ``first`` to ``first + count - 1``.

    Attributes
    ----------
    words : ndarray of int64, shape (count, 3)
        Where the streams are.
    """

    def __init__(self, seed: int, first: int, count: int) -> None:
        self.words: NDArray[np.int64] = streams([(int(seed) << 32) + first + k for k in range(count)])

    def draw(self, rows: NDArray[Any] | None = None) -> NDArray[np.float64]:
        """Return a number from 0 to 1, 1 excluded, of each copy, or of some; only theirs move on."""
        words = self.words if rows is None else self.words[rows]
        product = _MULTIPLIER * words[:, 0] + words[:, 2]
        moved = np.stack([words[:, 1], product & _WORD, product >> 32], axis=1)
        if rows is None:
            self.words = moved
        else:
            self.words[rows] = moved
        return np.asarray((moved[:, 1] ^ moved[:, 0]) * _SHARE)

    def random(self, count: int) -> NDArray[np.float64]:
        """Return a number of each copy: what numpy's generators call so."""
        return self.draw()
