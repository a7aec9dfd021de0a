"""Controllers by what they do to a drone: how fast it settles, what disturbs it, and what no input can break."""

import functools
import itertools

import numba
import numpy as np
import pytest

from marlgt.errors import GameError
from marlgt.games.drones.airframes import AIRFRAMES, MAX_RPM, airframe
from marlgt.games.drones.kernels.controllers import MODES, follow_velocity, limits
from marlgt.games.drones.kernels.dynamics import advance, air, settle, spin
from marlgt.games.drones.kernels.lanes import WIDTH, Columns
from marlgt.games.drones.kernels.layout import DRONE_FIELDS, WORLD_FIELDS
from marlgt.kernels import compiled, lane_loop, rebound, specialised

RATE = 240
LAG = {name: frame.motor_lag > 0 for name, frame in AIRFRAMES.items()}
# Places of what a row holds, in fields.
POSITION, QUATERNION, VELOCITY, TURNING = slice(0, 3), slice(3, 7), slice(7, 10), slice(10, 13)
ROTORS, COMMANDS, SETPOINT, PREDICTED = slice(13, 17), slice(17, 21), slice(33, 37), slice(37, 40)
MASS, INERTIA, FORCES = 27, 28, slice(29, 33)
WIND = slice(3, 6)
every_airframe = pytest.mark.parametrize("name", AIRFRAMES)
every_mode = pytest.mark.parametrize("mode", MODES)
control = follow_velocity


@lane_loop
def fly(drones, world, p, substeps, ground):
    for _ in range(substeps):
        for i in range(drones.shape[0]):
            d = drones[i]
            for e in range(WIDTH):
                control(d, p, e)
            for e in range(WIDTH):
                spin(d, p, e)
                air(d, world, p, e)
                advance(d, p, e)
            if ground:
                for e in range(WIDTH):
                    settle(d, p, e)


@functools.cache
def loop(mode, single=False):
    return compiled(specialised(fly, control=MODES[mode]), single=single)


def hovering(name, n=2, height=10.0):
    """Return drones that hover, shape (n, DRONE_FIELDS, WIDTH)."""
    frame = airframe(name)
    drones = np.zeros((n, DRONE_FIELDS, WIDTH))
    drones[:, 2], drones[:, 6] = height, 1.0
    drones[:, ROTORS] = drones[:, COMMANDS] = frame.hover_rpm
    drones[:, MASS], drones[:, INERTIA], drones[:, FORCES] = frame.mass, 1.0, 1.0
    return drones


def scattered(name, seed=0, n=4, tilt=0.6, speed=1.0, rate=3.0):
    """Return drones at random attitudes, velocities and rates."""
    rng = np.random.default_rng(seed)
    drones = hovering(name, n)
    angle, towards, heading = rng.uniform(
        [[[0]], [[-np.pi]], [[-np.pi]]], [[[tilt]], [[np.pi]], [[np.pi]]], (3, n, WIDTH)
    )
    x, y, w = np.sin(angle / 2) * np.cos(towards), np.sin(angle / 2) * np.sin(towards), np.cos(angle / 2)
    s, c = np.sin(heading / 2), np.cos(heading / 2)
    drones[:, QUATERNION] = np.stack([x * c + y * s, y * c - x * s, w * s, w * c], axis=1)
    drones[:, :2] = rng.uniform(-1, 1, (n, 2, WIDTH))
    drones[:, VELOCITY] = rng.uniform(-speed, speed, (n, 3, WIDTH))
    drones[:, TURNING] = rng.uniform(-rate, rate, (n, 3, WIDTH))
    return drones


def flight(mode, name, drones, seconds, wind=0.0, single=False, ground=False, stride=4):
    """Fly and return what a row held every ``stride`` substeps, shape (times, n, DRONE_FIELDS, WIDTH)."""
    kind = np.float32 if single else float
    rows = np.ascontiguousarray(drones, kind).reshape(len(drones), -1)
    world = np.zeros((WORLD_FIELDS, WIDTH), kind)
    world[WIND] = wind
    p = airframe(name).parameters(1 / RATE).astype(kind)
    history = []
    for _ in range(round(seconds * RATE / stride)):
        loop(mode, single)(rows, world.ravel(), p, stride, ground)
        history.append(rows.reshape(drones.shape).copy())
    drones[:] = history[-1]
    return np.array(history)


def settling(errors, bound, stride=4):
    """Return the seconds after which the largest error of all drones stays within a bound."""
    outside = np.nonzero(np.abs(errors).max(axis=tuple(range(1, errors.ndim))) > bound)[0]
    return (outside[-1] + 1) * stride / RATE if outside.size else 0.0


def tilts(history):
    qx, qy = history[:, :, 3], history[:, :, 4]
    return np.arccos(np.clip(1 - 2 * (qx**2 + qy**2), -1, 1))


def roll_pitch(drones):
    qx, qy, qz, qw = (drones[:, k] for k in range(3, 7))
    roll = np.arctan2(2 * (qy * qz + qx * qw), 1 - 2 * (qx**2 + qy**2))
    return roll, np.arcsin(2 * (qy * qw - qx * qz))


def body_rates(drones):
    qx, qy, qz, qw = (drones[:, k] for k in range(3, 7))
    v, u = drones[:, TURNING], -np.stack([qx, qy, qz], axis=1)
    cross = 2 * np.cross(u, v, axis=1)
    return v + qw[:, None] * cross + np.cross(u, cross, axis=1)


@every_airframe
def test_random_starts_come_to_rest(name):
    history = flight("velocity", name, scattered(name), 3.0)
    assert settling(history[:, :, VELOCITY], 0.05) < (1.5 if LAG[name] else 1.0)
    assert np.abs(history[-1][:, VELOCITY]).max() < 1e-3
    assert tilts(history).max() < 0.7


@every_airframe
def test_steps_of_velocity_settle_in_any_heading(name):
    for axis, sign in itertools.product(range(3), (-1, 1)):
        drones = scattered(name, tilt=0.0, speed=0.0, rate=0.0, n=1)
        drones[:, 33 + axis] = sign
        history = flight("velocity", name, drones, 3.0)
        along = sign * history[:, :, 7 + axis]
        assert settling(along - 1, 0.05) < (1.5 if LAG[name] else 1.0)
        assert along.max() < 1.05
        assert np.abs(along[-1] - 1).max() < 1e-3


@every_airframe
def test_steps_of_position_settle_without_overshoot_and_hold(name):
    for axis, sign in itertools.product(range(3), (-1, 1)):
        drones = scattered(name, tilt=0.0, speed=0.0, rate=0.0, n=1)
        start = drones[:, POSITION].copy()
        drones[:, 33:36] = start
        drones[:, 33 + axis] += sign
        history = flight("position", name, drones, 5.0)
        along = sign * (history[:, :, axis] - start[:, axis])
        assert settling(along - 1, 0.02) < (2.5 if LAG[name] else 1.5)
        assert along.max() < 1.05
        assert np.abs(history[-RATE // 4 :, :, POSITION] - drones[:, 33:36]).max() < 0.005


@every_airframe
@pytest.mark.parametrize("mass", [0.8, 1.2])
def test_wind_and_a_wrong_mass_leave_no_steady_velocity(name, mass):
    wind = np.random.default_rng(1).normal(size=(3, WIDTH))
    drones = scattered(name)
    drones[:, MASS] *= mass
    history = flight("velocity", name, drones, 4.0, wind=2 * wind / np.linalg.norm(wind, axis=0))
    assert settling(history[:, :, VELOCITY], 0.02) < (2.5 if LAG[name] else 1.3)
    assert np.abs(history[-1][:, VELOCITY]).max() < 2e-3


@every_airframe
def test_unequal_rotors_and_a_wrong_inertia_leave_no_steady_error(name):
    rng, drones = np.random.default_rng(2), scattered(name)
    drones[:, FORCES] = rng.uniform(0.9, 1.1, drones[:, FORCES].shape)
    drones[:, INERTIA] = rng.uniform(0.7, 1.3, drones[:, INERTIA].shape)
    drones[:, 33:36] = drones[:, POSITION]
    history = flight("position", name, drones, 6.0)
    assert np.abs(history[-1][:, POSITION] - drones[:, 33:36]).max() < 0.005
    assert np.abs(history[-1][:, TURNING]).max() < 0.01


@every_airframe
def test_a_drone_in_any_attitude_turns_over_and_recovers(name):
    drones = scattered(name, tilt=np.pi, speed=2.0, rate=10.0)
    drones[0, QUATERNION] = np.array([1.0, 0.0, 0.0, 0.0])[:, None]
    drones[0, TURNING] = 0.0
    history = flight("velocity", name, drones, 4.0)
    assert settling(history[:, :, VELOCITY], 0.05) < (3.5 if LAG[name] else 1.5)


@every_airframe
def test_setpoints_that_jump_thirty_times_a_second_do_not_upset_it(name):
    rng, drones = np.random.default_rng(3), hovering(name, n=4)
    directions = 0.5 * np.concatenate([np.eye(3), -np.eye(3), np.zeros((1, 3))])
    for _ in range(150):
        drones[:, 33:36] = np.moveaxis(directions[rng.integers(7, size=(4, WIDTH))], -1, 1)
        assert tilts(flight("velocity", name, drones, 8 / RATE)).max() < 0.5


@every_airframe
def test_a_step_of_the_setpoint_is_no_disturbance(name):
    drones = hovering(name, n=1)
    drones[:, 33:36] = np.array([1.0, -1.0, 0.5])[:, None]
    history = flight("velocity", name, drones, 2.0)
    # What is left is the damping by the square of the speed, 0.06 m/s², which the controller does not know.
    assert np.abs(history[:, :, VELOCITY] - history[:, :, PREDICTED]).max() < 0.03


@every_airframe
def test_drones_take_off_from_the_ground_with_rotors_at_rest(name):
    drones = hovering(name, n=1, height=airframe(name).height)
    drones[:, ROTORS] = drones[:, COMMANDS] = 0.0
    drones[:, 35] = 1.0
    history = flight("position", name, drones, 5.0, ground=True)
    assert settling(history[:, :, 2] - 1, 0.02) < 4.0
    assert np.abs(history[:, :, :2]).max() < 1e-6


@every_airframe
def test_body_rates_are_followed(name):
    drones = hovering(name)
    drones[:, SETPOINT] = np.array([airframe(name).mass * airframe(name).gravity, 3.0, -2.0, 1.0])[:, None]
    flight("rates", name, drones, 1.5)
    assert np.allclose(body_rates(drones), np.array([3.0, -2.0, 1.0])[:, None], atol=0.05)


@every_airframe
def test_roll_and_pitch_become_what_was_asked_in_any_heading(name):
    drones = scattered(name, n=2)
    rng = np.random.default_rng(4)
    drones[:, 33] = airframe(name).mass * airframe(name).gravity
    drones[:, 34:36] = rng.uniform(-0.7, 0.7, (2, 2, WIDTH))
    flight("attitude", name, drones, 3.0)
    roll, pitch = roll_pitch(drones)
    assert np.abs(roll - drones[:, 34]).max() < 1e-4
    assert np.abs(pitch - drones[:, 35]).max() < 1e-4


@every_airframe
@pytest.mark.parametrize("mode", ["attitude", "velocity", "position"])
def test_the_yaw_rate_is_followed_and_0_keeps_the_heading(name, mode):
    drones = scattered(name, tilt=0.0, speed=0.0, rate=0.0, n=1)
    drones[:, 33:36] = drones[:, POSITION] if mode == "position" else 0.0
    if mode == "attitude":
        drones[:, 33] = airframe(name).mass * airframe(name).gravity
    before = drones[:, 5:7].copy()
    flight(mode, name, drones, 1.0)
    assert np.allclose(drones[:, 5:7], before, atol=1e-9)
    drones[:, 36] = 1.0
    flight(mode, name, drones, 3.0)
    assert np.allclose(drones[:, 12], 1.0, atol=1e-3)


@every_mode
@every_airframe
@pytest.mark.parametrize("size", [1e6, -1e6, 1e30])
def test_no_setpoint_makes_a_number_run_away(mode, name, size):
    drones = scattered(name, tilt=np.pi, rate=50.0)
    drones[:, ROTORS] *= np.random.default_rng(5).uniform(0, 1, drones[:, ROTORS].shape)
    drones[0, ROTORS] = 0.0
    drones[:, SETPOINT] = size * np.random.default_rng(6).choice([-1, 0, 1], drones[:, SETPOINT].shape)
    history = flight(mode, name, drones, 2.0, wind=5.0)
    assert np.isfinite(history).all()
    fastest = airframe(name).max_rpm
    assert history[:, :, COMMANDS].min() >= 0.0
    assert history[:, :, COMMANDS].max() <= fastest


@every_airframe
def test_motors_take_speeds_as_they_are_within_their_limits(name):
    fastest = airframe(name).max_rpm
    drones = hovering(name, n=1)
    drones[:, SETPOINT] = np.array([-1.0, 0.5 * fastest, fastest, 2 * fastest])[:, None]
    flight("motors", name, drones, 1 / RATE, stride=1)
    assert np.array_equal(drones[0, COMMANDS, 0], [0.0, 0.5 * fastest, fastest, fastest])


@pytest.mark.parametrize("mode", ["rates", "attitude", "velocity", "position"])
def test_hovering_without_error_asks_for_the_hover_speed(mode):
    frame = airframe("cf2x")
    drones = hovering("cf2x", n=1)
    drones[:, 33:36] = drones[:, POSITION] if mode == "position" else 0.0
    if mode in ("rates", "attitude"):
        drones[:, 33] = frame.mass * frame.gravity
    flight(mode, "cf2x", drones, 1 / RATE, stride=1)
    assert np.allclose(drones[:, COMMANDS], frame.hover_rpm, rtol=1e-9)


def test_yaw_is_given_up_before_thrust_and_thrust_before_roll():
    frame = airframe("cf2x")
    most = 4 * frame.thrust * frame.max_rpm**2

    def forces(thrust, roll, yaw):
        drones = hovering("cf2x", n=1)
        drones[:, SETPOINT] = np.array([thrust, roll, 0.0, yaw])[:, None]
        flight("rates", "cf2x", drones, 1 / RATE, stride=1)
        f = frame.thrust * drones[0, COMMANDS, 0] ** 2
        return f.sum(), f[2] + f[3] - f[0] - f[1], f[1] + f[3] - f[0] - f[2]

    _, free_roll, free_yaw = forces(0.5 * most, 2.0, 10.0)
    thrust, roll, yaw = forces(most, 2.0, 10.0)
    assert roll == pytest.approx(free_roll)
    assert 0 < yaw < 0.5 * free_yaw
    assert thrust < most
    # All that a roll can have, whatever the thrust, and no yaw.
    for wanted in (0.0, most):
        thrust, roll, yaw = forces(wanted, 30.0, 30.0)
        assert thrust == pytest.approx(0.5 * most)
        assert roll == pytest.approx(0.5 * most)
        assert yaw == pytest.approx(0.0, abs=1e-6 * most)


def test_lag_and_weak_rotors_lower_the_bandwidth():
    frame = airframe("cf2x")
    tilt, yaw = frame.bandwidths
    assert frame.replace(motor_lag=0.5).bandwidths[0] < 0.5 * tilt
    weaker = frame.replace(max_rpm=1.02 * frame.hover_rpm).bandwidths
    heavier = frame.replace(inertia=(1e-3, 1e-3, 1e-3)).bandwidths
    for other in (weaker, heavier):
        assert other[0] < 0.9 * tilt
        assert other[1] < 0.9 * yaw


def test_an_airframe_of_one_s_own_flies():
    frame = airframe("cf2x").replace(
        mass=1.2, inertia=(0.012, 0.012, 0.02), arm=0.16, thrust=1.5e-7, torque=2.4e-9, max_rpm=8000.0, motor_lag=0.05
    )
    drones = scattered("cf2x")
    drones[:, MASS] = frame.mass
    drones[:, ROTORS] = frame.hover_rpm
    rows, world = drones.reshape(len(drones), -1), np.zeros(WORLD_FIELDS * WIDTH)
    loop("velocity")(rows, world, frame.parameters(1 / RATE), 5 * RATE, False)
    assert np.abs(drones[:, VELOCITY]).max() < 0.01


@every_airframe
def test_single_precision_flies_as_well(name):
    drones = scattered(name, n=1)
    drones[:, 33:36] = drones[:, POSITION]
    history = flight("position", name, drones, 4.0, single=True)
    assert np.abs(history[-1][:, POSITION] - drones[:, 33:36]).max() < 0.005


@every_mode
@every_airframe
def test_numpy_and_compiled_lanes_agree(mode, name):
    drones = scattered(name, seed=7, n=2, tilt=2.0, rate=10.0)
    offset, scale = limits(mode, airframe(name))
    rng = np.random.default_rng(8)
    drones[:, SETPOINT] = offset[:, None] + scale[:, None] * rng.uniform(-1, 1, (2, 4, WIDTH))
    p = airframe(name).parameters(1 / RATE)
    words = {"sqrt": np.sqrt, "where": np.where, "least": np.minimum, "most": np.maximum, "WIDTH": 1}
    follow, turn, blow, move = (rebound(kernel, **words) for kernel in (MODES[mode], spin, air, advance))
    whole = Columns({k * WIDTH: drones[:, k].copy() for k in range(DRONE_FIELDS)})
    still = Columns({k * WIDTH: np.zeros((2, WIDTH)) for k in range(WORLD_FIELDS)})
    rows, world = drones.reshape(2, -1).copy(), np.zeros(WORLD_FIELDS * WIDTH)
    for _ in range(20):
        loop(mode)(rows, world, p, 1, False)
        follow(whole, p, 0)
        turn(whole, p, 0)
        blow(whole, still, p, 0)
        move(whole, p, 0)
    arrays = np.stack([whole[k * WIDTH] for k in range(DRONE_FIELDS)], axis=1)
    compiled_arrays = rows.reshape(drones.shape)
    for table in (arrays, compiled_arrays):
        table[:, ROTORS] /= p[MAX_RPM]
        table[:, COMMANDS] /= p[MAX_RPM]
    assert np.allclose(arrays, compiled_arrays, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("single", [False, True])
def test_controllers_compile_to_vector_instructions(single):
    kind = np.float32 if single else float
    # A twin from the disk cache shows no instructions.
    cached = loop("velocity", single)
    options = {name: value for name, value in cached.targetoptions.items() if name != "nopython"}
    twin = numba.njit(**options)(cached.py_func)
    rows = hovering("cf2x", n=1).reshape(1, -1).astype(kind)
    twin(rows, np.zeros(WORLD_FIELDS * WIDTH, kind), airframe("cf2x").parameters(1 / RATE).astype(kind), 1, False)
    assembly = "".join(twin.inspect_asm().values())
    # Of the six roots of the controller and the three of the physics.
    packed = ("sqrtps", "fsqrt.4s") if single else ("sqrtpd", "fsqrt.2d")
    assert sum(assembly.count(word) for word in packed) >= 9


def test_actions_become_setpoints_in_physical_units():
    frame = airframe("cf2x")
    offset, scale = limits("motors", frame, share=0.2)
    assert np.allclose(offset + scale, 1.2 * frame.hover_rpm)
    for mode in ("rates", "attitude"):
        offset, scale = limits(mode, frame)
        assert offset[0] - scale[0] == 0.0
        assert offset[0] + scale[0] == pytest.approx(4 * frame.thrust * frame.max_rpm**2)
    assert limits("rates", frame)[1][1:].tolist() == [10.0, 10.0, 3.0]
    assert limits("attitude", frame)[1][1:].tolist() == [0.5, 0.5, 2.0]
    for mode in ("velocity", "position"):
        offset, scale = limits(mode, frame)
        assert offset.tolist() == [0.0] * 4
        assert scale.tolist() == [1.0] * 4


def test_an_unknown_mode_or_share_is_refused():
    with pytest.raises(GameError, match="no control mode 'thrust': choose from motors, rates"):
        limits("thrust", airframe("cf2x"))
    with pytest.raises(GameError, match=r"share must be in \(0, 1\], got 0"):
        limits("motors", airframe("cf2x"), share=0)
