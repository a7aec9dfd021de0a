"""Zero-sum stochastic games: Littman's soccer, all methods, and one sweep against a linear program per state."""

from __future__ import annotations

from collections.abc import Callable
from math import log10
from typing import Any

import numpy as np

import marlgt as gt
from benchmarks.harness import Row, compare
from benchmarks.zero_sum import scipy_linprog
from marlgt.concepts._chains import conjugate_steps
from marlgt.concepts.stationary import stationary_regrets
from marlgt.games.stochastic import StochasticGame
from marlgt.kernels import compiled
from marlgt.solvers import (
    hoffman_karp,
    modified_policy_iteration,
    pollatschek_avi_itzhak,
    shapley_value_iteration,
)
from marlgt.solvers.stochastic import value_iteration
from marlgt.solvers.stochastic._stage_kernels import evaluation_sweeps, induced_chain, shapley_states
from marlgt.solvers.stochastic._stages import shapley_sweep, stages_of

SAMPLE = 20


def run() -> list[Row]:
    for function in (shapley_states, induced_chain, evaluation_sweeps, conjugate_steps):
        compiled(function)
    rows = [soccer(0.9, milliseconds=10.0), soccer(0.99, milliseconds=40.0), soccer(0.999, milliseconds=None)]
    rows.append(sweep_against_programs())
    rows += [random_states(300, 5, discount) for discount in (0.9, 0.99, 0.9999)]
    return rows


def soccer(discount: float, *, milliseconds: float | None) -> Row:
    """Time soccer from the game object to the certified answer, and the iteration alone, against the other methods."""
    game = gt.games.soccer(discount=discount)
    truth = (
        pollatschek_avi_itzhak(game, tolerance=1e-12)
        if discount <= 0.99
        else modified_policy_iteration(game, tolerance=1e-12)
    )
    answer = modified_policy_iteration(game)
    error = float(np.abs(answer.state_values - truth.state_values).max())
    peers: dict[str, Callable[[], object]] = {"Shapley": lambda: shapley_value_iteration(game)}
    if discount < 0.999:
        peers |= {"Newton": lambda: pollatschek_avi_itzhak(game), "Hoffman-Karp": lambda: hoffman_karp(game)}
    row = compare(
        "stochastic", f"soccer, discount {discount:g}", lambda: modified_policy_iteration(game), peers, rounds=5
    )
    facts = {
        "ms": 1e3 * row.ours,
        "ms of the iteration": 1e3 * seconds_uncertified(game),
        "ms of the certificate": 1e3 * seconds_of(lambda: stationary_regrets(game, answer.profile)),
        "sweeps": float(answer.work["sweeps"]),
    }
    goal = {}
    if milliseconds is not None:
        facts |= {"times the bar": milliseconds / facts["ms"], "digits": -log10(max(error, 1e-16))}
        goal = {"times the bar": 1.0, "digits": 9.0}
    return Row(
        area=row.area,
        case=row.case,
        ours=row.ours,
        peers=row.peers,
        facts=facts,
        facts_goal=goal,
        note=f"error {error:.0e} (bound {answer.error_bound:.0e}), regret {answer.epsilon:.0e}; bar on the whole call",
    )


def sweep_against_programs() -> Row:
    """Time one sweep over soccer's states against scipy's linear programs for some of them, per state."""
    game = gt.games.soccer()
    stages = stages_of(game)
    values = np.array(modified_policy_iteration(game).state_values)
    order = np.random.default_rng(0).choice(np.flatnonzero(~game.terminal), SAMPLE, replace=False)
    target = np.zeros(game.n_states)

    def programs() -> None:
        worths = game.action_values(values)[0]
        for state in order:
            scipy_linprog(worths[state])

    row = compare(
        "stochastic", "one sweep of soccer", lambda: shapley_sweep(stages, values[0], target, 0.0), {"scipy": programs}
    )
    live = len(stages.order)
    return Row(
        area=row.area,
        case=row.case,
        ours=row.ours,
        peers={"scipy": row.peers["scipy"] * live / SAMPLE},
        goal={"scipy": 1000.0},
        facts={"us per state": 1e6 * row.ours / live},
        note=f"{live} states of 5 x 5; scipy timed on {SAMPLE} of them",
    )


def random_states(n_states: int, count: int, discount: float) -> Row:
    rng = np.random.default_rng(n_states)
    shape = (n_states, count, count)
    game = StochasticGame.zero_sum(
        rng.normal(size=shape),
        rng.integers(n_states, size=(*shape, 3)),
        rng.dirichlet(np.ones(3), size=shape),
        discount=discount,
    )
    answer = modified_policy_iteration(game)
    peers: dict[str, Callable[[], object]] = {
        "Newton": lambda: pollatschek_avi_itzhak(game),
        "Hoffman-Karp": lambda: hoffman_karp(game),
    }
    if discount < 0.999:
        peers["Shapley"] = lambda: shapley_value_iteration(game)
    return compare(
        "stochastic",
        f"{n_states} random states of {count} x {count}, discount {discount:g}",
        lambda: modified_policy_iteration(game),
        peers,
        rounds=3,
        note=f"{answer.work['sweeps']} sweeps, regret {answer.epsilon:.0e}",
    )


def seconds_uncertified(game: StochasticGame) -> float:
    """Time the iteration without its certificate."""
    kept: Any = value_iteration.finished
    value_iteration.finished = lambda run, *, method: run  # type: ignore[assignment]
    try:
        return seconds_of(lambda: modified_policy_iteration(game))
    finally:
        value_iteration.finished = kept


def seconds_of(call: Callable[[], object]) -> float:
    return compare("", "", call, {}, rounds=5).ours
