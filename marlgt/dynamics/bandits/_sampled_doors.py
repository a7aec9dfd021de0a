"""What rules of sampled play and populations are asked for, checked: times, seeds, shares, ranges, sizes of records."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from marlgt.dynamics.trajectory import Batch
from marlgt.errors import BudgetExceeded, GameError
from marlgt.games._arrays import exact_and_float, short
from marlgt.games._doors import require_game, require_seed
from marlgt.games.normal_form import NormalFormGame

__all__ = ["guard_size", "share", "stated_range", "unpacked"]

Floats = NDArray[np.float64]
Whole = NDArray[np.int64]

MOST_ENTRIES = 2**28
"""Most entries of a record: two gigabytes."""


def share(value: Any, name: str) -> float:
    """Return a number from 0 to 1."""
    number, _ = exact_and_float(value, name)
    if number.shape != () or not 0.0 <= number <= 1.0:
        raise GameError(f"{name} is {short(value)}: give one number from 0 to 1")
    return float(number)


def guard_size(entries: float, what: str) -> None:
    """Raise BudgetExceeded for a record too large to hold."""
    if entries > MOST_ENTRIES:
        raise BudgetExceeded(
            f"{what} would hold {entries:.1e} numbers, above the limit of {MOST_ENTRIES:.1e}: record fewer times, make "
            "fewer steps or runs, or leave out what record, joint and keep_actions ask for",
            estimate=entries,
            limit=MOST_ENTRIES,
        )


def unpacked(
    game: NormalFormGame | Batch, seed: Any, start: Any, *, starts: bool, name: str
) -> tuple[tuple[NormalFormGame, ...], Sequence[Any], tuple[int, ...]]:
    """Return the games, starts and seeds of all runs."""
    require_seed(seed)
    if not isinstance(game, Batch):
        require_game(game)
        return (game,), (start,), (int(seed),)
    if game.starts is not None and not starts:
        raise GameError(f"{name} begins with uniform strategies: leave starts out")
    seeds = (int(seed),) * len(game.games) if game.seeds is None else game.seeds
    for one in seeds:
        require_seed(one)
    return game.games, (start,) * len(game.games) if game.starts is None else game.starts, seeds


def stated_range(game: NormalFormGame, stated: ArrayLike | None) -> tuple[Floats, Floats]:
    """Return the least payoff and the spread of each player, as stated or as they are."""
    flat = game.payoffs.reshape(game.n_players, -1)
    low, high = flat.min(axis=1), flat.max(axis=1)
    if stated is not None:
        bounds, _ = exact_and_float(stated, "payoff_range")
        if bounds.shape != (2,) or not bounds[0] < bounds[1] or (low < bounds[0]).any() or (high > bounds[1]).any():
            raise GameError(
                f"payoff_range is {short(stated)}: give (low, high) with every payoff between them, which here lie "
                f"from {low.min():g} to {high.max():g}"
            )
        low, high = np.full(game.n_players, bounds[0]), np.full(game.n_players, bounds[1])
    return low, np.where(high > low, high - low, 1.0)
