"""CPU seconds of a fresh process that imports a package and solves one 3x3 game."""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import time

from benchmarks.harness import Row

GAME = "A=[[3,3,0],[2,5,1],[0,6,2]]; B=[[3,2,1],[2,6,0],[3,1,4]]"
PROGRAMS = {
    "ours": f"import marlgt as gt; {GAME}; list(gt.solve(gt.NormalFormGame.bimatrix(A, B)))",
    "nashpy": f"import nashpy, numpy; {GAME}; list(nashpy.Game(numpy.array(A), numpy.array(B)).support_enumeration())",
    "quantecon": f"import quantecon.game_theory as q, numpy; {GAME}; "
    "q.support_enumeration(q.NormalFormGame([q.Player(numpy.array(A)), q.Player(numpy.array(B).T)]))",
}


def run(rounds: int = 7) -> list[Row]:
    times: dict[str, list[float]] = {name: [] for name in PROGRAMS}
    for _ in range(rounds):
        for name, program in PROGRAMS.items():
            times[name].append(cpu_seconds(program))
    medians = {name: statistics.median(values) for name, values in times.items()}
    ratios = {
        name: statistics.median(peer / own for peer, own in zip(times[name], times["ours"], strict=True))
        for name in PROGRAMS
        if name != "ours"
    }
    return [
        Row(
            area="cold start",
            case="import and solve a 3x3 game in a fresh process",
            ours=medians["ours"],
            peers=ratios,
            goal={"nashpy": 0.88 / 0.35, "quantecon": 5.7 / 0.35},
            facts={"CPU-seconds below 0.35": 0.35 - medians["ours"]},
            facts_goal={"CPU-seconds below 0.35": 0.0},
        )
    ]


def cpu_seconds(program: str) -> float:
    # Packages that pip installs have their bytecode beside them, so ours may keep its own from the first process on.
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    before = os.times()
    started = time.perf_counter()
    subprocess.run([sys.executable, "-c", program], check=True, capture_output=True, env=environment)
    after = os.times()
    used = (after.children_user + after.children_system) - (before.children_user + before.children_system)
    return used or time.perf_counter() - started
