"""Lemke-Howson: certified on every game and label, exact where the game is, never stuck, never silent."""

import json
from fractions import Fraction
from pathlib import Path as File

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from marlgt import kernels
from marlgt.certificates import TOLERANCE, relative_epsilon
from marlgt.errors import GameError, NotConverged, UnsupportedGame
from marlgt.games import NormalFormGame
from marlgt.solvers import _path_ends, _paths, lemke_howson, lemke_howson_all_labels, lemke_howson_race
from marlgt.solvers._paths import Path

CASES = [
    case
    for case in json.loads((File(__file__).parents[1] / "data" / "known_answers.json").read_text())
    if case["kind"] == "bimatrix" and case["equilibria"]
]


def fractions(nested):
    return [fractions(x) for x in nested] if isinstance(nested, list) else Fraction(nested)


@st.composite
def games(draw, *, most=6):
    """Two-player games, mostly degenerate: few values, duplicates, near-ties, extreme scales."""
    m, n = draw(st.integers(1, most)), draw(st.integers(1, most))
    size = draw(st.sampled_from([0, 1, 2, 9, 99]))
    payoffs = np.array(
        draw(st.lists(st.integers(-size, size), min_size=2 * m * n, max_size=2 * m * n)), dtype=np.int64
    ).reshape(2, m, n)
    if draw(st.booleans()):
        rows = draw(st.lists(st.integers(0, m - 1), min_size=m, max_size=m))
        columns = draw(st.lists(st.integers(0, n - 1), min_size=n, max_size=n))
        payoffs = payoffs[:, rows][:, :, columns]
    kind = draw(st.sampled_from(["integer", "near-tie", "small", "large", "uneven"]))
    if kind == "near-tie":
        seed = draw(st.integers(0, 2**32 - 1))
        noise = np.random.default_rng(seed).choice([-1e-9, -1e-12, 0.0, 1e-12, 1e-9], size=payoffs.shape)
        return NormalFormGame(payoffs + noise)
    if kind == "small":
        return NormalFormGame(payoffs * 1e-6)
    if kind == "large":
        return NormalFormGame(payoffs * 10**12 + payoffs[::-1])
    if kind == "uneven":
        return NormalFormGame(payoffs * np.array([1e-6, 1e12]).reshape(2, 1, 1))
    return NormalFormGame(payoffs)


def assert_proven(game, answer):
    assert relative_epsilon(game, answer) <= TOLERANCE
    if game.is_exact:
        assert answer.exact
        assert answer.epsilon == 0


@settings(max_examples=150, deadline=None)
@given(games())
@example(NormalFormGame(np.zeros((2, 4, 4), dtype=int)))
@example(NormalFormGame(np.zeros((2, 1, 1))))
@example(NormalFormGame.bimatrix([[0, 0, 0]], [[1, 1, 0]]))
@example(NormalFormGame.bimatrix([[1], [1], [0]], [[0], [5], [5]]))
@example(NormalFormGame(np.full((2, 3, 3), 1e150)))
def test_every_label_ends_at_a_certified_equilibrium(game):
    for label in range(sum(game.n_actions)):
        answer = lemke_howson(game, label=label)
        assert_proven(game, answer)
        assert answer.work["label"] == label


@settings(max_examples=60, deadline=None)
@given(games(), st.integers(0, 2**32))
def test_the_race_ends_at_a_certified_equilibrium(game, seed):
    assert_proven(game, lemke_howson_race(game, seed=seed))


@settings(max_examples=40, deadline=None)
@given(games(most=4))
def test_all_labels_give_certified_equilibria_without_duplicates(game):
    found = lemke_howson_all_labels(game)
    assert len(found) >= 1
    assert not found.complete
    for i, answer in enumerate(found):
        assert_proven(game, answer)
        for other in found[:i]:
            assert any(np.abs(p - q).max() > 1e-10 for p, q in zip(answer.profile, other.profile))


@settings(max_examples=40, deadline=None)
@given(st.integers(1, 5), st.integers(1, 5), st.integers(0, 2**32), st.sampled_from([1e-6, 1.0, 1e12, 1e100]))
def test_the_path_does_not_depend_on_the_scale_or_origin_of_the_payoffs(m, n, seed, scale):
    game = NormalFormGame(np.random.default_rng(seed).uniform(-1, 1, (2, m, n)))
    one = lemke_howson(game)
    other = lemke_howson(game.affine(scale=[scale, 3 * scale], shift=[2 * scale, -scale]))
    assert one.work == other.work
    for p, q in zip(one.profile, other.profile):
        np.testing.assert_allclose(p, q, atol=1e-8)


@pytest.mark.parametrize("case", CASES, ids=[case["name"] for case in CASES])
def test_every_path_of_a_known_game_ends_at_one_of_its_extreme_equilibria(case):
    game = NormalFormGame.bimatrix(*fractions(case["payoffs"]))
    extreme = fractions(case["equilibria"])
    for answer in lemke_howson_all_labels(game):
        assert [p.tolist() for p in answer.exact_profile] in extreme


def test_the_labels_of_von_stengels_example_reach_two_of_its_three_equilibria():
    # von Stengel (2007): label 2 leads to the pure one, label 1 elsewhere; players' labels count from 0 here.
    game = NormalFormGame.bimatrix([[3, 3], [2, 5], [0, 6]], [[3, 2], [2, 6], [3, 1]])
    assert lemke_howson(game, label=0).supports == ((0,), (0,))
    assert lemke_howson(game, label=1).supports == ((1, 2), (0, 1))


def test_the_paths_from_the_artificial_equilibrium_may_miss_equilibria():
    # Three coordination equilibria in all, mixed ones included; paths from (0, 0) reach the pure ones only.
    found = lemke_howson_all_labels(NormalFormGame.common_interest([[3, 0], [0, 2]]))
    assert {answer.supports for answer in found} == {((0,), (0,)), ((1,), (1,))}


def test_pure_coordination_is_reached_at_every_action_once():
    found = lemke_howson_all_labels(NormalFormGame.common_interest(np.eye(6, dtype=int)))
    assert [answer.supports for answer in found] == [((a,), (a,)) for a in range(6)]


def test_random_games_of_all_sizes_are_all_solved():
    rng = np.random.default_rng(20)
    for n in (2, 3, 5, 8, 12, 15, 20, 25):
        for payoffs in (rng.standard_normal((2, n, n)), rng.integers(1, 100, (2, n, n))):
            game = NormalFormGame(payoffs)
            for label in rng.choice(2 * n, size=3, replace=False):
                assert_proven(game, lemke_howson(game, label=int(label)))


@pytest.mark.parametrize("kind", ["random", "zero-sum", "few values"])
def test_no_game_of_three_hundred_actions_is_stuck(kind):
    rng = np.random.default_rng(4)
    payoffs = rng.integers(0, 3, (2, 300, 300)) if kind == "few values" else rng.standard_normal((2, 300, 300))
    if kind == "zero-sum":
        payoffs[1] = -payoffs[0]
    game = NormalFormGame(payoffs)
    answer = lemke_howson_race(game)
    assert_proven(game, answer)
    assert answer.work["pivots"] < 100_000


def test_both_gears_follow_the_same_path(monkeypatch):
    rng = np.random.default_rng(7)
    for payoffs in (rng.standard_normal((2, 12, 9)), rng.integers(0, 3, (2, 9, 12))):
        game = NormalFormGame(payoffs)
        answers = []
        for gear in ("plain", "compiled"):
            monkeypatch.setenv("MARLGT_GEAR", gear)
            answers.append(lemke_howson(game, label=5))
        plain, compiled = answers
        assert plain.work == compiled.work
        for p, q in zip(plain.profile, compiled.profile):
            np.testing.assert_allclose(p, q, atol=1e-13)


def test_a_path_too_long_for_one_stroke_is_walked_in_several_calls(monkeypatch):
    monkeypatch.setenv("MARLGT_GEAR", "compiled")
    game = NormalFormGame(np.random.default_rng(8).standard_normal((2, 15, 15)))
    at_once = lemke_howson(game, label=3)
    monkeypatch.setitem(_paths.CELLS_PER_CALL, "compiled", 1_000)
    in_turns = lemke_howson(game, label=3)
    assert at_once.work == in_turns.work
    for p, q in zip(at_once.profile, in_turns.profile):
        assert p.tolist() == q.tolist()


def test_a_path_is_the_same_whether_or_not_it_is_interrupted():
    payoffs = NormalFormGame(np.random.default_rng(8).standard_normal((2, 15, 15))).payoffs
    whole, halting = Path(payoffs, 3), Path(payoffs, 3)
    whole.advance(10_000)
    while not halting.ended:
        halting.advance(halting.pivots + 1)
    assert halting.pivots == whole.pivots
    for p, q in zip(whole.point(), halting.point()):
        assert p.tolist() == q.tolist()


def test_a_drifted_path_is_repaired_and_ends_where_it_would_have(monkeypatch):
    monkeypatch.setattr(_paths, "PIVOTS_PER_CHECK", 0)
    payoffs = NormalFormGame(np.random.default_rng(8).standard_normal((2, 15, 15))).payoffs
    sound, drifted = Path(payoffs, 3), Path(payoffs, 3)
    sound.advance(10_000)
    drifted.advance(sound.pivots // 2)
    assert drifted.drift() < 1e-12
    drifted._rows[:, :16] *= 1 + 1e-6
    assert drifted.drift() > 1e-9
    drifted.repair()
    assert drifted.drift() < 1e-12
    drifted.advance(10_000)
    for p, q in zip(sound.point(), drifted.point()):
        np.testing.assert_allclose(p, q, atol=1e-12)


def test_a_path_that_rounding_sends_in_circles_is_walked_again_in_fractions():
    rng = np.random.default_rng(1)
    shape = (2, 5, 5)
    payoffs = rng.integers(0, 3, shape) + rng.choice([0, 1e-9, 1e-12], shape) * rng.standard_normal(shape)
    path = Path(NormalFormGame(payoffs).payoffs, 2)
    path.advance(1000)
    assert path.lost
    answer = lemke_howson(NormalFormGame(payoffs), label=2)
    assert answer.epsilon <= 1e-12
    assert answer.work["label"] == 2


def test_another_label_helps_where_one_is_lost(monkeypatch):
    rng = np.random.default_rng(491)
    shape = (2, 4, 4)
    payoffs = rng.integers(0, 3, shape) + rng.choice([0, 1e-9, 1e-12], shape) * rng.standard_normal(shape)
    game = NormalFormGame(payoffs)
    assert lemke_howson(game, label=2).work["label"] == 2
    monkeypatch.setattr(_path_ends, "EXACT_CELLS", 0)
    answer = lemke_howson(game, label=2)
    assert_proven(game, answer)
    assert answer.work["label"] != 2


def test_an_unfinished_path_is_reported_with_where_it_stands():
    game = NormalFormGame(np.random.default_rng(0).standard_normal((2, 20, 20)))
    length = lemke_howson(game, label=0).work["pivots"]
    assert lemke_howson(game, label=0, max_pivots=length).work["pivots"] == length
    with pytest.raises(NotConverged, match="use lemke_howson_race") as caught:
        lemke_howson(game, label=0, max_pivots=length - 1)
    assert caught.value.best.work["pivots"] == length - 1
    assert caught.value.best.epsilon > 0


def test_a_race_without_time_is_reported_with_its_best_runner():
    game = NormalFormGame.zero_sum(np.random.default_rng(0).standard_normal((20, 20)))
    with pytest.raises(NotConverged, match="within 20 pivots") as caught:
        lemke_howson_race(game, max_pivots=20)
    assert caught.value.best.epsilon > 0


def test_all_labels_report_a_budget_that_was_too_small():
    game = NormalFormGame(np.random.default_rng(3).standard_normal((2, 12, 12)))
    lengths = sorted(lemke_howson(game, label=label).work["pivots"] for label in range(24))
    assert lengths[0] < lengths[-1]
    assert lemke_howson_all_labels(game, max_pivots=lengths[0]).stopped == "budget"
    with pytest.raises(NotConverged, match="no path ended"):
        lemke_howson_all_labels(game, max_pivots=lengths[0] - 1)


def test_an_interrupted_enumeration_keeps_what_it_found(monkeypatch):
    game = NormalFormGame.common_interest([[3, 0], [0, 2]])
    advance = _paths.Path.advance

    def interrupted(path, until, work=0.0):
        if path.label == 2:
            raise KeyboardInterrupt
        advance(path, until, work)

    monkeypatch.setattr(_paths.Path, "advance", interrupted)
    found = lemke_howson_all_labels(game)
    assert len(found) == 2
    assert found.stopped == "interrupted"
    assert not found.complete


def test_control_returns_to_python_within_a_second(monkeypatch):
    calls = []
    advance = _paths.Path.advance
    monkeypatch.setattr(_paths.Path, "advance", lambda path, *rest: (calls.append(path.pivots), advance(path, *rest)))
    monkeypatch.setitem(_paths.CELLS_PER_CALL, "plain", 1_000)
    monkeypatch.setitem(_paths.CELLS_PER_CALL, "compiled", 1_000)
    game = NormalFormGame.zero_sum(np.random.default_rng(0).standard_normal((15, 15)))
    answer = lemke_howson(game)
    assert_proven(game, answer)
    assert len(calls) >= answer.work["pivots"] * 240 // 1_000 // 2


def test_small_games_leave_the_compiler_alone(monkeypatch):
    monkeypatch.delenv("MARLGT_GEAR", raising=False)
    monkeypatch.setattr(kernels, "_twins", {})
    lemke_howson(NormalFormGame(np.random.default_rng(0).standard_normal((2, 10, 10))))
    assert kernels._twins == {}


@pytest.mark.parametrize("solver", [lemke_howson, lemke_howson_all_labels, lemke_howson_race])
def test_games_of_three_players_are_refused(solver):
    with pytest.raises(UnsupportedGame, match="two-player games and this one has 3"):
        solver(NormalFormGame(np.zeros((3, 2, 2, 2))))
    with pytest.raises(GameError, match="max_pivots is 0: give a whole number from 1"):
        solver(NormalFormGame.zero_sum([[1]]), max_pivots=0)


def test_a_negative_seed_is_refused():
    with pytest.raises(GameError, match="seed is -1: give a whole number from 0"):
        lemke_howson_race(NormalFormGame.zero_sum([[1]]), seed=-1)


@pytest.mark.parametrize("label", [-1, 5, 1.0, "0", True])
def test_labels_that_the_game_has_not_are_refused(label):
    with pytest.raises(GameError, match="label must be an integer from 0 to 4"):
        lemke_howson(NormalFormGame(np.zeros((2, 2, 3))), label=label)
