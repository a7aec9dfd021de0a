"""Expected Sarsa: the target has the mean over the next action, not the one that happens to be drawn.

With pi the policy that explores (van Seijen and others 2009)::

    Q(s, a) <- Q(s, a) + alpha [ r + discount sum_a' pi(a' | s') Q(s', a') - Q(s, a) ]

The target has the mean of Sarsa's and less variance. Without exploration it is that of Q-learning.

References
----------
van Seijen, H., van Hasselt, H., Whiteson, S. and Wiering, M. (2009). A theoretical and empirical analysis of Expected
Sarsa. ADPRL, 177-184.
"""

from __future__ import annotations

import math
from typing import Any, ClassVar

from marlgt.kernels import inlined_kernel, lean_kernel
from marlgt.learners.exploration import Exploration, is_legal, largest_value
from marlgt.learners.layout import (
    COUNT,
    COUNTS,
    DISCOUNT,
    EPISODES,
    EXPLORATION,
    PLAYER,
    RUNNING,
    STEPS,
    TABLES,
    TERMINATED,
)
from marlgt.learners.schedules import Schedule, scheduled
from marlgt.learners.values import independent
from marlgt.learners.values._action_values import ValueLearner
from marlgt.learners.values._traces import rate_of

__all__ = ["ExpectedSarsa"]

VALUES, VISITS = TABLES, TABLES + 1


@lean_kernel
def expected_value(
    numbers: Any, rule: int, values: Any, at: int, tries: int, form: Any, legal: Any, player: int, state: int, t: float
) -> float:
    """Return the mean value of the action that :func:`draw_from_values` would draw."""
    level = scheduled(numbers, rule + 2, t)
    n = form[COUNTS + player]
    top = largest_value(values, at, form, legal, player, state)
    visits = 0.0
    for a in range(n):
        visits += values[tries + a]
    best = -math.inf
    total = 0.0
    weights = 0.0
    for a in range(n):
        if is_legal(form, legal, player, state, a):
            weight = 1.0
            if numbers[rule] == 1.0:
                # Without heat only the best count, all alike in value.
                weight = 0.0
                if level > 0.0:
                    weight = math.exp((values[at + a] - top) / level)
                elif values[at + a] == top:
                    weight = 1.0
            elif numbers[rule] == 2.0:
                score = math.inf
                if values[tries + a] > 0.0:
                    score = values[at + a] + level * math.sqrt(math.log(visits) / values[tries + a])
                if score < best or (score == best and numbers[rule + 1] == 1.0):
                    weight = 0.0
                elif score > best:
                    best = score
                    total = 0.0
                    weights = 0.0
            total += weight * values[at + a]
            weights += weight
    if numbers[rule] == 0.0:
        # The greedy actions are all worth the same, however ties are broken.
        return float(level * total / weights + (1.0 - level) * top)
    return float(total / weights)


@inlined_kernel
def observe_expected(
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
    """Update the value of the action played towards the expected value of the next one."""
    player = form[PLAYER]
    entry = state * form[COUNT] + own
    rate = rate_of(memory, numbers, form[VISITS], entry)
    memory[form[VISITS] + entry] += 1.0
    memory[STEPS] += 1.0
    target = rewards[player]
    if ended != TERMINATED:
        at = form[VALUES] + following * form[COUNT]
        tries = form[VISITS] + following * form[COUNT]
        target += numbers[DISCOUNT] * expected_value(
            numbers, EXPLORATION, memory, at, tries, form, legal, player, following, memory[STEPS]
        )
    memory[form[VALUES] + entry] += rate * (target - memory[form[VALUES] + entry])
    if ended != RUNNING:
        memory[EPISODES] += 1.0


class ExpectedSarsa(ValueLearner):
    """Expected Sarsa of one player: the target has the mean over the next action, not the one drawn.

    Parameters
    ----------
    game : NormalFormGame, StochasticGame or observed environment
    player : int or str
    learning_rate : float or Schedule
    exploration : float, Schedule or Exploration
        A number or a schedule stands for epsilon-greedy.
    initial : float
        The first value of every action.

    Raises
    ------
    GameError
        For rates that are not from 0 to 1, an epsilon that is never above 0, or a player that there is not.

    Examples
    --------
    >>> import marlgt as gt
    >>> game = gt.games.prisoners_dilemma()
    >>> pair = [ExpectedSarsa(game, player=i) for i in range(2)]
    >>> run = gt.learners.play(game, pair, steps=2000, seed=0)
    >>> [learner.policy().tolist() for learner in pair]
    [[0.0, 1.0], [0.0, 1.0]]
    """

    act_kernel = staticmethod(independent.act)
    observe_kernel = staticmethod(observe_expected)
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
        settings = {"learning_rate": learning_rate, "exploration": exploration}
        super().__init__(game, player, {}, initial, settings)
