"""Independent learners for teams, who do not blame an action for what their teammates explored or did wrong.

All players get the same reward. An independent Q-learner rates an action by the average over what the others happen to
do and shuns the best joint action where its neighbours are bad (relative overgeneralization). These update the values
of their own actions otherwise, with delta = r + discount max_b Q(s', b) - Q(s, a):

- distributed Q-learning takes only what is better, Q <- max(Q, r + discount max Q'), and changes its policy only when
  the best value rises, so that all settle on the same of several optima; right in deterministic team games only;
- hysteretic Q-learning has two rates, alpha where delta >= 0 and a smaller beta where it is negative.

References
----------
Lauer, M. and Riedmiller, M. (2000). An algorithm for distributed reinforcement learning in cooperative multi-agent
systems. ICML.
Matignon, L., Laurent, G. J. and Le Fort-Piat, N. (2007). Hysteretic Q-learning: an algorithm for decentralized
reinforcement learning in cooperative multi-agent teams. IROS.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from marlgt.errors import GameError
from marlgt.games._arrays import short
from marlgt.games._doors import nonnegative
from marlgt.kernels import inlined_kernel
from marlgt.learners.exploration import (
    Exploration,
    as_exploration,
    draw_uniformly,
    largest_value,
)
from marlgt.learners.layout import (
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
from marlgt.learners.schedules import Schedule, scheduled
from marlgt.learners.settings import Setting, checked_player, setting_of
from marlgt.learners.tables import Floats, TableLearner
from marlgt.learners.values.independent import act as act_on_values
from marlgt.randomness import uniform

__all__ = ["DistributedQ", "HystereticQ", "count_step", "rate_of", "share_of", "start_of", "surprise"]

VALUES, VISITS, CHOSEN = TABLES, TABLES + 1, TABLES + 2


@inlined_kernel
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


@inlined_kernel
def rate_of(memory: Any, form: Any, numbers: Any, place: int) -> float:
    """Return the learning rate for the entry at the place."""
    if numbers[PER_VISIT] == 1.0:
        return scheduled(numbers, RATE, memory[form[VISITS] + place])
    return scheduled(numbers, RATE, memory[STEPS])


@inlined_kernel
def count_step(memory: Any, form: Any, place: int, ended: int) -> None:
    """Count the visit, the step and the end of an episode."""
    memory[form[VISITS] + place] += 1.0
    memory[STEPS] += 1.0
    if ended != RUNNING:
        memory[EPISODES] += 1.0


@inlined_kernel
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


@inlined_kernel
def act_distributed(memory: Any, form: Any, numbers: Any, legal: Any, state: int, stream: Any) -> int:
    """Return the action chosen for the state, or with probability epsilon a random one."""
    level = scheduled(numbers, EXPLORATION + 2, memory[STEPS])
    chosen = int(memory[form[CHOSEN] + state])
    if chosen < 0 or (level > 0.0 and uniform(stream) < level):
        return draw_uniformly(form, legal, form[PLAYER], state, stream)
    return chosen


@inlined_kernel
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
            memory[form[CHOSEN] + state] = float(own)
    count_step(memory, form, place, ended)


def start_of(game: Any, player: int | str) -> tuple[Setting, int, tuple[int, int]]:
    """Return the setting, the player's number and the shape of her table of values."""
    setting = setting_of(game)
    who = checked_player(setting, player)
    return setting, who, (setting.n_states, setting.n_actions[who])


def share_of(value: Any, name: str) -> float:
    """Return a number from 0 to 1, checked."""
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
        setting, who, shape = start_of(game, player)
        slower = share_of(caution, "caution")
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
        setting, who, shape = start_of(game, player)
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
