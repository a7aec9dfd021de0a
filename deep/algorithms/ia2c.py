"""Independent A2C: every agent is her own actor-critic, and to her the others are part of the environment.

Losses are summed over agents and averaged over the rows of all copies (Albrecht et al. 2024, section 9.3.3).

References
----------
Albrecht, S. V., Christianos, F. and Schäfer, L. (2024). Multi-agent reinforcement learning. MIT Press.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from marlgt.deep.algorithms.a2c import A2C

__all__ = ["IA2C"]


@dataclass(frozen=True, kw_only=True)
class IA2C(A2C):
    """Independent A2C; its switches are those of :class:`PolicyAlgorithm`."""

    name: ClassVar[str] = "IA2C"
