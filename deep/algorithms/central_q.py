"""Central Q-learning: one deep Q-network over the joint actions of all agents, who are seen as one.

The joint action is one of the product of all agents' actions, so this fits small teams only; what it learns, no
restriction to single agents' utilities can improve upon. It is rewarded by the common reward, or the sum of rewards.

Departures
----------
1. Those of :mod:`marlgt.deep.algorithms.dqn`; double Q-learning is on unless `double` is turned off.

References
----------
Albrecht, S. V., Christianos, F. & Schäfer, L. (2024). Multi-agent reinforcement learning: foundations and modern
approaches, section 5.2. MIT Press.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from marlgt.deep.algorithms.dqn import DQN

if TYPE_CHECKING:
    from marlgt.deep.environments import BatchEnv

__all__ = ["CentralQ"]


@dataclass(frozen=True, kw_only=True)
class CentralQ(DQN):
    """Central Q-learning; see :class:`~marlgt.deep.algorithms.value_algorithm.ValueAlgorithm` for the settings."""

    name: ClassVar[str] = "CentralQ"

    double: bool = True

    def view(self, env: BatchEnv) -> BatchEnv:
        """Return the environment with all agents as one."""
        from marlgt.deep.environments.joint_view import JointView

        return JointView(env)
