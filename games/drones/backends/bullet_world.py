"""Drones in Bullet: the reference that the compiled physics must equal, with contacts and a camera.

Each world is one Bullet of its own, without a window. Drones are articulated bodies of one link (``btMultiBody``), for
which Bullet's integrator is the one of :mod:`marlgt.games.drones.kernels.dynamics`. In every substep a drone is given
one force and one torque, in the axes of its body: Bullet turns them with the body's present rotation, so that rotors
need no links of their own, and substeps in which only rotors push need not be read back in between. A world takes about
28 MB.
"""

from __future__ import annotations

from types import TracebackType
from typing import Any

import numpy as np

from marlgt.errors import GameError
from marlgt.games.drones.airframes import ARM, STEP, THRUST, TORQUE, Airframe
from marlgt.games.drones.backends.bullet_bodies import add_drone, add_ground, add_obstacle, bullet_library
from marlgt.games.drones.kernels.dynamics import HARD_LANDING, spin
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
    WZ,
    X,
)
from marlgt.games.drones.scene import Scene
from marlgt.kernels import compiled, lane_kernel, lane_loop

__all__ = ["DRONE", "GROUND", "HARD", "OBSTACLE", "BulletWorld", "rotor_wrenches", "wrench", "wrenches"]

GROUND, HARD, OBSTACLE, DRONE = 0, 1, 2, 3
"""Columns of what a drone touched: the ground, the ground at more than ``HARD_LANDING``, an obstacle, a drone."""

_ORIGIN = (0.0, 0.0, 0.0)
_STATE = WZ // WIDTH - X // WIDTH + 1
_MASS, _INERTIA = MASS // WIDTH, INERTIA // WIDTH


@lane_kernel
def wrench(d: Any, p: Any, e: int, total: Any) -> None:
    """Set force and torque on a drone in its body's axes, from its rotors and from what else pushes and turns it."""
    qx, qy, qz, qw = d[QX + e], d[QY + e], d[QZ + e], d[QW + e]
    fx, fy, fz = d[FX + e], d[FY + e], d[FZ + e]
    n0, n1, n2, n3 = d[N0 + e], d[N1 + e], d[N2 + e], d[N3 + e]
    s0, s1, s2, s3 = d[H0 + e] * n0 * n0, d[H1 + e] * n1 * n1, d[H2 + e] * n2 * n2, d[H3 + e] * n3 * n3
    lever = p[THRUST] * p[ARM]
    # R^T F, of which the rotors' thrust is along the body's z.
    total[0] = (1.0 - 2.0 * (qy * qy + qz * qz)) * fx + 2.0 * (qx * qy + qz * qw) * fy + 2.0 * (qx * qz - qy * qw) * fz
    total[1] = 2.0 * (qx * qy - qz * qw) * fx + (1.0 - 2.0 * (qx * qx + qz * qz)) * fy + 2.0 * (qy * qz + qx * qw) * fz
    total[2] = 2.0 * (qx * qz + qy * qw) * fx + 2.0 * (qy * qz - qx * qw) * fy + (1.0 - 2.0 * (qx * qx + qy * qy)) * fz
    total[2] += p[THRUST] * (s0 + s1 + s2 + s3)
    total[3] = lever * (s2 + s3 - s0 - s1) + d[TX + e]
    total[4] = lever * (s1 + s2 - s0 - s3) + d[TY + e]
    total[5] = p[TORQUE] * (s1 - s0 + s3 - s2) + d[TZ + e]


@lane_loop
def wrenches(drones: Any, p: Any, e: int, totals: Any) -> None:
    """Set force and torque on every drone of a lane, ``totals`` of shape (n_drones, 6)."""
    for i in range(drones.shape[0]):
        wrench(drones[i], p, e, totals[i])


@lane_loop
def rotor_wrenches(drones: Any, p: Any, e: int, totals: Any) -> None:
    """Let the rotors follow their commands, and set what they do in each substep, shape (substeps, n_drones, 6).

    Nothing else pushes: the other forces and torques of the lane become 0.
    """
    for i in range(drones.shape[0]):
        d = drones[i]
        for field in range(FX, TZ + WIDTH, WIDTH):
            d[field + e] = 0.0
        for k in range(totals.shape[0]):
            spin(d, p, e)
            wrench(d, p, e, totals[k, i])


class BulletWorld:
    """The drones of one environment, in a Bullet of their own.

    Parameters
    ----------
    airframe : Airframe
        Of all drones. Mass and inertia of each are those of its row (``MASS``, ``INERTIA``) when it is placed.
    scene : Scene
        Its obstacles; the ground is a plane at 0. The arena's sides are not in the way.
    n_drones : int
    step : float, default 1/240
        Length of a substep, seconds.

    Examples
    --------
    >>> import numpy as np
    >>> from marlgt.games.drones.kernels.lanes import WIDTH
    >>> from marlgt.games.drones.airframes import AIRFRAMES
    >>> from marlgt.games.drones.kernels.layout import DRONE_FIELDS, INERTIA, MASS, QW, Z
    >>> from marlgt.games.drones.scene import Scene
    >>> drones = np.zeros((1, DRONE_FIELDS * WIDTH))
    >>> drones[0, [MASS, INERTIA, QW, Z]] = 0.027, 1.0, 1.0, 1.0
    >>> with BulletWorld(AIRFRAMES["cf2x"], Scene(), 1) as world:
    ...     world.place(drones, 0)
    ...     world.coast(drones, 0, 24)
    >>> round(float(drones[0, Z]), 3)
    0.949
    """

    def __init__(self, airframe: Airframe, scene: Scene, n_drones: int, *, step: float = 1 / 240) -> None:
        if n_drones < 1:
            raise GameError(f"a world needs at least one drone, got n_drones={n_drones}")
        self._bullet = bullet = bullet_library()
        self._client: int = bullet.connect(bullet.DIRECT)
        if self._client < 0:
            raise GameError("Bullet has no room for another world: close() worlds that are done, or use fewer at once")
        self.airframe = airframe
        self.parameters = airframe.parameters(step)
        client = {"physicsClientId": self._client}
        bullet.setGravity(0.0, 0.0, -airframe.gravity, **client)
        bullet.setTimeStep(step, **client)
        self._ground = add_ground(bullet, scene, client)
        self._obstacles = frozenset(add_obstacle(bullet, thing, client) for thing in scene.obstacles)
        self._bodies = [add_drone(bullet, airframe, i, client) for i in range(n_drones)]
        self._numbers = {body: i for i, body in enumerate(self._bodies)}
        # Mass in kg and the factor of inertia that Bullet has.
        self._weights = [(0.0, 0.0)] * n_drones
        self._touched = np.zeros((n_drones, 4), dtype=bool)
        self._totals = np.zeros((n_drones, 6))

    def place(self, drones: np.ndarray, lane: int, *, chosen: slice | list[int] | None = None) -> None:
        """Put drones where their rows of a block say, with their velocities, masses and inertias.

        Parameters
        ----------
        drones : ndarray, shape (n_drones, DRONE_FIELDS * WIDTH)
            The drones of a block.
        lane : int
            Of the block, the environment that this world is.
        chosen : slice or list of int, optional
            Which drones; all by default.
        """
        rows = self._lane(drones, lane).tolist()
        numbers = range(len(rows)) if chosen is None else np.arange(len(rows))[chosen].tolist()
        bullet, client = self._bullet, self._client
        for i in numbers:
            row, body = rows[i], self._bodies[i]
            weight = (row[_MASS], row[_INERTIA])
            if weight != self._weights[i]:
                self._weigh(body, *weight)
                self._weights[i] = weight
            bullet.resetBasePositionAndOrientation(body, row[0:3], row[3:7], client)
            bullet.resetBaseVelocity(body, row[7:10], row[10:13], client)
        self._touched[chosen if chosen is not None else slice(None)] = False

    def substep(self, drones: np.ndarray, lane: int) -> None:
        """Move all drones by one substep under what their rows hold, and write their new state into the rows.

        The rows give the rotors' speeds, and force and torque beside those of the rotors.
        """
        rows = self._lane(drones, lane)
        compiled(wrenches)(drones, self.parameters, lane, self._totals)
        self._push(self._totals.reshape(-1, 2, 3).tolist())
        self._read(rows)

    def coast(self, drones: np.ndarray, lane: int, substeps: int) -> None:
        """Move all drones by some substeps in still air, in which their rotors follow their commands, with their lag.

        The same as that many times ``spin`` and :meth:`substep` without other forces, at half the price.
        """
        rows = self._lane(drones, lane)
        totals = np.empty((substeps, len(self._bodies), 6))
        compiled(rotor_wrenches)(drones, self.parameters, lane, totals)
        for now in totals.reshape(substeps, -1, 2, 3).tolist():
            self._push(now)
        self._read(rows)

    def read(self, drones: np.ndarray, lane: int) -> None:
        """Write where the drones are, and how they move, into their rows of a block.

        A quaternion and its negative are the same attitude, and Bullet may give either.
        """
        self._read(self._lane(drones, lane))

    def contacts(self) -> np.ndarray:
        """Return what each drone touched since this was last asked, or since it was placed.

        Returns
        -------
        ndarray of bool, shape (n_drones, 4)
            Columns ``GROUND``, ``HARD``, ``OBSTACLE``, ``DRONE``.
        """
        touched = self._touched.copy()
        self._touched[:] = False
        return touched

    def render(
        self,
        width: int = 320,
        height: int = 240,
        *,
        target: tuple[float, float, float] = (0.0, 0.0, 0.5),
        distance: float = 2.5,
        yaw: float = 45.0,
        pitch: float = -25.0,
    ) -> np.ndarray:
        """Return a picture of the world, drawn without a screen or a graphics card.

        Parameters
        ----------
        width, height : int
            Pixels.
        target : tuple of float
            What the camera looks at, metres.
        distance : float
            Of the camera from the target, metres.
        yaw, pitch : float
            Direction of the camera, degrees.

        Returns
        -------
        ndarray of uint8, shape (height, width, 3)
            Red, green, blue.
        """
        bullet, client = self._bullet, {"physicsClientId": self._client}
        view = bullet.computeViewMatrixFromYawPitchRoll(target, distance, yaw, pitch, 0.0, 2, **client)
        lens = bullet.computeProjectionMatrixFOV(60.0, width / height, 0.05, 50.0, **client)
        pixels = bullet.getCameraImage(
            width, height, view, lens, shadow=0, renderer=bullet.ER_TINY_RENDERER,
            flags=bullet.ER_NO_SEGMENTATION_MASK, **client,
        )[2]  # fmt: skip
        return np.asarray(pixels, dtype=np.uint8).reshape(height, width, 4)[:, :, :3].copy()

    def close(self) -> None:
        """End this world; once ended, it can do nothing more."""
        if self._client >= 0:
            self._bullet.disconnect(self._client)
            self._client = -1

    def __enter__(self) -> BulletWorld:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, problem: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _lane(self, drones: np.ndarray, lane: int) -> np.ndarray:
        expected = (len(self._bodies), DRONE_FIELDS * WIDTH)
        if drones.shape != expected or not 0 <= lane < WIDTH:
            raise GameError(
                f"a block for {expected[0]} drones has shape {expected} and lanes 0 to {WIDTH - 1}, got shape "
                f"{drones.shape} and lane {lane}: make the world for as many drones as the block has"
            )
        if self._client < 0:
            raise GameError("this world was closed: make a new BulletWorld")
        return drones[:, lane::WIDTH]

    def _read(self, rows: np.ndarray) -> None:
        client = self._client
        pose, motion = self._bullet.getBasePositionAndOrientation, self._bullet.getBaseVelocity
        states = []
        for body in self._bodies:
            (x, q), (v, w) = pose(body, client), motion(body, client)
            states.append((*x, *q, *v, *w))
        rows[:, :_STATE] = states

    def _weigh(self, body: int, mass: float, inertia: float) -> None:
        moments = [inertia * moment for moment in self.airframe.inertia]
        self._bullet.changeDynamics(
            body, -1, mass=mass, localInertiaDiagonal=moments, physicsClientId=self._client
        )  # fmt: skip

    def _push(self, totals: list[list[list[float]]]) -> None:
        bullet, client = self._bullet, self._client
        force, torque, frame = bullet.applyExternalForce, bullet.applyExternalTorque, bullet.LINK_FRAME
        for body, (push, turn) in zip(self._bodies, totals):
            force(body, -1, push, _ORIGIN, frame, client)
            torque(body, -1, turn, frame, client)
        bullet.stepSimulation(client)
        points = bullet.getContactPoints(physicsClientId=client)
        if points:
            self._note(points)

    def _note(self, points: Any) -> None:
        blows = [0.0] * len(self._bodies)
        for point in points:
            one, other, force = point[1], point[2], point[9]
            # Bullet also lists points that are near without touching.
            if force <= 0.0:
                continue
            for body, against in ((one, other), (other, one)):
                i = self._numbers.get(body)
                if i is None:
                    continue
                if against == self._ground:
                    self._touched[i, GROUND] = True
                    blows[i] += force
                else:
                    self._touched[i, OBSTACLE if against in self._obstacles else DRONE] = True
        for i, blow in enumerate(blows):
            # The speed that the ground took away in this substep.
            if blow * self.parameters[STEP] > HARD_LANDING * self._weights[i][0]:
                self._touched[i, HARD] = True
