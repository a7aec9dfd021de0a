"""What a user may do wrong, and what may go wrong under way: one typed sentence, and nothing of the run is lost."""

import dataclasses
import errno
import json
import os
import pickle
import typing

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from marlgt.deep import DQN, QMIX, VDN, evaluate, load_run, resume, train
from marlgt.deep.algorithms.naming import ALGORITHMS, algorithm_named
from marlgt.deep.environments.catalogue_games import MatrixEpisodes
from marlgt.deep.environments.protocol import EnvironmentFailed
from marlgt.deep.finiteness import NotFinite
from marlgt.deep.runs import checkpoints
from marlgt.deep.runs.settings_json import settings_from_json, settings_to_json
from marlgt.errors import GameError, SavingFailed, UnreadableFile, UnsupportedGame
from marlgt.games import NormalFormGame

QUICK = {"learning_starts": 32, "epsilon_steps": 100, "n_envs": 4, "batch_size": 8, "hidden": (8,)}
PLAN = {"steps": 400, "episodes": 2, "checkpoint_every": 80, "evaluate_every": 100}


def numbers(run):
    return torch.cat([parameter.detach().reshape(-1) for parameter in run.module.parameters()])


def status(folder):
    told = json.loads((folder / "run.json").read_text())
    return told["status"], told["reason"]


class Ropes:
    """A parallel environment of two agents that breaks, forbids or pays what it should not after so many steps."""

    possible_agents = ("left", "right")
    trouble_after, trouble, taken = 10**9, "", 0

    def __init__(self):
        from gymnasium import spaces

        self.agents = []
        self._seen = spaces.Box(-1, 9, (3,))
        self._choices = spaces.Discrete(2)

    def observation_space(self, agent):
        return self._seen

    def action_space(self, agent):
        return self._choices

    def _views(self):
        troubled = Ropes.taken > Ropes.trouble_after
        broken = troubled and Ropes.trouble == "observation"
        view = np.full(3, np.nan if broken else self.steps, np.float32)
        allowed = np.zeros(2, np.int8) if troubled and Ropes.trouble == "mask" else np.ones(2, np.int8)
        plain = np.full(3, self.steps, np.float32)
        return {"left": plain, "right": view}, {"left": {}, "right": {"action_mask": allowed}}

    def reset(self, seed=None, options=None):
        self.agents, self.steps = list(self.possible_agents), 0
        return self._views()

    def step(self, actions):
        self.steps += 1
        Ropes.taken += 1
        troubled = Ropes.taken > Ropes.trouble_after
        if troubled and Ropes.trouble == "raise":
            raise RuntimeError("the rope broke")
        views, infos = self._views()
        paid = dict.fromkeys(self.agents, float(actions["left"] == actions["right"]))
        if troubled and Ropes.trouble == "reward":
            paid["right"] = float("inf")
        over = dict.fromkeys(self.agents, self.steps >= 5)
        no = dict.fromkeys(self.agents, False)
        if self.steps >= 5:
            self.agents = []
        return views, paid, over, no, infos

    def close(self):
        """Nothing is open."""


@pytest.mark.parametrize(
    ("task", "needs"),
    [("hover:actions=velocity", ""), ("Pendulum-v1", "gymnasium")],
)
def test_a_continuous_task_is_refused_with_the_way_out(task, needs):
    if needs:
        pytest.importorskip(needs)
    with pytest.raises(UnsupportedGame, match="are continuous, and learners of action values choose from a list: "):
        train(DQN(), task, steps=10)


def test_agents_with_different_numbers_of_actions_are_told_how_to_pad_them():
    game = NormalFormGame.bimatrix(np.zeros((2, 3)), np.zeros((2, 3)))
    with pytest.raises(GameError, match="pad_actions"):
        train(VDN(), game, steps=10)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"steps": 0}, "steps is 0"),
        ({"steps": 2.5}, r"steps is 2\.5"),
        ({"steps": True}, "steps is True"),
        ({"seeds": ()}, "seeds must be some seeds"),
        ({"seeds": 3}, "seeds must be some seeds"),
        ({"seeds": (1, 1)}, "each seed is trained once"),
        ({"seeds": (0, -1)}, "seed is -1"),
        ({"seeds": ("a",)}, "seed is 'a'"),
        ({"threads": 0}, "threads is 0"),
        ({"episodes": 0}, "episodes is 0"),
        ({"evaluate_every": 0}, "evaluate_every is 0"),
        ({"checkpoint_every": -5}, "checkpoint_every is -5"),
        ({"return_threshold": "high"}, "return_threshold is 'high'"),
        ({"return_threshold": float("nan")}, "return_threshold is nan"),
        ({"success_threshold": 1.0}, "tells no successes"),
        ({"device": "abacus"}, "device is 'abacus', which PyTorch cannot compute on here"),
        ({"device": "meta"}, "device is 'meta', which PyTorch cannot compute on here"),
        ({"device": None}, "device is None"),
        ({"tensorboard": True}, "give a folder"),
        ({"tensorboard": "yes"}, "tensorboard is 'yes'"),
        ({"folder": 7}, "folder is 7"),
    ],
)
def test_options_of_training_that_do_not_fit_are_one_sentence(options, message):
    with pytest.raises(GameError, match=message):
        train(VDN(), "climbing", **({"steps": 10} | options))


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU here")
def test_a_gpu_that_is_not_there_is_told(tmp_path):
    message = r"device is 'cuda', which PyTorch cannot compute on here \(there is no GPU with CUDA\): give 'cpu'"
    with pytest.raises(GameError, match=message):
        train(VDN(), "climbing", steps=10, device="cuda", folder=tmp_path / "run")
    assert not (tmp_path / "run").exists()
    train(VDN(**QUICK), "climbing", steps=8, folder=tmp_path / "run", episodes=1)
    with pytest.raises(GameError, match=message):
        load_run(tmp_path / "run", device="cuda")
    with pytest.raises(GameError, match=message):
        evaluate(tmp_path / "run", device="cuda")


def test_what_is_no_algorithm_is_told():
    for wrong in (DQN, "DQN", None):
        with pytest.raises(GameError, match="algorithm must be one such as QMIX"):
            train(wrong, "climbing", steps=10)


def test_a_folder_that_is_a_file_or_holds_a_run_is_refused_before_anything_is_done(tmp_path):
    (tmp_path / "file").write_text("kept")
    with pytest.raises(GameError, match="is a file: give the path of a folder"):
        train(VDN(), "climbing", steps=10, folder=tmp_path / "file")
    assert (tmp_path / "file").read_text() == "kept"
    train(VDN(**QUICK), "climbing", steps=8, folder=tmp_path / "run", episodes=1)
    before = {path.name: path.read_bytes() for path in (tmp_path / "run").iterdir()}
    with pytest.raises(GameError, match="holds a run already: resume it, or give another folder"):
        train(VDN(), "climbing", steps=10, folder=tmp_path / "run")
    assert {path.name: path.read_bytes() for path in (tmp_path / "run").iterdir()} == before


@pytest.mark.parametrize("share", [(0,), (0, 0, 0), (0, 2), "some"])
def test_networks_that_are_not_one_for_each_agent_are_refused(share):
    with pytest.raises(GameError, match=r"network index per agent|without gaps"):
        train(VDN(share=share), "climbing", steps=10)


FIELDS = [
    (name, field.name, typing.get_type_hints(algorithm_named(name))[field.name])
    for name in ALGORITHMS
    for field in dataclasses.fields(algorithm_named(name))
]
OPEN = ("v_min", "v_max", "initial_log_scale")
"""Settings that may have any sign."""


@pytest.mark.parametrize("name", ALGORITHMS)
def test_every_numeric_setting_refuses_what_is_out_of_its_range_by_name(name):
    kind = algorithm_named(name)
    for _, field, hint in [entry for entry in FIELDS if entry[0] == name]:
        if hint is bool or not {int, float} & {hint, *typing.get_args(hint)}:
            continue
        wrong = [float("nan"), float("inf"), "3", True, object(), 10**400]
        for value in [*wrong, *([] if field in OPEN else [-1, -0.5])]:
            with pytest.raises(GameError) as refused:
                kind(**{field: value})
            assert field in str(refused.value) or "buffer_size" in str(refused.value)
            assert len(str(refused.value)) < 300


@pytest.mark.parametrize("name", ALGORITHMS)
def test_switches_and_words_refuse_other_types_by_name(name):
    kind = algorithm_named(name)
    for _, field, hint in [entry for entry in FIELDS if entry[0] == name]:
        if hint is bool or typing.get_origin(hint) is typing.Literal:
            for value in (None, 7, "perhaps", 0.0):
                with pytest.raises(GameError, match=field):
                    kind(**{field: value})


ANYTHING = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-3, 300),
    st.integers(min_value=10**13),
    st.floats(),
    st.text(max_size=5),
    st.tuples(st.integers(-2, 9)),
    st.lists(st.integers(-2, 9), max_size=2),
)


@settings(max_examples=300, deadline=None)
@given(entry=st.sampled_from(FIELDS), value=ANYTHING)
def test_any_value_of_a_setting_is_refused_in_a_sentence_or_kept_with_a_run(entry, value):
    name, field, _ = entry
    kind = algorithm_named(name)
    try:
        made = kind(**{field: value})
    except GameError:
        return
    assert settings_from_json(kind, json.loads(json.dumps(settings_to_json(made)))) == made


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


@pytest.mark.parametrize("still_full", [False, True])
def test_a_full_disk_in_the_midst_of_a_run_keeps_the_checkpoint_before_it(still_full, tmp_path, monkeypatch):
    undisturbed = train(QMIX(**QUICK), "climbing", seeds=(1, 2), **PLAN)
    folder = tmp_path / "run"
    plain, calls = os.fsync, []

    def full(number):
        calls.append(1)
        # A checkpoint takes four files, each of them synced with its folder.
        if len(calls) == 21 or (still_full and len(calls) > 21):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        plain(number)

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(SavingFailed, match="cannot be written: No space left on device"):
        train(QMIX(**QUICK), "climbing", seeds=(1, 2), folder=folder, **PLAN)
    monkeypatch.undo()
    assert status(folder)[0] == ("running" if still_full else "failed")
    assert not [path for path in folder.iterdir() if path.name.startswith(".")]
    finished = resume(folder)
    assert torch.equal(numbers(finished), numbers(undisturbed))
    np.testing.assert_array_equal(finished.curve.returns, undisturbed.curve.returns)


@pytest.fixture
def ropes():
    pytest.importorskip("gymnasium")
    Ropes.trouble_after, Ropes.trouble, Ropes.taken = 10**9, "", 0
    yield Ropes
    Ropes.trouble_after, Ropes.trouble, Ropes.taken = 10**9, "", 0


@pytest.mark.parametrize(
    ("trouble", "message"),
    [
        ("raise", r"copy \d of .*Ropes raised RuntimeError at step \d+: the rope broke"),
        ("mask", r"copy \d of .* at step \d+: the action_mask of right forbids everything"),
        (
            "observation",
            r"copy \d of .*Ropes .* at step \d+: the observation of right holds a number that is not finite",
        ),
        ("reward", r"copy \d of .* at step \d+: the reward of right holds a number that is not finite"),
    ],
)
def test_an_environment_that_fails_in_the_midst_loses_nothing_of_the_run(trouble, message, ropes, tmp_path):
    folder = tmp_path / "run"
    undisturbed = train(VDN(**QUICK), Ropes, folder=tmp_path / "other", **PLAN)
    ropes.taken, ropes.trouble, ropes.trouble_after = 0, trouble, 300
    with pytest.raises(EnvironmentFailed, match=message) as failed:
        train(VDN(**QUICK), Ropes, folder=folder, **PLAN)
    assert 0 <= failed.value.copy < 4
    assert status(folder) == ("failed", str(failed.value))
    kept = load_run(folder)
    assert len(kept.curve) >= 2
    assert torch.isfinite(numbers(kept)).all()
    ropes.trouble_after = 10**9
    finished = resume(folder, task=Ropes)
    assert finished.record.status == "finished"
    assert torch.equal(numbers(finished), numbers(undisturbed))


@pytest.mark.parametrize(("what", "names"), [("rewards", "rewards"), ("reached", "observations")])
def test_a_number_that_is_not_finite_stops_the_run_and_names_step_and_tensor(what, names, tmp_path, monkeypatch):
    step, calls = MatrixEpisodes.step, []

    def poisoned(self, actions):
        taken = step(self, actions)
        calls.append(1)
        if len(calls) > 60:
            return taken._replace(**{what: np.full_like(getattr(taken, what), np.nan)})
        return taken

    folder = tmp_path / "run"
    with monkeypatch.context() as patch:
        patch.setattr(MatrixEpisodes, "step", poisoned)
        message = rf"stopped after environment step \d+: the {names} of the environment held a number"
        with pytest.raises(NotFinite, match=message) as failed:
            train(VDN(**QUICK), "climbing", folder=folder, **PLAN)
    assert status(folder) == ("failed", str(failed.value))
    assert torch.isfinite(numbers(load_run(folder))).all()
    assert resume(folder).record.status == "finished"


def test_a_learning_rate_beyond_all_bounds_is_told_with_the_weights(tmp_path):
    wild = DQN(**QUICK, lr=1e38, clip=None)
    with pytest.raises(NotFinite, match=r"environment step \d+, update \d+: .*a lower lr, a clip .* may help"):
        train(wild, "climbing:repeats=5", folder=tmp_path / "run", **PLAN)
    assert torch.isfinite(numbers(load_run(tmp_path / "run"))).all()


def test_an_error_that_is_no_error_of_ours_is_written_down_and_comes_through(tmp_path, monkeypatch):
    step, calls = MatrixEpisodes.step, []

    def broken(self, actions):
        calls.append(1)
        if len(calls) > 60:
            raise ZeroDivisionError("by nought")
        return step(self, actions)

    with monkeypatch.context() as patch:
        patch.setattr(MatrixEpisodes, "step", broken)
        with pytest.raises(ZeroDivisionError, match="by nought"):
            train(VDN(**QUICK), "climbing", folder=tmp_path / "run", **PLAN)
    assert status(tmp_path / "run") == ("failed", "ZeroDivisionError: by nought")
    assert resume(tmp_path / "run").record.status == "finished"


def test_memory_that_is_not_there_is_told():
    with pytest.raises(GameError, match="do not fit into memory: take a smaller buffer_size"):
        train(VDN(buffer_size=10**12), "climbing", steps=10)


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
