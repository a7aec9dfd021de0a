from fractions import Fraction

import pytest

from marlgt.errors import BudgetExceeded, GameError
from marlgt.games import TreeBuilder


def pennies():
    tree = TreeBuilder(["A", "B"], title="pennies")
    root = tree.decision(None, 0, "A", ["heads", "tails"])
    nodes = [tree.decision(root, 1, "B", ["heads", "tails"]) for _ in range(2)]
    return tree, nodes


def test_nodes_may_be_added_level_by_level():
    tree, nodes = pennies()
    for k, node in enumerate(nodes):
        for side in range(2):
            tree.terminal(node, [1 if k == side else -1, -1 if k == side else 1])
    game = tree.build()
    assert game.parent.tolist() == [-1, 0, 1, 1, 0, 4, 4]
    assert game.n_infosets == (1, 1)
    assert game.terminal_payoffs[0].tolist() == [1, -1, -1, 1]
    assert game.outcomes.shape == (2, 2)
    assert game.players == ("A", "B")
    assert game.title == "pennies"


def test_equal_payoffs_share_an_outcome_unless_their_types_differ():
    tree = TreeBuilder(["A"])
    root = tree.decision(None, 0, None, list("abcd"))
    for payoff in (1, 1, Fraction(1, 2), Fraction(1, 2)):
        tree.terminal(root, [payoff])
    assert tree.build().outcomes.shape == (1, 2)
    assert tree.build().is_exact


def test_outcomes_with_labels_may_be_paid_anywhere():
    tree = TreeBuilder(["A", "B"])
    entry = tree.outcome([-1, 0], "fee")
    root = tree.decision(None, 0, "start", ["in"], outcome=entry)
    win = tree.outcome([3, 0], "win")
    tree.terminal(root, outcome=win, label="end")
    game = tree.build()
    assert game.terminal_payoffs.tolist() == [[2], [0]]
    assert game.outcome_labels == ("fee", "win")
    assert game.node_labels == ("", "end")


def test_information_sets_without_a_name_are_apart():
    tree = TreeBuilder(["A"])
    root = tree.chance(None, [("l", Fraction(1, 2)), ("r", Fraction(1, 2))])
    for _ in range(2):
        node = tree.decision(root, 0, None, ["go"])
        tree.terminal(node, [1])
    assert tree.build().n_infosets == (2,)
    assert len(tree.build().chance) == 1


def test_chance_may_share_information_sets_too():
    tree = TreeBuilder(["A"])
    root = tree.chance(None, [("l", Fraction(1, 2)), ("r", Fraction(1, 2))], infoset_label="coin")
    for _ in range(2):
        node = tree.chance(root, [("one", 1)], infoset="again")
        tree.terminal(node, [1])
    game = tree.build()
    assert len(game.chance) == 2
    assert game.chance.label(0) == "coin"
    assert game.chance.action_labels(1) == ("one",)


def refuse_child(tree, nodes):
    for _ in range(3):
        tree.terminal(nodes[0], [0, 0])


BAD = [
    (lambda tree, nodes: tree.decision(nodes[0], 2, "x", ["a"]), "player is 2: players are numbered from 0 to 1"),
    (lambda tree, nodes: tree.decision(nodes[0], "A", "x", ["a"]), "player is 'A'"),
    (lambda tree, nodes: tree.decision(nodes[0], 0, "x", []), "node 3 has no actions"),
    (
        lambda tree, nodes: tree.decision(nodes[0], 1, "B", ["heads"]),
        "node 3 has the actions .* but its information se",
    ),
    (lambda tree, nodes: tree.decision(None, 0, "x", ["a"]), "the tree has a root already"),
    (lambda tree, nodes: tree.terminal(7, [0, 0]), "parent is 7: there are nodes 0 to 2"),
    (lambda tree, nodes: tree.terminal(nodes[0], [0]), r"payoffs are \(0,\): give one number for each of 2 players"),
    (refuse_child, "node 1 has 2 actions and as many children already"),
    (lambda tree, nodes: tree.build(), "node 1 has 2 actions but 0 children: add one child for each action"),
]


@pytest.mark.parametrize(("misuse", "message"), BAD, ids=range(len(BAD)))
def test_misuse_is_refused_with_a_reason(misuse, message):
    tree, nodes = pennies()
    with pytest.raises(GameError, match=message):
        misuse(tree, nodes)


def test_a_budget_of_nodes_is_kept():
    tree = TreeBuilder(["A"], max_nodes=2)
    root = tree.decision(None, 0, None, ["a", "b"])
    tree.terminal(root, [1])
    with pytest.raises(BudgetExceeded, match="more than 2 nodes: raise max_nodes") as caught:
        tree.terminal(root, [1])
    assert (caught.value.estimate, caught.value.limit) == (3.0, 2.0)
