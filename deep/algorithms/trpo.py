"""Trust region policy optimisation: the longest natural step that stays near the policy which made the rollout.

With the surrogate ``L = E[ρ A]`` and δ the radius (Schulman et al. 2015, section 6 and appendix C), a rollout gives
one step of the policy::

    maximise L    subject to    E[KL(π_old || π)] <= δ

by conjugate gradients, and by halving until L rises and the divergence, which is computed exactly, is within the
radius; where no step is found, the policy stays. See :mod:`marlgt.deep.trust_region`.

Departures
----------
1. All rows of a rollout serve for the divergence, the paper's tenth of them for its curvature only.
2. Advantages are generalised ones, brought to mean 0 and deviation 1; the paper's are returns.
3. Agents that share a network, or do not, take one step together: the divergence is the mean over agents.

References
----------
Schulman, J., Levine, S., Abbeel, P., Jordan, M. and Moritz, P. (2015). Trust region policy optimization. ICML.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import torch
from torch import Tensor

from marlgt.deep.algorithms.algorithm import require_least, require_positive
from marlgt.deep.algorithms.policy_algorithm import PolicyAlgorithm
from marlgt.deep.losses.policies import standardised_advantages
from marlgt.deep.networks.recurrence import differentiable_twice
from marlgt.deep.trust_region import (
    LineSearch,
    as_seed_rows,
    conjugate_gradient,
    line_search,
    natural_step,
    second_derivative_product,
    seed_rows_as,
)
from marlgt.errors import GameError

if TYPE_CHECKING:
    from marlgt.deep.learners.policy_learner import PolicyLearner
    from marlgt.deep.rollouts.minibatches import Minibatch

__all__ = ["TRPO"]


@dataclass(frozen=True, kw_only=True)
class TRPO(PolicyAlgorithm):
    """Trust region policy optimisation, for each agent that there is; `lr` and `minibatches` are the critic's.

    Attributes
    ----------
    kl_radius : float
        δ, the largest mean divergence of a step, nats.
    cg_iterations : int
        Of conjugate gradients.
    damping : float
        What is added to the diagonal of Fisher's matrix.
    backtracks : int
        How many steps, each half of the one before, are tried.
    value_epochs : int
        How often the critic learns from each rollout.
    """

    name: ClassVar[str] = "TRPO"

    lr: float = 1e-3
    minibatches: int = 16
    kl_radius: float = 0.01
    cg_iterations: int = 10
    damping: float = 0.1
    backtracks: int = 10
    value_epochs: int = 10

    def __post_init__(self) -> None:
        super().__post_init__()
        require_positive(self, "kl_radius")
        require_least(self, 1, "cg_iterations", "backtracks", "value_epochs")
        if self.damping < 0:
            raise GameError(f"damping must not be negative, got {self.damping!r}")
        if self.shared_torso:
            raise GameError("shared_torso lets the critic's steps move the policy out of its radius: leave it out")
        if self.epochs != 1:
            raise GameError(
                f"TRPO takes one step of the policy from a rollout, got epochs {self.epochs!r}: leave epochs at 1, and "
                "give value_epochs for the critic"
            )
        if self.kl_limit is not None:
            raise GameError("kl_limit is for policies that take several updates: give TRPO's kl_radius")

    def policy_losses(self, log_probabilities: Tensor, before: Tensor, advantages: Tensor) -> Tensor:
        """Return what the surrogate loses beside the policy that made the rollout, ``(1 - ρ) A``."""
        return -torch.expm1(log_probabilities - before) * advantages

    def improve(self, learner: PolicyLearner, rows: Minibatch) -> None:
        """Take a step of the policy, and then some of the critic."""
        self.step_policy(learner, rows)
        if self.value_weight:
            learner.fit_critic(rows, self.value_epochs)

    def step_policy(self, learner: PolicyLearner, rows: Minibatch) -> LineSearch:
        """Take the longest step of each seed's policy that is good enough; return how far it went."""
        from marlgt.deep.rollouts.minibatches import averaged

        law, n_seeds = learner.law, len(learner.seeds)
        parameters = list(learner.module.actors.parameters())
        advantages = standardised_advantages(rows.advantages) if self.normalise_advantages else rows.advantages

        def outputs_now() -> Tensor:
            starts = rows.starts if self.recurrent else None
            outputs: Tensor = law.masked(
                learner.module.policies(rows.observations, rows.memories, starts)[0], rows.allowed
            )
            return outputs

        with differentiable_twice():
            outputs = outputs_now()
        old = outputs.detach()
        before, entropies = law.log_probability(old, rows.actions), law.entropy(old)

        def gains_of(new: Tensor) -> Tensor:
            gains = -self.policy_losses(law.log_probability(new, rows.actions), before, advantages)
            if learner.entropy_weight:
                gains = gains + learner.entropy_weight * (law.entropy(new) - entropies)
            return averaged(gains, rows.weights)

        def divergences_of(new: Tensor) -> Tensor:
            return averaged(law.divergence(old, new), rows.weights) / old.shape[-2]

        slopes = torch.autograd.grad(gains_of(outputs).sum(), parameters, retain_graph=True)
        product = second_derivative_product(divergences_of(outputs), parameters, damping=self.damping)
        uphill = as_seed_rows(slopes, n_seeds)
        step = natural_step(conjugate_gradient(product, uphill, iterations=self.cg_iterations), product, self.kl_radius)
        del product, outputs
        with torch.no_grad():
            here = as_seed_rows(parameters, n_seeds).clone()

            def move(shares: Tensor) -> None:
                marks = shares.unsqueeze(1)
                # Where nothing is taken, a step that is no number must not count.
                there = torch.where(marks > 0, here + marks * step, here)
                for parameter, values in zip(parameters, seed_rows_as(there, parameters)):
                    parameter.copy_(values)

            def judge(shares: Tensor) -> tuple[Tensor, Tensor]:
                move(shares)
                new = outputs_now()
                return gains_of(new), divergences_of(new)

            found = line_search(judge, n_seeds, radius=self.kl_radius, backtracks=self.backtracks, device=here.device)
            move(found.shares)
        return found
