"""Gradients of policies: against references in double precision, finite differences, and expectations over actions."""

import numpy as np
import pytest
import torch

from marlgt.deep import A2C, GMAC, IA2C, IPPO, MAPPO, PPO, REINFORCE, TRPO, make_environment, train
from marlgt.deep.algorithms.value_algorithm import Spec
from marlgt.deep.environments.protocol import Step
from marlgt.deep.losses.policies import environment_average
from marlgt.deep.losses.returns import lambda_returns
from marlgt.deep.rollouts.minibatches import averaged, dealt
from marlgt.deep.seeded_environments import SeededEnvs
from marlgt.games import NormalFormGame

pytestmark = pytest.mark.usefixtures("one_thread")

PLAIN = {
    "n_envs": 4,
    "rollout_steps": 16,
    "hidden": (8,),
    "epochs": 1,
    "minibatches": 1,
    "normalise_advantages": False,
    "clip": None,
}


def gradient(learner):
    return {name: parameter.grad.clone() for name, parameter in learner.parameters.parameters.items()}


def through(weights, part, head, observations, n_agents):
    """Return what a shared network of one seed gives, shape (rows, n, O), by plain products in double precision."""
    hidden = observations.double()
    if n_agents > 1:
        ids = torch.eye(n_agents, dtype=torch.float64).expand(*hidden.shape[:-1], n_agents)
        hidden = torch.cat((hidden, ids), dim=-1)
    layer = f"{part}.torso.layers.0"
    hidden = torch.tanh(hidden @ weights[f"{layer}.weight"][0] + weights[f"{layer}.bias"][0, 0])
    return hidden @ weights[f"{part}.head.{head}.weight"][0] + weights[f"{part}.head.{head}.bias"][0, 0]


@pytest.mark.parametrize("task", ["CartPole-v1", "soccer:observation=binary,horizon=5"])
@pytest.mark.parametrize("kind", [A2C, PPO, REINFORCE])
def test_the_first_gradient_is_that_of_the_loss_written_out_in_double_precision(kind, task, with_rollout):
    algorithm = kind(trace=1.0, entropy_weight=0.05, value_weight=0.3, **PLAIN)
    learner, _ = with_rollout(algorithm, task)
    weights = {name: value.double().requires_grad_() for name, value in learner.parameters.seed_slice(0).items()}
    kept = {name: field[0] for name, field in learner.rollout.fields.items()}
    n_agents = learner.spec.n_agents
    with torch.no_grad():
        values, reached = (
            through(weights, "critics", "layer", kept[name], n_agents)[..., 0] for name in ("observations", "reached")
        )
    returns, following = torch.zeros_like(values), reached[-1]
    for t in reversed(range(16)):
        over, stopped = (kept[name][t].unsqueeze(-1) for name in ("terminated", "truncated"))
        following = torch.where(stopped, reached[t], following)
        returns[t] = kept["rewards"][t] + 0.99 * torch.where(over, 0.0, following)
        following = returns[t]
    logarithms = through(weights, "actors", "linear", kept["observations"], n_agents).log_softmax(-1)
    taken = logarithms.gather(-1, kept["actions"].unsqueeze(-1)).squeeze(-1)
    told = through(weights, "critics", "layer", kept["observations"], n_agents)[..., 0]
    entropies = -(logarithms.exp() * logarithms).sum(-1)
    loss = -(returns - values) * taken + 0.3 * (returns - told).square() - 0.05 * entropies
    loss.sum(-1).mean().backward()
    moved = learner.update(learner.rows())
    assert moved.abs().max() < 1e-6
    for name, found in gradient(learner).items():
        assert torch.allclose(found.double(), weights[name].grad, rtol=1e-3, atol=2e-5), name


def test_reinforce_is_a2c_with_whole_returns_and_ppo_with_an_endless_clip(with_rollout):
    found = []
    for algorithm in (
        REINFORCE(**PLAIN),
        A2C(trace=1.0, **PLAIN),
        PPO(trace=1.0, ratio_clip=1e6, **PLAIN),
        IPPO(trace=1.0, **PLAIN),
        IA2C(trace=1.0, **PLAIN),
    ):
        learner, _ = with_rollout(algorithm, "CartPole-v1", seeds=(7,))
        learner.update(learner.rows())
        found.append(torch.cat([each.flatten() for each in gradient(learner).values()]))
    for other in found[1:]:
        assert torch.allclose(found[0], other, rtol=1e-4, atol=1e-6)


def joint_rows(learner, payoffs):
    """Return a row for each joint action, weighed by its probability, with its payoff as advantage."""
    rows = learner.rows()
    actions = torch.tensor(list(np.ndindex(payoffs.shape)))
    n_rows, n_agents = actions.shape
    observations = torch.ones(1, 1, n_rows, n_agents, 1)
    outputs = learner.module.policies(observations, rows.memories, None)[0]
    chances = learner.law.log_probability(outputs, actions.view(1, 1, n_rows, n_agents)).detach()
    advantages = (
        torch.tensor(payoffs[tuple(actions.T.numpy())]).float().view(1, 1, n_rows, 1).expand(-1, -1, -1, n_agents)
    )
    return rows._replace(
        observations=observations,
        actions=actions.view(1, 1, n_rows, n_agents),
        before=chances,
        advantages=advantages.contiguous(),
        weights=chances.sum(-1).exp(),
        starts=torch.zeros(1, 1, n_rows, dtype=torch.bool),
        values=torch.zeros_like(chances),
        targets=torch.zeros_like(chances),
    ), outputs.detach()[0, 0, 0].double()


@pytest.mark.parametrize("kind", [IA2C, IPPO, REINFORCE])
def test_the_expected_gradient_is_that_of_the_expected_payoff_of_a_team(kind, with_rollout):
    """The sum over all joint actions against finite differences of J(θ) = Σ_a π_1(a_1) π_2(a_2) π_3(a_3) R(a)."""
    payoffs = np.random.default_rng(0).normal(size=(3, 3, 3))
    algorithm = kind(share="none", value_weight=0.0, policy_gain=1.0, **PLAIN)
    learner, _ = with_rollout(algorithm, NormalFormGame.common_interest(payoffs))
    rows, logits = joint_rows(learner, payoffs)
    learner.update(rows)
    found = learner.module.actors.head.linear.bias.grad[:, 0]

    def expected(shifted):
        one, two, three = shifted.softmax(-1)
        return torch.einsum("a,b,c,abc->", one, two, three, torch.tensor(payoffs))

    for agent, action in np.ndindex(3, 3):
        step = torch.zeros_like(logits)
        step[agent, action] = 1e-4
        slope = (expected(logits + step) - expected(logits - step)) / 2e-4
        assert found[agent, action].item() == pytest.approx(-slope.item(), abs=1e-5)


def test_the_gradient_of_the_entropy_is_that_of_finite_differences(with_rollout):
    algorithm = IA2C(share="none", value_weight=0.0, entropy_weight=0.7, policy_gain=1.0, **PLAIN)
    learner, _ = with_rollout(algorithm, "climbing")
    rows, logits = joint_rows(learner, np.zeros((3, 3)))
    learner.update(rows)
    found = learner.module.actors.head.linear.bias.grad[:, 0]

    def entropy(shifted):
        chances = shifted.softmax(-1)
        return -(chances * chances.log()).sum()

    for agent, action in np.ndindex(2, 3):
        step = torch.zeros_like(logits)
        step[agent, action] = 1e-4
        slope = (entropy(logits + step) - entropy(logits - step)) / 2e-4
        assert found[agent, action].item() == pytest.approx(-0.7 * slope.item(), abs=1e-5)


def test_losses_are_summed_over_agents_and_averaged_over_rows():
    losses = torch.randn(2, 3, 5, 4, generator=torch.Generator().manual_seed(0))
    by_agent = environment_average(losses.flatten(1, 2))
    assert torch.allclose(averaged(losses, None), by_agent.sum(-1))
    weights = torch.rand(2, 3, 5, generator=torch.Generator().manual_seed(1)) + 0.5
    by_agent = environment_average(losses.flatten(1, 2), weights.flatten(1))
    assert torch.allclose(averaged(losses, weights), by_agent.sum(-1))


def test_mini_batches_of_an_epoch_hold_every_row_once_in_an_order_of_each_seed(with_rollout):
    learner, _ = with_rollout(PPO(**PLAIN), "CartPole-v1", seeds=(0, 1))
    rows = learner.rows()
    numbers = torch.arange(64.0).expand(2, 64).view(2, 1, 64, 1)
    generators = [torch.Generator().manual_seed(each) for each in (0, 1)]
    epochs = [list(dealt(rows._replace(advantages=numbers), 5, generators)) for _ in range(2)]
    orders = [torch.cat([each.advantages.view(2, -1) for each in epoch], dim=1) for epoch in epochs]
    for order in orders:
        assert torch.equal(order.sort(1).values, numbers.view(2, 64))
        assert not torch.equal(order[0], order[1])
    assert not torch.equal(*orders)
    assert {each.advantages.shape[2] for each in epochs[0]} == {12, 13}
    for each in epochs[0]:
        places = each.advantages.long().view(2, -1)
        for seed in range(2):
            assert torch.equal(each.observations[seed, 0], rows.observations[seed, 0, places[seed]])
            assert torch.equal(each.actions[seed, 0], rows.actions[seed, 0, places[seed]])


def test_only_seeds_that_have_moved_too_far_rest_and_they_stay_exactly_as_they_are(with_rollout):
    settings = PLAIN | {"epochs": 6, "minibatches": 2, "lr": 0.01, "value_weight": 0.0}
    learner, _ = with_rollout(PPO(kl_limit=0.003, **settings), "CartPole-v1", seeds=(0, 1))
    rows = learner.rows()
    still = rows.advantages.clone()
    still[0] = 0.0
    learner.descend(rows._replace(advantages=still))
    taken = learner.optimiser.steps.tolist()
    assert taken[0] == 12
    assert 2 <= taken[1] < 12
    free, _ = with_rollout(PPO(kl_limit=1e6, **settings | {"epochs": int(taken[1]) // 2}), "CartPole-v1", seeds=(1,))
    free.descend(free.rows())
    mine, theirs = learner.parameters.seed_slice(1), free.parameters.seed_slice(0)
    assert all(torch.equal(mine[name], theirs[name]) for name in mine)


@pytest.mark.parametrize(
    "settings", [{}, {"value_weight": 0.0}, {"normalise_observations": True}], ids=["plain", "no critic", "scaled"]
)
@pytest.mark.parametrize("kind", [A2C, PPO, TRPO])
def test_a_seed_that_was_stopped_stays_as_it_is_while_others_learn(kind, settings, with_rollout):
    algorithm = kind(n_envs=4, rollout_steps=8, minibatches=1, hidden=(8,), **settings)
    learner, _ = with_rollout(algorithm, "CartPole-v1", seeds=(0, 1))
    learner.stop(0)
    before = learner.parameters.values.clone()
    learner.learn()
    (still, moved) = torch.cat(learner.parameters.by_seed(learner.parameters.values != before), 1)
    assert not still.any()
    assert moved.any()


@pytest.mark.parametrize("trace", [0.0, 0.6, 1.0])
def test_what_a_scalar_critic_should_tell_are_lambda_returns(trace, with_rollout):
    learner, _ = with_rollout(PPO(**PLAIN | {"trace": trace}), "CartPole-v1", seeds=(0, 1), rollouts=2)
    kept, rows = learner.rollout.fields, learner.rows()
    with torch.no_grad():
        reached = learner.module.values(kept["reached"], None, rows.memories, None)[0].squeeze(-1)
    ends = kept["terminated"] | kept["truncated"]
    assert ends.any()
    expected = lambda_returns(kept["rewards"], 0.99 * (~kept["terminated"]).float(), ends, reached, trace)
    assert torch.allclose(rows.targets.view(expected.shape), expected, atol=1e-4)
    assert torch.allclose(rows.targets, rows.advantages + rows.values, atol=1e-5)


@pytest.mark.parametrize("rollouts", [1, 2])
def test_a_value_that_is_clipped_moves_from_what_the_critic_said_whatever_units_returns_have_now(
    rollouts, with_rollout
):
    algorithm = PPO(**PLAIN | {"trace": 0.9}, normalise_values=True, value_clip=0.2)
    learner, _ = with_rollout(algorithm, "CartPole-v1", seeds=(0, 1), rollouts=rollouts)
    rows = learner.rows()
    with torch.no_grad():
        said = learner.module.values(rows.observations, None, rows.memories, None)[0].squeeze(-1)
        losses = learner.value_losses(rows)
    torch.testing.assert_close(rows.values, said, rtol=1e-5, atol=1e-6)
    # Nothing has moved yet, and nothing is clipped.
    torch.testing.assert_close(losses, (rows.targets - said).square(), rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("kind", [GMAC, MAPPO])
def test_the_mean_of_a_law_that_a_critic_should_tell_is_the_lambda_return_of_its_means(kind, with_rollout):
    settings = {"critic": "mixture", "samples": 512, "normalise_values": False, "trace": 0.7}
    learner, _ = with_rollout(kind(**PLAIN | settings), "CartPole-v1", seeds=(0, 1), rollouts=2)
    rows = learner.rows()
    means = rows.targets.locations.mean(-1)
    spread = rows.targets.locations.std(-1) + rows.targets.scales.mean(-1)
    returns = rows.advantages + rows.values
    assert ((means - returns).abs() <= 0.15 * spread + 1e-4).float().mean() > 0.98
    assert (means - returns).mean().abs() < 0.02 * spread.mean() + 1e-4


def probabilities(run, size=1):
    with torch.no_grad():
        outputs, _ = run.module.act(torch.ones(len(run.record.seeds), 1, run.spec.n_agents, size), None)
    return outputs.softmax(-1)[:, 0]


@pytest.mark.parametrize("kind", [A2C, PPO, REINFORCE])
def test_the_best_arm_of_a_bandit_is_played_nearly_always(kind):
    arms = NormalFormGame(np.array([[0.1, 0.5, 0.9, 0.4]]))
    run = train(
        kind(lr=0.01, n_envs=8, rollout_steps=16), arms, steps=12_800, episodes=1, evaluate_every=12_800, seeds=range(3)
    )
    assert (probabilities(run)[:, 0, 2] > 0.95).all()


def test_with_a_bonus_for_entropy_self_play_in_matching_pennies_stays_near_the_equilibrium():
    """Without the bonus gradient play circles around it (Singh et al. 2000), so that nothing is to be expected."""
    algorithm = IA2C(lr=1e-3, n_envs=32, rollout_steps=8, entropy_weight=2.0, share="none")
    run = train(algorithm, "matching_pennies", steps=30_000, episodes=1, evaluate_every=30_000, seeds=range(3))
    assert (probabilities(run) - 0.5).abs().max() < 0.15


def learnt_at(algorithm, task, at):
    """Return the weights after one rollout, of a run of 640 steps that has come so far."""
    envs = SeededEnvs(lambda: make_environment(task, algorithm.n_envs), (0,), "cpu")
    envs.reset()
    learner = algorithm.learner(Spec.of(envs.envs[0]), (0,), steps=640, device="cpu")
    for _ in range(algorithm.rollout_steps):
        learner.observe(envs.step(learner.act(envs)), envs)
    learner.steps = at
    learner.learn()
    return learner.parameters.values


ONE_ROLLOUT = {"n_envs": 4, "rollout_steps": 8, "hidden": (8,), "minibatches": 1, "normalise_advantages": False}


@pytest.mark.parametrize("kind", [A2C, PPO, TRPO])
def test_what_entropy_counts_goes_to_its_end_over_the_run(kind):
    def learnt(at, **weights):
        return learnt_at(kind(**ONE_ROLLOUT, **weights), "climbing", at)

    falling = {"entropy_weight": 30.0, "entropy_weight_end": 10.0}
    for at, weight in ((0, 30.0), (320, 20.0), (640, 10.0), (700, 10.0)):
        assert torch.equal(learnt(at, **falling), learnt(at, entropy_weight=weight))
    assert not torch.equal(learnt(0, **falling), learnt(640, **falling))
    assert torch.equal(learnt(640, entropy_weight=30.0, entropy_weight_end=0.0), learnt(640))


@pytest.mark.parametrize("kind", [A2C, PPO, TRPO, REINFORCE, GMAC])
def test_the_discount_goes_to_its_end_over_the_run(kind):
    def learnt(at, **discounts):
        return learnt_at(kind(**ONE_ROLLOUT, **discounts), "CartPole-v1", at)

    rising = {"discount": 0.5, "discount_end": 1.0}
    for at, discount in ((0, 0.5), (320, 0.75), (640, 1.0), (700, 1.0)):
        assert torch.equal(learnt(at, **rising), learnt(at, discount=discount))
    assert not torch.equal(learnt(0, **rising), learnt(640, **rising))


class Corridor:
    """One agent who is shown a sign at the entrance, walks, and must choose the way it told at the end."""

    name, n_agents, n_actions, action_size, action_choices = "corridor", 1, 2, 0, ()
    observation_size, state_size, common_reward, judged, masked = 3, 1, True, False, False

    def __init__(self, n_envs, length=4):
        self.n_envs, self.length = n_envs, length
        self.state = self.reached_state = np.ones((n_envs, 1), np.float32)
        self.allowed = self.reached_allowed = np.ones((n_envs, 1, 2), np.bool_)

    def reset(self, seed, *, first=0):
        self.rng, self.time = np.random.default_rng([seed, first]), 0
        self._begin()
        return self.observations

    def _begin(self):
        self.time, self.sign = 0, self.rng.integers(0, 2, self.n_envs)
        self.observations = self._seen()

    def _seen(self):
        seen = np.zeros((self.n_envs, 1, 3), np.float32)
        if self.time == 0:
            seen[np.arange(self.n_envs), 0, self.sign] = 1.0
        seen[..., 2] = self.time == self.length - 1
        return seen

    def step(self, actions):
        self.time += 1
        over = np.full(self.n_envs, self.time == self.length)
        rewards = (over & (np.asarray(actions)[:, 0] == self.sign)).astype(np.float32)[:, None]
        self.observations = reached = self._seen()
        if over[0]:
            self._begin()
        return Step(self.observations, rewards, over, np.zeros_like(over), reached, np.zeros_like(over))

    def close(self):
        pass


@pytest.mark.parametrize("recurrent", [True, False])
def test_a_corridor_with_a_sign_at_its_entrance_is_solved_with_memory_alone(recurrent):
    algorithm = PPO(
        recurrent=recurrent, lr=3e-3, n_envs=32, rollout_steps=16, sequence_length=8, hidden=(16,), entropy_weight=0.01
    )
    envs = SeededEnvs(lambda: Corridor(32), range(3), "cpu")
    envs.reset()
    learner = algorithm.learner(Spec.of(envs.envs[0]), range(3), steps=100_000, device="cpu")
    for _ in range(60 * 16):
        learner.observe(envs.step(learner.act(envs)), envs)
        if learner.updates == 59 and learner.rollout.full:
            break
        learner.learn()
    last = learner.rollout.fields["rewards"]
    shares = last.sum((1, 2, 3)) / (32 * 16 / 4)
    assert (shares > 0.95).all() if recurrent else ((shares > 0.35) & (shares < 0.65)).all()
