"""What holds for every environment of deep learners, whatever it is made of."""

from types import MappingProxyType

import numpy as np
import pytest

from marlgt.deep.environments import BatchEnv, FrameStack, JointView, make_environment
from marlgt.deep.environments.foraging_grids import relative_places
from marlgt.errors import GameError
from marlgt.games import NormalFormGame, parallel_env, soccer
from marlgt.games.drones import Disturbances, make_task


class Relay:
    """A parallel environment of three agents with masks: each is done once she has run her own number of steps."""

    possible_agents = ("ann", "bob", "cy")
    lengths = MappingProxyType({"ann": 2, "bob": 4, "cy": 3})

    def __init__(self, *, limit=100):
        from gymnasium import spaces

        self.agents, self.limit = [], limit
        self._spaces = {name: spaces.Box(-9.0, 9.0, (1 + i, 1)) for i, name in enumerate(self.possible_agents)}
        self._action = spaces.Discrete(3)

    def observation_space(self, agent):
        return self._spaces[agent]

    def action_space(self, agent):
        return self._action

    def _seen(self, agents):
        views = {a: np.full(self._spaces[a].shape, self.at[a] + self.noise, np.float32) for a in agents}
        # Action 2 is for even places only.
        return views, {a: {"action_mask": np.array([1, 1, self.at[a] % 2 == 0], np.int8)} for a in agents}

    def reset(self, seed=None, options=None):
        if seed is not None:
            self.rng = np.random.default_rng(seed)
        self.agents, self.at, self.steps = list(self.possible_agents), dict.fromkeys(self.possible_agents, 0), 0
        self.noise = self.rng.uniform()
        return self._seen(self.agents)

    def step(self, actions):
        assert set(actions) == set(self.agents)
        self.steps += 1
        there = self.agents
        for agent, action in actions.items():
            assert action < 2 or self.at[agent] % 2 == 0
            self.at[agent] += 1 + (action == 2)
        ended = {a: self.at[a] >= self.lengths[a] for a in there}
        stopped = {a: self.steps >= self.limit and not ended[a] for a in there}
        self.agents = [a for a in there if not ended[a] and not stopped[a]]
        views, infos = self._seen(there)
        return views, dict.fromkeys(there, 1.0), ended, stopped, infos

    def close(self):
        """Nothing is open."""


def relay():
    return Relay()


def soccer_view():
    return parallel_env(soccer(), horizon=9)


LOSSY = make_task("multihover", n_drones=2, seconds=0.3, disturbances=Disturbances(loss=0.9))

MAKERS = {
    "drones": lambda b: make_environment("multihover:n_drones=2,seconds=0.3", b),
    "drones with losses": lambda b: make_environment(LOSSY, b),
    "foraging": lambda b: make_environment("Foraging-5x5-2p-1f-v3", b),
    "foraging, relative": lambda b: make_environment("Foraging-2s-5x5-2p-1f-v3:observation=relative,masked=false", b),
    "foraging, shared": lambda b: make_environment("Foraging-2s-5x5-3p-2f-v3:shared_reward=true", b),
    "matrix": lambda b: make_environment("climbing", b),
    "repeated matrix": lambda b: make_environment("penalty:penalty=-25,repeats=3", b),
    "two steps": lambda b: make_environment("two_step", b),
    "soccer": lambda b: make_environment("soccer:horizon=9,observation=binary", b),
    "turns": lambda b: make_environment("alternating_turns", b),
    "cart": lambda b: make_environment("CartPole-v1", b),
    "acrobot": lambda b: make_environment("Acrobot-v1", b),
    "gymnasium": lambda b: make_environment("CartPole-v1", b, options={"max_episode_steps": 12}),
    "lake": lambda b: make_environment("FrozenLake-v1", b),
    "taxi": lambda b: make_environment("Taxi-v4:max_episode_steps=20", b),
    "relay": lambda b: make_environment(relay, b),
    "pettingzoo": lambda b: make_environment(soccer_view, b, options={"shared_reward": True}),
    "frames of drones": lambda b: make_environment("multihover:n_drones=2,seconds=0.3", b, frames=3),
    "frames of drones on tensors": lambda b: make_environment(LOSSY, b, frames=2, backend="torch"),
    "frames of a cart": lambda b: make_environment("CartPole-v1", b, frames=4),
    "frames of a relay": lambda b: make_environment(relay, b, frames=2),
    "joint foraging": lambda b: JointView(make_environment("Foraging-5x5-2p-1f-v3", b)),
    "joint turns": lambda b: JointView(make_environment("alternating_turns", b, frames=2)),
}
SAVED = [
    name for name in MAKERS if name not in ("gymnasium", "lake", "taxi", "relay", "pettingzoo", "frames of a relay")
]
KNOWN = {"matrix", "repeated matrix", "two steps", "turns", "joint turns"}
"""Environments without chance."""


def chosen(env, rngs):
    """Return random actions among the allowed, each copy's by its own generator."""
    allowed = np.asarray(env.allowed)
    actions = np.array([[rng.choice(np.flatnonzero(own)) for own in copy] for rng, copy in zip(rngs, allowed)])
    observations = env.observations
    return actions if isinstance(observations, np.ndarray) else observations.new_tensor(actions).long()


def generators(b, first=0):
    return [np.random.default_rng([7, first + k]) for k in range(b)]


def played(env, rngs, steps):
    """Return all that some steps give, as a list of lists of arrays, copied."""
    record = []
    for _ in range(steps):
        step = env.step(chosen(env, rngs))
        parts = (*step, env.state, env.allowed, env.reached_state, env.reached_allowed)
        record.append([np.asarray(part).copy() for part in parts])
    return record


def same(one, other):
    return all(np.array_equal(a, b) for step, twin in zip(one, other, strict=True) for a, b in zip(step, twin))


def length(name, usual):
    """Return how many steps to play: steps on tensors are slow, and their episodes last 9."""
    return 12 if "tensors" in name else usual


@pytest.mark.parametrize("name", MAKERS)
def test_everything_has_the_shape_and_kind_that_is_agreed(name):
    env = MAKERS[name](3)
    assert isinstance(env, BatchEnv)
    b, n, d, z, a = env.n_envs, env.n_agents, env.observation_size, env.state_size, env.n_actions
    assert b == 3
    shapes = {"observations": (b, n, d), "rewards": (b, n), "reached": (b, n, d)}
    first = env.reset(0)
    assert np.array_equal(np.asarray(first), np.asarray(env.observations))
    rngs = generators(3)
    for _ in range(length(name, 20)):
        step = env.step(chosen(env, rngs))
        for name, part in step._asdict().items():
            array = np.asarray(part)
            assert array.shape == shapes.get(name, (b,)), name
            assert array.dtype == (np.float32 if name in shapes else np.bool_), name
        for part, shape, kind in (
            (env.observations, (b, n, d), np.float32),
            (env.state, (b, z), np.float32),
            (env.reached_state, (b, z), np.float32),
            (env.allowed, (b, n, a), np.bool_),
            (env.reached_allowed, (b, n, a), np.bool_),
        ):
            array = np.asarray(part)
            assert array.shape == shape
            assert array.dtype == kind
        assert np.asarray(env.allowed).any(axis=-1).all()
        assert np.asarray(env.reached_allowed).any(axis=-1).all()
        if env.common_reward:
            rewards = np.asarray(step.rewards)
            np.testing.assert_array_equal(rewards, np.repeat(rewards[:, :1], n, axis=1))
    env.close()


@pytest.mark.parametrize("name", MAKERS)
def test_what_was_reached_is_what_is_observed_but_where_an_episode_is_over(name):
    env = MAKERS[name](4)
    env.reset(1)
    ends = 0
    for observed, _, ended, stopped, reached, solved, state, allowed, reached_state, reached_allowed in played(
        env, generators(4), length(name, 70)
    ):
        over = ended | stopped
        assert not (ended & stopped).any()
        assert not (solved & ~over).any()
        for now, then in ((observed, reached), (state, reached_state), (allowed, reached_allowed)):
            np.testing.assert_array_equal(now[~over], then[~over])
        ends += int(over.sum())
    assert ends or env.name == "Acrobot-v1"
    env.close()


@pytest.mark.parametrize("name", MAKERS)
def test_a_copy_is_the_same_whatever_the_others_are(name):
    whole, part = MAKERS[name](5), MAKERS[name](2)
    start, beginning = whole.reset(3), part.reset(3, first=2)
    np.testing.assert_array_equal(np.asarray(start)[2:4], np.asarray(beginning))
    many, few = played(whole, generators(5), length(name, 40)), played(part, generators(2, first=2), length(name, 40))
    assert same([[array[2:4] for array in step] for step in many], few)
    again = MAKERS[name](5)
    again.reset(3)
    assert same(many, played(again, generators(5), length(name, 40)))
    again.reset(4)
    assert same(many, played(again, generators(5), length(name, 40))) == (name in KNOWN)


@pytest.mark.parametrize("name", SAVED)
def test_a_restored_snapshot_goes_on_as_if_nothing_had_been(name):
    env, other = MAKERS[name](3), MAKERS[name](3)
    env.reset(5)
    played(env, generators(3), length(name, 11) - 5)
    saved = {key: array.copy() for key, array in env.snapshot().items()}
    assert all(isinstance(array, np.ndarray) for array in saved.values())
    seen, state, allowed = (np.asarray(part).copy() for part in (env.observations, env.state, env.allowed))
    future = played(env, generators(3, first=9), length(name, 30))
    for fresh in (env, other):
        np.testing.assert_array_equal(np.asarray(fresh.restore(saved)), seen)
        np.testing.assert_array_equal(np.asarray(fresh.observations), seen)
        np.testing.assert_array_equal(np.asarray(fresh.state), state)
        np.testing.assert_array_equal(np.asarray(fresh.allowed), allowed)
        assert same(future, played(fresh, generators(3, first=9), length(name, 30)))


@pytest.mark.parametrize("name", SAVED)
def test_a_snapshot_that_does_not_fit_changes_nothing(name):
    env = MAKERS[name](2)
    env.reset(5)
    saved = env.snapshot()
    for wrong in (None, {}, {key: array[:0] for key, array in saved.items()}, MAKERS["cart"]):
        with pytest.raises(GameError, match="snapshot"):
            env.restore(wrong)
    future = played(env, generators(2), 10)
    env.restore(saved)
    assert same(future, played(env, generators(2), 10))


@pytest.mark.parametrize("name", sorted(set(MAKERS) - set(SAVED)))
def test_what_others_wrote_has_no_snapshots_and_says_so(name):
    env = MAKERS[name](2)
    env.reset(0)
    assert env.snapshot() is None
    with pytest.raises(GameError, match="snapshot"):
        env.restore({})


@pytest.mark.parametrize("name", MAKERS)
def test_what_was_handed_out_is_not_written_to_again(name):
    env = MAKERS[name](2)
    env.reset(2)
    rngs = generators(2)
    kept, copies = [], []
    for _ in range(12):
        parts = (*env.step(chosen(env, rngs)), env.state, env.allowed, env.reached_state, env.reached_allowed)
        kept.append(parts)
        copies.append([np.asarray(part).copy() for part in parts])
    assert same([[np.asarray(part) for part in parts] for parts in kept], copies)


@pytest.mark.parametrize("name", MAKERS)
def test_nothing_moves_before_the_first_reset(name):
    env = MAKERS[name](2)
    with pytest.raises(GameError, match="reset"):
        env.step(np.zeros((2, env.n_agents), np.int64))


@pytest.mark.parametrize("name", sorted(set(MAKERS) - {n for n in MAKERS if "tensors" in n}))
def test_actions_of_a_wrong_shape_or_that_do_not_exist_are_refused(name):
    env = MAKERS[name](2)
    env.reset(0)
    for actions in (np.zeros((3, env.n_agents), np.int64), np.full((2, env.n_agents), 10**6)):
        with pytest.raises(GameError, match=r"actions|raised"):
            env.step(actions)
        env.reset(0)


def test_frames_are_the_last_observations_and_zeros_before_the_start():
    env, plain = make_environment("CartPole-v1", 3, frames=3), make_environment("CartPole-v1", 3)
    env.reset(0)
    history = [[np.zeros((1, 4)), np.zeros((1, 4)), first] for first in plain.reset(0)]
    rngs, ends = generators(3), 0
    for _ in range(60):
        actions = chosen(plain, rngs)
        stacked, step = env.step(actions), plain.step(actions)
        for k in range(3):
            history[k] = [*history[k][1:], step.reached[k]]
            np.testing.assert_array_equal(stacked.reached[k], np.concatenate(history[k], axis=1))
            if step.terminated[k]:
                ends += 1
                history[k] = [np.zeros((1, 4)), np.zeros((1, 4)), step.observations[k]]
            np.testing.assert_array_equal(stacked.observations[k], np.concatenate(history[k], axis=1))
    assert ends > 3


def test_a_joint_action_is_everybodys_and_is_paid_what_they_are():
    env, team = JointView(make_environment("climbing", 9)), make_environment("climbing", 9)
    env.reset(0), team.reset(0)
    actions = np.arange(9)[:, None]
    assert {tuple(row) for row in env.split(actions).tolist()} == {(i, j) for i in range(3) for j in range(3)}
    table = [[11, -30, 0], [-30, 7, 6], [0, 0, 5]]
    assert env.step(actions).rewards.reshape(3, 3).tolist() == table


def test_a_joint_action_is_allowed_where_everybodys_part_is():
    env = JointView(make_environment("Foraging-5x5-2p-1f-v3", 2))
    env.reset(0)
    for _ in range(5):
        allowed = env.env.allowed
        for a in range(36):
            split = env.split(np.full((2, 1), a))
            expected = [all(allowed[k, i, split[k, i]] for i in range(2)) for k in range(2)]
            assert env.allowed[:, 0, a].tolist() == expected
        env.step(chosen(env, generators(2)))


def test_individual_rewards_are_summed_for_the_joint_view():
    game = NormalFormGame.bimatrix([[1, 2], [3, 4]], [[10, 20], [30, 40]])
    env = JointView(make_environment(game, 4))
    env.reset(0)
    assert env.step(np.arange(4)[:, None]).rewards[:, 0].tolist() == [11, 22, 33, 44]


def test_frames_of_frames_are_refused():
    with pytest.raises(GameError, match="stacks frames already"):
        FrameStack(make_environment("climbing", 1, frames=2), 2)


def test_too_many_joint_actions_are_refused():
    with pytest.raises(GameError, match="joint actions, more than 4,096"):
        JointView(make_environment("multihover:n_drones=5", 1))


def test_foraging_tells_places_as_an_agent_sees_them():
    seen = np.array([[[3, 4, 2, -1, -1, 0, 1, 6, 1, 5, 5, 2], [3, 4, 2, -1, -1, 0, 5, 5, 2, 1, 6, 1]]], np.float32)
    told = [[[2, -2, 2, 8, 8, 0, 1, 6, 1, 4, -1, 2], [-2, -1, 2, 8, 8, 0, 5, 5, 2, -4, 1, 1]]]
    assert relative_places(seen, 2, 8).tolist() == told


def test_relative_foraging_is_the_raw_game_told_otherwise():
    raw = make_environment("Foraging-2s-6x6-2p-2f-v3", 4)
    told = make_environment("Foraging-2s-6x6-2p-2f-v3:observation=relative", 4)
    assert np.array_equal(told.reset(3), relative_places(raw.reset(3), 2, 6))
    rngs, ended = generators(4), 0
    for _ in range(120):
        actions = chosen(raw, rngs)
        step, twin = raw.step(actions), told.step(actions)
        assert np.array_equal(twin.observations, relative_places(step.observations, 2, 6))
        assert np.array_equal(twin.reached, relative_places(step.reached, 2, 6))
        assert np.array_equal(told.state, raw.state / np.float32(6))
        assert np.array_equal(told.reached_state, raw.reached_state / np.float32(6))
        assert np.array_equal(told.allowed, raw.allowed)
        assert all(np.array_equal(one, other) for one, other in zip(step[1:4], twin[1:4]))
        ended += int((step.terminated | step.truncated).sum())
    assert ended > 4


def test_foraging_without_masks_is_the_same_game_and_allows_everything():
    masked = make_environment("Foraging-5x5-2p-1f-v3", 3)
    free = make_environment("Foraging-5x5-2p-1f-v3:masked=false", 3)
    assert masked.masked
    assert not free.masked
    masked.reset(1)
    free.reset(1)
    rng = np.random.default_rng(0)
    for _ in range(60):
        actions = rng.integers(6, size=(3, 2))
        step, twin = masked.step(actions), free.step(actions)
        assert all(np.array_equal(one, other) for one, other in zip(step, twin))
        assert free.allowed.all()
        assert free.reached_allowed.all()
    assert not masked.allowed.all()
