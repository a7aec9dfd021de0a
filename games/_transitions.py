"""What a stochastic game is made of, checked at the door: legal actions, successors, probabilities, the start.

Nothing is read of terminal states or of actions that are not legal, so nothing there is an error.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from marlgt.errors import GameError
from marlgt.games._arrays import exact_and_float, labels_or_default, short

__all__ = [
    "action_labels",
    "check_chances",
    "checked_discount",
    "checked_flags",
    "checked_legal",
    "checked_start",
    "checked_successors",
    "checked_values",
    "playable",
]

SUM_TOLERANCE = 1e-9
"""How far probabilities of successors, and of starting states, may be from summing to 1."""


def checked_flags(given: ArrayLike | None, shape: tuple[int, ...], name: str, *, default: bool) -> NDArray[np.bool_]:
    """Return truth values of a shape, or the default everywhere."""
    if given is None:
        return np.full(shape, default)
    flags, exact = exact_and_float(given, name)
    if flags.shape != shape or exact is None or not np.isin(flags, (0.0, 1.0)).all():
        raise GameError(f"{name} must be true or false for each entry of shape {shape}, got {short(given)}")
    return flags.astype(bool)


def checked_legal(
    legal: Sequence[ArrayLike] | None, n_states: int, counts: tuple[int, ...], ended: NDArray[np.bool_]
) -> tuple[NDArray[np.bool_], ...]:
    """Return which actions each player has in each state, at least one in states that are not terminal."""
    if legal is not None and (not _is_listing(legal) or len(legal) != len(counts)):
        raise GameError(f"legal must hold one array of shape (S, A_i) per player ({len(counts)}), got {short(legal)}")
    allowed = []
    for i, count in enumerate(counts):
        own = checked_flags(None if legal is None else legal[i], (n_states, count), f"legal[{i}]", default=True)
        dead = np.flatnonzero(~own.any(axis=1) & ~ended)
        if len(dead):
            raise GameError(
                f"player {i} has no legal action in state {dead[0]}: give her one that does nothing, or mark the state "
                "as terminal"
            )
        allowed.append(own)
    return tuple(allowed)


def checked_successors(given: ArrayLike, chances: NDArray[np.float64], played: NDArray[np.bool_]) -> NDArray[np.int32]:
    """Return the numbers of the next states, 0 where they are not read."""
    floats, exact = exact_and_float(given, "successors")
    if floats.shape != chances.shape:
        raise GameError(
            f"successors has shape {floats.shape} but probabilities has {chances.shape}: give both the same"
        )
    if exact is None or exact.dtype != np.int64:
        raise GameError(f"successors is {short(given)}: give the numbers of states")
    read = played[..., None] & (chances != 0.0)
    bad = np.argwhere(read & ((exact < 0) | (exact >= len(chances))))
    if len(bad):
        place = bad[0].tolist()
        raise GameError(
            f"successors{place} is {exact[tuple(bad[0])]}: states are numbered from 0 to {len(chances) - 1}"
        )
    return np.where(read, exact, 0).astype(np.int32)


def check_chances(chances: NDArray[np.float64], played: NDArray[np.bool_]) -> None:
    """Raise unless the probabilities of all that can be played are no less than 0 and sum to 1."""
    bad = np.argwhere(played[..., None] & (chances < 0))
    if len(bad):
        raise GameError(f"probabilities{bad[0].tolist()} is {chances[tuple(bad[0])]}: probabilities are not negative")
    sums = chances.sum(axis=-1)
    bad = np.argwhere(played & (np.abs(sums - 1.0) > SUM_TOLERANCE))
    if len(bad):
        state, *profile = bad[0].tolist()
        total = float(sums[tuple(bad[0])])
        hint = ": mark the state as terminal if the game ends there" if total == 0 else ""
        raise GameError(
            f"the probabilities of state {state} and actions {tuple(profile)} sum to {total:.10g}: they must "
            f"sum to 1{hint}"
        )


def checked_start(given: ArrayLike | None, ended: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Return the distribution of the first state, by default uniform over those that are not terminal."""
    if ended.all():
        raise GameError("every state is terminal: leave at least one in which the game is played")
    if given is None:
        return ~ended / np.count_nonzero(~ended)
    start, _ = exact_and_float(given, "start")
    if start.shape != ended.shape:
        raise GameError(f"start has shape {start.shape}: give one probability for each of {len(ended)} states")
    if start.min() < 0 or abs(start.sum() - 1.0) > SUM_TOLERANCE:
        raise GameError(f"start is {short(start)}: give probabilities that are not negative and sum to 1")
    return start


def playable(ended: NDArray[np.bool_], legal: Sequence[NDArray[np.bool_]]) -> NDArray[np.bool_]:
    """Return whether each profile of actions can be played in each state, shape (S, A_1, ..., A_n)."""
    n = len(legal)
    played = np.broadcast_to(~ended.reshape((-1,) + (1,) * n), (len(ended), *(own.shape[1] for own in legal))).copy()
    for i, own in enumerate(legal):
        played &= own.reshape((len(ended), *(own.shape[1] if j == i else 1 for j in range(n))))
    return played


def checked_values(state: Any, values: ArrayLike, shape: tuple[int, int]) -> NDArray[np.float64]:
    """Return what each state is worth to each player, if the state is one of them."""
    worth, _ = exact_and_float(values, "values")
    if worth.shape != shape:
        raise GameError(f"values has shape {worth.shape}: it must be {shape}, what each state is worth to each player")
    if not isinstance(state, (int, np.integer)) or isinstance(state, bool) or not 0 <= state < shape[1]:
        raise GameError(f"state is {short(state)}: states are numbered from 0 to {shape[1] - 1}")
    return worth


def checked_discount(discount: Any) -> float:
    """Return a number from 0 to 1."""
    value, _ = exact_and_float(discount, "discount")
    if value.shape != () or not 0.0 <= value <= 1.0:
        raise GameError(f"discount is {short(discount)}: give a number from 0 to 1")
    return float(value)


def action_labels(given: Any, counts: tuple[int, ...]) -> tuple[tuple[str, ...], ...]:
    """Return a label for each action of each player, by default the numbers from 0."""
    if given is not None and (not _is_listing(given) or len(given) != len(counts)):
        raise GameError(f"actions must hold one list of labels per player ({len(counts)}), got {short(given)}")
    return tuple(
        labels_or_default(None if given is None else given[i], count, f"actions[{i}]", first=0)
        for i, count in enumerate(counts)
    )


def _is_listing(value: Any) -> bool:
    if isinstance(value, np.ndarray):
        return value.ndim > 0
    return isinstance(value, Sequence) and not isinstance(value, (str, bytes))
