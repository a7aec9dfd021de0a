"""Double oracle: known runs, and the value of the whole game on random matrices."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import marlgt as gt
from marlgt.errors import GameError, NotConverged, UnsupportedGame
from marlgt.solvers.empirical.restricted import double_oracle
from marlgt.solvers.matrix_game import minimax, zero_sum_linear_program

# Entries with ties, and dominated rows and columns, are left in.
matrices = st.integers(1, 7).flatmap(
    lambda m: st.integers(1, 7).flatmap(
        lambda n: st.lists(st.lists(st.integers(-5, 5), min_size=n, max_size=n), min_size=m, max_size=m)
    )
)


def test_rock_paper_scissors_takes_three_restricted_games():
    found = double_oracle(gt.NormalFormGame.zero_sum([[0, -1, 1], [1, 0, -1], [-1, 1, 0]]))
    assert [found.restricted(k) for k in range(3)] == [((0,), (0,)), ((0, 1), (0, 1)), ((0, 1, 2), (0, 1, 2))]
    assert found.gaps.tolist() == [2, 2, 0]
    assert found.equilibrium.exact
    assert found.iterations == 3


@given(matrices)
@settings(max_examples=60)
def test_the_value_is_that_of_the_whole_game(matrix):
    game = gt.NormalFormGame.zero_sum(matrix)
    found = double_oracle(game, start=(game.n_actions[0] - 1, 0))
    assert found.equilibrium.values[0] == pytest.approx(minimax(game).values[0], abs=1e-9)
    assert found.equilibrium.epsilon <= 1e-9 * max(game.payoff_range.max(), 1)
    assert found.iterations <= sum(game.n_actions) - 1
    for own, count in zip(found.populations, game.n_actions):
        assert len(set(own)) == len(own)
        assert set(own) <= set(range(count))


@given(matrices)
@settings(max_examples=30)
def test_populations_grow_until_the_gap_is_closed(matrix):
    found = double_oracle(gt.NormalFormGame.zero_sum(matrix))
    growth = np.diff(found.sizes, axis=0)
    assert ((growth == 0) | (growth == 1)).all()
    assert (growth.sum(axis=1) >= 1).all()
    assert (found.gaps >= 0).all()
    assert found.gaps[-1] <= 1e-12
    assert len(found.meta_strategies) == found.iterations


def test_another_solver_of_the_restricted_games_finds_the_same_value():
    rng = np.random.default_rng(3)
    game = gt.NormalFormGame.zero_sum(rng.normal(size=(40, 30)))
    found = double_oracle(game, solve=zero_sum_linear_program)
    assert found.equilibrium.values[0] == pytest.approx(minimax(game).values[0], abs=1e-9)
    assert max(found.sizes[-1]) < 30


def test_too_few_iterations_leave_the_best_pair_with_its_certificate():
    game = gt.NormalFormGame.zero_sum([[0, -1, 1], [1, 0, -1], [-1, 1, 0]])
    with pytest.raises(NotConverged, match="2 restricted games") as caught:
        double_oracle(game, iterations=2)
    assert caught.value.best.epsilon == 1.0


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda g: double_oracle(g, start=(0, 9)), GameError, "start is"),
        (lambda g: double_oracle(g, start=0), GameError, "start is 0"),
        (lambda g: double_oracle(g, iterations=0), GameError, "iterations is 0"),
        (lambda g: double_oracle(g, tolerance=-1), GameError, "tolerance is -1"),
        (lambda g: double_oracle(gt.games.prisoners_dilemma()), UnsupportedGame, "constant"),
        (lambda g: double_oracle(gt.NormalFormGame(np.zeros((3, 2, 2, 2)))), UnsupportedGame, "3 players"),
        (lambda g: double_oracle("rps"), GameError, "game is 'rps'"),
    ],
)
def test_bad_input_is_explained(call, error, message):
    with pytest.raises(error, match=message):
        call(gt.NormalFormGame.zero_sum([[1, 2], [3, 0]]))
