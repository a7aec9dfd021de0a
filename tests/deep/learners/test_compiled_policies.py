"""Compiled policies take PyTorch's updates to rounding, draw the same actions, and are a seed's own bit for bit."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
import torch

from marlgt.deep import GMAC, IPPO, MAPPO, PPO, train
from marlgt.deep.finiteness import NotFinite
from marlgt.deep.learners.compiled_policy_learning import CompiledPolicies
from marlgt.deep.networks.compiled_perceptrons import LARGEST, block_of, forward, pull_back
from marlgt.errors import GameError

pytestmark = pytest.mark.usefixtures("one_thread")

SEEDS = (3, 5)
FORAGING, DRONES = "Foraging-5x5-2p-1f-v3", "formation:n_drones=3"
SMALL: dict[str, Any] = {"n_envs": 5, "rollout_steps": 9, "epochs": 2, "minibatches": 2, "hidden": (16, 16)}
SOME: dict[str, Any] = {**SMALL, "entropy_weight": 0.1, "value_clip": 0.1}
CASES = {
    "choices": ("CartPole-v1", PPO(**SMALL)),
    "relu, entropy, clipped values": ("CartPole-v1", PPO(**{**SOME, "hidden": (7,), "activation": "relu"})),
    "numbers": ("Pendulum-v1", PPO(**SMALL, normalise_rewards=True)),
    "wide, entropy that falls": ("Pendulum-v1", PPO(**SOME, initial_log_scale=1.99, entropy_weight_end=0.0)),
    "normalised": ("Pendulum-v1", PPO(**SMALL, normalise_observations=True, normalise_values=True, huber=1.0)),
    "uneven parts, no clip": ("CartPole-v1", PPO(**{**SMALL, "minibatches": 4}, clip=None, value_weight=0.0)),
    "one part, as they are": ("CartPole-v1", PPO(**{**SMALL, "minibatches": 1}, normalise_advantages=False)),
    "several blocks": ("CartPole-v1", PPO(**{**SMALL, "n_envs": 40, "hidden": (64, 64)})),
    "stopping": ("CartPole-v1", PPO(**SMALL, kl_limit=1e-5, lr=3e-3)),
    "shared": (FORAGING, IPPO(**SMALL)),
    "independent": (FORAGING, IPPO(**SMALL, share="none", activation="relu")),
    # Fewer scales of observations than networks: they lie in the same buffer, in rows of another width.
    "independent, normalised": (FORAGING, MAPPO(**SMALL, share="none", normalise_observations=True)),
    "states": (FORAGING, MAPPO(**SMALL)),
    "drones": (DRONES, MAPPO(**SMALL, share=(0, 1, 2), value_clip=0.2, huber=10.0)),
}


@pytest.mark.parametrize("case", CASES)
def test_rollouts_and_updates_are_those_of_pytorch_to_rounding(case: str, begun: Callable[..., Any]) -> None:
    task, algorithm = CASES[case]
    plain, envs = begun(algorithm, task)
    other, others = begun(replace(algorithm, compiled=True), task)
    for rollout in range(3):
        for _ in range(algorithm.rollout_steps):
            plain.observe(envs.step(plain.act(envs)), envs)
            other.observe(others.step(other.act(others)), others)
        for name, field in plain.rollout.fields.items():
            torch.testing.assert_close(
                other.rollout.fields[name], field, rtol=1e-4, atol=1e-5, msg=f"{rollout}, {name}"
            )
        before = plain.parameters.values.clone()
        plain.learn()
        other.learn()
        moved = float((plain.parameters.values - before).abs().max())
        assert moved > 0
        torch.testing.assert_close(other.parameters.values, plain.parameters.values, rtol=1e-5, atol=2e-3 * moved)
        # Gradients of seeds that rest are computed by PyTorch alone.
        if not algorithm.stops:
            wanted = plain.parameters.gradients
            scale = float(wanted.abs().max())
            torch.testing.assert_close(other.parameters.gradients, wanted, rtol=1e-3, atol=1e-4 * scale)
        torch.testing.assert_close(torch.tensor(other.losses()), torch.tensor(plain.losses()), rtol=1e-4, atol=1e-5)
        # What is small beside the others may differ more; from here on both go on from the same.
        other.parameters.values.copy_(plain.parameters.values)
    assert torch.equal(other.optimiser.steps, plain.optimiser.steps)
    for one, two in zip(plain.generators.values(), other.generators.values(), strict=True):
        assert all(torch.equal(a.get_state(), b.get_state()) for a, b in zip(one, two, strict=True))


@pytest.mark.parametrize("case", CASES)
def test_a_seed_alone_has_the_bits_that_it_has_among_others(case: str) -> None:
    task, algorithm = CASES[case]
    algorithm = replace(algorithm, compiled=True)
    steps = 3 * algorithm.n_envs * algorithm.rollout_steps
    options: dict[str, Any] = {"steps": steps, "episodes": 1, "evaluate_every": steps}
    among = train(algorithm, task, seeds=SEEDS, **options)
    alone = train(algorithm, task, seeds=SEEDS[1:], **options)
    for many, one in zip(among.module.parameters(), alone.module.parameters(), strict=True):
        assert torch.equal(many[len(one) :], one)
    assert np.array_equal(among.curve.losses[:, 1:], alone.curve.losses, equal_nan=True)


@pytest.mark.parametrize("case", ["choices", "normalised", "stopping", "states"])
def test_a_learner_that_is_taken_up_goes_on_bit_for_bit(
    case: str, begun: Callable[..., Any], after: Callable[..., Any]
) -> None:
    task, algorithm = CASES[case]
    algorithm = replace(algorithm, compiled=True)
    first, envs = begun(algorithm, task)
    after(2 * algorithm.rollout_steps + 4, first, envs)
    second, others = begun(algorithm, task)
    second.load(first.state())
    places = envs.snapshot()
    assert places is not None
    others.restore(places)
    after(algorithm.rollout_steps, first, envs)
    after(algorithm.rollout_steps, second, others)
    assert first.updates == second.updates == 3
    for name, tensor in first.state().items():
        assert torch.equal(second.state()[name], tensor), name


def test_masks_are_kept_and_followed(
    walk: Callable[..., Any], begun: Callable[..., Any], after: Callable[..., Any]
) -> None:
    algorithm = PPO(**SMALL)
    plain, envs = begun(algorithm, lambda: walk(masks=True))
    other, others = begun(replace(algorithm, compiled=True), lambda: walk(masks=True))
    assert plain.spec.masked
    # The environment breaks where an action is taken that its mask forbids.
    after(18, plain, envs)
    after(18, other, others)
    torch.testing.assert_close(other.parameters.values, plain.parameters.values, rtol=1e-5, atol=1e-5)
    assert not bool(other.rollout.fields["allowed"].all())


@pytest.mark.parametrize("bent", [1, 2])
def test_gradients_are_the_differences_of_the_outputs_in_double_precision(bent: int) -> None:
    sizes, rows, rng = (3, 9, 5, 2), 6, np.random.default_rng(0)
    layout, place = [], 0
    for n_inputs, n_outputs in pairwise(sizes):
        layout.append([n_inputs, n_outputs, place, place + n_inputs * n_outputs])
        place += (n_inputs + 1) * n_outputs
    table = np.array(layout)
    parameters, gradients, room = rng.normal(size=place), np.zeros(place), np.zeros((4, rows * 9))
    inputs, weights = rng.normal(size=rows * 3), rng.normal(size=rows * 2)

    def weighed() -> float:
        room[0, : rows * 3] = inputs
        forward(parameters, table, room, rows, bent)
        return float(room[3, : rows * 2] @ weights)

    wanted = np.zeros(place)
    for i in range(place):
        kept = parameters[i]
        parameters[i] = kept + 1e-6
        more = weighed()
        parameters[i] = kept - 1e-6
        wanted[i] = (more - weighed()) / 2e-6
        parameters[i] = kept
    weighed()
    arriving = np.zeros((2, rows * 9))
    arriving[0, : rows * 2] = weights
    pull_back(parameters, gradients, table, room, arriving, np.zeros(45), rows, bent)
    # The slope 1 - h² is that of the tangent itself, which its quotient of polynomials follows to 2e-8.
    np.testing.assert_allclose(gradients, wanted, rtol=1e-5, atol=2e-6)


def test_the_tangent_is_true_to_rounding_and_keeps_what_is_no_number() -> None:
    x = np.array([-np.inf, *np.linspace(-12.0, 12.0, 997), np.inf, np.nan])
    room = np.zeros((3, len(x)))
    room[0] = x
    layout = np.array([[1, 1, 0, 1], [1, 1, 0, 1]])
    forward(np.array([1.0, 0.0]), layout, room, len(x), 1)
    np.testing.assert_allclose(room[1], np.tanh(x), atol=5e-8)


def test_blocks_are_small_enough_for_one_thread() -> None:
    assert block_of(np.array([[4, 64, 0, 0], [64, 64, 0, 0]])) == 64
    assert block_of(np.array([[4, 128, 0, 0], [128, 100, 0, 0]])) == LARGEST // 12_800


def test_wide_layers_are_refused(begun: Callable[..., Any]) -> None:
    with pytest.raises(GameError, match="layers of at most 16,384 weights, got one of 256 by 256: leave compiled"):
        begun(PPO(compiled=True, hidden=(256, 256)), "CartPole-v1")


def test_a_seed_that_was_stopped_stays_as_it_is_and_is_told_its_loss(
    begun: Callable[..., Any], after: Callable[..., Any]
) -> None:
    learner, envs = begun(replace(CASES["choices"][1], compiled=True), "CartPole-v1")
    after(9, learner, envs)
    learner.losses()
    learner.stop(0)
    before = learner.parameters.by_seed(learner.parameters.values)[0].clone()
    after(9, learner, envs)
    now = learner.parameters.by_seed(learner.parameters.values)[0]
    assert torch.equal(now[0], before[0])
    assert not torch.equal(now[1], before[1])
    assert np.isfinite(learner.losses()).all()


@pytest.mark.parametrize("task", ["CartPole-v1", "Pendulum-v1"])
def test_advantages_that_are_all_the_same_move_no_policy(task: str, begun: Callable[..., Any]) -> None:
    learner, envs = begun(PPO(**SMALL, compiled=True), task)
    for _ in range(9):
        learner.observe(envs.step(learner.act(envs)), envs)
    rows = learner.rows()
    learner.module.actors.requires_grad_(False)
    before = [each.clone() for each in learner.module.actors.parameters()]
    learner.descend(rows._replace(advantages=torch.full_like(rows.advantages, 0.1)))
    for old, new in zip(before, learner.module.actors.parameters(), strict=True):
        torch.testing.assert_close(new, old, rtol=0, atol=1e-4)


def test_what_is_not_finite_is_told(begun: Callable[..., Any]) -> None:
    learner, envs = begun(PPO(**SMALL, compiled=True), "CartPole-v1")
    for _ in range(9):
        learner.observe(envs.step(learner.act(envs)), envs)
    rows = learner.rows()
    before = learner.parameters.values.clone()
    with pytest.raises(NotFinite, match=r"update .*: the loss, whose values grew beyond all bounds"):
        learner.descend(rows._replace(targets=torch.full_like(rows.targets, torch.inf)))
    assert torch.equal(learner.parameters.values, before)
    learner.parameters.values[0] = torch.nan
    with pytest.raises(NotFinite, match=r"the weights .* held a number"):
        learner.descend(rows)


def test_a_compiled_policy_learns_to_balance_a_pole() -> None:
    algorithm = PPO(n_envs=16, rollout_steps=64, epochs=8, minibatches=4, lr=2e-3, trace=0.9, compiled=True)
    run = train(algorithm, "CartPole-v1", steps=30_000, seeds=(0,), evaluate_every=10_240, episodes=10)
    assert run.curve.returns.mean(-1).max() >= 400


@dataclass(frozen=True, kw_only=True)
class Tripled(PPO):
    def policy_losses(self, log_probabilities: Any, before: Any, advantages: Any) -> Any:
        return 3.0 * super().policy_losses(log_probabilities, before, advantages)


def test_other_losses_are_refused(begun: Callable[..., Any]) -> None:
    with pytest.raises(GameError, match="networks and the losses of PPO, and Tripled has others: leave compiled False"):
        begun(Tripled(compiled=True), "CartPole-v1")


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        ({"recurrent": True}, "recurrent=False, got True"),
        ({"normalised": True}, "normalised=False, got True"),
        ({"shared_torso": True}, "shared_torso=False, got True"),
        ({"critic": "quantile"}, "critic='scalar', got 'quantile'"),
        ({"squashed": True}, "squashed=False, got True"),
        ({"one_hot": (0, 4)}, r"one_hot=None, got \(0, 4\)"),
    ],
)
def test_settings_that_are_not_compiled_are_refused(
    settings: dict[str, Any], told: str, begun: Callable[..., Any]
) -> None:
    with pytest.raises(GameError, match=f"perceptrons with {told}: set it so, or leave compiled False"):
        begun(PPO(compiled=True, **settings), "CartPole-v1")


def test_mixture_critics_are_refused(begun: Callable[..., Any]) -> None:
    with pytest.raises(GameError, match="perceptrons with critic='scalar', got 'mixture'"):
        begun(GMAC(compiled=True), "CartPole-v1")


def test_other_activations_are_refused(begun: Callable[..., Any]) -> None:
    with pytest.raises(GameError, match=r"the activations \['relu', 'tanh'\], got 'elu': choose one of them"):
        begun(PPO(compiled=True, activation="elu"), "CartPole-v1")


def test_unequal_groups_are_refused(begun: Callable[..., Any]) -> None:
    with pytest.raises(GameError, match=r"not for networks of unequal groups, \(0, 1, 0\): leave compiled False"):
        begun(IPPO(compiled=True, share=(0, 1, 0)), DRONES)


def test_another_device_is_refused(begun: Callable[..., Any]) -> None:
    learner, _ = begun(PPO(**SMALL, compiled=True), "CartPole-v1")
    learner.device = torch.device("cuda")
    with pytest.raises(GameError, match="is for processors, but the device is 'cuda': set device='cpu'"):
        CompiledPolicies.of(learner)
