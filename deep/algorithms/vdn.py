"""Value-decomposition networks: a team's value is the sum of its agents' utilities.

The loss of a transition is ``(r + discount sum_i Q_i'(h_i', a_i*) - sum_i Q_i(h_i, a_i))^2`` with the team's reward
``r`` and each agent's own best action ``a_i*``: what is best for each is best for their sum.

Departures
----------
1. Double Q-learning is on unless `double` is turned off.
2. Networks without memory unless `recurrent` is set; the paper's have an LSTM.

References
----------
Sunehag, P. et al. (2018). Value-decomposition networks for cooperative multi-agent learning based on team
reward. AAMAS.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import torch
from torch import nn

from marlgt.deep.algorithms.value_algorithm import Loss, Spec, ValueAlgorithm
from marlgt.deep.losses.targets import action_values, huber
from marlgt.deep.networks.agent_networks import AgentNetwork
from marlgt.deep.networks.mixers import SumMixer

if TYPE_CHECKING:
    from marlgt.deep.replay.store import Batch

__all__ = ["VDN"]


@dataclass(frozen=True, kw_only=True)
class VDN(ValueAlgorithm):
    """Value-decomposition networks.

    The settings are those of :class:`~marlgt.deep.algorithms.value_algorithm.ValueAlgorithm`.
    """

    name: ClassVar[str] = "VDN"
    team: ClassVar[bool] = True

    def network(self, spec: Spec, n_seeds: int) -> nn.Module:
        """Return the agents' networks and the mixer of their utilities."""
        module = super().network(spec, n_seeds)
        module.mixer = self.mixer(spec, n_seeds)
        return module

    def mixer(self, spec: Spec, n_seeds: int) -> nn.Module:
        """Return what makes one value of the agents' utilities."""
        return SumMixer()

    def loss(self, online: Any, target: Any, batch: Batch, generators: Sequence[torch.Generator]) -> Loss:
        """Return the errors of the team's value."""
        agents: AgentNetwork = online.agents
        behind: AgentNetwork = target.agents
        outputs, features = agents(batch.observations, batch.memory, batch.starts)
        with torch.no_grad():
            next_outputs = behind.following(batch.reached, self.features_behind(behind, batch, features))
            choices = self.next_choices(agents, batch, features, next_outputs)
            next_value = target.mixer(action_values(next_outputs, choices), batch.reached_states)
            returns = self.returns(batch, batch.rewards[..., 0], next_value)
        value = online.mixer(action_values(outputs, batch.actions), batch.states)
        errors = value - returns
        losses = errors.square() if self.huber is None else huber(errors, self.huber)
        return Loss(losses, errors.detach().abs().mean(1))
