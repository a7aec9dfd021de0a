"""Grids on which agents must come together, or keep out of each other's way."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from typing import Any

from marlgt.errors import BudgetExceeded, GameError
from marlgt.games._arrays import exact_and_float, short
from marlgt.games._catalogue import listed
from marlgt.games._doors import nonnegative, require_flag, require_sequence, require_whole
from marlgt.games.stochastic import StochasticGame
from marlgt.games.tabulation import tabulate

__all__ = ["coordination_grid", "predator_prey_grid"]

LARGEST_TABLE = 5_000_000
"""Outcomes of all profiles in all states that a grid game may have."""

_MOVES = {"stay": (0, 0), "north": (-1, 0), "south": (1, 0), "west": (0, -1), "east": (0, 1)}
_OVER = "over"

Cell = tuple[int, int]


@listed(n_players=2, size=605)
def predator_prey_grid(
    *,
    grid: tuple[int, int] = (3, 3),
    n_predators: int = 2,
    n_needed: int = 2,
    prey_plays: bool = False,
    step_reward: float = -0.1,
    discount: float = 0.9,
) -> StochasticGame:
    """Return a hunt on a grid: the prey is caught when enough predators stand on its cell or beside it.

    All move at once, one cell or not at all, and may share cells; a move off the grid is no move. The prey moves at
    random among its five moves, or is a player of its own, the last. When it is caught every predator gets 1 and
    the game is over; until then every step pays each ``step_reward``.

    Parameters
    ----------
    grid : tuple of (rows, columns)
    n_predators, n_needed : int
        How many hunt, and how many of them it takes.
    prey_plays : bool
        The prey chooses its moves, and gets the negative of what one predator gets.
    step_reward : float
    discount : float

    Returns
    -------
    StochasticGame
        With one predator against a prey that plays it is zero-sum; with a random prey all interests are common. A
        state lists the cells of the predators and of the prey: ``"(0, 0) (0, 2) (2, 1)"``. It begins in any
        placement in which the prey is free.

    References
    ----------
    Tan, M. (1993). Multi-agent reinforcement learning: independent vs. cooperative agents. ICML, 330-337: hunters are
    paid 1 for the prey and -0.1 for every other step.

    Examples
    --------
    >>> predator_prey_grid().is_common_interest
    True
    >>> predator_prey_grid(n_predators=1, n_needed=1, prey_plays=True).is_zero_sum
    True
    """
    cells = _cells(grid)
    require_whole(n_predators, "n_predators", least=1)
    require_whole(n_needed, "n_needed", least=1)
    if n_needed > n_predators:
        raise GameError(f"n_needed is {short(n_needed)}: it cannot be more than the {n_predators} predators")
    require_flag(prey_plays, "prey_plays")
    _require_size(len(cells), n_predators + 1)
    each, _ = exact_and_float(step_reward, "step_reward")
    if each.shape != ():
        raise GameError(f"step_reward is {short(step_reward)}: give one number")
    hunt = _Hunt(cells, n_predators, n_needed, prey_plays, float(each))
    if not hunt.initial_states():
        raise GameError(f"the prey is caught everywhere on a grid of {short(grid)}: take a larger one")
    return tabulate(hunt, discount=discount, label=_label, title="Predators and prey")


@listed(n_players=2, size=72, value=0.95**3)
def coordination_grid(
    *,
    grid: tuple[int, int] = (3, 3),
    starts: Sequence[Cell] = ((0, 0), (0, 2)),
    goals: Sequence[Cell] = ((0, 2), (0, 0)),
    walls: Sequence[Cell] = (),
    penalty: float = 0.0,
    discount: float = 0.95,
) -> StochasticGame:
    """Return a grid on which agents must all be at their goals at once without running into each other.

    All move at once, one cell or not at all; a move off the grid or into a wall is no move. Agents who would come to
    one cell or change places stay where they are, and so does everybody whose way is blocked by that; each such agent
    costs everybody ``penalty``. When all stand at their goals everybody gets 1 and the game is over. By default two
    agents change places along one side of the grid, which takes one of them a way round: four steps.

    Parameters
    ----------
    grid : tuple of (rows, columns)
    starts, goals : sequence of n (row, column)
        Different cells each.
    walls : sequence of (row, column)
    penalty : float
    discount : float

    Returns
    -------
    StochasticGame
        Of common interest. A state lists the cells of the agents: ``"(0, 0) (0, 2)"``.

    References
    ----------
    Melo, F. S. and Veloso, M. (2011). Decentralized MDPs with sparse interactions. Artificial Intelligence 175,
    1757-1789: navigation in which agents must coordinate where their ways cross.

    Examples
    --------
    >>> coordination_grid().n_states
    72
    """
    require_sequence(starts, "starts", "cells")
    require_sequence(goals, "goals", "cells")
    if not (isinstance(walls, tuple) and not walls):
        require_sequence(walls, "walls", "cells")
    cells = set(_cells(grid)) - {_cell(wall, f"walls[{k}]") for k, wall in enumerate(walls)}
    homes = [
        tuple(_cell(c, f"{name}[{i}]") for i, c in enumerate(own))
        for name, own in (("starts", starts), ("goals", goals))
    ]
    for name, own in zip(("starts", "goals"), homes):
        if not own or len(own) != len(homes[0]) or len(set(own)) < len(own) or not set(own) <= cells:
            raise GameError(f"{name} is {short(own)}: give each agent a free cell of her own, as many starts as goals")
    if homes[0] == homes[1]:
        raise GameError("starts and goals are the same: the game would be over before it begins")
    _require_size(len(cells), len(homes[0]))
    crossing = _Crossing(frozenset(cells), homes[0], homes[1], nonnegative(penalty, "penalty"))
    return tabulate(crossing, discount=discount, label=_label, title="Coordination on a grid")


class _Hunt:
    """The rules; a state holds the cells of the predators and then of the prey."""

    def __init__(self, cells: list[Cell], n_predators: int, n_needed: int, plays: bool, step_reward: float) -> None:
        self.cells, self.n_needed, self.plays, self.step_reward = cells, n_needed, plays, step_reward
        self.players = tuple(f"predator {i + 1}" for i in range(n_predators)) + (("prey",) if plays else ())
        self.n_predators = n_predators
        self.after = {(cell, move): _moved(cell, move, set(cells)) for cell in cells for move in _MOVES}
        self.near = {(cell, self.after[cell, move]) for cell in cells for move in _MOVES}

    def initial_states(self) -> list[tuple[float, Any]]:
        places = itertools.product(self.cells, repeat=self.n_predators + 1)
        free = [place for place in places if not self.caught(place)]
        return [(1.0 / len(free), place) for place in free]

    def legal_actions(self, state: Any, player: int) -> tuple[str, ...]:
        return tuple(_MOVES)

    def is_terminal(self, state: Any) -> bool:
        return bool(state == _OVER)

    def caught(self, place: tuple[Cell, ...]) -> bool:
        prey = place[-1]
        return sum((cell, prey) in self.near for cell in place[:-1]) >= self.n_needed

    def step(self, state: Any, actions: tuple[str, ...]) -> list[tuple[float, Any, tuple[float, ...]]]:
        predators = tuple(self.after[cell, move] for cell, move in zip(state[:-1], actions))
        moves = actions[-1:] if self.plays else tuple(_MOVES)
        outcomes = []
        for move in moves:
            place = (*predators, self.after[state[-1], move])
            caught = self.caught(place)
            each = 1.0 if caught else self.step_reward
            paid = (each,) * self.n_predators + ((-each,) if self.plays else ())
            outcomes.append((1.0 / len(moves), _OVER if caught else place, paid))
        return outcomes


class _Crossing:
    """The rules; a state holds the cells of the agents."""

    def __init__(
        self, cells: frozenset[Cell], starts: tuple[Cell, ...], goals: tuple[Cell, ...], penalty: float
    ) -> None:
        self.players = tuple(f"agent {i + 1}" for i in range(len(starts)))
        self.starts, self.goals, self.penalty = starts, goals, penalty
        self.after = {(cell, move): _moved(cell, move, cells) for cell in cells for move in _MOVES}

    def initial_states(self) -> list[tuple[float, Any]]:
        return [(1.0, self.starts)]

    def legal_actions(self, state: Any, player: int) -> tuple[str, ...]:
        return tuple(_MOVES)

    def is_terminal(self, state: Any) -> bool:
        return bool(state == self.goals)

    def step(self, state: Any, actions: tuple[str, ...]) -> list[tuple[float, Any, tuple[float, ...]]]:
        place = [self.after[cell, move] for cell, move in zip(state, actions)]
        stopped: set[int] = set()
        # Who is stopped stands in others' way, so look again until nobody new is.
        while True:
            fresh = {
                k
                for i, j in itertools.combinations(range(len(place)), 2)
                if place[i] == place[j] or (place[i] == state[j] and place[j] == state[i] and state[i] != place[i])
                for k in (i, j)
                if place[k] != state[k]
            }
            if not fresh:
                break
            stopped |= fresh
            for k in fresh:
                place[k] = state[k]
        arrived = tuple(place) == self.goals
        return [(1.0, tuple(place), (float(arrived) - self.penalty * len(stopped),) * len(place))]


def _cells(grid: Any) -> list[Cell]:
    rows, columns = _cell(grid, "grid")
    if rows < 1 or columns < 1:
        raise GameError(f"grid is {short(grid)}: give at least one row and one column")
    return list(itertools.product(range(rows), range(columns)))


def _cell(value: Any, name: str) -> Cell:
    try:
        row, column = value
    except (TypeError, ValueError):
        raise GameError(f"{name} is {short(value)}: give a row and a column") from None
    for part in (row, column):
        require_whole(part, name, least=0)
    return int(row), int(column)


def _moved(cell: Cell, move: str, cells: Any) -> Cell:
    target = (cell[0] + _MOVES[move][0], cell[1] + _MOVES[move][1])
    return target if target in cells else cell


def _require_size(n_cells: int, n_movers: int) -> None:
    # As a logarithm, because the power of a large number of movers would take for ever.
    digits = min(n_movers, 1000) * math.log10(n_cells * len(_MOVES))
    if digits > math.log10(LARGEST_TABLE):
        raise BudgetExceeded(
            f"the game would have up to 10**{digits:.1f} outcomes, more than {LARGEST_TABLE:,}: take a smaller grid or "
            "fewer agents",
            estimate=10 ** min(digits, 300.0),
            limit=LARGEST_TABLE,
        )


def _label(state: Any) -> str:
    return state if isinstance(state, str) else " ".join(map(str, state))
