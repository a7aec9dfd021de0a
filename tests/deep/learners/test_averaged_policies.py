"""Averages of policies over the rollouts, which are judged and kept in the place of the last ones."""

import numpy as np
import pytest
import torch

from marlgt.deep import COMA, GMAC, IPPO, PPO, TRPO, evaluate, load_run, make_environment, train
from marlgt.deep.algorithms.value_algorithm import Spec
from marlgt.deep.seeded_environments import SeededEnvs

pytestmark = pytest.mark.usefixtures("one_thread")

SMALL = {"n_envs": 4, "rollout_steps": 8, "hidden": (8,), "lr": 0.01}
KINDS = [
    (PPO, {"normalise_observations": True}, "CartPole-v1"),
    (PPO, {"compiled": True, "normalise_observations": True}, "CartPole-v1"),
    (GMAC, {}, "CartPole-v1"),
    (TRPO, {}, "CartPole-v1"),
    (IPPO, {"compiled": True, "share": "none"}, "climbing:repeats=3"),
    (COMA, {}, "climbing:repeats=3"),
]


def numbers(run):
    return torch.cat([parameter.detach().reshape(-1) for parameter in run.module.parameters()])


@pytest.mark.parametrize(("kind", "changes", "task"), KINDS)
def test_the_average_moves_by_its_rate_after_each_rollout_and_is_what_is_judged(kind, changes, task):
    algorithm = kind(average_rate=0.25, **SMALL, **changes)
    envs = SeededEnvs(lambda: make_environment(task, 4), (1, 2), "cpu")
    envs.reset()
    learner = algorithm.learner(Spec.of(envs.envs[0]), (1, 2), steps=320, device="cpu")
    wanted = learner.parameters.values.clone()
    for step in range(1, 10 * 8 + 1):
        learner.observe(envs.step(learner.act(envs)), envs)
        learner.learn()
        if step % 8 == 0:
            wanted = 0.75 * wanted + 0.25 * learner.parameters.values
    judged = learner.judged_parameters
    torch.testing.assert_close(judged.values, wanted, rtol=1e-4, atol=1e-6)
    assert not torch.allclose(judged.values, learner.parameters.values, atol=1e-3)
    assert learner.policy().module is judged.module is not learner.module


@pytest.mark.parametrize(("kind", "changes", "task"), KINDS)
def test_learning_does_not_depend_on_the_average(kind, changes, task):
    plan = {"steps": 640, "seeds": (0, 3), "episodes": 2, "evaluate_every": 320}
    plain, averaged = (train(kind(average_rate=rate, **SMALL, **changes), task, **plan) for rate in (None, 0.1))
    # Nothing is known before the first step.
    assert np.array_equal(plain.curve.losses, averaged.curve.losses, equal_nan=True)
    assert np.array_equal(plain.curve.training_returns, averaged.curve.training_returns, equal_nan=True)
    assert np.isfinite(plain.curve.losses[1:]).all()
    assert not torch.equal(numbers(plain), numbers(averaged))


def test_an_average_that_moves_all_the_way_is_the_policy_itself():
    plan = {"steps": 640, "seeds": (0,), "episodes": 3, "evaluate_every": 320}
    plain, same = (train(PPO(average_rate=rate, **SMALL), "CartPole-v1", **plan) for rate in (None, 1.0))
    torch.testing.assert_close(numbers(plain), numbers(same))
    assert (plain.curve.returns == same.curve.returns).all()


def test_what_is_kept_on_disk_is_the_average(tmp_path):
    plan = {"steps": 960, "seeds": (0, 1), "episodes": 4, "evaluate_every": 320}
    run = train(PPO(average_rate=0.2, **SMALL), "CartPole-v1", folder=tmp_path / "run", **plan)
    kept = load_run(tmp_path / "run")
    assert torch.equal(numbers(kept), numbers(run))
    assert (evaluate(kept, episodes=5).returns == evaluate(run, episodes=5).returns).all()
