"""The suite for learners passes those of marlgt and catches each planted bug."""

from __future__ import annotations

from typing import ClassVar

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from marlgt import learners
from marlgt.errors import GameError, UnsupportedGame
from marlgt.games import StochasticGame, prisoners_dilemma
from marlgt.learners import QLearning, Schedule, TableLearner, Transition, UniformPolicy
from marlgt.learners.schedules import as_schedule
from marlgt.testing import (
    any_stochastic_game,
    check_learner,
    ending_stochastic_games,
    schedules,
    stochastic_games,
    transitions,
    zero_sum_stochastic_games,
)

# Made for one game of its own, or for all players at once.
MAKERS = {
    "FixedPolicy": lambda game, player: learners.FixedPolicy(game, player, policy=UniformPolicy(game, player).policy()),
    "CentralQ": lambda game, player: learners.CentralQ(game),
}


def exported():
    """Return the names of the table learners that marlgt exports."""
    names = []
    for name in learners.__all__:
        value = getattr(learners, name)
        if isinstance(value, type) and issubclass(value, TableLearner) and value is not TableLearner:
            names.append(name)
    return names


SIZES = {"n_states": range(2, 4), "n_actions": range(2, 4)}
ZERO_SUM = zero_sum_stochastic_games(**SIZES)
ANY = st.one_of(stochastic_games(**SIZES), ZERO_SUM, ending_stochastic_games(**SIZES, discount=0.9))
ONE_STATE = stochastic_games(n_states=1, n_actions=range(2, 4))
SPECIAL = {"FMQ": ONE_STATE, "FictitiousPlayer": ONE_STATE, "MinimaxQ": ZERO_SUM}
ONE_ROUND = StochasticGame.repeated(prisoners_dilemma(), discount=0.5)
"""Planted bugs are looked for in games that were found before, since to shrink takes long."""


@pytest.mark.parametrize("name", exported())
def test_every_table_learner_keeps_the_protocol(name):
    make = MAKERS.get(name, getattr(learners, name))
    report = check_learner(make, games=SPECIAL.get(name, ANY), max_examples=2)
    report.assert_passed()
    assert sum(result.games > 0 for result in report.results) >= 10


class Blind:
    """A learner of no kind that marlgt knows, which plays its first legal action."""

    def __init__(self, game, player):
        self.rows = np.array(game.legal[player], dtype=float)
        self.rows[game.terminal] = 1.0
        self.first = self.rows.argmax(axis=1)

    def act(self, observation, rng):
        return int(self.first[observation])

    def observe(self, transition):
        pass

    def policy(self):
        return np.eye(self.rows.shape[1])[self.first]


class Illegal(Blind):
    def act(self, observation, rng):
        return int(rng.integers(len(self.rows[observation])))


class Unnormalised(Blind):
    def policy(self):
        return self.rows


class NotNumbers(Blind):
    def policy(self):
        return np.full(self.rows.shape, np.nan)


class Sharing(Blind):
    """A learner whose copies share what they learn."""

    seen: ClassVar[list] = []

    def observe(self, transition):
        self.seen.append(transition)

    def policy(self):
        share = 1.0 / (1.0 + len(self.seen))
        return share * super().policy() + (1.0 - share) * self.rows / self.rows.sum(axis=1, keepdims=True)


class FromTheClock(Blind):
    """A learner that learns from something that no seed determines."""

    made = 0

    def __init__(self, game, player):
        super().__init__(game, player)
        type(self).made += 1
        self.turn = type(self).made % 2

    def policy(self):
        rows = self.rows / self.rows.sum(axis=1, keepdims=True)
        return rows if self.turn else super().policy()


class Mute:
    def __init__(self, game, player):
        pass


class IgnoresEnds(QLearning):
    """Q-learning that takes every end for a cut."""

    def observe(self, transition):
        super().observe(transition._replace(terminated=False, truncated=transition.terminated or transition.truncated))


class AnyRate(QLearning):
    def __init__(self, game, player=0, *, learning_rate=0.1):
        usable = learning_rate if isinstance(learning_rate, float) and 0 <= learning_rate <= 1 else 0.1
        super().__init__(game, player, learning_rate=usable)
        self.settings = {"learning_rate": usable}


class CountsTwice(QLearning):
    def observe(self, transition):
        super().observe(transition)
        self.memory[0] += 1


@pytest.mark.parametrize(
    ("broken", "property_name"),
    [
        (Illegal, "legal actions"),
        (Unnormalised, "policies"),
        (NotNumbers, "policies"),
        (Sharing, "copies"),
        (FromTheClock, "same seed"),
        (Mute, "protocol"),
        (IgnoresEnds, "ends"),
        (AnyRate, "rates"),
        (CountsTwice, "memory"),
    ],
    ids=lambda value: getattr(value, "__name__", value),
)
def test_each_planted_bug_is_caught(broken, property_name):
    report = check_learner(broken, games=st.sampled_from([ONE_ROUND, sometimes_illegal()]), max_examples=2)
    assert property_name in {result.name for result in report.failures}
    assert not report.passed


def sometimes_illegal():
    """Return a game of two states and an end, in which one action is not legal everywhere."""
    rewards = np.zeros((2, 3, 2, 2))
    rewards[0, 0], rewards[1, 1] = [[1, 0], [0, 2]], [[0, 3], [1, 0]]
    successors = np.zeros((3, 2, 2, 1), dtype=int)
    successors[0, 0], successors[0, 1], successors[1], successors[2] = 1, 2, 0, 2
    legal = [np.array([[True, True], [False, True], [True, True]]), np.ones((3, 2), dtype=bool)]
    rewards[:, 1, 0] = 0.0
    return StochasticGame(
        rewards, successors, np.ones((3, 2, 2, 1)), discount=0.9, start=[1, 0, 0], terminal=[0, 0, 1], legal=legal
    )


def test_a_learner_that_marlgt_does_not_know_passes():
    check_learner(Blind, games=ANY, max_examples=4).assert_passed()


def test_what_a_learner_refuses_is_passed_over_and_refusing_everything_is_no_pass():
    def refuses(game, player):
        raise UnsupportedGame("no game is good enough")

    report = check_learner(refuses, max_examples=3)
    assert not report.failures
    assert not report.passed


@given(st.data(), any_stochastic_game())
@settings(max_examples=60)
def test_drawn_transitions_are_legal_and_end_in_terminal_states(data, game):
    if game.terminal.all():
        with pytest.raises(GameError, match="not terminal"):
            transitions(game)
        return
    step = data.draw(transitions(game))
    assert isinstance(step, Transition)
    assert not game.terminal[step.observation]
    assert all(own[step.observation, a] for own, a in zip(game.legal, step.actions))
    assert step.terminated == game.terminal[step.next_observation]
    assert not (step.terminated and step.truncated)
    cell = (step.observation, *step.actions)
    places = np.flatnonzero(game.successors[cell] == step.next_observation)
    assert game.probabilities[cell][places].sum() > 0
    if game.successor_rewards is None:
        assert step.rewards == tuple(own[cell] for own in game.rewards)


@given(transitions(prisoners_dilemma()))
def test_transitions_of_a_matrix_are_its_payoffs(step):
    assert step.rewards == tuple(prisoners_dilemma().payoffs[(slice(None), *step.actions)])


@given(schedules())
def test_drawn_schedules_are_learning_rates(rate):
    schedule = as_schedule(rate, "rate")
    assert isinstance(schedule, Schedule)
    for t in (0, 1, 10, 10**6):
        assert 0.0 <= schedule(t) <= 1.0


@pytest.mark.parametrize(("options", "match"), [({"make": 3}, "function"), ({"max_examples": 0}, "at least 1")])
def test_bad_arguments_are_refused(options, match):
    with pytest.raises(GameError, match=match):
        check_learner(**{"make": QLearning, **options})
