"""Multi-agent A2C: policies that see their own observations, and a critic in training that sees the state too.

What is learnt is V(h, z), with z whatever the critic is shown beside the history h of the agent, which leaves the
policy gradient unbiased (Lyu et al. 2023; Albrecht et al. 2024, section 9.4.2).

References
----------
Papoudakis, G., Christianos, F., Schäfer, L. and Albrecht, S. V. (2021). Benchmarking multi-agent deep reinforcement
learning algorithms in cooperative tasks. NeurIPS, datasets and benchmarks.
Lyu, X. et al. (2023). On centralized critics in multi-agent reinforcement learning. JAIR 77.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal

from marlgt.deep.algorithms.a2c import A2C

__all__ = ["MAA2C"]


@dataclass(frozen=True, kw_only=True)
class MAA2C(A2C):
    """Multi-agent A2C; its switches are those of :class:`PolicyAlgorithm`."""

    name: ClassVar[str] = "MAA2C"

    critic_sees: Literal["observation", "state", "both", "joint"] = "both"
