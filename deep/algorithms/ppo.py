"""Proximal policy optimisation: several epochs on a rollout, with no gain from ratios that leave an interval.

With the ratio ρ = π(a|h) / π_old(a|h) of the policy as it is to the one that took the action (Schulman et al. 2017,
equation 7)::

    policy loss    max(-A ρ, -A clip(ρ, 1 - c, 1 + c))

Departures
----------
1. The critic's loss may be clipped too, as in the authors' code: ``max((y - V)², (y - V_old - clip(V - V_old, ±c))²)``.
2. Advantages are normalised in each mini-batch, the last layer of the policy begins small, and gradients are clipped;
   the paper has none of these, its code has all.
3. Updates of a rollout may end early, by `kl_limit`.

References
----------
Schulman, J., Wolski, F., Dhariwal, P., Radford, A. and Klimov, O. (2017). Proximal policy optimization algorithms.
arXiv:1707.06347.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from torch import Tensor

from marlgt.deep.algorithms.algorithm import require_positive
from marlgt.deep.algorithms.policy_algorithm import PolicyAlgorithm
from marlgt.deep.losses.policies import clipped_surrogate_losses, clipped_value_losses
from marlgt.errors import GameError

if TYPE_CHECKING:
    from marlgt.deep.learners.compiled_policy_learning import CompiledPolicies
    from marlgt.deep.learners.policy_learner import PolicyLearner

__all__ = ["PPO"]


@dataclass(frozen=True, kw_only=True)
class PPO(PolicyAlgorithm):
    """Proximal policy optimisation, for each agent that there is.

    Attributes
    ----------
    ratio_clip : float
        c: ratios count from 1 - c to 1 + c.
    value_clip : float or None
        How far a scalar critic's value may move before moving it further is no gain.
    compiled : bool
        Whether acting and learning run as compiled loops in place of PyTorch's operations, some times faster for small
        perceptrons on a processor; results are the same to rounding. The first run of all compiles for some thirty
        seconds, later ones load what it compiled in two.
    """

    name: ClassVar[str] = "PPO"

    epochs: int = 4
    minibatches: int = 4
    ratio_clip: float = 0.2
    value_clip: float | None = None
    compiled: bool = False

    def __post_init__(self) -> None:
        super().__post_init__()
        require_positive(self, "ratio_clip", "value_clip")
        if self.value_clip is not None and self.critic != "scalar":
            raise GameError(f"value_clip is for a scalar critic, and this one is {self.critic!r}: leave it out")

    def compiled_side(self, learner: PolicyLearner) -> CompiledPolicies | None:
        """Return what acts and learns by compiled loops, if asked: only who asks for it waits for its modules."""
        if not self.compiled:
            return None
        from marlgt.deep.learners.compiled_policy_learning import CompiledPolicies

        return CompiledPolicies.of(learner)

    def policy_losses(self, log_probabilities: Tensor, before: Tensor, advantages: Tensor) -> Tensor:
        """Return the clipped surrogate loss."""
        return clipped_surrogate_losses(log_probabilities, before, advantages, self.ratio_clip)

    def value_losses(self, critic: Any, outputs: Tensor, targets: Any, before: Tensor) -> Tensor:
        """Return the critic's loss, clipped if asked."""
        if self.value_clip is None:
            return super().value_losses(critic, outputs, targets, before)
        return clipped_value_losses(critic.mean(outputs), before, targets, self.value_clip, delta=self.huber)
