"""Cycles: games on which learning turns in circles, and the contests of evolutionary biology."""

from __future__ import annotations

from fractions import Fraction

from marlgt.errors import GameError
from marlgt.games._catalogue import (
    Number,
    catalogued,
    check_count,
    check_numbers,
    half,
    symmetric,
    tabulated,
    two_players,
)
from marlgt.games.normal_form import NormalFormGame

__all__ = [
    "bad_rock_paper_scissors",
    "good_rock_paper_scissors",
    "hawk_dove_bourgeois",
    "hawk_dove_retaliator",
    "jordan_matching_pennies",
    "moulin_vial_1978",
    "sato_rock_paper_scissors",
    "shapley_1964",
    "sparrow_game",
    "war_of_attrition",
    "zeeman_1980",
]

_HANDS = ("rock", "paper", "scissors")


@catalogued(equilibria=["1/3 1/3 1/3 | 1/3 1/3 1/3"], complete=True)
def shapley_1964() -> NormalFormGame:
    """Return Shapley's game, on which fictitious play circles for ever around the only equilibrium.

    References
    ----------
    Shapley (1964), Some topics in two-person games, Advances in Game Theory.
    """
    return two_players([[1, 0, 0], [0, 1, 0], [0, 0, 1]], [[0, 1, 0], [0, 0, 1], [1, 0, 0]], title="Shapley's game")


@catalogued(equilibria=["1/3 1/3 1/3 | 1/3 1/3 1/3"], complete=True)
def sparrow_game(*, beta: Number = Fraction(1, 2)) -> NormalFormGame:
    """Return a member of the family that leads from Shapley's game through chaos to a zero-sum one.

    At ``beta = 0`` it is Shapley's game; near the golden ratio 0.618 fictitious play is chaotic.

    Parameters
    ----------
    beta : number
        Between -1 and 1.

    References
    ----------
    Sparrow, van Strien and Harris (2008), Fictitious play in 3 x 3 games: the transition between
    periodic and chaotic behaviour, Games and Economic Behavior 63.
    """
    check_numbers(beta=beta)
    if not -1 < beta < 1:
        raise GameError(f"beta must lie between -1 and 1, got {beta}")
    A = [[1, 0, beta], [beta, 1, 0], [0, beta, 1]]
    B = [[-beta, 1, 0], [0, -beta, 1], [1, 0, -beta]]
    return two_players(A, B, title="Sparrow, van Strien and Harris game")


@catalogued(equilibria=[(0, 0)], complete=True)
def moulin_vial_1978() -> NormalFormGame:
    """Return a game whose coarse correlated equilibria beat its only equilibrium for both players.

    The equilibrium pays 3 to each; an even lottery over the cells (5, 2) and (2, 5) pays 7/2 to each,
    and nobody would rather ignore it.

    References
    ----------
    Moulin and Vial (1978), Strategically zero-sum games: the class of games whose completely mixed
    equilibria cannot be improved upon, International Journal of Game Theory 7.
    """
    return two_players(
        [[3, 1, 4], [1, 5, 0], [1, 0, 2]], [[3, 1, 1], [4, 2, 0], [1, 0, 5]], title="Moulin and Vial's game"
    )


@catalogued(equilibria=["1/2 1/2 | 1/2 1/2 | 1/2 1/2"], complete=True)
def jordan_matching_pennies(*, n_players: int = 3) -> NormalFormGame:
    """Return matching pennies in a ring: each would match the next, and the last mismatch the first.

    With three players the only equilibrium is unstable under every simple way of learning.

    Parameters
    ----------
    n_players : int
        From 2 to 16.

    References
    ----------
    Jordan (1993), Three problems in learning mixed-strategy Nash equilibria, Games and Economic
    Behavior 5.
    """
    check_count(n_players, "n_players", 2, 16)

    def pays(profile: tuple[int, ...]) -> list[int]:
        matches = [1 if a == b else -1 for a, b in zip(profile, (*profile[1:], profile[0]))]
        return [*matches[:-1], -matches[-1]]

    return tabulated(
        pays, (2,) * n_players, actions=[("heads", "tails")] * n_players, title="Jordan's matching pennies"
    )


@catalogued(equilibria=["1/3 1/3 1/3 | 1/3 1/3 1/3"], complete=True)
def sato_rock_paper_scissors(
    *, tie_row: Number = Fraction(1, 2), tie_column: Number = Fraction(-3, 10)
) -> NormalFormGame:
    """Return rock-paper-scissors with payoffs for ties, on which reinforcement learning is chaotic.

    Parameters
    ----------
    tie_row, tie_column : number
        What each gets for a tie, between -1 and 1.

    References
    ----------
    Sato, Akiyama and Farmer (2002), Chaos in learning a simple two-person game, PNAS 99.
    """
    check_numbers(tie_row=tie_row, tie_column=tie_column)
    if not (-1 < tie_row < 1 and -1 < tie_column < 1):
        raise GameError(f"the payoffs of ties must lie between -1 and 1, got {tie_row} and {tie_column}")
    A = [[tie_row, -1, 1], [1, tie_row, -1], [-1, 1, tie_row]]
    B = [[tie_column, 1, -1], [-1, tie_column, 1], [1, -1, tie_column]]
    return two_players(A, B, actions=[_HANDS, _HANDS], title="Rock-paper-scissors with paid ties")


@catalogued(equilibria=["1/3 1/3 1/3 | 1/3 1/3 1/3"], complete=True)
def good_rock_paper_scissors(*, win: Number = 2) -> NormalFormGame:
    """Return rock-paper-scissors in which a win is worth more than a loss costs.

    The uniform strategy is evolutionarily stable and attracts the replicator dynamics.

    Parameters
    ----------
    win : number
        More than 1, the cost of a loss.

    References
    ----------
    Hofbauer and Sigmund (1998), Evolutionary Games and Population Dynamics, section 7.7.
    """
    check_numbers(win=win)
    if win <= 1:
        raise GameError(f"win must be more than 1, got {win}: below it is bad_rock_paper_scissors")
    return symmetric([[0, -1, win], [win, 0, -1], [-1, win, 0]], actions=_HANDS, title="Good rock-paper-scissors")


@catalogued(equilibria=["1/3 1/3 1/3 | 1/3 1/3 1/3"], complete=True)
def bad_rock_paper_scissors(*, loss: Number = 2) -> NormalFormGame:
    """Return rock-paper-scissors in which a loss costs more than a win is worth.

    The replicator dynamics spirals outwards from the only equilibrium to the boundary.

    Parameters
    ----------
    loss : number
        More than 1, the worth of a win.

    References
    ----------
    Hofbauer and Sigmund (1998), Evolutionary Games and Population Dynamics, section 7.7.
    """
    check_numbers(loss=loss)
    if loss <= 1:
        raise GameError(f"loss must be more than 1, got {loss}: below it is good_rock_paper_scissors")
    return symmetric([[0, -loss, 1], [1, 0, -loss], [-loss, 1, 0]], actions=_HANDS, title="Bad rock-paper-scissors")


@catalogued(equilibria=["1 0 0 | 1 0 0", "4/5 0 1/5 | 4/5 0 1/5", "1/3 1/3 1/3 | 1/3 1/3 1/3"], complete=True)
def zeeman_1980() -> NormalFormGame:
    """Return Zeeman's game: an interior attractor of the replicator dynamics that is not evolutionarily stable.

    References
    ----------
    Zeeman (1980), Population dynamics from game theory, Global Theory of Dynamical Systems.
    """
    return symmetric([[0, 6, -4], [-3, 0, 5], [-1, 3, 0]], title="Zeeman's game")


@catalogued(
    equilibria=[
        "1 0 0 | 0 1 0",
        "1/2 1/2 0 | 1/2 1/2 0",
        "1/2 0 1/2 | 0 1/2 1/2",
        "0 1 0 | 1 0 0",
        "0 1/2 1/2 | 1/2 0 1/2",
        "0 0 1 | 0 0 1",
    ],
    complete=True,
)
def hawk_dove_bourgeois(*, value: Number = 2, cost: Number = 4) -> NormalFormGame:
    """Return hawk-dove with a third strategy: hawk as owner, dove as intruder, each half of the time.

    With ``cost > value`` only bourgeois is evolutionarily stable: a convention settles the contest.

    Parameters
    ----------
    value, cost : number
        Both positive.

    References
    ----------
    Maynard Smith (1982), Evolution and the Theory of Games, chapter 8.
    """
    check_numbers(value=value, cost=cost)
    if value <= 0 or cost <= 0:
        raise GameError(f"value and cost must be positive, got {value} and {cost}")
    fight, share, zero = half(value - cost), half(value), 0
    quarter = half(share)
    matrix = [
        [fight, value, half(fight + value)],
        [zero, share, quarter],
        [half(fight), half(share + value), share],
    ]
    return symmetric(matrix, actions=("hawk", "dove", "bourgeois"), title="Hawk-dove-bourgeois")


@catalogued(
    equilibria=[
        "1 0 0 | 0 1 0",
        "1/2 1/2 0 | 1/2 1/2 0",
        "1/11 200/319 90/319 | 1/11 200/319 90/319",
        "1/11 0 10/11 | 0 20/29 9/29",
        "0 1 0 | 1 0 0",
        "0 20/29 9/29 | 1/11 0 10/11",
        "0 0 1 | 0 0 1",
    ],
    complete=True,
)
def hawk_dove_retaliator(*, value: Number = 2, cost: Number = 4, edge: Number = Fraction(1, 10)) -> NormalFormGame:
    """Return hawk-dove with a third strategy that displays, and fights back when attacked.

    Retaliators recognise doves with a small advantage, the ``edge``; retaliator is then evolutionarily
    stable, and so is the mixture of hawks and doves.

    Parameters
    ----------
    value, cost : number
        Both positive.
    edge : number
        What a retaliator gains, and a dove loses, when they meet.

    References
    ----------
    Maynard Smith (1982), Evolution and the Theory of Games, chapter 2.
    """
    check_numbers(value=value, cost=cost, edge=edge)
    if value <= 0 or cost <= 0 or edge < 0:
        raise GameError(f"value and cost must be positive and edge not negative, got {value}, {cost}, {edge}")
    fight, share = half(value - cost), half(value)
    return symmetric(
        [[fight, value, fight], [0, share, share - edge], [fight, share + edge, share]],
        actions=("hawk", "dove", "retaliator"),
        title="Hawk-dove-retaliator",
    )


@catalogued(equilibria=[(0, 4), (0, 5), "5/19 2/19 4/19 0 0 8/19 | 5/19 2/19 4/19 0 0 8/19", (4, 0), (5, 0)], count=23)
def war_of_attrition(*, value: Number = 4, longest: int = 5) -> NormalFormGame:
    """Return the war of attrition: wait at a cost, and who waits longer takes the prize.

    Waiting t rounds costs t; both stop when the first gives in, and a tie shares the prize.

    Parameters
    ----------
    value : number
        Of the prize.
    longest : int
        The longest wait, from 1 to 1000 rounds.

    References
    ----------
    Maynard Smith (1974), The theory of games and the evolution of animal conflicts, Journal of
    Theoretical Biology 47.
    """
    check_numbers(value=value)
    check_count(longest, "longest", 1, 1000)
    waits = range(longest + 1)
    matrix = [[value - b if a > b else half(value) - a if a == b else -a for b in waits] for a in waits]
    return symmetric(matrix, actions=[f"wait {t}" for t in waits], title="War of attrition")
