"""Figures and animations of flights: what they show is where the drones were."""

import builtins
import dataclasses
from itertools import combinations

import numpy as np
import PIL.Image
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.transforms import Bbox

from marlgt.errors import GameError, MissingDependency
from marlgt.games.drones import Box, Pillar, Scene, gate
from marlgt.pictures import animate_flight, draw_flight, draw_flight_over_time
from marlgt.pictures._flight_geometry import drawn_arm, focus, hidden, planes, point_camera, rotations, solid_faces
from marlgt.pictures._flight_painter import _back_to_front
from marlgt.pictures.flight_animation import _at
from marlgt.pictures.learning import COLOURS


def rgb(colour):
    return np.array([int(colour[k : k + 2], 16) for k in (1, 3, 5)])


def frames(path):
    """Return the frames of a GIF and how long each is shown, milliseconds."""
    with path.open("rb") as file, PIL.Image.open(file) as image:
        shown, durations = [], []
        for k in range(image.n_frames):
            image.seek(k)
            shown.append(np.asarray(image.convert("RGB")).astype(int))
            durations.append(image.info["duration"])
    return shown, durations


def middle_of(picture, colour):
    """Return the mean pixel, x and y, of what has about a colour."""
    rows, columns = np.nonzero(np.abs(picture - rgb(colour)).max(axis=2) < 30)
    return np.array([columns.mean(), rows.mean()])


def test_the_figure_shows_every_path_in_space_and_over_time(flight):
    figure = draw_flight(flight)
    space, *beside = figure.axes
    assert [axes.get_ylabel() for axes in beside] == [
        "height (m)",
        "distance to\ngoal (m)",
        "speed (m/s)",
        "reward\nof a step",
    ]
    assert beside[-1].get_xlabel() == "time (s)"
    assert (space.get_xlabel(), space.get_ylabel(), space.get_zlabel()) == ("x (m)", "y (m)", "height (m)")
    drawn = [np.array(line.get_data_3d()).T for line in space.lines]
    for i in range(3):
        assert any(
            path.shape == flight.positions[:, i].shape and (path == flight.positions[:, i]).all() for path in drawn
        )
    speeds = [line.get_ydata() for line in beside[2].lines]
    np.testing.assert_allclose(speeds, np.linalg.norm(flight.velocities, axis=2).T)
    heights = [line.get_ydata() for line in beside[0].lines]
    np.testing.assert_allclose(heights, [*flight.goals[:, :, 2].T, *flight.positions[:, :, 2].T])
    assert len(space.collections) == len(flight.scene.obstacles)
    assert "helix: scripted on numba" in figure.get_suptitle()


@pytest.mark.parametrize("stretch", [(1, 1, 1), (1.6, 1.6, 1), (1.6, 0.3, 1.4), (0.2, 0.2, 1.4), (1.7, 1.7, 0.3)])
@pytest.mark.parametrize("draw", [draw_flight, draw_flight_over_time])
def test_nothing_in_the_figures_overlaps(flight, stretch, draw):
    figure = draw(dataclasses.replace(flight, positions=flight.positions * stretch, scene=Scene()))
    renderer = FigureCanvasAgg(figure).get_renderer()
    figure.draw(renderer)
    boxes = [legend.get_window_extent() for legend in figure.legends]
    boxes += [axes.get_tightbbox() for axes in figure.axes if axes.name != "3d"]
    # Axes in space are mostly empty: of them, the labels and ticks of two axes together, and of the height.
    for space in (axes for axes in figure.axes if axes.name == "3d"):
        level = [axis.get_tightbbox(renderer) for axis in (space.xaxis, space.yaxis)]
        boxes += [Bbox.union(level), space.zaxis.get_tightbbox(renderer)]
    assert all(not a.overlaps(b) for a, b in combinations(boxes[: -2 if draw is draw_flight else None], 2))
    assert all(not a.overlaps(b) for a in boxes[-2:] for b in boxes[:-2])
    assert all(box.x0 >= 0 and box.y0 >= 0 and box.x1 <= figure.bbox.x1 + 1 for box in boxes)
    assert all(box.y1 <= figure.bbox.y1 for box in boxes)


def test_tilt_over_time_is_the_angle_between_the_body_and_the_vertical(flight):
    figure = draw_flight_over_time(flight)
    labels = {axes.get_ylabel(): axes for axes in figure.axes}
    assert len(labels) == 8
    tilts = [line.get_ydata() for line in labels["tilt (°)"].lines]
    expected = np.degrees(np.abs(-0.35 + 0.05 * np.arange(3)))[:, None] * np.ones(len(flight.times))
    np.testing.assert_allclose(tilts, expected, atol=1e-6)


def test_a_shared_reward_is_one_line_and_two_players_rewards_are_two(flight):
    shared = dataclasses.replace(flight, rewards=np.repeat(flight.rewards[:, :1], 3, axis=1))
    axes = draw_flight(shared).axes[-1]
    assert len(axes.patches) == 1
    assert "shared" in axes.get_ylabel()
    apart = dataclasses.replace(flight, rewards=flight.rewards[:, :2] * [1.0, -1.0])
    assert len(draw_flight(apart).axes[-1].patches) == 2


def test_a_flight_without_goals_shows_none_and_one_with_a_load_shows_it(short_flight):
    figure = draw_flight(short_flight)
    (legend,) = figure.legends
    named = [text.get_text() for text in legend.get_texts()]
    assert named == ["drone 0", "drone 1", "start", "end", "load"]
    assert "tilt (°)" in [axes.get_ylabel() for axes in figure.axes]


def test_twenty_drones_have_twenty_colours_and_a_short_legend(make_flight):
    figure = draw_flight(make_flight(n_drones=20, seconds=1.0))
    speeds = next(axes for axes in figure.axes if axes.get_ylabel() == "speed (m/s)")
    assert len({line.get_color() for line in speeds.lines}) == 20
    (legend,) = figure.legends
    assert [text.get_text() for text in legend.get_texts()][:3] == ["drone 0", "…", "drone 19"]


def test_a_flight_of_no_steps_is_drawn(flight, tmp_path):
    start = {name: getattr(flight, name)[:1] for name in ("times", "positions", "velocities", "goals")}
    still = dataclasses.replace(
        flight, **start, orientations=flight.orientations[:1], rotors=flight.rotors[:1], rewards=flight.rewards[:0]
    )
    draw_flight(still).draw_without_rendering()
    shown, _ = frames(animate_flight(still, tmp_path / "still.gif"))
    assert len(shown) == 1


def test_what_is_no_flight_is_said(flight):
    with pytest.raises(GameError, match="flight is 'hover': give a Flight"):
        draw_flight("hover")
    with pytest.raises(GameError, match=r"rewards have shape \(241, 3\)"):
        draw_flight_over_time(dataclasses.replace(flight, rewards=flight.positions[:, :, 0]))


def test_a_gif_lasts_as_long_as_the_flight_and_a_second(make_flight, tmp_path):
    path = animate_flight(make_flight(seconds=2.0), tmp_path / "flight.gif", size=(320, 240))
    shown, durations = frames(path)
    assert shown[0].shape == (240, 320, 3)
    assert sum(durations) == pytest.approx(1000 * (2.0 + 1.0), abs=45)
    assert set(durations[:-1]) == {40}


def test_a_drone_is_in_the_picture_where_the_camera_sees_it(make_flight, tmp_path):
    flight = make_flight(n_drones=2, seconds=2.0)
    # Without goals, whose crosses bear the drone's colour.
    flight = dataclasses.replace(flight, goals=0 * flight.goals)
    shown, _ = frames(animate_flight(flight, tmp_path / "flight.gif", fps=20))
    camera = point_camera(*focus(flight), (640, 480), azimuth=-58.0, elevation=24.0)
    where = camera.project(flight.positions[0, 1])[0]
    assert np.linalg.norm(middle_of(shown[0], COLOURS[1]) - where) < 6.0
    assert np.linalg.norm(camera.project(flight.positions[-1, 1])[0] - where) > 50.0


@pytest.mark.parametrize("thing", [Box((0.1, 0.0, 0.5), (0.3, 0.1, 0.4), 0.6), Pillar((0.0, 0.2, 0.6), 0.3, 0.4)])
def test_a_point_is_hidden_if_and_only_if_its_line_of_sight_meets_the_solid(thing):
    rng = np.random.default_rng(0)
    normals, offsets = planes(solid_faces(thing))
    eye = np.array([1.5, -2.0, 1.4])
    points = rng.uniform([-2, -2, 0], [2, 2, 2], (1500, 3))
    # Points inside are hidden as well: the sight line is closed.
    sight = eye + np.linspace(0.0, 1.0, 600)[:, None, None] * (points - eye)
    depth = (sight @ normals.T - offsets).max(axis=2).min(axis=0)
    clear = np.abs(depth) > 0.01
    assert 50 < (depth[clear] < 0).sum() < clear.sum()
    np.testing.assert_array_equal(hidden(points, eye, normals, offsets)[clear], depth[clear] < 0)


@pytest.mark.parametrize("seed", range(4))
def test_no_solid_is_drawn_before_one_that_it_hides(seed):
    rng = np.random.default_rng(seed)
    things = [
        Box((x + rng.uniform(-0.1, 0.1), y, z), tuple(rng.uniform(0.1, 0.32, 3)), rng.uniform(0, np.pi))
        if rng.random() < 0.6
        else Pillar((x, y, z), rng.uniform(0.1, 0.45), rng.uniform(0.1, 0.45))
        for x in (-1.2, 0.0, 1.2)
        for y in (-1.2, 0.0, 1.2)
        for z in (0.5, 1.5)
    ] + list(gate((3.0, 0.0, 1.0), angle=0.5))
    solids = [(faces, *planes(faces)) for faces in map(solid_faces, things)]
    hiding = 0
    for azimuth in range(0, 360, 40):
        low, high = np.array([-1.8, -1.8, 0.0]), np.array([3.5, 1.8, 2.0])
        camera = point_camera(low, high, (640, 480), azimuth=float(azimuth), elevation=float(rng.uniform(-10, 60)))
        ordered = _back_to_front(solids, camera)
        assert len(ordered) == len(solids)
        for k, (faces, normals, offsets) in enumerate(ordered):
            seen = [face for face, out in zip(faces, normals @ camera.eye > offsets) if out]
            weights = rng.dirichlet(np.ones(3), 20)
            points = np.concatenate(
                [weights @ face[list(corners)] for face in seen for corners in ((0, 1, 2), (0, 2, -1))]
            )
            for other, (_, *solid) in enumerate(ordered):
                hides = other != k and hidden(points, camera.eye, *solid, margin=-1e-6).any()
                assert not hides or other > k
                hiding += hides
    assert hiding > 100


def test_a_box_behind_a_long_wall_is_drawn_first_though_the_middle_of_the_wall_is_farther():
    wall, box = Box((2.0, 0.0, 0.5), (2.0, 0.05, 0.5)), Box((0.5, 0.4, 0.5), (0.15, 0.15, 0.5), np.pi / 4)
    solids = [(faces, *planes(faces)) for faces in map(solid_faces, (wall, box))]
    camera = dataclasses.replace(
        point_camera(np.zeros(3), np.ones(3), (64, 64), azimuth=-90.0, elevation=0.0), eye=np.array([0.0, -3.0, 0.5])
    )
    assert np.linalg.norm(np.array(wall.centre) - camera.eye) > np.linalg.norm(np.array(box.centre) - camera.eye)
    assert [faces[0] is solids[1][0][0] for faces, *_ in _back_to_front(solids, camera)] == [True, False]


def test_the_camera_shows_all_that_is_worth_looking_at(flight):
    low, high = focus(flight)
    corners = np.array([[(low, high)[k >> axis & 1][axis] for axis in range(3)] for k in range(8)])
    for azimuth, elevation in ((-58.0, 24.0), (10.0, 80.0), (200.0, 0.0)):
        pixels, depth = point_camera(low, high, (640, 480), azimuth=azimuth, elevation=elevation).project(corners)
        assert (depth > 0).all()
        assert (pixels > 0).all()
        assert (pixels < [640, 480]).all()
    assert (flight.positions >= low).all()
    assert (flight.positions <= high).all()


def test_drones_that_fly_close_are_drawn_small_but_never_smaller_than_life(make_flight):
    apart = make_flight()
    close = dataclasses.replace(apart, positions=apart.positions[:, :1] + 0.01 * np.arange(3)[None, :, None])
    assert drawn_arm(apart) > 0.06
    assert drawn_arm(close) == 0.04


def test_between_two_steps_a_drone_is_on_the_line_and_turns_the_short_way():
    times, attitudes = np.array([0.0, 1.0]), np.array([[0.0, 0, 0, 1], [0, 0, -np.sin(0.5), -np.cos(0.5)]])
    np.testing.assert_allclose(_at(np.array([0.25]), times, np.array([[0.0, 1, 2], [4, 4, 4]])), [[1, 1.75, 2.5]])
    (turned,) = rotations(_at(np.array([0.5]), times, attitudes))
    c, s = np.cos(0.5), np.sin(0.5)
    np.testing.assert_allclose(turned, [[c, -s, 0], [s, c, 0], [0, 0, 1]], atol=1e-12)


def test_the_camera_can_go_round(make_flight, tmp_path):
    flight = make_flight(n_drones=1, seconds=1.0)
    still = dataclasses.replace(flight, positions=np.repeat(flight.positions[:1], len(flight.times), axis=0))
    shown, _ = frames(animate_flight(still, tmp_path / "still.gif", size=(160, 120), fps=10, turn=90.0))
    assert np.abs(shown[0] - shown[-1]).max() > 100


def test_an_mp4_has_the_size_and_rate_asked_for(make_flight, tmp_path):
    imageio = pytest.importorskip("imageio.v2")
    pytest.importorskip("imageio_ffmpeg")
    path = animate_flight(make_flight(seconds=1.0), tmp_path / "flight.mp4", size=(322, 240), fps=30)
    with imageio.get_reader(path, format="FFMPEG") as reader:
        told = reader.get_meta_data()
        assert (told["size"], told["fps"]) == ((322, 240), 30.0)
        assert told["duration"] == pytest.approx(1.0, abs=0.07)
        assert reader.get_data(0).shape == (240, 322, 3)


@pytest.mark.parametrize(
    ("name", "settings", "message"),
    [
        ("flight.avi", {}, r"end the name in \.gif or \.mp4"),
        ("nowhere/flight.gif", {}, "there is no folder"),
        ("flight.gif", {"fps": 60}, "fps is 60: give an integer from 1 to 50 for GIF"),
        ("flight.mp4", {"fps": 0}, "fps is 0: give an integer from 1 to 240 for MP4"),
        ("flight.gif", {"fps": 24.5}, "fps is 24.5: give an integer"),
        ("flight.gif", {"size": 640}, "size is 640: give width and height"),
        ("flight.gif", {"size": (640, 10)}, r"size is \(640, 10\): give width and height"),
        ("flight.mp4", {"size": (641, 480)}, "MP4 needs an even width and height"),
        ("flight.gif", {"elevation": 90.0}, "the elevation between -89 and 89"),
        ("flight.gif", {"turn": np.nan}, "give finite degrees"),
    ],
)
def test_settings_that_cannot_be_animated_are_said_before_anything_is_written(
    flight, tmp_path, name, settings, message
):
    with pytest.raises(GameError, match=message):
        animate_flight(flight, tmp_path / name, **settings)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("package", "what", "draw"),
    [
        ("matplotlib", "the figure of a flight needs matplotlib", lambda flight, folder: draw_flight(flight)),
        ("PIL", "an animation needs pillow", lambda flight, folder: animate_flight(flight, folder / "flight.gif")),
        (
            "imageio",
            "an MP4 animation needs imageio-ffmpeg",
            lambda flight, folder: animate_flight(flight, folder / "flight.mp4"),
        ),
    ],
)
def test_a_missing_package_says_what_to_type(flight, tmp_path, monkeypatch, package, what, draw):
    import sys

    real = builtins.__import__

    def missing(name, *args, **kwargs):
        if name.split(".")[0] == package:
            raise ImportError(name)
        return real(name, *args, **kwargs)

    monkeypatch.setattr(builtins, "__import__", missing)
    for name in [name for name in sys.modules if name.split(".")[0] == package]:
        monkeypatch.setitem(sys.modules, name, None)
    with pytest.raises(MissingDependency, match=rf'{what}: pip install "marlgt\[drones\]"'):
        draw(flight, tmp_path)
