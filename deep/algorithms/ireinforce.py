"""Independent REINFORCE: every agent learns from her own returns, and to her the others are part of the environment.

References
----------
Albrecht, S. V., Christianos, F. and Schäfer, L. (2024). Multi-agent reinforcement learning. MIT Press, algorithm 18.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from marlgt.deep.algorithms.reinforce import REINFORCE

__all__ = ["IREINFORCE"]


@dataclass(frozen=True, kw_only=True)
class IREINFORCE(REINFORCE):
    """Independent REINFORCE; its switches are those of :class:`REINFORCE`."""

    name: ClassVar[str] = "IREINFORCE"
