"""A team seen as one agent, whose action is everybody's: what central Q-learning learns on."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from marlgt.deep.environments.protocol import BatchEnv, Step
from marlgt.errors import BudgetExceeded, GameError, UnsupportedGame

__all__ = ["JointView", "require_few_joint_actions"]

MOST_JOINT_ACTIONS = 4096
"""The most joint actions that are listed in a table, or learnt by one."""


def require_few_joint_actions(n_agents: int, n_actions: int) -> int:
    """Return the number of joint actions.

    Raises
    ------
    BudgetExceeded
        For more than 4,096.
    """
    joint: int = n_actions**n_agents
    if joint > MOST_JOINT_ACTIONS:
        raise BudgetExceeded(
            f"{n_agents} agents with {n_actions} actions each have {joint:,} joint actions, more than "
            f"{MOST_JOINT_ACTIONS:,}: decompose the value (VDN, QMIX), or take fewer agents",
            estimate=float(joint),
            limit=float(MOST_JOINT_ACTIONS),
        )
    return joint


class JointView:
    """An environment with one agent, who observes what all observe and chooses for all.

    Joint action ``a`` is everybody's action as the digits of a number, the first agent's the highest. The reward is the
    common one, or the sum where agents are paid apart.

    Parameters
    ----------
    env : BatchEnv

    Raises
    ------
    BudgetExceeded
        For more than 4,096 joint actions.
    UnsupportedGame
        If an agent's action is no single choice.

    Examples
    --------
    >>> from marlgt.deep.environments import make_environment
    >>> env = JointView(make_environment("climbing", 1))
    >>> env.n_agents, env.n_actions
    (1, 9)
    >>> import numpy as np
    >>> env.split(np.array([[5]])).tolist()
    [[1, 2]]
    """

    n_agents = 1
    common_reward = True
    action_size = 0
    action_choices: tuple[int, ...] = ()

    def __init__(self, env: BatchEnv) -> None:
        if not env.n_actions:
            raise UnsupportedGame(
                f"an action of {env.name} is no single choice, and only single choices make up a list of joint "
                "actions: let each agent act for herself"
            )
        joint = require_few_joint_actions(env.n_agents, env.n_actions)
        self.env, self.name, self.n_envs, self.n_actions = env, env.name, env.n_envs, joint
        self.observation_size, self.state_size = env.n_agents * env.observation_size, env.state_size
        self.judged = env.judged
        self._places = env.n_actions ** np.arange(env.n_agents - 1, -1, -1)
        self._places_there: Any = None

    @property
    def masked(self) -> bool:
        """Whether there are times when not everything is allowed, which some environments tell at their first reset."""
        return self.env.masked

    @property
    def observations(self) -> Any:
        """What all observe, one after the other, shape (B, 1, n D)."""
        return self._joined(self.env.observations)

    @property
    def state(self) -> Any:
        """In which the next actions are chosen, shape (B, Z)."""
        return self.env.state

    @property
    def reached_state(self) -> Any:
        """What the last step led to, shape (B, Z)."""
        return self.env.reached_state

    @property
    def allowed(self) -> Any:
        """The joint actions in which everybody's action is allowed, shape (B, 1, A^n)."""
        return self._joint_mask(self.env.allowed)

    @property
    def reached_allowed(self) -> Any:
        """What may be chosen where the last step led to, shape (B, 1, A^n)."""
        return self._joint_mask(self.env.reached_allowed)

    def _joined(self, observations: Any) -> Any:
        return observations.reshape(self.n_envs, 1, self.observation_size)

    def _joint_mask(self, allowed: Any) -> Any:
        joint = allowed[:, 0]
        for i in range(1, self.env.n_agents):
            joint = (joint[:, :, None] & allowed[:, i, None, :]).reshape(self.n_envs, -1)
        return joint[:, None]

    def split(self, actions: Any) -> Any:
        """Return everybody's actions, shape (B, n), of joint actions, shape (B, 1).

        Parameters
        ----------
        actions : ndarray or Tensor of int64
            Tensors are not looked at, which would wait for their device.
        """
        if isinstance(actions, np.ndarray):
            if actions.shape != (self.n_envs, 1) or actions.min() < 0 or actions.max() >= self.n_actions:
                raise GameError(
                    f"joint actions must be 0 to {self.n_actions - 1}, of shape {(self.n_envs, 1)}, got numbers from "
                    f"{actions.min()} to {actions.max()} of shape {actions.shape}"
                )
            return (actions // self._places) % self.env.n_actions
        if self._places_there is None or self._places_there.device != actions.device:
            self._places_there = actions.new_tensor(self._places.tolist())
        return actions.div(self._places_there, rounding_mode="floor") % self.env.n_actions

    def reset(self, seed: int, *, first: int = 0) -> Any:
        """Begin all copies anew and return the observations."""
        return self._joined(self.env.reset(seed, first=first))

    def step(self, actions: Any) -> Step:
        """Take a step in all copies with joint actions, shape (B, 1)."""
        step = self.env.step(self.split(actions))
        rewards = step.rewards[:, :1] if self.env.common_reward else step.rewards.sum(-1)[:, None]
        return step._replace(
            observations=self._joined(step.observations), rewards=rewards, reached=self._joined(step.reached)
        )

    def snapshot(self) -> dict[str, NDArray[Any]] | None:
        """Return all that the future depends on, or None if the environment cannot be saved."""
        return self.env.snapshot()

    def restore(self, snapshot: Mapping[str, NDArray[Any]]) -> Any:
        """Go back to a snapshot and return the observations."""
        return self._joined(self.env.restore(snapshot))

    def close(self) -> None:
        """Close the environment."""
        self.env.close()
