"""Dueling deep Q-networks: a value of the state and advantages of the actions, added up.

``Q(s, a) = V(s) + A(s, a) - mean_b A(s, b)`` (equation 9): what is the same for all actions is learnt once.

Departures
----------
1. V and A are single layers on the shared hidden layers, unless `stream` gives each a hidden layer of its own, as in
   the paper.
2. Gradients are clipped to a norm of 10 as in the paper; those that enter the shared layers are not rescaled.
3. Double Q-learning is on, as in the paper.

References
----------
Wang, Z. et al. (2016). Dueling network architectures for deep reinforcement learning. ICML.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from marlgt.deep.algorithms.dqn import DQN

__all__ = ["DuelingDQN"]


@dataclass(frozen=True, kw_only=True)
class DuelingDQN(DQN):
    """Dueling deep Q-networks; see :class:`~marlgt.deep.algorithms.value_algorithm.ValueAlgorithm` for the settings."""

    name: ClassVar[str] = "DuelingDQN"

    double: bool = True
    dueling: bool = True
