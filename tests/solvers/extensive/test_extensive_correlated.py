"""Correlation in extensive form: triggers by their definition, the nesting of the sets, the signalling example."""

from __future__ import annotations

from fractions import Fraction
from itertools import pairwise, product

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from marlgt.concepts import ce_gap, efcce_gap, efce_gap
from marlgt.concepts.trigger_deviations import trigger_regrets
from marlgt.errors import BudgetExceeded, GameError, NotConverged, ProfileError, UnsupportedGame
from marlgt.games import CHANCE, TERMINAL, ExtensiveGame, NormalFormGame, TreeBuilder, kuhn_poker, pure_strategies
from marlgt.linear_programs import LinearProgramResult
from marlgt.solvers import (
    coarse_correlated_equilibrium,
    correlated_equilibrium,
    extensive_form_coarse_correlated_equilibrium,
    extensive_form_correlated_equilibrium,
)
from marlgt.solvers.extensive import correlation
from marlgt.testing import extensive_games, forgetful_games, joint_distributions, simultaneous_games

EFCE, EFCCE = extensive_form_correlated_equilibrium, extensive_form_coarse_correlated_equilibrium


def small(game, most=400):
    return np.prod([len(pure_strategies(game, i)) for i in range(game.n_players)]) <= most


def expected(game, node, choose):
    """Return the payoffs from a node on, when each mover takes the action that ``choose`` names at her node."""
    if game.player[node] == TERMINAL:
        return game.terminal_payoffs[:, np.searchsorted(game.terminals, node)]
    below = game.children[game.first_child[node] : game.first_child[node + 1]].tolist()
    if game.player[node] == CHANCE:
        return sum(game.probability[child] * expected(game, child, choose) for child in below)
    return expected(game, below[choose(int(game.player[node]), node)], choose)


def is_below(game, node, player, infoset):
    while node >= 0:
        if game.player[node] == player and game.infoset[node] == infoset:
            return True
        node = int(game.parent[node])
    return False


def largest_gain_by_definition(game, joint, coarse):
    """Try every trigger with every strategy to go on with, walking through the tree."""
    listed = [pure_strategies(game, i) for i in range(game.n_players)]
    best = 0.0
    for i, sets in enumerate(game.infosets):
        full = list(product(*(range(count) for count in sets.n_actions.tolist())))
        for h in range(len(sets)):
            for c in [None] if coarse else range(int(sets.n_actions[h])):
                for instead in full:
                    gain = 0.0
                    for profile in np.argwhere(joint > 0):
                        told = [listed[j][k] for j, k in enumerate(profile)]
                        if told[i][h] < 0 or (c is not None and told[i][h] != c):
                            continue

                        def obey(j, node, told=told):
                            return int(told[j][game.infoset[node]])

                        def deviate(j, node, told=told, i=i, h=h, instead=instead):
                            if j == i and is_below(game, node, i, h):
                                return instead[game.infoset[node]]
                            return int(told[j][game.infoset[node]])

                        change = expected(game, 0, deviate)[i] - expected(game, 0, obey)[i]
                        gain += joint[tuple(profile)] * change
                    best = max(best, gain)
    return best


@settings(max_examples=40)
@given(data=st.data(), coarse=st.booleans())
def test_gaps_agree_with_the_definition(data, coarse):
    game = data.draw(extensive_games(n_players=range(1, 4), max_actions=2, max_depth=3))
    assume(small(game, 12) and max(len(sets) for sets in game.infosets) <= 4)
    joint = data.draw(joint_distributions(game.normal_form(), exact=False))
    gap = (efcce_gap if coarse else efce_gap)(game, joint)
    assert gap == pytest.approx(largest_gain_by_definition(game, joint, coarse), abs=1e-9)


@settings(max_examples=40)
@given(extensive_games(max_depth=3))
def test_the_sets_nest_in_the_welfare_they_reach(game):
    assume(small(game))
    normal = game.normal_form()
    welfare = [
        float(answer.values.sum())
        for answer in (correlated_equilibrium(normal), EFCE(game), EFCCE(game), coarse_correlated_equilibrium(normal))
    ]
    slack = 1e-8 * max(1.0, game.payoff_range.sum())
    assert all(one <= other + slack for one, other in pairwise(welfare))


@settings(max_examples=30)
@given(extensive_games(max_depth=3), st.sampled_from(["welfare", "egalitarian", "republican", "libertarian"]))
def test_answers_hold_their_certificates_apart(game, objective):
    assume(small(game))
    for solver, gap in ((EFCE, efce_gap), (EFCCE, efcce_gap)):
        answer = solver(game, objective=objective)
        assert gap(game, answer.joint) == answer.epsilon <= 1e-9 * max(1.0, game.payoff_range.max())
        utilities = (game.normal_form().payoffs * answer.joint).reshape(game.n_players, -1).sum(axis=1)
        np.testing.assert_allclose(utilities, answer.values, atol=1e-9)


@settings(max_examples=30)
@given(data=st.data())
def test_correlated_equilibria_of_the_normal_form_are_extensive_form_correlated(data):
    game = data.draw(extensive_games(max_depth=3))
    assume(small(game))
    normal = game.normal_form()
    values = data.draw(st.lists(st.integers(-3, 3), min_size=normal.n_profiles, max_size=normal.n_profiles))
    joint = correlated_equilibrium(normal, objective=np.reshape(values, normal.n_actions)).joint
    # A trigger gains at most what the swaps behind it gain, of which there is one for each strategy.
    slack = 1e-8 * normal.n_profiles * max(1.0, game.payoff_range.max())
    assert ce_gap(normal, joint) <= slack
    assert efcce_gap(game, joint) <= efce_gap(game, joint) * normal.n_profiles + slack
    assert efce_gap(game, joint) <= slack


@settings(max_examples=30)
@given(simultaneous_games())
def test_where_all_move_once_nothing_is_new(game):
    normal = game.normal_form()
    slack = 1e-8 * max(1.0, game.payoff_range.sum())
    pairs = ((EFCE, correlated_equilibrium), (EFCCE, coarse_correlated_equilibrium))
    for of_the_tree, of_the_matrix in pairs:
        for objective in ("welfare", "egalitarian"):
            values = [e(g, objective=objective).values for e, g in ((of_the_tree, game), (of_the_matrix, normal))]
            reached = [v.sum() if objective == "welfare" else v.min() for v in values]
            assert reached[0] == pytest.approx(reached[1], abs=slack)


def signalling_game():
    """von Stengel and Forges (2008), section 2.3: a student of either type sends a signal that costs nothing."""
    tree = TreeBuilder(["student", "professor"])
    root = tree.chance(None, [("good", Fraction(1, 2)), ("bad", Fraction(1, 2))])
    for kind, hired in (("good", [4, 10]), ("bad", [6, 0])):
        student = tree.decision(root, 0, kind, ["X", "Y"])
        for signal in "XY":
            professor = tree.decision(student, 1, signal, ["hire", "refuse"])
            tree.terminal(professor, hired)
            tree.terminal(professor, [0, 6])
    return tree.build()


def test_a_signal_from_the_mediator_helps_only_in_extensive_form():
    # von Stengel and Forges (2008), section 2.3: payoffs (3.5, 6.5) as an EFCE, (0, 6) in all correlated equilibria.
    game = signalling_game()
    assert correlated_equilibrium(game.normal_form()).values == pytest.approx([0, 6], abs=1e-9)
    answer = EFCE(game)
    assert answer.values.sum() >= 10 - 1e-9
    joint = np.zeros((4, 4))
    # The good student is told the signal that is hired, the bad one guesses: strategies good/bad and at X/at Y.
    for good, bad in product(range(2), repeat=2):
        hired_at_x = [0, 1] if good == 0 else [1, 0]
        joint[2 * good + bad, 2 * hired_at_x[0] + hired_at_x[1]] = 0.25
    values, regrets = trigger_regrets(game, joint, coarse=False)
    assert values.tolist() == [3.5, 6.5]
    assert regrets.tolist() == [0, 0]
    assert efce_gap(game, joint) == 0


def test_poker_with_three_players_is_within_the_budget_of_one_who_asks():
    with pytest.raises(BudgetExceeded, match="raise it, or minimise regret in extensive form") as caught:
        EFCE(kuhn_poker(3))
    assert caught.value.estimate > caught.value.limit


def test_zero_sum_games_have_their_value_in_every_set():
    game = kuhn_poker()
    for solver in (EFCE, EFCCE):
        assert solver(game).values[0] == pytest.approx(-1 / 18, abs=1e-9)


def test_what_is_never_reached_triggers_nothing():
    tree = TreeBuilder(["Ann"])
    root = tree.decision(None, 0, "first", ["stop", "go"])
    tree.terminal(root, [3])
    later = tree.decision(root, 0, "second", ["left", "right"])
    tree.terminal(later, [0])
    tree.terminal(later, [2])
    for solver in (EFCE, EFCCE):
        assert solver(tree.build()).values[0] == pytest.approx(3, abs=1e-9)


def test_a_program_that_fails_is_told(monkeypatch):
    empty = np.zeros(0)
    failed = LinearProgramResult("failed", 0.0, empty, empty, empty.astype(bool), empty.astype(bool))
    monkeypatch.setattr(correlation, "solve_linear_program", lambda *args, **options: failed)
    with pytest.raises(NotConverged, match="HiGHS found the linear program failed"):
        EFCE(signalling_game())


@settings(max_examples=5)
@given(forgetful_games(max_depth=3))
def test_players_who_forget_are_refused(game):
    for solver in (EFCE, EFCCE):
        with pytest.raises(UnsupportedGame, match="forgets at information set"):
            solver(game)


def test_bad_arguments_are_refused():
    game = ExtensiveGame.from_normal_form(NormalFormGame.bimatrix([[6, 2], [7, 0]], [[6, 7], [2, 0]]))
    with pytest.raises(GameError, match="game is 'poker': give an ExtensiveGame"):
        EFCE("poker")
    with pytest.raises(GameError, match="unknown objective 'fun'"):
        EFCCE(game, objective="fun")
    with pytest.raises(GameError, match="objective has shape"):
        EFCE(game, objective=[1, 2])
    with pytest.raises(GameError, match="budget is 0: give a positive number"):
        EFCE(game, budget=0)
    with pytest.raises(ProfileError, match=r"joint has shape \(2,\) but the players have \(2, 2\)"):
        efce_gap(game, [0.5, 0.5])
    with pytest.raises(ProfileError, match="joint sums to 2"):
        efcce_gap(game, [[1, 0], [0, 1]])
