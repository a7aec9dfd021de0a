"""The physics modes of gym-pybullet-drones (Panerati et al., 2021), digit by digit; for comparisons only.

It pushes the rotors' links, and Bullet turns such a push by the link's attitude as it was one substep ago. So with S
the rotation of the last substep and R the present one, thrust acts along S e3. What else pushes on its drones:

* drag ``-c * v sum_i 2 pi n_i / 60`` with the rotor speeds of the last substep, turned by ``S R^T``;
* downwash of each drone above, ``k (r / 4 dz)^2 exp(-(dxy / beta)^2 / 2)`` with ``beta = 0.16 dz - 0.11``, along S e3;
  it grows without bound near the drone above, and has no width where ``dz`` is 0.6875 m;
* the ground effect of Shi et al. (2019) along R e3: it looks up where the links are, after which Bullet knows their
  present attitude, so that drag and downwash then use R where they use S otherwise.

References
----------
J. Panerati, H. Zheng, S. Zhou, J. Xu, A. Prorok and A. P. Schoellig, Learning to fly: a gym environment with PyBullet
physics for reinforcement learning of multi-agent quadcopter control, IROS 2021.
"""

from __future__ import annotations

from math import exp
from typing import Any

import numpy as np

from marlgt.errors import GameError
from marlgt.games.drones.airframes import AIRFRAMES, ARM, DRAG_X, DRAG_Y, DRAG_Z, PROPELLER, THRUST, TORQUE, Airframe
from marlgt.games.drones.kernels.dynamics import advance, air
from marlgt.games.drones.kernels.lanes import WIDTH
from marlgt.games.drones.kernels.layout import (
    DRONE_FIELDS,
    FX,
    FY,
    FZ,
    H0,
    H1,
    H2,
    H3,
    INERTIA,
    MASS,
    N0,
    N1,
    N2,
    N3,
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
    WORLD_FIELDS,
    X,
    Y,
    Z,
)
from marlgt.kernels import gear, lane_kernel, lane_loop

__all__ = ["GPD_PHYSICS", "fly_gpd"]

GPD_PHYSICS = {
    "pyb": (0, 0, 0),
    "pyb_gnd": (1, 0, 0),
    "pyb_drag": (0, 1, 0),
    "pyb_dw": (0, 0, 1),
    "pyb_gnd_drag_dw": (1, 1, 1),
}
"""Its physics modes by their names there: whether they have ground effect, drag, and downwash."""

DOWNWASH_STRENGTH, DOWNWASH_SLOPE, DOWNWASH_OFFSET = 2267.18, 0.16, -0.11

# What is remembered of the last substep: the quaternion, and the sum of rotor speeds.
_MEMORY = 5


@lane_kernel
def push_gpd(drones: Any, memory: Any, w: Any, p: Any, calm: Any, i: int, ground: int, drag: int, wash: int) -> None:
    """Set all that pushes and turns a drone, its own rotors included; in lane 0."""
    d, m = drones[i], memory[i]
    d[H0], d[H1], d[H2], d[H3] = 1.0, 1.0, 1.0, 1.0
    # Of what the air does in other backends, only the ground effect.
    air(d, w, calm, 0)
    if ground == 0:
        d[FX], d[FY], d[FZ], d[TX], d[TY], d[TZ] = 0.0, 0.0, 0.0, 0.0, 0.0, 0.0
    qx, qy, qz, qw = d[QX], d[QY], d[QZ], d[QW]
    r00, r01, r02 = 1.0 - 2.0 * (qy * qy + qz * qz), 2.0 * (qx * qy - qz * qw), 2.0 * (qx * qz + qy * qw)
    r10, r11, r12 = 2.0 * (qx * qy + qz * qw), 1.0 - 2.0 * (qx * qx + qz * qz), 2.0 * (qy * qz - qx * qw)
    r20, r21, r22 = 2.0 * (qx * qz - qy * qw), 2.0 * (qy * qz + qx * qw), 1.0 - 2.0 * (qx * qx + qy * qy)
    qx, qy, qz, qw = m[0], m[1], m[2], m[3]
    s00, s01, s02 = 1.0 - 2.0 * (qy * qy + qz * qz), 2.0 * (qx * qy - qz * qw), 2.0 * (qx * qz + qy * qw)
    s10, s11, s12 = 2.0 * (qx * qy + qz * qw), 1.0 - 2.0 * (qx * qx + qz * qz), 2.0 * (qy * qz - qx * qw)
    s20, s21, s22 = 2.0 * (qx * qz - qy * qw), 2.0 * (qy * qz + qx * qw), 1.0 - 2.0 * (qx * qx + qy * qy)
    # The direction of thrust in the axes of the body: R^T S e3.
    ux, uy, uz = (
        r00 * s02 + r10 * s12 + r20 * s22,
        r01 * s02 + r11 * s12 + r21 * s22,
        r02 * s02 + r12 * s12 + r22 * s22,
    )
    f0, f1, f2, f3 = d[N0] * d[N0], d[N1] * d[N1], d[N2] * d[N2], d[N3] * d[N3]
    thrust, lever = p[THRUST] * (f0 + f1 + f2 + f3), p[THRUST] * p[ARM]
    tx, ty, tz = lever * (f2 + f3 - f0 - f1), lever * (f1 + f2 - f0 - f3), p[TORQUE] * (f1 - f0 + f3 - f2)
    d[FX], d[FY], d[FZ] = d[FX] + s02 * thrust, d[FY] + s12 * thrust, d[FZ] + s22 * thrust
    d[TX] += uz * tx + ux * tz
    d[TY] += uz * ty + uy * tz
    d[TZ] += uz * tz - ux * tx - uy * ty
    if drag:
        a, b, c = -p[DRAG_X] * m[4] * d[VX], -p[DRAG_Y] * m[4] * d[VY], -p[DRAG_Z] * m[4] * d[VZ]
        if ground == 0:
            a, b, c = r00 * a + r10 * b + r20 * c, r01 * a + r11 * b + r21 * c, r02 * a + r12 * b + r22 * c
            a, b, c = s00 * a + s01 * b + s02 * c, s10 * a + s11 * b + s12 * c, s20 * a + s21 * b + s22 * c
        d[FX], d[FY], d[FZ] = d[FX] + a, d[FY] + b, d[FZ] + c
    if wash:
        push = 0.0
        for j in range(drones.shape[0]):
            dx, dy, dz = drones[j, X] - d[X], drones[j, Y] - d[Y], drones[j, Z] - d[Z]
            across = dx * dx + dy * dy
            if dz > 0.0 and across < 100.0:
                ratio, width = p[PROPELLER] / (4.0 * dz), DOWNWASH_SLOPE * dz + DOWNWASH_OFFSET
                push += DOWNWASH_STRENGTH * ratio * ratio * exp(-0.5 * across / (width * width))
        if ground == 0:
            r02, r12, r22 = s02, s12, s22
        d[FX], d[FY], d[FZ] = d[FX] - r02 * push, d[FY] - r12 * push, d[FZ] - r22 * push


@lane_loop
def fly_gpd_block(
    drones: Any,
    memory: Any,
    w: Any,
    p: Any,
    calm: Any,
    rpms: Any,
    states: Any,
    substeps: int,
    ground: int,
    drag: int,
    wash: int,
) -> None:
    """Fly the drones in lane 0 of a block, and write down position and quaternion after each control step."""
    n = drones.shape[0]
    for k in range(rpms.shape[0]):
        for i in range(n):
            drones[i, N0], drones[i, N1], drones[i, N2], drones[i, N3] = (
                rpms[k, i, 0],
                rpms[k, i, 1],
                rpms[k, i, 2],
                rpms[k, i, 3],
            )
        for _ in range(substeps):
            for i in range(n):
                push_gpd(drones, memory, w, p, calm, i, ground, drag, wash)
            for i in range(n):
                d, m = drones[i], memory[i]
                m[0], m[1], m[2], m[3] = d[QX], d[QY], d[QZ], d[QW]
                m[4] = d[N0] + d[N1] + d[N2] + d[N3]
                # The rotors are among what pushes already.
                d[H0], d[H1], d[H2], d[H3] = 0.0, 0.0, 0.0, 0.0
                advance(d, p, 0)
        for i in range(n):
            for c in range(7):
                states[k + 1, i, c] = drones[i, c * WIDTH]


def fly_gpd(
    rpms: np.ndarray,
    positions: np.ndarray,
    orientations: np.ndarray,
    *,
    physics: str = "pyb",
    substeps: int = 5,
    frame: Airframe = AIRFRAMES["cf2x"],
) -> np.ndarray:
    """Fly drones from rest as the ``CtrlAviary`` of gym-pybullet-drones does, without meeting the ground.

    Parameters
    ----------
    rpms : ndarray, shape (T, n_drones, 4)
        Rotor speeds of each control step, which the rotors have at once.
    positions : ndarray, shape (n_drones, 3)
        Metres.
    orientations : ndarray, shape (n_drones, 4)
        Unit quaternions x, y, z, w.
    physics : str, default "pyb"
        One of ``GPD_PHYSICS``.
    substeps : int, default 5
        Of 1/240 s in a control step.
    frame : Airframe, optional

    Returns
    -------
    ndarray, shape (T + 1, n_drones, 7)
        Position and quaternion at the start and after each control step.

    Raises
    ------
    GameError
        For an unknown mode, or shapes that do not fit.

    Examples
    --------
    >>> import numpy as np
    >>> rpms = np.full((48, 1, 4), AIRFRAMES["cf2x"].hover_rpm)
    >>> states = fly_gpd(rpms, np.array([[0.0, 0.0, 1.0]]), np.array([[0.0, 0.0, 0.0, 1.0]]))
    >>> float(states[-1, 0, 2].round(12))
    1.0
    """
    if physics not in GPD_PHYSICS:
        raise GameError(f"gym-pybullet-drones has no physics {physics!r} here: choose from {', '.join(GPD_PHYSICS)}")
    speeds = np.asarray(rpms, dtype=float)
    n = len(positions)
    if speeds.ndim != 3 or speeds.shape[1:] != (n, 4):
        raise GameError(f"rpms must have shape (T, {n}, 4) for {n} positions, got {speeds.shape}")
    states = np.empty((len(speeds) + 1, n, 7))
    states[0, :, :3], states[0, :, 3:] = positions, orientations
    drones, memory = np.zeros((n, DRONE_FIELDS * WIDTH)), np.zeros((n, _MEMORY))
    drones[:, X : QW + 1 : WIDTH] = states[0]
    drones[:, MASS], drones[:, INERTIA] = frame.mass, 1.0
    memory[:, :4] = orientations
    parameters, still = frame.parameters(1 / 240), np.zeros(WORLD_FIELDS * WIDTH)
    calm = frame.replace(drag=(0.0, 0.0, 0.0)).parameters(1 / 240)
    fly = gear(fly_gpd_block, 300.0 * len(speeds) * n * substeps)
    fly(drones, memory, still, parameters, calm, speeds, states, substeps, *GPD_PHYSICS[physics])
    return states
