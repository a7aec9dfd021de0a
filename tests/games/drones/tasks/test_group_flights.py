"""Flights of the tasks for several drones: experts solve them, chance does not, and rewards keep their bounds."""

import numpy as np
import pytest

from marlgt.errors import GameError
from marlgt.games.drones import TASKS, Disturbances, evaluate_policy, make_batch, make_task
from marlgt.games.drones.experts import steady_flight
from marlgt.games.drones.kernels.contacts import distance
from marlgt.games.drones.kernels.lanes import WIDTH
from marlgt.games.drones.kernels.layout import ERROR, REWARD

SIZES = {"formation": (3, 8), "leaderfollow": (2, 6), "coverage": (3, 6), "gate": (2, 4), "crossing": (4, 8)}
NAMES = tuple(SIZES)


@pytest.mark.parametrize(("name", "actions"), [(name, actions) for name in NAMES for actions in TASKS[name].actions])
def test_the_expert_solves_the_task_and_chance_does_not(name, actions):
    for n_drones in SIZES[name]:
        task = make_task(name, n_drones=n_drones, actions=actions)
        expert, chance = evaluate_policy(task, "expert", episodes=32), evaluate_policy(task, "random", episodes=32)
        assert expert.success_rate >= 0.95
        assert expert.crash_rate <= 0.05
        assert chance.success_rate <= 0.02
        assert chance.score < 0.7 * expert.score
        assert expert.returns.min() >= 0.0
        assert expert.returns.max() <= task.horizon


@pytest.mark.parametrize("name", NAMES)
def test_drones_and_goals_begin_apart_inside_the_arena_and_clear_of_obstacles(name):
    fewest, most = SIZES[name]
    for n_drones in range(fewest, most + 1):
        env = make_batch(name, n_drones=n_drones, n_envs=200)
        env.reset(seed=1)
        view, scene = env.view(), env.task.scene
        geometry = scene.geometry()
        for points in (view.positions, view.goals):
            assert (points > np.array(scene.low) + 0.1).all()
            assert (points < np.array(scene.high) - 0.1).all()
            for k in range(len(geometry)):
                gaps = [distance(*point, geometry, k) for point in points[:20].reshape(-1, 3)]
                assert min(gaps) > 0.2
        gaps = np.linalg.norm(view.positions[:, :, None] - view.positions[:, None], axis=3) + 9 * np.eye(n_drones)
        assert gaps.min() >= 0.3
        # Starts differ from one environment to the next.
        assert view.positions.std(axis=0).min() > 0.01


@pytest.mark.parametrize("name", NAMES)
def test_wild_actions_and_lost_drones_keep_rewards_within_0_and_1_and_a_crash_ends_the_episode(name):
    rough = Disturbances(wind=1.0, mass=0.2, motors=0.1, motor_failure=0.5, loss=0.5, position_noise=0.02)
    most = SIZES[name][1]
    env = make_batch(make_task(name, n_drones=most, actions="velocity", disturbances=rough, seconds=6.0), n_envs=64)
    env.reset(seed=2)
    rng = np.random.default_rng(0)
    crashes = 0
    for k in range(180):
        if k % 30 == 0:
            actions = np.sign(rng.normal(size=(64, env.n_agents, 3)))
        lost = ~env.view().active
        step = env.step(actions)
        assert np.isfinite(step.reached).all()
        assert step.rewards.min() >= 0.0
        assert step.rewards.max() <= 1.0
        assert not (step.terminated & step.successes).any()
        if name == "crossing":
            assert (step.rewards[lost & (env.view().ticks > 1)[:, None]] == 0.0).all()
        else:
            assert (step.rewards == step.rewards[:, :1]).all()
        crashes += int(step.terminated.sum())
    assert crashes > 30
    assert env.runaways == 0


@pytest.mark.parametrize("name", NAMES)
def test_most_flights_succeed_with_the_drones_that_are_left(name):
    task = make_task(name, n_drones=4, disturbances=Disturbances(loss=0.3))
    assert evaluate_policy(task, "expert", episodes=48).success_rate > 0.6


@pytest.mark.parametrize("name", NAMES)
def test_compiled_rewards_are_those_of_the_plain_kernels(name):
    env = make_batch(name, n_envs=WIDTH, actions="velocity")
    env.reset(seed=4)
    for _ in range(20):
        step = env.step(env.random_actions())
    assert not (step.terminated | step.truncated).any()
    task, drones, world = env.task, env._drones[0].copy(), env._world[0].copy()
    _, p, q, *_ = task.constants(np.dtype(float))
    for e in range(WIDTH):
        task.score(drones, world, env._clock[0], p, q, task.n_drones, e)
    assert step.rewards == pytest.approx(drones[:, REWARD : REWARD + WIDTH].T, abs=1e-6)
    assert env.view().errors == pytest.approx(world.reshape(-1, WIDTH)[ERROR // WIDTH], abs=1e-12)


def test_straight_ways_across_the_circle_collide_and_the_roundabout_does_not():
    task = make_task("crossing", n_drones=6, actions="velocity")
    assert evaluate_policy(task, steady_flight(task), episodes=64).crash_rate > 0.8
    assert evaluate_policy(task, "expert", episodes=64).crash_rate == 0.0


def test_flying_straight_to_the_goals_ends_at_the_wall():
    task = make_task("gate", n_drones=4, actions="velocity")
    scores = evaluate_policy(task, steady_flight(task), episodes=64)
    assert scores.crash_rate > 0.9
    assert scores.success_rate == 0.0


def test_in_the_crossing_the_drones_earn_for_themselves_and_elsewhere_together():
    assert make_task("crossing").payoff == "general_sum"
    assert all(make_task(name).payoff == "shared" for name in NAMES if name != "crossing")
    env = make_batch("crossing", n_envs=8)
    env.reset(seed=0)
    step = env.step(env.random_actions())
    assert (step.rewards.std(axis=1) > 0.0).all()


@pytest.mark.parametrize(("name", "n_drones"), [("coverage", 7), ("formation", 2), ("gate", 5), ("crossing", 9)])
def test_more_or_fewer_drones_than_the_task_is_for_are_refused(name, n_drones):
    with pytest.raises(GameError, match=f"{name} is for .* drones, got n_drones={n_drones}"):
        make_task(name, n_drones=n_drones)
