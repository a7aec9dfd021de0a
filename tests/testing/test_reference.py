"""The brute-force reference against published answers."""

from __future__ import annotations

import json
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings

import marlgt as gt
from marlgt.testing import bimatrix_games, extreme_equilibria, generic_games, is_nondegenerate
from marlgt.testing.reference import LIMIT, reference_work

DATA = Path(__file__).parents[1] / "data" / "known_answers.json"
KNOWN = [
    case
    for case in json.loads(DATA.read_text())
    if case["kind"] == "bimatrix" and case["equilibria_are"] == "all extreme equilibria" and case["equilibria"]
]
exact = np.vectorize(Fraction, otypes=[object])


@pytest.mark.parametrize("case", KNOWN, ids=[case["name"] for case in KNOWN])
def test_the_reference_finds_exactly_the_known_extreme_equilibria(case):
    game = gt.NormalFormGame(exact(np.array(case["payoffs"], dtype=object)))
    if reference_work(game) > LIMIT:
        with pytest.raises(gt.BudgetExceeded, match="draw fewer"):
            extreme_equilibria(game)
        return
    found = {(tuple(x), tuple(y)) for x, y in extreme_equilibria(game).equilibria}
    assert found == {tuple(tuple(map(Fraction, x)) for x in pair) for pair in case["equilibria"]}


@settings(max_examples=100, deadline=None, database=None, derandomize=True)
@given(bimatrix_games(rows=range(1, 4), columns=range(1, 4)))
def test_nondegenerate_games_have_an_odd_number_and_every_game_has_one(game):
    found = extreme_equilibria(game)
    assert found.equilibria
    if found.nondegenerate:
        assert len(found.equilibria) % 2 == 1


@settings(max_examples=30, deadline=None, database=None, derandomize=True)
@given(generic_games(n_actions=3))
def test_swapping_the_players_swaps_the_equilibria(game):
    here = {(tuple(x), tuple(y)) for x, y in extreme_equilibria(game).equilibria}
    there = {(tuple(y), tuple(x)) for x, y in extreme_equilibria(game.permute_players([1, 0])).equilibria}
    assert here == there


def test_games_that_it_cannot_judge_are_refused_or_not_called_nondegenerate():
    three = gt.NormalFormGame(np.zeros((3, 1, 1, 1)))
    with pytest.raises(gt.UnsupportedGame, match="covers two players"):
        extreme_equilibria(three)
    assert not is_nondegenerate(three)
    assert not is_nondegenerate(gt.NormalFormGame.zero_sum(np.eye(20)))
    assert is_nondegenerate(gt.NormalFormGame.zero_sum([[1, -1], [-1, 1]]))
    assert not is_nondegenerate(gt.NormalFormGame.zero_sum([[0, 0], [0, 0]]))
