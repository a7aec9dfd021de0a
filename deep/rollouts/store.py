"""The steps of a rollout, T of each of B copies for each of S seeds, one tensor a field."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor

from marlgt.errors import GameError

__all__ = ["Rollout"]


class Rollout:
    """Fields of shape (S, T, B, ...), written step by step.

    Parameters
    ----------
    n_steps : int
        T.
    device : torch.device or str

    Attributes
    ----------
    fields : dict of str to Tensor
        Made when they are first put.
    step : int
        How many steps are there.
    """

    def __init__(self, n_steps: int, *, device: torch.device | str = "cpu") -> None:
        self.n_steps, self.step, self.device = n_steps, 0, torch.device(device)
        self.fields: dict[str, Tensor] = {}
        self._places: dict[str, tuple[Tensor, ...]] = {}

    @property
    def full(self) -> bool:
        """Whether there are T steps."""
        return self.step >= self.n_steps

    def put(self, **fields: Tensor | None) -> None:
        """Write fields of the step that is under way, shape (S, B, ...) each; what is None is not kept."""
        for name, value in fields.items():
            if value is None:
                continue
            places = self._places.get(name)
            if places is None:
                if name not in self.fields:
                    shape = (value.shape[0], self.n_steps, *value.shape[1:])
                    self.fields[name] = torch.zeros(shape, dtype=value.dtype, device=value.device)
                places = self._places[name] = self.fields[name].unbind(1)
            places[self.step].copy_(value)

    def advance(self) -> None:
        """Go on to the next step."""
        self.step += 1

    def begin(self) -> None:
        """Begin a new rollout over the old one."""
        self.step = 0

    def state(self) -> dict[str, Tensor]:
        """Return copies of the steps that are there; of none where a rollout has just begun."""
        kept = {} if self.step == 0 else {name: field[:, : self.step].clone() for name, field in self.fields.items()}
        return {"step": torch.tensor(self.step), **{f"fields.{name}": field for name, field in kept.items()}}

    def load(self, state: Mapping[str, Tensor]) -> None:
        """Take over what :meth:`state` gave.

        Raises
        ------
        GameError
            For more steps than a rollout has.
        """
        step = int(state["step"])
        if not 0 <= step <= self.n_steps:
            raise GameError(f"the state holds {step} steps of a rollout of {self.n_steps}: the settings are others")
        self.fields, self._places = {}, {}
        for name, value in state.items():
            if name.startswith("fields."):
                shape = (value.shape[0], self.n_steps, *value.shape[2:])
                field = torch.zeros(shape, dtype=value.dtype, device=self.device)
                field[:, :step] = value.to(self.device)
                self.fields[name.removeprefix("fields.")] = field
        self.step = step
