"""Contacts against independent geometry, in every gear."""

import math

import numba
import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from scipy.optimize import lsq_linear

from marlgt.games.drones.airframes import RADIUS, airframe
from marlgt.games.drones.kernels import contacts
from marlgt.games.drones.kernels.lanes import WIDTH, Columns
from marlgt.games.drones.kernels.layout import ACTIVE, DRONE_FIELDS, HIT, QX, QY, X, Y, Z
from marlgt.games.drones.scene import Box, Pillar, Scene, gate, wall
from marlgt.kernels import compiled, lane_loop, rebound

WORDS = {
    "where": np.where,
    "least": np.minimum,
    "most": np.maximum,
    "absolute": np.abs,
    "clip": np.clip,
    "sqrt": np.sqrt,
    "WIDTH": 1,
}
PARAMETERS = airframe("cf2x").parameters(1 / 240)
RADIUS_M = float(PARAMETERS[RADIUS])
FIELDS = (X, Y, Z, QX, QY, ACTIVE, HIT)
SCENE = Scene(
    obstacles=(
        *gate((0.5, 0.2, 1.0), angle=0.7),
        Pillar((-0.8, 0.4, 0.9), 0.3, 0.6),
        wall((-1.5, -1.5), (1.0, -0.5), height=1.2, thickness=0.2),
        Box((-0.4, 1.2, 0.3), (0.5, 0.2, 0.3), -2.5),
    )
)


def block(positions, active=None, dtype=float):
    """Return a block of drones at positions of shape (n, WIDTH, 3)."""
    drones = np.zeros((len(positions), DRONE_FIELDS * WIDTH), dtype=dtype)
    for axis, field in enumerate((X, Y, Z)):
        drones[:, field : field + WIDTH] = positions[..., axis]
    drones[:, ACTIVE : ACTIVE + WIDTH] = 1.0 if active is None else active
    return drones


def columns(drones):
    """Return a block as whole arrays, all drones at once."""
    return Columns({field: drones[:, field : field + WIDTH].copy() for field in FIELDS})


def hits(drones):
    return drones[:, HIT : HIT + WIDTH]


def random_positions(n, seed=0, spread=1.5):
    positions = np.random.default_rng(seed).uniform(-spread, spread, (n, WIDTH, 3))
    positions[..., 2] += spread
    return positions


def in_every_gear(loop, drones, *arguments):
    """Return the hits of a loop over a block: plain, compiled, compiled in single precision, and on whole arrays."""
    plain, twin = drones.copy(), drones.copy()
    single = drones.astype(np.float32)
    small = [v.astype(np.float32) if isinstance(v, np.ndarray) else v for v in arguments]
    whole = columns(drones)
    loop(plain, len(drones), *arguments)
    compiled(loop)(twin, len(drones), *arguments)
    compiled(loop, single=True)(single, len(drones), *small)
    rebound(loop, **WORDS)([whole], 1, *arguments)
    return hits(plain), hits(twin), hits(single), whole[HIT]


def box_distance(point, box):
    """Return the distance from a point to a box, negative inside, by bounded least squares and by its faces."""
    cosine, sine = math.cos(box.angle), math.sin(box.angle)
    axes = np.array([[cosine, sine, 0], [-sine, cosine, 0], [0, 0, 1]])
    away, extents = np.array(point) - box.centre, np.array(box.extents)
    depths = [extents[i] - sign * axes[i] @ away for i in range(3) for sign in (-1, 1)]
    if min(depths) > 0:
        return -min(depths)
    best = lsq_linear(axes.T, away, (-extents, extents), method="bvls", tol=1e-14)
    return math.sqrt(2 * best.cost)


def pillar_surface(pillar, n=400):
    """Return points all over the surface of a pillar."""
    angles = np.linspace(0, 2 * math.pi, n, endpoint=False)
    circle = np.stack([np.cos(angles), np.sin(angles)], axis=-1)
    heights = np.linspace(-pillar.half_height, pillar.half_height, 200)
    side = [np.c_[pillar.radius * circle, np.full(n, h)] for h in heights]
    ends = [
        np.c_[r * circle, np.full(n, h)]
        for h in (-pillar.half_height, pillar.half_height)
        for r in np.linspace(0, pillar.radius, 100)
    ]
    return np.concatenate(side + ends) + pillar.centre


coordinate = st.floats(-2.0, 2.0)
points = st.tuples(coordinate, coordinate, coordinate)
boxes = st.builds(
    Box,
    centre=st.tuples(*[st.floats(-0.5, 0.5)] * 3),
    extents=st.tuples(*[st.floats(0.05, 1.0)] * 3),
    angle=st.floats(-7.0, 7.0),
)


@given(point=points, box=boxes)
def test_the_distance_to_a_box_is_that_of_bounded_least_squares(point, box):
    geometry = Scene(low=(-2.0, -2.0, -2.0), obstacles=(box,)).geometry()
    expected = box_distance(point, box)
    assert contacts.distance(*point, geometry, 0) == pytest.approx(expected, abs=1e-6)
    way = np.array(contacts.towards(*point, geometry, 0))
    assert np.linalg.norm(way) == pytest.approx(max(expected, 0.0), abs=1e-6)
    # The way ends on the box.
    assert box_distance(np.array(point) + way, box) == pytest.approx(min(expected, 0.0), abs=1e-6)


@given(
    box=boxes,
    shares=st.tuples(*[st.sampled_from([-1.0, 0.0, 1.0])] * 3).filter(any),
    away=st.floats(0.001, 1.0),
)
def test_away_from_a_face_an_edge_or_a_corner_the_distance_is_how_far_one_went(box, shares, away):
    cosine, sine = math.cos(box.angle), math.sin(box.angle)
    turn = np.array([[cosine, -sine, 0], [sine, cosine, 0], [0, 0, 1]])
    outward = np.array(shares) / np.linalg.norm(shares)
    point = box.centre + turn @ (np.array(shares) * box.extents + away * outward)
    geometry = Scene(low=(-2.0, -2.0, -2.0), obstacles=(box,)).geometry()
    assert contacts.distance(*point, geometry, 0) == pytest.approx(away, abs=1e-9)
    np.testing.assert_allclose(contacts.towards(*point, geometry, 0), -away * (turn @ outward), atol=1e-9)


def test_the_distance_to_a_pillar_is_that_to_the_nearest_point_of_its_surface():
    pillar = Pillar((0.3, -0.2, 1.0), 0.4, 0.7)
    geometry = Scene(obstacles=(pillar,)).geometry()
    surface = pillar_surface(pillar)
    rng = np.random.default_rng(1)
    n_inside = 0
    for point in rng.uniform((-0.7, -1.2, 0.0), (1.3, 0.8, 2.0), (200, 3)):
        nearest = np.linalg.norm(surface - point, axis=1).min()
        x, y, z = np.array(point) - pillar.centre
        inside = x * x + y * y < pillar.radius**2 and abs(z) < pillar.half_height
        n_inside += inside
        found = contacts.distance(*point, geometry, 0)
        assert found == pytest.approx(-nearest if inside else nearest, abs=4e-3)
        way = np.array(contacts.towards(*point, geometry, 0))
        assert np.linalg.norm(way) == pytest.approx(max(found, 0.0), abs=1e-12)
        assert contacts.distance(*(point + way), geometry, 0) == pytest.approx(min(found, 0.0), abs=1e-12)
    assert 10 < n_inside < 150


def test_on_the_axis_of_a_pillar_everything_is_finite():
    geometry = Scene(obstacles=(Pillar((0.0, 0.0, 1.0), 0.4, 0.5),)).geometry()
    assert contacts.distance(0.0, 0.0, 1.0, geometry, 0) == pytest.approx(-0.4)
    assert contacts.distance(0.0, 0.0, 1.8, geometry, 0) == pytest.approx(0.3)
    np.testing.assert_allclose(contacts.towards(0.0, 0.0, 1.8, geometry, 0), (0.0, 0.0, -0.3), atol=1e-15)
    np.testing.assert_allclose(contacts.towards(0.0, 0.0, 1.0, geometry, 0), (0.0, 0.0, 0.0), atol=1e-15)


def test_distances_on_arrays_are_those_of_their_points():
    geometry = SCENE.geometry()
    x, y, z = np.moveaxis(random_positions(10), -1, 0)
    distance, towards = rebound(contacts.distance, **WORDS), rebound(contacts.towards, **WORDS)
    for k in range(len(geometry)):
        found, ways = distance(x, y, z, geometry, k), np.stack(towards(x, y, z, geometry, k))
        for at in np.ndindex(x.shape):
            assert found[at] == pytest.approx(contacts.distance(x[at], y[at], z[at], geometry, k), abs=1e-12)
            np.testing.assert_allclose(
                ways[(slice(None), *at)], contacts.towards(x[at], y[at], z[at], geometry, k), atol=1e-12
            )


def test_drones_hit_the_obstacles_that_are_nearer_than_their_radius_in_every_gear():
    positions = random_positions(60, spread=1.2)
    geometry = SCENE.geometry()
    gaps = np.array(
        [
            [min(contacts.distance(*point, geometry, k) for k in range(len(geometry))) for point in row]
            for row in positions
        ]
    )
    expected = gaps < RADIUS_M
    assert 0.1 < expected.mean() < 0.9
    # No case is so close that single precision could tell otherwise.
    assert np.abs(gaps - RADIUS_M).min() > 1e-5
    for found in in_every_gear(contacts.strike_all, block(positions), geometry, PARAMETERS):
        assert np.array_equal(found, expected)


def test_strike_tells_for_one_obstacle_what_the_loop_tells_for_all():
    positions = random_positions(20, seed=5, spread=1.0)
    geometry = SCENE.geometry()
    together, one_by_one = block(positions), block(positions)
    contacts.strike_all(together, 20, geometry, PARAMETERS)
    for d in one_by_one:
        for k in range(len(geometry)):
            for e in range(WIDTH):
                contacts.strike(d, geometry, k, PARAMETERS, e)
    assert np.array_equal(hits(together), hits(one_by_one))
    assert hits(together).any()


@pytest.mark.parametrize("angle", [0.0, 0.9, -2.0])
def test_a_drone_flies_through_the_middle_of_a_gate_but_not_through_a_bar(angle):
    geometry = Scene(obstacles=gate((0.3, -0.1, 1.2), width=0.5, height=0.4, bar=0.05, angle=angle)).geometry()
    forward, left = np.array([math.cos(angle), math.sin(angle), 0]), np.array([-math.sin(angle), math.cos(angle), 0])
    path = np.linspace(-1.0, 1.0, 400)[:, None] * forward + (0.3, -0.1, 1.2)
    edge = 0.25 - RADIUS_M
    cases = {
        (0.0, 0.0): False,
        (edge - 0.001, 0.0): False,
        (edge + 0.001, 0.0): True,
        (0.275, 0.0): True,
        (-0.275, 0.0): True,
        (0.0, 0.225): True,
        (0.0, -0.225): True,
        (0.3 + RADIUS_M + 0.001, 0.0): False,
        (0.0, 0.25 + RADIUS_M + 0.001): False,
    }
    for (aside, up), touched in cases.items():
        flown = path + aside * left + (0.0, 0.0, up)
        drones = block(flown.reshape(-1, WIDTH, 3))
        compiled(contacts.strike_all)(drones, len(drones), geometry, PARAMETERS)
        assert hits(drones).any() == touched, (aside, up)


def pair_hits(positions, active):
    """Return which drones touch another, by all distances at once."""
    gaps = np.linalg.norm(positions[:, None] - positions[None], axis=-1)
    touching = (gaps < 2 * RADIUS_M) & active[:, None] & active[None] & ~np.eye(len(positions), dtype=bool)[..., None]
    return touching.any(0)


@pytest.mark.parametrize("n", [1, 2, 5, 40])
def test_drones_hit_one_another_where_their_spheres_meet_in_every_gear(n):
    positions = random_positions(n, seed=n, spread=0.3 if n > 2 else 0.07)
    active = np.random.default_rng(n).random((n, WIDTH)) < 0.8
    expected = pair_hits(positions, active)
    drones = block(positions, active)
    whole = columns(drones)
    plain, twin, single = drones.copy(), drones.copy(), drones.astype(np.float32)
    contacts.collide(plain, n, PARAMETERS)
    compiled(contacts.collide)(twin, n, PARAMETERS)
    compiled(contacts.collide, single=True)(single, n, PARAMETERS.astype(np.float32))
    rebound(contacts.collide_together, **WORDS)(whole, PARAMETERS)
    for found in (hits(plain), hits(twin), hits(single), whole[HIT]):
        assert np.array_equal(found, expected)
    assert n == 1 or expected.any()


@given(direction=points.filter(lambda p: np.linalg.norm(p) > 0.1), gap=st.floats(0.0, 4.0))
def test_a_contact_of_two_drones_is_a_contact_of_both_and_depends_on_the_distance_alone(direction, gap):
    assume(abs(gap - 2.0) > 1e-6)
    drones = block(np.zeros((2, WIDTH, 3)))
    way = np.array(direction) / np.linalg.norm(direction) * gap * RADIUS_M
    for axis, field in enumerate((X, Y, Z)):
        drones[1, field] = way[axis]
    contacts.near(drones[0], drones[1], PARAMETERS, 0)
    assert drones[0, HIT] == drones[1, HIT] == float(gap < 2.0)


def test_a_hit_from_before_stays():
    positions = random_positions(3, spread=2.0)
    drones = block(positions)
    drones[:, HIT : HIT + WIDTH] = np.arange(WIDTH) % 2
    for loop, arguments in (
        (contacts.collide, (PARAMETERS,)),
        (contacts.strike_all, (np.zeros((0, 9)), PARAMETERS)),
        (contacts.leave_all, (np.array([-9.0, -9, -9, 9, 9, 9]),)),
        (contacts.tumble_all, (0.0,)),
    ):
        after = drones.copy()
        compiled(loop)(after, 3, *arguments)
        assert np.array_equal(after, drones)


def test_outside_the_arena_is_beyond_any_of_its_six_faces_in_every_gear():
    arena = Scene(low=(-1.0, -0.5, -0.1), high=(0.8, 1.2, 2.0)).arena()
    positions = random_positions(20, seed=3)
    for axis in range(3):
        # Each face alone is crossed somewhere.
        positions[2 * axis, 0], positions[2 * axis + 1, 0] = (0.0, 0.0, 1.0), (0.0, 0.0, 1.0)
        positions[2 * axis, 0, axis], positions[2 * axis + 1, 0, axis] = arena[axis] - 0.01, arena[3 + axis] + 0.01
    positions[6, 0] = (0.0, 0.0, 1.0)
    expected = ((positions < arena[:3]) | (positions > arena[3:])).any(-1)
    assert expected[:6, 0].all()
    assert not expected[6, 0]
    for found in in_every_gear(contacts.leave_all, block(positions), arena):
        assert np.array_equal(found, expected)


@pytest.mark.parametrize("lean", [0.0, 0.5, 1.15, 1.25, 2.0, math.pi])
def test_a_drone_tumbles_beyond_the_limit_of_its_lean_in_every_gear(lean):
    drones = block(np.zeros((1, WIDTH, 3)))
    about = np.linspace(0, 2 * math.pi, WIDTH)
    drones[0, QX : QX + WIDTH] = math.sin(lean / 2) * np.cos(about)
    drones[0, QY : QY + WIDTH] = math.sin(lean / 2) * np.sin(about)
    for found in in_every_gear(contacts.tumble_all, drones, math.cos(1.2)):
        assert (found == float(lean > 1.2)).all()


def test_torch_finds_the_same_contacts():
    torch = pytest.importorskip("torch")
    words = {
        "where": torch.where,
        "least": lambda a, b: torch.where(a < b, a, b),
        "most": lambda a, b: torch.where(a > b, a, b),
        "absolute": torch.abs,
        "clip": torch.clamp,
        "sqrt": torch.sqrt,
        "WIDTH": 1,
    }
    positions = random_positions(30, seed=8, spread=0.8)
    drones, geometry, arena = block(positions), SCENE.geometry(), Scene(high=(0.5, 2.0, 2.5)).arena()
    whole = columns(drones)
    tensors = Columns({field: torch.from_numpy(array.copy()) for field, array in whole.arrays.items()})
    for loop, arguments in (
        (contacts.strike_all, (geometry, PARAMETERS)),
        (contacts.leave_all, (arena,)),
        (contacts.tumble_all, (0.4,)),
    ):
        rebound(loop, **words)([tensors], 1, *arguments)
        loop(drones, 30, *arguments)
    rebound(contacts.collide_together, **words)(tensors, PARAMETERS)
    contacts.collide(drones, 30, PARAMETERS)
    assert np.array_equal(tensors[HIT].numpy(), hits(drones))
    assert 0 < hits(drones).mean() < 1


@lane_loop
def beside_by_hand(d, geometry, out):
    """The kernels called by a loop over lanes of one's own."""
    for k in range(len(geometry)):
        for e in range(WIDTH):
            out[k, e] = distance(d[X + e], d[Y + e], d[Z + e], geometry, k)


distance = contacts.distance


def test_distances_compile_within_a_loop_over_lanes():
    geometry = SCENE.geometry()
    drones = block(random_positions(1))
    swift, plain = np.zeros((len(geometry), WIDTH)), np.zeros((len(geometry), WIDTH))
    compiled(beside_by_hand)(drones[0], geometry, swift)
    beside_by_hand(drones[0], geometry, plain)
    np.testing.assert_allclose(swift, plain, atol=1e-12)


@pytest.mark.parametrize("loop", [contacts.collide, contacts.strike_all, contacts.leave_all])
@pytest.mark.parametrize("single", [False, True])
def test_loops_over_lanes_become_vector_instructions(loop, single):
    kind = np.float32 if single else float
    drones, parameters = block(random_positions(2)).astype(kind), PARAMETERS.astype(kind)
    arguments = {
        contacts.collide: (parameters,),
        contacts.strike_all: (SCENE.geometry().astype(kind), parameters),
        contacts.leave_all: (SCENE.arena().astype(kind),),
    }[loop]
    # A twin from the disk cache shows no instructions.
    cached = compiled(loop, single=single)
    options = {name: value for name, value in cached.targetoptions.items() if name != "nopython"}
    twin = numba.njit(**options)(cached.py_func)
    twin(drones, 2, *arguments)
    assembly = "".join(twin.inspect_asm().values())
    packed = ("mulps", "cmpltps", "maxps", "fmul.4s") if single else ("mulpd", "cmpltpd", "maxpd", "fmul.2d")
    assert any(word in assembly for word in packed)
