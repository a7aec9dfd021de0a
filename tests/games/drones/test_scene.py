"""Scenes: obstacles where they were put, and mistakes that are told in a sentence."""

import math

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from marlgt.errors import GameError
from marlgt.games.drones.scene import BOX, PILLAR, Box, Pillar, Scene, gate, wall

places = st.floats(-1.0, 1.0)


def corners(box):
    """Return the eight corners of a box, shape (8, 3)."""
    signs = np.array([(a, b, c) for a in (-1, 1) for b in (-1, 1) for c in (-1, 1)])
    cosine, sine = math.cos(box.angle), math.sin(box.angle)
    turn = np.array([[cosine, -sine, 0], [sine, cosine, 0], [0, 0, 1]])
    return np.array(box.centre) + (signs * box.extents) @ turn.T


def test_geometry_holds_kind_centre_extents_and_direction():
    scene = Scene(obstacles=(Box((1.0, 0.5, 1.0), (0.1, 0.2, 0.3), math.pi / 2), Pillar((0.0, 0.0, 1.0), 0.2, 0.7)))
    box, pillar = scene.geometry()
    np.testing.assert_allclose(box, [BOX, 1.0, 0.5, 1.0, 0.1, 0.2, 0.3, 0.0, 1.0], atol=1e-15)
    np.testing.assert_allclose(pillar, [PILLAR, 0.0, 0.0, 1.0, 0.2, 0.2, 0.7, 1.0, 0.0])


def test_an_empty_scene_has_geometry_of_no_rows_and_an_arena():
    assert Scene().geometry().shape == (0, 9)
    assert Scene().arena().tolist() == [-2.0, -2.0, -0.1, 2.0, 2.0, 2.5]


@given(start=st.tuples(places, places), end=st.tuples(places, places), height=st.floats(0.1, 2.0))
def test_a_wall_stands_on_the_ground_between_its_ends(start, end, height):
    assume(math.dist(start, end) > 1e-6)
    thing = wall(start, end, height=height, thickness=0.1)
    points = corners(thing)
    assert points[:, 2].min() == pytest.approx(0.0, abs=1e-12)
    assert points[:, 2].max() == pytest.approx(height)
    reach = thing.extents[0] * np.array([math.cos(thing.angle), math.sin(thing.angle)])
    np.testing.assert_allclose(np.array(thing.centre[:2]) - reach, start, atol=1e-9)
    np.testing.assert_allclose(np.array(thing.centre[:2]) + reach, end, atol=1e-9)


@given(
    centre=st.tuples(places, places, places),
    width=st.floats(0.2, 1.0),
    height=st.floats(0.2, 1.0),
    bar=st.floats(0.01, 0.2),
    angle=st.floats(-4.0, 4.0),
)
def test_the_bars_of_a_gate_frame_its_opening_without_a_gap_or_an_overlap(centre, width, height, bar, angle):
    cosine, sine = math.cos(angle), math.sin(angle)
    seen = []
    for thing in gate(centre, width=width, height=height, bar=bar, angle=angle):
        away = corners(thing) - centre
        along, across = cosine * away[:, 0] + sine * away[:, 1], cosine * away[:, 1] - sine * away[:, 0]
        assert np.abs(along) == pytest.approx(bar / 2)
        seen.append((across.min(), across.max(), away[:, 2].min(), away[:, 2].max()))
    w, h = width / 2, height / 2
    expected = [
        (w, w + bar, -h - bar, h + bar),
        (-w - bar, -w, -h - bar, h + bar),
        (-w, w, h, h + bar),
        (-w, w, -h - bar, -h),
    ]
    np.testing.assert_allclose(seen, expected, atol=1e-9)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Box((0, 0), (1, 1, 1)), "the centre of a box must be three finite numbers, got"),
        (lambda: Box((0, 0, math.nan), (1, 1, 1)), "the centre of a box must be three finite numbers"),
        (lambda: Box((0, 0, 0), (1, 0, 1)), "the half extents of a box must be positive, in metres"),
        (lambda: Box((0, 0, 0), (1, 1, 1), math.inf), "the angle of a box must be a finite number"),
        (lambda: Pillar((0, 0, 0), -1, 1), "radius and half height of a pillar must be positive"),
        (lambda: Pillar(3, 1, 1), "the centre of a pillar must be three finite numbers"),
        (lambda: Pillar((0, 0, 0), "wide", 1), "radius and half height of a pillar must be two finite numbers"),
        (lambda: wall((0, 0), (0, 0)), r"a wall needs two different end points, got \(0, 0\) twice"),
        (lambda: wall((0, 0, 0), (1, 0)), "the start of a wall must be two finite numbers"),
        (lambda: wall((0, 0), (1, None)), "the end of a wall must be two finite numbers"),
        (lambda: wall((0, 0), (1, 0), height=0), "height and thickness of a wall must be positive"),
        (lambda: gate((0, 0)), "the centre of a gate must be three finite numbers"),
        (lambda: gate((0, 0, 1), width=-1), "width, height and bar of a gate must be positive"),
        (lambda: gate((0, 0, 1), angle=math.nan), "the angle of a gate must be a finite number"),
        (lambda: Scene(low=(0, 0)), "the lower corner of an arena must be three finite numbers"),
        (lambda: Scene(high=(1, 1, math.inf)), "the upper corner of an arena must be three finite numbers"),
        (lambda: Scene(low=(2, -2, 0)), "an arena needs low below high along every axis"),
        (lambda: Scene(low=(-1, -1, -2), high=(1, 1, -1)), "an arena must reach above the ground"),
        (lambda: Scene(obstacles=3), "obstacles must be a tuple of boxes and pillars, got 3"),
        (lambda: Scene(obstacles=(gate((0, 0, 1)),)), r"unpack a gate, as in \(\*gate\(...\), wall\(...\)\)"),
        (lambda: Scene(obstacles=(Pillar((5, 0, 1), 1, 1),)), "stands outside the arena from .* widen the arena"),
    ],
)
def test_mistakes_are_told_in_a_sentence(make, message):
    with pytest.raises(GameError, match=message):
        make()


def test_an_obstacle_may_reach_into_the_arena_from_outside():
    turned = Box((2.5, 0.0, 1.0), (0.4, 0.4, 1.0), math.pi / 4)
    assert Scene(obstacles=[turned]).obstacles == (turned,)
    with pytest.raises(GameError, match="stands outside the arena"):
        Scene(obstacles=[Box((2.5, 0.0, 1.0), (0.4, 0.4, 1.0))])
