"""How the strategies draw: a shape, then all payoffs of the game in one draw of bytes.

One draw for a whole tensor is faster than one for each entry and leaves Hypothesis few choices to shrink.
The bytes are ordered so that the shrinker, which lowers bytes from the left, ends at payoffs of zero and,
on the way, at integers before fractions. They are drawn for the largest shape allowed, and the game keeps some
of its actions, so that dropping one leaves the payoffs of the others as they were.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import prod
from typing import Any, NamedTuple, TypeVar

import numpy as np
from hypothesis import strategies as st
from numpy.typing import NDArray

from marlgt.errors import GameError
from marlgt.games.normal_form import NormalFormGame

__all__ = [
    "Actions",
    "Count",
    "Draw",
    "Frame",
    "Games",
    "choice",
    "codes",
    "composed",
    "drawn_bytes",
    "fixed_point",
    "frames",
    "integers",
    "number",
    "players",
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
_MOST_ACTIONS = 8
_MOST_BYTES = 4096
_DROPPED_BELOW = 80


def number(count: Count, name: str) -> st.SearchStrategy[int]:
    """Return a strategy for a count, which ``name`` names in an error."""
    if isinstance(count, st.SearchStrategy):
        return count
    if isinstance(count, range):
        if not count or min(count) < 1:
            raise GameError(f"{name} is {count}: give a range of positive numbers such as range(1, 5)")
        return st.sampled_from(sorted(count))
    if isinstance(count, bool) or not isinstance(count, int) or count < 1:
        raise GameError(f"{name} is {count!r}: give a positive number, a range or a strategy for one")
    return st.just(count)


def players(n_players: Count) -> st.SearchStrategy[int]:
    """Return a strategy for the number of players."""
    return number(n_players, "n_players")


class Frame(NamedTuple):
    """The actions that a game keeps of the largest one that could have been drawn.

    Attributes
    ----------
    kept : tuple of n tuples of int
    largest : tuple of n int
    """

    kept: tuple[tuple[int, ...], ...]
    largest: tuple[int, ...]

    @property
    def shape(self) -> tuple[int, ...]:
        """The numbers of actions."""
        return tuple(len(actions) for actions in self.kept)

    def square(self) -> Frame:
        """Return the frame with the first player's actions for all."""
        return Frame(self.kept[:1] * len(self.kept), self.largest[:1] * len(self.kept))


def frames(draw: Draw, n_players: Count, n_actions: Actions) -> Frame:
    """Draw which actions each player has, shrinking to the fewest, whichever these are."""
    n = draw(players(n_players))
    if isinstance(n_actions, Sequence) and not isinstance(n_actions, range):
        if len(n_actions) != n:
            raise GameError(f"n_actions lists {len(n_actions)} numbers but the game has {n} players")
        counts = [(c, f"n_actions[{i}]") for i, c in enumerate(n_actions)]
    else:
        counts = [(_DEFAULT_ACTIONS.get(n, _MANY_PLAYERS) if n_actions is None else n_actions, "n_actions")] * n
    kept, largest = zip(*(_actions(draw, count, name) for count, name in counts))
    return Frame(kept, largest)


def _actions(draw: Draw, count: Count, name: str) -> tuple[tuple[int, ...], int]:
    strategy = number(count, name)
    if not isinstance(count, range) or count.step != 1 or len(count) == 1 or max(count) > _MOST_ACTIONS:
        drawn = draw(strategy)
        return tuple(range(drawn)), drawn
    # A byte for each action says whether it stays, so that the shrinker can drop any of them.
    raw = drawn_bytes(draw, max(count))
    order = sorted(range(max(count)), key=lambda a: (raw[a] < _DROPPED_BELOW, a))
    kept = max(min(count), int((raw >= _DROPPED_BELOW).sum()))
    return tuple(sorted(order[:kept])), max(count)


def integers(draw: Draw, leading: int, frame: Frame, *, magnitude: int = 2) -> NDArray[np.int64]:
    """Draw ``leading`` tensors of integers from ``-magnitude`` to ``magnitude``, shrinking to zero."""
    raw = drawn_bytes(draw, leading * prod(frame.largest)).astype(np.int64)
    return _within(_zigzag(raw % (2 * magnitude + 1)), leading, frame)


def codes(draw: Draw, leading: int, frame: Frame) -> NDArray[np.int64]:
    """Draw ``leading`` tensors of whole numbers from 0 to 255, shrinking to zero."""
    return _within(drawn_bytes(draw, leading * prod(frame.largest)).astype(np.int64), leading, frame)


def fixed_point(draw: Draw, leading: int, frame: Frame) -> NDArray[np.float64]:
    """Draw ``leading`` tensors of floats between -128 and 128 in steps of 2**-24, shrinking to small integers."""
    raw = drawn_bytes(draw, 4 * leading * prod(frame.largest)).reshape(4, -1).astype(np.int64)
    fraction = (raw[0] << 16) | (raw[1] << 8) | raw[2]
    whole = _zigzag(raw[3])
    return _within(whole + np.where(whole < 0, -fraction, fraction) * 2.0**-24, leading, frame)


def choice(draw: Draw, options: Sequence[_T]) -> _T:
    """Draw one of the options, shrinking to the first."""
    return options[draw(st.integers(0, len(options) - 1))]


def drawn_bytes(draw: Draw, size: int) -> NDArray[np.uint8]:
    """Draw bytes, shrinking to zeros; more than Hypothesis can hold come from a seed that it draws."""
    if size > _MOST_BYTES:
        seed = draw(st.integers(0, 2**32 - 1))
        return np.random.default_rng(seed).integers(0, 256 if seed else 1, size, dtype=np.uint8)
    return np.frombuffer(draw(st.binary(min_size=size, max_size=size)), dtype=np.uint8)


def _within(flat: NDArray[Any], leading: int, frame: Frame) -> NDArray[Any]:
    return flat.reshape(leading, *frame.largest)[np.ix_(range(leading), *frame.kept)]


def _zigzag(codes: NDArray[np.int64]) -> NDArray[np.int64]:
    """Map 0, 1, 2, 3, 4 ... to 0, 1, -1, 2, -2 ..."""
    return np.where(codes % 2 == 1, (codes + 1) // 2, -(codes // 2))


def composed(build: Callable[[Draw], NormalFormGame]) -> Games:
    """Return the strategy that calls ``build`` with a function to draw with."""
    return st.composite(build)()


def values(draw: Draw, leading: int, frame: Frame) -> NDArray[Any]:
    """Draw payoffs with ties, or without."""
    if draw(st.booleans()):
        return fixed_point(draw, leading, frame)
    return integers(draw, leading, frame, magnitude=3)


def two_actions(draw: Draw, shape: tuple[int, ...]) -> tuple[int, int, int]:
    """Draw a player with two different actions of theirs; the same one twice where nobody has two."""
    able = [i for i, count in enumerate(shape) if count > 1]
    if not able:
        return 0, 0, 0
    player = choice(draw, able)
    first = draw(st.integers(0, shape[player] - 1))
    second = draw(st.integers(0, shape[player] - 2))
    return player, first, second + (second >= first)
