"""A made-up flight that shows everything a picture of one can hold."""

import dataclasses

import numpy as np
import pytest

from marlgt.games.drones import Box, Flight, Pillar, Scene, gate


def helix(*, n_drones=3, seconds=8.0, rate=30, task="helix", hostile=False):
    """Drones climb on a helix through a gate and around a pillar, each leaning into its turn."""
    steps = round(seconds * rate)
    times = np.arange(steps + 1) / rate
    angle = 2 * np.pi * (times[:, None] / 6.0 + np.arange(n_drones) / n_drones)
    radius = 1.1 + 0.2 * np.sin(times[:, None] + np.arange(n_drones))
    height = np.minimum(0.05 + 0.22 * times, 1.4)[:, None] + 0.12 * np.arange(n_drones)
    positions = np.stack([radius * np.cos(angle), radius * np.sin(angle), height], axis=2)
    velocities = np.gradient(positions, times, axis=0)
    # Roll of 0.35 rad to the left of the way, and the nose along it: first roll, then yaw.
    yaw = angle + np.pi / 2
    roll = np.full_like(yaw, -0.35) + 0.05 * np.arange(n_drones)
    orientations = np.stack(
        [
            np.cos(yaw / 2) * np.sin(roll / 2),
            np.sin(yaw / 2) * np.sin(roll / 2),
            np.sin(yaw / 2) * np.cos(roll / 2),
            np.cos(yaw / 2) * np.cos(roll / 2),
        ],
        axis=2,
    )
    rotors = 14500.0 + 600 * np.sin(5 * times[:, None, None] + np.arange(4))[:, :, :] * np.ones((1, n_drones, 1))
    goals = np.repeat(positions[-1:], steps + 1, axis=0)
    distance = np.linalg.norm(positions - goals, axis=2)[1:]
    return Flight(
        task="</script><img src=x onerror=alert(1)>" if hostile else task,
        policy="scripted",
        backend="numba",
        times=times,
        positions=positions,
        velocities=velocities,
        orientations=orientations,
        rotors=rotors,
        goals=goals,
        rewards=1 / (1 + distance**2),
        loads=np.zeros((0, 3)),
        scene=Scene(
            obstacles=(
                Pillar((0.0, 0.0, 0.75), 0.18, 0.75),
                *gate((-0.9, -0.7, 0.9), width=0.8, height=0.8, angle=-0.6),
                Box((1.2, 1.4, 0.3), (0.3, 0.2, 0.3), 0.4),
            )
        ),
        success=True,
        crashed=False,
    )


@pytest.fixture
def make_flight():
    return helix


@pytest.fixture
def flight():
    return helix()


@pytest.fixture
def short_flight():
    """Half a second of two drones that carry a load, without goals."""
    made = helix(n_drones=2, seconds=0.5)
    return dataclasses.replace(made, goals=0 * made.goals, loads=made.positions.mean(axis=1) - [0, 0, 0.05])
