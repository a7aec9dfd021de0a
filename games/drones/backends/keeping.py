"""What an environment keeps in a snapshot, read back with care: a file may be of another environment, or broken."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import numpy as np

from marlgt.errors import GameError
from marlgt.games._arrays import short

__all__ = ["checked_snapshot"]


def checked_snapshot(
    snapshot: Any, expected: Mapping[str, tuple[tuple[int, ...], np.dtype]]
) -> tuple[dict[str, np.ndarray], np.random.Generator]:
    """Return the arrays of a snapshot and its random state, or say what in it does not fit.

    Parameters
    ----------
    snapshot : mapping of str to array
        What ``snapshot()`` gave, or ``numpy.load`` of a file of it.
    expected : mapping of str to (shape, dtype)

    Raises
    ------
    GameError
        If an array is missing, of another shape or kind, or holds what is not a finite number.
    """
    if not isinstance(snapshot, Mapping):
        raise GameError(f"a snapshot is a dictionary of arrays, got {short(snapshot)}: give what snapshot() returned")
    arrays = {}
    for name, (shape, dtype) in expected.items():
        try:
            array = np.asarray(snapshot[name])
        except Exception as error:
            raise GameError(f"this snapshot does not fit: its {name} cannot be read") from error
        if array.shape != shape or array.dtype != dtype:
            raise GameError(
                f"this snapshot does not fit: {name} must be {dtype} of shape {shape}, got {array.dtype} of shape "
                f"{array.shape}: restore it in an environment made in the same way"
            )
        if not np.isfinite(array).all():
            raise GameError(f"this snapshot is broken: its {name} holds a number that is not finite")
        arrays[name] = array
    rng = np.random.default_rng(0)
    try:
        rng.bit_generator.state = json.loads(np.asarray(snapshot["rng"], np.uint8).tobytes())
    except Exception as error:
        raise GameError("this snapshot does not fit: its random state cannot be read") from error
    return arrays, rng
