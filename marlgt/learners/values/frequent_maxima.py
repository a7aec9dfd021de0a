"""The FMQ heuristic for teams in repeated games: actions are rated by how often they earned their highest reward.

Actions are drawn from the estimates (Kapetanakis and Kudenko 2002)::

    EV(a) = Q(a) + c f(a) max R(a)

where max R(a) is the highest reward that a has earned and f(a) the share of its plays that earned it. In the climbing
game an action that sometimes earns 11 so outweighs what its misses cost. Where rewards are random the highest one is
luck, and the bonus misleads.

References
----------
Kapetanakis, S. and Kudenko, D. (2002). Reinforcement learning of coordination in cooperative multi-agent systems. AAAI.
"""

from __future__ import annotations

import math
from typing import Any

from marlgt.errors import UnsupportedGame
from marlgt.games._doors import nonnegative
from marlgt.kernels import inlined_kernel
from marlgt.learners.exploration import Exploration, draw_from_values, softmax
from marlgt.learners.layout import (
    COUNT,
    EXPLORATION,
    EXTRA,
    PLAYER,
    STEPS,
    TABLES,
)
from marlgt.learners.schedules import Schedule, as_schedule, geometric
from marlgt.learners.tables import Floats, TableLearner
from marlgt.learners.values.optimistic import count_step, rate_of, start_of

__all__ = ["FMQ"]

VALUES, VISITS, ESTIMATES = TABLES, TABLES + 1, TABLES + 2


@inlined_kernel
def act_fmq(memory: Any, form: Any, numbers: Any, legal: Any, state: int, stream: Any) -> int:
    """Return an action drawn by the rule of exploration from the estimates with their bonus."""
    estimates = form[ESTIMATES] + 2 * form[COUNT]
    return draw_from_values(
        numbers,
        EXPLORATION,
        memory,
        estimates,
        form[VISITS],
        form,
        legal,
        form[PLAYER],
        state,
        memory[STEPS],
        stream,
    )


@inlined_kernel
def observe_fmq(
    memory: Any,
    form: Any,
    numbers: Any,
    legal: Any,
    state: int,
    own: int,
    actions: Any,
    rewards: Any,
    following: int,
    ended: int,
    stream: Any,
) -> None:
    """Update the value of the action, the highest reward that it earned and how often, and its estimate."""
    paid = rewards[form[PLAYER]]
    value = form[VALUES] + own
    memory[value] += rate_of(memory, form, numbers, own) * (paid - memory[value])
    highest = form[ESTIMATES] + own
    times = highest + form[COUNT]
    if memory[form[VISITS] + own] == 0.0 or paid > memory[highest]:
        memory[highest] = paid
        memory[times] = 0.0
    if paid == memory[highest]:
        memory[times] += 1.0
    count_step(memory, form, own, ended)
    bonus = numbers[EXTRA] * (memory[times] / memory[form[VISITS] + own]) * memory[highest]
    memory[times + form[COUNT]] = memory[value] + bonus


class FMQ(TableLearner):
    """The FMQ heuristic for repeated games: an action earns a bonus for how often its highest reward came.

    The defaults are those of Kapetanakis and Kudenko for runs of 1000 steps, but for the temperature: theirs is
    ``500 exp(-0.006 t) + 1``, this one ``max(1, 500 exp(-0.006 t))``.

    Parameters
    ----------
    game : NormalFormGame, or a game of one state
    player : int or str
    weight : float
        The weight c of the bonus; 0 is Q-learning.
    learning_rate : float or Schedule
    exploration : float, Schedule or Exploration
    initial : float

    Raises
    ------
    UnsupportedGame
        For a game of several states.
    """

    act_kernel = staticmethod(act_fmq)
    observe_kernel = staticmethod(observe_fmq)

    def __init__(
        self,
        game: Any,
        player: int | str = 0,
        *,
        weight: float = 10.0,
        learning_rate: float | Schedule = 0.9,
        exploration: float | Schedule | Exploration | None = None,
        initial: float = 0.0,
    ) -> None:
        setting, who, shape = start_of(game, player)
        if setting.n_states != 1:
            raise UnsupportedGame(
                f"the game has {setting.n_states} states: FMQ compares rewards of one repeated game; take HystereticQ "
                "or LenientQ"
            )
        rule = exploration if exploration is not None else _cooling()
        given = {"weight": weight, "learning_rate": learning_rate, "exploration": rule, "initial": initial}
        # The third table holds, one behind the other: highest rewards, how often they came, and the estimates.
        tables: dict[str, tuple[int, ...]] = {
            "values": shape,
            "visits": shape,
            "none": (0,),
            "estimates": (3, shape[1]),
        }
        rates: dict[str, Any] = {"learning_rate": learning_rate, "exploration": rule}
        super().__init__(setting, who, tables=tables, settings=given, extra=[nonnegative(weight, "weight")], **rates)
        self.table("values")[:] = initial
        self.table("estimates")[2] = initial

    def policy(self) -> Floats:
        """Return the policy that is greedy for the estimates, ties shared, shape (1, A_player) or (A_player,)."""
        return self._greedy(self.table("estimates")[2:], self.player)


def _cooling() -> Exploration:
    return softmax(as_schedule(geometric(500.0, math.exp(-0.006), floor=1.0), "temperature", most=math.inf))
