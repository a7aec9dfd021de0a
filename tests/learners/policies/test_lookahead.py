"""Players who look ahead: exact derivatives, the paper's figure, and rest points of zero-sum games."""

import numpy as np
import pytest

import marlgt as gt
from marlgt.concepts.stationary import stationary_values
from marlgt.errors import GameError, UnsupportedGame
from marlgt.games.stochastic import StochasticGame
from marlgt.learners import (
    consensus_ascent,
    extragradient_policy_ascent,
    lola,
    naive_policy_ascent,
    policy_prediction,
    stable_opponent_shaping,
)
from marlgt.learners.policies._value_derivatives import small_game

DILEMMA = {"temptation": 0, "reward": -1, "punishment": -2, "sucker": -3, "discount": 0.96}


def gated_game(seed):
    """Return a random game with an illegal action and a terminal state."""
    rng = np.random.default_rng(seed)
    legal = [np.ones((4, 3), dtype=bool), np.ones((4, 2), dtype=bool)]
    legal[0][1, 2] = False
    return StochasticGame.from_dense(
        rng.normal(size=(2, 4, 3, 2)),
        rng.dirichlet(np.ones(4), size=(4, 3, 2)),
        discount=[0.9, 1.0][seed % 2],
        start=[0.2, 0.5, 0.3, 0],
        terminal=[False, False, False, True],
        legal=legal,
    )


@pytest.mark.parametrize("seed", range(4))
def test_values_and_derivatives_agree_with_exact_evaluation_and_finite_differences(seed):
    game = gated_game(seed)
    own = small_game(game)
    theta = np.random.default_rng(seed).normal(size=(2, 20))
    found = own.derivatives(theta, order=2)
    policies = own.policies(theta)
    for k in range(2):
        exact = stationary_values(game, [policy[k] for policy in policies]) @ game.start
        np.testing.assert_allclose(own.values(theta)[k], exact, atol=1e-10)
    for c in range(20):
        step = 1e-5 * np.eye(20)[c]
        slope = (own.values(theta + step) - own.values(theta - step)).T / 2e-5
        np.testing.assert_allclose(found.gradients[:, :, c], slope, atol=1e-7)
        above, below = (own.derivatives(theta + sign * step, order=1).gradients for sign in (1, -1))
        np.testing.assert_allclose(found.hessians[:, :, c], (above - below) / 2e-5, atol=1e-6)


def test_a_step_of_lola_is_the_derivative_of_the_value_after_the_opponents_step():
    # Foerster et al. (2018): D_1 of V_1(theta_1, theta_2) + (D_2 V_1)' [h D_2 V_2(theta_1, theta_2)],
    # the factor D_2 V_1 held fixed
    game = gt.games.iterated_prisoners_dilemma(discount=0.8)
    own = small_game(game)
    theta = np.random.default_rng(2).normal(size=(1, 20))
    second = own.parts[1]
    fixed = own.derivatives(theta, order=1).gradients[0][0, second]

    def foreseen(row):
        return own.values(row)[0, 0] + 0.3 * fixed @ own.derivatives(row, order=1).gradients[1][0, second]

    start = [part[0] for part in own.split(theta)]
    run = lola(game, step=1e-3, opponent_step=0.3, steps=1, seeds=[0], start=start)
    moved = (run.preferences[0][0] - start[0]).reshape(-1) / 1e-3
    for c in range(10):
        step = 1e-5 * np.eye(20)[c]
        assert moved[c] == pytest.approx((foreseen(theta + step) - foreseen(theta - step)) / 2e-5, abs=1e-6)


def test_naive_players_come_to_defect_and_players_who_shape_each_other_to_tit_for_tat():
    # Foerster et al. (2018), figure 1 and table 3: naive players get about -2 a step, with LOLA about -1.06
    game = gt.games.iterated_prisoners_dilemma(**DILEMMA)
    naive = naive_policy_ascent(game, step=1.0, steps=100, seeds=range(20), record=4)
    shaped = lola(game, step=0.3, opponent_step=1.0, steps=200, seeds=range(20), record=4)
    a_step = 1.0 - game.discount
    assert (naive.values[:, -1] * a_step).max() < -1.8
    assert np.median(shaped.values[:, -1] * a_step) > -1.1
    assert np.mean(shaped.values[:, -1].mean(axis=1) * a_step > -1.3) >= 0.8
    # What player 1 does after C C and after C D: she goes on, and she retaliates.
    cooperate = shaped.policies[0][:, :, 0]
    assert np.mean((cooperate[:, 1] > 0.8) & (cooperate[:, 2] < 0.3)) >= 0.7


def test_shaping_that_keeps_stable_rest_points_still_cooperates_more_than_naive_players():
    game = gt.games.iterated_prisoners_dilemma(**DILEMMA)
    run = stable_opponent_shaping(game, step=1.0, steps=150, seeds=range(10), record=2)
    assert np.mean(run.values[:, -1].mean(axis=1) * 0.04 > -1.5) >= 0.6


@pytest.mark.parametrize(
    ("rule", "settings"),
    [
        (lola, {"opponent_step": 1.0}),
        (policy_prediction, {"opponent_step": 1.0}),
        (stable_opponent_shaping, {"opponent_step": 1.0}),
        (consensus_ascent, {"weight": 1.0}),
        (extragradient_policy_ascent, {}),
    ],
)
def test_looking_ahead_settles_in_matching_pennies_where_naive_players_do_not(rule, settings):
    game = StochasticGame.repeated(gt.games.matching_pennies(), discount=0.0)
    begun = [[[0.8, 0.0]], [[0.0, 0.3]]]

    def apart(run):
        return max(abs(policy[0, 0, 0] - 0.5) for policy in run.policies)

    ahead = rule(game, step=0.5, steps=400, seeds=[0], start=begun, **settings)
    naive = naive_policy_ascent(game, step=0.5, steps=400, seeds=[0], start=begun)
    assert apart(ahead) < 0.01 < 0.1 < apart(naive)


def test_records_begin_at_the_start_and_a_seed_is_the_same_beside_others():
    game = gated_game(0)
    run = policy_prediction(game, steps=10, seeds=[3, 5], record=5)
    assert run.times.tolist() == [0, 2, 4, 6, 8, 10]
    assert run.values.shape == (2, 6, 2)
    alone = policy_prediction(game, steps=10, seeds=[5], record=5)
    np.testing.assert_allclose(run.values[1], alone.values[0], atol=1e-12)
    assert "2 starts" in repr(run)


def test_bad_input_is_refused():
    game = gt.games.iterated_prisoners_dilemma()
    with pytest.raises(UnsupportedGame, match="3 players"):
        lola(StochasticGame.repeated(gt.NormalFormGame(np.zeros((3, 2, 2, 2))), discount=0.5))
    with pytest.raises(UnsupportedGame, match="take too much room"):
        lola(gt.games.soccer())
    with pytest.raises(UnsupportedGame, match="discount"):
        lola(gt.games.iterated_prisoners_dilemma(discount=1.0))
    with pytest.raises(GameError, match="start must hold finite preferences"):
        naive_policy_ascent(game, start=[np.zeros((5, 2)), np.zeros((5, 3))])
    with pytest.raises(GameError, match=r"safety is 1\.5"):
        stable_opponent_shaping(game, safety=1.5)
    with pytest.raises(GameError, match="step"):
        naive_policy_ascent(game, step=-1.0)
    with pytest.raises(GameError, match="seeds is empty"):
        lola(game, seeds=[])
