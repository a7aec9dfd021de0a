"""Copies of a Markov chain that pays, as deep learners see them: a critic alone has something to learn there."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from marlgt.deep.environments.protocol import Step, checked_arrays
from marlgt.deep.environments.reward_chains import RewardChain
from marlgt.deep.environments.streams import CopyStreams
from marlgt.games._doors import require_seed, require_whole

__all__ = ["RewardChainCopies"]


class RewardChainCopies:
    """B copies of a chain: one agent with one action, who observes the state as a one-hot row.

    Parameters
    ----------
    chain : RewardChain
    n_envs : int
        B.
    """

    n_agents = n_actions = 1
    action_size = 0
    action_choices: tuple[int, ...] = ()
    common_reward, judged, masked = True, False, False

    def __init__(self, chain: RewardChain, n_envs: int) -> None:
        require_whole(n_envs, "n_envs", least=1)
        self.chain, self.name, self.n_envs = chain, chain.name, int(n_envs)
        size = len(chain.outcomes)
        width = max(map(len, chain.outcomes))
        self.observation_size = self.state_size = size
        self._rows = np.eye(size + 1, dtype=np.float32)[:, :size]
        self._chances, self._rewards, self._scales, self._next = (
            np.array([[*map(take, own), *[beyond] * (width - len(own))] for own in chain.outcomes])
            for take, beyond in (
                (lambda outcome: outcome.probability, 0.0),
                (lambda outcome: outcome.reward, 0.0),
                (lambda outcome: outcome.scale, 0.0),
                (lambda outcome: size if outcome.successor is None else outcome.successor, size),
            )
        )
        edges = self._chances.cumsum(1)[:, :-1]
        # Rounding must not leave a gap before 1, through which to reach outcomes that there are not.
        self._edges = np.where(edges > 1 - 1e-9, 2.0, edges)
        self._noisy = bool(self._scales.any())
        self.states = np.zeros(self.n_envs, np.int64)
        self._reached = self.states
        self.clocks = np.zeros(self.n_envs, np.int64)
        self._streams = CopyStreams(0, 0, self.n_envs)
        self.allowed = self.reached_allowed = np.ones((self.n_envs, 1, 1), np.bool_)
        self._never = np.zeros(self.n_envs, np.bool_)

    @property
    def observations(self) -> NDArray[np.float32]:
        """The states, shape (B, 1, N)."""
        return np.asarray(self._rows[self.states, None])

    @property
    def state(self) -> NDArray[np.float32]:
        """The same, shape (B, N)."""
        return np.asarray(self._rows[self.states])

    @property
    def reached_state(self) -> NDArray[np.float32]:
        """What the last step led to, shape (B, N); zeros for the end."""
        return np.asarray(self._rows[self._reached])

    def reset(self, seed: int, *, first: int = 0) -> NDArray[np.float32]:
        """Begin all copies anew in state 0."""
        require_seed(seed)
        require_whole(first, "first", least=0)
        self._streams = CopyStreams(seed, first, self.n_envs)
        self.states, self.clocks = np.zeros_like(self.states), np.zeros_like(self.clocks)
        self._reached = self.states
        return self.observations

    def step(self, actions: ArrayLike) -> Step:
        """Draw an outcome in all copies, whatever the actions, shape (B, 1)."""
        before, width = self.states, self._chances.shape[1]
        drawn = (self._streams.draw()[:, None] >= self._edges[before]).sum(1)
        chosen = before * width + drawn
        rewards = self._rewards.reshape(-1)[chosen]
        if self._noisy:
            rewards = rewards + self._scales.reshape(-1)[chosen] * self._normal()
        self._reached = self._next.reshape(-1)[chosen]
        self.clocks = self.clocks + 1
        terminated = self._reached == len(self.chain.outcomes)
        limit = self.chain.time_limit
        truncated = ~terminated & (self.clocks >= limit) if limit is not None else self._never
        over = terminated | truncated
        self.states = np.where(over, 0, self._reached)
        self.clocks = np.where(over, 0, self.clocks)
        return Step(
            self.observations,
            rewards.astype(np.float32)[:, None],
            terminated,
            truncated,
            np.asarray(self._rows[self._reached, None]),
            self._never,
        )

    def _normal(self) -> NDArray[np.float64]:
        """Return a standard normal number of each copy, by the method of Box and Muller (1958)."""
        radius = np.sqrt(-2.0 * np.log1p(-self._streams.draw()))
        return np.asarray(radius * np.cos(2.0 * np.pi * self._streams.draw()))

    def _arrays(self) -> dict[str, NDArray[Any]]:
        return {
            "states": self.states,
            "reached": self._reached,
            "clocks": self.clocks,
            "words": self._streams.words,
        }

    def snapshot(self) -> dict[str, NDArray[Any]]:
        """Return all that the future depends on."""
        return {name: array.copy() for name, array in self._arrays().items()}

    def restore(self, snapshot: Mapping[str, NDArray[Any]]) -> NDArray[np.float32]:
        """Go back to a snapshot, and return the observations."""
        arrays = checked_arrays(snapshot, self._arrays())
        self.states, self._reached, self.clocks = arrays["states"], arrays["reached"], arrays["clocks"]
        self._streams.words = arrays["words"]
        return self.observations

    def close(self) -> None:
        """Let go of nothing: nothing is held."""
