"""A flight: what happened in one episode, as arrays, for plots, animations, replays and tables."""

from __future__ import annotations

import dataclasses

import numpy as np

from marlgt.games.drones.scene import Scene

__all__ = ["Flight"]


@dataclasses.dataclass(frozen=True)
class Flight:
    """One recorded episode of a drone task, T control steps long, with n drones.

    Attributes
    ----------
    task : str
        The task's name.
    policy, backend : str
        Who flew, and in which physics.
    times : ndarray, shape (T + 1,)
        Seconds since the start.
    positions, velocities, goals : ndarray, shape (T + 1, n, 3)
        In world axes, metres and metres per second.
    orientations : ndarray, shape (T + 1, n, 4)
        Quaternions x, y, z, w from body to world axes.
    rotors : ndarray, shape (T + 1, n, 4)
        Rotor speeds, revolutions per minute.
    rewards : ndarray, shape (T, n_agents)
        Rewards of each step.
    loads : ndarray, shape (T + 1, 3) or (0, 3)
        Position of the load that the drones carry, if there is one.
    scene : Scene
        The arena and what stands in it.
    success, crashed : bool
        How it ended.
    """

    task: str
    policy: str
    backend: str
    times: np.ndarray
    positions: np.ndarray
    velocities: np.ndarray
    orientations: np.ndarray
    rotors: np.ndarray
    goals: np.ndarray
    rewards: np.ndarray
    loads: np.ndarray
    scene: Scene
    success: bool
    crashed: bool

    @property
    def score(self) -> float:
        """Mean reward of a step, over the agents: in [0, 1] for shared tasks.

        Where the agents' rewards sum to nothing, the first agent's sum.
        """
        if not self.rewards.size:
            return 0.0
        zero_sum = self.rewards.any() and np.abs(self.rewards.sum(axis=1)).max() < 1e-6
        return float(self.rewards[:, 0].sum() if zero_sum else self.rewards.mean())
