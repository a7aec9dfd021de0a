"""TD on recorded trajectories: the forward and the backward view agree, and how lambda trades bias for variance."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from marlgt.errors import GameError
from marlgt.learners import lambda_return_update, offline_td_lambda, online_lambda_return_update, td0_update

SHARES = st.sampled_from([0.0, 0.2, 0.7, 1.0])
STATES = 4


@st.composite
def trajectories(draw):
    size = draw(st.integers(1, 8))
    states = draw(st.lists(st.integers(0, STATES - 1), min_size=size, max_size=size))
    rewards = draw(st.lists(st.floats(-5, 5), min_size=size, max_size=size))
    last = draw(st.none() | st.integers(0, STATES - 1))
    values = draw(st.lists(st.floats(-5, 5), min_size=STATES, max_size=STATES))
    return values, states, rewards, last


@given(trajectories(), SHARES, SHARES, SHARES)
def test_offline_the_forward_and_the_backward_view_are_the_same(trajectory, rate, discount, decay):
    # Sutton (1988); Sutton and Barto (1998), section 7.4.
    values, states, rewards, last = trajectory
    settings = {"last": last, "learning_rate": rate, "discount": discount, "trace_decay": decay}
    forward = lambda_return_update(values, states, rewards, **settings)
    backward = offline_td_lambda(values, states, rewards, **settings)
    np.testing.assert_allclose(forward, backward, atol=1e-9)


@given(trajectories(), SHARES, SHARES)
def test_online_without_decay_is_td_step_by_step(trajectory, rate, discount):
    values, states, rewards, last = trajectory
    online = online_lambda_return_update(
        values, states, rewards, last=last, learning_rate=rate, discount=discount, trace_decay=0.0
    )
    stepped = np.array(values)
    for state, reward, following in zip(states, rewards, [*states[1:], last]):
        stepped = td0_update(stepped, state, reward, following, learning_rate=rate, discount=discount)
    np.testing.assert_allclose(online, stepped, atol=1e-9)


@given(trajectories(), SHARES)
def test_views_agree_where_no_state_is_seen_again(trajectory, rate):
    values, _, rewards, _ = trajectory
    states = list(range(STATES))[: len(rewards)]
    rewards = rewards[: len(states)]
    settings = {"learning_rate": rate, "discount": 0.9, "trace_decay": 1.0}
    # With lambda 1 and an end, targets are Monte Carlo returns, online or not.
    online = online_lambda_return_update(values, states, rewards, **settings)
    np.testing.assert_allclose(online, lambda_return_update(values, states, rewards, **settings), atol=1e-9)


def walks(n_states, episodes, rng):
    """Episodes of the random walk that pays -1 at the left end and 1 at the right one, as states and rewards."""
    for _ in range(episodes):
        state, seen = n_states // 2, []
        while 0 <= state < n_states:
            seen.append(state)
            state += 1 if rng.random() < 0.5 else -1
        yield np.array(seen), np.array([0.0] * (len(seen) - 1) + [1.0 if state == n_states else -1.0])


def test_in_between_lambdas_are_best_on_the_walk_of_19_states():
    # Sutton and Barto (2018), figure 12.3: over the first ten episodes, each lambda with its best learning rate.
    truth = np.arange(-18, 20, 2) / 20.0
    rates = {0.0: (0.15, 0.2, 0.25), 0.8: (0.1, 0.13), 1.0: (0.006, 0.01, 0.02)}
    errors = {decay: np.zeros((6, len(tried))) for decay, tried in rates.items()}
    for seed in range(6):
        episodes = list(walks(19, 10, np.random.default_rng(seed)))
        for decay, tried in rates.items():
            for k, rate in enumerate(tried):
                values = np.zeros(19)
                for states, rewards in episodes:
                    values = lambda_return_update(
                        values, states, rewards, learning_rate=rate, discount=1.0, trace_decay=decay
                    )
                    errors[decay][seed, k] += np.sqrt(np.mean((values - truth) ** 2)) / 10
    best = {decay: table[:, table.mean(axis=0).argmin()] for decay, table in errors.items()}
    for worse in (0.0, 1.0):
        gain = best[worse] - best[0.8]
        assert gain.mean() > 3 * gain.std() / np.sqrt(len(gain)), (worse, gain)


@pytest.mark.parametrize(
    ("states", "last", "rate", "message"),
    [
        ([0, 4], None, 0.1, "numbers from 0 to 3, and None for the end"),
        ([0, 1], 7, 0.1, "numbers from 0 to 3, and None for the end"),
        ([], None, 0.1, "numbers from 0 to 3, and None for the end"),
        ([0, 1], None, 1.5, "learning_rate is 1.5: give a number from 0 to 1"),
    ],
)
def test_bad_input_is_told_the_rule(states, last, rate, message):
    for update in (lambda_return_update, offline_td_lambda, online_lambda_return_update):
        with pytest.raises(GameError, match=message):
            update(np.zeros(4), states, np.zeros(2), last=last, learning_rate=rate, discount=0.9, trace_decay=0.5)
    with pytest.raises(GameError, match=r"values is .*: give finite numbers"):
        td0_update([np.nan], 0, 1.0, None, learning_rate=0.1, discount=1.0)
