from fractions import Fraction

import numpy as np
import pytest

from marlgt.errors import GameError, ParseError
from marlgt.games.action_graph_games import ActionGraphGame, BayesianActionGraphGame
from marlgt.games.files.agg import format_agg, parse_agg, read_agg, write_agg
from marlgt.games.files.bagg import format_bagg, parse_bagg, read_bagg, write_bagg
from marlgt.games.files.lexer import Limits

BAD_AGG = [
    ("", "line 1, column 1: expected the word #AGG"),
    ("#BAGG\n1", "expected the word #AGG"),
    ("#AGG\n", "expected the number of players, a number, found the end of the file"),
    ("#AGG\n0", "line 2, column 1: the number of players is 0: it must be positive"),
    ("#AGG\n999999999 1 0", "the number of players is beyond what this file can list"),
    ("#AGG\n1 1 -1", "the number of function nodes is -1"),
    ("#AGG\n1 1.5 0", "the number of action nodes is '1.5': it must be a whole number"),
    ("#AGG\n1 1 0 0", "line 2, column 7: an action set has 0 actions"),
    ("#AGG\n1 2 0\n2\n1 0\n", r"line 4, column 1: player 0 has the actions \(1, 0\): list action nodes 0 to 1"),
    ("#AGG\n1 2 0\n2\n0 2\n", r"line 4, column 1: player 0 has the actions \(0, 2\)"),
    ("#AGG\n1 1 0\n1\n0\n3 0 0 0", "line 5, column 1: node 0 has 3 neighbours: there are 1 nodes"),
    ("#AGG\n1 1 0\n1\n0\n1 1\n", r"line 5, column 1: the neighbours of node 0 are \(1,\): there is no node 1"),
    ("#AGG\n1 2 0\n1\n0\n2 0 0\n", "the neighbours of node 0 are .* a node stands twice"),
    ("#AGG\n1 1 1\n1\n0\n1 1\n1 0\n4\n", "line 7, column 1: a function node has type 4: the types are 0, 1, 2, 3, 10"),
    ("#AGG\n1 1 1\n1\n0\n1 1\n1 1\n0\n", "function node 1 depends on itself through its neighbours"),
    (
        "#AGG\n1 1 2\n1\n0\n1 1\n2 0 2\n1 0\n0\n1\n",
        "function node 1 of type 0 has function node 2 of type 1 as neighbour",
    ),
    ("#AGG\n1 1 1\n1\n0\n1 1\n1 0\n11 -1 [1]\n", "function node 1 of type 11 has a negative weight or default"),
    ("#AGG\n1 1 1\n1\n0\n1 1\n1 0\n10 0 1\n", r"line 7, column 6: expected '\[' before the weights"),
    ("#AGG\n1 1 1\n1\n0\n1 1\n1 0\n10 0 [1 2]\n", r"line 7, column 9: expected '\]' after 1 weights"),
    ("#AGG\n1 1 1\n1\n0\n1 1\n1 0\n10 99999999999 [1]\n", "the default value of a function node is larger than"),
    ("#AGG\n1 1 0\n1\n0\n0\n2 5", "line 6, column 1: the payoffs of action node 0 have type 2: the types are 0 and 1"),
    ("#AGG\n1 1 0\n1\n0\n0\n0", "expected a payoff of action node 0, one for each of 1 configurations"),
    ("#AGG\n1 1 0\n1\n0\n0\n0 1 2", "line 6, column 5: expected the end of the file after the payoffs of 1 action"),
    ("#AGG\n1 1 0\n1\n0\n1 0\n1 1 [2] 5", r"line 6, column 1: action node 0 has no payoff for the configuration \[1\]"),
    ("#AGG\n1 1 0\n1\n0\n1 0\n1 2 [1] 5 [1] 5", r"line 6, column 11: action node 0 has the configuration \[1\] twice"),
    ("#AGG\n1 1 0\n1\n0\n1 0\n1 1 [1 1] 5", r"expected '\]' after 1 entries, one per neighbour"),
    ("#AGG\n1 1 0\n1\n0\n1 0\n1 -1", "action node 0 has -1 configurations"),
    ("#AGG\n1 1 0\n1\n0\n0\n0 1e999999", "has an exponent beyond the limit"),
]


@pytest.mark.parametrize(("text", "message"), BAD_AGG, ids=range(len(BAD_AGG)))
def test_a_bad_action_graph_gets_one_sentence_with_line_and_column(text, message):
    with pytest.raises(ParseError, match=message):
        parse_agg(text)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("#AGG\n", "expected the word #BAGG"),
        ("#BAGG\n1 1 0\n2\n1/2 1/3\n", r"line 4, column 1: the type probabilities of player 1 .* they sum to 0.83"),
        ("#BAGG\n1 1 0\n2\n3/2 -1/2\n", "the type probabilities of player 1 .* one is negative"),
        ("#BAGG\n1 1 0\n0\n", "the number of types is 0"),
        ("#BAGG\n1 2 0\n1\n1\n2\n1 0\n", "line 6, column 1: player 0 as type 0 has the actions"),
    ],
)
def test_a_bad_bayesian_action_graph_gets_one_sentence_with_line_and_column(text, message):
    with pytest.raises(ParseError, match=message):
        parse_bagg(text)


def test_a_graph_with_more_configurations_than_the_limit_is_refused_at_its_payoffs():
    nodes = 8
    head = f"#AGG\n12 {nodes} 0\n" + "8 " * 12 + "\n" + "0 1 2 3 4 5 6 7\n" * 12 + "8 0 1 2 3 4 5 6 7\n" * nodes
    with pytest.raises(
        ParseError, match="line 24, column 1: the configurations of action node 0 take more than 1000 rows"
    ):
        parse_agg(head + "0 1\n", limits=Limits(payoffs=1000))


def test_floats_are_written_as_decimals_that_read_back_as_the_same_floats():
    game = ActionGraphGame.of([[0, 1]], [[], []], [], [[0.1 + 0.2], [1e-7]])
    again = parse_agg(format_agg(game))
    assert again == game
    assert again.is_exact
    assert not game.is_exact
    game = BayesianActionGraphGame.of([[[0], [1]]], [[0.25, 0.75]], [[], []], [], [[1], [2]])
    assert parse_bagg(format_bagg(game)).type_probabilities == ((Fraction(1, 4), Fraction(3, 4)),)
    third = BayesianActionGraphGame.of([[[0]] * 3], [[1 / 3] * 3], [[]], [], [[1]])
    with pytest.raises(GameError, match=r"player 0 are floats whose decimals do not sum to exactly 1: give fractions"):
        format_bagg(third)


def test_files_are_written_and_read(tmp_path):
    game = read_agg("tests/data/games/agg/sum.agg")
    write_agg(game, tmp_path / "game.agg")
    assert read_agg(tmp_path / "game.agg") == game
    bayesian = read_bagg("tests/data/games/bagg/functions.bagg")
    write_bagg(bayesian, tmp_path / "game.bagg")
    assert read_bagg(tmp_path / "game.bagg") == bayesian
    with pytest.raises(GameError, match="text must be a str, got bytes"):
        parse_agg(b"#AGG")


def test_a_mapping_may_list_configurations_that_never_arise():
    listed = parse_agg("#AGG\n1 1 0\n1\n0\n1 0\n1 2 [7] 7 [1] 5")
    assert listed == parse_agg("#AGG\n1 1 0\n1\n0\n1 0\n0 5")
    assert np.array_equal(listed.graph.configurations[0], [[1]])
