"""Search for the state map of a symmetry by refining colours: what looks alike, and leads to what looks alike.

The states as they are and the states as they look with two players exchanged are coloured together, first by what is
paid and legal there, then again and again by the colours that each profile of actions leads to. States of different
colours are never images of each other; where a colour is left to several states, one pair after another is tried.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from marlgt.games.stochastic import StochasticGame

__all__ = ["exchanged", "merged", "state_map"]

Whole = NDArray[np.int64]

_MOST_TRIALS = 2000
_DIGITS = 10


def exchanged(table: NDArray[Any], seat: int, moves: Whole, first_axis: int) -> NDArray[Any]:
    """Return a table over profiles of actions as it looks when players 0 and ``seat`` take each other's place.

    Parameters
    ----------
    table : ndarray
        The axes from ``first_axis`` on are the players' actions.
    seat : int
    moves : ndarray of int, shape (A,)
        Action a of player 0 is action ``moves[a]`` of the other.
    first_axis : int
    """
    swapped = np.swapaxes(table, first_axis, first_axis + seat)
    swapped = np.take(swapped, moves, axis=first_axis)
    return np.take(swapped, np.argsort(moves), axis=first_axis + seat)


def merged(labels: Whole, chances: NDArray[np.float64], unused: int) -> tuple[Whole, NDArray[np.float64]]:
    """Return lotteries over labels, shape (..., k), in one form: labels rise, and each stands there once."""
    names = np.where(chances > 0.0, labels, unused)
    order = np.argsort(names, axis=-1, kind="stable")
    names, shares = np.take_along_axis(names, order, -1), np.take_along_axis(chances, order, -1)
    for k in range(1, names.shape[-1]):
        same = names[..., k] == names[..., k - 1]
        shares[..., k] += np.where(same, shares[..., k - 1], 0.0)
        shares[..., k - 1] = np.where(same, 0.0, shares[..., k - 1])
        names[..., k - 1] = np.where(same, unused, names[..., k - 1])
    order = np.argsort(names, axis=-1, kind="stable")
    return np.take_along_axis(names, order, -1), np.take_along_axis(shares, order, -1)


def state_map(game: StochasticGame, seat: int, moves: Whole, *, keep_start: bool) -> Whole | None:
    """Return for each state the one that it becomes when players 0 and ``seat`` are exchanged, or None.

    The map fits all that the colours say; whether it is a symmetry is for the caller to verify.
    """
    count = game.n_states
    order = np.arange(game.n_players)
    order[[0, seat]] = seat, 0
    facts = [_facts(game, order, None, moves, keep_start), _facts(game, order, seat, moves, keep_start)]
    colours = _named(np.concatenate(facts))
    width = game.successors.shape[-1]
    successors = np.concatenate(
        [
            game.successors.reshape(count, -1, width),
            exchanged(game.successors, seat, moves, 1).reshape(count, -1, width) + count,
        ]
    )
    chances = np.concatenate(
        [
            game.probabilities.reshape(count, -1, width),
            exchanged(game.probabilities, seat, moves, 1).reshape(count, -1, width),
        ]
    )
    trials = [_MOST_TRIALS]
    return _matched(colours, successors.astype(np.int64), chances, trials)


def _facts(game: StochasticGame, order: Whole, seat: int | None, moves: Whole, keep_start: bool) -> NDArray[np.float64]:
    """Return what is paid and legal in each state, one row a state."""
    rewards, played = game.rewards, game.played
    if seat is not None:
        rewards, played = exchanged(rewards[order], seat, moves, 2), exchanged(played, seat, moves, 1)
    rows: list[NDArray[Any]] = [rewards.transpose(1, 0, *range(2, rewards.ndim)), played, game.terminal]
    if keep_start:
        rows.append(game.start)
    return (
        np.concatenate([np.round(row.reshape(game.n_states, -1).astype(float), _DIGITS) for row in rows], axis=1) + 0.0
    )


def _named(rows: NDArray[Any]) -> Whole:
    """Return a number for each row, the same for the same rows."""
    # To hash the bytes of rows is ten times as fast as to sort them, as numpy.unique does.
    names: dict[bytes, int] = {}
    return np.array([names.setdefault(row.tobytes(), len(names)) for row in np.ascontiguousarray(rows)], dtype=np.int64)


def _matched(colours: Whole, successors: Whole, chances: NDArray[np.float64], trials: list[int]) -> Whole | None:
    count = len(colours) // 2
    while True:
        if not np.array_equal(np.sort(colours[:count]), np.sort(colours[count:])):
            return None
        names, shares = merged(colours[successors], chances, -1)
        rows = [colours[:, None], names.reshape(len(colours), -1), np.round(shares, _DIGITS).reshape(len(colours), -1)]
        finer = _named(np.concatenate(rows, axis=1))
        if finer.max() == colours.max():
            break
        colours = finer
    classes = np.bincount(colours[:count])
    if classes.max() == 1:
        found = np.empty(count, dtype=np.int64)
        found[colours[:count]] = np.arange(count)
        image = np.empty(count, dtype=np.int64)
        image[found[colours[count:]]] = np.arange(count)
        return image
    shared = int(np.argmax(classes > 1))
    one = int(np.flatnonzero(colours[:count] == shared)[0])
    for other in np.flatnonzero(colours[count:] == shared):
        trials[0] -= 1
        if trials[0] < 0:
            return None
        paired = colours.copy()
        paired[one] = paired[count + other] = colours.max() + 1
        image_or_none = _matched(_named(paired[:, None]), successors, chances, trials)
        if image_or_none is not None:
            return image_or_none
    return None
