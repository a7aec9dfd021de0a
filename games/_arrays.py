"""Arrays at the public door: what users give, checked once, as float64 and, where possible, exactly."""

from __future__ import annotations

import numbers
from collections.abc import Sequence
from fractions import Fraction
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from marlgt.errors import GameError

__all__ = ["LARGEST", "LARGEST_EXACT", "exact_and_float", "labels_or_default"]

LARGEST = 1e150
"""Largest payoff in magnitude: its square is still a float."""

LARGEST_EXACT = 10**150
"""The same as an integer: the float nearest to it, which the decimal 1e150 stands for, lies just below."""

_REAL = (int, float, Fraction, numbers.Rational, np.integer, np.floating, np.bool_)


def exact_and_float(values: ArrayLike, name: str) -> tuple[NDArray[np.float64], NDArray[Any] | None]:
    """Return a float64 copy of real numbers, and their exact form if they are all rational.

    Parameters
    ----------
    values : array_like
        Integers, fractions or floats.
    name : str
        What to call the argument in an error.

    Returns
    -------
    floats : ndarray of float64
    exact : ndarray of int64, or object ndarray of int and Fraction, or None
        None where any entry is a float.

    Raises
    ------
    GameError
        For text, complex numbers, NaN, infinities, ragged nesting and magnitudes above 1e150.
    """
    try:
        array = np.asarray(values)
    except (ValueError, TypeError, OverflowError):
        array = np.empty(0, dtype=object)
        _explain_ragged(values, name)
    kind = array.dtype.kind
    if kind == "f":
        # numpy turns Python integers beyond int64 into floats when mixed with others: look again.
        if not isinstance(values, np.ndarray) and array.size and np.abs(array).max() >= 2.0**63:
            return _from_objects(np.asarray(values, dtype=object), name)
        floats = np.array(array, dtype=np.float64, order="C")
        _check_finite(floats, name)
        return floats, None
    if kind in "iu" or kind == "b":
        if kind == "u" and array.size and int(array.max()) > 2**63 - 1:
            return _from_objects(array.astype(object), name)
        exact = np.array(array, dtype=np.int64, order="C")
        exact.flags.writeable = False
        return exact.astype(np.float64), exact
    if kind == "O":
        return _from_objects(array, name)
    what = "complex numbers" if kind == "c" else "text" if kind in "US" else f"entries of dtype {array.dtype}"
    place, entry = _first(array)
    hint = ": write fractions.Fraction('1/3') for an exact third" if kind in "US" else ""
    raise GameError(f"{name}{place} is {entry!r}: {name} must be real numbers, not {what}{hint}")


def _from_objects(array: NDArray[Any], name: str) -> tuple[NDArray[np.float64], NDArray[Any] | None]:
    flat = array.reshape(-1).tolist()
    rational = True
    for position, x in enumerate(flat):
        if not isinstance(x, _REAL):
            place = _place(position, array.shape)
            if isinstance(x, (list, tuple, np.ndarray)):
                _explain_ragged(array.tolist(), name)
            raise GameError(f"{name}{place} is {x!r}: {name} must be integers, fractions or floats")
        if isinstance(x, (np.integer, np.bool_)):
            continue  # exact, and at most 64 bits
        rational = rational and isinstance(x, numbers.Rational)
        size: Any = abs(float(x) if isinstance(x, np.floating) else x)
        largest = LARGEST_EXACT if isinstance(x, (int, Fraction)) else LARGEST
        if not size <= largest and x == x and size != float("inf"):
            raise GameError(_too_large(name, _place(position, array.shape), x))
    floats = np.array([float(x) for x in flat], dtype=np.float64).reshape(array.shape)
    _check_finite(floats, name)
    if not rational:
        return floats, None
    exact = np.empty(array.shape, dtype=object)
    exact.reshape(-1)[:] = [int(x) if isinstance(x, (int, np.integer, np.bool_)) else Fraction(x) for x in flat]
    exact.flags.writeable = False
    return floats, exact


def _check_finite(floats: NDArray[np.float64], name: str) -> None:
    if not floats.size:
        return
    largest = np.abs(floats).max()
    if largest <= LARGEST:
        return
    bad = ~np.isfinite(floats)
    count = int(bad.sum())
    if count:
        place = _place(int(np.flatnonzero(bad.reshape(-1))[0]), floats.shape)
        value = float(floats[bad][0])
        entries = "entry" if count == 1 else "entries"
        raise GameError(f"{name}{place} is {value}: {name} must be finite ({count} bad {entries})")
    position = int(np.argmax(np.abs(floats).reshape(-1)))
    raise GameError(_too_large(name, _place(position, floats.shape), float(floats.reshape(-1)[position])))


def _too_large(name: str, place: str, value: Any) -> str:
    shown = f"{float(value):.3g}" if isinstance(value, float) else "above 1e150"
    return (
        f"{name}{place} is {shown}: the largest magnitude is {LARGEST:g}, so that products of two stay finite; "
        "divide every payoff by a constant, which changes no equilibrium"
    )


def _explain_ragged(values: Any, name: str) -> None:
    """Raise for nesting whose lengths differ, naming the first place."""
    place = ""
    level = [("", values)]
    while level:
        lengths = {len(v) if isinstance(v, Sequence | np.ndarray) and not isinstance(v, str) else -1 for _, v in level}
        if len(lengths) > 1:
            place, odd = next(
                (p, v) for p, v in level if (len(v) if hasattr(v, "__len__") else -1) != _length(level[0][1])
            )
            raise GameError(
                f"{name} is ragged: {name}{place} has {_length_words(odd)} but "
                f"{name}{level[0][0]} has {_length_words(level[0][1])}; give every row the same length"
            )
        if lengths == {-1}:
            break
        level = [(f"{p}[{i}]", v) for p, vs in level for i, v in enumerate(vs)]
    raise GameError(f"{name} cannot be read as an array of numbers: give nested lists of numbers or a numpy array")


def _length(value: Any) -> int:
    return len(value) if hasattr(value, "__len__") else -1


def _length_words(value: Any) -> str:
    return "no entries of its own" if _length(value) < 0 else f"length {_length(value)}"


def _first(array: NDArray[Any]) -> tuple[str, Any]:
    if array.size == 0:
        return "", "empty"
    return _place(0, array.shape), array.reshape(-1)[0].item()


def _place(position: int, shape: tuple[int, ...]) -> str:
    """Return the index of a flat position, as Python writes it: ``[0, 1]``."""
    if not shape:
        return ""
    return f"[{', '.join(str(int(i)) for i in np.unravel_index(position, shape))}]"


def labels_or_default(labels: Sequence[str] | None, count: int, name: str, *, first: int) -> tuple[str, ...]:
    """Return ``count`` labels: those given, checked, or the numbers from ``first``."""
    if labels is None:
        return tuple(str(i) for i in range(first, first + count))
    if isinstance(labels, str) or len(labels) != count:
        raise GameError(f"{name} must be {count} labels, got {labels!r}")
    for i, label in enumerate(labels):
        if not isinstance(label, str):
            raise GameError(f"{name}[{i}] is {label!r}: a label is text")
    return tuple(labels)
