"""Speed of the drones: compiled environments and physics, and worlds in Bullet, against gym-pybullet-drones.

Everything is by CPU seconds of one core. Ratios against gym-pybullet-drones are of seconds for a control step of an
environment, or for a substep of a drone. It runs twice, and the faster run counts, in the interpreter that the
environment variable ``MARLGT_GPD_PYTHON`` names: it needs other versions of packages than we do. Where it cannot run,
figures recorded before stand in its place, and the row says so. ``hovering`` is one call of its ``step`` after another;
``with resets`` takes random actions and begins anew whenever an episode ends. Ours does the latter in both.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.harness import Row, compare
from marlgt.games.drones.airframes import AIRFRAMES
from marlgt.games.drones.backends.batch_env import BatchEnv
from marlgt.games.drones.backends.bullet_fidelity import breathe, fly_freely
from marlgt.games.drones.backends.bullet_world import BulletWorld
from marlgt.games.drones.kernels.lanes import WIDTH
from marlgt.games.drones.kernels.layout import C3, DRONE_FIELDS, H0, H3, INERTIA, MASS, N0, QW, WORLD_FIELDS, X, Z
from marlgt.games.drones.making import make_task
from marlgt.games.drones.scene import Scene
from marlgt.kernels import compiled

AREA = "drones"
ENVIRONMENTS, DRONES, SUBSTEPS = 256, 1024, 8
RECORDED = {
    "hover": {"step": 1 / 3360, "step with resets": 1 / 1095, "reset": 0.0247},
    "multihover": {"step": 1 / 1094, "step with resets": 1 / 193, "reset": 0.092},
    "multihover with air": {"step": 1 / 212, "step with resets": 1 / 10, "reset": 0.094},
}
"""Seconds of gym-pybullet-drones 90b178a on one core of a Xeon, where it was not run: hover, and four drones."""

FRAME = AIRFRAMES["cf2x"]


def run() -> list[Row]:
    peer, note = gpd_seconds()
    return [
        *(_environment("hover-gpd", 1, "hover", dtype, peer, note, {}) for dtype in ("float64", "float32")),
        *(
            _environment("multihover", 4, "multihover", dtype, peer, note, {"hovering": 500.0, "with resets": 1000.0})
            for dtype in ("float64", "float32")
        ),
        _physics(False, peer, note),
        _physics(True, peer, note),
        *(_coasting(n, peer, note) for n in (1, 4, 10)),
        _in_the_air(4, peer, note),
        _placing(4, peer, note),
    ]


def gpd_seconds() -> tuple[dict[str, dict[str, float]], str]:
    """Return the seconds of gym-pybullet-drones, and what to say of them."""
    command = [
        os.environ.get("MARLGT_GPD_PYTHON", sys.executable),
        "-W",
        "ignore",
        str(Path(__file__).with_name("gpd_clock.py")),
    ]
    runs = []
    for _ in range(2):
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            print("  gym-pybullet-drones cannot be run: set MARLGT_GPD_PYTHON to a Python that has it", file=sys.stderr)
            return RECORDED, "gym-pybullet-drones not run: its figures were recorded before"
        runs.append(json.loads(done.stdout[done.stdout.index("{") :]))
    one, other = runs
    return {case: {key: min(one[case][key], other[case][key]) for key in one[case]} for case in one}, ""


def _environment(
    task: str, n: int, case: str, dtype: str, peer: dict[str, Any], note: str, goal: dict[str, float]
) -> Row:
    made = make_task(task, n_drones=n, **({"actions": "motors"} if task == "multihover" else {}))
    env = BatchEnv(made, ENVIRONMENTS, dtype=dtype)
    env.reset(seed=0)
    actions = env.random_actions()
    row = compare(AREA, f"{task}, n = {n}, {dtype}", lambda: env.step(actions), {}, rounds=5, note=note)
    each = row.ours / ENVIRONMENTS
    peers = {
        "gym-pybullet-drones, hovering": peer[case]["step"] / each,
        "gym-pybullet-drones, with resets": peer[case]["step with resets"] / each,
    }
    if n == 4:
        peers["gym-pybullet-drones with air, hovering"] = peer["multihover with air"]["step"] / each
    asked = {f"gym-pybullet-drones, {name}": least for name, least in goal.items()}
    facts = {"million environment steps a second": 1e-6 / each}
    return replace(row, ours=each, peers=peers, goal=asked, facts=facts)


def _block(n: int, kind: Any = float) -> np.ndarray:
    """Return drones that hover side by side at 1 m in all lanes."""
    drones = np.zeros((n, DRONE_FIELDS * WIDTH), dtype=kind)
    table = drones.reshape(n, DRONE_FIELDS, WIDTH)
    table[:, X // WIDTH] = 0.5 * np.arange(n)[:, None]
    table[:, [Z // WIDTH, QW // WIDTH, INERTIA // WIDTH]] = 1.0
    table[:, H0 // WIDTH : H3 // WIDTH + 1] = 1.0
    table[:, MASS // WIDTH] = FRAME.mass
    table[:, N0 // WIDTH : C3 // WIDTH + 1] = FRAME.hover_rpm
    return drones


def _physics(single: bool, peer: dict[str, Any], note: str) -> Row:
    kind = np.float32 if single else np.float64
    blocks = DRONES // WIDTH
    drones, still = _block(blocks, kind), np.zeros(WORLD_FIELDS * WIDTH, dtype=kind)
    # Steady turning and climbing, far from the ground.
    drones[:, Z : Z + WIDTH] = 100.0
    commands = np.full((1, blocks, 4 * WIDTH), FRAME.hover_rpm, dtype=kind)
    parameters, fly = FRAME.parameters(1 / 240).astype(kind), compiled(fly_freely, single=single)
    row = compare(
        AREA,
        f"physics of {DRONES} drones with air, {np.dtype(kind).name}",
        lambda: fly(drones, still, parameters, commands, SUBSTEPS, 1),
        {},
        note=note,
    )
    each = row.ours / (DRONES * SUBSTEPS)
    facts = {"million substeps a second": 1e-6 / each}
    peers = {"gym-pybullet-drones, hover": peer["hover"]["step"] / SUBSTEPS / each}
    return replace(row, ours=each, peers=peers, facts=facts)


def _coasting(n: int, peer: dict[str, Any], note: str) -> Row:
    """Compare a world in Bullet, rotors only, with the least that a program must ask of pybullet for the same."""
    import pybullet

    drones = _block(n)
    with BulletWorld(FRAME, Scene(), n) as world, BulletWorld(FRAME, Scene(), n) as bare:
        world.place(drones, 0)
        bare.place(drones, 0)
        bodies, client, thrust = bare._bodies, bare._client, (0.0, 0.0, FRAME.mass * FRAME.gravity)
        still, frame = (0.0, 0.0, 0.0), pybullet.LINK_FRAME

        def least() -> None:
            for _ in range(SUBSTEPS):
                for body in bodies:
                    pybullet.applyExternalForce(body, -1, thrust, still, frame, client)
                    pybullet.applyExternalTorque(body, -1, still, frame, client)
                pybullet.stepSimulation(client)

        row = compare(
            AREA,
            f"Bullet, n = {n}, rotors only",
            lambda: world.coast(drones, 0, SUBSTEPS),
            {"bare pybullet": least},
            note=note,
        )
    return _by_substep(row, n, peer, {4: 2e5}.get(n))


def _in_the_air(n: int, peer: dict[str, Any], note: str) -> Row:
    drones, still, ready = _block(n), np.zeros(WORLD_FIELDS * WIDTH), compiled(breathe)
    with BulletWorld(FRAME, Scene(), n) as world:
        world.place(drones, 0)

        def step() -> None:
            ready(drones, still, world.parameters, 0)
            world.substep(drones, 0)

        row = compare(AREA, f"Bullet, n = {n}, air in every substep", step, {}, note=note)
    return _by_substep(replace(row, ours=SUBSTEPS * row.ours), n, peer, None)


def _by_substep(row: Row, n: int, peer: dict[str, Any], goal: float | None) -> Row:
    each = row.ours / (n * SUBSTEPS)
    facts = {"thousand substeps a second": 1e-3 / each}
    if n == 4:
        theirs = {
            "gym-pybullet-drones": peer["multihover"]["step"] / (n * SUBSTEPS) / each,
            "gym-pybullet-drones with air": peer["multihover with air"]["step"] / (n * SUBSTEPS) / each,
        }
    else:
        theirs = {"gym-pybullet-drones, hover": peer["hover"]["step"] / SUBSTEPS / each}
    asked = {} if goal is None else {"thousand substeps a second": goal / 1e3}
    least = {"gym-pybullet-drones": 8.0} if goal is not None else {}
    return replace(row, ours=each, peers={**row.peers, **theirs}, goal=least, facts=facts, facts_goal=asked)


def _placing(n: int, peer: dict[str, Any], note: str) -> Row:
    drones = _block(n)
    with BulletWorld(FRAME, Scene(), n) as world:
        row = compare(AREA, f"Bullet, n = {n}, reset of a drone", lambda: world.place(drones, 0), {}, note=note)
    each = row.ours / n
    peers = {"gym-pybullet-drones": peer["multihover"]["reset"] / 4 / each}
    # At most a tenth of a millisecond.
    facts = {"resets a millisecond": 1e-3 / each}
    return replace(row, ours=each, peers=peers, facts=facts, facts_goal={"resets a millisecond": 10.0})
