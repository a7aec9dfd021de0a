"""General-sum stochastic games: what share is solved, how fast, and how often iterating stage equilibria converges.

There is no peer to run beside: sgamesolver 1.0.2, the only package with a solver for these games, fails on NumPy 2 as
soon as a game is built (it uses ``np.NaN``). Its figures in the notes are CPU seconds of its logarithmic tracing with
that one name put back, recorded once on a machine of the same class, to regrets of 5e-7: 2.4 s for 20 states, 2 players
and 5 actions, 5.8 s for (50, 2, 3), 1.0 s for (10, 3, 3) and 0.38 s for (3, 4, 3). They were measured neither in this
run nor on these games, and so stand in no ratio. Regrets here are those of certificates, which count a gain below about
1e-14 of the values as none: 0 means below rounding.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable

import numpy as np

import marlgt as gt
from benchmarks.harness import Row
from marlgt.games.stochastic import StochasticGame
from marlgt.policy_certificates import relative_policy_epsilon

AREA = "stochastic, general sum"
SEEDS = 20
SECONDS = 30.0
TOLERANCE = 1e-9
DISCOUNT = 0.95

CASES: tuple[tuple[tuple[int, int, int], float | None, float | None], ...] = (
    ((5, 2, 3), None, 0.28),
    ((10, 2, 3), None, 0.63),
    ((20, 2, 5), 0.5, 2.4),
    ((50, 2, 3), 1.2, 5.8),
    ((10, 3, 3), None, 1.0),
    ((3, 4, 3), None, 0.38),
)
"""States, players and actions; the most CPU seconds asked for; and those of sgamesolver, see above."""


def run() -> list[Row]:
    """Return the rows of the table; the first call of each solver, which loads modules, is not counted."""
    solvers = (gt.solvers.stationary_equilibrium, gt.solvers.markov_logit, gt.solvers.nash_value_iteration)
    for solve in solvers:
        try:
            solve(random_game((2, 2, 2), 0))
        except gt.NotConverged:
            continue
    rows = [one_equilibrium(shape, most, theirs) for shape, most, theirs in CASES]
    rows += [share(shape, gt.solvers.markov_logit, "principal branch") for shape, _, _ in CASES[2:]]
    rows += [share(shape, gt.solvers.nash_value_iteration, "Nash value iteration") for shape, _, _ in CASES[:3]]
    return rows


def random_game(shape: tuple[int, int, int], seed: int) -> StochasticGame:
    """Return a game of normal rewards whose next states are all possible, with chances uniform on the simplex."""
    n_states, n_players, n_actions = shape
    rng = np.random.default_rng(seed)
    profiles = (n_states, *[n_actions] * n_players)
    return StochasticGame.from_dense(
        rng.normal(size=(n_players, *profiles)), rng.dirichlet(np.ones(n_states), size=profiles), discount=DISCOUNT
    )


def name(shape: tuple[int, int, int]) -> str:
    """Name a shape for the table."""
    return f"{shape[0]} states, {shape[1]} players x {shape[2]} actions"


def one_equilibrium(shape: tuple[int, int, int], most: float | None, theirs: float | None) -> Row:
    """Solve random games by the portfolio: all of them, in the median within the seconds asked for."""
    times, solved, worst = measured(shape, gt.solvers.stationary_equilibrium)
    median = statistics.median(times)
    facts = {"solved": solved / SEEDS, "slowest seconds": max(times)}
    goals = {"solved": 1.0}
    if most is not None:
        facts["seconds asked for / ours"] = most / median
        goals["seconds asked for / ours"] = 1.0
    published = "" if theirs is None else f"; sgamesolver {theirs} s, recorded earlier on other games"
    return Row(
        area=AREA,
        case=f"one equilibrium, {name(shape)}",
        ours=median,
        note=f"{SEEDS} games, discount {DISCOUNT}; largest relative regret {worst:.1e}{published}",
        facts=facts,
        facts_goal=goals,
    )


def share(shape: tuple[int, int, int], solve: Callable[..., gt.Equilibrium], what: str) -> Row:
    """Tell what share of random games a single method solves, and in what time, failures counted."""
    times, solved, worst = measured(shape, solve)
    return Row(
        area=AREA,
        case=f"{what}, {name(shape)}",
        ours=statistics.median(times),
        note=f"{SEEDS} games, discount {DISCOUNT}; largest relative regret {worst:.1e}",
        facts={"solved": solved / SEEDS, "slowest seconds": max(times)},
    )


def measured(shape: tuple[int, int, int], solve: Callable[..., gt.Equilibrium]) -> tuple[list[float], int, float]:
    """Return the CPU seconds of each game, how many were solved, and the largest relative regret among these."""
    times, solved, worst = [], 0, 0.0
    for seed in range(SEEDS):
        game = random_game(shape, seed)
        started = time.process_time()
        try:
            answer = solve(game, time_limit=SECONDS)
        except gt.NotConverged:
            continue
        finally:
            times.append(time.process_time() - started)
        regret = relative_policy_epsilon(game, answer)
        worst = max(worst, regret)
        solved += regret <= TOLERANCE
    return times, solved, worst
