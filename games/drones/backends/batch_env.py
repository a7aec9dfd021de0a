"""Thousands of environments of one drone task that move at once, on arrays: the compiled backend for processors."""

from __future__ import annotations

import itertools
import json
import os
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from sys import getrefcount
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from marlgt.errors import GameError
from marlgt.games._arrays import short
from marlgt.games._doors import require_seed, require_whole
from marlgt.games.drones.actions import allowed_actions, random_actions, require_actions
from marlgt.games.drones.backends.keeping import checked_snapshot
from marlgt.games.drones.backends.stepping import step_kernel
from marlgt.games.drones.kernels import layout
from marlgt.games.drones.kernels.controllers import MODES
from marlgt.games.drones.kernels.draws import keys
from marlgt.games.drones.kernels.engine import burden_nothing
from marlgt.games.drones.kernels.lanes import WIDTH
from marlgt.games.drones.kernels.observing import NOTES, ranks_for
from marlgt.games.drones.task import Task
from marlgt.games.drones.views import View, view_of
from marlgt.progress import waiting

__all__ = ["BatchEnv", "DroneStep"]

UNUSED = 3
"""References to an array that nobody has kept: by its tuple, by the loop over it, and by the call that counts."""


class DroneStep(NamedTuple):
    """What a control step of a batch gives.

    Attributes
    ----------
    observations : ndarray of float32, shape (B, n_agents, D)
        In which the next actions are chosen: where an episode is over, those of the next one (autoreset in the same
        step).
    rewards : ndarray of float32, shape (B, n_agents)
    terminated, truncated : ndarray of bool, shape (B,)
        Whether the episode was decided (by success, defeat or crash), or stopped by the clock; never both.
    reached : ndarray of float32, shape (B, n_agents, D)
        The observations that the step led to, also where the episode is over.
    successes : ndarray of bool, shape (B,)
        Whether the episode is over and the task was solved.
    """

    observations: Any
    rewards: Any
    terminated: Any
    truncated: Any
    reached: Any
    successes: Any


class BatchEnv:
    """B environments of one task on arrays, compiled; :func:`marlgt.games.drones.make_batch` makes one.

    An episode that is over begins anew in the same step. Environment ``k`` of a seed is the same whatever the number of
    environments, and the same seed and actions give the same bits.

    Parameters
    ----------
    task : Task
    n_envs : int
        B.
    dtype : {'float64', 'float32'}
        Of the physics; observations and rewards are float32.
    threads : int
        Threads that share the environments among them.

    Attributes
    ----------
    task : Task
    n_envs, n_agents : int
    backend : str
    observations : ndarray of float32, shape (B, n_agents, D)
        In which the next actions are chosen.
    state : ndarray of float32, shape (B, S)
        Global state, for central critics, in which the next actions are chosen.
    reached_state : ndarray of float32, shape (B, S)
        Global state that the last step led to, also where the episode is over.
    runaways : int
        Episodes ended since the reset because a number left the finite range.

    Examples
    --------
    >>> from marlgt.games.drones import make_batch
    >>> env = make_batch("multihover", n_drones=2, n_envs=8)
    >>> env.reset(seed=0).shape
    (8, 2, 31)
    >>> step = env.step(env.random_actions())
    >>> step.rewards.shape, bool((step.rewards <= 1).all())
    ((8, 2), True)
    """

    backend = "numba"

    def __init__(self, task: Task, n_envs: int, *, dtype: str = "float64", threads: int = 1) -> None:
        if not isinstance(dtype, str) or dtype not in ("float64", "float32"):
            raise GameError(f"dtype must be 'float64' or 'float32', got {short(dtype)}")
        require_whole(n_envs, "n_envs", least=1)
        require_whole(threads, "threads", least=1)
        self.task, self.n_envs, self.n_agents = task, int(n_envs), task.n_agents
        self.dtype = np.dtype(dtype)
        n, blocks = task.n_drones, -(-self.n_envs // WIDTH)
        self._threads = min(int(threads), blocks)
        self._pool = ThreadPoolExecutor(self._threads) if self._threads > 1 else None
        self._process = os.getpid()
        self._drones = np.zeros((blocks, n, layout.DRONE_FIELDS * WIDTH), self.dtype)
        self._world = np.zeros((blocks, layout.WORLD_FIELDS * WIDTH), self.dtype)
        self._clock = np.zeros((blocks, layout.CLOCK_FIELDS * WIDTH), np.int64)
        self._past = np.zeros((self.n_envs, n, task.remembered * task.width), np.float32)
        self._constants = task.constants(self.dtype)
        self._kernel = step_kernel(
            MODES[task.control],
            task.burden or burden_nothing,
            task.spawn,
            task.score,
            task.note,
            int(task.layout == "gpd"),
            int(task.seats == "motors"),
            single=self.dtype == np.float32,
        )
        shape = (self.n_envs, task.n_agents, task.n_observations)
        self.observations = np.zeros(shape, np.float32)
        self.state = np.zeros((self.n_envs, task.n_state), np.float32)
        self.reached_state = self.state
        self.runaways = 0
        self._units = np.zeros((self.n_envs, n, 4), self.dtype)
        self._choices: np.ndarray | None = None
        if task.seats == "drones" and task.n_actions > 0:
            self._choices = task.units(np.arange(task.n_actions)[:, None])[:, 0].astype(self.dtype)
        self._sizes = task.sizes()
        # Room to compute in, for each thread its own.
        self._notes = np.zeros((self._threads, NOTES * WIDTH), np.float32)
        self._ranks = np.zeros((self._threads, ranks_for(task.neighbours)), self.dtype)
        self._rooms: list[tuple[np.ndarray, ...]] = []
        self._rng: np.random.Generator | None = None
        self._closed = False

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickle, and copy, an environment as what it is made of and where it is."""
        state = None if self._rng is None else (self.snapshot(), self.reached_state.copy(), self.runaways)
        return _revived, (type(self), self.task, self.n_envs, self._options(), state)

    def _options(self) -> dict[str, Any]:
        return {"dtype": self.dtype.name, "threads": self._threads}

    def reset(self, seed: int, *, first: int = 0) -> np.ndarray:
        """Begin all environments anew and return the observations, shape (B, n_agents, D).

        Parameters
        ----------
        seed : int
        first : int
            These environments are the ones from this number on of a larger batch with the same seed.
        """
        require_seed(seed)
        require_whole(first, "first", least=0)
        self._require_open()
        blocks = len(self._clock)
        self._clock[:] = 0
        lanes = slice(layout.KEY, layout.KEY + WIDTH)
        self._clock[:, lanes] = keys(seed, blocks * WIDTH, first=int(first)).reshape(blocks, WIDTH)
        self._drones[:] = 0.0
        # Lanes without an environment carry a level drone, so that no number there runs away.
        for field in (layout.QW, layout.MASS, layout.INERTIA):
            self._drones[:, :, field : field + WIDTH] = 1.0
        self._world[:] = 0.0
        self._past[:] = 0.0
        self._rng = np.random.default_rng([int(seed), int(first), 1])
        self.runaways = 0
        with waiting("compiling the drones' kernels, once for this task: about 20 s"):
            self._step(fresh=1)
        self.reached_state = self.state
        return self.observations

    def step(self, actions: ArrayLike) -> DroneStep:
        """Take a control step in all environments.

        Parameters
        ----------
        actions : array_like, shape (B, n_agents) of int, or (B, n_agents, n_inputs) of float in [-1, 1]

        Returns
        -------
        DroneStep

        Raises
        ------
        GameError
            Before the first reset, and for actions of a wrong shape, kind or size, or that are not numbers.
        """
        self._require_open()
        self._require_begun()
        self._command(require_actions(self.task, actions, self.n_envs))
        return self._step(fresh=0)

    def _command(self, actions: np.ndarray) -> None:
        """Set the drones' four numbers each: what :meth:`Task.units` gives, without arrays in between."""
        if self.task.seats == "motors":
            self._units[:] = self.task.units(actions)
        elif self._choices is not None:
            np.take(self._choices, actions, axis=0, out=self._units, mode="clip")
        elif self.task.n_inputs == 3:
            self._units[..., :3] = actions
        else:
            self._units[:] = actions

    def _step(self, fresh: int) -> DroneStep:
        rewards, flags, seen, reached, state, reached_state = self._room()
        if fresh:
            flags[:] = False
        self._advance(fresh, (
            self._drones, self._world, self._clock, self._units, *self._constants, self._past, rewards, flags,
            seen, reached, state, reached_state, self._sizes, self._notes[0], self._ranks[0],
        ), flags)  # fmt: skip
        self.runaways += int(np.count_nonzero(flags[3]))
        self.observations, self.state, self.reached_state = seen, state, reached_state
        return DroneStep(seen, rewards, flags[0], flags[1], reached, flags[2])

    def _room(self) -> tuple[np.ndarray, ...]:
        """Return arrays for what a step gives: rewards, flags, observations and states, now and reached.

        They are those of an earlier step if nobody has kept any of them, or a part of one. New memory comes in pages
        that the system clears one by one, which would take a quarter of a step's time.
        """
        for room in self._rooms:
            if all(getrefcount(array) == UNUSED for array in room):
                return room
        b, seen, state = self.n_envs, self.observations.shape, self.state.shape
        kinds: list[tuple[tuple[int, ...], Any]] = [((b, self.n_agents), np.float32), ((4, b), np.bool_)]
        kinds += [(shape, np.float32) for shape in (seen, seen, state, state)]
        room = tuple(np.zeros(shape, kind) for shape, kind in kinds)
        self._rooms = [*self._rooms[-1:], room]
        return room

    def _advance(self, fresh: int, tables: tuple[Any, ...], flags: np.ndarray) -> None:
        """Fly and judge a control step, or begin anew, in the tables, of which the flags are one."""
        b, blocks, substeps = self.n_envs, len(self._clock), self.task.substeps
        if self._pool is not None and self._process != os.getpid():
            # A fork takes the pool along, but not its threads.
            self._pool, self._process = ThreadPoolExecutor(self._threads), os.getpid()
        if self._pool is None:
            self._kernel(0, blocks, b, substeps, fresh, *tables)
        else:
            cuts = np.linspace(0, blocks, self._threads + 1).astype(int).tolist()
            shares = [
                (low, high, b, substeps, fresh, *tables[:-2], notes, ranks)
                for (low, high), notes, ranks in zip(itertools.pairwise(cuts), self._notes, self._ranks, strict=True)
            ]
            work = [self._pool.submit(self._kernel, *share) for share in shares]
            for part in work:
                part.result()

    def random_actions(self) -> np.ndarray:
        """Return uniformly random actions, drawn with the seed of the last reset."""
        return random_actions(self.task, self.n_envs, self._require_begun())

    @property
    def allowed(self) -> np.ndarray:
        """Which actions each agent may choose now: ndarray of bool, shape (B, n_agents, n_actions)."""
        return allowed_actions(self.task, self.view().active)

    def _require_begun(self) -> np.random.Generator:
        if self._rng is None:
            raise GameError("this environment has not begun: call reset(seed) first")
        return self._rng

    def _require_open(self) -> None:
        if self._closed:
            raise GameError("this environment was closed: make a new one")

    def view(self) -> View:
        """Return the true state of all environments, as copies."""
        self._require_begun()
        return view_of(self._drones, self._world, self._clock, self.n_envs)

    def snapshot(self) -> dict[str, np.ndarray]:
        """Return all that the future depends on, as arrays (for ``numpy.savez``); see :meth:`restore`."""
        words = np.frombuffer(json.dumps(self._require_begun().bit_generator.state).encode(), np.uint8)
        return {
            "drones": self._drones.copy(),
            "world": self._world.copy(),
            "clock": self._clock.copy(),
            "past": self._past.copy(),
            "observations": self.observations.copy(),
            "state": self.state.copy(),
            "rng": words.copy(),
        }

    def restore(self, snapshot: Mapping[str, np.ndarray]) -> np.ndarray:
        """Go back to a snapshot of an environment of the same task and size, and return its observations.

        Raises
        ------
        GameError
            If it is no snapshot, or not of such an environment, or its numbers are none; nothing changes then.
        """
        self._require_open()
        mine = {
            "drones": self._drones, "world": self._world, "clock": self._clock, "past": self._past,
            "observations": self.observations, "state": self.state,
        }  # fmt: skip
        given, rng = checked_snapshot(snapshot, {name: (array.shape, array.dtype) for name, array in mine.items()})
        self._drones[:], self._world[:], self._clock[:] = given["drones"], given["world"], given["clock"]
        self._past[:], self._rng = given["past"], rng
        self.observations, self.state = given["observations"].copy(), given["state"].copy()
        self.reached_state = self.state
        return self.observations

    def close(self) -> None:
        """Let the threads go; no step can be taken any more."""
        self._closed = True
        if self._pool is not None:
            self._pool.shutdown()


def _revived(kind: type[BatchEnv], task: Task, n_envs: int, options: dict[str, Any], state: Any) -> BatchEnv:
    """Return the environment that :meth:`BatchEnv.__reduce__` has described."""
    env = kind(task, n_envs, **options)
    if state is not None:
        snapshot, reached_state, runaways = state
        env.restore(snapshot)
        env.reached_state, env.runaways = reached_state, runaways
    return env
