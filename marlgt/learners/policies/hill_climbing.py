"""Policy hill climbing: Q-learning whose mixed policy moves a little towards the best action after every step.

In the state s of the step, with best action ``b = argmax Q(s, .)`` (the lowest index among ties) and k legal actions::

    moved(a) = min( pi(s, a), delta / (k - 1) )   from every a but b,  to b                                (PHC)

with one delta, or with a small one while winning and a large one while losing, where to win is to have::

    sum_a pi(s, a) Q(s, a)  >  sum_a avg(s, a) Q(s, a),    avg the mean of the policies so far             (WoLF-PHC)

Weighted policy learners step along the advantages ``d(a) = Q(s, a) - pi(s) . Q(s)``, and project::

    pi(s, a) + step d(a) ( 1 - pi(s, a)  if d(a) > 0  else  pi(s, a) )                                     (WPL)
    pi(s, a) + step ( h(a) - prediction |h(a)| pi(s, a) ),   h(a) = d(a) / ( 1 - pi(s, a) )                (PGA-APP)

Proofs exist for the continuous dynamics of two players with two actions only: there WoLF, which knows the equilibrium
that it compares with, goes there where plain gradient ascent cycles. PHC is rational: against players who stand still
it goes to a best reply.

References
----------
Bowling, M. and Veloso, M. (2002). Multiagent learning using a variable learning rate. Artificial Intelligence 136.
Abdallah, S. and Lesser, V. (2008). A multiagent reinforcement learning algorithm with non-linear dynamics. J. of
Artificial Intelligence Research 33.
Zhang, C. and Lesser, V. (2010). Multi-agent learning with policy prediction. AAAI.
"""

from __future__ import annotations

import math
from typing import Any

from marlgt.errors import GameError
from marlgt.games._doors import nonnegative
from marlgt.kernels import inlined_kernel
from marlgt.learners.exploration import Exploration, is_legal
from marlgt.learners.layout import COUNT, PLAYER
from marlgt.learners.policies._gains import (
    AVERAGE,
    LOSING,
    POLICY,
    SPARE,
    STEP,
    VALUES,
    GainsLearner,
    close_step,
    learned_target,
    legal_count,
    project,
    rate_of,
    update_average,
)
from marlgt.learners.schedules import Schedule, as_schedule
from marlgt.learners.settings import checked_player, setting_of

__all__ = ["PGAAPP", "PHC", "WPL", "WoLFPHC"]


@inlined_kernel
def best_action(memory: Any, form: Any, legal: Any, state: int) -> int:
    """Return the legal action of highest value, the lowest index among ties."""
    player = form[PLAYER]
    place = form[VALUES] + state * form[COUNT]
    best = -1
    for a in range(form[COUNT]):
        if is_legal(form, legal, player, state, a) and (best < 0 or memory[place + a] > memory[place + best]):
            best = a
    return best


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
    """Learn the value, bring the policy into its average, and climb, slowly where it beats the average."""
    player = form[PLAYER]
    learned_target(memory, form, numbers, legal, state, own, rewards[player], following, ended)
    update_average(memory, form, numbers, state)
    count = form[COUNT]
    place = state * count
    lead = 0.0
    for a in range(count):
        ahead = memory[form[POLICY] + place + a] - memory[form[AVERAGE] + place + a]
        lead += ahead * memory[form[VALUES] + place + a]
    delta = rate_of(memory, form, numbers, state, STEP if lead > 0.0 else LOSING)
    most = legal_count(form, legal, player, state) - 1
    best = best_action(memory, form, legal, state)
    policy = form[POLICY] + place
    for a in range(count):
        if a != best and memory[policy + a] > 0.0:
            moved = min(memory[policy + a], delta / most)
            memory[policy + a] -= moved
            memory[policy + best] += moved
    close_step(memory, ended)


@inlined_kernel
def worth_of(memory: Any, form: Any, state: int) -> float:
    """Return what the policy of a state earns by the learned values."""
    place = state * form[COUNT]
    worth = 0.0
    for a in range(form[COUNT]):
        worth += memory[form[POLICY] + place + a] * memory[form[VALUES] + place + a]
    return worth


@inlined_kernel
def observe_weighted(
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
    """Learn the value, and step along advantages that weigh less near the edge that they head for."""
    player = form[PLAYER]
    learned_target(memory, form, numbers, legal, state, own, rewards[player], following, ended)
    update_average(memory, form, numbers, state)
    worth = worth_of(memory, form, state)
    step = rate_of(memory, form, numbers, state, STEP)
    place = state * form[COUNT]
    for a in range(form[COUNT]):
        share = memory[form[POLICY] + place + a]
        gain = memory[form[VALUES] + place + a] - worth
        memory[form[POLICY] + place + a] = share + step * gain * (1.0 - share if gain > 0.0 else share)
    project(memory, form[POLICY] + place, form, legal, player, state, numbers[SPARE])
    close_step(memory, ended)


@inlined_kernel
def observe_predicted(
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
    """Learn the value, and step along the advantages as they are foreseen."""
    player = form[PLAYER]
    learned_target(memory, form, numbers, legal, state, own, rewards[player], following, ended)
    update_average(memory, form, numbers, state)
    worth = worth_of(memory, form, state)
    step = rate_of(memory, form, numbers, state, STEP)
    place = state * form[COUNT]
    for a in range(form[COUNT]):
        share = memory[form[POLICY] + place + a]
        gain = memory[form[VALUES] + place + a] - worth
        if share < 1.0:
            gain /= 1.0 - share
        memory[form[POLICY] + place + a] = share + step * (gain - numbers[SPARE] * abs(gain) * share)
    project(memory, form[POLICY] + place, form, legal, player, state, 0.0)
    close_step(memory, ended)


class WoLFPHC(GainsLearner):
    """Policy hill climbing that learns fast while it loses and slowly while it wins.

    Parameters
    ----------
    game : NormalFormGame, StochasticGame or observed environment
    player : int or str
    learning_rate : float or Schedule
        Of the values, from 0 to 1.
    delta_win, delta_lose : float or Schedule
        How much probability moves in a step at most; the second should be larger. Schedules per visit count the turns
        taken in the state.
    exploration : float, Schedule or Exploration
        The probability of a random action.

    Raises
    ------
    GameError
        For rates that are not from 0 to 1, or a delta for winning that is above the one for losing.

    Examples
    --------
    >>> import marlgt as gt
    >>> game = gt.games.rock_paper_scissors()
    >>> pair = [gt.learners.WoLFPHC(game, player=i) for i in range(2)]
    >>> run = gt.learners.play_seeds(game, pair, steps=20_000, seeds=range(4))
    >>> bool(abs(run.learners[0][0].average - 1 / 3).max() < 0.1)
    True

    References
    ----------
    Bowling and Veloso (2002).
    """

    observe_kernel = staticmethod(observe)

    def __init__(
        self,
        game: Any,
        player: int | str = 0,
        *,
        learning_rate: float | Schedule = 0.1,
        delta_win: float | Schedule = 0.001,
        delta_lose: float | Schedule = 0.004,
        exploration: float | Schedule | Exploration = 0.1,
    ) -> None:
        deltas = _checked_deltas(delta_win, delta_lose)
        named = {"delta_win": delta_win, "delta_lose": delta_lose, "exploration": exploration}
        super().__init__(
            game,
            player,
            settings={"learning_rate": learning_rate, **named},
            learning_rate=learning_rate,
            exploration=exploration,
            greedy_ahead=True,
            steps=deltas,
        )


class PHC(GainsLearner):
    """Policy hill climbing: a mixed policy that moves towards the best action by at most delta a step.

    Parameters
    ----------
    game : NormalFormGame, StochasticGame or observed environment
    player : int or str
    learning_rate, exploration
        As in :class:`WoLFPHC`.
    delta : float or Schedule

    Raises
    ------
    GameError
        For rates that are not from 0 to 1.

    Examples
    --------
    >>> import marlgt as gt
    >>> game = gt.games.prisoners_dilemma()
    >>> pair = [gt.learners.PHC(game, player=i, delta=0.01) for i in range(2)]
    >>> run = gt.learners.play(game, pair, steps=2000, seed=0)
    >>> pair[0].policy().round(6).tolist()
    [0.0, 1.0]

    References
    ----------
    Bowling and Veloso (2002).
    """

    observe_kernel = staticmethod(observe)

    def __init__(
        self,
        game: Any,
        player: int | str = 0,
        *,
        learning_rate: float | Schedule = 0.1,
        delta: float | Schedule = 0.002,
        exploration: float | Schedule | Exploration = 0.1,
    ) -> None:
        schedule = as_schedule(delta, "delta", positive=True)
        super().__init__(
            game,
            player,
            settings={"learning_rate": learning_rate, "delta": delta, "exploration": exploration},
            learning_rate=learning_rate,
            exploration=exploration,
            greedy_ahead=True,
            steps=(schedule, schedule),
        )


class WPL(GainsLearner):
    """A weighted policy learner: gradient steps that shrink towards the edge that they head for.

    Parameters
    ----------
    game : NormalFormGame, StochasticGame or observed environment
    player : int or str
    learning_rate : float or Schedule
    step : float or Schedule
        In units of one over a reward.
    floor : float
        The least probability of a legal action, below one over the number of actions.
    exploration : float, Schedule or Exploration

    Raises
    ------
    GameError
        For settings out of range.

    References
    ----------
    Abdallah and Lesser (2008).
    """

    observe_kernel = staticmethod(observe_weighted)

    def __init__(
        self,
        game: Any,
        player: int | str = 0,
        *,
        learning_rate: float | Schedule = 0.1,
        step: float | Schedule = 0.002,
        floor: float = 0.001,
        exploration: float | Schedule | Exploration = 0.1,
    ) -> None:
        setting = setting_of(game)
        actions = setting.n_actions[checked_player(setting, player)]
        if nonnegative(floor, "floor") * actions >= 1.0:
            raise GameError(f"floor is {floor:g}: with {actions} actions it must be below {1 / actions:g}")
        super().__init__(
            setting,
            player,
            settings={"learning_rate": learning_rate, "step": step, "floor": floor, "exploration": exploration},
            learning_rate=learning_rate,
            exploration=exploration,
            greedy_ahead=True,
            steps=(as_schedule(step, "step", most=math.inf, positive=True),),
            spare=(floor,),
        )


class PGAAPP(GainsLearner):
    """Policy gradient ascent with approximate policy prediction: a gradient step that foresees the opponents' steps.

    Parameters
    ----------
    game : NormalFormGame, StochasticGame or observed environment
    player : int or str
    learning_rate : float or Schedule
    step : float or Schedule
        In units of one over a reward.
    prediction : float
        How far ahead it looks; at 0 this is gradient ascent, which cycles.
    exploration : float, Schedule or Exploration

    Raises
    ------
    GameError
        For settings out of range.

    References
    ----------
    Zhang and Lesser (2010), algorithm 1.
    """

    observe_kernel = staticmethod(observe_predicted)

    def __init__(
        self,
        game: Any,
        player: int | str = 0,
        *,
        learning_rate: float | Schedule = 0.1,
        step: float | Schedule = 0.002,
        prediction: float = 3.0,
        exploration: float | Schedule | Exploration = 0.1,
    ) -> None:
        named = {"step": step, "prediction": prediction, "exploration": exploration}
        super().__init__(
            game,
            player,
            settings={"learning_rate": learning_rate, **named},
            learning_rate=learning_rate,
            exploration=exploration,
            greedy_ahead=True,
            steps=(as_schedule(step, "step", most=math.inf, positive=True),),
            spare=(nonnegative(prediction, "prediction"),),
        )


def _checked_deltas(win: float | Schedule, lose: float | Schedule) -> tuple[Schedule, Schedule]:
    slow, fast = as_schedule(win, "delta_win"), as_schedule(lose, "delta_lose", positive=True)
    if slow.first > fast.first:
        raise GameError(
            f"delta_win is {slow.first:g} and delta_lose {fast.first:g}: a learner that wins or learns fast moves less "
            "while winning"
        )
    return slow, fast
