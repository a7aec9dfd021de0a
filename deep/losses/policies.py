r"""Losses of actors and critics, alone and in a team: A2C, PPO, COMA's counterfactual advantage, SEAC.

With π_i the policies, h the histories, u the actions taken, and sg[·] letting no gradient through::

    actor           L_i = - sg[A_i] log π_i(u_i | h_i)
    A2C             L_i + c_V (sg[y_i] - V_i)² - c_H H(π_i),    A_i = y_i - V_i
    PPO             max(-A_i ρ_i, -A_i clip(ρ_i, 1 ± c)),    ρ_i = π_i(u_i | h_i) / π_old,i(u_i | h_i)
    critic          y = r + d V(h', z'),   centralised when V sees the histories of all
    COMA            A_i = Q(s, u) - Σ_a π_i(a | h_i) Q(s, (a, u_-i))
    SEAC            L_i = -log π_i(u_i | h_i) A_ii - λ Σ_{k≠i} w_ik log π_i(u_k | h_k) A_ik,
                    w_ik = sg[π_i(u_k | h_k) / π_k(u_k | h_k)],   A_ik = r_k + d V_i(h_k') - V_i(h_k)
                    critic:  A_ii² + λ Σ_{k≠i} w_ik A_ik²

Losses are given for each row and agent; a mean over the rows of all environments, summed over agents, is what to
descend on. The baseline of COMA does not depend on u_i, so that the mean of A_i under π_i is 0 and the gradient stays
unbiased. SEAC's A_ik are by the critic of the learner i, in the target too; code of the authors bootstraps with V_k.

References
----------
Christianos, F., Schäfer, L. and Albrecht, S. V. (2020). Shared experience actor-critic for multi-agent reinforcement
learning. NeurIPS. Equations 5 and 6.
Foerster, J. et al. (2018). Counterfactual multi-agent policy gradients. AAAI. Equation 4.
Lyu, X. et al. (2023). On centralized critics in multi-agent reinforcement learning. JAIR 77.
Mnih, V. et al. (2016). Asynchronous methods for deep reinforcement learning. ICML.
Schulman, J. et al. (2017). Proximal policy optimization algorithms. arXiv:1707.06347. Equation 7.
"""

from __future__ import annotations

import torch
from torch import Tensor

from marlgt.deep.losses.targets import action_values, huber
from marlgt.errors import GameError

__all__ = [
    "centralised_observations",
    "clipped_surrogate_losses",
    "clipped_value_losses",
    "counterfactual_advantages",
    "critic_losses",
    "divergence_estimates",
    "environment_average",
    "importance_ratios",
    "others_actions",
    "policy_gradient_losses",
    "shared_experience_critic_losses",
    "shared_experience_policy_losses",
    "standardised_advantages",
]


def centralised_observations(observations: Tensor, states: Tensor | None = None) -> Tensor:
    """Return what a centralised critic sees at each agent's place: her observation, then everybody's, then the state.

    A value that leaves out h_i would be a biased baseline for a policy that sees it (Lyu et al. 2023); her own
    observation comes first so that one network can serve all agents.

    Parameters
    ----------
    observations : Tensor, shape (..., n, D)
    states : Tensor, shape (..., Z), optional

    Returns
    -------
    Tensor, shape (..., n, D + n D + Z)
    """
    n_agents = observations.shape[-2]
    everything = observations.flatten(-2)
    if states is not None:
        everything = torch.cat([everything, states], dim=-1)
    return torch.cat([observations, everything.unsqueeze(-2).expand(*everything.shape[:-1], n_agents, -1)], dim=-1)


def others_actions(actions: Tensor, n_actions: int) -> Tensor:
    """Return, at each agent's place, everybody's actions one-hot with her own left at zeros.

    COMA's critic gets these and gives one value for each action of the agent.

    Parameters
    ----------
    actions : Tensor of int64, shape (..., n)
    n_actions : int

    Returns
    -------
    Tensor of float32, shape (..., n, n A)
    """
    n_agents = actions.shape[-1]
    codes = torch.nn.functional.one_hot(actions, n_actions).float()
    hidden = 1.0 - torch.eye(n_agents, device=actions.device)
    return (codes.unsqueeze(-3) * hidden.unsqueeze(-1)).flatten(-2)


def counterfactual_advantages(values: Tensor, policies: Tensor, actions: Tensor) -> Tensor:
    """Return COMA's ``Q(s, u) - Σ_a π_i(a) Q(s, (a, u_-i))`` for each agent, through which no gradient passes.

    Parameters
    ----------
    values : Tensor, shape (..., n, A)
        ``Q(s, (a, u_-i))`` for each agent i and each of her actions a, the others acting as they did.
    policies : Tensor, shape (..., n, A)
        What each agent plays, with 0 for actions that are not allowed.
    actions : Tensor of int64, shape (..., n)

    Returns
    -------
    Tensor, shape (..., n)
    """
    if policies.shape != values.shape or actions.shape != values.shape[:-1]:
        raise GameError(
            "values and policies must have one shape (..., n, A) and actions (..., n), got "
            f"{tuple(values.shape)}, {tuple(policies.shape)} and {tuple(actions.shape)}: give the critic's values of "
            "each agent's actions, the others acting as they did"
        )
    return (action_values(values, actions) - (policies * values).sum(dim=-1)).detach()


def environment_average(losses: Tensor, weights: Tensor | None = None) -> Tensor:
    """Return each agent's mean over the rows of all environments, to be summed over agents, not averaged.

    Parameters
    ----------
    losses : Tensor, shape (..., rows, n)
        One row an environment and step.
    weights : Tensor, shape (..., rows), optional
        How much each row counts: 0 for padding.

    Returns
    -------
    Tensor, shape (..., n)
    """
    if weights is None:
        return losses.mean(dim=-2)
    total = weights.sum(dim=-1, keepdim=True).clamp(min=torch.finfo(weights.dtype).tiny)
    return (weights.unsqueeze(-1) * losses).sum(dim=-2) / total


def policy_gradient_losses(log_probabilities: Tensor, advantages: Tensor) -> Tensor:
    """Return - sg[A_i] log π_i(u_i): the actor of A2C and, with its advantages, of COMA.

    Parameters
    ----------
    log_probabilities, advantages : Tensor, shape (..., n)
        Of the actions taken.

    Returns
    -------
    Tensor, shape (..., n)
    """
    return -advantages.detach() * log_probabilities


def clipped_surrogate_losses(log_probabilities: Tensor, before: Tensor, advantages: Tensor, clip: float) -> Tensor:
    """Return PPO's max(-A ρ, -A clip(ρ, 1 - c, 1 + c)): no gain from ratios that have left the interval.

    Parameters
    ----------
    log_probabilities, before : Tensor, shape (...)
        Of the actions taken, under the policy as it is and as it was when it took them.
    advantages : Tensor, shape (...)
    clip : float
        c.

    Returns
    -------
    Tensor, shape (...)
    """
    ratios = (log_probabilities - before).exp()
    return torch.maximum(-advantages * ratios, -advantages * ratios.clamp(1.0 - clip, 1.0 + clip))


def clipped_value_losses(
    values: Tensor, before: Tensor, targets: Tensor, clip: float, *, delta: float | None = None
) -> Tensor:
    """Return max((y - V)², (y - V_old - clip(V - V_old, ±c))²): no gain from values that have moved too far.

    Parameters
    ----------
    values, before : Tensor, shape (...)
        Of the critic as it is and as it was when the rollout was made.
    targets : Tensor, shape (...)
    clip : float
        c.
    delta : float, optional
        Where both become linear, as in :func:`critic_losses`.

    Returns
    -------
    Tensor, shape (...)
    """
    near = before + (values - before).clamp(-clip, clip)
    return torch.maximum(critic_losses(values, targets, delta=delta), critic_losses(near, targets, delta=delta))


def divergence_estimates(log_probabilities: Tensor, before: Tensor) -> Tensor:
    """Return ρ - 1 - log ρ, whose mean over actions of the old policy is the divergence KL(π_old || π).

    No estimate is negative, which those by -log ρ may be, and the mean is the divergence itself, which that of
    ½ (log ρ)² is not.

    Parameters
    ----------
    log_probabilities, before : Tensor, shape (...)
        Of the actions taken, under the new policy and the old one.

    Returns
    -------
    Tensor, shape (...)
    """
    gaps = log_probabilities - before
    return gaps.exp() - 1.0 - gaps


def standardised_advantages(advantages: Tensor) -> Tensor:
    """Return advantages (S, ...) less their mean, over their deviation, for each seed; a lone one stays as it is.

    The deviation is that of a sample, with one less than their number in the denominator.
    """
    flat = advantages.flatten(1)
    if flat.shape[1] < 2:
        return advantages
    centred = flat - flat.mean(1, keepdim=True)
    deviation = (centred.square().sum(1, keepdim=True) / (flat.shape[1] - 1)).sqrt()
    return (centred / (deviation + 1e-8)).view(advantages.shape)


def critic_losses(values: Tensor, targets: Tensor, *, delta: float | None = None) -> Tensor:
    """Return (sg[y] - V)², or the Huber loss of the error that turns linear at ``delta``, for each entry.

    MAPPO's delta is 10, in units of normalised returns.
    """
    errors = targets.detach() - values
    return errors.square() if delta is None else huber(errors, delta)


def importance_ratios(log_probabilities: Tensor, behaviour: Tensor) -> Tensor:
    """Return w_ik = sg[π_i(u_k | h_k) / π_k(u_k | h_k)], not clipped.

    Parameters
    ----------
    log_probabilities : Tensor, shape (..., n, n)
        At i, k: log π_i(u_k | h_k), what the learner i would have given to the action of k.
    behaviour : Tensor, shape (..., n)
        log π_k(u_k | h_k) when it was played.

    Returns
    -------
    Tensor, shape (..., n, n)
        1 on the diagonal, where an agent learns from what she did herself.
    """
    if log_probabilities.shape[-2] != log_probabilities.shape[-1] or behaviour.shape != log_probabilities.shape[:-1]:
        raise GameError(
            "log_probabilities must have shape (..., n, n), learners before actors, and behaviour (..., n), got "
            f"{tuple(log_probabilities.shape)} and {tuple(behaviour.shape)}: evaluate every policy on all agents' data"
        )
    ratios = (log_probabilities - behaviour.unsqueeze(-2)).detach().exp()
    return torch.where(_own(log_probabilities), torch.ones_like(ratios), ratios)


def shared_experience_policy_losses(
    log_probabilities: Tensor, behaviour: Tensor, advantages: Tensor, *, sharing: float = 1.0
) -> Tensor:
    """Return SEAC's actor loss for each agent, who also learns from what the others did.

    Parameters
    ----------
    log_probabilities, advantages : Tensor, shape (..., n, n)
        At i, k: log π_i(u_k | h_k), and A_ik by the critic of i.
    behaviour : Tensor, shape (..., n)
        log π_k(u_k | h_k) when it was played.
    sharing : float
        λ, what another's experience counts beside one's own; 0 is independent A2C.

    Returns
    -------
    Tensor, shape (..., n)
    """
    shares = _shares(log_probabilities, behaviour, sharing)
    return -(shares * advantages.detach() * log_probabilities).sum(dim=-1)


def shared_experience_critic_losses(
    values: Tensor, targets: Tensor, log_probabilities: Tensor, behaviour: Tensor, *, sharing: float = 1.0
) -> Tensor:
    """Return SEAC's critic loss for each agent: squared errors of V_i on everybody's data.

    Parameters
    ----------
    values, targets : Tensor, shape (..., n, n)
        At i, k: V_i(h_k), and r_k + d V_i(h_k'), bootstrapped by the critic of i.
    log_probabilities, behaviour, sharing
        As in :func:`shared_experience_policy_losses`.

    Returns
    -------
    Tensor, shape (..., n)
    """
    shares = _shares(log_probabilities, behaviour, sharing)
    return (shares * critic_losses(values, targets)).sum(dim=-1)


def _shares(log_probabilities: Tensor, behaviour: Tensor, sharing: float) -> Tensor:
    if not sharing >= 0:
        raise GameError(f"sharing, the weight of the others' experience, must not be negative, got {sharing}: use 1")
    ratios = importance_ratios(log_probabilities, behaviour)
    return torch.where(_own(log_probabilities), ratios, sharing * ratios)


def _own(table: Tensor) -> Tensor:
    return torch.eye(table.shape[-1], dtype=torch.bool, device=table.device)
