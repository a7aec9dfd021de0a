"""Payoffs of repeated games: known sets, and the property that defines them."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import marlgt as gt
from marlgt.solvers import repeated_game_payoffs
from marlgt.solvers.stochastic.repeated import convex_hull
from marlgt.testing import normal_form_games

PD = gt.NormalFormGame.bimatrix([[9, 1], [10, 3]], [[9, 10], [1, 3]])


def outside(hull, point):
    """Return how far a point lies outside a convex polygon given counter-clockwise."""
    if len(hull) == 1:
        return float(np.abs(point - hull[0]).max())
    edges = np.roll(hull, -1, axis=0) - hull
    normals = np.stack([edges[:, 1], -edges[:, 0]], axis=1) / np.linalg.norm(edges, axis=1)[:, None]
    beyond = float((normals * (point - hull)).sum(axis=1).max())
    if len(hull) > 2:
        return max(beyond, 0.0)
    along = np.clip(edges[0] @ (point - hull[0]) / (edges[0] @ edges[0]), 0.0, 1.0)
    return float(np.abs(hull[0] + along * edges[0] - point).max())


def test_the_prisoners_dilemma_of_abreu_and_sannikov():
    # The set that QuantEcon's test of the same algorithm lists for discount 0.9.
    found = repeated_game_payoffs(PD, discount=0.9).vertices
    assert np.abs(found - [[3, 3], [9.75, 3], [9, 9], [3, 9.75]]).max() <= 1e-9


def test_impatient_players_repeat_the_equilibrium_of_the_stage():
    assert repeated_game_payoffs(PD, discount=0.1).vertices.round(12).tolist() == [[3, 3]]


def test_cooperation_is_sustained_from_the_discount_of_grim_trigger_on():
    # Grim trigger: 9 >= (1 - d) 10 + d 3, so d >= 1/7.
    below, above = (repeated_game_payoffs(PD, discount=d).vertices for d in (1 / 7 - 0.005, 1 / 7 + 0.005))
    assert below.max() < 9
    assert above[:, 0].max() == pytest.approx(9)


def test_a_game_without_pure_equilibria_may_have_none_repeated():
    pennies = gt.NormalFormGame.zero_sum([[1, -1], [-1, 1]])
    assert len(repeated_game_payoffs(pennies, discount=0.5).vertices) == 0


@settings(max_examples=60)
@given(normal_form_games(n_actions=range(1, 4), payoffs=st.integers(0, 9)), st.floats(0.2, 0.95))
def test_the_set_generates_itself(game, discount):
    found = repeated_game_payoffs(game, discount=discount, tolerance=1e-10)
    scale = max(float(game.payoff_range.max()), 1.0)
    for point in found.vertices:
        enforced = []
        for profile in np.ndindex(*game.n_actions):
            stage = game.payoffs[(slice(None), *profile)]
            best = np.array([game.payoffs[0][:, profile[1]].max(), game.payoffs[1][profile[0]].max()])
            promised = (point - (1 - discount) * stage) / discount
            short = (found.threats + (1 - discount) / discount * (best - stage) - promised).max()
            enforced.append(max(short, outside(found.vertices, promised)))
        assert min(enforced) <= 1e-7 * scale / (1 - discount)


@settings(max_examples=40)
@given(normal_form_games(n_actions=range(1, 4), payoffs=st.integers(0, 9)), st.floats(0.2, 0.95))
def test_pure_equilibria_of_the_stage_are_in_the_set(game, discount):
    found = repeated_game_payoffs(game, discount=discount, tolerance=1e-10)
    for e in gt.solve(game, method="pure_equilibria"):
        assert outside(found.vertices, e.values) <= 1e-8


@given(st.lists(st.tuples(st.integers(-5, 5), st.integers(-5, 5)), min_size=1, max_size=30))
def test_a_hull_contains_its_points_and_turns_left(points):
    given_points = np.array(points, dtype=float)
    hull = convex_hull(given_points, 1e-12)
    assert all(outside(hull, p) <= 1e-9 for p in given_points)
    assert {tuple(p) for p in hull} <= set(map(tuple, given_points))


@pytest.mark.parametrize("discount", [0, 1, -0.5, "0.9", float("nan")])
def test_a_discount_outside_the_open_interval_is_refused(discount):
    with pytest.raises(gt.GameError, match="above 0 and below 1"):
        repeated_game_payoffs(PD, discount=discount)


def test_three_players_are_refused():
    with pytest.raises(gt.UnsupportedGame, match="plane of two payoffs"):
        repeated_game_payoffs(gt.games.jordan_matching_pennies(), discount=0.9)


def test_running_out_of_iterations_says_so():
    game = gt.games.random_gaussian((4, 4), seed=2)
    with pytest.raises(gt.NotConverged, match="still moves"):
        repeated_game_payoffs(game, discount=0.9, max_iterations=1)
