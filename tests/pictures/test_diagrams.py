"""Diagrams: what they draw is what the game says."""

import matplotlib
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import marlgt as gt
from marlgt.pictures import diagrams

matplotlib.use("Agg")
import itertools

import matplotlib.pyplot as plt


@pytest.fixture
def axes():
    figure, drawn = plt.subplots()
    yield drawn
    plt.close(figure)


@given(st.lists(st.integers(-3, 3), min_size=2, max_size=2))
@settings(max_examples=60, deadline=None)
def test_every_point_of_the_polyline_is_a_best_reply(gain):
    corners = diagrams._correspondence(np.array(gain, dtype=float))
    if not any(gain):
        return
    for start, end in itertools.pairwise(corners):
        for share in np.linspace(0, 1, 7):
            opponent, own = start + share * (end - start)
            advantage = gain[0] * opponent + gain[1] * (1 - opponent)
            assert own * advantage >= max(advantage, 0.0) - 1e-12


@given(st.lists(st.tuples(st.integers(-4, 4), st.integers(-4, 4)), min_size=3, max_size=12))
@settings(max_examples=60, deadline=None)
def test_the_hull_contains_every_point(points):
    hull = diagrams._hull(np.array(points, dtype=float))
    assert set(map(tuple, hull)) <= {(float(x), float(y)) for x, y in points}
    if len(hull) > 2:
        for a, b in zip(hull, np.roll(hull, -1, axis=0)):
            assert all(diagrams._turn(tuple(a), tuple(b), p) >= 0 for p in points)


def test_equilibria_are_marked_where_they_are(axes):
    game = gt.games.battle_of_the_sexes()
    answers = gt.solve(game)
    diagrams.draw_best_replies(axes, game, answers)
    marked = {tuple(np.round(place, 9)) for place in axes.collections[-1].get_offsets()}
    assert marked == {tuple(np.round([e.profile[0][0], e.profile[1][0]], 9)) for e in answers}


def test_the_simplex_is_coloured_by_best_replies(axes):
    game = gt.games.rock_paper_scissors()
    diagrams.draw_simplex(axes, game, 0, gt.solve(game), run=gt.dynamics.fictitious_play(game, steps=50))
    assert {text.get_text() for text in axes.texts} >= set(game.actions[0])


def test_a_logit_path_has_a_line_for_every_action(axes):
    game = gt.games.nau_2004()
    diagrams.draw_logit_path(axes, game, gt.solvers.logit_path(game))
    assert len(axes.lines) == sum(game.n_actions)


def test_outcomes_are_all_there(axes):
    game = gt.games.chicken()
    diagrams.draw_outcomes(axes, game, gt.solve(game))
    assert len(axes.collections[0].get_offsets()) == 4


def test_games_of_the_wrong_size_are_refused(axes):
    with pytest.raises(gt.UnsupportedGame, match="use draw_simplex"):
        diagrams.draw_best_replies(axes, gt.games.rock_paper_scissors(), [])
    with pytest.raises(gt.UnsupportedGame, match="three actions"):
        diagrams.draw_simplex(axes, gt.games.chicken(), 0, [])
    with pytest.raises(gt.UnsupportedGame, match="two payoffs"):
        diagrams.draw_outcomes(axes, gt.games.nau_2004(), [])
