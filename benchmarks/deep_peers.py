"""DQN against Stable-Baselines3's, side by side in one process at equal settings: CPU seconds of an environment step.

Both play CartPole and learn as they go, with the same network (4-64-64-2, ReLU), batch, replay, target period, share of
random actions and ratio of updates to steps. Nothing is left out but evaluations, which neither does. Rounds alternate;
the figures are those of the best round of each, since others use the machine too, and beside them those of the median
round. Stable-Baselines3 counts its target period in steps, and clips gradients at a norm of 10; so do we. Each case is
taken twice, by PyTorch's operations and by compiled loops (``compiled=True``), of which the ratio is asked for. The
last rows are trainings of eight seeds at once, which Stable-Baselines3 has to take one after another.
"""

from __future__ import annotations

import statistics
import sys
import time
import warnings
from typing import Any

from benchmarks.deep_speed import Case, Training
from benchmarks.harness import Row

AREA = "deep peers"
ROUNDS, SECONDS = 7, 0.7
RATIO = 3.0
"""Least Stable-Baselines3 seconds over ours that are asked for."""
PEER = "Stable-Baselines3"
TASK = "CartPole-v1"
STEPS_OF_AN_UPDATE = 4
TARGET_STEPS = 2_000
BATCHES = (32, 128)
COPIES = (1, 8, 16)
SEEDS = 8
ENGINES = {False: "PyTorch", True: "compiled"}


class Peer:
    """Stable-Baselines3's DQN under way.

    Parameters
    ----------
    n_envs, batch_size : int
    """

    def __init__(self, n_envs: int, batch_size: int) -> None:
        from stable_baselines3 import DQN
        from stable_baselines3.common.env_util import make_vec_env

        # With several copies each call steps all of them, and several updates follow.
        train_freq, gradient_steps = (STEPS_OF_AN_UPDATE, 1) if n_envs == 1 else (1, n_envs // STEPS_OF_AN_UPDATE)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            self.model = DQN(
                "MlpPolicy",
                make_vec_env(TASK, n_envs=n_envs, seed=0),
                learning_rate=5e-4,
                buffer_size=20_000,
                learning_starts=1_000,
                batch_size=batch_size,
                gamma=0.99,
                train_freq=train_freq,
                gradient_steps=gradient_steps,
                target_update_interval=TARGET_STEPS,
                exploration_initial_eps=0.05,
                exploration_final_eps=0.05,
                policy_kwargs={"net_arch": [64, 64]},
                seed=0,
                device="cpu",
            )
        self.n_envs = n_envs
        self.model.learn(1_400)

    def round(self) -> float:
        """Return the CPU seconds of an environment step, averaged over some time."""
        chunk = 100 * self.n_envs
        started, done = time.process_time(), 0
        while time.process_time() - started < SECONDS:
            before = self.model.num_timesteps
            self.model.learn(chunk, reset_num_timesteps=False, log_interval=1_000_000)
            done += self.model.num_timesteps - before
        return (time.process_time() - started) / done


def case(n_envs: int, batch_size: int, *, compiled: bool = False) -> Case:
    """Return our side."""
    settings: dict[str, Any] = {
        "n_envs": n_envs,
        "batch_size": batch_size,
        "update_every": STEPS_OF_AN_UPDATE,
        "target_period": TARGET_STEPS // STEPS_OF_AN_UPDATE,
        "epsilon_start": 0.05,
        "epsilon_end": 0.05,
        "huber": 1.0,
        "clip": 10.0,
        "compiled": compiled,
    }
    return Case("DQN", TASK, settings)


def run() -> list[Row]:
    """Time both sides for some numbers of copies and sizes of batches."""
    from marlgt.deep.interrupts import threads_set

    sizes = [(n_envs, batch_size, 1) for batch_size in BATCHES for n_envs in COPIES]
    with threads_set(1):
        return [row for size in (*sizes, (COPIES[-1], BATCHES[0], SEEDS)) for row in compared(*size)]


def compared(n_envs: int, batch_size: int, n_seeds: int) -> list[Row]:
    """Time both engines and the peer in rounds that alternate; of several seeds, the seconds of one."""
    cases = {ENGINES[compiled]: case(n_envs, batch_size, compiled=compiled) for compiled in (False, True)}
    ours = {engine: Training(chosen, n_seeds) for engine, chosen in cases.items()}
    peer = Peer(n_envs, batch_size)
    mine: dict[str, list[float]] = {engine: [] for engine in ours}
    theirs = []
    for _ in range(ROUNDS):
        for engine, training in ours.items():
            mine[engine].append(training.round(SECONDS) / n_seeds)
        theirs.append(peer.round())
    for training in ours.values():
        training.close()
    peer.model.get_env().close()
    rows = [told(cases[engine].title, engine, n_seeds, mine[engine], theirs) for engine in cases]
    for row in rows:
        print(f"  {row.case}: {row.peers[PEER]:.2f} times", file=sys.stderr, flush=True)
    return rows


def told(title: str, engine: str, n_seeds: int, mine: list[float], theirs: list[float]) -> Row:
    """Return the row of one engine."""
    each, median = min(mine), statistics.median(mine)
    return Row(
        area=AREA,
        case=f"{'' if n_seeds == 1 else f'a seed of {n_seeds} at once: '}{title}, {engine}",
        ours=each,
        peers={PEER: min(theirs) / each},
        goal={PEER: RATIO} if engine == ENGINES[True] else {},
        facts={
            "times, median round": statistics.median(one / own for own, one in zip(mine, theirs, strict=True)),
            "our steps a second": 1 / each,
            "theirs": 1 / min(theirs),
            "our steps a second, median": 1 / median,
            "theirs, median": 1 / statistics.median(theirs),
        },
        note="best rounds of both",
    )
