import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from marlgt.errors import BudgetExceeded, UnsupportedGame
from marlgt.games.normal_form import NormalFormGame
from marlgt.kernels import compiled
from marlgt.solvers import is_degenerate, support_enumeration, vertex_enumeration
from marlgt.solvers._support_kernel import search


@st.composite
def integer_games(draw):
    m, n = draw(st.integers(1, 4)), draw(st.integers(1, 4))
    lines = st.lists(st.lists(st.integers(-4, 4), min_size=n, max_size=n), min_size=m, max_size=m)
    return NormalFormGame.bimatrix(draw(lines), draw(lines))


def exact_pairs(equilibria):
    return {tuple(tuple(p.tolist()) for p in e.exact_profile) for e in equilibria}


def rounded(profiles):
    return {tuple(np.round(np.concatenate(p), 8) + 0.0) for p in profiles}


@given(integer_games())
@settings(max_examples=120, deadline=None)
def test_all_equilibria_of_nondegenerate_games_are_found_and_no_others(game):
    found = support_enumeration(game)
    assert found.complete is not is_degenerate(game)
    assert all(e.exact and e.epsilon == 0 for e in found)
    assert all(len(e.supports[0]) == len(e.supports[1]) for e in found)
    assert len(exact_pairs(found)) == len(found)
    if found.complete:
        assert exact_pairs(found) == exact_pairs(vertex_enumeration(game))


@given(integer_games(), st.sampled_from([1e-6, 1.0, 1e12]))
@settings(max_examples=60, deadline=None)
def test_floats_of_any_scale_give_the_equilibria_of_the_exact_game(game, scale):
    exact = support_enumeration(game)
    floats = support_enumeration(NormalFormGame(game.payoffs * scale))
    if exact.complete:
        assert rounded(e.profile for e in floats) == rounded(e.profile for e in exact)
    assert all(e.epsilon <= 1e-9 * 8 * scale for e in floats)


@pytest.mark.parametrize("seed", range(15))
def test_generic_games_agree_with_nashpy(seed):
    nashpy = pytest.importorskip("nashpy")
    rng = np.random.default_rng(seed)
    A, B = rng.normal(size=(2, 3, 4))
    # Nashpy's support enumeration misses equilibria of random games; its vertex enumeration does not.
    theirs = rounded(nashpy.Game(A, B).vertex_enumeration())
    assert rounded(e.profile for e in support_enumeration(NormalFormGame.bimatrix(A, B))) == theirs


def test_the_equal_sizes_miss_an_equilibrium_of_a_degenerate_game_and_the_result_says_so():
    # von Stengel (2007), section 3.6: ((1, 0, 0), (2/3, 1/3)) has supports of one and two actions.
    found = support_enumeration(NormalFormGame.bimatrix([[3, 3], [2, 5], [0, 6]], [[3, 3], [2, 6], [3, 1]]))
    assert len(found) == 2
    assert not found.complete
    assert not any(e.complete for e in found)


def test_both_gears_find_the_same(monkeypatch):
    game = NormalFormGame.bimatrix(*np.random.default_rng(3).normal(size=(2, 5, 6)))
    monkeypatch.setenv("MARLGT_GEAR", "plain")
    plain = support_enumeration(game)
    monkeypatch.setenv("MARLGT_GEAR", "compiled")
    fast = support_enumeration(game)
    assert compiled(search) is not search
    assert [e.supports for e in plain] == [e.supports for e in fast]
    assert plain.complete
    assert fast.complete


def test_more_equilibria_than_fit_into_one_call_are_all_found(monkeypatch):
    monkeypatch.setattr("marlgt.solvers.supports.FOUND_PER_CALL", 2)
    monkeypatch.setattr("marlgt.solvers.supports.PAIRS_PER_CALL", {True: 3, False: 3})
    game = NormalFormGame.bimatrix(np.eye(5, dtype=int), np.eye(5, dtype=int))
    found = support_enumeration(game)
    assert len(exact_pairs(found)) == len(found) == 31
    assert [e.work["support_pairs"] for e in found] == sorted(e.work["support_pairs"] for e in found)
    assert found[-1].work["support_pairs"] <= 251


def test_dominated_actions_are_never_played():
    A = np.array([[3, 0, 9], [0, 3, 10], [-1, -2, 8]])
    found = support_enumeration(NormalFormGame.bimatrix(A, -A))
    assert found.complete
    assert all(2 not in e.supports[0] for e in found)


def test_50_by_50_is_refused_with_the_estimate_and_the_methods_that_will_do():
    game = NormalFormGame.zero_sum(np.eye(50, dtype=int))
    with pytest.raises(
        BudgetExceeded, match=r"on 50×50 visits 1\.0e\+29 support pairs.*lemke_howson.*budget=None"
    ) as e:
        support_enumeration(game)
    assert e.value.estimate == pytest.approx(1.0e29, rel=0.01)
    assert e.value.limit == 5e6


def test_without_a_budget_answers_stream_before_the_search_ends():
    game = NormalFormGame.bimatrix(np.eye(30, dtype=int), np.eye(30, dtype=int))
    stream = iter(support_enumeration(game, budget=None))
    first = [next(stream) for _ in range(3)]
    assert [e.supports for e in first] == [((k,), (k,)) for k in range(3)]
    assert all(e.exact and e.epsilon == 0 for e in first)


def test_an_interrupted_stream_keeps_what_was_found(monkeypatch):
    calls = []

    def interrupted(*arguments):
        calls.append(arguments)
        if len(calls) > 3:
            raise KeyboardInterrupt
        return search(*arguments[:-1], 40)

    monkeypatch.setattr("marlgt.solvers.supports.gear", lambda function, work: interrupted)
    found = support_enumeration(NormalFormGame.bimatrix(np.eye(6, dtype=int), np.eye(6, dtype=int)))
    assert found.stopped == "interrupted"
    assert not found.complete
    assert 0 < len(found) < 63


def test_three_players_are_refused():
    with pytest.raises(UnsupportedGame, match="two-player game, got 3 players"):
        support_enumeration(NormalFormGame(np.zeros((3, 2, 2, 2))))


def test_payoffs_that_floats_cannot_tell_apart_are_not_claimed_to_be_searched_completely():
    large = 10**40
    game = NormalFormGame.bimatrix([[large, 0], [large + 1, 1]], [[1, large], [0, large + 2]])
    assert not support_enumeration(game).complete
    assert support_enumeration(NormalFormGame.bimatrix([[2, 0], [0, 1]], [[1, 0], [0, 2]])).complete
