"""Steps within a radius of divergence: products against matrices, conjugate gradients against solutions, and TRPO."""

import dataclasses
import itertools

import numpy as np
import pytest
import torch

from marlgt.deep import PPO, TRPO
from marlgt.deep import trust_region as steps
from marlgt.deep.networks.layers import GRU
from marlgt.deep.networks.recurrence import differentiable_twice
from marlgt.deep.policies.law import law_of
from marlgt.errors import GameError

pytestmark = pytest.mark.usefixtures("one_thread")

QUICK = {"n_envs": 4, "rollout_steps": 16, "hidden": (8,), "minibatches": 2, "value_epochs": 1}


def normal(*shape, seed=0, dtype=torch.float64):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=dtype)


def positive(n_seeds, size, seed=0):
    factors = normal(n_seeds, size, size, seed=seed)
    return factors @ factors.mT + torch.eye(size).double()


def of(matrices):
    return lambda vectors: (matrices @ vectors.unsqueeze(-1)).squeeze(-1)


@pytest.mark.parametrize("kind", [(3, 0, ()), (0, 2, ()), (0, 0, (2, 3))], ids=["choice", "numbers", "choices"])
def test_products_are_those_of_fishers_matrix(kind):
    """Fisher's matrix is E[∇log π ∇log πᵀ] under π itself; that of a Gaussian is diag(1/σ², 2)."""
    law = law_of(*kind)
    new = normal(2, law.n_outputs).requires_grad_()
    product = steps.second_derivative_product(law.divergence(new.detach(), new), [new])
    for seed in range(2):
        outputs = new.detach()[seed]
        if kind[1]:
            matrix = torch.diag(torch.cat(((-2 * outputs[2:]).exp(), torch.full((2,), 2.0).double())))
        else:
            choices = [range(size) for size in (kind[2] or (kind[0],))]
            matrix = torch.zeros(law.n_outputs, law.n_outputs, dtype=torch.float64)
            for action in np.array(np.meshgrid(*choices)).reshape(len(choices), -1).T:
                played = torch.tensor(action if kind[2] else action[0])
                slope = torch.func.grad(lambda given, played=played: law.log_probability(given, played))(outputs)
                matrix += law.log_probability(outputs, played).exp() * torch.outer(slope, slope)
        for column in torch.eye(law.n_outputs, dtype=torch.float64):
            vectors = torch.zeros(2, law.n_outputs, dtype=torch.float64)
            vectors[seed] = column
            found = product(vectors)
            assert torch.allclose(found[seed], matrix @ column, atol=1e-10)
            assert not found[1 - seed].any()


def test_damping_is_added_to_the_diagonal():
    new = normal(2, 3).requires_grad_()
    divergence = law_of(3, 0, ()).divergence(new.detach(), new)
    plain, damped = (steps.second_derivative_product(divergence, [new], damping=each) for each in (0.0, 0.25))
    vectors = normal(2, 3, seed=1)
    assert torch.allclose(damped(vectors), plain(vectors) + 0.25 * vectors, atol=1e-12)


def test_conjugate_gradients_solve_in_as_many_iterations_as_there_are_unknowns():
    matrices, right = positive(3, 6), normal(3, 6, seed=1)
    found = steps.conjugate_gradient(of(matrices), right, iterations=6, tolerance=0.0)
    assert torch.allclose(found, torch.linalg.solve(matrices, right), atol=1e-8)


def test_the_error_of_conjugate_gradients_falls_in_the_norm_of_the_matrix():
    matrix, right = positive(1, 12, seed=3), normal(1, 12, seed=4)
    solution = torch.linalg.solve(matrix, right)
    errors = []
    for iterations in range(1, 12):
        gap = steps.conjugate_gradient(of(matrix), right, iterations=iterations, tolerance=0.0) - solution
        errors.append((gap * of(matrix)(gap)).sum().item())
    assert all(later < earlier for earlier, later in itertools.pairwise(errors))


def test_a_seed_without_a_gradient_rests_while_the_others_go_on():
    matrices, right = positive(2, 4), normal(2, 4, seed=1)
    right[0] = 0.0
    found = steps.conjugate_gradient(of(matrices), right)
    assert not found[0].any()
    alone = steps.conjugate_gradient(of(matrices[1:]), right[1:])
    assert torch.equal(found[1:], alone)
    step = steps.natural_step(found, of(matrices), 0.01)
    assert not step[0].any()
    assert step.isfinite().all()


def test_a_natural_step_ends_where_the_quadratic_is_the_radius():
    matrices, right = positive(3, 5), normal(3, 5, seed=2)
    step = steps.natural_step(torch.linalg.solve(matrices, right), of(matrices), 0.02)
    assert torch.allclose(0.5 * (step * of(matrices)(step)).sum(1), torch.full((3,), 0.02).double())


def test_a_search_takes_the_first_step_that_gains_and_stays_within_the_radius():
    """Seeds that want 1, 1/4, and none: of the last, every step loses."""

    def judge(shares):
        gains = torch.stack((shares[0], 1.0 - 2.0 * shares[1], -shares[2], torch.tensor(torch.nan)))
        return gains, torch.stack((0.01 * shares[0], 0.04 * shares[1], shares[2], shares[3]))

    found = steps.line_search(judge, 4, radius=0.01, backtracks=5)
    assert found.halvings.tolist() == [0, 2, -1, -1]
    assert found.shares.tolist() == [1.0, 0.25, 0.0, 0.0]
    assert found.gains.tolist() == pytest.approx([1.0, 0.5, 0.0, 0.0])
    assert found.divergences.tolist() == pytest.approx([0.01, 0.01, 0.0, 0.0])


def test_rows_of_seeds_come_back_as_the_tensors_they_were():
    tensors = [normal(6, 2, 3), normal(6, 1, 5, seed=1), normal(3, 4, seed=2)]
    rows = steps.as_seed_rows(tensors, 3)
    assert rows.shape == (3, 2 * 6 + 2 * 5 + 4)
    for own, again in zip(tensors, steps.seed_rows_as(rows, tensors)):
        assert torch.equal(own, again)


def test_a_recurrent_window_by_autograd_is_the_one_by_hand():
    gru = GRU(2, 3, 5).double()
    for number, parameter in enumerate(gru.parameters()):
        parameter.data = normal(*parameter.shape, seed=number)
    inputs, starts = normal(2, 4, 6, 3, seed=9), torch.rand(2, 4, 6, generator=torch.Generator().manual_seed(0)) < 0.3
    results = []
    for twice in (False, True):
        gru.zero_grad()
        if twice:
            with differentiable_twice():
                outputs = gru(inputs, None, starts)
        else:
            outputs = gru(inputs, None, starts)
        outputs.square().sum().backward()
        results.append((outputs.detach(), *(parameter.grad.clone() for parameter in gru.parameters())))
    for by_hand, by_autograd in zip(*results):
        assert torch.allclose(by_hand, by_autograd, atol=1e-12)


TASKS = {
    "one agent": ("CartPole-v1", {}),
    "a team": ("climbing", {}),
    "numbers": ("Pendulum-v1", {"squashed": True, "entropy_weight": 0.01}),
    "memory": ("CartPole-v1", {"recurrent": True, "sequence_length": 4}),
    "networks apart": ("soccer", {"share": "none", "activation": "elu"}),
    "a central critic": ("alternating_turns", {"critic_sees": "both", "critic": "mixture", "normalise_values": True}),
}


@pytest.mark.parametrize("kind", TASKS)
def test_no_step_leaves_the_radius_and_the_surrogate_never_falls(kind, with_rollout):
    task, settings = TASKS[kind]
    algorithm = TRPO(**QUICK | settings)
    learner, envs = with_rollout(algorithm, task, seeds=(3, 4))
    taken = 0
    for _ in range(4):
        rows = learner.rows()
        starts = rows.starts if algorithm.recurrent else None

        def now(rows=rows, starts=starts):
            with torch.no_grad():
                outputs = learner.module.policies(rows.observations, rows.memories, starts)[0]
                return learner.law.masked(outputs, rows.allowed)

        old = now()
        found = algorithm.step_policy(learner, rows)
        divergences = learner.law.divergence(old, now()).flatten(1).mean(1)
        assert (divergences <= algorithm.kl_radius + 1e-6).all()
        assert (found.gains >= 0).all()
        assert ((found.shares > 0) == (divergences > 1e-9)).all()
        # A step as long as it may be: no shorter one than a few halvings of the radius.
        assert (divergences[found.shares > 0] > 1e-4).all()
        taken += int((found.shares > 0).sum())
        learner.learn()
        while not learner.rollout.full:
            learner.observe(envs.step(learner.act(envs)), envs)
    assert taken >= 6


def test_what_the_search_reports_is_what_the_rollout_gains(with_rollout):
    algorithm = TRPO(**QUICK | {"normalise_advantages": False})
    learner, _ = with_rollout(algorithm, "CartPole-v1", seeds=(0, 1))
    rows = learner.rows()
    found = algorithm.step_policy(learner, rows)
    outputs = learner.module.policies(rows.observations, rows.memories, None)[0]
    ratios = (learner.law.log_probability(outputs, rows.actions) - rows.before).exp()
    gains = ((ratios - 1.0) * rows.advantages).flatten(1).mean(1)
    assert torch.allclose(found.gains.float(), gains, rtol=1e-3, atol=1e-5)


def test_a_step_of_the_policy_leaves_the_critic_and_fitting_it_leaves_the_policy(with_rollout):
    algorithm = TRPO(**QUICK)
    learner, _ = with_rollout(algorithm, "CartPole-v1")
    rows = learner.rows()

    def parts():
        names = learner.parameters.seed_slice(0)
        return [{k: v for k, v in names.items() if k.startswith(part)} for part in ("actors", "critics")]

    actors, critics = parts()
    algorithm.step_policy(learner, rows)
    moved, still = parts()
    assert all(torch.equal(still[name], critics[name]) for name in critics)
    assert any(not torch.equal(moved[name], actors[name]) for name in actors)
    learner.fit_critic(rows, 3)
    kept, learnt = parts()
    assert all(torch.equal(kept[name], moved[name]) for name in moved)
    assert all(not torch.equal(learnt[name], critics[name]) for name in critics)


def test_a_rollout_without_advantages_leaves_the_policy_as_it_is(with_rollout):
    algorithm = TRPO(**QUICK)
    learner, _ = with_rollout(algorithm, "CartPole-v1", seeds=(0, 1))
    rows = learner.rows()
    before = learner.parameters.values.clone()
    found = algorithm.step_policy(learner, rows._replace(advantages=torch.zeros_like(rows.advantages)))
    assert found.halvings.tolist() == [-1, -1]
    assert torch.equal(learner.parameters.values, before)
    broken = rows.advantages.clone()
    broken[0] = torch.nan
    found = algorithm.step_policy(learner, rows._replace(advantages=broken))
    assert found.halvings[0] == -1
    assert found.halvings[1] >= 0
    assert torch.equal(
        learner.parameters.seed_slice(0)["actors.head.linear.weight"], learner.module.actors.head.linear.weight[:1]
    )
    assert learner.parameters.values.isfinite().all()


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"shared_torso": True}, "shared_torso lets the critic's steps move the policy out of its radius"),
        ({"epochs": 3}, "takes one step of the policy from a rollout, got epochs 3"),
        ({"kl_limit": 0.1}, "kl_limit is for policies that take several updates: give TRPO's kl_radius"),
        ({"damping": -0.1}, "damping must not be negative, got -0.1"),
        ({"kl_radius": 0.0}, "kl_radius must be a number above 0"),
        ({"backtracks": 0}, "backtracks must be a whole number of at least 1"),
    ],
)
def test_settings_that_do_not_go_with_a_radius_are_refused(settings, message):
    with pytest.raises(GameError, match=message):
        TRPO(**settings)


def test_ppo_and_trpo_share_all_settings_of_policies():
    own = {field.name for field in dataclasses.fields(TRPO)} - {field.name for field in dataclasses.fields(PPO)}
    assert own == {"kl_radius", "cg_iterations", "damping", "backtracks", "value_epochs"}
