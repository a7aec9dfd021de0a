"""Centralised critics of actions: what they see, what they should tell, and the credit that COMA gives."""

import numpy as np
import pytest
import torch

from marlgt.deep import COMA, MAA2C, CentralCritic, train
from marlgt.errors import GameError, UnsupportedGame
from marlgt.games import NormalFormGame

pytestmark = pytest.mark.usefixtures("one_thread")

QUICK = {"n_envs": 4, "rollout_steps": 8, "hidden": (8,), "sequence_length": 4}


def windows(rows):
    """Undo the laying out of windows of one step."""
    return rows.squeeze(1).unflatten(1, (8, 4))


def test_targets_are_lambda_returns_of_the_target_networks_at_the_actions_taken_next(with_rollout):
    algorithm = COMA(discount=0.9, trace=0.7, **QUICK)
    learner, _ = with_rollout(algorithm, "soccer:observation=binary,horizon=3", seeds=(0, 5))
    learner.target_parameters.values.mul_(1.5)
    kept = learner.rollout.fields
    assert (kept["truncated"] | kept["terminated"]).any()
    targets = windows(learner.rows().targets)
    last = torch.zeros_like(targets[:, 0])
    for t in reversed(range(8)):
        seen = [kept[name][:, t : t + 1] for name in ("reached", "reached_states", "actions")]
        following = kept["actions"][:, min(t + 1, 7)].unsqueeze(1)
        told = learner.action_values(*seen[:2], following, learner.target)
        value = told.detach().gather(-1, following.unsqueeze(-1))[:, 0, ..., 0]
        goes_on = 0.9 * (~kept["terminated"][:, t]).float().unsqueeze(-1)
        known = kept["rewards"][:, t] + goes_on * (0.3 * value + 0.7 * last)
        ends = (kept["truncated"] | kept["terminated"])[:, t] | (t == 7)
        over = kept["terminated"][:, t]
        # Where an episode is stopped the next action is drawn, and only what does not depend on it is compared.
        assert torch.allclose(targets[:, t][~ends], known[~ends], atol=1e-5)
        assert torch.allclose(targets[:, t][over], kept["rewards"][:, t][over])
        last = targets[:, t]


def test_a_critic_does_not_see_the_own_action_but_sees_the_others(with_rollout):
    learner, _ = with_rollout(COMA(**QUICK), "climbing")
    kept = learner.rollout.fields
    actions = kept["actions"]
    changed = actions.clone()
    changed[..., 0] = (changed[..., 0] + 1) % 3
    before, after = (learner.action_values(kept["observations"], kept["states"], each) for each in (actions, changed))
    assert torch.equal(before[..., 0, :], after[..., 0, :])
    assert not torch.isclose(before[..., 1, :], after[..., 1, :]).all(-1).any()


def test_advantages_of_coma_have_mean_0_under_the_policy_and_those_of_the_plain_critic_do_not(with_rollout):
    learner, _ = with_rollout(COMA(**QUICK), "climbing", rollouts=3)
    kept = learner.rollout.fields
    values = learner.action_values(kept["observations"], kept["states"], kept["actions"]).detach()
    policies = learner.law.probabilities(kept["outputs"])
    means = [
        sum(policies[..., a] * of.advantages(values, policies, torch.full_like(kept["actions"], a)) for a in range(3))
        for of in (COMA(), CentralCritic())
    ]
    assert means[0].abs().max() < 1e-6
    assert torch.allclose(means[1], (policies * values).sum(-1), atol=1e-6)


def test_rows_hold_the_counterfactual_advantage_by_its_formula(with_rollout):
    learner, _ = with_rollout(COMA(**QUICK), "alternating_turns", rollouts=2)
    kept = learner.rollout.fields
    assert learner.spec.masked
    values = learner.action_values(kept["observations"], kept["states"], kept["actions"]).detach().numpy()
    logits = kept["outputs"].double().numpy()
    shares = np.where(kept["allowed"].numpy(), np.exp(logits - logits.max(-1, keepdims=True)), 0.0)
    shares /= shares.sum(-1, keepdims=True)
    taken = np.take_along_axis(values, kept["actions"].numpy()[..., None], -1)[..., 0]
    expected = taken - (shares * values).sum(-1)
    assert np.allclose(windows(learner.rows().advantages).numpy(), expected, atol=1e-5)


def test_the_critic_learns_the_payoffs_of_a_matrix_game_for_each_action_of_each_agent():
    payoffs = np.array([[4.0, -2.0], [0.0, 1.0]])
    algorithm = COMA(n_envs=32, lr=3e-3, entropy_weight=10.0, hidden=(32,))
    run = train(algorithm, NormalFormGame.common_interest(payoffs), steps=40_000, episodes=1, evaluate_every=40_000)
    told = torch.zeros(1, 4, 1, 2, 4)
    actions = torch.tensor([[a, b] for a in range(2) for b in range(2)]).view(1, 4, 1, 2)
    told[..., 0, 2:] = torch.nn.functional.one_hot(actions[..., 1], 2).float()
    told[..., 1, :2] = torch.nn.functional.one_hot(actions[..., 0], 2).float()
    ones = torch.ones(1, 4, 1, 2, 1)
    from marlgt.deep.networks.policy_networks import Memories

    with torch.no_grad():
        values = run.module.values(ones, ones[..., 0, :], Memories(), None, told=told)[0].view(2, 2, 2, 2)
    for a in range(2):
        for b in range(2):
            assert values[a, b, 0].tolist() == pytest.approx(payoffs[:, b], abs=0.3)
            assert values[a, b, 1].tolist() == pytest.approx(payoffs[a, :], abs=0.3)


def test_target_networks_are_renewed_when_it_is_time(with_rollout):
    learner, envs = with_rollout(COMA(target_period=3, **QUICK), "climbing")
    same = []
    for _ in range(6):
        learner.learn()
        same.append(bool(torch.equal(learner.target_parameters.values, learner.parameters.values)))
        while not learner.rollout.full:
            learner.observe(envs.step(learner.act(envs)), envs)
    assert same == [False, False, True, False, False, True]


def test_with_memory_policies_remember_and_critics_do_not(with_rollout):
    algorithm = COMA(recurrent=True, **QUICK)
    learner, _ = with_rollout(algorithm, "soccer:horizon=6")
    assert learner.module.actors.memory is not None
    assert learner.module.critics.memory is None
    before = learner.parameters.values.clone()
    learner.learn()
    assert not torch.equal(before, learner.parameters.values)


def test_coma_is_drawn_to_safe_play_in_the_climbing_game_and_misses_the_best_as_published():
    """Papoudakis et al. (2021, table 3) tell 185 ± 49 for 25 steps, most often 7 a step, where 11 is best."""
    plan = {"steps": 6_000, "episodes": 1, "evaluate_every": 6_000}
    run = train(COMA(entropy_weight=0.5, n_envs=8), "climbing", seeds=range(4), **plan)
    assert set(run.curve.mean_return[-1].tolist()) <= {5.0, 6.0, 7.0}


@pytest.mark.parametrize("kind", [COMA, CentralCritic, MAA2C])
def test_central_critics_coordinate_where_nothing_is_lost_by_trying(kind):
    team = NormalFormGame.common_interest([[4.0, 0.0], [0.0, 2.0]])
    run = train(kind(lr=3e-3), team, steps=6_000, episodes=1, evaluate_every=6_000, seeds=range(4))
    assert (run.curve.mean_return[-1] >= 2.0).all()
    assert (run.curve.mean_return[-1] == 4.0).sum() >= 2


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"critic": "mixture"}, "critic must be 'scalar' for COMA"),
        ({"shared_torso": True, "critic_sees": "observation"}, "shared_torso must be False for COMA"),
        ({"normalise_values": True}, "normalise_values must be False for COMA"),
        ({"value_weight": 0.0}, "COMA has nothing to learn from but its critic"),
        ({"target_period": 0}, "target_period must be a whole number of at least 1"),
    ],
)
def test_settings_that_do_not_go_with_a_critic_of_actions_are_refused(settings, message):
    with pytest.raises(GameError, match=message):
        COMA(**settings)


@pytest.mark.parametrize("numbers", [{"action_size": 2}, {"action_choices": (2, 3)}])
def test_actions_that_are_no_list_are_refused_in_a_sentence(numbers):
    from marlgt.deep.algorithms.value_algorithm import Spec

    spec = Spec(2, 0, 3, 4, True, False, **numbers)
    with pytest.raises(UnsupportedGame, match="COMA learns what each of an agent's actions is worth, and here"):
        COMA().learner(spec, (0,), steps=10, device="cpu")
    with pytest.raises(UnsupportedGame, match="are continuous"):
        train(COMA(), "Pendulum-v1", steps=10)
