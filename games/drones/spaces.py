"""The observation and action spaces of drone tasks, for Gymnasium and PettingZoo."""

from __future__ import annotations

from typing import Any

import numpy as np

from marlgt.errors import MissingDependency
from marlgt.games.drones.task import Task

__all__ = ["action_space", "agent_names", "observation_space", "require_farama"]

FARTHEST = 200.0
"""No number of an observation is larger in ordinary arenas: physics holds speeds within 100."""


def require_farama() -> None:
    """Raise MissingDependency unless gymnasium and pettingzoo are installed."""
    try:
        import gymnasium  # noqa: F401
        import pettingzoo  # noqa: F401
    except ImportError as error:
        raise MissingDependency(
            "this view of a drone task", package="gymnasium and pettingzoo", extra="drones"
        ) from error


def agent_names(task: Task) -> list[str]:
    """Return the names of the agents: ``drone_0``, … or ``motor_0``, …"""
    word = "motor" if task.seats == "motors" else "drone"
    return [f"{word}_{k}" for k in range(task.n_agents)]


def observation_space(task: Task) -> Any:
    """Return the space of an agent's observation: a box of shape (D,), wider than any flight."""
    from gymnasium.spaces import Box

    # Whoever leaves the arena has crashed, within a control step; noise ends at 5.4 standard deviations.
    reach = 2.0 * (max(map(abs, (*task.scene.low, *task.scene.high))) + 100.0 / task.rate)
    trouble = task.disturbances
    noise = 5.5 * max(trouble.position_noise, trouble.velocity_noise, trouble.rate_noise)
    largest = max(FARTHEST, reach) + noise
    return Box(-largest, largest, (task.n_observations,), np.float32)


def action_space(task: Task) -> Any:
    """Return the space of an agent's action: its numbers from 0, or a box from -1 to 1."""
    from gymnasium.spaces import Box, Discrete

    if task.choices is not None:
        return Discrete(task.n_actions)
    return Box(-1.0, 1.0, (task.n_inputs,), np.float32)
