"""Temporal differences on one recorded trajectory: the forward and the backward view of TD(lambda).

From states s_0, ..., s_{T-1} rewards r_0, ..., r_{T-1} were earned; then the game was over, or cut in a last state. The
forward view moves V(s_t) towards the lambda-return G_t, which looks ahead. The backward view gives every TD error d_t
to all states seen, by their traces e, which only look back::

    e <- g l e,   e(s_t) <- e(s_t) + 1,   V <- V + alpha d_t e

Theorem (offline equivalence). With V changed at the end of the trajectory only, both views change it alike.
Theorem (online equivalence, van Seijen and others 2016). Dutch traces give step by step exactly the online forward
view, in which at each time h the lambda-returns are cut at h and all updates are made anew from the first values.

References
----------
Sutton, R. S. (1988). Learning to predict by the methods of temporal differences. Machine Learning 3, 9-44.
van Seijen, H., Mahmood, A. R., Pilarski, P. M., Machado, M. C. and Sutton, R. S. (2016). True online
temporal-difference learning. Journal of Machine Learning Research 17(145), 1-40.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from marlgt.errors import GameError
from marlgt.games._arrays import short
from marlgt.learners.values.returns import lambda_returns

__all__ = ["lambda_return_update", "offline_td_lambda", "online_lambda_return_update", "td0_update"]

Floats = NDArray[np.float64]


def td0_update(
    values: ArrayLike,
    state: int,
    reward: float,
    next_state: int | None,
    *,
    learning_rate: float,
    discount: float,
) -> Floats:
    """Return the values after one update ``V(s) <- V(s) + alpha [r + discount V(s') - V(s)]``.

    Parameters
    ----------
    values : array_like, shape (S,)
    state : int
    reward : float
    next_state : int or None
        None if the game is over.
    learning_rate, discount : float

    Returns
    -------
    ndarray, shape (S,)

    Examples
    --------
    >>> td0_update([0.0, 0.5], 0, 1.0, 1, learning_rate=0.1, discount=1.0)
    array([0.15, 0.5 ])
    """
    return lambda_return_update(
        values, [state], [reward], last=next_state, learning_rate=learning_rate, discount=discount, trace_decay=0.0
    )


def lambda_return_update(
    values: ArrayLike,
    states: ArrayLike,
    rewards: ArrayLike,
    *,
    last: int | None = None,
    learning_rate: float,
    discount: float,
    trace_decay: float,
) -> Floats:
    """Return the values after a trajectory by the offline forward view.

    Parameters
    ----------
    values : array_like, shape (S,)
    states : array_like of int, shape (T,)
    rewards : array_like, shape (T,)
    last : int, optional
        The state in which the trajectory was cut; by default the game was over.
    learning_rate, discount : float
    trace_decay : float
        Lambda.

    Returns
    -------
    ndarray, shape (S,)

    Raises
    ------
    GameError
        For states that there are not, and settings outside 0 to 1.

    Examples
    --------
    >>> lambda_return_update([0, 0], [0, 1], [0, 1], learning_rate=0.5, discount=1.0, trace_decay=0.5)
    array([0.25, 0.5 ])
    """
    before, visited, ahead, over = _checked(values, states, last)
    _share(learning_rate, "learning_rate")
    targets = lambda_returns(rewards, ahead, discount=discount, trace_decay=trace_decay, terminated=over)
    after = before.copy()
    # A state seen twice moves by both differences.
    np.add.at(after, visited, learning_rate * (targets - before[visited]))
    return after


def offline_td_lambda(
    values: ArrayLike,
    states: ArrayLike,
    rewards: ArrayLike,
    *,
    last: int | None = None,
    learning_rate: float,
    discount: float,
    trace_decay: float,
) -> Floats:
    """Return the values after a trajectory by the offline backward view, with accumulating traces.

    Parameters
    ----------
    values, states, rewards, last, learning_rate, discount, trace_decay
        As in :func:`lambda_return_update`.

    Returns
    -------
    ndarray, shape (S,)

    Examples
    --------
    >>> offline_td_lambda([0, 0], [0, 1], [0, 1], learning_rate=0.5, discount=1.0, trace_decay=0.5)
    array([0.25, 0.5 ])
    """
    before, visited, ahead, over = _checked(values, states, last)
    for number, name in ((learning_rate, "learning_rate"), (discount, "discount"), (trace_decay, "trace_decay")):
        _share(number, name)
    paid = np.asarray(rewards, dtype=np.float64)
    traces, change = np.zeros_like(before), np.zeros_like(before)
    for state, reward, following, ended in zip(visited, paid, ahead, over, strict=True):
        traces *= discount * trace_decay
        traces[state] += 1.0
        change += learning_rate * (reward + discount * (0.0 if ended else following) - before[state]) * traces
    return before + change


def online_lambda_return_update(
    values: ArrayLike,
    states: ArrayLike,
    rewards: ArrayLike,
    *,
    last: int | None = None,
    learning_rate: ArrayLike,
    discount: float,
    trace_decay: float,
) -> Floats:
    """Return the values after a trajectory by the online forward view: the work grows with the square of its length.

    At each time h all updates are made anew with the lambda-returns of what is known up to h. A lambda-return cut at h
    takes from each time k the value that state s_k had at that time.

    Parameters
    ----------
    values, states, rewards, last, discount, trace_decay
        As in :func:`lambda_return_update`.
    learning_rate : float or array_like, shape (T,)

    Returns
    -------
    ndarray, shape (S,)

    References
    ----------
    Sutton, R. S. and Barto, A. G. (2018). Reinforcement Learning, section 12.4.

    Examples
    --------
    >>> online_lambda_return_update([0, 0], [0, 1], [0, 1], learning_rate=0.5, discount=1.0, trace_decay=0.5)
    array([0.25, 0.5 ])
    """
    before, visited, _, over = _checked(values, states, last)
    paid = np.asarray(rewards, dtype=np.float64)
    rates = np.broadcast_to(np.asarray(learning_rate, dtype=np.float64), visited.shape)
    for rate in rates.tolist():
        _share(rate, "learning_rate")
    seen = [*visited.tolist(), last]
    current, ahead = before, np.zeros(len(visited))
    for h in range(1, len(visited) + 1):
        following = seen[h]
        # The state reached at time h, valued by what was known at time h - 1.
        ahead[h - 1] = 0.0 if following is None else current[following]
        targets = lambda_returns(paid[:h], ahead[:h], discount=discount, trace_decay=trace_decay, terminated=over[:h])
        current = before.copy()
        for state, rate, target in zip(visited[:h], rates[:h], targets):
            current[state] += rate * (target - current[state])
    return current


def _checked(values: Any, states: Any, last: Any) -> tuple[Floats, NDArray[np.int64], Floats, NDArray[np.bool_]]:
    """Return first values, states, what each step led to was worth at first, and whether the game was over then."""
    before = np.array(values, dtype=np.float64)
    visited = np.asarray(states)
    if before.ndim != 1 or not np.isfinite(before).all():
        raise GameError(f"values is {short(values)}: give finite numbers, one for each state")
    ends = [] if last is None else [last]
    inside = visited.ndim == 1 and visited.size and visited.dtype.kind in "iu"
    if not inside or not all(0 <= s < len(before) for s in [*visited.tolist(), *ends]):
        raise GameError(
            f"the trajectory has the states {short(states)} and the last one {short(last)}: give numbers from 0 to "
            f"{len(before) - 1}, and None for the end of the game"
        )
    ahead = np.append(before[visited[1:]], 0.0 if last is None else before[last])
    over = np.zeros(len(visited), dtype=bool)
    over[-1] = last is None
    return before, visited.astype(np.int64), ahead, over


def _share(value: Any, name: str) -> None:
    if not isinstance(value, (int, float, np.integer, np.floating)) or not 0.0 <= value <= 1.0:
        raise GameError(f"{name} is {short(value)}: give a number from 0 to 1")
