"""Returns and advantages of windows of steps, on tensors: time is the second axis, seeds come first.

With rewards r_t, discounts d_t (``discount * (1 - terminated_t)``), V'_t the value of what step t led to::

    lambda-return     G_t = r_t + d_t [(1 - l) V'_t + l G_{t+1}],   with V'_t for G_{t+1} where the episode ends
    n-step return     G_t = r_t + d_t r_{t+1} + ... + d_t ... d_{t+k-1} V'_{t+k-1},   k = n, or less where it ends
    advantage (GAE)   A_t = r_t + d_t V'_t - V_t + d_t l A_{t+1},   with 0 for A_{t+1} where the episode ends

Two masks that are easily taken for one: what follows a *terminated* step is worth nothing, so its discount is 0; what
follows a *truncated* one is worth V'_t, of the last state of that episode, but is not carried on from the next step,
which belongs to another. The last step of a window is as if truncated there. Steps behind an end never reach the steps
before it: padding changes nothing.

References
----------
Sutton, R. S. and Barto, A. G. (2018). Reinforcement Learning, 2nd edition, chapters 7 and 12. MIT Press.
Schulman, J., Moritz, P., Levine, S., Jordan, M. and Abbeel, P. (2016). High-dimensional continuous control using
generalized advantage estimation. ICLR, equation 16.
"""

from __future__ import annotations

import torch
from torch import Tensor

from marlgt.errors import GameError

__all__ = ["generalised_advantages", "lambda_returns", "n_step_returns"]


def lambda_returns(rewards: Tensor, discounts: Tensor, ends: Tensor, next_values: Tensor, lambda_: float) -> Tensor:
    """Return the lambda-returns of every step; no gradient flows through them.

    Parameters
    ----------
    rewards, next_values : Tensor, shape (S, L, R) or (S, L, R, n)
        Reward of every step and value of what it led to.
    discounts : Tensor, shape (S, L, R)
        0 where the episode terminated.
    ends : Tensor of bool, shape (S, L, R)
        Whether the episode ended with the step, terminated or truncated.
    lambda_ : float
        0 looks one step ahead, 1 to the end of the episode or the window.

    Returns
    -------
    Tensor, shape of ``rewards``

    Raises
    ------
    GameError
        For shapes that do not fit and a lambda outside 0 to 1.
    """
    discounts, goes_on = _fitted(rewards, next_values, discounts, ends)
    with torch.no_grad():
        carried = goes_on * (discounts * _share(lambda_))
        return _accumulated(torch.addcmul(rewards, discounts - carried, next_values), carried)


def n_step_returns(rewards: Tensor, discounts: Tensor, ends: Tensor, next_values: Tensor, n_steps: int) -> Tensor:
    """Return the n-step returns of every step, of fewer steps before an end; no gradient flows through them.

    Parameters
    ----------
    rewards, next_values : Tensor, shape (S, L, R) or (S, L, R, n)
        Reward of every step and value of what it led to.
    discounts : Tensor, shape (S, L, R)
        0 where the episode terminated.
    ends : Tensor of bool, shape (S, L, R)
        Whether the episode ended with the step, terminated or truncated.
    n_steps : int
        1 gives the targets of temporal differences.

    Returns
    -------
    Tensor, shape of ``rewards``

    Raises
    ------
    GameError
        For shapes that do not fit and fewer steps than 1.
    """
    if n_steps < 1:
        raise GameError(f"n_steps is {n_steps}: a return looks at least 1 step ahead")
    discounts, goes_on = _fitted(rewards, next_values, discounts, ends)
    with torch.no_grad():
        carried = goes_on * discounts
        paid = torch.addcmul(rewards, discounts - carried, next_values)
        returns = torch.addcmul(rewards, discounts, next_values)
        for _ in range(min(n_steps, rewards.shape[1]) - 1):
            longer = paid.clone()
            longer[:, :-1].addcmul_(carried[:, :-1], returns[:, 1:])
            returns[:, :-1] = longer[:, :-1]
        return returns


def generalised_advantages(
    rewards: Tensor, discounts: Tensor, ends: Tensor, values: Tensor, next_values: Tensor, lambda_: float
) -> Tensor:
    """Return the generalised advantages of every step; added to ``values`` they are lambda-returns.

    Parameters
    ----------
    rewards, values, next_values : Tensor, shape (S, L, R) or (S, L, R, n)
        Reward of every step, value of where it was taken and of what it led to.
    discounts : Tensor, shape (S, L, R)
        0 where the episode terminated.
    ends : Tensor of bool, shape (S, L, R)
        Whether the episode ended with the step, terminated or truncated.
    lambda_ : float
        0 gives TD errors, 1 the return less the value.

    Returns
    -------
    Tensor, shape of ``rewards``

    Raises
    ------
    GameError
        For shapes that do not fit and a lambda outside 0 to 1.
    """
    if values.shape != rewards.shape:
        raise GameError(f"values have shape {tuple(values.shape)}: give one for each reward, {tuple(rewards.shape)}")
    discounts, goes_on = _fitted(rewards, next_values, discounts, ends)
    with torch.no_grad():
        errors = torch.addcmul(rewards, discounts, next_values).sub_(values)
        return _accumulated(errors, goes_on * (discounts * _share(lambda_)))


def _accumulated(terms: Tensor, carried: Tensor) -> Tensor:
    """Add to every term, from the last but one backwards, what is carried of the next one; in place."""
    now, shares = terms.unbind(1), carried.unbind(1)
    for t in range(len(now) - 2, -1, -1):
        now[t].addcmul_(shares[t], now[t + 1])
    return terms


def _fitted(rewards: Tensor, next_values: Tensor, discounts: Tensor, ends: Tensor) -> tuple[Tensor, Tensor]:
    """Return discounts, and whether the window and the episode go on behind a step, as they multiply rewards."""
    shape = tuple(rewards.shape)
    if len(shape) not in (3, 4) or tuple(next_values.shape) != shape:
        raise GameError(
            f"rewards have shape {shape} and next_values {tuple(next_values.shape)}: both must have one shape, "
            f"(seeds, steps, windows) or (seeds, steps, windows, agents)"
        )
    if tuple(discounts.shape) != shape[:3] or tuple(ends.shape) != shape[:3]:
        raise GameError(
            f"discounts have shape {tuple(discounts.shape)} and ends {tuple(ends.shape)}: both must have "
            f"(seeds, steps, windows), here {shape[:3]}"
        )
    goes_on = ends.logical_not()
    goes_on[:, -1:] = False
    return (discounts.unsqueeze(3), goes_on.unsqueeze(3)) if len(shape) == 4 else (discounts, goes_on)


def _share(lambda_: float) -> float:
    if not 0.0 <= lambda_ <= 1.0:
        raise GameError(f"lambda is {lambda_:g}: it lies between 0, one step ahead, and 1, all of them")
    return lambda_
