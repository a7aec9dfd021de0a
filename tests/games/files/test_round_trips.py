"""Files drawn from the grammars: what is read is written and read back, and what is broken ends in a typed error."""

import contextlib
import time

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from marlgt.errors import GameError
from marlgt.games.files.agg import format_agg
from marlgt.games.files.bagg import format_bagg
from marlgt.games.files.efg import format_efg, parse_efg
from marlgt.games.files.formats import FORMATS, parse_game
from marlgt.games.files.gbt import format_gbt, parse_gbt
from marlgt.games.files.json_form import format_json
from marlgt.games.files.nfg import format_nfg
from marlgt.testing import broken_game_files, extensive_games, game_files

WRITERS = {"nfg": format_nfg, "efg": format_efg, "agg": format_agg, "bagg": format_bagg, "json": format_json}
SLOW = [HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.large_base_example]


def words(game):
    return getattr(game, "title", ""), getattr(game, "comment", "")


@settings(max_examples=150, deadline=None, suppress_health_check=SLOW)
@given(st.sampled_from(sorted(WRITERS)).flatmap(lambda name: st.tuples(st.just(name), game_files(name))))
def test_a_file_reads_back_from_what_was_read_and_writing_twice_gives_the_same_text(drawn):
    name, text = drawn
    game = parse_game(text)
    written = WRITERS[name](game)
    again = parse_game(written)
    assert again == game
    assert words(again) == words(game)
    assert WRITERS[name](again) == written


@settings(max_examples=60, deadline=None, suppress_health_check=SLOW)
@given(game_files("nfg"))
def test_the_outcome_form_reads_back_as_the_payoff_form_does(text):
    game = parse_game(text)
    written = format_nfg(game, outcomes=True)
    assert parse_game(written) == game
    assert format_nfg(parse_game(written), outcomes=True) == written


@settings(max_examples=80, deadline=None, suppress_health_check=SLOW)
@given(game_files("gbt"))
def test_a_document_reads_back_with_its_profiles(text):
    document = parse_gbt(text)
    written = format_gbt(document)
    assert parse_gbt(written) == document
    assert format_gbt(parse_gbt(written)) == written


@settings(max_examples=100, deadline=None, suppress_health_check=SLOW)
@given(extensive_games())
def test_a_drawn_tree_is_written_and_read_back_equal_but_for_outcomes_without_a_node(game):
    written = format_efg(game.rationalize())
    again = parse_efg(written)
    assert format_efg(again) == written
    for name in ("parent", "action", "player", "infoset", "probability"):
        assert (getattr(again, name) == getattr(game.rationalize(), name)).all()
    assert (again.exact_terminal_payoffs == game.rationalize().exact_terminal_payoffs).all()


@settings(max_examples=150, deadline=None, suppress_health_check=SLOW)
@given(st.sampled_from(FORMATS).flatmap(lambda name: st.tuples(st.just(name), broken_game_files(name))))
@example(("efg", 'EFG 2 R "" { "a" } p "" 1 1 "" { "l" "r" } 0 t "" 0'))
@example(("nfg", 'NFG 1 R "" { "" "" } { 999999999 999999999 }'))
@example(("nfg", 'NFG 1 R "" { "a" } { 1 } { } 1e-9999'))
@example(("efg", 'EFG 2 R "" { "a" } c "" 1 "" { "x" 1e-9999 } 0 t "" 0'))
@example(("efg", 'EFG 2 R "" { "a" } c "" 1 "" { "x" -1e-9999 } 0 t "" 0'))
@example(("agg", "#AGG\n999999999 999999999 0"))
@example(("agg", "#AGG\n1 1 1  1  0  1 1  1 1  0  0 1"))
@example(("json", '{"format": "marlgt.extensive_game", "parent": 3}'))
def test_a_broken_file_ends_in_a_game_or_a_typed_error_at_once(drawn):
    name, text = drawn
    started = time.process_time()
    game = None
    with contextlib.suppress(GameError):
        game = parse_game(text, name)
    assert time.process_time() - started < 2
    if game is not None and name in WRITERS:
        assert parse_game(WRITERS[name](game), name) == game


@pytest.mark.parametrize("name", ["efg", "agg", "bagg", "gbt"])
@settings(max_examples=30, deadline=None)
@given(data=st.binary(max_size=40), keep=st.integers(0, 60))
def test_bytes_of_any_kind_end_in_a_typed_error(tmp_path_factory, name, data, keep):
    from marlgt.games import read

    path = tmp_path_factory.mktemp("bytes") / f"game.{name}"
    heads = {"efg": b'EFG 2 R "x" { "a" } p "" 1 1 "" { "l" } 0', "gbt": b"<gambit:document><game><efgfile>EFG 2"}
    path.write_bytes(heads.get(name, f"#{name.upper()}\n2 2 0 2 2 0 1 0 1 ".encode())[:keep] + data)
    with pytest.raises(GameError):
        read(path)
