"""The exact gain of disobeying stationary correlated policies."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import marlgt as gt
from marlgt.concepts import stationary_correlated_regrets, stationary_joint_values
from marlgt.games.stochastic import StochasticGame


@settings(max_examples=30)
@given(st.integers(0, 10_000))
def test_a_product_of_policies_gains_what_best_replies_gain(seed):
    game = gt.games.random_stochastic_game(4, (2, 3), branching=2, discount=0.9, seed=seed)
    rng = np.random.default_rng(seed)
    profile = tuple(rng.dirichlet(np.ones(count), size=4) for count in game.n_actions)
    values, gains = stationary_correlated_regrets(game, np.einsum("sa,sb->sab", *profile))
    own, best = gt.concepts.stationary.stationary_regrets(game, profile)
    np.testing.assert_allclose(values, own, atol=1e-10)
    np.testing.assert_allclose(gains, best, atol=1e-9)
    assert gains.max() > 1e-3


@settings(max_examples=20)
@given(st.integers(0, 10_000), st.sampled_from([0.0, 0.5, 0.9]))
def test_a_repeated_game_multiplies_the_swap_gains_of_the_stage_by_the_length_of_play(seed, discount):
    rng = np.random.default_rng(seed)
    stage = gt.NormalFormGame(rng.normal(size=(2, 3, 2)))
    joint = rng.dirichlet(np.ones(6)).reshape(3, 2)
    game = StochasticGame.repeated(stage, discount=discount)
    gains = stationary_correlated_regrets(game, joint[None])[1][:, 0]
    for i in range(2):
        told = np.moveaxis(joint, i, 0)
        earned = told @ np.moveaxis(stage.payoffs[i], i, 0).T
        swapped = (earned.max(axis=1) - np.diagonal(earned)).sum()
        assert gains[i] == pytest.approx(swapped / (1.0 - discount), abs=1e-10)


def test_values_are_those_of_the_chain_that_obedience_makes():
    game = gt.games.random_stochastic_game(3, (2, 2), discount=0.9, seed=5)
    joint = np.random.default_rng(5).dirichlet(np.ones(4), size=3).reshape(3, 2, 2)
    values = stationary_joint_values(game, joint)
    again = (game.action_values(values) * joint).sum(axis=(2, 3))
    np.testing.assert_allclose(values, again, atol=1e-12)


def test_illegal_actions_and_terminal_states_are_left_out():
    legal = [[[True, False], [True, True]], [[True, True], [True, True]]]
    game = StochasticGame(
        np.arange(16.0).reshape(2, 2, 2, 2), np.ones((2, 2, 2, 1), int), np.ones((2, 2, 2, 1)), discount=0.9,
        terminal=[False, True], legal=legal,
    )  # fmt: skip
    joint = np.array([[[1.0, 0.0], [0.0, 0.0]], [[0.0, 0.0], [0.0, 0.0]]])
    values, gains = stationary_correlated_regrets(game, joint)
    # Player 0 has one legal action; player 1 earns 9 instead of 8 with her second.
    np.testing.assert_allclose(values[:, 0], [0.0, 8.0])
    np.testing.assert_allclose(gains[:, 0], [0.0, 1.0])
    assert (values[:, 1] == 0).all()
    assert (gains[:, 1] == 0).all()
