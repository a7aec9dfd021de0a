"""Reinforcement and the simplest value learning: actions that paid are played more.

With x the payoff of the action a just played::

    cross_learning    p(b) += s x ([b = a] - p(b))                          x between 0 and 1 (Cross 1973)
    roth_erev         q(b) = (1 - f) q(b) + x (1 - e)  for b = a,  + x e / (K - 1)  for the others;   p ~ q
    ucb1              play the b with the highest  mean(b) + sqrt(2 ln t / n(b))
    epsilon_greedy    Q(a) += r (x - Q(a));   play a best action, or with probability e any

The mean step of Cross's rule is s times the replicator field, ``p(b) (u(b) - sum p u)``, which it follows over bounded
times as s falls to 0 (Boergers and Sarin 1997); over longer ones it is absorbed in pure profiles, not all of them
equilibria. Roth and Erev's rule has shrinking steps of the same direction; where its play converges with e = 0 it does
not converge to equilibria that the replicator dynamics leave (Hopkins and Posch 2005). In two-player constant-sum
games average payoffs approach the value, and strategies a unique equilibrium if it is pure, or mixed in a 2x2 game
(Beggs 2005). The last two are made for payoffs that do not react: against players who learn, nothing is proved of them.

References
----------
Cross, J. G. (1973). A stochastic learning model of economic behavior. Quarterly Journal of Economics 87, 239-266.
Boergers, T. and Sarin, R. (1997). Learning through reinforcement and replicator dynamics. J. of Economic Theory 77.
Roth, A. E. and Erev, I. (1995). Learning in extensive-form games. Games and Economic Behavior 8, 164-212.
Erev, I. and Roth, A. E. (1998). Predicting how people play games. American Economic Review 88, 848-881.
Hopkins, E. and Posch, M. (2005). Attainability of boundary points under reinforcement learning. Games and Economic
Behavior 53, 110-125.
Beggs, A. W. (2005). On the convergence of reinforcement learning. Journal of Economic Theory 122, 1-36.
Auer, P., Cesa-Bianchi, N. and Fischer, P. (2002). Finite-time analysis of the multiarmed bandit problem. Machine
Learning 47, 235-256.
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
from marlgt.games._doors import positive
from marlgt.games.normal_form import NormalFormGame, Profile
from marlgt.kernels import kernel

__all__ = ["cross_learning", "epsilon_greedy", "roth_erev", "ucb1"]

Floats = NDArray[np.float64]
Whole = NDArray[np.int64]


@kernel
def learn_cross(
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
    """Move the strategy towards the action by the share that it paid."""
    moved = settings[player, 0] * payoff
    total = 0.0
    for a in range(low, high):
        strategy[a] -= moved * strategy[a]
        if a == low + action:
            strategy[a] += moved
        total += strategy[a]
    for a in range(low, high):
        strategy[a] /= total


@kernel
def learn_roth_erev(
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
    """Add the payoff to the propensities; ``settings`` are forgetting, experimentation."""
    count = high - low
    others = payoff * settings[player, 1] / max(count - 1, 1)
    own = payoff * (1.0 - settings[player, 1])
    total = 0.0
    for b in range(count):
        memory[player, b] = (1.0 - settings[player, 0]) * memory[player, b] + (own if b == action else others)
        total += memory[player, b]
    if total > 0.0:
        for b in range(count):
            strategy[low + b] = memory[player, b] / total


@kernel
def point_at(low: int, high: int, action: int, strategy: Floats) -> None:
    """Make the strategy the pure one of this action."""
    for a in range(low, high):
        strategy[a] = 1.0 if a == low + action else 0.0


@kernel
def learn_ucb1(
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
    """Count and sum the payoffs, and point at the highest index; actions never played come first, in their order."""
    count = high - low
    width = memory.shape[1] // 2
    memory[player, action] += payoff
    memory[player, width + action] += 1.0
    best = 0
    highest = -1.0
    for b in range(count):
        played = memory[player, width + b]
        if played == 0.0:
            best = b
            break
        index = memory[player, b] / played + math.sqrt(settings[player, 0] * math.log(step + 1.0) / played)
        if index > highest:
            highest = index
            best = b
    point_at(low, high, best, strategy)


@kernel
def learn_greedy(
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
    """Update the value of the action; play a best one, the lowest among ties, or any with the share explored.

    ``memory`` holds values and counts; a rate of 0 stands for the mean of what the action paid.
    """
    count = high - low
    width = memory.shape[1] // 2
    memory[player, width + action] += 1.0
    rate = settings[player, 0]
    if rate == 0.0:
        rate = 1.0 / memory[player, width + action]
    memory[player, action] += rate * (payoff - memory[player, action])
    best = 0
    for b in range(1, count):
        if memory[player, b] > memory[player, best]:
            best = b
    for b in range(count):
        strategy[low + b] = settings[player, 1] / count + (1.0 - settings[player, 1] if b == best else 0.0)


_CROSS = simultaneous(learn_cross)
_ROTH_EREV = simultaneous(learn_roth_erev)
_UCB1 = simultaneous(learn_ucb1)
_GREEDY = simultaneous(learn_greedy)


def cross_learning(
    game: NormalFormGame,
    *,
    steps: int = 1000,
    record: int | Sequence[int] = 100,
    seed: int = 0,
    keep_actions: bool = False,
    joint: bool | None = None,
    rate: float = 0.01,
    start: Profile | None = None,
    payoff_range: ArrayLike | None = None,
) -> Trajectory:
    """Let every player move her strategy towards the action played by the share ``rate x``.

    Parameters
    ----------
    game : NormalFormGame
    steps, record, seed, keep_actions, joint, payoff_range
        As in :func:`~marlgt.dynamics.exp3`.
    rate : float
        From 0, exclusive, to 1, the rate of Cross's own rule.
    start : profile, optional
        The first strategies, uniform if not given.

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
    >>> run = cross_learning(gt.NormalFormGame.bimatrix([[3, 0], [5, 1]], [[3, 5], [0, 1]]), steps=20_000)
    >>> bool(run.strategies[0][-1, 1] > 0.9)
    True
    """
    counts = action_counts(game)
    step = share(rate, "rate")
    if step == 0.0:
        raise GameError(f"rate is {short(rate)}: nothing would move, give a number above 0")
    rule = Rule(
        "cross_learning",
        "Follows the replicator dynamics over bounded times as the rate falls to 0; over longer times it is absorbed "
        "in pure profiles, which need not be equilibria.",
        _CROSS,
        np.full((len(counts), 1), step),
        np.zeros((len(counts), 1)),
        starts=True,
    )
    return play_rule(
        game, rule, steps=steps, record=record, seed=seed, keep_actions=keep_actions, joint=joint,
        payoff_range=payoff_range, start=start,
    )  # fmt: skip


def roth_erev(
    game: NormalFormGame,
    *,
    steps: int = 1000,
    record: int | Sequence[int] = 100,
    seed: int = 0,
    keep_actions: bool = False,
    joint: bool | None = None,
    forgetting: float = 0.0,
    experimentation: float = 0.0,
    initial: float = 1.0,
    payoff_range: ArrayLike | None = None,
) -> Trajectory:
    """Let every player draw actions in proportion to propensities, to which payoffs are added.

    Parameters
    ----------
    game : NormalFormGame
    steps, record, seed, keep_actions, joint, payoff_range
        As in :func:`~marlgt.dynamics.exp3`. Payoffs count from the least one, in units of the range.
    forgetting, experimentation : float
        From 0 to 1; 0 and 0 make the basic model of 1995, 0.1 and 0.2 are the fit of 1998.
    initial : float
        The propensity of each action at first, in the same units; larger ones make the first steps smaller.

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
    >>> run = roth_erev(gt.NormalFormGame.bimatrix([[3, 0], [5, 1]], [[3, 5], [0, 1]]), steps=20_000)
    >>> bool(run.strategies[0][-1, 1] > 0.9)
    True
    """
    counts = action_counts(game)
    settings = np.tile([share(forgetting, "forgetting"), share(experimentation, "experimentation")], (len(counts), 1))
    rule = Rule(
        "roth_erev",
        "Without forgetting and experimentation it converges, where it does, to no equilibrium that the replicator "
        "dynamics leave. In two-player constant-sum games average payoffs approach the value; strategies are proved to "
        "converge there to a unique equilibrium that is pure, or mixed in a 2x2 game, and slowly.",
        _ROTH_EREV,
        settings,
        np.full((len(counts), max(counts)), positive(initial, "initial")),
    )
    return play_rule(
        game, rule, steps=steps, record=record, seed=seed, keep_actions=keep_actions, joint=joint,
        payoff_range=payoff_range,
    )  # fmt: skip


def ucb1(
    game: NormalFormGame,
    *,
    steps: int = 1000,
    record: int | Sequence[int] = 100,
    keep_actions: bool = False,
    joint: bool | None = None,
    seed: int = 0,
    confidence: float = 2.0,
    payoff_range: ArrayLike | None = None,
) -> Trajectory:
    """Let every player run UCB1: a baseline made for payoffs that do not react to her.

    Parameters
    ----------
    game : NormalFormGame
    steps, record, keep_actions, joint, payoff_range
        As in :func:`~marlgt.dynamics.exp3`.
    seed : int
        Draws the first action; the rest follows.
    confidence : float
        The 2 in ``sqrt(2 ln t / n)``.

    Returns
    -------
    Trajectory

    Raises
    ------
    GameError
        For settings out of range.
    """
    counts = action_counts(game)
    rule = Rule(
        "ucb1",
        "Its regret is logarithmic where payoffs are drawn independently; against players who learn nothing is proved, "
        "and play may cycle.",
        _UCB1,
        np.full((len(counts), 1), positive(confidence, "confidence")),
        np.zeros((len(counts), 2 * max(counts))),
    )
    return play_rule(
        game, rule, steps=steps, record=record, seed=seed, keep_actions=keep_actions, joint=joint,
        payoff_range=payoff_range,
    )  # fmt: skip


def epsilon_greedy(
    game: NormalFormGame,
    *,
    steps: int = 1000,
    record: int | Sequence[int] = 100,
    seed: int = 0,
    keep_actions: bool = False,
    joint: bool | None = None,
    epsilon: float = 0.1,
    rate: float | None = 0.1,
    payoff_range: ArrayLike | None = None,
) -> Trajectory:
    """Let every player learn a value for each action and play a best one, or any with probability epsilon.

    Parameters
    ----------
    game : NormalFormGame
    steps, record, seed, keep_actions, joint, payoff_range
        As in :func:`~marlgt.dynamics.exp3`.
    epsilon : float
        From 0 to 1.
    rate : float or None
        From 0, exclusive, to 1; None takes the mean of what an action paid.

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
    >>> run = epsilon_greedy(gt.NormalFormGame.bimatrix([[3, 0], [5, 1]], [[3, 5], [0, 1]]), steps=5_000)
    >>> run.strategies[1][-1].round(6).tolist()
    [0.05, 0.95]
    """
    counts = action_counts(game)
    if rate is not None and share(rate, "rate") == 0.0:
        raise GameError(f"rate is {short(rate)}: nothing would be learned, give a number above 0, or None for the mean")
    settings = np.tile([0.0 if rate is None else float(rate), share(epsilon, "epsilon")], (len(counts), 1))
    rule = Rule(
        "epsilon_greedy",
        "Learns the best action where payoffs do not react; against players who learn nothing is proved: it finds "
        "dominant actions, and cycles in games without pure equilibria.",
        _GREEDY,
        settings,
        np.zeros((len(counts), 2 * max(counts))),
    )
    return play_rule(
        game, rule, steps=steps, record=record, seed=seed, keep_actions=keep_actions, joint=joint,
        payoff_range=payoff_range,
    )  # fmt: skip
