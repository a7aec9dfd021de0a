"""What a drone may hit: another drone, an obstacle, the edge of the arena.

A drone is a sphere of the airframe's radius ``r``. Two touch where their centres are less than ``2 r`` apart; one
touches an obstacle where its centre is less than ``r`` from the solid. With ``q`` the point in the axes of a box of
half extents ``h``, the nearest point of the box is ``q`` with each coordinate held within ``[-h, h]``; a pillar is an
interval along the vertical times a disc. A lost drone (``ACTIVE`` 0) is touched by no other drone.

``near``, ``strike``, ``leave`` and ``tumble`` are lane code. The loops below them serve a whole block, and whole
arrays too: bound to ``WIDTH=1`` and given ``[columns]``, a list with all drones as its only row. Only what compares
every drone with every other has a form of its own for arrays, which ends in ``_together``.
"""

from __future__ import annotations

from math import sqrt
from typing import Any

from marlgt.games.drones.airframes import RADIUS
from marlgt.games.drones.kernels.lanes import WIDTH, absolute, clip, least, most, where
from marlgt.games.drones.kernels.layout import ACTIVE, HIT, QX, QY, X, Y, Z
from marlgt.kernels import kernel, lane_kernel, lane_loop

__all__ = [
    "collide",
    "collide_together",
    "distance",
    "leave",
    "leave_all",
    "near",
    "strike",
    "strike_all",
    "towards",
    "tumble",
    "tumble_all",
]

# Where each number of an obstacle lies in a row of Scene.geometry().
KIND, CX, CY, CZ, EX, EY, EZ, COSINE, SINE = range(9)


@lane_kernel
def near(a: Any, b: Any, p: Any, e: int) -> None:
    """Mark two drones as having hit something if they touch and neither is lost."""
    dx, dy, dz = a[X + e] - b[X + e], a[Y + e] - b[Y + e], a[Z + e] - b[Z + e]
    reach = 4.0 * p[RADIUS] * p[RADIUS]
    touching = where(dx * dx + dy * dy + dz * dz < reach, a[ACTIVE + e] * b[ACTIVE + e], 0.0)
    a[HIT + e] = most(a[HIT + e], touching)
    b[HIT + e] = most(b[HIT + e], touching)


@lane_kernel
def overhang(x: Any, y: Any, z: Any, geometry: Any, k: int) -> tuple[Any, Any, Any]:
    """Return how far a point is beyond the faces of a box, or (first) the side of a pillar; negative within."""
    dx, dy, dz = x - geometry[k, CX], y - geometry[k, CY], z - geometry[k, CZ]
    pillar, box = geometry[k, KIND], 1.0 - geometry[k, KIND]
    along = absolute(geometry[k, COSINE] * dx + geometry[k, SINE] * dy)
    across = absolute(geometry[k, COSINE] * dy - geometry[k, SINE] * dx)
    # Kinds are blended, since a loop over lanes with a branch in it stays a loop. A pillar's second number is minus
    # its radius, at most the first.
    first = box * along + pillar * sqrt(dx * dx + dy * dy) - geometry[k, EX]
    return first, box * across - geometry[k, EY], absolute(dz) - geometry[k, EZ]


@lane_kernel
def distance(x: Any, y: Any, z: Any, geometry: Any, k: int) -> Any:
    """Return the distance from a point to the surface of an obstacle, metres, negative inside.

    Parameters
    ----------
    x, y, z : array or float
        The point, metres.
    geometry : ndarray, shape (n_obstacles, 9)
        From :meth:`marlgt.games.drones.scene.Scene.geometry`.
    k : int
        Which obstacle: the same for all lanes.
    """
    first, second, third = overhang(x, y, z, geometry, k)
    a, b, c = most(first, 0.0), most(second, 0.0), most(third, 0.0)
    return sqrt(a * a + b * b + c * c) + least(most(most(first, second), third), 0.0)


@lane_kernel
def towards(x: Any, y: Any, z: Any, geometry: Any, k: int) -> tuple[Any, Any, Any]:
    """Return the way from a point to the nearest point of an obstacle, in world axes, metres; 0 inside.

    Parameters
    ----------
    x, y, z : array or float
        The point, metres.
    geometry : ndarray, shape (n_obstacles, 9)
        From :meth:`marlgt.games.drones.scene.Scene.geometry`.
    k : int
        Which obstacle: the same for all lanes.
    """
    dx, dy, dz = x - geometry[k, CX], y - geometry[k, CY], z - geometry[k, CZ]
    cosine, sine = geometry[k, COSINE], geometry[k, SINE]
    pillar, box = geometry[k, KIND], 1.0 - geometry[k, KIND]
    a, b, c = geometry[k, EX], geometry[k, EY], geometry[k, EZ]
    along, across = cosine * dx + sine * dy, cosine * dy - sine * dx
    # On a pillar's axis there is no direction, and none is needed.
    beside = sqrt(dx * dx + dy * dy)
    share = pillar * (a / most(beside, a) - 1.0)
    along = box * (clip(along, -a, a) - along) + share * along
    across = box * (clip(across, -b, b) - across) + share * across
    return cosine * along - sine * across, sine * along + cosine * across, clip(dz, -c, c) - dz


@lane_kernel
def strike(d: Any, geometry: Any, k: int, p: Any, e: int) -> None:
    """Mark a drone as having hit something if it touches obstacle ``k``."""
    first, second, third = overhang(d[X + e], d[Y + e], d[Z + e], geometry, k)
    a, b, c = most(first, 0.0), most(second, 0.0), most(third, 0.0)
    d[HIT + e] = where(a * a + b * b + c * c < p[RADIUS] * p[RADIUS], 1.0, d[HIT + e])


@lane_kernel
def leave(d: Any, arena: Any, e: int) -> None:
    """Mark a drone as having hit something if its centre is outside the arena.

    Parameters
    ----------
    d : array
        The drone's row.
    arena : ndarray, shape (6,)
        From :meth:`marlgt.games.drones.scene.Scene.arena`.
    e : int
        The lane.
    """
    x, y, z = d[X + e], d[Y + e], d[Z + e]
    beyond = most(most(arena[0] - x, x - arena[3]), most(arena[1] - y, y - arena[4]))
    beyond = most(beyond, most(arena[2] - z, z - arena[5]))
    d[HIT + e] = where(beyond > 0.0, 1.0, d[HIT + e])


@lane_kernel
def tumble(d: Any, limit: float, e: int) -> None:
    """Mark a drone as having hit something if its thrust leans so far that the cosine to the vertical is below a limit.

    For a lean by roll or by pitch alone, the cosine of the angle is the limit.
    """
    qx, qy = d[QX + e], d[QY + e]
    d[HIT + e] = where(1.0 - 2.0 * (qx * qx + qy * qy) < limit, 1.0, d[HIT + e])


@lane_loop
def collide(drones: Any, n: int, p: Any) -> None:
    """Mark every drone of a block that touches another, in all lanes."""
    for i in range(n):
        a = drones[i]
        for j in range(i + 1, n):
            b = drones[j]
            for e in range(WIDTH):
                near(a, b, p, e)


@lane_loop
def strike_all(drones: Any, n: int, geometry: Any, p: Any) -> None:
    """Mark every drone of a block that touches an obstacle, in all lanes."""
    for i in range(n):
        d = drones[i]
        for k in range(len(geometry)):
            for e in range(WIDTH):
                strike(d, geometry, k, p, e)


@lane_loop
def leave_all(drones: Any, n: int, arena: Any) -> None:
    """Mark every drone of a block that is outside the arena, in all lanes."""
    for i in range(n):
        d = drones[i]
        for e in range(WIDTH):
            leave(d, arena, e)


@lane_loop
def tumble_all(drones: Any, n: int, limit: float) -> None:
    """Mark every drone of a block that leans too far, in all lanes."""
    for i in range(n):
        d = drones[i]
        for e in range(WIDTH):
            tumble(d, limit, e)


@kernel
def collide_together(d: Any, p: Any) -> None:
    """Mark every drone that touches another, on whole arrays: each quantity has shape (n_drones, lanes)."""
    x, y, z, active = d[X], d[Y], d[Z], d[ACTIVE]
    dx, dy, dz = x[:, None] - x[None], y[:, None] - y[None], z[:, None] - z[None]
    close = dx * dx + dy * dy + dz * dz < 4.0 * p[RADIUS] * p[RADIUS]
    # Each drone is close to itself.
    others = (close * active[:, None]).sum(0) * active - active
    d[HIT] = where(others > 0.5, 1.0, d[HIT])
