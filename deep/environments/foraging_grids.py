"""Level-based foraging as deep learners see it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from marlgt.deep.environments.protocol import Step
from marlgt.games._foraging_kernels import EAST, LOAD, NORTH, SOUTH, WEST
from marlgt.games.foraging_batches import ForagingBatch

__all__ = ["ForagingGrid", "allowed_in"]

MOVES = ((NORTH, -1, 0), (SOUTH, 1, 0), (WEST, 0, -1), (EAST, 0, 1))


class ForagingGrid:
    """B copies of level-based foraging, of a name that the ``lbforaging`` package registers.

    An episode in which all food is gathered is terminated, and a success; one that the clock stops is truncated.

    Parameters
    ----------
    name : str
        Such as ``Foraging-8x8-2p-3f-v3``.
    n_envs : int
    shared_reward : bool
        Everybody gets the sum of the rewards.
    label : str, optional
        What to call it; by default the name.
    """

    def __init__(self, name: str, n_envs: int, *, shared_reward: bool = False, label: str | None = None) -> None:
        self.batch = ForagingBatch.named(name, n_envs, shared_reward=shared_reward)
        self.name = name if label is None else label
        self.n_envs, self.n_agents, self.n_actions = self.batch.n_envs, self.batch.n_agents, self.batch.n_actions
        self.observation_size, self.state_size = self.batch.n_observations, self.batch.n_state
        self.common_reward = bool(shared_reward) or self.n_agents == 1
        self.masked = self.judged = True
        self._truncated: NDArray[np.bool_] | None = None

    @property
    def observations(self) -> NDArray[np.float32]:
        """In which the next actions are chosen, shape (B, n, D)."""
        return self.batch.observations

    @property
    def state(self) -> NDArray[np.float32]:
        """In which the next actions are chosen, shape (B, Z)."""
        return self.batch.state

    @property
    def allowed(self) -> NDArray[np.bool_]:
        """The moves onto the grid and not onto food, and to load beside food, shape (B, n, 6)."""
        return self.batch.allowed

    @property
    def reached_state(self) -> NDArray[np.float32]:
        """What the last step led to, shape (B, Z)."""
        return self.batch.reached_state

    @property
    def reached_allowed(self) -> NDArray[np.bool_]:
        """What was allowed where the last step led to, shape (B, n, 6); where all food is gone, it does not matter."""
        if self._truncated is None or not self._truncated.any():
            return self.batch.allowed
        allowed = self.batch.allowed.copy()
        rows = np.flatnonzero(self._truncated)
        allowed[rows] = allowed_in(self.batch.reached_state[rows], self.batch.n_foods, self.batch.size)
        return allowed

    def reset(self, seed: int, *, first: int = 0) -> NDArray[np.float32]:
        """Begin all copies anew and return the observations."""
        self._truncated = None
        return self.batch.reset(seed, first=first)

    def step(self, actions: Any) -> Step:
        """Take a step in all copies."""
        step = self.batch.step(actions)
        self._truncated = step.truncated
        return Step(*step)

    def snapshot(self) -> dict[str, NDArray[Any]]:
        """Return all that the future depends on, as arrays."""
        return self.batch.snapshot()

    def restore(self, snapshot: Mapping[str, NDArray[Any]]) -> NDArray[np.float32]:
        """Go back to a snapshot and return the observations."""
        self._truncated = None
        return self.batch.restore(snapshot)

    def close(self) -> None:
        """Do nothing: nothing is held outside of memory."""


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
