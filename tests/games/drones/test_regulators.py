"""Regulators: the model is the physics, the value solves Riccati's equation, and what they ask for steadies a drone."""

import dataclasses

import numpy as np
import pytest

from marlgt.games.drones.airframes import AIRFRAMES, airframe
from marlgt.games.drones.backends.batch_env import BatchEnv
from marlgt.games.drones.kernels.lanes import WIDTH, Columns
from marlgt.games.drones.kernels.layout import QW, QX, VX, WX, X
from marlgt.games.drones.making import make_task
from marlgt.games.drones.regulators import PENALTIES, Regulator, linearised, predicted, shortcomings
from marlgt.games.drones.views import rotations_of

STILL = {"drag": (0.0, 0.0, 0.0), "ground_effect": 0.0, "downwash": 0.0}


def fields_of(view):
    columns = [view.positions, view.quaternions, view.velocities, view.rates, view.rotors]
    return {k * WIDTH: array for k, array in enumerate(np.moveaxis(np.concatenate(columns, axis=2), 2, 0))}


def some_view(seed=0, n_envs=16):
    env = BatchEnv(make_task("takeoff-onoff", airframe=airframe("cf2x").replace(motor_lag=0.15, **STILL)), n_envs)
    env.reset(seed=seed)
    for _ in range(4):
        env.step(env.random_actions())
    return env, env.view()


def test_the_prediction_is_the_control_step_that_the_environment_takes():
    env, view = some_view()
    actions = env.random_actions()
    offset, scale = env.task.span(env.task.airframe)
    commands = offset + scale * env.task.units(actions)
    expected = predicted(env.task.airframe, env.task.substeps, fields_of(view), commands)
    env.step(actions)
    after = fields_of(env.view())
    assert np.abs(after[VX] - view.velocities[..., 0]).max() > 1e-4
    for field, array in after.items():
        assert np.allclose(expected[field], array, rtol=1e-12, atol=1e-13)


@pytest.mark.parametrize("name", AIRFRAMES)
def test_what_the_linear_model_leaves_out_is_of_second_order(name):
    frame = airframe(name)
    a, b = linearised(frame, 8)
    rng = np.random.default_rng(0)
    direction, push = rng.normal(size=15) * 0.1, rng.normal(size=4) * 0.1
    # A turn about the vertical changes the axes in which x is written, which is of second order as well.
    rests = []
    for size in (1e-2, 1e-3):
        x, u = size * direction, size * push
        state = {k * WIDTH: np.zeros(()) for k in range(17)}
        for k in range(3):
            state[X + k * WIDTH], state[VX + k * WIDTH] = x[k] + 100.0 * (k == 2), x[3 + k]
        w = np.sqrt((1 + np.sqrt(1 - x[6] ** 2 - x[7] ** 2)) / 2)
        state[QX], state[QX + WIDTH], state[QW] = -x[7] / 2 / w, x[6] / 2 / w, w
        turn = rotations_of(np.array([-x[7] / 2 / w, x[6] / 2 / w, 0.0, w]))
        for k, rate in enumerate(turn @ x[8:11]):
            state[WX + k * WIDTH] = rate
        for k in range(4):
            state[(13 + k) * WIDTH] = frame.hover_rpm * (1 + x[11 + k])
        after = predicted(frame, 8, state, frame.hover_rpm * (1 + u))
        rests.append(shortcomings(after, np.array([0, 0, 100.0]), np.zeros(3), frame.hover_rpm) - a @ x - b @ u)
    assert np.abs(rests[0]).max() < 1e-4
    assert np.abs(rests[1]).max() < 0.02 * np.abs(rests[0]).max()


@pytest.mark.parametrize("name", AIRFRAMES)
@pytest.mark.parametrize("rate", [30, 48, 120])
def test_the_value_solves_the_equation_of_riccati_and_the_gain_steadies(name, rate):
    task = make_task("hover", airframe=name, rate=rate)
    regulator = Regulator(task)
    a, b = linearised(task.airframe, task.substeps)
    _, scale = task.span(task.airframe)
    cost = np.diag(PENALTIES) / rate
    price = np.diag(0.025 / rate * (task.airframe.hover_rpm / scale) ** 2)
    p, k = regulator.value, regulator.gain
    closed = a - b @ k
    assert np.allclose(p, cost + k.T @ price @ k + closed.T @ p @ closed, rtol=1e-6, atol=1e-8 * np.abs(p).max())
    assert np.linalg.eigvalsh(p).min() > 0
    assert np.abs(np.linalg.eigvals(closed)).max() < 1.0


def turned(view, angle):
    """Return the view of the same drones after all has been turned about the vertical through the origin."""
    c, s = np.cos(angle), np.sin(angle)
    turn = np.array([[c, -s, 0], [s, c, 0], [0, 0, 1.0]])
    x, y, z, w = np.moveaxis(view.quaternions, -1, 0)
    ch, sh = np.cos(angle / 2), np.sin(angle / 2)
    quaternions = np.stack([ch * x - sh * y, ch * y + sh * x, ch * z + sh * w, ch * w - sh * z], axis=-1)
    vectors = ("positions", "velocities", "rates", "goals", "goal_velocities")
    changes = {name: getattr(view, name) @ turn.T for name in vectors}
    return dataclasses.replace(view, quaternions=quaternions, rotations=rotations_of(quaternions), **changes)


def test_it_does_not_matter_where_north_is():
    env, view = some_view(seed=2)
    regulator = Regulator(env.task)
    candidates = env.task.airframe.hover_rpm * np.array([[0.5, 1, 1, 1], [1.2, 1.2, 0.8, 0.8]])
    other = turned(view, 2.0)
    assert np.allclose(regulator.commands(view), regulator.commands(other), rtol=1e-10)
    assert np.allclose(regulator.costs(view, candidates), regulator.costs(other, candidates), rtol=1e-9)
    c, s = np.cos(2.0), np.sin(2.0)
    pushed = np.random.default_rng(0).normal(size=view.positions.shape)
    there = pushed @ np.array([[c, s, 0], [-s, c, 0], [0, 0, 1.0]])
    assert np.allclose(regulator.commands(view, pushed), regulator.commands(other, there), rtol=1e-10)
    assert not np.allclose(regulator.commands(view, pushed), regulator.commands(other, pushed), rtol=1e-4)


@pytest.mark.parametrize("name", AIRFRAMES)
def test_a_drone_that_accelerates_as_asked_is_commanded_no_change(name):
    _, view = some_view()
    task = make_task("hover", airframe=name)
    frame, rng = task.airframe, np.random.default_rng(1)
    asked = rng.normal(size=view.positions.shape) * [0.3, 0.3, 1.0]
    # The shortest turn of the vertical to the wanted force, after any turn about it.
    force = asked + np.array([0.0, 0.0, frame.gravity])
    size = np.linalg.norm(force, axis=2, keepdims=True)
    axis = force / size
    angle = rng.uniform(0, 2 * np.pi, (*size.shape[:2], 1))
    c, s = np.cos(angle / 2), np.sin(angle / 2)
    x, y, w = -axis[..., 1:2], axis[..., :1], 1.0 + axis[..., 2:]
    quaternions = np.concatenate([c * x + s * y, c * y - s * x, w * s, w * c], axis=2)
    quaternions /= np.linalg.norm(quaternions, axis=2, keepdims=True)
    rotations = rotations_of(quaternions)
    assert np.allclose(rotations[..., 2], axis)
    still = np.zeros_like(asked)
    speeds = np.repeat(np.sqrt(size * frame.mass / (4 * frame.thrust)), 4, axis=2)
    steady = dataclasses.replace(
        view, goals=view.positions, goal_velocities=still, velocities=still, rates=still, rotors=speeds,
        quaternions=quaternions, rotations=rotations,
    )  # fmt: skip
    regulator = Regulator(task)
    assert np.allclose(regulator.commands(steady, asked), speeds, rtol=1e-9)
    assert np.abs(regulator.commands(steady) / speeds - 1.0).max() > 0.05


def test_a_goal_beyond_reach_attracts_as_one_at_reach_does():
    env, view = some_view(seed=3)
    regulator = Regulator(env.task, reach=0.4)
    way = np.array([0.6, 0.0, 0.8])
    near, far = (dataclasses.replace(view, goals=view.positions + size * way) for size in (0.4, 4.0))
    nearer = dataclasses.replace(view, goals=view.positions + 0.2 * way)
    assert np.allclose(regulator.commands(near), regulator.commands(far), rtol=1e-12)
    assert not np.allclose(regulator.commands(near), regulator.commands(nearer), rtol=1e-4)


def test_a_drone_that_hovers_at_its_goal_lacks_nothing():
    frame = airframe("cf2x")
    state = {k * WIDTH: np.zeros(()) for k in range(17)}
    state[QW] = np.ones(())
    for k in range(4):
        state[(13 + k) * WIDTH] = np.array(frame.hover_rpm)
    assert np.abs(shortcomings(Columns(state), np.zeros(3), np.zeros(3), frame.hover_rpm)).max() == 0.0
