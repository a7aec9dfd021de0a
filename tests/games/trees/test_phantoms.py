import random

import pytest

from marlgt.errors import GameError
from marlgt.games import DarkHex, PhantomTicTacToe, dark_hex


@pytest.mark.parametrize(
    ("rules", "name"),
    [(PhantomTicTacToe(), "phantom_ttt"), (DarkHex(rows=4, columns=3), "dark_hex(num_rows=4,num_cols=3)")],
)
def test_rules_and_what_players_know_are_openspiels(rules, name):
    game, rng = pytest.importorskip("pyspiel").load_game(name), random.Random(0)
    ours, theirs = {}, {}
    for _ in range(500):
        state, own = game.new_initial_state(), rules.initial_state()
        while not state.is_terminal():
            assert rules.current_player(own) == state.current_player()
            assert rules.legal_actions(own) == state.legal_actions()
            there = (state.current_player(), state.information_state_string())
            here = (own.mover, rules.information_state(own))
            assert ours.setdefault(here, there) == there
            assert theirs.setdefault(there, here) == here
            action = rng.choice(state.legal_actions())
            state.apply_action(action)
            own = rules.next_state(own, action)
        assert rules.current_player(own) == -2
        assert list(rules.returns(own)) == state.returns()


def test_dark_hex_is_openspiels(same_as_pyspiel):
    same_as_pyspiel(dark_hex(), "dark_hex(num_rows=2,num_cols=2)")


def test_moving_first_wins_the_smallest_dark_hex(value_of):
    assert value_of(dark_hex()) == pytest.approx(1, abs=1e-9)
    assert dark_hex().terminal_payoffs[0].min() == -1


def test_boards_have_a_size():
    with pytest.raises(GameError, match="rows must be a whole number from 1 to 11, got 0"):
        DarkHex(rows=0)
