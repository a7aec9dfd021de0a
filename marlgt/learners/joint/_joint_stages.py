"""What learners share that hold every player's values of what all players do together.

Such a learner sees all actions and rewards and keeps, for every player j, values ``Q_j(s, a)`` of the joint actions a.
A rule chooses what is played in the stage game ``Q_1(s, .), ..., Q_n(s, .)``, and so its values ``V_j(s)``::

    Q_j(s, a) <- (1 - alpha) Q_j(s, a) + alpha [ r_j + discount V_j(s') ]        for every player j

All learners of one rule see the same and so hold the same values. One of them can stand for all of them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from marlgt.kernels import gear, lean_kernel
from marlgt.learners.exploration import as_exploration, draw_uniformly
from marlgt.learners.joint.friends_and_foes import require_exploration, require_finite
from marlgt.learners.layout import (
    COUNTS,
    DISCOUNT,
    EPISODES,
    PER_VISIT,
    PLAYERS,
    PROFILES,
    RATE,
    RUNNING,
    STEPS,
    TABLES,
    TERMINATED,
)
from marlgt.learners.schedules import Schedule, scheduled
from marlgt.learners.settings import Setting
from marlgt.learners.tables import Floats, TableLearner

__all__ = ["CHOSEN", "STATE_VALUES", "VALUES", "WORK", "JointLearner", "draw_all_uniformly", "update_joint"]

VALUES, STATE_VALUES, CHOSEN, VISITS, WORK = (TABLES + k for k in range(5))


@lean_kernel
def update_joint(
    memory: Any, form: Any, numbers: Any, state: int, actions: Any, rewards: Any, following: int, ended: int
) -> None:
    """Move every player's value of what was played towards her target, and count the step."""
    n = form[PLAYERS]
    profiles = form[PROFILES]
    cell = 0
    for i in range(n):
        cell += int(actions[i]) * int(form[COUNTS + n + i])
    time = memory[STEPS]
    if numbers[PER_VISIT] == 1.0:
        time = memory[form[VISITS] + state * profiles + cell]
    rate = scheduled(numbers, RATE, time)
    for i in range(n):
        target = rewards[i]
        if ended != TERMINATED:
            target += numbers[DISCOUNT] * memory[form[STATE_VALUES] + following * n + i]
        place = form[VALUES] + (state * n + i) * profiles + cell
        memory[place] += rate * (target - memory[place])
    memory[form[VISITS] + state * profiles + cell] += 1.0
    memory[STEPS] += 1.0
    if ended != RUNNING:
        memory[EPISODES] += 1.0


@lean_kernel
def draw_all_uniformly(form: Any, legal: Any, state: int, stream: Any) -> int:
    """Return the number of a profile in which every player plays a random legal action."""
    n = form[PLAYERS]
    joint = 0
    for i in range(n):
        joint += draw_uniformly(form, legal, i, state, stream) * int(form[COUNTS + n + i])
    return joint


class JointLearner(TableLearner):
    """The doors of learners that hold all players' values; their rules are kernels.

    Parameters
    ----------
    setting : Setting
    player : int or None
    chosen : int
        Numbers that hold what is chosen in a state.
    work : int
        Numbers of scratch space.
    solve : callable
        The kernel ``solve(memory, form, numbers, legal, state)`` that chooses in a state.
    settings, extra
        As in :class:`TableLearner`.
    """

    def __init__(
        self,
        setting: Setting,
        player: int | None,
        *,
        chosen: int,
        work: int,
        solve: Callable[..., None],
        settings: Mapping[str, Any],
        extra: list[float],
    ) -> None:
        require_exploration(settings["exploration"])
        require_finite(settings["initial"])
        s, n, profiles = setting.n_states, setting.n_players, setting.n_profiles
        rate: float | Schedule = settings["learning_rate"]
        super().__init__(
            setting,
            player,
            tables={
                "values": (s, n, profiles),
                "state_values": (s, n),
                "chosen": (s, chosen),
                "visits": (s, profiles),
                "work": (work,),
            },
            settings=settings,
            learning_rate=rate,
            exploration=as_exploration(settings["exploration"]),
            extra=extra,
        )
        self.table("values")[:] = settings["initial"]
        choose = gear(solve, 100.0 * s * profiles * n)
        for state in range(s):
            choose(self.memory, self.form, self.numbers, self._legal, state)

    @property
    def values(self) -> Floats:
        """The learned values of all players, shape (n, S, A_1, ..., A_n)."""
        shape = (self.setting.n_states, self.setting.n_players, *self.setting.n_actions)
        return np.asarray(np.moveaxis(self.table("values").reshape(shape), 1, 0))

    @property
    def state_values(self) -> Floats:
        """The values of the states by what is chosen in them, shape (n, S)."""
        return np.asarray(self.table("state_values").T)
