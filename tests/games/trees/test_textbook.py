from fractions import Fraction

import numpy as np
import pytest

from marlgt.concepts import nash_conv
from marlgt.errors import GameError
from marlgt.games import (
    absent_minded_driver,
    battle_of_the_sexes_with_outside_option,
    beer_quiche,
    centipede_tree,
    entry_deterrence_tree,
    matching_pennies_tree,
    myerson_poker_tree,
    prisoners_dilemma_repeated_tree,
    seltens_horse_tree,
    spence_signalling,
    stoc94_example,
    stripped_down_poker,
    ultimatum_tree,
    wichardt_2008,
)
from marlgt.games.sequence_form import checked_behavior


def played(game, choices):
    """The profile that plays the action of each label: a mapping from information set to label or distribution."""
    profile = []
    for sets in game.infosets:
        policy = np.zeros((len(sets), sets.most_actions))
        for j in range(len(sets)):
            choice = choices[sets.label(j)]
            names = sets.action_labels(j)
            policy[j, : len(names)] = [choice == a for a in names] if isinstance(choice, str) else choice
        profile.append(policy)
    return checked_behavior(game, tuple(profile))


def earned(game, profile):
    form = game.sequence_form
    return form.values(form.realization_plans(profile)).tolist()


@pytest.mark.parametrize(
    ("make", "value"), [(myerson_poker_tree, 1 / 3), (stripped_down_poker, 1 / 3), (stoc94_example, 13)]
)
def test_small_card_games_have_their_published_values(make, value, value_of):
    # Myerson (1991), section 2.2; Reiley et al. (2008); Koller, Megiddo and von Stengel (1994)
    assert value_of(make()) == pytest.approx(value, abs=1e-9)


def test_bluffing_a_third_and_meeting_two_thirds_is_the_equilibrium_of_myersons_game():
    # Myerson (1991), section 2.1
    choices = {"red": "raise", "black": [1 / 3, 2 / 3], "after raise": [2 / 3, 1 / 3]}
    game = myerson_poker_tree()
    assert nash_conv(game, played(game, choices)) == pytest.approx(0, abs=1e-12)


@pytest.mark.parametrize("moves", [2, 5, 12])
def test_the_centipede_stops_at_once(moves):
    game = centipede_tree(moves=moves)
    take = {f"turn {k + 1}": "take" for k in range(moves)}
    assert nash_conv(game, played(game, take)) == 0
    go_on = {label: "pass" for label in take}
    assert nash_conv(game, played(game, go_on)) > 0
    assert earned(game, played(game, take)) == [4, 1]


@pytest.mark.parametrize("offer", [0, 1, 3])
def test_any_offer_can_be_made_in_equilibrium(offer):
    game = ultimatum_tree(pie=3)
    choices = {"offer": f"offer {offer}"} | {f"offered {k}": "accept" if k >= offer else "reject" for k in range(4)}
    assert nash_conv(game, played(game, choices)) == 0
    assert earned(game, played(game, choices)) == [3 - offer, offer]


def test_a_chain_store_gains_from_threats_that_it_would_not_carry_out():
    game = entry_deterrence_tree(markets=2)
    assert game.n_infosets == (1, 3, 4)
    names = [label for sets in game.infosets for label in sets.labels]
    threat = {name: "fight" if name.endswith("then entry") else "stay out" for name in names}
    meek = {name: "cooperate" if name.endswith("then entry") else "enter" for name in names}
    assert earned(game, played(game, threat)) == [1, 1, 10]
    assert earned(game, played(game, meek)) == [2, 2, 4]
    assert nash_conv(game, played(game, threat)) == nash_conv(game, played(game, meek)) == 0


def test_both_equilibria_of_seltens_horse():
    # Selten (1975), figure 1: (D, a, L) is not perfect, (A, a, R) is
    game = seltens_horse_tree()
    for choices in ({"1": "down", "2": "across", "3": "left"}, {"1": "across", "2": "across", "3": "right"}):
        assert nash_conv(game, played(game, choices)) == 0


def test_seeing_the_first_penny_decides(value_of):
    assert value_of(matching_pennies_tree()) == pytest.approx(0, abs=1e-12)
    assert value_of(matching_pennies_tree(seen=True)) == pytest.approx(-1, abs=1e-12)


def test_staying_out_and_going_in_are_both_in_equilibrium():
    game = battle_of_the_sexes_with_outside_option()
    for choices in (
        {"start": "out", "inside": "bottom", "he": "right"},
        {"start": "in", "inside": "top", "he": "left"},
    ):
        assert nash_conv(game, played(game, choices)) == 0


@pytest.mark.parametrize("rounds", [1, 2, 4])
def test_the_repeated_dilemma_ends_in_defection(rounds):
    game = prisoners_dilemma_repeated_tree(rounds)
    assert game.n_infosets == ((4**rounds - 1) // 3,) * 2
    defect = [np.tile([0.0, 1.0], (count, 1)) for count in game.n_infosets]
    assert nash_conv(game, defect) == 0
    assert earned(game, defect) == [rounds, rounds]
    cooperate = [policy[:, ::-1] for policy in defect]
    # Against blind cooperation defecting gains 2 in every round.
    assert nash_conv(game, cooperate) == 4 * rounds


def test_beer_and_quiche_pool_on_either_breakfast():
    # Cho and Kreps (1987), section II
    game = beer_quiche()
    beer = {"strong": "beer", "wimp": "beer", "beer": "leave", "quiche": "fight"}
    quiche = {"strong": "quiche", "wimp": "quiche", "beer": "fight", "quiche": "leave"}
    for choices in (beer, quiche):
        assert nash_conv(game, played(game, choices)) == pytest.approx(0, abs=1e-12)
    apart = {"strong": "beer", "wimp": "quiche", "beer": "leave", "quiche": "fight"}
    assert nash_conv(game, played(game, apart)) > 0
    # With many wimps pooling fails.
    assert nash_conv(beer_quiche(strong=Fraction(1, 10)), played(game, beer)) > 0


def test_one_level_of_education_separates_the_able():
    game = spence_signalling()
    choices = {"able": "education 1", "not able": "education 0", "education 0": "wage 1"}
    choices |= {f"education {level}": "wage 2" for level in (1, 2)}
    assert nash_conv(game, played(game, choices)) == pytest.approx(0, abs=1e-12)
    pooled = {"able": "education 0", "not able": "education 0", "education 0": "wage 3/2"}
    pooled |= {f"education {level}": "wage 1" for level in (1, 2)}
    assert nash_conv(game, played(game, pooled)) == pytest.approx(0, abs=1e-12)


def test_the_absent_minded_driver_goes_on_two_times_in_three():
    # Piccione and Rubinstein (1997), example 1: going on with probability p pays 4 (1 - p) p + p^2, best 4/3 at 2/3
    game = absent_minded_driver()
    assert not game.has_perfect_recall
    ends = [np.array([1.0]), game.terminal_payoffs[0]]
    assert ends[1].tolist() == [0, 4, 1]
    chances = np.linspace(0, 1, 301)
    pay = np.stack([1 - chances, (1 - chances) * chances, chances**2]).T @ ends[1]
    assert pay.max() == pytest.approx(4 / 3, abs=1e-9)
    assert chances[pay.argmax()] == pytest.approx(2 / 3)


def test_no_behaviour_is_in_equilibrium_in_wichardts_game():
    game = wichardt_2008()
    assert game.forgetful_infoset == (0, 1)
    table = game.normal_form().payoffs[0].reshape(2, 2, 2)
    grid = np.linspace(0, 1, 21)
    mixes = np.stack([1 - grid, grid])
    # what she earns for every (first, second, guess), and how much both could gain together
    earns = np.einsum("ai,bj,ck,abc->ijk", mixes, mixes, mixes, table)
    gain = earns.max(axis=(0, 1))[None, None, :] - earns.min(axis=2)[:, :, None]
    assert gain.min() > 0.5
    # in mixed strategies the value is 0
    assert game.normal_form().values(([0.5, 0, 0, 0.5], [0.5, 0.5])).tolist() == [0, 0]


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: centipede_tree(moves=1), "moves must be a whole number from 2 to 400, got 1"),
        (lambda: beer_quiche(strong=1), r"strong is 1: give a probability between 0 and 1"),
        (lambda: spence_signalling(able=0), r"able is 0: give a probability between 0 and 1"),
        (lambda: spence_signalling(wages=()), r"wages is \(\): give a list of numbers"),
        (lambda: wichardt_2008(penalty=1), "must satisfy penalty > win"),
        (lambda: battle_of_the_sexes_with_outside_option(outside=4), "favourite > outside > other"),
        (lambda: prisoners_dilemma_repeated_tree(9), "rounds must be a whole number from 1 to 8, got 9"),
    ],
)
def test_parameters_out_of_range_are_refused(make, message):
    with pytest.raises(GameError, match=message):
        make()
