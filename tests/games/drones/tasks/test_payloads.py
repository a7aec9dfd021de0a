"""Carrying a load: the physics of the cables, the task, and the same motion in PyBullet."""

import math

import numpy as np
import pytest

from marlgt.games.drones import evaluate_policy, make_batch, make_task
from marlgt.games.drones.airframes import DAMPING, GRAVITY
from marlgt.games.drones.disturbances import Disturbances
from marlgt.games.drones.kernels.controllers import follow_velocity
from marlgt.games.drones.kernels.dynamics import advance
from marlgt.games.drones.kernels.engine import ready
from marlgt.games.drones.kernels.lanes import WIDTH, Columns, Table
from marlgt.games.drones.kernels.layout import (
    ACTIVE,
    CLOCK_FIELDS,
    DRONE_FIELDS,
    E0,
    ERROR,
    FX,
    FY,
    FZ,
    GX,
    H0,
    INERTIA,
    LOST,
    LVX,
    LX,
    MASS,
    N0,
    QW,
    REWARD,
    U0,
    VX,
    WORLD_FIELDS,
    X,
)
from marlgt.games.drones.tasks.payloads import CABLE, DAMPER, LOAD, SIZE, STIFFNESS, carry, note_load, score_load
from marlgt.kernels import rebound

STEP = 1 / 240
TASK = make_task("payload", n_drones=2)
FRAME = TASK.airframe
P = FRAME.parameters(STEP)
Q = np.array(TASK.settings)
CALM = P.copy()
CALM[DAMPING] = 0.0
WEIGHT = Q[LOAD] * P[GRAVITY]
WORDS = {"where": np.where, "least": np.minimum, "most": np.maximum, "sqrt": np.sqrt, "exp": np.exp}


def triple(row, field):
    """Return three numbers of lane 0 that follow one another."""
    return row[field : field + 3 * WIDTH : WIDTH]


def hovering(positions):
    """Return drones at rest in lane 0 of a block."""
    drones = np.zeros((len(positions), DRONE_FIELDS * WIDTH))
    for d, position in zip(drones, positions):
        triple(d, X)[:] = position
        d[[QW, ACTIVE, INERTIA]] = 1.0
        d[MASS] = FRAME.mass
        d[H0 : H0 + 4 * WIDTH : WIDTH] = 1.0
        d[N0 : N0 + 4 * WIDTH : WIDTH] = FRAME.hover_rpm
    return drones


def load_at(position, velocity=(0.0, 0.0, 0.0)):
    world = np.zeros(WORLD_FIELDS * WIDTH)
    triple(world, LX)[:] = position
    triple(world, LVX)[:] = velocity
    return world


def swing(drones, world, substeps, *, p=P, q=Q):
    """Move the load below drones that are held where they are; return its states, shape (substeps, 6)."""
    states = np.empty((substeps, 6))
    for k in range(substeps):
        drones[:, [FX, FY, FZ]] = 0.0
        carry(drones, world, p, q, len(drones), 0)
        states[k] = *triple(world, LX), *triple(world, LVX)
    return states


@pytest.mark.parametrize("n_drones", [2, 3, 4])
def test_an_episode_starts_with_the_load_at_rest_and_its_weight_shared_by_the_cables(n_drones):
    env = make_batch("payload", n_drones=n_drones, n_envs=WIDTH)
    env.reset(seed=3)
    drones, world = env._drones[0], env._world[0]
    carry(drones, world, P, Q, n_drones, 0)
    assert abs(triple(world, LVX)).max() < 1e-12
    np.testing.assert_allclose(drones[:, FZ], -WEIGHT / n_drones, rtol=1e-12)


def test_the_load_comes_to_rest_where_each_cable_bears_its_share_of_the_weight():
    drones = hovering([(0.3, 0.0, 1.5), (-0.3, 0.0, 1.5)])
    world = load_at((0.05, 0.0, 1.1))
    states = swing(drones, world, 240 * 60, q=np.array([Q[LOAD], Q[CABLE], Q[STIFFNESS], 4 * Q[DAMPER], 0.3]))
    assert abs(states[-1, 3:]).max() < 1e-4
    np.testing.assert_allclose(drones[:, FZ], -WEIGHT / 2, rtol=1e-3)
    # By the height of the cables, each pulls sideways in proportion.
    height = 1.5 - states[-1, 2]
    np.testing.assert_allclose(drones[:, FX], [-0.3 / height * WEIGHT / 2, 0.3 / height * WEIGHT / 2], rtol=2e-3)


def test_the_pull_on_load_and_drones_sums_to_zero():
    rng = np.random.default_rng(0)
    drones = hovering(rng.uniform([-0.5, -0.5, 1.0], [0.5, 0.5, 2.0], (3, 3)))
    for d in drones:
        triple(d, VX)[:] = rng.uniform(-1, 1, 3)
    world = load_at((0.1, 0.0, 0.8), (0.3, -0.2, 0.1))
    before = triple(world, LVX).copy()
    carry(drones, world, CALM, Q, 3, 0)
    on_load = Q[LOAD] * ((triple(world, LVX) - before) / STEP + [0.0, 0.0, P[GRAVITY]])
    assert np.abs(on_load).max() > 0.1
    np.testing.assert_allclose(on_load, -drones[:, [FX, FY, FZ]].sum(axis=0), atol=1e-12)


def test_a_slack_cable_pulls_nothing_and_a_cable_never_pushes():
    drones = hovering([(0.0, 0.0, 1.0)])
    world = load_at((0.0, 0.0, 0.6), (0.0, 0.0, 3.0))
    carry(drones, world, P, Q, 1, 0)
    assert drones[0, FZ] == 0.0
    # Stretched a little, but closing so fast that the damper would push.
    world = load_at((0.0, 0.0, 0.499), (0.0, 0.0, 3.0))
    carry(drones, world, P, Q, 1, 0)
    assert drones[0, FZ] == 0.0
    world = load_at((0.0, 0.0, 0.499))
    carry(drones, world, P, Q, 1, 0)
    assert drones[0, FZ] == pytest.approx(-Q[STIFFNESS] * 0.001, rel=1e-9)


def test_a_lost_drone_lets_go_of_its_cable():
    drones = hovering([(0.0, 0.0, 1.5)])
    drones[0, ACTIVE] = 0.0
    world = load_at((0.0, 0.0, 0.9))
    carry(drones, world, CALM, Q, 1, 0)
    assert drones[0, FZ] == 0.0
    assert triple(world, LVX)[2] == pytest.approx(-P[GRAVITY] * STEP)


def test_a_load_that_falls_rests_on_the_ground():
    drones = hovering([(0.0, 0.0, 0.3)])
    states = swing(drones, load_at((0.0, 0.0, 0.3), (1.0, 0.0, 0.0)), 480)
    assert states[:, 2].min() == SIZE
    np.testing.assert_allclose(states[-1, 2:], [SIZE, 0.0, 0.0, 0.0], atol=1e-9)


def test_the_period_of_a_small_swing_is_that_of_a_pendulum():
    drones = hovering([(0.0, 0.0, 2.0)])
    length = Q[CABLE] + WEIGHT / Q[STIFFNESS]
    angle = 0.05
    world = load_at((length * math.sin(angle), 0.0, 2.0 - length * math.cos(angle)))
    x = swing(drones, world, 240 * 12, p=CALM)[:, 0]
    down = np.flatnonzero((x[:-1] > 0) & (x[1:] <= 0))
    crossings = down + x[down] / (x[down] - x[down + 1])
    period = np.diff(crossings).mean() * STEP
    theory = 2 * math.pi * math.sqrt(length / P[GRAVITY]) * (1 + angle**2 / 16)
    assert len(crossings) >= 8
    assert period == pytest.approx(theory, rel=5e-4)


def test_damped_cables_take_energy_and_undamped_ones_keep_it():
    def energy(states, drones):
        kinetic = 0.5 * Q[LOAD] * (states[:, 3:] ** 2).sum(axis=1)
        stretch = [np.linalg.norm(states[:, :3] - triple(d, X), axis=1) - Q[CABLE] for d in drones]
        elastic = 0.5 * Q[STIFFNESS] * sum(np.maximum(s, 0.0) ** 2 for s in stretch)
        return kinetic + elastic + WEIGHT * states[:, 2]

    def bounce(damper):
        drones = hovering([(0.3, 0.0, 1.5), (-0.3, 0.0, 1.5)])
        q = Q.copy()
        q[DAMPER] = damper
        return energy(swing(drones, load_at((0.0, 0.05, 1.08)), 240 * 4, p=CALM, q=q), drones).reshape(8, -1)

    damped, free = bounce(Q[DAMPER]).mean(axis=1), bounce(0.0).mean(axis=1)
    lost = damped[0] - damped[-1]
    assert lost > 1e-3
    # A semi-implicit step keeps the energy but for a wave of the size of the step, also while the load still swings.
    assert np.diff(damped).max() < 0.002 * lost
    assert abs(free - free[0]).max() < 0.05 * lost


def test_in_bullet_drones_and_load_move_the_same_under_the_same_forces():
    bullet = pytest.importorskip("pybullet")
    from marlgt.games.drones.backends.bullet_world import BulletWorld

    ours = hovering([(0.3, 0.0, 1.4), (-0.3, 0.0, 1.4)])
    theirs = ours.copy()
    world = load_at((0.0, 0.1, 0.98))
    with BulletWorld(FRAME, TASK.scene, 2) as reference:
        client = {"physicsClientId": reference._client}
        load = bullet.createMultiBody(Q[LOAD], basePosition=triple(world, LX).tolist(), **client)
        reference.place(theirs, 0)
        still = np.zeros(WORLD_FIELDS * WIDTH)
        apart = 0.0
        for k in range(480):
            wanted = [0.4 * math.sin(0.02 * k), 0.3, 0.1]
            for drones in (ours, theirs):
                for d in drones:
                    triple(d, U0)[:] = wanted
                    follow_velocity(d, P, 0)
                    ready(d, still, P, 0)
            carry(ours, world, P, Q, 2, 0)
            for d in ours:
                advance(d, P, 0)
            # The same law of the cables, written with vectors.
            x = np.array(bullet.getBasePositionAndOrientation(load, **client)[0])
            v = np.array(bullet.getBaseVelocity(load, **client)[0])
            total = np.zeros(3)
            for d in theirs:
                way = triple(d, X) - x
                length = np.linalg.norm(way)
                along = way / length
                pull = Q[STIFFNESS] * (length - Q[CABLE]) + Q[DAMPER] * (triple(d, VX) - v) @ along
                force = max(pull, 0.0) * (length > Q[CABLE]) * along
                triple(d, FX)[:] -= force
                total += force
            bullet.applyExternalForce(load, -1, total.tolist(), x.tolist(), bullet.WORLD_FRAME, **client)
            reference.substep(theirs, 0)
            there = np.array(bullet.getBasePositionAndOrientation(load, **client)[0])
            apart = max(apart, abs(there - triple(world, LX)).max(), abs(theirs[:, X] - ours[:, X]).max())
    # They have flown a good way.
    assert np.linalg.norm(triple(world, LX) - [0.0, 0.1, 0.98]) > 0.4
    assert apart < 1e-9


def test_reward_and_error_are_those_of_the_distance_of_the_load():
    drones, world = hovering([(0.0, 0.0, 1.5), (0.4, 0.0, 1.5)]), load_at((0.1, 0.2, 0.9))
    triple(drones[0], GX)[:] = 0.4, 0.6, 0.9
    triple(drones[1], GX)[:] = 0.4, 0.6, 0.9
    score_load(drones, world, np.zeros(CLOCK_FIELDS * WIDTH, np.int64), P, Q, 2, 0)
    assert world[ERROR] == pytest.approx(0.5)
    np.testing.assert_allclose(drones[:, REWARD], math.exp(-1.0))
    note_load(drones, world, np.zeros(CLOCK_FIELDS * WIDTH, np.int64), P, Q, 2, 0)
    noted = drones[1, E0 : E0 + 9 * WIDTH : WIDTH]
    np.testing.assert_allclose(noted, [-0.3, 0.2, -0.6, 0, 0, 0, 0.3, 0.4, 0.0], atol=1e-12)


@pytest.mark.parametrize("kernel", [carry, score_load, note_load])
def test_kernels_do_the_same_on_lanes_and_on_whole_arrays(kernel):
    env = make_batch("payload", n_drones=3, n_envs=WIDTH)
    env.reset(seed=5)
    for _ in range(5):
        env.step(env.random_actions())
    drones, world, clock = env._drones[0], env._world[0], env._clock[0]
    # What they write is not there yet.
    drones[:, REWARD : REWARD + WIDTH], drones[:, E0:] = 7.0, 7.0
    clocks = () if kernel is carry else (clock,)
    table = Table({k * WIDTH: drones[:, k * WIDTH : (k + 1) * WIDTH].copy() for k in range(DRONE_FIELDS)})
    columns = Columns({k * WIDTH: world[k * WIDTH : (k + 1) * WIDTH].copy() for k in range(WORLD_FIELDS)})
    rebound(kernel, **WORDS)(table, columns, *clocks, P, Q, 3, 0)
    before = drones.copy(), world.copy()
    for e in range(WIDTH):
        kernel(drones, world, *clocks, P, Q, 3, e)
    assert (drones != before[0]).any()
    for k in range(DRONE_FIELDS):
        np.testing.assert_allclose(table.arrays[k * WIDTH], drones[:, k * WIDTH : (k + 1) * WIDTH], atol=1e-12)
    for k in range(WORLD_FIELDS):
        np.testing.assert_allclose(columns[k * WIDTH], world[k * WIDTH : (k + 1) * WIDTH], atol=1e-12)


@pytest.mark.parametrize(
    ("n_drones", "actions"), [(2, "discrete"), (2, "velocity"), (4, "discrete"), (2, "motors"), (4, "motors")]
)
def test_the_expert_brings_the_load_to_its_goal_and_chance_does_not(n_drones, actions):
    task = make_task("payload", n_drones=n_drones, actions=actions)
    expert, chance = (evaluate_policy(task, policy, episodes=64) for policy in ("expert", "random"))
    assert expert.success_rate >= 0.95
    assert chance.success_rate <= 0.02
    assert expert.score > chance.score + 0.4


def test_rewards_stay_within_0_and_1_under_wild_flight_and_losses():
    task = make_task("payload", n_drones=4, disturbances=Disturbances(loss=0.8, mass=0.2, wind=1.0, gusts=0.5))
    env = make_batch(task, n_envs=32)
    env.reset(seed=1)
    rng = np.random.default_rng(0)
    held = rng.integers(task.n_actions, size=(32, 4))
    for _ in range(200):
        change = rng.random((32, 4)) < 0.02
        held = np.where(change, rng.integers(task.n_actions, size=(32, 4)), held)
        step = env.step(held)
        assert (step.rewards >= 0.0).all()
        assert (step.rewards <= 1.0).all()
        assert np.isfinite(step.observations).all()
    assert env.runaways == 0


def test_three_drones_still_carry_the_load_when_one_of_four_is_lost():
    task = make_task("payload", n_drones=4, actions="velocity")
    env = make_batch(task, n_envs=32)
    env.reset(seed=2)
    # One of each four is lost after two seconds.
    env._drones[:, 0, LOST : LOST + WIDTH] = 60.0
    policy = task.expert(task)
    for _ in range(task.horizon - 1):
        step = env.step(policy(env.view()))
        assert not step.terminated.any()
    view = env.view()
    assert not view.active[:, 0].any()
    assert view.errors.mean() < 0.25


@pytest.mark.parametrize("n_drones", [2, 3, 4])
def test_rotors_at_rest_hold_the_load_up_and_at_their_fastest_one_drone_fewer_does(n_drones):
    task = make_task("payload", n_drones=n_drones, actions="motors")
    offset, scale = task.span(FRAME)
    weight = FRAME.mass * FRAME.gravity
    np.testing.assert_allclose(4 * FRAME.thrust * offset**2, weight + WEIGHT / n_drones, rtol=1e-12)
    assert (4 * FRAME.thrust * (offset + scale) ** 2 > weight + WEIGHT / (n_drones - 1)).all()


def test_drones_by_rotors_lean_against_their_cables_and_keep_their_places():
    task = make_task("payload", n_drones=2, actions="motors")
    env = make_batch(task, n_envs=16)
    env.reset(seed=4)
    policy = task.expert(task)
    for _ in range(task.horizon - 1):
        env.step(policy(env.view()))
    view = env.view()
    np.testing.assert_allclose(view.positions, view.goals + view.memory[..., :3], atol=0.05)
    # The cable pulls sideways with 0.3 by 0.4 of its share of the weight.
    lean = np.linalg.norm(view.rotations[..., :2, 2], axis=2)
    pull = WEIGHT / 2 * 0.3 / 0.4
    np.testing.assert_allclose(lean, pull / np.hypot(pull, FRAME.mass * FRAME.gravity + WEIGHT / 2), rtol=0.1)


def test_drones_start_apart_and_goals_are_out_of_reach_of_standing_still():
    env = make_batch("payload", n_drones=4, n_envs=200)
    env.reset(seed=0)
    view = env.view()
    gaps = np.linalg.norm(view.positions[:, :, None] - view.positions[:, None], axis=3) + 9 * np.eye(4)
    assert gaps.min() > 0.4
    assert np.linalg.norm(view.goals[:, 0] - view.loads, axis=1).min() >= 0.5
    assert view.loads[:, 2].min() > 0.5
    assert view.goals[..., 2].min() >= 0.5
    assert view.world[:, :3] == pytest.approx(view.loads)
