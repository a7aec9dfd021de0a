from fractions import Fraction

import numpy as np
import pytest

from marlgt.errors import BudgetExceeded, GameError
from marlgt.games import CHANCE, TERMINAL, ExtensiveGame


class Coin:
    """Chance shows A a coin; B, who has not seen it, guesses."""

    def __init__(self, **changes):
        self.players = ["A", "B"]
        self.changes = changes

    def initial_state(self):
        return ()

    def current_player(self, state):
        return (CHANCE, 0, 1, TERMINAL)[len(state)]

    def legal_actions(self, state):
        return self.changes.get("actions", ["heads", "tails"])

    def chance_outcomes(self, state):
        return [("heads", Fraction(1, 3)), ("tails", Fraction(2, 3))]

    def next_state(self, state, action):
        return (*state, action)

    def information_state(self, state):
        return state[-1] if len(state) == 1 else state[1]

    def returns(self, state):
        won = 1 if state[0] == state[2] else -1
        return [-won, won]


def test_the_tree_of_rules_follows_their_order():
    game = ExtensiveGame.from_rules(Coin())
    assert game.title == "Coin"
    assert game.n_nodes == 1 + 2 + 4 + 8
    assert game.n_infosets == (2, 2)
    assert game.is_exact
    assert game.infosets[1].labels == ("heads", "tails")
    assert game.chance.action_labels(0) == ("heads", "tails")
    assert game.terminal_payoffs[0].tolist() == [-1, 1, -1, 1, 1, -1, 1, -1]
    assert game.exact_probability[[1, 8]].tolist() == [Fraction(1, 3), Fraction(2, 3)]
    assert np.array_equal(game.player[[0, 1, 2]], [CHANCE, 0, 1])


class Circle(Coin):
    """Two states that follow each other for ever."""

    def initial_state(self):
        return 0

    def current_player(self, state):
        return state

    def next_state(self, state, action):
        return 1 - state

    def information_state(self, state):
        return None


def test_rules_that_never_end_are_stopped_at_the_budget():
    with pytest.raises(BudgetExceeded, match="the tree of Circle has more than 1000 nodes: raise max_nodes"):
        ExtensiveGame.from_rules(Circle(actions=["on"]), max_nodes=1000)


def test_a_state_without_actions_must_be_terminal():
    with pytest.raises(GameError, match="node 1 has no actions: a node where nobody can move is terminal"):
        ExtensiveGame.from_rules(Coin(actions=[]))


def test_a_mover_must_be_a_player():
    class Third(Coin):
        def current_player(self, state):
            return 2

        def information_state(self, state):
            return None

    with pytest.raises(GameError, match="player is 2: players are numbered from 0 to 1"):
        ExtensiveGame.from_rules(Third())


def test_those_who_cannot_tell_states_apart_must_have_the_same_actions():
    class Uneven(Coin):
        def legal_actions(self, state):
            return ["heads"] if len(state) == 2 and state[0] == "heads" else ["heads", "tails"]

    with pytest.raises(GameError, match="whoever cannot tell two nodes apart must have the same actions at both"):
        ExtensiveGame.from_rules(Uneven())
