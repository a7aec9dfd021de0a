"""The passes of regret minimization and fictitious play over the sequence form; their arrays: ``SequenceRows``.

One iteration of one player: her sequences' worths against the others' plans; from the last information set to the
first, values, regrets and the next policy; from the first to the last, her next realization plan.
"""

from __future__ import annotations

from typing import Any

from marlgt.kernels import kernel

__all__ = ["best_values", "fictitious_steps", "minimize_regret", "set_masses", "write_plans", "write_worths"]


@kernel
def write_worths(row_start: Any, columns: Any, entries: Any, plan: Any, worths: Any, low: int, high: int) -> None:
    """Write what the sequences from ``low`` to ``high`` earn at once, against the others' plans."""
    others = columns.shape[0]
    if others == 1:
        for s in range(low, high):
            total = 0.0
            for k in range(row_start[s], row_start[s + 1]):
                total += entries[k] * plan[columns[0, k]]
            worths[s] = total
    elif others == 2:
        for s in range(low, high):
            total = 0.0
            for k in range(row_start[s], row_start[s + 1]):
                total += entries[k] * plan[columns[0, k]] * plan[columns[1, k]]
            worths[s] = total
    else:
        for s in range(low, high):
            total = 0.0
            for k in range(row_start[s], row_start[s + 1]):
                weight = entries[k]
                for m in range(others):
                    weight *= plan[columns[m, k]]
                total += weight
            worths[s] = total


@kernel
def write_plans(n_actions: Any, first: Any, parent: Any, policy: Any, plan: Any, begin: int, end: int) -> None:
    """Write the realization plan of the information sets from ``begin`` to ``end``; empty sequences keep theirs."""
    for j in range(begin, end):
        reach = plan[parent[j]]
        for s in range(first[j], first[j] + n_actions[j]):
            plan[s] = reach * policy[s]


@kernel
def set_masses(n_actions: Any, first: Any, parent: Any, mass: Any, total: Any) -> None:
    """Write all that each information set can earn or lose, from what its sequences can, which is summed in place."""
    for j in range(n_actions.shape[0] - 1, -1, -1):
        below = 0.0
        for s in range(first[j], first[j] + n_actions[j]):
            below += mass[s]
        total[j] = below
        mass[parent[j]] += below


@kernel
def regret_pass(
    n_actions: Any,
    first: Any,
    parent: Any,
    slack: Any,
    worths: Any,
    regrets: Any,
    policy: Any,
    begin: int,
    end: int,
    keep_positive: float,
    keep_negative: float,
) -> None:
    """Add the regrets of one iteration, scale them by their sign, and match the next policy to them."""
    for j in range(end - 1, begin - 1, -1):
        start = first[j]
        stop = start + n_actions[j]
        value = 0.0
        for s in range(start, stop):
            value += policy[s] * worths[s]
        worths[parent[j]] += value
        total = 0.0
        for s in range(start, stop):
            regret = regrets[s] + (worths[s] - value)
            if regret > 0.0:
                regret *= keep_positive
                total += regret
            else:
                regret *= keep_negative
            regrets[s] = regret
        if total > slack[j]:
            for s in range(start, stop):
                policy[s] = regrets[s] / total if regrets[s] > 0.0 else 0.0
        else:
            for s in range(start, stop):
                policy[s] = 1.0 / n_actions[j]


@kernel
def predictive_pass(
    n_actions: Any,
    first: Any,
    parent: Any,
    slack: Any,
    worths: Any,
    guesses: Any,
    regrets: Any,
    policy: Any,
    begin: int,
    end: int,
) -> None:
    """Add the regrets of one iteration, keep the positive, and match the next policy to them plus their prediction.

    ``guesses`` begins as ``worths``: what the sequences are predicted to earn at once in the next iteration. What
    follows a sequence is predicted under the next policy, where ``worths`` counts it under the last one.
    """
    for j in range(end - 1, begin - 1, -1):
        start = first[j]
        stop = start + n_actions[j]
        value = 0.0
        guess = 0.0
        for s in range(start, stop):
            value += policy[s] * worths[s]
            guess += policy[s] * guesses[s]
        worths[parent[j]] += value
        total = 0.0
        for s in range(start, stop):
            regrets[s] = max(regrets[s] + (worths[s] - value), 0.0)
            total += max(regrets[s] + (guesses[s] - guess), 0.0)
        predicted = 0.0
        for s in range(start, stop):
            if total > slack[j]:
                policy[s] = max(regrets[s] + (guesses[s] - guess), 0.0) / total
            else:
                policy[s] = 1.0 / n_actions[j]
            predicted += policy[s] * guesses[s]
        guesses[parent[j]] += predicted


@kernel
def minimize_regret(
    set_offset: Any,
    sequence_offset: Any,
    n_actions: Any,
    first: Any,
    parent: Any,
    row_start: Any,
    columns: Any,
    entries: Any,
    slack: Any,
    weights: Any,
    keep_positive: Any,
    keep_negative: Any,
    predictive: bool,
    regrets: Any,
    policy: Any,
    plan: Any,
    average: Any,
    worths: Any,
    guesses: Any,
) -> None:
    """Run one iteration for each of ``weights``, all players in turn, each against the others' newest plans."""
    for t in range(weights.shape[0]):
        for i in range(set_offset.shape[0] - 1):
            low = sequence_offset[i]
            high = sequence_offset[i + 1]
            begin = set_offset[i]
            end = set_offset[i + 1]
            write_worths(row_start, columns, entries, plan, worths, low, high)
            for s in range(low, high):
                average[s] += weights[t] * plan[s]
            if predictive:
                for s in range(low, high):
                    guesses[s] = worths[s]
                predictive_pass(n_actions, first, parent, slack, worths, guesses, regrets, policy, begin, end)
            else:
                positive = keep_positive[t]
                negative = keep_negative[t]
                regret_pass(n_actions, first, parent, slack, worths, regrets, policy, begin, end, positive, negative)
            write_plans(n_actions, first, parent, policy, plan, begin, end)


@kernel
def best_pass(n_actions: Any, first: Any, parent: Any, worths: Any, policy: Any, begin: int, end: int) -> None:
    """Add the worth of what follows each sequence, and write the best reply, the first of equal actions."""
    for j in range(end - 1, begin - 1, -1):
        start = first[j]
        best = start
        for s in range(start, start + n_actions[j]):
            policy[s] = 0.0
            if worths[s] > worths[best]:
                best = s
        policy[best] = 1.0
        worths[parent[j]] += worths[best]


@kernel
def best_values(
    set_offset: Any,
    sequence_offset: Any,
    n_actions: Any,
    first: Any,
    parent: Any,
    row_start: Any,
    columns: Any,
    entries: Any,
    plan: Any,
    worths: Any,
    reply: Any,
    values: Any,
    best: Any,
) -> None:
    """Write what each player gets under the plans, what her best reply would get, and the reply as a policy."""
    for i in range(set_offset.shape[0] - 1):
        low = sequence_offset[i]
        high = sequence_offset[i + 1]
        write_worths(row_start, columns, entries, plan, worths, low, high)
        value = 0.0
        for s in range(low, high):
            value += plan[s] * worths[s]
        values[i] = value
        best_pass(n_actions, first, parent, worths, reply, set_offset[i], set_offset[i + 1])
        best[i] = worths[low]


@kernel
def fictitious_steps(
    set_offset: Any,
    sequence_offset: Any,
    n_actions: Any,
    first: Any,
    parent: Any,
    row_start: Any,
    columns: Any,
    entries: Any,
    played: int,
    steps: int,
    plan: Any,
    worths: Any,
    reply: Any,
    reply_plan: Any,
    values: Any,
    best: Any,
) -> None:
    """Move the plans, which are the average of ``played`` replies, by ``steps`` best replies of all players at once."""
    for t in range(steps):
        best_values(
            set_offset,
            sequence_offset,
            n_actions,
            first,
            parent,
            row_start,
            columns,
            entries,
            plan,
            worths,
            reply,
            values,
            best,
        )
        write_plans(n_actions, first, parent, reply, reply_plan, 0, n_actions.shape[0])
        share = 1.0 / (played + t + 1)
        for s in range(plan.shape[0]):
            plan[s] += share * (reply_plan[s] - plan[s])
