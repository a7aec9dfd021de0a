"""Returns and advantages of recorded trajectories: Monte Carlo, n steps, lambda, and generalised advantages.

With rewards r_t, discount g, V'_t the value of what step t really led to, and T the end of the record::

    TD error            d_t     = r_t + g V'_t - V_t
    n-step return       G_t^(n) = r_t + g r_{t+1} + ... + g^{n-1} r_{t+n-1} + g^n V'_{t+n-1}
    lambda-return       G_t     = (1 - l) sum_{n>=1} l^{n-1} G_t^(n)  =  r_t + g [(1 - l) V'_t + l G_{t+1}]
    advantage (GAE)     A_t     = sum_k (g l)^k d_{t+k}  =  G_t - V_t      if V'_t = V_{t+1} within episodes

Where a step is ``terminated`` nothing follows: V'_t counts as 0 and every sum stops. Where it is ``truncated`` the
episode was cut: sums stop there too, but what would have followed is worth V'_t, the value of the last state of that
episode, not of the first state of the next. The record's own end is a truncation.

References
----------
Sutton, R. S. and Barto, A. G. (2018). Reinforcement Learning, 2nd edition, chapters 7 and 12. MIT Press.
Schulman, J., Moritz, P., Levine, S., Jordan, M. and Abbeel, P. (2016). High-dimensional continuous control using
generalized advantage estimation. ICLR, equation 16.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from marlgt.errors import GameError
from marlgt.games._arrays import short
from marlgt.games._doors import require_whole

__all__ = ["generalised_advantages", "lambda_returns", "monte_carlo_returns", "n_step_returns", "td_errors"]

Floats = NDArray[np.float64]


def td_errors(
    rewards: ArrayLike,
    values: ArrayLike,
    next_values: ArrayLike,
    *,
    discount: float,
    terminated: ArrayLike | None = None,
) -> Floats:
    """Return the TD errors ``r + discount V' - V``: both V and V' are predictions.

    Parameters
    ----------
    rewards, values, next_values : array_like, shape (..., T)
    discount : float
    terminated : array_like of bool, shape (..., T), optional

    Returns
    -------
    ndarray, shape (..., T)

    Raises
    ------
    GameError
        For shapes that differ, numbers that are not finite, and a discount outside 0 to 1.

    Examples
    --------
    >>> td_errors([-1.0], [2.0], [5.0], discount=0.9)
    array([1.5])
    """
    paid = _numbers(rewards, "rewards")
    now, ahead = (_like(paid, x, name) for x, name in ((values, "values"), (next_values, "next_values")))
    over = _flags(paid, terminated, "terminated")
    return np.asarray(paid + _share(discount, "discount") * np.where(over, 0.0, ahead) - now)


def monte_carlo_returns(
    rewards: ArrayLike,
    *,
    discount: float,
    next_values: ArrayLike | None = None,
    terminated: ArrayLike | None = None,
    truncated: ArrayLike | None = None,
) -> Floats:
    """Return the discounted sums of the rewards from each step to the end of its episode.

    Parameters
    ----------
    rewards : array_like, shape (..., T)
    discount : float
    next_values : array_like, shape (..., T), optional
        Read only where an episode was truncated and at the end of the record; by default nothing is added there.
    terminated, truncated : array_like of bool, shape (..., T), optional

    Returns
    -------
    ndarray, shape (..., T)

    Examples
    --------
    >>> monte_carlo_returns([1, 2, 3], discount=0.5)
    array([2.75, 3.5 , 3.  ])
    """
    paid = _numbers(rewards, "rewards")
    ahead = np.zeros_like(paid) if next_values is None else next_values
    return lambda_returns(paid, ahead, discount=discount, trace_decay=1.0, terminated=terminated, truncated=truncated)


def n_step_returns(
    rewards: ArrayLike,
    next_values: ArrayLike,
    *,
    discount: float,
    n: int,
    terminated: ArrayLike | None = None,
    truncated: ArrayLike | None = None,
) -> Floats:
    """Return the n-step returns; nearer to the end of an episode than n steps, fewer rewards are summed.

    One step is the target of TD(0); as many steps as the episode has left is Monte Carlo.

    Parameters
    ----------
    rewards, next_values : array_like, shape (..., T)
    discount : float
    n : int
    terminated, truncated : array_like of bool, shape (..., T), optional

    Returns
    -------
    ndarray, shape (..., T)

    Examples
    --------
    >>> n_step_returns([1, 2, -1], [1, 2, 3], discount=0.9, n=2)
    array([4.42, 3.53, 1.7 ])
    """
    require_whole(n, "n", least=1)
    paid = _numbers(rewards, "rewards")
    ahead = _like(paid, next_values, "next_values")
    over = _flags(paid, terminated, "terminated")
    cut = over | _flags(paid, truncated, "truncated")
    share = _share(discount, "discount")
    first = paid + share * np.where(over, 0.0, ahead)
    result = first
    # G_t^(m) = r_t + g G_{t+1}^(m-1), unless the episode, or the record, is over after step t.
    for _ in range(min(n, paid.shape[-1]) - 1):
        longer = first.copy()
        longer[..., :-1] = np.where(cut[..., :-1], first[..., :-1], paid[..., :-1] + share * result[..., 1:])
        result = longer
    return np.asarray(result)


def lambda_returns(
    rewards: ArrayLike,
    next_values: ArrayLike,
    *,
    discount: float,
    trace_decay: float,
    terminated: ArrayLike | None = None,
    truncated: ArrayLike | None = None,
) -> Floats:
    """Return the lambda-returns: the n-step returns of all n, each weighted lambda times as much as the one before.

    With lambda 0 these are the targets of TD(0), with lambda 1 Monte Carlo returns; lambda is no number of steps.

    Parameters
    ----------
    rewards, next_values : array_like, shape (..., T)
    discount : float
    trace_decay : float
        Lambda.
    terminated, truncated : array_like of bool, shape (..., T), optional

    Returns
    -------
    ndarray, shape (..., T)

    Examples
    --------
    >>> lambda_returns([1, 2, -1], [1, 2, 3], discount=0.9, trace_decay=0.5)
    array([3.09925, 3.665  , 1.7    ])
    """
    paid = _numbers(rewards, "rewards")
    ahead = _like(paid, next_values, "next_values")
    over = _flags(paid, terminated, "terminated")
    cut = over | _flags(paid, truncated, "truncated")
    share, decay = _share(discount, "discount"), _share(trace_decay, "trace_decay")
    result = np.empty_like(paid)
    following = ahead[..., -1]
    for t in range(paid.shape[-1] - 1, -1, -1):
        mixed = np.where(cut[..., t], ahead[..., t], (1.0 - decay) * ahead[..., t] + decay * following)
        following = result[..., t] = paid[..., t] + share * np.where(over[..., t], 0.0, mixed)
    return result


def generalised_advantages(
    rewards: ArrayLike,
    values: ArrayLike,
    next_values: ArrayLike,
    *,
    discount: float,
    trace_decay: float,
    terminated: ArrayLike | None = None,
    truncated: ArrayLike | None = None,
) -> Floats:
    """Return the generalised advantages: sums of TD errors, each worth ``discount lambda`` times the one before.

    Added to the values they are the lambda-returns, if ``next_values[t]`` is ``values[t + 1]`` within episodes.

    Parameters
    ----------
    rewards, values, next_values : array_like, shape (..., T)
    discount : float
    trace_decay : float
        Lambda.
    terminated, truncated : array_like of bool, shape (..., T), optional

    Returns
    -------
    ndarray, shape (..., T)

    Examples
    --------
    >>> generalised_advantages([1, 1], [0.5, 0], [0, 9], discount=1.0, trace_decay=1.0, terminated=[False, True])
    array([1.5, 1. ])
    """
    errors = td_errors(rewards, values, next_values, discount=discount, terminated=terminated)
    cut = _flags(errors, terminated, "terminated") | _flags(errors, truncated, "truncated")
    fade = discount * _share(trace_decay, "trace_decay")
    result = np.empty_like(errors)
    following = np.zeros(errors.shape[:-1])
    for t in range(errors.shape[-1] - 1, -1, -1):
        following = result[..., t] = errors[..., t] + fade * np.where(cut[..., t], 0.0, following)
    return result


def _numbers(values: ArrayLike, name: str) -> Floats:
    try:
        array = np.array(values, dtype=np.float64)
    except (TypeError, ValueError):
        raise GameError(f"{name} is {short(values)}: give numbers, of shape (..., T)") from None
    if array.ndim == 0 or array.size == 0 or not np.isfinite(array).all():
        raise GameError(f"{name} is {short(values)}: give finite numbers, of shape (..., T) with T at least 1")
    return array


def _like(rewards: Floats, values: Any, name: str) -> Floats:
    array = _numbers(values, name)
    if array.shape != rewards.shape:
        raise GameError(
            f"{name} has shape {array.shape}, rewards {rewards.shape}: give one number for each step (of values of "
            "T + 1 states, values[:-1] come before the steps and values[1:] after them)"
        )
    return array


def _flags(rewards: Floats, flags: Any, name: str) -> NDArray[np.bool_]:
    if flags is None:
        return np.zeros(rewards.shape, dtype=bool)
    array = np.asarray(flags)
    if array.shape != rewards.shape or array.dtype.kind not in "biuf" or not np.isin(array, (0, 1)).all():
        raise GameError(f"{name} is {short(flags)}: give true or false for each step, shape {rewards.shape}")
    return array.astype(bool)


def _share(value: Any, name: str) -> float:
    number = isinstance(value, (int, float, np.integer, np.floating)) and not isinstance(value, bool)
    if not number or not 0.0 <= value <= 1.0:
        raise GameError(f"{name} is {short(value)}: give a number from 0 to 1")
    return float(value)
