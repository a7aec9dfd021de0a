"""The units in which a critic speaks: returns as they are, or less their running mean, over their running deviation."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from marlgt.deep.standardising import RunningMoments

__all__ = ["ValueUnits"]

SMALLEST, FAINTEST = 1e-4, 1e-8
"""Least deviation, as a share of the mean, and at all: returns that never vary are shifted, and hardly blown up."""


class ValueUnits:
    """What a critic says, in units of returns, and what returns are in units of the critic, for each seed.

    New returns change the units in which the critic is to speak from now on, but not those in which it spoke.

    Parameters
    ----------
    n_seeds : int
    running : bool
        Whether units are the running deviation from the running mean; otherwise returns are told as they are.
    device : str

    References
    ----------
    Yu, C. et al. (2022). The surprising effectiveness of PPO in cooperative multi-agent games. NeurIPS, section 5.1.
    """

    def __init__(self, n_seeds: int, *, running: bool, device: str = "cpu") -> None:
        self.moments = RunningMoments(n_seeds, device=device) if running else None
        self._spoken = self._unit()

    def _unit(self) -> tuple[Tensor, Tensor] | None:
        """Return by how much numbers are shifted and scaled, shape (S, 1, 1, 1) each."""
        if self.moments is None:
            return None
        shape = (len(self.moments.mean), 1, 1, 1)
        rate = self.moments.deviation if bool(self.moments.count) else torch.ones_like(self.moments.deviation)
        least = (SMALLEST * self.moments.mean.abs()).clamp(min=FAINTEST)
        return self.moments.mean.view(shape).float(), torch.maximum(rate, least).view(shape).float()

    def begin(self) -> None:
        """Keep the units in which the critic spoke of the rollout that is learnt from next."""
        self._spoken = self._unit()

    def raw(self, values: Tensor) -> Tensor:
        """Return what the critic said, shape (S, T, B, n), in units of returns."""
        if self._spoken is None:
            return values
        shift, rate = self._spoken
        return values * rate + shift

    def raw_laws(self, laws: Any) -> Any:
        """Return particles (S, ..., m) that the critic said, in units of returns."""
        return laws if self._spoken is None else _moved(laws, *self._spoken)

    def update(self, returns: Tensor) -> None:
        """Take in returns, shape (S, T, B, n)."""
        if self.moments is not None:
            self.moments.update(returns.unsqueeze(-1))

    def told(self, returns: Tensor) -> Tensor:
        """Return what the critic should say of returns, shape (S, T, B, n)."""
        unit = self._unit()
        return returns if unit is None else (returns - unit[0]) / unit[1]

    def told_laws(self, laws: Any) -> Any:
        """Return what the critic should say of particles of returns, shape (S, ..., m)."""
        unit = self._unit()
        return laws if unit is None else _moved(laws, -unit[0] / unit[1], 1.0 / unit[1])

    def state(self) -> dict[str, Tensor]:
        """Return copies of what it goes on from."""
        return {} if self.moments is None else self.moments.state()

    def load(self, state: Mapping[str, Tensor]) -> None:
        """Take over what :meth:`state` gave."""
        if self.moments is not None:
            self.moments.load(state)


def _moved(laws: Any, shift: Tensor, rate: Tensor) -> Any:
    """Return particles (S, ..., n, m) of what is `rate` times as large, and then shifted, by numbers of each seed."""
    locations, scales = laws
    shape = (shift.shape[0], *(1,) * (locations.dim() - 1))
    return type(laws)(locations * rate.view(shape) + shift.view(shape), scales * rate.view(shape))
