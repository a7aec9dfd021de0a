"""Regret matching and its kin: play actions in proportion to how much one regrets not having played them.

With ``r_t(a) = u_t(a) - <x_t, u_t>`` the regret of step t, and the positive part ``[.]+``::

    regret matching           R_t = R_{t-1} + r_t            x_{t+1} ~ [R_t]+
    regret matching+          R_t = [R_{t-1} + r_t]+         x_{t+1} ~ R_t

and uniform where nothing is positive. Against every sequence of utilities whose range is D, by Blackwell's theorem,
``max_a sum_t r_t(a) <= D sqrt(A T)``: average regrets vanish as 1/sqrt(T), the joint distribution of play approaches
the coarse correlated equilibria, and in two-player zero-sum games the averages approach the Nash equilibria. The
strategies themselves need not settle.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from marlgt.dynamics._engine import ALTERNATING, SIMULTANEOUS
from marlgt.dynamics._runs import Rule, run
from marlgt.dynamics.trajectory import Trajectory
from marlgt.errors import GameError
from marlgt.games._arrays import exact_and_float
from marlgt.games._doors import require_flag
from marlgt.games.normal_form import NormalFormGame
from marlgt.kernels import kernel

__all__ = [
    "regret_matching",
    "regret_matching_plus",
    "regret_matching_strategy",
]


def regret_matching_strategy(cumulative_regrets: ArrayLike) -> NDArray[np.float64]:
    """Return the strategy in proportion to the positive regrets, uniform if there are none.

    Parameters
    ----------
    cumulative_regrets : array_like, shape (A,)
        Summed or average, which gives the same.

    Raises
    ------
    GameError
        For anything but a list of finite numbers.

    Examples
    --------
    >>> regret_matching_strategy([3, -1, 1]).tolist()
    [0.75, 0.0, 0.25]
    """
    regrets, _ = exact_and_float(cumulative_regrets, "cumulative_regrets")
    if regrets.ndim != 1 or not regrets.size:
        raise GameError(f"cumulative_regrets has shape {regrets.shape}: give one number for each action")
    strategy = np.empty_like(regrets)
    write_matched(regrets, regrets, 0.0, strategy)
    return strategy


@kernel
def write_matched(regrets: Any, latest: Any, share: float, strategy: Any) -> None:
    """Write the strategy in proportion to the positive parts of ``regrets + share * latest``."""
    count = regrets.shape[0]
    total = 0.0
    for a in range(count):
        strategy[a] = max(regrets[a] + share * latest[a], 0.0)
        total += strategy[a]
    for a in range(count):
        strategy[a] = strategy[a] / total if total > 0.0 else 1.0 / count


@kernel
def write_regrets(utility: Any, played: Any) -> None:
    """Turn the utilities of a step into its regrets, in place."""
    value = 0.0
    for a in range(utility.shape[0]):
        value += played[a] * utility[a]
    for a in range(utility.shape[0]):
        utility[a] -= value


@kernel
def match_regrets(state: Any, utility: Any, played: Any, strategy: Any, rate: float, t: int, stream: Any) -> None:
    """Regret matching."""
    write_regrets(utility, played)
    for a in range(utility.shape[0]):
        state[a] += utility[a]
    write_matched(state, utility, 0.0, strategy)


@kernel
def match_regrets_plus(state: Any, utility: Any, played: Any, strategy: Any, rate: float, t: int, stream: Any) -> None:
    """Regret matching+."""
    write_regrets(utility, played)
    for a in range(utility.shape[0]):
        state[a] = max(state[a] + utility[a], 0.0)
    write_matched(state, utility, 0.0, strategy)


def one_each(count: int) -> int:
    """Return the room of a rule that remembers one number for each action."""
    return count


def order_of(alternating: bool) -> int:
    """Return the order of moves, checked."""
    require_flag(alternating, "alternating")
    return ALTERNATING if alternating else SIMULTANEOUS


_BOUND = (
    "Average regrets at most D sqrt(A/T), with D the range of payoffs, where all revise at once and steps weigh alike: "
    "the joint distribution approaches the coarse correlated equilibria, and in two-player zero-sum games the "
    "averages approach Nash. "
)
_MATCHING = Rule("regret_matching", match_regrets, one_each, _BOUND + "The strategies may cycle for ever.")
_SAMPLED = Rule(
    "regret_matching",
    match_regrets,
    one_each,
    "Average regrets vanish almost surely, in expectation at the rate 1/sqrt(T): the joint distribution of play "
    "approaches the coarse correlated equilibria. The strategies may cycle for ever.",
)
_PLUS = Rule(
    "regret_matching_plus",
    match_regrets_plus,
    one_each,
    _BOUND + "Far faster than the bound in practice; the strategies may still cycle.",
)


def regret_matching(
    game: NormalFormGame,
    *,
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
    """Let every player match her regrets: ``x_{t+1} ~ [R_t]+``.

    Expected regrets fall below ``D sqrt(A / T)`` for every game, whatever the others do, so that the average joint
    distribution approaches the coarse correlated equilibria; with actions drawn this holds almost surely in the limit.
    In two-player zero-sum games the averages approach the Nash equilibria. The strategies need not settle: in Shapley's
    game they go round, unless they start at the equilibrium.

    Parameters
    ----------
    game : NormalFormGame
    steps : int
        At least 1.
    record : int or sequence of int
        How many evenly spaced times to record, or after which steps; the last step is always recorded.
    start : profile, optional
        The strategies of the first step; uniform if not given.
    sampled : bool
        Whether to draw actions and to regret against the actions drawn (Hart and Mas-Colell), instead of playing
        expectations.
    alternating : bool
        Whether the players revise one after the other, each hearing the new play of those before, instead of at once.
    averaging : float
        Step t weighs ``t ** averaging``: 0 is the plain average, 1 linear averaging.
    joint : bool, optional
        Whether to keep the joint distribution of play; by default up to 10,000 action profiles.
    keep_actions : bool
        Whether to keep every action profile; needs ``sampled``.
    seed : int
        Of the actions drawn.

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
    >>> run = regret_matching(gt.games.rock_paper_scissors(), steps=1000, start=([1, 0, 0], [0, 1, 0]))
    >>> bool(run.nash_conv[-1] < 0.1)
    True

    References
    ----------
    Hart, S. and Mas-Colell, A. (2000). A simple adaptive procedure leading to correlated equilibrium. Econometrica 68,
    section 4.
    """
    require_flag(sampled, "sampled")
    return run(
        game,
        _SAMPLED if sampled else _MATCHING,
        steps=steps,
        record=record,
        start=start,
        sampled=sampled,
        order=order_of(alternating),
        averaging=averaging,
        joint=joint,
        keep_actions=checked_keep(keep_actions, sampled),
        seed=seed,
    )


def checked_keep(keep_actions: bool, sampled: bool) -> bool:
    """Return whether to keep actions; there are none where players mix."""
    require_flag(keep_actions, "keep_actions")
    if keep_actions and not sampled:
        raise GameError("keep_actions needs actions: give sampled=True, so that they are drawn")
    return keep_actions


def regret_matching_plus(
    game: NormalFormGame,
    *,
    steps: int = 1000,
    record: int | Sequence[int] = 100,
    start: Sequence[ArrayLike] | None = None,
    alternating: bool = True,
    averaging: float = 1.0,
    joint: bool | None = None,
) -> Trajectory:
    """Let every player match regrets that never fall below zero, one after the other, with linear averaging.

    The bound is that of regret matching, ``D sqrt(A / T)``, for plain averages when all revise at once, and twice that
    for linear ones; in two-player zero-sum games the averages approach Nash, in practice about as 1/T. The strategies
    themselves need not settle. Where the players alternate, the regrets reported are those of the profiles held at
    each step, while the bound speaks of what each one heard.

    Parameters
    ----------
    game, steps, record, start, alternating, averaging, joint
        As in :func:`regret_matching`.

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
    >>> run = regret_matching_plus(gt.games.matching_pennies(), steps=1000, start=([1, 0], [1, 0]))
    >>> bool(run.nash_conv[-1] < 0.01)
    True

    References
    ----------
    Tammelin, O., Burch, N., Johanson, M. and Bowling, M. (2015). Solving heads-up limit Texas hold'em. IJCAI.
    """
    return run(
        game,
        _PLUS,
        steps=steps,
        record=record,
        start=start,
        order=order_of(alternating),
        averaging=averaging,
        joint=joint,
    )
