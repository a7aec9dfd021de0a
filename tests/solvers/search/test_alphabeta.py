"""Depth-first search: published counts, agreement with backward induction on random trees, and refusals."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from marlgt.errors import GameError, UnsupportedGame
from marlgt.games import CHANCE, TERMINAL, TicTacToe, TreeBuilder, tic_tac_toe
from marlgt.solvers.search.alphabeta import alpha_beta, minimax_search

CENTRE_CORNERS_EDGES = (4, 0, 2, 6, 8, 1, 3, 5, 7)
REVERSE = tuple(range(8, -1, -1))


def value_of(tree, player=0):
    """Return the value of nested lists in which a dict {probability: subtree, ...} as a tuple of pairs is chance."""
    if isinstance(tree, list):
        return (max if player == 0 else min)(value_of(child, 1 - player) for child in tree)
    if isinstance(tree, tuple):
        return sum(p * value_of(child, 1 - player) for p, child in tree)
    return tree


def built(tree):
    """Return the extensive game of a tree of lists, and tuples of pairs for chance."""
    game = TreeBuilder(["max", "min"])
    stack = [(None, tree, 0)]
    while stack:
        parent, node, player = stack.pop()
        if isinstance(node, list):
            here = game.decision(parent, player, None, [str(k) for k in range(len(node))])
            children = node
        elif isinstance(node, tuple):
            here = game.chance(parent, [(str(k), p) for k, (p, _) in enumerate(node)])
            children = [child for _, child in node]
        else:
            game.terminal(parent, [node, -node])
            continue
        stack.extend((here, child, 1 - player) for child in reversed(children))
    return game.build()


class Tree:
    """The same tree as rules."""

    players = ("max", "min")

    def __init__(self, tree):
        self.tree = tree

    def initial_state(self):
        return self.tree, 0

    def current_player(self, state):
        return state[1] if isinstance(state[0], list) else CHANCE if isinstance(state[0], tuple) else TERMINAL

    def legal_actions(self, state):
        return range(len(state[0]))

    def chance_outcomes(self, state):
        return [(k, p) for k, (p, _) in enumerate(state[0])]

    def next_state(self, state, action):
        child = state[0][action]
        return child[1] if isinstance(state[0], tuple) else child, 1 - state[1]

    def information_state(self, state):
        return None

    def returns(self, state):
        return state[0], -state[0]


numbers = st.integers(-4, 4)
lists = st.recursive(numbers, lambda children: st.lists(children, min_size=1, max_size=3), max_leaves=25)
chances = st.sampled_from([(0.5, 0.5), (0.25, 0.75), (0.25, 0.25, 0.5), (1.0,), (0.0, 1.0)])
mixed = st.recursive(
    numbers,
    lambda children: (
        st.lists(children, min_size=1, max_size=3)
        | chances.flatmap(lambda ps: st.tuples(*(st.tuples(st.just(p), children) for p in ps)))
    ),
    max_leaves=25,
)


def perfectly_ordered(breadth, depth):
    def build(levels, value, largest):
        if levels == 0:
            return value
        worse = value - 1 if largest else value + 1
        return [build(levels - 1, value if k == 0 else worse, not largest) for k in range(breadth)]

    return build(depth, 0, True)


def test_whole_tic_tac_toe_has_the_known_counts():
    found = minimax_search(TicTacToe(), count_states=True)
    # Known counts: 255,168 games and 5,478 positions.
    assert (found.value, found.nodes, found.leaves, found.states) == (0.0, 549_946, 255_168, 5_478)
    assert len(found.principal_variation) == 9


@pytest.mark.parametrize(
    ("order", "cut", "nodes"),
    [
        (CENTRE_CORNERS_EDGES, "alpha>=beta", 7_275),
        (CENTRE_CORNERS_EDGES, "alpha>beta", 72_246),
        (REVERSE, "alpha>=beta", 18_297),
        (REVERSE, "alpha>beta", 146_120),
    ],
)
def test_the_order_of_moves_and_the_rule_decide_how_many_nodes_of_tic_tac_toe_are_visited(order, cut, nodes):
    found = alpha_beta(TicTacToe(), cut=cut, order=lambda state, actions: sorted(actions, key=order.index))
    assert (found.value, found.nodes) == (0.0, nodes)
    if cut == "alpha>=beta":
        assert alpha_beta(TicTacToe(order=order), cut=cut).nodes == nodes


@pytest.mark.parametrize(("breadth", "depth"), [(2, 4), (3, 3), (4, 5), (1, 6), (5, 2)])
def test_perfectly_ordered_trees_take_the_least_number_of_leaves(breadth, depth):
    # Knuth and Moore (1975), theorem 1 and its corollary.
    least = breadth ** math.ceil(depth / 2) + breadth ** (depth // 2) - 1
    tree = perfectly_ordered(breadth, depth)
    assert alpha_beta(tree).leaves == least
    assert alpha_beta(built(tree)).leaves == least


def test_the_textbook_tree_leaves_out_two_leaves():
    # Russell and Norvig, Artificial Intelligence: A Modern Approach, figure 5.5.
    tree = [[3, 12, 8], [2, 4, 6], [14, 5, 2]]
    for game in (tree, np.array(tree), built(tree)):
        found = alpha_beta(game, keep_leaves=True)
        assert found.value == 3
        assert found.leaf_values == (3, 12, 8, 2, 14, 5, 2)
        assert found.principal_variation == (0, 0)


@given(st.lists(lists, min_size=1, max_size=3))
@settings(max_examples=200)
def test_every_search_of_a_tree_finds_the_value_of_backward_induction(tree):
    value = value_of(tree)
    whole = minimax_search(tree)
    assert whole.value == value
    for cut in ("alpha>=beta", "alpha>beta"):
        found = alpha_beta(tree, cut=cut)
        assert found.value == value
        assert found.nodes <= whole.nodes
        assert found.action == whole.action
        position = tree
        for action in found.principal_variation:
            position = position[action]
        assert position == value


@given(mixed)
@settings(max_examples=200)
def test_rules_and_the_kernel_on_arrays_search_alike_with_chance_and_with_bounds(tree):
    game = built(tree)
    value = value_of(tree)
    for options in ({}, {"cut": "alpha>beta"}, {"bounds": (-4, 4)}, {"bounds": (-4, 4), "cut": "alpha>beta"}):
        by_rules = alpha_beta(Tree(tree), **options, keep_leaves=True)
        by_arrays = alpha_beta(game, **options, keep_leaves=True)
        assert by_rules.value == pytest.approx(value, abs=1e-12)
        for field in ("value", "action", "principal_variation", "nodes", "leaves", "cutoffs", "leaf_values"):
            assert getattr(by_rules, field) == getattr(by_arrays, field), field
    whole = minimax_search(game)
    assert whole.nodes == game.n_nodes
    assert whole.leaves == len(game.terminals)
    assert by_rules.nodes <= whole.nodes


def test_bounds_cut_moves_of_chance():
    tree = [4, ((0.5, [-4]), (0.5, [1, 2, 3]))]
    assert alpha_beta(Tree(tree)).leaves == 5
    # After -4 the average is at most 0, whatever the other outcome is worth.
    assert alpha_beta(Tree(tree), bounds=(-4, 4)).leaves == 2


def test_the_compiled_kernel_does_what_the_plain_one_does(monkeypatch):
    rng = np.random.default_rng(5)
    tree = rng.integers(-9, 10, (3, 3, 3, 3, 3)).tolist()
    game = built(tree)
    monkeypatch.setenv("MARLGT_GEAR", "plain")
    plain = alpha_beta(game, keep_leaves=True)
    monkeypatch.setenv("MARLGT_GEAR", "compiled")
    compiled = alpha_beta(game, keep_leaves=True)
    assert plain.leaf_values == compiled.leaf_values
    assert (plain.value, plain.nodes) == (compiled.value, compiled.nodes) == (value_of(tree), alpha_beta(tree).nodes)


def test_a_table_of_transpositions_changes_no_value_and_saves_nodes():
    whole = minimax_search(TicTacToe(), transpositions=True, count_states=True)
    assert whole.value == 0.0
    assert whole.states == 5_478
    # 958 of the positions are final; each of the others is expanded once.
    assert whole.nodes - whole.table_hits - whole.leaves == 5_478 - 958
    found = alpha_beta(TicTacToe(), transpositions=True)
    assert found.value == 0.0
    assert found.nodes < alpha_beta(TicTacToe()).nodes
    for state in ((0, 0), (0b100000001, 0b10000), (0b1, 0b10)):
        for depth in (2, 4, 5, None):
            options = {"depth": depth, "evaluate": lambda s: 0.01 * (s[0] % 7) - 0.02 * (s[1] % 5)} if depth else {}
            plain = alpha_beta(TicTacToe(), state, **options)
            assert alpha_beta(TicTacToe(), state, transpositions=True, **options).value == plain.value


def test_at_the_depth_limit_positions_are_worth_what_evaluate_says():
    tree = [[[9, 9], 1], [[0], 0]]
    found = minimax_search(tree, depth=1, evaluate=lambda state: len(str(state[0])))
    assert (found.value, found.leaves, found.nodes) == (len("[[9, 9], 1]"), 2, 3)
    deep = minimax_search(tree, depth=10, evaluate=lambda state: 0.0)
    assert deep.value == minimax_search(tree).value
    assert minimax_search(tree, depth=0, evaluate=lambda state: 7.0).value == 7.0
    on_nodes = minimax_search(built(tree), depth=1, evaluate=float)
    assert on_nodes.value == 6.0  # the number of the second child in preorder


def test_the_tree_of_tic_tac_toe_is_searched_as_its_rules_are():
    tree = tic_tac_toe()
    whole = minimax_search(tree)
    assert (whole.value, whole.nodes, whole.leaves) == (0.0, 549_946, 255_168)
    assert alpha_beta(tree).nodes == alpha_beta(TicTacToe()).nodes


def test_search_starts_at_the_state_asked_for():
    tree = [[3, 12], [2, 4]]
    game = built(tree)
    node = int(game.children[1])
    found = alpha_beta(game, node)
    assert (found.value, found.principal_variation) == (2, (0,))
    assert alpha_beta(tree, ([2, 4], 1)).value == 2
    assert minimax_search(game, 2).nodes == 1


def test_trees_far_deeper_than_recursion_allows_are_searched():
    tree = 1
    for _ in range(5_000):
        tree = [tree]
    assert alpha_beta(tree).nodes == 5_001


def test_games_that_minimax_does_not_solve_are_refused():
    general = TreeBuilder(["a", "b"])
    root = general.decision(None, 0, None, ["l", "r"])
    general.terminal(root, [1, 1])
    general.terminal(root, [0, 0])
    with pytest.raises(UnsupportedGame, match="constant sum"):
        alpha_beta(general.build())

    class Greedy(Tree):
        def returns(self, state):
            return state[0], state[0]

    with pytest.raises(UnsupportedGame, match="sum to 2 at one end"):
        alpha_beta(Greedy([1, 2]))
    blind = TreeBuilder(["a", "b"])
    root = blind.decision(None, 0, None, ["l", "r"])
    for payoff in (1, -1):
        node = blind.decision(root, 1, "blind", ["l", "r"])
        blind.terminal(node, [payoff, -payoff])
        blind.terminal(node, [-payoff, payoff])
    with pytest.raises(UnsupportedGame, match="hidden information"):
        minimax_search(blind.build())

    class Three(Tree):
        def current_player(self, state):
            return 2

    with pytest.raises(UnsupportedGame, match="player 2 moves"):
        alpha_beta(Three([1]))


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: alpha_beta([1, 2], cut="alpha==beta"), "cut is 'alpha==beta'"),
        (lambda: alpha_beta([1, 2], bounds=(3, 1)), "least and the largest"),
        (lambda: alpha_beta([1, 2], bounds=(3, 9)), "outside the bounds"),
        (lambda: alpha_beta(built([1, 2]), bounds=(3, 9)), "outside the bounds"),
        (lambda: alpha_beta([1, 2], depth=3), "needs evaluate"),
        (lambda: alpha_beta([1, 2], depth=-1, evaluate=len), "depth is -1"),
        (lambda: alpha_beta([1, 2], evaluate=len), "give depth too"),
        (lambda: alpha_beta([1, 2], depth=0, evaluate=lambda s: math.nan), "evaluate gave nan"),
        (lambda: alpha_beta([1, 2], order=3), "order is 3"),
        (lambda: alpha_beta([1, 2], transpositions=True), "leave transpositions out"),
        (lambda: alpha_beta(built([1, 2]), transpositions=True), "leave transpositions out"),
        (lambda: alpha_beta([1, []]), "empty list"),
        (lambda: alpha_beta([1, "x"]), "leaves must be numbers"),
        (lambda: alpha_beta("chess"), "give rules"),
        (lambda: alpha_beta(built([1, 2]), 3), "from 0 to 2"),
    ],
)
def test_bad_input_is_explained(call, message):
    with pytest.raises(GameError, match=message):
        call()
