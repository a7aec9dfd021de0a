"""Scripted experts: policies that know the true state and solve a task, so that a score has a ceiling.

An expert is made for a task and maps a :class:`~marlgt.games.drones.views.View` to the actions of all agents. These
serve several tasks; what only one task needs stands in the task's own module.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from marlgt.games.drones.task import Task
from marlgt.games.drones.views import View

__all__ = ["Policy", "nearest_choices", "steady_flight", "wanted_velocities"]

Policy = Callable[[View], np.ndarray]
"""From the true state to actions, shape (B, n_agents) of int or (B, n_agents, n_inputs) of float."""


def wanted_velocities(view: View, goals: np.ndarray, *, gain: float = 2.0, fastest: float = 1.0) -> np.ndarray:
    """Return velocities that bring drones to goals, shape (B, n, 3), m/s: by distance, at most ``fastest``.

    Parameters
    ----------
    goals : ndarray, shape (B, n, 3)
    gain : float
        Metres per second for each metre.
    """
    wanted = gain * (goals - view.positions)
    speed = np.linalg.norm(wanted, axis=2, keepdims=True)
    return wanted * np.minimum(1.0, fastest / np.maximum(speed, 1e-9))


def nearest_choices(task: Task, units: np.ndarray) -> np.ndarray:
    """Return actions that come nearest to wanted ones: themselves, clipped, where actions are continuous.

    Parameters
    ----------
    units : ndarray, shape (B, n, 4)
        Wanted actions, 1 for the greatest.
    """
    if task.choices is None:
        return np.clip(units[..., : task.n_inputs], -1.0, 1.0)
    gaps = units[:, :, None, :] - task.choices[None, None]
    return (gaps**2).sum(axis=3).argmin(axis=2)


def steady_flight(task: Task) -> Policy:
    """Fly each drone straight to its goal, slower the nearer it is; for tasks with control by velocity."""
    _, scale = task.span(task.airframe)
    # Fixed speeds are best chosen by where they lead within some 0.15 s: then holding wins near the goal.
    gain = 2.0 if task.choices is None else 6.5

    def policy(view: View) -> np.ndarray:
        velocities = wanted_velocities(view, view.goals, gain=gain) + view.goal_velocities
        units = np.zeros((*velocities.shape[:2], 4))
        units[..., :3] = velocities / scale[:3]
        return nearest_choices(task, units)

    return policy
