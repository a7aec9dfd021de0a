"""The sequence-form linear program: published values, exact ones, and the minimax value of the normal form."""

from __future__ import annotations

import dataclasses
import json
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from hypothesis import assume, given, settings

from marlgt.concepts import regrets
from marlgt.concepts.exact_behavior import exact_behavior_regrets
from marlgt.errors import ExactnessError, GameError, NotConverged, UnsupportedGame
from marlgt.games import ExtensiveGame, kuhn_poker, leduc_poker, liars_dice
from marlgt.linear_programs import solve_linear_program
from marlgt.solvers import minimax, sequence_form_lp
from marlgt.solvers.extensive import sequence_programs
from marlgt.testing import forgetful_games, imperfect_information_games, zero_sum_extensive_games
from marlgt.testing.policy_images import on_other_scales

KNOWN = json.loads((Path(__file__).parents[2] / "data" / "known_answers.json").read_text(encoding="utf-8"))
TREES = {case["name"]: case for case in KNOWN if case["kind"] == "efg_value" and case["payoffs"].startswith("EFG")}


@settings(max_examples=60)
@given(zero_sum_extensive_games())
def test_no_player_gains_and_exact_games_have_exact_answers(game):
    answer = sequence_form_lp(game)
    assert regrets(game, answer.profile).max() <= 1e-9 * max(1.0, game.payoff_range.max())
    assert answer.exact == game.is_exact
    if game.is_exact:
        values, gains = exact_behavior_regrets(game, answer.exact_profile)
        assert gains.tolist() == [0, 0]
        np.testing.assert_allclose(values.astype(float), answer.values)


@settings(max_examples=40)
@given(zero_sum_extensive_games(max_depth=3))
def test_its_value_is_the_minimax_value_of_the_normal_form(game):
    value = minimax(game.normal_form()).values[0]
    assert sequence_form_lp(game).values[0] == pytest.approx(value, abs=1e-8)


@settings(max_examples=30)
@given(zero_sum_extensive_games(exact=True))
def test_floats_find_the_same_value(game):
    exact, floats = sequence_form_lp(game), sequence_form_lp(game, exact=False)
    assert not floats.exact
    assert floats.values[0] == pytest.approx(exact.values[0], abs=1e-9)


@pytest.mark.parametrize("case", TREES.values(), ids=TREES)
def test_games_of_the_literature_have_their_values(case):
    answer = sequence_form_lp(ExtensiveGame.from_efg(case["payoffs"]))
    assert answer.values[0] == pytest.approx(float(Fraction(str(case["value"]))), abs=case["tolerance"])
    assert answer.epsilon <= 1e-9


def test_kuhn_poker_is_worth_exactly_minus_one_eighteenth():
    # Kuhn (1950), A simplified two-person poker.
    game = kuhn_poker()
    answer = sequence_form_lp(game)
    values, gains = exact_behavior_regrets(game, answer.exact_profile)
    assert (answer.exact, values[0], gains.tolist()) == (True, Fraction(-1, 18), [0, 0])


def test_leduc_poker_has_its_value_to_all_digits_and_as_a_fraction():
    # Southey et al. (2005), Bayes' bluff, describe the game; OpenSpiel's program gives -0.085606424078.
    game = leduc_poker()
    answer = sequence_form_lp(game)
    values, _ = exact_behavior_regrets(game, answer.exact_profile)
    assert answer.exact
    assert float(values[0]) == pytest.approx(-0.085606424078, abs=1e-12)
    assert sequence_form_lp(game, exact=False).values[0] == pytest.approx(float(values[0]), abs=1e-12)


@pytest.mark.parametrize(("sides", "value"), [(3, Fraction(1, 9)), (4, Fraction(1, 16))])
def test_liars_dice_has_its_value(sides, value):
    # tests/data/known_answers.json; with six sides -0.027131782945736 (OpenSpiel, sequence_form_lp_test).
    game = liars_dice(sides=sides)
    answer = sequence_form_lp(game)
    assert answer.exact
    assert exact_behavior_regrets(game, answer.exact_profile)[0][0] == value


def test_constant_sum_games_are_zero_sum_games_with_a_constant():
    text = TREES["myerson_simple_poker"]["payoffs"]
    game = ExtensiveGame.from_efg(text)
    shifted = ExtensiveGame(
        game.parent,
        game.action,
        game.player,
        np.maximum(game.infoset, 0),
        game.outcome,
        game.outcomes + np.array([[5.0], [-2.0]]),
        probability=game.probability,
    )
    np.testing.assert_allclose(
        sequence_form_lp(shifted).values, sequence_form_lp(game).values + np.array([5, -2]), atol=1e-9
    )


def test_payoffs_of_any_scale_are_solved():
    game = kuhn_poker()
    for scale in (1e-9, 1e9):
        scaled = ExtensiveGame(
            game.parent,
            game.action,
            game.player,
            np.maximum(game.infoset, 0),
            game.outcome,
            game.outcomes * scale,
            probability=game.probability,
        )
        assert sequence_form_lp(scaled).values[0] / scale == pytest.approx(-1 / 18, abs=1e-9)


@settings(max_examples=15)
@given(zero_sum_extensive_games(exact=True, max_depth=3))
def test_it_agrees_with_openspiels_program(game):
    pyspiel = pytest.importorskip("pyspiel")
    program = pytest.importorskip("open_spiel.python.algorithms.sequence_form_lp")
    # OpenSpiel reads payoffs at the ends of the game only, and its program wants both players to move.
    assume(min(game.n_infosets) > 0)
    ends = on_other_scales(game)
    try:
        value, *_ = program.solve_zero_sum_game(pyspiel.load_efg_game(ends.game.to_efg()))
    except ImportError as error:
        pytest.skip(f"it needs a solver that is not installed: {error}")
    assert sequence_form_lp(ends.game).values[0] == pytest.approx(value, abs=1e-6)


@settings(max_examples=5)
@given(forgetful_games(n_players=2, max_depth=3))
def test_players_who_forget_are_refused(game):
    message = "forgets at information set" if game.is_constant_sum else "this one is not constant-sum"
    with pytest.raises(UnsupportedGame, match=message):
        sequence_form_lp(game)


@settings(max_examples=5)
@given(imperfect_information_games(n_players=3))
def test_three_players_are_refused(game):
    with pytest.raises(UnsupportedGame, match="this one has 3 players"):
        sequence_form_lp(game)


@settings(max_examples=5)
@given(zero_sum_extensive_games(exact=False))
def test_floats_have_no_exact_answer(game):
    with pytest.raises(ExactnessError, match=r"call game.rationalize\(\) first"):
        sequence_form_lp(game, exact=True)


def test_bad_arguments_are_refused():
    with pytest.raises(GameError, match="game is None: give an ExtensiveGame"):
        sequence_form_lp(None)
    with pytest.raises(GameError, match="tolerance is -1"):
        sequence_form_lp(kuhn_poker(), tolerance=-1)


def test_a_program_that_fails_gives_no_answer_without_its_regret(monkeypatch):
    def broken(*args, **options):
        return dataclasses.replace(solve_linear_program(*args, **options), status="failed")

    monkeypatch.setattr(sequence_programs, "solve_linear_program", broken)
    with pytest.raises(NotConverged, match="above 1e-09 of the payoff range") as caught:
        sequence_form_lp(leduc_poker(), exact=False)
    assert caught.value.best.epsilon > 0.1
