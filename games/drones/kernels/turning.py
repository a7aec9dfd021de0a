"""From a thrust and an angular acceleration to the commands of four rotors, which lag and have limits.

With t the thrust, tau the torque, d the arm and k the ratio of a rotor's torque to its force, the forces of the rotors
in X configuration are::

    f0 = (t - tau_x/d - tau_y/d - tau_z/k)/4        f1 = (t - tau_x/d + tau_y/d + tau_z/k)/4
    f2 = (t + tau_x/d + tau_y/d - tau_z/k)/4        f3 = (t + tau_x/d - tau_y/d + tau_z/k)/4

A rotor that lags by n' = (c - n)/T is commanded beyond the speed wanted of it until it has that speed. What is then out
of reach within the next substeps is given up in this order: yaw, thrust, roll and pitch. It is the order in which a
drone can do without, for without roll and pitch it cannot point its thrust.

What no model knows of the torque (unequal rotors, a load off the centre) is estimated from the difference between the
body rates w and the rates u that the model predicts from the speeds of the rotors::

    bias = L (w - u)      J du/dt = tau - w x J w + J bias

u is kept in BX to BZ, which are all 0 before the first substep.
"""

from __future__ import annotations

from math import sqrt
from typing import Any

from marlgt.games.drones.airframes import (
    ARM,
    GAIN,
    GRAVITY,
    JX,
    JY,
    JZ,
    MAX_RPM,
    NOMINAL_MASS,
    STEP,
    THRUST,
    TILT_BANDWIDTH,
    TORQUE,
)
from marlgt.games.drones.kernels.lanes import absolute, clip, least, most, where
from marlgt.games.drones.kernels.layout import BX, BY, BZ, C0, C1, C2, C3, N0, N1, N2, N3
from marlgt.kernels import lane_kernel

__all__ = ["drive", "turn"]

WATCH_SHARE = 0.6
"""Bandwidth of the estimate of the angular acceleration's bias by that of the attitude."""
BIAS = 0.2
"""Largest bias believed, by what the rotors' force at hover does at the length of an arm."""
QUICKNESS = 0.5
"""Share of a rotor's error that a substep takes away while its limits allow: a bandwidth of 170 rad/s."""
YAW_RESERVE = 0.05
"""Share of a rotor's force that the thrust leaves for yaw."""
MARK = 1e-12
"""Added to what is predicted, rad/s, so that rounding never makes it 0, which stands for nothing predicted yet."""
SLOWEST = 1e-8
"""Least force of a rotor by its greatest, so that the square root has a derivative."""


@lane_kernel
def drive(d: Any, p: Any, e: int, thrust: Any, tx: Any, ty: Any, tz: Any) -> None:
    """Command the rotors so that they give a thrust and a torque in body axes, or what they can of it.

    Roll and pitch come first, then the thrust but for a small reserve, then yaw. Forces are in squares of rotor speeds.
    """
    fastest, per = p[MAX_RPM], 1.0 / p[THRUST]
    full = fastest * fastest
    half = 0.5 * full
    x, y, z = 0.25 * per / p[ARM] * tx, 0.25 * per / p[ARM] * ty, 0.25 / p[TORQUE] * tz
    bound = half - least(absolute(y), 0.5 * half)
    x = clip(x, -bound, bound)
    bound = half - absolute(x)
    y = clip(y, -bound, bound)
    swing = absolute(x) + absolute(y)
    reserve = swing + least(least(absolute(z), YAW_RESERVE * full), half - swing)
    lift = clip(0.25 * per * thrust, reserve, full - reserve)
    # A rotor that lags by a gain of less than 1 a substep is asked for more, so that it comes nearer by QUICKNESS.
    lead = most(p[GAIN], QUICKNESS) / p[GAIN]
    kept, added = 1.0 - 1.0 / lead, fastest / lead
    n0, n1, n2, n3 = d[N0 + e], d[N1 + e], d[N2 + e], d[N3 + e]
    yaw = 0.25 * kept * (n1 * n1 + n3 * n3 - n0 * n0 - n2 * n2)
    z = z - yaw
    s0, s1, s2, s3 = lift - x - y - yaw, lift - x + y + yaw, lift + x + y - yaw, lift + x - y + yaw
    # The lowest and highest speeds within reach of each rotor: the thrust waits for roll and pitch, and yaw for both.
    k0, k1, k2, k3 = kept * n0, kept * n1, kept * n2, kept * n3
    low0, low1, low2, low3 = k0 * k0 - s0, k1 * k1 - s1, k2 * k2 - s2, k3 * k3 - s3
    k0, k1, k2, k3 = k0 + added, k1 + added, k2 + added, k3 + added
    high0, high1, high2, high3 = k0 * k0 - s0, k1 * k1 - s1, k2 * k2 - s2, k3 * k3 - s3
    low, high = most(most(low0, low1), most(low2, low3)), least(least(high0, high1), least(high2, high3))
    shift = where(low > high, 0.5 * (low + high), clip(0.0, low, high))
    down = least(least(high0, high2) - shift, shift - most(low1, low3))
    up = least(shift - most(low0, low2), least(high1, high3) - shift)
    z = clip(z, -most(down, 0.0), most(up, 0.0))
    tiny, right, left = SLOWEST * full, shift - z, shift + z
    d[C0 + e] = clip(n0 + lead * (sqrt(most(s0 + right, tiny)) - n0), 0.0, fastest)
    d[C1 + e] = clip(n1 + lead * (sqrt(most(s1 + left, tiny)) - n1), 0.0, fastest)
    d[C2 + e] = clip(n2 + lead * (sqrt(most(s2 + right, tiny)) - n2), 0.0, fastest)
    d[C3 + e] = clip(n3 + lead * (sqrt(most(s3 + left, tiny)) - n3), 0.0, fastest)


@lane_kernel
def turn(d: Any, p: Any, e: int, thrust: Any, a: Any, b: Any, c: Any, ax: Any, ay: Any, az: Any) -> None:
    """Give a thrust and an angular acceleration in body axes at the body rates a, b, c."""
    ix, iy, iz = 1.0 / p[JX], 1.0 / p[JY], 1.0 / p[JZ]
    # Angular acceleration by a rotor's force, and the rates predicted, within those of the largest bias from the true.
    watch = WATCH_SHARE * p[TILT_BANDWIDTH]
    weight, arm, twist = BIAS / watch * p[NOMINAL_MASS] * p[GRAVITY], p[ARM], p[TORQUE] / p[THRUST]
    sx, sy, sz = weight * arm * ix, weight * arm * iy, weight * twist * iz
    ux, uy, uz = d[BX + e], d[BY + e], d[BZ + e]
    first = ux * ux + uy * uy + uz * uz == 0.0
    ux = where(first, a, clip(ux, a - sx, a + sx))
    uy = where(first, b, clip(uy, b - sy, b + sy))
    uz = where(first, c, clip(uz, c - sz, c + sz))
    # By the turning itself, and by the bias.
    ox, oy = watch * (a - ux) - (p[JZ] - p[JY]) * ix * b * c, watch * (b - uy) - (p[JX] - p[JZ]) * iy * c * a
    oz = watch * (c - uz) - (p[JY] - p[JX]) * iz * a * b
    drive(d, p, e, thrust, p[JX] * (ax - ox), p[JY] * (ay - oy), p[JZ] * (az - oz))
    gain, h = p[GAIN], p[STEP]
    n0, n1 = d[N0 + e] + gain * (d[C0 + e] - d[N0 + e]), d[N1 + e] + gain * (d[C1 + e] - d[N1 + e])
    n2, n3 = d[N2 + e] + gain * (d[C2 + e] - d[N2 + e]), d[N3 + e] + gain * (d[C3 + e] - d[N3 + e])
    s0, s1, s2, s3 = n0 * n0, n1 * n1, n2 * n2, n3 * n3
    lever = p[THRUST] * arm
    d[BX + e] = ux + h * (lever * ix * (s2 + s3 - s0 - s1) + ox) + MARK
    d[BY + e] = uy + h * (lever * iy * (s1 + s2 - s0 - s3) + oy)
    d[BZ + e] = uz + h * (p[TORQUE] * iz * (s1 + s3 - s0 - s2) + oz)
