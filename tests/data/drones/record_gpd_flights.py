"""Record flights of gym-pybullet-drones into ``gpd_flights.npz``, which the tests of its physics modes compare with.

Run where gym-pybullet-drones (commit 90b178a), pybullet 3.2.7 and setuptools < 80 are installed:
``python tests/data/drones/record_gpd_flights.py``. Its ``CtrlAviary`` flies at 48 Hz with five substeps, from given
positions and attitudes, through rotor speeds drawn with NumPy's generator of the given seed.

For each flight, the archive holds ``NAME_rpm`` of shape (T, n, 4), and ``NAME_state`` of shape (T + 1, n, 7), position
and quaternion at the start and after each control step.
"""

import contextlib
import io
from pathlib import Path

import numpy as np
from gym_pybullet_drones.envs.CtrlAviary import CtrlAviary
from gym_pybullet_drones.utils.enums import Physics

# Name: physics, spread of the commands (0: all or nothing), control steps, positions.
HIGH = [[0.0, 0.0, 40.0]]
PAIR = [[0.0, 0.0, 5.0], [0.05, 0.02, 5.6]]
FOUR = [[0.0, 0.0, 0.6], [0.1, 0.05, 1.1], [0.9, -0.2, 0.7], [0.85, -0.15, 1.35]]
LOW = [[0.0, 0.0, 0.12], [1.0, 0.0, 0.3]]
FLIGHTS = {
    "pyb_mild": (Physics.PYB, 0.05, 96, HIGH),
    "pyb_wild": (Physics.PYB, 0.5, 96, HIGH),
    "pyb_on_off": (Physics.PYB, 0.0, 96, HIGH),
    "pyb_drag_mild": (Physics.PYB_DRAG, 0.05, 96, HIGH),
    "pyb_drag_wild": (Physics.PYB_DRAG, 0.5, 48, HIGH),
    "pyb_gnd": (Physics.PYB_GND, 0.02, 38, LOW),
    "pyb_dw": (Physics.PYB_DW, 0.05, 38, PAIR),
    "pyb_gnd_drag_dw": (Physics.PYB_GND_DRAG_DW, 0.03, 38, FOUR),
}


def fly(seed: int, physics: Physics, spread: float, steps: int, positions: list) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    n = len(positions)
    angles = 0.2 * rng.uniform(-1.0, 1.0, (n, 3))
    with contextlib.redirect_stdout(io.StringIO()):
        env = CtrlAviary(
            num_drones=n,
            physics=physics,
            pyb_freq=240,
            ctrl_freq=48,
            initial_xyzs=np.array(positions),
            initial_rpys=angles,
        )
        observation, _ = env.reset(seed=seed)
    shape = (steps, n, 4)
    if spread:
        rpm = env.HOVER_RPM * (1.0 + spread * rng.uniform(-1.0, 1.0, shape))
    else:
        rpm = env.MAX_RPM * rng.integers(0, 2, shape)
    states = [observation[:, :7]]
    for speeds in rpm:
        states.append(env.step(speeds)[0][:, :7])
    env.close()
    return rpm, np.array(states)


def main() -> None:
    arrays = {}
    for seed, (name, flight) in enumerate(FLIGHTS.items()):
        arrays[f"{name}_rpm"], arrays[f"{name}_state"] = fly(seed, *flight)
        print(name, arrays[f"{name}_state"][:, :, 2].min())
    np.savez_compressed(Path(__file__).parent / "gpd_flights.npz", **arrays)


if __name__ == "__main__":
    main()
