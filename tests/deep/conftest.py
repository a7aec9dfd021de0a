"""Tiny environments for the tests of the deep layer, written as users write theirs: for PettingZoo and Gymnasium."""

from pathlib import Path

import numpy as np
import pytest
import torch


class Clock:
    """Agents who cannot change anything: a team reward of 1 a step, for a number of steps.

    With `masks`, the last action is never allowed, and taking it breaks the environment.
    """

    def __init__(self, n_agents=2, length=5, *, terminates=False, timed=False, masks=False, n_actions=3):
        from gymnasium import spaces

        self.possible_agents = [f"agent_{i}" for i in range(n_agents)]
        self.length, self.terminates, self.timed, self.masks = length, terminates, timed, masks
        self._action = spaces.Discrete(n_actions)
        self._box = spaces.Box(0.0, 1.0, (length + 1 if timed else 1,), np.float32)
        self.agents = []

    def observation_space(self, agent):
        return self._box

    def action_space(self, agent):
        return self._action

    def _views(self):
        view = np.zeros(self._box.shape, np.float32)
        view[self.time if self.timed else 0] = 1.0
        mask = np.ones(self._action.n, np.int8)
        mask[-1] = not self.masks
        return dict.fromkeys(self.agents, view), {agent: {"action_mask": mask} for agent in self.agents}

    def reset(self, seed=None, options=None):
        self.agents, self.time = list(self.possible_agents), 0
        return self._views()

    def step(self, actions):
        if self.masks and any(action == self._action.n - 1 for action in actions.values()):
            raise RuntimeError("an action was taken that is not allowed")
        self.time += 1
        there = self.agents
        over = self.time == self.length
        views, infos = self._views()
        if over:
            self.agents = []
        rewards = dict.fromkeys(there, 1.0 / len(there))
        ended = dict.fromkeys(there, over and self.terminates)
        stopped = dict.fromkeys(there, over and not self.terminates)
        return views, rewards, ended, stopped, infos

    def close(self):
        pass


class Walk:
    """One agent between two cliffs, for Gymnasium: to the right is right; chance moves her too; a mask at the wall."""

    def __init__(self, masks=False):
        from gymnasium import spaces

        self.action_space, self.observation_space = spaces.Discrete(2), spaces.Box(-1.0, 1.0, (2,), np.float32)
        self.masks, self.place, self.steps, self.rng = masks, 0, 0, np.random.default_rng(0)

    def _seen(self):
        mask = np.array([not self.masks or self.place > -2, True])
        return np.array([self.place / 4, self.steps / 20], np.float32), {"action_mask": mask}

    def reset(self, *, seed=None, options=None):
        if seed is not None:
            self.rng = np.random.default_rng(seed)
        self.place, self.steps = int(self.rng.integers(-1, 2)), 0
        return self._seen()

    def step(self, action):
        if self.masks and action == 0 and self.place <= -2:
            raise RuntimeError("an action was taken that is not allowed")
        self.steps += 1
        self.place = max(self.place + (1 if action == 1 else -1) + int(self.rng.integers(-1, 2)), -2)
        over = self.place >= 4
        seen, info = self._seen()
        return seen, 1.0 if over else -0.1, over, self.steps == 20, info

    def close(self):
        pass


@pytest.fixture
def clock():
    """The class of the parallel environment."""
    pytest.importorskip("gymnasium")
    return Clock


@pytest.fixture
def walk():
    """The class of the Gymnasium environment."""
    pytest.importorskip("gymnasium")
    return Walk


class Harmful:
    """What makes a file if it is read as a pickle."""

    def __init__(self, place):
        self.place = place

    def __reduce__(self):
        return Path.touch, (self.place,)


@pytest.fixture
def harmful():
    """The class of what a pickle must not be read for."""
    return Harmful


@pytest.fixture
def one_thread():
    """As the trainer sets it: with more threads, MKL divides small products by their number and changes bits."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture
def begun():
    """Make a learner and its environments, at their beginning."""
    from marlgt.deep.algorithms.value_algorithm import Spec
    from marlgt.deep.environments import make_environment
    from marlgt.deep.seeded_environments import SeededEnvs

    def make(algorithm, task, seeds=(3, 5)):
        def made():
            return algorithm.view(make_environment(task, algorithm.n_envs, continuous=algorithm.continuous))

        envs = SeededEnvs(made, seeds, "cpu")
        envs.reset()
        return algorithm.learner(Spec.of(envs.envs[0]), seeds, steps=10_000, device="cpu"), envs

    return make


@pytest.fixture
def after():
    """Let a learner act, observe and learn for some steps, and return it."""

    def go_on(steps, learner, envs):
        for _ in range(steps):
            learner.observe(envs.step(learner.act(envs)), envs)
            learner.learn()
        return learner

    return go_on


@pytest.fixture
def with_rollout(begun):
    """Make a learner of policies that has just filled its first rollout."""

    def make(algorithm, task, seeds=(0,), rollouts=1):
        learner, envs = begun(algorithm, task, seeds)
        for number in range(rollouts):
            while not learner.rollout.full:
                learner.observe(envs.step(learner.act(envs)), envs)
            if number < rollouts - 1:
                learner.learn()
        return learner, envs

    return make
