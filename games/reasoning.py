"""Reasoning about the other: commitment, trust, credible threats, rationalizability and refinements."""

from __future__ import annotations

from fractions import Fraction

from marlgt.games._catalogue import catalogued, two_players
from marlgt.games.normal_form import NormalFormGame

__all__ = [
    "bernheim_1984",
    "coalition_proofness_game",
    "commitment_game",
    "entry_deterrence",
    "kohlberg_mertens_1986",
    "myerson_1978",
    "myerson_poker",
    "samaritans_dilemma",
    "seltens_horse",
    "trust_game",
]


@catalogued(equilibria=[(0, 0)], complete=True)
def commitment_game() -> NormalFormGame:
    """Return a game in which the row player gains by committing, even to a dominated action.

    The only equilibrium pays the row player 2. Committed to the second row she gets 3, and to an
    even mixture 7/2 when the column player breaks ties in her favour.

    References
    ----------
    Conitzer and Sandholm (2006), Computing the optimal strategy to commit to, EC'06.
    """
    return two_players([[2, 4], [1, 3]], [[1, 0], [0, 1]], title="Commitment game")


@catalogued(equilibria=[(1, 1)], complete=True)
def samaritans_dilemma() -> NormalFormGame:
    """Return the Samaritan's dilemma: charity is dominant for the giver and spoils the recipient's effort.

    References
    ----------
    Buchanan (1975), The Samaritan's dilemma, in Phelps (ed.), Altruism, Morality and Economic Theory.
    """
    return two_players(
        [[2, 1], [4, 3]],
        [[2, 1], [3, 4]],
        players=("Samaritan", "recipient"),
        actions=[("no charity", "charity"), ("work", "no work")],
        title="Samaritan's dilemma",
    )


@catalogued(equilibria=["1 0 | 1/3 2/3", "1 0 | 0 1"], complete=True)
def trust_game() -> NormalFormGame:
    """Return the trust game: trusting helps both if it is honoured, and it is not.

    References
    ----------
    Kreps (1990), Corporate culture and economic theory, in Alt and Shepsle (eds.), Perspectives on
    Positive Political Economy.
    """
    return two_players(
        [[0, 0], [10, -5]],
        [[0, 0], [10, 15]],
        players=("A", "B"),
        actions=[("distrust", "trust"), ("honour", "abuse")],
        title="Trust game",
    )


@catalogued(equilibria=["1 0 | 1/2 1/2", "1 0 | 0 1", "0 1 | 1 0"], complete=True)
def entry_deterrence() -> NormalFormGame:
    """Return one market of the chain-store paradox: an entrant, and an incumbent whose threat is empty.

    Staying out is an equilibrium outcome only by the threat to fight, which the incumbent would not
    carry out.

    References
    ----------
    Selten (1978), The chain store paradox, Theory and Decision 9.
    """
    return two_players(
        [[1, 1], [2, 0]],
        [[5, 5], [2, 0]],
        players=("entrant", "incumbent"),
        actions=[("stay out", "enter"), ("cooperate", "fight")],
        title="Chain store",
    )


@catalogued(equilibria=[(1, 1)], complete=True)
def bernheim_1984() -> NormalFormGame:
    """Return Bernheim's game, in which three of four actions are rationalizable and one is in equilibrium.

    The fourth row is a best reply only to the fourth column, which is never a best reply.

    References
    ----------
    Bernheim (1984), Rationalizable strategic behavior, Econometrica 52.
    """
    return two_players(
        [[0, 2, 7, 0], [5, 3, 5, 0], [7, 2, 0, 0], [0, 0, 0, 10]],
        [[7, 5, 0, 1], [2, 3, 2, 1], [0, 5, 7, 1], [0, -2, 0, -1]],
        title="Bernheim's game",
    )


@catalogued(equilibria=[(0, 0), (1, 1), (2, 2)], complete=True)
def myerson_1978() -> NormalFormGame:
    """Return Myerson's game: of three equilibria two are perfect and one is proper.

    References
    ----------
    Myerson (1978), Refinements of the Nash equilibrium concept, International Journal of Game
    Theory 7.
    """
    A = [[1, 0, -9], [0, 0, -7], [-9, -7, -7]]
    return two_players(A, A, title="Myerson's game")


@catalogued(equilibria=[(0, 0), (0, 2), (1, 1), (1, 2), (2, 0), (2, 1)], complete=True)
def kohlberg_mertens_1986() -> NormalFormGame:
    """Return a game whose equilibria form one closed loop, so that none is stable alone.

    References
    ----------
    Kohlberg and Mertens (1986), On the strategic stability of equilibria, Econometrica 54.
    """
    A = [[1, 0, -1], [-1, 0, -1], [1, 0, -2]]
    B = [[1, -1, 1], [0, 0, 0], [-1, -1, -2]]
    return two_players(A, B, title="Kohlberg and Mertens's game")


@catalogued(equilibria=["1/3 2/3 0 0 | 2/3 1/3"], complete=True)
def myerson_poker() -> NormalFormGame:
    """Return the simplest card game: one player sees a card and may raise, the other may meet or pass.

    Actions of the first player are what to do with a red (winning) card, then with a black one. She
    bluffs with a third of the black cards, the other meets two raises in three; the value is 1/3.

    References
    ----------
    Myerson (1991), Game Theory: Analysis of Conflict, sections 2.1 and 2.2.
    """
    half = Fraction(1, 2)
    A: list[list[int | Fraction]] = [[0, 1], [half, 0], [-half, 1], [0, 0]]
    return two_players(
        A,
        [[-x for x in row] for row in A],
        actions=[("raise, raise", "raise, fold", "fold, raise", "fold, fold"), ("meet", "pass")],
        title="Myerson's card game",
    )


@catalogued(equilibria=[(1, 0, 0), (0, 0, 1)])
def seltens_horse() -> NormalFormGame:
    """Return Selten's horse in normal form: an equilibrium that is subgame perfect and yet not perfect.

    The first player passes along (0) or down (1), then the second; the third sees only that somebody
    went down. In the imperfect equilibrium the second would pass along although down pays him 4.

    References
    ----------
    Selten (1975), Reexamination of the perfectness concept for equilibrium points in extensive games,
    International Journal of Game Theory 4.
    """
    outcomes: dict[tuple[int, int], tuple[tuple[int, ...], ...]] = {
        (0, 0): ((1, 1, 1), (1, 1, 1)),
        (0, 1): ((4, 4, 0), (0, 0, 1)),
        (1, 0): ((3, 2, 2), (0, 0, 0)),
    }
    outcomes[1, 1] = outcomes[1, 0]
    payoffs = [[[[outcomes[a, b][c][i] for c in range(2)] for b in range(2)] for a in range(2)] for i in range(3)]
    return NormalFormGame(
        payoffs, actions=[("across", "down"), ("across", "down"), ("left", "right")], title="Selten's horse"
    )


@catalogued(equilibria=[(0, 0, 0), (1, 1, 1)])
def coalition_proofness_game() -> NormalFormGame:
    """Return a three-player game in which two players gain by leaving its best equilibrium together.

    References
    ----------
    Bernheim, Peleg and Whinston (1987), Coalition-proof Nash equilibria: I. Concepts, Journal of
    Economic Theory 42.
    """
    first: list[list[tuple[int, ...]]] = [[(0, 0, 10), (-5, -5, 0)], [(-5, -5, 0), (1, 1, -5)]]
    second: list[list[tuple[int, ...]]] = [[(-2, -2, 0), (-5, -5, 0)], [(-5, -5, 0), (-1, -1, 5)]]
    payoffs = [[[[box[a][b][i] for box in (first, second)] for b in range(2)] for a in range(2)] for i in range(3)]
    return NormalFormGame(payoffs, title="Coalition-proofness example")
