"""Replay: the steps of many environment copies for many seeds, and windows drawn from them.

A seed's store is a ring of rows, one row of ``n_envs`` steps for each call of :meth:`Replay.add`; the newest row
overwrites the oldest. Windows are drawn in two modes. A *transition* is a step followed for ``k <= n`` steps, n asked
for, fewer where the episode ends::

    rewards    sum_{i<k} g^i r_{t+i}          discounts    g^k (1 - terminated_{t+k-1})

so that ``rewards + discounts * V(reached)`` is the n-step target (Sutton and Barto 2018, section 7.1): an episode that
terminated is worth nothing more, one that was truncated is worth what its last observation promises. A *sequence* is
``length`` consecutive steps of one copy, over the ends of episodes, which ``starts`` and ``ends`` mark.

Neither crosses the write head: a window begins only where all its rows are stored, one after another in time. Nothing
mixes seeds: each draws with its own generator, among as many windows as the others.

References
----------
Sutton, R. S. and Barto, A. G. (2018). Reinforcement Learning, 2nd edition, section 7.1. MIT Press.
Schaul, T., Quan, J., Antonoglou, I. and Silver, D. (2016). Prioritized experience replay. ICLR.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
from torch import Generator, Tensor

from marlgt.deep.replay.priorities import SumTrees, importance_weights
from marlgt.deep.replay.rows import RowLayout
from marlgt.deep.replay.windows import Batch, WindowReader
from marlgt.errors import GameError

__all__ = ["Batch", "Replay"]

_FIELDS = (
    *("observations", "actions", "rewards", "terminated", "truncated", "reached", "starts"),
    *("allowed", "reached_allowed", "states", "reached_states", "memory"),
)
"""The fields of a step in the order of :meth:`Replay.add`."""


class Replay:
    """The last steps of every seed, and windows drawn from them.

    Parameters
    ----------
    n_seeds, n_envs : int
    capacity : int
        Steps of each seed that are kept, rounded down to whole rows of ``n_envs``.
    n_agents, n_actions, observation_size : int
    state_size, memory_size : int
        0 where there is no state, no recurrent memory.
    masked : bool
        Whether masks of allowed actions are kept.
    prioritised : bool
        Whether windows can be drawn by priority.
    window : int
        The longest window that is drawn, steps; with priorities a step can be drawn once so many rows follow it.
    device : str

    Attributes
    ----------
    rows : Tensor, shape (S, rows of the ring, B, words)
        The store itself, laid out as :mod:`marlgt.deep.replay.rows` tells.

    Raises
    ------
    GameError
        For sizes that are not positive and a capacity below the longest window.
    """

    def __init__(
        self,
        n_seeds: int,
        n_envs: int,
        capacity: int,
        *,
        n_agents: int,
        n_actions: int,
        observation_size: int,
        state_size: int = 0,
        memory_size: int = 0,
        masked: bool = False,
        prioritised: bool = False,
        window: int = 1,
        device: str = "cpu",
    ) -> None:
        sizes = {"n_seeds": n_seeds, "n_envs": n_envs, "n_agents": n_agents, "n_actions": n_actions, "window": window}
        for name, size in {**sizes, "observation_size": observation_size}.items():
            if size < 1:
                raise GameError(f"{name} is {size}: a replay needs at least 1")
        self.n_rows = capacity // n_envs
        if self.n_rows < window:
            need = window * n_envs
            raise GameError(f"capacity is {capacity}: windows of {window} rows of {n_envs} steps need at least {need}")
        self.layout = RowLayout(n_agents, n_actions, observation_size, state_size, memory_size, masked)
        self.n_seeds, self.n_envs, self.window, self.device = n_seeds, n_envs, window, device
        self.head = 0
        self.filled = 0
        width = self.layout.width
        self._size = self.n_rows * n_envs
        self.rows = torch.zeros(n_seeds, self.n_rows, n_envs, width, device=device)
        self._reader = WindowReader(self.rows, self.layout)
        self._trees = SumTrees(n_seeds, self._size, device=device) if prioritised else None
        self._began = torch.zeros(n_seeds, self.n_rows, n_envs, dtype=torch.bool, device=device)
        self._unread = 0
        self._padding = torch.zeros(n_seeds, n_envs, width - self.layout.used, device=device)
        step = (n_seeds, n_envs, n_agents)
        seen, mask = (*step, observation_size), (*step, n_actions) if masked else None
        state = (n_seeds, n_envs, state_size) if state_size else None
        recurrent = (*step, memory_size) if memory_size else None
        self._shapes = (seen, step, step, step[:2], step[:2], seen, step[:2], mask, mask, state, state, recurrent)
        self._ones: dict[int, Tensor] = {}

    @property
    def n_stored(self) -> int:
        """Steps of each seed in the store."""
        return self.filled * self.n_envs

    def ready(self, n_steps: int) -> bool:
        """Return whether so many steps of each seed are stored, and a longest window among them."""
        return self.n_stored >= n_steps and self.filled >= self.window

    def add(
        self,
        observations: Tensor,
        actions: Tensor,
        rewards: Tensor,
        terminated: Tensor,
        truncated: Tensor,
        reached: Tensor,
        starts: Tensor,
        *,
        allowed: Tensor | None = None,
        reached_allowed: Tensor | None = None,
        states: Tensor | None = None,
        reached_states: Tensor | None = None,
        memory: Tensor | None = None,
    ) -> None:
        """Copy in one step of every copy, over the oldest when the store is full.

        Parameters
        ----------
        observations, reached : Tensor, shape (S, B, n, D)
        actions : Tensor of int64, shape (S, B, n)
        rewards : Tensor, shape (S, B, n)
        terminated, truncated, starts : Tensor of bool, shape (S, B)
        allowed, reached_allowed : Tensor of bool, shape (S, B, n, A)
        states, reached_states : Tensor, shape (S, B, Z)
        memory : Tensor, shape (S, B, n, H)

        Raises
        ------
        GameError
            For a field that is missing, not kept, or of another shape.
        """
        given = (observations, actions, rewards, terminated, truncated, reached, starts)
        optional = (allowed, reached_allowed, states, reached_states, memory)
        if (*(x.shape for x in given), *(None if x is None else x.shape for x in optional)) != self._shapes:
            raise self._misshapen((*given, *optional))
        flags = torch.stack((terminated, terminated | truncated, starts, starts), 2).view(torch.float32)
        fields = [actions.long().contiguous().view(torch.float32), rewards, flags, observations.flatten(2)]
        fields += self._words(states, memory, allowed)
        fields.append(reached.flatten(2))
        fields += self._words(reached_states, None, reached_allowed)
        fields.append(self._padding)
        torch.cat(fields, 2, out=self.rows.select(1, self.head))
        self.advance()

    def advance(self) -> None:
        """Count the row at the head as written, and go on to the next."""
        self._unread = min(self._unread + 1, self.n_rows)
        if self._trees is not None:
            self._enter(self._trees)
        self.head = (self.head + 1) % self.n_rows
        self.filled = min(self.filled + 1, self.n_rows)

    def sample(
        self,
        n_windows: int,
        generators: Sequence[Generator],
        *,
        length: int = 1,
        n_steps: int = 1,
        discount: float = 0.99,
        aligned: bool = False,
        beta: float | None = None,
    ) -> Batch:
        """Draw windows with replacement: uniformly, or by priority where ``beta`` is given.

        Parameters
        ----------
        n_windows : int
            R, for each seed.
        generators : sequence of Generator
            One for each seed, on the replay's device.
        length : int
            L, steps of a sequence; 1 draws transitions.
        n_steps : int
            Steps of a transition, at most.
        discount : float
            Of one step.
        aligned : bool
            Draw only windows that begin where an episode begins.
        beta : float, optional
            Exponent of the importance weights of windows drawn by priority.

        Returns
        -------
        Batch

        Raises
        ------
        GameError
            For too few stored steps, sequences of n-step transitions, and priorities that are not kept.
        """
        if min(length, n_steps) != 1:
            raise self._unanswerable(length, n_steps, len(generators))
        span = max(length, n_steps)
        indices, weights = self.draw(n_windows, generators, span=span, aligned=aligned, beta=beta)
        return self.read(indices, weights, length=length, n_steps=n_steps, discount=discount)

    def draw(
        self,
        n_windows: int,
        generators: Sequence[Generator],
        *,
        span: int = 1,
        aligned: bool = False,
        beta: float | None = None,
    ) -> tuple[Tensor, Tensor]:
        """Draw where windows of ``span`` rows begin and how much they count, shape (S, R) each; see :meth:`sample`."""
        if self.filled < span or len(generators) != self.n_seeds:
            raise self._unanswerable(1, span, len(generators))
        if beta is not None:
            return self._by_priority(n_windows, generators, span, aligned, beta)
        draw = self._beginnings if aligned else self._uniformly
        return draw(n_windows, generators, span), self._equal_weights(n_windows)

    def read(
        self, indices: Tensor, weights: Tensor, *, length: int = 1, n_steps: int = 1, discount: float = 0.99
    ) -> Batch:
        """Return the windows that :meth:`draw` drew."""
        if n_steps > 1:
            return self._reader.transitions(indices, weights, n_steps, discount)
        return self._reader.sequences(indices, weights, length, discount)

    def prioritise(self, indices: Tensor, magnitudes: Tensor, *, exponent: float, offset: float = 1e-6) -> None:
        """Set the priorities of windows to ``(magnitude + offset)^exponent``.

        Parameters
        ----------
        indices : Tensor of int64, shape (S, R)
            Of a batch drawn before, with no :meth:`add` in between.
        magnitudes : Tensor, shape (S, R)
            Absolute TD errors, or losses.
        exponent : float
            How much priorities matter: 0 draws uniformly, 1 in proportion.
        offset : float
            Keeps a window without error alive.

        Raises
        ------
        GameError
            For a replay without priorities and an exponent outside 0 to 1.
        """
        if self._trees is None:
            raise GameError("this replay keeps no priorities: make it with prioritised=True")
        if not 0.0 <= exponent <= 1.0:
            raise GameError(f"exponent is {exponent:g}: the exponent of priorities lies between 0 and 1")
        self._trees.put(indices, magnitudes.detach().double().abs().add_(offset).pow_(exponent))

    def state(self) -> dict[str, Tensor]:
        """Return copies of all that is stored, from which :meth:`load` goes on bit for bit.

        Rows are given as the 32-bit words they are made of, and only as many as are filled.
        """
        place = torch.tensor([self.head, self.filled], dtype=torch.int64)
        state = {"place": place, "rows": self.rows[:, : self.filled].clone().view(torch.int32)}
        if self._trees is not None:
            state["priorities"] = self._trees.leaves.clone()
            state["largest_priorities"] = self._trees.largest.clone()
        return state

    def load(self, state: Mapping[str, Tensor]) -> None:
        """Take over a state that :meth:`state` gave.

        Raises
        ------
        GameError
            For a state of a replay with other sizes; nothing is changed then.
        """
        head, filled = (int(x) for x in state["place"].tolist()) if state.get("place") is not None else (-1, -1)
        expected: dict[str, tuple[int, ...]] = {"place": (2,), "rows": (self.n_seeds, filled, *self.rows.shape[2:])}
        if self._trees is not None:
            expected["priorities"] = (self.n_seeds, self._size)
            expected["largest_priorities"] = (self.n_seeds, 1)
        got = {name: tuple(tensor.shape) for name, tensor in state.items()}
        if got != expected or not (0 <= head < self.n_rows and 0 <= filled <= self.n_rows):
            raise GameError(f"the state holds {got}, this replay {expected}: load it into a replay of the same sizes")
        self.head, self.filled = head, filled
        self.rows[:, :filled] = state["rows"].to(self.device).view(torch.float32)
        self._unread = filled
        if self._trees is not None:
            self._trees.rebuild(state["priorities"].to(self.device), state["largest_priorities"].to(self.device))

    def _words(self, numbers: Tensor | None, memory: Tensor | None, mask: Tensor | None) -> list[Tensor]:
        """Return the optional fields of one side of a step as words, shape (S, B, ...) each."""
        fields = [x.flatten(2) for x in (numbers, memory) if x is not None]
        if mask is not None:
            spare = 4 * self.layout.mask_words - mask.shape[2] * mask.shape[3]
            fields.append(torch.nn.functional.pad(mask.flatten(2), (0, spare)).view(torch.float32))
        return fields

    def _enter(self, trees: SumTrees) -> None:
        """Give the row just written, or the one whose windows it completes, the largest priority so far."""
        if self.window > 1:
            trees.fill(self.head * self.n_envs, (self.head + 1) * self.n_envs, 0.0)
        if self.filled + 1 >= self.window:
            row = (self.head - self.window + 1) % self.n_rows
            trees.fill(row * self.n_envs, (row + 1) * self.n_envs, trees.largest)

    def _uniformly(self, n_windows: int, generators: Sequence[Generator], span: int) -> Tensor:
        choices = (self.filled - span + 1) * self.n_envs
        drawn = torch.empty(self.n_seeds, n_windows, dtype=torch.int64, device=self.device)
        for row, generator in zip((drawn,) if self.n_seeds == 1 else drawn.unbind(0), generators):
            row.random_(0, choices, generator=generator)
        # Windows of one row may begin anywhere; longer ones are counted from the oldest row on.
        return drawn if span == 1 else self._aged(drawn)

    def _equal_weights(self, n_windows: int) -> Tensor:
        weights = self._ones.get(n_windows)
        if weights is None:
            weights = self._ones[n_windows] = torch.ones(self.n_seeds, n_windows, device=self.device)
        return weights

    def _aged(self, steps: Tensor) -> Tensor:
        """Return where the steps lie that are counted from the oldest one."""
        return steps if self.filled < self.n_rows or self.head == 0 else (steps + self.head * self.n_envs) % self._size

    def _beginnings(self, n_windows: int, generators: Sequence[Generator], span: int) -> Tensor:
        self._read_beginnings()
        began = self._began[:, : self.filled]
        if self.filled == self.n_rows:
            began = began.roll(-self.head, 1)
        began = began[:, : self.filled - span + 1].flatten(1)
        drawn = []
        for seed, generator in enumerate(generators):
            (places,) = began[seed].nonzero(as_tuple=True)
            if not len(places):
                raise GameError(f"no episode of seed {seed} begins {span} rows before the newest: add more steps first")
            choice = torch.empty(n_windows, dtype=torch.int64, device=self.device)
            drawn.append(places[choice.random_(0, len(places), generator=generator)])
        return self._aged(torch.stack(drawn))

    def _by_priority(
        self, n_windows: int, generators: Sequence[Generator], span: int, aligned: bool, beta: float
    ) -> tuple[Tensor, Tensor]:
        if self._trees is None or aligned or span > self.window or self.filled < self.window:
            raise GameError(
                f"windows of {span} rows{', aligned,' if aligned else ''} cannot be drawn by priority from "
                f"{self.filled} rows: make the replay with prioritised=True and window={span}, and add more steps"
            )
        indices, values = self._trees.draw(n_windows, generators)
        return indices, importance_weights(values, beta)

    def _read_beginnings(self) -> None:
        """Note where episodes begin in the rows added since the last time: read from the rows they lie far apart."""
        view = self.layout.views(self.n_seeds, self.n_rows, self.n_envs).starts
        starts = self.rows.view(torch.bool).as_strided(*view)
        first = self.head - self._unread
        for begin, end in ((max(first, 0), self.head), (first % self.n_rows, self.n_rows if first < 0 else 0)):
            self._began[:, begin:end] = starts[:, begin:end]
        self._unread = 0

    def _misshapen(self, fields: tuple[Tensor | None, ...]) -> GameError:
        shapes = [None if field is None else tuple(field.shape) for field in fields]
        name, got, kept = next(x for x in zip(_FIELDS, shapes, self._shapes) if x[1] != x[2])
        if got is None:
            return GameError(f"{name} is missing: this replay keeps it, give a tensor of shape {kept}")
        if kept is None:
            return GameError(f"{name} is given, but this replay keeps none: leave it out, or make a replay for it")
        return GameError(f"{name} has shape {got}: this replay was made for {kept}")

    def _unanswerable(self, length: int, n_steps: int, n_generators: int) -> GameError:
        if n_generators != self.n_seeds:
            return GameError(f"{n_generators} generators for {self.n_seeds} seeds: give one for each seed")
        if min(length, n_steps) != 1:
            return GameError(f"length is {length} and n_steps {n_steps}: one of them must be 1, the other at least 1")
        return GameError(f"windows of {max(length, n_steps)} rows cannot be drawn from {self.filled}: add more steps")
