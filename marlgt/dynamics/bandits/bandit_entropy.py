"""Tsallis-INF: the bandit algorithm with the best order of regret, without knowing the number of steps.

With L(a) the sum of the estimated losses ``(1 - x) / p(a)`` of the steps at which a was played, the strategy of step t
is the minimiser of ``sum_a p(a) L(a) - (4 / r_t) sum_a sqrt(p(a))``, with ``r_t = 2 / sqrt(t)``::

    p(a) = 4 / (r_t (L(a) - z))^2,     z such that they add up to 1

With K actions and payoffs between 0 and 1 the expected regret after T steps against every fixed action is at most
``4 sqrt(K T) + 1`` whatever the others do, and grows with the logarithm of T only against payoffs drawn independently
of which one action has the highest mean.

References
----------
Zimmert, J. and Seldin, Y. (2021). Tsallis-INF: an optimal algorithm for stochastic and adversarial bandits. Journal of
Machine Learning Research 22, 1-49.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from marlgt.dynamics.bandits._sampled import Rule, action_counts, play_rule, simultaneous
from marlgt.dynamics.bandits.bandits import NO_REGRET
from marlgt.dynamics.trajectory import Trajectory
from marlgt.games.normal_form import NormalFormGame
from marlgt.kernels import kernel

__all__ = ["tsallis_inf"]

Floats = NDArray[np.float64]
Whole = NDArray[np.int64]


@kernel
def learn_tsallis(
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
    """Solve ``sum_a 4 / (rate (L_a - z))^2 = 1`` for z, with rate ``2 / sqrt(t)``; the terms are the strategy."""
    count = high - low
    memory[player, action] += (1.0 - payoff) / strategy[low + action]
    rate = settings[player, 0] / math.sqrt(step + 2.0)
    least = memory[player, 0]
    for a in range(1, count):
        least = min(least, memory[player, a])
    # Here the sum is at least 1, and it is convex and increasing: Newton's steps come down to the root.
    z = least - 2.0 / rate
    total = 0.0
    for _ in range(60):
        total = 0.0
        slope = 0.0
        for a in range(count):
            root = 2.0 / (rate * (memory[player, a] - z))
            strategy[low + a] = root * root
            total += root * root
            slope += root * root * root
        if total <= 1.0 + 1e-12:
            break
        z -= (total - 1.0) / (rate * slope)
    for a in range(count):
        strategy[low + a] /= total


_TSALLIS = simultaneous(learn_tsallis)


def tsallis_inf(
    game: NormalFormGame,
    *,
    steps: int = 1000,
    record: int | Sequence[int] = 100,
    seed: int = 0,
    keep_actions: bool = False,
    joint: bool | None = None,
    payoff_range: ArrayLike | None = None,
) -> Trajectory:
    """Let every player run Tsallis-INF: mirror descent with Tsallis entropy 1/2, rate ``2 / sqrt(t)``, no horizon.

    Parameters
    ----------
    game : NormalFormGame
    steps, record, seed, keep_actions, joint, payoff_range
        As in :func:`exp3`.

    Examples
    --------
    >>> import marlgt as gt
    >>> run = tsallis_inf(gt.NormalFormGame.zero_sum([[1, -1], [-1, 1]]), steps=20_000)
    >>> bool(run.cce_gap[-1] < 0.1)
    True

    References
    ----------
    Zimmert and Seldin (2021), Algorithm 1 with the importance-weighted estimator; Theorem 1.
    """
    counts = action_counts(game)
    rule = Rule(
        "tsallis_inf",
        NO_REGRET.format(rate="4 sqrt(K / T), in expectation,"),
        _TSALLIS,
        np.full((len(counts), 1), 2.0),
        np.zeros((len(counts), max(counts))),
    )
    return play_rule(
        game, rule, steps=steps, record=record, seed=seed, keep_actions=keep_actions, joint=joint,
        payoff_range=payoff_range,
    )  # fmt: skip
