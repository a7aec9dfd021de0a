"""Prioritised replay: transitions are learnt from the more often, the more wrong their values were.

A transition is drawn with probability proportional to ``(|error| + 1e-6)^priority_exponent``, and its loss is weighted
by ``(N P)^-beta`` over the largest such weight in the batch, with beta rising from `priority_correction` to 1.

Departures
----------
1. Those of :mod:`marlgt.deep.algorithms.dqn`; double Q-learning is on, as in the paper.
2. The error of a window of several agents or steps is the mean of theirs.

References
----------
Schaul, T., Quan, J., Antonoglou, I. & Silver, D. (2016). Prioritized experience replay. ICLR.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from marlgt.deep.algorithms.dqn import DQN

__all__ = ["PrioritisedDQN"]


@dataclass(frozen=True, kw_only=True)
class PrioritisedDQN(DQN):
    """Prioritised replay; see :class:`~marlgt.deep.algorithms.value_algorithm.ValueAlgorithm` for the settings."""

    name: ClassVar[str] = "PrioritisedDQN"

    double: bool = True
    prioritised: bool = True
