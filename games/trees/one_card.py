"""The smallest card games and the example of the sequence form."""

from __future__ import annotations

from fractions import Fraction

from marlgt.games._catalogue import listed
from marlgt.games.extensive import ExtensiveGame
from marlgt.games.tree_builder import TreeBuilder

__all__ = ["myerson_poker_tree", "stoc94_example", "stripped_down_poker"]


@listed(n_players=2, size=11, value=Fraction(1, 3))
def myerson_poker_tree() -> ExtensiveGame:
    """Return Myerson's card game as a tree: one player sees a card and may raise, the other may meet or pass.

    Each puts in 1. Fred draws a card, red or black with the same chance, which Alice does not see, and raises by 1 or
    folds; after a raise Alice meets it by 1 or passes, which loses her 1. If she meets, or if Fred folds, he wins with
    red and loses with black. He raises with every red card and a third of the black ones, she meets two raises in
    three. Its normal form is :func:`myerson_poker`.

    References
    ----------
    Myerson (1991), Game Theory: Analysis of Conflict, section 2.1.
    """
    return _one_card(
        ("Fred", "Alice"),
        ("red", "black"),
        ("raise", "fold"),
        ("meet", "pass"),
        folded_high=1,
        title="Myerson's card game",
    )


@listed(n_players=2, size=11, value=Fraction(1, 3))
def stripped_down_poker() -> ExtensiveGame:
    """Return stripped-down poker: the professor sees a king or a queen and bets or folds, the student may call.

    Each puts in 1; the card, which only the professor sees, is a king or a queen with the same chance, and a bet and a
    call add 1 each. A called king wins and a called queen loses. Unlike in Myerson's game, folding with the high card
    loses.

    References
    ----------
    Reiley, Urbancic and Walker (2008), Stripped-down poker: a classroom game with signaling and bluffing, Journal of
    Economic Education 39.
    """
    return _one_card(
        ("Professor", "Student"),
        ("king", "queen"),
        ("bet", "fold"),
        ("call", "fold"),
        folded_high=-1,
        title="Stripped-down poker",
    )


def _one_card(
    players: tuple[str, str],
    cards: tuple[str, str],
    first: tuple[str, str],
    second: tuple[str, str],
    *,
    folded_high: int,
    title: str,
) -> ExtensiveGame:
    tree = TreeBuilder(players, title=title)
    deal = tree.chance(None, [(card, Fraction(1, 2)) for card in cards])
    for card, sign in zip(cards, (1, -1)):
        choice = tree.decision(deal, 0, card, first)
        answer = tree.decision(choice, 1, f"after {first[0]}", second)
        tree.terminal(answer, [2 * sign, -2 * sign])
        tree.terminal(answer, [1, -1])
        folded = folded_high if sign == 1 else -1
        tree.terminal(choice, [folded, -folded])
    return tree.build()


@listed(n_players=2, size=21, value=13)
def stoc94_example() -> ExtensiveGame:
    """Return the example by which the sequence form was introduced, a zero-sum game worth 13.

    Chance chooses one of four ways. In the first the first player stops or lets the second reply, and then moves again
    without having seen the reply. She cannot tell the second way from the third; in the third the other replies
    without seeing what she chose. The fourth ends at once.

    References
    ----------
    Koller, Megiddo and von Stengel (1994), Fast algorithms for finding randomized strategies in game trees, STOC '94.
    """
    tree = TreeBuilder(["1", "2"], title="Example of the sequence form")
    fifth = Fraction(1, 5)
    root = tree.chance(None, [("1", fifth), ("2", fifth), ("3", fifth), ("4", 2 * fifth)])
    node = tree.decision(root, 0, "0", ["l", "r"])
    tree.terminal(node, [5, -5])
    answer = tree.decision(node, 1, "01", ["p", "q"])
    for ends in ((10, 15), (20, -5)):
        again = tree.decision(answer, 0, "010", ["L", "R"])
        for payoff in ends:
            tree.terminal(again, [payoff, -payoff])
    node = tree.decision(root, 0, "1", ["c", "d"])
    for payoff in (10, 20):
        tree.terminal(node, [payoff, -payoff])
    node = tree.decision(root, 0, "1", ["c", "d"])
    for ends in ((20, 50), (30, 15)):
        answer = tree.decision(node, 1, "20", ["s", "t"])
        for payoff in ends:
            tree.terminal(answer, [payoff, -payoff])
    tree.terminal(root, [5, -5])
    return tree.build()
