r"""What one agent's action is worth to a team: difference rewards and the aristocrat's utility.

With R the team's reward, d_i an action that stands for the absence of agent i and π_i her policy (Wolpert & Tumer
2002)::

    difference reward      D_i = R(a) - R(d_i, a_-i)
    aristocrat utility     U_i = R(a) - Σ_b π_i(b) R(b, a_-i)

What is subtracted does not depend on a_i. So each agent's best replies are those to R, and the policy gradient of a
game of one step is the same; but what others do to R, and she cannot change, is gone, which is all for additive
rewards.
In a game like the climbing game, where every entry depends on both, it may be no less noisy.

The reward of what was played and of its alternatives are means alike where chance pays.

References
----------
Wolpert, D. H. and Tumer, K. (2002). Optimal payoff functions for members of collectives. Advances in Complex Systems 4,
265-279.
"""

from __future__ import annotations

import torch
from torch import Tensor

from marlgt.deep.losses.targets import action_values
from marlgt.errors import GameError

__all__ = ["aristocrat_utilities", "difference_rewards"]


def difference_rewards(alternatives: Tensor, actions: Tensor, default: int) -> Tensor:
    """Return R(a) - R(d_i, a_-i), shape (..., n).

    Parameters
    ----------
    alternatives : Tensor, shape (..., n, A)
        R(b, a_-i) for each action b of agent i; NaN for those that are not allowed.
    actions : Tensor of int64, shape (..., n)
        a.
    default : int
        d_i.

    Raises
    ------
    GameError
        If the default action is not one that agents have, or is not allowed.
    """
    n_actions = alternatives.shape[-1]
    if default >= n_actions:
        raise GameError(f"default_action is {default}: agents have actions 0 to {n_actions - 1}")
    without = alternatives[..., default]
    if bool(without.isnan().any()):
        raise GameError(
            f"default_action {default} is not always allowed, and does not tell what a team is paid without an agent: "
            "give an action that is, or the signal 'aristocrat'"
        )
    return action_values(alternatives, actions) - without


def aristocrat_utilities(alternatives: Tensor, policies: Tensor, actions: Tensor) -> Tensor:
    """Return R(a) - Σ_b π_i(b) R(b, a_-i), shape (..., n), whose mean under π_i is 0.

    Parameters
    ----------
    alternatives : Tensor, shape (..., n, A)
        R(b, a_-i) for each action b of agent i; NaN for those that are not allowed.
    policies : Tensor, shape (..., n, A)
        π_i, with 0 for actions that are not allowed.
    actions : Tensor of int64, shape (..., n)
        a.
    """
    known = torch.where(alternatives.isnan(), torch.zeros_like(alternatives), alternatives)
    return action_values(alternatives, actions) - (policies * known).sum(-1)
