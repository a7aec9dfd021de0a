"""``marlgt train``: from words to a run, a table, a document and a curve; going on; what does not fit."""

import json
import signal
import subprocess
import sys
import time

import pytest

from marlgt.cli import main
from marlgt.errors import GameError

pytest.importorskip("torch")

QUICK = ["--defaults", "--steps", "640", "--set", "learning_starts=64", "epsilon_steps=300", "--episodes", "4"]


def run(capsys, *words):
    code = main(["train", *words])
    shown = capsys.readouterr()
    return code, shown.out, shown.err


@pytest.fixture
def here(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_a_table_tells_of_every_seed_and_of_all_together(capsys, here):
    code, out, err = run(capsys, "vdn", "climbing", "--seeds", "3,5", *QUICK)
    shown = " ".join(out.split())
    assert (code, err) == (0, "")
    assert "VDN on climbing, 640 steps of each of 2 seeds, into runs/VDN-climbing" in shown
    assert "settings: learning_starts=64 epsilon_steps=300" in shown
    assert "│ 3 │" in shown
    assert "│ 5 │" in shown
    assert "Interquartile mean of the returns" in shown
    assert "640 of 640 steps" in shown
    assert "CPU-seconds" in shown
    assert (here / "runs" / "VDN-climbing" / "policy.safetensors").is_file()


def test_the_document_holds_every_seed_and_what_was_used(capsys, here):
    words = ["QMIX", "climbing", "--seeds", "0..1", "--set", "lr=1e-3", "--set", "hidden=8,8", "--folder", "kept"]
    code, out, _ = run(capsys, *words, *QUICK, "--format", "json")
    document = json.loads(out)
    assert code == 0
    assert (document["format"], document["version"], document["status"]) == ("marlgt.train", 1, "finished")
    assert document["settings"]["hidden"] == [8, 8]
    assert document["settings"]["lr"] == 1e-3
    assert document["settings"]["learning_starts"] == 64
    assert [row["seed"] for row in document["seeds"]] == [0, 1]
    assert all(row["final_return"] <= row["best_return"] <= 11 for row in document["seeds"])
    assert all(row["success_rate"] is None for row in document["seeds"])
    assert document["interquartile_mean"]["low"] <= document["interquartile_mean"]["estimate"]
    assert document["folder"] == "kept"


def test_a_seed_that_reaches_the_threshold_is_told_where(capsys, here):
    words = ["VDN", "climbing", "--seeds", "0..1", "--return-threshold", "-1000", *QUICK]
    code, out, _ = run(capsys, *words, "--format", "json", "--plot", "curve.png")
    document = json.loads(out)
    assert code == 0
    assert [row["solved_at"] for row in document["seeds"]] == [0.0, 0.0]
    assert document["steps_done"] == 0
    assert (here / "curve.png").stat().st_size > 5000


def test_folders_of_their_own_do_not_overwrite_a_run(capsys, here):
    for _ in range(2):
        assert run(capsys, "VDN", "climbing:repeats=2", "--seeds", "0", *QUICK)[0] == 0
    assert sorted(path.name for path in (here / "runs").iterdir()) == [
        "VDN-climbing-repeats=2",
        "VDN-climbing-repeats=2-2",
    ]


def test_steps_are_written_in_thousands_and_millions():
    from marlgt.cli.training import read_steps

    assert [read_steps(text) for text in ("500k", "2.5M", "1e6", "1_000", "7")] == [500_000, 2_500_000, 10**6, 1000, 7]
    for text in ("0", "-3", "k", "1.5", "1e99", "0.0001k", "1m", ""):
        with pytest.raises(GameError, match=r"steps is .*give a whole number from 1"):
            read_steps(text)


def test_a_recipe_gives_steps_settings_and_thresholds_and_is_gone_before(capsys, here, monkeypatch):
    from marlgt.deep.recipes import matrix_games
    from marlgt.deep.recipes.naming import Recipe

    page = Recipe(steps=64, settings={"lr": 0.25, "embedding": 4}, return_threshold=1e6, episodes=3)
    monkeypatch.setattr(matrix_games, "RECIPES", {"climbing": page})
    _, out, _ = run(capsys, "VDN", "climbing", "--seeds", "0", "--set", "n_envs=4", "--format", "json")
    document = json.loads(out)
    assert (document["steps"], document["options"]["episodes"]) == (64, 3)
    assert (document["settings"]["lr"], document["settings"]["n_envs"]) == (0.25, 4)
    assert document["options"]["return_threshold"] == 1e6
    _, out, _ = run(capsys, "VDN", "climbing", "--seeds", "0", "--defaults", "--steps", "32", "--format", "json")
    document = json.loads(out)
    assert document["settings"]["lr"] == 5e-4
    assert document["options"]["return_threshold"] is None
    _, out, _ = run(capsys, "QMIX", "climbing", "--help")
    assert "recipe" in out
    assert "0.25" in out


def test_the_settings_of_an_algorithm_are_told_from_its_dataclass(capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "160")
    code, out, _ = run(capsys, "qmix", "--help")
    assert code == 0
    assert "settings of QMIX" in out
    row = next(line for line in out.splitlines() if "│ lr " in line)
    assert [cell.strip() for cell in row.split("│")[1:-1]] == ["lr", "float", "0.0005", "Learning rate of Adam."]
    assert out.index("embedding") < out.index("│ lr ")
    assert "{'absolute', 'softplus'}" in out


def test_every_setting_of_every_algorithm_has_a_type_and_a_line():
    from marlgt.cli.algorithm_settings import described_settings
    from marlgt.deep.algorithms.naming import ALGORITHMS, algorithm_named

    for name in ALGORITHMS:
        for setting, (kind, told) in described_settings(algorithm_named(name)).items():
            assert kind, (name, setting)
            assert told.endswith("."), (name, setting)


def test_the_algorithms_are_listed(capsys):
    from marlgt.deep.algorithms.naming import ALGORITHMS

    _, out, _ = run(capsys, "list", "--format", "json")
    rows = json.loads(out)["algorithms"]
    assert [row["algorithm"] for row in rows] == list(ALGORITHMS)
    assert all(row["summary"].endswith(".") for row in rows)
    assert "QTRAN" in run(capsys, "list")[1]


@pytest.mark.parametrize(
    ("words", "code", "message"),
    [
        (["QIMX", "climbing"], 2, "did you mean QMIX"),
        (["QIMX", "--help"], 2, "did you mean QMIX"),
        (["QMIX", "climbin"], 2, "did you mean 'climbing_game'"),
        (["QMIX", "climbing", "--set", "lrr=3"], 2, "did you mean 'lr'"),
        (["QMIX", "climbing", "--set", "lr=fast"], 2, "lr must be a finite number"),
        (["QMIX", "climbing", "--set", "lr=-1"], 2, "lr must be a number above 0"),
        (["QMIX", "climbing", "--set", "lr"], 2, "a setting is written name=value"),
        (["QMIX", "climbing", "--set", "share=0,1,0"], 2, "got 3 for 2 agents"),
        (["QMIX", "climbing", "--steps", "0"], 2, "steps is '0'"),
        (["QMIX", "climbing", "--evaluate-every", "often"], 2, "evaluate-every is 'often'"),
        (["QMIX", "climbing", "--seeds", "-1"], 2, "seeds is '-1'"),
        (["QMIX", "climbing", "--episodes", "0"], 2, "episodes is 0"),
        (["QMIX", "climbing", "--threads", "0"], 2, "threads is 0"),
        (["QMIX", "climbing", "--device", "abacus"], 2, "device is 'abacus'"),
        (["QMIX", "climbing", "--plot", "curve.doc"], 2, "end the name in .png"),
        (["QMIX", "climbing", "--success-threshold", "1"], 2, "tells no successes"),
        (["QMIX", "hover:actions=velocity"], 2, "continuous"),
        (["DQN", "Pendulum-v1"], 2, "continuous"),
        (["QMIX"], 2, "name an algorithm and a task"),
        ([], 2, "name an algorithm and a task"),
        (["--resume", "nowhere"], 3, "there is no run.json in 'nowhere'"),
        (["QMIX", "climbing", "--resume", "nowhere"], 2, "a run goes on as it began"),
    ],
)
def test_what_does_not_fit_ends_in_one_sentence(words, code, message, capsys, here):
    if "Pendulum-v1" in words:
        pytest.importorskip("gymnasium")
    stopped, out, err = run(capsys, *words)
    assert (stopped, out) == (code, "")
    assert message in err
    assert err.count("\n") == 1
    assert not (here / "runs").exists()


def test_a_folder_that_holds_a_run_is_left_alone(capsys, here):
    assert run(capsys, "VDN", "climbing", "--seeds", "0", "--folder", "a", *QUICK)[0] == 0
    before = (here / "a" / "run.json").read_bytes()
    code, _, err = run(capsys, "VDN", "climbing", "--seeds", "0", "--folder", "a", *QUICK)
    assert code == 2
    assert "holds a run already" in err
    assert "go on with" not in err
    assert (here / "a" / "run.json").read_bytes() == before


def test_an_interrupted_training_is_kept_and_goes_on(capsys, here):
    command = [sys.executable, "-m", "marlgt", "train", "VDN", "climbing", "--folder", "kept", "--seeds", "0"]
    options = ["--defaults", "--steps", "24k", "--evaluate-every", "12k", "--episodes", "2", "--set", "update_every=64"]
    process = subprocess.Popen(
        [*command, *options, "--format", "json"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
    )
    until = time.monotonic() + 120
    while not (here / "kept" / "checkpoint.safetensors").exists() and time.monotonic() < until:
        time.sleep(0.02)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=120)
    assert process.returncode == 130
    assert err == "marlgt: interrupted; go on with: marlgt train --resume kept\n"
    assert json.loads(out)["status"] == "stopped"
    code, out, _ = run(capsys, "--resume", "kept", "--format", "json")
    document = json.loads(out)
    assert (code, document["status"], document["steps_done"]) == (0, "finished", 24_000)


def test_a_training_that_fails_says_how_to_go_on(capsys, here, monkeypatch):
    from marlgt.deep.environments.catalogue_games import MatrixEpisodes
    from marlgt.errors import GameError

    step, calls = MatrixEpisodes.step, []

    def failing(self, actions):
        calls.append(1)
        if len(calls) > 30:
            raise GameError("the table fell over")
        return step(self, actions)

    monkeypatch.setattr(MatrixEpisodes, "step", failing)
    words = ["VDN", "climbing", "--seeds", "0", "--folder", "kept", "--checkpoint-every", "64", *QUICK]
    code, _, err = run(capsys, *words)
    assert code == 2
    assert err == "marlgt: the table fell over (the run is kept: go on with marlgt train --resume kept)\n"
    assert json.loads((here / "kept" / "run.json").read_text())["status"] == "failed"
    monkeypatch.setattr(MatrixEpisodes, "step", step)
    code, out, _ = run(capsys, "--resume", "kept", "--format", "json")
    assert (code, json.loads(out)["status"]) == (0, "finished")
