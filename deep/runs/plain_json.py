"""What a run tells as JSON: numbers that are not finite become null, since JSON has no name for them."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from pathlib import PurePath
from typing import Any

import numpy as np

from marlgt.errors import GameError
from marlgt.games._arrays import short

__all__ = ["json_text"]


def json_text(value: Any, what: str, *, indent: int | None = None) -> str:
    """Return a value as JSON that every reader of JSON takes.

    Parameters
    ----------
    value : mappings with texts as keys, sequences, arrays, numbers, texts, true or false, None
        Tuples and arrays become lists, and numbers that are not finite null.
    what : str
        What the value is, for the error.
    indent : int or None

    Raises
    ------
    GameError
        If a part of the value is of another kind.
    """
    return json.dumps(_plain(value, what), allow_nan=False, indent=indent)


def _plain(value: Any, what: str) -> Any:
    if isinstance(value, np.generic):
        value = value.item()
    if value is None or isinstance(value, (bool, int, str)):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, PurePath):
        return str(value)
    if isinstance(value, np.ndarray):
        return _plain(value.tolist(), what)
    if isinstance(value, (list, tuple, range)):
        return [_plain(part, what) for part in value]
    if isinstance(value, Mapping):
        for key in value:
            if not isinstance(key, str):
                raise GameError(f"{what} has the key {short(key)}: JSON takes texts as keys")
        return {key: _plain(part, what) for key, part in value.items()}
    raise GameError(
        f"{what} holds {short(value)}, a {type(value).__name__}: give numbers, texts, lists and mappings of them"
    )
