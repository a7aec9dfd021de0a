"""Liar's dice, by its rules and as a tree."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from typing import NamedTuple

from marlgt.errors import GameError
from marlgt.games._arrays import short
from marlgt.games._catalogue import check_count, listed
from marlgt.games.extensive import CHANCE, TERMINAL, ExtensiveGame

__all__ = ["LiarsDice", "liars_dice"]


class _Bidding(NamedTuple):
    """A state: the dice rolled, in order of the players, the bids made, and the last of them (-1 for none)."""

    dice: tuple[int, ...] = ()
    bids: str = ""
    last: int = -1
    mover: int = CHANCE


class LiarsDice:
    """The rules of liar's dice: everybody rolls in secret, then they outbid each other until one calls a liar.

    A bid names a quantity and a face, as 2-3 for two threes; the next one must be higher in quantity, or equal in
    quantity and higher in face. The highest face is wild. If there are at least as many dice of the face as bid, the
    last bidder wins 1 from the caller, else the caller wins 1 from her.

    Parameters
    ----------
    n_dice : sequence of int
        The dice of each player.
    sides : int
        From 2 to 12.
    """

    def __init__(self, n_dice: Sequence[int] = (1, 1), sides: int = 6) -> None:
        check_count(sides, "sides", 2, 12)
        if not isinstance(n_dice, Sequence) or not 2 <= len(n_dice) <= 6:
            raise GameError(f"n_dice is {short(n_dice)}: give the dice of each of 2 to 6 players, as (1, 1)")
        for i, count in enumerate(n_dice):
            check_count(count, f"n_dice[{i}]", 1, 6)
        self.players = [f"player {i}" for i in range(len(n_dice))]
        self.n_dice, self.sides = tuple(n_dice), sides
        total = sum(n_dice)
        self._starts = [sum(n_dice[:i]) for i in range(len(n_dice) + 1)]
        self._calls = (*(f"{count + 1}-{face + 1}" for count in range(total) for face in range(sides)), "liar")
        self._rank = {call: rank for rank, call in enumerate(self._calls)}
        self._legal = [self._calls[:-1], *(self._calls[rank + 1 :] for rank in range(len(self._calls) - 1))]
        self._rolls = [(str(face + 1), Fraction(1, sides)) for face in range(sides)]

    def initial_state(self) -> _Bidding:
        """Return the state in which nobody has rolled."""
        return _Bidding()

    def current_player(self, state: _Bidding) -> int:
        """Return who moves."""
        return state.mover

    def legal_actions(self, state: _Bidding) -> tuple[str, ...]:
        """Return the higher bids, and liar if there is a bid."""
        return self._legal[state.last + 1]

    def chance_outcomes(self, state: _Bidding) -> list[tuple[str, Fraction]]:
        """Return the faces of one die."""
        return self._rolls

    def next_state(self, state: _Bidding, action: str) -> _Bidding:
        """Return the state after the roll of one die, a bid or a call."""
        dice, bids, last, mover = state
        if mover == CHANCE:
            dice = (*dice, int(action))
            return _Bidding(dice, bids, last, CHANCE if len(dice) < self._starts[-1] else 0)
        if action == "liar":
            return _Bidding(dice, bids, last, TERMINAL)
        return _Bidding(dice, f"{bids} {action}", self._rank[action], (mover + 1) % len(self.players))

    def information_state(self, state: _Bidding) -> str:
        """Return the own dice, sorted, and the bids."""
        own = state.dice[self._starts[state.mover] : self._starts[state.mover + 1]]
        return "".join(map(str, sorted(own))) + state.bids

    def returns(self, state: _Bidding) -> list[int]:
        """Return 1 for the winner and -1 for the loser."""
        n = len(self.players)
        quantity, face = divmod(state.last, self.sides)
        matching = sum(die in (face + 1, self.sides) for die in state.dice)
        bidder = (state.bids.count(" ") - 1) % n
        result = [0] * n
        result[bidder] = 1 if matching > quantity else -1
        result[(bidder + 1) % n] = -result[bidder]
        return result


@listed(n_players=2, size=294_883, value=Fraction(-7, 258))
def liars_dice(n_dice: Sequence[int] = (1, 1), sides: int = 6) -> ExtensiveGame:
    """Return liar's dice, by default with one die of six sides each: 294,883 nodes, worth -7/258.

    Each sees her own dice only. In turn they bid how many dice show a face, higher each time, until one calls the last
    bidder a liar, as :class:`LiarsDice` says in full.

    Parameters
    ----------
    n_dice : sequence of int
        The dice of each player.
    sides : int
        From 2 to 12.

    Examples
    --------
    >>> liars_dice(sides=4)
    <ExtensiveGame "Liar's dice": 8181 nodes, 512 + 512 information sets, exact>

    References
    ----------
    Lisy, Lanctot and Bowling (2015), Online Monte Carlo counterfactual regret minimization for search in imperfect
    information games, AAMAS 2015.
    """
    return ExtensiveGame.from_rules(LiarsDice(n_dice, sides), title="Liar's dice")
