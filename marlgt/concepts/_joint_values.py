"""Checks of joint action values and of what comes with them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from marlgt.errors import GameError

__all__ = ["checked_action", "checked_number", "checked_utilities", "checked_values", "checked_weights"]


def checked_values(joint_values: ArrayLike) -> NDArray[np.float64]:
    """Return joint values as floats, shape (A_1, ..., A_n), or say what is wrong with them."""
    values = _real(joint_values, "joint_values")
    if values.ndim == 0 or values.size == 0:
        raise GameError(
            f"joint_values must have shape (A_1, ..., A_n), got {values.shape}: give every agent an axis of actions"
        )
    return values


def checked_utilities(
    joint_values: ArrayLike, utilities: Sequence[ArrayLike], tolerance: float
) -> tuple[NDArray[np.float64], list[NDArray[np.float64]]]:
    """Return joint values and one utility array per agent that fit each other."""
    values = checked_values(joint_values)
    if not isinstance(utilities, Sequence | np.ndarray):
        raise GameError(f"utilities must be a sequence of arrays, got {utilities!r}: give one array per agent")
    parts = [_real(q, f"utilities[{i}]") for i, q in enumerate(utilities)]
    shapes, expected = [q.shape for q in parts], [(a,) for a in values.shape]
    if shapes != expected:
        raise GameError(
            f"utilities must have shapes {expected} to fit the joint values, got {shapes}: give one array per agent"
        )
    if checked_number(tolerance, "tolerance") < 0:
        raise GameError(f"tolerance must be at least 0, got {tolerance}: give a small number such as 1e-9")
    return values, parts


def checked_weights(weights: ArrayLike, shape: tuple[int, ...]) -> NDArray[np.float64]:
    """Return nonnegative weights of the given shape."""
    kept = _real(weights, "weights")
    if kept.shape != shape:
        raise GameError(f"weights must have the shape {shape} of the joint values, got {kept.shape}: weigh every cell")
    if kept.min() < 0 or kept.max() == 0:
        raise GameError("weights must be nonnegative and not all 0, got others: give counts or frequencies")
    return kept


def checked_action(action: Sequence[int], shape: tuple[int, ...]) -> tuple[int, ...]:
    """Return a joint action as a tuple of ints."""
    if np.shape(action) != (len(shape),) or any(a not in range(n) for a, n in zip(action, shape)):
        raise GameError(f"greedy must name one action per agent below {shape}, got {action}: actions count from 0")
    return tuple(int(a) for a in action)


def checked_number(number: float, name: str) -> float:
    """Return one finite number."""
    array = _real(number, name)
    if array.ndim:
        raise GameError(f"{name} must be one number, got shape {array.shape}: give a float")
    return float(array)


def _real(numbers: ArrayLike, name: str) -> NDArray[np.float64]:
    try:
        array = np.array(numbers, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise GameError(
            f"{name} must be made of real numbers, got {numbers!r}: give numbers, in equally long rows"
        ) from error
    if not np.isfinite(array).all():
        raise GameError(f"{name} must be finite, got nan or infinity: leave out actions that are not allowed")
    return array
