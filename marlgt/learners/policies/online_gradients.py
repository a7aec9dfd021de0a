"""Learners that step along what their actions would have earned, and project: GIGA and GIGA-WoLF.

With u_t the gains of the actions at the t-th turn in a state and P the nearest distribution::

    x_{t+1} = P(x_t + kappa_t u_t)                                                         (GIGA)

    y = P(x_t + kappa_t u_t),  z_{t+1} = P(z_t + kappa_t u_t / 3)                          (GIGA-WoLF)
    x_{t+1} = y + d (z_{t+1} - y),  d = min(1, |z_{t+1} - z_t| / |z_{t+1} - y|)

With gains from known payoffs and ``kappa_t = 1 / sqrt(t)`` the regret of GIGA up to T is at most
``F^2 sqrt(T) / 2 + (sqrt(T) - 1/2) G^2`` against any opponents, F being the diameter of the simplex (its square is 2)
and G the length of the longest u; GIGA-WoLF has regret of that order too. In two-player two-action games, with
gains against the other's policy, the policies are proved to converge to equilibrium if one player follows GIGA-WoLF and
the other GIGA, and were seen to if both follow GIGA-WoLF (Bowling 2005). With gains sampled by chances that exploration
keeps away from 0 a bound holds in expectation; with gains from learned values, as in games of several states, nothing
is guaranteed.

References
----------
Zinkevich, M. (2003). Online convex programming and generalized infinitesimal gradient ascent. ICML, theorem 1.
Bowling, M. (2005). Convergence and no-regret in multiagent learning. NeurIPS.
"""

from __future__ import annotations

import math
from typing import Any

from marlgt.kernels import inlined_kernel, lean_kernel
from marlgt.learners.exploration import Exploration
from marlgt.learners.layout import COUNT, PLAYER
from marlgt.learners.policies._gains import (
    GAINS,
    OWN,
    POLICY,
    STEP,
    GainsLearner,
    close_step,
    learned_target,
    project,
    rate_of,
    update_average,
    write_gains,
)
from marlgt.learners.schedules import Schedule, as_schedule, power
from marlgt.learners.settings import checked_player, setting_of

__all__ = ["GIGA", "GIGAWoLF"]

SLOW, TRIAL = OWN, OWN + 1
"""The policies z of GIGA-WoLF, and room for the next one of a state."""


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
    """Step along the gains, and project."""
    player = form[PLAYER]
    target = learned_target(memory, form, numbers, legal, state, own, rewards[player], following, ended)
    update_average(memory, form, numbers, state)
    write_gains(memory, form, numbers, legal, state, own, actions, target)
    step = rate_of(memory, form, numbers, state, STEP)
    policy = form[POLICY] + state * form[COUNT]
    for a in range(form[COUNT]):
        memory[policy + a] += step * memory[form[GAINS] + a]
    project(memory, policy, form, legal, player, state, 0.0)
    close_step(memory, ended)


@lean_kernel
def observe_wolf(
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
    """Step along the gains, and go back towards a slower copy as far as that has moved."""
    player = form[PLAYER]
    target = learned_target(memory, form, numbers, legal, state, own, rewards[player], following, ended)
    update_average(memory, form, numbers, state)
    write_gains(memory, form, numbers, legal, state, own, actions, target)
    step = rate_of(memory, form, numbers, state, STEP)
    count = form[COUNT]
    policy = form[POLICY] + state * count
    slow = form[SLOW] + state * count
    trial = form[TRIAL]
    for a in range(count):
        memory[policy + a] += step * memory[form[GAINS] + a]
        memory[trial + a] = memory[slow + a] + step * memory[form[GAINS] + a] / 3.0
    project(memory, policy, form, legal, player, state, 0.0)
    project(memory, trial, form, legal, player, state, 0.0)
    moved = 0.0
    apart = 0.0
    for a in range(count):
        moved += (memory[trial + a] - memory[slow + a]) ** 2
        apart += (memory[trial + a] - memory[policy + a]) ** 2
    share = 1.0
    if moved < apart:
        share = math.sqrt(moved / apart)
    for a in range(count):
        memory[policy + a] += share * (memory[trial + a] - memory[policy + a])
        memory[slow + a] = memory[trial + a]
    close_step(memory, ended)


class GIGA(GainsLearner):
    """Generalised infinitesimal gradient ascent: a step along the gains of all actions, and a projection.

    Parameters
    ----------
    game : NormalFormGame, StochasticGame or observed environment
    player : int or str
    step : float or Schedule, optional
        Kappa, in units of one over a reward; by default ``1 / sqrt(t)`` at the t-th turn in the state.
    feedback : {"payoffs", "sampled", "values"}, optional
        How the player knows what each action earns: her own payoffs against the actions that the others played, in
        games of one state; the reward over the chance of the action; or learned values. By default sampled in games of
        one state, values in others.
    learning_rate : float or Schedule
        Of the values.
    exploration : float, Schedule or Exploration, optional
        The probability of a random action; by default 0.1, and none with known payoffs.

    Raises
    ------
    GameError
        For settings out of range.
    UnsupportedGame
        For known payoffs in games of several states.

    Examples
    --------
    >>> import marlgt as gt
    >>> game = gt.games.matching_pennies()
    >>> pair = [gt.learners.GIGA(game, player=i, feedback="payoffs") for i in range(2)]
    >>> run = gt.learners.play(game, pair, steps=5000, seed=0)
    >>> bool(gt.concepts.nash_conv(game, [learner.average for learner in pair]) < 0.2)
    True

    References
    ----------
    Zinkevich (2003).
    """

    observe_kernel = staticmethod(observe)

    def __init__(
        self,
        game: Any,
        player: int | str = 0,
        *,
        step: float | Schedule | None = None,
        feedback: str | None = None,
        learning_rate: float | Schedule = 0.1,
        exploration: float | Schedule | Exploration | None = None,
    ) -> None:
        named = {"learning_rate": learning_rate, "exploration": exploration}
        super().__init__(
            game,
            player,
            settings={"step": step, "feedback": feedback, **named},
            learning_rate=learning_rate,
            exploration=exploration,
            feedback=feedback,
            steps=(_checked_step(step),),
        )


class GIGAWoLF(GainsLearner):
    """GIGA that goes back towards a slower copy of itself, so that it learns fast where it loses to that copy.

    Parameters
    ----------
    game : NormalFormGame, StochasticGame or observed environment
    player : int or str
    step, feedback, learning_rate, exploration
        As in :class:`GIGA`.

    Raises
    ------
    GameError
        For settings out of range.
    UnsupportedGame
        For known payoffs in games of several states.

    Examples
    --------
    >>> import marlgt as gt
    >>> game = gt.games.prisoners_dilemma()
    >>> pair = [gt.learners.GIGAWoLF(game, player=i, feedback="payoffs") for i in range(2)]
    >>> run = gt.learners.play(game, pair, steps=1000, seed=0)
    >>> pair[0].policy().tolist()
    [0.0, 1.0]

    References
    ----------
    Bowling (2005).
    """

    observe_kernel = staticmethod(observe_wolf)

    def __init__(
        self,
        game: Any,
        player: int | str = 0,
        *,
        step: float | Schedule | None = None,
        feedback: str | None = None,
        learning_rate: float | Schedule = 0.1,
        exploration: float | Schedule | Exploration | None = None,
    ) -> None:
        setting = setting_of(game)
        own = setting.n_actions[checked_player(setting, player)]
        named = {"learning_rate": learning_rate, "exploration": exploration}
        super().__init__(
            setting,
            player,
            settings={"step": step, "feedback": feedback, **named},
            tables={"slow": (setting.n_states, own), "trial": (own,)},
            learning_rate=learning_rate,
            exploration=exploration,
            feedback=feedback,
            steps=(_checked_step(step),),
        )
        self.table("slow")[:] = self.table("policy")


def _checked_step(step: float | Schedule | None) -> Schedule:
    if step is None:
        return power(1.0, exponent=0.5, per_visit=True)
    return as_schedule(step, "step", most=math.inf, positive=True)
