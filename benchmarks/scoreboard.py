"""Who finds every equilibrium? Enumerations of ours and of peers on the two-player games with known answers.

``python -m benchmarks.scoreboard`` writes ``results/scoreboard.json`` and ``scoreboard.md``. Every method runs
in a process of its own, with a time limit for each game. An answer is wrong if its regret exceeds 1e-6 of a
player's payoff range or it is no profile of the game; the rest are compared with the known extreme equilibria,
or with their number where only that is known.
"""

from __future__ import annotations

import json
import multiprocessing
import sys
import time
import warnings
from collections import Counter
from collections.abc import Callable, Sequence
from fractions import Fraction
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

import marlgt as gt
from benchmarks.all_equilibria import A75, B75

KNOWN = Path(__file__).parents[1] / "tests" / "data" / "known_answers.json"
RESULTS = Path(__file__).parent / "results"
LIMIT_SECONDS = 10.0
LARGEST_REGRET = 1e-6
SAME = 1e-6
VERDICTS = ("complete", "some", "none", "wrong", "duplicates", "error", "hang")

Profile = tuple[NDArray[np.float64], NDArray[np.float64]]


def ours(name: str) -> Callable[[Any], list[Profile]]:
    def solve(game: gt.NormalFormGame) -> list[Profile]:
        return [e.profile for e in getattr(gt.solvers, name)(game)]

    return solve


def nashpy(name: str) -> Callable[[Any], list[Profile]]:
    def solve(game: gt.NormalFormGame) -> list[Profile]:
        import nashpy

        return list(getattr(nashpy.Game(*game.payoffs), name)())

    return solve


def quantecon(name: str) -> Callable[[Any], list[Profile]]:
    def solve(game: gt.NormalFormGame) -> list[Profile]:
        from quantecon import game_theory as peer

        A, B = game.payoffs
        players = peer.Player(A.copy()), peer.Player(np.ascontiguousarray(B.T))
        return list(getattr(peer, name)(peer.NormalFormGame(players)))

    return solve


METHODS: dict[str, Callable[[Any], list[Profile]]] = {
    "marlgt vertex_enumeration": ours("vertex_enumeration"),
    "marlgt support_enumeration": ours("support_enumeration"),
    "nashpy vertex_enumeration": nashpy("vertex_enumeration"),
    "nashpy support_enumeration": nashpy("support_enumeration"),
    "quantecon vertex_enumeration": quantecon("vertex_enumeration"),
    "quantecon support_enumeration": quantecon("support_enumeration"),
}


def run() -> dict[str, dict[str, str]]:
    """Return the verdict on each method for each game."""
    verdicts = {}
    for name in METHODS:
        worker = Worker(name)
        verdicts[name] = {case["name"]: worker.verdict(case) for case in cases()}
        worker.stop()
    return verdicts


def cases() -> list[dict[str, Any]]:
    known = [case for case in json.loads(KNOWN.read_text()) if case["kind"] == "bimatrix"]
    return [*known, {"name": "von_stengel_1999_6x6", "payoffs": [A75, B75], "count": 75, "equilibria": None}]


class Worker:
    """A process that solves game after game by one method, started anew when it hangs or dies."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._start()

    def _start(self) -> None:
        context = multiprocessing.get_context("spawn")
        self._pipe, theirs = context.Pipe()
        self._process = context.Process(target=_solve_all, args=(self._name, theirs), daemon=True)
        self._process.start()
        theirs.close()
        # The limit is on the solver: starting Python, importing and compiling come before this word.
        self._pipe.recv()

    def stop(self) -> None:
        self._process.kill()
        self._process.join()
        self._pipe.close()

    def verdict(self, case: dict[str, Any]) -> str:
        """Solve one game under the time limit and judge what comes back."""
        try:
            self._pipe.send(case["payoffs"])
            found = self._pipe.recv() if self._pipe.poll(LIMIT_SECONDS) else "hang"
        except (EOFError, OSError):
            found = "error"
        if isinstance(found, str):
            if not self._process.is_alive() or found == "hang":
                self.stop()
                self._start()
            return found
        return judged(case, found)


def _solve_all(name: str, pipe: Connection) -> None:
    warnings.simplefilter("ignore")
    METHODS[name](gt.NormalFormGame.bimatrix([[2, 0], [0, 1]], [[1, 0], [0, 2]]))
    pipe.send("ready")
    while True:
        game = gt.NormalFormGame(_fractions(pipe.recv()))
        try:
            pipe.send([tuple(np.asarray(p, dtype=np.float64) for p in profile) for profile in METHODS[name](game)])
        except Exception:
            pipe.send("error")


def judged(case: dict[str, Any], found: Sequence[Profile]) -> str:
    """Return one of the verdicts; the first that holds of wrong, duplicates, complete, some, none."""
    game = gt.NormalFormGame(_fractions(case["payoffs"]))
    if any(not _is_equilibrium(game, profile) for profile in found):
        return "wrong"
    points = [np.concatenate(profile) for profile in found]
    if any(np.abs(p - q).max() < SAME for k, p in enumerate(points) for q in points[:k]):
        return "duplicates"
    expected = case["equilibria"]
    if expected is None:
        hits = len(points)
    else:
        wanted = [np.array([float(Fraction(x)) for p in profile for x in p]) for profile in expected]
        hits = sum(any(np.abs(p - q).max() < SAME for p in points) for q in wanted)
    return "complete" if hits == case["count"] else "some" if hits else "none"


def _is_equilibrium(game: gt.NormalFormGame, profile: Profile) -> bool:
    try:
        certificate = gt.certify(game, [p / p.sum() if p.shape and p.sum() > 0 else p for p in profile])
    except gt.ProfileError:
        return False
    return bool((certificate.regrets <= LARGEST_REGRET * np.maximum(game.payoff_range, 1e-12)).all())


def _fractions(nested: Any) -> Any:
    return [_fractions(x) for x in nested] if isinstance(nested, list) else Fraction(nested)


def table(verdicts: dict[str, dict[str, str]]) -> str:
    lines = [f"| method | {' | '.join(VERDICTS)} |", f"|---|{'---|' * len(VERDICTS)}"]
    for name, by_game in verdicts.items():
        counts = Counter(by_game.values())
        lines.append(f"| {name} | {' | '.join(str(counts[v]) for v in VERDICTS)} |")
    return "\n".join(lines) + "\n"


def main() -> int:
    started = time.perf_counter()
    verdicts = run()
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / "scoreboard.json").write_text(json.dumps(verdicts, indent=1) + "\n")
    games = len(next(iter(verdicts.values())))
    head = f"{games} two-player games with known extreme equilibria, {LIMIT_SECONDS:.0f} s each.\n\n"
    (RESULTS / "scoreboard.md").write_text(head + table(verdicts))
    print(table(verdicts), end="")
    print(f"{time.perf_counter() - started:.0f} s")
    return 0 if set(verdicts["marlgt vertex_enumeration"].values()) == {"complete"} else 1


if __name__ == "__main__":
    sys.exit(main())
