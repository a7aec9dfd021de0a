"""Lenient Q-learning (LMRL2): independent learners of a team forgive each other at first.

A step that is worse than expected, delta < 0, says more about a teammate who explores than about the own action. It is
learned from only with probability ``1 - exp(-1 / (theta T(s, a)))``, and the temperature T of an action falls each time
that it is played, towards the mean temperature of the state it leads to::

    T(s, a) <- cooling [ (1 - diffusion) T(s, a) + diffusion mean_b T(s', b) ],      or cooling T(s, a) where s' ends

References
----------
Panait, L., Sullivan, K. and Luke, S. (2006). Lenience towards teammates helps in cooperative multiagent learning.
AAMAS.
Wei, E. and Luke, S. (2016). Lenient learning in independent-learner stochastic cooperative games. JMLR 17(84), 1-42.
"""

from __future__ import annotations

import math
from typing import Any

from marlgt.games._doors import positive
from marlgt.kernels import inlined_kernel
from marlgt.learners.exploration import greedy_action, is_legal, largest_value
from marlgt.learners.layout import (
    COUNT,
    EXTRA,
    PLAYER,
    TABLES,
    TERMINATED,
)
from marlgt.learners.schedules import Schedule
from marlgt.learners.tables import Floats, TableLearner
from marlgt.learners.values.optimistic import count_step, rate_of, share_of, start_of, surprise
from marlgt.randomness import uniform

__all__ = ["LenientQ"]

VALUES, TEMPERATURES = TABLES, TABLES + 2
# numbers: where exploration ends, its moderation, the leniency, cooling and diffusion.
COLDEST, MODERATION, LENIENCY, COOLING, DIFFUSION = EXTRA + 1, EXTRA + 2, EXTRA + 3, EXTRA + 4, EXTRA + 5


@inlined_kernel
def mean_temperature(memory: Any, form: Any, legal: Any, state: int) -> float:
    """Return the mean temperature of the legal actions of a state."""
    total = 0.0
    available = 0
    for a in range(form[COUNT]):
        if is_legal(form, legal, form[PLAYER], state, a):
            total += memory[form[TEMPERATURES] + state * form[COUNT] + a]
            available += 1
    return total / available


@inlined_kernel
def act_lenient(memory: Any, form: Any, numbers: Any, legal: Any, state: int, stream: Any) -> int:
    """Return an action drawn by Boltzmann's rule at the temperature of the state, the best one where it is cold."""
    player = form[PLAYER]
    at = form[VALUES] + state * form[COUNT]
    warmth = mean_temperature(memory, form, legal, state)
    if warmth < numbers[COLDEST]:
        return greedy_action(memory, at, form, legal, player, state, False, stream)
    level = numbers[MODERATION] * warmth
    top = largest_value(memory, at, form, legal, player, state)
    total = 0.0
    for a in range(form[COUNT]):
        if is_legal(form, legal, player, state, a):
            total += math.exp((memory[at + a] - top) / level)
    left = uniform(stream) * total
    last = 0
    for a in range(form[COUNT]):
        if is_legal(form, legal, player, state, a):
            last = a
            left -= math.exp((memory[at + a] - top) / level)
            if left < 0.0:
                break
    return last


@inlined_kernel
def observe_lenient(
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
    """Learn from what was better, and from what was worse unless it is forgiven; cool down."""
    place = state * form[COUNT] + own
    at = form[TEMPERATURES] + place
    delta = surprise(memory, form, numbers, legal, place, rewards, following, ended)
    heat = numbers[LENIENCY] * memory[at]
    # A cold action forgives nothing: exp(-1 / 0) = 0.
    forgiving = math.exp(-1.0 / heat) if heat > 0.0 else 0.0
    if delta >= 0.0 or uniform(stream) >= forgiving:
        memory[form[VALUES] + place] += rate_of(memory, form, numbers, place) * delta
    warmth = memory[at]
    if ended != TERMINATED:
        ahead = mean_temperature(memory, form, legal, following)
        warmth = (1.0 - numbers[DIFFUSION]) * memory[at] + numbers[DIFFUSION] * ahead
    memory[at] = numbers[COOLING] * warmth
    count_step(memory, form, place, ended)


class LenientQ(TableLearner):
    """Lenient Q-learning (LMRL2): low rewards are forgiven at first, and less the more often an action was played.

    It explores by Boltzmann's rule at ``moderation`` times the mean temperature of the state, and not at all where that
    is below the coldest.

    Parameters
    ----------
    game : NormalFormGame, StochasticGame or observed environment
    player : int or str
    learning_rate : float or Schedule
    warmest, coldest : float
        The first temperature of every action, and the one below which the best action is played.
    cooling : float
        The factor on the temperature of an action at each play, from 0 to 1.
    diffusion : float
        The share of the next state's mean temperature in the new one, from 0 to 1.
    moderation : float
        Omega, of the exploration.
    leniency : float
        Theta: the larger, the more is forgiven.
    initial : float

    Raises
    ------
    GameError
        For settings out of their ranges.
    """

    act_kernel = staticmethod(act_lenient)
    observe_kernel = staticmethod(observe_lenient)

    def __init__(
        self,
        game: Any,
        player: int | str = 0,
        *,
        learning_rate: float | Schedule = 0.1,
        warmest: float = 50.0,
        coldest: float = 2.0,
        cooling: float = 0.995,
        diffusion: float = 0.1,
        moderation: float = 1.0,
        leniency: float = 1.0,
        initial: float = 0.0,
    ) -> None:
        setting, who, shape = start_of(game, player)
        extra = [
            positive(warmest, "warmest"),
            positive(coldest, "coldest"),
            positive(moderation, "moderation"),
            positive(leniency, "leniency"),
            share_of(cooling, "cooling"),
            share_of(diffusion, "diffusion"),
        ]
        given = {
            "learning_rate": learning_rate,
            "warmest": warmest,
            "coldest": coldest,
            "cooling": cooling,
            "diffusion": diffusion,
            "moderation": moderation,
            "leniency": leniency,
            "initial": initial,
        }
        tables = {"values": shape, "visits": shape, "temperatures": shape}
        super().__init__(setting, who, tables=tables, settings=given, learning_rate=learning_rate, extra=extra)
        self.table("values")[:] = initial
        self.table("temperatures")[:] = warmest

    def policy(self) -> Floats:
        """Return the greedy policy, ties shared, shape (S, A_player), or (A_player,) in a normal-form game."""
        return self._greedy(self.table("values"), self.player)
