"""Stackelberg outcomes: published answers, an independent program, and what commitment is worth."""

import json
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import marlgt as gt
from marlgt.concepts import is_stackelberg, stackelberg_shortfalls, stackelberg_value
from marlgt.solvers.commitment import stackelberg, stackelberg_pure
from marlgt.solvers.correlated import correlated_equilibrium
from marlgt.testing import extreme_scale_games, normal_form_games, zero_sum_games

GAMES = normal_form_games(n_players=2, n_actions=range(1, 5))
CASES = [
    case
    for case in json.loads((Path(__file__).parents[1] / "data" / "known_answers.json").read_text())
    if case["kind"] == "stackelberg_strong"
]


@pytest.mark.parametrize("case", CASES, ids=[case["name"] for case in CASES])
def test_published_commitments(case):
    game = gt.NormalFormGame(case["payoffs"])
    answer = stackelberg(game)
    assert answer.values[0] == pytest.approx(case["value"], abs=1e-12)
    assert answer.profile[0] == pytest.approx(case["leader_commitment"], abs=1e-12)
    assert answer.exact
    assert answer.epsilon == 0
    swapped = stackelberg(game.permute_players([1, 0]), leader=1)
    assert swapped.values[1] == answer.values[0]


@settings(max_examples=100, deadline=None)
@given(GAMES, st.integers(0, 1), st.booleans())
def test_every_answer_is_a_best_commitment_with_a_best_reply(game, leader, mixed):
    solve = stackelberg if mixed else stackelberg_pure
    answer = solve(game, leader=leader)
    shortfalls, exact = stackelberg_shortfalls(game, answer.exact_profile or answer.profile, leader=leader, mixed=mixed)
    assert (shortfalls <= 1e-9 * game.payoff_range).all()
    if exact:
        assert answer.epsilon == 0
        assert answer.exact
    if mixed:
        assert is_stackelberg(game, answer.profile, leader=leader)
        short = stackelberg_value(game, leader=leader) - answer.values[leader]
        assert abs(short) <= 1e-9 * game.payoff_range[leader] + 1e-15 * np.abs(game.payoffs).max()


@settings(max_examples=60, deadline=None)
@given(GAMES)
def test_commitment_is_worth_at_least_the_best_correlated_and_pure_outcomes(game):
    if game.is_exact and np.abs(game.payoffs).max() > 2.0**50:
        return  # the correlated program cannot see the differences that the exact one does
    slack = 1e-8 * game.payoff_range[0] + 1e-12 * np.abs(game.payoffs).max()
    mixed = stackelberg(game).values[0]
    assert mixed >= stackelberg_pure(game).values[0] - slack
    # Committing to mixed strategies is worth as much as the best correlated equilibrium, at least.
    assert mixed >= correlated_equilibrium(game, objective="libertarian", player=0).values[0] - slack


@settings(max_examples=40, deadline=None)
@given(zero_sum_games(n_actions=range(1, 4)))
def test_in_a_zero_sum_game_commitment_is_worth_the_value(game):
    first, second = stackelberg(game, leader=0).values[0], stackelberg(game, leader=1).values[0]
    assert first == pytest.approx(second, abs=1e-8 * max(game.payoff_range.max(), 1e-300))


@settings(max_examples=60, deadline=None)
@given(GAMES)
def test_a_pure_commitment_is_the_best_of_the_leaders_rows(game):
    if not game.is_exact:
        return
    own, other = game.fractions
    best = max(max(u for u, v in zip(row, reply) if v == max(reply)) for row, reply in zip(own, other))
    assert stackelberg_pure(game).values[0] == float(best)


@settings(max_examples=40, deadline=None)
@given(extreme_scale_games(n_players=2, n_actions=range(1, 4)))
def test_payoffs_of_any_scale_are_certified(game):
    for leader in (0, 1):
        answer = stackelberg(game, leader=leader)
        assert (answer.regrets <= 1e-9 * game.payoff_range).all()


def test_float_games_agree_with_the_same_game_in_fractions():
    rng = np.random.default_rng(2)
    for _ in range(20):
        payoffs = rng.integers(-20, 20, size=(2, 3, 4))
        exact = stackelberg(gt.NormalFormGame(payoffs))
        rough = stackelberg(gt.NormalFormGame(payoffs / 8))
        assert not rough.exact
        assert rough.values[0] == pytest.approx(exact.values[0] / 8, abs=1e-9)


def test_large_exact_games_are_solved_and_checked_in_floats():
    rng = np.random.default_rng(4)
    game = gt.NormalFormGame(rng.integers(0, 100, size=(2, 12, 15)))
    answer = stackelberg(game)
    assert not answer.exact
    assert sum(answer.exact_profile[0]) == Fraction(1)
    assert answer.epsilon <= 1e-9 * 100


def test_three_players_are_refused_with_a_way_out():
    with pytest.raises(gt.UnsupportedGame, match="one leader and one follower, the game has 3 players"):
        stackelberg(gt.NormalFormGame(np.zeros((3, 1, 1, 1))))
    with pytest.raises(gt.GameError, match="leader is 2"):
        stackelberg(gt.NormalFormGame.zero_sum([[1]]), leader=2)


def test_the_leaders_units_do_not_blur_the_followers_choice():
    game = gt.NormalFormGame.bimatrix([[1.0], [0.0]], [[1e15], [1.001e15]])
    assert stackelberg_pure(game, leader=1).supports == ((0,), (0,))
    assert stackelberg(game, leader=1).supports == ((0,), (0,))
