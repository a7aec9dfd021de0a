"""Linear-quadratic regulators of hovering, found from the physics itself.

Near hover, a control step of the physics is x' = A x + B u, with x what a drone lacks to hovering at its goal and u how
far its rotors' commands are from those of hovering. The value P of the cost sum x'Qx + u'Ru solves the discrete Riccati
equation, the best command is u = -K x, and where commands are few, the best is the one whose step, simulated with all
that is not linear, leads to the least x'Px (a policy improvement of one step on that value).

The 15 numbers of x: position and velocity relative to the goal in the axes of the drone's heading (6), the body's z
axis along the heading and to its left (2), angular velocity in body axes (3), and rotor speeds by that of hovering,
minus one (4). Heading itself does not count.
"""

from __future__ import annotations

import functools
from typing import Any

import numpy as np

from marlgt.errors import GameError
from marlgt.games.drones.airframes import Airframe
from marlgt.games.drones.kernels import dynamics
from marlgt.games.drones.kernels.lanes import WIDTH, Columns
from marlgt.games.drones.kernels.layout import (
    C0,
    FX,
    FY,
    FZ,
    H0,
    HIT,
    INERTIA,
    MASS,
    N0,
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
    WX,
    WY,
    WZ,
    X,
    Y,
    Z,
)
from marlgt.games.drones.task import SUBSTEPS_PER_SECOND, Task
from marlgt.games.drones.views import View, rotations_of
from marlgt.kernels import rebound

__all__ = ["Regulator", "predicted", "shortcomings"]

SIZE = 15
_WORDS: dict[str, Any] = {"where": np.where, "least": np.minimum, "most": np.maximum, "sqrt": np.sqrt}
_spin, _advance, _settle = (rebound(kernel, **_WORDS) for kernel in (dynamics.spin, dynamics.advance, dynamics.settle))

PENALTIES = np.array([10.0] * 3 + [0.25] * 3 + [1.0] * 2 + [0.01, 0.01, 0.02] + [0.1] * 4)
"""Diagonal of Q: what a unit of each number of x costs in a second."""


def predicted(airframe: Airframe, substeps: int, state: dict[int, Any], commands: np.ndarray) -> Columns:
    """Return where a drone is after a control step in still air, on arrays of any shape.

    Parameters
    ----------
    airframe : Airframe
        Whose nominal mass and rotors count.
    substeps : int
        Of the control step.
    state : dict
        Field of :mod:`marlgt.games.drones.kernels.layout` to array: X to WZ and N0 to N3.
    commands : ndarray, shape (..., 4)
        Rotor speeds, rpm; the other axes broadcast with those of the state.
    """
    p = airframe.parameters(1.0 / SUBSTEPS_PER_SECOND)
    d = Columns(dict(state))
    for k in range(4):
        d[C0 + k * WIDTH] = np.clip(commands[..., k], 0.0, airframe.max_rpm)
        d[H0 + k * WIDTH] = 1.0
    for field in (FX, FY, FZ, TX, TY, TZ, HIT):
        d[field] = 0.0
    d[MASS], d[INERTIA] = airframe.mass, 1.0
    for _ in range(substeps):
        _spin(d, p, 0)
        _advance(d, p, 0)
        _settle(d, p, 0)
    return d


def shortcomings(d: Columns, goals: np.ndarray, goal_velocities: np.ndarray, hover_rpm: float) -> np.ndarray:
    """Return the 15 numbers of x, shape (..., 15).

    Parameters
    ----------
    d : Columns
        Arrays of one shape (...).
    goals, goal_velocities : ndarray, shape (..., 3)
    hover_rpm : float
    """
    x, y, z, w = d[QX], d[QY], d[QZ], d[QW]
    r00, r01, r02 = 1.0 - 2.0 * (y * y + z * z), 2.0 * (x * y - z * w), 2.0 * (x * z + y * w)
    r10, r11, r12 = 2.0 * (x * y + z * w), 1.0 - 2.0 * (x * x + z * z), 2.0 * (y * z - x * w)
    r20, r21, r22 = 2.0 * (x * z - y * w), 2.0 * (y * z + x * w), 1.0 - 2.0 * (x * x + y * y)
    # A drone on its nose has no heading.
    level = np.maximum(np.sqrt(r00 * r00 + r10 * r10), 1e-3)
    cosine, sine = r00 / level, r10 / level
    px, py, pz = d[X] - goals[..., 0], d[Y] - goals[..., 1], d[Z] - goals[..., 2]
    vx, vy, vz = (d[field] - goal_velocities[..., k] for k, field in enumerate((VX, VY, VZ)))
    a, b, c = d[WX], d[WY], d[WZ]
    numbers = [cosine * px + sine * py, cosine * py - sine * px, pz]
    numbers += [cosine * vx + sine * vy, cosine * vy - sine * vx, vz]
    numbers += [cosine * r02 + sine * r12, cosine * r12 - sine * r02]
    numbers += [r00 * a + r10 * b + r20 * c, r01 * a + r11 * b + r21 * c, r02 * a + r12 * b + r22 * c]
    numbers += [d[N0 + k * WIDTH] / hover_rpm - 1.0 for k in range(4)]
    return np.stack(np.broadcast_arrays(*numbers), axis=-1)


def _placed(x: np.ndarray, hover_rpm: float) -> dict[int, Any]:
    """Return the fields of a drone that heads along the x axis, from its x with small tilts, shape (..., 15)."""
    ahead, left, zero = x[..., 6], x[..., 7], np.zeros(x.shape[:-1])
    upright = np.sqrt(1.0 - ahead**2 - left**2)
    # The shortest turn from the vertical to the body's z axis, which leaves no heading but of second order.
    unit = np.sqrt(0.5 * (1.0 + upright))
    qx, qy = -0.5 * left / unit, 0.5 * ahead / unit
    turn = rotations_of(np.stack([qx, qy, zero, unit], axis=-1))
    rates = np.einsum("...ij,...j->...i", turn, x[..., 8:11])
    values = [*np.moveaxis(x[..., :3], -1, 0), qx, qy, zero, unit, *np.moveaxis(x[..., 3:6], -1, 0)]
    values += [*np.moveaxis(rates, -1, 0), *np.moveaxis(hover_rpm * (1.0 + x[..., 11:]), -1, 0)]
    return {k * WIDTH: value for k, value in enumerate(values)}


@functools.lru_cache(maxsize=32)
def linearised(airframe: Airframe, substeps: int) -> tuple[np.ndarray, np.ndarray]:
    """Return A, shape (15, 15), and B, shape (15, 4), of a control step near hover; u is in shares of the hover speed.

    By central differences of the physics, high above the ground.
    """
    hover, small = airframe.hover_rpm, 1e-5
    shifts = small * np.concatenate([np.eye(SIZE + 4), -np.eye(SIZE + 4)])
    x, u = shifts[:, :SIZE], shifts[:, SIZE:]
    up = np.array([0.0, 0.0, 1e3])
    state = _placed(x + np.concatenate([up, np.zeros(SIZE - 3)]), hover)
    after = shortcomings(predicted(airframe, substeps, state, hover * (1.0 + u)), up, np.zeros(3), hover)
    slopes = (after[: SIZE + 4] - after[SIZE + 4 :]).T / (2 * small)
    return slopes[:, :SIZE], slopes[:, SIZE:]


class Regulator:
    """The linear-quadratic regulator of a task's airframe at the task's rate.

    Parameters
    ----------
    task : Task
        Whose actions are rotor speeds.
    effort : float
        R: what a command at the end of its range costs in a second, for each rotor: less makes for hasty flight.
    reach : float
        Metres: a goal further away attracts no more than one at this distance.
    penalties : ndarray, shape (15,), optional
        In place of ``PENALTIES``.

    Attributes
    ----------
    value : ndarray, shape (15, 15)
        P.
    gain : ndarray, shape (4, 15)
        K.
    """

    def __init__(
        self, task: Task, *, effort: float = 0.025, reach: float = 0.4, penalties: np.ndarray = PENALTIES
    ) -> None:
        from scipy.linalg import solve_discrete_are

        self.airframe, self.substeps, self.reach = task.airframe, task.substeps, reach
        a, b = linearised(task.airframe, task.substeps)
        _, scale = task.span(task.airframe)
        cost = np.diag(penalties) / task.rate
        price = np.diag(effort / task.rate * (task.airframe.hover_rpm / scale) ** 2)
        try:
            self.value = solve_discrete_are(a, b, cost, price)
        except (np.linalg.LinAlgError, ValueError) as error:
            raise GameError(
                f"the expert finds no way to steer the airframe {task.airframe.name} at {task.rate} control steps a "
                "second: give a higher rate, or an airframe that answers to its rotors"
            ) from error
        self.gain = np.linalg.solve(price + b.T @ self.value @ b, b.T @ self.value @ a)

    def near(self, x: np.ndarray) -> np.ndarray:
        """Return x with its distance from the goal held within reach."""
        distance = np.linalg.norm(x[..., :3], axis=-1, keepdims=True)
        x = x.copy()
        x[..., :3] *= self.reach / np.maximum(distance, self.reach)
        return x

    def commands(self, view: View, accelerations: np.ndarray | None = None) -> np.ndarray:
        """Return the best rotor speeds, shape (B, n, 4), rpm, as if there were no bounds to them.

        Parameters
        ----------
        accelerations : ndarray, shape (B, n, 3), optional
            What the rotors shall give beside carrying the drone, m/s², as against a steady pull: the tilt and the
            rotor speeds that do so are then where nothing lacks.
        """
        hover, gravity = self.airframe.hover_rpm, self.airframe.gravity
        x = self.near(shortcomings(Columns(_fields(view)), view.goals, view.goal_velocities, hover))
        if accelerations is None:
            return np.asarray(hover * (1.0 - x @ self.gain.T))
        fx, fy, fz = np.moveaxis(accelerations, -1, 0)
        force = np.sqrt(fx**2 + fy**2 + np.maximum(gravity + fz, 0.1 * gravity) ** 2)
        east, north = view.rotations[..., 0, 0], view.rotations[..., 1, 0]
        level = np.maximum(np.hypot(east, north), 1e-3) * force
        x[..., 6] -= (east * fx + north * fy) / level
        x[..., 7] -= (east * fy - north * fx) / level
        steady = np.sqrt(force / gravity)[..., None]
        x[..., 11:] -= steady - 1.0
        return np.asarray(hover * (steady - x @ self.gain.T))

    def costs(self, view: View, candidates: np.ndarray) -> np.ndarray:
        """Return x'Px after each of some commands, shape (B, n, candidates).

        Parameters
        ----------
        candidates : ndarray, shape (candidates, 4)
            Rotor speeds, rpm.
        """
        state = {field: array[..., None] for field, array in _fields(view).items()}
        after = predicted(self.airframe, self.substeps, state, candidates)
        goals, velocities = view.goals[:, :, None], view.goal_velocities[:, :, None]
        x = self.near(shortcomings(after, goals, velocities, self.airframe.hover_rpm))
        return np.asarray(((x @ self.value) * x).sum(axis=-1))


def _fields(view: View) -> dict[int, Any]:
    columns = [view.positions, view.quaternions, view.velocities, view.rates, view.rotors]
    return {k * WIDTH: array for k, array in enumerate(np.moveaxis(np.concatenate(columns, axis=2), 2, 0))}
