"""The environments of several seeds side by side, each seed's the same as alone, seen as tensors."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from marlgt.deep.environments import BatchEnv
from marlgt.deep.environments.protocol import alternatives_of, rest
from marlgt.errors import GameError

__all__ = ["SeededEnvs", "SeededStep"]


class SeededStep(NamedTuple):
    """What a step of all environments gives; as :class:`marlgt.deep.environments.Step`, with an axis for the seeds.

    Attributes
    ----------
    rewards : Tensor, shape (S, B, n)
    terminated, truncated, successes : Tensor of bool, shape (S, B)
    reached : Tensor, shape (S, B, n, D)
    """

    rewards: Tensor
    terminated: Tensor
    truncated: Tensor
    reached: Tensor
    successes: Tensor


class SeededEnvs:
    """B copies of an environment for each of S seeds.

    Parameters
    ----------
    make : callable
        Makes the environments of one seed.
    seeds : sequence of int
    device : torch.device or str
        Where the tensors are.
    """

    def __init__(self, make: Callable[[], BatchEnv], seeds: Sequence[int], device: torch.device | str) -> None:
        self.envs = [make() for _ in seeds]
        self.seeds = [int(seed) for seed in seeds]
        self.device = torch.device(device)
        self.n_envs = self.envs[0].n_envs

    def reset(self, first: int = 0) -> None:
        """Begin anew, with the copies of each seed from number `first` on."""
        for env, seed in zip(self.envs, self.seeds):
            env.reset(seed, first=first)

    def step(self, actions: Tensor) -> SeededStep:
        """Take the actions, shape (S, B, n)."""
        if self.device.type == "cpu":
            steps = [env.step(chosen) for env, chosen in zip(self.envs, actions.numpy())]
        else:
            pairs = zip(self.envs, actions)
            steps = [env.step(own if _on_tensors(env) else own.cpu().numpy()) for env, own in pairs]
        # The observations are asked for when they are acted on.
        _, *fields = zip(*steps)
        return SeededStep(*map(self._stacked, fields))

    def rest(self, resting: NDArray[np.bool_]) -> None:
        """Let copies rest until the next reset, shape (S, B), where that saves time."""
        for env, own in zip(self.envs, resting):
            rest(env, own)

    @property
    def observations(self) -> Tensor:
        """Observations in which the next actions are chosen, shape (S, B, n, D)."""
        return self._stacked([env.observations for env in self.envs])

    @property
    def states(self) -> Tensor:
        """Global states in which the next actions are chosen, shape (S, B, Z)."""
        return self._stacked([env.state for env in self.envs])

    @property
    def reached_states(self) -> Tensor:
        """Global states that the last step led to, shape (S, B, Z)."""
        return self._stacked([env.reached_state for env in self.envs])

    @property
    def allowed(self) -> Tensor:
        """Whether each action is allowed, shape (S, B, n, A)."""
        return self._stacked([env.allowed for env in self.envs])

    @property
    def reached_allowed(self) -> Tensor:
        """Whether each action is allowed in what the last step led to, shape (S, B, n, A)."""
        return self._stacked([env.reached_allowed for env in self.envs])

    def alternatives(self, actions: Tensor) -> Tensor:
        """Return what each team would be paid had one agent acted otherwise, shape (S, B, n, A).

        See :func:`marlgt.deep.environments.protocol.alternatives_of`.

        Raises
        ------
        UnsupportedGame
            If the task cannot tell.
        """
        return self._stacked([alternatives_of(env)(own.cpu().numpy()) for env, own in zip(self.envs, actions)])

    def snapshot(self) -> dict[str, np.ndarray] | None:
        """Return where all environments are, or None if they cannot be saved in the middle of an episode."""
        arrays: dict[str, np.ndarray] = {}
        for number, env in enumerate(self.envs):
            taken = env.snapshot()
            if taken is None:
                return None
            arrays.update({f"{number}.{name}": np.asarray(value) for name, value in taken.items()})
        return arrays

    def restore(self, snapshot: Mapping[str, np.ndarray]) -> None:
        """Go back to where the environments were."""
        for number, env in enumerate(self.envs):
            prefix = f"{number}."
            own = {name[len(prefix) :]: value for name, value in snapshot.items() if name.startswith(prefix)}
            if not own:
                raise GameError(f"the snapshot has nothing of the environments of seed {self.seeds[number]}")
            env.restore(own)

    def close(self) -> None:
        """Close all environments."""
        for env in self.envs:
            env.close()

    def _stacked(self, values: Sequence[Any]) -> Tensor:
        if isinstance(values[0], Tensor):
            return torch.stack(tuple(values)) if len(values) > 1 else values[0].unsqueeze(0)
        together = np.stack(values) if len(values) > 1 else np.asarray(values[0])[None]
        tensor = torch.from_numpy(together)
        return tensor if self.device.type == "cpu" else tensor.to(self.device)


def _on_tensors(env: BatchEnv) -> bool:
    return isinstance(env.observations, Tensor)
