"""Take-off with two motor speeds: the expert flies, chance does not, and neither seat knows more than the other."""

import math

import numpy as np
import pytest

from marlgt.games.drones.backends.batch_env import BatchEnv
from marlgt.games.drones.kernels.lanes import WIDTH, Columns, Table
from marlgt.games.drones.kernels.layout import (
    ACTIVE,
    CLOCK_FIELDS,
    DRONE_FIELDS,
    ERROR,
    GZ,
    KEY,
    QW,
    QX,
    REWARD,
    WORLD_FIELDS,
    Z,
)
from marlgt.games.drones.making import make_task
from marlgt.games.drones.tasks.takeoff import score_upright, spawn_takeoff
from marlgt.games.drones.views import view_of
from marlgt.kernels import rebound

WORDS = {
    "where": np.where,
    "least": np.minimum,
    "most": np.maximum,
    "sqrt": np.sqrt,
    "exp": np.exp,
    "sin": np.sin,
    "cos": np.cos,
}
NAMES = ["takeoff-onoff", "takeoff-2level"]


def blank(keys=(0,)):
    clock = np.zeros(CLOCK_FIELDS * WIDTH, np.int64)
    clock[KEY : KEY + len(keys)] = keys
    return np.zeros((1, DRONE_FIELDS * WIDTH)), np.zeros(WORLD_FIELDS * WIDTH), clock


def parameters(name):
    _, p, q, *_ = make_task(name).constants(np.dtype(float))
    return p, q


def flown(env, policy):
    env.reset(seed=4)
    over, won, rewards = np.zeros(env.n_envs, bool), np.zeros(env.n_envs, bool), []
    for _ in range(env.task.horizon):
        step = env.step(policy(env.view()))
        rewards.append(np.where(over, 0.0, step.rewards.mean(axis=1)))
        won |= ~over & step.successes
        over |= step.terminated | step.truncated
    return won.mean(), np.array(rewards)


@pytest.mark.parametrize("name", NAMES)
def test_the_expert_brings_the_drone_up_and_chance_does_not(name):
    env = BatchEnv(make_task(name), 48)
    assert env.n_agents == 4
    success, rewards = flown(env, env.task.expert(env.task))
    assert success >= 0.95
    assert rewards.mean() > 0.8
    lucky, wild = flown(env, lambda view: env.random_actions())
    assert lucky == 0.0
    assert wild.mean() < 0.15
    for values in (rewards, wild):
        assert values.min() >= 0.0
        assert values.max() <= 1.0


def test_one_agent_for_the_drone_and_four_for_its_motors_fly_the_same_flight():
    four, joint = (BatchEnv(make_task("takeoff-onoff", actions=kind), 8) for kind in ("four", "joint"))
    policies = [env.task.expert(env.task) for env in (four, joint)]
    four.reset(seed=1)
    joint.reset(seed=1)
    for _ in range(30):
        bits, choice = policies[0](four.view()), policies[1](joint.view())
        assert (bits @ [1, 2, 4, 8] == choice[:, 0]).all()
        a, b = four.step(bits), joint.step(choice)
        assert (a.rewards == b.rewards).all()
        assert a.rewards.shape == (8, 4)
        assert b.rewards.shape == (8, 1)
    assert (four.view().positions == joint.view().positions).all()


@pytest.mark.parametrize("name", NAMES)
def test_to_hover_takes_motors_that_act_apart(name):
    env = BatchEnv(make_task(name, actions="joint"), 32)
    env.reset(seed=3)
    policy, counts = env.task.expert(env.task), np.zeros(16, int)
    for _ in range(60):
        choices = policy(env.view())
        counts += np.bincount(choices[:, 0], minlength=16)
        env.step(choices)
    assert (counts > 0).all()
    # Beside all motors low and all high.
    assert counts[1:15].sum() > 0.25 * counts.sum()


def test_an_upright_drone_at_its_goal_earns_one_and_an_upturned_one_two_thirds():
    p, q = parameters("takeoff-onoff")
    for turn, worth in ((0.0, 1.0), (math.pi, 1 / 1.5), (math.pi / 3, 1.25 / 1.5)):
        drones, world, clock = blank()
        drones[0, Z] = drones[0, GZ] = drones[0, ACTIVE] = 1.0
        drones[0, QX], drones[0, QW] = math.sin(turn / 2), math.cos(turn / 2)
        score_upright(drones, world, clock, p, q, 1, 0)
        assert drones[0, REWARD] == pytest.approx(worth)
        drones[0, Z] = 0.5
        score_upright(drones, world, clock, p, q, 1, 0)
        assert drones[0, REWARD] == pytest.approx(worth * math.exp(-1))
        assert world[ERROR] == pytest.approx(0.5)
        drones[0, ACTIVE] = 0.0
        score_upright(drones, world, clock, p, q, 1, 0)
        assert drones[0, REWARD] == world[ERROR] == 0.0


@pytest.mark.parametrize("name", NAMES)
def test_half_of_the_episodes_begin_at_rest_on_the_ground_and_half_disturbed_in_the_air(name):
    task, (p, q) = make_task(name), parameters(name)
    views = []
    for first in range(0, 400, WIDTH):
        drones, world, clock = blank(range(first, first + WIDTH))
        for e in range(WIDTH):
            spawn_takeoff(drones, world, clock, p, q, 1, e)
        views.append(view_of(drones[None], world[None], clock[None], WIDTH))
    positions = np.concatenate([view.positions[:, 0] for view in views])
    speeds = np.concatenate([np.linalg.norm(view.velocities[:, 0], axis=1) for view in views])
    tilts = np.arccos(np.concatenate([view.rotations[:, 0, 2, 2] for view in views]).clip(-1, 1))
    ground = positions[:, 2] == task.airframe.height
    assert 0.42 < ground.mean() < 0.58
    assert speeds[ground].max() == tilts[ground].max() == 0.0
    assert 0.5 <= positions[~ground, 2].min() <= positions[~ground, 2].max() <= 1.5
    assert np.median(speeds[~ground]) > 0.3
    assert 0.1 < np.median(tilts[~ground]) < tilts.max() < 0.31
    assert np.abs(positions[:, :2]).max() <= 0.5


def test_motors_start_still_on_the_ground_and_hovering_in_the_air():
    env = BatchEnv(make_task("takeoff-onoff"), 32)
    env.reset(seed=0)
    view = env.view()
    ground = view.positions[:, 0, 2] < 0.1
    assert ground.any()
    assert (~ground).any()
    assert (view.rotors[ground] == 0.0).all()
    assert np.allclose(view.rotors[~ground], env.task.airframe.hover_rpm)


@pytest.mark.parametrize("kernel", [score_upright, spawn_takeoff])
def test_one_lane_and_whole_arrays_agree(kernel):
    p, q = parameters("takeoff-2level")
    rng = np.random.default_rng(1)
    _, world, clock = blank(rng.integers(2**32, size=WIDTH))
    drones = rng.normal(size=(1, DRONE_FIELDS * WIDTH)) * 0.3
    arrays = {f: drones[:, f : f + WIDTH].copy() for f in range(0, DRONE_FIELDS * WIDTH, WIDTH)}
    worlds = Columns({f: world[f : f + WIDTH].copy() for f in range(0, WORLD_FIELDS * WIDTH, WIDTH)})
    clocks = Columns({f: clock[f : f + WIDTH] for f in range(0, CLOCK_FIELDS * WIDTH, WIDTH)})
    rebound(kernel, **WORDS)(Table(arrays), worlds, clocks, p, q, 1, 0)
    for e in range(WIDTH):
        kernel(drones, world, clock, p, q, 1, e)
    for field, array in arrays.items():
        assert np.allclose(array, drones[:, field : field + WIDTH], rtol=1e-12, atol=1e-14)
    assert np.allclose(worlds[ERROR], world[ERROR : ERROR + WIDTH], rtol=1e-13)
