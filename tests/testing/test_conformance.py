"""The suite passes a right solver and catches each planted bug, with a small counterexample."""

from __future__ import annotations

import os
import time
from fractions import Fraction

import numpy as np
import pytest

from marlgt.errors import BudgetExceeded, GameError, UnsupportedGame
from marlgt.games import NormalFormGame
from marlgt.testing import (
    check_solver,
    common_interest_games,
    degenerate_games,
    extreme_equilibria,
    from_matrices,
    generic_games,
    is_nondegenerate,
    zero_sum_games,
)
from marlgt.testing.sandbox import listed

FEW = range(1, 4)
EASY = [degenerate_games]


def right(game):
    return extreme_equilibria(game).equilibria


def names(report):
    return {result.name for result in report.failures}


def test_a_right_and_complete_solver_passes_every_property():
    report = check_solver(right, complete=True, n_actions=FEW, max_examples=30)
    report.assert_passed()
    assert len(report.results) == 12
    assert all(result.games for result in report.results)
    assert "right: 0 of 12 properties fail" in str(report)


def drops_one(game):
    found = right(game)
    return found if len(found) == 1 else found[1:]


def test_a_dropped_equilibrium_is_missed():
    report = check_solver(drops_one, complete=True, n_actions=FEW, kinds=[generic_games], max_examples=20)
    assert {"finds all", "odd number"} <= names(report)
    assert report.failures[0].counterexample.n_profiles <= 4
    with pytest.raises(AssertionError, match="missed"):
        report.assert_passed()


def unnormalised(game):
    return [tuple(2 * x for x in e) for e in right(game)]


def test_weights_that_do_not_sum_to_one_are_no_distribution():
    report = check_solver(unnormalised, n_actions=FEW, max_examples=20)
    assert names(report) == {"returns distributions"}
    assert report.failures[0].counterexample.n_profiles == 1
    assert "sums to 2" in report.failures[0].why


def crashes_on_ties(game):
    if len(np.unique(game.payoffs[0])) < game.n_profiles:
        raise ZeroDivisionError("a tie")
    return right(game)


def test_a_crash_is_shown_with_its_traceback_and_the_smallest_game():
    report = check_solver(crashes_on_ties, n_actions=FEW, kinds=EASY, max_examples=20)
    crash = next(r for r in report.failures if r.name == "does not crash")
    assert crash.counterexample.n_profiles == 2
    assert not crash.counterexample.payoffs.any()
    assert "in crashes_on_ties" in crash.why
    assert "ZeroDivisionError: a tie" in crash.why
    assert "sandbox" not in crash.why


def hangs(game):
    while game.n_actions[0] > 1 and game.payoffs[0].max() > 0:
        time.sleep(0.01)
    return right(game)


def test_a_hang_is_cut_off_and_shrunk():
    report = check_solver(hangs, n_actions=FEW, kinds=EASY, max_examples=10, time_limit=0.3)
    hang = next(r for r in report.failures if r.name == "finishes")
    assert hang.counterexample.n_actions == (2, 1)
    assert "no answer within 0.3 s" in hang.why


def dies(game):
    if game.n_actions[1] > 1:
        os._exit(17)
    return right(game)


def test_the_death_of_the_process_is_a_finding():
    report = check_solver(dies, n_actions=FEW, max_examples=10)
    death = next(r for r in report.failures if r.name == "does not crash")
    assert death.counterexample.n_actions == (1, 2)
    assert "exit code 17" in death.why


def writes_into_its_input(A, B):
    game = NormalFormGame.bimatrix(A, B)
    A -= A.min() - 1
    return right(game)


def test_writing_into_the_matrices_is_caught():
    report = check_solver(from_matrices(writes_into_its_input), n_actions=FEW, max_examples=10)
    assert names(report) == {"leaves its input"}
    assert report.solver == "writes_into_its_input"


def wrong(game):
    return [tuple(np.full(count, Fraction(1, count)) for count in game.n_actions)]


def test_a_profile_that_is_no_equilibrium_is_explained():
    report = check_solver(wrong, n_actions=FEW, max_examples=30)
    result = next(r for r in report.failures if r.name == "returns equilibria")
    assert result.counterexample.n_profiles == 2
    assert "player" in result.why
    assert "gains" in result.why
    assert result.code.startswith("from marlgt.games import NormalFormGame\ngame = NormalFormGame.bimatrix(")


def repeats(game):
    return right(game) * 2


def finds_nothing(game):
    return [] if game.n_actions[0] > 1 else right(game)


def answers_with_text(game):
    return ["first", "first"]


def one_strategy_too_many(game):
    return [(*e, e[0]) for e in right(game)]


def too_long(game):
    return [(np.append(x, 0), y) for x, y in right(game)]


def negative(game):
    return [(np.array([1.5, -0.5]) if len(x) == 2 else x, y) for x, y in right(game)]


def not_finite(game):
    return [(np.full(len(x), np.nan), y) for x, y in right(game)]


def knows_its_place(game):
    return right(game) if game.payoffs[0, 0, 0] >= game.payoffs[0, -1, -1] else []


@pytest.mark.parametrize(
    ("solver", "broken"),
    [
        (repeats, "repeats no answer"),
        (finds_nothing, "finds an equilibrium"),
        (answers_with_text, "returns distributions"),
        (one_strategy_too_many, "returns distributions"),
        (too_long, "returns distributions"),
        (negative, "returns distributions"),
        (not_finite, "returns distributions"),
        (knows_its_place, "order of actions"),
    ],
)
def test_each_mutant_breaks_its_property(solver, broken):
    assert broken in names(check_solver(solver, n_actions=FEW, kinds=EASY, max_examples=20))


def shifts_badly(A, B):
    if A.max() < 0:
        return [1] + [0] * (len(A) - 1), [1] + [0] * (len(A[0]) - 1)
    return right(NormalFormGame.bimatrix(A, B))


def test_a_solver_that_needs_positive_payoffs_breaks_under_affine_maps():
    kinds = [generic_games]
    report = check_solver(from_matrices(shifts_badly), n_actions=2, kinds=kinds, max_examples=20)
    assert "positive affine maps" in names(report)


def only_zero_sum(game):
    if np.abs(game.payoffs.sum(axis=0)).max() > 1e-12 * np.abs(game.payoffs).max():
        raise UnsupportedGame("only zero-sum games")
    return right(game)[0]


def test_games_that_a_solver_refuses_are_passed_over():
    report = check_solver(only_zero_sum, kinds=[zero_sum_games], n_actions=FEW, max_examples=30)
    report.assert_passed()
    assert report.results[0].games >= 20
    nothing = check_solver(only_zero_sum, kinds=[common_interest_games], n_actions=2, max_examples=5, n_players=3)
    assert all(r.games == 0 for r in nothing.results) or not nothing.failures


def refuses(game):
    raise BudgetExceeded("too much", estimate=2, limit=1)


def test_a_solver_that_refuses_everything_does_not_pass():
    report = check_solver(refuses, max_examples=5)
    assert not report.passed
    assert "untested" in str(report)


def test_without_a_time_limit_it_runs_in_this_process():
    seen = []

    def solver(game):
        seen.append(game)
        return right(game)

    assert check_solver(solver, n_actions=2, max_examples=5, time_limit=None).passed
    assert seen


def right_if_nondegenerate(game):
    found = extreme_equilibria(game)
    return found.equilibria if found.nondegenerate else found.equilibria[:1]


def test_only_restricts_the_games_drawn():
    report = check_solver(
        right_if_nondegenerate,
        only=is_nondegenerate,
        complete=True,
        kinds=[degenerate_games],
        n_actions=FEW,
        max_examples=30,
    )
    report.assert_passed()


def test_the_seed_decides_what_is_found():
    reports = [check_solver(wrong, n_actions=FEW, max_examples=20, seed=3) for _ in range(2)]
    assert [r.code for r in reports[0].results] == [r.code for r in reports[1].results]


@pytest.mark.parametrize("arguments", [{"solver": 3}, {"solver": right, "kinds": ["generic"]}])
def test_what_is_no_solver_or_kind_is_refused(arguments):
    with pytest.raises(GameError, match=r"give a function|list functions"):
        check_solver(**arguments)


def test_one_profile_a_list_and_a_generator_are_all_read():
    x, y = np.array([1.0, 0.0]), np.array([0.0, 1.0])
    assert len(listed((x, y), 2)) == 1
    assert len(listed([(x, y)], 2)) == 1
    assert len(listed([(x, y), (x, y)], 2)) == 2
    assert len(listed(((x, y) for _ in range(3)), 2)) == 3
    assert len(listed([[1, 0], [0, 1]], 2)) == 1
    assert listed(None, 2) == []
    assert listed(3, 2) == [3]
