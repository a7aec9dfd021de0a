r"""Losses of learners that make a team's value of one utility per agent: IDQN, VDN, QMIX and both forms of QTRAN.

The Q_i(h_i, u_i) are the utilities, u is the joint action taken, ū_i = argmax Q_i are the greedy actions, and sg[·]
lets no gradient through. With y = r + d Q_tot⁻(h', ū'), where d is 0 after true termination and Q⁻ the target
networks::

    IDQN        Σ_i (Q_i(h_i, u_i) - sg[y_i])²
    VDN         (Σ_i Q_i(h_i, u_i) - sg[y])²
    QMIX        (mixer(Q_1(h_1, u_1), …, Q_n(h_n, u_n), s) - sg[y])²
    QTRAN       L_td + λ_opt L_opt + λ_nopt L_nopt,   with Q'(u) = Σ_i Q_i(h_i, u_i) and D(u) = Q'(u) - sg[Q_jt(u)] + V
      L_td      (Q_jt(u) - sg[y])²
      L_opt     D(ū)²
      L_nopt    base: min{0, D(u)}²;      alt: (1/n) Σ_i (min_{u_i} D(u_i, u_-i))²

Every function gives one number for each row of a batch, of any leading axes; weights and means are the caller's. They
see only tensors, so that any networks may stand behind them. An action that is not allowed is never greedy, and values
are read where they are, never where they were masked, so that no mask leaks into a target.

References
----------
Son, K. et al. (2019). QTRAN: learning to factorize with transformation. ICML. Equations 4 to 7, theorems 1 to 3.
Rashid, T. et al. (2018). QMIX: monotonic value function factorisation. ICML.
Sunehag, P. et al. (2018). Value-decomposition networks for cooperative multi-agent learning. AAMAS.
Tampuu, A. et al. (2017). Multiagent cooperation and competition with deep reinforcement learning. PLOS ONE 12(4).
van Hasselt, H., Guez, A. and Silver, D. (2016). Deep reinforcement learning with double Q-learning. AAAI.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

from marlgt.deep.losses.targets import action_values, greedy
from marlgt.errors import GameError

__all__ = [
    "QtranLosses",
    "counterfactual_totals",
    "independent_loss",
    "joint_loss",
    "qtran_alt_losses",
    "qtran_base_losses",
]


class QtranLosses(NamedTuple):
    """The three losses of QTRAN.

    Attributes
    ----------
    td, optimal, not_optimal : Tensor, shape (...)
        L_td, L_opt and L_nopt (of the alternative: L_nopt-min).
    """

    td: Tensor
    optimal: Tensor
    not_optimal: Tensor

    def total(self, *, optimal_weight: float = 1.0, not_optimal_weight: float = 1.0) -> Tensor:
        """Return L_td + λ_opt L_opt + λ_nopt L_nopt, shape (...); the paper's λ are 1."""
        return self.td + optimal_weight * self.optimal + not_optimal_weight * self.not_optimal


def counterfactual_totals(utilities: Tensor, actions: Tensor) -> Tensor:
    """Return Q'(u_i, u_-i) for each agent i and each of her actions u_i, the others acting as they did.

    Parameters
    ----------
    utilities : Tensor, shape (..., n, A)
    actions : Tensor of int64, shape (..., n)

    Returns
    -------
    Tensor, shape (..., n, A)
    """
    taken = _taken(utilities, actions)
    others = taken.sum(dim=-1, keepdim=True) - taken
    return others.unsqueeze(-1) + utilities


def independent_loss(values: Tensor, targets: Tensor) -> Tensor:
    """Return Σ_i (Q_i - sg[y_i])², shape (...), of values and targets (..., n): summed over agents, not averaged."""
    return (values - targets.detach()).square().sum(dim=-1)


def joint_loss(values: Tensor, targets: Tensor) -> Tensor:
    """Return (Q_tot - sg[y])², shape (...), of values and targets (...): the loss of VDN and QMIX."""
    return (values - targets.detach()).square()


def qtran_base_losses(
    utilities: Tensor,
    actions: Tensor,
    taken_values: Tensor,
    greedy_values: Tensor,
    state_values: Tensor,
    targets: Tensor,
    *,
    allowed: Tensor | None = None,
) -> QtranLosses:
    """Return the losses of QTRAN-base: D is 0 at the greedy joint action and not negative where the team played.

    Only ``taken_values`` gets a gradient from L_td; only utilities and state values from the other two.

    Parameters
    ----------
    utilities : Tensor, shape (..., n, A)
    actions : Tensor of int64, shape (..., n)
        The joint actions taken, u.
    taken_values, greedy_values : Tensor, shape (...)
        Q_jt at u and at ū = ``greedy(utilities, allowed)``, both of the network that is trained.
    state_values : Tensor, shape (...)
        V_jt.
    targets : Tensor, shape (...)
        y = r + d Q_jt⁻(h', ū').
    allowed : Tensor of bool, shape (..., n, A), optional

    Returns
    -------
    QtranLosses
    """
    residual = _taken(utilities, actions).sum(dim=-1) - taken_values.detach() + state_values
    return QtranLosses(
        td=joint_loss(taken_values, targets),
        optimal=_optimal_loss(utilities, greedy_values, state_values, allowed),
        not_optimal=residual.clamp(max=0.0).square(),
    )


def qtran_alt_losses(
    utilities: Tensor,
    actions: Tensor,
    taken_values: Tensor,
    greedy_values: Tensor,
    counterfactual_values: Tensor,
    state_values: Tensor,
    targets: Tensor,
    *,
    allowed: Tensor | None = None,
) -> QtranLosses:
    """Return the losses of QTRAN-alt: D is 0 at ū, and its least over each agent's actions is 0 beside u_-i.

    The minimum asks more than that D be not negative: utilities of actions that are never greedy are held down to
    what the joint values say of them.

    Parameters
    ----------
    utilities, actions, taken_values, greedy_values, state_values, targets, allowed : Tensor
        As in :func:`qtran_base_losses`.
    counterfactual_values : Tensor, shape (..., n, A)
        Q_jt(u_i, u_-i) for each agent i and each of her actions u_i.

    Returns
    -------
    QtranLosses
    """
    residual = (
        counterfactual_totals(utilities, actions)
        - counterfactual_values.detach()
        + state_values.unsqueeze(-1).unsqueeze(-1)
    )
    if allowed is not None:
        # Of an agent with nothing allowed all actions count, lest the minimum over none of them be infinite.
        residual = residual.masked_fill(~allowed & allowed.any(dim=-1, keepdim=True), torch.inf)
    return QtranLosses(
        td=joint_loss(taken_values, targets),
        optimal=_optimal_loss(utilities, greedy_values, state_values, allowed),
        not_optimal=residual.amin(dim=-1).square().mean(dim=-1),
    )


def _optimal_loss(utilities: Tensor, greedy_values: Tensor, state_values: Tensor, allowed: Tensor | None) -> Tensor:
    total = _taken(utilities, greedy(utilities, allowed)).sum(dim=-1)
    return (total - greedy_values.detach() + state_values).square()


def _taken(utilities: Tensor, actions: Tensor) -> Tensor:
    if actions.shape != utilities.shape[:-1]:
        raise GameError(
            f"actions must have the shape of the utilities without their last axis, {tuple(utilities.shape[:-1])}, "
            f"got {tuple(actions.shape)}: give one action to each agent of each row"
        )
    return action_values(utilities, actions)
