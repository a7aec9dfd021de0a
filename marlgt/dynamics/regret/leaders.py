"""Following the leader, held back by a regulariser or by noise.

With ``U_t(a) = u_1(a) + ... + u_t(a)`` what action a would have earned in the first t steps::

    regularised leader     x_{t+1} = argmax_x  <x, U_t> - R(x) / eta_{t+1}
    optimistic             x_{t+1} = argmax_x  <x, U_t + u_t> - R(x) / eta_{t+1}
    perturbed leader       a_{t+1} in argmax_a  U_t(a) + Z_t(a) / eta_{t+1},   Z_t exponential, drawn anew

The negative entropy as R makes :func:`~marlgt.dynamics.hedge`; half the squared length projects ``eta U_t`` onto the
simplex. With neither, two players who follow the leader play fictitiously, and a clever opponent makes them regret it.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from numpy.typing import ArrayLike

from marlgt.dynamics._runs import Rule, run
from marlgt.dynamics._schedules import Schedule
from marlgt.dynamics.projections import write_projection
from marlgt.dynamics.regret.hedging import anytime_rates, small_rates
from marlgt.dynamics.regret.regrets_matched import one_each
from marlgt.dynamics.trajectory import Trajectory
from marlgt.games._doors import require_flag
from marlgt.games.normal_form import NormalFormGame
from marlgt.kernels import kernel
from marlgt.randomness import uniform

__all__ = ["follow_the_perturbed_leader", "follow_the_regularised_leader"]


@kernel
def write_nearest(values: Any, latest: Any, share: float, rate: float, strategy: Any) -> None:
    """Write the distribution nearest to ``rate * (values + share * latest)``."""
    count = values.shape[0]
    highest = values[0] + share * latest[0]
    for a in range(1, count):
        highest = max(highest, values[a] + share * latest[a])
    for a in range(count):
        strategy[a] = rate * (values[a] + share * latest[a] - highest)
    write_projection(strategy)


@kernel
def respond_euclidean(state: Any, utility: Any, played: Any, strategy: Any, rate: float, t: int, stream: Any) -> None:
    """The leader regularised by half the squared length."""
    for a in range(utility.shape[0]):
        state[a] += utility[a]
    write_nearest(state, utility, 0.0, rate, strategy)


@kernel
def respond_euclidean_optimistic(
    state: Any, utility: Any, played: Any, strategy: Any, rate: float, t: int, stream: Any
) -> None:
    """The same, expecting the last utilities again."""
    for a in range(utility.shape[0]):
        state[a] += utility[a]
    write_nearest(state, utility, 1.0, rate, strategy)


@kernel
def respond_perturbed(state: Any, utility: Any, played: Any, strategy: Any, rate: float, t: int, stream: Any) -> None:
    """The leader after noise that is drawn anew."""
    best = 0
    highest = 0.0
    for a in range(utility.shape[0]):
        state[a] += utility[a]
        # A rate of zero stands for payoffs that are all the same.
        noise = -math.log(1.0 - uniform(stream))
        value = state[a] + noise / rate if rate > 0.0 else noise
        if a == 0 or value > highest:
            best = a
            highest = value
    for a in range(utility.shape[0]):
        strategy[a] = 1.0 if a == best else 0.0


_LEADER = Rule(
    "follow_the_regularised_leader",
    respond_euclidean,
    one_each,
    "Average regrets at most of order D sqrt(A / T) at rates of order 1 / sqrt(t): the joint distribution approaches "
    "the coarse correlated equilibria, and in two-player zero-sum games the averages approach Nash; the strategies "
    "do not settle at interior equilibria.",
)
_LEADER_OPTIMISTIC = Rule(
    "follow_the_regularised_leader",
    respond_euclidean_optimistic,
    one_each,
    "At a fixed small rate the players' regrets sum to O(1): in two-player zero-sum games the averages approach Nash "
    "as 1/T.",
)
_PERTURBED = Rule(
    "follow_the_perturbed_leader",
    respond_perturbed,
    one_each,
    "Expected regrets of order D sqrt(T ln A): the joint distribution of play approaches the coarse correlated "
    "equilibria, and in two-player zero-sum games the averages approach Nash.",
)


def follow_the_regularised_leader(
    game: NormalFormGame,
    *,
    rate: Schedule | None = None,
    optimistic: bool = False,
    steps: int = 1000,
    record: int | Sequence[int] = 100,
    start: Sequence[ArrayLike] | None = None,
    averaging: float = 0.0,
    joint: bool | None = None,
) -> Trajectory:
    """Let every player maximise ``<x, U_t> - |x|^2 / (2 eta)``: project ``eta U_t`` onto the simplex.

    With the entropy as the regulariser this would be :func:`hedge`, and :func:`optimistic_hedge` where optimistic.

    Parameters
    ----------
    game : NormalFormGame
    rate : float or callable, optional
        The rate eta, one over payoff; if not given, ``sqrt(2 / (A t)) / D``, or where optimistic the fixed
        ``1 / (4 (n - 1) A D)``, at which the players' regrets add up to less than a constant.
    optimistic : bool
        Whether to count the last utilities twice.
    steps, record, start, averaging, joint
        As in :func:`hedge`.

    Returns
    -------
    Trajectory

    Raises
    ------
    GameError
        For settings out of range.

    Examples
    --------
    >>> import marlgt as gt
    >>> run = follow_the_regularised_leader(gt.games.matching_pennies(), start=([1, 0], [1, 0]), steps=2000)
    >>> bool(run.nash_conv[-1] < 0.1)
    True

    References
    ----------
    Shalev-Shwartz, S. (2012). Online learning and online convex optimization. Foundations and Trends in Machine
    Learning 4, section 2.3. Mertikopoulos, P., Papadimitriou, C. and Piliouras, G. (2018). Cycles in adversarial
    regularized learning. SODA.
    """
    require_flag(optimistic, "optimistic")
    rates, scales = (
        small_rates(rate, lambda count: 1.0 / count)
        if optimistic
        else anytime_rates(rate, lambda count: math.sqrt(2.0 / count))
    )
    return run(
        game,
        _LEADER_OPTIMISTIC if optimistic else _LEADER,
        steps=steps,
        record=record,
        start=start,
        averaging=averaging,
        joint=joint,
        rates=rates,
        scales=scales,
    )


def follow_the_perturbed_leader(
    game: NormalFormGame,
    *,
    rate: Schedule | None = None,
    steps: int = 1000,
    record: int | Sequence[int] = 100,
    start: Sequence[ArrayLike] | None = None,
    joint: bool | None = None,
    keep_actions: bool = False,
    seed: int = 0,
) -> Trajectory:
    """Let every player play the best action against all past play, after noise on every action that is drawn anew.

    Parameters
    ----------
    game : NormalFormGame
    rate : float or callable, optional
        One over the mean of the noise, one over payoff; if not given, ``sqrt(ln A / t) / D``.
    steps, record, start, joint, keep_actions, seed
        As in :func:`hedge`; ``strategies`` are the actions played.

    Returns
    -------
    Trajectory

    Raises
    ------
    GameError
        For settings out of range.

    Examples
    --------
    >>> import marlgt as gt
    >>> run = follow_the_perturbed_leader(gt.games.matching_pennies(), steps=2000)
    >>> bool(run.cce_gap[-1] < 0.1)
    True

    References
    ----------
    Kalai, A. and Vempala, S. (2005). Efficient algorithms for online decision problems. Journal of Computer and
    System Sciences 71. Hutter, M. and Poland, J. (2005). Adaptive online prediction by following the perturbed
    leader. Journal of Machine Learning Research 6.
    """
    rates, scales = anytime_rates(rate, lambda count: math.sqrt(math.log(count)))
    return run(
        game,
        _PERTURBED,
        steps=steps,
        record=record,
        start=start,
        sampled=True,
        joint=joint,
        keep_actions=keep_actions,
        seed=seed,
        rates=rates,
        scales=scales,
    )
