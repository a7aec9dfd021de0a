"""Records of runs: they come back equal, are plain JSON, and a folder of something else is told so."""

import json
import re
import subprocess
import time
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pytest
import torch

import marlgt
from marlgt.deep.runs import records
from marlgt.deep.runs.curves import Curve, Evaluation
from marlgt.deep.runs.records import RunRecord, read_curve, read_run, write_curve, write_run
from marlgt.deep.runs.settings_json import settings_from_json
from marlgt.errors import GameError, SavingFailed, UnreadableFile


@dataclass(frozen=True)
class Settings:
    lr: float = 3e-4
    hidden: tuple[int, ...] = (64, 64)


def record():
    return RunRecord.begin("QMIX", Settings(1 / 3), "climbing", seeds=range(3), steps=1000, options={"every": 10})


def evaluation(steps, returns, **changes):
    returns = np.array(returns, dtype=float)
    seeds = len(returns)
    parts = {
        "returns": returns,
        "lengths": np.full(returns.shape, 25),
        "success_rates": np.full(seeds, np.nan),
        "training_returns": np.linspace(0, 1 / 3, seeds),
        "losses": np.full(seeds, 0.1),
        "exploration": 0.05,
        "steps_per_second": 1234.5,
    }
    return Evaluation(steps, **(parts | changes))


def curve():
    points = [evaluation(10, [[0, 2], [1, 1]]), evaluation(20, [[10, 12], [1, np.nan]], exploration=np.nan)]
    return Curve((4, 7), (*points, evaluation(30, [[5, 6], [11, 12.5]])))


def strict(path):
    def refused(name):
        raise AssertionError(name)

    return json.loads(path.read_text(), parse_constant=refused)


def test_a_record_comes_back_equal(tmp_path):
    begun = record()
    write_run(tmp_path / "runs" / "one", begun)
    assert read_run(tmp_path / "runs" / "one") == begun
    later = begun.proceeded(500, wall_seconds=1.5, cpu_seconds=3)
    ended = later.ended("failed", "the loss of step 500 is nan")
    write_run(tmp_path / "runs" / "one", ended)
    again = read_run(tmp_path / "runs" / "one")
    assert again == ended
    assert (again.status, again.steps_done, again.cpu_seconds) == ("failed", 500, 3.0)
    assert again.finished >= again.started
    assert settings_from_json(Settings, again.settings) == Settings(1 / 3)
    assert again.proceeded(600, wall_seconds=2, cpu_seconds=4).reason is None


def test_a_record_tells_where_it_was_made():
    begun = record()
    assert begun.versions["torch"] == torch.__version__
    assert begun.versions["marlgt"] == marlgt.__version__
    assert begun.versions["numpy"] == np.__version__
    assert begun.threads == torch.get_num_threads()
    assert begun.device == "cpu"
    assert begun.device_name
    assert begun.seeds == (0, 1, 2)
    assert begun.status == "running"
    assert begun.finished is None
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\+00:00", begun.started)


def test_the_commit_is_that_of_the_checkout_and_nothing_elsewhere(tmp_path, monkeypatch):
    monkeypatch.setattr(marlgt, "__file__", str(tmp_path / "marlgt" / "__init__.py"))
    assert record().commit is None
    (tmp_path / "marlgt").mkdir()
    (tmp_path / "marlgt" / "__init__.py").write_text("")
    (tmp_path / "pyproject.toml").write_text("")
    git = ["git", "-C", str(tmp_path), "-c", "user.name=a", "-c", "user.email=a@example.org", "-c", "commit.gpgsign=no"]
    for command in (["init", "-q"], ["add", "."], ["commit", "-q", "-m", "first"]):
        subprocess.run(git + command, check=True, capture_output=True)
    head = subprocess.run([*git, "rev-parse", "HEAD"], check=True, capture_output=True, text=True).stdout.strip()
    assert record().commit == head
    (tmp_path / "pyproject.toml").write_text("changed")
    assert record().commit == f"{head}-dirty"
    monkeypatch.setenv("PATH", str(tmp_path))
    assert record().commit is None


def test_a_curve_comes_back_with_the_same_bits(tmp_path):
    write_curve(tmp_path, curve())
    again = read_curve(tmp_path)
    assert again.seeds == (4, 7)
    for name in ("steps", "returns", "lengths", "success_rates", "training_returns", "losses", "exploration"):
        assert np.array_equal(getattr(again, name), getattr(curve(), name), equal_nan=name not in ("steps", "lengths"))
    assert np.array_equal(again.steps_per_second, curve().steps_per_second)
    assert again.lengths.dtype == np.int64
    write_curve(tmp_path, Curve((4, 7)))
    assert len(read_curve(tmp_path)) == 0


def test_what_is_written_is_json_of_the_documented_schema_without_nan(tmp_path):
    write_curve(tmp_path, curve())
    write_run(tmp_path, record())
    told = strict(tmp_path / "curve.json")
    assert (told["schema"], told["version"], told["seeds"]) == ("marlgt.curve", 1, [4, 7])
    assert told["points"][1]["returns"] == [[10, 12], [1, None]]
    assert told["points"][1]["exploration"] is None
    assert told["points"][0]["success_rates"] == [None, None]
    told = strict(tmp_path / "run.json")
    assert (told["schema"], told["version"], told["algorithm"]) == ("marlgt.run", 1, "QMIX")
    assert sorted(p.name for p in tmp_path.iterdir()) == ["curve.json", "run.json"]


def test_a_curve_tells_means_the_end_and_when_it_was_solved():
    found = curve()
    assert found.returns.shape == (3, 2, 2)
    assert np.array_equal(found.mean_return, [[1, 1], [11, np.nan], [5.5, 11.75]], equal_nan=True)
    assert np.array_equal(found.final, [5.5, 11.75])
    assert np.array_equal(found.solved_at(11), [20, 30])
    assert np.array_equal(found.solved_at(1), [10, 10])
    assert np.array_equal(found.solved_at(11.5), [np.nan, 30], equal_nan=True)
    assert np.array_equal(found.extended(evaluation(40, [[1, 1], [2, 2]])).final, [1, 2])
    assert not found.points[0].returns.flags.writeable


def test_a_curve_without_points_is_empty_and_has_no_end():
    found = Curve((0, 1, 2))
    assert found.returns.shape == (0, 3, 0)
    assert found.mean_return.shape == found.losses.shape == (0, 3)
    assert found.steps.shape == found.exploration.shape == (0,)
    assert np.isnan(found.solved_at(0)).all()
    with pytest.raises(GameError, match="no evaluation yet"):
        _ = found.final


def test_points_that_do_not_fit_are_refused():
    with pytest.raises(GameError, match=r"shape \(seeds, episodes\), got \(2,\) and \(2,\)"):
        evaluation(1, [1, 2])
    with pytest.raises(GameError, match=r"needs losses of shape \(2,\), got \(3,\)"):
        evaluation(1, [[1], [2]], losses=np.zeros(3))
    with pytest.raises(GameError, match="one shape"):
        Curve((0,), (evaluation(1, [[1]]), evaluation(2, [[1, 2]])))
    with pytest.raises(GameError, match="a curve of 2 seeds has points of 1 seeds"):
        Curve((0, 1), (evaluation(1, [[1]]),))
    with pytest.raises(GameError, match=r"growing steps, got \[2, 2\]"):
        Curve((0,), (evaluation(2, [[1]]), evaluation(2, [[1]])))


READERS = [(read_run, "run.json"), (read_curve, "curve.json")]


@pytest.mark.parametrize(("read", "name"), READERS)
def test_files_cut_short_missing_or_foreign_are_told_apart(tmp_path, read, name):
    with pytest.raises(UnreadableFile, match=f"there is no {name} in"):
        read(tmp_path)
    write_run(tmp_path, record())
    write_curve(tmp_path, curve())
    path = tmp_path / name
    with pytest.raises(UnreadableFile, match=f"there is no {name} in"):
        read(path)
    whole = path.read_bytes()
    for length in range(0, len(whole) - 1, 31):
        path.write_bytes(whole[:length])
        with pytest.raises(UnreadableFile, match="damaged or cut short"):
            read(tmp_path)
    for foreign in ("[]", "{}", "3", '{"schema": "marlgt.match", "version": 1}'):
        path.write_text(foreign)
        with pytest.raises(UnreadableFile, match="not written by marlgt"):
            read(tmp_path)
    path.write_bytes(b"[" * 100_000)
    with pytest.raises(UnreadableFile, match="damaged"):
        read(tmp_path)
    path.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(UnreadableFile, match="damaged"):
        read(tmp_path)
    told = json.loads(whole)
    path.write_text(json.dumps(told | {"version": 2}))
    with pytest.raises(UnreadableFile, match="has version 2 of the schema"):
        read(tmp_path)


@pytest.mark.parametrize(
    "change",
    [{"steps": "many"}, {"status": "asleep"}, {"seeds": 3}, {"versions": {"torch": 2}}, {"unknown": 1}, {"task": None}],
)
def test_a_record_whose_parts_are_of_other_types_is_refused(tmp_path, change):
    write_run(tmp_path, record())
    told = json.loads((tmp_path / "run.json").read_text())
    (tmp_path / "run.json").write_text(json.dumps(told | change))
    with pytest.raises(UnreadableFile, match=f"no whole record of a run: .*{next(iter(change))}"):
        read_run(tmp_path)


@pytest.mark.parametrize(
    "change",
    [
        {"seeds": None},
        {"seeds": [1]},
        {"seeds": ["x", "y"]},
        {"points": 3},
        {"points": [3]},
        {"points": [{}]},
        {"points": {"steps": 1}},
    ],
)
def test_a_curve_whose_parts_do_not_fit_is_refused(tmp_path, change):
    write_curve(tmp_path, curve())
    told = json.loads((tmp_path / "curve.json").read_text())
    (tmp_path / "curve.json").write_text(json.dumps(told | change))
    with pytest.raises(UnreadableFile, match="no whole curve"):
        read_curve(tmp_path)


@pytest.mark.parametrize(
    "change",
    [
        {"returns": [[1, 2], [3]]},
        {"returns": [["a", 2], [3, 4]]},
        {"lengths": [[None, 2], [3, 4]]},
        {"losses": [1, 2, 3]},
        {"losses": {}},
        {"steps": None},
        {"steps": 10**400},
        {"exploration": []},
    ],
)
def test_a_point_whose_parts_do_not_fit_is_refused(tmp_path, change):
    write_curve(tmp_path, curve())
    told = json.loads((tmp_path / "curve.json").read_text())
    told["points"][1] |= change
    (tmp_path / "curve.json").write_text(json.dumps(told))
    with pytest.raises(UnreadableFile, match="no whole curve"):
        read_curve(tmp_path)


def test_a_folder_that_cannot_be_made_and_a_full_disk_are_typed_errors(tmp_path, monkeypatch):
    (tmp_path / "file").write_text("")
    with pytest.raises(GameError, match="cannot be made"):
        write_run(tmp_path / "file" / "run", record())
    write_run(tmp_path, record())
    before = (tmp_path / "run.json").read_bytes()

    def full(self, target):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "replace", full)
    with pytest.raises(SavingFailed, match="No space left on device"):
        write_run(tmp_path, replace(record(), task="penalty"))
    assert (tmp_path / "run.json").read_bytes() == before
    assert sorted(p.name for p in tmp_path.iterdir()) == ["file", "run.json"]


def test_a_long_curve_is_written_in_half_a_second(tmp_path):
    rng = np.random.default_rng(0)
    points = [evaluation(k + 1, rng.normal(size=(10, 20))) for k in range(50)]
    began = time.process_time()
    write_curve(tmp_path, Curve(tuple(range(10)), tuple(points)))
    assert time.process_time() - began < 0.5
    assert records.read_curve(tmp_path).returns.shape == (50, 10, 20)
