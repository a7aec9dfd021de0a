"""Pendulum and the continuous mountain car, all copies at once, transition by transition those of Gymnasium.

The same seed gives the same first states as Gymnasium's environments, and the same motion to rounding. An action is a
number from -1 to 1. Here the copies can be saved in the midst of an episode.

References
----------
Moore, A. W. (1990). Efficient memory-based learning for robot control. PhD thesis, University of Cambridge: the
mountain car.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from math import pi
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from marlgt.deep.environments.protocol import Step, checked_arrays, numbers_between_bounds
from marlgt.deep.environments.streams import copy_seeds
from marlgt.errors import GameError
from marlgt.games._doors import require_seed, require_whole

__all__ = ["FORCED", "ContinuousControl", "Forced", "mountain_car_motion", "pendulum_motion"]

Numbers = NDArray[np.float64]
Moved = tuple[Numbers, Numbers, NDArray[np.bool_]]


def pendulum_motion(states: Numbers, actions: Numbers) -> Moved:
    """Return states after 0.05 s, rewards, and that no episode is decided.

    Parameters
    ----------
    states : ndarray, shape (B, 2)
        Angle (rad, from upright) and angular velocity (rad/s) of a rod of 1 kg and 1 m, g = 10.
    actions : ndarray, shape (B,)
        Torque in units of 2 N m, from -1 to 1.
    """
    angle, turning = states.T
    # Gymnasium's torques are of single precision, and so are their multiples, whose rounding adds up.
    torque = (2.0 * actions).astype(np.float32)
    from_upright = (angle + pi) % (2 * pi) - pi
    costs = from_upright**2 + 0.1 * turning**2 + np.float32(0.001) * torque**2
    turning = (turning + (15.0 * np.sin(angle) + np.float32(3.0) * torque) * 0.05).clip(-8.0, 8.0)
    return np.stack([angle + turning * 0.05, turning], axis=1), -costs, np.zeros(len(states), np.bool_)


def mountain_car_motion(states: Numbers, actions: Numbers) -> Moved:
    """Return states after a step, rewards, and whether the car is on the hill.

    Parameters
    ----------
    states : ndarray, shape (B, 2)
        Place and velocity of the car.
    actions : ndarray, shape (B,)
        Force, from -1 to 1.
    """
    place, speed = states.T
    speed = (speed + (actions * 0.0015 - 0.0025 * np.cos(3.0 * place))).clip(-0.07, 0.07)
    place = (place + speed).clip(-1.2, 0.6)
    speed = np.where((place == -1.2) & (speed < 0.0), 0.0, speed)
    there = (place >= 0.45) & (speed >= 0.0)
    # Gymnasium keeps states of single precision, so that rounding adds up alike.
    moved = np.stack([place, speed], axis=1).astype(np.float32).astype(np.float64)
    return moved, 100.0 * there - 0.1 * actions**2, there


def _angle_told(states: Numbers) -> Numbers:
    angle = states[:, 0]
    return np.stack([np.cos(angle), np.sin(angle), states[:, 1]], axis=1)


def _as_it_is(states: Numbers) -> Numbers:
    return states


class Forced(NamedTuple):
    """What is controlled by a number.

    Attributes
    ----------
    move : callable
        ``move(states, actions)`` gives next states, rewards, and whether episodes are decided.
    look : callable
        ``look(states)`` gives what is observed, shape (B, D).
    observation_size, horizon : int
        The horizon in steps.
    low, high : tuple of 2 floats
        First states are uniform in between.
    """

    move: Callable[[Numbers, Numbers], Moved]
    look: Callable[[Numbers], Numbers]
    observation_size: int
    horizon: int
    low: tuple[float, float]
    high: tuple[float, float]


FORCED = {
    "Pendulum-v1": Forced(pendulum_motion, _angle_told, 3, 200, (-pi, -1.0), (pi, 1.0)),
    "MountainCarContinuous-v0": Forced(mountain_car_motion, _as_it_is, 2, 999, (-0.6, 0.0), (-0.4, 0.0)),
}
"""What is controlled by a number, by the name that Gymnasium gives it."""


class ContinuousControl:
    """B copies of Pendulum or the continuous mountain car, with one agent whose action is a number from -1 to 1.

    Parameters
    ----------
    name : str
        One of ``FORCED``.
    n_envs : int
    """

    n_agents = action_size = 1
    n_actions = 0
    action_choices: tuple[int, ...] = ()
    common_reward = True
    masked = judged = False

    def __init__(self, name: str, n_envs: int) -> None:
        require_whole(n_envs, "n_envs", least=1)
        self.name, self.n_envs = name, int(n_envs)
        self._forced = FORCED[name]
        self.observation_size = self.state_size = self._forced.observation_size
        self._rngs: list[np.random.Generator] = []
        self._states: Numbers = np.zeros((self.n_envs, 2))
        self._steps = np.zeros(self.n_envs, np.int64)
        self.observations = self._reached = np.zeros((self.n_envs, 1, self.observation_size), np.float32)
        self.allowed = self.reached_allowed = np.ones((self.n_envs, 1, 0), np.bool_)
        self._never = np.zeros(self.n_envs, np.bool_)

    @property
    def state(self) -> NDArray[np.float32]:
        """What the agent observes, shape (B, Z)."""
        return self.observations[:, 0]

    @property
    def reached_state(self) -> NDArray[np.float32]:
        """What the agent observed where the last step led to, shape (B, Z)."""
        return self._reached[:, 0]

    def _begun(self, rows: Any) -> Numbers:
        low, high = self._forced.low, self._forced.high
        if low[1] == high[1]:
            # Gymnasium draws no number for what is always the same.
            return np.array([[self._rngs[k].uniform(low[0], high[0]), low[1]] for k in rows])
        return np.array([self._rngs[k].uniform(low, high) for k in rows])

    def _seen(self) -> NDArray[np.float32]:
        return self._forced.look(self._states).astype(np.float32)[:, None]

    def reset(self, seed: int, *, first: int = 0) -> NDArray[np.float32]:
        """Begin all copies anew and return the observations."""
        require_seed(seed)
        require_whole(first, "first", least=0)
        self._rngs = [np.random.default_rng(own) for own in copy_seeds(seed, first, self.n_envs)]
        self._states, self._steps = self._begun(range(self.n_envs)), np.zeros(self.n_envs, np.int64)
        self.observations = self._reached = self._seen()
        return self.observations

    def step(self, actions: Any) -> Step:
        """Take a step in all copies."""
        if not self._rngs:
            raise GameError("this environment has not begun: call reset(seed) first")
        numbers = numbers_between_bounds(actions, (self.n_envs, 1, 1), self.name)[:, 0, 0]
        self._states, rewards, terminated = self._forced.move(self._states, numbers)
        self._steps = self._steps + 1
        reached = self._seen()
        self.observations = self._reached = reached
        truncated = (self._steps >= self._forced.horizon) & ~terminated
        over = np.flatnonzero(terminated | truncated)
        if len(over):
            self._states[over], self._steps[over] = self._begun(over), 0
            self.observations = self._seen()
        return Step(self.observations, rewards.astype(np.float32)[:, None], terminated, truncated, reached, self._never)

    def snapshot(self) -> dict[str, NDArray[Any]]:
        """Return all that the future depends on, as arrays."""
        if not self._rngs:
            raise GameError("this environment has not begun: call reset(seed) first")
        words = json.dumps([rng.bit_generator.state for rng in self._rngs]).encode()
        rngs = np.frombuffer(words, np.uint8).copy()
        return {"states": self._states.copy(), "steps": self._steps.copy(), "rngs": rngs}

    def restore(self, snapshot: Mapping[str, NDArray[Any]]) -> NDArray[np.float32]:
        """Go back to a snapshot and return the observations."""
        expected = {"states": np.zeros((self.n_envs, 2)), "steps": np.zeros(self.n_envs, np.int64)}
        given = checked_arrays(snapshot, expected)
        states, steps = given["states"], given["steps"]
        if (steps < 0).any() or (steps >= self._forced.horizon).any() or not np.isfinite(states).all():
            raise GameError("this snapshot is broken: its states must be finite, and its steps below the horizon")
        rngs = [np.random.default_rng(0) for _ in range(self.n_envs)]
        try:
            saved = json.loads(np.asarray(snapshot["rngs"], np.uint8).tobytes())
            for rng, state in zip(rngs, saved, strict=True):
                rng.bit_generator.state = state
        except Exception as error:
            raise GameError("this snapshot does not fit: its random states cannot be read") from error
        self._rngs, self._states, self._steps = rngs, states, steps
        self.observations = self._reached = self._seen()
        return self.observations

    def close(self) -> None:
        """Do nothing: nothing is held outside of memory."""
