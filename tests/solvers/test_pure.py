"""Pure equilibria: all of them, proven where the game is exact."""

import itertools
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings

from marlgt.certificates import relative_epsilon
from marlgt.games import NormalFormGame
from marlgt.solvers import pure_equilibria
from marlgt.testing import normal_form_games

ROUNDING = 1e-13


def by_definition(game):
    """The pure equilibria by trying every deviation from every profile."""
    exact = game.is_exact
    payoffs = game.fractions if exact else game.payoffs
    found = []
    for profile in itertools.product(*map(range, game.n_actions)):
        stable = True
        for i, count in enumerate(game.n_actions):
            for a in range(count):
                deviation = (*profile[:i], a, *profile[i + 1 :])
                slack = 0 if exact else ROUNDING * game.payoff_range[i]
                stable = stable and payoffs[(i, *deviation)] - payoffs[(i, *profile)] <= slack
        if stable:
            found.append(tuple((a,) for a in profile))
    return found


@settings(max_examples=150, deadline=None)
@given(normal_form_games(n_players=range(1, 5)))
def test_they_are_the_profiles_from_which_no_pure_deviation_gains(game):
    found = pure_equilibria(game)
    assert [e.supports for e in found] == by_definition(game)
    assert found.complete
    for e in found:
        assert e.exact == game.is_exact
        assert e.epsilon == 0 if game.is_exact else relative_epsilon(game, e) <= ROUNDING
        np.testing.assert_array_equal(e.values, game.payoffs[(slice(None), *(s[0] for s in e.supports))])


@pytest.mark.parametrize("huge", [10**30, 2**62])
def test_differences_that_floats_cannot_see_decide_in_an_exact_game(huge):
    game = NormalFormGame.bimatrix([[huge, 0], [huge + 1, 0]], [[Fraction(1, 3), 0], [0, 1]])
    assert [e.supports for e in pure_equilibria(game)] == [((1,), (1,))]
    third = Fraction(1, 3)
    game = NormalFormGame.bimatrix([[third], [third + Fraction(1, 10**40)]], [[0], [0]])
    assert [e.supports for e in pure_equilibria(game)] == [((1,), (0,))]


def test_rounding_does_not_break_a_tie_of_floats():
    game = NormalFormGame.bimatrix([[0.1 + 0.2], [0.3], [0.0]], [[1.0], [1.0], [1.0]])
    assert len(pure_equilibria(game)) == 2


def test_every_profile_of_a_constant_game_is_one_and_they_come_one_by_one():
    game = NormalFormGame(np.zeros((8, *(2,) * 8), dtype=int))
    found = pure_equilibria(game)
    assert next(iter(found)).supports == ((0,),) * 8
    assert len(found) == 256


def test_matching_pennies_has_none():
    found = pure_equilibria(NormalFormGame.zero_sum([[1, -1], [-1, 1]]))
    assert len(found) == 0
    assert found.complete


def test_the_minority_game_of_three_has_six():
    pays = [[[0, 0], [0, 1]], [[1, 0], [0, 0]]]
    game = NormalFormGame([pays, [[[0, 0], [1, 0]], [[0, 1], [0, 0]]], [[[0, 1], [0, 0]], [[0, 0], [1, 0]]]])
    assert len(pure_equilibria(game)) == 6
