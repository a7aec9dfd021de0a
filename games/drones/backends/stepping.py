"""A control step of many blocks, compiled: actions, flight and judging, put together of a task's kernels."""

from __future__ import annotations

import functools
from typing import Any

from marlgt.games.drones.kernels.controllers import follow_motors
from marlgt.games.drones.kernels.engine import burden_nothing, command, fly_block
from marlgt.games.drones.kernels.judging import begin, judge, judge_block
from marlgt.games.drones.kernels.lanes import WIDTH
from marlgt.games.drones.kernels.observing import observe_block
from marlgt.kernels import compiled, forced_gear, lane_loop, specialised

__all__ = ["command_block", "step_blocks", "step_kernel"]


@lane_loop
def command_block(drones: Any, units: Any, affine: Any, n: int, first: int, lanes: int) -> None:
    """Give the drones of a block their actions, numbers of shape (B, n, 4)."""
    for i in range(n):
        for e in range(lanes):
            b = first + e
            command(drones, i, units[b, i, 0], units[b, i, 1], units[b, i, 2], units[b, i, 3], affine, e)


@lane_loop
def nothing_to_command(drones: Any, units: Any, affine: Any, n: int, first: int, lanes: int) -> None:
    """Leave the drones of a block with the actions that they have."""


@lane_loop
def stay_block(
    drones: Any, w: Any, c: Any, p: Any, q: Any, o: Any, geometry: Any, arena: Any, tilt: Any, n: int, substeps: int
) -> None:
    """Leave the drones of a block where another backend has moved them."""


@lane_loop
def step_blocks(
    start: int,
    stop: int,
    n_envs: int,
    substeps: int,
    fresh: int,
    drones: Any,
    world: Any,
    clock: Any,
    units: Any,
    affine: Any,
    p: Any,
    q: Any,
    o: Any,
    geometry: Any,
    arena: Any,
    numbers: Any,
    starts: Any,
    past: Any,
    rewards: Any,
    flags: Any,
    seen: Any,
    reached: Any,
    state: Any,
    reached_state: Any,
    sizes: Any,
    notes: Any,
    ranks: Any,
) -> None:
    """Take a control step in blocks ``start`` to ``stop - 1``; ``numbers`` are the tilt limit and the largest error."""
    n = sizes[5]
    for block in range(start, stop):
        first = block * WIDTH
        lanes = min(WIDTH, n_envs - first)
        if fresh == 0:
            command_block(drones[block], units, affine, n, first, lanes)
            fly_block(drones[block], world[block], clock[block], p, q, o, geometry, arena, numbers[0], n, substeps)
        judge_block(
            drones[block], world[block], clock[block], p, q, o, starts, past, rewards, flags, seen, reached,
            state, reached_state, sizes, notes, ranks, numbers[1], first, lanes, fresh,
        )  # fmt: skip


@functools.cache
def step_kernel(
    follow: Any,
    burden: Any,
    spawn: Any,
    score: Any,
    note: Any,
    gpd: int,
    motors: int,
    *,
    single: bool = False,
    flown: bool = False,
) -> Any:
    """Return the compiled control step of a task's kernels, in double or in single precision.

    Where the drones have ``flown`` already, only the judging. The environment variable ``MARLGT_GEAR=plain`` leaves it
    as plain Python, without numba and far slower, to look into it with a debugger.
    """
    apart, fused = int(burden is burden_nothing), int(follow is not follow_motors)
    fly = stay_block if flown else specialised(fly_block, follow=follow, burden=burden, apart=apart, fused=fused)
    judging = specialised(
        judge_block,
        begin=specialised(begin, spawn=spawn, note=note),
        # Lanes that ran away are set to 0 faster in all lanes at once.
        judge=specialised(judge, score=score, PHYSICAL_FIELDS=0),
        note=note,
        observe_block=specialised(observe_block, gpd=gpd, motors=motors),
        motors=motors,
    )
    command = nothing_to_command if flown else command_block
    step = specialised(step_blocks, command_block=command, fly_block=fly, judge_block=judging)
    return step if forced_gear() == "plain" else compiled(step, single=single)
