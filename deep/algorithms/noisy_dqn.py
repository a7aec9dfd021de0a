"""Noisy networks: weights with learnt noise explore, in place of random actions.

The layers of the head have weights ``mu + sigma * e`` with factorised Gaussian noise ``e``, drawn anew for every step
of the copies and for every update, in the network and its target apart. Evaluation is without noise.

Departures
----------
1. The hidden layers before the head have no noise; the paper's are convolutions there.
2. All copies of a seed act on the same draw of the noise.
3. The next action is chosen with the noise of the value that is learnt; the paper draws a third one for it.

References
----------
Fortunato, M. et al. (2018). Noisy networks for exploration. ICLR.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from marlgt.deep.algorithms.dqn import DQN

__all__ = ["NoisyDQN"]


@dataclass(frozen=True, kw_only=True)
class NoisyDQN(DQN):
    """Deep Q-networks with noisy layers.

    The settings are those of :class:`~marlgt.deep.algorithms.value_algorithm.ValueAlgorithm`.
    """

    name: ClassVar[str] = "NoisyDQN"

    double: bool = True
    noisy: bool = True
    epsilon_start: float = 0.0
    epsilon_end: float = 0.0
