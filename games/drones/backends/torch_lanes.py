"""Lane code on PyTorch tensors: what its words mean there, and the tables that it reads and writes.

Every kernel of :mod:`marlgt.games.drones` runs on tensors as :func:`marlgt.kernels.rebound` gives it, with the words of
:func:`vocabulary` in place of scalar ones. No tensor is ever written into, so that PyTorch can differentiate through
all of it, and no word asks a device for a value. Constants are Python's own numbers, which keep a tensor's precision.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Callable
from types import FunctionType
from typing import Any, cast

import numpy as np

from marlgt.errors import MissingDependency
from marlgt.games.drones.kernels.draws import WORD, draw, mix, normal_quantile
from marlgt.games.drones.kernels.lanes import Columns
from marlgt.games.drones.kernels.layout import EPISODE, KEY, TICK
from marlgt.kernels import rebound

try:
    import torch
except ImportError as error:
    raise MissingDependency("the backend 'torch' of marlgt.games.drones", package="PyTorch", extra="deep") from error

__all__ = ["Clock", "Drones", "Every", "Matrix", "Numbers", "filled", "on_tensors", "torch", "vocabulary"]

Word = Callable[..., Any]


def vocabulary(dtype: torch.dtype, *, differentiable: bool = False) -> dict[str, Word]:
    """Return the words of lane code on tensors, by name, for :func:`marlgt.kernels.rebound`.

    Parameters
    ----------
    dtype : torch.dtype
        Of what is made of Python's numbers alone.
    differentiable : bool, default False
        Whether a square root shall have the derivative 0 at 0, where it has none, at the cost of a little time.
    """

    def where(condition: Any, yes: Any, no: Any) -> Any:
        if not isinstance(condition, torch.Tensor):
            return yes if condition else no
        if not isinstance(yes, torch.Tensor) and not isinstance(no, torch.Tensor):
            whole = isinstance(yes, int) and isinstance(no, int)
            yes = torch.full((), yes, dtype=torch.int64 if whole else dtype, device=condition.device)
        return torch.where(condition, yes, no)

    def least(a: Any, b: Any) -> Any:
        return where(a < b, a, b)

    def most(a: Any, b: Any) -> Any:
        return where(a > b, a, b)

    def clip(a: Any, low: Any, high: Any) -> Any:
        return most(low, least(a, high))

    def absolute(a: Any) -> Any:
        return abs(a)

    def fraction(word: Any) -> Any:
        return (
            (word >> 8).to(dtype) * 5.9604644775390625e-08 if isinstance(word, torch.Tensor) else (word >> 8) * 2**-24
        )

    words: dict[str, Word] = {name: _unary(name) for name in _UNARY} | {name: _binary(name) for name in _BINARY}
    if differentiable:
        words["sqrt"] = _root
    words |= {"where": where, "least": least, "most": most, "clip": clip, "absolute": absolute, "fraction": fraction}
    return words | {
        "now": lambda c, e: c.time(present=True),
        "uniform": lambda c, k, e: c.number(k, present=False, normal=False),
        "uniform_now": lambda c, k, e: c.number(k, present=True, normal=False),
        "gaussian": lambda c, k, e: c.number(k, present=False, normal=True),
        "gaussian_now": lambda c, k, e: c.number(k, present=True, normal=True),
    }


def on_tensors(function: Word, words: dict[str, Word]) -> Word:
    """Return a kernel as a function of tensors; :func:`torch.compile` understands it."""
    bound = rebound(function, **words)
    _unname(cast("FunctionType", bound))
    return bound


def _unname(function: FunctionType) -> None:
    """Take their names from the namespaces of a bound kernel and of its callees.

    ``torch.compile`` takes a namespace with a module's name for that module's own, where the words mean other things.
    """
    names = function.__globals__
    if "__name__" not in names or names is vars(sys.modules[names["__name__"]]):
        return
    del names["__name__"]
    for name in function.__code__.co_names:
        if isinstance(names.get(name), FunctionType):
            _unname(names[name])


_UNARY = ("sqrt", "exp", "log", "sin", "cos", "tan", "asin", "acos", "atan", "tanh", "floor", "ceil")
_BINARY = ("atan2", "hypot")


def _unary(name: str) -> Word:
    tensorial, numerical = getattr(torch, name), getattr(math, name)

    def word(x: Any) -> Any:
        return tensorial(x) if isinstance(x, torch.Tensor) else numerical(x)

    return word


def _binary(name: str) -> Word:
    tensorial, numerical = getattr(torch, name), getattr(math, name)

    def word(a: Any, b: Any) -> Any:
        if isinstance(a, torch.Tensor) and not isinstance(b, torch.Tensor):
            b = torch.full_like(a, b)
        elif isinstance(b, torch.Tensor) and not isinstance(a, torch.Tensor):
            a = torch.full_like(b, a)
        return tensorial(a, b) if isinstance(a, torch.Tensor) else numerical(a, b)

    return word


def _root(x: Any) -> Any:
    """Return the square root, whose derivative at 0 is taken to be 0."""
    if not isinstance(x, torch.Tensor):
        return math.sqrt(x)
    some = x > 0.0
    # Both branches are differentiated, so that neither may hold the root of 0.
    return torch.where(some, torch.sqrt(torch.where(some, x, 1.0)), 0.0 * x)


class Matrix:
    """Rows of Python numbers that are read as ``matrix[i, j]``, for what is the same in all lanes."""

    __slots__ = ("rows",)

    def __init__(self, array: np.ndarray) -> None:
        self.rows: list[list[float]] = array.tolist()

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, key: tuple[int, int]) -> float:
        return self.rows[key[0]][key[1]]


class Every:
    """All drones at once for kernels that name one: ``every[i, field]`` has shape (n_drones, lanes) for any ``i``."""

    __slots__ = ("fields",)

    def __init__(self, fields: dict[int, Any]) -> None:
        self.fields = fields

    def __getitem__(self, key: tuple[int, int]) -> Any:
        return self.fields[key[1]]

    def __setitem__(self, key: tuple[int, int], value: Any) -> None:
        self.fields[key[1]] = value


class Drones:
    """The drones one by one: ``drones[i, field]`` is drone ``i`` in all lanes, a tensor of shape (lanes,) or a number.

    Parameters
    ----------
    fields : dict of int to Tensor of shape (n_drones, lanes)
        Read where nothing was written; what is absent is 0. :meth:`fold` writes what was written.
    n : int
        Number of drones.
    """

    __slots__ = ("_changed", "_rows", "fields", "n", "sizes")

    def __init__(self, fields: dict[int, Any], n: int) -> None:
        self.fields, self.n = fields, n
        self.sizes: Any = None
        self._rows: dict[int, list[Any]] = {}
        self._changed: dict[int, bool] = {}

    def _of(self, field: int) -> list[Any]:
        rows = self._rows.get(field)
        if rows is None:
            stored = self.fields.get(field)
            rows = [0.0] * self.n if stored is None else list(stored.unbind(0))
            self._rows[field] = rows
        return rows

    def __getitem__(self, key: tuple[int, int]) -> Any:
        return self._of(key[1])[key[0]]

    def __setitem__(self, key: tuple[int, int], value: Any) -> None:
        self._of(key[1])[key[0]] = value
        self._changed[key[1]] = True

    def fold(self, like: torch.Tensor) -> dict[int, Any]:
        """Write what was written into the fields, tensors of this one's type and lanes, and return the fields."""
        for field in self._changed:
            rows = self._rows[field]
            if all(isinstance(row, torch.Tensor) and row.shape == like.shape for row in rows):
                self.fields[field] = torch.stack([row.to(like.dtype) for row in rows])
            else:
                self.fields[field] = torch.stack([filled(row, like) for row in rows])
        self._rows, self._changed = {}, {}
        return self.fields


def filled(value: Any, like: torch.Tensor) -> torch.Tensor:
    """Return a number or a tensor as a tensor of the type and shape of another."""
    if isinstance(value, torch.Tensor):
        return value.to(like.dtype).expand(like.shape)
    return torch.full_like(like, value)


class Numbers:
    """Which random numbers kernels ask for: learnt as they ask, so that later all are drawn at the first one asked for.

    A hash takes some 40 operations, which cost about the same on one number as on a hundred.
    """

    __slots__ = ("_words", "places")

    def __init__(self) -> None:
        self.places: dict[int, int] = {}
        self._words: torch.Tensor | None = None

    def place(self, k: int) -> int:
        """Return where number ``k`` lies among those that are drawn together."""
        if k not in self.places:
            self.places[k] = len(self.places)
            self._words = None
        return self.places[k]

    def words(self, device: torch.device) -> torch.Tensor:
        """Return the numbers ``k`` in the order of their places, shape (numbers, 1)."""
        if self._words is None:
            self._words = torch.tensor(list(self.places), dtype=torch.int64, device=device)[:, None]
        return self._words


class Clock(Columns):
    """A clock on tensors, and the random numbers of its moment, drawn many at a time.

    Keys and episodes are int64; control steps are kept in the type of the physics, since PyTorch turns the product of a
    whole tensor and a number into single precision.

    Parameters
    ----------
    arrays : dict of int to Tensor of shape (lanes,)
        KEY, EPISODE, TICK.
    numbers : tuple of four Numbers
        Of the episode: uniform, normal; of the control step: uniform, normal. The clocks of an environment share them.
    """

    __slots__ = ("_drawn", "_times", "numbers")

    def __init__(self, arrays: dict[int, Any], numbers: tuple[Numbers, Numbers, Numbers, Numbers]) -> None:
        super().__init__(arrays)
        self.numbers = numbers
        self._drawn: dict[int, torch.Tensor] = {}
        self._times: dict[bool, torch.Tensor] = {}

    def __setitem__(self, field: int, value: Any) -> None:
        self.arrays[field] = value
        self._drawn, self._times = {}, {}

    def time(self, *, present: bool) -> torch.Tensor:
        """Return the time of this control step's numbers, or of the episode's, as a word."""
        if present not in self._times:
            word = mix(self.arrays[EPISODE] & WORD)
            if present:
                word = mix(word ^ (self.arrays[TICK].to(torch.int64) & WORD))
            self._times[present] = word
        return self._times[present]

    def number(self, k: int, *, present: bool, normal: bool) -> torch.Tensor:
        """Return number ``k`` of this control step or of the episode, uniform in [0, 1) or standard normal."""
        kind = 2 * present + normal
        numbers = self.numbers[kind]
        if kind not in self._drawn:
            self._drawn[kind] = self._draw(numbers.words(self.arrays[KEY].device), present=present, normal=normal)
        place = numbers.place(k)
        if place < len(self._drawn[kind]):
            return self._drawn[kind][place]
        return self._draw(k, present=present, normal=normal)

    def _draw(self, k: Any, *, present: bool, normal: bool) -> torch.Tensor:
        uniform: torch.Tensor = _DRAWS[self.arrays[TICK].dtype](self.arrays[KEY], self.time(present=present), k)
        return normal_quantile(uniform) if normal else uniform


_DRAWS = {dtype: on_tensors(draw, vocabulary(dtype)) for dtype in (torch.float32, torch.float64)}
