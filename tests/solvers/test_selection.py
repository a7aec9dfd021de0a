"""The door to every solver: it picks, says why, passes options on and names what is wrong."""

import numpy as np
import pytest

import marlgt as gt
from marlgt.certificates import relative_epsilon
from marlgt.solvers.selection import METHODS, choose

RNG = np.random.default_rng(0)
LARGE = gt.NormalFormGame(RNG.random((2, 30, 30)))
LARGE_ZERO_SUM = gt.NormalFormGame.zero_sum(RNG.random((60, 60)))
MANY = gt.NormalFormGame(RNG.random((6, 3, 3, 3, 3, 3, 3)))


@pytest.mark.parametrize(
    ("game", "method"),
    [
        (gt.games.shapley_1964(), "vertex_enumeration"),
        (gt.games.matching_pennies(), "vertex_enumeration"),
        (gt.games.nau_2004(), "all_isolated_equilibria"),
        (gt.NormalFormGame([[1, 2, 2]]), "pure_equilibria"),
    ],
    ids=["two players", "zero sum", "three players", "one player"],
)
def test_small_games_give_every_equilibrium(game, method):
    answers = gt.solve(game)
    assert answers.method == method
    assert answers.complete
    assert answers.why


@pytest.mark.parametrize(
    ("game", "why"),
    [(LARGE, "racing Lemke-Howson"), (LARGE_ZERO_SUM, "linear programming"), (MANY, "too large for every")],
    ids=["two players", "zero sum", "many players"],
)
def test_large_games_give_certified_answers_and_do_not_claim_all(game, why):
    answers = gt.solve(game)
    assert why in answers.why
    assert len(answers) > 0
    assert answers.concept == "pure_nash" or not answers.complete
    assert all(relative_epsilon(game, e) <= 1e-9 for e in answers)


def test_every_method_of_every_concept_answers_a_game_it_covers():
    zero_sum = gt.games.rock_paper_scissors()
    for concept, methods in METHODS.items():
        for name in methods:
            game = gt.games.hawk_dove() if concept == "fairness" else zero_sum
            if concept == "fairness":
                game = game.affine(shift=2)
            answers = gt.solve(game, concept=concept, method=name)
            assert isinstance(answers, gt.Equilibria)
            assert answers.why.startswith(f"{name} was asked for")
            assert all(len(e.values) == 2 for e in answers)
            assert {m.partition("/")[0] for m in (answers.method, *(e.method for e in answers))} == {
                "zero_sum_simplex" if name == "minimax" else name
            }


def test_options_reach_the_method():
    game = gt.games.chicken()
    assert gt.solve(game, method="lemke_howson", label=2)[0].profile != gt.solve(game, method="lemke_howson", label=0)
    first, second = (gt.solve(game, concept="stackelberg", leader=i)[0].values for i in (0, 1))
    assert first[0] == pytest.approx(second[1])
    for player in (0, 1):
        best = gt.solve(game, concept="correlated", objective="libertarian", player=player)[0]
        assert best.values[player] == pytest.approx(7.0)


def test_reasons_are_there_before_solving():
    assert [name for name, _ in choose(MANY)] == ["all_isolated_equilibria", "pure_equilibria", "find_one"]


def test_unknown_words_get_the_closest_known_one():
    game = gt.games.chicken()
    with pytest.raises(gt.GameError, match="did you mean 'correlated'"):
        gt.solve(game, concept="corelated")
    with pytest.raises(gt.GameError, match="did you mean 'vertex_enumeration'"):
        gt.solve(game, method="vertex_enumeratoin")


def test_something_that_is_no_game_is_refused():
    with pytest.raises(gt.GameError, match="game is list: give a NormalFormGame"):
        gt.solve([[1, 2], [3, 4]])


def test_a_budget_that_was_asked_for_is_kept():
    with pytest.raises(gt.BudgetExceeded):
        gt.solve(LARGE, method="vertex_enumeration", budget=10)
