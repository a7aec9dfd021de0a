"""Controllers: from what a player asks of a drone to the commands of its rotors, once per substep of the physics.

Setpoints are the quantities U0 to U3 of a drone's row, and each mode reads them in its own units:

=============  ================================  =======================================================
mode           U0, U1, U2                        U3
=============  ================================  =======================================================
``motors``     speeds of rotors 0, 1, 2, rpm     speed of rotor 3, rpm
``rates``      thrust, N; rates about x, y       rate about z, rad/s, all in body axes
``attitude``   thrust, N; roll, pitch, rad       yaw rate, rad/s
``velocity``   velocity in world axes, m/s       yaw rate, rad/s
``position``   position in world axes, m         yaw rate, rad/s
=============  ================================  =======================================================

``position`` stands on ``velocity``, that on ``attitude``, that on ``rates``, and their bandwidths keep fixed ratios to
that of the attitude, which the airframe gives (:attr:`marlgt.games.drones.Airframe.bandwidths`). The wanted
acceleration, held within the tilt and the thrust that there is, gives the wanted thrust vector; the thrust is its
projection on the body's z axis, and the torque turns that axis to it, as in Lee, Leok and McClamroch (2010), equations
12 to 16. The heading is not tracked but turned at the yaw rate, so that the attitude's error is a tilt alone: twice the
tangent of half its angle, which for a drone upside down is not 0 as the sine of Lee's error is.

What no model knows of the forces (wind, a wrong mass, downwash) is estimated from the difference between the velocity v
and the velocity u that the model predicts from the speeds of the rotors::

    disturbance = L (v - u)      du/dt = R e3 T/m - g e3 - drag + disturbance

That is an integral of the velocity's error which no setpoint enters: a step of the setpoint does not wind it up, nor
does a rotor at its limit. It is held within half of gravity. u is kept in IX to IZ, which are all 0 before the first
substep; torques are treated likewise, see :mod:`marlgt.games.drones.kernels.turning`.

Rates, velocities and angles that are beyond what a quadrotor does are clipped, whatever their size.

References
----------
T. Lee, M. Leok and N. H. McClamroch, "Geometric tracking control of a quadrotor UAV on SE(3)", CDC 2010.
W.-H. Chen, J. Yang, L. Guo and S. Li, "Disturbance-observer-based control and related methods: an overview", IEEE
Transactions on Industrial Electronics 63(2), 2016.
"""

from __future__ import annotations

from collections.abc import Callable
from math import sqrt
from typing import Any

import numpy as np

from marlgt.errors import GameError
from marlgt.games.drones.airframes import (
    DAMPING,
    DRAG_X,
    DRAG_Y,
    DRAG_Z,
    GAIN,
    GRAVITY,
    MAX_RPM,
    NOMINAL_MASS,
    STEP,
    THRUST,
    TILT_BANDWIDTH,
    YAW_BANDWIDTH,
    Airframe,
)
from marlgt.games.drones.kernels.lanes import clip, most, where
from marlgt.games.drones.kernels.layout import (
    C0,
    C1,
    C2,
    C3,
    IX,
    IY,
    IZ,
    N0,
    N1,
    N2,
    N3,
    QW,
    QX,
    QY,
    QZ,
    U0,
    U1,
    U2,
    U3,
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
from marlgt.games.drones.kernels.turning import turn
from marlgt.kernels import lane_kernel

__all__ = [
    "MODES",
    "follow_attitude",
    "follow_motors",
    "follow_position",
    "follow_rates",
    "follow_velocity",
    "limits",
]

DAMPING_RATIO = 0.9
"""Of the attitude."""
VELOCITY_SHARE = 0.25
"""Bandwidth of the velocity by that of the attitude, which the airframe gives."""
POSITION_SHARE = 0.4
"""Bandwidth of the position by that of the velocity."""
OBSERVER_SHARE = 0.8
"""Bandwidth of the estimate of the disturbance by that of the velocity."""
DISTURBANCE = 0.5
"""Largest disturbance believed, by gravity."""
CRUISE = 2.0
"""Fastest velocity that the position controller asks for, m/s."""
STEEPEST = 0.61
"""Tangent of the largest tilt that the velocity controller asks for, 0.55 rad."""
FLIPPED = 1.2
"""One plus the cosine of the tilt from which the wish to turn grows as its sine and no longer as its tangent."""
LEAST_LIFT = 0.25
"""Least vertical force that the velocity controller asks for, by the weight."""
MOST_LIFT = 0.92
"""Greatest vertical force that it asks for, by all that the rotors give."""
FASTEST_YAW = 6.0
"""Yaw rate beyond which a setpoint asks for no more, rad/s."""
FASTEST_TURN = 30.0
"""The same for a body rate."""
FASTEST_FLIGHT = 10.0
"""The same for a component of velocity, m/s; and of distance, m."""
MARK = 1e-12
"""Added to what is predicted, m/s, so that rounding never makes it 0, which stands for nothing predicted yet."""
LARGEST_ANGLE = 1.0
"""The same for roll and pitch, rad: to here, the series of sine and cosine are right within 3e-8."""


@lane_kernel
def follow_motors(d: Any, p: Any, e: int) -> None:
    """Command the rotor speeds U0 to U3, rpm."""
    fastest = p[MAX_RPM]
    d[C0 + e], d[C1 + e] = clip(d[U0 + e], 0.0, fastest), clip(d[U1 + e], 0.0, fastest)
    d[C2 + e], d[C3 + e] = clip(d[U2 + e], 0.0, fastest), clip(d[U3 + e], 0.0, fastest)


@lane_kernel
def follow_rates(d: Any, p: Any, e: int) -> None:
    """Give the thrust U0, N, and turn at the body rates U1, U2, U3, rad/s."""
    qx, qy, qz, qw = d[QX + e], d[QY + e], d[QZ + e], d[QW + e]
    wx, wy, wz = d[WX + e], d[WY + e], d[WZ + e]
    r00, r10, r20 = 1.0 - 2.0 * (qy * qy + qz * qz), 2.0 * (qx * qy + qz * qw), 2.0 * (qx * qz - qy * qw)
    r01, r11, r21 = 2.0 * (qx * qy - qz * qw), 1.0 - 2.0 * (qx * qx + qz * qz), 2.0 * (qy * qz + qx * qw)
    r02, r12, r22 = 2.0 * (qx * qz + qy * qw), 2.0 * (qy * qz - qx * qw), 1.0 - 2.0 * (qx * qx + qy * qy)
    a, b, c = r00 * wx + r10 * wy + r20 * wz, r01 * wx + r11 * wy + r21 * wz, r02 * wx + r12 * wy + r22 * wz
    gain = 2.0 * DAMPING_RATIO * p[TILT_BANDWIDTH]
    ax = gain * (clip(d[U1 + e], -FASTEST_TURN, FASTEST_TURN) - a)
    ay = gain * (clip(d[U2 + e], -FASTEST_TURN, FASTEST_TURN) - b)
    az = p[YAW_BANDWIDTH] * (clip(d[U3 + e], -FASTEST_TURN, FASTEST_TURN) - c)
    turn(d, p, e, d[U0 + e], a, b, c, ax, ay, az)


@lane_kernel
def _aim(
    d: Any, p: Any, e: int, thrust: Any, a: Any, b: Any, c: Any, u: Any, v: Any, w: Any, length: Any, yaw: Any
) -> None:
    """Give a thrust and turn it to the direction (u, v, w) of this length, at body rates (a, b, c)."""
    qx, qy, qz, qw = d[QX + e], d[QY + e], d[QZ + e], d[QW + e]
    bandwidth = p[TILT_BANDWIDTH]
    # Twice the tangent of half the angle, along the axis e3 x (u, v, w), which is none where the drone is upside down.
    scale = 2.0 * bandwidth * bandwidth / most(length + w, FLIPPED * length)
    kick = where(w < -0.999 * length, 0.1 * length, 0.0)
    gain = 2.0 * DAMPING_RATIO * bandwidth
    ax = gain * (yaw * 2.0 * (qx * qz - qy * qw) - a) + scale * (kick - v)
    ay = gain * (yaw * 2.0 * (qy * qz + qx * qw) - b) + scale * u
    az = p[YAW_BANDWIDTH] * (yaw * (1.0 - 2.0 * (qx * qx + qy * qy)) - c)
    turn(d, p, e, thrust, a, b, c, ax, ay, az)


@lane_kernel
def follow_attitude(d: Any, p: Any, e: int) -> None:
    """Give the thrust U0, N, at roll U1 and pitch U2, rad, and turn at the yaw rate U3, rad/s."""
    qx, qy, qz, qw = d[QX + e], d[QY + e], d[QZ + e], d[QW + e]
    wx, wy, wz = d[WX + e], d[WY + e], d[WZ + e]
    r00, r10, r20 = 1.0 - 2.0 * (qy * qy + qz * qz), 2.0 * (qx * qy + qz * qw), 2.0 * (qx * qz - qy * qw)
    r01, r11, r21 = 2.0 * (qx * qy - qz * qw), 1.0 - 2.0 * (qx * qx + qz * qz), 2.0 * (qy * qz + qx * qw)
    r02, r12, r22 = 2.0 * (qx * qz + qy * qw), 2.0 * (qy * qz - qx * qw), 1.0 - 2.0 * (qx * qx + qy * qy)
    a, b, c = r00 * wx + r10 * wy + r20 * wz, r01 * wx + r11 * wy + r21 * wz, r02 * wx + r12 * wy + r22 * wz
    roll = clip(d[U1 + e], -LARGEST_ANGLE, LARGEST_ANGLE)
    pitch = clip(d[U2 + e], -LARGEST_ANGLE, LARGEST_ANGLE)
    t, s = roll * roll, pitch * pitch
    sine = roll * (1.0 - t * (1 / 6 - t * (1 / 120 - t * (1 / 5040 - t * (1 / 362880)))))
    cosine = 1.0 - t * (0.5 - t * (1 / 24 - t * (1 / 720 - t * (1 / 40320 - t * (1 / 3628800)))))
    forward = cosine * (pitch * (1.0 - s * (1 / 6 - s * (1 / 120 - s * (1 / 5040 - s * (1 / 362880))))))
    up = cosine * (1.0 - s * (0.5 - s * (1 / 24 - s * (1 / 720 - s * (1 / 40320 - s * (1 / 3628800))))))
    # The body's x axis on the plane is the heading, which a drone on its nose has none of.
    level = 1.0 / sqrt(most(r00 * r00 + r10 * r10, 0.01))
    east, north = level * r00, level * r10
    bx, by = east * forward + north * sine, north * forward - east * sine
    u, v, w = r00 * bx + r10 * by + r20 * up, r01 * bx + r11 * by + r21 * up, r02 * bx + r12 * by + r22 * up
    yaw = clip(d[U3 + e], -FASTEST_YAW, FASTEST_YAW)
    _aim(d, p, e, d[U0 + e], a, b, c, u, v, w, 1.0, yaw)


@lane_kernel
def _fly(d: Any, p: Any, e: int, sx: Any, sy: Any, sz: Any) -> None:
    """Fly at a velocity in world axes, turning at the yaw rate U3."""
    qx, qy, qz, qw = d[QX + e], d[QY + e], d[QZ + e], d[QW + e]
    wx, wy, wz = d[WX + e], d[WY + e], d[WZ + e]
    vx, vy, vz = d[VX + e], d[VY + e], d[VZ + e]
    r00, r10, r20 = 1.0 - 2.0 * (qy * qy + qz * qz), 2.0 * (qx * qy + qz * qw), 2.0 * (qx * qz - qy * qw)
    r01, r11, r21 = 2.0 * (qx * qy - qz * qw), 1.0 - 2.0 * (qx * qx + qz * qz), 2.0 * (qy * qz + qx * qw)
    r02, r12, r22 = 2.0 * (qx * qz + qy * qw), 2.0 * (qy * qz - qx * qw), 1.0 - 2.0 * (qx * qx + qy * qy)
    a, b, c = r00 * wx + r10 * wy + r20 * wz, r01 * wx + r11 * wy + r21 * wz, r02 * wx + r12 * wy + r22 * wz
    quick = VELOCITY_SHARE * p[TILT_BANDWIDTH]
    observer = OBSERVER_SHARE * quick
    mass, gravity = p[NOMINAL_MASS], p[GRAVITY]
    # The velocity predicted, nowhere further from the true one than the largest disturbance makes it.
    ux, uy, uz = d[IX + e], d[IY + e], d[IZ + e]
    first = ux * ux + uy * uy + uz * uz == 0.0
    far = DISTURBANCE * gravity / observer
    ux = where(first, vx, clip(ux, vx - far, vx + far))
    uy = where(first, vy, clip(uy, vy - far, vy + far))
    uz = where(first, vz, clip(uz, vz - far, vz + far))
    speeds = (d[N0 + e] + d[N1 + e] + d[N2 + e] + d[N3 + e]) / mass
    # Acceleration by what is known of the air and by what is estimated; the wanted force per mass leaves it out.
    airx = observer * (vx - ux) - (p[DRAG_X] * speeds + p[DAMPING]) * vx
    airy = observer * (vy - uy) - (p[DRAG_Y] * speeds + p[DAMPING]) * vy
    airz = observer * (vz - uz) - (p[DRAG_Z] * speeds + p[DAMPING]) * vz - gravity
    fx, fy = quick * (sx - vx) - airx, quick * (sy - vy) - airy
    full = 4.0 * p[THRUST] * p[MAX_RPM] * p[MAX_RPM] / mass
    fz = clip(quick * (sz - vz) - airz, LEAST_LIFT * gravity, MOST_LIFT * full)
    reach = STEEPEST * fz
    fit = reach / most(sqrt(fx * fx + fy * fy + 1e-12), reach)
    fx, fy = fit * fx, fit * fy
    u, v, w = fx * r00 + fy * r10 + fz * r20, fx * r01 + fy * r11 + fz * r21, fx * r02 + fy * r12 + fz * r22
    yaw = clip(d[U3 + e], -FASTEST_YAW, FASTEST_YAW)
    _aim(d, p, e, mass * w, a, b, c, u, v, w, sqrt(fx * fx + fy * fy + fz * fz), yaw)
    gain, h = p[GAIN], p[STEP]
    n0, n1 = d[N0 + e] + gain * (d[C0 + e] - d[N0 + e]), d[N1 + e] + gain * (d[C1 + e] - d[N1 + e])
    n2, n3 = d[N2 + e] + gain * (d[C2 + e] - d[N2 + e]), d[N3 + e] + gain * (d[C3 + e] - d[N3 + e])
    lift = p[THRUST] * (n0 * n0 + n1 * n1 + n2 * n2 + n3 * n3) / mass
    d[IX + e], d[IY + e], d[IZ + e] = (
        ux + h * (r02 * lift + airx) + MARK,
        uy + h * (r12 * lift + airy),
        uz + h * (r22 * lift + airz),
    )


@lane_kernel
def follow_velocity(d: Any, p: Any, e: int) -> None:
    """Fly at the velocity U0, U1, U2 in world axes, m/s, and turn at the yaw rate U3, rad/s."""
    sx = clip(d[U0 + e], -FASTEST_FLIGHT, FASTEST_FLIGHT)
    sy = clip(d[U1 + e], -FASTEST_FLIGHT, FASTEST_FLIGHT)
    sz = clip(d[U2 + e], -FASTEST_FLIGHT, FASTEST_FLIGHT)
    _fly(d, p, e, sx, sy, sz)


@lane_kernel
def follow_position(d: Any, p: Any, e: int) -> None:
    """Fly to the position U0, U1, U2 in world axes, m, and turn at the yaw rate U3, rad/s."""
    gain = POSITION_SHARE * VELOCITY_SHARE * p[TILT_BANDWIDTH]
    sx = gain * clip(d[U0 + e] - d[X + e], -FASTEST_FLIGHT, FASTEST_FLIGHT)
    sy = gain * clip(d[U1 + e] - d[Y + e], -FASTEST_FLIGHT, FASTEST_FLIGHT)
    sz = gain * clip(d[U2 + e] - d[Z + e], -FASTEST_FLIGHT, FASTEST_FLIGHT)
    fit = CRUISE / most(sqrt(sx * sx + sy * sy + sz * sz + 1e-12), CRUISE)
    _fly(d, p, e, fit * sx, fit * sy, fit * sz)


MODES: dict[str, Callable[[Any, Any, int], None]] = {
    "motors": follow_motors,
    "rates": follow_rates,
    "attitude": follow_attitude,
    "velocity": follow_velocity,
    "position": follow_position,
}
"""The controllers by name. Each is a lane kernel of a drone's row, the airframe's parameters, and the lane."""


def limits(mode: str, airframe: Airframe, *, share: float = 0.05) -> tuple[np.ndarray, np.ndarray]:
    """Return how actions in [-1, 1] become setpoints: U = offset + scale * action.

    Parameters
    ----------
    mode : str
        One of ``MODES``.
    airframe : Airframe
        Whose thrust and hover speed count.
    share : float, default 0.05
        In mode ``motors``, the share of the hover speed by which an action of 1 exceeds it.

    Returns
    -------
    offset, scale : ndarray, shape (4,)
        In the units of U0 to U3: hover speed ± ``share`` for ``motors``; thrust from 0 to the greatest and body rates
        ±10, ±10, ±3 rad/s for ``rates``; the same thrust, ±0.5 rad of roll and pitch and ±2 rad/s for ``attitude``;
        ±1 m/s and ±1 rad/s for ``velocity``; ±1 m and ±1 rad/s for ``position``, to be added to where the drone is.

    Raises
    ------
    GameError
        If there is no such mode, or the share is not in (0, 1].

    Examples
    --------
    >>> from marlgt.games.drones.airframes import AIRFRAMES
    >>> offset, scale = limits("velocity", AIRFRAMES["cf2x"])
    >>> scale.tolist()
    [1.0, 1.0, 1.0, 1.0]
    """
    if mode not in MODES:
        raise GameError(f"there is no control mode {mode!r}: choose from {', '.join(MODES)}")
    if not 0.0 < share <= 1.0:
        raise GameError(f"share must be in (0, 1], got {share}: 0.05 lets the rotors go 5 % from their hover speed")
    hover, half = airframe.hover_rpm, 2.0 * airframe.thrust * airframe.max_rpm**2
    table = {
        "motors": ([hover] * 4, [share * hover] * 4),
        "rates": ([half, 0.0, 0.0, 0.0], [half, 10.0, 10.0, 3.0]),
        "attitude": ([half, 0.0, 0.0, 0.0], [half, 0.5, 0.5, 2.0]),
        "velocity": ([0.0] * 4, [1.0] * 4),
        "position": ([0.0] * 4, [1.0] * 4),
    }
    offset, scale = table[mode]
    return np.array(offset), np.array(scale)
