"""Economic games: oligopoly, bargaining, auctions, contests and crowded roads, on finite grids."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

from marlgt.errors import GameError
from marlgt.games._arrays import short
from marlgt.games._catalogue import Number, catalogued, check_count, check_numbers, symmetric, tabulated, two_players
from marlgt.games._doors import require_sequence
from marlgt.games.normal_form import NormalFormGame

__all__ = [
    "all_pay_auction",
    "bertrand_duopoly",
    "braess_paradox",
    "congestion_game",
    "cournot_oligopoly",
    "first_price_auction",
    "hotelling_location",
    "nash_demand_game",
    "second_price_auction",
    "tullock_contest",
    "ultimatum_game",
]


@catalogued(equilibria=[(2, 4), (3, 3), (4, 2)], complete=True)
def cournot_oligopoly(*, n_firms: int = 2, intercept: Number = 10, cost: Number = 1, most: int = 6) -> NormalFormGame:
    """Return Cournot competition: firms choose whole quantities, the price falls with the total.

    The price is ``max(intercept - total, 0)``. Without the grid both of two firms would sell
    ``(intercept - cost) / 3``.

    Parameters
    ----------
    n_firms : int
        From 1 to 6.
    intercept, cost : number
        ``intercept > cost >= 0``.
    most : int
        The largest quantity, from 1 to 200.

    References
    ----------
    Cournot (1838), Recherches sur les principes mathematiques de la theorie des richesses, chapter 7.
    """
    check_numbers(intercept=intercept, cost=cost)
    check_count(n_firms, "n_firms", 1, 6)
    check_count(most, "most", 1, 200)
    if not intercept > cost >= 0:
        raise GameError(f"intercept must exceed cost, and cost be at least 0, got {intercept} and {cost}")

    def pays(quantities: tuple[int, ...]) -> list[Number]:
        price = max(intercept - sum(quantities), 0)
        return [quantity * (price - cost) for quantity in quantities]

    return tabulated(pays, (most + 1,) * n_firms, title="Cournot oligopoly")


@catalogued(equilibria=[(2, 2), (3, 3)], complete=True)
def bertrand_duopoly(*, intercept: int = 8, cost: int = 2) -> NormalFormGame:
    """Return Bertrand competition: the lower price takes the market, and equal prices share it.

    Prices are whole, from 0 to ``intercept``; at price p the market buys ``intercept - p``. Both earn
    next to nothing in equilibrium.

    Parameters
    ----------
    intercept, cost : int
        ``200 >= intercept > cost >= 0``.

    References
    ----------
    Bertrand (1883), Theorie mathematique de la richesse sociale, Journal des Savants.
    """
    check_count(intercept, "intercept", 1, 200)
    check_count(cost, "cost", 0, intercept - 1)
    prices = range(intercept + 1)
    matrix: list[list[Number]] = [
        [(p - cost) * (intercept - p) * (Fraction(1, 2) if p == q else int(p < q)) for q in prices] for p in prices
    ]
    return symmetric(matrix, actions=[str(p) for p in prices], title="Bertrand duopoly")


@catalogued(equilibria=[(2, 2)], complete=True)
def hotelling_location(*, places: int = 5) -> NormalFormGame:
    """Return Hotelling's game: two vendors choose places on a beach, and customers go to the nearer.

    One customer stands at each place, and half of one goes to each of two equally near vendors. Both
    vendors stand in the middle in equilibrium.

    Parameters
    ----------
    places : int
        From 2 to 500.

    References
    ----------
    Hotelling (1929), Stability in competition, Economic Journal 39.
    """
    check_count(places, "places", 2, 500)
    beach = range(places)

    def share(own: int, other: int) -> Number:
        nearer = sum(abs(own - x) < abs(other - x) for x in beach)
        return nearer + Fraction(sum(abs(own - x) == abs(other - x) for x in beach), 2)

    return symmetric([[share(a, b) for b in beach] for a in beach], title="Hotelling's beach")


@catalogued(
    equilibria=[
        "1 0 0 0 | 0 0 0 1",
        "2/3 1/3 0 0 | 0 0 0 1",
        "1/3 1/6 1/2 0 | 0 0 0 1",
        "1/3 0 2/3 0 | 0 0 0 1",
        "0 1 0 0 | 0 0 1 0",
        "0 1/2 1/2 0 | 0 1/2 1/2 0",
        "0 0 1 0 | 0 1 0 0",
        "0 0 0 1 | 1 0 0 0",
        "0 0 0 1 | 2/3 1/3 0 0",
        "0 0 0 1 | 1/3 1/6 1/2 0",
        "0 0 0 1 | 1/3 0 2/3 0",
        "0 0 0 1 | 0 0 0 1",
    ],
    complete=True,
)
def nash_demand_game(*, pie: int = 3) -> NormalFormGame:
    """Return the demand game: each names a share of a pie and gets it if both shares fit.

    Every exact division is an equilibrium, and so is asking for everything.

    Parameters
    ----------
    pie : int
        From 1 to 500.

    References
    ----------
    Nash (1953), Two-person cooperative games, Econometrica 21.
    """
    check_count(pie, "pie", 1, 500)
    demands = range(pie + 1)
    return symmetric([[a if a + b <= pie else 0 for b in demands] for a in demands], title="Nash demand game")


@catalogued(
    equilibria=[
        "1 0 0 0 | 1 0 0 0",
        "1 0 0 0 | 2/3 1/3 0 0",
        "1 0 0 0 | 1/3 1/6 1/2 0",
        "1 0 0 0 | 1/3 0 2/3 0",
        "1 0 0 0 | 0 0 0 1",
        "0 1 0 0 | 2/3 1/3 0 0",
        "0 1 0 0 | 0 1 0 0",
        "0 0 1 0 | 1/3 1/6 1/2 0",
        "0 0 1 0 | 1/3 0 2/3 0",
        "0 0 1 0 | 0 1/2 1/2 0",
        "0 0 1 0 | 0 0 1 0",
        "0 0 0 1 | 0 0 0 1",
    ],
    complete=True,
)
def ultimatum_game(*, pie: int = 3) -> NormalFormGame:
    """Return the ultimatum game: one offers a part of a pie, the other takes it or nobody gets any.

    The responder's actions are the least offer to accept. Every offer is made in some equilibrium; only
    the lowest offers survive subgame perfection.

    Parameters
    ----------
    pie : int
        From 1 to 500.

    References
    ----------
    Guth, Schmittberger and Schwarze (1982), An experimental analysis of ultimatum bargaining, Journal
    of Economic Behavior and Organization 3.
    """
    check_count(pie, "pie", 1, 500)
    offers = range(pie + 1)
    A = [[pie - offer if offer >= least else 0 for least in offers] for offer in offers]
    B = [[offer if offer >= least else 0 for least in offers] for offer in offers]
    labels = [[f"offer {offer}" for offer in offers], [f"accept from {least}" for least in offers]]
    return two_players(A, B, players=("proposer", "responder"), actions=labels, title="Ultimatum game")


def _bids(values: Sequence[Number], highest: int) -> None:
    check_count(highest, "highest", 1, 200)
    require_sequence(values, "values", "numbers, one per bidder")
    check_numbers(**{f"values[{i}]": value for i, value in enumerate(values)})
    if not 1 <= len(values) <= 8 or min(values) < 0:
        raise GameError(f"values must be 1 to 8 numbers that are not negative, got {short(values)}")


@catalogued(
    equilibria=[
        "0 0 1 0 0 | 0 0 1 0 0",
        "0 0 0 1 0 | 1/4 0 1/4 1/2 0",
        "0 0 0 1 0 | 1/5 0 0 4/5 0",
        "0 0 0 1 0 | 1/9 2/9 0 2/3 0",
        "0 0 0 1 0 | 0 1/3 0 2/3 0",
        "0 0 0 1 0 | 0 0 1 0 0",
        "0 0 0 1 0 | 0 0 0 1 0",
    ],
    complete=True,
)
def first_price_auction(*, values: Sequence[Number] = (4, 3), highest: int = 4) -> NormalFormGame:
    """Return the sealed-bid first-price auction: the highest bid wins and is paid, ties by lot.

    Values are known to all; bids are whole, from 0 to ``highest``.

    Parameters
    ----------
    values : sequence of numbers
        What the good is worth to each bidder, at most 8 of them.
    highest : int
        From 1 to 200.

    References
    ----------
    Vickrey (1961), Counterspeculation, auctions, and competitive sealed tenders, Journal of Finance 16.
    """
    _bids(values, highest)

    def pays(bids: tuple[int, ...]) -> list[Number]:
        best = max(bids)
        chance = Fraction(1, bids.count(best))
        return [(value - bid) * chance if bid == best else 0 for value, bid in zip(values, bids)]

    return tabulated(pays, (highest + 1,) * len(values), title="First-price auction")


@catalogued(
    equilibria=[(0, 4), (1, 4), (2, 4), (3, 0), (3, 1), (3, 2), (3, 4), (4, 0), (4, 1), (4, 2), (4, 3)], complete=True
)
def second_price_auction(*, values: Sequence[Number] = (4, 3), highest: int = 4) -> NormalFormGame:
    """Return Vickrey's auction: the highest bid wins and pays the second, so that truth is a best bid.

    Values are known to all; bids are whole, from 0 to ``highest``, ties by lot. Bidding one's value is
    weakly dominant, and there are other equilibria.

    Parameters
    ----------
    values : sequence of numbers
        What the good is worth to each bidder, at most 8 of them.
    highest : int
        From 1 to 200.

    References
    ----------
    Vickrey (1961), Counterspeculation, auctions, and competitive sealed tenders, Journal of Finance 16.
    """
    _bids(values, highest)

    def pays(bids: tuple[int, ...]) -> list[Number]:
        best = max(bids)
        price = sorted((0, *bids))[-2]
        chance = Fraction(1, bids.count(best))
        return [(value - price) * chance if bid == best else 0 for value, bid in zip(values, bids)]

    return tabulated(pays, (highest + 1,) * len(values), title="Second-price auction")


@catalogued(equilibria=["1/3 1/3 1/3 0 | 1/3 1/3 1/3 0"], complete=True)
def all_pay_auction(*, n_bidders: int = 2, value: Number = 3, highest: int = 3) -> NormalFormGame:
    """Return the all-pay auction: the highest bid wins, and everybody pays.

    Bids are whole, from 0 to ``highest``, and ties share the prize.

    Parameters
    ----------
    n_bidders : int
        From 2 to 8.
    value : number
        Of the prize, positive.
    highest : int
        From 1 to 200.

    References
    ----------
    Baye, Kovenock and de Vries (1996), The all-pay auction with complete information, Economic Theory 8.
    """
    check_numbers(value=value)
    check_count(n_bidders, "n_bidders", 2, 8)
    check_count(highest, "highest", 1, 200)
    if value <= 0:
        raise GameError(f"value must be positive, got {value}")

    def pays(bids: tuple[int, ...]) -> list[Number]:
        best = max(bids)
        prize = value * Fraction(1, bids.count(best))
        return [(prize if bid == best else 0) - bid for bid in bids]

    return tabulated(pays, (highest + 1,) * n_bidders, title="All-pay auction")


@catalogued(equilibria=[(2, 2)], complete=True)
def tullock_contest(*, n_players: int = 2, prize: Number = 8, most: int = 4) -> NormalFormGame:
    """Return the rent-seeking contest: the chance of the prize is one's share of all efforts.

    Efforts are whole and lost to all; without effort the prize is drawn by lot. Two players spend a
    quarter of the prize each.

    Parameters
    ----------
    n_players : int
        From 2 to 8.
    prize : number
        Positive.
    most : int
        The largest effort, from 1 to 200.

    References
    ----------
    Tullock (1980), Efficient rent seeking, in Buchanan, Tollison and Tullock (eds.), Toward a Theory of
    the Rent-Seeking Society.
    """
    check_numbers(prize=prize)
    check_count(n_players, "n_players", 2, 8)
    check_count(most, "most", 1, 200)
    if prize <= 0:
        raise GameError(f"prize must be positive, got {prize}")

    def pays(efforts: tuple[int, ...]) -> list[Number]:
        total = sum(efforts)
        chances = [Fraction(effort, total) if total else Fraction(1, n_players) for effort in efforts]
        return [prize * chance - effort for chance, effort in zip(chances, efforts)]

    return tabulated(pays, (most + 1,) * n_players, title="Tullock contest")


@catalogued(equilibria=[(0, 0, 1), (0, 1, 0), (0, 1, 1), (1, 0, 0), (1, 0, 1), (1, 1, 0)])
def congestion_game(*, delays: Sequence[Sequence[Number]] = ((2, 4, 6), (3, 4, 5))) -> NormalFormGame:
    """Return the congestion game of parallel roads: everybody's delay depends on who else takes one's road.

    It has an exact potential, and so an equilibrium in pure play.

    Parameters
    ----------
    delays : sequence of sequences of numbers
        ``delays[r][k]`` is the delay on road r with k + 1 travellers; as many entries as there are
        travellers, at most 12.

    References
    ----------
    Rosenthal (1973), A class of games possessing pure-strategy Nash equilibria, International Journal
    of Game Theory 2.
    """
    require_sequence(delays, "delays", "the delays of each road")
    for r, road in enumerate(delays):
        require_sequence(road, f"delays[{r}]", "numbers")
        check_numbers(**{f"delays[{r}][{k}]": delay for k, delay in enumerate(road)})
    n_players = len(delays[0])
    if not 1 <= n_players <= 12 or any(len(road) != n_players for road in delays):
        raise GameError(
            f"delays must list, for each road, the delay with 1 to n travellers, n <= 12, got {short(delays)}"
        )

    def pays(roads: tuple[int, ...]) -> list[Number]:
        return [-delays[road][roads.count(road) - 1] for road in roads]

    return tabulated(pays, (len(delays),) * n_players, title="Congestion game")


@catalogued(equilibria=[(2, 2, 2, 2)], complete=True)
def braess_paradox(*, n_players: int = 4) -> NormalFormGame:
    """Return Braess's paradox: a new shortcut makes everybody's journey longer.

    The upper road is first narrow (10 minutes for each traveller on it), then wide; the lower first
    wide, then narrow; the shortcut joins the two narrow parts. A wide part takes 10 minutes for each
    player and 5 more, so that the shortcut is dominant. With four travellers it takes each 80 minutes;
    without it they would need 65.

    Parameters
    ----------
    n_players : int
        From 2 to 8.

    References
    ----------
    Braess (1968), Uber ein Paradoxon aus der Verkehrsplanung, Unternehmensforschung 12.
    """
    check_count(n_players, "n_players", 2, 8)
    wide = 10 * n_players + 5

    def pays(routes: tuple[int, ...]) -> list[int]:
        shortcut = routes.count(2)
        first, last = 10 * (routes.count(0) + shortcut), 10 * (routes.count(1) + shortcut)
        minutes = (first + wide, wide + last, first + last)
        return [-minutes[route] for route in routes]

    labels = ("upper", "lower", "shortcut")
    return tabulated(pays, (3,) * n_players, actions=[labels] * n_players, title="Braess's paradox")
