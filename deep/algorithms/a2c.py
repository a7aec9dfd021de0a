"""Advantage actor-critic: one step along the policy gradient after every few steps of the environment.

With advantages A through which no gradient flows (Mnih et al. 2016, section 4)::

    policy loss    -A log π(a|h)

Departures
----------
1. Copies are stepped together, not by threads of their own (the synchronous form).
2. Adam in place of RMSprop; generalised advantages, which with `trace` 1 are the paper's.

References
----------
Mnih, V. et al. (2016). Asynchronous methods for deep reinforcement learning. ICML.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from torch import Tensor

from marlgt.deep.algorithms.policy_algorithm import PolicyAlgorithm
from marlgt.deep.losses.policies import policy_gradient_losses

__all__ = ["A2C"]


@dataclass(frozen=True, kw_only=True)
class A2C(PolicyAlgorithm):
    """Advantage actor-critic, for each agent that there is."""

    name: ClassVar[str] = "A2C"

    lr: float = 7e-4
    rollout_steps: int = 5
    trace: float = 1.0
    normalise_advantages: bool = False

    def policy_losses(self, log_probabilities: Tensor, before: Tensor, advantages: Tensor) -> Tensor:
        """Return the losses of the policy gradient."""
        return policy_gradient_losses(log_probabilities, advantages)
