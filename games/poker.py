"""Poker small enough to write down as a table."""

from __future__ import annotations

import itertools
from fractions import Fraction

from marlgt.games._catalogue import catalogued, zero_sum_game
from marlgt.games.normal_form import NormalFormGame

__all__ = ["kuhn_poker_normal_form"]

_CARDS = ("J", "Q", "K")
_FIRST = ("bet", "pass, fold", "pass, call")
_SECOND = ("fold, pass", "fold, bet", "call, pass", "call, bet")
"""Of the second player: the answer to a bet, then the answer to a pass."""


def _known() -> tuple[tuple[Fraction, ...], ...]:
    # The equilibrium in which the first player never bets: the queen calls, and the second player's
    # jack bluffs and queen calls, one time in three.
    third = Fraction(1, 3)
    first = ({1: Fraction(1)}, {1: 1 - third, 2: third}, {2: Fraction(1)})
    second = ({0: 1 - third, 1: third}, {0: 1 - third, 2: third}, {3: Fraction(1)})
    return tuple(
        tuple(
            cards[0].get(j, Fraction(0)) * cards[1].get(q, Fraction(0)) * cards[2].get(k, Fraction(0))
            for j, q, k in itertools.product(range(count), repeat=3)
        )
        for cards, count in ((first, 3), (second, 4))
    )


@catalogued(equilibria=[_known()])
def kuhn_poker_normal_form() -> NormalFormGame:
    """Return Kuhn's poker with three cards as the table of its 27 x 64 pure strategies, worth -1/18.

    A strategy names a plan for each card, the jack first. Both put in 1, and may bet 1 more once.

    References
    ----------
    Kuhn (1950), A simplified two-person poker, Contributions to the Theory of Games I.
    """
    first = list(itertools.product(range(3), repeat=3))
    second = list(itertools.product(range(4), repeat=3))
    deals = list(itertools.permutations(range(3), 2))
    matrix = [[Fraction(sum(_pays(own[a], other[b], a > b) for a, b in deals), 6) for other in second] for own in first]
    labels = [
        ["; ".join(f"{card}: {words[plan]}" for card, plan in zip(_CARDS, strategy)) for strategy in strategies]
        for strategies, words in ((first, _FIRST), (second, _SECOND))
    ]
    return zero_sum_game(matrix, actions=labels, title="Kuhn poker in normal form")


def _pays(plan: int, answer: int, higher: bool) -> int:
    """Return what one deal pays the first player."""
    sign = 1 if higher else -1
    if plan == 0:
        return 2 * sign if answer >= 2 else 1
    if answer % 2 == 0:
        return sign
    return 2 * sign if plan == 2 else -1
