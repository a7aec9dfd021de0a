"""Pursuit: rewards by hand, zero sums, captures and crashes, and who catches whom."""

import dataclasses

import numpy as np
import pytest

from marlgt.games.drones import evaluate_policy, make_batch, make_task
from marlgt.games.drones.disturbances import Disturbances
from marlgt.games.drones.kernels.lanes import WIDTH, Columns, Table
from marlgt.games.drones.kernels.layout import (
    ACTIVE,
    CLOCK_FIELDS,
    CRASHED,
    DRONE_FIELDS,
    E0,
    ENDED,
    ERROR,
    GX,
    HIT,
    K0,
    REWARD,
    VX,
    WORLD_FIELDS,
    X,
)
from marlgt.games.drones.scene import Scene
from marlgt.games.drones.tasks.pursuits import CAUGHT, EVADER_PACE, flee, note_pursuit, pursue, score_pursuit
from marlgt.kernels import rebound

WORDS = {"where": np.where, "least": np.minimum, "most": np.maximum, "clip": np.clip, "sqrt": np.sqrt}
NONE = np.zeros(1)


def triple(row, field):
    """Return three numbers of lane 0 that follow one another."""
    return row[field : field + 3 * WIDTH : WIDTH]


def scored(positions, *, before, hits=(), lost=(), velocities=None):
    """Score a step of lane 0 that led to these positions, the evader's last; return drones and world."""
    drones, world = np.zeros((len(positions), DRONE_FIELDS * WIDTH)), np.zeros(WORLD_FIELDS * WIDTH)
    for i, (d, position) in enumerate(zip(drones, positions)):
        triple(d, X)[:] = position
        d[ACTIVE], d[HIT] = i not in lost, i in hits
        if velocities is not None:
            triple(d, VX)[:] = velocities[i]
    world[K0] = before
    world[CRASHED] = float(bool(set(hits) - set(lost)))
    score_pursuit(drones, world, np.zeros(CLOCK_FIELDS * WIDTH, np.int64), NONE, NONE, len(positions), 0)
    return drones, world


THREE = [(0.0, 0.0, 1.0), (1.0, 0.0, 1.0), (1.0, 0.8, 1.0)]


def test_pursuers_share_what_the_nearest_has_gained_and_the_evader_pays_it():
    drones, world = scored(THREE, before=0.84)
    np.testing.assert_allclose(drones[:, REWARD], [0.005, 0.005, -0.01])
    assert world[ERROR] == pytest.approx(0.8)
    assert world[ENDED] == world[CRASHED] == 0.0
    assert world[K0] == pytest.approx(0.8)


def test_what_is_gained_in_a_step_is_bounded():
    drones, _ = scored(THREE, before=50.0)
    np.testing.assert_allclose(drones[:, REWARD], [0.05, 0.05, -0.1])
    drones, _ = scored(THREE, before=-50.0)
    np.testing.assert_allclose(drones[:, REWARD], [-0.05, -0.05, 0.1])


def test_a_capture_is_worth_1_and_ends_the_episode():
    near = [(0.0, 0.0, 1.0), (1.0, 0.0, 1.0), (1.0, 0.0, 1.0 + 0.99 * CAUGHT)]
    drones, world = scored(near, before=0.3)
    np.testing.assert_allclose(drones[:, REWARD], [0.5, 0.5, -1.0])
    assert (world[ERROR], world[ENDED]) == (0.0, 1.0)


def test_to_touch_the_evader_is_to_catch_it_and_no_crash():
    drones, world = scored([(0.0, 0.0, 1.0), (0.0, 0.1, 1.0)], before=0.3, hits=(0, 1))
    np.testing.assert_allclose(drones[:, REWARD], [1.0, -1.0])
    assert (world[ERROR], world[ENDED], world[CRASHED]) == (0.0, 1.0, 0.0)


@pytest.mark.parametrize(
    ("hits", "rewards"),
    [((2,), [0.5, 0.5, -1.0]), ((0,), [-0.5, -0.5, 1.0]), ((0, 1), [-0.5, -0.5, 1.0]), ((1, 2), 0.0)],
)
def test_a_crash_loses_the_game_for_the_side_that_crashed(hits, rewards):
    drones, world = scored(THREE, before=0.8, hits=hits)
    np.testing.assert_allclose(drones[:, REWARD], np.broadcast_to(rewards, 3))
    assert world[CRASHED] == 1.0


def test_a_lost_pursuer_neither_hunts_nor_earns():
    drones, world = scored(THREE, before=1.3, lost=(1,))
    distance = np.hypot(1.0, 0.8)
    np.testing.assert_allclose(drones[:, REWARD], np.array([1.0, 0.0, -1.0]) * 0.25 * (1.3 - distance))
    assert world[ERROR] == pytest.approx(distance)
    assert world[ENDED] == 0.0
    # Near the evader, it catches nothing, and what it touches is no crash of its side.
    drones, world = scored([THREE[0], THREE[2], THREE[2]], before=1.3, lost=(1,))
    assert world[ENDED] == 0.0


@pytest.mark.parametrize("lost", [(2,), (0, 1)])
def test_the_game_is_over_without_a_winner_where_a_side_has_no_drones(lost):
    drones, world = scored(THREE, before=0.9, lost=lost)
    assert not drones[:, REWARD].any()
    assert world[ENDED] == 1.0
    assert world[ERROR] > CAUGHT


def test_each_pursuer_aims_at_the_evader_and_the_evader_sees_the_nearest():
    velocities = [(0.1, 0.0, 0.0), (0.0, 0.2, 0.0), (0.0, 0.0, 0.6)]
    drones, world = scored(THREE, before=0.9, velocities=velocities)
    for d in drones[:2]:
        np.testing.assert_allclose(triple(d, GX), THREE[2])
    np.testing.assert_allclose(triple(drones[2], GX), THREE[1])
    note_pursuit(drones, world, NONE, NONE, NONE, 3, 0)
    noted = drones[:, E0 : E0 + 4 * WIDTH : WIDTH]
    np.testing.assert_allclose(noted, [[1, -0.05, 0, 0.3], [1, 0, -0.1, 0.3], [-1, 0, 0.1, -0.3]], atol=1e-12)


def test_pursuers_that_change_places_change_nothing_else():
    one, one_world = scored(THREE, before=0.9)
    other, other_world = scored([THREE[1], THREE[0], THREE[2]], before=0.9)
    np.testing.assert_array_equal(one[:, REWARD], other[:, REWARD])
    np.testing.assert_array_equal(triple(one[2], GX), triple(other[2], GX))
    np.testing.assert_array_equal(one_world, other_world)


@pytest.mark.parametrize("n_drones", [2, 4])
def test_rewards_sum_to_zero_in_every_step_whatever_happens(n_drones):
    task = make_task("pursuit", n_drones=n_drones, disturbances=Disturbances(loss=0.3, wind=0.5))
    env = make_batch(task, n_envs=64)
    env.reset(seed=4)
    rng = np.random.default_rng(0)
    expert = task.expert(task)
    held, over, caught = env.random_actions(), 0, 0
    for _ in range(300):
        # Whoever holds its course long enough crashes.
        held = np.where(rng.random(held.shape) < 0.03, rng.integers(task.n_actions, size=held.shape), held)
        wise = (np.arange(64)[:, None] < 32) & (np.arange(n_drones) < n_drones - 1)
        step = env.step(np.where(wise, expert(env.view()), held))
        np.testing.assert_allclose(step.rewards.sum(axis=1), 0.0, atol=1e-6)
        assert abs(step.rewards).max() <= 1.0
        over, caught = over + step.terminated.sum(), caught + step.successes.sum()
    assert over > caught > 10


def test_the_evader_is_faster_by_its_pace():
    task = make_task("pursuit", n_drones=2, actions="velocity", starts=[(-1.2, -1.0, 1.0), (-1.2, 1.0, 1.0)])
    env = make_batch(task, n_envs=1)
    env.reset(seed=0)
    for _ in range(45):
        env.step(np.broadcast_to([1.0, 0.0, 0.0], (1, 2, 3)))
    speeds = env.view().velocities[0, :, 0]
    np.testing.assert_allclose(speeds, [1.0, EVADER_PACE], rtol=0.03)


@pytest.mark.parametrize("n_drones", [2, 3, 4])
def test_drones_start_apart_and_the_evader_out_of_reach(n_drones):
    env = make_batch("pursuit", n_drones=n_drones, n_envs=200)
    env.reset(seed=0)
    view = env.view()
    gaps = np.linalg.norm(view.positions[:, :, None] - view.positions[:, None], axis=3) + 9 * np.eye(n_drones)
    assert gaps[:, :-1, :-1].min() > 0.6
    assert gaps[:, -1].min() >= 1.2
    assert abs(view.positions[..., :2]).max() < 1.9
    assert view.world[:, 0] == pytest.approx(gaps[:, -1].min(axis=1))


@pytest.mark.parametrize("kernel", [score_pursuit, note_pursuit])
def test_kernels_do_the_same_on_lanes_and_on_whole_arrays(kernel):
    env = make_batch(make_task("pursuit", n_drones=4, disturbances=Disturbances(loss=0.9)), n_envs=WIDTH)
    env.reset(seed=5)
    rng = np.random.default_rng(0)
    for _ in range(60):
        env.step(env.random_actions())
    drones, world, clock = env._drones[0], env._world[0], env._clock[0]
    drones[:, HIT : HIT + WIDTH] = rng.random((4, WIDTH)) < 0.3
    drones[:, X : X + WIDTH] *= rng.choice([0.1, 1.0], WIDTH)
    table = Table({k * WIDTH: drones[:, k * WIDTH : (k + 1) * WIDTH].copy() for k in range(DRONE_FIELDS)})
    columns = Columns({k * WIDTH: world[k * WIDTH : (k + 1) * WIDTH].copy() for k in range(WORLD_FIELDS)})
    rebound(kernel, **WORDS)(table, columns, clock, NONE, NONE, 4, 0)
    for e in range(WIDTH):
        kernel(drones, world, clock, NONE, NONE, 4, e)
    for k in range(DRONE_FIELDS):
        np.testing.assert_allclose(table.arrays[k * WIDTH], drones[:, k * WIDTH : (k + 1) * WIDTH], atol=1e-12)
    for k in range(WORLD_FIELDS):
        np.testing.assert_allclose(columns[k * WIDTH], world[k * WIDTH : (k + 1) * WIDTH], atol=1e-12)


def half_random(task, seats):
    """Return the policy in which these drones follow the expert and the others chance."""
    expert, rng = task.expert(task), np.random.default_rng(7)

    def policy(view):
        wise = expert(view)
        chance = rng.integers(task.n_actions, size=wise.shape)
        chance[:, seats] = wise[:, seats]
        return chance

    return policy


@pytest.mark.parametrize("n_drones", [2, 4])
def test_experts_catch_a_random_evader_and_escape_random_pursuers(n_drones):
    task = make_task("pursuit", n_drones=n_drones)
    hunters = evaluate_policy(task, half_random(task, slice(0, -1)), episodes=64)
    evader = evaluate_policy(task, half_random(task, slice(-1, None)), episodes=64)
    chance = evaluate_policy(task, "random", episodes=64)
    assert hunters.success_rate >= 0.95
    assert evader.success_rate <= 0.02
    assert chance.success_rate <= 0.02
    assert hunters.returns[:, -1].mean() < chance.returns[:, -1].mean() < evader.returns[:, -1].mean()


def test_three_pursuers_catch_more_than_one():
    few, many = (evaluate_policy(make_task("pursuit", n_drones=n), "expert", episodes=64) for n in (2, 4))
    assert many.success_rate > few.success_rate + 0.1


def test_both_sides_keep_off_the_walls_of_the_arena_that_they_are_told():
    env = make_batch("pursuit", n_drones=2, n_envs=1)
    env.reset(seed=0)
    near = np.array([[[0.0, 0.0, 1.0], [1.9, 0.0, 1.0]]])
    fast = np.array([[[1.0, 0.0, 0.0], [1.0, 0.0, 0.0]]])
    view = dataclasses.replace(env.view(), positions=near, velocities=fast)
    wide = Scene((-4.0, -4.0, -0.1), (4.0, 4.0, 4.0))
    narrow = Scene((-4.0, -4.0, -0.1), (0.2, 4.0, 4.0))
    assert flee(view)[0, 0] <= -0.5
    assert flee(view, scene=wide)[0, 0] > 0.5
    assert pursue(view)[0, 0, 0] > 0.5
    assert pursue(view, scene=narrow)[0, 0, 0] <= -0.5
    task = dataclasses.replace(env.task, scene=wide)
    velocities = task.units(task.expert(task)(view))[0, :, 0]
    assert (velocities > 0.0).all()


def test_an_evader_that_flees_into_the_wall_loses():
    task = make_task("pursuit", n_drones=2)

    def reckless(view):
        return np.stack([np.zeros(len(view.ticks), int), np.ones(len(view.ticks), int)], axis=1)

    scores = evaluate_policy(task, reckless, episodes=32)
    # Some fly into the pursuer first.
    assert (scores.crashes | scores.successes).all()
    assert scores.crashes.mean() > 0.8
    # It has gained at most the way to the wall, and paid 1.
    assert scores.returns[:, 1].max() < -0.3


def test_scripted_flight_is_at_full_speed_and_away_from_walls():
    env = make_batch("pursuit", n_drones=3, n_envs=32)
    env.reset(seed=1)
    view = env.view()
    np.testing.assert_allclose(np.linalg.norm(pursue(view), axis=2), 1.0)
    np.testing.assert_allclose(np.linalg.norm(flee(view), axis=1), 1.0)
    gap = view.positions[:, -1:] - view.positions[:, :-1]
    assert ((pursue(view) * gap).sum(axis=2) > 0.5).all()
    assert ((flee(view)[:, None] * gap).sum(axis=2).min(axis=1) > -0.5).all()
