"""Hedge: weigh every action by the exponential of what it would have earned.

With ``U_t(a) = u_1(a) + ... + u_t(a)`` what action a would have earned in the first t steps::

    hedge (multiplicative weights)     x_{t+1} ~ exp(eta_{t+1} U_t)
    optimistic hedge                   x_{t+1} ~ exp(eta_{t+1} (U_t + u_t))

Against every sequence of utilities whose range is D the anytime rate ``sqrt(8 ln A / t) / D`` holds the regret of
hedge below ``D (2 sqrt(T ln A / 2) + sqrt(ln A / 8))``. Where all n players are optimistic at the fixed rate
``1 / (4 (n - 1) D)``, their regrets, each over the range of its payoffs, add up to at most ``4 n (n - 1) ln A``.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from marlgt.dynamics._runs import Rule, run
from marlgt.dynamics._schedules import Schedule, payoff_ranges, scheduled
from marlgt.dynamics.regret.regrets_matched import checked_keep, one_each, order_of
from marlgt.dynamics.trajectory import Trajectory
from marlgt.games._doors import require_flag
from marlgt.games.normal_form import NormalFormGame
from marlgt.kernels import kernel

__all__ = ["Rates", "Scales", "anytime_rates", "hedge", "optimistic_hedge", "small_rates"]

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


def anytime_scales(factor: Callable[[int], float]) -> Callable[[NormalFormGame], NDArray[np.float64]]:
    """Return the scale of each player's rate: ``factor(A)`` over the range of her payoffs; 0 if they are all equal."""

    def scales(game: NormalFormGame) -> NDArray[np.float64]:
        ranges = payoff_ranges(game)
        factors = [factor(count) for count in game.n_actions]
        return np.array([f / max(d, f / _LARGEST_SCALE) if d > 0 else 0.0 for f, d in zip(factors, ranges)])

    return scales


def anytime_rates(rate: Schedule | None, factor: Callable[[int], float]) -> tuple[Rates, Scales | None]:
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
    "averages approach Nash. The strategies do not: at a fixed rate they spiral out of the interior equilibria of "
    "zero-sum games.",
)
_OPTIMISTIC = Rule(
    "optimistic_hedge",
    respond_optimistic,
    one_each,
    "At a fixed small rate the players' regrets sum to O(1), so that in two-player zero-sum games the averages "
    "approach Nash as 1/T, and the strategies, begun uniform, approach it too where it is unique.",
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
    strategies leave it at a fixed rate, however near they start (Bailey and Piliouras), and only the averages approach
    it.

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
    rates, scales = anytime_rates(rate, lambda count: math.sqrt(8.0 * math.log(count)))
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

    At the default rate the regrets of all players together stay below a constant, so that their sum over T falls as
    1/T, where plain hedge has 1/sqrt(T). In two-player zero-sum games no sum of regrets is negative, and the averages
    approach Nash as 1/T; the strategies do too where Nash is unique, from a uniform start (Wei et al. 2021).

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
    NeurIPS, theorem 4. Wei, C.-Y., Lee, C.-W., Zhang, M. and Luo, H. (2021). Linear last-iterate convergence in
    constrained saddle-point optimization. ICLR.
    """
    rates, scales = small_rates(rate, lambda count: 1.0)
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


def small_rates(rate: Schedule | None, share: Callable[[int], float]) -> tuple[Rates, Scales | None]:
    """Return the rates given, or the fixed ``share(A) / (4 (n - 1) D)``, A the most actions that a player has."""
    if rate is not None:
        return scheduled(rate, "rate"), None

    def scales(game: NormalFormGame) -> NDArray[np.float64]:
        return anytime_scales(lambda _: 0.25 * share(max(game.n_actions)) / max(1, game.n_players - 1))(game)

    return np.ones_like, scales
