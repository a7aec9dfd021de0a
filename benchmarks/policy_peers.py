"""PPO against Stable-Baselines3's, side by side in one process at equal settings: CPU seconds of an environment step.

Both play CartPole and learn as they go: 128 steps of each copy, then four epochs of four mini-batches on networks of
64 and 64 units (hyperbolic tangent) for policy and critic each, Adam, gradients clipped at 0.5, no evaluations. Rounds
alternate; the figures are those of the best round of each, since others use the machine too, and beside them those of
the median round. With 128 copies we are compared with Stable-Baselines3 at as many, and at the four at which it is
usually run. Each case is taken twice, by PyTorch's operations and by compiled loops (``compiled=True``), of which the
ratios are asked for. The last rows are of one training alone: a step and an update of a mixture critic beside those of
a scalar critic, both by PyTorch's operations, and where the time goes, also with Stable-Baselines3's default settings
on gym-pybullet-drones' hover in one dimension, where it was seen to make 640 to 750 steps a CPU-second.
"""

from __future__ import annotations

import itertools
import statistics
import sys
import time
import warnings
from typing import Any

from benchmarks.harness import Row

AREA = "policy peers"
ROUNDS, SECONDS = 5, 1.0
PEER, SCALAR = "Stable-Baselines3", "scalar critic"
TASK = "CartPole-v1"
STEPS = 128
EPOCHS = MINIBATCHES = 4
FEW, MANY = 4, 128
GOALS = {(FEW, FEW): 2.0, (MANY, FEW): 10.0, (MANY, MANY): 10.0}
"""Least Stable-Baselines3 seconds over ours that are asked for, by our copies and its."""
ENGINES = {False: "PyTorch", True: "compiled"}


class Peer:
    """Stable-Baselines3's PPO under way.

    Parameters
    ----------
    n_envs : int
    """

    def __init__(self, n_envs: int) -> None:
        from stable_baselines3 import PPO
        from stable_baselines3.common.env_util import make_vec_env

        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            self.model = PPO(
                "MlpPolicy",
                make_vec_env(TASK, n_envs=n_envs, seed=0),
                learning_rate=3e-4,
                n_steps=STEPS,
                batch_size=n_envs * STEPS // MINIBATCHES,
                n_epochs=EPOCHS,
                seed=0,
                device="cpu",
            )
        # Several rollouts a call, where one is short.
        self.chunk = n_envs * STEPS * (FEW if n_envs == FEW else 1)
        self.model.learn(self.chunk)

    def round(self) -> float:
        """Return the CPU seconds of an environment step, averaged over some time."""
        started, done = time.process_time(), 0
        while time.process_time() - started < SECONDS:
            self.model.learn(self.chunk, reset_num_timesteps=False, log_interval=1_000_000)
            done += self.chunk
        return (time.process_time() - started) / done


class Ours:
    """Our training under way.

    Parameters
    ----------
    name, task : str
        Of the algorithm and of the task.
    **settings
        Of the algorithm.
    """

    def __init__(self, name: str, task: str, **settings: Any) -> None:
        from marlgt.deep import make_environment
        from marlgt.deep.algorithms.naming import algorithm_named
        from marlgt.deep.algorithms.value_algorithm import Spec
        from marlgt.deep.seeded_environments import SeededEnvs

        made: Any = algorithm_named(name)(**settings)
        self.algorithm = made
        self.envs = SeededEnvs(lambda: make_environment(task, made.n_envs, continuous=True), [0], "cpu")
        self.envs.reset()
        self.learner = made.learner(Spec.of(self.envs.envs[0]), [0], steps=10**9, device="cpu")
        self.rollout()

    def rollout(self) -> None:
        """Take a rollout, and learn from it."""
        learner, envs = self.learner, self.envs
        for _ in range(self.algorithm.rollout_steps):
            learner.observe(envs.step(learner.act(envs)), envs)
            learner.learn()

    def round(self) -> float:
        """Return the CPU seconds of an environment step, averaged over some time."""
        started, done = time.process_time(), 0
        while time.process_time() - started < SECONDS:
            self.rollout()
            done += self.algorithm.rollout_steps * self.algorithm.n_envs
        return (time.process_time() - started) / done

    def update(self) -> float:
        """Return the CPU seconds of an update, averaged over some passes over one rollout."""
        learner, envs = self.learner, self.envs
        for _ in range(self.algorithm.rollout_steps):
            learner.observe(envs.step(learner.act(envs)), envs)
        rows = learner.rows()
        started, done = time.process_time(), 0
        while time.process_time() - started < SECONDS:
            self.algorithm.improve(learner, rows)
            done += self.algorithm.epochs * self.algorithm.minibatches
        taken = (time.process_time() - started) / done
        learner.rollout.begin()
        return taken

    def shares(self) -> dict[str, float]:
        """Return the share of the time of each part of a rollout: acting, environment, keeping, targets, updates."""
        parts = dict.fromkeys(("act", "environment", "observe", "prepare", "update"), 0.0)
        learner, envs = self.learner, self.envs
        began = time.process_time()
        while time.process_time() - began < 2 * SECONDS:
            # A clock that is asked for every step would cost more than the steps.
            marks = [time.perf_counter()]
            for _ in range(self.algorithm.rollout_steps):
                actions = learner.act(envs)
                marks.append(time.perf_counter())
                step = envs.step(actions)
                marks.append(time.perf_counter())
                learner.observe(step, envs)
                marks.append(time.perf_counter())
            rows = learner.rows()
            marks.append(time.perf_counter())
            self.algorithm.improve(learner, rows)
            learner.rollout.begin()
            marks.append(time.perf_counter())
            took = [late - early for early, late in itertools.pairwise(marks)]
            for number, name in enumerate(("act", "environment", "observe")):
                parts[name] += sum(took[number:-2:3])
            parts["prepare"] += took[-2]
            parts["update"] += took[-1]
        total = sum(parts.values())
        return {name: spent / total for name, spent in parts.items()}


def run() -> list[Row]:
    """Time both sides, and our parts."""
    from marlgt.deep.interrupts import threads_set

    with threads_set(1):
        return [*_beside_peer(), *_beside_scalar(), *_profiles()]


def proximal(n_envs: int, **settings: Any) -> dict[str, Any]:
    """Return the settings of both sides."""
    told = {"lr": 3e-4, "n_envs": n_envs, "rollout_steps": STEPS, "epochs": EPOCHS, "minibatches": MINIBATCHES}
    return told | settings


def _beside_peer() -> list[Row]:
    cases = list(itertools.product((FEW, MANY), ENGINES))
    ours = {(n_envs, loops): Ours("PPO", TASK, **proximal(n_envs, compiled=loops)) for n_envs, loops in cases}
    peers = {n_envs: Peer(n_envs) for n_envs in (FEW, MANY)}
    mine: dict[tuple[int, bool], list[float]] = {case: [] for case in cases}
    theirs: dict[int, list[float]] = {n_envs: [] for n_envs in peers}
    for _ in range(ROUNDS):
        for n_envs, peer in peers.items():
            for loops in ENGINES:
                mine[n_envs, loops].append(ours[n_envs, loops].round())
            theirs[n_envs].append(peer.round())
    rows = []
    for (a, b), loops in itertools.product(GOALS, ENGINES):
        case = f"PPO, {a} copies, beside {b}, {ENGINES[loops]}"
        rows.append(_told(PEER, case, mine[a, loops], theirs[b], GOALS[a, b] if loops else None))
    return rows


def _told(
    peer: str, case: str, mine: list[float], theirs: list[float], goal: float | None, what: str = "a step"
) -> Row:
    print(f"  {case}: {min(theirs) / min(mine):.2f} times", file=sys.stderr, flush=True)
    return Row(
        area=AREA,
        case=case,
        ours=min(mine),
        peers={peer: min(theirs) / min(mine)},
        goal={} if goal is None else {peer: goal},
        facts={
            "times, median round": statistics.median(one / own for own, one in zip(mine, theirs, strict=True)),
            f"our {what.split()[1]}s a second": 1 / min(mine),
            "theirs": 1 / min(theirs),
        },
        note="best rounds of both",
    )


def _beside_scalar() -> list[Row]:
    rows = []
    for n_envs in (FEW, MANY):
        scalar, mixture = (Ours(name, TASK, **proximal(n_envs, normalise_values=True)) for name in ("PPO", "GMAC"))
        steps = [(mixture.round(), scalar.round()) for _ in range(ROUNDS)]
        updates = [(mixture.update(), scalar.update()) for _ in range(ROUNDS)]
        for what, pairs, goal in (("a step", steps, None), ("an update", updates, 1 / 1.5)):
            mine, theirs = ([pair[side] for pair in pairs] for side in (0, 1))
            rows.append(_told(SCALAR, f"GMAC, {n_envs} copies, {what}", mine, theirs, goal, what))
    return rows


PROFILED: dict[str, tuple[str, str, dict[str, Any]]] = {
    **{
        f"PPO on CartPole, {n_envs} copies, {engine}": ("PPO", TASK, proximal(n_envs, compiled=loops))
        for n_envs, (loops, engine) in itertools.product((FEW, MANY), ENGINES.items())
    },
    **{
        f"PPO on a drone in one dimension, one copy, Stable-Baselines3's default settings, {engine}": (
            "PPO",
            "hover1d-gpd",
            {"n_envs": 1, "rollout_steps": 2048, "epochs": 10, "minibatches": 32, "compiled": loops},
        )
        for loops, engine in ENGINES.items()
    },
    "IPPO on foraging, by the recipe": ("IPPO", "Foraging-8x8-2p-3f-v3:horizon=25,observation=relative", {}),
    **{
        f"PPO on a drone of four motors, 1024 copies of 16 steps, {engine}": (
            "PPO",
            "hover-gpd",
            {"n_envs": 1024, "rollout_steps": 16, "epochs": 4, "minibatches": 4, "compiled": loops},
        )
        for loops, engine in ENGINES.items()
    },
}


def _profiles() -> list[Row]:
    from dataclasses import asdict

    from marlgt.deep import recipe

    rows = []
    for case, (name, task, settings) in PROFILED.items():
        training = Ours(name, task, **(settings or asdict(recipe(task).algorithm(name))))
        each = min(training.round() for _ in range(ROUNDS))
        facts = {"our steps a second": 1 / each, **{f"share of {k}": v for k, v in training.shares().items()}}
        training.envs.close()
        print(f"  {case}: {1 / each:,.0f} steps a second", file=sys.stderr, flush=True)
        rows.append(Row(area=AREA, case=case, ours=each, peers={}, facts=facts, note="best round"))
    return rows
