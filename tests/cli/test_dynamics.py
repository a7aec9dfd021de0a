"""``marlgt dynamics``: from a rule and a game to gaps over time, a document and a picture."""

import json

import pytest

from marlgt.cli.entry import main
from marlgt.cli.trajectories import rules


def test_a_table_tells_the_gaps_the_averages_and_what_is_known(capsys):
    assert main(["dynamics", "fictitious_play", "matching_pennies", "--steps", "500"]) == 0
    shown = " ".join(capsys.readouterr().out.split())
    assert "NashConv of averages" in shown
    assert "player 1 on average: heads 0." in shown
    assert "Robinson 1951" in shown


def test_the_document_holds_the_whole_trajectory(capsys):
    words = [
        "dynamics",
        "hedge",
        "matching_pennies",
        "--steps",
        "20",
        "--start",
        "3/4,1/4;1/2,1/2",
        "--set",
        "record=5",
    ]
    assert main([*words, "--format", "json"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert document["format"] == "marlgt.dynamics"
    assert document["times"][-1] == 20
    assert len(document["nash_conv"]) == len(document["times"]) == len(document["averages"][0])


@pytest.mark.parametrize(
    ("rule", "game", "plot"),
    [
        ("fictitious_play", "shapley_1964", "simplex"),
        ("replicator_dynamics", "matching_pennies", "square"),
        ("replicator_dynamics", "matching_pennies", "phase"),
        ("regret_matching_plus", "shapley_1964", "gaps"),
    ],
)
def test_every_picture_is_drawn(rule, game, plot, tmp_path, capsys):
    path = tmp_path / "plot.png"
    assert main(["dynamics", rule, game, "--plot", plot, "--output", str(path)]) == 0
    assert path.stat().st_size > 5000


def test_the_picture_has_a_name_of_its_own_where_none_is_given(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert main(["dynamics", "fictitious_play", "rock_paper_scissors", "--plot", "simplex"]) == 0
    assert (tmp_path / "fictitious_play-simplex.png").exists()


def test_gaps_that_are_all_zero_are_drawn_too(tmp_path, capsys):
    path = tmp_path / "plot.svg"
    assert main(["dynamics", "regret_matching_plus", "matching_pennies", "--output", str(path)]) == 0
    assert path.exists()


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["nothing", "matching_pennies"], "there is no dynamic 'nothing'"),
        (["hedge", "kuhn_poker"], "dynamics play normal-form games"),
        (["hedge", "soccer"], "dynamics play normal-form games"),
        (["hedge", "matching_pennies", "--set", "x=1"], "hedge has no setting x"),
        (["hedge", "matching_pennies", "--steps", "0"], "steps is 0"),
        (["fictitious_play", "matching_pennies", "--plot", "simplex"], "a simplex shows three actions"),
        (["hedge", "matching_pennies", "--output", "x.txt"], "end the name in .png"),
        (["hedge", "matching_pennies", "--start", "1,1;0,1"], "profile"),
        (["hedge", "matching_pennies", "--set", "game=3"], "hedge has no setting game"),
        (["hedge", "matching_pennies", "--steps", "9" * 30], "counted exactly"),
        (["hedge"], "no game is named"),
        (["birth_death_on_graph", "chicken"], "needs adjacency, an array: call marlgt.dynamics.birth_death_on_graph"),
    ],
)
def test_what_does_not_fit_ends_in_one_sentence(words, message, capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert main(["dynamics", *words]) == 2
    shown = capsys.readouterr().err
    assert message in shown
    assert shown.count("\n") == 1


def test_every_rule_is_listed(capsys):
    assert main(["dynamics", "list"]) == 0
    listed = capsys.readouterr().out.split()
    assert listed == list(rules())
    assert {"fictitious_play", "regret_matching", "replicator_dynamics", "moran_process"} <= set(listed)


def test_schedules_and_rules_are_settings_too(capsys):
    words = ["dynamics", "hedge", "chicken", "--steps", "20", "--format", "json", "--set"]
    assert main([*words, "rate=linear(1,0.1,5)"]) == 0
    falling = json.loads(capsys.readouterr().out)
    assert main([*words, "rate=1"]) == 0
    steady = json.loads(capsys.readouterr().out)
    assert falling["strategies"][0][0] == steady["strategies"][0][0]
    assert falling["strategies"][0][-1] != steady["strategies"][0][-1]
    assert main(["dynamics", "swap_regret_minimization", "chicken", "--steps", "20", "--set", "inner=hedge"]) == 0
