"""Files of runs of policies that were cut short or do not fit: one typed sentence."""

import dataclasses
import json
import shutil

import pytest
from safetensors.torch import load_file, save_file

from marlgt.deep import (
    PPO,
    VDN,
    load_run,
    resume,
    train,
)
from marlgt.deep.algorithms.naming import algorithm_named
from marlgt.deep.environments.catalogue_games import MatrixEpisodes
from marlgt.errors import UnreadableFile

QUICK = {"n_envs": 4, "rollout_steps": 8, "hidden": (8,)}
PLAN = {"steps": 320, "episodes": 2, "checkpoint_every": 64, "evaluate_every": 64}


@pytest.fixture(scope="module")
def stopped(tmp_path_factory):
    """A run of PPO that could go on."""
    folder, algorithm = tmp_path_factory.mktemp("runs") / "ppo", PPO(**QUICK, minibatches=2)
    step, calls = MatrixEpisodes.step, []

    def interrupted(self, actions):
        calls.append(self.n_envs)
        if calls.count(4) > 50:
            raise KeyboardInterrupt
        return step(self, actions)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(MatrixEpisodes, "step", interrupted)
        with pytest.raises(KeyboardInterrupt):
            train(algorithm, "climbing", folder=folder, **PLAN)
    return folder


@pytest.fixture
def copied(stopped, tmp_path):
    folder = tmp_path / "run"
    shutil.copytree(stopped, folder)
    return folder


def rewrite(folder, change):
    told = json.loads((folder / "run.json").read_text())
    change(told)
    (folder / "run.json").write_text(json.dumps(told))


def test_the_run_that_the_next_tests_damage_goes_on_when_it_is_whole(copied):
    assert resume(copied).record.status == "finished"


@pytest.mark.parametrize("name", ["checkpoint.safetensors", "policy.safetensors"])
@pytest.mark.parametrize("share", [0.0, 0.3, 0.9])
def test_files_that_were_cut_short_are_told(copied, name, share):
    path = copied / name
    whole = path.read_bytes()
    path.write_bytes(whole[: int(share * len(whole))])
    with pytest.raises(UnreadableFile, match=name):
        resume(copied) if name.startswith("checkpoint") else load_run(copied)


@pytest.mark.parametrize(
    "changes",
    [
        {"hidden": [16]},
        {"critic": "mixture"},
        {"shared_torso": True},
        {"normalise_observations": True},
        {"recurrent": True},
    ],
    ids=str,
)
def test_networks_of_another_architecture_are_told(copied, changes):
    changes = {"sequence_length": 8} | changes
    rewrite(copied, lambda told: told["settings"].update(changes))
    with pytest.raises(UnreadableFile, match=r"does not fit the settings in run\.json"):
        load_run(copied)
    with pytest.raises(UnreadableFile):
        resume(copied)


@pytest.mark.parametrize("name", ["DQN", "QMIX", "MAPPO", "COMA", "GMAC", "TRPO"])
def test_a_run_of_policies_is_not_taken_for_another_algorithm(copied, name):
    known = {field.name for field in dataclasses.fields(algorithm_named(name))}

    def renamed(told):
        told["algorithm"] = name
        told["settings"] = {key: told["settings"][key] for key in ("n_envs", "hidden", "rollout_steps") if key in known}

    rewrite(copied, renamed)
    with pytest.raises(UnreadableFile):
        resume(copied)


def test_a_run_of_values_is_not_taken_for_policies(tmp_path):
    algorithm = VDN(n_envs=4, learning_starts=16, hidden=(8,))
    train(algorithm, "climbing:repeats=2", steps=64, episodes=1, folder=tmp_path / "a")
    rewrite(tmp_path / "a", lambda told: told.update(algorithm="PPO", settings={"hidden": [8]}))
    with pytest.raises(UnreadableFile, match=r"does not fit the settings in run\.json"):
        load_run(tmp_path / "a")


def test_weights_that_are_no_numbers_are_told_when_a_run_is_read(copied):
    path = copied / "policy.safetensors"
    tensors = load_file(path)
    name = sorted(tensors)[0]
    tensors[name] = tensors[name][..., :0]
    save_file(tensors, path)
    with pytest.raises(UnreadableFile, match=r"policy\.safetensors"):
        load_run(copied)
