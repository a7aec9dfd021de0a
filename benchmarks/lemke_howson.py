"""Lemke-Howson: one path against the peers', certified answers, racing labels, and games solved."""

from __future__ import annotations

import signal
import time
import warnings
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from benchmarks.harness import Row, compare
from marlgt import kernels
from marlgt.certificates import TOLERANCE, relative_epsilon
from marlgt.errors import NotConverged
from marlgt.games import NormalFormGame
from marlgt.solvers import lemke_howson, lemke_howson_race
from marlgt.solvers._paths import PIVOT_TOLERANCE, RATIO_TOLERANCE
from marlgt.solvers._tableaux import whole_path

AREA = "Lemke-Howson"
LONGEST = 20_000
"""Pivots beyond which a game is left out of the comparison of single paths: no solver ends on it in time."""


def run() -> list[Row]:
    kernels.warm_up()
    rows = []
    for n, games in ((10, 9), (20, 9), (30, 9), (50, 9), (100, 9), (200, 5)):
        chosen = [game for _, game in zip(range(games), ending_games(n))]
        rows += single_paths(n, chosen)
    for n in (10, 20, 30):
        rows += against_nashpy(n)
    rows += [racing(n, games) for n, games in ((20, 9), (50, 9), (100, 9), (200, 5), (300, 5))]
    rows.append(solved("1000 games, 2 x 2 to 50 x 50", (1000, 2, 51)))
    rows.append(solved("40 games, 300 x 300", (40, 300, 301)))
    return rows


def ending_games(n: int) -> Iterator[NormalFormGame]:
    """Yield Gaussian games whose path of label 0 ends within ``LONGEST`` pivots."""
    rng = np.random.default_rng(n)
    while True:
        game = NormalFormGame(rng.standard_normal((2, n, n)))
        try:
            lemke_howson(game, max_pivots=LONGEST)
        except NotConverged:
            continue
        yield game


def uncertified(game: NormalFormGame) -> Any:
    """Follow one path and return the strategies at its end without a certificate, as the peers do."""
    point = np.empty(sum(game.n_actions) + 4)
    kernels.compiled(whole_path)(game.payoffs, 0, LONGEST, RATIO_TOLERANCE, PIVOT_TOLERANCE, point)
    return point


def single_paths(n: int, games: list[NormalFormGame]) -> list[Row]:
    import quantecon.game_theory as qe

    theirs = [as_quantecon(game) for game in games]
    peers = {"quantecon": each(qe.lemke_howson, theirs)}
    note = f"{len(games)} Gaussian games a call"
    return [
        compare(
            AREA,
            f"label 0, n = {n}",
            each(lemke_howson, games),
            peers,
            goal={"quantecon": 1.5},
            note=f"{note}; ours with its certificate, the peer without",
        ),
        compare(
            AREA,
            f"label 0, path only, n = {n}",
            each(uncertified, games),
            peers,
            goal={"quantecon": 1.5},
            note=f"{note}; no certificates",
        ),
    ]


def against_nashpy(n: int) -> list[Row]:
    """Time nashpy on games that it solves: on many it loops for ever or returns no strategies."""
    games, theirs, tried = [], [], 0
    for game in ending_games(n):
        if len(games) == 5 or tried == 60:
            break
        tried += 1
        peer = nashpy_if_it_ends(game)
        if peer is not None:
            games.append(game)
            theirs.append(peer)

    def nashpy(game: Any) -> None:
        game.lemke_howson(initial_dropped_label=0)

    note = f"{len(games)} games a call, those of the first {tried} Gaussian ones that nashpy solves within a second"
    peers = {"nashpy": each(nashpy, theirs)}
    return [
        compare(
            AREA,
            f"label 0, against nashpy, n = {n}",
            each(lemke_howson, games),
            peers,
            goal={"nashpy": 30.0},
            note=f"{note}; ours with its certificate, the peer without",
        ),
        compare(AREA, f"label 0, path only, against nashpy, n = {n}", each(uncertified, games), peers, note=note),
    ]


def racing(n: int, count: int) -> Row:
    import quantecon.game_theory as qe

    rng = np.random.default_rng(n)
    games = [NormalFormGame(rng.standard_normal((2, n, n))) for _ in range(count)]
    theirs = [as_quantecon(game) for game in games]

    def capped(game: Any) -> None:
        qe.lemke_howson(game, capping=20, max_iter=LONGEST)

    return compare(
        AREA,
        f"race, certified, n = {n}",
        each(lemke_howson_race, games),
        {"quantecon capping=20": each(capped, theirs)},
        note=f"{count} Gaussian games a call, whichever label; ours with its certificate, the peer without",
        rounds=5,
    )


def solved(case: str, family: tuple[int, int, int]) -> Row:
    """Count the games that the race solves with a certificate: a third Gaussian, a third 1..99, a third 0..2."""
    count, least, most = family
    rng = np.random.default_rng(count)
    good, seconds = 0, []
    for k in range(count):
        shape = (2, *rng.integers(least, most, 2))
        draws = (rng.standard_normal(shape), rng.integers(1, 100, shape), rng.integers(0, 3, shape))
        game = NormalFormGame(draws[k % 3])
        started = time.process_time()
        answer = lemke_howson_race(game, seed=k)
        seconds.append(time.process_time() - started)
        good += relative_epsilon(game, answer) <= TOLERANCE and answer.exact == game.is_exact
    return Row(
        area=AREA,
        case=f"race, {case}",
        ours=float(np.median(seconds)),
        note=f"a third Gaussian, a third integers 1..99, a third 0..2; longest {max(seconds):.2g} s",
        facts={"solved": good / count},
        facts_goal={"solved": 1.0},
    )


def each(solver: Callable[[Any], object], games: list[Any]) -> Callable[[], None]:
    def call() -> None:
        for game in games:
            solver(game)

    return call


def as_quantecon(game: NormalFormGame) -> Any:
    import quantecon.game_theory as qe

    A, B = game.payoffs
    return qe.NormalFormGame((qe.Player(A.copy()), qe.Player(B.T.copy())))


def nashpy_if_it_ends(game: NormalFormGame) -> Any:
    """Return the game as nashpy's if nashpy finds an equilibrium of it within a second, else None."""
    import nashpy

    theirs = nashpy.Game(*game.payoffs)

    def too_long(signum: int, frame: object) -> None:
        raise TimeoutError

    before = signal.signal(signal.SIGALRM, too_long)
    signal.setitimer(signal.ITIMER_REAL, 1.0)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            x, y = theirs.lemke_howson(initial_dropped_label=0)
    except (TimeoutError, ValueError, IndexError):
        return None
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0.0)
        signal.signal(signal.SIGALRM, before)
    if (len(x), len(y)) != game.n_actions or not np.isfinite([*x, *y]).all():
        return None
    regrets = (
        (game.payoffs[0] @ y).max() - x @ game.payoffs[0] @ y,
        (x @ game.payoffs[1]).max() - x @ game.payoffs[1] @ y,
    )
    return theirs if max(regrets) <= 1e-8 else None
