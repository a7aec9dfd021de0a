import itertools
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings

import marlgt as gt
from marlgt.errors import BudgetExceeded, GameError
from marlgt.games import ActionGraph, ActionGraphGame, BayesianActionGraphGame, FunctionNode
from marlgt.games.files.agg import parse_agg
from marlgt.games.files.bagg import parse_bagg
from marlgt.testing import game_files


def chosen_below(graph, node):
    """Return the action nodes that a node counts, once for each path."""
    if node < graph.n_nodes:
        return [node]
    return [s for u in graph.neighbors[node] for s in chosen_below(graph, u)]


def shown(graph, node, choices):
    """Return what a node shows, by the definition of its function."""
    if node < graph.n_nodes:
        return choices.count(node)
    function = graph.functions[node - graph.n_nodes]
    below = chosen_below(graph, node)
    counted = [s for s in below for choice in choices if choice == s]
    kind = function.kind
    if kind in (0, 1):
        return len(counted) if kind == 0 else int(bool(counted))
    if kind in (2, 3):
        return (max if kind == 2 else min)(counted, default=len(graph.neighbors))
    total = function.default + sum(function.weights[s] for s in counted)
    if kind in (10, 11):
        return total if kind == 10 else int(total > 0)
    return function.weights[(max if kind == 12 else min)(counted)] if counted else function.default


def payoff(graph, choices, player):
    node = choices[player]
    row = [shown(graph, u, choices) for u in graph.neighbors[node]]
    place = [list(c) for c in graph.configurations[node].tolist()].index(row)
    return graph._exact[node].tolist()[place]


@settings(max_examples=80, deadline=None)
@given(game_files("agg"))
def test_every_payoff_is_that_of_the_configuration_the_choices_make(text):
    game = parse_agg(text)
    table = game.normal_form()
    for profile in itertools.product(*map(range, game.n_actions)):
        choices = [own[a] for own, a in zip(game.graph.action_sets, profile)]
        for i in range(game.n_players):
            assert table.fractions[(i, *profile)] == payoff(game.graph, choices, i)


@settings(max_examples=80, deadline=None)
@given(game_files("agg"))
def test_every_configuration_listed_arises(text):
    graph = parse_agg(text).graph
    met = [set() for _ in range(graph.n_nodes)]
    for choices in itertools.product(*graph.action_sets):
        for node in choices:
            met[node].add(tuple(shown(graph, u, list(choices)) for u in graph.neighbors[node]))
    for node, table in enumerate(graph.configurations):
        assert list(map(tuple, table.tolist())) == sorted(met[node])


@settings(max_examples=60, deadline=None)
@given(game_files("bagg"))
def test_the_normal_form_of_a_bayesian_game_is_the_expectation_over_types(text):
    game = parse_bagg(text)
    table = game.normal_form()
    plans = [list(itertools.product(*types)) for types in game.type_sets]
    for profile in itertools.product(*(range(len(own)) for own in plans)):
        expected = [Fraction(0)] * game.n_players
        for types in itertools.product(*map(range, game.n_types)):
            chance = np.prod([Fraction(game.type_probabilities[i][t]) for i, t in enumerate(types)])
            choices = [plans[i][profile[i]][t] for i, t in enumerate(types)]
            for i in range(game.n_players):
                expected[i] += chance * payoff(game.graph, choices, i)
        assert table.fractions[(slice(None), *profile)].tolist() == expected


@settings(max_examples=25, deadline=None)
@given(game_files("bagg"))
def test_the_tree_of_a_bayesian_game_pays_what_the_normal_form_does(text):
    game = parse_bagg(text)
    tree = game.extensive_form()
    assert tree.is_exact
    assert tree.has_perfect_recall
    values = gt.concepts.regrets(tree, tree.uniform_profile())
    table = game.normal_form()
    uniform = [np.full(count, 1 / count) for count in table.n_actions]
    assert values == pytest.approx(gt.concepts.regrets(table, uniform), abs=1e-9 * (1 + np.abs(table.payoffs).max()))


def test_payoffs_may_be_a_function_of_the_configurations():
    # A place pays 10 or 20 less the number who chose it, herself included.
    graph = ActionGraph([[0, 1]] * 3, [[0], [1]], [], lambda node, table: [10 * (node + 1) - int(k) for (k,) in table])
    table = ActionGraphGame(graph, ("a", "b", "c")).normal_form()
    assert table.payoffs[0].tolist() == [[[7, 8], [8, 9]], [[19, 18], [18, 17]]]
    assert table.players == ("a", "b", "c")


def test_a_large_graph_is_never_written_out():
    n = 12
    sums = FunctionNode(0)
    game = ActionGraphGame.of(
        [list(range(10))] * n, [[10]] * 10 + [list(range(10))], [sums], lambda node, table: [node] * len(table)
    )
    assert [len(table) for table in game.graph.configurations] == [1] * 10
    with pytest.raises(BudgetExceeded, match=r"the normal form has 1.2e\+13 payoffs"):
        game.normal_form()
    assert repr(game) == "<ActionGraphGame: " + " x ".join(["10"] * n) + ", 10 action nodes, 1 function nodes>"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (([], [[0]], [], [[1]]), "action_sets is empty"),
        (([[]], [[0]], [], [[1]]), "player 0 has no actions"),
        (([[0, 0]], [[0]], [], [[1]]), "in ascending order"),
        (([[0]], [], [], []), "list action nodes too"),
        (([[0]], [[5]], [], [[1]]), "there is no node 5"),
        (([[0]], [[0]], [], []), "payoffs must hold one table for each of 1 action nodes, got 0"),
        (([[0]], [[0]], [], [[1, 2]]), "action node 0 has 2 payoffs: give one for each of the 1 configurations"),
        (([[0]], [[0]], [], [{(3,): 1}]), r"action node 0 has no payoff for the configuration \[1\]"),
        (([[0]], [[0]], [], [[float("nan")]]), "payoffs must be finite"),
        (([[0]], [[1], [0]], [FunctionNode(7)], [[1]]), "function node 1 has type 7"),
        (([[0]], [[1], [0]], [FunctionNode(10)], [[1]]), "function node 1 has 0 weights: give one per action node, 1"),
        (([[0]], [[1], [0]], [FunctionNode(10, 2**40, (1,))], [[1]]), "weight or default beyond 2147483648"),
        (([[0]], [[1], [2], [0]], [FunctionNode(12, 0, (1,))] * 2, [[1]]), "which has no weight"),
    ],
)
def test_a_graph_that_is_none_is_refused_with_its_place(arguments, message):
    with pytest.raises(GameError, match=message):
        ActionGraphGame.of(*arguments)


def test_type_probabilities_must_be_a_distribution():
    with pytest.raises(GameError, match="type probabilities of player 0"):
        BayesianActionGraphGame.of([[[0], [0]]], [[0.5, 0.6]], [[]], [], [[1]])
    with pytest.raises(GameError, match="one number for each type of player 0"):
        BayesianActionGraphGame.of([[[0], [0]]], [[1]], [[]], [], [[1]])
    with pytest.raises(BudgetExceeded, match="more than the limit of 3"):
        BayesianActionGraphGame.of([[[0], [0]]] * 2, [[0.5, 0.5]] * 2, [[]], [], [[1]]).normal_form(max_payoffs=3)
