"""Our physics against Bullet's: equal in free flight, and near enough on the ground."""

import numba
import numpy as np
import pytest

from marlgt.errors import GameError
from marlgt.games.drones.airframes import AIRFRAMES
from marlgt.games.drones.backends.bullet_fidelity import (
    REGIMES,
    TRIALS,
    fly_freely,
    free_flight_deviation,
    ground_deviation,
)
from marlgt.games.drones.kernels.dynamics import settle
from marlgt.games.drones.kernels.lanes import WIDTH
from marlgt.games.drones.kernels.layout import DRONE_FIELDS, MASS, QX, VX, VY, VZ, WORLD_FIELDS, WZ, Z
from marlgt.kernels import compiled

FRAME = AIRFRAMES["cf2x"]
MOTOR_LAG = AIRFRAMES["cf2x_l250"]


def fly(drones, frame, *, single=False, substeps=8, grounded=0, share=1.0):
    """Return drones flown by the compiled loop."""
    kind = np.float32 if single else float
    rows = drones.astype(kind)
    commands = np.full((1, len(rows), 4 * WIDTH), share * frame.hover_rpm, dtype=kind)
    still = np.zeros(WORLD_FIELDS * WIDTH, dtype=kind)
    compiled(fly_freely, single=single)(
        rows, still, frame.parameters(1 / 240).astype(kind), commands, substeps, grounded
    )
    return rows


def random_drones(seed, *, height=1.0):
    rng = np.random.default_rng(seed)
    drones = rng.uniform(0.5, 1.0, (2, DRONE_FIELDS * WIDTH))
    table = drones.reshape(2, DRONE_FIELDS, WIDTH)
    turned = rng.normal(size=(2, 4, WIDTH))
    table[:, QX // WIDTH : QX // WIDTH + 4] = turned / np.sqrt((turned**2).sum(axis=1, keepdims=True))
    table[:, VX // WIDTH : WZ // WIDTH + 1] = rng.uniform(-2, 2, (2, 6, WIDTH))
    table[:, MASS // WIDTH] = 0.027
    table[:, Z // WIDTH] = height
    return drones


@pytest.mark.parametrize("frame", AIRFRAMES.values(), ids=AIRFRAMES)
@pytest.mark.parametrize("regime", REGIMES)
def test_in_double_precision_free_flight_equals_bullet(frame, regime):
    pytest.importorskip("pybullet")
    far, turned = free_flight_deviation(frame, regime)
    assert far <= 1e-9
    assert turned <= 1e-9


@pytest.mark.parametrize("frame", AIRFRAMES.values(), ids=AIRFRAMES)
@pytest.mark.parametrize("regime", REGIMES)
def test_in_single_precision_free_flight_is_half_a_millimetre_from_bullet(frame, regime):
    pytest.importorskip("pybullet")
    far, turned = free_flight_deviation(frame, regime, single=True)
    # Single precision shows, so that the comparison is one.
    assert 1e-6 < far <= 5e-4
    assert 1e-6 < turned <= 5e-4


def test_an_unknown_regime_is_refused():
    with pytest.raises(GameError, match=r"no regime 'calm': choose from '2 % of hover'"):
        free_flight_deviation(FRAME, "calm")


def test_compiled_lanes_equal_plain_ones():
    drones = random_drones(0)
    plain = drones.copy()
    commands = np.full((1, 2, 4 * WIDTH), MOTOR_LAG.hover_rpm)
    fly_freely(plain, np.zeros(WORLD_FIELDS * WIDTH), MOTOR_LAG.parameters(1 / 240), commands, 8, 1)
    assert np.allclose(fly(drones, MOTOR_LAG, grounded=1), plain, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("single", [False, True], ids=["double", "single"])
def test_the_physics_compiles_to_vector_instructions(single):
    cached = compiled(fly_freely, single=single)
    options = {name: value for name, value in cached.targetoptions.items() if name != "nopython"}
    # A twin from the disk cache shows no instructions.
    twin = numba.njit(**options)(cached.py_func)
    kind = np.float32 if single else float
    rows, still = np.ones((1, DRONE_FIELDS * WIDTH), kind), np.zeros(WORLD_FIELDS * WIDTH, kind)
    twin(rows, still, FRAME.parameters(1 / 240).astype(kind), np.ones((1, 1, 4 * WIDTH), kind), 1, 1)
    assembly = "".join(twin.inspect_asm().values())
    packed = ("sqrtps", "fsqrt.4s") if single else ("sqrtpd", "fsqrt.2d")
    # The roots of speed and turning, and two on the ground.
    assert sum(assembly.count(word) for word in packed) >= 4


@pytest.mark.parametrize("single", [False, True], ids=["double", "single"])
def test_quaternions_stay_unit_for_a_minute(single):
    rows = random_drones(1, height=1e4)
    for _ in range(60):
        rows = fly(rows, FRAME, single=single, substeps=240)
    quaternions = rows.reshape(2, DRONE_FIELDS, WIDTH)[:, QX // WIDTH : QX // WIDTH + 4].astype(float)
    assert np.abs((quaternions**2).sum(axis=1) - 1.0).max() < (1e-6 if single else 1e-14)


def test_velocities_are_held_within_bullets_limit():
    rows = random_drones(2, height=1e4)
    rows.reshape(2, DRONE_FIELDS, WIDTH)[:, VX // WIDTH : WZ // WIDTH + 1] *= 100.0
    flown = fly(rows, FRAME, substeps=1).reshape(2, DRONE_FIELDS, WIDTH)[:, VX // WIDTH : WZ // WIDTH + 1]
    assert np.abs(flown).max() == 100.0


def test_without_ground_effect_no_number_is_lost_below_the_ground():
    rows = random_drones(3, height=-1.0)
    assert np.isfinite(fly(rows, FRAME.replace(ground_effect=0.0))).all()


@pytest.mark.parametrize("name", [name for name in TRIALS if not name.startswith("hard")])
def test_on_the_ground_heights_are_bullets_to_two_millimetres_in_the_end(name):
    pytest.importorskip("pybullet")
    found = ground_deviation(FRAME, TRIALS[name])
    assert found.height <= 0.002
    assert found.hits[0] == found.hits[1]
    # On the way, Bullet lets a drone sink in where ours stops.
    assert found.highest <= 0.03


def test_a_take_off_is_three_centimetres_from_bullets_after_two_seconds():
    pytest.importorskip("pybullet")
    found = ground_deviation(FRAME, TRIALS["take-off after 2 s of rest"])
    assert np.hypot(found.height, found.sideways) <= 0.03
    assert min(found.heights) > 2.0


@pytest.mark.parametrize("name", ["slide at 1 m/s", "slide at 0.3 m/s, light", "turn at 5 rad/s"])
def test_a_slide_ends_where_bullets_does(name):
    pytest.importorskip("pybullet")
    assert ground_deviation(FRAME, TRIALS[name]).sideways <= 0.005


def test_a_hard_landing_counts_as_one_in_both():
    pytest.importorskip("pybullet")
    assert ground_deviation(FRAME, TRIALS["hard landing at 2 m/s"]).hits == (True, True)


def test_a_drone_that_touches_the_ground_tilted_lies_down():
    pytest.importorskip("pybullet")
    found = ground_deviation(FRAME, TRIALS["drop from 0.3 m, tilted"])
    assert max(found.tilts) < 0.001


def test_the_ground_leaves_alone_who_is_above_it():
    rows = random_drones(4, height=0.5)
    above, free = fly(rows, FRAME, grounded=1, substeps=20), fly(rows, FRAME, substeps=20)
    assert (above.reshape(2, DRONE_FIELDS, WIDTH)[:, Z // WIDTH] > 0.1).all()
    assert (above == free).all()
    # One drone of the block on the ground changes nothing for the others.
    low = rows.copy()
    low[0, Z + 3] = 0.0
    one = fly(low, FRAME, grounded=1, substeps=20).reshape(2, DRONE_FIELDS, WIDTH)
    others = np.ones((2, WIDTH), bool)
    others[0, 3] = False
    assert (one.transpose(0, 2, 1)[others] == free.reshape(2, DRONE_FIELDS, WIDTH).transpose(0, 2, 1)[others]).all()


def test_friction_slows_what_slides_and_turns_and_never_turns_it_around():
    rows = random_drones(5, height=0.0)
    begun = rows.copy()
    for row in rows:
        for e in range(WIDTH):
            settle(row, FRAME.parameters(1 / 240), e)
    fell = begun[:, VZ : VZ + WIDTH] < 0.0
    assert fell.any()
    for field in (VX, VY, WZ):
        before, after = begun[:, field : field + WIDTH], rows[:, field : field + WIDTH]
        assert (after * before >= 0.0).all()
        assert (np.abs(after)[fell] < np.abs(before)[fell]).all()
        # Without a blow there is no friction.
        assert (after[~fell] == before[~fell]).all()
