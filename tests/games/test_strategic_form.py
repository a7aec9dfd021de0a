import itertools
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from marlgt.errors import BudgetExceeded, GameError
from marlgt.games import (
    ExtensiveGame,
    NormalFormGame,
    TreeBuilder,
    absent_minded_driver,
    centipede,
    centipede_tree,
    entry_deterrence,
    entry_deterrence_tree,
    kuhn_poker,
    kuhn_poker_normal_form,
    leduc_poker,
    myerson_poker,
    myerson_poker_tree,
    pure_strategies,
    seltens_horse,
    seltens_horse_tree,
    trust_game,
    trust_tree,
    wichardt_2008,
)
from marlgt.games.strategic_form import extensive_form, strategic_form
from marlgt.testing import extensive_games, forgetful_games


def paid(game, strategies):
    """What pure strategies pay, following the play from the root, exactly; a branch for each move of chance."""
    total = [Fraction(0)] * game.n_players
    ends = dict(zip(game.terminals.tolist(), range(len(game.terminals))))
    stack = [(0, Fraction(1))]
    while stack:
        v, weight = stack.pop()
        if v in ends:
            pay = game.exact_terminal_payoffs[:, ends[v]]
            total = [t + weight * x for t, x in zip(total, pay)]
            continue
        below = game.children[game.first_child[v] : game.first_child[v + 1]].tolist()
        mover = game.player[v]
        if mover < 0:
            stack += [(u, weight * game.exact_probability[u]) for u in below]
        else:
            stack.append((below[strategies[mover][game.infoset[v]]], weight))
    return total


@given(extensive_games(max_depth=3, exact=True) | forgetful_games(max_depth=3, exact=True))
@settings(max_examples=60)
def test_payoffs_are_exact_expectations_over_chance(game):
    for reduced in (True, False):
        try:
            table = strategic_form(game, reduced=reduced, max_payoffs=300)
        except BudgetExceeded:
            continue
        lists = [np.maximum(pure_strategies(game, i, reduced=reduced), 0).tolist() for i in range(game.n_players)]
        assert table.is_exact
        assert table.n_actions == tuple(map(len, lists))
        for profile in itertools.product(*(range(len(own)) for own in lists)):
            expected = paid(game, [own[k] for own, k in zip(lists, profile)])
            assert table.fractions[(slice(None), *profile)].tolist() == expected


@given(extensive_games(max_depth=3, exact=False))
@settings(max_examples=30)
def test_float_games_pay_what_their_rational_ones_pay(game):
    try:
        table = strategic_form(game, max_payoffs=2000)
    except BudgetExceeded:
        return
    assert not table.is_exact
    exact = strategic_form(game.rationalize(max_denominator=10**12))
    assert table.payoffs == pytest.approx(exact.payoffs, rel=1e-9, abs=1e-9)


def plans_of_kuhn(game):
    """The strategies of the tree in the words of the table: for each card, the jack first, a plan of both actions."""
    words = ({(1, -1): "bet", (0, 0): "pass, fold", (0, 1): "pass, call"}, {})
    words[1].update({(b, p): f"{('fold', 'call')[b]}, {('pass', 'bet')[p]}" for b in range(2) for p in range(2)})
    names = []
    for i, ends in enumerate((("", " pb"), (" b", " p"))):
        labels = list(game.infosets[i].labels)
        own = [[labels.index(card + end) for end in ends] for card in "JQK"]
        names.append(
            [
                "; ".join(f"{card}: {words[i][tuple(row[sets].tolist())]}" for card, sets in zip("JQK", own))
                for row in pure_strategies(game, i)
            ]
        )
    return names


def test_kuhn_poker_has_the_table_of_kuhn():
    # Kuhn (1950): 27 x 64
    game, known = kuhn_poker(), kuhn_poker_normal_form()
    table = game.normal_form()
    assert table.is_exact
    order = [[names.index(label) for label in labels] for names, labels in zip(plans_of_kuhn(game), known.actions)]
    assert np.array_equal(table.restrict(order).fractions, known.fractions)


@pytest.mark.parametrize(
    ("tree", "table"),
    [
        (trust_tree, trust_game),
        (seltens_horse_tree, seltens_horse),
        (myerson_poker_tree, myerson_poker),
        (centipede_tree, centipede),
        (entry_deterrence_tree, entry_deterrence),
    ],
)
def test_trees_have_the_normal_forms_of_the_catalogue(tree, table):
    assert np.array_equal(tree().normal_form().fractions, table().fractions)


def test_labels_join_the_actions_and_star_what_is_ruled_out():
    tree = TreeBuilder(["Ann", "Bob"], title="stop or go")
    root = tree.decision(None, 0, "first", ["stop", "go"])
    tree.terminal(root, [1, 0])
    later = tree.decision(root, 0, "second", ["left", "right"])
    tree.terminal(later, [0, 0])
    tree.terminal(later, [2, 0])
    game = tree.build()
    assert game.normal_form().actions == (("stop/*", "go/left", "go/right"), ("no choice",))
    assert game.normal_form(reduced=False).actions[0] == ("stop/left", "stop/right", "go/left", "go/right")
    assert game.normal_form().players == ("Ann", "Bob")
    assert game.normal_form().title == "stop or go"


def test_large_and_fine_numbers_are_added_exactly():
    tree = TreeBuilder(["A", "B"])
    third = Fraction(1, 3)
    root = tree.chance(None, [("x", third), ("y", third), ("z", third)])
    huge = 10**40
    for payoff in (huge + 1, -huge, Fraction(1, 10**30)):
        node = tree.decision(root, 0, "A", ["l", "r"])
        for a in range(2):
            answer = tree.decision(node, 1, "B", ["l", "r"])
            for b in range(2):
                tree.terminal(answer, [payoff * (1 if a == b else -1), 0])
    expected = third * (1 + Fraction(1, 10**30))
    game = tree.build().normal_form()
    assert game.fractions[0].tolist() == [[expected, -expected], [-expected, expected]]
    assert not game.fractions[1].any()


def test_imperfect_recall_is_no_hindrance():
    # Piccione and Rubinstein (1997), example 1: no pure plan takes the second exit
    assert absent_minded_driver().normal_form().fractions.tolist() == [[0, 1]]
    table = wichardt_2008().normal_form().fractions[0]
    assert table.tolist() == [[-1, 1], [-5, -5], [-5, -5], [1, -1]]


def test_what_would_explode_is_refused_before_it_is_built():
    with pytest.raises(BudgetExceeded, match=r"the normal form of Leduc poker has .* payoffs, more than max_payoffs"):
        leduc_poker().normal_form()
    with pytest.raises(BudgetExceeded, match=r"has 3.46e.03 payoffs, more than max_payoffs=100"):
        strategic_form(kuhn_poker(), max_payoffs=100)
    with pytest.raises(GameError, match="game is 3: give an ExtensiveGame"):
        strategic_form(3)
    with pytest.raises(GameError, match="max_payoffs is 0: give a whole number from 1"):
        strategic_form(kuhn_poker(), max_payoffs=0)


@given(st.from_type(NormalFormGame))
@settings(max_examples=60)
def test_a_normal_form_survives_the_way_to_a_tree_and_back(game):
    tree = ExtensiveGame.from_normal_form(game)
    assert tree.n_infosets == (1,) * game.n_players
    assert tree.is_exact == game.is_exact
    assert tree.has_perfect_recall
    back = tree.normal_form()
    assert np.array_equal(back.payoffs, game.payoffs)
    assert back.actions == game.actions
    assert back.players == game.players
    if game.is_exact:
        assert np.array_equal(back.fractions, game.fractions)


def test_only_normal_form_games_become_trees():
    with pytest.raises(GameError, match=r"game is .*: give a NormalFormGame"):
        extensive_form(kuhn_poker())
