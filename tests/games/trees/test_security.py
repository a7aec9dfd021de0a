import pytest

from marlgt.errors import GameError
from marlgt.games import Battleship, battleship, sheriff
from marlgt.solvers import extensive_form_correlated_equilibrium, sequence_form_lcp


@pytest.mark.parametrize(
    ("ours", "name"),
    [
        (
            {"items": 3},
            "sheriff(max_items=3,max_bribe=2,num_rounds=2,item_value=5.0,item_penalty=1.0,sheriff_penalty=1.0)",
        ),
        (
            {"items": 2, "rounds": 3, "bribe": 1, "value": 1, "fine": 2, "compensation": 3},
            "sheriff(max_items=2,max_bribe=1,num_rounds=3,item_value=1.0,item_penalty=2.0,sheriff_penalty=3.0)",
        ),
    ],
)
def test_sheriff_is_openspiels(ours, name, same_as_pyspiel):
    same_as_pyspiel(sheriff(**ours), name)


@pytest.mark.parametrize(("rows", "columns", "ship", "shots"), [(1, 3, 1, 2), (2, 2, 2, 3)])
def test_battleship_is_openspiels(rows, columns, ship, shots, same_as_pyspiel):
    name = (
        f"battleship(board_height={rows},board_width={columns},ship_sizes=[{ship}],ship_values=[1],num_shots={shots},"
        "allow_repeated_shots=False,loss_multiplier=2.0)"
    )
    same_as_pyspiel(battleship(rows=rows, columns=columns, ship=ship, shots=shots), name)


def test_a_game_without_losses_is_zero_sum():
    assert battleship(loss=1).is_constant_sum
    assert not battleship().is_constant_sum


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: sheriff(items=0), "items must be a whole number from 1 to 1000, got 0"),
        (lambda: Battleship(ship=4), "a ship of length 4 has no place on a board of 1 x 3 cells"),
        (lambda: battleship(shots=4), "shots must be a whole number from 1 to 3, got 4"),
    ],
)
def test_parameters_out_of_range_are_refused(make, message):
    with pytest.raises(GameError, match=message):
        make()


def test_a_mediator_spares_ships():
    # With a loss of 2 a sunk ship costs both together 1, so that their welfare is minus the probability of one.
    game = battleship()
    best = extensive_form_correlated_equilibrium(game)
    assert best.values.sum() == pytest.approx(-13 / 18, abs=1e-9)
    alone = sequence_form_lcp(game)
    assert alone.epsilon == 0
    assert alone.values.sum() == pytest.approx(-8 / 9, abs=1e-12)
