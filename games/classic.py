"""Two players, two actions: the dilemmas and conflicts that every textbook starts from."""

from __future__ import annotations

from marlgt.errors import GameError
from marlgt.games._catalogue import Number, catalogued, check_falling, check_numbers, half, symmetric, two_players
from marlgt.games.normal_form import NormalFormGame

__all__ = [
    "battle_of_the_sexes",
    "chicken",
    "deadlock",
    "donation_game",
    "harmony",
    "hawk_dove",
    "hero",
    "inspection_game",
    "leader",
    "prisoners_dilemma",
    "snowdrift",
    "stag_hunt",
]

_CONDUCT = ("cooperate", "defect")


@catalogued(equilibria=[(1, 1)], complete=True)
def prisoners_dilemma(
    *, temptation: Number = 5, reward: Number = 3, punishment: Number = 1, sucker: Number = 0
) -> NormalFormGame:
    """Return the prisoner's dilemma: whatever the other does, each gains by defecting.

    Defecting is strictly dominant, so both defect in the only equilibrium.

    Parameters
    ----------
    temptation, reward, punishment, sucker : number
        Payoffs, ``temptation > reward > punishment > sucker``.

    Raises
    ------
    GameError
        If the payoffs stand in another order.

    References
    ----------
    Luce and Raiffa (1957), Games and Decisions, chapter 5.
    """
    check_numbers(temptation=temptation, reward=reward, punishment=punishment, sucker=sucker)
    check_falling(temptation=temptation, reward=reward, punishment=punishment, sucker=sucker)
    return symmetric([[reward, sucker], [temptation, punishment]], actions=_CONDUCT, title="Prisoner's dilemma")


@catalogued(equilibria=[(0, 1), "2/3 1/3 | 2/3 1/3", (1, 0)], complete=True)
def chicken(*, temptation: Number = 7, reward: Number = 6, sucker: Number = 2, crash: Number = 0) -> NormalFormGame:
    """Return chicken: each would rather dare while the other swerves, and both fear the crash.

    One dares and the other swerves in the two pure equilibria; in the mixed one both risk the crash.
    A correlated equilibrium does better than all three.

    Parameters
    ----------
    temptation, reward, sucker, crash : number
        Payoffs, ``temptation > reward > sucker > crash``.

    References
    ----------
    Aumann (1974), Subjectivity and correlation in randomized strategies, Journal of Mathematical
    Economics 1.
    """
    check_numbers(temptation=temptation, reward=reward, sucker=sucker, crash=crash)
    check_falling(temptation=temptation, reward=reward, sucker=sucker, crash=crash)
    return symmetric([[reward, sucker], [temptation, crash]], actions=("swerve", "dare"), title="Chicken")


@catalogued(equilibria=[(0, 1), "1/2 1/2 | 1/2 1/2", (1, 0)], complete=True)
def hawk_dove(*, value: Number = 2, cost: Number = 4) -> NormalFormGame:
    """Return hawk-dove: fight for a resource, or display and share it.

    With ``cost > value`` the evolutionarily stable strategy plays hawk with probability value / cost.

    Parameters
    ----------
    value, cost : number
        What the resource is worth and what losing a fight costs; both positive.

    References
    ----------
    Maynard Smith and Price (1973), The logic of animal conflict, Nature 246.
    """
    check_numbers(value=value, cost=cost)
    if value <= 0 or cost <= 0:
        raise GameError(f"value and cost must be positive, got {value} and {cost}")
    return symmetric([[half(value - cost), value], [0, half(value)]], actions=("hawk", "dove"), title="Hawk-dove")


@catalogued(equilibria=[(0, 0), "2/3 1/3 | 2/3 1/3", (1, 1)], complete=True)
def stag_hunt(
    *, stag: Number = 10, hare_alone: Number = 8, hare_together: Number = 5, abandoned: Number = 1
) -> NormalFormGame:
    """Return the stag hunt: the stag feeds both but needs both, the hare is safe.

    Hunting the stag together pays most; hunting hares is the safer equilibrium.

    Parameters
    ----------
    stag, hare_alone, hare_together, abandoned : number
        Payoffs, ``stag > hare_alone >= hare_together > abandoned``.

    References
    ----------
    Rousseau (1755), Discourse on Inequality; Skyrms (2004), The Stag Hunt and the Evolution of
    Social Structure.
    """
    check_numbers(stag=stag, hare_alone=hare_alone, hare_together=hare_together, abandoned=abandoned)
    if not stag > hare_alone >= hare_together > abandoned:
        raise GameError(
            "the payoffs must satisfy stag > hare_alone >= hare_together > abandoned, "
            f"got {stag}, {hare_alone}, {hare_together}, {abandoned}"
        )
    return symmetric([[stag, abandoned], [hare_alone, hare_together]], actions=("stag", "hare"), title="Stag hunt")


@catalogued(equilibria=[(1, 1)], complete=True)
def deadlock(
    *, temptation: Number = 3, punishment: Number = 2, reward: Number = 1, sucker: Number = 0
) -> NormalFormGame:
    """Return deadlock: defecting is dominant, and both like it so.

    Parameters
    ----------
    temptation, punishment, reward, sucker : number
        Payoffs, ``temptation > punishment > reward > sucker``.

    References
    ----------
    Rapoport and Guyer (1966), A taxonomy of 2 x 2 games, General Systems 11.
    """
    check_numbers(temptation=temptation, punishment=punishment, reward=reward, sucker=sucker)
    check_falling(temptation=temptation, punishment=punishment, reward=reward, sucker=sucker)
    return symmetric([[reward, sucker], [temptation, punishment]], actions=_CONDUCT, title="Deadlock")


@catalogued(equilibria=[(0, 0)], complete=True)
def harmony(
    *, reward: Number = 3, sucker: Number = 2, temptation: Number = 1, punishment: Number = 0
) -> NormalFormGame:
    """Return harmony: cooperating is dominant and best for both, a game without conflict.

    Parameters
    ----------
    reward, sucker, temptation, punishment : number
        Payoffs, ``reward > sucker > temptation > punishment``.

    References
    ----------
    Rapoport and Guyer (1966), A taxonomy of 2 x 2 games, General Systems 11.
    """
    check_numbers(reward=reward, sucker=sucker, temptation=temptation, punishment=punishment)
    check_falling(reward=reward, sucker=sucker, temptation=temptation, punishment=punishment)
    return symmetric([[reward, sucker], [temptation, punishment]], actions=_CONDUCT, title="Harmony")


@catalogued(equilibria=[(0, 1), "1/2 1/2 | 1/2 1/2", (1, 0)], complete=True)
def leader(*, first: Number = 4, follower: Number = 3, wait: Number = 2, clash: Number = 1) -> NormalFormGame:
    """Return leader: who moves alone gains most and the other gains too, but both must not move.

    Parameters
    ----------
    first, follower, wait, clash : number
        Payoffs, ``first > follower > wait > clash``.

    References
    ----------
    Rapoport (1967), Exploiter, leader, hero, and martyr: the four archetypes of the 2 x 2 game,
    Behavioral Science 12.
    """
    check_numbers(first=first, follower=follower, wait=wait, clash=clash)
    check_falling(first=first, follower=follower, wait=wait, clash=clash)
    return symmetric([[wait, follower], [first, clash]], actions=("wait", "move"), title="Leader")


@catalogued(equilibria=[(0, 1), "3/4 1/4 | 3/4 1/4", (1, 0)], complete=True)
def hero(*, saved: Number = 4, hero: Number = 3, wait: Number = 2, clash: Number = 1) -> NormalFormGame:
    """Return hero: who moves alone gains, and the other, who waited, gains more.

    Parameters
    ----------
    saved, hero, wait, clash : number
        Payoffs, ``saved > hero > wait > clash``.

    References
    ----------
    Rapoport (1967), Exploiter, leader, hero, and martyr: the four archetypes of the 2 x 2 game,
    Behavioral Science 12.
    """
    check_numbers(saved=saved, hero=hero, wait=wait, clash=clash)
    check_falling(saved=saved, hero=hero, wait=wait, clash=clash)
    return symmetric([[wait, saved], [hero, clash]], actions=("wait", "move"), title="Hero")


@catalogued(equilibria=[(0, 0), "3/5 2/5 | 2/5 3/5", (1, 1)], complete=True)
def battle_of_the_sexes(*, favourite: Number = 3, other: Number = 2, apart: Number = 0) -> NormalFormGame:
    """Return the battle of the sexes: both would go together, but not to the same place.

    Parameters
    ----------
    favourite, other, apart : number
        Payoffs of going together to one's favourite, to the other's, and of going apart;
        ``favourite > other > apart``.

    References
    ----------
    Luce and Raiffa (1957), Games and Decisions, section 5.3.
    """
    check_numbers(favourite=favourite, other=other, apart=apart)
    check_falling(favourite=favourite, other=other, apart=apart)
    labels = ("his favourite", "hers")
    return two_players(
        [[favourite, apart], [apart, other]],
        [[other, apart], [apart, favourite]],
        actions=[labels, labels],
        title="Battle of the sexes",
    )


@catalogued(equilibria=[(0, 1), "2/3 1/3 | 2/3 1/3", (1, 0)], complete=True)
def snowdrift(*, benefit: Number = 4, cost: Number = 2) -> NormalFormGame:
    """Return the snowdrift game: one digger is enough to free both cars, two share the work.

    Parameters
    ----------
    benefit, cost : number
        Of getting out and of digging alone, ``benefit > cost > 0``.

    References
    ----------
    Hauert and Doebeli (2004), Spatial structure often inhibits the evolution of cooperation in the
    snowdrift game, Nature 428.
    """
    check_numbers(benefit=benefit, cost=cost)
    if not benefit > cost > 0:
        raise GameError(f"the payoffs must satisfy benefit > cost > 0, got {benefit} and {cost}")
    return symmetric([[benefit - half(cost), benefit - cost], [benefit, 0]], actions=("dig", "wait"), title="Snowdrift")


@catalogued(equilibria=[(1, 1)], complete=True)
def donation_game(*, benefit: Number = 3, cost: Number = 1) -> NormalFormGame:
    """Return the donation game: pay a cost to give the other a larger benefit, or keep it.

    A prisoner's dilemma in which what one gives does not depend on what one gets.

    Parameters
    ----------
    benefit, cost : number
        ``benefit > cost > 0``.

    References
    ----------
    Nowak (2006), Five rules for the evolution of cooperation, Science 314.
    """
    check_numbers(benefit=benefit, cost=cost)
    if not benefit > cost > 0:
        raise GameError(f"the payoffs must satisfy benefit > cost > 0, got {benefit} and {cost}")
    return symmetric([[benefit - cost, -cost], [benefit, 0]], actions=("give", "keep"), title="Donation game")


@catalogued(equilibria=["3/4 1/4 | 1/2 1/2"], complete=True)
def inspection_game(
    *, wage: Number = 4, effort: Number = 2, output: Number = 8, inspection: Number = 1
) -> NormalFormGame:
    """Return the inspection game: an employee works or shirks, an employer inspects or not.

    Shirkers who are inspected get no wage. No pure equilibrium exists.

    Parameters
    ----------
    wage, effort, output, inspection : number
        What the employer pays, what work costs the employee, what it yields and what inspecting
        costs; ``output > wage > effort > 0`` and ``wage > inspection > 0``.

    References
    ----------
    Fudenberg and Tirole (1991), Game Theory, section 1.1.
    """
    check_numbers(wage=wage, effort=effort, output=output, inspection=inspection)
    if not (output > wage > effort > 0 and wage > inspection > 0):
        raise GameError(
            "the payoffs must satisfy output > wage > effort > 0 and wage > inspection > 0, "
            f"got output={output}, wage={wage}, effort={effort}, inspection={inspection}"
        )
    return two_players(
        [[wage - effort, wage - effort], [0, wage]],
        [[output - wage - inspection, output - wage], [-inspection, -wage]],
        players=("employee", "employer"),
        actions=[("work", "shirk"), ("inspect", "trust")],
        title="Inspection game",
    )
