"""Exact equilibria from their supports: known answers, definitions, and what is refused."""

import json
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from marlgt.certificates import certify
from marlgt.errors import ExactnessError, GameError, UnsupportedGame
from marlgt.games import NormalFormGame
from marlgt.solvers import exact_equilibrium

CASES = [
    case
    for case in json.loads((Path(__file__).parents[1] / "data" / "known_answers.json").read_text())
    if case["kind"] == "bimatrix" and case["equilibria"]
]


def fractions(nested):
    if isinstance(nested, list):
        return [fractions(x) for x in nested]
    return Fraction(nested)


def support(strategy):
    return [a for a, p in enumerate(strategy) if p]


def tied_best(payoffs, mixture):
    earned = [sum(a * p for a, p in zip(row, mixture)) for row in payoffs]
    return [i for i, u in enumerate(earned) if u == max(earned)]


@st.composite
def integer_games(draw, *, most=4):
    m, n = draw(st.integers(1, most)), draw(st.integers(1, most))
    size = draw(st.sampled_from([1, 2, 9, 10**12]))
    entries = st.integers(-size, size)
    matrix = st.lists(st.lists(entries, min_size=n, max_size=n), min_size=m, max_size=m)
    return draw(matrix), draw(matrix)


@pytest.mark.parametrize("case", CASES, ids=[case["name"] for case in CASES])
def test_every_published_extreme_equilibrium_follows_from_its_support_and_best_replies(case):
    A, B = fractions(case["payoffs"])
    game = NormalFormGame.bimatrix(A, B)
    columns = [list(column) for column in zip(*B)]
    for x, y in fractions(case["equilibria"]):
        ties = tied_best(A, y), tied_best(columns, x)
        found = exact_equilibrium(game, (support(x), support(y)), best_replies=ties)
        assert found is not None
        assert [found[0].tolist(), found[1].tolist()] == [x, y]


@settings(max_examples=150, deadline=None)
@given(integer_games(), st.data())
def test_an_answer_is_an_equilibrium_on_the_supports_asked_for(matrices, data):
    game = NormalFormGame.bimatrix(*matrices)
    supports = tuple(
        data.draw(st.lists(st.integers(0, k - 1), min_size=1, max_size=k, unique=True)) for k in game.n_actions
    )
    found = exact_equilibrium(game, supports)
    if found is not None:
        certificate = certify(game, found)
        assert certificate.exact
        assert certificate.epsilon == 0
        assert all(set(support(p)) <= set(s) for p, s in zip(found, supports))


@settings(max_examples=150, deadline=None)
@given(integer_games())
def test_a_pure_equilibrium_is_found_exactly_where_no_deviation_gains(matrices):
    A, B = matrices
    game = NormalFormGame.bimatrix(A, B)
    for i in range(len(A)):
        for j in range(len(A[0])):
            stable = A[i][j] == max(row[j] for row in A) and B[i][j] == max(B[i])
            assert (exact_equilibrium(game, ([i], [j])) is not None) == stable


def test_supports_of_unequal_size_need_the_tied_best_replies():
    # von Stengel (2007), the degenerate 3 x 2 game: row 0 with every mixture from (1, 0) to (2/3, 1/3).
    game = NormalFormGame.bimatrix([[3, 3], [2, 5], [0, 6]], [[3, 3], [2, 6], [3, 1]])
    assert exact_equilibrium(game, ([0], [0, 1])) is None
    found = exact_equilibrium(game, ([0], [0, 1]), best_replies=([0, 1], [0, 1]))
    assert found is not None
    assert found[1].tolist() == [Fraction(2, 3), Fraction(1, 3)]


def test_supports_may_come_in_any_order():
    game = NormalFormGame.bimatrix([[3, 3], [2, 5], [0, 6]], [[3, 2], [2, 6], [3, 1]])
    one, other = exact_equilibrium(game, ([2, 1], [1, 0])), exact_equilibrium(game, ([1, 2], [0, 1]))
    assert one is not None
    assert other is not None
    assert [p.tolist() for p in one] == [p.tolist() for p in other]


def test_payoffs_beyond_float_precision_are_told_apart():
    huge = 10**40
    game = NormalFormGame.bimatrix([[huge, 0], [0, 1]], [[0, huge + 1], [1, 0]])
    x, y = exact_equilibrium(game, ([0, 1], [0, 1]))
    assert x.tolist() == [Fraction(1, huge + 2), Fraction(huge + 1, huge + 2)]
    assert y.tolist() == [Fraction(1, huge + 1), Fraction(huge, huge + 1)]


def test_games_that_it_does_not_cover_are_refused():
    with pytest.raises(UnsupportedGame, match=r"use marlgt\.solve"):
        exact_equilibrium(NormalFormGame(np.zeros((3, 2, 2, 2), dtype=int)), ([0], [0]))
    with pytest.raises(ExactnessError, match="rationalize"):
        exact_equilibrium(NormalFormGame.zero_sum([[0.5]]), ([0], [0]))


@pytest.mark.parametrize("supports", [([], [0]), ([0], [2]), ([0, 0], [0]), ([-1], [0])])
def test_supports_that_the_game_has_not_are_refused(supports):
    game = NormalFormGame.zero_sum([[1, 2], [3, 4]])
    with pytest.raises(GameError, match="name at least one action"):
        exact_equilibrium(game, supports)


def test_one_collection_of_actions_per_player_is_asked_for():
    with pytest.raises(GameError, match="must be a pair"):
        exact_equilibrium(NormalFormGame.zero_sum([[1]]), ([0],))
