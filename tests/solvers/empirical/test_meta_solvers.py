"""Meta-solvers: OpenSpiel's projected replicator dynamics step for step, both gears, and what each gives."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import marlgt as gt
from marlgt.errors import GameError
from marlgt.solvers.empirical.alpharank import alpha_rank
from marlgt.solvers.empirical.meta_solvers import (
    alpha_rank_meta,
    lift_onto_simplex,
    nash_meta,
    projected_replicator_dynamics,
    uniform_meta,
)


@pytest.mark.parametrize("shape", [(3, 3), (2, 3, 2), (4, 5)])
@pytest.mark.parametrize("gear", ["plain", "compiled"])
def test_projected_replicator_dynamics_go_openspiels_way(shape, gear, monkeypatch):
    peer = pytest.importorskip("open_spiel.python.algorithms.projected_replicator_dynamics")
    monkeypatch.setenv("MARLGT_GEAR", gear)
    payoffs = np.random.default_rng(sum(shape)).normal(size=(len(shape), *shape))
    expected = peer.projected_replicator_dynamics(list(payoffs), prd_iterations=500, prd_dt=0.1, prd_gamma=0.01)
    found = projected_replicator_dynamics(gt.NormalFormGame(payoffs), steps=500, step_size=0.1, floor=0.01)
    for own, other in zip(found.profile, expected):
        assert np.abs(own - other).max() <= 1e-10


@given(st.lists(st.integers(-8, 24), min_size=1, max_size=6), st.sampled_from([0.0, 0.01, 0.1]))
@settings(max_examples=100)
def test_the_projection_is_the_nearest_point_of_the_simplex_with_a_floor(weights, floor):
    point = np.array(weights) / 8.0
    nearest = point.copy()
    # The rule is for points whose entries sum to 1, which the replicator equation keeps.
    point = point + (1.0 - point.sum()) / len(point)
    nearest = point.copy()
    lift_onto_simplex(nearest, 0, len(nearest), floor)
    assert nearest.sum() == pytest.approx(1.0)
    assert (nearest >= floor - 1e-12).all()
    # Nearest if and only if (point - nearest) @ (q - nearest) <= 0 for every vertex q.
    for k in range(len(point)):
        vertex = np.full(len(point), floor)
        vertex[k] = 1.0 - floor * (len(point) - 1)
        assert (point - nearest) @ (vertex - nearest) <= 1e-12


def test_projected_replicator_dynamics_find_dominant_strategies_and_keep_the_others_alive():
    found = projected_replicator_dynamics(gt.games.prisoners_dilemma(), steps=20_000, step_size=0.01, floor=1e-3)
    assert found.profile[0][1] > 0.95
    assert found.profile[0][0] >= 1e-3
    at_rest = projected_replicator_dynamics(gt.games.prisoners_dilemma(), steps=10, floor=0.0, start=([0, 1], [0, 1]))
    assert at_rest.epsilon == 0.0


def test_each_meta_solver_gives_its_profile_with_its_regrets():
    game = gt.NormalFormGame.zero_sum([[0, -1, 1], [1, 0, -1], [-1, 1, 0]])
    assert nash_meta(game).exact
    assert nash_meta(gt.games.prisoners_dilemma()).profile[0].tolist() == [0.0, 1.0]
    assert nash_meta(gt.NormalFormGame(np.random.default_rng(0).normal(size=(3, 2, 2, 2)))).epsilon < 1e-9
    assert uniform_meta(gt.games.prisoners_dilemma()).profile[0].tolist() == [0.5, 0.5]
    assert uniform_meta(gt.games.prisoners_dilemma()).epsilon > 0
    skewed = gt.NormalFormGame.bimatrix([[1, 0], [0, 2]], [[1, 0], [0, 2]])
    shares = alpha_rank_meta(skewed, alpha=3.0).profile
    for own, expected in zip(shares, alpha_rank(skewed, alpha=3.0).marginals):
        assert np.array_equal(own, expected)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"steps": 0}, "steps is 0"),
        ({"step_size": 0.0}, "step_size is 0.0"),
        ({"floor": -0.1}, "floor is -0.1"),
        ({"floor": 0.6}, "at most 1/2"),
        ({"start": ([1, 0],)}, "profile"),
    ],
)
def test_bad_input_is_explained(options, message):
    with pytest.raises(GameError, match=message):
        projected_replicator_dynamics(gt.games.prisoners_dilemma(), **options)
