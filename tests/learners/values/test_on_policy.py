"""Sarsa in its forms: the action that is judged is the action that is played, and what that changes."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import marlgt as gt
from marlgt.concepts.stationary import best_stationary
from marlgt.errors import GameError
from marlgt.games import StochasticGame
from marlgt.kernels import compiled
from marlgt.learners import (
    ExpectedSarsa,
    QLearning,
    Sarsa,
    SarsaLambda,
    Transition,
    count_bonus,
    epsilon_greedy,
    geometric,
    play_seeds,
    power,
    softmax,
)
from marlgt.learners.exploration import draw_from_values
from marlgt.learners.layout import COUNTS, EXPLORATION, PENDING
from marlgt.learners.values.expected import expected_value
from marlgt.randomness import streams
from marlgt.testing import check_learner

STATES, ACTIONS = 3, 3


def any_process(legal=None):
    """A game of one player, three states and three actions; only its shape and what is legal matter to learners."""
    shape = (STATES, ACTIONS, STATES)
    successors = np.broadcast_to(np.arange(STATES), shape)
    return StochasticGame(
        np.zeros((1, STATES, ACTIONS)), successors, np.full(shape, 1 / STATES), discount=0.8, legal=legal
    )


def small_process():
    """Three states, two actions, random rewards and transitions, and the best values of both actions in each."""
    game = gt.games.random_stochastic_game(3, (2,), discount=0.5, seed=11)
    values, _ = best_stationary(game, game.uniform_profile(), 0)
    return game, game.action_values(values[None])[0]


def cliff():
    """The cliff of Sutton and Barto (2018), example 6.6: 4 x 12 cells, and a fall of -100 back to the start."""
    rows, columns = 4, 12
    size = rows * columns
    successors = np.zeros((size, 4, 1), dtype=int)
    rewards = np.full((1, size, 4), -1.0)
    for s in range(size):
        for a, (down, right) in enumerate([(-1, 0), (1, 0), (0, -1), (0, 1)]):
            row = min(max(s // columns + down, 0), rows - 1)
            column = min(max(s % columns + right, 0), columns - 1)
            fallen = row == rows - 1 and 0 < column < columns - 1
            successors[s, a] = 36 if fallen else row * columns + column
            rewards[0, s, a] = -100.0 if fallen else -1.0
    place = np.arange(size)
    return StochasticGame(
        rewards, successors, np.ones(successors.shape), discount=1.0, terminal=place == 47, start=place == 36
    )


@st.composite
def steps(draw):
    """Steps of one player as state, action, reward, next state and how the episode was left."""
    size = draw(st.integers(1, 12))
    whole = st.integers(0, STATES - 1)
    states = draw(st.lists(whole, min_size=size + 1, max_size=size + 1))
    actions = draw(st.lists(whole, min_size=size, max_size=size))
    rewards = draw(st.lists(st.floats(-5, 5), min_size=size, max_size=size))
    ends = draw(st.lists(st.sampled_from([0, 0, 0, 1, 2]), min_size=size, max_size=size))
    return list(zip(states, actions, rewards, states[1:], ends))


def told(learner, state, action, reward, following, ended):
    learner.observe(Transition(state, (action,), (reward,), following, ended == 1, ended == 2))


def worths_ahead(learner, values, following, ended):
    """What the target may bootstrap from: the value of the action chosen, or any where that was not kept."""
    if ended == 1:
        return [0.0]
    pending = int(learner.memory[PENDING])
    if ended == 2:
        assert pending == -1
        return list(values[following])
    assert pending // ACTIONS == following
    return [values[following, pending % ACTIONS]]


@given(steps())
def test_sarsa_moves_to_the_value_of_the_action_that_it_plays_next(given_steps):
    learner = Sarsa(any_process(), learning_rate=0.5, exploration=0.7)
    rng = np.random.default_rng(0)
    for state, action, reward, following, ended in given_steps:
        before = learner.values.copy()
        told(learner, state, action, reward, following, ended)
        moved = [
            before[state, action] + 0.5 * (reward + 0.8 * ahead - before[state, action])
            for ahead in worths_ahead(learner, before, following, ended)
        ]
        assert np.isclose(learner.values[state, action], moved, atol=1e-12).any()
        before[state, action] = learner.values[state, action]
        np.testing.assert_array_equal(learner.values, before)
        if ended == 0:
            assert learner.act(following, rng) == learner.memory[PENDING] % ACTIONS


@given(steps(), st.integers(1, 3), st.sampled_from(["accumulating", "replacing"]))
def test_windows_and_traces_follow_their_definitions(given_steps, n, kind):
    window = Sarsa(any_process(), n=n, learning_rate=0.5, exploration=0.7)
    traced = SarsaLambda(any_process(), trace_decay=0.6, traces=kind, learning_rate=0.5, exploration=0.7)
    recent, traces = [], np.zeros((STATES, ACTIONS))
    for state, action, reward, following, ended in given_steps:
        # Where an episode is cut, the action ahead is not kept: there both have only one value to bootstrap from.
        for learner in (window, traced):
            if ended == 2:
                learner.table("values")[following] = 0.25
        old, q = window.values.copy(), traced.values.copy()
        told(window, state, action, reward, following, ended)
        told(traced, state, action, reward, following, ended)
        recent.append((state, action, reward))
        ahead = worths_ahead(window, old, following, ended)[0]
        while len(recent) == n or (ended and recent):
            target = sum(0.8**k * r for k, (_, _, r) in enumerate(recent)) + 0.8 ** len(recent) * ahead
            s, a, _ = recent.pop(0)
            old[s, a] += 0.5 * (target - old[s, a])
        np.testing.assert_allclose(window.values, old, atol=1e-9)

        ahead = worths_ahead(traced, q, following, ended)[0]
        traces *= 0.8 * 0.6
        traces[state, action] = 1.0 + (traces[state, action] if kind == "accumulating" else 0.0)
        q += 0.5 * (reward + 0.8 * ahead - q[state, action]) * traces
        np.testing.assert_allclose(traced.values, q, atol=1e-9)
        if ended:
            traces[:] = 0.0


def test_dutch_traces_without_decay_are_sarsa():
    game, _ = small_process()
    settings = {"learning_rate": 0.3, "exploration": 0.3}
    learners = [Sarsa(game, **settings), SarsaLambda(game, trace_decay=0.0, traces="dutch", **settings)]
    runs = [play_seeds(game, [x], steps=400, seeds=[0], horizon=7, record=1) for x in learners]
    # The same numbers are drawn for the same purposes.
    np.testing.assert_allclose(*[run.learners[0][0].values for run in runs], atol=1e-9)


RULES = [
    epsilon_greedy(0.3),
    epsilon_greedy(0.3, ties="lowest"),
    softmax(0.7),
    softmax(geometric(0.5, 0.5)),
    count_bonus(1.0),
    count_bonus(1.0, ties="lowest"),
]


@pytest.mark.parametrize("rule", RULES, ids=["greedy", "lowest", "softmax", "cold", "bonus", "bonus lowest"])
@pytest.mark.parametrize("visits", [[3, 4, 5], [3, 0, 0], [0, 0, 7]])
def test_the_expected_value_is_the_mean_over_the_actions_drawn(rule, visits):
    rng = np.random.default_rng(0)
    legal = [np.array([[True, True, True], [True, False, True], [False, True, True]])]
    learner = ExpectedSarsa(any_process(legal), exploration=rule)
    stream = streams([1])[0]
    for values in ([1.0, 2.0, 2.0], [0.0, 0.0, 0.0], rng.normal(size=3)):
        numbers = np.array([*values, *visits], dtype=float)
        for state in range(STATES):
            rest = learner.form, learner._legal, 0, state, 40.0
            mean = expected_value(learner.numbers, EXPLORATION, numbers, 0, 3, *rest)
            drawn = [
                numbers[draw_from_values(learner.numbers, EXPLORATION, numbers, 0, 3, *rest, stream)]
                for _ in range(300)
            ]
            spread = np.std(drawn) / np.sqrt(300)
            assert abs(np.mean(drawn) - mean) < 4.5 * spread + 1e-9
    assert learner.form[COUNTS] == 3


@given(steps(), st.sampled_from([0.2, 1.0]))
def test_expected_sarsa_moves_to_the_mean_of_its_policy(given_steps, epsilon):
    learner = ExpectedSarsa(any_process(), learning_rate=0.5, exploration=epsilon)
    values = np.zeros((STATES, ACTIONS))
    for state, action, reward, following, ended in given_steps:
        told(learner, state, action, reward, following, ended)
        own = gt.learners.epsilon_greedy_probabilities(values[following], epsilon)
        ahead = 0.0 if ended == 1 else own @ values[following]
        values[state, action] += 0.5 * (reward + 0.8 * ahead - values[state, action])
    np.testing.assert_allclose(learner.values, values, atol=1e-9)


def test_on_the_cliff_sarsa_goes_around_and_q_learning_along_the_edge():
    # Sutton and Barto (2018), example 6.6: near -25 an episode for Sarsa and -50 for Q-learning, epsilon 0.1.
    game = cliff()
    settings = {"learning_rate": 0.5, "exploration": 0.1}
    earned, edge = {}, {}
    for kind in (Sarsa, QLearning):
        run = play_seeds(game, [kind(game, **settings)], steps=8300, seeds=range(6), horizon=500, record=[4000, 8300])
        earned[kind] = run.returns[:, 1, 0]
        # The share of all steps that are made along the edge, in the third row.
        moves = run.plays.sum(axis=2)
        edge[kind] = moves[:, 25:35].sum(axis=1) / moves[:, 1:47].sum(axis=1)
    # Now and then an episode is lost in a corner for long: medians over seeds.
    assert -35 < np.median(earned[Sarsa]) < -18
    assert -65 < np.median(earned[QLearning]) < -38
    assert edge[QLearning].mean() > 2 * edge[Sarsa].mean()
    for own in run.learners:
        # The greedy path of Q-learning is the shortest one: up, eleven steps along the edge, and down.
        state, length = 36, 0
        while state != 47 and length < 100:
            state = int(game.successors[state, int(own[0].values[state].argmax()), 0])
            length += 1
        assert length == 13


@pytest.mark.parametrize(
    "make",
    [
        lambda g, **s: Sarsa(g, **s),
        lambda g, **s: Sarsa(g, n=2, **s),
        lambda g, **s: ExpectedSarsa(g, **s),
        lambda g, **s: SarsaLambda(g, trace_decay=0.5, **s),
        lambda g, **s: QLearning(g, **s),
    ],
    ids=["sarsa", "two steps", "expected", "lambda", "q"],
)
def test_values_come_near_the_best_ones_as_exploration_fades(make):
    # Singh and others (2000): on-policy values converge to the optimal ones if exploration fades and never ends.
    game, best = small_process()
    learner = make(
        game,
        learning_rate=power(1.0, exponent=0.7, per_visit=True),
        exploration=epsilon_greedy(power(1.0, exponent=0.5, scale=50)),
    )
    run = play_seeds(game, [learner], steps=4000, seeds=range(8), record=1)
    values = np.array([own[0].values for own in run.learners])
    scale = np.ptp(game.rewards) / (1 - game.discount)
    errors = np.abs(values - best).max(axis=(1, 2)) / scale
    assert errors.mean() < 0.06
    policies = np.array([own[0].policy() for own in run.learners])
    assert (policies.argmax(axis=2) == best.argmax(axis=1)).mean() > 0.95


def test_actions_that_are_not_legal_are_neither_played_nor_judged():
    legal = [np.array([[True, True, False], [True, False, False], [False, True, True]])]
    game = any_process(legal)
    for kind in (Sarsa, SarsaLambda, ExpectedSarsa):
        learner = kind(game, initial=-1.0, exploration=0.9)
        learner.table("values")[~legal[0]] = 1e6
        run = play_seeds(game, [learner], steps=500, seeds=[3], horizon=20, record=1)
        own = run.learners[0][0]
        assert not run.plays[0][~legal[0]].any()
        assert own.values[legal[0]].max() <= 0.0
        assert not own.policy()[~legal[0]].any()


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda g: Sarsa(g, n=0), "n is 0: give a whole number from 1"),
        (lambda g: Sarsa(g, exploration=0.0), "epsilon is never above 0"),
        (lambda g: SarsaLambda(g, trace_decay=2), "trace_decay is 2: give a number from 0 to 1"),
        (lambda g: SarsaLambda(g, traces=None), "traces is None: give one of accumulating, replacing, dutch"),
        (lambda g: ExpectedSarsa(g, learning_rate=-0.1), "learning_rate runs from -0.1"),
        (lambda g: ExpectedSarsa(g, player="nobody"), "player is 'nobody': the players are"),
    ],
    ids=range(6),
)
def test_bad_input_is_told_the_rule(make, message):
    with pytest.raises(GameError, match=message):
        make(any_process())


@pytest.mark.parametrize("kind", [Sarsa, SarsaLambda, ExpectedSarsa])
def test_the_compiled_update_gives_the_same_bits(kind):
    rng = np.random.default_rng(0)
    game = any_process()
    learners = [kind(game, learning_rate=power(0.9, exponent=0.7, per_visit=True), exploration=0.5) for _ in range(2)]
    pairs = list(zip(learners, (kind.observe_kernel, compiled(kind.observe_kernel)), streams([7, 7])))
    for _ in range(200):
        state, own, following = (int(x) for x in rng.integers(3, size=3))
        ended = int(rng.integers(3)) if rng.random() < 0.1 else 0
        reward = rng.normal(size=1)
        for learner, update, stream in pairs:
            knowledge = learner.memory, learner.form, learner.numbers, learner._legal
            update(*knowledge, state, own, np.array([own]), reward, following, ended, stream)
    np.testing.assert_array_equal(learners[0].memory, learners[1].memory)
    np.testing.assert_array_equal(pairs[0][2], pairs[1][2])


@pytest.mark.parametrize("kind", [Sarsa, SarsaLambda, ExpectedSarsa])
def test_the_protocol_is_kept(kind):
    assert check_learner(kind, max_examples=4).passed
