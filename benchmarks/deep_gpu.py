"""Deep value learning on a GPU, where there is one, beside one processor core; where there is none the row says so.

A figure is seconds by the clock for one environment step of one seed, learning included, until the device is done: the
least of several rounds. On a GPU small networks wait for their many small operations, so that seeds beside one another
and larger updates are nearly free there; on a core they are not. Drone tasks fly on the same device as the networks
learn; CartPole and foraging stay on the processor, and their observations travel.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

from benchmarks.deep_speed import CART, FORAGING, FORMATION, SECONDS, Case, Training
from benchmarks.harness import Row

AREA = "deep learning on a GPU"
ROUNDS = 5
SEEDS = (1, 8, 64)
CASES = (
    Case("DQN", CART, {"n_envs": 16, "update_every": 4, "batch_size": 32}),
    Case("QMIX", FORAGING, {"n_envs": 64, "update_every": 32, "batch_size": 32}),
    Case("QMIX", FORAGING, {"n_envs": 64, "recurrent": True, "sequence_length": 10, "update_every": 320}),
    Case("IDQN", FORMATION, {"n_envs": 64, "update_every": 32, "batch_size": 64}),
    Case("IDQN", FORMATION, {"n_envs": 1024, "update_every": 1024, "batch_size": 1024}),
)


def run() -> list[Row]:
    import torch

    from marlgt.deep.interrupts import threads_set

    if not torch.cuda.is_available():
        note = f"no GPU here: not measured; {len(CASES)} cases wait for one"
        return [Row(area=AREA, case="training on cuda", ours=float("nan"), note=note)]
    with threads_set(1):
        return list(_rows(torch))


def _rows(torch: Any) -> Iterator[Row]:
    for case in CASES:
        core = seconds(torch, case, 1, "cpu")
        for n_seeds in SEEDS:
            each = seconds(torch, case, n_seeds, "cuda") / n_seeds
            yield Row(
                area=AREA,
                case=f"{n_seeds} seed{'s' if n_seeds > 1 else ''}: {case.title}",
                ours=each,
                peers={"one seed on one core": core / each},
                note=torch.cuda.get_device_name(),
                facts={"steps a second, of all seeds": 1 / each},
            )


def seconds(torch: Any, case: Case, n_seeds: int, device: str) -> float:
    """Return the seconds by the clock of an environment step of all seeds, the least of several rounds."""
    training = Training(case, n_seeds, device)

    def clock() -> float:
        if device == "cuda":
            torch.cuda.synchronize()
        return time.perf_counter()

    found = min(training.round(SECONDS, clock) for _ in range(ROUNDS))
    training.close()
    return found
