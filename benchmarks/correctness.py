"""How often are answers wrong? Thousands of random games, degenerate ones included, each solved under a time limit.

``python -m benchmarks.correctness`` writes ``results/correctness.json``. A game counts as wrong if an
answer's regret, recomputed here from the definition, exceeds the tolerance (exactly zero in exact games),
if there is no answer, if two answers are equal, if a nondegenerate two-player game has an even number, or if
the answers of a two-player game of up to 130 pairs of tight sets (5 x 4) are not those of exact brute force.
"""

from __future__ import annotations

import json
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from fractions import Fraction
from pathlib import Path

import numpy as np

import marlgt as gt
from marlgt.testing.reference import extreme_equilibria, reference_work

TOLERANCE = 1e-9
SLOW_SECONDS = 60.0
REFERENCE_WORK = 130
SAME = 1e-6
"""Near ties of 1e-7 magnify the rounding of an answer in floats, though not its regret."""


def families() -> dict[str, Callable[[np.random.Generator], gt.NormalFormGame]]:
    """Return the families, each a function that draws one game."""

    def size(rng: np.random.Generator, most: int = 6) -> tuple[int, int]:
        return int(rng.integers(1, most + 1)), int(rng.integers(1, most + 1))

    def duplicated(rng: np.random.Generator) -> gt.NormalFormGame:
        m, n = size(rng, 4)
        rows, columns = rng.integers(0, m, m + 1), rng.integers(0, n, n + 1)
        A, B = rng.integers(-9, 10, (2, m, n))
        return gt.NormalFormGame.bimatrix(A[np.ix_(rows, columns)], B[np.ix_(rows, columns)])

    def near_ties(rng: np.random.Generator) -> gt.NormalFormGame:
        m, n = size(rng, 5)
        return gt.NormalFormGame(rng.integers(0, 3, (2, m, n)) + 1e-7 * rng.standard_normal((2, m, n)))

    def fractions(rng: np.random.Generator) -> gt.NormalFormGame:
        m, n = size(rng, 4)
        flat = [
            Fraction(int(a), int(b)) for a, b in zip(rng.integers(-9, 10, 2 * m * n), rng.integers(1, 8, 2 * m * n))
        ]
        return gt.NormalFormGame(np.array(flat, dtype=object).reshape(2, m, n))

    return {
        "gaussian": lambda rng: gt.NormalFormGame(rng.standard_normal((2, *size(rng)))),
        "uniform": lambda rng: gt.NormalFormGame(rng.random((2, *size(rng)))),
        "integers 0..2": lambda rng: gt.NormalFormGame(rng.integers(0, 3, (2, *size(rng, 5)))),
        "integers 0..9": lambda rng: gt.NormalFormGame(rng.integers(0, 10, (2, *size(rng)))),
        "win-lose": lambda rng: gt.NormalFormGame(rng.integers(0, 2, (2, *size(rng, 4)))),
        "duplicated actions": duplicated,
        "near ties": near_ties,
        "fractions": fractions,
        "zero-sum integers": lambda rng: gt.NormalFormGame.zero_sum(rng.integers(-5, 6, size(rng, 8))),
        "scale 1e-6": lambda rng: gt.NormalFormGame(1e-6 * rng.standard_normal((2, *size(rng)))),
        "scale 1e9": lambda rng: gt.NormalFormGame(1e9 * rng.standard_normal((2, *size(rng)))),
        "three players": lambda rng: gt.NormalFormGame(rng.random((3, 2, 2, 2))),
        "three players, integers": lambda rng: gt.NormalFormGame(
            rng.integers(0, 5, (3, 2, 2, int(rng.integers(2, 4))))
        ),
    }


def verdict(game: gt.NormalFormGame) -> str:
    """Solve one game and judge the answers."""
    started = time.perf_counter()
    try:
        answers = gt.solve(game)
        found = list(answers)
    except Exception as error:
        return f"crash: {type(error).__name__}: {error}"
    if time.perf_counter() - started > SLOW_SECONDS:
        return "slow"
    if not found:
        return "wrong: no answer"
    for answer in found:
        if answer.exact and any(exact_regrets(game, answer.exact_profile)):
            return "wrong: exact regret"
        if (float_regrets(game, answer.profile) > TOLERANCE * np.maximum(game.payoff_range, 1e-300)).any():
            return "wrong: regret"
    points = np.array([np.concatenate(answer.profile) for answer in found])
    distances = np.abs(points[:, None] - points[None]).max(axis=2) + np.eye(len(points))
    if distances.min() < 1e-9:
        return "wrong: duplicates"
    if game.n_players == 2 and answers.complete and len(found) % 2 == 0 and not gt.solvers.is_degenerate(game):
        return "wrong: even number"
    if game.n_players == 2 and reference_work(game) <= REFERENCE_WORK and not same_as_brute_force(game, found):
        return "wrong: not the answers of brute force"
    return "right"


def same_as_brute_force(game: gt.NormalFormGame, found: list[gt.Equilibrium]) -> bool:
    """Tell whether the answers are the extreme equilibria that exact brute force finds, each once."""
    expected = [np.concatenate(pair) for pair in extreme_equilibria(game).equilibria]
    if game.is_exact:
        return {tuple(p) for p in expected} == {tuple(np.concatenate(e.exact_profile)) for e in found}
    points = np.array([np.concatenate(e.profile) for e in found])
    distances = np.abs(np.array(expected, dtype=float)[:, None] - points[None]).max(axis=2)
    return len(expected) == len(found) and bool((distances.min(axis=1) < SAME).all())


def float_regrets(game: gt.NormalFormGame, profile: tuple[np.ndarray, ...]) -> np.ndarray:
    """Regrets from the definition, with one tensor contraction per player."""
    letters = "abcdefg"[: game.n_players]
    gains = []
    for i in range(game.n_players):
        others = [p for j, p in enumerate(profile) if j != i]
        names = ",".join([letters, *(letters[j] for j in range(game.n_players) if j != i)])
        earned = np.einsum(f"{names}->{letters[i]}", game.payoffs[i], *others)
        gains.append(earned.max() - earned @ profile[i])
    return np.array(gains)


def exact_regrets(game: gt.NormalFormGame, profile: tuple[np.ndarray, ...]) -> list[Fraction]:
    """Regrets from the definition, in fractions, for two players."""
    if game.n_players != 2:
        return [Fraction(0)]
    A, B = game.fractions
    x, y = profile
    rows, columns = A @ y, x @ B
    return [max(rows) - x @ rows, max(columns) - columns @ y]


def draws(count: int, seed: int) -> Iterator[tuple[str, gt.NormalFormGame]]:
    """Yield ``count`` games, the families in turn."""
    rng = np.random.default_rng(seed)
    table = families()
    names = list(table)
    for k in range(count):
        name = names[k % len(names)]
        yield name, table[name](rng)


def main(count: int = 5200, seed: int = 0) -> dict:
    """Solve ``count`` games and count the verdicts by family."""
    tally: dict[str, Counter] = {name: Counter() for name in families()}
    started = time.process_time()
    for name, game in draws(count, seed):
        outcome = verdict(game)
        tally[name][outcome] += 1
        if outcome != "right":
            print(name, outcome, game.payoffs.tolist(), flush=True)
    return {
        "command": f"python -m benchmarks.correctness {count} {seed}",
        "games": count,
        "cpu_seconds": round(time.process_time() - started, 1),
        "right": sum(counter["right"] for counter in tally.values()),
        "by_family": {name: dict(counter) for name, counter in tally.items()},
    }


if __name__ == "__main__":
    result = main(*map(int, sys.argv[1:]))
    print(json.dumps(result, indent=1))
    path = Path(__file__).parent / "results" / "correctness.json"
    path.parent.mkdir(exist_ok=True)
    path.write_text(json.dumps(result, indent=1) + "\n")
