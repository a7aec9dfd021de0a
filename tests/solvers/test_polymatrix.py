"""Iterated polymatrix approximation: certified on every kind of game, degenerate ones included."""

import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from marlgt.certificates import relative_epsilon
from marlgt.errors import GameError, NotConverged
from marlgt.games import NormalFormGame
from marlgt.solvers import iterated_polymatrix
from marlgt.solvers._lemke import FOUND, lemke, lemke_tableau
from marlgt.solvers._tensors import regret_of, tensor_of
from marlgt.solvers.polymatrix import polymatrix_equilibrium
from marlgt.testing import KINDS, assert_nash, normal_form_games

CASES = [
    case
    for case in json.loads((Path(__file__).parents[1] / "data" / "known_answers.json").read_text(encoding="utf-8"))
    if case["kind"] == "normal_form"
]


@pytest.mark.parametrize("case", CASES, ids=[case["name"] for case in CASES])
def test_known_games_are_solved_with_one_of_their_equilibria(case):
    game = NormalFormGame(case["payoffs"])
    answer = iterated_polymatrix(game)
    assert relative_epsilon(game, answer) <= 1e-13
    if case["count"] is not None:
        distances = [
            max(np.abs(p - np.array(q)).max() for p, q in zip(answer.profile, equilibrium))
            for equilibrium in case["equilibria"]
        ]
        assert min(distances) <= 1e-9


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_games_of_every_kind_are_solved(kind):
    @settings(max_examples=8, deadline=None)
    @given(KINDS[kind](n_players=st.integers(1, 4)))
    def solved(game):
        assert_nash(game, iterated_polymatrix(game))

    solved()


@settings(max_examples=30, deadline=None)
@given(st.lists(st.integers(1, 3), min_size=2, max_size=4), st.integers(0, 2**32))
def test_one_polymatrix_game_is_solved_at_once(counts, seed):
    # Payoffs that are sums over pairs are their own approximation, at any profile.
    rng = np.random.default_rng(seed)
    n = len(counts)
    payoffs = np.zeros((n, *counts))
    for i in range(n):
        for j in range(n):
            if i != j:
                pair = rng.integers(0, 4, (counts[i], counts[j])).astype(float)
                shape = [1] * n
                shape[i], shape[j] = counts[i], counts[j]
                payoffs[i] += (pair if i < j else pair.T).reshape(shape)
    tensor = tensor_of(NormalFormGame(payoffs))
    y, _ = polymatrix_equilibrium(tensor, tensor.uniform(), tensor.uniform())
    assert y is not None
    assert regret_of(tensor, y) <= 1e-9


@settings(max_examples=60, deadline=None)
@given(st.integers(1, 6), st.integers(0, 2**32), st.booleans())
def test_lemke_solves_problems_whose_matrix_is_positive_and_ties_do_not_make_it_cycle(size, seed, integers):
    rng = np.random.default_rng(seed)
    matrix = rng.integers(1, 3, (size, size)).astype(float) if integers else rng.uniform(0.1, 1, (size, size))
    right = -np.ones(size) if integers else rng.uniform(-1, 1, size)
    tableau, basis, state = np.empty((size, 2 * size + 2)), np.empty(size, dtype=np.int64), np.zeros(2, dtype=np.int64)
    if right.min() >= 0:
        return
    lemke_tableau(matrix, right, np.ones(size), tableau, basis, state)
    assert lemke(tableau, basis, state, 10_000) == FOUND
    z = np.zeros(2 * size + 1)
    z[basis] = tableau[:, -1]
    w, z = z[:size], z[size : 2 * size]
    np.testing.assert_allclose(w, matrix @ z + right, atol=1e-8)
    assert min(w.min(), z.min()) >= -1e-9
    assert abs(w @ z) <= 1e-9


@settings(max_examples=15, deadline=None)
@given(normal_form_games(n_players=3, n_actions=2), st.sampled_from([1e-6, 1e3, 1e12]))
def test_the_scale_of_the_payoffs_does_not_matter(game, scale):
    assert_nash(game, iterated_polymatrix(game.affine(scale=scale)).profile)


def test_the_same_seed_gives_the_same_answer():
    game = NormalFormGame(np.random.default_rng(7).random((5, 2, 2, 2, 2, 2)))
    one, two = iterated_polymatrix(game, seed=3), iterated_polymatrix(game, seed=3)
    assert [p.tolist() for p in one.profile] == [p.tolist() for p in two.profile]
    assert one.work == two.work


def test_running_out_of_time_carries_the_best_profile():
    game = NormalFormGame(np.random.default_rng(5).random((3, 3, 3, 3)))
    with pytest.raises(NotConverged, match="least regret") as caught:
        iterated_polymatrix(game, restarts=0, iterations=1)
    assert 0 < caught.value.best.epsilon < 1
    with pytest.raises(GameError, match="iterations is 0"):
        iterated_polymatrix(game, iterations=0)
