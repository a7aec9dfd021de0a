"""Pendulum and the continuous mountain car beside Gymnasium's, and their copies beside one another."""

import gymnasium
import numpy as np
import pytest

from marlgt.deep.environments import make_environment
from marlgt.deep.environments.continuous_control import FORCED
from marlgt.deep.environments.streams import copy_seeds
from marlgt.errors import GameError

task_cases = pytest.mark.parametrize("task", FORCED)


def made(task, n_envs):
    return make_environment(task, n_envs, continuous=True)


@task_cases
def test_whole_episodes_are_those_of_gymnasium_with_its_time_limit(task):
    env, theirs = made(task, 1), gymnasium.make(task)
    bound = theirs.action_space.high[0]
    seen = env.reset(5)
    (own,) = copy_seeds(5, 0, 1)
    expected, _ = theirs.reset(seed=own)
    assert np.allclose(seen[0, 0], expected, atol=1e-6)
    rng, drift = np.random.default_rng(0), 0.0
    for step in range(FORCED[task].horizon * 2):
        # Persistent enough that the car also gets up the hill.
        drift = np.sign(expected[1]) if task.startswith("Mountain") else rng.uniform(-1.3, 1.3)
        action = np.array([[[drift]]], np.float32)
        ours = env.step(action)
        expected, paid, ended, stopped, _ = theirs.step(np.clip(action[0, 0] * bound, -bound, bound))
        assert np.allclose(ours.reached[0, 0], expected, atol=2e-4), step
        assert abs(ours.rewards[0, 0] - paid) < 2e-3
        assert bool(ours.terminated[0]) == ended
        assert bool(ours.truncated[0]) == (stopped and not ended)
        if ended or stopped:
            expected, _ = theirs.reset()
            assert np.allclose(ours.observations[0, 0], expected, atol=1e-6)
    theirs.close()


@task_cases
def test_single_transitions_from_anywhere_are_those_of_gymnasium(task):
    theirs, rng = gymnasium.make(task).unwrapped, np.random.default_rng(1)
    theirs.reset(seed=0)
    low, high = ((-9.0, -8.0), (9.0, 8.0)) if task == "Pendulum-v1" else ((-1.2, -0.07), (0.6, 0.07))
    states, actions = rng.uniform(low, high, (300, 2)), rng.uniform(-1, 1, 300)
    moved, rewards, ended = FORCED[task].move(states, actions)
    for k in range(300):
        theirs.state = states[k]
        _, paid, over, _, _ = theirs.step(np.array([actions[k] * theirs.action_space.high[0]], np.float32))
        assert np.allclose(moved[k], theirs.state, atol=1e-6)
        assert abs(rewards[k] - paid) < 1e-5
        assert bool(ended[k]) == over


@task_cases
def test_a_copy_is_the_same_whatever_the_others_are(task):
    many, lone = made(task, 7), made(task, 1)
    seen = many.reset(3, first=2)
    assert np.array_equal(lone.reset(3, first=6)[0], seen[4])
    rng = np.random.default_rng(2)
    for _ in range(FORCED[task].horizon + 5):
        actions = rng.uniform(-1, 1, (7, 1, 1)).astype(np.float32)
        for part, same in zip(many.step(actions), lone.step(actions[4:5])):
            assert np.array_equal(part[4], same[0])


@task_cases
def test_a_restored_snapshot_goes_on_as_if_nothing_had_been(task):
    env, twin = made(task, 3), made(task, 3)
    env.reset(0)
    rng = np.random.default_rng(3)
    actions = rng.uniform(-1, 1, (FORCED[task].horizon, 3, 1, 1))
    for own in actions[:20]:
        env.step(own)
    assert np.array_equal(twin.restore(env.snapshot()), env.observations)
    for own in actions:
        for part, same in zip(env.step(own), twin.step(own)):
            assert np.array_equal(part, same)
    broken = env.snapshot() | {"steps": np.full(3, 10**6)}
    with pytest.raises(GameError, match="its steps below the horizon"):
        twin.restore(broken)
    with pytest.raises(GameError, match="random states cannot be read"):
        twin.restore(env.snapshot() | {"rngs": np.zeros(3, np.uint8)})


@task_cases
def test_what_cannot_be_stepped_says_why(task):
    env = made(task, 2)
    with pytest.raises(GameError, match="has not begun"):
        env.step(np.zeros((2, 1, 1)))
    with pytest.raises(GameError, match="has not begun"):
        env.snapshot()
    env.reset(0)
    with pytest.raises(GameError, match=r"must have shape \(2, 1, 1\)"):
        env.step(np.zeros((2, 1)))
    with pytest.raises(GameError, match=r"actions\[1, 0, 0\] of .* is not a number"):
        env.step(np.array([[[0.0]], [[np.nan]]]))
