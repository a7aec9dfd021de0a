"""Double deep Q-networks: the network chooses the next action, and its target says what that is worth.

The target is ``r + discount Q'(s', argmax_a Q(s', a))``, which overestimates less than ``max_a Q'(s', a)``: the action
that one set of noisy values likes best is valued by another.

Departures
----------
1. Those of :mod:`marlgt.deep.algorithms.dqn`.

References
----------
van Hasselt, H., Guez, A. & Silver, D. (2016). Deep reinforcement learning with double Q-learning. AAAI.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from marlgt.deep.algorithms.dqn import DQN

__all__ = ["DoubleDQN"]


@dataclass(frozen=True, kw_only=True)
class DoubleDQN(DQN):
    """Double deep Q-networks; see :class:`~marlgt.deep.algorithms.value_algorithm.ValueAlgorithm` for the settings."""

    name: ClassVar[str] = "DoubleDQN"

    double: bool = True
