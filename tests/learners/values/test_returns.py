"""Returns and advantages against their definitions as sums, with ends and cuts of episodes anywhere."""

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import marlgt as gt
from marlgt.errors import GameError
from marlgt.learners import generalised_advantages, lambda_returns, monte_carlo_returns, n_step_returns, td_errors

NUMBERS = st.floats(-10, 10, allow_nan=False)
SHARES = st.sampled_from([0.0, 0.3, 0.9, 1.0])


@st.composite
def records(draw):
    """Rewards, values before and after each step, and how each step left its episode."""
    size = draw(st.integers(1, 8))
    rewards, values, ahead = (np.array(draw(st.lists(NUMBERS, min_size=size, max_size=size))) for _ in range(3))
    ends = np.array(draw(st.lists(st.sampled_from([0, 0, 0, 1, 2]), min_size=size, max_size=size)))
    return rewards, values, ahead, ends == 1, ends == 2


def steps_left(terminated, truncated, t):
    """How many steps the episode of step t has from t on, and whether the game is over after them."""
    last = next((k for k in range(t, len(terminated)) if terminated[k] or truncated[k]), len(terminated) - 1)
    return last - t + 1, bool(terminated[last])


def n_step_by_definition(record, discount, n, t):
    rewards, _, ahead, terminated, truncated = record
    left, over = steps_left(terminated, truncated, t)
    m = min(n, left)
    total = sum(discount**i * rewards[t + i] for i in range(m))
    return total if over and m == left else total + discount**m * ahead[t + m - 1]


@given(records(), SHARES, st.integers(1, 9))
def test_n_step_returns_are_sums_of_n_rewards_and_what_follows(record, discount, n):
    rewards, _, ahead, terminated, truncated = record
    found = n_step_returns(rewards, ahead, discount=discount, n=n, terminated=terminated, truncated=truncated)
    expected = [n_step_by_definition(record, discount, n, t) for t in range(len(rewards))]
    np.testing.assert_allclose(found, expected, atol=1e-9)


@given(records(), SHARES, SHARES)
def test_lambda_returns_are_weighted_means_of_n_step_returns(record, discount, decay):
    rewards, _, ahead, terminated, truncated = record
    ends = {"terminated": terminated, "truncated": truncated}
    found = lambda_returns(rewards, ahead, discount=discount, trace_decay=decay, **ends)
    for t in range(len(rewards)):
        left, _ = steps_left(terminated, truncated, t)
        returns = [n_step_by_definition(record, discount, n, t) for n in range(1, left + 1)]
        weights = [(1 - decay) * decay**k for k in range(left - 1)] + [decay ** (left - 1)]
        assert found[t] == pytest.approx(np.dot(weights, returns), abs=1e-9)


@given(records(), SHARES, SHARES)
def test_advantages_are_faded_sums_of_td_errors_and_add_to_values_as_lambda_returns(record, discount, decay):
    rewards, values, ahead, terminated, truncated = record
    ends = {"terminated": terminated, "truncated": truncated}
    found = generalised_advantages(rewards, values, ahead, discount=discount, trace_decay=decay, **ends)
    errors = td_errors(rewards, values, ahead, discount=discount, terminated=terminated)
    for t in range(len(rewards)):
        left, _ = steps_left(terminated, truncated, t)
        assert found[t] == pytest.approx(sum((discount * decay) ** k * errors[t + k] for k in range(left)), abs=1e-9)


@given(records(), SHARES, SHARES)
def test_advantages_add_to_values_as_lambda_returns(record, discount, decay):
    rewards, values, ahead, terminated, truncated = record
    ends = {"terminated": terminated, "truncated": truncated}
    # Within an episode what a step led to is what the next step begins with.
    ahead = np.where(terminated | truncated, ahead, np.append(values[1:], ahead[-1]))
    gained = generalised_advantages(rewards, values, ahead, discount=discount, trace_decay=decay, **ends)
    returns = lambda_returns(rewards, ahead, discount=discount, trace_decay=decay, **ends)
    np.testing.assert_allclose(gained + values, returns, atol=1e-9)


@given(records(), SHARES)
def test_no_decay_is_td_and_full_decay_is_monte_carlo(record, discount):
    rewards, _, ahead, terminated, truncated = record
    ends = {"terminated": terminated, "truncated": truncated}
    one = n_step_returns(rewards, ahead, discount=discount, n=1, **ends)
    np.testing.assert_array_equal(lambda_returns(rewards, ahead, discount=discount, trace_decay=0.0, **ends), one)
    everything = monte_carlo_returns(rewards, discount=discount, next_values=ahead, **ends)
    np.testing.assert_allclose(
        n_step_returns(rewards, ahead, discount=discount, n=len(rewards), **ends), everything, atol=1e-9
    )


@given(records(), SHARES, SHARES)
def test_a_record_cut_where_episodes_end_gives_what_its_parts_give(record, discount, decay):
    rewards, values, ahead, terminated, truncated = record
    whole = generalised_advantages(
        *record[:3], discount=discount, trace_decay=decay, terminated=terminated, truncated=truncated
    )
    borders = [0, *(np.flatnonzero(terminated | truncated) + 1), len(rewards)]
    for begin, end in itertools.pairwise(borders):
        if begin < end:
            part = generalised_advantages(
                rewards[begin:end],
                values[begin:end],
                ahead[begin:end],
                discount=discount,
                trace_decay=decay,
                terminated=terminated[begin:end],
            )
            np.testing.assert_array_equal(part, whole[begin:end])


def test_leading_axes_are_records_of_their_own():
    rng = np.random.default_rng(0)
    rewards, values, ahead = rng.normal(size=(3, 2, 4, 6))
    over, cut = rng.random((2, 2, 4, 6)) < 0.2
    cut &= ~over
    both = {"discount": 0.9, "terminated": over, "truncated": cut}
    found = {
        "monte": monte_carlo_returns(rewards, **both),
        "window": n_step_returns(rewards, ahead, n=3, **both),
        "mixed": lambda_returns(rewards, ahead, trace_decay=0.7, **both),
        "gained": generalised_advantages(rewards, values, ahead, trace_decay=0.7, **both),
    }
    for place in np.ndindex(2, 4):
        own = {"discount": 0.9, "terminated": over[place], "truncated": cut[place]}
        r, v, w = rewards[place], values[place], ahead[place]
        np.testing.assert_array_equal(found["monte"][place], monte_carlo_returns(r, **own))
        np.testing.assert_array_equal(found["window"][place], n_step_returns(r, w, n=3, **own))
        np.testing.assert_array_equal(found["mixed"][place], lambda_returns(r, w, trace_decay=0.7, **own))
        np.testing.assert_array_equal(found["gained"][place], generalised_advantages(r, v, w, trace_decay=0.7, **own))


def test_more_decay_means_less_bias_and_more_variance():
    # From the middle of the five-state walk (Sutton and Barto 2018, example 6.2), with values of 0 that are wrong:
    # the bias of a target falls from v(C) = 1/2 to 0 as lambda rises, and its variance rises to that of a coin, 1/4.
    rng = np.random.default_rng(1)
    samples = []
    for _ in range(600):
        state, rewards = 2, []
        while 0 <= state < 5:
            state += 1 if rng.random() < 0.5 else -1
            rewards.append(float(state == 5))
        over = np.arange(len(rewards)) == len(rewards) - 1
        ahead = np.zeros(len(rewards))
        samples.append(
            [
                lambda_returns(rewards, ahead, discount=1.0, trace_decay=decay, terminated=over)[0]
                for decay in (0.0, 0.5, 0.8, 1.0)
            ]
        )
    bias, variance = 0.5 - np.mean(samples, axis=0), np.var(samples, axis=0)
    assert (np.diff(bias) < 0).all()
    assert (np.diff(variance) > 0).all()
    assert bias[0] == 0.5
    assert abs(bias[-1]) < 0.07
    assert abs(variance[-1] - 0.25) < 0.01


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: n_step_returns([1, 2], [1, 2], discount=0.9, n=0), "n is 0: give a whole number from 1"),
        (lambda: n_step_returns([1, 2], [1, 2, 3], discount=0.9, n=1), r"next_values has shape \(3,\), rewards \(2,\)"),
        (lambda: lambda_returns([1], [1], discount=1.5, trace_decay=0), "discount is 1.5: give a number from 0 to 1"),
        (lambda: lambda_returns([1], [1], discount=1, trace_decay=-1), "trace_decay is -1: give a number from 0 to 1"),
        (lambda: monte_carlo_returns([], discount=0.9), "rewards is .*: give finite numbers"),
        (lambda: monte_carlo_returns([np.nan], discount=0.9), "rewards is .*: give finite numbers"),
        (lambda: monte_carlo_returns("abc", discount=0.9), "rewards is 'abc': give numbers"),
        (lambda: monte_carlo_returns([1], discount=0.9, terminated=[2]), "terminated is .*: give true or false"),
        (lambda: td_errors([1], [1], [1], discount=0.9, terminated=[0, 1]), "terminated is .*: give true or false"),
    ],
    ids=range(9),
)
def test_bad_input_is_told_the_rule(call, message):
    with pytest.raises(GameError, match=message):
        call()


def test_the_record_is_not_changed():
    rewards, ahead = np.ones(3), np.full(3, 2.0)
    gt.learners.n_step_returns(rewards, ahead, discount=0.5, n=2)
    gt.learners.lambda_returns(rewards, ahead, discount=0.5, trace_decay=0.5)
    assert rewards.tolist() == [1, 1, 1]
    assert ahead.tolist() == [2, 2, 2]
