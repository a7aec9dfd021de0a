"""The physics of one control step over a block of environments: wind and pushes, then the substeps, then contacts.

:func:`fly_block` is compiled once for all tasks with the same control: :func:`marlgt.kernels.specialised` binds its
global names ``follow`` and ``burden`` to a task's kernels, ``apart`` to 1 where the burden is none, and ``fused`` to 1
where a substep of a drone is fastest as one loop over lanes: a controller shares much with the physics. Who wins is no
business of this module: see :mod:`marlgt.games.drones.kernels.judging`.
"""

from __future__ import annotations

from typing import Any

from marlgt.games.drones.airframes import DOWNWASH, STEP
from marlgt.games.drones.disturbances import GUSTS, blow
from marlgt.games.drones.kernels.contacts import collide, leave_all, strike_all, tumble_all
from marlgt.games.drones.kernels.controllers import follow_motors
from marlgt.games.drones.kernels.dynamics import advance, air, downwash, settle_all, spin
from marlgt.games.drones.kernels.lanes import WIDTH, where
from marlgt.games.drones.kernels.layout import (
    A0,
    A1,
    A2,
    A3,
    ACTIVE,
    C0,
    C1,
    C2,
    C3,
    HIT,
    LOST,
    PX,
    PY,
    PZ,
    TICK,
    U0,
    U1,
    U2,
    U3,
    X,
    Y,
    Z,
)
from marlgt.kernels import lane_kernel, lane_loop

__all__ = ["burden_nothing", "command", "fly_block", "prepare_substep", "push_block", "ready", "touch_block"]


@lane_kernel
def burden_nothing(drones: Any, w: Any, p: Any, q: Any, n: int, e: int) -> None:
    """Carry nothing."""


burden = burden_nothing
follow = follow_motors
apart = 0
fused = 0


@lane_kernel
def command(drones: Any, i: int, u0: Any, u1: Any, u2: Any, u3: Any, affine: Any, e: int) -> None:
    """Give a drone its action: as the player gave it, and as a setpoint, in mode ``position`` from where it is."""
    drones[i, A0 + e], drones[i, A1 + e], drones[i, A2 + e], drones[i, A3 + e] = u0, u1, u2, u3
    pace = affine[9 + i]
    drones[i, U0 + e] = affine[0] + pace * (affine[4] * u0) + affine[8] * drones[i, X + e]
    drones[i, U1 + e] = affine[1] + pace * (affine[5] * u1) + affine[8] * drones[i, Y + e]
    drones[i, U2 + e] = affine[2] + pace * (affine[6] * u2) + affine[8] * drones[i, Z + e]
    drones[i, U3 + e] = affine[3] + affine[7] * u3


@lane_kernel
def ready(d: Any, w: Any, p: Any, e: int) -> None:
    """Bring a drone's rotors and the force and torque of the air on it up to the present substep."""
    alive = d[ACTIVE + e]
    d[C0 + e], d[C1 + e] = alive * d[C0 + e], alive * d[C1 + e]
    d[C2 + e], d[C3 + e] = alive * d[C2 + e], alive * d[C3 + e]
    spin(d, p, e)
    air(d, w, p, e)


@lane_kernel
def prepare(drones: Any, c: Any, i: int, e: int) -> None:
    """Begin a control step of a drone: nothing hit yet, no push yet, and lost from now on if its time has come."""
    drones[i, HIT + e] = 0.0 * drones[i, HIT + e]
    drones[i, PX + e], drones[i, PY + e] = 0.0 * drones[i, PX + e], 0.0 * drones[i, PY + e]
    drones[i, PZ + e] = 0.0 * drones[i, PZ + e]
    drones[i, ACTIVE + e] = where(c[TICK + e] >= drones[i, LOST + e], 0.0, 1.0)


@lane_loop
def push_block(drones: Any, w: Any, c: Any, p: Any, o: Any, n: int, substeps: int) -> None:
    """Begin a control step of a block: the wind of this step, and the push of the drones on one another."""
    if o[GUSTS] > 0.0:
        for e in range(WIDTH):
            blow(w, c, o, substeps * p[STEP], e)
    for i in range(n):
        for e in range(WIDTH):
            prepare(drones, c, i, e)
    if p[DOWNWASH] > 0.0:
        for i in range(n):
            below = drones[i]
            for k in range(1, n):
                # Counted on from i: over all rows at once, LLVM sees that i's own is among them, and stays scalar.
                above = drones[(i + k) % n]
                for e in range(WIDTH):
                    downwash(below, above, p, e)


@lane_loop
def prepare_substep(drones: Any, w: Any, p: Any, q: Any, n: int, coasting: int) -> None:
    """Bring rotors and forces of a block up to the present substep, for a backend that moves the drones itself.

    Where it is ``coasting``, only the commands are set: it moves the rotors itself too.
    """
    for i in range(n):
        d = drones[i]
        for e in range(WIDTH):
            follow(d, p, e)
        if coasting == 0:
            for e in range(WIDTH):
                ready(d, w, p, e)
    if coasting == 0:
        for e in range(WIDTH):
            burden(drones, w, p, q, n, e)


@lane_loop
def touch_block(drones: Any, geometry: Any, arena: Any, tilt: Any, n: int, p: Any) -> None:
    """Mark the drones that touch one another or an obstacle, have left the arena, or tumble."""
    if n > 1:
        collide(drones, n, p)
    strike_all(drones, n, geometry, p)
    leave_all(drones, n, arena)
    tumble_all(drones, n, tilt)


@lane_kernel
def held(p: Any) -> tuple[Any, ...]:
    """Return the parameters of an airframe as numbers: what follows from them is then computed once for all lanes.

    From an array it would have to be computed again after every write, since the write might have changed it.
    """
    return (
        p[0], p[1], p[2], p[3], p[4], p[5], p[6], p[7], p[8], p[9], p[10], p[11],
        p[12], p[13], p[14], p[15], p[16], p[17], p[18], p[19], p[20], p[21], p[22], p[23],
    )  # fmt: skip


@lane_loop
def fly_block(
    drones: Any, w: Any, c: Any, p: Any, q: Any, o: Any, geometry: Any, arena: Any, tilt: Any, n: int, substeps: int
) -> None:
    """Move the drones of a block by a control step.

    Parameters
    ----------
    drones : ndarray, shape (n, DRONE_FIELDS * WIDTH)
    w : ndarray, shape (WORLD_FIELDS * WIDTH,)
    c : ndarray of int64, shape (CLOCK_FIELDS * WIDTH,)
    p, q, o : ndarray
        Parameters of the airframe, of the task and of the disturbances.
    geometry, arena : ndarray
        Of the scene.
    tilt : float
        Cosine of the tilt from which a drone has crashed.
    """
    push_block(drones, w, c, p, o, n, substeps)
    frame = held(p)
    if apart == 1:
        # Within a control step no drone acts on another: one after another, each stays in the cache.
        for i in range(n):
            d = drones[i]
            for _ in range(substeps):
                if fused == 1:
                    for e in range(WIDTH):
                        follow(d, frame, e)
                        ready(d, w, frame, e)
                        advance(d, frame, e)
                else:
                    for e in range(WIDTH):
                        follow(d, frame, e)
                    for e in range(WIDTH):
                        ready(d, w, frame, e)
                    for e in range(WIDTH):
                        advance(d, frame, e)
                settle_all(d, frame)
    else:
        for _ in range(substeps):
            for i in range(n):
                d = drones[i]
                for e in range(WIDTH):
                    follow(d, frame, e)
                for e in range(WIDTH):
                    ready(d, w, frame, e)
            for e in range(WIDTH):
                burden(drones, w, frame, q, n, e)
            for i in range(n):
                d = drones[i]
                for e in range(WIDTH):
                    advance(d, frame, e)
                settle_all(d, frame)
    touch_block(drones, geometry, arena, tilt, n, p)
