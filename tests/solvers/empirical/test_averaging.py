"""Nash averaging: published examples, invariance to copies, OpenSpiel's figures."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import marlgt as gt
from marlgt.errors import UnsupportedGame
from marlgt.solvers.empirical.averaging import nash_averaging


def antisymmetric(seed, count):
    upper = np.triu(np.random.default_rng(seed).normal(size=(count, count)), 1)
    return upper - upper.T


def test_the_cyclic_and_the_transitive_example_of_the_paper():
    # Balduzzi et al. (2018), on Nash averaging: [[0, 4.6, -4.6], [-4.6, 0, 4.6], [4.6, -4.6, 0]] and its C.
    cyclic = nash_averaging(gt.NormalFormGame.zero_sum([[0, 4.6, -4.6], [-4.6, 0, 4.6], [4.6, -4.6, 0]]))
    assert np.allclose(cyclic.equilibrium.profile[0], 1 / 3)
    assert np.allclose(cyclic.ratings[0], 0.0)
    best = nash_averaging(gt.NormalFormGame.zero_sum([[0, 4.6, 4.6], [-4.6, 0, 4.6], [-4.6, -4.6, 0]]))
    assert np.allclose(best.equilibrium.profile[0], [1, 0, 0])
    assert np.allclose(best.ratings[0], [0, -4.6, -4.6])


# Numbers at random have one equilibrium: where there are several, a copy can tilt their balance.
@given(st.integers(0, 5000), st.integers(1, 6))
@settings(max_examples=50)
def test_a_copy_shares_the_weight_and_moves_no_rating(seed, count):
    table = antisymmetric(seed, count)
    found = nash_averaging(gt.NormalFormGame.zero_sum(table))
    weights, ratings = found.equilibrium.profile[0], found.ratings[0]
    assert np.allclose(found.equilibrium.profile[1], weights, atol=1e-8)
    assert ratings.max() <= 1e-9
    assert np.abs(ratings[weights > 1e-6]).max() <= 1e-6
    twice = [*range(count), 0]
    copied = nash_averaging(gt.NormalFormGame.zero_sum(table[np.ix_(twice, twice)]))
    assert np.allclose(copied.ratings[0][:count], ratings, atol=1e-6)
    assert copied.equilibrium.profile[0][0] == pytest.approx(copied.equilibrium.profile[0][-1], abs=1e-7)


def test_agents_are_rated_against_tasks():
    # The second task tells the agents apart, the third is the first again.
    found = nash_averaging(gt.NormalFormGame.zero_sum([[3, 1, 3], [2, 2, 2]]))
    assert found.equilibrium.values[0] == pytest.approx(2.0)
    assert found.ratings[0][1] == pytest.approx(2.0)
    assert found.equilibrium.profile[0].tolist() == pytest.approx([0.0, 1.0])
    assert found.equilibrium.profile[1][0] == pytest.approx(found.equilibrium.profile[1][2])


def test_the_weights_are_openspiels():
    pytest.importorskip("cvxpy")
    peer = pytest.importorskip("open_spiel.python.algorithms.nash_averaging")
    for seed in range(4):
        table = np.round(antisymmetric(seed, 5))
        expected = peer._max_entropy_symmetric_nash(table).reshape(-1)
        found = nash_averaging(gt.NormalFormGame.zero_sum(table)).equilibrium.profile[0]
        assert np.abs(found - expected).max() <= 1e-4


def test_other_games_are_refused():
    with pytest.raises(UnsupportedGame, match="constant"):
        nash_averaging(gt.games.prisoners_dilemma())
