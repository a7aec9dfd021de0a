"""Observed environments: numbers of observations, legal actions, agents that leave, and what is learned there."""

from __future__ import annotations

from typing import ClassVar

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import marlgt as gt
from marlgt import games
from marlgt.errors import GameError, LearningStopped
from marlgt.learners import Match, QLearning, Transition, UniformPolicy, observed, play, play_seeds
from marlgt.learners._numbering import key_of, observation_of

spaces = pytest.importorskip("gymnasium").spaces


class Corridor:
    """Two walkers on three fields, who are paid at the end; walker b may give up early."""

    metadata: ClassVar[dict] = {"name": "corridor"}

    def __init__(self, observe=lambda place: np.array([place, 0.0]), masks=False):
        self.possible_agents = ["a", "b"]
        self.observe, self.masks = observe, masks

    def action_space(self, agent):
        return spaces.Discrete(2, start=1)

    def reset(self, seed=None, options=None):
        self.rng = np.random.default_rng(seed)
        self.agents = list(self.possible_agents)
        self.place = {"a": 0, "b": int(self.rng.integers(2))}
        self.time = 0
        return self.seen(self.agents), {agent: {} for agent in self.agents}

    def seen(self, agents):
        if not self.masks:
            return {agent: self.observe(self.place[agent]) for agent in agents}
        # On the first field nobody can stay.
        return {
            agent: {"observation": self.place[agent], "action_mask": [self.place[agent] > 0, True]} for agent in agents
        }

    def step(self, actions):
        assert set(actions) == set(self.agents)
        assert all(action in (1, 2) for action in actions.values())
        acted, self.time = list(actions), self.time + 1
        for agent, action in actions.items():
            assert not self.masks or action == 2 or self.place[agent] > 0
            self.place[agent] += action - 1
        ended = {agent: self.place[agent] >= 2 for agent in acted}
        cut = {agent: not ended[agent] and self.time >= 6 for agent in acted}
        rewards = {agent: float(ended[agent]) for agent in acted}
        self.agents = [agent for agent in acted if not ended[agent] and not cut[agent]]
        return self.seen(acted), rewards, ended, cut, {agent: {} for agent in acted}


class Recorder:
    """Somebody who plays at random and writes down what she is told."""

    def __init__(self):
        self.told, self.asked = [], []

    def act(self, observation, rng):
        self.asked.append(observation)
        return int(rng.integers(2))

    def observe(self, transition):
        self.told.append(transition)

    def policy(self):
        return None


KEYS = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text() | st.binary(),
    lambda inner: st.lists(inner, max_size=3).map(tuple) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=6,
)


@given(KEYS)
@settings(max_examples=150)
def test_an_observation_can_be_made_again_from_its_key(observation):
    key = key_of(observation)
    hash(key)
    assert observation_of(key) == observation


@given(KEYS, KEYS)
@settings(max_examples=150)
def test_different_observations_have_different_keys(one, other):
    assert (key_of(one) == key_of(other)) == (one == other)


@pytest.mark.parametrize("dtype", ["int8", "float32", "float64", "bool"])
def test_arrays_are_told_apart_by_shape_type_and_content(dtype):
    array = np.arange(6).reshape(2, 3).astype(dtype)
    again = observation_of(key_of(array))
    assert again.dtype == array.dtype
    assert (again == array).all()
    assert key_of(array) != key_of(array.reshape(3, 2))
    assert key_of(array) != key_of(1 - array.astype(int))
    assert key_of(np.array([0.0])) == key_of(np.array([-0.0]))


def test_what_has_no_key_is_refused():
    with pytest.raises(GameError, match=r"give observed\(\.\.\.\) a key"):
        key_of(object())


def test_everybody_is_told_of_her_own_end_and_of_nothing_after():
    env = observed(Corridor(), discount=0.9, max_observations=10)
    pair = [Recorder(), Recorder()]
    run = play(env, pair, steps=600, seed=0)
    for recorder in pair:
        assert len(recorder.asked) == len(recorder.told)
        ends = sum(step.terminated or step.truncated for step in recorder.told)
        assert ends in (run.episodes.sum(), run.episodes.sum() + 1)
        assert not any(step.terminated and step.truncated for step in recorder.told)
        labels = env.labels(pair.index(recorder))
        for step in recorder.told:
            own = step.rewards[pair.index(recorder)]
            assert own == float(labels[step.next_observation][0] >= 2) == float(step.terminated)
    # Some episodes ended for one player before the other.
    assert len(pair[0].told) != len(pair[1].told)
    assert any(step.truncated for recorder in pair for step in recorder.told)


def test_joint_observations_have_one_number_for_all_and_none_for_who_is_gone():
    env = observed(Corridor(), discount=0.9, max_observations=20, shared="joint")
    pair = [Recorder(), Recorder()]
    play(env, pair, steps=400, seed=1)
    assert env.labels(0)[0][0][0] == 0.0
    assert any(part is None for label in env.labels() for part in label)
    together = [set(r.asked) for r in pair]
    assert together[0] & together[1]
    gone = [k for k, label in enumerate(env.labels()) if label[1] is None]
    assert not env.setting.legal[1][gone, 1].any()
    assert env.setting.legal[1][gone, 0].all()


@pytest.mark.parametrize("shared", ["own", "joint"])
def test_actions_that_are_masked_are_never_played(shared):
    env = observed(Corridor(masks=True), discount=0.9, max_observations=20, shared=shared)
    pair = [QLearning(env, player=0), UniformPolicy(env, "b")]
    run = play(env, pair, steps=500, seed=0)
    assert run.episodes.sum() > 50
    assert not env.setting.legal[0][env.labels().index(0 if shared == "own" else (0, 0)), 0]
    assert pair[0].policy()[0].tolist() == [0.0, 1.0]


def test_walkers_learn_to_walk():
    env = observed(Corridor, discount=0.8, max_observations=10)
    pair = [QLearning(env, player=i, exploration=0.3) for i in range(2)]
    run = play_seeds(env, pair, steps=1500, seeds=range(4))
    for own in run.learners:
        for player, learner in enumerate(own):
            for number, label in enumerate(env.labels(player)):
                if label[0] < 2:
                    assert learner.policy()[number].tolist() == [0.0, 1.0]
                    # Paid 1 on arrival, from one or two fields away; ends are worth nothing more.
                    assert learner.values[number, 1] == pytest.approx(0.8 ** (1 - label[0]), abs=0.02)


def test_a_seed_is_paid_the_same_alone_and_beside_others():
    alone = observed(Corridor, discount=0.9, max_observations=10)
    beside = observed(Corridor, discount=0.9, max_observations=10)
    runs = [
        play_seeds(env, [QLearning(env, player=i) for i in range(2)], steps=200, seeds=seeds)
        for env, seeds in ((alone, [5]), (beside, [2, 5]))
    ]
    assert np.array_equal(runs[0].rewards[0], runs[1].rewards[1])


def test_the_round_trip_of_a_tabulated_game_learns_what_the_game_teaches():
    game = games.random_stochastic_game(3, (2, 2), discount=0.6, seed=1)
    view = observed(games.parallel_env(game, horizon=20), discount=0.6, max_observations=3)
    seeds, options = range(6), {"exploration": 1.0, "learning_rate": gt.learners.power(1.0, per_visit=True)}
    found = []
    for place in (game, view):
        pair = [QLearning(place, player=i, **options) for i in range(2)]
        run = play_seeds(place, pair, steps=4000, seeds=seeds, horizon=20, record=1)
        order = np.argsort(view.labels()) if place is view else np.arange(3)
        found.append(np.array([own[0].values[order] for own in run.learners]))
    means, errors = [x.mean(axis=0) for x in found], [x.std(axis=0, ddof=1) / np.sqrt(len(seeds)) for x in found]
    assert (abs(means[0] - means[1]) <= 4.5 * np.hypot(*errors) + 1e-3).all()


def test_foragers_of_another_library_learn_to_gather_more():
    lbforaging = pytest.importorskip("lbforaging.foraging.environment")

    class Foragers:
        """Level-based foraging, which speaks in lists, as a parallel environment."""

        possible_agents: ClassVar[list] = [0, 1]
        metadata: ClassVar[dict] = {"name": "foraging"}

        def __init__(self):
            self.inner = lbforaging.ForagingEnv(
                players=2,
                min_player_level=1,
                max_player_level=1,
                min_food_level=1,
                max_food_level=1,
                field_size=(4, 4),
                max_num_food=1,
                sight=4,
                max_episode_steps=25,
                force_coop=False,
            )

        def action_space(self, agent):
            return self.inner.action_space[agent]

        def reset(self, seed=None, options=None):
            self.agents = [0, 1]
            seen, _ = self.inner.reset(seed=seed)
            return dict(enumerate(seen)), {0: {}, 1: {}}

        def step(self, actions):
            seen, paid, ended, cut, _ = self.inner.step([actions[0], actions[1]])
            if ended or cut:
                self.agents = []
            flags = [dict.fromkeys((0, 1), bool(flag)) for flag in (ended, cut)]
            return dict(enumerate(seen)), dict(enumerate(paid)), *flags, {0: {}, 1: {}}

    env = observed(Foragers, discount=0.95, max_observations=5000)
    pair = [QLearning(env, player=i, learning_rate=0.3) for i in range(2)]
    run = play(env, pair, steps=8000, seed=0, record=4)
    assert env.setting.players == ("0", "1")
    assert env.labels()[0].dtype.kind == "f"
    # Shares of the food gathered a step: the last quarter against the first.
    assert run.welfare[0, -1] > 1.3 * run.welfare[0, 0] > 0


def test_too_many_observations_stop_the_match_and_lose_nothing():
    class Endless(Corridor):
        count = 0

        def observe_next(self, place):
            type(self).count += 1
            return self.count

    env = Endless()
    env.observe = env.observe_next
    view = observed(env, discount=0.9, max_observations=50)
    pair = [QLearning(view, player=i, learning_rate=0.5) for i in range(2)]
    with pytest.raises(LearningStopped, match="more than 50 different observations: raise max_observations") as caught:
        play(view, pair, steps=1000, seed=0)
    assert 10 <= caught.value.run.steps < 50
    assert max(learner.steps for learner in pair) <= caught.value.run.steps
    assert min(learner.steps for learner in pair) > 10
    assert caught.value.run.learners[0][0] is pair[0]


class Mapless(Corridor):
    def step(self, actions):
        _, paid, ended, cut, infos = super().step(actions)
        return {}, paid, ended, cut, infos


class Unpaid(Corridor):
    def step(self, actions):
        seen, _, ended, cut, infos = super().step(actions)
        return seen, {}, ended, cut, infos


class OldFashioned(Corridor):
    def reset(self, seed=None, options=None):
        return super().reset(seed)[0]


class FourThings(Corridor):
    def step(self, actions):
        return super().step(actions)[:4]


@pytest.mark.parametrize(
    ("kind", "match"),
    [
        (Mapless, "no observation for 'a'"),
        (Unpaid, "no reward for 'a'"),
        (OldFashioned, "observations and infos"),
        (FourThings, "terminations, truncations, infos"),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_environments_that_break_the_protocol_stop_with_a_sentence(kind, match):
    env = observed(kind(), discount=0.9, max_observations=10)
    with pytest.raises(LearningStopped, match=match):
        play(env, [Recorder(), Recorder()], steps=50, seed=0)


def test_what_cannot_be_observed_is_refused():
    good = {"discount": 0.9, "max_observations": 10}
    with pytest.raises(GameError, match="give a PettingZoo parallel environment"):
        observed(3, **good)
    with pytest.raises(GameError, match=r"discount is 1\.5: give a number from 0 to 1"):
        observed(Corridor(), discount=1.5)
    with pytest.raises(GameError, match='give "own" or "joint"'):
        observed(Corridor(), shared="both", **good)
    with pytest.raises(GameError, match="key is 3: give a function"):
        observed(Corridor(), key=3, **good)
    with pytest.raises(GameError, match="max_observations"):
        observed(Corridor(), discount=0.9, max_observations=0)
    with pytest.raises(GameError, match="give a smaller max_observations"):
        observed(Corridor(), discount=0.9, max_observations=10**9)
    env = Corridor()
    env.action_space = lambda agent: spaces.Box(0, 1)
    with pytest.raises(GameError, match="need a Discrete space"):
        observed(env, **good)
    with pytest.raises(GameError, match="has players 0 to 1"):
        observed(Corridor(), **good).labels(2)


def test_a_key_of_your_own_merges_observations_and_must_be_hashable():
    env = observed(Corridor(), discount=0.9, max_observations=2, key=lambda seen: bool(seen[0] > 0))
    play(env, [Recorder(), Recorder()], steps=100, seed=0)
    assert sorted(env.labels()) == [False, True]
    bad = observed(Corridor(), discount=0.9, max_observations=2, key=list)
    with pytest.raises(LearningStopped, match="must be hashable"):
        play(bad, [Recorder(), Recorder()], steps=100, seed=0)


def test_learners_of_another_numbering_are_refused_but_matches_share_one():
    one, other = (observed(Corridor(), discount=0.9, max_observations=10) for _ in range(2))
    pair = [QLearning(one, player=i) for i in range(2)]
    with pytest.raises(GameError, match="another numbering"):
        play(other, pair, steps=10, seed=0)
    play(one, pair, steps=300, seed=0)
    known = len(one.labels())
    play(one, pair, steps=300, seed=1)
    assert len(one.labels()) == known == 3


def test_an_environment_that_cannot_be_copied_serves_one_seed_after_another():
    class Single(Corridor):
        def __deepcopy__(self, memo):
            raise TypeError("there is only one")

    env = observed(Single(), discount=0.9, max_observations=10)
    pair = [QLearning(env, player=i) for i in range(2)]
    for seed in range(2):
        play(env, pair, steps=20, seed=seed)
    with pytest.raises(GameError, match=r"give observed\(\.\.\.\) a function that makes one"):
        Match(env, pair, seeds=[0, 1])


def test_who_controls_everybody_needs_joint_observations():
    own = observed(Corridor(), discount=0.9, max_observations=10)
    with pytest.raises(GameError, match='shared="joint"'):
        play(own, [gt.learners.CentralQ(own)], steps=10, seed=0)
    joint = observed(Corridor(), discount=0.9, max_observations=20, shared="joint")
    central = gt.learners.CentralQ(joint)
    run = play(joint, [central], steps=2000, seed=0, record=4)
    assert central.steps == 2000
    assert run.welfare[0, -1] > 0.6


def test_a_transition_before_death_names_the_action_and_after_it_action_zero():
    env = observed(Corridor(), discount=0.9, max_observations=10)
    pair = [Recorder(), Recorder()]
    play(env, pair, steps=300, seed=2)
    assert all(isinstance(step, Transition) for step in pair[0].told)
    after = {step.actions[1] for step in pair[0].told if step.rewards[1] == 0.0}
    assert after == {0, 1}
