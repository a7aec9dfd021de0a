"""A drone task as Gymnasium environments: one agent that decides for all, and many environments as a VectorEnv."""

from __future__ import annotations

from typing import Any

import gymnasium
import numpy as np
from gymnasium.vector import AutoresetMode, VectorEnv
from gymnasium.vector.utils import batch_space

from marlgt.errors import GameError
from marlgt.games._arrays import short
from marlgt.games.drones.actions import as_array
from marlgt.games.drones.spaces import action_space, observation_space

__all__ = ["DroneGymEnv", "DroneVectorEnv"]


class DroneGymEnv(gymnasium.Env[Any, Any]):
    """One environment of a drone task, seen by one agent who decides for all; :func:`make_gymnasium` makes one.

    Where the task has several agents, observations are stacked to shape (n_agents, D), actions are a MultiDiscrete or a
    box of shape (n_agents, n_inputs), and the reward is the mean.

    Parameters
    ----------
    batch : BatchEnv
        One environment, of any backend.
    """

    metadata: dict[str, Any] = {"render_modes": ["rgb_array"], "render_fps": 30}  # noqa: RUF012

    def __init__(self, batch: Any, *, render_mode: str | None = None) -> None:
        if render_mode is not None and not (isinstance(render_mode, str) and render_mode == "rgb_array"):
            raise GameError(f"render_mode must be None or 'rgb_array', got {short(render_mode)}")
        self.batch, self.task, self.render_mode = batch, batch.task, render_mode
        one_agent = self.task.n_agents == 1
        single, choice = observation_space(self.task), action_space(self.task)
        self.observation_space = single if one_agent else batch_space(single, self.task.n_agents)
        self.action_space = choice if one_agent else batch_space(choice, self.task.n_agents)
        self._over = True

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> tuple[Any, dict[str, Any]]:
        """Begin an episode; a seed makes it, and those that follow without one, reproducible."""
        super().reset(seed=seed)
        seen = _array(self.batch.reset(int(self.np_random.integers(2**62))))[0]
        self._over = False
        return self._shaped(seen), {"success": False}

    def step(self, action: Any) -> tuple[Any, float, bool, bool, dict[str, Any]]:
        """Take a control step.

        Raises
        ------
        GameError
            When the episode is over or has not begun, and for wrong actions.
        """
        if self._over:
            raise GameError("the episode is over or has not begun: call reset() before step()")
        one_agent = self.task.n_agents == 1
        given = as_array(self.task, action)
        step = self.batch.step(given[None, None] if one_agent else given[None])
        terminated, truncated = bool(step.terminated[0]), bool(step.truncated[0])
        self._over = terminated or truncated
        reward = float(_array(step.rewards)[0].mean())
        return (
            self._shaped(_array(step.reached)[0]),
            reward,
            terminated,
            truncated,
            {"success": bool(step.successes[0])},
        )

    def render(self) -> Any:
        """Return a picture of the present, shape (height, width, 3) of uint8, in mode ``rgb_array``."""
        if self.render_mode is None:
            return None
        from marlgt.games.drones.snapshots import picture_of

        return picture_of(self.batch)

    def close(self) -> None:
        """Let go of what the backend holds."""
        self.batch.close()

    def _shaped(self, seen: np.ndarray) -> np.ndarray:
        return seen[0] if self.task.n_agents == 1 else seen


class DroneVectorEnv(VectorEnv[Any, Any, Any]):
    """Many environments of a drone task as Gymnasium's VectorEnv; :func:`make_vector` makes one.

    Environments that are over begin anew in the same step (``AutoresetMode.SAME_STEP``); the observation that such an
    episode ended with is in ``infos["final_obs"]``. As in :class:`DroneGymEnv`, one agent decides for all.

    Parameters
    ----------
    batch : BatchEnv
    """

    metadata: dict[str, Any] = {"autoreset_mode": AutoresetMode.SAME_STEP, "render_modes": []}  # noqa: RUF012

    def __init__(self, batch: Any) -> None:
        self.batch, self.task, self.num_envs = batch, batch.task, batch.n_envs
        agents = self.task.n_agents
        single, choice = observation_space(self.task), action_space(self.task)
        self.single_observation_space = single if agents == 1 else batch_space(single, agents)
        self.single_action_space = choice if agents == 1 else batch_space(choice, agents)
        self.observation_space = batch_space(self.single_observation_space, self.num_envs)
        self.action_space = batch_space(self.single_action_space, self.num_envs)

    def reset(self, *, seed: Any = None, options: dict[str, Any] | None = None) -> tuple[Any, dict[str, Any]]:
        """Begin all environments anew; a seed makes this and what follows reproducible."""
        super().reset(seed=seed)
        seen = _array(self.batch.reset(int(self.np_random.integers(2**62))))
        return self._shaped(seen), {}

    def step(self, actions: Any) -> tuple[Any, Any, Any, Any, dict[str, Any]]:
        """Take a control step in all environments."""
        one_agent = self.task.n_agents == 1
        given = as_array(self.task, actions)
        step = self.batch.step(given[:, None] if one_agent and given.ndim else given)
        terminated, truncated = _array(step.terminated), _array(step.truncated)
        over = terminated | truncated
        infos: dict[str, Any] = {"success": _array(step.successes), "_success": over}
        if over.any():
            reached = self._shaped(_array(step.reached))
            final = np.empty(self.num_envs, dtype=object)
            for k in np.flatnonzero(over):
                final[k] = reached[k]
            infos |= {"final_obs": final, "_final_obs": over}
        return self._shaped(_array(step.observations)), _array(step.rewards).mean(axis=1), terminated, truncated, infos

    def close_extras(self, **kwargs: Any) -> None:
        """Let go of what the backend holds."""
        self.batch.close()

    def _shaped(self, seen: np.ndarray) -> np.ndarray:
        return seen[:, 0] if self.task.n_agents == 1 else seen


def _array(values: Any) -> np.ndarray:
    """Return a NumPy array of what a backend gives."""
    return values.detach().cpu().numpy() if hasattr(values, "detach") else np.asarray(values)
