import itertools

import pytest

from marlgt.errors import GameError
from marlgt.games import LiarsDice, liars_dice


@pytest.mark.parametrize("sides", [2, 3, 4])
def test_liars_dice_is_openspiels(sides, same_as_pyspiel):
    same_as_pyspiel(liars_dice(sides=sides), f"liars_dice(dice_sides={sides})")


def test_among_three_players_the_caller_and_the_last_bidder_settle_it():
    game = liars_dice((1, 1, 1), sides=2)
    assert set(map(tuple, game.terminal_payoffs.T.tolist())) == set(itertools.permutations((-1, 0, 1)))
    assert game.has_perfect_recall


def test_liars_dice_with_two_dice_each_is_openspiels(same_as_pyspiel):
    same_as_pyspiel(liars_dice((2, 2), sides=2), "liars_dice(dice_sides=2,numdice=2)")


@pytest.mark.parametrize(("sides", "value"), [(3, 1 / 9), (4, 1 / 16)])
def test_liars_dice_is_worth_a_fraction(sides, value, value_of):
    # known answers: liars_dice_1v1_3 and liars_dice_1v1_4, by two independent linear programs
    assert value_of(liars_dice(sides=sides)) == pytest.approx(value, abs=1e-9)


def test_the_highest_face_is_wild():
    rules = LiarsDice(sides=6)
    state = rules.initial_state()
    for move in ("6", "3", "1-1", "2-3", "liar"):
        state = rules.next_state(state, move)
    # a six and a three are two threes
    assert rules.returns(state) == [-1, 1]


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: liars_dice(3), r"n_dice is 3: give the dice of each of 2 to 6 players, as \(1, 1\)"),
        (lambda: liars_dice((1, 0)), r"n_dice\[1\] must be a whole number from 1 to 6, got 0"),
        (lambda: liars_dice(sides=1), "sides must be a whole number from 2 to 12, got 1"),
    ],
)
def test_parameters_out_of_range_are_refused(make, message):
    with pytest.raises(GameError, match=message):
        make()
