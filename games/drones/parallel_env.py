"""A drone task as a PettingZoo ParallelEnv: one environment, agents by name."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from pettingzoo import ParallelEnv

from marlgt.errors import GameError
from marlgt.games._arrays import short
from marlgt.games._doors import require_seed
from marlgt.games.drones.actions import as_array
from marlgt.games.drones.spaces import action_space, agent_names, observation_space

__all__ = ["DroneParallelEnv"]


class DroneParallelEnv(ParallelEnv):  # type: ignore[misc]
    """One environment of a drone task; :func:`marlgt.games.drones.make` makes one.

    The agents are ``drone_0``, …, or ``motor_0``, … where the motors decide. All agents end together. The info of an
    agent has ``success`` (whether the task was solved; False until the end) and, in discrete tasks, ``action_mask``.

    Parameters
    ----------
    batch : BatchEnv
        One environment, of any backend.

    Attributes
    ----------
    batch : BatchEnv
        It, for its view of the true state.
    task : Task
    """

    metadata: dict[str, Any] = {  # noqa: RUF012
        "render_modes": ["rgb_array"],
        "name": "marlgt_drones_v0",
        "is_parallelizable": True,
    }

    def __init__(self, batch: Any, *, render_mode: str | None = None) -> None:
        if render_mode is not None and not (isinstance(render_mode, str) and render_mode == "rgb_array"):
            raise GameError(f"render_mode must be None or 'rgb_array', got {short(render_mode)}")
        self.batch, self.task, self.render_mode = batch, batch.task, render_mode
        self.metadata = {**type(self).metadata, "name": f"{self.task.name}_v0", "render_fps": self.task.rate}
        self.possible_agents = agent_names(self.task)
        self.agents: list[str] = []
        self.observation_spaces = {agent: observation_space(self.task) for agent in self.possible_agents}
        self.action_spaces = {agent: action_space(self.task) for agent in self.possible_agents}
        self._seeds = np.random.default_rng()
        self._state: Any = None

    def observation_space(self, agent: str) -> Any:
        """Return an agent's observation space, the same object each time."""
        return self.observation_spaces[agent]

    def action_space(self, agent: str) -> Any:
        """Return an agent's action space, the same object each time."""
        return self.action_spaces[agent]

    def reset(
        self, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[dict[str, Any], dict[str, dict[str, Any]]]:
        """Begin an episode, and return the observations and infos.

        Parameters
        ----------
        seed : int, optional
            Makes this episode, and those that follow without a seed, reproducible.
        options : dict, optional
            None are known.
        """
        if seed is not None:
            require_seed(seed)
            self._seeds = np.random.default_rng(seed)
        seen = _array(self.batch.reset(int(self._seeds.integers(2**62))))[0]
        self._state = _array(self.batch.state)[0]
        self.agents = list(self.possible_agents)
        return self._by_agent(seen), self._infos(False)

    def step(
        self, actions: dict[str, Any]
    ) -> tuple[dict[str, Any], dict[str, float], dict[str, bool], dict[str, bool], dict[str, dict[str, Any]]]:
        """Take a control step.

        Parameters
        ----------
        actions : dict of str to int or array
            Of every agent.

        Raises
        ------
        GameError
            When the episode is over or has not begun, and for missing or wrong actions.
        """
        if not self.agents:
            raise GameError("the episode is over or has not begun: call reset() before step()")
        if not isinstance(actions, Mapping):
            raise GameError(f"actions is {short(actions)}: give a dictionary with the action of every agent")
        missing = [agent for agent in self.agents if agent not in actions]
        if missing:
            raise GameError(f"actions must name every agent, {missing[0]} is missing")
        given = [as_array(self.task, actions[agent]) for agent in self.agents]
        odd = next((k for k, array in enumerate(given) if array.shape != given[0].shape), None)
        if odd is not None:
            raise GameError(
                f"actions of {self.task.name} must have the same shape for every agent, got {given[0].shape} for "
                f"{self.agents[0]} and {given[odd].shape} for {self.agents[odd]}"
            )
        step = self.batch.step(np.stack(given)[None])
        terminated, truncated = bool(step.terminated[0]), bool(step.truncated[0])
        over = terminated or truncated
        self._state = _array(self.batch.reached_state)[0]
        rewards = {agent: float(step.rewards[0, k]) for k, agent in enumerate(self.agents)}
        ends = dict.fromkeys(self.agents, terminated), dict.fromkeys(self.agents, truncated)
        observations, infos = self._by_agent(_array(step.reached)[0]), self._infos(bool(step.successes[0]))
        if over:
            self.agents = []
        return observations, rewards, *ends, infos

    def state(self) -> np.ndarray:
        """Return the global state, shape (S,): see :mod:`marlgt.games.drones.kernels.observations`."""
        if self._state is None:
            raise GameError("the episode has not begun: call reset() before state()")
        state: np.ndarray = self._state
        return state

    def render(self) -> np.ndarray | None:
        """Return a picture of the present, shape (height, width, 3) of uint8, in mode ``rgb_array``."""
        if self.render_mode is None:
            return None
        from marlgt.games.drones.snapshots import picture_of

        return picture_of(self.batch)

    def close(self) -> None:
        """Let go of what the backend holds."""
        self.batch.close()

    def _by_agent(self, seen: np.ndarray) -> dict[str, Any]:
        return {agent: seen[k] for k, agent in enumerate(self.possible_agents)}

    def _infos(self, success: bool) -> dict[str, dict[str, Any]]:
        info: dict[str, Any] = {"success": success}
        masks = _array(self.batch.allowed)[0] if self.task.choices is not None else None
        return {
            agent: info | ({} if masks is None else {"action_mask": masks[k].astype(np.int8)})
            for k, agent in enumerate(self.possible_agents)
        }


def _array(values: Any) -> np.ndarray:
    """Return a NumPy array of what a backend gives."""
    return values.detach().cpu().numpy() if hasattr(values, "detach") else np.asarray(values)
