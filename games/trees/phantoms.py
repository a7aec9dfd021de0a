"""Board games in the dark: phantom tic-tac-toe and dark hex, in which nobody sees the other's moves.

A player who tries a cell that the other holds learns so, and tries again. Both are known through their rules, since
their trees are large; those of the smallest boards of dark hex can be built.
"""

from __future__ import annotations

import functools
from typing import NamedTuple

from marlgt.games._catalogue import check_count, listed
from marlgt.games.extensive import TERMINAL, ExtensiveGame
from marlgt.games.trees.boards import WINNING_CELLS

__all__ = ["DarkHex", "PhantomTicTacToe", "dark_hex"]


class _Dark(NamedTuple):
    """A state: each player's stones and what she has found of the other's, as sums of powers of 2, and their tries."""

    stones: tuple[int, int] = (0, 0)
    found: tuple[int, int] = (0, 0)
    tries: tuple[str, str] = ("", "")
    mover: int = 0
    n_tries: int = 0


def _tried(state: _Dark, cell: int) -> _Dark:
    """Return the state after a try, the mover unchanged if she has to try again."""
    me = state.mover
    hit = bool(state.stones[1 - me] >> cell & 1)
    stones, found, tries = list(state.stones), list(state.found), list(state.tries)
    (found if hit else stones)[me] |= 1 << cell
    tries[me] += f" {cell}{'x' if hit else ''}"
    return _Dark(
        (stones[0], stones[1]), (found[0], found[1]), (tries[0], tries[1]), me if hit else 1 - me, state.n_tries + 1
    )


class PhantomTicTacToe:
    """The rules of phantom tic-tac-toe: tic-tac-toe in which nobody sees where the other has moved.

    An action is a cell, counted along the rows, that the player does not know to be taken.
    """

    def __init__(self) -> None:
        self.players = ["X", "O"]

    def initial_state(self) -> _Dark:
        """Return the empty board."""
        return _Dark()

    def current_player(self, state: _Dark) -> int:
        """Return who moves."""
        x, o = state.stones
        return TERMINAL if WINNING_CELLS[x] or WINNING_CELLS[o] or x | o == 511 else state.mover

    def legal_actions(self, state: _Dark) -> list[int]:
        """Return the cells that the player who moves does not know to be taken."""
        known = state.stones[state.mover] | state.found[state.mover]
        return [cell for cell in range(9) if not known >> cell & 1]

    def chance_outcomes(self, state: _Dark) -> list[tuple[int, int]]:
        """Return nothing: chance never moves."""
        return []

    def next_state(self, state: _Dark, action: int) -> _Dark:
        """Return the state after a try."""
        return _tried(state, action)

    def information_state(self, state: _Dark) -> str:
        """Return the own tries in order, with an x where the other was found."""
        return "tries" + state.tries[state.mover]

    def returns(self, state: _Dark) -> tuple[int, int]:
        """Return 1 for the winner and -1 for the loser, or nothing for either."""
        result = int(WINNING_CELLS[state.stones[0]]) - int(WINNING_CELLS[state.stones[1]])
        return result, -result


class DarkHex:
    """The rules of dark hex: Hex in which nobody sees the other's stones, but everybody hears every try.

    The first player joins the top row to the bottom row, the second the left column to the right one; each cell
    touches the two beside it, the two above (the same column and the next) and the two below (the same and the one
    before). An action is a cell, counted along the rows, that the player does not know to be taken.

    Parameters
    ----------
    rows, columns : int
        From 1 to 11.
    """

    def __init__(self, *, rows: int = 3, columns: int = 3) -> None:
        check_count(rows, "rows", 1, 11)
        check_count(columns, "columns", 1, 11)
        self.players = ["black", "white"]
        self.rows, self.columns = rows, columns
        self._near = [
            sum(
                1 << (r + dr) * columns + c + dc
                for dr, dc in ((0, -1), (0, 1), (-1, 0), (-1, 1), (1, 0), (1, -1))
                if 0 <= r + dr < rows and 0 <= c + dc < columns
            )
            for r in range(rows)
            for c in range(columns)
        ]
        row, column = (1 << columns) - 1, sum(1 << r * columns for r in range(rows))
        self._joined = functools.lru_cache(maxsize=1 << 16)(self._join)
        self._sides = ((row, row << (rows - 1) * columns), (column, column << (columns - 1)))

    def initial_state(self) -> _Dark:
        """Return the empty board."""
        return _Dark()

    def current_player(self, state: _Dark) -> int:
        """Return who moves."""
        # Only the last stone can have joined two sides, and it is the other's.
        return TERMINAL if self._joined(state.stones[1 - state.mover], 1 - state.mover) else state.mover

    def legal_actions(self, state: _Dark) -> list[int]:
        """Return the cells that the player who moves does not know to be taken."""
        known = state.stones[state.mover] | state.found[state.mover]
        return [cell for cell in range(self.rows * self.columns) if not known >> cell & 1]

    def chance_outcomes(self, state: _Dark) -> list[tuple[int, int]]:
        """Return nothing: chance never moves."""
        return []

    def next_state(self, state: _Dark, action: int) -> _Dark:
        """Return the state after a try."""
        return _tried(state, action)

    def information_state(self, state: _Dark) -> str:
        """Return the number of tries of both, and the own ones in order, with an x where the other was found."""
        return f"{state.n_tries} tries, own{state.tries[state.mover]}"

    def returns(self, state: _Dark) -> tuple[int, int]:
        """Return 1 for the winner and -1 for the loser: somebody always wins."""
        return (1, -1) if self._joined(state.stones[0], 0) else (-1, 1)

    def _join(self, stones: int, player: int) -> bool:
        start, end = self._sides[player]
        reached, fresh = 0, stones & start
        while fresh:
            reached |= fresh
            below, fresh = fresh, 0
            while below:
                lowest = below & -below
                fresh |= self._near[lowest.bit_length() - 1]
                below ^= lowest
            fresh &= stones & ~reached
        return bool(reached & end)


@listed(n_players=2, size=441, value=1)
def dark_hex(*, rows: int = 2, columns: int = 2) -> ExtensiveGame:
    """Return dark hex on a small board: Hex in which nobody sees the other's stones.

    In turn the players put a stone on a cell, or learn that the other holds it and try again; the first joins top to
    bottom, the second left to right. :class:`DarkHex` has the rules. On 2 x 2 cells the first player wins.

    Parameters
    ----------
    rows, columns : int
        The tree of 2 x 3 cells has more than 100,000 nodes; larger boards are for :class:`DarkHex` and a search.

    References
    ----------
    Lanctot (2013), Monte Carlo sampling and regret minimization for equilibrium computation and decision-making in
    large extensive form games, PhD thesis, University of Alberta, chapter 3.
    """
    return ExtensiveGame.from_rules(DarkHex(rows=rows, columns=columns), title="Dark hex")
