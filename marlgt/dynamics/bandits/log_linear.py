"""Log-linear learning: players who revise their actions by the logit rule, and find the maxima of a potential.

Log-linear learning (Blume 1993): at each step one player, drawn at random, draws her action anew in proportion to
``exp(u_i(a, a_-i) / T)``. In a game with the exact potential P this is a reversible Markov chain, with stationary
distribution ``exp(P(a) / T) / Z``: at low temperatures play is nearly always at the maxima of the potential. It needs
the payoffs of all own actions; payoff-based log-linear learning (Marden and Shamma 2012) compares two payoffs that were
received, and keeps the maxima stochastically stable when experiments are rare.

References
----------
Blume, L. (1993). The statistical mechanics of strategic interaction. Games and Economic Behavior 5, 387-424.
Marden, J. and Shamma, J. (2012). Revisiting log-linear learning: asynchrony, completeness and payoff-based
implementation. Games and Economic Behavior 75, 788-808.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from marlgt.dynamics.bandits._sampled import Rule, action_counts, drawn, play_rule, simultaneous
from marlgt.dynamics.bandits._sampled_doors import share
from marlgt.dynamics.trajectory import Trajectory
from marlgt.games._doors import positive
from marlgt.games.normal_form import NormalFormGame, Profile
from marlgt.kernels import kernel
from marlgt.randomness import uniform_below

__all__ = ["log_linear_learning", "payoff_based_log_linear", "try_another"]

Floats = NDArray[np.float64]
Whole = NDArray[np.int64]


@kernel
def write_logit(
    player: int, profile: int, action: int, payoffs: Floats, strides: Whole, offsets: Whole, heat: float, out: Floats
) -> None:
    """Write the logit reply of a player to the others' actions in a profile."""
    low = offsets[player]
    high = offsets[player + 1]
    base = profile - strides[player] * action
    best = payoffs[player, base]
    for b in range(1, high - low):
        best = max(best, payoffs[player, base + strides[player] * b])
    total = 0.0
    for b in range(high - low):
        out[low + b] = math.exp(float(payoffs[player, base + strides[player] * b] - best) / float(heat))
        total += out[low + b]
    for b in range(low, high):
        out[b] /= total


@kernel
def advance_log_linear(
    step: int,
    payoffs: Floats,
    strides: Whole,
    offsets: Whole,
    stream: Whole,
    strategy: Floats,
    memory: Floats,
    settings: Floats,
    actions: Whole,
) -> int:
    """Draw every action from the first strategies at step 0; later let one player revise hers by the logit rule."""
    n = actions.shape[0]
    if step == 0:
        for i in range(n):
            actions[i] = drawn(i, offsets[i], offsets[i + 1], step, stream, strategy, memory, settings)
    else:
        i = uniform_below(stream, n)
        actions[i] = drawn(i, offsets[i], offsets[i + 1], step, stream, strategy, memory, settings)
    profile = 0
    for i in range(n):
        profile += strides[i] * actions[i]
    for i in range(n):
        write_logit(i, profile, actions[i], payoffs, strides, offsets, settings[i, 0], strategy)
    return profile


@kernel
def try_another(low: int, high: int, action: int, share: float, strategy: Floats) -> None:
    """Make the strategy this action, or with a given share one of the others."""
    count = high - low
    if count == 1:
        strategy[low] = 1.0
    else:
        for b in range(count):
            strategy[low + b] = 1.0 - share if b == action else share / (count - 1)


@kernel
def learn_comparison(
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
    """Experiment, or decide between the action tried and the one before by the logit of their payoffs.

    ``memory`` holds the action kept, its last payoff, and whether the last step was an experiment; ``settings`` are the
    temperature and the share of experiments.
    """
    kept = int(memory[player, 0])
    if step == 0 or action == kept or memory[player, 2] > 0.0:
        memory[player, 0] = action
        memory[player, 1] = payoff
        memory[player, 2] = 0.0
        try_another(low, high, action, settings[player, 1], strategy)
    else:
        memory[player, 2] = 1.0
        gain = float(payoff - memory[player, 1]) / float(settings[player, 0])
        weight = math.exp(-abs(gain))
        taken = 1.0 / (1.0 + weight) if gain >= 0.0 else weight / (1.0 + weight)
        for b in range(low, high):
            strategy[b] = 0.0
        strategy[low + kept] = 1.0 - taken
        strategy[low + action] = taken


_COMPARISON = simultaneous(learn_comparison)


def log_linear_learning(
    game: NormalFormGame,
    *,
    steps: int = 1000,
    record: int | Sequence[int] = 100,
    seed: int = 0,
    keep_actions: bool = False,
    joint: bool | None = None,
    temperature: float = 0.1,
    start: Profile | None = None,
) -> Trajectory:
    """Let one random player a step revise her action by the logit rule; she knows what each of hers would pay.

    Parameters
    ----------
    game : NormalFormGame
    steps, record, seed, keep_actions, joint
        As in :func:`~marlgt.dynamics.exp3`.
    temperature : float
        In the game's units of payoff.
    start : profile, optional
        What the first actions are drawn from, uniform if not given.

    Returns
    -------
    Trajectory
        Its strategies are the logit replies that the players hold ready; ``joint`` approaches the stationary
        distribution.

    Raises
    ------
    GameError
        For a temperature that is not positive.

    Examples
    --------
    Hunting the stag pays more, but the hare is the maximum of the potential:

    >>> import marlgt as gt
    >>> run = log_linear_learning(gt.NormalFormGame.bimatrix([[4, 0], [3, 3]], [[4, 3], [0, 3]]), temperature=0.3)
    >>> bool(run.joint[-1][1, 1] > 0.5)
    True
    """
    counts = action_counts(game)
    rule = Rule(
        "log_linear_learning",
        "In a game with potential P the joint distribution approaches exp(P / T) / Z, at low temperatures the maxima "
        "of the potential; in other games it has a stationary distribution without such a form.",
        advance_log_linear,
        np.full((len(counts), 1), positive(temperature, "temperature")),
        np.zeros((len(counts), 1)),
        scaled=False,
        starts=True,
    )
    return play_rule(
        game, rule, steps=steps, record=record, seed=seed, keep_actions=keep_actions, joint=joint, start=start
    )


def payoff_based_log_linear(
    game: NormalFormGame,
    *,
    steps: int = 1000,
    record: int | Sequence[int] = 100,
    seed: int = 0,
    keep_actions: bool = False,
    joint: bool | None = None,
    temperature: float = 0.1,
    experimentation: float = 0.01,
    start: Profile | None = None,
) -> Trajectory:
    """Let every player now and then try another action, and keep it by the logit of the two payoffs received.

    Parameters
    ----------
    game : NormalFormGame
    steps, record, seed, keep_actions, joint
        As in :func:`~marlgt.dynamics.exp3`.
    temperature : float
        In the game's units of payoff.
    experimentation : float
        The share of steps in which a player tries another action, from 0 to 1. The theorem takes a high power of
        ``exp(-1 / temperature)``.
    start : profile, optional
        What the first actions are drawn from, uniform if not given.

    Returns
    -------
    Trajectory

    Raises
    ------
    GameError
        For settings out of range.

    Notes
    -----
    Experiments of two players at once, or one after the other, move play at no cost: keep their share well below
    ``exp(-D / temperature)``, with D what an equilibrium pays above the next best action.

    References
    ----------
    Marden and Shamma (2012). There an experiment draws from all actions, here from the others.
    """
    counts = action_counts(game)
    tried = share(experimentation, "experimentation")
    rule = Rule(
        "payoff_based_log_linear",
        "In a game with a potential only its maxima are stochastically stable as temperature and experiments vanish, "
        "experiments faster; experiments themselves are part of what is played.",
        _COMPARISON,
        np.tile([positive(temperature, "temperature"), tried], (len(counts), 1)),
        np.zeros((len(counts), 3)),
        scaled=False,
        starts=True,
    )
    return play_rule(
        game, rule, steps=steps, record=record, seed=seed, keep_actions=keep_actions, joint=joint, start=start
    )
