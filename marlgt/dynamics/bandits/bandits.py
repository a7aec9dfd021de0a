"""Bandit algorithms in games: each player sees the payoff of her own action only, and her regret vanishes all the same.

A payoff x of an action a that was drawn with probability p(a) makes the estimate ``x / p(a)`` for a and 0 for the
others, which is right on average. With K actions and payoffs between 0 and 1 the regret after T steps against every
fixed action, in expectation for exp3, is at most::

    exp3          2.63 sqrt(T K ln K)      (Auer et al. 2002, Corollary 3.2, with gamma set for T)
    exp3_p        4 sqrt(T K ln(K T / d)) + 4 sqrt(5/3 T K ln K) + 8 ln(K T / d),   with probability 1 - d
    exp3_ix       2 sqrt(2 T K ln K) + (sqrt(2 T K / ln K) + 1) ln(2 / d),          with probability 1 - d

whatever the others do, with settings that know T; those with probability 1 - d bound the largest regret too. So the
joint play of long runs is near the coarse correlated equilibria, and in two-player zero-sum games the averages are near
the equilibria. The strategies themselves need not settle.

References
----------
Auer, P., Cesa-Bianchi, N., Freund, Y. and Schapire, R. E. (2002). The nonstochastic multiarmed bandit problem. SIAM
Journal on Computing 32, 48-77.
Neu, G. (2015). Explore no more: improved high-probability regret bounds for non-stochastic bandits. NeurIPS 28.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from marlgt.dynamics.bandits._sampled import Rule, action_counts, play_rule, simultaneous
from marlgt.dynamics.bandits._sampled_doors import share
from marlgt.dynamics.trajectory import Trajectory
from marlgt.errors import GameError
from marlgt.games._arrays import short
from marlgt.games._doors import positive, require_whole
from marlgt.games.normal_form import NormalFormGame
from marlgt.kernels import inlined_kernel, kernel

__all__ = ["NO_REGRET", "exp3", "exp3_ix", "exp3_p"]

Floats = NDArray[np.float64]
Whole = NDArray[np.int64]

NO_REGRET = (
    "Regret vanishes at {rate} whatever the others do: joint play approaches the coarse correlated equilibria, the "
    "averages the equilibria of two-player zero-sum games; the strategies held may cycle."
)


@inlined_kernel
def weigh(player: int, low: int, high: int, action: int, gain: float, memory: Floats) -> float:
    """Raise the logarithm of one action's weight, and return the sum of the weights.

    ``memory`` holds logarithms, weights, and the logarithm that the weights are relative to: only the weight that
    moved is computed anew, until the heaviest has grown by exp(50).
    """
    count = high - low
    top = memory.shape[1] - 1
    width = top // 2
    memory[player, action] += gain
    apart = memory[player, action] - memory[player, top]
    if apart > 50.0 or apart < -50.0:
        best = memory[player, 0]
        for a in range(1, count):
            best = max(best, memory[player, a])
        memory[player, top] = best
        for a in range(count):
            memory[player, width + a] = math.exp(memory[player, a] - best)
    else:
        memory[player, width + action] = math.exp(apart)
    total = 0.0
    for a in range(count):
        total += memory[player, width + a]
    return total


@inlined_kernel
def learn_exp3(
    player: int,
    low: int,
    high: int,
    step: int,
    action: int,
    payoff: float,
    strategy: Floats,
    memory: Floats,
    settings: Floats,
    stream: Whole,
) -> None:
    """Weigh the action by ``exp(gamma x / (K p))`` and mix the weights with the uniform distribution."""
    count = high - low
    width = (memory.shape[1] - 1) // 2
    gamma = settings[player, 0]
    total = weigh(player, low, high, action, gamma * payoff / (strategy[low + action] * count), memory)
    factor = (1.0 - gamma) / total
    floor = gamma / count
    for a in range(count):
        strategy[low + a] = factor * memory[player, width + a] + floor


@inlined_kernel
def learn_exp3_ix(
    player: int,
    low: int,
    high: int,
    step: int,
    action: int,
    payoff: float,
    strategy: Floats,
    memory: Floats,
    settings: Floats,
    stream: Whole,
) -> None:
    """Weigh the action by ``exp(-rate (1 - x) / (p + gamma))``."""
    width = (memory.shape[1] - 1) // 2
    loss = (1.0 - payoff) / (strategy[low + action] + settings[player, 1])
    total = weigh(player, low, high, action, -settings[player, 0] * loss, memory)
    for a in range(high - low):
        strategy[low + a] = memory[player, width + a] / total


@kernel
def learn_exp3_p(
    player: int,
    low: int,
    high: int,
    step: int,
    action: int,
    payoff: float,
    strategy: Floats,
    memory: Floats,
    settings: Floats,
    stream: Whole,
) -> None:
    """Weigh every action by its estimate and a bonus ``alpha / (p sqrt(K T))``, both times ``gamma / (3 K)``."""
    count = high - low
    gamma = settings[player, 0]
    best = 0.0
    for a in range(count):
        estimate = settings[player, 1] + (payoff if a == action else 0.0)
        memory[player, a] += gamma / (3.0 * count) * estimate / strategy[low + a]
        if a == 0 or memory[player, a] > best:
            best = memory[player, a]
    total = 0.0
    for a in range(count):
        strategy[low + a] = math.exp(memory[player, a] - best)
        total += strategy[low + a]
    for a in range(count):
        strategy[low + a] = (1.0 - gamma) * strategy[low + a] / total + gamma / count


_EXP3 = simultaneous(learn_exp3)
_EXP3_IX = simultaneous(learn_exp3_ix)
_EXP3_P = simultaneous(learn_exp3_p)


def exp3(
    game: NormalFormGame,
    *,
    steps: int = 1000,
    record: int | Sequence[int] = 100,
    seed: int = 0,
    keep_actions: bool = False,
    joint: bool | None = None,
    gamma: float | None = None,
    payoff_range: ArrayLike | None = None,
) -> Trajectory:
    """Let every player run Exp3, ``p = (1 - gamma) w / sum(w) + gamma / K``, on her own payoffs.

    Parameters
    ----------
    game : NormalFormGame
    steps : int
    record : int or sequence of int
        A number of evenly spaced times to record, or the steps themselves; the last step is always among them.
    seed : int
    keep_actions : bool
        Whether to keep every action profile played.
    joint : bool, optional
        Whether to keep the joint distribution of play; up to 10,000 action profiles if not given.
    gamma : float, optional
        Share of uniform exploration, from 0 to 1; ``min(1, sqrt(K ln K / ((e - 1) steps)))`` if not given.
    payoff_range : pair of float, optional
        What a payoff may be, in the game's units; each player's least and largest payoff if not given.

    Returns
    -------
    Trajectory
        Averages and joint distribution are empirical; regrets are those of the actions played.

    Raises
    ------
    GameError
        For settings out of range, and a ``payoff_range`` that payoffs leave.

    Examples
    --------
    >>> import marlgt as gt
    >>> run = exp3(gt.NormalFormGame.zero_sum([[1, -1], [-1, 1]]), steps=20_000)
    >>> bool(run.nash_conv[-1] < 0.2)
    True

    References
    ----------
    Auer et al. (2002), section 3; the bound is Corollary 3.2.
    """
    counts = action_counts(game)
    require_whole(steps, "steps", least=1)
    if gamma is None:
        shares = [min(1.0, math.sqrt(k * math.log(k) / ((math.e - 1.0) * steps))) for k in counts]
    else:
        shares = [share(gamma, "gamma")] * len(counts)
    if gamma is not None and shares[0] == 0.0:
        raise GameError("gamma is 0: without exploration no action's weight is learned, give a number above 0")
    rule = Rule(
        "exp3",
        NO_REGRET.format(rate="sqrt(K ln K / T), in expectation,"),
        _EXP3,
        np.array(shares)[:, None],
        _log_weights(counts),
    )
    return play_rule(
        game, rule, steps=steps, record=record, seed=seed, keep_actions=keep_actions, joint=joint,
        payoff_range=payoff_range,
    )  # fmt: skip


def exp3_ix(
    game: NormalFormGame,
    *,
    steps: int = 1000,
    record: int | Sequence[int] = 100,
    seed: int = 0,
    keep_actions: bool = False,
    joint: bool | None = None,
    rate: float | None = None,
    payoff_range: ArrayLike | None = None,
) -> Trajectory:
    """Let every player run Exp3-IX: losses are estimated by ``(1 - x) / (p + rate / 2)``, without other exploration.

    Parameters
    ----------
    game : NormalFormGame
    steps, record, seed, keep_actions, joint, payoff_range
        As in :func:`exp3`.
    rate : float, optional
        Learning rate; ``sqrt(2 ln K / (K steps))`` if not given.

    Raises
    ------
    GameError
        For settings out of range.

    Examples
    --------
    >>> import marlgt as gt
    >>> run = exp3_ix(gt.NormalFormGame.zero_sum([[1, -1], [-1, 1]]), steps=20_000)
    >>> bool(run.cce_gap[-1] < 0.1)
    True

    References
    ----------
    Neu (2015), Theorem 1.
    """
    counts = action_counts(game)
    require_whole(steps, "steps", least=1)
    if rate is None:
        rates = [math.sqrt(2.0 * math.log(max(k, 2)) / (k * steps)) for k in counts]
    else:
        rates = [positive(rate, "rate")] * len(counts)
    rule = Rule(
        "exp3_ix",
        NO_REGRET.format(rate="sqrt(K ln K / T), with high probability,"),
        _EXP3_IX,
        np.array([[r, r / 2.0] for r in rates]),
        _log_weights(counts),
    )
    return play_rule(
        game, rule, steps=steps, record=record, seed=seed, keep_actions=keep_actions, joint=joint,
        payoff_range=payoff_range,
    )  # fmt: skip


def exp3_p(
    game: NormalFormGame,
    *,
    steps: int = 1000,
    record: int | Sequence[int] = 100,
    seed: int = 0,
    keep_actions: bool = False,
    joint: bool | None = None,
    confidence: float = 0.95,
    payoff_range: ArrayLike | None = None,
) -> Trajectory:
    """Let every player run Exp3.P: Exp3 with a bonus for actions seldom drawn; regret is small with high probability.

    Parameters
    ----------
    game : NormalFormGame
    steps, record, seed, keep_actions, joint, payoff_range
        As in :func:`exp3`.
    confidence : float
        The probability with which the bound is to hold, strictly between 0 and 1.

    Raises
    ------
    GameError
        For settings out of range.

    References
    ----------
    Auer et al. (2002), section 6, with gamma and alpha of Theorem 6.3.
    """
    counts = action_counts(game)
    require_whole(steps, "steps", least=1)
    miss = 1.0 - share(confidence, "confidence")
    if not 0.0 < miss < 1.0:
        raise GameError(f"confidence is {short(confidence)}: give a number strictly between 0 and 1")
    gammas = [min(0.6, 2.0 * math.sqrt(0.6 * k * math.log(max(k, 2)) / steps)) for k in counts]
    bonuses = [2.0 * math.sqrt(math.log(k * steps / miss)) / math.sqrt(k * steps) for k in counts]
    rule = Rule(
        "exp3_p",
        NO_REGRET.format(rate="sqrt(K ln(K T) / T), with high probability,"),
        _EXP3_P,
        np.array([gammas, bonuses]).T.copy(),
        np.zeros((len(counts), max(counts))),
    )
    return play_rule(
        game, rule, steps=steps, record=record, seed=seed, keep_actions=keep_actions, joint=joint,
        payoff_range=payoff_range,
    )  # fmt: skip


def _log_weights(counts: tuple[int, ...]) -> Floats:
    """Return the memory of :func:`weigh` with equal weights."""
    width = max(counts)
    memory = np.zeros((len(counts), 2 * width + 1))
    memory[:, width : 2 * width] = 1.0
    return memory
