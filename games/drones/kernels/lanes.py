"""Drone kernels are written once, for one lane; here are the words whose meaning each backend gives.

A *lane* is one environment. ``WIDTH`` environments make a *block*; in a block, the lanes of one quantity lie side by
side, at distances known when compiling, so that a loop over lanes becomes vector instructions. A *row* holds all
quantities of one drone (or of the world, or of the clock) in all lanes of a block: quantity ``Z`` of lane ``e`` is
``row[Z + e]``, where every field of :mod:`marlgt.games.drones.kernels.layout` is a multiple of ``WIDTH``.

* Compiled: a row is an array of one dimension and ``e`` runs from 0 to ``WIDTH - 1``.
* On whole arrays (NumPy, PyTorch): a row is a :class:`Columns`, ``e`` is 0, and ``row[Z]`` is an array of all lanes.
  The words below are bound to the array library's by :func:`marlgt.kernels.rebound`; a row is then given new arrays
  and never written into, so that PyTorch can differentiate through it.

Hence three rules for lane code: ``where`` instead of ``if`` on a quantity; flags are 0.0 or 1.0; constants that meet
quantities are floats (``2.0``, not ``2``), so that float32 stays float32.
"""

from __future__ import annotations

from typing import Any

from marlgt.kernels import lane_kernel

__all__ = ["WIDTH", "Columns", "Table", "absolute", "clip", "least", "most", "where"]

WIDTH = 16
"""Environments in a block: two vectors of eight float32, and few idle lanes where there is one environment."""


@lane_kernel
def where(condition: Any, yes: Any, no: Any) -> Any:
    """Return ``yes`` where the condition holds, else ``no``; both are computed."""
    return yes if condition else no


@lane_kernel
def least(a: Any, b: Any) -> Any:
    """Return the smaller of two numbers, the second if either is not a number."""
    return a if a < b else b


@lane_kernel
def most(a: Any, b: Any) -> Any:
    """Return the larger of two numbers, the second if either is not a number."""
    return a if a > b else b


@lane_kernel
def clip(a: Any, low: Any, high: Any) -> Any:
    """Return the number of ``[low, high]`` next to ``a``."""
    return most(low, least(a, high))


@lane_kernel
def absolute(a: Any) -> Any:
    """Return the absolute value."""
    return most(a, -a)


class Columns:
    """A row of quantities on whole arrays: field offset to array."""

    __slots__ = ("arrays",)

    def __init__(self, arrays: dict[int, Any]) -> None:
        self.arrays = arrays

    def __getitem__(self, field: int) -> Any:
        return self.arrays[field]

    def __setitem__(self, field: int, value: Any) -> None:
        self.arrays[field] = value


class Table:
    """The drones of a block on whole arrays: ``table[i, field]`` is drone ``i`` in all lanes.

    The array of a field has shape (n_drones, lanes), so that ``Columns(table.arrays)`` is all drones at once.
    """

    __slots__ = ("arrays",)

    def __init__(self, arrays: dict[int, Any]) -> None:
        self.arrays = arrays

    def __getitem__(self, key: tuple[int, int]) -> Any:
        drone, field = key
        return self.arrays[field][drone]

    def __setitem__(self, key: tuple[int, int], value: Any) -> None:
        drone, field = key
        self.arrays[field][drone] = value
