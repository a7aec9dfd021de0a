"""Environments of one drone task on PyTorch tensors, on any device: the backend for accelerators.

Everything is the lane code of the compiled backend, run on tensors of shape (n_drones, B); what compares every drone
with every other is done for all pairs at once. A step on an accelerator does not wait for it.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Literal

import numpy as np

from marlgt.errors import GameError
from marlgt.games._arrays import short
from marlgt.games._doors import require_seed, require_whole
from marlgt.games.drones.actions import random_actions, require_actions
from marlgt.games.drones.backends.batch_env import DroneStep
from marlgt.games.drones.backends.torch_lanes import torch
from marlgt.games.drones.backends.torch_rules import Rules
from marlgt.games.drones.backends.torch_tables import from_blocks, require_device, require_snapshot, to_blocks
from marlgt.games.drones.kernels import layout
from marlgt.games.drones.kernels.draws import keys
from marlgt.games.drones.kernels.lanes import WIDTH
from marlgt.games.drones.kernels.layout import A0, A1, A2, A3, ACTIVE, EPISODE, KEY, REWARD, RUNAWAY, TICK
from marlgt.games.drones.task import Task
from marlgt.games.drones.views import View, view_of

__all__ = ["TorchEnv"]

CHECK_EVERY = 1024
"""Control steps after which unchecked actions are asked about: the only wait for the device in a step."""


class TorchEnv:
    """B environments of one task on tensors; the interface is that of :class:`~marlgt.games.drones.BatchEnv`.

    Observations, rewards, flags, states and allowed actions are tensors on the device, and so may actions be. With the
    same seed and actions, episodes are those of the compiled backend: the same random numbers, and the same motion to
    rounding. Nothing here is differentiable; :func:`marlgt.games.drones.backends.torch_physics.step_physics` is.

    Parameters
    ----------
    task : Task
    n_envs : int
        B.
    dtype : {'float64', 'float32'}
        Of the physics; observations and rewards are float32.
    device : str or torch.device, optional
        Where the tensors live: the processor by default, ``"cuda"`` for a GPU.
    compile : {'auto', True, False}
        Whether ``torch.compile`` fuses the operations of a substep, which takes some ten seconds at the first step.
        ``'auto'`` does so on a GPU.
    checked : bool, optional
        Whether every action is looked at before it is used, as is usual on the processor. On other devices that would
        wait for the device in every step: there an action out of range is held at the nearest one that exists, and
        named by a GameError at the next reset, view or snapshot, or within 1,024 steps.

    Attributes
    ----------
    task : Task
    n_envs, n_agents : int
    backend : str
    device : torch.device
    observations : Tensor of float32, shape (B, n_agents, D)
        In which the next actions are chosen.
    state : Tensor of float32, shape (B, S)
        Global state, for central critics, in which the next actions are chosen.
    reached_state : Tensor of float32, shape (B, S)
        Global state that the last step led to, also where the episode is over.

    Examples
    --------
    >>> from marlgt.games.drones import make_batch
    >>> env = make_batch("multihover", n_drones=2, n_envs=8, backend="torch")
    >>> tuple(env.reset(seed=0).shape)
    (8, 2, 31)
    >>> step = env.step(env.random_actions())
    >>> tuple(step.rewards.shape), bool((step.rewards <= 1).all())
    ((8, 2), True)
    """

    backend = "torch"

    def __init__(
        self,
        task: Task,
        n_envs: int,
        *,
        dtype: str = "float64",
        device: str | torch.device | None = None,
        compile: bool | Literal["auto"] = "auto",
        checked: bool | None = None,
    ) -> None:
        if not isinstance(dtype, str) or dtype not in ("float64", "float32"):
            raise GameError(f"dtype must be 'float64' or 'float32', got {short(dtype)}")
        require_whole(n_envs, "n_envs", least=1)
        if compile not in (True, False, "auto"):
            raise GameError(f"compile must be True, False or 'auto', got {compile!r}")
        place = None if device is None else str(device)
        self._options = {"dtype": dtype, "device": place, "compile": compile, "checked": checked}
        self.task, self.n_envs, self.n_agents = task, int(n_envs), task.n_agents
        self.dtype = torch.float64 if dtype == "float64" else torch.float32
        self.device = require_device(device, self.dtype)
        on_processor = self.device.type == "cpu"
        self._checked = on_processor if checked is None else bool(checked)
        # A look at the flags waits for nothing there, and few environments begin anew in a step.
        self._sparing = on_processor
        self._rules = Rules(
            task, self.dtype, self.device, compiled=bool(compile) if compile != "auto" else not on_processor
        )
        self._choices = None if task.choices is None else torch.tensor(task.choices, dtype=self.dtype).to(self.device)
        self._fields: dict[int, Any] = {}
        self._world: dict[int, Any] = {}
        nothing = torch.zeros(self.n_envs, dtype=torch.int64, device=self.device)
        self._clock = self._rules.clock(nothing, nothing, nothing)
        self._past = self._no_past(self.n_envs)
        shape = (self.n_envs, task.n_agents, task.n_observations)
        self.observations = torch.zeros(shape, dtype=torch.float32, device=self.device)
        self.state = torch.zeros((self.n_envs, task.n_state), dtype=torch.float32, device=self.device)
        self.reached_state = self.state
        self._runaways = torch.zeros((), dtype=torch.int64, device=self.device)
        self._misfits = torch.zeros((), dtype=torch.int64, device=self.device)
        self._steps = 0
        self._rng: np.random.Generator | None = None

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickle, and copy, an environment as what it is made of and where it is."""
        state = None if self._rng is None else (self.snapshot(), self.reached_state.cpu().numpy(), self.runaways)
        return _revived, (type(self), self.task, self.n_envs, self._options, state)

    @torch.no_grad()
    def reset(self, seed: int, *, first: int = 0) -> torch.Tensor:
        """Begin all environments anew and return the observations, shape (B, n_agents, D).

        Parameters
        ----------
        seed : int
        first : int
            These environments are the ones from this number on of a larger batch with the same seed.
        """
        require_seed(seed)
        require_whole(first, "first", least=0)
        self._require_fits()
        key = torch.from_numpy(keys(seed, self.n_envs, first=int(first))).to(self.device)
        nothing = torch.zeros_like(key)
        self._clock = self._rules.clock(key, nothing, nothing)
        self._fields, self._world = self._rules.begin(self._clock)
        self._past = self._no_past(self.n_envs)
        self._rng = np.random.default_rng([int(seed), int(first), 1])
        self._runaways = torch.zeros_like(self._runaways)
        self.observations, self.state = self._rules.observe(self._fields, self._world, self._clock[TICK], self._past)
        self.reached_state = self.state
        return self.observations

    @torch.no_grad()
    def step(self, actions: Any) -> DroneStep:
        """Take a control step in all environments.

        Parameters
        ----------
        actions : Tensor or array_like, shape (B, n_agents) of int, or (B, n_agents, n_inputs) of float in [-1, 1]

        Returns
        -------
        DroneStep
            Of tensors on the device.

        Raises
        ------
        GameError
            Before the first reset, and for actions of a wrong shape or kind, or, where they are checked, that do not
            exist or are not numbers.
        """
        self._require_begun()
        fields, world, clock, rules = self._fields, self._world, self._clock, self._rules
        units = self._units(actions)
        rules.fly(fields, world, clock, units)
        terminated, truncated, succeeded = rules.judge(fields, world, clock)
        self._runaways = self._runaways + (world[RUNAWAY] > 0.0).sum()
        rewards = fields[REWARD].T.to(torch.float32).expand(-1, self.n_agents).contiguous()
        if len(self._past):
            last = torch.stack([fields[field] for field in (A0, A1, A2, A3)[: self.task.width]])
            self._past = torch.cat([self._past[self.task.width :], last.to(torch.float32)])
        reached, self.reached_state = rules.observe(fields, world, clock[TICK], self._past)
        self._restart(terminated | truncated, reached, self.reached_state)
        self._steps += 1
        if not self._checked and self._steps % CHECK_EVERY == 0:
            self._require_fits()
        return DroneStep(self.observations, rewards, terminated, truncated, reached, succeeded)

    def _restart(self, over: torch.Tensor, reached: torch.Tensor, reached_state: torch.Tensor) -> None:
        """Begin the environments anew that are over, and set what is observed next."""
        if self._sparing:
            lanes = over.nonzero()[:, 0]
            if not len(lanes):
                self.observations, self.state = reached, reached_state
                return
        else:
            lanes = torch.arange(self.n_envs, device=self.device)

        def put(old: torch.Tensor, new: torch.Tensor, axis: int) -> torch.Tensor:
            if self._sparing:
                return old.index_copy(axis, lanes, new)
            shape = [-1 if a == axis else 1 for a in range(old.ndim)]
            return torch.where(over.view(shape), new, old)

        clock = self._rules.clock(*(self._clock[field][lanes] for field in (KEY, EPISODE, TICK)))
        fields, world = self._rules.begin(clock)
        past = self._no_past(len(lanes))
        seen, state = self._rules.observe(fields, world, clock[TICK], past)
        for field, new in fields.items():
            self._fields[field] = put(self._fields[field], new, 1)
        for field, new in world.items():
            self._world[field] = put(self._world[field], new, 0)
        for field in (EPISODE, TICK):
            self._clock[field] = put(self._clock[field], clock[field], 0)
        self._past = put(self._past, past, 2)
        self.observations, self.state = put(reached, seen, 0), put(reached_state, state, 0)

    def _units(self, actions: Any) -> torch.Tensor:
        """Return actions as numbers in [-1, 1], shape (4, n_drones, B), whatever the agents and their action sets."""
        if self._checked or not isinstance(actions, torch.Tensor):
            # Tensors know fewer kinds of numbers than arrays do.
            array = require_actions(self.task, actions, self.n_envs)
            given = torch.from_numpy(array.astype(np.float64 if self._choices is None else np.int64))
        else:
            given = self._held(actions.detach())
        given = given.to(self.device, non_blocking=True)
        if self._choices is not None:
            given = self._choices[given.to(torch.int64)]
        values = given.to(self.dtype)
        if self.task.seats == "motors":
            values = values.reshape(self.n_envs, 1, 4)
        elif values.shape[2] == 1:
            values = values.expand(-1, -1, 4)
        elif values.shape[2] == 3:
            values = torch.cat([values, torch.zeros_like(values[..., :1])], dim=2)
        return values.permute(2, 1, 0).contiguous()

    def _held(self, given: torch.Tensor) -> torch.Tensor:
        """Return actions held to those that exist, and count on the device those that did not."""
        task = self.task
        discrete = task.choices is not None
        shape = (self.n_envs, self.n_agents) if discrete else (self.n_envs, self.n_agents, task.n_inputs)
        kind = "whole numbers" if discrete else "numbers"
        if given.shape != shape or given.is_complex() or (discrete and given.is_floating_point()):
            raise GameError(
                f"actions of {task.name} must be {kind} of shape {shape}, got {given.dtype} of shape "
                f"{tuple(given.shape)}"
            )
        low, high = (0, task.n_actions - 1) if discrete else (-1.0, 1.0)
        given = given.to(self.device, non_blocking=True)
        self._misfits = self._misfits + (~((given >= low) & (given <= high))).sum()
        return given.nan_to_num().clamp(low, high) if not discrete else given.clamp(low, high)

    def _require_fits(self) -> None:
        """Say how many actions did not exist since this was asked last."""
        if self._checked or not (count := int(self._misfits)):
            return
        self._misfits = torch.zeros_like(self._misfits)
        rule = f"0 to {self.task.n_actions - 1}" if self.task.choices is not None else "numbers in [-1, 1]"
        raise GameError(
            f"{count} actions of {self.task.name} since the last check were not {rule}, and the nearest were taken: "
            "make the environment with checked=True to see which"
        )

    def _require_begun(self) -> np.random.Generator:
        if self._rng is None:
            raise GameError("this environment has not begun: call reset(seed) first")
        return self._rng

    @property
    def runaways(self) -> int:
        """Episodes ended since the reset because a number left the finite range; it waits for the device."""
        return int(self._runaways)

    def random_actions(self) -> torch.Tensor:
        """Return uniformly random actions, drawn with the seed of the last reset: those of the compiled backend."""
        return torch.from_numpy(random_actions(self.task, self.n_envs, self._require_begun())).to(self.device)

    @property
    def allowed(self) -> torch.Tensor:
        """Which actions each agent may choose now: Tensor of bool, shape (B, n_agents, n_actions)."""
        self._require_begun()
        active = (self._fields[ACTIVE].T > 0.0).expand(-1, self.n_agents)
        allowed: torch.Tensor = active[:, :, None].repeat(1, 1, max(self.task.n_actions, 1))
        allowed[:, :, 0] = True
        return allowed

    def view(self) -> View:
        """Return the true state of all environments, as copies in NumPy arrays."""
        self._require_begun()
        return view_of(*self._blocks(), self.n_envs)

    def _blocks(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Return drones, world and clock as the compiled backend keeps them."""
        self._require_fits()
        clock = {field: self._clock[field][None] for field in (KEY, EPISODE, TICK)}
        clock[TICK] = clock[TICK].to(torch.int64)
        world = {field: row[None] for field, row in self._world.items()}
        return to_blocks(self._fields), to_blocks(world)[:, 0], to_blocks(clock)[:, 0]

    def _no_past(self, lanes: int) -> torch.Tensor:
        """Return the earlier actions of episodes that begin, shape (width * kept, n_drones, lanes)."""
        task = self.task
        return torch.zeros(
            (task.remembered * task.width, task.n_drones, lanes), dtype=torch.float32, device=self.device
        )

    def snapshot(self) -> dict[str, np.ndarray]:
        """Return all that the future depends on, as arrays (for ``numpy.savez``): they fit ``BatchEnv`` too."""
        words = np.frombuffer(json.dumps(self._require_begun().bit_generator.state).encode(), np.uint8)
        drones, world, clock = self._blocks()
        return {
            "drones": drones,
            "world": world,
            "clock": clock,
            "past": self._past.permute(2, 1, 0).cpu().numpy().copy(),
            "observations": self.observations.cpu().numpy().copy(),
            "state": self.state.cpu().numpy().copy(),
            "rng": words.copy(),
        }

    def restore(self, snapshot: Mapping[str, np.ndarray]) -> torch.Tensor:
        """Go back to a snapshot of an environment of the same task and size, and return its observations.

        Raises
        ------
        GameError
            If it is no snapshot, or not of such an environment.
        """
        n, blocks = self.task.n_drones, -(-self.n_envs // WIDTH)
        physics, single = np.dtype(str(self.dtype).removeprefix("torch.")), np.dtype(np.float32)
        rng = require_snapshot(
            snapshot,
            {
                "drones": ((blocks, n, layout.DRONE_FIELDS * WIDTH), physics),
                "world": ((blocks, layout.WORLD_FIELDS * WIDTH), physics),
                "clock": ((blocks, layout.CLOCK_FIELDS * WIDTH), np.dtype(np.int64)),
                "past": ((self.n_envs, n, self.task.remembered * self.task.width), single),
                "observations": (tuple(self.observations.shape), single),
                "state": (tuple(self.state.shape), single),
            },
        )
        self._rng = rng
        self._fields = from_blocks(snapshot["drones"], self.n_envs, self.device)
        world = from_blocks(snapshot["world"][:, None], self.n_envs, self.device)
        self._world = {field: row[0] for field, row in world.items()}
        clock = from_blocks(snapshot["clock"][:, None], self.n_envs, self.device)
        self._clock = self._rules.clock(*(clock[field][0] for field in (KEY, EPISODE, TICK)))
        self._past = torch.tensor(snapshot["past"], device=self.device).permute(2, 1, 0)
        self.observations = torch.tensor(snapshot["observations"], device=self.device)
        self.state = torch.tensor(snapshot["state"], device=self.device)
        self.reached_state = self.state
        return self.observations

    def close(self) -> None:
        """Do nothing: tensors go when they are no longer used."""


def _revived(kind: type[TorchEnv], task: Task, n_envs: int, options: dict[str, Any], state: Any) -> TorchEnv:
    """Return the environment that :meth:`TorchEnv.__reduce__` has described."""
    env = kind(task, n_envs, **options)
    if state is not None:
        snapshot, reached_state, runaways = state
        env.restore(snapshot)
        env.reached_state = torch.tensor(reached_state, device=env.device)
        env._runaways = torch.full_like(env._runaways, runaways)
    return env
