"""Arrays at the public door: what users give, checked once, as float64 and, where possible, exactly."""

from __future__ import annotations

import numbers
from collections.abc import Sequence
from decimal import Decimal
from fractions import Fraction
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from marlgt.errors import GameError

__all__ = ["LARGEST", "LARGEST_EXACT", "exact_and_float", "labels_or_default", "short"]

LARGEST = 1e150
"""Largest payoff in magnitude: its square is still a float."""

LARGEST_EXACT = 10**150
"""The same as an integer: the float nearest to it, which the decimal 1e150 stands for, lies just below."""

MOST_ENTRIES = 2**28
"""Most entries of an array: two gigabytes of float64."""

_MOST_AXES = 64
_MOST_DECIMALS = 1000
_REAL = (int, float, Fraction, numbers.Rational, Decimal, np.integer, np.floating, np.bool_)
_RATIONAL = (numbers.Rational, Decimal, np.integer, np.bool_)


def exact_and_float(values: ArrayLike, name: str) -> tuple[NDArray[np.float64], NDArray[Any] | None]:
    """Return a float64 copy of real numbers, and their exact form if they are all rational.

    Parameters
    ----------
    values : array_like
        Integers, fractions, decimals or floats; a decimal is the fraction that it writes.
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
        For text, complex numbers, NaN, infinities, masked entries, ragged nesting, magnitudes above 1e150 and more
        than 2**28 entries.
    """
    array = _as_array(values, name)
    kind = array.dtype.kind
    if kind == "f":
        # numpy turns Python integers beyond int64 into floats when mixed with others: look again.
        if not isinstance(values, np.ndarray) and array.size and np.abs(array).max() >= 2.0**63:
            return _from_objects(np.asarray(values, dtype=object), name)
        if array.dtype == np.float64:
            floats = np.array(array, order="C")
        else:
            with np.errstate(over="ignore"):  # a long double above the range of float64 becomes inf, reported next
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
    raise GameError(f"{name}{place} is {short(entry)}: {name} must be real numbers, not {what}{hint}")


def _as_array(values: Any, name: str) -> NDArray[Any]:
    """Return the values as an array of numpy's choosing, with nothing lost on the way."""
    _check_size(values, name)
    try:
        array = np.asarray(values)
    except MemoryError:
        raise
    except Exception as error:  # whatever the object's own conversion raises
        _explain_ragged(values, name, error)
        raise
    if isinstance(values, np.ma.MaskedArray) and np.ma.getmaskarray(values).any():
        position = int(np.flatnonzero(np.ma.getmaskarray(values).reshape(-1))[0])
        raise GameError(
            f"{name}{_place(position, array.shape)} is masked: fill it with a number, for example by .filled(0)"
        )
    return array


def _check_size(values: Any, name: str) -> None:
    """Raise for more entries than memory is for, before any of it is taken."""
    size, inner, depth = 1, values, 0
    while depth <= _MOST_AXES:
        if isinstance(inner, np.ndarray):
            size *= inner.size
            break
        if type(inner) is not list and (not isinstance(inner, Sequence) or isinstance(inner, (str, bytes, memoryview))):
            break
        if not inner:
            break
        size *= len(inner)
        inner, depth = inner[0], depth + 1
    if depth > _MOST_AXES:
        raise GameError(f"{name} is nested more than {_MOST_AXES} deep: a game has one axis per player")
    if size > MOST_ENTRIES:
        raise GameError(f"{name} has {size:,} entries, more than the {MOST_ENTRIES:,} that fit: leave actions out")


def _from_objects(array: NDArray[Any], name: str) -> tuple[NDArray[np.float64], NDArray[Any] | None]:
    flat = array.reshape(-1).tolist()
    rational = True
    x: Any
    for position, x in enumerate(flat):
        if not isinstance(x, _REAL):
            if isinstance(x, (list, tuple, np.ndarray)):
                _explain_ragged(array.tolist(), name)
            place = _place(position, array.shape)
            raise GameError(f"{name}{place} is {short(x)}: {name} must be integers, fractions or floats")
        if isinstance(x, Decimal):
            _check_decimal(x, name, _place(position, array.shape))
        if isinstance(x, (np.integer, np.bool_)):
            continue  # exact, and at most 64 bits
        rational = rational and isinstance(x, _RATIONAL)
        size: Any = abs(float(x) if isinstance(x, np.floating) else x)
        largest = LARGEST_EXACT if isinstance(x, (int, Fraction, Decimal)) else LARGEST
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


def _check_decimal(x: Decimal, name: str, place: str) -> None:
    if not x.is_finite():
        raise GameError(f"{name}{place} is {x}: {name} must be finite (1 bad entry)")
    if x and x.adjusted() < -_MOST_DECIMALS:
        raise GameError(
            f"{name}{place} is {x:.3e}: its exact denominator has more than {_MOST_DECIMALS} digits; round it"
        )


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


def _explain_ragged(values: Any, name: str, cause: Exception | None = None) -> None:
    """Raise for nesting whose lengths differ, naming the first place."""
    level = [("", values)]
    for _ in range(_MOST_AXES):
        odd = next(((p, v) for p, v in level if _length(v) != _length(level[0][1])), None)
        if odd is not None:
            raise GameError(
                f"{name} is ragged: {name}{odd[0]} has {_length_words(odd[1])} but "
                f"{name}{level[0][0]} has {_length_words(level[0][1])}; give every row the same length"
            ) from cause
        if _length(level[0][1]) <= 0 or len(level) > MOST_ENTRIES:
            break
        level = [(f"{p}[{i}]", v) for p, vs in level for i, v in enumerate(vs)]
    said = "" if cause is None else f" ({type(cause).__name__}: {cause})"
    raise GameError(
        f"{name} cannot be read as an array of numbers{said}: give nested lists of numbers or a numpy array"
    ) from cause


def _length(value: Any) -> int:
    if isinstance(value, np.ndarray):
        return value.shape[0] if value.ndim else -1
    return len(value) if isinstance(value, Sequence) and not isinstance(value, (str, bytes)) else -1


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
    if isinstance(labels, str) or not isinstance(labels, Sequence) or len(labels) != count:
        raise GameError(f"{name} must be {count} labels in a list, got {short(labels)}")
    for i, label in enumerate(labels):
        if not isinstance(label, str):
            raise GameError(f"{name}[{i}] is {label!r}: a label is text; write {str(label)!r}")
    return tuple(labels)


def short(value: Any, *, quoted: bool = True) -> str:
    """Return how the value prints, cut to what fits a sentence."""
    try:
        text = repr(value) if quoted else str(value)
    except Exception:  # an object that cannot print itself, or an integer of too many digits
        text = f"an object of type {type(value).__name__}"
    text = " ".join(text.split())
    return text if len(text) <= 60 else f"{text[:57]}..."
