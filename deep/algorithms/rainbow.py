"""Rainbow: six improvements of deep Q-networks at once, each of which can be switched off.

====================  ==============================
switch                part
====================  ==============================
`double`              double Q-learning
`prioritised`         prioritised replay, by the Kullback-Leibler divergence
`dueling`             dueling networks, atom by atom
`n_steps` (1 is off)  returns of several steps
`distributional`      C51's distribution of the return
`noisy`               noisy layers in place of random actions
====================  ==============================

Departures
----------
1. Without noisy layers, actions are random by `epsilon_start` and `epsilon_end`, which then have to be set.
2. Hidden layers in place of convolutions, and no noise in them.

References
----------
Hessel, M. et al. (2018). Rainbow: combining improvements in deep reinforcement learning. AAAI.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from torch import nn

from marlgt.deep.algorithms.c51 import C51
from marlgt.deep.algorithms.value_algorithm import ValueAlgorithm

__all__ = ["Rainbow"]


@dataclass(frozen=True, kw_only=True)
class Rainbow(C51):
    """Rainbow; other settings are those of :class:`~marlgt.deep.algorithms.value_algorithm.ValueAlgorithm`.

    Attributes
    ----------
    distributional : bool
        Whether the distribution of the return is learnt (C51), or its mean.
    """

    name: ClassVar[str] = "Rainbow"

    double: bool = True
    dueling: bool = True
    noisy: bool = True
    prioritised: bool = True
    priority_exponent: float = 0.5
    n_steps: int = 3
    epsilon_start: float = 0.0
    epsilon_end: float = 0.0
    distributional: bool = True

    @property
    def tells_laws(self) -> bool:
        """Whether the distribution of the return is learnt, rather than its mean."""
        return self.distributional

    def head(self, n_networks: int, n_features: int, n_actions: int) -> nn.Module:
        """Return the layers that give logits of the atoms, or values."""
        if self.distributional:
            return super().head(n_networks, n_features, n_actions)
        return ValueAlgorithm.head(self, n_networks, n_features, n_actions)
