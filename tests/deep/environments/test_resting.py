"""Copies of others' environments that nobody looks at any more are not stepped on."""

import numpy as np
import pytest
import torch

from marlgt.deep.environments import make_environment
from marlgt.deep.environments.protocol import rest
from marlgt.deep.evaluation import play_episodes
from marlgt.deep.seeded_environments import SeededEnvs

spaces = pytest.importorskip("gymnasium").spaces


class Counted:
    """An environment for one agent whose episode's length is drawn, and that counts all steps of all copies."""

    taken = 0
    observation_space, action_space = spaces.Box(-1, 99, (2,)), spaces.Discrete(2)

    def reset(self, seed=None, options=None):
        if seed is not None:
            self.rng = np.random.default_rng(seed)
        self.steps, self.length = 0, int(self.rng.integers(2, 40))
        return self._seen(), {"action_mask": np.array([1, 1])}

    def _seen(self):
        return np.array([self.steps, self.length], np.float32)

    def step(self, action):
        type(self).taken += 1
        self.steps += 1
        return self._seen(), float(action), self.steps == self.length, False, {"action_mask": np.array([1, 1])}

    def close(self):
        """Nothing is open."""


class CountedPair:
    """The same for two agents at once."""

    taken = 0
    possible_agents = ("one", "other")

    def __init__(self):
        self.inner, self.agents = Counted(), []

    def observation_space(self, agent):
        return self.inner.observation_space

    def action_space(self, agent):
        return self.inner.action_space

    def reset(self, seed=None, options=None):
        seen, _ = self.inner.reset(seed)
        self.agents = list(self.possible_agents)
        return dict.fromkeys(self.agents, seen), {agent: {} for agent in self.agents}

    def step(self, actions):
        type(self).taken += 1
        seen, _, ended, _, _ = self.inner.step(0)
        there, self.agents = self.agents, [] if ended else self.agents
        paid = {agent: float(action) for agent, action in actions.items()}
        told = [dict.fromkeys(there, what) for what in (seen, ended, False)]
        return told[0], paid, told[1], told[2], {agent: {} for agent in there}

    def close(self):
        """Nothing is open."""


class ByParity:
    """A policy that acts by what it observes."""

    def begin(self):
        """There is nothing to forget."""

    def act(self, observations, allowed):
        return ((observations[..., 0] + observations[..., 1]) % 2).long()


def played(make, frames=1):
    envs = SeededEnvs(lambda: make_environment(make, 8, frames=frames), [3, 4], torch.device("cpu"))
    return play_episodes(ByParity(), envs)


@pytest.mark.parametrize("make", [Counted, CountedPair])
@pytest.mark.parametrize("frames", [1, 3])
def test_each_copy_is_stepped_to_the_end_of_its_episode_and_no_further(make, frames):
    before = make.taken
    episodes = played(make, frames)
    assert make.taken - before == episodes.lengths.sum() < episodes.lengths.max() * 16


@pytest.mark.parametrize("make", [Counted, CountedPair])
def test_what_is_earned_is_the_same_as_if_all_were_stepped_on(make, monkeypatch):
    resting = played(make)
    monkeypatch.setattr(SeededEnvs, "rest", lambda self, resting: None)
    stepped = played(make)
    np.testing.assert_array_equal(resting.returns, stepped.returns)
    np.testing.assert_array_equal(resting.lengths, stepped.lengths)
    assert stepped.returns.any()


@pytest.mark.parametrize("make", [Counted, CountedPair])
def test_resting_copies_stay_as_they_are_until_the_next_reset(make):
    env = make_environment(make, 3)
    env.reset(0)
    rest(env, np.array([False, True, False]))
    before = env.observations.copy()
    step = env.step(np.ones((3, env.n_agents), np.int64))
    np.testing.assert_array_equal(step.observations[1], before[1])
    assert step.rewards[:, 0].tolist() == [1.0, 0.0, 1.0]
    assert env.allowed.all()
    assert (step.observations[::2, :, 0] == before[::2, :, 0] + 1).all()
    env.reset(0)
    assert env.step(np.ones((3, env.n_agents), np.int64)).rewards.all()


def test_who_cannot_rest_is_stepped_on():
    env = make_environment("CartPole-v1", 2)
    env.reset(0)
    rest(env, np.array([True, False]))
    assert env.step(np.zeros((2, 1), np.int64)).rewards.tolist() == [[1.0], [1.0]]
