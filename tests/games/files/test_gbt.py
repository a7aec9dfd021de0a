from fractions import Fraction

import numpy as np
import pytest

import marlgt as gt
from marlgt.errors import GameError, ParseError, ProfileError
from marlgt.games.files.gbt import GambitDocument, format_gbt, parse_gbt, read_gbt, write_gbt

OPEN = '<gambit:document xmlns:gambit="http://gambit.sourceforge.net/" version="0.1"><game>\n'
NFG = '<nfgfile>NFG 1 R "" { "a" "b" } { 2 2 } 2 1 0 0 0 0 1 2</nfgfile>\n'


def fixture(name):
    return read_gbt(f"tests/data/games/gbt/{name}.gbt")


def test_profiles_are_split_among_players_and_information_sets():
    document = fixture("behavior_profile")
    assert document.descriptions == ("Sequence form",)
    ((first, second),) = document.profiles
    assert first.tolist() == [[1, 0], [Fraction(1, 3), Fraction(2, 3)]]
    assert second.tolist() == [[Fraction(2, 3), Fraction(1, 3)]]
    assert gt.certify(document.game, document.profiles[0]).epsilon == pytest.approx(0, abs=1e-12)


def test_each_profile_keeps_what_was_said_of_it():
    document = fixture("two_analyses")
    assert document.descriptions == ("Pure <strategies> & more",) * 2 + ("Mixed",)
    assert [[own.tolist() for own in profile] for profile in document.profiles] == [
        [[1, 0], [1, 0]],
        [[0, 1], [0, 1]],
        [[Fraction(2, 3), Fraction(1, 3)], [Fraction(1, 3), Fraction(2, 3)]],
    ]
    for profile in document.profiles:
        gt.testing.assert_nash(document.game, profile)


def test_rounded_profiles_become_floats():
    exact, rounded = fixture("rounded_profile").profiles
    assert exact[0].dtype == object
    assert rounded[0].dtype == np.float64
    assert rounded[0].tolist() == [[0.999, 0.0005], [0.5, 0.5]]


def test_profiles_over_the_strategies_of_a_tree_are_counted_not_kept():
    document = fixture("strategies_of_a_tree")
    assert (document.skipped, len(document.profiles)) == (1, 1)


def test_the_game_inside_is_not_escaped():
    game = fixture("unescaped_labels").game
    assert game.title == "a < b & c > d"
    assert game.infosets[0].action_labels(0) == ("<", "&amp;")
    assert fixture("closing_tag_in_a_label").game.actions == (("</game>", "<nfgfile>"),)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "line 1, column 1: expected a document that opens with <gambit:document"),
        (OPEN, "the document holds no game: expected <efgfile> or <nfgfile>"),
        (OPEN + "<efgfile>EFG", "line 2, column 1: <efgfile> is never closed"),
        (OPEN + "<efgfile>\nEFG 2 X</efgfile>", r"line 3, column 7: expected R \(rational\) or D \(decimal\)"),
        (OPEN + "  <efgfile>EFG 3</efgfile>", "line 2, column 16: expected version 2"),
        (
            OPEN + NFG + '<analysis><profile type="mixed">1,0,1</profile></analysis>',
            "line 3, column 11: a profile has 3 probabilities: the game has 4 actions",
        ),
        (
            OPEN + NFG + '<analysis><profile type="mixed">1,0,1,x</profile></analysis>',
            "line 3, column 39: expected a probability, a number, found 'x'",
        ),
        (
            OPEN + NFG + '<analysis><profile type="mixed">2,-1,1,0</profile></analysis>',
            "line 3, column 35: a probability is '-1': expected a number that is not negative",
        ),
        (
            OPEN + NFG + '<analysis><profile type="mixed">1,1,1,0</profile></analysis>',
            "a profile holds probabilities that do not sum to 1",
        ),
        (
            OPEN + NFG + '<analysis><profile type="behav">1,0,1,0</profile></analysis>',
            "has the type 'behav': expected 'mixed'",
        ),
        (OPEN + NFG + "<analysis><profile>1,0,1,0</profile></analysis>", "has the type '': expected 'mixed'"),
        (OPEN + NFG + "<analysis>" * 100_000, "line 3, column 1: <analysis> is never closed"),
        (OPEN + NFG + "<analysis" * 100_000, "line 3, column 1: <analysis> is never closed"),
        (OPEN + NFG + "<analysis>" + "<profile " * 9 + "</analysis>", "line 3, column 11: <profile> is never closed"),
    ],
)
def test_bad_documents_get_one_sentence_with_line_and_column(text, message):
    with pytest.raises(ParseError, match=message):
        parse_gbt(text)


def test_documents_are_written_and_read_back(tmp_path):
    game = gt.games.load("kuhn_poker")
    document = GambitDocument(game, (game.uniform_profile(),) * 2, ("one & only", "<two>"))
    write_gbt(document, tmp_path / "game.gbt")
    again = read_gbt(tmp_path / "game.gbt")
    assert again == document
    assert again != GambitDocument(game)
    assert gt.games.read(tmp_path / "game.gbt") == game
    bare = GambitDocument(gt.games.prisoners_dilemma(), (([0, 1], [0, 1]),))
    assert parse_gbt(format_gbt(bare)).descriptions == ("",)
    with pytest.raises(GameError, match="text must be a str, got bytes"):
        parse_gbt(b"<")


def test_profiles_that_do_not_fit_are_refused_when_writing():
    game = gt.games.prisoners_dilemma()
    with pytest.raises(ProfileError, match="a profile has 1 policies: the game has 2 players"):
        format_gbt(GambitDocument(game, (([1, 0],),)))
    with pytest.raises(ProfileError, match=r"player 1 has shape \(3,\), which does not fit"):
        format_gbt(GambitDocument(game, (([1, 0], [1, 0, 0]),)))
    with pytest.raises(ProfileError, match="there are 1 profiles but 2 descriptions"):
        format_gbt(GambitDocument(game, (([1, 0], [1, 0]),), ("a", "b")))
