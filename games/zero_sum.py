"""Zero-sum games: parlour games, duels of hiding and seeking, and the oldest models of war and poker.

The payoffs are the row player's; the column player pays them.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from fractions import Fraction

from marlgt.errors import GameError
from marlgt.games._catalogue import Number, catalogued, check_count, check_numbers, zero_sum_game
from marlgt.games._doors import require_sequence
from marlgt.games.normal_form import NormalFormGame

__all__ = [
    "battle_of_the_bismarck_sea",
    "biased_rock_paper_scissors",
    "blotto_posts",
    "colonel_blotto",
    "diagonal_game",
    "hide_and_seek",
    "holmes_and_moriarty",
    "matching_pennies",
    "mendelsohn_game",
    "morra",
    "odd_or_even",
    "oneill_1987",
    "penalty_kick",
    "rock_paper_scissors",
    "rock_paper_scissors_lizard_spock",
]


@catalogued(equilibria=["1/2 1/2 | 1/2 1/2"], complete=True)
def matching_pennies() -> NormalFormGame:
    """Return matching pennies: one player wins if the coins match, the other if they differ.

    References
    ----------
    von Neumann and Morgenstern (1944), Theory of Games and Economic Behavior, section 18.2.
    """
    return zero_sum_game([[1, -1], [-1, 1]], actions=[("heads", "tails")] * 2, title="Matching pennies")


@catalogued(equilibria=["1/3 1/3 1/3 | 1/3 1/3 1/3"], complete=True)
def rock_paper_scissors() -> NormalFormGame:
    """Return rock-paper-scissors, in which each action beats one and loses to another.

    References
    ----------
    von Neumann and Morgenstern (1944), Theory of Games and Economic Behavior, section 18.2.
    """
    return _beating("Rock-paper-scissors", ("rock", "paper", "scissors"), {(0, 2): 1, (1, 0): 1, (2, 1): 1})


@catalogued(equilibria=["1/16 5/8 5/16 | 1/16 5/8 5/16"], complete=True)
def biased_rock_paper_scissors(*, rock: Number = 50, paper: Number = 25, scissors: Number = 5) -> NormalFormGame:
    """Return rock-paper-scissors in which each win has its own stake.

    In equilibrium an action is played in proportion to the stake of the win that it is no part of:
    rock : paper : scissors as scissors' stake : rock's stake : paper's stake.

    Parameters
    ----------
    rock, paper, scissors : number
        What the winner wins by that action; positive.

    References
    ----------
    Tuyls, Perolat, Lanctot, Leibo and Graepel (2018), A generalised method for empirical game
    theoretic analysis, AAMAS.
    """
    check_numbers(rock=rock, paper=paper, scissors=scissors)
    if min(rock, paper, scissors) <= 0:
        raise GameError(f"the stakes must be positive, got {rock}, {paper}, {scissors}")
    wins = {(0, 2): rock, (1, 0): paper, (2, 1): scissors}
    return _beating("Biased rock-paper-scissors", ("rock", "paper", "scissors"), wins)


@catalogued(equilibria=["1/5 1/5 1/5 1/5 1/5 | 1/5 1/5 1/5 1/5 1/5"], complete=True)
def rock_paper_scissors_lizard_spock() -> NormalFormGame:
    """Return rock-paper-scissors-lizard-Spock, in which each of five actions beats two.

    References
    ----------
    Kass and Bryla (c. 1995), who extended rock-paper-scissors to five gestures.
    """
    beaten = {0: (2, 3), 1: (0, 4), 2: (1, 3), 3: (4, 1), 4: (2, 0)}
    wins: dict[tuple[int, int], Number] = {(winner, loser): 1 for winner, losers in beaten.items() for loser in losers}
    return _beating("Rock-paper-scissors-lizard-Spock", ("rock", "paper", "scissors", "lizard", "Spock"), wins)


def _beating(title: str, labels: Sequence[str], wins: dict[tuple[int, int], Number]) -> NormalFormGame:
    matrix: list[list[Number]] = [[0] * len(labels) for _ in labels]
    for (winner, loser), stake in wins.items():
        matrix[winner][loser] = stake
        matrix[loser][winner] = -stake
    return zero_sum_game(matrix, actions=[labels, labels], title=title)


@catalogued(equilibria=["7/12 5/12 | 7/12 5/12"], complete=True)
def odd_or_even() -> NormalFormGame:
    """Return odd-or-even: both call one or two, and the sum goes to the row player if it is odd.

    The game looks fair and is worth 1/12 to the row player.

    References
    ----------
    Ferguson, Game Theory, part II, section 1.1.
    """
    return zero_sum_game([[-2, 3], [3, -4]], actions=[("one", "two")] * 2, title="Odd or even")


@catalogued(equilibria=["2/5 1/5 1/5 1/5 | 2/5 1/5 1/5 1/5"], complete=True)
def oneill_1987() -> NormalFormGame:
    """Return the card game of O'Neill's experiment, built to have two outcomes and one equilibrium.

    References
    ----------
    O'Neill (1987), Nonmetric test of the minimax theory of two-person zero-sum games, PNAS 84.
    """
    return zero_sum_game(
        [[1, -1, -1, -1], [-1, -1, 1, 1], [-1, 1, -1, 1], [-1, 1, 1, -1]],
        actions=[("joker", "ace", "two", "three")] * 2,
        title="O'Neill's card game",
    )


@catalogued(equilibria=["0 0 5/12 0 4/12 0 3/12 0 0 | 0 0 5/12 0 4/12 0 3/12 0 0"], count=16)
def morra(*, fingers: int = 3) -> NormalFormGame:
    """Return Morra: show some fingers and guess the other's; a lone right guess wins all fingers shown.

    Actions are pairs (show, guess), guess varying faster. The value is 0. With three fingers, show 1
    and guess 3, show 2 and guess 2, show 3 and guess 1 as 5 : 4 : 3.

    Parameters
    ----------
    fingers : int
        From 2 to 10.

    References
    ----------
    Dantzig (1963), Linear Programming and Extensions, section 13.1; Williams (1954), The Compleat
    Strategyst.
    """
    check_count(fingers, "fingers", 2, 10)
    actions = list(itertools.product(range(1, fingers + 1), repeat=2))
    matrix = [
        [(shown + other) * ((guess == other) - (other_guess == shown)) for other, other_guess in actions]
        for shown, guess in actions
    ]
    labels = [f"show {shown}, guess {guess}" for shown, guess in actions]
    return zero_sum_game(matrix, actions=[labels, labels], title=f"{fingers}-finger Morra")


@catalogued(equilibria=["1/4 1/2 1/4 0 0 0 0 0 0 0 | 1/4 1/2 1/4 0 0 0 0 0 0 0"], complete=True)
def mendelsohn_game(*, highest: int = 10) -> NormalFormGame:
    """Return Mendelsohn's game: name a number one above the other's and win 1, further above and lose 2.

    Only 1, 2 and 3 are played, as 1 : 2 : 1.

    Parameters
    ----------
    highest : int
        The largest number that may be named, from 3 to 1000.

    References
    ----------
    Mendelsohn (1946), in the American Mathematical Monthly 53; Ferguson, Game Theory, part II.
    """
    check_count(highest, "highest", 3, 1000)

    def pays(a: int, b: int) -> int:
        gap = a - b
        return 0 if gap == 0 else (1 if gap == 1 else -2 if gap > 1 else -pays(b, a))

    numbers = range(1, highest + 1)
    labels = [str(a) for a in numbers]
    return zero_sum_game(
        [[pays(a, b) for b in numbers] for a in numbers], actions=[labels, labels], title="Mendelsohn's game"
    )


@catalogued(equilibria=["1/2 1/4 1/6 1/12 | 1/2 1/4 1/6 1/12"], complete=True)
def diagonal_game(*, values: Sequence[Number] = (1, 2, 3, 6)) -> NormalFormGame:
    """Return the game of finding the other in one of several places, each of its own value.

    With all values positive both go to each place in proportion to 1 / value, and the value of the
    game is 1 / (sum of 1 / value): here 1/2.

    Parameters
    ----------
    values : sequence of numbers

    References
    ----------
    Ferguson, Game Theory, part II, section 3.3.
    """
    require_sequence(values, "values", "numbers")
    matrix = [[value if i == j else 0 for j in range(len(values))] for i, value in enumerate(values)]
    return zero_sum_game(matrix, title="Diagonal game")


@catalogued(equilibria=["1/9 1/9 1/9 1/9 1/9 1/9 1/9 1/9 1/9 | 1/6 1/6 1/6 1/6 1/6 1/6"], count=12)
def hide_and_seek(*, size: int = 3) -> NormalFormGame:
    """Return hide-and-seek: one hides in a cell of a square, the other searches a row or a column.

    The hider loses 1 if found. The value is -1 / size; both may play uniformly.

    Parameters
    ----------
    size : int
        Cells on a side, from 2 to 30.

    References
    ----------
    von Neumann (1953), A certain zero-sum two-person game equivalent to the optimal assignment
    problem, Contributions to the Theory of Games II.
    """
    check_count(size, "size", 2, 30)
    cells = list(itertools.product(range(size), repeat=2))
    matrix = [[-int(line == r) for line in range(size)] + [-int(line == c) for line in range(size)] for r, c in cells]
    return zero_sum_game(
        matrix,
        players=("hider", "seeker"),
        actions=[
            [f"cell {r},{c}" for r, c in cells],
            [f"row {r}" for r in range(size)] + [f"column {c}" for c in range(size)],
        ],
        title="Hide and seek",
    )


@catalogued(
    equilibria=["4/9 4/9 0 0 1/9 | 7/90 1/30 16/45 8/15", "4/9 4/9 0 0 1/9 | 1/30 7/90 8/15 16/45"], complete=True
)
def blotto_posts() -> NormalFormGame:
    """Return Colonel Blotto with four regiments against three at two posts.

    A larger force at a post captures it and gains one for the post and one for each regiment beaten.
    The value is 14/9.

    References
    ----------
    Dresher (1961), Games of Strategy; Karlin (1959), Mathematical Methods and Theory in Games.
    """
    blotto = [(4, 0), (0, 4), (3, 1), (1, 3), (2, 2)]
    enemy = [(3, 0), (0, 3), (2, 1), (1, 2)]

    def gain(a: int, b: int) -> int:
        return b + 1 if a > b else -(a + 1) if b > a else 0

    return zero_sum_game(
        [[sum(map(gain, own, other)) for other in enemy] for own in blotto],
        players=("Blotto", "enemy"),
        actions=[[f"{a}-{b}" for a, b in blotto], [f"{a}-{b}" for a, b in enemy]],
        title="Colonel Blotto at two posts",
    )


def _divisions(troops: int, fields: int) -> list[tuple[int, ...]]:
    bars = list(itertools.islice(itertools.combinations(range(troops + fields - 1), fields - 1), 2300))
    if len(bars) > 2237:
        raise GameError(f"{troops} troops on {fields} fields divide in more than 2237 ways: ask for fewer")
    edges = [(-1, *bar, troops + fields - 1) for bar in bars]
    return [tuple(b - a - 1 for a, b in itertools.pairwise(edge)) for edge in edges]


def _in_any_order(division: list[int]) -> tuple[Fraction, ...]:
    own = _divisions(sum(division), len(division))
    alike = [sorted(other) == sorted(division) for other in own]
    return tuple(Fraction(same, sum(alike)) for same in alike)


@catalogued(equilibria=[(_in_any_order([0, 2, 3]), _in_any_order([0, 2, 3]))])
def colonel_blotto(*, troops: int = 5, fields: int = 3, enemy_troops: int | None = None) -> NormalFormGame:
    """Return Colonel Blotto: spread troops over battlefields, each won by the larger force.

    The payoff is fields won less fields lost. Every division of the troops is an action. Five troops on
    three fields are best sent as 0, 2 and 3, in random order.

    Parameters
    ----------
    troops, fields : int
        From 1 to 100 troops and 2 to 10 fields, as far as the table stays below 5 million payoffs.
    enemy_troops : int, optional
        As many as ``troops`` unless given.

    References
    ----------
    Borel (1921), La theorie du jeu et les equations integrales a noyau symetrique; Roberson (2006),
    The Colonel Blotto game, Economic Theory 29.
    """
    enemy_troops = troops if enemy_troops is None else enemy_troops
    check_count(troops, "troops", 1, 100)
    check_count(enemy_troops, "enemy_troops", 1, 100)
    check_count(fields, "fields", 2, 10)
    own, other = _divisions(troops, fields), _divisions(enemy_troops, fields)
    matrix = [[sum((a > b) - (a < b) for a, b in zip(x, y)) for y in other] for x in own]
    labels = [["-".join(map(str, division)) for division in divisions] for divisions in (own, other)]
    return zero_sum_game(matrix, actions=labels, title="Colonel Blotto")


@catalogued(equilibria=["2300/5967 3667/5967 | 835/1989 1154/1989"], complete=True)
def penalty_kick() -> NormalFormGame:
    """Return the penalty kick of professional football, scoring rates in per cent.

    Left and right are as the kicker sees them, each kicker's natural side counted as right. The kicker
    should go left in 38.5 % of kicks and the keeper in 42.0 %, close to what they do. Constant-sum play is
    kept as zero-sum, the kicker's rate against the keeper.

    References
    ----------
    Palacios-Huerta (2003), Professionals play minimax, Review of Economic Studies 70.
    """
    rates = [[Fraction(5830, 100), Fraction(9497, 100)], [Fraction(9292, 100), Fraction(6992, 100)]]
    return zero_sum_game(rates, players=("kicker", "keeper"), actions=[("left", "right")] * 2, title="Penalty kick")


@catalogued(equilibria=["3/5 2/5 | 2/5 3/5"], complete=True)
def holmes_and_moriarty() -> NormalFormGame:
    """Return the flight of Sherlock Holmes: leave the train at Dover or at Canterbury, pursued by Moriarty.

    References
    ----------
    von Neumann and Morgenstern (1944), Theory of Games and Economic Behavior, section 18.4.4.
    """
    return zero_sum_game(
        [[100, 0], [-50, 100]],
        players=("Moriarty", "Holmes"),
        actions=[("Dover", "Canterbury")] * 2,
        title="Holmes and Moriarty",
    )


@catalogued(equilibria=[(0, 0), "1 0 | 1/2 1/2"], complete=True)
def battle_of_the_bismarck_sea() -> NormalFormGame:
    """Return the Battle of the Bismarck Sea, in days of bombing, with a saddle point of two days.

    References
    ----------
    Haywood (1954), Military decision and game theory, Operations Research 2.
    """
    return zero_sum_game(
        [[2, 2], [1, 3]],
        players=("Kenney", "Imamura"),
        actions=[("north", "south")] * 2,
        title="Battle of the Bismarck Sea",
    )
