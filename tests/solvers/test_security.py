"""Security levels: published maximin values, and the bounds that every game keeps."""

import json
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings

import marlgt as gt
from marlgt.solvers import minimax, security_levels
from marlgt.testing.strategies import normal_form_games, zero_sum_games

EQUATIONS = json.loads((Path(__file__).parents[1] / "data" / "equations.json").read_text())
CASES = [case for case in EQUATIONS["cases"] if case["id"].startswith("games.security_")]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["id"])
def test_published_levels_are_found(case):
    levels = security_levels(gt.NormalFormGame.bimatrix(case["inputs"]["A"], case["inputs"]["B"]))
    assert levels.exact
    assert levels.values == pytest.approx(case["expected"], abs=case["tolerance"])


@settings(max_examples=60, deadline=None)
@given(normal_form_games(n_players=range(1, 4)))
def test_the_strategy_guarantees_the_level_and_nothing_guarantees_more(game):
    levels = security_levels(game)
    for i in range(game.n_players):
        own = np.moveaxis(game.payoffs[i], i, 0).reshape(game.n_actions[i], -1)
        slack = 1e-9 * np.ptp(own) + 1e-13 * np.abs(own).max()
        assert (levels.strategies[i] @ own).min() >= levels.values[i] - slack
        assert 0.0 <= levels.gaps[i] <= slack
        assert levels.exact == game.is_exact


@settings(max_examples=40, deadline=None)
@given(zero_sum_games(n_actions=range(1, 5)))
def test_in_a_zero_sum_game_the_levels_are_the_value(game):
    levels = security_levels(game)
    value = minimax(game).values[0]
    slack = 1e-9 * max(float(np.abs(game.payoffs).max()), 1e-300)
    assert levels.values == pytest.approx([value, -value], abs=slack)


def test_the_others_may_correlate_against_a_player():
    # Player 0 wins unless the other two mismatch her in step; independent mixing would leave her 1/4 more.
    payoffs = np.zeros((3, 2, 2, 2), dtype=int)
    payoffs[0, 0] = [[0, 1], [1, 1]]
    payoffs[0, 1] = [[1, 1], [1, 0]]
    levels = security_levels(gt.NormalFormGame(payoffs))
    assert levels.exact_values[0] == Fraction(1, 2)
    assert levels.exact_strategies[0].tolist() == [Fraction(1, 2), Fraction(1, 2)]


def test_one_player_secures_the_best_payoff():
    assert security_levels(gt.NormalFormGame([[3, 7, 5]])).exact_values == (7,)
