"""How the strategies draw: a shape, then all payoffs of the game in one draw of bytes.

One draw for a whole tensor is faster than one for each entry and leaves Hypothesis few choices to shrink.
The bytes are ordered so that the shrinker, which lowers bytes from the left, ends at payoffs of zero and,
on the way, at integers before fractions. They are drawn for the largest shape allowed and the game is the
leading corner, so that a smaller shape keeps the payoffs that it shares with the larger one.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import prod
from typing import Any, TypeVar

import numpy as np
from hypothesis import strategies as st
from numpy.typing import NDArray

from marlgt.errors import GameError
from marlgt.games.normal_form import NormalFormGame

__all__ = [
    "Actions",
    "Count",
    "Draw",
    "Games",
    "choice",
    "composed",
    "fixed_point",
    "integers",
    "players",
    "shapes",
    "two_actions",
    "values",
]

Draw = Callable[[st.SearchStrategy[Any]], Any]
Count = int | range | st.SearchStrategy[int]
"""A number, a range of numbers, or a strategy for them."""
Actions = Count | Sequence[Count] | None
"""A count for all players, a range or strategy to draw each from, one of these per player, or the default."""

Games = st.SearchStrategy[NormalFormGame]

_T = TypeVar("_T")
_DEFAULT_ACTIONS = {1: range(1, 6), 2: range(1, 5), 3: range(1, 4)}
_MANY_PLAYERS = range(1, 3)


def _strategy(count: Count, name: str) -> tuple[st.SearchStrategy[int], int | None]:
    """Return a strategy for the count and its largest value, where that is known."""
    if isinstance(count, st.SearchStrategy):
        return count, None
    if isinstance(count, range):
        if not count or min(count) < 1:
            raise GameError(f"{name} is {count}: give a range of positive numbers such as range(1, 5)")
        return st.sampled_from(sorted(count)), max(count)
    if isinstance(count, bool) or not isinstance(count, int) or count < 1:
        raise GameError(f"{name} is {count!r}: give a positive number, a range or a strategy for one")
    return st.just(count), count


def players(n_players: Count) -> st.SearchStrategy[int]:
    """Return a strategy for the number of players."""
    return _strategy(n_players, "n_players")[0]


def shapes(draw: Draw, n_players: Count, n_actions: Actions) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Draw the numbers of actions, and give beside them the largest ones that could have been drawn."""
    n = draw(players(n_players))
    if isinstance(n_actions, Sequence) and not isinstance(n_actions, range):
        if len(n_actions) != n:
            raise GameError(f"n_actions lists {len(n_actions)} numbers but the game has {n} players")
        counts = [_strategy(c, f"n_actions[{i}]") for i, c in enumerate(n_actions)]
    else:
        default = _DEFAULT_ACTIONS.get(n, _MANY_PLAYERS)
        counts = [_strategy(default if n_actions is None else n_actions, "n_actions")] * n
    shape = tuple(draw(strategy) for strategy, _ in counts)
    return shape, tuple(size if most is None else most for size, (_, most) in zip(shape, counts))


def integers(
    draw: Draw, leading: int, shape: tuple[int, ...], largest: tuple[int, ...], *, magnitude: int = 2
) -> NDArray[np.int64]:
    """Draw ``leading`` tensors of integers from ``-magnitude`` to ``magnitude``, shrinking to zero.

    Parameters
    ----------
    shape, largest : tuple of int
        As :func:`shapes` gives them.
    """
    raw = _corner(_bytes(draw, leading * prod(largest)), (leading, *largest), shape)
    return _zigzag(raw.astype(np.int64) % (2 * magnitude + 1))


def fixed_point(draw: Draw, leading: int, shape: tuple[int, ...], largest: tuple[int, ...]) -> NDArray[np.float64]:
    """Draw ``leading`` tensors of floats between -128 and 128 in steps of 2**-24, shrinking to small integers."""
    size = leading * prod(largest)
    raw = np.frombuffer(draw(st.binary(min_size=4 * size, max_size=4 * size)), dtype=np.uint8).reshape(4, size)
    raw = raw.astype(np.int64)
    fraction = (raw[0] << 16) | (raw[1] << 8) | raw[2]
    whole = _zigzag(raw[3])
    values = whole + np.where(whole < 0, -fraction, fraction) * 2.0**-24
    return _corner(values, (leading, *largest), shape)


def choice(draw: Draw, options: Sequence[_T]) -> _T:
    """Draw one of the options, shrinking to the first."""
    return options[draw(st.integers(0, len(options) - 1))]


def _bytes(draw: Draw, size: int) -> NDArray[np.uint8]:
    return np.frombuffer(draw(st.binary(min_size=size, max_size=size)), dtype=np.uint8)


def _corner(flat: NDArray[Any], largest: tuple[int, ...], shape: tuple[int, ...]) -> NDArray[Any]:
    return flat.reshape(largest)[(slice(None), *(slice(count) for count in shape))]


def _zigzag(codes: NDArray[np.int64]) -> NDArray[np.int64]:
    """Map 0, 1, 2, 3, 4 ... to 0, 1, -1, 2, -2 ..."""
    return np.where(codes % 2 == 1, (codes + 1) // 2, -(codes // 2))


def composed(build: Callable[[Draw], NormalFormGame]) -> Games:
    """Return the strategy that calls ``build`` with a function to draw with."""
    return st.composite(build)()


def values(draw: Draw, leading: int, shape: tuple[int, ...], largest: tuple[int, ...]) -> NDArray[Any]:
    """Draw payoffs with ties, or without."""
    if draw(st.booleans()):
        return fixed_point(draw, leading, shape, largest)
    return integers(draw, leading, shape, largest, magnitude=3)


def two_actions(draw: Draw, shape: tuple[int, ...]) -> tuple[int, int, int]:
    """Draw a player with two different actions of theirs; the same one twice where nobody has two."""
    able = [i for i, count in enumerate(shape) if count > 1]
    if not able:
        return 0, 0, 0
    player = choice(draw, able)
    first = draw(st.integers(0, shape[player] - 1))
    second = draw(st.integers(0, shape[player] - 2))
    return player, first, second + (second >= first)
