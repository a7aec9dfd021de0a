"""``marlgt fly``: tables of scores, pictures of a flight, policies from files."""

import json

import pytest

from marlgt.cli import main


def run(capsys, *words):
    code = main(["fly", *words])
    shown = capsys.readouterr()
    return code, shown.out, shown.err


def test_the_table_holds_the_policy_the_expert_and_the_random_policy(capsys):
    code, out, _ = run(capsys, "multihover", "--episodes", "8")
    assert code == 0
    assert "expert" in out
    assert "random" in out
    assert "mean distance to the goals, m at most 0.1" in out


def test_the_document_is_json(capsys):
    code, out, _ = run(capsys, "multihover", "--drones", "3", "--episodes", "8", "--format", "json")
    document = json.loads(out)
    assert (code, document["format"], document["drones"]) == (0, "marlgt.fly", 3)
    expert, random = document["policies"]
    assert expert["policy"] == "expert"
    assert expert["success_rate"] == 1.0
    assert random["success_rate"] == 0.0
    assert expert["score"] > random["score"]
    assert expert["episodes"] == 8


def test_the_same_flights_in_pybullet_earn_the_same(capsys):
    pytest.importorskip("pybullet")
    rows = {}
    for backend in ("numba", "bullet"):
        _, out, _ = run(capsys, "multihover", "--backend", backend, "--episodes", "3", "--format", "json")
        rows[backend] = json.loads(out)["policies"][0]
    assert rows["bullet"]["backend"] == "bullet"
    assert rows["bullet"]["score"] == pytest.approx(rows["numba"]["score"], rel=5e-3)


def test_every_task_is_listed(capsys):
    from marlgt.games.drones import TASKS

    code, out, _ = run(capsys, "list", "--format", "json")
    rows = json.loads(out)["tasks"]
    assert code == 0
    assert [row["task"] for row in rows] == list(TASKS)
    assert all(row["summary"] for row in rows)
    _, out, _ = run(capsys, "list")
    assert "multihover" in out


def test_flights_are_drawn_animated_and_replayed(capsys, tmp_path):
    film, page = tmp_path / "flight.gif", tmp_path / "flight.html"
    words = ["--video", str(film), "--replay", str(page), "--plot", "--output", str(tmp_path), "--episodes", "2"]
    code, _, _ = run(capsys, "multihover", *words)
    assert code == 0
    assert film.read_bytes()[:4] == b"GIF8"
    assert "<canvas" in page.read_text()
    assert {path.name for path in tmp_path.glob("*.png")} == {"multihover-flight.png", "multihover-time.png"}


def test_pybullet_films_a_flight(capsys, tmp_path):
    pytest.importorskip("pybullet")
    film = tmp_path / "flight.gif"
    code, _, _ = run(capsys, "multihover", "--video", str(film), "--camera", "bullet", "--episodes", "1")
    assert code == 0
    assert film.stat().st_size > 10_000


def test_a_policy_comes_from_a_python_file(capsys, tmp_path):
    path = tmp_path / "still.py"
    path.write_text(
        "import numpy as np\n\n\n"
        "def policy(task):\n    return lambda view: np.zeros(view.positions.shape[:2], dtype=int)\n"
    )
    code, out, _ = run(capsys, "multihover", "--policy", str(path), "--episodes", "4", "--format", "json")
    assert code == 0
    assert [row["policy"] for row in json.loads(out)["policies"]] == ["still", "expert", "random"]


def test_a_policy_may_be_a_method(capsys, tmp_path):
    path = tmp_path / "pilot.py"
    path.write_text(
        "import numpy as np\n\n\n"
        "class Pilot:\n    def act(self, view):\n        return np.zeros((len(view.ticks), 2), dtype=int)\n\n\n"
        "def policy(task):\n    return Pilot().act\n"
    )
    code, out, _ = run(capsys, "multihover", "--policy", str(path), "--episodes", "4", "--format", "json")
    assert code == 0
    assert json.loads(out)["policies"][0]["policy"] == "pilot"


def test_sides_fly_against_one_another(capsys):
    _, out, _ = run(capsys, "duel", "--episodes", "16", "--format", "json")
    rows = {row["policy"]: row for row in json.loads(out)["policies"]}
    assert list(rows) == [f"{one} against {other}" for one in ("expert", "random") for other in ("expert", "random")]
    assert rows["expert against random"]["score"] > 0 > rows["random against expert"]["score"]
    _, out, _ = run(capsys, "duel", "--episodes", "16", "--against", "random", "--format", "json")
    assert json.loads(out)["policies"][0] == rows["expert against random"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("x = 1", "defines no policy"),
        ("1 / 0", "fails when it is run: ZeroDivisionError"),
        ("def policy(task):\n    return 3\n", "return a function from a View"),
        ("def policy(task):\n    return 1 / 0\n", "policy(task) of"),
    ],
)
def test_a_file_that_is_no_policy_ends_in_one_sentence(text, message, capsys, tmp_path):
    path = tmp_path / "wrong.py"
    path.write_text(text)
    code, _, err = run(capsys, "multihover", "--policy", str(path))
    assert code == 2
    assert message in err
    assert err.count("\n") == 1


@pytest.mark.parametrize(
    ("words", "code", "message"),
    [
        (["multihoover"], 2, "did you mean 'multihover'"),
        (["multihover", "--drones", "99"], 2, "got n_drones=99"),
        (["multihover", "--policy", "guess"], 2, "give expert, random, or a Python file"),
        (["multihover", "--policy", "nowhere.py"], 3, "cannot be read"),
        (["multihover", "--against", "random"], 2, "all agents of multihover are on one side"),
        (["multihover", "--video", "flight.avi"], 2, "end the name in .gif or .mp4"),
        (["multihover", "--replay", "flight.txt"], 2, "end the name in .html"),
        (["multihover", "--episodes", "0"], 2, "episodes is 0"),
        (["multihover", "--seed", "-1"], 2, "seed is -1"),
        (["multihover", "--wind", "-2"], 2, "wind must be"),
        (["multihover", "--airframe", "jumbo"], 2, "no airframe 'jumbo'"),
        (["multihover", "--plot", "--output", "/nowhere/at/all"], 3, "cannot be written"),
    ],
)
def test_what_does_not_fit_ends_in_one_sentence(words, code, message, capsys):
    stopped, _, err = run(capsys, *words)
    assert stopped == code
    assert message in err
    assert err.count("\n") == 1
