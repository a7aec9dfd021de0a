"""All equilibria of two-player games: random ones up to 15 x 15, and small ones from lists to certified answers."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np

import marlgt as gt
from benchmarks.harness import Row, compare
from marlgt.kernels import compiled
from marlgt.solvers import vertex_enumeration
from marlgt.solvers._polytope_kernel import walk

AREA = "all equilibria"

SIZES = {7: 7, 9: 5, 11: 3, 12: 3, 13: 3, 15: 2}
"""How many random games of each size are solved in one call."""

SUPPORTS_UP_TO = 9
"""The largest games that QuantEcon's support enumeration is given: it takes half a second at 11."""

LIMITS = {12: 0.1, 15: 1.0, "75 equilibria": 0.005}
"""The most CPU seconds that one game may take."""

# von Stengel (1999), New maximal numbers of equilibria in bimatrix games.
A75 = [
    [9504, -660, 19976, -20526, 1776, -8976],
    [-111771, 31680, -130944, 168124, -8514, 52764],
    [397584, -113850, 451176, -586476, 29216, -178761],
    [171204, -45936, 208626, -263076, 14124, -84436],
    [1303104, -453420, 1227336, -1718376, 72336, -461736],
    [737154, -227040, 774576, -1039236, 48081, -300036],
]
B75 = [
    [72336, 48081, 29216, 14124, 1776, -8514],
    [-461736, -300036, -178761, -84436, -8976, 52764],
    [1227336, 774576, 451176, 208626, 19976, -130944],
    [-1718376, -1039236, -586476, -263076, -20526, 168124],
    [1303104, 737154, 397584, 171204, 9504, -111771],
    [-453420, -227040, -113850, -45936, -660, 31680],
]

Matrices = Sequence[Sequence[float]]


def run() -> list[Row]:
    compiled(walk)
    rows = [random_games(n, count) for n, count in SIZES.items()]
    rows.append(many_equilibria())
    rows += [small_games(n) for n in (2, 3, 4, 5)]
    return rows


def random_games(n: int, count: int) -> Row:
    """Time Gaussian games against both of QuantEcon's enumerations, from the game object to the answers."""
    from quantecon.game_theory import NormalFormGame, Player, support_enumeration
    from quantecon.game_theory import vertex_enumeration as quantecon_vertices

    payoffs = np.random.default_rng(n).normal(size=(count, 2, n, n))
    ours = [gt.NormalFormGame(p) for p in payoffs]
    theirs = [NormalFormGame((Player(a), Player(np.ascontiguousarray(b.T)))) for a, b in payoffs]
    peers: dict[str, Callable[[], object]] = {
        "quantecon vertices": lambda: [quantecon_vertices(game) for game in theirs]
    }
    if n <= SUPPORTS_UP_TO:
        peers["quantecon supports"] = lambda: [support_enumeration(game) for game in theirs]
    found = [vertex_enumeration(game) for game in ours]
    agreed = sum(len(f) == len(quantecon_vertices(game)) for f, game in zip(found, theirs))
    row = compare(
        AREA,
        f"n = {n}",
        lambda: [vertex_enumeration(game) for game in ours],
        peers,
        goal=dict.fromkeys(peers, 1.5),
        rounds=7 if n < 13 else 3,
        note=f"{count} games, {sum(map(len, found))} equilibria, as many as QuantEcon in {agreed}",
    )
    return within_limit(row, n, count)


def many_equilibria() -> Row:
    """Time the 6 x 6 game with 75 equilibria, exactly."""
    game = gt.NormalFormGame.bimatrix(A75, B75)
    found = vertex_enumeration(game)
    proven = sum(e.exact and e.epsilon == 0 for e in found)
    row = compare(AREA, "75 equilibria", lambda: vertex_enumeration(game), {}, note=f"{proven} of 75 proven exactly")
    return within_limit(row, "75 equilibria", 1)


def small_games(n: int) -> Row:
    """Time small games from Python lists to certified answers against Nashpy's support enumeration."""
    import nashpy

    rng = np.random.default_rng(n)
    games: list[tuple[Matrices, Matrices]] = []
    for _ in range(5):
        games.append(tuple(rng.normal(size=(2, n, n)).tolist()))
        games.append(tuple(rng.integers(0, 100, (2, n, n)).tolist()))

    def ours() -> None:
        for A, B in games:
            vertex_enumeration(gt.NormalFormGame.bimatrix(A, B))

    def theirs() -> None:
        for A, B in games:
            list(nashpy.Game(A, B).support_enumeration())

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        counts = [len(vertex_enumeration(gt.NormalFormGame.bimatrix(A, B))) for A, B in games]
        missed = sum(len(list(nashpy.Game(A, B).support_enumeration())) < k for (A, B), k in zip(games, counts))
        row = compare(
            AREA,
            f"{n} x {n} from lists",
            ours,
            {"nashpy": theirs},
            goal={"nashpy": 5.0},
            note=f"{len(games)} games; Nashpy misses equilibria in {missed}",
        )
    return replace(row, ours=row.ours / len(games))


def within_limit(row: Row, case: int | str, count: int) -> Row:
    """Give the time of one game, and where it has a limit, how many times it fits into the limit."""
    once = row.ours / count
    if case not in LIMITS:
        return replace(row, ours=once)
    name = f"fits into {LIMITS[case]} s"
    return replace(row, ours=once, facts={name: LIMITS[case] / once}, facts_goal={name: 1.0})
