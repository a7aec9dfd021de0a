"""How much four motors of a drone depend on each other: exact values of all 16 joint actions in states of a flight.

The value of a joint action is the discounted reward of taking it and flying on as the scripted expert. Of those 16
numbers in a state this tells what a sum of one utility for each motor explains (VDN's class), how often a motor does
good or harm depending on what the others do (which no monotone mixing can represent, QMIX's class), and what the best
sum's greedy actions lose.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from marlgt.games.drones import make_batch
from marlgt.games.drones.kernels.lanes import WIDTH

__all__ = ["coupling"]

LEVELS = np.arange(16)[:, None] >> np.arange(4) & 1
AHEAD = 90
"""Steps over which values are summed: what comes later counts for less than 7 % at a discount of 0.97."""


def coupling(task: str, *, seed: int, states: int = 16, moments: int = 5, discount: float = 0.97) -> dict[str, float]:
    """Return how the motors of a takeoff depend on each other, over states of flights with a fifth of random actions.

    Parameters
    ----------
    task : str
        With agents that are motors with two actions each.
    seed : int
    states : int
        Flights.
    moments : int
        Times at which each of them is looked at, at equal distances.
    discount : float

    Returns
    -------
    dict
        ``explained``: share of the variance over joint actions that the best sum explains. ``both_ways``: share of
        states and motors in which the motor's second level is better for some actions of the others and worse for
        some. ``agrees``: share of states in which the best sum's greedy actions are the best joint action. ``lost``:
        value that these greedy actions lose, over the value between the best and the worst joint action. ``spread``:
        that value over the mean value, median over states.
    """
    values = joint_values(task, seed, states, moments, discount)
    centred = values - values.mean(axis=1, keepdims=True)
    signs = 2.0 * LEVELS - 1.0
    # The 16 joint actions are a full factorial design, in which main effects are projections.
    fit = centred @ signs / len(signs) @ signs.T
    best, worst = values.max(axis=1), values.min(axis=1)
    chosen = fit.argmax(axis=1)
    mixed = []
    for motor in range(4):
        high = np.flatnonzero(LEVELS[:, motor])
        gains = values[:, high] - values[:, high ^ 1 << motor]
        mixed.append(((gains > 0).any(axis=1) & (gains < 0).any(axis=1)).mean())
    return {
        "explained": float(1.0 - ((centred - fit) ** 2).sum() / (centred**2).sum()),
        "both_ways": float(np.mean(mixed)),
        "agrees": float((chosen == values.argmax(axis=1)).mean()),
        "lost": float((best - values[np.arange(len(values)), chosen]).sum() / (best - worst).sum()),
        "spread": float(np.median((best - worst) / values.mean(axis=1))),
    }


def joint_values(task: str, seed: int, states: int, moments: int, discount: float) -> np.ndarray:
    """Return the value of each joint action in each state, shape (states * moments, 16)."""
    flights = make_batch(task, n_envs=WIDTH * states, actions="four")
    probe = make_batch(task, n_envs=WIDTH * states, actions="four")
    rng = np.random.default_rng(seed)
    expert = flights.task.expert(flights.task)
    flights.reset(seed)
    probe.reset(seed)
    found = []
    for _ in range(moments):
        for _ in range((flights.task.horizon - AHEAD) // moments):
            actions = expert(flights.view())
            noise = rng.random(actions.shape) < 0.2
            flights.step(np.where(noise, rng.integers(0, 2, actions.shape), actions))
        probe.restore(_first_of_each_block(flights.snapshot()))
        found.append(_values_ahead(probe, expert, states, discount))
    return np.concatenate(found)


def _first_of_each_block(snapshot: Mapping[str, Any]) -> dict[str, np.ndarray]:
    """Return a snapshot in which all environments of a block of lanes are its first."""
    same = {}
    for name, value in snapshot.items():
        array = np.asarray(value)
        if name in ("drones", "world", "clock"):
            lanes = array.reshape(*array.shape[:-1], -1, WIDTH)
            array = np.repeat(lanes[..., :1], WIDTH, axis=-1).reshape(array.shape)
        elif name != "rng":
            array = np.repeat(array[::WIDTH], WIDTH, axis=0)
        same[name] = array
    return same


def _values_ahead(probe: Any, expert: Any, states: int, discount: float) -> np.ndarray:
    values, weight = np.zeros(WIDTH * states), 1.0
    flying = np.ones(WIDTH * states, dtype=bool)
    actions = np.tile(LEVELS, (states, 1))
    for _ in range(AHEAD):
        step = probe.step(actions)
        values += weight * flying * step.rewards[:, 0]
        flying &= ~(step.terminated | step.truncated)
        weight *= discount
        actions = expert(probe.view())
    return values.reshape(states, WIDTH)
