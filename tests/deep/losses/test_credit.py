"""Difference rewards and the aristocrat's utility: against the games that they make, and what they spare a gradient."""

import numpy as np
import pytest
import torch

import marlgt as gt
from marlgt.deep import COMA, IA2C, IPPO, IREINFORCE, train
from marlgt.deep.losses.credit import aristocrat_utilities, difference_rewards
from marlgt.errors import GameError, UnsupportedGame
from marlgt.games import NormalFormGame

pytestmark = pytest.mark.usefixtures("one_thread")

PLAIN = {"value_weight": 0.0, "rollout_steps": 8, "n_envs": 64, "hidden": (4,), "normalise_advantages": False}


def alternatives_in(rewards, actions):
    """Return R(b, a_-i), shape (rows, n, A), by indexing."""
    rows = []
    for own in actions:
        rows.append([[rewards[(*own[:i], b, *own[i + 1 :])] for b in range(rewards.shape[0])] for i in range(len(own))])
    return torch.tensor(np.array(rows))


def random_team(n_agents=3, n_actions=3, seed=0):
    return np.random.default_rng(seed).normal(size=(n_actions,) * n_agents)


def test_both_signals_are_the_payoffs_of_the_games_that_they_make():
    rewards = random_team()
    team = NormalFormGame.common_interest(rewards)
    actions = np.array(list(np.ndindex(rewards.shape)))
    told, chosen = alternatives_in(rewards, actions), torch.tensor(actions)
    paid = gt.learners.difference_rewards(team, [1, 1, 1]).payoffs.reshape(3, -1).T
    assert np.allclose(difference_rewards(told, chosen, 1).numpy(), paid)
    policies = np.random.default_rng(1).dirichlet(np.ones(3), size=3)
    paid = gt.learners.aristocrat_utilities(team, policies).payoffs.reshape(3, -1).T
    found = aristocrat_utilities(told, torch.tensor(policies).expand(27, 3, 3), chosen)
    assert np.allclose(found.numpy(), paid)


def test_the_aristocrats_utility_has_mean_0_under_her_policy_and_skips_what_is_not_allowed():
    told = torch.tensor(random_team(2, 4)).expand(1, 2, 4, 4)[:, :, 0].clone()
    policies = torch.tensor(np.random.default_rng(2).dirichlet(np.ones(4), size=(1, 2)))
    policies[..., 3], told[..., 3] = 0.0, torch.nan
    policies = policies / policies.sum(-1, keepdim=True)
    each = [aristocrat_utilities(told, policies, torch.full((1, 2), a)) for a in range(3)]
    assert sum(policies[..., a] * each[a] for a in range(3)).abs().max() < 1e-12


@pytest.mark.parametrize("signal", ["reward", "difference", "aristocrat"])
def test_a_rollout_is_paid_the_signal(signal, with_rollout):
    rewards = random_team().astype(np.float32)
    algorithm = IREINFORCE(signal=signal, default_action=2, **PLAIN)
    learner, _ = with_rollout(algorithm, NormalFormGame.common_interest(rewards), seeds=(0, 1))
    kept = learner.rollout.fields
    actions = kept["actions"].flatten(0, 2)
    told = alternatives_in(rewards, actions.numpy()).float()
    expected = {
        "reward": torch.tensor(rewards[tuple(actions.numpy().T)]).unsqueeze(1).expand(-1, 3),
        "difference": difference_rewards(told, actions, 2),
        "aristocrat": aristocrat_utilities(told, learner.law.probabilities(kept["outputs"]).flatten(0, 2), actions),
    }[signal]
    assert torch.allclose(kept["rewards"].flatten(0, 2), expected, atol=1e-6)


def gradients(signal, game, with_rollout, seeds):
    """Return the policy gradient of each seed at the same weights, shape (seeds, P)."""
    learner, _ = with_rollout(IREINFORCE(signal=signal, **PLAIN), game, seeds=seeds)
    first = learner.parameters.seed_slice(0)
    again, envs = with_rollout(IREINFORCE(signal=signal, **PLAIN), game, seeds=seeds)
    for place in range(len(seeds)):
        again.parameters.load_seed_slice(place, first)
    again.rollout.begin()
    while not again.rollout.full:
        again.observe(envs.step(again.act(envs)), envs)
    again.optimiser.clip = None
    again.update(again.rows())
    return torch.cat([block.clone() for block in again.parameters.gradients_by_seed], dim=1)


@pytest.mark.parametrize("task", ["climbing", "penalty_game", "eight who add"])
def test_the_gradient_has_the_same_mean_and_where_rewards_add_up_far_less_variance(task, with_rollout):
    if task == "eight who add":
        game = NormalFormGame.common_interest(np.indices((2,) * 8).sum(axis=0).astype(float))
    else:
        game = task
    found = {
        signal: gradients(signal, game, with_rollout, range(32)) for signal in ("reward", "difference", "aristocrat")
    }
    errors = {signal: (each.var(0) / len(each)).sum().sqrt() for signal, each in found.items()}
    spread = {signal: each.var(0).sum().item() for signal, each in found.items()}
    for signal in ("difference", "aristocrat"):
        gap = torch.linalg.vector_norm(found[signal].mean(0) - found["reward"].mean(0))
        assert gap < 3.0 * torch.hypot(errors[signal], errors["reward"])
    if task == "eight who add":
        # Every agent's part of an additive reward is known, so that only her own chance is left.
        assert spread["difference"] < 0.1 * spread["reward"]
        assert spread["aristocrat"] < 0.05 * spread["reward"]


class Lifting:
    """Twenty agents of whom each does or does not lift: the team is paid for those who lift and should, 1 each."""

    action_size, action_choices = 0, ()

    def __init__(self, n_envs, n_agents=20):
        self.name, self.n_envs, self.n_agents, self.n_actions = "lifting", n_envs, n_agents, 2
        self.observation_size = self.state_size = 1
        self.common_reward, self.judged, self.masked = True, False, False
        self.should = np.arange(n_agents) % 3 == 0
        self.observations = self.reached = np.ones((n_envs, n_agents, 1), np.float32)
        self.state = self.reached_state = np.ones((n_envs, 1), np.float32)
        self.allowed = self.reached_allowed = np.ones((n_envs, n_agents, 2), np.bool_)

    def reset(self, seed, *, first=0):
        return self.observations

    def _paid(self, actions):
        return np.where(np.asarray(actions).astype(bool) == self.should, 1.0, 0.0)

    def step(self, actions):
        from marlgt.deep.environments.protocol import Step

        never = np.zeros(self.n_envs, np.bool_)
        team = self._paid(actions).sum(1, keepdims=True).repeat(self.n_agents, 1).astype(np.float32)
        return Step(self.observations, team, ~never, never, self.reached, never)

    def alternatives(self, actions):
        others = self._paid(actions).sum(1, keepdims=True) - self._paid(actions)
        own = np.stack((~self.should, self.should), axis=-1).astype(float)
        return (others[..., None] + own).astype(np.float32)

    def snapshot(self):
        return {}

    def restore(self, snapshot):
        return self.observations

    def close(self):
        pass


@pytest.fixture
def lifted():
    """Return what share of twenty agents learnt whether to lift, in 40 updates of a REINFORCE without a baseline."""

    def run(signal, algorithm=IREINFORCE, **settings):
        from marlgt.deep.algorithms.value_algorithm import Spec
        from marlgt.deep.seeded_environments import SeededEnvs

        made = algorithm(signal=signal, n_envs=8, rollout_steps=2, share="none", hidden=(4,), lr=0.05, **settings)
        envs = SeededEnvs(lambda: Lifting(8), range(5), "cpu")
        learner = made.learner(Spec.of(envs.envs[0]), range(5), steps=1000, device="cpu")
        while learner.updates < 40:
            learner.observe(envs.step(learner.act(envs)), envs)
            learner.learn()
        played = learner.policy().act(envs.observations)[:, 0]
        return float((played.bool() == torch.tensor(envs.envs[0].should)).float().mean())

    return run


def test_of_twenty_agents_each_learns_her_own_part_by_credit_and_not_by_the_team_reward(lifted):
    plain = {"value_weight": 0.0, "normalise_advantages": False}
    assert lifted("aristocrat", **plain) == 1.0
    assert lifted("difference", **plain) >= 0.95
    assert lifted("reward", **plain) < 0.9


@pytest.mark.parametrize("kind", [IPPO, IA2C, COMA])
def test_every_algorithm_of_policies_takes_the_signal(kind):
    algorithm = kind(signal="aristocrat", n_envs=4, rollout_steps=8, hidden=(8,))
    both = train(algorithm, "climbing", steps=64, episodes=1, seeds=(0, 1))
    alone = train(algorithm, "climbing", steps=64, episodes=1, seeds=(1,))
    mine, theirs = dict(both.module.named_parameters()), dict(alone.module.named_parameters())
    assert all(torch.equal(mine[name][1:], theirs[name]) for name in mine)


def test_returns_are_told_in_the_rewards_of_the_task():
    run = train(IA2C(signal="difference", n_envs=4), "penalty_game", steps=40, episodes=2)
    assert set(np.unique(run.curve.returns)) <= {-100.0, 0.0, 2.0, 10.0}


def test_tasks_that_tell_no_alternatives_are_refused_in_a_sentence():
    with pytest.raises(UnsupportedGame, match="CartPole-v1 cannot tell what would have been paid"):
        train(IA2C(signal="aristocrat"), "CartPole-v1", steps=10)
    with pytest.raises(UnsupportedGame, match="cannot tell what would have been paid"):
        train(IPPO(signal="difference"), "Pendulum-v1", steps=10)


def test_default_actions_that_there_are_not_or_are_not_allowed_are_refused():
    with pytest.raises(GameError, match="default_action is 3: agents have actions 0 to 2"):
        train(IA2C(signal="difference", default_action=3), "climbing", steps=10)
    told = torch.tensor([[[1.0, torch.nan]]])
    with pytest.raises(GameError, match="default_action 1 is not always allowed"):
        difference_rewards(told, torch.zeros(1, 1, dtype=torch.int64), 1)
    with pytest.raises(GameError, match="default_action must be a whole number of at least 0"):
        IA2C(default_action=-1)
