"""Independent PPO: every agent is her own PPO, and to her the others are part of the environment.

Losses are summed over agents and averaged over the rows of all copies. With `share` 'all' (the default) agents also
share their networks, and are told who they are.

References
----------
de Witt, C. S. et al. (2020). Is independent learning all you need in the StarCraft multi-agent challenge?
arXiv:2011.09533.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from marlgt.deep.algorithms.ppo import PPO

__all__ = ["IPPO"]


@dataclass(frozen=True, kw_only=True)
class IPPO(PPO):
    """Independent PPO; its switches are those of :class:`PPO`."""

    name: ClassVar[str] = "IPPO"
