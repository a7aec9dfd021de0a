"""Sarsa, of one step, of n steps and with traces: the values of the policy that is played itself.

With a' the action that will be played in s' (Rummery and Niranjan 1994)::

    Sarsa             Q(s, a) <- Q(s, a) + alpha [ r + g Q(s', a') - Q(s, a) ]
    n steps           the target is r_t + ... + g^{n-1} r_{t+n-1} + g^n Q(s_{t+n}, a_{t+n})
    Sarsa(lambda)     all entries move by their traces, as in TD(lambda)

The action a' is drawn when s' is observed, with the values before the update, is kept in the memory, and is what the
learner plays next. Where an episode is truncated, a' is drawn for the target only; where it ends, nothing follows. If
exploration fades such that every action is still tried infinitely often, and the rates have a sum that diverges and
squares whose sum does not, the values of a single learner of one-step Sarsa converge to the optimal ones (Singh and
others 2000).

References
----------
Rummery, G. A. and Niranjan, M. (1994). On-line Q-learning using connectionist systems. Technical report, Cambridge.
Singh, S., Jaakkola, T., Littman, M. L. and Szepesvari, C. (2000). Convergence results for single-step on-policy
reinforcement-learning algorithms. Machine Learning 38, 287-308.
van Seijen, H. and others (2016). True online temporal-difference learning. Journal of Machine Learning Research
17(145), 1-40.
"""

from __future__ import annotations

from typing import Any

from marlgt.games._doors import require_whole
from marlgt.kernels import inlined_kernel, lean_kernel
from marlgt.learners.exploration import Exploration, draw_from_values
from marlgt.learners.layout import (
    COUNT,
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
from marlgt.learners.schedules import Schedule
from marlgt.learners.values._action_values import ValueLearner
from marlgt.learners.values._traces import forget_traces, rate_of, traced_update, window_update
from marlgt.learners.values.prediction import checked_traces

__all__ = ["Sarsa", "SarsaLambda"]

VALUES, VISITS, UPDATES = TABLES, TABLES + 1, TABLES + 2
PLACES, PAID, WINDOW = TABLES + 3, TABLES + 4, TABLES + 5
TRACES, ACTIVE, SCALARS = TABLES + 2, TABLES + 3, TABLES + 4

DECAY, KIND = EXTRA, EXTRA + 1


@inlined_kernel
def chosen(memory: Any, form: Any, numbers: Any, legal: Any, state: int, time: float, stream: Any) -> int:
    """Return an action drawn by the rule of exploration at a time."""
    place = state * form[COUNT]
    values, tries = form[VALUES] + place, form[VISITS] + place
    return draw_from_values(numbers, EXPLORATION, memory, values, tries, form, legal, form[PLAYER], state, time, stream)


@inlined_kernel
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


@inlined_kernel
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


class Sarsa(ValueLearner):
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


class SarsaLambda(ValueLearner):
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
