"""REINFORCE: the policy gradient by whole returns, less a baseline that leaves it unbiased.

With returns G and a baseline b (Williams 1992, theorem 1; Sutton and Barto 2018, section 13.4)::

    policy loss    -(G - b) log π(a|h)

Departures
----------
1. A rollout is cut after `rollout_steps`. With a baseline, what would have followed is its value, as where a clock
   stopped the episode; without one, steps whose episode did not end within the rollout are left out, and nothing is
   counted behind a stopped one.
2. Several episodes are learnt from at once; later actions of an episode count as much as early ones, which leaves out
   the factor γ^t.

References
----------
Williams, R. J. (1992). Simple statistical gradient-following algorithms for connectionist reinforcement learning.
Machine Learning 8, 229-256.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor

from marlgt.deep.algorithms.policy_algorithm import PolicyAlgorithm
from marlgt.deep.losses.policies import policy_gradient_losses
from marlgt.errors import GameError

__all__ = ["REINFORCE"]


@dataclass(frozen=True, kw_only=True)
class REINFORCE(PolicyAlgorithm):
    """REINFORCE, for each agent that there is.

    Attributes
    ----------
    value_weight : float
        What the baseline's loss counts; 0 is no baseline, and the policy learns from returns as they are.
    """

    name: ClassVar[str] = "REINFORCE"

    lr: float = 1e-3
    trace: float = 1.0

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.trace != 1.0:
            raise GameError(f"REINFORCE learns from whole returns: trace must be 1, got {self.trace!r}; A2C has others")

    @property
    def baseless(self) -> bool:
        """Whether there is no baseline."""
        return self.value_weight == 0.0

    def step_weights(self, ends: Tensor) -> Tensor | None:
        """Return 1 for steps whose episode ended within the rollout, 0 for others; None with a baseline."""
        if not self.baseless:
            return None
        return torch.flip(torch.cummax(torch.flip(ends.float(), (1,)), 1).values, (1,))

    def policy_losses(self, log_probabilities: Tensor, before: Tensor, advantages: Tensor) -> Tensor:
        """Return the losses of the policy gradient."""
        return policy_gradient_losses(log_probabilities, advantages)
