"""Worlds in Bullet: placing and reading, forces, contacts, pictures, and what is refused."""

import itertools
import time

import numpy as np
import pytest

from marlgt.errors import GameError
from marlgt.games.drones.airframes import AIRFRAMES
from marlgt.games.drones.backends.bullet_world import DRONE, GROUND, HARD, OBSTACLE, BulletWorld
from marlgt.games.drones.kernels.dynamics import advance, spin
from marlgt.games.drones.kernels.lanes import WIDTH
from marlgt.games.drones.kernels.layout import (
    C0,
    C3,
    DRONE_FIELDS,
    FX,
    H0,
    H3,
    INERTIA,
    MASS,
    N0,
    N3,
    QW,
    QX,
    TZ,
    VX,
    WX,
    X,
    Z,
)
from marlgt.games.drones.scene import Box, Pillar, Scene

pytest.importorskip("pybullet")

FRAME = AIRFRAMES["cf2x"]
LANE = 5
LAST = WX + 2 * WIDTH


def hovering(positions, *, lane=LANE):
    """Return a block whose drones stand still in one lane at these positions, their rotors at hover speed."""
    drones = np.zeros((len(positions), DRONE_FIELDS * WIDTH))
    rows = drones[:, lane::WIDTH]
    rows[:, :3] = positions
    rows[:, [QW // WIDTH, INERTIA // WIDTH]] = 1.0
    rows[:, MASS // WIDTH] = FRAME.mass
    rows[:, H0 // WIDTH : H3 // WIDTH + 1] = 1.0
    rows[:, N0 // WIDTH : C3 // WIDTH + 1] = FRAME.hover_rpm
    return drones


def state(drones, *, lane=LANE):
    """Return position to angular velocity, each quaternion with a positive last number: it and its negative are one."""
    rows = drones[:, lane::WIDTH][:, : LAST // WIDTH + 1].copy()
    rows[:, 3:7] *= np.where(rows[:, 6:7] < 0, -1.0, 1.0)
    return rows


def throttle(drones, share):
    drones[:, N0 : C3 + WIDTH] = share * FRAME.hover_rpm


def test_a_drone_is_read_back_where_it_was_placed():
    drones = hovering([(0.1, -0.2, 1.3), (0.5, 0.6, 0.7)])
    rng = np.random.default_rng(0)
    rows = drones[:, LANE::WIDTH]
    rows[:, VX // WIDTH : LAST // WIDTH + 1] = rng.uniform(-1, 1, (2, 6))
    rows[:, QX // WIDTH : QW // WIDTH + 1] = [[0.6, 0.0, 0.0, 0.8], [0.0, 0.48, -0.64, 0.6]]
    placed = state(drones)
    with BulletWorld(FRAME, Scene(), 2) as world:
        world.place(drones, LANE)
        drones[:, : LAST + WIDTH] = 9.0
        world.read(drones, LANE)
    assert np.abs(state(drones) - placed).max() < 1e-15
    assert (drones[:, LANE + 1 : LAST : WIDTH] == 9.0).all()


def test_only_the_chosen_drones_are_placed():
    drones = hovering([(0, 0, 1), (1, 0, 1), (2, 0, 1)])
    with BulletWorld(FRAME, Scene(), 3) as world:
        world.place(drones, LANE)
        drones[:, Z : Z + WIDTH] = 2.0
        world.place(drones, LANE, chosen=[1])
        world.read(drones, LANE)
    assert drones[:, Z + LANE].tolist() == [1.0, 2.0, 1.0]


def test_a_substep_under_any_force_and_torque_equals_the_compiled_one():
    rng = np.random.default_rng(1)
    drones = hovering(rng.uniform(-1, 1, (4, 3)) + np.array([[0, 0, 3], [5, 0, 3], [0, 5, 3], [5, 5, 3]]))
    rows = drones[:, LANE::WIDTH]
    rows[:, N0 // WIDTH : N3 // WIDTH + 1] *= rng.uniform(0.5, 1.4, (4, 4))
    rows[:, VX // WIDTH : LAST // WIDTH + 1] = rng.uniform(-3, 3, (4, 6))
    rows[:, H0 // WIDTH : H3 // WIDTH + 1] = rng.uniform(0, 1, (4, 4))
    rows[:, MASS // WIDTH] *= rng.uniform(0.8, 1.2, 4)
    rows[:, INERTIA // WIDTH] = rng.uniform(0.8, 1.2, 4)
    rows[:, FX // WIDTH : FX // WIDTH + 3] = rng.uniform(-0.3, 0.3, (4, 3))
    rows[:, TZ // WIDTH - 2 : TZ // WIDTH + 1] = rng.uniform(-1e-3, 1e-3, (4, 3))
    ours, begun = drones.copy(), state(drones)
    p = FRAME.parameters(1 / 240)
    with BulletWorld(FRAME, Scene(), 4) as world:
        world.place(drones, LANE)
        for _ in range(30):
            world.substep(drones, LANE)
            for row in ours:
                advance(row, p, LANE)
    assert np.abs(state(drones) - state(ours)).max() < 1e-10
    assert np.abs(state(drones) - begun).max() > 1.0


def test_coasting_equals_substeps_read_back_one_by_one():
    frame = AIRFRAMES["cf2x_l250"]
    drones = hovering([(0, 0, 3), (1, 0, 3)])
    drones[:, LANE::WIDTH][:, C0 // WIDTH : C3 // WIDTH + 1] *= [[1.1, 1.0, 0.9, 1.05], [0.5, 0.6, 0.55, 0.5]]
    other = drones.copy()
    with BulletWorld(frame, Scene(), 2) as world:
        world.place(drones, LANE)
        world.coast(drones, LANE, 24)
        world.place(other, LANE)
        for _ in range(24):
            for row in other:
                spin(row, world.parameters, LANE)
            world.substep(other, LANE)
    assert np.abs(drones - other).max() < 1e-11
    assert np.abs(drones[0, WX : LAST + WIDTH]).max() > 0.5


def test_a_heavier_drone_sinks_at_the_rotor_speed_that_carries_a_light_one():
    drones = hovering([(0, 0, 2), (1, 0, 2)])
    drones[1, MASS + LANE] *= 1.25
    with BulletWorld(FRAME, Scene(), 2) as world:
        world.place(drones, LANE)
        world.coast(drones, LANE, 120)
    # a = g (1 - 1 / 1.25), less a little damping, for 0.5 s
    assert drones[0, Z + LANE] == pytest.approx(2.0, abs=1e-9)
    assert drones[1, Z + LANE] == pytest.approx(2.0 - 0.5 * 0.2 * 9.8 * 0.25, abs=0.005)


def test_resting_is_a_contact_and_no_hard_landing_but_a_drop_is():
    drones = hovering([(0, 0, FRAME.height), (1, 0, 0.3), (2, 0, 1.0)])
    with BulletWorld(FRAME, Scene(), 3) as world:
        world.place(drones, LANE)
        throttle(drones[:2], 0.0)
        world.coast(drones, LANE, 90)
        touched = world.contacts()
        assert touched[:, GROUND].tolist() == [True, True, False]
        assert touched[:, HARD].tolist() == [False, True, False]
        assert not touched[:, [OBSTACLE, DRONE]].any()
        # Asked again at once, there was no contact since.
        assert not world.contacts().any()
        world.coast(drones, LANE, 1)
        assert world.contacts()[:, GROUND].tolist() == [True, True, False]


@pytest.mark.parametrize(
    "thing", [Pillar((0.5, 0.0, 1.0), 0.1, 1.0), Box((0.5, 0.0, 1.0), (0.1, 0.3, 1.0), 0.4)], ids=["pillar", "box"]
)
def test_a_drone_that_flies_into_an_obstacle_touches_it_and_is_stopped(thing):
    drones = hovering([(0, 0, 1), (0, 3, 1)])
    drones[:, VX + LANE] = 2.0
    with BulletWorld(FRAME, Scene(obstacles=(thing,)), 2) as world:
        world.place(drones, LANE)
        world.coast(drones, LANE, 72)
        touched = world.contacts()
    assert touched[:, OBSTACLE].tolist() == [True, False]
    assert not touched[:, [GROUND, DRONE]].any()
    assert drones[0, X + LANE] < 0.45
    assert drones[1, X + LANE] == pytest.approx(0.6, abs=0.03)


def test_two_drones_that_collide_both_know():
    drones = hovering([(0, 0, 1), (0.4, 0, 1), (0, 2, 1)])
    drones[0, VX + LANE] = 1.0
    with BulletWorld(FRAME, Scene(), 3) as world:
        world.place(drones, LANE)
        world.coast(drones, LANE, 120)
        touched = world.contacts()
        assert touched[:, DRONE].tolist() == [True, True, False]
        world.coast(drones, LANE, 120)
        world.place(drones, LANE)
        assert not world.contacts().any()


def test_worlds_know_nothing_of_one_another():
    near, far = hovering([(0, 0, 1)]), hovering([(0, 0, 1)])
    throttle(far, 1.2)
    with BulletWorld(FRAME, Scene(), 1) as one, BulletWorld(AIRFRAMES["cf2x_l2f"], Scene(), 1) as other:
        one.place(near, LANE)
        other.place(far, LANE)
        for _ in range(10):
            other.coast(far, LANE, 8)
            one.coast(near, LANE, 8)
    assert near[0, Z + LANE] == pytest.approx(1.0, abs=1e-9)
    assert far[0, Z + LANE] > 1.1


def test_placing_a_drone_takes_less_than_a_tenth_of_a_millisecond():
    drones = hovering([(x, y, 1) for x, y in itertools.product(range(2), range(5))])
    with BulletWorld(FRAME, Scene(), 10) as world:
        world.place(drones, LANE)
        started = time.process_time()
        for _ in range(50):
            world.place(drones, LANE)
        each = (time.process_time() - started) / 500
    assert each < 1e-4


def test_a_picture_shows_the_drones_where_they_are():
    drones = hovering([(0, 0, 0.5)])
    with BulletWorld(FRAME, Scene(), 1) as world:
        world.place(drones, LANE)
        one = world.render(160, 120, distance=0.8)
        drones[0, Z + LANE] = 5.0
        world.place(drones, LANE)
        other = world.render(160, 120, distance=0.8)
    assert one.shape == (120, 160, 3)
    assert one.dtype == np.uint8
    differ = np.argwhere((one != other).any(axis=2))
    # The camera looks at where the drone is.
    assert len(differ) > 50
    assert np.abs(differ.mean(axis=0) - [60, 80]).max() < 10


def test_a_closed_world_says_so_and_may_be_closed_twice():
    drones = hovering([(0, 0, 1)])
    world = BulletWorld(FRAME, Scene(), 1)
    world.close()
    world.close()
    with pytest.raises(GameError, match="this world was closed: make a new BulletWorld"):
        world.read(drones, LANE)


def test_a_block_of_another_shape_is_refused():
    with BulletWorld(FRAME, Scene(), 2) as world, pytest.raises(GameError, match="a block for 2 drones has shape"):
        world.place(hovering([(0, 0, 1)]), LANE)
    with BulletWorld(FRAME, Scene(), 1) as world, pytest.raises(GameError, match="lane 16: make the world"):
        world.place(hovering([(0, 0, 1)]), WIDTH)


def test_a_world_needs_a_drone():
    with pytest.raises(GameError, match="at least one drone, got n_drones=0"):
        BulletWorld(FRAME, Scene(), 0)
