"""Independent Q-learning: every learner treats the others as a part of its environment (Tan 1993).

With own actions a and rewards r, the values are updated by (Watkins and Dayan 1992)::

    Q(s, a) <- Q(s, a) + alpha [ r + discount max_b Q(s', b) - Q(s, a) ],      the last term without max where s' ends

Against learners that change, the environment is not stationary and nothing is guaranteed: two of them converge to the
dominant actions of the prisoner's dilemma, and cycle in rock-paper-scissors.

References
----------
Tan, M. (1993). Multi-agent reinforcement learning: independent vs. cooperative agents. ICML.
Watkins, C. J. C. H. and Dayan, P. (1992). Q-learning. Machine Learning 8, 279-292.
"""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np

from marlgt.kernels import inlined_kernel
from marlgt.learners.exploration import Exploration, as_exploration, draw_from_values, largest_value
from marlgt.learners.layout import (
    COUNT,
    DISCOUNT,
    EPISODES,
    EXPLORATION,
    PER_VISIT,
    PLAYER,
    RATE,
    RUNNING,
    STEPS,
    TABLES,
    TERMINATED,
)
from marlgt.learners.schedules import Schedule, scheduled
from marlgt.learners.settings import checked_player, setting_of
from marlgt.learners.tables import Floats, TableLearner

__all__ = ["QLearning"]

VALUES, VISITS = TABLES, TABLES + 1


@inlined_kernel
def act(memory: Any, form: Any, numbers: Any, legal: Any, state: int, stream: Any) -> int:
    """Return an action drawn by the rule of exploration from the values of the state."""
    player = form[PLAYER]
    place = state * form[COUNT]
    return draw_from_values(
        numbers,
        EXPLORATION,
        memory,
        form[VALUES] + place,
        form[VISITS] + place,
        form,
        legal,
        player,
        state,
        memory[STEPS],
        stream,
    )


@inlined_kernel
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
    """Update the value of the action played."""
    player = form[PLAYER]
    place = state * form[COUNT] + own
    target = rewards[player]
    if ended != TERMINATED:
        ahead = form[VALUES] + following * form[COUNT]
        target += numbers[DISCOUNT] * largest_value(memory, ahead, form, legal, player, following)
    time = memory[STEPS]
    if numbers[PER_VISIT] == 1.0:
        time = memory[form[VISITS] + place]
    memory[form[VALUES] + place] += scheduled(numbers, RATE, time) * (target - memory[form[VALUES] + place])
    memory[form[VISITS] + place] += 1.0
    memory[STEPS] += 1.0
    if ended != RUNNING:
        memory[EPISODES] += 1.0


class QLearning(TableLearner):
    """Q-learning of one player who sees only the state, her own actions and her own rewards.

    Parameters
    ----------
    game : NormalFormGame, StochasticGame or observed environment
    player : int or str
    learning_rate : float or Schedule
        Alpha, from 0 to 1.
    exploration : float, Schedule or Exploration
        A number or a schedule stands for epsilon-greedy.
    initial : float
        The first value of every action; above what can be earned, it drives exploration.

    Raises
    ------
    GameError
        For rates that are not from 0 to 1, an epsilon that is never above 0, or a player that there is not.

    Examples
    --------
    >>> import marlgt as gt
    >>> game = gt.games.prisoners_dilemma()
    >>> learners = [gt.learners.QLearning(game, player=i) for i in range(2)]
    >>> run = gt.learners.play(game, learners, steps=2000, seed=0)
    >>> [learner.policy().tolist() for learner in learners]
    [[0.0, 1.0], [0.0, 1.0]]
    """

    act_kernel = staticmethod(act)
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
            tables={"values": shape, "visits": shape},
            settings={"learning_rate": learning_rate, "exploration": exploration, "initial": initial},
            learning_rate=learning_rate,
            exploration=as_exploration(exploration),
        )
        self.table("values")[:] = initial

    def policy(self) -> Floats:
        """Return the greedy policy, ties shared, shape (S, A_player), or (A_player,) in a normal-form game."""
        return self._greedy(self.table("values"), self.player)

    @property
    def values(self) -> Floats:
        """The learned values, shape (S, A_player)."""
        return np.asarray(self.table("values"))
