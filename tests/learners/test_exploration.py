"""Exploration: the actions drawn have the probabilities that the rule states, and are legal."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from marlgt.errors import GameError
from marlgt.games import StochasticGame
from marlgt.kernels import compiled
from marlgt.learners import (
    FixedPolicy,
    QLearning,
    count_bonus,
    epsilon_greedy,
    epsilon_greedy_probabilities,
    linear,
    softmax,
)
from marlgt.learners.exploration import (
    as_exploration,
    draw_from_policy,
    draw_from_values,
    draw_uniformly,
    greedy_action,
    largest_value,
)
from marlgt.learners.layout import EXPLORATION
from marlgt.randomness import streams

DRAWS = 4000
LEGAL = np.array([[True] * 4, [False, True, True, False], [False, False, False, True]])


def one_player(legal=LEGAL):
    states, actions = legal.shape
    return StochasticGame(
        np.zeros((1, states, actions)),
        np.zeros((states, actions, 1), int),
        np.ones((states, actions, 1)),
        discount=0.5,
        legal=[legal],
    )


def stated(rule, values, visits, legal, t):
    """The probabilities that a rule states, from its definition."""
    level, count = rule.schedule(t), int(legal.sum())
    q = np.where(legal, values, -np.inf)
    if rule.rule == "softmax":
        weights = np.exp((q - q.max()) / level)
        return weights / weights.sum()
    if rule.rule == "count_bonus":
        bonus = [math.inf if n == 0 else level * math.sqrt(math.log(sum(visits)) / n) for n in visits]
        q = np.where(legal, values + np.array(bonus), -np.inf)
    best = q == q.max()
    if rule.ties == "lowest":
        best = np.arange(len(q)) == best.argmax()
    share = level if rule.rule == "epsilon_greedy" else 0.0
    return share * legal / count + (1 - share) * best / best.sum()


RULES = {
    "greedy": epsilon_greedy(0.4),
    "greedy lowest": epsilon_greedy(0.4, ties="lowest"),
    "fading": epsilon_greedy(linear(1.0, 0.0, steps=40)),
    "softmax": softmax(0.8),
    "bonus": count_bonus(0.7),
    "bonus lowest": count_bonus(0.7, ties="lowest"),
}


@pytest.mark.parametrize("name", RULES)
def test_actions_are_drawn_with_the_stated_probabilities(name):
    rule = RULES[name]
    learner = QLearning(one_player(), exploration=rule)
    stream = streams([5])[0]
    draw = compiled(draw_from_values)
    cases = [
        ([1.0, 2.0, 2.0, 0.5], [4, 3, 3, 2]),
        ([0.0, 0.0, 0.0, 0.0], [1, 1, 1, 1]),
        ([9.0, -1.0, 0.0, 3.0], [5, 0, 0, 7]),
    ]
    for values, visits in cases:
        table = np.array([*values, *visits], dtype=float)
        for state, legal in enumerate(LEGAL):
            rest = learner.form, learner._legal, 0, state, 30.0, stream
            counts = np.bincount(
                [draw(learner.numbers, EXPLORATION, table, 0, 4, *rest) for _ in range(DRAWS)], minlength=4
            )
            p = stated(rule, np.array(values), visits, legal, 30)
            # Five standard deviations, and exactly where nothing is left to chance.
            assert (np.abs(counts - DRAWS * p) <= 5 * np.sqrt(DRAWS * p * (1 - p)) + 1e-9).all(), (values, state)


@settings(max_examples=50)
@given(
    st.lists(st.integers(-2, 2), min_size=4, max_size=4),
    st.lists(st.integers(0, 3), min_size=4, max_size=4),
    st.sampled_from(sorted(RULES)),
    st.integers(0, 2),
    st.integers(0, 1000),
)
def test_both_gears_draw_the_same_action_and_leave_the_same_stream(values, visits, name, state, seed):
    learner = QLearning(one_player(), exploration=RULES[name])
    table = np.array([*values, *visits], dtype=float)
    ends = []
    for draw in (draw_from_values, compiled(draw_from_values)):
        stream = streams([seed])[0]
        rest = learner.form, learner._legal, 0, state, 10.0, stream
        ends.append(([int(draw(learner.numbers, EXPLORATION, table, 0, 4, *rest)) for _ in range(5)], stream.tolist()))
    assert ends[0] == ends[1]
    assert all(LEGAL[state, a] for a in ends[0][0])


@given(st.lists(st.integers(-3, 3), min_size=4, max_size=4), st.integers(0, 2))
def test_the_largest_value_and_the_lowest_greedy_action_are_over_legal_actions(values, state):
    learner = QLearning(one_player())
    table = np.array(values, dtype=float)
    masked = np.where(LEGAL[state], table, -np.inf)
    stream = streams([0])[0]
    assert largest_value(table, 0, learner.form, learner._legal, 0, state) == masked.max()
    assert greedy_action(table, 0, learner.form, learner._legal, 0, state, True, stream) == masked.argmax()
    np.testing.assert_array_equal(stream, streams([0])[0])
    drawn = {greedy_action(table, 0, learner.form, learner._legal, 0, state, False, stream) for _ in range(60)}
    assert drawn == set(np.flatnonzero(masked == masked.max()).tolist())


def test_a_uniform_action_is_any_legal_one():
    learner = QLearning(one_player())
    stream = streams([2])[0]
    for state, legal in enumerate(LEGAL):
        drawn = [draw_uniformly(learner.form, learner._legal, 0, state, stream) for _ in range(1000)]
        counts = np.bincount(drawn, minlength=4)
        share = 1000 * legal / legal.sum()
        assert (np.abs(counts - share) <= 5 * np.sqrt(share)).all()


def test_a_policy_is_drawn_from_as_it_is_or_explored():
    policy = np.array([0.5, 0.0, 0.2, 0.3])
    player = FixedPolicy(one_player(np.ones((1, 4), dtype=bool)), policy=policy)
    stream = streams([4])[0]
    for epsilon in (0.0, 0.4):
        numbers = epsilon_greedy(epsilon).row()
        drawn = [
            draw_from_policy(numbers, 0, policy, 0, player.form, player._legal, 0, 0, 0.0, stream) for _ in range(DRAWS)
        ]
        p = epsilon / 4 + (1 - epsilon) * policy
        counts = np.bincount(drawn, minlength=4)
        assert (np.abs(counts - DRAWS * p) <= 5 * np.sqrt(DRAWS * p * (1 - p)) + 1e-9).all()


def test_softmax_of_large_values_does_not_overflow():
    learner = QLearning(one_player(np.ones((1, 2), dtype=bool)), exploration=softmax(1e-3))
    table = np.array([1e6, 1e6 + 1.0, 0.0, 0.0])
    stream = streams([0])[0]
    rest = learner.form, learner._legal, 0, 0, 0.0, stream
    assert {draw_from_values(learner.numbers, EXPLORATION, table, 0, 2, *rest) for _ in range(50)} == {1}


@given(st.lists(st.integers(-3, 3), min_size=1, max_size=5), st.floats(0, 1))
def test_epsilon_greedy_probabilities_are_a_distribution(values, epsilon):
    p = epsilon_greedy_probabilities(values, epsilon)
    best = np.array(values) == max(values)
    assert p.sum() == pytest.approx(1.0)
    np.testing.assert_allclose(p[~best], epsilon / len(values))
    np.testing.assert_allclose(p[best], epsilon / len(values) + (1 - epsilon) / best.sum())


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: as_exploration(0.0), "epsilon is never above 0, so that the learner never explores"),
        (lambda: as_exploration(linear(0, 0, steps=4)), "epsilon is never above 0"),
        (lambda: as_exploration(1.2), "epsilon runs from 1.2"),
        (lambda: as_exploration("often"), "epsilon is 'often': give a number, or a schedule"),
        (lambda: softmax(0.0), "temperature runs from 0 to 0: every value must be above 0"),
        (lambda: count_bonus(-1.0), "weight runs from -1 to -1"),
        (lambda: epsilon_greedy(0.1, ties="first"), "ties is 'first': give 'random' or 'lowest'"),
        (lambda: epsilon_greedy_probabilities([], 0.1), "give finite numbers, one for each action"),
        (lambda: epsilon_greedy_probabilities([1, math.inf], 0.1), "give finite numbers, one for each action"),
    ],
    ids=range(9),
)
def test_bad_input_is_told_the_rule(make, message):
    with pytest.raises(GameError, match=message):
        make()
