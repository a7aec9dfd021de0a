"""Newton's method for Shapley's equation with shortened steps, and along discounts that rise to the game's.

With D = N - V the step from values V to those of the policies that are optimal in the stage games of V, the method of
Pollatschek and Avi-Itzhak may go round in circles. Filar and Tolwinski (1991) go to V + share D, with the largest of
1, 1/2, 1/4, ... that brings the norm of T V - V down in proportion. The nearer the discount is to 1, the smaller the
region in which whole steps converge; so where the steps become short, a smaller discount is solved first, and the
policies that are optimal there are evaluated at a larger one, until the game's own is reached.

References
----------
Filar, J. A. and Tolwinski, B. (1991). On the algorithm of Pollatschek and Avi-Itzhak. In Stochastic Games and Related
Topics, 59-70.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from marlgt.concepts.stationary import stationary_regrets
from marlgt.solvers.stochastic._iterations import Iteration
from marlgt.solvers.stochastic._stages import evaluate, exact_values, policies_of

__all__ = ["along_discounts"]

Floats = NDArray[np.float64]

_FIRST_HORIZON = 100.0
_FACTOR = 4.0
_FIRST_ROUNDS, _FIRST_EVALUATIONS = 10, 100
_LEVEL_RESIDUAL = 1e-6
_DECREASE = 0.1
_SHORTEST = 1.0 / 64.0
_SHORT_STEPS = 3
_MOST_SWEEPS = 200
"""Sweeps at one discount."""


def along_discounts(run: Iteration, report: Callable[[float, str], None]) -> bool:
    """Solve the game at discounts that rise to its own; return whether the iteration settled there.

    The values end as those of a last sweep at the game's own discount. Where that did not settle, the policies are
    those of the discount before if they have the smaller regret: near 1 the same policies are often optimal for all
    discounts, while rounding in a step grows with the length of a play.
    """
    weights = [group.weights.copy() for group in run.stages.groups]
    horizon = min(_FIRST_HORIZON, run.horizon)
    discount = run.game.discount
    begun = False
    earlier: list[tuple[Floats, Floats]] = []
    while True:
        last = horizon >= run.horizon
        share = 1.0 if last else (1.0 - 1.0 / horizon) / discount
        for group, own in zip(run.stages.groups, weights):
            np.multiply(own, share, out=group.weights)
        if not begun:
            run.values = np.zeros_like(run.values)
            for _ in range(_FIRST_ROUNDS):
                run.sweep()
                evaluate(run.stages, run.values, _FIRST_EVALUATIONS, run.expected)
            begun = True
        # The policies of the discount before, at this one.
        exact_values(run.stages, run.values)
        settled = _steps(run, None if last else _LEVEL_RESIDUAL * run.spread, report)
        if last or run.exhausted:
            break
        earlier = [(group.policy_x.copy(), group.policy_y.copy()) for group in run.stages.groups]
        horizon *= _FACTOR
    if not last:
        for group, own in zip(run.stages.groups, weights):
            group.weights[...] = own
        run.sweep()
        settled = run.settled
    if not settled and earlier:
        _keep_better(run, earlier)
    return settled


def _keep_better(run: Iteration, policies: list[tuple[Floats, Floats]]) -> None:
    """Put these policies in the place of the present ones if their regret is smaller."""
    present = [(group.policy_x.copy(), group.policy_y.copy()) for group in run.stages.groups]
    regret = _regret(run)
    _put(run, policies)
    if not _regret(run) < regret:
        _put(run, present)


def _put(run: Iteration, policies: list[tuple[Floats, Floats]]) -> None:
    for group, (x, y) in zip(run.stages.groups, policies):
        group.policy_x[...], group.policy_y[...] = x, y


def _regret(run: Iteration) -> float:
    return float(stationary_regrets(run.game, policies_of(run.game, run.stages))[1].max())


def _steps(run: Iteration, residual: float | None, report: Callable[[float, str], None]) -> bool:
    """Take shortened steps until the residual is down to this one, or the iteration settled; return whether it is."""
    limit = run.sweeps + _MOST_SWEEPS
    after = np.zeros_like(run.values)
    run.sweep(after)
    short = 0
    while True:
        report(float(run.sweeps), f"residual {run.residual:.1e}")
        done = run.settled if residual is None else run.residual <= residual
        if done or short > _SHORT_STEPS or run.exhausted or run.sweeps >= limit:
            run.values = after
            return done
        before, shapley = run.values, after.copy()
        merit = float(np.linalg.norm(shapley - before))
        step = before.copy()
        exact_values(run.stages, step)
        step -= before
        share = 1.0
        while share >= _SHORTEST and not run.exhausted:
            run.values = before + share * step
            run.sweep(after)
            if float(np.linalg.norm(after - run.values)) <= (1.0 - _DECREASE * share) * merit:
                break
            share /= 2.0
        else:
            short += 1
            run.values = shapley
            run.sweep(after)
