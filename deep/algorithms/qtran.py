r"""QTRAN: any joint value that some utilities can be greedy in, learnt beside those utilities.

A joint network ``Q_jt(h, u)`` learns the team's value; utilities ``Q_i`` and a state value ``V`` are fitted to it so
that ``D(u) = sum_i Q_i(u_i) - Q_jt(u) + V`` is 0 at the agents' greedy joint action and not negative elsewhere
(theorem 1), which makes the utilities' greedy actions greedy in ``Q_jt``. With ``y = r + discount Q_jt'(h', u')``:

``L = (Q_jt(u) - y)^2 + optimal_weight D(greedy)^2 + not_optimal_weight L_nopt``

where ``L_nopt`` is ``min(0, D(u))^2`` in QTRAN-base and the mean over agents of ``(min_{u_i} D(u_i, u_-i))^2`` in
QTRAN-alt. ``Q_jt`` is held fixed inside ``D``.

Departures
----------
1. In games of at most 4096 joint actions, `joint` ``"table"`` gives ``Q_jt`` an output for each joint action; the
   paper's network, ``"network"``, adds the agents' encoded features up.
2. Adam in place of RMSprop.

References
----------
Son, K., Kim, D., Kang, W. J., Hostallero, D. & Yi, Y. (2019). QTRAN: learning to factorize with transformation for
cooperative multi-agent reinforcement learning. ICML. Equations 4 to 7, theorems 1 to 3.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Literal, cast

import torch
from torch import Tensor, nn

from marlgt.deep.algorithms.value_algorithm import Loss, Spec, ValueAlgorithm
from marlgt.deep.losses.factorisation import qtran_alt_losses, qtran_base_losses
from marlgt.deep.losses.targets import greedy
from marlgt.deep.networks.agent_networks import AgentNetwork
from marlgt.deep.networks.mixers import JointTable, JointValueNetwork, StateValueNetwork
from marlgt.errors import GameError

if TYPE_CHECKING:
    from marlgt.deep.replay.store import Batch

__all__ = ["QTRAN"]


@dataclass(frozen=True, kw_only=True)
class QTRAN(ValueAlgorithm):
    """QTRAN; other settings are those of :class:`~marlgt.deep.algorithms.value_algorithm.ValueAlgorithm`.

    Attributes
    ----------
    variant : {'base', 'alt'}
        Which of the paper's two losses holds the other joint actions down.
    optimal_weight, not_optimal_weight : float
        Weights of the losses at the greedy joint action and at the others.
    joint : {'network', 'table'}
        Whether Q_jt adds up features of the agents' actions, or has an output for each joint action.
    """

    name: ClassVar[str] = "QTRAN"
    needs_state: ClassVar[bool] = True
    team: ClassVar[bool] = True

    variant: Literal["base", "alt"] = "base"
    optimal_weight: float = 1.0
    not_optimal_weight: float = 1.0
    joint: Literal["network", "table"] = "network"

    def __post_init__(self) -> None:
        super().__post_init__()
        for field, known in (("variant", ("base", "alt")), ("joint", ("network", "table"))):
            if getattr(self, field) not in known:
                raise GameError(f"{field} must be {known[0]!r} or {known[1]!r}, got {getattr(self, field)!r}")
        for field in ("optimal_weight", "not_optimal_weight"):
            if getattr(self, field) < 0:
                raise GameError(f"{field} must be a number from 0, got {getattr(self, field)!r}")
        if self.huber is not None:
            raise GameError("QTRAN squares its errors, which huber does not change: leave it None")

    def network(self, spec: Spec, n_seeds: int) -> nn.Module:
        """Return the agents' networks, the joint value and the state's value."""
        module = super().network(spec, n_seeds)
        sizes = (n_seeds, cast(AgentNetwork, module.agents).n_features, spec.n_agents)
        kind = JointTable if self.joint == "table" else JointValueNetwork
        module.joint = kind(*sizes, spec.n_actions, spec.state_size, hidden=self.hidden[-1])
        module.value = StateValueNetwork(*sizes, spec.state_size, hidden=self.hidden[-1])
        return module

    def loss(self, online: Any, target: Any, batch: Batch, generators: Sequence[torch.Generator]) -> Loss:
        """Return the three losses added up."""
        agents: AgentNetwork = online.agents
        windows = batch.actions.shape[2]
        utilities, features = agents(batch.observations, batch.memory, batch.starts)
        seen = agents.by_agent(features, windows)
        taken = online.joint(seen, batch.actions, batch.states)
        targets = self._targets(online, target, batch, features)
        state_values = online.value(seen, batch.states)
        with torch.no_grad():
            best = online.joint(seen, greedy(utilities, batch.allowed), batch.states)
        if self.variant == "base":
            losses = qtran_base_losses(
                utilities, batch.actions, taken, best, state_values, targets, allowed=batch.allowed
            )
        else:
            with torch.no_grad():
                counterfactuals = online.joint.counterfactuals(seen, batch.actions, batch.states)
            losses = qtran_alt_losses(
                utilities, batch.actions, taken, best, counterfactuals, state_values, targets, allowed=batch.allowed
            )
        total = losses.total(optimal_weight=self.optimal_weight, not_optimal_weight=self.not_optimal_weight)
        return Loss(total, (taken.detach() - targets).abs().mean(1))

    @torch.no_grad()
    def _targets(self, online: Any, target: Any, batch: Batch, features: Tensor) -> Tensor:
        agents: AgentNetwork = online.agents
        behind: AgentNetwork = target.agents
        windows = batch.actions.shape[2]
        reached = behind.following_features(batch.reached, self.features_behind(behind, batch, features))
        next_utilities = behind.headed(reached, windows)
        choices = self.next_choices(agents, batch, features, next_utilities)
        next_values = target.joint(behind.by_agent(reached, windows), choices, batch.reached_states)
        return self.returns(batch, batch.rewards[..., 0], next_values)
