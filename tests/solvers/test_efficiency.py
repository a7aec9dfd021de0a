"""Efficient and fair outcomes: published cases, exact comparison, ties, invariance."""

import json
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings

import marlgt as gt
from marlgt.solvers.efficiency import fairness_optimal, maxmin_fair, pareto_optimal, welfare_optimal
from marlgt.testing import normal_form_games

CASES = [
    case
    for case in json.loads((Path(__file__).parents[1] / "data" / "equations.json").read_text())["cases"]
    if case["id"].startswith("games.pareto_welfare_")
]


@pytest.mark.parametrize("case", CASES, ids=[case["id"] for case in CASES])
def test_published_outcomes(case):
    game, expected = gt.NormalFormGame.bimatrix(**case["inputs"]), case["expected"]
    outcomes = [[s[0] for s in e.supports] for e in pareto_optimal(game)]
    assert outcomes == expected["pareto_pure"]
    assert welfare_optimal(game)[0].values.sum() == expected["max_welfare"]
    assert maxmin_fair(game)[0].values.min() == expected["max_min"]
    if expected["max_product"] is None:
        with pytest.raises(gt.UnsupportedGame, match="positive"):
            fairness_optimal(game)
    else:
        assert all(e.values.prod() == expected["max_product"] for e in fairness_optimal(game))


@settings(max_examples=80, deadline=None)
@given(normal_form_games(n_players=range(1, 4), n_actions=range(1, 4)))
def test_every_answer_attains_its_optimum(game):
    for solve in (pareto_optimal, welfare_optimal, maxmin_fair):
        answers = solve(game)
        assert answers.complete
        assert len(answers) >= 1
        for e in answers:
            assert e.epsilon <= 1e-13 * np.abs(game.payoffs).max()
            assert not game.is_exact or e.epsilon == 0
            assert np.array_equal(e.values, game.values(e.profile)) or not game.is_exact


@settings(max_examples=60, deadline=None)
@given(normal_form_games(n_players=range(1, 4), n_actions=range(1, 4)))
def test_bargaining_does_not_depend_on_units(game):
    if not game.is_exact:
        return
    floor = np.array([own.min() - 1 for own in game.fractions], dtype=object)
    scaled = game.affine(scale=[1, 3, 5][: game.n_players])
    here = fairness_optimal(game, disagreement=floor)
    there = fairness_optimal(scaled, disagreement=floor * np.array([1, 3, 5][: game.n_players], dtype=object))
    assert [e.supports for e in here] == [e.supports for e in there]
    assert all(e.epsilon == 0 for e in here)


def test_products_beyond_the_range_of_floats_are_compared():
    game = gt.NormalFormGame(np.full((3, 2, 1, 1), 1e140) * np.array([1.0, 2.0]).reshape(1, 2, 1, 1))
    assert [e.supports[0] for e in fairness_optimal(game)] == [(1,)]
    big = 10**100
    exact = gt.NormalFormGame.bimatrix([[big, big + 1]], [[big, big - 1]])
    assert [e.supports[1] for e in fairness_optimal(exact)] == [(0,)]


def test_both_conventions_of_the_battle_of_the_sexes_are_fair():
    game = gt.NormalFormGame.bimatrix([[10, 0], [0, 7]], [[7, 0], [0, 10]])
    answers = fairness_optimal(game)
    assert [e.values.tolist() for e in answers] == [[10, 7], [7, 10]]
    assert answers[0].exact_profile[0].tolist() == [Fraction(1), Fraction(0)]
    assert answers.concept == "fairness"


def test_a_game_in_which_somebody_always_gets_nothing_has_no_fair_outcome():
    with pytest.raises(gt.UnsupportedGame, match="no outcome gives every player a positive gain"):
        fairness_optimal(gt.NormalFormGame.bimatrix([[1, 0]], [[0, 1]]))


def test_integers_that_floats_cannot_tell_apart_are_compared_exactly():
    big = 2**60
    game = gt.NormalFormGame.bimatrix([[big, big + 1]], [[0, 0]])
    assert [e.supports[1] for e in welfare_optimal(game)] == [(1,)]
    assert [e.supports[1] for e in pareto_optimal(game)] == [(1,)]
