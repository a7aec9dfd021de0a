"""The command line: what it prints, what it writes, how it exits."""

import csv
import io
import json
import re
import signal
import subprocess
import sys
import time

import pytest

import marlgt as gt
from marlgt.cli import main

NO_EQUILIBRIUM_HERE = "1,0;1/2,1/2"


def run(capsys, *arguments):
    code = main(list(arguments))
    captured = capsys.readouterr()
    return code, captured.out, captured.err


def test_solving_a_named_game_prints_every_equilibrium(capsys):
    code, out, _ = run(capsys, "solve", "battle_of_the_sexes")
    assert code == 0
    assert out.count("exact") >= 3
    assert "all there are" in out


def test_solving_a_file_gives_the_same_json_as_the_named_game(capsys, tmp_path):
    path = tmp_path / "game.nfg"
    path.write_text(gt.games.chicken().to_nfg())
    documents = []
    for subject in ("chicken", str(path)):
        code, out, _ = run(capsys, "solve", subject, "--format", "json")
        assert code == 0
        documents.append(json.loads(out))
    assert [a["exact_profile"] for a in documents[0]["answers"]] == [
        a["exact_profile"] for a in documents[1]["answers"]
    ]


def test_json_has_the_documented_fields(capsys):
    _, out, _ = run(capsys, "solve", "matching_pennies", "--format", "json")
    document = json.loads(out)
    assert document["format"] == "marlgt.solve"
    assert document["version"] == 1
    expected = {"format", "version", "game", "concept", "method", "why", "answers", "complete", "stopped", "components"}
    assert set(document) == expected
    (answer,) = document["answers"]
    assert answer["exact_profile"] == [["1/2", "1/2"], ["1/2", "1/2"]]
    assert answer["epsilon"] == 0
    assert answer["exact"] is True


def test_csv_has_a_line_for_each_probability(capsys):
    _, out, _ = run(capsys, "solve", "matching_pennies", "--format", "csv")
    rows = list(csv.DictReader(io.StringIO(out)))
    assert len(rows) == 4
    assert {row["probability"] for row in rows} == {"1/2"}


@pytest.mark.parametrize("concept", ["correlated", "coarse_correlated"])
@pytest.mark.parametrize("shape", ["table", "json", "csv"])
def test_a_joint_distribution_is_printed_in_every_format(capsys, concept, shape):
    code, out, _ = run(capsys, "solve", "chicken", "--concept", concept, "--format", shape)
    assert code == 0
    assert out


def test_a_game_comes_from_standard_input(capsys, monkeypatch):
    monkeypatch.setattr("sys.stdin", io.StringIO(gt.games.stag_hunt().to_nfg()))
    code, out, _ = run(capsys, "solve", "-")
    assert code == 0
    assert "3 Nash equilibria" in out


def test_check_accepts_an_equilibrium_and_refuses_another_profile(capsys):
    assert run(capsys, "check", "matching_pennies", "1/2,1/2;1/2,1/2")[0] == 0
    code, out, _ = run(capsys, "check", "matching_pennies", NO_EQUILIBRIUM_HERE)
    assert code == 5
    assert "by playing" in out
    assert "not a Nash equilibrium" in out


def test_check_reads_a_profile_written_as_json(capsys):
    code, out, _ = run(capsys, "check", "matching_pennies", '[["1/2", 0.5], [0.5, "1/2"]]', "--format", "json")
    assert code == 0
    assert json.loads(out)["exact"] is True


@pytest.mark.parametrize("target", ["nfg", "json", "html", "latex", "text"])
def test_convert_writes_each_format(capsys, tmp_path, target):
    path = tmp_path / "out"
    assert run(capsys, "convert", "stag_hunt", "--to", target, "--output", str(path))[0] == 0
    assert path.read_text().strip()


@pytest.mark.parametrize("target", ["nfg", "json"])
def test_converted_games_are_read_back_equal(capsys, tmp_path, target):
    path = tmp_path / f"game.{target}"
    run(capsys, "convert", "rock_paper_scissors", "--to", target, "--output", str(path))
    assert gt.games.read(path) == gt.games.rock_paper_scissors()


def test_info_tells_the_structure(capsys):
    _, out, _ = run(capsys, "info", "matching_pennies")
    assert "zero sum: yes" in out
    _, out, _ = run(capsys, "info", "prisoners_dilemma", "--format", "json")
    assert json.loads(out)["symmetric"] is True


def test_the_catalogue_is_listed(capsys):
    _, out, _ = run(capsys, "games")
    assert len(out.splitlines()) >= 60
    _, out, _ = run(capsys, "games", "--players", "3", "--format", "json")
    assert all(entry["n_players"] == 3 for entry in json.loads(out)["games"])


def test_the_page_is_self_contained(capsys, tmp_path):
    path = tmp_path / "pages" / "report.html"
    code, out, _ = run(capsys, "show", "prisoners_dilemma", "rock_paper_scissors", "--output", str(path))
    page = path.read_text()
    assert code == 0
    assert "wrote" in out
    assert page.count("<svg") >= 4
    assert not re.search(r"(src|href)\s*=\s*[\"']?(https?:)?//", page)


def test_the_doctor_finds_this_installation_whole(capsys):
    code, out, _ = run(capsys, "doctor", "--format", "json")
    assert code == 0
    assert {check["status"] for check in json.loads(out)["checks"]} <= {"ok", "absent"}


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["solve", "no_such_game"], 2, "no_such_game"),
        (["solve", "prisoners_dilema"], 2, "prisoners_dilemma"),
        (["solve", "missing.nfg"], 3, "missing.nfg cannot be read"),
        (["solve", "chicken", "--method", "lemke_houson"], 2, "did you mean 'lemke_howson'"),
        (["solve", "chicken", "--method", "lemke_howson", "--label", "9"], 2, "label"),
        (["solve", "jordan_matching_pennies", "--method", "lemke_howson"], 2, "two"),
        (["check", "chicken", "1/2,1/2"], 2, "2 players"),
        (["check", "chicken", "a,b;0,1"], 2, "'a' is not a probability"),
        (["check", "chicken", "[1, 2"], 2, "not valid JSON"),
        (["check", "chicken", "1/0,1;0,1"], 2, "'1/0' is not a probability"),
        (["convert", "chicken", "--output", "/nowhere/at/all"], 3, "cannot be written"),
    ],
)
def test_mistakes_get_one_sentence_and_their_exit_code(capsys, arguments, code, message):
    result, out, err = run(capsys, *arguments)
    assert result == code
    assert out == ""
    assert message in err
    assert err.count("\n") == 1


def test_unknown_options_are_usage_errors(capsys):
    assert run(capsys, "solve", "chicken", "--concept", "wisdom")[0] == 2
    assert run(capsys, "frobnicate")[0] == 2
    assert run(capsys, "--help")[0] == 0
    assert run(capsys)[0] == 0


def test_a_broken_file_is_named_with_line_and_column(capsys, tmp_path):
    path = tmp_path / "broken.nfg"
    path.write_text('NFG 1 R "x" { "1" "2" } { 2 2 }\n1 2 three')
    code, _, err = run(capsys, "solve", str(path))
    assert code == 3
    assert "line 2, column 5" in err


def test_work_beyond_the_budget_is_refused_before_it_starts(capsys, tmp_path):
    path = tmp_path / "large.nfg"
    path.write_text(gt.games.random_uniform((50, 50), seed=0).to_nfg())
    started = time.process_time()
    code, _, err = run(capsys, "solve", str(path), "--method", "support_enumeration")
    assert code == 4
    assert "lemke_howson" in err
    assert time.process_time() - started < 5


def test_ctrl_c_prints_what_was_found_and_exits_130(tmp_path):
    path = tmp_path / "large.nfg"
    path.write_text(gt.games.random_uniform((25, 25), seed=1).to_nfg())
    command = [sys.executable, "-m", "marlgt", "solve", str(path), "--method", "support_enumeration", "--budget", "0"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    with pytest.raises(subprocess.TimeoutExpired):
        process.wait(timeout=6)
    process.send_signal(signal.SIGINT)
    out, _ = process.communicate(timeout=10)
    assert process.returncode == 130
    assert "interrupted" in out


def test_help_loads_nothing_heavy():
    program = (
        "from marlgt.cli import main; main(['--help']); "
        "import sys; print(*[m for m in ('scipy', 'numba', 'matplotlib', 'highspy') if m in sys.modules])"
    )
    result = subprocess.run([sys.executable, "-c", program], check=True, capture_output=True, text=True)
    assert result.stdout.splitlines()[-1] == ""
