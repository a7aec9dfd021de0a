"""Markov decision processes with sparse transitions, solved exactly by policy iteration.

From a policy's values V, the policy that is greedy for V is at least as good in every state, and the best policy is
the one that cannot be improved so (Howard 1960). Evaluations are exact solutions of linear equations, so that the
values found are the best ones up to rounding; from values near the best ones, one or two evaluations suffice.

References
----------
Howard, R. A. (1960). Dynamic Programming and Markov Processes. MIT Press.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from marlgt.concepts._chains import Chain, chain_of, chain_values

__all__ = ["DecisionProcess", "action_worths", "best_values", "chosen_chain", "mixed_chain", "process_of"]

_MOST_ROUNDS = 1000
_ROUNDING = 1e-14


class DecisionProcess(NamedTuple):
    """The rewards of each state and action, and the transitions between live states, as entries sorted by state.

    Attributes
    ----------
    rewards : ndarray, shape (S, A)
        Minus infinity for actions that are not legal; 0 in terminal states.
    states, actions, targets : ndarray of int64, shape (E,)
    weights : ndarray, shape (E,)
        The discount times the probability. Several entries may go the same way.
    """

    rewards: NDArray[np.float64]
    states: NDArray[np.int64]
    actions: NDArray[np.int64]
    targets: NDArray[np.int64]
    weights: NDArray[np.float64]


def process_of(
    rewards: NDArray[np.float64],
    legal: NDArray[np.bool_],
    terminal: NDArray[np.bool_],
    places: NDArray[np.int64],
    successors: NDArray[np.int32],
    weights: NDArray[np.float64],
) -> DecisionProcess:
    """Return the decision process of blocks of transitions.

    Parameters
    ----------
    rewards : ndarray, shape (S, A)
    legal : ndarray of bool, shape (S, A)
    terminal : ndarray of bool, shape (S,)
    places : ndarray of int64, shape (B,)
        The state of each block, in order.
    successors, weights : ndarray, shape (B, A, K)
    """
    n_states, count = rewards.shape
    width = successors.shape[2]
    kept = np.flatnonzero(((weights > 0.0) & ~terminal[successors]).reshape(-1))
    rows = kept // width
    states, actions = places[rows // count], rows % count
    live = ~terminal[states] & legal[states, actions]
    if not live.all():
        kept, states, actions = kept[live], states[live], actions[live]
    targets, chances = successors.reshape(-1)[kept].astype(np.int64), weights.reshape(-1)[kept]
    paid = np.where(legal, np.where(terminal[:, None], 0.0, rewards), -np.inf)
    paid[terminal] = 0.0
    if len(kept) > 2 * n_states * count * n_states:
        # More entries than pairs of states to connect: add up those that go the same way.
        dense = np.bincount((states * count + actions) * n_states + targets, chances, n_states * count * n_states)
        filled = np.flatnonzero(dense)
        rows, targets = filled // n_states, filled % n_states
        chances = np.asarray(dense[filled], dtype=np.float64)
        states, actions = rows // count, rows % count
    return DecisionProcess(paid, states, actions, targets, chances)


def action_worths(process: DecisionProcess, values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the reward plus the discounted value of what follows for each state and action, shape (S, A)."""
    count = process.rewards.shape[1]
    ahead = np.bincount(
        process.states * count + process.actions,
        process.weights * values[process.targets],
        minlength=process.rewards.size,
    )
    return np.asarray(process.rewards + ahead.reshape(process.rewards.shape))


def mixed_chain(process: DecisionProcess, policy: NDArray[np.float64]) -> Chain:
    """Return the chain that a policy of shape (S, A) makes of the process."""
    shares = policy[process.states, process.actions]
    kept = np.flatnonzero(shares)
    return chain_of(len(policy), process.states[kept], process.targets[kept], process.weights[kept] * shares[kept])


def chosen_chain(process: DecisionProcess, choice: NDArray[np.int64]) -> Chain:
    """Return the chain that a pure policy, one action per state, makes of the process."""
    kept = np.flatnonzero(process.actions == choice[process.states])
    return chain_of(len(choice), process.states[kept], process.targets[kept], process.weights[kept])


def best_values(
    process: DecisionProcess, values: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.int64], int]:
    """Return the best values, a best action for each state, and how many policies were evaluated.

    Parameters
    ----------
    values : ndarray, shape (S,)
        Where the search begins.
    """
    states = np.arange(len(values))
    paid = np.where(process.rewards > -np.inf, process.rewards, 0.0)
    level = float(np.abs(paid).max())
    worths = action_worths(process, values)
    choice = worths.argmax(axis=1)
    # Below rounding an improvement is none, and taking it could go round in circles.
    if (np.abs(worths[states, choice] - values) <= _ROUNDING * (np.abs(values) + level)).all():
        return values, choice, 0
    for evaluations in range(1, _MOST_ROUNDS):
        found = chain_values(chosen_chain(process, choice), paid[states, choice][None])[0]
        worths = action_worths(process, found)
        better = worths.argmax(axis=1)
        chosen = worths[states, choice]
        gains = worths[states, better] > chosen + _ROUNDING * (np.abs(chosen) + level)
        stuck = evaluations > 1 and (found - values).max() <= _ROUNDING * (np.abs(found).max() + level)
        values = found
        if stuck or not gains.any():
            break
        choice = np.where(gains, better, choice)
    return values, choice, evaluations
