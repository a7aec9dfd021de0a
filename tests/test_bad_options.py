"""Options of the solvers that are none: budgets, seeds, concepts and methods of the wrong kind."""

import math

import numpy as np
import pytest

import marlgt as gt
from marlgt import concepts, solvers
from marlgt.testing import check_solver

NO_BUDGETS = (0, -1, math.nan, "much", True, [])
NO_SEEDS = (-1, 1.5, None, "a", True)


@pytest.mark.parametrize("budget", NO_BUDGETS)
@pytest.mark.parametrize(
    "solver",
    [
        gt.solve,
        lambda game, budget: gt.solve(game, concept="correlated", budget=budget),
        solvers.vertex_enumeration,
        solvers.support_enumeration,
        solvers.all_isolated_equilibria,
        solvers.evolutionarily_stable_strategies,
    ],
)
def test_a_budget_is_a_positive_number_or_none(solver, budget):
    with pytest.raises(gt.GameError, match=r"budget is .*: give a positive number of"):
        solver(gt.games.hawk_dove(), budget=budget)


@pytest.mark.parametrize("seed", NO_SEEDS)
@pytest.mark.parametrize("solver", [solvers.find_one, solvers.iterated_polymatrix, solvers.lemke_howson_race])
def test_a_seed_is_a_whole_number_from_0(solver, seed):
    with pytest.raises(gt.GameError, match=r"seed is .*: give a whole number from 0"):
        solver(gt.games.chicken(), seed=seed)


@pytest.mark.parametrize("count", [-1, 1.5, None, "x", True])
@pytest.mark.parametrize(
    ("solver", "name"),
    [
        (solvers.find_one, "restarts"),
        (solvers.iterated_polymatrix, "restarts"),
        (solvers.iterated_polymatrix, "iterations"),
        (solvers.lemke_howson, "max_pivots"),
        (solvers.lemke_howson_all_labels, "max_pivots"),
        (solvers.lemke_howson_race, "max_pivots"),
        (gt.dynamics.fictitious_play, "steps"),
    ],
)
def test_a_count_is_a_whole_number(solver, name, count):
    with pytest.raises(gt.GameError, match=rf"{name} is .*whole number"):
        solver(gt.games.chicken(), **{name: count})


def test_a_record_beyond_memory_is_refused_before_it_is_made():
    with pytest.raises(gt.GameError, match="record of 1000000000000 steps"):
        gt.dynamics.fictitious_play(gt.games.chicken(), steps=10**12)


@pytest.mark.parametrize("name", [5, [], {}, "", "Nashh"])
def test_an_unknown_concept_or_method_of_any_kind_is_named(name):
    with pytest.raises(gt.GameError, match="unknown concept"):
        gt.solve(gt.games.chicken(), concept=name)
    with pytest.raises(gt.GameError, match="unknown method"):
        gt.solve(gt.games.chicken(), method=name)


def test_a_method_in_capitals_is_recognised_in_the_sentence():
    with pytest.raises(gt.GameError, match="did you mean 'lemke_howson'"):
        gt.solve(gt.games.chicken(), method="LEMKE_HOWSON")


def test_quantal_response_does_not_mind_a_large_constant_added_to_payoffs():
    payoffs = np.random.default_rng(0).integers(0, 3, (2, 3, 3)).astype(float)
    game, moved = gt.NormalFormGame(payoffs), gt.NormalFormGame(payoffs + 1e12)
    (answer,) = gt.solve(moved, concept="qre")
    assert concepts.logit_residual(game, answer.profile, 1.0).max() < 1e-9


@pytest.mark.parametrize("limit", [0, -1, math.nan, "long"])
def test_a_limit_is_a_positive_number(limit):
    game = gt.games.jordan_matching_pennies()
    with pytest.raises(gt.GameError, match=r"time_limit is .*: it must be positive"):
        solvers.find_one(game, time_limit=limit)
    with pytest.raises(gt.GameError, match=r"steps is .*: give a whole number from 1"):
        gt.dynamics.fictitious_play(game, steps=limit)


@pytest.mark.parametrize("steps", [1.5, None])
def test_steps_are_whole(steps):
    with pytest.raises(gt.GameError, match=r"steps is .*: give a whole number from 1"):
        gt.dynamics.fictitious_play(gt.games.chicken(), steps=steps)


def test_the_conformance_suite_refuses_odd_options():
    with pytest.raises(gt.GameError, match="max_examples is 0"):
        check_solver(solvers.lemke_howson, max_examples=0)
    with pytest.raises(gt.GameError, match="only is 5"):
        check_solver(solvers.lemke_howson, only=5)


@pytest.mark.parametrize("scale", [1e-290, 1e-300, 1e-305, 1e-310, 1e-315, 5e-324])
def test_an_enumeration_in_the_smallest_payoffs_claims_to_be_complete_only_with_every_equilibrium(scale):
    game = gt.NormalFormGame.bimatrix([[scale, 0.0], [0.0, 2 * scale]], [[scale, 0.0], [0.0, scale]])
    for method in ("support_enumeration", "vertex_enumeration"):
        answers = gt.solve(game, method=method)
        assert len(answers) >= 2
        assert not answers.complete or len(answers) == 3
