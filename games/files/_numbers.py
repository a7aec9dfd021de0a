"""Exact numbers of game files: compact arrays of them, quick reading of short ones, and floats taken back."""

from __future__ import annotations

import re
from fractions import Fraction
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["compact", "quick_number", "restored", "restored_distribution"]

_WHOLE = re.compile(r"[+-]?[0-9]{1,18}+\Z")
_DECIMAL = re.compile(r"([+-]?[0-9]{1,18}+)\.([0-9]{1,18}+)\Z")
_RATIO = re.compile(r"([+-]?[0-9]{1,18}+)/([1-9][0-9]{0,17}+)\Z")
_FLOAT_DIGITS = 15
"""Digits from which a decimal may be a float that was rounded when it was written."""

_DEFICIT = Fraction(1, 10**9)
"""How far written probabilities may be from summing to 1 and still be rounded floats."""


def compact(values: list[Any]) -> NDArray[Any]:
    """Return exact numbers as int64 where all are whole and fit, else as objects."""
    if all(x.denominator == 1 and -(2**63) <= x < 2**63 for x in values):
        return np.array([int(x) for x in values], dtype=np.int64)
    exact = np.empty(len(values), dtype=object)
    exact[:] = values
    return exact


def quick_number(token: str) -> int | Fraction | None:
    """Return the number that a short and common token writes; None for any other token."""
    if _WHOLE.match(token):
        return int(token)
    match = _DECIMAL.match(token)
    if match is not None:
        whole, decimals = match.groups()
        return Fraction(int(whole + decimals), 10 ** len(decimals))
    match = _RATIO.match(token)
    return None if match is None else Fraction(int(match[1]), int(match[2]))


def restored(value: Fraction, token: str, max_denominator: int) -> Fraction:
    """Return the simple fraction that a decimal of many digits was rounded from, or the value as it is.

    A decimal of 15 or more significant digits becomes the nearest fraction of bounded denominator if it could be that
    fraction's float, rounded to the digits that are written: at most half a unit of the last digit apart, or one unit
    in the last place of the float.
    """
    mantissa, _, exponent = token.lower().partition("e")
    digits = "".join(filter(str.isdigit, mantissa)).strip("0")
    if "/" in token or len(digits) < _FLOAT_DIGITS:
        return value
    places = len(mantissa.partition(".")[2]) - int(exponent or 0)
    near = value.limit_denominator(max_denominator)
    slack = max(Fraction(1, 2) / Fraction(10) ** places, Fraction(float(np.spacing(abs(float(value))))))
    return near if abs(near - value) <= slack else value


def restored_distribution(values: list[Fraction], tokens: list[str], max_denominator: int) -> list[Fraction] | None:
    """Return the probabilities that rounded decimals stand for, summing to exactly 1; None if they are far from it.

    Where the simple fractions of :func:`restored` leave a difference, which is then rounding, the largest
    probability takes it.
    """
    fractions = [restored(value, token, max_denominator) for value, token in zip(values, tokens)]
    deficit = 1 - sum(fractions, Fraction(0))
    if not deficit:
        return fractions
    largest = max(range(len(fractions)), key=fractions.__getitem__)
    if abs(deficit) > _DEFICIT or min(fractions) < 0:
        return None
    fractions[largest] += deficit
    return fractions
