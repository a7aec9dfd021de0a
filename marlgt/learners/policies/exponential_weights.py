"""Exponential weights for exploration and exploitation: the bandit learner Exp3.

With gamma the probability of a random action, k legal actions, and x_t(b) in [0, 1] the scaled reward over the chance
of the action if b was played at turn t, and 0 if not::

    p(b) = (1 - gamma) pi(b) + gamma / k,    pi(b) proportional to exp( gamma / k sum_t x_t(b) )

With gamma set for T its expected regret against every fixed action is at most ``2.63 sqrt(T k log k)``, whatever the
others do, so that long play of several comes near the coarse correlated equilibria. In games of several states each
state has weights of its own, and the reward is followed by learned values: nothing is guaranteed there.

References
----------
Auer, P., Cesa-Bianchi, N., Freund, Y. and Schapire, R. E. (2002). The nonstochastic multiarmed bandit problem. SIAM
Journal on Computing 32, 48-77, corollary 3.2.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from marlgt.errors import GameError
from marlgt.games._arrays import short
from marlgt.kernels import lean_kernel
from marlgt.learners.exploration import Exploration, is_legal
from marlgt.learners.layout import COUNT, EXPLORATION, PLAYER, STEPS
from marlgt.learners.policies._gains import (
    OWN,
    POLICY,
    SPARE,
    STEP,
    GainsLearner,
    close_step,
    learned_target,
    legal_count,
    rate_of,
    update_average,
    value_bounds,
)
from marlgt.learners.schedules import Schedule, as_schedule, scheduled
from marlgt.learners.settings import checked_player, setting_of
from marlgt.learners.tables import Floats

__all__ = ["Exp3"]

EXPONENTS = OWN


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
    """Add the sampled gain, from 0 to 1 before it is divided by its chance, and take exponential weights."""
    player = form[PLAYER]
    target = learned_target(memory, form, numbers, legal, state, own, rewards[player], following, ended)
    update_average(memory, form, numbers, state)
    level = scheduled(numbers, EXPLORATION + 2, memory[STEPS])
    floor = level / legal_count(form, legal, player, state)
    rate = floor if numbers[SPARE + 2] == 0.0 else rate_of(memory, form, numbers, state, STEP)
    place = state * form[COUNT]
    policy = form[POLICY] + place
    scaled = min(max((target - numbers[SPARE]) / numbers[SPARE + 1], 0.0), 1.0)
    sums = form[EXPONENTS] + place
    memory[sums + own] += rate * scaled / ((1.0 - level) * memory[policy + own] + floor)
    top = -math.inf
    for a in range(form[COUNT]):
        if is_legal(form, legal, player, state, a):
            top = max(top, memory[sums + a])
    total = 0.0
    for a in range(form[COUNT]):
        if is_legal(form, legal, player, state, a):
            memory[sums + a] -= top
            memory[policy + a] = math.exp(memory[sums + a])
            total += memory[policy + a]
    for a in range(form[COUNT]):
        memory[policy + a] /= total
    close_step(memory, ended)


class Exp3(GainsLearner):
    """Exponential weights for exploration and exploitation, of a player who sees only her own rewards.

    Parameters
    ----------
    game : NormalFormGame, StochasticGame or observed environment
    player : int or str
    exploration : float, Schedule or Exploration
        Gamma, the probability of a random action.
    step : float or Schedule, optional
        The rate of the exponents; by default gamma over the number of legal actions.
    bounds : pair of float, optional
        Between which the rewards lie, and what follows them; by default read from the game.
    learning_rate : float or Schedule
        Of the values, which are read in games of several states.

    Raises
    ------
    GameError
        For settings out of range.
    UnsupportedGame
        Without bounds for an environment, or a game of discount 1 and several states.

    Examples
    --------
    >>> import marlgt as gt
    >>> game = gt.games.prisoners_dilemma()
    >>> pair = [gt.learners.Exp3(game, player=i) for i in range(2)]
    >>> run = gt.learners.play(game, pair, steps=5000, seed=0)
    >>> bool(pair[0].policy()[1] > 0.9)
    True

    References
    ----------
    Auer et al. (2002), section 3: the regret is at most ``2.63 sqrt(T k log k)`` with gamma set for T.
    """

    observe_kernel = staticmethod(observe)

    def __init__(
        self,
        game: Any,
        player: int | str = 0,
        *,
        exploration: float | Schedule | Exploration = 0.1,
        step: float | Schedule | None = None,
        bounds: Sequence[float] | None = None,
        learning_rate: float | Schedule = 0.1,
    ) -> None:
        setting = setting_of(game)
        who = checked_player(setting, player)
        low, high = value_bounds(setting, who) if bounds is None else _checked_bounds(bounds)
        rate = as_schedule(0.0 if step is None else step, "step", most=math.inf)
        listed = None if bounds is None else [low, high]
        super().__init__(
            setting,
            who,
            settings={"exploration": exploration, "step": step, "bounds": listed, "learning_rate": learning_rate},
            tables={"exponents": (setting.n_states, setting.n_actions[who])},
            learning_rate=learning_rate,
            exploration=exploration,
            feedback="sampled",
            steps=(rate,),
            spare=(low, high - low if high > low else 1.0, float(step is not None)),
        )

    def policy(self) -> Floats:
        """Return the average policy, without exploration, shape (S, A_player) or (A_player,)."""
        return self.average


def _checked_bounds(bounds: Any) -> tuple[float, float]:
    try:
        low, high = (float(x) for x in bounds)
    except (TypeError, ValueError):
        raise GameError(f"bounds is {short(bounds)}: give the least and the highest reward") from None
    if not (math.isfinite(low) and math.isfinite(high) and low < high):
        raise GameError(f"bounds is {short(bounds)}: give two finite numbers, the lower one first")
    return low, high
