"""Pictures of dynamics: what they draw is where the runs went."""

import itertools

import matplotlib
import numpy as np
import pytest

import marlgt as gt
from marlgt.dynamics import (
    best_response_flow,
    infinitesimal_gradient_ascent,
    many,
    replicator_dynamics,
    wolf_iga,
    wolf_policy_hill_climbing,
)
from marlgt.pictures import (
    draw_gap_curves,
    draw_phase_portrait,
    draw_simplex_trajectory,
    draw_square_trajectory,
)
from marlgt.pictures.diagrams import CORNERS
from marlgt.pictures.phase import _velocities

matplotlib.use("Agg")
import matplotlib.pyplot as plt

PENNIES = gt.games.matching_pennies()
RPS = gt.games.rock_paper_scissors()


@pytest.fixture
def axes():
    figure, drawn = plt.subplots()
    yield drawn
    plt.close(figure)


@pytest.fixture(autouse=True)
def a_coarse_grid(monkeypatch):
    monkeypatch.setattr("marlgt.pictures.phase._GRID", 9)


def marked(axes):
    return {tuple(np.round(place, 6)) for place in axes.collections[-1].get_offsets()}


def test_a_portrait_of_two_actions_marks_every_equilibrium_and_draws_every_path(axes):
    game = gt.games.battle_of_the_sexes()
    starts = [([0.3, 0.7], [0.6, 0.4]), ([0.8, 0.2], [0.5, 0.5])]
    draw_phase_portrait(axes, game, replicator_dynamics, starts=starts, duration=2.0, record=20)
    assert marked(axes) == {(round(e.profile[0][0], 6), round(e.profile[1][0], 6)) for e in gt.solve(game)}
    paths = [line.get_xydata() for line in axes.lines if len(line.get_xydata()) == 21]
    runs = many(replicator_dynamics, game, starts=starts, duration=2.0, record=20)
    for path, run in zip(paths, runs, strict=True):
        np.testing.assert_allclose(path, np.stack([x[:, 0] for x in run.strategies], axis=1))
    assert "probability that" in axes.get_xlabel()


@pytest.mark.parametrize("flow", [replicator_dynamics, best_response_flow])
def test_a_portrait_of_one_population_marks_the_symmetric_equilibria_only(axes, flow):
    game = gt.games.hawk_dove_retaliator()
    draw_phase_portrait(axes, game, flow, duration=1.0)
    alike = [e.profile[0] for e in gt.solve(game) if np.allclose(e.profile[0], e.profile[1])]
    assert marked(axes) == {tuple(np.round(x @ CORNERS, 6)) for x in alike}
    assert {text.get_text() for text in axes.texts} >= set(game.actions[0])


def test_streamlines_follow_the_velocity_of_flows_and_of_maps():
    point = [(np.array([0.7, 0.3]), np.array([0.4, 0.6]))]
    known = {"duration"}
    flow = _velocities(PENNIES, replicator_dynamics, point, known, {})
    # Row gains 2 (2 q - 1) from heads; the replicator weighs that by p (1 - p).
    expected = np.array([0.7 * 0.3 * 2 * (2 * 0.4 - 1), -0.4 * 0.6 * 2 * (2 * 0.7 - 1)])
    got = np.array([flow[0][0, 0], flow[1][0, 0]])
    np.testing.assert_allclose(got / got[0], expected / expected[0], rtol=1e-3)
    one = _velocities(PENNIES, infinitesimal_gradient_ascent, point, {"steps"}, {"step": 0.01})
    np.testing.assert_allclose([one[0][0, 0], one[1][0, 0]], [0.01 * 4 * (0.4 - 0.5), -0.01 * 4 * (0.7 - 0.5)])


def test_maps_have_portraits_too(axes):
    draw_phase_portrait(axes, PENNIES, wolf_iga, steps=50, step=0.01)
    assert marked(axes) == {(0.5, 0.5)}


def test_a_game_in_which_nothing_moves_has_a_portrait(axes):
    draw_phase_portrait(axes, gt.NormalFormGame(np.zeros((2, 2, 2))), replicator_dynamics, duration=1.0, equilibria=[])
    assert len(axes.lines) == 14


def test_portraits_of_other_games_are_refused(axes):
    with pytest.raises(gt.UnsupportedGame, match="draw one player's path"):
        draw_phase_portrait(axes, gt.games.shapley_1964(), replicator_dynamics)
    with pytest.raises(gt.UnsupportedGame, match="wolf_policy_hill_climbing knows no single population"):
        draw_phase_portrait(axes, RPS, wolf_policy_hill_climbing)


@pytest.mark.parametrize("average", [False, True])
def test_a_path_in_the_triangle_is_the_path_of_the_player(axes, average):
    run = replicator_dynamics(RPS, duration=5.0, record=20)
    draw_simplex_trajectory(axes, run, player=1, average=average)
    (drawn,) = axes.collections
    path = run.path(1, average=average) @ CORNERS
    np.testing.assert_allclose([s[0] for s in drawn.get_segments()], path[:-1])
    assert (np.diff(drawn.get_array()) > 0).all()
    assert ("average play" in axes.get_title()) == average


def test_paths_in_the_square_are_those_of_the_runs(axes):
    starts = [([0.9, 0.1], [0.4, 0.6]), ([0.1, 0.9], [0.2, 0.8])]
    runs = many(wolf_iga, PENNIES, starts=starts, steps=30, record=30)
    draw_square_trajectory(axes, runs)
    assert len(axes.collections) == 2
    for drawn, run in zip(axes.collections, runs):
        np.testing.assert_allclose(drawn.get_segments()[-1][1], [x[-1, 0] for x in run.strategies])


def test_players_with_other_numbers_of_actions_are_refused(axes):
    with pytest.raises(gt.UnsupportedGame, match="use draw_square_trajectory"):
        draw_simplex_trajectory(axes, wolf_iga(PENNIES, steps=5))
    with pytest.raises(gt.UnsupportedGame, match="use draw_simplex_trajectory"):
        draw_square_trajectory(axes, replicator_dynamics(RPS, duration=0.1))
    with pytest.raises(gt.GameError, match="give a trajectory"):
        draw_simplex_trajectory(axes, [1, 2])


def test_gap_curves_hold_the_gaps_of_the_run(axes):
    run = replicator_dynamics(RPS, duration=5.0, record=20)
    draw_gap_curves(axes, run)
    assert len(axes.lines) == 4
    for line, gap in zip(axes.lines, ("nash_conv", "nash_conv_current", "cce_gap", "ce_gap")):
        values = getattr(run, gap)[1:]
        np.testing.assert_allclose(line.get_ydata(), np.where(values > 0, values, np.nan)[values > 0])
    assert axes.get_yscale() == axes.get_xscale() == "log"


def test_a_batch_is_drawn_by_its_median_and_several_by_their_names(axes):
    runs = many(wolf_iga, PENNIES, starts=[([p, 1 - p], [0.3, 0.7]) for p in (0.1, 0.2, 0.6)], steps=20, record=5)
    draw_gap_curves(axes, [runs, [runs[0]]], gaps=["nash_conv_current"])
    np.testing.assert_allclose(axes.lines[0].get_ydata(), np.median(runs.nash_conv_current, axis=0)[1:])
    assert len(axes.collections) == 1
    assert [text.get_text() for text in axes.get_legend().get_texts()] == ["wolf iga"] * 2
    for first, second in itertools.pairwise(axes.lines):
        assert first.get_color() != second.get_color()


@pytest.mark.parametrize(("runs", "gaps", "message"), [(3, None, "give a trajectory"), ([], None, "give a trajectory")])
def test_what_is_no_run_is_refused(axes, runs, gaps, message):
    with pytest.raises(gt.GameError, match=message):
        draw_gap_curves(axes, runs, gaps=gaps)


def test_a_gap_of_another_name_is_refused(axes):
    run = wolf_iga(PENNIES, steps=5)
    for gaps in (["regret"], "nash_conv", []):
        with pytest.raises(gt.GameError, match="list some of nash_conv"):
            draw_gap_curves(axes, run, gaps=gaps)
