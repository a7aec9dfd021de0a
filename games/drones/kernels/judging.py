"""Who wins: score a control step that has been flown, end and restart episodes, and fill in what is observed.

The global names ``spawn``, ``score`` and ``note`` are bound to a task's own kernels, and ``motors`` to a number, by
:func:`marlgt.kernels.specialised`. The lane kernels serve every backend; :func:`judge_block` is the compiled loop over
a block.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from marlgt.games.drones.airframes import HEIGHT, HOVER_RPM
from marlgt.games.drones.disturbances import POSITION_NOISE, RATE_NOISE, VELOCITY_NOISE, disturb, sense
from marlgt.games.drones.kernels.lanes import WIDTH, absolute, least, most, where
from marlgt.games.drones.kernels.layout import (
    A0,
    A1,
    A2,
    A3,
    ACTIVE,
    CRASHED,
    DRONE_FIELDS,
    ENDED,
    EPISODE,
    ERROR,
    HIT,
    N0,
    N1,
    N2,
    N3,
    QW,
    QX,
    QY,
    QZ,
    REWARD,
    RUNAWAY,
    TAIL_ERROR,
    TICK,
    VX,
    VY,
    VZ,
    WORLD_FIELDS,
    WX,
    WY,
    WZ,
    X,
    Y,
    Z,
)
from marlgt.games.drones.kernels.observing import observe_block
from marlgt.games.drones.task import nothing_to_note
from marlgt.kernels import lane_kernel, lane_loop

__all__ = ["begin", "judge", "judge_block", "outcome"]

LARGEST = 1e6
"""A position, velocity or rotor speed beyond this, or that is not a number, has run away."""

spawn: Callable[..., None] = nothing_to_note
score: Callable[..., None] = nothing_to_note
note: Callable[..., None] = nothing_to_note

PHYSICAL_FIELDS = 17
"""Position, orientation, velocity, angular velocity and rotor speeds, the first fields of a drone."""


@lane_kernel
def begin(drones: Any, w: Any, c: Any, p: Any, q: Any, o: Any, starts: Any, n: int, horizon: int, e: int) -> None:
    """Begin an episode of lane ``e``."""
    c[EPISODE + e] = c[EPISODE + e] + 1
    c[TICK + e] = 0 * c[TICK + e]
    for i in range(n):
        for k in range(DRONE_FIELDS):
            drones[i, k * WIDTH + e] = 0.0
        drones[i, QW + e] = 1.0
        drones[i, ACTIVE + e] = 1.0
        drones[i, N0 + e], drones[i, N1 + e] = p[HOVER_RPM], p[HOVER_RPM]
        drones[i, N2 + e], drones[i, N3 + e] = p[HOVER_RPM], p[HOVER_RPM]
    for k in range(WORLD_FIELDS):
        w[k * WIDTH + e] = 0.0
    disturb(drones, w, c, p, o, n, horizon, e)
    spawn(drones, w, c, p, q, n, e)
    for i in range(len(starts)):
        drones[i, X + e], drones[i, Y + e], drones[i, Z + e] = starts[i, 0], starts[i, 1], starts[i, 2]
    for i in range(n):
        # On the ground, rotors stand still.
        flying = where(drones[i, Z + e] > p[HEIGHT] + 0.001, 1.0, 0.0)
        drones[i, N0 + e], drones[i, N1 + e] = flying * drones[i, N0 + e], flying * drones[i, N1 + e]
        drones[i, N2 + e], drones[i, N3 + e] = flying * drones[i, N2 + e], flying * drones[i, N3 + e]
        if o[POSITION_NOISE] + o[VELOCITY_NOISE] + o[RATE_NOISE] > 0.0:
            sense(drones, c, o, i, e)
    note(drones, w, c, p, q, n, e)


@lane_kernel
def size(drones: Any, i: int, e: int) -> Any:
    """Return the sum of the absolute values of what physics knows of a drone."""
    total = absolute(drones[i, X + e]) + absolute(drones[i, Y + e]) + absolute(drones[i, Z + e])
    total = total + absolute(drones[i, VX + e]) + absolute(drones[i, VY + e]) + absolute(drones[i, VZ + e])
    total = total + absolute(drones[i, WX + e]) + absolute(drones[i, WY + e]) + absolute(drones[i, WZ + e])
    total = total + absolute(drones[i, QX + e]) + absolute(drones[i, QY + e]) + absolute(drones[i, QZ + e])
    total = total + absolute(drones[i, QW + e])
    return total + absolute(drones[i, N0 + e] + drones[i, N1 + e] + drones[i, N2 + e] + drones[i, N3 + e])


@lane_kernel
def judge(drones: Any, w: Any, c: Any, p: Any, q: Any, n: int, horizon: int, tail: int, e: int) -> None:
    """Score a control step of lane ``e`` that has been flown, and keep the error of the last seconds."""
    c[TICK + e] = c[TICK + e] + 1
    crashed = 0.0 * w[CRASHED + e]
    runaway = 0.0 * w[RUNAWAY + e]
    for i in range(n):
        crashed = most(crashed, drones[i, HIT + e] * drones[i, ACTIVE + e])
        # What is not a number is not below anything.
        runaway = most(runaway, where(size(drones, i, e) < LARGEST, 0.0, 1.0))
    w[CRASHED + e] = most(crashed, runaway)
    w[RUNAWAY + e] = runaway
    score(drones, w, c, p, q, n, e)
    lost = 1.0
    for i in range(n):
        lost = lost * (1.0 - drones[i, ACTIVE + e])
    # Where all drones are lost, nobody is left to play.
    w[CRASHED + e] = most(w[CRASHED + e], lost)
    w[ERROR + e] = where(runaway > 0.0, 0.0, w[ERROR + e])
    for i in range(n):
        drones[i, REWARD + e] = where(runaway > 0.0, 0.0, drones[i, REWARD + e])
        # The episode is over; what is observed of its end must be numbers.
        for k in range(PHYSICAL_FIELDS):
            drones[i, k * WIDTH + e] = where(runaway > 0.0, 0.0, drones[i, k * WIDTH + e])
    late = where(c[TICK + e] > horizon - tail, 1.0, 0.0)
    w[TAIL_ERROR + e] = w[TAIL_ERROR + e] + late * w[ERROR + e]


@lane_kernel
def outcome(w: Any, c: Any, horizon: int, tail: int, solved: Any, e: int) -> tuple[Any, Any, Any]:
    """Return, as 0 or 1, whether the episode is terminated, whether it is truncated, and whether it succeeded."""
    terminated = least(w[CRASHED + e] + w[ENDED + e], 1.0)
    truncated = where(c[TICK + e] >= horizon, 1.0, 0.0) * (1.0 - terminated)
    at_end = where(w[ERROR + e] <= solved, w[ENDED + e], 0.0) * (1.0 - w[CRASHED + e])
    at_clock = where(w[TAIL_ERROR + e] <= solved * tail, truncated, 0.0)
    return terminated, truncated, most(at_end, at_clock)


motors = 0


@lane_loop
def remember(drones: Any, past: Any, width: int, n: int, e: int) -> None:
    """Append the last action of each drone to its earlier ones, and forget the oldest."""
    for i in range(n):
        size = past.shape[1]
        for k in range(size - width):
            past[i, k] = past[i, k + width]
        if size > 0:
            past[i, size - width] = drones[i, A0 + e]
        if width == 4 and size > 0:
            past[i, size - 3] = drones[i, A1 + e]
            past[i, size - 2] = drones[i, A2 + e]
            past[i, size - 1] = drones[i, A3 + e]


@lane_loop
def calm(drones: Any, w: Any, n: int) -> None:
    """Set what physics knows of the drones to 0 in the lanes that ran away: what is observed must be numbers."""
    astray = 0
    for e in range(WIDTH):
        if w[RUNAWAY + e] > 0.0:
            astray += 1
    if astray > 0:
        for i in range(n):
            for k in range(PHYSICAL_FIELDS):
                for e in range(WIDTH):
                    drones[i, k * WIDTH + e] = where(w[RUNAWAY + e] > 0.0, 0.0, drones[i, k * WIDTH + e])


@lane_loop
def judge_block(
    drones: Any,
    w: Any,
    c: Any,
    p: Any,
    q: Any,
    o: Any,
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
    solved: Any,
    first: int,
    lanes: int,
    fresh: int,
) -> None:
    """Judge the first ``lanes`` lanes of a block, whose environments are ``first`` and the following.

    Parameters
    ----------
    drones, w, c, p, q, o
        As for :func:`marlgt.games.drones.kernels.engine.fly_block`.
    starts : ndarray, shape (n, 3) or (0, 3)
        Where drones start, if not where the task says.
    past : ndarray, shape (B, n, width * kept)
        Earlier actions.
    rewards : ndarray, shape (B, n_agents)
    flags : ndarray of bool, shape (4, B)
        Terminated, truncated, succeeded, and ended because a number ran away.
    seen, reached : ndarray, shape (B, n_agents, D)
        Observations in which the next actions are chosen, and those that the step led to.
    state, reached_state : ndarray, shape (B, S)
        The global states of the same moments.
    sizes : ndarray of int64, shape (9,)
        Neighbours, extras, numbers of the world, earlier actions shown, width of an action, drones, agents, horizon
        and tail in control steps.
    notes, ranks : ndarray
        Room to compute in, see :func:`marlgt.games.drones.kernels.observing.observe_block`.
    solved : float
        Largest mean error of a success.
    fresh : int
        1 to begin all lanes anew without judging them.
    """
    width, n, n_agents, horizon, tail = sizes[4], sizes[5], sizes[6], sizes[7], sizes[8]
    over = lanes * fresh
    if fresh == 0:
        for e in range(lanes):
            judge(drones, w, c, p, q, n, horizon, tail, e)
        calm(drones, w, n)
        for e in range(lanes):
            b = first + e
            terminated, truncated, succeeded = outcome(w, c, horizon, tail, solved, e)
            flags[0, b], flags[1, b], flags[2, b] = terminated > 0.0, truncated > 0.0, succeeded > 0.0
            flags[3, b] = w[RUNAWAY + e] > 0.0
            over += 1 if flags[0, b] or flags[1, b] else 0
            for i in range(n_agents):
                rewards[b, i] = drones[0 if motors == 1 else i, REWARD + e]
            if o[POSITION_NOISE] + o[VELOCITY_NOISE] + o[RATE_NOISE] > 0.0:
                for i in range(n):
                    sense(drones, c, o, i, e)
            note(drones, w, c, p, q, n, e)
            if past.shape[2] > 0:
                remember(drones, past[b], width, n, e)
        observe_block(drones, w, c, past, flags, reached, reached_state, sizes, notes, ranks, first, lanes, 1)
        for b in range(first, first + lanes):
            for i in range(n_agents):
                for k in range(seen.shape[2]):
                    seen[b, i, k] = reached[b, i, k]
            for k in range(state.shape[1]):
                state[b, k] = reached_state[b, k]
    if over > 0:
        for e in range(lanes):
            b = first + e
            if fresh == 1 or flags[0, b] or flags[1, b]:
                begin(drones, w, c, p, q, o, starts, n, horizon, e)
                for i in range(n):
                    for k in range(past.shape[2]):
                        past[b, i, k] = 0.0
        observe_block(drones, w, c, past, flags, seen, state, sizes, notes, ranks, first, lanes, fresh)
