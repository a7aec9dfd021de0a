"""Policy gradients: softmax policies that climb what they earn, each player for herself.

With preferences theta, the policy of a state is ``pi(a | s) = exp theta(s, a) / sum_b exp theta(s, b)``. An episode
s_0, a_0, r_0, ... with the returns ``G_t = r_t + discount G_{t+1}`` moves a player's preferences by (Williams 1992)::

    theta(s_t, .) += alpha w_t (G_t - b(s_t)) (e_{a_t} - pi(. | s_t)),      w_t = discount^t  or  1       (REINFORCE)

all with the policy with which the episode was played. With ``w_t = discount^t`` the mean of these steps is alpha times
the gradient of the value of the start, whatever the baseline b; common practice is ``w_t = 1``, which is no gradient of
anything but weighs late states alike. Actor-critic does not wait: with ``delta = r + discount V(s') - V(s)``::

    theta(s, .) += beta w_t delta (e_a - pi(. | s)),    V(s) += alpha delta                               (actor-critic)
    theta(s, a) += beta w_t delta / pi(a | s)                                                   (its natural gradient)

the last being the first multiplied by the inverse of the policy's Fisher matrix, up to a constant that softmax does not
see. In Markov potential games independent gradients find approximate equilibria with small enough steps (proved by
Leonardos and others 2022 for direct policies); in zero-sum games with an interior equilibrium the policies spiral
outwards.

References
----------
Williams, R. J. (1992). Simple statistical gradient-following algorithms. Machine Learning 8, 229-256.
Sutton, R. S., McAllester, D., Singh, S. and Mansour, Y. (2000). Policy gradient methods with function approximation.
NeurIPS.
Kakade, S. (2002). A natural policy gradient. NeurIPS.
Leonardos, S., Overman, W., Panageas, I. and Piliouras, G. (2022). Global convergence of multi-agent policy gradient in
Markov potential games. ICLR.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from marlgt.errors import GameError
from marlgt.games._doors import require_flag, require_whole
from marlgt.kernels import inlined_kernel, lean_kernel
from marlgt.learners.exploration import draw_from_policy, is_legal
from marlgt.learners.layout import (
    COUNT,
    DISCOUNT,
    EPISODES,
    EXPLORATION,
    EXTRA,
    PLAYER,
    RATE,
    RUNNING,
    STEPS,
    TABLES,
    TERMINATED,
)
from marlgt.learners.schedules import SCHEDULE_WIDTH, Schedule, as_schedule, scheduled
from marlgt.learners.settings import checked_player, setting_of
from marlgt.learners.tables import Floats, TableLearner

__all__ = ["ActorCritic", "Reinforce"]

PREFERENCES, POLICY, BASELINE, EPISODE, PLACE = TABLES, TABLES + 1, TABLES + 2, TABLES + 3, TABLES + 4
# The second rate, whether steps are weighed by discount^t, then a fact of each kind: the longest episode that is kept,
# or whether gradients are natural.
OTHER_RATE = EXTRA
WEIGHED = EXTRA + SCHEDULE_WIDTH
MOST = NATURAL = WEIGHED + 1


@inlined_kernel
def act(memory: Any, form: Any, numbers: Any, legal: Any, state: int, stream: Any) -> int:
    """Return an action drawn from the policy of the state."""
    at = form[POLICY] + state * form[COUNT]
    return draw_from_policy(numbers, EXPLORATION, memory, at, form, legal, form[PLAYER], state, memory[STEPS], stream)


@lean_kernel
def write_softmax(memory: Any, form: Any, legal: Any, state: int) -> None:
    """Write the policy of a state from its preferences."""
    player = form[PLAYER]
    preferences = form[PREFERENCES] + state * form[COUNT]
    policy = form[POLICY] + state * form[COUNT]
    top = -math.inf
    for a in range(form[COUNT]):
        if is_legal(form, legal, player, state, a):
            top = max(top, memory[preferences + a])
    total = 0.0
    for a in range(form[COUNT]):
        if is_legal(form, legal, player, state, a):
            memory[policy + a] = math.exp(memory[preferences + a] - top)
            total += memory[policy + a]
    for a in range(form[COUNT]):
        memory[policy + a] /= total


@inlined_kernel
def climb_row(memory: Any, form: Any, state: int, own: int, step: float) -> None:
    """Move the preferences of a state by a step along the gradient of the action's log-probability."""
    row = state * form[COUNT]
    for a in range(form[COUNT]):
        memory[form[PREFERENCES] + row + a] -= step * memory[form[POLICY] + row + a]
    memory[form[PREFERENCES] + row + own] += step


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
    """Keep the step, and climb when the episode has ended or no more of it can be kept."""
    length = int(memory[form[PLACE]])
    kept = form[EPISODE] + 3 * length
    memory[kept] = state
    memory[kept + 1] = own
    memory[kept + 2] = rewards[form[PLAYER]]
    length += 1
    memory[form[PLACE]] = length
    if ended != RUNNING or length == numbers[MOST]:
        after = 0.0
        if ended != TERMINATED:
            after = memory[form[BASELINE] + following]
        climb_episode(memory, form, numbers, legal, length, after)
        # Where the episode goes on, what follows is weighed from where it was left.
        memory[form[PLACE]] = 0.0
        memory[form[PLACE] + 1] = memory[form[PLACE] + 1] + length if ended == RUNNING else 0.0
    memory[STEPS] += 1.0
    if ended != RUNNING:
        memory[EPISODES] += 1.0


@lean_kernel
def climb_episode(memory: Any, form: Any, numbers: Any, legal: Any, length: int, after: float) -> None:
    """Step along the gradient of an episode, then move the baselines, then write the policies."""
    discount = numbers[DISCOUNT]
    rate = scheduled(numbers, RATE, memory[STEPS])
    begun = memory[form[PLACE] + 1]
    worth = after
    for t in range(length - 1, -1, -1):
        kept = form[EPISODE] + 3 * t
        state = int(memory[kept])
        worth = memory[kept + 2] + discount * worth
        # The return stands in for the reward, for the second pass.
        memory[kept + 2] = worth
        weight = 1.0
        if numbers[WEIGHED] == 1.0:
            weight = discount ** (begun + t)
        gain = worth - memory[form[BASELINE] + state]
        climb_row(memory, form, state, int(memory[kept + 1]), rate * weight * gain)
    # Baselines that moved before all gradients are taken would depend on the very actions that they are to judge.
    slow = scheduled(numbers, OTHER_RATE, memory[STEPS])
    for t in range(length):
        kept = form[EPISODE] + 3 * t
        state = int(memory[kept])
        memory[form[BASELINE] + state] += slow * (memory[kept + 2] - memory[form[BASELINE] + state])
        write_softmax(memory, form, legal, state)


@lean_kernel
def observe_critic(
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
    """Move the policy along the temporal difference, then the value."""
    error = rewards[form[PLAYER]] - memory[form[BASELINE] + state]
    if ended != TERMINATED:
        error += numbers[DISCOUNT] * memory[form[BASELINE] + following]
    step = scheduled(numbers, OTHER_RATE, memory[STEPS]) * error
    if numbers[WEIGHED] == 1.0:
        step *= numbers[DISCOUNT] ** memory[form[PLACE]]
    row = state * form[COUNT]
    if numbers[NATURAL] == 1.0:
        memory[form[PREFERENCES] + row + own] += step / memory[form[POLICY] + row + own]
    else:
        climb_row(memory, form, state, own, step)
    memory[form[BASELINE] + state] += scheduled(numbers, RATE, memory[STEPS]) * error
    write_softmax(memory, form, legal, state)
    memory[form[PLACE]] = memory[form[PLACE]] + 1.0 if ended == RUNNING else 0.0
    memory[STEPS] += 1.0
    if ended != RUNNING:
        memory[EPISODES] += 1.0


class _SoftmaxLearner(TableLearner):
    """The tables and the doors that learners of softmax policies share."""

    act_kernel = staticmethod(act)

    def __init__(
        self,
        game: Any,
        player: int | str,
        *,
        settings: Mapping[str, Any],
        rates: tuple[float | Schedule, Schedule],
        weighed: bool,
        fact: float,
        kept: int,
    ) -> None:
        setting = setting_of(game)
        who = checked_player(setting, player)
        require_flag(weighed, "discounted_steps")
        shape = (setting.n_states, setting.n_actions[who])
        super().__init__(
            setting,
            who,
            tables={
                "preferences": shape,
                "policy": shape,
                "baseline": shape[:1],
                "episode": (kept, 3),
                "place": (2,),
            },
            settings=settings,
            learning_rate=rates[0],
            extra=np.concatenate([rates[1].row(), [float(weighed), fact]]),
        )
        legal = setting.legal[who]
        self.table("policy")[:] = legal / legal.sum(axis=1, keepdims=True)

    def policy(self) -> Floats:
        """Return the policy, shape (S, A_player), or (A_player,) in a normal-form game."""
        return self._shaped(self.table("policy"))

    @property
    def preferences(self) -> Floats:
        """The preferences, shape (S, A_player)."""
        return self.table("preferences")


class Reinforce(_SoftmaxLearner):
    """Monte Carlo policy gradient: a softmax policy that climbs after every episode.

    Parameters
    ----------
    game : NormalFormGame, StochasticGame or observed environment
    player : int or str
    learning_rate : float or Schedule
        Alpha, of the preferences, from 0 to 1.
    baseline_rate : float or Schedule
        Of the baseline, the mean of the returns of a state; at 0 there is none.
    discounted_steps : bool
        Whether steps are weighed by ``discount^t``, without which they are no gradient of the value.
    most_steps : int, optional
        Steps of an episode that are kept. After so many the learner climbs as if the episode were truncated there. By
        default 1000, and 1 if the discount is 0, where no return reaches further. What follows a truncation is worth
        its baseline: without a baseline nothing, which is a bias.

    Raises
    ------
    GameError
        For settings out of range.

    Examples
    --------
    >>> import marlgt as gt
    >>> game = gt.games.prisoners_dilemma()
    >>> pair = [gt.learners.Reinforce(game, player=i) for i in range(2)]
    >>> run = gt.learners.play(game, pair, steps=2000, seed=0)
    >>> bool(pair[0].policy()[1] > 0.95)
    True

    References
    ----------
    Williams (1992).
    """

    observe_kernel = staticmethod(observe)

    def __init__(
        self,
        game: Any,
        player: int | str = 0,
        *,
        learning_rate: float | Schedule = 0.05,
        baseline_rate: float | Schedule = 0.1,
        discounted_steps: bool = False,
        most_steps: int | None = None,
    ) -> None:
        setting = setting_of(game)
        if most_steps is not None:
            require_whole(most_steps, "most_steps", least=1)
        kept = most_steps or (1 if setting.discount == 0.0 else 1000)
        super().__init__(
            setting,
            player,
            settings={
                "learning_rate": learning_rate,
                "baseline_rate": baseline_rate,
                "discounted_steps": discounted_steps,
                "most_steps": most_steps,
            },
            rates=(learning_rate, as_schedule(baseline_rate, "baseline_rate")),
            weighed=discounted_steps,
            fact=float(kept),
            kept=kept,
        )
        _refuse_visits(learning_rate, baseline_rate)

    @property
    def baseline(self) -> Floats:
        """The baselines, shape (S,)."""
        return self.table("baseline")


class ActorCritic(_SoftmaxLearner):
    """A softmax policy that climbs along the temporal differences of a learned value of the states.

    Parameters
    ----------
    game : NormalFormGame, StochasticGame or observed environment
    player : int or str
    learning_rate : float or Schedule
        Alpha, of the values, from 0 to 1; larger than the policy's, so that values follow the policy.
    policy_rate : float or Schedule
        Beta, of the preferences.
    natural : bool
        Whether the gradient is the natural one.
    discounted_steps : bool
        As in :class:`Reinforce`.

    Raises
    ------
    GameError
        For settings out of range.

    Examples
    --------
    >>> import marlgt as gt
    >>> game = gt.games.prisoners_dilemma()
    >>> pair = [gt.learners.ActorCritic(game, player=i) for i in range(2)]
    >>> run = gt.learners.play(game, pair, steps=2000, seed=0)
    >>> bool(pair[0].policy()[1] > 0.9)
    True

    References
    ----------
    Sutton et al. (2000); Kakade (2002) for the natural gradient.
    """

    observe_kernel = staticmethod(observe_critic)

    def __init__(
        self,
        game: Any,
        player: int | str = 0,
        *,
        learning_rate: float | Schedule = 0.1,
        policy_rate: float | Schedule = 0.03,
        natural: bool = False,
        discounted_steps: bool = False,
    ) -> None:
        require_flag(natural, "natural")
        super().__init__(
            game,
            player,
            settings={
                "learning_rate": learning_rate,
                "policy_rate": policy_rate,
                "natural": natural,
                "discounted_steps": discounted_steps,
            },
            rates=(learning_rate, as_schedule(policy_rate, "policy_rate")),
            weighed=discounted_steps,
            fact=float(natural),
            kept=0,
        )
        _refuse_visits(learning_rate, policy_rate)

    @property
    def state_values(self) -> Floats:
        """The learned values of the states, shape (S,)."""
        return self.table("baseline")


def _refuse_visits(*rates: Any) -> None:
    if any(isinstance(rate, Schedule) and rate.per_visit for rate in rates):
        raise GameError("a policy gradient moves all actions of a state at once: give schedules that count steps")
