"""How far the compiled drone physics is from Bullet's, and from that of gym-pybullet-drones.

Free flight: random drones, two seconds, random rotor commands at 30 Hz, with motor lag where the airframe has it and
with rotor drag; asked for are 1e-9 m and rad in double and 5e-4 in single precision. gym-pybullet-drones: flights that
were recorded there in each of its physics modes, flown again; asked for are 1e-9. The ground: one drone without a
controller; asked for are 2 mm in height in the end, and 3 cm in all two seconds after a take-off from rest. Sideways
is shown and not judged otherwise: Bullet rocks a drone that has just touched the ground, and it leaves at a tilt. A
hard landing is chaos in Bullet, and a crash in every task: that row shows it and is not judged.
"""

from __future__ import annotations

import time
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.studies import record_study
from marlgt.games.drones.airframes import AIRFRAMES
from marlgt.games.drones.backends.bullet_fidelity import REGIMES, TRIALS, free_flight_deviation, ground_deviation
from marlgt.games.drones.kernels.gpd_dynamics import GPD_PHYSICS, fly_gpd

DOUBLE, SINGLE, RESTING, TAKING_OFF = 1e-9, 5e-4, 0.002, 0.03
FLIGHTS = Path(__file__).parents[1] / "tests" / "data" / "drones" / "gpd_flights.npz"


def study(folder: Path) -> None:
    """Fly all comparisons and write ``drone_fidelity`` as .json, .md and .png."""
    import pybullet

    started = time.process_time()
    free, replayed, ground = free_flights(), recorded_flights(), ground_trials()
    record_study(
        folder,
        "drone_fidelity",
        title="Drone physics against Bullet",
        text=__doc__ or "",
        settings={"drones": 64, "seconds": 2.0, "substep": "1/240 s", "bullet": pybullet.getAPIVersion()},
        rows=[*free, *replayed, *ground],
        tables={
            "Free flight: greatest deviation": _free_table(free),
            "gym-pybullet-drones: recorded flights flown again": _replay_table(replayed),
            "On the ground": _ground_table(ground),
        },
        draw=partial(draw, free=free, replayed=replayed),
        seconds=time.process_time() - started,
    )


def free_flights() -> list[dict[str, Any]]:
    rows = []
    for name, frame in AIRFRAMES.items():
        for regime in REGIMES:
            for single in (False, True):
                far, turned = free_flight_deviation(frame, regime, single=single)
                asked = SINGLE if single else DOUBLE
                rows.append(
                    {
                        "kind": "free flight",
                        "airframe": name,
                        "regime": regime,
                        "precision": "single" if single else "double",
                        "metres": far,
                        "radians": turned,
                        "met": max(far, turned) <= asked,
                    }
                )
    return rows


def recorded_flights() -> list[dict[str, Any]]:
    rows = []
    with np.load(FLIGHTS, allow_pickle=False) as flights:
        for name in sorted(key[: -len("_rpm")] for key in flights.files if key.endswith("_rpm")):
            rpm, states = flights[f"{name}_rpm"], flights[f"{name}_state"]
            physics = max((mode for mode in GPD_PHYSICS if name.startswith(mode)), key=len)
            ours = fly_gpd(rpm, states[0, :, :3], states[0, :, 3:], physics=physics)
            signs = np.sign((ours[..., 3:] * states[..., 3:]).sum(axis=-1, keepdims=True))
            far = float(np.sqrt(((ours[..., :3] - states[..., :3]) ** 2).sum(axis=-1)).max())
            chord = float(np.sqrt(((signs * ours[..., 3:] - states[..., 3:]) ** 2).sum(axis=-1)).max())
            rows.append(
                {
                    "kind": "recorded flight",
                    "flight": name,
                    "physics": physics,
                    "drones": rpm.shape[1],
                    "seconds": len(rpm) / 48,
                    "metres": far,
                    "radians": 4.0 * float(np.arcsin(chord / 2.0)),
                    "met": max(far, 2.0 * chord) <= DOUBLE,
                }
            )
    return rows


def ground_trials() -> list[dict[str, Any]]:
    rows = []
    for name, trial in TRIALS.items():
        found = ground_deviation(AIRFRAMES["cf2x"], trial)
        met: bool | None = found.height <= RESTING
        if name == "take-off after 2 s of rest":
            met = float(np.hypot(found.height, found.sideways)) <= TAKING_OFF
        elif name.startswith("hard"):
            met = None
        rows.append(
            {
                "kind": "ground",
                "trial": name,
                "end_height_ours": found.heights[0],
                "end_height_bullet": found.heights[1],
                "height": found.height,
                "sideways": found.sideways,
                "highest": found.highest,
                "tilt_ours": found.tilts[0],
                "tilt_bullet": found.tilts[1],
                "hard_ours": found.hits[0],
                "hard_bullet": found.hits[1],
                "met": met,
            }
        )
    return rows


def _free_table(rows: list[dict[str, Any]]) -> list[list[str]]:
    table = [["airframe", "commands", "double, m", "rad", "single, m", "rad", "goal"]]
    for one, two in zip(rows[::2], rows[1::2]):
        numbers = [f"{row[key]:.1e}" for row in (one, two) for key in ("metres", "radians")]
        table.append([one["airframe"], one["regime"], *numbers, _verdict(one["met"] and two["met"])])
    return table


def _replay_table(rows: list[dict[str, Any]]) -> list[list[str]]:
    table = [["flight", "physics", "drones", "seconds", "m", "rad", "goal"]]
    for row in rows:
        shown = [f"{row['seconds']:.1f}", f"{row['metres']:.1e}", f"{row['radians']:.1e}"]
        table.append([row["flight"], row["physics"], str(row["drones"]), *shown, _verdict(row["met"])])
    return table


def _ground_table(rows: list[dict[str, Any]]) -> list[list[str]]:
    head = ["trial", "height in the end, ours", "Bullet", "apart, mm", "sideways, mm", "most on the way, mm"]
    table = [[*head, "tilt in the end, ours", "Bullet, rad", "hard landing, ours", "Bullet", "goal"]]
    for row in rows:
        heights = [f"{row[key]:.5f}" for key in ("end_height_ours", "end_height_bullet")]
        apart = [f"{1000 * row[key]:.2f}" for key in ("height", "sideways", "highest")]
        tilts = [f"{row[key]:.4f}" for key in ("tilt_ours", "tilt_bullet")]
        hard = ["yes" if row[key] else "no" for key in ("hard_ours", "hard_bullet")]
        table.append([row["trial"], *heights, *apart, *tilts, *hard, _verdict(row["met"])])
    return table


def _verdict(met: bool | None) -> str:
    return "" if met is None else "met" if met else "**missed**"


def draw(figure: Any, *, free: list[dict[str, Any]], replayed: list[dict[str, Any]]) -> None:
    """Draw the distances after two seconds, and those of the recorded flights."""
    figure.set_size_inches(11, 4.5)
    left, right = figure.subplots(1, 2, sharey=True)
    places = np.arange(len(REGIMES))
    for k, name in enumerate(AIRFRAMES):
        for precision, colour in (("double", "tab:blue"), ("single", "tab:orange")):
            own = [row["metres"] for row in free if row["airframe"] == name and row["precision"] == precision]
            left.plot(places + 0.15 * (k - 1), own, "osD"[k], color=colour, label=f"{name}, {precision}")
    left.set_xticks(places, REGIMES)
    left.set_yscale("log")
    left.set_ylabel("greatest distance, m")
    left.set_title("from Bullet, two seconds of free flight")
    left.legend(fontsize=8)
    right.plot(range(len(replayed)), [row["metres"] for row in replayed], "o", color="tab:blue")
    right.set_xticks(range(len(replayed)), [row["flight"] for row in replayed], rotation=40, ha="right")
    right.set_title("from gym-pybullet-drones, recorded flights")
    for ax in (left, right):
        ax.axhline(DOUBLE, color="tab:blue", linestyle=":")
        ax.axhline(SINGLE, color="tab:orange", linestyle=":")
        ax.set_ylim(1e-16, 1e-2)


if __name__ == "__main__":
    study(Path(__file__).parent / "results")
