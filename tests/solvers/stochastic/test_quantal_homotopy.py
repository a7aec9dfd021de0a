"""Markov logit equilibria and the stationary equilibrium at the end of their principal branch."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import marlgt as gt
from marlgt.errors import GameError, NotConverged, UnsupportedGame
from marlgt.games.stochastic import StochasticGame
from marlgt.solvers import markov_logit, markov_quantal_response
from marlgt.solvers.stochastic._quantal_trace import QuantalTrace
from marlgt.solvers.stochastic._stage_tables import stage_tables
from marlgt.testing.stochastic import any_stochastic_game


def normal_game(n_states, n_players, n_actions, seed, discount=0.9):
    rng = np.random.default_rng(seed)
    shape = (n_states, *[n_actions] * n_players)
    return StochasticGame.from_dense(
        rng.normal(size=(n_players, *shape)), rng.dirichlet(np.ones(n_states), size=shape), discount=discount
    )


@settings(max_examples=30)
@given(any_stochastic_game())
def test_the_end_of_the_branch_is_an_equilibrium(gains_of_best_replies, game):
    answer = markov_logit(game)
    unit = max(float(np.abs(answer.state_values).max()), float(np.ptp(game.rewards)), 1e-300)
    assert gains_of_best_replies(game, answer.profile)[:, ~game.terminal].max(initial=0.0) <= 1e-9 * unit


@pytest.mark.parametrize("seed", range(6))
def test_without_a_future_the_branch_is_that_of_the_stage_game(seed):
    stage = gt.NormalFormGame(np.random.default_rng(seed).normal(size=(2, 3, 3)))
    ours = markov_logit(StochasticGame.repeated(stage, discount=0.0))
    theirs = gt.solvers.logit(stage)
    for policy, strategy in zip(ours.profile, theirs.profile):
        np.testing.assert_allclose(policy[0], strategy, atol=1e-9)


@settings(max_examples=15)
@given(st.integers(0, 1000), st.floats(0.0, 20.0))
def test_at_one_lambda_probabilities_are_proportional_to_exponentials_of_worths(seed, rationality):
    game = normal_game(3, 2, 3, seed)
    answer = markov_quantal_response(game, rationality)
    worths = game.action_values(answer.state_values)
    rows = np.einsum("sab,sb->sa", worths[0], answer.profile[1])
    columns = np.einsum("sab,sa->sb", worths[1], answer.profile[0])
    for policy, earned in zip(answer.profile, (rows, columns)):
        weights = np.exp(rationality * (earned - earned.max(axis=1, keepdims=True)))
        np.testing.assert_allclose(policy, weights / weights.sum(axis=1, keepdims=True), atol=1e-9)


def test_at_lambda_zero_all_mix_evenly():
    game = normal_game(3, 3, 2, 0)
    for policy in markov_quantal_response(game, 0.0).profile:
        np.testing.assert_allclose(policy, 0.5)


def test_grid_game_2_leads_to_the_symmetric_mixed_equilibrium():
    # The symmetric one of the three start equilibria of grid game 2: each is worth 49.36904288 (Hu and Wellman 2003
    # print 48 or 49), with probability 0.9702064 of moving sideways. The branch keeps the symmetry of the game.
    game = gt.games.grid_game_2()
    answer = markov_logit(game)
    np.testing.assert_allclose(answer.values, [49.36904288119102] * 2, atol=1e-6)


def test_the_steps_along_the_path_stay_on_the_curve():
    tables = stage_tables(normal_game(4, 2, 3, 2), common_scale=True)
    path = QuantalTrace(tables, tables.uniform(), keep=True)
    path.follow(stop_gain=1e-3, systems=2000)
    assert len(path.points) > 10
    for rationality, x, values, _ in path.points:
        _, earned = tables.pairwise(x, tables.worths(values))
        for i in range(2):
            block = tables.block(i)
            weights = np.exp(rationality * (earned[:, block] - earned[:, block].max(axis=1, keepdims=True)))
            np.testing.assert_allclose(x[:, block], weights / weights.sum(axis=1, keepdims=True), atol=1e-5)


@pytest.mark.parametrize("seed", range(6))
def test_ten_times_shorter_steps_lead_to_the_same_equilibrium(seed):
    game = normal_game(5, 2, 3, seed)
    answer = markov_logit(game)
    tables = stage_tables(game, common_scale=True)
    path = QuantalTrace(tables, tables.uniform(), aim=0.001, accept=1e-4)
    path.follow(stop_gain=1e-7, systems=10_000)
    for policy, close in zip(answer.profile, tables.profile(path.x)):
        np.testing.assert_allclose(policy, close, atol=1e-3)


def test_the_blocks_of_the_equations_give_the_step_of_the_whole_system():
    # A finite difference of the curve's equations along the tangent vanishes to second order.
    tables = stage_tables(normal_game(3, 3, 2, 5), common_scale=True)
    path = QuantalTrace(tables, tables.uniform(), aim=1e-4, accept=1e-9)
    path.follow(systems=40)
    along, worth_along, rate = path._tangent

    def equations(step):
        xi, values = path.xi + step * along, path.values + step * worth_along
        x = np.exp(xi)
        _, earned = tables.pairwise(x, tables.worths(values))
        worth = values - tables.averages(x, earned)
        gaps = xi - (path.rationality + step * rate) * earned
        parts = [gaps[:, tables.block(i)] - gaps[:, tables.block(i)][:, :1] for i in range(3)]
        return np.concatenate([*(p.reshape(-1) for p in parts), worth.reshape(-1)])

    h = 1e-4
    derivative = (equations(h) - equations(-h)) / (2 * h)
    assert np.abs(derivative).max() <= 1e-5
    assert np.abs(equations(1e-1)).max() > 1e-4


def test_the_trace_tells_systems_and_gains():
    answer = markov_logit(normal_game(5, 2, 3, 1))
    assert answer.trace.shape[1] == 2
    assert (np.diff(answer.trace[:, 0]) > 0).all()
    assert answer.work["systems"] == answer.trace[-1, 0]


def test_a_path_cut_short_says_how_far_it_came():
    game = normal_game(20, 2, 5, 0)
    with pytest.raises(
        NotConverged, match=r"stopped at rationality .* use marlgt.solvers.stationary_equilibrium"
    ) as cut:
        markov_logit(game, time_limit=1e-9)
    assert cut.value.best.epsilon > 1e-6
    with pytest.raises(NotConverged, match="was not reached within"):
        markov_quantal_response(game, 1e6, time_limit=1e-9)


def test_bad_arguments_are_refused():
    game = gt.games.nosde()
    with pytest.raises(GameError, match="tolerance is 0: it must be positive"):
        markov_logit(game, tolerance=0)
    with pytest.raises(GameError, match="rationality"):
        markov_quantal_response(game, -1.0)
    with pytest.raises(GameError, match="give a StochasticGame"):
        markov_logit(gt.games.prisoners_dilemma())
    with pytest.raises(UnsupportedGame, match="give a discount below 1"):
        markov_quantal_response(game.with_discount(1.0), 1.0)
