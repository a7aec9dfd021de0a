"""Backward induction: subgame perfection by definition, all ties by brute force, published games."""

from __future__ import annotations

from fractions import Fraction
from itertools import product

import numpy as np
import pytest
from hypothesis import assume, given, settings

from marlgt.concepts import is_subgame_perfect, regrets, subgame_regrets
from marlgt.errors import GameError, UnsupportedGame
from marlgt.games import TreeBuilder
from marlgt.solvers import backward_induction, subgame_perfect_equilibria
from marlgt.testing import imperfect_information_games, perfect_information_games


@settings(max_examples=60)
@given(perfect_information_games())
def test_the_answer_is_an_equilibrium_in_every_subgame(game):
    answer = backward_induction(game)
    assert is_subgame_perfect(game, answer.profile, tolerance=1e-12)
    assert answer.exact == game.is_exact
    assert answer.epsilon <= (0 if game.is_exact else 1e-12)
    np.testing.assert_allclose(regrets(game, answer.profile), 0, atol=1e-12)


@settings(max_examples=40)
@given(perfect_information_games(exact=True))
def test_it_agrees_with_the_same_game_in_floats(game):
    answer = backward_induction(game)
    np.testing.assert_allclose(subgame_regrets(game, answer.profile), 0, atol=1e-12)
    assert all(type(p) is Fraction for policy in answer.exact_profile for p in policy.reshape(-1).tolist())


@settings(max_examples=40)
@given(perfect_information_games(exact=True, max_depth=3))
def test_all_pure_equilibria_are_found_by_brute_force(game):
    counts = [count for sets in game.infosets for count in sets.n_actions.tolist()]
    assume(np.prod(counts) <= 300)
    expected = set()
    for actions in product(*map(range, counts)):
        profile = profile_of(game, actions)
        # Fractions with small denominators: gains of a true deviation are far above rounding.
        if subgame_regrets(game, profile).max() < 1e-9:
            expected.add(actions)
    found = subgame_perfect_equilibria(game)
    assert found.complete
    assert [e.epsilon for e in found] == [0] * len(found)
    assert {actions_of(game, e.profile) for e in found} == expected
    assert len(found) == len(expected)


@settings(max_examples=30)
@given(perfect_information_games())
def test_the_first_of_all_is_that_of_backward_induction(game):
    first = subgame_perfect_equilibria(game, max_answers=3)[0]
    np.testing.assert_allclose(first.values, backward_induction(game).values, atol=1e-9)


def profile_of(game, actions):
    profile, at = [], 0
    for sets in game.infosets:
        policy = np.zeros((len(sets), sets.most_actions))
        for j in range(len(sets)):
            policy[j, actions[at]] = 1
            at += 1
        profile.append(policy)
    return profile


def actions_of(game, profile):
    return tuple(int(row.argmax()) for policy in profile for row in policy)


def centipede(stages):
    """Rosenthal's game: the pot grows, but who takes it first gets the larger share."""
    tree = TreeBuilder(["Ann", "Bob"])
    parent = None
    for k in range(stages):
        mover = k % 2
        parent = tree.decision(parent, mover, k, ["take", "pass"])
        tree.terminal(parent, [k + 2, k] if mover == 0 else [k, k + 2])
    tree.terminal(parent, [stages + 1, stages + 1])
    return tree.build()


def test_the_centipede_is_taken_at_once():
    # Rosenthal (1981), Games of perfect information, predatory pricing and the chain-store paradox.
    answer = backward_induction(centipede(20))
    assert answer.values.tolist() == [2, 0]
    assert all((policy[:, 0] == 1).all() for policy in answer.profile)


def test_a_tie_below_changes_what_is_best_above():
    tree = TreeBuilder(["Ann", "Bob"])
    root = tree.decision(None, 0, "start", ["stop", "go"])
    tree.terminal(root, [1, 1])
    later = tree.decision(root, 1, "end", ["hurt", "help"])
    tree.terminal(later, [0, 3])
    tree.terminal(later, [2, 3])
    found = subgame_perfect_equilibria(tree.build())
    assert [e.values.tolist() for e in found] == [[1, 1], [2, 3]]


def test_the_chain_of_shares_has_the_equilibria_of_the_ultimatum_game():
    # With offers 0, 1, 2 of 2: accepting 0 is a tie, so exactly two equilibria: offer 0 accepted, offer 1 accepted.
    tree = TreeBuilder(["proposer", "responder"])
    root = tree.decision(None, 0, "offer", ["0", "1", "2"])
    for offer in range(3):
        reply = tree.decision(root, 1, offer, ["yes", "no"])
        tree.terminal(reply, [2 - offer, offer])
        tree.terminal(reply, [0, 0])
    found = subgame_perfect_equilibria(tree.build())
    assert sorted(e.values.tolist() for e in found) == [[1, 1], [2, 0]]


def test_a_budget_of_answers_is_kept_and_told():
    tree = TreeBuilder(["Ann"])
    root = tree.chance(None, [(str(k), Fraction(1, 8)) for k in range(8)])
    for k in range(8):
        node = tree.decision(root, 0, k, ["left", "right"])
        tree.terminal(node, [0])
        tree.terminal(node, [0])
    game = tree.build()
    some = subgame_perfect_equilibria(game, max_answers=10)
    assert (len(some), some.complete, some.stopped) == (10, False, "budget")
    assert len(subgame_perfect_equilibria(game)) == 2**8


def test_a_single_node_is_its_own_equilibrium():
    tree = TreeBuilder(["Ann", "Bob"])
    tree.terminal(None, [3, Fraction(1, 2)])
    answer = backward_induction(tree.build())
    assert answer.values.tolist() == [3, 0.5]
    assert len(subgame_perfect_equilibria(tree.build())) == 1


@settings(max_examples=10)
@given(imperfect_information_games(n_players=2))
def test_imperfect_information_is_sent_to_the_right_solver(game):
    assume(not game.has_perfect_information)
    solver = "sequence_form_lp" if game.is_constant_sum else "sequence_form_lcp"
    for function in (backward_induction, subgame_perfect_equilibria):
        with pytest.raises(UnsupportedGame, match=f"cannot tell some nodes apart: use marlgt.solvers.{solver}"):
            function(game)


def test_bad_arguments_are_refused():
    with pytest.raises(GameError, match="game is 'chess': give an ExtensiveGame"):
        backward_induction("chess")
    with pytest.raises(GameError, match="max_answers is 0: give a whole number from 1"):
        subgame_perfect_equilibria(centipede(2), max_answers=0)
