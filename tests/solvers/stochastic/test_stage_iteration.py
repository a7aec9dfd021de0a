"""Value iteration with Nash and correlated equilibria of the stage games."""

from functools import partial

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import marlgt as gt
from marlgt.concepts import stationary_correlated_regrets
from marlgt.errors import GameError, NotConverged, ProfileError, UnsupportedGame
from marlgt.games.stochastic import StochasticGame
from marlgt.solvers import correlated_value_iteration, nash_value_iteration
from marlgt.solvers.stochastic.stage_iteration import STAGE_OBJECTIVES
from marlgt.testing.stochastic import any_stochastic_game

CHICKEN = gt.NormalFormGame.bimatrix([[6, 2], [7, 0]], [[6, 7], [2, 0]])


def unit(game, answer):
    return max(float(np.abs(answer.state_values).max()), float(np.ptp(game.rewards)), 1e-300)


@settings(max_examples=40)
@given(any_stochastic_game())
def test_what_nash_iteration_returns_leaves_no_gain(gains_of_best_replies, game):
    try:
        answer = nash_value_iteration(game)
    except NotConverged as failure:
        answer = failure.best
        assert answer.epsilon == pytest.approx(
            gains_of_best_replies(game, answer.profile)[:, game.reachable & ~game.terminal].max(), abs=1e-9
        )
        return
    assert gains_of_best_replies(game, answer.profile)[:, ~game.terminal].max(initial=0) <= 1e-8 * unit(game, answer)


@settings(max_examples=40)
@given(any_stochastic_game(), st.sampled_from(STAGE_OBJECTIVES))
def test_what_correlated_iteration_returns_leaves_no_gain_to_disobedience(gains_of_disobedience, game, objective):
    try:
        answer = correlated_value_iteration(game, objective=objective)
    except NotConverged:
        return
    assert answer.joint.shape == (game.n_states, *game.n_actions)
    assert gains_of_disobedience(game, answer.joint)[:, ~game.terminal].max(initial=0) <= 1e-8 * unit(game, answer)


@settings(max_examples=25)
@given(st.integers(0, 10_000))
def test_the_exact_gain_of_disobedience_is_that_of_the_process_of_states_and_advice(gains_of_disobedience, seed):
    game = gt.games.random_stochastic_game(3, (2, 3), discount=0.8, seed=seed)
    joint = np.random.default_rng(seed).dirichlet(np.ones(6), size=3).reshape(3, 2, 3)
    _, gains = stationary_correlated_regrets(game, joint)
    assert gains.max() > 1e-3
    np.testing.assert_allclose(gains, gains_of_disobedience(game, joint), atol=1e-10)


@pytest.mark.parametrize("seed", range(5))
def test_a_fixed_point_chooses_the_welfare_best_stage_equilibrium_in_every_state(seed):
    game = gt.games.random_stochastic_game(4, (3, 3), discount=0.8, seed=seed)
    answer = nash_value_iteration(game)
    for state in range(game.n_states):
        stage = game.stage_game(state, answer.state_values)
        best = max(float(e.values.sum()) for e in gt.solvers.vertex_enumeration(stage))
        assert answer.state_values[:, state].sum() == pytest.approx(best, abs=1e-7)


@pytest.mark.parametrize("objective", ["utilitarian", "egalitarian", "libertarian"])
def test_a_fixed_point_chooses_the_best_correlated_stage_equilibrium_in_every_state(objective):
    # With the egalitarian and the libertarian objective this game has an equilibrium after one sweep that is not one.
    rng = np.random.default_rng(1)
    game = StochasticGame.from_dense(
        rng.normal(size=(2, 5, 3, 3)), rng.dirichlet(np.ones(5), size=(5, 3, 3)), discount=0.9
    )
    goal = {"utilitarian": np.sum, "egalitarian": np.min, "libertarian": lambda v: v[0]}[objective]
    answer = correlated_value_iteration(game, objective=objective)
    for state in range(game.n_states):
        stage = game.stage_game(state, answer.state_values)
        best = gt.solvers.correlated_equilibrium(stage, objective=objective)
        assert goal(answer.state_values[:, state]) == pytest.approx(goal(best.values), abs=1e-6)


def test_a_correlated_answer_is_certified_again_by_the_same_numbers():
    game = StochasticGame.repeated(CHICKEN, discount=0.5)
    answer = correlated_value_iteration(game)
    certificate = gt.certify(game, answer, concept="correlated")
    np.testing.assert_array_equal(certificate.regrets, answer.regrets)
    np.testing.assert_array_equal(certificate.values, answer.values)
    assert gt.certify(game, np.ones((1, 2, 2)) / 4, concept="correlated").epsilon == pytest.approx(0.5)


@pytest.mark.parametrize("objective", STAGE_OBJECTIVES)
def test_one_state_repeats_the_correlated_equilibrium_of_the_stage_game(objective):
    answer = correlated_value_iteration(StochasticGame.repeated(CHICKEN, discount=0.75), objective=objective)
    stage = gt.solvers.correlated_equilibrium(CHICKEN, objective=objective)
    goals = {"utilitarian": np.sum, "egalitarian": np.min, "republican": np.max, "libertarian": lambda v: v[0]}
    assert goals[objective](answer.values) == pytest.approx(4.0 * goals[objective](stage.values), abs=1e-8)


def test_the_libertarian_objective_favours_the_player_named():
    game = StochasticGame.repeated(CHICKEN, discount=0.5)
    first, second = (correlated_value_iteration(game, objective="libertarian", player=i).values for i in (0, 1))
    np.testing.assert_allclose(first, [14.0, 4.0], atol=1e-8)
    np.testing.assert_allclose(second, [4.0, 14.0], atol=1e-8)


@pytest.mark.parametrize(
    "iteration",
    [
        nash_value_iteration,
        *(partial(correlated_value_iteration, objective=objective) for objective in STAGE_OBJECTIVES),
    ],
)
def test_the_circles_of_the_game_without_deterministic_equilibria_are_found_out(iteration):
    # Zinkevich, Greenwald and Littman 2005: the values of actions do not tell how to mix.
    game = gt.games.nosde()
    with pytest.raises(NotConverged, match=r"in circles: after \d+ sweeps .* leave a gain of [\d.]+: use") as circle:
        iteration(game)
    assert circle.value.best.epsilon > 0.1
    assert gt.solvers.stationary_equilibrium(game).epsilon <= 1e-12


def test_grid_games_converge_to_the_values_of_hu_and_wellman():
    # Hu and Wellman 2003; in grid game 2 one player has the free way and the other the barrier.
    np.testing.assert_allclose(nash_value_iteration(gt.games.grid_game_1()).values, [97.0299, 97.0299], atol=1e-8)
    values = np.sort(nash_value_iteration(gt.games.grid_game_2()).values)
    np.testing.assert_allclose(values, [49.005, 98.01], atol=1e-8)


def test_zero_sum_games_have_one_value_whatever_the_objective():
    game = gt.games.random_stochastic_game(4, (3, 3), zero_sum=True, discount=0.9, seed=2)
    value = gt.solvers.modified_policy_iteration(game).values[0]
    assert nash_value_iteration(game).values[0] == pytest.approx(value, abs=1e-8)
    for objective in STAGE_OBJECTIVES:
        assert correlated_value_iteration(game, objective=objective).values[0] == pytest.approx(value, abs=1e-7)


def test_three_players_without_a_pure_stage_equilibrium_mix(gains_of_best_replies):
    solved = 0
    for seed in range(12):
        game = gt.games.random_stochastic_game(2, (2, 2, 2), discount=0.5, seed=seed)
        try:
            answer = nash_value_iteration(game)
        except NotConverged:
            continue
        mixed = any(policy.max(axis=1).min() < 1.0 for policy in answer.profile)
        solved += mixed
        assert gains_of_best_replies(game, answer.profile).max() <= 1e-8
    assert solved > 0


def test_limits_end_the_iteration_with_the_best_policies():
    game = gt.games.nosde()
    with pytest.raises(NotConverged, match="reached its limit after 1 sweeps") as limit:
        nash_value_iteration(game, max_sweeps=1)
    assert limit.value.best.work == {"sweeps": 1}
    with pytest.raises(NotConverged, match="reached its limit"):
        correlated_value_iteration(game, time_limit=1e-9)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda g: nash_value_iteration(g, tolerance=0), "tolerance is 0: it must be positive"),
        (lambda g: nash_value_iteration(g, max_sweeps=0), "max_sweeps is 0: give a whole number from 1"),
        (lambda g: correlated_value_iteration(g, objective="fair"), "objective is 'fair': choose one of utilitarian"),
        (lambda g: correlated_value_iteration(g, player=2), "player"),
        (lambda g: correlated_value_iteration(gt.games.prisoners_dilemma()), "give a StochasticGame"),
    ],
)
def test_bad_arguments_are_refused(call, message):
    with pytest.raises(GameError, match=message):
        call(gt.games.nosde())


def test_endless_games_are_refused():
    with pytest.raises(UnsupportedGame, match="give a discount below 1"):
        nash_value_iteration(gt.games.nosde().with_discount(1.0))
    with pytest.raises(UnsupportedGame, match="give a discount below 1"):
        stationary_correlated_regrets(gt.games.nosde().with_discount(1.0), np.ones((2, 2, 2)) / 4)


def test_joint_policies_that_are_none_are_refused():
    game = StochasticGame.repeated(CHICKEN, discount=0.5)
    with pytest.raises(ProfileError, match=r"joint has shape \(2, 2\): it must be \(1, 2, 2\)"):
        stationary_correlated_regrets(game, np.ones((2, 2)) / 4)
    for wrong in (np.ones((1, 2, 2)) / 3, np.array([[[1.5, -0.5], [0, 0]]])):
        with pytest.raises(ProfileError, match="is no distribution over the profiles of legal actions"):
            stationary_correlated_regrets(game, wrong)


def test_a_circle_is_noticed_when_the_same_values_come_again():
    with pytest.raises(NotConverged, match="goes round in circles") as failure:
        correlated_value_iteration(gt.games.grid_game_2(), objective="egalitarian")
    assert failure.value.best.work["sweeps"] < 200
