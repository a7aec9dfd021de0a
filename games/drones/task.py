"""What a drone task is: who decides what, how an episode begins, what a step is worth, and when it is solved.

A task is data and three lane kernels; every backend runs the same ones (see
:mod:`marlgt.games.drones.kernels.lanes` for the rules of lane code):

``spawn(drones, w, c, p, q, n, e)``
    Place the ``n`` drones of lane ``e`` (fields X, Y, Z and, where they do not start level and at rest, QX…, VX…) and
    their goals (GX, GY, GZ) at the start of an episode. All fields are 0 before, orientation level, rotors at hover.
    Random numbers: ``_draws.uniform(c, k, e)`` with ``k`` from ``TASK_DRAWS`` up.
``score(drones, w, c, p, q, n, e)``
    After a control step, set ``drones[i, REWARD + e]`` and ``w[ERROR + e]``; where the episode is decided, set
    ``w[ENDED + e]`` to 1. ``drones[i, HIT + e]`` and ``w[CRASHED + e]`` are known by then. A drone whose ``ACTIVE`` is
    0 is lost and does not count. Moving goals move here.
``note(drones, w, c, p, q, n, e)``
    Write what the task adds to each drone's observation: ``drones[i, E0 + k * WIDTH + e]`` for ``k < n_extras``.

``p`` are the airframe's parameters, ``q`` the task's own (``Task.settings``) and, last, the length of a control step in
seconds (``q[-1]``), ``c`` the clock (``c[TICK + e]`` control steps since the start).
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any, Literal

import numpy as np

from marlgt.errors import GameError
from marlgt.games._arrays import short
from marlgt.games._doors import is_number, require_whole
from marlgt.games.drones.airframes import Airframe
from marlgt.games.drones.disturbances import Disturbances
from marlgt.games.drones.kernels.layout import EXTRAS, TASK_FIELDS
from marlgt.games.drones.scene import Scene
from marlgt.kernels import lane_kernel

__all__ = ["TASK_DRAWS", "Control", "Task", "nothing_to_note"]

TASK_DRAWS = 4096
"""The first number ``k`` of a task's own random draws."""

Control = Literal["motors", "rates", "attitude", "velocity", "position"]
SUBSTEPS_PER_SECOND = 240


@lane_kernel
def nothing_to_note(drones: Any, w: Any, c: Any, p: Any, q: Any, n: int, e: int) -> None:
    """Add nothing to the observations."""


@dataclasses.dataclass(frozen=True, kw_only=True, eq=False)
class Task:
    """A drone task, ready to fly in any backend; :func:`marlgt.games.drones.make` does so.

    Attributes
    ----------
    name, summary : str
        What it is called, and one sentence on what the drones must do.
    n_drones : int
        How many drones.
    seats : {'drones', 'motors'}
        Whether each drone is an agent, or each of the four motors of the one drone.
    control : str
        What the four numbers of an action mean: see :mod:`marlgt.games.drones.kernels.controllers`.
    choices : ndarray, shape (n_actions, n_inputs), or None
        The actions of a discrete task, each number in [-1, 1]; None for a continuous task.
    n_inputs : int
        How many numbers an agent gives in a continuous task: 4; 3, the fourth being 0; or 1, the same for all four.
    span : callable
        ``span(airframe)`` gives offset and scale, arrays of four: an action u becomes the setpoint offset + scale u, in
        the units of the control.
    rate : int
        Control steps per second; it divides 240.
    seconds : float
        Length of an episode.
    airframe : Airframe
    scene : Scene
    disturbances : Disturbances
    spawn, score, note, burden : callable
        Kernels, see the module; ``burden(drones, w, p, q, n, e)`` adds forces in each substep, None for none.
    settings : tuple of float
        The task's own numbers, ``q`` of the kernels.
    n_extras : int
        Numbers that ``note`` adds to each observation.
    n_world : int
        How many of the world's task fields K0, K1, … belong to the global state.
    neighbours : int
        Nearest drones that each drone sees.
    history : int
        Last actions that each drone sees, beside the very last.
    layout : {'kin25', 'gpd'}
        Which observation: ours, or that of gym-pybullet-drones (12 numbers and 15 actions).
    payoff : {'shared', 'zero_sum', 'general_sum'}
        How the agents' rewards hang together.
    figure : str
        What ``w[ERROR]`` measures, with its unit, for tables.
    solved : float
        An episode succeeds if its mean error over the last ``window`` seconds is at most this, and nobody crashed.
    window : float
        Seconds.
    tilt : float
        Cosine of the tilt from which a drone has crashed; -1 for none.
    starts : ndarray, shape (n_drones, 3) or (0, 3)
        Where the drones start, if not where ``spawn`` says, metres.
    paces : tuple of float
        A factor for each drone on what its first three numbers ask for; empty where all are alike.
    teams : tuple of int
        The team of each agent, counted from 0; empty where each agent plays for itself.
    expert : callable
        ``expert(task)`` gives a policy: a function from :class:`~marlgt.games.drones.View` to actions.
    """

    name: str
    summary: str
    n_drones: int
    control: Control
    span: Callable[[Airframe], tuple[np.ndarray, np.ndarray]]
    rate: int
    seconds: float
    airframe: Airframe
    spawn: Callable[..., None]
    score: Callable[..., None]
    expert: Callable[[Task], Callable[[Any], np.ndarray]]
    figure: str
    solved: float
    seats: Literal["drones", "motors"] = "drones"
    choices: np.ndarray | None = None
    n_inputs: int = 4
    scene: Scene = dataclasses.field(default_factory=Scene)
    disturbances: Disturbances = dataclasses.field(default_factory=Disturbances)
    note: Callable[..., None] = nothing_to_note
    burden: Callable[..., None] | None = None
    settings: tuple[float, ...] = (0.0,)
    n_extras: int = 0
    n_world: int = 0
    neighbours: int = 0
    history: int = 0
    layout: Literal["kin25", "gpd"] = "kin25"
    payoff: Literal["shared", "zero_sum", "general_sum"] = "shared"
    window: float = 2.0
    tilt: float = 0.3623577544766736
    starts: np.ndarray = dataclasses.field(default_factory=lambda: np.zeros((0, 3)))
    paces: tuple[float, ...] = ()
    teams: tuple[int, ...] = ()

    def __post_init__(self) -> None:
        for value, kind, name in (
            (self.airframe, Airframe, "airframe"),
            (self.scene, Scene, "scene"),
            (self.disturbances, Disturbances, "disturbances"),
        ):
            if not isinstance(value, kind):
                raise GameError(f"{self._of(name)} must be of the type {kind.__name__}, got {short(value)}")
        for number, name, least in (
            (self.n_drones, "n_drones", 1),
            (self.rate, "rate", 1),
            (self.neighbours, "neighbours", 0),
            (self.history, "history", 0),
            (self.n_extras, "n_extras", 0),
            (self.n_world, "n_world", 0),
        ):
            require_whole(number, self._of(name), least=least)
        if SUBSTEPS_PER_SECOND % self.rate:
            raise GameError(
                f"rate must divide {SUBSTEPS_PER_SECOND}, the physics steps per second, got {short(self.rate)}: "
                "try 30, 48 or 60"
            )
        if self.neighbours >= self.n_drones:
            raise GameError(
                f"neighbours is {short(self.neighbours)}, but each of {self.n_drones} drones has {self.n_drones - 1} "
                "others"
            )
        if self.n_extras > EXTRAS or self.n_world > TASK_FIELDS:
            raise GameError(f"a task of drones adds at most {EXTRAS} numbers to observations, {TASK_FIELDS} to states")
        if not is_number(self.seconds, largest=1e5) or self.seconds <= 0:
            raise GameError(f"seconds must be a positive number up to 100,000, got {short(self.seconds)}")
        if self.horizon < 1:
            raise GameError(
                f"an episode of {self.seconds:g} s has no control step at {self.rate} a second: give more seconds, "
                "or a higher rate"
            )
        if self.history >= self.horizon and self.history > 0:
            raise GameError(
                f"history is {short(self.history)}, but an episode has {self.horizon} control steps: show fewer "
                "earlier actions, or give more seconds"
            )
        for given, wanted, name in (
            (np.shape(self.starts), ((0, 3), (self.n_drones, 3)), "starts"),
            (np.shape(self.paces), ((0,), (self.n_drones,)), "paces"),
            (np.shape(self.teams), ((0,), (self.n_agents,)), "teams"),
        ):
            if given not in wanted:
                raise GameError(f"{self._of(name)} must have shape {wanted[1]}, got {given}")
        if self.seats == "motors" and self.n_drones != 1:
            raise GameError(f"the motors of one drone can be the agents, got n_drones={self.n_drones}")

    def _of(self, name: str) -> str:
        """Return what a mistake is called."""
        return f"{name} of the task {self.name}"

    @property
    def n_agents(self) -> int:
        """How many agents decide."""
        return 4 if self.seats == "motors" else self.n_drones

    @property
    def n_actions(self) -> int:
        """How many actions each agent has; 0 in a continuous task."""
        return 0 if self.choices is None else len(self.choices)

    @property
    def substeps(self) -> int:
        """Physics substeps in a control step."""
        return SUBSTEPS_PER_SECOND // self.rate

    @property
    def horizon(self) -> int:
        """Control steps in an episode."""
        return round(self.rate * self.seconds)

    @property
    def tail(self) -> int:
        """Control steps at the end of an episode over which the error is averaged."""
        return max(1, min(self.horizon, round(self.rate * self.window)))

    @property
    def n_observations(self) -> int:
        """Numbers in an agent's observation."""
        if self.layout == "gpd":
            return 12 + 15 * self.width
        motors = 4 if self.seats == "motors" else 0
        return 25 + 6 * self.neighbours + self.n_extras + self.width * self.history + motors

    @property
    def n_state(self) -> int:
        """Numbers in the global state: 21 for each drone, the world's, and the share of the episode left."""
        return 21 * self.n_drones + self.n_world + 1

    @property
    def width(self) -> int:
        """Numbers of an action in the memory of earlier ones."""
        return 4 if self.seats == "motors" or self.choices is not None or self.n_inputs > 1 else 1

    @property
    def remembered(self) -> int:
        """Earlier actions kept for the observations; the last one, which ``kin25`` has anyway, comes on top."""
        return 15 if self.layout == "gpd" else self.history + 1 if self.history else 0

    def sizes(self) -> np.ndarray:
        """Return the sizes that the kernels read, see :func:`marlgt.games.drones.kernels.judging.judge_block`."""
        shown = self.remembered if self.layout == "gpd" else self.history
        return np.array(
            [
                self.neighbours,
                self.n_extras,
                self.n_world,
                shown * self.width,
                self.width,
                self.n_drones,
                self.n_agents,
                self.horizon,
                self.tail,
            ]
        )

    def constants(self, dtype: np.dtype) -> tuple[np.ndarray, ...]:
        """Return what stays the same in all environments and steps, as the kernels read it.

        Returns
        -------
        tuple of ndarray
            Offsets, scales, whether positions are relative, and the drones' paces; the airframe's parameters; the
            task's; those of the disturbances; the obstacles; the arena; the tilt limit and the largest error of a
            success; the starts.
        """
        relative = 1.0 if self.control == "position" else 0.0
        arrays = (
            np.concatenate([*self.span(self.airframe), [relative], self.paces or np.ones(self.n_drones)]),
            self.airframe.parameters(1.0 / SUBSTEPS_PER_SECOND),
            np.array([*self.settings, 1.0 / self.rate]),
            self.disturbances.parameters(),
            self.scene.geometry(),
            np.array([*self.scene.low, *self.scene.high]),
            np.array([self.tilt, self.solved]),
            self.starts,
        )
        return tuple(np.ascontiguousarray(array, dtype=dtype) for array in arrays)

    def units(self, actions: np.ndarray) -> np.ndarray:
        """Return actions as numbers in [-1, 1], shape (B, n_drones, 4), whatever the agents and their action sets.

        Parameters
        ----------
        actions : ndarray, shape (B, n_agents) of int, or (B, n_agents, n_inputs) of float
            Checked already.
        """
        values = actions if self.choices is None else self.choices[actions]
        if self.seats == "motors":
            return values.reshape(len(values), 1, 4)
        if values.shape[2] == 1:
            return np.repeat(values, 4, axis=2)
        if values.shape[2] == 3:
            return np.concatenate([values, np.zeros_like(values[..., :1])], axis=2)
        return values
