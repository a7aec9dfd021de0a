"""Signalling games: a sender knows her type, the receiver sees only what she does."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

from marlgt.errors import GameError
from marlgt.games._arrays import short
from marlgt.games._catalogue import Number, check_count, check_numbers, listed
from marlgt.games._doors import require_sequence
from marlgt.games.extensive import ExtensiveGame
from marlgt.games.tree_builder import TreeBuilder

__all__ = ["beer_quiche", "spence_signalling"]


@listed(n_players=2, size=15)
def beer_quiche(*, strong: Number = Fraction(9, 10)) -> ExtensiveGame:
    """Return beer and quiche: breakfast may tell a bully whether he faces a wimp or somebody strong.

    Chance draws the sender's type, which only the sender learns before choosing beer or quiche; the bully sees the
    breakfast and fights or leaves. The strong type likes beer and the wimp quiche, which is worth 1, and not having to
    fight is worth 2; the bully gains 1 by fighting exactly the wimp. If most are strong, both types drink beer, or both
    eat quiche: the latter is a sequential equilibrium too, but fails the intuitive criterion.

    Parameters
    ----------
    strong : number
        The probability of the strong type, between 0 and 1.

    References
    ----------
    Cho and Kreps (1987), Signaling games and stable equilibria, Quarterly Journal of Economics 102, figure 1.
    """
    check_numbers(strong=strong)
    if not 0 < strong < 1:
        raise GameError(f"strong is {short(strong)}: give a probability between 0 and 1, such as Fraction(9, 10)")
    tree = TreeBuilder(["sender", "bully"], title="Beer and quiche")
    root = tree.chance(None, [("strong", strong), ("wimp", 1 - strong)])
    for kind, favourite in (("strong", "beer"), ("wimp", "quiche")):
        sender = tree.decision(root, 0, kind, ["beer", "quiche"])
        for breakfast in ("beer", "quiche"):
            bully = tree.decision(sender, 1, breakfast, ["fight", "leave"])
            liked = int(breakfast == favourite)
            tree.terminal(bully, [liked, int(kind == "wimp")])
            tree.terminal(bully, [liked + 2, int(kind == "strong")])
    return tree.build()


@listed(n_players=2, size=27)
def spence_signalling(
    *,
    able: Number = Fraction(1, 2),
    levels: int = 3,
    wages: Sequence[Number] = (1, Fraction(3, 2), 2),
) -> ExtensiveGame:
    """Return job-market signalling: education teaches nothing but costs the able worker half as much.

    A worker of productivity 1 or 2 chooses a level of education, which costs her the level over her productivity;
    the employer, who sees the education alone, sets a wage and loses the square of its distance from the
    productivity, so that competition for workers need not be modelled. One level of education separates the types
    without a profit from pretending; two levels waste more.

    Parameters
    ----------
    able : number
        The probability of productivity 2, between 0 and 1.
    levels : int
        From 2 to 50: the levels are 0, 1, ..., levels - 1.
    wages : sequence of numbers
        What the employer may offer.

    References
    ----------
    Spence (1973), Job market signaling, Quarterly Journal of Economics 87.
    """
    check_numbers(able=able)
    check_count(levels, "levels", 2, 50)
    if not 0 < able < 1:
        raise GameError(f"able is {short(able)}: give a probability between 0 and 1, such as Fraction(1, 2)")
    require_sequence(wages, "wages", "numbers")
    if not 1 <= len(wages) <= 100:
        raise GameError(f"wages are {short(wages)}: list 1 to 100 numbers")
    check_numbers(**{f"wages[{k}]": wage for k, wage in enumerate(wages)})
    tree = TreeBuilder(["worker", "employer"], title="Job-market signalling")
    root = tree.chance(None, [("able", able), ("not able", 1 - able)])
    for kind, productivity in (("able", 2), ("not able", 1)):
        worker = tree.decision(root, 0, kind, [f"education {level}" for level in range(levels)])
        for level in range(levels):
            employer = tree.decision(worker, 1, f"education {level}", [f"wage {wage}" for wage in wages])
            for wage in wages:
                tree.terminal(employer, [wage - Fraction(level, productivity), -((wage - productivity) ** 2)])
    return tree.build()
