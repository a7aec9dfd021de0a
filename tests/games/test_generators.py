import itertools
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import marlgt as gt
from marlgt.concepts import is_dominance_solvable
from marlgt.errors import GameError
from marlgt.games import generators, structured_generators
from marlgt.games.structure import is_potential, is_symmetric, is_zero_sum
from marlgt.solvers import is_degenerate, vertex_enumeration

seeds = st.integers(0, 2**32)
sizes = st.lists(st.integers(1, 4), min_size=1, max_size=4).map(tuple)
pairs = st.tuples(st.integers(1, 5), st.integers(1, 5))
few = settings(max_examples=40, deadline=None)

BY_SIZE = [
    gt.games.random_uniform,
    gt.games.random_gaussian,
    gt.games.random_integers,
    gt.games.random_win_lose,
    gt.games.random_ordinal,
    gt.games.random_sparse,
    gt.games.random_potential,
    gt.games.random_dominance_solvable,
    gt.games.random_degenerate,
    gt.games.random_graphical,
    gt.games.random_polymatrix,
]
FLOATS = {gt.games.random_uniform, gt.games.random_gaussian}
EVERY = [
    *((make.__name__, lambda seed, make=make: make((2, 3, 2), seed=seed)) for make in BY_SIZE),
    ("random_covariant", lambda seed: gt.games.random_covariant((2, 3, 2), rho=0.3, seed=seed)),
    ("random_zero_sum", lambda seed: gt.games.random_zero_sum((3, 4), seed=seed)),
    ("random_rank", lambda seed: gt.games.random_rank((3, 4), rank=2, seed=seed)),
    ("random_unit_vector", lambda seed: gt.games.random_unit_vector((3, 4), seed=seed)),
    ("random_symmetric", lambda seed: gt.games.random_symmetric(3, 2, seed=seed)),
    ("random_coordination", lambda seed: gt.games.random_coordination(3, 2, seed=seed)),
    ("random_anti_coordination", lambda seed: gt.games.random_anti_coordination(2, 3, seed=seed)),
    ("random_congestion", lambda seed: gt.games.random_congestion(3, 2, seed=seed)),
    ("random_with_equilibria", lambda seed: gt.games.random_with_equilibria(4, 11, seed=seed)),
]


@pytest.mark.parametrize(("name", "make"), EVERY, ids=[name for name, _ in EVERY])
def test_the_same_seed_gives_the_same_game_and_another_seed_another(name, make):
    assert make(7) == make(7)
    assert len({make(seed) for seed in range(20)}) > 10
    assert make(0).title
    assert name in gt.games.__all__


def test_every_family_is_exported_and_tested():
    families = {
        name for module in (generators, structured_generators) for name in module.__all__ if name.startswith("random_")
    }
    assert families == {name for name, _ in EVERY}


@pytest.mark.parametrize("make", BY_SIZE)
@few
@given(counts=sizes, seed=seeds)
def test_every_size_is_made_and_integers_are_exact(make, counts, seed):
    game = make(counts, seed=seed)
    assert game.n_actions == counts
    assert game.is_exact == (make not in FLOATS)


@pytest.mark.parametrize("make", [gt.games.random_integers, gt.games.random_polymatrix])
@pytest.mark.parametrize("seed", [-1, 1.5, "1", None, True])
def test_what_is_no_seed_is_refused(make, seed):
    with pytest.raises(GameError, match="seed must be a whole number from 0, got"):
        make((2, 2), seed=seed)


@pytest.mark.parametrize(
    ("counts", "message"),
    [
        (3, "must list the number of actions of each player, got 3"),
        ("22", "must list the number of actions"),
        ((), "a whole number from 1 for each player"),
        ((2, 0), "a whole number from 1 for each player"),
        ((2, 2.0), "a whole number from 1 for each player"),
        ((10**6, 10**6), "asks for 2000000000000 payoffs, more than 10000000"),
        ((1,) * 64, "64 players, more than the 63"),
    ],
)
@pytest.mark.parametrize("make", [gt.games.random_uniform, gt.games.random_degenerate])
def test_what_is_no_size_is_refused(make, counts, message):
    with pytest.raises(GameError, match=message):
        make(counts, seed=0)


BAD = [
    (lambda: gt.games.random_uniform((2, 2), low=1, high=1, seed=0), "low must be below high"),
    (lambda: gt.games.random_uniform((2, 2), low=math.nan, high=1, seed=0), "low is nan"),
    (lambda: gt.games.random_integers((2, 2), low=2, high=1, seed=0), "low must not exceed high"),
    (lambda: gt.games.random_covariant((2, 2, 2), rho=-0.6, seed=0), r"between -1 / \(n - 1\) = -0.5 and 1, got -0.6"),
    (lambda: gt.games.random_covariant((2, 2), rho=math.nan, seed=0), "rho is nan"),
    (lambda: gt.games.random_zero_sum((2, 2, 2), seed=0), "must hold 2 numbers, one per player"),
    (lambda: gt.games.random_rank((2, 3), rank=3, seed=0), "rank must be a whole number from 0 to 2, got 3"),
    (lambda: gt.games.random_win_lose((2, 2), density=2, seed=0), "density must lie between 0 and 1, got 2"),
    (lambda: gt.games.random_symmetric(0, 2, seed=0), "n_players must be a whole number from 1, got 0"),
    (lambda: gt.games.random_symmetric(10**9, 2, seed=0), "n_players must be at most 63"),
    (lambda: gt.games.random_coordination(1, 2, seed=0), "n_players must be at least 2, got 1"),
    (lambda: gt.games.random_congestion(2, 10**9, seed=0), "n_facilities must be at most 20"),
    (lambda: gt.games.random_anti_coordination(3, 2, seed=0), "n_actions must be at least n_players=3"),
    (lambda: gt.games.random_degenerate((2, 2), values=0, seed=0), "values must be a whole number from 1, got 0"),
    (
        lambda: gt.games.random_graphical((2, 2), edges=[(0, 2)], seed=0),
        r"pairs of different players from 0 to 1, got \(0, 2\)",
    ),
    (lambda: gt.games.random_polymatrix((2, 2), edges=[3], seed=0), "pairs of different players from 0 to 1, got 3"),
    (lambda: gt.games.random_with_equilibria(4, 2, seed=0), r"a \+ 3 b <= 4, for example .*5, .*got 2"),
    (lambda: gt.games.random_with_equilibria(2, 5, seed=0), r"for example 1, 3, got 5"),
]


@pytest.mark.parametrize(("make", "message"), BAD, ids=range(len(BAD)))
def test_parameters_out_of_range_are_refused_with_a_reason(make, message):
    with pytest.raises(GameError, match=message):
        make()


@few
@given(sizes, seeds)
def test_bounds_are_kept(counts, seed):
    assert np.ptp(gt.games.random_uniform(counts, low=-2, high=3, seed=seed).payoffs) <= 5
    assert set(np.unique(gt.games.random_integers(counts, low=4, high=5, seed=seed).payoffs)) <= {4, 5}
    assert set(np.unique(gt.games.random_win_lose(counts, seed=seed).payoffs)) <= {0, 1}
    assert set(np.unique(gt.games.random_degenerate(counts, values=2, seed=seed).payoffs)) <= {0, 1}
    for ranks in gt.games.random_ordinal(counts, seed=seed).payoffs:
        assert sorted(ranks.reshape(-1)) == list(range(1, math.prod(counts) + 1))


@pytest.mark.parametrize("rho", [-0.5, -0.2, 0.0, 0.7, 1.0])
def test_payoffs_of_a_covariant_game_have_the_correlation_asked_for(rho):
    payoffs = gt.games.random_covariant((60, 60, 20), rho=rho, seed=1).payoffs.reshape(3, -1)
    # 72,000 cells: the standard error of a correlation is below 1/268
    correlations = np.corrcoef(payoffs)[np.triu_indices(3, 1)]
    assert correlations == pytest.approx(rho, abs=4 / 268)
    assert payoffs.std(axis=1) == pytest.approx(1, abs=0.02)


def test_two_players_with_correlation_minus_one_have_opposite_interests():
    assert is_zero_sum(gt.games.random_covariant((4, 5), rho=-1, seed=3))


@few
@given(pairs, seeds)
def test_zero_sum_games_sum_to_zero_and_symmetric_games_are_symmetric(counts, seed):
    assert is_zero_sum(gt.games.random_zero_sum(counts, seed=seed))
    assert is_symmetric(gt.games.random_symmetric(counts[0], min(counts[1], 3), seed=seed))


@few
@given(pairs, seeds, st.data())
def test_the_sum_of_the_matrices_has_the_rank_asked_for(counts, seed, data):
    rank = data.draw(st.integers(0, min(counts)))
    payoffs = gt.games.random_rank(counts, rank=rank, seed=seed).payoffs
    assert np.linalg.matrix_rank(payoffs[0] + payoffs[1]) == rank


@few
@given(pairs, seeds)
def test_columns_of_a_unit_vector_game_are_unit_vectors(counts, seed):
    A = gt.games.random_unit_vector(counts, seed=seed).payoffs[0]
    assert set(np.unique(A)) <= {0, 1}
    assert (A.sum(axis=0) == 1).all()


@few
@given(sizes, seeds, st.integers(1, 3), st.integers(1, 3))
def test_potential_and_congestion_games_have_a_potential(counts, seed, n_players, n_facilities):
    assert is_potential(gt.games.random_potential(counts, seed=seed))
    congestion = gt.games.random_congestion(n_players, n_facilities, seed=seed)
    assert is_potential(congestion)
    assert is_symmetric(congestion)


@few
@given(sizes, seeds)
def test_dominance_solvable_games_are_solved_by_iterated_strict_dominance(counts, seed):
    assert is_dominance_solvable(gt.games.random_dominance_solvable(counts, seed=seed))


@few
@given(st.integers(2, 4), st.integers(1, 4), seeds)
def test_every_agreement_is_a_strict_equilibrium_of_a_coordination_game(n_players, n_actions, seed):
    game = gt.games.random_coordination(n_players, n_actions, seed=seed)
    for a in range(n_actions):
        for i in range(n_players):
            own = game.payoffs[(i, *(a,) * i, slice(None), *(a,) * (n_players - i - 1))]
            assert (np.delete(own, a) < own[a]).all()


@few
@given(st.integers(1, 3), seeds)
def test_every_full_division_is_an_equilibrium_of_an_anti_coordination_game(n, seed):
    game = gt.games.random_anti_coordination(n, n, seed=seed)
    for order in itertools.permutations(range(n)):
        assert gt.certify(game, [np.eye(n, dtype=int)[a] for a in order]).epsilon == 0


@few
@given(seeds)
def test_payoffs_of_a_graphical_game_ignore_strangers(seed):
    payoffs = gt.games.random_graphical((2, 3, 2, 2, 3), seed=seed).payoffs
    for i in range(5):
        for stranger in {0, 1, 2, 3, 4} - {i, (i + 1) % 5, (i - 1) % 5}:
            assert np.ptp(payoffs[i], axis=stranger).max() == 0
    alone = gt.games.random_graphical((2, 3), edges=[], seed=seed).payoffs
    assert np.ptp(alone[0], axis=1).max() == np.ptp(alone[1], axis=0).max() == 0


@few
@given(seeds)
def test_payoffs_of_a_polymatrix_game_are_sums_over_neighbours(seed):
    payoffs = gt.games.random_polymatrix((2, 3, 2), seed=seed).payoffs
    # A change by one neighbour is worth the same whatever the other does.
    steps = np.diff(payoffs[0], axis=1)
    assert np.ptp(steps, axis=2).max() == 0
    apart = gt.games.random_polymatrix((2, 3, 2), edges=[(0, 1)], seed=seed).payoffs
    assert np.ptp(apart[0], axis=2).max() == 0
    assert not apart[2].any()


def test_most_degenerate_games_are_degenerate():
    found = [is_degenerate(gt.games.random_degenerate((4, 4), seed=seed)) for seed in range(20)]
    assert sum(found) >= 18


POSSIBLE = sorted({2**a * 6**b - 1 for b in range(3) for a in range(7 - 3 * b) if a + b})


@pytest.mark.parametrize("count", POSSIBLE)
@pytest.mark.parametrize("seed", [0, 1])
def test_games_have_the_number_of_equilibria_asked_for(count, seed):
    game = gt.games.random_with_equilibria(6, count, seed=seed)
    assert len(vertex_enumeration(game)) == count


def test_a_large_game_is_made_in_seconds():
    for make in (gt.games.random_potential, gt.games.random_dominance_solvable, gt.games.random_polymatrix):
        assert make((1000, 1000), seed=0).n_profiles == 10**6
