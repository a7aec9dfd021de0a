"""All isolated equilibria of small games with several players: how many are found, how fast, and how surely.

The four documented games have lists in ``tests/data/known_answers.json``. In random games every answer
claims to be complete, and the indices of the equilibria must then sum to one. Gambit's ``enumpoly_solve``
is the only peer in Python, timed where pygambit is installed.
"""

from __future__ import annotations

import importlib.util
import json
from collections.abc import Callable
from pathlib import Path

import numpy as np

from benchmarks.harness import Row, compare
from marlgt import kernels
from marlgt.concepts import equilibrium_index
from marlgt.games import NormalFormGame
from marlgt.solvers import all_isolated_equilibria
from marlgt.solvers._subdivision import advance

AREA = "all isolated equilibria"
KNOWN = Path(__file__).parents[1] / "tests" / "data" / "known_answers.json"
DOCUMENTED = ("mckelvey_mclennan_2x2x2", "gambit_3x3x3_five", "gambit_2x2x2x2x2_five", "vanderlaan_g3_2x2x2x2")
FAMILIES = (
    ((2, 2, 2), 200, 100.0),
    ((3, 3, 3), 100, 20.0),
    ((2, 2, 2, 2), 100, 20.0),
    ((2, 2, 2, 2, 2), 40, 10.0),
    ((4, 4, 4), 6, 0.0),
    ((3, 3, 3, 3), 4, 0.0),
    ((2, 2, 2, 2, 2, 2), 6, 0.0),
)
"""Shape, number of games, and the least number of games a second asked for."""


def run() -> list[Row]:
    kernels.compiled(advance)
    cases = {case["name"]: case for case in json.loads(KNOWN.read_text(encoding="utf-8"))}
    rows = [documented(cases[name]) for name in DOCUMENTED]
    return rows + [random_games(*family) for family in FAMILIES]


def documented(case: dict) -> Row:
    game = NormalFormGame(case["payoffs"])
    answers = all_isolated_equilibria(game)
    listed = [np.concatenate(profile) for profile in case["equilibria"]]
    found = [np.concatenate(e.profile) for e in answers]
    matched = sum(min(np.abs(x - y).max() for y in found) <= 1e-9 for x in listed)
    return compare(
        AREA,
        case["name"],
        lambda: all_isolated_equilibria(game),
        gambit([game]),
        facts={"found": matched, "extra": len(found) - matched, "complete": float(answers.complete)},
        facts_goal={"found": case["count"], "complete": 1.0},
        note=f"{case['count']} are documented",
    )


def random_games(shape: tuple[int, ...], count: int, per_second: float) -> Row:
    rng = np.random.default_rng(sum(shape))
    games = [NormalFormGame(rng.random((len(shape), *shape))) for _ in range(count)]
    answers = [all_isolated_equilibria(game) for game in games]
    proven = [
        found.complete and sum(equilibrium_index(game, e) for e in found) == 1 for game, found in zip(games, answers)
    ]
    row = compare(
        AREA,
        f"{' x '.join(map(str, shape))}, {count} uniform games",
        lambda: [all_isolated_equilibria(game) for game in games],
        gambit(games) if count * np.prod(shape) <= 2700 else {},
        rounds=5,
    )
    return Row(
        row.area,
        row.case,
        row.ours / count,
        row.peers,
        note=f"time of one game; {np.mean([len(found) for found in answers]):.2f} equilibria on average",
        facts={"share with indices that sum to 1": float(np.mean(proven)), "games a second": count / row.ours},
        facts_goal={"share with indices that sum to 1": 1.0} | ({"games a second": per_second} if per_second else {}),
    )


def gambit(games: list[NormalFormGame]) -> dict[str, Callable[[], object]]:
    """Return Gambit's solver for polynomial systems, where it is installed."""
    if importlib.util.find_spec("pygambit") is None:
        return {}
    import pygambit

    theirs = [pygambit.Game.from_arrays(*game.payoffs) for game in games]
    return {"pygambit enumpoly": lambda: [pygambit.nash.enumpoly_solve(game) for game in theirs]}
