"""Lemke's method on the sequence form: equilibria of the normal form, priors, integers where floats are misled."""

from __future__ import annotations

import json
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from marlgt.concepts import is_subgame_perfect, regrets
from marlgt.concepts.exact_behavior import exact_behavior_regrets
from marlgt.errors import ExactnessError, GameError, NotConverged, ProfileError, UnsupportedGame
from marlgt.games import ExtensiveGame, NormalFormGame, TreeBuilder, behavior_to_mixed, kuhn_poker
from marlgt.solvers import sequence_form_lcp, sequence_form_lp
from marlgt.solvers.extensive import sequence_pivoting
from marlgt.solvers.extensive._complementarity import complementarity, player_basis, reply_choices
from marlgt.solvers.extensive._integer_lemke import integer_lemke
from marlgt.testing import (
    behavior_profiles,
    extensive_games,
    forgetful_games,
    perfect_information_games,
    zero_sum_extensive_games,
)

KNOWN = json.loads((Path(__file__).parents[2] / "data" / "known_answers.json").read_text(encoding="utf-8"))


@settings(max_examples=80)
@given(extensive_games(n_players=2), st.none() | st.integers(0, 9))
def test_no_player_gains_and_exact_games_have_exact_answers(game, seed):
    answer = sequence_form_lcp(game, seed=seed)
    assert regrets(game, answer.profile).max() <= 1e-9 * max(1.0, game.payoff_range.max())
    assert answer.exact == game.is_exact
    if game.is_exact:
        assert exact_behavior_regrets(game, answer.exact_profile)[1].tolist() == [0, 0]


@settings(max_examples=40)
@given(extensive_games(n_players=2, max_depth=3))
def test_the_answer_is_an_equilibrium_of_the_normal_form(game):
    answer = sequence_form_lcp(game)
    normal = game.normal_form()
    gains = regrets(normal, behavior_to_mixed(game, answer.profile))
    assert gains.max() <= 1e-9 * max(1.0, game.payoff_range.max())


@settings(max_examples=30)
@given(zero_sum_extensive_games())
def test_in_zero_sum_games_it_finds_the_value(game):
    assert sequence_form_lcp(game).values[0] == pytest.approx(sequence_form_lp(game).values[0], abs=1e-9)


@settings(max_examples=40)
@given(data=st.data())
def test_the_path_can_start_from_any_prior(data):
    game = data.draw(extensive_games(n_players=2))
    answer = sequence_form_lcp(game, prior=data.draw(behavior_profiles(game)))
    assert answer.epsilon <= 1e-9 * max(1.0, game.payoff_range.max())


@settings(max_examples=80)
@given(data=st.data())
def test_the_path_in_integers_ends_in_an_equilibrium_and_never_in_a_ray(data):
    game = data.draw(extensive_games(n_players=2))
    path = sequence_pivoting._Path(game, lambda: 0.0)
    rng = np.random.default_rng(data.draw(st.integers(0, 9)))
    (answer,) = sequence_pivoting._from_integers(path, sequence_pivoting._drawn_prior(game, rng))
    assert answer.epsilon <= 1e-9 * max(1.0, game.payoff_range.max())


@settings(max_examples=40)
@given(data=st.data())
def test_at_weight_one_the_prior_is_replied_to(data):
    # von Stengel, van den Elzen and Talman (2002): b + d is feasible.
    game = data.draw(extensive_games(n_players=2))
    form = game.sequence_form
    plans = form.realization_plans(data.draw(behavior_profiles(game)))
    payoffs = (form.payoff_matrix(0).toarray(), form.payoff_matrix(1).toarray().T)
    bases = tuple(
        player_basis(own, reply_choices(own, payoffs[i] @ plans[1 - i]), np.float64)
        for i, own in enumerate(form.players)
    )
    problem = complementarity(payoffs, plans, bases)
    assert (problem.right + problem.cover >= -1e-9).all()
    in_w = problem.plans(problem.right + problem.cover, np.zeros(len(problem.right)))
    assert all(not plan[basis.chosen].any() for plan, basis in zip(in_w, bases))
    for own, basis in zip(form.players, bases):
        assert not (own.constraints() @ basis.spread).any()
        np.testing.assert_array_equal(own.constraints() @ basis.pure, np.eye(1 + own.n_infosets)[0])


def entry_game():
    tree = TreeBuilder(["entrant", "incumbent"])
    root = tree.decision(None, 0, "entry", ["out", "in"])
    tree.terminal(root, [0, 2])
    reply = tree.decision(root, 1, "reply", ["fight", "share"])
    tree.terminal(reply, [-1, -1])
    tree.terminal(reply, [1, 1])
    return tree.build()


def test_a_completely_mixed_prior_leads_away_from_empty_threats():
    # Normal-form perfect equilibria are found (proved there); "out, fight" is none.
    for seed in range(10):
        answer = sequence_form_lcp(entry_game(), seed=seed)
        assert is_subgame_perfect(entry_game(), answer.profile)


@settings(max_examples=30)
@given(perfect_information_games(n_players=2, exact=True))
def test_games_of_perfect_information_are_no_exception(game):
    assert sequence_form_lcp(game).epsilon == 0


def test_different_priors_reach_different_equilibria():
    game = ExtensiveGame.from_normal_form(NormalFormGame.bimatrix([[3, 0], [0, 1]], [[1, 0], [0, 3]]))
    reached = {
        tuple(sequence_form_lcp(game, prior=([[p, 1 - p]], [[p, 1 - p]])).values.tolist()) for p in (0.01, 0.6, 0.99)
    }
    assert {(3.0, 1.0), (1.0, 3.0)} <= reached


def test_kuhn_poker_has_its_value_exactly():
    # Kuhn (1950): -1/18.
    game = kuhn_poker()
    answer = sequence_form_lcp(game, exact=True)
    assert exact_behavior_regrets(game, answer.exact_profile)[0][0] == Fraction(-1, 18)
    assert not sequence_form_lcp(game, exact=False).exact


@pytest.mark.parametrize("name", ["myerson_simple_poker", "stripped_down_poker_reiley", "stoc94_sequence_form_example"])
def test_poker_games_of_the_literature_have_their_values(name):
    (case,) = [case for case in KNOWN if case["name"] == name]
    answer = sequence_form_lcp(ExtensiveGame.from_efg(case["payoffs"]))
    assert answer.values[0] == pytest.approx(float(Fraction(str(case["value"]))), abs=1e-9)


def ints(values):
    return np.array(values, dtype=object)


def test_the_integer_path_reports_a_ray():
    assert integer_lemke(ints([[-1]]), ints([-1]), ints([1]), max_pivots=10) is None
    assert integer_lemke(ints([[1]]), ints([-1]), ints([1]), max_pivots=0) is None


def test_the_integer_path_solves_a_problem_of_the_textbook():
    # w = -1 + 2 z: z = 1/2; with nonnegative b nothing moves.
    in_z, pivots = integer_lemke(ints([[2]]), ints([-1]), ints([1]), max_pivots=10)
    assert (in_z.tolist(), pivots) == ([True], 2)
    assert integer_lemke(ints([[2]]), ints([1]), ints([1]), max_pivots=10)[1] == 0


def test_where_floats_fail_integers_follow(monkeypatch):
    def lost(problem):
        n = len(problem.right)
        return np.zeros(n), np.zeros(n), np.zeros(n, dtype=bool), 0

    monkeypatch.setattr(sequence_pivoting, "_float_lemke", lost)
    assert sequence_form_lcp(kuhn_poker()).epsilon == 0
    monkeypatch.setattr(sequence_pivoting, "_INTEGER_SEQUENCES", 0)
    with pytest.raises(NotConverged, match="give another prior or seed") as caught:
        sequence_form_lcp(kuhn_poker())
    assert caught.value.best.epsilon > 0


@settings(max_examples=5)
@given(forgetful_games(n_players=2, max_depth=3))
def test_players_who_forget_are_refused(game):
    with pytest.raises(UnsupportedGame, match="forgets at information set"):
        sequence_form_lcp(game)


def test_bad_arguments_are_refused():
    game = entry_game()
    with pytest.raises(GameError, match="game is 1: give an ExtensiveGame"):
        sequence_form_lcp(1)
    with pytest.raises(GameError, match="seed is -1: give a whole number from 0"):
        sequence_form_lcp(game, seed=-1)
    with pytest.raises(ProfileError, match="the policy of player 0 has shape"):
        sequence_form_lcp(game, prior=([[1]], [[1, 0]]))
    with pytest.raises(UnsupportedGame, match="takes two players and the game has 3"):
        sequence_form_lcp(kuhn_poker(3))
    tree = TreeBuilder(["Ann", "Bob"])
    tree.terminal(None, [0.5, 0.5])
    with pytest.raises(ExactnessError, match=r"call game.rationalize\(\) first"):
        sequence_form_lcp(tree.build(), exact=True)
