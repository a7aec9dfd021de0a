"""Level-based foraging as deep learners see it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from marlgt.deep.environments.protocol import Step
from marlgt.errors import GameError
from marlgt.games._arrays import short
from marlgt.games._doors import require_flag
from marlgt.games._foraging_kernels import EAST, LOAD, NORTH, SOUTH, WEST
from marlgt.games.foraging_batches import ForagingBatch

__all__ = ["ForagingGrid", "allowed_in", "relative_places"]

MOVES = ((NORTH, -1, 0), (SOUTH, 1, 0), (WEST, 0, -1), (EAST, 0, 1))


class ForagingGrid:
    """B copies of level-based foraging, of a name that the ``lbforaging`` package registers.

    An episode in which all food is gathered is terminated, and a success; one that the clock stops is truncated.

    Two options ease learning and are nothing that the ``lbforaging`` package has: masks tell which actions do nothing,
    and places may be told as an agent sees them.

    Parameters
    ----------
    name : str
        Such as ``Foraging-8x8-2p-3f-v3``.
    n_envs : int
    shared_reward : bool
        Everybody gets the sum of the rewards.
    masked : bool
        Whether actions that would do nothing are told and not chosen; otherwise everything is allowed.
    observation : {'raw', 'relative'}
        What the package gives, or :func:`relative_places`, and a state that is divided by the size of the grid.
    horizon : int
        Steps of an episode. The package registers all tasks with 50; EPyMARL cuts them at 25.
    label : str, optional
        What to call it; by default the name.
    """

    action_size = 0
    action_choices: tuple[int, ...] = ()

    def __init__(
        self,
        name: str,
        n_envs: int,
        *,
        shared_reward: bool = False,
        masked: bool = True,
        observation: str = "raw",
        horizon: int = 50,
        label: str | None = None,
    ) -> None:
        require_flag(masked, "masked")
        if observation not in ("raw", "relative"):
            raise GameError(f"observation is {short(observation)}: foraging has 'raw' and 'relative'")
        self.batch = ForagingBatch.named(name, n_envs, shared_reward=shared_reward, horizon=horizon)
        self.name = name if label is None else label
        self.n_envs, self.n_agents, self.n_actions = self.batch.n_envs, self.batch.n_agents, self.batch.n_actions
        self.observation_size, self.state_size = self.batch.n_observations, self.batch.n_state
        self.common_reward = bool(shared_reward) or self.n_agents == 1
        self.masked, self.judged, self.relative = bool(masked), True, observation == "relative"
        self._everything = np.ones((self.n_envs, self.n_agents, self.n_actions), np.bool_)
        self._observations = self._seen(self.batch.observations)
        self._truncated: NDArray[np.bool_] | None = None

    @property
    def observations(self) -> NDArray[np.float32]:
        """In which the next actions are chosen, shape (B, n, D)."""
        return self._observations

    def _seen(self, observations: NDArray[np.float32]) -> NDArray[np.float32]:
        self._observations = observations
        if self.relative:
            self._observations = relative_places(observations, self.batch.n_foods, self.batch.size)
        return self._observations

    def _scaled(self, state: NDArray[np.float32]) -> NDArray[np.float32]:
        return state / np.float32(self.batch.size) if self.relative else state

    @property
    def state(self) -> NDArray[np.float32]:
        """In which the next actions are chosen, shape (B, Z)."""
        return self._scaled(self.batch.state)

    @property
    def allowed(self) -> NDArray[np.bool_]:
        """The moves onto the grid and not onto food, and to load beside food, shape (B, n, 6)."""
        return self.batch.allowed if self.masked else self._everything

    @property
    def reached_state(self) -> NDArray[np.float32]:
        """What the last step led to, shape (B, Z)."""
        return self._scaled(self.batch.reached_state)

    @property
    def reached_allowed(self) -> NDArray[np.bool_]:
        """What was allowed where the last step led to, shape (B, n, 6); where all food is gone, it does not matter."""
        if not self.masked:
            return self._everything
        if self._truncated is None or not self._truncated.any():
            return self.batch.allowed
        allowed = self.batch.allowed.copy()
        rows = np.flatnonzero(self._truncated)
        allowed[rows] = allowed_in(self.batch.reached_state[rows], self.batch.n_foods, self.batch.size)
        return allowed

    def reset(self, seed: int, *, first: int = 0) -> NDArray[np.float32]:
        """Begin all copies anew and return the observations."""
        self._truncated = None
        return self._seen(self.batch.reset(seed, first=first))

    def step(self, actions: Any) -> Step:
        """Take a step in all copies."""
        observations, rewards, terminated, truncated, reached, successes = self.batch.step(actions)
        self._truncated = truncated
        seen = self._seen(observations)
        if self.relative:
            over = terminated | truncated
            # What goes on has been told already.
            told, reached = reached, seen
            if over.any():
                reached = seen.copy()
                reached[over] = relative_places(told[over], self.batch.n_foods, self.batch.size)
        return Step(seen, rewards, terminated, truncated, reached, successes)

    def snapshot(self) -> dict[str, NDArray[Any]]:
        """Return all that the future depends on, as arrays."""
        return self.batch.snapshot()

    def restore(self, snapshot: Mapping[str, NDArray[Any]]) -> NDArray[np.float32]:
        """Go back to a snapshot and return the observations."""
        self._truncated = None
        return self._seen(self.batch.restore(snapshot))

    def close(self) -> None:
        """Do nothing: nothing is held outside of memory."""


def relative_places(observations: NDArray[np.float32], n_foods: int, size: int) -> NDArray[np.float32]:
    """Return observations in which foods and others lie so many rows and columns from the agent.

    Parameters
    ----------
    observations : ndarray of float32, shape (B, n, 3 * (n_foods + n))
        Of :class:`~marlgt.games.ForagingBatch`: row, column and level of foods, of the agent, and of others.
    n_foods, size : int

    Returns
    -------
    ndarray of float32, shape (B, n, 3 * (n_foods + n))
        The same, but rows and columns of foods and others less the agent's. What is not there or out of sight has
        level 0 and lies `size` rows and columns away, which nothing else does; all numbers are whole, and places
        from ``1 - size`` to ``size``.
    """
    things = observations.reshape(*observations.shape[:2], -1, 3)
    told = things.copy()
    told[..., :2] -= things[:, :, n_foods : n_foods + 1, :2]
    told[:, :, n_foods] = things[:, :, n_foods]
    told[..., :2][things[..., 2] == 0] = size
    return told.reshape(observations.shape)


def allowed_in(states: NDArray[np.float32], n_foods: int, size: int) -> NDArray[np.bool_]:
    """Return which actions each agent may choose in the states of :class:`~marlgt.games.ForagingBatch`.

    Parameters
    ----------
    states : ndarray of float32, shape (B, 3 * (n_foods + n))
    n_foods, size : int
        Foods, and rows and columns of the grid.

    Returns
    -------
    ndarray of bool, shape (B, n, 6)
    """
    cells = states.reshape(len(states), -1, 3)[..., :2].astype(np.int64)
    foods, agents = cells[:, :n_foods], cells[:, n_foods:]
    allowed = np.ones((*agents.shape[:2], 6), np.bool_)
    beside = np.zeros(agents.shape[:2], np.bool_)
    for action, down, right in MOVES:
        target = agents + np.array([down, right])
        # Food that is gathered lies at (-1, -1), on which no agent on the grid borders.
        food = (target[:, :, None] == foods[:, None]).all(axis=-1).any(axis=-1)
        allowed[..., action] = ((target >= 0) & (target < size)).all(axis=-1) & ~food
        beside |= food
    allowed[..., LOAD] = beside
    return allowed
