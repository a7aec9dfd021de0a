"""Exploration: how an action is drawn from what a learner holds the actions to be worth, or from its policy.

For values q of the legal actions of a state::

    epsilon-greedy    probability  eps / |A| + (1 - eps) [a greedy]          (ties shared, or the lowest index)
    softmax           probability  proportional to exp(q(a) / temperature)
    count bonus       the action with the highest q(a) + c sqrt(log N / N(a)), unvisited ones first (UCB1)

References
----------
Auer, P., Cesa-Bianchi, N. and Fischer, P. (2002). Finite-time analysis of the multiarmed bandit problem. Machine
Learning 47, 235-256.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from marlgt.errors import GameError
from marlgt.games._arrays import short
from marlgt.kernels import inlined_kernel, lean_kernel
from marlgt.learners.layout import COUNTS, FREE, PLAYERS
from marlgt.learners.schedules import SCHEDULE_WIDTH, Schedule, as_schedule, scheduled
from marlgt.randomness import uniform

__all__ = [
    "EXPLORATION_WIDTH",
    "Exploration",
    "as_exploration",
    "count_bonus",
    "draw_from_policy",
    "draw_from_values",
    "epsilon_greedy",
    "epsilon_greedy_probabilities",
    "softmax",
]

EXPLORATION_WIDTH = 2 + SCHEDULE_WIDTH
"""Numbers that an exploration rule takes in the row that kernels read."""

_RULES = ("epsilon_greedy", "softmax", "count_bonus")


@dataclass(frozen=True)
class Exploration:
    """A rule of exploration; made by :func:`epsilon_greedy`, :func:`softmax` or :func:`count_bonus`.

    Attributes
    ----------
    rule : {"epsilon_greedy", "softmax", "count_bonus"}
    schedule : Schedule
        Of epsilon, of the temperature, or of the weight c of the bonus.
    ties : {"random", "lowest"}
        Which of several greedy actions is played.
    """

    rule: str
    schedule: Schedule
    ties: str = "random"

    def row(self) -> NDArray[np.float64]:
        """Return the rule as kernels read it, shape (EXPLORATION_WIDTH,)."""
        return np.concatenate([[_RULES.index(self.rule), float(self.ties == "lowest")], self.schedule.row()])


def epsilon_greedy(epsilon: float | Schedule, *, ties: str = "random") -> Exploration:
    """Return the rule that plays a uniformly random legal action with probability epsilon, else a greedy one."""
    return Exploration("epsilon_greedy", as_schedule(epsilon, "epsilon"), _checked_ties(ties))


def softmax(temperature: float | Schedule) -> Exploration:
    """Return the rule that plays actions with probabilities proportional to ``exp(q / temperature)``."""
    return Exploration("softmax", as_schedule(temperature, "temperature", most=math.inf, positive=True))


def count_bonus(weight: float | Schedule = 1.0, *, ties: str = "random") -> Exploration:
    """Return the rule that adds to each value a bonus for actions that were seldom played in this state (UCB1)."""
    return Exploration("count_bonus", as_schedule(weight, "weight", most=math.inf, positive=True), _checked_ties(ties))


def as_exploration(value: Any) -> Exploration:
    """Return a rule of exploration, where a number or a schedule stands for epsilon-greedy with that epsilon.

    Raises
    ------
    GameError
        For anything else, and for an epsilon that is never above 0.
    """
    rule = value if isinstance(value, Exploration) else epsilon_greedy(value)
    if rule.rule == "epsilon_greedy" and not rule.schedule.most() > 0.0:
        raise GameError(
            "epsilon is never above 0, so that the learner never explores: give a positive epsilon, or a schedule "
            "that begins above 0"
        )
    return rule


def epsilon_greedy_probabilities(values: ArrayLike, epsilon: float) -> NDArray[np.float64]:
    """Return the probabilities of epsilon-greedy play, ties shared, shape (A,).

    Parameters
    ----------
    values : array_like, shape (A,)
    epsilon : float

    Examples
    --------
    >>> epsilon_greedy_probabilities([1, 5, 2], 0.3)
    array([0.1, 0.8, 0.1])
    """
    q = np.asarray(values, dtype=np.float64)
    if q.ndim != 1 or not len(q) or not np.isfinite(q).all():
        raise GameError(f"values is {short(values)}: give finite numbers, one for each action")
    share = as_schedule(epsilon, "epsilon").first
    greedy = q == q.max()
    return np.asarray(share / len(q) + (1.0 - share) * greedy / greedy.sum())


def _checked_ties(ties: Any) -> str:
    if not isinstance(ties, str) or ties not in ("random", "lowest"):
        raise GameError(f"ties is {short(ties)}: give 'random' or 'lowest'")
    return str(ties)


@inlined_kernel
def is_legal(form: Any, legal: Any, player: int, state: int, action: int) -> bool:
    """Tell whether a player may play an action in a state."""
    if form[FREE] == 1:
        return True
    n = form[PLAYERS]
    return bool(legal[form[COUNTS + 2 * n + player] + state * form[COUNTS + player] + action])


@inlined_kernel
def draw_uniformly(form: Any, legal: Any, player: int, state: int, stream: Any) -> int:
    """Return a uniformly random legal action."""
    n = form[COUNTS + player]
    if form[FREE] == 1:
        return int(uniform(stream) * n)
    available = 0
    for a in range(n):
        if is_legal(form, legal, player, state, a):
            available += 1
    left = int(uniform(stream) * available)
    for a in range(n):
        if is_legal(form, legal, player, state, a):
            if left == 0:
                return a
            left -= 1
    return 0


@inlined_kernel
def greedy_action(
    values: Any, at: int, form: Any, legal: Any, player: int, state: int, lowest: bool, stream: Any
) -> int:
    """Return an action of highest value ``values[at + a]`` among the legal ones; ties to the lowest or drawn."""
    best = -1
    tied = 1
    for a in range(form[COUNTS + player]):
        if is_legal(form, legal, player, state, a):
            if best < 0 or values[at + a] > values[at + best]:
                best = a
                tied = 1
            elif values[at + a] == values[at + best]:
                tied += 1
    if tied == 1 or lowest:
        return best
    left = int(uniform(stream) * tied)
    for a in range(best, form[COUNTS + player]):
        if values[at + a] == values[at + best] and is_legal(form, legal, player, state, a):
            if left == 0:
                return a
            left -= 1
    return best


@inlined_kernel
def largest_value(values: Any, at: int, form: Any, legal: Any, player: int, state: int) -> float:
    """Return the highest value ``values[at + a]`` of a legal action."""
    best = -math.inf
    for a in range(form[COUNTS + player]):
        if values[at + a] > best and is_legal(form, legal, player, state, a):
            best = values[at + a]
    return best


@lean_kernel
def draw_by_softmax(
    values: Any, at: int, form: Any, legal: Any, player: int, state: int, temperature: float, stream: Any
) -> int:
    """Return a legal action drawn in proportion to ``exp(q / temperature)``, or a greedy one at temperature 0."""
    if not temperature > 0.0:
        return greedy_action(values, at, form, legal, player, state, False, stream)
    top = largest_value(values, at, form, legal, player, state)
    n = form[COUNTS + player]
    total = 0.0
    for a in range(n):
        if is_legal(form, legal, player, state, a):
            total += math.exp((values[at + a] - top) / temperature)
    left = uniform(stream) * total
    last = 0
    for a in range(n):
        if is_legal(form, legal, player, state, a):
            last = a
            left -= math.exp((values[at + a] - top) / temperature)
            if left < 0.0:
                break
    return last


@lean_kernel
def draw_by_counts(
    values: Any,
    at: int,
    tries: int,
    form: Any,
    legal: Any,
    player: int,
    state: int,
    weight: float,
    lowest: bool,
    stream: Any,
) -> int:
    """Return a legal action with the highest sum of its value and a bonus for being seldom played."""
    n = form[COUNTS + player]
    visits = 0.0
    for a in range(n):
        visits += values[tries + a]
    best = -1
    score = -math.inf
    tied = 0
    for a in range(n):
        if is_legal(form, legal, player, state, a):
            tried = values[tries + a]
            worth = math.inf
            if tried > 0.0:
                worth = values[at + a] + weight * math.sqrt(math.log(visits) / tried)
            if best < 0 or worth > score:
                best = a
                score = worth
                tied = 1
            elif worth == score:
                tied += 1
                # Each of k tied actions is kept with probability 1 / k.
                if not lowest and uniform(stream) * tied < 1.0:
                    best = a
    return best


@inlined_kernel
def draw_from_values(
    numbers: Any,
    rule: int,
    values: Any,
    at: int,
    tries: int,
    form: Any,
    legal: Any,
    player: int,
    state: int,
    t: float,
    stream: Any,
) -> int:
    """Return an action drawn by the rule of exploration whose row begins at ``numbers[rule]``.

    ``values[at + a]`` are the values of the actions of this state and ``values[tries + a]`` how often each was played
    there, which only the rule of counts reads.
    """
    level = scheduled(numbers, rule + 2, t)
    if numbers[rule] == 0.0:
        if level > 0.0 and uniform(stream) < level:
            return draw_uniformly(form, legal, player, state, stream)
        return greedy_action(values, at, form, legal, player, state, numbers[rule + 1] == 1.0, stream)
    if numbers[rule] == 1.0:
        return draw_by_softmax(values, at, form, legal, player, state, level, stream)
    return draw_by_counts(values, at, tries, form, legal, player, state, level, numbers[rule + 1] == 1.0, stream)


@inlined_kernel
def draw_from_policy(
    numbers: Any, rule: int, policy: Any, at: int, form: Any, legal: Any, player: int, state: int, t: float, stream: Any
) -> int:
    """Return an action drawn from the distribution ``policy[at + a]``, or with probability epsilon a random one."""
    level = scheduled(numbers, rule + 2, t)
    if level > 0.0 and uniform(stream) < level:
        return draw_uniformly(form, legal, player, state, stream)
    n = form[COUNTS + player]
    left = uniform(stream)
    last = 0
    for a in range(n):
        if policy[at + a] > 0.0:
            last = a
            left -= policy[at + a]
            if left < 0.0:
                break
    return last
