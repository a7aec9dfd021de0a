"""Littman's soccer against its rules, its symmetries and its published values."""

import numpy as np
import pytest

import marlgt as gt
from marlgt.errors import GameError
from marlgt.games import soccer_state


@pytest.fixture(scope="module")
def game():
    return gt.games.soccer()


@pytest.fixture(scope="module")
def values(game, shapley_values):
    return shapley_values(game, tolerance=1e-9)


MOVES = {"N": (-1, 0), "S": (1, 0), "E": (0, 1), "W": (0, -1), "stand": (0, 0)}


class Rules:
    """The same rules, one move after the other."""

    players = ("A", "B")

    def initial_states(self):
        return [(0.5, ((1, 3), (2, 1), ball)) for ball in (0, 1)]

    def legal_actions(self, state, player):
        return tuple(MOVES)

    def is_terminal(self, state):
        return state == "over"

    def step(self, state, actions):
        return [(0.5, *self.played(state, actions, first)) for first in (0, 1)]

    def played(self, state, actions, first):
        cells, ball = list(state[:2]), state[2]
        for mover in (first, 1 - first):
            (row, column), (down, right) = cells[mover], MOVES[actions[mover]]
            target = (row + down, column + right)
            if target == cells[1 - mover]:
                ball = 1 - mover if ball == mover else ball
            elif target[0] in range(4) and target[1] in range(5):
                cells[mover] = target
            elif ball == mover and row in (1, 2) and target[1] == (-1, 5)[mover]:
                return "over", ((1, -1), (-1, 1))[mover]
        return (*cells, ball), (0, 0)


def test_the_table_is_that_of_the_rules_made_move_by_move(game):
    def label(state):
        return state if state == "over" else f"A {state[0]}, B {state[1]}, ball {'AB'[state[2]]}"

    other = gt.games.tabulate(Rules(), discount=0.9, label=label)
    assert sorted(other.states) == sorted(game.states)
    order = [other.states.index(state) for state in game.states]
    values = np.random.default_rng(0).normal(size=(2, 761))
    moved = np.empty_like(values)
    moved[:, order] = values
    np.testing.assert_allclose(game.action_values(values), other.action_values(moved)[:, order], atol=1e-15)
    np.testing.assert_array_equal(game.start, other.start[order])


# The summary and the values of single states: exact value iteration, checked by Hoffman-Karp.
VALUES = {
    ((1, 3), (2, 1), 0): 0.2184844404417542,
    ((1, 0), (2, 3), 0): 1.0,
    ((1, 1), (1, 0), 0): 0.3152184939759346,
    ((1, 1), (2, 0), 0): 0.3852670481928071,
    ((1, 2), (1, 1), 0): 0.24276048937972838,
    ((0, 0), (1, 0), 0): 0.11100105861178289,
    ((1, 4), (1, 3), 1): -0.3152184939759348,
    ((3, 4), (0, 0), 0): 0.17697239675781073,
}


@pytest.mark.parametrize(("state", "value"), VALUES.items(), ids=map(str, VALUES))
def test_states_are_worth_what_is_known(values, state, value):
    assert values[soccer_state(*state)] == pytest.approx(value, abs=1e-8)


def test_the_game_is_worth_nothing_and_turning_the_field_negates_it(game, values):
    assert game.start @ values == pytest.approx(0.0, abs=1e-8)
    assert np.abs(values[:-1]).mean() == pytest.approx(0.5370354584247246, abs=1e-8)
    for a, b, ball in (((1, 3), (2, 1), 0), ((0, 4), (3, 2), 1), ((2, 2), (2, 3), 0)):
        turned = [(3 - row, 4 - column) for row, column in (b, a)]
        assert values[soccer_state(*turned, 1 - ball)] == pytest.approx(-values[soccer_state(a, b, ball)], abs=1e-8)


def test_the_game_is_zero_sum_and_every_state_is_reached(game):
    assert game.is_zero_sum
    assert game.reachable.all()
    assert game.terminal.tolist() == [False] * 760 + [True]
    assert not game.surely_ends


def test_a_state_is_found_by_its_cells(game):
    for number in (0, 17, 399, 759):
        assert soccer_state(*_read(game.states[number])) == number


def _read(label):
    numbers = [int(character) for character in label if character.isdigit()]
    return tuple(numbers[:2]), tuple(numbers[2:]), "AB".index(label[-1])


@pytest.mark.parametrize(
    ("state", "message"),
    [
        (((4, 0), (0, 0), 0), r"a is \(4, 0\): give a row from 0 to 3 and a column from 0 to 4"),
        (((0, 0), 3, 0), "b is 3: give a row"),
        (((0, 0), (0, 0), 0), r"a and b are both \(0, 0\): the players stand on different cells"),
        (((0, 0), (0, 1), "A"), "ball is 'A': give 0 if A has it and 1 if B has it"),
    ],
)
def test_what_is_no_state_is_refused(state, message):
    with pytest.raises(GameError, match=message):
        soccer_state(*state)
