"""The doors to drone environments: one task, four views of it, three backends.

``make`` gives a PettingZoo ParallelEnv, ``make_gymnasium`` a Gymnasium environment with one agent, ``make_vector`` a
Gymnasium VectorEnv, and ``make_batch`` arrays, which is what learners want. Each takes the name of a task, or a
:class:`~marlgt.games.drones.Task` that :func:`~marlgt.games.drones.make_task` made with more options.
"""

from __future__ import annotations

import os
from typing import Any

from marlgt.errors import BudgetExceeded, GameError
from marlgt.games._arrays import short
from marlgt.games._doors import require_whole
from marlgt.games.drones.backends.batch_env import BatchEnv
from marlgt.games.drones.kernels.layout import CLOCK_FIELDS, DRONE_FIELDS, WORLD_FIELDS
from marlgt.games.drones.making import make_task
from marlgt.games.drones.spaces import require_farama
from marlgt.games.drones.task import Task

__all__ = ["BACKENDS", "make", "make_batch", "make_gymnasium", "make_vector", "require_backend", "task_named"]

BACKENDS = ("numba", "torch", "bullet")
"""The physics: compiled for processors, PyTorch on any device, and PyBullet, the reference."""

BULLET_WORLD = 28_000_000
"""Bytes that a Bullet world takes."""


def make_batch(
    task: Task | str,
    *,
    n_envs: int,
    n_drones: int | None = None,
    actions: str | None = None,
    backend: str = "numba",
    dtype: str = "float64",
    threads: int = 1,
    device: str | None = None,
) -> Any:
    """Return many environments of a task that move at once, on arrays.

    Parameters
    ----------
    task : Task or str
        A task, or the name of one of ``TASKS``.
    n_envs : int
        How many environments.
    n_drones, actions
        See :func:`marlgt.games.drones.make_task`; only with a name.
    backend : {'numba', 'torch', 'bullet'}
    dtype : {'float64', 'float32'}
        Of the physics; PyBullet knows only float64.
    threads : int
        For ``numba``: how many threads share the environments.
    device : str, optional
        For ``torch``: where the tensors live, the processor by default.

    Returns
    -------
    BatchEnv
        Or one with the same interface: ``TorchEnv``, whose arrays are tensors, or ``BulletEnv``.

    Raises
    ------
    GameError
        For an argument that does not fit.
    BudgetExceeded
        If so many environments need more memory than this machine has.
    MissingDependency
        Where the backend needs a package that is not installed.
    """
    flown = task_named(task, n_drones, actions)
    require_backend(backend)
    require_whole(n_envs, "n_envs", least=1)
    if device is not None and backend != "torch":
        raise GameError(f"device is for the torch backend, got backend={backend!r}")
    require_whole(threads, "threads", least=1)
    if threads > 1 and backend != "numba":
        raise GameError(f"threads is for the numba backend, got backend={backend!r}")
    if device is None or str(device).startswith("cpu"):
        _require_room(flown, int(n_envs), backend)
    if backend == "bullet":
        from marlgt.games.drones.backends.bullet_env import BulletEnv

        return BulletEnv(flown, n_envs)
    if backend == "torch":
        from marlgt.games.drones.backends.torch_env import TorchEnv

        return TorchEnv(flown, n_envs, dtype=dtype, device=device)
    return BatchEnv(flown, n_envs, dtype=dtype, threads=threads)


def make(
    task: Task | str,
    *,
    n_drones: int | None = None,
    actions: str | None = None,
    backend: str = "numba",
    render_mode: str | None = None,
) -> Any:
    """Return one environment of a task as a PettingZoo ParallelEnv.

    Parameters
    ----------
    task : Task or str
        A task, or the name of one of ``TASKS``.
    n_drones, actions
        See :func:`marlgt.games.drones.make_task`; only with a name.
    backend : {'numba', 'torch', 'bullet'}
    render_mode : {None, 'rgb_array'}

    Returns
    -------
    DroneParallelEnv

    Examples
    --------
    >>> env = make("multihover", n_drones=3)
    >>> observations, infos = env.reset(seed=0)
    >>> env.agents
    ['drone_0', 'drone_1', 'drone_2']
    >>> hold = dict.fromkeys(env.agents, 0)
    >>> observations, rewards, terminated, truncated, infos = env.step(hold)
    >>> 0 < rewards["drone_0"] < 1
    True
    """
    require_farama()
    from marlgt.games.drones.parallel_env import DroneParallelEnv

    batch = make_batch(task, n_envs=1, n_drones=n_drones, actions=actions, backend=backend)
    return DroneParallelEnv(batch, render_mode=render_mode)


def make_gymnasium(
    task: Task | str,
    *,
    n_drones: int | None = None,
    actions: str | None = None,
    backend: str = "numba",
    render_mode: str | None = None,
) -> Any:
    """Return one environment of a task as a Gymnasium environment, where one agent decides for all.

    Parameters are those of :func:`make`.

    Returns
    -------
    DroneGymEnv
    """
    require_farama()
    from marlgt.games.drones.gymnasium_env import DroneGymEnv

    batch = make_batch(task, n_envs=1, n_drones=n_drones, actions=actions, backend=backend)
    return DroneGymEnv(batch, render_mode=render_mode)


def make_vector(
    task: Task | str,
    *,
    n_envs: int,
    n_drones: int | None = None,
    actions: str | None = None,
    backend: str = "numba",
    dtype: str = "float64",
    threads: int = 1,
    device: str | None = None,
) -> Any:
    """Return many environments of a task as a Gymnasium VectorEnv that resets in the same step.

    Parameters are those of :func:`make_batch`.

    Returns
    -------
    DroneVectorEnv
    """
    require_farama()
    from marlgt.games.drones.gymnasium_env import DroneVectorEnv

    return DroneVectorEnv(
        make_batch(
            task,
            n_envs=n_envs,
            n_drones=n_drones,
            actions=actions,
            backend=backend,
            dtype=dtype,
            threads=threads,
            device=device,
        )
    )


def require_backend(backend: Any) -> None:
    """Raise GameError unless this names a backend."""
    if not isinstance(backend, str) or backend not in BACKENDS:
        raise GameError(f"there is no backend {short(backend)}: choose from {', '.join(BACKENDS)}")


def task_named(task: Task | str, n_drones: int | None = None, actions: str | None = None) -> Task:
    """Return a task, or the one of that name.

    Raises
    ------
    GameError
        For what is neither, or for options of a task that is made already.
    """
    if isinstance(task, str):
        return make_task(task, n_drones=n_drones, actions=actions)
    if not isinstance(task, Task):
        raise GameError(f"task is {short(task)}: give a Task or the name of one")
    if n_drones is not None or actions is not None:
        raise GameError("this task is made already: give n_drones and actions to make_task")
    return task


def _require_room(task: Task, n_envs: int, backend: str) -> None:
    """Raise BudgetExceeded if so many environments need more memory than this machine has."""
    try:
        memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, OSError, ValueError):
        return
    # Physics, and observations and states of this step and the last.
    numbers = 8 * (DRONE_FIELDS * task.n_drones + WORLD_FIELDS + CLOCK_FIELDS)
    seen = 4 * (3 * task.n_agents * task.n_observations + 3 * task.n_state)
    # A number that no float holds would be no less absurd.
    needed = min(n_envs, 10**18) * (numbers + seen + 4 * task.n_drones * task.remembered * task.width)
    needed = {"numba": 1, "torch": 3, "bullet": 1}[backend] * needed + (backend == "bullet") * min(
        n_envs, 10**18
    ) * BULLET_WORLD
    if needed > memory:
        raise BudgetExceeded(
            f"{short(n_envs)} environments of {task.name} need about {needed / 1e9:.3g} GB of memory, more than the "
            f"{memory / 1e9:.3g} GB of this machine: make fewer at a time",
            estimate=float(needed),
            limit=float(memory),
        )
