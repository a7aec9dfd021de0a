"""How one step of one environment copy lies in a row of the replay store.

A step has a dozen fields of three types. Fetched one by one they would cost one indexing operation each, 5 to 10
microseconds apiece whatever their size; packed into one row of 32-bit words they are fetched together by one
operation, and each field is a strided view of what was fetched::

    words    actions (n, int64) | rewards (n) | terminated, ends, starts (bool) | before ... | after ...
    before   observations (n D) | state (Z) | memory (n H) | allowed (n A, one byte each)
    after    reached (n D)      | reached_state (Z)        | reached_allowed (n A, one byte each)

Integers and truth values lie in the words bit by bit and are only ever copied, never computed with as floats. The
outcome of a step, left of ``before``, stands alone so that n-step sums can fetch it without the observations.

``reached`` is kept for every step, although within an episode it repeats the next row's observation: finding it there
takes a second fetch and a third for the ends (about 15 microseconds a batch), and saves at most half of the store: of 3
agents with 31 numbers each, 37 of 78 MB per 100,000 steps.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

__all__ = ["Place", "RowLayout", "RowViews"]

Place = tuple[tuple[int, ...], tuple[int, ...], int]
"""Shape, strides and offset of a field in fetched rows, in units of the field's own type: what ``as_strided`` takes."""


class RowViews(NamedTuple):
    """Where the fields lie in rows fetched in some leading shape; None for what is not kept.

    ``actions`` counts in 64-bit integers, ``terminated``, ``ends``, ``starts`` and the masks in bytes, the others in
    words.
    """

    actions: Place
    rewards: Place
    terminated: Place
    ends: Place
    starts: Place
    observations: Place
    reached: Place
    states: Place | None
    reached_states: Place | None
    memory: Place | None
    allowed: Place | None
    reached_allowed: Place | None


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
        return 3 * self.n_agents + 1

    @property
    def mask_words(self) -> int:
        """Words of one mask in a row."""
        return -(-self.n_agents * self.n_actions // 4) if self.masked else 0

    @property
    def after(self) -> int:
        """Word at which the fields begin that the step led to."""
        numbers = self.n_agents * (self.observation_size + self.memory_size) + self.state_size
        return self.outcome + numbers + self.mask_words

    @property
    def used(self) -> int:
        """Words of a row that hold something."""
        return self.after + self.n_agents * self.observation_size + self.state_size + self.mask_words

    @property
    def width(self) -> int:
        """Words of a row, even: rows are also read as 64-bit integers."""
        return self.used + self.used % 2

    def views(self, *leading: int, width: int | None = None) -> RowViews:
        """Return where the fields lie in contiguous rows of shape ``(*leading, width)``.

        Parameters
        ----------
        *leading : int
        width : int, optional
            Words of a row as fetched, at first those of a whole row.
        """
        n, A, D, Z, H = self.n_agents, self.n_actions, self.observation_size, self.state_size, self.memory_size
        words = self.width if width is None else width
        steps: tuple[int, ...] = ()
        step = 1
        for size in reversed(leading):
            steps = (step, *steps)
            step *= size

        def place(offset: int, *shape: int, unit: float = 1.0) -> Place:
            inner = (shape[1], 1) if len(shape) == 2 else (1,) * len(shape)
            return (*leading, *shape), (*(int(k * words * unit) for k in steps), *inner), offset

        ending = 4 * 3 * n
        before, after = self.outcome, self.after
        mask = (n, A)
        return RowViews(
            actions=place(0, n, unit=0.5),
            rewards=place(2 * n, n),
            terminated=place(ending, unit=4),
            ends=place(ending + 1, unit=4),
            starts=place(ending + 2, unit=4),
            observations=place(before, n, D),
            reached=place(after, n, D),
            states=place(before + n * D, Z) if Z else None,
            reached_states=place(after + n * D, Z) if Z else None,
            memory=place(before + n * D + Z, n, H) if H else None,
            allowed=place(4 * (after - self.mask_words), *mask, unit=4) if self.masked else None,
            reached_allowed=place(4 * (self.used - self.mask_words), *mask, unit=4) if self.masked else None,
        )
