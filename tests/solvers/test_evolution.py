"""Evolutionarily stable strategies: published games, the definition on a grid, and an independent criterion."""

import itertools
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import marlgt as gt
from marlgt.concepts import is_evolutionarily_stable, is_strictly_copositive
from marlgt.solvers.evolution import evolutionarily_stable_strategies
from marlgt.testing import symmetric_games


def contest(matrix):
    matrix = np.asarray(matrix)
    return gt.NormalFormGame.bimatrix(matrix, matrix.T)


def found(game):
    return [
        tuple(e.exact_profile[0] if game.is_exact else e.profile[0]) for e in evolutionarily_stable_strategies(game)
    ]


def grid(count, steps):
    return [
        np.array([Fraction(k, steps) for k in parts])
        for parts in itertools.product(range(steps + 1), repeat=count)
        if sum(parts) == steps
    ]


@settings(max_examples=50, deadline=None)
@given(symmetric_games(n_players=2, n_actions=range(1, 5)))
def test_a_stable_strategy_beats_every_other_best_reply_against_itself(game):
    if not game.is_exact:
        return
    matrix = game.fractions[0]
    for e in evolutionarily_stable_strategies(game):
        x = e.exact_profile[0]
        assert e.epsilon == 0
        own = matrix @ x
        for y in grid(len(x), 6):
            if (y != x).any() and y @ own == max(own):
                assert x @ matrix @ y > y @ matrix @ y


@settings(max_examples=60, deadline=None)
@given(symmetric_games(n_players=2, n_actions=range(1, 4)))
def test_every_strict_symmetric_equilibrium_is_found(game):
    if not game.is_exact:
        return
    pure = {x.index(1) for x in found(game) if 1 in x}
    for i, column in enumerate(game.fractions[0].T):
        if sum(column == column.max()) == 1 and column[i] == column.max():
            assert i in pure


@settings(max_examples=40, deadline=None)
@given(symmetric_games(n_players=2, n_actions=range(1, 4)))
def test_no_stable_strategy_plays_within_the_best_replies_to_another(game):
    # Bishop and Cannings (1976).
    if not game.is_exact:
        return
    stable = found(game)
    for x, y in itertools.permutations(stable, 2):
        own = game.fractions[0] @ np.array(x)
        best = {i for i, u in enumerate(own) if u == max(own)}
        assert not {i for i, p in enumerate(y) if p} <= best


def test_hawks_and_doves_mix_where_the_cost_exceeds_the_value():
    # Maynard Smith (1982): the share of hawks is V / C.
    assert found(contest([[-2, 4], [0, 2]])) == [(Fraction(1, 2), Fraction(1, 2))]
    assert found(contest([[1, 4], [0, 2]])) == [(1, 0)]


@pytest.mark.parametrize(("win", "stable"), [(2, True), (1, False), (Fraction(1, 2), False)])
def test_rock_paper_scissors_is_stable_only_where_winning_is_worth_more_than_losing(win, stable):
    # Zeeman (1980).
    third = (Fraction(1, 3),) * 3
    game = contest([[0, -1, win], [win, 0, -1], [-1, win, 0]])
    assert found(game) == ([third] if stable else [])
    assert is_evolutionarily_stable(game, third) == stable


def test_neutral_mutants_prevent_stability():
    # Tit-for-tat against unconditional cooperation: equal against each other.
    assert found(contest([[3, 3], [3, 3]])) == []
    assert not is_evolutionarily_stable(contest([[3, 3], [3, 3]]), [1, 0])


def test_a_best_reply_outside_the_support_is_weighed_by_copositivity():
    # The third action is a best reply to (1/2, 1/2, 0); it may or may not invade.
    held = contest([[0, 2, 1], [2, 0, 1], [1, 1, 0]])
    invaded = contest([[0, 2, 1], [2, 0, 1], [1, 1, 2]])
    half = [Fraction(1, 2), Fraction(1, 2), Fraction(0)]
    assert is_evolutionarily_stable(held, half)
    assert not is_evolutionarily_stable(invaded, half)


def test_floats_and_fractions_agree():
    rng = np.random.default_rng(8)
    for _ in range(25):
        matrix = rng.integers(-8, 9, size=(4, 4))
        exact = [tuple(float(p) for p in x) for x in found(contest(matrix))]
        rough = found(contest(matrix / 16))
        assert np.allclose(sorted(exact), sorted(rough), atol=1e-9) if exact else not rough


@st.composite
def symmetric_matrices(draw):
    n = draw(st.integers(1, 4))
    upper = draw(st.lists(st.integers(-3, 4), min_size=n * n, max_size=n * n))
    matrix = np.triu(np.array(upper).reshape(n, n))
    return (matrix + np.triu(matrix, 1).T).astype(object)


@settings(max_examples=150, deadline=None)
@given(symmetric_matrices())
def test_strict_copositivity_agrees_with_the_eigenvector_criterion_of_kaplan(matrix):
    # Kaplan (2000): no principal submatrix has a positive eigenvector with eigenvalue <= 0.
    n = len(matrix)
    witness = False
    for size in range(1, n + 1):
        for chosen in itertools.combinations(range(n), size):
            values, vectors = np.linalg.eigh(matrix[np.ix_(chosen, chosen)].astype(float))
            if np.diff(values).min(initial=1.0) < 1e-9:
                return  # a repeated eigenvalue has no unique eigenvector
            for value, vector in zip(values, vectors.T):
                witness |= value <= 1e-12 and np.ptp(np.sign(vector)) == 0 and np.abs(vector).min() > 1e-12
    assert is_strictly_copositive(matrix) == (not witness)
    if not witness:
        assert all(v @ matrix @ v > 0 for v in grid(n, 5))


def test_horns_matrix_is_copositive_but_not_strictly():
    horn = np.array(
        [[1, -1, 1, 1, -1], [-1, 1, -1, 1, 1], [1, -1, 1, -1, 1], [1, 1, -1, 1, -1], [-1, 1, 1, -1, 1]], dtype=object
    )
    assert not is_strictly_copositive(horn)
    assert is_strictly_copositive(100 * horn + np.eye(5, dtype=int))


def test_an_asymmetric_game_and_too_many_supports_are_refused():
    with pytest.raises(gt.UnsupportedGame, match="a symmetric two-player game"):
        evolutionarily_stable_strategies(gt.NormalFormGame.bimatrix([[1, 2]], [[3, 4]]))
    with pytest.raises(gt.BudgetExceeded, match=r"2\^20 supports"):
        evolutionarily_stable_strategies(contest(np.eye(20, dtype=int)))


def test_without_a_budget_answers_stream():
    answers = evolutionarily_stable_strategies(contest(np.eye(4, dtype=int)), budget=None)
    assert next(iter(answers)).supports == ((0,), (0,))
    assert len(answers) == 4
    assert answers.complete
