"""The loop of training: seeds apart, evaluations that change nothing, early stops, records, and what is shown."""

import json
import os
import subprocess
import sys

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from marlgt.deep import (
    A2C,
    COMA,
    DQN,
    GMAC,
    IA2C,
    IDQN,
    MAPPO,
    PPO,
    QMIX,
    REINFORCE,
    TRPO,
    VDN,
    evaluate,
    load_run,
    train,
)
from marlgt.deep.algorithms.naming import ALGORITHMS, algorithm_named
from marlgt.deep.learners.value_learner import NotFinite
from marlgt.deep.optimisers import Adam
from marlgt.errors import GameError

pytestmark = pytest.mark.usefixtures("one_thread")

QUICK = {"n_envs": 4, "batch_size": 8, "update_every": 8, "learning_starts": 30, "hidden": (16,)}


QUICK_POLICY = {"n_envs": 4, "rollout_steps": 8, "minibatches": 2, "hidden": (16,)}


def quick(name):
    """Return an algorithm with settings that let it learn often in a short run."""
    kind = algorithm_named(name)
    return kind(**(QUICK_POLICY if kind.on_policy else QUICK))


def weights(run, place=0):
    """Return the weights of one seed of a run, by name."""
    n_seeds = len(run.record.seeds)
    return {name: value.detach().chunk(n_seeds)[place] for name, value in run.module.named_parameters()}


def equal(mine, theirs):
    return mine.keys() == theirs.keys() and all(torch.equal(mine[name], theirs[name]) for name in mine)


@pytest.mark.parametrize("name", ALGORITHMS)
@settings(max_examples=2)
@given(seeds=st.lists(st.integers(0, 2**31), min_size=2, max_size=3, unique=True))
def test_each_of_several_seeds_gives_the_bits_that_it_gives_alone(name, seeds):
    algorithm = quick(name)
    task = "two_step_game"
    together = train(algorithm, task, steps=120, episodes=2, evaluate_every=60, seeds=seeds)
    for place, seed in enumerate(seeds):
        alone = train(algorithm, task, steps=120, episodes=2, evaluate_every=60, seeds=(seed,))
        assert equal(weights(together, place), weights(alone))
        for part in ("returns", "training_returns", "losses"):
            mine, theirs = getattr(together.curve, part)[:, [place]], getattr(alone.curve, part)
            assert np.array_equal(mine, theirs, equal_nan=True), part


@pytest.mark.parametrize("task", ["Foraging-5x5-2p-1f-v3", "CartPole-v1"])
def test_recurrent_seeds_give_together_what_each_gives_alone(task):
    algorithm = QMIX(recurrent=True, sequence_length=4, prioritised=True, standardise_rewards=True, **QUICK)
    together = train(algorithm, task, steps=300, episodes=2, seeds=(1, 2, 3))
    alone = train(algorithm, task, steps=300, episodes=2, seeds=(3,))
    assert equal(weights(together, 2), weights(alone))
    assert np.array_equal(together.curve.returns[:, 2:], alone.curve.returns)


SHORT = {**QUICK_POLICY, "sequence_length": 4}
POLICIES = {
    "recurrent PPO": (PPO(recurrent=True, **SHORT), "CartPole-v1"),
    "continuous PPO": (PPO(squashed=True, normalise_observations=True, normalise_rewards=True, **SHORT), "Pendulum-v1"),
    "mixture critic": (GMAC(**SHORT), "CartPole-v1"),
    "seeds that rest": (PPO(kl_limit=1e-4, lr=3e-3, epochs=6, **SHORT), "CartPole-v1"),
    "shared torso": (A2C(shared_torso=True, recurrent=True, **SHORT), "CartPole-v1"),
    "a central critic": (MAPPO(share="none", recurrent=True, **SHORT), "Foraging-5x5-2p-1f-v3"),
    "no baseline": (REINFORCE(value_weight=0.0, **SHORT), "CartPole-v1"),
    "a radius": (TRPO(squashed=True, **SHORT), "Pendulum-v1"),
    "a radius with memory": (TRPO(recurrent=True, share="none", **SHORT), "Foraging-5x5-2p-1f-v3"),
    "counterfactual": (COMA(recurrent=True, target_period=2, **SHORT), "Foraging-5x5-2p-1f-v3"),
    "credit": (IA2C(signal="aristocrat", **SHORT), "climbing"),
}


@pytest.mark.parametrize("kind", POLICIES)
def test_seeds_of_policies_give_together_what_each_gives_alone(kind):
    algorithm, task = POLICIES[kind]
    plan = {"steps": 320, "episodes": 2, "evaluate_every": 160}
    together = train(algorithm, task, seeds=(1, 2, 3), **plan)
    for place, seed in ((0, 1), (2, 3)):
        alone = train(algorithm, task, seeds=(seed,), **plan)
        assert equal(weights(together, place), weights(alone))
        for part in ("returns", "training_returns", "losses"):
            mine, theirs = getattr(together.curve, part)[:, [place]], getattr(alone.curve, part)
            assert np.array_equal(mine, theirs, equal_nan=True), part


def test_the_same_seed_gives_the_same_run_and_another_seed_another():
    runs = [train(IDQN(**QUICK), "climbing", steps=200, episodes=1, seeds=(seed,)) for seed in (4, 4, 5)]
    assert equal(weights(runs[0]), weights(runs[1]))
    assert np.array_equal(runs[0].curve.losses, runs[1].curve.losses, equal_nan=True)
    assert not equal(weights(runs[0]), weights(runs[2]))


@pytest.mark.parametrize(
    ("algorithm", "task"),
    [
        (QMIX(recurrent=True, sequence_length=3, **QUICK), "Foraging-5x5-2p-1f-v3"),
        (DQN(noisy=True, n_steps=2, **QUICK), "CartPole-v1"),
        (DQN(**QUICK), "FrozenLake-v1"),
    ],
    ids=["recurrent", "noisy", "no snapshots"],
)
def test_how_often_and_on_how_much_a_run_is_evaluated_does_not_change_it(algorithm, task):
    plan = {"steps": 240, "checkpoint_every": 80}
    often = train(algorithm, task, evaluate_every=20, episodes=3, **plan)
    seldom = train(algorithm, task, evaluate_every=240, episodes=1, **plan)
    assert equal(weights(often), weights(seldom))
    assert len(often.curve) == 13


def test_a_seed_that_reaches_the_threshold_keeps_the_networks_with_which_it_did(tmp_path):
    """Thresholds between the seeds' returns: some stop early, and their networks are those of a run that ends there."""
    algorithm, task = VDN(lr=1e-2, **QUICK), "climbing"
    plan = {"episodes": 1, "evaluate_every": 40}
    seeds = tuple(range(8))
    free = train(algorithm, task, steps=400, seeds=seeds, **plan)
    best = free.curve.mean_return.max(axis=0)
    threshold = float(np.median(best))
    first = free.curve.solved_at(threshold)
    assert np.unique(first[np.isfinite(first)]).size > 1
    run = train(algorithm, task, steps=400, seeds=seeds, return_threshold=threshold, folder=tmp_path, **plan)
    for place, seed in enumerate(seeds):
        if not np.isfinite(first[place]):
            assert equal(weights(run, place), weights(free, place))
            continue
        alone = train(algorithm, task, steps=400, seeds=(seed,), return_threshold=threshold, **plan)
        assert alone.curve.steps[-1] == first[place]
        assert equal(weights(run, place), weights(alone))
        assert equal(weights(load_run(tmp_path), place), weights(alone))
        later = run.curve.steps > first[place]
        for part in (run.curve.mean_return, run.curve.training_returns, run.curve.losses):
            assert np.isnan(part[later, place]).all()
        assert np.array_equal(run.curve.mean_return[~later, place], alone.curve.mean_return[:, 0])


def test_a_stopped_seed_whose_gradients_are_no_numbers_does_not_end_the_run(tmp_path, monkeypatch):
    algorithm, seeds = VDN(lr=1e-2, **QUICK), tuple(range(8))
    plan = {"episodes": 1, "evaluate_every": 40}
    plan["return_threshold"] = threshold = 10.0
    undisturbed = train(algorithm, "climbing", steps=400, seeds=seeds, **plan)
    first = undisturbed.curve.solved_at(threshold)
    place = int(np.nanargmin(first))
    going_on = int(np.flatnonzero(~np.isfinite(first))[0])
    fused, poisoned = Adam.step, [place]
    updates = []

    def step(self):
        updates.append(1)
        if len(updates) > first[place] / QUICK["update_every"]:
            for row in self.flat.gradients_by_seed:
                row[poisoned[0]] = np.nan
        fused(self)

    monkeypatch.setattr(Adam, "step", step)
    run = train(algorithm, "climbing", steps=400, seeds=seeds, folder=tmp_path / "run", **plan)
    assert run.record.status == "finished"
    for seed in range(len(seeds)):
        assert equal(weights(run, seed), weights(undisturbed, seed))
    poisoned[0] = going_on
    updates.clear()
    with pytest.raises(NotFinite, match="the weights"):
        train(algorithm, "climbing", steps=400, seeds=seeds, **plan)


def test_a_run_ends_when_all_seeds_have_reached_the_threshold():
    run = train(VDN(**QUICK), "climbing", steps=10_000, episodes=1, seeds=(0, 1), return_threshold=-1e9)
    assert run.curve.steps.tolist() == [0]
    assert run.record.status == "finished"


def test_the_record_tells_how_a_run_was_made_and_the_curve_what_came_of_it(tmp_path):
    algorithm = IDQN(epsilon_steps=100, **QUICK)
    run = train(algorithm, "climbing:repeats=3", steps=200, seeds=(2, 7), episodes=5, folder=tmp_path)
    told = json.loads((tmp_path / "run.json").read_text())
    assert (told["algorithm"], told["task"], told["seeds"], told["steps"]) == (
        "IDQN",
        "climbing_game:repeats=3",
        [2, 7],
        200,
    )
    assert (told["status"], told["reason"], told["steps_done"]) == ("finished", None, 200)
    assert told["settings"]["hidden"] == [16]
    assert told["options"]["evaluate_every"] == 10
    assert told["threads"] == 1
    assert set(told["versions"]) == {"python", "torch", "numpy", "marlgt"}
    assert told["wall_seconds"] > 0
    curve = json.loads((tmp_path / "curve.json").read_text())
    assert curve["seeds"] == [2, 7]
    assert [point["steps"] for point in curve["points"]][:2] == [0, 12]
    assert curve["points"][0]["losses"] == [None, None]
    assert curve["points"][0]["exploration"] == 1.0
    assert curve["points"][-1]["exploration"] == 0.05
    assert np.array(curve["points"][-1]["returns"]).shape == (2, 5)
    assert run.curve.lengths.tolist() == [[[3] * 5] * 2] * len(run.curve)
    assert not (tmp_path / "checkpoint.safetensors").exists()


def test_training_returns_are_those_of_the_team(clock):
    """Independent learners are rewarded apart, half a point a step for five steps; what is told is the sum."""
    run = train(IDQN(**QUICK), clock, steps=80, episodes=2, evaluate_every=40, checkpoint_every=80)
    assert not run.spec.common_reward
    assert run.curve.training_returns[1:].tolist() == [[5.0], [5.0]]
    played = evaluate(run, episodes=2)
    assert played.returns.tolist() == [[[2.5, 2.5]] * 2]
    assert played.team_returns.tolist() == [[5.0, 5.0]]


def test_tensorboard_gets_every_point_of_the_curve_once(tmp_path):
    pytest.importorskip("tensorboard")
    train(VDN(**QUICK), "climbing", steps=80, evaluate_every=20, episodes=1, folder=tmp_path, tensorboard=True)
    assert list((tmp_path / "tensorboard" / "seed_0").iterdir())


@pytest.mark.skipif(os.name != "posix", reason="pseudo-terminals are those of POSIX")
def test_progress_with_return_and_speed_is_shown_on_a_terminal():
    import pty

    code = (
        "from marlgt import progress; progress._SILENT_SECONDS = 0.0\n"
        "from marlgt.deep import VDN, train\n"
        f"train(VDN(**{QUICK!r}), 'climbing', steps=600, episodes=1)"
    )
    leader, follower = pty.openpty()
    environment = {**os.environ, "TERM": "xterm", "COLUMNS": "120"}
    with subprocess.Popen([sys.executable, "-c", code], stderr=follower, env=environment) as child:
        os.close(follower)
        shown = b""
        while True:
            try:
                piece = os.read(leader, 4096)
            except OSError:
                break
            if not piece:
                break
            shown += piece
        os.close(leader)
    assert child.returncode == 0, shown
    assert b"training VDN" in shown
    assert b"steps/s" in shown


def test_a_run_is_evaluated_on_another_task_of_the_same_sizes_and_with_random_actions():
    run = train(VDN(lr=1e-2, **QUICK), "climbing", steps=400, episodes=1, seeds=(0, 1))
    greedy = evaluate(run, episodes=6)
    assert np.array_equal(greedy.returns, evaluate(run, episodes=6).returns)
    assert (greedy.returns == greedy.returns[:, :1]).all()
    assert len(np.unique(evaluate(run, episodes=200, epsilon=1.0).returns)) > 3
    assert evaluate(run, episodes=6, task="climbing:repeats=4").lengths.tolist() == [[4] * 6] * 2
    assert np.isfinite(evaluate(run, episodes=6, task="penalty_game").returns).all()
    with pytest.raises(GameError, match="evaluate it on a task of the same sizes"):
        evaluate(run, episodes=1, task="prisoners_dilemma")
    with pytest.raises(GameError, match="epsilon must be a number from 0 to 1"):
        evaluate(run, episodes=1, epsilon=2.0)


def test_a_policy_flown_in_pybullet_earns_what_it_earns_in_our_own_physics():
    pytest.importorskip("pybullet")
    run = train(VDN(**QUICK), "multihover:n_drones=2,seconds=1", steps=200, episodes=1, evaluate_every=200)
    ours, theirs = evaluate(run, episodes=2), evaluate(run, episodes=2, backend="bullet")
    np.testing.assert_allclose(theirs.team_returns, ours.team_returns, rtol=0.05, atol=0.05)
