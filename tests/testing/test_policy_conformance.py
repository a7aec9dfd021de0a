"""The suites for policies pass right solvers and catch each planted bug, with a small counterexample as code."""

from __future__ import annotations

import time

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from marlgt.concepts import regrets
from marlgt.errors import GameError, UnsupportedGame
from marlgt.games import ExtensiveGame, StochasticGame
from marlgt.solvers import (
    backward_induction,
    modified_policy_iteration,
    sequence_form_lcp,
    sequence_form_lp,
)
from marlgt.testing import (
    any_stochastic_game,
    as_code,
    behavior_profiles,
    check_extensive_solver,
    check_stochastic_solver,
    extensive_games,
    perfect_information_games,
    stationary_profiles,
    zero_sum_extensive_games,
    zero_sum_stochastic_games,
)
from marlgt.testing.policy_images import (
    on_other_scales,
    with_actions_reversed,
    with_players_reversed,
    with_states_reversed,
)

FEW = {"max_examples": 12, "max_actions": 2, "max_depth": 3, "time_limit": None}


def names(report):
    return {result.name for result in report.failures}


@pytest.mark.parametrize(
    ("solver", "kind"),
    [
        (backward_induction, perfect_information_games),
        (sequence_form_lp, zero_sum_extensive_games),
        (sequence_form_lcp, extensive_games),
    ],
    ids=lambda value: value.__name__,
)
def test_right_solvers_of_trees_pass_every_property(solver, kind):
    report = check_extensive_solver(solver, kinds=[kind], **FEW)
    report.assert_passed()
    assert len(report.results) == 9
    assert all(result.games for result in report.results)


def test_a_right_solver_of_stochastic_games_passes_every_property():
    report = check_stochastic_solver(
        modified_policy_iteration, kinds=[zero_sum_stochastic_games], max_examples=10, time_limit=None
    )
    report.assert_passed()
    assert len(report.results) == 10


def test_solvers_run_in_a_process_of_their_own():
    check_extensive_solver(sequence_form_lp, kinds=[zero_sum_extensive_games], max_examples=4).assert_passed()


def uniform(game):
    return game.uniform_profile()


def test_a_profile_that_is_no_equilibrium_is_caught_with_a_small_game():
    report = check_extensive_solver(uniform, **FEW)
    assert "returns equilibria" in names(report)
    (found,) = [r for r in report.failures if r.name == "returns equilibria"]
    assert found.counterexample.n_nodes == 3
    assert "gains 0.5 by her best deviation" in found.why
    scope = {}
    exec(found.code, scope)
    assert scope["game"] == found.counterexample
    with pytest.raises(AssertionError, match=r"gains 0\.5 by her best deviation"):
        report.assert_passed()


def test_the_same_holds_for_stochastic_games():
    report = check_stochastic_solver(uniform, max_examples=12, time_limit=None)
    (found,) = [r for r in report.failures if r.name == "returns equilibria"]
    assert found.counterexample.n_states <= 2
    scope = {}
    exec(found.code, scope)
    assert scope["game"] == found.counterexample


def doubled(game):
    return [2 * policy for policy in game.uniform_profile()]


def test_weights_that_do_not_sum_to_one_are_no_policies():
    for check in (check_extensive_solver, check_stochastic_solver):
        report = check(doubled, max_examples=10, time_limit=None)
        (found,) = [r for r in report.failures if r.name == "returns policies"]
        assert "give a distribution over" in found.why


def forgets_the_second_player(game):
    answer = sequence_form_lcp(game)
    return answer.profile if game.players[0] == "Player 1" and game.n_nodes < 4 else answer.profile[:1]


def test_a_missing_policy_is_told():
    report = check_extensive_solver(forgets_the_second_player, **FEW)
    assert names(report) >= {"returns policies"}


def writes_into_its_input(game):
    for array in (game.outcomes, getattr(game, "terminal_payoffs", game.outcomes)):
        array.flags.writeable = True
        array[:] = 0
    return sequence_form_lcp(game)


def test_writing_into_the_game_is_caught():
    report = check_extensive_solver(writes_into_its_input, **FEW)
    assert "leaves its input" in names(report)


def prefers_the_first_player(game):
    if game.payoff_range[0] < game.payoff_range[-1]:
        raise UnsupportedGame("the first player has less at stake")
    return sequence_form_lcp(game)


def test_what_a_solver_refuses_is_passed_over():
    assert check_extensive_solver(prefers_the_first_player, **FEW).passed


def crashes_where_chance_moves(game):
    if len(game.chance):
        raise ZeroDivisionError("chance")
    return sequence_form_lcp(game)


def test_a_crash_is_shown_with_its_traceback():
    report = check_extensive_solver(crashes_where_chance_moves, **FEW)
    (found,) = [r for r in report.failures if r.name == "does not crash"]
    assert "ZeroDivisionError: chance" in found.why
    assert found.counterexample.n_nodes <= 3


def hangs_on_imperfect_information(game):
    while not game.has_perfect_information:
        time.sleep(0.01)
    return sequence_form_lcp(game)


def test_a_hang_is_cut_off():
    report = check_extensive_solver(
        hangs_on_imperfect_information, max_examples=10, max_actions=2, max_depth=2, time_limit=0.5
    )
    assert "finishes" in names(report)


def test_only_games_that_are_asked_for_are_drawn():
    report = check_extensive_solver(uniform, only=lambda game: game.n_nodes == 1, **FEW)
    assert report.passed


@settings(max_examples=30)
@given(data=st.data())
def test_images_of_trees_change_no_regret_but_its_scale(data):
    game = data.draw(extensive_games())
    for image_of in (with_actions_reversed, with_players_reversed, on_other_scales):
        image = image_of(game)
        profile = data.draw(behavior_profiles(image.game))
        gains = regrets(image.game, profile)
        here = regrets(game, image.back(profile))
        expected = gains[::-1] if image_of is with_players_reversed else gains
        if image_of is on_other_scales:
            factors = 3 + 2 * np.arange(game.n_players) * (not game.is_constant_sum)
            expected = gains / factors
        np.testing.assert_allclose(here, expected, atol=1e-9)


@settings(max_examples=30)
@given(data=st.data())
def test_images_of_stochastic_games_change_no_regret_but_its_scale(data):
    game = data.draw(any_stochastic_game())
    for image_of in (with_actions_reversed, with_players_reversed, with_states_reversed):
        image = image_of(game)
        profile = data.draw(stationary_profiles(image.game))
        gains = regrets(image.game, profile)
        expected = gains[::-1] if image_of is with_players_reversed else gains
        np.testing.assert_allclose(regrets(game, image.back(profile)), expected, atol=1e-7)
    image = on_other_scales(game)
    assert image.game.is_zero_sum or not game.is_zero_sum
    assert image.game.is_common_interest or not game.is_common_interest


@settings(max_examples=30)
@given(st.one_of(extensive_games(), any_stochastic_game()))
def test_code_makes_the_same_game(game):
    scope = {}
    exec(as_code(game), scope)
    made = scope["game"]
    assert type(made) is type(game)
    if isinstance(game, ExtensiveGame):
        assert np.array_equal(made.terminal_payoffs, game.terminal_payoffs)
        assert made.is_exact == game.is_exact
    assert isinstance(made, StochasticGame) or np.array_equal(made.infoset, game.infoset)


def test_bad_arguments_are_refused():
    with pytest.raises(GameError, match="solver is None: give a function of an ExtensiveGame"):
        check_extensive_solver(None)
    with pytest.raises(GameError, match="solver is 3: give a function of a StochasticGame"):
        check_stochastic_solver(3)
    with pytest.raises(GameError, match="max_examples is 0"):
        check_extensive_solver(uniform, max_examples=0)
    with pytest.raises(GameError, match=r"kinds is \[\]: list functions such as marlgt.testing.zero_sum_stoch"):
        check_stochastic_solver(uniform, kinds=[])
    with pytest.raises(GameError, match="only is 1: give a function"):
        check_stochastic_solver(uniform, only=1)
