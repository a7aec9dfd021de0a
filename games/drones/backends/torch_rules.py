"""A task's rules on tensors: how an episode begins, how a control step is flown, and what it was worth.

The kernels are those of :mod:`marlgt.games.drones.kernels.engine` and
:mod:`marlgt.games.drones.kernels.judging`. What they do for one
drone after another is done for all at once where they allow it: here ``fields`` are the drones, tensors of shape
(n_drones, B) by field, ``world`` the world, tensors of shape (B,), and both are changed in place as dictionaries, while
no tensor is ever written into.
"""

from __future__ import annotations

import functools
from typing import Any

import numpy as np

from marlgt.games.drones.airframes import DOWNWASH, STEP
from marlgt.games.drones.backends.torch_lanes import (
    Clock,
    Drones,
    Every,
    Matrix,
    Numbers,
    filled,
    on_tensors,
    torch,
    vocabulary,
)
from marlgt.games.drones.backends.torch_observations import Observer
from marlgt.games.drones.backends.torch_physics import fused, make_substep, push_together
from marlgt.games.drones.disturbances import GUSTS, POSITION_NOISE, RATE_NOISE, VELOCITY_NOISE, blow, sense
from marlgt.games.drones.kernels import layout
from marlgt.games.drones.kernels.contacts import collide_together, leave, strike, tumble
from marlgt.games.drones.kernels.controllers import MODES
from marlgt.games.drones.kernels.engine import burden_nothing, command, prepare
from marlgt.games.drones.kernels.judging import PHYSICAL_FIELDS, begin, judge, outcome, size
from marlgt.games.drones.kernels.lanes import WIDTH, Columns
from marlgt.games.drones.kernels.layout import EPISODE, KEY, RUNAWAY, TICK
from marlgt.games.drones.task import Task
from marlgt.kernels import kernel, specialised

__all__ = ["Rules"]

Fields = dict[int, Any]


@kernel
def size_known(drones: Any, i: int, e: int) -> Any:
    """Return the size of a drone's numbers, computed before for all drones at once."""
    return drones.sizes[i]


@functools.cache
def substep_of(
    follow: Any,
    burden: Any,
    p: tuple[float, ...],
    q: tuple[float, ...],
    n: int,
    dtype: torch.dtype,
    device: torch.device,
    compiled: bool,
) -> Any:
    """Return the substep of a task, the same one for equal tasks, so that none is compiled twice."""
    substep = make_substep(follow, burden, p, q, n, vocabulary(dtype))
    if not compiled:
        return substep
    fields = {k * WIDTH: torch.ones((n, 1), dtype=dtype, device=device) for k in range(layout.DRONE_FIELDS)}
    world = {k * WIDTH: torch.ones(1, dtype=dtype, device=device) for k in range(layout.WORLD_FIELDS)}
    return fused(substep, fields, world)


class Rules:
    """The kernels and constants of a task on tensors.

    Parameters
    ----------
    task : Task
    dtype : torch.dtype
    device : torch.device
    compiled : bool
        Whether the substep is compiled.
    """

    def __init__(self, task: Task, dtype: torch.dtype, device: torch.device, *, compiled: bool) -> None:
        self.task, self.dtype, self.device = task, dtype, device
        words = vocabulary(dtype)
        affine, p, q, o, geometry, arena, numbers, starts = task.constants(np.dtype(np.float64))
        # The drones' paces, for all of them at once.
        paces = torch.tensor(affine[9:], dtype=dtype, device=device)[:, None]
        self._affine = [*affine[:9].tolist(), paces]
        self._p, self._q, self._o = p.tolist(), q.tolist(), o.tolist()
        self._geometry, self._starts, self._arena = Matrix(geometry), Matrix(starts), arena.tolist()
        self._tilt, self._solved = numbers.tolist()
        self._noisy = self._o[POSITION_NOISE] + self._o[VELOCITY_NOISE] + self._o[RATE_NOISE] > 0.0
        carried = task.burden or burden_nothing
        self._substep = substep_of(
            MODES[task.control], carried, tuple(self._p), tuple(self._q), task.n_drones, dtype, device, compiled
        )
        self._begin = on_tensors(specialised(begin, spawn=task.spawn, note=task.note), words)
        self._judge = on_tensors(specialised(judge, score=task.score, size=size_known, PHYSICAL_FIELDS=0), words)
        self._command, self._prepare, self._blow = (on_tensors(k, words) for k in (command, prepare, blow))
        self._collide, self._strike, self._leave = (on_tensors(k, words) for k in (collide_together, strike, leave))
        self._tumble, self._size, self._sense = (on_tensors(k, words) for k in (tumble, size, sense))
        self._outcome, self._note = on_tensors(outcome, words), on_tensors(task.note, words)
        self._words = words
        self._numbers = (Numbers(), Numbers(), Numbers(), Numbers())
        self.observe = Observer(task, words)

    def clock(self, key: torch.Tensor, episode: torch.Tensor, tick: torch.Tensor) -> Clock:
        """Return a clock of these keys, episodes and control steps, int64 or of the physics' type, shape (B,)."""
        return Clock({KEY: key, EPISODE: episode, TICK: tick.to(self.dtype)}, self._numbers)

    def begin(self, clock: Clock) -> tuple[Fields, Fields]:
        """Begin an episode in all lanes of a clock, which goes on, and return the drones and the world."""
        task = self.task
        drones, world = Drones({}, task.n_drones), Columns({})
        self._begin(
            drones, world, clock, self._p, self._q, self._o, self._starts, task.n_drones, task.horizon, 0
        )  # fmt: skip
        like = torch.zeros_like(clock[TICK])
        return drones.fold(like), {field: filled(value, like) for field, value in world.arrays.items()}

    def fly(self, fields: Fields, world: Fields, clock: Clock, units: torch.Tensor) -> None:
        """Take a control step under actions of shape (4, n_drones, B), in [-1, 1]."""
        d, w, every, p = Columns(fields), Columns(world), Every(fields), self._p
        n, substeps = self.task.n_drones, self.task.substeps
        self._command(every, 0, *units.unbind(0), self._affine, 0)
        if self._o[GUSTS] > 0.0:
            self._blow(w, clock, self._o, substeps * p[STEP], 0)
        self._prepare(every, clock, 0, 0)
        if n > 1 and p[DOWNWASH] > 0.0:
            push_together(d, p, self._words)
        for _ in range(substeps):
            self._substep(d, w)
        if n > 1:
            self._collide(d, p)
        for k in range(len(self._geometry)):
            self._strike(d, self._geometry, k, p, 0)
        self._leave(d, self._arena, 0)
        self._tumble(d, self._tilt, 0)

    def judge(self, fields: Fields, world: Fields, clock: Clock) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """Score a control step that has been flown; return who is terminated, truncated and successful, of bool."""
        task, n = self.task, self.task.n_drones
        drones, w = Drones(fields, n), Columns(world)
        drones.sizes = self._size(Every(fields), 0, 0)
        self._judge(drones, w, clock, self._p, self._q, n, task.horizon, task.tail, 0)
        like = clock[TICK]
        drones.fold(like)
        # The kernel does so for each drone in turn; what is observed of an end must be numbers.
        astray = world[RUNAWAY] > 0.0
        for k in range(PHYSICAL_FIELDS):
            fields[k * WIDTH] = torch.where(astray, 0.0, fields[k * WIDTH])
        ends = self._outcome(w, clock, task.horizon, task.tail, self._solved, 0)
        if self._noisy:
            for i in range(n):
                self._sense(drones, clock, self._o, i, 0)
        self._note(drones, w, clock, self._p, self._q, n, 0)
        drones.fold(like)
        world.update({field: filled(value, like) for field, value in world.items()})
        terminated, truncated, succeeded = (filled(end, like) > 0.0 for end in ends)
        return terminated, truncated, succeeded
