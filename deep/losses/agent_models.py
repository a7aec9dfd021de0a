r"""Models of the other agents: what an embedding should tell about their actions, and how they would answer.

An encoder makes m_i = f_e(h_i) of what agent i has seen, a decoder makes of it policies of the others, and both learn
by the cross-entropy of what the others did, here in the form of Albrecht et al. (2024, equation 9.85)::

    L_i = - Σ_{j≠i} log π̂_j(u_j | f_d(f_e(h_i)))

The policy and the value of agent i see sg[m_i]: their losses do not change the encoder (:func:`informed`).

Probabilistic recursive reasoning asks instead how the others would answer an action of one's own. With Q(a_i, a_-i)
and a temperature α the answer that fits best in the Kullback-Leibler sense, and the value of the action under it, are::

    ρ(a_-i | a_i) = exp((Q(a_i, a_-i) - Q(a_i)) / α),        Q(a_i) = α log Σ_{a_-i} exp(Q(a_i, a_-i) / α)

References
----------
Albrecht, S. V., Christianos, F. and Schäfer, L. (2024). Multi-Agent Reinforcement Learning. MIT Press. Section 9.6.2.
Papoudakis, G., Christianos, F. and Albrecht, S. V. (2021). Agent modelling under partial observability for deep
reinforcement learning. NeurIPS.
Wen, Y. et al. (2019). Probabilistic recursive reasoning for multi-agent reinforcement learning. ICLR. Theorem 2.
"""

from __future__ import annotations

import torch
from torch import Tensor

from marlgt.errors import GameError

__all__ = ["decoder_cross_entropy", "informed", "opponent_conditional", "others"]


def others(everyone: Tensor, *, axis: int = -1) -> Tensor:
    """Return, at each agent's place, what belongs to the others, in their order.

    Parameters
    ----------
    everyone : Tensor, shape (..., n, ...)
        Such as actions, with the agents along ``axis``.
    axis : int
        Counted from the end, so below 0.

    Returns
    -------
    Tensor, shape (..., n, n - 1, ...)
        The agents along ``axis - 1``, the others of each along ``axis``.

    Examples
    --------
    >>> others(torch.tensor([5, 6, 7])).tolist()
    [[6, 7], [5, 7], [5, 6]]
    """
    if not -everyone.dim() <= axis < 0:
        raise GameError(f"axis must be counted from the end, from {-everyone.dim()} to -1, got {axis}: -1 is the last")
    n_agents = everyone.shape[axis]
    # Row i lists 0 … n - 1 without i: what stands from place i on is one higher.
    places = torch.arange(n_agents - 1, device=everyone.device).expand(n_agents, -1)
    indices = places + (places >= torch.arange(n_agents, device=everyone.device).unsqueeze(-1))
    chosen = everyone.index_select(axis, indices.flatten())
    place = everyone.dim() + axis
    return torch.reshape(chosen, (*everyone.shape[:place], n_agents, n_agents - 1, *everyone.shape[place + 1 :]))


def decoder_cross_entropy(logits: Tensor, actions: Tensor) -> Tensor:
    """Return - Σ_j log π̂_j(u_j) over the agents j that are modelled.

    Parameters
    ----------
    logits : Tensor, shape (..., m, A)
        What the decoder says of each of the m other agents, before normalisation.
    actions : Tensor of int64, shape (..., m)
        What they did; :func:`others` makes this of the joint action.

    Returns
    -------
    Tensor, shape (...)
        Summed over agents, not over the rows.
    """
    if actions.shape != logits.shape[:-1]:
        raise GameError(
            f"actions must have the shape of the logits without their last axis, {tuple(logits.shape[:-1])}, got "
            f"{tuple(actions.shape)}: give one action of each agent that is modelled"
        )
    return -logits.log_softmax(dim=-1).gather(-1, actions.unsqueeze(-1)).squeeze(-1).sum(dim=-1)


def informed(observations: Tensor, embeddings: Tensor) -> Tensor:
    """Return observations (..., D) joined by embeddings (..., E) of the others, which get no gradient from here."""
    return torch.cat([observations, embeddings.detach()], dim=-1)


def opponent_conditional(values: Tensor, temperature: float = 1.0) -> tuple[Tensor, Tensor]:
    """Return how the others would answer each own action, and what the action is then worth.

    Parameters
    ----------
    values : Tensor, shape (..., A_i, A_others)
        Q(a_i, a_-i), the others' joint actions along the last axis.
    temperature : float
        α; towards 0 the others answer as is best for Q.

    Returns
    -------
    conditional : Tensor, shape (..., A_i, A_others)
        ρ(a_-i | a_i).
    own_values : Tensor, shape (..., A_i)
        Q(a_i), α times a logarithm of a sum of exponentials: above the mean under ρ by α times the entropy of ρ.
    """
    if not temperature > 0:
        raise GameError(f"temperature must be positive, got {temperature}: 1 is that of the paper")
    scaled = values / temperature
    return scaled.softmax(dim=-1), temperature * scaled.logsumexp(dim=-1)
