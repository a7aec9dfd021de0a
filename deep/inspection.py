"""What a run learnt to believe, as tables: the utilities of the agents, and the values of all their joint actions.

The tables are about one situation, by default the first of an episode; of a one-shot game they are everything that was
learnt. :func:`marlgt.concepts.individual_global_max` and :func:`marlgt.concepts.qtran_conditions` take them as they
are, and :func:`marlgt.concepts.additive_projection` and :func:`marlgt.concepts.monotone_projection` say what the best
table of each kind would have been.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from torch import Tensor

from marlgt.deep.algorithms.central_q import CentralQ
from marlgt.deep.algorithms.qtran import QTRAN
from marlgt.deep.algorithms.value_algorithm import ValueAlgorithm
from marlgt.deep.algorithms.vdn import VDN
from marlgt.deep.environments import make_environment
from marlgt.deep.environments.joint_view import MOST_JOINT_ACTIONS
from marlgt.deep.networks.layers import NoisyLinear
from marlgt.deep.runs.run import Run
from marlgt.errors import BudgetExceeded, GameError

__all__ = ["LearntValues", "learnt_values"]

Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class LearntValues:
    """The values that the S seeds of a run learnt of one situation.

    Attributes
    ----------
    utilities : ndarray, shape (S, n, A), or None
        What each agent's own actions are worth to her; None if the team was one learner.
    joint : ndarray, shape (S, A, ..., A), or None
        What each joint action is worth to the team by the joint value that was learnt: the sum of utilities (VDN),
        their mixture (QMIX), Q_jt (QTRAN), or the table of central Q-learning; None if there is no joint value.
    state_value : ndarray, shape (S,), or None
        V_jt of QTRAN.
    """

    utilities: Floats | None
    joint: Floats | None
    state_value: Floats | None

    @property
    def totals(self) -> Floats:
        """The sums of utilities, Q'(u), shape (S, A, ..., A).

        Raises
        ------
        GameError
            If there are no utilities.
        """
        if self.utilities is None:
            raise GameError("central Q-learning has no utilities of single agents: read its joint values")
        totals: Floats = np.zeros(len(self.utilities))
        for agent in range(self.utilities.shape[1]):
            own = self.utilities[:, agent]
            totals = totals[..., None] + own.reshape(len(own), *(1,) * agent, -1)
        return totals

    @property
    def residual(self) -> Floats:
        """QTRAN's D(u) = Q'(u) - Q_jt(u) + V_jt, shape (S, A, ..., A), which its conditions are about.

        Raises
        ------
        GameError
            If it was not QTRAN that learnt.
        """
        if self.joint is None or self.state_value is None:
            raise GameError("only QTRAN learns a joint value and a state value beside its utilities: train QTRAN")
        value: Floats = self.state_value.reshape(-1, *(1,) * (self.joint.ndim - 1))
        return self.totals - self.joint + value

    @property
    def greedy(self) -> NDArray[np.int64]:
        """The joint action that is played, shape (S, n)."""
        if self.utilities is not None:
            best: NDArray[np.int64] = self.utilities.argmax(-1)
            return best
        if self.joint is None:
            raise GameError("without utilities and joint values there is no greedy action: read them from a run")
        flat = self.joint.reshape(len(self.joint), -1).argmax(-1)
        return np.stack(np.unravel_index(flat, self.joint.shape[1:]), axis=-1)


@torch.no_grad()
def learnt_values(run: Run, *, observations: ArrayLike | None = None, state: ArrayLike | None = None) -> LearntValues:
    """Return what a run learnt of one situation, in which nothing is remembered.

    Actions count also where a task does not allow them.

    Parameters
    ----------
    run : Run
    observations : array_like, shape (n, D), optional
        What each agent observes; by default what the first of an episode's observations is, of a copy with seed 0.
    state : array_like, shape (Z,), optional
        The state of the environment, which QMIX and QTRAN read; by default the one at that time.

    Returns
    -------
    LearntValues

    Raises
    ------
    GameError
        If observations or state have another shape than the task's, and for a run that learnt no values of actions.
    BudgetExceeded
        If there are more than 4096 joint actions.

    Examples
    --------
    >>> from marlgt.deep import VDN, train
    >>> run = train(VDN(learning_starts=64), "climbing", steps=1_000, episodes=1, seeds=range(2))
    >>> values = learnt_values(run)
    >>> values.utilities.shape, values.joint.shape
    ((2, 2, 3), (2, 3, 3))
    """
    algorithm, module = run.algorithm, run.module
    if not isinstance(algorithm, ValueAlgorithm):
        raise GameError(f"{algorithm.name} learns policies, not values of actions: ask run.policy() what it plays")
    env = make_environment(run.task, 1, frames=algorithm.frames)
    try:
        env.reset(0)
        seen = _row(observations, env.observations, "observations")
        states = _row(state, env.state, "state")
        n_agents, n_actions = env.n_agents, env.n_actions
    finally:
        env.close()
    n_joint = n_actions**n_agents
    if n_joint > MOST_JOINT_ACTIONS:
        raise BudgetExceeded(
            f"{n_agents} agents with {n_actions} actions each have {n_joint:,} joint actions, more than a table of "
            f"{MOST_JOINT_ACTIONS:,}: ask run.algorithm.values for utilities only",
            estimate=float(n_joint),
            limit=float(MOST_JOINT_ACTIONS),
        )
    n_seeds = len(run.record.seeds)
    device = next(module.parameters()).device
    inputs = torch.tensor(seen, device=device).expand(n_seeds, -1, -1, -1)
    if isinstance(algorithm, CentralQ):
        inputs = inputs.reshape(n_seeds, 1, 1, -1)
    noisy = [layer for layer in module.modules() if isinstance(layer, NoisyLinear)]
    for layer in noisy:
        layer.noisy = False
    try:
        own = algorithm.values(module, inputs, None)[0][:, 0]
        shape = (n_seeds, *(n_actions,) * n_agents)
        if isinstance(algorithm, CentralQ):
            return LearntValues(None, _array(own).reshape(shape), None)
        every = torch.tensor(list(itertools.product(range(n_actions), repeat=n_agents)), device=device)
        situation = torch.tensor(states, device=device).expand(n_seeds, n_joint, -1)
        joint, value = _joint(algorithm, module, inputs, own, every, situation)
    finally:
        for layer in noisy:
            layer.noisy = True
    return LearntValues(
        _array(own),
        None if joint is None else _array(joint).reshape(shape),
        None if value is None else _array(value),
    )


def _joint(
    algorithm: Any, module: Any, inputs: Tensor, own: Tensor, every: Tensor, states: Tensor
) -> tuple[Tensor | None, Tensor | None]:
    """Return the values (S, J) of the J joint actions (J, n), and QTRAN's V_jt (S,)."""
    actions = every.expand(len(own), -1, -1)
    if isinstance(algorithm, QTRAN):
        features = module.agents.by_agent(module.agents.act_features(inputs, None)[0], 1)[:, 0]
        value = module.value(features, states[:, :1])[:, 0]
        return module.joint(features.expand(-1, len(every), -1, -1), actions, states), value
    if isinstance(algorithm, VDN):
        taken = own.unsqueeze(1).expand(-1, len(every), -1, -1).gather(-1, actions.unsqueeze(-1)).squeeze(-1)
        return module.mixer(taken, states), None
    return None, None


def _row(given: Any, usual: Any, name: str) -> NDArray[np.float32]:
    """Return an array with one row before it: what was given, or else what the environment shows."""
    shown = torch.as_tensor(usual).cpu().numpy()
    if given is None:
        return np.array(shown, dtype=np.float32)
    array = np.asarray(given, dtype=np.float32)
    if array.shape != shown.shape[1:]:
        raise GameError(f"{name} must have shape {shown.shape[1:]} on this task, got {array.shape}")
    return array[None]


def _array(tensor: Tensor) -> Floats:
    return tensor.double().cpu().numpy()
