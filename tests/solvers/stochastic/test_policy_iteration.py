"""What sets the methods with exact evaluations apart; what all methods share is tested beside value iteration."""

from __future__ import annotations

from itertools import pairwise

import numpy as np

from marlgt.games import StochasticGame
from marlgt.solvers import hoffman_karp, pollatschek_avi_itzhak


def random_game(n_states, count, *, seed, discount):
    rng = np.random.default_rng(seed)
    shape = (n_states, count, count)
    return StochasticGame.zero_sum(
        rng.normal(size=shape),
        rng.integers(n_states, size=(*shape, 3)),
        rng.dirichlet(np.ones(3), size=shape),
        discount=discount,
    )


def test_the_steps_hardly_depend_on_the_discount_in_random_games():
    for method in (hoffman_karp, pollatschek_avi_itzhak):
        for discount in (0.9, 0.9999):
            assert method(random_game(10, 3, seed=1, discount=discount)).work["sweeps"] <= 30


def test_newtons_residuals_fall_quadratically_in_the_end():
    trace = pollatschek_avi_itzhak(random_game(10, 3, seed=2, discount=0.9)).trace[:, 1]
    falling = [(a, b) for a, b in pairwise(trace) if 1e-7 < a < 1e-1]
    assert falling
    assert all(b <= 10.0 * a**2 + 1e-13 for a, b in falling)


def test_one_player_alone_is_solved_as_a_decision_process_in_few_steps():
    game = random_game(20, 1, seed=3, discount=0.99)
    assert hoffman_karp(game).work["sweeps"] == 2


def test_steps_of_newton_that_do_not_help_are_refused_and_counted():
    # Unguarded, Newton's steps may go round in circles: van der Wal (1978).
    refused = 0
    for seed in range(40):
        rng = np.random.default_rng(seed)
        paid = rng.integers(-3, 4, size=(3, 2, 2)).astype(float)
        nexts = rng.integers(3, size=(3, 2, 2, 1))
        game = StochasticGame.zero_sum(paid, nexts, np.ones(nexts.shape), discount=0.95)
        answer = pollatschek_avi_itzhak(game)
        refused += answer.work["refused"]
        assert answer.epsilon <= 1e-7
    assert refused > 0
