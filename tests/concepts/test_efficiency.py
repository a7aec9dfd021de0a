"""Pareto optimality, welfare and fairness: definitions recomputed, published examples, bad input."""

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import marlgt as gt
from marlgt.concepts import (
    fairness_shortfall,
    is_pareto_optimal,
    is_pareto_optimal_pure,
    joint_distribution,
    max_min_shortfall,
    nash_product,
    pareto_frontier_pure,
    pareto_gain,
    pareto_shortfall,
    welfare,
    welfare_shortfall,
)
from marlgt.testing import joint_distributions, normal_form_games, zero_sum_games

GAMES = normal_form_games(n_players=range(1, 4), n_actions=range(1, 4))
SEXES = gt.NormalFormGame.bimatrix([[2, 0], [0, 1]], [[1, 0], [0, 2]])


def profiles_of(game):
    return list(itertools.product(*map(range, game.n_actions)))


@settings(max_examples=100, deadline=None)
@given(GAMES)
def test_the_frontier_is_what_no_other_profile_dominates(game):
    def payoffs(a):
        return (game.fractions if game.is_exact else game.payoffs)[(slice(None), *a)]

    frontier = {
        a
        for a in profiles_of(game)
        if not any((payoffs(b) >= payoffs(a)).all() and (payoffs(b) > payoffs(a)).any() for b in profiles_of(game))
    }
    assert set(pareto_frontier_pure(game)) == frontier
    assert all(is_pareto_optimal_pure(game, a) == (a in frontier) for a in profiles_of(game))


@settings(max_examples=60, deadline=None)
@given(GAMES)
def test_shortfalls_are_nonnegative_and_reach_zero(game):
    profiles = profiles_of(game)
    for shortfall in (welfare_shortfall, max_min_shortfall, lambda g, a: pareto_shortfall(g, a).max()):
        values = [shortfall(game, a) for a in profiles]
        assert min(values) == 0
    best = [a for a in profiles if welfare_shortfall(game, a) == 0]
    if game.is_exact:
        assert all(is_pareto_optimal_pure(game, a) for a in best)


@settings(max_examples=40, deadline=None)
@given(st.data())
def test_the_joint_benchmark_bounds_every_joint_distribution(data):
    game = data.draw(normal_form_games(n_players=2, n_actions=range(1, 4)))
    joint = data.draw(joint_distributions(game))
    gain = pareto_gain(game, np.asarray(joint, dtype=float))
    assert gain >= 0
    totals = (game.payoffs / np.where(game.payoff_range > 0, game.payoff_range, 1).reshape(-1, 1, 1)).sum(axis=0)
    room = totals.max() - (totals * joint).sum()
    assert gain <= room + 1e-7 * max(1.0, np.abs(totals).max())


@settings(max_examples=30, deadline=None)
@given(zero_sum_games())
def test_in_a_zero_sum_game_every_outcome_is_pareto_optimal(game):
    uniform = [np.full(count, 1 / count) for count in game.n_actions]
    if game.payoff_range.min() > 1e-6:
        assert is_pareto_optimal(game, uniform, tolerance=1e-7)
    assert set(pareto_frontier_pure(game)) == set(profiles_of(game)) or not game.is_exact


def test_mixing_independently_loses_to_taking_turns_in_the_battle_of_the_sexes():
    fair_coin = np.array([[0.5, 0.0], [0.0, 0.5]])
    assert is_pareto_optimal(SEXES, fair_coin)
    assert not is_pareto_optimal(SEXES, ([2 / 3, 1 / 3], [1 / 3, 2 / 3]))
    assert welfare(SEXES, fair_coin) == 3
    assert joint_distribution(SEXES, ([1, 0], [0.5, 0.5])).tolist() == [[0.5, 0.5], [0, 0]]


def test_the_nash_product_is_undefined_for_losses():
    assert nash_product([3, 4]) == 12
    assert nash_product([3, 0]) is None
    assert nash_product([-3, -4]) is None
    assert nash_product([1, 2], disagreement=[-1, -1]) == 6
    with pytest.raises(gt.UnsupportedGame, match="needs positive gains"):
        fairness_shortfall(gt.NormalFormGame.zero_sum([[1, -1]]), (0, 0))


def test_actions_that_do_not_exist_are_refused():
    with pytest.raises(gt.GameError, match="name one action per player"):
        pareto_shortfall(SEXES, (0, 2))
    with pytest.raises(gt.GameError, match="one number per player"):
        fairness_shortfall(SEXES, (0, 0), disagreement=[1, 2, 3])
