"""n-player games: the logit path, iterated polymatrix approximation, and what share of games is solved.

Gambit runs in a process of its own, because it need not be installed beside marlgt: the environment
variable ``MARLGT_GAMBIT_PYTHON`` names a Python that has pygambit; without it this one is tried.
"""

from __future__ import annotations

import gc
import json
import os
import selectors
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from importlib.util import find_spec

import numpy as np

import marlgt as gt
from benchmarks.harness import Row, repeats_for, seconds_per_call
from marlgt import kernels
from marlgt.certificates import relative_epsilon
from marlgt.solvers._lemke import lemke, lemke_tableau
from marlgt.solvers._logit_trace import fixed_rationality, trace
from marlgt.solvers._support_newton import newton_on_support

AREA = "n players"
LOGIT_CASES = (((5, 5), 6), ((3, 3, 3), 6), ((5, 5, 5), 5), ((4, 4, 4, 4, 4), 3))
ONE_CASES = (((3,) * 3, 10), ((4,) * 4, 10), ((3,) * 5, 10), ((10,) * 3, 5), ((3,) * 6, 4), ((3,) * 7, 3))
RATE_CASES = (((3,) * 3, 40), ((4,) * 4, 20), ((3,) * 5, 40), ((10,) * 3, 10), ((3,) * 6, 10), ((3,) * 7, 5))
ROUNDS = 3
PEER_LIMIT = 60.0

WORKER = """
import json, sys, time
import numpy as np
import pygambit
for line in sys.stdin:
    task = json.loads(line)
    games = [pygambit.Game.from_arrays(*[np.array(p) for p in payoffs]) for payoffs in task["games"]]
    solve = getattr(pygambit.nash, task["method"] + "_solve")
    regrets = []
    started = time.process_time()
    for game in games:
        found = solve(game, **task["arguments"]).equilibria
        regrets.append(min((float(e.max_regret()) for e in found), default=float("inf")))
    print(json.dumps({"seconds": time.process_time() - started, "regrets": regrets}), flush=True)
"""


class Gambit:
    """A Python process with pygambit, or nothing where there is none."""

    def __init__(self) -> None:
        python = os.environ.get("MARLGT_GAMBIT_PYTHON") or (sys.executable if find_spec("pygambit") else "")
        self.process = None
        if python:
            self.process = subprocess.Popen(
                [python, "-c", WORKER], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1
            )

    def seconds(self, games: Sequence[gt.NormalFormGame], method: str, **arguments: float) -> float | None:
        """CPU seconds to solve all the games once; None where it is absent, has died or takes too long."""
        if self.process is None:
            return None
        task = {"games": [g.payoffs.tolist() for g in games], "method": method, "arguments": arguments}
        try:
            self.process.stdin.write(json.dumps(task) + "\n")
            with selectors.DefaultSelector() as waiting:
                waiting.register(self.process.stdout, selectors.EVENT_READ)
                answered = waiting.select(PEER_LIMIT)
            line = self.process.stdout.readline() if answered else ""
        except BrokenPipeError:
            line = ""
        if not line:
            self.close()
            return None
        return float(json.loads(line)["seconds"])

    def close(self) -> None:
        if self.process is not None:
            self.process.kill()
            self.process.wait()
            self.process = None


def run() -> list[Row]:
    for function in (trace, fixed_rationality, newton_on_support, lemke, lemke_tableau):
        kernels.compiled(function)
    gt.solvers.logit(random_games((2, 2, 2), 1)[0])
    gt.solvers.iterated_polymatrix(random_games((2, 2, 2), 1)[0])
    gambit = Gambit()
    rows = []
    try:
        for counts, number in LOGIT_CASES:
            games = random_games(counts, number)
            peers = {"gambit logit": lambda games=games: gambit.seconds(games, "logit", maxregret=1e-8)}
            rows.append(
                interleaved(
                    f"logit path, {name(counts)}",
                    [lambda g=g: gt.solvers.logit(g) for g in games],
                    peers,
                    goal={"gambit logit": 10.0},
                    note="both to a regret of 1e-8, then ours polished to 1e-12",
                )
            )
        for counts, number in ONE_CASES:
            games = random_games(counts, number)
            peers = {"gambit ipa": lambda games=games: gambit.seconds(games, "ipa")}
            if counts == (3, 3, 3):
                peers["quantecon McLennan-Tourky"] = quantecon_seconds(games)
            rows.append(
                interleaved(
                    f"iterated polymatrix, {name(counts)}",
                    [lambda g=g: gt.solvers.iterated_polymatrix(g) for g in games],
                    peers,
                    goal={"gambit ipa": 1 / 1.5},
                    note="ours to 1e-12, gambit to about 1e-7, quantecon to 1e-6",
                )
            )
    finally:
        gambit.close()
    rows += [solved_rate(counts, number) for counts, number in RATE_CASES]
    rows.append(solved_rate((2,) * 10, 20, least=0.95, seconds=1.0))
    return rows


def name(counts: tuple[int, ...]) -> str:
    return f"{len(counts)} players x {counts[0]} actions"


def random_games(counts: tuple[int, ...], number: int) -> list[gt.NormalFormGame]:
    return [gt.NormalFormGame(np.random.default_rng(s).random((len(counts), *counts))) for s in range(number)]


def interleaved(
    case: str,
    calls: Sequence[Callable[[], object]],
    peers: dict[str, Callable[[], float | None]],
    *,
    goal: dict[str, float],
    note: str,
) -> Row:
    """Time ours and the peers in turn on the same games; each peer tells its own CPU seconds."""
    repeats = repeats_for(lambda: [call() for call in calls])
    ours: list[float] = []
    ratios: dict[str, list[float]] = {peer: [] for peer in peers}
    for _ in range(ROUNDS):
        gc.collect()
        own = seconds_per_call(lambda: [call() for call in calls], repeats) / len(calls)
        ours.append(own)
        for peer, seconds in peers.items():
            taken = seconds()
            if taken is not None:
                ratios[peer].append(taken / len(calls) / own)
    medians = {peer: statistics.median(found) for peer, found in ratios.items() if found}
    return Row(
        area=AREA,
        case=case,
        ours=statistics.median(ours),
        peers=medians,
        goal={peer: least for peer, least in goal.items() if peer in medians},
        note=f"mean over {len(calls)} games; {note}",
    )


def quantecon_seconds(games: Sequence[gt.NormalFormGame]) -> Callable[[], float | None]:
    try:
        from quantecon import game_theory
    except ImportError:
        return lambda: None
    theirs = []
    for g in games:
        profiles = np.moveaxis(g.payoffs, 0, -1)
        theirs.append(game_theory.NormalFormGame(np.ascontiguousarray(profiles)))
    game_theory.mclennan_tourky(theirs[0], epsilon=1e-6)

    def seconds() -> float:
        started = time.process_time()
        for g in theirs:
            game_theory.mclennan_tourky(g, epsilon=1e-6)
        return time.process_time() - started

    return seconds


def solved_rate(counts: tuple[int, ...], number: int, *, least: float = 1.0, seconds: float = 10.0) -> Row:
    """The share of random games that the portfolio solves to 1e-10 of the payoff range within a time."""
    times, solved, worst = [], 0, 0.0
    for game in random_games(counts, number):
        started = time.process_time()
        try:
            answer = gt.solvers.find_one(game, time_limit=seconds)
        except gt.NotConverged:
            continue
        finally:
            times.append(time.process_time() - started)
        share = relative_epsilon(game, answer)
        worst = max(worst, share)
        solved += share <= 1e-10 and times[-1] <= seconds
    return Row(
        area=AREA,
        case=f"solved to 1e-10, {name(counts)}",
        ours=statistics.median(times),
        note=f"{number} games, {seconds:g} s each at most; largest relative regret {worst:.1e}",
        facts={"solved": solved / number, "slowest seconds": max(times)},
        facts_goal={"solved": least},
    )
