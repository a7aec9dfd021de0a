from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from marlgt.errors import ExactnessError, GameError, UnsupportedGame
from marlgt.games import CHANCE, TERMINAL, ExtensiveGame, Infosets, TreeBuilder
from marlgt.testing import extensive_games, forgetful_games

FIELDS = ("parent", "action", "player", "infoset", "outcome", "probability", "depth", "children", "first_child")


def same(one, other):
    return all(np.array_equal(getattr(one, name), getattr(other, name)) for name in FIELDS)


def rebuilt(game, order=None, **changes):
    """The game again from its arrays, its nodes renumbered by a permutation and fields replaced."""
    order = np.arange(game.n_nodes) if order is None else np.asarray(order)
    place = np.argsort(order)
    parent = np.where(game.parent[order] >= 0, place[game.parent[order]], -1)
    arrays = {
        "parent": parent,
        "action": game.action[order],
        "player": game.player[order],
        "infoset": game.infoset[order],
        "outcome": game.outcome[order],
        "outcomes": game.outcomes if game._exact_outcomes is None else game._exact_outcomes,
        "probability": (game.probability if game._exact_probability is None else game._exact_probability)[order],
        "infosets": game.infosets,
        "chance": game.chance,
        "players": game.players,
        **changes,
    }
    return ExtensiveGame(**arrays)


def walked(game, node, field):
    """The path from the root to a node, each step with an entry of a field."""
    path = []
    while node > 0:
        path.append(field[node])
        node = game.parent[node]
    return path[::-1]


@given(extensive_games(), st.randoms(use_true_random=False))
@settings(max_examples=60)
def test_the_order_in_which_nodes_are_given_does_not_matter(game, random):
    order = list(range(game.n_nodes))
    random.shuffle(order)
    again = rebuilt(game, order)
    assert same(again, game)
    assert again == game
    assert again.is_exact == game.is_exact


@given(extensive_games())
@settings(max_examples=60)
def test_nodes_stand_in_preorder_with_their_children_in_order(game):
    for v in range(1, game.n_nodes):
        above = game.parent[v]
        assert above < v
        assert game.depth[v] == game.depth[above] + 1
        assert v in game.children[game.first_child[above] : game.first_child[above + 1]]
    ends = np.arange(1, game.n_nodes + 1)
    for v in range(game.n_nodes - 1, 0, -1):
        ends[game.parent[v]] = max(ends[game.parent[v]], ends[v])
    for v in range(game.n_nodes):
        below = game.children[game.first_child[v] : game.first_child[v + 1]].tolist()
        assert game.action[below].tolist() == list(range(len(below)))
        # Each subtree is the contiguous range that begins with its root.
        assert below == ([v + 1] if below else []) + [int(ends[u]) for u in below[:-1]]


@given(extensive_games())
@settings(max_examples=60)
def test_information_sets_are_numbered_by_their_first_nodes_and_stand_after_those_that_lead_to_them(game):
    for i in range(game.n_players):
        numbers = game.infoset[game.player == i].tolist()
        assert list(dict.fromkeys(numbers)) == list(range(game.n_infosets[i]))
    for own in game.sequence_form.players:
        before = own.infoset_of_sequence[own.parent_sequence]
        assert (before < np.arange(own.n_infosets)).all()


@given(extensive_games())
@settings(max_examples=60)
def test_last_sequences_and_reach_are_those_of_the_path(game):
    for v in range(game.n_nodes):
        assert game.chance_reach[v] == pytest.approx(np.prod(walked(game, v, game.probability)), rel=1e-12)
        u, last = v, {}
        while u > 0:
            above = int(game.parent[u])
            mover = int(game.player[above])
            if mover >= 0 and mover not in last:
                first = game.first_sequence[game.infoset_offset[mover] + game.infoset[above]]
                last[mover] = int(first + game.action[u])
            u = above
        assert game.last_sequence[:, v].tolist() == [last.get(i, 0) for i in range(game.n_players)]


@given(extensive_games(exact=True))
@settings(max_examples=60)
def test_outcomes_add_up_along_a_path_exactly(game):
    table = np.column_stack([game._exact_outcomes, np.zeros(game.n_players, dtype=object)])
    for k, v in enumerate(game.terminals):
        path = [game.outcome[0], *walked(game, v, game.outcome)]
        sums = [sum(Fraction(table[i, j]) for j in path) for i in range(game.n_players)]
        assert game.exact_terminal_payoffs[:, k].tolist() == sums
        assert game.terminal_payoffs[:, k] == pytest.approx([float(x) for x in sums], rel=1e-12, abs=1e-12)


@given(extensive_games(exact=False))
@settings(max_examples=30)
def test_a_float_game_is_rationalized_before_it_is_exact(game):
    assert not game.is_exact
    with pytest.raises(ExactnessError, match=r"call game.rationalize\(\) first"):
        _ = game.exact_terminal_payoffs
    exact = game.rationalize()
    assert exact.is_exact
    assert exact.terminal_payoffs == pytest.approx(game.terminal_payoffs, abs=1e-6)
    assert exact.rationalize() == exact


def test_fractions_are_kept_and_decimals_are_restored():
    tree = TreeBuilder(["A"])
    root = tree.chance(None, [("x", 0.1), ("y", 0.2), ("z", 0.7)])
    for payoff in (0.5, 0.25, 1 / 3):
        tree.terminal(root, [payoff])
    exact = tree.build().rationalize()
    assert exact.exact_probability.tolist() == [1, Fraction(1, 10), Fraction(1, 5), Fraction(7, 10)]
    assert exact.exact_terminal_payoffs.tolist() == [[Fraction(1, 2), Fraction(1, 4), Fraction(1, 3)]]
    parts = TreeBuilder(["A"])
    root = parts.chance(None, [(str(k), 1 / 11) for k in range(11)])
    for _ in range(11):
        parts.terminal(root, [0])
    with pytest.raises(GameError, match="chance node 0 sum to 11/10: they must sum to 1"):
        parts.build().rationalize(max_denominator=10)


@given(extensive_games(), extensive_games())
@settings(max_examples=30)
def test_equal_games_have_equal_hashes(one, other):
    assert (one == other) == (same(one, other) and one == other)
    again = rebuilt(one)
    assert again == one
    assert hash(again) == hash(one)


@given(forgetful_games())
@settings(max_examples=30)
def test_a_forgetful_player_is_named(game):
    assert not game.has_perfect_recall
    player, j = game.forgetful_infoset
    nodes = np.flatnonzero((game.player == player) & (game.infoset == j))
    assert len(set(game.last_sequence[player, nodes].tolist())) > 1
    with pytest.raises(UnsupportedGame, match=f"player {player} forgets at information set {j} "):
        _ = game.sequence_form


def chain(length, *, players=1, reverse=False):
    """A game of stopping or going on, ``length`` moves deep, as arrays."""
    parent, action, player = [-1], [0], [0]
    for turn in range(length):
        node = 2 * turn
        last = turn == length - 1
        parent += [node, node]
        action += [0, 1]
        player += [TERMINAL, TERMINAL if last else (turn + 1) % players]
    n = len(parent)
    infoset = [0] * n
    for turn in range(length):
        infoset[2 * turn] = turn // players
    arrays = [np.array(x) for x in (parent, action, player, infoset, np.where(np.array(player) == TERMINAL, 0, -1))]
    if reverse:
        arrays = [x[::-1] for x in arrays]
        arrays[0] = np.where(arrays[0] >= 0, n - 1 - arrays[0], -1)
    return ExtensiveGame(*arrays, [[1]] * players)


@pytest.mark.parametrize("reverse", [False, True])
def test_a_tree_200_000_moves_deep_needs_no_recursion(reverse):
    game = chain(200_000, reverse=reverse)
    assert game.n_nodes == 400_001
    assert game.depth.max() == 200_000
    assert game.has_perfect_recall
    form = game.sequence_form
    assert form.players[0].parent_sequence[-1] == 2 * 199_999
    plans = form.realization_plans(game.uniform_profile())
    assert form.values(plans).tolist() == [1.0]


def test_players_who_never_move_have_no_information_sets():
    game = ExtensiveGame([-1, 0], [0, 0], [1, TERMINAL], [0, 0], [-1, 0], [[1], [2], [3]])
    assert game.n_infosets == (0, 1, 0)
    assert [policy.shape for policy in game.uniform_profile()] == [(0, 0), (1, 1), (0, 0)]
    form = game.sequence_form
    assert [own.n_sequences for own in form.players] == [1, 2, 1]
    assert form.values(form.realization_plans(game.uniform_profile())).tolist() == [1, 2, 3]
    assert [own.shape for own in form.behavior_profile(form.realization_plans(game.uniform_profile()))] == [
        (0, 0),
        (1, 1),
        (0, 0),
    ]


def test_a_game_may_be_over_before_anybody_moves():
    game = ExtensiveGame([-1], [0], [TERMINAL], [0], [0], [[7]])
    assert game.terminal_payoffs.tolist() == [[7]]
    assert game.sequence_form.values(game.sequence_form.realization_plans(game.uniform_profile())).tolist() == [7]
    assert game.has_perfect_information
    assert repr(game) == "<ExtensiveGame: 1 nodes, 0 information sets, exact>"


def test_constant_sums_are_recognized_up_to_rounding():
    assert chain(3).is_constant_sum
    tree = TreeBuilder(["A", "B"])
    root = tree.decision(None, 0, None, ["l", "r"])
    tree.terminal(root, [0.1, 0.2])
    tree.terminal(root, [0.3, 0.0])
    assert tree.build().is_constant_sum
    tree = TreeBuilder(["A", "B"])
    root = tree.decision(None, 0, None, ["l", "r"])
    tree.terminal(root, [1, 2])
    tree.terminal(root, [1, 3])
    assert not tree.build().is_constant_sum


def test_arrays_are_read_only():
    game = chain(2)
    for name in (*FIELDS, "outcomes"):
        with pytest.raises(ValueError, match="read-only"):
            getattr(game, name)[0] = 0
    with pytest.raises(ValueError, match="read-only"):
        game.terminal_payoffs[0, 0] = 0
    with pytest.raises(AttributeError):
        game.title = "other"


GOOD = {
    "parent": [-1, 0, 0, 1, 1, 2, 2],
    "action": [0, 0, 1, 0, 1, 0, 1],
    "player": [CHANCE, 0, 0, TERMINAL, TERMINAL, TERMINAL, TERMINAL],
    "infoset": [0, 0, 0, 0, 0, 0, 0],
    "outcome": [-1, -1, -1, 0, 1, 0, 1],
    "outcomes": [[1, 2]],
    "probability": [1, Fraction(1, 2), Fraction(1, 2), 1, 1, 1, 1],
}
MORE_LEAVES = {
    "parent": [-1, 0, 0, 1, 1, 2],
    "action": [0, 0, 1, 0, 1, 0],
    "player": [CHANCE, 0, 0, TERMINAL, TERMINAL, TERMINAL],
    "infoset": [0] * 6,
    "outcome": [-1, -1, -1, 0, 1, 0],
    "probability": [1, Fraction(1, 2), Fraction(1, 2), 1, 1, 1],
}
BAD = [
    ({"parent": []}, "parent is empty: a tree has at least a root"),
    ({"parent": [-1, 0, 0, 1, 1, 2, 0.5]}, "parent is .*: give one whole number per node"),
    ({"parent": [0, 0, 0, 1, 1, 2, 2]}, "0 nodes have the parent -1: a tree has exactly one root"),
    ({"parent": [-1, -1, 0, 1, 1, 2, 2]}, "2 nodes have the parent -1"),
    ({"parent": [-1, 0, 9, 1, 1, 2, 2]}, r"parent\[2\] is 9: nodes are numbered from 0 to 6"),
    ({"parent": [-1, 0, -3, 1, 1, 2, 2]}, r"parent\[2\] is -3"),
    ({"parent": [-1, 0, 5, 1, 1, 2, 2], "action": [0, 0, 0, 0, 1, 0, 1]}, "each other's ancestors: a tree has no cycl"),
    ({"parent": [-1, 0, 2, 1, 1, 2, 2], "action": [0, 0, 0, 0, 1, 1, 2]}, "the nodes 2 -> 2 are each other's ancesto"),
    ({"action": [0, 0, 1, 0, 2, 0, 1]}, "node 4 is reached by action 2 of node 1, where action 1 was expected"),
    ({"action": [0, 0, 1, 0, 0, 0, 1]}, "reached by action 0 of node 1, where action 1 was expected"),
    ({"action": [0, 0, 1]}, "action has 3 entries but parent has 7: give one per node"),
    ({"player": [CHANCE, 0, 1, *[TERMINAL] * 4]}, r"player\[2\] is 1: the movers are 0 to 0, -1 for chance and -2"),
    ({"player": [-3, 0, 0, *[TERMINAL] * 4]}, r"player\[0\] is -3"),
    ({"player": [CHANCE, 0, 0, 0, *[TERMINAL] * 3]}, "node 3 has no children but a mover: exactly the nodes without"),
    ({"player": [CHANCE, 0, *[TERMINAL] * 5]}, "node 2 has children but is marked terminal"),
    ({"infoset": [0, 0, -1, 0, 0, 0, 0]}, r"infoset\[2\] is -1: information sets are numbered from 0"),
    (MORE_LEAVES, "nodes 1 and 2 of player 0 have 2 and 1 actions but share an information set"),
    ({"outcome": [-1, -1, -1, 0, 2, 0, 1]}, r"outcome\[4\] is 2: there are 2 outcomes, and -1 is for none"),
    ({"outcome": [-1, -1, -2, 0, 1, 0, 1]}, r"outcome\[2\] is -2"),
    ({"outcomes": [1, 2]}, r"outcomes must have shape \(n, K\)"),
    ({"outcomes": [[1, np.nan]]}, "outcomes.* must be finite"),
    ({"outcomes": [["a", "b"]]}, "outcomes must be real numbers, not text"),
    ({"probability": [1, 0.3, 0.6999, 1, 1, 1, 1]}, "chance node 0 sum to 0.9999: they must sum to 1"),
    ({"probability": [1, 0.333, 0.666, 1, 1, 1, 1]}, r"sum to 0.999.*give fractions.Fraction\(1, 3\) for an exact th"),
    ({"probability": [1, Fraction(1, 3), Fraction(1, 3), 1, 1, 1, 1]}, "chance node 0 sum to 2/3"),
    (
        {"probability": [1, Fraction(1, 2), Fraction(1, 2) - Fraction(1, 10**12), 1, 1, 1, 1]},
        "chance node 0 sum to 999999999999/1000000000000",
    ),
    ({"probability": [1, -0.5, 1.5, 1, 1, 1, 1]}, "move to node 1 has probability -0.5: probabilities are not negati"),
    ({"probability": [1, np.inf, 0.5, 1, 1, 1, 1]}, "must be finite"),
    ({"probability": [1, 0.5, 0.5]}, "probability has shape"),
    ({"probability": np.array([1, 1, "x", 1, 1, 1, 1], dtype=object)}, r"probability\[2\] is 'x'"),
    ({"infosets": []}, r"infosets must hold one table per player \(1\), got 0"),
    (
        {"infosets": [Infosets(np.array([2]), (), (("a",),))]},
        "set 0 of player 0 has 2 actions in the tree but 1 labels",
    ),
    ({"infoset": [0, 4, 4, 0, 0, 0, 0], "infosets": [Infosets(np.array([2]), ("a",))]}, "set 4 but only 1 labels"),
    ({"node_labels": ["a"]}, "node_labels must be 7 labels in a list"),
    ({"players": ["A", "B"]}, "players must be 1 labels in a list"),
    ({"title": 3}, "title is 3: give text"),
]


@pytest.mark.parametrize(("changes", "message"), BAD, ids=range(len(BAD)))
def test_arrays_that_are_no_game_are_refused_with_a_reason(changes, message):
    assert ExtensiveGame(**GOOD).n_infosets == (1,)
    with pytest.raises(GameError, match=message):
        ExtensiveGame(**{**GOOD, **changes})


def test_probabilities_may_be_rounded_in_the_last_places_as_floats():
    game = ExtensiveGame(**{**GOOD, "probability": [1, 0.1 + 0.2, 0.7, 1, 1, 1, 1]})
    assert not game.is_exact


def test_labels_follow_information_sets_that_are_renumbered():
    changes = {
        "infoset": [0, 5, 2, 0, 0, 0, 0],
        "infosets": [Infosets(np.array([2] * 6), tuple("abcdef"), (("l", "r"),) * 6)],
    }
    game = ExtensiveGame(**{**GOOD, **changes})
    assert game.infoset[[1, 4]].tolist() == [0, 1]
    assert [game.infosets[0].label(j) for j in range(2)] == ["f", "c"]
    assert game.infosets[0].action_labels(1) == ("l", "r")
    unnamed = ExtensiveGame(**GOOD)
    assert unnamed.infosets[0].label(0) == "0"
    assert unnamed.infosets[0].action_labels(0) == ("0", "1")


def test_payoffs_of_inner_nodes_count_for_all_that_follows():
    game = ExtensiveGame(**{**GOOD, "outcome": [1, 0, -1, 0, 1, 0, 1]})
    assert game.terminal_payoffs.tolist() == [[4, 5, 3, 4]]
    assert game.exact_terminal_payoffs.tolist() == [[4, 5, 3, 4]]
    assert game.payoff_range.tolist() == [2]
