"""The command line on games with turns and games with states."""

import csv
import io
import json
import re

import numpy as np
import pytest

import marlgt as gt
from marlgt.cli import main


def run(capsys, *arguments):
    code = main(list(arguments))
    captured = capsys.readouterr()
    return code, captured.out, captured.err


def test_a_stochastic_game_is_solved_with_its_error_bound(capsys):
    code, out, _ = run(capsys, "solve", "soccer")
    assert code == 0
    assert "modified_policy_iteration" in out
    assert "values within" in out


def test_an_extensive_game_is_solved_and_its_value_printed(capsys):
    code, out, _ = run(capsys, "solve", "kuhn_poker")
    assert code == 0
    assert "-0.05555555556" in out


def test_the_json_holds_policies_certificate_and_trace(capsys):
    code, out, _ = run(capsys, "solve", "kuhn_poker", "--method", "cfr+", "--iterations", "200", "--format", "json")
    document = json.loads(out)
    assert code == 0
    assert document["game"]["kind"] == "extensive"
    (answer,) = document["answers"]
    profile = tuple(np.array(policy) for policy in answer["profile"])
    assert gt.certify(gt.games.kuhn_poker(), profile).epsilon == pytest.approx(answer["epsilon"], abs=1e-12)
    assert answer["trace"][-1][0] == 200


def test_the_csv_has_a_line_for_each_action_of_each_information_set(capsys):
    _, out, _ = run(capsys, "solve", "kuhn_poker", "--format", "csv")
    rows = list(csv.DictReader(io.StringIO(out)))
    assert len(rows) == 24
    game = gt.games.kuhn_poker()
    assert {row["where"] for row in rows} == {sets.label(j) for sets in game.infosets for j in range(len(sets))}


def test_a_policy_file_is_written_and_checked(capsys, tmp_path):
    path = tmp_path / "policy.json"
    assert run(capsys, "solve", "kuhn_poker", "--policy", str(path))[0] == 0
    code, out, _ = run(capsys, "check", "kuhn_poker", str(path))
    assert code == 0
    assert "a Nash equilibrium" in out
    code, out, _ = run(capsys, "check", "kuhn_poker", str(path), "--format", "json")
    assert json.loads(out)["equilibrium"] is True


def test_a_policy_that_is_no_equilibrium_is_refused(capsys, tmp_path):
    path = tmp_path / "policy.json"
    run(capsys, "solve", "kuhn_poker", "--method", "cfr", "--iterations", "3", "--policy", str(path))
    assert run(capsys, "check", "kuhn_poker", str(path))[0] == 5


def test_the_convergence_curve_is_drawn(capsys, tmp_path):
    path = tmp_path / "curve.png"
    code, _, _ = run(capsys, "solve", "kuhn_poker", "--method", "cfr+", "--iterations", "100", "--curve", str(path))
    assert code == 0
    assert path.read_bytes().startswith(b"\x89PNG")


def test_gap_and_time_stop_an_iteration(capsys):
    arguments = ("solve", "kuhn_poker", "--method", "cfr+", "--iterations", "100000", "--gap", "0.01", "--time", "20")
    code, out, _ = run(capsys, *arguments, "--format", "json")
    assert code == 0
    assert json.loads(out)["answers"][0]["work"]["iterations"] < 100_000


def test_info_tells_the_facts_of_a_tree_and_of_states(capsys):
    _, out, _ = run(capsys, "info", "kuhn_poker")
    assert "perfect recall: yes" in out
    assert "constant sum: yes" in out
    _, out, _ = run(capsys, "info", "soccer", "--format", "json")
    facts = json.loads(out)
    assert facts["zero_sum"] is True
    assert facts["n_states"] - facts["n_terminal_states"] == 760


@pytest.mark.parametrize(("name", "ending"), [("kuhn_poker", "efg"), ("kuhn_poker", "json"), ("soccer", "json")])
def test_converted_games_are_read_back_equal(capsys, tmp_path, name, ending):
    path = tmp_path / f"game.{ending}"
    assert run(capsys, "convert", name, "--to", ending, "--output", str(path))[0] == 0
    assert gt.games.read(path) == gt.games.load(name)


def test_a_tree_comes_from_standard_input(capsys, monkeypatch):
    monkeypatch.setattr("sys.stdin", io.StringIO(gt.games.stripped_down_poker().to_efg()))
    code, out, _ = run(capsys, "solve", "-")
    assert code == 0
    assert "0.3333333333" in out


def test_a_tree_becomes_a_table(capsys):
    code, out, _ = run(capsys, "convert", "stripped_down_poker", "--to", "nfg")
    assert code == 0
    assert gt.NormalFormGame.from_nfg(out).n_players == 2


def test_the_page_draws_the_tree_the_grid_and_the_policies(capsys, tmp_path):
    path = tmp_path / "page.html"
    code, _, _ = run(capsys, "show", "stripped_down_poker", "grid_game_1", "--output", str(path))
    page = path.read_text()
    assert code == 0
    assert page.count("<svg") >= 5
    assert "The tree" in page
    assert "The grid" in page
    assert not re.search(r"(src|href)\s*=\s*[\"']?(https?:)?//", page)


def test_the_catalogue_lists_each_kind(capsys):
    for kind in ("normal_form", "stochastic", "extensive"):
        _, out, _ = run(capsys, "games", "--kind", kind, "--format", "json")
        entries = json.loads(out)["games"]
        assert len(entries) >= 8
        assert {entry["kind"] for entry in entries} == {kind}


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["solve", "kuhn_poker", "--concept", "stackelberg"], 2, "game.normal_form()"),
        (["solve", "soccer", "--concept", "subgame_perfect"], 2, "unknown concept"),
        (["solve", "kuhn_poker", "--method", "cfrr"], 2, "did you mean"),
        (["solve", "kuhn_poker", "--method", "sequence_form_lp", "--iterations", "5"], 2, "takes no iterations"),
        (["solve", "chicken", "--policy", "p.json"], 2, "has no policies to write"),
        (["solve", "kuhn_poker", "--curve", "c.png"], 2, "no answer has a trace"),
        (["solve", "kuhn_poker", "--policy", "/nowhere/p.json"], 3, "cannot be written"),
        (["check", "kuhn_poker", "1,0;0,1"], 3, "policy file"),
        (["convert", "soccer", "--to", "nfg"], 2, "use --to json"),
        (["solve", "absent_minded_driver"], 2, "normal_form"),
    ],
)
def test_mistakes_get_one_sentence_and_their_exit_code(capsys, arguments, code, message):
    result, _, err = run(capsys, *arguments)
    assert result == code
    assert message in err
    assert err.count("\n") == 1
