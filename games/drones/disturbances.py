"""What makes episodes differ and flying hard: random airframes, wind, sensor noise, weak motors, lost drones."""

from __future__ import annotations

import dataclasses
from math import cos, sin, sqrt
from typing import Any

import numpy as np

from marlgt.errors import GameError
from marlgt.games._arrays import short
from marlgt.games._doors import is_number
from marlgt.games.drones.airframes import NOMINAL_MASS
from marlgt.games.drones.kernels.draws import gaussian_now, uniform
from marlgt.games.drones.kernels.lanes import where
from marlgt.games.drones.kernels.layout import (
    H0,
    H1,
    H2,
    H3,
    INERTIA,
    LOST,
    MASS,
    MEAN_WIND_X,
    MEAN_WIND_Y,
    SPX,
    SPY,
    SPZ,
    SVX,
    SVY,
    SVZ,
    SWX,
    SWY,
    SWZ,
    WIND_X,
    WIND_Y,
    WIND_Z,
)
from marlgt.kernels import lane_kernel

__all__ = ["Disturbances", "blow", "disturb", "sense"]

DRAWS_AT_START = 16
"""Random numbers that each drone takes here when an episode starts; the world's wind takes the first two."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Disturbances:
    """What is drawn anew in each episode, or in each control step; nothing by default.

    Attributes
    ----------
    mass, inertia, motors : float
        Largest relative change of each drone's mass, of its inertia, and of each rotor's force; uniform.
    wind : float
        Largest steady wind, m/s, in a horizontal direction drawn with it.
    gusts : float
        Standard deviation of the wind about its mean, m/s, along each axis; it decays within a second.
    position_noise, velocity_noise, rate_noise : float
        Standard deviation of what sensors add, in m, m/s and rad/s, along each axis and in each step.
    motor_failure : float
        Probability that one rotor of a drone is weak in an episode.
    failed_thrust : float
        Share of its force that a weak rotor keeps.
    loss : float
        Probability that a drone is lost at some moment of an episode: its rotors stop, and it no longer counts.
    """

    mass: float = 0.0
    inertia: float = 0.0
    motors: float = 0.0
    wind: float = 0.0
    gusts: float = 0.0
    position_noise: float = 0.0
    velocity_noise: float = 0.0
    rate_noise: float = 0.0
    motor_failure: float = 0.0
    failed_thrust: float = 0.6
    loss: float = 0.0

    def __post_init__(self) -> None:
        for field in dataclasses.fields(self):
            value = getattr(self, field.name)
            if not is_number(value, largest=LARGEST) or value < 0:
                raise GameError(
                    f"disturbances: {field.name} must be a finite number of at least 0, at most {LARGEST:g}, "
                    f"got {short(value)}"
                )
            if field.name in ("mass", "inertia", "motors") and value >= 1:
                raise GameError(f"disturbances: {field.name} must be below 1, or it could reach 0, got {value!r}")
            if field.name in ("motor_failure", "failed_thrust", "loss") and value > 1:
                raise GameError(f"disturbances: {field.name} is a probability or a share, at most 1, got {value!r}")
            object.__setattr__(self, field.name, float(value))

    def parameters(self) -> np.ndarray:
        """Return the numbers in the order of the fields, as the kernels read them."""
        return np.array(dataclasses.astuple(self))


LARGEST = 1e6
"""Of any disturbance, in its unit."""

MASS_SPREAD, INERTIA_SPREAD, MOTOR_SPREAD, WIND, GUSTS = 0, 1, 2, 3, 4
POSITION_NOISE, VELOCITY_NOISE, RATE_NOISE = 5, 6, 7
FAILURE, FAILED_THRUST, LOSS = 8, 9, 10


@lane_kernel
def disturb(drones: Any, w: Any, c: Any, p: Any, o: Any, n: int, horizon: int, e: int) -> None:
    """Draw what holds for an episode: the drones' airframes, the mean wind, who fails and who is lost."""
    angle = 6.283185307179586 * uniform(c, 0, e)
    speed = o[WIND] * uniform(c, 1, e)
    w[MEAN_WIND_X + e] = speed * cos(angle)
    w[MEAN_WIND_Y + e] = speed * sin(angle)
    w[WIND_X + e] = w[MEAN_WIND_X + e]
    w[WIND_Y + e] = w[MEAN_WIND_Y + e]
    for i in range(n):
        k = 2 + DRAWS_AT_START * i
        drones[i, MASS + e] = p[NOMINAL_MASS] * (1.0 + o[MASS_SPREAD] * (2.0 * uniform(c, k, e) - 1.0))
        drones[i, INERTIA + e] = 1.0 + o[INERTIA_SPREAD] * (2.0 * uniform(c, k + 1, e) - 1.0)
        weak = where(uniform(c, k + 2, e) < o[FAILURE], 4.0 * uniform(c, k + 3, e), -1.0)
        spread, kept = o[MOTOR_SPREAD], o[FAILED_THRUST]
        drones[i, H0 + e] = (1.0 + spread * (2.0 * uniform(c, k + 4, e) - 1.0)) * where(
            (weak >= 0.0) & (weak < 1.0), kept, 1.0
        )
        drones[i, H1 + e] = (1.0 + spread * (2.0 * uniform(c, k + 5, e) - 1.0)) * where(
            (weak >= 1.0) & (weak < 2.0), kept, 1.0
        )
        drones[i, H2 + e] = (1.0 + spread * (2.0 * uniform(c, k + 6, e) - 1.0)) * where(
            (weak >= 2.0) & (weak < 3.0), kept, 1.0
        )
        drones[i, H3 + e] = (1.0 + spread * (2.0 * uniform(c, k + 7, e) - 1.0)) * where(weak >= 3.0, kept, 1.0)
        moment = horizon * uniform(c, k + 9, e)
        drones[i, LOST + e] = where(uniform(c, k + 8, e) < o[LOSS], moment, 1e9)


@lane_kernel
def blow(w: Any, c: Any, o: Any, seconds: float, e: int) -> None:
    """Let the wind drift for a control step: an Ornstein-Uhlenbeck process about its mean that forgets in a second."""
    size = o[GUSTS] * sqrt(2.0 * seconds)
    w[WIND_X + e] = w[WIND_X + e] + seconds * (w[MEAN_WIND_X + e] - w[WIND_X + e]) + size * gaussian_now(c, 0, e)
    w[WIND_Y + e] = w[WIND_Y + e] + seconds * (w[MEAN_WIND_Y + e] - w[WIND_Y + e]) + size * gaussian_now(c, 2, e)
    w[WIND_Z + e] = w[WIND_Z + e] - seconds * w[WIND_Z + e] + size * gaussian_now(c, 4, e)


@lane_kernel
def sense(drones: Any, c: Any, o: Any, i: int, e: int) -> None:
    """Draw what a drone's sensors add in this step."""
    k = 16 + 32 * i
    position, velocity, rate = o[POSITION_NOISE], o[VELOCITY_NOISE], o[RATE_NOISE]
    drones[i, SPX + e] = position * gaussian_now(c, k, e)
    drones[i, SPY + e] = position * gaussian_now(c, k + 2, e)
    drones[i, SPZ + e] = position * gaussian_now(c, k + 4, e)
    drones[i, SVX + e] = velocity * gaussian_now(c, k + 6, e)
    drones[i, SVY + e] = velocity * gaussian_now(c, k + 8, e)
    drones[i, SVZ + e] = velocity * gaussian_now(c, k + 10, e)
    drones[i, SWX + e] = rate * gaussian_now(c, k + 12, e)
    drones[i, SWY + e] = rate * gaussian_now(c, k + 14, e)
    drones[i, SWZ + e] = rate * gaussian_now(c, k + 16, e)
