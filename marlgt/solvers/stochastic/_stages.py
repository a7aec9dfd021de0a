"""The states of a zero-sum game in groups of one number of legal actions, and sweeps over them.

The compiled sweeps return to Python at least once a second. A stage game that they do not solve to rounding is solved
by the methods for single matrix games.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from marlgt.concepts._chains import chain_of, chain_values
from marlgt.errors import NotConverged
from marlgt.games.normal_form import NormalFormGame
from marlgt.games.stochastic import StationaryProfile, StochasticGame
from marlgt.kernels import gear
from marlgt.solvers.matrix_game import minimax
from marlgt.solvers.stochastic._stage_kernels import evaluation_sweeps, induced_chain, shapley_states

__all__ = ["Stages", "evaluate", "exact_values", "policies_of", "shapley_sweep", "stages_of"]

_STEPS_PER_CALL = 2e7


class Group(NamedTuple):
    """States in which both players have m and n legal actions, with room for their policies.

    Attributes
    ----------
    states : ndarray of int64, shape (G,)
    row_actions, column_actions : ndarray of int64, shapes (G, m) and (G, n)
    rewards : ndarray, shape (G, m, n)
    successors : ndarray of int32, shape (G, m, n, k)
    weights : ndarray, shape (G, m, n, k)
        Discounted probabilities.
    policy_x, policy_y : ndarray, shapes (G, m) and (G, n)
    workspace : tuple of ndarray
        The matrix of one stage game, its tableau, and its strategies.
    """

    states: NDArray[np.int64]
    row_actions: NDArray[np.int64]
    column_actions: NDArray[np.int64]
    rewards: NDArray[np.float64]
    successors: NDArray[np.int32]
    weights: NDArray[np.float64]
    policy_x: NDArray[np.float64]
    policy_y: NDArray[np.float64]
    workspace: tuple[NDArray[Any], ...]

    @property
    def work(self) -> float:
        """The predicted inner-loop steps of solving one state."""
        _, m, n = self.rewards.shape
        return float(m * n * self.successors.shape[3] + (min(m, n) + 3) * (m + 1) * (n + 1))


class Stages(NamedTuple):
    """The groups of a game, and the chain that the present policies make of it.

    Attributes
    ----------
    groups : tuple of Group
    order : ndarray of int64, shape (L,)
        The live states, group after group.
    chain : tuple of ndarray
        Pointers, targets, chances and rewards.
    work : float
        The predicted inner-loop steps of one sweep.
    """

    groups: tuple[Group, ...]
    order: NDArray[np.int64]
    chain: tuple[NDArray[Any], ...]
    work: float


def stages_of(game: StochasticGame) -> Stages:
    """Return the states that are not terminal of a two-player zero-sum game, grouped."""
    live = np.flatnonzero(~game.terminal)
    if game.all_legal:
        members = [(game.n_actions, live)]
    else:
        sizes = np.stack([own[live].sum(axis=1) for own in game.legal], axis=1)
        shapes, number = np.unique(sizes, axis=0, return_inverse=True)
        members = [((m, n), live[number.reshape(-1) == i]) for i, (m, n) in enumerate(shapes.tolist())]
    groups = []
    for (m, n), states in members:
        row_actions, column_actions = (np.nonzero(own[states])[1].reshape(len(states), -1) for own in game.legal)
        if (m, n) == game.n_actions:
            place: Any = states if len(states) < game.n_states else slice(None)
        else:
            place = (states[:, None, None], row_actions[:, :, None], column_actions[:, None, :])
        groups.append(
            Group(
                states,
                row_actions,
                column_actions,
                np.ascontiguousarray(game.rewards[0][place]),
                np.ascontiguousarray(game.successors[place]),
                game.discount * game.probabilities[place],
                np.zeros((len(states), m)),
                np.zeros((len(states), n)),
                (
                    np.empty((1, m, n)),
                    np.empty((m + 1, n + 1)),
                    np.empty(m, dtype=np.int64),
                    np.empty(n, dtype=np.int64),
                    np.empty(2),
                    np.ones((2, max(m, n) + 1)),
                    np.empty((1, m)),
                    np.empty((1, n)),
                ),
            )
        )
    entries = sum(group.weights.size for group in groups)
    first = np.zeros(len(live) + 1, dtype=np.int64)
    chain = (first, np.empty(entries, dtype=np.int64), np.empty(entries), np.empty(len(live)))
    order = np.concatenate([group.states for group in groups])
    return Stages(tuple(groups), order, chain, sum(group.work * len(group.states) for group in groups))


def shapley_sweep(
    stages: Stages, source: NDArray[np.float64], target: NDArray[np.float64], expected: float
) -> tuple[float, float, int]:
    """Apply Shapley's operator to all states and keep the policies; return the change, the gap and the pivots.

    Parameters
    ----------
    source, target : ndarray, shape (S,)
        Where values are read and written; the same array for a Gauss-Seidel sweep.
    expected : float
        Predicted inner-loop steps of the whole call.

    Returns
    -------
    change : float
        The largest change of a value.
    gap : float
        The largest ``max(A y) - min(x A)`` of a stage game.
    pivots : int
    """
    sweep: Any = gear(shapley_states, expected)
    report = np.zeros(3)
    for group in stages.groups:
        chunk = max(1, int(_STEPS_PER_CALL / group.work))
        count, done = len(group.states), 0
        arrays = (group.states, *group[3:8], *group.workspace, source, target, report)
        while done < count:
            stop = min(done + chunk, count)
            done = sweep(*arrays, done, stop)
            if done < stop:
                _solve_with_care(group, done, source, target, report)
                done += 1
    return float(report[0]), float(report[1]), int(report[2])


def evaluate(stages: Stages, values: NDArray[np.float64], sweeps: int, expected: float) -> None:
    """Move values towards those of the present policies by Gauss-Seidel sweeps."""
    write: Any = gear(induced_chain, expected)
    run: Any = gear(evaluation_sweeps, expected)
    first, targets, chances, paid = stages.chain
    offset = 0
    for group in stages.groups:
        write(group.states, *group[3:8], first, targets, chances, paid, offset)
        offset += len(group.states)
    budget = max(1, int(_STEPS_PER_CALL / (int(first[-1]) + len(paid))))
    while sweeps > 0:
        run(stages.order, first, targets, chances, paid, values, min(sweeps, budget))
        sweeps -= budget


def exact_values(stages: Stages, values: NDArray[np.float64]) -> None:
    """Replace the values by those of the present policies, whose linear equations are solved to rounding."""
    first, targets, chances, paid = stages.chain
    offset = 0
    for group in stages.groups:
        size = float(group.weights.size)
        gear(induced_chain, size)(group.states, *group[3:8], first, targets, chances, paid, offset)
        offset += len(group.states)
    count, end = len(paid), int(first[-1])
    place = np.full(len(values), -1)
    place[stages.order] = np.arange(count)
    rows, columns = np.repeat(np.arange(count), np.diff(first)), place[targets[:end]]
    live = columns >= 0
    values[stages.order] = chain_values(chain_of(count, rows[live], columns[live], chances[:end][live]), paid[None])[0]


def policies_of(game: StochasticGame, stages: Stages) -> StationaryProfile:
    """Return the present policies, shapes (S, A_1) and (S, A_2); in terminal states every legal action alike."""
    x, y = (np.array(policy) for policy in game.uniform_profile())
    for group in stages.groups:
        for policy, actions, own in ((x, group.row_actions, group.policy_x), (y, group.column_actions, group.policy_y)):
            policy[group.states] = 0.0
            policy[group.states[:, None], actions] = own
    return x, y


def _solve_with_care(
    group: Group, place: int, source: NDArray[np.float64], target: NDArray[np.float64], report: NDArray[np.float64]
) -> None:
    """Solve the stage game that the compiled simplex method left, and do what the sweep does for a state."""
    matrix = group.workspace[0][0]
    try:
        found = minimax(NormalFormGame.zero_sum(matrix))
    except NotConverged as failure:
        found = failure.best
    profile: Any = found.profile
    x, y = (np.asarray(p, dtype=np.float64) for p in profile)
    low = matrix.min()
    shifted = matrix - low
    state = group.states[place]
    value = float(low + x @ shifted @ y)
    report[0] = max(report[0], abs(value - source[state]))
    report[1] = max(report[1], float((shifted @ y).max() - (x @ shifted).min()))
    target[state] = value
    group.policy_x[place], group.policy_y[place] = x, y
