from __future__ import annotations

from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import marlgt as gt
from marlgt.concepts import (
    _chains,
    best_stationary,
    start_regrets,
    stationary_regrets,
    stationary_values,
    value_units,
)
from marlgt.concepts._chains import Chain, chain_of, chain_values, conjugate_steps
from marlgt.concepts.stationary import longest_play
from marlgt.games import StochasticGame
from marlgt.testing import any_stochastic_game, ending_stochastic_games, stationary_profiles, stochastic_games

PENNIES = gt.NormalFormGame.zero_sum([[1, -1], [-1, 1]])


def dense_values(game, profile):
    """Values by one dense solve, every profile of actions weighed by itself."""
    weight = np.ones(game.rewards.shape[1:])
    for i, policy in enumerate(profile):
        shape = [1] * weight.ndim
        shape[0], shape[1 + i] = policy.shape
        weight = weight * policy.reshape(shape)
    moves = np.zeros((game.n_states, game.n_states))
    paid = np.zeros((game.n_states, game.n_players))
    for place in np.argwhere((weight > 0) & ~game.terminal.reshape((-1,) + (1,) * game.n_players)):
        at = tuple(place)
        paid[at[0]] += weight[at] * game.rewards[(slice(None), *at)]
        for target, chance in zip(game.successors[at], game.probabilities[at]):
            moves[at[0], target] += weight[at] * chance * (not game.terminal[target])
    return np.linalg.solve(np.eye(game.n_states) - game.discount * moves, paid).T


def pure_policies(legal, terminal):
    for choice in product(*(np.flatnonzero(own) if not over else [0] for own, over in zip(legal, terminal))):
        yield np.eye(legal.shape[1])[list(choice)]


def random_game(n_states, counts, *, seed, discount=0.9, width=3):
    rng = np.random.default_rng(seed)
    shape = (n_states, *counts)
    return StochasticGame(
        rng.normal(size=(len(counts), *shape)),
        rng.integers(n_states, size=(*shape, width)),
        rng.dirichlet(np.ones(width), size=shape),
        discount=discount,
    )


@settings(max_examples=60)
@given(st.data())
def test_values_solve_the_linear_equations_of_the_profile(data):
    game = data.draw(any_stochastic_game())
    profile = data.draw(stationary_profiles(game))
    scale = np.abs(game.rewards).max() * longest_play(game) + 1.0
    assert stationary_values(game, profile) == pytest.approx(dense_values(game, profile), abs=1e-11 * scale)


@settings(max_examples=60)
@given(st.data())
def test_the_best_reply_is_the_best_of_all_pure_policies_in_every_state(data):
    game = data.draw(st.one_of(stochastic_games(n_states=range(1, 4)), ending_stochastic_games(n_states=range(2, 5))))
    profile = data.draw(stationary_profiles(game))
    player = data.draw(st.integers(0, game.n_players - 1))
    values, policy = best_stationary(game, profile, player)
    worths = []
    for own in pure_policies(game.legal[player], game.terminal):
        replaced = [own if i == player else other for i, other in enumerate(profile)]
        worths.append(dense_values(game, replaced)[player])
    scale = np.abs(game.rewards).max() * longest_play(game) + 1.0
    assert values == pytest.approx(np.max(worths, axis=0), abs=1e-11 * scale)
    replied = [policy if i == player else other for i, other in enumerate(profile)]
    assert stationary_values(game, replied)[player] == pytest.approx(values, abs=1e-11 * scale)
    _, gains = stationary_regrets(game, profile)
    assert gains[player] == pytest.approx(values - dense_values(game, profile)[player], abs=2e-11 * scale)


@pytest.mark.parametrize("counts", [(3, 4), (2, 3, 2)])
def test_many_states_and_wide_policies_are_evaluated_as_densely(counts):
    game = random_game(150, counts, seed=1, discount=0.95)
    profile = game.uniform_profile()
    assert stationary_values(game, profile) == pytest.approx(dense_values(game, profile), abs=1e-11)
    for player in range(game.n_players):
        values, policy = best_stationary(game, profile, player)
        replied = [policy if i == player else other for i, other in enumerate(profile)]
        assert dense_values(game, replied)[player] == pytest.approx(values, abs=1e-11)


def random_chain(n_states, *, seed, discount):
    rng = np.random.default_rng(seed)
    states = np.repeat(np.arange(n_states), 3)
    chances = discount * rng.dirichlet(np.ones(3), size=n_states).reshape(-1)
    return chain_of(n_states, states, rng.integers(n_states, size=3 * n_states), chances), rng.normal(
        size=(2, n_states)
    )


@pytest.mark.parametrize("discount", [0.0, 0.5, 0.99, 0.9999])
def test_conjugate_gradients_solve_a_chain_to_the_rounding_of_its_residual(discount):
    chain, rewards = random_chain(40, seed=2, discount=discount)
    paid = rewards[0] / chain.stays
    values = np.empty(40)
    assert _chains._by_conjugate_steps(chain, paid, values, conjugate_steps)
    residual = np.abs(values - paid - (np.eye(40) - _chains._dense(chain)) @ values).max()
    assert residual <= 1e-14 * (np.abs(values).max() + np.abs(paid).max())
    assert values == pytest.approx(chain_values(chain, rewards)[0], rel=1e-15 / (1 - discount), abs=1e-12)


def test_a_chain_on_which_conjugate_gradients_stall_is_factored(monkeypatch):
    chain, rewards = random_chain(120, seed=3, discount=0.9)
    expected = np.linalg.solve(_chains._dense(chain), (rewards / chain.stays).T).T
    monkeypatch.setattr(_chains, "gear", lambda function, work: lambda *arguments: 0)
    assert chain_values(chain, rewards) == pytest.approx(expected, abs=1e-12)


def test_a_chain_adds_up_what_goes_the_same_way_and_takes_out_what_stays():
    states, targets = np.repeat([0, 1], 40), np.tile([0, 1, 1, 1], 20)
    chain = chain_of(2, states, targets, np.full(80, 0.02))
    assert isinstance(chain, Chain)
    assert chain.stays == pytest.approx([0.8, 0.4])
    assert chain.targets.tolist() == [1, 0]
    assert chain.weights == pytest.approx([0.6 / 0.8, 0.2 / 0.4])


def test_rows_that_sum_to_one_only_nearly_do_not_let_errors_add_up():
    game = StochasticGame.repeated(gt.NormalFormGame.common_interest([[1.0]]), discount=0.9999)
    loose = [np.array([[1.0 + 5e-7]])] * 2
    assert stationary_values(game, loose) == pytest.approx(1e4, rel=1e-11)


def test_an_undiscounted_game_that_ends_is_worth_the_sum_of_its_rewards():
    game = StochasticGame.zero_sum(
        [[[1.0]], [[2.0]], [[4.0]], [[9.0]]],
        [[[[1]]], [[[2]]], [[[3]]], [[[3]]]],
        np.ones((4, 1, 1, 1)),
        discount=1.0,
        terminal=[False, False, False, True],
    )
    assert stationary_values(game, game.uniform_profile())[0] == pytest.approx([7.0, 6.0, 4.0, 0.0])
    assert longest_play(game) == pytest.approx(3.0)


def test_an_undiscounted_game_that_may_go_on_is_refused():
    game = StochasticGame.repeated(PENNIES, discount=1.0)
    for call in (stationary_values, stationary_regrets):
        with pytest.raises(gt.UnsupportedGame, match="the discount is 1 and the players can keep the game from ending"):
            call(game, game.uniform_profile())
    with pytest.raises(gt.UnsupportedGame, match="give a discount below 1"):
        longest_play(game)


def test_the_longest_play_is_one_over_one_minus_the_discount():
    assert longest_play(StochasticGame.repeated(PENNIES, discount=0.75)) == 4.0


def test_what_is_at_stake_is_the_range_of_rewards_or_the_largest_value():
    game = StochasticGame.repeated(PENNIES, discount=0.9)
    assert value_units(game, np.zeros((2, 1))).tolist() == [2.0, 2.0]
    assert value_units(game, np.array([[-10.0], [10.0]])).tolist() == [10.0, 10.0]
    constant = StochasticGame.repeated(gt.NormalFormGame.zero_sum([[0.0]]), discount=0.9)
    assert value_units(constant, np.zeros((2, 1))).tolist() == [1.0, 1.0]


def test_a_state_that_cannot_be_reached_counts_for_no_regret():
    # In state 1 player 0 would gain 1 by the other action, but state 0 leads only to itself.
    game = StochasticGame(
        [[[[0.0], [0.0]], [[0.0], [1.0]]], [[[0.0], [0.0]], [[0.0], [0.0]]]],
        [[[[0]], [[0]]], [[[0]], [[0]]]],
        np.ones((2, 2, 1, 1)),
        discount=0.5,
        start=[1.0, 0.0],
    )
    profile = [np.array([[1.0, 0.0], [1.0, 0.0]]), np.ones((2, 1))]
    assert stationary_regrets(game, profile)[1].tolist() == [[0.0, 1.0], [0.0, 0.0]]
    assert gt.certify(game, profile).epsilon == 0.0


def test_a_policy_of_another_shape_and_a_player_who_is_not_there_are_refused():
    game = StochasticGame.repeated(PENNIES, discount=0.5)
    with pytest.raises(gt.ProfileError, match="it must be"):
        stationary_values(game, [np.ones((1, 3)) / 3, np.ones((1, 2)) / 2])
    with pytest.raises(gt.GameError, match="player"):
        best_stationary(game, game.uniform_profile(), 2)


def test_the_gain_from_the_start_is_the_best_reply_s_value_there_less_one_s_own():
    game = gt.games.random_stochastic_game(4, (2, 3), discount=0.8, seed=5)
    profile = game.uniform_profile()
    values = stationary_values(game, profile)
    for i in range(2):
        best, _ = best_stationary(game, profile, i)
        assert start_regrets(game, profile)[i] == pytest.approx((best - values[i]) @ game.start, abs=1e-12)


def test_what_is_never_met_does_not_count_from_the_start():
    solved = gt.solve(gt.games.soccer())[0]
    assert start_regrets(gt.games.soccer(), solved.profile).max() < 1e-8
