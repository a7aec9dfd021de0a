import json
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings

import marlgt as gt
from marlgt.errors import GameError, ParseError, ProfileError
from marlgt.games import StochasticGame, TreeBuilder
from marlgt.games.files.json_form import format_json, parse_json, read_json
from marlgt.games.files.policies import format_policy_json, parse_policy_json, read_policy_json
from marlgt.testing import extensive_games, stochastic_games


def small_tree():
    tree = TreeBuilder(["Ann", "Bob"], title="Small", comment="two\nlines")
    root = tree.chance(None, [("x", Fraction(1, 3)), ("y", Fraction(2, 3))], infoset_label="draw")
    ann = tree.decision(root, 0, "see x", ["take", "leave"])
    tree.terminal(ann, [Fraction(1, 2), 0])
    tree.terminal(ann, [0, 1], label="left")
    bob = tree.decision(root, 1, "see y", ["take", "leave", "wait"])
    for k in range(3):
        tree.terminal(bob, [k, -k])
    return tree.build()


@settings(max_examples=80, deadline=None)
@given(extensive_games())
def test_a_tree_reads_back_equal_and_as_exact_as_it_was(game):
    again = parse_json(format_json(game))
    assert again == game
    assert (again.title, again.comment) == (game.title, game.comment)
    assert again.is_exact == game.is_exact
    assert format_json(again) == format_json(game)


@settings(max_examples=60, deadline=None)
@given(stochastic_games())
def test_a_stochastic_game_reads_back_equal_bit_by_bit(game):
    again = parse_json(format_json(game))
    assert again == game
    assert again.title == game.title
    assert format_json(again) == format_json(game)


def test_the_document_of_a_tree_is_as_it_is_described():
    document = json.loads(format_json(small_tree()))
    assert document["format"] == "marlgt.extensive_game"
    assert document["version"] == 1
    assert document["parent"] == [-1, 0, 1, 1, 0, 4, 4, 4]
    assert document["player"] == [-1, 0, -2, -2, 1, -2, -2, -2]
    assert document["probability"][:5] == [1, "1/3", 1, 1, "2/3"]
    assert document["outcomes"][0] == ["1/2", 0]
    assert document["infosets"][1] == [{"label": "see y", "actions": ["take", "leave", "wait"]}]
    assert document["chance"] == [{"label": "draw", "actions": ["x", "y"]}]
    assert document["node_labels"][3] == "left"


def test_a_tree_needs_no_labels():
    game = parse_json(
        '{"format": "marlgt.extensive_game", "players": ["a"], "parent": [-1, 0, 0], "action": [0, 0, 1],'
        ' "player": [0, -2, -2], "infoset": [0, 0, 0], "outcome": [-1, 0, 1], "outcomes": [[1], ["1/3"]]}'
    )
    assert game.exact_terminal_payoffs.tolist() == [[1, Fraction(1, 3)]]


TREE = json.loads(format_json(small_tree()))
CHAIN = json.loads(
    format_json(
        StochasticGame([[[1.0], [0.0]]], [[[1]], [[0]]], [[[1.0]], [[1.0]]], discount=0.9, terminal=[False, True])
    )
)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"format": "marlgt.poker"}, "the JSON is not a game"),
        ({"format": ["x"]}, "the JSON is not a game"),
        ({"version": 2}, "the JSON has version 2: only version 1 is known"),
        ({"oops": 1}, "the JSON has the unknown field 'oops'"),
        ({"title": 3}, "the field 'title' is 3: it must be text"),
        ({"players": "ab"}, 'the fields "players" and "outcomes" must be lists'),
        ({"outcomes": [[1]]}, "must list 2 payoffs, one per player"),
        ({"outcomes": [["x", 1]]}, "the payoff 'x' is not a number"),
        ({"infosets": []}, "must hold one list for each of 2 players"),
        ({"infosets": [[{"name": "x"}], []]}, 'objects with the fields "label" and "actions"'),
        ({"infosets": [[{"label": 1}], []]}, '"label" of an information set must be text'),
        ({"infosets": [[{"actions": "ab"}], []]}, '"actions" of an information set must be a list of text'),
        ({"infosets": [[{"actions": ["a"]}], []]}, "has 2 actions in the tree but 1 labels"),
        ({"parent": [-1]}, "has 8 entries but parent has 1"),
        ({"parent": {"x": 1}}, "parent"),
        ({"probability": [1] * 8}, "sum to 2"),
        ({"node_labels": ["x"]}, "node_labels must be 8 labels"),
    ],
)
def test_json_that_is_no_tree_is_refused_in_one_sentence(change, message):
    with pytest.raises(GameError, match=message):
        parse_json(json.dumps(TREE | change))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"comment": "x"}, "the JSON has the unknown field 'comment'"),
        ({"discount": 2}, "discount is 2: give a number from 0 to 1"),
        ({"successors": [[[7]], [[0]]]}, "states are numbered from 0 to 1"),
        ({"probabilities": [[["1/2"]], [[1]]]}, "sum to 0.5"),
        ({"states": ["s"]}, "states must be 2 labels"),
    ],
)
def test_json_that_is_no_stochastic_game_is_refused_in_one_sentence(change, message):
    with pytest.raises(GameError, match=message):
        parse_json(json.dumps(CHAIN | change))


def test_a_missing_field_is_named():
    with pytest.raises(GameError, match='lacks the field "discount"'):
        parse_json(json.dumps({key: value for key, value in CHAIN.items() if key != "discount"}))
    with pytest.raises(GameError, match="a list has no JSON form"):
        format_json([])
    with pytest.raises(ParseError, match="line 1, column 2"):
        parse_json("{")
    with pytest.raises(GameError, match="it must be an object"):
        parse_json("[]")


def test_games_and_policies_are_read_from_files(tmp_path):
    game = small_tree()
    (tmp_path / "game.json").write_text(format_json(game))
    assert read_json(tmp_path / "game.json") == gt.games.read(tmp_path / "game.json") == game
    (tmp_path / "policy.json").write_text(format_policy_json(game, game.uniform_profile()))
    assert np.array_equal(read_policy_json(game, tmp_path / "policy.json")[1], game.uniform_profile()[1])


def test_a_behavior_profile_reads_back_and_names_what_it_is_about():
    game = small_tree()
    text = format_policy_json(game, [np.array([[Fraction(1, 3), Fraction(2, 3)]]), [[0.5, 0.25, 0.25]]])
    document = json.loads(text)
    assert document["format"] == "marlgt.behavior_profile"
    assert document["players"] == ["Ann", "Bob"]
    assert document["policies"][0] == [
        {"infoset": "see x", "actions": ["take", "leave"], "probabilities": ["1/3", "2/3"]}
    ]
    first, second = parse_policy_json(game, text)
    assert first == pytest.approx(np.array([[1 / 3, 2 / 3]]))
    assert second.tolist() == [[0.5, 0.25, 0.25]]


@settings(max_examples=40, deadline=None)
@given(stochastic_games())
def test_a_stationary_profile_reads_back_where_the_game_goes_on(game):
    profile = game.uniform_profile()
    again = parse_policy_json(game, format_policy_json(game, profile))
    for mine, theirs in zip(profile, again):
        assert np.array_equal(mine[~game.terminal], theirs[~game.terminal])
        assert not theirs[game.terminal].any()


def test_entries_are_placed_by_their_labels():
    tree = TreeBuilder(["a"])
    root = tree.decision(None, 0, "first", ["l", "r"])
    tree.terminal(root, [0])
    node = tree.decision(root, 0, "second", ["l", "r"])
    tree.terminal(node, [1])
    tree.terminal(node, [2])
    game = tree.build()
    entries = [
        {"infoset": "second", "actions": ["r", "l"], "probabilities": [1, 0]},
        {"infoset": "first", "probabilities": ["1/4", "3/4"]},
    ]
    text = json.dumps({"format": "marlgt.behavior_profile", "policies": [entries]})
    assert parse_policy_json(game, text)[0].tolist() == [[0.25, 0.75], [0, 1]]
    for changed, message in [
        ({"infoset": "third"}, "names the infoset 'third': the game has"),
        ({"infoset": "first"}, "names the infoset 'first' twice"),
        ({"infoset": 3}, "give a label, as text"),
        ({"actions": ["l", "x"]}, "names the action 'x'"),
        ({"actions": ["l"]}, "names the actions"),
        ({"probabilities": [1]}, "must list 2 probabilities"),
        ({"probabilities": ["x", 1]}, "is not a number"),
        ({"probabilities": [0.5, 0.6]}, "policy of player 0"),
        ({"oops": 1}, "the unknown field 'oops'"),
    ]:
        with pytest.raises(GameError, match=message):
            parse_policy_json(
                game,
                json.dumps({"format": "marlgt.behavior_profile", "policies": [[entries[0] | changed, entries[1]]]}),
            )


def test_policies_of_another_game_are_refused():
    game = small_tree()
    text = format_policy_json(game, game.uniform_profile())
    with pytest.raises(GameError, match=r"marlgt\.stationary_profile"):
        parse_policy_json(parse_json(json.dumps(CHAIN)), text)
    with pytest.raises(ProfileError, match="are those of the players"):
        parse_policy_json(game, text.replace("Ann", "Eve"))
    with pytest.raises(ProfileError, match="must hold one list for each of 2 players"):
        parse_policy_json(game, '{"format": "marlgt.behavior_profile", "policies": []}')
    with pytest.raises(ProfileError, match="has 0 entries: give one for each infoset, 1"):
        parse_policy_json(game, '{"format": "marlgt.behavior_profile", "policies": [[], []]}')
    with pytest.raises(GameError, match="only version 1 is known"):
        parse_policy_json(game, text.replace('"version": 1', '"version": 2'))
    with pytest.raises(GameError, match="give an ExtensiveGame or a StochasticGame"):
        format_policy_json(gt.games.prisoners_dilemma(), [[1, 0], [1, 0]])
