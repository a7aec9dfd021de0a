"""Games of three and more players: the dilemmas of the many."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from fractions import Fraction

from marlgt.errors import GameError
from marlgt.games._catalogue import Number, catalogued, check_count, check_numbers, tabulated
from marlgt.games.normal_form import NormalFormGame

__all__ = [
    "anti_coordination",
    "diners_dilemma",
    "el_farol",
    "majority_game",
    "minority_game",
    "public_goods",
    "simple_majority_game",
    "tragedy_of_the_commons",
    "volunteers_dilemma",
]

_MOST_PLAYERS = 16


def _mixing_groups(
    n: int, holding_back: Callable[[int], float]
) -> list[tuple[int | tuple[float | Fraction, ...], ...]]:
    """Return the profiles in which two or more players mix, alike, and the others play their first action."""
    profiles: list[tuple[int | tuple[float | Fraction, ...], ...]] = []
    for size in range(2, n + 1):
        p = holding_back(size)
        for group in itertools.combinations(range(n), size):
            profiles.append(tuple((p, 1 - p) if i in group else 0 for i in range(n)))
    return profiles


@catalogued(
    equilibria=[
        (0, 0, 0, 1),
        (0, 0, 1, 0),
        (0, 1, 0, 0),
        (1, 0, 0, 0),
        *_mixing_groups(4, lambda size: 0.5 ** (1 / (size - 1))),
    ],
    complete=True,
)
def volunteers_dilemma(*, n_players: int = 4, benefit: Number = 2, cost: Number = 1) -> NormalFormGame:
    """Return the volunteer's dilemma: one volunteer saves all, and each would rather be another.

    In the symmetric equilibrium each stays silent with probability (cost / benefit) ** (1 / (n - 1)).

    Parameters
    ----------
    n_players : int
        From 2 to 16.
    benefit, cost : number
        ``benefit > cost > 0``.

    References
    ----------
    Diekmann (1985), Volunteer's dilemma, Journal of Conflict Resolution 29.
    """
    check_numbers(benefit=benefit, cost=cost)
    check_count(n_players, "n_players", 2, _MOST_PLAYERS)
    if not benefit > cost > 0:
        raise GameError(f"the payoffs must satisfy benefit > cost > 0, got {benefit} and {cost}")

    def pays(profile: tuple[int, ...]) -> list[Number]:
        saved = benefit if any(profile) else 0
        return [saved - cost * act for act in profile]

    return tabulated(pays, (2,) * n_players, actions=[("wait", "volunteer")] * n_players, title="Volunteer's dilemma")


@catalogued(
    equilibria=[(0, 0, 1), (0, 1, 0), (0, 1, 1), (1, 0, 0), (1, 0, 1), (1, 1, 0), "1/2 1/2 | 1/2 1/2 | 1/2 1/2"]
)
def minority_game(*, n_players: int = 3) -> NormalFormGame:
    """Return the minority game: everyone in the smaller of two groups wins 1.

    Parameters
    ----------
    n_players : int
        An odd number from 3 to 15.

    References
    ----------
    Challet and Zhang (1997), Emergence of cooperation and organization in an evolutionary game,
    Physica A 246.
    """
    check_count(n_players, "n_players", 3, 15)
    if n_players % 2 == 0:
        raise GameError(f"n_players must be odd, so that there is a minority, got {n_players}")

    def pays(profile: tuple[int, ...]) -> list[int]:
        fewer = int(2 * sum(profile) < n_players)
        return [int(side == fewer) for side in profile]

    return tabulated(pays, (2,) * n_players, title="Minority game")


@catalogued(equilibria=[(0, 0, 0), "1/2 1/2 | 1/2 1/2 | 1/2 1/2", (1, 1, 1)])
def majority_game(*, n_players: int = 3) -> NormalFormGame:
    """Return the majority game: everyone on the larger of two sides wins 1.

    Parameters
    ----------
    n_players : int
        An odd number from 3 to 15.

    References
    ----------
    Schelling (1978), Micromotives and Macrobehavior, chapter 7.
    """
    check_count(n_players, "n_players", 3, 15)
    if n_players % 2 == 0:
        raise GameError(f"n_players must be odd, so that there is a majority, got {n_players}")

    def pays(profile: tuple[int, ...]) -> list[int]:
        larger = int(2 * sum(profile) > n_players)
        return [int(side == larger) for side in profile]

    return tabulated(pays, (2,) * n_players, title="Majority game")


@catalogued(equilibria=[(0, 0, 0), (0, 0, 1), (0, 1, 1), (1, 0, 0), (1, 1, 0), (1, 1, 1)])
def simple_majority_game() -> NormalFormGame:
    """Return the three-person simple majority game: two who choose each other take 1 from the third.

    Each names one of the other two; a couple gets 1/2 each, the third loses 1, and without a couple
    nobody gains.

    References
    ----------
    von Neumann and Morgenstern (1944), Theory of Games and Economic Behavior, section 21.
    """

    def pays(profile: tuple[int, ...]) -> list[Number]:
        chosen = [[j for j in range(3) if j != i][a] for i, a in enumerate(profile)]
        paired = [chosen[chosen[i]] == i for i in range(3)]
        return [(Fraction(1, 2) if pair else -1) if any(paired) else 0 for pair in paired]

    labels = [[f"player {j + 1}" for j in range(3) if j != i] for i in range(3)]
    return tabulated(pays, (2, 2, 2), actions=labels, title="Simple majority game")


@catalogued(
    equilibria=[(0, 0, 1), (0, 1, 0), (1, 0, 0), *_mixing_groups(3, lambda size: 0.5 ** (1 / (size - 1)))],
    complete=True,
)
def anti_coordination(*, n_players: int = 3, value: Number = 2) -> NormalFormGame:
    """Return anti-coordination: a sure 1, or more than that if nobody else tries.

    In the symmetric equilibrium the sure action has probability value ** (-1 / (n - 1)).

    Parameters
    ----------
    n_players : int
        From 2 to 16.
    value : number
        Of trying alone, more than 1.

    References
    ----------
    McLennan and Tourky (2006), From imitation games to Kakutani.
    """
    check_numbers(value=value)
    check_count(n_players, "n_players", 2, _MOST_PLAYERS)
    if value <= 1:
        raise GameError(f"value must be more than 1, got {value}")

    def pays(profile: tuple[int, ...]) -> list[Number]:
        return [(value if sum(profile) == 1 else 0) if tries else 1 for tries in profile]

    return tabulated(pays, (2,) * n_players, actions=[("sure", "try")] * n_players, title="Anti-coordination")


@catalogued(equilibria=[(0, 0, 1, 1), (0, 1, 0, 1), (0, 1, 1, 0), (1, 0, 0, 1), (1, 0, 1, 0), (1, 1, 0, 0)])
def el_farol(*, n_players: int = 4, capacity: int = 2) -> NormalFormGame:
    """Return the El Farol bar: going pays 1 unless more than its capacity go, then it costs 1.

    Parameters
    ----------
    n_players : int
        From 2 to 16.
    capacity : int
        From 1 to ``n_players - 1``.

    References
    ----------
    Arthur (1994), Inductive reasoning and bounded rationality, American Economic Review 84.
    """
    check_count(n_players, "n_players", 2, _MOST_PLAYERS)
    check_count(capacity, "capacity", 1, n_players - 1)

    def pays(profile: tuple[int, ...]) -> list[int]:
        worth = 1 if sum(profile) <= capacity else -1
        return [worth * goes for goes in profile]

    return tabulated(pays, (2,) * n_players, actions=[("stay", "go")] * n_players, title="El Farol")


@catalogued(equilibria=[(0, 0, 0)], complete=True)
def public_goods(*, n_players: int = 3, factor: Number = Fraction(9, 5)) -> NormalFormGame:
    """Return the linear public goods game: contributions are multiplied and shared by all.

    With ``1 < factor < n_players`` nobody contributes in equilibrium, and all would gain if all did.

    Parameters
    ----------
    n_players : int
        From 2 to 16.
    factor : number
        By which contributions grow, between 1 and ``n_players``.

    References
    ----------
    Isaac and Walker (1988), Group size effects in public goods provision, Quarterly Journal of
    Economics 103.
    """
    check_numbers(factor=factor)
    check_count(n_players, "n_players", 2, _MOST_PLAYERS)
    if not 1 < factor < n_players:
        raise GameError(f"factor must lie between 1 and n_players={n_players}, got {factor}")

    def pays(profile: tuple[int, ...]) -> list[Number]:
        share = factor * Fraction(sum(profile), n_players)
        return [share - gives + 1 for gives in profile]

    return tabulated(pays, (2,) * n_players, actions=[("keep", "give")] * n_players, title="Public goods")


@catalogued(equilibria=[(1, 1, 1)], complete=True)
def diners_dilemma(
    *, n_players: int = 3, fine: Number = 12, simple: Number = 6, price_fine: Number = 15, price_simple: Number = 5
) -> NormalFormGame:
    """Return the diner's dilemma: the bill is split evenly, so everyone orders the dish nobody would buy.

    Parameters
    ----------
    n_players : int
        From 2 to 16.
    fine, simple : number
        What the meals are worth to the diner.
    price_fine, price_simple : number
        Their prices: the difference exceeds that in worth, but not when split.

    References
    ----------
    Glance and Huberman (1994), The dynamics of social dilemmas, Scientific American 270.
    """
    check_numbers(fine=fine, simple=simple, price_fine=price_fine, price_simple=price_simple)
    check_count(n_players, "n_players", 2, _MOST_PLAYERS)
    if not price_fine - price_simple > fine - simple > (price_fine - price_simple) / n_players:
        raise GameError("fine - simple must lie between 1 / n_players of price_fine - price_simple and the whole")

    def pays(profile: tuple[int, ...]) -> list[Number]:
        bill = sum(price_fine if order else price_simple for order in profile) * Fraction(1, n_players)
        return [(fine if order else simple) - bill for order in profile]

    return tabulated(pays, (2,) * n_players, actions=[("simple", "fine")] * n_players, title="Diner's dilemma")


@catalogued(equilibria=[(2, 3, 4), (2, 4, 3), (3, 2, 4), (3, 3, 3), (3, 4, 2), (4, 2, 3), (4, 3, 2)])
def tragedy_of_the_commons(*, n_players: int = 3, most: int = 4, capacity: Number = 12) -> NormalFormGame:
    """Return the tragedy of the commons: every animal on the pasture lowers the worth of all.

    Each keeps up to ``most`` animals, worth ``capacity - total`` apiece.

    Parameters
    ----------
    n_players : int
        From 2 to 8.
    most : int
        From 1 to 50.
    capacity : number
        Positive.

    References
    ----------
    Hardin (1968), The tragedy of the commons, Science 162; Gibbons (1992), A Primer in Game Theory,
    section 1.2.
    """
    check_numbers(capacity=capacity)
    check_count(n_players, "n_players", 2, 8)
    check_count(most, "most", 1, 50)
    if capacity <= 0:
        raise GameError(f"capacity must be positive, got {capacity}")

    def pays(herds: tuple[int, ...]) -> list[Number]:
        return [herd * (capacity - sum(herds)) for herd in herds]

    return tabulated(pays, (most + 1,) * n_players, title="Tragedy of the commons")
