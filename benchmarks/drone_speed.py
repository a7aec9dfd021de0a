"""Speed of the compiled drones: physics alone, whole environment steps, how both scale, memory, and time to compile.

A substep is one drone moved by 1/240 s; an environment step is one control step of all drones of an environment, with
controllers, aerodynamics, contacts, rewards, observations and resets, under random actions, of which twenty take turns.
Figures are CPU seconds on one thread, the least of several rounds, since others use the machine too; only where two
threads fly, it is seconds by the clock. Ratios against gym-pybullet-drones are of one environment step of four drones:
its plain physics without resets against ours with air and resets (see ``drone_peers`` for where its figures come from).
"""

from __future__ import annotations

import dataclasses
import os
import subprocess
import sys
import tempfile
import time
import tracemalloc
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.drone_peers import gpd_seconds
from benchmarks.harness import Row
from marlgt.games.drones import Scene, Task, make_batch, make_task
from marlgt.games.drones.airframes import AIRFRAMES
from marlgt.games.drones.kernels import layout
from marlgt.games.drones.kernels.controllers import follow_velocity
from marlgt.games.drones.kernels.dynamics import advance, air, spin
from marlgt.games.drones.kernels.engine import held
from marlgt.games.drones.kernels.lanes import WIDTH
from marlgt.kernels import compiled, lane_kernel, lane_loop, specialised

AREA = "drone speed"
DRONES, ENVIRONMENTS, SUBSTEPS, TURNS = (1024, 16_384), 256, 8, 20
SUBSTEPS_ASKED = {"float64": 50.0, "float32": 100.0}
"""Million substeps a second of the physics alone."""
STEPS_ASKED, RATIO_ASKED = 0.5, 500.0
"""Million steps a second of environments with four drones, and times gym-pybullet-drones."""
PER_ENVIRONMENT = (1, 2, 4, 8, 16, 32, 64)
BATCHES = (1, 16, 256, 1024, 4096, 16_384, 65_536)
GIGABYTE = 1e9
FRAME = AIRFRAMES["cf2x"]


def run() -> list[Row]:
    return list(_rows())


def _rows() -> Iterator[Row]:
    for dtype in ("float64", "float32"):
        for drones in DRONES:
            for case, kernels in PHYSICS.items():
                yield _physics(case, kernels, drones, dtype)
    peer, note = gpd_seconds()
    for actions in ("motors", "velocity", "discrete"):
        for dtype in ("float64", "float32"):
            yield _environment(actions, dtype, peer["multihover"]["step"], note)
    for n in PER_ENVIRONMENT:
        yield _drones_per_environment(n)
    for count in BATCHES:
        yield _batch(count)
    yield _threads(16_384)
    yield _memory(4096)
    yield from _compilation()


def least(
    call: Callable[[], object], *, rounds: int = 7, seconds: float = 0.1, clock: Any = time.process_time
) -> float:
    """Return the seconds of a call, the least of several rounds of about so many seconds each."""
    call()
    started = clock()
    call()
    repeats = max(1, round(seconds / max(clock() - started, 1e-6)))
    found = []
    for _ in range(rounds):
        started = clock()
        for _ in range(repeats):
            call()
        found.append((clock() - started) / repeats)
    return min(found)


@lane_kernel
def coast(d: Any, p: Any, e: int) -> None:
    """Leave the commands as they are."""


@lane_kernel
def no_air(d: Any, w: Any, p: Any, e: int) -> None:
    """Fly in a vacuum."""


follow = coast
wind = no_air


@lane_loop
def move(drones: Any, w: Any, p: Any, substeps: int) -> None:
    """Move drones by some substeps, as the engine does under a controller."""
    frame = held(p)
    for i in range(len(drones)):
        d = drones[i]
        for _ in range(substeps):
            for e in range(WIDTH):
                follow(d, frame, e)
                spin(d, frame, e)
                wind(d, w, frame, e)
                advance(d, frame, e)


PHYSICS: dict[str, dict[str, Callable[..., None]]] = {
    "rotors": {"follow": coast, "wind": no_air},
    "rotors and air": {"follow": coast, "wind": air},
    "rotors, air and velocity control": {"follow": follow_velocity, "wind": air},
}


def _physics(case: str, kernels: dict[str, Any], count: int, dtype: str) -> Row:
    single = dtype == "float32"
    drones = np.zeros((count // WIDTH, layout.DRONE_FIELDS, WIDTH), dtype)
    drones[:, layout.Z // WIDTH] = 100.0
    for field in (layout.QW, layout.INERTIA, layout.H0, layout.H1, layout.H2, layout.H3):
        drones[:, field // WIDTH] = 1.0
    drones[:, layout.MASS // WIDTH] = FRAME.mass
    for field in (layout.N0, layout.N1, layout.N2, layout.N3, layout.C0, layout.C1, layout.C2, layout.C3):
        drones[:, field // WIDTH] = FRAME.hover_rpm
    flat, still = drones.reshape(count // WIDTH, -1), np.zeros(layout.WORLD_FIELDS * WIDTH, dtype)
    parameters = FRAME.parameters(1 / 240).astype(dtype)
    kernel = compiled(specialised(move, **kernels), single=single)
    each = least(lambda: kernel(flat, still, parameters, SUBSTEPS)) / (count * SUBSTEPS)
    asked = {"million substeps a second": SUBSTEPS_ASKED[dtype]} if case == "rotors" else {}
    return Row(
        area=AREA,
        case=f"a substep with {case}, {count} drones, {dtype}",
        ours=each,
        facts={"million substeps a second": 1e-6 / each},
        facts_goal=asked,
    )


def _seconds_per_step(env: Any, *, clock: Any = time.process_time) -> float:
    """Return the seconds of a step of one environment of a batch, after each has been under way for a while."""
    env.reset(seed=0)
    turns = [env.random_actions() for _ in range(TURNS)]
    for actions in turns:
        env.step(actions)
    state = {"turn": 0}

    def step() -> None:
        env.step(turns[state["turn"] % TURNS])
        state["turn"] += 1

    return least(step, clock=clock) / env.n_envs


def _environment(actions: str, dtype: str, peer: float, note: str) -> Row:
    each = _seconds_per_step(make_batch("multihover", n_drones=4, actions=actions, n_envs=ENVIRONMENTS, dtype=dtype))
    name = "gym-pybullet-drones"
    return Row(
        area=AREA,
        case=f"a step of four drones, {actions}, {ENVIRONMENTS} environments (1024 drones), {dtype}",
        ours=each,
        peers={name: peer / each},
        goal={name: RATIO_ASKED},
        note=note,
        facts={"million steps a second": 1e-6 / each},
        facts_goal={"million steps a second": STEPS_ASKED},
    )


def hovering(n: int) -> Task:
    """Return ``multihover`` with any number of drones, which needs a larger arena where they are many."""
    task, reach = make_task("multihover", n_drones=min(n, 8), actions="velocity"), 2.5 + 0.15 * n
    scene = Scene((-reach, -reach, -0.1), (reach, reach, 2.5))
    return dataclasses.replace(task, n_drones=n, scene=scene, neighbours=min(n - 1, 3))


def _drones_per_environment(n: int) -> Row:
    count = max(WIDTH, 4096 // n)
    each = _seconds_per_step(make_batch(hovering(n), n_envs=count))
    return Row(
        area=AREA,
        case=f"a step of {n} drones, velocity, {count} environments, float64",
        ours=each,
        facts={"thousand steps a second": 1e-3 / each, "million substeps a second": 1e-6 * n * SUBSTEPS / each},
    )


def _batch(count: int) -> Row:
    each = _seconds_per_step(make_batch("multihover", n_drones=4, actions="velocity", n_envs=count))
    return Row(
        area=AREA,
        case=f"a step of four drones, velocity, in a batch of {count}, float64",
        ours=each,
        facts={"thousand steps a second": 1e-3 / each, "microseconds a call": 1e6 * each * count},
    )


def _threads(count: int) -> Row:
    """Compare one thread with two, in seconds by the clock; both cores must be free for that."""
    times = []
    for threads in (1, 2):
        env = make_batch("multihover", n_drones=4, actions="velocity", n_envs=count, threads=threads)
        times.append(_seconds_per_step(env, clock=time.perf_counter))
        env.close()
    return Row(
        area=AREA,
        case=f"two threads, {count} environments of four drones, by the clock",
        ours=times[1],
        peers={"one thread": times[0] / times[1]},
        note=f"load {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores",
    )


def _memory(count: int) -> Row:
    """Measure what an environment of four drones takes, with the arrays of two steps."""
    make_batch("multihover", n_drones=4, actions="velocity", n_envs=1).reset(seed=0)
    tracemalloc.start()
    env = make_batch("multihover", n_drones=4, actions="velocity", n_envs=count)
    env.reset(seed=0)
    actions = env.random_actions()
    kept = [env.step(actions) for _ in range(2)]
    each = tracemalloc.get_traced_memory()[1] / count
    tracemalloc.stop()
    room = each * 65_536 / 4
    return Row(
        area=AREA,
        case=f"memory, four drones, float64, {len(kept)} steps kept",
        ours=float("nan"),
        facts={"kilobytes an environment": each / 1e3, "65,536 drones in a gigabyte, times": GIGABYTE / room},
        facts_goal={"65,536 drones in a gigabyte, times": 1.0},
    )


FIRST_STEP = """
import time
started = time.process_time()
from marlgt.games.drones import make_batch
env = make_batch("multihover", n_drones=4, actions="ACTIONS", n_envs=16)
env.reset(seed=0)
env.step(env.random_actions())
print(time.process_time() - started)
"""


def _compilation() -> Iterator[Row]:
    """Time a fresh process until its first step: with nothing compiled, with another task compiled, with this one."""
    with tempfile.TemporaryDirectory() as folder:
        for case, actions in (
            ("nothing compiled before", "velocity"),
            ("a task with another control compiled before", "motors"),
            ("compiled before", "motors"),
        ):
            seconds = float(
                subprocess.run(
                    [sys.executable, "-c", FIRST_STEP.replace("ACTIONS", actions)],
                    env={**os.environ, "NUMBA_CACHE_DIR": folder},
                    cwd=Path(__file__).parent.parent,
                    capture_output=True,
                    text=True,
                    check=True,
                ).stdout
            )
            yield Row(area=AREA, case=f"a fresh process until the first step, {case}", ours=seconds)


if __name__ == "__main__":
    from benchmarks.__main__ import describe

    for found in _rows():
        print(describe(found.__dict__ | {"met": found.met}), found.note, flush=True)
