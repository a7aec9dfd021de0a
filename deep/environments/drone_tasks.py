"""Drone tasks as deep learners see them, on processors or, without leaving the device, on tensors."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from marlgt.deep.environments.protocol import Step, numbers_between_bounds
from marlgt.errors import UnsupportedGame
from marlgt.games.drones.doors import make_batch
from marlgt.games.drones.making import TASKS, make_task
from marlgt.games.drones.task import Task

__all__ = ["BATCH_OPTIONS", "TASK_OPTIONS", "DroneTask", "discrete_task"]

DISCRETE = ("discrete", "four", "joint")
"""The kinds of actions in :data:`marlgt.games.drones.TASKS` that are choices from a list."""

TASK_OPTIONS = ("n_drones", "actions", "airframe", "neighbours", "history", "rate", "seconds")
BATCH_OPTIONS = ("dtype", "threads")


def discrete_task(name: str, *, actions: str | None = None, **options: Any) -> Task:
    """Return a drone task with discrete actions: those named, or the first kind that the task has.

    Raises
    ------
    UnsupportedGame
        For actions that are numbers, and where the task knows no others.
    """
    kinds = [kind for kind in TASKS[name].actions if kind in DISCRETE]
    if not kinds:
        others = [other for other, entry in TASKS.items() if set(entry.actions) & set(DISCRETE)]
        raise UnsupportedGame(
            f"the actions of {name} are continuous, and learners of action values choose from a list: train PPO, "
            f"or take one of {', '.join(others)}"
        )
    if actions is not None and actions in TASKS[name].actions and actions not in kinds:
        raise UnsupportedGame(
            f"the actions {actions!r} of {name} are continuous, and learners of action values choose from a list: "
            f"train PPO, or give actions={kinds[0]}" + "".join(f" or {kind}" for kind in kinds[1:])
        )
    return make_task(name, actions=kinds[0] if actions is None else actions, **options)


class DroneTask:
    """B copies of a drone task in one of its backends; tensors stay on their device.

    Numbers that are no choices are clipped to -1 and 1, and what they mean is the task's kind of actions. Where a drone
    can be lost in flight and actions are choices, ``reached_allowed`` of an episode that is over is what was allowed a
    step before: a drone lost in the very last step counts as there.

    Parameters
    ----------
    task : Task
    n_envs : int
    backend : {'numba', 'torch', 'bullet'}
    device : str, optional
        For torch.
    dtype, threads
        See :func:`marlgt.games.drones.make_batch`.
    name : str, optional
        What to call it; by default the task's own name.
    continuous : bool
        Whether tasks are welcome whose actions are numbers.
    """

    action_choices: tuple[int, ...] = ()

    def __init__(
        self,
        task: Task,
        n_envs: int,
        *,
        backend: str = "numba",
        device: str | None = None,
        dtype: str = "float64",
        threads: int = 1,
        name: str | None = None,
        continuous: bool = False,
    ) -> None:
        if task.choices is None and not continuous:
            raise UnsupportedGame(
                f"the actions of this task {task.name} are continuous, and learners of action values choose from a "
                "list: train PPO, or make it with discrete actions"
            )
        self.batch = make_batch(
            task,
            n_envs=n_envs,
            backend=backend,
            dtype=dtype,
            threads=threads,
            device=device if backend == "torch" else None,
        )
        self.name = task.name if name is None else name
        self.n_envs, self.n_agents, self.n_actions = self.batch.n_envs, task.n_agents, task.n_actions
        self.action_size = task.n_inputs if task.choices is None else 0
        self.observation_size, self.state_size = task.n_observations, task.n_state
        self.common_reward = task.payoff == "shared"
        self._loses = self.masked = task.disturbances.loss > 0.0 and task.choices is not None
        self.judged = True
        self._tensors = backend == "torch"
        self._allowed = self._everything()
        self._reached_allowed = self._allowed

    def _everything(self) -> Any:
        shape = (self.n_envs, self.n_agents, self.n_actions)
        if self._tensors:
            import torch

            return torch.ones(shape, dtype=torch.bool, device=self.batch.device)
        return np.ones(shape, np.bool_)

    @property
    def observations(self) -> Any:
        """In which the next actions are chosen, shape (B, n, D)."""
        return self.batch.observations

    @property
    def state(self) -> Any:
        """In which the next actions are chosen, shape (B, Z)."""
        return self.batch.state

    @property
    def reached_state(self) -> Any:
        """What the last step led to, shape (B, Z)."""
        return self.batch.reached_state

    @property
    def allowed(self) -> Any:
        """Everything, and only to hold still for a drone that is lost, shape (B, n, A)."""
        return self._allowed

    @property
    def reached_allowed(self) -> Any:
        """What was allowed where the last step led to, shape (B, n, A)."""
        return self._reached_allowed

    def reset(self, seed: int, *, first: int = 0) -> Any:
        """Begin all copies anew and return the observations."""
        observations = self.batch.reset(seed, first=first)
        if self._loses:
            self._allowed = self._reached_allowed = self.batch.allowed
        return observations

    def step(self, actions: Any) -> Step:
        """Take a control step in all copies."""
        if self._tensors:
            if self.action_size:
                actions = self._clipped(actions)
        elif self.action_size:
            shape = (self.n_envs, self.n_agents, self.action_size)
            actions = numbers_between_bounds(actions, shape, self.name)
        elif not isinstance(actions, np.ndarray):
            actions = np.asarray(actions)
        step = self.batch.step(actions)
        if self._loses:
            before, self._allowed = self._allowed, self.batch.allowed
            over = (step.terminated | step.truncated)[:, None, None]
            where: Any = np.where
            if self._tensors:
                import torch

                where = torch.where
            self._reached_allowed = where(over, before, self._allowed)
        return Step(*step)

    def _clipped(self, actions: Any) -> Any:
        import torch

        return torch.as_tensor(actions, device=self.batch.device).clamp(-1.0, 1.0)

    def snapshot(self) -> dict[str, np.ndarray]:
        """Return all that the future depends on, as arrays."""
        snapshot: dict[str, np.ndarray] = self.batch.snapshot()
        return snapshot

    def restore(self, snapshot: Mapping[str, np.ndarray]) -> Any:
        """Go back to a snapshot and return the observations."""
        observations = self.batch.restore(snapshot)
        if self._loses:
            self._allowed = self._reached_allowed = self.batch.allowed
        return observations

    def close(self) -> None:
        """Let threads and worlds go."""
        self.batch.close()
