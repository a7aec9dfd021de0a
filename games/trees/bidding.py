"""Games of bids: goofspiel, by its rules and as a tree, and the dollar auction."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from typing import NamedTuple

from marlgt.errors import GameError
from marlgt.games._arrays import short
from marlgt.games._catalogue import check_count, listed
from marlgt.games._doors import require_sequence
from marlgt.games.extensive import CHANCE, TERMINAL, ExtensiveGame
from marlgt.games.tree_builder import TreeBuilder

__all__ = ["Goofspiel", "dollar_auction", "goofspiel"]


class _Tricks(NamedTuple):
    """A state: the prizes shown, the bids of every finished trick, its winner (-1 for none), and the bids made now."""

    prizes: tuple[int, ...] = ()
    bids: tuple[tuple[int, ...], ...] = ()
    winners: tuple[int, ...] = ()
    now: tuple[int, ...] = ()


class Goofspiel:
    """The rules of goofspiel: everybody bids a card of her hand in secret for each prize, and the highest takes it.

    Hands and prizes are the cards 1, 2, ..., n_cards. A prize whose highest bid is tied is lost. The last cards
    play themselves. The bids of a trick are made in turn, unseen.

    Parameters
    ----------
    n_cards : int
        From 2 to 13.
    n_players : int
        From 2 to 5.
    prizes : sequence of int, optional
        The order in which the prizes come up, descending by default.
    shuffled : bool
        Whether chance draws the order instead.
    bids_shown : bool
        Whether everybody sees the bids of finished tricks, and not only who won them.
    win_or_lose : bool
        Whether the winners share a payoff of 1 and the others lose 1 among them, as in OpenSpiel's game at its
        defaults; else everybody gets what her points are above the average.
    """

    def __init__(
        self,
        n_cards: int = 4,
        *,
        n_players: int = 2,
        prizes: Sequence[int] | None = None,
        shuffled: bool = False,
        bids_shown: bool = False,
        win_or_lose: bool = True,
    ) -> None:
        check_count(n_cards, "n_cards", 2, 13)
        check_count(n_players, "n_players", 2, 5)
        cards = tuple(range(n_cards, 0, -1))
        if prizes is not None:
            require_sequence(prizes, "prizes", "cards")
        self._prizes = cards if prizes is None else tuple(prizes)
        if set(map(type, self._prizes)) != {int} or sorted(self._prizes, reverse=True) != list(cards):
            raise GameError(f"prizes are {short(prizes)}: put the cards 1 to {n_cards} in some order")
        if shuffled and prizes is not None:
            raise GameError("prizes are given but shuffled is true: give an order or let chance draw it")
        self.players = [f"player {i}" for i in range(n_players)]
        self.n_cards, self.shuffled, self.bids_shown, self.win_or_lose = n_cards, shuffled, bids_shown, win_or_lose

    def initial_state(self) -> _Tricks:
        """Return the state with the first prize shown, unless chance draws it."""
        return _Tricks() if self.shuffled else _Tricks(self._prizes[:1])

    def current_player(self, state: _Tricks) -> int:
        """Return who moves."""
        if len(state.bids) == self.n_cards:
            return TERMINAL
        return CHANCE if len(state.prizes) == len(state.bids) else len(state.now)

    def legal_actions(self, state: _Tricks) -> list[int]:
        """Return the cards in the hand of the player who moves."""
        played = [bids[len(state.now)] for bids in state.bids]
        return [card for card in range(1, self.n_cards + 1) if card not in played]

    def chance_outcomes(self, state: _Tricks) -> list[tuple[int, Fraction]]:
        """Return the prizes that are left, all alike."""
        left = [card for card in range(1, self.n_cards + 1) if card not in state.prizes]
        return [(card, Fraction(1, len(left))) for card in left]

    def next_state(self, state: _Tricks, action: int) -> _Tricks:
        """Return the state after a prize has been shown or a card has been bid."""
        if len(state.prizes) == len(state.bids):
            return state._replace(prizes=(*state.prizes, action))
        now = (*state.now, action)
        if len(now) < len(self.players):
            return state._replace(now=now)
        after = self._settled(state, now)
        if len(after.bids) < self.n_cards - 1:
            return after
        cards = range(1, self.n_cards + 1)
        rest = [next(c for c in cards if c not in own) for own in zip(*after.bids)]
        prize = next(c for c in cards if c not in after.prizes[: self.n_cards - 1])
        return self._settled(after._replace(prizes=(*after.prizes[: self.n_cards - 1], prize)), tuple(rest))

    def information_state(self, state: _Tricks) -> str:
        """Return the prizes shown, the own bids (or everybody's) and the winners of the tricks."""
        me = len(state.now)
        words = ["prizes", *map(str, state.prizes)]
        if state.bids:
            bids = [",".join(map(str, trick)) if self.bids_shown else str(trick[me]) for trick in state.bids]
            words += ["bids", *bids, "won by", *(str(i) if i >= 0 else "-" for i in state.winners)]
        return " ".join(words)

    def returns(self, state: _Tricks) -> list[int | Fraction]:
        """Return what each player gets."""
        n = len(self.players)
        points = [sum(p for p, won in zip(state.prizes, state.winners) if won == i) for i in range(n)]
        if not self.win_or_lose:
            return [_whole(point - Fraction(sum(points), n)) for point in points]
        best = [i for i in range(n) if points[i] == max(points)]
        if len(best) == n:
            return [0] * n
        return [_whole(Fraction(1, len(best)) if i in best else Fraction(-1, n - len(best))) for i in range(n)]

    def _settled(self, state: _Tricks, now: tuple[int, ...]) -> _Tricks:
        high = max(now)
        winner = now.index(high) if now.count(high) == 1 else -1
        bids = (*state.bids, now)
        shown = state.prizes if self.shuffled else self._prizes[: min(len(bids) + 1, self.n_cards)]
        return _Tricks(shown, bids, (*state.winners, winner))


def _whole(x: Fraction) -> int | Fraction:
    return x.numerator if x.denominator == 1 else x


@listed(n_players=2, size=1077, value=0)
def goofspiel(
    n_cards: int = 4,
    *,
    n_players: int = 2,
    prizes: Sequence[int] | None = None,
    shuffled: bool = False,
    bids_shown: bool = False,
    win_or_lose: bool = True,
) -> ExtensiveGame:
    """Return goofspiel, the game of pure strategy: bid the cards of a hand for prizes that come up one by one.

    At its defaults it is OpenSpiel's ``goofspiel(imp_info=True,num_cards=4,points_order=descending)``; shuffled, it
    is that with ``points_order=random``. With the bids shown it is a game whose only secret is the bid of the moment.

    Parameters
    ----------
    n_cards : int
        From 2 to 13; a tree of 5 cards has 26,931 nodes, of 6 cards about a million.
    n_players : int
        From 2 to 5.
    prizes : sequence of int, optional
        The order in which the prizes come up, descending by default.
    shuffled : bool
        Whether chance draws the order instead.
    bids_shown : bool
        Whether everybody sees the bids of finished tricks.
    win_or_lose : bool
        Whether only winning counts, or else the points above the average.

    Examples
    --------
    >>> goofspiel()
    <ExtensiveGame 'Goofspiel': 1077 nodes, 81 + 81 information sets, exact>

    References
    ----------
    Ross (1971), Goofspiel: the game of pure strategy, Journal of Applied Probability 8. Lanctot, Lisy and Winands
    (2014), Monte Carlo tree search in simultaneous move games with applications to Goofspiel, CGW 2013.
    """
    rules = Goofspiel(
        n_cards,
        n_players=n_players,
        prizes=prizes,
        shuffled=shuffled,
        bids_shown=bids_shown,
        win_or_lose=win_or_lose,
    )
    return ExtensiveGame.from_rules(rules, title="Goofspiel")


@listed(n_players=2, size=7)
def dollar_auction(*, prize: int = 2, budget: int = 3) -> ExtensiveGame:
    """Return the dollar auction: the highest bidder gets the prize, but both bidders pay their last bid.

    In turn each raises the other's bid by 1 or gives up; nobody can bid more than her budget. Once a bid is sunk,
    raising looks better than giving up as long as the other might stop, far beyond what the prize is worth.

    Parameters
    ----------
    prize : int
        From 1 to 100, in units of the raise.
    budget : int
        From 1 to 1000.

    References
    ----------
    Shubik (1971), The dollar auction game: a paradox in noncooperative behavior and escalation, Journal of Conflict
    Resolution 15. O'Neill (1986), International escalation and the dollar auction, Journal of Conflict Resolution 30.
    """
    check_count(prize, "prize", 1, 100)
    check_count(budget, "budget", 1, 1000)
    tree = TreeBuilder(["first bidder", "second bidder"], title="Dollar auction")
    node = None
    for bid in range(budget + 1):
        mover = bid % 2
        # Her own last bid is one below the other's, which stands at ``bid``.
        pays = [0, 0]
        if bid:
            pays[1 - mover] = prize - bid
            pays[mover] = -(bid - 1)
        if bid == budget:
            tree.terminal(node, pays)
            break
        node = tree.decision(node, mover, None, ["give up", f"bid {bid + 1}"])
        tree.terminal(node, pays)
    return tree.build()
