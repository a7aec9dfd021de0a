import contextlib
import re
import time
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from marlgt.errors import GameError, ParseError
from marlgt.games import NormalFormGame
from marlgt.games.files.lexer import Lexer, Limits, unique_labels
from marlgt.games.files.nfg import format_nfg, parse_nfg, read_nfg, write_nfg

HEAD = 'NFG 1 R "x" { "a" "b" } '

labels = st.text(max_size=8).filter(lambda text: not text.endswith("\\") and text.isprintable())
exact = st.integers(-(10**30), 10**30) | st.fractions(max_denominator=10**12)
floats = st.floats(-1e150, 1e150)


@st.composite
def games(draw):
    counts = draw(st.lists(st.integers(1, 3), min_size=1, max_size=4))
    size = len(counts) * int(np.prod(counts))
    entry = draw(st.sampled_from([exact, floats]))
    flat = np.empty(size, dtype=object)
    flat[:] = draw(st.lists(entry, min_size=size, max_size=size))
    filled = labels.filter(bool)
    return NormalFormGame(
        flat.reshape((len(counts), *counts)).tolist(),
        players=draw(st.none() | st.lists(filled, min_size=len(counts), max_size=len(counts), unique=True)),
        actions=[draw(st.lists(filled, min_size=count, max_size=count, unique=True)) for count in counts],
        title=draw(labels),
        comment=draw(labels | st.just('two\nlines "quoted" \\x')),
    )


@settings(max_examples=60, deadline=None)
@given(games())
def test_a_written_game_reads_back_equal_word_for_word(game):
    again = parse_nfg(format_nfg(game))
    assert again == game
    assert (again.title, again.comment) == (game.title, game.comment)
    assert again.is_exact
    if game.is_exact:
        assert np.array_equal(again.fractions, game.fractions)


@settings(max_examples=40, deadline=None)
@given(games())
def test_writing_twice_gives_the_same_text(game):
    text = format_nfg(parse_nfg(format_nfg(game)))
    assert format_nfg(parse_nfg(text)) == text


@pytest.mark.parametrize(
    ("token", "value"),
    [
        ("0.1", "1/10"),
        ("1.", "1"),
        ("-.5", "-1/2"),
        ("+1.5e2", "150"),
        ("1E-3", "1/1000"),
        ("-6/4", "-3/2"),
        ("007", "7"),
        ("1/003", "1/3"),
        ("12345678901234567890.5", "24691357802469135781/2"),
        ("1e-400", "1/1" + "0" * 400),
    ],
)
def test_numbers_are_exact_rationals(token, value):
    game = parse_nfg(f'NFG 1 D "" {{ "a" }} {{ 1 }} {token}')
    assert game.fractions[0, 0] == Fraction(value)


@pytest.mark.parametrize(
    "token", [".", "+", "1/", "/2", "1.5/2", "1_0", "0x1", "1/-2", "--1", "e5", "1ee5", "٣", "inf"]
)
def test_what_merely_resembles_a_number_is_refused(token):
    with pytest.raises(ParseError, match="expected 1 payoff"):
        parse_nfg(f'NFG 1 R "" {{ "a" }} {{ 1 }} {token}')


def test_the_first_player_varies_fastest():
    game = parse_nfg('NFG 1 R "" { "row" "column" } { { "T" "M" "B" } { "L" "R" } }  1 10 2 20 3 30 4 40 5 50 6 60')
    assert game.payoffs[0].tolist() == [[1, 4], [2, 5], [3, 6]]
    assert game.payoffs[1].tolist() == [[10, 40], [20, 50], [30, 60]]
    assert game.players == ("row", "column")
    assert game.actions == (("T", "M", "B"), ("L", "R"))


def test_the_outcome_form_means_the_payoffs_of_its_outcomes():
    text = """NFG 1 R "outcomes" { "1" "2" } { 2 2 } "a comment"
    { { "first" 1, 2 } { "" 1/2 0.25 } { "unused" 9 9, } }
    1 0 2 1"""
    game = parse_nfg(text)
    assert game.fractions[0].tolist() == [[1, Fraction(1, 2)], [0, 1]]
    assert game.fractions[1].tolist() == [[2, Fraction(1, 4)], [0, 2]]
    assert game.comment == "a comment"


def test_white_space_never_matters_outside_quotes():
    assert parse_nfg('NFG\t1\r\nR"x"{"a""b"}{2 1}1 2 3 4') == parse_nfg('NFG 1 R "x" { "a" "b" } { 2 1 }\n1 2\n3 4\n')


def test_a_byte_order_mark_and_windows_line_ends_are_read(tmp_path):
    path = tmp_path / "x.nfg"
    path.write_bytes(b'\xef\xbb\xbfNFG 1 R "x"\r\n{ "a" "b" } { 1 1 }\r\n1 2\r\n')
    assert read_nfg(path).payoffs.reshape(-1).tolist() == [1, 2]


@pytest.mark.parametrize(
    ("given_labels", "read"),
    [
        (["a", "a"], ["a_1", "a_2"]),
        (["", ""], ["_1", "_2"]),
        (["a", "a", "a_1"], ["a_2", "a_3", "a_1"]),
        (["a", "b"], ["a", "b"]),
        ([""], ["_1"]),
    ],
)
def test_empty_and_repeated_labels_are_made_unique(given_labels, read):
    assert unique_labels(given_labels) == read
    text = "".join(f'"{label}"' for label in given_labels)
    game = parse_nfg(f'NFG 1 R "" {{ "a" }} {{ {{ {text} }} }} ' + "0 " * len(given_labels))
    assert game.actions == (tuple(read),)


BAD = [
    ("", "line 1, column 1: expected the word NFG"),
    ("\n\n  EFG 2 R", "line 3, column 3: expected the word NFG .*, found 'EFG'"),
    ("NFG 2 R", "line 1, column 5: expected version 1"),
    ("NFG 1 X", r"line 1, column 7: expected R \(rational\) or D \(decimal\), found 'X'"),
    ("NFG 1 R x", "expected the title in quotes, found 'x'"),
    ('NFG 1 R "x', "line 1, column 9: the title begins with a quote that is never closed"),
    ('NFG 1 R "x\\" { a }', "never closed"),
    ('NFG 1 R "x" { } { }', "no players"),
    ('NFG 1 R "x" { "a" 2 }', "expected a player's name in quotes, found '2'"),
    (HEAD + "{ 2 }", "expected the strategies of 2 players, found 1"),
    (HEAD + "{ 2 2 2 } 1", "line 1, column 31: expected the strategies of 2 players, found more"),
    (HEAD + "{ -2 2 } 1", "line 1, column 27: player 1 has -2 strategies"),
    (HEAD + "{ 0 2 } 1", "player 1 has 0 strategies"),
    (HEAD + '{ {} {"a"} } 1', "player 1 has 0 strategies"),
    (HEAD + "{ 1.5 2 } 1", "a number of strategies is '1.5': it must be a whole number"),
    (HEAD + "{ two 2 } 1", "expected a number of strategies, a number, found 'two'"),
    (HEAD + "{ 999999999 999999999 } 1", r"ask for 10\^18 payoffs, more than the limit of 10000000"),
    (HEAD + "{ " + "9" * 90 + " 2 } 1", "more than the limit"),
    (HEAD + "{ 2 2 } 1 2 3", r"expected 8 payoffs \(2 players times 4 profiles\), found 3: the file ends"),
    (HEAD + "{ 1 1 } 1 2 3 4", r"expected 2 payoffs \(2 players times 1 profile\), found 4"),
    (HEAD + "{ 1 1 }" + " 7" * 100_000, "expected 2 payoffs .*, found more than 3277"),
    (HEAD + "{ 1 1 } 1 2 }", r"expected the end of the file after 2 payoffs, found '}'"),
    (HEAD + "{ 1 1 } 1, 2", "expected 2 payoffs .*, found 1: then comes ','"),
    (HEAD + "{ 1 1 } 1 nan", "expected 2 payoffs .*, found 1: then comes 'nan'"),
    (HEAD + "{ 1 1 } 1 2/0", "a payoff is '2/0': a fraction needs a denominator other than 0"),
    (HEAD + "{ 1 1 } 1 1e999999999", "a payoff has an exponent beyond the limit of 10000"),
    (HEAD + "{ 1 1 } 1 1e151", "a payoff is '1e151': the largest magnitude is"),
    (HEAD + "{ 1 1 } 1 " + "9" * 200, "the largest magnitude is"),
    (HEAD + "{ 1 1 } 1 0." + "1" * 5000, "a payoff has 5001 digits, more than the limit of 4096"),
    (HEAD + '{ 1 1 } { { "" 1 1 } } 2', "profile 1 has outcome 2: the file defines outcomes 1 to 1"),
    (HEAD + '{ 1 1 } { { "" 1 1 } } -1', "profile 1 has outcome -1"),
    (HEAD + '{ 1 1 } { { "" 1 1 } } 0.5', "profile 1 has outcome 1/2"),
    (HEAD + '{ 2 1 } { { "" 1 1 } } 1', r"expected 2 outcomes \(one per profile\), found 1"),
    (HEAD + '{ 1 1 } { { "" 1 } } 1', "outcome 1 needs 2 payoffs, one per player, and has 1"),
    (HEAD + '{ 1 1 } { { "" 1 2 3 } } 1', "outcome 1 needs 2 payoffs, one per player, and has more"),
    (HEAD + "{ 1 1 } { { 1 2 } } 1", "expected an outcome's label in quotes"),
    (HEAD + '{ 1 1 } { { "" 1 2', "expected '}' after the payoffs of outcome 1, found the end of the file"),
    (HEAD + "{" * 100_000, "expected a strategy's label in quotes"),
    ("{" * 1_000_000, "expected the word NFG"),
    (
        HEAD + '{ { "' + "l" * 70_000 + '" } { "r" } } 1 1',
        "a strategy's label has 70000 characters, more than the limit of 65536",
    ),
    ('NFG 1 R "" {' + ' "p"' * 64 + "}", "expected a player's name at most 63 times, found more"),
    ("\0\0\0\0", "expected the word NFG"),
]


@pytest.mark.parametrize(("text", "message"), BAD, ids=range(len(BAD)))
def test_bad_text_gets_one_sentence_with_line_and_column_at_once(text, message):
    started = time.process_time()
    with pytest.raises(ParseError, match=message) as caught:
        parse_nfg(text)
    assert time.process_time() - started < 1
    assert str(caught.value).startswith(f"line {caught.value.line}, column {caught.value.column}: ")


def test_an_error_deep_in_a_file_names_its_line():
    with pytest.raises(ParseError) as caught:
        parse_nfg(HEAD + "{ 100 100 }\n" + "1 2\n" * 9_000 + "1 oops\n")
    assert (caught.value.line, caught.value.column) == (9002, 3)


def test_limits_can_be_raised_and_lowered():
    text = HEAD + "{ 2 2 } 1 2 3 4 5 6 7 8"
    with pytest.raises(ParseError, match="more than the limit of 7"):
        parse_nfg(text, limits=Limits(payoffs=7))
    long = HEAD + "{ 1 1 } 0." + "1" * 4_200 + " 0"
    with pytest.raises(ParseError, match="digits"):
        parse_nfg(long)
    assert parse_nfg(long, limits=Limits(digits=5_000)).n_profiles == 1


def test_bytes_are_refused_with_the_way_out():
    with pytest.raises(GameError, match="text must be a str, got bytes"):
        parse_nfg(b"NFG")


def test_a_truncated_file_is_refused_wherever_it_is_cut():
    text = format_nfg(
        NormalFormGame.bimatrix([[3, 0], [5, 1]], [[3, 5], [0, 1]], actions=[("C", "D")] * 2, comment="c")
    )
    for end in range(len(text.rstrip())):
        with pytest.raises(ParseError):
            parse_nfg(text[:end])


def _survives(text):
    started = time.process_time()
    try:
        game = parse_nfg(text)
    except GameError:
        game = None
    assert time.process_time() - started < 1
    if game is not None:
        assert parse_nfg(format_nfg(game)) == game


@settings(max_examples=200, deadline=None)
@given(st.text(max_size=80))
@example("NFG 1 R \x1c")
@example('NFG 1 R "" { "" } { 1 } 1\x1c1')
@example('NFG 1 R "" { "" } { 1 } 1\xa01')
def test_no_text_gets_past_the_parser_or_stops_it(text):
    _survives(text)


VALID = [
    'NFG 1 R "t" { "a" "b" } { { "x" "y" } { "l" "r" } } "c" 1 2.5 3/4 -1 0 1e2 7 8',
    'NFG 1 D "t" { "a" "b" "c" } { 2 1 2 } { { "o" 1, 2, 3 } { "" 0 0 1/2 } } 1 2 0 1',
]
tokens = st.sampled_from(["{", "}", '"', ",", "1", "-1", "0", "1/0", "1e99999", "nan", "\\", '""', "9" * 40, " ", "\n"])


@settings(max_examples=400, deadline=None)
@given(
    st.sampled_from(VALID), st.lists(st.tuples(st.integers(0, 90), st.integers(0, 3), tokens), min_size=1, max_size=4)
)
def test_mutations_of_valid_files_end_in_a_game_or_a_typed_error(text, changes):
    for place, cut, token in changes:
        text = text[:place] + token + text[place + cut :]
    _survives(text)


@settings(max_examples=150, deadline=None)
@given(data=st.binary(max_size=60), keep=st.integers(0, 90))
def test_binary_files_end_in_a_typed_error(tmp_path_factory, data, keep):
    path = tmp_path_factory.mktemp("binary") / "x.nfg"
    path.write_bytes(VALID[0].encode()[:keep] + data)
    with contextlib.suppress(GameError):
        read_nfg(path)
    path.write_bytes(b'NFG 1 R "\xff')
    with pytest.raises(ParseError, match="column 10: byte 0xff is not UTF-8 text"):
        read_nfg(path)


def test_unreadable_paths_are_named(tmp_path):
    with pytest.raises(FileNotFoundError):
        read_nfg(tmp_path / "none.nfg")
    with pytest.raises(GameError, match="is not a regular file"):
        read_nfg(tmp_path)
    with pytest.raises(GameError, match="is not a regular file"):
        NormalFormGame.from_nfg(str(tmp_path))


def test_a_file_above_the_limit_is_refused_before_it_is_parsed(tmp_path):
    path = tmp_path / "large.nfg"
    path.write_text(VALID[0])
    with pytest.raises(ParseError, match="larger than the limit of 10 bytes"):
        read_nfg(path, limits=Limits(file_bytes=10))


def test_files_round_trip_through_the_game_itself(tmp_path):
    game = NormalFormGame.zero_sum([[Fraction(1, 3), -1]], players=["A", 'B "the" 2nd'], title="é")
    path = tmp_path / "game.nfg"
    assert game.to_nfg(path) == path.read_text(encoding="utf-8")
    assert NormalFormGame.from_nfg(path) == NormalFormGame.from_nfg(game.to_nfg()) == game
    write_nfg(game, path)
    assert read_nfg(path) == game


def test_what_the_format_cannot_hold_is_refused_when_writing():
    with pytest.raises(GameError, match=r"title is 'x\\\\': a quoted text cannot end in a backslash"):
        format_nfg(NormalFormGame([[1]], title="x\\"))
    with pytest.raises(GameError, match=r"actions\[0\] is .*surrogate"):
        format_nfg(NormalFormGame([[1]], actions=[["\ud800"]]))
    with pytest.raises(GameError, match="a payoff is a fraction of more than 4096 digits"):
        format_nfg(NormalFormGame([[Fraction(1, 10**5000)]]))


def test_a_million_integers_are_read_within_two_seconds():
    game = NormalFormGame(np.arange(2 * 700 * 700).reshape(2, 700, 700))
    text = format_nfg(game)
    started = time.process_time()
    again = parse_nfg(text)
    assert time.process_time() - started < 2
    assert np.array_equal(again.payoffs, game.payoffs)


def test_the_lexer_tells_its_tokens_apart():
    lexer = Lexer('{ } , 1/2 "t\\"" word', Limits())
    kinds = []
    for read in (
        lambda: lexer.mark("{", ""),
        lambda: lexer.mark("}", ""),
        lambda: lexer.mark(",", ""),
        lambda: lexer.number("x"),
        lambda: lexer.quoted("x"),
        lambda: lexer.symbol(("word",), "x"),
    ):
        kinds.append(lexer.kind)
        read()
    assert [*kinds, lexer.kind] == ["{", "}", ",", "number", "text", "symbol", "end"]
    with pytest.raises(ParseError, match=re.escape("expected x, a number, found the end of the file")):
        lexer.number("x")
