"""Beliefs that follow the others' play, and replies to them that are smooth or nearly best.

The beliefs sigma_t about each player are a weighted average of her play, and everybody replies to the product of her
beliefs about the others::

    sigma_{t+1} = (1 - alpha_{t+1}) sigma_t + alpha_{t+1} a_{t+1},        a_{t+1} near-best against sigma_t

In stochastic fictitious play (Fudenberg and Levine 1998) ``alpha_t = 1 / t`` and the reply is the logit response at a
temperature: the beliefs approach the quantal response equilibria of that temperature in two-player zero-sum games,
potential games, games with an interior evolutionarily stable strategy and supermodular games (Hofbauer and Sandholm
2002). In generalised weakened fictitious play (Leslie and Collins 2006) the step sizes fall to zero with an infinite
sum, faster than 1 / log t where replies are drawn, and so do the temperatures: the beliefs approach Nash wherever
fictitious play itself does in continuous time. A constant step size is geometric fictitious play, which forgets, and
need not converge.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from marlgt.dynamics._runs import Rule, run
from marlgt.dynamics._schedules import Schedule, scheduled
from marlgt.dynamics.regret.hedging import Rates, write_softmax
from marlgt.dynamics.regret.regrets_matched import checked_keep
from marlgt.dynamics.replies._best_replies import respond_best, tie_rule, with_ties
from marlgt.dynamics.trajectory import Trajectory
from marlgt.games._doors import require_flag
from marlgt.games.normal_form import NormalFormGame
from marlgt.kernels import kernel

__all__ = ["stochastic_fictitious_play", "weakened_fictitious_play"]

_LARGEST_PRECISION = 1e150
_SLACK = 1e-12


@kernel
def respond_logit(state: Any, utility: Any, played: Any, strategy: Any, rate: float, t: int, stream: Any) -> None:
    """Play the logit response at the precision ``rate``."""
    write_softmax(utility, utility, 0.0, rate, strategy)


def _no_room(count: int) -> int:
    return 0


_STOCHASTIC = Rule(
    "stochastic_fictitious_play",
    respond_logit,
    _no_room,
    "Beliefs approach the logit equilibria of the temperature in two-player zero-sum games, potential games, games "
    "with an interior ESS and supermodular games; in Shapley's game they cycle at low temperatures.",
)
_WEAKENED = (
    "With step sizes that vanish and add up to infinity and temperatures that vanish, beliefs approach Nash in "
    "two-player zero-sum games, potential games and generic 2 x n games; in Shapley's game they cycle, and at a "
    "constant step size they need not converge."
)


def _precisions(temperature: Schedule) -> Rates:
    values = scheduled(temperature, "temperature")
    return lambda steps: np.minimum(1.0 / np.maximum(values(steps), 1e-300), _LARGEST_PRECISION)


def stochastic_fictitious_play(
    game: NormalFormGame,
    *,
    temperature: Schedule = 0.1,
    steps: int = 1000,
    record: int | Sequence[int] = 100,
    start: Sequence[ArrayLike] | None = None,
    sampled: bool = True,
    joint: bool | None = None,
    keep_actions: bool = False,
    seed: int = 0,
) -> Trajectory:
    """Draw every player's action from the logit response to the others' frequencies.

    The ``averages`` are the beliefs, the ``strategies`` the responses to them. Beliefs approach the quantal response
    equilibria of the temperature, not Nash.

    Parameters
    ----------
    game : NormalFormGame
    temperature : float or callable
        Of the logit response ``x(a) ~ exp(u(a) / temperature)``, in payoffs, or a function of an array of steps.
    start : profile, optional
        The strategies of the first step; uniform if not given.
    sampled : bool
        Whether to draw actions, instead of counting the responses themselves as play.
    steps, record, joint, keep_actions, seed
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
    >>> game = gt.games.matching_pennies()
    >>> run = stochastic_fictitious_play(game, temperature=0.5, steps=5000)
    >>> bool(abs(run.profile[0] - 0.5).max() < 0.05)
    True

    References
    ----------
    Fudenberg, D. and Levine, D. (1998). The Theory of Learning in Games, chapter 4. MIT Press. Hofbauer, J. and
    Sandholm, W. (2002). On the global convergence of stochastic fictitious play. Econometrica 70.
    """
    require_flag(sampled, "sampled")
    return run(
        game,
        _STOCHASTIC,
        steps=steps,
        record=record,
        start=start,
        rates=_precisions(temperature),
        sampled=sampled,
        believing=True,
        joint=joint,
        keep_actions=checked_keep(keep_actions, sampled),
        seed=seed,
    )


def weakened_fictitious_play(
    game: NormalFormGame,
    *,
    step_size: Schedule | None = None,
    temperature: Schedule | None = lambda t: 1.0 / np.sqrt(t),
    ties: str = "lowest",
    steps: int = 1000,
    record: int | Sequence[int] = 100,
    start: Sequence[ArrayLike] | None = None,
    sampled: bool = True,
    joint: bool | None = None,
    keep_actions: bool = False,
    seed: int = 0,
) -> Trajectory:
    """Play generalised weakened fictitious play: step sizes of your choice, and replies that need only become best.

    The ``averages`` are the beliefs, which weigh each step as the step sizes say; so do the joint distribution and
    the regrets.

    Parameters
    ----------
    game : NormalFormGame
    step_size : float or callable, optional
        The share alpha_t of the last play in the beliefs, above 0 and at most 1; ``1 / t`` if not given. A constant
        gives geometric fictitious play. The first step always makes up all of them.
    temperature : float, callable or None
        Of the logit response, in payoffs; None for exact best replies.
    ties : str
        Of exact best replies, as in :func:`~marlgt.dynamics.fictitious_play`.
    steps, record, start, sampled, joint, keep_actions, seed
        As in :func:`stochastic_fictitious_play`.

    Returns
    -------
    Trajectory

    Raises
    ------
    GameError
        For step sizes above 1 and other settings out of range.

    Examples
    --------
    >>> import marlgt as gt
    >>> run = weakened_fictitious_play(gt.games.matching_pennies(), step_size=lambda t: t**-0.7, steps=5000)
    >>> bool(run.nash_conv[-1] < 0.2)
    True

    References
    ----------
    Leslie, D. and Collins, E. (2006). Generalised weakened fictitious play. Games and Economic Behavior 56.
    """
    require_flag(sampled, "sampled")
    tie_rule(ties)
    if temperature is None:
        rule = Rule("weakened_fictitious_play", with_ties(respond_best, ties), _no_room, _WEAKENED)
        rates: Rates = _slack
    else:
        rule = Rule("weakened_fictitious_play", respond_logit, _no_room, _WEAKENED)
        rates = _precisions(temperature)
    return run(
        game,
        rule,
        steps=steps,
        record=record,
        start=start,
        rates=rates,
        shares=None if step_size is None else _shares(step_size),
        sampled=sampled,
        believing=True,
        joint=joint,
        keep_actions=checked_keep(keep_actions, sampled),
        seed=seed,
    )


def _slack(steps: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.full(len(steps), _SLACK)


def _shares(step_size: Schedule) -> Rates:
    sizes = scheduled(step_size, "step_size", most=1.0)
    return lambda steps: np.where(steps == 1.0, 1.0, sizes(steps))
