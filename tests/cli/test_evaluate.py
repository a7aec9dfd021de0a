"""``marlgt evaluate``: what a run earns beside random actions and the expert, and pictures of a flight."""

import json

import numpy as np
import pytest

from marlgt.cli import main

pytest.importorskip("torch")


def run(capsys, *words):
    code = main(["evaluate", *map(str, words)])
    shown = capsys.readouterr()
    return code, shown.out, shown.err


@pytest.fixture(scope="module")
def climbing(tmp_path_factory):
    from marlgt.deep import VDN, train

    folder = tmp_path_factory.mktemp("runs") / "climbing"
    algorithm = VDN(learning_starts=64, epsilon_steps=300)
    train(algorithm, "climbing", steps=640, seeds=(4, 6), episodes=2, folder=folder)
    return folder


@pytest.fixture(scope="module")
def hover(tmp_path_factory):
    from marlgt.deep import IDQN, train

    folder = tmp_path_factory.mktemp("runs") / "hover"
    algorithm = IDQN(learning_starts=64, n_envs=4, frames=2, hidden=(8,))
    train(algorithm, "multihover", steps=200, seeds=(0, 3), episodes=2, folder=folder)
    return folder


def test_the_table_holds_every_seed_and_chance(capsys, climbing):
    code, out, _ = run(capsys, climbing, "--episodes", "50")
    shown = " ".join(out.split())
    assert code == 0
    for word in ("seed 4", "seed 6", "random", "95% interval", "Interquartile mean over seeds"):
        assert word in shown
    assert "expert" not in shown
    assert "solved" not in shown


def test_the_document_tells_what_was_played(capsys, climbing):
    _, out, _ = run(capsys, climbing, "--episodes", "400", "--format", "json")
    document = json.loads(out)
    assert (document["format"], document["version"], document["episodes"]) == ("marlgt.evaluate", 1, 400)
    assert [row["seed"] for row in document["seeds"]] == [4, 6]
    assert document["expert"] is None
    # The mean of the nine payoffs of the climbing game is -25/9.
    random = document["random"]
    assert random["low"] - 1 < -25 / 9 < random["high"] + 1
    greedy = [row["mean_return"] for row in document["seeds"]]
    assert all(row["low"] == row["high"] == mean for row, mean in zip(document["seeds"], greedy))
    assert min(greedy) <= document["interquartile_mean"]["estimate"] <= max(greedy)
    explored = json.loads(run(capsys, climbing, "--epsilon", "1", "--episodes", "400", "--format", "json")[1])
    assert explored["epsilon"] == 1.0
    assert all(row["low"] < row["mean_return"] < row["high"] for row in explored["seeds"])


def test_drones_fly_beside_their_expert(capsys, hover):
    _, out, _ = run(capsys, hover, "--episodes", "6", "--format", "json")
    document = json.loads(out)
    assert (document["backend"], document["expert"]["success_rate"]) == ("numba", 1.0)
    assert document["expert"]["mean_return"] > document["random"]["mean_return"]
    shown = run(capsys, hover, "--episodes", "6")[1]
    assert "expert" in shown
    assert "solved" in shown


def test_the_same_policy_earns_the_same_in_pybullet(capsys, hover):
    pytest.importorskip("pybullet")
    documents = [
        json.loads(run(capsys, hover, "--episodes", "3", "--backend", backend, "--format", "json")[1])
        for backend in ("numba", "bullet")
    ]
    compiled, bullet = ([row["mean_return"] for row in document["seeds"]] for document in documents)
    assert compiled == pytest.approx(bullet, rel=0.02)


def test_a_flight_of_one_seed_is_drawn_animated_and_replayed(capsys, hover, tmp_path):
    film, page = tmp_path / "flight.gif", tmp_path / "flight.html"
    words = ["--seed", "3", "--video", film, "--replay", page, "--plot", "--output", tmp_path, "--episodes", "2"]
    code, _, _ = run(capsys, hover, *words)
    assert code == 0
    assert film.read_bytes()[:4] == b"GIF8"
    assert "<canvas" in page.read_text()
    assert {path.name for path in tmp_path.glob("*.png")} == {"multihover-flight.png", "multihover-time.png"}


def test_a_trained_policy_flies_as_it_is_evaluated(hover):
    from marlgt.deep import evaluate, load_run
    from marlgt.deep.flying import flight_policy, flown_task
    from marlgt.games.drones import evaluate_policy

    trained = load_run(hover)
    flown = evaluate_policy(flown_task(trained), flight_policy(trained, 3), episodes=64)
    played = evaluate(trained, episodes=64)
    assert flown.policy == "IDQN"
    # Other starts, of the same distribution.
    gap = abs(flown.returns[:, 0].mean() - played.team_returns[1].mean())
    assert gap < 4 * played.team_returns[1].std() / np.sqrt(32) + 1e-9


@pytest.mark.parametrize(
    ("words", "code", "message"),
    [
        (["--episodes", "0"], 2, "episodes is 0"),
        (["--epsilon", "2"], 2, "epsilon must be a number from 0 to 1"),
        (["--threads", "0"], 2, "threads is 0"),
        (["--device", "abacus"], 2, "device is 'abacus'"),
        (["--backend", "bullet"], 2, "only drone tasks have backends"),
        (["--task", "stag_hunt"], 2, "evaluate it on a task of the same sizes"),
        (["--video", "a.gif"], 2, "is no drone task"),
    ],
)
def test_what_does_not_fit_ends_in_one_sentence(words, code, message, capsys, climbing):
    stopped, out, err = run(capsys, climbing, *words)
    assert (stopped, out) == (code, "")
    assert message in err
    assert err.count("\n") == 1


def test_what_cannot_be_shown_of_drones_is_told(capsys, hover):
    code, _, err = run(capsys, hover, "--seed", "9", "--video", "a.gif")
    assert code == 2
    assert "the run has no seed 9: give one of 0, 3" in err
    code, _, err = run(capsys, hover, "--video", "a.avi")
    assert code == 2
    assert "end the name in .gif or .mp4" in err


def test_a_folder_without_a_run_exits_3(capsys, tmp_path):
    code, _, err = run(capsys, tmp_path)
    assert code == 3
    assert "there is no run.json" in err
