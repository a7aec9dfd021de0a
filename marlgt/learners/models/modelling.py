"""Joint-action learning with agent models (JAL-AM): values of joint actions, and models of what the others play.

In every state the learner counts the actions of each other player; the model is their share among the observations
(with prior counts, the mean of a Dirichlet posterior), and uniform before the first. Her actions are worth (Albrecht,
Christianos and Schaefer 2024, Algorithm 8; in repeated games, Claus and Boutilier 1998)::

    AV(s, a_i) = sum over a_-i of  Q(s, a_i, a_-i) prod_{j != i} pi_j(a_j | s)
    Q(s, a)   <- Q(s, a) + alpha [ r_i + discount max_b AV(s', b) - Q(s, a) ]

The models are updated before the values. She replies with single best actions, so that like fictitious play she cannot
settle on a mixed equilibrium. Models that forget follow opponents who learn: with forgetting f, all counts of the state
are multiplied by 1 - f before each observation there; with a window, only the latest observations count.

References
----------
Claus, C. and Boutilier, C. (1998). The dynamics of reinforcement learning in cooperative multiagent systems. AAAI.
Albrecht, S. V., Christianos, F. and Schaefer, L. (2024). Multi-Agent Reinforcement Learning: Foundations and Modern
Approaches, section 6.3.2. MIT Press.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from marlgt.errors import GameError
from marlgt.games._arrays import short
from marlgt.games._doors import nonnegative, require_whole
from marlgt.kernels import inlined_kernel, lean_kernel
from marlgt.learners.exploration import Exploration, as_exploration, draw_from_values, is_legal, largest_value
from marlgt.learners.layout import (
    COUNT,
    COUNTS,
    DISCOUNT,
    EPISODES,
    EXPLORATION,
    EXTRA,
    PER_VISIT,
    PLAYER,
    PLAYERS,
    PROFILES,
    RATE,
    RUNNING,
    STEPS,
    TABLES,
    TERMINATED,
)
from marlgt.learners.schedules import Schedule, scheduled
from marlgt.learners.settings import checked_player, setting_of
from marlgt.learners.tables import Floats, TableLearner

__all__ = ["JALAM"]

VALUES, COUNTED, MODELS, WORTH, VISITS, STALE, RECENT, SEEN = range(TABLES, TABLES + 8)
PRIOR, KEPT, WINDOW, WIDTH = EXTRA, EXTRA + 1, EXTRA + 2, EXTRA + 3


@lean_kernel
def refresh(memory: Any, form: Any, numbers: Any, state: int) -> None:
    """Recompute what the own actions are worth in a state, if values or models have changed since."""
    if memory[form[STALE] + state] == 0.0:
        return
    memory[form[STALE] + state] = 0.0
    n = form[PLAYERS]
    player = form[PLAYER]
    own = form[COUNT]
    worth = form[WORTH] + state * own
    at = form[VALUES] + state * form[PROFILES]
    models = form[MODELS] + state * int(numbers[WIDTH])
    if n == 2:
        mine = form[COUNTS + 2 + player]
        other = form[COUNTS + 1 - player]
        step = form[COUNTS + 3 - player]
        if player == 0:
            models += own
        for a in range(own):
            total = 0.0
            for b in range(other):
                total += memory[at + a * mine + b * step] * memory[models + b]
            memory[worth + a] = total
        return
    for a in range(own):
        memory[worth + a] = 0.0
    for profile in range(form[PROFILES]):
        share = 1.0
        model = models
        a = 0
        for j in range(n):
            action = profile // form[COUNTS + n + j] % form[COUNTS + j]
            if j == player:
                a = action
            else:
                share *= memory[model + action]
            model += form[COUNTS + j]
        memory[worth + a] += share * memory[at + profile]


@lean_kernel
def remember(memory: Any, form: Any, numbers: Any, legal: Any, state: int, actions: Any) -> None:
    """Count what the others played in a state, and renew their models there."""
    n = form[PLAYERS]
    width = int(numbers[WIDTH])
    window = int(numbers[WINDOW])
    forgotten = -1
    if window > 0:
        # What was seen in the state stands in a ring, as numbers of profiles.
        slot = form[RECENT] + state * window + int(memory[form[SEEN] + state]) % window
        if memory[form[SEEN] + state] >= window:
            forgotten = int(memory[slot])
        profile = 0
        for j in range(n):
            profile += actions[j] * form[COUNTS + n + j]
        memory[slot] = float(profile)
        memory[form[SEEN] + state] += 1.0
    begin = state * width
    for j in range(n):
        size = form[COUNTS + j]
        if j != form[PLAYER]:
            at = form[COUNTED] + begin
            if numbers[KEPT] < 1.0:
                for b in range(size):
                    memory[at + b] *= numbers[KEPT]
            memory[at + actions[j]] += 1.0
            if forgotten >= 0:
                memory[at + forgotten // form[COUNTS + n + j] % size] -= 1.0
            total = 0.0
            for b in range(size):
                if is_legal(form, legal, j, state, b):
                    total += memory[at + b] + numbers[PRIOR]
            for b in range(size):
                memory[form[MODELS] + begin + b] = 0.0
                if is_legal(form, legal, j, state, b):
                    memory[form[MODELS] + begin + b] = (memory[at + b] + numbers[PRIOR]) / total
        begin += size
    memory[form[STALE] + state] = 1.0


@inlined_kernel
def act(memory: Any, form: Any, numbers: Any, legal: Any, state: int, stream: Any) -> int:
    """Return an action drawn by the rule of exploration from what the actions are worth against the models."""
    refresh(memory, form, numbers, state)
    place = state * form[COUNT]
    return draw_from_values(
        numbers,
        EXPLORATION,
        memory,
        form[WORTH] + place,
        form[VISITS] + place,
        form,
        legal,
        form[PLAYER],
        state,
        memory[STEPS],
        stream,
    )


@lean_kernel
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
    """Update the models of the state, then the value of the profile played."""
    remember(memory, form, numbers, legal, state, actions)
    n = form[PLAYERS]
    player = form[PLAYER]
    target = rewards[player]
    if ended != TERMINATED and numbers[DISCOUNT] > 0.0:
        refresh(memory, form, numbers, following)
        ahead = form[WORTH] + following * form[COUNT]
        target += numbers[DISCOUNT] * largest_value(memory, ahead, form, legal, player, following)
    time = memory[STEPS]
    if numbers[PER_VISIT] == 1.0:
        time = memory[form[VISITS] + state * form[COUNT] + own]
    at = form[VALUES] + state * form[PROFILES]
    for j in range(n):
        at += actions[j] * form[COUNTS + n + j]
    memory[at] += scheduled(numbers, RATE, time) * (target - memory[at])
    memory[form[STALE] + state] = 1.0
    memory[form[VISITS] + state * form[COUNT] + own] += 1.0
    memory[STEPS] += 1.0
    if ended != RUNNING:
        memory[EPISODES] += 1.0


class JALAM(TableLearner):
    """Joint-action learning with agent models: the best reply to how the others were seen to play in each state.

    She sees the state, everybody's actions and her own rewards. With more than two players the models are independent
    of each other.

    Parameters
    ----------
    game : NormalFormGame, StochasticGame or observed environment
    player : int or str
    learning_rate : float or Schedule
        Schedules that count visits count those of the own action in the state.
    exploration : float, Schedule or Exploration
    prior : float
        How often each action of each other player counts as seen in every state at the start.
    forgetting : float
        The share of all counts in a state that an observation there displaces, from 0 to below 1.
    window : int, optional
        How many of the latest observations of a state count; by default all of them.
    initial : float
        The first value of every profile.

    Raises
    ------
    GameError
        For rates that are not from 0 to 1, an epsilon that is never above 0, a negative prior, forgetting together
        with a window, or a player that there is not.

    Examples
    --------
    >>> import marlgt as gt
    >>> game = gt.games.battle_of_the_sexes()
    >>> pair = [JALAM(game, player=i) for i in range(2)]
    >>> run = gt.learners.play(game, pair, steps=1000, seed=0)
    >>> float(gt.concepts.nash_conv(game, run.profiles()[0]))
    0.0
    """

    act_kernel = staticmethod(act)
    observe_kernel = staticmethod(observe)

    def __init__(
        self,
        game: Any,
        player: int | str = 0,
        *,
        learning_rate: float | Schedule = 0.1,
        exploration: float | Schedule | Exploration = 0.1,
        prior: float = 0.0,
        forgetting: float = 0.0,
        window: int | None = None,
        initial: float = 0.0,
    ) -> None:
        setting = setting_of(game)
        who = checked_player(setting, player)
        prior = nonnegative(prior, "prior")
        if isinstance(forgetting, bool) or not isinstance(forgetting, float | int) or not 0.0 <= forgetting < 1.0:
            raise GameError(f"forgetting is {short(forgetting)}: give a number from 0 to below 1")
        if window is not None:
            require_whole(window, "window", least=1)
            if forgetting > 0:
                raise GameError("the models forget by a rate and by a window: give one of the two")
        states, width = setting.n_states, sum(setting.n_actions)
        own = (states, setting.n_actions[who])
        super().__init__(
            setting,
            who,
            tables={
                "values": (states, setting.n_profiles),
                "counts": (states, width),
                "models": (states, width),
                "worth": own,
                "visits": own,
                "stale": (states,),
                "recent": (states, window or 0),
                "seen": (states,),
            },
            settings={
                "learning_rate": learning_rate,
                "exploration": exploration,
                "prior": prior,
                "forgetting": forgetting,
                "window": window,
                "initial": initial,
            },
            learning_rate=learning_rate,
            exploration=as_exploration(exploration),
            extra=[prior, 1.0 - forgetting, float(window or 0), float(width)],
        )
        self.table("values")[:] = initial
        self.table("stale")[:] = 1.0
        uniform = [legal / legal.sum(axis=1, keepdims=True) for legal in setting.legal]
        self.table("models")[:] = np.concatenate(uniform, axis=1)
        self.table("models")[:, self._columns(who)] = 0.0

    def policy(self) -> Floats:
        """Return the best reply to the models, ties shared, shape (S, A_player), or (A_player,) likewise."""
        return self._greedy(self.action_values(), self.player)

    def action_values(self) -> Floats:
        """Return what the own actions are worth against the models, shape (S, A_player)."""
        joint = np.moveaxis(self.values, self.player + 1, 1)
        for j in reversed([k for k in range(self.setting.n_players) if k != self.player]):
            joint = (joint * self._model(j).reshape(-1, *(1,) * (joint.ndim - 2), self.setting.n_actions[j])).sum(-1)
        return np.asarray(joint)

    def model(self, player: int | str) -> Floats:
        """Return the model of another player, shape (S, A_j), or (A_j,) in a normal-form game."""
        who = checked_player(self.setting, player)
        if who == self.player:
            raise GameError(f"player {who} is the learner, who has no model of herself: her policy is policy()")
        return self._shaped(self._model(who))

    def profile(self) -> tuple[Floats, ...]:
        """Return the own policy among the models of the others, in player order."""
        n = self.setting.n_players
        return tuple(self.policy() if j == self.player else self.model(j) for j in range(n))

    @property
    def values(self) -> Floats:
        """The learned values of the profiles, shape (S, A_1, ..., A_n)."""
        return np.asarray(self.table("values").reshape(-1, *self.setting.n_actions))

    def _columns(self, player: int) -> slice:
        begin = sum(self.setting.n_actions[:player])
        return slice(begin, begin + self.setting.n_actions[player])

    def _model(self, player: int) -> Floats:
        return np.array(self.table("models")[:, self._columns(player)])
