"""What each kind of environment of deep learners does of its own."""

import numpy as np
import pytest

from marlgt.deep.environments import JointView, make_environment
from marlgt.deep.environments.classic_control import PLANTS
from marlgt.deep.environments.foraging_grids import allowed_in
from marlgt.deep.environments.naming import canonical_name, parsed_task
from marlgt.deep.environments.protocol import EnvironmentFailed
from marlgt.deep.environments.streams import CopyStreams, copy_seeds
from marlgt.errors import GameError, UnsupportedGame
from marlgt.games import NormalFormGame, StochasticGame, kuhn_poker, soccer
from marlgt.games.drones import Disturbances, make_batch, make_task
from marlgt.randomness import streams, uniform


@pytest.mark.parametrize("name", ["CartPole-v1", "Acrobot-v1"])
def test_single_transitions_from_anywhere_are_those_of_gymnasium(name):
    gymnasium = pytest.importorskip("gymnasium")
    env, plant = gymnasium.make(name).unwrapped, PLANTS[name]
    assert gymnasium.spec(name).max_episode_steps == plant.horizon
    env.reset(seed=0)
    rng = np.random.default_rng(0)
    for _ in range(300):
        env.state = rng.normal(scale=[1.2, 2.0, 0.15, 2.0] if name == "CartPole-v1" else [2.0, 2.0, 9.0, 20.0])
        env.steps_beyond_terminated = None
        action = int(rng.integers(plant.n_actions))
        state, reward, ended = plant.move(tuple(env.state.tolist()), action)
        observed, paid, over, _, _ = env.step(action)
        np.testing.assert_allclose(state, env.state, rtol=1e-12, atol=1e-12)
        np.testing.assert_allclose(plant.look(state), observed, rtol=1e-6)
        assert (reward, ended) == (paid, over)


@pytest.mark.parametrize("name", ["CartPole-v1", "Acrobot-v1"])
def test_whole_episodes_are_those_of_gymnasium_with_its_time_limit(name):
    gymnasium = pytest.importorskip("gymnasium")
    env, mine = gymnasium.make(name), make_environment(name, 1)
    observed, _ = env.reset(seed=copy_seeds(4, 0, 1)[0])
    np.testing.assert_array_equal(mine.reset(4)[0, 0], observed)
    rng, ends = np.random.default_rng(1), 0
    for _ in range(600):
        action = int(rng.integers(mine.n_actions))
        observed, paid, over, stopped, _ = env.step(action)
        step = mine.step(np.array([[action]]))
        np.testing.assert_allclose(step.reached[0, 0], observed, rtol=1e-5, atol=1e-6)
        assert (step.rewards[0, 0], step.terminated[0], step.truncated[0]) == (paid, over, stopped)
        if over or stopped:
            ends += 1
            np.testing.assert_array_equal(step.observations[0, 0], env.reset()[0])
    assert ends


def test_a_gymnasium_environment_goes_as_it_does_in_its_wrappers():
    gymnasium = pytest.importorskip("gymnasium")
    env = gymnasium.make("CartPole-v1", max_episode_steps=15, sutton_barto_reward=True)
    mine = make_environment("CartPole-v1:max_episode_steps=15,sutton_barto_reward=true", 2)
    mine.reset(0)
    env.reset(seed=copy_seeds(0, 1, 1)[0])
    rng, flags = np.random.default_rng(0), set()
    for _ in range(200):
        action = int(rng.integers(2))
        observed, paid, over, stopped, _ = env.step(action)
        step = mine.step(np.array([[0], [action]]))
        np.testing.assert_array_equal(step.reached[1, 0], observed)
        # Gymnasium may call the last step both; here an end is an end.
        assert (step.rewards[1, 0], step.terminated[1], step.truncated[1]) == (paid, over, stopped and not over)
        if over or stopped:
            flags.add((over, stopped))
            np.testing.assert_array_equal(step.observations[1, 0], env.reset()[0])
    assert {(True, False), (False, True)} <= flags


def test_numbered_states_of_gymnasium_are_rows_with_one_1_and_masks_are_read():
    pytest.importorskip("gymnasium")
    taxi = make_environment("Taxi-v4", 3)
    first = taxi.reset(0)
    assert (first.sum(axis=-1) == 1).all()
    assert set(np.unique(first)) == {0, 1}
    # In most places a taxi cannot pick somebody up.
    assert not taxi.allowed.all()
    assert taxi.allowed.any(axis=-1).all()


@pytest.mark.parametrize(
    ("task", "message"),
    [
        ("Pendulum-v1", "continuous, and learners of action values choose from a list"),
        ("Blackjack-v1", "Tuple space.*FlattenObservation"),
        ("CartPol-v1", "no Gymnasium environment 'CartPol-v1': did you mean 'CartPole-v1'"),
        ("CartPole-v1:colour=2", "cannot make CartPole-v1:colour=2: .*colour"),
    ],
)
def test_gymnasium_environments_that_do_not_fit_say_what_to_do(task, message):
    pytest.importorskip("gymnasium")
    with pytest.raises(GameError, match=message):
        make_environment(task, 1)


def test_a_function_may_make_a_gymnasium_environment_in_wrappers():
    gymnasium = pytest.importorskip("gymnasium")
    env = make_environment(lambda: gymnasium.wrappers.FlattenObservation(gymnasium.make("Blackjack-v1")), 2)
    assert env.reset(0).shape == (2, 1, 32 + 11 + 2)


def test_a_mask_of_gymnasium_that_forbids_everything_is_an_error():
    gymnasium = pytest.importorskip("gymnasium")

    class Mute(gymnasium.Wrapper):
        def reset(self, **given):
            observation, info = self.env.reset(**given)
            return observation, info | {"action_mask": np.zeros(2)}

    env = make_environment(lambda: Mute(gymnasium.make("CartPole-v1")), 1)
    with pytest.raises(EnvironmentFailed, match="forbids everything"):
        env.reset(0)


def test_what_a_foraging_state_allows_is_what_the_rules_allow():
    env = make_environment("Foraging-6x6-3p-2f-v3", 8)
    env.reset(0)
    rng, stopped = np.random.default_rng(0), 0
    for _ in range(120):
        np.testing.assert_array_equal(allowed_in(env.state, 2, 6), env.allowed)
        step = env.step(rng.integers(6, size=(8, 3)))
        stopped += step.truncated.sum()
        rows = ~step.terminated
        np.testing.assert_array_equal(allowed_in(env.reached_state, 2, 6)[rows], env.reached_allowed[rows])
    assert stopped


def test_a_lost_drone_may_only_hold_still_and_all_may_act_in_the_next_episode():
    task = make_task("multihover", n_drones=2, seconds=1, disturbances=Disturbances(loss=0.9))
    env, batch = make_environment(task, 6), make_batch(task, n_envs=6)
    env.reset(0), batch.reset(0)
    still = np.zeros((6, 2), np.int64)
    lost = 0
    for _ in range(65):
        step = env.step(still)
        batch.step(still)
        np.testing.assert_array_equal(env.allowed, batch.allowed)
        lost += (~env.allowed).sum()
        over = step.terminated | step.truncated
        assert env.allowed[over].all()
        assert env.reached_allowed[..., 0].all()
        lost += (~env.reached_allowed[over]).sum()
    assert lost


def test_tensors_and_arrays_fly_the_same_drones():
    one = JointView(make_environment("multihover:seconds=0.2", 3, frames=2))
    two = JointView(make_environment("multihover:seconds=0.2", 3, frames=2, backend="torch"))
    np.testing.assert_allclose(one.reset(0), np.asarray(two.reset(0)), atol=1e-6)
    rng = np.random.default_rng(0)
    for _ in range(8):
        actions = rng.integers(one.n_actions, size=(3, 1))
        there = two.env.observations.new_tensor(actions).long()
        np.testing.assert_array_equal(one.split(actions), np.asarray(two.split(there)))
        for part, twin in zip(one.step(actions), two.step(there)):
            np.testing.assert_allclose(part, np.asarray(twin), atol=1e-5)


def test_pybullet_flies_the_same_task():
    pytest.importorskip("pybullet")
    env = make_environment("multihover:seconds=0.1", 1, backend="bullet")
    twin = make_environment("multihover:seconds=0.1", 1)
    np.testing.assert_array_equal(env.reset(0), twin.reset(0))
    for _ in range(3):
        step, same = env.step(np.ones((1, 2), np.int64)), twin.step(np.ones((1, 2), np.int64))
        np.testing.assert_allclose(step.reached, same.reached, atol=1e-3)
    assert step.truncated.all()
    env.close()


def test_the_actions_of_drones_are_the_first_discrete_kind():
    assert make_environment("gate", 1).n_actions == make_task("gate", actions="discrete").n_actions
    assert make_environment("takeoff-2level", 1).n_agents == 4
    assert make_environment("takeoff-2level:actions=joint", 1).n_agents == 1


@pytest.mark.parametrize(
    ("task", "message"),
    [
        ("formation:actions=velocity", "'velocity' of formation are continuous.*give actions=discrete"),
        ("hover1d", "actions of hover1d are continuous.*take one of hover, multihover"),
        ("formation:actions=up", "formation knows the actions discrete"),
        (make_task("formation", actions="velocity"), "this task formation are continuous"),
    ],
)
def test_continuous_drones_name_the_discrete_choices(task, message):
    with pytest.raises(GameError, match=message):
        make_environment(task, 1)


def test_matrix_games_are_episodes_of_one_step_or_of_so_many():
    env = make_environment("penalty:penalty=-25", 2)
    env.reset(0)
    step = env.step(np.array([[0, 0], [0, 2]]))
    assert step.rewards.tolist() == [[10, 10], [-25, -25]]
    assert step.terminated.all()
    assert not step.truncated.any()
    env = make_environment("prisoners_dilemma:repeats=3", 1)
    env.reset(0)
    steps = [env.step(np.array([[0, 1]])) for _ in range(6)]
    assert [bool(step.truncated[0]) for step in steps] == [False, False, True] * 2
    assert not any(step.terminated[0] for step in steps)
    assert not env.common_reward


def test_the_two_step_game_pays_eight_for_the_risk_taken_together():
    env = make_environment("two_step", 2)
    first = env.reset(0)
    assert first[0].tolist() == [[1, 0, 0, 0]] * 2
    step = env.step(np.array([[1, 0], [0, 1]]))
    assert step.observations[:, 0].tolist() == [[0, 0, 1, 0], [0, 1, 0, 0]]
    assert not step.rewards.any()
    step = env.step(np.array([[1, 1], [1, 0]]))
    assert step.rewards.tolist() == [[8, 8], [7, 7]]
    assert step.terminated.all()
    assert step.observations[:, 0].tolist() == [[1, 0, 0, 0]] * 2
    assert step.reached[:, 0].tolist() == [[0, 0, 0, 1]] * 2


def test_states_may_be_observed_by_their_binary_digits():
    env = make_environment("soccer:observation=binary", 64)
    states = env.reset(0)[:, 0] @ 2 ** np.arange(env.observation_size)
    assert env.observation_size == 10
    assert set(states.astype(int)) <= set(np.flatnonzero(soccer().start))


def test_games_that_need_not_end_are_stopped():
    env = make_environment("nosde", 1)
    env.reset(0)
    stops = [bool(env.step(np.zeros((1, 2), np.int64)).truncated[0]) for _ in range(200)]
    assert np.flatnonzero(stops).tolist() == [99, 199]


UNEQUAL = NormalFormGame.bimatrix([[1, 2, 3], [4, 5, 6]], [[1, 2, 3], [4, 5, 7]])


def test_different_numbers_of_actions_are_refused_or_padded():
    with pytest.raises(UnsupportedGame, match=r"have 2, 3 actions.*pad_actions=True"):
        make_environment(UNEQUAL, 1)
    env = make_environment(UNEQUAL, 1, options={"pad_actions": True})
    env.reset(0)
    assert env.allowed[0].tolist() == [[True, True, False], [True, True, True]]
    assert env.step(np.array([[1, 2]])).rewards.tolist() == [[6, 7]]
    with pytest.raises(GameError, match="agent 0 has actions 0 to 1"):
        env.step(np.array([[2, 0]]))


def test_streams_of_copies_are_those_of_the_kernels():
    drawn = CopyStreams(3, 1, 2)
    table = streams([(3 << 32) + 1, (3 << 32) + 2])
    for rows in (None, [1], None, [0], [0, 1]):
        expected = [uniform(table[k]) for k in ([0, 1] if rows is None else rows)]
        assert drawn.draw(None if rows is None else np.array(rows)).tolist() == expected
    np.testing.assert_array_equal(drawn.words, table)


def test_task_strings_and_their_canonical_form():
    assert parsed_task("a-v1") == ("a-v1", {})
    assert parsed_task("a:x=1, y=2.5,z=true,w=none,v=word") == (
        "a",
        {"x": 1, "y": 2.5, "z": True, "w": None, "v": "word"},
    )
    assert make_environment("formation:seconds=4,n_drones=4", 1).name == "formation:n_drones=4,seconds=4"
    assert make_environment("penalty", 1, options={"repeats": 2}).name == "penalty_game:repeats=2"
    options = {"flag": False, "text": "word", "number": 0.5, "nothing": None}
    assert parsed_task(canonical_name("a", options)) == ("a", options)


@pytest.mark.parametrize(
    ("task", "message"),
    [
        ("", "give a name"),
        (":x=1", "give a name"),
        ("formation:", "is no option"),
        ("formation:n_drones", "is no option"),
        ("formation:n_drones=3,n_drones=4", "gives n_drones twice"),
        ("os:Thing-v0", "is no option"),
        ("formation:ndrones=3", "no option 'ndrones': did you mean 'n_drones'"),
        ("formatino", "no task 'formatino': did you mean 'formation'"),
        ("climbing_gme", "did you mean 'climbing_game'"),
        ("zzzzqqqq", "give the name of a drone task"),
        ("climbing:rows=3", "climbing has no option 'rows'"),
        ("Foraging-8x9-2p-3f-v3", "give one like 'Foraging-8x8-2p-3f-v3'"),
        ("Foraging-8x8-2p-3f-v3:shared=true", "did you mean 'shared_reward'"),
        ("Foraging-8x8-2p-3f-v3:observation=pixels", "foraging has 'raw' and 'relative'"),
        ("Foraging-8x8-2p-3f-v3:masked=0", "masked"),
        ("soccer:observation=picture", "choose from one_hot, binary"),
        ("soccer:horizon=0", "horizon"),
        ("kuhn_poker", "played in turns"),
        (kuhn_poker(), "played in turns"),
        (3, "give a task string, a game"),
        (lambda: 3, "let it make a PettingZoo"),
    ],
)
def test_tasks_that_there_are_not_say_what_there_is(task, message):
    with pytest.raises(GameError, match=message):
        make_environment(task, 1)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"n_envs": 0}, "n_envs"),
        ({"frames": 0}, "frames"),
        ({"backend": "bullet"}, "only drone tasks have backends"),
        ({"options": 3}, "give a dictionary"),
    ],
)
def test_settings_out_of_range_are_refused(settings, message):
    with pytest.raises(GameError, match=message):
        make_environment("climbing", **({"n_envs": 1} | settings))


def test_a_game_that_may_begin_in_its_end_is_refused():
    game = StochasticGame(
        np.zeros((1, 2, 1)), np.zeros((2, 1, 1), int), np.ones((2, 1, 1)), discount=0.9, terminal=[False, True],
        start=[0.5, 0.5],
    )  # fmt: skip
    with pytest.raises(UnsupportedGame, match="begin in a terminal state"):
        make_environment(game, 1)
