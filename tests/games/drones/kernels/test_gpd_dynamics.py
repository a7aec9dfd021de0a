"""The physics modes of gym-pybullet-drones against flights recorded there (see tests/data/drones)."""

from pathlib import Path

import numpy as np
import pytest

from marlgt.errors import GameError
from marlgt.games.drones.kernels.gpd_dynamics import GPD_PHYSICS, fly_gpd

DATA = Path(__file__).parents[3] / "data" / "drones" / "gpd_flights.npz"
NAMES = [
    "pyb_mild",
    "pyb_wild",
    "pyb_on_off",
    "pyb_drag_mild",
    "pyb_drag_wild",
    "pyb_gnd",
    "pyb_dw",
    "pyb_gnd_drag_dw",
]


def recorded(name):
    """Return rotor speeds, states, and the physics mode of a recorded flight."""
    with np.load(DATA, allow_pickle=False) as flights:
        rpm, states = flights[f"{name}_rpm"], flights[f"{name}_state"]
    return rpm, states, max((mode for mode in GPD_PHYSICS if name.startswith(mode)), key=len)


def apart(ours, theirs):
    """Return the greatest distance in metres, and the greatest angle in radians."""
    signs = np.sign((ours[..., 3:] * theirs[..., 3:]).sum(axis=-1, keepdims=True))
    distance = np.sqrt(((ours[..., :3] - theirs[..., :3]) ** 2).sum(axis=-1)).max()
    chord = np.sqrt(((signs * ours[..., 3:] - theirs[..., 3:]) ** 2).sum(axis=-1)).max()
    return distance, 4.0 * np.arcsin(chord / 2.0)


def test_every_flight_that_was_recorded_is_compared():
    with np.load(DATA, allow_pickle=False) as flights:
        assert sorted(flights.files) == sorted(f"{name}_{kind}" for name in NAMES for kind in ("rpm", "state"))
    assert {recorded(name)[2] for name in NAMES} == set(GPD_PHYSICS)


@pytest.mark.parametrize("gear", ["plain", "compiled"])
@pytest.mark.parametrize("name", NAMES)
def test_a_recorded_flight_is_flown_again_to_the_last_digits(name, gear, monkeypatch):
    monkeypatch.setenv("MARLGT_GEAR", gear)
    rpm, states, physics = recorded(name)
    ours = fly_gpd(rpm, states[0, :, :3], states[0, :, 3:], physics=physics)
    distance, angle = apart(ours, states)
    assert distance <= 1e-9
    assert angle <= 1e-9


@pytest.mark.parametrize("name", [name for name in NAMES if recorded(name)[2] != "pyb"])
def test_each_mode_is_told_from_the_others(name):
    rpm, states, physics = recorded(name)
    for other in GPD_PHYSICS:
        if other != physics:
            ours = fly_gpd(rpm, states[0, :, :3], states[0, :, 3:], physics=other)
            assert apart(ours, states)[0] > 1e-5


def test_an_unknown_mode_is_refused():
    with pytest.raises(GameError, match="no physics 'dyn' here: choose from pyb, pyb_gnd"):
        fly_gpd(np.ones((2, 1, 4)), np.zeros((1, 3)), np.zeros((1, 4)), physics="dyn")


def test_rotor_speeds_for_another_number_of_drones_are_refused():
    with pytest.raises(GameError, match=r"rpms must have shape \(T, 1, 4\) for 1 positions, got \(2, 3, 4\)"):
        fly_gpd(np.ones((2, 3, 4)), np.zeros((1, 3)), np.zeros((1, 4)))
