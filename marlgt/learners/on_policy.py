"""Sarsa, of one step, n steps and with traces, and expected Sarsa: the values of the policy that is played itself.

With a' the action that will be played in s' (Rummery and Niranjan 1994)::

    Sarsa             Q(s, a) <- Q(s, a) + alpha [ r + g Q(s', a') - Q(s, a) ]
    n steps           the target is r_t + ... + g^{n-1} r_{t+n-1} + g^n Q(s_{t+n}, a_{t+n})
    Sarsa(lambda)     all entries move by their traces, as in TD(lambda)
    expected Sarsa    r + g sum_a' pi(a' | s') Q(s', a')  in place of  r + g Q(s', a')

The action a' is drawn when s' is observed, with the values before the update, is kept in the memory, and is what the
learner plays next. Where an episode is truncated, a' is drawn for the target only; where it ends, nothing follows. If
exploration fades such that every action is still tried infinitely often, the values of a single learner converge to
the optimal ones (Singh and others 2000).

References
----------
Rummery, G. A. and Niranjan, M. (1994). On-line Q-learning using connectionist systems. Technical report, Cambridge.
Singh, S., Jaakkola, T., Littman, M. L. and Szepesvari, C. (2000). Convergence results for single-step on-policy
reinforcement-learning algorithms. Machine Learning 38, 287-308.
van Seijen, H., van Hasselt, H., Whiteson, S. and Wiering, M. (2009). A theoretical and empirical analysis of Expected
Sarsa. ADPRL, 177-184.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import numpy as np

from marlgt.games._doors import require_whole
from marlgt.kernels import lean_kernel
from marlgt.learners import independent
from marlgt.learners._layout import (
    COUNT,
    COUNTS,
    DISCOUNT,
    EPISODES,
    EXPLORATION,
    EXTRA,
    PENDING,
    PLAYER,
    RUNNING,
    STEPS,
    TABLES,
    TERMINATED,
)
from marlgt.learners._traces import forget_traces, rate_of, traced_update, window_update
from marlgt.learners.exploration import Exploration, draw_from_values, is_legal, largest_value
from marlgt.learners.prediction import checked_traces
from marlgt.learners.schedules import Schedule, scheduled
from marlgt.learners.settings import checked_player, setting_of
from marlgt.learners.tables import Floats, TableLearner

__all__ = ["ExpectedSarsa", "Sarsa", "SarsaLambda"]

VALUES, VISITS, UPDATES = TABLES, TABLES + 1, TABLES + 2
PLACES, PAID, WINDOW = TABLES + 3, TABLES + 4, TABLES + 5
TRACES, ACTIVE, SCALARS = TABLES + 2, TABLES + 3, TABLES + 4

DECAY, KIND = EXTRA, EXTRA + 1


@lean_kernel
def chosen(memory: Any, form: Any, numbers: Any, legal: Any, state: int, time: float, stream: Any) -> int:
    """Return an action drawn by the rule of exploration at a time."""
    place = state * form[COUNT]
    values, tries = form[VALUES] + place, form[VISITS] + place
    return draw_from_values(numbers, EXPLORATION, memory, values, tries, form, legal, form[PLAYER], state, time, stream)


@lean_kernel
def act(memory: Any, form: Any, numbers: Any, legal: Any, state: int, stream: Any) -> int:
    """Return the action that was chosen in advance for this state, or draw one."""
    pending = int(memory[PENDING])
    if pending >= 0 and pending // form[COUNT] == state:
        return int(pending % form[COUNT])
    return chosen(memory, form, numbers, legal, state, memory[STEPS], stream)


@lean_kernel
def looked_ahead(
    memory: Any, form: Any, numbers: Any, legal: Any, entry: int, following: int, ended: int, stream: Any
) -> float:
    """Count the step, choose the next action, and return what it is worth."""
    memory[form[VISITS] + entry] += 1.0
    memory[PENDING] = -1.0
    if ended == TERMINATED:
        return 0.0
    action = chosen(memory, form, numbers, legal, following, memory[STEPS] + 1.0, stream)
    place = following * form[COUNT] + action
    if ended == RUNNING:
        memory[PENDING] = place
    return float(memory[form[VALUES] + place])


@lean_kernel
def observe_window(
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
    """Choose the next action, and update the entry of n steps ago, or all that are left where the episode ends."""
    entry = state * form[COUNT] + own
    ahead = looked_ahead(memory, form, numbers, legal, entry, following, ended, stream)
    window_update(
        memory,
        numbers,
        form[VALUES],
        form[UPDATES],
        form[PLACES],
        form[PAID],
        form[WINDOW],
        int(numbers[EXTRA]),
        entry,
        rewards[form[PLAYER]],
        numbers[DISCOUNT],
        ahead,
        ended != RUNNING,
    )
    memory[STEPS] += 1.0
    if ended != RUNNING:
        memory[EPISODES] += 1.0


@lean_kernel
def observe_traced(
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
    """Choose the next action, and update all entries by their traces."""
    entry = state * form[COUNT] + own
    rate = rate_of(memory, numbers, form[VISITS], entry)
    ahead = looked_ahead(memory, form, numbers, legal, entry, following, ended, stream)
    traced_update(
        memory,
        form[VALUES],
        form[VALUES],
        form[TRACES],
        form[ACTIVE],
        form[SCALARS],
        int(numbers[KIND]),
        entry,
        rewards[form[PLAYER]],
        numbers[DISCOUNT],
        ahead,
        numbers[DISCOUNT] * numbers[DECAY],
        rate,
    )
    memory[STEPS] += 1.0
    if ended != RUNNING:
        memory[EPISODES] += 1.0
        forget_traces(memory, form[TRACES], form[ACTIVE], form[SCALARS])


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


@lean_kernel
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


class _ValueLearner(TableLearner):
    """What learners with one table of action values share."""

    def __init__(
        self,
        game: Any,
        player: Any,
        tables: Mapping[str, tuple[int, ...]],
        initial: float,
        settings: Mapping[str, Any],
        extra: Sequence[float] = (),
    ) -> None:
        setting = setting_of(game)
        who = checked_player(setting, player)
        shape = (setting.n_states, setting.n_actions[who])
        # A table of the shape (0, 0) has an entry for each action of each state.
        sized = {name: shape if size == (0, 0) else size for name, size in tables.items()}
        super().__init__(
            setting,
            who,
            tables={"values": shape, "visits": shape, **sized},
            settings={**settings, "initial": initial},
            learning_rate=settings["learning_rate"],
            exploration=settings["exploration"],
            extra=extra,
        )
        self.table("values")[:] = initial

    def policy(self) -> Floats:
        """Return the greedy policy, ties shared, shape (S, A_player), or (A_player,) in a normal-form game."""
        return self._greedy(self.table("values"), self.player)

    @property
    def values(self) -> Floats:
        """The learned values, shape (S, A_player)."""
        return np.asarray(self.table("values"))


class Sarsa(_ValueLearner):
    """Sarsa of one player who sees only the state, her own actions and her own rewards; with n, n-step Sarsa.

    Parameters
    ----------
    game : NormalFormGame, StochasticGame or observed environment
    player : int or str
    n : int
        Rewards that a target has.
    learning_rate : float or Schedule
        Per visit, time is counted by the updates of an entry.
    exploration : float, Schedule or Exploration
        A number or a schedule stands for epsilon-greedy.
    initial : float
        The first value of every action.

    Raises
    ------
    GameError
        For rates that are not from 0 to 1, an epsilon that is never above 0, an n below 1, or an unknown player.

    Examples
    --------
    >>> import marlgt as gt
    >>> game = gt.games.prisoners_dilemma()
    >>> pair = [Sarsa(game, player=i) for i in range(2)]
    >>> run = gt.learners.play(game, pair, steps=2000, seed=0)
    >>> [learner.policy().tolist() for learner in pair]
    [[0.0, 1.0], [0.0, 1.0]]
    """

    act_kernel = staticmethod(act)
    observe_kernel = staticmethod(observe_window)

    def __init__(
        self,
        game: Any,
        player: int | str = 0,
        *,
        n: int = 1,
        learning_rate: float | Schedule = 0.1,
        exploration: float | Schedule | Exploration = 0.1,
        initial: float = 0.0,
    ) -> None:
        require_whole(n, "n", least=1)
        tables = {"updates": (0, 0), "places": (n,), "rewards": (n,), "window": (2,)}
        settings = {"n": n, "learning_rate": learning_rate, "exploration": exploration}
        super().__init__(game, player, tables, initial, settings, extra=[n])


class SarsaLambda(_ValueLearner):
    """Sarsa(lambda) of one player: every TD error moves all entries of the episode, by their traces.

    Parameters
    ----------
    game : NormalFormGame, StochasticGame or observed environment
    player : int or str
    trace_decay : float
        Lambda.
    traces : {"accumulating", "replacing", "dutch"}
        Dutch traces make it true online Sarsa(lambda).
    learning_rate : float or Schedule
    exploration : float, Schedule or Exploration
        A number or a schedule stands for epsilon-greedy.
    initial : float
        The first value of every action.

    Raises
    ------
    GameError
        For rates and a lambda that are not from 0 to 1, an epsilon that is never above 0, other traces, or an unknown
        player.

    Examples
    --------
    >>> import marlgt as gt
    >>> game = gt.games.prisoners_dilemma()
    >>> pair = [SarsaLambda(game, player=i) for i in range(2)]
    >>> run = gt.learners.play(game, pair, steps=2000, seed=0)
    >>> [learner.policy().tolist() for learner in pair]
    [[0.0, 1.0], [0.0, 1.0]]
    """

    act_kernel = staticmethod(act)
    observe_kernel = staticmethod(observe_traced)

    def __init__(
        self,
        game: Any,
        player: int | str = 0,
        *,
        trace_decay: float = 0.9,
        traces: str = "replacing",
        learning_rate: float | Schedule = 0.1,
        exploration: float | Schedule | Exploration = 0.1,
        initial: float = 0.0,
    ) -> None:
        kind = checked_traces(traces, trace_decay)
        tables = {"traces": (0, 0), "active": (0, 0), "scalars": (2,)}
        settings = {
            "trace_decay": trace_decay,
            "traces": traces,
            "learning_rate": learning_rate,
            "exploration": exploration,
        }
        super().__init__(game, player, tables, initial, settings, extra=[trace_decay, kind])


class ExpectedSarsa(_ValueLearner):
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
