"""Prediction: what a fixed policy earns, learned by temporal differences while it is played.

A player follows a policy and learns the value V of each state to her, whatever the others do there. Of n steps::

    V(s_t) <- V(s_t) + alpha [ r_t + ... + g^{n-1} r_{t+n-1} + g^n V(s_{t+n}) - V(s_t) ]

and, with eligibility traces e, of all numbers of steps at once (TD(lambda)): with d = r + g V(s') - V(s)::

    accumulating    e <- g l e,  e(s) <- e(s) + 1,                  V <- V + alpha d e
    replacing       e <- g l e,  e(s) <- 1,                         V <- V + alpha d e
    dutch           e <- g l e,  e(s) <- e(s) + alpha (1 - e(s)),   V <- V + (d + V(s) - v) e - alpha (V(s) - v) at s

where v is what s was worth when the step before led to it. Dutch traces are the true online TD(lambda). Against fixed
policies V converges with probability 1 to the exact values in states that are visited for ever, for rates of each state
whose sum diverges and the sum of whose squares does not.

References
----------
Sutton, R. S. and Barto, A. G. (2018). Reinforcement Learning, 2nd edition, chapters 6, 7 and 12. MIT Press.
van Seijen, H., Mahmood, A. R., Pilarski, P. M., Machado, M. C. and Sutton, R. S. (2016). True online
temporal-difference learning. Journal of Machine Learning Research 17(145), 1-40.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from marlgt.errors import GameError
from marlgt.games._arrays import short
from marlgt.games._doors import nonnegative, require_flag, require_whole
from marlgt.kernels import lean_kernel
from marlgt.learners import fixed
from marlgt.learners.layout import (
    DISCOUNT,
    EPISODES,
    EXTRA,
    PLAYER,
    RUNNING,
    STATES,
    STEPS,
    TABLES,
    TERMINATED,
)
from marlgt.learners.schedules import Schedule
from marlgt.learners.settings import Setting, checked_player, setting_of
from marlgt.learners.tables import Floats, TableLearner
from marlgt.learners.values._traces import TRACES, forget_traces, rate_of, traced_update, window_update

__all__ = ["TDLambda", "TDPrediction"]

# The policy is the first table, as in a fixed player.
VALUES, VISITS = TABLES + 1, TABLES + 2
PLACES, PAID, WINDOW = TABLES + 3, TABLES + 4, TABLES + 5
ACTIVE, SCALARS, CHANGES = TABLES + 4, TABLES + 5, TABLES + 6

DECAY, KIND, OFFLINE = EXTRA, EXTRA + 1, EXTRA + 2


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
    """Update the state of n steps ago, or all that are left where the episode ends."""
    ahead = 0.0
    if ended != TERMINATED:
        ahead = memory[form[VALUES] + following]
    window_update(
        memory,
        numbers,
        form[VALUES],
        form[VISITS],
        form[PLACES],
        form[PAID],
        form[WINDOW],
        int(numbers[EXTRA]),
        state,
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
    """Update all states by their traces."""
    ahead = 0.0
    if ended != TERMINATED:
        ahead = memory[form[VALUES] + following]
    into = form[VALUES]
    if numbers[OFFLINE] == 1.0:
        into = form[CHANGES]
    traced_update(
        memory,
        form[VALUES],
        into,
        form[PLACES],
        form[ACTIVE],
        form[SCALARS],
        int(numbers[KIND]),
        state,
        rewards[form[PLAYER]],
        numbers[DISCOUNT],
        ahead,
        numbers[DISCOUNT] * numbers[DECAY],
        rate_of(memory, numbers, form[VISITS], state),
    )
    memory[form[VISITS] + state] += 1.0
    memory[STEPS] += 1.0
    if ended != RUNNING:
        memory[EPISODES] += 1.0
        forget_traces(memory, form[PLACES], form[ACTIVE], form[SCALARS])
        if numbers[OFFLINE] == 1.0:
            for s in range(form[STATES]):
                memory[form[VALUES] + s] += memory[form[CHANGES] + s]
                memory[form[CHANGES] + s] = 0.0


class TDPrediction(TableLearner):
    """A player who follows a fixed policy and learns what it earns, by TD(0) or n-step temporal differences.

    Parameters
    ----------
    game : NormalFormGame, StochasticGame or observed environment
    player : int or str
    policy : array_like, shape (S, A_player) or (A_player,), optional
        By default all legal actions alike.
    n : int
        Rewards that a target has; 1 is TD(0). An episode that ends, or is truncated, sooner has targets of fewer.
    learning_rate : float or Schedule
    initial : float
        The first value of every state that is not terminal.

    Raises
    ------
    GameError
        For rates that are not from 0 to 1, an n below 1, or a player that there is not.
    ProfileError
        If a row of the policy is no distribution over the legal actions.

    Examples
    --------
    >>> import marlgt as gt
    >>> game = gt.games.StochasticGame.repeated(gt.games.matching_pennies(), discount=0.5)
    >>> pair = [TDPrediction(game, 0, policy=[1, 0]), gt.learners.FixedPolicy(game, 1, policy=[1, 0])]
    >>> run = gt.learners.play(game, pair, steps=1000, seed=0)
    >>> pair[0].values.round(6)
    array([2.])
    """

    act_kernel = staticmethod(fixed.act)
    observe_kernel = staticmethod(observe_window)

    def __init__(
        self,
        game: Any,
        player: int | str = 0,
        *,
        policy: ArrayLike | None = None,
        n: int = 1,
        learning_rate: float | Schedule = 0.1,
        initial: float = 0.0,
    ) -> None:
        require_whole(n, "n", least=1)
        setting, who, rows = _followed(game, player, policy)
        states = (setting.n_states,)
        super().__init__(
            setting,
            who,
            tables={
                "policy": rows.shape,
                "values": states,
                "visits": states,
                "states": (n,),
                "rewards": (n,),
                "window": (2,),
            },
            settings={"policy": rows.tolist(), "n": n, "learning_rate": learning_rate, "initial": initial},
            learning_rate=learning_rate,
            extra=[n],
        )
        self.table("policy")[:] = rows
        self.table("values")[:] = _first_values(setting, initial)

    def policy(self) -> Floats:
        """Return the policy followed, shape (S, A_player), or (A_player,) in a normal-form game."""
        return self._shaped(self.table("policy"))

    @property
    def values(self) -> Floats:
        """The learned values, shape (S,)."""
        return np.asarray(self.table("values"))


class TDLambda(TableLearner):
    """A player who follows a fixed policy and learns what it earns, by TD(lambda).

    Parameters
    ----------
    game : NormalFormGame, StochasticGame or observed environment
    player : int or str
    policy : array_like, shape (S, A_player) or (A_player,), optional
        By default all legal actions alike.
    trace_decay : float
        Lambda: 0 is TD(0), 1 sums the errors of whole episodes, as Monte Carlo does.
    traces : {"accumulating", "replacing", "dutch"}
    offline : bool
        Whether values change at the end of each episode only. With accumulating traces that is exactly the forward
        view: each state moves towards its lambda-return. In a game without episodes nothing is learned then.
    learning_rate : float or Schedule
    initial : float
        The first value of every state that is not terminal.

    Raises
    ------
    GameError
        For rates and a lambda that are not from 0 to 1, other traces, dutch traces offline, or an unknown player.
    ProfileError
        If a row of the policy is no distribution over the legal actions.

    Examples
    --------
    >>> import marlgt as gt
    >>> game = gt.games.StochasticGame.repeated(gt.games.matching_pennies(), discount=0.5)
    >>> pair = [TDLambda(game, 0, policy=[1, 0]), gt.learners.FixedPolicy(game, 1, policy=[1, 0])]
    >>> run = gt.learners.play(game, pair, steps=1000, seed=0)
    >>> pair[0].values.round(6)
    array([2.])
    """

    act_kernel = staticmethod(fixed.act)
    observe_kernel = staticmethod(observe_traced)

    def __init__(
        self,
        game: Any,
        player: int | str = 0,
        *,
        policy: ArrayLike | None = None,
        trace_decay: float = 0.9,
        traces: str = "accumulating",
        offline: bool = False,
        learning_rate: float | Schedule = 0.1,
        initial: float = 0.0,
    ) -> None:
        kind = checked_traces(traces, trace_decay)
        require_flag(offline, "offline")
        if offline and traces == "dutch":
            raise GameError("dutch traces are made for updates at every step: offline, give traces='accumulating'")
        setting, who, rows = _followed(game, player, policy)
        states = (setting.n_states,)
        tables = {"policy": rows.shape, "values": states, "visits": states, "traces": states, "active": states}
        super().__init__(
            setting,
            who,
            tables={**tables, "scalars": (2,), "changes": states},
            settings={
                "policy": rows.tolist(),
                "trace_decay": trace_decay,
                "traces": traces,
                "offline": offline,
                "learning_rate": learning_rate,
                "initial": initial,
            },
            learning_rate=learning_rate,
            extra=[trace_decay, kind, float(offline)],
        )
        self.table("policy")[:] = rows
        self.table("values")[:] = _first_values(setting, initial)

    def policy(self) -> Floats:
        """Return the policy followed, shape (S, A_player), or (A_player,) in a normal-form game."""
        return self._shaped(self.table("policy"))

    @property
    def values(self) -> Floats:
        """The learned values, shape (S,)."""
        return np.asarray(self.table("values"))


def checked_traces(traces: Any, trace_decay: Any) -> int:
    """Return the number of a kind of traces."""
    if not isinstance(traces, str) or traces not in TRACES:
        raise GameError(f"traces is {short(traces)}: give one of {', '.join(TRACES)}")
    if nonnegative(trace_decay, "trace_decay") > 1.0:
        raise GameError(f"trace_decay is {short(trace_decay)}: give a number from 0 to 1")
    return TRACES.index(traces)


def _followed(game: Any, player: Any, policy: Any) -> tuple[Setting, int, Floats]:
    """Return the setting, the player's number, and the policy that she follows, shape (S, A)."""
    setting = setting_of(game)
    who = checked_player(setting, player)
    player_there = (
        fixed.UniformPolicy(setting, who) if policy is None else fixed.FixedPolicy(setting, who, policy=policy)
    )
    return setting, who, player_there.table("policy").copy()


def _first_values(setting: Setting, initial: float) -> Floats:
    values = np.full(setting.n_states, float(initial))
    if setting.game is not None:
        values[setting.game.terminal] = 0.0
    return values
