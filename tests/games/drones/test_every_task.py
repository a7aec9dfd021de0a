"""What holds of every drone task: solved by its expert, not by chance, the same in PyBullet, with numbers in bounds."""

import numpy as np
import pytest
from pettingzoo.test import parallel_api_test

from marlgt.games.drones import TASKS, evaluate_policy, make, make_batch, make_task
from marlgt.games.drones.spaces import FARTHEST

# On the ground Bullet's contacts are its own, and motors with two levels amplify any difference.
GROUNDED = {"takeoff-onoff", "takeoff-2level"}


@pytest.fixture(scope="module", params=list(TASKS))
def task(request):
    return make_task(request.param)


def test_the_expert_solves_it_and_chance_does_not(task):
    against = "random" if task.teams else None
    expert = evaluate_policy(task, "expert", against=against, episodes=64)
    chance = evaluate_policy(task, "random", against=against, episodes=64)
    assert expert.success_rate >= 0.95
    assert chance.success_rate <= 0.05
    assert expert.score > chance.score + 3 * chance.standard_error


def test_it_flies_the_same_in_pybullet(task):
    pytest.importorskip("pybullet")
    one, other = (evaluate_policy(task, "expert", episodes=2, backend=name) for name in ("numba", "bullet"))
    if task.name in GROUNDED:
        assert other.score == pytest.approx(one.score, rel=0.1)
    else:
        np.testing.assert_array_equal(one.lengths, other.lengths)
        np.testing.assert_allclose(other.returns, one.returns, rtol=5e-3, atol=1e-6)


def test_rewards_and_observations_keep_their_bounds(task):
    env = make_batch(task, n_envs=16)
    seen = [env.reset(seed=2)]
    for _ in range(60):
        step = env.step(env.random_actions())
        seen += [step.observations, step.reached, env.state, env.reached_state]
        assert not (step.terminated & step.truncated).any()
        assert not (step.successes & ~(step.terminated | step.truncated)).any()
        if task.payoff == "zero_sum":
            np.testing.assert_allclose(step.rewards.sum(axis=1), 0.0, atol=1e-6)
        else:
            assert (step.rewards >= 0).all()
            assert (step.rewards <= (2 if task.layout == "gpd" else 1)).all()
        if task.payoff == "shared":
            assert (step.rewards == step.rewards[:, :1]).all()
    assert all((np.abs(array) <= FARTHEST).all() for array in seen)
    assert env.runaways == 0


def test_pettingzoo_accepts_it(task):
    parallel_api_test(make(task), 60)
