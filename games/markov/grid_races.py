"""The two grid games of Hu and Wellman: two agents race on three by three cells and must not run into each other.

Cells are numbered from the bottom left, row by row: 0 1 2 below, 6 7 8 above. In each step both choose a direction
that stays on the grid. If they would come to the same cell, which is not a goal that both have, both stay where they
are and lose 1. Who comes to her goal gets 100, and then the game is over for both. All pairs of cells are states,
also those that cannot be reached from the start.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence

from marlgt.errors import GameError
from marlgt.games._arrays import short
from marlgt.games._catalogue import listed
from marlgt.games._doors import require_stochastic_game
from marlgt.games.stochastic import StochasticGame
from marlgt.games.tabulation import tabulate

__all__ = ["grid_game_1", "grid_game_2", "grid_game_state"]

_SIDE = 3
_MOVES = {"up": (1, 0), "down": (-1, 0), "left": (0, -1), "right": (0, 1)}
_OVER = "over"
_PRIZE, _COLLISION = 100.0, -1.0

Cells = tuple[int, int]


@listed(n_players=2, size=58)
def grid_game_1(*, discount: float = 0.99) -> StochasticGame:
    """Return the race of two agents from the lower corners to the opposite upper corners.

    The first agent goes from cell 0 to cell 8, the second from cell 2 to cell 6. Each can be there in four steps, at
    the same time as the other: every equilibrium in which they do so is worth 100 discount**3 to both.

    Parameters
    ----------
    discount : float

    Returns
    -------
    StochasticGame
        Its states are pairs of cells, ``"(2, 0) (2, 2)"`` at the start, rows counted from the top;
        :func:`grid_game_state` finds one.

    References
    ----------
    Hu, J. and Wellman, M. P. (2003). Nash Q-learning for general-sum stochastic games. Journal of Machine Learning
    Research 4, 1039-1069.

    Examples
    --------
    >>> game = grid_game_1()
    >>> game.states[0], [game.actions[0][a] for a in game.legal[0][0].nonzero()[0]]
    ('(2, 0) (2, 2)', ['up', 'right'])
    """
    return tabulate(_Race((8, 6), uncertain=()), discount=discount, label=_label, title="Grid game 1")


@listed(n_players=2, size=57)
def grid_game_2(*, discount: float = 0.99) -> StochasticGame:
    """Return the race of two agents from the lower corners to the middle of the upper side, with barriers.

    Both begin in the lower corners, 0 and 2, and share the goal 7, which both may enter at once. To go up from 0
    or 2 succeeds half of the time. One of them goes through the middle and surely gets 100 discount**2, the other
    half of that: there are two such equilibria, and a mixed one.

    Parameters
    ----------
    discount : float

    Returns
    -------
    StochasticGame
        Its states are pairs of cells, ``"(2, 0) (2, 2)"`` at the start, rows counted from the top;
        :func:`grid_game_state` finds one.

    References
    ----------
    Hu, J. and Wellman, M. P. (2003). Nash Q-learning for general-sum stochastic games. Journal of Machine Learning
    Research 4, 1039-1069.

    Examples
    --------
    >>> game = grid_game_2()
    >>> game.probabilities[0, 0, 0]
    array([0.25, 0.25, 0.25, 0.25])
    """
    return tabulate(_Race((7, 7), uncertain=(0, 2)), discount=discount, label=_label, title="Grid game 2")


def grid_game_state(game: StochasticGame, first: int, second: int) -> int:
    """Return the number of the state in which the two agents are on the cells given.

    Parameters
    ----------
    game : StochasticGame
        From :func:`grid_game_1` or :func:`grid_game_2`.
    first, second : int
        Cells from 0 to 8, from the bottom left.

    Examples
    --------
    >>> grid_game_state(grid_game_1(), 0, 2)
    0
    """
    require_stochastic_game(game)
    label = ""
    if all(isinstance(cell, int) and 0 <= cell < _SIDE**2 for cell in (first, second)):
        label = _label((first, second))
    if label not in game.states:
        raise GameError(
            f"no state has the agents on {short(first)} and {short(second)}: give two cells from 0 to 8 that differ "
            "and are not the goals"
        )
    return game.states.index(label)


class _Race:
    """The rules, for two goals and the cells from which going up is uncertain; a state is a pair of cells."""

    players = ("1", "2")

    def __init__(self, goals: Cells, *, uncertain: Sequence[int]) -> None:
        self.goals, self.uncertain = goals, uncertain

    def initial_states(self) -> list[tuple[float, Cells | str]]:
        cells = range(_SIDE**2)
        others = [(0.0, (a, b)) for a in cells for b in cells if a != b and a != self.goals[0] and b != self.goals[1]]
        return [(1.0, (0, 2)), *others]

    def is_terminal(self, state: Cells | str) -> bool:
        return state == _OVER

    def legal_actions(self, state: Cells, player: int) -> list[str]:
        return [name for name in _MOVES if _on_grid(state[player], name)]

    def step(self, state: Cells, actions: tuple[str, str]) -> list[tuple[float, Cells | str, tuple[float, float]]]:
        targets = [self._targets(cell, action) for cell, action in zip(state, actions)]
        outcomes: list[tuple[float, Cells | str, tuple[float, float]]] = []
        for (p, first), (q, second) in itertools.product(*targets):
            shared_goal = first == self.goals[0] and second == self.goals[1]
            if first == second and not shared_goal:
                outcomes.append((p * q, state, (_COLLISION, _COLLISION)))
                continue
            arrived = (first == self.goals[0], second == self.goals[1])
            paid = (_PRIZE * arrived[0], _PRIZE * arrived[1])
            outcomes.append((p * q, _OVER if any(arrived) else (first, second), paid))
        return outcomes

    def _targets(self, cell: int, action: str) -> list[tuple[float, int]]:
        after = _neighbour(cell, action)
        return [(0.5, after), (0.5, cell)] if action == "up" and cell in self.uncertain else [(1.0, after)]


def _on_grid(cell: int, move: str) -> bool:
    up, right = _MOVES[move]
    return 0 <= cell // _SIDE + up < _SIDE and 0 <= cell % _SIDE + right < _SIDE


def _neighbour(cell: int, move: str) -> int:
    up, right = _MOVES[move]
    return cell + up * _SIDE + right


def _label(state: Cells | str) -> str:
    if isinstance(state, str):
        return state
    # Cells count from the bottom left, rows in labels from the top.
    return " ".join(f"({_SIDE - 1 - cell // _SIDE}, {cell % _SIDE})" for cell in state)
