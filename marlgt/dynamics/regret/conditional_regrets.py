"""Conditional regrets: what playing b wherever a was played would have earned more, and rules that make it vanish.

With the conditional (internal) regrets of a player ::

    D_t(a, b) = sum over steps s <= t of  x_s(a) [u_s(b) - u_s(a)]

the average joint distribution of play approaches the correlated equilibria where all D_t / t vanish from above.

- Hart and Mas-Colell's procedure draws actions, and leaves the last action a for b with probability
  ``[D_t(a, b) / t]+ / eta``: D counts the actions drawn. It is a theorem about players who all follow it: opponents who
  foresee the last action can keep its conditional regrets up. The other two hold against all opponents.
- Its exact form plays a stationary distribution of the chain that moves from a to b at the rate ``[D_t(a, b)]+``, for
  which Blackwell's condition holds with equality.
- Blum and Mansour's reduction runs one external-regret learner for each action a, hands it the share x_t(a) of the
  utilities, and plays a stationary distribution of the matrix of their strategies; the regrets against all swaps are
  at most the sum of theirs.

References
----------
Hart, S. and Mas-Colell, A. (2000). A simple adaptive procedure leading to correlated equilibrium. Econometrica 68.
Blum, A. and Mansour, Y. (2007). From external to internal regret. Journal of Machine Learning Research 8.
Grassmann, W. et al. (1985). Regenerative analysis and steady state distributions for Markov chains. Oper. Res. 33.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from marlgt.dynamics._runs import Rule, run
from marlgt.dynamics._schedules import payoff_ranges
from marlgt.dynamics.regret.hedging import anytime_scales, hedge, respond_hedge
from marlgt.dynamics.regret.regrets_matched import (
    match_regrets,
    match_regrets_plus,
    regret_matching,
    regret_matching_plus,
)
from marlgt.dynamics.trajectory import Trajectory
from marlgt.errors import GameError
from marlgt.games._arrays import exact_and_float, short
from marlgt.games._doors import positive, require_whole
from marlgt.games.normal_form import NormalFormGame
from marlgt.kernels import kernel, specialised

__all__ = [
    "conditional_regret_matching",
    "conditional_regret_matching_strategy",
    "internal_regret_matching",
    "swap_regret_minimization",
]


def conditional_regret_matching_strategy(
    average_regrets: ArrayLike, last_action: int, eta: float
) -> NDArray[np.float64]:
    """Return the strategy that leaves the last action p for b with probability ``[regret(p, b)]+ / eta``.

    Parameters
    ----------
    average_regrets : array_like, shape (A, A)
        Entry ``[p, b]``: what b would have earned more in the steps where p was played, over the number of all steps.
    last_action : int
    eta : float
        The inertia: above the sum of any row's positive regrets; Hart and Mas-Colell take more than
        ``2 max|u| (A - 1)``.

    Raises
    ------
    GameError
        For regrets that are no square of finite numbers, an action that is not there, and an inertia that is too
        small to leave a probability for the last action.

    Examples
    --------
    >>> conditional_regret_matching_strategy([[0, 2], [1, 0]], 0, 8).tolist()
    [0.75, 0.25]
    """
    regrets, _ = exact_and_float(average_regrets, "average_regrets")
    if regrets.ndim != 2 or regrets.shape[0] != regrets.shape[1] or not regrets.size:
        raise GameError(f"average_regrets has shape {regrets.shape}: give one row and one column for each action")
    require_whole(last_action, "last_action", least=0)
    if last_action >= len(regrets):
        raise GameError(f"last_action is {last_action}: the actions are 0 to {len(regrets) - 1}")
    strategy = np.maximum(regrets[last_action], 0.0) / positive(eta, "eta")
    strategy[last_action] = 0.0
    if strategy.sum() > 1.0:
        raise GameError(f"eta is {eta:g}: it must exceed the row's positive regrets, {strategy.sum() * eta:g} together")
    strategy[last_action] = 1.0 - strategy.sum()
    return np.asarray(strategy)


@kernel
def match_conditional(state: Any, utility: Any, played: Any, strategy: Any, rate: float, t: int, stream: Any) -> None:
    """Hart and Mas-Colell's procedure: leave the last action in proportion to the regrets for having played it."""
    count = utility.shape[0]
    last = 0
    for a in range(count):
        if played[a] > 0.0:
            last = a
    row = state[last * count : (last + 1) * count]
    stay = 1.0
    for b in range(count):
        row[b] += utility[b] - utility[last]
        if b != last:
            strategy[b] = max(row[b], 0.0) / t * rate
            stay -= strategy[b]
    strategy[last] = max(stay, 0.0)


@kernel
def write_stationary(moves: Any, count: int, strategy: Any) -> None:
    """Write a stationary distribution of the chain with these rates of moving, which are overwritten.

    States are censored from the last one down (Grassmann, Taksar and Heyman), without a subtraction. Where a state
    never moves to those below it, it is the bottom of a closed class, on which the distribution can sit.
    """
    root = 0
    for k in range(count - 1, 0, -1):
        out = 0.0
        for j in range(k):
            out += moves[k * count + j]
        if out <= 0.0:
            root = k
            break
        for i in range(k):
            moves[i * count + k] /= out
        for i in range(k):
            share = moves[i * count + k]
            if share > 0.0:
                for j in range(k):
                    moves[i * count + j] += share * moves[k * count + j]
    for a in range(count):
        strategy[a] = 0.0
    strategy[root] = 1.0
    total = 1.0
    for k in range(root + 1, count):
        mass = 0.0
        for i in range(root, k):
            mass += strategy[i] * moves[i * count + k]
        strategy[k] = mass
        total += mass
    for a in range(count):
        strategy[a] /= total


@kernel
def match_internal(state: Any, utility: Any, played: Any, strategy: Any, rate: float, t: int, stream: Any) -> None:
    """Play a stationary distribution of the positive conditional regrets."""
    count = utility.shape[0]
    square = count * count
    moves = state[square:]
    largest = 0.0
    for a in range(count):
        for b in range(count):
            k = a * count + b
            state[k] += played[a] * (utility[b] - utility[a])
            moves[k] = max(state[k], 0.0)
            largest = max(largest, moves[k])
    # Without any regret every distribution is stationary: keep the strategy.
    if largest > 0.0:
        for k in range(square):
            moves[k] /= largest
        write_stationary(moves, count, strategy)


@kernel
def inner(state: Any, utility: Any, played: Any, strategy: Any, rate: float, t: int, stream: Any) -> None:
    """Stand for the external-regret learner of one action."""


@kernel
def respond_by_swaps(state: Any, utility: Any, played: Any, strategy: Any, rate: float, t: int, stream: Any) -> None:
    """Blum and Mansour's reduction: a learner for each action, and a stationary distribution of their strategies."""
    count = utility.shape[0]
    square = count * count
    learned = state[square : 2 * square]
    moves = state[2 * square : 3 * square]
    part = state[3 * square :]
    for a in range(count):
        own = learned[a * count : (a + 1) * count]
        if t == 1:
            for b in range(count):
                own[b] = strategy[b]
        for b in range(count):
            part[b] = played[a] * utility[b]
        inner(state[a * count : (a + 1) * count], part, own, own, rate, t, stream)
    for k in range(square):
        moves[k] = learned[k]
    write_stationary(moves, count, strategy)


_CONDITIONAL = Rule(
    "conditional_regret_matching",
    match_conditional,
    lambda count: count * count,
    "If all follow it conditional regrets vanish almost surely: joint play approaches the correlated equilibria, "
    "slowly where the inertia is large. The actions themselves do not settle.",
)
_INTERNAL = Rule(
    "internal_regret_matching",
    match_internal,
    lambda count: 2 * count * count,
    "The largest average conditional regret is at most D sqrt((A - 1)/T), with D the range of payoffs: the joint "
    "distribution approaches the correlated equilibria.",
)
_SWAPS = (
    "Average regrets against all swaps at most A times those of the learner of one action, of order A sqrt(A/T) or "
    "less: the joint distribution approaches the correlated equilibria."
)


def conditional_regret_matching(
    game: NormalFormGame,
    *,
    eta: float | None = None,
    steps: int = 1000,
    record: int | Sequence[int] = 100,
    start: Sequence[ArrayLike] | None = None,
    joint: bool | None = None,
    keep_actions: bool = False,
    seed: int = 0,
) -> Trajectory:
    """Play Hart and Mas-Colell's adaptive procedure: move from the last action as one regrets having played it.

    If all players follow it the empirical distribution of play approaches the correlated equilibria almost surely, in
    every game.

    Parameters
    ----------
    game : NormalFormGame
    eta : float, optional
        The inertia, in payoffs, above ``D (A - 1)`` for every player, D the range of her payoffs; if not given, twice
        that for each player. Smaller moves faster.
    steps, record, start, joint, keep_actions, seed
        As in :func:`~marlgt.dynamics.regret_matching`.

    Returns
    -------
    Trajectory

    Raises
    ------
    GameError
        For an inertia so small that the moves from an action could add up to more than 1, and settings out of range.

    Examples
    --------
    >>> import marlgt as gt
    >>> run = conditional_regret_matching(gt.games.chicken(), steps=5000, joint=True)
    >>> bool(run.ce_gap[-1] < 0.2)
    True

    References
    ----------
    Hart, S. and Mas-Colell, A. (2000). A simple adaptive procedure leading to correlated equilibrium. Econometrica 68,
    equation 2.2 and the main theorem.
    """
    inertia = None if eta is None else positive(eta, "eta")

    def scales(one: NormalFormGame) -> NDArray[np.float64]:
        least = payoff_ranges(one) * (np.array(one.n_actions) - 1.0)
        if inertia is None:
            return anytime_scales(lambda count: 0.5 / max(1, count - 1))(one)
        if (least >= inertia).any():
            raise GameError(
                f"eta is {inertia:g}: it must exceed {least.max():g}, the range of payoffs times the number of other "
                "actions, so that the moves from an action are probabilities"
            )
        return np.full(one.n_players, 1.0 / inertia)

    return run(
        game,
        _CONDITIONAL,
        steps=steps,
        record=record,
        start=start,
        sampled=True,
        scales=scales,
        joint=joint,
        keep_actions=keep_actions,
        seed=seed,
    )


def internal_regret_matching(
    game: NormalFormGame,
    *,
    steps: int = 1000,
    record: int | Sequence[int] = 100,
    start: Sequence[ArrayLike] | None = None,
    averaging: float = 0.0,
    joint: bool | None = None,
) -> Trajectory:
    """Let every player play a stationary distribution of her positive conditional regrets, in expectation.

    The largest average conditional regret, which is the CE gap, is at most ``D sqrt((A - 1) / T)`` in every game.

    Parameters
    ----------
    game, steps, record, start, averaging, joint
        As in :func:`~marlgt.dynamics.regret_matching`.

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
    >>> run = internal_regret_matching(gt.games.load("shapley_1964"), start=([1, 0, 0], [0, 1, 0]))
    >>> bool(run.ce_gap[-1] < 0.05)
    True

    References
    ----------
    Hart, S. and Mas-Colell, A. (2000). A simple adaptive procedure leading to correlated equilibrium. Econometrica 68,
    section 3. Cesa-Bianchi, N. and Lugosi, G. (2006). Prediction, Learning, and Games, section 4.4.
    """
    return run(game, _INTERNAL, steps=steps, record=record, start=start, averaging=averaging, joint=joint)


_INNER: dict[Callable[..., Trajectory], Callable[..., None]] = {
    hedge: respond_hedge,
    regret_matching: match_regrets,
    regret_matching_plus: match_regrets_plus,
}


def swap_regret_minimization(
    game: NormalFormGame,
    *,
    inner: Callable[..., Trajectory] = regret_matching,
    steps: int = 1000,
    record: int | Sequence[int] = 100,
    start: Sequence[ArrayLike] | None = None,
    averaging: float = 0.0,
    joint: bool | None = None,
) -> Trajectory:
    """Let every player run one external-regret learner for each action, and play what they leave stationary.

    Parameters
    ----------
    game : NormalFormGame
    inner : callable
        The rule of the learners: :func:`~marlgt.dynamics.regret_matching`,
        :func:`~marlgt.dynamics.regret_matching_plus` or :func:`~marlgt.dynamics.hedge`, which has its anytime rate.
    steps, record, start, averaging, joint
        As in :func:`~marlgt.dynamics.regret_matching`.

    Returns
    -------
    Trajectory

    Raises
    ------
    GameError
        For another inner rule, and settings out of range.

    Examples
    --------
    >>> import marlgt as gt
    >>> run = swap_regret_minimization(gt.games.load("shapley_1964"), start=([1, 0, 0], [0, 1, 0]))
    >>> bool(run.ce_gap[-1] < 0.05)
    True

    References
    ----------
    Blum, A. and Mansour, Y. (2007). From external to internal regret. Journal of Machine Learning Research 8,
    theorem 5.
    """
    if not callable(inner) or inner not in _INNER:
        names = ", ".join(sorted(f.__name__ for f in _INNER))
        raise GameError(f"inner is {short(getattr(inner, '__name__', inner))}: give one of the functions {names}")
    rule = Rule(
        "swap_regret_minimization",
        specialised(respond_by_swaps, inner=_INNER[inner]),
        lambda count: 3 * count * count + count,
        _SWAPS,
    )
    anytime = inner is hedge
    return run(
        game,
        rule,
        steps=steps,
        record=record,
        start=start,
        averaging=averaging,
        joint=joint,
        rates=(lambda t: 1.0 / np.sqrt(t)) if anytime else None,
        scales=anytime_scales(lambda count: float(np.sqrt(8.0 * np.log(count)))) if anytime else None,
    )
