import functools
import random

import pytest

from marlgt.errors import GameError
from marlgt.games import ConnectFour, Nim, TicTacToe, nim, tic_tac_toe


@functools.cache
def worth(rules, state):
    """The value of a state to the first player, by minimax over states."""
    mover = rules.current_player(state)
    if mover < 0:
        return rules.returns(state)[0]
    below = [worth(rules, rules.next_state(state, action)) for action in rules.legal_actions(state)]
    return max(below) if mover == 0 else min(below)


@pytest.fixture(scope="module")
def whole_tree():
    return tic_tac_toe()


def test_the_tree_of_tic_tac_toe_has_all_plays(whole_tree):
    game = whole_tree
    assert game.n_nodes == 549_946
    # Schaefer (2002), MathRec solutions (tic-tac-toe): X wins 131,184 of 255,168 plays, O wins 77,904
    assert [int((game.terminal_payoffs[0] == x).sum()) for x in (1, -1, 0)] == [131_184, 77_904, 46_080]
    assert game.has_perfect_information


def test_the_tree_of_tic_tac_toe_follows_its_rules(whole_tree):
    game, rules, rng = whole_tree, TicTacToe(), random.Random(2)
    payoffs = dict(zip(game.terminals.tolist(), game.terminal_payoffs.T.tolist()))
    for _ in range(2000):
        v, state = 0, rules.initial_state()
        while (mover := rules.current_player(state)) >= 0:
            assert game.player[v] == mover
            cells = rules.legal_actions(state)
            assert game.infosets[mover].action_labels(game.infoset[v]) == tuple(map(str, cells))
            a = rng.randrange(len(cells))
            v = int(game.children[game.first_child[v] + a])
            state = rules.next_state(state, cells[a])
        assert payoffs[v] == list(rules.returns(state))


def test_tic_tac_toe_is_a_draw():
    assert worth(TicTacToe(), TicTacToe().initial_state()) == 0


def test_the_order_of_moves_is_the_callers():
    rules = TicTacToe(order=(4, 0, 2, 6, 8, 1, 3, 5, 7))
    state = rules.next_state(rules.initial_state(), 0)
    assert rules.legal_actions(state) == [4, 2, 6, 8, 1, 3, 5, 7]
    assert rules.current_player(state) == 1
    with pytest.raises(GameError, match=r"order must be a permutation of 0..8|give a permutation of 0..8"):
        TicTacToe(order=(0, 1))


@pytest.mark.parametrize("piles", [(1, 1), (1, 2), (1, 2, 3), (2, 3), (2, 2, 1), (0, 3), (1, 1, 1)])
@pytest.mark.parametrize("misere", [False, True])
def test_nim_is_won_by_its_sum(piles, misere):
    # Bouton (1901)
    total = functools.reduce(lambda a, b: a ^ b, piles)
    wins = total != 0 if not misere or max(piles) > 1 else sum(piles) % 2 == 0
    rules = Nim(piles, misere=misere)
    assert worth(rules, rules.initial_state()) == (1 if wins else -1)


@pytest.mark.parametrize("misere", [False, True])
def test_nim_is_openspiels(misere, same_as_pyspiel):
    same_as_pyspiel(nim((1, 2, 3), misere=misere), f"nim(pile_sizes=1;2;3,is_misere={misere})")


@pytest.mark.parametrize(("rows", "columns", "line"), [(6, 7, 4), (4, 5, 3)])
def test_the_rules_of_connect_four_are_openspiels(rows, columns, line):
    pyspiel = pytest.importorskip("pyspiel")
    game = pyspiel.load_game(f"connect_four(rows={rows},columns={columns},x_in_row={line})")
    rules, rng = ConnectFour(rows=rows, columns=columns, line=line), random.Random(1)
    for _ in range(100):
        theirs, ours = game.new_initial_state(), rules.initial_state()
        while not theirs.is_terminal():
            assert rules.current_player(ours) == theirs.current_player()
            assert rules.legal_actions(ours) == theirs.legal_actions()
            action = rng.choice(theirs.legal_actions())
            theirs.apply_action(action)
            ours = rules.next_state(ours, action)
        assert rules.current_player(ours) == -2
        assert list(rules.returns(ours)) == theirs.returns()


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: nim(3), r"piles is 3: give the sizes of 1 to 20 piles"),
        (lambda: nim((1, -1)), r"piles\[1\] must be a whole number from 0 to 1000, got -1"),
        (lambda: ConnectFour(rows=0), "rows must be a whole number from 1 to 12, got 0"),
    ],
)
def test_parameters_out_of_range_are_refused(make, message):
    with pytest.raises(GameError, match=message):
        make()
