"""How far actions reach, by airframe: offsets and scales of the setpoints that tasks share."""

from __future__ import annotations

import numpy as np

from marlgt.games.drones.airframes import Airframe
from marlgt.games.drones.kernels.controllers import limits

__all__ = ["full_speed", "half_speed", "on_and_off", "trimmed_rotors", "two_levels"]

Span = tuple[np.ndarray, np.ndarray]


def trimmed_rotors(airframe: Airframe) -> Span:
    """Return rotor speeds within 5 % of hover."""
    return limits("motors", airframe)


def two_levels(airframe: Airframe) -> Span:
    """Return rotor speeds within 20 % of hover."""
    return limits("motors", airframe, share=0.2)


def on_and_off(airframe: Airframe) -> Span:
    """Return rotor speeds from standstill to the fastest."""
    half = np.full(4, 0.5 * airframe.max_rpm)
    return half, half.copy()


def half_speed(airframe: Airframe) -> Span:
    """Return velocities up to 0.5 m/s along each axis, and yaw rates up to 1 rad/s."""
    offset, scale = limits("velocity", airframe)
    return offset, scale * np.array([0.5, 0.5, 0.5, 1.0])


def full_speed(airframe: Airframe) -> Span:
    """Return velocities up to 1 m/s along each axis, and yaw rates up to 1 rad/s."""
    return limits("velocity", airframe)
