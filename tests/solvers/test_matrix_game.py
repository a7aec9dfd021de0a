"""Constant-sum games, by every method: published values, properties, hard numbers, refusals."""

import json
import subprocess
import sys
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import linprog

import marlgt as gt
from marlgt.certificates import relative_epsilon
from marlgt.solvers import minimax, zero_sum_interior_point, zero_sum_linear_program, zero_sum_simplex
from marlgt.testing.strategies import constant_sum_games, zero_sum_games

METHODS = [minimax, zero_sum_simplex, zero_sum_interior_point, zero_sum_linear_program]
KNOWN = [
    case
    for case in json.loads((Path(__file__).parents[1] / "data" / "known_answers.json").read_text())
    if case["kind"] == "zero_sum"
]


def value(matrix) -> float:
    return float(minimax(gt.NormalFormGame.zero_sum(matrix)).values[0])


def hard_matrices() -> dict[str, np.ndarray]:
    """Matrices on which absolute tolerances, cycling or cancellation have broken solvers."""
    rng = np.random.default_rng(20)
    normal = rng.normal(size=(30, 30))
    index = np.arange(101)
    cyclic = (index[:, None] - index) % 101
    return {
        "normal": normal,
        "uniform": rng.random((30, 30)),
        "plus_minus_one": rng.choice([-1.0, 1.0], size=(30, 30)),
        "plus_minus_one_rectangular": rng.choice([-1.0, 1.0], size=(60, 35)),
        "zero_one": rng.integers(0, 2, size=(30, 30)).astype(float),
        "tiny_integers": rng.integers(0, 3, size=(30, 30)).astype(float),
        "scale_1e6": 1e6 * normal,
        "scale_1e-6": 1e-6 * normal,
        "scale_1e12": 1e12 * normal,
        "scale_1e-12": 1e-12 * normal,
        "scale_1e148": 1e148 * normal,
        "subnormal": 1e-310 * normal,
        "offset_1e6": normal + 1e6,
        "log_normal": np.exp(3.0 * normal),
        "log_normal_wide": np.exp(6.0 * normal),
        "sparse": normal * (rng.random((30, 30)) < 0.1),
        "rank_1": np.outer(normal[0], normal[1]),
        "rank_2": np.outer(normal[0], normal[1]) + np.outer(normal[2], normal[3]),
        "rock_paper_scissors_101": np.where(cyclic == 0, 0.0, np.where(cyclic <= 50, 1.0, -1.0)),
        "hilbert": 1.0 / (np.arange(30)[:, None] + np.arange(30) + 1),
        "duplicates": np.tile(normal[:10, :10], (3, 3)),
        "near_duplicates": np.tile(normal[:10, :10], (3, 3)) + 1e-10 * normal,
        "constant": np.full((30, 30), 3.7),
        "zero": np.zeros((30, 30)),
        "one_row": normal[:1],
        "one_column": normal[:, :1],
        "identity": np.eye(30),
        "diagonal_log_normal": np.diag(np.exp(3.0 * normal[0])),
        "skew": normal - normal.T,
        "rows_of_many_scales": normal * np.exp(4.0 * rng.normal(size=(30, 1))),
        "columns_of_many_scales": normal * np.exp(4.0 * rng.normal(size=(1, 30))),
        "wide": rng.normal(size=(4, 150)),
        "tall": rng.normal(size=(150, 4)),
    }


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("case", KNOWN, ids=lambda case: case["name"])
def test_published_values_are_proven_exactly(case, method):
    game = gt.NormalFormGame.zero_sum(case["payoffs"][0])
    e = method(game)
    assert e.exact
    assert e.epsilon == 0.0
    x, y = e.exact_profile
    assert x @ game.fractions[0] @ y == Fraction(case["value"])
    if case.get("unique"):
        assert [list(x), list(y)] == [[Fraction(p) for p in side] for side in case["optimal"]]


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("name", hard_matrices())
def test_hard_numbers_are_solved_to_a_billionth_of_their_range(name, method):
    matrix = hard_matrices()[name]
    try:
        e = method(gt.NormalFormGame.zero_sum(matrix))
    except gt.NotConverged:
        # Rows that differ by 1e-10 may defeat one method in floats, but never the choice among them all.
        assert name == "near_duplicates"
        assert method is not minimax
        return
    x, y = e.profile
    low = matrix.min()
    spread = np.ptp(matrix)
    gap = ((matrix - low) @ y).max() - (x @ (matrix - low)).min()
    assert gap <= 1e-9 * spread
    assert x @ (matrix - low) @ y == pytest.approx(value(matrix) - low, rel=0, abs=1e-9 * spread)


@pytest.mark.parametrize("method", METHODS)
@settings(max_examples=25, deadline=None)
@given(game=constant_sum_games(n_actions=range(1, 7)))
def test_exact_games_get_exact_answers(game, method):
    e = method(game)
    assert e.exact == game.is_exact
    assert e.epsilon <= (0.0 if game.is_exact else 1e-9 * game.payoff_range.max())


@settings(max_examples=60, deadline=None)
@given(game=zero_sum_games(n_actions=range(1, 7)))
def test_every_zero_sum_game_has_its_answer_certified(game):
    e = minimax(game)
    assert relative_epsilon(game, e) <= 1e-9
    assert e.values.sum() == pytest.approx(0.0, abs=1e-9 * max(game.payoff_range.max(), 1e-300))


@settings(max_examples=40, deadline=None)
@given(game=zero_sum_games(n_actions=range(1, 6)))
def test_swapping_the_players_negates_the_value(game):
    matrix = game.payoffs[0]
    assert value(-matrix.T) == pytest.approx(-value(matrix), rel=1e-9, abs=1e-9 * np.ptp(matrix))


@settings(max_examples=40, deadline=None)
@given(
    game=zero_sum_games(n_actions=range(1, 6)),
    scale=st.sampled_from([1e-9, 0.5, 3.0, 1e9]),
    shift=st.floats(-10, 10),
)
def test_the_value_moves_with_a_shift_and_a_scale(game, scale, shift):
    matrix = game.payoffs[0]
    spread = np.abs(matrix).max() + 10.0
    moved = value(scale * matrix + scale * shift)
    assert moved == pytest.approx(scale * (value(matrix) + shift), rel=1e-9, abs=1e-9 * scale * spread)


@settings(max_examples=40, deadline=None)
@given(game=zero_sum_games(n_actions=range(1, 5)), data=st.data())
def test_repeating_an_action_changes_nothing(game, data):
    matrix = game.payoffs[0]
    row = data.draw(st.integers(0, len(matrix) - 1))
    column = data.draw(st.integers(0, matrix.shape[1] - 1))
    larger = np.vstack([matrix, matrix[row : row + 1]])
    larger = np.hstack([larger, larger[:, column : column + 1]])
    assert value(larger) == pytest.approx(value(matrix), rel=1e-9, abs=1e-9 * np.ptp(matrix))


@settings(max_examples=40, deadline=None)
@given(shape=st.tuples(st.integers(1, 12), st.integers(1, 12)), seed=st.integers(0, 2**32 - 1))
def test_the_value_is_that_of_scipy(shape, seed):
    matrix = np.random.default_rng(seed).normal(size=shape)
    m, n = shape
    program = linprog(
        np.append(np.zeros(m), -1.0),
        A_ub=np.hstack([-matrix.T, np.ones((n, 1))]),
        b_ub=np.zeros(n),
        A_eq=np.append(np.ones(m), 0.0)[None],
        b_eq=[1.0],
        bounds=[(0, None)] * m + [(None, None)],
    )
    assert value(matrix) == pytest.approx(-program.fun, abs=1e-8)


def test_a_constant_sum_game_is_solved_with_its_own_payoffs():
    A = np.array([[3.0, -1.0], [-2.0, 1.0]])
    e = minimax(gt.NormalFormGame.bimatrix(A, 5.0 - A))
    assert e.values == pytest.approx([1 / 7, 5 - 1 / 7])


def test_a_sum_that_is_constant_up_to_rounding_is_accepted():
    A = np.random.default_rng(3).normal(size=(6, 6))
    e = minimax(gt.NormalFormGame.bimatrix(A, (0.1 - A) + 1e-13 * np.sin(A)))
    assert e.epsilon <= 1e-9 * np.ptp(A)


def test_an_exact_game_is_judged_exactly():
    A = np.array([[10**17, 0], [0, 10**17]], dtype=object)
    game = gt.NormalFormGame.bimatrix(A, -A + np.array([[0, 0], [0, 1]], dtype=object))
    with pytest.raises(gt.UnsupportedGame, match="not constant"):
        minimax(game)


def test_integers_beyond_floats_are_solved_exactly():
    big = 10**40
    e = minimax(gt.NormalFormGame.zero_sum(np.array([[big + 3, big - 1], [big - 2, big + 1]], dtype=object)))
    assert e.exact
    assert e.exact_profile[0].tolist() == [Fraction(3, 7), Fraction(4, 7)]


def test_fractions_are_solved_exactly():
    third = Fraction(1, 3)
    e = minimax(gt.NormalFormGame.zero_sum([[third, -third], [-third, 2 * third]]))
    assert e.exact_profile[0].tolist() == [Fraction(3, 5), Fraction(2, 5)]


def test_large_integer_games_are_exact_up_to_sixty_actions_of_support():
    rng = np.random.default_rng(5)
    e = minimax(gt.NormalFormGame.zero_sum(rng.integers(-99, 100, size=(60, 60))))
    assert e.exact
    assert e.epsilon == 0.0


def test_a_large_exact_game_keeps_a_float_certificate():
    rng = np.random.default_rng(6)
    e = minimax(gt.NormalFormGame.zero_sum(rng.integers(-(10**6), 10**6, size=(205, 205))))
    assert not e.exact
    assert e.epsilon <= 1e-9 * 2e6


@pytest.mark.parametrize("method", METHODS)
def test_three_players_are_refused_with_a_way_out(method):
    with pytest.raises(gt.UnsupportedGame, match=r"has 3 players but minimax covers two: use marlgt\.solve"):
        method(gt.NormalFormGame(np.zeros((3, 2, 2, 2))))


@pytest.mark.parametrize("method", METHODS)
def test_a_varying_sum_is_refused_with_a_way_out(method):
    game = gt.NormalFormGame.bimatrix([[3, 0], [5, 1]], [[3, 5], [0, 1]])
    with pytest.raises(gt.UnsupportedGame, match=r"security_levels"):
        method(game)


def test_a_method_that_falls_short_says_so_and_keeps_its_pair(monkeypatch):
    import marlgt.solvers.matrix_game as module

    uniform = np.full(3, 1 / 3)
    lazy = module.simplex(np.eye(3))
    monkeypatch.setattr(
        module, "simplex", lambda matrix: type(lazy)(uniform, uniform, (0,), (0,), pivots=1, converged=False)
    )
    game = gt.NormalFormGame.zero_sum([[0.5, -1.0, 2.0], [1.0, 0.0, -3.0], [-2.0, 3.0, 0.0]])
    with pytest.raises(gt.NotConverged, match="simplex stopped at a regret of") as caught:
        zero_sum_simplex(game)
    assert caught.value.best.epsilon > 0
    assert minimax(game).method == "zero_sum_interior_point"


@pytest.mark.parametrize("seed", [16, 24, 29, 32, 39])
def test_nearly_equal_rows_that_defeat_floats_are_solved(seed):
    rng = np.random.default_rng(seed)
    matrix = np.tile(rng.normal(size=(10, 10)), (3, 3)) + 1e-8 * rng.normal(size=(30, 30))
    e = minimax(gt.NormalFormGame.zero_sum(matrix))
    assert e.epsilon <= 1e-9 * np.ptp(matrix)


def test_the_last_resort_is_rational_arithmetic(monkeypatch):
    import marlgt.solvers.matrix_game as module

    def refuse(game, *, tolerance):
        raise gt.NotConverged("no", best=None)

    for name in ("zero_sum_simplex", "zero_sum_interior_point", "zero_sum_linear_program"):
        monkeypatch.setattr(module, name, refuse)
    e = minimax(gt.NormalFormGame.zero_sum([[0.5, -1.0, 2.0], [1.0, 0.0, -3.0], [-2.0, 3.0, 0.0]]))
    assert e.method == "minimax/integer_simplex"
    assert e.epsilon <= 1e-15


def test_a_cold_process_solves_a_small_game_without_heavy_imports():
    code = (
        "import sys, marlgt as gt\n"
        "gt.solvers.minimax(gt.NormalFormGame.zero_sum([[0, -1, 2], [1, 0, -3], [-2, 3, 0]]))\n"
        "gt.solvers.minimax(gt.NormalFormGame.zero_sum([[0.5, -1, 2], [1, 0, -3], [-2, 3, 0]]))\n"
        "print([name for name in ('numba', 'scipy', 'highspy', 'rich') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
