"""Scripted experts: policies that know the true state and solve a task, so that a score has a ceiling.

An expert is made for a task and maps a :class:`~marlgt.games.drones.views.View` to the actions of all agents. These
serve several tasks; what only one task needs stands in the task's own module.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

import numpy as np

from marlgt.games.drones.regulators import Regulator
from marlgt.games.drones.task import Task
from marlgt.games.drones.views import View

__all__ = [
    "Policy",
    "nearest_choices",
    "pilot",
    "rotor_flight",
    "steady_flight",
    "stepping_flight",
    "tilting_flight",
    "trimmed",
    "wanted_velocities",
]

Policy = Callable[[View], np.ndarray]
"""From the true state to actions, shape (B, n_agents) of int or (B, n_agents, n_inputs) of float."""

Pilot = Callable[[View, np.ndarray], np.ndarray]
"""From the true state and wanted velocities, shape (B, n, 3), m/s, to actions."""


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
    return np.asarray(wanted * np.minimum(1.0, fastest / np.maximum(speed, 1e-9)))


def nearest_choices(task: Task, units: np.ndarray) -> np.ndarray:
    """Return actions that come nearest to wanted ones: themselves, clipped, where actions are continuous.

    Parameters
    ----------
    units : ndarray, shape (B, n, 4)
        Wanted actions, 1 for the greatest.
    """
    if task.choices is None:
        return np.asarray(np.clip(units[..., : task.n_inputs], -1.0, 1.0))
    gaps = units[:, :, None, :] - task.choices[None, None]
    return np.asarray((gaps**2).sum(axis=3).argmin(axis=2))


def pilot(task: Task, *, accelerations: Callable[[View], np.ndarray] | None = None) -> Pilot:
    """Return how a task's actions fly at wanted velocities; for control by ``velocity`` or ``motors``.

    Parameters
    ----------
    accelerations : callable, optional
        From a view to what the rotors shall give beside carrying the drone, shape (B, n, 3), m/s², against forces that
        are known, such as a load's pull. Where velocities are controlled, the controller finds that itself.
    """
    if task.control == "motors":
        fly = _by_rotors(task)

        def by_rotors(view: View, velocities: np.ndarray) -> np.ndarray:
            here = dataclasses.replace(view, goals=view.positions, goal_velocities=velocities)
            return fly(here, None if accelerations is None else accelerations(view))

        return by_rotors
    _, scale = task.span(task.airframe)

    def by_velocity(view: View, velocities: np.ndarray) -> np.ndarray:
        units = np.zeros((*velocities.shape[:2], 4))
        units[..., :3] = velocities / scale[:3]
        return nearest_choices(task, units)

    return by_velocity


def steady_flight(task: Task) -> Policy:
    """Fly each drone straight to its goal, slower the nearer it is; for control by ``velocity`` or ``motors``."""
    fly = pilot(task)
    # Fixed speeds are best chosen by where they lead within some 0.15 s: then holding wins near the goal.
    gain = 2.0 if task.choices is None else 6.5

    def policy(view: View) -> np.ndarray:
        return fly(view, wanted_velocities(view, view.goals, gain=gain) + view.goal_velocities)

    return policy


def stepping_flight(task: Task) -> Policy:
    """Send each drone to its goal, or as far towards it as one action goes; for control by ``position``."""
    _, scale = task.span(task.airframe)

    def policy(view: View) -> np.ndarray:
        units = np.zeros((*view.positions.shape[:2], 4))
        units[..., :3] = (view.goals - view.positions) / scale[:3]
        return nearest_choices(task, units)

    return policy


def trimmed(units: np.ndarray) -> np.ndarray:
    """Return rotor actions held in [-1, 1], shape (B, n, 4), in which turning comes before climbing.

    Parameters
    ----------
    units : ndarray, shape (B, n, 4)
        Wanted actions: their mean lifts and what is beside it turns.
    """
    lift = units.mean(axis=2, keepdims=True)
    turn = units - lift
    size = np.abs(turn).max(axis=2, keepdims=True)
    turn = turn / np.maximum(size, 1.0)
    spare = 1.0 - np.minimum(size, 1.0)
    return np.asarray(turn + np.clip(lift, -spare, spare))


def _by_rotors(task: Task) -> Callable[[View, np.ndarray | None], np.ndarray]:
    """Return how rotor speeds fly to the goals of a view, at the goals' velocities, and give accelerations."""
    # In haste, a drone whose rotors lag, and span no more than 5 % of hover, can tip over.
    regulator = Regulator(task, effort=0.025 if task.airframe.motor_lag == 0.0 else 0.1)
    offset, scale = task.span(task.airframe)

    def fly(view: View, accelerations: np.ndarray | None) -> np.ndarray:
        units = (regulator.commands(view, accelerations) - offset) / scale
        if task.n_inputs == 1:
            return np.asarray(np.clip(units.mean(axis=2, keepdims=True), -1.0, 1.0))
        return nearest_choices(task, trimmed(units))

    return fly


def rotor_flight(task: Task) -> Policy:
    """Fly each drone to its goal by its rotors' speeds, with the best linear regulator; for control by ``motors``."""
    fly = _by_rotors(task)

    def policy(view: View) -> np.ndarray:
        return fly(view, None)

    return policy


def tilting_flight(task: Task) -> Policy:
    """Fly each drone to its goal by thrust and tilt; for control by ``attitude`` or ``rates``."""
    offset, scale = task.span(task.airframe)
    mass, gravity = task.airframe.mass, task.airframe.gravity

    def policy(view: View) -> np.ndarray:
        lacking = wanted_velocities(view, view.goals, gain=1.5) + view.goal_velocities - view.velocities
        force = 3.0 * lacking + np.array([0.0, 0.0, gravity])
        force[..., 2] = np.clip(force[..., 2], 0.5 * gravity, 1.5 * gravity)
        sideways = np.linalg.norm(force[..., :2], axis=2, keepdims=True)
        force[..., :2] *= np.minimum(1.0, 0.5 * force[..., 2:] / np.maximum(sideways, 1e-9))
        # The wanted force in body axes: its share along z is the thrust, and what lies across is to be turned to.
        x, y, z = np.moveaxis(np.einsum("bnji,bnj->bni", view.rotations, force), 2, 0)
        size = np.sqrt(x * x + y * y + z * z)
        if task.control == "rates":
            turns = np.stack([-8.0 * y / size, 8.0 * x / size, -view.rates[..., 2]], axis=-1)
        else:
            # Roll and pitch that point the axis along the force, from where the drone heads.
            heading = np.arctan2(view.rotations[..., 1, 0], view.rotations[..., 0, 0])
            cosine, sine = np.cos(heading), np.sin(heading)
            ahead = cosine * force[..., 0] + sine * force[..., 1]
            left = cosine * force[..., 1] - sine * force[..., 0]
            turns = np.stack([-np.arcsin(left / size), np.arctan2(ahead, force[..., 2]), 0.0 * left], axis=-1)
        setpoints = np.concatenate([(mass * z)[..., None], turns], axis=-1)
        return nearest_choices(task, (setpoints - offset) / scale)

    return policy
