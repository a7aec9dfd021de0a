"""The physics of a quadrotor, equal to Bullet's in free flight; one substep is 1/240 s.

State: position x, velocity v and angular velocity w in world axes, quaternion q. With everything on the right at the
start of the substep of length h, R the rotation of q, T the rotors' thrust, F and tau all else that pushes and turns::

    a     = (R e3 T + F)/m - g e3 - c v (1 + |v|)
    alpha = R J^-1 (tau - w_b x J w_b) - c w (1 + |w|)      with w_b = R^T w
    v    <- v + h a,  w <- w + h alpha                      each component held within 100
    x    <- x + h v,  q <- exp(h w) q                       with the new v and w

This is what Bullet's articulated bodies (Featherstone's algorithm, ``btMultiBody``) do: semi-implicit Euler, an
explicit gyroscopic term, and damping ``c`` both linear and quadratic. Drag is rotor drag after Förster (2015), the
ground effect is that of Shi et al. (2019), and downwash falls off as in OmniDrones (Xu et al., 2024), so that it never
exceeds the thrust that causes it.
"""

from __future__ import annotations

from math import sqrt
from typing import Any

from marlgt.games.drones.airframes import (
    ARM,
    DAMPING,
    DOWNWASH,
    DRAG_X,
    DRAG_Y,
    DRAG_Z,
    GAIN,
    GRAVITY,
    GROUND,
    GROUND_CLIP,
    HEIGHT,
    JX,
    JY,
    JZ,
    PROPELLER,
    RADIUS,
    STEP,
    THRUST,
    TORQUE,
)
from marlgt.games.drones.kernels.lanes import WIDTH, absolute, clip, least, most, where
from marlgt.games.drones.kernels.layout import (
    C0,
    C1,
    C2,
    C3,
    FX,
    FY,
    FZ,
    H0,
    H1,
    H2,
    H3,
    HIT,
    INERTIA,
    MASS,
    N0,
    N1,
    N2,
    N3,
    PX,
    PY,
    PZ,
    QW,
    QX,
    QY,
    QZ,
    TX,
    TY,
    TZ,
    VX,
    VY,
    VZ,
    WIND_X,
    WIND_Y,
    WIND_Z,
    WX,
    WY,
    WZ,
    X,
    Y,
    Z,
)
from marlgt.kernels import lane_kernel

__all__ = ["advance", "air", "decay", "downwash", "settle", "settle_all", "spin"]

FASTEST = 100.0
"""Bullet holds every component of velocity and angular velocity within this."""

HARD_LANDING = 1.0
"""Speed, m/s, above which meeting the ground is a crash."""

GRIP = 0.5
"""Friction of a drone on the ground."""

LEVELLING = 20.0
"""Share of its tilt that a drone on the ground loses per second."""

TINY = 1e-12
"""Added to what a root is taken of, whose slope at 0 is infinite."""


@lane_kernel
def spin(d: Any, p: Any, e: int) -> None:
    """Let the rotors follow their commands for a substep, with their lag."""
    gain = p[GAIN]
    d[N0 + e] = d[N0 + e] + gain * (d[C0 + e] - d[N0 + e])
    d[N1 + e] = d[N1 + e] + gain * (d[C1 + e] - d[N1 + e])
    d[N2 + e] = d[N2 + e] + gain * (d[C2 + e] - d[N2 + e])
    d[N3 + e] = d[N3 + e] + gain * (d[C3 + e] - d[N3 + e])


@lane_kernel
def air(d: Any, w: Any, p: Any, e: int) -> None:
    """Set force and torque of the air on a drone: rotor drag in the wind, ground effect, and the downwash it is in."""
    qx, qy, qz, qw = d[QX + e], d[QY + e], d[QZ + e], d[QW + e]
    r02, r12 = 2.0 * (qx * qz + qy * qw), 2.0 * (qy * qz - qx * qw)
    r20, r21, r22 = 2.0 * (qx * qz - qy * qw), 2.0 * (qy * qz + qx * qw), 1.0 - 2.0 * (qx * qx + qy * qy)
    n0, n1, n2, n3 = d[N0 + e], d[N1 + e], d[N2 + e], d[N3 + e]
    speeds = n0 + n1 + n2 + n3
    # The ground lifts each rotor by its own height.
    arm = p[ARM]
    across, along = arm * r20, arm * r21
    scale = where(r22 > 0.0, p[GROUND] * p[THRUST] * p[PROPELLER] * p[PROPELLER] * 0.0625, 0.0)
    z, lowest = d[Z + e], p[GROUND_CLIP]
    z0, z1 = most(z + across - along, lowest), most(z - across - along, lowest)
    z2, z3 = most(z - across + along, lowest), most(z + across + along, lowest)
    f0, f1 = scale * d[H0 + e] * n0 * n0 / (z0 * z0), scale * d[H1 + e] * n1 * n1 / (z1 * z1)
    f2, f3 = scale * d[H2 + e] * n2 * n2 / (z2 * z2), scale * d[H3 + e] * n3 * n3 / (z3 * z3)
    lift = f0 + f1 + f2 + f3
    d[FX + e] = r02 * lift - p[DRAG_X] * speeds * (d[VX + e] - w[WIND_X + e]) + d[PX + e]
    d[FY + e] = r12 * lift - p[DRAG_Y] * speeds * (d[VY + e] - w[WIND_Y + e]) + d[PY + e]
    d[FZ + e] = r22 * lift - p[DRAG_Z] * speeds * (d[VZ + e] - w[WIND_Z + e]) + d[PZ + e]
    d[TX + e] = arm * (f2 + f3 - f0 - f1)
    d[TY + e] = arm * (f1 + f2 - f0 - f3)
    d[TZ + e] = 0.0 * lift


@lane_kernel
def decay(x: Any) -> Any:
    """Return exp(-x) for x in [0, 40], within 1e-13, by arithmetic alone, which a loop over lanes does on vectors."""
    t = 0.015625 * x
    y = 1.0 - t * (1.0 - t * (1 / 2 - t * (1 / 6 - t * (1 / 24 - t * (1 / 120 - t * (1 / 720 - t * (1 / 5040)))))))
    y = y * y
    y = y * y
    y = y * y
    y = y * y
    y = y * y
    return y * y


@lane_kernel
def downwash(below: Any, above: Any, p: Any, e: int) -> None:
    """Add to the push on one drone the downwash of another that flies above it."""
    dx, dy = above[X + e] - below[X + e], above[Y + e] - below[Y + e]
    dz = above[Z + e] - below[Z + e]
    height = most(dz, 0.001)
    n0, n1, n2, n3 = above[N0 + e], above[N1 + e], above[N2 + e], above[N3 + e]
    # Its flag is not needed until the end, but if it stood there, a loop over lanes would branch round all between.
    thrust = where(dz > 0.0, p[THRUST] * (n0 * n0 + n1 * n1 + n2 * n2 + n3 * n3), 0.0)
    # Half the squared distance from the axis, in units of half the height; beyond 40 its exponential is nothing.
    spread = least(2.0 * (dx * dx + dy * dy) / (height * height), 40.0)
    reach = 1.0 + 0.3 * height
    below[PZ + e] = below[PZ + e] - p[DOWNWASH] * thrust * decay(spread) / (reach * reach)


@lane_kernel
def advance(d: Any, p: Any, e: int) -> None:
    """Move a drone by one substep under its rotors and the force and torque set before."""
    h = p[STEP]
    qx, qy, qz, qw = d[QX + e], d[QY + e], d[QZ + e], d[QW + e]
    vx, vy, vz = d[VX + e], d[VY + e], d[VZ + e]
    wx, wy, wz = d[WX + e], d[WY + e], d[WZ + e]
    n0, n1, n2, n3 = d[N0 + e], d[N1 + e], d[N2 + e], d[N3 + e]
    s0, s1, s2, s3 = d[H0 + e] * n0 * n0, d[H1 + e] * n1 * n1, d[H2 + e] * n2 * n2, d[H3 + e] * n3 * n3
    r00, r01, r02 = 1.0 - 2.0 * (qy * qy + qz * qz), 2.0 * (qx * qy - qz * qw), 2.0 * (qx * qz + qy * qw)
    r10, r11, r12 = 2.0 * (qx * qy + qz * qw), 1.0 - 2.0 * (qx * qx + qz * qz), 2.0 * (qy * qz - qx * qw)
    r20, r21, r22 = 2.0 * (qx * qz - qy * qw), 2.0 * (qy * qz + qx * qw), 1.0 - 2.0 * (qx * qx + qy * qy)
    thrust = p[THRUST] * (s0 + s1 + s2 + s3)
    lever = p[THRUST] * p[ARM]
    tx = lever * (s2 + s3 - s0 - s1) + d[TX + e]
    ty = lever * (s1 + s2 - s0 - s3) + d[TY + e]
    tz = p[TORQUE] * (s1 - s0 + s3 - s2) + d[TZ + e]
    # Angular acceleration in body axes.
    a, b, c = r00 * wx + r10 * wy + r20 * wz, r01 * wx + r11 * wy + r21 * wz, r02 * wx + r12 * wy + r22 * wz
    jx, jy, jz = d[INERTIA + e] * p[JX], d[INERTIA + e] * p[JY], d[INERTIA + e] * p[JZ]
    slowing = p[DAMPING] * (1.0 + sqrt(wx * wx + wy * wy + wz * wz))
    # One division for the inverses of mass and inertia.
    mass = d[MASS + e]
    volume = jx * jy * jz
    inverse = 1.0 / (mass * volume)
    light, inverse = inverse * volume, inverse * mass
    ax = (tx - (jz - jy) * b * c) * (inverse * jy * jz) - a * slowing
    ay = (ty - (jx - jz) * c * a) * (inverse * jz * jx) - b * slowing
    az = (tz - (jy - jx) * a * b) * (inverse * jx * jy) - c * slowing
    wx = clip(wx + h * (r00 * ax + r01 * ay + r02 * az), -FASTEST, FASTEST)
    wy = clip(wy + h * (r10 * ax + r11 * ay + r12 * az), -FASTEST, FASTEST)
    wz = clip(wz + h * (r20 * ax + r21 * ay + r22 * az), -FASTEST, FASTEST)
    slowing = p[DAMPING] * (1.0 + sqrt(vx * vx + vy * vy + vz * vz))
    vx, vy, vz = (
        clip(vx + h * ((r02 * thrust + d[FX + e]) * light - vx * slowing), -FASTEST, FASTEST),
        clip(vy + h * ((r12 * thrust + d[FY + e]) * light - vy * slowing), -FASTEST, FASTEST),
        clip(vz + h * ((r22 * thrust + d[FZ + e]) * light - p[GRAVITY] - vz * slowing), -FASTEST, FASTEST),
    )
    d[VX + e], d[VY + e], d[VZ + e] = vx, vy, vz
    d[WX + e], d[WY + e], d[WZ + e] = wx, wy, wz
    d[X + e], d[Y + e], d[Z + e] = d[X + e] + h * vx, d[Y + e] + h * vy, d[Z + e] + h * vz
    # exp(h w) by the series of sine and cosine of half the angle, at most 0.37.
    t = 0.25 * h * h * (wx * wx + wy * wy + wz * wz)
    sine = (0.5 * h) * (1.0 - t * (1 / 6 - t * (1 / 120 - t * (1 / 5040 - t * (1 / 362880 - t * (1 / 39916800))))))
    cosine = 1.0 - t * (0.5 - t * (1 / 24 - t * (1 / 720 - t * (1 / 40320 - t * (1 / 3628800)))))
    sx, sy, sz = sine * wx, sine * wy, sine * wz
    ox, oy = cosine * qx + sx * qw + sy * qz - sz * qy, cosine * qy + sy * qw + sz * qx - sx * qz
    oz, ow = cosine * qz + sz * qw + sx * qy - sy * qx, cosine * qw - sx * qx - sy * qy - sz * qz
    # 1 / sqrt(size) to first order about 1, from which rounding alone moves it.
    unit = 1.5 - 0.5 * (ox * ox + oy * oy + oz * oz + ow * ow)
    d[QX + e], d[QY + e], d[QZ + e], d[QW + e] = ox * unit, oy * unit, oz * unit, ow * unit


@lane_kernel
def settle(d: Any, p: Any, e: int) -> None:
    """Hold a drone above the ground: it stops there, and has hit it if it came fast or upside down.

    The ground takes away the speed into it, and by friction up to ``GRIP`` times as much of what slides. Who touches
    it at an angle lies down: on its rim the centre is higher than at rest.
    """
    z, fall = d[Z + e], -d[VZ + e]
    qx, qy, qz, qw = d[QX + e], d[QY + e], d[QZ + e], d[QW + e]
    # The body's axis z.
    ux, uy, uz = 2.0 * (qx * qz + qy * qw), 2.0 * (qy * qz - qx * qw), 1.0 - 2.0 * (qx * qx + qy * qy)
    lowest = p[HEIGHT] * absolute(uz) + p[RADIUS] * sqrt(ux * ux + uy * uy + TINY)
    under = z < lowest
    hard = where(fall > HARD_LANDING, 1.0, 0.0) + where(uz < 0.5, 1.0, 0.0)
    d[HIT + e] = where(under, most(d[HIT + e], least(hard, 1.0)), d[HIT + e])
    d[Z + e] = where(under, lowest, z)
    blow = where(under, most(fall, 0.0), 0.0)
    d[VZ + e] = blow - fall
    vx, vy, wz = d[VX + e], d[VY + e], d[WZ + e]
    kept = most(1.0 - GRIP * blow / sqrt(vx * vx + vy * vy + TINY), 0.0)
    d[VX + e], d[VY + e] = kept * vx, kept * vy
    # Friction all over the disc turns it by two thirds of its radius.
    stop = GRIP * blow * d[MASS + e] * p[RADIUS] / (1.5 * d[INERTIA + e] * p[JZ])
    d[WZ + e] = wz - clip(wz, -stop, stop)
    ux, uy = where(uz < 0.0, -ux, ux), where(uz < 0.0, -uy, uy)
    d[WX + e] = where(under, LEVELLING * uy, d[WX + e])
    d[WY + e] = where(under, -LEVELLING * ux, d[WY + e])


@lane_kernel
def settle_all(d: Any, p: Any) -> None:
    """Hold one drone of every lane above the ground; where all fly, it costs next to nothing."""
    reach = p[HEIGHT] + p[RADIUS]
    near = 0
    for e in range(WIDTH):
        if d[Z + e] < reach:
            near += 1
    if near > 0:
        for e in range(WIDTH):
            settle(d, p, e)
