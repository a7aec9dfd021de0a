"""CartPole and Acrobot, transition by transition those of Gymnasium, some times faster: the same motion without arrays.

For a handful of numbers plain Python is faster than array operations; for many copies of CartPole it is not, and they
are moved together, by the same operations and to the same bits. The same seed gives the same first states as
Gymnasium's environments, and the same motion to rounding. Here the copies can be saved in the midst of an episode.

References
----------
Barto, A. G., Sutton, R. S. and Anderson, C. W. (1983). Neuronlike adaptive elements that can solve difficult learning
control problems. IEEE Transactions on Systems, Man, and Cybernetics 13, 834-846: the cart and the pole.

Sutton, R. S. (1996). Generalization in reinforcement learning: successful examples using sparse coarse coding. NIPS 8,
1038-1044: the acrobot.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from math import cos, pi, sin
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from marlgt.deep.environments.protocol import Step, checked_arrays
from marlgt.deep.environments.streams import copy_seeds
from marlgt.errors import GameError
from marlgt.games._doors import require_seed, require_whole

__all__ = [
    "MANY",
    "PLANTS",
    "ClassicControl",
    "Plant",
    "acrobot_motion",
    "acrobot_view",
    "cart_pole_motion",
    "cart_poles_motion",
]

Four = tuple[float, float, float, float]

_FALLEN = 12 * 2 * pi / 360

MANY = 24
"""Copies from which on they are moved together, where that can be done."""


def cart_pole_motion(state: Four, action: int) -> tuple[Four, float, bool]:
    """Return the state after 0.02 s of pushing the cart with 10 N, the reward, and whether pole or cart are lost.

    Parameters
    ----------
    state : tuple of 4 floats
        Position (m) and velocity (m/s) of the cart, angle (rad, from upright) and angular velocity (rad/s) of the pole.
    action : {0, 1}
        To the left, or to the right.
    """
    x, speed, angle, turning = state
    # A cart of 1 kg and a pole of 0.1 kg, 0.5 m from its end to its centre.
    c, s = cos(angle), sin(angle)
    push = ((10.0 if action == 1 else -10.0) + 0.05 * (turning * turning) * s) / 1.1
    bend = (9.8 * s - c * push) / (0.5 * (4.0 / 3.0 - 0.1 * (c * c) / 1.1))
    drive = push - 0.05 * bend * c / 1.1
    x, speed = x + 0.02 * speed, speed + 0.02 * drive
    angle, turning = angle + 0.02 * turning, turning + 0.02 * bend
    lost = x < -2.4 or x > 2.4 or angle < -_FALLEN or angle > _FALLEN
    return (x, speed, angle, turning), 1.0, lost


def cart_poles_motion(states: NDArray[np.float64], actions: NDArray[Any]) -> tuple[NDArray[np.float64], Any, Any]:
    """Return states, rewards and losses as :func:`cart_pole_motion` does, of B copies, to the same bits.

    Parameters
    ----------
    states : ndarray, shape (B, 4)
    actions : ndarray, shape (B,)

    Returns
    -------
    states : ndarray, shape (B, 4)
    rewards, lost : ndarray, shape (B,)
    """
    x, speed, angle, turning = states.T
    # NumPy's own cosine and sine differ in the last bit.
    angles = angle.tolist()
    c, s = np.array([cos(each) for each in angles]), np.array([sin(each) for each in angles])
    push = (np.where(actions == 1, 10.0, -10.0) + 0.05 * (turning * turning) * s) / 1.1
    bend = (9.8 * s - c * push) / (0.5 * (4.0 / 3.0 - 0.1 * (c * c) / 1.1))
    drive = push - 0.05 * bend * c / 1.1
    moved = np.empty_like(states)
    x, angle = np.add(x, 0.02 * speed, out=moved[:, 0]), np.add(angle, 0.02 * turning, out=moved[:, 2])
    np.add(speed, 0.02 * drive, out=moved[:, 1])
    np.add(turning, 0.02 * bend, out=moved[:, 3])
    lost = (x < -2.4) | (x > 2.4) | (angle < -_FALLEN) | (angle > _FALLEN)
    return moved, np.ones(len(states)), lost


def _as_it_is(state: Four) -> tuple[float, ...]:
    return state


def _acrobot_rates(one: float, two: float, rate: float, bend: float, torque: float) -> Four:
    """Return the time derivatives of the two angles and their rates: links of 1 kg and 1 m, 1 kg m², g = 9.8."""
    c = cos(two)
    d1 = 0.25 + (1.25 + c) + 2.0
    d2 = 0.25 + 0.5 * c + 1.0
    s = sin(two)
    pull = 4.9 * cos(one + two - pi / 2.0)
    push = -0.5 * bend * bend * s - bend * rate * s + 14.700000000000001 * cos(one - pi / 2) + pull
    second = (torque + d2 / d1 * push - 0.5 * rate * rate * s - pull) / (1.25 - d2 * d2 / d1)
    return rate, bend, -(d2 * second + push) / d1, second


def acrobot_motion(state: Four, action: int) -> tuple[Four, float, bool]:
    """Return the state after 0.2 s, by one step of Runge and Kutta's rule of order four, reward, and whether it is up.

    Parameters
    ----------
    state : tuple of 4 floats
        Angle of the first link (rad, from hanging), of the second against the first, and their rates (rad/s).
    action : {0, 1, 2}
        Torque of -1, 0 or 1 N m at the joint.
    """
    torque = action - 1.0
    a, b, c, d = state
    a1, b1, c1, d1 = _acrobot_rates(a, b, c, d, torque)
    a2, b2, c2, d2 = _acrobot_rates(a + 0.1 * a1, b + 0.1 * b1, c + 0.1 * c1, d + 0.1 * d1, torque)
    a3, b3, c3, d3 = _acrobot_rates(a + 0.1 * a2, b + 0.1 * b2, c + 0.1 * c2, d + 0.1 * d2, torque)
    a4, b4, c4, d4 = _acrobot_rates(a + 0.2 * a3, b + 0.2 * b3, c + 0.2 * c3, d + 0.2 * d3, torque)
    sixth = 0.2 / 6.0
    a += sixth * (a1 + 2 * a2 + 2 * a3 + a4)
    b += sixth * (b1 + 2 * b2 + 2 * b3 + b4)
    c += sixth * (c1 + 2 * c2 + 2 * c3 + c4)
    d += sixth * (d1 + 2 * d2 + 2 * d3 + d4)
    a, b = _wrapped(a), _wrapped(b)
    c, d = min(max(c, -4 * pi), 4 * pi), min(max(d, -9 * pi), 9 * pi)
    up = -cos(a) - cos(b + a) > 1.0
    return (a, b, c, d), 0.0 if up else -1.0, up


def _wrapped(angle: float) -> float:
    while angle > pi:
        angle -= 2 * pi
    while angle < -pi:
        angle += 2 * pi
    return angle


def acrobot_view(state: Four) -> tuple[float, ...]:
    """Return cosine and sine of both angles, and the rates."""
    a, b, c, d = state
    return cos(a), sin(a), cos(b), sin(b), c, d


class Plant(NamedTuple):
    """What is controlled.

    Attributes
    ----------
    move : callable
        ``move(state, action)`` gives the next state, the reward, and whether the episode is decided.
    look : callable
        ``look(state)`` gives what is observed.
    n_actions, observation_size, horizon : int
        The horizon in steps.
    spread : float
        First states are uniform from ``-spread`` to ``spread`` in each number.
    single : bool
        Whether first states are rounded to single precision, as Gymnasium does for the acrobot.
    move_many : callable or None
        ``move_many(states, actions)`` moves many copies whose states are what is observed.
    """

    move: Callable[[Four, int], tuple[Four, float, bool]]
    look: Callable[[Four], tuple[float, ...]]
    n_actions: int
    observation_size: int
    horizon: int
    spread: float
    single: bool
    move_many: Callable[[NDArray[np.float64], NDArray[Any]], tuple[NDArray[np.float64], Any, Any]] | None = None


PLANTS = {
    "CartPole-v0": Plant(cart_pole_motion, _as_it_is, 2, 4, 200, 0.05, False, cart_poles_motion),
    "CartPole-v1": Plant(cart_pole_motion, _as_it_is, 2, 4, 500, 0.05, False, cart_poles_motion),
    "Acrobot-v1": Plant(acrobot_motion, acrobot_view, 3, 6, 500, 0.1, True),
}
"""What is controlled, by the name that Gymnasium gives it."""


class ClassicControl:
    """B copies of CartPole or Acrobot, with one agent.

    Parameters
    ----------
    name : str
        One of ``PLANTS``.
    n_envs : int
    """

    n_agents = 1
    common_reward = True
    masked = judged = False
    action_size = 0
    action_choices: tuple[int, ...] = ()

    def __init__(self, name: str, n_envs: int) -> None:
        require_whole(n_envs, "n_envs", least=1)
        self.name, self.n_envs = name, int(n_envs)
        self._plant = PLANTS[name]
        self.n_actions = self._plant.n_actions
        self.observation_size = self.state_size = self._plant.observation_size
        self._rngs: list[np.random.Generator] = []
        self._many = self._plant.move_many if self.n_envs >= MANY else None
        self._states: Any = ()
        self._steps: Any = ()
        self.observations = np.zeros((self.n_envs, 1, self.observation_size), np.float32)
        self._reached = self.observations
        self.allowed = self.reached_allowed = np.ones((self.n_envs, 1, self.n_actions), np.bool_)
        self._never = np.zeros(self.n_envs, np.bool_)

    @property
    def state(self) -> NDArray[np.float32]:
        """What the agent observes, shape (B, Z)."""
        return self.observations[:, 0]

    @property
    def reached_state(self) -> NDArray[np.float32]:
        """What the agent observed where the last step led to, shape (B, Z)."""
        return self._reached[:, 0]

    def _take(self, states: list[Four], steps: list[int]) -> None:
        """Take states and steps over, as arrays where copies are moved together."""
        together = self._many is not None
        self._states, self._steps = (np.array(states), np.array(steps)) if together else (states, steps)

    def _begin(self, k: int) -> None:
        plant = self._plant
        drawn = self._rngs[k].uniform(-plant.spread, plant.spread, size=4)
        a, b, c, d = (drawn.astype(np.float32) if plant.single else drawn).tolist()
        self._states[k], self._steps[k] = (a, b, c, d), 0

    def _look(self) -> None:
        look = self._plant.look
        self.observations = np.array([look(state) for state in self._states], np.float32)[:, None]
        self._reached = self.observations

    def reset(self, seed: int, *, first: int = 0) -> NDArray[np.float32]:
        """Begin all copies anew and return the observations."""
        require_seed(seed)
        require_whole(first, "first", least=0)
        self._rngs = [np.random.default_rng(own) for own in copy_seeds(seed, first, self.n_envs)]
        self._take([(0.0, 0.0, 0.0, 0.0)] * self.n_envs, [0] * self.n_envs)
        for k in range(self.n_envs):
            self._begin(k)
        self._look()
        return self.observations

    def step(self, actions: Any) -> Step:
        """Take a step in all copies."""
        if len(self._states) == 0:
            raise GameError("this environment has not begun: call reset(seed) first")
        if self._many is not None:
            return self._step_many(np.asarray(actions), self._many)
        chosen = actions.tolist()
        if len(chosen) != self.n_envs:
            raise GameError(f"actions must have shape ({self.n_envs}, 1), got {len(chosen)} rows")
        plant, states, steps = self._plant, self._states, self._steps
        move, look, n_actions = plant.move, plant.look, plant.n_actions
        seen, rewards, ended, over = [], [], [], []
        for k, (action,) in enumerate(chosen):
            if action not in range(n_actions):
                raise GameError(f"actions[{k}, 0] is {action}: {self.name} has the actions 0 to {n_actions - 1}")
            states[k], reward, done = move(states[k], action)
            steps[k] += 1
            if done or steps[k] >= plant.horizon:
                over.append(k)
            seen.append(look(states[k]))
            rewards.append(reward)
            ended.append(done)
        reached = np.array(seen, np.float32)[:, None]
        terminated = np.array(ended)
        truncated = self._never
        self.observations = self._reached = reached
        if over:
            truncated = np.zeros(self.n_envs, np.bool_)
            self.observations = reached.copy()
            for k in over:
                truncated[k] = not ended[k]
                self._begin(k)
                self.observations[k, 0] = look(states[k])
        paid = np.array(rewards, np.float32)[:, None]
        return Step(self.observations, paid, terminated, truncated, reached, self._never)

    def _step_many(self, actions: NDArray[Any], move_many: Callable[..., Any]) -> Step:
        """Take a step in many copies, whose states stand in one array."""
        if len(actions) != self.n_envs:
            raise GameError(f"actions must have shape ({self.n_envs}, 1), got {len(actions)} rows")
        chosen, plant = actions[:, 0], self._plant
        wrong = np.flatnonzero((chosen < 0) | (chosen >= plant.n_actions))
        if len(wrong):
            k = int(wrong[0])
            raise GameError(f"actions[{k}, 0] is {chosen[k]}: {self.name} has the actions 0 to {self.n_actions - 1}")
        self._states, paid, terminated = move_many(self._states, chosen)
        self._steps += 1
        over = terminated | (self._steps >= plant.horizon)
        reached = self._states.astype(np.float32)[:, None]
        truncated = self._never
        self.observations = self._reached = reached
        ended = np.flatnonzero(over).tolist()
        if ended:
            truncated = over & ~terminated
            for k in ended:
                self._begin(k)
            self.observations = self._states.astype(np.float32)[:, None]
        return Step(self.observations, paid.astype(np.float32)[:, None], terminated, truncated, reached, self._never)

    def snapshot(self) -> dict[str, NDArray[Any]]:
        """Return all that the future depends on, as arrays."""
        if len(self._states) == 0:
            raise GameError("this environment has not begun: call reset(seed) first")
        words = json.dumps([rng.bit_generator.state for rng in self._rngs]).encode()
        return {
            "states": np.array(self._states),
            "steps": np.array(self._steps),
            "rngs": np.frombuffer(words, np.uint8).copy(),
        }

    def restore(self, snapshot: Mapping[str, NDArray[Any]]) -> NDArray[np.float32]:
        """Go back to a snapshot and return the observations."""
        expected = {"states": np.zeros((self.n_envs, 4)), "steps": np.zeros(self.n_envs, np.int64)}
        given = checked_arrays(snapshot, expected)
        steps = given["steps"].tolist()
        numbers = given["states"].tolist()
        if not all(0 <= count < self._plant.horizon for count in steps) or not np.isfinite(given["states"]).all():
            raise GameError("this snapshot is broken: its states must be finite, and its steps below the horizon")
        rngs = [np.random.default_rng(0) for _ in range(self.n_envs)]
        try:
            saved = json.loads(np.asarray(snapshot["rngs"], np.uint8).tobytes())
            for rng, state in zip(rngs, saved, strict=True):
                rng.bit_generator.state = state
        except Exception as error:
            raise GameError("this snapshot does not fit: its random states cannot be read") from error
        self._rngs = rngs
        self._take([(a, b, c, d) for a, b, c, d in numbers], steps)
        self._look()
        return self.observations

    def close(self) -> None:
        """Do nothing: nothing is held outside of memory."""
