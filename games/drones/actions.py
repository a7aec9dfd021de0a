"""The actions of a drone task: checks at the door, random ones, and which are allowed."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from marlgt.errors import GameError
from marlgt.games._arrays import short
from marlgt.games.drones.task import Task

__all__ = ["allowed_actions", "as_array", "random_actions", "require_actions"]


def require_actions(task: Task, actions: ArrayLike, n_envs: int) -> np.ndarray:
    """Return the actions as an array, or say what is wrong with them.

    Parameters
    ----------
    task : Task
    actions : array_like, shape (B, n_agents) of int, or (B, n_agents, n_inputs) of float in [-1, 1]
    n_envs : int
        B.

    Raises
    ------
    GameError
        For a wrong shape or kind, for an action that does not exist, for a number that is not in [-1, 1].
    """
    array = as_array(task, actions)
    if task.choices is not None:
        shape: tuple[int, ...] = (n_envs, task.n_agents)
        if array.shape != shape or array.dtype.kind not in "iu":
            raise GameError(
                f"actions of {task.name} must be whole numbers of shape {shape} (environments, agents), got "
                f"{array.dtype} of shape {array.shape}"
            )
        if array.size and (array.min() < 0 or array.max() >= task.n_actions):
            wrong = array[(array < 0) | (array >= task.n_actions)].flat[0]
            raise GameError(f"actions of {task.name} are 0 to {task.n_actions - 1}, got {wrong}")
        return array
    shape = (n_envs, task.n_agents, task.n_inputs)
    if array.shape != shape or array.dtype.kind not in "fiu":
        raise GameError(
            f"actions of {task.name} must be numbers of shape {shape} (environments, agents, inputs), got "
            f"{array.dtype} of shape {array.shape}"
        )
    # Written so that what is not a number fails too.
    if array.size and not (array.min() >= -1.0 and array.max() <= 1.0):
        wrong = array[~((array >= -1.0) & (array <= 1.0))].flat[0]
        raise GameError(f"actions of {task.name} must lie in [-1, 1], got {wrong}: clip them, and look for a NaN")
    return array


def as_array(task: Task, actions: Any) -> np.ndarray:
    """Return what is given as an array; a tensor may have a gradient, or live on a device."""
    if hasattr(actions, "detach"):
        actions = actions.detach().cpu()
    try:
        return np.asarray(actions)
    except Exception as error:
        raise GameError(
            f"actions of {task.name} must be an array of numbers, got {short(actions)}: "
            "give every agent as many numbers"
        ) from error


def random_actions(task: Task, n_envs: int, rng: np.random.Generator) -> np.ndarray:
    """Return uniformly random actions of all agents of a batch."""
    if task.choices is not None:
        return rng.integers(task.n_actions, size=(n_envs, task.n_agents))
    return rng.uniform(-1.0, 1.0, size=(n_envs, task.n_agents, task.n_inputs))


def allowed_actions(task: Task, active: np.ndarray) -> np.ndarray:
    """Return which actions each agent may choose: all of them, and only the first once its drone is lost.

    Parameters
    ----------
    active : ndarray of bool, shape (B, n_drones)

    Returns
    -------
    ndarray of bool, shape (B, n_agents, n_actions)
    """
    agents = np.broadcast_to(active, (len(active), task.n_agents)) if task.seats == "motors" else active
    allowed = np.repeat(agents[:, :, None], max(task.n_actions, 1), axis=2)
    allowed[:, :, 0] = True
    return allowed
