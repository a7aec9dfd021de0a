"""Airframes: published numbers, derived ones, and what is refused."""

import math

import numpy as np
import pytest

from marlgt.errors import GameError
from marlgt.games.drones import AIRFRAMES, Airframe

CF2X = AIRFRAMES["cf2x"]


def test_the_preset_of_gym_pybullet_drones_hovers_at_its_speed():
    # BaseAviary: HOVER_RPM 14468.43, MAX_RPM 21702.64, MAX_THRUST 0.59535 N.
    assert CF2X.hover_rpm == pytest.approx(14468.43, abs=0.01)
    assert CF2X.max_rpm == pytest.approx(21702.64, abs=0.01)
    assert 4 * CF2X.thrust * CF2X.max_rpm**2 == pytest.approx(0.59535, abs=1e-6)
    assert CF2X.thrust_to_weight == pytest.approx(2.25)


@pytest.mark.parametrize("name", list(AIRFRAMES))
def test_every_preset_can_fly(name):
    frame = AIRFRAMES[name]
    assert frame.name == name
    assert frame.thrust_to_weight > 1.2
    assert 4 * frame.thrust * frame.hover_rpm**2 == pytest.approx(frame.mass * frame.gravity)
    assert np.isfinite(frame.parameters(1 / 240)).all()


def test_the_lag_of_the_motors_becomes_the_gain_of_a_substep():
    from marlgt.games.drones.airframes import GAIN

    assert CF2X.parameters(1 / 240)[GAIN] == 1.0
    lagging = CF2X.replace(motor_lag=0.05).parameters(1 / 240)
    assert lagging[GAIN] == pytest.approx(1 - math.exp(-1 / 12))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"mass": 0.0}, "mass must be positive.*kilograms"),
        ({"mass": -0.027}, "mass must be positive"),
        ({"mass": math.nan}, "mass must be finite"),
        ({"inertia": (1e-5, 1e-5, 0.0)}, "inertia must be positive.*kg m²"),
        ({"inertia": (1e-5, 1e-5)}, "inertia must be three numbers"),
        ({"inertia": 1e-5}, "inertia must be three numbers"),
        ({"arm": (0.1, 0.1, 0.1)}, "arm must be one number"),
        ({"damping": -0.1}, "damping must be at least 0"),
        ({"motor_lag": -1.0}, "motor_lag must be at least 0"),
        ({"mass": 1.0}, "cannot fly"),
        ({"thrust": "much"}, "thrust must be finite numbers"),
        ({"wings": 2}, "an airframe has no 'wings'"),
    ],
)
def test_what_is_no_airframe_is_refused(changes, message):
    with pytest.raises(GameError, match=message):
        CF2X.replace(**changes)


def test_an_airframe_of_ones_own_flies_a_task():
    from marlgt.games.drones import evaluate_policy, make_task

    heavy = Airframe(
        mass=1.0, inertia=(0.01, 0.01, 0.02), arm=0.15, thrust=6e-8, torque=1e-9, max_rpm=9500, radius=0.25, height=0.1
    )
    scores = evaluate_policy(make_task("hover", actions="velocity", airframe=heavy), episodes=8)
    assert scores.success_rate == 1.0
