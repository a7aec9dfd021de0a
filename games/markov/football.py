"""Soccer on a grid: two players, one ball, and moves that are made in a random order (Littman 1994).

A state is the cells of A and of B, which differ, and who has the ball: 20 * 19 * 2 = 760 states, and one more when
a goal has been scored. State (a, b, ball) has the number ``2 * (19 * a + b - [b > a]) + ball``, with cells numbered
row by row.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from marlgt.errors import GameError
from marlgt.games._arrays import short
from marlgt.games._catalogue import listed
from marlgt.games.stochastic import StochasticGame

__all__ = ["soccer", "soccer_state"]

_ROWS, _COLUMNS = 4, 5
_GOAL_ROWS = (1, 2)
_MOVES = {"N": (-1, 0), "S": (1, 0), "E": (0, 1), "W": (0, -1), "stand": (0, 0)}
_START = ((1, 3), (2, 1))


@listed(n_players=2, size=761, value=0)
def soccer(*, discount: float = 0.9) -> StochasticGame:
    """Return Littman's soccer: who has the ball scores by carrying it off the grid at the far goal.

    The grid has 4 rows and 5 columns; cell (row, column) is counted from the top left. A scores by moving west out
    of (1, 0) or (2, 0), B by moving east out of (1, 4) or (2, 4). Both choose one of N, S, E, W and stand; a coin
    says whose move is made first. A move into the other's cell is not made, and who had the ball then loses it to
    the other; a move off the grid is no move. A goal is worth 1 to who scores it and ends the game. It begins with
    A on (1, 3) and B on (2, 1), each with the ball half of the time.

    Parameters
    ----------
    discount : float

    Returns
    -------
    StochasticGame
        Of 761 states, the last one terminal; :func:`soccer_state` finds one.

    References
    ----------
    Littman, M. L. (1994). Markov games as a framework for multi-agent reinforcement learning. ICML, 157-163.

    Examples
    --------
    >>> game = soccer()
    >>> game
    <StochasticGame 'Soccer': 761 states (1 terminal), 5 x 5 actions, discount 0.9>
    >>> game.states[soccer_state((1, 3), (2, 1), 0)]
    'A (1, 3), B (2, 1), ball A'
    """
    cells, ball = _positions()
    n_states = len(ball)
    moves = np.array(list(_MOVES.values()))
    grid = (n_states, len(moves), len(moves))
    actions = np.broadcast_arrays(moves[:, None, :], moves[None, :, :])
    successors = np.full((n_states + 1, *grid[1:], 2), n_states)
    rewards = np.zeros((n_states + 1, *grid[1:], 2))
    for order in range(2):
        where = [np.broadcast_to(own[:, None, None, :], (*grid, 2)) for own in cells]
        holder = np.broadcast_to(ball[:, None, None], grid)
        score = np.zeros(grid)
        for mover in (order, 1 - order):
            where[mover], holder, score = _moved(mover, where, holder, score, actions[mover])
        a, b = (_cell(own) for own in where)
        number = 2 * ((_ROWS * _COLUMNS - 1) * a + b - (b > a)) + holder
        successors[:-1, ..., order] = np.where(score != 0, n_states, number)
        rewards[:-1, ..., order] = score
    start = np.zeros(n_states + 1)
    start[[soccer_state(*_START, holder) for holder in range(2)]] = 0.5
    return StochasticGame.zero_sum(
        rewards,
        successors,
        np.full(successors.shape, 0.5),
        discount=discount,
        start=start,
        terminal=np.arange(n_states + 1) == n_states,
        players=["A", "B"],
        states=[*_labels(cells, ball), "over"],
        actions=[list(_MOVES)] * 2,
        title="Soccer",
    )


def soccer_state(a: tuple[int, int], b: tuple[int, int], ball: int) -> int:
    """Return the number of a state of :func:`soccer`.

    Parameters
    ----------
    a, b : tuple of (row, column)
        Where the players stand, from the top left.
    ball : int
        Who has the ball: 0 for A, 1 for B.

    Examples
    --------
    >>> soccer_state((0, 0), (0, 1), 0), soccer_state((3, 4), (3, 3), 1)
    (0, 759)
    """
    cells = []
    for name, position in (("a", a), ("b", b)):
        if not _on_grid(position):
            raise GameError(f"{name} is {short(position)}: give a row from 0 to 3 and a column from 0 to 4")
        cells.append(int(position[0]) * _COLUMNS + int(position[1]))
    if cells[0] == cells[1]:
        raise GameError(f"a and b are both {short(a)}: the players stand on different cells")
    if not isinstance(ball, (int, np.integer)) or ball not in (0, 1):
        raise GameError(f"ball is {short(ball)}: give 0 if A has it and 1 if B has it")
    return 2 * ((_ROWS * _COLUMNS - 1) * cells[0] + cells[1] - (cells[1] > cells[0])) + int(ball)


def _on_grid(position: Any) -> bool:
    try:
        row, column = position
        return row in range(_ROWS) and column in range(_COLUMNS)
    except (TypeError, ValueError):
        return False


def _positions() -> tuple[list[NDArray[np.int64]], NDArray[np.int64]]:
    """Return the cells of both players, each of shape (760, 2), and who has the ball."""
    size = _ROWS * _COLUMNS
    a, other, ball = np.indices((size, size - 1, 2)).reshape(3, -1)
    b = other + (other >= a)
    return [np.stack([own // _COLUMNS, own % _COLUMNS], axis=1) for own in (a, b)], ball


def _moved(
    mover: int,
    where: list[NDArray[np.int64]],
    holder: NDArray[np.int64],
    score: NDArray[np.float64],
    move: NDArray[np.int64],
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float64]]:
    """Return where the mover stands after her move, who has the ball, and what A has scored."""
    own, other = where[mover], where[1 - mover]
    target = own + move
    has_ball, going_on = holder == mover, score == 0
    off = (target < 0).any(axis=-1) | (target >= np.array([_ROWS, _COLUMNS])).any(axis=-1)
    out = target[..., 1] == (-1 if mover == 0 else _COLUMNS)
    scored = out & np.isin(own[..., 0], _GOAL_ROWS) & has_ball & going_on
    blocked = (target == other).all(axis=-1)
    after = np.where((off | blocked)[..., None], own, target)
    return (
        after,
        np.where(blocked & has_ball, 1 - mover, holder),
        np.where(scored, 1.0 if mover == 0 else -1.0, score),
    )


def _cell(position: NDArray[np.int64]) -> NDArray[np.int64]:
    return np.asarray(position[..., 0] * _COLUMNS + position[..., 1])


def _labels(cells: list[NDArray[np.int64]], ball: NDArray[np.int64]) -> list[str]:
    places = [list(map(tuple, own.tolist())) for own in cells]
    return [f"A {a}, B {b}, ball {'AB'[holder]}" for a, b, holder in zip(*places, ball.tolist())]
