"""The extensive games of textbooks: threats, promises and who knows what when."""

from __future__ import annotations

from collections.abc import Sequence

from marlgt.games._catalogue import Number, check_count, check_falling, check_numbers, listed
from marlgt.games.extensive import ExtensiveGame
from marlgt.games.tree_builder import TreeBuilder

__all__ = [
    "battle_of_the_sexes_with_outside_option",
    "centipede_tree",
    "entry_deterrence_tree",
    "matching_pennies_tree",
    "prisoners_dilemma_repeated_tree",
    "seltens_horse_tree",
    "trust_tree",
    "ultimatum_tree",
]


@listed(n_players=2, size=9, value=4)
def centipede_tree(*, moves: int = 4) -> ExtensiveGame:
    """Return the centipede as a tree: two players in turn take the larger of two growing piles, or pass.

    The piles are 4 and 1, and double at every pass. Taking at once is the only subgame-perfect equilibrium. Its
    reduced normal form is :func:`centipede`.

    Parameters
    ----------
    moves : int
        From 2 to 400.

    References
    ----------
    Rosenthal (1981), Games of perfect information, predatory pricing and the chain-store paradox, Journal of
    Economic Theory 25; piles of McKelvey and Palfrey (1992), An experimental study of the centipede game,
    Econometrica 60.
    """
    check_count(moves, "moves", 2, 400)
    tree = TreeBuilder(["first", "second"], title="Centipede")
    node = None
    for turn in range(moves + 1):
        # Whoever would have moved next after the last pass gets the large pile.
        piles = [4 * 2**turn, 2**turn]
        payoffs = piles if turn % 2 == 0 else piles[::-1]
        if turn < moves:
            node = tree.decision(node, turn % 2, f"turn {turn + 1}", ["take", "pass"])
        tree.terminal(node, payoffs)
    return tree.build()


@listed(n_players=2, size=13)
def ultimatum_tree(*, pie: int = 3) -> ExtensiveGame:
    """Return the ultimatum game as a tree: one offers a part of a pie, the other takes it or nobody gets any.

    Parameters
    ----------
    pie : int
        From 1 to 10,000.

    References
    ----------
    Guth, Schmittberger and Schwarze (1982), An experimental analysis of ultimatum bargaining, Journal of Economic
    Behavior and Organization 3.
    """
    check_count(pie, "pie", 1, 10_000)
    tree = TreeBuilder(["proposer", "responder"], title="Ultimatum game")
    root = tree.decision(None, 0, "offer", [f"offer {offer}" for offer in range(pie + 1)])
    for offer in range(pie + 1):
        answer = tree.decision(root, 1, f"offered {offer}", ["accept", "reject"])
        tree.terminal(answer, [pie - offer, offer])
        tree.terminal(answer, [0, 0])
    return tree.build()


@listed(n_players=2, size=5)
def entry_deterrence_tree(*, markets: int = 1) -> ExtensiveGame:
    """Return the chain-store paradox: in one market after the other an entrant, and an incumbent who may fight.

    In the only subgame-perfect equilibrium everybody enters and the incumbent, the last player, never fights. With
    one market its normal form is :func:`entry_deterrence`.

    Parameters
    ----------
    markets : int
        From 1 to 8.

    References
    ----------
    Selten (1978), The chain store paradox, Theory and Decision 9.
    """
    check_count(markets, "markets", 1, 8)
    entrants = ["entrant"] if markets == 1 else [f"entrant {k + 1}" for k in range(markets)]
    tree = TreeBuilder([*entrants, "incumbent"], title="Chain store")
    # (gains of the entrant and of the incumbent) if she stays out, if he cooperates, and if he fights
    gains = {"stay out": (1, 5), "cooperate": (2, 2), "fight": (0, 0)}
    stack: list[tuple[int | None, tuple[str, ...], bool]] = [(None, (), False)]
    while stack:
        parent, story, entered = stack.pop()
        told = ", ".join(story) or "start"
        if entered:
            node = tree.decision(parent, markets, f"{told}, then entry", ["cooperate", "fight"])
            choices = ["cooperate", "fight"]
        elif len(story) < markets:
            node = tree.decision(parent, len(story), told, ["stay out", "enter"])
            choices = ["stay out", "enter"]
        else:
            tree.terminal(parent, [*(gains[what][0] for what in story), sum(gains[what][1] for what in story)])
            continue
        for what in reversed(choices):
            stack.append((node, story, True) if what == "enter" else (node, (*story, what), False))
    return tree.build()


@listed(n_players=2, size=5)
def trust_tree() -> ExtensiveGame:
    """Return the trust game as a tree: trusting helps both if it is honoured, and it is not.

    A trusts B or does not; B, who sees it, honours or abuses the trust, which gives him 10 or 15 and her 10 or -5. So
    he would abuse it, and she does not trust him.

    References
    ----------
    Kreps (1990), Corporate culture and economic theory, in Alt and Shepsle (eds.), Perspectives on Positive Political
    Economy.
    """
    tree = TreeBuilder(["A", "B"], title="Trust game")
    root = tree.decision(None, 0, "start", ["distrust", "trust"])
    tree.terminal(root, [0, 0])
    trusted = tree.decision(root, 1, "trusted", ["honour", "abuse"])
    tree.terminal(trusted, [10, 10])
    tree.terminal(trusted, [-5, 15])
    return tree.build()


@listed(n_players=3, size=9)
def seltens_horse_tree() -> ExtensiveGame:
    """Return Selten's horse: an equilibrium that is subgame perfect, for want of subgames, and yet not perfect.

    The first player goes across or down, then, after across, the second; the third sees that somebody went down, but
    not who, and goes left or right. If both go across everybody gets 1.

    References
    ----------
    Selten (1975), Reexamination of the perfectness concept for equilibrium points in extensive games, International
    Journal of Game Theory 4, figure 1.
    """
    tree = TreeBuilder(["1", "2", "3"], title="Selten's horse")
    first = tree.decision(None, 0, "1", ["across", "down"])
    second = tree.decision(first, 1, "2", ["across", "down"])
    tree.terminal(second, [1, 1, 1])
    for parent, ends in ((second, ((4, 4, 0), (0, 0, 1))), (first, ((3, 2, 2), (0, 0, 0)))):
        third = tree.decision(parent, 2, "3", ["left", "right"])
        for payoffs in ends:
            tree.terminal(third, payoffs)
    return tree.build()


@listed(n_players=2, size=7, value=0)
def matching_pennies_tree(*, seen: bool = False) -> ExtensiveGame:
    """Return matching pennies as a tree: the second player wins who can tell the first one's side of the coin.

    Parameters
    ----------
    seen : bool
        Whether the second player sees the first penny, which makes the game worth -1 to the first.

    References
    ----------
    von Neumann and Morgenstern (1944), Theory of Games and Economic Behavior.
    """
    tree = TreeBuilder(["even", "odd"], title="Matching pennies")
    root = tree.decision(None, 0, "first", ["heads", "tails"])
    for side in range(2):
        answer = tree.decision(root, 1, f"second {side}" if seen else "second", ["heads", "tails"])
        for guess in range(2):
            payoff = 1 if side == guess else -1
            tree.terminal(answer, [payoff, -payoff])
    return tree.build()


@listed(n_players=2, size=9)
def battle_of_the_sexes_with_outside_option(*, outside: Number = 2) -> ExtensiveGame:
    """Return the battle of the sexes that the first player may stay out of: forward induction gets her way.

    She stays out or goes in; then both choose at once, each not knowing what the other does. Going in tells that she
    expects more than outside, which only her favourite equilibrium pays: by iterated weak dominance she goes in and
    gets 3, though staying out is subgame perfect too.

    Parameters
    ----------
    outside : number
        What staying out pays both, between 1 and 3.

    References
    ----------
    Kohlberg and Mertens (1986), On the strategic stability of equilibria, Econometrica 54. van Damme (1989), Stable
    equilibria and forward induction, Journal of Economic Theory 48.
    """
    check_numbers(outside=outside)
    check_falling(favourite=3, outside=outside, other=1)
    tree = TreeBuilder(["she", "he"], title="Battle of the sexes with an outside option")
    root = tree.decision(None, 0, "start", ["out", "in"])
    tree.terminal(root, [outside, outside])
    hers = tree.decision(root, 0, "inside", ["top", "bottom"])
    for ends in (((3, 1), (0, 0)), ((0, 0), (1, 3))):
        his = tree.decision(hers, 1, "he", ["left", "right"])
        for payoffs in ends:
            tree.terminal(his, payoffs)
    return tree.build()


@listed(n_players=2, size=31)
def prisoners_dilemma_repeated_tree(
    rounds: int = 2,
    *,
    temptation: Number = 5,
    reward: Number = 3,
    punishment: Number = 1,
    sucker: Number = 0,
) -> ExtensiveGame:
    """Return the finitely repeated prisoner's dilemma: payoffs add up, and both remember every round.

    In each round both cooperate or defect at once. In every equilibrium both always defect on the path, however many
    rounds there are.

    Parameters
    ----------
    rounds : int
        From 1 to 8; the tree has about 2 * 4**rounds nodes.
    temptation, reward, punishment, sucker : number

    References
    ----------
    Luce and Raiffa (1957), Games and Decisions, section 5.5.
    """
    check_numbers(temptation=temptation, reward=reward, punishment=punishment, sucker=sucker)
    check_count(rounds, "rounds", 1, 8)
    check_falling(temptation=temptation, reward=reward, punishment=punishment, sucker=sucker)
    stage: tuple[Sequence[Number], ...] = ((reward, sucker), (temptation, punishment))
    tree = TreeBuilder(["row", "column"], title="Repeated prisoner's dilemma")
    stack: list[tuple[int | None, str, Number, Number]] = [(None, "", 0, 0)]
    while stack:
        parent, past, row, column = stack.pop()
        told = past or "start"
        if len(past) == 3 * rounds:
            tree.terminal(parent, [row, column])
            continue
        first = tree.decision(parent, 0, told, ["cooperate", "defect"])
        later = []
        for a in range(2):
            second = tree.decision(first, 1, told, ["cooperate", "defect"])
            for b in range(2):
                joint = f"{past}{'CD'[a]}{'CD'[b]} "
                later.append((second, joint, row + stage[a][b], column + stage[b][a]))
        stack.extend(reversed(later))
    return tree.build()
