"""At which steps a run is recorded: so many evenly spaced ones, or those listed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from marlgt.errors import GameError
from marlgt.games._arrays import short
from marlgt.games._doors import bounded_list, require_whole

__all__ = ["recorded_times"]

_MOST_TIMES = 10**7
_MOST_STEPS = 10**15


def recorded_times(record: Any, steps: Any, *, begun: int = 0) -> NDArray[np.int64]:
    """Return the steps after which to record, in rising order, the last step among them.

    Parameters
    ----------
    record : int or iterable of int
        How many evenly spaced times to record, or after which steps.
    steps : int
        How many steps are made.
    begun : int
        How many were made before; times are counted from the beginning.

    Raises
    ------
    GameError
        For numbers of steps or of times below 1, steps that are not made, and more steps than are counted exactly.
    """
    require_whole(steps, "steps", least=1)
    last = begun + int(steps)
    if last > _MOST_STEPS:
        raise GameError(f"steps is {short(steps)}: at most {_MOST_STEPS:.0e} steps are counted exactly, make fewer")
    if isinstance(record, np.ndarray) and record.ndim == 0:
        record = record.item()
    if isinstance(record, (int, np.integer)) and not isinstance(record, bool):
        require_whole(record, "record", least=1)
        count = min(int(record), int(steps))
        if count > _MOST_TIMES:
            raise GameError(f"record is {count:,} times, above the limit of {_MOST_TIMES:,}: record fewer times")
        return np.array([begun + int(steps) * (k + 1) // count for k in range(count)], dtype=np.int64)
    lists = isinstance(record, Iterable) and not isinstance(record, (str, bytes, Mapping))
    listed = bounded_list(record, "record", "steps", most=_MOST_TIMES) if lists else []
    whole = all(isinstance(t, (int, np.integer)) and not isinstance(t, bool) for t in listed)
    if not listed or not whole or not begun < min(listed) <= max(listed) <= last:
        raise GameError(
            f"record is {short(record)}: give a number of times, or a list of steps from {begun + 1} to {last}"
        )
    return np.array(sorted({int(time) for time in listed} | {last}), dtype=np.int64)
