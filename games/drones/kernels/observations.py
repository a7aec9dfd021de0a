"""What drones see and what central critics see, in lane code; every number is about 1 in ordinary flight.

``kin25`` is the goal seen from the drone (3, clipped to 2 m), the rotation from body to world axes by rows (9), the
velocity (3, in 2 m/s), the angular velocity in body axes (3, in 10 rad/s), the last action (4), and the position
(3, m). Sensor noise falls on position, velocity and angular velocity, and so on all that is relative to them. To it may
be added: the nearest other drones (6 each: position and velocity relative to the drone, in 1 m and 2 m/s; zeros where
there is none), the task's own numbers, earlier actions, and the number of the motor (4, one of them 1).

The global state of central critics has, for each drone and without noise, position (3), rotation (9), velocity (3),
angular velocity in body axes (3) and the goal relative to the position (3); then the world's numbers and the share of
the episode that is left.
"""

from __future__ import annotations

from math import asin, atan2
from typing import Any

from marlgt.games.drones.kernels.lanes import clip
from marlgt.games.drones.kernels.layout import (
    A0,
    A1,
    A2,
    A3,
    GX,
    GY,
    GZ,
    QW,
    QX,
    QY,
    QZ,
    SPX,
    SPY,
    SPZ,
    SVX,
    SVY,
    SVZ,
    SWX,
    SWY,
    SWZ,
    VX,
    VY,
    VZ,
    WX,
    WY,
    WZ,
    X,
    Y,
    Z,
)
from marlgt.kernels import lane_kernel

__all__ = ["KIN_SIZE", "STATE_SIZE", "gpd_kinematics", "kinematics", "rotation", "true_state"]

KIN_SIZE, STATE_SIZE, GPD_SIZE = 25, 21, 12


@lane_kernel
def rotation(drones: Any, i: int, e: int) -> tuple[Any, ...]:
    """Return the rotation from body to world axes, by rows."""
    x, y, z, w = drones[i, QX + e], drones[i, QY + e], drones[i, QZ + e], drones[i, QW + e]
    return (
        1.0 - 2.0 * (y * y + z * z),
        2.0 * (x * y - z * w),
        2.0 * (x * z + y * w),
        2.0 * (x * y + z * w),
        1.0 - 2.0 * (x * x + z * z),
        2.0 * (y * z - x * w),
        2.0 * (x * z - y * w),
        2.0 * (y * z + x * w),
        1.0 - 2.0 * (x * x + y * y),
    )


@lane_kernel
def kinematics(drones: Any, i: int, e: int) -> tuple[Any, ...]:
    """Return the 25 numbers of ``kin25``."""
    r = rotation(drones, i, e)
    x, y, z = drones[i, X + e] + drones[i, SPX + e], drones[i, Y + e] + drones[i, SPY + e], drones[i, Z + e]
    z = z + drones[i, SPZ + e]
    wx, wy, wz = drones[i, WX + e], drones[i, WY + e], drones[i, WZ + e]
    return (
        clip(drones[i, GX + e] - x, -2.0, 2.0),
        clip(drones[i, GY + e] - y, -2.0, 2.0),
        clip(drones[i, GZ + e] - z, -2.0, 2.0),
        r[0],
        r[1],
        r[2],
        r[3],
        r[4],
        r[5],
        r[6],
        r[7],
        r[8],
        0.5 * (drones[i, VX + e] + drones[i, SVX + e]),
        0.5 * (drones[i, VY + e] + drones[i, SVY + e]),
        0.5 * (drones[i, VZ + e] + drones[i, SVZ + e]),
        0.1 * (r[0] * wx + r[3] * wy + r[6] * wz + drones[i, SWX + e]),
        0.1 * (r[1] * wx + r[4] * wy + r[7] * wz + drones[i, SWY + e]),
        0.1 * (r[2] * wx + r[5] * wy + r[8] * wz + drones[i, SWZ + e]),
        drones[i, A0 + e],
        drones[i, A1 + e],
        drones[i, A2 + e],
        drones[i, A3 + e],
        x,
        y,
        z,
    )


@lane_kernel
def true_state(drones: Any, i: int, e: int) -> tuple[Any, ...]:
    """Return a drone's 21 numbers of the global state."""
    r = rotation(drones, i, e)
    x, y, z = drones[i, X + e], drones[i, Y + e], drones[i, Z + e]
    wx, wy, wz = drones[i, WX + e], drones[i, WY + e], drones[i, WZ + e]
    return (
        x,
        y,
        z,
        r[0],
        r[1],
        r[2],
        r[3],
        r[4],
        r[5],
        r[6],
        r[7],
        r[8],
        0.5 * drones[i, VX + e],
        0.5 * drones[i, VY + e],
        0.5 * drones[i, VZ + e],
        0.1 * (r[0] * wx + r[3] * wy + r[6] * wz),
        0.1 * (r[1] * wx + r[4] * wy + r[7] * wz),
        0.1 * (r[2] * wx + r[5] * wy + r[8] * wz),
        drones[i, GX + e] - x,
        drones[i, GY + e] - y,
        drones[i, GZ + e] - z,
    )


@lane_kernel
def gpd_kinematics(drones: Any, i: int, e: int) -> tuple[Any, ...]:
    """Return position, roll, pitch, yaw, velocity and angular velocity, as gym-pybullet-drones observes them."""
    r = rotation(drones, i, e)
    return (
        drones[i, X + e],
        drones[i, Y + e],
        drones[i, Z + e],
        atan2(r[7], r[8]),
        asin(clip(-r[6], -1.0, 1.0)),
        atan2(r[3], r[0]),
        drones[i, VX + e],
        drones[i, VY + e],
        drones[i, VZ + e],
        drones[i, WX + e],
        drones[i, WY + e],
        drones[i, WZ + e],
    )
