"""The last observations as one: what a network without memory needs where one observation does not tell enough."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from marlgt.deep.environments.protocol import BatchEnv, Step, checked_arrays
from marlgt.errors import GameError
from marlgt.games._doors import require_whole

__all__ = ["FrameStack"]


class FrameStack:
    """An environment whose agents see their last observations, the oldest first, zeros before the episode's start.

    The state is not stacked.

    Parameters
    ----------
    env : BatchEnv
    frames : int
        How many.

    References
    ----------
    Mnih, V. et al. (2015). Human-level control through deep reinforcement learning. Nature 518, 529-533: four frames.

    Examples
    --------
    >>> from marlgt.deep.environments import make_environment
    >>> env = FrameStack(make_environment("CartPole-v1", 2), 4)
    >>> env.reset(seed=0).shape
    (2, 1, 16)
    """

    def __init__(self, env: BatchEnv, frames: int) -> None:
        require_whole(frames, "frames", least=1)
        if isinstance(env, FrameStack):
            raise GameError("this environment stacks frames already: give all of them at once")
        self.env: BatchEnv = env
        self.frames = int(frames)
        self.name, self.n_envs, self.n_agents, self.n_actions = env.name, env.n_envs, env.n_agents, env.n_actions
        self.action_size, self.action_choices = env.action_size, env.action_choices
        self.observation_size, self.state_size = self.frames * env.observation_size, env.state_size
        self.common_reward, self.judged = env.common_reward, env.judged
        self.observations: Any = None
        self._stack(env.observations)

    @property
    def masked(self) -> bool:
        """Whether there are times when not everything is allowed, which some environments tell at their first reset."""
        return self.env.masked

    @property
    def state(self) -> Any:
        """In which the next actions are chosen, shape (B, Z)."""
        return self.env.state

    @property
    def reached_state(self) -> Any:
        """What the last step led to, shape (B, Z)."""
        return self.env.reached_state

    @property
    def allowed(self) -> Any:
        """Which actions may be chosen next, shape (B, n, A)."""
        return self.env.allowed

    @property
    def reached_allowed(self) -> Any:
        """What may be chosen where the last step led to, shape (B, n, A)."""
        return self.env.reached_allowed

    def _stack(self, observations: Any) -> Any:
        self.observations = self._first(observations)
        return self.observations

    def _first(self, observations: Any) -> Any:
        """Return what is seen at the start of episodes, shape (B, n, frames * D)."""
        shape = (self.n_envs, self.n_agents, self.observation_size - self.env.observation_size)
        if isinstance(observations, np.ndarray):
            return np.concatenate([np.zeros(shape, np.float32), observations], axis=-1)
        import torch

        return torch.cat([observations.new_zeros(shape), observations], dim=-1)

    def reset(self, seed: int, *, first: int = 0) -> Any:
        """Begin all copies anew and return the observations."""
        return self._stack(self.env.reset(seed, first=first))

    def step(self, actions: Any) -> Step:
        """Take a step in all copies."""
        step = self.env.step(actions)
        later: Any = self.observations[..., self.env.observation_size :]
        over = step.terminated | step.truncated
        reached: Any
        seen: Any
        if isinstance(later, np.ndarray):
            reached = np.concatenate([later, step.reached], axis=-1)
            seen = reached
            if over.any():
                seen = np.where(over[:, None, None], self._first(step.observations), reached)
        else:
            import torch

            reached = torch.cat([later, step.reached], dim=-1)
            seen = torch.where(over[:, None, None], self._first(step.observations), reached)
        self.observations = seen
        return step._replace(observations=seen, reached=reached)

    def snapshot(self) -> dict[str, NDArray[Any]] | None:
        """Return all that the future depends on, the frames included, or None if the environment cannot be saved."""
        inner = self.env.snapshot()
        if inner is None:
            return None
        seen = self.observations
        return inner | {"frames": np.array(seen if isinstance(seen, np.ndarray) else seen.cpu().numpy())}

    def restore(self, snapshot: Mapping[str, NDArray[Any]]) -> Any:
        """Go back to a snapshot and return the observations."""
        shape = (self.n_envs, self.n_agents, self.observation_size)
        frames = checked_arrays(snapshot, {"frames": np.zeros(shape, np.float32)})["frames"]
        inner = self.env.restore({name: array for name, array in snapshot.items() if name != "frames"})
        if not isinstance(inner, np.ndarray):
            import torch

            self.observations = torch.as_tensor(frames, device=inner.device)
        else:
            self.observations = frames
        return self.observations

    def close(self) -> None:
        """Close the environment."""
        self.env.close()
