"""Losses of actors and critics: means that are 0, gradients that stop where they should, and special cases."""

import pytest
import torch

from marlgt.deep.losses import policies as losses
from marlgt.deep.losses.agent_models import decoder_cross_entropy, informed, opponent_conditional, others
from marlgt.errors import GameError


def normal(*shape, seed=0):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def whole(high, *shape, seed=0):
    return torch.randint(0, high, shape, generator=torch.Generator().manual_seed(seed))


def test_the_counterfactual_advantage_has_mean_0_under_the_policy():
    values, policies = normal(7, 3, 4), normal(7, 3, 4, seed=1).softmax(-1)
    every = torch.stack(
        [losses.counterfactual_advantages(values, policies, torch.full((7, 3), a)) for a in range(4)], dim=-1
    )
    assert (policies * every).sum(-1).abs().max() <= 1e-12


def test_the_counterfactual_baseline_does_not_depend_on_the_own_action():
    values, policies, actions = normal(7, 3, 4), normal(7, 3, 4, seed=1).softmax(-1), whole(4, 7, 3)
    other = (actions + 1) % 4
    first = values.gather(-1, actions[..., None])[..., 0] - losses.counterfactual_advantages(values, policies, actions)
    second = values.gather(-1, other[..., None])[..., 0] - losses.counterfactual_advantages(values, policies, other)
    assert torch.allclose(first, second, atol=1e-12, rtol=0)


def test_of_one_agent_the_counterfactual_advantage_is_that_of_the_action():
    values, policies, actions = normal(5, 1, 4), normal(5, 1, 4, seed=1).softmax(-1), whole(4, 5, 1)
    expected = values.gather(-1, actions[..., None])[..., 0] - (policies * values).sum(-1)
    assert torch.equal(losses.counterfactual_advantages(values, policies, actions), expected)


def test_an_action_that_is_not_allowed_leaves_the_counterfactual_baseline_alone():
    values, policies = normal(5, 2, 3), normal(5, 2, 3, seed=1).softmax(-1)
    policies[..., 2] = 0
    policies /= policies.sum(-1, keepdim=True)
    changed = values.clone()
    changed[..., 2] = 1e9
    actions = whole(2, 5, 2)
    assert torch.equal(
        losses.counterfactual_advantages(values, policies, actions),
        losses.counterfactual_advantages(changed, policies, actions),
    )


def test_where_the_critic_is_additive_the_advantage_ignores_the_others():
    utilities, policies, actions = normal(3, 4), normal(3, 4, seed=1).softmax(-1), whole(4, 2, 3)
    taken = utilities.expand(2, -1, -1).gather(-1, actions[..., None])[..., 0]
    values = (taken.sum(-1, keepdim=True) - taken).unsqueeze(-1) + utilities
    expected = taken - (policies * utilities).sum(-1)
    found = losses.counterfactual_advantages(values, policies.expand(2, -1, -1), actions)
    assert torch.allclose(found, expected, atol=1e-12, rtol=0)


def test_an_actor_moves_its_policy_and_not_the_critic():
    logits, values = normal(6, 2, 3).requires_grad_(), normal(6, 2, 3, seed=1).requires_grad_()
    actions = whole(3, 6, 2)
    advantages = losses.counterfactual_advantages(values, logits.softmax(-1), actions)
    logs = logits.log_softmax(-1).gather(-1, actions[..., None])[..., 0]
    losses.policy_gradient_losses(logs, advantages).sum().backward()
    assert values.grad is None
    # d/dlogits of -A log π(u) is -A (1[u] - π).
    expected = -advantages[..., None] * (torch.nn.functional.one_hot(actions, 3) - logits.detach().softmax(-1))
    assert torch.allclose(logits.grad, expected, atol=1e-12, rtol=0)


def test_the_loss_of_a_critic_turns_linear_at_delta():
    errors = torch.tensor([3.0, -15.0])
    assert losses.critic_losses(torch.zeros(2), errors).tolist() == [9.0, 225.0]
    assert losses.critic_losses(torch.zeros(2), errors, delta=10.0).tolist() == [4.5, 100.0]


def test_padding_changes_no_average():
    each, weights = normal(5, 2), torch.ones(5, dtype=torch.float64)
    junk = torch.cat([each, torch.full((3, 2), 1e6)])
    found = losses.environment_average(junk, torch.cat([weights, torch.zeros(3)]))
    assert torch.allclose(found, losses.environment_average(each), atol=1e-12, rtol=0)
    assert losses.environment_average(each, torch.zeros(5)).tolist() == [0.0, 0.0]


def test_without_sharing_experience_losses_are_those_of_independent_learners():
    logs, advantages, behaviour = normal(9, 3, 3), normal(9, 3, 3, seed=1), normal(9, 3, seed=2)
    own = losses.policy_gradient_losses(logs.diagonal(dim1=-2, dim2=-1), advantages.diagonal(dim1=-2, dim2=-1))
    assert torch.equal(losses.shared_experience_policy_losses(logs, behaviour, advantages, sharing=0.0), own)
    values, targets = normal(9, 3, 3, seed=3), normal(9, 3, 3, seed=4)
    alone = losses.critic_losses(values.diagonal(dim1=-2, dim2=-1), targets.diagonal(dim1=-2, dim2=-1))
    found = losses.shared_experience_critic_losses(values, targets, logs, behaviour, sharing=0.0)
    assert torch.equal(found, alone)


def test_agents_alike_share_experience_as_if_it_were_pooled():
    theta = normal(4).requires_grad_()
    actions, advantages = whole(4, 9, 3), normal(9, 3, seed=1)
    logs = theta.log_softmax(-1)[actions]
    table = logs.unsqueeze(-2).expand(-1, 3, -1)
    assert losses.importance_ratios(table, logs.detach()).unique().tolist() == [1.0]
    shared = losses.shared_experience_policy_losses(table, logs.detach(), advantages.unsqueeze(-2).expand(-1, 3, -1))
    (gradient,) = torch.autograd.grad(shared.sum(), theta, retain_graph=True)
    (pooled,) = torch.autograd.grad(losses.policy_gradient_losses(logs, advantages).sum(), theta)
    assert torch.allclose(gradient, 3 * pooled, atol=1e-12, rtol=0)


def test_no_gradient_passes_through_a_ratio():
    logs, behaviour = normal(5, 2, 2).requires_grad_(), normal(5, 2, seed=1).requires_grad_()
    advantages = normal(5, 2, 2, seed=2).requires_grad_()
    losses.shared_experience_policy_losses(logs, behaviour, advantages, sharing=0.5).sum().backward()
    shares = losses.importance_ratios(logs, behaviour) * torch.tensor([[1.0, 0.5], [0.5, 1.0]])
    assert behaviour.grad is None
    assert advantages.grad is None
    assert torch.allclose(logs.grad, (-shares * advantages).detach(), atol=1e-12, rtol=0)
    values = normal(5, 2, 2, seed=3).requires_grad_()
    logs.grad = None
    losses.shared_experience_critic_losses(values, advantages, logs, behaviour).sum().backward()
    assert logs.grad is None
    assert values.grad.abs().min() > 0


def test_an_agents_own_experience_counts_1_whatever_was_played_before():
    ratios = losses.importance_ratios(normal(5, 3, 3), normal(5, 3, seed=1))
    assert torch.equal(ratios.diagonal(dim1=-2, dim2=-1), torch.ones(5, 3, dtype=torch.float64))


def test_a_centralised_critic_sees_its_own_agent_first_then_all_and_the_state():
    observations, states = normal(4, 3, 2), normal(4, 5, seed=1)
    found = losses.centralised_observations(observations, states)
    assert found.shape == (4, 3, 2 + 6 + 5)
    for i in range(3):
        expected = torch.cat([observations[:, i], *observations.unbind(1), states], dim=-1)
        assert torch.equal(found[:, i], expected)
    assert torch.equal(losses.centralised_observations(observations), found[..., :8])


def test_what_a_critic_is_told_of_actions_leaves_out_the_agents_own():
    actions = whole(4, 6, 3)
    found = losses.others_actions(actions, 4)
    for i in range(3):
        changed = actions.clone()
        changed[:, i] = (changed[:, i] + 1) % 4
        assert torch.equal(losses.others_actions(changed, 4)[:, i], found[:, i])
        codes = found[:, i].view(6, 3, 4)
        assert codes[:, i].abs().max() == 0
        assert all(torch.equal(codes[:, k].argmax(-1), actions[:, k]) for k in range(3) if k != i)


def test_the_others_are_everybody_but_oneself_in_order():
    everyone = normal(4, 3, 2)
    found = others(everyone, axis=-2)
    assert found.shape == (4, 3, 2, 2)
    for i in range(3):
        rest = [k for k in range(3) if k != i]
        assert torch.equal(found[:, i], everyone[:, rest])


def test_a_decoder_that_knows_the_actions_has_no_loss_and_a_blind_one_log_a():
    actions = whole(3, 5, 2)
    sure = 1e3 * torch.nn.functional.one_hot(actions, 3).double()
    assert decoder_cross_entropy(sure, actions).abs().max() == 0
    blind = decoder_cross_entropy(torch.zeros(5, 2, 3, dtype=torch.float64), actions)
    assert torch.allclose(blind, torch.full((5,), 2 * torch.log(torch.tensor(3.0)).item(), dtype=torch.float64))


def test_the_policy_does_not_move_the_encoder_and_the_decoder_does():
    encoder, decoder, policy = (torch.nn.Parameter(normal(4, 3, seed=seed)) for seed in range(3))
    seen, actions = normal(6, 4, seed=3), whole(3, 6, 1)
    embedding = seen @ encoder
    (informed(seen, embedding) @ torch.cat([policy, policy[:3]])).square().sum().backward()
    assert encoder.grad is None
    assert policy.grad.abs().max() > 0
    decoder_cross_entropy((embedding @ decoder[:3]).unsqueeze(-2), actions).sum().backward()
    assert encoder.grad.abs().max() > 0
    assert decoder.grad.abs().max() > 0


@pytest.mark.parametrize("temperature", [0.05, 1.0, 30.0])
def test_the_others_answer_is_the_best_one_less_its_entropy(temperature):
    values = normal(4, 3, 5)
    conditional, own = opponent_conditional(values, temperature)
    entropy = torch.special.entr(conditional).sum(-1)
    assert torch.allclose(own, (conditional * values).sum(-1) + temperature * entropy, atol=1e-10, rtol=0)
    rival = normal(4, 3, 5, seed=1).softmax(-1)
    worse = (rival * values).sum(-1) + temperature * torch.special.entr(rival).sum(-1)
    assert (worse < own).all()


def test_cold_answers_are_best_ones():
    values = normal(4, 3, 5)
    conditional, own = opponent_conditional(values, 1e-4)
    assert torch.equal(conditional.argmax(-1), values.argmax(-1))
    assert torch.allclose(own, values.amax(-1), atol=1e-3, rtol=0)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: opponent_conditional(normal(2, 2), 0.0), r"temperature must be positive, got 0\.0"),
        (lambda: decoder_cross_entropy(normal(4, 2, 3), whole(3, 4)), r"\(4, 2\), got \(4,\): give one action"),
        (lambda: others(normal(3), axis=0), "axis must be counted from the end, from -1 to -1, got 0"),
        (lambda: losses.importance_ratios(normal(4, 2), normal(4)), r"must have shape \(\.\.\., n, n\)"),
        (
            lambda: losses.counterfactual_advantages(normal(4, 2, 3), normal(4, 2, 2), whole(2, 4, 2)),
            r"must have one shape .* got \(4, 2, 3\), \(4, 2, 2\) and \(4, 2\)",
        ),
        (
            lambda: losses.shared_experience_policy_losses(
                normal(4, 2, 2), normal(4, 2), normal(4, 2, 2), sharing=-1.0
            ),
            r"sharing, the weight of the others' experience, must not be negative, got -1\.0",
        ),
    ],
)
def test_arguments_that_do_not_fit_are_refused(call, message):
    with pytest.raises(GameError, match=message):
        call()
