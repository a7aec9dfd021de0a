"""The tables of level-based foraging: for all placements of the agents at once, what every profile of actions does."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

__all__ = ["ACTIONS", "Cell", "World", "foraging_tables", "n_placements", "placements"]

Cell = tuple[int, int]
Present = tuple[bool, ...]

ACTIONS = ("none", "north", "south", "west", "east", "load")
_MOVES = ((0, 0), (-1, 0), (1, 0), (0, -1), (0, 1), (0, 0))
_LOAD = 5
_PAIR = 2


class World(NamedTuple):
    """The grid, the levels of the agents, and where food of which level lies."""

    grid: Cell
    levels: tuple[int, ...]
    foods: tuple[Cell, ...]
    food_levels: tuple[int, ...]

    @property
    def n_cells(self) -> int:
        """The number of cells."""
        return self.grid[0] * self.grid[1]


def n_placements(world: World) -> int:
    """Return how many states there are in which some food is left, without making them."""
    count, n = 0, len(world.levels)
    for left in range(1, len(world.foods) + 1):
        free = world.n_cells - left
        count += math.comb(len(world.foods), left) * (free * (free - 1) if n == _PAIR else free**n)
    return count


def placements(world: World) -> list[tuple[Present, NDArray[np.int64]]]:
    """Return for each set of foods that are left, all first, the cells of the agents in every state, shape (S, n)."""
    n, stages = len(world.levels), []
    for present in _stages(world):
        taken = {food for food, there in zip(_cells(world), present) if there}
        free = np.array([cell for cell in range(world.n_cells) if cell not in taken])
        places = free[np.indices((len(free),) * n).reshape(n, -1).T]
        if n == _PAIR:
            # Of two agents who try to move neither can be kept from leaving the cell that the other enters.
            places = places[places[:, 0] != places[:, 1]]
        stages.append((present, places))
    return stages


def foraging_tables(
    world: World, stages: Sequence[tuple[Present, NDArray[np.int64]]], *, normalised: bool, penalty: float
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Return the next states and the rewards, shapes (S + 1, 6**n) and (n, S + 1, 6**n); the last state is the end."""
    n = len(world.levels)
    end = sum(len(places) for _, places in stages)
    numbers, first = {}, 0
    for present, places in stages:
        table = np.full((world.n_cells,) * n, -1)
        table[tuple(places.T)] = np.arange(first, first + len(places))
        numbers[present], first = table, first + len(places)
    successors = np.full((end + 1, len(ACTIONS) ** n), end)
    rewards = np.zeros((n, *successors.shape))
    for present, places in stages:
        own = numbers[present][tuple(places.T)]
        after, loading = _moved(world, present, places)
        paid, gone = _gathered(world, loading, normalised=normalised, penalty=penalty)
        rewards[:, own] = np.moveaxis(paid, -1, 0)
        following = np.full(gone.shape, end)
        for code in np.unique(gone):
            left = tuple(there and not code >> k & 1 for k, there in enumerate(present))
            if any(left):
                where = gone == code
                following[where] = numbers[left][tuple(after[where].T)]
        successors[own] = following
    return successors, rewards


def _stages(world: World) -> list[Present]:
    return list(itertools.product((True, False), repeat=len(world.foods)))[:-1]


def _cells(world: World) -> list[int]:
    return [row * world.grid[1] + column for row, column in world.foods]


def _moved(world: World, present: Present, places: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return where the agents stand after each profile, and which food each tries to load (-1: none)."""
    rows, columns = world.grid
    taken = {cell: k for k, cell in enumerate(_cells(world)) if present[k]}
    targets = np.tile(np.arange(world.n_cells)[:, None], len(ACTIONS))
    beside = np.full(world.n_cells, -1)
    for cell, (action, (down, right)) in itertools.product(range(world.n_cells), enumerate(_MOVES)):
        row, column = cell // columns + down, cell % columns + right
        if not (0 <= row < rows and 0 <= column < columns):
            continue
        target = row * columns + column
        if target in taken:
            beside[cell] = taken[target]
        else:
            targets[cell, action] = target
    n = places.shape[1]
    actions = np.indices((len(ACTIONS),) * n).reshape(n, -1).T
    tried = targets[places[:, None, :], actions]
    blocked = np.zeros(tried.shape, dtype=bool)
    for i, j in itertools.permutations(range(n), 2):
        blocked[..., i] |= tried[..., i] == tried[..., j]
    after = np.where(blocked, places[:, None, :], tried)
    return after, np.where(actions == _LOAD, beside[places][:, None, :], -1)


def _gathered(
    world: World, loading: NDArray[np.int64], *, normalised: bool, penalty: float
) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Return what the agents get, shape (S, P, n), and which foods are gone as bits, shape (S, P)."""
    levels = np.array(world.levels, dtype=np.float64)
    paid = np.zeros(loading.shape)
    gone = np.zeros(loading.shape[:-1], dtype=np.int64)
    for k, level in enumerate(world.food_levels):
        loaders = loading == k
        strength = (loaders * levels).sum(axis=-1)
        lifted = strength >= level
        worth = levels * level
        share = worth / np.maximum(strength * sum(world.food_levels), 1.0)[..., None] if normalised else worth
        paid += np.where(loaders, np.where(lifted[..., None], share, -penalty), 0.0)
        gone |= lifted.astype(np.int64) << k
    return paid, gone
