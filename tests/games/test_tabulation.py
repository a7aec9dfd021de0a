"""Tables of step models: numbering, merging, legal actions, budgets, and models whose answers do not fit together."""

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings

from marlgt.errors import BudgetExceeded, GameError
from marlgt.games import tabulate
from marlgt.testing import any_stochastic_game


class Walk:
    """One player on the line from 0 to ``length``, who may slip and is paid at the end."""

    players = ("walker",)

    def __init__(self, length=5):
        self.length = length

    def initial_states(self):
        return [(Fraction(1, 3), 1), (Fraction(2, 3), 2)]

    def legal_actions(self, state, player):
        return ("right", "left") if state > 0 else ("right",)

    def is_terminal(self, state):
        return state == self.length

    def step(self, state, actions):
        after = state + (1 if actions[0] == "right" else -1)
        return [(Fraction(3, 4), after, [int(after == self.length)]), (Fraction(1, 4), state, [0])]


class Relisted:
    """A stochastic game told step by step again."""

    def __init__(self, game):
        self.game = game
        self.players = game.players

    def initial_states(self):
        return [(self.game.start[s], s) for s in np.flatnonzero(self.game.start)]

    def legal_actions(self, state, player):
        return np.flatnonzero(self.game.legal[player][state]).tolist()

    def is_terminal(self, state):
        return bool(self.game.terminal[state])

    def step(self, state, actions):
        game, cell = self.game, (state, *actions)
        paid = game.rewards[..., None] if game.successor_rewards is None else game.successor_rewards
        return [
            (chance, int(following), paid[(slice(None), *cell, k if paid.shape[-1] > 1 else 0)].tolist())
            for k, (chance, following) in enumerate(zip(game.probabilities[cell], game.successors[cell]))
            if chance > 0
        ]


@settings(max_examples=60, deadline=None)
@given(any_stochastic_game())
def test_telling_a_game_step_by_step_gives_the_game_back(game):
    again = tabulate(Relisted(game), discount=game.discount)
    order = [int(state) for state in again.states]
    assert sorted(order) == np.flatnonzero(game.reachable).tolist()
    values = np.random.default_rng(0).normal(size=(game.n_players, game.n_states))
    ours, theirs = again.action_values(values[:, order]), game.action_values(values)
    columns = [[int(a) for a in own] for own in again.actions]
    for number, state in enumerate(order):
        if game.terminal[state]:
            assert again.terminal[number]
            continue
        selected = np.ix_(range(game.n_players), *columns)
        played = game.played[state][np.ix_(*columns)]
        np.testing.assert_array_equal(again.played[number], played)
        np.testing.assert_allclose(
            ours[:, number][:, played], theirs[:, state][selected][:, played], rtol=1e-12, atol=1e-12
        )
    np.testing.assert_allclose(again.start, game.start[order])


def test_states_are_numbered_as_they_are_found_and_labelled_as_asked():
    game = tabulate(Walk(), discount=0.9, label=lambda state: f"at {state}")
    assert game.states == ("at 1", "at 2", "at 0", "at 3", "at 4", "at 5")
    assert game.start.tolist() == [1 / 3, 2 / 3, 0, 0, 0, 0]
    assert game.terminal.tolist() == [False] * 5 + [True]
    assert game.title == "Walk"
    assert game.actions == (("right", "left"),)


def test_actions_that_a_state_does_not_have_are_not_legal_there():
    game = tabulate(Walk(), discount=0.9)
    assert game.legal[0].tolist() == [[True, True]] * 2 + [[True, False]] + [[True, True]] * 3


def test_equal_outcomes_become_one():
    class Idle(Walk):
        def initial_states(self):
            return [(1, 1)]

        def legal_actions(self, state, player):
            return ("stay",)

        def step(self, state, actions):
            return [(Fraction(1, 2), state, [1]), (Fraction(1, 2), state, [1])]

    game = tabulate(Idle(), discount=0.5)
    assert game.successors.shape == (1, 1, 1)
    assert game.probabilities.tolist() == [[[1.0]]]


def test_the_same_state_with_other_rewards_stays_apart():
    class Lottery(Walk):
        def initial_states(self):
            return [(1, 0)]

        def legal_actions(self, state, player):
            return ("draw",)

        def step(self, state, actions):
            return [(0.5, state, [1]), (0.5, state, [-1])]

    game = tabulate(Lottery(), discount=0.5)
    assert game.rewards.tolist() == [[[0.0]]]
    assert game.successor_rewards.tolist() == [[[[1.0, -1.0]]]]


def test_a_game_without_end_stops_at_the_budget():
    with pytest.raises(BudgetExceeded, match="more than 100 states: raise max_states, or tabulate a smaller game") as e:
        tabulate(Walk(length=10**9), discount=0.9, max_states=100)
    assert (e.value.estimate, e.value.limit) == (101, 100)


def test_a_table_too_wide_is_refused_before_it_is_made():
    class Wide(Walk):
        def legal_actions(self, state, player):
            return range(state * 100, (state + 1) * 100)

        def step(self, state, actions):
            return [(1, state + 1, [0])]

    with pytest.raises(BudgetExceeded, match=r"the table would have [\d,]+ outcomes, more than 67,108,864"):
        tabulate(Wide(length=900), discount=0.9)


def changed(**methods):
    return type("Changed", (Walk,), {name: method for name, method in methods.items()})()


BAD_MODELS = [
    (changed(initial_states=lambda self: []), "initial_states.. is empty"),
    (changed(initial_states=lambda self: [(1, [3])]), r"the state \[3\] is not hashable .*: make states tuples"),
    (changed(initial_states=lambda self: [(0.5, 1)]), "start is .*: give probabilities that are not negative and sum"),
    (
        changed(legal_actions=lambda self, s, i: ()),
        r"player 0 has the legal actions \(\) in state 1: give at least one",
    ),
    (changed(legal_actions=lambda self, s, i: ("a", "a")), "give at least one, and each once"),
    (changed(step=lambda self, s, a: []), r"step\(1, \('right',\)\) returns \[\]: give at least one triple"),
    (changed(step=lambda self, s, a: [(1, s, [0, 0])]), r"returns \[\(1, 1, \[0, 0\]\)\]: .* rewards of 1 players"),
    (changed(step=lambda self, s, a: [(0.5, s, [0])]), r"state 0 and actions \(0,\) sum to 0.5: they must sum to 1"),
    (changed(step=lambda self, s, a: [(1, s, ["much"])]), r"the rewards of step\(\)\S* is 'much'"),
    (changed(step=lambda self, s, a: [(float("nan"), s, [0])]), r"the probabilities of step\(\)\S* is nan"),
]


@pytest.mark.parametrize(("model", "message"), BAD_MODELS, ids=range(len(BAD_MODELS)))
def test_models_that_do_not_fit_together_are_refused(model, message):
    with pytest.raises(GameError, match=message):
        tabulate(model, discount=0.9)


def test_the_budget_is_a_whole_number():
    with pytest.raises(GameError, match="max_states is 0: give a whole number from 1"):
        tabulate(Walk(), discount=0.9, max_states=0)


def test_a_game_that_begins_at_its_end_is_refused():
    with pytest.raises(GameError, match="every state is terminal"):
        tabulate(changed(initial_states=lambda self: [(1, 5)]), discount=0.9)


def test_what_is_no_model_is_refused():
    with pytest.raises(GameError, match="model is 3, which has no players: give a StepModel, with players, initial_st"):
        tabulate(3, discount=0.9)
