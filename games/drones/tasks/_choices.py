"""The discrete action sets that tasks share: rows of numbers in [-1, 1]; the first row is to hold still."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

__all__ = ["AXES", "CORNERS", "LEVELS", "MOTOR", "PLANE"]


def _rows(rows: Sequence[Sequence[float]]) -> np.ndarray:
    array = np.array(rows, dtype=float)
    array.setflags(write=False)
    return array


AXES = _rows([[0, 0, 0, 0], [1, 0, 0, 0], [-1, 0, 0, 0], [0, 1, 0, 0], [0, -1, 0, 0], [0, 0, 1, 0], [0, 0, -1, 0]])
"""Hold, or fly along one of the six directions of the axes."""

CORNERS = _rows([[0, 0, 0, 0]] + [[x, y, z, 0] for x in (1, -1) for y in (1, -1) for z in (1, -1)])
"""Hold, or fly in one of the eight directions of a cube's corners."""

PLANE = _rows([[0, 0, 0, 0], [1, 0, 0, 0], [-1, 0, 0, 0], [0, 1, 0, 0], [0, -1, 0, 0]])
"""Hold, or fly along one of the four horizontal directions of the axes."""

MOTOR = _rows([[-1], [1]])
"""One motor low or high."""

LEVELS = _rows([[1.0 if k >> m & 1 else -1.0 for m in range(4)] for k in range(16)])
"""Four motors low or high: motor m is high in the actions whose binary digit m is 1."""
