"""How one step of one environment copy lies in a row of the replay store.

A step has a dozen fields of three types. Fetched one by one they would cost one indexing operation each, 5 to 10
microseconds apiece whatever their size; packed into one row of 32-bit words they are fetched together by one
operation, and each field is a strided view of what was fetched::

    words    actions (n, int64) | rewards (n) | terminated | ends, starts (bool) | before ... | after ...
    before   observations (n D) | state (Z) | memory (n H) | allowed (n A, one byte each)
    after    reached (n D)      | reached_state (Z)        | reached_allowed (n A, one byte each)

Integers and truth values lie in the words bit by bit and are only ever copied, never computed with as floats. The
outcome of a step, left of ``before``, stands alone so that n-step sums can fetch it without the observations.

``reached`` is kept for every step, although within an episode it repeats the next row's observation: finding it there
takes a second fetch and a third for the ends (about 15 microseconds a batch), and saves at most half of the store: of 3
agents with 31 numbers each, 41 of 79 MB per 100,000 steps.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import torch
from torch import Tensor

__all__ = ["Field", "RowLayout"]


@dataclass(frozen=True)
class Field:
    """Where a field lies in a row, in units of its own type.

    Attributes
    ----------
    offset : int
    shape, strides : tuple of int
        Of the field within one row.
    dtype : torch.dtype
    """

    offset: int
    shape: tuple[int, ...]
    strides: tuple[int, ...]
    dtype: torch.dtype

    def of(self, rows: Tensor, leading: tuple[int, ...]) -> Tensor:
        """Return the field of contiguous rows as a view.

        Parameters
        ----------
        rows : Tensor of ``dtype``, shape (prod(leading), width)
            The rows, seen as the field's own type.
        leading : tuple of int

        Returns
        -------
        Tensor, shape (*leading, *shape)
        """
        steps: tuple[int, ...] = ()
        step: int = rows.shape[1]
        for size in reversed(leading):
            steps = (step, *steps)
            step *= size
        return rows.as_strided(leading + self.shape, steps + self.strides, self.offset)


@dataclass(frozen=True)
class RowLayout:
    """The fields of a row and their places.

    Attributes
    ----------
    n_agents, n_actions, observation_size, state_size, memory_size : int
    masked : bool
        Whether the masks of allowed actions are kept.
    """

    n_agents: int
    n_actions: int
    observation_size: int
    state_size: int = 0
    memory_size: int = 0
    masked: bool = False

    @property
    def outcome(self) -> int:
        """Words of a row's outcome: actions, rewards, and how the step ended."""
        return 3 * self.n_agents + 2

    @property
    def mask_bytes(self) -> int:
        """Bytes of one mask in a row, whole words."""
        return -(-self.n_agents * self.n_actions // 4) * 4 if self.masked else 0

    @property
    def after(self) -> int:
        """Word at which the fields begin that the step led to."""
        return self.before_end

    @property
    def before_end(self) -> int:
        """Word behind the fields in which the actions were chosen."""
        numbers = self.n_agents * (self.observation_size + self.memory_size) + self.state_size
        return self.outcome + numbers + self.mask_bytes // 4

    @property
    def used(self) -> int:
        """Words of a row that hold something."""
        return self.after + self.n_agents * self.observation_size + self.state_size + self.mask_bytes // 4

    @property
    def width(self) -> int:
        """Words of a row, even: rows are also read as 64-bit integers."""
        return self.used + self.used % 2

    @cached_property
    def actions(self) -> Field:
        """The joint action, shape (n,)."""
        return Field(0, (self.n_agents,), (1,), torch.int64)

    @cached_property
    def rewards(self) -> Field:
        """Every agent's reward, shape (n,)."""
        return Field(2 * self.n_agents, (self.n_agents,), (1,), torch.float32)

    @cached_property
    def terminated(self) -> Field:
        """1 where the episode terminated, else 0."""
        return Field(3 * self.n_agents, (), (), torch.float32)

    @cached_property
    def ends(self) -> Field:
        """Whether the episode terminated or was truncated."""
        return Field(4 * (3 * self.n_agents + 1), (), (), torch.bool)

    @cached_property
    def starts(self) -> Field:
        """Whether the episode began with this step."""
        return Field(4 * (3 * self.n_agents + 1) + 1, (), (), torch.bool)

    @cached_property
    def observations(self) -> Field:
        """What the agents saw, shape (n, D)."""
        return self._per_agent(self.outcome, self.observation_size)

    @cached_property
    def states(self) -> Field | None:
        """The state in which the agents acted, shape (Z,)."""
        offset = self.outcome + self.n_agents * self.observation_size
        return Field(offset, (self.state_size,), (1,), torch.float32) if self.state_size else None

    @cached_property
    def memory(self) -> Field | None:
        """The recurrent state before the step, shape (n, H)."""
        offset = self.outcome + self.n_agents * self.observation_size + self.state_size
        return self._per_agent(offset, self.memory_size) if self.memory_size else None

    @cached_property
    def allowed(self) -> Field | None:
        """Which actions were allowed, shape (n, A)."""
        return self._mask(self.before_end)

    @cached_property
    def reached(self) -> Field:
        """What the step led to, shape (n, D)."""
        return self._per_agent(self.after, self.observation_size)

    @cached_property
    def reached_states(self) -> Field | None:
        """The state that the step led to, shape (Z,)."""
        offset = self.after + self.n_agents * self.observation_size
        return Field(offset, (self.state_size,), (1,), torch.float32) if self.state_size else None

    @cached_property
    def reached_allowed(self) -> Field | None:
        """Which actions are allowed in what the step led to, shape (n, A)."""
        return self._mask(self.used)

    def _per_agent(self, offset: int, size: int) -> Field:
        return Field(offset, (self.n_agents, size), (size, 1), torch.float32)

    def _mask(self, end: int) -> Field | None:
        if not self.masked:
            return None
        return Field(4 * end - self.mask_bytes, (self.n_agents, self.n_actions), (self.n_actions, 1), torch.bool)
