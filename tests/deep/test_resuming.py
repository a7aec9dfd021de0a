"""A run that is stopped at any point and taken up again gives bit for bit what it gives undisturbed."""

import json
import os
import signal
import subprocess
import sys
import textwrap

import numpy as np
import pytest
import torch

from marlgt.deep import (
    A2C,
    COMA,
    DQN,
    GMAC,
    IDQN,
    MAPPO,
    PPO,
    QMIX,
    REINFORCE,
    TRPO,
    VDN,
    Rainbow,
    evaluate,
    load_run,
    resume,
    train,
)
from marlgt.deep.algorithms.naming import algorithm_named
from marlgt.deep.runs.settings_json import settings_from_json, settings_to_json
from marlgt.deep.trainer import CHECKPOINT, Plan, Trainer
from marlgt.errors import GameError, UnreadableFile

pytestmark = pytest.mark.usefixtures("one_thread")

QUICK = {"n_envs": 4, "batch_size": 8, "update_every": 8, "learning_starts": 30, "hidden": (16,)}
POLICY = {"n_envs": 4, "rollout_steps": 8, "sequence_length": 4, "minibatches": 2, "hidden": (16,)}
TASKS = {
    "prioritised": (IDQN(prioritised=True, epsilon_steps=300, **QUICK), "climbing:repeats=3"),
    "recurrent": (
        QMIX(recurrent=True, sequence_length=4, standardise_rewards=True, lr_end=1e-4, **QUICK),
        "Foraging-5x5-2p-1f-v3",
    ),
    "rainbow": (Rainbow(averaged_policy=True, target_rate=0.1, frames=2, **QUICK), "CartPole-v1"),
    "compiled": (DQN(compiled=True, normalised=True, lr_end=1e-4, epsilon_steps=300, **QUICK), "CartPole-v1"),
    "no snapshots": (DQN(epsilon_steps=200, recurrent=True, sequence_length=3, **QUICK), "FrozenLake-v1"),
    "policies": (
        PPO(kl_limit=0.01, normalise_observations=True, normalise_values=True, average_rate=0.2, **POLICY),
        "CartPole-v1",
    ),
    "policies that remember": (MAPPO(recurrent=True, **POLICY), "Foraging-5x5-2p-1f-v3"),
    "laws of returns": (
        GMAC(normalise_rewards=True, recurrent=True, shared_torso=True, discount_end=0.9, **POLICY),
        "CartPole-v1",
    ),
    "numbers": (A2C(squashed=True, lr_end=1e-4, entropy_weight=0.1, entropy_weight_end=0.0, **POLICY), "Pendulum-v1"),
    "no baseline": (REINFORCE(value_weight=0.0, **POLICY), "CartPole-v1"),
    "radius": (TRPO(normalise_observations=True, **POLICY), "CartPole-v1"),
    "counterfactual": (COMA(recurrent=True, target_period=2, **POLICY), "Foraging-5x5-2p-1f-v3"),
    "drones": (VDN(prioritised=True, n_steps=3, **QUICK), "multihover:n_drones=2,seconds=1"),
}
KILLED = (
    "prioritised",
    "recurrent",
    "rainbow",
    "compiled",
    "no snapshots",
    "drones",
    "policies that remember",
    "radius",
)
"""Those that are also killed as processes, which takes its time."""
PLAN = {"steps": 600, "seeds": (3, 5), "episodes": 2, "evaluate_every": 120, "checkpoint_every": 72}


def same(run, other):
    """Say whether two runs have the same networks and the same curve."""
    weights, theirs = dict(run.module.named_parameters()), dict(other.module.named_parameters())
    curves = ("steps", "returns", "lengths", "success_rates", "training_returns", "losses", "exploration")
    return (
        set(weights) == set(theirs)
        and all(torch.equal(weights[name], theirs[name]) for name in weights)
        and all(np.array_equal(getattr(run.curve, c), getattr(other.curve, c), equal_nan=True) for c in curves)
    )


class Stop(Exception):
    pass


@pytest.fixture
def stopped_after(monkeypatch):
    """Let training end in the middle after a number of steps of the loop."""

    def stop(calls):
        count, step = [0], Trainer._step

        def counted(self):
            count[0] += 1
            if count[0] > calls:
                raise Stop
            step(self)

        monkeypatch.setattr(Trainer, "_step", counted)

    yield stop
    monkeypatch.undo()


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory):
    """Runs that were not stopped, each trained once."""
    runs = {}

    def run(kind):
        if kind not in runs:
            algorithm, task = TASKS[kind]
            runs[kind] = train(algorithm, task, folder=tmp_path_factory.mktemp("runs") / "whole", **PLAN)
        return runs[kind]

    return run


@pytest.mark.parametrize("kind", TASKS)
def test_a_run_that_ends_anywhere_is_taken_up_bit_for_bit(kind, undisturbed, tmp_path, monkeypatch):
    algorithm, task = TASKS[kind]
    # Before the first update, right behind a checkpoint, amid two, and once more near the end.
    stops, step, count = [3, 18, 31, 60], Trainer._step, [0]

    def counted(self):
        count[0] += 1
        if count[0] > stops[0]:
            raise Stop
        step(self)

    monkeypatch.setattr(Trainer, "_step", counted)
    with pytest.raises(Stop):
        train(algorithm, task, folder=tmp_path, **PLAN)
    while stops:
        stops.pop(0)
        count[0] = 0
        if not stops:
            break
        with pytest.raises(Stop):
            resume(tmp_path)
    monkeypatch.undo()
    again = resume(tmp_path)
    assert same(undisturbed(kind), again)
    assert again.record.status == "finished"
    assert not (tmp_path / CHECKPOINT).exists()


DRIVER = """
    import json, os, random, signal, sys, time
    from pathlib import Path
    import torch
    torch.set_num_threads(1)
    from marlgt.deep import resume, train
    from marlgt.deep.algorithms.naming import algorithm_named
    from marlgt.deep.runs.settings_json import settings_from_json
    # Imported before the forks, so that each of them does not pay for it.
    import marlgt.deep.trainer

    def attempt(job):
        if (Path(job["folder"]) / "run.json").exists():
            resume(job["folder"])
        else:
            algorithm = settings_from_json(algorithm_named(job["algorithm"]), job["settings"])
            train(algorithm, job["task"], folder=job["folder"], **job["plan"])

    for job in json.loads(sys.argv[1]):
        rng, checkpoint, kills = random.Random(job["seed"]), Path(job["folder"]) / "checkpoint.safetensors", 0
        while True:
            written = checkpoint.stat().st_mtime_ns if checkpoint.exists() else 0
            child = os.fork()
            if not child:
                attempt(job)
                os._exit(0)
            waits = kills < job["kills"]
            while waits:
                # A moment of chance after it has come a little further than the last time.
                time.sleep(0.001)
                if checkpoint.exists() and checkpoint.stat().st_mtime_ns != written:
                    time.sleep(rng.uniform(0.0, job["most"]))
                    break
                if os.waitpid(child, os.WNOHANG)[0]:
                    child = 0
                    break
            if not child:
                break
            if waits:
                os.kill(child, signal.SIGKILL)
                kills += 1
            code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
            if code != -signal.SIGKILL:
                assert code == 0, code
                break
        print(json.dumps(kills), flush=True)
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="processes are forked")
def test_a_process_that_is_killed_at_random_moments_is_taken_up_bit_for_bit(undisturbed, tmp_path):
    jobs = [
        {
            "folder": str(tmp_path / kind),
            "algorithm": algorithm.name,
            "settings": settings_to_json(algorithm),
            "task": task,
            "plan": {**PLAN, "seeds": list(PLAN["seeds"])},
            "kills": 4,
            "most": 0.03,
            "seed": number,
        }
        for number, (kind, (algorithm, task)) in enumerate((kind, TASKS[kind]) for kind in KILLED)
    ]
    command = [sys.executable, "-W", "ignore", "-c", textwrap.dedent(DRIVER), json.dumps(jobs)]
    told = subprocess.run(command, capture_output=True, text=True, timeout=300)
    assert told.returncode == 0, told.stderr
    kills = [json.loads(line) for line in told.stdout.splitlines()]
    assert len(kills) == len(KILLED)
    # A run that is over before the moment has come is not killed; most are.
    assert sum(kills) >= 2 * len(KILLED)
    for kind in KILLED:
        assert same(undisturbed(kind), load_run(tmp_path / kind)), kind


def test_copies_of_pettingzoo_are_taken_up_at_their_checkpoints(clock, tmp_path, monkeypatch):
    """A task that has no name is not resumed by one, but the trainer takes it up all the same."""
    algorithm = QMIX(recurrent=True, sequence_length=3, **QUICK)
    whole = train(algorithm, clock, folder=tmp_path / "whole", **PLAN)
    plan = Plan(
        evaluate_every=120, episodes=2, checkpoint_every=72, return_threshold=None, success_threshold=None, threads=1
    )
    steps, count = Trainer._step, [0]

    def counted(self):
        count[0] += 1
        if count[0] == 90:
            raise Stop
        steps(self)

    monkeypatch.setattr(Trainer, "_step", counted)
    with pytest.raises(Stop):
        train(algorithm, clock, folder=tmp_path / "cut", **PLAN)
    monkeypatch.undo()
    trainer = Trainer(algorithm, clock, 600, (3, 5), plan, tmp_path / "cut", "cpu", False)
    trainer.load()
    assert 0 < trainer.learner.steps < 90 * 4
    assert same(whole, trainer.run())


@pytest.mark.skipif(os.name != "posix", reason="signals are those of POSIX")
@pytest.mark.parametrize("kind", ["recurrent", "no snapshots"])
def test_ctrl_c_keeps_a_checkpoint_from_which_the_run_is_finished(kind, undisturbed, tmp_path, monkeypatch):
    algorithm, task = TASKS[kind]
    step, count = Trainer._step, [0]

    def interrupted(self):
        count[0] += 1
        if count[0] == 77:
            os.kill(os.getpid(), signal.SIGINT)
        step(self)

    monkeypatch.setattr(Trainer, "_step", interrupted)
    with pytest.raises(KeyboardInterrupt):
        train(algorithm, task, folder=tmp_path, **PLAN)
    monkeypatch.undo()
    told = json.loads((tmp_path / "run.json").read_text())
    assert (told["status"], told["reason"]) == ("stopped", "interrupted by the user")
    assert told["steps_done"] == 77 * 4
    assert same(undisturbed(kind), resume(tmp_path))


INTERRUPTED = """
    import json, signal, sys
    from marlgt.deep import train
    from marlgt.deep.algorithms.naming import algorithm_named
    from marlgt.deep.runs.settings_json import settings_from_json
    from marlgt.deep.trainer import Trainer
    # A shell starts processes in its background deaf to Ctrl-C.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    step = Trainer._step
    def paused(self):
        step(self)
        if self.learner.steps == 200:
            print("now", flush=True)
            sys.stdin.readline()
    Trainer._step = paused
    job = json.loads(sys.argv[1])
    algorithm = settings_from_json(algorithm_named(job["algorithm"]), job["settings"])
    train(algorithm, job["task"], folder=job["folder"], **job["plan"])
"""


@pytest.mark.skipif(os.name != "posix", reason="signals are those of POSIX")
def test_a_process_that_gets_sigint_finishes_its_step_and_is_taken_up(undisturbed, tmp_path):
    algorithm, task = TASKS["prioritised"]
    job = {"algorithm": algorithm.name, "settings": settings_to_json(algorithm), "task": task}
    job |= {"folder": str(tmp_path), "plan": {**PLAN, "seeds": list(PLAN["seeds"])}}
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    child = subprocess.Popen([sys.executable, "-c", textwrap.dedent(INTERRUPTED), json.dumps(job)], text=True, **pipes)
    try:
        assert child.stdout.readline() == "now\n"
        child.send_signal(signal.SIGINT)
        _, said = child.communicate("\n", timeout=100)
    finally:
        child.kill()
        child.wait()
    assert child.returncode not in (0, None)
    assert "KeyboardInterrupt" in said
    told = json.loads((tmp_path / "run.json").read_text())
    assert (told["status"], told["steps_done"]) == ("stopped", 200)
    assert same(undisturbed("prioritised"), resume(tmp_path))


def test_a_finished_run_is_only_read_even_where_nothing_can_be_written(undisturbed, monkeypatch, tmp_path):
    run = undisturbed("recurrent")
    files = {path: path.read_bytes() for path in run.folder.iterdir() if path.is_file()}
    assert {path.name for path in files} == {"run.json", "curve.json", "policy.safetensors"}
    for path in files:
        path.chmod(0o444)
    run.folder.chmod(0o555)
    try:
        monkeypatch.chdir(tmp_path)
        assert same(run, resume(run.folder))
        monkeypatch.chdir(run.folder.parent)
        read = load_run(run.folder.name)
        assert same(run, read)
        played, theirs = evaluate(run, episodes=4), evaluate(read, episodes=4)
        assert np.array_equal(played.returns, theirs.returns)
    finally:
        run.folder.chmod(0o755)
    assert files == {path: path.read_bytes() for path in run.folder.iterdir() if path.is_file()}


def test_a_folder_that_holds_a_run_is_not_trained_into(undisturbed):
    algorithm, task = TASKS["recurrent"]
    with pytest.raises(GameError, match="holds a run already: resume it, or give another folder"):
        train(algorithm, task, folder=undisturbed("recurrent").folder, **PLAN)


def test_an_empty_folder_and_a_checkpoint_cut_short_are_told(undisturbed, tmp_path, stopped_after):
    with pytest.raises(UnreadableFile, match=r"no run\.json"):
        resume(tmp_path)
    algorithm, task = TASKS["prioritised"]
    stopped_after(40)
    with pytest.raises(Stop):
        train(algorithm, task, folder=tmp_path, **PLAN)
    checkpoint = tmp_path / CHECKPOINT
    checkpoint.write_bytes(checkpoint.read_bytes()[:-100])
    with pytest.raises(UnreadableFile, match="damaged, cut short, or no checkpoint"):
        resume(tmp_path)


def test_the_settings_of_every_task_here_come_back_from_json():
    for algorithm, _ in TASKS.values():
        assert settings_from_json(algorithm_named(algorithm.name), settings_to_json(algorithm)) == algorithm
