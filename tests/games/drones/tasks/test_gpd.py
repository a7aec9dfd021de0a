"""The hover tasks of gym-pybullet-drones, against its own environment.

The published numbers here were recorded from ``HoverAviary`` (gym-pybullet-drones, commit 90b178a, pybullet 3.2.7,
``obs=KIN``, 30 and 240 Hz) under the three policies below.
"""

import math

import numpy as np
import pytest

from marlgt.games.drones.backends.batch_env import BatchEnv
from marlgt.games.drones.kernels.lanes import WIDTH, Columns, Table
from marlgt.games.drones.kernels.layout import (
    CRASHED,
    DRONE_FIELDS,
    ENDED,
    ERROR,
    K0,
    QW,
    QX,
    QY,
    REWARD,
    RUNAWAY,
    WORLD_FIELDS,
    X,
    Y,
    Z,
)
from marlgt.games.drones.making import make_task
from marlgt.games.drones.tasks.gpd import score_gpd
from marlgt.kernels import rebound

WORDS = {"where": np.where, "least": np.minimum, "most": np.maximum, "sqrt": np.sqrt}


def lift(k):
    return 1.0 if k < 27 else -1.0 if k < 53 else 0.05 * math.sin(0.1 * k)


def together(seen, k):
    return np.array([lift(k)])


def apart(seen, k):
    return lift(k) * 0.9 + 0.02 * np.sin(np.arange(4) + 0.5 * k)


def steered(seen, k):
    x, y, z, roll, pitch, _, vx, vy, vz, wx, wy, _ = seen[:12].astype(float)
    up = 2.0 * (1.0 - z) - 1.5 * vz
    a = 0.3 * (0.1 - y) - 0.3 * vy + 2.0 * roll + 0.3 * wx
    b = -0.3 * (0.1 - x) + 0.3 * vx + 2.0 * pitch + 0.3 * wy
    turn = np.array([a + b, a - b, -a - b, -a + b])
    return np.clip(np.clip(up, -0.6, 0.6) + np.clip(turn, -0.4, 0.4), -1.0, 1.0)


def episode(name, policy):
    """Return the return of an episode, the observations that its steps led to, and its last step."""
    env = BatchEnv(make_task(name), 1)
    seen, total, trail = env.reset(seed=0), 0.0, []
    while True:
        step = env.step(policy(seen[0, 0], len(trail))[None, None])
        seen = step.observations
        total += float(step.rewards[0, 0])
        trail.append(step.reached[0, 0])
        if step.terminated[0] or step.truncated[0]:
            return total, trail, step


def test_four_rotors_together_earn_what_they_earn_there_and_see_the_same():
    total, trail, last = episode("hover1d-gpd", together)
    assert total == pytest.approx(474.18610220663453, abs=2e-6)
    assert len(trail) == 242
    assert last.truncated[0]
    assert last.successes[0]
    assert trail[-1][[2, 8]] == pytest.approx([1.0922654867172241, 0.0175189096480608], abs=1e-7)
    assert trail[4].shape == (27,)
    assert trail[4][[2, 8]] == pytest.approx([0.1267666518688202, 0.1668141484260559], abs=1e-7)
    assert trail[4][12:].tolist() == [0.0] * 10 + [1.0] * 5


def test_a_policy_that_steers_earns_the_same_but_for_a_thrust_that_turns_one_substep_late_there():
    total, trail, last = episode("hover-gpd", steered)
    assert total == pytest.approx(470.9286136269976, abs=5e-4)
    assert len(trail) == 242
    assert last.truncated[0]
    assert trail[-1][:6] == pytest.approx([0.1000775, 0.1000775, 1.0018829, 0.0000383, -0.0000385, 0.0004827], abs=1e-5)


def test_rotors_each_on_their_own_show_in_the_observation_where_they_show_there():
    total, trail, last = episode("hover-gpd", apart)
    assert trail[4].shape == (72,)
    # Roll, pitch and yaw, and angular velocity in world axes, hang on the torques alone.
    assert trail[4][3:6] == pytest.approx([-0.00479306373745203, 0.004621495958417654, -0.0009795768419280], abs=1e-6)
    assert trail[4][9:12] == pytest.approx([-0.0835018903017044, 0.03398333862423897, -0.01673476584255695], abs=1e-5)
    assert trail[4][2] == pytest.approx(0.12540937960147858, abs=1e-6)
    assert trail[4][12:52].tolist() == [0.0] * 40
    first = [0.9, 0.9168294196961579, 0.9181859485365137, 0.9028224001611974, 0.9095885107720841]
    assert trail[4][52:57] == pytest.approx(first, abs=1e-7)
    # Without feedback, the drone tips over and leaves: there in step 83 with 125.30, with thrust in time in step 82.
    assert last.terminated[0]
    assert abs(len(trail) - 83) <= 1
    assert total == pytest.approx(125.2968922219607, abs=0.3)


@pytest.mark.parametrize("name", ["hover1d-gpd", "hover-gpd"])
def test_the_expert_earns_more_than_the_thresholds_that_gpd_sets(name):
    env = BatchEnv(make_task(name), 2)
    env.reset(seed=0)
    policy, total = env.task.expert(env.task), 0.0
    for _ in range(242):
        step = env.step(policy(env.view()))
        total += float(step.rewards[0, 0])
    assert 474.0 < total < 474.3
    assert step.successes.all()
    assert step.truncated.all()


@pytest.mark.parametrize(("name", "wanted"), [("hover1d-gpd", 465.0), ("hover-gpd", 450.0)])
def test_success_is_a_return_at_the_goal(name, wanted):
    task = make_task(name)
    assert task.horizon == task.tail == 242
    assert (2.0 - task.solved) * 242 == pytest.approx(wanted)


def judged(x=0.0, y=0.0, z=0.5, roll=0.0, pitch=0.0, earned=0.0):
    """Return reward, error, and whether the episode is over and crashed, of a drone in this state."""
    drones, world = np.zeros((1, DRONE_FIELDS * WIDTH)), np.zeros(WORLD_FIELDS * WIDTH)
    task = make_task("hover-gpd")
    _, p, q, *_ = task.constants(np.dtype(float))
    task.spawn(drones, world, None, p, q, 1, 0)
    drones[0, X], drones[0, Y], drones[0, Z] = x, y, z
    drones[0, QX], drones[0, QY] = math.sin(roll / 2), math.sin(pitch / 2)
    drones[0, QW] = math.cos((roll + pitch) / 2)
    world[K0], world[CRASHED] = earned, 1.0
    score_gpd(drones, world, None, p, q, 1, 0)
    return drones[0, REWARD], world[ERROR], world[ENDED], world[CRASHED]


def test_a_step_earns_two_less_the_fourth_power_of_the_distance():
    assert judged(z=0.5)[:2] == pytest.approx((2 - 0.0625, 0.0625))
    assert judged(x=1.2, z=0.1)[0] == 0.0


@pytest.mark.parametrize(
    "state",
    [{"x": 1.51}, {"y": -1.51}, {"z": 2.01}, {"roll": 0.401}, {"roll": -0.401}, {"pitch": 0.401}, {"roll": 2.0}],
)
def test_a_drone_out_of_the_limits_has_crashed(state):
    assert judged(**state)[3] == 1.0


@pytest.mark.parametrize("state", [{}, {"x": 1.49, "y": -1.49}, {"z": 1.99}, {"roll": -0.399}, {"pitch": 0.399}])
def test_a_drone_within_the_limits_has_not_even_if_it_met_the_ground(state):
    assert judged(**state)[3] == 0.0


def test_who_arrives_before_time_is_charged_for_the_steps_left():
    reward, error, over, crashed = judged(z=1.00001, earned=98.0)
    assert (over, crashed) == (1.0, 0.0)
    assert reward == pytest.approx(2.0)
    assert error == pytest.approx(2.0 - 100.0 / 242)


def test_one_lane_and_whole_arrays_agree():
    rng = np.random.default_rng(3)
    drones, world = rng.normal(size=(1, DRONE_FIELDS * WIDTH)), rng.normal(size=WORLD_FIELDS * WIDTH)
    drones[0, : X + 3 * WIDTH] += 0.5
    world[RUNAWAY : RUNAWAY + WIDTH] = rng.random(WIDTH) < 0.3
    arrays = {f: drones[:, f : f + WIDTH].copy() for f in range(0, DRONE_FIELDS * WIDTH, WIDTH)}
    worlds = Columns({f: world[f : f + WIDTH].copy() for f in range(0, WORLD_FIELDS * WIDTH, WIDTH)})
    rebound(score_gpd, **WORDS)(Table(arrays), worlds, None, None, None, 1, 0)
    for e in range(WIDTH):
        score_gpd(drones, world, None, None, None, 1, e)
    assert np.allclose(arrays[REWARD], drones[:, REWARD : REWARD + WIDTH], rtol=1e-13)
    for field in (ERROR, ENDED, CRASHED, K0):
        assert np.allclose(worlds[field], world[field : field + WIDTH], rtol=1e-13)
