"""Independent learners for teams, who do not blame an action for what their teammates explored or did wrong.

All players get the same reward. An independent Q-learner rates an action by the average over what the others happen to
do and shuns the best joint action where its neighbours are bad (relative overgeneralization). These update the values
of their own actions otherwise, with delta = r + discount max_b Q(s', b) - Q(s, a):

- distributed Q-learning takes only what is better, Q <- max(Q, r + discount max Q'), and changes its policy only when
  the best value rises, so that all settle on the same of several optima; right in deterministic team games only;
- hysteretic Q-learning has two rates, alpha where delta >= 0 and a smaller beta where it is negative;
- lenient Q-learning (LMRL2) forgives a negative delta with probability exp(-1 / (theta T(s, a))), where the temperature
  T falls with every play of the action;
- FMQ, for repeated games, acts on Q(a) + c f(a) max R(a), f(a) the share of plays that earned the highest reward seen.

References
----------
Lauer, M. and Riedmiller, M. (2000). An algorithm for distributed reinforcement learning in cooperative multi-agent
systems. ICML.
Kapetanakis, S. and Kudenko, D. (2002). Reinforcement learning of coordination in cooperative multi-agent systems. AAAI.
Matignon, L., Laurent, G. J. and Le Fort-Piat, N. (2007). Hysteretic Q-learning: an algorithm for decentralized
reinforcement learning in cooperative multi-agent teams. IROS.
Panait, L., Sullivan, K. and Luke, S. (2006). Lenience towards teammates helps in cooperative multiagent learning. AAMAS.
Wei, E. and Luke, S. (2016). Lenient learning in independent-learner stochastic cooperative games. JMLR 17(84), 1-42.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from marlgt.errors import GameError, UnsupportedGame
from marlgt.games._arrays import short
from marlgt.games._doors import nonnegative, positive
from marlgt.kernels import lean_kernel
from marlgt.learners._layout import (
    COUNT,
    DISCOUNT,
    EPISODES,
    EXPLORATION,
    EXTRA,
    PER_VISIT,
    PLAYER,
    RATE,
    RUNNING,
    STEPS,
    TABLES,
    TERMINATED,
)
from marlgt.learners.exploration import (
    Exploration,
    as_exploration,
    draw_from_values,
    draw_uniformly,
    greedy_action,
    is_legal,
    largest_value,
    softmax,
)
from marlgt.learners.independent import act as act_on_values
from marlgt.learners.schedules import Schedule, as_schedule, geometric, scheduled
from marlgt.learners.settings import Setting, checked_player, setting_of
from marlgt.learners.tables import Floats, TableLearner
from marlgt.randomness import uniform

__all__ = ["FMQ", "DistributedQ", "HystereticQ", "LenientQ"]

VALUES, VISITS, THIRD, FOURTH = TABLES, TABLES + 1, TABLES + 2, TABLES + 3


@lean_kernel
def surprise(
    memory: Any, form: Any, numbers: Any, legal: Any, place: int, rewards: Any, following: int, ended: int
) -> float:
    """Return by how much a step was better than the value at the place said."""
    player = form[PLAYER]
    target = rewards[player]
    if ended != TERMINATED:
        ahead = form[VALUES] + following * form[COUNT]
        target += numbers[DISCOUNT] * largest_value(memory, ahead, form, legal, player, following)
    return float(target - memory[form[VALUES] + place])


@lean_kernel
def rate_of(memory: Any, form: Any, numbers: Any, place: int) -> float:
    """Return the learning rate for the entry at the place."""
    if numbers[PER_VISIT] == 1.0:
        return scheduled(numbers, RATE, memory[form[VISITS] + place])
    return scheduled(numbers, RATE, memory[STEPS])


@lean_kernel
def count_step(memory: Any, form: Any, place: int, ended: int) -> None:
    """Count the visit, the step and the end of an episode."""
    memory[form[VISITS] + place] += 1.0
    memory[STEPS] += 1.0
    if ended != RUNNING:
        memory[EPISODES] += 1.0


@lean_kernel
def observe_hysteretic(
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
    """Raise the value at one rate, or lower it at another."""
    place = state * form[COUNT] + own
    delta = surprise(memory, form, numbers, legal, place, rewards, following, ended)
    rate = rate_of(memory, form, numbers, place)
    if delta < 0.0:
        rate *= numbers[EXTRA]
    memory[form[VALUES] + place] += rate * delta
    count_step(memory, form, place, ended)


@lean_kernel
def act_distributed(memory: Any, form: Any, numbers: Any, legal: Any, state: int, stream: Any) -> int:
    """Return the action chosen for the state, or with probability epsilon a random one."""
    level = scheduled(numbers, EXPLORATION + 2, memory[STEPS])
    chosen = int(memory[form[THIRD] + state])
    if chosen < 0 or (level > 0.0 and uniform(stream) < level):
        return draw_uniformly(form, legal, form[PLAYER], state, stream)
    return chosen


@lean_kernel
def observe_distributed(
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
    """Keep the best value seen, and choose the action if that is the best of the state."""
    place = state * form[COUNT] + own
    delta = surprise(memory, form, numbers, legal, place, rewards, following, ended)
    if delta > 0.0:
        best = largest_value(memory, form[VALUES] + state * form[COUNT], form, legal, form[PLAYER], state)
        memory[form[VALUES] + place] += delta
        if memory[form[VALUES] + place] > best:
            memory[form[THIRD] + state] = float(own)
    count_step(memory, form, place, ended)


@lean_kernel
def mean_temperature(memory: Any, form: Any, legal: Any, state: int) -> float:
    """Return the mean temperature of the legal actions of a state."""
    total = 0.0
    available = 0
    for a in range(form[COUNT]):
        if is_legal(form, legal, form[PLAYER], state, a):
            total += memory[form[THIRD] + state * form[COUNT] + a]
            available += 1
    return total / available


@lean_kernel
def act_lenient(memory: Any, form: Any, numbers: Any, legal: Any, state: int, stream: Any) -> int:
    """Return an action drawn by Boltzmann's rule at the temperature of the state, the best one where it is cold."""
    player = form[PLAYER]
    at = form[VALUES] + state * form[COUNT]
    warmth = mean_temperature(memory, form, legal, state)
    if warmth < numbers[EXTRA + 1]:
        return greedy_action(memory, at, form, legal, player, state, False, stream)
    level = numbers[EXTRA + 2] * warmth
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


@lean_kernel
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
    at = form[THIRD] + place
    delta = surprise(memory, form, numbers, legal, place, rewards, following, ended)
    heat = numbers[EXTRA + 3] * memory[at]
    # A cold action forgives nothing: exp(-1 / 0) = 0.
    forgiving = math.exp(-1.0 / heat) if heat > 0.0 else 0.0
    if delta >= 0.0 or uniform(stream) >= forgiving:
        memory[form[VALUES] + place] += rate_of(memory, form, numbers, place) * delta
    warmth = memory[at]
    if ended != TERMINATED:
        ahead = mean_temperature(memory, form, legal, following)
        warmth = (1.0 - numbers[EXTRA + 5]) * memory[at] + numbers[EXTRA + 5] * ahead
    memory[at] = numbers[EXTRA + 4] * warmth
    count_step(memory, form, place, ended)


@lean_kernel
def act_fmq(memory: Any, form: Any, numbers: Any, legal: Any, state: int, stream: Any) -> int:
    """Return an action drawn by the rule of exploration from the estimates with their bonus."""
    estimates = form[FOURTH] + 2 * form[COUNT]
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


@lean_kernel
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
    highest = form[FOURTH] + own
    times = highest + form[COUNT]
    if memory[form[VISITS] + own] == 0.0 or paid > memory[highest]:
        memory[highest] = paid
        memory[times] = 0.0
    if paid == memory[highest]:
        memory[times] += 1.0
    count_step(memory, form, own, ended)
    bonus = numbers[EXTRA] * (memory[times] / memory[form[VISITS] + own]) * memory[highest]
    memory[times + form[COUNT]] = memory[value] + bonus


def _start(game: Any, player: int | str) -> tuple[Setting, int, tuple[int, int]]:
    setting = setting_of(game)
    who = checked_player(setting, player)
    return setting, who, (setting.n_states, setting.n_actions[who])


def _share(value: Any, name: str) -> float:
    number = nonnegative(value, name)
    if number > 1.0:
        raise GameError(f"{name} is {short(value)}: give a number from 0 to 1")
    return number


class HystereticQ(TableLearner):
    """Hysteretic Q-learning: good surprises are learned from at one rate, bad ones at a smaller one.

    Parameters
    ----------
    game : NormalFormGame, StochasticGame or observed environment
    player : int or str
    learning_rate : float or Schedule
        Alpha, for what is better than expected.
    caution : float
        Beta / alpha, from 0 (no bad surprise is believed) to 1 (Q-learning).
    exploration : float, Schedule or Exploration
    initial : float

    Examples
    --------
    >>> import marlgt as gt
    >>> game = gt.games.climbing_game()
    >>> exploring = gt.learners.linear(1.0, 0.0, steps=3000)
    >>> pair = [HystereticQ(game, i, caution=0.01, exploration=exploring) for i in range(2)]
    >>> run = gt.learners.play(game, pair, steps=4000, seed=0)
    >>> [int(policy.argmax()) for policy in run.profiles()[0]]
    [0, 0]
    """

    act_kernel = staticmethod(act_on_values)
    observe_kernel = staticmethod(observe_hysteretic)

    def __init__(
        self,
        game: Any,
        player: int | str = 0,
        *,
        learning_rate: float | Schedule = 0.1,
        caution: float = 0.1,
        exploration: float | Schedule | Exploration = 0.1,
        initial: float = 0.0,
    ) -> None:
        setting, who, shape = _start(game, player)
        slower = _share(caution, "caution")
        given = {"learning_rate": learning_rate, "caution": caution, "exploration": exploration, "initial": initial}
        tables = {"values": shape, "visits": shape}
        rates: dict[str, Any] = {"learning_rate": learning_rate, "exploration": exploration}
        super().__init__(setting, who, tables=tables, settings=given, extra=[slower], **rates)
        self.table("values")[:] = initial

    def policy(self) -> Floats:
        """Return the greedy policy, ties shared, shape (S, A_player), or (A_player,) in a normal-form game."""
        return self._greedy(self.table("values"), self.player)


class DistributedQ(TableLearner):
    """Distributed Q-learning: the best that was ever seen counts, and the policy changes only for something better.

    In a deterministic team game, if all are tried infinitely often, everybody's policies together are optimal.

    Parameters
    ----------
    game : NormalFormGame, StochasticGame or observed environment
    player : int or str
    exploration : float, Schedule or Exploration
        Epsilon-greedy only.
    initial : float
        At most what any play is worth, since values never fall: 0 is right where rewards are not negative.

    Raises
    ------
    GameError
        For another rule of exploration, or an epsilon that is never above 0.
    """

    act_kernel = staticmethod(act_distributed)
    observe_kernel = staticmethod(observe_distributed)

    def __init__(
        self,
        game: Any,
        player: int | str = 0,
        *,
        exploration: float | Schedule | Exploration = 0.1,
        initial: float = 0.0,
    ) -> None:
        setting, who, shape = _start(game, player)
        rule = as_exploration(exploration)
        if rule.rule != "epsilon_greedy":
            raise GameError(f"exploration is {rule.rule}: distributed Q-learning explores epsilon-greedily")
        tables: dict[str, tuple[int, ...]] = {"values": shape, "visits": shape, "chosen": shape[:1]}
        given = {"exploration": exploration, "initial": initial}
        super().__init__(setting, who, tables=tables, settings=given, exploration=exploration)
        self.table("values")[:] = initial
        self.table("chosen")[:] = -1.0

    def policy(self) -> Floats:
        """Return the policy, uniform where nothing was chosen yet, shape (S, A_player), or (A_player,) likewise."""
        legal = self.setting.legal[self.player]
        chosen = self.table("chosen").astype(int)
        rows = np.where(chosen[:, None] < 0, legal / legal.sum(axis=1, keepdims=True), np.eye(legal.shape[1])[chosen])
        return self._shaped(rows)


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
        setting, who, shape = _start(game, player)
        extra = [
            positive(warmest, "warmest"),
            positive(coldest, "coldest"),
            positive(moderation, "moderation"),
            positive(leniency, "leniency"),
            _share(cooling, "cooling"),
            _share(diffusion, "diffusion"),
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
        setting, who, shape = _start(game, player)
        if setting.n_states != 1:
            raise UnsupportedGame(
                f"the game has {setting.n_states} states: FMQ compares rewards of one repeated game; take HystereticQ "
                "or LenientQ"
            )
        rule = exploration if exploration is not None else _cooling()
        given = {"weight": weight, "learning_rate": learning_rate, "exploration": rule, "initial": initial}
        # The fourth table holds, one behind the other: highest rewards, how often they came, and the estimates.
        tables: dict[str, tuple[int, ...]] = {"values": shape, "visits": shape, "none": (0,), "estimates": (3, shape[1])}
        rates: dict[str, Any] = {"learning_rate": learning_rate, "exploration": rule}
        super().__init__(setting, who, tables=tables, settings=given, extra=[nonnegative(weight, "weight")], **rates)
        self.table("values")[:] = initial
        self.table("estimates")[2] = initial

    def policy(self) -> Floats:
        """Return the policy that is greedy for the estimates, ties shared, shape (1, A_player) or (A_player,)."""
        return self._greedy(self.table("estimates")[2:], self.player)


def _cooling() -> Exploration:
    return softmax(as_schedule(geometric(500.0, math.exp(-0.006), floor=1.0), "temperature", most=math.inf))
