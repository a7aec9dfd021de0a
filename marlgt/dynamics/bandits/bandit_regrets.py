"""Regret matching and gradient ascent when each player sees the payoff of her own action only.

With x the payoff of an action a drawn with probability p(a), the estimate ``x / p(a)`` stands for the payoffs that were
not seen. Three rules::

    bandit_regret_matching   R(b) += [b = a] x / p(a) - s(a) x / p(a),     s ~ [R]+,     p = (1 - d_t) s + d_t / K
    reinforcement_procedure  C(j, k) = (1/t) (sum_{a = k} (p(j) / p(k)) x - sum_{a = j} x),
                             p(k) = (1 - d_t) min(C(j, k)+ / mu, 1 / (K - 1)) + d_t / K  for k other than the last j
    bandit_gradient_ascent   s = projection of s + r_t x / p(a) e_a on the simplex,      p = (1 - d_t) s + d_t / K

The first and the third have external regret, at a rate of ``T^(-1/3)`` in expectation, and so lead joint play to the
coarse correlated equilibria. The second estimates the internal regret: joint play approaches the correlated equilibria,
although nobody knows the game or sees the others.

References
----------
Hart, S. and Mas-Colell, A. (2000). A simple adaptive procedure leading to correlated equilibrium. Econometrica 68.
Hart, S. and Mas-Colell, A. (2001). A reinforcement procedure leading to correlated equilibrium. In Economic Essays: A
Festschrift for Werner Hildenbrand, 181-200. Springer.
Flaxman, A. D., Kalai, A. T. and McMahan, H. B. (2005). Online convex optimization in the bandit setting. SODA 16.
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
from marlgt.games.normal_form import NormalFormGame
from marlgt.kernels import kernel

__all__ = ["bandit_gradient_ascent", "bandit_regret_matching", "reinforcement_procedure"]

Floats = NDArray[np.float64]
Whole = NDArray[np.int64]


@kernel
def explored_share(step: int, scale: float, power: float) -> float:
    """Return the share of uniform exploration at the step after this one, ``min(1, scale / t^power)``."""
    return min(1.0, scale * math.pow(step + 2.0, -power))


@kernel
def learn_regret_matching(
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
    """Add the estimated regrets, match them, and explore. ``memory`` holds the regrets, then the matched strategy."""
    count = high - low
    width = memory.shape[1] // 2
    estimate = payoff / strategy[low + action]
    earned = memory[player, width + action] * estimate
    total = 0.0
    for b in range(count):
        memory[player, b] += (estimate if b == action else 0.0) - earned
        total += max(memory[player, b], 0.0)
    explored = explored_share(step, settings[player, 0], settings[player, 1])
    for b in range(count):
        matched = max(memory[player, b], 0.0) / total if total > 0.0 else 1.0 / count
        memory[player, width + b] = matched
        strategy[low + b] = (1.0 - explored) * matched + explored / count


@kernel
def learn_reinforcement(
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
    """Add to the proxy regrets, row j for the action left and column k for the one taken up, and move to them."""
    count = high - low
    for j in range(count):
        if j != action:
            # Times at which this action came stand for those at which j did: p(j) / p(action) of them.
            memory[player, j * count + action] += strategy[low + j] / strategy[low + action] * payoff
            memory[player, action * count + j] -= payoff
    explored = explored_share(step, settings[player, 0], settings[player, 1])
    kept = 1.0
    for k in range(count):
        if k != action:
            regret = max(memory[player, action * count + k], 0.0) / (step + 1.0)
            moved = min(regret / settings[player, 2], 1.0 / (count - 1))
            strategy[low + k] = (1.0 - explored) * moved + explored / count
            kept -= strategy[low + k]
    strategy[low + action] = kept


@kernel
def learn_gradient(
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
    """Step along the estimate, project on the simplex, and explore. ``memory`` holds the projected point."""
    count = high - low
    rate = settings[player, 2] * math.pow(step + 1.0, -settings[player, 3])
    memory[player, action] += rate * payoff / strategy[low + action]
    # Coordinates below the level go to zero, which raises it: at most one round for each (Michelot 1986).
    level = -1e300
    for _ in range(count):
        total = 0.0
        kept = 0
        for b in range(count):
            if memory[player, b] > level:
                total += memory[player, b]
                kept += 1
        # Next to a step above 1e16 the 1 is rounded away, and nothing lies above the level.
        raised = (total - 1.0) / kept if kept > 0 else level
        if raised <= level:
            break
        level = raised
    total = 0.0
    for b in range(count):
        memory[player, b] = max(memory[player, b] - level, 0.0)
        total += memory[player, b]
    if total <= 0.0:
        memory[player, action] = 1.0
        total = 1.0
    explored = explored_share(step, settings[player, 0], settings[player, 1])
    for b in range(count):
        memory[player, b] /= total
        strategy[low + b] = (1.0 - explored) * memory[player, b] + explored / count


_REGRET_MATCHING = simultaneous(learn_regret_matching)
_REINFORCEMENT = simultaneous(learn_reinforcement)
_GRADIENT = simultaneous(learn_gradient)


def bandit_regret_matching(
    game: NormalFormGame,
    *,
    steps: int = 1000,
    record: int | Sequence[int] = 100,
    seed: int = 0,
    keep_actions: bool = False,
    joint: bool | None = None,
    exploration: float = 1.0,
    power: float = 1.0 / 3.0,
    payoff_range: ArrayLike | None = None,
) -> Trajectory:
    """Let every player match her estimated external regrets, and explore a share ``exploration / t^power``.

    Parameters
    ----------
    game : NormalFormGame
    steps, record, seed, keep_actions, joint, payoff_range
        As in :func:`~marlgt.dynamics.exp3`.
    exploration : float
        From 0, exclusive, to 1.
    power : float
        From 0 to 1; 1/3 balances what exploring costs with what it teaches.

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
    >>> run = bandit_regret_matching(gt.NormalFormGame.zero_sum([[1, -1], [-1, 1]]), steps=20_000)
    >>> bool(run.cce_gap[-1] < 0.1)
    True
    """
    counts = action_counts(game)
    memory = np.zeros((len(counts), 2 * max(counts)))
    for i, k in enumerate(counts):
        memory[i, max(counts) : max(counts) + k] = 1.0 / k
    rule = Rule(
        "bandit_regret_matching",
        "Expected external regret vanishes at T^(-1/3), so that joint play approaches the coarse correlated "
        "equilibria; the strategies held need not settle.",
        _REGRET_MATCHING,
        _rows(counts, _explored(exploration), share(power, "power")),
        memory,
    )
    return play_rule(
        game, rule, steps=steps, record=record, seed=seed, keep_actions=keep_actions, joint=joint,
        payoff_range=payoff_range,
    )  # fmt: skip


def reinforcement_procedure(
    game: NormalFormGame,
    *,
    steps: int = 1000,
    record: int | Sequence[int] = 100,
    seed: int = 0,
    keep_actions: bool = False,
    joint: bool | None = None,
    exploration: float = 0.5,
    power: float = 0.2,
    inertia: float | None = None,
    payoff_range: ArrayLike | None = None,
) -> Trajectory:
    """Let every player leave her last action in proportion to proxies of her internal regrets.

    Parameters
    ----------
    game : NormalFormGame
    steps, record, seed, keep_actions, joint, payoff_range
        As in :func:`~marlgt.dynamics.exp3`.
    exploration, power : float
        The share ``exploration / t^power`` of uniform exploration; the theorem asks for a power below 1/4, and a power
        of 0 leads into approximate correlated equilibria.
    inertia : float, optional
        The number mu, for payoffs between 0 and 1: with larger ones an action is left more seldom. The theorem asks for
        more than ``2 (K - 1)``, twice the largest payoff times the number of other actions; ``2.02 (K - 1)`` if not
        given.

    Returns
    -------
    Trajectory
        Its ``ce_gap`` is what vanishes, almost surely.

    Raises
    ------
    GameError
        For settings out of range.

    Examples
    --------
    >>> import marlgt as gt
    >>> run = reinforcement_procedure(gt.NormalFormGame.bimatrix([[0, 7], [2, 6]], [[0, 2], [7, 6]]), steps=50_000)
    >>> bool(run.ce_gap[-1] < 0.3)
    True

    References
    ----------
    Hart and Mas-Colell (2001).
    """
    counts = action_counts(game)
    if inertia is not None:
        positive(inertia, "inertia")
    factors = [2.02 * max(k - 1, 1) if inertia is None else float(inertia) for k in counts]
    settings = _rows(counts, _explored(exploration), share(power, "power"), 0.0)
    settings[:, 2] = factors
    rule = Rule(
        "reinforcement_procedure",
        "The empirical joint distribution approaches the correlated equilibria almost surely, for exploration that "
        "falls with a power of t below 1/4; the strategies held need not settle.",
        _REINFORCEMENT,
        settings,
        np.zeros((len(counts), max(counts) ** 2)),
    )
    return play_rule(
        game, rule, steps=steps, record=record, seed=seed, keep_actions=keep_actions, joint=joint,
        payoff_range=payoff_range,
    )  # fmt: skip


def bandit_gradient_ascent(
    game: NormalFormGame,
    *,
    steps: int = 1000,
    record: int | Sequence[int] = 100,
    seed: int = 0,
    keep_actions: bool = False,
    joint: bool | None = None,
    rate: float = 1.0,
    exploration: float = 1.0,
    payoff_range: ArrayLike | None = None,
) -> Trajectory:
    """Let every player ascend a one-point estimate of her gradient: GIGA for bandits.

    Step t has the length ``rate t^(-2/3)`` and explores a share ``exploration t^(-1/3)``.

    Parameters
    ----------
    game : NormalFormGame
    steps, record, seed, keep_actions, joint, payoff_range
        As in :func:`~marlgt.dynamics.exp3`.
    rate : float
        Positive.
    exploration : float
        From 0, exclusive, to 1.

    Returns
    -------
    Trajectory

    Raises
    ------
    GameError
        For settings out of range.

    Notes
    -----
    Flaxman et al. estimate the gradient of an unknown concave function from a point on a sphere around the strategy.
    Payoffs are linear in a player's own strategy, so that the action drawn is such a point already.

    Examples
    --------
    >>> import marlgt as gt
    >>> run = bandit_gradient_ascent(gt.NormalFormGame.bimatrix([[3, 0], [5, 1]], [[3, 5], [0, 1]]), steps=20_000)
    >>> bool(run.strategies[0][-1, 1] > 0.9)
    True
    """
    counts = action_counts(game)
    memory = np.zeros((len(counts), max(counts)))
    for i, k in enumerate(counts):
        memory[i, :k] = 1.0 / k
    rule = Rule(
        "bandit_gradient_ascent",
        "Expected external regret vanishes at T^(-1/3), so that joint play approaches the coarse correlated "
        "equilibria; in zero-sum games the strategies held circle.",
        _GRADIENT,
        _rows(counts, _explored(exploration), 1.0 / 3.0, positive(rate, "rate"), 2.0 / 3.0),
        memory,
    )
    return play_rule(
        game, rule, steps=steps, record=record, seed=seed, keep_actions=keep_actions, joint=joint,
        payoff_range=payoff_range,
    )  # fmt: skip


def _explored(value: float) -> float:
    number = share(value, "exploration")
    if number == 0.0:
        raise GameError(f"exploration is {short(value)}: actions that are never drawn teach nothing, give more than 0")
    return number


def _rows(counts: tuple[int, ...], *numbers: float) -> Floats:
    """Return the same settings for every player."""
    return np.tile(np.array(numbers, dtype=np.float64), (len(counts), 1))
