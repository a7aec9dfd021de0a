"""One equilibrium of any game: always certified, exact where that can be, or refused with the best profile."""

import itertools
import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from marlgt.certificates import relative_epsilon
from marlgt.errors import GameError, NotConverged
from marlgt.games import NormalFormGame
from marlgt.solvers import find_one, portfolio, pure_equilibria
from marlgt.solvers._small_supports import supports_by_size
from marlgt.solvers._tensors import tensor_of
from marlgt.testing import KINDS, assert_nash, normal_form_games

DATA = json.loads((Path(__file__).parents[1] / "data" / "known_answers.json").read_text(encoding="utf-8"))
GAMES = [case for case in DATA if case["kind"] == "normal_form"]


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_games_of_every_kind_are_solved(kind):
    @settings(max_examples=10, deadline=None)
    @given(KINDS[kind](n_players=st.integers(1, 4)), st.integers(0, 2**32))
    def solved(game, seed):
        assert_nash(game, find_one(game, seed=seed))

    solved()


@pytest.mark.parametrize("case", GAMES, ids=[case["name"] for case in GAMES])
def test_known_games_are_solved_to_rounding(case):
    game = NormalFormGame(case["payoffs"])
    assert relative_epsilon(game, find_one(game)) <= 1e-14


@pytest.mark.parametrize("counts", [(3, 3, 3), (2, 2, 2, 2), (4, 3, 2, 3), (2, 2, 2, 2, 2)])
def test_random_games_are_solved_to_rounding(counts):
    for seed in range(10):
        game = NormalFormGame(np.random.default_rng(seed).random((len(counts), *counts)))
        assert relative_epsilon(game, find_one(game)) <= 1e-10


@settings(max_examples=40, deadline=None)
@given(normal_form_games(n_players=range(1, 4)))
def test_a_pure_equilibrium_is_preferred_and_proven(game):
    pure = pure_equilibria(game)
    answer = find_one(game)
    if len(pure):
        assert answer.supports == pure[0].supports
        assert answer.exact == game.is_exact
        assert answer.method == "find_one/pure_equilibria"


@settings(max_examples=10, deadline=None)
@given(st.integers(0, 2**32), st.sampled_from([1e-6, 1e6, 1e12]))
def test_the_unit_and_origin_of_the_payoffs_do_not_matter(seed, scale):
    game = NormalFormGame(np.random.default_rng(seed).random((3, 2, 3, 2)))
    other = game.affine(scale=[scale, 1, 1 / scale], shift=[scale, 0, -1 / scale])
    assert_nash(game, find_one(other).profile, tolerance=1e-7)


def test_small_fractions_are_proven():
    # Three players, one totally mixed equilibrium (van der Laan, Talman and van der Heyden 1987).
    payoffs = np.array(next(case for case in GAMES if case["name"] == "vanderlaan_g1_2x2x2")["payoffs"]).astype(int)
    answer = find_one(NormalFormGame(payoffs))
    assert answer.exact
    assert answer.epsilon == 0
    assert [str(p) for x in answer.exact_profile for p in x] == ["1/5", "4/5", "3/7", "4/7", "2/3", "1/3"]


def matching_pennies_of_three(sign=1):
    """Jordan (1993): each player wants to match the next, the last to mismatch the first."""
    payoffs = np.zeros((3, 2, 2, 2), dtype=int)
    for a, b, c in itertools.product(range(2), repeat=3):
        payoffs[:, a, b, c] = sign * (a == b), sign * (b == c), sign * (c != a)
    return NormalFormGame(payoffs)


def test_a_game_without_pure_equilibria_is_solved_by_each_stage_alone(monkeypatch):
    game = matching_pennies_of_three()
    assert len(pure_equilibria(game)) == 0
    nothing = lambda *arguments: iter(())  # noqa: E731
    methods = set()
    for silenced in (set(), {"_polymatrix"}, {"_polymatrix", "_logit"}):
        with monkeypatch.context() as patch:
            for name in silenced:
                patch.setattr(portfolio, name, nothing)
            answer = find_one(game)
            assert answer.exact
            assert answer.epsilon == 0
            methods.add(answer.method)
    assert methods == {"find_one/iterated_polymatrix", "find_one/logit", "find_one/small_supports"}


def test_failure_carries_the_best_profile_seen(monkeypatch):
    for name in ("_polymatrix", "_logit", "supports_by_size"):
        monkeypatch.setattr(portfolio, name, lambda *arguments: iter(()))
    with pytest.raises(NotConverged, match="least regret") as caught:
        find_one(matching_pennies_of_three(), restarts=0)
    assert caught.value.best.profile is not None


def test_a_profile_whose_certificate_fails_is_never_returned(monkeypatch):
    # A stage that lies, as one with a fault would.
    def lie(tensor, start):
        yield "iterated_polymatrix", np.array([1.0, 0.0] * 3)

    monkeypatch.setattr(portfolio, "_polymatrix", lie)
    answer = find_one(matching_pennies_of_three())
    assert answer.method == "find_one/logit"
    assert_nash(matching_pennies_of_three(), answer, tolerance=0)


def test_the_same_seed_gives_the_same_answer():
    game = NormalFormGame(np.random.default_rng(12).random((4, 3, 3, 3, 3)))
    one, two = find_one(game, seed=5), find_one(game, seed=5)
    assert [p.tolist() for p in one.profile] == [p.tolist() for p in two.profile]


def test_supports_come_by_size_once_each_and_without_dominated_actions():
    game = NormalFormGame(np.random.default_rng(0).random((3, 3, 2, 3)))
    masks = [tuple(mask.tolist()) for mask in supports_by_size(tensor_of(game))]
    assert len(set(masks)) == len(masks)
    totals = [sum(mask) for mask in masks]
    assert totals == sorted(totals)
    dominated = np.zeros((2, 3, 3))
    dominated[0, 2] = -1.0
    dominated[1, :, 1] = -1.0
    for mask in supports_by_size(tensor_of(NormalFormGame(dominated))):
        assert not mask[2]
        assert not mask[4]


def test_a_time_limit_that_allows_nothing_is_refused():
    with pytest.raises(GameError, match="time_limit is 0: it must be positive"):
        find_one(matching_pennies_of_three(), time_limit=0)
