"""Gradients by hand are the bits of those by autograd, and are taken only where the loss is the one they belong to."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import pytest
import torch

from marlgt.deep import DQN, IDQN, VDN, DoubleDQN, DuelingDQN, NStepDQN, PrioritisedDQN, train
from marlgt.deep.algorithms.value_algorithm import Loss, Spec, ValueAlgorithm
from marlgt.deep.environments import make_environment
from marlgt.deep.learners.value_learner import ValueLearner
from marlgt.deep.seeded_environments import SeededEnvs

SEEDS = (3, 5)
SETTINGS: dict[str, Any] = {"n_envs": 4, "update_every": 4, "learning_starts": 40, "epsilon_steps": 100}


@dataclass(frozen=True, kw_only=True)
class Tripled(DQN):
    def loss(self, online: Any, target: Any, batch: Any, generators: Sequence[torch.Generator]) -> Loss:
        elements, errors = super().loss(online, target, batch, generators)
        return Loss(3.0 * elements, errors)


def learner_after(algorithm: ValueAlgorithm, task: str, steps: int, seeds: Sequence[int], *, by_hand: bool) -> Any:
    envs = SeededEnvs(lambda: make_environment(task, algorithm.n_envs), seeds, "cpu")
    envs.reset()
    learner = ValueLearner(algorithm, Spec.of(envs.envs[0]), seeds, steps=10_000)
    if not by_hand:
        learner._plain = None
    for _ in range(steps):
        learner.observe(envs.step(learner.act(envs)), envs)
        learner.learn()
    return learner


@pytest.mark.parametrize(
    ("algorithm", "task"),
    [
        (DQN(**SETTINGS), "CartPole-v1"),
        (DoubleDQN(**SETTINGS), "Acrobot-v1"),
        (PrioritisedDQN(**SETTINGS), "CartPole-v1"),
        (NStepDQN(**SETTINGS), "CartPole-v1"),
        (IDQN(**SETTINGS), "Foraging-8x8-2p-2f-v3"),
        (IDQN(**SETTINGS, share="none"), "Foraging-8x8-2p-2f-v3"),
        (IDQN(**SETTINGS, share=(0, 1, 0, 1), reward_scale=0.1), "formation:n_drones=4"),
    ],
    ids=lambda value: value.name if isinstance(value, ValueAlgorithm) else str(value),
)
def test_updates_by_hand_are_those_by_autograd_bit_for_bit(algorithm: ValueAlgorithm, task: str) -> None:
    hand = learner_after(algorithm, task, 40, SEEDS, by_hand=True)
    auto = learner_after(algorithm, task, 40, SEEDS, by_hand=False)
    assert hand._plain is not None
    assert hand.updates >= 20
    assert torch.equal(hand.parameters.values, auto.parameters.values)
    assert torch.equal(hand.parameters.gradients, auto.parameters.gradients)
    assert hand.losses() == auto.losses()


@pytest.mark.parametrize(
    "algorithm",
    [
        DuelingDQN(**SETTINGS),
        DQN(**SETTINGS, normalised=True),
        DQN(**SETTINGS, recurrent=True),
        DQN(**SETTINGS, stream=8),
        DQN(**SETTINGS, noisy=True),
        Tripled(**SETTINGS),
        VDN(**SETTINGS),
    ],
    ids=lambda value: f"{value.name} {value.normalised} {value.recurrent} {value.stream} {value.noisy}",
)
def test_other_networks_and_losses_are_left_to_autograd(algorithm: ValueAlgorithm) -> None:
    task = "CartPole-v1" if isinstance(algorithm, DQN) else "climbing"
    learner = learner_after(algorithm, task, 1, SEEDS, by_hand=True)
    batch_is_needless: Any = None
    assert learner._plain is None or algorithm.loss_by_hand(*learner._plain, batch_is_needless) is None


def test_uneven_groups_are_left_to_autograd() -> None:
    learner = learner_after(IDQN(**SETTINGS, share=(0, 1, 0)), "formation:n_drones=3", 1, SEEDS, by_hand=True)
    assert learner._plain is None


@pytest.mark.parametrize("algorithm", [IDQN, VDN])
def test_a_lone_seed_without_sharing_gives_the_bits_that_it_gives_among_others(algorithm: Any) -> None:
    settings = {**SETTINGS, "share": "none"}
    options: dict[str, Any] = {"steps": 300, "episodes": 2}
    among = train(algorithm(**settings), "Foraging-8x8-2p-2f-v3", seeds=SEEDS, **options)
    alone = train(algorithm(**settings), "Foraging-8x8-2p-2f-v3", seeds=SEEDS[:1], **options)
    for many, one in zip(among.module.parameters(), alone.module.parameters(), strict=True):
        assert torch.equal(many[: len(one)], one)
