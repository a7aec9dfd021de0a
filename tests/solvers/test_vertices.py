import itertools
import json
import time
from contextlib import contextmanager
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from marlgt.errors import BudgetExceeded, UnsupportedGame
from marlgt.games.normal_form import NormalFormGame
from marlgt.solvers import is_degenerate, vertex_enumeration
from marlgt.solvers._array_walk import ArrayWalk
from marlgt.solvers._envelope import EnvelopeWalk
from marlgt.solvers._polytope_pair import BASES_PER_CALL
from marlgt.solvers._polytopes import EXHAUSTED, INEXACT, TIED, NumberWalk, most_vertices
from marlgt.testing import extreme_equilibria

KNOWN = [
    case
    for case in json.loads((Path(__file__).parents[1] / "data" / "known_answers.json").read_text())
    if case["kind"] == "bimatrix"
]

# von Stengel (1999), New maximal numbers of equilibria in bimatrix games: 75 equilibria.
A75 = [
    [9504, -660, 19976, -20526, 1776, -8976],
    [-111771, 31680, -130944, 168124, -8514, 52764],
    [397584, -113850, 451176, -586476, 29216, -178761],
    [171204, -45936, 208626, -263076, 14124, -84436],
    [1303104, -453420, 1227336, -1718376, 72336, -461736],
    [737154, -227040, 774576, -1039236, 48081, -300036],
]
B75 = [
    [72336, 48081, 29216, 14124, 1776, -8514],
    [-461736, -300036, -178761, -84436, -8976, 52764],
    [1227336, 774576, 451176, 208626, 19976, -130944],
    [-1718376, -1039236, -586476, -263076, -20526, 168124],
    [1303104, 737154, 397584, 171204, 9504, -111771],
    [-453420, -227040, -113850, -45936, -660, 31680],
]


def fractions(nested):
    return [fractions(x) for x in nested] if isinstance(nested, list) else Fraction(nested)


def exact_pairs(equilibria):
    return [tuple(tuple(p.tolist()) for p in e.exact_profile) for e in equilibria]


def solved(matrix, rhs):
    """Solve a square system by Gauss and Jordan in fractions; None if singular."""
    rows = [[*map(Fraction, row), Fraction(b)] for row, b in zip(matrix, rhs, strict=True)]
    n = len(rows)
    for c in range(n):
        found = next((r for r in range(c, n) if rows[r][c]), None)
        if found is None:
            return None
        rows[c], rows[found] = rows[found], rows[c]
        rows[c] = [x / rows[c][c] for x in rows[c]]
        for r in range(n):
            if r != c:
                rows[r] = [x - rows[r][c] * y for x, y in zip(rows[r], rows[c], strict=True)]
    return [row[-1] for row in rows]


def brute_force_vertices(payoffs):
    """Every extreme strategy against an opponent with these payoffs, with its unplayed actions and best replies.

    ``payoffs[a][b]`` is what the opponent earns with b against a. All choices of k actions and k replies
    are tried: the k actions' probabilities and the replies' common payoff solve k + 1 equations.
    """
    m, n = len(payoffs), len(payoffs[0])
    vertices = {}
    for k in range(1, min(m, n) + 1):
        for played in itertools.combinations(range(m), k):
            for replies in itertools.combinations(range(n), k):
                system = [[*(payoffs[a][b] for a in played), -1] for b in replies] + [[1] * k + [0]]
                solution = solved(system, [0] * k + [1])
                if solution is None or min(solution[:-1]) < 0:
                    continue
                x = [Fraction(0)] * m
                for a, value in zip(played, solution[:-1], strict=True):
                    x[a] = value
                earned = [sum(x[a] * payoffs[a][b] for a in range(m)) for b in range(n)]
                if max(earned) == solution[-1]:
                    best = frozenset(b for b in range(n) if earned[b] == max(earned))
                    vertices[tuple(x)] = frozenset(a for a in range(m) if x[a] == 0), best
    return vertices


def brute_force(A, B):
    rows = brute_force_vertices(B)
    columns = brute_force_vertices([list(column) for column in zip(*A, strict=True)])
    m, n = len(A), len(A[0])
    return {
        (x, y)
        for x, (idle, replies) in rows.items()
        for y, (idle_columns, best_rows) in columns.items()
        if idle | best_rows == frozenset(range(m)) and idle_columns | replies == frozenset(range(n))
    }


@st.composite
def integer_games(draw, most=3, widest=4, low=-2, high=2):
    m, n = draw(st.integers(1, most)), draw(st.integers(1, widest))
    lines = st.lists(st.lists(st.integers(low, high), min_size=n, max_size=n), min_size=m, max_size=m)
    return draw(lines), draw(lines)


@pytest.mark.parametrize("case", KNOWN, ids=lambda case: case["name"])
def test_every_known_answer_is_found_exactly_once(case):
    found = vertex_enumeration(NormalFormGame.bimatrix(*fractions(case["payoffs"])))
    pairs = exact_pairs(found)
    assert len(pairs) == len(set(pairs)) == case["count"]
    assert found.complete
    assert all(e.exact and e.epsilon == 0 for e in found)
    if case["equilibria"] is not None:
        assert set(pairs) == {(tuple(fractions(x)), tuple(fractions(y))) for x, y in case["equilibria"]}


@pytest.mark.parametrize("case", KNOWN, ids=lambda case: case["name"])
def test_the_same_payoffs_in_floats_have_as_many_extreme_equilibria(case):
    exact = NormalFormGame.bimatrix(*fractions(case["payoffs"]))
    found = vertex_enumeration(NormalFormGame(exact.payoffs))
    assert len(found) == case["count"]
    assert max(e.epsilon for e in found) <= 1e-12 * exact.payoff_range.max()


@pytest.mark.parametrize("gear", ["plain", "compiled"])
def test_the_6_by_6_game_of_von_stengel_has_75_equilibria(gear, monkeypatch):
    monkeypatch.setenv("MARLGT_GEAR", gear)
    found = vertex_enumeration(NormalFormGame.bimatrix(A75, B75))
    assert len(set(exact_pairs(found))) == len(found) == 75
    assert all(e.exact and e.epsilon == 0 for e in found)


@contextmanager
def forced(gear):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MARLGT_GEAR", gear)
        patch.setattr("marlgt.solvers._polytope_pair.WORK_PER_CALL", 0.0)
        yield


gears = st.sampled_from(["plain", "compiled"])


@given(st.one_of(integer_games(low=0), integer_games(), integer_games(most=3, widest=3, low=0, high=1)), gears)
@settings(max_examples=200, deadline=None)
def test_exactly_the_extreme_equilibria_of_brute_force_are_found(game, gear):
    with forced(gear):
        found = vertex_enumeration(NormalFormGame.bimatrix(*game))
    pairs = exact_pairs(found)
    assert len(pairs) == len(set(pairs))
    assert set(pairs) == brute_force(*game)
    assert all(e.exact and e.epsilon == 0 for e in found)
    assert found.complete


@given(integer_games(most=4, widest=4, low=0, high=2))
@settings(max_examples=60, deadline=None)
def test_some_equilibrium_exists_and_an_odd_number_if_the_game_is_nondegenerate(game):
    game = NormalFormGame.bimatrix(*game)
    count = len(vertex_enumeration(game))
    assert count >= 1
    assert is_degenerate(game) or count % 2 == 1


@given(integer_games(most=4, widest=4), st.randoms(use_true_random=False))
@settings(max_examples=60, deadline=None)
def test_permuting_actions_permutes_the_equilibria(game, random):
    game = NormalFormGame.bimatrix(*game)
    orders = [list(range(count)) for count in game.n_actions]
    for order in orders:
        random.shuffle(order)
    before = exact_pairs(vertex_enumeration(game))
    after = exact_pairs(vertex_enumeration(game.restrict(orders)))
    assert set(after) == {(tuple(x[a] for a in orders[0]), tuple(y[b] for b in orders[1])) for x, y in before}


@given(integer_games(most=4, widest=4))
@settings(max_examples=60, deadline=None)
def test_swapping_the_players_swaps_the_strategies(game):
    game = NormalFormGame.bimatrix(*game)
    before = exact_pairs(vertex_enumeration(game))
    assert set(exact_pairs(vertex_enumeration(game.permute_players([1, 0])))) == {(y, x) for x, y in before}


@given(
    integer_games(most=4, widest=4), st.fractions(Fraction(1, 9), 9, max_denominator=9), st.integers(-(10**20), 10**20)
)
@settings(max_examples=60, deadline=None)
def test_positive_affine_maps_of_payoffs_change_nothing(game, scale, shift):
    game = NormalFormGame.bimatrix(*game)
    image = game.affine(scale=[scale, 1], shift=[0, shift])
    assert exact_pairs(vertex_enumeration(image)) == exact_pairs(vertex_enumeration(game))


@given(integer_games(most=5, widest=5, low=0, high=2), st.sampled_from([1e-6, 1.0, 1e12]), gears)
@settings(max_examples=100, deadline=None)
def test_floats_of_any_scale_give_the_equilibria_of_the_exact_game(game, scale, gear):
    exact = NormalFormGame.bimatrix(*game)
    with forced(gear):
        floats = vertex_enumeration(NormalFormGame(exact.payoffs * scale))
    expected = vertex_enumeration(exact)
    assert len(floats) == len(expected)
    for e, f in zip(expected, floats, strict=True):
        np.testing.assert_allclose(np.concatenate(f.profile), np.concatenate(e.profile), atol=1e-9)


@given(integer_games(most=6, widest=6, low=0, high=3))
@settings(max_examples=60, deadline=None)
def test_all_walks_find_the_same_vertices(game):
    A, B = np.array(game)
    assume(np.ptp(B) > 0)
    m, n = A.shape
    columns = B - B.min() + 1
    labels = range(m, m + n), range(m)
    numbers = NumberWalk(columns.tolist(), *labels)
    assert numbers.advance(10**6)
    expected = sorted(numbers.masks())
    settings = {"tolerance": 0.0, "margin": 0.0, "integral": True, "capacity": 4}
    integral = ArrayWalk(columns.astype(float), *labels, **settings)
    assert integral.advance(10**6)
    assert integral.status == EXHAUSTED
    assert integral.masks().tolist() == expected
    scaled = (B - B.min()) / np.ptp(B) + 1.0
    rounded = ArrayWalk(scaled, *labels, **{**settings, "tolerance": 1e-10, "integral": False})
    assert rounded.advance(10**6)
    assert rounded.masks().tolist() == expected
    if m == 2:
        envelope = EnvelopeWalk(columns.tolist(), *labels)
        envelope.advance(1)
        assert sorted([*envelope.masks(), 3]) == expected


def test_walks_in_small_steps_and_with_little_memory_find_the_same_vertices(monkeypatch):
    monkeypatch.setattr("marlgt.solvers._polytopes.MOST_KEPT_ENTRIES", 0)
    rng = np.random.default_rng(5)
    matrix = rng.uniform(1.0, 2.0, (8, 8))
    labels = range(8, 16), range(8)
    floats = NumberWalk(matrix.tolist(), *labels, tolerance=1e-10)
    while not floats.advance(3):
        pass
    arrays = ArrayWalk(matrix, *labels, tolerance=1e-10, margin=0.0, integral=False, capacity=4)
    while not arrays.advance(3):
        pass
    integers = NumberWalk((matrix * 2**52).astype(np.int64).tolist(), *labels)
    while not integers.advance(3):
        pass
    assert sorted(floats.masks()) == arrays.masks().tolist()
    assert len(floats.masks()) == len(integers.masks()) == floats.bases <= most_vertices(8, 16)
    assert arrays.drift < 1e-10


def test_a_walk_gives_up_where_integers_grow_or_decisions_are_close():
    rng = np.random.default_rng(0)
    labels = range(8, 16), range(8)
    large = ArrayWalk(
        rng.integers(1, 100, (8, 8)).astype(float), *labels, tolerance=0.0, margin=0.0, integral=True, capacity=64
    )
    assert large.advance(10**6)
    assert large.status == INEXACT
    tied = ArrayWalk(
        rng.integers(1, 3, (8, 8)).astype(float), *labels, tolerance=1e-11, margin=1e-9, integral=False, capacity=64
    )
    assert tied.advance(10**6)
    assert tied.status == TIED


@pytest.mark.parametrize("seed", range(3))
def test_large_integers_and_ties_together_are_walked_exactly(seed):
    rng = np.random.default_rng(seed)
    A, B = rng.integers(0, 3, (2, 6, 6)) * 10**6
    exact = NormalFormGame.bimatrix(A + rng.integers(0, 2, (6, 6)), B)
    found = vertex_enumeration(exact)
    assert found.complete
    assert all(e.exact and e.epsilon == 0 for e in found)
    assert len(found) == len(vertex_enumeration(NormalFormGame(exact.payoffs)))


@pytest.mark.parametrize("seed", range(20))
def test_generic_games_agree_with_nashpy(seed):
    nashpy = pytest.importorskip("nashpy")
    rng = np.random.default_rng(seed)
    m, n = rng.integers(2, 5, 2)
    A, B = rng.normal(size=(2, m, n))
    ours = {
        tuple(np.round(np.concatenate(e.profile), 8) + 0.0) for e in vertex_enumeration(NormalFormGame.bimatrix(A, B))
    }
    theirs = {tuple(np.round(np.concatenate(p), 8) + 0.0) for p in nashpy.Game(A, B).vertex_enumeration()}
    assert ours == theirs


@pytest.mark.parametrize("n", [9, 12])
def test_random_games_have_an_odd_number_of_equilibria(n):
    rng = np.random.default_rng(n)
    found = vertex_enumeration(NormalFormGame.bimatrix(*rng.normal(size=(2, n, n))))
    assert len(found) % 2 == 1
    assert found.complete
    assert max(e.epsilon for e in found) < 1e-12


@pytest.mark.parametrize(("m", "n"), [(2, 90), (90, 2), (1, 70), (3, 61)])
def test_games_with_more_actions_than_bits_are_walked_too(m, n):
    rng = np.random.default_rng(m)
    found = vertex_enumeration(NormalFormGame.bimatrix(*rng.normal(size=(2, m, n))))
    assert len(found) % 2 == 1
    assert max(e.epsilon for e in found) < 1e-12


def test_near_ties_within_the_tolerance_count_as_ties():
    A = np.array([[1.0, 0.1 + 0.2], [1.0, 0.3]])
    B = np.array([[0.1 * 3, 0.3], [0.0, 0.0]])
    found = vertex_enumeration(NormalFormGame.bimatrix(A, B))
    assert len(found) == 4
    assert all(e.epsilon < 1e-15 for e in found)


@pytest.mark.parametrize("gear", ["plain", "compiled"])
@pytest.mark.parametrize("noise", [1e-5, 1e-7, 1e-9])
def test_near_ties_beyond_rounding_are_decided_as_the_floats_stand(gear, noise):
    for seed in range(10):
        rng = np.random.default_rng(seed)
        payoffs = rng.integers(0, 3, (2, 4, 4)) + noise * rng.standard_normal((2, 4, 4))
        exact = np.empty(payoffs.shape, dtype=object)
        exact.reshape(-1)[:] = [Fraction(x) for x in payoffs.reshape(-1).tolist()]
        with forced(gear):
            found = vertex_enumeration(NormalFormGame(payoffs))
        assert found.complete
        assert len(found) % 2 == 1
        assert {e.supports for e in found} == {e.supports for e in vertex_enumeration(NormalFormGame(exact))}


def test_a_constant_game_has_every_pure_profile_as_an_extreme_equilibrium():
    found = vertex_enumeration(NormalFormGame.bimatrix(np.zeros((4, 5), dtype=int), np.full((4, 5), 7)))
    assert len(found) == 20
    assert found.components == (tuple(range(20)),)


def test_50_by_50_is_refused_with_the_estimate_and_the_way_out():
    game = NormalFormGame.zero_sum(np.eye(50, dtype=int))
    with pytest.raises(BudgetExceeded, match=r"50×50 may visit 1\.4e\+20 vertices.*lemke_howson.*budget=None") as error:
        vertex_enumeration(game)
    assert error.value.estimate > 1e20


def test_15_by_15_is_within_the_budget():
    assert 2 * most_vertices(15, 30) < 5e6


def test_three_players_are_refused():
    with pytest.raises(UnsupportedGame, match="two-player game, got 3 players"):
        vertex_enumeration(NormalFormGame(np.zeros((3, 2, 2, 2))))


def test_an_interrupted_walk_returns_what_was_found(monkeypatch):
    advance = NumberWalk.advance
    calls = []

    def interrupted(self, steps):
        calls.append(steps)
        if len(calls) > 4:
            raise KeyboardInterrupt
        return advance(self, 30)

    monkeypatch.setattr(NumberWalk, "advance", interrupted)
    monkeypatch.setenv("MARLGT_GEAR", "plain")
    game = NormalFormGame.bimatrix(np.eye(6, dtype=int), np.eye(6, dtype=int))
    found = vertex_enumeration(game, budget=None)
    assert found.stopped == "interrupted"
    assert not found.complete
    assert 0 < len(found) < 63
    assert all(e.epsilon == 0 for e in found)


def test_control_returns_to_python_many_times_a_second(monkeypatch):
    monkeypatch.setenv("MARLGT_GEAR", "compiled")
    matrix = np.random.default_rng(0).uniform(1.0, 2.0, (24, 24))
    long = ArrayWalk(matrix, range(24, 48), range(24), tolerance=1e-10, margin=0.0, integral=False, capacity=64)
    long.advance(1)
    started = time.process_time()
    assert not long.advance(BASES_PER_CALL[ArrayWalk])
    assert time.process_time() - started < 1.0
    assert long.bases == 1 + 1 + BASES_PER_CALL[ArrayWalk]


def test_integers_beyond_floats_meet_exactly_where_a_player_has_two_actions():
    # The lines of the column player's envelope meet at integers that no float holds.
    noise = [[1, -3], [-1, 7], [5, -2], [-2, 1], [-3, 4]]
    A = [
        [Fraction(a) + Fraction(e, 10**25) for a, e in zip(row, line)]
        for row, line in zip([[1, 0], [0, 2], [2, 0], [1, 1], [0, 1]], noise)
    ]
    B = [
        [Fraction(b) + Fraction(e, 10**27) for b, e in zip(row, line)]
        for row, line in zip([[0, 0], [0, 2], [0, 0], [2, 2], [2, 1]], noise)
    ]
    game = NormalFormGame.bimatrix(A, B)
    found = {tuple(np.concatenate(e.exact_profile)) for e in vertex_enumeration(game)}
    assert found == {tuple(np.concatenate(pair)) for pair in extreme_equilibria(game).equilibria}


def test_integers_beyond_the_largest_float_are_no_obstacle():
    huge = 10**160
    game = NormalFormGame.bimatrix(
        [[Fraction(3) + Fraction(1, huge), 3, 1], [2, 5, Fraction(7, huge)], [0, 6, 2]],
        [[3, 2, 1], [2, 6 - Fraction(1, huge), 0], [3, 1, 4]],
    )
    found = {tuple(np.concatenate(e.exact_profile)) for e in vertex_enumeration(game)}
    assert found == {tuple(np.concatenate(pair)) for pair in extreme_equilibria(game).equilibria}
