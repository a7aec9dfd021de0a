"""Level-based foraging: agents of different levels gather food that some can only lift together.

The table has the transitions and rewards of the ``lbforaging`` package, version 2.0.0, also where they surprise:

- Agents that would come to the same cell, or to one whose occupant does not try to move, stay where they are. An
  occupant who tries to move and is blocked does not keep others out, so with three agents or more two can come to
  stand on one cell.
- A move off the grid or onto food is no move, and neither is loading with no food beside.
- Food is loaded by all agents beside it who load in the same step, if their levels sum to its level at least.

The limit on the number of steps is not part of the game: see the horizon of :func:`~marlgt.games.parallel_env`.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from marlgt.errors import BudgetExceeded, GameError
from marlgt.games._arrays import short
from marlgt.games._catalogue import listed
from marlgt.games._doors import nonnegative, require_flag, require_sequence, require_stochastic_game
from marlgt.games.markov._foraging import ACTIONS, Cell, World, foraging_tables, n_placements, placements
from marlgt.games.stochastic import StochasticGame

__all__ = ["foraging_state", "level_based_foraging"]

LARGEST_TABLE = 20_000_000
"""Players times states times profiles of actions that a foraging game may have."""


@listed(n_players=2, size=1611)
def level_based_foraging(
    *,
    grid: tuple[int, int] = (5, 5),
    player_levels: Sequence[int] = (1, 1),
    foods: Sequence[Cell] = ((1, 1), (3, 3)),
    food_levels: Sequence[int] = (1, 2),
    start: Sequence[Cell] | None = None,
    cooperative: bool = False,
    normalised: bool = True,
    penalty: float = 0.0,
    shared_reward: bool = False,
    discount: float = 0.95,
) -> StochasticGame:
    """Return level-based foraging with food in given places, over when all of it is gathered.

    All agents act at once and see everything: each does nothing, moves north, south, west or east, or loads the food
    beside her. Food is gathered when the levels of those who load it sum to at least its own. Who loads it gets its
    level times her own, divided by the sum of the levels of those who load it and by the levels of all food, so that
    all rewards of a game sum to 1.

    Parameters
    ----------
    grid : tuple of (rows, columns)
    player_levels : sequence of n int
    foods : sequence of (row, column)
        Not on the border, and no two of them in neighbouring cells, corners included, or two cells apart in a line:
        as lbforaging places them, so that no agent is ever beside two.
    food_levels : sequence of int
        The level of each.
    start : sequence of n (row, column), optional
        Where the agents begin; by default all placements on different free cells are alike.
    cooperative : bool
        Take all agents (the three weakest, if there are more) to lift any food: the levels of the food are set so.
    normalised : bool
        If false, an agent gets her level times that of the food.
    penalty : float
        What every agent loses who tries to load food that those who load it cannot lift.
    shared_reward : bool
        Everybody gets the sum of the rewards.
    discount : float

    Returns
    -------
    StochasticGame
        :func:`foraging_state` finds a state. With one or two agents the states are the placements on different
        cells, with more also those on the same cell; the last state is terminal.

    Raises
    ------
    GameError
        For a world that does not fit together.
    BudgetExceeded
        If the table would be too large.

    References
    ----------
    Albrecht, S. V. and Ramamoorthy, S. (2013). A game-theoretic model and best-response learning method for ad hoc
    coordination in multiagent systems. AAMAS, 1155-1156.
    Papoudakis, G., Christianos, F., Schaefer, L. and Albrecht, S. V. (2021). Benchmarking multi-agent deep
    reinforcement learning algorithms in cooperative tasks. NeurIPS Datasets and Benchmarks.

    Examples
    --------
    >>> game = level_based_foraging()
    >>> game.n_states, game.actions[0]
    (1611, ('none', 'north', 'south', 'west', 'east', 'load'))
    >>> game.states[foraging_state(game, [(0, 0), (4, 4)], food=[True, False])]
    'agents (0, 0) (4, 4), food 10'
    """
    for name, flag in (("cooperative", cooperative), ("normalised", normalised), ("shared_reward", shared_reward)):
        require_flag(flag, name)
    levels = _whole_numbers(player_levels, "player_levels", least=1)
    strength = sum(sorted(levels)[:3])
    given = _whole_numbers(food_levels, "food_levels", least=1)
    world = _world(grid, levels, foods, (strength,) * len(given) if cooperative else given)
    loss = nonnegative(penalty, "penalty")
    size, profiles = n_placements(world), len(ACTIONS) ** len(levels)
    if size * profiles * len(levels) > LARGEST_TABLE:
        raise BudgetExceeded(
            f"the game has {size:,} states of {profiles:,} profiles, more than {LARGEST_TABLE:,} rewards: take a "
            "smaller grid, or fewer agents or food",
            estimate=float(size * profiles * len(levels)),
            limit=LARGEST_TABLE,
        )
    stages = placements(world)
    successors, rewards = foraging_tables(world, stages, normalised=normalised, penalty=loss)
    if shared_reward:
        rewards[:] = rewards.sum(axis=0)
    shape = (size + 1, *(len(ACTIONS),) * len(levels))
    return StochasticGame(
        rewards.reshape(len(levels), *shape),
        successors.reshape(*shape, 1),
        np.ones((*shape, 1)),
        discount=discount,
        start=_start(world, stages[0][1], start, size),
        terminal=np.arange(size + 1) == size,
        states=[*(_label(world, present, place) for present, places in stages for place in places.tolist()), "over"],
        actions=[list(ACTIONS)] * len(levels),
        title="Level-based foraging",
    )


def foraging_state(game: StochasticGame, agents: Sequence[Cell], food: Sequence[bool]) -> int:
    """Return the number of a state of :func:`level_based_foraging`.

    Parameters
    ----------
    game : StochasticGame
    agents : sequence of n (row, column)
    food : sequence of bool
        Whether each food is still there, in the order given to the game.

    Examples
    --------
    >>> foraging_state(level_based_foraging(), [(0, 0), (0, 1)], food=[True, True])
    0
    """
    require_stochastic_game(game)
    require_sequence(agents, "agents", "cells")
    require_sequence(food, "food", "truth values")
    places = [_cell(place, f"agents[{i}]") for i, place in enumerate(agents)]
    label = _written(places, food) if any(food) else "over"
    if label not in game.states:
        raise GameError(
            f"{label!r} is no state of the game: name free cells of its grid, and say whether each food is there"
        )
    return game.states.index(label)


def _start(world: World, places: NDArray[np.int64], start: Any, size: int) -> NDArray[np.float64]:
    chances = np.zeros(size + 1)
    if start is None:
        ordered = np.sort(places, axis=1)
        apart = (np.diff(ordered, axis=1) > 0).all(axis=1)
        chances[: len(places)] = apart / np.count_nonzero(apart)
        return chances
    require_sequence(start, "start", "cells")
    cells = [_cell(place, f"start[{i}]") for i, place in enumerate(start)]
    numbers = [row * world.grid[1] + column for row, column in cells if row < world.grid[0] and column < world.grid[1]]
    fits = len(set(numbers)) == len(cells) == len(world.levels)
    found = np.flatnonzero((places == numbers).all(axis=1)) if fits else np.zeros(0, dtype=np.int64)
    if not len(found):
        raise GameError(f"start is {short(start)}: give each of {len(world.levels)} agents a free cell of her own")
    chances[found] = 1.0
    return chances


def _written(agents: Sequence[Cell], food: Sequence[bool]) -> str:
    places = " ".join(f"({int(row)}, {int(column)})" for row, column in agents)
    return f"agents {places}, food {''.join('1' if there else '0' for there in food)}"


def _label(world: World, present: tuple[bool, ...], place: Sequence[int]) -> str:
    return _written([divmod(cell, world.grid[1]) for cell in place], present)


def _world(grid: Any, levels: tuple[int, ...], foods: Any, food_levels: tuple[int, ...]) -> World:
    rows, columns = _cell(grid, "grid")
    require_sequence(foods, "foods", "cells")
    places = tuple(_cell(food, f"foods[{k}]") for k, food in enumerate(foods))
    if not places or len(places) != len(food_levels):
        raise GameError(f"there are {len(places)} foods and {len(food_levels)} levels of food: give one level for each")
    for k, (row, column) in enumerate(places):
        if not (0 < row < rows - 1 and 0 < column < columns - 1):
            raise GameError(
                f"foods[{k}] is {(row, column)}: food lies inside of the border of a {rows} x {columns} grid"
            )
    for one, other in itertools.combinations(places, 2):
        apart = sorted((abs(one[0] - other[0]), abs(one[1] - other[1])))
        if apart[1] <= 1 or apart == [0, 2]:
            raise GameError(f"foods at {one} and {other} are too close: no agent may be beside two of them")
    free = rows * columns - len(places)
    if len(levels) > free:
        raise GameError(f"{len(levels)} agents do not fit on the {free} free cells of the grid")
    return World((rows, columns), levels, places, food_levels)


def _cell(value: Any, name: str) -> Cell:
    pair = _whole_numbers(value, name, least=0)
    if len(pair) != 2:
        raise GameError(f"{name} is {short(value)}: give a row and a column")
    return pair[0], pair[1]


def _whole_numbers(values: Any, name: str, *, least: int) -> tuple[int, ...]:
    listed_values = (
        list(values) if isinstance(values, Sequence) or (isinstance(values, np.ndarray) and values.ndim) else []
    )
    fit = (isinstance(v, (int, np.integer)) and not isinstance(v, bool) and v >= least for v in listed_values)
    if not listed_values or isinstance(values, str) or not all(fit):
        raise GameError(f"{name} is {short(values)}: give whole numbers from {least}")
    return tuple(int(v) for v in listed_values)
