"""The learner of policies whose critic tells what each action is worth, given what the others did."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, cast

import torch
from torch import Tensor

from marlgt.deep.learners.policy_learner import TARGETS, PolicyLearner
from marlgt.deep.losses.policies import others_actions
from marlgt.deep.losses.returns import lambda_returns
from marlgt.deep.losses.targets import action_values
from marlgt.deep.networks.policy_networks import Memories, PolicyNetwork
from marlgt.deep.rollouts.minibatches import Minibatch, all_rows
from marlgt.deep.seeded_environments import SeededEnvs, SeededStep

if TYPE_CHECKING:
    from marlgt.deep.algorithms.central_critic import CentralCritic
    from marlgt.deep.algorithms.value_algorithm import Spec

__all__ = ["ActionCriticLearner"]


class ActionCriticLearner(PolicyLearner):
    """Policies, critics of actions with target networks, an optimiser and a rollout for S seeds.

    Targets are λ-returns over values Q'(s, u) of the target networks, at the actions that were taken next. Where an
    episode is stopped, and at the end of a rollout, nothing was taken next: it is drawn from the policies.

    Parameters
    ----------
    algorithm : CentralCritic
    spec : Spec
    seeds : sequence of int
    steps : int
        Environment steps of the whole run, for each seed; rates fall over them.
    device : torch.device or str
    """

    algorithm: CentralCritic

    def __init__(
        self,
        algorithm: CentralCritic,
        spec: Spec,
        seeds: Sequence[int],
        *,
        steps: int,
        device: torch.device | str = "cpu",
    ) -> None:
        super().__init__(algorithm, spec, seeds, steps=steps, device=device)
        self.target_parameters = self.parameters.follower()
        self.target = cast("PolicyNetwork", self.target_parameters.module)

    def observe(self, step: SeededStep, envs: SeededEnvs) -> None:
        """Keep what the actions led to, and what is allowed there."""
        if self.spec.masked:
            self.rollout.put(reached_allowed=envs.reached_allowed)
        super().observe(step, envs)

    def learn(self) -> None:
        """Learn from the rollout, if it is full, and renew the target networks when it is time."""
        before = self.updates
        super().learn()
        if self.updates > before and self.updates % self.algorithm.target_period == 0:
            self.target_parameters.copy_from(self.parameters)

    @torch.no_grad()
    def rows(self) -> Minibatch:
        """Return all rows of the rollout, with what is to be learnt from them."""
        kept, algorithm = self.rollout.fields, self.algorithm
        actions = kept["actions"]
        self._entropy = self.law.entropy(kept["outputs"]).mean()
        rewards, discounts, ends = self.paid()
        values = self.action_values(kept["observations"], kept.get("states"), actions)
        following = self._following_actions(actions, ends)
        reached = self.action_values(kept["reached"], kept.get("reached_states"), following, self.target)
        targets = lambda_returns(rewards, discounts, ends, action_values(reached, following), algorithm.trace)
        policies = self.law.probabilities(kept["outputs"])
        advantages = algorithm.advantages(values, policies, actions)
        memories = Memories()
        if algorithm.recurrent:
            memories = Memories(self.remembered.fields["policy"].flatten(1, 2))
        return all_rows(
            kept,
            algorithm.window,
            before=self.law.log_probability(kept["outputs"], actions),
            advantages=advantages,
            values=action_values(values, actions),
            targets=targets,
            memories=memories,
        )

    def action_values(
        self, observations: Tensor, states: Tensor | None, actions: Tensor, network: PolicyNetwork | None = None
    ) -> Tensor:
        """Return Q_i(s, (a, u_-i)) for each agent i and each of her actions a, shape (S, L, R, n, A).

        Parameters
        ----------
        observations : Tensor, shape (S, L, R, n, D)
        states : Tensor, shape (S, L, R, Z), optional
            Where the critic sees them.
        actions : Tensor of int64, shape (S, L, R, n)
            u.
        network : PolicyNetwork, optional
            Whose critic is asked; by default that which learns.
        """
        told = others_actions(actions, self.spec.n_actions)
        asked = self.module if network is None else network
        return asked.values(observations, states, Memories(), None, told=told)[0]

    def value_losses(self, batch: Minibatch, features: Tensor | None = None) -> Tensor:
        """Return the critic's losses, shape (S, L, R, n), at the actions taken."""
        taken = action_values(self.action_values(batch.observations, batch.states, batch.actions), batch.actions)
        return self.algorithm.value_losses(self.critic, taken.unsqueeze(-1), batch.targets, batch.values)

    def _following_actions(self, actions: Tensor, ends: Tensor) -> Tensor:
        """Return what is done in what each step led to, shape (S, T, B, n); anything where nothing follows."""
        kept = self.rollout.fields
        if self.algorithm.recurrent:
            first = Memories(self.remembered.fields["policy"][:, 0])
            _, features = self.module.policies(kept["observations"], first, kept["starts"])
            outputs = self.module.following_policies(kept["reached"], features)
        else:
            outputs, _ = self.module.policies(kept["reached"], Memories(), None)
        outputs = self.law.masked(outputs, kept.get("reached_allowed"))
        # Drawn for every step, so that how many numbers a seed draws does not depend on what happened to others.
        drawn = self.law.sample(outputs, self.generators[TARGETS])
        unknown = ends.clone()
        unknown[:, -1] = True
        following = torch.cat((actions[:, 1:], actions[:, -1:]), dim=1)
        return torch.where(unknown.unsqueeze(-1), drawn, following)

    def state(self) -> dict[str, Tensor]:
        """Return everything that a run needs to go on bit for bit, by name."""
        return {**super().state(), "targets": self.target_parameters.values.detach().clone()}

    def load(self, tensors: Mapping[str, Tensor]) -> None:
        """Take up a state of :meth:`state`."""
        super().load(tensors)
        with torch.no_grad():
            self.target_parameters.values.copy_(tensors["targets"])
