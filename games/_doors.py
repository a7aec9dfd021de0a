"""Arguments at the public door other than payoffs and profiles: games, indices, orders, numbers per player."""

from __future__ import annotations

import itertools
import os
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from marlgt.errors import BudgetExceeded, GameError
from marlgt.games._arrays import exact_and_float, short

__all__ = [
    "bounded_list",
    "index_lists",
    "is_number",
    "nonnegative",
    "per_player",
    "permutation",
    "positive",
    "require_any_game",
    "require_budget",
    "require_extensive_game",
    "require_flag",
    "require_game",
    "require_path",
    "require_policy_game",
    "require_seed",
    "require_sequence",
    "require_stochastic_game",
    "require_whole",
]


def require_budget(budget: Any, unit: str) -> None:
    """Raise GameError unless the argument is a positive amount of work, or None for no limit."""
    is_number = isinstance(budget, (int, float, np.integer, np.floating)) and not isinstance(budget, bool)
    if budget is not None and not (is_number and budget > 0):
        raise GameError(f"budget is {short(budget)}: give a positive number of {unit}, or None for no limit")


def require_flag(value: Any, name: str) -> None:
    """Raise GameError unless the argument is true or false."""
    if not isinstance(value, (bool, np.bool_)):
        raise GameError(f"{name} is {short(value)}: give True or False")


def require_seed(seed: Any) -> None:
    """Raise GameError unless the argument is a whole number from 0."""
    require_whole(seed, "seed", least=0)


def require_whole(value: Any, name: str, *, least: int) -> None:
    """Raise GameError unless the argument is a whole number from ``least``."""
    if not isinstance(value, (int, np.integer)) or isinstance(value, bool) or value < least:
        raise GameError(f"{name} is {short(value)}: give a whole number from {least}")


def is_number(value: Any, *, largest: float) -> bool:
    """Return whether the argument is a real number of at most this size: no truth value, no NaN, no infinity."""
    if isinstance(value, (bool, np.bool_)) or not isinstance(value, (int, float, np.integer, np.floating)):
        return False
    # An integer may be too large to become a float, but not too large to be compared with one.
    return -largest <= (value if isinstance(value, int) else float(value)) <= largest


def require_game(game: Any) -> None:
    """Raise GameError unless the argument is a NormalFormGame."""
    from marlgt.games.normal_form import NormalFormGame

    if not isinstance(game, NormalFormGame):
        _refuse(game, "NormalFormGame", "made for example by NormalFormGame.bimatrix(A, B)")


def require_extensive_game(game: Any) -> None:
    """Raise GameError unless the argument is an ExtensiveGame."""
    from marlgt.games.extensive import ExtensiveGame

    if not isinstance(game, ExtensiveGame):
        _refuse(game, "ExtensiveGame", "made for example by TreeBuilder")


def require_stochastic_game(game: Any) -> None:
    """Raise GameError unless the argument is a StochasticGame."""
    from marlgt.games.stochastic import StochasticGame

    if not isinstance(game, StochasticGame):
        _refuse(game, "StochasticGame", "made for example by StochasticGame.repeated(stage, discount=0.9)")


def require_policy_game(game: Any) -> None:
    """Raise GameError unless the argument is an ExtensiveGame or a StochasticGame."""
    from marlgt.games.extensive import ExtensiveGame
    from marlgt.games.stochastic import StochasticGame

    if not isinstance(game, ExtensiveGame | StochasticGame):
        raise GameError(f"game is {short(game)}: give an ExtensiveGame or a StochasticGame")


def require_any_game(game: Any) -> None:
    """Raise GameError unless the argument is a NormalFormGame, an ExtensiveGame or a StochasticGame."""
    from marlgt.games.extensive import ExtensiveGame
    from marlgt.games.normal_form import NormalFormGame
    from marlgt.games.stochastic import StochasticGame

    if not isinstance(game, NormalFormGame | ExtensiveGame | StochasticGame):
        raise GameError(f"game is {short(game)}: give a NormalFormGame, an ExtensiveGame or a StochasticGame")


_WAYS = {
    ("ExtensiveGame", "NormalFormGame"): "game.normal_form() makes one of this tree",
    ("StochasticGame", "NormalFormGame"): "game.stage_game(state, values) is the one of a state",
    ("NormalFormGame", "ExtensiveGame"): "ExtensiveGame.from_normal_form(game) makes one of this",
    ("StochasticGame", "ExtensiveGame"): "stochastic games have solvers of their own",
    ("NormalFormGame", "StochasticGame"): "StochasticGame.repeated(game, discount=0.9) repeats this one",
    ("ExtensiveGame", "StochasticGame"): "extensive games have solvers of their own",
}
"""How to come from a game of one type to one of another."""


def _refuse(game: Any, wanted: str, made: str) -> None:
    way = _WAYS.get((type(game).__name__, wanted))
    hint = f", {made}" if way is None else f"; {way}, and marlgt.solve takes every type"
    raise GameError(f"game is {short(game)}: give a{'n' if wanted[0] in 'AEIOU' else ''} {wanted}{hint}")


def require_sequence(values: Any, name: str, what: str) -> None:
    """Raise GameError unless the argument is a list, a tuple, an array or another sequence that is not text."""
    if not _is_listing(values) or len(values) == 0:
        raise GameError(f"{name} is {short(values)}: give a list of {what}")


def require_path(path: Any, name: str) -> None:
    """Raise GameError unless the argument can name a file."""
    if not isinstance(path, (str, os.PathLike)) or "\0" in os.fsdecode(path):
        raise GameError(f"{name} is {short(path)}: give the path of a file, as text or as a pathlib.Path")


def bounded_list(values: Any, name: str, what: str, *, most: int) -> list[Any]:
    """Return what an iterable gives as a list, unless it is more than can be held."""
    axes = not isinstance(values, np.ndarray) or values.ndim > 0
    if not axes or not isinstance(values, Iterable) or isinstance(values, (str, bytes, Mapping)):
        raise GameError(f"{name} is {short(values)}: give a list of {what}")
    listed = list(itertools.islice(values, most + 1))
    if len(listed) > most:
        raise BudgetExceeded(
            f"{name} lists more than {most:,}, the limit of one call: give a part of them, and then the next",
            estimate=float(len(listed)),
            limit=float(most),
        )
    return listed


def index_lists(kept: Any, counts: Sequence[int]) -> list[NDArray[np.intp]]:
    """Return the actions listed for each player, checked."""
    if not _is_listing(kept):
        raise GameError(f"kept is {short(kept)}: list the actions of each of {len(counts)} players")
    if len(kept) != len(counts):
        raise GameError(f"kept must list the actions of each of {len(counts)} players, got {len(kept)} lists")
    result = []
    for i, (given, count) in enumerate(zip(kept, counts)):
        actions = given.tolist() if isinstance(given, np.ndarray) else given
        if not _is_listing(actions) or not actions or not all(_is_index(a, count) for a in actions):
            raise GameError(f"kept[{i}] is {short(given)}: name at least one action from 0 to {count - 1}")
        result.append(np.array(actions, dtype=np.intp))
    return result


def permutation(order: Any, n: int) -> tuple[int, ...]:
    """Return an order of the players, checked."""
    listed = order.tolist() if isinstance(order, np.ndarray) else order
    if not _is_listing(listed) or not all(_is_index(i, n) for i in listed):
        raise GameError(f"order is {short(order)}: give a permutation of 0..{n - 1}")
    if sorted(listed) != list(range(n)):
        raise GameError(f"order must be a permutation of 0..{n - 1}, got {tuple(listed)}")
    return tuple(int(i) for i in listed)


def per_player(values: ArrayLike, n: int, name: str) -> tuple[NDArray[np.float64], NDArray[Any] | None]:
    """Return one number per player as floats and, where possible, exactly; a single number counts for all."""
    floats, exact = exact_and_float(values, name)
    if floats.shape not in ((), (1,), (n,)):
        raise GameError(f"{name} has shape {floats.shape}: give one number, or one for each of {n} players")
    return np.broadcast_to(floats, (n,)), None if exact is None else np.broadcast_to(exact, (n,))


def nonnegative(value: Any, name: str) -> float:
    """Return a finite number that is not negative, such as a tolerance."""
    floats, _ = exact_and_float(value, name)
    if floats.shape != () or floats < 0:
        raise GameError(f"{name} is {short(value)}: give one number that is not negative")
    return float(floats)


def positive(value: Any, name: str) -> float:
    """Return a finite number above zero."""
    number = nonnegative(value, name)
    if number == 0.0:
        raise GameError(f"{name} is {short(value)}: it must be positive")
    return number


def _is_listing(value: Any) -> bool:
    if isinstance(value, np.ndarray):
        return value.ndim > 0
    return isinstance(value, Sequence) and not isinstance(value, (str, bytes))


def _is_index(value: Any, count: int) -> bool:
    return isinstance(value, (int, np.integer)) and not isinstance(value, bool) and 0 <= int(value) < count
