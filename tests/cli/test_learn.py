"""``marlgt learn``: from words to a table, a document, a curve and policies."""

import json
import subprocess
import sys

import pytest

from marlgt.cli.entry import main
from marlgt.cli.learning import read_seeds
from marlgt.errors import GameError
from marlgt.learners.algorithms import algorithm_names, make_learner, read_settings
from marlgt.learners.exploration import Exploration
from marlgt.learners.schedules import Schedule


def test_a_table_tells_rewards_gaps_and_intervals(capsys):
    assert main(["learn", "iql", "prisoners_dilemma", "--steps", "2000", "--seeds", "0..3"]) == 0
    shown = " ".join(capsys.readouterr().out.split())
    assert "QLearning" in shown
    assert "NashConv of the learned policies 0 [0, 0]" in shown
    assert "means over 4 seeds" in shown


def test_the_document_holds_every_seed_and_its_policies(capsys):
    words = [
        "learn",
        "iql",
        "prisoners_dilemma",
        "--steps",
        "2000",
        "--seeds",
        "5,7",
        "--record",
        "4",
        "--format",
        "json",
    ]
    assert main(words) == 0
    document = json.loads(capsys.readouterr().out)
    assert document["format"] == "marlgt.learn"
    assert document["seeds"] == [5, 7]
    assert document["times"] == [500, 1000, 1500, 2000]
    assert document["policies"][0] == [[0.0, 1.0], [0.0, 1.0]]
    assert document["nash_conv"] == [0.0, 0.0]


def test_a_curve_and_the_learned_policies_are_written(tmp_path, capsys):
    curve, policy = tmp_path / "curve.png", tmp_path / "policy.json"
    words = ["learn", "iql", "soccer", "--against", "random", "--steps", "5000", "--seeds", "0..1"]
    assert main([*words, "--curve", str(curve), "--policy", str(policy)]) == 0
    assert curve.stat().st_size > 5000
    capsys.readouterr()
    assert main(["check", "soccer", str(policy), "--tolerance", "10"]) == 0


def test_settings_are_numbers_words_and_schedules():
    settings = read_settings(
        ["alpha=0.5", "epsilon=linear(1,0.05,100)", "a=visits(1)", "b=softmax(0.2)", "c=min", "d=true"]
    )
    assert settings["alpha"] == 0.5
    assert settings["c"] == "min"
    assert settings["d"] is True
    assert settings["epsilon"] == Schedule("linear", 1, 0.05, 100)
    assert settings["a"].per_visit
    assert isinstance(settings["b"], Exploration)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("alpha", "is not name=value"),
        ("alpha=", "is not name=value"),
        ("alpha=cubic(1)", "there is no schedule 'cubic'"),
        ("alpha=linear(1)", "give numbers, at least the first 3"),
        ("alpha=geometric(1,x)", "give numbers"),
    ],
)
def test_settings_of_another_form_are_refused(text, message):
    with pytest.raises(GameError, match=message):
        read_settings([text])


@pytest.mark.parametrize("text", ["", "a", "3..1", "1,,2", "0..99999999", "²", "9" * 5000, "0..999999,7"])
def test_seeds_of_another_form_are_refused(text):
    with pytest.raises(GameError, match=r"write 0\.\.99"):
        read_seeds(text)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["nothing", "prisoners_dilemma"], "there is no algorithm 'nothing'"),
        (["iql", "prisoners_dilemma", "--set", "beta=1"], "has no setting beta"),
        (["iql", "prisoners_dilemma", "--set", "alpha=2"], "every value must be"),
        (["iql", "prisoners_dilemma", "--set", "epsilon=0"], "never explores"),
        (["iql", "kuhn_poker"], "this game has turns"),
        (["iql", "prisoners_dilemma", "--seeds", "x"], "write 0..99"),
        (["iql", "prisoners_dilemma", "--steps", "0"], "steps is 0"),
        (["iql", "prisoners_dilemma", "--curve", "curve.txt"], "end the name in .png"),
        (["iql"], "no game is named: give a file"),
        (["iql", "prisoners_dilemma", "--steps", "9" * 30], "counted exactly"),
        (["iql", "prisoners_dilemma", "--set", "alpha=1", "alpha=0.5"], "the setting alpha is given twice"),
        (["iql", "prisoners_dilemma", "--set", "alpha=1", "learning_rate=0.5"], "and its short name at once"),
        (["iql", "prisoners_dilemma", "--set-others", "alpha=1"], "name another with --against"),
        (["iql", "prisoners_dilemma", "--against", "cql"], "cannot be an opponent"),
    ],
)
def test_what_does_not_fit_ends_in_one_sentence(words, message, capsys):
    assert main(["learn", *words]) == 2
    shown = capsys.readouterr().err
    assert message in shown
    assert shown.count("\n") == 1


def test_every_algorithm_is_named_and_can_be_made_or_says_why_not(capsys):
    import marlgt as gt

    assert main(["learn", "list"]) == 0
    assert capsys.readouterr().out.split() == list(algorithm_names())
    game = gt.games.matching_pennies()
    for name in algorithm_names():
        assert hasattr(make_learner(name, game, 0), "policy")


def test_a_curve_that_cannot_be_written_is_refused_before_anybody_learns(capsys, monkeypatch, tmp_path):
    words = ["learn", "iql", "prisoners_dilemma", "--steps", "1000000000000", "--curve"]
    assert main([*words, str(tmp_path / "missing" / "curve.png")]) == 3
    assert "there is no folder" in capsys.readouterr().err
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    assert main([*words, str(tmp_path / "curve.png")]) == 2
    assert capsys.readouterr().err.endswith('needs matplotlib: pip install "marlgt[plot]"\n')


@pytest.mark.parametrize("words", [["learn", "iql", "chicken", "--steps", "10"], ["dynamics", "hedge", "chicken"]])
def test_a_process_without_output_ends_quietly(words):
    command = [sys.executable, "-c", "from marlgt.cli.entry import main; raise SystemExit(main())", *words]
    closed = subprocess.run(["sh", "-c", 'exec "$@" >&-', "sh", *command], stderr=subprocess.PIPE, timeout=60)
    assert (closed.returncode, closed.stderr) == (0, b"")
