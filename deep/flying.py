"""Trained policies as pilots: what :mod:`marlgt.games.drones.evaluation` flies, records and draws."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import Tensor

from marlgt.deep.environments import make_environment
from marlgt.deep.runs.run import Run
from marlgt.errors import GameError
from marlgt.games.drones.task import Task
from marlgt.games.drones.views import View

__all__ = ["FlightPolicy", "flight_policy", "flown_task"]


def flown_task(run: Run, task: Any = None) -> Task | None:
    """Return the drone task of a run, or of another task in the terms of the run, or None if it is none.

    Parameters
    ----------
    run : Run
    task : str, game, or callable, optional
        As :func:`~marlgt.deep.environments.make_environment` takes it.
    """
    env: Any = make_environment(run.task if task is None else task, 1, continuous=run.algorithm.continuous)
    try:
        flown = getattr(env, "batch", None)
        found = getattr(flown, "task", None)
    finally:
        env.close()
    return found if isinstance(found, Task) else None


def flight_policy(run: Run, seed: int | None = None) -> FlightPolicy:
    """Return what one seed of a run learnt, as a policy that drones are flown by.

    Parameters
    ----------
    run : Run
        Trained on a drone task.
    seed : int, optional
        One of the seeds of the run; by default the first.

    Raises
    ------
    GameError
        If the run has no such seed, or was not trained on a drone task.
    """
    seeds = run.record.seeds
    chosen = seeds[0] if seed is None else seed
    if chosen not in seeds:
        raise GameError(f"the run has no seed {chosen}: give one of {', '.join(map(str, seeds))}")
    return FlightPolicy(run, seeds.index(chosen))


class FlightPolicy:
    """What one seed plays when it is judged, as a function of what the drones observe.

    Parameters
    ----------
    run : Run
    number : int
        Position of the seed in the run.

    Attributes
    ----------
    observes : bool
        True: it is given what the agents observe beside the true state, which it only reads the clock of.
    """

    observes = True

    def __init__(self, run: Run, number: int) -> None:
        task = flown_task(run)
        if task is None:
            raise GameError(f"the run was trained on {run.record.task}, which is no drone task: nothing can be flown")
        self._device = next(run.module.parameters()).device
        module = run.algorithm.network(run.spec, 1).to(self._device)
        trained = dict(run.module.named_parameters())
        with torch.no_grad():
            for name, parameter in module.named_parameters():
                rows = len(parameter)
                parameter.copy_(trained[name][number * rows : (number + 1) * rows])
        self._policy = run.algorithm.policy(module, run.spec)
        self._frames = run.algorithm.frames
        # A team that is seen as one agent chooses for all, the first agent's action being the highest digit.
        self._joint = (task.n_actions,) * task.n_agents if run.spec.n_agents < task.n_agents else None
        self._seen: Tensor | None = None
        self.__name__ = run.record.algorithm

    def __call__(self, view: View, observations: Any) -> np.ndarray:
        """Return the actions of all agents, shape (B, n) or (B, n, d), in observations of shape (B, n, D)."""
        seen = torch.as_tensor(observations, dtype=torch.float32, device=self._device)
        if not view.ticks.any():
            self._policy.begin()
            self._seen = None
        if self._frames > 1:
            seen = self._stacked(seen, torch.from_numpy(view.ticks == 0).to(self._device))
        if self._joint is not None:
            seen = seen.flatten(1).unsqueeze(1)
        actions: np.ndarray = self._policy.act(seen.unsqueeze(0), None)[0].cpu().numpy()
        if actions.dtype.kind == "f":
            # As environments do, which pilots fly without.
            return actions.clip(-1.0, 1.0)
        return actions if self._joint is None else np.stack(np.unravel_index(actions[:, 0], self._joint), axis=1)

    def _stacked(self, observations: Tensor, begins: Tensor) -> Tensor:
        size = observations.shape[-1]
        shape = (*observations.shape[:2], (self._frames - 1) * size)
        before = observations.new_zeros(shape) if self._seen is None else self._seen[..., size:]
        self._seen = torch.cat((before.masked_fill(begins[:, None, None], 0.0), observations), dim=-1)
        return self._seen
