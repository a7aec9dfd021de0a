"""Equilibria of greatest entropy and Gini impurity: optimality, OpenSpiel's answers, symmetry, refusals."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import marlgt as gt
from marlgt.errors import BudgetExceeded, GameError
from marlgt.solvers.correlated import coarse_correlated_equilibrium, correlated_equilibrium
from marlgt.solvers.empirical._entropy import least_norm, maximum_entropy
from marlgt.solvers.empirical.maximum_entropy import (
    maximum_entropy_coarse_correlated_equilibrium,
    maximum_entropy_correlated_equilibrium,
    maximum_gini_coarse_correlated_equilibrium,
    maximum_gini_correlated_equilibrium,
)

ENTROPY = (maximum_entropy_correlated_equilibrium, maximum_entropy_coarse_correlated_equilibrium)
GINI = (maximum_gini_correlated_equilibrium, maximum_gini_coarse_correlated_equilibrium)

shapes = st.sampled_from([(2, 2), (3, 3), (2, 2, 2), (4, 3), (1, 3)])
# Few different payoffs: dominated actions, ties, and equilibria that leave profiles out.
games = st.builds(
    lambda shape, seed, most: gt.NormalFormGame(np.random.default_rng(seed).integers(0, most, (len(shape), *shape))),
    shapes,
    st.integers(0, 10_000),
    st.sampled_from([2, 4, 50]),
)


def entropy(p):
    kept = p[p > 0]
    return float(-(kept * np.log(kept)).sum())


def impurity(p):
    return float(1.0 - (p**2).sum())


@given(games)
@settings(max_examples=60)
def test_no_other_equilibrium_has_more(game):
    others = {
        False: [correlated_equilibrium(game, objective=o).joint for o in ("welfare", "egalitarian")],
        True: [coarse_correlated_equilibrium(game, objective=o).joint for o in ("welfare", "egalitarian")],
    }
    for solvers, measure in ((ENTROPY, entropy), (GINI, impurity)):
        for coarse, solve in enumerate(solvers):
            found = solve(game)
            assert found.epsilon <= 1e-9
            assert found.concept == ("coarse_correlated" if coarse else "correlated")
            for other in others[bool(coarse)]:
                # On the way to another equilibrium the measure does not rise.
                for share in (1e-3, 0.5, 1.0):
                    mixture = (1 - share) * found.joint + share * other
                    assert measure(mixture) <= measure(found.joint) + 1e-9
    assert entropy(ENTROPY[1](game).joint) >= entropy(ENTROPY[0](game).joint) - 1e-9


@given(games)
@settings(max_examples=30)
def test_players_that_are_swapped_and_actions_that_are_copied_are_treated_alike(game):
    for solve in (*ENTROPY, *GINI):
        joint = solve(game).joint
        order = list(range(game.n_players))[::-1]
        assert np.allclose(solve(game.permute_players(order)).joint, joint.transpose(order), atol=1e-7)
        shifted = solve(game.affine(scale=3, shift=list(range(game.n_players)))).joint
        assert np.allclose(shifted, joint, atol=1e-7)


def test_without_incentives_play_is_uniform_and_dominance_leaves_one_profile():
    for solve in (*ENTROPY, *GINI):
        assert np.allclose(solve(gt.NormalFormGame(np.zeros((2, 3, 2)))).joint, 1 / 6)
        joint = solve(gt.games.prisoners_dilemma()).joint
        assert joint[1, 1] == pytest.approx(1.0, abs=1e-12)


@pytest.mark.parametrize("shape", [(3, 3), (2, 2, 2), (4, 5)])
def test_the_gini_equilibria_are_openspiels(shape):
    pytest.importorskip("cvxpy")
    peer = pytest.importorskip("open_spiel.python.algorithms.jpsro")
    payoffs = np.random.default_rng(sum(shape)).normal(size=(len(shape), *shape))
    repeats = [np.ones(count) for count in shape]
    for solve, theirs in zip(GINI, (peer._mgce, peer._mgcce)):
        expected, _ = theirs(payoffs, repeats)
        assert np.abs(solve(gt.NormalFormGame(payoffs)).joint - expected).max() <= 1e-5


@given(st.integers(1, 6), st.integers(1, 6), st.integers(0, 3000))
@settings(max_examples=60)
def test_both_programs_meet_the_conditions_of_their_optima(rows, columns, seed):
    rng = np.random.default_rng(seed)
    inside = rng.dirichlet(np.ones(columns))
    matrix = rng.normal(size=(rows, columns))
    # Some distribution inside meets every constraint, some of them with equality.
    matrix -= np.maximum(matrix @ inside, rng.integers(0, 2, rows) * 9 + (matrix @ inside))[:, None]
    matrix[np.abs(matrix) < 1e-12] = 0.0
    matrix /= max(np.abs(matrix).max(), 1e-9)
    for solve, gradient in (
        (maximum_entropy, lambda p: np.log(np.maximum(p, 1e-300))),
        (least_norm, lambda p: p),
    ):
        p, work, converged = solve(matrix)
        assert converged
        assert work["newton_steps"] >= 0
        assert p.sum() == pytest.approx(1.0)
        assert (matrix @ p).max() <= 1e-10
        # Convex: optimal if and only if the gradient does not fall towards any feasible point.
        assert gradient(p) @ (inside - p) >= -1e-7


def test_games_that_are_too_large_are_refused():
    with pytest.raises(BudgetExceeded, match="incentive constraints"):
        maximum_entropy_correlated_equilibrium(gt.NormalFormGame(np.zeros((2, 100, 100))))
    with pytest.raises(GameError, match="game is 3"):
        maximum_gini_coarse_correlated_equilibrium(3)
