"""Each strategy of stochastic games draws what it says, and its counterexamples are small."""

from __future__ import annotations

import subprocess
import sys
from random import Random

import numpy as np
import pytest
from hypothesis import Phase, find, given, settings
from hypothesis import strategies as st

from marlgt.games import StochasticGame
from marlgt.games.stochastic import checked_stationary
from marlgt.testing import (
    any_stochastic_game,
    common_interest_stochastic_games,
    ending_stochastic_games,
    stationary_profiles,
    stochastic_games,
    zero_sum_stochastic_games,
)

QUICK = settings(max_examples=40, deadline=None, database=None, derandomize=True)
MANY = settings(max_examples=500, deadline=None, database=None)


def smallest(strategy, condition=lambda drawn: True):
    return find(strategy, condition, settings=MANY, random=Random(0))


@QUICK
@given(zero_sum_stochastic_games())
def test_zero_sum_games_sum_to_zero(game):
    assert game.n_players == 2
    assert game.is_zero_sum


@QUICK
@given(common_interest_stochastic_games(n_players=range(1, 4)))
def test_common_interest_games_pay_all_alike(game):
    assert game.is_common_interest


@QUICK
@given(ending_stochastic_games(n_players=range(1, 3)))
def test_ending_games_surely_end(game):
    assert game.surely_ends
    assert game.discount == 1.0
    assert game.terminal.sum() == 1


@QUICK
@given(st.data())
def test_profiles_are_distributions_over_legal_actions(data):
    game = data.draw(any_stochastic_game())
    profile = data.draw(stationary_profiles(game))
    checked_stationary(game, profile)
    for own, legal in zip(profile, game.legal):
        assert (own[~legal] == 0).all()


@QUICK
@given(stochastic_games(n_players=3, n_states=4, n_actions=(1, 2, 3), discount=0.25))
def test_sizes_and_discount_are_those_asked_for(game):
    assert game.n_states == 4
    assert game.n_actions == (1, 2, 3)
    assert game.discount == 0.25


def test_sizes_may_come_from_strategies():
    game = smallest(stochastic_games(n_players=st.just(1), n_states=st.integers(3, 9), discount=st.just(0.5)))
    assert (game.n_players, game.n_states, game.discount) == (1, 3, 0.5)


def test_the_smallest_game_has_one_state_and_one_action_and_pays_nothing():
    game = smallest(any_stochastic_game())
    assert (game.n_states, set(game.n_actions)) == (1, {1})
    assert not game.rewards.any()
    assert game.successors.shape[-1] == 1


def copies_an_action(game):
    own = [np.moveaxis(array, axis, 0) for array, axis in ((game.rewards, 2), (game.probabilities, 1))]
    return game.n_actions[0] == 2 and game.rewards.any() and all((a[0] == a[1]).all() for a in own)


DEGENERATE = {
    "terminal states": lambda game: game.terminal.any(),
    "states out of reach": lambda game: not game.reachable.all(),
    "absorbing states": lambda game: (
        game.n_states > 1 and ((game.successors == game.n_states - 1) | (game.probabilities == 0))[-1].all()
    ),
    "illegal actions": lambda game: not game.all_legal,
    "copies of actions": copies_an_action,
    "successors of probability zero": lambda game: ((game.probabilities == 0) & game.played[..., None]).any(),
    "rewards by successor": lambda game: game.successor_rewards is not None,
    "rewards that are no integers": lambda game: (game.rewards % 1 != 0).any(),
    "a game of 4 states that can go on": lambda game: game.n_states == 4 and not game.surely_ends,
}


@pytest.mark.parametrize("feature", DEGENERATE.values(), ids=DEGENERATE)
def test_degenerate_games_are_drawn(feature):
    find(stochastic_games(), feature, settings=settings(MANY, phases=[Phase.generate]), random=Random(0))


def test_a_counterexample_about_illegal_actions_shrinks_to_one_player_with_two():
    game = smallest(stochastic_games(), DEGENERATE["illegal actions"])
    assert game.n_states <= 2
    assert sorted(game.n_actions) == [1, 2]


def test_a_counterexample_about_one_reward_shrinks_to_that_reward():
    game = smallest(stochastic_games(), lambda game: game.rewards[1].max() >= 2)
    assert (game.n_states, set(game.n_actions)) == (1, {1})
    assert game.rewards.tolist() == [[[[0.0]]], [[[2.0]]]]


def test_from_type_draws_stochastic_games_with_no_import_of_the_testing_kit():
    code = """
from hypothesis import find, settings, strategies as st
from marlgt.games import StochasticGame
print(find(st.from_type(StochasticGame), lambda game: True, settings=settings(database=None)).n_states)
"""
    finished = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert finished.stdout.split() == ["1"], finished.stderr


@QUICK
@given(st.from_type(StochasticGame))
def test_from_type_draws_games(game):
    assert isinstance(game, StochasticGame)
