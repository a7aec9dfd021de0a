"""Facts about a game's structure: against their definitions over all games, and published examples."""

import itertools

import numpy as np
import pytest
from hypothesis import given, settings

import marlgt as gt
from marlgt.games.structure import (
    has_finite_improvement_property,
    is_common_interest,
    is_constant_sum,
    is_ordinal_potential,
    is_potential,
    is_symmetric,
    is_zero_sum,
    potential,
    weighted_potential,
)
from marlgt.testing import (
    common_interest_games,
    constant_sum_games,
    extreme_scale_games,
    normal_form_games,
    potential_games,
    symmetric_games,
    zero_sum_games,
)

PRISONERS = gt.NormalFormGame.bimatrix([[-1, -5], [0, -3]], [[-1, 0], [-5, -3]])
SEXES = gt.NormalFormGame.bimatrix([[2, 0], [0, 1]], [[1, 0], [0, 2]])
PENNIES = gt.NormalFormGame.zero_sum([[1, -1], [-1, 1]])


def deviations(game):
    """Yield (player, profile, other profile) for every unilateral deviation."""
    for profile in itertools.product(*map(range, game.n_actions)):
        for i, count in enumerate(game.n_actions):
            for b in range(count):
                if b != profile[i]:
                    yield i, profile, (*profile[:i], b, *profile[i + 1 :])


def pure_equilibria(game):
    payoffs = game.fractions
    return [
        profile
        for profile in itertools.product(*map(range, game.n_actions))
        if all(
            payoffs[(i, *profile)] >= payoffs[(i, *profile[:i], b, *profile[i + 1 :])]
            for i, count in enumerate(game.n_actions)
            for b in range(count)
        )
    ]


@settings(max_examples=40, deadline=None)
@given(zero_sum_games())
def test_zero_sum_games_are_zero_sum_and_constant_sum(game):
    assert is_zero_sum(game)
    assert is_constant_sum(game)


@settings(max_examples=40, deadline=None)
@given(constant_sum_games())
def test_constant_sum_games_are_constant_sum(game):
    assert is_constant_sum(game)


@settings(max_examples=40, deadline=None)
@given(common_interest_games(n_players=range(1, 4)))
def test_a_common_interest_game_has_its_reward_for_potential(game):
    assert is_common_interest(game)
    assert np.allclose(potential(game), game.payoffs[0] - game.payoffs[0].flat[0], atol=1e-9)


@settings(max_examples=40, deadline=None)
@given(symmetric_games(n_players=range(2, 4)))
def test_symmetric_games_look_the_same_to_all_players(game):
    assert is_symmetric(game)


def test_swapping_one_payoff_breaks_symmetry():
    payoffs = np.array(SEXES.permute_players([1, 0]).payoffs)
    assert not is_symmetric(gt.NormalFormGame(payoffs))
    assert is_symmetric(PRISONERS)


@settings(max_examples=60, deadline=None)
@given(potential_games(n_players=range(2, 4)))
def test_potential_games_have_every_weaker_kind_of_potential_and_a_pure_equilibrium(game):
    assert is_potential(game)
    if game.is_exact:
        assert weighted_potential(game) is not None
        assert is_ordinal_potential(game)
        assert has_finite_improvement_property(game)
        assert pure_equilibria(game)


@settings(max_examples=100, deadline=None)
@given(normal_form_games(n_players=range(1, 4), n_actions=range(1, 4)))
def test_the_potential_moves_as_the_deviator_gains(game):
    function = potential(game)
    if function is None:
        return
    slack = 1e-8 * max(game.payoff_range.max(), np.abs(game.payoffs).max() * 1e-6, 1e-300)
    for i, here, there in deviations(game):
        change = game.payoffs[(i, *there)] - game.payoffs[(i, *here)]
        assert abs(function[there] - function[here] - change) <= slack


@settings(max_examples=100, deadline=None)
@given(normal_form_games(n_players=range(1, 4), n_actions=range(1, 4)))
def test_ordinal_potential_implies_finite_improvement_implies_a_pure_equilibrium(game):
    if is_ordinal_potential(game, tolerance=0.0):
        assert has_finite_improvement_property(game, tolerance=0.0)
    if has_finite_improvement_property(game, tolerance=0.0) and game.is_exact:
        assert pure_equilibria(game)


@settings(max_examples=60, deadline=None)
@given(normal_form_games(n_players=2, n_actions=range(1, 3)))
def test_acyclicity_agrees_with_a_search_for_cycles(game):
    if not game.is_exact:
        return
    profiles = list(itertools.product(*map(range, game.n_actions)))
    payoffs = game.fractions
    gains = {(a, b) for i, a, b in deviations(game) if payoffs[(i, *b)] > payoffs[(i, *a)]}
    neutral = {(a, b) for i, a, b in deviations(game) if payoffs[(i, *b)] == payoffs[(i, *a)]}

    def closure(edges):
        reach = {(a, b): (a, b) in edges for a in profiles for b in profiles}
        for k, a, b in itertools.product(profiles, repeat=3):
            reach[a, b] |= reach[a, k] and reach[k, b]
        return reach

    strict, weak = closure(gains), closure(gains | neutral)
    assert has_finite_improvement_property(game) == (not any(strict[a, a] for a in profiles))
    assert is_ordinal_potential(game) == (not any(weak[b, a] for a, b in gains))


def test_the_prisoners_dilemma_has_the_potential_of_monderer_and_shapley():
    assert potential(PRISONERS).tolist() == [[0, 1], [1, 3]]


def test_matching_pennies_has_no_potential_of_any_kind():
    assert potential(PENNIES) is None
    assert weighted_potential(PENNIES) is None
    assert not is_ordinal_potential(PENNIES)
    assert not has_finite_improvement_property(PENNIES)


def test_the_battle_of_the_sexes_has_a_weighted_but_no_exact_potential():
    # Its four-cycle: 2 - 1 for the row player against 1 - 2 for the column player.
    game = gt.NormalFormGame.bimatrix([[2, 0], [0, 1]], [[4, 0], [0, 2]])
    assert potential(game) is None
    function, weights = weighted_potential(game)
    assert weights == pytest.approx([np.sqrt(0.5), np.sqrt(2)])
    for i, here, there in deviations(game):
        change = game.payoffs[(i, *there)] - game.payoffs[(i, *here)]
        assert change == pytest.approx(weights[i] * (function[there] - function[here]))


@settings(max_examples=30, deadline=None)
@given(potential_games(n_players=range(2, 4)))
def test_scaling_a_player_leaves_a_weighted_potential_with_those_weights(game):
    if not game.is_exact:
        return
    scaled = game.affine(scale=[1, 3, 7][: game.n_players])
    function, weights = weighted_potential(scaled)
    for i, here, there in deviations(scaled):
        change = scaled.payoffs[(i, *there)] - scaled.payoffs[(i, *here)]
        move = weights[i] * (function[there] - function[here])
        assert change == pytest.approx(move, abs=1e-7 * scaled.payoff_range.max())


def test_an_ordinal_potential_may_exist_without_a_weighted_one():
    # Gains have the signs of a common-interest game but unequal sizes in every row.
    game = gt.NormalFormGame.bimatrix([[5, 0, 1], [1, 3, 0]], [[7, 1, 2], [1, 9, 0]])
    assert weighted_potential(game) is None
    assert is_ordinal_potential(game)


def test_a_neutral_step_can_close_an_improvement_cycle():
    # Every cycle of deviations passes a tie, so that gains alone never cycle (Voorneveld and Norde 1997).
    game = gt.NormalFormGame.bimatrix([[1, 0], [0, 1]], [[0, 1], [1, 1]])
    assert not is_ordinal_potential(game)
    assert has_finite_improvement_property(game)


@settings(max_examples=40, deadline=None)
@given(extreme_scale_games(n_players=2))
def test_the_tolerance_is_relative_to_the_payoffs(game):
    assert is_zero_sum(gt.NormalFormGame.zero_sum(game.payoffs[0]))
    assert is_common_interest(gt.NormalFormGame.common_interest(game.payoffs[0]))


def test_large_integers_are_judged_exactly():
    big = 2**62
    assert not is_zero_sum(gt.NormalFormGame.bimatrix([[big]], [[-big + 1]]))
    assert is_zero_sum(gt.NormalFormGame.bimatrix([[big]], [[-big]]))
