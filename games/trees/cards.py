"""Poker small enough to solve: Kuhn's and Leduc, by their rules and as trees.

Both follow the rules of OpenSpiel, so that numbers in the literature can be compared.
"""

from __future__ import annotations

from fractions import Fraction
from typing import NamedTuple

from marlgt.errors import GameError
from marlgt.games._catalogue import check_count, listed
from marlgt.games.extensive import CHANCE, TERMINAL, ExtensiveGame

__all__ = ["KuhnPoker", "LeducPoker", "kuhn_poker", "leduc_poker"]


class KuhnPoker:
    """The rules of Kuhn poker: one card each, one chip each in the pot, and one bet of a chip.

    The players act in turn: pass or bet. Once somebody has bet, every other player passes (and is out) or bets (and
    calls). The highest card of those who have bet, or of all if nobody has, takes the pot.

    Parameters
    ----------
    n_players : int
        From 2 to 8.
    n_cards : int, optional
        All of different rank; one more than players by default.
    """

    def __init__(self, n_players: int = 2, n_cards: int | None = None) -> None:
        check_count(n_players, "n_players", 2, 8)
        self.n_cards = n_players + 1 if n_cards is None else n_cards
        check_count(self.n_cards, "n_cards", n_players, 52)
        self.players = [f"player {i}" for i in range(n_players)]
        self._names = "JQK" if self.n_cards == 3 else [f"{card + 1}" for card in range(self.n_cards)]

    def initial_state(self) -> tuple[tuple[int, ...], str]:
        """Return no cards and no actions; a state is the cards by player and one letter, p or b, per action."""
        return (), ""

    def current_player(self, state: tuple[tuple[int, ...], str]) -> int:
        """Return who moves."""
        cards, history = state
        n = len(self.players)
        if len(cards) < n:
            return CHANCE
        bet = history.find("b")
        if len(history) == (n if bet < 0 else n + bet):
            return TERMINAL
        return len(history) % n

    def legal_actions(self, state: tuple[tuple[int, ...], str]) -> tuple[str, ...]:
        """Return pass and bet."""
        return ("pass", "bet")

    def chance_outcomes(self, state: tuple[tuple[int, ...], str]) -> list[tuple[str, Fraction]]:
        """Return the cards that are left, all alike."""
        left = [self._names[card] for card in range(self.n_cards) if card not in state[0]]
        return [(name, Fraction(1, len(left))) for name in left]

    def next_state(self, state: tuple[tuple[int, ...], str], action: str) -> tuple[tuple[int, ...], str]:
        """Return the state after a card has been dealt, or after a pass or a bet."""
        cards, history = state
        if len(cards) < len(self.players):
            return (*cards, self._names.index(action)), history
        return cards, history + action[0]

    def information_state(self, state: tuple[tuple[int, ...], str]) -> str:
        """Return the card of the player who moves, and what has been done."""
        cards, history = state
        return f"{self._names[cards[len(history) % len(self.players)]]} {history}".rstrip()

    def returns(self, state: tuple[tuple[int, ...], str]) -> list[int]:
        """Return what each player wins."""
        cards, history = state
        n = len(self.players)
        bet = history.find("b")
        stakes = [1] * n
        for turn, action in enumerate(history):
            if action == "b":
                stakes[turn % n] = 2
        showing = range(n) if bet < 0 else [i for i in range(n) if stakes[i] == 2]
        winner = max(showing, key=cards.__getitem__)
        return [sum(stakes) * (i == winner) - stakes[i] for i in range(n)]


class _Hand(NamedTuple):
    """A state of Leduc poker: the cards, the actions of both rounds as letters, and what follows from them."""

    cards: tuple[int, ...] = ()
    public: int = -1
    first: str = ""
    second: str = ""
    mover: int = CHANCE
    raises: int = 0
    calls: int = 0
    paid: tuple[int, ...] = ()
    folded: tuple[bool, ...] = ()


class LeducPoker:
    """The rules of Leduc hold'em: two suits, a card each, a round of bets, a public card, and another round.

    Everybody puts in 1. A raise is by 2 in the first round and by 4 in the second, and there are at most two in a
    round. A pair with the public card beats everything, then the higher card wins, and equals share the pot.

    Parameters
    ----------
    n_players : int
        From 2 to 6; the ranks are one more than players.
    suits : bool
        Whether the players tell the two cards of a rank apart (as they do in OpenSpiel's game at its defaults),
        which changes nothing but the number of information sets.
    """

    def __init__(self, n_players: int = 2, *, suits: bool = True) -> None:
        check_count(n_players, "n_players", 2, 6)
        self.players = [f"player {i}" for i in range(n_players)]
        ranks = "JQK" if n_players == 2 else [f"{rank + 1}." for rank in range(n_players + 1)]
        self._ranks = [rank for rank in range(n_players + 1) for _ in range(2)] if suits else list(range(n_players + 1))
        self._copies = 1 if suits else 2
        self._names = [f"{rank}{suit}" for rank in ranks for suit in "ab"] if suits else list(ranks)

    def initial_state(self) -> _Hand:
        """Return the state in which nothing has been dealt."""
        n = len(self.players)
        return _Hand(paid=(1,) * n, folded=(False,) * n)

    def current_player(self, state: _Hand) -> int:
        """Return who moves."""
        return state.mover

    def legal_actions(self, state: _Hand) -> tuple[str, ...]:
        """Return fold if there is something to call, call (or check), and raise if two have not raised."""
        fold = max(state.paid) > state.paid[state.mover]
        if state.raises < 2:
            return ("fold", "call", "raise") if fold else ("call", "raise")
        return ("fold", "call") if fold else ("call",)

    def chance_outcomes(self, state: _Hand) -> list[tuple[str, Fraction]]:
        """Return the cards that are left."""
        dealt = [*state.cards, state.public] if state.public >= 0 else list(state.cards)
        left = [self._copies - dealt.count(card) for card in range(len(self._names))]
        return [(name, Fraction(count, sum(left))) for name, count in zip(self._names, left) if count]

    def next_state(self, state: _Hand, action: str) -> _Hand:
        """Return the state after a card has been dealt, or after an action."""
        n = len(self.players)
        if state.mover == CHANCE:
            card = self._names.index(action)
            if len(state.cards) < n:
                cards = (*state.cards, card)
                return state._replace(cards=cards, mover=0 if len(cards) == n else CHANCE)
            return state._replace(public=card, mover=state.folded.index(False))
        me, paid, folded = state.mover, list(state.paid), state.folded
        raises, calls = state.raises, state.calls
        if action == "fold":
            folded = (*folded[:me], True, *folded[me + 1 :])
        else:
            paid[me] = max(paid)
            calls += 1
            if action == "raise":
                paid[me] += 2 if state.public < 0 else 4
                raises, calls = raises + 1, 0
        first, second = state.first, state.second
        if state.public < 0:
            first += action[0]
        else:
            second += action[0]
        left = n - sum(folded)
        closed = calls == (left if raises == 0 else left - 1)
        if left == 1 or (closed and state.public >= 0):
            mover = TERMINAL
        elif closed:
            mover, raises, calls = CHANCE, 0, 0
        else:
            mover = next(i % n for i in range(me + 1, me + n) if not folded[i % n])
        return _Hand(state.cards, state.public, first, second, mover, raises, calls, tuple(paid), folded)

    def information_state(self, state: _Hand) -> str:
        """Return the own card, the public one, and the actions of both rounds."""
        own = self._names[state.cards[state.mover]]
        if state.public < 0:
            return f"{own} {state.first}".rstrip()
        return f"{own} {state.first} {self._names[state.public]} {state.second}".rstrip()

    def returns(self, state: _Hand) -> list[int | Fraction]:
        """Return what each player wins."""
        left = [i for i, out in enumerate(state.folded) if not out]
        if len(left) > 1:
            ranks = {i: self._ranks[state.cards[i]] for i in left}
            public = self._ranks[state.public]
            strength = {i: (rank == public, rank) for i, rank in ranks.items()}
            best = max(strength.values())
            left = [i for i in left if strength[i] == best]
        pot = sum(state.paid)
        share = Fraction(pot, len(left)) if pot % len(left) else pot // len(left)
        return [(share if i in left else 0) - paid for i, paid in enumerate(state.paid)]


@listed(n_players=2, size=58, value=Fraction(-1, 18))
def kuhn_poker(n_players: int = 2, n_cards: int | None = None) -> ExtensiveGame:
    """Return Kuhn poker, worth -1/18 to the first of two players with three cards.

    Everybody puts in one chip and gets one card, which nobody else sees; in turn they pass or bet one more chip, as
    :class:`KuhnPoker` says in full.

    Parameters
    ----------
    n_players : int
        From 2 to 8.
    n_cards : int, optional
        One more than players by default.

    Examples
    --------
    >>> kuhn_poker()
    <ExtensiveGame 'Kuhn poker': 58 nodes, 6 + 6 information sets, exact>
    >>> kuhn_poker().normal_form().n_actions
    (27, 64)

    References
    ----------
    Kuhn (1950), A simplified two-person poker, Contributions to the Theory of Games I. For more players: Abou Risk
    and Szafron (2010), Using counterfactual regret minimization to create competitive multiplayer poker agents,
    AAMAS 2010.
    """
    return ExtensiveGame.from_rules(KuhnPoker(n_players, n_cards), title="Kuhn poker")


@listed(n_players=2, size=9457, value=-0.0856064240780005)
def leduc_poker(n_players: int = 2, *, suits: bool = True) -> ExtensiveGame:
    """Return Leduc hold'em: six cards of three ranks, one private and one public, two rounds of bets.

    Each player sees her own card, the public one once it is there, and all bets; :class:`LeducPoker` has the rules.

    Parameters
    ----------
    n_players : int
        From 2 to 3; the ranks are one more than players.
    suits : bool
        Whether the players tell the two cards of a rank apart, as in OpenSpiel's game.

    Examples
    --------
    >>> leduc_poker()
    <ExtensiveGame 'Leduc poker': 9457 nodes, 468 + 468 information sets, exact>
    >>> leduc_poker(suits=False).n_infosets
    (144, 144)

    References
    ----------
    Southey, Bowling, Larson, Piccione, Burch, Billings and Rayner (2005), Bayes' bluff: opponent modelling in poker,
    UAI 2005.
    """
    check_count(n_players, "n_players", 2, 6)
    if n_players > 3:
        raise GameError(
            f"n_players is {n_players}: the tree for more than 3 is too large, so search LeducPoker instead"
        )
    return ExtensiveGame.from_rules(LeducPoker(n_players, suits=suits), title="Leduc poker")
