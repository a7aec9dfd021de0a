"""Compiled learning takes PyTorch's updates to rounding, remembers its words, and is a seed's own bit for bit."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
import torch

from marlgt.deep import C51, DQN, IDQN, CentralQ, DoubleDQN, NStepDQN, PrioritisedDQN, Rainbow, evaluate, train
from marlgt.deep.algorithms.value_algorithm import Loss
from marlgt.deep.finiteness import NotFinite
from marlgt.deep.learners.compiled_learning import CompiledLearning
from marlgt.deep.networks.compiled_networks import forward, pull_back
from marlgt.errors import GameError

pytestmark = pytest.mark.usefixtures("one_thread")

SEEDS = (3, 5)
SETTINGS: dict[str, Any] = {
    "n_envs": 4,
    "update_every": 4,
    "learning_starts": 40,
    "epsilon_steps": 100,
    "target_period": 3,
    "hidden": (12, 9),
}
FORAGING, DRONES = "Foraging-8x8-2p-2f-v3", "formation:n_drones=3"
CASES = {
    "plain": (DQN(**SETTINGS), "CartPole-v1"),
    "three layers": (DQN(**{**SETTINGS, "hidden": (5, 16, 7)}, clip=None), "CartPole-v1"),
    "double, Huber": (DoubleDQN(**SETTINGS, huber=0.5), "Acrobot-v1"),
    "normalised, clipped": (DQN(**SETTINGS, normalised=True, clip=0.1, lr_end=1e-5), "CartPole-v1"),
    "averaged": (DQN(**SETTINGS, target_rate=0.1, averaged_policy=True), "CartPole-v1"),
    "prioritised": (PrioritisedDQN(**SETTINGS), "CartPole-v1"),
    "several steps": (NStepDQN(**SETTINGS, buffer_size=160), "CartPole-v1"),
    "shared": (IDQN(**SETTINGS, prioritised=True, n_steps=2), FORAGING),
    "independent, one-hot": (IDQN(**SETTINGS, share="none", normalised=True, one_hot=(-1, 8)), FORAGING),
    "uneven groups": (IDQN(**SETTINGS, share=(0, 1, 0), reward_scale=0.1), DRONES),
    "joint actions": (CentralQ(**SETTINGS), "climbing:repeats=3"),
}


@pytest.mark.parametrize("case", CASES)
def test_an_update_is_that_of_pytorch_to_rounding(
    case: str, begun: Callable[..., Any], after: Callable[..., Any]
) -> None:
    algorithm, task = CASES[case]
    plain = after(60, *begun(algorithm, task))
    other, _ = begun(replace(algorithm, compiled=True), task)
    other.load(plain.state())
    assert plain.updates >= 40
    for _ in range(4):
        before = plain.parameters.values.clone()
        plain._update()
        other._update()
        wanted, got = plain.parameters.gradients, other.parameters.gradients
        assert wanted.abs().max() > 0
        torch.testing.assert_close(got, wanted, rtol=1e-4, atol=3e-6 * float(wanted.abs().max()))
        moved = (plain.parameters.values - before).abs().max()
        torch.testing.assert_close(
            other.parameters.values, plain.parameters.values, rtol=1e-6, atol=1e-3 * float(moved)
        )
        # What is small beside the others may differ more; from here on both go on from the same.
        other.load(plain.state())
    torch.testing.assert_close(torch.tensor(other.losses()), torch.tensor(plain.losses()), rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("case", CASES)
def test_the_same_actions_are_drawn_and_the_same_words_remembered(case: str, begun: Callable[..., Any]) -> None:
    algorithm, task = CASES[case]
    quiet = replace(algorithm, learning_starts=10_000)
    plain, envs = begun(quiet, task)
    other, others = begun(replace(quiet, compiled=True), task)
    for _ in range(50):
        actions = plain.act(envs)
        assert torch.equal(other.act(others), actions)
        plain.observe(envs.step(actions), envs)
        other.observe(others.step(actions), others)
    words, theirs = plain.replay.state()["rows"], other.replay.state()["rows"]
    assert torch.equal(words, theirs)
    assert plain.replay.head == other.replay.head
    assert all(
        torch.equal(one.get_state(), two.get_state())
        for one, two in zip(plain.generators[1], other.generators[1], strict=True)
    )


@pytest.mark.parametrize("case", CASES)
def test_a_seed_alone_has_the_bits_that_it_has_among_others(case: str) -> None:
    algorithm, task = CASES[case]
    algorithm = replace(algorithm, compiled=True)
    options: dict[str, Any] = {"steps": 300, "episodes": 2, "evaluate_every": 150}
    among = train(algorithm, task, seeds=SEEDS, **options)
    alone = train(algorithm, task, seeds=SEEDS[1:], **options)
    for many, one in zip(among.module.parameters(), alone.module.parameters(), strict=True):
        assert torch.equal(many[len(one) :], one)
    assert np.array_equal(among.curve.losses[:, 1:], alone.curve.losses, equal_nan=True)


def test_masks_are_kept_and_followed(
    walk: Callable[..., Any], begun: Callable[..., Any], after: Callable[..., Any]
) -> None:
    algorithm = DQN(**SETTINGS)
    plain, envs = begun(algorithm, lambda: walk(masks=True))
    after(60, plain, envs)
    other, _ = begun(replace(algorithm, compiled=True), lambda: walk(masks=True))
    assert plain.spec.masked
    other.load(plain.state())
    plain._update()
    other._update()
    torch.testing.assert_close(other.parameters.values, plain.parameters.values, rtol=1e-6, atol=1e-6)
    # The environment breaks where an action is taken that its mask forbids.
    after(60, *begun(replace(algorithm, compiled=True), lambda: walk(masks=True)))


@pytest.mark.parametrize("normalised", [False, True])
def test_gradients_are_the_differences_of_the_values_in_double_precision(normalised: bool) -> None:
    sizes, rows, rng = (3, 9, 5, 2), 6, np.random.default_rng(0)
    layout, place = [], 0
    for n_inputs, n_outputs in pairwise(sizes):
        bias = place + n_inputs * n_outputs
        layout.append([n_inputs, n_outputs, place, bias, -1, -1])
        place = bias + n_outputs
    for row in layout[:-1] if normalised else ():
        row[4:] = place, place + row[1]
        place += 2 * row[1]
    parameters, gradients = rng.normal(size=place), np.full(place, np.nan)
    layers, normal, spreads = np.zeros((4, rows, 9)), np.zeros((3, rows, 9)), np.zeros((3, rows))
    inputs, weights, room = (
        rng.normal(size=(rows, 3)),
        rng.normal(size=(rows, 2)),
        (layers, normal, spreads, np.ones(9)),
    )

    def weighed() -> float:
        layers[0, :, :3] = inputs
        forward(parameters, np.array(layout), room, rows)
        return float((layers[3, :, :2] * weights).sum())

    wanted = np.zeros(place)
    for i in range(place):
        kept = parameters[i]
        parameters[i] = kept + 1e-6
        more = weighed()
        parameters[i] = kept - 1e-6
        wanted[i] = (more - weighed()) / 2e-6
        parameters[i] = kept
    weighed()
    arriving = np.zeros((2, rows, 9))
    arriving[0, :, :2] = weights
    pull_back(parameters, gradients, np.array(layout), room, arriving, np.zeros(90), rows)
    np.testing.assert_allclose(gradients, wanted, rtol=1e-6, atol=1e-7)


def test_a_compiled_network_finds_the_best_joint_action_of_the_climbing_game() -> None:
    algorithm = CentralQ(n_envs=8, update_every=2, learning_starts=100, lr=3e-3, target_period=50, compiled=True)
    run = train(algorithm, "climbing", steps=3_000, seeds=SEEDS, episodes=2)
    assert run.curve.returns.shape[1] == len(SEEDS)
    assert (evaluate(run, episodes=4).team_returns == 11.0).all()


@dataclass(frozen=True, kw_only=True)
class Tripled(DQN):
    def loss(self, online: Any, target: Any, batch: Any, generators: Any) -> Loss:
        elements, errors = super().loss(online, target, batch, generators)
        return Loss(3.0 * elements, errors)


@pytest.mark.parametrize("algorithm", [C51(compiled=True), Rainbow(compiled=True), Tripled(compiled=True)])
def test_other_heads_and_losses_are_refused(algorithm: DQN, begun: Callable[..., Any]) -> None:
    with pytest.raises(GameError, match=f"networks and the loss of DQN, and {type(algorithm).__name__} has others"):
        begun(algorithm, "CartPole-v1")


@pytest.mark.parametrize(
    ("setting", "given", "wanted"),
    [
        ("recurrent", True, False),
        ("dueling", True, False),
        ("noisy", True, False),
        ("stream", 8, 0),
        ("standardise_rewards", True, False),
    ],
)
def test_settings_that_are_not_compiled_are_refused(
    setting: str, given: Any, wanted: Any, begun: Callable[..., Any]
) -> None:
    told = f"perceptrons with {setting}={wanted}, got {given}: set it so, or leave compiled False"
    with pytest.raises(GameError, match=told):
        begun(DQN(compiled=True, **{setting: given}), "CartPole-v1")


def test_shared_experience_is_refused(begun: Callable[..., Any]) -> None:
    with pytest.raises(GameError, match="with shared_experience=False, got True: set it so"):
        begun(IDQN(compiled=True, shared_experience=True), FORAGING)


def test_another_device_is_refused(begun: Callable[..., Any]) -> None:
    learner, _ = begun(DQN(compiled=True), "CartPole-v1")
    learner.device = torch.device("cuda")
    with pytest.raises(GameError, match="is for processors, but the device is 'cuda': set device='cpu'"):
        CompiledLearning.of(learner)


def test_what_is_not_finite_is_told_and_not_remembered(begun: Callable[..., Any], after: Callable[..., Any]) -> None:
    learner, envs = begun(DQN(**SETTINGS, compiled=True), "CartPole-v1")
    after(20, learner, envs)
    actions = learner.act(envs)
    step, stored = envs.step(actions), learner.replay.filled
    step.rewards[1, 2] = torch.inf
    with pytest.raises(NotFinite, match="the rewards of the environment held"):
        learner.observe(step, envs)
    assert learner.replay.filled == stored
    before = learner.parameters.values.clone()
    learner.target_parameters.values.fill_(torch.inf)
    with pytest.raises(NotFinite, match=r"update .*: the loss, whose values grew beyond all bounds"):
        learner._update()
    assert torch.equal(learner.parameters.values, before)
    learner.parameters.values[0] = torch.nan
    with pytest.raises(NotFinite, match=r"the weights .* held a number"):
        learner._update()
