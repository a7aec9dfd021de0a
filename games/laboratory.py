"""Games of the laboratory: experiments in which what people do and what equilibrium says can part."""

from __future__ import annotations

from fractions import Fraction

from marlgt.errors import GameError
from marlgt.games._catalogue import Number, catalogued, check_count, check_numbers, tabulated, two_players
from marlgt.games.normal_form import NormalFormGame

__all__ = [
    "asymmetric_matching_pennies",
    "beauty_contest",
    "centipede",
    "goeree_holt_matching_pennies",
    "kreps_game",
    "minimum_effort",
    "travelers_dilemma",
]


@catalogued(equilibria=["1/2 1/2 | 1/10 9/10"], complete=True)
def asymmetric_matching_pennies(*, prize: Number = 9) -> NormalFormGame:
    """Return matching pennies in which one match is worth more to the row player.

    In equilibrium her own prize moves only the other's probabilities; people move theirs too, as
    quantal-response equilibrium predicts.

    Parameters
    ----------
    prize : number
        What the first match pays the row player; positive.

    References
    ----------
    Ochs (1995), Games with unique, mixed strategy equilibria, Games and Economic Behavior 10;
    McKelvey and Palfrey (1995), Quantal response equilibria for normal form games, same volume.
    """
    check_numbers(prize=prize)
    if prize <= 0:
        raise GameError(f"prize must be positive, got {prize}")
    return two_players([[prize, 0], [0, 1]], [[0, 1], [1, 0]], title="Asymmetric matching pennies")


@catalogued(equilibria=["1/2 1/2 | 1/8 7/8"], complete=True)
def goeree_holt_matching_pennies(*, prize: Number = 320) -> NormalFormGame:
    """Return the matching pennies of Goeree and Holt, in cents: a treasure at 80, contradictions at 320 and 44.

    Parameters
    ----------
    prize : number
        What the first match pays the row player, more than 40.

    References
    ----------
    Goeree and Holt (2001), Ten little treasures of game theory and ten intuitive contradictions,
    American Economic Review 91.
    """
    check_numbers(prize=prize)
    if prize <= 40:
        raise GameError(f"prize must be more than 40, got {prize}")
    return two_players(
        [[prize, 40], [40, 80]],
        [[40, 80], [80, 40]],
        actions=[("top", "bottom"), ("left", "right")],
        title="Matching pennies of Goeree and Holt",
    )


@catalogued(equilibria=["1 0 | 1 0 0 0", "30/31 1/31 | 1/21 20/21 0 0", "0 1 | 0 0 0 1"], complete=True)
def kreps_game() -> NormalFormGame:
    """Return Kreps's game: most people choose the one action that no equilibrium in pure play uses.

    References
    ----------
    Goeree and Holt (2001), Ten little treasures of game theory and ten intuitive contradictions,
    American Economic Review 91.
    """
    return two_players(
        [[200, 0, 10, 20], [0, 10, 30, 50]],
        [[50, 45, 30, -250], [-250, -100, 30, 40]],
        actions=[("top", "bottom"), ("left", "middle", "non-Nash", "right")],
        title="Kreps's game",
    )


@catalogued(equilibria=[(0, 0)], complete=True)
def travelers_dilemma(*, lowest: int = 2, highest: int = 10, bonus: Number = 2) -> NormalFormGame:
    """Return the traveller's dilemma: both are paid the lower claim, its author a bonus from the other.

    Undercutting unravels all claims to the lowest. Basu's claims go from 2 to 100.

    Parameters
    ----------
    lowest, highest : int
        The claims allowed, at most 1000 of them.
    bonus : number
        More than 1.

    References
    ----------
    Basu (1994), The traveler's dilemma: paradoxes of rationality in game theory, American Economic
    Review 84.
    """
    check_numbers(lowest=lowest, highest=highest, bonus=bonus)
    check_count(highest - lowest + 1, "highest - lowest + 1", 2, 1000)
    if bonus <= 1:
        raise GameError(f"bonus must be more than 1, got {bonus}")
    claims = range(lowest, highest + 1)
    A = [[a if a == b else min(a, b) + (bonus if a < b else -bonus) for b in claims] for a in claims]
    labels = [str(a) for a in claims]
    return two_players(A, list(zip(*A)), actions=[labels, labels], title="Traveller's dilemma")


@catalogued(equilibria=[(0, 0, 0)])
def beauty_contest(*, n_players: int = 3, highest: int = 5, factor: Number = Fraction(2, 3)) -> NormalFormGame:
    """Return the guessing game: who names the number nearest to a fraction of the average wins.

    Guesses go from 0 to ``highest``; those who are nearest share a prize of 1. All guess 0 in the
    equilibrium that repeated reasoning leads to.

    Parameters
    ----------
    n_players : int
        From 2 to 8.
    highest : int
        From 1 to 100.
    factor : number
        Of the average, between 0 and 1.

    References
    ----------
    Nagel (1995), Unraveling in guessing games: an experimental study, American Economic Review 85.
    """
    check_numbers(factor=factor)
    check_count(n_players, "n_players", 2, 8)
    check_count(highest, "highest", 1, 100)
    if not 0 < factor < 1:
        raise GameError(f"factor must lie between 0 and 1, got {factor}")

    def pays(guesses: tuple[int, ...]) -> list[Number]:
        distances = [abs(n_players * guess - factor * sum(guesses)) for guess in guesses]
        nearest = min(distances)
        share = Fraction(1, distances.count(nearest))
        return [share if distance == nearest else 0 for distance in distances]

    return tabulated(pays, (highest + 1,) * n_players, title="Beauty contest")


@catalogued(equilibria=[(0, 0), (1, 1), (2, 2), (3, 3), (4, 4), (5, 5), (6, 6)], count=28)
def minimum_effort(
    *, n_players: int = 2, efforts: int = 7, share: Number = 20, cost: Number = 10, base: Number = 60
) -> NormalFormGame:
    """Return the minimum-effort game: all gain by the weakest effort, each pays for one's own.

    Efforts go from 1 to ``efforts``; in cents, effort e pays ``share * minimum - cost * e + base``. Every
    common effort is a strict equilibrium, the highest the best for all and the riskiest.

    Parameters
    ----------
    n_players : int
        From 2 to 8.
    efforts : int
        From 2 to 100.
    share, cost, base : number
        ``share > cost > 0``.

    References
    ----------
    Van Huyck, Battalio and Beil (1990), Tacit coordination games, strategic uncertainty, and
    coordination failure, American Economic Review 80.
    """
    check_numbers(share=share, cost=cost, base=base)
    check_count(n_players, "n_players", 2, 8)
    check_count(efforts, "efforts", 2, 100)
    if not share > cost > 0:
        raise GameError(f"share must exceed cost, and cost 0, got {share} and {cost}")

    def pays(profile: tuple[int, ...]) -> list[Number]:
        weakest = min(profile) + 1
        return [share * weakest - cost * (effort + 1) + base for effort in profile]

    labels = [str(e) for e in range(1, efforts + 1)]
    return tabulated(pays, (efforts,) * n_players, actions=[labels] * n_players, title="Minimum effort")


@catalogued(
    equilibria=["1 0 0 | 1 0 0", "1 0 0 | 30/31 0 1/31", "1 0 0 | 6/7 1/7 0", "1 0 0 | 6/7 6/49 1/49"], complete=True
)
def centipede(*, moves: int = 4) -> NormalFormGame:
    """Return the centipede: two players in turn take the larger of two growing piles, or pass.

    Actions are one's own turn to take at, or never. The piles are 4 and 1, and double at every pass;
    the players then change sides. Taking at once is the only equilibrium outcome.

    Parameters
    ----------
    moves : int
        From 2 to 100.

    References
    ----------
    Rosenthal (1981), Games of perfect information, predatory pricing and the chain-store paradox,
    Journal of Economic Theory 25; piles of McKelvey and Palfrey (1992), An experimental study of the
    centipede game, Econometrica 60.
    """
    check_count(moves, "moves", 2, 100)
    turns = [list(range(player, moves, 2)) for player in range(2)]

    def pays(profile: tuple[int, ...]) -> list[int]:
        takes = [own[a] if a < len(own) else moves for own, a in zip(turns, profile)]
        end = min(takes)
        large, small = 4 * 2**end, 2**end
        # Whoever would have moved next after the last pass gets the large pile.
        return [large, small] if end % 2 == 0 else [small, large]

    labels = [[f"take at {turn + 1}" for turn in own] + ["never"] for own in turns]
    return tabulated(pays, [len(own) + 1 for own in turns], actions=labels, title="Centipede")
