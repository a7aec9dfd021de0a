"""Hedge, and following the leader with a regulariser or with noise.

With ``U_t(a) = u_1(a) + ... + u_t(a)`` what action a would have earned in the first t steps::

    hedge                          x_{t+1} ~ exp(eta_{t+1} U_t)          (multiplicative weights)
    regularised leader             x_{t+1} = argmax_x  <x, U_t> - R(x) / eta_{t+1}
    perturbed leader               a_{t+1} in argmax_a  U_t(a) + Z_t(a) / eta_{t+1},   Z_t exponential, drawn anew
    optimistic                     U_t + u_t in place of U_t

The entropy as R makes hedge of the regularised leader; half the squared length makes projections. Against every
sequence of utilities whose range is D the anytime rate ``sqrt(8 ln A / t) / D`` holds the regret of hedge below
``D (2 sqrt(T ln A / 2) + sqrt(ln A / 8))``.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from marlgt.dynamics._runs import Rule, run
from marlgt.dynamics._schedules import Schedule, payoff_ranges, scheduled
from marlgt.dynamics.projections import write_projection
from marlgt.dynamics.regrets_matched import checked_keep, one_each, order_of
from marlgt.dynamics.trajectory import Trajectory
from marlgt.games._doors import require_flag
from marlgt.games.normal_form import NormalFormGame
from marlgt.kernels import kernel
from marlgt.randomness import uniform

__all__ = ["follow_the_perturbed_leader", "follow_the_regularised_leader", "hedge", "optimistic_hedge"]

Rates = Callable[[NDArray[np.float64]], NDArray[np.float64]]
Scales = Callable[[NormalFormGame], NDArray[np.float64]]
_LARGEST_SCALE = 1e150


@kernel
def write_softmax(values: Any, latest: Any, share: float, rate: float, strategy: Any) -> None:
    """Write the strategy in proportion to ``exp(rate * (values + share * latest))``."""
    count = values.shape[0]
    highest = values[0] + share * latest[0]
    for a in range(1, count):
        highest = max(highest, values[a] + share * latest[a])
    total = 0.0
    for a in range(count):
        strategy[a] = math.exp(rate * (values[a] + share * latest[a] - highest))
        total += strategy[a]
    for a in range(count):
        strategy[a] /= total


@kernel
def respond_hedge(state: Any, utility: Any, played: Any, strategy: Any, rate: float, t: int, stream: Any) -> None:
    """Hedge."""
    for a in range(utility.shape[0]):
        state[a] += utility[a]
    write_softmax(state, utility, 0.0, rate, strategy)


@kernel
def respond_optimistic(state: Any, utility: Any, played: Any, strategy: Any, rate: float, t: int, stream: Any) -> None:
    """Hedge that expects the last utilities again."""
    for a in range(utility.shape[0]):
        state[a] += utility[a]
    write_softmax(state, utility, 1.0, rate, strategy)


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


def anytime_scales(factor: Callable[[int], float]) -> Callable[[NormalFormGame], NDArray[np.float64]]:
    """Return the scale of each player's rate: ``factor(A)`` over the range of her payoffs; 0 if they are all equal."""

    def scales(game: NormalFormGame) -> NDArray[np.float64]:
        ranges = payoff_ranges(game)
        factors = [factor(count) for count in game.n_actions]
        return np.array([min(f / d, _LARGEST_SCALE) if d > 0 else 0.0 for f, d in zip(factors, ranges)])

    return scales


def _rates(rate: Schedule | None, factor: Callable[[int], float]) -> tuple[Rates, Scales | None]:
    """Return the rates and their scales: those given, or ``factor(A) / (D sqrt(t))``."""
    return (_over_root, anytime_scales(factor)) if rate is None else (scheduled(rate, "rate"), None)


def _over_root(steps: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.asarray(1.0 / np.sqrt(steps))


_HEDGE = Rule(
    "hedge",
    respond_hedge,
    one_each,
    "At the anytime rate average regrets are at most D (sqrt(2 ln A / T) + sqrt(ln A / 8) / T), with D the range of "
    "payoffs: the joint distribution approaches the coarse correlated equilibria, and in two-player zero-sum games the "
    "averages approach Nash. The strategies do not: in zero-sum games with an interior equilibrium they spiral out.",
)
_OPTIMISTIC = Rule(
    "optimistic_hedge",
    respond_optimistic,
    one_each,
    "At a fixed small rate the players' regrets sum to O(1), so that in two-player zero-sum games the averages approach "
    "Nash as 1/T, and the strategies approach it too where it is unique.",
)
_LEADER = Rule(
    "follow_the_regularised_leader",
    respond_euclidean,
    one_each,
    "Average regrets at most of order D sqrt(A / T) at rates of order 1 / sqrt(t): the joint distribution approaches "
    "the coarse correlated equilibria, and in two-player zero-sum games the averages approach Nash; the strategies "
    "cycle there.",
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


def hedge(
    game: NormalFormGame,
    *,
    rate: Schedule | None = None,
    steps: int = 1000,
    record: int | Sequence[int] = 100,
    start: Sequence[ArrayLike] | None = None,
    sampled: bool = False,
    alternating: bool = False,
    averaging: float = 0.0,
    joint: bool | None = None,
    keep_actions: bool = False,
    seed: int = 0,
) -> Trajectory:
    """Let every player hedge: ``x_{t+1} ~ exp(eta_{t+1} U_t)``, also known as multiplicative weights.

    At the default rate the average regrets are at most ``D (sqrt(2 ln A / T) + sqrt(ln A / 8) / T)`` with D the range
    of the player's payoffs, at a fixed rate ``ln A / (eta T) + eta D^2 / 8``; the average joint distribution
    approaches the coarse correlated equilibria. In two-player zero-sum games with an interior equilibrium the
    strategies leave it, however near they start (Bailey and Piliouras), and only the averages approach it.

    Parameters
    ----------
    game : NormalFormGame
    rate : float or callable, optional
        The rate eta, one over payoff, the same at every step or a function of an array of steps from 1. If not given,
        ``sqrt(8 ln A / t) / D``.
    steps, record, start, sampled, alternating, averaging, joint, keep_actions, seed
        As in :func:`~marlgt.dynamics.regret_matching`; ``start`` is the first step only, the weights begin uniform.

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
    >>> run = hedge(gt.games.matching_pennies(), rate=0.1, start=([0.6, 0.4], [0.5, 0.5]))
    >>> bool(run.nash_conv_current[-1] > 2 * run.nash_conv[-1])
    True

    References
    ----------
    Freund, Y. and Schapire, R. (1999). Adaptive game playing using multiplicative weights. Games and Economic
    Behavior 29. Cesa-Bianchi, N. and Lugosi, G. (2006). Prediction, Learning, and Games, theorems 2.2 and 2.3.
    Bailey, J. and Piliouras, G. (2018). Multiplicative weights update in zero-sum games. EC.
    """
    require_flag(sampled, "sampled")
    rates, scales = _rates(rate, lambda count: math.sqrt(8.0 * math.log(count)))
    return run(
        game,
        _HEDGE,
        steps=steps,
        record=record,
        start=start,
        sampled=sampled,
        order=order_of(alternating),
        averaging=averaging,
        joint=joint,
        keep_actions=checked_keep(keep_actions, sampled),
        seed=seed,
        rates=rates,
        scales=scales,
    )


def optimistic_hedge(
    game: NormalFormGame,
    *,
    rate: Schedule | None = None,
    steps: int = 1000,
    record: int | Sequence[int] = 100,
    start: Sequence[ArrayLike] | None = None,
    averaging: float = 0.0,
    joint: bool | None = None,
) -> Trajectory:
    """Let every player hedge as if the last utilities came once more: ``x_{t+1} ~ exp(eta (U_t + u_t))``.

    At the default rate the regrets of all players together stay below a constant, so that average regrets fall as
    1/T where plain hedge has 1/sqrt(T).

    Parameters
    ----------
    game : NormalFormGame
    rate : float or callable, optional
        The rate eta, one over payoff; if not given, ``1 / (4 (n - 1) D)`` for n players.
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
    >>> run = optimistic_hedge(gt.games.matching_pennies(), start=([0.9, 0.1], [0.5, 0.5]), steps=2000)
    >>> bool(run.nash_conv[-1] < 0.01), bool(run.nash_conv_current[-1] < 0.01)
    (True, True)

    References
    ----------
    Rakhlin, A. and Sridharan, K. (2013). Optimization, learning, and games with predictable sequences. NeurIPS.
    Syrgkanis, V., Agarwal, A., Luo, H. and Schapire, R. (2015). Fast convergence of regularized learning in games.
    NeurIPS, theorem 4.
    """
    rates, scales = _small_rates(rate)
    return run(
        game,
        _OPTIMISTIC,
        steps=steps,
        record=record,
        start=start,
        averaging=averaging,
        joint=joint,
        rates=rates,
        scales=scales,
    )


def _small_rates(rate: Schedule | None) -> tuple[Rates, Scales | None]:
    """Return the rates given, or the fixed one at which regrets sum to a constant."""
    if rate is not None:
        return scheduled(rate, "rate"), None

    def scales(game: NormalFormGame) -> NDArray[np.float64]:
        return anytime_scales(lambda count: 0.25 / max(1, game.n_players - 1))(game)

    return np.ones_like, scales


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
        The rate eta, one over payoff; if not given, ``sqrt(2 / (A t)) / D``, or the fixed ``1 / (4 (n - 1) D)`` where
        optimistic.
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
    rates, scales = _small_rates(rate) if optimistic else _rates(rate, lambda count: math.sqrt(2.0 / count))
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
    rates, scales = _rates(rate, lambda count: math.sqrt(math.log(count)))
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
