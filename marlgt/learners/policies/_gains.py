"""What learners of mixed policies share: values, the average policy, and what each action would have earned.

All of them hold, for each state, a policy, its average over the turns taken there, and action values learned by::

    Q(s, a) <- Q(s, a) + alpha [ r + discount W(s') - Q(s, a) ],   W(s') = max_b Q(s', b)  or  sum_b pi(s', b) Q(s', b)

Those that step along a vector of gains u, one number for each action, know it in one of three ways::

    payoffs    u(b) = what b would have earned against the actions that the others played       (own payoffs known)
    sampled    u(b) = [b = a] (r + discount W(s')) / p(a),  p(a) the chance with which a was played    (unbiased)
    values     u(b) = Q(s, b)
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from marlgt.errors import GameError, UnsupportedGame
from marlgt.games._arrays import short
from marlgt.kernels import inlined_kernel, lean_kernel
from marlgt.learners.exploration import Exploration, as_exploration, draw_from_policy, is_legal, largest_value
from marlgt.learners.layout import (
    COUNT,
    COUNTS,
    DISCOUNT,
    EPISODES,
    EXPLORATION,
    EXTRA,
    FREE,
    PER_VISIT,
    PLAYER,
    PLAYERS,
    RATE,
    RUNNING,
    STEPS,
    TABLES,
    TERMINATED,
)
from marlgt.learners.schedules import SCHEDULE_WIDTH, Schedule, scheduled
from marlgt.learners.settings import Setting, checked_player, setting_of
from marlgt.learners.tables import Floats, TableLearner

__all__ = [
    "AVERAGE",
    "GAINS",
    "LOSING",
    "OWN",
    "POLICY",
    "SPARE",
    "STEP",
    "TURNS",
    "VALUES",
    "GainsLearner",
    "act",
    "close_step",
    "learned_target",
    "legal_count",
    "project",
    "rate_of",
    "update_average",
    "value_bounds",
    "write_gains",
]

# Tables: values and visits of actions, turns taken in states, the policy, its average, the gains of the last turn, and
# the own payoffs of profiles where these are known; then from OWN on what a kind has of its own.
VALUES, VISITS, TURNS, POLICY, AVERAGE, GAINS, PAYOFFS, OWN = range(TABLES, TABLES + 8)

# Numbers: how the next state is valued, whence gains are known, the power of the turn that weighs it in the average,
# two schedules of steps, then what a kind has of its own.
AHEAD, FEEDBACK, WEIGHT, STEP = EXTRA, EXTRA + 1, EXTRA + 2, EXTRA + 3
LOSING = STEP + SCHEDULE_WIDTH
SPARE = LOSING + SCHEDULE_WIDTH

_FEEDBACKS = ("payoffs", "sampled", "values")


@inlined_kernel
def act(memory: Any, form: Any, numbers: Any, legal: Any, state: int, stream: Any) -> int:
    """Return an action drawn from the policy of the state, or now and then a random one."""
    at = form[POLICY] + state * form[COUNT]
    return draw_from_policy(numbers, EXPLORATION, memory, at, form, legal, form[PLAYER], state, memory[STEPS], stream)


@inlined_kernel
def legal_count(form: Any, legal: Any, player: int, state: int) -> int:
    """Return how many actions a player may play in a state."""
    if form[FREE] == 1:
        return int(form[COUNTS + player])
    count = 0
    for a in range(form[COUNTS + player]):
        if is_legal(form, legal, player, state, a):
            count += 1
    return count


@lean_kernel
def learned_target(
    memory: Any, form: Any, numbers: Any, legal: Any, state: int, own: int, paid: float, following: int, ended: int
) -> float:
    """Update the value of the action played, and return what it was moved to."""
    count = form[COUNT]
    target = paid
    if ended != TERMINATED and numbers[DISCOUNT] > 0.0:
        ahead = form[VALUES] + following * count
        if numbers[AHEAD] == 1.0:
            worth = largest_value(memory, ahead, form, legal, form[PLAYER], following)
        else:
            worth = 0.0
            for a in range(count):
                worth += memory[form[POLICY] + following * count + a] * memory[ahead + a]
        target += numbers[DISCOUNT] * worth
    place = state * count + own
    time = memory[STEPS]
    if numbers[PER_VISIT] == 1.0:
        time = memory[form[VISITS] + place]
    memory[form[VALUES] + place] += scheduled(numbers, RATE, time) * (target - memory[form[VALUES] + place])
    memory[form[VISITS] + place] += 1.0
    return target


@lean_kernel
def update_average(memory: Any, form: Any, numbers: Any, state: int) -> None:
    """Count a turn in the state, and bring the policy that was followed in it into the average."""
    memory[form[TURNS] + state] += 1.0
    turns = memory[form[TURNS] + state]
    # Weights t^0 or t^1: the newest has the share 1 / t or 2 / (t + 1) of their sum.
    share = (numbers[WEIGHT] + 1.0) / (turns + numbers[WEIGHT])
    place = state * form[COUNT]
    for a in range(form[COUNT]):
        mean = memory[form[AVERAGE] + place + a]
        memory[form[AVERAGE] + place + a] = mean + share * (memory[form[POLICY] + place + a] - mean)


@inlined_kernel
def rate_of(memory: Any, form: Any, numbers: Any, state: int, row: int) -> float:
    """Return the present value of a schedule of steps, in the time of the learner or in turns of the state."""
    if numbers[row + 5] == 1.0:
        return scheduled(numbers, row, memory[form[TURNS] + state] - 1.0)
    return scheduled(numbers, row, memory[STEPS])


@lean_kernel
def write_gains(
    memory: Any, form: Any, numbers: Any, legal: Any, state: int, own: int, actions: Any, target: float
) -> float:
    """Write what each action earns, or would have earned, and return what the player had."""
    player = form[PLAYER]
    count = form[COUNT]
    gains = form[GAINS]
    policy = form[POLICY] + state * count
    if numbers[FEEDBACK] == 0.0:
        n = form[PLAYERS]
        joint = 0
        for i in range(n):
            if i != player:
                joint += actions[i] * form[COUNTS + n + i]
        stride = form[COUNTS + n + player]
        for a in range(count):
            memory[gains + a] = memory[form[PAYOFFS] + joint + a * stride]
        return float(memory[gains + own])
    if numbers[FEEDBACK] == 1.0:
        level = scheduled(numbers, EXPLORATION + 2, memory[STEPS])
        chance = (1.0 - level) * memory[policy + own] + level / legal_count(form, legal, player, state)
        for a in range(count):
            memory[gains + a] = 0.0
        memory[gains + own] = target / chance
        return target
    had = 0.0
    for a in range(count):
        memory[gains + a] = memory[form[VALUES] + state * count + a]
        had += memory[policy + a] * memory[gains + a]
    return had


@inlined_kernel
def close_step(memory: Any, ended: int) -> None:
    """Count the step, and the episode if it ended."""
    memory[STEPS] += 1.0
    if ended != RUNNING:
        memory[EPISODES] += 1.0


@lean_kernel
def project(memory: Any, at: int, form: Any, legal: Any, player: int, state: int, floor: float) -> None:
    """Replace a row by the nearest distribution over the legal actions with at least the floor on each (Michelot)."""
    count = form[COUNTS + player]
    room = 1.0
    highest = -np.inf
    for a in range(count):
        if is_legal(form, legal, player, state, a):
            room -= floor
            highest = max(highest, memory[at + a])
    # All is counted from the highest, for large numbers keep no digits of a probability. Whatever is at least the room
    # below it ends at the floor.
    threshold = -room
    left = count + 1
    while True:
        total = 0.0
        kept = 0
        for a in range(count):
            if memory[at + a] - highest > threshold and is_legal(form, legal, player, state, a):
                total += memory[at + a] - highest
                kept += 1
        # The threshold rises; where rounding would lower it again, an entry at it must not come back for ever.
        if kept >= left or kept == 0:
            break
        left = kept
        threshold = (total - room) / kept
    for a in range(count):
        if is_legal(form, legal, player, state, a):
            memory[at + a] = floor + max(memory[at + a] - highest - threshold, 0.0)
        else:
            memory[at + a] = 0.0


class GainsLearner(TableLearner):
    """The tables and the doors that these learners share.

    Attributes
    ----------
    current, average : ndarray, shape (S, A_player), or (A_player,) in a normal-form game
    values : ndarray, shape (S, A_player)
    """

    act_kernel = staticmethod(act)

    def __init__(
        self,
        game: Any,
        player: int | str,
        *,
        settings: Mapping[str, Any],
        tables: Mapping[str, tuple[int, ...]] | None = None,
        learning_rate: float | Schedule,
        exploration: float | Schedule | Exploration | None,
        feedback: str | None = "values",
        greedy_ahead: bool = False,
        linear: bool = False,
        steps: Sequence[Schedule] = (),
        spare: Sequence[float] = (),
    ) -> None:
        setting = setting_of(game)
        who = checked_player(setting, player)
        known = checked_feedback(setting, feedback)
        own = setting.n_actions[who]
        shape = (setting.n_states, own)
        shared = {"values": shape, "visits": shape, "turns": shape[:1], "policy": shape, "average": shape}
        payoffs = _own_payoffs(setting, who) if known == "payoffs" else np.zeros(0)
        rows = [schedule.row() for schedule in steps]
        rows += [np.zeros(SCHEDULE_WIDTH)] * (2 - len(rows))
        super().__init__(
            setting,
            who,
            tables={**shared, "gains": (own,), "payoffs": payoffs.shape, **(tables or {})},
            settings=settings,
            learning_rate=learning_rate,
            exploration=_checked_exploration(exploration, known),
            extra=np.concatenate([[greedy_ahead, _FEEDBACKS.index(known), linear], *rows, np.array(spare, float)]),
        )
        self.table("payoffs")[:] = payoffs
        legal = setting.legal[who]
        for name in ("policy", "average"):
            self.table(name)[:] = legal / legal.sum(axis=1, keepdims=True)

    def policy(self) -> Floats:
        """Return the policy learned, without exploration, shape (S, A_player), or (A_player,) in a normal-form game."""
        return self.current

    @property
    def current(self) -> Floats:
        """The policy that is played next, without exploration, shape (S, A_player) or (A_player,)."""
        return self._shaped(self.table("policy"))

    @property
    def average(self) -> Floats:
        """The average over its turns of the policy in each state, shape (S, A_player), or (A_player,)."""
        return self._shaped(self.table("average"))

    @property
    def values(self) -> Floats:
        """The learned values, shape (S, A_player)."""
        return np.asarray(self.table("values"))


def checked_feedback(setting: Setting, feedback: Any) -> str:
    """Return whence gains are known: if not said, sampled in one state and from values in several."""
    if feedback is None:
        return "sampled" if setting.n_states == 1 else "values"
    if not isinstance(feedback, str) or feedback not in _FEEDBACKS:
        raise GameError(f"feedback is {short(feedback)}: give 'payoffs', 'sampled' or 'values'")
    if feedback == "payoffs" and (setting.n_states != 1 or setting.game is None):
        raise UnsupportedGame(
            f"a player knows what her other actions would have earned in a game of one state, this one has "
            f"{setting.n_states}: give feedback='values' or 'sampled'"
        )
    return str(feedback)


def _checked_exploration(exploration: Any, feedback: str) -> Any:
    if exploration is None:
        return None if feedback == "payoffs" else 0.1
    rule = as_exploration(exploration)
    if rule.rule != "epsilon_greedy":
        raise GameError(
            f"exploration is {rule.rule}: a learner of mixed policies plays a random action with probability epsilon, "
            "give that number or a schedule"
        )
    return rule


def _own_payoffs(setting: Setting, player: int) -> Floats:
    if setting.game is None:
        raise UnsupportedGame("own payoffs are known for a tabulated game only: give feedback='sampled'")
    return np.asarray(setting.game.rewards[player, 0].reshape(-1))


def reward_bounds(setting: Setting, player: int) -> tuple[float, float]:
    """Return the least and the highest reward of a player.

    Raises
    ------
    UnsupportedGame
        If the game has no table of rewards.
    """
    game = setting.game
    if game is None:
        raise UnsupportedGame("an environment does not say between which bounds it pays: give the bounds")
    paid = game.rewards[player][game.played]
    if game.successor_rewards is not None:
        paid = game.successor_rewards[player][game.probabilities > 0]
    return float(paid.min()), float(paid.max())


def value_bounds(setting: Setting, player: int) -> tuple[float, float]:
    """Return bounds of a reward with the discounted value of what follows."""
    low, high = reward_bounds(setting, player)
    if setting.discount == 0.0:
        return low, high
    if setting.discount == 1.0:
        raise UnsupportedGame("the discount is 1, so that rewards do not bound values: give bounds, or inertia")
    return min(low, low / (1.0 - setting.discount)), max(high, high / (1.0 - setting.discount))
