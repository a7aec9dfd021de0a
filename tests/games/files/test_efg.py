import time
from fractions import Fraction

import numpy as np
import pytest

import marlgt as gt
from marlgt.errors import ExactnessError, GameError, ParseError
from marlgt.games import CHANCE, ExtensiveGame, TreeBuilder
from marlgt.games.files.efg import format_efg, parse_efg, read_efg, write_efg
from marlgt.games.files.lexer import Limits

HEAD = 'EFG 2 R "x" { "a" "b" }\n'
ROOT = HEAD + 'p "" 1 1 "s" { "l" "r" } 0\n'


def terminal_payoffs(game):
    return [[str(x) for x in row] for row in game.exact_terminal_payoffs]


def test_a_tree_is_read_node_by_node():
    game = parse_efg(
        'EFG 2 R "Coin" { "Ann" "Bob" } "a comment"\n'
        'c "toss" 1 "coin" { "H" 1/3 "T" 2/3 } 0\n'
        'p "heads" 2 1 "call" { "h" "t" } 0\n'
        't "" 1 "right" { 1, -1 }\n'
        't "" 2 "wrong" { -1, 1 }\n'
        'p "tails" 2 1 0 t "" 2 t "" 1\n'
    )
    assert game.title == "Coin"
    assert game.comment == "a comment"
    assert game.players == ("Ann", "Bob")
    assert game.parent.tolist() == [-1, 0, 1, 1, 0, 4, 4]
    assert game.player.tolist() == [CHANCE, 1, -2, -2, 1, -2, -2]
    assert game.n_infosets == (0, 1)
    assert game.infosets[1].labels == ("call",)
    assert game.infosets[1].actions == (("h", "t"),)
    assert game.chance.labels == ("coin",)
    assert game.chance.actions == (("H", "T"),)
    assert game.exact_probability[[1, 4]].tolist() == [Fraction(1, 3), Fraction(2, 3)]
    assert game.node_labels == ("toss", "heads", "", "", "tails", "", "")
    assert game.outcome_labels == ("right", "wrong")
    assert terminal_payoffs(game) == [["1", "-1", "-1", "1"], ["-1", "1", "1", "-1"]]


def test_outcomes_become_columns_in_the_order_of_their_numbers():
    game = parse_efg(HEAD + 'p "" 1 1 "" { "l" "r" } 9 "nine" { 9 0 } t "" 2 "two" { 2 0 } t "" 9')
    assert game.outcome_labels == ("two", "nine")
    assert game.outcome.tolist() == [1, 0, 1]
    assert terminal_payoffs(game)[0] == ["11", "18"]


def test_labels_are_made_unique_where_the_format_wants_it():
    game = read_efg("tests/data/games/efg/repeated_labels.efg")
    assert game.players == ("p_1", "p_2")
    assert game.infosets[0].labels == ("s_1", "s_2")
    assert game.infosets[1].labels == ("s",)
    assert game.infosets[0].actions == (("a_1", "a_2"), ("_1", "_2"))
    assert game.node_labels == ("n_2", "n_3", "", "", "n_1", "", "")
    assert game.outcome_labels == ("o_1", "o_2", "_1")


def test_labels_that_say_nothing_are_not_kept():
    game = parse_efg(HEAD + 'p "" 1 1 "" { "0" "1" } 0 t "" 1 "" { 1 2 } t "" 0')
    assert (game.node_labels, game.outcome_labels) == ((), ())
    assert (game.infosets[0].labels, game.infosets[0].actions) == ((), ())
    assert 'p "" 1 1 "" { "0" "1" } 0' in format_efg(game)


BAD = [
    ("", "line 1, column 1: expected the word EFG"),
    ("EFG 1 R", "line 1, column 5: expected version 2"),
    ("EFG 2 X", r"expected R \(rational\) or D \(decimal\), found 'X'"),
    ('EFG 2 R "x" { } t "" 0', "the game has no players"),
    ('EFG 2 R "x" { "a" 1', "line 1, column 19: expected a player's name in quotes, found '1'"),
    (HEAD, "line 2, column 1: expected a node: c .*, found the end of the file"),
    (HEAD + 'x "" 0', "line 2, column 1: expected a node: c .*, found 'x'"),
    (HEAD + "t 0", "line 2, column 3: expected the label of a node in quotes, found '0'"),
    (HEAD + 't "', "the label of a node begins with a quote that is never closed"),
    (HEAD + 't "" x', "line 2, column 6: expected the number of an outcome, a number, found 'x'"),
    (HEAD + 't "" 1.5', "the number of an outcome is '1.5': it must be a whole number"),
    (HEAD + 't "" 1', "line 2, column 6: outcome 1 is not defined yet"),
    (HEAD + 't "" 0 "x" { 1 2 }', "line 2, column 6: outcome 0 pays nothing: it carries neither label nor payoffs"),
    (HEAD + 't "" 1 { 1 2 }', "outcome 1 is not defined yet: give its label and payoffs"),
    (HEAD + 't "" 1 "" { 1 }', "line 2, column 15: outcome 1 needs 2 payoffs, one per player, and has 1"),
    (HEAD + 't "" 1 "" { 1 2 3 }', "outcome 1 needs 2 payoffs, one per player, and has more"),
    (HEAD + 't "" 1 "" { 1,, 2 }', "outcome 1 needs 2 payoffs, one per player, and has 1"),
    (HEAD + 't "" 1 "" { 1 1/0 }', "line 2, column 15: a payoff is '1/0': a fraction needs a denominator other than 0"),
    (HEAD + 't "" 1 "" { 1 1e999999999 }', "a payoff has an exponent beyond the limit of 10000"),
    (HEAD + 't "" 1 "" { 1 0.' + "1" * 5000 + " }", "a payoff has 5001 digits, more than the limit of 4096"),
    (HEAD + 't "" 1 "" { 1 1e151 }', "a payoff is '1e151': the largest magnitude is 1e\\+150"),
    (HEAD + 't "" 1 "" { 1 2', "expected '}' after the payoffs of outcome 1, found the end of the file"),
    (ROOT + 't "" 1 "o" { 1 2 }\nt "" 1 "o" { 1.0 2 }', "line 4, column 6: outcome 1 was defined with another label"),
    (ROOT + 't "" 1 "o" { 1 2 }\nt "" 1 "p" { 1 2 }', "line 4, column 6: outcome 1 was defined with another label"),
    (HEAD + 'p "" 3 1 "" { "l" } 0', "line 2, column 6: there is no player 3: the players are numbered 1 to 2"),
    (HEAD + 'p "" 0 1 "" { "l" } 0', "there is no player 0"),
    (HEAD + 'p "" 1 1 0', "line 2, column 8: information set 1 of player 1 is not defined yet"),
    (HEAD + 'c "" 1 0', "information set 1 of chance is not defined yet"),
    (HEAD + 'p "" 1 1 "" { } 0', "information set 1 of player 1 has no actions"),
    (HEAD + 'p "" 1 1 "" { l } 0', "expected the label of an action in quotes, found 'l'"),
    (ROOT + 'p "" 1 1 "s" { "l" "q" } 0', "line 3, column 8: information set 1 of player 1 was defined with another"),
    (ROOT + 'p "" 1 1 "z" { "l" "r" } 0', "line 3, column 8: information set 1 of player 1 was defined with another"),
    (ROOT + 'p "" 2 1 0', "information set 1 of player 2 is not defined yet"),
    (ROOT + 't "" 0', "line 3, column 7: expected a node: c .*, found the end of the file"),
    (
        HEAD + 'c "" 1 "" { "a" 1/2 "b" 1/3 } 0',
        "line 2, column 6: the probabilities .* set 1 sum to 5/6: they must sum",
    ),
    (HEAD + 'c "" 1 "" { "a" -1 "b" 2 } 0', "line 2, column 6: a chance move has probability -1"),
    (HEAD + 'c "" 1 "" { "a" "b" } 0', "expected the probability of a chance move, a number, found a text in quotes"),
    (HEAD + 'c "" 1 "" { "a" 1/2, "b" 1/2 } 0', "expected the label of an action in quotes, found ','"),
    (HEAD + 't "' + "l" * 70_000 + '" 0', "the label of a node has 70000 characters, more than the limit of 65536"),
    (HEAD + 'p "" 1 1 "" { "' + "l" * 70_000 + '" } 0', "the label of an action has 70000 characters"),
    (HEAD + 't "" ' + "9" * 5000, "the number of an outcome has 5000 digits"),
]


@pytest.mark.parametrize(("text", "message"), BAD, ids=range(len(BAD)))
def test_bad_text_gets_one_sentence_with_line_and_column_at_once(text, message):
    started = time.process_time()
    with pytest.raises(ParseError, match=message):
        parse_efg(text)
    assert time.process_time() - started < 1


def test_probabilities_that_were_rounded_name_the_way_out():
    with pytest.raises(ParseError, match=r"sum to 1 - 1e-16: .* or read with rationalize=True"):
        parse_efg(HEAD + 'c "" 1 "" { "a" 0.3333333333333333 "b" 0.6666666666666666 } 0 t "" 0 t "" 0')


def test_a_file_two_hundred_thousand_moves_deep_is_read_and_written():
    depth = 200_000
    game = parse_efg('EFG 2 R "" { "a" } "" p "" 1 1 "" { "on" } 0 ' + 'p "" 1 1 0\n' * (depth - 1) + 't "" 1 "" { 1 }')
    assert game.n_nodes == depth + 1
    assert game.depth.max() == depth
    assert format_efg(game).count('p "" 1 1 "" { "on" } 0\n') == depth


def test_a_tree_beyond_the_limit_is_refused_where_it_exceeds_it():
    with pytest.raises(ParseError, match="line 4, column 1: the tree has more than 2 nodes"):
        parse_efg(ROOT + 't "" 0\nt "" 0\n', limits=Limits(nodes=2))
    game = parse_efg(ROOT + 't "" 0\nt "" 0\n', limits=Limits(nodes=3))
    with pytest.raises(GameError, match="the tree has 3 nodes, more than the limit of 2"):
        format_efg(game, limits=Limits(nodes=2))


def test_an_error_deep_in_a_file_names_its_line():
    lines = "".join(f'p "" 1 {i} "" {{ "l" "r" }} 0\nt "" 0\n' for i in range(1, 5001))
    with pytest.raises(ParseError) as caught:
        parse_efg(HEAD + lines + 't "" 1\n')
    assert (caught.value.line, caught.value.column) == (10_002, 6)


def test_a_float_game_is_written_as_decimals_that_read_back_as_the_same_floats():
    tree = TreeBuilder(["a"])
    root = tree.chance(None, [("x", 0.1), ("y", 0.9)])
    tree.terminal(root, [0.1 + 0.2])
    tree.terminal(root, [1e-7])
    game = tree.build()
    again = parse_efg(format_efg(game))
    assert again == game
    assert again.is_exact
    assert "0.30000000000000004" in format_efg(game)


def test_floats_whose_decimals_miss_one_are_refused_with_the_way_out():
    tree = TreeBuilder(["a"])
    root = tree.chance(None, [(str(k), 1 / 3) for k in range(3)])
    for k in range(3):
        tree.terminal(root, [k])
    game = tree.build()
    with pytest.raises(ExactnessError, match=r"chance node 0 are floats .* write game.rationalize\(\) instead"):
        format_efg(game)
    assert parse_efg(format_efg(game.rationalize())) == game.rationalize()


def test_what_the_format_cannot_hold_is_refused_when_writing():
    tree = TreeBuilder(["a"], title="x\\")
    tree.terminal(None, [1])
    with pytest.raises(GameError, match=r"title is 'x\\\\': a quoted text cannot end in a backslash"):
        format_efg(tree.build())
    tree = TreeBuilder(["a"])
    tree.terminal(None, [1], label="\ud800")
    with pytest.raises(GameError, match=r"a label of a node is .*surrogate"):
        format_efg(tree.build())


def test_a_chance_set_whose_nodes_differ_in_probabilities_is_split_when_written():
    tree = TreeBuilder(["a"])
    root = tree.decision(None, 0, "s", ["l", "r"])
    for p in (Fraction(1, 2), Fraction(1, 3)):
        node = tree.chance(root, [("x", p), ("y", 1 - p)], infoset="same", infoset_label="same")
        tree.terminal(node, [0])
        tree.terminal(node, [1])
    again = parse_efg(format_efg(tree.build()))
    assert again.chance.labels == ("same_1", "same_2")
    assert (again.exact_probability == tree.build().exact_probability).all()


def test_files_round_trip_through_the_game_itself(tmp_path):
    game = read_efg("tests/data/games/efg/escapes.efg")
    path = tmp_path / "game.efg"
    assert game.to_efg(path) == path.read_text(encoding="utf-8")
    assert ExtensiveGame.from_efg(path) == ExtensiveGame.from_efg(game.to_efg()) == game
    write_efg(game, path)
    assert read_efg(path) == game
    with pytest.raises(GameError, match="text must be a str, got bytes"):
        parse_efg(b"EFG")


def test_decimals_of_floats_become_fractions_again_and_sum_to_one():
    text = HEAD + 'c "" 1 "" { "a" 0.1666666666666667 "b" 0.3333333333333333 "c" .5000000000000000 } 0 '
    text += 't "" 1 "" { 0.6666666666666666 0.125 } t "" 2 "" { 0.1234567890123456 1e-3 } t "" 0'
    game = parse_efg(text, rationalize=True)
    assert [str(p) for p in game.exact_probability[1:]] == ["1/6", "1/3", "1/2"]
    # A decimal that is no simple fraction's float stays what it is.
    assert terminal_payoffs(game) == [["2/3", str(Fraction("0.1234567890123456")), "0"], ["1/8", "1/1000", "0"]]


def test_the_largest_probability_takes_what_rounding_has_left():
    text = HEAD + 'c "" 1 "" { "a" 0.1234567890123456 "b" 0.8765432109876545 } 0 t "" 0 t "" 0'
    game = parse_efg(text, rationalize=True)
    assert sum(game.exact_probability[1:]) == 1
    assert game.exact_probability[1] == Fraction("0.1234567890123456")
    with pytest.raises(ParseError, match="sum to 999/1000"):
        parse_efg(HEAD + 'c "" 1 "" { "a" 0.333 "b" 0.666 } 0 t "" 0 t "" 0', rationalize=True)
    with pytest.raises(GameError, match="max_denominator is 0"):
        parse_efg(text, rationalize=True, max_denominator=0)


def test_the_file_of_myersons_poker_has_the_value_one_third():
    game = read_efg("tests/data/games/efg/one_card_poker.efg")
    answer = gt.solvers.sequence_form_lp(game)
    assert answer.values[0] == pytest.approx(1 / 3)  # Myerson (1991), section 3.2
    assert answer.profile[0][1] == pytest.approx([1 / 3, 2 / 3])
    assert answer.profile[1][0] == pytest.approx([2 / 3, 1 / 3])


@pytest.mark.parametrize(("name", "n_nodes"), [("kuhn_poker", 58), ("leduc_poker", 9457)])
def test_the_export_of_openspiel_is_read_exactly(name, n_nodes):
    spiel = pytest.importorskip("pyspiel")
    from open_spiel.python.algorithms.gambit import export_gambit

    text = export_gambit(spiel.load_game(name))
    with pytest.raises(ParseError, match="rationalize=True"):
        parse_efg(text)
    game = parse_efg(text, rationalize=True)
    assert game.n_nodes == n_nodes
    assert game.is_exact
    assert max(p.denominator for p in game.exact_probability) <= 6
    assert game.has_perfect_recall
    assert parse_efg(format_efg(game)) == game
    if name == "kuhn_poker":
        # Kuhn (1950), A simplified two-person poker.
        assert gt.solvers.sequence_form_lp(game).values[0] == pytest.approx(-1 / 18, abs=1e-12)


@pytest.mark.parametrize("name", ["perfect_information", "one_card_poker", "simultaneous"])
def test_openspiel_reads_what_is_written(name):
    spiel = pytest.importorskip("pyspiel")
    game = read_efg(f"tests/data/games/efg/{name}.efg")
    theirs = spiel.load_efg_game(format_efg(game))
    assert theirs.num_players() == game.n_players
    assert theirs.min_utility() == game.terminal_payoffs.min()
    assert theirs.max_utility() == game.terminal_payoffs.max()


def test_trees_of_every_kind_of_catalogue_game_read_back_equal():
    for name in ("kuhn_poker", "stripped_down_poker"):
        game = gt.games.load(name)
        again = parse_efg(format_efg(game))
        assert again == game
        assert np.array_equal(again.exact_terminal_payoffs, game.exact_terminal_payoffs)
