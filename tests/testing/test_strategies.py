"""Each strategy draws what it says, and its counterexamples are small."""

from __future__ import annotations

import itertools
from fractions import Fraction
from random import Random

import numpy as np
import pytest
from hypothesis import HealthCheck, find, given, settings
from hypothesis import strategies as st

from marlgt.errors import GameError
from marlgt.games import NormalFormGame
from marlgt.games.structure import (
    is_common_interest,
    is_constant_sum,
    is_potential,
    is_symmetric,
    is_zero_sum,
)
from marlgt.testing import (
    KINDS,
    any_game,
    as_code,
    bimatrix_games,
    common_interest_games,
    constant_sum_games,
    coordination_games,
    degenerate_games,
    dominated_games,
    duplicate_games,
    extreme_scale_games,
    fraction_games,
    generic_games,
    joint_distributions,
    large_integer_games,
    near_tie_games,
    normal_form_games,
    potential_games,
    profiles,
    symmetric_games,
    win_lose_games,
    zero_sum_games,
)

QUICK = settings(max_examples=40, deadline=None, database=None, derandomize=True)
MANY = settings(max_examples=500, deadline=None, database=None)

PLAYERS = range(1, 5)


def smallest(strategy, condition=lambda drawn: True):
    return find(strategy, condition, settings=MANY, random=Random(0))


@pytest.mark.parametrize("kind", KINDS.values(), ids=KINDS)
@settings(QUICK, max_examples=20)
@given(data=st.data())
def test_every_kind_draws_finite_games_within_the_shape_asked_for(kind, data):
    game = data.draw(kind(n_players=range(1, 4), n_actions=range(2, 4)))
    assert 1 <= game.n_players <= 3
    assert all(2 <= count <= 3 for count in game.n_actions)
    assert np.isfinite(game.payoffs).all()


@pytest.mark.parametrize("kind", KINDS.values(), ids=KINDS)
def test_every_kind_shrinks_to_one_action_and_hardly_any_payoff(kind):
    game = smallest(kind())
    assert game.n_actions == (1, 1)
    assert np.abs(game.payoffs).max() <= 1


@QUICK
@given(zero_sum_games(n_players=PLAYERS))
def test_zero_sum_games_sum_to_exactly_zero(game):
    assert game.n_players == 1 or is_zero_sum(game)
    assert not game.payoffs.sum(axis=0).any()


@QUICK
@given(constant_sum_games(n_players=range(2, 5)))
def test_constant_sum_games_have_one_sum(game):
    assert is_constant_sum(game)


@QUICK
@given(common_interest_games(n_players=PLAYERS))
def test_common_interest_games_pay_all_the_same(game):
    assert is_common_interest(game)


@QUICK
@given(symmetric_games(n_players=PLAYERS))
def test_symmetric_games_are_invariant_under_every_permutation_of_players(game):
    assert is_symmetric(game)
    for order in itertools.permutations(range(game.n_players)):
        np.testing.assert_array_equal(game.permute_players(order).payoffs, game.payoffs)


@QUICK
@given(potential_games(n_players=PLAYERS))
def test_potential_games_have_a_potential(game):
    assert is_potential(game)


@QUICK
@given(coordination_games(n_players=range(2, 5)))
def test_choosing_the_same_action_is_a_strict_equilibrium_of_a_coordination_game(game):
    for a in range(game.n_actions[0]):
        profile = [np.eye(game.n_actions[0])[a]] * game.n_players
        assert all(game.best_replies(profile, i) == (a,) for i in range(game.n_players))


@QUICK
@given(duplicate_games(n_players=PLAYERS))
def test_duplicate_games_repeat_an_action_of_a_player_who_has_two(game):
    if max(game.n_actions) == 1:
        return
    pairs = (
        (game.payoffs.take(a, axis=i + 1), game.payoffs.take(b, axis=i + 1))
        for i, count in enumerate(game.n_actions)
        for a, b in itertools.combinations(range(count), 2)
    )
    assert any(np.array_equal(a, b) for a, b in pairs)


@QUICK
@given(dominated_games(n_players=PLAYERS))
def test_dominated_games_have_an_action_that_another_dominates(game):
    if max(game.n_actions) == 1:
        return
    pairs = (
        (game.payoffs[i].take(a, axis=i), game.payoffs[i].take(b, axis=i))
        for i, count in enumerate(game.n_actions)
        for a, b in itertools.permutations(range(count), 2)
    )
    assert any((a >= b).all() and (a > b).any() for a, b in pairs)


@QUICK
@given(st.data())
def test_win_lose_fraction_and_integer_games_are_exact(data):
    win = data.draw(win_lose_games())
    assert set(np.unique(win.payoffs)) <= {0.0, 1.0}
    assert data.draw(fraction_games()).is_exact
    assert data.draw(degenerate_games()).is_exact
    assert np.abs(data.draw(degenerate_games(magnitude=1)).payoffs).max() <= 1
    large = data.draw(large_integer_games())
    assert large.is_exact
    assert np.abs(large.payoffs).max() <= 2.0**62 + 4


@pytest.mark.parametrize(
    ("kind", "wanted"),
    [
        (fraction_games, lambda g: any(x.denominator > 1 for x in g.fractions.flat)),
        (near_tie_games, lambda g: (np.abs(g.payoffs - np.round(g.payoffs)) > 0).any()),
        (extreme_scale_games, lambda g: np.abs(g.payoffs).max() >= 1e12),
        (extreme_scale_games, lambda g: ((g.payoffs != 0) & (np.abs(g.payoffs) <= 1e-8)).any()),
        (large_integer_games, lambda g: np.abs(g.payoffs).max() > 2.0**53),
    ],
)
def test_the_extremes_that_a_kind_is_for_are_drawn(kind, wanted):
    assert wanted(smallest(kind(), wanted))


def test_generic_games_seldom_have_ties():
    ties = []

    @settings(QUICK, max_examples=200, suppress_health_check=list(HealthCheck))
    @given(generic_games(n_actions=3))
    def count(game):
        ties.append(len(np.unique(game.payoffs[0])) < 9)

    count()
    assert np.mean(ties) < 0.2


def test_a_failing_predicate_shrinks_to_zeros_and_ones():
    found = smallest(normal_form_games(), lambda g: g.payoffs[0].max() > 0.5 and min(g.n_actions) >= 2)
    assert found.n_actions == (2, 2)
    assert np.abs(found.payoffs).sum() == 1
    found = smallest(generic_games(n_players=3), lambda g: len(np.unique(g.payoffs)) >= 3)
    assert found.n_profiles == 1
    assert np.abs(found.payoffs).max() <= 1


@QUICK
@given(any_game())
def test_any_game_has_one_to_three_players(game):
    assert 1 <= game.n_players <= 3


@QUICK
@given(bimatrix_games(rows=2, columns=range(3, 5)))
def test_bimatrix_games_have_the_rows_and_columns_asked_for(game):
    assert game.n_actions[0] == 2
    assert game.n_actions[1] in (3, 4)


@QUICK
@given(normal_form_games(n_players=st.just(2), n_actions=[1, 3], payoffs=st.sampled_from([Fraction(1, 3), 2])))
def test_payoffs_come_from_a_strategy_that_is_given(game):
    assert game.n_actions == (1, 3)
    assert set(game.fractions.flat) <= {Fraction(1, 3), Fraction(2)}


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"n_players": 0}, "n_players is 0: give a positive number"),
        ({"n_players": range(3, 3)}, "give a range of positive numbers"),
        ({"n_actions": "two"}, "n_actions lists 3 numbers"),
        ({"n_actions": [1, 2, 3]}, "lists 3 numbers but the game has 2 players"),
        ({"n_actions": [1, 0]}, r"n_actions\[1\] is 0"),
    ],
)
def test_a_wrong_shape_is_refused_in_words(arguments, message):
    with pytest.raises(GameError, match=message):
        smallest(degenerate_games(**arguments))


def test_a_symmetric_game_with_unequal_counts_is_refused():
    with pytest.raises(GameError, match="the same count for every player"):
        smallest(symmetric_games(n_actions=[2, 3]))


@QUICK
@given(data=st.data(), game=any_game())
def test_profiles_and_joint_distributions_are_distributions(data, game):
    profile = data.draw(profiles(game))
    assert tuple(len(p) for p in profile) == game.n_actions
    joint = data.draw(joint_distributions(game))
    assert joint.shape == game.n_actions
    for p in (*profile, joint):
        assert p.min() >= 0
        assert p.sum() == 1 if p.dtype == object else abs(p.sum() - 1) < 1e-12


@pytest.mark.parametrize(
    "wanted",
    [
        lambda p: all(max(x) == 1 for x in p),
        lambda p: all(min(x) > 0 for x in p),
        lambda p: all(0 in x and max(x) < 1 for x in p),
        lambda p: p[0].dtype == object,
        lambda p: p[0].dtype == np.float64,
    ],
    ids=["pure", "mixed", "face", "exact", "float"],
)
def test_profiles_of_every_form_are_drawn(wanted):
    game = NormalFormGame.zero_sum(np.zeros((3, 3), dtype=int))
    assert wanted(smallest(profiles(game), wanted))


def test_exact_decides_the_arithmetic():
    game = NormalFormGame.zero_sum([[0.5]])
    assert smallest(profiles(game, exact=True))[0].dtype == object
    assert smallest(joint_distributions(game, exact=False)).dtype == np.float64


@QUICK
@given(any_game())
def test_the_code_of_a_game_makes_it_again(game):
    names: dict[str, NormalFormGame] = {}
    exec(as_code(game), names)
    assert names["game"] == game
