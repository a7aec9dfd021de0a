"""Games in which a player forgets: what behaviour and mixed strategies can do then differs."""

from __future__ import annotations

from marlgt.games._catalogue import Number, check_falling, check_numbers, listed
from marlgt.games.extensive import ExtensiveGame
from marlgt.games.tree_builder import TreeBuilder

__all__ = ["absent_minded_driver", "wichardt_2008"]


@listed(n_players=1, size=5)
def absent_minded_driver() -> ExtensiveGame:
    """Return the absent-minded driver, who cannot tell the first exit from the second.

    The driver, who plays alone, comes to the first exit and, if he goes on, to the second; at each he takes the exit
    or goes on, and does not remember whether he has passed one. The first exit pays 0, the second 4, going on to the
    end 1. Planning to go on with probability 2/3 is best and pays 4/3; no pure strategy, nor any mixture of them, pays
    more than 1.

    References
    ----------
    Piccione and Rubinstein (1997), On the interpretation of decision problems with imperfect recall, Games and
    Economic Behavior 20, example 1.
    """
    tree = TreeBuilder(["driver"], title="Absent-minded driver")
    first = tree.decision(None, 0, "exit", ["exit", "go on"])
    tree.terminal(first, [0])
    second = tree.decision(first, 0, "exit", ["exit", "go on"])
    tree.terminal(second, [4])
    tree.terminal(second, [1])
    return tree.build()


@listed(n_players=2, size=15)
def wichardt_2008(*, penalty: Number = 5) -> ExtensiveGame:
    """Return a zero-sum game without an equilibrium in behaviour strategies, since one player forgets her first move.

    She moves left or right twice, remembering nothing; two different moves cost her the penalty. The other then
    guesses, unseeing, which move she made twice, and gets 1 from her if right and pays her 1 if wrong. Every best
    behaviour reply of hers is pure, and no pure strategy is in equilibrium; in mixed strategies she plays left twice or
    right twice, and the value is 0.

    Parameters
    ----------
    penalty : number
        More than 1.

    References
    ----------
    Wichardt (2008), Existence of Nash equilibria in finite extensive form games with imperfect recall: a
    counterexample, Games and Economic Behavior 63.
    """
    check_numbers(penalty=penalty)
    check_falling(penalty=penalty, win=1)
    tree = TreeBuilder(["forgetful", "guesser"], title="A game without an equilibrium in behaviour strategies")
    first = tree.decision(None, 0, "first", ["left", "right"])
    for a in range(2):
        second = tree.decision(first, 0, "second", ["left", "right"])
        for b in range(2):
            guess = tree.decision(second, 1, "guess", ["left", "right"])
            for c in range(2):
                payoff = -penalty if a != b else -1 if c == a else 1
                tree.terminal(guess, [payoff, -payoff])
    return tree.build()
