"""Drone physics and environments on PyTorch tensors: on one processor core, and on a GPU where there is one.

A substep is one drone moved by 1/240 s under commanded rotor speeds, with drag and ground effect, in single precision;
an environment step is one control step of ``multihover`` with two drones, its controllers, judging, observations and
resets. Asked for are 1e9 substeps a second on a GPU; where there is none the row says so and nothing is judged. On the
processor the compiled backend is the faster one, and its figures stand beside these. ``torch.compile`` is timed after
it has compiled; how long that took is shown too. Processor figures are CPU seconds on one thread, GPU figures seconds
by the clock until the device is done.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from benchmarks.harness import Row, repeats_for, seconds_per_call
from marlgt.games.drones import airframe, make_batch, make_task
from marlgt.games.drones.kernels import layout
from marlgt.games.drones.kernels.controllers import follow_motors
from marlgt.games.drones.kernels.engine import burden_nothing
from marlgt.games.drones.kernels.lanes import WIDTH, Columns

AREA = "drones on tensors"
ON_A_PROCESSOR = (1024, 16_384)
ON_A_GPU = 262_144
GOAL = 1000.0
"""Million substeps a second."""
ENVIRONMENTS = (64, 1024, 16_384)


def run() -> list[Row]:
    import torch

    from marlgt.deep.interrupts import threads_set

    with threads_set(1):
        return list(_rows(torch))


def _rows(torch: Any) -> Iterator[Row]:
    for drones in ON_A_PROCESSOR:
        for compiled in (False, True):
            yield physics(torch, drones, "cpu", compiled=compiled)
    for n_envs in ENVIRONMENTS:
        yield environments(torch, n_envs, "cpu")
    if torch.cuda.is_available():
        for compiled in (False, True):
            yield physics(torch, ON_A_GPU, "cuda", compiled=compiled)
        yield environments(torch, ON_A_GPU, "cuda")
    else:
        note = f"no GPU here: not measured; the goal there is {GOAL:.0f} million substeps a second"
        yield Row(area=AREA, case=f"physics, {ON_A_GPU:,} drones, cuda", ours=float("nan"), note=note)


def seconds(torch: Any, call: Callable[[], object], device: str, rounds: int = 5) -> float:
    """Return the median seconds of a call: of the processor, or by the clock until a GPU is done."""
    if device == "cpu":
        repeats = repeats_for(call)
        return float(np.median([seconds_per_call(call, repeats) for _ in range(rounds)]))
    times = []
    for _ in range(rounds + 1):
        torch.cuda.synchronize()
        started = time.perf_counter()
        for _ in range(20):
            call()
        torch.cuda.synchronize()
        times.append((time.perf_counter() - started) / 20)
    return float(np.median(times[1:]))


def physics(torch: Any, drones: int, device: str, *, compiled: bool) -> Row:
    """Time a substep of drones that hover in worlds of their own."""
    from marlgt.games.drones.backends.torch_lanes import vocabulary
    from marlgt.games.drones.backends.torch_physics import fused, make_substep

    frame = airframe("cf2x")
    substep = make_substep(
        follow_motors, burden_nothing, frame.parameters(1 / 240).tolist(), (), 1, vocabulary(torch.float32)
    )
    fields = {k * WIDTH: torch.zeros((1, drones), device=device) for k in range(layout.DRONE_FIELDS)}
    world = {k * WIDTH: torch.zeros(drones, device=device) for k in range(layout.WORLD_FIELDS)}
    for field in (layout.QW, layout.Z, layout.ACTIVE, layout.INERTIA, layout.H0, layout.H1, layout.H2, layout.H3):
        fields[field] = torch.ones((1, drones), device=device)
    fields[layout.MASS] = torch.full((1, drones), frame.mass, device=device)
    for field in (layout.N0, layout.N1, layout.N2, layout.N3, layout.U0, layout.U1, layout.U2, layout.U3):
        fields[field] = torch.full((1, drones), frame.hover_rpm, device=device)
    facts: dict[str, float] = {}
    d, w = Columns(fields), Columns(world)
    with torch.no_grad():
        if compiled:
            started = time.process_time()
            substep = fused(substep, fields, world)
            substep(d, w)
            facts["seconds to compile"] = time.process_time() - started
        taken = seconds(torch, lambda: substep(d, w), device)
    speed = 1e-6 * drones / taken
    return Row(
        area=AREA,
        case=f"physics, {drones:,} drones, {device}, {'compiled' if compiled else 'eager'}",
        ours=taken,
        facts={"million substeps/s": speed, **facts},
        facts_goal={"million substeps/s": GOAL} if device == "cuda" and compiled else {},
    )


def environments(torch: Any, n_envs: int, device: str) -> Row:
    """Time a step of environments on tensors, and on the processor that of the compiled backend beside it."""
    task = make_task("multihover")
    env = make_batch(task, n_envs=n_envs, backend="torch", dtype="float32", device=device)
    env.reset(seed=0)
    actions = env.random_actions()
    taken = seconds(torch, lambda: env.step(actions), device)
    facts = {"env-steps/s": n_envs / taken}
    if device == "cpu":
        peer = make_batch(task, n_envs=n_envs, dtype="float32")
        peer.reset(seed=0)
        choices = peer.random_actions()
        facts["numba env-steps/s"] = n_envs / seconds(torch, lambda: peer.step(choices), device)
    numbers = task.n_drones * layout.DRONE_FIELDS + layout.WORLD_FIELDS
    facts["kB of state per env"] = (4 * numbers + 8 * layout.CLOCK_FIELDS) / 1000
    return Row(area=AREA, case=f"multihover, {n_envs:,} environments, {device}", ours=taken, facts=facts)
