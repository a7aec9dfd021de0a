"""Observations and global states on tensors, as :mod:`marlgt.games.drones.kernels.observations` defines them."""

from __future__ import annotations

from typing import Any

from marlgt.games.drones.backends.torch_lanes import Every, on_tensors, torch
from marlgt.games.drones.kernels.judging import LARGEST
from marlgt.games.drones.kernels.lanes import WIDTH
from marlgt.games.drones.kernels.layout import ACTIVE, E0, K0, SPX, SPY, SPZ, SVX, SVY, SVZ, VX, VY, VZ, X, Y, Z
from marlgt.games.drones.kernels.observations import gpd_kinematics, kinematics, true_state
from marlgt.games.drones.task import Task

__all__ = ["Observer", "see_nearest_together"]


class Observer:
    """What the agents of a task see, and what central critics see.

    Parameters
    ----------
    task : Task
    words : dict
        From :func:`marlgt.games.drones.backends.torch_lanes.vocabulary`.
    """

    def __init__(self, task: Task, words: dict[str, Any]) -> None:
        self.task = task
        self._numbers = on_tensors(gpd_kinematics if task.layout == "gpd" else kinematics, words)
        self._truth = on_tensors(true_state, words)

    def __call__(
        self, fields: dict[int, Any], world: dict[int, Any], tick: torch.Tensor, past: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Return observations, shape (B, n_agents, D), and global states, shape (B, S), both of float32.

        Parameters
        ----------
        fields, world : dict of int to Tensor
            Of shape (n_drones, B), and (B,).
        tick : Tensor, shape (B,)
            Control steps since the start.
        past : Tensor, shape (width * kept, n_drones, B)
            Earlier actions, the oldest first.
        """
        task, every = self.task, Every(fields)
        columns = list(self._numbers(every, 0, 0))
        if task.layout != "gpd":
            if task.neighbours > 0:
                columns += see_nearest_together(fields, task.neighbours)
            columns += [fields[E0 + k * WIDTH] for k in range(task.n_extras)]
        shown = task.width * (task.remembered if task.layout == "gpd" else task.history)
        seen = torch.cat([torch.stack(columns).to(torch.float32), past[:shown].to(torch.float32)])
        if task.seats == "motors":
            which = torch.eye(4, dtype=torch.float32, device=seen.device)[:, :, None]
            seen = torch.cat([seen.expand(-1, 4, -1), which.expand(-1, -1, seen.shape[2])])
        truth = torch.stack(self._truth(every, 0, 0)).to(torch.float32)
        rest = [world[K0 + k * WIDTH] for k in range(task.n_world)] + [1.0 - tick / task.horizon]
        flat = truth.permute(2, 1, 0).reshape(truth.shape[2], -1)
        state = torch.cat([flat, torch.stack(rest, dim=1).to(torch.float32)], dim=1)
        return seen.permute(2, 1, 0).contiguous(), state


def see_nearest_together(fields: dict[int, Any], neighbours: int) -> list[torch.Tensor]:
    """Return position and velocity of the nearest other drones, relative to what each drone senses of its own.

    Returns
    -------
    list of Tensor of shape (n_drones, B)
        Six for each neighbour, the nearest first: in 1 m and 2 m/s; zeros where there is none.
    """
    dx, dy, dz = (fields[field][None] - fields[field][:, None] for field in (X, Y, Z))
    squares = dx * dx + dy * dy + dz * dz
    others = ~torch.eye(len(squares), dtype=torch.bool, device=squares.device)[:, :, None]
    there = others & (fields[ACTIVE] > 0.0)[None] & (squares < LARGEST * LARGEST)
    order = torch.where(there, squares, torch.inf).argsort(dim=1, stable=True)[:, :neighbours]
    count = there.sum(1)
    sensed = ((X, SPX), (Y, SPY), (Z, SPZ)), ((VX, SVX), (VY, SVY), (VZ, SVZ))
    ways, flows = ([fields[k][None] - (fields[k] + fields[noise])[:, None] for k, noise in part] for part in sensed)
    flows = [0.5 * flow for flow in flows]
    picked = [values.gather(1, order) for values in (*ways, *flows)]
    return [torch.where(count > k, values[:, k], 0.0) for k in range(neighbours) for values in picked]
