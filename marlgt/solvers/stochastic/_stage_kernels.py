"""The kernels of zero-sum stochastic games: Shapley's operator state by state, and sweeps of a pair of policies.

Shapley's operator T takes values V to the values of the stage games, ``(T V)(s) = val[r(s, a, b) + discount *
sum_t p(t | s, a, b) V(t)]`` (Shapley 1953). A sweep builds the matrix of one state after another in place and solves
it by the condensed simplex method. Values are read as x'Ay and each comes with the gap ``max(A y) - min(x A)``; a
state whose gap is not at the level of rounding is handed back.
"""

from __future__ import annotations

from typing import Any

from marlgt.kernels import kernel
from marlgt.solvers._condensed_tableau import open_game, read_strategies, run_pivots, value_and_gap

__all__ = ["evaluation_sweeps", "induced_chain", "shapley_states", "stage_matrix"]


@kernel
def stage_matrix(rewards: Any, successors: Any, weights: Any, values: Any, stage: Any, g: int) -> None:
    """Write the payoffs of the stage game of state ``g`` of a group; ``weights`` are discounted probabilities."""
    m = rewards.shape[1]
    n = rewards.shape[2]
    k = successors.shape[3]
    for i in range(m):
        for j in range(n):
            total = rewards[g, i, j]
            for c in range(k):
                total += weights[g, i, j, c] * values[successors[g, i, j, c]]
            stage[0, i, j] = total


@kernel
def shapley_states(
    states: Any,
    rewards: Any,
    successors: Any,
    weights: Any,
    policy_x: Any,
    policy_y: Any,
    stage: Any,
    tableau: Any,
    rows: Any,
    columns: Any,
    bounds: Any,
    scratch: Any,
    x: Any,
    y: Any,
    source: Any,
    target: Any,
    report: Any,
    start: int,
    stop: int,
) -> int:
    """Apply Shapley's operator to states ``start`` to ``stop - 1`` of a group, and keep their policies.

    Values are read from ``source`` and written to ``target``, which may be the same array. ``report`` collects the
    largest change, the largest gap and the number of pivots. Return the place after the last state done: before
    ``stop`` stands a state that the simplex method did not solve, its matrix in ``stage``.
    """
    m = rewards.shape[1]
    n = rewards.shape[2]
    for g in range(start, stop):
        stage_matrix(rewards, successors, weights, source, stage, g)
        if open_game(stage, tableau, rows, columns, x, y, bounds, scratch, 0) == 0:
            _, made = run_pivots(tableau, rows, columns, scratch, 0, 1 << 62)
            read_strategies(tableau, rows, columns, 0, x, y)
            report[2] += made
        value, gap = value_and_gap(stage, 0, bounds[0], x, y, scratch)
        size = abs(bounds[0]) + bounds[1]
        if not gap <= 1e-13 * bounds[1] + 1e-15 * (m + n) * size:
            return g
        state = states[g]
        report[0] = max(report[0], abs(value - source[state]))
        report[1] = max(report[1], gap)
        target[state] = value
        for i in range(m):
            policy_x[g, i] = x[0, i]
        for j in range(n):
            policy_y[g, j] = y[0, j]
    return stop


@kernel
def induced_chain(
    states: Any,
    rewards: Any,
    successors: Any,
    weights: Any,
    policy_x: Any,
    policy_y: Any,
    first: Any,
    targets: Any,
    chances: Any,
    paid: Any,
    offset: int,
) -> None:
    """Write the chain that both policies make of a group's states, from place ``offset`` on.

    The way back to the state itself is taken out: rewards and chances are divided by one minus its chance.
    """
    m = rewards.shape[1]
    n = rewards.shape[2]
    k = successors.shape[3]
    end = first[offset]
    for g in range(states.shape[0]):
        begin = end
        stays = 1.0
        total = 0.0
        for i in range(m):
            if policy_x[g, i] > 0.0:
                for j in range(n):
                    share = policy_x[g, i] * policy_y[g, j]
                    if share > 0.0:
                        total += share * rewards[g, i, j]
                        for c in range(k):
                            chance = share * weights[g, i, j, c]
                            if successors[g, i, j, c] == states[g]:
                                stays -= chance
                            elif chance > 0.0:
                                targets[end] = successors[g, i, j, c]
                                chances[end] = chance
                                end += 1
        paid[offset + g] = total / stays
        for e in range(begin, end):
            chances[e] /= stays
        first[offset + g + 1] = end


@kernel
def evaluation_sweeps(order: Any, first: Any, targets: Any, chances: Any, paid: Any, values: Any, sweeps: int) -> float:
    """Make Gauss-Seidel sweeps of the values of one pair of policies, back and forth; return the last change."""
    n = order.shape[0]
    change = 0.0
    for turn in range(sweeps):
        change = 0.0
        for place in range(n):
            p = place if turn % 2 else n - 1 - place
            total = paid[p]
            for e in range(first[p], first[p + 1]):
                total += chances[e] * values[targets[e]]
            change = max(change, abs(total - values[order[p]]))
            values[order[p]] = total
    return change
