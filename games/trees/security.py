"""Two games by which correlation in extensive games is measured: Sheriff and Battleship."""

from __future__ import annotations

from typing import NamedTuple

from marlgt.errors import GameError
from marlgt.games._catalogue import Number, check_count, check_numbers, listed
from marlgt.games.extensive import TERMINAL, ExtensiveGame

__all__ = ["Battleship", "Sheriff", "battleship", "sheriff"]


class Sheriff:
    """The rules of Sheriff: a smuggler hides items and offers bribes, and each time a sheriff says if he would inspect.

    Only the last bribe and the last answer count. Uninspected, the smuggler gets the value of her items less the
    bribe, which the sheriff gets; inspected, she pays a fine for each item, or is paid for the trouble if there is
    none.

    Parameters
    ----------
    items, bribe : int
        The most of each.
    rounds : int
    value, fine, compensation : number
    """

    def __init__(
        self,
        *,
        items: int = 10,
        bribe: int = 2,
        rounds: int = 2,
        value: Number = 5,
        fine: Number = 1,
        compensation: Number = 1,
    ) -> None:
        check_count(items, "items", 1, 1000)
        check_count(bribe, "bribe", 0, 1000)
        check_count(rounds, "rounds", 1, 20)
        self.players = ["smuggler", "sheriff"]
        self.items, self.bribe, self.rounds = items, bribe, rounds
        self.value, self.fine, self.compensation = value, fine, compensation

    def initial_state(self) -> tuple[int, ...]:
        """Return the empty state; a state is the number of items, then bribes and answers in turn (1 inspects)."""
        return ()

    def current_player(self, state: tuple[int, ...]) -> int:
        """Return who moves."""
        if len(state) == 1 + 2 * self.rounds:
            return TERMINAL
        return 0 if not state else 1 - len(state) % 2

    def legal_actions(self, state: tuple[int, ...]) -> list[str]:
        """Return the numbers of items to hide, the bribes, or whether to inspect."""
        if not state:
            return [f"hide {count}" for count in range(self.items + 1)]
        return [f"bribe {amount}" for amount in range(self.bribe + 1)] if len(state) % 2 else ["let pass", "inspect"]

    def chance_outcomes(self, state: tuple[int, ...]) -> list[tuple[str, int]]:
        """Return nothing: chance never moves."""
        return []

    def next_state(self, state: tuple[int, ...], action: str) -> tuple[int, ...]:
        """Return the state with one more move."""
        word, _, amount = action.rpartition(" ")
        return (*state, int(amount) if word in ("hide", "bribe") else int(action == "inspect"))

    def information_state(self, state: tuple[int, ...]) -> str:
        """Return the bribes and answers, and for the smuggler the items first."""
        if not state:
            return "start"
        told = [f"bribe {x}" if k % 2 == 0 else ("let pass", "inspect")[x] for k, x in enumerate(state[1:])]
        return ", ".join(told if len(state) % 2 == 0 else [f"hid {state[0]}", *told])

    def returns(self, state: tuple[int, ...]) -> tuple[Number, Number]:
        """Return what both get."""
        items, bribe, inspects = state[0], state[-2], state[-1]
        if not inspects:
            return items * self.value - bribe, bribe
        gain = -items * self.fine if items else self.compensation
        return gain, -gain


class _Sea(NamedTuple):
    """A state of Battleship: where the ships are, as cells, and the shots in turn."""

    ships: tuple[tuple[int, ...], ...] = ()
    shots: tuple[int, ...] = ()


class Battleship:
    """The rules of Battleship: each hides one ship on a board, then they shoot in turn until one is sunk.

    Whoever sinks the other's ship gains 1, and whoever loses hers loses ``loss``, which makes both wish for peace
    where it is more than 1. No cell is shot at twice; a shooter hears miss, hit or sunk.

    Parameters
    ----------
    rows, columns : int
    ship : int
        Its length, along a row or a column.
    shots : int
        Of each player.
    loss : number
    """

    def __init__(self, *, rows: int = 1, columns: int = 3, ship: int = 1, shots: int = 2, loss: Number = 2) -> None:
        check_count(rows, "rows", 1, 10)
        check_count(columns, "columns", 1, 10)
        check_count(ship, "ship", 1, 10)
        check_count(shots, "shots", 1, rows * columns)
        self.players = ["first", "second"]
        self.cells, self.shots, self.loss = rows * columns, shots, loss
        across = [
            tuple(r * columns + c + k for k in range(ship)) for r in range(rows) for c in range(columns - ship + 1)
        ]
        down = [
            tuple((r + k) * columns + c for k in range(ship)) for r in range(rows - ship + 1) for c in range(columns)
        ]
        self._places = across if ship == 1 else across + down
        if not self._places:
            raise GameError(f"a ship of length {ship} has no place on a board of {rows} x {columns} cells")

    def initial_state(self) -> _Sea:
        """Return the empty sea."""
        return _Sea()

    def current_player(self, state: _Sea) -> int:
        """Return who moves."""
        if len(state.ships) < 2:
            return len(state.ships)
        if len(state.shots) == 2 * self.shots or self._sunk(state, 0) or self._sunk(state, 1):
            return TERMINAL
        return len(state.shots) % 2

    def legal_actions(self, state: _Sea) -> list[str]:
        """Return the places of the ship, or the cells not yet shot at."""
        if len(state.ships) < 2:
            return ["-".join(map(str, place)) for place in self._places]
        fired = state.shots[len(state.shots) % 2 :: 2]
        return [str(cell) for cell in range(self.cells) if cell not in fired]

    def chance_outcomes(self, state: _Sea) -> list[tuple[str, int]]:
        """Return nothing: chance never moves."""
        return []

    def next_state(self, state: _Sea, action: str) -> _Sea:
        """Return the state after a ship has been placed or a shot fired."""
        if len(state.ships) < 2:
            return state._replace(ships=(*state.ships, tuple(map(int, action.split("-")))))
        return state._replace(shots=(*state.shots, int(action)))

    def information_state(self, state: _Sea) -> str:
        """Return the own ship, the own shots with what they did, and the other's shots."""
        if len(state.ships) < 2:
            return "placing"
        me = len(state.shots) % 2
        words = ["ship " + "-".join(map(str, state.ships[me]))]
        target, hit = state.ships[1 - me], 0
        for turn, cell in enumerate(state.shots):
            if turn % 2 != me:
                words.append(f"shot at {cell}")
                continue
            hit += cell in target
            words.append(
                f"shoots {cell} {'misses' if cell not in target else 'sinks' if hit == len(target) else 'hits'}"
            )
        return ", ".join(words)

    def returns(self, state: _Sea) -> tuple[Number, Number]:
        """Return what both get."""
        lost = int(self._sunk(state, 0)), int(self._sunk(state, 1))
        return lost[1] - self.loss * lost[0], lost[0] - self.loss * lost[1]

    def _sunk(self, state: _Sea, player: int) -> bool:
        return set(state.ships[player]) <= set(state.shots[1 - player :: 2])


@listed(n_players=2, size=705)
def sheriff(
    *,
    items: int = 10,
    bribe: int = 2,
    rounds: int = 2,
    value: Number = 5,
    fine: Number = 1,
    compensation: Number = 1,
) -> ExtensiveGame:
    """Return Sheriff, a game of bribes between a smuggler and a sheriff who does not see what is hidden.

    The smuggler hides some items, unseen. In each round she then offers a bribe and the sheriff says whether he would
    inspect; only the last round counts. :class:`Sheriff` has the payments.

    Parameters
    ----------
    items, bribe : int
        The most of each.
    rounds : int
        Of bribes and answers, of which the last counts.
    value, fine, compensation : number
        Of an item that gets through, for an item that is found, and for an inspection that finds none.

    References
    ----------
    Farina, Ling, Fang and Sandholm (2019), Correlation in extensive-form games: saddle-point formulation and
    benchmarks, NeurIPS 2019.
    """
    check_numbers(value=value, fine=fine, compensation=compensation)
    rules = Sheriff(items=items, bribe=bribe, rounds=rounds, value=value, fine=fine, compensation=compensation)
    return ExtensiveGame.from_rules(rules, title="Sheriff")


@listed(n_players=2, size=238)
def battleship(*, rows: int = 1, columns: int = 3, ship: int = 1, shots: int = 2, loss: Number = 2) -> ExtensiveGame:
    """Return Battleship with one ship each, in which a mediator can spare more ships than players on their own do.

    Each places a ship, unseen by the other; then they shoot in turn and hear whether they hit, until a ship is sunk or
    the shots are used up. By default a ship is sunk with probability 13/18 in the extensive-form correlated
    equilibrium that is best for both together, and with 8/9 in a Nash equilibrium.

    Parameters
    ----------
    rows, columns : int
    ship : int
        Its length.
    shots : int
        Of each player.
    loss : number
        Of the own ship; to sink the other's is worth 1.

    References
    ----------
    Farina, Ling, Fang and Sandholm (2019), Correlation in extensive-form games: saddle-point formulation and
    benchmarks, NeurIPS 2019.
    """
    check_numbers(loss=loss)
    rules = Battleship(rows=rows, columns=columns, ship=ship, shots=shots, loss=loss)
    return ExtensiveGame.from_rules(rules, title="Battleship")
