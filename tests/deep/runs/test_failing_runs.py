"""What may go wrong under way: the run says what it was, and nothing of it is lost."""

import errno
import json
import os

import numpy as np
import pytest
import torch

from marlgt.deep import DQN, QMIX, VDN, load_run, resume, train
from marlgt.deep.environments.catalogue_games import MatrixEpisodes
from marlgt.deep.environments.protocol import EnvironmentFailed
from marlgt.deep.finiteness import NotFinite
from marlgt.deep.learners.value_learner import ValueLearner
from marlgt.errors import SavingFailed

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


@pytest.mark.parametrize("compiled", [False, True])
@pytest.mark.parametrize("when", ["before a checkpoint", "at the end"])
def test_an_update_that_breaks_the_weights_is_told_before_they_are_kept(when, compiled, tmp_path, monkeypatch):
    update, folder = ValueLearner._update, tmp_path / "run"

    def poisoned(self):
        update(self)
        if self.steps == (160 if when == "before a checkpoint" else 400):
            self.parameters.values[:3] = torch.nan

    algorithm = DQN(**QUICK, update_every=4, compiled=compiled)
    with monkeypatch.context() as patch:
        patch.setattr(ValueLearner, "_update", poisoned)
        with pytest.raises(
            NotFinite, match=r"environment step \d+, update \d+: the weights .* held a number"
        ) as failed:
            train(algorithm, "climbing:repeats=5", folder=folder, **PLAN)
    assert status(folder) == ("failed", str(failed.value))
    assert torch.isfinite(numbers(load_run(folder))).all()
    assert resume(folder).record.status == "finished"


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
