"""A fictitious player learns the others' strategies, and knows the game that is played (Brown 1951).

Her beliefs about each other player are how often the actions were played, with prior counts, over the number of
observations; she replies to the product of her beliefs::

    a_i  in  argmax over a of  sum over a_-i of  U_i(a, a_-i) prod_{j != i} count_j(a_j)

She does not see rewards: her payoffs are those of the game that she was made with. Two of them in a match are
simultaneous fictitious play. Ties are the rule, not the exception; they go to the lowest index or are drawn. Counts are
whole and not divided, so that ties between whole payoffs are exact. With a temperature the reply is the logit response
to the beliefs (Fudenberg and Levine 1998).

References
----------
Brown, G. W. (1951). Iterative solution of games by fictitious play. In Koopmans (ed.), Activity Analysis of Production
and Allocation, 374-376.
Fudenberg, D. and Levine, D. K. (1998). The Theory of Learning in Games, chapters 2 and 4. MIT Press.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from marlgt.errors import GameError, UnsupportedGame
from marlgt.games._arrays import short
from marlgt.games._doors import nonnegative, require_whole
from marlgt.kernels import inlined_kernel, lean_kernel
from marlgt.learners.exploration import Exploration, draw_from_values, softmax
from marlgt.learners.layout import (
    COUNT,
    COUNTS,
    EPISODES,
    EXPLORATION,
    EXTRA,
    PLAYER,
    PLAYERS,
    PROFILES,
    RUNNING,
    STEPS,
    TABLES,
)
from marlgt.learners.schedules import Schedule, as_schedule
from marlgt.learners.settings import checked_player, setting_of
from marlgt.learners.tables import Floats, TableLearner

__all__ = ["FictitiousPlayer"]

COUNTED, WORTH, PLAYED = TABLES, TABLES + 1, TABLES + 2
FIRST, SMOOTH, PAYOFFS = EXTRA, EXTRA + 1, EXTRA + 2


@lean_kernel
def reply_values(memory: Any, form: Any, numbers: Any) -> None:
    """Write what the own actions are worth against the counts; against the shares, where the reply is smooth."""
    n = form[PLAYERS]
    worth = form[WORTH]
    for a in range(form[COUNT]):
        memory[worth + a] = 0.0
    scale = 1.0
    if numbers[SMOOTH] == 1.0:
        at = form[COUNTED]
        for j in range(n):
            total = 0.0
            for b in range(form[COUNTS + j]):
                total += memory[at + b]
            if j != form[PLAYER]:
                scale *= total
            at += form[COUNTS + j]
    for profile in range(form[PROFILES]):
        weight = 1.0
        own = 0
        at = form[COUNTED]
        for j in range(n):
            action = profile // form[COUNTS + n + j] % form[COUNTS + j]
            if j == form[PLAYER]:
                own = action
            else:
                weight *= memory[at + action]
            at += form[COUNTS + j]
        memory[worth + own] += weight * numbers[PAYOFFS + profile]
    # As long as nobody was seen and nothing believed, all actions are worth the same.
    if scale > 0.0:
        for a in range(form[COUNT]):
            memory[worth + a] /= scale


@inlined_kernel
def act(memory: Any, form: Any, numbers: Any, legal: Any, state: int, stream: Any) -> int:
    """Return the first action, or a reply to what was counted."""
    if memory[STEPS] == 0.0 and numbers[FIRST] >= 0.0:
        return int(numbers[FIRST])
    reply_values(memory, form, numbers)
    return draw_from_values(
        numbers,
        EXPLORATION,
        memory,
        form[WORTH],
        form[PLAYED],
        form,
        legal,
        form[PLAYER],
        state,
        memory[STEPS],
        stream,
    )


@inlined_kernel
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
    """Count what everybody played."""
    at = form[COUNTED]
    for j in range(form[PLAYERS]):
        memory[at + actions[j]] += 1.0
        at += form[COUNTS + j]
    memory[STEPS] += 1.0
    if ended != RUNNING:
        memory[EPISODES] += 1.0


class FictitiousPlayer(TableLearner):
    """Fictitious play as a learner of a repeated normal-form game whose payoffs she knows.

    Parameters
    ----------
    game : NormalFormGame, or a stochastic game of one state
        Her own payoffs are read from it.
    player : int or str
    first : int, optional
        The first action; by default a reply to the prior counts, or any action where all of them are 0.
    prior : float
        How often each action of everybody counts as played before.
    ties : {"lowest", "random"}
        Which of several best replies is played.
    temperature : float or Schedule
        Above 0, the logit response at this temperature in place of the best reply.

    Raises
    ------
    UnsupportedGame
        For a game of several states, and for one whose payoffs are not known.
    GameError
        For a first action that there is not, a negative prior, or a temperature below 0.

    Examples
    --------
    >>> import marlgt as gt
    >>> game = gt.games.rock_paper_scissors()
    >>> pair = [FictitiousPlayer(game, player=i, first=0) for i in range(2)]
    >>> run = gt.learners.play(game, pair, steps=2000, seed=0)
    >>> pair[0].beliefs(1)
    array([0.3225, 0.3375, 0.34  ])
    """

    act_kernel = staticmethod(act)
    observe_kernel = staticmethod(observe)

    def __init__(
        self,
        game: Any,
        player: int | str = 0,
        *,
        first: int | None = None,
        prior: float = 0.0,
        ties: str = "lowest",
        temperature: float | Schedule = 0.0,
    ) -> None:
        setting = setting_of(game)
        who = checked_player(setting, player)
        if setting.game is None or setting.n_states != 1:
            raise UnsupportedGame(
                "a fictitious player replies to one known matrix of payoffs: give a NormalFormGame, or take JALAM, "
                "who learns values in every state"
            )
        if first is not None:
            require_whole(first, "first", least=0)
            if first >= setting.n_actions[who]:
                raise GameError(f"first is {first}: the player has actions 0 to {setting.n_actions[who] - 1}")
        if not isinstance(ties, str) or ties not in ("lowest", "random"):
            raise GameError(f"ties is {short(ties)}: give 'lowest' or 'random'")
        warmth = as_schedule(temperature, "temperature", most=float("inf"))
        smooth = warmth.most() > 0.0
        rule = softmax(warmth) if smooth else Exploration("epsilon_greedy", as_schedule(0.0, "epsilon"), ties)
        prior = nonnegative(prior, "prior")
        payoffs = setting.game.rewards[who].reshape(-1)
        extra = np.concatenate([[-1.0 if first is None else float(first), float(smooth)], payoffs])
        counts = setting.n_actions
        super().__init__(
            setting,
            who,
            tables={"counts": (sum(counts),), "worth": (counts[who],), "played": (counts[who],)},
            settings={"first": first, "prior": prior, "ties": ties, "temperature": temperature},
            extra=extra,
        )
        # The row is written here, since the best reply never explores and the door asks for exploration.
        self.numbers[EXPLORATION:EXTRA] = rule.row()
        self.table("counts")[:] = prior

    def beliefs(self, player: int | str) -> Floats:
        """Return the empirical mix of a player, herself included, shape (A_j,); uniform before the first step."""
        who = checked_player(self.setting, player)
        begin = sum(self.setting.n_actions[:who])
        counts = self.table("counts")[begin : begin + self.setting.n_actions[who]]
        total = counts.sum()
        return np.full(len(counts), 1.0 / len(counts)) if total == 0 else np.asarray(counts / total)

    def policy(self) -> Floats:
        """Return the empirical mix of her own actions, which is what fictitious play learns, shape (A_player,)."""
        mix = self.beliefs(self.player)
        return mix if self.setting.one_shot else mix[None]

    def reply(self) -> Floats:
        """Return the reply to the beliefs as it stands, ties shared, shape (A_player,)."""
        reply_values(self.memory, self.form, self.numbers)
        worth = self.table("worth")
        if self.numbers[SMOOTH] == 1.0:
            level = float(as_schedule(self.settings["temperature"], "temperature", most=float("inf"))(self.steps))
            if level > 0.0:
                weights = np.exp((worth - worth.max()) / level)
                return np.asarray(weights / weights.sum())
        best = worth == worth.max()
        return np.asarray(best / best.sum())
