"""The faults of docs/peer_faults.md are there in the versions that it names, and what it calls right is right."""

from __future__ import annotations

import importlib.metadata
import re
import warnings
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

import marlgt as gt
from marlgt.certificates import relative_epsilon
from marlgt.games import NormalFormGame
from marlgt.solvers.backends import nashpy_linear_program
from marlgt.testing import (
    assert_nash,
    check_solver,
    degenerate_games,
    extreme_equilibria,
    from_matrices,
    is_nondegenerate,
    zero_sum_games,
)
from marlgt.testing.sandbox import Sandbox


def version(package):
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return "absent"


NASHPY = pytest.mark.skipif(
    version("nashpy") != "0.0.43", reason=f"the page is about nashpy 0.0.43, here is {version('nashpy')}"
)
OPENSPIEL = pytest.mark.skipif(
    version("open_spiel") != "2.0.2", reason=f"the page is about open_spiel 2.0.2, here is {version('open_spiel')}"
)
BIG = 2**61


def support_enumeration(A, B):
    import nashpy

    return list(nashpy.Game(A, B).support_enumeration())


def vertex_enumeration(A, B):
    import nashpy

    return list(nashpy.Game(A, B).vertex_enumeration())


def lemke_howson(A, B):
    import nashpy

    return nashpy.Game(A, B).lemke_howson(initial_dropped_label=0)


def nashpy_minimax(A, B):
    import nashpy

    return nashpy.Game(A).linear_program()


def openspiel_minimax(A, B):
    import pyspiel
    from open_spiel.python.algorithms import lp_solver

    return lp_solver.solve_zero_sum_matrix_game(pyspiel.create_matrix_game(A.tolist(), B.tolist()))[:2]


def called(solve, game):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return from_matrices(solve)(game)


def certified(game, *strategies):
    """Check in rational arithmetic that the profile is an equilibrium of the game."""
    profile = [np.array([Fraction(x) for x in strategy]) for strategy in strategies]
    exact = game if game.is_exact else NormalFormGame(np.vectorize(Fraction, otypes=[object])(game.payoffs))
    certificate = gt.certify(exact, profile)
    assert certificate.exact
    assert certificate.epsilon == 0


def only_equilibria(game, *equilibria):
    found = {(tuple(x), tuple(y)) for x, y in extreme_equilibria(game).equilibria}
    assert found == {tuple(tuple(Fraction(p) for p in x) for x in pair) for pair in equilibria}
    for pair in equilibria:
        certified(game, *pair)


@NASHPY
def test_1_support_enumeration_finds_nothing():
    game = NormalFormGame.bimatrix([[0, 2, 4], [7, 0, 0]], [[1, 0, 0], [0, 0, 1]])
    only_equilibria(game, (("1/2", "1/2"), ("4/11", 0, "7/11")))
    assert is_nondegenerate(game)
    assert called(support_enumeration, game) == []


@NASHPY
def test_2_support_enumeration_misses_the_mixed_equilibrium():
    game = NormalFormGame.bimatrix([[0, 0, 0], [3, 7, -8]], [[-1, -1, 0], [1, 0, 0]])
    only_equilibria(game, ((1, 0), (0, 0, 1)), ((0, 1), (1, 0, 0)), (("1/2", "1/2"), ("8/11", 0, "3/11")))
    assert is_nondegenerate(game)
    assert len(called(support_enumeration, game)) == 2


@NASHPY
def test_3_support_enumeration_returns_what_is_no_equilibrium():
    game = NormalFormGame.bimatrix([[BIG, 2 * BIG], [0, -2 * BIG]], [[0, BIG], [0, -BIG]])
    only_equilibria(game, ((1, 0), (0, 1)))
    wrong = called(support_enumeration, game)[1]
    assert relative_epsilon(game, gt.certify(game, wrong)) > 0.1


@NASHPY
def test_4_lemke_howson_never_returns():
    game = NormalFormGame.zero_sum([[0]])
    certified(game, [1], [1])
    with Sandbox(from_matrices(lemke_howson), refusals=(), time_limit=1.0) as sandbox:
        assert sandbox.run(game).outcome == "hung"


@NASHPY
def test_5_lemke_howson_raises_for_every_label():
    import nashpy

    game = NormalFormGame.bimatrix([[0, 0]], [[0, 1]])
    only_equilibria(game, ((1,), (0, 1)))
    assert is_nondegenerate(game)
    for label in range(3):
        with pytest.raises(KeyError):
            nashpy.Game([[0, 0]], [[0, 1]]).lemke_howson(label)


@NASHPY
def test_6_vertex_enumeration_raises_on_one_action_each():
    with pytest.raises(TypeError, match="NoneType"):
        called(vertex_enumeration, NormalFormGame.zero_sum([[0]]))


@NASHPY
def test_7_vertex_enumeration_finds_nothing_at_a_large_scale():
    game = NormalFormGame.bimatrix([[1], [0]], [[10**9], [10**9]])
    only_equilibria(game, ((1, 0), (1,)))
    assert called(vertex_enumeration, game) == []


@NASHPY
def test_8_vertex_enumeration_finds_nothing_in_a_degenerate_game():
    game = NormalFormGame.bimatrix([[0, 1], [0, 0]], [[0, -1], [0, 0]])
    only_equilibria(game, ((1, 0), (1, 0)), ((0, 1), (1, 0)))
    assert called(vertex_enumeration, game) == []


@NASHPY
def test_9_linear_program_plays_the_dominated_action():
    game = NormalFormGame.zero_sum([[1e-9], [0]])
    only_equilibria(game, ((1, 0), (1,)))
    answer = called(nashpy_minimax, game)
    assert relative_epsilon(game, gt.certify(game, answer)) == 1
    with pytest.raises(gt.NotConverged, match="use minimax"):
        nashpy_linear_program(game)


@NASHPY
def test_10_linear_program_raises_at_a_large_scale():
    game = NormalFormGame.zero_sum([[1e15]])
    with pytest.raises(TypeError, match="NoneType"):
        called(nashpy_minimax, game)


@OPENSPIEL
def test_11_openspiel_plays_a_dominated_action_half_the_time():
    game = NormalFormGame.zero_sum([[2e-9, 1e-9]])
    only_equilibria(game, ((1,), (0, 1)))
    answer = called(openspiel_minimax, game)
    assert 0.4 < answer[1][0] < 0.6
    assert gt.certify(game, answer).epsilon > 0.4 * game.payoff_range[0]


@OPENSPIEL
def test_12_openspiel_raises_at_a_large_scale():
    with pytest.raises(TypeError, match="NoneType"):
        called(openspiel_minimax, NormalFormGame.zero_sum([[2e12]]))


@OPENSPIEL
def test_13_openspiel_returns_what_is_no_distribution():
    game = NormalFormGame.zero_sum([[-2e10, 1e6, 0]])
    weights = called(openspiel_minimax, game)[1]
    assert abs(sum(weights) - 1) > 1e-6


@NASHPY
@pytest.mark.parametrize(
    ("solve", "kinds", "broken"),
    [
        (
            support_enumeration,
            [lambda **shape: degenerate_games(magnitude=9, n_players=2, n_actions=3)],
            "finds all",
        ),
        (vertex_enumeration, [degenerate_games], "does not crash"),
        (lemke_howson, [degenerate_games], "finishes"),
        (
            nashpy_minimax,
            [lambda **shape: zero_sum_games(**shape).map(lambda g: g.affine(scale=1e-9))],
            "returns equilibria",
        ),
    ],
    ids=["support_enumeration", "vertex_enumeration", "lemke_howson", "linear_program"],
)
def test_the_suite_finds_a_fault_in_each_solver_of_nashpy(solve, kinds, broken):
    import nashpy  # noqa: F401  the forked process then need not import it after each hang

    only = is_nondegenerate if solve is support_enumeration else None
    report = check_solver(
        from_matrices(solve),
        kinds=kinds,
        only=only,
        n_actions=range(1, 4),
        complete=True,
        max_examples=60,
        time_limit=0.5,
    )
    assert broken in {result.name for result in report.failures}


def test_our_own_solvers_solve_every_game_on_the_page():
    page = Path(__file__).parents[2] / "docs" / "peer_faults.md"
    matrices = re.findall(r"nashpy\.Game\((\[\[[-\d, \[\]]*\]\]), (\[\[[-\d*, \[\]]*\]\])\)", page.read_text())
    assert len(matrices) >= 7
    for A, B in matrices:
        game = NormalFormGame.bimatrix(eval(A), eval(B))
        found = gt.solve(game)
        assert found
        for answer in found:
            assert_nash(game, answer, tolerance=0)
    for value in ([[1e-9], [0]], [[1e15]], [[2e-9, 1e-9]], [[2e12]], [[-2e10, 1e6, 0]]):
        game = NormalFormGame.zero_sum(value)
        assert_nash(game, gt.solve(game)[0], tolerance=1e-9)
