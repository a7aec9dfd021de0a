"""IQN: the quantile of the return at any fraction, which is an input of the network.

Fractions are drawn anew for each update, `n_samples` for the network and `n_target_samples` for its target, and every
pair of them adds a quantile Huber loss (equation 3). The best action has the largest mean over `n_acting_samples`.

Departures
----------
1. Those of :mod:`marlgt.deep.algorithms.dqn`.
2. For acting the fractions are the midpoints of equal intervals, not drawn.

References
----------
Dabney, W., Ostrovski, G., Silver, D. & Munos, R. (2018). Implicit quantile networks for distributional reinforcement
learning. ICML.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import torch
from torch import nn

from marlgt.deep.algorithms.dqn import DQN
from marlgt.deep.algorithms.value_algorithm import Loss
from marlgt.deep.networks.agent_networks import AgentNetwork
from marlgt.deep.networks.heads import ImplicitQuantileHead
from marlgt.errors import GameError

if TYPE_CHECKING:
    from marlgt.deep.replay.store import Batch

__all__ = ["IQN"]


@dataclass(frozen=True, kw_only=True)
class IQN(DQN):
    """IQN; other settings are those of :class:`~marlgt.deep.algorithms.value_algorithm.ValueAlgorithm`.

    Attributes
    ----------
    n_samples, n_target_samples, n_acting_samples : int
        N, N' and K of the paper.
    n_cosines : int
        Cosines that embed a fraction.
    kappa : float
        Where the loss becomes linear; 0 is the pinball loss.
    """

    name: ClassVar[str] = "IQN"

    n_samples: int = 8
    n_target_samples: int = 8
    n_acting_samples: int = 32
    n_cosines: int = 64
    kappa: float = 1.0

    def __post_init__(self) -> None:
        super().__post_init__()
        for field in ("n_samples", "n_target_samples", "n_acting_samples"):
            value = getattr(self, field)
            if isinstance(value, bool) or not isinstance(value, int) or value < 1:
                raise GameError(f"{field} must be a whole number of at least 1, got {value!r}")
        if self.recurrent and self.trace > 0:
            raise GameError("distributions are learnt from single steps: set trace=0 for a recurrent network")
        if self.huber is not None:
            raise GameError("IQN has a quantile Huber loss of its own: set kappa, and leave huber None")
        self.head(1, 1, 1)

    def head(self, n_networks: int, n_features: int, n_actions: int) -> nn.Module:
        """Return the layers that give quantiles at fractions."""
        return ImplicitQuantileHead(
            n_networks,
            n_features,
            n_actions,
            n_cosines=self.n_cosines,
            kappa=self.kappa,
            dueling=self.dueling,
            noisy=self.noisy,
            n_hidden=self.stream,
            n_midpoints=self.n_acting_samples,
        )

    def loss(self, online: Any, target: Any, batch: Batch, generators: Sequence[torch.Generator]) -> Loss:
        """Return the quantile losses over all pairs of fractions."""
        agents: AgentNetwork = online.agents
        behind: AgentNetwork = target.agents
        outputs, features = agents(
            batch.observations, batch.memory, batch.starts, generators=generators, n_samples=self.n_samples
        )
        with torch.no_grad():
            then = self.features_behind(behind, batch, features)
            next_outputs = behind.following(batch.reached, then, generators=generators, n_samples=self.n_target_samples)
            # Other fractions than those of the targets, lest an action be chosen for the luck of its draws.
            asked = next_outputs if self.double else behind.following(batch.reached, then)
        choices = self.next_choices(agents, batch, features, behind.head_values(asked))
        discounts = batch.discounts.unsqueeze(-1).expand_as(batch.rewards)
        head: Any = agents.head
        errors = head.errors(outputs, batch.actions, batch.rewards, discounts, next_outputs, choices)
        return Loss(errors.losses.sum(-1), errors.priorities.mean((1, 3)))
