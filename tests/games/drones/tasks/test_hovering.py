"""Hover tasks: who solves them, what a step is worth, where episodes begin, and that every gear agrees."""

import itertools
import math

import numpy as np
import pytest

from marlgt.errors import GameError
from marlgt.games.drones.backends.batch_env import BatchEnv
from marlgt.games.drones.disturbances import Disturbances
from marlgt.games.drones.experts import pilot, trimmed
from marlgt.games.drones.kernels.controllers import MODES
from marlgt.games.drones.kernels.dynamics import advance, air, spin
from marlgt.games.drones.kernels.engine import command
from marlgt.games.drones.kernels.judging import begin
from marlgt.games.drones.kernels.lanes import WIDTH, Columns, Table
from marlgt.games.drones.kernels.layout import (
    ACTIVE,
    CLOCK_FIELDS,
    DRONE_FIELDS,
    ERROR,
    GX,
    KEY,
    REWARD,
    WORLD_FIELDS,
    X,
)
from marlgt.games.drones.making import make_task
from marlgt.games.drones.tasks.hovering import KEEP_AWAY, closeness, score_by_distance, spawn_apart, spawn_hover
from marlgt.games.drones.views import view_of
from marlgt.kernels import rebound, specialised

WORDS = {
    "where": np.where,
    "least": np.minimum,
    "most": np.maximum,
    "sqrt": np.sqrt,
    "exp": np.exp,
    "sin": np.sin,
    "cos": np.cos,
}


def placed(positions, goals, lanes=1):
    """Return drones at rest at these positions with these goals, in the first lanes, and a world."""
    drones, world = np.zeros((len(positions), DRONE_FIELDS * WIDTH)), np.zeros(WORLD_FIELDS * WIDTH)
    for e in range(lanes):
        for k in range(3):
            drones[:, X + k * WIDTH + e] = np.array(positions)[:, k]
            drones[:, GX + k * WIDTH + e] = np.array(goals)[:, k]
        drones[:, ACTIVE + e] = 1.0
    return drones, world


def clock_of(keys):
    clock = np.zeros(CLOCK_FIELDS * WIDTH, np.int64)
    clock[KEY : KEY + len(keys)] = keys
    return clock


def parameters(name="multihover", **options):
    task = make_task(name, **options)
    _, p, q, *_ = task.constants(np.dtype(float))
    return task, p, q


def scored(drones, world, n):
    _, p, q = parameters()
    score_by_distance(drones, world, clock_of([0]), p, q, n, 0)
    return drones[:n, REWARD].copy(), world[ERROR]


def flown(env, policy, steps=None):
    """Return success, mean reward of a step and rewards of one episode in each environment."""
    env.reset(seed=11)
    over, won = np.zeros(env.n_envs, bool), np.zeros(env.n_envs, bool)
    rewards = []
    for _ in range(steps or env.task.horizon):
        step = env.step(policy(env.view()))
        rewards.append(np.where(over, 0.0, step.rewards.mean(axis=1)))
        won |= ~over & step.successes
        over |= step.terminated | step.truncated
    return won.mean(), np.mean(rewards), np.array(rewards)


@pytest.mark.parametrize(
    ("name", "options", "best_random"),
    [
        ("hover1d", {}, 0.6),
        ("hover", {}, 0.1),
        ("multihover", {"n_drones": 1}, 0.6),
        ("multihover", {"n_drones": 4}, 0.6),
        ("multihover", {"n_drones": 8, "actions": "velocity"}, 0.6),
        ("multihover", {"n_drones": 3, "actions": "motors"}, 0.1),
    ],
)
def test_the_expert_solves_the_task_and_the_random_policy_does_not(name, options, best_random):
    env = BatchEnv(make_task(name, **options), 64)
    success, score, rewards = flown(env, env.task.expert(env.task))
    assert success == 1.0
    assert score > 0.85
    lucky, poor, wild = flown(env, lambda view: env.random_actions())
    assert lucky <= 0.05
    assert poor < best_random
    for values in (rewards, wild):
        assert values.min() >= 0.0
        assert values.max() <= 1.0


@pytest.mark.parametrize("actions", ["velocity", "motors"])
def test_a_pilot_flies_at_the_velocities_that_are_wanted(actions):
    env = BatchEnv(make_task("multihover", n_drones=3, actions=actions), 16)
    env.reset(seed=6)
    fly = pilot(env.task)
    for velocity in ([0.3, 0.0, 0.1], [-0.1, 0.3, 0.0], [0.0, 0.0, 0.0]):
        wanted = np.broadcast_to(velocity, (16, 3, 3))
        for _ in range(60):
            assert not env.step(fly(env.view(), wanted)).terminated.any()
        # The air brakes rotors that do not know of it by some hundredths.
        np.testing.assert_allclose(env.view().velocities, wanted, atol=0.03)


def test_hovering_by_rotors_that_lag_does_not_tip_over():
    env = BatchEnv(make_task("hover", actions="motors", airframe="cf2x_l250"), 256)
    success, score, _ = flown(env, env.task.expert(env.task))
    assert success == 1.0
    assert score > 0.9


@pytest.mark.parametrize("actions", ["rates", "attitude", "velocity", "position", "motors", "discrete"])
def test_the_expert_of_every_control_comes_to_its_goal_in_four_seconds(actions):
    task, p, q = parameters("hover", actions=actions)
    affine, *_, starts = task.constants(np.dtype(float))
    drones = np.zeros((1, DRONE_FIELDS * WIDTH))
    world, clock = np.zeros(WORLD_FIELDS * WIDTH), clock_of([5, 6])
    start = specialised(begin, spawn=task.spawn, note=task.note)
    for e in range(2):
        start(drones, world, clock, p, q, task.disturbances.parameters(), starts, 1, task.horizon, e)
    policy, follow = task.expert(task), MODES[task.control]
    for _ in range(4 * task.rate):
        units = task.units(policy(view_of(drones[None], world[None], clock[None], 2)))
        for e in range(2):
            command(drones, 0, *units[e, 0], affine, e)
            for _ in range(task.substeps):
                follow(drones[0], p, e)
                spin(drones[0], p, e)
                air(drones[0], world, p, e)
                advance(drones[0], p, e)
    distances = np.linalg.norm(view_of(drones[None], world[None], clock[None], 2).positions - [0, 0, 1], axis=2)
    assert distances.max() < task.solved


def test_a_drone_at_its_goal_earns_one_and_half_a_metre_away_one_over_e():
    rewards, error = scored(*placed([[1, 2, 1]], [[1, 2, 1]]), 1)
    assert rewards == [1.0]
    assert error == 0.0
    rewards, error = scored(*placed([[0.3, 0, 1.4]], [[0, 0, 1]]), 1)
    assert rewards == pytest.approx([math.exp(-1)])
    assert error == pytest.approx(0.5)


def test_all_drones_earn_the_mean_of_what_each_is_worth():
    rewards, error = scored(*placed([[0, 0, 1], [2, 0, 1.5]], [[0, 0, 1], [2, 0, 1]]), 2)
    assert rewards == pytest.approx([(1 + math.exp(-1)) / 2] * 2)
    assert error == pytest.approx(0.25)


def test_two_drones_21_centimetres_apart_earn_half_and_touching_ones_nothing():
    goals = [[0, 0, 1], [0.21, 0, 1]]
    rewards, _ = scored(*placed(goals, goals), 2)
    # Half the way from 0.3 m to where spheres of 0.06 m touch.
    assert rewards == pytest.approx([0.5, 0.5])
    goals = [[0, 0, 1], [0.0, 0.1, 1], [0, 3, 1]]
    rewards, _ = scored(*placed(goals, goals), 3)
    assert rewards == pytest.approx([1 / 3] * 3)


def test_drones_that_keep_away_do_not_disturb_one_another():
    drones, _ = placed([[0, 0, 1], [KEEP_AWAY, 0, 1]], [[0, 0, 1]] * 2)
    assert closeness(drones, 2, 0, KEEP_AWAY, 0.12, 0) == pytest.approx(0.0, abs=1e-12)


def test_lost_drones_neither_count_nor_disturb():
    drones, world = placed([[0, 0, 1], [0.1, 0, 1], [5, 0, 1]], [[0, 0, 1]] * 3)
    drones[1:, ACTIVE] = 0.0
    rewards, error = scored(drones, world, 3)
    assert rewards[0] == pytest.approx(1.0)
    assert error == 0.0
    drones[:, ACTIVE] = 0.0
    rewards, error = scored(drones, world, 3)
    assert rewards.tolist() == [0.0, 0.0, 0.0]
    assert error == 0.0


def test_renumbering_the_drones_changes_no_reward():
    rng = np.random.default_rng(2)
    positions, goals = rng.normal(size=(2, 5, 3)) * 0.3
    rewards, error = scored(*placed(positions, goals), 5)
    order = [3, 0, 4, 1, 2]
    again, same = scored(*placed(positions[order], goals[order]), 5)
    assert again == pytest.approx(rewards, rel=1e-14)
    assert same == pytest.approx(error, rel=1e-14)


@pytest.mark.parametrize("n", range(1, 9))
def test_drones_and_their_goals_start_apart_and_far_from_the_walls(n):
    _, p, q = parameters(n_drones=n)
    for key in range(40):
        drones, world = placed(np.zeros((n, 3)), np.zeros((n, 3)))
        spawn_apart(drones, world, clock_of([key]), p, q, n, 0)
        starts = np.stack([drones[:, X + k * WIDTH] for k in range(3)], axis=1)
        goals = np.stack([drones[:, GX + k * WIDTH] for k in range(3)], axis=1)
        for points in (starts, goals):
            assert np.abs(points[:, :2]).max() < 1.5
            assert 0.6 < points[:, 2].min() <= points[:, 2].max() < 1.4
            for a, b in itertools.combinations(points, 2):
                assert math.dist(a, b) > KEEP_AWAY


def test_a_drone_that_moves_all_rotors_together_starts_right_below_or_above_its_goal():
    _, p, q = parameters("hover1d")
    heights = []
    for key in range(50):
        drones, world = placed([[0, 0, 0]], [[0, 0, 0]])
        spawn_hover(drones, world, clock_of([key]), p, q, 1, 0)
        view = view_of(drones[None], world[None], clock_of([key])[None], 1)
        assert view.positions[0, 0, :2].tolist() == [0.0, 0.0]
        assert view.velocities[0, 0, :2].tolist() == [0.0, 0.0]
        assert view.quaternions[0, 0].tolist() == [0.0, 0.0, 0.0, 1.0]
        heights.append(view.positions[0, 0, 2])
    assert min(heights) < 0.5
    assert max(heights) > 1.5


def test_a_hovering_drone_starts_displaced_tilted_and_moving():
    _, p, q = parameters("hover")
    drones, world = placed([[0, 0, 0]], [[0, 0, 0]], lanes=WIDTH)
    clock = clock_of(range(WIDTH))
    for e in range(WIDTH):
        spawn_hover(drones, world, clock, p, q, 1, e)
    view = view_of(drones[None], world[None], clock[None], WIDTH)
    assert (np.abs(view.positions - [0, 0, 1]) <= 0.5).all()
    assert (np.abs(view.velocities).max(axis=(0, 1)) > 0.1).all()
    tilts = np.arccos(view.rotations[:, 0, 2, 2])
    assert 0.1 < tilts.max() <= 2 * math.asin(0.1) + 1e-12
    assert np.allclose(np.linalg.norm(view.quaternions, axis=2), 1.0, atol=1e-15)


@pytest.mark.parametrize(
    ("kernel", "n"), [(score_by_distance, 4), (spawn_apart, 4), (spawn_apart, 1), (spawn_hover, 1)]
)
def test_one_lane_and_whole_arrays_agree(kernel, n):
    _, p, q = parameters("hover") if kernel is spawn_hover else parameters(n_drones=n)
    rng = np.random.default_rng(n)
    drones, world = rng.normal(size=(n, DRONE_FIELDS * WIDTH)) * 0.2, np.zeros(WORLD_FIELDS * WIDTH)
    drones[:, ACTIVE : ACTIVE + WIDTH] = rng.random((n, WIDTH)) < 0.7
    clock = clock_of(rng.integers(2**32, size=WIDTH))
    arrays = {f: drones[:, f : f + WIDTH].copy() for f in range(0, DRONE_FIELDS * WIDTH, WIDTH)}
    worlds = Columns({f: world[f : f + WIDTH].copy() for f in range(0, WORLD_FIELDS * WIDTH, WIDTH)})
    clocks = Columns({f: clock[f : f + WIDTH] for f in range(0, CLOCK_FIELDS * WIDTH, WIDTH)})
    rebound(kernel, **WORDS)(Table(arrays), worlds, clocks, p, q, n, 0)
    for e in range(WIDTH):
        kernel(drones, world, clock, p, q, n, e)
    for field, array in arrays.items():
        assert np.allclose(array, drones[:, field : field + WIDTH], rtol=1e-12, atol=1e-14)
    assert np.allclose(worlds[ERROR], world[ERROR : ERROR + WIDTH], rtol=1e-13)


def test_the_expert_still_hovers_in_wind_and_with_another_mass():
    task = make_task("multihover", n_drones=2, disturbances=Disturbances(mass=0.1, wind=1.0, inertia=0.2))
    env = BatchEnv(task, 64)
    success, *_ = flown(env, task.expert(task))
    assert success > 0.9


def test_turning_comes_before_climbing_in_what_rotors_are_asked_for():
    turn = np.array([0.3, -0.3, 0.1, -0.1])
    units = trimmed((turn + 5.0)[None, None])[0, 0]
    assert units == pytest.approx(turn + 0.7)
    units = trimmed((4 * turn - 9.0)[None, None])[0, 0]
    assert units == pytest.approx(turn / 0.3)
    assert trimmed((turn + 0.2)[None, None])[0, 0] == pytest.approx(turn + 0.2)


def test_hover_tasks_say_which_actions_and_numbers_of_drones_they_know():
    with pytest.raises(GameError, match="hover knows the actions motors, rates, attitude, "):
        make_task("hover", actions="levers")
    with pytest.raises(GameError, match="hover1d is for 1 drone, got n_drones=2"):
        make_task("hover1d", n_drones=2)
