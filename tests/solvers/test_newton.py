"""Newton polish: machine precision near an equilibrium, a certified refusal elsewhere."""

import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from marlgt.certificates import relative_epsilon
from marlgt.errors import GameError, NotConverged, ProfileError
from marlgt.games import NormalFormGame
from marlgt.games._profiles import deviation_payoffs
from marlgt.kernels import compiled
from marlgt.solvers import newton_polish
from marlgt.solvers._support_newton import eliminate_completely
from marlgt.solvers._tensors import eliminate, payoff_jacobian, split, tensor_of

CASES = [
    case
    for case in json.loads((Path(__file__).parents[1] / "data" / "known_answers.json").read_text(encoding="utf-8"))
    if case["kind"] == "normal_form"
]


@settings(max_examples=40, deadline=None)
@given(st.lists(st.integers(1, 4), min_size=1, max_size=5), st.integers(0, 2**32), st.integers(0, 4))
def test_the_pairwise_payoffs_are_what_a_pure_opponent_leaves(counts, seed, zeros):
    rng = np.random.default_rng(seed)
    game = NormalFormGame(rng.random((len(counts), *counts)))
    tensor = tensor_of(game)
    x = np.concatenate([rng.dirichlet(np.ones(c)) for c in counts])
    x[rng.integers(0, x.size, zeros)] = 0.0
    jacobian, values = np.empty((tensor.size, tensor.size)), np.empty(tensor.size)
    payoff_jacobian(tensor.payoffs, tensor.counts, tensor.offsets, x, jacobian, values)
    profile = [x[a:b] for a, b in zip(tensor.offsets, tensor.offsets[1:])]
    for i in range(len(counts)):
        own = slice(tensor.offsets[i], tensor.offsets[i + 1])
        payoffs = tensor.payoffs[i].reshape(counts)
        np.testing.assert_allclose(values[own], deviation_payoffs(payoffs, profile, i), atol=1e-14)
        for j in range(len(counts)):
            for b in range(counts[j]):
                column = jacobian[own, tensor.offsets[j] + b]
                if i == j:
                    assert not column.any()
                    continue
                pure = list(profile)
                pure[j] = np.eye(counts[j])[b]
                np.testing.assert_allclose(column, deviation_payoffs(payoffs, pure, i), atol=1e-14)


def test_both_gears_give_the_same_pairwise_payoffs():
    game = NormalFormGame(np.random.default_rng(0).random((4, 2, 3, 1, 2)))
    tensor = tensor_of(game)
    results = []
    for function in (payoff_jacobian, compiled(payoff_jacobian)):
        jacobian, values = np.empty((tensor.size, tensor.size)), np.empty(tensor.size)
        function(tensor.payoffs, tensor.counts, tensor.offsets, tensor.uniform(), jacobian, values)
        results.append((jacobian, values))
    np.testing.assert_allclose(results[0][0], results[1][0], rtol=1e-14)
    np.testing.assert_allclose(results[0][1], results[1][1], rtol=1e-14)


@settings(max_examples=60, deadline=None)
@given(st.integers(1, 7), st.integers(0, 7), st.integers(0, 2**32))
def test_complete_pivoting_solves_consistent_systems_of_any_rank(size, rank, seed):
    rng = np.random.default_rng(seed)
    rank = min(rank, size)
    matrix = rng.normal(size=(size, rank)) @ rng.normal(size=(rank, size))
    right = matrix @ rng.normal(size=size)
    solution = right.copy()
    assert eliminate_completely(matrix.copy(), solution, 1e-10) == rank
    np.testing.assert_allclose(matrix @ solution, right, atol=1e-8)


@settings(max_examples=40, deadline=None)
@given(st.integers(1, 7), st.integers(0, 2**32))
def test_elimination_agrees_with_numpy_and_sees_singular_rows(size, seed):
    rng = np.random.default_rng(seed)
    matrix = rng.normal(size=(size, size)) * 10.0 ** rng.integers(-8, 8, size=(size, 1))
    right = rng.normal(size=(size, 2))
    solution = right.copy()
    assert eliminate(matrix.copy(), solution) > 0
    np.testing.assert_allclose(solution, np.linalg.solve(matrix, right), rtol=1e-6, atol=1e-9)
    matrix[-1] = 0.0
    assert eliminate(matrix, right) == 0


@pytest.mark.parametrize("case", CASES, ids=[case["name"] for case in CASES])
def test_every_known_equilibrium_is_found_from_nearby(case):
    game = NormalFormGame(case["payoffs"])
    rng = np.random.default_rng(0)
    for equilibrium in case["equilibria"]:
        supports = [np.flatnonzero(np.array(x) > 1e-9) for x in equilibrium]
        guess = []
        for x in equilibrium:
            moved = np.array(x) * (1 + 0.02 * rng.random(len(x)))
            guess.append(moved / moved.sum())
        answer = newton_polish(game, guess, supports=supports)
        assert relative_epsilon(game, answer) <= 1e-14
        if "continuum" not in case["tags"]:
            for p, q in zip(answer.profile, equilibrium):
                np.testing.assert_allclose(p, q, atol=1e-9)


def test_an_action_that_gains_joins_the_support():
    game = NormalFormGame.bimatrix([[3, 0], [0, 1]], [[1, 0], [0, 3]])
    answer = newton_polish(game, ([0, 1], [0.6, 0.4]), supports=([1], [1]))
    assert answer.supports == ((1,), (1,))
    # Alone, rock is beaten by paper, paper by scissors: both players end up mixing all three.
    game = NormalFormGame.zero_sum([[0, -1, 1], [1, 0, -1], [-1, 1, 0]])
    answer = newton_polish(game, ([0.4, 0.6, 0.0], [0.4, 0.6, 0.0]), supports=([0, 1, 2], [0, 1, 2]))
    assert answer.supports == ((0, 1, 2), (0, 1, 2))


def test_an_action_with_negative_probability_leaves_the_support():
    # On full supports the first player's indifference asks for a negative probability.
    game = NormalFormGame(np.random.default_rng(11).random((3, 3, 3, 3)))
    polished = newton_polish(game, ([1 / 3] * 3,) * 3, support_changes=30)
    assert relative_epsilon(game, polished) <= 1e-13
    assert polished.supports == ((0, 2), (0, 1, 2), (0, 1, 2))


def test_small_fractions_are_recognised_and_proven():
    game = NormalFormGame.bimatrix([[3, 0], [0, 1]], [[1, 0], [0, 3]])
    answer = newton_polish(game, ([0.7, 0.3], [0.2, 0.8]))
    assert answer.exact
    assert answer.epsilon == 0
    assert [str(p) for p in answer.exact_profile[0]] == ["3/4", "1/4"]


def test_an_equilibrium_comes_back_as_it_is():
    game = NormalFormGame(np.zeros((3, 2, 2, 2)))
    profile = ([0.3, 0.7], [0.5, 0.5], [1, 0])
    answer = newton_polish(game, profile)
    for p, q in zip(answer.profile, profile):
        np.testing.assert_allclose(p, q, atol=1e-12)


def test_bad_arguments_are_refused_with_their_place():
    game = NormalFormGame.zero_sum([[1, -1], [-1, 1]])
    with pytest.raises(ProfileError, match="profile"):
        newton_polish(game, ([1, 0],))
    with pytest.raises(GameError, match=r"supports\[1\] is \[2\]"):
        newton_polish(game, ([1, 0], [1, 0]), supports=([0], [2]))
    with pytest.raises(GameError, match="each of 2 players"):
        newton_polish(game, ([1, 0], [1, 0]), supports=([0],))


def test_failure_carries_the_certified_guess():
    rng = np.random.default_rng(3)
    game = NormalFormGame(rng.random((3, 4, 4, 4)))
    with pytest.raises(NotConverged, match="largest regret") as caught:
        newton_polish(game, ([1, 0, 0, 0],) * 3, supports=([0], [0], [0]), support_changes=0)
    assert caught.value.best.epsilon > 0


def test_a_stacked_vector_splits_into_distributions():
    parts = split(np.array([0.5, 0.5, -1e-18, 2.0]), np.array([0, 2, 4]))
    assert [p.tolist() for p in parts] == [[0.5, 0.5], [0.0, 1.0]]
