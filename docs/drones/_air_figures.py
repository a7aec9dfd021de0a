"""The figures of the pages on physics and on controllers: curves by the library's own kernels."""

import dataclasses

import matplotlib

matplotlib.use("Agg")

import matplotlib.pyplot as plt
import numpy as np

from marlgt.games.drones import AIRFRAMES, make_batch, make_task
from marlgt.games.drones.kernels import dynamics
from marlgt.games.drones.kernels.lanes import WIDTH
from marlgt.games.drones.kernels.layout import C0, DRONE_FIELDS, FZ, H0, MASS, N0, PZ, QW, WORLD_FIELDS, X, Z

# Okabe and Ito's colours, which people with any colour vision tell apart.
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7")
STYLES = ("-", "--", "-.", ":")
SUBSTEP = 1 / 240


def _panels(count, *, height=2.9):
    figure, axes = plt.subplots(1, count, figsize=(9.6, height), layout="constrained")
    return figure, axes


def _labelled(axes, title, xlabel, ylabel):
    axes.set_title(title, fontsize=9.5)
    axes.set_xlabel(xlabel, fontsize=9)
    axes.set_ylabel(ylabel, fontsize=9)
    axes.tick_params(labelsize=8)
    axes.grid(alpha=0.3)
    if axes.get_legend_handles_labels()[1]:
        axes.legend(frameon=False, fontsize=7.5)


def _hovering(frame, *, x=0.0, z=1.0):
    """Return the row of a drone that hovers, alone in a block."""
    row = np.zeros(DRONE_FIELDS * WIDTH)
    row[X], row[Z], row[QW], row[MASS] = x, z, 1.0, frame.mass
    for k in range(4):
        row[N0 + k * WIDTH] = row[C0 + k * WIDTH] = frame.hover_rpm
        row[H0 + k * WIDTH] = 1.0
    return row


def physics():
    """Ground effect, downwash and motor lag."""
    figure, (ground, wash, lag) = _panels(3)
    frame = AIRFRAMES["cf2x"]
    p, world = frame.parameters(SUBSTEP), np.zeros(WORLD_FIELDS * WIDTH)
    weight = frame.mass * frame.gravity

    heights = np.linspace(frame.height, 0.3, 120)
    lift = []
    for z in heights:
        drone = _hovering(frame, z=z)
        dynamics.air(drone, world, p, 0)
        lift.append(drone[FZ] / weight)
    ground.plot(heights, lift, color=COLOURS[0])
    _labelled(ground, "Ground effect", "height (m)", "extra lift of a hovering drone\n(share of its weight)")

    sides = np.linspace(-1.0, 1.0, 161)
    for k, dz in enumerate((0.2, 0.5, 1.0)):
        push = []
        for x in sides:
            below, above = _hovering(frame, x=x), _hovering(frame, z=1.0 + dz)
            dynamics.downwash(below, above, p, 0)
            push.append(-below[PZ] / weight)
        wash.plot(sides, push, color=COLOURS[k], linestyle=STYLES[k], label=f"{dz:g} m below")
    _labelled(
        wash, "Downwash of a hovering drone", "distance from its axis (m)", "push downwards\n(share of the weight)"
    )

    times = np.arange(121) * SUBSTEP
    for k, (name, preset) in enumerate(AIRFRAMES.items()):
        row, q, speeds = _hovering(preset), preset.parameters(SUBSTEP), [preset.hover_rpm]
        for m in range(4):
            row[C0 + m * WIDTH] = 1.2 * preset.hover_rpm
        for _ in times[1:]:
            dynamics.spin(row, q, 0)
            speeds.append(row[N0])
        lag.plot(times, np.array(speeds) / preset.hover_rpm, color=COLOURS[k], linestyle=STYLES[k], label=name)
    _labelled(lag, "A rotor asked for 1.2 of its speed", "time (s)", "rotor speed by that of hovering")
    return figure


def _step_response(control, frame, seconds, action, read):
    """Return times and what is read of a drone that starts at rest and gets the same wish all the time."""
    task = make_task("hover", actions=control, airframe=frame, rate=240, seconds=seconds + 1.0)
    still = dataclasses.replace(task, settings=(0.0,) * len(task.settings), tilt=-1.0)
    env = make_batch(still, n_envs=1)
    env.reset(seed=0)
    seen = [read(env.view())]
    for _ in range(round(240 * seconds)):
        env.step(np.array([[action(env.view(), still)]]))
        seen.append(read(env.view()))
    env.close()
    return np.arange(len(seen)) / 240, np.array(seen)


def controllers():
    """What the controllers make of a sudden wish, with three airframes."""
    figure, axes = _panels(3)

    def lean(view, task):
        offset, scale = task.span(task.airframe)
        lift = task.airframe.mass * task.airframe.gravity / view.rotations[0, 0, 2, 2]
        return (np.array([lift, 0.0, 0.3, 0.0]) - offset) / scale

    def fly(view, task):
        return np.array([1.0, 0.0, 0.0, 0.0])

    def go(view, task):
        return np.clip([1.0 - view.positions[0, 0, 0], 0.0, 1.0 - view.positions[0, 0, 2], 0.0], -1.0, 1.0)

    wishes = (
        ("attitude", 0.8, lean, lambda v: np.arcsin(-v.rotations[0, 0, 2, 0]), 0.3, "pitch (rad)"),
        ("velocity", 2.0, fly, lambda v: v.velocities[0, 0, 0], 0.5, "velocity (m/s)"),
        ("position", 4.0, go, lambda v: v.positions[0, 0, 0], 1.0, "position (m)"),
    )
    for panel, (control, seconds, action, read, wish, ylabel) in zip(axes, wishes):
        panel.axhline(wish, color="#555555", linewidth=1.0, linestyle=":")
        for k, name in enumerate(AIRFRAMES):
            times, seen = _step_response(control, name, seconds, action, read)
            panel.plot(times, seen, color=COLOURS[k], linestyle=STYLES[k], label=name)
        _labelled(panel, f"control by {control}", "time (s)", ylabel)
    return figure
