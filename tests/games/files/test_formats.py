"""Every file of tests/data/games is read, written and read back; some are compared with games worked out by hand."""

import contextlib
import os
from pathlib import Path

import pytest

import marlgt as gt
from marlgt.errors import GameError, ParseError
from marlgt.games import ExtensiveGame, NormalFormGame, read
from marlgt.games.files.agg import format_agg
from marlgt.games.files.bagg import format_bagg
from marlgt.games.files.efg import format_efg, parse_efg
from marlgt.games.files.formats import parse_game
from marlgt.games.files.gbt import format_gbt, parse_gbt, read_gbt
from marlgt.games.files.nfg import format_nfg

DATA = Path("tests/data/games")
FILES = sorted(path for path in DATA.rglob("*.*") if path.is_file())
WRITERS = {".nfg": format_nfg, ".efg": format_efg, ".agg": format_agg, ".bagg": format_bagg}


def round_trips(path, read_path=read):
    """Tell whether a file reads back from what its game is written as, in the same text when written again."""
    if path.suffix == ".gbt":
        document = read_gbt(path)
        written = format_gbt(document)
        return parse_gbt(written) == document and format_gbt(parse_gbt(written)) == written
    game = read_path(path)
    written = WRITERS[path.suffix](game)
    again = parse_game(written)
    return again == game and WRITERS[path.suffix](again) == written


def test_there_are_ten_files_of_every_format():
    for name in ("nfg", "efg", "agg", "bagg", "gbt"):
        assert len([path for path in FILES if path.suffix == f".{name}"]) >= 10


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_a_file_reads_back_from_what_it_is_written_as(path):
    assert round_trips(path)


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_the_first_word_tells_the_format_as_the_ending_does(path, tmp_path):
    (tmp_path / "game.txt").write_bytes(path.read_bytes())
    assert read(tmp_path / "game.txt") == read(path)


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_a_file_cut_short_ends_in_a_game_or_a_typed_error(path):
    text = path.read_text(encoding="utf-8-sig")
    for end in range(0, len(text), 7):
        with contextlib.suppress(GameError):
            parse_game(text[:end], path.suffix[1:])


def payoffs(name):
    game = read(DATA / name.rpartition(".")[2] / name)
    table = game if isinstance(game, NormalFormGame) else game.normal_form()
    return [[str(x) for x in own.reshape(-1)] for own in table.fractions]


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("counts.nfg", [["1", "3", "5", "2", "4", "6"], ["-1", "-3", "-5", "-2", "-4", "-6"]]),
        ("outcomes.nfg", [["3", "1", "1", "0"], ["3", "1", "1", "0"]]),
        ("compact.nfg", [["3", "1"], ["4", "2"]]),
        (
            "numbers.nfg",
            [["0", "0", "1", "7", "1", "1/2", "-1/4", "100", "1/4", "1/3", "-3/2", "1234567890" * 2 + "1234567890"]],
        ),
        # Alone in a place pays 2, together 1.
        ("two_places.agg", [["1", "2", "2", "1"], ["1", "2", "2", "1"]]),
        # Matching pennies, each player with nodes of her own.
        ("own_nodes.agg", [["-1", "1", "1", "-1"], ["1", "-1", "-1", "1"]]),
        ("mapping.agg", [["-3/2", "5/2", "1", "0"], ["-3/2", "1", "5/2", "0"]]),
        # The three pay by how many of them chose 0 or 1.
        (
            "sum.agg",
            [["30", "20", "20", "10", "31", "21", "21", "11"]],
        ),
        # Function node 3 shows whether 1 is chosen, node 4 whether 1 or 2 is.
        ("exists.agg", [["1", "1", "1", "2", "2", "2", "4", "3", "3"], ["1", "2", "4", "1", "2", "3", "1", "2", "3"]]),
        # 100 + 1 for every 0 and - 2 for every 1; whether anybody chose 1.
        ("weighted.agg", [["2", "1", "4", "4"], ["2", "4", "1", "4"]]),
        ("no_neighbours.agg", [["1/3", "1/4"], ["1/3", "1/3"]]),
        ("decimals.bagg", [["1", "19/10", "11/10", "2"]]),
        # As type 0 (1/4) she must choose 0, as type 1 node 1; Bob chooses between 0 and 1.
        ("two_types.bagg", [["15/4", "3/2"], ["9/4", "2"]]),
        ("impossible_type.bagg", [["1"]]),
        ("comments.bagg", [["-7/2"]]),
        # They are of one type each half the time: alike is 1/2 of (0 or -4), unlike 1/2 of (4 or 1).
        ("mapping.bagg", [["1/4"], ["1/4"]]),
    ],
)
def test_the_payoffs_are_those_worked_out_by_hand(name, expected):
    assert payoffs(name)[: len(expected)] == expected


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("perfect_information.efg", [["2", "1", "4", "3"], ["0", "3", "2", "5"]]),
        ("inner_outcomes.efg", [["23/2", "5/2", "3/2", "1"], ["9", "-2", "-1", "-1"]]),
        ("numbers.efg", [["1", "5/2", "1000", "7"], ["0", "-1/2", "-3/2", "1234567890" * 2 + "1234567890"]]),
        ("nothing_happens.efg", [["7/2"]]),
        ("scopes.efg", [["9", "2", "5", "2", "9", "100"], ["0"] * 6]),
        ("trailing_text.efg", [["0", "0"], ["0", "0"]]),
    ],
)
def test_the_ends_of_a_tree_pay_what_was_worked_out_by_hand(name, expected):
    game = read(DATA / "efg" / name)
    assert [[str(x) for x in own] for own in game.exact_terminal_payoffs] == expected


def test_the_driver_who_forgets_is_told_from_players_who_recall():
    assert read(DATA / "efg/forgetful.efg").forgetful_infoset == (0, 0)
    assert read(DATA / "efg/one_card_poker.efg").has_perfect_recall


def test_a_game_of_unknown_name_and_first_word_is_refused(tmp_path):
    path = tmp_path / "game.txt"
    path.write_text("a game")
    with pytest.raises(GameError, match=r"ends in '.txt' and opens with 'a game': games are read from .nfg, .efg"):
        read(path)
    with pytest.raises(GameError, match="is not a regular file"):
        read(tmp_path)
    with pytest.raises(FileNotFoundError):
        read(tmp_path / "none.efg")
    with pytest.raises(GameError, match="the formats of games are nfg, efg, agg, bagg, gbt, json"):
        parse_game("?")
    path.with_suffix(".efg").write_text('NFG 1 R "" { "a" } { 1 } 1')
    with pytest.raises(ParseError, match="expected the word EFG"):
        read(path.with_suffix(".efg"))


def test_read_gives_each_format_its_type():
    assert isinstance(read(DATA / "gbt/normal_form.gbt"), NormalFormGame)
    assert isinstance(read(DATA / "gbt/extensive_form.gbt"), ExtensiveGame)
    assert isinstance(read(DATA / "agg/sum.agg"), gt.games.ActionGraphGame)
    assert isinstance(read(DATA / "bagg/functions.bagg"), gt.games.BayesianActionGraphGame)


SAMPLES = os.environ.get("MARLGT_GAMBIT_SAMPLES", "")


@pytest.mark.skipif(not SAMPLES, reason="MARLGT_GAMBIT_SAMPLES names no folder of game files")
def test_every_file_of_a_folder_of_ones_own_is_read_and_reads_back():
    paths = sorted(path for path in Path(SAMPLES).rglob("*") if path.suffix in (*WRITERS, ".gbt"))
    failed = []
    for path in paths:
        try:
            if not round_trips(path):
                failed.append(f"{path}: it reads back otherwise")
        except GameError as error:
            failed.append(f"{path}: {error}")
    assert paths
    assert not failed, "\n".join(failed)


def test_the_escapes_of_a_tree_are_read():
    game = parse_efg((DATA / "efg/escapes.efg").read_text(encoding="utf-8"))
    assert game.title == '"quotes" and back\\\\slashes'
    assert game.players == ('a "b"', "Zoë")
    assert game.node_labels[0] == 'node { 1 }, "root"'
    assert game.infosets[0].action_labels(0) == ('l, "eft"', "r\\\\ight")
