"""Policies and critics whose layers need no autograd: the gradients it would give, the same bits in any stack."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from marlgt.deep import train
from marlgt.deep.algorithms.gmac import GMAC
from marlgt.deep.algorithms.ippo import IPPO
from marlgt.deep.algorithms.mappo import MAPPO
from marlgt.deep.algorithms.policy_algorithm import PolicyAlgorithm
from marlgt.deep.algorithms.ppo import PPO
from marlgt.deep.algorithms.value_algorithm import Spec
from marlgt.deep.environments import make_environment
from marlgt.deep.learners.policy_learner import PolicyLearner
from marlgt.deep.networks.plain_policies import PlainPolicies
from marlgt.deep.networks.policy_networks import Memories
from marlgt.deep.rollouts.minibatches import dealt
from marlgt.deep.seeded_environments import SeededEnvs

FORAGING = "Foraging-5x5-2p-1f-v3"
SMALL: dict[str, Any] = {"n_envs": 5, "rollout_steps": 9, "epochs": 2, "minibatches": 2, "hidden": (16, 16)}
CASES = [
    ("CartPole-v1", PPO(**SMALL)),
    ("CartPole-v1", PPO(**{**SMALL, "hidden": (7,), "activation": "relu", "entropy_weight": 0.1})),
    ("Pendulum-v1", GMAC(**SMALL, initial_log_scale=1.95)),
    ("Pendulum-v1", PPO(**SMALL, normalise_observations=True)),
    (FORAGING, MAPPO(**SMALL)),
    (FORAGING, IPPO(**SMALL, share="none", activation="relu")),
    (FORAGING, IPPO(**SMALL, one_hot=(0, 4))),
]
NAMES = [f"{algorithm.name} on {task}, {number}" for number, (task, algorithm) in enumerate(CASES)]


def learner(task: str, algorithm: PolicyAlgorithm, seeds: range) -> PolicyLearner:
    """Return a learner with a full rollout."""
    envs = SeededEnvs(lambda: make_environment(task, algorithm.n_envs, continuous=True), seeds, "cpu")
    envs.reset()
    made = algorithm.learner(Spec.of(envs.envs[0]), seeds, steps=1_000, device="cpu")
    for _ in range(algorithm.rollout_steps):
        made.observe(envs.step(made.act(envs)), envs)
    return made


@pytest.mark.parametrize(("task", "algorithm"), CASES, ids=NAMES)
def test_gradients_are_those_of_autograd(task: str, algorithm: PolicyAlgorithm) -> None:
    found = []
    for plain in (True, False):
        made = learner(task, algorithm, range(2))
        assert isinstance(made.products, PlainPolicies)
        if not plain:
            made.products, made._plain = made.module, None
        made.update(next(iter(dealt(made.rows(), 2, made.generators[2]))))
        found.append(made.parameters.gradients.clone())
    assert found[1].norm() > 0.1
    torch.testing.assert_close(found[0], found[1], rtol=1e-4, atol=2e-6)


@pytest.mark.parametrize(("task", "algorithm"), CASES, ids=NAMES)
def test_a_seed_learns_the_same_bits_alone_and_among_others(task: str, algorithm: PolicyAlgorithm) -> None:
    steps = 3 * algorithm.n_envs * algorithm.rollout_steps
    runs = [
        train(algorithm, task, steps=steps, seeds=seeds, evaluate_every=steps, episodes=1) for seeds in ((0, 1), (1,))
    ]
    among, alone = (dict(run.module.named_parameters()) for run in runs)
    for name, weights in alone.items():
        assert torch.equal(among[name].reshape(2, -1)[1], weights.reshape(-1)), name


@pytest.mark.parametrize(
    "changes",
    [{"recurrent": True, "sequence_length": 3}, {"normalised": True}, {"shared_torso": True}, {"activation": "elu"}],
    ids=lambda changes: next(iter(changes)),
)
def test_layers_that_are_not_plain_are_left_to_autograd(changes: dict[str, Any]) -> None:
    made = learner("CartPole-v1", PPO(**SMALL, **changes), range(1))
    assert made.products is made.module


def test_quantile_critics_are_left_to_autograd() -> None:
    made = learner("CartPole-v1", PPO(**SMALL, critic="quantile"), range(1))
    assert made.products is made.module


def test_the_quick_tangent_is_true_to_rounding() -> None:
    made = learner("CartPole-v1", PPO(**{**SMALL, "hidden": (16,)}), range(1))
    observations = torch.linspace(-3.0, 3.0, 64).view(1, 1, 16, 1, 4)
    with torch.no_grad():
        quick, _ = made.products.policies(observations, Memories(), None)
        exact, _ = made.module.policies(observations, Memories(), None)
    torch.testing.assert_close(quick, exact, atol=1e-6, rtol=0)
