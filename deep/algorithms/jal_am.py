"""Deep joint-action learning with agent modelling: values of joint actions, and models of what the others do.

Agent ``i`` learns ``Q_i(h_i, a)`` of joint actions ``a`` and a model ``p_ij(a_j | h_i)`` of every other agent ``j``,
and acts on the expectation ``AV_i(h_i, a_i) = sum_{a_-i} Q_i(h_i, (a_i, a_-i)) prod_j p_ij(a_j | h_i)`` (section 9.6.2,
equations 9.82 to 9.84). The losses are ``(r_i + discount max AV_i'(h_i', .) - Q_i(h_i, a))^2`` and the cross-entropies
``-log p_ij(a_j | h_i)`` of what the others did.

Departures
----------
1. Q_i has an output for every joint action, of at most 4096, and the expectation is exact; with `n_samples` it is, in
   the targets, the mean over joint actions of the others that are drawn from the models, as in the book.
2. Models read the features of the value network, without changing them, through a hidden layer of their own.
3. The models that the target's expectation is taken over are those that are trained: they do not bootstrap.

References
----------
Albrecht, S. V., Christianos, F. & Schäfer, L. (2024). Multi-agent reinforcement learning: foundations and modern
approaches, section 9.6. MIT Press.
Claus, C. & Boutilier, C. (1998). The dynamics of reinforcement learning in cooperative multiagent systems. AAAI.
"""

from __future__ import annotations

import string
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import torch
from torch import Tensor, nn

from marlgt.deep.algorithms.value_algorithm import Loss, Spec, ValueAlgorithm
from marlgt.deep.environments.joint_view import require_few_joint_actions
from marlgt.deep.losses.targets import max_value
from marlgt.deep.networks.agent_networks import AgentNetwork
from marlgt.deep.networks.layers import MLP
from marlgt.deep.networks.sharing import Sharing
from marlgt.errors import GameError

if TYPE_CHECKING:
    from marlgt.deep.replay.store import Batch

__all__ = ["JALAM"]


@dataclass(frozen=True, kw_only=True)
class JALAM(ValueAlgorithm):
    """Deep JAL-AM; other settings are those of :class:`~marlgt.deep.algorithms.value_algorithm.ValueAlgorithm`.

    Attributes
    ----------
    n_samples : int or None
        Joint actions of the others that an expectation is estimated from; None takes all of them.
    model_weight : float
        Weight of the models' loss.
    """

    name: ClassVar[str] = "JALAM"

    double: bool = False
    n_samples: int | None = None
    model_weight: float = 1.0

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.n_samples is not None and (isinstance(self.n_samples, bool) or self.n_samples < 1):
            raise GameError(f"n_samples must be a whole number of at least 1, or None, got {self.n_samples!r}")
        if self.model_weight < 0:
            raise GameError(f"model_weight must be a number from 0, got {self.model_weight!r}")
        if self.double:
            raise GameError("JALAM takes the largest expectation of its target: leave double False")
        if self.huber is not None:
            raise GameError("JALAM squares its errors, which huber does not change: leave it None")

    def network(self, spec: Spec, n_seeds: int) -> nn.Module:
        """Return the networks of joint values, and the models beside them."""
        n_joint = require_few_joint_actions(spec.n_agents, spec.n_actions)
        module = nn.Module()
        module.agents = agents = self.agents(spec, n_seeds, n_joint)
        module.models = _Models(n_seeds, agents.sharing, agents.n_features, spec.n_actions)
        return module

    def values(self, module: Any, observations: Tensor, memory: Tensor | None) -> tuple[Tensor, Tensor | None]:
        """Return the expected values of each agent's own actions, shape (S, B, n, A)."""
        agents: AgentNetwork = module.agents
        features, memory = agents.act_features(observations, memory)
        joint = agents.headed(features, observations.shape[1])
        policies = module.models(features, observations.shape[1]).softmax(-1)
        return expected_over_others(joint, policies).squeeze(1), memory

    def loss(self, online: Any, target: Any, batch: Batch, generators: Sequence[torch.Generator]) -> Loss:
        """Return the errors of the joint values and the models' cross-entropies."""
        agents: AgentNetwork = online.agents
        behind: AgentNetwork = target.agents
        windows, n_actions = batch.actions.shape[2], online.models.n_actions
        joint, features = agents(batch.observations, batch.memory, batch.starts)
        places = n_actions ** torch.arange(batch.actions.shape[-1] - 1, -1, -1, device=joint.device)
        taken = (batch.actions * places).sum(-1, keepdim=True).unsqueeze(-1).expand(*batch.actions.shape, 1)
        with torch.no_grad():
            reached = behind.following_features(batch.reached, self.features_behind(behind, batch, features))
            next_joint = behind.headed(reached, windows)
            ahead = agents.following_features(batch.reached, features)
            policies = online.models(ahead, windows).softmax(-1)
            expected = (
                expected_over_others(next_joint, policies)
                if self.n_samples is None
                else sampled_over_others(next_joint, policies, self.n_samples, generators)
            )
            returns = self.returns(batch, batch.rewards, max_value(expected, batch.reached_allowed))
        errors = joint.gather(-1, taken).squeeze(-1) - returns
        logs = online.models(features.detach(), windows).log_softmax(-1)
        others = batch.actions[..., None, :, None].expand(*logs.shape[:-1], 1)
        entropies = -logs.gather(-1, others).squeeze(-1)
        own = torch.eye(logs.shape[-2], dtype=torch.bool, device=logs.device)
        entropies = entropies.masked_fill(own, 0.0).sum((-1, -2))
        return Loss(errors.square().sum(-1) + self.model_weight * entropies, errors.detach().abs().mean((1, 3)))


class _Models(nn.Module):
    """From each agent's features to logits of every agent's actions, those of her own among them, unused."""

    def __init__(self, n_seeds: int, sharing: Sharing, width: int, n_actions: int) -> None:
        super().__init__()
        self.sharing, self.n_seeds, self.n_actions = sharing, n_seeds, n_actions
        self.layers = MLP(n_seeds * sharing.n_networks, (width, width, sharing.n_agents * n_actions))

    def forward(self, features: Tensor, windows: int) -> Tensor:
        """Return logits, shape (S, L, R, n, n, A): of the agent, about the agent, of the action."""
        rows = self.sharing.collect(self.layers(features.flatten(1, 2)))
        n_agents = self.sharing.n_agents
        return rows.view(self.n_seeds, features.shape[1], windows, n_agents, n_agents, self.n_actions)


def expected_over_others(joint: Tensor, policies: Tensor) -> Tensor:
    """Return each agent's expected values of her own actions, the others acting by her models of them.

    Parameters
    ----------
    joint : Tensor, shape (..., n, A^n)
        Of each agent, values of joint actions, the first agent's the highest digit.
    policies : Tensor, shape (..., n, n, A)
        Of each agent, about each agent.

    Returns
    -------
    Tensor, shape (..., n, A)
    """
    n_agents, n_actions = policies.shape[-2:]
    letters = string.ascii_lowercase[:n_agents]
    values = joint.reshape(*joint.shape[:-1], *(n_actions,) * n_agents)
    expected = []
    for agent in range(n_agents):
        others = [j for j in range(n_agents) if j != agent]
        terms = [values.select(-n_agents - 1, agent), *(policies[..., agent, j, :] for j in others)]
        spelled = ",".join([f"...{letters}", *(f"...{letters[j]}" for j in others)])
        expected.append(torch.einsum(f"{spelled}->...{letters[agent]}", *terms))
    return torch.stack(expected, -2)


def sampled_over_others(
    joint: Tensor, policies: Tensor, n_samples: int, generators: Sequence[torch.Generator]
) -> Tensor:
    """Return :func:`expected_over_others` estimated from joint actions that are drawn from the models.

    Parameters
    ----------
    joint, policies : Tensor, shape (S, ..., n, A^n) and (S, ..., n, n, A)
    n_samples : int
    generators : sequence of torch.Generator
        One for each seed.

    Returns
    -------
    Tensor, shape (S, ..., n, A)
    """
    n_agents, n_actions = policies.shape[-2:]
    drawn = torch.stack(
        [
            torch.multinomial(each.reshape(-1, n_actions), n_samples, replacement=True, generator=generator)
            for each, generator in zip(policies, generators)
        ]
    ).view(*policies.shape[:-1], n_samples)
    places = n_actions ** torch.arange(n_agents - 1, -1, -1, device=joint.device)
    digits = drawn * places.unsqueeze(-1)
    everyone = digits.sum(-2)
    own = digits.diagonal(dim1=-3, dim2=-2).transpose(-1, -2)
    base = (everyone - own).unsqueeze(-2)
    mine = (torch.arange(n_actions, device=joint.device) * places.unsqueeze(-1)).unsqueeze(-1)
    return joint.gather(-1, (base + mine).flatten(-2)).view(*joint.shape[:-1], n_actions, n_samples).mean(-1)
