"""Board games of perfect information: tic-tac-toe, Nim and connect four, by their rules and as trees."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from marlgt.errors import GameError
from marlgt.games._arrays import short
from marlgt.games._catalogue import check_count, listed
from marlgt.games._doors import permutation
from marlgt.games.extensive import TERMINAL, ExtensiveGame, Infosets

__all__ = ["ConnectFour", "Nim", "TicTacToe", "nim", "tic_tac_toe"]

_LINES = ((0, 1, 2), (3, 4, 5), (6, 7, 8), (0, 3, 6), (1, 4, 7), (2, 5, 8), (0, 4, 8), (2, 4, 6))
WINNING_CELLS = np.array([any(all(mask >> cell & 1 for cell in line) for line in _LINES) for mask in range(512)])


class TicTacToe:
    """The rules of tic-tac-toe: three in a row on a board of nine cells, X first.

    A state is the cells of X and those of O as sums of powers of 2; an action is a cell, counted along the rows.

    Parameters
    ----------
    order : sequence of int
        The order in which the free cells are listed, which matters to a search that prunes.
    """

    def __init__(self, *, order: Sequence[int] = tuple(range(9))) -> None:
        self.players = ["X", "O"]
        self.order = permutation(order, 9)
        self._wins = WINNING_CELLS.tolist()

    def initial_state(self) -> tuple[int, int]:
        """Return the empty board."""
        return 0, 0

    def current_player(self, state: tuple[int, int]) -> int:
        """Return who moves."""
        x, o = state
        if self._wins[x] or self._wins[o] or x | o == 511:
            return TERMINAL
        return (x | o).bit_count() % 2

    def legal_actions(self, state: tuple[int, int]) -> list[int]:
        """Return the free cells."""
        taken = state[0] | state[1]
        return [cell for cell in self.order if not taken >> cell & 1]

    def chance_outcomes(self, state: tuple[int, int]) -> list[tuple[int, int]]:
        """Return nothing: chance never moves."""
        return []

    def next_state(self, state: tuple[int, int], action: int) -> tuple[int, int]:
        """Return the board with one more mark."""
        x, o = state
        return (x, o | 1 << action) if (x | o).bit_count() % 2 else (x | 1 << action, o)

    def information_state(self, state: tuple[int, int]) -> None:
        """Return None: everybody sees everything."""

    def returns(self, state: tuple[int, int]) -> tuple[int, int]:
        """Return 1 for the winner and -1 for the loser, or nothing for either."""
        result = int(self._wins[state[0]]) - int(self._wins[state[1]])
        return result, -result


class Nim:
    """The rules of Nim: in turn each takes any number of objects from one pile, and who takes the last one wins.

    A state is the sizes of the piles and who moves; an action is text, pile and number taken: ``"0-2"``.

    Parameters
    ----------
    piles : sequence of int
    misere : bool
        Whether who takes the last object loses instead.
    """

    def __init__(self, piles: Sequence[int] = (1, 3, 5), *, misere: bool = False) -> None:
        if not isinstance(piles, Sequence) or not 1 <= len(piles) <= 20:
            raise GameError(f"piles is {short(piles)}: give the sizes of 1 to 20 piles, as (1, 3, 5)")
        for k, size in enumerate(piles):
            check_count(size, f"piles[{k}]", 0, 1000)
        self.players = ["first", "second"]
        self.piles, self.misere = tuple(piles), misere

    def initial_state(self) -> tuple[tuple[int, ...], int]:
        """Return all piles, the first player to move."""
        return self.piles, 0

    def current_player(self, state: tuple[tuple[int, ...], int]) -> int:
        """Return who moves."""
        return state[1] if any(state[0]) else TERMINAL

    def legal_actions(self, state: tuple[tuple[int, ...], int]) -> list[str]:
        """Return every pile with every number that can be taken from it."""
        most = max(state[0])
        return [f"{k}-{taken}" for taken in range(1, most + 1) for k, size in enumerate(state[0]) if size >= taken]

    def chance_outcomes(self, state: tuple[tuple[int, ...], int]) -> list[tuple[str, int]]:
        """Return nothing: chance never moves."""
        return []

    def next_state(self, state: tuple[tuple[int, ...], int], action: str) -> tuple[tuple[int, ...], int]:
        """Return the piles after objects have been taken."""
        pile, taken = map(int, action.split("-"))
        piles, mover = state
        return (*piles[:pile], piles[pile] - taken, *piles[pile + 1 :]), 1 - mover

    def information_state(self, state: tuple[tuple[int, ...], int]) -> None:
        """Return None: everybody sees everything."""

    def returns(self, state: tuple[tuple[int, ...], int]) -> tuple[int, int]:
        """Return 1 for the winner and -1 for the loser."""
        # The mover finds nothing left: the other took the last object.
        winner = state[1] if self.misere else 1 - state[1]
        return (1, -1) if winner == 0 else (-1, 1)


class ConnectFour:
    """The rules of connect four: in turn each drops a disc into a column, and a line of four wins.

    A state is the discs of both players as sums of powers of 2, and the number of discs; an action is a column. The
    cell of a row and a column has the power ``column * (rows + 1) + row``, so that lines are found by shifts.

    Parameters
    ----------
    rows, columns : int
        From 1 to 12.
    line : int
        How many in a row win.
    """

    def __init__(self, *, rows: int = 6, columns: int = 7, line: int = 4) -> None:
        check_count(rows, "rows", 1, 12)
        check_count(columns, "columns", 1, 12)
        check_count(line, "line", 2, 12)
        self.players = ["first", "second"]
        self.rows, self.columns, self.line = rows, columns, line
        self._bottoms = [1 << k * (rows + 1) for k in range(columns)]
        self._columns = [((1 << rows) - 1) * bottom for bottom in self._bottoms]
        self._tops = [(k, bottom << (rows - 1)) for k, bottom in enumerate(self._bottoms)]
        # Discs in lines of 2, 4, ... are those that a shift by half of it takes to such a line.
        lengths = [1]
        while lengths[-1] < line:
            lengths.append(min(2 * lengths[-1], line))
        moves = [after - before for before, after in pairwise(lengths)]
        self._shifts = [[step * move for move in moves] for step in (1, rows, rows + 1, rows + 2)]

    def initial_state(self) -> tuple[int, int, int]:
        """Return the empty board."""
        return 0, 0, 0

    def current_player(self, state: tuple[int, int, int]) -> int:
        """Return who moves."""
        first, second, count = state
        last = first if count % 2 else second
        if count == self.rows * self.columns or self._has_line(last):
            return TERMINAL
        return count % 2

    def legal_actions(self, state: tuple[int, int, int]) -> list[int]:
        """Return the columns that are not full."""
        taken = state[0] | state[1]
        return [k for k, top in self._tops if not taken & top]

    def chance_outcomes(self, state: tuple[int, int, int]) -> list[tuple[int, int]]:
        """Return nothing: chance never moves."""
        return []

    def next_state(self, state: tuple[int, int, int], action: int) -> tuple[int, int, int]:
        """Return the board with one more disc."""
        first, second, count = state
        column = self._columns[action]
        # The lowest free cell of a column is where the carry of adding its lowest cell stops.
        filled = (first | second) & column
        disc = filled + self._bottoms[action] & column & ~filled
        return (first, second | disc, count + 1) if count % 2 else (first | disc, second, count + 1)

    def information_state(self, state: tuple[int, int, int]) -> None:
        """Return None: everybody sees everything."""

    def returns(self, state: tuple[int, int, int]) -> tuple[int, int]:
        """Return 1 for the winner and -1 for the loser, or nothing for either."""
        result = int(self._has_line(state[0])) - int(self._has_line(state[1]))
        return result, -result

    def _has_line(self, discs: int) -> bool:
        for shifts in self._shifts:
            ends = discs
            for shift in shifts:
                ends &= ends >> shift
            if ends:
                return True
        return False


@listed(n_players=2, size=549_946, value=0)
def tic_tac_toe() -> ExtensiveGame:
    """Return the whole tree of tic-tac-toe, worth a draw: a node for each of its 549,946 sequences of moves.

    X and O in turn mark one of nine cells, and three in a row win; nothing is hidden. The rules, for a search, are
    :class:`~marlgt.games.TicTacToe`.

    References
    ----------
    Schaefer (2002), MathRec solutions (tic-tac-toe), which counts the plays.
    """
    boards = np.zeros((1, 2), dtype=np.int16)
    parents, actions, movers, outcomes = [np.array([-1])], [np.array([-1])], [], []
    start = 0
    bits = np.arange(512)[:, None] >> np.arange(9) & 1
    free = np.argsort(bits, axis=1, kind="stable")
    names = [tuple(map(str, row[: 9 - taken.bit_count()])) for taken, row in enumerate(free.tolist())]
    taken_at: list[NDArray[np.int16]] = []
    for turn in range(10):
        won = WINNING_CELLS[boards[:, 0]].astype(int) - WINNING_CELLS[boards[:, 1]]
        over = (won != 0) | (turn == 9)
        movers.append(np.where(over, TERMINAL, turn % 2))
        outcomes.append(np.where(over, 1 - won, -1))
        going = np.flatnonzero(~over)
        taken = boards[going, 0] | boards[going, 1]
        taken_at.append(taken)
        if turn == 9:
            break
        choices = free[taken, : 9 - turn]
        parents.append(np.repeat(start + going, 9 - turn))
        actions.append(np.tile(np.arange(9 - turn), len(going)))
        start += len(boards)
        boards = np.repeat(boards[going], 9 - turn, axis=0)
        boards[:, turn % 2] |= (1 << choices.reshape(-1)).astype(np.int16)
    player = np.concatenate(movers)
    infoset = np.full(len(player), -1)
    tables = []
    for i in range(2):
        own = np.flatnonzero(player == i)
        infoset[own] = np.arange(len(own))
        taken = np.concatenate(taken_at[i::2])
        labels = [names[mask] for mask in taken.tolist()]
        tables.append(Infosets(np.array([len(row) for row in labels], dtype=np.int32), (), tuple(labels)))
    return ExtensiveGame(
        np.concatenate(parents),
        np.concatenate(actions),
        player,
        infoset,
        np.concatenate(outcomes),
        [[1, 0, -1], [-1, 0, 1]],
        players=("X", "O"),
        infosets=tables,
        outcome_labels=("X wins", "draw", "O wins"),
        title="Tic-tac-toe",
    )


@listed(n_players=2, size=12_456, value=1)
def nim(piles: Sequence[int] = (1, 3, 5), *, misere: bool = False) -> ExtensiveGame:
    """Return Nim: who takes the last object wins; the mover wins unless the sizes of the piles have nim-sum 0.

    In turn the two players take any number of objects from one pile; nothing is hidden. The nim-sum is the bitwise
    exclusive or of the sizes. Where who takes the last object loses, the same holds as long as some pile has two
    objects; of piles of one each, the mover then wants an even number.

    Parameters
    ----------
    piles : sequence of int
        The tree of (3, 4, 5) has a million nodes; that of (1, 3, 5, 7), half a billion, is searched by its rules.
    misere : bool
        Whether who takes the last object loses instead.

    References
    ----------
    Bouton (1901), Nim, a game with a complete mathematical theory, Annals of Mathematics 3.
    """
    return ExtensiveGame.from_rules(Nim(piles, misere=misere), title="Nim")
