"""Independent deep Q-networks: every agent learns the values of her own actions, as if the others were the world.

The loss is the sum over agents of ``(r_i + discount max Q_i'(h_i', .) - Q_i(h_i, a_i))^2``. With `share` ``"all"`` the
agents have one network and learn from all agents' experience (parameter and experience sharing); with ``"none"`` each
has her own network, and learns from her own.

Departures
----------
1. Double Q-learning is on unless `double` is turned off; the paper's learners have none.

References
----------
Tampuu, A. et al. (2017). Multiagent cooperation and competition with deep reinforcement learning. PLOS ONE 12(4).
Tan, M. (1993). Multi-agent reinforcement learning: independent vs. cooperative agents. ICML.
Gupta, J. K., Egorov, M. & Kochenderfer, M. (2017). Cooperative multi-agent control using deep reinforcement learning.
AAMAS workshops. Parameter sharing.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from marlgt.deep.algorithms.dqn import DQN

__all__ = ["IDQN"]


@dataclass(frozen=True, kw_only=True)
class IDQN(DQN):
    """Independent deep Q-networks; see :class:`~marlgt.deep.value_algorithm.ValueAlgorithm` for the settings."""

    name: ClassVar[str] = "IDQN"

    double: bool = True
