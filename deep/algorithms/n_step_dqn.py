"""n-step deep Q-networks: the reward of several steps, and then the value of what was reached.

The target is ``r_0 + ... + discount^(n-1) r_(n-1) + discount^n max_a Q'(s_n, a)``, cut off where the episode ends:
without a value after a terminal state, and with the value of what was reached where the clock stopped it.

Departures
----------
1. Off policy and uncorrected, as in Rainbow; the later actions of the window are those that were taken.

References
----------
Sutton, R. S. & Barto, A. G. (2018). Reinforcement learning: an introduction, section 7.1. MIT Press.
Hessel, M. et al. (2018). Rainbow: combining improvements in deep reinforcement learning. AAAI.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from marlgt.deep.algorithms.dqn import DQN

__all__ = ["NStepDQN"]


@dataclass(frozen=True, kw_only=True)
class NStepDQN(DQN):
    """n-step deep Q-networks; see :class:`~marlgt.deep.algorithms.value_algorithm.ValueAlgorithm` for the settings."""

    name: ClassVar[str] = "NStepDQN"

    double: bool = True
    n_steps: int = 3
