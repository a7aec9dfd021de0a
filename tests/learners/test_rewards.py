"""Other rewards: aligned with the team's, of mean zero, or hints that leave equilibria what they are."""

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

import marlgt as gt
from marlgt.concepts.stationary import best_stationary, stationary_regrets, stationary_values
from marlgt.errors import GameError, ProfileError
from marlgt.games import NormalFormGame, StochasticGame
from marlgt.learners import aristocrat_utilities, difference_rewards, potential_shaping, team_rewards
from marlgt.testing import common_interest_stochastic_games, normal_form_games, profiles, stationary_profiles
from marlgt.testing import stochastic_games as any_games


def normal_form(n_players=None):
    """Team games in normal form: everybody gets the sum of whatever game there is."""
    return normal_form_games(n_players=n_players or st.integers(2, 3)).map(team_rewards)


def replies_are_aligned(game, own, team):
    """In each column of a player's actions her payoff differs from the team's by a constant: factoredness."""
    for i in range(game.n_players):
        difference = np.asarray(own)[i] - team
        spread = np.ptp(difference, axis=i - game.n_players)
        assert np.abs(spread).max() <= 1e-9 * max(1.0, np.abs(team).max())


@given(normal_form(), st.data())
def test_difference_rewards_are_what_a_player_adds(game, data):
    defaults = [data.draw(st.integers(0, count - 1)) for count in game.n_actions]
    own = difference_rewards(game, defaults).payoffs
    for profile in np.ndindex(*game.n_actions):
        for i in range(game.n_players):
            absent = (*profile[:i], defaults[i], *profile[i + 1 :])
            expected = game.payoffs[(0, *profile)] - game.payoffs[(0, *absent)]
            assert own[(i, *profile)] == pytest.approx(expected, abs=1e-9 * max(1.0, np.abs(game.payoffs).max()))
    replies_are_aligned(game, own, game.payoffs[0])


@given(normal_form(), st.data())
def test_pure_equilibria_of_the_team_are_those_of_its_difference_rewards(game, data):
    assume(np.abs(game.payoffs - np.round(game.payoffs)).max() == 0.0 and np.abs(game.payoffs).max() < 1e6)
    defaults = [data.draw(st.integers(0, count - 1)) for count in game.n_actions]
    found = [
        sorted(tuple(int(x.argmax()) for x in e.profile) for e in gt.solvers.pure_equilibria(g))
        for g in (game, difference_rewards(game, defaults))
    ]
    assert found[0] == found[1]


@given(normal_form(), st.data())
def test_aristocrat_utilities_are_aligned_and_mean_nothing(game, data):
    profile = data.draw(profiles(game))
    own = aristocrat_utilities(game, profile).payoffs
    replies_are_aligned(game, own, game.payoffs[0])
    for i, policy in enumerate(profile):
        mean = np.tensordot(policy, np.moveaxis(own[i], i, 0), axes=1)
        np.testing.assert_allclose(mean, 0.0, atol=1e-9 * max(1.0, np.abs(game.payoffs).max()))


@given(common_interest_stochastic_games(), st.data())
def test_in_every_state_the_rewards_are_aligned_with_the_teams(game, data):
    profile = data.draw(stationary_profiles(game))
    # The first legal action of each state.
    defaults = np.array([own.argmax(axis=1) for own in game.legal])
    team = game.rewards[0]
    for made in (difference_rewards(game, defaults), aristocrat_utilities(game, profile)):
        assert isinstance(made, StochasticGame)
        for i in range(game.n_players):
            difference = np.where(game.played, made.rewards[i] - team, np.nan)
            axis = 1 + i
            low = np.nanmin(np.where(np.isnan(difference), np.inf, difference), axis=axis)
            high = np.nanmax(np.where(np.isnan(difference), -np.inf, difference), axis=axis)
            assert ((high - low <= 1e-9 * max(1.0, np.abs(team).max())) | ~np.isfinite(high)).all()
        np.testing.assert_array_equal(made.probabilities, game.probabilities)


@given(common_interest_stochastic_games(), st.data())
def test_aristocrat_utilities_of_a_state_mean_nothing(game, data):
    profile = data.draw(stationary_profiles(game))
    made = aristocrat_utilities(game, profile)
    for i in range(game.n_players):
        weights = np.where(game.terminal[:, None], 0.0, profile[i])
        mean = np.einsum("sa,sa...->s...", weights, np.moveaxis(made.rewards[i], 1 + i, 1))
        # Means are over legal actions; where the others' actions are not legal nothing is paid at all.
        np.testing.assert_allclose(mean, 0.0, atol=1e-9 * max(1.0, np.abs(game.rewards).max()))


def test_the_example_of_the_vectors():
    # Wolpert and Tumer (2002): with three players, default 0, best replies agree with the team's everywhere.
    team = NormalFormGame.common_interest([[[10, 4], [6, 0]], [[2, 8], [1, 3]]])
    own = difference_rewards(team, [0, 0, 0]).payoffs
    for i in range(3):
        np.testing.assert_array_equal(own[i].argmax(axis=i), team.payoffs[0].argmax(axis=i))


@given(any_games(), st.data())
def test_shaping_moves_every_value_by_the_potential_and_no_regret(game, data):
    shape = data.draw(st.sampled_from([(game.n_states,), (game.n_players, game.n_states)]))
    potential = data.draw(arrays(np.float64, shape, elements=st.integers(-3, 3)))
    potential[..., game.terminal] = 0.0
    profile = data.draw(stationary_profiles(game))
    assume(game.discount < 1.0)
    shaped = potential_shaping(game, potential)
    worth = np.broadcast_to(potential, (game.n_players, game.n_states))
    scale = max(1.0, np.abs(game.rewards).max(), np.abs(potential).max()) / (1 - game.discount)
    before, regrets = stationary_regrets(game, profile)
    after, shaped_regrets = stationary_regrets(shaped, profile)
    np.testing.assert_allclose(after, before - worth, atol=1e-9 * scale)
    np.testing.assert_allclose(shaped_regrets, regrets, atol=1e-8 * scale)


def test_the_potential_that_is_the_value_makes_every_state_worth_nothing():
    # Ng, Harada and Russell (1999), section 4: the best potential is the value itself.
    game = gt.games.random_stochastic_game(4, (3,), discount=0.9, seed=2)
    values, policy = best_stationary(game, game.uniform_profile(), 0)
    shaped = potential_shaping(game, values)
    np.testing.assert_allclose(stationary_values(shaped, [policy]), 0.0, atol=1e-9)
    # Who looks one step ahead only is then right.
    np.testing.assert_array_equal(shaped.rewards[0].argmax(axis=1), policy.argmax(axis=1))


def test_rewards_by_successor_are_shaped_by_successor():
    rewards = np.zeros((1, 2, 1, 2))
    rewards[0, 0, 0] = [1, 2]
    game = StochasticGame(rewards, [[[0, 1]], [[0, 1]]], np.full((2, 1, 2), 0.5), discount=0.5)
    shaped = potential_shaping(game, [3, 4])
    np.testing.assert_allclose(shaped.successor_rewards[0, 0, 0], [1 + 1.5 - 3, 2 + 2 - 3])


def test_a_team_gets_the_sum_of_everything():
    game = gt.games.grid_game_1()
    team = team_rewards(game)
    assert team.is_common_interest
    np.testing.assert_allclose(team.rewards[1], game.rewards.sum(axis=0))


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda g: difference_rewards(gt.games.prisoners_dilemma(), [0, 0]), GameError, r"team_rewards\(game\) pays"),
        (lambda g: difference_rewards(g, [0]), GameError, "give the number of an action of each player"),
        (lambda g: difference_rewards(g, [0, 2]), GameError, r"default_actions\[1\] is 2: player 1 has actions 0 to 1"),
        (lambda g: difference_rewards(g, [0.5, 1]), GameError, "give the number of an action of each player"),
        (lambda g: aristocrat_utilities(g, [[1, 0], [2, 0]]), ProfileError, "sum"),
        (lambda g: difference_rewards("game", [0]), GameError, "give a StochasticGame"),
        (lambda g: potential_shaping(gt.games.soccer(), np.ones(761)), GameError, "state 760.*it must be 0"),
        (lambda g: potential_shaping(gt.games.soccer(), np.ones(5)), GameError, r"potential has shape \(5,\)"),
        (lambda g: potential_shaping(g, [0]), GameError, "give a StochasticGame"),
    ],
    ids=range(9),
)
def test_bad_input_is_told_the_rule(call, error, message):
    with pytest.raises(error, match=message):
        call(NormalFormGame.common_interest([[1, 2], [3, 4]]))


def test_a_default_must_be_legal_where_it_stands_for_absence():
    legal = [np.array([[True, True], [False, True]])]
    game = StochasticGame(np.zeros((1, 2, 2)), np.zeros((2, 2, 1), int), np.ones((2, 2, 1)), discount=0.5, legal=legal)
    with pytest.raises(GameError, match="default action 0 of player 0 is not legal in state 1"):
        difference_rewards(game, [0])
    assert difference_rewards(game, [[0, 1]]).n_states == 2
