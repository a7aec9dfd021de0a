"""Shortened Newton steps along rising discounts: they end where value iteration does, and stop where floats end."""

import numpy as np
import pytest

import marlgt as gt
from marlgt.games import StochasticGame
from marlgt.solvers import modified_policy_iteration, shapley_value_iteration
from marlgt.solvers.stochastic._damped_newton import along_discounts
from marlgt.solvers.stochastic._iterations import finished, open_iteration


def random_game(seed, *, discount, n_states=12, count=3):
    rng = np.random.default_rng(seed)
    shape = (n_states, count, count)
    rewards = rng.normal(size=shape)
    successors = rng.integers(n_states, size=(*shape, 3))
    return StochasticGame(
        np.stack([rewards, -rewards]), successors, rng.dirichlet(np.ones(3), size=shape), discount=discount
    )


def quietly(done, what):
    """Report no progress."""


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("discount", [0.6, 0.99, 0.9975])
def test_rising_discounts_lead_to_the_values_of_value_iteration(seed, discount):
    game = random_game(seed, discount=discount)
    run = open_iteration(game, method="along", tolerance=1e-9, max_sweeps=1000, typical_sweeps=30.0)
    assert along_discounts(run, quietly)
    answer = finished(run, method="along")
    expected = shapley_value_iteration(game, tolerance=1e-8).state_values[0]
    assert answer.state_values[0] == pytest.approx(expected, abs=1e-7 * np.abs(expected).max())
    assert answer.error_bound <= 1e-8 * np.abs(expected).max()


def test_few_sweeps_at_a_small_discount_still_leave_policies_of_the_game():
    game = random_game(0, discount=0.9999)
    run = open_iteration(game, method="along", tolerance=1e-9, max_sweeps=14, typical_sweeps=30.0)
    before = [group.weights.copy() for group in run.stages.groups]
    along_discounts(run, quietly)
    for group, weights in zip(run.stages.groups, before):
        assert np.array_equal(group.weights, weights)
    assert run.sweeps <= 16


@pytest.mark.parametrize("discount", [0.999, 0.99999])
def test_soccer_converges_though_whole_newton_steps_go_round_in_circles(discount):
    game = gt.games.load("soccer").with_discount(discount)
    answer = modified_policy_iteration(game)
    assert answer.epsilon <= 1e-9
    assert answer.work["sweeps"] < 150
    # A play of soccer ends with one goal of worth 1, and both teams are alike but for who begins.
    assert abs(answer.values[0]) <= 1.0


def test_next_to_a_discount_of_one_the_solver_stops_and_says_why():
    game = gt.games.load("soccer").with_discount(1.0 - 1e-6)
    with pytest.raises(gt.NotConverged, match="give a smaller discount or a larger tolerance") as failure:
        modified_policy_iteration(game)
    answer = failure.value.best
    assert answer.work["sweeps"] <= 1000
    assert answer.epsilon <= min(1e-4, answer.error_bound)
