"""Policy hill climbing with known payoffs: the expected updates of learners that climb by fixed amounts.

With v_a what action a earns against the others' strategies, each step moves at most ``delta / (A - 1)`` of every other
action's probability to the best one (hill climbing), with a smaller delta while ``x . v > xbar . v``, xbar being the
average of the strategies so far (win or learn fast); or moves along the payoff gradient, slower the nearer the edge
that it heads for (weighted policy learner). These are the maps whose sampled versions learn from rewards.

References
----------
Bowling, M. and Veloso, M. (2002). Multiagent learning using a variable learning rate. Artificial Intelligence 136.
Abdallah, S. and Lesser, V. (2008). A multiagent reinforcement learning algorithm with non-linear dynamics. J. of
Artificial Intelligence Research 33.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from marlgt.dynamics.flows._flow import Rule, run_map
from marlgt.dynamics.flows._flow_kernels import map_step
from marlgt.dynamics.projections import write_projection
from marlgt.dynamics.trajectory import Trajectory
from marlgt.errors import GameError
from marlgt.games._doors import nonnegative, positive
from marlgt.games.normal_form import NormalFormGame
from marlgt.kernels import kernel

__all__ = ["policy_hill_climbing", "weighted_policy_learner", "wolf_policy_hill_climbing"]


@kernel
def climb(x: Any, v: Any, first: int, last: int, delta: float) -> None:
    """Move up to ``delta / (A - 1)`` from each other action to the best, the lowest index among ties."""
    best = first
    for k in range(first, last):
        if v[k] > v[best]:
            best = k
    for k in range(first, last):
        if k != best:
            moved = min(x[k], delta / (last - first - 1))
            x[k] -= moved
            x[best] += moved


@kernel
def climbing_update(
    payoffs: Any, offsets: Any, x: Any, v: Any, memory: Any, rates: Any, work: Any, digits: Any
) -> None:
    """Climb; rates: the delta."""
    for i in range(offsets.shape[0] - 1):
        climb(x, v, offsets[i], offsets[i + 1], rates[0])


@kernel
def wolf_climbing_update(
    payoffs: Any, offsets: Any, x: Any, v: Any, memory: Any, rates: Any, work: Any, digits: Any
) -> None:
    """Climb; memory: the steps so far, then the average strategies; rates: the deltas while winning and losing."""
    memory[0] += 1.0
    for i in range(offsets.shape[0] - 1):
        lead = 0.0
        for k in range(offsets[i], offsets[i + 1]):
            memory[1 + k] += (x[k] - memory[1 + k]) / memory[0]
            lead += (x[k] - memory[1 + k]) * v[k]
        climb(x, v, offsets[i], offsets[i + 1], rates[0] if lead > 0.0 else rates[1])


@kernel
def weighted_update(
    payoffs: Any, offsets: Any, x: Any, v: Any, memory: Any, rates: Any, work: Any, digits: Any
) -> None:
    """Move by the weighted gradient; rates: the step, the least probability."""
    for i in range(offsets.shape[0] - 1):
        count = offsets[i + 1] - offsets[i]
        total = 0.0
        for k in range(offsets[i], offsets[i + 1]):
            total += v[k]
        for k in range(offsets[i], offsets[i + 1]):
            # Against the mean of the other actions: with two actions this is dU / dx.
            gain = v[k] - (total - v[k]) / (count - 1) if count > 1 else 0.0
            x[k] += rates[0] * gain * (1.0 - x[k] if gain > 0.0 else x[k])
        # Distributions of at least the floor everywhere are a smaller simplex, moved and scaled.
        room = 1.0 - count * rates[1]
        for k in range(offsets[i], offsets[i + 1]):
            x[k] = (x[k] - rates[1]) / room
        write_projection(x[offsets[i] : offsets[i + 1]])
        for k in range(offsets[i], offsets[i + 1]):
            x[k] = rates[1] + room * x[k]


def policy_hill_climbing(
    game: NormalFormGame,
    *,
    delta: float = 0.001,
    start: Sequence[ArrayLike] | None = None,
    steps: int = 10_000,
    record: int = 100,
    joint: bool | None = None,
) -> Trajectory:
    """Move probability by fixed amounts to the best reply, every player at once: PHC when values are known.

    Parameters
    ----------
    game : NormalFormGame
    delta : float
        Above 0: the most probability that moves in a step, whatever the unit of payoffs.
    start : profile, optional
    steps : int
    record : int
        How many times are recorded, evenly spaced, after the start.
    joint : bool, optional
        Whether to keep the average joint distribution; by default where there are at most 10,000 action profiles.

    Returns
    -------
    Trajectory

    Raises
    ------
    GameError
        For settings out of range.

    Examples
    --------
    >>> import marlgt as gt
    >>> run = gt.dynamics.policy_hill_climbing(gt.games.prisoners_dilemma(), steps=2000)
    >>> bool(run.last.epsilon < 1e-9)
    True

    References
    ----------
    Bowling and Veloso (2002).
    """
    delta = positive(delta, "delta")
    rule = Rule(
        "policy_hill_climbing",
        {"update": climbing_update},
        "rational: goes to a best reply to players who stand still; circles mixed equilibria",
        rates=lambda _: (delta,),
        step=map_step,
    )
    return run_map(game, rule, start=start, steps=steps, record=record, joint=joint)


def wolf_policy_hill_climbing(
    game: NormalFormGame,
    *,
    while_winning: float = 0.001,
    while_losing: float = 0.004,
    start: Sequence[ArrayLike] | None = None,
    steps: int = 10_000,
    record: int = 100,
    joint: bool | None = None,
) -> Trajectory:
    """Climb by small amounts while the strategy beats its own average so far, and by large ones while it does not.

    Parameters
    ----------
    game : NormalFormGame
    while_winning, while_losing : float
        The most probability that moves in a step: delta_w and delta_l in the paper, where the second is the larger.
    start, steps, record, joint
        As in :func:`policy_hill_climbing`.

    Returns
    -------
    Trajectory

    Raises
    ------
    GameError
        For settings out of range.

    Examples
    --------
    >>> import marlgt as gt
    >>> run = gt.dynamics.wolf_policy_hill_climbing(gt.games.matching_pennies(), steps=3000)
    >>> bool(run.last.epsilon < 0.1)
    True

    References
    ----------
    Bowling and Veloso (2002).
    """
    slow, fast = nonnegative(while_winning, "while_winning"), positive(while_losing, "while_losing")
    rule = Rule(
        "wolf_policy_hill_climbing",
        {"update": wolf_climbing_update},
        "goes to equilibrium in the two-player games of few actions where it was studied; not proved in general, and "
        "known to circle in Shapley's game",
        rates=lambda _: (slow, fast),
        memory=lambda _, x: np.zeros(1 + len(x)),
        step=map_step,
    )
    return run_map(game, rule, start=start, steps=steps, record=record, joint=joint)


def weighted_policy_learner(
    game: NormalFormGame,
    *,
    step: float = 0.001,
    floor: float = 0.001,
    start: Sequence[ArrayLike] | None = None,
    steps: int = 10_000,
    record: int = 100,
    joint: bool | None = None,
) -> Trajectory:
    """Climb payoffs with a gradient that fades as the probability nears the edge that it heads for.

    An action's probability x moves by ``step g (1 - x)`` for ``g > 0`` and by ``step g x`` for ``g < 0``, g being what
    the action earns above the mean of the others; then to the nearest distribution that gives every action at least
    ``floor``. Circles about a mixed equilibrium shrink slowly, and no further than to about the step.
    :class:`marlgt.learners.WPL` steps along payoffs above what the whole strategy earns; with two actions that is the
    same map with half the step.

    Parameters
    ----------
    game : NormalFormGame
    step : float
        Above 0, in units of one over a payoff.
    floor : float
        From 0 up to below one over the most actions that a player has.
    start, steps, record, joint
        As in :func:`policy_hill_climbing`.

    Returns
    -------
    Trajectory

    Raises
    ------
    GameError
        For settings out of range.

    Examples
    --------
    >>> import marlgt as gt
    >>> run = gt.dynamics.weighted_policy_learner(gt.games.matching_pennies(), step=0.01, steps=2000)
    >>> bool(run.last.epsilon < 0.1)
    True

    References
    ----------
    Abdallah and Lesser (2008).
    """
    step, floor = positive(step, "step"), nonnegative(floor, "floor")

    def rates(game: NormalFormGame) -> tuple[float, float]:
        if floor * max(game.n_actions) >= 1.0:
            raise GameError(f"floor is {floor:g}: {max(game.n_actions)} actions leave room for less than one over that")
        return step, floor

    rule = Rule(
        "weighted_policy_learner",
        {"update": weighted_update},
        "goes to the mixed equilibrium of the 2x2 games studied in the paper; no proof in general",
        rates=rates,
        step=map_step,
    )
    return run_map(game, rule, start=start, steps=steps, record=record, joint=joint)
