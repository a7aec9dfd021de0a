"""PettingZoo's parallel environments as deep learners see them."""

import numpy as np
import pytest

from marlgt.deep import VDN, train
from marlgt.deep.environments import ParallelTask, make_environment
from marlgt.deep.environments.protocol import EnvironmentFailed
from marlgt.errors import GameError, UnsupportedGame
from marlgt.games import parallel_env, soccer
from marlgt.games.drones import make


class Rows:
    """A parallel environment of two agents of different kinds, which can be told to break."""

    possible_agents = ("tall", "small")

    def __init__(self, *, breaks_at=99, length=3, mask=(1, 1), actions=(2, 2), stops=False, space=None):
        from gymnasium import spaces

        self.agents, self.breaks_at, self.length, self.mask, self.stops = [], breaks_at, length, list(mask), stops
        self._spaces = {
            "tall": space or spaces.Box(-1, 9, (2, 2)),
            "small": spaces.Dict({"observation": spaces.Discrete(5), "action_mask": spaces.MultiBinary(2)}),
        }
        self._actions = dict(zip(self.possible_agents, map(spaces.Discrete, actions)))

    def observation_space(self, agent):
        return self._spaces[agent]

    def action_space(self, agent):
        return self._actions[agent]

    def _seen(self):
        views = {
            "tall": np.full((2, 2), self.steps, np.float32),
            "small": {"observation": min(self.steps, 4), "action_mask": np.array(self.mask, np.int8)},
        }
        return {agent: views[agent] for agent in self.agents}, {agent: {} for agent in self.agents}

    def reset(self, seed=None, options=None):
        self.agents, self.steps = list(self.possible_agents), 0
        return self._seen()

    def step(self, actions):
        self.steps += 1
        if self.steps == self.breaks_at:
            raise RuntimeError("the rope broke")
        there, seen = self.agents, None
        gone = {agent for agent in there if self.steps >= self.length + 2 * (agent == "tall")}
        seen = self._seen()
        self.agents = [agent for agent in there if agent not in gone]
        ended = {agent: agent in gone and not self.stops for agent in there}
        stopped = {agent: agent in gone and self.stops for agent in there}
        return seen[0], {a: float(1 + (a == "tall")) for a in there}, ended, stopped, seen[1]

    def close(self):
        """Nothing is open."""


ZEROS = np.zeros((1, 2), np.int64)


def test_a_parallel_environment_becomes_arrays():
    env = make_environment(Rows, 1)
    first = env.reset(0)
    # Four numbers and five: the first are filled up.
    assert first[0].tolist() == [[0, 0, 0, 0, 0], [1, 0, 0, 0, 0]]
    assert env.state_size == 10
    step = env.step(ZEROS)
    assert step.observations[0].tolist() == [[1, 1, 1, 1, 0], [0, 1, 0, 0, 0]]
    assert step.rewards.tolist() == [[2, 1]]


def test_who_is_done_early_sees_zeros_gets_nothing_and_has_one_action_until_all_are_done():
    env = make_environment(Rows, 1)
    env.reset(0)
    steps = []
    for _ in range(5):
        steps.append((env.step(ZEROS), env.allowed[0].tolist(), env.reached_allowed[0].tolist()))
    # The small one is done in the third step, in which she still sees where she came to.
    assert steps[2][0].reached[0, 1].tolist() == [0, 0, 0, 1, 0]
    for step, allowed, _ in steps[2:4]:
        assert allowed == [[True, True], [True, False]]
        assert not step.terminated.any()
    assert not steps[3][0].reached[0, 1].any()
    assert [step.rewards[0].tolist() for step, _, _ in steps] == [[2, 1]] * 3 + [[2, 0]] * 2
    last, allowed, reached_allowed = steps[4]
    assert last.terminated.all()
    assert allowed == [[True, True], [True, True]]
    assert reached_allowed == [[True, False], [True, False]]
    assert last.observations[0].tolist() == [[0, 0, 0, 0, 0], [1, 0, 0, 0, 0]]
    assert last.reached[0, 0].tolist() == [5, 5, 5, 5, 0]


def test_an_episode_is_truncated_where_somebody_was_stopped_in_its_last_step():
    env = make_environment(lambda: Rows(stops=True), 1)
    env.reset(0)
    flags = [(bool(s.terminated[0]), bool(s.truncated[0])) for s in (env.step(ZEROS) for _ in range(5))]
    assert flags == [(False, False)] * 4 + [(False, True)]


def test_rewards_may_be_shared():
    env = make_environment(Rows, 1, options={"shared_reward": True})
    env.reset(0)
    assert env.common_reward
    assert env.step(ZEROS).rewards.tolist() == [[3, 3]]


def test_an_environment_that_raises_is_named_with_copy_and_step_and_can_begin_anew():
    made = []

    def make():
        made.append(Rows(breaks_at=99 if len(made) != 1 else 2))
        return made[-1]

    env = make_environment(make, 3)
    env.reset(0)
    env.step(np.zeros((3, 2), np.int64))
    with pytest.raises(
        EnvironmentFailed, match=r"copy 1 of .* raised RuntimeError at step 2: the rope broke"
    ) as caught:
        env.step(np.zeros((3, 2), np.int64))
    assert (caught.value.copy, caught.value.step) == (1, 2)
    assert isinstance(caught.value.__cause__, RuntimeError)
    with pytest.raises(GameError, match="call reset"):
        env.step(np.zeros((3, 2), np.int64))
    env.reset(0)
    assert env.step(np.zeros((3, 2), np.int64)).rewards.shape == (3, 2)


def test_a_mask_that_forbids_everything_is_an_error():
    env = make_environment(lambda: Rows(mask=(0, 0)), 1)
    with pytest.raises(EnvironmentFailed, match="action_mask of small forbids everything"):
        env.reset(0)


def test_parallel_environments_that_do_not_fit_say_what_to_do():
    spaces = pytest.importorskip("gymnasium").spaces
    with pytest.raises(UnsupportedGame, match=r"have 2, 3 actions.*pad_actions=True"):
        make_environment(lambda: Rows(actions=(2, 3)), 1)
    with pytest.raises(UnsupportedGame, match=r"observations of tall .* Text space"):
        make_environment(lambda: Rows(space=spaces.Text(3)), 1)
    with pytest.raises(GameError, match="no option 'pad'"):
        make_environment(Rows, 1, options={"pad": True})
    with pytest.raises(UnsupportedGame, match=r"actions of drone_0 in .* are continuous"):
        make_environment(lambda: make("multihover", actions="velocity"), 1)

    def broken():
        raise OSError("no such ship")

    with pytest.raises(EnvironmentFailed, match="raised OSError when it was called to make copy 0: no such ship"):
        make_environment(broken, 1)


def test_the_state_of_a_parallel_environment_is_its_own_where_it_has_one():
    env = make_environment(lambda: parallel_env(soccer(), horizon=5), 2)
    env.reset(0)
    assert env.state_size == 761
    assert (env.state.sum(axis=1) == 1).all()


def test_an_environment_that_has_nothing_to_close_is_left_alone():
    class Open(Rows):
        def __getattribute__(self, name):
            if name == "close":
                raise AttributeError(name)
            return super().__getattribute__(name)

    env = make_environment(Open, 2)
    env.reset(0)
    assert env.close() is None


@pytest.mark.parametrize("shared", [False, True])
def test_the_options_of_a_parallel_environment_reach_a_training(shared):
    task = ParallelTask(lambda: Rows(actions=(2, 3), mask=(1, 1, 1)), pad_actions=True, shared_reward=shared)
    run = train(VDN(n_envs=2, learning_starts=8, hidden=(8,), batch_size=4), task, steps=16, episodes=1)
    assert run.spec.common_reward is shared
    assert run.spec.n_actions == 3
    # Three steps of 1 and 2 for both, then two of 2 for the taller.
    assert run.curve.mean_return[0, 0] == 13.0
    with pytest.raises(GameError, match="shared_reward"):
        make_environment(ParallelTask(Rows, shared_reward="yes"), 1)


def test_the_drones_parallel_environment_is_judged_and_one_without_success_in_its_infos_is_not():
    assert make_environment(lambda: make("multihover", n_drones=2), 1).judged
    assert not make_environment(Rows, 1).judged
