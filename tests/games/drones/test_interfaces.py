"""The views of a task: PettingZoo, Gymnasium, vectors and arrays, with what each peer's own checker asks."""

import numpy as np
import pytest
from gymnasium.utils.env_checker import check_env
from gymnasium.vector import AutoresetMode
from pettingzoo.test import parallel_api_test, parallel_seed_test

from marlgt.errors import GameError
from marlgt.games.drones import make, make_batch, make_gymnasium, make_task, make_vector


@pytest.mark.parametrize("actions", ["discrete", "velocity"])
def test_the_parallel_environment_passes_pettingzoos_checks(actions):
    parallel_api_test(make("multihover", n_drones=2, actions=actions), 300)
    parallel_seed_test(lambda: make("multihover", n_drones=2, actions=actions), 40)


def test_four_motors_are_four_agents():
    env = make("takeoff-2level")
    observations, _ = env.reset(seed=0)
    assert env.agents == ["motor_0", "motor_1", "motor_2", "motor_3"]
    for k, agent in enumerate(env.agents):
        np.testing.assert_array_equal(observations[agent][-4:], np.eye(4)[k])
        np.testing.assert_array_equal(observations[agent][:-4], observations["motor_0"][:-4])


@pytest.mark.parametrize("actions", ["discrete", "velocity"])
def test_the_gymnasium_environment_passes_gymnasiums_checks(actions):
    check_env(make_gymnasium("multihover", n_drones=2, actions=actions), skip_render_check=True)


def test_one_agent_sees_a_plain_vector():
    env = make_gymnasium("hover1d")
    observation, info = env.reset(seed=3)
    assert observation.shape == env.observation_space.shape == (25,)
    assert info == {"success": False}
    check_env(env, skip_render_check=True)


@pytest.mark.parametrize("view", [make, make_gymnasium])
def test_pictures_are_drawn_of_the_present(view):
    pytest.importorskip("pybullet")
    env = view("multihover", n_drones=2, render_mode="rgb_array")
    env.reset(seed=0)
    picture = env.render()
    assert picture.shape == (240, 320, 3)
    assert picture.std() > 1
    env.close()
    assert view("multihover", n_drones=2).render() is None


def test_the_global_state_holds_every_drone():
    env = make("multihover", n_drones=2)
    with pytest.raises(GameError, match="reset"):
        env.state()
    observations, _ = env.reset(seed=0)
    state = env.state()
    assert state.shape == (2 * 21 + 1,)
    assert state[-1] == 1.0
    for k, agent in enumerate(env.agents):
        # Position, and the goal seen from there.
        np.testing.assert_allclose(state[21 * k : 21 * k + 3], observations[agent][22:25], atol=1e-6)
        np.testing.assert_allclose(state[21 * k + 18 : 21 * k + 21], observations[agent][:3], atol=1e-6)


def test_an_episode_that_is_over_takes_no_step():
    env = make("multihover", n_drones=2)
    with pytest.raises(GameError, match="over or has not begun"):
        env.step({"drone_0": 0, "drone_1": 0})
    env.reset(seed=0)
    ends = []
    while env.agents:
        *_, terminated, truncated, infos = env.step(dict.fromkeys(env.agents, 0))
        ends.append((terminated["drone_0"], truncated["drone_0"]))
    assert len(ends) == 240
    assert ends[-1] == (False, True)
    assert infos["drone_0"]["success"] in (True, False)
    with pytest.raises(GameError, match="over or has not begun"):
        env.step({"drone_0": 0, "drone_1": 0})
    lone = make_gymnasium("hover1d")
    with pytest.raises(GameError, match="over or has not begun"):
        lone.step(np.zeros(1))


def test_every_agent_must_act():
    env = make("multihover", n_drones=2)
    env.reset(seed=0)
    with pytest.raises(GameError, match="drone_1 is missing"):
        env.step({"drone_0": 0})


def test_the_same_seed_gives_the_same_episodes_one_after_another():
    def episodes(env):
        env.reset(seed=5)
        first = env.state().copy()
        env.reset()
        return first, env.state().copy()

    one, other = episodes(make("multihover")), episodes(make("multihover"))
    np.testing.assert_array_equal(one, other)
    assert (one[0] != one[1]).any()


def test_the_vector_environment_resets_in_the_same_step_and_keeps_the_last_observation():
    env = make_vector("multihover", n_envs=3, n_drones=2)
    assert env.metadata["autoreset_mode"] is AutoresetMode.SAME_STEP
    batch = make_batch("multihover", n_envs=3, n_drones=2)
    observations, _ = env.reset(seed=1)
    assert observations.shape == env.observation_space.shape
    batch.reset(0)
    batch.restore(env.batch.snapshot())
    for _ in range(240):
        actions = env.action_space.sample() * 0
        observations, rewards, terminated, truncated, infos = env.step(actions)
        step = batch.step(actions)
        np.testing.assert_array_equal(observations, step.observations)
        np.testing.assert_allclose(rewards, step.rewards.mean(axis=1))
    assert truncated.all()
    assert not terminated.any()
    for k in range(3):
        np.testing.assert_array_equal(infos["final_obs"][k], step.reached[k])
    assert infos["_final_obs"].all()


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: make("multihoover"), "did you mean 'multihover'"),
        (lambda: make("multihover", n_drones=99), "is for .* drones, got n_drones=99"),
        (lambda: make("multihover", n_drones=0), "n_drones is 0"),
        (lambda: make("multihover", actions="telepathy"), "knows the actions"),
        (lambda: make("multihover", backend="isaac"), "no backend 'isaac'"),
        (lambda: make("multihover", render_mode="human"), "render_mode must be"),
        (lambda: make_gymnasium("multihover", render_mode="human"), "render_mode must be"),
        (lambda: make_batch("multihover", n_envs=0), "n_envs is 0"),
        (lambda: make_batch("multihover", n_envs=2, dtype="float16"), "dtype must be"),
        (lambda: make_batch("multihover", n_envs=2, device="cuda"), "device is for the torch backend"),
        (lambda: make_batch("multihover", n_envs=2, backend="bullet", threads=2), "threads is for the numba"),
        (lambda: make_batch(make_task("multihover"), n_envs=2, n_drones=3), "made already"),
        (lambda: make_batch(3, n_envs=2), "give a Task or the name"),
        (lambda: make_task("multihover", rate=7), "rate must divide"),
        (lambda: make_task("multihover", seconds=-1), "seconds must be"),
        (lambda: make_task("multihover", seconds=float("nan")), "seconds must be"),
        (lambda: make_task("multihover", neighbours=2), "has 1 others"),
        (lambda: make_task("multihover", history=-1), "history is -1"),
        (lambda: make_task("multihover", airframe="jumbo"), "no airframe 'jumbo'"),
        (lambda: make_task("multihover", airframe=3), "airframe must be"),
        (lambda: make_task("multihover", disturbances=3), "disturbances must be"),
        (lambda: make_task("multihover", starts=[[0, 0, 1]]), "shape \\(2, 3\\)"),
        (lambda: make_task("multihover", starts=[[0, 0, 1], [0, 0.05, 1]]), "inside each other"),
        (lambda: make_task("multihover", starts=[[0, 0, 1], [0, 9, 1]]), "in the arena"),
        (lambda: make_task("multihover", starts=[[0, 0, 1], [0, 1, float("nan")]]), "finite"),
        (lambda: make_task("multihover", starts="here"), "must be numbers"),
    ],
)
def test_what_does_not_fit_is_said_in_one_sentence(call, message):
    with pytest.raises(GameError, match=message) as caught:
        call()
    assert "\n" not in str(caught.value)


def test_starts_seconds_rate_history_and_neighbours_are_options():
    task = make_task("multihover", starts=[[0, 0, 1], [1, 0, 1]], seconds=1, rate=60, history=2, neighbours=0)
    env = make_batch(task, n_envs=2)
    observations = env.reset(seed=0)
    assert observations.shape == (2, 2, 25 + 2 * 4)
    np.testing.assert_allclose(env.view().positions, [[[0, 0, 1], [1, 0, 1]]] * 2)
    for k in range(60):
        step = env.step(np.full((2, 2), k % 9))
        assert step.truncated.all() == (k == 59)
    # The two actions before the last, oldest first.
    np.testing.assert_array_equal(step.reached[0, 0, 25:].reshape(2, 4), task.choices[[57 % 9, 58 % 9]])
    np.testing.assert_array_equal(step.reached[0, 0, 18:22], task.choices[59 % 9])


def test_drones_are_reached_through_the_games():
    import marlgt as gt

    assert gt.games.drones.make is make
    assert "drones" in dir(gt.games)
