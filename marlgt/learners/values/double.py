"""Double Q-learning: two tables of values, so that no table chooses and judges an action at once (van Hasselt 2010).

Each step a fair coin chooses the table A or B to update; for A::

    Q_A(s, a) <- Q_A(s, a) + alpha [ r + discount Q_B(s', argmax_b Q_A(s', b)) - Q_A(s, a) ]

and likewise for B with the tables exchanged. The maximum of noisy values overestimates the value of the maximum; what
one table holds for best is judged by the other without that bias. Actions are chosen by the mean of both.

References
----------
van Hasselt, H. (2010). Double Q-learning. Advances in Neural Information Processing Systems 23, algorithm 1.
"""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np

from marlgt.kernels import lean_kernel
from marlgt.learners.exploration import Exploration, as_exploration, greedy_action
from marlgt.learners.layout import (
    COUNT,
    DISCOUNT,
    EPISODES,
    EXPLORATION,
    PLAYER,
    RUNNING,
    STATES,
    STEPS,
    TABLES,
    TERMINATED,
)
from marlgt.learners.schedules import Schedule
from marlgt.learners.settings import checked_player, setting_of
from marlgt.learners.tables import Floats, TableLearner
from marlgt.learners.values import independent
from marlgt.learners.values._traces import rate_of
from marlgt.randomness import uniform

__all__ = ["DoubleQ"]

# The mean of both tables and the visits stand where those of Q-learning do, so that both act by one kernel.
MEAN, VISITS, PAIR, UPDATES = TABLES, TABLES + 1, TABLES + 2, TABLES + 3


@lean_kernel
def observe(
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
    """Update one of the two values of the action played."""
    player = form[PLAYER]
    entry = state * form[COUNT] + own
    size = form[STATES] * form[COUNT]
    chosen = 0
    if uniform(stream) < 0.5:
        chosen = 1
    own_table = form[PAIR] + chosen * size
    other_table = form[PAIR] + (1 - chosen) * size
    target = rewards[player]
    if ended != TERMINATED:
        ahead = following * form[COUNT]
        lowest = numbers[EXPLORATION + 1] == 1.0
        best = greedy_action(memory, own_table + ahead, form, legal, player, following, lowest, stream)
        target += numbers[DISCOUNT] * memory[other_table + ahead + best]
    updates = form[UPDATES] + chosen * size
    rate = rate_of(memory, numbers, updates, entry)
    memory[own_table + entry] += rate * (target - memory[own_table + entry])
    memory[form[MEAN] + entry] = 0.5 * (memory[own_table + entry] + memory[other_table + entry])
    memory[updates + entry] += 1.0
    memory[form[VISITS] + entry] += 1.0
    memory[STEPS] += 1.0
    if ended != RUNNING:
        memory[EPISODES] += 1.0


class DoubleQ(TableLearner):
    """Double Q-learning of one player who sees only the state, her own actions and her own rewards.

    Parameters
    ----------
    game : NormalFormGame, StochasticGame or observed environment
    player : int or str
    learning_rate : float or Schedule
        Per visit, time is counted by the updates of an entry of the table that is updated.
    exploration : float, Schedule or Exploration
        A number or a schedule stands for epsilon-greedy.
    initial : float
        The first value of every action in both tables.

    Raises
    ------
    GameError
        For rates that are not from 0 to 1, an epsilon that is never above 0, or a player that there is not.

    Examples
    --------
    >>> import marlgt as gt
    >>> game = gt.games.prisoners_dilemma()
    >>> pair = [DoubleQ(game, player=i) for i in range(2)]
    >>> run = gt.learners.play(game, pair, steps=2000, seed=0)
    >>> [learner.policy().tolist() for learner in pair]
    [[0.0, 1.0], [0.0, 1.0]]
    """

    act_kernel = staticmethod(independent.act)
    observe_kernel = staticmethod(observe)
    shareable: ClassVar[bool] = True

    def __init__(
        self,
        game: Any,
        player: int | str = 0,
        *,
        learning_rate: float | Schedule = 0.1,
        exploration: float | Schedule | Exploration = 0.1,
        initial: float = 0.0,
    ) -> None:
        setting = setting_of(game)
        who = checked_player(setting, player)
        shape = (setting.n_states, setting.n_actions[who])
        super().__init__(
            setting,
            who,
            tables={"values": shape, "visits": shape, "pair": (2, *shape), "updates": (2, *shape)},
            settings={"learning_rate": learning_rate, "exploration": exploration, "initial": initial},
            learning_rate=learning_rate,
            exploration=as_exploration(exploration),
        )
        self.table("values")[:] = initial
        self.table("pair")[:] = initial

    def policy(self) -> Floats:
        """Return the policy greedy for the mean of both tables, ties shared, shape (S, A_player) or (A_player,)."""
        return self._greedy(self.table("values"), self.player)

    @property
    def values(self) -> Floats:
        """The mean of both tables, shape (S, A_player)."""
        return np.asarray(self.table("values"))

    @property
    def pair(self) -> Floats:
        """The two tables, shape (2, S, A_player)."""
        return np.asarray(self.table("pair"))
