"""Learners that match their regrets.

With u_t the gains of the actions at the t-th turn in a state, v_t what the player had, and [x]+ = max(x, 0)::

    R(b) = sum_t (u_t(b) - v_t),                 pi(b) proportional to [R(b)]+                      (regret matching)
    R(b) <- [R(b) + u_t(b) - v_t]+,              the average policy weighs turn t by t              (regret matching+)
    R(a, b) = sum over turns where a was played of u_t(b) - u_t(a),
    pi(b) = [R(a, b) / t]+ / eta  for b other than the last action a,  the rest on a                (conditional)

With gains from known payoffs the regrets of the first two vanish per turn like one over the square root of time, in
expectation and whatever the others do: play approaches the coarse correlated equilibria, and the averages of two
players approach equilibrium in zero-sum games. If all players match conditionally, with eta above the payoffs' range
times the number of other actions, play approaches the correlated equilibria; opponents who foresee the last action can
keep conditional regrets up. Sampled gains add noise and what exploration costs. In games of several states every state
has regrets of its own, from learned values that the others' changes move: nothing is guaranteed there.

References
----------
Hart, S. and Mas-Colell, A. (2000). A simple adaptive procedure leading to correlated equilibrium. Econometrica 68.
Hart, S. and Mas-Colell, A. (2001). A reinforcement procedure leading to correlated equilibrium. Economic Essays.
Tammelin, O., Burch, N., Johanson, M. and Bowling, M. (2015). Solving heads-up limit Texas Hold'em. IJCAI.
"""

from __future__ import annotations

from typing import Any

from marlgt.games._doors import positive
from marlgt.kernels import lean_kernel
from marlgt.learners.exploration import Exploration, is_legal
from marlgt.learners.layout import COUNT, EXPLORATION, PLAYER, STEPS
from marlgt.learners.policies._gains import (
    GAINS,
    OWN,
    POLICY,
    SPARE,
    TURNS,
    GainsLearner,
    checked_feedback,
    close_step,
    learned_target,
    legal_count,
    update_average,
    value_bounds,
    write_gains,
)
from marlgt.learners.schedules import Schedule, scheduled
from marlgt.learners.settings import checked_player, setting_of
from marlgt.learners.tables import Floats

__all__ = ["ConditionalRegretMatcher", "RegretMatcher", "RegretMatcherPlus"]

REGRETS = OWN


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
    """Add up the regrets, cut off below 0 where so set, and match them."""
    player = form[PLAYER]
    target = learned_target(memory, form, numbers, legal, state, own, rewards[player], following, ended)
    update_average(memory, form, numbers, state)
    had = write_gains(memory, form, numbers, legal, state, own, actions, target)
    place = state * form[COUNT]
    total = 0.0
    for a in range(form[COUNT]):
        if is_legal(form, legal, player, state, a):
            regret = memory[form[REGRETS] + place + a] + memory[form[GAINS] + a] - had
            if numbers[SPARE] == 1.0 and regret < 0.0:
                regret = 0.0
            memory[form[REGRETS] + place + a] = regret
            total += max(regret, 0.0)
    even = 1.0 / legal_count(form, legal, player, state)
    for a in range(form[COUNT]):
        if is_legal(form, legal, player, state, a):
            share = even
            if total > 0.0:
                share = max(memory[form[REGRETS] + place + a], 0.0) / total
            memory[form[POLICY] + place + a] = share
    close_step(memory, ended)


@lean_kernel
def observe_conditional(
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
    """Add up the regrets of the action played for each other one, and go to those from it."""
    player = form[PLAYER]
    count = form[COUNT]
    target = learned_target(memory, form, numbers, legal, state, own, rewards[player], following, ended)
    update_average(memory, form, numbers, state)
    write_gains(memory, form, numbers, legal, state, own, actions, target)
    policy = form[POLICY] + state * count
    regrets = form[REGRETS] + state * count * count
    if numbers[SPARE + 1] == 1.0:
        # A sampled gain u(own) = target / p(own) stands for what own would have earned at turns of any action a,
        # each of which was played with its own chance p(a); what own had is the target.
        level = scheduled(numbers, EXPLORATION + 2, memory[STEPS])
        floor = level / legal_count(form, legal, player, state)
        for a in range(count):
            if a != own and is_legal(form, legal, player, state, a):
                chance = (1.0 - level) * memory[policy + a] + floor
                memory[regrets + a * count + own] += chance * memory[form[GAINS] + own]
                memory[regrets + own * count + a] -= target
    else:
        for b in range(count):
            if is_legal(form, legal, player, state, b):
                memory[regrets + own * count + b] += memory[form[GAINS] + b] - memory[form[GAINS] + own]
    rest = 1.0
    scale = memory[form[TURNS] + state] * numbers[SPARE]
    for b in range(count):
        if b != own and is_legal(form, legal, player, state, b):
            # More than an even share of what there is would not leave a distribution.
            share = min(max(memory[regrets + own * count + b], 0.0) / scale, 1.0 / count)
            memory[policy + b] = share
            rest -= share
    memory[policy + own] = rest
    close_step(memory, ended)


class _Matcher(GainsLearner):
    """What regret matchers with one regret for each action share."""

    observe_kernel = staticmethod(observe)
    _plus = False

    def __init__(
        self,
        game: Any,
        player: int | str = 0,
        *,
        feedback: str | None = None,
        learning_rate: float | Schedule = 0.1,
        exploration: float | Schedule | Exploration | None = None,
    ) -> None:
        setting = setting_of(game)
        shape = (setting.n_states, setting.n_actions[checked_player(setting, player)])
        super().__init__(
            setting,
            player,
            settings={"feedback": feedback, "learning_rate": learning_rate, "exploration": exploration},
            tables={"regrets": shape},
            learning_rate=learning_rate,
            exploration=exploration,
            feedback=feedback,
            linear=self._plus,
            spare=(float(self._plus),),
        )

    def policy(self) -> Floats:
        """Return the average policy, which is what approaches equilibrium, shape (S, A_player) or (A_player,)."""
        return self.average

    @property
    def regrets(self) -> Floats:
        """The sums of regrets, shape (S, A_player)."""
        return self.table("regrets")


class RegretMatcher(_Matcher):
    """Plays every action in proportion to how much the player regrets not having played it.

    Parameters
    ----------
    game : NormalFormGame, StochasticGame or observed environment
    player : int or str
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
    >>> game = gt.games.shapley_1964()
    >>> pair = [gt.learners.RegretMatcher(game, player=i, feedback="payoffs") for i in range(2)]
    >>> run = gt.learners.play(game, pair, steps=20_000, seed=0)
    >>> played = run.plays[0, 0] / run.plays[0, 0].sum()
    >>> bool(gt.concepts.cce_gap(game, played) < 0.05)
    True

    References
    ----------
    Hart and Mas-Colell (2000), section 4; (2001) for sampled gains.
    """


class RegretMatcherPlus(_Matcher):
    """Regret matching that never lets a regret fall below 0, with the later policies weighing more in the average.

    Parameters
    ----------
    game : NormalFormGame, StochasticGame or observed environment
    player : int or str
    feedback, learning_rate, exploration
        As in :class:`RegretMatcher`.

    Raises
    ------
    GameError
        For settings out of range.
    UnsupportedGame
        For known payoffs in games of several states.

    References
    ----------
    Tammelin et al. (2015).
    """

    _plus = True


class ConditionalRegretMatcher(GainsLearner):
    """Goes from the last action to others in proportion to the regret of not having played them in its place.

    Parameters
    ----------
    game : NormalFormGame, StochasticGame or observed environment
    player : int or str
    inertia : float, optional
        Eta: the larger, the longer it stays. By default twice the number of other actions times the range of the
        player's rewards, read from the game.
    feedback, learning_rate, exploration
        As in :class:`RegretMatcher`.

    Raises
    ------
    GameError
        For settings out of range.
    UnsupportedGame
        For known payoffs in games of several states, and for an environment without ``inertia``.

    References
    ----------
    Hart and Mas-Colell (2000), equation 2.2; (2001) for sampled gains.
    """

    observe_kernel = staticmethod(observe_conditional)

    def __init__(
        self,
        game: Any,
        player: int | str = 0,
        *,
        inertia: float | None = None,
        feedback: str | None = None,
        learning_rate: float | Schedule = 0.1,
        exploration: float | Schedule | Exploration | None = None,
    ) -> None:
        setting = setting_of(game)
        who = checked_player(setting, player)
        own = setting.n_actions[who]
        if inertia is None:
            low, high = value_bounds(setting, who)
            eta = 2.0 * max(high - low, 1e-9) * max(own - 1, 1)
        else:
            eta = positive(inertia, "inertia")
        named = {"learning_rate": learning_rate, "exploration": exploration}
        super().__init__(
            setting,
            who,
            settings={"inertia": inertia, "feedback": feedback, **named},
            tables={"regrets": (setting.n_states, own, own)},
            learning_rate=learning_rate,
            exploration=exploration,
            feedback=feedback,
            spare=(eta, float(checked_feedback(setting, feedback) == "sampled")),
        )

    def policy(self) -> Floats:
        """Return the average policy, shape (S, A_player) or (A_player,)."""
        return self.average
