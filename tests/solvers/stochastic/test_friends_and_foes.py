"""Friend-or-foe value iteration."""

import numpy as np
import pytest
from hypothesis import given, settings

import marlgt as gt
from marlgt.errors import GameError, NotConverged, UnsupportedGame
from marlgt.solvers import friend_or_foe_value_iteration
from marlgt.solvers.stochastic._stage_choice import friend_or_foe_choice, stage_groups
from marlgt.solvers.stochastic._stage_tables import stage_tables
from marlgt.testing.stochastic import zero_sum_stochastic_games


@settings(max_examples=25)
@given(zero_sum_stochastic_games(discount=0.75))
def test_foes_in_a_zero_sum_game_reach_its_value(game):
    answer = friend_or_foe_value_iteration(game)
    unit = max(float(np.abs(answer.state_values).max()), float(np.ptp(game.rewards)))
    other = gt.solvers.modified_policy_iteration(game).state_values
    np.testing.assert_allclose(answer.state_values, other, atol=1e-8 * max(unit, 1e-300))


@pytest.mark.parametrize("counts", [(3, 3), (2, 2, 2)])
def test_friends_with_common_interests_plan_together(counts):
    game = gt.games.random_stochastic_game(5, counts, common_interest=True, discount=0.8, seed=1)
    answer = friend_or_foe_value_iteration(game, foes=[[]] * len(counts))
    np.testing.assert_allclose(answer.values, gt.solvers.plan_common_interest(game).values, atol=1e-8)


@pytest.mark.parametrize("seed", range(4))
def test_two_friends_against_a_foe_are_worth_the_zero_sum_game_of_the_teams(seed):
    game = gt.games.random_stochastic_game(3, (2, 3, 4), discount=0.7, seed=seed)
    tables = stage_tables(game, common_scale=True)
    worths = tables.worths(np.random.default_rng(seed).normal(size=(3, 3)))
    x, values = friend_or_foe_choice(tables, stage_groups(tables), worths, ([2], [0], [0, 1]))
    for state in range(3):
        # Player 0 with 1 against 2; player 1 with 2 against 0; player 2 alone against 0 and 1.
        first = worths[0, state].reshape(6, 4)
        second = worths[1, state].reshape(2, 12).T
        third = worths[2, state].reshape(6, 4).T
        for player, matrix in enumerate((first, second, third)):
            value = gt.solvers.minimax(gt.NormalFormGame.zero_sum(matrix)).values[0]
            assert values[player, state] == pytest.approx(value, abs=1e-9)
        # Alone, what she plays is what guarantees the value.
        assert (x[state, tables.block(2)] @ third).min() == pytest.approx(values[2, state], abs=1e-9)


def test_the_error_bound_bounds_the_error():
    game = gt.games.random_stochastic_game(5, (3, 3), zero_sum=True, discount=0.9, seed=3)
    exact = gt.solvers.modified_policy_iteration(game).state_values[0]
    rough = friend_or_foe_value_iteration(game, tolerance=1e-3)
    assert 0.0 < rough.error_bound <= 1e-3 * max(1.0, np.abs(exact).max()) * np.ptp(game.rewards)
    residuals = rough.trace[:, 1]
    # Shapley's operator is a contraction by the discount.
    assert (residuals[1:] <= 0.9 * residuals[:-1] + 1e-12).all()


def test_values_that_converge_to_no_equilibrium_are_not_returned(gains_of_best_replies):
    game = gt.games.nosde()
    with pytest.raises(NotConverged, match=r"converged in .* sweeps, but the policies are no equilibrium") as failure:
        friend_or_foe_value_iteration(game, foes=[[], []])
    best = failure.value.best
    assert best.epsilon == pytest.approx(gains_of_best_replies(game, best.profile).max(), rel=1e-9)
    assert best.epsilon > 0.1


def test_too_few_sweeps_say_how_far_the_values_may_be_off():
    game = gt.games.random_stochastic_game(5, (3, 3), zero_sum=True, discount=0.9, seed=3)
    with pytest.raises(NotConverged, match="after 3 sweeps the values may still be off by") as failure:
        friend_or_foe_value_iteration(game, max_sweeps=3)
    assert failure.value.best.error_bound > 1e-3


@pytest.mark.parametrize(
    ("foes", "message"),
    [
        ([[1]], r"foes is \[\[1\]\]: list the foes of each of 2 players"),
        ("01", "list the foes of each of 2 players"),
        ([[0], [0]], r"foes\[0\] names player 0 herself"),
        ([[2], [0]], r"foes\[0\] is \[2\]: list players from 0 to 1"),
        ([1, 0], r"foes\[0\] is 1: list players"),
    ],
)
def test_foes_that_are_none_are_refused(foes, message):
    with pytest.raises(GameError, match=message):
        friend_or_foe_value_iteration(gt.games.nosde(), foes=foes)


def test_endless_games_are_refused():
    with pytest.raises(UnsupportedGame, match="give a discount below 1"):
        friend_or_foe_value_iteration(gt.games.nosde().with_discount(1.0))
