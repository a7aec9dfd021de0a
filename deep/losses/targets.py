"""What a learner of action values aims at: masked greedy actions, Bellman targets, and the error's loss.

Every function takes tensors with any leading axes (seeds, steps, rows, agents); the last axis is the
actions. ``allowed`` marks the actions that may be chosen. With the discount of a step
``d = γ^k (1 - terminated)``, and ``Q̄`` the target network,

    y = r + d max_a Q̄(s', a)                        (DQN; Mnih et al. 2015)
    y = r + d Q̄(s', argmax_a Q(s', a))              (double DQN; van Hasselt, Guez & Silver 2016, eq. 4)

A truncated step keeps its discount, so it differs from a terminated one by ``γ^k Q̄``.
No function here detaches anything: a target carries a gradient exactly where its arguments do.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

from marlgt.errors import GameError

__all__ = [
    "action_values",
    "dueling",
    "greedy",
    "huber",
    "max_value",
    "maximisation_bias",
    "q_target",
]


def greedy(values: Tensor, allowed: Tensor | None = None) -> Tensor:
    """Give the allowed action of the largest value, the first of several.

    Parameters
    ----------
    values : Tensor, shape (..., n_actions)
    allowed : Tensor of bool, shape (..., n_actions), optional
        Everything, by default. Where it allows nothing the answer is action 0.

    Returns
    -------
    Tensor of int64, shape (...)

    Examples
    --------
    >>> greedy(torch.tensor([3.0, 1.0, 1.0]), torch.tensor([False, True, True])).item()
    1
    """
    if allowed is not None:
        values = values.masked_fill(~allowed, -math.inf)
    return values.argmax(dim=-1)


def action_values(values: Tensor, actions: Tensor) -> Tensor:
    """Give the entries that belong to the actions taken, whatever axes follow that of the actions.

    Parameters
    ----------
    values : Tensor, shape (..., n_actions, *atoms)
    actions : Tensor of int64, shape (...)

    Returns
    -------
    Tensor, shape (..., *atoms)
    """
    axis = actions.dim()
    if values.dim() == axis + 1:
        return values.gather(axis, actions.unsqueeze(axis)).squeeze(axis)
    atoms = values.shape[axis + 1 :]
    index = actions.reshape(*actions.shape, 1, *(1 for _ in atoms)).expand(*actions.shape, 1, *atoms)
    return values.gather(axis, index).squeeze(axis)


def max_value(values: Tensor, allowed: Tensor | None = None) -> Tensor:
    """Give the largest value of an allowed action, shape (...); finite even where none is allowed."""
    return action_values(values, greedy(values, allowed))


def q_target(
    rewards: Tensor,
    discounts: Tensor,
    next_values_target: Tensor,
    next_allowed: Tensor | None = None,
    next_values_online: Tensor | None = None,
) -> Tensor:
    """Give the targets of Q-learning, by double DQN where the online values are given.

    Parameters
    ----------
    rewards, discounts : Tensor, shape (...)
        Sums of k rewards, and γ^k (1 - terminated).
    next_values_target : Tensor, shape (..., n_actions)
        The target network's values of what the step led to; before the reset, where an episode ended.
    next_allowed : Tensor of bool, shape (..., n_actions), optional
    next_values_online : Tensor, shape (..., n_actions), optional
        The online network's values, which then choose the action.

    Returns
    -------
    Tensor, shape (...)

    Examples
    --------
    >>> online, target = torch.tensor([1.0, 3.0, 2.0]), torch.tensor([4.0, 0.5, 2.5])
    >>> q_target(torch.tensor(1.0), torch.tensor(0.5), target, None, online).item()
    1.25
    """
    choosing = next_values_target if next_values_online is None else next_values_online
    return rewards + discounts * action_values(next_values_target, greedy(choosing, next_allowed))


def huber(errors: Tensor, delta: float = 1.0) -> Tensor:
    """Give Huber's loss of every error: half its square up to ``delta``, then a line of slope ``delta``.

    Parameters
    ----------
    errors : Tensor, any shape
    delta : float
        ``math.inf`` leaves half the square everywhere.

    References
    ----------
    Huber (1964), Robust estimation of a location parameter. Mnih et al. (2015) clip the error at delta = 1.
    """
    size = errors.abs()
    near = size.clamp(max=delta)
    # Both branches in one: n²/2 + δ(|u| - n) with n = min(|u|, δ), but ∞·0 where δ is infinite.
    far = delta * (size - near) if math.isfinite(delta) else 0.0
    return 0.5 * near.square() + far


def dueling(value: Tensor, advantages: Tensor, *, axis: int = -1, by_maximum: bool = False) -> Tensor:
    """Join a state's value and its actions' advantages so that the two are identifiable.

    Q = V + A - mean A, or V + A - max A, in which V is the value of the greedy action.

    Parameters
    ----------
    value : Tensor, shape of ``advantages`` without ``axis``
    advantages : Tensor, shape (..., n_actions) or (..., n_actions, n_atoms) with ``axis=-2``
    axis : int
        Where the actions stand.
    by_maximum : bool

    References
    ----------
    Wang et al. (2016), Dueling network architectures, eqs. 8 and 9; atom by atom in Hessel et al. (2018).
    """
    if by_maximum:
        level = advantages.amax(dim=axis, keepdim=True)
    else:
        level = advantages.mean(dim=axis, keepdim=True)
    return value.unsqueeze(axis) + (advantages - level)


def maximisation_bias(n_actions: int, scale: float = 1.0) -> float:
    """Give how much the maximum over equally good actions overestimates when each value errs by a Gaussian.

    The expectation of the largest of ``n_actions`` independent N(0, ``scale``²) errors: what DQN's target
    gains for nothing, and what double DQN, whose choosing and valuing errors are independent, does not.

    Examples
    --------
    >>> round(maximisation_bias(2), 6)
    0.56419

    References
    ----------
    Thrun & Schwartz (1993), Issues in using function approximation for reinforcement learning.
    """
    if n_actions < 1:
        raise GameError(f"a maximum is taken over at least one action, got {n_actions}: give n_actions >= 1")
    # ∫ x d Φ(x)^n: the trapezoid rule converges exponentially for a smooth integrand that dies at both ends.
    x = torch.linspace(-12.0, 12.0, 4801, dtype=torch.float64)
    density = torch.exp(-0.5 * x.square()) / math.sqrt(2 * math.pi)
    below = torch.special.ndtr(x)
    integrand = x * n_actions * density * below ** (n_actions - 1)
    return scale * float(integrand.sum() * (x[1] - x[0]))
