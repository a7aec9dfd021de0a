"""The parameters of a quadrotor, with units, and the presets of the field.

Sources: gym-pybullet-drones (its ``cf2x.urdf``), learning-to-fly (Eschmann et al., 2024), and the Crazyflie 2.1 with
250 mm propellers as identified in the drone-models package (``cf2x_L250``).
"""

from __future__ import annotations

import dataclasses
import math
from typing import Any

import numpy as np

from marlgt.errors import GameError
from marlgt.games._arrays import short
from marlgt.games._doors import is_number

__all__ = ["AIRFRAMES", "Airframe", "airframe"]


@dataclasses.dataclass(frozen=True, kw_only=True)
class Airframe:
    """A quadrotor in X configuration: rotors 0 front right, 1 back right, 2 back left, 3 front left.

    Attributes
    ----------
    name : str
        What it is called in records.
    mass : float
        Kilograms.
    inertia : tuple of float
        Principal moments about the body axes, kg m².
    arm : float
        Distance of a rotor from the centre along x and along y, metres.
    thrust : float
        Force of a rotor by the square of its speed, N/rpm².
    torque : float
        Torque of a rotor about its axis by the square of its speed, N m/rpm².
    max_rpm : float
        Fastest rotor speed.
    motor_lag : float
        Time constant of the rotors' first-order lag, seconds; 0 for none.
    damping : float
        Share of speed, linear and angular, lost per second, and again per unit of speed: Bullet's default is 0.04.
    drag : tuple of float
        Rotor drag along each axis by the sum of rotor speeds, N s²/(rad m), after Förster (2015).
    ground_effect : float
        Ground effect coefficient after Shi et al. (2019); 0 for none.
    propeller : float
        Radius of a propeller, metres.
    downwash : float
        Share of a drone's thrust that pushes on a drone right below it; 0 for none.
    gravity : float
        m/s².
    radius : float
        Radius of the sphere that must not touch anything, metres.
    height : float
        Height of the centre above the ground at rest, metres.
    """

    name: str = "custom"
    mass: float
    inertia: tuple[float, float, float]
    arm: float
    thrust: float
    torque: float
    max_rpm: float
    motor_lag: float = 0.0
    damping: float = 0.04
    drag: tuple[float, float, float] = (0.0, 0.0, 0.0)
    ground_effect: float = 0.0
    propeller: float = 0.0231348
    downwash: float = 0.0
    gravity: float = 9.8
    radius: float = 0.06
    height: float = 0.0135

    def __post_init__(self) -> None:
        for field in dataclasses.fields(self):
            value = getattr(self, field.name)
            if field.name == "name":
                if not isinstance(value, str):
                    raise GameError(f"airframe: name must be text, got {short(value)}")
                continue
            vector = field.name in ("inertia", "drag")
            if vector and isinstance(value, (list, np.ndarray)) and np.ndim(value) == 1:
                value = tuple(value)
            numbers = value if isinstance(value, tuple) else (value,)
            if not all(is_number(v, largest=LARGEST) for v in numbers):
                raise GameError(f"airframe: {field.name} must be finite numbers up to {LARGEST:g}, got {short(value)}")
            if len(numbers) != (3 if vector else 1):
                asked = "three numbers" if vector else "one number"
                raise GameError(f"airframe: {field.name} must be {asked}, got {short(value)}: {_UNITS[field.name]}")
            positive = field.name in _POSITIVE
            if any(v < SMALLEST if positive else v < 0 for v in numbers):
                rule = f"positive, from {SMALLEST:g} on" if positive else "at least 0"
                raise GameError(f"airframe: {field.name} must be {rule}, got {short(value)}: {_UNITS[field.name]}")
            exact = tuple(map(float, numbers))
            object.__setattr__(self, field.name, exact if vector else exact[0])
        if self.thrust_to_weight <= 1.0:
            raise GameError(
                f"airframe: four rotors at {self.max_rpm} rpm lift {self.thrust_to_weight:.3g} times the weight of "
                f"{self.mass} kg, which cannot fly: give more max_rpm or thrust, or less mass"
            )

    @property
    def hover_rpm(self) -> float:
        """Rotor speed at which four rotors carry the weight."""
        return math.sqrt(self.mass * self.gravity / (4 * self.thrust))

    @property
    def thrust_to_weight(self) -> float:
        """Force of four rotors at full speed over the weight."""
        return 4 * self.thrust * self.max_rpm**2 / (self.mass * self.gravity)

    @property
    def bandwidths(self) -> tuple[float, float]:
        """Bandwidth of the tilt and of the yaw rate that the rotors can follow, rad/s.

        A turn of 1 rad at bandwidth b takes an angular acceleration of b², gained at a rate of b³. The first is bounded
        by what the rotors give beside the weight, the second by how fast their lag lets them speed up from hovering.
        """
        spare, inertia = self.max_rpm - self.hover_rpm, max(self.inertia[0], self.inertia[1])
        force = self.thrust * min(self.hover_rpm**2, self.max_rpm**2 - self.hover_rpm**2)
        swiftness = math.inf
        if self.motor_lag > 0:
            swiftness = 2 * self.thrust * self.hover_rpm * min(self.hover_rpm, spare) / self.motor_lag
        per_roll, per_yaw = 4 * self.arm / inertia, 4 * self.torque / self.thrust / self.inertia[2]
        tilt = min(25.0, 1.1 * math.sqrt(per_roll * force), 1.1 * (per_roll * swiftness) ** (1 / 3))
        return tilt, min(12.0, 0.3 * per_yaw * force, 0.5 * math.sqrt(per_yaw * swiftness))

    def replace(self, **changes: Any) -> Airframe:
        """Return this airframe with some parameters changed.

        Examples
        --------
        >>> airframe("cf2x").replace(mass=0.03).hover_rpm > airframe("cf2x").hover_rpm
        True
        """
        names = [field.name for field in dataclasses.fields(self)]
        for name in changes:
            if name not in names:
                raise GameError(f"an airframe has no {name!r}: it has {', '.join(names)}")
        return dataclasses.replace(self, **changes)

    def parameters(self, step: float) -> np.ndarray:
        """Return the parameters as the physics kernels read them, for substeps of this many seconds."""
        values = np.zeros(N_PARAMETERS)
        values[STEP] = step
        values[THRUST], values[TORQUE], values[ARM] = self.thrust, self.torque, self.arm
        values[GRAVITY] = self.gravity
        values[JX], values[JY], values[JZ] = self.inertia
        # Bullet keeps its damping in single precision.
        values[DAMPING] = np.float32(self.damping)
        values[GAIN] = 1.0 if self.motor_lag == 0 else 1.0 - math.exp(-step / self.motor_lag)
        values[DRAG_X], values[DRAG_Y], values[DRAG_Z] = (2 * math.pi / 60 * c for c in self.drag)
        values[GROUND], values[PROPELLER] = self.ground_effect, self.propeller
        # Below this height the ground effect no longer grows: all four rotors then lift at most their full thrust.
        full = 4 * self.thrust * self.max_rpm**2
        values[GROUND_CLIP] = (
            0.25 * self.propeller * math.sqrt(max(15 * self.max_rpm**2 * self.thrust * self.ground_effect / full, 1.0))
        )
        values[DOWNWASH], values[MAX_RPM], values[HOVER_RPM] = self.downwash, self.max_rpm, self.hover_rpm
        values[NOMINAL_MASS], values[RADIUS], values[HEIGHT] = self.mass, self.radius, self.height
        values[TILT_BANDWIDTH], values[YAW_BANDWIDTH] = self.bandwidths
        return values


# Where each parameter lies in the vector that the kernels read.
STEP, THRUST, TORQUE, ARM, GRAVITY = 0, 1, 2, 3, 4
JX, JY, JZ, DAMPING, GAIN = 5, 6, 7, 8, 9
DRAG_X, DRAG_Y, DRAG_Z = 10, 11, 12
GROUND, PROPELLER, GROUND_CLIP, DOWNWASH = 13, 14, 15, 16
MAX_RPM, HOVER_RPM, NOMINAL_MASS, RADIUS, HEIGHT = 17, 18, 19, 20, 21
TILT_BANDWIDTH, YAW_BANDWIDTH = 22, 23
N_PARAMETERS = 24

LARGEST, SMALLEST = 1e12, 1e-30
"""Of a parameter, in its unit: beyond these bounds, products of several leave the range of floats."""

_POSITIVE = ("mass", "inertia", "arm", "thrust", "torque", "max_rpm", "gravity", "propeller", "radius")
_UNITS = {
    "mass": "kilograms",
    "inertia": "kg m²",
    "arm": "metres",
    "thrust": "N/rpm²",
    "torque": "N m/rpm²",
    "max_rpm": "revolutions per minute",
    "motor_lag": "seconds",
    "damping": "a share per second",
    "drag": "N s²/(rad m)",
    "ground_effect": "a coefficient",
    "propeller": "metres",
    "downwash": "a factor",
    "gravity": "m/s²",
    "radius": "metres",
    "height": "metres",
}

_CF2X = Airframe(
    name="cf2x",
    mass=0.027,
    inertia=(1.4e-5, 1.4e-5, 2.17e-5),
    arm=0.028,
    thrust=3.16e-10,
    torque=7.94e-12,
    max_rpm=math.sqrt(2.25 * 0.027 * 9.8 / (4 * 3.16e-10)),
    drag=(9.1785e-7, 9.1785e-7, 10.311e-7),
    ground_effect=11.36859,
    downwash=0.3,
)

AIRFRAMES: dict[str, Airframe] = {
    "cf2x": _CF2X,
    "cf2x_l2f": dataclasses.replace(
        _CF2X,
        name="cf2x_l2f",
        inertia=(3.85e-6, 3.85e-6, 5.9675e-6),
        torque=0.005964552 * 3.16e-10,
        max_rpm=21702.0,
        motor_lag=0.15,
        gravity=9.81,
    ),
    "cf2x_l250": dataclasses.replace(
        _CF2X,
        name="cf2x_l250",
        mass=0.0319,
        inertia=(1.68e-5, 1.68e-5, 2.98e-5),
        arm=0.03253,
        thrust=2.458e-10,
        torque=0.00735 * 2.458e-10,
        max_rpm=math.sqrt(0.12 / 2.458e-10),
        motor_lag=1 / 7,
        gravity=9.81,
    ),
}
"""The presets by name: ``cf2x`` as gym-pybullet-drones flies it (no motor lag), and two with their motors' lag."""


def airframe(name: str) -> Airframe:
    """Return a preset by name.

    Raises
    ------
    GameError
        If there is no such preset.

    Examples
    --------
    >>> round(airframe("cf2x").hover_rpm, 2)
    14468.43
    """
    if not isinstance(name, str) or name not in AIRFRAMES:
        raise GameError(f"there is no airframe {short(name)}: choose from {', '.join(AIRFRAMES)}, or make an Airframe")
    return AIRFRAMES[name]
