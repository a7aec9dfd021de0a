"""The command line given what no game or profile is: files of every kind, numbers without end, odd options."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

import marlgt as gt
from marlgt.cli import main

OPENING = '{"format": "marlgt.normal_form_game", "payoffs": '


def run(capsys, *arguments):
    code = main(list(arguments))
    captured = capsys.readouterr()
    return code, captured.out, captured.err


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("list.json", "[[1, 2], [3, 4]]", "the JSON is not a game"),
        ("ragged.json", OPENING + "[[[1, 2], [3]], [[1, 2], [3, 4]]]}", "ragged"),
        ("digits.json", OPENING + f"[[[{'9' * 6000}]], [[1]]]}}", "6000 digits"),
        ("exponent.json", OPENING + '[[["1e99999999"]], [[1]]]}', "too long a number"),
        ("exponent.nfg", 'NFG 1 R "" { "1" "2" } { 1 1 }\n1e99999999 1', "exponent"),
        ("game.txt", "", "games are read from .nfg, .efg, .agg"),
    ],
)
def test_a_file_without_a_game_exits_3_with_one_sentence(capsys, tmp_path, name, content, message):
    path = tmp_path / name
    path.write_text(content)
    code, out, err = run(capsys, "solve", str(path))
    assert (code, out, err.count("\n")) == (3, "", 1)
    assert message in err


@pytest.mark.parametrize("ending", ["nfg", "json"])
def test_folders_and_pipes_are_no_game_files(capsys, tmp_path, ending):
    folder, pipe = tmp_path / f"folder.{ending}", tmp_path / f"pipe.{ending}"
    folder.mkdir()
    os.mkfifo(pipe)
    for path in (folder, pipe):
        code, _, err = run(capsys, "info", str(path))
        assert code == 3
        assert "is not a regular file" in err


def test_a_folder_does_not_hide_the_game_of_its_name(capsys, tmp_path, monkeypatch):
    (tmp_path / "chicken").mkdir()
    monkeypatch.chdir(tmp_path)
    assert run(capsys, "solve", "chicken")[0] == 0


@pytest.mark.parametrize(
    "profile", ["1e99999999,0;1,0", "nan,1;0,1", "[[true, 0], [0, 1]]", "1__0,0;1,0", f"[[{'1' * 5000}, 0], [0, 1]]"]
)
def test_what_is_no_probability_is_refused_at_once(capsys, profile):
    code, out, err = run(capsys, "check", "matching_pennies", profile)
    assert (code, out, err.count("\n")) == (2, "", 1)


@pytest.mark.parametrize("tolerance", ["nan", "-1", "inf"])
def test_a_tolerance_is_a_finite_number_that_is_not_negative(capsys, tolerance):
    code, out, err = run(capsys, "check", "matching_pennies", "1/2,1/2;1/2,1/2", f"--tolerance={tolerance}")
    assert (code, out) == (2, "")
    assert "tolerance" in err


@pytest.mark.parametrize("budget", ["nan", "-5"])
def test_a_budget_that_is_no_amount_is_refused(capsys, budget):
    code, _, err = run(capsys, "solve", "chicken", f"--budget={budget}")
    assert code == 2
    assert "budget is" in err


def test_no_page_is_left_where_a_game_cannot_be_read(capsys, tmp_path):
    path = tmp_path / "page.html"
    assert run(capsys, "show", "chicken", "no_such_game", "--output", str(path))[0] == 2
    assert not path.exists()


def test_a_page_cannot_replace_a_folder(capsys, tmp_path):
    code, out, err = run(capsys, "show", "chicken", "--output", str(tmp_path))
    assert (code, out) == (3, "")
    assert "cannot be written" in err


def test_a_reader_that_goes_away_is_no_error():
    command = [sys.executable, "-m", "marlgt", "solve", "chicken"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    process.stdout.close()
    errors = process.stderr.read()
    process.stderr.close()
    assert (process.wait(timeout=60), errors) == (0, b"")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="the device that is always full")
def test_a_full_disk_gets_one_sentence():
    with Path("/dev/full").open("w") as full:
        command = [sys.executable, "-m", "marlgt", "solve", "chicken", "--format", "csv"]
        process = subprocess.run(command, stdout=full, stderr=subprocess.PIPE, text=True, check=False)
    assert process.returncode == 3
    assert process.stderr.startswith("marlgt: the output cannot be written")
    assert "Traceback" not in process.stderr


def test_games_of_a_name_are_still_found(capsys):
    assert run(capsys, "info", gt.games.catalogue()[0].name)[0] == 0


def test_long_fractions_are_decimals_in_a_table_and_whole_in_json(capsys, tmp_path):
    path = tmp_path / "game.nfg"
    path.write_text('NFG 1 R "" { "1" "2" } { 2 2 }\n0.123456789123 0 0 0.37654321987 0 0.98765432123 0.31415926535 0')
    _, table, _ = run(capsys, "solve", str(path))
    _, whole, _ = run(capsys, "solve", str(path), "--format", "json")
    assert "0 (exact)" in table
    assert not any(len(cell) > 15 and "/" in cell for cell in table.split())
    assert "/" in whole


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--iterations", "0"], "iterations is 0: give a whole number from 1"),
        (["--gap=-1"], "gap is -1.0"),
        (["--gap=nan"], "gap is nan"),
        (["--time=nan"], "time_limit is nan"),
        (["--time=-1"], "time_limit is -1.0"),
        (["--curve", "curve.bmp"], "end the name in .png, .svg or .pdf"),
        (["--curve", "curve"], "end the name in .png, .svg or .pdf"),
        (["--curve", "."], "end the name in .png, .svg or .pdf"),
    ],
)
def test_when_to_stop_and_what_to_draw_are_told_before_anything_is_solved(
    capsys, tmp_path, monkeypatch, options, message
):
    monkeypatch.chdir(tmp_path)
    code, out, err = run(capsys, "solve", "kuhn_poker", "--method", "cfr_plus", *options)
    assert (code, out, err.count("\n")) == (2, "", 1)
    assert message in err
    assert not list(tmp_path.iterdir())


def test_a_policy_cannot_replace_a_folder(capsys, tmp_path):
    code, _, err = run(capsys, "solve", "kuhn_poker", "--policy", str(tmp_path))
    assert (code, err.count("\n")) == (3, 1)
    assert "cannot be written" in err


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"", 3),
        (b"\x92\xff\x00", 3),
        (b'{"format": "marlgt.behavior_profile", "policies": [[', 3),
        (b"[]", 2),
        (b"{}", 2),
    ],
)
@pytest.mark.parametrize("command", ["check", "play"])
def test_what_is_no_policy_file_gets_one_sentence(capsys, tmp_path, command, content, code):
    path = tmp_path / "policy.json"
    path.write_bytes(content)
    given = [str(path)] if command == "check" else ["--policy", str(path)]
    exit_code, out, err = run(capsys, command, "kuhn_poker", *given)
    assert (out, err.count("\n")) == ("", 1)
    assert exit_code in (code, 3)


def test_a_policy_of_another_game_is_refused(capsys, tmp_path):
    path = tmp_path / "policy.json"
    assert run(capsys, "solve", "kuhn_poker", "--policy", str(path))[0] == 0
    for command in (["check", "leduc_poker"], ["play", "leduc_poker", "--policy"]):
        code, _, err = run(capsys, *command, str(path))
        assert (code, err.count("\n")) == (2, 1)
        assert "the policy of player 0 has 6 entries: give one for each infoset, 468" in err
    code, _, err = run(capsys, "check", "soccer", str(path))
    assert (code, err.count("\n")) == (2, 1)
    assert "no policy of this game" in err


@pytest.mark.parametrize("rounds", ["1", "1000000000"])
def test_whoever_says_nothing_has_played(rounds):
    command = [sys.executable, "-m", "marlgt", "play", "kuhn_poker", "--rounds", rounds]
    process = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False, timeout=60)
    assert (process.returncode, process.stderr) == (0, "")


def test_no_rounds_are_no_game(capsys):
    code, out, err = run(capsys, "play", "kuhn_poker", "--rounds", "0")
    assert (code, out, err) == (2, "", "marlgt: rounds is 0: give a whole number from 1\n")
