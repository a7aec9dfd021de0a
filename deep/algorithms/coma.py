"""Counterfactual multi-agent policy gradients: an agent is credited with what her action adds to what she might do.

With the centralised critic of :mod:`marlgt.deep.algorithms.central_critic` (Foerster et al. 2018, equation 4)::

    A_i = Q_i(s, u) - Σ_a π_i(a | h_i) Q_i(s, (a, u_-i))

The baseline does not depend on what agent i did, so that the gradient stays unbiased; actions that are not allowed
have no share of it.

Departures
----------
1. The critic is updated once from all steps of a rollout, the paper's step by step, backwards; policies learn from what
   it told before.
2. Adam in place of RMSprop; exploration by a bonus for entropy, the paper's by a share of random actions that falls.
3. The critic also sees who an agent is only where agents share a network, and her last action only if observations
   hold it.

References
----------
Foerster, J., Farquhar, G., Afouras, T., Nardelli, N. and Whiteson, S. (2018). Counterfactual multi-agent policy
gradients. AAAI.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from torch import Tensor

from marlgt.deep.algorithms.central_critic import CentralCritic
from marlgt.deep.losses.policies import counterfactual_advantages

__all__ = ["COMA"]


@dataclass(frozen=True, kw_only=True)
class COMA(CentralCritic):
    """Counterfactual multi-agent policy gradients; its switches are those of :class:`CentralCritic`."""

    name: ClassVar[str] = "COMA"

    def advantages(self, values: Tensor, policies: Tensor, actions: Tensor) -> Tensor:
        """Return counterfactual advantages, shape (..., n)."""
        return counterfactual_advantages(values, policies, actions)
