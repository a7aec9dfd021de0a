"""Environments whose actions are numbers or several choices at once: what they tell, scale, clip and refuse."""

import json

import numpy as np
import pytest
import torch

from marlgt.deep.algorithms.value_algorithm import Spec
from marlgt.deep.environments import BatchEnv, JointView, make_environment
from marlgt.deep.evaluation import RandomPolicy, play_episodes
from marlgt.deep.exploration import seeded_generators
from marlgt.deep.runs.run import _spec
from marlgt.deep.seeded_environments import SeededEnvs
from marlgt.errors import GameError, UnsupportedGame
from marlgt.games.drones import make_task


class Machine:
    """A Gymnasium environment that pays nothing and remembers what it was given."""

    def __init__(self, action_space, length=3):
        from gymnasium import spaces

        self.action_space, self.length = action_space, length
        self.observation_space = spaces.Box(-1.0, 1.0, (2,), np.float32)
        self.given = []

    def reset(self, seed=None, options=None):
        self.time = 0
        return np.zeros(2, np.float32), {}

    def step(self, action):
        assert self.action_space.contains(action)
        self.given.append(action)
        self.time += 1
        return np.zeros(2, np.float32), 0.0, self.time == self.length, False, {}

    def close(self):
        """Nothing is open."""


class Crew:
    """A parallel environment whose agents have the action spaces that are given."""

    def __init__(self, *spaces_of_agents):
        from gymnasium import spaces

        self.possible_agents = [f"agent_{i}" for i in range(len(spaces_of_agents))]
        self._actions = dict(zip(self.possible_agents, spaces_of_agents))
        self._seen = spaces.Box(-1.0, 1.0, (1,), np.float32)
        self.agents, self.given = [], []

    def observation_space(self, agent):
        return self._seen

    def action_space(self, agent):
        return self._actions[agent]

    def reset(self, seed=None, options=None):
        self.agents, self.time = list(self.possible_agents), 0
        return dict.fromkeys(self.agents, np.zeros(1, np.float32)), {}

    def step(self, actions):
        for agent, action in actions.items():
            assert self._actions[agent].contains(action)
        self.given.append(actions)
        self.time += 1
        there = self.agents
        over = dict.fromkeys(there, self.time == 3)
        if self.time == 3:
            self.agents = []
        return dict.fromkeys(there, np.zeros(1, np.float32)), dict.fromkeys(there, 1.0), over, over, {}


def box(low=(-1.0, 0.0), high=(3.0, 10.0)):
    from gymnasium import spaces

    return spaces.Box(np.array(low, np.float32), np.array(high, np.float32))


def several(*sizes):
    from gymnasium import spaces

    return spaces.MultiDiscrete(sizes)


TOLD = {
    "CartPole-v1": (2, 0, ()),
    "climbing": (3, 0, ()),
    "two_step": (2, 0, ()),
    "Foraging-5x5-2p-1f-v3": (6, 0, ()),
    "FrozenLake-v1": (4, 0, ()),
    "multihover:n_drones=2": (27, 0, ()),
    "gate": (0, 3, ()),
    "hover1d": (0, 1, ()),
    "hover": (0, 4, ()),
    "MountainCarContinuous-v0": (0, 1, ()),
    "Pendulum-v1": (0, 1, ()),
}


@pytest.mark.parametrize("task", TOLD)
def test_an_environment_tells_what_its_actions_are_and_plays_random_ones(task):
    env = make_environment(task, 2, continuous=True, frames=2)
    told = env.action_size, env.action_choices
    assert told == TOLD[task][1:]
    assert bool(env.n_actions) == bool(TOLD[task][0])
    assert isinstance(env, BatchEnv)
    envs = SeededEnvs(lambda: env, [3], "cpu")
    envs.reset()
    policy = RandomPolicy(env.n_actions, seeded_generators([3], 0), action_size=told[0], action_choices=told[1])
    for _ in range(3):
        step = envs.step(policy.act(envs.observations, envs.allowed if env.masked else None))
        assert torch.isfinite(step.rewards).all()
    env.close()


def test_random_actions_are_uniform_whatever_their_kind():
    seen = torch.zeros(1, 20_000, 1, 1)
    numbers = RandomPolicy(0, seeded_generators([0], 0), action_size=2).act(seen, None)
    assert numbers.shape == (1, 20_000, 1, 2)
    assert numbers.dtype == torch.float32
    assert numbers.min() >= -1
    assert numbers.max() <= 1
    assert numbers.mean().abs() < 0.02
    assert (numbers.var() - 1 / 3).abs() < 0.01
    choices = RandomPolicy(0, seeded_generators([0], 0), action_choices=(2, 5)).act(seen, None)
    for j, size in enumerate((2, 5)):
        counts = choices[..., j].flatten().bincount(minlength=size)
        assert len(counts) == size
        assert (counts / 20_000 - 1 / size).abs().max() < 0.02


@pytest.mark.parametrize("backend", ["numba", "torch", "bullet"])
def test_drones_clip_numbers_beyond_the_bounds(backend):
    if backend == "bullet":
        pytest.importorskip("pybullet")
    task = "gate:seconds=0.5"
    one, other = (make_environment(task, 2, backend=backend, continuous=True) for _ in range(2))
    wild = np.array([[[3.0, -7.0, 0.5], [0.0, 1.5, -1.0]]] * 2, np.float32)
    for env, actions in ((one, wild), (other, wild.clip(-1, 1))):
        env.reset(0)
        env.last = [env.step(torch.from_numpy(actions) if backend == "torch" else actions) for _ in range(4)]
        assert isinstance(env.last[-1].rewards, torch.Tensor if backend == "torch" else np.ndarray)
    for step, twin in zip(one.last, other.last):
        for part, same in zip(step, twin):
            assert np.array_equal(np.asarray(part), np.asarray(same))
    with pytest.raises(GameError, match=r"not a number|look for a NaN"):
        one.step(wild * np.nan if backend != "torch" else torch.from_numpy(wild * np.nan))
    one.close()
    other.close()


def test_drones_take_their_first_kind_of_actions_and_any_that_is_named():
    assert make_environment("gate", 1).n_actions > 0
    assert make_environment("gate", 1, continuous=True).action_size == 3
    assert make_environment("gate:actions=motors", 1, continuous=True).action_size == 4
    assert make_environment("gate:actions=discrete", 1, continuous=True).n_actions > 0
    assert make_environment("formation", 1, continuous=True).n_actions > 0
    assert make_environment(make_task("formation", actions="velocity"), 1, continuous=True).action_size == 3


def test_numbers_are_scaled_to_the_bounds_of_a_box_and_clipped():
    made = []

    def machine():
        made.append(Machine(box()))
        return made[-1]

    env = make_environment(machine, 1, continuous=True)
    assert (env.n_actions, env.action_size, env.action_choices) == (0, 2, ())
    env.reset(0)
    for action in ([-1.0, -1.0], [0.0, 1.0], [9.0, -9.0]):
        env.step(np.array([[action]], np.float32))
    assert [given.tolist() for given in made[0].given] == [[-1.0, 0.0], [1.0, 10.0], [3.0, 0.0]]
    with pytest.raises(GameError, match="is not 2 numbers from -1 to 1"):
        env.step(np.array([[[np.nan, 0.0]]], np.float32))


def test_several_choices_at_once_reach_a_gymnasium_environment_as_they_are():
    made = []

    def machine():
        made.append(Machine(several(2, 3)))
        return made[-1]

    env = make_environment(machine, 1, continuous=True)
    assert (env.n_actions, env.action_size, env.action_choices) == (0, 0, (2, 3))
    assert not env.masked
    env.reset(0)
    env.step(np.array([[[1, 2]]]))
    assert made[0].given[0].tolist() == [1, 2]
    with pytest.raises(GameError, match=r"the choices \[2, 0\] are not one from 0 on for each of the sizes \[2, 3\]"):
        env.step(np.array([[[2, 0]]]))


@pytest.mark.parametrize("space", ["box", "several"])
def test_agents_of_a_parallel_environment_may_have_numbers_or_several_choices(space):
    made = []

    def crew():
        made.append(Crew(*[box() if space == "box" else several(2, 3)] * 2))
        return made[-1]

    env = make_environment(crew, 2, continuous=True)
    sizes = {"action_size": 2} if space == "box" else {"action_choices": (2, 3)}
    assert (env.n_actions, env.action_size, env.action_choices) == (
        0,
        sizes.get("action_size", 0),
        sizes.get("action_choices", ()),
    )
    envs = SeededEnvs(lambda: env, [0], "cpu")
    episodes = play_episodes(RandomPolicy(0, seeded_generators([0], 0), **sizes), envs)
    assert episodes.lengths.tolist() == [[3, 3]]
    assert len(made[0].given) == 3


def infinite():
    return Machine(box((-np.inf, 0.0)))


def mixed():
    return Crew(box(), several(2, 3))


def different():
    return Crew(box(), box((-2.0, 0.0)))


@pytest.mark.parametrize(
    ("task", "message"),
    [
        (infinite, "have no bounds, and numbers from -1 to 1 cannot be scaled to them"),
        (mixed, "have different actions, and numbers or several choices must be alike for all"),
        (different, "have different actions"),
    ],
)
def test_actions_that_cannot_be_told_are_refused(task, message):
    with pytest.raises(UnsupportedGame, match=message):
        make_environment(task, 1, continuous=True)


@pytest.mark.parametrize(
    "task", ["Pendulum-v1", "MountainCarContinuous-v0", "hover1d", lambda: Machine(several(2, 2)), lambda: Crew(box())]
)
def test_without_leave_only_single_choices_are_welcome(task):
    with pytest.raises(UnsupportedGame, match="learners of action values choose from a list: "):
        make_environment(task, 1)


def test_a_joint_view_of_numbers_is_refused():
    with pytest.raises(UnsupportedGame, match="is no single choice"):
        JointView(make_environment("gate", 1, continuous=True))


def test_the_sizes_of_a_task_survive_their_file_and_old_files_are_read():
    for task in ("gate", "climbing"):
        spec = Spec.of(make_environment(task, 1, continuous=True))
        assert _spec(json.loads(json.dumps({"spec": spec._asdict()}))) == spec
    told = Spec(2, 0, 3, 4, True, False, 0, (2, 3))
    assert _spec(json.loads(json.dumps({"spec": told._asdict()}))) == told
    old = {"n_agents": 2, "n_actions": 3, "observation_size": 4, "state_size": 5, "common_reward": True, "masked": True}
    assert _spec({"spec": old}) == Spec(2, 3, 4, 5, True, True)
    for broken in ({"action_size": 1.5}, {"action_choices": [2, "3"]}, {"action_choices": 3}, {"more": 1}):
        with pytest.raises(GameError, match="do not hold the sizes of the task"):
            _spec({"spec": old | broken})
    for absurd in ({"action_size": 10**9}, {"action_choices": [-1]}, {"action_choices": [10**6, 10**6]}):
        with pytest.raises(GameError, match="are those of no task"):
            _spec({"spec": old | absurd})
