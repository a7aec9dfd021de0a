"""Epsilon-greedy Q-learning in expectation: values chase payoffs, each at the rate at which its action is played.

Every player holds a value Q_a for each action and plays the best one with probability ``1 - e + e / A``, each other
with ``e / A``. With v_a what action a earns against the others' strategies and a small step s, the values move by
their expected update::

    Q_a' = Q_a + s x_a (v_a - Q_a)

Payoffs jump where a player's best action changes, so that the limit of small steps is a system of linear pieces: it
slides along the surfaces between them or goes round; in the prisoner's dilemma it can, from some starts, go on
cooperating part of the time for ever, which no equilibrium does (Wunder, Littman and Babes 2010).

References
----------
Wunder, M., Littman, M. L. and Babes, M. (2010). Classes of multiagent Q-learning dynamics with epsilon-greedy
exploration. ICML.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from marlgt.dynamics.flows._flow import Rule, run_map
from marlgt.dynamics.flows._flow_kernels import map_step
from marlgt.dynamics.trajectory import Trajectory
from marlgt.errors import GameError
from marlgt.games._doors import positive
from marlgt.games.normal_form import NormalFormGame
from marlgt.kernels import kernel

__all__ = ["epsilon_greedy_dynamics"]


@kernel
def greedy_update(payoffs: Any, offsets: Any, x: Any, v: Any, memory: Any, rates: Any, work: Any, digits: Any) -> None:
    """Move the values, then play by them; memory: whether there are values, then they; rates: the step, epsilon."""
    for i in range(offsets.shape[0] - 1):
        best = offsets[i]
        for k in range(offsets[i], offsets[i + 1]):
            if memory[0] == 0.0:
                memory[1 + k] = v[k]
            else:
                memory[1 + k] += rates[0] * x[k] * (v[k] - memory[1 + k])
            if memory[1 + k] > memory[1 + best]:
                best = k
        explored = rates[1] / (offsets[i + 1] - offsets[i])
        for k in range(offsets[i], offsets[i + 1]):
            x[k] = 1.0 - rates[1] + explored if k == best else explored
    memory[0] = 1.0


def epsilon_greedy_dynamics(
    game: NormalFormGame,
    *,
    step: float = 0.01,
    epsilon: float = 0.1,
    start: Sequence[ArrayLike] | None = None,
    steps: int = 5000,
    record: int = 100,
    joint: bool | None = None,
) -> Trajectory:
    """Let every player track the payoffs of her actions and play the best, each other with a little probability.

    Parameters
    ----------
    game : NormalFormGame
    step : float
        How far a value moves towards a payoff that is earned for sure, above 0 and at most 1.
    epsilon : float
        The probability of an action drawn evenly, above 0 and at most 1.
    start : profile, optional
        What is played first; the first values are what actions earn against it. By default inside, off the centre.
    steps : int
    record : int
        How many times are recorded, evenly spaced, after the start.
    joint : bool, optional
        Whether to keep the average joint distribution; by default where there are at most 10,000 action profiles.

    Returns
    -------
    Trajectory
        Its strategies are the epsilon-greedy ones; the lowest action is played among equal values.

    Raises
    ------
    GameError
        For settings out of range.

    Examples
    --------
    >>> import marlgt as gt
    >>> run = gt.dynamics.epsilon_greedy_dynamics(gt.games.prisoners_dilemma(), steps=2000)
    >>> [round(float(x[1]), 3) for x in run.last.profile]
    [0.95, 0.95]

    References
    ----------
    Wunder, Littman and Babes (2010).
    """
    step, epsilon = positive(step, "step"), positive(epsilon, "epsilon")
    for name, value in (("step", step), ("epsilon", epsilon)):
        if value > 1.0:
            raise GameError(f"{name} is {value:g}: give a number above 0, at most 1")
    rule = Rule(
        "epsilon_greedy_dynamics",
        {"update": greedy_update},
        "strict equilibria, but for a little exploration, are rest points that attract; mixed ones are circled or slid "
        "along",
        rates=lambda _: (step, epsilon),
        memory=lambda _, x: np.zeros(1 + len(x)),
        step=map_step,
    )
    return run_map(game, rule, start=start, steps=steps, record=record, joint=joint)
