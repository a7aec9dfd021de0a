"""Environments of a drone task in PyBullet: the reference backend, with real contacts and a camera.

Everything but the motion is what the compiled backend runs: the same actions, controllers, air, events, rewards,
observations and random numbers. One world of Bullet belongs to each environment, and is never loaded again.
"""

from __future__ import annotations

import functools
import weakref
from typing import Any

import numpy as np

from marlgt.games.drones.backends.batch_env import BatchEnv
from marlgt.games.drones.backends.bullet_world import DRONE, HARD, OBSTACLE, BulletWorld
from marlgt.games.drones.backends.stepping import command_block, step_kernel
from marlgt.games.drones.kernels.controllers import MODES, follow_motors
from marlgt.games.drones.kernels.engine import burden_nothing, prepare_substep, push_block, touch_block
from marlgt.games.drones.kernels.lanes import WIDTH
from marlgt.games.drones.kernels.layout import ACTIVE, HIT
from marlgt.games.drones.task import Task
from marlgt.kernels import compiled, specialised

__all__ = ["BulletEnv"]


@functools.cache
def _substep_kernel(follow: Any, burden: Any) -> Any:
    return compiled(specialised(prepare_substep, follow=follow, burden=burden))


class BulletEnv(BatchEnv):
    """Environments of one task whose drones fly in PyBullet; the interface is that of :class:`BatchEnv`.

    A drone has crashed where the compiled backend says so, and where Bullet's contacts show it: on a hard landing, on
    an obstacle, on another drone. Soft contact with the ground is Bullet's.

    Parameters
    ----------
    task : Task
    n_envs : int
        Each takes a Bullet of its own, about 28 MB.

    Attributes
    ----------
    worlds : list of BulletWorld
        One for each environment.

    Raises
    ------
    MissingDependency
        Without pybullet, which exists for Python below 3.12.
    """

    backend = "bullet"

    def __init__(self, task: Task, n_envs: int) -> None:
        super().__init__(task, n_envs)
        self.worlds: list[BulletWorld] = []
        # Worlds outlive whoever forgets to close them, and Bullet has room for so many only.
        self._end = weakref.finalize(self, _end_worlds, self.worlds)
        try:
            for _ in range(self.n_envs):
                self.worlds.append(BulletWorld(task.airframe, task.scene, task.n_drones))
        except BaseException:
            self._end()
            raise
        self._judge = step_kernel(
            MODES[task.control],
            burden_nothing,
            task.spawn,
            task.score,
            task.note,
            int(task.layout == "gpd"),
            int(task.seats == "motors"),
            single=False,
            flown=True,
        )
        frame, trouble = task.airframe, task.disturbances
        # Between control steps nothing then changes but the rotors, and Bullet need not be asked where the drones are.
        self._coasts = (
            MODES[task.control] is follow_motors
            and task.burden is None
            and not any((*frame.drag, frame.ground_effect, frame.downwash, trouble.wind, trouble.gusts, trouble.loss))
        )

    def close(self) -> None:
        """End the worlds."""
        self._end()
        super().close()

    def _options(self) -> dict[str, Any]:
        return {}

    def _advance(self, fresh: int, tables: tuple[Any, ...], flags: np.ndarray) -> None:
        if not fresh:
            self._fly()
        self._judge(0, len(self._clock), self.n_envs, self.task.substeps, fresh, *tables)
        over = np.ones(self.n_envs, bool) if fresh else flags[0] | flags[1]
        for k in np.flatnonzero(over):
            self.worlds[k].place(self._drones[k // WIDTH], int(k) % WIDTH)

    def _fly(self) -> None:
        task, n = self.task, self.task.n_drones
        affine, p, q, o, geometry, arena, numbers, _ = self._constants
        ready = _substep_kernel(MODES[task.control], task.burden or burden_nothing)
        blocks = [
            (self._drones[b], self._world[b], self._clock[b], self.worlds[b * WIDTH : (b + 1) * WIDTH])
            for b in range(len(self._clock))
        ]
        for b, (drones, world, clock, worlds) in enumerate(blocks):
            compiled(command_block)(drones, self._units, affine, n, b * WIDTH, len(worlds))
            compiled(push_block)(drones, world, clock, p, o, n, task.substeps)
            for _ in range(1 if self._coasts else task.substeps):
                ready(drones, world, p, q, n, int(self._coasts))
                for lane, bullet in enumerate(worlds):
                    if self._coasts:
                        bullet.coast(drones, lane, task.substeps)
                    else:
                        bullet.substep(drones, lane)
            for lane, bullet in enumerate(worlds):
                touched = bullet.contacts()
                hit = touched[:, HARD] | touched[:, OBSTACLE] | touched[:, DRONE]
                drones[:, HIT + lane] = np.maximum(drones[:, HIT + lane], hit * drones[:, ACTIVE + lane])
            compiled(touch_block)(drones, geometry, arena, numbers[0], n, p)

    def restore(self, snapshot: Any) -> np.ndarray:
        """Go back to a snapshot, and put the drones of every world where it says."""
        observations = super().restore(snapshot)
        for k, world in enumerate(self.worlds):
            world.place(self._drones[k // WIDTH], k % WIDTH)
        return observations


def _end_worlds(worlds: list[BulletWorld]) -> None:
    for world in worlds:
        world.close()
