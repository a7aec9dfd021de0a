"""Deep Q-networks: the values of one agent's actions, learnt off policy from a replay.

The loss of a transition is ``(r + discount Q'(s', a*) - Q(s, a))^2`` where ``Q'`` is the target network, a copy that
lags behind, and ``a*`` its best action (Mnih et al. 2015, algorithm 1). Nothing follows a terminal state; a state in
which the clock stopped the episode keeps its value.

Departures
----------
1. Adam in place of RMSprop, and squared errors unless `huber` is set; the paper clips errors at 1.
2. Several copies of the environment are stepped at once.

References
----------
Mnih, V. et al. (2015). Human-level control through deep reinforcement learning. Nature 518, 529-533.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import torch
from torch import Tensor

from marlgt.deep.algorithms.value_algorithm import HandLoss, Loss, ValueAlgorithm
from marlgt.deep.losses.targets import action_values, greedy
from marlgt.deep.networks.agent_networks import AgentNetwork

if TYPE_CHECKING:
    from marlgt.deep.learners.compiled_learning import CompiledLearning
    from marlgt.deep.learners.value_learner import ValueLearner
    from marlgt.deep.networks.plain_networks import PlainNetwork
    from marlgt.deep.replay.store import Batch

__all__ = ["DQN"]


@dataclass(frozen=True, kw_only=True)
class DQN(ValueAlgorithm):
    """Deep Q-networks, one for each agent that there is; its other switches are those of :class:`ValueAlgorithm`.

    Attributes
    ----------
    compiled : bool
        Whether acting, remembering and learning run as compiled loops in place of PyTorch's operations, some times
        faster for small perceptrons on a processor; results are the same to rounding. The first run of all compiles
        for some fifteen seconds, later ones load what it compiled in one.
    """

    name: ClassVar[str] = "DQN"

    double: bool = False
    compiled: bool = False

    def compiled_side(self, learner: ValueLearner) -> CompiledLearning | None:
        """Return what learns by compiled loops, if asked: only who asks for it waits for its modules."""
        if not self.compiled:
            return None
        from marlgt.deep.learners.compiled_learning import CompiledLearning

        return CompiledLearning.of(learner)

    def loss(self, online: Any, target: Any, batch: Batch, generators: Sequence[torch.Generator]) -> Loss:
        """Return the sum over agents of the errors of their own values."""
        agents: AgentNetwork = online.agents
        behind: AgentNetwork = target.agents
        outputs, features = agents(batch.observations, batch.memory, batch.starts)
        with torch.no_grad():
            then = self.features_behind(behind, batch, features)
            next_outputs = behind.following(batch.reached, then)
        choices = self.next_choices(agents, batch, features, behind.head_values(next_outputs))
        rewards, discounts = batch.rewards, batch.discounts.unsqueeze(-1).expand_as(batch.rewards)
        if self.recurrent and self.trace > 0:
            next_values = action_values(behind.head_values(next_outputs), choices)
            rewards, discounts = self.returns(batch, rewards, next_values), torch.zeros_like(rewards)
        head: Any = agents.head
        errors = head.errors(outputs, batch.actions, rewards, discounts, next_outputs, choices)
        return Loss(errors.losses.sum(-1), errors.priorities.mean((1, 3)))

    def loss_by_hand(self, online: PlainNetwork, target: PlainNetwork, batch: Batch) -> HandLoss | None:
        """Return the squared errors of single steps, and their gradients by hand."""
        if self.huber is not None or type(self).next_choices is not ValueAlgorithm.next_choices:
            return None
        outputs, entering = online.values(batch.observations)
        next_outputs, _ = target.values(batch.reached)
        choosing = online.values(batch.reached)[0] if self.double else next_outputs
        choices = greedy(choosing, batch.reached_allowed)
        targets = batch.rewards + batch.discounts.unsqueeze(-1) * action_values(next_outputs, choices)
        errors = targets - action_values(outputs, batch.actions)

        def pull_back(gradient: Tensor) -> None:
            taken = (gradient.unsqueeze(-1) * (2.0 * errors)).neg_().unsqueeze(-1)
            online.pull_back(entering, torch.zeros_like(outputs).scatter_(-1, batch.actions.unsqueeze(-1), taken))

        return HandLoss(Loss(errors.square().sum(-1), errors.abs().mean((1, 3))), pull_back)
