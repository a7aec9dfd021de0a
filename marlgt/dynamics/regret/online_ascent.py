"""Online gradient ascent: step along the utilities, and project back onto the simplex.

The gradient of the payoff of a strategy x against what the others play is the vector u_t of what each action earns::

    x_{t+1} = P(x_t + kappa_t u_t)

Zinkevich's theorem: with ``kappa_t = 1 / sqrt(t)``, F the diameter of the simplex, squared 2, and G the largest length
of a gradient, the regret against every sequence is at most ``F^2 sqrt(T) / 2 + (sqrt(T) - 1/2) G^2``.

References
----------
Zinkevich, M. (2003). Online convex programming and generalized infinitesimal gradient ascent. ICML.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from marlgt.dynamics._runs import Rule, run
from marlgt.dynamics._schedules import Schedule, scheduled
from marlgt.dynamics.projections import write_projection
from marlgt.dynamics.regret.regrets_matched import checked_keep, order_of
from marlgt.dynamics.trajectory import Trajectory
from marlgt.games._doors import require_flag
from marlgt.games.normal_form import NormalFormGame
from marlgt.kernels import kernel

__all__ = ["giga", "online_gradient"]


@kernel
def respond_gradient(state: Any, utility: Any, played: Any, strategy: Any, rate: float, t: int, stream: Any) -> None:
    """Projected gradient ascent."""
    highest = utility[0]
    for a in range(1, utility.shape[0]):
        highest = max(highest, utility[a])
    # A constant added to the gradient moves nothing on the simplex: large ones would drown the strategy.
    for a in range(utility.shape[0]):
        strategy[a] += rate * (utility[a] - highest)
    write_projection(strategy)


def _no_room(count: int) -> int:
    return 0


_GUARANTEE = (
    "At steps kappa_t = 1/sqrt(t) average regrets are at most 1/sqrt(T) + G^2/sqrt(T), with G the length of the "
    "gradient: the joint distribution approaches the coarse correlated equilibria, and in two-player zero-sum games "
    "the averages approach Nash. The strategies do not settle at interior equilibria."
)
_GRADIENT = Rule("online_gradient", respond_gradient, _no_room, _GUARANTEE)
_GIGA = Rule("giga", respond_gradient, _no_room, _GUARANTEE)


def online_gradient(
    game: NormalFormGame,
    *,
    rate: Schedule = 0.1,
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
    """Let every player step along her utilities and project: ``x_{t+1} = P(x_t + kappa_t u_t)``.

    At a fixed step the average regrets are at most ``1 / (kappa T) + kappa G^2 / 2``, G the largest length of a
    gradient; they vanish with steps of order 1/sqrt(t).

    Parameters
    ----------
    game : NormalFormGame
    rate : float or callable
        The step kappa, one over payoff, or a function of an array of steps from 1.
    steps, record, start, sampled, alternating, averaging, joint, keep_actions, seed
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
    >>> run = online_gradient(gt.games.prisoners_dilemma(), rate=0.1)
    >>> bool(run.last.epsilon < 1e-12)
    True

    References
    ----------
    Zinkevich, M. (2003). Online convex programming and generalized infinitesimal gradient ascent. ICML.
    """
    require_flag(sampled, "sampled")
    return run(
        game,
        _GRADIENT,
        steps=steps,
        record=record,
        start=start,
        # The step made after step t has the size kappa_t.
        rates=scheduled(rate, "rate", shift=1),
        sampled=sampled,
        order=order_of(alternating),
        averaging=averaging,
        joint=joint,
        keep_actions=checked_keep(keep_actions, sampled),
        seed=seed,
    )


def giga(
    game: NormalFormGame,
    *,
    steps: int = 1000,
    record: int | Sequence[int] = 100,
    start: Sequence[ArrayLike] | None = None,
    sampled: bool = False,
    joint: bool | None = None,
    keep_actions: bool = False,
    seed: int = 0,
) -> Trajectory:
    """Play Zinkevich's GIGA: projected gradient ascent with steps ``kappa_t = 1 / sqrt(t)``.

    The regret of every player is at most ``sqrt(T) + (sqrt(T) - 1/2) G^2`` against any opponents.

    Parameters
    ----------
    game, steps, record, start, sampled, joint, keep_actions, seed
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
    >>> run = giga(gt.games.matching_pennies(), start=([1, 0], [0.5, 0.5]), steps=2000)
    >>> bool(run.nash_conv[-1] < 0.1)
    True

    References
    ----------
    Zinkevich, M. (2003). Online convex programming and generalized infinitesimal gradient ascent. ICML, theorem 1.
    """
    require_flag(sampled, "sampled")
    return run(
        game,
        _GIGA,
        steps=steps,
        record=record,
        start=start,
        rates=scheduled(lambda t: 1.0 / np.sqrt(t), "rate", shift=1),
        sampled=sampled,
        joint=joint,
        keep_actions=checked_keep(keep_actions, sampled),
        seed=seed,
    )
