"""All isolated equilibria: known answers, indices, invariances, degenerate games, limits."""

import json
import warnings
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import marlgt as gt
from marlgt.certificates import relative_epsilon
from marlgt.concepts import equilibrium_index
from marlgt.solvers import all_isolated_equilibria, polynomial
from marlgt.solvers.polynomial import estimated_boxes

KNOWN = [
    case
    for case in json.loads((Path(__file__).parents[1] / "data" / "known_answers.json").read_text(encoding="utf-8"))
    if case["kind"] == "normal_form"
]
ISOLATED = [case for case in KNOWN if case["count"] is not None]


def random_game(shape, seed):
    return gt.NormalFormGame(np.random.default_rng(seed).random((len(shape), *shape)))


def stacked(equilibria):
    return [np.concatenate(e.profile) for e in equilibria]


def assert_same_set(points, others, tolerance=1e-9):
    assert len(points) == len(others)
    for x in points:
        assert min(np.abs(x - y).max() for y in others) <= tolerance


@pytest.mark.parametrize("case", ISOLATED, ids=[case["name"] for case in ISOLATED])
def test_known_lists_are_found_whole_without_duplicates(case):
    found = all_isolated_equilibria(gt.NormalFormGame(case["payoffs"]))
    assert found.complete
    assert len(found) == case["count"]
    assert_same_set(stacked(found), [np.concatenate(e) for e in case["equilibria"]])
    assert all(e.complete and e.epsilon <= 1e-13 for e in found)


@pytest.mark.parametrize(
    ("shape", "games"), [((2, 2, 2), 60), ((2, 2, 3), 20), ((3, 3, 3), 6), ((2, 2, 2, 2), 20), ((3, 4), 20)]
)
def test_the_indices_of_a_generic_game_sum_to_one(shape, games):
    # Shapley 1974; Govindan and Wilson 1997: any equilibrium missed or invented breaks the sum.
    for seed in range(games):
        game = random_game(shape, seed)
        found = all_isolated_equilibria(game)
        assert found.complete
        assert sum(equilibrium_index(game, e) for e in found) == 1
        assert max(relative_epsilon(game, e) for e in found) <= 1e-12


def test_the_compiled_twin_finds_the_same(monkeypatch):
    for shape in [(3, 3, 3), (2, 2, 2, 2)]:
        game = random_game(shape, 11)
        monkeypatch.setenv("MARLGT_GEAR", "plain")
        plain = all_isolated_equilibria(game)
        monkeypatch.setenv("MARLGT_GEAR", "compiled")
        compiled = all_isolated_equilibria(game)
        assert compiled.complete
        assert_same_set(stacked(plain), stacked(compiled), 1e-12)


@given(st.sampled_from([(2, 2, 2), (2, 3), (3, 2, 2), (2, 2, 2, 2)]), st.integers(0, 10**6))
@settings(max_examples=25, deadline=None)
def test_renaming_and_changing_units_changes_no_equilibrium(shape, seed):
    rng = np.random.default_rng(seed)
    game = random_game(shape, seed)
    players = rng.permutation(len(shape))
    orders = [rng.permutation(c) for c in shape]
    units = 10.0 ** rng.uniform(-6, 12, len(shape))
    other = game.restrict(orders).affine(scale=units, shift=0.5 * units)
    found = all_isolated_equilibria(other.permute_players(players))
    back = []
    for e in found:
        profile = [np.empty(0)] * len(shape)
        for place, i in enumerate(players):
            profile[i] = np.empty(shape[i])
            profile[i][orders[i]] = e.profile[place]
        back.append(np.concatenate(profile))
    assert found.complete
    assert_same_set(back, stacked(all_isolated_equilibria(game)), 1e-8)


@pytest.mark.parametrize("seed", range(12))
def test_two_players_agree_with_vertex_enumeration_of_nashpy(seed):
    nashpy = pytest.importorskip("nashpy")
    rng = np.random.default_rng(seed)
    A, B = rng.normal(size=(2, *rng.integers(2, 5, 2)))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        expected = [np.concatenate(pair) for pair in nashpy.Game(A, B).vertex_enumeration()]
    found = all_isolated_equilibria(gt.NormalFormGame.bimatrix(A, B))
    assert found.complete
    assert_same_set(stacked(found), expected, 1e-8)


@given(st.lists(st.integers(0, 3), min_size=24, max_size=24))
@settings(max_examples=60, deadline=None)
def test_small_integer_games_with_all_their_ties_get_only_proven_answers_and_every_pure_one(entries):
    game = gt.NormalFormGame(np.array(entries).reshape(3, 2, 2, 2))
    found = all_isolated_equilibria(game)
    assert all(relative_epsilon(game, e) <= 1e-10 for e in found)
    assert found.complete == (found.stopped == "")
    points = stacked(found)
    for pure in gt.solvers.pure_equilibria(game):
        assert min(np.abs(np.concatenate(pure.profile) - x).max() for x in points) == 0.0
    for i, x in enumerate(points):
        assert all(np.abs(x - y).max() > 1e-8 for y in points[:i])
    assert len(found) > 0 or not found.complete


def test_rational_equilibria_of_integer_games_are_proven_exactly():
    found = all_isolated_equilibria(gt.NormalFormGame(np.array(KNOWN[0]["payoffs"]).astype(int)))
    assert all(e.exact and e.epsilon == 0.0 for e in found)
    assert any(e.exact_profile[0].tolist() == [Fraction(2, 5), Fraction(3, 5)] for e in found)


def test_irrational_equilibria_are_found_to_machine_precision():
    # Three players who gain by being alone in choosing the second action: all mix with p = 1 / sqrt(2).
    case = next(case for case in KNOWN if case["name"] == "anti_coordination_3p_v2")
    found = all_isolated_equilibria(gt.NormalFormGame(np.array(case["payoffs"]).astype(int)))
    mixed = [e for e in found if all(len(s) == 2 for s in e.supports)]
    assert len(mixed) == 1
    assert mixed[0].profile[0][0] == pytest.approx(2**-0.5, abs=1e-15)
    assert not mixed[0].exact


def test_an_action_that_ties_without_being_played_does_not_hide_an_equilibrium():
    """Common interest in one cell: both pure equilibria stand, the second one on the edge of the full supports."""
    found = all_isolated_equilibria(gt.NormalFormGame.common_interest([[1, 0], [0, 0]]))
    assert found.complete
    assert sorted(e.supports for e in found) == [((0,), (0,)), ((1,), (1,))]


def test_a_double_equilibrium_is_found_and_the_answer_does_not_claim_to_be_complete():
    # Indifference: y = z for player 0, x = z for player 1, (x - 1/2)(y - 1/2) = 0 for player 2.
    payoffs = np.zeros((3, 2, 2, 2), dtype=int)
    for x, y, z in np.ndindex(2, 2, 2):
        payoffs[0, x, y, z] = x * (y - z)
        payoffs[1, x, y, z] = y * (x - z)
        payoffs[2, x, y, z] = z * (2 * x - 1) * (2 * y - 1)
    found = all_isolated_equilibria(gt.NormalFormGame(payoffs))
    assert not found.complete
    assert found.stopped == "degenerate"
    assert any(np.allclose(x, 0.5, atol=1e-5) for x in stacked(found))


@pytest.mark.parametrize("shape", [(1,), (3,), (2, 2), (2, 2, 2), (3, 3, 3)])
def test_a_constant_game_ends_with_every_pure_profile(shape):
    game = gt.NormalFormGame(np.zeros((len(shape), *shape), dtype=int))
    found = all_isolated_equilibria(game)
    assert sum(all(len(s) == 1 for s in e.supports) for e in found) == game.n_profiles
    assert found.complete == (game.n_profiles == 1)


def test_one_player_has_one_best_action():
    found = all_isolated_equilibria(gt.NormalFormGame([[1, 5, 3]]))
    assert found.complete
    assert [e.supports for e in found] == [((1,),)]


def test_a_continuum_gives_representatives_and_says_so():
    case = next(case for case in KNOWN if case["name"] == "minority_game_3p")
    found = all_isolated_equilibria(gt.NormalFormGame(np.array(case["payoffs"]).astype(int)))
    assert not found.complete
    assert found.stopped == "degenerate"
    assert any(np.allclose(x, 0.5) for x in stacked(found))


def test_work_beyond_the_budget_is_refused_before_it_starts():
    with pytest.raises(gt.BudgetExceeded, match=r"10 x 10 x 10 game take about .*find_one or marlgt.solvers.logit"):
        all_isolated_equilibria(gt.NormalFormGame(np.zeros((3, 10, 10, 10))))
    with pytest.raises(gt.GameError, match="budget is -1: give a positive number of boxes"):
        all_isolated_equilibria(random_game((2, 2), 0), budget=-1)


def test_a_search_that_reaches_its_budget_keeps_what_it_found(monkeypatch):
    monkeypatch.setattr(polynomial, "estimated_boxes", lambda n_actions: 1.0)
    game = gt.NormalFormGame(KNOWN[0]["payoffs"])
    found = all_isolated_equilibria(game, budget=5)
    assert found.stopped == "budget"
    assert not found.complete
    assert 4 <= len(found) < 9


def test_an_interrupted_search_keeps_what_it_found(monkeypatch):
    def interrupted(*arguments):
        raise KeyboardInterrupt

    monkeypatch.setattr(polynomial, "gear", lambda function, work: interrupted)
    found = all_isolated_equilibria(gt.NormalFormGame(KNOWN[0]["payoffs"]))
    assert found.stopped == "interrupted"
    assert len(found) == 4


def test_without_a_budget_the_pure_equilibria_come_before_the_search():
    game = gt.NormalFormGame.common_interest(np.random.default_rng(0).permutation(8**4).reshape((8,) * 4))
    assert estimated_boxes(game.n_actions) > 1e8
    first = next(iter(all_isolated_equilibria(game, budget=None)))
    assert first.epsilon == 0.0


def test_too_many_actions_for_one_player_are_refused():
    with pytest.raises(gt.UnsupportedGame, match="a player has 61 actions"):
        all_isolated_equilibria(gt.NormalFormGame(np.zeros((1, 61))), budget=None)


def test_a_list_with_one_missing_fails_the_check_of_indices():
    game = random_game((2, 2, 2, 2), 3)
    found = all_isolated_equilibria(game)
    assert polynomial._indices_sum_to_one(game, found)
    assert not polynomial._indices_sum_to_one(game, found[1:])


@pytest.mark.parametrize("scale", [1e-6, 1.0, 1e12])
def test_the_scale_of_payoffs_does_not_matter(scale):
    payoffs = np.array(KNOWN[0]["payoffs"]) * scale
    assert_same_set(
        stacked(all_isolated_equilibria(gt.NormalFormGame(payoffs))),
        [np.concatenate(e) for e in KNOWN[0]["equilibria"]],
    )
