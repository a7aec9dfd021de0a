"""Learners that predict: each update against its definition, and values against the exact ones."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import marlgt as gt
from marlgt.concepts.stationary import stationary_values
from marlgt.errors import GameError, ProfileError
from marlgt.games import StochasticGame
from marlgt.kernels import compiled
from marlgt.learners import (
    FixedPolicy,
    TDLambda,
    TDPrediction,
    Transition,
    geometric,
    lambda_return_update,
    online_lambda_return_update,
    play_seeds,
    power,
)
from marlgt.learners.values.prediction import observe_traced
from marlgt.randomness import streams
from marlgt.testing import check_learner

STATES = 4


def random_walk(n_states=5, *, left=0.0, right=1.0):
    """The walk of Sutton and Barto (2018), example 6.2: a step left or right, and rewards at the two ends."""
    successors = np.zeros((n_states + 2, 1, 2), dtype=int)
    rewards = np.zeros((1, n_states + 2, 1, 2))
    for s in range(n_states):
        successors[s, 0] = s - 1 if s else n_states, s + 1 if s < n_states - 1 else n_states + 1
    rewards[0, 0, 0, 0], rewards[0, n_states - 1, 0, 1] = left, right
    start = np.zeros(n_states + 2)
    start[n_states // 2] = 1.0
    terminal = np.arange(n_states + 2) >= n_states
    chances = np.full(successors.shape, 0.5)
    return StochasticGame(rewards, successors, chances, discount=1.0, terminal=terminal, start=start)


def any_process(discount=0.8):
    """A game of one player and four states, all of which follow each other; only its shape matters to learners."""
    successors = np.broadcast_to(np.arange(STATES), (STATES, 2, STATES))
    rewards = np.zeros((1, STATES, 2))
    return StochasticGame(rewards, successors, np.full((STATES, 2, STATES), 1 / STATES), discount=discount)


@st.composite
def episodes(draw):
    """Episodes as states, rewards and the last state, None where the game was over."""
    several = []
    for _ in range(draw(st.integers(1, 3))):
        size = draw(st.integers(1, 7))
        states = draw(st.lists(st.integers(0, STATES - 1), min_size=size, max_size=size))
        rewards = draw(st.lists(st.floats(-5, 5), min_size=size, max_size=size))
        several.append((states, rewards, draw(st.none() | st.integers(0, STATES - 1))))
    return several


def watch(learner, states, rewards, last):
    """Let a learner observe an episode."""
    following = [*states[1:], 0 if last is None else last]
    for t, (s, r, then) in enumerate(zip(states, rewards, following)):
        end = t == len(states) - 1
        learner.observe(Transition(s, (0,), (r,), then, end and last is None, end and last is not None))


@given(episodes(), st.integers(1, 4), st.sampled_from([0.1, 1.0]))
def test_n_step_values_move_to_n_step_returns(several, n, rate):
    learner = TDPrediction(any_process(), n=n, learning_rate=rate)
    values = np.zeros(STATES)
    for states, rewards, last in several:
        watch(learner, states, rewards, last)
        for h in range(1, len(states) + 1):
            end = h == len(states)
            reached = (0.0 if last is None else values[last]) if end else values[states[h]]
            # At time h the state of n steps ago has its n rewards; at the end all that are left have what there is.
            for t in range(max(0, h - n), h if end else h - n + 1):
                target = sum(0.8**k * rewards[t + k] for k in range(h - t)) + 0.8 ** (h - t) * reached
                values[states[t]] += rate * (target - values[states[t]])
    np.testing.assert_allclose(learner.values, values, atol=1e-9)


@given(episodes(), st.sampled_from(["accumulating", "replacing"]), st.sampled_from([0.0, 0.5, 1.0]))
def test_traces_spread_each_error_over_all_states_seen(several, kind, decay):
    learner = TDLambda(any_process(), traces=kind, trace_decay=decay, learning_rate=0.5)
    values = np.zeros(STATES)
    for states, rewards, last in several:
        watch(learner, states, rewards, last)
        traces = np.zeros(STATES)
        for t, (s, r) in enumerate(zip(states, rewards)):
            end = t == len(states) - 1
            reached = (0.0 if last is None else values[last]) if end else values[states[t + 1]]
            traces *= 0.8 * decay
            traces[s] = traces[s] + 1.0 if kind == "accumulating" else 1.0
            values += 0.5 * (r + 0.8 * reached - values[s]) * traces
        assert not learner.table("traces").any()
        assert not learner.table("scalars").any()
    np.testing.assert_allclose(learner.values, values, atol=1e-9)


@given(episodes(), st.sampled_from([0.0, 0.5, 1.0]), st.sampled_from([0.3, 1.0, "per visit", "fading"]))
def test_dutch_traces_are_the_online_forward_view(several, decay, rate):
    # van Seijen and others (2016), theorem 1, with rates that change too.
    schedules = {"per visit": power(1.0, per_visit=True), "fading": geometric(0.8, 0.7)}
    learner = TDLambda(any_process(), traces="dutch", trace_decay=decay, learning_rate=schedules.get(rate, rate))
    values, visits, steps = np.zeros(STATES), np.zeros(STATES), 0
    for states, rewards, last in several:
        watch(learner, states, rewards, last)
        rates = []
        for s in states:
            rates.append({"per visit": 1.0 / (1.0 + visits[s]), "fading": 0.8 * 0.7**steps}.get(rate, rate))
            visits[s] += 1
            steps += 1
        values = online_lambda_return_update(
            values, states, rewards, last=last, learning_rate=rates, discount=0.8, trace_decay=decay
        )
    np.testing.assert_allclose(learner.values, values, atol=1e-8)


@given(episodes(), st.sampled_from([0.0, 0.5, 1.0]))
def test_offline_each_state_moves_to_its_lambda_returns(several, decay):
    learner = TDLambda(any_process(), offline=True, trace_decay=decay, learning_rate=0.3)
    values = np.zeros(STATES)
    for states, rewards, last in several:
        watch(learner, states, rewards, last)
        values = lambda_return_update(
            values, states, rewards, last=last, learning_rate=0.3, discount=0.8, trace_decay=decay
        )
    np.testing.assert_allclose(learner.values, values, atol=1e-9)


def test_the_compiled_update_gives_the_same_bits():
    rng = np.random.default_rng(0)
    for traces in ("accumulating", "replacing", "dutch"):
        learners = [TDLambda(any_process(), traces=traces, learning_rate=power(0.9, exponent=0.7)) for _ in range(2)]
        stream = streams([0])[0]
        for _ in range(300):
            s, own, then, ended = (int(rng.integers(k)) for k in (STATES, 2, STATES, 3))
            rest = s, own, np.array([own]), rng.normal(size=1), then, ended if rng.random() < 0.1 else 0, stream
            for learner, update in zip(learners, (observe_traced, compiled(observe_traced))):
                update(learner.memory, learner.form, learner.numbers, learner._legal, *rest)
        np.testing.assert_array_equal(learners[0].memory, learners[1].memory)


def test_td_0_learns_the_walk_of_five_states():
    # Sutton and Barto (2018), example 6.2: v(A), ..., v(E) are 1/6, ..., 5/6.
    game = random_walk()
    learner = TDPrediction(game, learning_rate=0.02, initial=0.5)
    run = play_seeds(game, [learner], steps=9000, seeds=range(5), record=1)
    values = np.array([own[0].values for own in run.learners])
    errors = np.sqrt(((values[:, :5] - np.arange(1, 6) / 6) ** 2).mean(axis=1))
    assert run.episodes.min() > 850
    assert errors.mean() + 3 * errors.std() / np.sqrt(5) < 0.05
    assert not values[:, 5:].any()


@pytest.mark.parametrize(
    "more",
    [
        {"n": 3},
        {"trace_decay": 0.8},
        {"trace_decay": 0.8, "traces": "replacing"},
        {"traces": "dutch"},
        {"offline": True},
    ],
    ids=["three steps", "accumulating", "replacing", "dutch", "offline"],
)
def test_every_kind_comes_near_the_walks_values(more):
    game = random_walk()
    kind = TDPrediction if "n" in more else TDLambda
    rate = power(0.5, exponent=0.8, scale=10, per_visit=True)
    run = play_seeds(game, [kind(game, learning_rate=rate, initial=0.5, **more)], steps=4000, seeds=range(8), record=1)
    values = np.array([own[0].values[:5] for own in run.learners])
    spread = values.std(axis=0, ddof=1) / np.sqrt(8)
    assert (np.abs(values.mean(axis=0) - np.arange(1, 6) / 6) < 4 * spread + 0.02).all()
    assert np.sqrt(((values - np.arange(1, 6) / 6) ** 2).mean()) < 0.08


def test_values_of_a_game_are_those_of_the_exact_evaluator():
    game = gt.games.random_stochastic_game(3, (2, 2), discount=0.6, seed=5)
    rng = np.random.default_rng(3)
    profile = [rng.dirichlet(np.ones(2), size=3) for _ in range(2)]
    exact = stationary_values(game, profile)
    rate = power(1.0, exponent=0.75, per_visit=True)
    pair = [
        TDPrediction(game, 0, policy=profile[0], learning_rate=rate),
        FixedPolicy(game, 1, policy=profile[1]),
    ]
    run = play_seeds(game, pair, steps=2000, seeds=range(12), record=1)
    values = np.array([own[0].values for own in run.learners])
    spread = values.std(axis=0, ddof=1) / np.sqrt(len(values))
    assert (np.abs(values.mean(axis=0) - exact[0]) < 4 * spread + 0.02 * np.abs(exact[0]).max()).all()


def test_the_policy_is_followed():
    game = any_process()
    policy = np.array([[1.0, 0.0], [0.0, 1.0], [0.5, 0.5], [0.25, 0.75]])
    for kind in (TDPrediction, TDLambda):
        run = play_seeds(game, [kind(game, policy=policy)], steps=4000, seeds=[0], record=1)
        shares = run.plays[0] / run.plays[0].sum(axis=1, keepdims=True)
        np.testing.assert_allclose(shares, policy, atol=0.05)
        np.testing.assert_array_equal(run.learners[0][0].policy(), policy)


@settings(max_examples=20)
@given(st.lists(st.tuples(st.integers(0, 3), st.sampled_from([0, 0, 0, 1, 2])), min_size=1, max_size=30))
def test_states_with_a_trace_are_listed_once(steps):
    learner = TDLambda(any_process(), trace_decay=0.3, traces="accumulating")
    for state, ended in steps:
        learner.observe(Transition(state, (0,), (1.0,), 0, ended == 1, ended == 2))
        listed = learner.table("active")[: int(learner.table("scalars")[0])].tolist()
        assert sorted(listed) == np.flatnonzero(learner.table("traces")).tolist()


@pytest.mark.parametrize("kind", [TDPrediction, TDLambda])
def test_the_protocol_is_kept(kind):
    assert check_learner(kind, max_examples=4).passed


@pytest.mark.parametrize(
    ("make", "error", "message"),
    [
        (lambda g: TDPrediction(g, n=0), GameError, "n is 0: give a whole number from 1"),
        (lambda g: TDPrediction(g, learning_rate=1.5), GameError, "learning_rate runs from 1.5"),
        (lambda g: TDPrediction(g, policy=[0.5, 0.6]), ProfileError, "give a distribution over the legal actions"),
        (lambda g: TDPrediction(g, 1), GameError, "player is 1: the game has players 0 to 0"),
        (lambda g: TDLambda(g, traces="fading"), GameError, "traces is 'fading': give one of accumulating"),
        (lambda g: TDLambda(g, trace_decay=1.2), GameError, "trace_decay is 1.2: give a number from 0 to 1"),
        (lambda g: TDLambda(g, traces="dutch", offline=True), GameError, "dutch traces are made for updates at every"),
        (lambda g: TDLambda(g, offline="yes"), GameError, "offline is 'yes': give True or False"),
    ],
    ids=range(8),
)
def test_bad_input_is_told_the_rule(make, error, message):
    with pytest.raises(error, match=message):
        make(any_process())
