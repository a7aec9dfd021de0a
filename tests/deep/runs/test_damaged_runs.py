"""Files of a run that were cut short, planted, changed or are of another run: one typed sentence, and no harm."""

import json
import pickle

import pytest
import torch

from marlgt.deep import QMIX, evaluate, load_run, resume, train
from marlgt.deep.environments.catalogue_games import MatrixEpisodes
from marlgt.deep.runs import checkpoints
from marlgt.errors import GameError, UnreadableFile

QUICK = {"learning_starts": 32, "epsilon_steps": 100, "n_envs": 4, "batch_size": 8, "hidden": (8,)}
PLAN = {"steps": 400, "episodes": 2, "checkpoint_every": 80, "evaluate_every": 100}


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    folder = tmp_path_factory.mktemp("runs") / "finished"
    train(QMIX(**QUICK), "climbing", folder=folder, seeds=(1, 2), **PLAN)
    return folder


@pytest.fixture(scope="module")
def stopped(tmp_path_factory):
    folder = tmp_path_factory.mktemp("runs") / "stopped"
    step, calls = MatrixEpisodes.step, []

    def failing(self, actions):
        calls.append(1)
        if len(calls) > 150:
            raise GameError("enough")
        return step(self, actions)

    MatrixEpisodes.step = failing
    try:
        with pytest.raises(GameError, match="enough"):
            train(QMIX(**QUICK), "climbing", folder=folder, seeds=(1, 2), **PLAN)
    finally:
        MatrixEpisodes.step = step
    assert (folder / "checkpoint.safetensors").is_file()
    return folder


def copied(folder, place):
    place.mkdir()
    for path in folder.iterdir():
        (place / path.name).write_bytes(path.read_bytes())
    return place


@pytest.mark.parametrize("name", ["run.json", "curve.json", "policy.safetensors"])
def test_a_file_of_a_run_that_is_cut_short_or_gone_is_told(name, finished, tmp_path):
    folder = copied(finished, tmp_path / "run")
    whole = (folder / name).read_bytes()
    for length in (0, 1, 7, 8, 60, len(whole) // 2, len(whole) - 2):
        (folder / name).write_bytes(whole[:length])
        for read in (load_run, evaluate):
            with pytest.raises(UnreadableFile, match=name):
                read(folder)
    (folder / name).unlink()
    with pytest.raises(UnreadableFile, match=name):
        load_run(folder)


@pytest.mark.parametrize("name", ["run.json", "checkpoint.safetensors"])
def test_a_run_does_not_go_on_from_a_file_that_is_cut_short(name, stopped, tmp_path):
    folder = copied(stopped, tmp_path / "run")
    whole = (folder / name).read_bytes()
    for length in (0, 1, 7, 8, 60, len(whole) // 2, len(whole) - 2):
        (folder / name).write_bytes(whole[:length])
        with pytest.raises(UnreadableFile, match=name):
            resume(folder)
    (folder / name).write_bytes(whole)
    assert resume(folder).record.status == "finished"


@pytest.mark.parametrize("write", [lambda value, path: path.write_bytes(pickle.dumps(value)), torch.save])
@pytest.mark.parametrize("name", ["run.json", "curve.json", "policy.safetensors", "checkpoint.safetensors"])
def test_a_planted_pickle_never_runs(name, write, finished, stopped, harmful, tmp_path):
    place = tmp_path / "harmed"
    for folder, read in ((finished, load_run), (finished, evaluate), (stopped, resume)):
        planted = copied(folder, tmp_path / f"{read.__name__}-run")
        write(harmful(place), planted / name)
        if (read is resume and name in ("run.json", "checkpoint.safetensors")) or (
            read is not resume and name != "checkpoint.safetensors"
        ):
            with pytest.raises(UnreadableFile, match=name):
                read(planted)
        else:
            # A file that this way of reading has no use for.
            read(planted)
        assert not place.exists()


def changed(folder, name, change):
    told = json.loads((folder / name).read_text())
    change(told)
    (folder / name).write_text(json.dumps(told))
    return folder


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            lambda told: told["settings"].update(hidden=[9]),
            r"policy\.safetensors' does not fit the settings in run\.json",
        ),
        (lambda told: told["settings"].update(embedding=5), "another architecture"),
        (lambda told: told["settings"].update(hidden=[10**9, 10**9]), "does not fit the settings"),
        (lambda told: told["settings"].update(lr=-1), "run.json tells of no algorithm of this marlgt: lr must be"),
        (lambda told: told["settings"].update(speed=1), "QMIX has no setting 'speed'"),
        (lambda told: told.update(algorithm="QMIXX"), "did you mean QMIX"),
        (lambda told: told.update(algorithm="VDN", settings={"hidden": [8]}), "has no place here"),
        (lambda told: told.update(seeds=[1, 2, 3]), "of different seeds"),
        (lambda told: told.update(seeds=["a"]), "no whole record"),
        (lambda told: told.update(version=9), "version 9"),
    ],
)
def test_settings_that_are_not_those_of_the_networks_are_told(change, message, finished, tmp_path):
    folder = changed(copied(finished, tmp_path / "run"), "run.json", change)
    with pytest.raises(UnreadableFile, match=message):
        load_run(folder)
    with pytest.raises(UnreadableFile, match=message):
        evaluate(folder, episodes=2)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda told: told["settings"].update(hidden=[9]), "its networks are of another architecture"),
        (lambda told: told["settings"].update(share="none"), "its networks are of another architecture"),
        (lambda told: told["settings"].update(n_envs=8), "does not fit the settings in run.json"),
        (lambda told: told.update(seeds=[1]), "its networks are of another architecture"),
        (lambda told: told["options"].update(episodes=0), "no training that could go on: episodes is 0"),
        (lambda told: told["options"].update(hurry=1), "no training that could go on: Plan has no setting 'hurry'"),
        (lambda told: told.update(steps=-4), "no training that could go on: steps is -4"),
        (lambda told: told.update(seeds=[1, 1]), "no training that could go on: each seed is trained once"),
    ],
)
def test_a_checkpoint_of_other_settings_is_told_apart(change, message, stopped, tmp_path):
    folder = changed(copied(stopped, tmp_path / "run"), "run.json", change)
    with pytest.raises(UnreadableFile, match=message):
        resume(folder)


@pytest.mark.parametrize(
    "facts",
    [
        {},
        {"spec": None},
        {"spec": {"n_agents": 2}},
        {"spec": dict.fromkeys(("n_agents", "n_actions", "observation_size", "state_size"), 10**12)},
        {"spec": {"n_agents": 10**12, "n_actions": 3, "observation_size": 1, "state_size": 1}},
        {"spec": {"n_agents": -1, "n_actions": 3, "observation_size": 1, "state_size": 1}},
        {"spec": {"n_agents": 2, "n_actions": 10**6, "observation_size": 10**6, "state_size": 1}},
        {"spec": {"n_agents": "2", "n_actions": 3, "observation_size": 1, "state_size": 1}},
    ],
)
def test_hostile_facts_beside_the_networks_are_refused_without_taking_memory(facts, finished, tmp_path):
    folder = copied(finished, tmp_path / "run")
    tensors, _ = checkpoints.read_checkpoint(folder / "policy.safetensors")
    if facts.get("spec"):
        facts = {"spec": {**facts["spec"], "common_reward": True, "masked": False}}
    checkpoints.write_checkpoint(folder / "policy.safetensors", tensors, facts)
    with pytest.raises(UnreadableFile, match=r"policy\.safetensors' does not fit the settings in run\.json"):
        load_run(folder)


@pytest.mark.parametrize("gone", ["accounts", "counts", "online", "generators.1", "starts", "replay.rows"])
def test_a_checkpoint_without_one_of_its_tensors_is_refused(gone, stopped, tmp_path):
    folder = copied(stopped, tmp_path / "run")
    path = folder / "checkpoint.safetensors"
    tensors, facts = checkpoints.read_checkpoint(path)
    checkpoints.write_checkpoint(path, {name: value for name, value in tensors.items() if name != gone}, facts)
    with pytest.raises(UnreadableFile, match=r"does not fit the settings in run\.json"):
        resume(folder)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"episodes": 0}, "episodes is 0"),
        ({"epsilon": -0.1}, "epsilon must be a number from 0 to 1"),
        ({"epsilon": "all"}, "epsilon must be a number from 0 to 1"),
        ({"threads": 0}, "threads is 0"),
        ({"backend": "numba"}, "only drone tasks have backends"),
        ({"task": "stag_hunt"}, "evaluate it on a task of the same sizes"),
        ({"task": "stag_hun"}, "did you mean"),
    ],
)
def test_an_evaluation_that_does_not_fit_is_one_sentence(options, message, finished):
    with pytest.raises(GameError, match=message):
        evaluate(finished, **options)
